package playbook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Call is one action with its parameters settled.
type Call struct {
	// Key is the same for the same pass of the same step of a run, however often
	// the process was killed: an actor may hand it to its provider.
	Key    string            `json:"key"`
	Action string            `json:"action"`
	Target string            `json:"target,omitempty"`
	With   map[string]string `json:"with,omitempty"`
}

// Actor does what action steps ask for. Its methods may be called from several
// goroutines, for different calls.
type Actor interface {
	// Prepare reads what Undo will need and refuses what cannot be done: a target
	// that is gone, a parameter that is missing. It changes nothing. What it returns
	// goes to the journal and must hold no secret.
	Prepare(ctx context.Context, c Call) (prior json.RawMessage, err error)
	// Applied reports whether the call has its effect already, and the outputs it
	// then had.
	Applied(ctx context.Context, c Call, prior json.RawMessage) (yes bool, outputs map[string]string, err error)
	// Apply has the effect. Doing it twice is the same as doing it once.
	Apply(ctx context.Context, c Call, prior json.RawMessage) (outputs map[string]string, err error)
	// Verify probes that what should be so now is so.
	Verify(ctx context.Context, c Call, prior json.RawMessage) error
	// Undo puts back what prior says.
	Undo(ctx context.Context, c Call, prior json.RawMessage) error
}

// Options of a run.
type Options struct {
	Actor Actor
	// Approvals says how many people have to approve a call before it is done, and
	// at what phase of its playbook; nil: nobody.
	Approvals func(c Call, s *Step) int
	// Now is the clock; nil: the machine's.
	Now func() time.Time
}

// Status of a run.
type Status string

// The states a run can be in.
const (
	Running Status = "running" // its process is at work, or was killed
	Waiting Status = "waiting" // for people
	Done    Status = "done"
	Failed  Status = "failed"
)

// Pending is what a run waits for.
type Pending struct {
	Step string `json:"step"` // the pass, as Answer and Approve name it
	Kind string `json:"kind"` // "answer" or "approval"
	Ask  string `json:"ask,omitempty"`
	Of   string `json:"of,omitempty"`
	Call *Call  `json:"call,omitempty"`
	// Approved are those who have approved so far, of Needs.
	Approved []string `json:"approved,omitempty"`
	Needs    int      `json:"needs,omitempty"`
	// Deadline for the answer; zero: none.
	Deadline time.Time `json:"deadline"`
}

// Outcome is how a run stands.
type Outcome struct {
	Status  Status    `json:"status"`
	Why     string    `json:"why,omitempty"`
	Pending []Pending `json:"pending,omitempty"`
	// Gone says that it failed since what it was to change is there no more.
	Gone bool `json:"gone,omitempty"`
}

// The events of a run.
const (
	eventBegin    = "run.begin"
	eventIntent   = "step.intent"
	eventApplied  = "step.applied"
	eventDone     = "step.done"
	eventFailed   = "step.failed"
	eventAsked    = "step.asked"
	eventAnswered = "step.answered"
	eventApprove  = "step.approved"
	eventNeeds    = "step.needs-approval"
	eventChose    = "step.chose"
	eventEnd      = "run.end"
	eventUndo     = "undo.intent"
	eventUndone   = "undo.done"
	eventUndoFail = "undo.failed"
)

type begun struct {
	Playbook string            `json:"playbook"`
	Format   string            `json:"format"`
	Source   string            `json:"source"`
	Values   map[string]string `json:"values"`
}

type ended struct {
	Status Status `json:"status"`
	Why    string `json:"why,omitempty"`
	Gone   bool   `json:"gone,omitempty"`
}

type intended struct {
	Call  Call            `json:"call"`
	Phase string          `json:"phase,omitempty"`
	Prior json.RawMessage `json:"prior,omitempty"`
}

type outputs struct {
	Set map[string]string `json:"set,omitempty"`
	// Recovered says that the effect was found when the run went on after a kill.
	Recovered bool `json:"recovered,omitempty"`
}

type failed struct {
	Why string `json:"why"`
	// Gone says that what it was to be done to is there no more: see Gone.
	Gone bool `json:"gone,omitempty"`
	// Unknown says that it is not known whether the effect took place.
	Unknown bool `json:"unknown,omitempty"`
}

type asked struct {
	Ask      string    `json:"ask"`
	Of       string    `json:"of,omitempty"`
	Deadline time.Time `json:"deadline"`
}

type answered struct {
	Text   string `json:"text"`
	Failed bool   `json:"failed,omitempty"`
}

type needs struct {
	Call   Call   `json:"call"`
	People int    `json:"people"`
	Digest string `json:"digest"`
}

type chose struct {
	Branch string `json:"branch"`
}

// failure of a step: the run goes on where the step says.
type failure struct {
	why  string
	gone bool
}

