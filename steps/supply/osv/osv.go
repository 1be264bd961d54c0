// Package osv tells which known vulnerabilities a component has, by records in the
// OSV format that somebody brought: nothing is asked of any server.
//
// Records are condensed into a Stock, in shards by name, so that a look-up reads
// only what it needs. Versions are compared as their ecosystem does. A component
// whose ecosystem has no records here, or whose version cannot be read, is undecided
// and never free of vulnerabilities.
package osv

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Severity is how bad a vulnerability is, in the words of CVSS's ratings.
type Severity string

// The severities. NotStated is where no record says any.
const (
	Critical  Severity = "critical"
	High      Severity = "high"
	Medium    Severity = "medium"
	Low       Severity = "low"
	NotStated Severity = "not stated"
)

// Advisory is what one record says of one package.
type Advisory struct {
	ID        string
	Aliases   []string
	Summary   string
	Severity  Severity
	Published time.Time
	Ranges    []Range
	Versions  []string // affected by name
}

// Range is one row of events of a record.
type Range struct {
	Semantic bool // of type SEMVER: compared so, whatever the ecosystem
	Events   []Event
}

// Event is where a vulnerability begins or ends.
type Event struct {
	Kind    byte // 'i' introduced, 'f' fixed, 'l' last affected, 'L' limit
	Version string
}

// rec is a record as the schema has it. Source: ossf.github.io/osv-schema 1.7.
type rec struct {
	ID        string     `json:"id"`
	Modified  time.Time  `json:"modified"`
	Published time.Time  `json:"published"`
	Withdrawn *time.Time `json:"withdrawn"`
	Aliases   []string   `json:"aliases"`
	Upstream  []string   `json:"upstream"`
	Summary   string     `json:"summary"`
	Details   string     `json:"details"`
	Severity  []scoreOf  `json:"severity"`
	Affected  []struct {
		Package struct {
			Ecosystem string `json:"ecosystem"`
			Name      string `json:"name"`
		} `json:"package"`
		Severity []scoreOf `json:"severity"`
		Ranges   []struct {
			Type   string              `json:"type"`
			Events []map[string]string `json:"events"`
		} `json:"ranges"`
		Versions []string       `json:"versions"`
		Specific map[string]any `json:"ecosystem_specific"`
	} `json:"affected"`
	Specific map[string]any `json:"database_specific"`
}

type scoreOf struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

// Builder gathers records.
type Builder struct {
	by        map[string]map[string][]Advisory // ecosystem without its release, package
	stocks    map[string]*Stock
	Withdrawn int
	// Undated records lack the time of their last change.
	Records, Undated int
}

// NewBuilder returns an empty one.
func NewBuilder() *Builder {
	return &Builder{by: map[string]map[string][]Advisory{}, stocks: map[string]*Stock{}}
}

// Add takes one record in JSON. The error says what of it does not fit.
func (b *Builder) Add(text []byte) error {
	var r rec
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	if r.ID == "" {
		return errors.New("a record without an id")
	}
	b.Records++
	if r.Modified.IsZero() {
		b.Undated++
	}
	if r.Withdrawn != nil {
		b.Withdrawn++
	}
	whole := severityOf(r.Severity, r.Specific)
	for i := range r.Affected {
		a := &r.Affected[i]
		eco, name := base(a.Package.Ecosystem), a.Package.Name
		if eco == "" || name == "" {
			continue // by commits of a repository alone
		}
		s := b.stocks[eco]
		if s == nil {
			s = &Stock{Ecosystem: eco}
			b.stocks[eco] = s
		}
		for _, at := range []time.Time{r.Modified, r.Published} { // some databases date no change
			if at.After(s.AsOf) {
				s.AsOf = at
			}
		}
		s.Records++
		if r.Withdrawn != nil {
			continue
		}
		one := Advisory{ID: r.ID, Aliases: append(slices.Clone(r.Aliases), r.Upstream...), Summary: summary(r.Summary, r.Details), Severity: whole, Published: r.Published, Versions: a.Versions}
		if own := severityOf(a.Severity, a.Specific); own != NotStated {
			one.Severity = own
		}
		for _, x := range a.Ranges {
			if x.Type == "GIT" {
				continue
			}
			out := Range{Semantic: x.Type == "SEMVER"}
			for _, e := range x.Events {
				for kind, v := range e {
					if k := eventKinds[kind]; k != 0 {
						out.Events = append(out.Events, Event{k, v})
					}
				}
			}
			one.Ranges = append(one.Ranges, out)
		}
		if b.by[eco] == nil {
			b.by[eco] = map[string][]Advisory{}
		}
		key := Normal(a.Package.Ecosystem, name)
		b.by[eco][key] = append(b.by[eco][key], one)
	}
	return nil
}

var eventKinds = map[string]byte{"introduced": 'i', "fixed": 'f', "last_affected": 'l', "limit": 'L'}

func summary(summary, details string) string {
	s := summary
	if s == "" {
		s, _, _ = strings.Cut(strings.TrimSpace(details), "\n")
	}
	if s = strings.Join(strings.Fields(s), " "); len(s) > 160 {
		s = strings.ToValidUTF8(s[:160], "") + "…"
	}
	return s
}

