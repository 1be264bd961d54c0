package scan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

func object(t testing.TB, name string, b []byte) scan.Result {
	t.Helper()
	s, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Object(context.Background(), name, bytes.NewReader(b), int64(len(b)), format.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func types(res scan.Result) []string {
	var all []string
	for _, l := range res.Labels {
		if !slices.Contains(all, l.Type) {
			all = append(all, l.Type)
		}
	}
	slices.Sort(all)
	return all
}

// The files were written by the formats' own libraries (testdata/make.py): one
// table of made-up people in each.
func TestFormats(t *testing.T) {
	files, err := filepath.Glob("testdata/formats/*")
	if err != nil || len(files) < 35 {
		t.Fatal(err, files)
	}
	for _, f := range files {
		name := filepath.Base(f)
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		res := object(t, name, b)
		t.Logf("%-20s %-16s %-10s %v rows=%d %v", name, res.Format, res.Verdict, types(res), res.Examined.Rows, res.Reasons)
		if strings.HasPrefix(name, "typed.") {
			continue // TestTypedColumns
		}
		if name == "floats.npy" {
			if res.Verdict != scan.None || len(res.Labels) > 0 {
				t.Errorf("%s: %+v", name, res)
			}
			continue
		}
		want := []string{"EMAIL_ADDRESS", "US_SSN"}
		switch name {
		case "emails.npy":
			want = want[:1]
		case "chat.jsonl":
			want = []string{"EMAIL_ADDRESS", "CREDIT_CARD"}
		}
		for _, w := range want {
			if !slices.Contains(types(res), w) {
				t.Errorf("%s (%s): no %s in %v: %v", name, res.Format, w, types(res), res.Reasons)
			}
		}
		if res.Verdict != scan.Labelled || res.Examined.Bytes == 0 || res.Examined.Rows == 0 {
			t.Errorf("%s: verdict %s, examined %+v", name, res.Verdict, res.Examined)
		}
		if strings.HasPrefix(name, "people.") && strings.Contains(name, "parquet") && !slices.Contains(types(res), "CREDIT_CARD") {
			t.Errorf("%s: no CREDIT_CARD", name)
		}
		if bytes.Contains(must(json.Marshal(res)), []byte("canary")) {
			t.Errorf("%s: a value is in the result", name)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// A file cut anywhere, or with a byte changed, is never said to hold nothing:
// what was lost might have held anything. Text has no frame that could tell.
func TestDamagedFilesAreUnknown(t *testing.T) {
	files, err := filepath.Glob("testdata/formats/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, f := range files {
		name := filepath.Base(f)
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, cut := range []int{1, 5, len(b) / 10, len(b) / 3, len(b) / 2, len(b) - 1} {
			checkDamaged(t, name, object(t, name, b[:cut]))
		}
		for i := 0; i < 20; i++ {
			bad := bytes.Clone(b)
			bad[i*len(b)/20] ^= 0x5a
			bad[(i*len(b)/20+7)%len(b)] ^= 0xff
			checkDamaged(t, name, object(t, name, bad))
		}
	}
}

func checkDamaged(t *testing.T, name string, res scan.Result) {
	t.Helper()
	framed := !slices.Contains([]string{"csv", "tsv", "text", "html", "markdown", "sql", "npy"}, res.Format)
	if res.Verdict == scan.None && framed {
		t.Errorf("%s, damaged: none found (%s, %v)", name, res.Format, res.Reasons)
	}
	if bytes.Contains(must(json.Marshal(res)), []byte("canary")) {
		t.Errorf("%s, damaged: a value is in the result", name)
	}
}

func TestObjectVerdicts(t *testing.T) {
	tests := []struct {
		name, text string
		want       scan.Verdict
		reason     string
	}{
		{"a.csv", "id,total\n1,12.50\n2,13.75\n3,1.00\n", scan.None, ""},
		{"a.txt", "", scan.Unknown, "empty"},
		{"a.png", "\x89PNG\r\n\x1a\n0000", scan.Unknown, "image"},
		{"a.bin", "\x00\x01\x02\x03\x04\x05\x06\x07", scan.Unknown, "binary"},
		{"a.pkl", "\x80\x04\x95\x00\x00", scan.Unknown, "pickle"},
		{"a.json", `{"a": [1, 2`, scan.Unknown, "cut short"},
		{"a.json", `{"a": {]}`, scan.Unknown, "malformed"},
		{"a.json", strings.Repeat("[", 1000), scan.Unknown, "nested deeper"},
		{"a.txt", "The weather was fine and everybody went to the lake with their friends.", scan.Unknown, "no model"},
		{"a.txt", "Anna Novak\nBela Quist\n", scan.Unknown, "no model"},
		{"a.csv", "id,who\n1,Anna\n2,Bela\n3,Carl\n4,Dora\n5,Eva\n6,Fritz\n7,Gerd\n8,Hans\n9,Ines\n10,Jan\n11,Karl\n12,Lena\n13,Max\n", scan.Unknown, "no model"},
		{"a.csv", "id,who\n1,Ann Smith\n2,Bo Li\n", scan.Unknown, "no model"},
		{"a.csv", "id,kind\n1,Red\n2,Blue\n3,Red\n4,Blue\n", scan.Unknown, "no model"}, // too few to tell kinds from names
		{"a.csv", "id,kind\n" + strings.Repeat("1,Red\n2,Blue\n", 5), scan.None, ""},
		{"a.go", "package a\n\nfunc f() int {\n\tx := 1\n\treturn x\n}\n", scan.None, ""},
		{"wrong.parquet", "id,email\n1,a@b.org\n2,c@d.org\n", scan.Labelled, ""},
	}
	for _, tt := range tests {
		res := object(t, tt.name, []byte(tt.text))
		if res.Verdict != tt.want || !strings.Contains(strings.Join(res.Reasons, "; "), tt.reason) {
			t.Errorf("%s %.30q: %s %v, want %s %s", tt.name, tt.text, res.Verdict, res.Reasons, tt.want, tt.reason)
		}
	}
}

// upperNamer calls every word in capitals a person.
type upperNamer struct{ texts int }

func (u *upperNamer) Names(spans []scan.Span, text []byte) []scan.Span {
	u.texts++
	for _, at := range regexp.MustCompile(`\b[A-Z]{3,}\b`).FindAllIndex(text, -1) {
		spans = append(spans, scan.Span{Type: "PERSON", Start: at[0], End: at[1], Score: .9, Reason: "capitals"})
	}
	return spans
}

func TestNamesAreSoughtInFreeTextOnly(t *testing.T) {
	n := &upperNamer{}
	s, err := scan.New(scan.Options{Names: n})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("id,code,remark\n")
	for i := range 500 {
		fmt.Fprintf(&b, "%d,ABC,the parcel for ANNA came back today and again\n", i)
	}
	res, err := s.Object(context.Background(), "a.csv", strings.NewReader(b.String()), int64(b.Len()), format.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Labels) != 1 || res.Labels[0].Type != "PERSON" || res.Labels[0].Column != "remark" || strings.Join(res.Unknown, " ") != "ORGANIZATION" {
		t.Errorf("got %+v", res)
	}
	if n.texts != 1 {
		t.Errorf("the same text was read %d times", n.texts)
	}
	// What a check found stays where the model says otherwise.
	spans := s.Text([]byte("ANNA has AKIA" + "QWERTZUIOPASDFGH and DE89370400440532013000"))
	if len(spans) != 3 || spans[1].Type != "SECRET_AWS_ACCESS_KEY" || spans[2].Type != "IBAN_CODE" {
		t.Errorf("got %+v", spans)
	}
}

func TestACsvOfPeopleIsACustomerRecord(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,name,email,phone\n")
	for i := range 30 {
		fmt.Fprintf(&b, "%d,Jane Doe,jane%d@example.com,+1-415-555-01%02d\n", i, i, i)
	}
	res := object(t, "people.csv", []byte(b.String()))
	if got := strings.Join(types(res), " "); got != "EMAIL_ADDRESS PERSON PHONE_NUMBER" {
		t.Errorf("labels %s", got)
	}
	if len(res.Class) == 0 || res.Class[0].Name != scan.CustomerRecord {
		t.Errorf("class %v", res.Class)
	}
	if res.Bound <= 0 || res.Bound > .11 || res.Examined.Rows != 30 {
		t.Errorf("bound %v of %+v", res.Bound, res.Examined)
	}
}

// A map's keys may be values: they are counted, and no name of a column tells them.
func TestKeysAreNoNames(t *testing.T) {
	s, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"map.json": `{"ann.lee@example.com": {"card": "4111111111111111"}, "bob.day@example.com": {"card": "5500005555555559"}}`,
		"m.jsonl":  "{\"users\":{\"4111111111111111\":{\"mail\":\"x.y@example.com\"}}}\n{\"users\":{\"5500005555555559\":{\"mail\":\"x.z@example.com\"}}}\n",
		"n.json":   `{"patients": {"83471290": {"mail": "x.y@example.com"}, "83471291": {"mail": "x.z@example.com"}}}`,
	} {
		res, err := s.Object(context.Background(), name, strings.NewReader(text), int64(len(text)), format.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		told := fmt.Sprint(res)
		for _, canary := range []string{"ann.lee", "bob.day", "4111111111111111", "5500005555555559", "x.y@", "83471290"} {
			if strings.Contains(told, canary) {
				t.Errorf("%s: %s is told: %s", name, canary, told)
			}
		}
		if !strings.Contains(told, "EMAIL_ADDRESS") {
			t.Errorf("%s: no address found: %s", name, told)
		}
	}
}