func (f *failure) Error() string { return f.why }

// errWaiting ends a chain that waits for people.
var errWaiting = errors.New("waiting")

// run is one walk over a playbook with its journal. Every walk begins at the start
// and finds in the journal what was done before.
type run struct {
	id   string // tells this run from others: of the hash of its first event
	p    *Playbook
	j    *Journal
	o    Options
	mu   sync.Mutex // for j, vars and seen
	vars map[string]string
	seen map[string]*pass
}

// pass is one time a step is come to.
type pass struct {
	intent   *intended
	applied  *outputs
	done     *outputs
	failed   *failed
	asked    *asked
	answer   *answered
	answerer string
	needs    *needs
	approved []string
	chose    *chose
	started  time.Time
}

// Begin writes the start of a run to an empty journal: the playbook as it is now, and
// the values of its variables.
func Begin(j *Journal, p *Playbook, values map[string]string) error {
	if len(j.Events()) > 0 {
		return errors.New("the journal has a run already")
	}
	if err := p.Fill(values); err != nil {
		return err
	}
	_, err := j.Append(eventBegin, "", "", begun{p.ID, p.Format, string(p.Source), values})
	return err
}

// Fill checks that values are what the playbook's variables ask for.
func (p *Playbook) Fill(values map[string]string) error {
	for _, name := range keys(values) {
		v, ok := p.Variable(name)
		if !ok {
			return &Problem{Text: fmt.Sprintf("playbook %s has no variable %s", p.ID, name), Mend: "it has: " + p.variableNames()}
		}
		if err := fits(v, values[name]); err != nil {
			return &Problem{Text: err.Error()}
		}
	}
	for _, v := range p.Variables {
		if _, given := values[v.Name]; v.Required && v.Value == nil && !given {
			return &Problem{Text: fmt.Sprintf("playbook %s needs a value for variable %s", p.ID, v.Name), Mend: v.Name + "=VALUE: " + v.About}
		}
	}
	return nil
}

func (p *Playbook) variableNames() string {
	s := ""
	for i, v := range p.Variables {
		if i > 0 {
			s += ", "
		}
		s += v.Name
	}
	return s
}

// Resume goes on with a run as far as it can: to its end, or until it waits for
// people. It is the same whether the run is new, was killed, or has got an answer.
// An error means that the run could not go on and nothing is known to have failed:
// the journal cannot be written, another process runs it, ctx ended.
func Resume(ctx context.Context, j *Journal, o Options) (Outcome, error) {
	if err := j.Hold(); err != nil {
		return Outcome{}, err
	}
	r, err := open(j, o)
	if err != nil {
		return Outcome{}, err
	}
	if out, over := r.over(); over {
		return out, nil
	}
	err = r.chain(ctx, "", r.p.Start)
	var f *failure
	switch {
	case err == nil:
		_, err = r.add(eventEnd, "", ended{Status: Done})
		return Outcome{Status: Done}, err
	case errors.As(err, &f):
		_, err = r.add(eventEnd, "", ended{Failed, f.why, f.gone})
		return Outcome{Status: Failed, Why: f.why, Gone: f.gone}, err
	case errors.Is(err, errWaiting):
		return r.outcome(), nil
	}
	return Outcome{}, err
}

// State tells how a run stands without going on with it.
func State(j *Journal) (Outcome, error) {
	r, err := open(j, Options{})
	if err != nil {
		return Outcome{}, err
	}
	if out, over := r.over(); over {
		return out, nil
	}
	return r.outcome(), nil
}

