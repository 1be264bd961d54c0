package access

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// ReviewGrant is one grant to an identity that runs a workload or can change it: a
// policy it has, the trust by which others become it, or a binding of a cluster; or
// what the policy of something the workload has grants by itself.
type ReviewGrant struct {
	// ID is the same from run to run: of the identity and what is granted.
	ID       string `json:"id"`
	Identity string `json:"identity"` // the resource for what it grants itself
	// Kind is policy (one of a group's too), trust, binding or resource.
	Kind string `json:"kind"`
	// Grant is the policy's id, the role for its trust, the binding, or the
	// resource with the statement of its policy or the grant of a key.
	Grant string `json:"grant"`
	// Says is what it grants in words; Digest is the SHA-256 of what it says, so
	// that a change of it is seen.
	Says   string `json:"says"`
	Digest string `json:"digest"`
	// Workloads are their names; Owner is who answers for the grant, and From where
	// that stands; empty if nobody is known to.
	Workloads []string `json:"workloads"`
	Owner     string   `json:"owner"`
	From      string   `json:"from,omitempty"`
	// Unread says why what it says is not known: it cannot be kept.
	Unread string `json:"unread,omitempty"`
	// Revoke are the commands that take it away.
	Revoke []string `json:"revoke"`

	workloads []string // ids
}

// ReviewGrants lists the grants that are reviewed, by workload owner and identity.
// o is the overview of the same snapshot; clusters may be nil.
func ReviewGrants(ctx context.Context, m *Amazon, clusters *Clusters, workloads []finding.Workload, o *Overview) ([]ReviewGrant, error) {
	all := identitiesOf(m.snap, workloads, o)
	owners := map[string][2]string{}
	for i := range o.Identities {
		owners[o.Identities[i].ID] = [2]string{o.Identities[i].Owner, o.Identities[i].OwnerFrom}
	}
	named := map[string]string{}
	for i := range workloads {
		named[workloads[i].ID] = workloads[i].Owner
	}
	out := []ReviewGrant{}
	for _, id := range ordered(all) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		who := all[id]
		owner, from := ownerOfGrant(who, named, owners[id])
		for _, g := range grantsOf(m, clusters, id) {
			g.Identity, g.Workloads, g.workloads, g.Owner, g.From = id, append([]string{}, who.names...), who.workloads, owner, from
			g.ID = "G-" + strings.TrimPrefix(finding.NewID(g.Kind, id, g.Grant), "F-")
			if g.Revoke == nil {
				g.Revoke = []string{}
			}
			out = append(out, g)
		}
	}
	out = append(out, resourceGrants(m, workloads, owners)...)
	slices.SortFunc(out, func(a, b ReviewGrant) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Identity, b.Identity), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Grant, b.Grant))
	})
	return out, nil
}

// ownerOfGrant is who answers for a grant: the owner of the workload, for it is
// there that it can do harm, else that of the identity.
func ownerOfGrant(who *manager, named map[string]string, own [2]string) (owner, from string) {
	for i, id := range who.workloads {
		if named[id] != "" {
			return named[id], "owner of workload " + who.names[i]
		}
	}
	return own[0], own[1]
}

// grantsOf lists what an identity is granted.
func grantsOf(m *Amazon, clusters *Clusters, id string) (out []ReviewGrant) {
	if strings.HasPrefix(id, "k8s://") {
		cluster, r, ok := ref(id)
		if !ok || clusters == nil || clusters.byName[cluster] == nil {
			return nil
		}
		for _, b := range clusters.bindingsOf(cluster, r) {
			out = append(out, clusters.bound(cluster, b))
		}
		return out
	}
	p, ok := m.world.Principal(id)
	if !ok || p.Kind != iam.Role && p.Kind != iam.User || p.ServiceLinked {
		return nil
	}
	for _, pol := range p.Policies {
		g := ReviewGrant{Kind: "policy", Grant: pol.ID, Digest: digestOf(m.document(pol.ID)), Revoke: revokePolicy(p, pol.ID)}
		if g.Digest == "" {
			g.Unread, g.Says = "its document was not read", "not known"
		} else {
			g.Says = m.saying(p, pol.ID)
		}
		out = append(out, g)
	}
	if t := m.world.Resource(p.ARN); p.Kind == iam.Role && t != nil {
		g := ReviewGrant{Kind: "trust", Grant: p.ARN, Digest: digestOf(m.document(p.ARN)), Says: "who may become " + p.Name}
		if g.Digest == "" {
			g.Unread = cmp.Or(t.Unread, "its trust policy was not read")
		} else {
			g.Says += ": " + m.trusting(p.ARN)
		}
		out = append(out, g)
	}
	return out
}

