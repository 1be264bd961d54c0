// Package incident makes few incidents of many signals: signals that share a
// principal, a role taken on or a thing acted on, within a window of time, are one
// group; a group whose score reaches what the budget asks for is an incident.
//
// The score is the surprise of the group times what is at stake: how much it reaches,
// how exposed it is, and how far an attack would have come with it. The factors are the
// Scorer's; each is shown.
package incident

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"
)

// Signal is one event that a rule or the model pointed at.
type Signal struct {
	// Event is the source's own id of the event, Time when it happened.
	Event string
	Time  time.Time
	// Principal acted; Action is what it did ("iam:CreateUser").
	Principal, Action string
	// By is "model" or a rule's id.
	By string
	// Surprise is minus the decimal logarithm of how rare the like is.
	Surprise float64
	// Why says it in words, the weightiest first.
	Why []string
	// Techniques are ATT&CK and ATLAS ids.
	Techniques []string
	// Nodes are what joins it to others, as ids of the estate: the principal, a role
	// that was taken on, credentials that were given out or used. Things are what it
	// acted on: they join too, as long as few principals act on them.
	Nodes, Things []string
	// Account is where it happened: account, subscription, project; "" if not said. Refused
	// says that it was refused or failed, so that it changed nothing.
	Account string `json:",omitempty"`
	Refused bool   `json:",omitempty"`
	// Played says that the event is of a synthetic attack.
	Played bool `json:",omitempty"`
	// Drill is that attack's marker: each is a group of its own.
	Drill string `json:",omitempty"`
	// Held is the number by which the model knows what it holds back of the event; 0: nothing.
	Held uint64 `json:",omitempty"`
	// Peers names what peers share: one new thing that many of them do at once, a release
	// say, is one story. Empty where there are none.
	Peers string
	// Stage is how far an attack is with it: see Stages.
	Stage Stage
	// Pattern identifies its like, for feedback.
	Pattern uint64
}

// Stage is how far an attack has come.
type Stage uint8

// The stages.
const (
	Looking  Stage = iota // finding out what there is
	Entering              // credentials, sign-ins
	Holding               // made to stay, or to gain rights
	Hiding                // logs and defences
	Taking                // data, models, compute
)

// Stages are the words for the stages.
var Stages = [...]string{"looking around", "getting credentials", "holding on or gaining rights", "hiding", "taking or destroying"}

// Factor is one part of a score.
type Factor struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Why   string  `json:"why"`
}

// Scorer says what is at stake where signals are: factors that the surprise is
// multiplied by.
type Scorer interface {
	Stakes(nodes []string) []Factor
}

// Incident is a group of signals that a person is told of.
type Incident struct {
	ID          string
	First, Last time.Time
	Raised      time.Time
	Score       float64
	Factors     []Factor
	Principals  []string
	Techniques  []string
	// Signals are the weightiest first, at most maxKept; Count is how many there were.
	Signals []Signal
	Count   int
}

// Options of an engine.
type Options struct {
	// Window is how long after its last signal a group takes another; 2 h if 0.
	Window time.Duration
	// Budget of incidents; nil raises none.
	Budget *Budget
	// Scorer says what is at stake; nil: nothing is known of that.
	Scorer Scorer
	// Silenced reports whether a person has said that the like of a signal is fine.
	Silenced func(pattern uint64) bool
	// Raise is called when a group becomes an incident, and Grow when one gets another
	// signal. Either may be nil. The incident may change after they return.
	Raise, Grow func(*Incident)
}

const (
	maxKept   = 200 // signals of a group
	maxNodes  = 500 // nodes of a group
	joinsFrom = 2.0 // surprise from which a signal joins groups by things
	manyHands = 3   // principals that may act on a thing for it to join them
	halves    = 0.5 // what each next signal adds to the one before it
)

// group is signals that belong together.
type group struct {
	into     *group // the group it has become part of
	incident Incident
	best     map[string]float64 // surprise by storyOf
	nodes    map[string]bool
	stages   [len(Stages)]bool
	stakes   []Factor
	raised   bool
	withheld bool // it was not raised only because the budget was spent
	weighed  int  // nodes when stakes were asked for
	drill    string
}

func (g *group) root() *group {
	for g.into != nil {
		g = g.into
	}
	return g
}

// Engine makes incidents. It is not for several goroutines at once.
type Engine struct {
	o      Options
	groups []*group // those still open, in no order
	byNode map[string]*group
	hands  map[string][]string // principals seen at a thing
	swept  time.Time
	day    time.Time
	serial int
	// late takes the signals of a backfill, so that what was done weeks apart is not one
	// group. nil until there is one.
	late *Engine
	// drills takes the signals of synthetic attacks, which join nothing that happened: they
	// are told of at the same score, and the budget neither learns nor pays for them. nil
	// until there is one.
	drills *Engine
	drill  bool // it is such an engine
}

