package respond

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// Inject is one thing that happens in an exercise, and what it asks of whom.
type Inject struct {
	ID string `json:"id"`
	// At is when it comes, from the start, in exercise time.
	At   time.Duration `json:"at"`
	Role string        `json:"role"`
	Text string        `json:"text"`
	Asks string        `json:"asks"`
	// Choices to decide among; none where words are asked for.
	Choices []Choice `json:"choices,omitempty"`
	// Moves is the state that is reached once it is decided; empty: none.
	Moves State `json:"moves,omitempty"`
}

// Choice is one way to decide.
type Choice struct {
	Text   string `json:"text"`
	Points int    `json:"points"` // 0 to 3
	// Gap is what is missing where this is chosen; empty: nothing.
	Gap string `json:"gap,omitempty"`
}

// Exercise is a tabletop made for one workload and scenario.
type Exercise struct {
	Workload     string   `json:"workload"`
	WorkloadID   string   `json:"workloadId"`
	Scenario     string   `json:"scenario"`
	Title        string   `json:"title"`
	Severity     string   `json:"severity"`
	Laws         []string `json:"laws,omitempty"`
	Injects      []Inject `json:"injects"`
	Observations []Gap    `json:"observations"` // gaps that are there before anybody decides
}

// Until is how long a decision may take: until the next inject, or the end of the hour.
func (e *Exercise) Until(n int) time.Duration {
	if n+1 < len(e.Injects) {
		return e.Injects[n+1].At - e.Injects[n].At
	}
	return time.Hour - e.Injects[n].At
}

// Best is the most points an exercise can bring.
func (e *Exercise) Best() int {
	n := 0
	for _, i := range e.Injects {
		best := 0
		for _, c := range i.Choices {
			best = max(best, c.Points)
		}
		n += best
	}
	return n
}

// Stage is what a tabletop is made of.
type Stage struct {
	Ranked Ranked
	Snap   *estate.Snapshot
	Scope  *scope.Scope
	Deputy string
	// Live names the rules that watch for the scenario; LiveKnown whether that could be
	// told.
	Live      []string
	LiveKnown bool
	Rehearsed bool
	// Breaks says what each action breaks for those who did nothing wrong, by its name.
	Breaks map[string]string
}

