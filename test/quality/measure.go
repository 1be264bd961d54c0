package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// now is the day on which every estate is looked at: ages must not change.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Seen is one control's word on one asset.
type Seen struct {
	Control, Asset string
	Status         finding.Outcome
	Severity       finding.Severity
}

// Measured is an estate with what was said of it.
type Measured struct {
	*Labels
	// Found holds the ids of the faults that were told, Unsure those of which it
	// was said that nobody could tell.
	Found, Unsure map[string]bool
	// Flagged holds the near misses that were called faults, as "asset control".
	Flagged []string
	// True, False and Open are failing findings: right, wrong, not judged yet.
	True, False, Open []Seen
	// Strange are labels that name what the estate has not.
	Strange []string
	// types holds the type of each asset, severity that of each control.
	types, severity map[string]string
	judged          []Judged
}

// assessed reads one source and returns every failing or unknown finding, and
// the type of each asset that was read.
func assessed(source, config string, set *control.Set) ([]Seen, map[string]string, error) {
	s := scope.Default()
	if config != "" {
		var err error
		if s, err = scope.Load(config); err != nil {
			return nil, nil, err
		}
	}
	r, err := assess.Run(context.Background(), assess.Options{Scope: s, Controls: set, Sources: []string{source}, Now: now, MaskKey: []byte("quality")})
	if err != nil {
		return nil, nil, err
	}
	types := map[string]string{}
	for _, a := range r.Snapshot.Assets() {
		if !a.Referenced {
			types[a.ID] = a.Type
		}
	}
	var all []Seen
	for _, f := range r.Findings {
		all = append(all, Seen{f.Control, f.Asset, f.Status, f.Severity})
	}
	return all, types, nil
}

// measure assesses one estate and sets what was found beside its labels.
func measure(l *Labels, judged []Judged, set *control.Set) (*Measured, error) {
	kind, path, _ := strings.Cut(l.Source, ":")
	config := l.Config
	if config != "" {
		config = filepath.Join(l.Dir, config)
	}
	seen, types, err := assessed(kind+":"+filepath.Join(l.Dir, path), config, set)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Estate, err)
	}
	m := match(l, judged, seen)
	m.types, m.severity, m.judged = types, map[string]string{}, judged
	for _, c := range set.Controls() {
		m.severity[c.ID] = string(c.Severity)
	}
	for _, f := range l.Faults {
		if types[f.Asset] == "" {
			m.Strange = append(m.Strange, fmt.Sprintf("%s: no such asset: %s", f.ID, f.Asset))
		}
		for _, c := range slices.Concat(f.Find, f.Also) {
			if set.Find(c) == nil {
				m.Strange = append(m.Strange, fmt.Sprintf("%s: no such control: %s", f.ID, c))
			}
		}
	}
	for _, n := range l.Near {
		if types[n.Asset] == "" {
			m.Strange = append(m.Strange, "near: no such asset: "+n.Asset)
		}
		for _, c := range n.Not {
			if set.Find(c) == nil {
				m.Strange = append(m.Strange, "near: no such control: "+c)
			}
		}
	}
	return m, nil
}

// match decides what was found, missed and falsely told. A finding on a part of
// an asset counts for the asset too. What no label foresaw is judged by name; until
// somebody did it is open, and counts against us.
func match(l *Labels, judged []Judged, seen []Seen) *Measured {
	m := &Measured{Labels: l, Found: map[string]bool{}, Unsure: map[string]bool{}}
	told := map[[2]string]finding.Outcome{}
	for _, s := range seen {
		for _, asset := range []string{whole(s.Asset), s.Asset} {
			if key := [2]string{asset, s.Control}; told[key] != finding.Fail {
				told[key] = s.Status
			}
		}
	}
	right, wrong := map[[2]string]bool{}, map[[2]string]bool{}
	for _, f := range l.Faults {
		for _, c := range f.Find {
			switch told[[2]string{f.Asset, c}] {
			case finding.Fail:
				m.Found[f.ID] = true
			case finding.Unknown:
				m.Unsure[f.ID] = true
			}
		}
		if m.Found[f.ID] {
			delete(m.Unsure, f.ID)
		}
		for _, c := range slices.Concat(f.Find, f.Also) {
			right[[2]string{f.Asset, c}] = true
		}
	}
	for _, n := range l.Near {
		for _, c := range n.Not {
			if key := [2]string{n.Asset, c}; told[key] == finding.Fail {
				m.Flagged = append(m.Flagged, n.Asset+" "+c)
				wrong[key] = true
			}
		}
	}
	for _, j := range judged {
		for _, a := range j.Assets {
			if key := [2]string{a, j.Control}; j.Right {
				right[key] = true
			} else {
				wrong[key] = true
			}
		}
	}
	counted := map[[2]string]bool{}
	for _, s := range seen {
		key, all := [2]string{s.Asset, s.Control}, [2]string{whole(s.Asset), s.Control}
		if s.Status != finding.Fail || counted[key] {
			continue
		}
		counted[key] = true
		switch {
		case wrong[key] || wrong[all]:
			m.False = append(m.False, s)
		case right[key] || right[all]:
			m.True = append(m.True, s)
		default:
			m.Open = append(m.Open, s)
		}
	}
	slices.Sort(m.Flagged)
	return m
}

// pairs is the number of pairs of asset and control that must not be flagged.
func (l *Labels) pairs() int {
	n := 0
	for _, near := range l.Near {
		n += len(near.Not)
	}
	return n
}
