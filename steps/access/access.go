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
// The overview and Direct rest on them too. What policies name only says which
// questions are worth asking.
package access

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// Entry lists the identities that may touch one asset by themselves, not in the
// place of others.
type Entry struct {
	Asset    string   `json:"asset"`
	Workload string   `json:"workload"`
	Grants   []*Grant `json:"grants"` // shared among entries: not to be changed
	// Unread says what could not be read and may name others, in words.
	Unread []string `json:"unread,omitempty"`
}

// Grant is one statement, binding or list by which an identity may touch an asset.
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
	// Levels are those at which what it names was decided to be allowed, of
	// administer, change, run and read; not told in clusters, whose actions say it.
	Levels []string `json:"levels,omitempty"`
	// Conditional says that some requests are allowed so and some are not.
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
// secrets it is made of or touches, the identities that may touch them: of AWS by
// decision of the engine, in clusters by the rules that name them. Entries
// are ordered by workload and asset, grants by principal. Problems are policies
// that could not be understood: whom they name is unknown, which the entries say.
func Direct(ctx context.Context, snap *estate.Snapshot, workloads []finding.Workload) ([]Entry, []estate.Problem, error) {
	v := newView(snap, workloads)
	if _, err := v.survey(ctx); err != nil {
		return nil, nil, err
	}
	var broken []estate.Problem
	var unread []string
	for key, g := range v.given {
		if g.why != "" && !snap.Asset(key.policy).Referenced {
			broken = append(broken, estate.Problem{Path: snap.Asset(key.policy).ID, Why: g.why})
			unread = append(unread, g.why)
		}
	}
	slices.SortFunc(broken, func(a, b estate.Problem) int { return cmp.Compare(a.Path, b.Path) })
	slices.Sort(unread)
	l := v.newLister(slices.Compact(unread))
	var out []Entry
	for _, w := range workloads {
		for _, id := range v.direct.interest(w) {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			n, ok := snap.Find(id)
			if !ok {
				continue
			}
			e := Entry{Asset: id, Workload: w.ID}
			if snap.Asset(n).Cloud == estate.Kubernetes {
				var grants []Grant
				grants, e.Unread = v.direct.cluster.naming(n)
				e.Grants = l.inCluster(grants)
			} else {
				e.Grants, e.Unread = l.at(v.objects.at[n])
			}
			out = append(out, e)
		}
	}
	return out, append(v.direct.problems, slices.Compact(broken)...), nil
}

func sortGrants(gs []Grant) { slices.SortFunc(gs, compareGrants) }

func compareGrants(a, b Grant) int {
	return cmp.Or(cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Via, b.Via))
}

// direct is what is known of principals beside their policies, and of clusters.
type direct struct {
	snap     *estate.Snapshot
	people   map[estate.Node]identity
	problems []estate.Problem
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
