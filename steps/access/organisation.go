package access

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
)

// order is what an organisation's policies leave to the identities of an
// account.
type order struct {
	denies   []deny
	refusals []*aws.Statement // denies of these that count where a role is assumed
	// rungs are the root, units and account of which every service control
	// policy was read: nothing is allowed that some rung does not allow.
	rungs []rung
	edges []spans // what each pattern of them names
}

// rung is one root, unit or account with what its policies allow together.
type rung struct {
	statements []aws.Statement
	reach      reach
}

const (
	controlPolicyType = "AWS::Organizations::Policy"
	// fullAccess is the service control policy that AWS itself manages and that
	// is known by name even where nobody exported it.
	fullAccess = "/p-FullAWSAccess"
)

// organisation finds what the organisation's policies leave to an account.
func (v *view) organisation(account string) *order {
	if known, ok := v.orders[account]; ok {
		return known
	}
	o := &order{}
	v.orders[account] = o
	ladder := v.ladder(account)
	if len(ladder) == 0 {
		return o
	}
	master, known := v.master(ladder)
	if known && master == account {
		return o // the management account stands outside its own policies
	}
	whole := known && v.ordersRead()
	for _, n := range ladder {
		v.climb(o, n, account, known, whole)
	}
	return o
}

// ladder is an account and all that it lies in.
func (v *view) ladder(account string) []estate.Node {
	var out []estate.Node
	seen := map[estate.Node]bool{}
	var up func(n estate.Node)
	up = func(n estate.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		out = append(out, n)
		for e := range v.snap.In(n) {
			if e.Type == estate.Contains && strings.HasPrefix(v.snap.Asset(e.Node).Type, "AWS::Organizations::") {
				up(e.Node)
			}
		}
		for e := range v.snap.Out(n) {
			if e.Type == estate.MemberOf && strings.HasPrefix(v.snap.Asset(e.Node).Type, "AWS::Organizations::") {
				up(e.Node)
			}
		}
	}
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		if n, ok := v.snap.Find("arn:" + partition + ":iam::" + account + ":root"); ok {
			up(n)
		}
	}
	return out
}

// master is the management account of the organisation that a ladder ends in:
// the ARNs of roots and units name it.
func (v *view) master(ladder []estate.Node) (account string, known bool) {
	for _, n := range ladder {
		a := v.snap.Asset(n)
		if arn, ok := aws.ParseARN(a.ID); ok && arn.Service == "organizations" && strings.Contains(arn.Resource, "/o-") {
			return arn.Account, arn.Account != ""
		}
	}
	return "", false
}

// ordersRead reports whether all service control policies were listed, and of
// each what it says and where it is attached. Without that a rung may allow more
// than is known.
func (v *view) ordersRead() bool {
	if v.ordersKnown != nil {
		return *v.ordersKnown
	}
	whole := false
	for _, c := range v.snap.Coverage() {
		whole = whole || c.Type == controlPolicyType
	}
	for n, a := range v.snap.Assets() {
		if a.Type != controlPolicyType || a.Referenced || v.guards(n) {
			continue
		}
		if readOf(a, "organizations:ListTargetsForPolicy") != estate.ReadOK {
			whole = false
		}
	}
	v.ordersKnown = &whole
	return whole
}

// guards reports whether a policy is about resources (RCP), not identities.
func (v *view) guards(n estate.Node) bool {
	return strings.Contains(v.snap.Asset(n).ID, "resource_control_policy/")
}

// climb adds the policies of one rung. Without knowing that the account is not
// the management account a deny is not sure.
func (v *view) climb(o *order, n estate.Node, account string, member, whole bool) {
	var r rung
	found := false
	for e := range v.snap.In(n) {
		a := v.snap.Asset(e.Node)
		if e.Type != estate.Governs || a.Type != controlPolicyType {
			continue
		}
		statements, why := v.ordersOf(e.Node)
		guards := v.guards(e.Node)
		for _, p := range v.deniable(account) {
			for i := range statements {
				o.edges = append(o.edges, v.objects.edgesOf(p.block, &statements[i])...)
			}
		}
		o.denies = append(o.denies, v.control(e.Node, statements, account, member && !guards)...)
		if guards {
			continue
		}
		if member {
			o.refusals = append(o.refusals, refusing(statements)...)
		}
		found, whole = true, whole && why == ""
		r.statements = append(r.statements, statements...)
	}
	if !found || !whole {
		return
	}
	for _, p := range v.deniable(account) {
		for i := range r.statements {
			if s := &r.statements[i]; s.Effect == "Allow" {
				r.reach.add(granted(s, v.objects.blocks[p.block].service), v.objects.resources(p.block, s), len(s.Conditions) > 0)
			}
		}
	}
	var beyond int32 // where what lies in no account of AWS begins, which is not the organisation's matter
	if k := len(v.objects.blocks); k > 0 {
		beyond = v.objects.blocks[k-1].hi
	}
	if end := int32(len(v.objects.all)); beyond < end {
		r.reach.add(AllLevels, spans{{beyond, end}}, false)
	}
	o.rungs = append(o.rungs, r)
}

// ordersOf reads the statements of an organisation's policy; why says that they
// are not all.
func (v *view) ordersOf(n estate.Node) (statements []aws.Statement, why string) {
	a := *v.snap.Asset(n)
	if strings.HasSuffix(a.ID, fullAccess) {
		return []aws.Statement{{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}}}, ""
	}
	config, err := v.snap.Config(n)
	if err != nil {
		return nil, err.Error()
	}
	a.Config = config
	policies, problems := aws.Policies(&a)
	for _, p := range policies {
		statements = append(statements, p.Statements...)
	}
	if len(problems) > 0 {
		why = problems[0].Why
	} else if len(policies) == 0 {
		why = "read without its document"
	}
	return statements, why
}

// control reads the denies of one of the organisation's policies. Where the
// account may be the management account, none is sure.
func (v *view) control(n estate.Node, statements []aws.Statement, account string, sure bool) []deny {
	var out []deny
	for i := range statements {
		s := &statements[i]
		if s.Effect != "Deny" || transport(s) {
			continue
		}
		d := deny{way: way{policy: n, statement: s.Index, conditions: keysOf(s)}}
		for _, p := range v.deniable(account) {
			l := granted(s, v.objects.blocks[p.block].service)
			if l == 0 {
				continue
			}
			on := v.objects.resources(p.block, s)
			var gone spans
			if sure {
				gone = v.objects.taken(p.block, s)
			}
			d.refuse(l, on, gone)
			d.levels, d.on = d.levels|l, join(d.on, on)
		}
		if d.takes = tidy(d.takes); len(d.on) > 0 {
			out = append(out, d)
		}
	}
	return out
}
