package aws

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// goldenAssets are the inputs of the golden cases.
func goldenAssets(tb testing.TB) []estate.Asset {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		tb.Fatal(err)
	}
	var out []estate.Asset
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range ar.Files {
			var a estate.Asset
			if strings.HasSuffix(f.Name, ".json") && json.Unmarshal(f.Data, &a) == nil {
				out = append(out, a)
			}
		}
	}
	return out
}

// sound reports what every understanding promises, whatever it was made of.
func sound(t *testing.T, a *estate.Asset, u estate.Understanding) {
	t.Helper()
	seen := map[estate.Relation]bool{}
	for _, r := range u.Relations {
		if r.From == "" || r.To == "" || r.Type == "" || r.Tier != estate.Declared || r.Evidence == "" {
			t.Fatalf("%s: half a relation: %+v", a.Type, r)
		}
		if r.From != a.ID && r.To != a.ID && !strings.Contains(r.Evidence, a.ID) && !strings.HasPrefix(r.From, a.ID) {
			t.Fatalf("%s: a relation of others without the asset in its evidence: %+v", a.Type, r)
		}
		key := estate.Relation{From: r.From, To: r.To, Type: r.Type}
		if seen[key] {
			t.Fatalf("%s: a relation said twice: %+v", a.Type, r)
		}
		seen[key] = true
	}
	for _, p := range u.Parts {
		if p.ID == "" || p.Type == "" || p.Kind == estate.KindUnknown || p.Cloud != estate.AWS {
			t.Fatalf("%s: half a part: %+v", a.Type, p)
		}
	}
	for _, p := range u.Problems {
		if p.Path == "" || p.Why == "" {
			t.Fatalf("%s: half a problem: %+v", a.Type, p)
		}
	}
	if u.Root != nil && (u.Root.Class == "" || u.Root.Why == "") {
		t.Fatalf("%s: half a root: %+v", a.Type, u.Root)
	}
}

// TestWrongTypes puts a value of every other type at every place of every
// golden configuration.
func TestWrongTypes(t *testing.T) {
	wrong := []any{nil, true, 7.5, "words", "arn:aws:iam::123456789012:role/r", []any{}, []any{nil, 1.0, "x", map[string]any{}}, map[string]any{"a": []any{1.0}}}
	for _, a := range goldenAssets(t) {
		var cfg any
		if err := json.Unmarshal(a.Config, &cfg); err != nil {
			t.Fatal(err)
		}
		mutate(cfg, func(set func(any), old any) {
			for _, w := range wrong {
				set(w)
				raw, err := json.Marshal(cfg)
				if err != nil {
					t.Fatal(err)
				}
				b := a
				b.Config = raw
				sound(t, &b, Understand(&b))
			}
			set(old)
		})
	}
}

// mutate calls fn for every place below v with a way to set it.
func mutate(v any, fn func(set func(any), old any)) {
	switch t := v.(type) {
	case map[string]any:
		for k, inner := range t {
			fn(func(w any) { t[k] = w }, inner)
			mutate(inner, fn)
		}
	case []any:
		for i, inner := range t {
			fn(func(w any) { t[i] = w }, inner)
			mutate(inner, fn)
		}
	}
}

// TestNothingRead gives every type a configuration that holds nothing: only
// what is true of a type whatever its configuration may be said.
func TestNothingRead(t *testing.T) {
	for _, typ := range Types() {
		for _, cfg := range []string{"", "{}", "[]", "null", "7", `"x"`, "{", `{"a":`} {
			a := estate.Asset{ID: "arn:aws:x:eu-west-1:123456789012:y/z", Type: typ, Config: json.RawMessage(cfg)}
			u := Understand(&a)
			sound(t, &a, u)
			if u.Kind == estate.KindUnknown {
				t.Errorf("%s has no kind", typ)
			}
			bad := cfg != "" && cfg != "{}" && cfg != "null"
			if bad != (len(u.Problems) > 0) {
				t.Errorf("%s: config %q gives problems %v", typ, cfg, u.Problems)
			}
		}
	}
}

func TestUnderstandIsDeterministic(t *testing.T) {
	for _, a := range goldenAssets(t) {
		first := Understand(&a)
		for range 3 {
			if diff := cmp.Diff(first, Understand(&a)); diff != "" {
				t.Fatalf("%s: %s", a.ID, diff)
			}
		}
	}
}

func TestUnderstandDoesNotChangeTheAsset(t *testing.T) {
	for _, a := range goldenAssets(t) {
		before, _ := json.Marshal(a)
		Understand(&a)
		after, _ := json.Marshal(a)
		if string(before) != string(after) {
			t.Fatalf("%s changed:\n%s\n%s", a.ID, before, after)
		}
	}
}

