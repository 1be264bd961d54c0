package admission

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/test/growth"
	"github.com/sevenfold-sec/sevenfold/test/seed"
)

// world is the model of a gated namespace in which anything may happen: what
// there is, what is certified, what is up.
type world struct {
	*town
	rng   *rand.Rand
	floor floor
	list  []Kind
	// things are those there, by key; standing the certificate of each.
	things  map[string]*growth.Model
	limits  map[string]int
	sealed  map[string]string // the essence certified
	shared  int
	expires time.Time
	now     time.Time
	up      bool // the webhook
	serial  int64

	asked, grown, shrunk, refused, down int
}

// TestWorld: growth without a valid certificate is never admitted, what does not
// grow always is, over all kinds, while the webhook goes and comes, the gate is
// started anew, certificates expire, are replaced and tampered with, clocks are
// off and the store is lost.
func TestWorld(t *testing.T) {
	n := soak(t, 4000)
	seed := seed.Of(t)
	list := everyKind()
	w := &world{town: newTown(t, list), rng: rand.New(rand.NewPCG(seed, 1)), floor: newFloor(t, list), list: list,
		things: map[string]*growth.Model{}, limits: map[string]int{}, sealed: map[string]string{}, now: today, up: true}
	clock := func() time.Time { return w.now }
	w.c.now, w.d.now, w.c.census.now, w.d.desks.now = clock, clock, clock, clock
	w.d.pilots = 5
	for w.asked < n && !t.Failed() {
		if w.rng.IntN(25) == 0 {
			w.happen()
		}
		w.request()
	}
	t.Logf("%d requests: %d grown, %d not growing, %d refused, %d of them with the webhook down", w.asked, w.grown, w.shrunk, w.refused, w.down)
	if w.grown < n/100 || w.shrunk < n/10 || w.refused < n/10 || w.down < n/50 {
		t.Error("little was tested")
	}
}

