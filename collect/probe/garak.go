package probe

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxGarakLine bounds a line of a report: an attempt holds its prompts and answers.
const maxGarakLine = 64 << 20

// Garak is a run of garak against what is served, held against one with the same probes
// against the known-good model. Both are reports in JSON lines, as garak writes them
// (NAME.report.jsonl); nothing of a prompt or an answer is kept of them.
type Garak struct {
	Name string `yaml:"name"`
	// Report is of what is served, Good of the known-good model: paths, beside the file of
	// probes.
	Report string `yaml:"report"`
	Good   string `yaml:"good"`
	// Target is what garak was told to ask (its target or model name) in Report.
	Target string `yaml:"target"`
	// Within is how much smaller the share of passed answers may be for one detector of one
	// probe, from 0 to 1.
	Within float64 `yaml:"within"`
}

func (g *Garak) check() error {
	switch {
	case g.Name == "" || g.Report == "" || g.Good == "" || g.Target == "":
		return errors.New("name, report, good and target are said")
	case filepath.Clean(g.Report) == filepath.Clean(g.Good):
		return errors.New("report and good are the same file")
	case g.Within < 0 || g.Within >= 1 || math.IsNaN(g.Within):
		return errors.New("within is a number from 0 to below 1")
	}
	return nil
}

// garakPair is a detector's word on the answers to a probe.
type garakPair struct{ probe, detector string }

// judged are the answers that a detector passed, of those it could judge; nones it could not.
type judged struct{ passed, of, nones int64 }

// garakRun is what a report says of its run.
type garakRun struct {
	version, target string
	began           time.Time
	ended           bool
	pairs           map[garakPair]judged
}

// Judge compares the two runs. folder is where paths begin; the run against what is served
// has to have begun after since. What the comparison cannot rest on is in Result.Err: a run
// that did not come to its end, another target or version, probes that one of both lacks,
// answers that no detector judged.
func (g *Garak) Judge(folder string, since time.Time) Result {
	r := Result{Name: g.Name}
	r.Why, r.Err = g.compare(folder, since)
	r.OK = r.Err == nil && r.Why == ""
	return r
}

func (g *Garak) compare(folder string, since time.Time) (worse string, err error) {
	good, err := readGarak(folder, g.Good)
	if err != nil {
		return "", fmt.Errorf("the known-good model: %w", err)
	}
	now, err := readGarak(folder, g.Report)
	switch {
	case err != nil:
		return "", err
	case now.target != g.Target:
		return "", fmt.Errorf("%s asked %q, not %q", g.Report, now.target, g.Target)
	case now.version != good.version:
		return "", fmt.Errorf("garak %s asked what is served, garak %s the known-good model: their detectors may differ", now.version, good.version)
	case now.began.Before(since):
		return "", fmt.Errorf("%s began at %s, before recovery did (%s): what is served now was not asked", g.Report, now.began.Format(time.RFC3339), since.Format(time.RFC3339))
	}
	var less, open []string
	for _, p := range sortedPairs(good.pairs) {
		was, is := good.pairs[p], now.pairs[p]
		name := p.probe + " " + p.detector
		switch {
		case was.of == 0:
			open = append(open, name+" judged nothing of the known-good model")
		case is.of < was.of || is.nones > was.nones:
			open = append(open, fmt.Sprintf("%s judged %d answers (%d not), %d of the known-good model", name, is.of, is.nones, was.of))
		}
		if is.of > 0 && was.of > 0 {
			if a, b := share(is), share(was); a < b-g.Within {
				less = append(less, fmt.Sprintf("%s passes %.1f%%, the known-good model %.1f%%", name, 100*a, 100*b))
			}
		}
	}
	for _, p := range sortedPairs(now.pairs) {
		if _, ok := good.pairs[p]; !ok {
			open = append(open, p.probe+" "+p.detector+" was not asked of the known-good model")
		}
	}
	switch {
	case len(less) > 0:
		return some(less), nil
	case len(open) > 0:
		return "", errors.New(some(open))
	}
	return "", nil
}

