package audit

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// One act is one record, where no list proves what went too: a renamed object of an
// export, a bucket renamed in a template of which another part still names the old
// one, several lists left out of an export.
func TestOneActWithoutLists(t *testing.T) {
	const source = "dir:k"
	deployment := func(name, image string) estate.Asset {
		return estate.Asset{ID: "k8s://c/ml/Deployment/" + name, Type: "apps/v1/Deployment", Cloud: estate.Kubernetes, Account: "c", Region: "ml", Name: name, Source: source,
			Config: json.RawMessage(`{"metadata":{"name":"` + name + `","namespace":"ml","uid":"u-` + name + `"},"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"c","image":"` + image + `"}]}}}}`),
			Reads:  []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}}}
	}
	of := func(typ, kind string) estate.Asset {
		a := deployment(kind, "x")
		a.ID, a.Type = "k8s://c/ml/"+kind+"/x", typ
		return a
	}
	bucket := func(name string, whole, policy bool) estate.Asset {
		a := estate.Asset{ID: "arn:aws:s3:::" + name, Type: "AWS::S3::Bucket", Cloud: estate.AWS, Name: name, Source: "cloudformation:t.json", Config: json.RawMessage(`{"Name":"` + name + `"}`)}
		root := estate.Read{Operation: "s3:ListBuckets", Status: estate.ReadOK}
		if !whole {
			root.Status, root.Why, a.Config = estate.ReadSkipped, "the template does not make it, only a part of it", json.RawMessage(`{}`)
		}
		a.Reads = []estate.Read{root, {Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadAbsent}}
		if policy {
			a.Reads[1].Status = estate.ReadOK
			a.Config = json.RawMessage(strings.Replace(string(a.Config), "{", `{"GetBucketPolicy":{"Policy":{"Statement":[]}},`, 1))
			a.Config = json.RawMessage(strings.Replace(string(a.Config), ",}", "}", 1))
		}
		return a
	}
	for name, tt := range map[string]struct {
		before, after []estate.Asset
		lists         []string // of the baseline alone
		want          []string
	}{
		"renamed":                {[]estate.Asset{deployment("llm-one", "i")}, []estate.Asset{deployment("llm-two", "i")}, nil, []string{"renamed k8s://c/ml/Deployment/llm-two"}},
		"another":                {[]estate.Asset{deployment("llm-one", "i")}, []estate.Asset{deployment("llm-two", "j")}, nil, []string{"added k8s://c/ml/Deployment/llm-two", "unseen k8s://c/ml/Deployment/llm-one"}},
		"either_of_two":          {[]estate.Asset{deployment("llm-one", "i"), deployment("llm-other", "i")}, []estate.Asset{deployment("llm-two", "i")}, nil, []string{"added k8s://c/ml/Deployment/llm-two", "unseen apps/v1/Deployment in c"}},
		"a_part_names_the_old":   {[]estate.Asset{bucket("old", true, true)}, []estate.Asset{bucket("old", false, true), bucket("new", true, false)}, nil, []string{"renamed arn:aws:s3:::new"}},
		"a_part_and_none_came":   {[]estate.Asset{bucket("old", true, true)}, []estate.Asset{bucket("old", false, true)}, nil, []string{"unseen arn:aws:s3:::old"}},
		"several_lists_left_out": {[]estate.Asset{deployment("llm-one", "i"), of("v1/Service", "Service"), of("v1/ConfigMap", "ConfigMap"), of("v1/Pod", "Keep")}, []estate.Asset{of("v1/Pod", "Keep")}, []string{"apps/v1/Deployment", "v1/Service", "v1/ConfigMap"}, []string{"unseen apps/v1/Deployment, v1/ConfigMap, v1/Service in c"}},
	} {
		t.Run(name, func(t *testing.T) {
			snap := func(assets []estate.Asset, lists []string) *estate.Snapshot {
				b := estate.NewBuilder(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
				for _, a := range assets {
					b.Asset(a)
				}
				for _, typ := range lists {
					b.Covered(estate.Coverage{Type: typ, Account: "c"})
				}
				for _, s := range []string{source, "cloudformation:t.json"} {
					b.Source(estate.SourceStatus{Source: s, Status: "complete"})
				}
				s, err := b.Build()
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			d, err := Compare(context.Background(), snap(tt.before, tt.lists), snap(tt.after, nil))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range d.Records {
				got = append(got, r.What+" "+r.Asset)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
