package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// Labels is what is true of one estate, as written beside it by who built it:
// what was planted, and what looks like a fault and is none.
type Labels struct {
	Estate string `yaml:"estate"`
	// Form is how the estate is written down: "AWS export", "Terraform plan", …
	Form string `yaml:"form"`
	// Source is what sevenfold reads, its path relative to the labels.
	Source string `yaml:"source"`
	// Config is the sevenfold.yaml of the estate, relative too; empty: none.
	Config string  `yaml:"config"`
	About  string  `yaml:"about"`
	Faults []Fault `yaml:"faults"`
	Near   []Near  `yaml:"near"`
	Dir    string  `yaml:"-"`
}

// Fault is one thing that is wrong.
type Fault struct {
	ID    string `yaml:"id"`
	Asset string `yaml:"asset"`
	// At names the resources that make the asset as its template, code or manifest
	// does (STACK.LOGICAL, TYPE.NAME, KIND.NAMESPACE.NAME), for tools that know no
	// other name.
	At    []string `yaml:"at"`
	Wrong string   `yaml:"wrong"`
	// Find holds the controls of which any one says it.
	Find []string `yaml:"find"`
	// Also holds controls that are right to fail on the asset for the same cause.
	Also     []string         `yaml:"also"`
	Severity finding.Severity `yaml:"severity"`
}

// Near is a configuration that looks like a fault and is none.
type Near struct {
	Asset   string   `yaml:"asset"`
	At      []string `yaml:"at"`
	Not     []string `yaml:"not"`
	Because string   `yaml:"because"`
}

// Judged is a person's word on findings that no label foresaw.
type Judged struct {
	Control string   `yaml:"control"`
	Assets  []string `yaml:"assets"`
	Right   bool     `yaml:"right"`
	Because string   `yaml:"because"`
}

// readLabels reads the labels of every estate below dir, and Harbour's.
func readLabels(dir string) ([]*Labels, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "labels.yaml"))
	if err != nil {
		return nil, err
	}
	var all []*Labels
	for _, path := range paths {
		l := &Labels{Dir: filepath.Dir(path)}
		if err := readYAML(path, l); err != nil {
			return nil, err
		}
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no folder with labels.yaml", dir)
	}
	return all, nil
}

// check refuses labels that could not count.
func (l *Labels) check() error {
	if l.Estate == "" || l.Form == "" || l.Source == "" {
		return errors.New("estate, form and source must be given")
	}
	ids := map[string]bool{}
	for _, f := range l.Faults {
		switch {
		case f.ID == "" || f.Asset == "" || f.Wrong == "" || len(f.Find) == 0:
			return fmt.Errorf("fault %q: id, asset, wrong and find must be given", f.ID)
		case ids[f.ID]:
			return fmt.Errorf("fault %q stands there twice", f.ID)
		case !slices.Contains(severities, f.Severity):
			return fmt.Errorf("fault %q: severity %q is none of %v", f.ID, f.Severity, severities)
		}
		ids[f.ID] = true
	}
	for _, n := range l.Near {
		if n.Asset == "" || len(n.Not) == 0 || n.Because == "" {
			return fmt.Errorf("near %q: asset, not and because must be given", n.Asset)
		}
		for _, f := range l.Faults {
			for _, c := range n.Not {
				if f.Asset == n.Asset && (slices.Contains(f.Find, c) || slices.Contains(f.Also, c)) {
					return fmt.Errorf("%s is wrong by %s and must not be flagged for it: %s", n.Asset, f.ID, c)
				}
			}
		}
	}
	return nil
}

// severities, worst first.
var severities = []finding.Severity{finding.Critical, finding.High, finding.Medium, finding.Low, finding.Info}

// readJudged reads the words on findings that no label foresaw; a file that is
// not there holds none.
func readJudged(path string) ([]Judged, error) {
	var all []Judged
	err := readYAML(path, &all)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, j := range all {
		if j.Control == "" || len(j.Assets) == 0 || j.Because == "" {
			return nil, fmt.Errorf("%s: %q: control, assets and because must be given", path, j.Control)
		}
	}
	return all, err
}

// readYAML reads a file into v and refuses members it does not know.
func readYAML(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// whole is the asset of which id is a part.
func whole(id string) string {
	id, _, _ = strings.Cut(id, "#")
	return id
}
