package audit

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
)

// Actor is who made a difference, by the event that shows it.
type Actor struct {
	Principal string    `json:"principal"`
	Event     string    `json:"event"`  // the log's own id
	Action    string    `json:"action"` // "s3:PutBucketPolicy", "patch deployments"
	Time      time.Time `json:"time"`
	// Others counts further events in the window that fit the change.
	Others int `json:"others,omitempty"`
	// Also are other principals whose events in the window fit the change as well,
	// so that nobody can say it was not they; sorted, at most maxAlso.
	Also []string `json:"also,omitempty"`
}

// Actors are those who made the changes, by the names that Keys gives them.
func (d *Drift) Actors() map[string]Actor {
	out := map[string]Actor{}
	for i := range d.Records {
		if r := &d.Records[i]; r.By != nil {
			for _, key := range r.keys() {
				out[key] = *r.By
			}
		}
	}
	return out
}

// Credit names for each change who is remembered to have made it: a log is read
// once, the difference stays. A record of several acts becomes one of each.
func (d *Drift) Credit(by map[string]Actor) {
	if len(by) == 0 {
		return
	}
	var out []Record
	for i := range d.Records {
		r := &d.Records[i]
		if r.Status == StatusUnknown {
			out = append(out, *r)
			continue
		}
		actors := make([]*Actor, len(r.Changes))
		for n, c := range r.Changes {
			if actor, known := by[r.seenKey(c)]; known {
				actors[n] = &actor
			}
		}
		out = append(out, r.credited(actors)...)
	}
	d.Records = out
	d.sortRecords()
}

// credited names who made a record, and divides what was changed in several acts.
// What came or went as a whole did so in one.
func (r *Record) credited(actors []*Actor) []Record {
	if r.What == WhatChanged {
		parts := r.divide(actors)
		for i := range parts {
			if parts[i].By != nil {
				parts[i].ByWhy = ""
			}
		}
		return parts
	}
	for _, a := range actors {
		if a != nil {
			r.By, r.ByWhy = a, ""
			break
		}
	}
	return []Record{*r}
}

// clockSkew is how far the clocks of who logs and who reads may differ.
const clockSkew = 5 * time.Minute

