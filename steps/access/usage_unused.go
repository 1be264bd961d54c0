package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// UseStatus says of a grant whether it is used. What nobody can tell is
// UseUnknown, and never unused.
type UseStatus string

// The statuses. UsePartly: some of what is granted is not used; of the rest some
// is, or nobody can tell.
const (
	UseUsed    UseStatus = "used"
	UsePartly  UseStatus = "partly"
	UseUnused  UseStatus = "unused"
	UseUnknown UseStatus = "unknown"
)

// Unused is what is granted to the identities of workloads, beside what of it is
// used.
type Unused struct {
	// Observed is what the logs cover, by account and cluster.
	Observed   []Observed    `json:"observed"`
	Identities []IdentityUse `json:"identities"`
	// Leftovers are grants made for an experiment that has ended.
	Leftovers []Leftover `json:"leftovers"`
	// Unmapped counts events of which it is not known what action they are.
	Unmapped map[string]int `json:"unmapped"`
	// Unread names logs and policies that could not be read.
	Unread []string `json:"unread"`
}

// IdentityUse is one identity with its grants.
type IdentityUse struct {
	ID string `json:"id"`
	// Workloads are the names of those it runs, or that it can change; As is
	// "runs as" or "manages", empty if it was asked for by name.
	Workloads []string `json:"workloads"`
	As        string   `json:"as,omitempty"`
	// Status is whether it was used at all; Why says by what that is told.
	Status UseStatus `json:"status"`
	Why    string    `json:"why,omitempty"`
	// LastUsed is the last use that a log or the provider knows of.
	LastUsed time.Time  `json:"lastUsed,omitzero"`
	Grants   []GrantUse `json:"grants"`
	// Unread says of policies why they are not among the grants.
	Unread []string `json:"unread,omitempty"`

	workloads []string // ids
}

// GrantUse is one allowing statement, or one rule of a role.
type GrantUse struct {
	// Policy and Statement are the policy's id and the statement's Sid or place, or
	// the binding and the role's rule.
	Policy    string    `json:"policy"`
	Statement string    `json:"statement"`
	Status    UseStatus `json:"status"`
	// Granted is how many known actions it grants.
	Granted int         `json:"granted"`
	Used    []ActionUse `json:"used"`
	Unused  []Share     `json:"unused"`
	Unknown []Share     `json:"unknown"`
	// Resources are its resources as written, with their use by the actions above.
	Resources []ResourceUse `json:"resources"`
	// Conditional says that it has conditions: a call counts as its use if what the
	// log tells of it met them, or if nothing else could have allowed it.
	Conditional bool `json:"conditional,omitempty"`
}

// ActionUse is one action that was used.
type ActionUse struct {
	Action string    `json:"action"`
	Last   time.Time `json:"last,omitzero"`
	Count  int       `json:"count,omitempty"` // calls in the logs
	// Event is the id of the last one; From says who tells of it: log or IAM.
	Event string `json:"event,omitempty"`
	From  string `json:"from"`
}

// Share is how many actions of one service were not seen to be used, and why that
// is told or not.
type Share struct {
	Service string `json:"service"`
	// Actions of the service that the statement grants and that this is said of;
	// Names names them where there are not many.
	Actions int      `json:"actions"`
	Names   []string `json:"names,omitempty"`
	Why     string   `json:"why,omitempty"`
}

// ResourceUse is one resource, or pattern of resources, of a statement.
type ResourceUse struct {
	Resource string    `json:"resource"`
	Status   UseStatus `json:"status"`
	// Seen is how many different resources of it were called on.
	Seen int       `json:"seen"`
	Last time.Time `json:"last,omitzero"`
	Why  string    `json:"why,omitempty"`
}

// maxNames is how many actions of a share are named.
const maxNames = 25

// user1 is one identity being looked at.
type user1 struct {
	m        *Amazon
	p        *iam.Principal
	c        *caller
	last     *lastAccess
	observed Observed
	sight    *Sight
	usage    *Usage
	never    string // why the identity as a whole is known not to have been used
	all      []given1
	uses     map[string]map[string]UseStatus // of the grant being looked at: by action and resource
}