// Normal is the key of a package among those of its ecosystem: names as they are
// compared, with the release that a system's packages belong to.
func Normal(ecosystem, name string) string {
	b, release, _ := strings.Cut(ecosystem, ":")
	switch b {
	case "PyPI":
		name = strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(name))
	case "NuGet", "Packagist":
		name = strings.ToLower(name)
	case "Ubuntu":
		release, _, _ = strings.Cut(strings.TrimPrefix(release, "Pro:"), ":") // 22.04:LTS
	case "Red Hat":
		release = "" // of products, by CPE: every one that has the package
	}
	if release == "" {
		return name
	}
	return name + "\x00" + release
}

func severityOf(scores []scoreOf, specific map[string]any) Severity {
	worst := NotStated
	for _, s := range scores {
		if v, ok := cvss3(s.Score); ok {
			worst = worse(worst, rating(v))
		}
	}
	if worst != NotStated {
		return worst
	}
	if word, ok := specific["severity"].(string); ok {
		switch strings.ToLower(word) {
		case "critical":
			return Critical
		case "high", "important":
			return High
		case "moderate", "medium":
			return Medium
		case "low", "negligible", "unimportant":
			return Low
		}
	}
	return NotStated
}

var severityRank = map[Severity]int{NotStated: 0, Low: 1, Medium: 2, High: 3, Critical: 4}

func worse(a, b Severity) Severity {
	if severityRank[b] > severityRank[a] {
		return b
	}
	return a
}

func rating(score float64) Severity {
	switch {
	case score >= 9:
		return Critical
	case score >= 7:
		return High
	case score >= 4:
		return Medium
	}
	return Low
}

// cvss3 is the base score of a vector of CVSS 3.0 or 3.1. Source: first.org,
// CVSS v3.1 specification, section 7.1.
func cvss3(vector string) (float64, bool) {
	if !strings.HasPrefix(vector, "CVSS:3.") {
		return 0, false
	}
	m := map[string]string{}
	for _, p := range strings.Split(vector, "/") {
		k, v, _ := strings.Cut(p, ":")
		m[k] = v
	}
	changed := m["S"] == "C"
	weigh := func(metric string, values map[string]float64) float64 {
		v, ok := values[m[metric]]
		if !ok {
			return math.NaN()
		}
		return v
	}
	privileges := map[string]float64{"N": .85, "L": .62, "H": .27}
	if changed {
		privileges = map[string]float64{"N": .85, "L": .68, "H": .5}
	}
	cia := map[string]float64{"H": .56, "L": .22, "N": 0}
	iss := 1 - (1-weigh("C", cia))*(1-weigh("I", cia))*(1-weigh("A", cia))
	impact := 6.42 * iss
	if changed {
		impact = 7.52*(iss-.029) - 3.25*math.Pow(iss-.02, 15)
	}
	exploit := 8.22 * weigh("AV", map[string]float64{"N": .85, "A": .62, "L": .55, "P": .2}) * weigh("AC", map[string]float64{"L": .77, "H": .44}) * weigh("PR", privileges) * weigh("UI", map[string]float64{"N": .85, "R": .62})
	total := impact + exploit
	if math.IsNaN(total) {
		return 0, false
	}
	if impact <= 0 {
		return 0, true
	}
	if changed {
		total *= 1.08
	}
	return roundUp(min(total, 10)), true
}

func roundUp(v float64) float64 {
	n := int(math.Round(v * 100000))
	if n%10000 == 0 {
		return float64(n) / 100000
	}
	return float64(n/10000+1) / 10
}

// Stock describes the records of one ecosystem.
type Stock struct {
	Ecosystem string `json:"ecosystem"`
	Records   int    `json:"records"`
	// AsOf is the newest change or publication of any record: no record is younger.
	AsOf time.Time `json:"asOf"`
	// Said is the day up to which whoever brought the records says they go; it
	// counts if it is later than AsOf.
	Said time.Time `json:"said,omitzero"`
	// Shards are the digests of what is stored, by number.
	Shards map[int]string `json:"shards"`
}

// Age is how old the records are at a time; a century where they bear no date, or one
// that is yet to come: it would keep them fresh for ever.
func (s *Stock) Age(now time.Time) time.Duration {
	at := s.AsOf
	if s.Said.After(at) {
		at = s.Said
	}
	if at.IsZero() || at.After(now.Add(48*time.Hour)) { // clocks differ by hours
		return 100 * 365 * 24 * time.Hour
	}
	return now.Sub(at)
}

// Hit is one vulnerability of one component.
type Hit struct {
	ID       string    `json:"id"`
	Aliases  []string  `json:"aliases"`
	Summary  string    `json:"summary"`
	Severity Severity  `json:"severity"`
	Fixed    string    `json:"fixed,omitempty"` // the least version that mends it; "" if none is known
	Since    time.Time `json:"published,omitzero"`
}

// UndecidedError says why nobody can tell which vulnerabilities a component has.
type UndecidedError struct{ Why string }

// Error implements error.
func (u *UndecidedError) Error() string { return u.Why }

