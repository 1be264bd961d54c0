package osv

import "fmt"

// moving is a version that may stand for what is elsewhere in its order: a branch has a
// place behind all that is released from it, and what was locked of it may be older.
type moving interface {
	// spans reports whether the version is one, and what comes before all of it.
	spans() (from version, ok bool)
}

// begins reports whether an event is the beginning of all versions.
func (e *Event) begins() bool { return e.Kind == 'i' && e.Version == "0" }

// within says that a version which moves, and which no range holds where it stands, may
// have been affected on the way there.
func (a *Advisory) within(parse order, v version, text string) error {
	m, ok := v.(moving)
	if !ok {
		return nil
	}
	from, ok := m.spans()
	if !ok {
		return nil
	}
	told := fmt.Errorf("%q is a branch: whether its commit is one of those affected is not told", clip(text))
	inside := func(s string) bool {
		x, err := parse(s)
		return err == nil && x.compare(from) >= 0 && x.compare(v) <= 0
	}
	for i := range a.Ranges {
		r := &a.Ranges[i]
		if r.Semantic {
			continue
		}
		if in, _, err := r.contains(parse, from); err != nil || in {
			return told
		}
		for j := range r.Events {
			if e := &r.Events[j]; e.Kind != 'L' && !e.begins() && inside(e.Version) {
				return told
			}
		}
	}
	if len(a.Ranges) > 0 {
		return nil
	}
	for _, s := range a.Versions {
		if inside(s) {
			return told
		}
	}
	return nil
}

// respelt reports whether a version is one of those that an advisory lists, in another
// spelling: of Composer's, tags begin with v or do not; NuGet's end in a zero or do not.
func respelt(parse order, v version, listed []string) bool {
	switch v.(type) {
	case *composerVersion, *nugetVersion:
	default:
		return false
	}
	for _, s := range listed {
		if x, err := parse(s); err == nil && v.compare(x) == 0 {
			return true
		}
	}
	return false
}
