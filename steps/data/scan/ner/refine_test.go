package ner

import (
	"strings"
	"testing"
)

// wordsOf splits a text as the tokenizer would, with the kinds given for some
// words.
func wordsOf(text string, kinds map[string]int) []word {
	var all []word
	start := -1
	flush := func(end int) {
		if start >= 0 {
			all = append(all, word{start: start, end: end, kind: kinds[text[start:end]], score: .9})
			start = -1
		}
	}
	for i, r := range text {
		switch {
		case r == ' ' || r == '\n':
			flush(i)
		case punctuation(r):
			flush(i)
			all = append(all, word{start: i, end: i + 1})
		case start < 0:
			start = i
		}
	}
	flush(len(text))
	return all
}

func TestRefine(t *testing.T) {
	tests := []struct {
		text  string
		kinds map[string]int
		want  string
	}{
		{"She lives in South Africa now", nil, "LOCATION:South Africa"},
		{"we ate turkey in china cups", nil, ""},
		{"to Turkey", nil, "LOCATION:Turkey"},
		{"Ask Dr. Wells about it", nil, "PERSON:Wells"},
		{"send to Apt. 595 please", nil, "LOCATION:Apt. 595"},
		{"Civic Impulse LLC pays", map[string]int{"Civic": location}, "ORGANIZATION:Civic Impulse LLC"},
		{"a group of people", nil, ""},
		{"I just turned 47", map[string]int{"47": location}, ""},
		{"12 Baker Street", map[string]int{"12": location, "Baker": location, "Street": location}, "LOCATION:12 Baker Street"},
		{"Anna Novak came, and Novak left", map[string]int{"Anna": person}, "PERSON:Anna"},
		{"Anna came. Then Anna left", map[string]int{"Anna": person}, "PERSON:Anna|PERSON:Anna"},
	}
	for _, tt := range tests {
		words := wordsOf(tt.text, tt.kinds)
		refine(words, []byte(tt.text))
		var got []string
		for _, s := range spansOf(words, []byte(tt.text)) {
			got = append(got, s.Type+":"+tt.text[s.Start:s.End])
		}
		if g := strings.Join(got, "|"); g != tt.want {
			t.Errorf("%q: %s, want %s", tt.text, g, tt.want)
		}
	}
}

func TestUnquotedKeepsOffsets(t *testing.T) {
	in := "> > Anna\n>Bela > 3\n a>b"
	want := "    Anna\n Bela > 3\n a>b"
	if got := string(unquoted([]byte(in))); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWindowsCoverTheText(t *testing.T) {
	text := []byte(strings.Repeat("żółw and Größe ", 300))
	at, covered := 0, 0
	for range 1000 {
		end, next := window(text, at)
		if end <= at || at > covered || next <= at {
			t.Fatalf("window %d to %d, then %d; %d covered", at, end, next, covered)
		}
		covered = end
		if end == len(text) {
			return
		}
		at = next
	}
	t.Fatal("the windows never end")
}
