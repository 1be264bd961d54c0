package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// deedIn is what somebody can do to what a workload has in clusters.
type deedIn struct {
	acts bool // more than reading
	open bool // whether he can is not known
}

// crowd is who can act on what the workloads have in clusters, beside whom rules
// name for the objects themselves: who makes pods in their namespaces, and who of
// AWS is let in.
type crowd struct {
	*Clusters
	deeds map[string]map[int]deedIn // principal -> workload
	// climbs are the best ways to administrator, of a cluster or over a role of an
	// account, by principal.
	climbs map[string]iam.Decision
	makers map[site]map[string]deedIn
	// makersOf are the searches for them, by cluster.
	makersOf map[string]*rbac.Makers
	lets     map[lettingKey][]letting
}

// inClusters decides about the objects that workloads have in clusters.
func (j *jury) inClusters(ctx context.Context) error {
	if !slices.ContainsFunc(j.of, func(s standing) bool { return s.clustered > 0 }) {
		return nil
	}
	c, err := NewClusters(ctx, j.v.snap, j.m.world)
	if err != nil {
		return err
	}
	j.crowd = &crowd{Clusters: c, deeds: map[string]map[int]deedIn{}, climbs: map[string]iam.Decision{}, makers: map[site]map[string]deedIn{}, makersOf: map[string]*rbac.Makers{}, lets: map[lettingKey][]letting{}}
	accounts := map[string][]rbac.Ref{} // by cluster: whom the workloads run as
	for w, on := range j.v.of {
		s, sites := &j.of[w], map[site]bool{}
		for _, i := range on {
			o := &j.v.objects.all[i]
			a := j.v.snap.Asset(o.node)
			if !strings.HasPrefix(o.id, "k8s://") {
				continue
			}
			cluster, _, _ := strings.Cut(strings.TrimPrefix(o.id, "k8s://"), "/")
			at := site{cluster, a.Region}
			if c.byName[cluster] == nil || a.Type == "" {
				s.dark = few(s.dark, o.id+" was not read")
				continue
			}
			s.decided++
			j.crowd.letIn(w, o, a, j.v)
			if !sites[at] {
				sites[at] = true
				for id, d := range j.crowd.makersIn(at) {
					j.crowd.note(id, w, d)
				}
			}
		}
		for at := range sites {
			for _, why := range c.unlistedIn(at.cluster) {
				s.dark = few(s.dark, why)
			}
			for _, id := range j.accountsOf(w, at.cluster) {
				if _, r, ok := ref(id); ok && !slices.Contains(accounts[at.cluster], r) {
					accounts[at.cluster] = append(accounts[at.cluster], r)
				}
			}
		}
		slices.Sort(s.dark)
	}
	return j.climbInside(ctx, accounts)
}

// accountsOf lists the service accounts of a cluster that a workload runs as.
func (j *jury) accountsOf(w int, cluster string) []string {
	var out []string
	for _, id := range j.v.workloads[w].Members {
		n, ok := j.v.snap.Find(id)
		if !ok {
			continue
		}
		for e := range j.v.snap.Out(n) {
			to := j.v.snap.Asset(e.Node).ID
			if e.Type == estate.RunsAs && strings.HasPrefix(to, "k8s://"+cluster+"/") && strings.Contains(to, "/ServiceAccount/") && !slices.Contains(out, to) {
				out = append(out, to)
			}
		}
	}
	return out
}

func (c *crowd) note(id string, w int, d deedIn) {
	if c.deeds[id] == nil {
		c.deeds[id] = map[int]deedIn{}
	}
	was, had := c.deeds[id][w]
	c.deeds[id][w] = deedIn{acts: was.acts || d.acts, open: (was.open || !had) && d.open}
}

