package cursor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func valid(b []byte) bool {
	c := New(b)
	c.Skip()
	return c.End()
}

func TestSkipAcceptsWhatIsJSON(t *testing.T) {
	for _, s := range []string{
		`{}`, `[]`, `[1,2,{"a":[true,false,null]}]`, ` {"a" : -1.5e+3 , "b":"x\u00e9\n"} `, `""`, `0`, `-0`, `1e5`, `[[[]]]`, `{"a":{}}`,
		``, `{`, `}`, `[1,]`, `{"a"}`, `{"a":}`, `{,}`, `01`, `-`, `1.`, `1e`, `tru`, `nul`, `"a`, `"\x"`, `"\u12g4"`, "\"\x01\"", `{} {}`, `[1 2]`, `{"a":1 "b":2}`, `[}`, `{]`, `"\`, `"\u12`,
		"\"01234567\x7f\x80\xff\"", "\"0123456789\x1f\"", `"aaaaaaaaaaaaaaaa\\"`, "\"\x21\x20\x22",
	} {
		if got, want := valid([]byte(s)), json.Valid([]byte(s)); got != want {
			t.Errorf("%q: valid %v, encoding/json %v", s, got, want)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	if !valid([]byte(deep)) {
		t.Error("MaxDepth levels must be read")
	}
	if valid([]byte("[" + deep + "]")) {
		t.Error("one level more than MaxDepth must be refused")
	}
}

// walk reads a document the long way, by Enter, Field and Elem.
func walk(c *Cursor) any {
	switch c.Peek() {
	case '{':
		m := map[string]any{}
		c.Enter('{')
		for {
			k, ok := c.Field()
			if !ok {
				return m
			}
			m[string([]rune(k))] = walk(c)
		}
	case '[':
		a := []any{}
		c.Enter('[')
		for c.Elem() {
			a = append(a, walk(c))
		}
		return a
	case '"':
		return string([]rune(c.String())) // as encoding/json replaces what is not UTF-8
	case 't', 'f':
		v, _ := c.Bool()
		return v
	case 'n':
		c.Skip()
		return nil
	}
	return json.Number(c.Text())
}

func FuzzAgainstEncodingJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x\ud83d\ude00",{"b":null}]}`, `[true,-0.5e-7]`, `"\u0000\uD800x"`, `{"a":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ok := valid(b)
		if want := json.Valid(b); ok != want && !strings.Contains(string(b), strings.Repeat("[", 64)) {
			t.Fatalf("%q: valid %v, encoding/json %v", b, ok, want)
		}
		c := New(b)
		got := walk(&c)
		if walked := c.End(); walked != ok {
			t.Fatalf("%q: walked %v, skipped %v: %v", b, walked, ok, c.Err())
		}
		if !ok {
			return
		}
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if a, b := same(got), same(want); a != b {
			t.Fatalf("got %s, want %s", a, b)
		}
	})
}

func same(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// Whatever the order and the white space, Member reads what Field reads.
func TestMember(t *testing.T) {
	o := NewOrder("a", "bb", "c", "d", "e", "f", "g")
	for _, text := range []string{
		`{}`, `{"a":1,"bb":2,"c":3}`, `{"c":1,"a":2,"x":3,"bb":4}`, ` { "a" : 1 , "g" : 2 }`, `{"g":1,"f":2}`, `{"\u0061":1,"a":2}`, `{"a":1,"a":2}`,
		`{,"a":1}`, `{"a":1,,"bb":2}`, `{"a":1 "bb":2}`, `{"a" "bb":1}`, `{"a":1,}`, `{"a":1,"bb"`, `{"a"`, `{"a:":1,"bb:":2}`, `{"a":"\x01","bb":1}`, `{"":1}`, `{"a":{"bb":1},"c":[{"a":1}]}`,
	} {
		names := []string{"a", "bb", "c", "d", "e", "f", "g"}
		read := func(next func(*Cursor) (string, bool)) (got []string, wrong error) {
			c := New([]byte(text))
			if c.Enter('{') {
				for {
					name, ok := next(&c)
					if !ok {
						break
					}
					if !slices.Contains(names, name) {
						name = "?"
					}
					got = append(got, name+"="+c.Text())
				}
			}
			return got, c.Err()
		}
		at := 0
		want, wrong := read((*Cursor).Field)
		got, err := read(func(c *Cursor) (string, bool) {
			which, ok := c.Member(o, &at)
			if which < 0 {
				return "?", ok
			}
			return names[which], ok
		})
		if !slices.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wrong) {
			t.Errorf("%s: %q, %v; by Field %q, %v", text, got, err, want, wrong)
		}
	}
}
