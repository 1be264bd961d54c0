package files

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// TestYAMLSeesWhatJSONSaid: a document written as YAML by another library comes
// back as the same document.
func TestYAMLSeesWhatJSONSaid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := rapid.MapOfN(rapid.StringMatching(`[a-zA-Z0-9 ._/-]{1,12}`), genValue(3), 1, 6).Draw(t, "doc")
		text, err := json.Marshal(doc)
		if err != nil {
			t.Skip("not encodable")
		}
		if bytes.Contains(text, []byte("\u0085")) || bytes.Contains(text, []byte(`\u2028`)) || bytes.Contains(text, []byte(`\u2029`)) {
			t.Skip("the writer folds these as line breaks: it writes something else")
		}
		written, err := yaml.JSONToYAML(text)
		if err != nil {
			t.Skip("not YAML")
		}
		var bodies [][]byte
		err = yamlPieces(written, defaultLimits, func(p piece) error { bodies = append(bodies, p.body); return nil }, func(trouble) {})
		if err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		if len(bodies) != 1 {
			t.Fatalf("%d documents", len(bodies))
		}
		var want, got any
		if json.Unmarshal(text, &want) != nil || json.Unmarshal(bodies[0], &got) != nil {
			t.Fatalf("not JSON: %s", bodies[0])
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("%s\n%s", cmp.Diff(want, got), written)
		}
	})
}

// TestAnyEncodingIsTheSameText: UTF-8 with and without a mark and UTF-16 in
// both orders all read alike.
func TestAnyEncodingIsTheSameText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Filter(utf8.ValidString).Draw(t, "text")
		quoted, _ := json.Marshal(s)
		text := `{"a":` + string(quoted) + `}`
		for name, raw := range map[string]string{
			"plain": text, "mark": "\xef\xbb\xbf" + text,
			"le": utf16File(text, false, true), "be": utf16File(text, true, true),
			"bareLE": utf16File(text, false, false), "bareBE": utf16File(text, true, false),
		} {
			r, err := decoded(buffered(strings.NewReader(raw)))
			if err != nil {
				t.Fatal(name, err)
			}
			got, err := io.ReadAll(r)
			if err != nil || string(got) != text {
				t.Fatalf("%s: %q %v", name, got, err)
			}
		}
	})
}

// TestPlaces: the line and column named are those of the damage, wherever the
// reads happen to end.
func TestPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.IntRange(0, 40).Draw(t, "lines")
		pad := rapid.IntRange(0, 20).Draw(t, "pad")
		chunk := rapid.IntRange(1, 64).Draw(t, "chunk")
		text := "[" + strings.Repeat("1,\n", lines) + strings.Repeat(" ", pad) + "x]"
		want := place{offset: int64(1 + 3*lines + pad), line: lines + 1}
		if lines > 0 {
			want.lineStart = int64(1 + 3*lines)
		}
		_, _, err := split(&chunks{text, chunk}, small, true)
		broken, ok := err.(*damage)
		if !ok || broken.at != want {
			t.Fatalf("got %v, want %v", err, want)
		}
	})
}

// chunks reads a few bytes at a time.
type chunks struct {
	text string
	size int
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.text == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(c.size, len(p))], c.text)
	c.text = c.text[n:]
	return n, nil
}