// makersIn are those who can run pods of their making in a namespace, and so act
// as its accounts and mount what it holds. Members of system:masters, whom the
// cluster's own certificates name, are not told one by one and left out.
func (c *crowd) makersIn(at site) map[string]deedIn {
	if known, ok := c.makers[at]; ok {
		return known
	}
	out := map[string]deedIn{}
	add := func(id string, d rbac.Decision) {
		if d == rbac.Deny {
			return
		}
		was, had := out[id]
		out[id] = deedIn{acts: true, open: d == rbac.Unknown && (was.open || !had)}
	}
	w := c.byName[at.cluster]
	if c.makersOf[at.cluster] == nil {
		c.makersOf[at.cluster] = rbac.NewMakers(w)
	}
	for _, one := range c.makersOf[at.cluster].In(at.namespace) {
		d := rbac.Allow
		if one.Open {
			d = rbac.Unknown
		}
		add(c.id(at.cluster, one.Subject), d)
	}
	for _, q := range rbac.PodMakers() {
		q.Namespace = at.namespace
		for _, p := range w.Principals() {
			add(p.ID, w.Decide(p.Identity(), q).Decision)
		}
	}
	c.makers[at] = out
	return out
}

// letIn notes who of AWS can act on an object by what the cluster lets him.
func (c *crowd) letIn(workload int, o *object, a *estate.Asset, v *view) {
	w := c.byName[a.Account]
	if w == nil || len(w.Principals()) == 0 {
		return
	}
	for _, q := range v.direct.cluster.requests(o.node, a) {
		resource, sub, _ := strings.Cut(q.resource, "/")
		for _, verb := range q.verbs {
			r := rbac.Request{Verb: verb, Group: q.group, Resource: resource, Subresource: sub, Namespace: q.namespace, Name: "*"}
			reads := sub == "" && slices.Contains([]string{"get", "list", "watch"}, verb) || sub == "log"
			for _, x := range c.letTo(a.Account, w, r) {
				// The names of pods begin with that of what makes them.
				if d := x.decision; d == rbac.Conditional && sub == "" && resource != "serviceaccounts" {
					one := r
					one.Name = a.Name
					bare(&one)
					if w.Decide(w.Principals()[x.who].Identity(), one).Decision == rbac.Deny {
						continue
					}
				}
				c.note(w.Principals()[x.who].ID, workload, deedIn{acts: !reads, open: x.decision == rbac.Unknown})
			}
		}
	}
}

// letting is what a cluster lets one of those of AWS do.
type letting struct {
	who      int
	decision rbac.Decision
}

// letTo lists who of AWS would not be refused a request on every object, once for
// all objects alike.
func (c *crowd) letTo(cluster string, w *rbac.World, r rbac.Request) []letting {
	bare(&r)
	k := lettingKey{cluster, r}
	if known, ok := c.lets[k]; ok {
		return known
	}
	var out []letting
	for i, p := range w.Principals() {
		if d := w.Decide(p.Identity(), r).Decision; d != rbac.Deny {
			out = append(out, letting{i, d})
		}
	}
	c.lets[k] = out
	return out
}

type lettingKey struct {
	cluster string
	request rbac.Request
}

// climbInside finds who in a cluster can become administrator: of it, or of an
// account over the role that his pods act as. Whom only the bindings name that
// every cluster begins with are its own parts.
func (j *jury) climbInside(ctx context.Context, accounts map[string][]rbac.Ref) error {
	c := j.crowd
	for _, cluster := range c.names {
		own, used := accounts[cluster]
		if !used {
			continue
		}
		w := c.byName[cluster]
		from := w.Starts(rbac.Options{})
		for _, r := range own {
			if !slices.Contains(from, r) {
				from = append(from, r)
			}
		}
		if len(from) > mostClimbers {
			j.climbErr = join2(j.climbErr, fmt.Sprintf("ways to administrator are not looked for among %d principals of cluster %s at every assessment: sevenfold access escalations asks", len(from), cluster))
			continue
		}
		for _, start := range from {
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, e := range w.Escalations(rbac.Options{From: []rbac.Ref{start}, Targets: []string{rbac.KindAdministrator, rbac.KindCloud}}) {
				d := decided(e.Decision)
				if e.Target.Kind == rbac.KindCloud {
					d = weakest(d, j.worth(e.Target.Name))
				}
				id := c.id(cluster, e.Principal)
				if was, ok := c.climbs[id]; d != iam.Deny && (!ok || rank(d) > rank(was)) {
					c.climbs[id] = d
				}
			}
		}
	}
	return nil
}

