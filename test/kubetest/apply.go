package kubetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// establishWithin bounds the wait for a custom resource to be served.
const establishWithin = 5 * time.Minute

// Apply applies a stream of YAML documents in order, server side. A custom
// resource definition is waited for; a status given in a document is applied
// too. Any failure ends the test.
func (s *Server) Apply(text string) {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	client, err := dynamic.NewForConfig(s.Config)
	if err != nil {
		s.tb.Fatal(err)
	}
	dec := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(text)), 4096)
	var mapper meta.RESTMapper
	for {
		u := &unstructured.Unstructured{}
		if err := dec.Decode(&u.Object); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			s.tb.Fatalf("decode: %v\n%s", err, text)
		}
		if len(u.Object) == 0 {
			continue
		}
		if mapper == nil {
			mapper = s.mapper()
		}
		mapping, err := mapper.RESTMapping(u.GroupVersionKind().GroupKind(), u.GroupVersionKind().Version)
		if err != nil {
			s.tb.Fatalf("%s %s: %v", u.GetKind(), u.GetName(), err)
		}
		s.applyOne(ctx, client, mapping, u)
		if u.GetKind() == "CustomResourceDefinition" {
			s.awaitServed(ctx, u)
			mapper = nil
		}
	}
}

func (s *Server) mapper() meta.RESTMapper {
	s.tb.Helper()
	d, err := discovery.NewDiscoveryClientForConfig(s.Config)
	if err != nil {
		s.tb.Fatal(err)
	}
	groups, err := restmapper.GetAPIGroupResources(d)
	if err != nil {
		s.tb.Fatal(err)
	}
	return restmapper.NewDiscoveryRESTMapper(groups)
}

func (s *Server) applyOne(ctx context.Context, client dynamic.Interface, m *meta.RESTMapping, u *unstructured.Unstructured) {
	s.tb.Helper()
	var ri dynamic.ResourceInterface = client.Resource(m.Resource)
	if m.Scope.Name() == meta.RESTScopeNameNamespace {
		ns := u.GetNamespace()
		if ns == "" {
			ns = "default"
		}
		ri = client.Resource(m.Resource).Namespace(ns)
	}
	body, err := json.Marshal(u.Object)
	if err != nil {
		s.tb.Fatal(err)
	}
	force := true
	opts := metav1.PatchOptions{FieldManager: "kubetest", Force: &force}
	if _, err := ri.Patch(ctx, u.GetName(), types.ApplyPatchType, body, opts); err != nil {
		s.tb.Fatalf("apply %s %s/%s: %v", u.GetKind(), u.GetNamespace(), u.GetName(), err)
	}
	if _, has := u.Object["status"]; has && u.GetKind() != "CustomResourceDefinition" {
		if _, err := ri.Patch(ctx, u.GetName(), types.ApplyPatchType, body, opts, "status"); err != nil {
			s.tb.Fatalf("apply status of %s %s/%s: %v", u.GetKind(), u.GetNamespace(), u.GetName(), err)
		}
	}
}

// awaitServed waits until discovery lists every version of a definition that
// it serves.
func (s *Server) awaitServed(ctx context.Context, crd *unstructured.Unstructured) {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(ctx, establishWithin)
	defer cancel()
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	client, err := dynamic.NewForConfig(s.Config)
	if err != nil {
		s.tb.Fatal(err)
	}
	for _, v := range versions {
		version, _ := v.(map[string]any)["name"].(string)
		r := schema.GroupVersionResource{Group: group, Version: version, Resource: plural}
		for {
			_, err := client.Resource(r).List(ctx, metav1.ListOptions{Limit: 1})
			if err == nil && s.discovered(r) {
				break
			}
			if ctx.Err() != nil {
				s.tb.Fatalf("%s is not served: %v", r, err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func (s *Server) discovered(r schema.GroupVersionResource) bool {
	d, err := discovery.NewDiscoveryClientForConfig(s.Config)
	if err != nil {
		return false
	}
	_, lists, _ := d.ServerGroupsAndResources()
	for _, l := range lists {
		if l.GroupVersion != r.GroupVersion().String() {
			continue
		}
		for _, res := range l.APIResources {
			if res.Name == r.Resource {
				return true
			}
		}
	}
	return false
}
