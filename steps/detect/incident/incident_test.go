package incident

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var begin = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

func signal(n int, at time.Duration, who, what string, surprise float64) Signal {
	return Signal{Event: fmt.Sprint("e", n), Time: begin.Add(at), Principal: who, Action: what, By: "model", Surprise: surprise, Pattern: uint64(len(who))<<32 | uint64(len(what))}
}

// spending is a budget that has learnt a month of twenty groups a day with scores of 1
// to 3.
func spending(perDay float64) *Budget {
	b := NewBudget(perDay)
	for d := range 31 {
		b.pass(begin.AddDate(0, 0, d-31))
		for i := range 20 {
			b.learn(1 + float64(i)/10)
		}
	}
	b.pass(begin)
	b.Spend(true)
	return b
}

// A chain of many steps over a role that is taken on and a thing that is handed on is
// one incident.
func TestAChainIsOneIncident(t *testing.T) {
	raised := 0
	e := New(Options{Budget: spending(3), Raise: func(*Incident) { raised++ }})
	var last *Incident
	for i := range 40 {
		s := signal(i, time.Duration(i)*time.Minute, "alice", fmt.Sprint("ec2:Call", i%7), 3)
		switch {
		case i >= 30:
			s.Principal, s.Things = "carol", []string{"bucket"}
		case i >= 20:
			s.Principal, s.Nodes, s.Things = "role", []string{"key-1"}, []string{"bucket"}
		case i == 19:
			s.Nodes = []string{"key-1"}
		}
		if got := e.Add(s); got != nil {
			last = got
		}
	}
	if raised != 1 || last == nil || last.Count != 40 || len(last.Principals) != 3 {
		t.Fatalf("%d incidents, the last %+v", raised, last)
	}
	if len(last.Factors) < 2 || last.Score <= 0 {
		t.Errorf("factors %v", last.Factors)
	}
}

// A thing that many act on joins nobody, and neither does time.
func TestWhatDoesNotJoin(t *testing.T) {
	e := New(Options{Budget: NewBudget(100)})
	for i := range 10 {
		s := signal(i, time.Minute, fmt.Sprint("p", i), "s3:Get", 3)
		s.Things = []string{"shared"}
		e.Add(s)
	}
	if n := e.groups[len(e.groups)-1].incident.Count; n != 1 {
		t.Errorf("the tenth hand on a thing is in a group of %d", n)
	}
	e = New(Options{})
	e.Add(signal(1, 0, "a", "x:Y", 3))
	e.Add(signal(2, 3*time.Hour, "a", "x:Y", 3))
	if n := e.groups[len(e.groups)-1].incident.Count; n != 1 {
		t.Errorf("after the window a group has %d", n)
	}
}

// Feedback silences the pattern and nothing else.
func TestSilence(t *testing.T) {
	s := signal(1, 0, "alice", "iam:CreateUser", 9)
	other := signal(2, 0, "alice", "iam:CreateRole2", 9)
	e := New(Options{Budget: spending(3), Silenced: func(p uint64) bool { return p == s.Pattern }})
	if e.Add(s) != nil {
		t.Error("a silenced signal became an incident")
	}
	if e.Add(other) == nil {
		t.Error("another was silenced with it")
	}
}

// Over 30 days with drift (scores that rise, twice as many, half as many) the number told
// is within a quarter of what was asked for.
func TestTheBudgetHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perDay := float64(rapid.IntRange(1, 12).Draw(t, "budget"))
		seed := rapid.Uint64().Draw(t, "seed")
		drift := rapid.SampledFrom([]string{"none", "scores", "more", "fewer", "week"}).Draw(t, "drift")
		rng := rand.New(rand.NewPCG(seed, 1))
		b := NewBudget(perDay)
		told := 0
		e := New(Options{Budget: b, Raise: func(*Incident) { told++ }})
		n := 0
		for day := range 60 {
			if day == 30 {
				b.Spend(true)
			}
			groups, lift := 40.0, 0.0
			switch {
			case drift == "scores" && day >= 30:
				lift = float64(day-30) * 0.05
			case drift == "more" && day >= 40:
				groups = 80
			case drift == "fewer" && day >= 40:
				groups = 20
			case drift == "week" && day%7 >= 5:
				groups = 10
			}
			for i := range int(groups) {
				n++
				at := time.Duration(day)*24*time.Hour + time.Duration(float64(i)/groups*24*float64(time.Hour))
				e.Add(signal(n, at, fmt.Sprint("p", n), "x:Y", 1+lift+rng.ExpFloat64()))
			}
		}
		if got := float64(told) / 30; math.Abs(got-perDay) > 0.25*perDay {
			t.Fatalf("%s: %.2f a day of %.0f", drift, got, perDay)
		}
	})
}

