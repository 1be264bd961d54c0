package iam

import (
	"slices"
	"strings"
	"sync"
)

// rcpServices are the services that resource control policies bind, by their
// prefix of actions. Source: AWS Organizations User Guide, "Resource control
// policies", list of services that support them.
var rcpServices = map[string]bool{
	"s3": true, "sts": true, "kms": true, "sqs": true, "secretsmanager": true,
	"ecr": true, "aoss": true, "cognito-identity": true, "cognito-idp": true,
	"logs": true, "dynamodb": true,
}

// decision is the working of one request: the gates, and how they are combined.
type decision struct {
	decider
	identity, boundary, session gate
	scps, rcps                  []gate
	// The statements of the resource's policy that allow, by what they are
	// worth.
	direct, role, delegated gate
	deny                    gate
	formula                 *node
	// quick leaves out what cannot change an answer of no: the gates are then
	// not all filled.
	quick  bool
	single [1]*Policy
}

var pool = sync.Pool{New: func() any { return &decision{} }}

func (w *World) decision(r *Request) *decision {
	d := pool.Get().(*decision)
	*d = decision{decider: decider{
		env: env{context: d.context[:0]}, opaque: d.opaque[:0], lits: d.lits[:0], any: d.any[:0], budget: maxWork,
	}, scps: d.scps[:0], rcps: d.rcps[:0]}
	d.prepare(w, r)
	return d
}

func (d *decision) release() { pool.Put(d) }

// Decide says only which of the four answers it is, as fast as can be.
func (w *World) Decide(r Request) Decision {
	d := w.decision(&r)
	got := d.decide()
	d.release()
	return got
}

func (d *decision) decide() Decision {
	d.quick = true
	t, f := d.weigh()
	switch t {
	case yes:
		return Allow
	case no:
		return Deny
	}
	if f.readOnce(&d.decider) {
		return Conditional
	}
	return d.solve(f).decision
}

// again makes the decision ready for the same request of another principal.
func (d *decision) again(p *Principal) {
	*d = decision{decider: decider{
		env: d.env, opaque: d.opaque[:0], lits: d.lits[:0], any: d.any[:0], budget: maxWork,
	}, scps: d.scps[:0], rcps: d.rcps[:0]}
	d.by(p)
}

// Explain decides and says why.
func (w *World) Explain(r Request) Answer {
	d := w.decision(&r)
	defer d.release()
	t, f := d.weigh()
	a := Answer{Assumed: d.assumptions()}
	switch t {
	case yes:
		a.Decision = Allow
	case no:
		a.Decision = Deny
	default:
		out := d.solve(f)
		a.Decision, a.Unknown = out.decision, out.why
		if out.decision != Deny {
			a.Witness = d.witness(out.model, &a)
		}
		if out.decision == Conditional {
			a.Conditions = d.conditionsOf(f)
		}
	}
	a.Because = d.because(a.Decision)
	return a
}

// weigh fills the gates and combines them: yes or no, or the formula that the
// answer hangs on.
func (d *decision) weigh() (truth, *node) {
	p := d.principal
	switch d.fixed() {
	case yes:
		return yes, nil
	case no:
		return no, nil
	}
	d.gather()
	if t := d.closed(); t != open {
		return t, nil
	}
	id := []part3{{g: &d.identity}}
	if p.Boundary != nil {
		id = append(id, part3{g: &d.boundary})
	}
	if len(p.Session) > 0 {
		id = append(id, part3{g: &d.session})
	}
	limits := id[1:]
	var grant *node
	delegates := d.delegates()
	switch {
	case p.Kind == ServicePrincipal, p.Kind == Federated, p.Kind == Anonymous:
		grant = leaf(&d.direct)
	case d.account != "" && p.Account != "" && d.account != p.Account:
		grant = all(conjoin(id), either(leaf(&d.direct), leaf(&d.role), leaf(&d.delegated)))
	case d.account == "" || p.Account == "":
		// Whose resource it is is not known, so either rule may apply.
		same := d.within(id, limits, delegates)
		cross := all(conjoin(id), either(leaf(&d.direct), leaf(&d.role), leaf(&d.delegated)))
		u := d.unknown("whose resource " + d.resource + " is")
		not := u
		not.not = true
		grant = either(all(literalNode(u), same), all(literalNode(not), cross))
	default:
		grant = d.within(id, limits, delegates)
	}
	parts := []*node{negate(leaf(&d.deny))}
	for i := range d.scps {
		parts = append(parts, leaf(&d.scps[i]))
	}
	for i := range d.rcps {
		parts = append(parts, leaf(&d.rcps[i]))
	}
	f := all(append(parts, grant)...)
	d.formula = f
	switch f.kind {
	case isTrue:
		return yes, nil
	case isFalse:
		return no, nil
	}
	return open, f
}

