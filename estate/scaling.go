package estate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// NoLimit is how many units a capacity without an upper limit counts: what
// Kubernetes fills in where a limit is left out. More than that is not told
// apart from it.
const NoLimit = 1<<31 - 1

// ScaleRule says, as data, what scaling changes in the configurations of one
// type and what changes there by itself. The provider packages hold one a type.
//
// A place is a path of member names: "A.B", "A[Name].B" (every item of list A,
// told apart by its member Name), "A[].B" (by number), "A{}.B" (every member of
// object A), and "A.(x.y/z)" where a member's name holds dots: an annotation,
// which takes the object it stands in along when it was the last of them.
type ScaleRule struct {
	Amounts []Amount
	// Volatile are the places of what changes by itself. Only what no verdict
	// hangs on may stand here.
	Volatile []string
}

// Amount is one amount a configuration may ask for.
type Amount struct {
	// At is the object, or the objects, the amount stands in; "" is the root.
	At string
	// Units is where the number stands, from At; of several places separated by
	// "|" the first that is there counts. Empty: the object itself is one unit.
	Units string
	// Size is where the size of one unit stands, from At, or from the root with
	// a leading "/". One string, a list of them, or a number of SizeUnit.
	Size     string
	SizeUnit string
	// Whole says that the capacity is known by the place of At alone, not of
	// Units: the one amount an instance group is about.
	Whole bool
	// Absent is how many units it means that no number stands there (1, NoLimit);
	// 0: nothing is asked for.
	Absent float64
	// Of is what the amount is one of where that is not the place of At; see
	// Capacity.Item.
	Of string
	// Times says that the number multiplies what else stands at At: the hosts of
	// each replica, the replicas of each job.
	Times bool
	// ZeroIsNoLimit is for limits that 0 lifts, Text for numbers written as
	// strings ("400 vCPU": what follows the number is left out), Fraction for
	// numbers that need not be whole.
	ZeroIsNoLimit, Text, Fraction bool
	// Order puts sizes in order; see Capacity. Nil leaves sizes without one.
	Order func(size string) (family string, power float64)
}

// Read takes the configuration of an asset apart. What the asset says it does
// not know, what was not read, and what is not a number where one must stand
// makes an unknown capacity. Neither asset nor config is changed; config is the
// asset's own, given apart because a snapshot keeps it apart.
//
// It is an error if config is not one JSON object.
func (r ScaleRule) Read(a *Asset, config json.RawMessage) (Scale, error) {
	s := scaling{asset: a, paths: map[string]bool{}}
	if len(config) == 0 {
		for _, m := range r.Amounts {
			s.emit(Capacity{Path: join(m.At, m.place()), Unknown: true, Why: "the configuration was not read"})
		}
		return Scale{Capacities: s.sorted()}, nil
	}
	root, err := s.take(r, config)
	if err != nil {
		return Scale{}, err
	}
	for _, place := range r.Volatile {
		for sp := range root.each(place) {
			if sp.v != nil && sp.holder != nil {
				s.gone = append(s.gone, sp)
			}
		}
	}
	essence, err := s.essence(config)
	if err != nil {
		return Scale{}, fmt.Errorf("%s: its configuration cannot be taken apart: %w", a.ID, err)
	}
	return Scale{Capacities: s.sorted(), Essence: essence}, nil
}

// take reads the amounts of a configuration and returns its root.
func (s *scaling) take(r ScaleRule, config json.RawMessage) (root spot, err error) {
	if s.root, err = wholeObject(config); err != nil {
		return spot{}, fmt.Errorf("%s: its configuration cannot be taken apart: %w", s.asset.ID, err)
	}
	root = spot{v: s.root}
	for _, m := range r.Amounts {
		for at := range root.each(m.At) {
			s.amount(m, at)
		}
	}
	return root, nil
}

