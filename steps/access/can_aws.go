package access

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Amazon decides questions about AWS, one at a time.
type Amazon struct {
	// mu guards the world, which learns of resources as they are asked about.
	mu     sync.Mutex
	snap   *estate.Snapshot
	world  *iam.World
	places map[string]source
	// own are the resources with policies of their own, by service.
	own map[string][]*iam.Resource
	// unlisted are, by service, the refusals for which there may be more resources
	// with policies of their own.
	unlisted map[string][]estate.BlindSpot
	doubts   map[string]doubt
	marks    map[string]mark // by policy; orders are those of organisations'
	orders   mark
	// claims say who a principal is and whose.
	claims *direct
	// points and passages lie on the way of requests.
	points   []point
	passages []passage
	// shares are those of AWS RAM, by resource.
	shares       map[string][]share
	sharesUnread []sharesOf
	// sharePolicies are what shares amount to, by document.
	sharePolicies map[string]*iam.Policy
}

var _ Evaluator = (*Amazon)(nil)

// NewAmazon reads the world of a snapshot. An error is the store's.
func NewAmazon(ctx context.Context, snap *estate.Snapshot) (*Amazon, error) {
	w := iam.NewWorld()
	w.At(snap.Taken())
	r := &reader{snap: snap, world: w, places: map[string]source{}, compiled: map[[sha256.Size]byte]*iam.Policy{}, managed: map[string]*iam.Policy{},
		groups: map[string][]*iam.Policy{}, refused: map[string]map[string]string{}, seen: map[string]bool{}, doubts: map[string]doubt{}, marks: map[string]mark{}, units: units{named: map[string]bool{}}}
	if err := r.fill(ctx); err != nil {
		return nil, err
	}
	m := &Amazon{snap: snap, world: w, places: r.places, unlisted: r.unlisted(), doubts: r.doubts, marks: r.marks, orders: r.orders, claims: &direct{snap: snap, people: map[estate.Node]identity{}}}
	m.owned(r.resources)
	if err := m.gates(ctx, r); err != nil {
		return nil, err
	}
	return m, nil
}

// World is what decides. It must not be changed.
func (m *Amazon) World() *iam.World { return m.world }

// Decides implements Evaluator.
func (*Amazon) Decides(action string) bool {
	service, name, ok := strings.Cut(action, ":")
	return action == "*" || ok && service != "k8s" && name != ""
}

// Can implements Evaluator.
func (m *Amazon) Can(ctx context.Context, q Question) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	p, session, err := m.who(q.Principal)
	if err != nil {
		return Answer{}, err
	}
	r, err := m.request(q)
	if err != nil {
		return Answer{}, err
	}
	r.Principal, r.Session = p, session
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ensure(r.Resource)
	return m.answer(m.byRAM(r, m.passing(r, m.anyWay(m.spread(r)))), q.Explain), nil
}

// WhoCan implements Evaluator.
func (m *Amazon) WhoCan(ctx context.Context, q Question) ([]Holder, error) {
	r, err := m.request(q)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ensure(r.Resource)
	out := []Holder{}
	all := m.spread(r)
	for _, p := range m.holders(all) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i := range all {
			all[i].Principal = p
		}
		out = append(out, m.holder(p, m.answer(m.passing(all[0], m.anyWay(all)), q.Explain)))
	}
	guests, err := m.guests(ctx, r, out, q.Explain)
	if err != nil {
		return nil, err
	}
	out = append(out, guests...)
	slices.SortFunc(out, func(a, b Holder) int { return cmp.Compare(a.Principal, b.Principal) })
	return out, nil
}

// holders lists who would not be refused every one of several requests.
func (m *Amazon) holders(all []iam.Request) []*iam.Principal {
	if len(all) == 1 && m.world.Resource(all[0].Resource) == nil && m.refusedFor(all[0]) != "" && !all[0].Literal {
		return m.world.Principals() // the resource may let anybody
	}
	seen := map[*iam.Principal]bool{}
	var out []*iam.Principal
	for _, r := range slices.Concat(all, m.byPoints(all[0])) {
		for _, h := range m.world.WhoCan(r) {
			if !seen[h.Principal] {
				seen[h.Principal] = true
				out = append(out, h.Principal)
			}
		}
	}
	return out
}

