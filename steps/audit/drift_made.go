package audit

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// likeOthers reports whether a thing that a controller is said to have made is
// like what that controller makes: it runs what the controller's own template, or
// another thing it made before, runs. Anybody who may create an object may write
// a controller's name into it, and would hide it so.
func (c *comparison) likeOthers(snap *estate.Snapshot, n estate.Node, by string) bool {
	a := snap.Asset(n)
	if a.Cloud != estate.Kubernetes {
		return true // the group is the provider's word
	}
	mine, ok := c.runs(snap, n)
	if !ok {
		return false
	}
	maker, found := snap.Find(by)
	if !found {
		return false
	}
	if templates[snap.Asset(maker).Type] && len(mine) > 0 {
		if theirs, ok := c.runs(snap, maker); ok && contained(mine, theirs) {
			return true
		}
	}
	before, found := c.before.Find(by)
	if !found {
		return false
	}
	for e := range c.before.Out(before) {
		o := c.before.Asset(e.Node)
		if e.Type != estate.Contains || o.Type != a.Type || o.Referenced {
			continue
		}
		if theirs, ok := c.runs(c.before, e.Node); ok && maps.Equal(mine, theirs) {
			return true
		}
	}
	return false
}

// templates are the kinds that say in full what their pods run.
var templates = map[string]bool{
	"apps/v1/Deployment": true, "apps/v1/ReplicaSet": true, "apps/v1/StatefulSet": true, "apps/v1/DaemonSet": true,
	"batch/v1/Job": true, "batch/v1/CronJob": true, "v1/ReplicationController": true,
}

// contained reports whether all of a is in b.
func contained(a, b map[string]bool) bool {
	for k := range a {
		if !b[k] {
			return false
		}
	}
	return true
}

// telling are the members of a pod that say what it runs and with which rights.
var telling = []string{"image", "serviceAccountName", "hostNetwork", "hostPID", "hostIPC", "privileged", "hostPath", "allowPrivilegeEscalation", "runAsUser"}

// runs gathers what an object runs and with which rights, wherever in it that
// stands: images, accounts, doors to its node. Objects that run nothing have none.
func (c *comparison) runs(s *estate.Snapshot, n estate.Node) (map[string]bool, bool) {
	config, err := s.Config(n)
	var tree map[string]any
	if err != nil || len(config) == 0 || json.Unmarshal(config, &tree) != nil {
		return nil, false
	}
	out := map[string]bool{}
	delete(tree, "status")
	gather(tree, out)
	return out, true
}

func gather(v any, out map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if slices.Contains(telling, k) {
				out[k+" "+spell(x)] = true
				continue
			}
			gather(x, out)
		}
	case []any:
		for _, x := range v {
			gather(x, out)
		}
	}
}
