package ner

import "unicode/utf8"

// Span is a name found in a text.
type Span struct {
	Type       string // PERSON or LOCATION
	Start, End int    // byte offsets
	Score      float64
}

// The sizes of a reading. The model does best on a few sentences at a time; the
// overlap keeps a name whole that lies across the end of a reading.
const (
	windowChars  = 480
	overlapChars = 64
	least        = .5 // probability a token's label must have
)

// kindOf maps the model's labels, two for each kind (a begin and an inside), to
// what is reported: "" is not, since check digits and forms tell it better.
func kindOf(label uint8) string {
	switch {
	case label >= 1 && label <= 4: // given name, surname
		return "PERSON"
	case label >= 23 && label <= 34: // building, street, secondary address, city, state, zip code
		return "LOCATION"
	}
	return ""
}

// Names finds persons and parts of addresses, in order of their start and
// without overlap.
func (m *Model) Names(text []byte) []Span {
	var all []Span
	for at := 0; at < len(text); {
		end, next := window(text, at)
		all = m.read(all, text, at, end)
		if end == len(text) {
			break
		}
		at = next
	}
	return joined(all, text)
}

// window is the end of the reading that begins at a place, and the place of the
// next one; both lie between characters.
func window(text []byte, at int) (end, next int) {
	i, n := at, 0
	for next = at; i < len(text) && n < windowChars; n++ {
		if n == windowChars-overlapChars {
			next = i
		}
		_, size := utf8.DecodeRune(text[i:])
		i += size
	}
	if next <= at {
		next = i
	}
	return i, next
}

// read classifies one window, in readings that the model can take.
func (m *Model) read(all []Span, text []byte, at, end int) []Span {
	tokens := m.vocabulary.tokens(text[at:end])
	for len(tokens) > 0 {
		n := min(len(tokens), longest-2)
		ids := make([]int32, n+2)
		ids[0], ids[n+1] = beginToken, endToken
		for i, t := range tokens[:n] {
			ids[i+1] = t.id
		}
		label, probability := make([]uint8, n+2), make([]float32, n+2)
		m.classify(ids, label, probability)
		for i, t := range tokens[:n] {
			kind := kindOf(label[i+1])
			if kind == "" || probability[i+1] < least {
				continue
			}
			all = append(all, Span{kind, at + int(t.start), at + int(t.end), float64(probability[i+1])})
		}
		tokens = tokens[n:]
	}
	return all
}

// joined makes one span of pieces of one kind that touch, that stand in one
// word, or that only spaces part. A piece read twice counts once.
func joined(pieces []Span, text []byte) []Span {
	var all []Span
	for _, p := range pieces {
		if n := len(all); n > 0 {
			last := &all[n-1]
			if p.Start < last.End && p.Type != last.Type {
				continue
			}
			if p.Type == last.Type && (p.Start <= last.End || blank(text[last.End:p.Start])) {
				last.End = max(last.End, p.End)
				last.Score = max(last.Score, p.Score)
				continue
			}
			if p.Start < last.End {
				continue
			}
		}
		all = append(all, p)
	}
	return all
}

func blank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\t' {
			return false
		}
	}
	return true
}
