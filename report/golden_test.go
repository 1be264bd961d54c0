package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/test/race"
)

var update = flag.Bool("update", false, "write the golden files anew")

// formats are all renderers by the name of their golden files' ending.
var formats = map[string]func(io.Writer, *Document) error{
	"json":     JSON,
	"txt":      func(w io.Writer, d *Document) error { return Text(w, d, Options{Width: 100}) },
	"md":       Markdown,
	"sarif":    SARIF,
	"html":     func(w io.Writer, d *Document) error { return HTML(w, d, sampleDrawing()) },
	"mono.txt": func(w io.Writer, d *Document) error { return Text(w, d, Options{ASCII: true}) },
}

// samples are the documents every renderer is shown.
func samples() map[string]*Document {
	return map[string]*Document{
		"harbour": harbour(), "empty": empty(), "ready": allReady(), "unknown": allUnknown(),
		"crowd": crowd(200, 30), "hostile": hostileDoc(hostile), "zero": {},
	}
}

func render(t *testing.T, format string, doc *Document) string {
	t.Helper()
	var buf bytes.Buffer
	if err := formats[format](&buf, doc); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return buf.String()
}

func TestGolden(t *testing.T) {
	for _, name := range []string{"harbour", "empty", "ready", "unknown"} {
		for format := range formats {
			if format == "html" && name != "harbour" || format == "mono.txt" && name == "empty" {
				continue
			}
			t.Run(name+"_"+format, func(t *testing.T) {
				golden(t, name+"."+format, render(t, format, samples()[name]))
			})
		}
	}
	t.Run("patch", func(t *testing.T) {
		var buf bytes.Buffer
		if err := Diff(&buf, harbour()); err != nil {
			t.Fatal(err)
		}
		golden(t, "harbour.patch", buf.String())
	})
	t.Run("one_workload", func(t *testing.T) {
		var buf bytes.Buffer
		if err := Text(&buf, harbour(), Options{Workload: "eta-train"}); err != nil {
			t.Fatal(err)
		}
		golden(t, "harbour.eta-train.txt", buf.String())
	})
	t.Run("crowd", func(t *testing.T) {
		golden(t, "crowd.txt", render(t, "txt", crowd(200, 30)))
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil { //nolint:gosec // a test's golden file
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v\nhint: go test ./report -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}

// A report is the same whenever it is made again: nothing depends on the order
// of a map.
func TestRenderingIsStable(t *testing.T) {
	for name, doc := range samples() {
		for format := range formats {
			first := render(t, format, doc)
			for range race.Size(3, 1) {
				if again := render(t, format, doc); again != first {
					t.Errorf("%s as %s is not stable:\n%s", name, format, cmp.Diff(first, again))
					break
				}
			}
		}
	}
}

// Renderers must not change what they are given: the same document is written
// in several formats.
func TestRenderersLeaveTheDocumentAlone(t *testing.T) {
	doc := harbour()
	for format := range formats {
		render(t, format, doc)
		if diff := cmp.Diff(harbour(), doc); diff != "" {
			t.Fatalf("%s changed the document:\n%s", format, diff)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestRenderersReportWriteErrors(t *testing.T) {
	for format, f := range formats {
		if err := f(brokenWriter{}, harbour()); err == nil {
			t.Errorf("%s hides a write error", format)
		}
	}
}
