package files

// duplicates notices a member name that stands twice in one object. JSON does
// not say which of the two counts: readers differ, so a policy with two
// "Effect" members means one thing to the cloud and another to a checker. Such
// a document is not decided here; it is reported.
//
// Names are compared by hash (FNV-1a, 64 bits) of their spelling in the file.
type duplicates struct {
	found bool
	hash  uint64
	names []uint64 // of all open objects, innermost last
	opens []int    // where in names each open object starts
	large []map[uint64]struct{}
}

// linear is how many names of one object are compared one by one before a map
// is worth its allocation.
const linear = 48

func (d *duplicates) reset() {
	d.found, d.names, d.opens, d.large = false, d.names[:0], d.opens[:0], d.large[:0]
}

func (d *duplicates) open() {
	d.opens = append(d.opens, len(d.names))
	d.large = append(d.large, nil)
}

func (d *duplicates) close() {
	last := len(d.opens) - 1
	d.names = d.names[:d.opens[last]]
	d.opens, d.large = d.opens[:last], d.large[:last]
}

func (d *duplicates) startKey() { d.hash = 14695981039346656037 }

func (d *duplicates) keyByte(c byte) { d.hash = (d.hash ^ uint64(c)) * 1099511628211 }

func (d *duplicates) endKey() {
	last := len(d.opens) - 1
	mine := d.names[d.opens[last]:]
	switch set := d.large[last]; {
	case set != nil:
		if _, ok := set[d.hash]; ok {
			d.found = true
		}
		set[d.hash] = struct{}{}
		return // the map has taken over: names need not grow
	case len(mine) == linear:
		set = make(map[uint64]struct{}, 4*linear)
		for _, h := range mine {
			set[h] = struct{}{}
		}
		d.large[last] = set
	}
	for _, h := range mine {
		if h == d.hash {
			d.found = true
			return
		}
	}
	if set := d.large[last]; set != nil {
		set[d.hash] = struct{}{}
		return
	}
	d.names = append(d.names, d.hash)
}
