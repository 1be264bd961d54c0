// Package access answers who may do what.
//
// Questions are decided: World and NewAmazon fill the engine of iam with what a
// snapshot says of AWS, NewClusters that of rbac, and Everywhere joins them, so
// that a pod asks AWS as the role it acts as. What was refused, not read, or is
// known only after a plan's apply leaves an answer unknown with its reason.
//
// The criteria of workloads rest on the same decisions, made for classes of
// identities and runs of assets that are alike (grasp.go), and go to the graph as
// relations.
//
// The overview and Direct match names and do not decide: what they list is never
// less than what is allowed, and a condition or a deny may leave less. They are
// the candidates of what is then decided.
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
)

// Entry lists the identities that direct policy names for one asset.
type Entry struct {
	Asset    string  `json:"asset"`
	Workload string  `json:"workload"`
	Grants   []Grant `json:"grants"`
	// Unread says what could not be read and may name others, in words.
	Unread []string `json:"unread,omitempty"`
}

// Grant is one way in which direct policy names an identity for an asset.
type Grant struct {
	// Principal is the identity's id: an ARN, a service, "set://principals/*"
	// for everyone, or a Kubernetes subject.
	Principal string `json:"principal"`
	// Class of the principal: "person" (a user with a password), "machine" (a
	// role, a service account, or a user with keys only), "service", "account",
	// "everyone" (in a cluster: all who have or have not signed in), "group" or
	// "user" (of a cluster, which knows the name alone: a person or a machine).
	Class string `json:"class"`
	// Via is the policy and statement, or the binding, role and rule (counted
	// from 0), that name it.
	Via string `json:"via"`
	// Actions are as the statement writes them; in a cluster
	// "k8s:VERB:GROUP/RESOURCE", the verb as the rule writes it.
	Actions []string `json:"actions"`
	// Conditional says that the statement has conditions, which this version
	// does not weigh.
	Conditional bool   `json:"conditional"`
	Owner       string `json:"owner,omitempty"`
	// LastUsed is the last use the provider knows of; zero: never, or, with
	// UsageKnown unset, not read.
	LastUsed   time.Time `json:"lastUsed,omitzero"`
	UsageKnown bool      `json:"usageKnown"`
	// OldestKey is when the oldest active long-lived credential was made; zero
	// if there is none.
	OldestKey time.Time `json:"oldestKey,omitzero"`
}

// ownerTags are the tags that people name owners in, best first.
var ownerTags = []string{"owner", "Owner", "team", "Team", "contact", "Contact"}

// Direct returns, for every workload's roots and the stores, models and
// secrets it is made of or touches, the identities that policies name. Entries
// are ordered by workload and asset, grants by principal; entries may share
// them, so that nobody must change them. Problems are policies and roles that
// could not be understood: whom they name is unknown, which the entries say.
func Direct(ctx context.Context, snap *estate.Snapshot, workloads []finding.Workload) ([]Entry, []estate.Problem, error) {
	d := &direct{snap: snap, people: map[estate.Node]identity{}, holders: map[estate.Node][]estate.Node{}}
	d.cluster = newCluster(d)
	if err := d.readPolicies(ctx); err != nil {
		return nil, nil, err
	}
	var out []Entry
	for _, w := range workloads {
		for _, id := range d.interest(w) {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			n, ok := snap.Find(id)
			if !ok {
				continue
			}
			out = append(out, d.entry(w.ID, n))
		}
	}
	return out, d.problems, nil
}

// entry lists whom policies name for one asset.
func (d *direct) entry(workload string, n estate.Node) Entry {
	a := d.snap.Asset(n)
	e := Entry{Asset: a.ID, Workload: workload}
	if a.Cloud == estate.Kubernetes {
		e.Grants, e.Unread = d.cluster.naming(n)
		return e
	}
	e.Grants, e.Unread = append(d.byIdentityPolicy(n), d.byOwnPolicy(n)...), d.unread
	sortGrants(e.Grants)
	e.Grants = slices.CompactFunc(e.Grants, func(a, b Grant) bool { return a.Principal == b.Principal && a.Via == b.Via })
	return e
}

func sortGrants(gs []Grant) {
	slices.SortFunc(gs, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Via, b.Via))
	})
}

// direct is the state of one Direct call.
type direct struct {
	snap     *estate.Snapshot
	clauses  clauses
	holders  map[estate.Node][]estate.Node // policy -> identities that have it
	people   map[estate.Node]identity
	problems []estate.Problem
	unread   []string // policies that may name others
	cluster  *cluster
}

