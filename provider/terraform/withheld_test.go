package terraform

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// convertOne converts one resource and returns its asset.
func convertOne(t *testing.T, typ, values string) estate.Asset {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(values), &v); err != nil {
		t.Fatal(err)
	}
	out := Convert(Input{Resources: []Resource{{Address: typ + ".x", Type: typ, Mode: "managed", Provider: "registry.terraform.io/hashicorp/kubernetes", Values: v}}, Account: "111122223333", Region: "eu-west-1"})
	if len(out.Assets) != 1 {
		t.Fatalf("assets %v, spots %v", out.Assets, out.BlindSpots)
	}
	return out.Assets[0]
}

// What is withheld leaves behind what a live read leaves: a digest of each value of
// a configuration map, the names of a secret's keys.
func TestWithheldLeavesTraces(t *testing.T) {
	sum := func(s string) string {
		x := sha256.Sum256([]byte(s))
		return "sha256:" + hex.EncodeToString(x[:])
	}
	const meta = `"metadata":[{"name":"x","namespace":"ml"}]`
	for name, tt := range map[string]struct {
		typ, values, member string
		want                any
		unknown             bool // the names of the keys
	}{
		"map": {"kubernetes_config_map", `{` + meta + `,"data":{"t":"0.2"},"binary_data":{"b":"AA=="}}`, "valueDigests",
			map[string]any{"data": map[string]any{"t": sum("0.2")}, "binaryData": map[string]any{"b": sum("AA==")}}, false},
		"sensitive": {"kubernetes_config_map", `{` + meta + `,"data":{"t":"sevenfold:masked(sensitive,3,0a1b2c3d)","u":"sevenfold:masked(sensitive,3)"}}`, "valueDigests",
			map[string]any{"data": map[string]any{"t": "sevenfold:masked(value,71,0a1b2c3d)"}}, false},
		"manifest":    {"kubernetes_manifest", `{"manifest":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"ml"},"data":{"t":"1"},"valueDigests":{"data":{"t":"made up"}}}}`, "valueDigests", map[string]any{"data": map[string]any{"t": sum("1")}}, false},
		"secret":      {"kubernetes_secret", `{` + meta + `,"data":{"k":"v"},"binary_data":{"b":"AA=="},"type":"Opaque"}`, "keyNames", []any{"b", "k"}, false},
		"secret_raw":  {"kubernetes_manifest", `{"manifest":{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x","namespace":"ml"},"stringData":{"k":"v"}}}`, "keyNames", []any{"k"}, false},
		"none":        {"kubernetes_secret", `{` + meta + `}`, "keyNames", []any{}, false},
		"only_write":  {"kubernetes_secret_v1", `{` + meta + `,"data_wo_revision":1}`, "keyNames", nil, true},
		"token":       {"kubernetes_secret", `{` + meta + `,"type":"kubernetes.io/service-account-token"}`, "keyNames", nil, true},
		"not_an_item": {"kubernetes_manifest", `{"manifest":{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x","namespace":"ml"},"data":"x"}}`, "keyNames", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := convertOne(t, tt.typ, tt.values)
			var config map[string]any
			if err := json.Unmarshal(a.Config, &config); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, config[tt.member]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if config["data"] != nil && tt.member == "keyNames" {
				t.Errorf("a value stayed: %s", a.Config)
			}
			if got := slices.Contains(a.Unknown, "/keyNames"); got != tt.unknown {
				t.Errorf("unknown %v", a.Unknown)
			}
		})
	}
}

// A state tells which tags are the resource's own.
func TestGivenTags(t *testing.T) {
	for values, want := range map[string]string{
		`{"bucket":"b","arn":"arn:aws:s3:::b","tags":{"a":"1"},"tags_all":{"a":"1","env":"p","cost":"7"}}`: `["cost","env"]`,
		`{"bucket":"b","arn":"arn:aws:s3:::b","tags":null,"tags_all":{"env":"p"}}`:                         `["env"]`,
		`{"bucket":"b","arn":"arn:aws:s3:::b","tags":{"env":"own"},"tags_all":{"env":"own"}}`:              `[]`,
		`{"bucket":"b","arn":"arn:aws:s3:::b","tags":{"a":"1"}}`:                                           ``,
	} {
		got := ""
		for _, r := range convertOne(t, "aws_s3_bucket", values).Reads {
			if r.Operation == estate.GivenTags {
				got = r.Why
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", values, got, want)
		}
	}
}
