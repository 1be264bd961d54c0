package audit

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// What a controller makes is the controller's: how many there are, that they come
// and that they go says nothing that the controller's own configuration does not.

// ofOwner reports whether the amounts of an object belong to the controller that
// owns it, then and now: the replicas of a ReplicaSet to its Deployment.
func (c *comparison) ofOwner(p pair) bool {
	if c.after.Asset(p.a).Cloud != estate.Kubernetes {
		return false
	}
	by := c.owned(c.after, p.a)
	return by != "" && by == c.owned(c.before, p.b)
}

// leaves reports whether an asset that nobody lists went by itself: what is left of
// a run, a node among others, what a controller made that is still there. Where a
// list told of it, or something is not read that was, its going is not known.
func (c *comparison) leaves(a *estate.Asset) bool {
	if n, found := c.before.Find(a.ID); found && c.comesAndGoes(c.before, n) {
		return true
	}
	if c.before.Covered(a.Type, a.Account, a.Region) || !c.seesType(c.after, a) || !c.readAsBefore(a.Source) {
		return false
	}
	if a.Type == "v1/Node" {
		return true
	}
	return c.ownerKnown(c.before, c.after, a)
}

// joins reports whether an asset of a type that the baseline never listed came by
// itself, or of a controller that the baseline knows: then it is compared with
// what that makes.
func (c *comparison) joins(a *estate.Asset) (byItself, ofKnown bool) {
	if n, found := c.after.Find(a.ID); found && c.comesAndGoes(c.after, n) {
		return true, false
	}
	if a.Type == "v1/Node" {
		return c.seesType(c.before, a), false
	}
	return false, c.ownerKnown(c.after, c.before, a)
}

// ownerKnown reports whether what owns an asset in one snapshot, directly or as
// the owner of its owner, was read in the other too.
func (c *comparison) ownerKnown(s, other *estate.Snapshot, a *estate.Asset) bool {
	n, found := s.Find(a.ID)
	for depth := 0; found && a.Cloud == estate.Kubernetes && depth < maxMakers; depth++ {
		by := c.owned(s, n)
		if by == "" || c.reads(other, by) {
			return by != ""
		}
		n, found = s.Find(by)
	}
	return false
}

// reads reports whether a snapshot read the asset of that id, and not only a
// mention of it.
func (c *comparison) reads(s *estate.Snapshot, id string) bool {
	if id == "" {
		return false
	}
	n, found := s.Find(id)
	return found && !s.Asset(n).Referenced && !made(s.Asset(n))
}

// seesType reports whether a snapshot read any asset of a's type in its account.
func (c *comparison) seesType(s *estate.Snapshot, a *estate.Asset) bool {
	if c.unseen.types == nil {
		c.unseen.types = map[*estate.Snapshot]map[[2]string]bool{}
	}
	if c.unseen.types[s] == nil {
		seen := map[[2]string]bool{}
		for _, o := range s.Assets() {
			if !o.Referenced && !made(o) {
				seen[[2]string{o.Type, o.Account}] = true
			}
		}
		c.unseen.types[s] = seen
	}
	return c.unseen.types[s][[2]string{a.Type, a.Account}]
}

// nodeTaints begin the keys of the taints that a cluster's own controllers set on
// nodes and take away: by the state of a node, and before it is taken out.
var nodeTaints = []string{
	"node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "ToBeDeletedByClusterAutoscaler", "DeletionCandidateOfClusterAutoscaler",
	"karpenter.sh/", "node.cilium.io/", "ebs.csi.aws.com/agent-not-ready", "efs.csi.aws.com/agent-not-ready",
}

// nodeVersions are what of a node's status is no state: what runs its pods.
var nodeVersions = []string{"kubeletVersion", "containerRuntimeVersion"}

// node leaves of a node's taints those that somebody set, and keeps of its status
// the versions of what runs pods there.
func node(tree map[string]any, config json.RawMessage) {
	if spec, ok := tree["spec"].(map[string]any); ok {
		list, _ := spec["taints"].([]any)
		var kept []any
		for _, x := range list {
			taint, _ := x.(map[string]any)
			key, _ := taint["key"].(string)
			if slices.ContainsFunc(nodeTaints, func(p string) bool { return strings.HasPrefix(key, p) }) {
				continue
			}
			delete(taint, "timeAdded")
			kept = append(kept, x)
		}
		if delete(spec, "taints"); len(kept) > 0 {
			spec["taints"] = kept
		}
	}
	var whole struct {
		Status struct {
			NodeInfo map[string]any `json:"nodeInfo"`
		} `json:"status"`
	}
	if json.Unmarshal(config, &whole) != nil {
		return
	}
	info := map[string]any{}
	for _, name := range nodeVersions {
		if v, has := whole.Status.NodeInfo[name]; has {
			info[name] = v
		}
	}
	if len(info) > 0 {
		tree["nodeInfo"] = info
	}
}
