package assess_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/store"
)

const (
	boundaryA = "arn:aws:iam::" + acct + ":policy/bound-a"
	boundaryB = "arn:aws:iam::" + acct + ":policy/bound-b"
	webhook   = "k8s://c//ValidatingWebhookConfiguration.admissionregistration.k8s.io/w"
)

func bound(arn string) string {
	return fmt.Sprintf(`,"PermissionsBoundary":{"PermissionsBoundaryType":"Policy","PermissionsBoundaryArn":%q}`, arn)
}

func attached(arn string) string {
	return fmt.Sprintf(`,"AttachedManagedPolicies":[{"PolicyName":%q,"PolicyArn":%q}]`, arn[strings.LastIndexByte(arn, '/')+1:], arn)
}

func statements(list ...string) string {
	return `,"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Statement":[` + strings.Join(list, ",") + `]}}]`
}

func statement(effect, action, condition string) string {
	if condition != "" {
		condition = `,"Condition":{` + condition + `}`
	}
	return fmt.Sprintf(`{"Effect":%q,"Action":%q,"Resource":"*"%s}`, effect, action, condition)
}

// grade is what a change of one asset is graded and says, with the other policies
// that boundaries are.
func grade(t *testing.T, id, typ, was, is string) (string, []string) {
	t.Helper()
	policy := func(name, action string) string {
		return fmt.Sprintf(`{"PolicyName":%q,"Arn":"arn:aws:iam::%s:policy/%s","DefaultVersionId":"v1","PolicyVersionList":[{"VersionId":"v1","IsDefaultVersion":true,"Document":{"Statement":[{"Effect":"Allow","Action":%q,"Resource":"*"}]}}]}`, name, acct, name, action)
	}
	side := func(config string) *estate.Snapshot {
		w := (&world{}).put(id, typ, config)
		w.put(boundaryA, "AWS::IAM::ManagedPolicy", policy("bound-a", "s3:*")).put(boundaryB, "AWS::IAM::ManagedPolicy", policy("bound-b", "s3:Get*"))
		return w.snapshot(t)
	}
	d, err := audit.Compare(context.Background(), side(was), side(is))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Records) != 1 {
		t.Fatalf("records %v", describe(d))
	}
	return string(d.Records[0].Consequence), d.Records[0].Paths
}

