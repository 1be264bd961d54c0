// Command locks prints the packages that steps/supply/parts reads from each file below a
// folder, as one object of JSON by path: bench/locks.sh compares it with osv-scalibr.
package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

// read is what was found in one file.
type read struct {
	Packages []string `json:"packages"` // type|name|version
	Problems []string `json:"problems"`
	Wanted   bool     `json:"wanted"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: locks FOLDER")
		os.Exit(2)
	}
	out := map[string]read{}
	err := filepath.WalkDir(os.Args[1], func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(os.Args[1], path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if d.Name() == "go.sum" {
			return nil // read with its go.mod
		}
		a := parts.Read(name, data)
		if sum, err := os.ReadFile(filepath.Join(filepath.Dir(path), "go.sum")); err == nil {
			a.Add(parts.Read(filepath.Join(filepath.Dir(name), "go.sum"), sum))
		}
		a.Settle()
		r := read{Packages: []string{}, Problems: []string{}, Wanted: parts.Wanted(name)}
		for i := range a.Parts {
			if p := &a.Parts[i]; p.Kind == parts.Package {
				kind, _, _ := strings.Cut(strings.TrimPrefix(p.PURL(), "pkg:"), "/")
				r.Packages = append(r.Packages, kind+"|"+p.Name+"|"+p.Version)
			}
		}
		for _, p := range a.Problems {
			r.Problems = append(r.Problems, p.Why)
		}
		out[name] = r
		return nil
	})
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
