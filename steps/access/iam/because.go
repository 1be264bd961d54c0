package iam

import (
	"slices"
	"strings"
)

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
			out = append(out, Reason{Effect: "none", Layer: d.rcps[i].layer})
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
	case slices.Contains(d.through, p):
		return "endpoint"
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