// What only narrows opens no way; what takes a bound away does, however it is put.
func TestDriftOfBounds(t *testing.T) {
	const mfa, net = `"Bool":{"aws:MultiFactorAuthPresent":"true"}`, `"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`
	roles := map[string]struct{ was, is, path string }{
		"put":                     {"", bound(boundaryA), ""},
		"taken_off":               {bound(boundaryA), "", "its holder may do what its boundary " + boundaryA + " kept from it"},
		"narrower":                {bound(boundaryA), bound(boundaryB), ""},
		"wider":                   {bound(boundaryB), bound(boundaryA), "under its other boundary its holder may s3:* on *"},
		"unread":                  {bound(boundaryA), bound("arn:aws:iam::aws:policy/PowerUserAccess"), "nobody read whether that allows more"},
		"attached_what_bounded":   {bound(boundaryA), bound(boundaryA) + attached(boundaryA), "-attached-> " + boundaryA},
		"condition_added":         {statements(statement("Allow", "s3:*", mfa)), statements(statement("Allow", "s3:*", mfa+","+net)), ""},
		"condition_taken":         {statements(statement("Allow", "s3:*", mfa+","+net)), statements(statement("Allow", "s3:*", net)), "its holder may s3:* on *"},
		"unconditional_beside":    {statements(statement("Allow", "s3:*", mfa)), statements(statement("Allow", "s3:*", ""), statement("Allow", "s3:*", mfa)), "its holder may s3:* on *"},
		"condition_beside":        {statements(statement("Allow", "s3:*", "")), statements(statement("Allow", "s3:*", ""), statement("Allow", "s3:*", mfa)), ""},
		"denial_widened":          {statements(statement("Deny", "s3:Get*", "")), statements(statement("Deny", "s3:*", "")), ""},
		"denial_narrowed":         {statements(statement("Deny", "s3:*", "")), statements(statement("Deny", "s3:Get*", "")), "a denial ended: s3:* on *"},
		"denial_under_conditions": {statements(statement("Deny", "s3:*", "")), statements(statement("Deny", "s3:*", mfa)), "a denial ended: s3:* on *"},
	}
	for name, tt := range roles {
		t.Run(name, func(t *testing.T) {
			got, paths := grade(t, role, "AWS::IAM::Role", roleConfig("serving", tt.was), roleConfig("serving", tt.is))
			want := string(audit.NewPath)
			if tt.path == "" {
				want = string(audit.Attribute)
			}
			if got != want || !strings.Contains(strings.Join(paths, "\n"), tt.path) {
				t.Errorf("%s, %q; want %s, %q", got, paths, want, tt.path)
			}
		})
	}
	rule := func(verbs, groups, resources, more string) string {
		return fmt.Sprintf(`{"verbs":[%s],"apiGroups":[%s],"resources":[%s]%s}`, verbs, groups, resources, more)
	}
	const get, list, core, apps, every, podList = `"get"`, `"get","list"`, `""`, `"apps"`, `"*"`, `"pods"`
	for name, tt := range map[string]struct{ was, is, path string }{
		"verb":             {rule(get, core, podList, ""), rule(list, core, podList, ""), "its subjects may list on pods"},
		"verb_of_all":      {rule(every, core, podList, ""), rule(every+","+get, core, podList, ""), ""},
		"fewer":            {rule(list, core, podList, ""), rule(get, core, podList, ""), ""},
		"named":            {rule(get, core, podList, ""), rule(get, core, podList, `,"resourceNames":["a"]`), ""},
		"names_gone":       {rule(get, core, podList, `,"resourceNames":["a"]`), rule(get, core, podList, ""), "its subjects may get on pods"},
		"of_one_group":     {rule(every, apps, every, ""), rule(every, every, every, ""), "its subjects may * on *"},
		"another_group":    {rule(every, apps, every, ""), rule(every, apps+","+core, every, ""), "its subjects may * on *"},
		"within_all":       {rule(every, every, every, ""), rule(every, apps, every, ""), ""},
		"subresource":      {rule(get, apps, `"*/scale"`, ""), rule(get, apps, `"deployments/scale"`, ""), ""},
		"path_of_a_server": {rule(every, every, every, ""), rule(every, every, every, "") + `,{"verbs":["get"],"nonResourceURLs":["/metrics"]}`, "its subjects may get on /metrics"},
		"path_within":      {`{"verbs":["get"],"nonResourceURLs":["/api/*"]}`, `{"verbs":["get"],"nonResourceURLs":["/api/v1"]}`, ""},
	} {
		t.Run("rule_"+name, func(t *testing.T) {
			got, paths := grade(t, reader, "rbac.authorization.k8s.io/v1/Role", `{"metadata":{"name":"reader","namespace":"ml"},"rules":[`+tt.was+`]}`, `{"metadata":{"name":"reader","namespace":"ml"},"rules":[`+tt.is+`]}`)
			if opens := got == string(audit.NewPath); opens != (tt.path != "") || !strings.Contains(strings.Join(paths, "\n"), tt.path) {
				t.Errorf("%s, %q; want %q", got, paths, tt.path)
			}
		})
	}
	control := func(statement string) string {
		return `{"Id":"p-1","Arn":"arn:aws:organizations::` + acct + `:policy/o-1/service_control_policy/p-1","Name":"p","Type":"SERVICE_CONTROL_POLICY","Content":{"Statement":[` + statement + `]}}`
	}
	for name, tt := range map[string]struct{ was, is, path string }{
		"denial_gone":    {statement("Deny", "s3:*", "") + "," + statement("Allow", "*", ""), statement("Allow", "*", ""), "a denial ended: s3:* on *"},
		"denial_more":    {statement("Allow", "*", ""), statement("Deny", "s3:*", "") + "," + statement("Allow", "*", ""), ""},
		"allows_more":    {statement("Allow", "s3:*", ""), statement("Allow", "*", ""), "who is under it may * on *"},
		"allows_no_more": {statement("Allow", "*", ""), statement("Allow", "s3:*", ""), ""},
	} {
		t.Run("control_policy_"+name, func(t *testing.T) {
			got, paths := grade(t, "arn:aws:organizations::"+acct+":policy/o-1/service_control_policy/p-1", "AWS::Organizations::Policy", control(tt.was), control(tt.is))
			if opens := got == string(audit.NewPath); opens != (tt.path != "") || !strings.Contains(strings.Join(paths, "\n"), tt.path) {
				t.Errorf("%s, %q; want %q", got, paths, tt.path)
			}
		})
	}
	hook := func(failure, more, rules string) string {
		return fmt.Sprintf(`{"metadata":{"name":"w"},"webhooks":[{"name":"a.b.c","failurePolicy":%q,"rules":[%s]%s}]}`, failure, rules, more)
	}
	const pods, all = `{"operations":["CREATE"],"resources":["pods"]}`, `{"operations":["CREATE","UPDATE"],"resources":["pods"]}`
	for name, tt := range map[string]struct {
		was, is string
		opens   bool
	}{
		"fails_open":       {hook("Fail", "", pods), hook("Ignore", "", pods), true},
		"fails_closed":     {hook("Ignore", "", pods), hook("Fail", "", pods), false},
		"selects":          {hook("Fail", "", pods), hook("Fail", `,"namespaceSelector":{"matchLabels":{"a":"b"}}`, pods), true},
		"looks_at_more":    {hook("Fail", "", pods), hook("Fail", "", all), false},
		"looks_at_less":    {hook("Fail", "", all), hook("Fail", "", pods), true},
		"waits_longer":     {hook("Fail", "", pods), hook("Fail", `,"timeoutSeconds":5`, pods), false},
		"one_webhook_gone": {strings.Replace(hook("Fail", "", pods), `[{"name"`, `[{"name":"x"},{"name"`, 1), hook("Fail", "", pods), true},
	} {
		t.Run("webhook_"+name, func(t *testing.T) {
			got, paths := grade(t, webhook, "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration", tt.was, tt.is)
			if opens := got == string(audit.NewPath); opens != tt.opens {
				t.Errorf("%s, %q; opens: want %v", got, paths, tt.opens)
			}
		})
	}
}