// worth says how surely somebody who acts as a role of AWS is an administrator or
// can become one.
func (j *jury) worth(role string) iam.Decision {
	if p, ok := j.m.world.Principal(role); ok {
		if d := j.m.world.IsAdministrator(p); d == iam.Allow || d == iam.Conditional {
			return d
		}
	}
	if d, ok := j.climbs[role]; ok {
		return d
	}
	return iam.Deny
}

// everybody are the names of a cluster that stand for whoever comes.
var everybody = []string{"system:anonymous", "system:unauthenticated", "system:authenticated"}

// hearInside notes one principal with each workload that has something in a
// cluster on which he can act. on are the objects that rules name him for; counted
// are the workloads with which he was noted already.
func (j *jury) hearInside(a *estate.Asset, id *Identity, on *reach, counted map[int]bool) {
	acts := map[int]bool{}
	var open []int
	if on != nil {
		j.each(on.any(), func(_ *standing, w int) {
			acts[w] = acts[w] || false
		})
		j.each(join(on.at(bit(Change)), join(on.at(bit(Run)), on.at(bit(Administer)))), func(_ *standing, w int) { acts[w] = true })
	}
	if j.crowd != nil {
		for w, d := range j.crowd.deeds[a.ID] {
			if d.open {
				open = append(open, w)
				continue
			}
			acts[w] = acts[w] || d.acts
		}
	}
	for w, more := range acts {
		s := &j.of[w]
		if !counted[w] {
			s.know(id)
		}
		if slices.Contains(everybody, a.Name) && (a.Type == kubernetes.GroupType || a.Type == kubernetes.UserType) {
			s.strangers = few(s.strangers, a.ID)
		}
		if d, ok := j.climbsOf(a.ID); ok && more {
			s.climber(a.ID, d)
		}
	}
	for _, w := range open {
		if _, can := acts[w]; !can && !counted[w] {
			j.of[w].open++
			j.of[w].openWhy = few(j.of[w].openWhy, a.ID)
		}
	}
}

// climbsOf is somebody's best way to administrator within clusters.
func (j *jury) climbsOf(id string) (iam.Decision, bool) {
	if j.crowd == nil {
		return iam.Deny, false
	}
	d, ok := j.crowd.climbs[id]
	return d, ok
}

// ownAccount notes what a service account that a workload runs as is, and can
// change elsewhere.
func (j *jury) ownAccount(s *standing, own spans, id string) {
	if d, ok := j.climbsOf(id); ok {
		s.climber(id, d)
	}
	cluster, r, ok := ref(id)
	if !ok || j.crowd == nil || j.crowd.byName[cluster] == nil {
		return
	}
	all := rbac.Request{Verb: "*", Group: "*", Resource: "*", Subresource: "*", Namespace: "*", Name: "*"}
	if j.crowd.byName[cluster].Decide(rbac.IdentityOf(r), all).Decision == rbac.Allow {
		s.admins = few(s.admins, id)
	}
	who := j.ids[id]
	if who == nil {
		return
	}
	for _, at := range less(join(who.reach.sure[bit(Change)], who.reach.sure[bit(Run)]), own) {
		for i := at.lo; i < at.hi && len(s.beyond) < 100; i++ {
			if o := &j.v.objects.all[i]; len(j.v.in[i]) > 0 && strings.HasPrefix(o.id, "k8s://") && o.id != id {
				s.beyond = few(s.beyond, o.id)
			}
		}
	}
}
