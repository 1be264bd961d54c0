package advisories

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func zipOf(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func put(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestEach(t *testing.T) {
	all := zipOf(t, map[string]string{"GHSA-1.json": `{"id":"GHSA-1"}`, "GHSA-2.json": `{"id":"GHSA-2"}`, "readme.txt": "x"})
	dir := put(t, map[string]string{"all.zip": all, "one.json": `{"id":"one"}`, "vulns/PYSEC-2026-1.yaml": "id: PYSEC-2026-1\n", "vulns/config.yaml": "not: a record\n", ".git/x.json": "{}", "cut.zip": all[:60], "bad.json": "{"})
	for _, tt := range []struct {
		paths    []string
		want     []string
		problems int
	}{
		{[]string{"all.zip"}, []string{"GHSA-1", "GHSA-2"}, 0},
		{[]string{"one.json", "vulns"}, []string{"PYSEC-2026-1", "one"}, 0},
		{[]string{"."}, []string{"GHSA-1", "GHSA-2", "PYSEC-2026-1", "one"}, 2},
		{[]string{"cut.zip"}, nil, 1},
		{[]string{"bad.json"}, nil, 1},
	} {
		t.Run(strings.Join(tt.paths, " "), func(t *testing.T) {
			var paths, got []string
			for _, p := range tt.paths {
				paths = append(paths, filepath.Join(dir, p))
			}
			_, problems, err := Each(context.Background(), paths, func(record []byte) error {
				_, id, ok := strings.Cut(string(record), `"id":"`)
				if !ok {
					return errors.New("no id")
				}
				id, _, _ = strings.Cut(id, `"`)
				got = append(got, id)
				return nil
			})
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil || len(problems) != tt.problems {
				t.Errorf("(-want +got)\n%s%v, problems %q", diff, err, problems)
			}
		})
	}
	if _, _, err := Each(context.Background(), []string{filepath.Join(dir, "gone")}, nil); err == nil {
		t.Error("a path that is not there passes")
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if _, _, err := Each(ended, []string{dir}, func([]byte) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestPriorities(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("#model_version:v1,score_date:2026-11-27T00:00:00+0000\ncve,epss,percentile\nCVE-1,0.5,0.9\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	dir := put(t, map[string]string{"good.csv.gz": packed.String(), "cut.csv.gz": packed.String()[:packed.Len()-12], "nan.csv": "CVE-1,NaN,0\n", "high.csv": "CVE-1,1.5,0\n", "words.csv": "CVE-1\n", "empty.csv": "cve,epss\n",
		"kev.json": `{"vulnerabilities":[{"cveID":"CVE-1"}]}`, "none.json": `{"vulnerabilities":[]}`, "bad.json": `[`})
	scores, date, err := EPSS(filepath.Join(dir, "good.csv.gz"))
	if err != nil || date != "2026-11-27" || scores["CVE-1"] != .5 {
		t.Errorf("%v, %s, %v", scores, date, err)
	}
	for _, name := range []string{"cut.csv.gz", "nan.csv", "high.csv", "words.csv", "empty.csv", "gone.csv"} {
		if scores, _, err := EPSS(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s: %v", name, scores)
		}
	}
	if kev, err := KEV(filepath.Join(dir, "kev.json")); err != nil || !kev["CVE-1"] {
		t.Errorf("%v, %v", kev, err)
	}
	for _, name := range []string{"none.json", "bad.json", "gone.json"} {
		if kev, err := KEV(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s: %v", name, kev)
		}
	}
}
