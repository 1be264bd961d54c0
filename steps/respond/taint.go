package respond

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// eventTaint says what was poisoned.
const eventTaint = "incident.taint"

// Taint is data or a model that an incident poisoned.
type Taint struct {
	// Asset is its id; an object of a store by its own ARN.
	Asset string `json:"asset"`
	// Versions are those of an object that are poisoned. With none all of it is.
	Versions []string `json:"versions,omitempty"`
	// Since is when it began to be; zero: when the first of its versions was written.
	Since time.Time `json:"since,omitzero"`
	// Reaches is what lay downstream when it was said: the blast radius.
	Reaches []string `json:"reaches"`
	// Nothing is why By says that nothing the workload has was poisoned; Asset is empty then.
	Nothing string `json:"nothing,omitempty"`
	By      string `json:"by,omitempty"`
}

// Taint writes down what was poisoned. Said again of an asset it takes the place of what was
// said before.
func (d Desk) Taint(id, by string, t Taint) (*Incident, error) {
	return d.change(id, func(i *Incident) ([]change, error) {
		switch {
		case by == "":
			return nil, errNobody
		case (t.Asset == "") == (strings.TrimSpace(t.Nothing) == ""):
			return nil, fmt.Errorf("what was poisoned is not said\nhint: --asset arn:aws:s3:::BUCKET/KEY --version ID, or --nothing REASON")
		case t.Nothing != "" && (len(t.Versions) > 0 || !t.Since.IsZero()):
			return nil, fmt.Errorf("nothing was poisoned, and so no version of it\nhint: --nothing REASON alone")
		case len(t.Versions) > 0 && !isObject(t.Asset):
			return nil, fmt.Errorf("%s is no object of a store, and has no versions\nhint: --asset arn:aws:s3:::BUCKET/KEY", t.Asset)
		case t.Since.After(d.now()):
			return nil, fmt.Errorf("it cannot be poisoned since %s: that is to come", t.Since.Format(time.RFC3339))
		case i.State == Returned || i.State == Reviewed:
			return nil, fmt.Errorf("%s is %s already\nhint: sevenfold respond incident open, if it is back", id, i.State)
		}
		if t.Reaches == nil {
			t.Reaches = []string{}
		}
		t.By = by
		return []change{{eventTaint, by, t}}, nil
	})
}

// isObject reports whether an id is the ARN of an object of S3.
func isObject(asset string) bool {
	_, key, ok := strings.Cut(strings.TrimPrefix(asset, "arn:"), ":s3:::")
	return ok && strings.HasPrefix(asset, "arn:") && strings.Contains(key, "/")
}

// tainted folds a taint into the incident. That nothing was poisoned is no longer said
// once something was.
func (i *Incident) tainted(t Taint) {
	i.Taints = slices.DeleteFunc(i.Taints, func(o Taint) bool { return o.Asset == t.Asset || o.Nothing != "" })
	i.Taints = append(i.Taints, t)
}

// Poisoned are all things of an incident that may be: those said to be, and the asset that
// it was opened with.
func (i *Incident) Poisoned() []Taint {
	out := slices.DeleteFunc(slices.Clone(i.Taints), func(t Taint) bool { return t.Nothing != "" })
	if i.Asset != "" && !slices.ContainsFunc(out, func(t Taint) bool { return t.Asset == i.Asset }) {
		out = append(out, Taint{Asset: i.Asset, Since: i.Began})
	}
	return out
}

// Unpoisoned is who says that nothing the workload has was poisoned, and why; nil: nobody.
func (i *Incident) Unpoisoned() *Taint {
	for n := range i.Taints {
		if i.Taints[n].Nothing != "" {
			return &i.Taints[n]
		}
	}
	return nil
}
