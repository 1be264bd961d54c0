package unborn

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
)

const thing = `= AWS::Some::Thing
@ id ThingArn
@ name Name
@ tags ListTags.Tags[]
@ global
@ read some:DescribeThing
@ read some:ListTags ListTags
ThingArn s
Name s
Parts [{
	kmsKeyArn s
	KMSKeyArn s
Labels (s
ListTags {
	Tags [{
		TagKey s
		TagValue s
`

func TestParseLive(t *testing.T) {
	l := ParseLive(thing)["AWS::Some::Thing"]
	if l == nil {
		t.Fatal("the type was not read")
	}
	want := []estate.Read{{Operation: "some:DescribeThing"}, {Operation: "some:ListTags", Key: "ListTags"}}
	if d := cmp.Diff(want, l.Reads); d != "" {
		t.Errorf("reads (-want +got):\n%s", d)
	}
	if l.ID != "ThingArn" || l.Name != "Name" || l.Tags != "ListTags.Tags[]" || !l.Global {
		t.Errorf("id %q, name %q, tags %q, global %v", l.ID, l.Name, l.Tags, l.Global)
	}
	parts := l.Root.Folded(Fold("parts"))
	if parts == nil || parts.Code != "[{" || len(parts.Kids) != 2 {
		t.Fatalf("Parts: %+v", parts)
	}
	// Of two that fold alike the first is found; each is found by its own name.
	if k := parts.Folded(Fold("kms_key_arn")); k == nil || k.Name != "kmsKeyArn" {
		t.Errorf("kms_key_arn finds %+v", k)
	}
	if k := parts.Named("KMSKeyArn"); k == nil || k.Name != "KMSKeyArn" {
		t.Errorf("KMSKeyArn finds %+v", k)
	}
	if k := l.Root.Follow("ListTags.Tags[].TagKey"); k == nil || k.Code != "s" {
		t.Errorf("the path of a tag's key leads to %+v", k)
	}
	for _, path := range []string{"ListTags.Tags.Nothing", "Nothing.Tags", ""} {
		if k := l.Root.Follow(path); k != nil {
			t.Errorf("%q leads to %s", path, k.Name)
		}
	}
	if s := parts.Single(); s.Code != "{" || s.Folded("kmskeyarn") == nil || parts.Code != "[{" {
		t.Errorf("one of Parts is %+v", s)
	}
	if s := parts.Unnamed(); s.Name != "" || len(s.Kids) != 2 || parts.Name != "Parts" {
		t.Errorf("Parts without its name is %+v", s)
	}
	var none *Shape
	if s := none.As("Leaf", "s"); s.Name != "Leaf" || s.Code != "s" || s.Folded("leaf") != nil {
		t.Errorf("a member without members is %+v", s)
	}
}

func TestPair(t *testing.T) {
	for _, tt := range []struct {
		members    []string
		key, value string
	}{
		{[]string{"TagKey", "TagValue"}, "TagKey", "TagValue"},
		{[]string{"name", "value"}, "name", "value"},
		{[]string{"Name", "Description"}, "", ""},
		{nil, "", ""},
	} {
		s := &Shape{Code: "{"}
		for _, m := range tt.members {
			s.Kids = append(s.Kids, &Shape{Name: m, Code: "s"})
		}
		if k, v := s.Pair(); k != tt.key || v != tt.value {
			t.Errorf("%v: %q and %q, want %q and %q", tt.members, k, v, tt.key, tt.value)
		}
	}
}

