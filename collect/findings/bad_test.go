package findings

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

const goodRow = `{"class_uid":2004,"metadata":{"event_code":"c","product":{"name":"Prowler"}},"status_code":"FAIL","resources":[{"uid":"r"}]}`

// What cannot be read is a blind spot that names file, place and mend; what
// stood before it counts.
func TestBadInput(t *testing.T) {
	const header = "AUTH_METHOD;CHECK_ID;STATUS;RESOURCE_UID\n"
	for _, tt := range []struct {
		name, text string
		results    int
		status     estate.ReadStatus
		why, hint  string
	}{
		{"cut short", "[\n" + goodRow + ",\n" + `{"class_uid":2004,"meta`, 1, estate.ReadMalformed, "line 3 (byte 1", "cut short"},
		{"cut between", "[" + goodRow + ",", 1, estate.ReadMalformed, "ends inside a value", "cut short"},
		{"broken", "[\n" + goodRow + ",\n{oops}]", 1, estate.ReadMalformed, "line 3 (byte", "nothing after this place"},
		{"text behind it", "[" + goodRow + "] and more", 1, estate.ReadMalformed, "invalid character", "write the report again"},
		{"another shape", `[{"class_uid":2004,"metadata":[],"finding_info":{}},` + goodRow + "]", 1, estate.ReadMalformed, "1 of its results have another shape than OCSF gives them", "version of the tool"},
		{"no resource", `[{"class_uid":2004,"metadata":{"event_code":"c","product":{"name":"P"}},"status_code":"FAIL"}]`, 0, estate.ReadMalformed, "without resources", "version"},
		{"no check", `[{"class_uid":2004,"metadata":{"product":{"name":"P"}},"status_code":"FAIL","resources":[{"uid":"r"}]}]`, 0, estate.ReadMalformed, "which check", "version"},
		{"unknown JSON", `{"alerts":[{"id":1}],"tool":"x"}`, 0, estate.ReadMalformed, "unknown format: line 1: JSON with the members alerts, tool", "supported are Prowler"},
		{"not JSON", "{", 0, estate.ReadMalformed, "unknown format: line 1: not JSON", "supported are"},
		{"a list of numbers", "[1,2,3]", 0, estate.ReadMalformed, "unknown format", "supported are"},
		{"empty list", " [ ] ", 0, estate.ReadSkipped, "does not say which tool", ""},
		{"empty file", "", 0, estate.ReadMalformed, "the file is empty", "supported are"},
		{"a page", "<!DOCTYPE html><html>", 0, estate.ReadSkipped, "it is a page", "JSON, CSV or SARIF"},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00", 0, estate.ReadSkipped, "it is binary", "JSON, CSV or SARIF"},
		{"plain text", "hello there", 0, estate.ReadSkipped, "it is plain text", "JSON, CSV or SARIF"},
		{"own report", `{"schema":"sevenfold/report/v1","workloads":[],"findings":[],"blindspots":[]}`, 0, estate.ReadSkipped, "sevenfold's own report", ""},
		{"other columns", "id,severity,text\n1,2,3\n", 0, estate.ReadMalformed, "a table with the columns id, severity, text, without CHECK_ID, STATUS, RESOURCE_UID or RESOURCE_ARN", "supported are"},
		{"other delimiter", "CHECK_ID,STATUS,RESOURCE_UID\nc,FAIL,r\n", 1, "", "", ""},
		{"rare delimiter", "CHECK_ID^STATUS^RESOURCE_UID\nc^FAIL^r\n", 1, "", "", ""},
		{"delimiter of two bytes", "CHECK_ID§STATUS§RESOURCE_UID\nc§FAIL§r\n", 1, "", "", ""},
		{"tabs, old names", "CHECK_ID\tSTATUS\tRESOURCE_ARN\tX\nc\tFAIL\tr\ty\n", 1, "", "", ""},
		{"short row", header + "a;c;FAIL\n" + "a;d;FAIL;r\n", 1, estate.ReadMalformed, "line 2 has 3 columns, the first line 4", "version"},
		{"open quote", header + "a;c;FAIL;r\na;\"d;FAIL;r\n", 1, estate.ReadMalformed, "line 3 (byte", "write the report again"},
		{"stray quote", header + "a;c;FAIL;r\na;d\"d;FAIL;r\n", 1, estate.ReadMalformed, "bare \"", "write the report again"},
		{"compliance table", "PROVIDER;DESCRIPTION;REQUIREMENTS_ID;STATUS;CHECKID\na;b;c;d;e\n", 0, estate.ReadSkipped, "one compliance framework", ""},
		{"parse errors of Checkov", `{"check_type":"terraform","results":{"parsing_errors":["/x.tf"],"failed_checks":[]},"summary":{"checkov_version":"3"}}`, 0, estate.ReadMalformed, "Checkov could not parse /x.tf", "run Checkov again"},
		{"a run that failed", `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"X"}},"results":[],"invocations":[{"executionSuccessful":false}]}]}`, 0, estate.ReadFailed, "did not succeed", "run it again"},
		{"a run of nobody", `{"version":"2.1.0","runs":[{"results":[]}]}`, 0, estate.ReadMalformed, "does not name its tool", "version"},
		{"deep", "[" + strings.Repeat("[", 20000), 0, estate.ReadMalformed, "", ""},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "a", "report.x"), []byte(tt.text))
			write(t, filepath.Join(dir, "b.json"), []byte(strings.ReplaceAll("["+goodRow+"]", `"r"`, `"other"`)))
			got := collect(t, dir)
			n := -1 // the other file is read in any case
			for _, f := range got.foreign(t) {
				n += len(f.Results)
			}
			if n != tt.results {
				t.Errorf("%d results, want %d", n, tt.results)
			}
			if tt.status == "" {
				if len(got.blind) > 0 {
					t.Errorf("blind spots: %+v", got.blind)
				}
				return
			}
			if len(got.blind) != 1 {
				t.Fatalf("%d blind spots, want 1: %+v", len(got.blind), got.blind)
			}
			b := got.blind[0]
			if b.Operation != "a/report.x" || b.Status != tt.status || !strings.Contains(b.Why, tt.why) || !strings.Contains(b.Hint, tt.hint) {
				t.Errorf("got %s %s: %s\nhint: %s", b.Operation, b.Status, b.Why, b.Hint)
			}
		})
	}
}