// IdentityUse says of a principal what of its grants is used.
func (m *Amazon) IdentityUse(p *iam.Principal, u *Usage, sight *Sight) IdentityUse {
	x := &user1{m: m, p: p, c: u.by[principalKey(p.ARN)], last: m.lastAccessed(p.ARN), observed: u.Observed(p.Account), sight: sight, usage: u}
	if x.c == nil {
		x.c = &caller{}
	}
	out := IdentityUse{ID: p.ARN, Workloads: []string{}, Grants: []GrantUse{}}
	x.whether(&out)
	x.all, out.Unread = m.allows(p)
	for i := range x.all {
		x.uses = map[string]map[string]UseStatus{}
		out.Grants = append(out.Grants, x.grant(&x.all[i]))
	}
	return out
}

// whether says whether an identity was used at all.
func (x *user1) whether(out *IdentityUse) {
	out.LastUsed = later2(x.c.last, x.usage.taken[principalKey(x.p.ARN)])
	known := false
	if n, ok := x.m.snap.Find(x.p.ARN); ok {
		a := *x.m.snap.Asset(n)
		if config, err := x.m.snap.Config(n); err == nil {
			a.Config = config
			read := aws.ReadIdentity(&a)
			out.LastUsed, known = later2(out.LastUsed, read.LastUsed), read.UsageKnown
		}
	}
	switch {
	case !out.LastUsed.IsZero() && !out.LastUsed.Before(x.usage.From):
		out.Status = UseUsed
	case known && out.LastUsed.IsZero():
		out.Status, out.Why = UseUnused, "IAM knows of no use of it"
		x.never = out.Why
	case known:
		out.Status, out.Why = UseUnused, "IAM knows of no use of it since "+day(out.LastUsed)
		x.never = out.Why
	case x.observed.Lacks != "":
		out.Status, out.Why = UseUnknown, x.observed.Lacks
	case x.p.Kind == iam.Role:
		out.Status, out.Why = UseUnused, "no log shows a call of it, nor that somebody took it"
	default:
		out.Status, out.Why = UseUnknown, "no log shows a call of it, and what no trail logs nobody can tell"
	}
}

// grant says of one statement what of it is used.
func (x *user1) grant(g *given1) GrantUse {
	out := GrantUse{Policy: g.policy, Statement: g.name, Used: []ActionUse{}, Unused: []Share{}, Unknown: []Share{}, Resources: []ResourceUse{}, Conditional: len(g.st.Conditions) > 0}
	actions := g.actions()
	out.Granted = len(actions)
	unused, unknown := shares{}, shares{}
	blind := "" // why some action's use would not be seen
	for _, a := range actions {
		switch use, why, status := x.action(g, a); status {
		case UseUsed:
			out.Used = append(out.Used, use)
		case UseUnused:
			unused.add(a, why)
		default:
			unknown.add(a, why)
			blind = why
		}
	}
	for _, name := range g.unknownActions() {
		service, _ := cutAction(name)
		unknown.put(service, "it is no action that is known: nobody can tell what its use looks like", name)
		blind = "the statement names an action that is not known"
	}
	out.Unused, out.Unknown = unused.list(), unknown.list()
	out.Status = statusOf(len(out.Used), len(out.Unused), len(out.Unknown))
	out.Resources = x.resources(g, out.Used, blind)
	return out
}

func statusOf(used, unused, unknown int) UseStatus {
	switch {
	case unused > 0 && used+unknown > 0:
		return UsePartly
	case used > 0 && unknown == 0:
		return UseUsed
	case unknown > 0:
		return UseUnknown
	}
	return UseUnused
}

