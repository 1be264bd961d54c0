package playbook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// action does one call: approval, prior state, intent, effect, probe, each in the
// journal before the next. A run that was killed after its intent asks first whether
// the effect is there.
func (r *run) action(ctx context.Context, key string, s *Step) error {
	p := r.at(key)
	wait := s.Timeout
	if wait == 0 {
		wait = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if r.o.Actor == nil {
		return errors.New("the run has nobody to act")
	}
	if p.intent == nil {
		call, err := r.call(key, s)
		if err != nil {
			return r.fail(key, failed{Why: s.ID + ": " + err.Error()})
		}
		if err := r.approved(key, s, call); err != nil {
			return err
		}
		prior, err := r.o.Actor.Prepare(ctx, call)
		if err != nil {
			return r.ended(ctx, key, s, err, false)
		}
		if _, err := r.add(eventIntent, key, intended{call, s.Phase, prior}); err != nil {
			return err
		}
		return r.effect(ctx, key, s, call, prior)
	}
	call, prior := p.intent.Call, p.intent.Prior
	if p.applied != nil {
		return r.probe(ctx, key, s, call, prior)
	}
	there, given, err := r.o.Actor.Applied(ctx, call, prior)
	if err != nil {
		return r.ended(ctx, key, s, fmt.Errorf("whether it was done before the process ended: %w", err), true)
	}
	if !there {
		return r.effect(ctx, key, s, call, prior)
	}
	if _, err := r.add(eventApplied, key, outputs{given, true}); err != nil {
		return err
	}
	return r.probe(ctx, key, s, call, prior)
}

// effect applies and probes.
func (r *run) effect(ctx context.Context, key string, s *Step, call Call, prior json.RawMessage) error {
	given, err := r.o.Actor.Apply(ctx, call, prior)
	if err != nil {
		return r.ended(ctx, key, s, err, true)
	}
	if _, err := r.add(eventApplied, key, outputs{Set: given}); err != nil {
		return err
	}
	return r.probe(ctx, key, s, call, prior)
}

// probe verifies what was applied, and takes its outputs.
func (r *run) probe(ctx context.Context, key string, s *Step, call Call, prior json.RawMessage) error {
	given := r.at(key).applied
	if err := r.o.Actor.Verify(ctx, call, prior); err != nil {
		return r.ended(ctx, key, s, fmt.Errorf("applied, but the probe says: %w", err), false)
	}
	set := map[string]string{}
	for _, name := range keys(s.Out) {
		v, ok := given.Set[name]
		if !ok {
			return r.fail(key, failed{Why: fmt.Sprintf("%s: %s gives no output %q", s.ID, s.Do, name)})
		}
		if variable, _ := r.p.Variable(s.Out[name]); fits(variable, v) != nil {
			return r.fail(key, failed{Why: fmt.Sprintf("%s: output %s is no %s", s.ID, name, variable.Type)})
		}
		set[s.Out[name]] = v
	}
	_, err := r.add(eventDone, key, outputs{Set: set, Recovered: given.Recovered})
	return err
}

// ended makes a failure of an actor's error. Where the run itself was told to stop it
// is none: the next Resume goes on there.
func (r *run) ended(ctx context.Context, key string, s *Step, err error, begun bool) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	f := failed{Why: s.ID + ": " + err.Error(), Gone: Gone(err)}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f = failed{Why: s.ID + ": it took longer than its timeout", Unknown: begun}
	}
	return r.fail(key, f)
}

func (r *run) fail(key string, f failed) error {
	if _, err := r.add(eventFailed, key, f); err != nil {
		return err
	}
	return &failure{f.Why, f.Gone}
}

// Gone reports whether an actor's error says that what a call is done to is there no more: the
// error, or one that it wraps, has a method Gone of that answer.
func Gone(err error) bool {
	var g interface{ Gone() bool }
	return errors.As(err, &g) && g.Gone()
}

// call settles a step's parameters.
func (r *run) call(key string, s *Step) (Call, error) {
	c, err := settle(s, r.values())
	c.Key = r.id + "/" + key
	return c, err
}

// Settle is the call that an action step would make with some values, outside any run.
// The error names the first variable that has none.
func (p *Playbook) Settle(s *Step, values map[string]string) (Call, error) {
	vars := map[string]string{}
	for _, v := range p.Variables {
		if v.Value != nil {
			vars[v.Name] = *v.Value
		}
	}
	maps.Copy(vars, values)
	return settle(s, vars)
}

func settle(s *Step, vars map[string]string) (Call, error) {
	c := Call{Action: s.Do, With: map[string]string{}}
	of := func(value string) (string, error) {
		name, ok := reference(value)
		if !ok {
			return literal(value), nil
		}
		v, ok := vars[name]
		if !ok {
			return "", fmt.Errorf("variable %s has no value yet", name)
		}
		return v, nil
	}
	var err error
	if c.Target, err = of(s.On); err != nil {
		return c, err
	}
	for _, k := range keys(s.With) {
		if c.With[k], err = of(s.With[k]); err != nil {
			return c, err
		}
	}
	return c, nil
}

// approved asks for approvals where the policy wants any. They are bound to the call
// as it stands: other parameters need other approvals.
func (r *run) approved(key string, s *Step, c Call) error {
	n := 0
	if r.o.Approvals != nil {
		n = r.o.Approvals(c, s)
	}
	if n == 0 {
		return nil
	}
	digest := c.digest()
	p := r.at(key)
	if p.needs == nil || p.needs.Digest != digest {
		if _, err := r.add(eventNeeds, key, needs{c, n, digest}); err != nil {
			return err
		}
		p = r.at(key)
	}
	if len(p.approved) < n {
		return errWaiting
	}
	return nil
}

