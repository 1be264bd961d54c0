package respond

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// eventLifted says that containment was taken back, and why.
const eventLifted = "incident.lifted"

// Standing are the containing effects of an incident that hold things back still: those
// that were not taken back and do not stay for good.
func (d Desk) Standing(i *Incident) ([]playbook.Effect, error) {
	var out []playbook.Effect
	for _, name := range i.Runs {
		j, err := d.Run(i.ID, name)
		if err != nil {
			return nil, err
		}
		list, err := playbook.Effects(j)
		if err := errors.Join(err, j.Close()); err != nil {
			return nil, err
		}
		for _, e := range list {
			if bandage(e) && !e.Undone {
				out = append(out, e)
			}
		}
	}
	return out, nil
}

// bandage reports whether an effect is there for the time of the incident alone.
func bandage(e playbook.Effect) bool { return e.Phase == "contain" && !e.Stays }

// Lift takes back what the procedures of an incident did, the last first: what contains it,
// and of that what does not stay; steps that are named are taken back whatever they are.
// Before everything that is asked at the return is green but for containment itself, it
// wants a reason.
func (d Desk) Lift(ctx context.Context, id, by, reason string, actor playbook.Actor, steps []string) (*Incident, error) {
	i, err := d.Show(id)
	switch {
	case err != nil:
		return nil, err
	case by == "":
		return nil, errNobody
	case strings.TrimSpace(reason) == "" && (len(steps) > 0 || !i.mayLift(d)):
		return nil, fmt.Errorf("%s is %s: containment is taken back once all that the return asks is green, but for containment itself\nhint: sevenfold respond incident return %s asks it; to do it all the same say why: --note REASON", id, i.State, id)
	}
	var errs []error
	found := map[string]bool{}
	undone := 0
	for n := len(i.Runs) - 1; n >= 0; n-- {
		j, err := d.Run(id, i.Runs[n])
		if err != nil {
			return nil, err
		}
		errs = append(errs, playbook.Undo(ctx, j, actor, func(e playbook.Effect) bool {
			found[e.Step] = true
			take := bandage(e)
			if len(steps) > 0 {
				take = slices.Contains(steps, e.Step)
			}
			if take {
				undone++
			}
			return take
		}), j.Close())
	}
	for _, s := range steps {
		if !found[s] {
			errs = append(errs, fmt.Errorf("no step %s of %s changed anything", s, id))
		}
	}
	text := fmt.Sprintf("%d effects were to be taken back", undone)
	if reason != "" {
		text += ": " + reason
	}
	if err := errors.Join(errs...); err != nil {
		text += "; not all were: " + oneLine(err)
	}
	i, err = d.change(id, func(*Incident) ([]change, error) { return []change{{eventLifted, by, text}}, nil })
	return i, errors.Join(append(errs, err)...)
}

// mayLift reports whether containment can be taken back without a reason: it has returned,
// or nothing but containment itself stands in the way of that, by a check that counts.
func (i *Incident) mayLift(d Desk) bool {
	switch i.State {
	case Verified, Returned, Reviewed:
		return true
	case Recovering:
		return i.Checked != nil && i.Checked.onlyHeld() && d.now().Sub(i.Checked.Time) <= checkedFor
	}
	return false
}
