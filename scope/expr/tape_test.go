package expr

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzParseAgrees holds the one-pass parser to encoding/json: the same texts
// are valid and give the same values.
func FuzzParseAgrees(f *testing.F) {
	for _, s := range []string{`{}`, `[]`, `null`, `{"a":[1,-2.5e3,"x\u00e9\n",true,false,null,{"b":{}}]}`, `{"a":1,"a":2}`, `{"a":1,"a":null}`, ` { "k" : "v" } `,
		`[01]`, `[1.]`, `[-]`, `{"a"}`, `{,}`, `[1,]`, `"\ud800"`, `1e999`, `"`, `{"a":tru}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !utf8.Valid(data) || bytes.Count(data, []byte("{"))+bytes.Count(data, []byte("[")) > maxDepth {
			return
		}
		var d document
		err := d.parse(string(data))
		if valid := json.Valid(data); valid != (err == nil) {
			t.Fatalf("encoding/json says valid %v, the parser %v", valid, err)
		}
		if err != nil {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(normal(want), normal(d.native(0))); diff != "" {
			t.Fatalf("(-encoding/json +parser):\n%s", diff)
		}
	})
}

// normal makes numbers comparable and drops null members, which count as not
// given.
func normal(v any) any {
	switch v := v.(type) {
	case json.Number:
		d := document{}
		if d.parse(v.String()) == nil {
			return d.number(0)
		}
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = normal(e)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if e != nil {
				out[k] = normal(e)
			}
		}
		return out
	}
	return v
}

func TestDepthIsBounded(t *testing.T) {
	var d document
	if err := d.parse(strings.Repeat("[", 1_000_000)); err == nil || !strings.Contains(err.Error(), "nested") {
		t.Errorf("got %v", err)
	}
	if err := d.parse(strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)); err != nil {
		t.Errorf("got %v", err)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`config.a == 1`, `config.l.exists(x, x in [1, "a"])`, `tags.env == "x" || now > stamp("2026-01-01")`, `statements(config.p).all(s, anyone(s))`, `config.?a[?"b"].orValue(1)`} {
		f.Add(s, []byte(`{"a":1,"l":[1,"a"],"p":{"Statement":{"Effect":"Allow","Principal":"*","Action":"*"}}}`))
	}
	f.Fuzz(func(t *testing.T, source string, config []byte) {
		e, err := Compile(source)
		if err != nil {
			return
		}
		s := NewSubject(asset(string(config), rootOK), nil, nil, clock)
		defer s.Release()
		if r := e.Eval(s); r.Truth == Unknown && r.Why() == "" {
			t.Fatalf("%s is unknown without a reason", source)
		}
		_ = e.Show(s)
	})
}