// New returns an engine.
func New(o Options) *Engine {
	if o.Window == 0 {
		o.Window = 2 * time.Hour
	}
	return &Engine{o: o, byNode: map[string]*group{}, hands: map[string][]string{}}
}

// another is an engine that shares nothing with this one but its options.
func (e *Engine) another(drill bool) *Engine {
	out := New(e.o)
	out.drill = drill
	return out
}

// Add takes a signal in. It returns the incident that the signal raised or belongs to;
// nil if its group is none, or if it is silenced.
func (e *Engine) Add(s Signal) *Incident {
	if s.Played && !e.drill {
		if e.drills == nil {
			e.drills = e.another(true)
		}
		e.Pass(s.Time)
		return e.drills.Add(s)
	}
	if e.swept.Sub(s.Time) > lateFrom {
		if e.late == nil {
			e.late = e.another(e.drill)
		}
		if e.late.swept.Sub(s.Time) > e.o.Window { // and back again: its groups are over
			e.late.end(func(*group) bool { return true })
			e.late.swept = time.Time{}
		}
		return e.late.Add(s)
	}
	e.Pass(s.Time)
	if e.o.Silenced != nil && e.o.Silenced(s.Pattern) {
		return nil
	}
	g := e.place(&s)
	g.add(s)
	e.score(g)
	switch {
	case g.raised:
		if e.o.Grow != nil {
			e.o.Grow(&g.incident)
		}
	case e.o.Budget != nil && g.incident.Score >= e.o.Budget.Threshold():
		g.raised = true
		if g.withheld {
			g.withheld = false
			e.o.Budget.withheld = max(0, e.o.Budget.withheld-1)
		}
		e.serial++
		g.incident.Raised = s.Time
		g.incident.ID = idOf(&s)
		if !e.drill {
			e.o.Budget.spend()
		}
		if e.o.Raise != nil {
			e.o.Raise(&g.incident)
		}
	default:
		if e.o.Budget != nil && !e.drill && !g.withheld && e.o.Budget.withholds(g.incident.Score) {
			g.withheld = true
			e.o.Budget.withhold()
		}
		return nil
	}
	return &g.incident
}

// idOf names an incident by the signal that raised it: the same from run to run.
func idOf(s *Signal) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d:%s%d:%s", len(s.Event), s.Event, len(s.By), s.By)
	return fmt.Sprintf("I-%016x", h.Sum64())
}

// Pass lets time go by: groups whose window is over end.
func (e *Engine) Pass(t time.Time) {
	if e.o.Budget != nil {
		e.o.Budget.pass(t)
	}
	if t.Sub(e.swept) < time.Minute*10 {
		return
	}
	e.swept = t
	if e.drills != nil {
		e.drills.Pass(t)
	}
	e.end(func(g *group) bool { return t.Sub(g.incident.Last) > e.o.Window })
	if day := t.Truncate(24 * time.Hour); !day.Equal(e.day) {
		e.day = day
		clear(e.hands)
	}
}

// end ends the groups that are over.
func (e *Engine) end(over func(*group) bool) {
	open := e.groups[:0]
	for _, g := range e.groups {
		switch {
		case g.into != nil:
		case over(g):
			if e.o.Budget != nil && !e.drill {
				e.o.Budget.learn(g.incident.Score)
			}
			if e.drill {
				delete(e.byNode, g.drill)
			}
			for n := range g.nodes {
				if e.byNode[n] != nil && e.byNode[n].root() == g {
					delete(e.byNode, n)
				}
			}
		default:
			open = append(open, g)
		}
	}
	clear(e.groups[len(open):])
	e.groups = open
}

// place finds the group of a signal, joining those it connects, and makes one if there
// is none.
func (e *Engine) place(s *Signal) *group {
	var g *group
	if e.drill { // what it has to do with is at stake, and joins it to nothing
		if g = e.byNode[s.Drill]; g == nil {
			g = &group{best: map[string]float64{}, nodes: map[string]bool{}, drill: s.Drill}
			e.groups = append(e.groups, g)
			e.byNode[s.Drill] = g
		}
		for _, n := range append([]string{s.Principal}, s.Nodes...) {
			if n != "" && len(g.nodes) < maxNodes {
				g.nodes[n] = true
			}
		}
		return g
	}
	take := func(n string) {
		if n == "" {
			return
		}
		if was := e.byNode[n]; was != nil {
			g = e.join(g, was.root())
		}
	}
	take(s.Principal)
	for _, n := range s.Nodes {
		take(n)
	}
	take(s.Peers)
	things := e.shared(s)
	for _, n := range things {
		take(n)
	}
	if g == nil {
		g = &group{best: map[string]float64{}, nodes: map[string]bool{}}
		e.groups = append(e.groups, g)
	}
	for _, list := range [][]string{{s.Principal, s.Peers}, s.Nodes, things} {
		for _, n := range list {
			if n != "" && len(g.nodes) < maxNodes {
				g.nodes[n] = true
				e.byNode[n] = g
			}
		}
	}
	return g
}

