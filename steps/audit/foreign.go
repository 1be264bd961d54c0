package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// What other tools say (see collect/findings) joins what the controls say here.
//
// The same fault on the same asset is one finding, whoever saw it: with the id
// of our control where one asks the same, so that a waiver holds whether or not
// the tool ran. Our own answer comes first. Where a tool contradicts it:
//
//   - they fail, we pass: it is a finding all the same, says so, and holds a
//     workload back like any other. A tool may see what we do not; who knows
//     better than the tool waives it by name. One older than StaleAfter is
//     unknown instead: our reading is the newer one.
//   - they pass, we fail: ours stands, and says what they say.
//   - they pass, we do not know: it stays unknown. Their pass is their word.
//
// What a tool could not decide, leaves to a person or mutes is unknown unless
// we know: a mute list there is no waiver here.

// StaleAfter is the age from which another tool's result is called old.
const StaleAfter = 30 * 24 * time.Hour

// topic is one check of another tool: what all of its results share.
type topic struct {
	tool  *foreignTool
	scan  *estate.Scan
	check string
	about estate.ForeignCheck
	rule  foreignRule
	// id is that of its findings where no control of ours asks the same.
	id string
}

// saying is one result of another tool, placed.
type saying struct {
	*topic
	version string
	result  estate.ForeignResult
}

// cluster of sayings about one fault of one thing.
type fault struct {
	id      string // of the control, ours or foreign
	key     string // of the evidence
	at      spot
	control *control.Control // ours; nil: none asks the same
	says    []saying
}

// heard is what other tools say, after it was joined with ours.
type heard struct {
	// sayings counts all results on an asset, by node; tools names who speaks.
	sayings map[estate.Node]int
	tools   map[string]bool
	// loose are findings on what no source read, with whom they may concern.
	loose []loose
	// vulnerable are the known vulnerabilities by asset.
	vulnerable map[estate.Node][]int // in judged.findings
}

type loose struct {
	at      spot
	finding int // in judged.findings
	counts  bool
}