func TestBudgetComesBack(t *testing.T) {
	b := spending(3)
	b.spend()
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var back Budget
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if math.Abs(back.Threshold()-b.Threshold()) > 1e-9 || back.PerDay() != 3 || !back.Spending() {
		t.Errorf("threshold %g, read back %g", b.Threshold(), back.Threshold())
	}
	for _, bad := range []string{`{"format":2}`, `{"format":1,"count":{"900":1}}`, `{"format":1,"count":{"1":-1}}`, `[`} {
		if json.Unmarshal([]byte(bad), new(Budget)) == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

// Nothing is raised before spending begins, and a flood does not spend more than the
// debt allows.
func TestAFloodIsBounded(t *testing.T) {
	b := NewBudget(3)
	told := 0
	e := New(Options{Budget: b, Raise: func(*Incident) { told++ }})
	e.Add(signal(0, 0, "a", "x:Y", 50))
	if told != 0 {
		t.Fatal("raised while learning")
	}
	b.Spend(true)
	for i := range 500 {
		e.Add(signal(i, time.Duration(i)*time.Second, fmt.Sprint("p", i), "x:Y", 50))
	}
	if told > 9 {
		t.Errorf("%d told at once", told)
	}
}

// What is read of days that have passed has their budget, whichever way it comes; what is
// not told because a budget is spent is counted, and what was done weeks apart is not one.
func TestTimeGoesBackwards(t *testing.T) {
	told := []*Incident{}
	b := spending(3)
	e := New(Options{Budget: b, Raise: func(i *Incident) { told = append(told, i) }})
	add := func(n int, at time.Duration) { e.Add(signal(n, at, fmt.Sprint("p", n%4), "x:Y", 50)) }
	day := 24 * time.Hour
	for d := range 20 { // live
		add(d, time.Duration(d)*day)
	}
	live := len(told)
	if live != 20 || b.Withheld() != 0 {
		t.Fatalf("%d told of 20 live, %d withheld", live, b.Withheld())
	}
	for d := range 15 { // a backfill, among it what comes live
		add(100+d, time.Duration(d)*day+time.Hour)
		add(200+d, 20*day+time.Duration(d)*time.Minute)
	}
	if got := len(told) - live; got < 15 {
		t.Errorf("%d told of a backfill of 15 days", got)
	}
	for _, i := range told {
		if i.Last.Sub(i.First) > 2*time.Hour {
			t.Errorf("one incident from %s to %s", i.First, i.Last)
		}
	}
	// The same days once more, and days before them, have no budget of their own: none is dropped unsaid.
	before := len(told)
	for d := range 60 {
		add(300+d, time.Duration(d%15)*day+3*time.Hour)
	}
	if got := len(told) - before; got > 15 || got+b.Withheld() < 60 {
		t.Errorf("%d told, %d withheld of 60 on days that have passed twice", got, b.Withheld())
	}
	// What is written down has both.
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	back := New(Options{Budget: b})
	if err := json.Unmarshal(text, back); err != nil {
		t.Fatal(err)
	}
	if back.late == nil || len(back.late.groups) != len(e.late.groups) || back.late.late != nil {
		t.Errorf("read back: %+v", back.late)
	}
	kept, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var again Budget
	if err := json.Unmarshal(kept, &again); err != nil || again.Withheld() != b.Withheld() {
		t.Errorf("%v, %d withheld, read back %d", err, b.Withheld(), again.Withheld())
	}
	b.Restart()
	if b.Withheld() != 0 || math.IsInf(b.Threshold(), 1) {
		t.Errorf("after a restart %d withheld, threshold %g", b.Withheld(), b.Threshold())
	}
}

// A sender whose times are its own cannot have the budget of a thousand years.
func TestABackfillIsBounded(t *testing.T) {
	told := 0
	b := spending(3)
	e := New(Options{Budget: b, Raise: func(*Incident) { told++ }})
	e.Add(signal(0, 0, "a", "x:Y", 50))
	for d := range 4000 {
		e.Add(signal(1+d, time.Duration(d-5000)*24*time.Hour, fmt.Sprint("p", d), "x:Y", 50))
	}
	if told > 10 || told+b.Withheld() < 4000 {
		t.Errorf("%d told, %d withheld", told, b.Withheld())
	}
}

// Groups that were withheld and turn out to be one count once, and not at all once they
// are told.
func TestWhatIsWithheldCountsOnce(t *testing.T) {
	b := spending(3)
	e := New(Options{Budget: b})
	b.balance = -b.debt() // all is spent
	one, other := signal(1, 0, "alice", "x:Y", 50), signal(2, time.Minute, "bob", "x:Y", 50)
	e.Add(one)
	e.Add(other)
	if b.Withheld() != 2 {
		t.Fatalf("%d withheld of two", b.Withheld())
	}
	link := signal(3, 2*time.Minute, "alice", "x:Z", 1)
	link.Nodes = []string{"bob"}
	if e.Add(link); b.Withheld() != 1 {
		t.Errorf("%d withheld of two that became one", b.Withheld())
	}
	b.balance = 0
	if e.Add(signal(4, 3*time.Minute, "alice", "x:W", 50)) == nil || b.Withheld() != 0 {
		t.Errorf("%d withheld after it was told", b.Withheld())
	}
}

// Peers that do one new thing are one kind of signal, however many they are; what one of
// them does besides, a rule that points at it, and those who have no peers are others.
func TestPeersAreOneStory(t *testing.T) {
	e := New(Options{})
	add := func(n int, who, what, by, peers string) float64 {
		s := signal(n, time.Duration(n)*time.Second, who, what, 2)
		s.By, s.Peers, s.Nodes = by, peers, []string{"linked"}
		e.Add(s)
		return e.groups[len(e.groups)-1].incident.Factors[0].Value
	}
	for i := range 30 {
		if got := add(i, fmt.Sprint("m", i), "s3:Get", "model", "peers of m s3:Get"); got != 2 {
			t.Fatalf("%d peers have a surprise of %g", i+1, got)
		}
	}
	want := 2.0
	for i, s := range [][4]string{
		{"m1", "s3:Put", "model", "peers of m s3:Put"},
		{"m1", "s3:Get", "rule", "peers of m s3:Get"},
		{"alice", "s3:Get", "model", ""},
		{"bob", "s3:Get", "model", ""},
	} {
		want += 2 * math.Pow(halves, float64(i+1))
		if got := add(100+i, s[0], s[1], s[2], s[3]); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v: %g, want %g", s, got, want)
		}
	}
	if n := len(e.groups); n != 1 {
		t.Errorf("%d groups", n)
	}
}

// A drill joins nothing that happens, nor another drill, and is neither learnt nor paid for.
func TestADrillStandsAlone(t *testing.T) {
	b := spending(3)
	told := []*Incident{}
	e := New(Options{Budget: b, Raise: func(i *Incident) { told = append(told, i) }})
	play := func(n int, drill string) {
		s := signal(n, time.Duration(n)*time.Minute, "alice", "iam:CreateUser", 9)
		s.Played, s.Drill, s.Nodes, s.Things = true, drill, []string{"key"}, []string{"bucket"}
		e.Add(s)
	}
	balance, count := b.balance, b.count
	for n := range 12 { // many more than the budget has
		play(n, fmt.Sprint("drill", n%6))
	}
	if len(told) != 6 || told[0].Count != 2 {
		t.Errorf("%d drills told, the first of %d signals", len(told), told[0].Count)
	}
	real := signal(20, 20*time.Minute, "alice", "iam:CreateUser", 9)
	real.Nodes, real.Things = []string{"key"}, []string{"bucket"}
	if i := e.Add(real); i == nil || i.Count != 1 {
		t.Errorf("what happened is %+v", i)
	}
	spent := b.balance
	e.Pass(begin.Add(30 * time.Hour))
	e.drills.Pass(begin.Add(30 * time.Hour))
	if len(e.drills.groups) != 0 || len(e.drills.byNode) != 0 {
		t.Errorf("%d drills have not ended", len(e.drills.groups))
	}
	learnt := 0.0
	for i := range b.count {
		learnt += b.count[i]/math.Pow(dayFade, 30.0/24) - count[i]
	}
	// A day's budget comes in the twenty minutes' part that passed, and one is paid for.
	if came := 20.0 / 60 / 24 * 3; math.Abs(spent-(balance+came-1)) > 1e-6 || math.Abs(learnt-1) > 0.1 {
		t.Errorf("the balance of %.3f became %.3f, and %.2f groups were learnt of one", balance, spent, learnt)
	}
}