// closed combines the gates as far as they are not open, by the least and the
// greatest of no, open and yes, which costs nothing. It says the same as the
// formula that weigh makes, where that hangs on nothing.
func (d *decision) closed() truth {
	p := d.principal
	t := yes - d.deny.t
	for i := range d.scps {
		t = min(t, d.scps[i].t)
	}
	for i := range d.rcps {
		t = min(t, d.rcps[i].t)
	}
	if t == no {
		return no
	}
	limits := yes
	if p.Boundary != nil {
		limits = min(limits, d.boundary.t)
	}
	if len(p.Session) > 0 {
		limits = min(limits, d.session.t)
	}
	own := min(d.identity.t, limits)
	cross := min(own, max(d.direct.t, d.role.t, d.delegated.t))
	direct := d.direct.t
	if p.Kind == User && len(p.Session) > 0 {
		direct = min(direct, d.session.t)
	}
	same := own
	if d.delegates() {
		same = min(same, d.delegated.t)
	}
	same = max(same, direct, min(d.role.t, limits))
	grant := same
	switch {
	case p.Kind == ServicePrincipal, p.Kind == Federated, p.Kind == Anonymous:
		grant = d.direct.t
	case d.account != "" && p.Account != "" && d.account != p.Account:
		grant = cross
	case (d.account == "" || p.Account == "") && same != cross:
		grant = open
	}
	return min(t, grant)
}

type part3 struct{ g *gate }

func conjoin(ps []part3) *node {
	out := make([]*node, len(ps))
	for i := range ps {
		out[i] = leaf(ps[i].g)
	}
	return all(out...)
}

// within combines identity and resource policies of one account. Where a
// service's resources decide alone (a key's policy, a role's trust), identity
// policies count only if the resource's policy hands the decision over.
func (d *decision) within(id, limits []part3, delegates bool) *node {
	identity := conjoin(id)
	if delegates {
		identity = all(identity, leaf(&d.delegated))
	}
	direct := leaf(&d.direct)
	if d.principal.Kind == User && len(d.principal.Session) > 0 {
		// A federated user's session is not the user whom the policy names.
		direct = all(direct, leaf(&d.session))
	}
	return either(identity, direct, all(leaf(&d.role), conjoin(limits)))
}

// delegates says that the resource decides alone unless its policy hands the
// decision to the account: a KMS key, and a role that is to be assumed.
func (d *decision) delegates() bool {
	return d.action.service == "kms" && (isKey(d.resource) || d.on != nil && d.on.Policy != nil) || d.action.service == "sts" && isRole(d.resource)
}

// isKey says that an ARN or a pattern is one of KMS keys.
func isKey(arn string) bool {
	return strings.HasPrefix(arn, "arn:") && strings.Contains(arn, ":kms:") && strings.Contains(arn, ":key/")
}

