package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

func columnOf(t *testing.T, name string, n int, value func(i int) string) []Label {
	t.Helper()
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := s.Column(name)
	for i := range n {
		c.Add([]byte(value(i)))
	}
	return c.Labels()
}

func labelTypes(labels []Label) string {
	var all []string
	for _, l := range labels {
		all = append(all, l.Type)
	}
	return strings.Join(all, " ")
}

func TestColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	of := func(name string) func(int) string {
		e := byName()[name]
		g := generator(&e, r)
		return func(int) string { return g() }
	}
	plain := func(f func(int) string) func(int) string {
		return func(i int) string { return strings.NewReplacer(" ", "", "-", "", ".", "").Replace(f(i)) }
	}
	tests := []struct {
		about, name string
		n           int
		value       func(int) string
		want        string
	}{
		{"random numbers of nine digits", "value", 3000, func(int) string { return digits(9) }, ""},
		{"random numbers of sixteen digits", "value", 3000, func(int) string { return digits(16) }, ""},
		{"random numbers under a card's name", "credit_card", 3000, func(int) string { return digits(16) }, ""},
		{"random numbers under a social security name", "sin", 3000, func(int) string { return digits(9) }, ""},
		{"real cards without a name", "value", 200, plain(of("CREDIT_CARD")), "CREDIT_CARD"},
		{"real cards under the name of orders", "order_id", 200, plain(of("CREDIT_CARD")), "CREDIT_CARD"},
		{"Polish numbers without a name", "nr", 200, of("PL_PESEL"), "PL_PESEL"},
		{"Dutch numbers under their name", "bsn", 200, plain(of("NL_BSN")), "NL_BSN"},
		{"camel case", "customerSsn", 50, func(int) string { return "536" + fmt.Sprint(10+r.IntN(80)) + fmt.Sprint(1000+r.IntN(8000)) }, "US_SSN"},
		{"a name that declares", "first_name", 20, func(int) string { return "Anna" }, "PERSON"},
		{"passwords", "password", 20, func(int) string { return "horse" }, "PASSWORD"},
		{"numbers counting up", "id", 3000, func(i int) string { return fmt.Sprint(100000000 + i) }, ""},
		{"epochs", "created", 3000, func(i int) string { return fmt.Sprint(1700000000000 + int64(i)*977) }, ""},
		{"times", "at", 300, func(i int) string { return fmt.Sprintf("2024-01-%02d 10:00:00", 1+i%28) }, "DATE_TIME"},
		{"births", "dob", 300, func(i int) string { return fmt.Sprintf("%d-01-%02d", 1950+i%50, 1+i%28) }, "DATE_OF_BIRTH"},
		{"empty", "email", 300, func(int) string { return "" }, ""},
	}
	for _, tt := range tests {
		if got := labelTypes(columnOf(t, tt.name, tt.n, tt.value)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.about, got, tt.want)
		}
	}
}

// A few addresses among many rows are found, however rare.
func TestPlantedPrevalences(t *testing.T) {
	for _, share := range []int{100, 1000, 10000} {
		labels := columnOf(t, "remark", 50_000, func(i int) string {
			if i%share == share/2 {
				return fmt.Sprintf("write to anna%d@mail-example.org please", i)
			}
			return "the parcel was delivered on time and in good order"
		})
		if len(labels) != 1 || labels[0].Type != "EMAIL_ADDRESS" || labels[0].Count != int64(50_000/share) {
			t.Errorf("1 in %d: %+v", share, labels)
		}
	}
}

func TestBinomialTailIsTheSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		k := rapid.IntRange(0, n).Draw(t, "k")
		p := rapid.Float64Range(.01, .9).Draw(t, "p")
		want := 0.0
		for i := k; i <= n; i++ {
			c := 1.0
			for j := range i {
				c = c * float64(n-j) / float64(j+1)
			}
			want += c * math.Pow(p, float64(i)) * math.Pow(1-p, float64(n-i))
		}
		got := binomialTail(n, k, p)
		if float64(k) <= float64(n)*p {
			if got != 1 {
				t.Fatalf("%v for no more than expected", got)
			}
			return
		}
		if math.Abs(got-want) > 1e-9+1e-6*want {
			t.Fatalf("tail(%d, %d, %v) = %v, want %v", n, k, p, got, want)
		}
	})
}