func share(j judged) float64 { return float64(j.passed) / float64(j.of) }

// some are the first few of many.
func some(list []string) string {
	const few = 5
	if n := len(list); n > few {
		return strings.Join(list[:few], "; ") + fmt.Sprintf("; and %d more", n-few)
	}
	return strings.Join(list, "; ")
}

func sortedPairs(m map[garakPair]judged) []garakPair {
	out := make([]garakPair, 0, len(m))
	for p := range m {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b garakPair) int {
		return strings.Compare(a.probe+" "+a.detector, b.probe+" "+b.detector)
	})
	return out
}

// readGarak reads a report, whole: one that is cut off, or of which a line cannot be read,
// is an error.
func readGarak(folder, name string) (*garakRun, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	run := &garakRun{pairs: map[garakPair]judged{}}
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 64<<10), maxGarakLine)
	n := 0
	for n = 1; lines.Scan(); n++ {
		if text := bytes.TrimSpace(lines.Bytes()); len(text) > 0 {
			if err := run.take(text); err != nil {
				return nil, fmt.Errorf("%s: line %d: %w", name, n, err)
			}
		}
	}
	switch err := lines.Err(); {
	case err != nil:
		return nil, fmt.Errorf("%s: line %d: %w", name, n, err)
	case run.version == "" || run.began.IsZero():
		return nil, fmt.Errorf("%s is no report of garak: no init entry says its version and start\nhint: NAME.report.jsonl, which garak writes", name)
	case !run.ended:
		return nil, fmt.Errorf("%s: the run did not come to its end", name)
	case len(run.pairs) == 0:
		return nil, fmt.Errorf("%s: no detector judged anything", name)
	}
	return run, nil
}

// take takes an entry in: of those that garak's command.py and evaluators/base.py write.
func (r *garakRun) take(text []byte) error {
	var e struct {
		Type     string `json:"entry_type"`
		Version  string `json:"garak_version"`
		Start    string `json:"start_time"`
		Target   string `json:"plugins.target_name"`
		Model    string `json:"plugins.model_name"` // before 0.13
		Probe    string `json:"probe"`
		Detector string `json:"detector"`
		Passed   *int64 `json:"passed"`
		Nones    int64  `json:"nones"`
		Of       *int64 `json:"total_evaluated"`
		Total    *int64 `json:"total"` // before 0.13
	}
	if err := json.Unmarshal(text, &struct {
		Type *string `json:"entry_type"`
	}{&e.Type}); err != nil {
		return errors.New("this is no entry of a report")
	}
	switch e.Type {
	case "":
		return errors.New("this is no entry of a report")
	case "completion":
		r.ended = true
		return nil
	case "start_run setup", "init", "eval":
	default:
		return nil
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return fmt.Errorf("this %s entry is of no form that is known", e.Type)
	}
	switch e.Type {
	case "start_run setup":
		if r.target = e.Target; r.target == "" {
			r.target = e.Model
		}
	case "init":
		r.version = e.Version
		// garak writes the machine's time without a zone.
		at, err := time.ParseInLocation("2006-01-02T15:04:05.999999", e.Start, time.Local)
		if err != nil {
			if at, err = time.Parse(time.RFC3339Nano, e.Start); err != nil {
				return fmt.Errorf("start_time %q is no time", e.Start)
			}
		}
		r.began = at
	case "eval":
		of := e.Of
		if of == nil {
			of = e.Total
		}
		if e.Probe == "" || e.Detector == "" || e.Passed == nil || of == nil || *e.Passed < 0 || *of < *e.Passed || e.Nones < 0 || *of > math.MaxInt32 || e.Nones > math.MaxInt32 {
			return errors.New("this eval entry says no probe, detector, or numbers that fit")
		}
		p := garakPair{e.Probe, e.Detector}
		j := r.pairs[p]
		r.pairs[p] = judged{j.passed + *e.Passed, j.of + *of, j.nones + e.Nones}
	}
	return nil
}
