package ner

import (
	"bytes"
	"unicode/utf8"
)

// Span is a name found in a text.
type Span struct {
	Type       string // PERSON, LOCATION or ORGANIZATION
	Start, End int    // byte offsets
	Score      float64
}

// The sizes of a reading. The model does best on a few sentences at a time; the
// overlap keeps a name whole that lies across the end of a reading.
const (
	windowChars  = 480
	overlapChars = 64
	least        = .38 // probability a word must have of being of a kind
)

// The kinds reported. The model also has labels for telephone numbers, accounts
// and such, which check digits and forms tell better.
const (
	none = iota
	person
	location
	organization
)

var kindNames = [...]string{person: "PERSON", location: "LOCATION", organization: "ORGANIZATION"}

// kindOf maps the model's labels, two for each kind (a begin and an inside), to
// what is reported.
func kindOf(label int) int {
	switch {
	case label >= 1 && label <= 4: // given name, surname
		return person
	case label >= 23 && label <= 34: // building, street, secondary address, city, state, zip code
		return location
	}
	return none
}

// word is a word of the text with the probability of each kind: the mean over
// its pieces, since a name is not a name by half of its letters.
type word struct {
	start, end int
	share      [3]float32
	pieces     float32
	kind       int
	score      float32
}

// Names finds persons, parts of addresses and, by the words companies end their
// names with, organisations; in order of their start and without overlap.
func (m *Model) Names(text []byte) []Span {
	var all []word
	for at := 0; at < len(text); {
		end, next := window(text, at)
		all = m.read(all, text, at, end)
		if end == len(text) {
			break
		}
		at = next
	}
	for i := range all {
		all[i].decide()
	}
	refine(all, text)
	return spansOf(all, text)
}

// decide takes the likelier kind if it is likely enough.
func (w *word) decide() {
	for _, kind := range []int{person, location} {
		if p := w.share[kind] / w.pieces; p >= least && p > w.score {
			w.kind, w.score = kind, p
		}
	}
}

// window is the end of the reading that begins at a place, and the place of the
// next one; both lie between characters, and where it can be between words.
func window(text []byte, at int) (end, next int) {
	i, n := at, 0
	for next = at; i < len(text) && n < windowChars; n++ {
		if n == windowChars-overlapChars {
			next = i
		}
		_, size := utf8.DecodeRune(text[i:])
		i += size
	}
	if i == len(text) {
		return i, i
	}
	for k := next; k > at && k > next-32; k-- {
		if text[k-1] == ' ' || text[k-1] == '\n' {
			next = k
			break
		}
	}
	if next <= at {
		next = i
	}
	return i, next
}

// read classifies one window, in readings that the model can take. Words that an
// earlier window has read are kept as it read them, with more before them.
func (m *Model) read(all []word, text []byte, at, end int) []word {
	tokens := m.vocabulary.tokens(unquoted(text[at:end]))
	known := 0
	if len(all) > 0 {
		known = all[len(all)-1].end
	}
	last := int32(-1)
	for len(tokens) > 0 {
		n := min(len(tokens), longest-2)
		ids := make([]int32, n+2)
		ids[0], ids[n+1] = beginToken, endToken
		for i, t := range tokens[:n] {
			ids[i+1] = t.id
		}
		out := make([]float32, (n+2)*labels)
		m.classify(ids, out)
		for i, t := range tokens[:n] {
			start := at + int(t.start)
			if start < known {
				continue
			}
			if t.word != last {
				all = append(all, word{start: start})
				last = t.word
			}
			w := &all[len(all)-1]
			w.end = at + int(t.end)
			w.pieces++
			for l, p := range out[(i+1)*labels : (i+2)*labels] {
				if k := kindOf(l); k != none {
					w.share[k] += p
				}
			}
		}
		tokens = tokens[n:]
	}
	return all
}

// unquoted is a text without the marks that letters in mail put before quoted
// lines, which the model was not taught. Offsets stay as they are.
func unquoted(b []byte) []byte {
	if bytes.IndexByte(b, '>') < 0 {
		return b
	}
	b = bytes.Clone(b)
	line := true
	for i, c := range b {
		switch {
		case c == '\n':
			line = true
		case line && c == '>':
			b[i] = ' '
		case c != ' ':
			line = false
		}
	}
	return b
}

// spansOf makes spans of neighbouring words of one kind.
func spansOf(words []word, text []byte) []Span {
	var all []Span
	last := none
	for _, w := range words {
		if w.kind == none {
			continue
		}
		if n := len(all); n > 0 && w.kind == last && joins(w.kind, text[all[n-1].End:w.start]) {
			all[n-1].End = w.end
			all[n-1].Score = max(all[n-1].Score, float64(w.score))
			continue
		}
		all = append(all, Span{kindNames[w.kind], w.start, w.end, float64(w.score)})
		last = w.kind
	}
	kept := all[:0]
	for _, s := range all {
		if s.End-s.Start > 1 {
			kept = append(kept, s)
		}
	}
	return kept
}

// joins reports whether what stands between two words of a kind leaves them one
// name: spaces, the point of an initial, the comma of an address.
func joins(kind int, between []byte) bool {
	if len(between) > 4 {
		return false
	}
	for _, c := range between {
		switch c {
		case ' ', '\t', '.', '-', '\'':
		case ',', '\n', '\r', '/':
			if kind == person {
				return false
			}
		default:
			return false
		}
	}
	return true
}
