package behaviour

import (
	"fmt"
	"math"
	"strconv"
)

// Term is one reason why an event is surprising.
type Term struct {
	// Class is what was looked at: "action", "source", "order", "volume", …; Item what
	// was seen there.
	Class, Item string
	// Surprise is minus the decimal logarithm of its rank in its class.
	Surprise float64
	// Self of SelfOf active days of the principal showed it before, Group of GroupOf
	// days of its peers, All of AllOf days of everybody. Of is 0 where it was not asked.
	Self, SelfOf, Group, GroupOf, All, AllOf int
	// Calls are all events of the principal so far.
	Calls int
	// Count and Usual are set for a volume: how much in this hour, and the largest hour
	// before.
	Count, Usual float64
}

var classWords = [classes]string{"service", "action", "action with this program", "order of actions", "resource", "network", "program", "region", "time of day", "refusal", "way of calling", "volume", "match"}

// term says an item in the words of the event.
func (f *found) term(o *Observation) Term {
	t := Term{Class: classWords[f.class], Surprise: f.surprise, Self: f.mine, SelfOf: f.mineOf, Group: f.group, GroupOf: f.groupOf, All: f.all, AllOf: f.allOf, Calls: f.calls, Count: f.count, Usual: f.usual}
	action := o.Service + ":" + o.Action
	switch f.class {
	case ofService:
		t.Item = o.Service + " (" + o.Action + ")"
	case ofAction:
		t.Item = action
	case ofManner:
		t.Item = action + " by " + o.Agent
	case ofOrder:
		t.Item = action + " after what went before"
	case ofResource:
		t.Item = o.Resource
	case ofSource:
		t.Item = o.Source
	case ofAgent:
		t.Item = o.Agent
	case ofRegion:
		t.Item = o.Region
	case ofHour:
		h := o.Time.UTC().Hour() / 3 * 3
		t.Item = fmt.Sprintf("%s %02d-%02d h UTC", o.Time.UTC().Weekday(), h, h+3)
	case ofError:
		t.Item = action + " refused with " + o.Error
	case ofShape:
		t.Item = action + " with " + o.Shape
	case ofVolume:
		t.Item = volumeWords[f.volume]
	}
	return t
}

// String says the term as a person reads it: "action iam:CreateUser: this principal 0
// of 31 days (38k calls), peer group 0 of 4,112, organisation 3 of 61k".
func (t Term) String() string {
	if t.Usual > 0 {
		return fmt.Sprintf("%s: %s %s in this hour, at most %s before", t.Class, short(t.Count), t.Item, short(t.Usual))
	}
	out := t.Class + " " + t.Item + ": "
	if t.Self+t.SelfOf+t.AllOf > 0 {
		out += fmt.Sprintf("this principal %s of %s days (%s calls), ", short(float64(t.Self)), short(float64(t.SelfOf)), short(float64(t.Calls)))
	}
	out += fmt.Sprintf("peer group %s of %s", short(float64(t.Group)), short(float64(t.GroupOf)))
	if t.AllOf > 0 {
		out += fmt.Sprintf(", organisation %s of %s", short(float64(t.All)), short(float64(t.AllOf)))
	}
	return out
}

// short writes a number as it is up to 9,999, then in thousands and millions.
func short(x float64) string {
	n := int(math.Round(x))
	switch {
	case n >= 10_000_000:
		return strconv.Itoa(n/1_000_000) + "M"
	case n >= 10_000:
		return strconv.Itoa(n/1000) + "k"
	case n >= 1000:
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	}
	return strconv.Itoa(n)
}
