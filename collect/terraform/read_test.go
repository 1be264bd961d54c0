package terraform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// names is a converter that makes one asset of each managed resource, named by
// its address.
func names(side Side) Converted {
	out := Converted{Of: map[string][]string{}, Unconverted: map[string]Unconverted{}}
	for _, r := range side.Resources {
		if r.Mode == "data" {
			continue
		}
		config, _ := json.Marshal(r.Values)
		out.Assets = append(out.Assets, estate.Asset{ID: r.Address, Type: r.Type, Config: config})
		out.Of[r.Address] = []string{r.Address}
	}
	return out
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBadFiles holds what each sort of bad file is answered with: the place and
// the mend.
func TestBadFiles(t *testing.T) {
	for name, tt := range map[string]struct{ text, want, hint string }{
		"empty":           {"", "byte 0: the file is empty", "terraform show -json"},
		"binary":          {"PK\x03\x04tfplan", "byte 0: this is a plan file as terraform plan -out writes it", "terraform show -json"},
		"gzip":            {"\x1f\x8b\x08", "the file is compressed", "gunzip"},
		"utf16":           {"\xff\xfe{\x00", "UTF-16", "Out-File -Encoding utf8"},
		"hcl":             {"resource \"aws_s3_bucket\" \"b\" {\n}\n", "Terraform's configuration language", "terraform plan -out"},
		"human":           {"Terraform will perform the following actions:\n", "prints for people", "terraform show -json"},
		"log":             {"{\"@level\":\"info\",\"@message\":\"Terraform 1.13.5\"}\n", "the log that terraform plan -json prints", "terraform plan -out"},
		"list":            {"[]", "a JSON list", "terraform show -json"},
		"words":           {"plan", "no JSON: it begins with \"p\"", "terraform show -json"},
		"cut":             {`{"format_version":"1.2","resource_changes":[{"address":"a.b","type":"a","change":{"act`, "resource_changes[0]: the file ends in the middle", "print it again"},
		"cut_between":     {`{"format_version":"1.2","resource_changes":[`, "the file ends in the middle", "print it again"},
		"syntax":          {`{"format_version":"1.2","resource_changes":[{"address":x}]}`, "byte 55, resource_changes[0]: invalid character 'x'", "print it again"},
		"null_changes":    {`{"format_version":"1.2","planned_values":{},"resource_changes":null}`, "the plan has no resource_changes", "terraform show -json"},
		"newer":           {`{"format_version":"2.0","resource_changes":[]}`, "format version \"2.0\" is not known", "newer sevenfold"},
		"no_version":      {`{"resource_changes":[]}`, "neither a plan nor a state", "terraform show -json"},
		"errored":         {`{"format_version":"1.2","resource_changes":[],"errored":true}`, "the plan ended in error", "plan again"},
		"wrong_type":      {`{"format_version":"1.2","resource_changes":{}}`, "resource_changes: a plan has a list here", "terraform show -json"},
		"wrong_actions":   {`{"format_version":"1.2","resource_changes":[{"address":"a.b","type":"a","change":{"actions":"create"}}]}`, "resource_changes[0].change.actions: a string stands where a plan has a list", ""},
		"no_after":        {`{"format_version":"1.2","resource_changes":[{"address":"a.b","mode":"managed","type":"a","change":{"actions":["create"],"after":null}}]}`, "resource_changes[0].change.after", "terraform show -json"},
		"wrong_after":     {`{"format_version":"1.2","resource_changes":[{"address":"a.b","type":"a","change":{"actions":["create"],"after":7}}]}`, "resource_changes[0].change.after: a number stands where a plan has an object", ""},
		"no_address":      {`{"format_version":"1.2","resource_changes":[{"type":"a"}]}`, "resource_changes[0]: a change without address and type", ""},
		"twice":           {`{"format_version":"1.2","resource_changes":[],"resource_changes":[]}`, "resource_changes: the member stands twice", ""},
		"twice in after":  {`{"format_version":"1.2","resource_changes":[{"address":"a.b","type":"a","change":{"actions":["create"],"after":{"n":[{"max_capacity":40,"max_capacit\u0079":2}]}}}]}`, `resource_changes[0]: the member "max_capacity" stands twice in one object`, ""},
		"twice in change": {`{"format_version":"1.2","resource_changes":[{"address":"a.b","type":"a","change":{"actions":["delete"],"actions":["no-op"]}}]}`, `resource_changes[0]: the member "actions" stands twice in one object`, ""},
		"trailing":        {`{"format_version":"1.2","resource_changes":[]} {}`, "something follows the plan", "one plan in a file"},
		"cloudformation":  {`{"AWSTemplateFormatVersion":"2010-09-09","Resources":{}}`, "a CloudFormation template", ""},
		"pulumi":          {`{"version":3,"deployment":{}}`, "Pulumi", ""},
		"kubernetes":      {`{"apiVersion":"v1","kind":"Pod"}`, "a Kubernetes object", "dir:PATH"},
		"schemas":         {`{"format_version":"1.0","provider_schemas":{}}`, "provider schemas", ""},
		"old_state":       {`{"version":3,"terraform_version":"0.11.0","modules":[]}`, "a state file of version 3", "terraform show -json"},
		"state_as_plan":   {`{"format_version":"1.0","terraform_version":"1.9.0","values":{"root_module":{}}}`, "this is a state, not a plan", "terraform plan -out"},
		"deep":            {`{"format_version":"1.2","resource_changes":[{"address":"a.b","type":"a","change":{"after":{"x":` + strings.Repeat("[", 20000) + `}}}]}`, "exceeded max depth", ""},
		"duplicate_value": {`{"format_version":"1.2","resource_changes":[{"address":1,"type":"a"}]}`, "resource_changes[0].address: a number stands where a plan has a string", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, tt.text)
			_, err := ReadPlan(path, names)
			var bad *Error
			if !errors.As(err, &bad) {
				t.Fatalf("error %v, want an *Error", err)
			}
			if !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want the file's name and %q", err, tt.want)
			}
			if bad.Hint() == "" || !strings.Contains(bad.Hint(), tt.hint) {
				t.Errorf("hint %q, want %q", bad.Hint(), tt.hint)
			}
		})
	}
}

