package behaviour

import "unsafe"

// noteDays is how many days maturity looks back on.
const noteDays = 60

// dayNote is what a day brought.
type dayNote struct {
	day    uint16
	active int // principals
	fresh  int // items their principal had never shown
}

// Maturity is how far a model has learnt.
type Maturity struct {
	// Days is how many days have passed since the first event, the last one counted.
	Days int
	// Principals that are known, and Settled of them that were active on at least
	// settledDays days.
	Principals, Settled int
	// Events seen, and Skewed of them whose clock was off by days.
	Events, Skewed uint64
	// Novelty is how many new things an active principal did a day in the last week,
	// and Before in the week before it; -1 where there was no such week.
	Novelty, Before float64
}

const settledDays = 5

// Maturity tells how far the model has learnt.
func (m *Model) Maturity() Maturity {
	out := Maturity{Principals: len(m.selves), Events: m.events, Skewed: m.skewed, Novelty: m.novelty(0, 7), Before: m.novelty(7, 14)}
	if m.day > 0 {
		out.Days = int(m.day-m.began) + 1
	}
	for _, s := range m.selves {
		if s.days >= settledDays {
			out.Settled++
		}
	}
	return out
}

// novelty is the mean of new things of an active principal on the days that ended
// from..to days ago.
func (m *Model) novelty(from, to int) float64 {
	active, fresh := 0, 0
	for _, d := range m.byDay {
		if ago := int(m.day) - int(d.day); ago >= from && ago < to {
			active += d.active
			fresh += d.fresh
		}
	}
	if active == 0 {
		return -1
	}
	return float64(fresh) / float64(active)
}

// Converged reports whether what is new has levelled off: at most a tenth more than a
// week ago or less, and few.
func (t Maturity) Converged() bool {
	return t.Before >= 0 && t.Novelty >= 0 && t.Novelty <= max(1.1*t.Before, 1)
}

// BytesPerPrincipal is the memory that a principal takes, in the mean: its items, its
// counts, and its place in the list.
func (m *Model) BytesPerPrincipal() int {
	if len(m.selves) == 0 {
		return 0
	}
	total := 0
	for _, s := range m.selves {
		total += 8*len(s.slots) + int(unsafe.Sizeof(*s)) + 2*16 // a place in a map of pointers, at half load
	}
	return total / len(m.selves)
}

// DaysOf is on how many days a principal was seen acting, of the last that count.
func (m *Model) DaysOf(principal string) int {
	if s := m.selves[keyOf(1, principal)]; s != nil {
		return int(s.days)
	}
	return 0
}
