package supply

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/supply/osv"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

// Match is one known vulnerability of one component of one place.
type Match struct {
	osv.Hit
	Component string `json:"component"` // package URL
	Name      string `json:"name"`
	Version   string `json:"version"`
	// EPSS is the probability that it is exploited within 30 days, 0 to 1; -1 where
	// nobody says. KEV says that it is known to have been.
	EPSS float64 `json:"epss"`
	KEV  bool    `json:"kev"`
	// Where the component was seen.
	Where parts.Place `json:"where"`
	Dev   bool        `json:"dev,omitempty"`
}

// Records are vulnerability records, as the state keeps them.
type Records interface {
	// Stocks describe them, by ecosystem.
	Stocks() []*osv.Stock
	// Shard returns one shard of an ecosystem, nil if it holds nothing.
	Shard(ecosystem string, n int) ([]byte, error)
	// Priority says of a name (CVE-…) what EPSS and KEV say; epss is -1 where it is
	// not listed.
	Priority(name string) (epss float64, kev bool)
}

// matcher holds the tables of shards that were read.
type matcher struct {
	r      Records
	now    time.Time
	stale  time.Duration
	tables map[string]osv.Lookup
	lists  map[string][]osv.Advisory
}

// Watch decides the vulnerabilities of everything that was examined. The error is
// the state's.
func (k *Known) Watch(ctx context.Context, r Records, stale time.Duration) error {
	k.Watched = map[string]*Watched{}
	k.Stocks = r.Stocks()
	m := &matcher{r: r, now: k.Now, stale: stale, tables: map[string]osv.Lookup{}, lists: map[string][]osv.Advisory{}}
	for i := range k.Examined {
		e := &k.Examined[i]
		if e.Bill == nil {
			continue
		}
		w, err := m.place(ctx, k, e.Bill)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Place, err)
		}
		k.Watched[e.Place] = w
	}
	return nil
}

func (m *matcher) place(ctx context.Context, k *Known, b *Bill) (*Watched, error) {
	w := &Watched{}
	open := map[string]int{}
	for i := range b.Parts {
		p := &b.Parts[i]
		if p.Kind != parts.Package {
			continue
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		w.Of++
		hits, why, err := m.component(k, p)
		if err != nil {
			return nil, err
		}
		if why != "" {
			open[why]++
		} else {
			w.Decided++
		}
		for _, h := range hits {
			if excused(b.Vex, h, p) {
				w.Excused++
				continue
			}
			one := Match{Hit: h, Component: p.PURL(), Name: p.Name, Version: p.Version, EPSS: -1, Where: p.Places[0], Dev: p.Facts["dev"] != ""}
			for _, n := range h.Names() {
				epss, kev := m.r.Priority(n)
				one.EPSS, one.KEV = max(one.EPSS, epss), one.KEV || kev
			}
			w.Matches = append(w.Matches, one)
		}
	}
	for why, n := range open {
		w.Open = append(w.Open, fmt.Sprintf("%s: %s", count(n, "component"), why))
	}
	slices.Sort(w.Open)
	slices.SortFunc(w.Matches, urgency)
	return w, nil
}

// urgency orders matches: exploited ones first, then by severity, then by EPSS.
func urgency(a, b Match) int {
	return cmp.Or(boolRank(b.KEV)-boolRank(a.KEV), severityOf(b.Severity).Rank()-severityOf(a.Severity).Rank(), cmp.Compare(b.EPSS, a.EPSS), strings.Compare(a.ID, b.ID), strings.Compare(a.Component, b.Component))
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// component decides one component; why says what keeps it undecided.
func (m *matcher) component(k *Known, p *parts.Part) (hits []osv.Hit, why string, err error) {
	s := k.stock(p.Ecosystem)
	switch {
	case p.Ecosystem == "":
		return nil, "its ecosystem is not known", nil
	case s == nil:
		return nil, "no vulnerability records of " + p.Ecosystem + " in the state", nil
	}
	name, version := p.Name, p.Version
	if src := p.Facts["source"]; src != "" {
		name, version = src, cmp.Or(p.Facts["sourceVersion"], p.Version)
	}
	list, err := m.list(p.Ecosystem, name)
	if err != nil {
		return nil, "", err
	}
	if version == "" {
		if len(list) == 0 && s.Age(m.now) <= m.stale && partial(s) == "" {
			return nil, "", nil // no version of it is known to have any
		}
		return nil, "its version is open: pin it, or give the installed tree or image", nil
	}
	hits, err = osv.Match(p.Ecosystem, version, list)
	var open *osv.UndecidedError
	if errors.As(err, &open) {
		why, err = open.Why, nil
	}
	if why == "" {
		why = partial(s)
	}
	if age := s.Age(m.now); why == "" && age > m.stale {
		why = fmt.Sprintf("the records of %s are %d days old", s.Ecosystem, int(age.Hours()/24))
	}
	return hits, why, err
}

// floors are how many records the smaller databases of an ecosystem have at least: of
// PyPI and Go those that PyPA and the Go team keep, of the others OSV's own, all as of
// November 2026, less a third.
var floors = map[string]int{"PyPI": 2000, "Go": 2000, "npm": 3000, "Maven": 2500, "crates.io": 800, "RubyGems": 700, "Debian": 10_000, "Ubuntu": 3000, "Alpine": 1500}

// partial says why the records of an ecosystem may be a part of a database only; ""
// where they may be all of it, or somebody vouches that they are.
func partial(s *osv.Stock) string {
	if at := floors[s.Ecosystem]; s.Said.IsZero() && s.Records < at {
		return fmt.Sprintf("the state has %d records of %s, and all of a database are more than %d: import all of it, or vouch for it by --records-of", s.Records, s.Ecosystem, at)
	}
	return ""
}

func (m *matcher) list(ecosystem, name string) ([]osv.Advisory, error) {
	key := ecosystem + "\x00" + name
	if list, ok := m.lists[key]; ok {
		return list, nil
	}
	n := osv.Shard(ecosystem, name)
	at := fmt.Sprintf("%s/%d", base(ecosystem), n)
	table, ok := m.tables[at]
	if !ok {
		data, err := m.r.Shard(base(ecosystem), n)
		if err != nil {
			return nil, err
		}
		if table, err = osv.Open(data); err != nil {
			return nil, err
		}
		m.tables[at] = table
	}
	list, err := table.Find(ecosystem, name)
	m.lists[key] = list
	return list, err
}

func base(ecosystem string) string {
	b, _, _ := strings.Cut(ecosystem, ":")
	return b
}

// excused reports whether a statement of the bill says that a vulnerability does not
// concern a component, or is mended in it.
func excused(list []parts.Vex, h osv.Hit, p *parts.Part) bool {
	for _, v := range list {
		if v.Status != "not_affected" && v.Status != "fixed" || !slices.Contains(h.Names(), v.ID) {
			continue
		}
		eco, name, version, ok := parts.ParsePURL(v.Product)
		if v.Product == "" || ok && base(eco) == base(p.Ecosystem) && name == p.Name && (version == "" || version == p.Version) {
			return true
		}
	}
	return false
}

// severityOf is the severity of a vulnerability in the words of findings; one that
// no record states is info, and counts as undecided.
func severityOf(s osv.Severity) finding.Severity {
	switch s {
	case osv.Critical:
		return finding.Critical
	case osv.High:
		return finding.High
	case osv.Medium:
		return finding.Medium
	case osv.Low:
		return finding.Low
	}
	return finding.Info
}

func digestOf(names []string) string {
	slices.Sort(names)
	h := sha256.New()
	for _, n := range names {
		fmt.Fprintf(h, "%d:%s", len(n), n)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
