package control

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

const good = `id: own-fact
lifecycle: experimental
step: audit
types: ["AWS::S3::Bucket"]
title: "It is faulty"
asks: "Is it sound?"
fails: 'config.?GetThing.?On.orValue(false) != true'
why: "Because."
invalid_for: ["nobody that is switched on"]
severity: low
fix:
  text: "Mend it."
  effort: minutes
  commands: ["aws mend {name} {region} {id}"]
evidence:
  - {where: config.GetThing, what: the whole thing}
  - {where: config.GetThing.On, what: its switch, show: 'config.GetThing.On ? "on" : "off"'}
reads: ["s3:GetThing"]
frameworks: [CWE-1]
techniques: [T1]
cases:
  fail: [off.json]
  pass: [on.json]
  near: [{file: near.json, because: "switched on with a twist"}]
`

func folder(text string, more ...string) fstest.MapFS {
	m := fstest.MapFS{
		"catalogue/a.yaml":      {Data: []byte("name: A\nversion: \"1\"\nsource: s\nlicence: l\nkind: framework\nentries: {CWE-1: One}\n")},
		"catalogue/b.yaml":      {Data: []byte("name: B\nversion: \"1\"\nsource: s\nlicence: l\nkind: technique\nentries: {T1: Tech}\n")},
		"own-fact/control.yaml": {Data: []byte(text)},
		"own-fact/off.json":     {Data: []byte(`{"Name":"b","GetThing":{"On":false}}`)},
		"own-fact/on.json":      {Data: []byte(`{"Name":"b","GetThing":{"On":true}}`)},
		"own-fact/near.json":    {Data: []byte(`{"Name":"b","GetThing":{"On":true,"Twist":1}}`)},
	}
	for i := 0; i+1 < len(more); i += 2 {
		m["own-fact/"+more[i]] = &fstest.MapFile{Data: []byte(more[i+1])}
	}
	return m
}

func only(t *testing.T, f ...fs.FS) *Control {
	t.Helper()
	set, errs := Load(f...)
	if len(errs) > 0 || len(set.Controls()) != 1 {
		t.Fatalf("%d controls, errors %v", len(set.Controls()), errs)
	}
	return set.Controls()[0]
}

func TestLoadGood(t *testing.T) {
	c := only(t, folder(good))
	if errs := c.Prove(clock); len(errs) > 0 {
		t.Error(errs)
	}
	if c.Place().String() != "own-fact/control.yaml:1:1" || c.Fails() == "" || c.Applies() != "" {
		t.Errorf("place %s, fails %q, applies %q", c.Place(), c.Fails(), c.Applies())
	}
}

// Expressions that are left for later are as good as those compiled at once; one that
// does not compile after all decides nothing.
func TestLoadProven(t *testing.T) {
	if errs := only(t, Proven(folder(good))).Prove(clock); len(errs) > 0 {
		t.Error(errs)
	}
	broken := only(t, Proven(folder(strings.Replace(good, "fails: 'config", "fails: 'konfig", 1))))
	for _, k := range broken.Cases.Pass {
		a, err := broken.Asset(k)
		if err != nil {
			t.Fatal(err)
		}
		if r := broken.on(a, k, clock, ""); r.Outcome != finding.Unknown || !strings.Contains(r.Why, "undeclared reference to 'konfig'") {
			t.Errorf("a condition that does not compile gives %s: %s", r.Outcome, r.Why)
		}
	}
}

func TestLoadMistakes(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"unknown_key":     {"why:", "wy:", `own-fact/control.yaml:8:1: unknown key "wy" in the file; did you mean "why"?`},
		"other_id":        {"id: own-fact", "id: another-fact", `own-fact/control.yaml:1:5: id "another-fact" is not the folder's name, "own-fact"`},
		"bad_id":          {"id: own-fact", "id: Own", `own-fact/control.yaml:1:5: id "Own" is not words of a-z and 0-9 joined by hyphens`},
		"no_invalid_for":  {`invalid_for: ["nobody that is switched on"]`, "invalid_for: []", `own-fact/control.yaml:1:5: invalid_for is empty; say for whom a fail would be wrong`},
		"bad_severity":    {"severity: low", "severity: lowish", `own-fact/control.yaml:10:11: severity "lowish" is none of critical, high, medium, low, info`},
		"bad_step":        {"step: audit", "step: review", `own-fact/control.yaml:3:7: step "review" is none of audit, access, network, data, supply, detect, respond`},
		"bad_expression":  {"fails: 'config", "fails: 'konfig", `own-fact/control.yaml:7:9: undeclared reference to 'konfig' (did you mean 'config'?)`},
		"bad_evidence":    {"where: config.GetThing,", "where: konfig.GetThing,", `own-fact/control.yaml:16:13: undeclared reference to 'konfig' (did you mean 'config'?)`},
		"bad_place":       {"where: config.GetThing,", "where: config.listOf(GetThing),", `own-fact/control.yaml:16:13: where "config.listOf(GetThing)" is no plain place`},
		"evidence_alone":  {"{where: config.GetThing, what: the whole thing}", "config.GetThing", `own-fact/control.yaml:16:5: evidence[0] is "config.GetThing", where keys and values are expected`},
		"unknown_id":      {"[CWE-1]", "[CWE-2]", `own-fact/control.yaml:19:14: framework id "CWE-2" is in no catalogue`},
		"swapped_id":      {"[T1]", "[CWE-1]", `own-fact/control.yaml:20:14: technique id "CWE-1" is in no catalogue`},
		"bad_read":        {`"s3:GetThing"`, `"GetThing"`, `own-fact/control.yaml:18:9: "GetThing" is not an operation written service:Operation`},
		"missing_case":    {"off.json", "of.json", `own-fact/control.yaml:22:10: case file of.json is not there`},
		"escaping_case":   {"off.json", "../x.json", `own-fact/control.yaml:22:10: case file ../x.json is not there`},
		"no_near_case":    {`near: [{file: near.json, because: "switched on with a twist"}]`, "near: []", `own-fact/control.yaml:22:3: cases.near is empty; a control proves itself on failing, passing and near-miss cases`},
		"near_no_because": {`{file: near.json, because: "switched on with a twist"}`, "near.json", `own-fact/control.yaml:24:10: near-miss case near.json says no because`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, c.from, c.to, 1)
			if text == good {
				t.Fatal("the case changes nothing")
			}
			set, errs := Load(folder(text))
			if len(errs) != 1 || len(set.Controls()) != 0 {
				t.Fatalf("%d controls, errors %v", len(set.Controls()), errs)
			}
			if !strings.HasPrefix(errs[0].Error(), "control own-fact left out: ") || !strings.Contains(errs[0].Error(), c.want) {
				t.Errorf("got %v\nwant %s", errs[0], c.want)
			}
			var p *strict.Problem
			if !errors.As(errs[0], &p) {
				t.Errorf("%v has no place", errs[0])
			}
		})
	}
}

