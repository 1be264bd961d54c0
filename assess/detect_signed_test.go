package assess

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// lakeResult is a file of results as CloudTrail Lake delivers it, of whole events.
func lakeResult(t *testing.T, records ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprintln(z, "eventid,eventjson")
	for i, r := range records {
		fmt.Fprintf(z, "%d,\"%s\"\n", i, strings.ReplaceAll(r, `"`, `""`))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What a query of CloudTrail Lake delivered is read from a folder as from a trail, and held
// against the sign file beside it: a file that is missing or was changed is told. It is the
// same by replay's way and by run's.
func TestLakeResultsAndTheirSignFile(t *testing.T) {
	one := lakeResult(t, trailRecord("e1", "InvokeModel", "2026-11-02T09:30:15Z"))
	two := lakeResult(t, trailRecord("e2", "InvokeModel", "2026-11-02T09:31:15Z"), trailRecord("e1", "InvokeModel", "2026-11-02T09:30:15Z"))
	sign := func(files map[string][]byte, algorithm string) []byte {
		var list []string
		for _, name := range []string{"result_1.csv.gz", "result_2.csv.gz"} {
			if data, ok := files[name]; ok {
				list = append(list, fmt.Sprintf(`{"fileHashValue":"%x","fileName":%q}`, sha256.Sum256(data), name))
			}
		}
		return fmt.Appendf(nil, `{"version":"1.0","region":"us-east-1","files":[%s],"hashAlgorithm":%q,"signatureAlgorithm":"SHA256withRSA","queryCompleteTime":"2026-11-03T00:00:00Z"}`, strings.Join(list, ","), algorithm)
	}
	both := map[string][]byte{"result_1.csv.gz": one, "result_2.csv.gz": two}
	whole := sign(both, "SHA-256")
	for name, tt := range map[string]struct {
		files  map[string][]byte
		events int
		want   []string // of the reasons, in order of path
	}{
		"whole":            {map[string][]byte{"result_1.csv.gz": one, "result_2.csv.gz": two, signName: whole, "notes.csv": []byte("a,b\n1,2\n")}, 2, nil},
		"one is missing":   {map[string][]byte{"result_1.csv.gz": one, signName: whole}, 1, []string{"names it, and it is not here"}},
		"one was changed":  {map[string][]byte{"result_1.csv.gz": one, "result_2.csv.gz": one, signName: whole}, 1, []string{"not as CloudTrail delivered it"}},
		"another sum":      {map[string][]byte{"result_1.csv.gz": one, signName: sign(both, "MD5")}, 1, []string{"not SHA-256"}},
		"no sign file":     {map[string][]byte{"result_1.csv.gz": one, signName: []byte("{")}, 1, []string{"does not say which results"}},
		"it names others":  {map[string][]byte{"result_1.csv.gz": one, signName: []byte(`{"files":[{"fileName":"../x"}],"hashAlgorithm":"SHA-256"}`)}, 1, []string{"not beside it"}},
		"digests, exports": {map[string][]byte{"CloudTrail-Digest/d.json": []byte(`{"digestPublicKeyFingerprint":"x"}`), "000000.gz": packed(t, "2026-11-02T09:30:15.123Z "+trailRecord("e3", "InvokeModel", "2026-11-02T09:30:15Z")+"\n"), "image.gz": packed(t, "\x00\x01")}, 1, nil},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range tt.files {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			check := func(way string, f *EventFiles) {
				t.Helper()
				if f.Events != tt.events || f.RejectedCount != len(tt.want) {
					t.Fatalf("%s: %d events, rejected %+v", way, f.Events, f.Rejected)
				}
				for i, want := range tt.want {
					if !strings.Contains(f.Rejected[i].Reason, want) {
						t.Errorf("%s: %+v does not say %q", way, f.Rejected[i], want)
					}
				}
			}
			f := NewEventFiles(nil)
			if err := f.Read(t.Context(), []string{dir}, func(*ocsf.Event) error { return nil }); err != nil {
				t.Fatal(err)
			}
			check("replay", f)
			if name != "one was changed" && name != "whole" {
				return // a run costs more, and is the same code
			}
			r, stop := running(t, emptyState(t), RunOptions{Dir: t.TempDir(), Now: func() time.Time { return time.Now().Add(time.Hour) }})
			if err := r.Sweep(t.Context(), []string{dir}, true); err != nil {
				t.Fatal(err)
			}
			if err := r.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			stop()
			check("run", r.files)
		})
	}
}

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is added to a flow log is read by the columns that its first line names.
func TestAFollowedFlowLogKeepsItsColumns(t *testing.T) {
	name := filepath.Join(t.TempDir(), "flows.log")
	line := "10.0.0.%d 10.0.0.2 1793612415 443\n"
	if err := os.WriteFile(name, fmt.Appendf(nil, "srcaddr dstaddr start dstport\n"+line, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	r, stop := running(t, emptyState(t), RunOptions{Dir: t.TempDir()})
	for i := 2; i < 4; i++ {
		if err := r.Sweep(t.Context(), []string{name}, true); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(f, line, i)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Sweep(t.Context(), []string{name}, true); err != nil {
		t.Fatal(err)
	}
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	if r.files.Events != 3 || r.files.RejectedCount != 0 {
		t.Errorf("%d events, rejected %+v", r.files.Events, r.files.Rejected)
	}
}

// A pipe is told once, and not waited for.
func TestARunIsNotHeldUpByAPipe(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.json", "b.csv", "c.gz"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, stop := running(t, emptyState(t), RunOptions{Dir: t.TempDir()})
	named := filepath.Join(dir, "b.csv")
	for range 2 {
		if err := r.Sweep(t.Context(), []string{dir, named}, true); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if r.files.RejectedCount != 2 || r.files.Rejected[0].Path != filepath.Join(dir, "a.json") || r.files.Rejected[1].Path != named {
		t.Errorf("rejected %+v", r.files.Rejected)
	}
}

// Where an event lies in its file is told of one whose clock is wrong too.
func TestAClockAheadIsToldWithItsPlace(t *testing.T) {
	one, two := trailRecord("e1", "InvokeModel", "2026-11-02T09:30:15Z"), trailRecord("e2", "InvokeModel", "2036-11-02T09:30:15Z")
	name := filepath.Join(t.TempDir(), "a.json")
	if err := os.WriteFile(name, []byte(`{"Records":[`+one+","+two+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f := NewEventFiles(nil)
	f.Now = func() time.Time { return time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC) }
	if err := f.Read(t.Context(), []string{name}, func(*ocsf.Event) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if want := int64(len(`{"Records":[`+one) + 1); f.Events != 1 || len(f.Rejected) != 1 || f.Rejected[0].Offset != want {
		t.Errorf("%d events, rejected %+v, want one at %d", f.Events, f.Rejected, want)
	}
}
