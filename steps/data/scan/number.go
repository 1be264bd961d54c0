package scan

import (
	"bytes"
	mathbits "math/bits"
	"sync"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan/check"
)

// places is the place of each entity in the catalogue.
var places = sync.OnceValue(func() map[string]int {
	m := map[string]int{}
	for i, e := range catalogue() {
		m[e.Name] = i
	}
	return m
})

// own is where the entities with code of their own stand in the catalogue, in
// the order of ownTable.
const (
	placeEmail = iota
	placePhone
	placeIP
	placeMAC
	placeURL
	placeDate
	placeBirth
	placeIBAN
	placeVAT
	placeCrypto
	placeMRZ
	placeCoordinates
	placePassword
)

// chunk is the run of letters and digits around a digit, and what stands next
// to it.
type chunk struct {
	s, e       int
	kinds      uint8 // isLet if there are letters among it
	prev, next byte  // 0 at the ends of the text
	inside     bool  // part of a longer name, path or number
	goesOn     bool  // a further group like the last stands behind the window
}

// digit reads the token around the digit at i and returns where to go on.
func (r *run) digit(i int) int {
	if !r.s.long {
		if end := r.field(i); end > 0 {
			return end
		}
	}
	c := r.chunkAt(i)
	if c.prev == '%' && i == c.s && c.e-c.s > 4 && r.b[i] == '4' && r.b[i+1] == '0' {
		if end := r.mailAround(i-1, 3); end > i+2 {
			return end
		}
	}
	if c.e-c.s >= 8 && c.kinds&isLet != 0 && i >= r.triedTo {
		if !r.s.long {
			if end := r.accountField(c); end > 0 {
				return end
			}
		}
		if end := r.encoded(c.s, c.e); end > 0 {
			return end
		}
	}
	if c.e-c.s > 160 {
		return r.blob(c)
	}
	if c.next == '@' {
		return r.mail(c.e)
	}
	letters := c.kinds&isLet != 0
	if c.e-c.s == 8 && c.next == '-' && uuid(r.b[c.s:]) {
		if c.prev == '"' || c.prev == '\'' || c.prev == '=' || c.prev == '-' || c.prev == ':' {
			// Some services give them out as keys.
			if end := r.secret(c); end > 0 {
				return end
			}
		}
		return c.s + 36
	}
	if letters && (c.e-c.s >= 12 || c.prev == '_' || c.prev == '-' || c.next == '_' || c.next == '-' || c.next == '.' || c.next == ':') ||
		c.prev == '-' && c.s > 1 && is(r.b[c.s-2], isLet) || c.next == ':' && c.e-c.s >= 8 || c.next == '-' && c.e-c.s >= 8 {
		if end := r.secret(c); end > 0 {
			return end
		}
	}
	if c.prev == '_' || c.next == '_' || c.prev == '$' || c.next == '%' {
		return c.e
	}
	if end := r.machine(c, letters); end > 0 {
		return end
	}
	if !letters && c.e-c.s <= 4 && mayBeDate(c) {
		if end := r.date(c); end > 0 {
			return end
		}
	}
	if letters {
		if end := r.mixed(c); end > 0 {
			return end
		}
	}
	return r.shaped(c)
}

func (r *run) chunkAt(i int) *chunk {
	b := r.b
	s, e := i, i+1
	for least := max(r.floor, i-64); s > least && class[b[s-1]]&isAlnum != 0; {
		s--
	}
	kinds := uint8(0)
	if s < i {
		kinds = isLet
	}
	for e < len(b) {
		letters, digits := alnums(load(b, e))
		n := mathbits.TrailingZeros64(^(letters|digits)&highBits) >> 3
		if letters&(1<<(8*n)-1) != 0 {
			kinds = isLet
		}
		if e += n; n < 8 {
			break
		}
	}
	prev, next, inside := byte(0), byte(0), false
	if e < len(b) {
		next = b[e]
	}
	if s > 0 {
		prev = b[s-1]
		switch prev {
		case '.', '/', '-', '+', '\\':
			inside = s > 1 && class[b[s-2]]&isAlnum != 0
		case '#', '@':
			inside = true
		}
	}
	c := &r.cur
	*c = chunk{s: s, e: e, kinds: kinds, prev: prev, next: next, inside: inside}
	return c
}