// The chance a row claims is that of random values: a wrong one would make the
// column test lie.
func TestChancesAreMeasured(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for i := range catalogue() {
		e := &catalogue()[i]
		if e.check == nil || e.strong+e.plain == "" || e.Chance < .002 {
			continue
		}
		shape := expand(strings.Fields(e.plain + " " + e.strong)[0])[0]
		const n = 40_000
		pass := 0
		b := make([]byte, 0, 40)
		for range n {
			b = b[:0]
			for i := range len(shape) {
				switch c := shape[i]; {
				case c == '9':
					b = append(b, byte('0'+r.IntN(10)))
				case c == 'A':
					b = append(b, byte('A'+r.IntN(26)))
				case is(c, isAlnum) || e.raw:
					b = append(b, c)
				}
			}
			if e.check(b) {
				pass++
			}
		}
		if got := float64(pass) / n; got > e.Chance*1.25+.001 {
			t.Errorf("%s (%s): %.4f of random values pass, the row says %.4f", e.Name, shape, got, e.Chance)
		}
	}
}

// No value may come out of a scan: not in a result, not in an error.
func TestNoValueLeaves(t *testing.T) {
	canaries := []string{"canary.person@hidden-mail.org", "536-22-8726", "4111111111111111", "DE89370400440532013000", "Zk3Qx9Lm2Vb7Nc5Tq8Wd1Rf6Hg4Js0Yp"}
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{
		"id,mail,n\n1,%s,2\n", `{"mail": "%s", "x": {"y": ["%[1]s"]}}`, `{"mail": "%s", "x": {`, "text with %s in it", "<html><b>%s</b>", "INSERT INTO t (a) VALUES ('%s');\n",
		"From: a@b.org\nTo: c@d.org\nSubject: %s\nMessage-ID: <1>\n\n%[1]s\n", "PAR1%s", "%%PDF-1.4 stream %s", "Obj\x01%s",
	} {
		for _, c := range canaries {
			text := fmt.Sprintf(form, c)
			res, err := s.Object(context.Background(), "a", strings.NewReader(text), int64(len(text)), format.Limits{})
			out, _ := json.Marshal(res)
			if strings.Contains(string(out)+fmt.Sprint(err), c) || strings.Contains(string(out), "hidden") {
				t.Errorf("%q leaves: %s %v", c, out, err)
			}
		}
	}
}

// One number that passes a check proves no more for standing in every row.
func TestConstantColumnIsNotProven(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := s.Column("batch")
	for range 500 {
		c.Add([]byte("4155550132"))
	}
	if got := c.Labels(); len(got) > 0 {
		t.Errorf("a constant is labelled %+v", got)
	}
}

// A value that is taken for an address without the pass is one that the pass takes for it.
func TestWholeMailIsWhatThePassFinds(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	some := rapid.StringOfN(rapid.SampledFrom([]rune("ab19@.-_+:/%x ")), 1, 24, -1)
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		v := []byte(rapid.OneOf(some, rapid.StringMatching(`[a-z0-9+._-]{1,8}@[a-z0-9.-]{1,9}\.[a-z0-9]{1,4}`),
			rapid.SampledFrom([]string{"4111-1111-1111-1111@a.de", "AKIAIOSFODNN7ABCDEFG@x.org", "10.0.0.1@a.com", "a1@b.c", "1985-03-12@x.io", "eyJhbGciOiJIUzI1@x.eyJ"})).Draw(t, "value"))
		if !wholeMail(v) {
			return
		}
		taken++
		if spans := s.Text(v); len(spans) != 1 || spans[0].Type != "EMAIL_ADDRESS" || spans[0].Start != 0 || spans[0].End != len(v) {
			t.Fatalf("%q: the pass finds %v", v, spans)
		}
	})
	if taken < 3 {
		t.Errorf("only %d values were taken for addresses", taken)
	}
}

