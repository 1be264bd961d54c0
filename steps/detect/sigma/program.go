package sigma

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// program is the rules for one source, compiled. It is not changed once made:
// many Matchers may use it.
type program struct {
	*source
	paths   *cursor.Paths
	virtual []virtual
	slots   map[string]int // of normalised fields
	keySlot [2]int
	keyGet  [2]func(*ocsf.Event) string // of keys that the event holds as text
	// anchored are rules that ask a key field for something: the pair of an
	// event's keys says which of them it can meet.
	anchored []*compiled
	// loose are the others. Those with a text that must stand in a known field
	// wait for it in triggers; the rest is tried on every event.
	triggers []trigger
	every    []*compiled
}

type virtual struct {
	slot int
	get  func(e *ocsf.Event, out []string) []string
}

// trigger looks for the texts of loose rules in one field.
type trigger struct {
	id    int // among all triggers of the set
	get   func(*ocsf.Event) string
	slot  int
	made  bool // it is computed
	find  *automaton
	rules []*compiled // by the automaton's text
}

// compiled is one rule on one source.
type compiled struct {
	rule *Rule
	id   int // among all that were compiled of the set
	root *node
	// fast is root in the order in which it is decided soonest: what only asks the keys, by
	// which the rule was chosen, comes last.
	fast *node
	ai   bool // only events of calls of models
	// anchored rules are chosen by an event's keys.
	anchored bool
	// What must be looked up before the rule can be decided: the event's bytes, what is
	// computed of it, and whether some of it but the keys is known without either.
	raw, made, known bool
	// wants are the places of the fields correlations ask for, in the order of chains.wants.
	wants [][]int
}

// resolve copies a condition for a source, its fields looked up.
func (p *program) resolve(n *node, fields func(string) []string, ocsfNames bool) (*node, error) {
	if n.op != opAtom {
		out := &node{op: n.op}
		for _, k := range n.kids {
			kid, err := p.resolve(k, fields, ocsfNames)
			if err != nil {
				return nil, err
			}
			out.kids = append(out.kids, kid)
		}
		return out, nil
	}
	a := *n.atom
	if a.field != "" {
		var err error
		if a.slots, a.key, err = p.find(a.field, fields, ocsfNames); err != nil {
			return nil, err
		}
	}
	if a.kind == kindValue && len(a.slots) == 1 {
		a.known = p.known[p.paths.Name(a.slots[0])]
		if ocsfNames {
			a.known, a.guess = plain[a.field], true
		}
	}
	if a.kind == kindReference {
		var err error
		if a.others, _, err = p.find(a.other, fields, ocsfNames); err != nil {
			return nil, err
		}
	}
	return &node{op: opAtom, atom: &a}, nil
}

// find gives the places of a field, and whether it is a key.
func (p *program) find(field string, fields func(string) []string, ocsfNames bool) (slots []int, key int, err error) {
	for _, f := range fields(field) {
		names := []string{f}
		if ocsfNames {
			get := computed[f]
			if text := plain[f]; text != nil {
				get = func(e *ocsf.Event, out []string) []string { return some(out, text(e)) }
			}
			if get == nil {
				return nil, 0, fmt.Errorf("%q is no field of an OCSF event that rules can ask", f)
			}
			slot, ok := p.slots[f]
			if !ok {
				slot = p.paths.Reserve(f)
				p.slots[f] = slot
				p.virtual = append(p.virtual, virtual{slot, get})
			}
			slots = append(slots, slot)
			continue
		}
		if p.rename != nil {
			if to := p.rename(f); to != nil {
				names = to
			}
		}
		for _, name := range names {
			slots = append(slots, p.paths.Add(name))
			if i := slices.Index(p.keys[:], name); i >= 0 && len(names) == 1 {
				key = i + 1
			}
		}
	}
	if len(slots) > 1 {
		key = 0
	}
	return slots, key, nil
}

