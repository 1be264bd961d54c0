package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// listening is a sink that remembers coverage, the names of assets and what is
// not seen.
type listening struct {
	got   []estate.Coverage
	names []string
	blind []estate.BlindSpot
}

func (l *listening) Asset(a estate.Asset)         { l.names = append(l.names, a.Name) }
func (l *listening) BlindSpot(b estate.BlindSpot) { l.blind = append(l.blind, b) }
func (*listening) Called(string)                  {}
func (l *listening) Covered(c estate.Coverage)    { l.got = append(l.got, c) }

func TestCoveredByName(t *testing.T) {
	const deployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"n"}}`
	tests := map[string]struct{ path, body, want string }{
		"list_named_after_its_kind": {"cluster/deployments.yaml", `{"apiVersion":"v1","kind":"List","items":[` + deployment + `]}`, "apps/v1/Deployment"},
		"empty_list":                {"deployments.json", `{"apiVersion":"v1","kind":"List","items":[],"metadata":{"resourceVersion":""}}`, "apps/v1/Deployment"},
		"typed_list":                {"pods.json", `{"apiVersion":"v1","kind":"PodList","items":[],"metadata":{}}`, "v1/Pod"},
		"typed_list_of_another":     {"pods.json", `{"apiVersion":"apps/v1","kind":"DeploymentList","items":[]}`, ""},
		"pages_left":                {"pods.json", `{"apiVersion":"v1","kind":"PodList","items":[],"metadata":{"continue":"abc"}}`, ""},
		"items_left":                {"pods.json", `{"apiVersion":"v1","kind":"PodList","items":[],"metadata":{"remainingItemCount":5}}`, ""},
		"one_object":                {"deployments.yaml", deployment, ""},
		"any_other_name":            {"app.yaml", `{"apiVersion":"v1","kind":"List","items":[` + deployment + `]}`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var sink listening
			m := &Manifest{}
			m.Read(estate.Document{Path: tt.path, Body: []byte(tt.body)}, &sink)
			m.Flush(&sink)
			got := ""
			if len(sink.got) > 0 {
				got = sink.got[0].Type
			}
			if got != tt.want || len(sink.got) > 1 {
				t.Errorf("covered %v, want %q", sink.got, tt.want)
			}
		})
	}
}

// The list of a custom kind covers it, an empty one too, if the definition, the list
// itself or its items tell which it is.
func TestCoveredCustomKinds(t *testing.T) {
	const (
		crd   = `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"inferenceservices.serving.kserve.io"},"spec":{"group":"serving.kserve.io","names":{"plural":"inferenceservices","kind":"InferenceService"},"scope":"Namespaced","versions":[{"name":"v1beta1","served":true},{"name":"v1alpha1","served":false}]}}]}`
		typ   = "serving.kserve.io/v1beta1/InferenceService"
		empty = `{"apiVersion":"v1","kind":"List","items":[],"metadata":{"resourceVersion":""}}`
		one   = `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"serving.kserve.io/v1beta1","kind":"InferenceService","metadata":{"name":"a","namespace":"n"}}]}`
	)
	tests := map[string]struct{ path, body, defined, want string }{
		"empty_by_definition":       {"inferenceservices.json", empty, crd, typ},
		"empty_with_its_group":      {"c/inferenceservices.serving.kserve.io.yaml", empty, crd, typ},
		"empty_undefined":           {"inferenceservices.json", empty, "", ""},
		"empty_by_another_name":     {"services-of-ml.json", empty, crd, ""},
		"empty_typed":               {"inferenceservices.json", `{"apiVersion":"serving.kserve.io/v1beta1","kind":"InferenceServiceList","items":[],"metadata":{}}`, "", typ},
		"items_tell":                {"inferenceservices.json", one, "", typ},
		"items_under_another_name":  {"ml.json", one, "", ""},
		"items_of_another_kind":     {"inferenceservices.json", strings.ReplaceAll(one, `"InferenceService"`, `"TrainedModel"`), crd, ""},
		"a_page_is_left":            {"inferenceservices.json", strings.Replace(empty, `"resourceVersion":""`, `"continue":"x"`, 1), crd, ""},
		"a_part_of_it_was_not_read": {"inferenceservices.json", strings.Replace(empty, `"resourceVersion":""`, `"remainingItemCount":3`, 1), crd, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var sink listening
			m := &Manifest{}
			m.Read(estate.Document{Path: tt.path, Body: []byte(tt.body)}, &sink)
			if tt.defined != "" { // read later: all that counts is that it is there
				m.Read(estate.Document{Path: "definitions.yaml", Body: []byte(tt.defined)}, &sink)
			}
			m.Flush(&sink)
			var got []string
			for _, c := range sink.got {
				if !strings.HasSuffix(c.Type, "/CustomResourceDefinition") {
					got = append(got, c.Type)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("covered %v, want %q", got, tt.want)
			}
		})
	}
}

// A list that was not read to its end covers nothing, wherever it says so: in a
// later part, in another file of its kind, or by the reader of the file.
func TestCutListsAreNotCovered(t *testing.T) {
	const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"}}`
	part := func(path, body string) estate.Document {
		return estate.Document{Path: path, Body: []byte(body), Partial: true, Source: "dir:e"}
	}
	whole := part("pods.json", `{"apiVersion":"v1","items":[`+pod+`]}`)
	tests := map[string]struct {
		docs []estate.Document
		cut  []string
		want int
	}{
		"whole":                 {docs: []estate.Document{whole}, want: 1},
		"cut":                   {docs: []estate.Document{whole}, cut: []string{"pods.json"}},
		"cut_before_any_item":   {docs: []estate.Document{whole}, cut: []string{"second/pods.json"}},
		"cut_of_another_kind":   {docs: []estate.Document{whole}, cut: []string{"nodes.json"}, want: 1},
		"page_in_a_later_part":  {docs: []estate.Document{whole, part("pods.json", `{"apiVersion":"v1","kind":"List","metadata":{"continue":"x"}}`)}},
		"item_without_metadata": {docs: []estate.Document{part("pods.json", `{"apiVersion":"v1","items":[`+pod+`,{"apiVersion":"v1","kind":"Pod","metadata":[]}]}`)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var sink listening
			m := &Manifest{}
			for _, d := range tt.docs {
				if !m.Read(d, &sink) {
					t.Fatalf("%s: not understood", d.Body)
				}
			}
			for _, path := range tt.cut {
				m.Cut(estate.Document{Path: path, Source: "dir:e"})
			}
			m.Flush(&sink)
			if len(sink.got) != tt.want {
				t.Errorf("covered %v, want %d", sink.got, tt.want)
			}
			if len(sink.names) != 1 {
				t.Errorf("assets %v, want the one that was read", sink.names)
			}
			if named := len(sink.blind) > 0; named == (tt.want == 1) && name != "cut_of_another_kind" {
				t.Errorf("blind spots %v", sink.blind)
			}
		})
	}
}

