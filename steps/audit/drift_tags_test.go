package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// tagEstate is an estate of one bucket, role, namespace, pod and deployment, with
// what decides by tags; edit may change an asset before it is added.
func tagEstate(t *testing.T, edit func(*estate.Asset)) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(eleven)
	add := func(cloud estate.Cloud, account, region, id, typ, config string, tags map[string]string) {
		a := estate.Asset{ID: id, Type: typ, Cloud: cloud, Account: account, Region: region, Name: id[strings.LastIndexAny(id, "/:")+1:], Config: json.RawMessage(config), Tags: tags,
			Source: "src", Reads: []estate.Read{{Operation: "x:List", Status: estate.ReadOK}}}
		if edit != nil {
			edit(&a)
		}
		b.Asset(a)
		b.Covered(estate.Coverage{Type: typ, Account: account, Region: region})
	}
	policy := func(effect, condition string) string {
		return fmt.Sprintf(`{"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Statement":[{"Effect":%q,"Action":"s3:GetObject","Resource":"*","Condition":%s}]}}]}`, effect, condition)
	}
	role := func(name, config string) {
		add(estate.AWS, "1", "", "arn:aws:iam::1:role/"+name, "AWS::IAM::Role", config, map[string]string{})
	}
	role("team", policy("Allow", `{"StringEquals":{"aws:ResourceTag/Team":"ml"}}`))
	role("kept", policy("Deny", `{"StringLike":{"aws:resourcetag/class":"secret*"}}`))
	role("own", policy("Allow", `{"StringEquals":{"aws:ResourceTag/project":"${aws:PrincipalTag/project}"}}`))
	role("keys", policy("Allow", `{"StringEquals":{"kms:ResourceTag/keys":"ml"}}`))
	role("who", policy("Allow", `{"StringEquals":{"aws:PrincipalTag/who":"ml"}}`))
	add(estate.AWS, "1", "", "arn:aws:s3:::lake", "AWS::S3::Bucket", `{"Name":"lake"}`, map[string]string{"class": "secret-1"})
	k8s := func(namespace, kind, group, config string, tags map[string]string) {
		add(estate.Kubernetes, "c", namespace, "k8s://c/"+namespace+"/"+kind+"/x", group+"/"+kind, config, tags)
	}
	k8s("", "Namespace", "v1", `{}`, map[string]string{})
	k8s("ml", "Pod", "v1", `{}`, map[string]string{})
	k8s("ml", "Deployment", "apps/v1", `{}`, map[string]string{})
	k8s("", "ClusterRole", "rbac.authorization.k8s.io/v1", `{}`, map[string]string{})
	k8s("ml", "Service", "v1", `{"spec":{"selector":{"served":"1"}}}`, map[string]string{})
	k8s("ml", "NetworkPolicy", "networking.k8s.io/v1", `{"spec":{"podSelector":{"matchLabels":{"held":"1"}},"ingress":[{"from":[{"namespaceSelector":{"matchExpressions":[{"key":"zone","operator":"Exists"}]}}]}]}}`, map[string]string{})
	k8s("", "ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", `{"webhooks":[{"namespaceSelector":{"matchLabels":{"checked":"1"}},"objectSelector":{"matchLabels":{"object":"1"}}}]}`, map[string]string{})
	b.Source(estate.SourceStatus{Source: "src", Status: "complete"})
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// A tag is words until something decides by it.
func TestTagsThatDecide(t *testing.T) {
	for name, tt := range map[string]struct {
		asset, was, is string // "TAG=VALUE"
		want           Consequence
		path           string
	}{
		"words":                         {"arn:aws:s3:::lake", "", "env=dev", Cosmetic, ""},
		"a tag that a policy asks for":  {"arn:aws:s3:::lake", "", "team=ml", NewPath, "role/team"},
		"with a value that it does not": {"arn:aws:s3:::lake", "", "team=hr", Attribute, ""},
		"that it no longer asks for":    {"arn:aws:s3:::lake", "team=ml", "", Attribute, ""},
		"a denial that does not hold":   {"arn:aws:s3:::lake", "class=secret-1", "class=open", NewPath, "no longer meets what arn:aws:iam::1:role/kept"},
		"a denial that holds still":     {"arn:aws:s3:::lake", "class=secret-1", "class=secret-2", Attribute, ""},
		"a tag compared with another":   {"arn:aws:s3:::lake", "", "project=x", NewPath, "role/own"},
		"a tag of another service":      {"arn:aws:s3:::lake", "", "keys=ml", Cosmetic, ""},
		"a tag of who asks":             {"arn:aws:iam::1:role/kept", "", "who=ml", NewPath, "role/who"},
		"of who asks, on a bucket":      {"arn:aws:s3:::lake", "", "who=ml", Cosmetic, ""},
		"admission of pods weakened":    {"k8s://c//Namespace/x", "pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/enforce=baseline", NewPath, "admits pods of level baseline"},
		"admission of pods ended":       {"k8s://c//Namespace/x", "pod-security.kubernetes.io/enforce=restricted", "", NewPath, "admits pods of level privileged"},
		"admission of pods opened":      {"k8s://c//Namespace/x", "", "pod-security.kubernetes.io/enforce=privileged", NewPath, "admits privileged pods"},
		"admission of pods hardened":    {"k8s://c//Namespace/x", "", "pod-security.kubernetes.io/enforce=restricted", Attribute, ""},
		"a warning about pods":          {"k8s://c//Namespace/x", "", "pod-security.kubernetes.io/warn=restricted", Attribute, ""},
		"the same label on a pod":       {"k8s://c/ml/Pod/x", "", "pod-security.kubernetes.io/enforce=privileged", Cosmetic, ""},
		"a label of a network policy":   {"k8s://c/ml/Pod/x", "", "held=1", Attribute, ""},
		"a label of its peers":          {"k8s://c//Namespace/x", "", "zone=1", Attribute, ""},
		"a label of a service":          {"k8s://c/ml/Pod/x", "", "served=1", Attribute, ""},
		"that label on a deployment":    {"k8s://c/ml/Deployment/x", "", "served=1", Cosmetic, ""},
		"a label of a webhook":          {"k8s://c//Namespace/x", "", "checked=1", Attribute, ""},
		"of the objects of a webhook":   {"k8s://c/ml/Deployment/x", "", "object=1", Attribute, ""},
		"a label nobody asks for":       {"k8s://c/ml/Pod/x", "", "x=1", Cosmetic, ""},
		"rights that roles take in":     {"k8s://c//ClusterRole/x", "", "rbac.authorization.k8s.io/aggregate-to-view=true", Attribute, ""},
	} {
		t.Run(strings.ReplaceAll(strings.ReplaceAll(name, " ", "_"), ",", ""), func(t *testing.T) {
			with := func(tag string) *estate.Snapshot {
				return tagEstate(t, func(a *estate.Asset) {
					if k, v, ok := strings.Cut(tag, "="); ok && a.ID == tt.asset {
						a.Tags[k] = v
					}
				})
			}
			d, err := Compare(context.Background(), with(tt.was), with(tt.is))
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Records) != 1 || d.Records[0].Consequence != tt.want || tt.path == "" != (len(d.Records[0].Paths) == 0) || !strings.Contains(strings.Join(d.Records[0].Paths, "\n"), tt.path) {
				t.Errorf("%d records, %+v; want %s, %q", len(d.Records), d.Records, tt.want, tt.path)
			}
		})
	}
}

