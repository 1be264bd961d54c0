package behaviour

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// strange is what nobody in the small team ever did.
func strange(m *Model, day int, principal string) Signal {
	return see(m, day, principal, "trainers", "DeleteBackup", func(o *Observation) { o.Service, o.Source, o.Level = "backup", "198.51", Write })
}

// daily lets days go by, with what is usual.
func daily(m *Model, from, to int) {
	for day := from; day < to; day++ {
		for i := range 20 {
			see(m, day, fmt.Sprint("trainer", i), "trainers", "GetObject")
		}
	}
}

// of is on how many days the team and everybody were seen to do what is strange.
func of(m *Model) (team, all int) {
	k := keyOf(10, "backup").and(keyOf(11, "DeleteBackup"))
	k = key(mix(uint64(k), uint64(ofAction)+1))
	m.finish()
	return m.groups[keyOf(2, "trainers")].table.days(k), m.all.table.days(k)
}

func knownTo(t *testing.T, m *Model, when string, want int) {
	t.Helper()
	if team, all := of(m); team != want || all != want {
		t.Errorf("%s: the team is known to have done it on %d days, everybody on %d, want %d", when, team, all, want)
	}
}

// What surprises is learnt by others once some days have passed in which no incident took it.
func TestWhatSurprisesIsLearntLate(t *testing.T) {
	m := taught()
	first := strange(m, 30, "trainer1")
	if first.Held == 0 || first.Surprise < faint {
		t.Fatalf("%+v", first)
	}
	knownTo(t, m, "at once", 0)
	if second := strange(m, 30, "trainer2"); second.Held == 0 || second.Surprise < 0.5*first.Surprise {
		t.Errorf("the second surprises by %.1f, the first by %.1f", second.Surprise, first.Surprise)
	}
	// Who did it is not told of each day.
	if again := strange(m, 31, "trainer1"); again.Surprise > 0.2*first.Surprise {
		t.Errorf("the same again surprises by %.1f, at first by %.1f", again.Surprise, first.Surprise)
	}
	daily(m, 31, 30+holdDays)
	knownTo(t, m, "before its time", 0)
	daily(m, 30+holdDays, 31+holdDays)
	knownTo(t, m, "in its time", 3) // trainer1 on two days, trainer2
	daily(m, 31+holdDays, 33+holdDays)
	if n := len(m.held); n != 0 {
		t.Errorf("%d acts are still held back", n)
	}
	knownTo(t, m, "once", 3)
	if third := strange(m, 32+holdDays, "trainer3"); third.Surprise > 0.2*first.Surprise {
		t.Errorf("what is known surprises by %.1f, at first by %.1f", third.Surprise, first.Surprise)
	}
}

// What is part of an incident waits for who judges it, however long that takes.
func TestWhatAnIncidentTookWaits(t *testing.T) {
	for what, c := range map[string]struct {
		judge       func(m *Model)
		days, again int // days of the team's, and what the same then is: 1 news, 0 not
	}{
		"nobody":    {func(*Model) {}, 0, 0},
		"another":   {func(m *Model) { m.Judged(map[string]bool{"I-2": true, "I-3": false}) }, 0, 0},
		"fine":      {func(m *Model) { m.Judged(map[string]bool{"I-1": true}) }, 1, 0},
		"an attack": {func(m *Model) { m.Judged(map[string]bool{"I-1": false}) }, 0, 1},
	} {
		m := taught()
		first := strange(m, 30, "trainer1")
		m.Bar(first.Held, "I-1")
		m.Bar(first.Held, "I-2") // the first that took it counts
		daily(m, 31, 50)
		knownTo(t, m, what+" for long", 0)
		c.judge(m)
		knownTo(t, m, what, c.days)
		again := strange(m, 50, "trainer1")
		if news := again.Surprise > 0.5*first.Surprise; news != (c.again == 1) {
			t.Errorf("%s: the same again surprises by %.1f, at first by %.1f", what, again.Surprise, first.Surprise)
		}
	}
}

// An act of an incident keeps what it shares with acts of none, before it and after it.
func TestAnIncidentKeepsWhatItShares(t *testing.T) {
	m := taught()
	strange(m, 30, "trainer1")
	daily(m, 31, 32)
	taken := see(m, 32, "trainer1", "trainers", "DeleteBackup", func(o *Observation) {
		o.Service, o.Source, o.Level, o.Resource, o.Agent = "backup", "198.51", Write, "vault", "curl"
	})
	m.Bar(taken.Held, "I-1")
	daily(m, 33, 34)
	see(m, 34, "trainer1", "trainers", "DeleteBackup", func(o *Observation) {
		o.Service, o.Source, o.Level, o.Resource, o.Agent = "backup", "203.0", Write, "safe", "wget"
	})
	daily(m, 35, 40)
	knownTo(t, m, "while nobody has judged it", 0)
	m.Judged(map[string]bool{"I-1": true})
	knownTo(t, m, "as it is fine", 3)
	m.Judged(map[string]bool{"I-1": true})
	knownTo(t, m, "said twice", 3)
}

// Of an incident that nobody judges, what goes on day after day is learnt: it is work.
func TestWhatLastsIsLearnt(t *testing.T) {
	m := taught()
	m.Bar(strange(m, 30, "trainer1").Held, "I-1")
	for day := 31; day < 29+settleDays; day++ {
		daily(m, day, day+1)
		strange(m, day, "trainer1")
	}
	daily(m, 29+settleDays, 30+settleDays)
	knownTo(t, m, "for some days", 0)
	strange(m, 29+settleDays, "trainer1")
	daily(m, 30+settleDays, 31+settleDays)
	knownTo(t, m, "for long", settleDays)
}

