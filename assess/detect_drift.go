package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/store"
)

// ToldIncidents are the incidents that detection keeps in a state, without what it learnt.
func ToldIncidents(ctx context.Context, st store.Store) ([]detect.Incident, error) {
	data, _, err := st.Blob(ctx, detectStep, incidentsKey, 0)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	var list []detect.Incident
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("what detection keeps as %s: %w", incidentsKey, err)
	}
	return list, nil
}

// JoinDrift notes on each incident the differences from the baseline that its signals made:
// those whose event drift names, and those that an act on the same thing may have made. It
// returns the incidents of each difference, by its id. What was refused, and what a
// synthetic attack only seemed to do, made none.
func JoinDrift(list []detect.Incident, d *audit.Drift) map[string][]report.DriftIncident {
	out := map[string][]report.DriftIncident{}
	if d == nil {
		return out
	}
	at := indexDrift(d)
	for n := range list {
		i := &list[n]
		i.Drift = nil
		found := map[string]int{} // records, as places in i.Drift
		for k := range i.Signals {
			s := &i.Signals[k]
			if s.Refused || s.Synthetic {
				continue
			}
			for r, shown := range at.of(s) {
				was, known := found[r.ID]
				switch {
				case !known:
					found[r.ID] = len(i.Drift)
					i.Drift = append(i.Drift, detect.Drift{Record: r.ID, Asset: r.Asset, What: r.What, Attribute: r.Attribute(), Consequence: string(r.Consequence), Status: r.Status, Event: s.Event, Shown: shown})
					out[r.ID] = append(out[r.ID], report.DriftIncident{ID: i.ID, Status: i.Status, Event: s.Event, Action: s.Action, Shown: shown})
				case shown && !i.Drift[was].Shown:
					i.Drift[was].Event, i.Drift[was].Shown = s.Event, true
					of := out[r.ID]
					last := &of[len(of)-1] // this incident's
					last.Event, last.Action, last.Shown = s.Event, s.Action, true
				}
			}
		}
		slices.SortFunc(i.Drift, func(a, b detect.Drift) int { return strings.Compare(a.Asset+a.Record, b.Asset+b.Record) })
	}
	return out
}

// driftIndex finds the records that a signal may be about.
type driftIndex struct {
	byEvent, byName map[string][]*audit.Record
	cluster         string // of all records of clusters; "" where there are several or none
}

func indexDrift(d *audit.Drift) *driftIndex {
	x := &driftIndex{byEvent: map[string][]*audit.Record{}, byName: map[string][]*audit.Record{}}
	clusters := map[string]bool{}
	for n := range d.Records {
		r := &d.Records[n]
		if r.Status == audit.StatusUnknown {
			continue // what could not be compared was done by nobody
		}
		if r.By != nil {
			x.byEvent[r.By.Event] = append(x.byEvent[r.By.Event], r)
		}
		names := []string{r.Asset, lastPart(r.Asset), r.Asset[strings.LastIndexByte(r.Asset, ':')+1:]}
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			x.byName[name] = append(x.byName[name], r)
		}
		if c := audit.ClusterOf(r.Asset); c != "" {
			clusters[c] = true
			if x.cluster = c; len(clusters) > 1 {
				x.cluster = ""
			}
		}
	}
	return x
}

func lastPart(id string) string { return id[strings.LastIndexAny(id, "/:")+1:] }

// of gives the records that a signal made (shown), or may have made.
func (x *driftIndex) of(s *detect.Signal) map[*audit.Record]bool {
	out := map[*audit.Record]bool{}
	event, _, _ := strings.Cut(s.Event, "/") // of an audit event the id without its stage
	for _, id := range []string{s.Event, event} {
		for _, r := range x.byEvent[id] {
			out[r] = true
		}
	}
	e := x.act(s)
	for _, thing := range s.Things {
		for _, name := range []string{thing, lastPart(thing)} {
			for _, r := range x.byName[name] {
				if !out[r] && r.MayHaveMade(e) {
					out[r] = false
				}
			}
		}
	}
	return out
}

// act is a signal as drift reads acts: of the event no more is kept than what it was and what
// it was on.
func (x *driftIndex) act(s *detect.Signal) *events.Event {
	service, action, _ := strings.Cut(s.Action, ":")
	e := &events.Event{ID: s.Event, Time: s.Time, Principal: s.Principal, Service: service, Action: action, Account: s.Account}
	verb, what, cluster := strings.Cut(action, " ")
	if !cluster || len(s.Things) == 0 {
		e.Names = slices.Sorted(slices.Values(s.Things))
		return e
	}
	o := &events.Object{Group: service}
	if service == "core" {
		o.Group = ""
	}
	o.Resource, o.Subresource, _ = strings.Cut(what, "/")
	parts := strings.Split(s.Things[0], "/")
	o.Name = parts[len(parts)-1]
	if len(parts) > 2 {
		o.Namespace = parts[0]
	}
	e.Action, e.Object, e.Cluster, e.Account = verb, o, x.cluster, ""
	if s.Account != "" {
		e.Cluster = s.Account
	}
	return e
}
