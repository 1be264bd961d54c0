package estate

// Again returns a snapshot of assets of s without what was made of them: no
// relations, and of each asset what take returns for it, which must bear the same
// id, or nothing where that is nil. An asset that take returns without
// configuration has the one that s has, wherever that is kept; it is neither read
// nor spelt anew. blind takes the place of the blind spots of s; sources and
// coverage stay.
//
// It is for an estate that differs from s in little: further assets are given by
// With, and all is understood anew by UnderstoodAs.
func (s *Snapshot) Again(take func(Node, *Asset) *Asset, blind []BlindSpot) *Snapshot {
	s.givesAll()
	next := &Snapshot{taken: s.taken, configs: s.configs, sources: s.Sources(), blind: uniteBlindSpots(blind)}
	if s.Len() > 0 {
		s.ConfigDigest(0)
	}
	next.assets, next.digests = make([]*Asset, 0, s.Len()), make([]Digest, 0, s.Len())
	if s.refs != nil {
		next.refs = make([]uint64, 0, s.Len())
	}
	for n, was := range s.assets {
		a := take(Node(n), was)
		if a == nil {
			continue
		}
		digest, ref := s.digests[n], uint64(0)
		switch {
		case a.Config != nil:
			digest = Digest{} // worked out when it is asked for
		case s.refs != nil && s.refs[n] != 0:
			ref = s.refs[n]
		case was.Config != nil:
			with := *a
			with.Config = was.Config
			a = &with
		}
		next.assets, next.digests = append(next.assets, a), append(next.digests, digest)
		if s.refs != nil {
			next.refs = append(next.refs, ref)
		}
	}
	next.index, next.graph = newIndex(next.assets), newCSR(len(next.assets), nil)
	next.coverage = s.Coverage()
	for i := range next.sources {
		next.coverage = append(next.coverage, next.sources[i].Covered...)
	}
	next.coverage = uniteCoverage(next.coverage)
	sortSources(next.sources)
	return next
}