// answer puts an engine's answer in the words of this package.
func (m *Amazon) answer(a iam.Answer, explain bool) Answer {
	out := Answer{Decision: a.Decision, Because: []Reason{}, Conditions: a.Conditions, Action: a.Action, Resource: a.Resource, Unknown: a.Unknown, Assumed: a.Assumed}
	for _, b := range a.Because {
		if b.Policy == "" && b.Effect != "none" {
			continue // an identity whose policies nobody read: Unknown says so
		}
		one := Reason{Policy: b.Policy, Statement: b.Statement, Effect: b.Effect, Layer: b.Layer}
		if explain {
			one.Text = m.text(b.Policy, b.Statement)
		}
		out.Because = append(out.Because, one)
	}
	if a.Witness != nil && a.Decision != iam.Deny {
		out.Witness = map[string]any{}
		for key, values := range a.Witness {
			switch len(values) {
			case 0: // absent from the request, so absent here
			case 1:
				out.Witness[key] = values[0]
			default:
				out.Witness[key] = values
			}
		}
	}
	return out
}

// text is a statement of a policy as it is written; empty if it is not at hand.
func (m *Amazon) text(policy, statement string) string {
	statements := m.statementsOf(policy)
	for i, raw := range statements {
		var s struct{ Sid string }
		if json.Unmarshal(raw, &s) == nil && (s.Sid == statement && statement != "" || "#"+strconv.Itoa(i) == statement) {
			return string(raw)
		}
	}
	return ""
}

// statementsOf are a policy's statements as they are written; nil if it is not at
// hand.
func (m *Amazon) statementsOf(policy string) []json.RawMessage {
	if at, ok := m.places[policy]; ok {
		config, err := m.snap.Config(at.node)
		if err != nil {
			return nil
		}
		return statementsIn(lookup(config, at.path))
	}
	doc, ok := reference.Managed(policy)
	if !ok {
		return nil
	}
	return statementsIn(doc)
}

// statementsIn takes a document apart, one in a string too.
func statementsIn(document json.RawMessage) []json.RawMessage {
	var s string
	if json.Unmarshal(document, &s) == nil {
		document = json.RawMessage(unescaped(s))
	}
	var d struct{ Statement json.RawMessage }
	if json.Unmarshal(document, &d) != nil {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(d.Statement, &list) != nil {
		list = []json.RawMessage{d.Statement}
	}
	return list
}

// request reads the action and resource of a question.
func (m *Amazon) request(q Question) (iam.Request, error) {
	action, literal, err := readAction(q.Action)
	if err != nil {
		return iam.Request{}, err
	}
	for key, values := range q.Context {
		if err := checkKey(key, values); err != nil {
			return iam.Request{}, err
		}
	}
	r := iam.Request{Action: action, Context: q.Context}
	m.throughEndpoint(&r)
	switch {
	case q.Resource == "*" && literal:
		r.Resource, r.Literal = "*", true
	case q.Resource == "*":
		r.Resource = "arn:*" // any resource there is or may be
	case q.Resource == "":
		return iam.Request{}, &Asking{What: "no resource is named", Mend: `an ARN, a pattern of ARNs, or "*"`}
	case strings.HasPrefix(q.Resource, "arn:"):
		r.Resource = q.Resource
	default:
		if r.Resource, err = m.find(q.Resource, "asset", func(*estate.Asset) bool { return true }); err != nil {
			return iam.Request{}, err
		}
	}
	return r, nil
}

// readAction spells an action as AWS does. literal says that no action it
// covers works on a resource.
func readAction(text string) (action string, literal bool, err error) {
	if text == "*" {
		return text, false, nil
	}
	service, name, ok := strings.Cut(text, ":")
	if !ok || service == "" || name == "" {
		return "", false, &Asking{What: fmt.Sprintf("%q is no action", text), Mend: "actions are written SERVICE:Name, as in s3:GetObject; patterns as in s3:Get*"}
	}
	if strings.ContainsAny(text, "*?") {
		covered := reference.Expand(text)
		if len(covered) == 0 {
			return "", false, &Asking{What: fmt.Sprintf("no action that is known fits %q", text), Mend: closest(service, name)}
		}
		return text, !slices.ContainsFunc(covered, func(a *reference.Action) bool { return len(a.Uses) > 0 }), nil
	}
	a, known := reference.Lookup(service, name)
	if !known {
		return "", false, &Asking{What: fmt.Sprintf("no action is called %q (of those known on %s)", text, reference.Taken().Format("2006-01-02")), Mend: closest(service, name)}
	}
	return a.String(), len(a.Uses) == 0, nil
}

// closest names the actions, or services, that come next to what was written.
func closest(service, name string) string {
	if _, ok := reference.FindService(service); !ok {
		var all []string
		for _, s := range reference.Services() {
			all = append(all, s.Prefix)
		}
		return "services are called " + strings.Join(near(service, all), ", ")
	}
	var all []string
	for _, a := range reference.Actions(service) {
		all = append(all, a.String())
	}
	return "did you mean " + strings.Join(near(service+":"+name, all), ", ") + "?"
}

// checkKey refuses a condition key that AWS does not know: a slip in it would
// leave the real one open. Nor does it take a value that no request carries.
func checkKey(key string, values []string) error {
	if k, ok := reference.FindKey(key); ok {
		for _, v := range values {
			if what, example := misses(k.Type, v); what != "" {
				return &Asking{What: fmt.Sprintf("--context %s=%s: the value is no %s", key, v, what), Mend: "--context " + key + "=" + example}
			}
		}
		return nil
	}
	var all []string
	for _, k := range reference.Keys() {
		all = append(all, k.Name)
	}
	return &Asking{What: fmt.Sprintf("no condition key is called %q", key), Mend: "did you mean " + strings.Join(near(key, all), ", ") + "?"}
}

// misses says in words what a value of a type should be and is not, with an
// example; empty if it is one.
func misses(t reference.Type, value string) (what, example string) {
	switch t {
	case reference.IPAddress:
		if _, err := netip.ParseAddr(value); err != nil {
			return "IP address", "192.0.2.1"
		}
	case reference.Bool:
		if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
			return "truth value", "true"
		}
	case reference.Numeric:
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return "number", "10"
		}
	case reference.Date:
		for _, layout := range []string{time.RFC3339, "2006-01-02"} {
			if _, err := time.Parse(layout, value); err == nil {
				return "", ""
			}
		}
		if _, err := strconv.ParseFloat(value, 64); err != nil { // seconds since 1970
			return "date", "2026-01-31T00:00:00Z"
		}
	}
	return "", ""
}

