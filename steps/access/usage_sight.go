package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// trail is what one trail of CloudTrail logs, as far as its selectors were read.
type trail struct {
	arn, account string
	organisation bool
	unread       string // why its selectors are not known
	// writes and reads say that management events of the kind are logged; left are
	// the event sources that are not.
	writes, reads bool
	left          []string
	// whole are the types of resources of which every event of the data plane is
	// logged, part those of which some are.
	whole, part map[string]bool
}

// selectors is the reply of GetEventSelectors. Source: CloudTrail API Reference,
// EventSelector and AdvancedEventSelector.
type selectors struct {
	EventSelectors []struct {
		ReadWriteType                 string
		IncludeManagementEvents       *bool
		ExcludeManagementEventSources []string
		DataResources                 []struct {
			Type   string
			Values []string
		}
	}
	AdvancedEventSelectors []struct {
		FieldSelectors []struct {
			Field             string
			Equals, NotEquals []string
		}
	}
}

// trailsOf reads the trails of an estate. listed reports of an account whether all
// of its trails were.
func trailsOf(snap *estate.Snapshot) (out []trail, err error) {
	for n, a := range snap.Assets() {
		if a.Type != "AWS::CloudTrail::Trail" || a.Referenced {
			continue
		}
		config, err := snap.Config(n)
		if err != nil {
			return nil, fmt.Errorf("trail %s: %w", a.ID, err)
		}
		out = append(out, readTrail(a, config))
	}
	return out, nil
}

func readTrail(a *estate.Asset, config json.RawMessage) trail {
	t := trail{arn: a.ID, account: accountOf(a), whole: map[string]bool{}, part: map[string]bool{}}
	var c struct {
		IsOrganizationTrail bool
		GetTrailStatus      *struct{ IsLogging bool }
		GetEventSelectors   *selectors
	}
	switch err := json.Unmarshal(config, &c); {
	case err != nil:
		t.unread = "its configuration does not have the shape of the provider's reply"
	case c.GetEventSelectors == nil:
		t.unread = "its event selectors were not read (cloudtrail:GetEventSelectors)"
	case c.GetTrailStatus != nil && !c.GetTrailStatus.IsLogging:
		return t // it logs nothing
	default:
		t.organisation = c.IsOrganizationTrail
		t.basic(c.GetEventSelectors)
		t.advanced(c.GetEventSelectors)
	}
	return t
}

func (t *trail) basic(s *selectors) {
	for _, e := range s.EventSelectors {
		if e.IncludeManagementEvents == nil || *e.IncludeManagementEvents {
			t.writes, t.reads = t.writes || e.ReadWriteType != "ReadOnly", t.reads || e.ReadWriteType != "WriteOnly"
			t.left = append(t.left, e.ExcludeManagementEventSources...)
		}
		for _, d := range e.DataResources {
			all := e.ReadWriteType == "All" || e.ReadWriteType == ""
			every := slices.ContainsFunc(d.Values, func(v string) bool {
				parts := strings.Split(v, ":") // arn:aws:s3, or arn:aws:s3:::
				return len(parts) >= 3 && strings.Trim(strings.Join(parts[3:], ""), "*") == "" && !strings.Contains(v, "*")
			})
			if all && every {
				t.whole[d.Type] = true
			} else {
				t.part[d.Type] = true
			}
		}
	}
}

func (t *trail) advanced(s *selectors) {
	for _, e := range s.AdvancedEventSelectors {
		var category, typ string
		readOnly, narrow := "", false
		var but []string
		for _, f := range e.FieldSelectors {
			switch {
			case f.Field == "eventCategory" && len(f.Equals) == 1:
				category = f.Equals[0]
			case f.Field == "resources.type" && len(f.Equals) == 1:
				typ = f.Equals[0]
			case f.Field == "readOnly" && len(f.Equals) == 1:
				readOnly = f.Equals[0]
			case f.Field == "eventSource" && len(f.NotEquals) > 0 && len(f.Equals) == 0:
				but = f.NotEquals
			default:
				narrow = true
			}
		}
		switch {
		case category == "Management" && !narrow:
			t.writes, t.reads = t.writes || readOnly != "true", t.reads || readOnly != "false"
			t.left = append(t.left, but...)
		case category == "Data" && typ != "" && !narrow && readOnly == "" && but == nil:
			t.whole[typ] = true
		case category == "Data" && typ != "":
			t.part[typ] = true
		}
	}
}

// Sight says of actions whether logs of an account would show their use.
type Sight struct {
	trails []trail
	usage  *Usage
}

// NewSight reads an estate's trails. An error is the store's.
func NewSight(snap *estate.Snapshot, u *Usage) (*Sight, error) {
	trails, err := trailsOf(snap)
	return &Sight{trails, u}, err
}