// In a columnar file values lie one behind the other: what stands before a key is another
// value, whatever letters it ends with.
func TestKeysAmongAdjacentValues(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh", "glpat-AbCdEfGhIjKlMnOpQrSt", "AKIAQWERTYUIOPASDFGH"}
	for _, key := range keys {
		var data []byte
		offsets := []uint32{0}
		for _, v := range []string{"word", key, "another", key, key} {
			data = append(data, v...)
			offsets = append(offsets, uint32(len(data)))
		}
		c := s.Column("notes")
		c.Texts(data, offsets)
		if l := c.Labels(); len(l) != 1 || l[0].Group != Credentials || l[0].Count != 3 {
			t.Errorf("of three keys like %.6s among other values %v was found", key, l)
		}
	}
}

// A reader's values wait to be taken in together; what is found is what is found of each.
func TestHeldValuesAreWhatEachIs(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SampledFrom([]string{"", "a word", "4111 1111 1111 1111", "536-12-3456", "jane@example.com", "+1 415 555 2671", "é", "  12  ",
			"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh", "mysql -u root -pSecret12 db", "Some prose of which there are several words in a row. ", "10.2.3.4", "12345678"})
		name := rapid.SampledFrom([]string{"", "phone", "order_id", "password"}).Draw(t, "name")
		held, each := s.Column(name), s.Column(name)
		for _, v := range rapid.SliceOfN(kinds, 0, 60).Draw(t, "values") {
			b := []byte(strings.Repeat(v, rapid.SampledFrom([]int{1, 1, 1, 2, 90}).Draw(t, "times")))
			held.hold(b)
			each.Add(b)
		}
		held.flush()
		if a, b := fmt.Sprint(held.Labels(), held.values, held.tested, held.words, held.nameLike, held.chat), fmt.Sprint(each.Labels(), each.values, each.tested, each.words, each.nameLike, each.chat); a != b {
			t.Fatalf("held: %s\neach: %s", a, b)
		}
	})
}

// Beyond the values that all count for the test most are passed over: what they are is the
// same, whether they come one by one or many at once.
func TestLongColumnsAreTheSameInBatches(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 8))
	kinds := []func() string{
		func() string { return fmt.Sprint(r.IntN(1000000)) },
		func() string { return fmt.Sprint(4111111111110000 + r.IntN(10000)) },
		func() string { return fmt.Sprintf("user%d@example.com", r.IntN(1000)) },
		func() string { return "words of prose that are long enough to be some" },
		func() string { return "a name" },
		func() string { return fmt.Sprintf("536-%02d-%04d", 1+r.IntN(98), r.IntN(10000)) },
		func() string { return " DEUTDEFF " },
	}
	for first := range kinds {
		for _, name := range []string{"", "account", "password"} {
			some := kinds[first:min(len(kinds), first+1+len(name)%3)]
			single, batch := s.Column(name), s.Column(name)
			var data []byte
			offsets := []uint32{0}
			for range sampledWhole + 500 {
				v := some[r.IntN(len(some))]()
				single.Add([]byte(v))
				data = append(data, v...)
				offsets = append(offsets, uint32(len(data)))
			}
			batch.Texts(data, offsets)
			if a, b := fmt.Sprint(single.Labels(), single.values, single.calls, single.tested, single.words, single.spans, single.ways, single.set), fmt.Sprint(batch.Labels(), batch.values, batch.calls, batch.tested, batch.words, batch.spans, batch.ways, batch.set); a != b {
				t.Fatalf("%d kinds from the %dth in a column %q: one by one %s, in batches %s", len(some), first, name, a, b)
			}
		}
	}
}
