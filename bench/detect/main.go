// Detect measures how many of the published attacks detection finds in made-up
// organisations, at how many incidents a day, and writes docs/detect-quality.md.
//
//	SEVENFOLD_CORPORA=DIR go run ./bench/detect -seeds 21,22,23
//	SEVENFOLD_CORPORA=DIR go run ./bench/detect -often -bare -seeds 405 # what scaling costs, more exactly
//
// The attacks are the detonation logs of stratus-red-team, one technique a day, each
// rewritten to a principal of the organisation (test/org). Thresholds and weights were
// chosen on seeds 1 to 6, looking at every other technique; others are reported apart.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/behaviour"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/rules"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
	"github.com/sevenfold-sec/sevenfold/test/org"
)

const (
	learnDays = 30
	liveDays  = 35
)

// firstSeen is what behaviour is held against: how many of an event's service, action,
// network, program and region its principal shows for the first time.
type firstSeen map[string]bool

func (f firstSeen) Observe(o *behaviour.Observation) behaviour.Signal {
	n := 0.0
	for _, s := range []string{"s" + o.Service, "a" + o.Service + ":" + o.Action, "n" + o.Source, "g" + o.Agent, "r" + o.Region} {
		if k := o.Principal + "|" + s; !f[k] {
			f[k] = true
			n++
		}
	}
	if n == 0 {
		return behaviour.Signal{}
	}
	return behaviour.Signal{Surprise: n + 1}
}

// trial is one organisation's life.
type trial struct {
	seed    uint64
	budget  float64
	model   func() detect.Model
	rules   *sigma.Set
	scaleOn int
	// afresh forgets all on the day of scaling and learns from then on.
	afresh bool
	// peers false leaves grouping to names.
	peers bool
	// watch is told of the attacks; nil: nobody is.
	watch *watcher
	// often is asked every second day; nil: only the attack of the day is played.
	often *often
}

// outcome is what came of it.
type outcome struct {
	found, attacks int
	unseen         int // found, of the techniques that were not looked at
	perDay         float64
	topThree       int // attacks whose incident was among the three highest of its day
	events         int
	signals        map[string]int // of attacks of more than 5 events: signals
	incidents      map[string]int // and incidents
	cpu            time.Duration
	bytes          int
	missed         []string
}

func run(t trial, attacks []org.Attack) (outcome, error) {
	o := org.New(org.Config{Seed: t.seed, Shapes: org.ShapesOf(attacks), ScaleOn: t.scaleOn, ScaleBy: 10})
	groups := map[string]string{}
	out := outcome{signals: map[string]int{}, incidents: map[string]int{}, attacks: len(attacks)}
	var raised []*incident.Incident
	attackOf := map[string]string{}
	budget := incident.NewBudget(t.budget)
	fresh := func() *detect.Detector {
		model := t.model()
		if t.watch != nil {
			t.watch.Model, t.watch.budget = behaviour.New(), budget
			model = t.watch
		}
		return &detect.Detector{Model: model, Rules: t.rules, Engine: incident.New(incident.Options{Budget: budget, Raise: func(i *incident.Incident) { raised = append(raised, i) }}),
			Observer: detect.NewObserver(func(p string) string {
				if !t.peers {
					return ""
				}
				return groups[p]
			}, assess.ActionLevel)}
	}
	d := fresh()
	live := learnDays
	if t.afresh { // it learns as long, from the day of scaling on
		live = t.scaleOn + learnDays
	}
	begin := cpu()
	generating := time.Duration(0)
	for day := range live + liveDays {
		if t.afresh && day == t.scaleOn {
			budget = incident.NewBudget(t.budget)
			d = fresh()
		}
		budget.Spend(day >= live)
		g := cpu()
		date := o.Date()
		records := o.Day()
		for _, p := range o.People {
			groups[p.ARN()] = p.Job
		}
		if t.often != nil && day >= live && (day-live)%2 == 0 {
			if err := t.often.day(o, d, budget.Threshold(), attacks, date); err != nil {
				return out, err
			}
		}
		if day >= live {
			records = append(records, o.Inject(attacks[(day-live+int(t.seed)*7)%len(attacks)], o.Victim(), date)...)
			slices.SortStableFunc(records, func(a, b org.Record) int { return a.Time.Compare(b.Time) })
		}
		generating += cpu() - g
		for i := range records {
			var e ocsf.Event
			if err := ocsf.DecodeCloudTrail(records[i].Text, &e); err != nil {
				return out, err
			}
			if records[i].Attack != "" {
				attackOf[e.ID] = records[i].Attack
			}
			if t.watch != nil {
				t.watch.attack = ""
				if at := slices.IndexFunc(attacks, func(a org.Attack) bool { return a.Technique == records[i].Attack }); at >= 0 && lookedAt(at) {
					t.watch.attack = records[i].Attack
				}
			}
			d.Take(&e)
			out.events++
		}
	}
	out.cpu = cpu() - begin - generating
	out.perDay = float64(len(raised)) / liveDays
	if m, ok := d.Model.(*behaviour.Model); ok {
		out.bytes = m.BytesPerPrincipal()
	}
	count(&out, raised, attackOf, attacks)
	return out, nil
}