// gather weighs every policy that bears on the request.
func (d *decision) gather() {
	p := d.principal
	d.deny.layer, d.deny.denies = "deny", true
	d.identity.layer, d.boundary.layer, d.session.layer = "identity", "boundary", "session"
	d.direct.layer, d.role.layer, d.delegated.layer = "resource", "resource", "resource"
	switch p.Kind {
	case User, Role:
		d.add(p.Policies, ofIdentity, &d.identity, &d.deny)
		if p.Unread != "" {
			d.identity.may(conj{lits: []lit{d.unknown(p.ARN + ": " + p.Unread + " (what it allows)")}})
			d.deny.may(conj{lits: []lit{d.unknown(p.ARN + ": " + p.Unread + " (what it denies)")}})
		}
	case Root:
		d.identity.t = yes
	}
	d.resourcePolicy()
	if d.quick && (d.deny.t == yes || d.identity.t == no && d.direct.t == no && d.role.t == no) {
		// Denied, or nothing that could allow: what only limits does not matter.
		return
	}
	if p.Kind == User || p.Kind == Role {
		if p.Boundary != nil {
			d.add(d.alone(p.Boundary), ofIdentity, &d.boundary, &d.deny)
		}
		if len(p.Session) > 0 {
			d.add(p.Session, ofIdentity, &d.session, &d.deny)
		}
	}
	if d.deny.t == yes {
		return
	}
	if !p.ServiceLinked && (p.Kind == User || p.Kind == Role || p.Kind == Root) {
		d.scps = d.levels(d.scps, d.from, "scp", func(a *Account) [][]*Policy { return a.SCPs })
	}
	if !p.ServiceLinked && rcpServices[d.action.service] {
		d.rcps = d.levels(d.rcps, d.to, "rcp", func(a *Account) [][]*Policy { return a.RCPs })
	}
}

// alone is a list of one policy.
func (d *decision) alone(p *Policy) []*Policy {
	d.single[0] = p
	return d.single[:]
}

// levels weighs the control policies of an account, each level of which must
// allow.
func (d *decision) levels(gates []gate, a *Account, layer string, of func(*Account) [][]*Policy) []gate {
	if a == nil || a.Management {
		return gates
	}
	if a.Unread != "" {
		g := gate{layer: layer}
		g.may(conj{lits: []lit{d.unknown("account " + a.ID + ": " + a.Unread + " (" + layer + ")")}})
		return append(gates, g)
	}
	for _, level := range of(a) {
		gates = append(gates, gate{layer: layer})
		g := &gates[len(gates)-1]
		at := ofIdentity
		if layer == "rcp" {
			at = ofControl
		}
		d.add(level, at, g, &d.deny)
		if d.quick && (g.t == no || d.deny.t == yes) {
			break
		}
	}
	return gates
}

// resourcePolicy weighs the policy of the resource, where the action is one of
// the resource's own service.
func (d *decision) resourcePolicy() {
	r := d.on
	service := d.action.service
	if service == "sts" && !isRole(d.resource) {
		return
	}
	if r == nil {
		d.missingResource()
		return
	}
	if isRole(r.ARN) && service != "sts" {
		return // a trust policy is about assuming the role and nothing else
	}
	if r.Unread != "" {
		for _, g := range []*gate{&d.direct, &d.deny} {
			word := " (what it allows)"
			if g == &d.deny {
				word = " (what it denies)"
			}
			g.may(conj{lits: []lit{d.unknown(r.ARN + ": " + r.Unread + word)}})
		}
		if service == "kms" || service == "sts" {
			d.delegated.may(conj{lits: []lit{d.unknown(r.ARN + ": " + r.Unread + " (what it allows)")}})
		}
	}
	switch {
	case r.Policy != nil:
		d.ownPolicy(r)
	case r.Unread == "" && d.delegates():
		why := r.ARN + " has a policy of its own, which was not given"
		for _, g := range []*gate{&d.direct, &d.delegated, &d.deny} {
			g.may(conj{lits: []lit{d.unknown(why)}})
		}
	}
	d.keyGrants(r)
	d.lists(r)
}

