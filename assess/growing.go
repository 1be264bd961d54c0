package assess

import (
	"context"
	"encoding/json"
	"strings"

	act "github.com/sevenfold-sec/sevenfold/act/kubernetes"
	"github.com/sevenfold-sec/sevenfold/gate/admission"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// GrowingKinds are the kinds of a Kubernetes cluster that its gate holds, as
// provider/kubernetes knows them.
func GrowingKinds() []admission.Kind {
	var out []admission.Kind
	for _, g := range kubernetes.Growth() {
		out = append(out, admission.Kind{Kind: g.Kind, Group: g.Group, Resource: g.Resource, Versions: g.Versions, Amounts: g.Rule.Amounts,
			Scales: g.Scales, Target: g.Target, Pods: g.Pods, Made: g.Made, Spare: g.Spare, EveryNode: g.EveryNode, Kept: g.Kept})
	}
	return out
}

// GateCluster joins what the gate needs of a cluster to what act/kubernetes
// gives. namespace is where the replicas of the gate share notes.
func GateCluster(c *act.Client, namespace string) admission.Cluster { return gateCluster{c, namespace} }

// GateQueues joins what the gate needs of Kueue to what act/kubernetes gives.
func GateQueues(c *act.Client) admission.Queues { return gateQueues{c} }

type gateQueues struct{ client *act.Client }

// Queued implements admission.Queues.
func (g gateQueues) Queued(ctx context.Context) ([]admission.Queued, error) {
	list, err := g.client.Waiting(ctx)
	out := make([]admission.Queued, len(list))
	for i, w := range list {
		out[i] = admission.Queued{Namespace: w.Namespace, Name: w.Name, UID: w.UID, Check: w.Check, Passed: w.Passed,
			APIVersion: w.OwnerVersion, Kind: w.OwnerKind, Owner: w.OwnerName, OwnerUID: w.OwnerUID}
	}
	return out, err
}

// Answer implements admission.Queues.
func (g gateQueues) Answer(ctx context.Context, q admission.Queued, a admission.Answer, tell bool) error {
	return g.client.Answer(ctx, act.Waiting{Namespace: q.Namespace, Name: q.Name, UID: q.UID, Check: q.Check}, a.Pass, a.After, a.Why, tell)
}

// HeldResources are the resources of GrowingKinds, to be watched.
func HeldResources() []act.Resource {
	var out []act.Resource
	for _, k := range GrowingKinds() {
		out = append(out, act.Resource{Kind: k.Kind, Group: k.Group, Resource: k.Resource, Versions: k.Versions})
	}
	return out
}

type gateCluster struct {
	*act.Client
	notes string
}

// Note implements admission.Cluster.
func (g gateCluster) Note(ctx context.Context, name string) ([]byte, string, error) {
	return g.Client.Note(ctx, g.notes, name)
}

// WriteNote implements admission.Cluster.
func (g gateCluster) WriteNote(ctx context.Context, name string, text []byte, version string) (string, bool, error) {
	return g.Client.WriteNote(ctx, g.notes, name, text, version)
}

// Probe implements admission.Cluster.
func (g gateCluster) Probe(ctx context.Context) []admission.Probe {
	var out []admission.Probe
	for _, t := range g.Client.Probe(ctx, admission.SelfTestNamespace) {
		p := admission.Probe{What: t.What, Admitted: t.Err == nil}
		if t.Err != nil {
			p.Why = t.Err.Error()
			p.Refused = strings.Contains(p.Why, "sevenfold gate: ")
		}
		out = append(out, p)
	}
	return out
}

// Held implements admission.Cluster.
func (g gateCluster) Held(namespace string) []admission.Held {
	things := g.Things(namespace)
	out := make([]admission.Held, len(things))
	for i, t := range things {
		out[i] = admission.Held{Kind: t.Kind, Name: t.Name, UID: t.UID, Version: t.Version, Ending: t.Ending, Done: t.Done,
			Object: func() (json.RawMessage, error) { return t.Object() }}
	}
	return out
}