// A drill is looked at as what happens is, and leaves no trace.
func TestAShadowTeachesNothing(t *testing.T) {
	m := taught()
	m.Bar(strange(m, 30, "trainer2").Held, "I-1")
	before, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	drill := func(principal string, day int) Signal {
		o := Observation{Time: monday.AddDate(0, 0, day), Principal: principal, Group: "trainers", Account: "1", Kind: Machine, Service: "backup", Action: "DeleteBackup", Level: Write, Resource: "b", Source: "198.51", Agent: "boto3", Region: "eu", Error: "AccessDenied", Amount: 1e9}
		s := m.Shadow(&o)
		out := s.Observe(&o)
		if _, _, first := s.Matched(&o, "a rule"); !first {
			t.Errorf("%s: a rule's match is none", principal)
		}
		return out
	}
	first := drill("trainer1", 30)
	for day := 30; day < 33; day++ {
		for _, p := range []string{"trainer1", "trainer2", "new"} {
			if s := drill(p, day); p == "trainer1" && day == 30 && math.Abs(s.Surprise-first.Surprise) > 1e-9 || s.Surprise < 1 {
				t.Errorf("%s on day %d surprises by %.1f, at first by %.1f", p, day, s.Surprise, first.Surprise)
			}
		}
	}
	after, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the model has learnt of a drill")
	}
}

// What is held back takes bounded memory, whoever floods it, and one principal's flood leaves
// what another did where it is.
func TestWhatIsHeldIsBounded(t *testing.T) {
	m := taught()
	m.Bar(strange(m, 30, "trainer1").Held, "I-1")
	quiet := strange(m, 30, "trainer2")
	for i := range 3 * maxHeldEach {
		see(m, 30, "trainer3", "trainers", fmt.Sprint("Delete", i), func(o *Observation) { o.Service, o.Level = fmt.Sprint("s", i), Grant })
		m.Hold()
	}
	m.finish()
	if n := len(m.heldOf[keyOf(1, "trainer3")]); n != maxHeldEach {
		t.Errorf("%d acts of one principal", n)
	}
	for i := range maxHeld + maxHeld/4 {
		see(m, 30, fmt.Sprint("p", i%(maxHeld/maxHeldEach+100)), "many", fmt.Sprint("Delete", i), func(o *Observation) { o.Service, o.Level = "backup", Write })
		m.Hold()
	}
	m.finish()
	if len(m.held) != maxHeld {
		t.Errorf("%d acts", len(m.held))
	}
	if of := m.heldOf[keyOf(1, "trainer1")]; len(of) != 1 || of[0].incident == 0 {
		t.Error("a flood washed an incident's act away")
	}
	m.Bar(quiet.Held, "I-2") // which is gone: nothing happens
	if n := len(m.heldOf[keyOf(1, "trainer2")]); n != 0 {
		t.Errorf("%d acts where all room was taken", n)
	}
	daily(m, 31, 33+holdDays)
	knownTo(t, m, "after a flood, what was let go is not learnt, nor what an incident took", 0)
}

// A model that is read goes on as the one that was written down, at any moment, with what it
// holds back.
func TestWhatIsHeldComesBack(t *testing.T) {
	old := written(t, New(), 3)
	old = old[:len(old)-2] // a version that held nothing back ended here
	old[len(magic)-1] = 2
	if err := new(Model).UnmarshalBinary(old); err != nil {
		t.Error(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		type step struct {
			gap, who, what int
			bar, rule      bool
			judge          int
		}
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{rapid.IntRange(0, 2).Draw(t, "gap"), rapid.IntRange(0, 3).Draw(t, "who"), rapid.IntRange(0, 6).Draw(t, "what"), rapid.Bool().Draw(t, "bar"), rapid.Bool().Draw(t, "rule"), rapid.IntRange(0, 12).Draw(t, "judge")}
		}), 1, 40).Draw(t, "steps")
		cut := rapid.IntRange(0, len(steps)-1).Draw(t, "cut")
		run := func(read bool) (string, string) {
			m, told, day := New(), "", 0
			for i := range 16 { // something to rank among
				see(m, 0, fmt.Sprint("q", i), "g", fmt.Sprint("Get", i), func(o *Observation) { o.Level = Write })
			}
			for i, s := range steps {
				if i == cut {
					text, err := m.MarshalBinary()
					if err != nil {
						t.Fatal(err)
					}
					if read {
						m = &Model{}
						if err := m.UnmarshalBinary(text); err != nil {
							t.Fatal(err)
						}
					}
				}
				day += s.gap
				o := Observation{Time: monday.AddDate(0, 0, day).Add(time.Duration(i) * time.Second), Principal: fmt.Sprint("p", s.who), Group: "g", Account: "1", Kind: Kind(s.who % 2), Service: "s3", Action: fmt.Sprint("Put", s.what), Source: fmt.Sprint(s.what % 3), Level: Write, Amount: float64(s.what) * 1e5}
				got := m.Observe(&o)
				if s.rule {
					rare, _, _ := m.Matched(&o, "r")
					told += fmt.Sprintf("%.9f ", rare)
					m.Hold()
				}
				if s.bar {
					m.Bar(m.now.id, fmt.Sprint("I-", i%5))
				}
				if s.judge < 5 {
					m.Judged(map[string]bool{fmt.Sprint("I-", s.judge): s.what%2 == 0})
				}
				told += fmt.Sprintf("%.9f %d\n", got.Surprise, got.Held)
			}
			end, err := m.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			return told, string(end)
		}
		a, x := run(false)
		b, y := run(true)
		if a != b || x != y {
			t.Fatalf("told\n%s\nand, written down before step %d,\n%s\nthe same at the end: %v", a, cut, b, x == y)
		}
	})
}
