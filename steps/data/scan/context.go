package scan

import (
	"encoding/binary"
	mathbits "math/bits"
	"sync"
)

// bits is a set of entities by their place in the catalogue, and of the marks
// below.
type bits [3]uint64

func (b *bits) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b *bits) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }
func (b *bits) meets(c *bits) bool {
	return b[0]&c[0]|b[1]&c[1]|b[2]&c[2] != 0
}
func (b *bits) or(c *bits) { b[0] |= c[0]; b[1] |= c[1]; b[2] |= c[2] }

// Marks that words make besides speaking for an entity.
const (
	markNegative = 190 // what follows is a number of an order, a build, a page
	markSecret   = 191 // what follows is a secret
)

// The words that speak against a number being somebody's, and for a secret.
const (
	negativeWords = "order orders invoice tracking sku item product ref reference ticket case version build commit revision serial batch lot page line row offset length size bytes timestamp epoch id uuid guid hash sha checksum port pid seq sequence count total amount index transaction session trace span request isbn issn upc ean gtin barcode asin model part"
	secretWords   = "key keys secret secrets token tokens password passwd pwd pass passphrase credential credentials creds auth apikey apitoken authtoken accesstoken secretkey accesskey privatekey clientsecret authorization bearer signing encryption"
)

// window is how many bytes before a value its words are sought in.
const window = 72

// lexicon maps the hash of a word to what it speaks for. It is open-addressed;
// a bitmap answers for most words, which say nothing.
type lexicon struct {
	bloom [256]uint64
	keys  []uint32
	sets  []bits
}

var words = sync.OnceValue(func() *lexicon {
	x := &lexicon{keys: make([]uint32, 4096), sets: make([]bits, 4096)}
	for e, row := range catalogue() {
		eachWord([]byte(row.words), func(h uint32) { x.put(h).set(e) })
	}
	eachWord([]byte(negativeWords), func(h uint32) { x.put(h).set(markNegative) })
	eachWord([]byte(secretWords), func(h uint32) { x.put(h).set(markSecret) })
	return x
})

func (x *lexicon) put(h uint32) *bits {
	x.bloom[h>>6&255] |= 1 << (h & 63)
	i := h >> 14 & 4095
	for x.keys[i] != 0 && x.keys[i] != h {
		i = (i + 1) & 4095
	}
	x.keys[i] = h
	return &x.sets[i]
}

// may reports whether a word may be in it: most that are not are told by this.
func (x *lexicon) may(h uint32) bool { return x.bloom[h>>6&255]&(1<<(h&63)) != 0 }

func (x *lexicon) get(h uint32) *bits {
	if !x.may(h) {
		return nil
	}
	for i := h >> 14 & 4095; x.keys[i] != 0; i = (i + 1) & 4095 {
		if x.keys[i] == h {
			return &x.sets[i]
		}
	}
	return nil
}

// Words are read eight bytes at a step.
const (
	eachByte = 0x0101010101010101
	highBits = 0x8080808080808080
	caseBits = 0x2020202020202020
)

func load(b []byte, i int) uint64 {
	if i+8 <= len(b) {
		return binary.LittleEndian.Uint64(b[i:])
	}
	var last [8]byte
	copy(last[:], b[i:])
	return binary.LittleEndian.Uint64(last[:])
}

// letterMask has the high bit of each byte of w that is part of a word: ASCII
// letters, and all bytes of characters beyond ASCII.
func letterMask(w uint64) uint64 {
	low := (w | caseBits) &^ highBits
	return ((low+eachByte*(0x80-'a'))&^(low+eachByte*(0x80-'z'-1)) | w) & highBits
}

// alnums has the high bit of each byte of w that is an ASCII letter, and of each that is a
// digit.
func alnums(w uint64) (letters, digits uint64) {
	letter, digit := (w|caseBits)&^highBits, w&^highBits
	return (letter + eachByte*(0x80-'a')) &^ (letter + eachByte*(0x80-'z'-1)) &^ w & highBits,
		(digit + eachByte*(0x80-'0')) &^ (digit + eachByte*(0x80-'9'-1)) &^ w & highBits
}

// alnumMask has the high bit of each byte of w that is an ASCII letter or digit.
func alnumMask(w uint64) uint64 {
	letters, digits := alnums(w)
	return letters | digits
}

// digitMask has the high bit of each byte of w that is a digit.
func digitMask(w uint64) uint64 {
	low := w &^ highBits
	return (low + eachByte*(0x80-'0')) &^ (low + eachByte*(0x80-'9'-1)) &^ w & highBits
}

