package pickle

// memo is the unpickler's memory. Writers number entries from zero, so pages
// hold those; an index far ahead of the others, which only a hostile pickle
// uses, goes to a map.
type memo struct {
	pages [][]value
	far   map[int64]value
	n     int   // entries written
	below *memo // looked into for what is not here; never written
}

// weight is how many words the memo holds, about: a map entry costs eight.
func (m *memo) weight() int { return m.n + 7*len(m.far) }

const page = 512

func (m *memo) put(i int64, v value) {
	p := i / page
	if p > int64(len(m.pages)) {
		if m.far == nil {
			m.far = map[int64]value{}
		}
		if _, had := m.far[i]; !had {
			m.n++
		}
		m.far[i] = v
		return
	}
	if p == int64(len(m.pages)) {
		m.pages = append(m.pages, make([]value, page))
	}
	// Zero is an opaque value that was never put; entries are kept plus one kind
	// of mark so that "never put" can be told.
	if m.pages[p][i%page] == 0 {
		m.n++
	}
	if v == 0 {
		v = mk(kOpaque, 1)
	}
	m.pages[p][i%page] = v
}

func (m *memo) get(i int64) (value, bool) {
	if v, ok := m.far[i]; ok {
		return v, true
	}
	if p := i / page; i >= 0 && p < int64(len(m.pages)) {
		if v := m.pages[p][i%page]; v != 0 {
			return v, true
		}
	}
	if m.below != nil {
		return m.below.get(i)
	}
	return 0, false
}