// happen changes the world.
func (w *world) happen() {
	w.now = w.now.Add(promised) // what was promised is seen or forgotten
	switch w.rng.IntN(9) {
	case 0:
		w.up = !w.up
	case 1, 2, 3:
		w.certify()
	case 4: // the certificate expires
		if after := w.expires.Add(time.Second); after.After(w.now) {
			w.now = after
		}
	case 5: // a clock that is behind: nothing is certified before it is read again
		w.now = w.now.Add(-time.Duration(w.rng.IntN(60)) * time.Second)
	case 6: // tampered with: it no longer counts
		w.s.grants, w.s.refused = nil, []Refused{{Why: "tampered"}}
		w.limits, w.sealed = map[string]int{}, map[string]string{}
	case 7: // the store is lost, or cannot be read
		w.m.verdicts, w.m.carries = map[string]json.RawMessage{}, nil
		w.s.err = errors.New("disk on fire")
		_, _ = w.c.reconcile(w.t.Context()) // those read before go on counting
		w.s.err = nil
	case 8: // the gate is started anew and has nothing yet
		w.c.ledger.verdicts.Store(nil)
		w.request()
	}
	w.c.forget()
	if _, err := w.c.reconcile(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}

// certify certifies some of the things as they are.
func (w *world) certify() {
	w.serial++
	w.expires = w.now.Add(time.Hour).Truncate(time.Second)
	w.shared = 4 + w.rng.IntN(12)
	g := Grant{Workload: "w", Name: "w", Serial: w.serial, Expires: w.expires, Shared: w.shared, Limits: map[string]int{}, Digests: map[string]string{}}
	w.limits, w.sealed = map[string]int{}, map[string]string{}
	for key, m := range w.things {
		if w.rng.IntN(3) > 0 && m.Kind.Target == "" {
			w.limits[key], w.sealed[key] = w.shared, m.Essence
			g.Limits["fraud/"+key], g.Digests["fraud/"+key] = w.shared, m.Essence
		}
	}
	w.s.grants, w.s.refused = []Grant{g}, nil
}

// valid reports whether a certificate holds for a thing as it would be.
func (w *world) valid(key, essence string) bool {
	return w.listed(key) && w.sealed[key] == essence
}

// may is the model's word on growth.
func (w *world) may(after *growth.Model, key string) bool {
	if w.c.ledger.verdicts.Load() == nil {
		return false
	}
	asked := after.Total()
	sum := func(certified bool) int64 {
		n := int64(0)
		for other, m := range w.things {
			if other == key || certified && w.limits[other] == 0 || !certified && w.listed(other) {
				continue
			}
			units := m.Total()
			if m.Kind.EveryNode {
				units = 0 // nobody has counted its nodes
			}
			if !certified {
				units = min(units, 1)
			}
			n += units
		}
		return n
	}
	inDate := w.listed(key)
	switch {
	case after.Kind.EveryNode:
		return w.valid(key, after.Essence) && sum(true) <= int64(w.shared)
	case asked <= 1 && inDate:
		return max(asked, w.before(key))+sum(true) <= int64(w.shared)
	case asked <= 1:
		return asked+sum(false) <= 5
	}
	return w.valid(key, after.Essence) && asked <= int64(w.shared) && max(asked, w.before(key))+sum(true) <= int64(w.shared)
}

// listed reports whether a certificate names a thing, counts, and the thing is
// still what it was, if it is there.
func (w *world) listed(key string) bool {
	m := w.things[key]
	return w.limits[key] > 0 && w.now.Before(w.expires) && (m == nil || m.Essence == w.sealed[key])
}

// before is what a thing has.
func (w *world) before(key string) int64 {
	if m := w.things[key]; m != nil {
		return m.Total()
	}
	return 0
}

// request asks for one change of one thing, directly, and holds what comes of it
// to the model.
func (w *world) request() {
	w.asked++
	w.now = w.now.Add(promised)
	k := &w.list[w.rng.IntN(len(w.list))]
	for k.Target != "" || unnamed(k) {
		k = &w.list[w.rng.IntN(len(w.list))]
	}
	if w.rng.IntN(2) == 0 { // the same again and again, so that limits fill up
		k = w.c.kinds.byKind[[]string{"Deployment", "RayCluster.ray.io", "JobSet.jobset.x-k8s.io", "Job"}[w.rng.IntN(4)]]
	}
	name := fmt.Sprintf("x%d", w.rng.IntN(2))
	key := k.Kind + "/" + name
	before := w.things[key]
	var after *growth.Model
	operation, old := "UPDATE", "null"
	if before == nil {
		after, operation = growth.New(w.rng, growingOf(k), name), "CREATE"
		after.Small(w.rng)
	} else {
		if w.rng.IntN(12) == 0 { // gone: nothing is asked of the gate
			delete(w.things, key)
			delete(w.m.objects, "fraud/"+key)
			w.reconcile()
			return
		}
		after = before.Clone()
		after.Mutate(w.rng)
		after.Small(w.rng)
		old = string(before.JSON("uid-" + name))
	}
	object := string(after.JSON("uid-" + name))
	grows := before.Grows(after)
	var raw json.RawMessage
	if before != nil {
		raw = json.RawMessage(old)
	}
	sent, err := w.floor.asks(k, "dev", "", raw, json.RawMessage(object))
	if err != nil {
		w.t.Fatalf("%s: %v\n%s\n%s", key, err, old, object)
	}
	message := ""
	switch {
	case sent && !w.up:
		message = "failed calling webhook"
		w.down++
	case sent:
		message = w.ask("dev", operation, k.Kind, name, old, object)
	}
	where := fmt.Sprintf("%s from %d to %d, limit %d of %d, in date %v, up %v: %s\n%s\n%s", key, w.before(key), after.Total(), w.limits[key], w.shared, w.now.Before(w.expires), w.up, message, old, object)
	switch {
	case !grows && message != "":
		w.t.Fatalf("refused though it does not grow: %s", where)
	case grows && message == "" && (!w.up || !w.may(after, key)):
		w.t.Fatalf("grown without a valid certificate: %s", where)
	case grows && message != "" && w.up && w.may(after, key) && !devicesOnly(message):
		w.t.Fatalf("refused though certified: %s", where)
	}
	switch {
	case message != "":
		w.refused++
		return
	case grows:
		w.grown++
	default:
		w.shrunk++
	}
	w.things[key] = after
	w.m.mu.Lock()
	w.m.objects["fraud/"+key] = json.RawMessage(object)
	w.m.mu.Unlock()
	if before == nil || before.Essence != after.Essence {
		w.reconcile() // the change is seen
	}
}

func devicesOnly(message string) bool { return strings.Contains(message, "resources.limits") }
