package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// Ways are all ways by which somebody of an estate who is no administrator
// becomes one, of an account or of a cluster.
type Ways struct {
	Escalations []iam.Escalation `json:"escalations"`
	// Untold are identities of which it cannot be told, by ARN, and words that say
	// so of an account whose users or roles were not all listed, of a cluster whose
	// roles or bindings were not, and of an estate in which no identity was read.
	Untold []string `json:"untold"`
	// Cuts are what to refuse each principal of AWS, if that was asked for.
	Cuts []iam.Cut `json:"cuts,omitempty"`
}

// FindWays finds the ways within accounts, within clusters, and from pods over
// their roles into accounts, of the principals whose id ends in of; with cut
// also what to refuse them. The error is an *Asking if nobody's id ends so, else
// the store's.
func FindWays(ctx context.Context, snap *estate.Snapshot, of string, cut bool) (*Ways, error) {
	amazon, err := NewAmazon(ctx, snap)
	if err != nil {
		return nil, err
	}
	clusters, err := NewClusters(ctx, snap, amazon.world)
	if err != nil {
		return nil, err
	}
	if err := known(amazon, clusters, of); err != nil {
		return nil, err
	}
	out := &Ways{Escalations: []iam.Escalation{}, Untold: []string{}}
	ways, err := amazon.Escalations(ctx)
	if err != nil {
		return nil, err
	}
	inside, err := clusters.Escalations(ctx, rbac.Options{Targets: []string{rbac.KindAdministrator, rbac.KindCloud}})
	if err != nil {
		return nil, err
	}
	out.Untold = append(out.Untold, amazon.world.Untold()...)
	out.Escalations = append(append(out.Escalations, ways...), beyond(amazon, ways, inside)...)
	others := func(id string) bool { return !strings.HasSuffix(id, of) }
	out.Escalations = slices.DeleteFunc(out.Escalations, func(e iam.Escalation) bool { return others(e.Principal) })
	out.Untold = append(slices.DeleteFunc(out.Untold, others), unlistedAccounts(snap, len(clusters.Names()) > 0)...)
	out.Untold = append(out.Untold, clusters.unlisted()...)
	if cut {
		var who []string
		for _, e := range out.Escalations {
			who = append(who, e.Principal)
		}
		slices.Sort(who)
		if out.Cuts, err = amazon.Cuts(ctx, slices.Compact(who)); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out.Escalations, func(a, b iam.Escalation) int {
		return cmp.Or(cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Technique, b.Technique))
	})
	return out, nil
}

// unlistedAccounts says of which accounts users and roles were not all listed:
// that nobody of them is seen to climb says nothing then.
func unlistedAccounts(snap *estate.Snapshot, clusters bool) []string {
	seen := map[string]bool{}
	for _, a := range snap.Assets() {
		if a.Cloud == estate.AWS && !a.Referenced && a.Account != "" {
			seen[a.Account] = true
		}
	}
	var out []string
	for account := range seen {
		if !identitiesListed(snap, account) {
			out = append(out, "users and roles of account "+account+", which were not all listed")
		}
	}
	if len(seen) == 0 && !clusters {
		out = append(out, "everybody: no account and no cluster was read")
	}
	slices.Sort(out)
	return out
}

// known refuses a principal of whom nothing is known: that he has no way would
// be taken for an answer.
func known(amazon *Amazon, clusters *Clusters, of string) error {
	var all []string
	for _, p := range amazon.world.Principals() {
		all = append(all, p.ARN)
	}
	for _, cluster := range clusters.names {
		w := clusters.byName[cluster]
		for _, r := range slices.Concat(w.Subjects(), w.Accounts(), w.Starts(rbac.Options{})) {
			all = append(all, clusters.id(cluster, r))
		}
		for _, p := range w.Principals() {
			all = append(all, p.ID)
		}
	}
	if of == "" || slices.ContainsFunc(all, func(id string) bool { return strings.HasSuffix(id, of) }) {
		return nil
	}
	hint := "sevenfold access lists the identities there are"
	if like := near(of, all); len(like) > 0 {
		hint = "did you mean " + strings.Join(like, ", ") + "?"
	}
	return &Asking{What: fmt.Sprintf("no principal is called %q", of), Mend: hint}
}

