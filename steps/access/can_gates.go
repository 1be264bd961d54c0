package access

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// Beside who asks and what he asks for, what lies on the way decides too: an
// access point leads to the objects of a bucket, which must let in what comes
// through it, and the policy of a network's endpoint bounds what passes it.

// point is an access point of S3.
type point struct{ arn, account, bucket string }

// passage is an endpoint of a network for a service.
type passage struct {
	id, account, service string
	policy               *iam.Policy
	open                 bool // it lets everything pass
}

const (
	pointType   = "AWS::S3::AccessPoint"
	passageType = "AWS::EC2::VPCEndpoint"
	bucketARN   = "arn:aws:s3:::"
	sourceVpce  = "aws:SourceVpce"
)

// gates reads the access points and endpoints of a snapshot.
func (m *Amazon) gates(ctx context.Context, r *reader) error {
	m.shares, m.sharePolicies = map[string][]share{}, map[string]*iam.Policy{}
	for n, a := range m.snap.Assets() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if a.Type == shareType && !a.Referenced {
			if err := m.share(n, a); err != nil {
				return err
			}
		}
		if a.Referenced || a.Type != pointType && a.Type != passageType {
			continue
		}
		config, err := m.snap.Config(n)
		if err != nil {
			return fmt.Errorf("%s: %w", a.ID, err)
		}
		var c struct {
			Bucket                     string
			VpcEndpointId, ServiceName string
			PolicyDocument             json.RawMessage
		}
		if json.Unmarshal(config, &c) != nil {
			continue // said of the asset itself
		}
		if a.Type == pointType {
			if c.Bucket != "" {
				m.points = append(m.points, point{a.ID, a.Account, c.Bucket})
			}
			continue
		}
		p := passage{id: c.VpcEndpointId, account: a.Account, service: c.ServiceName, open: true}
		if _, rest, ok := strings.Cut(c.ServiceName, "com.amazonaws."); ok {
			_, p.service, _ = strings.Cut(rest, ".") // after the region
		}
		switch {
		case later(a, "config.PolicyDocument"):
			p.policy, p.open = iam.Unread(a.ID, "its policy is known after apply"), false
		case len(c.PolicyDocument) > 0 && string(c.PolicyDocument) != "null":
			p.policy, p.open = r.compile(a.ID, c.PolicyDocument, source{n, "config.PolicyDocument"}), allowsAll(c.PolicyDocument)
		}
		if p.id != "" {
			m.passages = append(m.passages, p)
		}
	}
	return nil
}

// allowsAll reports whether a document lets everybody do everything, as that of
// an endpoint does for which nobody wrote another.
func allowsAll(document json.RawMessage) bool {
	statements := statementsIn(document)
	if len(statements) != 1 {
		return false
	}
	var s map[string]json.RawMessage
	if json.Unmarshal(statements[0], &s) != nil {
		return false
	}
	any := func(raw json.RawMessage) bool {
		return slices.Contains([]string{`"*"`, `["*"]`, `{"AWS":"*"}`, `{"AWS":["*"]}`}, strings.Join(strings.Fields(string(raw)), ""))
	}
	return string(s["Effect"]) == `"Allow"` && any(s["Principal"]) && any(s["Action"]) && any(s["Resource"]) && s["Condition"] == nil
}

// pointOf is the access point that a resource is reached by, and what of its
// bucket; nil if there is none.
func (m *Amazon) pointOf(resource string) (*point, string) {
	if !strings.Contains(resource, ":accesspoint/") {
		return nil, ""
	}
	for i := range m.points {
		rest, ok := strings.CutPrefix(resource, m.points[i].arn)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		if key, ok := strings.CutPrefix(rest, "/object/"); ok {
			return &m.points[i], "/" + key
		}
		return &m.points[i], ""
	}
	return nil, ""
}

