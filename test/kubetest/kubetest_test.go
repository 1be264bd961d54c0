package kubetest_test

import (
	"context"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// The server is real: it stores, it defaults, and it refuses.
func TestServerStoresAndRefuses(t *testing.T) {
	s := kubetest.Start(t)
	s.Apply(`
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: default}
data: {k: v}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: one}
spec: {n: 1}
`)
	ctx := context.Background()
	path := s.Grant("eve", `- {apiGroups: [""], resources: [configmaps], verbs: [list]}`)
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	maps := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	if l, err := client.Resource(maps).Namespace("default").List(ctx, metav1.ListOptions{}); err != nil || len(l.Items) == 0 {
		t.Errorf("list configmaps: %v, %v", l, err)
	}
	things := schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "things"}
	if _, err := client.Resource(things).List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("list things as eve: %v, want forbidden", err)
	}
}

// A restarted server has its objects still, and clients made before go on.
func TestRestartKeepsObjects(t *testing.T) {
	s := kubetest.Start(t)
	s.Apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, namespace: default}\ndata: {k: v}\n")
	client, err := dynamic.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	maps := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace("default")
	s.Stop()
	if _, err := maps.Get(context.Background(), "kept", metav1.GetOptions{}); err == nil {
		t.Error("a stopped server answers")
	}
	s.Restart()
	if _, err := maps.Get(context.Background(), "kept", metav1.GetOptions{}); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}
