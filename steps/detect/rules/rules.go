// Package rules holds sevenfold's own Sigma rules for AI services and the accounts they run in, one a file,
// and proves them: each carries under "cases" the events it must fire on and
// the near misses it must not.
//
//	cases:
//	    fire:
//	        - {eventSource: 'bedrock.amazonaws.com', eventName: 'DeleteGuardrail'}
//	    near:
//	        - because: a new version is no removal
//	          event: {eventSource: 'bedrock.amazonaws.com', eventName: 'CreateGuardrailVersion'}
//
// A case of a correlation is a list of steps, each an event that comes "repeat"
// times, "every" so long after the one before, with "vary" naming the fields
// that differ each time. What a record of the source always has and a case
// leaves out (times, ids, who) is put in.
package rules

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
)

//go:embed agentcore aws azure bedrock gateway kubernetes sagemaker stores vertex
var files embed.FS

// FS are the rules' files.
func FS() fs.FS { return files }

// Load reads the rules shipped. They are held by a test, so a problem is a
// fault of the build.
func Load() ([]*sigma.Rule, error) {
	rules, problems := sigma.LoadFS(files)
	if len(problems) > 0 {
		return nil, fmt.Errorf("rules: %s", problems[0])
	}
	return rules, nil
}

// Status is what the cases of a rule say of it.
type Status string

// A rule with cases passes or fails; one without is unproven, which is no pass.
const (
	Pass     Status = "pass"
	Fail     Status = "fail"
	Unproven Status = "unproven"
)

// Proof is what one rule's cases showed.
type Proof struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	File       string   `json:"file"`
	Line       int      `json:"line"`
	Level      string   `json:"level"`
	LogSource  string   `json:"logsource,omitempty"`
	Techniques []string `json:"techniques"`
	Fire       int      `json:"fire"` // cases that must fire
	Near       int      `json:"near"` // near misses
	Status     Status   `json:"status"`
	Problems   []string `json:"problems"`
}

// Report is the outcome of proving a folder.
type Report struct {
	Rules []Proof `json:"rules"`
	// NotLoaded are files and rules that are not in use, and why.
	NotLoaded []NotLoaded `json:"notLoaded"`
	Counts    struct {
		Rules     int `json:"rules"`
		Pass      int `json:"pass"`
		Fail      int `json:"fail"`
		Unproven  int `json:"unproven"`
		NotLoaded int `json:"notLoaded"`
	} `json:"counts"`
}

// NotLoaded is a rule that is not in use.
type NotLoaded struct {
	File  string `json:"file"`
	Line  int    `json:"line,omitempty"`
	Title string `json:"title,omitempty"`
	Why   string `json:"why"`
}

// Prove loads the rules of a folder and runs the cases of each.
func Prove(fsys fs.FS, lines ...*sigma.Pipeline) Report {
	all, problems := sigma.LoadFS(fsys)
	set, more := sigma.Compile(all, lines...)
	problems = append(problems, more...)
	r := Report{Rules: []Proof{}, NotLoaded: []NotLoaded{}}
	for _, p := range problems {
		r.NotLoaded = append(r.NotLoaded, NotLoaded(p))
	}
	byKey := map[string]*sigma.Rule{}
	helper := map[*sigma.Rule]bool{}
	for _, x := range set.Rules() {
		for _, k := range []string{x.ID, x.Name} {
			if k != "" {
				byKey[k] = x
			}
		}
	}
	for _, x := range set.Rules() {
		if c := x.Correlates(); c != nil {
			for _, name := range c.Rules {
				if other := byKey[name]; other != nil && other.File == x.File && len(other.Extra) == 0 {
					helper[other] = true // proven with the correlation it is written for
				}
			}
		}
	}
	for _, x := range set.Rules() {
		if !helper[x] {
			r.add(prove(set, x, byKey))
		}
	}
	slices.SortFunc(r.Rules, func(a, b Proof) int {
		return strings.Compare(fmt.Sprintf("%s:%06d", a.File, a.Line), fmt.Sprintf("%s:%06d", b.File, b.Line))
	})
	r.Counts.NotLoaded = len(r.NotLoaded)
	return r
}

func (r *Report) add(p Proof) {
	r.Rules = append(r.Rules, p)
	r.Counts.Rules++
	switch p.Status {
	case Pass:
		r.Counts.Pass++
	case Fail:
		r.Counts.Fail++
	default:
		r.Counts.Unproven++
	}
}

func prove(set *sigma.Set, x *sigma.Rule, byKey map[string]*sigma.Rule) Proof {
	p := Proof{ID: x.Key(), Title: x.Title, File: x.File, Line: x.Line, Level: x.Level.String(), LogSource: x.LogSource.String(), Techniques: x.Techniques(), Status: Unproven, Problems: []string{}}
	if p.Techniques == nil {
		p.Techniques = []string{}
	}
	n := x.Extra["cases"]
	if n == nil {
		return p
	}
	var c cases
	if err := n.Decode(&c); err != nil {
		p.Status, p.Problems = Fail, append(p.Problems, fmt.Sprintf("line %d: cases: %v", n.Line, err))
		return p
	}
	p.Fire, p.Near = len(c.Fire), len(c.Near)
	source := x
	for source.Correlates() != nil && byKey[source.Correlates().Rules[0]] != nil && byKey[source.Correlates().Rules[0]] != source {
		source = byKey[source.Correlates().Rules[0]]
	}
	for i, steps := range c.Fire {
		hit, err := play(set, x, source.LogSource, steps)
		switch {
		case err != nil:
			p.Problems = append(p.Problems, fmt.Sprintf("fire %d: %v", i+1, err))
		case !hit:
			p.Problems = append(p.Problems, fmt.Sprintf("fire %d: it did not fire", i+1))
		}
	}
	for i, near := range c.Near {
		steps := near.Events
		if near.Event != nil {
			steps = sequence{{Event: near.Event}}
		}
		hit, err := play(set, x, source.LogSource, steps)
		switch {
		case err != nil:
			p.Problems = append(p.Problems, fmt.Sprintf("near %d (%s): %v", i+1, near.Because, err))
		case hit:
			p.Problems = append(p.Problems, fmt.Sprintf("near %d (%s): it fired", i+1, near.Because))
		case near.Because == "":
			p.Problems = append(p.Problems, fmt.Sprintf("near %d: because is missing", i+1))
		}
	}
	switch {
	case len(p.Problems) > 0:
		p.Status = Fail
	case p.Fire > 0 && p.Near > 0:
		p.Status = Pass
	}
	return p
}

// errNoEvent is a case whose event no reader takes.
var errNoEvent = errors.New("its event cannot be read")