// equals reads what an equals sign sets, or ends.
func (r *run) equals(i int) int {
	if end := r.assigned(i); end > 0 {
		return end
	}
	if i > 0 && i > r.triedTo && is64(r.b[i-1]) && (i+1 == len(r.b) || !is(r.b[i+1], isAlnum)) {
		if end := r.encoded(i, i); end > 0 { // one without a digit
			return max(end, i+1)
		}
	}
	return i + 1
}

// blob passes over a long run such as encoded data, after asking whether it
// begins as a key does.
func (r *run) blob(c *chunk) int {
	if end := r.secret(c); end > 0 {
		return end
	}
	e := c.e
	for e < len(r.b) && is(r.b[e], isB64) {
		e++
	}
	return e
}

// uuid reports whether b begins with a universally unique identifier. Its
// groups of digits are nobody's numbers.
func uuid(b []byte) bool {
	if len(b) < 36 || b[13] != '-' || b[18] != '-' || b[23] != '-' || len(b) > 36 && is(b[36], isAlnum) {
		return false
	}
	for i, c := range b[:36] {
		if c != '-' && !is(c, isHex) || c == '-' && i != 8 && i != 13 && i != 18 && i != 23 {
			return false
		}
	}
	return true
}

// candidate is the best reading of a window so far.
type candidate struct {
	score  float64
	reason string
	end    int
	entity uint8
	spoken bool
}

// shaped seeks the shapes of the catalogue in the groups that begin with a
// chunk, and telephone numbers, and takes the likelier.
func (r *run) shaped(c *chunk) int {
	if c.prev == '+' && !c.inside {
		// A number behind a plus is a telephone's, and needs no words.
		if s, e, score, reason := r.phone(c); score >= r.s.least {
			return r.emit("PHONE_NUMBER", s, e, score, reason)
		}
	}
	from := c.s
	best := &r.best
	*best = candidate{}
	r.windows(r.itemAt(c.s), c.s, c, best)
	if s, ok := r.before(c); ok {
		var first candidate
		if r.windows(r.itemAt(s), s, c, &first); first.score >= best.score && first.score > 0 {
			*best, from = first, s
		}
	}
	if best.score < r.s.least || !best.spoken && r.spoken(placePhone, c.s) {
		if s, e, score, reason := r.phone(c); score > best.score || score >= r.s.least && best.score > 0 && r.spoken(placePhone, c.s) {
			return r.emit("PHONE_NUMBER", s, e, score, reason)
		}
	}
	if best.score >= r.s.least {
		r.counted(best)
		return max(r.emit(r.s.rows[best.entity].Name, from, best.end, best.score, best.reason), c.e)
	}
	return c.e
}

// counted takes note of a find by its check alone, of which chance may explain some.
func (r *run) counted(best *candidate) {
	if best.reason == byCheck && len(r.b) >= chanceBytes {
		r.found[best.entity]++
		r.dirty = true
	}
}

// context is what the words before a place speak for. It is read when first
// asked for: most numbers have no shape that needs it.
func (r *run) context(p int) (*bits, bool) {
	if r.contextAt != p+1 {
		r.contextAt = p + 1
		r.near.before(r, p)
	}
	return &r.said, r.negative
}

// spoken reports whether a word before a place speaks for an entity.
func (r *run) spoken(entity, p int) bool {
	set, _ := r.context(p)
	return set.has(entity)
}

// before looks for a short run of capitals that a space or hyphen joins to the
// chunk, as in "AB 12 34 56 C".
func (r *run) before(c *chunk) (int, bool) {
	if c.prev != ' ' && c.prev != '-' && c.prev != '.' {
		return 0, false
	}
	s := c.s - 1
	for s > r.floor && c.s-s < 5 && is(r.b[s-1], isUp) {
		s--
	}
	n := c.s - 1 - s
	if n < 1 || n > 3 || s > 0 && (is(r.b[s-1], isAlnum) || r.b[s-1] == '_' || r.b[s-1] == '-') {
		return 0, false
	}
	return s, true
}