// unlisted says of which clusters the roles, the bindings or who of IAM is let in
// were not all listed: that nobody there is seen to climb says nothing then.
func (c *Clusters) unlisted() []string {
	var out []string
	for _, cluster := range c.names {
		out = append(out, c.unlistedIn(cluster)...)
	}
	return out
}

// unlistedIn is unlisted of one cluster.
func (c *Clusters) unlistedIn(cluster string) []string {
	var out, lacks []string
	for _, t := range counted {
		if strings.HasPrefix(t.typ, rbacTypes) && !c.snap.Covered(t.typ, cluster, "") {
			lacks = append(lacks, t.kind+"s")
		}
	}
	if len(lacks) > 0 {
		out = append(out, strings.Join(lacks, ", ")+" of cluster "+cluster+", which were not all listed")
	}
	if why := c.unlet[cluster]; why != "" {
		out = append(out, why)
	}
	return out
}

// identitiesListed reports whether all users and roles of an account were read.
func identitiesListed(snap *estate.Snapshot, account string) bool {
	return snap.Covered("AWS::IAM::User", account, "") && snap.Covered("AWS::IAM::Role", account, "")
}

// beyond puts the ways of clusters in the same form, and goes on from the roles
// they lead to by the shortest way that the role has.
func beyond(m *Amazon, ways []iam.Escalation, inside []ClusterWay) []iam.Escalation {
	onward := map[string]*iam.Escalation{}
	for i := range ways {
		w := &ways[i]
		if w.Gain != "full" {
			continue
		}
		old := onward[w.Principal]
		if old == nil || cmp.Or(-cmp.Compare(w.Decision, old.Decision), cmp.Compare(len(w.Path), len(old.Path))) < 0 {
			onward[w.Principal] = w
		}
	}
	var out []iam.Escalation
	for i := range inside {
		c := &inside[i]
		e := iam.Escalation{Principal: c.Principal, Target: c.Target, Technique: c.Technique, Title: "from inside a cluster: " + c.Technique, Gain: "full", Decision: c.Decision, Unknown: c.Why}
		for k := range c.Path {
			s := &c.Path[k]
			step := iam.Step{From: s.From, To: s.To, Technique: s.Technique, Actions: s.Actions, Because: []iam.Reason{}}
			for _, b := range s.Because {
				step.Because = append(step.Because, iam.Reason{Policy: b.Policy, Statement: b.Statement, Effect: b.Effect, Layer: b.Layer})
			}
			e.Path = append(e.Path, step)
		}
		if p, ok := m.world.Principal(c.Target); ok && p.ARN == c.Target {
			admin := m.world.IsAdministrator(p)
			next := onward[c.Target]
			switch {
			case admin == iam.Allow || admin == iam.Conditional:
				e.Decision = min(e.Decision, admin)
			case next != nil:
				e.Target, e.Technique, e.Title = next.Target, next.Technique, next.Title
				e.Decision = min(e.Decision, next.Decision)
				e.Path = append(e.Path, next.Path...)
				e.Unknown = append(slices.Clip(e.Unknown), next.Unknown...)
				e.Assumed = next.Assumed
			default:
				continue
			}
		}
		out = append(out, e)
	}
	return out
}

// Unlisted implements Evaluator.
func (m *Amazon) Unlisted() []string { return unlistedAccounts(m.snap, false) }

// Unlisted implements Evaluator.
func (c *Clusters) Unlisted() []string {
	if len(c.names) == 0 {
		return []string{"everybody: no cluster was read"}
	}
	return c.unlisted()
}
