package iam

import "sync"

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
	folded folded
}

// folded are the actions that were asked about lately in a world.
type folded struct {
	of   *World
	seen map[string]action
}

// mostFolded bounds how many are kept.
const mostFolded = 512

func (f *folded) action(w *World, name string) action {
	if f.of != w || len(f.seen) >= mostFolded {
		*f = folded{of: w, seen: make(map[string]action)}
	}
	a, ok := f.seen[name]
	if !ok {
		a = newAction(name)
		f.seen[name] = a
	}
	if a.number <= 0 { // not asked, or of no policy then
		a.numberOf(w.names)
		f.seen[name] = a
	}
	return a
}

var pool = sync.Pool{New: func() any { return &decision{} }}

func (w *World) decision(r *Request) *decision {
	d := pool.Get().(*decision)
	d.reset()
	d.prepare(w, r, d.folded.action(w, r.Action))
	return d
}

// reset makes the memory fresh and keeps the room of its lists.
func (d *decision) reset() {
	context, opaque, lits, others, scps, rcps := d.context[:0], d.opaque[:0], d.lits[:0], d.any[:0], d.scps[:0], d.rcps[:0]
	kept := d.folded
	*d = decision{}
	d.folded = kept
	d.context, d.opaque, d.lits, d.any, d.scps, d.rcps = context, opaque, lits, others, scps, rcps
	d.budget = maxWork
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
	kept := d.env
	d.reset()
	d.env = kept
	d.by(p)
}

// Explain decides and says why.
func (w *World) Explain(r Request) Answer {
	return w.ExplainOn(r, nil)
}

// ExplainOn is Explain for a request on a resource that is not the world's own: with
// another policy. nil is what Explain finds.
func (w *World) ExplainOn(r Request, on *Resource) Answer {
	d := w.decision(&r)
	defer d.release()
	if on != nil {
		d.on, d.account, d.to = on, on.Account, w.accounts[on.Account]
	}
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
	for _, p := range d.through {
		d.rcps = append(d.rcps, gate{layer: "endpoint"})
		d.passes(p, &d.rcps[len(d.rcps)-1])
	}
}

// passes weighs a policy of what the request goes through. It limits as a resource
// control policy does, and names principals.
func (d *decision) passes(p *Policy, allow *gate) {
	d.unreadPolicy(p, allow, &d.deny)
	d.eachOf(p, func(s *Statement) bool {
		m := d.named(s)
		if m == noMatch {
			return true
		}
		sure := of2(m&^(bySession|notSure) != 0)
		if s.Deny || s.noEffect {
			d.put(p, s, &d.deny, sure)
		}
		if !s.Deny {
			d.put(p, s, allow, sure)
		}
		return true
	})
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
	why := a.Unread
	switch {
	case why != "":
	case layer == "scp":
		why = a.UnreadSCPs
	case layer == "rcp":
		why = a.UnreadRCPs
	}
	if why != "" {
		g := gate{layer: layer}
		g.may(conj{lits: []lit{d.unknown("account " + a.ID + ": " + why + " (" + layer + ")")}})
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