// itemAt is the place, among the items read, of the chunk that begins at s. A
// phrase is read once though each of its chunks asks.
func (r *run) itemAt(s int) int {
	for k := r.at; k < r.n; k++ {
		if int(r.items[k].start) == s {
			if r.n >= maxItems-3 && k > 6 {
				break
			}
			r.at = k
			return k
		}
	}
	r.n, r.at = r.phrase(s), 0
	return 0
}

// windows tries every run of groups that begins with item k.
func (r *run) windows(k, start int, c *chunk, best *candidate) {
	x := r.s.shapes
	at := &x.nodes[0]
	items := r.items[:r.n]
	for j, most := k, min(len(items), k+15); j < most; j++ {
		it := &items[j]
		next, ok := x.step(at, it.symbol)
		if !ok {
			return // no shape goes on so
		}
		if at = next; at.shape == 0 {
			continue
		}
		if it.kind != '9' && it.kind != 'A' {
			if it.kind != ')' || j != len(items)-1 {
				continue
			}
		} else if j+1 < len(items) && (items[j+1].kind == '9' || items[j+1].kind == 'A') {
			continue
		}
		if !r.ends(int(it.end)) {
			continue
		}
		c.goesOn = it.kind != ')' && j >= k+2 && j+2 < len(items) && items[j+1].kind == ' ' && items[j-1].kind == ' ' &&
			items[j+2].kind == '9' && items[j+2].end-items[j+2].start == it.end-it.start
		list := r.worth(&x.claims[at.shape-1], c)
		if len(list) == 0 {
			continue
		}
		if compact := r.compacted(items[k : j+1]); compact != nil {
			r.claims(list, compact, start, int(it.end), c, best)
		}
	}
}

// worth are the claims on a window that are worth weighing: where no word speaks for those
// that need one, which is so of most numbers, they need not be looked at one by one.
func (r *run) worth(all *claims, c *chunk) []claim {
	need := &all.weak
	if c.goesOn {
		need = &all.any
	}
	if *need == (bits{}) {
		return all.all
	}
	if set, _ := r.context(c.s); set.meets(need) {
		return all.all
	}
	if c.goesOn {
		return nil
	}
	return all.strong
}

// compacted is what is checked of a run of groups: its digits and letters, in capitals;
// nil if they are too many to be anything's.
func (r *run) compacted(items []item) []byte {
	n := 0
	for i := range items {
		it := &items[i]
		length := int(it.end - it.start)
		switch {
		case it.kind == '9' && length <= 8 && int(it.start)+8 <= len(r.b) && n+8 <= len(r.compact):
			// What is copied beyond it lies under the next group, or behind the end.
			*(*[8]byte)(r.compact[n:]) = [8]byte(r.b[it.start:])
			n += length
		case it.kind != '9' && it.kind != 'A':
		case n+length > len(r.compact):
			return nil
		default:
			n = len(upper(r.compact[:n], r.b[it.start:it.end]))
		}
	}
	return r.compact[:n]
}

// ends reports whether a value may end here: what follows does not go on with
// the same number.
func (r *run) ends(end int) bool {
	if end >= len(r.b) {
		return true
	}
	follows := end+1 < len(r.b) && is(r.b[end+1], isAlnum)
	digit := end+1 < len(r.b) && is(r.b[end+1], isDig)
	switch r.b[end] {
	case '-', '_':
		return !follows
	case '.', '/', ',':
		return !digit || r.b[end] == ','
	case '@', '%', '+':
		return false
	}
	return true
}

// claims weighs each entity that a window's shape stands for.
func (r *run) claims(claims []claim, compact []byte, start, end int, c *chunk, best *candidate) {
	for i := range claims {
		cl := &claims[i]
		strong := cl.alone > 0 && !c.goesOn
		if !strong && !r.spoken(int(cl.entity), c.s) {
			continue
		}
		if strong && len(r.b) >= chanceBytes {
			r.trials[cl.entity]++
			r.dirty = true
		}
		if cl.check != nil {
			v := compact
			if cl.raw {
				v = bytes.ToUpper(r.b[start:end])
			}
			if !cl.check(v) {
				continue
			}
		}
		set, negative := r.context(c.s)
		spoken := set.has(int(cl.entity))
		score, reason := cl.weigh(spoken, negative, c.inside)
		length := end - start
		better := score > best.score || score == best.score && (length > best.end-start ||
			length == best.end-start && cl.chance < float32(r.s.rows[best.entity].Chance))
		if better {
			*best = candidate{score, reason, end, cl.entity, spoken}
		}
	}
}

