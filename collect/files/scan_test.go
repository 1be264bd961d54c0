package files

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// small makes every document be cut.
var small = limits{whole: 24, items: 2, part: 40, element: 1 << 20, key: 1 << 10, repeat: 64,
	yaml: 1 << 20, nodes: 1 << 20, expand: 1 << 20, inflate: 1 << 30, ratio: 300, bomb: 1 << 20}

// split runs the splitter over text.
func split(r io.Reader, lim limits, list bool) (pieces []piece, notes []trouble, err error) {
	s := &splitter{in: newInput(r), lim: lim, list: list,
		emit: func(p piece) error { pieces = append(pieces, p); return nil },
		note: func(t trouble) { notes = append(notes, t) }}
	return pieces, notes, s.run()
}

// failer is what testing.T and rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// together undoes the cutting: parts of one document are merged again.
func together(t failer, pieces []piece) any {
	t.Helper()
	var list []any
	object := map[string]any{}
	var sawObject bool
	for _, p := range pieces {
		var v any
		dec := json.NewDecoder(bytes.NewReader(p.body))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("piece %d is not JSON: %v\n%s", p.index, err, p.body)
		}
		if !p.partial {
			if len(pieces) != 1 {
				t.Fatalf("%d pieces, one of them whole", len(pieces))
			}
			return v
		}
		switch v := v.(type) {
		case []any:
			list = append(list, v...)
		case map[string]any:
			sawObject = true
			for name, value := range v {
				old, _ := object[name].([]any)
				if items, ok := value.([]any); ok {
					object[name] = append(append([]any{}, old...), items...)
				} else {
					object[name] = value
				}
			}
		}
	}
	if sawObject {
		return object
	}
	return list
}

// reference is what encoding/json sees.
func reference(text []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	return v, nil
}

func genValue(depth int) *rapid.Generator[any] {
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Int64(), func(i int64) any { return i }),
		rapid.Map(rapid.Float64(), func(f float64) any { return f }))
	if depth == 0 {
		return scalar
	}
	sub := rapid.Deferred(func() *rapid.Generator[any] { return genValue(depth - 1) })
	return rapid.OneOf(scalar,
		rapid.Map(rapid.SliceOfN(sub, 0, 6), func(s []any) any { return s }),
		rapid.Map(rapid.MapOfN(rapid.String(), sub, 0, 6), func(m map[string]any) any { return m }))
}

func TestCutPartsPutTogetherAreTheDocument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sub := genValue(3)
		doc := rapid.OneOf(
			rapid.Map(rapid.SliceOfN(sub, 0, 20), func(s []any) any { return s }),
			rapid.Map(rapid.MapOfN(rapid.String(), sub, 0, 8), func(m map[string]any) any { return m })).Draw(t, "doc")
		text, err := json.Marshal(doc)
		if err != nil {
			t.Skip("not encodable")
		}
		var r io.Reader = bytes.NewReader(text)
		if rapid.Bool().Draw(t, "slow") {
			r = iotest.OneByteReader(r)
		}
		pieces, notes, err := split(r, small, true)
		if err != nil || len(notes) > 0 {
			t.Fatalf("err %v, notes %v\n%s", err, notes, text)
		}
		want, err := reference(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := together(t, pieces); !reflect.DeepEqual(got, want) {
			t.Fatalf("put together:\n%s", cmp.Diff(want, got))
		}
	})
}

// FuzzSplit compares with encoding/json: what it accepts we accept and see
// alike, what it refuses we refuse.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2,3],"b":"x"}`, `[{"a":1},{"a":2}]`, `{"a":[],"b":[[]],"c":{}}`, `{"a":1e400}`, `{"a":NaN}`, `[01]`, `[1.]`, `[-]`,
		`{"a":1,"a":2}`, `[[[[[[[[`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, `{"a" :[ 1 , 2 ] , "b" : null }`, `{"a":[1,2`, `{"a":tru}`,
		`{"a":[{"b":[{"c":"ddddddddddddddddddddddddddddddddddddddddddddddd"}]}]}`, `[1,]`, `{,}`, `{"a":1,}`, `[]`, `{}`, ` `, `"x"`, `[1 2]`, "[\"\x01\"]",
		`{"apiVersion":"v1","items":[{"kind":"Pod"},{"kind":"Pod"}],"kind":"List"}`, `[1e-999999999]`, `[0.1E+2,-0,-0.0e-1]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<14 {
			return
		}
		for _, lim := range []limits{defaultLimits, small} {
			compare(t, text, lim)
		}
	})
}

func compare(t *testing.T, text []byte, lim limits) {
	pieces, notes, err := split(bytes.NewReader(text), lim, true)
	for _, p := range pieces {
		if !json.Valid(p.body) {
			t.Fatalf("piece is not JSON: %q of %q", p.body, text)
		}
	}
	want, jerr := reference(text)
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' {
		return // no document
	}
	if jerr != nil {
		// More than one value is fine for us; a broken one is not.
		dec := json.NewDecoder(bytes.NewReader(text))
		var first json.RawMessage
		if dec.Decode(&first) != nil && err == nil && len(notes) == 0 {
			t.Fatalf("accepted %q, encoding/json says %v", text, jerr)
		}
		return
	}
	if err != nil {
		if strings.Contains(err.Error(), "deeper") || strings.Contains(err.Error(), "too large for a double") {
			return
		}
		t.Fatalf("refused %q: %v", text, err)
	}
	if len(notes) > 0 {
		if utf8.Valid(text) && !strings.Contains(notes[0].what, "twice") {
			t.Fatalf("left out part of %q: %v", text, notes)
		}
		return
	}
	if got := together(t, pieces); !reflect.DeepEqual(got, want) {
		t.Fatalf("%q:\n%s", text, cmp.Diff(want, got))
	}
}

func TestScannerRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":NaN}`:                          "line 1, column 6 (byte 5): NaN and Infinity are not JSON",
		`[-Infinity]`:                        "NaN and Infinity",
		"{\n \"a\": 1,\n \"b\" 2}":           "line 3, column 6 (byte 16): expected ':'",
		`[01]`:                               "may not start with 0",
		`[1,]`:                               "expected a value",
		`{"a":1,}`:                           "expected a member name",
		`["\x"]`:                             `invalid escape`,
		`["\u12g4"]`:                         `invalid \u escape`,
		"[\"\t\"]":                           "control character",
		`[tru]`:                              "invalid literal",
		`[1e999]`:                            "too large for a double",
		`[` + strings.Repeat("9", 400) + `]`: "too large for a double",
		`[1.]`:                               "expected a digit",
		`{"a":[1,2`:                          "the file ends inside a value",
		`{"a":1`:                             "the file ends inside a value",
		`{} x`:                               "expected a value",
		`{'a':1}`:                            "expected a member name in quotes",
		strings.Repeat("[", 100_000):         "nested deeper than 1000",
		strings.Repeat(`{"a":`, 100_000):     "nested deeper than 1000",
	} {
		for _, lim := range []limits{defaultLimits, small} {
			_, _, err := split(strings.NewReader(text), lim, true)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", clip(text, 40), err, want)
			}
		}
	}
}

