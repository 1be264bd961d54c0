package control

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

const missing = `id: own-fact
lifecycle: experimental
step: audit
types: ["AWS::Organizations::Account"]
title: "There is none"
asks: "Is there one?"
absent:
  type: AWS::S3::Thing
  where: 'config.GetThing.On == true'
  every_region: 'config.?Wide.orValue(false)'
  every_account: 'config.?Shared.orValue(false)'
why: "Because."
invalid_for: ["those who have one"]
severity: low
fix: {text: "Make one.", effort: minutes}
reads: ["s3:ListThings", "s3:GetThing"]
frameworks: [CWE-1]
techniques: [T1]
cases:
  fail: [{file: off.json, beside: [off.json]}]
  pass: [{file: on.json, beside: [on.json]}]
  near: [{file: near.json, because: "wide", beside: [{file: near.json, region: us-east-1}]}]
`

func TestLoadAbsent(t *testing.T) {
	twist := []string{"near.json", `{"Name":"b","Wide":true,"GetThing":{"On":true}}`}
	c := only(t, folder(missing, twist...))
	for _, err := range c.Prove(clock) {
		t.Error(err)
	}
	if want := "none there: AWS::S3::Thing where config.GetThing.On == true; serves every region where config.?Wide.orValue(false); serves every account where config.?Shared.orValue(false)"; c.Fails() != want {
		t.Errorf("fails %q, want %q", c.Fails(), want)
	}
	for name, m := range map[string]struct{ from, to, want string }{
		"two_questions": {"absent:\n", "fails: 'true'\nabsent:\n", `:7:8: fails and absent are two questions; a control asks one`},
		"no_question":   {missing[strings.Index(missing, "absent:"):strings.Index(missing, "why:")], "", `:1:5: there is neither fails nor absent; say what is a fault`},
		"no_type":       {"  type: AWS::S3::Thing\n", "", `absent has no type`},
		"bad_where":     {"'config.GetThing.On == true'", "'konfig'", `:9:11: undeclared reference to 'konfig'`},
		"related_wide":  {"  type: AWS::S3::Thing\n", "  type: AWS::S3::Thing\n  related: true\n", `every_region and every_account say nothing of what is related to one asset`},
		"no_reads":      {`["s3:ListThings", "s3:GetThing"]`, "[]", `reads is empty; a control with absent names first what lists AWS::S3::Thing`},
		"no_such_file":  {"[off.json]", "[of.json]", `case file of.json is not there`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(missing, m.from, m.to, 1)
			set, errs := Load(folder(text, twist...))
			if text == missing || len(set.Controls()) != 0 || len(errs) != 1 || !strings.Contains(errs[0].Error(), m.want) {
				t.Errorf("%d controls, errors %v, want %s", len(set.Controls()), errs, m.want)
			}
		})
	}
}

// world is a snapshot of two accounts in which things may be.
type world struct {
	things   []estate.Asset
	covered  []estate.Coverage
	blind    []estate.BlindSpot
	idle     bool // no workload anywhere
	relation bool // the first thing governs the workload
}

