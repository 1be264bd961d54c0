package control

import (
	"bytes"
	"encoding/json"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// maxOwners bounds how far up the owners of a pod are followed: a pod, its
// ReplicaSet, its Deployment and what made that.
const maxOwners = 6

// Behind lists what a Kubernetes Service leads to, as far as it was read: the
// pods its selector chooses and the objects that make such pods. It is nil for
// any other asset.
func Behind(snap *estate.Snapshot, n estate.Node) func() []expr.Member {
	if a := snap.Asset(n); a.Type != "v1/Service" {
		return nil
	}
	return func() []expr.Member {
		var out []expr.Member
		for set := range snap.Out(n) {
			if set.Type != estate.RoutesTo || snap.Asset(set.Node).Type != estate.SetType {
				continue
			}
			for e := range snap.Out(set.Node) {
				a := snap.Asset(e.Node)
				if e.Type != estate.Contains || a.Referenced {
					continue
				}
				config, err := snap.Config(e.Node)
				if err != nil {
					continue // what could not be read is not behind it: the answer stays open
				}
				out = append(out, member(classOf(snap, e.Node), config))
			}
		}
		return out
	}
}

// classOf is the class of AI workload an object is the root of, or is made by
// the root of; empty for none.
func classOf(snap *estate.Snapshot, n estate.Node) string {
	for range maxOwners {
		if root := snap.Asset(n).Root; root != nil {
			return root.Class
		}
		owner := estate.Node(-1)
		for e := range snap.In(n) {
			if e.Type == estate.Contains && snap.Asset(e.Node).Type != estate.SetType {
				owner = e.Node
			}
		}
		if owner < 0 {
			break
		}
		n = owner
	}
	return ""
}

func member(class string, config []byte) expr.Member {
	m := expr.Member{Class: class}
	var v any
	dec := json.NewDecoder(bytes.NewReader(config))
	dec.UseNumber()
	if dec.Decode(&v) == nil {
		containerPorts(v, &m.Ports)
	}
	return m
}

// containerPorts finds the ports containers declare, wherever a pod
// specification stands.
func containerPorts(v any, out *[]expr.Port) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			containerPorts(e, out)
		}
	case map[string]any:
		if number, ok := v["containerPort"].(json.Number); ok {
			if n, err := number.Int64(); err == nil {
				name, _ := v["name"].(string)
				*out = append(*out, expr.Port{Name: name, Number: n})
			}
			return
		}
		for _, e := range v {
			containerPorts(e, out)
		}
	}
}
