package upkeep

import (
	"fmt"
	"time"
)

// Weight is how much a remark weighs.
type Weight int

// The weights of remarks.
const (
	Light  Weight = iota + 1 // it is looked after little
	Medium                   // nobody looks after it, or it is too new to have been looked at
	Heavy                    // its makers took it back
)

// Kind tells remarks apart.
type Kind string

// The kinds of remark.
const (
	Withdrawn Kind = "withdrawn" // its makers took the release back, or the registry has none such
	Unkept    Kind = "unkept"    // deprecated, archived, or silent for long
	Fresh     Kind = "fresh"     // published too lately to have been looked at by others
)

// Remark is one thing that speaks against a version.
type Remark struct {
	Kind   Kind   `json:"kind"`
	Weight Weight `json:"weight"`
	Text   string `json:"text"`
}

// Policy is from when on something speaks against a version.
type Policy struct {
	Stale time.Duration // older words say nothing of today
	Young time.Duration // a release younger than this is too new
	Quiet time.Duration // no release within this is silence
}

// Defaults: most malicious releases are found within a week (as cool-down periods of
// package managers assume), and two years without a release leave known faults unmended.
var Defaults = Policy{Stale: 30 * 24 * time.Hour, Young: 7 * 24 * time.Hour, Quiet: 2 * 365 * 24 * time.Hour}

// Standing is what is known of one version of a package.
type Standing struct {
	// Unknown says why nothing is known; empty where something is.
	Unknown string `json:"unknown,omitempty"`
	// Published is when the version was, and Newest when the newest of the package was;
	// zero where nobody says.
	Published  time.Time `json:"published,omitzero"`
	Newest     time.Time `json:"newest,omitzero"`
	Repository string    `json:"repository,omitempty"`
	Score      *float64  `json:"score,omitempty"` // Scorecard's, from 0 to 10
	Remarks    []Remark  `json:"remarks,omitempty"`
	// Open says what of it is not known.
	Open []string `json:"open,omitempty"`
}

// Of is the standing of a version on a day.
func (b *Book) Of(ecosystem, name, version string, now time.Time, p Policy) Standing {
	if b == nil {
		return Standing{Unknown: "nobody brought what registries say"}
	}
	k := b.Packages[Key(ecosystem, name)]
	switch {
	case k == nil && SystemOf(ecosystem) == "":
		return Standing{Unknown: "of " + ecosystem + " nothing is read"}
	case k == nil:
		return Standing{Unknown: "nobody brought what its registry says"}
	case now.Sub(k.Taken) > p.Stale:
		return Standing{Unknown: fmt.Sprintf("what its registry says is of %s, more than %d days ago", k.Taken.Format(time.DateOnly), int(p.Stale.Hours()/24))}
	case version == "":
		return Standing{Unknown: "its version is not known"}
	}
	s := Standing{Repository: k.Repository}
	say := func(kind Kind, w Weight, format string, a ...any) {
		s.Remarks = append(s.Remarks, Remark{kind, w, fmt.Sprintf(format, a...)})
	}
	for _, r := range k.Versions {
		if r.Published.After(s.Newest) {
			s.Newest = r.Published
		}
	}
	r := k.Versions[version]
	switch {
	case r == nil && k.Listed:
		say(Withdrawn, Heavy, "its registry lists no version %s", version)
		return s
	case r == nil:
		return Standing{Unknown: "what is known of it does not name version " + version}
	case r.Withdrawn:
		say(Withdrawn, Heavy, "version %s was withdrawn%s", version, because(r.Why))
	case r.Deprecated:
		say(Unkept, Medium, "version %s is deprecated%s", version, because(r.Why))
	}
	s.Published = r.Published
	switch age := now.Sub(r.Published); {
	case r.Published.IsZero():
		s.Open = append(s.Open, "when it was published")
	case age < p.Young:
		say(Fresh, Medium, "version %s was published on %s, less than %d days ago", version, r.Published.Format(time.DateOnly), int(p.Young.Hours()/24))
	}
	switch {
	case !k.Listed:
		s.Open = append(s.Open, "when its newest version was published")
	case !s.Newest.IsZero() && now.Sub(s.Newest) > p.Quiet:
		say(Unkept, Light, "its newest version is of %s", s.Newest.Format(time.DateOnly))
	}
	if k.Inactive {
		say(Unkept, Medium, "its makers call it inactive")
	}
	b.repository(&s, k.Repository, now, p, say)
	return s
}

func (b *Book) repository(s *Standing, name string, now time.Time, p Policy, say func(Kind, Weight, string, ...any)) {
	r := b.Projects[name]
	switch {
	case name == "":
		s.Open = append(s.Open, "its repository")
	case r == nil || r.Score < 0 && r.Maintained < 0:
		s.Open = append(s.Open, "what Scorecard says of "+name)
	case r.Archived: // what is archived seldom comes back, however old the word is
		say(Unkept, Medium, "its repository %s is archived", name)
	case now.Sub(r.Taken) > p.Stale+90*24*time.Hour:
		s.Open = append(s.Open, fmt.Sprintf("what Scorecard says of %s today: its result is of %s", name, r.Taken.Format(time.DateOnly)))
	default:
		if r.Score >= 0 {
			score := r.Score
			if s.Score = &score; score < 3 {
				say(Unkept, Light, "Scorecard gives its repository %s %.1f of 10", name, score)
			}
		}
		if r.Maintained == 0 {
			say(Unkept, Light, "Scorecard sees nobody maintain its repository %s", name)
		}
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}
