package access

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
)

// Use is one call that a log shows. Calls that were refused are uses too, with
// the error; they are no use of a grant.
type Use struct {
	Time  time.Time
	Event string // the log's own id
	// Principal is the ARN of a user, a role (of the session that called) or a
	// root user; of a cluster the name of the user ("system:serviceaccount:NS:NAME").
	Principal string
	// Session is the name of the role's session, By whoever stands behind a
	// session or an impersonation, where the log says so.
	Session, By string
	// Account of twelve digits, or the name of a cluster; empty where the log does
	// not say it.
	Account, Region string
	// Action is an action of IAM's ("s3:GetObject"), or "k8s:VERB:GROUP/RESOURCE[/SUB]".
	// It is empty if the event's name is no action that is known; Name says which.
	Action string
	// Name is the event as the log calls it, "s3:ListObjectsV2".
	Name string
	// Resources are ARNs, "*" for actions that have none; of a cluster
	// "NAMESPACE/NAME" with parts empty where there are none.
	Resources []string
	// Untold says that the log does not tell all resources that were called on.
	Untold bool
	// Derived says that the call is not in the log: IAM asks for it together with
	// one that is (iam:PassRole with a job that is given a role).
	Derived bool
	// Data says that CloudTrail logs it as an event of the data plane.
	Data bool
	// Write says that it changes something.
	Write bool
	// Context holds condition keys that the event tells.
	Context map[string][]string
	// Error is the code with which it was refused; empty if it was not.
	Error string
}

// Refused reports whether the call was not let through. A call that failed for
// another reason had the right to be made.
func (u *Use) Refused() bool {
	switch e := strings.ToLower(u.Error); {
	case e == "":
		return false
	case u.Error == "403", u.Error == "401":
		return true
	default:
		return strings.Contains(e, "accessdenied") || strings.Contains(e, "unauthorized") || strings.Contains(e, "notauthorized") ||
			strings.Contains(e, "forbidden") || strings.Contains(e, "authfailure") || strings.Contains(e, "invalidclienttokenid") || strings.Contains(e, "expiredtoken")
	}
}

// Bounds of what is kept for one action of one principal. What is beyond them is
// not forgotten: of it the resource, or the context, counts as not told.
const (
	maxResources = 5000
	maxContexts  = 16
)

// Usage is what logs say of who called what. It is filled by Add, and read
// afterwards.
type Usage struct {
	// Events is how many there were in the logs, Refused how many of them were
	// refused, Late and Early how many lie outside the window.
	Events, Refused, Outside int
	// From and To bound the window; zero: no bound.
	From, To time.Time
	// Broken names the logs that could not be read to their end, with the place.
	Broken []string
	// Unmapped counts events whose name is no action that is known, by name.
	Unmapped map[string]int
	// Seen is what the logs cover, by account and cluster.
	Seen map[string]*Observation
	// Gains are calls that gave somebody rights, oldest first once Sort ran.
	Gains []Gain
	// Trials are begins and ends of experiments that the logs show.
	Trials []Trial

	by map[string]*caller
	// taken is when somebody last took a role, by principalKey.
	taken map[string]time.Time
}

// Observation is what logs cover of one account or cluster.
type Observation struct {
	First, Last time.Time
	Events      int
	Regions     map[string]int
	// days are those on which something was logged, by their number since 1970.
	days map[int64]bool
	// data are actions of the data plane that were seen, of anybody; verbs the same
	// for a cluster ("get /secrets").
	data, verbs map[string]bool
}

// caller is what one principal did.
type caller struct {
	name    string    // as the first event spells it
	first   time.Time // zero: nothing was let through
	last    time.Time
	actions map[string]*done
	keys    map[string]time.Time // by access key id, the last use
	// refused and unmapped count calls that were not let through, and those whose
	// action is not known.
	refused, unmapped map[string]int
}

// done is what one principal did by one action.
type done struct {
	count       int
	first, last time.Time
	event       string // the last one's id
	untold      bool   // of some call the resource is not told
	derived     bool
	resources   map[string]*place1
}

// place1 is the use of one action on one resource.
type place1 struct {
	count    int
	last     time.Time
	contexts map[string]map[string][]string // by their spelling
	open     bool                           // some call's context is not kept
}

// NewUsage returns one that counts what happened from one time to another; a zero
// time is no bound.
func NewUsage(from, to time.Time) *Usage {
	return &Usage{From: from, To: to, Unmapped: map[string]int{}, Seen: map[string]*Observation{}, by: map[string]*caller{}, taken: map[string]time.Time{}}
}

