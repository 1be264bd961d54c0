package assess

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
)

// TestScansFitTheirSchemas: what is said of files, found or not, read or not.
func TestScansFitTheirSchemas(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"t.csv": "email,card\nann@example.com,4111111111111111\nbob@example.com,5500005555555559\n", "none.csv": "a,b\n1,2\n", "broken.parquet": "PAR1 and no more",
		"letter.txt": strings.Repeat("Dear Ann Smith of Springfield, thank you for all the kind words. ", 9) + "ann@example.com", "empty": "",
		"evil.pkl": "cos\nsystem\n(S'echo pwned'\ntR.", "ok.json": `{"model_type":"bert"}`, "cut.pkl": "\x80\x04\x95",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("t.csv", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	s, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	labels := data.Answer{Objects: []scan.Result{}}
	files := supply.Answer{Artifacts: []supply.Artifact{}, Findings: []supply.Finding{}}
	fits := func(schema string, v any) {
		t.Helper()
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fitsSchema(t, schema, text)
	}
	fits("data-scan.schema.json", labels)
	fits("supply-scan.schema.json", files)
	verdicts := map[string]bool{}
	err = local.Walk(ctx, []string{dir}, local.Options{}, func(e *local.Entry) error {
		got, err := data.Examine(ctx, s, e, format.Limits{})
		if err != nil {
			return err
		}
		labels.Objects = append(labels.Objects, got)
		verdicts[string(got.Verdict)] = true
		files.Add(supply.Scan(ctx, e, modelfile.Limits{Digest: true}))
		if e.Unread() != "" {
			return nil
		}
		in, err := e.Stream()
		if err != nil {
			return err
		}
		defer in.Close()
		return data.Records(ctx, s, in, "t", func(r data.Record) error {
			r.Path = e.Path()
			fits("data-scan.schema.json", r)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files.Artifacts {
		verdicts[string(f.Verdict)] = true
	}
	for _, v := range []string{"labelled", "none-found", "unknown", "clean", "malicious"} {
		if !verdicts[v] {
			t.Errorf("no file is %s: the schemas were not held to it", v)
		}
	}
	fits("data-scan.schema.json", labels)
	fits("supply-scan.schema.json", files)
}
