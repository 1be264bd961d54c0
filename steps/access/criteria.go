package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// mostClimbers bounds the principals among which ways to administrator are
// looked for at every assessment; above it `access escalations` is for asking.
const mostClimbers = 20_000

// standing is what is known of who can act on or as one workload.
type standing struct {
	assets, undecided, clustered int
	decided                      int      // of the clustered
	types                        []string // of the undecided
	dark                         []string // what of clusters was not read
	can, open                    int      // principals
	ownerless, kindless          int
	nobodys                      []string // identities without owner, a hundred at most
	openWhy                      []string
	strangers, maybe             []string // who can for certain, and under conditions
	keys, stale                  []string // long-lived credentials
	unkeyed                      []string // whose credentials were not read
	climbs, mayClimb             []string
	admins                       []string // roles and accounts it runs as
	runsAs                       []string
	beyond                       []string // what its roles can change of other workloads
	shared                       []string
	unlisted                     []string // accounts
	given                        []string // what AWS RAM shares of it
}

// jury decides the access criteria.
type jury struct {
	v        *view
	m        *Amazon
	o        *Overview
	grasps   map[estate.Node]*grasp
	of       []standing
	ids      map[string]*Identity
	ours     map[string]bool
	climbs   map[string]iam.Decision // principal -> best way to administrator
	climbErr string
	crowd    *crowd // nil: no workload has anything in a cluster
}

// sentence is the criteria of one workload, and who can act on it for whom nobody
// answers.
type sentence struct {
	list    []finding.Criterion
	nobodys []string
}

// judge decides the criteria of each workload, in the order of the view's, once it
// was surveyed.
func (v *view) judge(ctx context.Context, o *Overview) ([]sentence, error) {
	j := &jury{v: v, m: v.amazon, o: o, of: make([]standing, len(v.workloads)), ids: map[string]*Identity{}, ours: map[string]bool{}, climbs: v.climbs, climbErr: v.climbErr, grasps: v.grasps}
	for i := range o.Identities {
		j.ids[o.Identities[i].ID] = &o.Identities[i]
	}
	for _, a := range v.snap.Assets() {
		if a.Cloud == estate.AWS && !a.Referenced && a.Account != "" {
			j.ours[a.Account] = true
		}
	}
	j.assets()
	if err := j.inClusters(ctx); err != nil {
		return nil, err
	}
	for _, n := range v.people {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		j.hear(n)
	}
	j.roles()
	v.stages, v.classes, v.given, v.spanOf, v.mays, v.maker, v.saysItself = nil, nil, nil, nil, nil, nil, nil // what follows needs room
	if !v.bare {
		v.relations = j.graph()
	}
	out := make([]sentence, len(j.of))
	for i := range j.of {
		s := &j.of[i]
		out[i] = sentence{[]finding.Criterion{j.identities(i, s), j.escalation(i, s), j.scope(i, s), j.credentials(i, s)}, s.nobodys}
	}
	return out, nil
}

// climb notes who can become administrator.
func (v *view) climb(ctx context.Context) error {
	if n := len(v.amazon.world.Principals()); n > mostClimbers {
		v.climbErr = fmt.Sprintf("ways to administrator are not looked for among %d principals at every assessment: sevenfold access escalations asks", n)
		return nil
	}
	var err error
	v.climbs, err = v.amazon.Climbers(ctx)
	return err
}

// assets counts what is asked about for each workload, and what is not.
func (j *jury) assets() {
	for w, on := range j.v.of {
		s := &j.of[w]
		accounts := map[string]bool{}
		for _, i := range on {
			o := &j.v.objects.all[i]
			a := j.v.snap.Asset(o.node)
			switch {
			case strings.HasPrefix(o.id, "k8s://"):
				s.clustered++
			case o.arn.Service == "" || len(j.v.deedsOf(o)) == 0:
				s.undecided++
				s.types = append(s.types, a.Type)
			default:
				s.assets++
				accounts[o.account] = true
				for _, why := range j.m.sharesTo(o.arn, o.id) {
					s.given = few(s.given, why)
				}
			}
		}
		slices.Sort(s.types)
		s.types = slices.Compact(s.types)
		for account := range accounts {
			if account != "" && !identitiesListed(j.v.snap, account) {
				s.unlisted = append(s.unlisted, account)
			}
		}
		slices.Sort(s.unlisted)
	}
}