func TestClassify(t *testing.T) {
	for name, want := range map[string]string{
		"a.json": "json", "a.JSON": "json", "x/b.jsonl": "json", "b.ndjson": "json", "c.yaml": "yaml", "c.YML": "yaml", "d.json.gz": "json gz", "e.yaml.gz": "yaml gz",
		"f": "sniff", "g.txt": "sniff", "h.out": "sniff", "i.gz": "sniff gz", "j.md": "", "k.png": "", "l.tar.gz": "", "sevenfold.yaml": "", "x/sevenfold.yml": "", "m.csv": "",
	} {
		c, ok := classify(name)
		got := ""
		switch {
		case !ok:
		case c.sniff:
			got = "sniff"
		case c.yaml:
			got = "yaml"
		default:
			got = "json"
		}
		if ok && c.gzip {
			got += " gz"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestErrorReplies(t *testing.T) {
	for text, want := range map[string]string{
		"An error occurred (AccessDenied) when calling the GetBucketPolicy operation: Access Denied":                                       "AccessDenied GetBucketPolicy Access Denied",
		"\nAn error occurred (NoSuchEntity) when calling the GetLoginProfile operation: Login Profile for User x cannot be found.\n":       "NoSuchEntity GetLoginProfile Login Profile for User x cannot be found.",
		"\naws: [ERROR]: An error occurred (AccessDeniedException) when calling the ListAgents operation: User: arn:aws:x is not: allowed": "AccessDeniedException ListAgents User: arn:aws:x is not: allowed",
		"An error occurred (ThrottlingException) when calling the X operation (reached max retries: 4): Rate exceeded":                     "ThrottlingException X Rate exceeded",
		"usage: aws [options]": "", "Could not connect to the endpoint URL": "", "": "",
	} {
		got := ""
		if body := errorReply([]byte(text)); body != nil {
			var e struct {
				Error struct{ Code, Operation, Message string }
			}
			if err := json.Unmarshal(body, &e); err != nil {
				t.Fatal(err)
			}
			got = e.Error.Code + " " + e.Error.Operation + " " + e.Error.Message
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestShapesNameMembersAndNoValues(t *testing.T) {
	for body, want := range map[string]string{
		`{"b":"secret","a":1}`: "it is an object with the members a, b",
		`[]`:                   "it is a list", `[1]`: "it is a list", `[{"x":1}]`: "it is a list of objects with the members x", `{}`: "it is an object with no members",
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1}`: "it is an object with the members a, b, c, d, e, f, g, h and 2 more",
	} {
		if got := shapeOf([]byte(body)); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}

func TestDamagedLineKeepsLinesBefore(t *testing.T) {
	rec := collect(t, Options{Root: folder(t, map[string]string{"x.jsonl": "{\"a\":1}\n{\"a\":2}\n{\"a\":\n"})})
	if len(rec.docs) != 2 || !strings.Contains(rec.blindText(), "read before it: 2 whole documents") {
		t.Errorf("%v\n%s", rec.docs, rec.blindText())
	}
}

func TestVersionControlIsSkippedInSilence(t *testing.T) {
	rec := collect(t, Options{Root: folder(t, map[string]string{
		".git/config.json": "{}", ".terraform/x.json": "{}", ".cache/notes.md": "x", ".hidden.json": "{}", "a.json": "{}",
	})})
	if len(rec.docs) != 1 || len(rec.blind) != 0 {
		t.Errorf("%v\n%s", rec.docs, rec.blindText())
	}
}

// TestAnErrorOfTheDiskIsToldApart: what was read before it counts, and the
// blind spot names the disk's words.
func TestAnErrorOfTheDiskIsToldApart(t *testing.T) {
	for _, text := range []string{`{"a":1} {"b":`, `{"a":1} `} {
		var docs int
		var blind []estate.BlindSpot
		d := &decoder{file: candidate{path: "x.json"}, lim: defaultLimits,
			emit: func(piece) error { docs++; return nil }, blind: func(b estate.BlindSpot) { blind = append(blind, b) }}
		err := d.run(io.MultiReader(strings.NewReader(text), failing{fmt.Errorf("input/output error")}))
		if err != nil || docs != 1 || len(blind) != 1 || blind[0].Status != estate.ReadFailed || !strings.Contains(blind[0].Why, "input/output error") {
			t.Errorf("%v %d %+v", err, docs, blind)
		}
	}
}

func TestAReceiversErrorEndsReading(t *testing.T) {
	stop := fmt.Errorf("enough")
	for name, text := range map[string]string{"x.json": `{"a":1}{"b":2}`, "y.yaml": "a: 1\n---\nb: 2\n", "z.json": `{"a":[1,2,3,4,5,6,7,8,9,10,11,12,13,14]}`} {
		c, _ := classify(name)
		d := &decoder{file: c, lim: small, emit: func(piece) error { return stop }, blind: func(b estate.BlindSpot) { t.Errorf("%s: %+v", name, b) }}
		if err := d.run(bytes.NewReader([]byte(text))); err != stop {
			t.Errorf("%s: %v", name, err)
		}
	}
}