func TestManyMembersTwice(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"x":{`)
	for i := range 200 {
		b.WriteString(`"m` + strings.Repeat("a", i) + `":1,`)
	}
	plain := b.String() + `"z":1}}`
	twice := b.String() + `"maaa":1}}`
	if _, notes, err := split(strings.NewReader(plain), defaultLimits, false); err != nil || len(notes) != 0 {
		t.Errorf("distinct members: %v %v", notes, err)
	}
	pieces, notes, err := split(strings.NewReader(twice), defaultLimits, false)
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0].what, "twice") || len(pieces) != 0 {
		t.Errorf("repeated member: %d pieces, %v %v", len(pieces), notes, err)
	}
}

func TestPartsAreBoundedAndCarryTheSubject(t *testing.T) {
	text := `{"Name":"b","Contents":[{"k":1},{"k":2},{"k":3}],"Marker":"m","Empty":[],"Nested":{"a":[1,2,3]}}`
	pieces, notes, err := split(strings.NewReader(text), small, false)
	if err != nil || len(notes) != 0 {
		t.Fatal(err, notes)
	}
	var got []string
	for _, p := range pieces {
		if !p.partial {
			t.Errorf("piece %d is not marked partial", p.index)
		}
		got = append(got, string(p.body))
	}
	want := []string{
		`{"Name":"b","Contents":[{"k":1},{"k":2}]}`,
		`{"Name":"b","Contents":[{"k":3}]}`,
		`{"Name":"b","Marker":"m","Empty":[]}`,
		`{"Nested":{"a":[1,2,3]}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLargeElementIsLeftOutAndNamed(t *testing.T) {
	lim := small
	lim.element = 100
	text := `{"A":[{"k":1},{"big":"` + strings.Repeat("x", 200) + `"},{"k":2}],"B":"` + strings.Repeat("y", 200) + `","C":1}`
	pieces, notes, err := split(strings.NewReader(text), lim, false)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range pieces {
		got = append(got, string(p.body))
	}
	if diff := cmp.Diff([]string{`{"A":[{"k":1},{"k":2}]}`, `{"C":1}`}, got); diff != "" {
		t.Error(diff)
	}
	if len(notes) != 2 || !strings.Contains(notes[0].what, "an element of") || !strings.Contains(notes[1].what, `"B"`) {
		t.Errorf("notes %v", notes)
	}
}

func TestDamagedListKeepsWhatStoodBefore(t *testing.T) {
	text := `{"SecurityGroups":[{"GroupId":"sg-1"},{"GroupId":"sg-2"},{"GroupId":"sg`
	pieces, _, err := split(strings.NewReader(text), defaultLimits, true)
	if err == nil || len(pieces) != 1 || string(pieces[0].body) != `{"SecurityGroups":[{"GroupId":"sg-1"},{"GroupId":"sg-2"}]}` || !pieces[0].partial {
		t.Errorf("%v %v", pieces, err)
	}
	for _, one := range []string{ // a single resource's reply counts for nothing
		`{"Owner":{"ID":"x"},"Grants":[{"a":1},{"a":2`, `{"EndpointName":"e","ProductionVariants":[{"a":1},{"b`, `{"Table":{"a":1},"x`} {
		if pieces, _, err := split(strings.NewReader(one), defaultLimits, true); err == nil || len(pieces) != 0 {
			t.Errorf("%s: %v %v", one, pieces, err)
		}
	}
	if pieces, _, err := split(strings.NewReader(text), defaultLimits, false); err == nil || len(pieces) != 0 {
		t.Errorf("no list: %v %v", pieces, err)
	}
}