// YAML that was cut short is YAML still: the kind of a list stands behind its
// items, and the last item may be half of one.
func TestYAMLListWithoutItsKind(t *testing.T) {
	body := `{"apiVersion":"v1","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"}},{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b","namespace":"n"}}]}`
	for path, want := range map[string][]string{"pods.yaml": {"a"}, "pods.yml.gz": {"a"}, "pods.json": {"a", "b"}} {
		var sink listening
		m := &Manifest{}
		m.Read(estate.Document{Path: path, Body: []byte(body)}, &sink)
		m.Flush(&sink)
		if diff := cmp.Diff(want, sink.names); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		if covered := len(sink.got) == 1; covered != (len(want) == 2) {
			t.Errorf("%s: covered %v", path, sink.got)
		}
	}
}

// What is withheld leaves behind what tells a change: a digest of each value of a
// configuration map, the names of a secret's keys, and no value.
func TestWithheldLeavesTraces(t *testing.T) {
	sum := func(s string) string {
		x := sha256.Sum256([]byte(s))
		return "sha256:" + hex.EncodeToString(x[:])
	}
	tests := map[string]struct{ in, want string }{
		"map": {`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"t":"0.2","n":7},"binaryData":{"b":"AA=="},"valueDigests":{"data":{"t":"made up"}}}`,
			`{"data":{"n":null,"t":null},"binaryData":{"b":null},"valueDigests":{"data":{"n":"` + sum("7") + `","t":"` + sum("0.2") + `"},"binaryData":{"b":"` + sum("AA==") + `"}}}`},
		"empty_map":    {`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}`, `{}`},
		"principals":   {`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"aws-auth","namespace":"kube-system"},"data":{"mapRoles":"x"}}`, `{"data":{"mapRoles":"x"}}`},
		"secret":       {`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"type":"Opaque","data":{"k":"Yg=="},"stringData":{"k":"b","l":"c"}}`, `{"type":"Opaque","dataKeys":2,"keyNames":["k","l"]}`},
		"empty_secret": {`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"type":"Opaque"}`, `{"type":"Opaque","dataKeys":0,"keyNames":[]}`},
		"no_object":    {`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"type":"Opaque","data":"x","dataKeys":3,"keyNames":["y"]}`, `{"type":"Opaque"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var obj, want, got map[string]any
			if err := errors.Join(json.Unmarshal([]byte(tt.in), &obj), json.Unmarshal([]byte(tt.want), &want)); err != nil {
				t.Fatal(err)
			}
			a, err := assetOf("c", obj, estate.Read{})
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(a.Config, &got); err != nil {
				t.Fatal(err)
			}
			for _, k := range []string{"apiVersion", "kind", "metadata"} {
				delete(got, k)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if name == "no_object" && !(slices.Contains(a.Unknown, "/dataKeys") && slices.Contains(a.Unknown, "/keyNames")) {
				t.Errorf("unknown %v", a.Unknown)
			}
		})
	}
}

// The keys of a secret that was listed live stand in the notes of who set them, and
// count only if there are as many as the server counts.
func TestKeysOfALiveSecret(t *testing.T) {
	row := func(count int, fields string) string {
		return fmt.Sprintf(`{"kind":"Table","columnDefinitions":[{"name":"Type"},{"name":"Data"}],"rows":[{"cells":["Opaque",%d],"object":{"metadata":{"name":"a","managedFields":[%s]}}}]}`, count, fields)
	}
	for name, tt := range map[string]struct {
		body    string
		want    []any
		unknown bool
	}{
		"one_manager":  {row(2, `{"fieldsV1":{"f:data":{".":{},"f:tls.crt":{},"f:tls.key":{}},"f:type":{}}}`), []any{"tls.crt", "tls.key"}, false},
		"two_managers": {row(2, `{"fieldsV1":{"f:data":{"f:a":{}}}},{"fieldsV1":{"f:stringData":{"f:b":{}},"f:data":{"f:a":{}}}}`), []any{"a", "b"}, false},
		"none":         {row(0, ``), []any{}, false},
		"notes_gone":   {row(2, ``), nil, true},
		"notes_short":  {row(2, `{"fieldsV1":{"f:data":{"f:a":{}}}}`), nil, true},
		"notes_stale":  {row(1, `{"fieldsV1":{"f:data":{"f:a":{}}}},{"fieldsV1":{"f:data":{"f:b":{}}}}`), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := secretRows([]byte(tt.body))
			if err != nil || len(p.items) != 1 {
				t.Fatalf("%v, %v", p, err)
			}
			obj := p.items[0]
			obj["apiVersion"], obj["kind"] = "v1", "Secret"
			a, err := assetOf("c", obj, estate.Read{})
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(a.Config, &got); err != nil {
				t.Fatal(err)
			}
			names, _ := got[keyNames].([]any)
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if unknown := slices.Contains(a.Unknown, "/"+keyNames); unknown != tt.unknown {
				t.Errorf("unknown %v, want %v", a.Unknown, tt.unknown)
			}
		})
	}
}