// behind completes an answer about an access point: what the point's policy gives
// counts only if the bucket behind it lets the same in. Source: S3 User Guide,
// "Configuring IAM policies for using access points".
func (m *Amazon) behind(p *point, inside string, r iam.Request, a iam.Answer) iam.Answer {
	if a.Decision == iam.Deny {
		return a
	}
	r.Resource = bucketARN + p.bucket + inside
	r.Context = maps.Clone(r.Context)
	if r.Context == nil {
		r.Context = map[string][]string{}
	}
	r.Context["s3:DataAccessPointArn"], r.Context["s3:DataAccessPointAccount"] = []string{p.arn}, []string{p.account}
	b := m.world.Explain(r)
	switch {
	case b.Decision == iam.Allow:
	case b.Decision == iam.Deny && slices.ContainsFunc(b.Because, func(x iam.Reason) bool { return x.Effect == "Deny" }):
		return b
	case b.Decision == iam.Deny:
		a.Decision, a.Witness, a.Conditions = iam.Unknown, nil, nil
		a.Unknown = append(a.Unknown, "nothing that was read lets the same into bucket "+p.bucket+", which its access point "+p.arn+" needs")
	default:
		a.Decision = weakest(a.Decision, b.Decision)
		a.Because, a.Unknown = append(slices.Clip(a.Because), b.Because...), append(slices.Clip(a.Unknown), b.Unknown...)
		a.Conditions = append(slices.Clip(a.Conditions), b.Conditions...)
		a.Witness = b.Witness
	}
	return a
}

// byPoints are the requests that come to the same through the access points of a
// bucket.
func (m *Amazon) byPoints(r iam.Request) []iam.Request {
	rest, ok := strings.CutPrefix(r.Resource, bucketARN)
	if !ok || len(m.points) == 0 {
		return nil
	}
	bucket, key, inside := strings.Cut(rest, "/")
	var out []iam.Request
	for _, p := range m.points {
		if p.bucket != bucket {
			continue
		}
		one := r
		one.Resource = p.arn
		if inside {
			one.Resource += "/object/" + key
		}
		out = append(out, one)
	}
	return out
}

// anyWay is the answer to a request, or the one that lets more by an access point.
func (m *Amazon) anyWay(all []iam.Request) iam.Answer {
	a := m.explain(all)
	for _, r := range m.byPoints(all[0]) {
		r.Principal = all[0].Principal
		if b := m.settled(r, m.world.Explain(r)); rank(b.Decision) > rank(a.Decision) {
			a = b
			a.Because = append(slices.Clip(a.Because), iam.Reason{Policy: r.Resource, Effect: "Allow", Layer: "access point"})
		}
	}
	return a
}

// throughEndpoint sets the policy of the endpoint that a request is said to come
// through.
func (m *Amazon) throughEndpoint(r *iam.Request) {
	for key, values := range r.Context {
		if !strings.EqualFold(key, sourceVpce) || len(values) != 1 {
			continue
		}
		for _, p := range m.passages {
			if p.id == values[0] && p.policy != nil {
				r.Through = []*iam.Policy{p.policy}
			}
		}
	}
}

// passing weighs the endpoints that a request may come through where that was
// not said: an answer that hangs on one hangs on its policy too, and of the others
// it is said that they were not weighed.
func (m *Amazon) passing(r iam.Request, a iam.Answer) iam.Answer {
	for key := range r.Context {
		if strings.EqualFold(key, sourceVpce) {
			return a
		}
	}
	if a.Decision == iam.Deny || r.Principal.Kind == iam.ServicePrincipal {
		return a
	}
	service, _, _ := strings.Cut(strings.ToLower(r.Action), ":")
	for _, p := range m.passages {
		label, _, _ := strings.Cut(p.service, ".")
		if p.open || label != service && !strings.HasPrefix(label, service+"-") {
			continue
		}
		if slices.Contains(a.Witness[sourceVpce], p.id) {
			one := r
			one.Context = maps.Clone(r.Context)
			if one.Context == nil {
				one.Context = map[string][]string{}
			}
			one.Context[sourceVpce], one.Through = []string{p.id}, []*iam.Policy{p.policy}
			if got := m.world.Decide(one); got != iam.Allow && got != iam.Conditional {
				a.Decision, a.Witness, a.Conditions = iam.Unknown, nil, nil
				a.Unknown = append(a.Unknown, fmt.Sprintf("it hangs on endpoint %s, whose policy does not let it pass: --context %s=%s asks about it", p.id, sourceVpce, p.id))
			}
			continue
		}
		if p.account == r.Principal.Account {
			a.Assumed = append(a.Assumed, fmt.Sprintf("the request does not come through endpoint %s, whose policy bounds it: --context %s=%s asks about that", p.id, sourceVpce, p.id))
		}
	}
	return a
}

// pointsOf are the access points of a bucket in a snapshot.
func pointsOf(snap *estate.Snapshot, bucket estate.Node) []string {
	var out []string
	for e := range snap.In(bucket) {
		if a := snap.Asset(e.Node); e.Type == estate.Reads && a.Type == pointType {
			out = append(out, a.ID)
		}
	}
	return out
}
