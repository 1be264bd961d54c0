package kubetest_test

import (
	"context"
	"testing"

	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

const networkObjects = `
apiVersion: v1
kind: Namespace
metadata: {name: train}
---
apiVersion: v1
kind: Namespace
metadata: {name: serve}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: train}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: serve}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: trainer, namespace: train}
spec:
  selector: {matchLabels: {app: trainer}}
  template:
    metadata: {labels: {app: trainer}}
    spec: {containers: [{name: c, image: x}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: model, namespace: serve}
spec:
  replicas: 2
  selector: {matchLabels: {app: model}}
  template:
    metadata: {labels: {app: model}}
    spec: {containers: [{name: c, image: x, ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: everybody, namespace: serve}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{from: [{namespaceSelector: {}}]}]
`

const networkZones = `
zones:
  training: {match: 'region == "train"'}
  serving: {match: 'region == "serve"'}
`

// TestRecommendedPoliciesHold reads a cluster from its API server, writes what is
// recommended against training reaching what serves to the same server, and asks again.
// The server is the judge of whether the policies are valid.
func TestRecommendedPoliciesHold(t *testing.T) {
	server := kubetest.Start(t)
	server.Apply(networkObjects)
	s, err := scope.Parse("sevenfold.yaml", []byte(networkZones))
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (*network.World, *scope.Workloads, network.Answer) {
		snap := understood(t, server)
		w, err := network.NewWorld(context.Background(), snap)
		if err != nil {
			t.Fatal(err)
		}
		workloads, err := s.Workloads(snap)
		if err != nil {
			t.Fatal(err)
		}
		from, err := w.End("train/trainer", workloads, false)
		if err != nil {
			t.Fatal(err)
		}
		to, err := w.End("serve/model", workloads, true)
		if err != nil {
			t.Fatal(err)
		}
		return w, workloads, w.Can(from, to, reach.Ports{})
	}
	w, workloads, before := ask()
	if before.Reachable != "yes" {
		t.Fatalf("before: %+v", before)
	}
	advice, err := w.Recommend(context.Background(), s, workloads, nil)
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, a := range advice {
		if a.From != "training" || a.To != "serving" {
			continue
		}
		if !a.Cut {
			t.Errorf("left: %v", a.Left)
		}
		for _, p := range a.Policies {
			server.Apply(p.YAML)
			written++
		}
		for range a.Deletes {
			server.Apply("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: everybody, namespace: serve}\nspec: {podSelector: {matchLabels: {app: nobody}}, policyTypes: [Ingress]}\n")
		}
	}
	if written == 0 {
		t.Fatalf("no policy is recommended: %+v", advice)
	}
	if _, _, after := ask(); after.Reachable == "yes" {
		t.Errorf("after: %+v", after)
	}
}
