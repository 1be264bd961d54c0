package scan_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// The types of the outside corpus, by the names of ours.
var goldNames = map[string]string{
	"PERSON": "PERSON", "STREET_ADDRESS": "LOCATION", "GPE": "LOCATION", "ZIP_CODE": "LOCATION",
	"PHONE_NUMBER": "PHONE_NUMBER", "CREDIT_CARD": "CREDIT_CARD", "EMAIL_ADDRESS": "EMAIL_ADDRESS", "IBAN_CODE": "IBAN_CODE",
	"IP_ADDRESS": "IP_ADDRESS", "US_SSN": "US_SSN", "DOMAIN_NAME": "URL",
}

// counts are hits and misses of one type.
type counts struct{ recalled, gold, right, said int }

func (c counts) scores() (p, r, f1, f2 float64) {
	if c.said > 0 {
		p = float64(c.right) / float64(c.said)
	}
	if c.gold > 0 {
		r = float64(c.recalled) / float64(c.gold)
	}
	if p+r > 0 {
		f1, f2 = 2*p*r/(p+r), 5*p*r/(4*p+r)
	}
	return p, r, f1, f2
}

func (c counts) String() string {
	p, r, f1, f2 := c.scores()
	return fmt.Sprintf("precision %.3f  recall %.3f  F1 %.3f  F2 %.3f  (%d gold, %d said)", p, r, f1, f2, c.gold, c.said)
}

// model is the model for names, or nothing where it is not installed.
func model(t testing.TB) scan.Namer {
	t.Helper()
	dir := os.Getenv("SEVENFOLD_MODELS")
	if dir == "" {
		t.Log("not measured: names, since SEVENFOLD_MODELS names no folder with the model")
		return nil
	}
	n, err := scan.LoadNames(dir)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

type goldText struct {
	Text  string `json:"full_text"`
	Spans []struct {
		Type  string `json:"entity_type"`
		Start int    `json:"start_position"`
		End   int    `json:"end_position"`
	}
}

// corpus reads the outside corpus, or nothing where it is not laid out: the
// figure is then said to be missing, and a test without it is no pass of it.
func corpus(t testing.TB) []goldText {
	t.Helper()
	dir := os.Getenv("SEVENFOLD_CORPORA")
	if dir == "" {
		t.Log("not measured: SEVENFOLD_CORPORA names no folder with presidio-research/synth_dataset_v2.json.gz")
		return nil
	}
	f, err := os.Open(filepath.Join(dir, "presidio-research", "synth_dataset_v2.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var texts []goldText
	if err := json.NewDecoder(z).Decode(&texts); err != nil {
		t.Fatal(err)
	}
	return texts
}

// measure compares what a scanner says with the labels, by overlap of spans of
// the same type.
func measure(s *scan.Scanner, texts []goldText, wrong func(kind, text string, start, end int, missed bool)) map[string]*counts {
	total := map[string]*counts{}
	of := func(name string) *counts {
		if total[name] == nil {
			total[name] = &counts{}
		}
		return total[name]
	}
	for _, g := range texts {
		said := s.Text([]byte(g.Text))
		scan.Runes([]byte(g.Text), said)
		runes := []rune(g.Text)
		for _, label := range g.Spans {
			name, counted := goldNames[label.Type]
			if !counted {
				continue
			}
			hit := slices.ContainsFunc(said, func(s scan.Span) bool {
				return s.Type == name && s.Start < label.End && label.Start < s.End
			})
			for _, c := range []*counts{of(name), of("ALL")} {
				c.gold++
				if hit {
					c.recalled++
				}
			}
			if !hit && wrong != nil {
				wrong(name, string(runes), label.Start, label.End, true)
			}
		}
		for _, s := range said {
			if !slices.Contains(names(), s.Type) {
				continue
			}
			right := false
			for _, label := range g.Spans {
				right = right || goldNames[label.Type] == s.Type && s.Start < label.End && label.Start < s.End
			}
			for _, c := range []*counts{of(s.Type), of("ALL")} {
				c.said++
				if right {
					c.right++
				}
			}
			if !right && wrong != nil {
				wrong(s.Type, string(runes), s.Start, s.End, false)
			}
		}
	}
	return total
}

func names() []string {
	var all []string
	for _, n := range goldNames {
		all = append(all, n)
	}
	return all
}

func TestQualityOnPresidioResearch(t *testing.T) {
	texts := corpus(t)
	s, err := scan.New(scan.Options{Names: model(t)})
	if err != nil {
		t.Fatal(err)
	}
	total := measure(s, texts, func(kind, text string, start, end int, missed bool) {
		if show := os.Getenv("SEVENFOLD_SHOW"); show == "" || !strings.Contains(show, kind) {
			return
		}
		r := []rune(text)
		t.Logf("%s missed=%v [%s] in %q", kind, missed, string(r[start:end]), text)
	})
	kinds := []string{}
	for k := range total {
		kinds = append(kinds, k)
	}
	sort.Strings(kinds)
	for _, k := range kinds {
		t.Logf("%-14s %v", k, total[k])
	}
	if c := total["ALL"]; c != nil && os.Getenv("SEVENFOLD_MODELS") != "" {
		if _, _, f1, f2 := c.scores(); f1 < .93 || f2 < .93 {
			t.Errorf("all types: F1 %.3f F2 %.3f, want .93", f1, f2)
		}
	}
	for kind, least := range map[string]float64{"CREDIT_CARD": .97, "EMAIL_ADDRESS": .99, "IBAN_CODE": .99, "IP_ADDRESS": .99, "US_SSN": .95, "URL": .99, "PHONE_NUMBER": .93} {
		if c := total[kind]; c != nil {
			if _, _, f1, _ := c.scores(); f1 < least {
				t.Errorf("%s: F1 %.3f, want %.2f", kind, f1, least)
			}
		}
	}
}
