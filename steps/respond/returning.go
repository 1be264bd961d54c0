package respond

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Light is how one item of the return to production stands.
type Light string

// The lights. Only green lets anything through.
const (
	Green   Light = "green"
	Red     Light = "red"
	Unknown Light = "unknown"
	// Held says that containment itself is all that stands in the way: what it changed
	// differs from the baseline until it is taken back.
	Held Light = "held"
)

// ReturnItem is one thing that has to be so before an asset returns to production.
type ReturnItem struct {
	ID    string `json:"id"`
	Asks  string `json:"asks"`
	Light Light  `json:"light"`
	Why   string `json:"why"`
}

// ReturnCheck is all of them, at one time.
type ReturnCheck struct {
	Time  time.Time    `json:"time"`
	Items []ReturnItem `json:"items"`
}

// Green reports whether every item is; no item at all is none.
func (r *ReturnCheck) Green() bool {
	for _, i := range r.Items {
		if i.Light != Green {
			return false
		}
	}
	return len(r.Items) == len(returnAsks)
}

// onlyHeld reports whether all is green but for containment itself.
func (r *ReturnCheck) onlyHeld() bool {
	for _, i := range r.Items {
		if i.Light != Green && i.Light != Held {
			return false
		}
	}
	return len(r.Items) == len(returnAsks)
}

// Summary says what is not green.
func (r *ReturnCheck) Summary() string {
	var bad []string
	for _, i := range r.Items {
		if i.Light != Green {
			bad = append(bad, i.ID+" "+string(i.Light)+": "+i.Why)
		}
	}
	if len(bad) == 0 {
		return fmt.Sprintf("all %d items are green", len(r.Items))
	}
	return strings.Join(bad, "; ")
}

// returnAsks are the items, in order. Accuracy is none of them: measured on a model with
// a backdoor in 2% of its training data, it kept 97.4% accuracy with 99.2% of attacks
// succeeding, and three statistical filters of the data left 95%.
var returnAsks = []struct{ id, asks string }{
	{"artifact", "the hash of what is served equals the one that was signed"},
	{"lineage", "no poisoned version of data or model is upstream of it"},
	{"behaviour", "probes answer as the model that is known to be good does"},
	{"permissions", "who can act on it and as it equals the baseline"},
	{"drift", "nothing else differs from the baseline"},
	{"quiet", "no detection of the scenario for the time that was set"},
}

// Checks answer the items of the return, by id. One that is missing is unknown.
type Checks map[string]func() (Light, string)

// Check asks all items.
func (c Checks) Check(now time.Time) *ReturnCheck {
	r := &ReturnCheck{Time: now}
	for _, a := range returnAsks {
		item := ReturnItem{ID: a.id, Asks: a.asks, Light: Unknown, Why: "nothing here can tell"}
		if ask := c[a.id]; ask != nil {
			item.Light, item.Why = ask()
		}
		if item.Light != Green && item.Light != Red && item.Light != Held {
			item.Light = Unknown
		}
		r.Items = append(r.Items, item)
	}
	return r
}

// checkedFor is how long a check holds: what was true an hour ago may not be.
const checkedFor = time.Hour

// CheckReturn writes down a check, and moves a recovering incident to verified if all of
// it is green.
func (d Desk) CheckReturn(id, by string, c Checks) (*Incident, error) {
	return d.change(id, func(i *Incident) ([]change, error) {
		if i.State != Recovering && i.State != Verified {
			return nil, &OrderError{i.ID, i.State, Verified, "", i.Next}
		}
		if by == "" {
			return nil, errNobody
		}
		r := c.Check(d.now())
		list := []change{{eventReturn, by, r}}
		if i.State == Recovering && r.Green() {
			m, err := i.move(Verified, by, r.Summary())
			if err != nil {
				return nil, err
			}
			list = append(list, m)
		}
		if i.State == Verified && !r.Green() { // it was, and is no more
			list = append(list, change{eventNote, by, "it is not verified any more: " + r.Summary()})
		}
		return list, nil
	})
}

// Restore moves to returned. It is refused while any item of the last check is not
// green, and where that check is older than an hour.
func (d Desk) Restore(id, by string) (*Incident, error) {
	return d.change(id, func(i *Incident) ([]change, error) {
		m, err := i.move(Returned, by, "")
		if err != nil {
			if i.Checked != nil && !i.Checked.Green() {
				err = errors.Join(fmt.Errorf("restoring is refused: %s", i.Checked.Summary()), err)
			}
			return nil, err
		}
		switch {
		case i.Checked == nil || !i.Checked.Green():
			return nil, fmt.Errorf("restoring is refused: the last check is not green\nhint: %s", i.Next)
		case d.now().Sub(i.Checked.Time) > checkedFor || d.now().Before(i.Checked.Time.Add(-time.Minute)):
			return nil, fmt.Errorf("restoring is refused: the last check is of %s\nhint: check again: sevenfold respond incident return %s", i.Checked.Time.Format(time.RFC3339), i.ID)
		}
		return []change{m}, nil
	})
}
