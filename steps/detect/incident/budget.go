package incident

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

const (
	scoreBins = 400
	perScore  = 10   // bins of a score of 1
	dayFade   = 0.93 // what is left on the next day of what a day taught
	// catchUp is in how many days what was spent too much or too little is made up for,
	// and maxDebt how many days' budget of it is remembered: after a quiet month there
	// is no month of noise.
	catchUp = 2.0
	maxDebt = 2.5
)

// Budget holds the number of incidents a day to what a user asked for. It learns how
// often groups of signals reach which score, and asks of a new incident the score that
// the wanted number reaches. What was raised too much or too little lately moves that.
type Budget struct {
	perDay float64
	count  [scoreBins]float64 // groups that ended with a score, faded
	days   float64            // days that were learnt, faded
	last   time.Time
	// balance is how many incidents more than were raised the budget allows.
	balance  float64
	spending bool
	raised   int
	spent    float64 // days in which incidents were raised
	// late is how far events have come that are more than lateFrom behind, while the budget
	// lives: a backfill has days of its own, each of which counts once.
	late       time.Time
	withheld   int
	withheldAt time.Time // when time stood there last
}

// lateFrom is how far behind the newest event one lies that belongs to a backfill and not
// to what its source delivers late.
const lateFrom = 24 * time.Hour

// rememberWithheld is how long what was not told is remembered.
const rememberWithheld = 30 * 24 * time.Hour

// maxLate bounds which days of a backfill have a budget: a source whose times are its
// sender's own could have any number of them.
const maxLate = 90 * 24 * time.Hour

// NewBudget returns a budget of some incidents a day.
func NewBudget(perDay float64) *Budget { return &Budget{perDay: max(perDay, 0.01)} }

// PerDay is the number of incidents a day that are wanted.
func (b *Budget) PerDay() float64 { return b.perDay }

// SetPerDay changes the number wanted, from now on.
func (b *Budget) SetPerDay(n float64) { b.perDay = max(n, 0.01) }

// Spend begins to raise incidents: until then the budget only learns.
func (b *Budget) Spend(on bool) { b.spending = on }

// pass lets time go by. Days that have passed before are those of a backfill: what is read
// of them has their budget too, but no day gives it twice, and none that is too long ago.
func (b *Budget) pass(t time.Time) {
	behind := b.last.Sub(t)
	clock, late := &b.last, !b.last.IsZero() && behind > lateFrom
	if late {
		clock = &b.late
	}
	if clock.IsZero() {
		*clock = t
		return
	}
	days := t.Sub(*clock).Hours() / 24
	if days <= 0 || late && b.spending && behind > maxLate {
		return
	}
	*clock = t
	days = min(days, 7) // a gap is no quiet week
	f := 1.0
	if !late { // what is older teaches no less of now than it did
		f = math.Pow(dayFade, days)
	}
	for i := range b.count {
		b.count[i] *= f
	}
	b.days = b.days*f + days
	if b.last.Sub(b.withheldAt) > rememberWithheld {
		b.withheld = 0
	}
	if b.spending {
		b.spent += days
		b.balance = min(b.balance+days*b.perDay, b.debt())
	}
}

// Restart lets the days of a replay be those of the budget, whenever they were, with
// nothing spent of them.
func (b *Budget) Restart() {
	b.last, b.late, b.balance, b.withheld = time.Time{}, time.Time{}, 0, 0
}

// learn takes a group of signals that has ended.
func (b *Budget) learn(score float64) {
	b.count[max(0, min(scoreBins-1, int(score*perScore)))]++
}

// Threshold is the score that an incident needs now; infinite before spending begins, and
// where so many were raised that nothing more is told for now.
func (b *Budget) Threshold() float64 {
	if !b.spending || b.exhausted() {
		return math.Inf(1)
	}
	return b.reached(max(b.perDay+b.balance/catchUp, 0.05*b.perDay))
}

// exhausted reports whether nothing can be raised for now, whatever its score.
func (b *Budget) exhausted() bool { return b.balance < 1-b.debt() }

// withholds reports whether a score would be told of, had the budget not been spent.
func (b *Budget) withholds(score float64) bool {
	return b.spending && b.exhausted() && score >= b.reached(b.perDay)
}

// withhold counts a group that is not raised only because the budget is spent.
func (b *Budget) withhold() {
	b.withheld++
	b.withheldAt = b.last
}

// Withheld is how many groups of signals were not told of only because the budget was
// spent: a flood, or days that came once more. Thirty days after the last they are forgotten.
func (b *Budget) Withheld() int { return b.withheld }

// reached is the score that so many groups a day reach.
func (b *Budget) reached(want float64) float64 {
	left := want * max(b.days, 0.5)
	for i := scoreBins - 1; i >= 0; i-- {
		if b.count[i] > left {
			// Within the bin, groups are taken to lie evenly; above all that was seen an
			// incident is always one.
			return (float64(i) + 1 - left/b.count[i]) / perScore
		}
		left -= b.count[i]
	}
	return 0
}

// spend counts a raised incident.
func (b *Budget) spend() {
	b.raised++
	b.balance--
}

// debt is by how much the balance may be off.
func (b *Budget) debt() float64 { return max(maxDebt*b.perDay, 1) }

// Realised is how many incidents a day were raised, and over how many days.
func (b *Budget) Realised() (perDay, days float64) {
	if b.spent == 0 {
		return 0, 0
	}
	return float64(b.raised) / b.spent, b.spent
}

// kept is a budget written down.
type kept struct {
	Format     int             `json:"format"`
	PerDay     float64         `json:"perDay"`
	Count      map[int]float64 `json:"count"`
	Days       float64         `json:"days"`
	Last       time.Time       `json:"last"`
	Balance    float64         `json:"balance"`
	Spending   bool            `json:"spending"`
	Raised     int             `json:"raised"`
	Spent      float64         `json:"spent"`
	Withheld   int             `json:"withheld,omitempty"`
	WithheldAt time.Time       `json:"withheldAt,omitzero"`
}

// MarshalJSON writes the budget down.
func (b *Budget) MarshalJSON() ([]byte, error) {
	k := kept{1, b.perDay, map[int]float64{}, b.days, b.last, b.balance, b.spending, b.raised, b.spent, b.withheld, b.withheldAt}
	for i, c := range b.count {
		if c > 1e-6 {
			k.Count[i] = c
		}
	}
	return json.Marshal(k)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (b *Budget) UnmarshalJSON(text []byte) error {
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return err
	}
	if k.Format != 1 {
		return fmt.Errorf("the budget has format %d, this sevenfold knows 1", k.Format)
	}
	*b = Budget{perDay: max(k.PerDay, 0.01), days: k.Days, last: k.Last, balance: k.Balance, spending: k.Spending, raised: k.Raised, spent: k.Spent, withheld: max(k.Withheld, 0), withheldAt: k.WithheldAt}
	for i, c := range k.Count {
		if i < 0 || i >= scoreBins || !(c >= 0) {
			return fmt.Errorf("the budget counts %g at %d", c, i)
		}
		b.count[i] = c
	}
	return nil
}

// Spending reports whether incidents are raised.
func (b *Budget) Spending() bool { return b.spending }
