package kubetest_test

import (
	"strings"
	"testing"

	"k8s.io/client-go/dynamic"

	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// TestClustersAgreeWithTheAuthorizer asks as the command line does, of a cluster
// read by the collector, and compares with the API server's own authorizer.
func TestClustersAgreeWithTheAuthorizer(t *testing.T) {
	server := kubetest.Start(t)
	server.Apply(accessObjects + randomRoles())
	client, err := dynamic.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	c, err := access.NewClusters(t.Context(), understood(t, server), nil)
	if err != nil {
		t.Fatal(err)
	}
	allowed := 0
	for i, q := range askings() {
		if i%2 != 0 {
			continue // the engine's own test asks thousands
		}
		resource := strings.TrimSuffix(q.resource+"/"+q.sub, "/")
		// Everything is asked of the object in its namespace, whatever the asset that
		// it belongs to; all groups are told, as the review has them.
		question := access.Question{Principal: q.principal, Action: "k8s:" + q.verb + ":" + q.group + "/" + resource, Resource: "k8s://test/" + q.namespace + "/" + q.resource + "/" + q.name}
		if len(q.groups) == 0 && strings.Contains(q.principal, "/User/") {
			question.Context = map[string][]string{"groups": {}}
		}
		a, err := c.Can(t.Context(), question)
		if err != nil {
			t.Fatal(err)
		}
		if a.Decision != iam.Allow && a.Decision != iam.Deny {
			t.Fatalf("%+v: %+v", question, a)
		}
		want := permitted(t, client, q, a.Decision == iam.Allow)
		if want {
			allowed++
		}
		if (a.Decision == iam.Allow) != want {
			t.Errorf("%+v: %s, the authorizer says %v", question, a.Decision, want)
		}
	}
	if allowed < 15 {
		t.Errorf("only %d questions were allowed: little was tested", allowed)
	}
}
