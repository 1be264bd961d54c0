package scan

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// bothWays fails if fields find something else than the whole way does.
func bothWays(t *testing.T, text []byte) (spans []Span) {
	t.Helper()
	for _, least := range []float64{.2, .5} {
		fast, err := New(Options{MinScore: least})
		if err != nil {
			t.Fatal(err)
		}
		slow := *fast
		slow.long = true
		spans = fast.Append(nil, text)
		if whole := slow.Append(nil, text); !slices.Equal(spans, whole) {
			t.Fatalf("%q: fields find %v, the whole way %v", text, spans, whole)
		}
	}
	return spans
}

// Every shape of the catalogue is written as a field between every two signs, with and
// without words that speak for or against it, and with a digit or a sign more.
func TestFieldsFindWhatTheWholeWayFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 9))
	var pool []string
	for e := range catalogue() {
		row := &catalogue()[e]
		for _, list := range strings.Fields(row.strong + " " + row.plain) {
			pool = append(pool, expand(list)...)
		}
	}
	pool = append(pool, "9999-99-99", "99/99/9999", "9.9.9.9", "99.999.9.99", "+9-999-999-9999", "+99 99 99999999", "99999", "999999", "9", "AA99999999999999999999")
	words := []string{"", "", "phone", "card", "order", "born", "id", "ssn", "account"}
	values := map[string][]string{ // that pass their checks, which random ones seldom do
		"9999 9999 9999 9999": {"4111 1111 1111 1111"}, "999999999": {"111111118"}, "AA99999999999999999999": {"DE89370400440532013000"},
		"9999999999999999": {"4111111111111111"}, "999-99-9999": {"536-12-3456", "912-70-1234"},
	}
	signs := []string{",", ";", "|", "\t", "\n", "\"", " ", ":", "'", "", ".", "-", "+", ",+"}
	var text []byte
	found := 0
	for n := range 6000 {
		text = append(text[:0], words[r.IntN(len(words))]...)
		for range 1 + r.IntN(4) {
			shape := pool[r.IntN(len(pool))]
			sign := signs[r.IntN(len(signs))]
			text = append(text, sign...)
			if v := values[shape]; len(v) > 0 && n%2 == 0 {
				text = append(text, v[r.IntN(len(v))]...)
			} else {
				for _, c := range []byte(shape) {
					switch {
					case c == '9':
						c = byte('0' + r.IntN(10))
					case c == 'A':
						c = byte('A' + r.IntN(26))
					case r.IntN(40) == 0:
						c = " -./,+("[r.IntN(7)]
					}
					text = append(text, c)
				}
			}
			if r.IntN(3) > 0 {
				text = append(text, sign...)
			} else {
				text = append(text, signs[r.IntN(len(signs))]...)
			}
			text = append(text, words[r.IntN(len(words))]...)
		}
		found += len(bothWays(t, text))
	}
	if found < 2000 {
		t.Errorf("only %d values were found: the test shows little", found)
	}
}

func FuzzFields(f *testing.F) {
	for _, s := range []string{
		"1,Jane Doe,jane.doe1@example.com,+1-415-555-0101,536-12-3456,4111 1111 1111 1111,DE89370400440532013000,1950-03-12,10.2.4.5\n",
		"\"2001:db8::1\",\"00-1a-2b-3c-4d-5e\",12-34-56-78-90-12", "phone,415 555 2671,card|4111111111111111;order,4111-1111-1111-1111",
		",1234 5678 9012 3456 7890,", "\t+49 (0)30 123456\t", "12,03.12.2001,12/31/1999,99-99-9999", "http://a.b/?x=1,2,536-12-3456",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) < 4096 {
			bothWays(t, text)
		}
	})
}

// The tree of shapes holds every shape of the catalogue, and no other.
func TestShapesAreTheCatalogues(t *testing.T) {
	x := shapes()
	walk := func(shape string) *claims {
		at := &x.nodes[0]
		for _, symbol := range symbolsOf(shape) {
			next, ok := x.step(at, symbol)
			if !ok {
				return nil
			}
			at = next
		}
		if at.shape == 0 {
			return nil
		}
		return &x.claims[at.shape-1]
	}
	all := map[string]bool{}
	for e := range catalogue() {
		row := &catalogue()[e]
		for _, list := range strings.Fields(row.strong + " " + row.plain) {
			for _, shape := range expand(list) {
				all[string(symbolsOf(shape))] = true
				if c := walk(shape); c == nil || !has(c.all, uint8(e)) {
					t.Errorf("%s is not found by its shape %s", row.Name, shape)
				}
			}
		}
	}
	if len(all) != len(x.claims) {
		t.Errorf("%d shapes end in the tree, of %d in the catalogue", len(x.claims), len(all))
	}
	for _, shape := range []string{"9", "999-99-999", "999-99-9999-9", "A", "9999 9999 9999 999A"} {
		if !all[string(symbolsOf(shape))] && walk(shape) != nil {
			t.Errorf("%s stands for something", shape)
		}
	}
}
