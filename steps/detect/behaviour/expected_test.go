package behaviour

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// What was done before, by oneself or by the peers of a machine or a newcomer, counts a part.
func TestWhatIsExpectedCountsAPart(t *testing.T) {
	for _, c := range []struct {
		name string
		f    found
		kind Kind
		want float64
	}{
		{"new to all", found{groupOf: 500}, Machine, 1},
		{"its own", found{mine: 1, groupOf: 500}, Machine, ownTrust},
		{"its own, of a person", found{mine: 1, groupOf: 500}, Person, ownTrust},
		{"its own, and its peers'", found{mine: 1, group: 400, groupOf: 500}, Machine, ownTrust},
		{"its peers'", found{group: 5, groupOf: 500}, Machine, peerTrust},
		{"its peers', of a newcomer", found{group: 5, groupOf: 500}, newcomer, peerTrust},
		{"its peers', of a person", found{group: 400, groupOf: 500}, Person, 1},
		{"its peers', of a provider's service", found{group: 400, groupOf: 500}, Service, 1},
		{"its peers', seldom", found{group: 4, groupOf: 500}, Machine, 1},
		{"of peers hardly known", found{group: 29, groupOf: 29}, Machine, 1},
		{"of peers just known", found{group: 1, groupOf: 30}, Machine, peerTrust},
		{"of a group new itself", found{groupOf: -1}, newcomer, 1},
	} {
		if got := c.f.expected(c.kind); got != c.want {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

// twice returns two models that have learnt the same.
func twice(t *testing.T, m *Model) (*Model, *Model) {
	t.Helper()
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var other Model
	if err := other.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	return m, &other
}

// An event whose action alone is new that day sums up to the action's rank and no more than
// is left of it for who did it before. How rare it is, is read off a second model.
func TestObserveCountsWhatIsExpected(t *testing.T) {
	// alone leaves out of an event what is not its action, its service or its hour.
	alone := func(action string, kind Kind) func(*Observation) {
		return func(o *Observation) {
			o.Action, o.Kind, o.Resource, o.Source, o.Agent, o.Region = action, kind, "", "", "", ""
		}
	}
	for _, c := range []struct {
		name, principal string
		kind            Kind
		part            float64
		teach           func(m *Model)
	}{
		{"new to all", "trainer1", Machine, 1, func(*Model) {}},
		{"its own", "trainer1", Machine, 0.2, func(m *Model) { see(m, 29, "trainer1", "trainers", "", alone("Copy", Machine)) }},
		{"its peers'", "trainer1", Machine, 0.25, func(m *Model) {
			for i := 2; i < 12; i++ {
				see(m, 29, fmt.Sprint("trainer", i), "trainers", "", alone("Copy", Machine))
			}
		}},
		{"its peers', of a person", "trainer1", Person, 1, func(m *Model) {
			for i := 2; i < 12; i++ {
				see(m, 29, fmt.Sprint("trainer", i), "trainers", "", alone("Copy", Machine))
			}
			for i := range 100 { // what people did, to rank it among
				m.ranks[Person][ofAction].learn(float64(i % 9))
			}
		}},
	} {
		m := taught()
		c.teach(m)
		for day := 30; day < 30+holdDays; day++ { // what surprised is learnt by then
			see(m, day, "clerk1", "clerks", "PutObject", func(o *Observation) { o.Level = Write })
		}
		see(m, 30+holdDays, c.principal, "trainers", "GetObject", func(o *Observation) { o.Kind = c.kind })
		m.selves[keyOf(1, c.principal)].before = 0 // no order
		m, other := twice(t, m)
		s := other.selves[keyOf(1, c.principal)]
		o := Observation{Time: monday.AddDate(0, 0, 30+holdDays), Principal: c.principal, Group: "trainers", Account: "1", Kind: c.kind, Service: "s3", Action: "Copy"}
		var items [classes]item
		other.items(&items, s, &o)
		f, first := other.look(items[1], s, other.groups[s.group], other.accounts[s.account], other.day)
		want := other.ranks[c.kind][ofAction].rank(f.bits) * c.part
		got := see(m, 30+holdDays, c.principal, "trainers", "", alone("Copy", c.kind)).Sum
		if !first || want < 0.05 || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %g, want %g of %g", c.name, got, want, want/c.part)
		}
	}
}

// Where few of its like come in a day an event says more, but not if these are newcomers.
func TestFewNewcomersAreNoNews(t *testing.T) {
	few, many := ranking{daily: 3}, ranking{daily: 3000}
	for kind := range kinds {
		more, less := few.scarcity(kind), many.scarcity(kind)
		if want := map[bool]float64{false: 0.5, true: 0}[kind == newcomer]; math.Abs(more-want) > 1e-9 || math.Abs(less+1) > 1e-9 {
			t.Errorf("kind %d: %g where few come, %g where many", kind, more, less)
		}
	}
	// The same event, ranked among as many of the same: a newcomer's says less.
	surprise := func(kind Kind) float64 {
		m := New()
		m.day = 1
		for i := range 200 {
			m.sums[kind][Write].learn(float64(i % 40))
		}
		m.sums[kind][Write].daily, m.sums[kind][Write].today = 3, 0
		best := [viewCount]found{{item: item{class: ofAction}, surprise: 12}}
		return m.sum(&best, kind, &Observation{Time: time.Unix(1e9, 0), Principal: "p", Service: "s3", Action: "Get"}).Surprise
	}
	if m, n := surprise(Machine), surprise(newcomer); math.Abs(m-n-0.5) > 1e-6 {
		t.Errorf("a machine's %g, a newcomer's %g", m, n)
	}
}
