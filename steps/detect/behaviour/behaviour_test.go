package behaviour

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// see observes one event of a small team on a day.
func see(m *Model, day int, principal, group, action string, more ...func(*Observation)) Signal {
	o := Observation{Time: monday.AddDate(0, 0, day), Principal: principal, Group: group, Account: "1", Kind: Machine, Service: "s3", Action: action, Level: Read, Resource: "b", Source: "10.0", Agent: "boto3", Region: "eu"}
	for _, f := range more {
		f(&o)
	}
	return m.Observe(&o)
}

// taught has learnt a month of twenty trainers that read, and twenty clerks that write.
func taught() *Model {
	m := New()
	for day := range 30 {
		for i := range 20 {
			see(m, day, fmt.Sprint("trainer", i), "trainers", "GetObject")
			see(m, day, fmt.Sprint("clerk", i), "clerks", "PutObject", func(o *Observation) { o.Level = Write })
			if day%5 == i%5 { // some variety, or nothing can be ranked
				see(m, day, fmt.Sprint("trainer", i), "trainers", "ListBucket", func(o *Observation) { o.Resource = fmt.Sprint("b", i%3) })
			}
		}
	}
	return m
}

func TestWhatIsNewSurprisesAndSaysWhy(t *testing.T) {
	m := taught()
	usual := see(m, 30, "trainer1", "trainers", "GetObject")
	fresh := see(m, 30, "trainer1", "trainers", "DeleteBucket", func(o *Observation) { o.Service = "backup" })
	if usual.Surprise >= fresh.Surprise || fresh.Surprise < 2 {
		t.Errorf("usual %.1f, new %.1f", usual.Surprise, fresh.Surprise)
	}
	if len(fresh.Terms) == 0 || len(fresh.Terms) > 3 {
		t.Fatalf("%d terms", len(fresh.Terms))
	}
	why := fmt.Sprint(fresh.Terms)
	for _, want := range []string{"this principal 0 of 30 days", "peer group 0 of 6", "DeleteBucket"} {
		if !strings.Contains(why, want) {
			t.Errorf("%q not in %s", want, why)
		}
	}
}

func TestARepeatInADayIsToldOnce(t *testing.T) {
	m := taught()
	first := see(m, 30, "trainer1", "trainers", "DeleteBucket")
	again := see(m, 30, "trainer1", "trainers", "DeleteBucket")
	next := see(m, 31, "trainer1", "trainers", "DeleteBucket")
	if again.Surprise != 0 {
		t.Errorf("again %.1f", again.Surprise)
	}
	if next.Surprise >= first.Surprise {
		t.Errorf("the next day surprises as much: %.1f, %.1f", next.Surprise, first.Surprise)
	}
}

// A newcomer that does what its peers do is not what one is that does what others do.
func TestANewcomerInheritsItsPeers(t *testing.T) {
	likely := func(principal, group, action string) float64 {
		m := taught()
		s := &self{table: newTable(2, principalBuckets), first: m.day}
		g := m.groups[keyOf(2, group)]
		a := m.accounts[keyOf(3, "1")]
		m.begin(s, g, a, m.day)
		var items [classes]item
		o := Observation{Time: monday, Principal: principal, Service: "s3", Action: action}
		m.items(&items, s, &o)
		f, _ := m.look(items[1], s, g, a, m.day) // the action
		return f.bits
	}
	peers, others := likely("new", "trainers", "GetObject"), likely("new", "trainers", "PutObject")
	if peers+3 > others {
		t.Errorf("what its peers do has %.1f bits, what others do %.1f", peers, others)
	}
}

func TestAnHourOfTooMuch(t *testing.T) {
	m := taught()
	told := 0
	for i := range 5000 {
		s := see(m, 30, "trainer1", "trainers", "GetObject", func(o *Observation) { o.Time = o.Time.Add(time.Duration(i) * 100 * time.Millisecond) })
		for _, term := range s.Terms {
			if term.Class == "volume" {
				told++
				if !strings.Contains(term.String(), "calls in this hour, at most 30 before") {
					t.Errorf("%s", term)
				}
			}
		}
	}
	if told < 2 || told > 12 {
		t.Errorf("told %d times", told)
	}
}

// Each principal takes at most what is promised, whatever it does.
func TestMemoryIsBounded(t *testing.T) {
	m := New()
	for i := range 50_000 {
		see(m, i/500, "busy", "g", fmt.Sprint("Action", i%3000), func(o *Observation) { o.Resource, o.Source = fmt.Sprint("r", i), fmt.Sprint(i%700) })
	}
	if got := m.BytesPerPrincipal(); got > MaxPrincipalBytes || got < 1000 {
		t.Errorf("%d bytes a principal", got)
	}
}

func TestAWrongClockDoesNotMoveTheModels(t *testing.T) {
	m := taught()
	day := m.day
	see(m, 400, "trainer1", "trainers", "GetObject")
	see(m, -400, "trainer1", "trainers", "GetObject")
	m.Observe(&Observation{Principal: "x"}) // the zero time
	if m.day != day || m.Maturity().Skewed != 3 {
		t.Errorf("day %d, was %d; %d skewed", m.day, day, m.Maturity().Skewed)
	}
	for i := range 2 * aheadAgree {
		see(m, 400, fmt.Sprint("trainer", i%20), "trainers", "GetObject")
	}
	if m.day == day {
		t.Error("when all clocks agree, the model does not follow")
	}
}