// TestCatalogueTypes holds that whatever the catalogue of the live collector
// sends has a kind here.
func TestCatalogueTypes(t *testing.T) {
	files, _ := filepath.Glob("../../collect/aws/catalog/services/*.yaml")
	if len(files) == 0 {
		t.Skip("no catalogue beside this package")
	}
	types := regexp.MustCompile(`\btype: "?(AWS::[A-Za-z0-9]+::[A-Za-z0-9]+)`)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range types.FindAllStringSubmatch(string(text), -1) {
			if KindOf(m[1]) == estate.KindUnknown {
				t.Errorf("%s: %s has no kind", filepath.Base(f), m[1])
			}
		}
	}
}

// TestTypesOnce holds that no two service areas read one type, and that no type
// is listed with two kinds.
func TestTypesOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, area := range areas {
		for typ := range area {
			if seen[typ] {
				t.Errorf("%s is read twice", typ)
			}
			seen[typ] = true
		}
	}
	listed := map[string]estate.Kind{}
	for kind, list := range kinds {
		for line := range strings.Lines(list) {
			service, names, _ := strings.Cut(strings.TrimSpace(line), ":")
			for name := range strings.FieldsSeq(names) {
				typ := service + "::" + name
				if other, twice := listed[typ]; twice {
					t.Errorf("%s is both %s and %s", typ, kind, other)
				}
				listed[typ] = kind
			}
		}
	}
}

func TestCommon(t *testing.T) {
	tests := []struct {
		name, config string
		asset        estate.Asset
		wantName     string
		wantTags     map[string]string
		wantCreated  string
	}{
		{"from the id", `{}`, estate.Asset{}, "fraud", nil, ""},
		{"collected values stand", `{"Tags":[{"Key":"a","Value":"b"}]}`, estate.Asset{Name: "n", Tags: map[string]string{}}, "n", nil, ""},
		{"key and value", `{"Tags":[{"Key":"a","Value":"b"}],"CreationTime":"2025-01-02T03:04:05.678000+01:00"}`, estate.Asset{}, "fraud", map[string]string{"a": "b"}, "2025-01-02T02:04:05.678Z"},
		{"map", `{"tags":{"a":"b"},"creationTime":1735689600}`, estate.Asset{}, "fraud", map[string]string{"a": "b"}, "2025-01-01T00:00:00Z"},
		{"milliseconds", `{"creationTime":1735689600000}`, estate.Asset{}, "fraud", nil, "2025-01-01T00:00:00Z"},
		{"ListTags", `{"ListTags":{"Tags":[]},"CreationTime":"soon"}`, estate.Asset{}, "fraud", map[string]string{}, ""},
		{"KMS spelling", `{"ListResourceTags":{"Tags":[{"TagKey":"a","TagValue":"b"}]}}`, estate.Asset{}, "fraud", map[string]string{"a": "b"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.asset
			a.ID, a.Type, a.Config = "arn:aws:sagemaker:eu-west-1:123456789012:model/fraud", "AWS::SageMaker::Model", json.RawMessage(tt.config)
			u := Understand(&a)
			created := ""
			if !u.Created.IsZero() {
				created = u.Created.Format(time.RFC3339Nano)
			}
			if u.Name != tt.wantName || created != tt.wantCreated || !cmp.Equal(u.Tags, tt.wantTags) {
				t.Errorf("got %q %v %q, want %q %v %q", u.Name, u.Tags, created, tt.wantName, tt.wantTags, tt.wantCreated)
			}
		})
	}
}

// FuzzUnderstand gives arbitrary JSON to the reading of every type.
func FuzzUnderstand(f *testing.F) {
	types := Types()
	for _, a := range goldenAssets(f) {
		i, _ := slices.BinarySearch(types, a.Type)
		f.Add(uint16(i), a.ID, []byte(a.Config))
	}
	f.Add(uint16(0), "arn:aws:iam::1:role/x#policy/y", []byte(`{"Tags":{"a":1}}`))
	f.Fuzz(func(t *testing.T, i uint16, id string, config []byte) {
		if id == "" {
			return
		}
		a := estate.Asset{ID: id, Type: types[int(i)%len(types)], Account: "123456789012", Region: "eu-west-1", Config: config}
		sound(t, &a, Understand(&a))
		ReadIdentity(&a)
	})
}

// BenchmarkUnderstand reads every golden asset once an iteration.
func BenchmarkUnderstand(b *testing.B) {
	assets := goldenAssets(b)
	for b.Loop() {
		for i := range assets {
			Understand(&assets[i])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(assets)), "ns/asset")
}
