package catalog

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func decode(t *testing.T, s string) map[string]any {
	t.Helper()
	v, err := Decode([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

func TestLookup(t *testing.T) {
	v := decode(t, `{"A":{"B":[{"C":[1,2]},{"C":[3]},{}]},"L":["x","y"],"N":5}`)
	for _, c := range []struct {
		path string
		want any
	}{
		{"A.B[].C[]", []any{json.Number("1"), json.Number("2"), json.Number("3")}},
		{"A.B[0].C[1]", json.Number("2")},
		{"L[]", []any{"x", "y"}},
		{"L[7]", nil},
		{"N.x", nil},
		{"A.Z", nil},
		{"N[]", nil},
	} {
		if diff := cmp.Diff(c.want, Lookup(v, c.path)); diff != "" {
			t.Errorf("%s (-want +got): %s", c.path, diff)
		}
	}
}

func TestTemplates(t *testing.T) {
	s := Scope{Partition: "aws", Account: "1", Region: "eu-west-1", Parent: map[string]any{"Name": "up"}}
	item := map[string]any{"Id": "i", "Url": "https://q/1/work", "Second": "b", "N": json.Number("7"), "Yes": true}
	for expr, want := range map[string]string{
		"Id":                               "i",
		"=lit":                             "lit",
		"arn:{partition}:x:{region}:{Id}":  "arn:aws:x:eu-west-1:i",
		"{Url|last}":                       "work",
		"{First,Second}":                   "b",
		"{parent.Name}/{N}/{Yes}":          "up/7/true",
		expandShort("@ec2:vpc/{Id}"):       "arn:aws:ec2:eu-west-1:1:vpc/i",
		"arn:{partition}:s3:::{Missing}/x": "",
		"{unclosed":                        "",
	} {
		got, ok := s.String(item, expr)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%s: got %q %v, want %q", expr, got, ok, want)
		}
	}
}

func TestParameters(t *testing.T) {
	c := &Call{With: map[string]any{"Names": []any{"Id"}, "Filter": map[string]any{"K": "=v"}}, Params: map[string]any{"Account": "{account}"}}
	got, missing := c.Parameters(Scope{Account: "1"}, map[string]any{"Id": "i"})
	want := map[string]any{"Names": []any{"i"}, "Filter": map[string]any{"K": "v"}, "Account": "1"}
	if diff := cmp.Diff(want, got); diff != "" || missing != "" {
		t.Errorf("missing %q (-want +got):\n%s", missing, diff)
	}
	if _, missing = c.Parameters(Scope{}, map[string]any{}); missing != "Names" {
		t.Errorf("missing: got %q, want Names", missing)
	}
}

func TestDecode(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"policy in a string", `{"Policy":"{\"Statement\":[]}"}`, `{"Policy":{"Statement":[]}}`},
		{"policy URL-encoded", `{"D":"%7B%22Statement%22%3A%5B%7B%22a%22%3A%22b%2Bc+d%22%7D%5D%7D"}`, `{"D":{"Statement":[{"a":"b+c+d"}]}}`},
		{"other JSON stays text", `{"Definition":"{\"StartAt\":\"A\"}"}`, `{"Definition":"{\"StartAt\":\"A\"}"}`},
		{"broken policy stays text", `{"Policy":"{\"Statement\":["}`, `{"Policy":"{\"Statement\":["}`},
		{"offset becomes UTC", `{"CreateDate":"2024-03-01T10:00:00+02:00"}`, `{"CreateDate":"2024-03-01T08:00:00Z"}`},
		{"a value that looks like a time stays", `{"Value":"2024-03-01T10:00:00+02:00"}`, `{"Value":"2024-03-01T10:00:00+02:00"}`},
		{"numbers keep their spelling", `{"N":12345678901234567890}`, `{"N":12345678901234567890}`},
		{"metadata goes", `{"ResponseMetadata":{"RequestId":"x"},"A":1}`, `{"A":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := Decode([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(lower(v)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	for _, bad := range []string{"", "{", `{} {}`, `{"a":}`} {
		if _, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestParseTime(t *testing.T) {
	want := time.Date(2024, 3, 1, 8, 0, 0, 0, time.UTC)
	for _, v := range []any{"2024-03-01T10:00:00+02:00", "2024-03-01T08:00:00.000+0000", json.Number("1709280000"), json.Number("1709280000000")} {
		if got, ok := parseTime(v); !ok || !got.Equal(want) {
			t.Errorf("%v: got %v %v", v, got, ok)
		}
	}
	for _, v := range []any{nil, "", "no", json.Number("-1"), []any{}} {
		if got, ok := parseTime(v); ok {
			t.Errorf("%v: got %v", v, got)
		}
	}
}

func TestMoment(t *testing.T) {
	for in, want := range map[string]string{
		"1700000000":             "2023-11-14T22:13:20Z",
		"1700000000.5":           "2023-11-14T22:13:20.5Z",
		"1.7954429692928228e+09": "2026-11-23T14:09:29.292823Z",
		"1795442968.526":         "2026-11-23T14:09:28.526Z",
	} {
		if got := moment(json.Number(in)); got != want {
			t.Errorf("%s: got %v, want %s", in, got, want)
		}
	}
	if got := moment("1700000000000"); got != json.Number("1700000000000") {
		t.Errorf("milliseconds stay as they are: got %v", got)
	}
}

func TestTagMap(t *testing.T) {
	want := map[string]string{"a": "b"}
	for _, in := range []string{`{"T":{"a":"b"}}`, `{"T":[{"Key":"a","Value":"b"}]}`, `{"T":[{"key":"a","value":"b"}]}`, `{"T":[{"TagKey":"a","TagValue":"b"}]}`} {
		if diff := cmp.Diff(want, tagMap(decode(t, in)["T"])); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
	for _, in := range []string{`{"T":"x"}`, `{"T":["x"]}`, `{"T":[{"Value":"b"}]}`} {
		if got := tagMap(decode(t, in)["T"]); got != nil {
			t.Errorf("%s: got %v, want nil", in, got)
		}
	}
}

func TestLoadIsStrict(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want string }{
		"unknown key":   {"service: x\nresourcs: []\n", "resourcs"},
		"no service":    {"order: first\n", "service: missing"},
		"no id":         {"service: x\nresources: [{type: A::B::C, single: true}]\n", "id: missing"},
		"no list":       {"service: x\nresources: [{type: A::B::C, id: x}]\n", "one of list"},
		"no operation":  {"service: x\nresources: [{type: A::B::C, id: x, single: true, calls: [{with: {}}]}]\n", "no op"},
		"lost parent":   {"service: x\nresources: [{type: A::B::C, parent: D, id: x, from: y}]\n", "not in this file"},
		"needs parent":  {"service: x\nresources: [{type: A::B::C, id: x, list: {op: L, items: I, with: {A: parent.B}}}]\n", "parent: missing"},
		"list no items": {"service: x\nresources: [{type: A::B::C, id: x, list: {op: L}}]\n", "op and items"},
	} {
		_, err := Load(fstest.MapFS{"x.yaml": {Data: []byte(c.yaml)}})
		if err == nil || !contains(err.Error(), c.want) || !contains(err.Error(), "x.yaml") {
			t.Errorf("%s: got %v, want it to say %q and the file", name, err, c.want)
		}
	}
}

func contains(s, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if s[i:i+len(sub)] == sub {
			return true
		}
	}
	return false
}

// FuzzDecode holds that normalising is done once: decoding what was encoded
// changes nothing.
func FuzzDecode(f *testing.F) {
	f.Add(`{"Policy":"{\"Statement\":[]}","CreateDate":"2024-03-01T10:00:00+02:00"}`)
	f.Add(`{"D":"%7B%22Statement%22%3A%5B%5D%7D"}`)
	f.Fuzz(func(t *testing.T, in string) {
		v, err := Decode([]byte(in))
		if err != nil {
			return
		}
		once := lower(v)
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		if twice := lower(again); string(once) != string(twice) {
			t.Errorf("not stable: %s then %s", once, twice)
		}
	})
}

// FuzzRows reads any report without a panic.
func FuzzRows(f *testing.F) {
	f.Add("user,arn\na,arn:aws:iam::1:user/a\n")
	f.Add("dXNlcixhcm4=")
	f.Fuzz(func(t *testing.T, in string) {
		rows, err := ReadRows(in, "arn")
		if err != nil {
			return
		}
		for id, row := range rows {
			if row["arn"] != id {
				t.Errorf("row %v under %q", row, id)
			}
		}
	})
}

// FuzzLookup follows any path into any value.
func FuzzLookup(f *testing.F) {
	f.Add(`{"A":[{"B":1}]}`, "A[].B")
	f.Add(`{"A":[1]}`, "A[0]")
	f.Fuzz(func(t *testing.T, body, path string) {
		v, err := Decode([]byte(body))
		if err == nil {
			Lookup(v, path)
		}
	})
}

func TestReadRowsRefusesHalfAReport(t *testing.T) {
	for name, tt := range map[string]struct{ content, want string }{
		"whole":     {"user,arn,mfa_active\nada,arn:ada,true\n", ""},
		"header":    {"user,arn,mfa_active\n", ""},
		"wider_row": {"user,arn\nada,arn:ada,more\n", ""},
		"no_column": {"user,name\nada,arn:ada\n", "no column arn"},
		"cut_row":   {"user,arn,mfa_active\nada,arn:ada,true\nbob,arn:bob\n", "line 3 is cut: 2 of 3"},
		"cut_quote": {"user,arn\nada,\"arn:a", "the report"},
		"empty":     {"", "no header"},
		"no_base64": {"%%%", "neither CSV nor base64"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := ReadRows(tt.content, "arn")
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want an error of %q", rows, err, tt.want)
			}
		})
	}
}