// A policy that is no JSON is not one that changed: nobody can read what it says,
// and no denial ended by it.
func TestDriftOfIllegiblePolicies(t *testing.T) {
	reads := []estate.Read{{Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadOK}}
	one := func(policy, more string) *world {
		return (&world{}).put(bucket, "AWS::S3::Bucket", `{"Name":"lake","GetBucketPolicy":{"Policy":`+policy+`}`+more+`}`, reads...)
	}
	const whole, half = `"{\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}"`, `"{\"Statement\":[{\"Effect\":\"De"`
	for name, tt := range map[string]struct {
		was, is *world
		want    []string
	}{
		"now":        {one(whole, ""), one(half, ""), []string{"unseen " + bucket + " GetBucketPolicy.Policy"}},
		"then":       {one(half, ""), one(whole, ""), []string{"unseen " + bucket + " GetBucketPolicy.Policy"}},
		"still":      {one(half, ""), one(half, ""), nil},
		"and_beside": {one(whole, `,"X":1`), one(half, `,"X":2`), []string{"changed " + bucket + " config.X", "unseen " + bucket + " GetBucketPolicy.Policy"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, told(t, tt.was, tt.is)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			d, err := audit.Compare(context.Background(), kept(t, tt.was.snapshot(t)), tt.is.snapshot(t))
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Records) != len(tt.want) {
				t.Errorf("out of a state: %v", describe(d))
			}
			for _, r := range d.Records {
				if len(r.Paths) > 0 || r.What == audit.WhatUnseen && !strings.Contains(r.Why, "no JSON") {
					t.Errorf("%s %s: %q, %q", r.What, r.Asset, r.Paths, r.Why)
				}
			}
		})
	}
}