// Sees reports whether a use of an action in an account would stand in the logs;
// else why says why not.
func (s *Sight) Sees(account, action string, write bool) (sees bool, why string) {
	plane := dataPlane(action)
	if plane == neverLogged {
		return false, "no trail logs it"
	}
	var mine []*trail
	for i := range s.trails {
		if t := &s.trails[i]; t.account == account || t.organisation {
			mine = append(mine, t)
		}
	}
	if plane == "" {
		return s.manages(mine, action, write)
	}
	for _, t := range mine {
		if t.whole[plane] {
			return true, ""
		}
	}
	for _, t := range mine {
		switch {
		case t.part[plane]:
			return false, "trail " + t.arn + " logs data events of some " + plane + " only"
		case t.unread != "":
			return false, "whether data events of " + plane + " are logged is not known: " + t.arn + ": " + t.unread
		}
	}
	if len(mine) > 0 {
		return false, "no trail logs data events of " + plane
	}
	return false, "whether a trail logs data events of " + plane + " is not known: no trail of account " + account + " was read"
}

// limited reports whether every trail of an account that was read leaves out some
// management events.
func (s *Sight) limited(account string) bool {
	n := 0
	for i := range s.trails {
		t := &s.trails[i]
		if t.account != account && !t.organisation {
			continue
		}
		if n++; t.unread != "" || t.reads && t.writes && len(t.left) == 0 {
			return false
		}
	}
	return n > 0
}

// manages reports whether management events of an action are logged. Where no
// trail was read, logs that somebody gave are taken for what a trail logs by
// default: all of them.
func (s *Sight) manages(mine []*trail, action string, write bool) (bool, string) {
	service, _, _ := strings.Cut(action, ":")
	why := ""
	for _, t := range mine {
		switch {
		case t.unread != "":
			return true, ""
		case slices.ContainsFunc(t.left, func(src string) bool { return strings.HasPrefix(src, service+".") }):
			why = "trail " + t.arn + " leaves out events of " + service
		case write && !t.writes:
			why = "trail " + t.arn + " does not log calls that change something"
		case !write && !t.reads:
			why = "trail " + t.arn + " does not log calls that only read"
		default:
			return true, ""
		}
	}
	return why == "", why
}

// slack is how much of a window may be missing at its begin and end, and maxGap
// how long nothing at all may be logged, before nobody can tell of what was not
// seen. An account in use logs something every day.
const (
	slack  = 36 * time.Hour
	maxGap = 3 * 24 * time.Hour
)

// Observed is what logs cover of one account or cluster, in words and numbers.
type Observed struct {
	Account string    `json:"account"`
	From    time.Time `json:"from"` // the window asked for
	To      time.Time `json:"to"`
	First   time.Time `json:"first,omitzero"` // events in it
	Last    time.Time `json:"last,omitzero"`
	Events  int       `json:"events"`
	Days    int       `json:"days"` // on which something was logged
	Regions []string  `json:"regions"`
	// Gaps are stretches of more than a day in which nothing was logged.
	Gaps []Gap `json:"gaps"`
	// Lacks says why what was not seen cannot be called unused; empty if it can.
	Lacks string `json:"lacks,omitempty"`
}

// Gap is a stretch without an event.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Observed says what the logs cover of an account or cluster.
func (u *Usage) Observed(account string) Observed {
	out := Observed{Account: account, From: u.From, To: u.To, Regions: []string{}, Gaps: []Gap{}}
	o := u.Seen[account]
	if o == nil {
		out.Lacks = "no log shows an event of " + account
		return out
	}
	out.First, out.Last, out.Events, out.Days, out.Regions = o.First, o.Last, o.Events, len(o.days), ordered(o.Regions)
	days := ordered(o.days)
	longest := time.Duration(0)
	for i := 1; i < len(days); i++ {
		if days[i]-days[i-1] > 1 {
			g := Gap{time.Unix((days[i-1]+1)*86400, 0).UTC(), time.Unix(days[i]*86400, 0).UTC()}
			out.Gaps = append(out.Gaps, g)
			longest = max(longest, g.To.Sub(g.From))
		}
	}
	switch asked := u.To.Sub(u.From); {
	case len(u.Broken) > 0:
		what, _, _ := strings.Cut(u.Broken[0], "\n")
		out.Lacks = fmt.Sprintf("not all of the logs could be read (%s)", what)
	case u.From.IsZero() || u.To.IsZero():
	case o.First.Sub(u.From) > slack:
		out.Lacks = fmt.Sprintf("the logs of %s begin on %s and cover %d of %d days", account, o.First.Format(time.DateOnly), days2(o.Last.Sub(o.First)), days2(asked))
	case u.To.Sub(o.Last) > slack+24*time.Hour:
		out.Lacks = fmt.Sprintf("the logs of %s end on %s, %d days before the estate was read", account, o.Last.Format(time.DateOnly), days2(u.To.Sub(o.Last)))
	case longest > maxGap:
		out.Lacks = fmt.Sprintf("nothing is logged of %s for %d days on end", account, days2(longest))
	}
	return out
}

func days2(d time.Duration) int { return int((d + 12*time.Hour) / (24 * time.Hour)) }
