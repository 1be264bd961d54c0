package behaviour

import "math"

const (
	bins     = 192 // of a quarter of a bit
	binsABit = 4
	dayFade  = 0.96  // what is left of a day's ranks on the next
	refit    = 512   // learnt between two fittings of the tail
	tailFrom = 0.003 // share of the rarest that the tail is fitted to
	tailMin  = 20    // of which there must be so many
	// usualDaily is how many like events a day leave a rank as it is, scarceHalf the power
	// of their number that counts, dailyMix how much of it a new day settles.
	usualDaily = 30.0
	scarceHalf = 0.5
	dailyMix   = 0.25
)

// ranking is what a class has lately brought, by how unlikely it was, so that a
// likelihood becomes a rank: the share of its like that is at least as unlikely.
type ranking struct {
	count [bins]float32
	total float32
	today float32 // learnt today
	daily float32 // learnt a day, lately
	since int     // learnt since the tail was fitted
	// above[i] is the share in bin i and beyond; from bin tail on the share falls by
	// the factor e with each beta bits.
	above [bins]float32
	tail  int
	beta  float64
}

func binOf(bits float64) int { return max(0, min(bins-1, int(bits*binsABit))) }

// learn adds one.
func (r *ranking) learn(bits float64) {
	r.count[binOf(bits)]++
	r.total++
	r.today++
	if r.since++; r.since >= refit || r.since >= 16 && float32(r.since) > r.total/4 {
		r.fit()
	}
}

// fade lets days go by.
func (r *ranking) fade(days int) {
	if r.total == 0 {
		return
	}
	if r.daily == 0 {
		r.daily = r.today
	} else {
		r.daily += (r.today - r.daily) * dailyMix
	}
	r.today = 0
	f := float32(math.Pow(dayFade, float64(min(days, 60))))
	for i := range r.count {
		r.count[i] *= f
	}
	r.fit()
}

// fit sums the shares up and fits the tail: the mean excess beyond the bin of which
// tailFrom is left is that of an exponential.
func (r *ranking) fit() {
	r.since = 0
	r.total = 0
	for _, c := range r.count {
		r.total += c
	}
	if r.total == 0 {
		return
	}
	sum, excess := float32(0), 0.0
	r.tail, r.beta = bins, 0
	for i := bins - 1; i >= 0; i-- {
		excess += float64(sum) / binsABit // each of those beyond is one bin further from here
		sum += r.count[i]
		r.above[i] = sum / (r.total + 1)
		if r.tail == bins && sum >= max(tailMin, tailFrom*r.total) {
			r.tail, r.beta = i, excess/float64(sum)
			r.beta = max(r.beta, 0.25)
		}
	}
	if r.tail == bins { // too few for a tail of their own
		r.tail, r.beta = 0, max(1, excess/float64(sum))
	}
}

// perDay is how many come in a day, today's included where they are more already.
func (r *ranking) perDay() float64 { return max(float64(r.daily), float64(r.today), 1) }

// lately is how many have come in a day over the last weeks.
func (r *ranking) lately() float64 { return float64(r.total) * (1 - dayFade) }

// scarcity is how much more an event says where few of its like come in a day. A rank says
// how rare it is among its like; where those are ten times as many, because production was
// scaled, ten times as many of each rank come. Half of that is taken off: an attack takes
// part in what is done much, though not in proportion.
func scarcity(perDay float64) float64 { return -scarceHalf * math.Log10(perDay/usualDaily) }

// scarcity is that of a kind's sums. Newcomers count with those of their kind who are there for
// long: that few of them come says how seldom anybody joins, and nothing of what they do. What
// they bring beyond what newcomers have lately brought is taken off in full: three hundred
// machines that are added in a day are no more likely to have one among them that is stolen.
func (m *Model) scarcity(kind Kind, level Level) float64 {
	r := &m.sums[kind][level]
	if !kind.newcomer() {
		return scarcity(r.perDay())
	}
	grown := m.sums[kind.grown()][level].perDay()
	all := grown + r.perDay()
	usual := grown + max(1, min(r.perDay(), r.lately()))
	return scarcity(all) - (1-scarceHalf)*math.Log10(all/usual)
}

// known reports whether there is something to rank among.
func (r *ranking) known() bool { return r.total >= 8 && r.beta != 0 }

// rank returns minus the decimal logarithm of the share of like ones that are at
// least as unlikely.
func (r *ranking) rank(bits float64) float64 {
	if !r.known() {
		return min(1, bits/8) // nothing to rank among: hardly any
	}
	i := binOf(bits)
	if i < r.tail {
		return -math.Log10(float64(max(r.above[i], 1e-6)))
	}
	at := float64(max(r.above[r.tail], 1/(r.total+1)))
	return -math.Log10(at) + (bits-float64(r.tail)/binsABit)/r.beta/math.Ln10
}