// each calls fn for the workloads of a run of objects.
func (j *jury) each(on spans, fn func(s *standing, workload int)) {
	if len(on) == 0 {
		return
	}
	for k, word := range j.v.workloadsOf(on) {
		for b := 0; word != 0; b, word = b+1, word>>1 {
			if word&1 != 0 {
				fn(&j.of[k*64+b], k*64+b)
			}
		}
	}
}

// hear notes one principal with each workload that he can act on.
func (j *jury) hear(n estate.Node) {
	a := j.v.snap.Asset(n)
	id := j.ids[a.ID]
	if a.Cloud == estate.Kubernetes {
		var on *reach
		if id != nil && len(id.Touches) > 0 {
			on = &id.reach
		}
		j.hearInside(a, id, on, nil)
		return
	}
	var counted map[int]bool
	if j.crowd != nil && j.crowd.deeds[a.ID] != nil {
		counted = map[int]bool{}
		defer func() { j.hearInside(a, id, nil, counted) }()
	}
	g := j.grasps[n]
	if g == nil {
		return
	}
	var sure, tied, open, acts spans
	for k := range abilities {
		sure, tied, open = join(sure, g.sure[k]), join(tied, g.tied[k]), join(open, g.open[k])
		if abilities[k] != CanRead {
			acts = join(acts, join(g.sure[k], g.tied[k]))
		}
	}
	can := join(sure, tied)
	j.each(can, func(s *standing, w int) {
		if s.know(id); counted != nil {
			counted[w] = true
		}
	})
	j.each(less(open, can), func(s *standing, _ int) {
		s.open++
		s.openWhy = few(s.openWhy, a.ID)
	})
	if j.stranger(a) {
		j.each(sure, func(s *standing, _ int) { s.strangers = few(s.strangers, a.ID) })
		j.each(less(tied, sure), func(s *standing, _ int) { s.maybe = few(s.maybe, a.ID) })
		return
	}
	if d, ok := j.climbs[a.ID]; ok {
		j.each(acts, func(s *standing, _ int) { s.climber(a.ID, d) })
	}
	if a.Type == "AWS::IAM::User" {
		long, stale, known := j.longLived(n, id)
		j.each(can, func(s *standing, _ int) {
			if !known {
				s.unkeyed = few(s.unkeyed, a.ID)
			}
			for _, k := range long {
				s.keys = few(s.keys, k)
			}
			for _, k := range stale {
				s.stale = few(s.stale, k)
			}
		})
	}
}

// know counts somebody who can act on a workload.
func (s *standing) know(id *Identity) {
	s.can++
	switch {
	case id == nil: // not worth a line: a service, or an account as a whole
		return
	case id.Owner == "" && id.NoOwner == "":
		s.ownerless++
		s.nobodys = few(s.nobodys, id.ID)
	}
	if id.Kind == KindUnknown {
		s.kindless++
	}
}

func (s *standing) climber(id string, d iam.Decision) {
	if d == iam.Allow {
		s.climbs = few(s.climbs, id)
	} else {
		s.mayClimb = few(s.mayClimb, id)
	}
}

// few adds a name to a list of a hundred at most, each once.
func few(list []string, name string) []string {
	if name == aws.Everyone {
		name = "everyone"
	}
	if slices.Contains(list, name) || len(list) >= 100 {
		return list
	}
	return append(list, name)
}

