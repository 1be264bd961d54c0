package estate

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"sorted_and_tight", " {\"b\" : 1 ,\n\t\"a\":[ 1 , {\"z\":null,\"y\":true} ]}\r\n", `{"a":[1,{"y":true,"z":null}],"b":1}`},
		{"last_duplicate_stays", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"escapes_only_where_needed", `{"a":"\u00e9\/\u0041\u0022\u005c\u0001\u001f\b\f\n\r\t"}`, `{"a":"é/A\"\\\u0001\u001f\b\f\n\r\t"}`},
		{"surrogates", `{"a":"\ud83d\ude00 \ud83d x \ude00"}`, `{"a":"😀 ` + "\uFFFD x \uFFFD" + `"}`},
		{"keys_too", `{"\u0062":1,"a":2}`, `{"a":2,"b":1}`},
		{"numbers_as_they_stand", `{"a":[111122223333444455556666,1.0,1e5,-0,0.10E-3]}`, `{"a":[111122223333444455556666,1.0,1e5,-0,0.10E-3]}`},
		{"empty", `{}`, `{}`},
		{"broken_utf8", "{\"a\":\"\xff\"}", "{\"a\":\"\uFFFD\"}"},
		{"deep_enough", strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500), strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Canonical([]byte(tt.in))
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
}

func TestCanonicalNamesThePlace(t *testing.T) {
	tests := map[string]string{
		``: "byte 0", `[]`: "not a JSON object at byte 0", `null`: "byte 0", `{"a":}`: "byte 5", `{"a":1}x`: "byte 7", `{"a":1,}`: "byte 7",
		`{"a" 1}`: "byte 5", `{"a":01}`: "byte 7", `{"a":-}`: "byte 6", `{"a":1.}`: "byte 7", `{"a":1e}`: "byte 7", `{"a":tru}`: "byte 5",
		`{"a":"`: "byte 6", "{\"a\":\"\n\"}": "byte 6", `{"a":"\x"}`: "byte 6", `{"a":"\u12"}`: "byte 6", `{"a":[1 2]}`: "byte 8", `{"a":1`: "byte 6",
		strings.Repeat(`{"a":`, 600): "more than 512 levels",
	}
	for in, want := range tests {
		if got, err := Canonical([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %s, %v, want %q", in, got, err, want)
		}
	}
}

// What encoding/json takes for one object is taken here, means the same, and
// is a fixed point; what it refuses is refused.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,2.5e3,{"b":"\u00e9\n"}],"a":null}`, `{"a":"\ud800"}`, "{\"\xff\":0}", `[1]`, `{"a":1}{}`, `{"z":{"y":{},"x":[]},"b":"\\\""}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := Canonical(in)
		valid := json.Valid(in) && bytes.HasPrefix(bytes.TrimLeft(in, " \t\r\n"), []byte("{"))
		if err != nil {
			if valid && !strings.Contains(err.Error(), "levels") {
				t.Fatalf("refused %q: %v", in, err)
			}
			return
		}
		if !valid {
			t.Fatalf("took %q for %q", in, got)
		}
		if again, err := Canonical(got); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q becomes %q, %v", got, again, err)
		}
		if a, b := decoded(t, in), decoded(t, got); !reflect.DeepEqual(a, b) {
			t.Fatalf("%q means %v, not %v", got, b, a)
		}
		fs := fields(got)
		if !bytes.Equal(object(fs), got) {
			t.Fatalf("%q falls into %q", got, fs)
		}
		if changes := compare("", got, got, nil); changes != nil {
			t.Fatalf("%q differs from itself: %v", got, changes)
		}
	})
}

func decoded(t *testing.T, in []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