// seal sorts the rules into the index.
func (p *program) seal(rules []*compiled) {
	for i, k := range p.keys {
		if k != "" {
			p.keySlot[i], p.keyGet[i] = p.paths.Add(k), p.known[k]
		}
	}
	made := map[int]bool{}
	for _, v := range p.virtual {
		made[v.slot] = true
	}
	byField := map[int]*trigger{}
	for _, c := range rules {
		c.fast = fastest(c.root)
		c.anchored = p.keys[0] != "" && possible(c.root, [2]string{none, none}) == no
		c.asks(c.root, made)
		for _, slots := range c.wants {
			c.lookUp(slots, made)
		}
		if c.anchored {
			p.anchored = append(p.anchored, c)
			continue
		}
		needs := p.needs(c.root)
		if needs == nil {
			p.every = append(p.every, c)
			continue
		}
		for _, n := range needs {
			t := byField[n.slot]
			if t == nil {
				t = &trigger{slot: n.slot, made: made[n.slot], get: p.known[p.paths.Name(n.slot)], find: newAutomaton()}
				byField[n.slot] = t
			}
			t.find.add(n.text, len(t.rules))
			t.rules = append(t.rules, c)
		}
	}
	for _, t := range byField {
		t.find.seal()
		p.triggers = append(p.triggers, *t)
	}
	slices.SortFunc(p.triggers, func(a, b trigger) int { return a.slot - b.slot })
}

// asks notes what a rule's condition is decided by.
func (c *compiled) asks(n *node, made map[int]bool) {
	for _, k := range n.kids {
		c.asks(k, made)
	}
	if n.op == opAtom {
		c.known = c.known || n.atom.known != nil && (n.atom.key == 0 || !c.anchored)
		c.lookUp(n.atom.slots, made)
		c.lookUp(n.atom.others, made)
	}
}

func (c *compiled) lookUp(slots []int, made map[int]bool) {
	for _, s := range slots {
		c.made = c.made || made[s]
		c.raw = c.raw || !made[s]
	}
}

// fastest puts what only asks keys behind the rest, wherever all must hold.
func fastest(n *node) *node {
	if n.op == opAtom {
		return n
	}
	out := &node{op: n.op}
	var keys []*node
	for _, k := range n.kids {
		if n.op == opAnd && asksKeys(k) {
			keys = append(keys, fastest(k))
		} else {
			out.kids = append(out.kids, fastest(k))
		}
	}
	out.kids = append(out.kids, keys...)
	return out
}

// asksKeys reports whether a condition asks nothing but keys.
func asksKeys(n *node) bool {
	if n.op == opAtom {
		return n.atom.key != 0
	}
	return !slices.ContainsFunc(n.kids, func(k *node) bool { return !asksKeys(k) })
}

// none is a key no event has.
const none = "\x00none"

type verdict uint8

const (
	no verdict = iota
	maybe
	yes
)

// possible says whether a condition can hold for an event of these keys,
// whatever else the event says. An empty key may be anything.
func possible(n *node, keys [2]string) verdict {
	switch n.op {
	case opNot:
		return yes - possible(n.kids[0], keys)
	case opAnd:
		v := yes
		for _, k := range n.kids {
			v = min(v, possible(k, keys))
		}
		return v
	case opOr:
		v := no
		for _, k := range n.kids {
			v = max(v, possible(k, keys))
		}
		return v
	}
	a := n.atom
	if a.key == 0 || a.kind != kindValue || keys[a.key-1] == "" {
		return maybe
	}
	if a.m.match(cursor.Value{Text: keys[a.key-1], Kind: cursor.String}) {
		return yes
	}
	return no
}

// early says whether a condition can hold by what the event holds as text already: most
// rules that are tried are refused by that, and the event's bytes need not be read again.
func early(n *node, e *ocsf.Event) verdict {
	switch n.op {
	case opNot:
		return yes - early(n.kids[0], e)
	case opAnd:
		v := yes
		for _, k := range n.kids {
			if v = min(v, early(k, e)); v == no {
				break
			}
		}
		return v
	case opOr:
		v := no
		for _, k := range n.kids {
			if v = max(v, early(k, e)); v == yes {
				break
			}
		}
		return v
	}
	a := n.atom
	if a.known == nil {
		return maybe
	}
	text := a.known(e)
	if text == "" { // not there, or empty
		return maybe
	}
	kind := cursor.String
	if a.guess {
		kind = kindOf(text)
	}
	if a.m.match(cursor.Value{Text: text, Kind: kind}) {
		return yes
	}
	return no
}

type need struct {
	slot int
	text string
}