// principalKey names a principal in one way: a role's path is not in the ARN of
// its sessions, and names are unique within an account without it.
func principalKey(arn string) string {
	a, ok := aws.ParseARN(arn)
	if !ok {
		return arn
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	switch {
	case a.Service == "sts" && kind == "assumed-role":
		name, _, _ := strings.Cut(rest, "/")
		return a.Account + "/role/" + strings.ToLower(name)
	case a.Service == "iam" && (kind == "role" || kind == "user"):
		return a.Account + "/" + kind + "/" + strings.ToLower(rest[strings.LastIndexByte(rest, '/')+1:])
	}
	return arn
}

// within reports whether a time counts.
func (u *Usage) within(t time.Time) bool {
	return (u.From.IsZero() || !t.Before(u.From)) && (u.To.IsZero() || !t.After(u.To))
}

// Add counts a call.
func (u *Usage) Add(one Use) {
	if !one.Derived {
		u.Events++
	}
	if !u.within(one.Time) {
		u.Outside++
		return
	}
	o := u.Seen[one.Account]
	if o == nil {
		o = &Observation{First: one.Time, Last: one.Time, Regions: map[string]int{}, days: map[int64]bool{}, data: map[string]bool{}, verbs: map[string]bool{}}
		u.Seen[one.Account] = o
	}
	o.note(&one)
	key := principalKey(one.Principal)
	if strings.HasPrefix(one.Action, "k8s:") {
		key = one.Account + "\x00" + one.Principal
	}
	c := u.by[key]
	if c == nil {
		c = &caller{name: one.Principal, actions: map[string]*done{}, keys: map[string]time.Time{}, refused: map[string]int{}, unmapped: map[string]int{}}
		u.by[key] = c
	}
	switch {
	case one.Refused():
		if !one.Derived {
			u.Refused++
			c.refused[cmp.Or(one.Action, one.Name)]++
		}
	case one.Action == "":
		u.Unmapped[one.Name]++
		c.unmapped[one.Name]++
		c.seen(one.Time)
	default:
		c.seen(one.Time)
		c.add(&one)
		if strings.HasPrefix(one.Action, "sts:AssumeRole") {
			for _, role := range one.Resources {
				key := principalKey(role)
				u.taken[key] = later2(u.taken[key], one.Time)
			}
		}
	}
}

// seen notes that somebody did something.
func (c *caller) seen(t time.Time) {
	if c.first.IsZero() {
		c.first, c.last = t, t
	}
	c.first, c.last = earlier(c.first, t), later2(c.last, t)
}

func (o *Observation) note(one *Use) {
	if one.Derived {
		return
	}
	o.Events++
	o.First, o.Last = earlier(o.First, one.Time), later2(o.Last, one.Time)
	o.days[one.Time.Unix()/86400] = true
	if one.Region != "" {
		o.Regions[one.Region]++
	}
	switch {
	case one.Data:
		o.data[one.Action] = true
	case strings.HasPrefix(one.Action, "k8s:"):
		o.verbs[one.Action] = true
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later2(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (c *caller) add(one *Use) {
	d := c.actions[one.Action]
	if d == nil {
		d = &done{first: one.Time, last: one.Time, resources: map[string]*place1{}, derived: one.Derived}
		c.actions[one.Action] = d
	}
	d.count++
	d.first, d.derived = earlier(d.first, one.Time), d.derived && one.Derived
	if !one.Time.Before(d.last) {
		d.last, d.event = one.Time, one.Event
	}
	d.untold = d.untold || one.Untold
	for _, r := range one.Resources {
		p := d.resources[r]
		if p == nil {
			if len(d.resources) >= maxResources {
				d.untold = true
				continue
			}
			p = &place1{last: one.Time, contexts: map[string]map[string][]string{}}
			d.resources[r] = p
		}
		p.count++
		p.last = later2(p.last, one.Time)
		spelt := spell(one.Context)
		if _, ok := p.contexts[spelt]; !ok {
			if len(p.contexts) >= maxContexts {
				p.open = true
				continue
			}
			p.contexts[spelt] = one.Context
		}
	}
}

// spell writes a context in one way.
func spell(context map[string][]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(context)) {
		b.WriteString(k + "=" + strings.Join(context[k], ",") + ";")
	}
	return b.String()
}

// Sort puts gains and trials in the order of time.
func (u *Usage) Sort() {
	slices.SortStableFunc(u.Gains, func(a, b Gain) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Event, b.Event)) })
	slices.SortStableFunc(u.Trials, func(a, b Trial) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Event, b.Event)) })
}

// Empty reports whether nothing was seen at all.
func (u *Usage) Empty() bool { return u == nil || u.Events == 0 }

// ordered are the keys of a map, sorted.
func ordered[K cmp.Ordered, V any](m map[K]V) []K {
	return append([]K{}, slices.Sorted(maps.Keys(m))...)
}