// count finds the attacks among the incidents.
func count(out *outcome, raised []*incident.Incident, attackOf map[string]string, attacks []org.Attack) {
	byDay := map[string][]*incident.Incident{}
	for _, i := range raised {
		day := i.Raised.Format(time.DateOnly)
		byDay[day] = append(byDay[day], i)
	}
	found, top := map[string]bool{}, map[string]bool{}
	for _, list := range byDay {
		slices.SortFunc(list, func(a, b *incident.Incident) int { return int(1000 * (b.Score - a.Score)) })
		for rank, i := range list {
			here := map[string]int{}
			for _, s := range i.Signals {
				if a := attackOf[s.Event]; a != "" {
					here[a]++
				}
			}
			for a, n := range here {
				found[a] = true
				top[a] = top[a] || rank < 3
				out.signals[a] += n
				out.incidents[a]++
			}
		}
	}
	out.found, out.topThree = len(found), len(top)
	for i, a := range attacks {
		if !found[a.Technique] {
			out.missed = append(out.missed, a.Technique)
		} else if !lookedAt(i) {
			out.unseen++
		}
	}
}

// lookedAt reports whether a technique, by its place in order of names, was looked at
// while weights were chosen.
func lookedAt(i int) bool { return i%2 == 0 }

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for oneself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func main() {
	seeds := flag.String("seeds", "21,22,23", "seeds to report")
	page := flag.String("out", "docs/detect-quality.md", "page to write")
	sigmaHQ := flag.String("sigma", "", "a folder of SigmaHQ's rules, to measure them too")
	tuning := flag.Bool("tune", false, "print what was missed of the techniques that are looked at, behaviour with the rules at 3 a day, and write nothing")
	scaled := flag.Bool("scaled", false, "with -tune: production is scaled on the day the learning ends")
	bare := flag.Bool("bare", false, "with -tune and -often: behaviour without rules")
	many := flag.Bool("often", false, "print what scaling costs, from every technique on every second day, and write nothing")
	flag.Parse()
	look := trial{budget: 3, peers: true, model: behaviourModel}
	if *scaled {
		look.scaleOn = learnDays
	}
	if err := measure(*seeds, *page, *sigmaHQ, *tuning, *many, look, *bare); err != nil {
		fmt.Fprintln(os.Stderr, "detect:", err)
		os.Exit(1)
	}
}

func behaviourModel() detect.Model { return behaviour.New() }

func measure(list, page, sigmaHQ string, tuning, many bool, look trial, bare bool) error {
	corpora := os.Getenv("SEVENFOLD_CORPORA")
	attacks, err := org.ReadAttacks(filepath.Join(corpora, "stratus-red-team", "detonation-logs.tar.gz"))
	if err != nil {
		return fmt.Errorf("%w\nhint: SEVENFOLD_CORPORA names the folder of public corpora", err)
	}
	shipped, err := rules.Load()
	if err != nil {
		return err
	}
	set, problems := sigma.Compile(shipped)
	if len(problems) > 0 {
		return fmt.Errorf("rules: %v", problems[0])
	}
	var both *sigma.Set
	if sigmaHQ != "" {
		theirs, _ := sigma.LoadFS(os.DirFS(sigmaHQ)) // what cannot be read is not matched
		if both, _ = sigma.Compile(append(slices.Clone(shipped), theirs...)); len(theirs) == 0 {
			return fmt.Errorf("%s holds no rule", sigmaHQ)
		}
	}
	var seeds []uint64
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return err
		}
		seeds = append(seeds, n)
	}
	if tuning || many {
		switch {
		case bare:
		case both != nil:
			look.rules = both
		default:
			look.rules = set
		}
		if many {
			return asksOften(seeds, look, attacks)
		}
		return tune(seeds, look, attacks)
	}
	w := &pageWriter{seeds: seeds, attacks: attacks, rules: set}
	w.head()
	for _, m := range []struct {
		name    string
		t       trial
		budgets []float64
	}{
		{"first seen by its principal", trial{model: func() detect.Model { return firstSeen{} }, peers: true}, []float64{1, 3, 10}},
		{"behaviour", trial{model: behaviourModel, peers: true}, []float64{1, 3, 10}},
		{"behaviour, peer groups by names only", trial{model: behaviourModel}, []float64{3}},
		{"behaviour and the rules shipped", trial{model: behaviourModel, peers: true, rules: set}, []float64{3}},
		{"behaviour, the rules shipped and SigmaHQ's", trial{model: behaviourModel, peers: true, rules: both}, []float64{3}},
	} {
		if strings.Contains(m.name, "SigmaHQ") && m.t.rules == nil {
			continue
		}
		if err := w.row(m.name, m.t, m.budgets); err != nil {
			return err
		}
	}
	if err := w.scaling(); err != nil {
		return err
	}
	return os.WriteFile(page, []byte(w.b.String()), 0o644)
}
