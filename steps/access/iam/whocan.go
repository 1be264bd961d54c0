package iam

// Holder is a principal who may do what was asked.
type Holder struct {
	Principal *Principal
	Decision  Decision // Allow, Conditional or Unknown
}

// WhoCan lists the principals, of those added, whom a request would not be
// refused in every case, in the order they were added. The request's own
// principal is not looked at.
func (w *World) WhoCan(r Request) []Holder {
	var out []Holder
	r.Principal = &Principal{}
	d := w.decision(&r)
	for _, p := range w.principals {
		d.again(p)
		if got := d.decide(); got != Deny {
			out = append(out, Holder{p, got})
		}
	}
	d.release()
	return out
}