// hear reads what other tools say of the estate and joins it with the controls'
// answers.
func (s *Step) hear(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads, j *judged) (*heard, error) {
	h := &heard{sayings: map[estate.Node]int{}, tools: map[string]bool{}, vulnerable: map[estate.Node][]int{}}
	known, err := knownTools()
	if err != nil {
		return nil, err
	}
	m := &merger{step: s, snap: snap, workloads: workloads, judged: j, heard: h, known: known}
	faults, err := s.listen(ctx, m)
	if err != nil || len(faults) == 0 {
		return h, err
	}
	for _, f := range faults {
		if err := m.merge(f); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// listen gathers the results by fault and asset, in the order of their ids.
func (s *Step) listen(ctx context.Context, m *merger) ([]*fault, error) {
	snap, h := m.snap, m.heard
	scans := map[string]*estate.Scan{} // by source and tool
	spoken := false
	for n, a := range snap.Assets() {
		spoken = spoken || a.Type == estate.ForeignType
		if a.Type != estate.ScanType {
			continue
		}
		config, err := snap.Config(n)
		if err != nil {
			return nil, err
		}
		scan := &estate.Scan{}
		if err := json.Unmarshal(config, scan); err != nil {
			return nil, fmt.Errorf("record %s: %w", a.ID, err)
		}
		scans[a.ID] = scan
		h.tools[strings.TrimSpace(scan.Name+" "+strings.Join(scan.Versions, ", "))] = true
	}
	if !spoken {
		return nil, nil
	}
	m.own = make(map[string]int, len(m.judged.findings))
	for i := range m.judged.findings {
		m.own[m.judged.findings[i].ID] = i
	}
	places := newAtlas(snap, s.controls)
	faults := map[string]*fault{}
	said := func(_ estate.Node, a *estate.Asset) bool { return a.Type == estate.ForeignType }
	err := snap.EachOf(ctx, said, func(_ estate.Node, a *estate.Asset, config json.RawMessage) error {
		var f estate.Foreign
		if err := json.Unmarshal(config, &f); err != nil {
			return fmt.Errorf("record %s: %w", a.ID, err)
		}
		scan := scans[f.Scan]
		if scan == nil {
			scan = &estate.Scan{Tool: f.Tool, Name: f.Tool}
			scans[f.Scan] = scan
		}
		m.take(places, scan, &f, faults)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []*fault
	for _, id := range slices.Sorted(maps.Keys(faults)) {
		out = append(out, faults[id])
	}
	return out, nil
}

// take places one tool's results on one resource.
func (m *merger) take(places *atlas, scan *estate.Scan, f *estate.Foreign, faults map[string]*fault) {
	for _, r := range f.Results {
		t := m.topic(scan, f.Tool, r.Check)
		rule, id := t.rule, t.id
		c, at := m.choose(places, &f.Resource, rule)
		if c != nil {
			id = c.ID
		}
		if at.tied {
			m.heard.sayings[at.node]++
		}
		if r.Status == estate.ForeignPass && c == nil && rule.fault == "" {
			continue // nobody else says anything of it
		}
		key := ""
		if c == nil || !at.tied {
			key = r.Place
		}
		name := id + "\x00" + at.id + "\x00" + key
		one := faults[name]
		if one == nil {
			one = &fault{id: id, key: key, at: at, control: c}
			faults[name] = one
		}
		one.says = append(one.says, saying{topic: t, version: r.Version, result: r})
	}
}

// topicKey names a check of a scan.
type topicKey struct {
	scan        *estate.Scan
	tool, check string
}

// topic is a check as one scan has it, made once.
func (m *merger) topic(scan *estate.Scan, tool, check string) *topic {
	key := topicKey{scan, tool, check}
	t := m.topics[key]
	if t == nil {
		t = &topic{tool: m.known.tool(tool), scan: scan, check: check, about: scan.Checks[check]}
		t.rule, t.id = m.known.rule(tool, check, t.about.Kind)
		if m.topics == nil {
			m.topics = map[topicKey]*topic{}
		}
		m.topics[key] = t
	}
	return t
}

// choose finds the asset, and of the controls that ask what a check asks the one
// that found a fault there; if none did, the first. A company's own set may lack
// them all.
func (m *merger) choose(places *atlas, r *estate.ForeignResource, rule foreignRule) (*control.Control, spot) {
	var c *control.Control
	var at spot
	for _, id := range rule.controls {
		one := m.step.controls.Find(id)
		if one == nil {
			continue
		}
		here := places.find(r, one)
		if _, found := m.own[finding.NewID(id, here.id, "")]; here.tied && found {
			return one, here
		}
		if c == nil {
			c, at = one, here
		}
	}
	if c == nil {
		at = places.find(r, nil)
	}
	return c, at
}

// who names the tool as it names itself, with its version.
func (x *saying) who() string { return strings.TrimSpace(x.scan.Name + " " + x.version) }

// evidence is what one tool says, as a line of a finding.
func (x *saying) evidence(now time.Time) finding.Evidence {
	word := map[estate.ForeignStatus]string{estate.ForeignFail: "fails", estate.ForeignPass: "passes", estate.ForeignMuted: "is muted there", estate.ForeignUnknown: "is not decided"}[x.result.Status]
	e := finding.Evidence{What: fmt.Sprintf("%s: %s %s", x.who(), x.check, word), Where: cmp.Or(x.result.Place, x.result.File), Value: x.result.Message}
	var notes []string
	if s, stated := x.tool.severity(x.result.Severity); stated {
		notes = append(notes, "severity "+string(s))
	}
	if age := x.age(now); age != "" {
		notes = append(notes, age)
	}
	if x.rule.told != "" {
		notes = append(notes, "counts for no workload: "+x.rule.told)
	}
	if len(notes) > 0 {
		e.Value = strings.TrimSpace(e.Value + " (" + strings.Join(notes, "; ") + ")")
	}
	return e
}

// age says how old a result is, where that matters.
func (x *saying) age(now time.Time) string {
	t := x.result.Time
	switch {
	case t.IsZero():
		return "not dated"
	case now.Sub(t) > StaleAfter:
		return fmt.Sprintf("%d days old", int(now.Sub(t).Hours()/24))
	case t.Sub(now) > 24*time.Hour:
		return "dated in the future: " + t.Format(time.DateOnly)
	}
	return t.Format(time.DateOnly)
}

// stale reports whether a result is old; one without a date is not known to be.
func (x *saying) stale(now time.Time) bool {
	return !x.result.Time.IsZero() && now.Sub(x.result.Time) > StaleAfter
}
