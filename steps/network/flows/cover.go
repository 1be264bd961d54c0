package flows

import (
	"maps"
	"slices"
	"time"
)

// cover is the time over which something was watched, in units of so many
// seconds: a sparse set, since records come in no order and clocks go wrong.
type cover struct {
	unit  int64
	words map[int64]uint64
	full  bool // too many to keep

	// lastWord and lastBit spare the map for records of one time.
	lastWord int64
	lastBits uint64
}

// Bounds of what is kept: a million units, and a record that covers more time
// than any flow log's interval says nothing of the time between.
const (
	maxCoverWords = 1 << 14
	maxCoverSpan  = 3600
)

// mark adds the time from start to end, in unix seconds.
func (c *cover) mark(start, end int64) {
	if end-start > maxCoverSpan {
		c.mark(start, start)
		c.mark(end, end)
		return
	}
	for u := start / c.unit; u <= end/c.unit; u++ {
		w, bit := u>>6, uint64(1)<<(u&63)
		if w == c.lastWord && c.lastBits&bit != 0 {
			continue
		}
		if c.words == nil {
			c.words = map[int64]uint64{}
		}
		have, ok := c.words[w]
		if !ok && len(c.words) >= maxCoverWords {
			c.full = true
			continue
		}
		c.words[w] = have | bit
		c.lastWord, c.lastBits = w, have|bit
	}
}

// merge adds all of o.
func (c *cover) merge(o *cover) {
	c.full = c.full || o.full
	for w, bits := range o.words {
		if _, ok := c.words[w]; !ok && len(c.words) >= maxCoverWords {
			c.full = true
			continue
		}
		if c.words == nil {
			c.words = map[int64]uint64{}
		}
		c.words[w] |= bits
	}
	c.lastBits = 0
}

// count is how many units are covered.
func (c *cover) count() (n int) {
	for _, bits := range c.words {
		for ; bits != 0; bits &= bits - 1 {
			n++
		}
	}
	return n
}

// gaps are the stretches between covered units of at least so long.
func (c *cover) gaps(atLeast time.Duration) (out []Gap) {
	previous := int64(-1)
	for _, w := range slices.Sorted(maps.Keys(c.words)) {
		bits := c.words[w]
		for i := range int64(64) {
			if bits>>i&1 == 0 {
				continue
			}
			u := w<<6 | i
			if previous >= 0 && time.Duration((u-previous-1)*c.unit)*time.Second >= atLeast {
				out = append(out, Gap{time.Unix((previous+1)*c.unit, 0).UTC(), time.Unix(u*c.unit, 0).UTC()})
			}
			previous = u
		}
	}
	return out
}