func TestBrokenControlLeavesTheRest(t *testing.T) {
	set, errs := Load(controls.FS, folder("id: ["))
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "own-fact/control.yaml") {
		t.Errorf("errors %v", errs)
	}
	if got := len(set.Controls()); got < 90 {
		t.Errorf("%d controls are left", got)
	}
}

func TestDuplicateIDIsRefused(t *testing.T) {
	set, errs := Load(folder(good), folder(strings.Replace(good, "severity: low", "severity: high", 1)))
	if len(set.Controls()) != 1 || set.Controls()[0].Severity != "low" || len(errs) != 1 || !strings.Contains(errs[0].Error(), `id "own-fact" is taken by own-fact/control.yaml`) {
		t.Errorf("%d controls, errors %v", len(set.Controls()), errs)
	}
}

func TestUserFolderUsesBuiltInCatalogue(t *testing.T) {
	own := folder(strings.NewReplacer("[CWE-1]", "[CWE-311]", "[T1]", "[AML.T0020]").Replace(good))
	delete(own, "catalogue/a.yaml")
	delete(own, "catalogue/b.yaml")
	set, errs := Load(controls.FS, own)
	if len(errs) > 0 || set.Find("own-fact") == nil || set.Name("AML.T0020") != "Poison Training Data" {
		t.Errorf("found %v, errors %v", set.Find("own-fact"), errs)
	}
}

// A harness that cannot fail proves nothing: each of these controls is wrong
// in one way.
func TestProveFindsWrongControls(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"misses":            {"'config.?GetThing.?On.orValue(false) != true'", "'config.?GetThing.?On.orValue(false) == 7'", "case off.json gives pass"},
		"false_alarm":       {"'config.?GetThing.?On.orValue(false) != true'", "'config.?GetThing.?On.orValue(false) != true || has(config.GetThing.Twist)'", "case near.json gives fail"},
		"passes_unread":     {"'config.?GetThing.?On.orValue(false) != true'", "'(name == \"off\")'", "no case becomes unknown without s3:GetThing"},
		"does_not_need":     {`["s3:GetThing"]`, `["s3:GetThing", "s3:GetOther"]`, "no case becomes unknown without s3:GetOther"},
		"undecided_failing": {"'config.?GetThing.?On.orValue(false) != true'", "'config.GetThing.Off != true'", "gives unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			var texts []string
			for _, err := range only(t, folder(strings.Replace(good, c.from, c.to, 1))).Prove(clock) {
				texts = append(texts, err.Error())
			}
			if !strings.Contains(strings.Join(texts, "\n"), c.want) {
				t.Errorf("got %q, want %s", texts, c.want)
			}
		})
	}
}

// TestEveryControlIsExplained holds what a reader needs of each control.
func TestEveryControlIsExplained(t *testing.T) {
	for _, c := range builtIn(t).Controls() {
		if len(c.evidence) == 0 && c.absent == nil || len(c.Frameworks)+len(c.Techniques) == 0 || len(c.Reads) == 0 || !strings.HasSuffix(c.Asks, "?") || strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s lacks evidence, ids, reads, a question or a title", c.ID)
		}
	}
}

func TestSetIndex(t *testing.T) {
	set := builtIn(t)
	const typ = "AWS::SageMaker::Model"
	var got, want []string
	for _, c := range set.For(typ) {
		got = append(got, c.ID)
	}
	for _, c := range set.Controls() {
		if slices.Contains(c.Types, typ) {
			want = append(want, c.ID)
		}
	}
	if d := cmp.Diff(want, got); d != "" || !slices.Contains(got, "sagemaker-model-network-unconfined") || set.Find("nope") != nil || set.For("nope") != nil {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(good)
	f.Add("id: own-fact\ncases: {fail: [{file: [x]}]}")
	f.Fuzz(func(t *testing.T, text string) {
		set, errs := Load(folder(text))
		if len(set.Controls()) == 0 && len(errs) == 0 {
			t.Fatal("a control vanished without a word")
		}
	})
}
