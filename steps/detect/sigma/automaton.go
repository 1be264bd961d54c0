package sigma

import "strings"

// automaton finds which of many texts stand in another, whatever the case of
// ASCII letters, in one pass (Aho and Corasick, 1975). The table is by classes
// of bytes: only bytes that occur in a text have one of their own.
type automaton struct {
	texts   []string
	ids     []int
	class   [256]uint8
	classes int
	next    []int32 // state × class
	out     [][]int // ids found on reaching a state
}

func newAutomaton() *automaton { return &automaton{classes: 1} }

// add adds a text in lower case under an id.
func (a *automaton) add(text string, id int) {
	a.texts = append(a.texts, text)
	a.ids = append(a.ids, id)
	for i := range len(text) {
		if ch := text[i]; a.class[ch] == 0 && a.classes < 255 {
			a.class[ch] = uint8(a.classes)
			a.classes++
		}
	}
}

// seal builds the table.
func (a *automaton) seal() {
	for ch := byte('a'); ch <= 'z'; ch++ {
		a.class[ch-'a'+'A'] = a.class[ch]
	}
	a.next = make([]int32, a.classes)
	a.out = make([][]int, 1)
	for i, t := range a.texts {
		state := int32(0)
		for j := range len(t) {
			at := int(state)*a.classes + int(a.class[t[j]])
			if a.next[at] == 0 {
				a.next[at] = int32(len(a.out))
				a.next = append(a.next, make([]int32, a.classes)...)
				a.out = append(a.out, nil)
			}
			state = a.next[at]
		}
		a.out[state] = append(a.out[state], a.ids[i])
	}
	fail := make([]int32, len(a.out))
	queue := make([]int32, 0, len(a.out))
	for c := range a.classes {
		if s := a.next[c]; s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		a.out[s] = append(a.out[s], a.out[fail[s]]...)
		for c := range a.classes {
			at := int(s)*a.classes + c
			to := a.next[int(fail[s])*a.classes+c]
			if child := a.next[at]; child != 0 {
				fail[child] = to
				queue = append(queue, child)
			} else {
				a.next[at] = to
			}
		}
	}
}

// each gives the ids of the texts that stand in s, some more than once.
func (a *automaton) each(s string, found func(id int)) {
	if !isASCII(s) {
		s = strings.ToLower(s)
	}
	state := int32(0)
	for i := range len(s) {
		state = a.next[int(state)*a.classes+int(a.class[s[i]])]
		for _, id := range a.out[state] {
			found(id)
		}
	}
}