// fromState is what one state of Terraform says of some buckets: the tags of each.
func fromState(t *testing.T, tags ...map[string]string) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(eleven)
	for i, of := range tags {
		b.Asset(estate.Asset{ID: fmt.Sprintf("arn:aws:s3:::b%d", i), Type: "AWS::S3::Bucket", Cloud: estate.AWS, Account: "1", Config: json.RawMessage(`{}`), Tags: of,
			Source: "terraform:s.tfstate", Reads: []estate.Read{{Operation: "s3:ListBuckets", Status: estate.ReadOK}}})
	}
	b.Source(estate.SourceStatus{Source: "terraform:s.tfstate", Status: "complete"})
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// One edit of default_tags stands on every resource of a state, and is none.
func TestDefaultTags(t *testing.T) {
	type tags = map[string]string
	for name, tt := range map[string]struct {
		was, is []tags
		want    []string
	}{
		"one that came": {[]tags{{}, {"a": "1"}}, []tags{{"by": "tf"}, {"a": "1", "by": "tf"}}, nil},
		"one that went": {[]tags{{"by": "tf"}, {"by": "tf"}}, []tags{{}, {}}, nil},
		"one of which a resource sets another value": {[]tags{{"by": "x"}, {"by": "x"}, {"by": "me"}}, []tags{{"by": "y"}, {"by": "y"}, {"by": "me"}}, nil},
		"not on all of them":                         {[]tags{{}, {}, {}}, []tags{{"by": "tf"}, {"by": "tf"}, {}}, []string{"b0 tags.by", "b1 tags.by"}},
		"not the same on all":                        {[]tags{{}, {}}, []tags{{"by": "tf"}, {"by": "ft"}}, []string{"b0 tags.by", "b1 tags.by"}},
		"a state of one resource":                    {[]tags{{}}, []tags{{"by": "tf"}}, []string{"b0 tags.by"}},
		"with a tag of its own":                      {[]tags{{}, {}}, []tags{{"by": "tf"}, {"by": "tf", "own": "1"}}, []string{"b1 tags.own"}},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			d, err := Compare(context.Background(), fromState(t, tt.was...), fromState(t, tt.is...))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range d.Records {
				for _, c := range d.Records[i].Changes {
					got = append(got, strings.TrimPrefix(d.Records[i].Asset, "arn:aws:s3:::")+" "+c.Attribute)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if !slices.ContainsFunc(Volatile(), func(n Noise) bool { return slices.Contains(n.Places, defaultTags) }) {
		t.Error("the list of what is left out does not name them")
	}
}

// A default tag that moves assets to another zone is told of each.
func TestDefaultTagsThatMove(t *testing.T) {
	d, err := Compare(context.Background(), fromState(t, map[string]string{}, map[string]string{}), fromState(t, map[string]string{"env": "prod"}, map[string]string{"env": "prod"}))
	if err != nil || len(d.Records) != 0 || !d.MayMove() {
		t.Fatalf("%+v, %v", d, err)
	}
	windows := map[string]Window{}
	for _, k := range d.Keys() {
		windows[k] = Window{First: eleven, Same: eleven}
	}
	d.Seen(windows)
	for range 2 { // told again it says the same
		d.Zones(func(string) (string, string) { return "dev", "" }, func(asset string) (string, string) {
			if asset == "arn:aws:s3:::b0" {
				return "prod", ""
			}
			return "dev", ""
		})
	}
	if len(d.Records) != 1 || d.Records[0].Asset != "arn:aws:s3:::b0" || d.Records[0].Consequence != Attribute || d.Records[0].FirstSeen != eleven || len(d.Records[0].Changes) != 2 {
		t.Errorf("%+v", d.Records)
	}
}

// What the service itself provides is never made anew, whatever time it says.
func TestProvidedIsNeverRecreated(t *testing.T) {
	at := func(name string, hours int) *estate.Snapshot {
		b := estate.NewBuilder(eleven)
		b.Asset(estate.Asset{ID: "arn:aws:athena:eu-west-1:1:workgroup/" + name, Type: "AWS::Athena::WorkGroup", Name: name, Cloud: estate.AWS, Account: "1", Region: "eu-west-1",
			Config: json.RawMessage(`{"Name":"x"}`), Created: eleven.Add(time.Duration(hours) * time.Hour), Source: "aws", Reads: []estate.Read{{Operation: "athena:ListWorkGroups", Status: estate.ReadOK}}})
		snap, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		return snap
	}
	for name, want := range map[string]int{"primary": 0, "mine": 1} {
		d, err := Compare(context.Background(), at(name, 0), at(name, 1))
		if err != nil || len(d.Records) != want {
			t.Errorf("%s: %+v, %v, want %d records", name, d, err, want)
		}
	}
}
