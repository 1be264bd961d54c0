// Package respond is step 7: for each AI scenario a procedure wired to signals and
// people, with containment that was rehearsed, a condition for return to production,
// exercises that prove it, and one place that runs an incident when it comes.
package respond

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// Action is one measure on one type of resource, as the packages under act/ give it.
type Action interface {
	// ID is its name (aws.iam.quarantine-role); Title says what it does, as a clause;
	// Target is the type of what it is done to.
	ID() string
	Title() string
	Target() string
	// Params are its parameters, name: what it is; a name that ends in ? may be left out.
	Params() map[string]string
	// Breaks says what stops working for those who did nothing wrong; Final that it
	// cannot be taken back.
	Breaks() string
	Final() bool
	// Grants are the permissions it needs, by what they are on.
	Grants(target string, with map[string]string) map[string][]string
	// Read is the state that the action changes, in JSON of which equal states are
	// equal bytes. It holds no secret.
	Read(ctx context.Context, target string, with map[string]string) (json.RawMessage, error)
	// Set changes it; twice is once. Holds reports whether a state is the one that Set
	// makes of prior. Put makes the state what it was.
	Set(ctx context.Context, target string, with map[string]string, prior json.RawMessage) error
	Holds(target string, with map[string]string, state, prior json.RawMessage) bool
	Put(ctx context.Context, target string, with map[string]string, prior json.RawMessage) error
}

// Actions are those that can be called, by id. It is the actor of playbooks.
type Actions map[string]Action

var _ playbook.Actor = Actions(nil)

// NewActions gathers actions. Two of one name are a fault of the program.
func NewActions(list ...Action) Actions {
	out := Actions{}
	for _, a := range list {
		if out[a.ID()] != nil {
			panic("two actions are called " + a.ID())
		}
		out[a.ID()] = a
	}
	return out
}

