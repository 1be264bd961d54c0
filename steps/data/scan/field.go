package scan

import (
	mathbits "math/bits"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan/check"
)

// A field is a number in groups that stands alone between the signs that part the cells of
// tables and the values of records. In dense data most values are such fields of a few
// shapes, and what the pass asks of a number step by step (is it a part of a key, of an
// address, of a date, of a longer number, does a shorter one begin it?) is settled by the
// shape of the field and the signs around it. So the shape is read first, eight bytes at a
// step, and if it is a known one only the checks of that shape are made. Whatever is not
// found so goes the whole way, which finds the same: fields change the time, no answer.

// fieldMost is the longest field, in bytes, and fieldSeparators the most separators in it.
const fieldMost, fieldSeparators = 24, 7

// What a byte is to a field that is not a digit.
const (
	fieldOther = iota // it is none, then
	fieldSpace
	fieldHyphen
	fieldPoint
	fieldSlash
	fieldEnd // before it and behind it
)

var fieldParts = func() (t [256]uint8) {
	t[' '], t['-'], t['.'], t['/'] = fieldSpace, fieldHyphen, fieldPoint, fieldSlash
	for _, c := range []byte(",;|\t\r\n\"") {
		t[c] = fieldEnd
	}
	return t
}()

// fieldShape is how a field is written: where which separators stand in it, and its
// length. The places are exact, so that two shapes never meet.
type fieldShape struct {
	places uint64 // a byte for each separator: its place, and three bits for which it is
	n      int    // separators
	length int
}

func (f *fieldShape) add(at int, part uint8) {
	f.places |= uint64(at<<3|int(part)) << (8 * f.n & 63)
	f.n++
}

// at is the place of separator k, or the end of the field behind the last.
func (f *fieldShape) at(k int) int {
	if k >= f.n {
		return f.length
	}
	return int(f.places >> (8 * k & 63) & 0xFF >> 3)
}

// sign is which separator the k-th is.
func (f *fieldShape) sign(k int) uint8 { return uint8(f.places >> (8 * k & 63) & 7) }

// group is the number of digits before separator k, or behind the last.
func (f *fieldShape) group(k int) int {
	if k == 0 {
		return f.at(0)
	}
	return f.at(k) - f.at(k-1) - 1
}

// key is the whole shape in one number, none of which is 0.
func (f *fieldShape) key() uint64 { return f.places | uint64(f.length)<<56 }

// fieldPlan is what is asked of a field of one shape of the catalogue.
type fieldPlan struct {
	key    uint64
	claims *claims
	// elsewhere are the entities that a beginning of the field could be, if a word speaks
	// for them.
	elsewhere bits
}

// fieldPlans are all plans, open-addressed.
type fieldPlans []fieldPlan

func (all fieldPlans) find(key uint64) *fieldPlan {
	for i := all.place(key); ; i++ {
		p := &all[i&(len(all)-1)]
		if p.key == key {
			return p
		}
		if p.key == 0 {
			return nil
		}
	}
}

// place is where a plan is looked for first.
func (all fieldPlans) place(key uint64) int { return int(key * 0x9E3779B97F4A7C15 >> 40) }

// plan makes the plans for the shapes that are written out.
func (x *index) plan(shapes []string) fieldPlans {
	var made []fieldPlan
	for _, s := range shapes {
		if p, ok := x.planOf(s); ok {
			made = append(made, p)
		}
	}
	size := 1
	for size < 4*len(made) {
		size *= 2
	}
	all := make(fieldPlans, size)
	for _, p := range made {
		i := all.place(p.key)
		for all[i&(size-1)].key != 0 {
			i++
		}
		all[i&(size-1)] = p
	}
	return all
}