func (w world) build(t *testing.T) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(clock)
	for _, account := range []string{"111122223333", "444455556666"} {
		b.Asset(estate.Asset{ID: "arn:aws:iam::" + account + ":root", Type: "AWS::Organizations::Account", Cloud: estate.AWS, Account: account,
			Config: json.RawMessage(`{}`), Reads: []estate.Read{{Operation: "iam:GetAccountSummary", Status: estate.ReadOK}}})
	}
	job := estate.Asset{ID: "arn:aws:x:eu-west-1:111122223333:job/a", Type: "AWS::X::Job", Cloud: estate.AWS, Account: "111122223333", Region: "eu-west-1",
		Config: json.RawMessage(`{}`), Reads: []estate.Read{{Operation: "x:ListJobs", Status: estate.ReadOK}}}
	if !w.idle {
		job.Root = &estate.Root{Class: estate.ClassTraining, Why: "it trains"}
	}
	b.Asset(job)
	for _, a := range w.things {
		b.Asset(a)
	}
	for _, c := range w.covered {
		b.Covered(c)
	}
	for _, s := range w.blind {
		b.BlindSpot(s)
	}
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if w.relation {
		snap, err = snap.With(nil, []estate.Relation{{From: w.things[0].ID, To: job.ID, Type: estate.Governs, Tier: estate.Declared}}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	return snap
}

func thing(account, region, config string) estate.Asset {
	return estate.Asset{ID: "arn:aws:s3:" + region + ":" + account + ":thing", Type: "AWS::S3::Thing", Cloud: estate.AWS, Account: account, Region: region,
		Config: json.RawMessage(config), Reads: []estate.Read{{Operation: "s3:ListThings", Status: estate.ReadOK}, {Operation: "s3:GetThing", Key: "GetThing", Status: estate.ReadOK}}}
}

// TestWhatShouldExist goes through what a snapshot may say of a thing that
// should exist: only a list read to its end that holds none of them is a fault.
func TestWhatShouldExist(t *testing.T) {
	const mine, other, on, off = "111122223333", "444455556666", `{"GetThing":{"On":true}}`, `{"GetThing":{"On":false}}`
	listed := []estate.Coverage{{Type: "AWS::S3::Thing", Account: mine, Region: "eu-west-1"}}
	unread := thing(mine, "eu-west-1", `{}`)
	unread.Reads[1].Status, unread.Reads[1].Grant = estate.ReadDenied, "s3:GetThing"
	wide := `{"Wide":true,"GetThing":{"On":true}}`
	related := strings.NewReplacer("AWS::Organizations::Account", "AWS::X::Job", "  every_region: 'config.?Wide.orValue(false)'\n", "",
		"  every_account: 'config.?Shared.orValue(false)'\n", "  related: true\n", `near: [{file: near.json, because: "wide", beside: [{file: near.json, region: us-east-1}]}]`, `near: [{file: near.json, because: "odd", beside: [on.json]}]`).Replace(missing)
	for name, c := range map[string]struct {
		control string
		world   world
		want    finding.Outcome
		says    string
	}{
		"one":                      {missing, world{covered: listed, things: []estate.Asset{thing(mine, "eu-west-1", on)}}, finding.Pass, ""},
		"one_though_not_all":       {missing, world{things: []estate.Asset{thing(mine, "eu-west-1", on)}}, finding.Pass, ""},
		"none":                     {missing, world{covered: listed}, finding.Fail, "none in eu-west-1"},
		"none_that_is_on":          {missing, world{covered: listed, things: []estate.Asset{thing(mine, "eu-west-1", off)}}, finding.Fail, "none in eu-west-1"},
		"never_listed":             {missing, world{}, finding.Unknown, "s3:ListThings skipped (not listed to the end in eu-west-1)"},
		"list_refused":             {missing, world{blind: []estate.BlindSpot{{Operation: "s3:ListThings", Account: mine, Region: "eu-west-1", Types: []string{"AWS::S3::Thing"}, Status: estate.ReadDenied, Why: "no", Hint: "grant s3:ListThings"}}}, finding.Unknown, "s3:ListThings denied (no), grant s3:ListThings"},
		"detail_refused":           {missing, world{covered: listed, things: []estate.Asset{unread}}, finding.Unknown, "s3:GetThing denied, grant s3:GetThing"},
		"damaged":                  {missing, world{covered: listed, things: []estate.Asset{thing(mine, "eu-west-1", `{"GetThing":{"On":"yes"}}`)}}, finding.Fail, "none"},
		"another_region":           {missing, world{covered: listed, things: []estate.Asset{thing(mine, "us-east-1", on)}}, finding.Fail, "none"},
		"another_region_wide":      {missing, world{covered: listed, things: []estate.Asset{thing(mine, "us-east-1", wide)}}, finding.Pass, ""},
		"another_account":          {missing, world{covered: listed, things: []estate.Asset{thing(other, "eu-west-1", on)}}, finding.Fail, "none"},
		"another_account_shared":   {missing, world{covered: listed, things: []estate.Asset{thing(other, "eu-west-1", `{"Shared":true,"GetThing":{"On":true}}`)}}, finding.Pass, ""},
		"shared_elsewhere":         {missing, world{covered: listed, things: []estate.Asset{thing(other, "us-east-1", `{"Shared":true,"GetThing":{"On":true}}`)}}, finding.Fail, "none"},
		"nobody_needs_it":          {missing, world{covered: listed, idle: true}, finding.NA, ""},
		"related":                  {related, world{covered: listed, relation: true, things: []estate.Asset{thing(mine, "eu-west-1", on)}}, finding.Pass, ""},
		"related_off":              {related, world{covered: listed, relation: true, things: []estate.Asset{thing(mine, "eu-west-1", off)}}, finding.Fail, "none"},
		"there_and_not_related":    {related, world{covered: listed, things: []estate.Asset{thing(mine, "eu-west-1", on)}}, finding.Fail, "none"},
		"related_and_never_listed": {related, world{}, finding.Unknown, "s3:ListThings skipped"},
		"related_known_by_name":    {related, world{covered: listed, relation: true, things: []estate.Asset{{ID: "arn:x", Type: "AWS::S3::Thing", Referenced: true}}}, finding.Unknown, "known by name only"},
	} {
		t.Run(name, func(t *testing.T) {
			set, errs := Load(folder(c.control))
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			snap := c.world.build(t)
			around := set.Surroundings(snap)
			id := "arn:aws:iam::" + mine + ":root"
			if c.control == related {
				id = "arn:aws:x:eu-west-1:" + mine + ":job/a"
			}
			n, ok := snap.Find(id)
			if !ok {
				t.Fatal("the subject is not there")
			}
			r := set.JudgeIn(Context{Now: clock, Around: around.For(n)}, snap.Asset(n), json.RawMessage(`{}`))[0]
			said := r.Why
			for _, e := range r.Evidence {
				said += " " + e.Value
			}
			if r.Outcome != c.want || !strings.Contains(said, c.says) {
				t.Errorf("got %s (%s), want %s saying %q", r.Outcome, said, c.want, c.says)
			}
		})
	}
}

// Without surroundings nobody looked: the answer is unknown, never a pass.
func TestAbsentUnasked(t *testing.T) {
	set, _ := Load(folder(missing))
	a := &estate.Asset{ID: "arn:aws:iam::111122223333:root", Type: "AWS::Organizations::Account", Account: "111122223333"}
	if r := set.Judge(a, json.RawMessage(`{}`))[0]; r.Outcome != finding.Unknown || len(r.Missing) == 0 {
		t.Errorf("got %s (%s), missing %v", r.Outcome, r.Why, r.Missing)
	}
}
