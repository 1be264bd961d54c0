package iam

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// Sayings are the statements of a principal's policies and boundary that speak of
// some services' actions: on the principal's side they decide every request of
// such an action, as far as nothing in them asks who exactly he is.
type Sayings struct {
	policies [][]*Statement // of each policy that says anything
	bounded  bool           // there is a boundary; what it says stands last
}

// SayingsOf lists what is said of the actions of services, by their prefixes. ok is
// false where more may be said than is known, or where a statement was not
// understood or holds variables: then only a question tells.
func (w *World) SayingsOf(p *Principal, services []string) (out Sayings, ok bool) {
	if p.Unread != "" || len(p.Session) > 0 {
		return Sayings{}, false
	}
	policies := p.Policies
	if out.bounded = p.Boundary != nil; out.bounded {
		policies = append(policies[:len(policies):len(policies)], p.Boundary)
	}
	for i, pol := range policies {
		said, ok := w.saidBy(pol, services)
		if !ok {
			return Sayings{}, false
		}
		if len(said) > 0 || out.bounded && i == len(policies)-1 {
			out.policies = append(out.policies, said)
		}
	}
	return out, true
}

// saidBy lists a policy's statements that may speak of an action of services.
func (w *World) saidBy(p *Policy, services []string) (out []*Statement, ok bool) {
	if p.unread != "" {
		return nil, false
	}
	add := func(i int32) bool {
		s := &p.Statements[i]
		if s.wrong != "" || s.hasPrincipal || !s.hasResource || len(s.resources) > 0 {
			return false
		}
		for k := range s.conditions {
			if a := &s.conditions[k]; a.wrong != "" || len(a.values.vars) > 0 {
				return false
			}
		}
		out = append(out, s)
		return true
	}
	for _, service := range services {
		last := int32(-1)
		a := action{service: service}
		a.numberOf(w.names)
		for _, e := range p.index.of(&a) {
			if e.statement != last && !add(e.statement) {
				return nil, false
			}
			last = e.statement
		}
	}
	for _, i := range p.index.always {
		if !add(i) {
			return nil, false
		}
	}
	return out, true
}

// AppendKey appends to b what tells sayings apart as to requests on resources,
// given as Request.Resource has them: of two principals of one account and kind,
// with the same bytes, the same requests are answered alike, unless something asks
// who they are. Statements that name none of the resources are left out.
func (s *Sayings) AppendKey(b []byte, resources []Pattern) []byte {
	for i, policy := range s.policies {
		last := s.bounded && i == len(s.policies)-1
		if last {
			b = append(b, 1) // no statement has this number
		}
		from := len(b)
		for _, st := range policy {
			if st.mayName(resources) {
				b = binary.AppendUvarint(b, uint64(st.print))
			}
		}
		if len(b) > from {
			b = append(b, 0) // nor this one
		}
	}
	return b
}

// ResourcePattern is what a Request's Resource names: one resource, or those of a
// pattern.
func ResourcePattern(resource string) Pattern {
	if strings.ContainsAny(resource, "*?") {
		return NewPattern(resource, false)
	}
	return newLiteral(resource, false)
}

// mayName reports whether a statement without variables may name one of several
// resources.
func (s *Statement) mayName(resources []Pattern) bool {
	if s.notResource || s.everything {
		return true
	}
	budget := maxWork
	for i := range s.plain {
		for k := range resources {
			if s.plain[i].meets(&resources[k], &budget) {
				return true
			}
		}
	}
	return false
}

// firstPrint is the first statement's number; those below part a key.
const firstPrint = 2

// print numbers a statement by its text and by whether variables count in it.
func (n *names) print(text []byte, variables bool) int32 {
	h := sha256.New()
	h.Write(text)
	if variables {
		h.Write([]byte{1})
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	id, known := n.prints[sum]
	if !known {
		id = int32(len(n.prints)) + firstPrint
		n.prints[sum] = id
	}
	return id
}