// stranger reports whether a principal is none of the estate's.
func (j *jury) stranger(a *estate.Asset) bool {
	p, ok := j.m.world.Principal(strings.TrimPrefix(a.ID, "set://principals/"))
	if !ok {
		return false
	}
	switch p.Kind {
	case iam.Anonymous:
		return true
	case iam.ServicePrincipal:
		return false
	}
	return p.Account != "" && !j.ours[p.Account]
}

// longLived lists a user's active credentials that do not end by themselves,
// and those of them that are stale. known says that they were read.
func (j *jury) longLived(n estate.Node, id *Identity) (long, stale []string, known bool) {
	a := j.v.snap.Asset(n)
	config, err := j.v.snap.Config(n)
	known = err == nil && (readOf(a, "iam:ListAccessKeys").Known() || strings.Contains(string(config), `"GetCredentialReport"`))
	if id == nil {
		return nil, nil, known
	}
	now := j.v.snap.Taken()
	for _, c := range id.Credentials {
		if !c.Active || c.Type == "password" {
			continue
		}
		name := c.Type + " " + c.ID + " of " + a.ID
		long = append(long, name)
		if l := j.v.limits; !c.Created.IsZero() && now.Sub(c.Created) > l.Age || !c.LastUsed.IsZero() && now.Sub(c.LastUsed) > l.Stale {
			stale = append(stale, name)
		}
	}
	for e := range j.v.snap.Out(n) {
		k := j.v.snap.Asset(e.Node)
		if e.Type != estate.Contains || k.Type != "AWS::IAM::ServiceSpecificCredential" {
			continue
		}
		var c struct {
			Status, ServiceName string
			ExpirationDate      string
		}
		raw, err := j.v.snap.Config(e.Node)
		if err != nil || json.Unmarshal(raw, &c) != nil {
			known = false
			continue
		}
		if c.Status == "Active" && c.ExpirationDate == "" {
			long = append(long, "API key of "+c.ServiceName+" "+k.Name+" of "+a.ID)
		}
	}
	return long, stale, known
}

// roles notes what each workload's own roles are and can change elsewhere.
func (j *jury) roles() {
	zones := map[estate.Node]map[string]bool{}
	users := make([][]estate.Node, len(j.of))
	for w := range j.v.workloads {
		for _, id := range j.v.workloads[w].Members {
			n, ok := j.v.snap.Find(id)
			if !ok {
				continue
			}
			for e := range j.v.snap.Out(n) {
				if typ := j.v.snap.Asset(e.Node).Type; e.Type != estate.RunsAs || typ != "AWS::IAM::Role" && typ != "v1/ServiceAccount" || slices.Contains(users[w], e.Node) {
					continue
				}
				users[w] = append(users[w], e.Node)
				if zones[e.Node] == nil {
					zones[e.Node] = map[string]bool{}
				}
				zones[e.Node][j.v.workloads[w].Zone] = true
			}
		}
	}
	for w := range users {
		s := &j.of[w]
		own := runs(j.v.of[w])
		for _, n := range users[w] {
			id := j.v.snap.Asset(n).ID
			s.runsAs = append(s.runsAs, id)
			if z := zones[n]; z["training"] && z["serving"] {
				s.shared = append(s.shared, id)
			}
			if strings.HasPrefix(id, "k8s://") {
				j.ownAccount(s, own, id)
				continue
			}
			if d, ok := j.climbs[id]; ok {
				s.climber(id, d)
			}
			p, ok := j.m.world.Principal(id)
			if !ok {
				continue
			}
			if d := j.m.world.IsAdministrator(p); d == iam.Allow || d == iam.Conditional {
				s.admins = append(s.admins, id)
			}
			if g := j.grasps[n]; g != nil {
				for _, r := range less(join(g.sure[1], g.sure[3]), own) {
					for i := r.lo; i < r.hi && len(s.beyond) < 100; i++ {
						if len(j.v.in[i]) > 0 && j.v.objects.all[i].id != id {
							s.beyond = few(s.beyond, j.v.objects.all[i].id)
						}
					}
				}
			}
		}
	}
}
