package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/behaviour"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/test/org"
)

// often asks more of an organisation's life than one attack a day does. Every second day each
// technique is played to a copy of what was learnt, by a principal drawn for it, and forgotten:
// it is found if its score reaches what the budget asks for as that day begins. So the cost of
// scaling is known some times more exactly from as many organisations. What the one real
// attack a day is told with, and what else that day brings, such an attack does not see.
type often struct {
	played, found map[string]int // by technique
}

func newOften() *often { return &often{played: map[string]int{}, found: map[string]int{}} }

// day plays every attack on a day that has not begun.
func (f *often) day(o *org.Org, d *detect.Detector, asked float64, attacks []org.Attack, date time.Time) error {
	model, ok := d.Model.(*behaviour.Model)
	if !ok {
		return fmt.Errorf("only what behaviour has learnt can be asked often")
	}
	for _, a := range attacks {
		score := 0.0
		every := incident.NewBudget(1000) // nobody is told of it: whatever its score, it is an incident
		every.Spend(true)
		raised := []*incident.Incident{}
		one := &detect.Detector{Rules: d.Rules, Observer: d.Observer, Engine: incident.New(incident.Options{Budget: every, Raise: func(i *incident.Incident) { raised = append(raised, i) }})}
		for _, r := range o.Inject(a, o.Victim(), date) {
			var e ocsf.Event
			if err := ocsf.DecodeCloudTrail(r.Text, &e); err != nil {
				return err
			}
			if one.Model == nil {
				first := d.Observer.Observe(&e)
				one.Model = model.Shadow(&first)
			}
			one.Take(&e)
		}
		for _, i := range raised {
			score = max(score, i.Score)
		}
		f.played[a.Technique]++
		if score >= asked {
			f.found[a.Technique]++
		}
	}
	return nil
}

// share is the part of all that was found.
func (f *often) share() float64 {
	found, played := 0, 0
	for t, n := range f.played {
		found, played = found+f.found[t], played+n
	}
	return float64(found) / float64(max(played, 1))
}

// asksOften prints what scaling costs, in the mean and by seed, with the standard errors that
// the differences between organisations, and between techniques in each, give it.
func asksOften(seeds []uint64, t trial, attacks []org.Attack) error {
	var bySeed, byPair []float64
	for _, seed := range seeds {
		var got [2]*often
		for scaled := range got {
			t.seed, t.often, t.scaleOn = seed, newOften(), scaled*learnDays
			out, err := run(t, attacks)
			if err != nil {
				return err
			}
			got[scaled] = t.often
			short := []string{}
			for _, m := range out.missed {
				short = append(short, m[strings.LastIndexByte(m, '.')+1:])
			}
			fmt.Printf("seed %d, %s: of one attack a day %d of %d found, %.2f told a day, %d in the top 3; of each technique often %.3f; missed %s\n", seed, []string{"plain", "scaled"}[scaled], out.found, out.attacks, out.perDay, out.topThree, t.often.share(), strings.Join(short, " "))
		}
		bySeed = append(bySeed, got[0].share()-got[1].share())
		for _, a := range slices.Sorted(maps.Keys(got[0].played)) {
			byPair = append(byPair, float64(got[0].found[a])/float64(got[0].played[a])-float64(got[1].found[a])/float64(got[1].played[a]))
		}
	}
	mean, seedError := meanAndError(bySeed)
	_, pairError := meanAndError(byPair)
	fmt.Printf("scaling costs %.3f of recall; standard error %.3f by %d pairs of organisation and technique", mean, pairError, len(byPair))
	if len(bySeed) > 1 {
		fmt.Printf(", %.3f by %d organisations", seedError, len(bySeed))
	}
	fmt.Println()
	return nil
}

// meanAndError is the mean and its standard error; of one value alone that is no number.
func meanAndError(list []float64) (mean, err float64) {
	for _, x := range list {
		mean += x / float64(len(list))
	}
	if len(list) < 2 {
		return mean, math.NaN()
	}
	sum := 0.0
	for _, x := range list {
		sum += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(sum / float64(len(list)-1) / float64(len(list)))
}
