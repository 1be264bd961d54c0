package detect

import (
	"fmt"

	"github.com/sevenfold-sec/sevenfold/steps/detect/behaviour"
)

// What a baseline needs to be called learnt.
const (
	// MatureDays is two weeks: each day of the week twice.
	MatureDays = 14
	// MatureShare of the principals must have been active on five days.
	MatureShare = 0.6
)

// LearntOf says how far a model is, and what is wanting.
func LearntOf(m *behaviour.Model) Learnt {
	t := m.Maturity()
	out := Learnt{Days: t.Days, Principals: t.Principals, Settled: t.Settled, Events: t.Events, Novelty: t.Novelty, Converged: t.Converged()}
	if t.Days < MatureDays {
		out.Why = append(out.Why, fmt.Sprintf("learnt for %d days, of %d", t.Days, MatureDays))
	}
	if t.Principals == 0 {
		out.Why = append(out.Why, "no principal was seen")
	} else if float64(t.Settled) < MatureShare*float64(t.Principals) {
		out.Why = append(out.Why, fmt.Sprintf("%d of %d principals were seen on five days or more, of %d wanted", t.Settled, t.Principals, int(MatureShare*float64(t.Principals)+0.999)))
	}
	if t.Days >= MatureDays && !t.Converged() {
		out.Why = append(out.Why, fmt.Sprintf("what is new has not levelled off: %.1f new things a principal and day in the last week, %.1f in the one before", t.Novelty, t.Before))
	}
	out.Mature = len(out.Why) == 0
	return out
}
