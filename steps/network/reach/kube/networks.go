package kube

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// networksNote is the annotation by which pods join further networks, as Multus
// and its like read it.
//
// https://github.com/k8snetworkplumbingwg/multi-net-spec
const networksNote = "k8s.v1.cni.cncf.io/networks"

// networks are the further networks a pod is in. What cannot be read is one
// network called by the whole text: pods of the same template share it.
func networks(meta fields, ns string) []string {
	text, _ := meta.obj("annotations").m[networksNote].(string)
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	var out []string
	if strings.HasPrefix(text, "[") {
		var list []struct{ Name, Namespace string }
		if json.Unmarshal([]byte(text), &list) != nil {
			return []string{text}
		}
		for _, one := range list {
			if one.Namespace == "" {
				one.Namespace = ns
			}
			out = append(out, one.Namespace+"/"+one.Name)
		}
	} else {
		for _, one := range strings.Split(text, ",") {
			one, _, _ = strings.Cut(strings.TrimSpace(one), "@")
			if !strings.Contains(one, "/") {
				one = ns + "/" + one
			}
			out = append(out, one)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Before all tiers: what no policy of the cluster's own network decides.
const networkTier = -1_000

const furtherNetworks = "networks beside the cluster's"

// addNetworks lets pods in further networks perhaps reach each other and what
// is outside, whatever policies say: they hold in the cluster's own network
// only. Which of those networks are one is not known: they may be of several
// names on one wire.
func (c *Cluster) addNetworks() {
	if slices.ContainsFunc(c.policies, func(p *policy) bool { return p.id == furtherNetworks }) {
		return
	}
	side := func() *side {
		return &side{isolates: reach.No, rules: []rule{{
			name: "as a whole", action: allow, peers: []peer{{further: true}}, ports: allPorts(),
			maybe: "the pod is in a further network, which the other end may be in too and in which the cluster's policies do not hold",
		}}}
	}
	c.policies = append(c.policies, &policy{id: furtherNetworks, tier: networkTier, subject: peer{further: true}, in: side(), out: side()})
}

// readUserNetwork reads OVN-Kubernetes' networks as far as to know that pods of
// its namespaces perhaps reach nobody outside of it.
//
// https://ovn-kubernetes.io/features/user-defined-networks/user-defined-networks/
func readUserNetwork(c *Cluster, f fields, ns, name string) {
	spec := f.obj("spec")
	subject := peer{namespace: inDefault(ns), hostPods: reach.No}
	network := spec
	if f.str("kind") == "ClusterUserDefinedNetwork" {
		subject = peer{nsSel: spec.selector("namespaceSelector"), hostPods: reach.No}
		network = spec.obj("network")
	}
	if network.obj("layer2").str("role") != "Primary" && network.obj("layer3").str("role") != "Primary" {
		return // pods join it by annotation
	}
	c.policies = append(c.policies, apart(f.str("kind")+" "+strings.TrimPrefix(ns+"/"+name, "/"), subject))
}

// ownNetwork is the label of namespaces whose pods OVN-Kubernetes puts into a
// network of their own, whoever makes that.
const ownNetwork = "k8s.ovn.org/primary-user-defined-network"

// apart are pods that perhaps reach nobody.
func apart(id string, subject peer) *policy {
	side := func() *side {
		return &side{isolates: reach.No, rules: []rule{{name: "as a whole", action: deny, peers: everything(), ports: allPorts(), maybe: "the pod is in a network of its own, which others may not be in"}}}
	}
	return &policy{id: id, tier: networkTier, subject: subject, in: side(), out: side()}
}