// Match decides which of a package's advisories hold for one version of it. The
// error is an *UndecidedError.
func Match(ecosystem, versionText string, list []Advisory) ([]Hit, error) {
	if len(list) == 0 {
		return nil, nil
	}
	parse := orders[base(ecosystem)]
	var v version
	var unread error = fmt.Errorf("how %s orders versions is not known", ecosystem)
	if parse != nil {
		v, unread = parse(versionText)
	}
	var hits []Hit
	var open []string
	for i := range list {
		a := &list[i]
		affected, fixed, err := a.holds(parse, v, versionText, unread)
		switch {
		case err != nil:
			open = append(open, a.ID+": "+err.Error())
		case affected:
			hits = append(hits, Hit{ID: a.ID, Aliases: a.Aliases, Summary: a.Summary, Severity: a.Severity, Fixed: fixed, Since: a.Published})
		}
	}
	hits = merged(hits)
	if len(open) > 0 {
		return hits, &UndecidedError{fmt.Sprintf("version %q could not be held against %d advisories: %s", clip(versionText), len(open), open[0])}
	}
	return hits, nil
}

// holds reports whether an advisory holds for a version. Source: the OSV schema's
// evaluation algorithm.
func (a *Advisory) holds(parse order, v version, text string, unread error) (affected bool, fixed string, err error) {
	if slices.Contains(a.Versions, text) || len(a.Ranges) == 0 && respelt(parse, v, a.Versions) {
		affected = true
	}
	for _, r := range a.Ranges {
		p, x, why := parse, v, unread
		if r.Semantic {
			p = semver
			x, why = semver(text)
		}
		if why != nil {
			if !affected {
				err = why
			}
			continue
		}
		in, end, rerr := r.contains(p, x)
		if rerr != nil && !affected {
			err = rerr
			continue
		}
		if in {
			affected, err = true, nil
			fixed = cmp.Or(end, fixed)
		} else if affected && fixed == "" {
			fixed = end
		}
	}
	if affected {
		return true, fixed, nil
	}
	if err == nil {
		err = a.within(parse, v, text)
	}
	return false, "", err
}

type placedEvent struct {
	Event
	v version
}

// contains decides one range: events in the order of their versions, each turning
// affected on or off. fixed is the first fix after the version.
func (r *Range) contains(parse order, v version) (in bool, fixed string, err error) {
	events := make([]placedEvent, 0, len(r.Events))
	for _, e := range r.Events {
		if e.Kind == 'L' && e.Version == "*" {
			continue
		}
		p := placedEvent{Event: e}
		if !e.begins() {
			if p.v, err = parse(e.Version); err != nil {
				return false, "", err
			}
		}
		events = append(events, p)
	}
	slices.SortStableFunc(events, func(a, b placedEvent) int {
		switch {
		case a.v == nil && b.v == nil:
			return 0
		case a.v == nil:
			return -1
		case b.v == nil:
			return 1
		}
		return a.v.compare(b.v)
	})
	for _, e := range events {
		order := 1 // v against the event
		if e.v != nil {
			order = v.compare(e.v)
		}
		switch e.Kind {
		case 'i':
			if order >= 0 {
				in = true
			}
		case 'f', 'L':
			if order >= 0 {
				in = false
			} else if fixed == "" && e.Kind == 'f' {
				fixed = e.Version
			}
		case 'l':
			if order > 0 {
				in = false
			}
		}
	}
	return in, fixed, nil
}

// merged makes one of hits that bear each other's names.
func merged(hits []Hit) []Hit {
	owner := map[string]int{} // of a name: the hit in out
	var out []Hit
	for _, h := range hits {
		names := append([]string{h.ID}, h.Aliases...)
		into := -1
		for _, n := range names {
			if i, ok := owner[n]; ok {
				into = i
				break
			}
		}
		if into < 0 {
			out = append(out, h)
			into = len(out) - 1
		} else {
			one := &out[into]
			one.Severity = worse(one.Severity, h.Severity)
			one.Aliases = append(one.Aliases, names...)
			one.Fixed, one.Summary = cmp.Or(one.Fixed, h.Fixed), cmp.Or(one.Summary, h.Summary)
			if one.Since.IsZero() || !h.Since.IsZero() && h.Since.Before(one.Since) {
				one.Since = h.Since
			}
		}
		for _, n := range names {
			owner[n] = into
		}
	}
	for i := range out {
		h := &out[i]
		slices.Sort(h.Aliases)
		h.Aliases = slices.DeleteFunc(slices.Compact(h.Aliases), func(a string) bool { return a == h.ID })
		if h.Aliases == nil {
			h.Aliases = []string{}
		}
	}
	slices.SortFunc(out, func(a, b Hit) int {
		return cmp.Or(-cmp.Compare(severityRank[a.Severity], severityRank[b.Severity]), strings.Compare(a.ID, b.ID))
	})
	return out
}

// Names are all names of a vulnerability.
func (h *Hit) Names() []string { return append([]string{h.ID}, h.Aliases...) }

// Ecosystems lists those that a builder has records of.
func (b *Builder) Ecosystems() []string { return slices.Sorted(maps.Keys(b.stocks)) }