func mixWord(h, w uint64) uint64 {
	h = (h ^ w) * 0x9E3779B97F4A7C15
	return h ^ h>>32
}

func wordHash(h uint64) uint32 { return uint32(h>>20) | 1 }

// eachWord hands the hash of every word to yield. A word ends where its letters
// do, and inside a name written in camel case: customerSsn is two words. Case
// makes no difference otherwise.
func eachWord(b []byte, yield func(uint32)) {
	readWords(b, 0, len(b), nil, func(h uint32, _ int) { yield(h) })
}

// readWords hands each word of b[from:to], with the place where it ends, to
// yield; of a lexicon's, if one is given, only those that may be in it.
func readWords(b []byte, from, to int, x *lexicon, yield func(h uint32, end int)) {
	for i := from; i < to; {
		w := load(b, i)
		mask := letterMask(w)
		if left := to - i; left < 8 {
			mask &= 1<<(8*left) - 1
		}
		if mask == 0 {
			i += 8
			continue
		}
		// Bit 5 moved to bit 7 marks small letters; a capital behind one
		// begins a new word.
		small := w << 2 & mask
		turns := small << 8 &^ (w << 2) & mask &^ w & highBits
		next := i + 8
		for mask != 0 {
			at := mathbits.TrailingZeros64(mask) &^ 7
			word, letters := w>>at, mask>>at
			n := mathbits.TrailingZeros64(^letters&highBits) &^ 7
			if turns != 0 {
				n = min(n, mathbits.TrailingZeros64(turns>>at&^0xFF)&^7)
			}
			start := i + at>>3
			if at+n >= 64 { // it goes on, perhaps
				h := uint64(0)
				h, next = longWord(b, start, to)
				if next-start > 1 && (start == 0 || !is(b[start-1], isDig)) && (x == nil || x.may(wordHash(h))) {
					yield(wordHash(h), next)
				}
				break
			}
			mask &= ^uint64(0) << (at + n)
			// Letters behind a digit are a part of a hash or a number more often than a
			// word.
			if n > 8 && (start == 0 || !is(b[start-1], isDig)) {
				if h := wordHash(mixWord(0, (word|caseBits)&(1<<n-1))); x == nil || x.may(h) {
					yield(h, start+n>>3)
				}
			}
		}
		i = next
	}
}

// longWord reads the word at i, which is not ended before eight letters or the end, and
// gives its hash and where it ends.
func longWord(b []byte, i, to int) (h uint64, end int) {
	for {
		w := load(b, i)
		mask := letterMask(w)
		n := min(mathbits.TrailingZeros64(^mask&highBits)>>3, to-i)
		small := w << 2 & mask
		if turn := small << 8 &^ (w << 2) & mask &^ w & highBits; turn != 0 {
			n = min(n, mathbits.TrailingZeros64(turn)>>3)
		}
		if n < 8 {
			if n > 0 {
				h = mixWord(h, (w|caseBits)&(1<<(8*n)-1))
			}
			return h, i + n
		}
		h = mixWord(h, w|caseBits)
		i += 8
		if i >= to || letterMask(load(b, i))&0x80 == 0 || is(b[i], isUp) && !is(b[i-1], isUp) {
			return h, i
		}
	}
}

// hit is a word that says something, at the place where it ends.
type hit struct {
	at  int
	set *bits
}

// nearby keeps the words lately seen. It reads each byte once at most, and none
// that lies far from every candidate.
type nearby struct {
	hits [8]hit // a ring
	n    int
	pos  int // words before it were read
}

// before gathers what the words before place p speak for, and whether the last
// of them that says anything speaks against.
func (w *nearby) before(r *run, p int) {
	from := max(w.pos, p-window)
	if from < p {
		readWords(r.b, from, p, r.s.words, func(h uint32, end int) {
			if set := r.s.words.get(h); set != nil {
				w.hits[w.n&7] = hit{end, set}
				w.n++
			}
		})
		w.pos = p
	}
	r.said, r.negative = r.base, r.base.has(markNegative)
	latest := true // hits lie in the order of their places
	for i := w.n - 1; i >= 0 && i >= w.n-len(w.hits); i-- {
		h := &w.hits[i&7]
		if h.at < p-window {
			break
		}
		if h.at > p {
			continue
		}
		r.said.or(h.set)
		if latest {
			latest, r.negative = false, r.negative || h.set.has(markNegative)
		}
	}
}
