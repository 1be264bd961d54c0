package scan

import "sync"

// bits is a set of entities by their place in the catalogue, and of the marks
// below.
type bits [3]uint64

func (b *bits) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b *bits) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }
func (b *bits) or(c *bits)     { b[0] |= c[0]; b[1] |= c[1]; b[2] |= c[2] }

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

// lexicon maps the hash of a word to what it speaks for. It is open-addressed.
type lexicon struct {
	keys []uint32
	sets []bits
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
	i := h & 4095
	for x.keys[i] != 0 && x.keys[i] != h {
		i = (i + 1) & 4095
	}
	x.keys[i] = h
	return &x.sets[i]
}

func (x *lexicon) get(h uint32) *bits {
	for i := h & 4095; x.keys[i] != 0; i = (i + 1) & 4095 {
		if x.keys[i] == h {
			return &x.sets[i]
		}
	}
	return nil
}

// fold maps a byte to its place in a word: lower-case letters, and all bytes of
// characters beyond ASCII, as they are; upper case made lower; 0 ends a word.
var fold = func() (t [256]byte) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z' || c >= 0x80:
			t[c] = byte(c)
		case c >= 'A' && c <= 'Z':
			t[c] = byte(c) + 'a' - 'A'
		}
	}
	return t
}()

// eachWord hands the hash of every word to yield. A word ends where its letters
// do, and inside a name written in camel case: customerSsn is two words.
func eachWord(b []byte, yield func(uint32)) {
	h, lower := uint32(0), false
	for _, c := range b {
		f := fold[c]
		if f == 0 || lower && f != c {
			if h != 0 {
				yield(h | 1)
			}
			h = 0
			if f == 0 {
				lower = false
				continue
			}
		}
		lower = f == c
		h = (h ^ uint32(f)) * 0x9E3779B1
		h ^= h >> 15
	}
	if h != 0 {
		yield(h | 1)
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
func (w *nearby) before(b []byte, p int, x *lexicon) (set bits, negative bool) {
	from := max(w.pos, p-window)
	if from < p {
		w.read(b, from, p, x)
		w.pos = p
	}
	last := -1
	for i := 0; i < min(w.n, len(w.hits)); i++ {
		h := &w.hits[i]
		if h.at < p-window || h.at > p {
			continue
		}
		set.or(h.set)
		if h.at > last {
			last, negative = h.at, h.set.has(markNegative)
		}
	}
	return set, negative
}

func (w *nearby) read(b []byte, from, to int, x *lexicon) {
	h, lower := uint32(0), false
	for i := from; i <= to; i++ {
		var c, f byte
		if i < to {
			c = b[i]
			f = fold[c]
		}
		if f == 0 || lower && f != c {
			if h != 0 {
				if set := x.get(h | 1); set != nil {
					w.hits[w.n&7] = hit{i, set}
					w.n++
				}
			}
			h = 0
			if f == 0 {
				lower = false
				continue
			}
		}
		lower = f == c
		h = (h ^ uint32(f)) * 0x9E3779B1
		h ^= h >> 15
	}
}