// action says of one action of a statement whether it is used.
func (x *user1) action(g *given1, a *reference.Action) (use ActionUse, why string, status UseStatus) {
	name := a.String()
	none := "no log shows it"
	if d := x.c.actions[name]; d != nil {
		met := x.met(g, name, d)
		switch {
		case met == UseUsed:
			return ActionUse{Action: name, Last: d.last, Count: d.count, Event: d.event, From: "log"}, "", UseUsed
		case met == UseUnknown:
			return use, "whether the calls seen met its conditions the log does not tell", UseUnknown
		case d.untold:
			return use, "the log does not tell on what it was called", UseUnknown
		case len(x.uses[name]) > 0:
			none = "no call that was seen met its conditions: another grant allowed those"
		}
	}
	used, known := x.last.action(a, x.usage.From)
	switch {
	case x.never != "":
		return use, x.never, UseUnused
	case known && used && len(g.st.Conditions) > 0 && x.othersGrant(g, name):
		return use, "IAM knows of a use, and not by which of several grants", UseUnknown
	case known && used:
		return ActionUse{Action: name, From: "IAM"}, "", UseUsed
	case known:
		return use, "IAM knows of no use", UseUnused
	case x.observed.Lacks != "":
		return use, x.observed.Lacks, UseUnknown
	}
	if sees, why := x.sight.Sees(x.p.Account, name, changes(a)); !sees {
		return use, why, UseUnknown
	}
	for event, n := range x.c.unmapped {
		if service, _ := cutAction(event); service == a.Service {
			return use, fmt.Sprintf("the log shows %d events of %s of which it is not known what action they are", n, service), UseUnknown
		}
	}
	return use, none, UseUnused
}

// resources says of each resource of a statement whether its actions were called
// on it.
func (x *user1) resources(g *given1, used []ActionUse, blind string) []ResourceUse {
	out := []ResourceUse{}
	untold := ""
	for _, u := range used {
		if d := x.c.actions[u.Action]; d == nil || d.untold {
			untold = "on what " + u.Action + " was called is not told"
		}
	}
	for i, text := range g.st.Resources {
		r := ResourceUse{Resource: text}
		for _, u := range used {
			d := x.c.actions[u.Action]
			if d == nil {
				continue
			}
			for on, p := range d.resources {
				if on == "*" && text != "*" {
					continue
				}
				if g.res[i].Match(on) || g.res[i].Match(x.m.canonical(on)) {
					switch x.uses[u.Action][on] {
					case UseUnknown:
						untold = "whether " + u.Action + " on it met the conditions the log does not tell"
						continue
					case UseUnused:
						continue
					}
					r.Seen++
					r.Last = later2(r.Last, p.last)
				}
			}
		}
		switch {
		case r.Seen > 0:
			r.Status = UseUsed
		case untold != "" || blind != "":
			r.Status, r.Why = UseUnknown, cmp.Or(untold, blind)
		default:
			r.Status = UseUnused
		}
		out = append(out, r)
	}
	return out
}

// shares gathers actions by service and reason.
type shares map[[2]string]*Share

func (s shares) add(a *reference.Action, why string) { s.put(a.Service, why, a.String()) }

func (s shares) put(service, why, name string) {
	key := [2]string{service, why}
	if s[key] == nil {
		s[key] = &Share{Service: service, Why: why}
	}
	one := s[key]
	one.Actions++
	if one.Names = append(one.Names, name); one.Actions > maxNames {
		one.Names = nil
	}
}

func (s shares) list() []Share {
	out := []Share{}
	for _, one := range s {
		if one.Actions > maxNames {
			one.Names = nil
		}
		out = append(out, *one)
	}
	slices.SortFunc(out, func(a, b Share) int { return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Why, b.Why)) })
	return out
}

// manager is an identity of workloads.
type manager struct {
	as        string
	names     []string
	workloads []string
}

