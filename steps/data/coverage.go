package data

import (
	"slices"
	"strings"
)

// coverage is what surveys say of a place.
type coverage struct {
	summary *Summary // the newest that covers it; nil for none
	partly  bool     // a survey of a part of it only
	// unseen are databases of it, or parts of some, that no survey looked into.
	unseen []string
}

// whole reports whether everything in it was examined, or a sample that promises.
func (c coverage) whole() bool {
	s := c.summary
	return s != nil && len(c.unseen) == 0 && s.worst() <= promised && s.Undecided == 0 && !slices.ContainsFunc(s.Missing, tellsOfPeople) && s.Examined > 0
}

// coverage finds the newest survey that covers a place.
func (w *World) coverage(container, path string) (c coverage) {
	if !w.isBucket(container) {
		return w.databaseCoverage(container)
	}
	for _, p := range w.surveys[container] {
		switch {
		case strings.HasPrefix(path, p.path):
			if c.summary == nil || p.sum.Taken.After(c.summary.Taken) {
				c.summary = p.sum
			}
		case strings.HasPrefix(p.path, path):
			c.partly = true
		}
	}
	return c
}

// databaseCoverage draws together the surveys of what is no bucket: a server may hold
// several databases, each surveyed by itself, in whole or some schemas of it. What one
// survey could not examine is not examined for another one's being newer.
func (w *World) databaseCoverage(container string) (c coverage) {
	list := w.surveys[container]
	if len(list) == 0 {
		return c
	}
	newest := map[string]*Summary{}
	for _, p := range list {
		if was := newest[p.path]; was == nil || p.sum.Taken.After(was.Taken) {
			newest[p.path] = p.sum
		}
	}
	names := make([]string, 0, len(newest))
	for n := range newest {
		names = append(names, n)
	}
	slices.Sort(names)
	all := Summary{Whole: true}
	server := newest[""]
	for _, n := range names {
		s := newest[n]
		database, schemas, narrowed := strings.Cut(n, "?")
		if _, whole := newest[database]; narrowed && whole {
			continue
		}
		if narrowed {
			c.unseen = append(c.unseen, database+" but for "+schemas)
		}
		for _, o := range s.Others {
			if server != nil && isMySQL(server.Store) && !strings.HasPrefix(o, "(") {
				continue // the whole server was surveyed once
			}
			if _, seen := newest[o]; !seen && !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, o+"?") }) && !slices.Contains(c.unseen, o) {
				c.unseen = append(c.unseen, o)
			}
		}
		all.add(s)
	}
	c.summary = &all
	return c
}

// add joins a further survey of the same container.
func (s *Summary) add(o *Summary) {
	if s.Taken.IsZero() || o.Taken.Before(s.Taken) {
		s.Taken = o.Taken
	}
	s.Store, s.Scanner, s.Copied = o.Store, o.Scanner, o.Copied
	s.Objects, s.Bytes = s.Objects+o.Objects, s.Bytes+o.Bytes
	s.Examined, s.Read, s.Undecided = s.Examined+o.Examined, s.Read+o.Read, s.Undecided+o.Undecided
	s.Whole = s.Whole && o.Whole
	s.Labels = append(s.Labels, o.Labels...)
	s.Strata = append(s.Strata, o.Strata...)
	s.Reasons = append(s.Reasons, o.Reasons...)
	for _, m := range o.Missing {
		if !slices.Contains(s.Missing, m) {
			s.Missing = append(s.Missing, m)
		}
	}
	if s.Oldest.IsZero() || o.Oldest.Before(s.Oldest) {
		s.Oldest = o.Oldest
	}
}

// isBucket reports whether what lies in a container lies under paths.
func (w *World) isBucket(container string) bool {
	return strings.Contains(container, ":s3:::") || w.typeOf(container) == "AWS::S3::Bucket"
}
