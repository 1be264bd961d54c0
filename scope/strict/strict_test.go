package strict

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type inner struct {
	Place
	Name Text   `key:"name,short"`
	Note string `key:"note"`
}

type outer struct {
	Size  int              `key:"size"`
	On    *bool            `key:"on"`
	Color string           `key:"color" enum:"red|green" doc:"Which."`
	List  []inner          `key:"list"`
	Map   map[string]inner `key:"map"`
	Need  string           `key:"need,required"`
}

func decode(text string) (outer, error) {
	var o outer
	f, err := Parse("f.yaml", []byte(text))
	if err == nil {
		err = f.Decode(&o)
	}
	return o, err
}

func TestDecode(t *testing.T) {
	o, err := decode("need: x\nsize: 3\non: false\ncolor: green\nlist: [a, {name: b, note: n}]\nmap:\n  k: {name: c}\n")
	if err != nil {
		t.Fatal(err)
	}
	if o.Size != 3 || o.On == nil || *o.On || o.Color != "green" || o.List[0].Name.Value != "a" || o.List[1].Note != "n" || o.Map["k"].Name.Value != "c" {
		t.Errorf("%+v", o)
	}
	if got := o.List[1].Place.String() + " " + o.List[1].Name.Place.String() + " " + o.Map["k"].Place.String(); got != "f.yaml:5:11 f.yaml:5:18 f.yaml:7:6" {
		t.Errorf("places %s", got)
	}
}

func TestDecodeMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"size: 1\n":                      "f.yaml:1:1: the file has no need",
		"need: x\nsize: 1.5\n":           `f.yaml:2:7: size is "1.5", where a whole number is expected`,
		"need: x\ncolor: gren\n":         `f.yaml:2:8: color "gren" is not known; did you mean "green"?`,
		"need: x\nlist: {a: b}\n":        "f.yaml:2:7: list is an object, where a list is expected; write it as a list: [one, two]",
		"need: x\nmap: [a]\n":            "f.yaml:2:6: map is a list, where keys and values are expected",
		"need: x\nmap:\n  k: {nam: c}\n": "f.yaml:3:7: unknown key \"nam\" in map.k; did you mean \"name\"?\nf.yaml:3:6: map.k has no name",
		"need: x\n? [a]\n: b\n":          "f.yaml:2:3: a key must be plain text",
		"need: x\nlist: [[a]]\n":         "f.yaml:2:8: list[0] is a list, where keys and values are expected",
	} {
		_, err := decode(text)
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v\nwant %s", text, err, want)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	var b strings.Builder
	for range 1000 {
		b.WriteString("x" + strings.Repeat("y", b.Len()%50) + string(rune('a'+b.Len()%26)) + ": 1\n")
	}
	_, err := decode(b.String())
	if n := len(strings.Split(err.Error(), "\n")); n != maxProblems {
		t.Errorf("%d problems are told", n)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"owner", "owners", "purpose", "zone"}
	for s, want := range map[string]string{"ownr": "owner", "Owner": "owner", "onwer": "owner", "pupose": "purpose", "zones": "zone", "zzz": "", "": "", "xyzzy": ""} {
		if got := Nearest(s, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestSchemaShape(t *testing.T) {
	b, err := json.Marshal(Schema(new(outer), "id", "title"))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Required   []string
		Properties map[string]struct {
			Type, Description string
			Enum              []string
			Items             map[string]any
		}
		AdditionalProperties bool
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"need"}, s.Required); d != "" || s.AdditionalProperties {
		t.Errorf("required (-want +got):\n%s", d)
	}
	if c := s.Properties["color"]; c.Description != "Which." || len(c.Enum) != 2 || c.Type != "string" {
		t.Errorf("color %+v", c)
	}
	if s.Properties["list"].Items["anyOf"] == nil {
		t.Errorf("a short form has two shapes: %v", s.Properties["list"])
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("need: x\nlist: [a, {name: b}]"))
	f.Add([]byte("need: |\n  a\n  b\nmap: {k: {name: >-\n  x\n}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := decode(string(data))
		if err == nil && o.Need == "" && !strings.Contains(string(data), "need") {
			t.Fatal("a required key was missed")
		}
		for _, x := range o.List {
			if p := x.Name.At(3, 7); p.Line < 0 || p.Column < 0 {
				t.Fatalf("place %v", p)
			}
		}
	})
}