// planOf makes the plan for a shape, if a field of it is nothing but what the shape stands
// for: no date, no address of a machine, and no strong shape begins it.
func (x *index) planOf(shape string) (fieldPlan, bool) {
	var p fieldPlan
	f := &fieldShape{length: len(shape)}
	if f.length > fieldMost {
		return p, false
	}
	for i, c := range []byte(shape) {
		if c == '9' {
			continue
		}
		part := fieldParts[c]
		if part == fieldOther || part == fieldEnd || i == 0 || i == len(shape)-1 || shape[i-1] != '9' || f.n == fieldSeparators {
			return p, false
		}
		f.add(i, part)
	}
	if f.n == 0 {
		return p, false
	}
	p.key = f.key()
	first, sign := f.group(0), f.sign(0)
	switch {
	case first <= 3 && sign == fieldPoint, // addresses and coordinates
		first >= 8 && sign == fieldHyphen,                                                                 // tokens
		first == 2 && sign == fieldHyphen && f.length >= 17,                                               // addresses of network cards
		first <= 4 && first != 3 && sign != fieldSpace && f.n > 1 && f.group(1) <= 2 && f.sign(1) == sign: // dates
		return p, false
	}
	at := &x.nodes[0]
	for i, symbol := range symbolsOf(shape) {
		at, _ = x.step(at, symbol)
		k := i / 2 // the group that ends here, if one does
		if i%2 == 1 || at.shape == 0 {
			continue
		}
		all := &x.claims[at.shape-1]
		if k == f.n {
			p.claims = all
			break
		}
		if f.sign(k) != fieldSpace {
			continue // no number ends before it
		}
		if k > 0 && f.sign(k-1) == fieldSpace && f.group(k+1) == f.group(k) {
			p.elsewhere.or(&all.any) // the same goes on, so that a word is asked for
			continue
		}
		if len(all.strong) > 0 {
			return p, false
		}
		p.elsewhere.or(&all.weak)
	}
	return p, p.claims != nil
}

// field reads the field that begins with the digit at s, or the plus before it. It returns
// its end, or 0 if what stands there goes the whole way.
func (r *run) field(s int) int {
	b := r.b
	c := &r.cur
	*c = chunk{s: s}
	if s > 0 {
		c.prev = b[s-1]
		switch {
		case fieldParts[c.prev] == fieldEnd:
		case c.prev == '+' && (s == 1 || fieldParts[b[s-2]] == fieldEnd):
			if r.floor == s {
				return 0
			}
		default:
			return 0
		}
	}
	if s < r.floor {
		return 0
	}
	var f fieldShape
	for at := s; f.length == 0; at += 8 {
		for others := ^digitMask(load(b, at)) & highBits; others != 0; others &= others - 1 {
			i := at + mathbits.TrailingZeros64(others)>>3
			if i >= len(b) {
				f.length = len(b) - s
				break
			}
			part := fieldParts[b[i]]
			if part == fieldEnd {
				f.length = i - s
				break
			}
			if part == fieldOther || f.n == fieldSeparators {
				return 0
			}
			f.add(i-s, part)
		}
		if at-s >= fieldMost {
			return 0
		}
	}
	if f.length > fieldMost {
		return 0
	}
	c.e = s + f.at(0)
	if c.e < len(b) {
		c.next = b[c.e]
	}
	switch {
	case c.prev == '+':
		return r.plusField(&f, c)
	case f.n == 0:
		return r.loneField(&f, c)
	case f.n == 2 && f.sign(0) == f.sign(1) && f.group(1) <= 2 && f.group(1) > 0:
		return r.dateField(&f, c)
	case f.n == 3 && f.sign(0) == fieldPoint:
		return r.ipv4(c)
	}
	return r.plannedField(&f, c)
}

// plusField reads a telephone number behind a plus.
func (r *run) plusField(f *fieldShape, c *chunk) int {
	first := f.group(0)
	switch {
	case first >= 8 && f.n > 0, // perhaps a token
		f.n > 0 && first <= 4 && (f.sign(0) == fieldPoint || f.sign(0) != fieldSpace && f.group(1) <= 2): // a date, an address
		return 0
	}
	s, e, score, reason := r.phone(c)
	if score < r.s.least {
		return 0
	}
	return r.emit("PHONE_NUMBER", s, e, score, reason)
}