// Who finds for each change the event that made it: an act on its asset, of the
// kind that makes such a change, between the last snapshot without it and the
// first with it. Changes of one asset that different events made are different
// acts, and become records of their own. Who is remembered stays where none is
// found. why says, of records for which none is known, why not.
func (d *Drift) Who(list []events.Event, why string) {
	byTime := slices.SortedFunc(slices.Values(list), func(a, b events.Event) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	var out []Record
	for i := range d.Records {
		r := &d.Records[i]
		r.ByWhy = why
		if r.Status == StatusUnknown {
			r.By, r.ByWhy = nil, "what could not be compared was done by nobody"
			out = append(out, *r)
			continue
		}
		fits, unplaced := eventsOf(r, byTime)
		if unplaced {
			r.ByWhy = "an audit log tells of such an act and does not name its cluster, and there are several: --source events:PATH,cluster=NAME says whose it is"
		}
		remembered := r.By
		r.By = nil
		if r.What != WhatChanged {
			if r.By = best(r, nil, fits); r.By == nil {
				r.By = remembered
			}
			if r.By != nil {
				r.ByWhy = ""
			}
			out = append(out, *r)
			continue
		}
		out = append(out, d.who(r, fits, remembered)...)
	}
	divided := len(out) > len(d.Records)
	d.Records = out
	d.sortRecords()
	if divided && d.zoneWas != nil {
		d.Zones(d.zoneWas, d.zoneIs)
	}
	if divided {
		d.Accept(d.signed, d.signedAt)
	}
}

// who finds who made each change of one record.
func (d *Drift) who(r *Record, fits []*events.Event, remembered *Actor) []Record {
	whole := *r
	moved := whole.withoutZone()
	actors := make([]*Actor, len(whole.Changes))
	for i, c := range whole.Changes {
		if actors[i] = best(&whole, &c, fits); actors[i] == nil {
			actors[i] = remembered
		}
	}
	parts := whole.credited(actors)
	if moved && len(parts) == 1 {
		r.By, r.ByWhy = parts[0].By, parts[0].ByWhy
		return []Record{*r}
	}
	return parts
}

// eventsOf are the events in the window of a record that are about its asset and
// of a kind that may have made it, in the order of time. unplaced says that one
// would be, were its cluster known.
func eventsOf(r *Record, byTime []events.Event) (out []*events.Event, unplaced bool) {
	from, to := r.LastSame.Add(-clockSkew), r.FirstSeen.Add(clockSkew)
	i, _ := slices.BinarySearchFunc(byTime, from, func(e events.Event, t time.Time) int { return e.Time.Compare(t) })
	for ; i < len(byTime) && !byTime[i].Time.After(to); i++ {
		e := &byTime[i]
		unplaced = unplaced || e.Object != nil && e.Cluster == "" && fitSomewhere(r, e)
		if about(r, e) > 0 {
			out = append(out, e)
		}
	}
	return out, unplaced
}

// best is who made a change, by the latest of the events that fit it best; nil if
// none does. c is nil for a record as a whole. A change that no event explains by
// itself is what the only act on the asset brought along.
func best(r *Record, c *Change, list []*events.Event) *Actor {
	var fits []*events.Event
	var scores []int
	top := 0
	for _, e := range list {
		if score := fit(r, c, e); score > 0 {
			fits, scores = append(fits, e), append(scores, score)
			top = max(top, score)
		}
	}
	if len(fits) == 0 {
		if only := onlyAct(r, c, list); only != nil {
			return actor(only)
		}
		return nil
	}
	var out *Actor
	also := map[string]bool{}
	for i, e := range fits {
		if scores[i] == top {
			out = actor(e)
			also[e.Principal] = true
		}
	}
	out.Others = len(fits) - 1
	delete(also, out.Principal)
	for p := range also {
		out.Also = append(out.Also, p)
	}
	slices.Sort(out.Also)
	out.Also = out.Also[:min(len(out.Also), maxAlso)]
	return out
}

// onlyAct is the only event that explains other changes of a record, nil where
// there are several, or where what it does is so narrow that it changes nothing
// else.
func onlyAct(r *Record, c *Change, list []*events.Event) *events.Event {
	var only *events.Event
	if c == nil {
		return nil
	}
	for _, e := range list {
		if !slices.ContainsFunc(r.Changes, func(x Change) bool { return fit(r, &x, e) > 0 }) {
			continue
		}
		if only != nil || narrow(e.Action) || contradicts(c, e) {
			return nil
		}
		only = e
	}
	return only
}

func actor(e *events.Event) *Actor {
	action := e.Service + ":" + e.Action
	if e.Object != nil {
		action = strings.TrimSpace(e.Action + " " + e.Object.Resource)
	}
	return &Actor{Principal: e.Principal, Event: e.ID, Action: action, Time: e.Time}
}

// about says how surely an event is about a record's asset; 0: not at all.
func about(r *Record, e *events.Event) int {
	if e.Object != nil {
		return fitObject(r, e)
	}
	if strings.HasPrefix(r.Asset, "k8s://") || e.Account != "" && r.Account != "" && e.Account != r.Account {
		return 0
	}
	service, name := serviceOf(r.Asset), nameOf(r.Asset)
	same := service == e.Service || alias[e.Service] == service || service == ""
	switch {
	case named(e, r.Asset):
		return 3
	case same && (named(e, name) || named(e, r.Asset[strings.LastIndexByte(r.Asset, ':')+1:])):
		return 2
	}
	return 0
}

// alias are services whose events bear another name than their ARNs.
var alias = map[string]string{"monitoring": "cloudwatch", "bedrock": "bedrock-agent", "application-autoscaling": "autoscaling", "es": "opensearch", "elasticmapreduce": "emr"}

func serviceOf(id string) string {
	parts := strings.SplitN(id, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return ""
	}
	return parts[2]
}

func nameOf(id string) string { return id[strings.LastIndexAny(id, "/:")+1:] }

func named(e *events.Event, name string) bool {
	_, ok := slices.BinarySearch(e.Names, name)
	return ok && name != ""
}

// fitObject fits an event of a cluster.
func fitObject(r *Record, e *events.Event) int {
	rest, ok := strings.CutPrefix(r.Asset, "k8s://")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 4 || e.Cluster != parts[0] {
		return 0
	}
	kind, group, _ := strings.Cut(parts[2], ".")
	o := e.Object
	if o.Namespace != parts[1] && !(kind == "Namespace" && o.Namespace == parts[3]) || group != "" && o.Group != group || !plural(kind, o.Resource) {
		return 0
	}
	switch {
	case r.What == WhatRemoved && e.Action == "deletecollection" && o.Name == "":
		return 1
	case o.Name != parts[3]:
		return 0
	}
	switch r.What {
	case WhatAdded, WhatRecreated, WhatRenamed:
		if e.Action == "create" || e.Action == "apply" || e.Action == "patch" { // server-side apply is a patch
			return 2
		}
	case WhatRemoved:
		if e.Action == "delete" {
			return 2
		}
	default:
		if e.Action == "update" || e.Action == "patch" || e.Action == "apply" {
			return 2
		}
	}
	return 0
}

// fitSomewhere reports whether an event would fit a record if it were of its
// cluster.
func fitSomewhere(r *Record, e *events.Event) bool {
	here := *e
	rest, _ := strings.CutPrefix(r.Asset, "k8s://")
	here.Cluster, _, _ = strings.Cut(rest, "/")
	return fitObject(r, &here) > 0
}

// plural reports whether a resource's name is the plural of a kind.
func plural(kind, resource string) bool {
	k := strings.ToLower(kind)
	return slices.Contains([]string{k, k + "s", k + "es", strings.TrimSuffix(k, "y") + "ies"}, resource)
}
