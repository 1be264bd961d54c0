package iam

// Bearing says whether one statement of a policy, by its place in it, is for a
// request: Allow if it is whatever else the request carries, Deny if it never is,
// Conditional if it hangs on keys that the request does not say, Unknown if it was
// not understood. Its effect is not asked, nor what else bears on the request.
func (w *World) Bearing(r Request, p *Policy, statement int) Decision {
	for i := range p.Statements {
		s := &p.Statements[i]
		if s.Index != statement {
			continue
		}
		d := w.decision(&r)
		defer d.release()
		d.place = ofIdentity
		if !s.whole && !s.speaksOf(&d.action) {
			return Deny
		}
		var g gate
		d.put(p, s, &g, yes)
		switch g.t {
		case yes:
			return Allow
		case no:
			return Deny
		}
		f := leaf(&g)
		d.formula = f
		return d.solve(f).decision
	}
	return Unknown
}
