package assess

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// A plan that changes nothing leaves the estate as it is, on both sides.
func TestAnEmptyPlanChangesNothing(t *testing.T) {
	base := harbour(t).Seen
	laid, err := Lay(context.Background(), base, &terraform.Plan{})
	if err != nil {
		t.Fatal(err)
	}
	if laid.Before != base || laid.After != base {
		t.Error("the sides are not the estate")
	}
	// And it would be, were it put together anew.
	for _, planned := range []bool{false, true} {
		anew, err := newLaying(base, &terraform.Plan{}).build(context.Background(), planned)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := anew.Hash(), base.Hash(); got != want {
			d, err := estate.Diff(base, anew)
			t.Fatalf("the estate is not what it was: %+v %v", d, err)
		}
	}
}

// piecewise puts one side of a plan together as a reader would: every asset sent
// anew, every one understood by itself, nothing shared with the estate or the other
// side. It is what build must come to.
func piecewise(t *testing.T, base *estate.Snapshot, p *terraform.Plan, planned bool) *estate.Snapshot {
	t.Helper()
	l := newLaying(base, p)
	l.orphan()
	b := estate.NewBuilder(base.Taken())
	changed, seen := map[string]bool{}, map[string]bool{}
	for n, a := range base.Assets() {
		made, err := l.understood(a)
		if err != nil {
			t.Fatal(err)
		}
		if made {
			continue
		}
		seen[a.ID] = true
		config, err := base.Config(n)
		if err != nil {
			t.Fatal(err)
		}
		asset := raw(a, config)
		after := l.after[a.ID]
		if planned && (l.gone[a.ID] || after != nil && !same(l.before[a.ID], after)) {
			if changed[a.ID] = true; l.gone[a.ID] {
				continue
			}
			if asset, err = l.patch(asset, l.before[a.ID], after); err != nil {
				t.Fatal(err)
			}
		}
		b.Asset(asset)
	}
	side := l.before
	if planned {
		side = l.after
	}
	for id, a := range side {
		if !seen[id] && !(planned && l.gone[id]) {
			b.Asset(raw(a, a.Config))
		}
	}
	for _, s := range base.BlindSpots() {
		if !changed[s.Asset] || s.Status != estate.ReadMalformed {
			b.BlindSpot(s)
		}
	}
	for _, s := range base.Sources() {
		b.Source(s)
	}
	for _, c := range base.Coverage() {
		b.Covered(c)
	}
	snap, err := b.Build()
	if err == nil {
		snap, err = Understood(context.Background(), snap)
	}
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// rounds is how many random plans are tried: so many, or what SEVENFOLD_ROUNDS says.
func rounds(usually int) int {
	if n, err := strconv.Atoi(os.Getenv("SEVENFOLD_ROUNDS")); err == nil {
		return n
	}
	return usually
}

// fromSeed is the first plan that is tried: SEVENFOLD_SEED, or 0.
func fromSeed() int {
	n, _ := strconv.Atoi(os.Getenv("SEVENFOLD_SEED"))
	return n
}

// randomPlan draws a plan over an estate: things changed, emptied, removed, left as
// they are, begun to be managed, made after the likeness of others, read that were
// known by name only, and some of which the plan alone knows that they are there.
func randomPlan(t *testing.T, base *estate.Snapshot, seed uint64) *terraform.Plan {
	t.Helper()
	draw := rand.New(rand.NewPCG(seed, 12))
	var read, named []estate.Node
	for n, a := range base.Assets() {
		if made, err := newLaying(base, &terraform.Plan{}).understood(a); err != nil {
			t.Fatal(err)
		} else if !made {
			read = append(read, n)
		} else if a.Referenced && a.Type != "" {
			named = append(named, n)
		}
	}
	asset := func(n estate.Node) estate.Asset {
		a := *base.Asset(n)
		config, err := base.Config(n)
		if err != nil {
			t.Fatal(err)
		}
		a.Config = config
		return a
	}
	p := &terraform.Plan{}
	if draw.IntN(3) == 0 { // nothing but settings change
		for _, at := range draw.Perm(len(read))[:1+draw.IntN(6)] {
			was := asset(read[at])
			is := was
			is.Config = described(was.Config)
			p.Before, p.After = append(p.Before, was), append(p.After, is)
		}
		return p
	}
	for i := range draw.IntN(3) { // there, and the estate does not know it
		a := asset(read[draw.IntN(len(read))])
		a.ID += fmt.Sprintf("-there-%d", i)
		p.Before, p.After = append(p.Before, a), append(p.After, a)
	}
	for i := range draw.IntN(3) {
		a := asset(read[draw.IntN(len(read))])
		a.ID += fmt.Sprintf("-born-%d", i)
		if draw.IntN(4) == 0 {
			a.Account = "990000000009"
		}
		p.After = append(p.After, a)
	}
	for _, at := range draw.Perm(len(named))[:draw.IntN(3)] {
		a := asset(named[at])
		a.Referenced, a.Config, a.Reads = false, json.RawMessage(`{"Name":"told"}`), []estate.Read{{Operation: "plan", Status: estate.ReadOK}}
		p.After = append(p.After, a)
		if draw.IntN(2) == 0 {
			p.Before = append(p.Before, a)
		}
	}
	for _, at := range draw.Perm(len(read))[:draw.IntN(6)] {
		was := asset(read[at])
		is := was
		switch draw.IntN(5) {
		case 0:
			p.Changes = append(p.Changes, terraform.Change{Address: "x.y", Removed: []string{was.ID}, Before: []estate.Asset{was}})
		case 1: // managed, and left as it is
			p.After = append(p.After, is)
		case 2:
			is.Config = described(was.Config)
			p.After = append(p.After, is)
		case 3: // nothing of it is left
			is.Config = json.RawMessage(`{}`)
			p.After = append(p.After, is)
		case 4: // not known before apply, and managed from now on
			is.Unknown = append(slices.Clone(is.Unknown), "")
			p.After = append(p.After, is)
			continue
		}
		p.Before = append(p.Before, was)
	}
	return p
}

// described is a configuration that says one thing more.
func described(config json.RawMessage) json.RawMessage {
	return json.RawMessage(strings.Replace(strings.Replace(string(config), "{", `{"Description":"changed",`, 1), ",}", "}", 1))
}

// What a plan leaves alone is taken over from the estate and understood once; each
// side is what it is when it is read and understood by itself, be the estate in
// memory or in a state.
func TestBothSidesAreWhatEachIsByItself(t *testing.T) {
	ctx := context.Background()
	_, stored := storedHarbour(t)
	for where, base := range map[string]*estate.Snapshot{"in memory": harbour(t).Seen, "stored": stored} {
		differ, twice, inPlace := 0, 0, 0
		for seed := range uint64(rounds(4)) {
			p := randomPlan(t, base, seed)
			laid, err := Lay(ctx, base, p)
			if err != nil {
				t.Fatal(err)
			}
			for planned, got := range map[bool]*estate.Snapshot{false: laid.Before, true: laid.After} {
				if want := piecewise(t, base, p, planned); got.Hash() != want.Hash() {
					d, err := estate.Diff(want, got)
					t.Fatalf("%s, seed %d, planned %v: %+v %v", where, seed, planned, d, err)
				}
				if whole, err := got.Recheck(ctx); err != nil || whole != got.Hash() {
					t.Fatalf("%s, seed %d, planned %v: the configurations are not what their digests say: %v", where, seed, planned, err)
				}
			}
			if laid.Before.Hash() != laid.After.Hash() {
				differ++
			}
			if laid.Before != base {
				twice++
			}
			if l := newLaying(base, p); laid.After != base {
				l.orphan()
				if one, err := l.lean(ctx, laid.Before, true); err != nil {
					t.Fatal(err)
				} else if one != nil {
					inPlace++
				}
			}
		}
		if differ == 0 || twice == 0 || inPlace == 0 {
			t.Errorf("%s: %d plans changed anything, %d knew more than the estate, %d changed settings alone", where, differ, twice, inPlace)
		}
	}
}