// kept is a snapshot as a state gives it back.
func kept(t *testing.T, snap *estate.Snapshot) *estate.Snapshot {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if err := st.Save(ctx, snap); err != nil {
		t.Fatal(err)
	}
	out, err := st.Load(ctx, snap.Hash())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What follows from one change, or comes and goes with every release, is told with
// it or not at all; a name that is short stands within other words and is a name
// all the same.
func TestDriftTellsEachActOnce(t *testing.T) {
	const is = ml + "InferenceService.serving.kserve.io/is"
	service := func(uri string) *world {
		return (&world{}).put(is, "serving.kserve.io/v1beta1/InferenceService", `{"apiVersion":"serving.kserve.io/v1beta1","kind":"InferenceService","metadata":{"name":"is","namespace":"ml"},"spec":{"predictor":{"model":{"modelFormat":{"name":"sklearn"},"storageUri":"`+uri+`"}}}}`)
	}
	if diff := cmp.Diff([]string{"changed " + is + " config.spec.predictor.model.storageUri"}, told(t, service("s3://models/x"), service("s3://evil/x"))); diff != "" {
		t.Errorf("a model of another bucket (-want +got):\n%s", diff)
	}
	release := func(status, typ string) string {
		return fmt.Sprintf(`{"metadata":{"name":"sh.helm.release.v1.llm.v1","namespace":"ml","labels":{"status":%q}},"type":%q,"dataKeys":1,"keyNames":["release"]}`, status, typ)
	}
	const v1, v2 = ml + "Secret/sh.helm.release.v1.llm.v1", ml + "Secret/sh.helm.release.v1.llm.v2"
	before := (&world{}).put(v1, "v1/Secret", release("deployed", "helm.sh/release.v1")).put(llm, "apps/v1/Deployment", deployment("llm:1", 2))
	after := (&world{}).put(v1, "v1/Secret", release("superseded", "helm.sh/release.v1")).put(v2, "v1/Secret", release("deployed", "helm.sh/release.v1")).put(llm, "apps/v1/Deployment", deployment("llm:2", 2))
	if diff := cmp.Diff([]string{"changed " + llm + " config.spec.template.spec.containers[s].image"}, told(t, before, after)); diff != "" {
		t.Errorf("a release (-want +got):\n%s", diff)
	}
	after.put(v2, "v1/Secret", release("deployed", "Opaque"))
	if got := told(t, before, after); !slices.Contains(got, "added "+v2+" ") {
		t.Errorf("a secret under the name of a release: %q", got)
	}
	ci := func(name string) *world {
		return (&world{}).put("arn:aws:iam::"+acct+":role/"+name, "AWS::IAM::Role", strings.Replace(roleConfig(name, ""), "serves", "principally so", 1))
	}
	if diff := cmp.Diff([]string{"renamed arn:aws:iam::" + acct + ":role/pipeline id"}, told(t, ci("ci"), ci("pipeline"))); diff != "" {
		t.Errorf("a short name (-want +got):\n%s", diff)
	}
}

// The tags that a provider block gives are known by the resource, be it the only
// one of its state; what the resource sets itself is a change.
func TestDriftOfGivenTags(t *testing.T) {
	one := func(given string, tags map[string]string) *world {
		w := (&world{}).put(bucket, "AWS::S3::Bucket", `{"Name":"lake"}`)
		if given != "" {
			w.assets[0].Reads = append(w.assets[0].Reads, estate.Read{Operation: estate.GivenTags, Key: estate.GivenTags, Status: estate.ReadOK, Why: given})
		}
		w.assets[0].Source, w.assets[0].Tags = "terraform:state.json", tags
		return w
	}
	type kv = map[string]string
	for name, tt := range map[string]struct {
		was, is *world
		want    []string
	}{
		"added":          {one(`["env"]`, kv{"env": "p"}), one(`["cost","env"]`, kv{"env": "p", "cost": "7"}), nil},
		"changed":        {one(`["env"]`, kv{"env": "p"}), one(`["env"]`, kv{"env": "d"}), nil},
		"removed":        {one(`["env"]`, kv{"env": "p"}), one(`[]`, kv{}), nil},
		"own":            {one(`["env"]`, kv{"env": "p"}), one(`["env"]`, kv{"env": "p", "cost": "7"}), []string{"changed " + bucket + " tags.cost"}},
		"made_own":       {one(`["env"]`, kv{"env": "p"}), one(`[]`, kv{"env": "d"}), []string{"changed " + bucket + " tags.env"}},
		"older_baseline": {one(``, kv{"env": "p"}), one(`["cost","env"]`, kv{"env": "p", "cost": "7"}), []string{"changed " + bucket + " tags.cost"}},
	} {
		if diff := cmp.Diff(tt.want, told(t, tt.was, tt.is)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A list that ended before its last object says that more may have followed,
// whatever its kind; a kind that the cluster itself has no more is not missed.
func TestDriftOfListsThatEnd(t *testing.T) {
	const key = ml + "Secret/k"
	before := (&world{}).put(key, "v1/Secret", `{"metadata":{"name":"k","namespace":"ml","uid":"u"},"type":"Opaque"}`)
	before.covered = []estate.Coverage{{Type: "v1/Secret", Account: "c"}, {Type: "flowcontrol.apiserver.k8s.io/v1beta3/FlowSchema", Account: "c"}}
	after := (&world{}).put(key, "v1/Secret", `{"metadata":{"name":"k","namespace":"ml","uid":"u"},"type":"Opaque"}`)
	after.covered = []estate.Coverage{{Type: "flowcontrol.apiserver.k8s.io/v1/FlowSchema", Account: "c"}}
	if diff := cmp.Diff([]string{"unseen v1/Secret in c list"}, told(t, before, after)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	after.blind = []estate.BlindSpot{{Source: "src", Account: "c", Operation: "k/secrets.json", Types: []string{"v1/Secret"}, Status: estate.ReadMalformed, Why: "cut"}}
	if diff := cmp.Diff([]string{"unseen k/secrets.json in c k/secrets.json"}, told(t, before, after)); diff != "" {
		t.Errorf("with its cause (-want +got):\n%s", diff)
	}
	// A damaged file of which nothing is missed, and one that never was an export.
	before.covered, after.covered = nil, nil
	after.blind = []estate.BlindSpot{
		{Source: "dir:k", Operation: "k/vs.json", Status: estate.ReadMalformed, Why: "line 3, column 1: the file ends inside a value"},
		{Source: "dir:k", Operation: "k/package.json", Status: estate.ReadMalformed, Why: "no format understands this document; it is a list"},
	}
	if diff := cmp.Diff([]string{"unseen k/vs.json k/vs.json"}, told(t, before, after)); diff != "" {
		t.Errorf("a damaged file (-want +got):\n%s", diff)
	}
}

// One cause is one record: a damaged file of a folder in which exports of an account
// lie too hides the objects of a cluster, and what is not read of an asset at all is
// not told reply by reply.
func TestDriftTellsEachCauseOnce(t *testing.T) {
	before, after := &world{}, &world{}
	for _, kind := range []string{"ConfigMap", "Secret", "Service"} {
		before.put(ml+kind+"/x", "v1/"+kind, `{"metadata":{"name":"x","namespace":"ml","uid":"u"}}`)
	}
	for _, w := range []*world{before, after} {
		w.covered = nil
		for i := range w.assets {
			w.assets[i].Source = "dir:e"
		}
		w.sources = []estate.SourceStatus{{Source: "dir:e", Status: "complete"}}
	}
	after.blind = []estate.BlindSpot{{Source: "dir:e", Account: acct, Region: "eu-west-1", Operation: "k/all.json", Status: estate.ReadMalformed, Why: "the file ends inside a value"}}
	if got := told(t, before, after); len(got) != 1 || !strings.HasPrefix(got[0], "unseen k/all.json") {
		t.Errorf("a damaged file: %q", got)
	}
	reply := func(status estate.ReadStatus, why string) []estate.Read {
		var out []estate.Read
		for _, key := range []string{"", "GetBucketAcl", "GetBucketCors"} {
			out = append(out, estate.Read{Operation: "s3:" + key, Key: key, Status: status, Why: why})
		}
		return out
	}
	one := func(reads []estate.Read) *world {
		w := (&world{}).put(bucket, "AWS::S3::Bucket", `{"Name":"lake","GetBucketAcl":{"a":1},"GetBucketCors":{"b":1}}`)
		w.assets[0].Reads = reads
		return w
	}
	if got := told(t, one(reply(estate.ReadOK, "")), one(reply(estate.ReadSkipped, "only a part of it is made here"))); len(got) != 1 || !strings.HasPrefix(got[0], "unseen ") {
		t.Errorf("an asset that is not read at all: %q", got)
	}
}