// loneField reads a field that is digits only.
func (r *run) loneField(f *fieldShape, c *chunk) int {
	to, ok := r.s.shapes.step(&r.s.shapes.nodes[0], digitSymbol(f.length))
	ok = ok && to.shape > 0
	if f.length < 6 {
		if ok {
			return 0
		}
		return c.e // nothing is so short
	}
	set, _ := r.context(c.s)
	if set.has(placePhone) {
		return 0
	}
	if !ok {
		return c.e
	}
	all := &r.s.shapes.claims[to.shape-1]
	if set.meets(&all.weak) {
		return 0
	}
	if len(all.strong) == 0 {
		return c.e
	}
	return r.judged(all.strong, r.b[c.s:c.e], c.e, c)
}

// dateField reads a field that is a day, if it is one.
func (r *run) dateField(f *fieldShape, c *chunk) int {
	first, last := f.group(0), f.group(2)
	years := first == 4 && last <= 2 && last > 0
	if f.sign(0) == fieldSpace || !years && (first > 2 || last != 4 || f.sign(0) == fieldPoint) {
		return r.plannedField(f, c)
	}
	b := r.b[c.s : c.s+f.length]
	one, two, three := check.Number(b[:f.at(0)]), check.Number(b[f.at(0)+1:f.at(1)]), check.Number(b[f.at(1)+1:])
	if years && one >= 1800 && validDay(one, two, three) || !years && three >= 1800 && (validDay(three, one, two) || validDay(three, two, one)) {
		return r.day(c.s, c.s+f.length)
	}
	return 0
}

// plannedField reads a field of a shape of the catalogue.
func (r *run) plannedField(f *fieldShape, c *chunk) int {
	p := r.s.shapes.fields.find(f.key())
	if p == nil {
		return 0
	}
	set, _ := r.context(c.s)
	if set.has(placePhone) || set.meets(&p.elsewhere) {
		return 0
	}
	list := p.claims.all
	if !set.meets(&p.claims.weak) {
		list = p.claims.strong
	}
	if len(list) == 0 {
		return 0
	}
	n, from, wide := 0, c.s, c.s+fieldMost+8 <= len(r.b)
	for k := 0; k <= f.n; k++ {
		to := c.s + f.at(k)
		if wide && to-from <= 8 {
			// What is copied beyond the group lies under the next, or behind the end.
			*(*[8]byte)(r.compact[n:]) = [8]byte(r.b[from:])
		} else {
			copy(r.compact[n:], r.b[from:to])
		}
		n += to - from
		from = to + 1
	}
	return r.judged(list, r.compact[:n], c.s+f.length, c)
}

// accountField reads an account number that is a field: the chunk is it.
func (r *run) accountField(c *chunk) int {
	n := c.e - c.s
	if n < 15 || n > 34 || c.s > 0 && (fieldParts[c.prev] != fieldEnd || c.prev == '\t' || c.prev == '"') || c.next != 0 && fieldParts[c.next] != fieldEnd {
		return 0
	}
	b := r.b[c.s:c.e]
	if check.IBANLength(b[0], b[1]) != n || begins(b) || r.b[c.s] >= 'a' {
		return 0
	}
	var buf [34]byte
	for i, x := range b {
		buf[i] = capital[x]
	}
	if !check.IBAN(buf[:n]) {
		return 0
	}
	for _, rule := range r.s.rules.byStart[b[0]] {
		if rule.match(r.b, c.s) > 0 {
			return 0
		}
	}
	return r.emit("IBAN_CODE", c.s, c.e, .95, byIBAN)
}

// judged weighs what a field could be. A lone number that is none of it is nothing; one in
// groups goes the whole way then, since a part of it may be something.
func (r *run) judged(list []claim, compact []byte, end int, c *chunk) int {
	best := &r.best
	*best = candidate{}
	r.claims(list, compact, c.s, end, c, best)
	if best.score >= r.s.least {
		r.counted(best)
		return r.emit(r.s.rows[best.entity].Name, c.s, end, best.score, best.reason)
	}
	if end == c.e {
		return end
	}
	for i := range list {
		if list[i].alone > 0 && len(r.b) >= chanceBytes {
			r.trials[list[i].entity]-- // it will be tried again
		}
	}
	return 0
}