// IDs are the names of all, sorted.
func (as Actions) IDs() []string {
	out := make([]string, 0, len(as))
	for id := range as {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// UnknownActionError says that a playbook calls an action there is not.
type UnknownActionError struct{ ID string }

// Error implements error.
func (e *UnknownActionError) Error() string {
	return fmt.Sprintf("there is no action %q in this session\nhint: sevenfold respond plan --actions lists them; one of a cloud that no source names is not there", e.ID)
}

func (as Actions) find(id string) (Action, error) {
	if a := as[id]; a != nil {
		return a, nil
	}
	return nil, &UnknownActionError{id}
}

// Prepare implements playbook.Actor: the state before.
func (as Actions) Prepare(ctx context.Context, c playbook.Call) (json.RawMessage, error) {
	a, err := as.find(c.Action)
	if err != nil {
		return nil, err
	}
	return a.Read(ctx, c.Target, c.With)
}

// Applied implements playbook.Actor.
func (as Actions) Applied(ctx context.Context, c playbook.Call, prior json.RawMessage) (bool, map[string]string, error) {
	a, err := as.find(c.Action)
	if err != nil {
		return false, nil, err
	}
	now, err := a.Read(ctx, c.Target, c.With)
	if err != nil {
		return false, nil, err
	}
	return a.Holds(c.Target, c.With, now, prior), nil, nil
}

// Apply implements playbook.Actor.
func (as Actions) Apply(ctx context.Context, c playbook.Call, prior json.RawMessage) (map[string]string, error) {
	a, err := as.find(c.Action)
	if err != nil {
		return nil, err
	}
	return nil, a.Set(ctx, c.Target, c.With, prior)
}

// Prober is an action that can tell, beside its state, whether it has the effect it is for: a
// setting may be what was asked, and what it was to stop go on.
type Prober interface {
	Probe(ctx context.Context, target string, with map[string]string) error
}

// Verify implements playbook.Actor: reads again, asks whether it holds, and whether it does what
// it is for.
func (as Actions) Verify(ctx context.Context, c playbook.Call, prior json.RawMessage) error {
	holds, _, err := as.Applied(ctx, c, prior)
	switch p, ok := as[c.Action].(Prober); {
	case err != nil:
	case !holds:
		err = errors.New("the state is not what the action makes: it did not take effect, or somebody undid it")
	case ok:
		err = p.Probe(ctx, c.Target, c.With)
	}
	return err
}

// ChangedError says that somebody changed what an action had set, so that putting back
// what was before would undo their work too.
type ChangedError struct{ Call playbook.Call }

// Error implements error.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s on %s: the state is neither what the action made nor what was before it\nhint: somebody changed it since; look at it and put it right by hand", e.Call.Action, e.Call.Target)
}

// Undo implements playbook.Actor: puts back what was before, and reads that it is so,
// byte for byte. It refuses where somebody else changed the state since. Where the target is
// gone the error says so (playbook.Gone), and what was made beside it is removed.
func (as Actions) Undo(ctx context.Context, c playbook.Call, prior json.RawMessage) error {
	a, err := as.find(c.Action)
	if err != nil {
		return err
	}
	now, err := a.Read(ctx, c.Target, c.With)
	if playbook.Gone(err) && !a.Final() {
		if perr := a.Put(ctx, c.Target, c.With, prior); perr != nil && !playbook.Gone(perr) {
			return perr
		}
	}
	if err != nil {
		return err
	}
	switch {
	case bytes.Equal(now, prior):
		return nil
	case a.Final():
		return fmt.Errorf("%s cannot be taken back\nhint: start anew what it stopped", a.ID())
	case !a.Holds(c.Target, c.With, now, prior):
		return &ChangedError{c}
	}
	if err := a.Put(ctx, c.Target, c.With, prior); err != nil {
		return err
	}
	if now, err = a.Read(ctx, c.Target, c.With); err != nil {
		return err
	}
	if !bytes.Equal(now, prior) {
		return fmt.Errorf("%s on %s: it was put back, and is still not as it was", c.Action, c.Target)
	}
	return nil
}

// Planned is what one call of a playbook would do, and what stands against it.
type Planned struct {
	Step   string        `json:"step"`
	Phase  string        `json:"phase,omitempty"`
	Call   playbook.Call `json:"call"`
	Does   string        `json:"does"`
	Breaks string        `json:"breaks"`
	Final  bool          `json:"final,omitempty"`
	// Grants are the permissions that it needs, by what they are on.
	Grants map[string][]string `json:"grants"`
	// State is what was read; empty where nothing was, with the reason.
	State json.RawMessage `json:"state,omitempty"`
	Why   string          `json:"why,omitempty"`
	// Already says that the state is what the action makes.
	Already bool `json:"already,omitempty"`
}

// Describe tells, for every action of a playbook, what it would do, and reads nothing.
func (as Actions) Describe(p *playbook.Playbook, values map[string]string) []Planned {
	var out []Planned
	for _, s := range p.Actions() {
		out = append(out, as.describe(p, s, values))
	}
	return out
}

func (as Actions) describe(p *playbook.Playbook, s *playbook.Step, values map[string]string) Planned {
	r := Planned{Step: s.ID, Phase: s.Phase}
	c, err := p.Settle(s, values)
	r.Call = c
	if a := as[s.Do]; a != nil {
		r.Does, r.Breaks, r.Final = a.Title(), a.Breaks(), a.Final()
		r.Grants = a.Grants(c.Target, c.With)
	} else if err == nil {
		err = &UnknownActionError{s.Do}
	}
	r.Why = oneLine(err)
	return r
}

func oneLine(err error) string {
	if err == nil {
		return ""
	}
	what, hint, ok := strings.Cut(err.Error(), "\nhint: ")
	if ok {
		what += " (hint: " + hint + ")"
	}
	return what
}

// Rehearse reads, for every action of a playbook whatever its conditions, what it would
// change, and changes nothing. Values that only the run itself will give are named.
func (as Actions) Rehearse(ctx context.Context, p *playbook.Playbook, values map[string]string) []Planned {
	var out []Planned
	for _, s := range p.Actions() {
		r := as.describe(p, s, values)
		if a := as[s.Do]; a != nil && r.Why == "" {
			var err error
			if r.State, err = a.Read(ctx, r.Call.Target, r.Call.With); err == nil {
				r.Already = a.Holds(r.Call.Target, r.Call.With, r.State, r.State)
			}
			r.Why = oneLine(err)
		}
		out = append(out, r)
	}
	return out
}