// who finds the principal of a question, and the session's name if it is one.
func (m *Amazon) who(name string) (*iam.Principal, string, error) {
	if p, ok := m.world.Principal(name); ok {
		session := ""
		if _, rest, ok := strings.Cut(name, ":assumed-role/"); ok {
			_, session, _ = strings.Cut(rest, "/")
		}
		return p, session, nil
	}
	if !strings.HasPrefix(name, "arn:") {
		id, err := m.find(name, "principal", func(a *estate.Asset) bool { return isIdentity(a) })
		if err != nil {
			return nil, "", err
		}
		if p, ok := m.world.Principal(id); ok {
			return p, "", nil
		}
		return nil, "", &Asking{What: fmt.Sprintf("%s makes no requests to AWS", id), Mend: "name a user, a role, a service (sagemaker.amazonaws.com), an identity provider, or the account's root"}
	}
	p := stranger(name)
	if p == nil {
		return nil, "", &Asking{What: fmt.Sprintf("%s is no ARN of a user, role, session, identity provider or root user", name), Mend: "sevenfold access lists the identities there are"}
	}
	typ := "AWS::IAM::User"
	if p.Kind == iam.Role {
		typ = "AWS::IAM::Role"
	}
	if p.Kind != iam.User && p.Kind != iam.Role || !m.snap.Covered(typ, p.Account, "") {
		p.Unread = "nobody read it or its policies: " + strings.ToLower(strings.TrimPrefix(typ, "AWS::IAM::")) + "s of account " + p.Account + " were not all listed"
		return p, "", nil
	}
	return nil, "", &Asking{What: fmt.Sprintf("account %s has no %s %q", p.Account, strings.ToLower(strings.TrimPrefix(typ, "AWS::IAM::")), p.Name),
		Mend: "did you mean " + strings.Join(near(name, m.principals()), ", ") + "?"}
}

func (m *Amazon) principals() []string {
	var out []string
	for _, p := range m.world.Principals() {
		out = append(out, p.ARN)
	}
	return out
}

// find completes an id of which only the end is given. Of two that fit it names
// both.
func (m *Amazon) find(end, what string, fits func(*estate.Asset) bool) (string, error) {
	var found, all []string
	for _, a := range m.snap.Assets() {
		if a.Cloud != estate.AWS && !a.Referenced || strings.Contains(a.ID, "#") || !fits(a) {
			continue
		}
		if _, ok := aws.ParseARN(a.ID); !ok {
			continue
		}
		all = append(all, a.ID)
		if rest, ok := strings.CutSuffix(a.ID, end); ok && (rest == "" || strings.HasSuffix(rest, "/") || strings.HasSuffix(rest, ":")) {
			found = append(found, a.ID)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		hint := "give the whole ARN"
		if close := near(end, all); len(close) > 0 {
			hint = "did you mean " + strings.Join(close, ", ") + "?"
		}
		return "", &Asking{What: fmt.Sprintf("no %s is called %q", what, end), Mend: hint}
	}
	slices.Sort(found)
	if len(found) > 20 {
		found = append(found[:20], fmt.Sprintf("and %d more", len(found)-20))
	}
	return "", &Asking{What: fmt.Sprintf("%d %ss are called %q: %s", len(found), what, end, strings.Join(found, ", ")), Mend: "give the whole ARN"}
}
