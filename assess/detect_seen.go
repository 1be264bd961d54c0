package assess

// idSet is a set of hashes in a table of its own: what is asked of every event costs one
// look at memory, and eight bytes a place, of which at most three in four are taken.
type idSet struct {
	places []uint64 // a power of two of them; 0 is a free one
	n      int
}

const leastPlaces = 1 << 10

// at is the place of a hash, or the free one where it would be.
func (s *idSet) at(k uint64) (place int, had bool) {
	mask := len(s.places) - 1
	for i := int(k*0x9e3779b97f4a7c15>>32) & mask; ; i = (i + 1) & mask {
		switch s.places[i] {
		case k:
			return i, true
		case 0:
			return i, false
		}
	}
}

// has reports whether a hash is in the set.
func (s *idSet) has(k uint64) bool {
	if s.n == 0 {
		return false
	}
	_, had := s.at(max(k, 1))
	return had
}

// add puts a hash in, and reports whether it was there.
func (s *idSet) add(k uint64) (had bool) {
	k = max(k, 1) // 0 is no hash here
	if 4*s.n >= 3*len(s.places) {
		old := s.places
		s.places = make([]uint64, max(leastPlaces, 2*len(old)))
		for _, k := range old {
			if k != 0 {
				i, _ := s.at(k)
				s.places[i] = k
			}
		}
	}
	i, had := s.at(k)
	if !had {
		s.places[i] = k
		s.n++
	}
	return had
}
