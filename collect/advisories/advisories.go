// Package advisories reads vulnerability records as people bring them: OSV's all.zip
// of an ecosystem, a folder or a copy of a database's repository, single records in
// JSON or YAML; and the lists that say which are exploited (EPSS, KEV).
package advisories

import (
	"archive/zip"
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// Bounds of what is read.
const (
	maxRecord  = 16 << 20
	maxRecords = 5_000_000
	maxProblem = 20
)

// Each calls fn for every record below paths, in JSON. problems name those that could
// not be read, at most 20, and n is how many there were. The error is a path that is not there, or the context's.
func Each(ctx context.Context, paths []string, fn func(record []byte) error) (n int, problems []string, err error) {
	r := &reader{ctx: ctx, fn: fn}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return r.n, r.problems, err
		}
		switch {
		case info.IsDir():
			err = r.folder(p)
		case !info.Mode().IsRegular(): // a pipe nobody writes to would be waited for
			err = fmt.Errorf("%s is no file and no folder", p)
		case strings.HasSuffix(strings.ToLower(p), ".zip"):
			err = r.zip(p)
		default:
			err = r.file(p)
		}
		if err != nil {
			return r.n, r.problems, err
		}
	}
	return r.n, r.problems, nil
}

type reader struct {
	ctx      context.Context
	fn       func([]byte) error
	n, bad   int
	problems []string
}

func (r *reader) problem(name string, err error) {
	if r.bad++; len(r.problems) < maxProblem {
		r.problems = append(r.problems, fmt.Sprintf("%s: %v", name, err))
	} else if len(r.problems) == maxProblem {
		r.problems = append(r.problems, "and more")
	}
}

func (r *reader) one(name string, in io.Reader) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if r.n++; r.n > maxRecords {
		return fmt.Errorf("%s: more than %d records", name, maxRecords)
	}
	text, err := io.ReadAll(io.LimitReader(in, maxRecord+1))
	switch {
	case err != nil:
	case len(text) > maxRecord:
		err = fmt.Errorf("longer than %d MiB", maxRecord>>20)
	case strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"):
		text, err = yaml.YAMLToJSON(text)
	}
	if err == nil {
		err = r.fn(text)
	}
	if err != nil {
		r.problem(name, err)
	}
	return nil
}

func (r *reader) file(p string) error {
	f, err := os.Open(p)
	if err != nil {
		return err
	}
	defer f.Close()
	return r.one(p, f)
}

func (r *reader) folder(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			r.problem(p, err)
			return nil
		case d.IsDir():
			if d.Name() == ".git" {
				return fs.SkipDir
			}
			return nil
		}
		ext := strings.ToLower(filepath.Ext(p))
		switch record := ext == ".json" || (ext == ".yaml" || ext == ".yml") && recordName(d.Name()); {
		case !record && ext != ".zip":
			return nil
		case !d.Type().IsRegular():
			r.problem(p, errors.New("it is a link, a pipe or a device, and only files are read"))
			return nil
		case record:
			return r.file(p)
		}
		return r.zip(p)
	})
}

// recordName reports whether a YAML file is named as records are: a database's
// repository holds others, too.
func recordName(name string) bool {
	prefix, _, ok := strings.Cut(name, "-")
	return ok && prefix == strings.ToUpper(prefix) && len(prefix) >= 2 && strings.Trim(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (r *reader) zip(p string) error {
	z, err := zip.OpenReader(p)
	if err != nil {
		r.problem(p, fmt.Errorf("it cannot be read as a zip: %w", err))
		return nil
	}
	defer z.Close()
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		in, err := f.Open()
		if err != nil {
			r.problem(p+"!"+f.Name, err)
			continue
		}
		err = r.one(p+"!"+f.Name, in)
		_ = in.Close() // it was read to its end or given up
		if err != nil {
			return err
		}
	}
	return nil
}

// maxUnpacked bounds what a packed list of scores unpacks to, maxList a list of CISA's.
const (
	maxUnpacked = 1 << 30
	maxList     = 256 << 20
)

// open opens a file, and nothing that would be waited for. A shell's <(…) is below /dev.
func open(p string) (*os.File, error) {
	info, err := os.Stat(p)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() && !strings.HasPrefix(p, "/dev/") && !strings.HasPrefix(p, "/proc/"):
		return nil, fmt.Errorf("%s is no file", p)
	}
	return os.Open(p)
}

// EPSS reads the scores that first.org publishes as CSV, packed or not, and the day
// they are of.
func EPSS(p string) (scores map[string]float64, date string, err error) {
	f, err := open(p)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	limited := &io.LimitedReader{R: f, N: maxUnpacked}
	if strings.HasSuffix(p, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", p, err)
		}
		limited.R = z
	}
	scores = map[string]float64{}
	s := bufio.NewScanner(limited)
	for n := 1; s.Scan(); n++ {
		line := s.Text()
		if rest, ok := strings.CutPrefix(line, "#"); ok {
			if _, d, ok := strings.Cut(rest, "score_date:"); ok {
				date, _, _ = strings.Cut(d, "T")
			}
			continue
		}
		cells := strings.Split(line, ",")
		if cells[0] == "cve" {
			continue
		}
		if len(cells) < 2 {
			return nil, "", fmt.Errorf("%s: line %d is no score", p, n)
		}
		v, err := strconv.ParseFloat(cells[1], 64)
		if err != nil || !(v >= 0 && v <= 1) { // nor one that is no number
			return nil, "", fmt.Errorf("%s: line %d: %q is no probability", p, n, cells[1])
		}
		scores[cells[0]] = v
	}
	if err := s.Err(); err != nil {
		return nil, "", fmt.Errorf("%s: %w", p, err)
	}
	if limited.N <= 0 {
		return nil, "", fmt.Errorf("%s: more than %d MiB", p, maxUnpacked>>20)
	}
	if len(scores) == 0 {
		return nil, "", fmt.Errorf("%s: no score in it", p)
	}
	return scores, date, nil
}

// KEV reads CISA's list of known exploited vulnerabilities in JSON.
func KEV(p string) (map[string]bool, error) {
	f, err := open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxList+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxList {
		return nil, fmt.Errorf("%s: longer than %d MiB", p, maxList>>20)
	}
	var list struct {
		Vulnerabilities []struct {
			ID string `json:"cveID"`
		} `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	if len(list.Vulnerabilities) == 0 {
		return nil, errors.New(p + ": no vulnerability in it")
	}
	out := map[string]bool{}
	for _, v := range list.Vulnerabilities {
		out[v.ID] = true
	}
	return out, nil
}
