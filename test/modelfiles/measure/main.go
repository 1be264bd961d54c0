// Command measure scans a corpus of model files and says how many malicious ones
// are detected and how many benign ones are blocked.
//
//	go run ./test/modelfiles/measure [-v] CORPUS…
//	go run ./test/modelfiles/measure -files PATH…
//
// With -files it prints a verdict for each file instead, for measuring time.
//
// A corpus has the folders benign and malicious, and in each one folder a kind.
// A folder inside a kind is one sample: its verdict is the worst of its files.
// Unknown never counts as detected. The exit code is 1 if a figure of the design
// is missed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
)

// pickleBorne are kinds whose payload is a pickle; the figures differ for them.
var pickleBorne = []string{"pickle", "torch", "joblib", "npy", "dill", "nested", "archive", "picklescan", "nemo"}

type tally struct{ total, detected, unknown int }

func (t *tally) add(v modelfile.Verdict) {
	t.total++
	switch v {
	case modelfile.Malicious, modelfile.Suspicious:
		t.detected++
	case modelfile.Unknown:
		t.unknown++
	}
}

func (t tally) String() string {
	return fmt.Sprintf("%d of %d blocked (%.1f%%), %d unknown (%.1f%%)", t.detected, t.total, share(t.detected, t.total), t.unknown, share(t.unknown, t.total))
}

func share(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }

func main() {
	verbose := flag.Bool("v", false, "print every sample that is not as expected")
	files := flag.Bool("files", false, "print the verdict of each file")
	flag.Parse()
	if *files {
		for _, p := range flag.Args() {
			for _, r := range scan(p) {
				fmt.Println(r.Verdict, r.Format, r.Name)
			}
		}
		return
	}
	var benign, borne, other tally
	kinds := map[string]*tally{}
	for _, root := range flag.Args() {
		for _, side := range []string{"benign", "malicious"} {
			for _, sample := range samples(filepath.Join(root, side)) {
				reports := scan(sample)
				v := worst(reports)
				kind := strings.Split(strings.TrimPrefix(sample, filepath.Join(root, side)+"/"), "/")[0]
				key := side + " " + kind
				if kinds[key] == nil {
					kinds[key] = &tally{}
				}
				kinds[key].add(v)
				switch {
				case side == "benign":
					benign.add(v)
				case slices.Contains(pickleBorne, strings.Split(kind, "-")[0]):
					borne.add(v)
				default:
					other.add(v)
				}
				if bad := v == modelfile.Malicious || v == modelfile.Suspicious; *verbose && (side == "benign" && v != modelfile.Clean || side != "benign" && !bad) {
					explain(sample, v, reports)
				}
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Printf("%-40s %s\n", k, kinds[k])
	}
	fmt.Printf("\nmalicious, pickle-borne: %s\nmalicious, other:        %s\nbenign:                  %s\n", borne, other, benign)
	if share(borne.detected, borne.total) < 99 || share(other.detected, other.total) < 92 || share(benign.detected, benign.total) > 2 || share(benign.unknown, benign.total) > 1 {
		fmt.Println("a figure is missed: 99% and 92% detected, 2% of benign blocked, 1% unknown")
		os.Exit(1)
	}
}

// samples are the entries of the kinds' folders.
func samples(side string) []string {
	out, _ := filepath.Glob(filepath.Join(side, "*", "*"))
	return out
}

func scan(sample string) []modelfile.Report {
	var out []modelfile.Report
	_ = filepath.WalkDir(sample, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil {
			return err
		}
		name := filepath.Base(p)
		if sample != p {
			name, _ = filepath.Rel(sample, p)
		}
		out = append(out, modelfile.ScanBeside(context.Background(), name, f, st.Size(), beside(p), modelfile.Limits{}))
		return nil
	})
	return out
}

// folders keeps the names of each folder.
var folders = map[string][]string{}

func beside(p string) []string {
	dir := filepath.Dir(p)
	if names, ok := folders[dir]; ok {
		return names
	}
	entries, _ := os.ReadDir(dir)
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	folders[dir] = names
	return names
}

func worst(reports []modelfile.Report) modelfile.Verdict {
	order := []modelfile.Verdict{modelfile.Clean, modelfile.Unknown, modelfile.Suspicious, modelfile.Malicious}
	at := 0
	for _, r := range reports {
		at = max(at, slices.Index(order, r.Verdict))
	}
	return order[at]
}

func explain(sample string, v modelfile.Verdict, reports []modelfile.Report) {
	fmt.Printf("%s: %s\n", sample, v)
	for _, r := range reports {
		if r.Verdict == modelfile.Clean && v != modelfile.Clean {
			continue
		}
		fmt.Printf("    %s (%s)\n", r.Name, r.Format)
		for _, f := range r.Findings {
			fmt.Printf("        %s %s %s: %s\n", f.Severity, f.Rule, f.Member, f.Text)
		}
	}
}