// Asks reads what a configuration asks for, ordered by Path, and nothing else of
// it: what Read gives as Capacities, in a fraction of the time. An empty
// configuration asks for nothing that is known.
func (r ScaleRule) Asks(a *Asset, config json.RawMessage) ([]Capacity, error) {
	s := scaling{asset: a, paths: map[string]bool{}}
	if _, err := s.take(r, config); err != nil {
		return nil, err
	}
	return s.sorted(), nil
}

// AmountsAlone returns the amounts by which two configurations of one asset differ, each
// as it was and as it is, ordered by where they stand. ok is false if they differ in
// anything else: in what is no amount, in how an amount is written, in whether it stands
// there at all, or if an amount is not a whole number from 0 to NoLimit.
func (r ScaleRule) AmountsAlone(a *Asset, was, is json.RawMessage) (amounts [][2]int64, ok bool) {
	var sides [2]scaling
	bare := ScaleRule{Amounts: slices.Clone(r.Amounts)}
	for i := range bare.Amounts {
		bare.Amounts[i].Size = "" // how large a unit is may matter where their number does not
	}
	for i, config := range []json.RawMessage{was, is} {
		sides[i] = scaling{asset: a, paths: map[string]bool{}}
		if _, err := sides[i].take(bare, config); err != nil {
			return nil, false
		}
	}
	counts := func(pointer string) bool {
		at := func(sp spot) bool { return sp.pointer == pointer }
		return slices.ContainsFunc(sides[0].gone, at) && slices.ContainsFunc(sides[1].gone, at)
	}
	return differing("", sides[0].root, sides[1].root, counts, nil)
}

// differing adds to out the numbers that differ from a to b, if nothing but such does
// and counts holds of the pointers of all.
func differing(at string, a, b any, counts func(pointer string) bool, out [][2]int64) ([][2]int64, bool) {
	ok := true
	switch a := a.(type) {
	case map[string]any:
		m, is := b.(map[string]any)
		if !is || len(m) != len(a) {
			return nil, false
		}
		for _, key := range slices.Sorted(maps.Keys(a)) {
			v, there := m[key]
			if out, ok = differing(at+"/"+escaper.Replace(key), a[key], v, counts, out); !ok || !there {
				return nil, false
			}
		}
		return out, true
	case []any:
		l, is := b.([]any)
		if !is || len(l) != len(a) {
			return nil, false
		}
		for i := range a {
			if out, ok = differing(at+"/"+strconv.Itoa(i), a[i], l[i], counts, out); !ok {
				return nil, false
			}
		}
		return out, true
	case json.Number:
		n, is := b.(json.Number)
		if !is || a == n {
			return out, is
		}
		was, err := strconv.ParseInt(a.String(), 10, 64)
		now, err2 := strconv.ParseInt(n.String(), 10, 64)
		whole := err == nil && err2 == nil && min(was, now) >= 0 && max(was, now) <= NoLimit
		return append(out, [2]int64{was, now}), whole && counts(at)
	}
	return out, a == b // text, truth, nothing
}

// wholeObject reads one JSON object and nothing after it, numbers as they stand.
func wholeObject(config json.RawMessage) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(config))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the JSON object at byte %d", dec.InputOffset())
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it is %s, not a JSON object", jsonKind(v))
	}
	return m, nil
}

// scaling is one reading in progress.
type scaling struct {
	asset *Asset
	root  map[string]any
	caps  []Capacity
	paths map[string]bool
	gone  []spot // what the essence goes without
}

// emit adds a capacity; of several at one place (two items of a list with one
// name) the later ones are numbered.
func (s *scaling) emit(c Capacity) {
	for path, n := c.Path, 2; s.paths[c.Path]; n++ {
		c.Path = fmt.Sprintf("%s#%d", path, n)
	}
	s.paths[c.Path] = true
	s.caps = append(s.caps, c)
}

func (s *scaling) sorted() []Capacity {
	slices.SortFunc(s.caps, func(a, b Capacity) int { return strings.Compare(a.Path, b.Path) })
	return s.caps
}