func (c Call) digest() string {
	text, err := json.Marshal(c)
	if err != nil {
		return strconv.Quote(c.Key) // strings alone: it cannot fail
	}
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

// Answer gives the answer to a manual step that a run waits for; failed says that
// what was asked for could not be done. An error says that the run does not wait for
// it, or who answered meanwhile.
func Answer(j *Journal, step, by, text string, couldNot bool) error {
	if by = Named(by); by == "" {
		return errors.New("an answer needs a name")
	}
	if _, err := awaited(j, step, "answer"); err != nil {
		return err
	}
	_, err := j.Append(eventAnswered, step, by, answered{text, couldNot})
	return err
}

// Named is a person's name with one space between its words. SameName reports whether two
// names are one person's: case and spaces make nobody another.
func Named(by string) string { return strings.Join(strings.Fields(by), " ") }

// SameName reports whether two names are one person's: see Named.
func SameName(a, b string) bool { return strings.EqualFold(Named(a), Named(b)) }

// Approve lets a call be done that a run waits for. The same person counts once, however
// the name is written.
func Approve(j *Journal, step, by string) error {
	if by = Named(by); by == "" {
		return errors.New("an approval needs a name")
	}
	p, err := awaited(j, step, "approval")
	if err != nil {
		return err
	}
	for _, a := range p.Approved {
		if SameName(a, by) {
			return &Problem{Text: by + " has approved " + step + " already", Mend: fmt.Sprintf("%d people have to, %d have", p.Needs, len(p.Approved))}
		}
	}
	_, err = j.Append(eventApprove, step, by, map[string]string{"digest": p.Call.digest()})
	return err
}

func awaited(j *Journal, step, kind string) (Pending, error) {
	o, err := State(j)
	if err != nil {
		return Pending{}, err
	}
	for _, p := range o.Pending {
		if p.Step == step && p.Kind == kind {
			return p, nil
		}
	}
	mend := "it waits for nothing"
	if len(o.Pending) > 0 {
		mend = "it waits for: "
		for i, p := range o.Pending {
			if i > 0 {
				mend += ", "
			}
			mend += p.Kind + " of " + p.Step
		}
	}
	return Pending{}, &Problem{Text: fmt.Sprintf("the run waits for no %s of %q", kind, step), Mend: mend}
}

// Effect is one call that a run made, with what is needed to take it back.
type Effect struct {
	Step  string          `json:"step"`
	Phase string          `json:"phase,omitempty"`
	Call  Call            `json:"call"`
	Prior json.RawMessage `json:"prior,omitempty"`
	// Stays is the step's: see Step.
	Stays bool `json:"stays,omitempty"`
	// Verified says that its probe passed; Unknown that it may or may not have had
	// its effect; Undone that it was taken back.
	Verified, Unknown, Undone bool
	Why                       string `json:"why,omitempty"`
}

// Effects lists the calls of a run in the order in which they were begun.
func Effects(j *Journal) ([]Effect, error) {
	r, err := open(j, Options{})
	if err != nil {
		return nil, err
	}
	undone := map[string]bool{}
	var out []Effect
	for _, e := range j.Events() {
		switch e.Type {
		case eventUndone:
			undone[e.Step] = true
		case eventIntent:
			p := r.seen[e.Step]
			f := Effect{Step: e.Step, Phase: p.intent.Phase, Call: p.intent.Call, Prior: p.intent.Prior, Verified: p.done != nil}
			if s := r.p.Steps[stepOf(e.Step)]; s != nil {
				f.Stays = s.Stays
			}
			if p.failed != nil {
				f.Why = p.failed.Why
			}
			f.Unknown = p.done == nil && p.applied == nil && (p.failed == nil || !p.failed.Gone)
			out = append(out, f)
		}
	}
	for i := range out {
		out[i].Undone = undone[out[i].Step]
	}
	return out, nil
}

// stepOf is the step of a pass, which is named with the turns of the loops around it.
func stepOf(pass string) string { return pass[strings.LastIndexByte(pass, '/')+1:] }

// Undo takes back what a run did, the last first, and goes on past what cannot be:
// the error joins all that is left. What is undone is not undone again. Of what is gone
// nothing is left to take back, which is written down.
func Undo(ctx context.Context, j *Journal, a Actor, only func(Effect) bool) error {
	if err := j.Hold(); err != nil {
		return err
	}
	effects, err := Effects(j)
	if err != nil {
		return err
	}
	var errs []error
	for i := len(effects) - 1; i >= 0; i-- {
		e := effects[i]
		if e.Undone || only != nil && !only(e) {
			continue
		}
		if _, err := j.Add(eventUndo, e.Step, "", nil); err != nil {
			return err
		}
		err := a.Undo(ctx, e.Call, e.Prior)
		if Gone(err) {
			if _, err := j.Add(eventUndone, e.Step, "", failed{Why: err.Error(), Gone: true}); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", e.Step, err))
			if _, err := j.Add(eventUndoFail, e.Step, "", failed{Why: err.Error()}); err != nil {
				return err
			}
			continue
		}
		if _, err := j.Add(eventUndone, e.Step, "", nil); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}