// digestOf is the SHA-256 of a document, whatever its spacing; empty for none.
func digestOf(doc json.RawMessage) string {
	if len(doc) == 0 {
		return ""
	}
	var v any
	if json.Unmarshal(doc, &v) == nil {
		if text, err := json.Marshal(v); err == nil { // members sorted
			doc = text
		}
	}
	sum := sha256.Sum256(doc)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// saying puts a policy in a few words.
func (m *Amazon) saying(p *iam.Principal, policy string) string {
	one := *p
	one.Policies, one.Unread = []*iam.Policy{{ID: policy}}, ""
	statements, _ := m.allows(&one)
	var parts []string
	for i := range statements {
		s := &statements[i].st
		what := strings.Join(s.Actions, ", ")
		if len(s.NotActions) > 0 {
			what = "all but " + strings.Join(s.NotActions, ", ")
		}
		on := strings.Join(s.Resources, ", ")
		if len(s.NotResources) > 0 {
			on = "all but " + strings.Join(s.NotResources, ", ")
		}
		part := what + " on " + cmp.Or(on, "*")
		if len(s.Conditions) > 0 {
			part += " under conditions"
		}
		parts = append(parts, part)
	}
	return shorten(strings.Join(parts, "; "))
}

const maxSaying = 300

func shorten(s string) string {
	if len(s) <= maxSaying {
		return cmp.Or(s, "allows nothing")
	}
	return strings.ToValidUTF8(s[:maxSaying], "") + " …"
}

// trusting names whom a role trusts.
func (m *Amazon) trusting(role string) string {
	n, ok := m.snap.Find(role)
	if !ok {
		return "not known"
	}
	var names []string
	for e := range m.snap.Out(n) {
		if e.Type == estate.Trusts {
			names = append(names, m.snap.Asset(e.Node).ID)
		}
	}
	slices.Sort(names)
	return shorten(strings.Join(slices.Compact(names), ", "))
}

func revokePolicy(p *iam.Principal, policy string) []string {
	kind := "role"
	if p.Kind == iam.User {
		kind = "user"
	}
	if name, ok := strings.CutPrefix(policy, p.ARN+"#policy/"); ok {
		return []string{"aws iam delete-" + kind + "-policy --" + kind + "-name " + word(p.Name) + " --policy-name " + word(name)}
	}
	if group, _, ok := strings.Cut(policy, "#policy/"); ok {
		return []string{"aws iam remove-user-from-group --user-name " + word(p.Name) + " --group-name " + word(group[strings.LastIndexByte(group, '/')+1:])}
	}
	return []string{"aws iam detach-" + kind + "-policy --" + kind + "-name " + word(p.Name) + " --policy-arn " + word(policy)}
}

// bound is a binding as a grant: it changes when its role does.
func (c *Clusters) bound(cluster string, b boundBy) ReviewGrant {
	g := ReviewGrant{Kind: "binding", Grant: b.id}
	role, ok := decodeBinding(b.text)
	rules := c.rulesOf(cluster, b)
	if !ok || rules == nil {
		g.Unread, g.Says = "the role that it gives was not read, or has no rules", "not known"
		return g
	}
	text, err := json.Marshal(struct {
		Role  rbac.Ref
		Rules []rbac.Rule
	}{role, rules})
	if err != nil {
		g.Unread = err.Error()
		return g
	}
	g.Digest = digestOf(text)
	var parts []string
	for _, r := range rules {
		parts = append(parts, strings.Join(r.Verbs, ",")+" "+strings.Join(r.Resources, ","))
	}
	g.Says = shorten(role.Kind + " " + role.Name + ": " + strings.Join(parts, "; "))
	at := ""
	if b.namespace != "" {
		at = "-n " + word(b.namespace) + " "
	}
	g.Revoke = []string{"kubectl " + at + "delete " + strings.ToLower(b.kind) + " " + word(b.name)}
	if b.subjects > 1 {
		g.Revoke = []string{"kubectl " + at + "edit " + strings.ToLower(b.kind) + " " + word(b.name) + "   (it binds others too)"}
	}
	return g
}

// ReviewEntry is one record of a review: its start, or somebody's word on a grant.
type ReviewEntry struct {
	Estate string `json:"estate"`
	// Kind is start, keep or revoke.
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	// Due and Every are of a start: by when each grant must have an answer, and
	// after how many days the next review is due.
	Due   time.Time `json:"due,omitzero"`
	Every int       `json:"every,omitempty"`
	// Grants are those of a start, by id, with their digests.
	Grants map[string]string `json:"grants,omitempty"`
	// Grant, Digest, Identity and What are of keep and revoke: what was said of.
	Grant    string `json:"grant,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Identity string `json:"identity,omitempty"`
	What     string `json:"what,omitempty"`
	Owner    string `json:"owner,omitempty"` // as it was known then
	Reason   string `json:"reason,omitempty"`
	// Prev is the SHA-256 of the record before this one; empty in the first.
	Prev string `json:"prev,omitempty"`
}

// ReviewState is where a grant stands in the review.
type ReviewState string

// The states. Overdue ones, and those that were revoked and are there still after
// the review's day, fail access.scope.
const (
	ReviewKept    ReviewState = "kept"
	ReviewOpen    ReviewState = "open"
	ReviewOverdue ReviewState = "overdue"
	ReviewRevoked ReviewState = "revoked" // and there still
)

// ReviewItem is a grant with where it stands.
type ReviewItem struct {
	ReviewGrant
	State ReviewState `json:"state"`
	Why   string      `json:"why"`
	Due   time.Time   `json:"due,omitzero"`
	// Last is the last word on it.
	Last *ReviewEntry `json:"last,omitempty"`
}

// Reviewed says of each grant where it stands by the records, oldest first. A
// grant that changed since somebody kept it is open again. started is unset if no
// review was ever begun.
func Reviewed(grants []ReviewGrant, records []ReviewEntry, now time.Time) (items []ReviewItem, started bool) {
	var start *ReviewEntry
	last := map[string]*ReviewEntry{}
	for i := range records {
		r := &records[i]
		switch r.Kind {
		case "start":
			start = r
		case "keep", "revoke":
			last[r.Grant] = r
		}
	}
	for _, g := range grants {
		item := ReviewItem{ReviewGrant: g, Last: last[g.ID]}
		if start == nil {
			item.State, item.Why = ReviewOpen, "no review was ever begun"
			items = append(items, item)
			continue
		}
		item.weigh(start, now)
		items = append(items, item)
	}
	return items, start != nil
}

// weigh says where a grant stands.
func (i *ReviewItem) weigh(start *ReviewEntry, now time.Time) {
	i.Due = start.Due
	next := start.At.AddDate(0, 0, start.Every)
	l := i.Last
	switch {
	case i.Unread != "":
		i.State, i.Why = ReviewOpen, i.Unread
	case l != nil && l.Kind == "revoke" && l.Digest == i.Digest:
		i.State, i.Why = ReviewRevoked, "revoked by "+l.By+" on "+day(l.At)+", and there still"
		return
	case l != nil && l.Digest != i.Digest:
		i.State, i.Why = ReviewOpen, "it changed since "+l.By+" looked at it on "+day(l.At)
	case l != nil && !l.At.Before(start.At):
		if start.Every == 0 || now.Before(next) {
			i.State, i.Why, i.Due = ReviewKept, "kept by "+l.By+" on "+day(l.At), next
			return
		}
		i.State, i.Why, i.Due = ReviewOpen, fmt.Sprintf("the review of %s is more than %d days old: the next one is due", day(start.At), start.Every), next
	case start.Grants[i.ID] == "":
		i.State, i.Why = ReviewOpen, "it was made since the review of "+day(start.At)+" began"
	case start.Grants[i.ID] != i.Digest:
		i.State, i.Why = ReviewOpen, "it changed since the review of "+day(start.At)+" began"
	default:
		i.State, i.Why = ReviewOpen, "nobody has said whether it stays"
	}
	if now.After(i.Due) {
		i.State = ReviewOverdue
	}
}

// ReviewFault says of a workload what of its review fails access.scope; empty for
// nothing. examined is how many grants there are.
func ReviewFault(workload string, items []ReviewItem, now time.Time) (fault string, examined int) {
	var bad []string
	for i := range items {
		it := &items[i]
		if !slices.Contains(it.workloads, workload) {
			continue
		}
		examined++
		if it.State == ReviewOverdue || it.State == ReviewRevoked && now.After(it.Due) {
			bad = append(bad, it.ID+" "+it.Grant+" ("+it.Why+")")
		}
	}
	if len(bad) == 0 {
		return "", examined
	}
	return countOf(len(bad), "grant is", "grants are") + " overdue for review: " + some(bad), examined
}