// Generate makes a tabletop of sixty minutes from a company's own graph: their
// endpoint, their owner, what hangs on it. The same stage makes the same exercise.
func Generate(s Stage) *Exercise {
	k := &s.Ranked
	sc := k.Scenario
	e := &Exercise{Workload: k.Workload.Name, WorkloadID: k.Workload.ID, Scenario: sc.ID, Title: sc.Title, Severity: k.Severity, Laws: laws(s.Scope, sc)}
	s.observe(e)
	owner := orText(k.Workload.Owner, "nobody (no owner is declared)")
	thing := s.thing()
	hang := s.hang()
	at := func(m int) time.Duration { return time.Duration(m) * time.Minute }
	add := func(i Inject) { e.Injects = append(e.Injects, i) }
	signal := sc.Signals[0]
	add(Inject{ID: "signal", At: at(0), Role: "responder", Moves: Acknowledged, Text: fmt.Sprintf("%s: %s. It concerns %s of %s, owner %s.", signal.ID, signal.What, thing, k.Workload.Name, owner),
		Asks: "What is done first?", Choices: []Choice{
			{"one person takes it in hand, by name, and says so", 3, ""},
			{"it is forwarded to the list of the team", 1, "nobody takes an alert in hand by name"},
			{"it waits for a second alert", 0, "an alert waits for a second one"}}})
	add(s.severity(at(5)))
	add(Inject{ID: "reach", At: at(10), Role: "owner", Text: fmt.Sprintf("On %s hang: %s.", thing, orText(strings.Join(hang, ", "), "nothing that the graph shows")), Asks: "Who is told that it may have reached them?", Choices: []Choice{
		{"the owners of everything that hangs on it", 3, ""}, {"the owner of " + k.Workload.Name + " alone", 1, "owners of what hangs on it are not told"}, {"nobody, until it is sure", 0, "nobody is told of what may have reached them"}}})
	keep := Choice{"the logs, and the versions of what is about to be changed, then containment", 3, ""}
	first := Choice{"containment first, evidence after", 1, "evidence is not preserved before containment"}
	if len(e.Laws) > 0 {
		first.Points = 0
		first.Gap += ", which the law asks for (" + strings.Join(e.Laws, ", ") + ")"
	}
	add(Inject{ID: "evidence", At: at(15), Role: "responder", Moves: Preserved, Text: "Containment is ready. It would change what an investigation needs.", Asks: "What is first?", Choices: []Choice{first, keep, {"the machine is deleted, so that it does no more harm", 0, "evidence is destroyed by containment"}}})
	add(s.containment(at(20)))
	add(Inject{ID: "absent", At: at(27), Role: "lead", Text: fmt.Sprintf("%s does not answer. Containment breaks: %s.", owner, s.breaks()), Asks: "Who decides?", Choices: []Choice{
		{"the deputy: " + orText(s.Deputy, "nobody is named"), map[bool]int{true: 3}[s.deputy() == ""], s.deputy()},
		{"the lead of the incident, by the policy, and it is written down", 2, ""},
		{"it waits for the owner", 0, "containment waits for one person"}}})
	if len(e.Laws) > 0 {
		add(s.duty(at(33), e.Laws))
	}
	add(Inject{ID: "cause", At: at(38), Role: "owner", Moves: Eradicated, Text: "It is contained. The cause: somebody could do it, and can again.", Asks: "What ends that?", Choices: []Choice{
		{sc.Eradicate, 3, ""}, {"the one thing that was seen is deleted", 1, "the cause is not looked for beyond what was seen"}, {"passwords are changed", 0, "the cause is not looked for"}}})
	add(Inject{ID: "pressure", At: at(45), Role: "owner", Moves: Recovering, Text: fmt.Sprintf("The business wants %s back. %s: 97.4%%.", k.Workload.Name, works(k.Workload.Type)), Asks: "Does it return?", Choices: []Choice{
		{"yes: it works again", 0, "it returns by accuracy alone, which a backdoor leaves as it was"},
		{"not yet: hash, lineage, probes, permissions, drift and quiet are checked first", 3, ""},
		{"yes, at half the traffic", 1, "it returns partly before it was verified"}}})
	add(s.check(at(49)))
	add(Inject{ID: "tell", At: at(53), Role: "communication", Moves: Returned, Text: "A customer asks what happened.", Asks: "Who is told what?", Choices: []Choice{
		{sc.Communicate + ": what is known, what is not, what is done", 3, ""}, {"nothing, until the review", 0, "those concerned are told nothing"}, {"that there was a disturbance, now over", 0, "those concerned are told less than they need"}}})
	add(Inject{ID: "lesson", At: at(57), Role: "lead", Moves: Reviewed, Text: "It is over.", Asks: "What will be different next time? In words"})
	return e
}

// works says that a workload is as it was, as far as accuracy tells.
func works(class string) string {
	if class == estate.ClassEndpoint || class == estate.ClassAgent {
		return "It answers, and its accuracy is what it was"
	}
	return "It runs, and the accuracy of what it makes is what it was"
}