// Of is the playbook a journal runs, as it was when the run began.
func Of(j *Journal) (*Playbook, map[string]string, error) {
	events := j.Events()
	if len(events) == 0 || events[0].Type != eventBegin {
		return nil, nil, errors.New("the journal holds no run")
	}
	var b begun
	if err := json.Unmarshal(events[0].Data, &b); err != nil {
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	var p *Playbook
	var err error
	if b.Format == "cacao" {
		p, err = Import(b.Playbook, []byte(b.Source))
	} else {
		p, err = Load(b.Playbook, []byte(b.Source))
	}
	return p, b.Values, err
}

func open(j *Journal, o Options) (*run, error) {
	p, values, err := Of(j)
	if err != nil {
		return nil, err
	}
	r := &run{id: j.Events()[0].Hash[:16], p: p, j: j, o: o, vars: map[string]string{}, seen: map[string]*pass{}}
	if r.o.Now == nil {
		r.o.Now = time.Now
	}
	for _, v := range p.Variables {
		if v.Value != nil {
			r.vars[v.Name] = *v.Value
		}
	}
	maps.Copy(r.vars, values)
	for i := range j.Events() {
		if err := r.fold(&j.Events()[i]); err != nil {
			return nil, fmt.Errorf("journal: event %d: %w", i+1, err)
		}
	}
	return r, nil
}

// fold puts one event of the journal into what is known of its pass.
func (r *run) fold(e *Event) error {
	if e.Step == "" {
		return nil
	}
	p := r.seen[e.Step]
	if p == nil {
		p = &pass{started: e.Time}
		r.seen[e.Step] = p
	}
	into := func(v any) error { return json.Unmarshal(e.Data, v) }
	switch e.Type {
	case eventIntent:
		p.intent = &intended{}
		return into(p.intent)
	case eventApplied:
		p.applied = &outputs{}
		return into(p.applied)
	case eventDone:
		p.done = &outputs{}
		err := into(p.done)
		maps.Copy(r.vars, p.done.Set)
		return err
	case eventFailed:
		p.failed = &failed{}
		return into(p.failed)
	case eventAsked:
		p.asked = &asked{}
		return into(p.asked)
	case eventAnswered:
		p.answer, p.answerer = &answered{}, e.By
		return into(p.answer)
	case eventNeeds:
		p.needs = &needs{}
		return into(p.needs)
	case eventApprove:
		var d struct {
			Digest string `json:"digest"`
		}
		if err := into(&d); err != nil {
			return err
		}
		if p.needs != nil && d.Digest == p.needs.Digest && !slices.ContainsFunc(p.approved, func(a string) bool { return SameName(a, e.By) }) {
			p.approved = append(p.approved, e.By)
		}
	case eventChose:
		p.chose = &chose{}
		return into(p.chose)
	}
	return nil
}

// add writes an event of the run and folds it.
func (r *run) add(typ, step string, data any) (*Event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := len(r.j.Events())
	e, err := r.j.Add(typ, step, "", data)
	if err != nil {
		return nil, err
	}
	for i := known; i < len(r.j.Events()); i++ { // what people wrote meanwhile too
		if err := r.fold(&r.j.Events()[i]); err != nil {
			return nil, err
		}
	}
	return &e, nil
}

// at is a copy of what is known of a pass.
func (r *run) at(key string) pass {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.seen[key]; p != nil {
		return *p
	}
	return pass{}
}

func (r *run) values() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.vars)
}

// over returns the outcome of a run that has ended.
func (r *run) over() (Outcome, bool) {
	for i := len(r.j.Events()) - 1; i >= 0; i-- {
		if e := r.j.Events()[i]; e.Type == eventEnd {
			var d ended
			_ = json.Unmarshal(e.Data, &d) // an end that says nothing is still one
			return Outcome{Status: d.Status, Why: d.Why, Gone: d.Gone}, true
		}
	}
	return Outcome{}, false
}

// outcome lists what a run waits for; a run that waits for nothing is running.
func (r *run) outcome() Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := Outcome{Status: Running}
	for _, key := range keys(r.seen) {
		p := r.seen[key]
		switch {
		case p.done != nil || p.failed != nil:
		case p.asked != nil && p.answer == nil:
			out.Pending = append(out.Pending, Pending{Step: key, Kind: "answer", Ask: p.asked.Ask, Of: p.asked.Of, Deadline: p.asked.Deadline})
		case p.needs != nil && p.intent == nil && len(p.approved) < p.needs.People:
			out.Pending = append(out.Pending, Pending{Step: key, Kind: "approval", Call: &p.needs.Call, Approved: p.approved, Needs: p.needs.People})
		}
	}
	if len(out.Pending) > 0 {
		out.Status = Waiting
	}
	return out
}

// chain runs steps one after another until there is no next.
func (r *run) chain(ctx context.Context, prefix, id string) error {
	for id != "" {
		if err := ctx.Err(); err != nil {
			return err
		}
		s := r.p.Steps[id]
		err := r.step(ctx, prefix, s)
		var f *failure
		switch {
		case err == nil:
			id = s.Next
		case errors.As(err, &f) && s.OnFailure != "":
			id = s.OnFailure
		default:
			return err
		}
	}
	return nil
}

// step runs one pass of one step, or finds that it was run. A failure of a block
// inside it is a failure of the step.
func (r *run) step(ctx context.Context, prefix string, s *Step) error {
	key := prefix + s.ID
	switch p := r.at(key); {
	case p.done != nil:
		return nil
	case p.failed != nil:
		return &failure{p.failed.Why, p.failed.Gone}
	}
	var set map[string]string
	var err error
	switch s.Kind {
	case Action:
		return r.action(ctx, key, s) // writes its own end, with its effect
	case Manual:
		set, err = r.manual(key, s)
	case Parallel:
		err = r.parallel(ctx, prefix, s)
	case If, Switch:
		var branch string
		if branch, err = r.choose(key, s); err == nil {
			err = r.chain(ctx, prefix, branch)
		}
	case While:
		err = r.while(ctx, key, s)
	}
	return r.finish(key, set, err)
}