// identitiesOf are the identities that workloads run as, and those that can change
// or administer something of them, by id.
func identitiesOf(snap *estate.Snapshot, workloads []finding.Workload, o *Overview) map[string]*manager {
	out := map[string]*manager{}
	note := func(id, as string, w *finding.Workload) {
		m := out[id]
		if m == nil {
			m = &manager{as: as}
			out[id] = m
		}
		if as == "runs as" {
			m.as = as
		}
		if !slices.Contains(m.workloads, w.ID) {
			m.names, m.workloads = append(m.names, w.Name), append(m.workloads, w.ID)
		}
	}
	for i := range workloads {
		w := &workloads[i]
		for _, id := range slices.Concat(w.Roots, w.Members) {
			n, ok := snap.Find(id)
			if !ok {
				continue
			}
			for e := range snap.Out(n) {
				if e.Type == estate.RunsAs {
					note(snap.Asset(e.Node).ID, "runs as", w)
				}
			}
		}
	}
	for i := range o.Identities {
		id := &o.Identities[i]
		if !slices.Contains([]string{"user", "role", "single sign-on role", "service account"}, id.Origin) || id.count("administer")+id.count("change") == 0 {
			continue
		}
		for k := range workloads {
			if id.TouchesWorkload(k) {
				note(id.ID, "manages", &workloads[k])
			}
		}
	}
	return out
}

// FindUnused looks at the identities of workloads, or at one by name. o is the
// overview of the same snapshot; clusters may be nil.
func FindUnused(ctx context.Context, m *Amazon, clusters *Clusters, workloads []finding.Workload, o *Overview, u *Usage, one string) (*Unused, error) {
	sight, err := NewSight(m.snap, u)
	if err != nil {
		return nil, err
	}
	out := &Unused{Observed: []Observed{}, Identities: []IdentityUse{}, Leftovers: []Leftover{}, Unmapped: u.Unmapped, Unread: append([]string{}, u.Broken...)}
	all := identitiesOf(m.snap, workloads, o)
	if one != "" {
		id, err := nameOne(m, clusters, one)
		if err != nil {
			return nil, err
		}
		asked := all[id]
		if asked == nil {
			asked = &manager{}
		}
		all = map[string]*manager{id: asked}
	}
	accounts := map[string]bool{}
	for _, id := range ordered(all) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got, account, ok := useOf(m, clusters, u, sight, id)
		if !ok {
			continue
		}
		accounts[account] = true
		who := all[id]
		got.As, got.Workloads, got.workloads = who.as, append([]string{}, who.names...), who.workloads
		out.Identities = append(out.Identities, got)
	}
	for _, a := range ordered(accounts) {
		out.Observed = append(out.Observed, u.Observed(a))
	}
	if out.Leftovers, err = m.leftovers(ctx, u, sight, all, one != ""); err != nil {
		return nil, err
	}
	for i := range out.Leftovers {
		l := &out.Leftovers[i]
		for k := range workloads {
			w := &workloads[k]
			if l.Grant.Resource != "" && (slices.Contains(w.Roots, l.Grant.Resource) || slices.Contains(w.Members, l.Grant.Resource) || slices.Contains(w.Touches, l.Grant.Resource)) {
				l.workloads = append(l.workloads, w.ID)
			}
		}
	}
	return out, nil
}

// nameOne finds the id of an identity asked for.
func nameOne(m *Amazon, clusters *Clusters, name string) (string, error) {
	if clusters != nil && (strings.HasPrefix(name, "k8s://") || strings.HasPrefix(name, "system:")) {
		who, err := clusters.who(name)
		if err != nil {
			return "", err
		}
		return clusters.id(who.cluster, userOf(who.id.User)), nil
	}
	p, _, err := m.who(name)
	if err != nil {
		return "", err
	}
	return p.ARN, nil
}

// useOf looks at one identity; ok is false if it is none whose grants are its own.
func useOf(m *Amazon, clusters *Clusters, u *Usage, sight *Sight, id string) (got IdentityUse, account string, ok bool) {
	if strings.HasPrefix(id, "k8s://") {
		if clusters == nil {
			return got, "", false
		}
		return clusters.use(id, u)
	}
	p, found := m.world.Principal(id)
	if !found || p.Kind != iam.Role && p.Kind != iam.User || p.ServiceLinked {
		return got, "", false
	}
	return m.IdentityUse(p, u, sight), p.Account, true
}
