package ner

import (
	"bytes"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

var lists = sync.OnceValue(func() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for name, list := range map[string]string{"countries": countries, "company": companyWords, "forms": companyForms, "titles": titles, "units": units} {
		set := map[string]bool{}
		for w := range strings.SplitSeq(strings.ReplaceAll(list, "\n", ""), "|") {
			set[w] = true
		}
		all[name] = set
	}
	return all
})

// refine corrects what the model says by words it was not taught: countries,
// forms of companies, titles, doors; and takes back numbers that stand alone.
func refine(words []word, text []byte) {
	sets := lists()
	low := make([]string, len(words))
	for i, w := range words {
		low[i] = strings.ToLower(string(text[w.start:w.end]))
	}
	for i := range words {
		if n := country(words, low, text, i, sets["countries"]); n > 0 {
			for k := i; k < i+n; k++ {
				words[k].kind, words[k].score = location, max(words[k].score, .85)
			}
		}
		if sets["titles"][low[i]] {
			titled(words, text, i)
		}
		if sets["units"][low[i]] {
			door(words, low, text, i)
		}
	}
	for i := range words {
		if sets["company"][low[i]] {
			company(words, text, i, sets["forms"][low[i]])
		}
	}
	repeated(words, low, text)
	lonely(words, text)
}

// repeated makes a capitalized word a person's name where the model is sure that
// the same word is one elsewhere in the text: the second mention has often less
// around it to tell by.
func repeated(words []word, low []string, text []byte) {
	sure := map[string]bool{}
	for i, w := range words {
		if w.kind == person && w.score >= .8 && len(low[i]) > 3 && startsUpper(text[w.start:]) {
			sure[low[i]] = true
		}
	}
	for i := range words {
		w := &words[i]
		if w.kind == none && sure[low[i]] && startsUpper(text[w.start:]) {
			w.kind, w.score = person, .6
		}
	}
}

// country reports how many words from i on are the name of a country.
func country(words []word, low []string, text []byte, i int, set map[string]bool) int {
	first := low[i]
	if len(first) < 2 || len(first) < 4 && first != "usa" && first != "uk" && first != "new" && first != "el" && first != "san" && first != "sri" && first != "the" {
		return 0
	}
	name, best := "", 0
	for k := i; k < len(words) && k < i+4; k++ {
		if k > i {
			if between := text[words[k-1].end:words[k].start]; len(between) != 1 || between[0] != ' ' && between[0] != '\n' {
				break
			}
			name += " "
		}
		name += low[k]
		if set[name] {
			best = k - i + 1
		}
	}
	if best == 0 {
		return 0
	}
	// A small initial may be the language's word (turkey, china); short names of
	// states are written in capitals.
	r, _ := utf8.DecodeRune(text[words[i].start:])
	switch name := low[i]; {
	case name == "usa" || name == "uk":
		if string(text[words[i].start:words[i].end]) != strings.ToUpper(name) {
			return 0
		}
	case !unicode.IsUpper(r) && (name == "turkey" || name == "china" || name == "chad" || name == "jordan" || name == "georgia" || name == "guinea" || name == "mali" || name == "niger"):
		return 0
	}
	return best
}

// titled makes the capitalized words after a title a person's name.
func titled(words []word, text []byte, i int) {
	from := words[i].end
	for k := i + 1; k < len(words) && k < i+4; k++ {
		w := &words[k]
		between := bytes.Trim(text[from:w.start], " ")
		if len(between) > 0 || w.start-from > 2 {
			return
		}
		if t := text[w.start:w.end]; len(t) == 1 && t[0] == '.' {
			from = w.end
			continue
		}
		r, _ := utf8.DecodeRune(text[w.start:])
		if !unicode.IsUpper(r) {
			return
		}
		if k > i+2 && w.kind != person {
			return
		}
		w.kind, w.score = person, max(w.score, .8)
		from = w.end
	}
}

// door makes "Apt. 12" and "Box 8144" parts of an address.
func door(words []word, low []string, text []byte, i int) {
	k := i + 1
	if k < len(words) && low[k] == "." {
		k++
	}
	if k >= len(words) || words[k].start-words[i].end > 2 || len(low[k]) > 6 || low[k][0] < '0' || low[k][0] > '9' {
		return
	}
	for j := i; j <= k; j++ {
		words[j].kind, words[j].score = location, max(words[j].score, .75)
	}
}

// company makes a company's form and the capitalized words before it an
// organisation. Words such as Group need a name before them that the model took
// for something, or a capital.
func company(words []word, text []byte, i int, certain bool) {
	r, _ := utf8.DecodeRune(text[words[i].start:])
	if !unicode.IsUpper(r) && !certain {
		return
	}
	k := i
	for k > 0 && i-k < 5 {
		prev := &words[k-1]
		between := text[prev.end:words[k].start]
		r, _ := utf8.DecodeRune(text[prev.start:])
		c := text[prev.start]
		link := c == '-' || c == '&' || c == ',' && certain || string(text[prev.start:prev.end]) == "and"
		if len(between) > 1 || len(between) == 1 && between[0] != ' ' || !unicode.IsUpper(r) && !link {
			break
		}
		k--
	}
	for k < i && !startsUpper(text[words[k].start:]) {
		k++
	}
	if k == i {
		return
	}
	for ; k <= i; k++ {
		words[k].kind, words[k].score = organization, .75
	}
}

func startsUpper(b []byte) bool {
	r, _ := utf8.DecodeRune(b)
	return unicode.IsUpper(r)
}

// lonely takes back numbers and single letters called a part of an address with
// no other part near them: ages, years and counts.
func lonely(words []word, text []byte) {
	for i := range words {
		w := &words[i]
		if w.kind != location || !short(text[w.start:w.end]) {
			continue
		}
		near := false
		for k := max(0, i-4); k < min(len(words), i+5); k++ {
			near = near || k != i && words[k].kind == location && !short(text[words[k].start:words[k].end])
		}
		if !near {
			w.kind = none
		}
	}
}

// short reports whether a word is a number or one letter.
func short(b []byte) bool {
	letters := 0
	for _, c := range b {
		if c >= '0' && c <= '9' {
			continue
		}
		letters++
	}
	return letters <= 1
}