// finish writes how a pass ended, if it did.
func (r *run) finish(key string, set map[string]string, err error) error {
	var f *failure
	switch {
	case err == nil:
		_, err = r.add(eventDone, key, outputs{Set: set})
		return err
	case errors.As(err, &f):
		if _, werr := r.add(eventFailed, key, failed{Why: f.why, Gone: f.gone}); werr != nil {
			return werr
		}
	}
	return err
}

// parallel runs all branches, each to its end or until it waits; one that fails
// stops no other.
func (r *run) parallel(ctx context.Context, prefix string, s *Step) error {
	errs := make([]error, len(s.Branches))
	var wg sync.WaitGroup
	for i, b := range s.Branches {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = r.chain(ctx, prefix, b)
		}()
	}
	wg.Wait()
	var f *failure
	var waits, failed error
	gone := false
	for _, err := range errs {
		switch {
		case err == nil:
		case errors.Is(err, errWaiting):
			waits = err
		case errors.As(err, &f):
			failed, gone = errors.Join(failed, err), gone || f.gone
		default:
			return err // the run itself cannot go on
		}
	}
	if waits != nil {
		return waits
	}
	if failed != nil {
		return &failure{fmt.Sprintf("of %s: %v", s.ID, failed), gone}
	}
	return nil
}

// choose decides once where an if or a switch goes on.
func (r *run) choose(key string, s *Step) (string, error) {
	if p := r.at(key); p.chose != nil {
		return p.chose.Branch, nil
	}
	vars := r.values()
	branch := s.Else
	if s.Kind == If {
		yes, err := s.Condition.Holds(vars)
		if err != nil {
			return "", &failure{why: s.ID + ": " + err.Error()}
		}
		if yes {
			branch = s.Then
		}
	} else {
		name := plainName(s.Switch)
		v, ok := vars[name]
		if !ok {
			return "", &failure{why: fmt.Sprintf("%s: variable %s has no value yet", s.ID, name)}
		}
		if branch, ok = s.Cases[v]; !ok {
			if branch = s.Default; branch == "" {
				return "", &failure{why: fmt.Sprintf("%s: no case fits the value of %s, and there is no default", s.ID, name)}
			}
		}
	}
	_, err := r.add(eventChose, key, chose{branch})
	return branch, err
}

// while runs its block until the condition does not hold, at most Max times: a loop
// that does not end is a failure, not a success.
func (r *run) while(ctx context.Context, key string, s *Step) error {
	for i := 0; ; i++ {
		turn := key + "#" + strconv.Itoa(i)
		p := r.at(turn)
		if p.chose == nil {
			yes, err := s.Condition.Holds(r.values())
			if err != nil {
				return &failure{why: s.ID + ": " + err.Error()}
			}
			c := chose{"stop"}
			if yes {
				c.Branch = "again"
			}
			if yes && i >= s.Max {
				return &failure{why: fmt.Sprintf("%s: the condition still holds after %d times", s.ID, s.Max)}
			}
			if _, err := r.add(eventChose, turn, c); err != nil {
				return err
			}
			p = r.at(turn)
		}
		if p.chose.Branch == "stop" {
			return nil
		}
		if err := r.chain(ctx, turn+"/", s.Then); err != nil {
			return err
		}
	}
}

// manual asks, and waits for the answer; none by the deadline is a failure.
func (r *run) manual(key string, s *Step) (map[string]string, error) {
	p := r.at(key)
	if p.asked == nil {
		a := asked{Ask: Render(s.Ask, r.values()), Of: s.Of}
		if s.Timeout > 0 {
			a.Deadline = r.o.Now().UTC().Add(s.Timeout)
		}
		if _, err := r.add(eventAsked, key, a); err != nil {
			return nil, err
		}
		p = r.at(key)
	}
	if p.answer == nil {
		if !p.asked.Deadline.IsZero() && r.o.Now().After(p.asked.Deadline) {
			return nil, &failure{why: fmt.Sprintf("%s: nobody answered by %s", s.ID, p.asked.Deadline.Format(time.RFC3339))}
		}
		return nil, errWaiting
	}
	if p.answer.Failed {
		return nil, &failure{why: fmt.Sprintf("%s: %s says that it could not be done: %s", s.ID, p.answerer, p.answer.Text)}
	}
	if s.Answer == "" {
		return nil, nil
	}
	if v, _ := r.p.Variable(s.Answer); fits(v, p.answer.Text) != nil {
		return nil, &failure{why: fmt.Sprintf("%s: the answer is no %s", s.ID, v.Type)}
	}
	return map[string]string{s.Answer: p.answer.Text}, nil
}
