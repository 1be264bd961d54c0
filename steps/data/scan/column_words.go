package scan

import (
	"bytes"
	"slices"
)

// wording takes note of words in which names could be.
func (c *Column) wording(value []byte, times int64, known asked) {
	if c.foreign == "" && known&isASCII == 0 && !ascii(value) {
		c.foreign = foreign(value)
	}
	if c.words > 4096 && c.calls&15 != 0 {
		return // that there is prose is known, and enough of it is kept
	}
	if !lettered(value) {
		return // neither words nor a name
	}
	switch {
	case known&isOneWord == 0 && freeText(value):
		c.words += times
		c.keep(value)
	case nameLike(value):
		c.nameLike += times
		if len(c.shortNames) < maxShort && c.calls < 4096 &&
			!slices.ContainsFunc(c.shortNames, func(v []byte) bool { return bytes.Equal(v, value) }) {
			c.shortNames = append(c.shortNames, bytes.Clone(value))
		}
	case known&isOneWord == 0 && chatty(value):
		c.chat += times
		if len(c.chats) < maxShort && c.calls < 4096 &&
			!slices.ContainsFunc(c.chats, func(v []byte) bool { return bytes.Equal(v, value) }) {
			c.chats = append(c.chats, bytes.Clone(value))
		}
	}
}

// maxShort is how many different cells that look like names are kept. A column of
// fewer than fewShort, each often repeated, is a list of kinds: open, closed.
const maxShort, fewShort, often = 48, 12, 5

// maybeNames reports whether the column may hold names of people or places in
// short cells, which only a model can tell from other words.
func (c *Column) maybeNames() bool {
	kinds := int64(len(c.shortNames))
	return c.nameLike*2 > c.values && (kinds >= fewShort || c.nameLike < often*kinds)
}

// maybeChat is maybeNames for short lines.
func (c *Column) maybeChat() bool {
	kinds := int64(len(c.chats))
	return kinds > 0 && (kinds >= fewShort || c.chat < often*kinds)
}

// lettered reports whether a cell holds a letter.
func lettered(b []byte) bool {
	for i := 0; i < len(b); i += 8 {
		if letterMask(load(b, i)) != 0 {
			return true
		}
	}
	return false
}

// chatty reports whether a cell is a line of some words in which a name could stand, though
// it is neither prose nor a name.
func chatty(b []byte) bool {
	if len(b) < 4 || len(b) > 400 || bytes.IndexByte(b, ' ') <= 0 {
		return false
	}
	letters, words, run := 0, 0, 0
	for _, c := range b {
		if is(c, isLet) || c >= 0x80 {
			letters++
			if run++; run == 2 {
				words++
			}
			continue
		}
		run = 0
		if is(c, isDig) || c == '/' || c == '\\' || c == '_' || c == '=' || c == '{' || c == '<' {
			run = -1000 // a part of a code, a path or a tag is no word
		}
		if c == ' ' {
			run = 0
		}
	}
	return words >= 2 && letters*2 > len(b)
}

// nameLike reports whether a cell is one to four words of letters, as names are; in
// tables as often in capitals or small letters alone. One small word is a kind or a state.
func nameLike(b []byte) bool {
	if len(b) < 2 || len(b) > 40 {
		return false
	}
	words, capitals, start := 0, 0, true
	for _, c := range b {
		switch {
		case c == ' ' || c == '-' || c == '\'' || c == '.' || c == ',':
			start = true
			continue
		case !is(c, isLet) && c < 0x80:
			return false
		case start:
			words++
			if is(c, isUp) || c >= 0x80 {
				capitals++
			}
		}
		start = false
	}
	return words <= 4 && (capitals == words && words > 0 && !acronym(b) || words > 1)
}

// acronym reports whether a cell is one short word in capitals, as codes are.
func acronym(b []byte) bool {
	for _, c := range b {
		if !is(c, isUp) {
			return false
		}
	}
	return len(b) < 5
}

// titled writes a cell's words as names are written, for a model that was taught those:
// where its letters are all of one case.
func titled(b []byte) []byte {
	if bytes.Equal(bytes.ToUpper(b), b) == bytes.Equal(bytes.ToLower(b), b) {
		return b // letters of both cases, or without any
	}
	out, start := bytes.ToLower(b), true
	for i, c := range out {
		if start && c >= 'a' && c <= 'z' {
			out[i] -= 'a' - 'A'
		}
		start = c == ' ' || c == '-' || c == '\'' || c == '.'
	}
	return out
}
