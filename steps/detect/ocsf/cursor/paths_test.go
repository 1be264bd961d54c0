package cursor

import (
	"fmt"
	"strings"
	"testing"
)

func TestPaths(t *testing.T) {
	p := NewPaths(false)
	fields := []string{"a", "a.b", "a.b.c", "d", "e.f", "long.name.with.dots", "n"}
	for i, f := range fields {
		if p.Add(f) != i || p.Add(f) != i {
			t.Fatal("a field has one number")
		}
	}
	var found Found
	say := func() string {
		var b strings.Builder
		for i, f := range fields {
			found.Each(i, func(v Value) bool { fmt.Fprintf(&b, "%s=%s;", f, v.Text); return true })
		}
		return b.String()
	}
	for _, tt := range []struct{ doc, want string }{
		{`{"a":{"b":{"c":1}}}`, `a={"b":{"c":1}};a.b={"c":1};a.b.c=1;`},
		{`{"d":["x","y",true,null],"e":[{"f":1},{"f":"2"},{"g":3}]}`, `d=x;d=y;d=true;d=;e.f=1;e.f=2;`},
		{`{"e.f":"flat","long":{"name.with":{"dots":"z"}}}`, `e.f=flat;long.name.with.dots=z;`},
		{`{"n":{"x":[1,2]},"d":[]}`, `n={"x":[1,2]};`},
		{`{}`, ``},
	} {
		end, err := p.Extract([]byte(tt.doc+"  {"), &found)
		if err != nil || end != len(tt.doc) {
			t.Errorf("%s: end %d, %v", tt.doc, end, err)
		}
		if got := say(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.doc, got, tt.want)
		}
	}
	if _, err := p.Extract([]byte(`{"d":`), &found); err == nil {
		t.Error("a document cut off must be an error")
	}
	folded := NewPaths(true)
	folded.Add("Properties.Message")
	if _, err := folded.Extract([]byte(`{"properties":{"message":"x"}}`), &found); err != nil || found.Text(0) != "x" {
		t.Errorf("folded names: %q %v", found.Text(0), err)
	}
}
