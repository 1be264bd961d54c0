package aws

import (
	"fmt"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// carried is what reaches a class through relays. It is worked out when it is
// first asked for, since few classes are behind any.
type carried struct {
	once sync.Once
	row  []layer
}

// Through is what the interfaces of class from may open to those of class to
// by way of load balancers, endpoint services and APIs. The ports are those of
// the first of these.
func (m *Matrix) Through(from, to int) Allow {
	c := &m.carried[to]
	c.once.Do(func() { c.row = m.carry(to) })
	for _, l := range c.row {
		if l.from.Has(from) {
			return m.allow(l.allow)
		}
	}
	return Allow{}
}

// tags tells apart what relays treat differently: their own interfaces, and
// those they lead to.
func (n *Network) tags() map[*Interface]string {
	out := map[*Interface]string{}
	r := &n.relays
	for f, fronts := range r.fronts {
		var b strings.Builder
		for _, x := range fronts {
			fmt.Fprint(&b, x.name, x.dial, x.at, x.preserve, x.unsure, ";")
			if x.passage != nil {
				fmt.Fprint(&b, x.passage.route.Sender, x.passage.route.Doubt)
			}
		}
		out[f] = b.String()
	}
	mark := func(fs []*Interface, what string) {
		for _, f := range fs {
			out[f] += " " + what
		}
	}
	for id, x := range r.known {
		mark(x.nodes, id)
	}
	for _, x := range r.blind {
		mark(x.nodes, x.name+"?")
	}
	for _, all := range r.apis {
		for _, x := range all {
			mark(x.nodes, x.link)
		}
	}
	for i := range n.model.Endpoints {
		for _, id := range n.model.Endpoints[i].Interfaces {
			if f := n.ifaces[id]; f != nil {
				out[f] += " " + n.model.Endpoints[i].ID
			}
		}
	}
	return out
}

// carry works out what reaches a class through relays.
func (m *Matrix) carry(to int) []layer {
	n, at := m.network, m.Classes[to].first
	fronts := len(n.relays.fronts[at]) + len(n.relays.blind)
	v := n.subnets[at.Subnet]
	if fronts == 0 && (v == nil || !v.vpc.relaysUnread() && !n.led(v.vpc.ID)) {
		return nil
	}
	var row []layer
	legs := map[legKey]reach.Answer{}
	for from := range m.knocking(at).All {
		src, dst := m.Classes[from].first, at
		if from == to {
			if len(m.Classes[to].Members) < 2 {
				continue
			}
			dst = &n.model.Interfaces[m.Classes[to].Members[1]]
		}
		q := &query{n: n, from: Place{Interface: src.ID}, src: src, legs: legs, memo: m.memo(from), blind: m.blind(from), direct: func(at *Interface) Allow { return m.Direct(from, int(m.tagged[at])) }}
		var all Allow
		for _, a := range q.throughTo(dst, Place{Interface: dst.ID}) {
			all = all.or(a.allow)
		}
		all = all.or(q.unread(dst, Place{Interface: dst.ID}, &Answer{}))
		if all.Answer() != reach.No {
			row = put(row, m.intern(all), from, len(m.Classes))
		}
	}
	return row
}

// knocking is the classes that can reach some relay an interface is behind. It
// may hold too many.
func (m *Matrix) knocking(at *Interface) reach.Bits {
	r, out := &m.network.relays, reach.NewBits(len(m.Classes))
	v := m.network.subnets[at.Subnet]
	if len(r.blind) > 0 || v == nil || v.vpc.relaysUnread() || m.network.led(v.vpc.ID) {
		return reach.FullBits(len(m.Classes))
	}
	seen := map[*Interface]bool{}
	all := false
	var behind func(at *Interface)
	door := func(f *Interface) {
		if !seen[f] {
			seen[f] = true
			for _, l := range m.rows[m.tagged[f]] {
				out.Add(l.from)
			}
			behind(f)
		}
	}
	behind = func(at *Interface) {
		for _, f := range r.fronts[at] {
			all = all || f.api != nil || f.passage != nil || f.part != "" || len(r.apis[f.name]) > 0
			for _, node := range f.nodes {
				door(node)
			}
			for _, s := range r.services[f.name] {
				for _, e := range r.endpoints[s.Name] {
					for _, id := range e.Interfaces {
						if x := m.network.ifaces[id]; x != nil {
							door(x)
						} else {
							all = true
						}
					}
				}
			}
		}
	}
	behind(at)
	if all {
		return reach.FullBits(len(m.Classes))
	}
	return out
}

// put notes in a row what a class reaches.
func put(row []layer, allow int32, from, classes int) []layer {
	for _, l := range row {
		if l.allow == allow {
			l.from.Set(from)
			return row
		}
	}
	bits := reach.NewBits(classes)
	bits.Set(from)
	return append(row, layer{allow, bits})
}

// memo remembers what arrives at each API and passage from a class.
func (m *Matrix) memo(from int) func(any, func() []arrival) []arrival {
	return func(of any, ask func() []arrival) []arrival {
		key := arrivalKey{from, of}
		if known, ok := m.arrivals.Load(key); ok {
			return known.([]arrival)
		}
		out := ask()
		m.arrivals.Store(key, out)
		return out
	}
}

// blind remembers what a class opens to relays that may lead anywhere.
func (m *Matrix) blind(from int) func(q *query) Allow {
	return func(q *query) Allow {
		if known, ok := m.arrivals.Load(from); ok {
			return known.(Allow)
		}
		a := q.anyBlind()
		m.arrivals.Store(from, a)
		return a
	}
}

type arrivalKey struct {
	from int
	of   any // *API or *Passage
}

// To is what each class may open to a place: an address, a label or a service.
// The error is as of Network.Can.
func (m *Matrix) To(p Place) ([]Answer, error) {
	return m.perClass(func(class Place) (Answer, error) { return m.network.Can(class, p) })
}

// From is what a place, an address or a label, may open to each class.
func (m *Matrix) From(p Place) ([]Answer, error) {
	return m.perClass(func(class Place) (Answer, error) { return m.network.Can(p, class) })
}

func (m *Matrix) perClass(ask func(class Place) (Answer, error)) ([]Answer, error) {
	out := make([]Answer, len(m.Classes))
	for i, c := range m.Classes {
		a, err := ask(Place{Interface: c.first.ID})
		if err != nil {
			return nil, err
		}
		out[i] = a
	}
	return out, nil
}