// interest lists the ids of a workload's assets that access is asked of.
func (d *direct) interest(w finding.Workload) []string {
	ids := slices.Clone(w.Roots)
	for _, id := range append(slices.Clone(w.Members), w.Touches...) {
		n, ok := d.snap.Find(id)
		if !ok || strings.Contains(id, "#") {
			continue
		}
		switch d.snap.Asset(n).Kind {
		case estate.KindStore, estate.KindDataset, estate.KindModel, estate.KindEndpoint, estate.KindSecret:
			ids = append(ids, id)
			ids = append(ids, pointsOf(d.snap, n)...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// readPolicies reads every policy document once and notes who holds it.
func (d *direct) readPolicies(ctx context.Context) error {
	for n, a := range d.snap.Assets() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if a.Cloud == estate.Kubernetes {
			if err := d.cluster.note(n, a); err != nil {
				return err
			}
			continue
		}
		if a.Cloud != estate.AWS || a.Kind != estate.KindPolicy || a.Type == estate.SetType {
			continue
		}
		config, err := d.snap.Config(n)
		if err != nil {
			return fmt.Errorf("policy %s: %w", a.ID, err)
		}
		statements, problems := documentOf(config)
		for _, p := range problems {
			d.problems = append(d.problems, estate.Problem{Path: a.ID + ": " + p.Path, Why: p.Why})
		}
		if len(problems) > 0 {
			d.unread = append(d.unread, a.ID+" could not be understood: whom it names is unknown")
		}
		if len(statements) == 0 {
			continue
		}
		if holders := d.holdersOf(n); len(holders) > 0 {
			d.clauses.add(n, statements)
			d.holders[n] = holders
		}
	}
	d.clauses.sort()
	return nil
}

// holdersOf lists the users and roles a policy is attached to, directly or
// through a group.
func (d *direct) holdersOf(policy estate.Node) []estate.Node {
	var out []estate.Node
	for e := range d.snap.In(policy) {
		if e.Type != estate.Attached || strings.Contains(e.Evidence, "PermissionsBoundary") {
			continue // a boundary takes rights away and gives none
		}
		switch d.snap.Asset(e.Node).Type {
		case "AWS::SSO::PermissionSet":
			continue // it is nobody: the roles that it became have its policies
		case "AWS::IAM::Group":
		default:
			out = append(out, e.Node)
			continue
		}
		for m := range d.snap.In(e.Node) {
			if m.Type == estate.MemberOf {
				out = append(out, m.Node)
			}
		}
	}
	return out
}

// byIdentityPolicy lists the identities whose own policies name the asset.
func (d *direct) byIdentityPolicy(n estate.Node) []Grant {
	a := d.snap.Asset(n)
	target, ok := aws.ParseARN(a.ID)
	if !ok {
		return nil
	}
	var out []Grant
	for _, s := range d.clauses.naming(target.Service, a.ID) {
		for _, holder := range d.holders[s.policy] {
			out = append(out, d.grant(holder, fmt.Sprintf("%s statement %d", d.snap.Asset(s.policy).ID, s.Index), s.Statement))
		}
	}
	return out
}

// byOwnPolicy lists the principals that the asset's own policy, or the trust
// policy of what it runs as, names.
func (d *direct) byOwnPolicy(n estate.Node) []Grant {
	var out []Grant
	for part := range d.snap.Out(n) {
		switch part.Type {
		case estate.Contains:
			for g := range d.snap.Out(part.Node) {
				if g.Type == estate.Grants {
					out = append(out, d.grant(g.Node, d.snap.Asset(part.Node).ID, nil))
				}
			}
		case estate.RunsAs:
			for t := range d.snap.Out(part.Node) {
				if t.Type == estate.Trusts {
					out = append(out, d.grant(t.Node, "trust policy of "+d.snap.Asset(part.Node).ID, nil))
				}
			}
		}
	}
	return out
}

func (d *direct) grant(holder estate.Node, via string, s *aws.Statement) Grant {
	who := d.who(holder)
	g := Grant{Principal: d.snap.Asset(holder).ID, Class: who.class, Via: via, Owner: who.owner, Actions: []string{},
		LastUsed: who.lastUsed, UsageKnown: who.usageKnown, OldestKey: who.oldestKey}
	if s != nil {
		g.Conditional = len(s.Conditions) > 0
		g.Actions = s.Actions
		for _, not := range s.NotActions {
			g.Actions = append(g.Actions, "all but "+not)
		}
	}
	return g
}