func TestStateComesBack(t *testing.T) {
	m := taught()
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var back Model
	if err := back.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	again, _ := back.MarshalBinary()
	if string(again) != string(b) {
		t.Error("what comes back is written otherwise")
	}
	for i := range 40 {
		x := see(m, 31, fmt.Sprint("clerk", i%20), "clerks", fmt.Sprint("Get", i%7))
		y := see(&back, 31, fmt.Sprint("clerk", i%20), "clerks", fmt.Sprint("Get", i%7))
		if math.Abs(x.Surprise-y.Surprise) > 1e-9 {
			t.Errorf("event %d: %.3f, read back %.3f", i, x.Surprise, y.Surprise)
		}
	}
	for cut := range 200 {
		if new(Model).UnmarshalBinary(b[:len(b)*cut/200]) == nil {
			t.Errorf("a model cut off at %d of 200 is read", cut)
		}
	}
	b[len(magic)-1]++
	if err := new(Model).UnmarshalBinary(b); err == nil || !strings.Contains(err.Error(), "format 5") {
		t.Errorf("%v", err)
	}
}

// written is a model as version 3 wrote it, which ranked all newcomers among each other.
func written(t *testing.T, m *Model, version byte) []byte {
	t.Helper()
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	people := writer{}
	people.kind(m, newPerson)
	at := bytes.Index(b, people.b) // of like ones, whichever
	if at < 0 {
		t.Fatal("the ranks of new people are not in it")
	}
	b = slices.Delete(b, at, at+len(people.b))
	b[len(magic)-1] = version
	return b
}

// What ranked all newcomers goes on as both kinds of them.
func TestNewcomersOfOneKindAreRead(t *testing.T) {
	m := taught()
	see(m, 30, "colleague", "clerks", "PutObject", func(o *Observation) { o.Kind, o.Level = Person, Write })
	var back Model
	if err := back.UnmarshalBinary(written(t, m, 3)); err != nil {
		t.Fatal(err)
	}
	if back.sums[newMachine][Read].total == 0 || back.sums[newPerson] != back.sums[newMachine] || back.ranks[newPerson] != back.ranks[newMachine] {
		t.Error("new people are not ranked among those that newcomers were")
	}
	if back.sums[newMachine] != m.sums[newMachine] || back.sums[Person] != m.sums[Person] || back.events != m.events || len(back.selves) != len(m.selves) {
		t.Error("the rest is read as something else")
	}
}

func FuzzUnmarshal(f *testing.F) {
	b, _ := New().MarshalBinary()
	f.Add(b)
	m := New()
	see(m, 0, "p", "g", "Get")
	b, _ = m.MarshalBinary()
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Model
		if m.UnmarshalBinary(b) == nil {
			see(&m, 1, "p", "g", "Get")
		}
	})
}

// A table that has room forgets nothing, and never counts wrong.
func TestTableCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := newTable(1, 64)
		want := map[key]int{}
		for _, x := range rapid.SliceOfN(rapid.Uint64Range(1, 40), 0, 200).Draw(t, "items") {
			k := keyOf(x, "item")
			s := tab.find(k)
			if s == nil {
				s = tab.add(k, 1)
			}
			s.see(1)
			want[k]++
		}
		for k, n := range want {
			if got := tab.days(k); got != n {
				t.Fatalf("%d of %d", got, n)
			}
		}
	})
}

func TestKeysDiffer(t *testing.T) {
	seen := map[key]string{}
	for _, s := range []string{"", "a", "b", "abcdefgh", "abcdefgi", "bbcdefgh", "abcdefghabcdefgh", "abcdefghabcdefgi", "bbcdefghabcdefgh", "abcdefghi"} {
		if was, ok := seen[keyOf(1, s)]; ok {
			t.Errorf("%q and %q have one key", was, s)
		}
		seen[keyOf(1, s)] = s
	}
}

// Ranks of draws from a ranking's own distribution are as surprising as promised: one in
// ten has a surprise of 1.
func TestRanksAreCalibrated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ranking
		next := rapid.Uint64().Draw(t, "seed")
		draw := func() float64 {
			next = mix(next+1, mulC)
			return -math.Log2(float64(next>>11)/(1<<53)+1e-12) * 1.5
		}
		for range 5000 {
			r.learn(draw())
		}
		over := [4]int{}
		for range 20_000 {
			s := r.rank(draw())
			for i := range over {
				if s >= float64(i) {
					over[i]++
				}
			}
		}
		if over[1] < 1500 || over[1] > 2900 || over[2] < 100 || over[2] > 350 {
			t.Fatalf("surprises of 1: %d, of 2: %d of 20000", over[1], over[2])
		}
	})
}

func BenchmarkObserve(b *testing.B) {
	for _, principals := range []int{150, 1500, 15000} {
		b.Run(fmt.Sprint(principals), func(b *testing.B) {
			m := New()
			list := make([]Observation, 1<<16)
			for i := range list {
				x := mix(uint64(i)+1, mulC)
				p := int(x % uint64(principals))
				list[i] = Observation{Time: monday.Add(time.Duration(i) * 40 * time.Millisecond), Principal: fmt.Sprint("arn:aws:iam::111122223333:role/p", p), Group: fmt.Sprint("g", p%15), Account: "1", Service: "s3", Action: []string{"GetObject", "PutObject", "ListBucket", "HeadObject"}[x>>20%4],
					Level: Read, Resource: fmt.Sprint("acme-bucket-", x>>24%8), Source: "10.1", Agent: "boto3", Region: "eu-west-1"}
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				o := &list[i&(1<<16-1)]
				if i&(1<<16-1) == 0 {
					for j := range list {
						list[j].Time = list[j].Time.Add(time.Hour)
					}
				}
				m.Observe(o)
				i++
			}
			b.ReportMetric(float64(m.BytesPerPrincipal()), "B/principal")
		})
	}
}