// place is where, from At, the capacity is known by.
func (m Amount) place() string {
	switch {
	case m.Whole:
		return ""
	case m.Units == "":
		return strings.TrimPrefix(m.Size, "/")
	}
	first, _, _ := strings.Cut(m.Units, "|")
	return first
}

// amount reads one amount in one object.
func (s *scaling) amount(m Amount, at spot) {
	before := len(s.caps)
	defer func() {
		for i := range s.caps[before:] {
			s.caps[before+i].Item, s.caps[before+i].Times = cmp.Or(m.Of, at.path), m.Times
		}
	}()
	if at.v == nil || at.bad != "" {
		if why := s.doubt(at, false); why != "" {
			s.emit(Capacity{Path: join(at.path, m.place()), Unknown: true, Why: why})
		}
		return
	}
	if _, isObject := at.v.(map[string]any); !isObject {
		s.emit(Capacity{Path: join(at.path, m.place()), Unknown: true, Why: at.path + " is " + jsonKind(at.v) + ", not an object"})
		return
	}
	c := Capacity{Path: at.path}
	if place := m.place(); place != "" {
		c.Path = at.first(place).path
	}
	var used []spot
	c.Units, used, c.Why = s.units(m, at)
	if c.Units == 0 && c.Why == "" && used == nil {
		return // nothing is asked for
	}
	sizes, why := s.size(m, at, &c)
	if c.Why == "" {
		c.Why = why
	}
	if c.Unknown = c.Why != ""; c.Unknown {
		c.Units = 0
	}
	s.emit(c)
	s.gone = append(append(s.gone, used...), sizes...)
}

// units reads how many, and the places that say so.
func (s *scaling) units(m Amount, at spot) (n float64, used []spot, why string) {
	if m.Units == "" {
		return 1, nil, ""
	}
	found := false
	for place := range strings.SplitSeq(m.Units, "|") {
		sp := at.first(place)
		if doubt := s.doubt(sp, true); doubt != "" && !found {
			why, found = doubt, true
			n = 0
		}
		if sp.v == nil || sp.bad != "" {
			continue
		}
		used = append(used, sp)
		if found {
			continue
		}
		found = true
		if n, why = m.number(sp.v); why != "" {
			why = sp.path + " " + why
		}
	}
	if !found {
		n = m.Absent
	}
	return n, used, why
}

// size reads what one unit is into c, and the places that say so.
func (s *scaling) size(m Amount, at spot, c *Capacity) (used []spot, why string) {
	if m.Size == "" {
		return nil, ""
	}
	from, place := at, m.Size
	if rest, ok := strings.CutPrefix(m.Size, "/"); ok {
		from, place = spot{v: s.root}, rest
	}
	var sizes []string
	for sp := range from.each(place) {
		if doubt := s.doubt(sp, true); doubt != "" && why == "" {
			why = doubt
		}
		if sp.v == nil || sp.bad != "" {
			continue
		}
		used = append(used, sp)
		switch v := sp.v.(type) {
		case string:
			sizes = append(sizes, v)
		case json.Number:
			sizes = append(sizes, strings.TrimSpace(v.String()+" "+m.SizeUnit))
		case []any:
			for _, item := range v {
				one, ok := item.(string)
				if !ok {
					why = sp.path + " holds " + jsonKind(item) + " where a size must stand"
				}
				sizes = append(sizes, one)
			}
		default:
			why = sp.path + " is " + jsonKind(v) + " where a size must stand"
		}
	}
	slices.Sort(sizes)
	c.Size, c.Family, c.Power = m.order(slices.Compact(sizes))
	return used, why
}

// order is the order of one size or of a choice of them. A choice within one
// family is as large as its largest; one from several families has no order.
func (m Amount) order(sizes []string) (size, family string, power float64) {
	size = strings.Join(sizes, ", ")
	if m.Order == nil {
		return size, "", 0
	}
	for i, one := range sizes {
		f, p := m.Order(one)
		if i > 0 && (f != family || p == 0 || power == 0) {
			return size, "", 0
		}
		family, power = f, max(p, power)
	}
	return size, family, power
}