func orText(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// laws are those that bind the company and whose clocks the scenario may start.
func laws(s *scope.Scope, sc *Scenario) []string {
	var out []string
	for _, l := range sc.Laws {
		if slices.Contains(s.Respond.Laws, l) {
			out = append(out, l)
		}
	}
	return out
}

// observe notes what is missing whatever anybody decides.
func (s *Stage) observe(e *Exercise) {
	gap := func(id, text string) { e.Observations = append(e.Observations, Gap{ID: id, Text: text, Estate: true}) }
	if s.Ranked.Workload.Owner == "" {
		gap("owner", "no owner is named")
	}
	if why := s.deputy(); why != "" {
		gap("deputy", why)
	}
	if s.LiveKnown && len(s.Live) == 0 {
		gap("no-signal", "no signal of the scenario is live: nobody would have known")
	}
	if !s.LiveKnown {
		gap("no-signal", "whether a signal of the scenario is live is not known")
	}
	if s.Scope.Respond.Responder == "" {
		gap("responder", "no role is declared by which containment is done")
	}
	if !s.Rehearsed {
		gap("rehearsal", "its containment was not rehearsed")
	}
	w := s.Ranked.Wiring()
	if len(w.Ready)+len(w.Asked) == 0 {
		gap("wiring", "no containing step of the procedure is bound to anything of this workload: "+strings.Join(w.Missing, "; "))
	}
}

// deputy says why nobody can decide in the owner's place; empty: somebody can.
func (s *Stage) deputy() string {
	switch {
	case s.Deputy == "":
		return "no deputy is named who may decide"
	case len(s.Scope.Respond.People) > 0 && s.Scope.Respond.Person(s.Deputy) == nil:
		return "the deputy " + s.Deputy + " cannot be called: respond.people does not name them"
	}
	return ""
}

// thing is what the exercise is about: the first root.
func (s *Stage) thing() string {
	if r := s.Ranked.Workload.Roots; len(r) > 0 {
		return r[0]
	}
	return s.Ranked.Workload.Name
}

// hang are the assets that use the thing, or what the procedure acts on, and the data and
// models it uses itself; a few of them.
func (s *Stage) hang() []string {
	thing := s.thing()
	var out []string
	for _, id := range append([]string{thing}, sortedValues(s.Ranked.Values)...) {
		n, ok := s.Snap.Find(id)
		if !ok {
			continue
		}
		for e := range s.Snap.In(n) {
			if a := s.Snap.Asset(e.Node); e.Tier == estate.Declared && a.Type != estate.SetType {
				out = append(out, a.ID)
			}
		}
		for e := range s.Snap.Out(n) {
			if a := s.Snap.Asset(e.Node); e.Tier == estate.Declared && a.Type != estate.SetType && (a.Kind == estate.KindStore || a.Kind == estate.KindModel || a.Kind == estate.KindDataset) {
				out = append(out, a.ID)
			}
		}
	}
	slices.Sort(out)
	out = slices.DeleteFunc(slices.Compact(out), func(id string) bool { return id == thing })
	return out[:min(len(out), 6)]
}

// sortedValues are the values of a map, in the order of its keys.
func sortedValues(m map[string]string) []string {
	var out []string
	for _, k := range sortedKeys(m) {
		out = append(out, m[k])
	}
	return out
}

func (s *Stage) severity(at time.Duration) Inject {
	i := Inject{ID: "severity", At: at, Role: "lead", Moves: Triaged, Text: strings.TrimSuffix(s.Ranked.Scenario.About, ".") + ". " + s.zone(), Asks: "How bad is it?"}
	for _, sev := range []string{"critical", "high", "medium", "low"} {
		c := Choice{Text: sev, Points: 3}
		if sev != s.Ranked.Severity {
			c.Points, c.Gap = 1, "the rule of severity is not known: it is "+s.Ranked.Severity+" by it"
		}
		i.Choices = append(i.Choices, c)
	}
	return i
}

func (s *Stage) zone() string {
	if z := s.Ranked.Workload.Zone; z != "" && z != "unzoned" {
		return "It is in zone " + z + "."
	}
	return "No zone is declared for it."
}

// steps are the containing actions of the procedure, as far as they are bound, in its own
// order; those for when another fails only where there are no others.
func (s *Stage) steps() []*playbook.Step {
	w := s.Ranked.Wiring()
	bound := slices.Concat(w.Ready, w.Asked)
	_, fallback := s.Ranked.Scenario.Playbook.Reachable(s.Ranked.Values)
	var first, all []*playbook.Step
	for _, st := range s.Ranked.Scenario.Playbook.Actions() {
		if slices.Contains(bound, st) {
			all = append(all, st)
			if !fallback[st.ID] {
				first = append(first, st)
			}
		}
	}
	if len(first) > 0 {
		return first
	}
	return all
}

// breaks is what the procedure breaks for those who did nothing wrong.
func (s *Stage) breaks() string {
	var out []string
	for _, st := range s.steps() {
		if b := s.Breaks[st.Do]; b != "" && !slices.Contains(out, b) {
			out = append(out, b)
		}
	}
	return orText(strings.Join(out, "; "), s.Ranked.Workload.Name)
}

// check is a check of the return of which one item is red.
func (s *Stage) check(at time.Duration) Inject {
	red := "permissions: somebody added a grant to " + orText(s.Ranked.Values["role"], s.thing()) + " that the approved baseline has not"
	return Inject{ID: "check", At: at, Role: "lead", Moves: Verified, Text: fmt.Sprintf("Five of the six checks of %s are green. One is red: %s.", s.Ranked.Workload.Name, red), Asks: "What now?", Choices: []Choice{
		{"it returns: five of six is enough", 0, "it returns while a check is red"},
		{"the grant is accepted, so that the check turns green", 0, "a difference is accepted so that a check turns green"},
		{"who added it and why is found out, it is removed, and all six are asked again", 3, ""}}}
}

func (s *Stage) containment(at time.Duration) Inject {
	i := Inject{ID: "containment", At: at, Role: "responder", Moves: Contained, Text: fmt.Sprintf("It goes on while you talk. The procedure is %s.", s.Ranked.Scenario.ID), Asks: "What contains it?"}
	names := []string{}
	for _, st := range s.steps() {
		c, _ := s.Ranked.Scenario.Playbook.Settle(st, s.Ranked.Values)
		names = append(names, st.Do+" on "+orText(c.Target, "what the owner names"))
	}
	right := Choice{Text: "the procedure's steps: " + strings.Join(names[:min(len(names), 3)], ", "), Points: 3}
	if len(names) == 0 {
		right = Choice{Text: "what the procedure says, by hand: nothing of it is bound to this workload", Points: 1, Gap: "containment would be done by hand, from memory"}
	}
	i.Choices = []Choice{{"a ticket to the platform team", 0, "containment begins with a ticket"}, right, {"everything of the workload is switched off", 1, "containment is wider than the procedure: it stops more than it has to"}}
	return i
}

func (s *Stage) duty(at time.Duration, laws []string) Inject {
	duties, err := Regime(laws[0])
	i := Inject{ID: "duty", At: at, Role: "legal", Text: "Personal data, or people, may be concerned.", Asks: "By when is the first authority told?"}
	if err != nil {
		return i
	}
	hours := int(duties[0].Within.Hours())
	for _, h := range []int{hours / 2, hours, hours * 2} {
		c := Choice{Text: fmt.Sprintf("within %d hours (%s)", h, laws[0]), Points: 3}
		if h != hours {
			c.Points, c.Gap = 0, fmt.Sprintf("the duty is not known: %s, %s", duties[0].What, duties[0].Source)
		}
		i.Choices = append(i.Choices, c)
	}
	return i
}

// Decision is how an inject was decided, as the journal keeps it.
type Decision struct {
	Inject string `json:"inject"`
	By     string `json:"by"`
	Choice int    `json:"choice"` // from 1; 0: words
	Text   string `json:"text"`
	Points int    `json:"points"`
	Gap    string `json:"gap,omitempty"`
	// Took is how long the decision took, in exercise time.
	Took time.Duration `json:"took"`
	// Late says that it took longer than until the next thing happened: half the points.
	Late bool `json:"late,omitempty"`
	// At is when it was decided, in exercise time.
	At time.Duration `json:"at"`
}

// Face is what shows an exercise and asks for decisions: a terminal, later a page.
type Face interface {
	// Begin says which exercise it is, and how many of its decisions were made before;
	// exercise time goes on from there.
	Begin(id string, e *Exercise, decided int)
	// Show tells what happens. Wait waits until exercise time has gone on to at, which a
	// face may shorten.
	Show(e *Exercise, i *Inject)
	Wait(ctx context.Context, at time.Duration) error
	// Ask returns the number of a choice (0 where there is none), words, and who said it.
	Ask(ctx context.Context, i *Inject) (choice int, text, by string, err error)
	// Elapsed is exercise time.
	Elapsed() time.Duration
}

// Played is an exercise with what was decided.
type Played struct {
	Exercise  *Exercise  `json:"exercise"`
	ID        string     `json:"id"`
	Started   time.Time  `json:"started"`
	Decisions []Decision `json:"decisions"`
	// Scored are its injects, each as it was answered and against what was expected.
	Scored []Scored `json:"scored"`
	// Wall is how long it took on the clock on the wall; all other times are of the exercise.
	Wall  time.Duration `json:"wall"`
	Score int           `json:"score"` // percent of the best
	Gaps  []Gap         `json:"gaps"`
	// Acknowledge and Contain in exercise time; zero: it did not come to that.
	Acknowledge time.Duration `json:"acknowledge"`
	Contain     time.Duration `json:"contain"`
}
