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
		{"its peers', of a new machine", found{group: 5, groupOf: 500}, newMachine, peerTrust},
		{"its peers', of a new colleague", found{group: 5, groupOf: 500}, newPerson, peerTrust},
		{"its peers', of a person", found{group: 400, groupOf: 500}, Person, 1},
		{"its peers', of a provider's service", found{group: 400, groupOf: 500}, Service, 1},
		{"its peers', seldom", found{group: 4, groupOf: 500}, Machine, 1},
		{"of peers hardly known", found{group: 29, groupOf: 29}, Machine, 1},
		{"of peers just known", found{group: 1, groupOf: 30}, Machine, peerTrust},
		{"of a group new itself", found{groupOf: -1}, newMachine, 1},
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

// Where few of its like come in a day an event says more; newcomers' count with those of their
// kind, and what suddenly more join than did says nothing.
func TestHowManyComeInADay(t *testing.T) {
	for n, want := range map[float64]float64{3: 0.5, 30: 0, 3000: -1} {
		if got := scarcity(n); math.Abs(got-want) > 1e-9 {
			t.Errorf("where %g come in a day: %g, want %g", n, got, want)
		}
	}
	surprise := func(kind Kind, grown, joined, lately float32) float64 {
		m := New()
		m.day = 1
		for k, daily := range map[Kind]float32{Machine: grown, Person: grown, newMachine: joined, newPerson: joined} {
			for i := range 200 {
				m.sums[k][Write].learn(float64(i % 40))
			}
			m.sums[k][Write].daily, m.sums[k][Write].today = daily, 0
		}
		if kind.newcomer() {
			m.sums[kind][Write].total = lately / (1 - dayFade)
		}
		best := [viewCount]found{{item: item{class: ofAction}, surprise: 12}}
		return m.sum(&best, kind, &Observation{Time: time.Unix(1e9, 0), Principal: "p", Service: "s3", Action: "Get"}).Surprise
	}
	for _, c := range []struct {
		name                  string
		kind                  Kind
		grown, joined, lately float32
		want                  float64 // beside a machine of 3,000 acts a day
	}{
		{"few machines", Machine, 30, 3000, 3000, 1},
		{"a new machine among few new", newMachine, 3000, 1, 1, 0},
		{"a new machine where some join every day", newMachine, 2700, 300, 300, 0},
		{"a new machine where all are new every day", newMachine, 1, 2999, 2999, 0},
		{"a new machine on the day after a scaling", newMachine, 250, 29_750, 50, -1.5},
		{"a new machine weeks after it, when fewer join", newMachine, 2700, 300, 3000, 0},
		{"a new colleague where few work", newPerson, 29, 1, 1, 1},
		{"a new colleague where many work", newPerson, 3000, 1, 1, 0},
	} {
		if got := surprise(c.kind, c.grown, c.joined, c.lately) - surprise(Machine, 3000, 30, 30); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%s: more by %g, want %g", c.name, got, c.want)
		}
	}
}

// What a flood of new machines does is no measure of a new colleague: the day on which
// production is scaled changes nothing of how odd is what somebody does who joined.
func TestNewMachinesAreNoMeasureOfNewPeople(t *testing.T) {
	joined := func(scaled bool) float64 {
		m := taught()
		// clerk looks at many things in the first days, of which a new one is no news.
		clerk := func(day int, who, action string) Signal {
			return see(m, day, who, "clerks", action, func(o *Observation) {
				o.Kind, o.Resource, o.Source, o.Agent, o.Region = Person, "", "", "", ""
			})
		}
		for i := range 40 {
			for j := range 6 {
				clerk(30, fmt.Sprint("joined", i), fmt.Sprint("List", (i+j)%13))
			}
		}
		if scaled {
			for i := range 400 {
				for j := range 4 {
					see(m, 30, fmt.Sprint("scaled", i), "trainers", fmt.Sprint("Get", j))
				}
			}
		}
		return clerk(30, "colleague", "List99").Surprise
	}
	// Some is left: everybody's days are more, of which nobody did it.
	if plain, scaled := joined(false), joined(true); math.Abs(plain-scaled) > 0.15 || plain < 1 {
		t.Errorf("a new colleague's act surprises by %g, where 400 machines came the same day by %g", plain, scaled)
	}
}