func TestBrokenGzip(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte("[" + strings.Repeat(goodRow+",", 2000) + goodRow + "]"))
	_ = z.Close()
	write(t, filepath.Join(dir, "cut.json.gz"), b.Bytes()[:b.Len()/2])
	write(t, filepath.Join(dir, "no.gz"), []byte("\x1f\x8bnonsense"))
	got := collect(t, dir)
	if len(got.blind) != 2 || got.blind[0].Operation != "cut.json.gz" || !strings.Contains(got.blind[1].Why, "begins like gzip") {
		t.Errorf("%+v", got.blind)
	}
}

// The bounds hold, and each says what it left out.
func TestBounds(t *testing.T) {
	run := func(lim limits, text string) *shelf {
		file := filepath.Join(t.TempDir(), "r.json")
		write(t, file, []byte(text))
		c := New(Options{Root: file, Source: "findings:in"})
		c.lim = lim
		return collectWith(t, c)
	}
	rows := func(n int, status string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%s\n", row("c", status, fmt.Sprint("r", i), ""))
		}
		return b.String()
	}
	small := defaultLimits
	small.results = 5
	got := run(small, rows(8, "FAIL"))
	if len(got.foreign(t)) != 5 || len(got.blind) != 1 || !strings.Contains(got.blind[0].Why, "3 faults were not kept") || got.blind[0].Status != estate.ReadFailed {
		t.Errorf("faults over the bound: %d kept, %+v", len(got.foreign(t)), got.blind)
	}
	// Passes over the bound are no fault left out, and are counted.
	got = run(small, rows(8, "PASS"))
	if len(got.foreign(t)) != 5 || len(got.blind) != 0 || !strings.Contains(got.lines(t), `{"pass":8}`) {
		t.Errorf("passes over the bound: %s", got.lines(t))
	}
	small = defaultLimits
	small.element = 200_000
	long := strings.Replace(goodRow, `"c"`, `"`+strings.Repeat("x", 400_000)+`"`, 1)
	got = run(small, "["+goodRow+","+long+"]")
	if len(got.foreign(t)) != 1 || len(got.blind) != 1 || !strings.Contains(got.blind[0].Why, "too large") {
		t.Errorf("an element over the bound: %s", got.lines(t))
	}
	small = defaultLimits
	small.unpacked = 1 << 20
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, "["+goodRow+strings.Repeat(" ", 8<<20)+"]")
	_ = z.Close()
	got = run(small, b.String())
	if len(got.blind) != 1 || got.blind[0].Status != estate.ReadSkipped {
		t.Errorf("a bomb: %s", got.lines(t))
	}
}

