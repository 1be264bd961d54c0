package kube

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Apply puts a policy, as the API prints it, in the place of the one of the
// same kind and name, or beside the others if there is none. Only the pods that
// the old or the new one selects are decided again, unless the policy draws
// edges or asks for labels that no other does; then all is. The error is that
// of Cluster.Add, and what it says there holds here; or that the object is no
// policy, and then nothing was changed.
func (e *Engine) Apply(place string, policy map[string]any) error {
	kind, _ := policy["kind"].(string)
	version, _ := policy["apiVersion"].(string)
	group, _, _ := strings.Cut(version, "/")
	if !policyGroup(group, kind) || !strings.HasSuffix(kind, "Policy") && kind != "PeerAuthentication" {
		return fmt.Errorf("%s: %s is no policy\nhint: other changes need a new Engine", place, kind)
	}
	id := policyID(policy)
	before := e.cluster.BlocksMatchPods
	e.remove(id)
	n := len(e.cluster.policies)
	err := e.cluster.Add(place, policy)
	e.refresh(n, before != e.cluster.BlocksMatchPods)
	return err
}

// Delete takes away the policy "KIND NAMESPACE/NAME" (or "KIND NAME") and says
// whether there was one.
func (e *Engine) Delete(id string) bool {
	found := e.remove(id)
	if found {
		e.refresh(len(e.cluster.policies), false)
	}
	return found
}

func policyID(object map[string]any) string {
	kind, _ := object["kind"].(string)
	meta, _ := object["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	ns, _ := meta["namespace"].(string)
	if ns == "" && namespaced[kind] {
		ns = "default"
	}
	version, _ := object["apiVersion"].(string)
	group, _, _ := strings.Cut(version, "/")
	return called(group, kind) + " " + strings.TrimPrefix(ns+"/"+name, "/")
}

func (e *Engine) remove(id string) bool {
	n := len(e.cluster.policies)
	e.cluster.policies = slices.DeleteFunc(e.cluster.policies, func(p *policy) bool { return p.id == id })
	return len(e.cluster.policies) < n
}

// refresh compiles the policies from n on, drops those that are gone, and
// sorts the classes into groups anew; groups whose policies are the same keep
// what they worked out.
func (e *Engine) refresh(n int, all bool) {
	fresh := e.cluster.policies[n:]
	for _, p := range fresh {
		p.settle(e.cluster) // the sets it selects have edges too
	}
	for _, a := range cut(fresh) {
		if _, found := slices.BinarySearchFunc(e.edges, a, netip.Addr.Compare); !found {
			all = true
		}
	}
	for key := range asked(fresh) {
		if slices.Contains(volatile, key) && !e.asked[key] {
			all = true
		}
	}
	if all {
		e.build()
		return
	}
	kept := map[*policy]*compiled{}
	for _, c := range e.policies {
		kept[c.policy] = c
	}
	e.policies = e.policies[:0:0]
	for _, p := range e.ordered() {
		c := kept[p]
		if c == nil {
			c = e.compile(p)
		}
		e.policies = append(e.policies, c)
	}
	for d, h := range e.sides {
		e.sides[d] = e.group(d, h.index)
	}
}