// missingResource weighs a resource that is not in the world. What surely has a
// policy of its own, and what another account owns, hangs on that policy. All
// else is taken to have none, which the answer says.
func (d *decision) missingResource() {
	foreign := d.account != "" && d.principal.Account != "" && d.account != d.principal.Account
	if d.resourceSet != nil && !foreign {
		d.delegated.t = yes // of many resources; assumptions says so
		return
	}
	if !d.delegates() && !foreign {
		return
	}
	why := d.resource + " is not in the estate, and its own policy is not known"
	d.direct.may(conj{lits: []lit{d.unknown(why + " (what it allows)")}})
	d.deny.may(conj{lits: []lit{d.unknown(why + " (what it denies)")}})
	if d.delegates() {
		d.delegated.may(conj{lits: []lit{d.unknown(why + " (what it allows)")}})
	}
}

func isRole(arn string) bool {
	return strings.Contains(arn, ":iam::") && strings.Contains(arn, ":role/")
}

func (d *decision) ownPolicy(r *Resource) {
	restricted := r.RestrictPublic && d.action.service == "s3" && d.outsider() && r.Policy.public()
	p := r.Policy
	d.unreadPolicy(p, &d.direct, &d.deny)
	if p.unread != "" && d.delegates() {
		d.delegated.may(conj{lits: []lit{d.unknown(p.ID + ": " + p.unread + " (what it allows)")}, policy: p})
	}
	d.eachOf(p, func(s *Statement) bool {
		m := d.named(s)
		if m == noMatch {
			return true
		}
		sure := m &^ (bySession | notSure)
		if s.Deny || s.noEffect {
			if sure != 0 {
				d.put(p, s, &d.deny, yes)
			} else {
				d.put(p, s, &d.deny, open)
			}
		}
		if s.Deny || restricted {
			return true
		}
		if m&(bySession|notSure) != 0 && sure&directly == 0 {
			d.put(p, s, &d.direct, open)
		}
		if m&(directly|byEveryone) != 0 { // "*" is the session itself, as the guide says under Principal
			d.put(p, s, &d.direct, yes)
			return true
		}
		if m&byRole != 0 {
			d.put(p, s, &d.role, yes)
		}
		if m&byAccount != 0 || m&notSure != 0 {
			d.put(p, s, &d.delegated, of2(m&byAccount != 0))
		}
		return true
	})
}

func of2(sure bool) truth {
	if sure {
		return yes
	}
	return open
}

// outsider says that a request comes from outside the bucket's account and is
// no service's own.
func (d *decision) outsider() bool {
	return d.principal.Kind == Anonymous || d.principal.Kind != ServicePrincipal && d.principal.Account != d.account
}

// keyGrants weighs a KMS key's grants, which allow beside its policy.
func (d *decision) keyGrants(r *Resource) {
	if d.action.service != "kms" {
		return
	}
	for i := range r.Grants {
		g := &r.Grants[i]
		if g.Grantee != d.principal.ARN {
			account, role, session := sessionOf(g.Grantee)
			if account != d.principal.Account || role != d.principal.Name || session == "" || d.sessionName != "" && d.sessionName != session {
				continue
			}
		}
		for _, op := range g.Operations {
			if "kms:"+lower(op) != d.action.full {
				continue
			}
			p := &Policy{ID: r.ARN + " grant " + g.ID}
			if g.Context {
				d.direct.may(conj{lits: []lit{d.unknown(p.ID + " serves requests with its encryption context only")}, policy: p})
				continue
			}
			d.direct.settle(p, nil)
		}
	}
}

// lists weighs S3's access control lists.
func (d *decision) lists(r *Resource) {
	if d.action.service != "s3" {
		return
	}
	for i := range r.Lists {
		l := &r.Lists[i]
		if !l.Everyone && (!l.Signed || d.principal.Kind == Anonymous) {
			continue
		}
		if slices.ContainsFunc(l.Actions, func(a string) bool { return strings.EqualFold(a, d.action.full) }) {
			d.direct.settle(&Policy{ID: r.ARN + " access control list (" + l.Permission + ")"}, nil)
		}
	}
}

