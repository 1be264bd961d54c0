package findings

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shelf is a sink that keeps what it gets.
type shelf struct {
	assets []estate.Asset
	blind  []estate.BlindSpot
	calls  int
}

func (s *shelf) Asset(a estate.Asset)         { s.assets = append(s.assets, a) }
func (s *shelf) BlindSpot(b estate.BlindSpot) { s.blind = append(s.blind, b) }
func (*shelf) Covered(estate.Coverage)        {}
func (s *shelf) Called(string)                { s.calls++ }

func collect(t testing.TB, root string) *shelf {
	t.Helper()
	return collectWith(t, New(Options{Root: root, Source: "findings:in"}))
}

func collectWith(t testing.TB, c *Collector) *shelf {
	t.Helper()
	s := &shelf{}
	if err := c.Collect(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// foreign decodes what a sink got of results.
func (s *shelf) foreign(t testing.TB) []estate.Foreign {
	t.Helper()
	var out []estate.Foreign
	for _, a := range s.assets {
		if a.Type == estate.ForeignType {
			var f estate.Foreign
			if err := json.Unmarshal(a.Config, &f); err != nil {
				t.Fatal(err)
			}
			out = append(out, f)
		}
	}
	return out
}

// lines writes what a sink got as people can compare it.
func (s *shelf) lines(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	for _, a := range s.assets {
		if a.Type != estate.ScanType {
			continue
		}
		var scan estate.Scan
		if err := json.Unmarshal(a.Config, &scan); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "scan %s %q %v\n", scan.Tool, scan.Name, scan.Versions)
		for _, f := range scan.Files {
			counts, _ := json.Marshal(f.Results)
			fmt.Fprintf(&b, "  %s %s %s\n", f.File, f.Format, counts)
		}
	}
	for _, f := range s.foreign(t) {
		r, _ := json.Marshal(f.Resource)
		fmt.Fprintf(&b, "%s\n", r)
		for _, x := range f.Results {
			fmt.Fprintf(&b, "  %-7s %s %q %s %q\n", x.Status, x.Check, x.Severity, x.Place, x.Message)
		}
	}
	for _, x := range s.blind {
		fmt.Fprintf(&b, "blind %s %s: %s (%s)\n", x.Status, x.Operation, x.Why, x.Hint)
	}
	return b.String()
}

// Every report of testdata is read as its golden file says.
func TestReports(t *testing.T) {
	for _, name := range reports(t) {
		t.Run(strings.ReplaceAll(filepath.Base(name), ".", "_"), func(t *testing.T) {
			got := collect(t, name).lines(t)
			golden := filepath.Join("testdata", "golden", filepath.Base(name)+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func reports(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join("testdata", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range all {
		if !strings.HasSuffix(name, ".md") {
			out = append(out, name)
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d reports", len(out))
	}
	return out
}

// outcomes are check, status and resource of each result, sorted.
func outcomes(t *testing.T, s *shelf, leave ...estate.ForeignStatus) []string {
	t.Helper()
	var out []string
	for _, f := range s.foreign(t) {
		for _, r := range f.Results {
			if len(leave) > 0 && r.Status == leave[0] {
				continue
			}
			out = append(out, fmt.Sprint(f.Tool, " ", r.Check, " ", r.Status, " ", f.Resource.ID, " ", strings.ToLower(r.Severity)))
		}
	}
	sort.Strings(out)
	return out
}

// One run of Prowler says the same in each of its formats, and Security Hub
// passes it on (all but what is manual, which Prowler does not send).
func TestProwlersFormatsAgree(t *testing.T) {
	ocsf, table, hub := collect(t, "testdata/prowler.ocsf.json"), collect(t, "testdata/prowler.csv"), collect(t, "testdata/securityhub-prowler.json")
	want := outcomes(t, ocsf)
	if len(want) != 16 {
		t.Fatalf("%d results, want 16", len(want))
	}
	if diff := cmp.Diff(want, outcomes(t, table)); diff != "" {
		t.Errorf("CSV against OCSF:\n%s", diff)
	}
	if diff := cmp.Diff(outcomes(t, ocsf, estate.ForeignUnknown), outcomes(t, hub)); diff != "" {
		t.Errorf("ASFF against OCSF:\n%s", diff)
	}
}

// The same run in three formats in one folder counts once, and order of the
// files does not matter.
func TestDuplicatesAcrossFiles(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"prowler.csv", "prowler.ocsf.json", "securityhub-prowler.json"} {
		copyFile(t, filepath.Join("testdata", name), filepath.Join(dir, fmt.Sprint(i), name))
	}
	got := collect(t, dir)
	if diff := cmp.Diff(outcomes(t, collect(t, "testdata/prowler.ocsf.json")), outcomes(t, got)); diff != "" {
		t.Error(diff)
	}
	if len(got.blind) > 0 {
		t.Errorf("blind spots: %v", got.blind)
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, text)
}

func write(t testing.TB, name string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func row(check, status, resource, when string) string {
	return fmt.Sprintf(`{"class_uid":2004,"metadata":{"event_code":%q,"product":{"name":"Prowler"}},"status_code":%q,"resources":[{"uid":%q}],"time_dt":%q}`, check, status, resource, when)
}

// Of two runs the newer counts; of two results equally old the worse.
func TestNewestCounts(t *testing.T) {
	const at, later = "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"
	for _, tt := range []struct {
		name  string
		files []string
		want  string
	}{
		{"mended since", []string{row("c", "FAIL", "r", at), row("c", "PASS", "r", later)}, "pass"},
		{"in whichever order", []string{row("c", "PASS", "r", later), row("c", "FAIL", "r", at)}, "pass"},
		{"broken since", []string{row("c", "PASS", "r", at), row("c", "FAIL", "r", later)}, "fail"},
		{"at one time the worse", []string{row("c", "PASS", "r", at), row("c", "FAIL", "r", at)}, "fail"},
		{"unknown is worse than pass", []string{row("c", "MANUAL", "r", at), row("c", "PASS", "r", at)}, "unknown"},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			dir := t.TempDir()
			for i, f := range tt.files {
				write(t, filepath.Join(dir, fmt.Sprintf("%d.json", i)), []byte("["+f+"]"))
			}
			fs := collect(t, dir).foreign(t)
			if len(fs) != 1 || len(fs[0].Results) != 1 || string(fs[0].Results[0].Status) != tt.want {
				t.Errorf("got %+v, want one %s", fs, tt.want)
			}
		})
	}
}

// A report is known by its content: another name, gzip, a byte order mark,
// UTF-16 and JSON lines change nothing.
func TestRecognizedByContent(t *testing.T) {
	text, err := os.ReadFile("testdata/prowler.ocsf.json")
	if err != nil {
		t.Fatal(err)
	}
	want := outcomes(t, collect(t, "testdata/prowler.ocsf.json"))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(text)
	_ = z.Close()
	var all []json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var rows bytes.Buffer
	for _, one := range all {
		if err := json.Compact(&rows, one); err != nil {
			t.Fatal(err)
		}
		rows.WriteByte('\n')
	}
	wide := []byte{0xff, 0xfe}
	for _, r := range string(text) {
		if r < 0x10000 {
			wide = append(wide, byte(r), byte(r>>8))
		}
	}
	for name, body := range map[string][]byte{
		"report": text, "x.txt": text, "x.json.gz": packed.Bytes(), "y.json": packed.Bytes(), "mark.json": append([]byte("\ufeff"), text...),
		"lines.jsonl": rows.Bytes(), "wide.json": wide, "reply.json": []byte(`{"Findings":` + string(text) + `}`),
		"event.json": []byte(`{"version":"0","detail-type":"x","detail":{"a":{"b":[1]},"findings":[]},"findings":` + string(text) + `}`),
	} {
		t.Run(strings.ReplaceAll(name, ".", "_"), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name)
			write(t, file, body)
			got := collect(t, file)
			if diff := cmp.Diff(want, outcomes(t, got)); diff != "" {
				t.Error(diff)
			}
			if len(got.blind) > 0 {
				t.Errorf("blind spots: %v", got.blind)
			}
		})
	}
}

// What a secret scanner matched is nowhere in what is kept.
func TestMatchedSecretsAreNotTakenOver(t *testing.T) {
	for _, name := range []string{"testdata/trivy-image.json", "testdata/trivy-secret.json"} {
		for _, a := range collect(t, name).assets {
			for _, no := range []string{"ghp_", "MADEUP", "****", "Match", "Lines"} {
				if strings.Contains(string(a.Config), no) {
					t.Errorf("%s: %s holds %q: %s", name, a.ID, no, a.Config)
				}
			}
		}
	}
}
