package data

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

func scanner(t testing.TB) *scan.Scanner {
	t.Helper()
	s, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// told reads records and says of each the types and places, or why there are none.
func told(t testing.TB, in io.Reader, field string) ([]Record, error) {
	t.Helper()
	got := []Record{}
	err := Records(context.Background(), scanner(t), in, field, func(r Record) error {
		for i := range r.Spans {
			if r.Spans[i].Score < .5 || r.Spans[i].Score > 1 {
				t.Errorf("score %v", r.Spans[i].Score)
			}
			r.Spans[i].Score = 0
		}
		got = append(got, r)
		return nil
	})
	return got, err
}

func TestRecords(t *testing.T) {
	mail := func(n int64, at int) Record {
		return Record{Record: n, Spans: []Place{{Type: "EMAIL_ADDRESS", Start: at, End: at + 15}}}
	}
	none := func(n int64) Record { return Record{Record: n, Spans: []Place{}} }
	why := func(n int64, text string) Record { return Record{Record: n, Spans: []Place{}, Unknown: text} }
	const (
		absent = "the record has no member of the name given with --field"
		twice  = "the record has several members of the name given with --field"
		noText = "the member given with --field is no text"
	)
	for _, tt := range []struct {
		name, in, field string
		want            []Record
	}{
		{"lines", "ann@example.com\n\nto ann@example.com\r\n", "", []Record{mail(0, 0), none(1), mail(2, 3)}},
		{"code points", "żółć 😀 ann@example.com", "", []Record{mail(0, 7)}},
		{"a log line is no array", "[info] to ann@example.com", "", []Record{mail(0, 10)}},
		{"an array of texts is a line", `["ann@example.com"]`, "", []Record{mail(0, 2)}},
		{"JSON lines", `{"t":"ann@example.com"}` + "\n\n" + `{"t":"nobody"}` + "\n", "t", []Record{mail(0, 0), none(1)}},
		{"escapes are not counted", `{"t":"\u00e9\n\ud83d\ude00 ann@example.com"}`, "t", []Record{mail(0, 4)}},
		{"an array", "\xef\xbb\xbf[{\"t\":\"a\"},\n{\"t\":\"ann@example.com\"}]\n", "t", []Record{none(0), mail(1, 0)}},
		{"values over several lines", "{\n\"t\":\"ann@example.com\"}\n{\n\"t\":\"b\"}", "t", []Record{mail(0, 0), none(1)}},
		{"a path", `{"a":{"b.c":"ann@example.com"}}`, "a.b.c", []Record{mail(0, 0)}},
		{"a name with a dot", `{"a.b":"ann@example.com"}`, "a.b", []Record{mail(0, 0)}},
		{"a damaged line", "{\"t\":\"a\"}\nann@example.com\n{\"t\":\"ann@example.com\"}", "t", []Record{none(0), why(1, "the line is not JSON"), mail(2, 0)}},
		{"a damaged first line", "{\"t\":\"ann@exa\n{\"t\":\"ann@example.com\"}", "t", []Record{why(0, "the line is not JSON"), mail(1, 0)}},
		{"no member", `{"u":"ann@example.com"}`, "t", []Record{why(0, absent)}},
		{"no object", "[7]", "t", []Record{why(0, absent)}},
		{"no text", `[{"t":null},{"t":["ann@example.com"]}]`, "t", []Record{why(0, noText), why(1, noText)}},
		{"twice", `{"t":"a","t":"ann@example.com"}`, "t", []Record{why(0, twice)}},
		{"twice along a path", `{"a":{"t":"a"},"a":{"t":"ann@example.com"}}`, "a.t", []Record{why(0, twice)}},
		{"cut short", `[{"t":"ann@example.com"},{"t":"b`, "t", []Record{mail(0, 0), why(1, "the file is cut short")}},
		{"no end of the array", `[{"t":"b"}`, "t", []Record{none(0), why(1, "the file is cut short")}},
		{"damaged", `[{"t":"ann@example.com"},?]`, "t", []Record{mail(0, 0), why(1, "the JSON is damaged here; what follows was not examined")}},
		{"more behind the array", `[{"t":"b"}]{"t":"ann@example.com"}`, "t", []Record{none(0), why(1, "something follows the array, and was not examined")}},
		{"empty", "", "", []Record{why(0, "it is empty")}},
		{"other formats", "PK\x03\x04\x14\x00", "t", []Record{why(0, "it is no text in UTF-8: the places of values are told in text, not in other formats")}},
		{"readable bytes of a format", "%PDF-1.7\nann@example.com", "", []Record{why(0, "it is no text in UTF-8: the places of values are told in text, not in other formats")}},
		{"bytes further down", strings.Repeat("x", 5000) + "\n\x00ann@example.com", "", []Record{none(0), why(1, "the line is no text")}},
		{"a line too long", strings.Repeat("x", maxRecord+1) + "\nann@example.com", "", []Record{why(0, tooLong), mail(1, 0)}},
		{"a value too long", `[{"t":"` + strings.Repeat("x", 2*maxRecord) + `"}]`, "t", []Record{why(0, tooLong+"; it and what follows were not examined")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := told(t, strings.NewReader(tt.in), tt.field)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func TestRecordsThatNeedAField(t *testing.T) {
	for _, in := range []string{`{"t":"a"}`, ` [ {"t":`, "{\n  \"t\": 1\n}"} {
		if got, err := told(t, strings.NewReader(in), ""); !errors.Is(err, NeedsFieldError{}) || len(got) > 0 {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
}

func TestAReadErrorIsNoEnd(t *testing.T) {
	for _, field := range []string{"", "t"} {
		got, err := told(t, io.MultiReader(strings.NewReader(strings.Repeat("{}\n", 2000)), iotest.ErrReader(errors.New("disk"))), field)
		if err != nil || len(got) == 0 || !strings.Contains(got[len(got)-1].Unknown, "cannot be read") {
			t.Errorf("--field %q: %v", field, err)
		}
	}
}

// TestPlacesAreOfCodePoints: whatever stands before a value, its place counts
// characters, in text and in JSON alike.
func TestPlacesAreOfCodePoints(t *testing.T) {
	s := scanner(t)
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.StringOfN(rapid.SampledFrom([]rune("aé漢😀\u200b ,")), 0, 40, -1).Draw(t, "before") + " "
		text := before + "ann@example.com"
		line, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		want := utf8.RuneCountInString(before)
		for field, in := range map[string]string{"": text, "text": string(line)} {
			err := Records(context.Background(), s, strings.NewReader(in), field, func(r Record) error {
				if len(r.Spans) != 1 || r.Spans[0].Start != want || r.Spans[0].End != want+15 {
					t.Fatalf("%q: %+v, want %d", in, r, want)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// thing is an object of a test.
type thing struct {
	text string
	err  error
	shut error
}

func (o thing) Path() string { return "dir/t.csv" }

func (o thing) Open() (io.ReaderAt, int64, func() error, error) {
	return strings.NewReader(o.text), int64(len(o.text)), func() error { return o.shut }, o.err
}

func TestExamine(t *testing.T) {
	s := scanner(t)
	const table = "email,n\nann@example.com,1\nbob@example.com,2\n"
	for _, tt := range []struct {
		name      string
		o         thing
		verdict   scan.Verdict
		undecided bool
	}{
		{"labelled", thing{text: table}, scan.Labelled, false},
		{"nothing", thing{text: "a,b\n1,2\n"}, scan.None, false},
		{"not opened", thing{err: errors.New("permission denied")}, scan.Unknown, true},
		{"not closed", thing{text: table, shut: errors.New("stale")}, scan.Labelled, true},
		{"empty", thing{}, scan.Unknown, true},
	} {
		got, err := Examine(context.Background(), s, tt.o, format.Limits{})
		if err != nil || got.Verdict != tt.verdict || got.Path != "dir/t.csv" || got.Labels == nil || (Answer{Objects: []scan.Result{got}}).Undecided() != tt.undecided {
			t.Errorf("%s: %v %+v", tt.name, err, got)
		}
	}
	if !(Answer{}).Undecided() {
		t.Error("no objects are no answer")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Examine(ctx, s, thing{text: table}, format.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

func FuzzRecords(f *testing.F) {
	s := scanner(f)
	for _, in := range []string{"ann@example.com\n", `[{"t":"ann@example.com"}]`, "{\n\"t\":{\"u\":\"\\ud800\"}}", "\xef\xbb\xbf{}", "[{", "\xff\xfe\n"} {
		f.Add([]byte(in), "")
		f.Add([]byte(in), "t")
		f.Add([]byte(in), "t.u")
	}
	f.Fuzz(func(t *testing.T, in []byte, field string) {
		next := int64(0)
		err := Records(context.Background(), s, bytes.NewReader(in), field, func(r Record) error {
			if r.Record != next {
				t.Fatalf("record %d, want %d", r.Record, next)
			}
			next++
			for _, p := range r.Spans {
				if p.Start < 0 || p.End <= p.Start || p.End > len(in) || r.Unknown != "" {
					t.Fatalf("%+v of %q", r, in)
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, NeedsFieldError{}) {
			t.Fatal(err)
		}
	})
}