// assumptions are what was taken for absent without having been looked for.
func (d *decision) assumptions() []string {
	var out []string
	if d.from != nil && d.from.Assumed != "" {
		out = append(out, d.from.Assumed)
	}
	switch {
	case d.on != nil || !strings.HasPrefix(d.resource, "arn:"):
	case d.resourceSet != nil:
		out = append(out, d.resource+" is a pattern: what policies of their own its resources have is not weighed")
	case d.account == "" || d.account == d.principal.Account:
		out = append(out, d.resource+" is not in the estate: it is taken to be of the principal's account, without a policy of its own")
	}
	return out
}

// because names the statements that decide.
func (d *decision) because(got Decision) []Reason {
	out := []Reason{}
	if d.deny.t == yes {
		return append(out, reason(d.deny.policy, d.deny.statement, "Deny", d.layerOf(d.deny.policy)))
	}
	for i := range d.deny.open {
		c := &d.deny.open[i]
		out = append(out, reason(c.policy, c.statement, "Deny", d.layerOf(c.policy)))
	}
	gates := []*gate{&d.identity, &d.boundary, &d.session, &d.direct, &d.role, &d.delegated}
	for i := range d.scps {
		gates = append(gates, &d.scps[i])
	}
	for i := range d.rcps {
		gates = append(gates, &d.rcps[i])
	}
	for _, g := range gates {
		if g.t == yes && g.policy != nil {
			out = append(out, reason(g.policy, g.statement, "Allow", g.layer))
		}
		if g.t == open {
			for i := range g.open {
				out = append(out, reason(g.open[i].policy, g.open[i].statement, "Allow", g.layer))
			}
		}
	}
	for i := range d.scps {
		if d.scps[i].t == no {
			out = append(out, Reason{Effect: "none", Layer: "scp"})
		}
	}
	for i := range d.rcps {
		if d.rcps[i].t == no {
			out = append(out, Reason{Effect: "none", Layer: "rcp"})
		}
	}
	p := d.principal
	if got == Deny && p.Boundary != nil && d.boundary.t == no {
		out = append(out, Reason{Policy: p.Boundary.ID, Effect: "none", Layer: "boundary"})
	}
	if got == Deny && len(p.Session) > 0 && d.session.t == no {
		out = append(out, Reason{Effect: "none", Layer: "session"})
	}
	if got == Deny && d.identity.t == no && (p.Kind == User || p.Kind == Role) {
		out = append(out, Reason{Effect: "none", Layer: "identity"})
	}
	if got == Deny && d.direct.t == no && d.role.t == no && d.delegated.t == no && d.on != nil && (d.outsider() || isRole(d.on.ARN)) {
		out = append(out, Reason{Policy: d.on.ARN, Effect: "none", Layer: "resource"})
	}
	slices.SortStableFunc(out, func(a, b Reason) int { return strings.Compare(a.Effect+a.Layer, b.Effect+b.Layer) })
	return slices.Compact(out)
}

func reason(p *Policy, s *Statement, effect, layer string) Reason {
	r := Reason{Effect: effect, Layer: layer}
	if p != nil {
		r.Policy = p.ID
	}
	if s != nil {
		r.Statement = s.Name()
	}
	return r
}

// layerOf finds where a policy that denies stands.
func (d *decision) layerOf(p *Policy) string {
	switch {
	case p == nil:
		return ""
	case slices.Contains(d.principal.Policies, p):
		return "identity"
	case d.principal.Boundary == p:
		return "boundary"
	case slices.Contains(d.principal.Session, p):
		return "session"
	case d.on != nil && d.on.Policy == p:
		return "resource"
	}
	in := func(a *Account, of func(*Account) [][]*Policy) bool {
		return a != nil && slices.ContainsFunc(of(a), func(level []*Policy) bool { return slices.Contains(level, p) })
	}
	if in(d.from, func(a *Account) [][]*Policy { return a.SCPs }) {
		return "scp"
	}
	if in(d.to, func(a *Account) [][]*Policy { return a.RCPs }) {
		return "rcp"
	}
	return ""
}