func TestNothingThere(t *testing.T) {
	if err := New(Options{Root: filepath.Join(t.TempDir(), "no")}).Collect(context.Background(), &shelf{}); err == nil {
		t.Error("a path that is not there was read")
	}
	got := collect(t, t.TempDir())
	if len(got.blind) != 1 || !strings.Contains(got.blind[0].Why, "holds no file") {
		t.Errorf("%+v", got.blind)
	}
}

func TestEndsWithTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := New(Options{Root: "testdata"}).Collect(ctx, &shelf{}); err == nil {
		t.Error("no error from an ended run")
	}
}

func TestLinksStayInside(t *testing.T) {
	out, dir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(out, "x.json"), []byte("["+goodRow+"]"))
	write(t, filepath.Join(dir, "real.json"), []byte("["+goodRow+"]"))
	for _, l := range [][2]string{{filepath.Join(out, "x.json"), "out.json"}, {"real.json", "in.json"}, {".", "loop"}} {
		if err := os.Symlink(l[0], filepath.Join(dir, l[1])); err != nil {
			t.Fatal(err)
		}
	}
	if got := collect(t, dir); got.calls != 2 || len(got.foreign(t)) != 1 || len(got.blind) != 1 || got.blind[0].Operation != "out.json" {
		t.Errorf("%d files read: %s", got.calls, got.lines(t))
	}
}

func TestParseSource(t *testing.T) {
	for in, root := range map[string]string{"findings:a/b": "a/b", "findings:a,b": "a,b", "findings:": "", "dir:x": "", "findings": ""} {
		if o, err := ParseSource(in); o.Root != root || (err == nil) != (root != "") {
			t.Errorf("%s: %+v, %v", in, o, err)
		}
	}
}

func TestMoments(t *testing.T) {
	for in, want := range map[string]string{
		"2026-11-28T07:09:43.189502": "2026-11-28T07:09:43Z", "2026-11-28 07:09:43.189502": "2026-11-28T07:09:43Z", "1795849783": "2026-11-28T07:09:43Z",
		"1795849783000": "2026-11-28T07:09:43Z", "2026-11-28T08:09:43+01:00": "2026-11-28T07:09:43Z", "": "", "yesterday": "", "0": "", "12": "", "1e300": "", "0001-01-01T00:00:00Z": "", "NaN": "",
	} {
		got := ""
		if m := moment(in); !m.IsZero() {
			got = m.UTC().Format("2006-01-02T15:04:05Z07:00")
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := moment("nonsense", "2026-11-28T07:09:43Z"); got.IsZero() {
		t.Error("the second text was not tried")
	}
}

func TestWordsForNames(t *testing.T) {
	for in, want := range map[string]string{"Prowler": "prowler", "AWS Security Hub": "securityhub", "Security Hub": "securityhub", "KICS!": "kics", "": "", "Ünsinn": "nsinn"} {
		if got := toolID(in); got != want {
			t.Errorf("toolID(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[[2]string]string{{"KSV001", "AVD-KSV-0001"}: "KSV-0001", {"AVD-AWS-0086", "AVD-AWS-0086"}: "AWS-0086", {"AWS-0086", ""}: "AWS-0086",
		{"s3-bucket-logging", "AVD-AWS-0089"}: "AWS-0089", {"KSV-0124", ""}: "KSV-0124", {"custom-rule", ""}: "custom-rule", {"", ""}: ""} {
		if got := trivyCheck(in[0], in[1]); got != want {
			t.Errorf("trivyCheck(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"0": "INFORMATIONAL", "1": "LOW", "39": "LOW", "40": "MEDIUM", "70": "HIGH", "90": "CRITICAL", "100": "CRITICAL", "": ""} {
		if got := normalized(in); got != want {
			t.Errorf("normalized(%q) = %q, want %q", in, got, want)
		}
	}
}