// mixed reads one chunk of letters and digits: account numbers, tax numbers
// with their state before them, addresses of wallets, and the types that have a
// length but no shape.
func (r *run) mixed(c *chunk) int {
	b, n := r.b, c.e-c.s
	two := n >= 4 && is(b[c.s], isLet) && is(b[c.s+1], isLet)
	if two && is(b[c.s+2], isDig) && is(b[c.s+3], isDig) && !c.inside {
		if end := r.iban(c); end > 0 {
			return end
		}
	}
	if two && n >= 9 && n <= 14 && (is(b[c.s+2], isDig) || b[c.s+2] == 'U' || b[c.s] == 'F' || b[c.s] == 'E') && r.ends(c.e) {
		if end := r.vat(c); end > 0 {
			return end
		}
	}
	if n >= 26 {
		if end := r.wallet(c); end > 0 {
			return end
		}
	}
	if n < len(r.s.shapes.chunks) && len(r.s.shapes.chunks[n].all) > 0 && r.ends(c.e) {
		compact := upper(r.compact[:0], b[c.s:c.e])
		var best candidate
		r.claims(r.s.shapes.chunks[n].all, compact, c.s, c.e, c, &best)
		if best.score >= r.s.least {
			r.counted(&best)
			return r.emit(r.s.rows[best.entity].Name, c.s, c.e, best.score, best.reason)
		}
	}
	return 0
}

func upper(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, capital[c])
	}
	return dst
}

// capital is each byte, small letters as capitals.
var capital = func() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
		if t[c] >= 'a' && t[c] <= 'z' {
			t[c] -= 'a' - 'A'
		}
	}
	return t
}()

// iban reads an account number, written whole or in groups of four.
func (r *run) iban(c *chunk) int {
	b := r.b
	u := func(x byte) byte { return x &^ 0x20 }
	want := check.IBANLength(u(b[c.s]), u(b[c.s+1]))
	if want == 0 {
		return 0
	}
	var buf [34]byte
	n, i, spaced := 0, c.s, false
	if c.e-c.s >= want { // written whole
		for k, x := range b[c.s : c.s+want] {
			buf[k] = capital[x]
		}
		n, i = want, c.s+want
	}
	for ; i < len(b) && n < want; i++ {
		x := b[i]
		if is(x, isAlnum) {
			buf[n] = capital[x]
			n++
			continue
		}
		spaced = true
		if x != ' ' && x != '-' || i+1 >= len(b) || !is(b[i+1], isAlnum) || n%4 != 0 {
			break
		}
	}
	if n != want || i < len(b) && is(b[i], isAlnum) || !check.IBAN(buf[:n]) {
		return 0
	}
	if b[c.s] >= 'a' && (spaced || allHex(b[c.s:i])) && !r.spoken(placeIBAN, c.s) {
		return 0 // the beginning of a hash in small letters, more likely
	}
	return r.emit("IBAN_CODE", c.s, i, .95, byIBAN)
}

// vat reads a tax number of the European Union. Letters and nine digits are in
// many part numbers, so a word must speak for it.
func (r *run) vat(c *chunk) int {
	if !check.VAT(upper(r.compact[:0], r.b[c.s:c.e])) {
		return 0
	}
	if !r.spoken(placeVAT, c.s) {
		return 0
	}
	return r.emit("EU_VAT", c.s, c.e, .95, byCheckAndWord)
}

// merge lays spans of a second source among those of the first, both in order
// of their start; where they overlap the first stays.
func merge(first, second []Span) []Span {
	if len(second) == 0 {
		return first
	}
	all := make([]Span, 0, len(first)+len(second))
	i := 0
	for _, s := range second {
		for i < len(first) && first[i].End <= s.Start {
			all = append(all, first[i])
			i++
		}
		if i < len(first) && first[i].Start < s.End {
			continue
		}
		all = append(all, s)
	}
	return append(all, first[i:]...)
}
