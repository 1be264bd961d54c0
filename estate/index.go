package estate

import "hash/maphash"

// index finds assets by id: open addressing with linear probing over node
// numbers, 8 to 16 bytes an asset and no copy of the ids.
type index struct {
	seed   maphash.Seed
	slots  []Node // node + 1; 0 is empty
	assets []*Asset
}

func newIndex(assets []*Asset) *index {
	size := 8
	for size < 2*len(assets) {
		size *= 2
	}
	x := &index{maphash.MakeSeed(), make([]Node, size), assets}
	for n, a := range assets {
		at := x.slot(a.ID)
		for x.slots[at] != 0 {
			at = (at + 1) & (size - 1)
		}
		x.slots[at] = Node(n + 1)
	}
	return x
}

func (x *index) slot(id string) int {
	return int(maphash.String(x.seed, id) & uint64(len(x.slots)-1))
}

func (x *index) find(id string) (Node, bool) {
	for at := x.slot(id); x.slots[at] != 0; at = (at + 1) & (len(x.slots) - 1) {
		if n := x.slots[at] - 1; x.assets[n].ID == id {
			return n, true
		}
	}
	return 0, false
}
