package kubernetes

import (
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// listening is a sink that remembers coverage only.
type listening struct{ got []estate.Coverage }

func (*listening) Asset(estate.Asset)          {}
func (*listening) BlindSpot(estate.BlindSpot)  {}
func (*listening) Called(string)               {}
func (l *listening) Covered(c estate.Coverage) { l.got = append(l.got, c) }

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