func TestTagBody(t *testing.T) {
	tags := map[string]string{"team": "ml", "env": "prod"}
	for _, tt := range []struct {
		name string
		live Live
		want any
	}{
		{"pairs", *ParseLive(thing)["AWS::Some::Thing"], []any{map[string]any{"TagKey": "env", "TagValue": "prod"}, map[string]any{"TagKey": "team", "TagValue": "ml"}}},
		{"a_map", Live{Tags: "tags", Root: Shape{Kids: []*Shape{{Name: "tags", Code: "(s"}}}}, map[string]any{"team": "ml", "env": "prod"}},
		{"nowhere", Live{Tags: "tags", Root: Shape{Code: "{"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, tt.live.TagBody(tags)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestFill(t *testing.T) {
	piece := func(name string) string {
		return map[string]string{"partition": "aws", "region": "eu-west-1", "account": "111122223333", "Name": "Work", "url": "https://h/p/q", "": "self"}[name]
	}
	for in, want := range map[string]string{
		"":                         "",
		"plain":                    "plain",
		"@ec2:vpc/{Name}":          "arn:aws:ec2:eu-west-1:111122223333:vpc/Work",
		"{Name|lower}-{url|last}":  "work-q",
		"{url|host}":               "h/p/q",
		"{Missing,Name}":           "Work",
		"x{}":                      "xself",
		"arn:{partition}:{Absent}": "", // half an id is no id
		"{Name":                    "Work",
	} {
		if got := Fill(in, piece); got != want {
			t.Errorf("Fill(%q) = %q, want %q", in, got, want)
		}
	}
}

// What is masked or not known must never be half an id: a template with a piece
// that is empty is empty, whatever stands around it.
func TestFillIsWholeOrNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,4}`), 1, 5).Draw(t, "names")
		known := rapid.MapOf(rapid.SampledFrom(names), rapid.StringMatching(`[A-Z]{1,3}`)).Draw(t, "known")
		template, want := "", ""
		for _, n := range names {
			template += "/{" + n + "}"
			want += "/" + known[n]
			if known[n] == "" {
				want = strings.Repeat("?", 100)
			}
		}
		got := Fill(template, func(n string) string { return known[n] })
		if strings.Contains(want, "?") {
			want = ""
		}
		if got != want {
			t.Fatalf("Fill(%q) with %v = %q, want %q", template, known, got, want)
		}
	})
}

func TestValues(t *testing.T) {
	for _, tt := range []struct{ in, number, truth, text any }{
		{"050", json.Number("50"), nil, "050"},
		{"+50", json.Number("50"), nil, "+50"},
		{"1.50", json.Number("1.5"), nil, "1.50"},
		{"NaN", nil, nil, "NaN"},
		{"1e999", nil, nil, "1e999"},
		{"", nil, nil, ""},
		{"true", nil, true, "true"},
		{true, nil, true, "true"},
		{json.Number("1e3"), json.Number("1e3"), nil, "1e3"},
		{1.5, 1.5, nil, "1.5"},
		{nil, nil, nil, ""},
		{[]any{"1"}, nil, nil, ""},
	} {
		got := []any{Number(tt.in), Truth(tt.in), Text(tt.in)}
		if d := cmp.Diff([]any{tt.number, tt.truth, tt.text}, got); d != "" {
			t.Errorf("%#v (-want +got):\n%s", tt.in, d)
		}
	}
}

func FuzzObject(f *testing.F) {
	for _, s := range []string{"", "{", "{}", ` {"a":1e999}`, `[{}]`, `{"a":1} {"b":2}`, "null", "{\x00}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := Object(s)
		if m != nil && !strings.HasPrefix(strings.TrimSpace(s), "{") {
			t.Fatalf("%q is no object, and became %v", s, m)
		}
		if _, err := json.Marshal(m); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
	})
}

func TestTake(t *testing.T) {
	type gone struct{}
	type kept struct{}
	var seen []string
	got := Take(map[string]any{
		"a/b": gone{}, "null": kept{}, "list": []any{"x", gone{}, map[string]any{"in": gone{}, "stays": json.Number("1")}},
	}, func(v any, at string) (bool, bool) {
		switch v.(type) {
		case gone:
			seen = append(seen, at)
			return true, true
		case kept:
			seen = append(seen, at)
			return false, true
		}
		return false, false
	})
	want := map[string]any{"null": nil, "list": []any{"x", nil, map[string]any{"stays": json.Number("1")}}}
	if d := cmp.Diff(any(want), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"/a~1b", "/list/1", "/list/2/in", "/null"}, seen); d != "" {
		t.Errorf("seen (-want +got):\n%s", d)
	}
}

func TestAccount(t *testing.T) {
	for in, want := range map[string]string{
		"arn:aws:iam::111122223333:role/r":   "111122223333",
		"arn:aws:s3:::bucket":                "",
		"arn:aws:iam::aws:policy/P":          "",
		"terraform://a:b:c:d:111122223333:e": "",
		"111122223333":                       "",
	} {
		if got := Account(in); got != want {
			t.Errorf("Account(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "": "aws"} {
		if got := Partition(in); got != want {
			t.Errorf("Partition(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestIdentifier(t *testing.T) {
	for member, want := range map[string]bool{"roleArn": true, "VpcId": true, "SecurityGroups": true, "Groups": false, "Url": false, "Policy": false} {
		if Identifier(member) != want {
			t.Errorf("Identifier(%s) is %v", member, !want)
		}
	}
	if !Identifier("Groups", "groups") {
		t.Error("Groups is none, though the language says so")
	}
}