func TestMissingFileAndFolder(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "none.json"), t.TempDir()} {
		var bad *Error
		if _, err := ReadPlan(path, names); !errors.As(err, &bad) || bad.Hint() == "" {
			t.Errorf("%s: error %v, want an *Error with a hint", path, err)
		}
	}
}

// TestCutAnywhere cuts a plan at every byte: no part of one is a plan.
func TestCutAnywhere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "actions.json"))
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.TrimSpace(text)
	for i := range text {
		if _, err := parse("plan.json", bytes.NewReader(text[:i]), nil); err == nil {
			t.Fatalf("cut at byte %d it is taken for a plan", i)
		}
	}
	if _, err := parse("plan.json", bytes.NewReader(text), nil); err != nil {
		t.Fatal(err)
	}
}

// TestActions holds what the plan says of each sort of change.
func TestActions(t *testing.T) {
	p, err := ReadPlan(filepath.Join("testdata", "actions.json"), names)
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Address, Previous string
		Actions           []string
		Before, After     string
		Removed           []string
		Imported          bool
	}
	var got []line
	for _, c := range p.Changes {
		l := line{Address: c.Address, Previous: c.PreviousAddress, Actions: c.Actions, Removed: c.Removed, Imported: c.Imported}
		for _, a := range c.Before {
			l.Before += a.ID + string(a.Config)
		}
		for _, a := range c.After {
			l.After += a.ID + string(a.Config)
		}
		got = append(got, l)
	}
	want := []line{
		{Address: "t_a.create", Actions: []string{"create"}, After: `t_a.create{"n":1}`},
		{Address: "t_a.update", Actions: []string{"update"}, Before: `t_a.update{"n":1}`, After: `t_a.update{"n":2}`},
		{Address: "t_a.noop", Actions: []string{"no-op"}, Before: `t_a.noop{"n":1}`, After: `t_a.noop{"n":1}`},
		{Address: "t_a.replace", Actions: []string{"delete", "create"}, Before: `t_a.replace{"n":1}`, After: `t_a.replace{"n":2}`},
		{Address: "t_a.delete", Actions: []string{"delete"}, Before: `t_a.delete{"n":1}`, Removed: []string{"t_a.delete"}},
		{Address: "t_a.forget", Actions: []string{"forget"}, Before: `t_a.forget{"n":1}`, After: `t_a.forget{"n":1}`},
		{Address: `module.m["x.y"].t_a.moved[0]`, Previous: "t_a.moved", Actions: []string{"no-op"}, Before: `module.m["x.y"].t_a.moved[0]{"n":1}`, After: `module.m["x.y"].t_a.moved[0]{"n":1}`},
		{Address: "t_a.imported", Actions: []string{"update"}, Before: `t_a.imported{"n":1}`, After: `t_a.imported{"n":2}`, Imported: true},
		{Address: "t_a.replace", Actions: []string{"delete"}, Before: `t_a.replace (deposed 0a1b2c3d){"n":0}`, Removed: []string{"t_a.replace (deposed 0a1b2c3d)"}},
		{Address: "data.t_a.read", Actions: []string{"read"}},
		{Address: "t_a.secret", Actions: []string{"create"}, After: `t_a.secret{"key":"sevenfold:masked(sensitive,6)","list":["sevenfold:masked(sensitive,1)"],"map":{"k":"sevenfold:masked(sensitive,5)"},"n":null,"open":"x"}`},
		{Address: "t_a.odd", Actions: []string{"conjure"}, Before: `t_a.odd{"n":1}`, After: `t_a.odd{"n":1}`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	var spots []string
	for _, b := range p.BlindSpots {
		spots = append(spots, b.Operation+": "+b.Why)
		if b.Hint == "" {
			t.Errorf("%s has no hint", b.Operation)
		}
	}
	if diff := cmp.Diff([]string{
		"t_a.later: the change is deferred (resource_config_unknown): what it will be is not in this plan",
		"complete: the plan is not complete: Terraform says that applying it leaves more to plan",
		`t_a.odd: the plan does "conjure" to it, an action this version does not know`,
	}, spots); diff != "" {
		t.Errorf("blind spots (-want +got):\n%s", diff)
	}
}

// sink keeps what a collector sends.
type sink struct {
	assets []estate.Asset
	blind  []estate.BlindSpot
}

func (s *sink) Asset(a estate.Asset)         { s.assets = append(s.assets, a) }
func (s *sink) BlindSpot(b estate.BlindSpot) { s.blind = append(s.blind, b) }
func (*sink) Covered(estate.Coverage)        {}
func (*sink) Called(string)                  {}

// TestStates reads both forms of a state.
// TestContradictions holds that a change that no Terraform would write is told, and
// an ordinary one is not.
func TestContradictions(t *testing.T) {
	for change, want := range map[string]string{
		`"actions":["create"],"before":null,"after":null,"after_unknown":true`:           "does not say what it becomes",
		`"actions":["update"],"before":{"a":1},"after":null,"after_unknown":true`:        "does not say what it becomes",
		`"actions":["no-op"],"before":null,"after":{"a":9}`:                              "stays as it is",
		`"actions":["no-op"],"before":{"a":1,"b":[1]},"after":{"a":1,"b":[2]}`:           "stays as it is",
		`"actions":["no-op"],"before":{"a":1,"b":[1]},"after":{"b":[1],"a":1}`:           "",
		`"actions":["delete"],"before":{"a":1},"after":null`:                             "",
		`"actions":["forget"],"before":{"a":1},"after":null`:                             "",
		`"actions":["create"],"before":null,"after":{},"after_unknown":{"a":true}`:       "",
		`"actions":["no-op"],"before":{"a":1},"after":{"a":1},"importing":{"id":"i-0a"}`: "",
	} {
		p, err := ReadPlan(write(t, `{"format_version":"1.2","resource_changes":[{"address":"t.a","mode":"managed","type":"t","name":"a","change":{`+change+`}}]}`), names)
		if err != nil {
			t.Errorf("%s: %v", change, err)
			continue
		}
		got := ""
		for _, b := range p.BlindSpots {
			got += b.Why
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", change, got, want)
		}
	}
}

func TestStates(t *testing.T) {
	want := []string{
		`aws_s3_bucket.b["x"]{"bucket":"b","secret":"sevenfold:masked(sensitive,6)"}`,
		`module.m.aws_iam_role.r{"name":"r"}`,
	}
	for _, file := range []string{"state.json", "terraform.tfstate"} {
		t.Run(file, func(t *testing.T) {
			s := &sink{}
			if err := New(Options{Path: filepath.Join("testdata", file), Convert: names}).Collect(context.Background(), s); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range s.assets {
				got = append(got, a.ID+string(a.Config))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("assets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStateKeepsItsProviders(t *testing.T) {
	f, err := read(Options{Path: filepath.Join("testdata", "terraform.tfstate")})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range f.resources {
		got[r.Address] = r.Provider + " " + r.ProviderKey
	}
	want := map[string]string{
		`aws_s3_bucket.b["x"]`:        "registry.terraform.io/hashicorp/aws aws.west",
		"module.m.aws_iam_role.r":     "registry.opentofu.org/hashicorp/aws module.m:aws",
		"data.aws_caller_identity.me": "registry.terraform.io/hashicorp/aws aws",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("providers (-want +got):\n%s", diff)
	}
}

func TestParseSource(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Options
		err  string
	}{
		{"terraform:plan.json", Options{Path: "plan.json"}, ""},
		{"terraform:a,b/plan.json,account=111122223333,region=eu-west-1,cluster=prod", Options{Path: "a,b/plan.json", Account: "111122223333", Region: "eu-west-1", Cluster: "prod"}, ""},
		{"terraform:plan,v=1.json", Options{}, "unknown option \"v\""},
		{"terraform:", Options{}, "no path"},
		{"terraform:p,account=12", Options{}, "12-digit"},
		{"terraform:p,region=Europe", Options{}, "region"},
		{"terraform:p,cluster=a b", Options{}, "cluster"},
		{"dir:x", Options{}, "expected terraform:"},
	} {
		got, err := ParseSource(tt.in)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want %q", tt.in, err, tt.err)
			}
			continue
		}
		tt.want.Source = tt.in
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", tt.in, err, diff)
		}
	}
}

// FuzzPlan feeds the reader anything: it answers with a file or an *Error, and
// what it reads can be put on its sides.
func FuzzPlan(f *testing.F) {
	for _, name := range []string{"actions.json", "references.json", "state.json", "terraform.tfstate"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		var short bytes.Buffer // a short seed is soon minimised
		if err := json.Compact(&short, text); err != nil {
			f.Fatal(err)
		}
		f.Add(short.Bytes())
	}
	f.Add([]byte(`{"format_version":"1.2","resource_changes":[{"address":"module.a[\"","type":"a","change":{"after":{"a":null},"after_unknown":[true]}}],"configuration":{"root_module":{"resources":[{"address":"a.b","expressions":{"a":{"references":["module.x.y","var.z","a..b[",""]}}}]}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := parse("plan.json", bytes.NewReader(text), nil)
		if err != nil {
			var bad *Error
			if !errors.As(err, &bad) || bad.Hint() == "" {
				t.Fatalf("error %v, want an *Error with a hint", err)
			}
			return
		}
		p := file.plan(Options{Path: "plan.json", Convert: func(s Side) Converted {
			for _, r := range s.Resources {
				if r.References != nil {
					for attribute := range r.Values {
						r.References([]string{attribute, "0", "x"})
						r.Configured(attribute)
					}
				}
			}
			return names(s)
		}})
		if len(p.Changes) != len(file.changes) {
			t.Fatalf("%d changes of %d", len(p.Changes), len(file.changes))
		}
	})
}

// Under a key one sensitive text is told from another, and neither is told.
func TestSensitiveTextsAreDigested(t *testing.T) {
	values := map[string]any{"a": "one", "b": "two", "c": map[string]any{"k": "one"}}
	mask := func(key string) map[string]any {
		out, _ := masker{[]byte(key)}.masked(values, nil, map[string]any{"a": true, "b": true, "c": true})
		return out
	}
	with, without := mask("k"), mask("")
	if with["a"] == with["b"] || with["a"] != with["c"].(map[string]any)["k"] || with["a"] == mask("l")["a"] || !strings.HasPrefix(with["a"].(string), "sevenfold:masked(sensitive,3,") {
		t.Errorf("under a key: %v", with)
	}
	if without["a"] != "sevenfold:masked(sensitive,3)" || without["b"] != without["a"] {
		t.Errorf("without one: %v", without)
	}
}
