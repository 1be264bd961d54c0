package access

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// Everywhere is who decides about an estate: AWS and its clusters, joined. A
// service account of a cluster asks AWS as the roles that its pods act as, so
// that pod, service account, role and bucket are one way. An error is the
// store's.
func Everywhere(ctx context.Context, snap *estate.Snapshot) (Evaluators, error) {
	amazon, err := NewAmazon(ctx, snap)
	if err != nil {
		return nil, err
	}
	clusters, err := NewClusters(ctx, snap, amazon.world)
	if err != nil {
		return nil, err
	}
	j := &joined{Amazon: amazon, clusters: clusters, acts: map[string][]ClusterStep{}}
	for _, e := range clusters.Edges() {
		j.acts[e.From] = append(j.acts[e.From], e)
	}
	return Evaluators{j, clusters}, nil
}

// joined answers about AWS for those of clusters too.
type joined struct {
	*Amazon
	clusters *Clusters
	acts     map[string][]ClusterStep // by who acts: as a service account, as a role
}

// link is a role of AWS that somebody of a cluster acts as.
type link struct {
	role     string
	decision iam.Decision // of the way there
	because  []Reason
	why      []string
}

// links lists the roles that somebody of a cluster acts as, over his service
// account if he is a pod.
func (j *joined) links(id string) []link {
	var out []link
	for _, e := range j.acts[id] {
		one := link{e.To, e.Decision, e.Because, e.Why}
		if strings.HasPrefix(e.To, "arn:") {
			out = append(out, one)
			continue
		}
		if !strings.Contains(e.To, "/ServiceAccount/") {
			continue // a node is not who asks
		}
		for _, next := range j.links(e.To) {
			next.decision = weakest(one.decision, next.decision)
			next.because, next.why = slices.Concat(one.because, next.because), slices.Concat(one.why, next.why)
			out = append(out, next)
		}
	}
	return out
}

// weakest is the decision on two things that are both needed.
func weakest(a, b iam.Decision) iam.Decision {
	order := []iam.Decision{iam.Deny, iam.Unknown, iam.Conditional, iam.Allow}
	return order[min(slices.Index(order, a), slices.Index(order, b))]
}

// Can implements Evaluator.
func (j *joined) Can(ctx context.Context, q Question) (Answer, error) {
	id := q.Principal
	if strings.HasPrefix(id, "system:serviceaccount:") {
		who, err := j.clusters.who(id)
		if err != nil {
			return Answer{}, err
		}
		id = j.clusters.id(who.cluster, userOf(id))
	}
	if !strings.HasPrefix(id, "k8s://") {
		a, err := j.Amazon.Can(ctx, q)
		var asking *Asking
		if !errors.As(err, &asking) {
			return a, err
		}
		who, none := j.clusters.who(id) // the end of a service account's id will do
		if none != nil || who.account == (rbac.Ref{}) {
			return a, err
		}
		id = j.clusters.id(who.cluster, who.account)
	}
	if _, err := j.clusters.who(id); err != nil {
		return Answer{}, err
	}
	const assumed = "what a pod gets from the role of its node is not weighed"
	var best *Answer
	for _, l := range j.links(id) {
		one := q
		one.Principal = l.role
		a, err := j.Amazon.Can(ctx, one)
		if err != nil {
			return Answer{}, err
		}
		a.Decision, a.Because = weakest(a.Decision, l.decision), slices.Concat(l.because, a.Because)
		if a.Decision == l.decision {
			a.Unknown = append(a.Unknown, l.why...)
		}
		a.Assumed = append(a.Assumed, assumed)
		if best == nil || rank(a.Decision) > rank(best.Decision) {
			best = &a
		}
	}
	if best == nil { // it acts as no role, so that it has no rights in AWS
		best = &Answer{Decision: iam.Deny, Because: []Reason{{Policy: id, Effect: "none", Layer: "identity"}}, Assumed: []string{assumed}}
	}
	if why := j.clusters.untold(id); why != "" && best.Decision != iam.Allow {
		best.Decision, best.Conditions, best.Witness = iam.Unknown, nil, nil
		best.Unknown = append(best.Unknown, why)
	}
	return *best, nil
}

// WhoCan implements Evaluator: to those of AWS it adds the service accounts whose
// pods act as them.
func (j *joined) WhoCan(ctx context.Context, q Question) ([]Holder, error) {
	out, err := j.Amazon.WhoCan(ctx, q)
	if err != nil {
		return out, err
	}
	roles := map[string]*Holder{}
	for i := range out {
		roles[out[i].Principal] = &out[i]
	}
	var more []Holder
	for id := range j.acts {
		if !strings.Contains(id, "/ServiceAccount/") {
			continue // pods act as their account, which is listed
		}
		var best *Holder
		for _, l := range j.links(id) {
			role := roles[l.role]
			if role == nil || l.decision == iam.Deny {
				continue
			}
			h := *role
			h.Principal, h.Decision, h.Because = id, weakest(role.Decision, l.decision), slices.Concat(l.because, role.Because)
			if h.Decision != role.Decision {
				h.Unknown = slices.Concat(l.why, role.Unknown)
			}
			if best == nil || rank(h.Decision) > rank(best.Decision) {
				best = &h
			}
		}
		if best == nil {
			continue
		}
		best.Class, best.Owner = "", ""
		if n, ok := j.snap.Find(id); ok {
			who := j.claims.who(n)
			best.Class, best.Owner = who.class, who.owner
		}
		more = append(more, *best)
	}
	for _, cluster := range j.clusters.names {
		if why := j.clusters.untied[cluster]; why != "" {
			more = append(more, Holder{Principal: "k8s://" + cluster + "//*", Decision: iam.Unknown, Because: []Reason{}, Unknown: []string{why}})
		}
	}
	out = append(out, more...)
	slices.SortFunc(out, func(a, b Holder) int { return cmp.Compare(a.Principal, b.Principal) })
	return out, nil
}
