package network

import "github.com/sevenfold-sec/sevenfold/steps/network/reach"

// answers are what pairs of classes can open, without ways and reasons: few answers are
// different, and a pair takes a few bytes.
type answers struct {
	of   map[uint64]int32 // by both classes
	list []Link
	ids  map[string]int32
}

func newAnswers() *answers { return &answers{of: map[uint64]int32{}, ids: map[string]int32{}} }

func (a *answers) put(key uint64, l Link) {
	text := l.Ports.String() + "|" + l.Maybe.String() + "|" + l.Reachable.String()
	id, ok := a.ids[text]
	if !ok {
		id = int32(len(a.list))
		a.ids[text] = id
		a.list = append(a.list, l)
	}
	a.of[key] = id
}

func (a *answers) get(key uint64) (Link, bool) {
	id, ok := a.of[key]
	if !ok {
		return Link{}, false
	}
	return a.list[id], true
}

// brief is what link says of two points, or of others of their classes, without way and
// reasons: most pairs that are asked about need neither.
func (w *World) brief(p, q point) Link {
	if w.asking {
		return w.link(w.canonical(p, q))
	}
	a, b := w.classesOf(p, q)
	if a == b {
		return w.link(p, q) // which of a class they are counts
	}
	if w.short == nil {
		w.short, w.lasting = newAnswers(), newAnswers()
	}
	if l, ok := w.briefed(a, b); ok {
		return l
	}
	key := uint64(a)<<32 | uint64(b)
	p, q = w.first(a, p), w.first(b, q)
	used := w.usedAWS
	l, ok := w.known[pair{p, q}]
	if ok {
		used-- // nobody knows any more what it hangs on
	} else {
		w.decided++
		w.terse = true
		l = w.decide(p, q)
		w.terse = false
		l.Maybe = l.Maybe.Minus(l.Ports)
		if w.usedAWS != used {
			w.decided += costAWS - 1
		}
	}
	l = Link{Reachable: l.Reachable, Ports: l.Ports, Maybe: l.Maybe}
	if w.usedAWS == used {
		w.lasting.put(key, l)
	} else {
		w.short.put(key, l)
	}
	return l
}

// briefed is what was decided of two classes.
func (w *World) briefed(a, b int) (Link, bool) {
	if w.asking || w.short == nil {
		return Link{}, false
	}
	key := uint64(a)<<32 | uint64(b)
	if l, ok := w.short.get(key); ok {
		return l, true
	}
	return w.lasting.get(key)
}

// briefly decides one spot against another like between2, without way and reasons.
func (w *World) briefly(f, t spot, ports reach.Ports) Link {
	if len(f.points) == 1 && len(t.points) == 1 {
		return w.brief(w.apart(f, t, f.points[0], t.points[0])).reachable(ports)
	}
	each := make([]Link, 0, len(f.points)*len(t.points))
	for _, p := range f.points {
		for _, q := range t.points {
			each = append(each, w.brief(w.apart(f, t, p, q)).reachable(ports))
		}
	}
	l := wherever(each)
	l.Path, l.Because = nil, nil
	return l
}

// reachable narrows a link to some ports, without way and reasons.
func (l Link) reachable(ports reach.Ports) Link {
	out := Link{Ports: l.Ports.Intersect(ports), Maybe: l.Maybe.Intersect(ports), Reachable: reach.No}
	switch {
	case !out.Ports.IsEmpty():
		out.Reachable = reach.Yes
	case !out.Maybe.IsEmpty():
		out.Reachable = reach.Unknown
	}
	return out
}

// stance is what of a place bears on whether anything can be sure about it.
type stance struct {
	at         point
	iface, pod bool
	// adrift: where its packets come and go was not read. led: something may lead to it.
	adrift, led bool
}

// stances are those of some spots. One of several places, or outside, is none.
func (w *World) stances(spots []spot) []stance {
	out := make([]stance, len(spots))
	if w.asking {
		return out
	}
	for i, s := range spots {
		if len(s.points) != 1 {
			continue
		}
		switch p := s.points[0]; {
		case p.iface != "":
			out[i] = stance{at: p, iface: true, adrift: w.amazon.Unread(p.iface), led: w.amazon.Led(p.iface)}
		case p.pod != podPlace{}:
			out[i] = stance{at: p, pod: true, adrift: len(w.interfacesOfPod(p.pod)) == 0, led: len(w.behind(p.pod)) > 0}
		}
	}
	return out
}

// undecidable reports whether surely nothing is sure of what a place can open to another:
// the answer is no or unknown. False tells nothing.
func (s stance) undecidable(t stance) bool {
	switch {
	case s.at == t.at:
		return false
	case s.iface && t.iface:
		return (s.adrift || t.adrift) && !t.led
	case s.iface && t.pod:
		return t.adrift && !t.led
	case s.pod && t.iface:
		return s.adrift
	case s.pod && t.pod:
		return s.at.pod.cluster != t.at.pod.cluster && (s.adrift || t.adrift) && !t.led
	}
	return false
}