// minNeed is how long a text must be to be worth waiting for.
const minNeed = 3

// needs is a set of texts of which one must stand in its field if the condition
// holds; nil where there is none to be had.
func (p *program) needs(n *node) []need {
	switch n.op {
	case opAtom:
		a := n.atom
		if a.kind != kindValue || len(a.need) < minNeed {
			return nil
		}
		var out []need
		for _, slot := range a.slots {
			if p.known != nil && p.known[p.paths.Name(slot)] == nil {
				return nil // it would have to be looked for in every event
			}
			out = append(out, need{slot, a.need})
		}
		return out
	case opAnd:
		var best []need
		for _, k := range n.kids {
			if got := p.needs(k); got != nil && (best == nil || shortest(got) > shortest(best)) {
				best = got
			}
		}
		return best
	case opOr:
		var all []need
		for _, k := range n.kids {
			got := p.needs(k)
			if got == nil {
				return nil
			}
			all = append(all, got...)
		}
		return all
	}
	return nil
}

func shortest(ns []need) int {
	n := len(ns[0].text)
	for _, x := range ns {
		n = min(n, len(x.text))
	}
	return n
}

// holdsFor decides a condition for one event.
func (m *Matcher) holdsFor(n *node, e *ocsf.Event) bool {
	switch n.op {
	case opAnd:
		for _, k := range n.kids {
			if !m.holdsFor(k, e) {
				return false
			}
		}
		return true
	case opOr:
		for _, k := range n.kids {
			if m.holdsFor(k, e) {
				return true
			}
		}
		return false
	case opNot:
		return !m.holdsFor(n.kids[0], e)
	}
	return m.atomHolds(n.atom, e)
}

func (m *Matcher) atomHolds(a *atom, e *ocsf.Event) bool {
	switch a.kind {
	case kindAnywhere:
		return anywhere(e.Raw, a.m)
	case kindExists:
		return m.has(a.slots, func(cursor.Value) bool { return true }) == a.want
	case kindNull:
		return !m.has(a.slots, func(v cursor.Value) bool { return v.Kind != cursor.Null })
	case kindReference:
		return m.has(a.slots, func(v cursor.Value) bool {
			return v.Kind != cursor.Null && m.has(a.others, func(o cursor.Value) bool {
				return o.Kind != cursor.Null && a.refers(v.Text, o.Text)
			})
		})
	}
	for _, slot := range a.slots {
		hit := false
		m.found.Each(slot, func(v cursor.Value) bool {
			hit = a.m.match(v)
			return !hit
		})
		if hit {
			return true
		}
	}
	return false
}

// has says whether some value of the slots is one.
func (m *Matcher) has(slots []int, is func(cursor.Value) bool) bool {
	hit := false
	for _, s := range slots {
		m.found.Each(s, func(v cursor.Value) bool {
			hit = is(v)
			return !hit
		})
		if hit {
			break
		}
	}
	return hit
}

func (a *atom) refers(v, other string) bool {
	if !a.cased {
		v, other = strings.ToLower(v), strings.ToLower(other)
	}
	switch a.op {
	case prefix:
		return strings.HasPrefix(v, other)
	case suffix:
		return strings.HasSuffix(v, other)
	case contains:
		return strings.Contains(v, other)
	}
	return v == other
}

// anywhere looks for a keyword in every name and every value of an event.
func anywhere(raw []byte, m matcher) bool {
	c := cursor.New(raw)
	if c.Peek() != '{' && c.Peek() != '[' { // a line of text
		return m.match(cursor.Value{Text: string(raw), Kind: cursor.String})
	}
	return leaves(&c, m)
}

func leaves(c *cursor.Cursor, m matcher) (hit bool) {
	switch c.Peek() {
	case '{':
		if !c.Enter('{') {
			return false
		}
		for {
			name, ok := c.Field()
			if !ok {
				return hit
			}
			hit = hit || m.match(cursor.Value{Text: name, Kind: cursor.String})
			if leaves(c, m) {
				hit = true
			}
		}
	case '[':
		if !c.Enter('[') {
			return false
		}
		for c.Elem() {
			if leaves(c, m) {
				hit = true
			}
		}
		return hit
	}
	return m.match(cursor.Value{Text: c.Text(), Kind: cursor.String})
}
