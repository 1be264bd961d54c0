package detect

import (
	"math"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/detect/behaviour"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/test/org"
)

// Thirty days of an organisation that changes (releases, joiners, an office that moves, new
// duties, planned retraining), of which nobody judges anything: the budget holds, and what is
// new and goes on is not told again and again.
func TestWhatIsNewAndGoesOnIsNotToldForEver(t *testing.T) {
	if testing.Short() {
		t.Skip("fifty days of events")
	}
	const budget, before, days = 2, 18, 30
	o := org.New(org.Config{Seed: 7, Principals: 30})
	spent := incident.NewBudget(budget)
	told, story := 0, map[string]int{}
	d := &Detector{Model: behaviour.New(), Observer: NewObserver(nil, nil), Engine: incident.New(incident.Options{Budget: spent, Raise: func(i *incident.Incident) {
		told++
		s := i.Signals[0]
		story[s.Principal+" "+s.Action]++
	}})}
	for day := range before + days {
		spent.Spend(day >= before)
		for _, r := range o.Day() {
			var e ocsf.Event
			if err := ocsf.DecodeCloudTrail(r.Text, &e); err != nil {
				t.Fatal(err)
			}
			d.Take(&e)
		}
	}
	if got := float64(told) / days; math.Abs(got-budget) > 0.25*budget {
		t.Errorf("%.2f a day of %d", got, budget)
	}
	for s, n := range story {
		if n > 3 {
			t.Errorf("%s was told %d times in %d days", s, n, days)
		}
	}
	t.Logf("%d events, %d told, %d stories", d.Events, told, len(story))
}