// shared are the things of a signal that may join it to others.
func (e *Engine) shared(s *Signal) []string {
	if s.Surprise < joinsFrom {
		return nil
	}
	var out []string
	for _, n := range s.Things {
		if n == "" {
			continue
		}
		if h := e.hands[n]; !slices.Contains(h, s.Principal) && len(h) <= manyHands {
			e.hands[n] = append(h, s.Principal)
		}
		if len(e.hands[n]) <= manyHands {
			out = append(out, n)
		}
	}
	return out
}

// join makes one of two groups.
func (e *Engine) join(a, b *group) *group {
	if a == nil || a == b {
		return b
	}
	if a.raised && !b.raised || len(a.incident.Signals) >= len(b.incident.Signals) && a.raised == b.raised {
		a, b = b, a
	}
	a.into = b
	switch {
	case !a.withheld || e.o.Budget == nil:
	case b.withheld || b.raised: // told with b, or counted with it
		e.o.Budget.withheld = max(0, e.o.Budget.withheld-1)
	default:
		b.withheld = true
	}
	for k, v := range a.best {
		b.best[k] = max(b.best[k], v)
	}
	for n := range a.nodes {
		b.nodes[n] = true
	}
	for i := range a.stages {
		b.stages[i] = b.stages[i] || a.stages[i]
	}
	x, y := &b.incident, &a.incident
	x.Count += y.Count
	x.Signals = append(x.Signals, y.Signals...)
	b.trim()
	if y.First.Before(x.First) {
		x.First = y.First
	}
	if y.Last.After(x.Last) {
		x.Last = y.Last
	}
	for _, p := range y.Principals {
		x.Principals = with(x.Principals, p)
	}
	for _, t := range y.Techniques {
		x.Techniques = with(x.Techniques, t)
	}
	return b
}

func with(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// trim keeps the weightiest signals, first.
func (g *group) trim() {
	slices.SortStableFunc(g.incident.Signals, func(a, b Signal) int { return cmp.Compare(b.Surprise, a.Surprise) })
	if len(g.incident.Signals) > maxKept {
		g.incident.Signals = g.incident.Signals[:maxKept]
	}
}

func (g *group) add(s Signal) {
	i := &g.incident
	if i.Count == 0 || s.Time.Before(i.First) {
		i.First = s.Time
	}
	if s.Time.After(i.Last) {
		i.Last = s.Time
	}
	i.Count++
	i.Principals = with(i.Principals, s.Principal)
	for _, t := range s.Techniques {
		i.Techniques = with(i.Techniques, t)
	}
	g.stages[s.Stage] = true
	k := storyOf(&s)
	g.best[k] = max(g.best[k], s.Surprise)
	i.Signals = append(i.Signals, s)
	g.trim()
}

// storyOf is what one signal tells again that another has told: who did what, by whom it
// was pointed at. What peers share is told by all of them at once: ten machines that start
// are not ten kinds of signal, or a scaled production's releases would outweigh an attack.
func storyOf(s *Signal) string {
	if s.Peers != "" {
		return s.Peers + "\x00" + s.By
	}
	return s.Principal + "\x00" + s.Action + "\x00" + s.By
}

// score is the surprise of the group, each next kind of signal counting half of the
// one before, times what is at stake.
func (e *Engine) score(g *group) {
	all := make([]float64, 0, len(g.best))
	for _, v := range g.best {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b float64) int { return cmp.Compare(b, a) })
	surprise, part := 0.0, 1.0
	for _, v := range all {
		surprise += part * v
		if part *= halves; part < 0.01 {
			break
		}
	}
	stages := 0
	for _, on := range g.stages {
		if on {
			stages++
		}
	}
	i := &g.incident
	if e.o.Scorer != nil && len(g.nodes) != g.weighed {
		g.weighed = len(g.nodes)
		nodes := make([]string, 0, len(g.nodes))
		for n := range g.nodes {
			nodes = append(nodes, n)
		}
		slices.Sort(nodes)
		g.stakes = e.o.Scorer.Stakes(nodes)
	}
	i.Factors = append(i.Factors[:0:0], Factor{"surprise", surprise, fmt.Sprintf("%d kinds of signal, the weightiest %.1f", len(all), all[0])})
	i.Factors = append(i.Factors, g.stakes...)
	i.Factors = append(i.Factors, Factor{"stage", 1 + stageStep*float64(stages-1), fmt.Sprintf("%d of %d stages of an attack", stages, len(Stages))})
	i.Score = 1
	for _, f := range i.Factors {
		i.Score *= f.Value
	}
}

// stageStep is what each further stage of an attack adds to the score.
const stageStep = 0.1
