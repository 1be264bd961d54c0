package admission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// fleet is a cluster whose gate has two replicas, each of which sees it as it was
// a while ago. Objects are Deployments; the API server stores what a replica let
// through if nobody changed the object meanwhile, and asks anew if somebody did.
type fleet struct {
	mu       sync.Mutex
	version  int
	objects  map[string]deployed // as they are
	replicas [2]*lagging
	limit    int
	over     string
}

type deployed struct{ units, version int }

func (o deployed) json(name string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"uid":"u-%s","resourceVersion":"%d"},"image":"v1","spec":{"replicas":%d}}`, name, name, o.version, o.units)
}

// lagging is one replica.
type lagging struct {
	*memory // its view; notes are the cluster's
	notes   *memory
	decider *decider
	kinds   *kinds
	fleet   *fleet
	control *controller
	papers  *stack
}

func (l *lagging) Note(ctx context.Context, name string) ([]byte, string, error) {
	return l.notes.Note(ctx, name)
}
func (l *lagging) WriteNote(ctx context.Context, name string, text []byte, version string) (string, bool, error) {
	return l.notes.WriteNote(ctx, name, text, version)
}

// look has a replica see the cluster as it is.
func (l *lagging) look() {
	l.fleet.mu.Lock()
	defer l.fleet.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, o := range l.fleet.objects {
		l.objects["fraud/Deployment/"+name] = json.RawMessage(o.json(name))
	}
}

// newFleet has a certificate that names eight Deployments and lets them have limit
// in all, or no certificate and an allowance of limit for the namespace.
func newFleet(t *testing.T, certified bool, limit int) *fleet {
	f := &fleet{objects: map[string]deployed{}, limit: limit, version: 100}
	grant := Grant{Workload: "w", Name: "w", Serial: 1, Expires: today.Add(time.Hour), Shared: limit, Limits: map[string]int{}, Digests: map[string]string{}}
	for i := range 8 {
		name := fmt.Sprintf("d%d", i)
		f.objects[name] = deployed{0, 100}
		grant.Limits["fraud/Deployment/"+name], grant.Digests["fraud/Deployment/"+name] = limit, "v1"
	}
	shared := &memory{}
	for i := range f.replicas {
		l := &lagging{memory: &memory{gated: []string{"fraud"}, verdicts: map[string]json.RawMessage{}, objects: map[string]json.RawMessage{}}, notes: shared, fleet: f}
		l.look()
		papers := &stack{}
		if certified {
			papers.grants = []Grant{grant}
		}
		c := newController(l.memory, papers)
		if _, err := c.reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.kinds, l.control, l.papers = c.kinds, c, papers
		l.decider = &decider{ledger: c.ledger, cluster: l, kinds: c.kinds, census: newCensus(l, c.kinds, c.now), desks: newDesks(l, c.now), digest: image, now: c.now, pilots: limit}
		f.replicas[i] = l
	}
	return f
}

// scale asks one replica to let a Deployment have so many, and stores it if it may.
func (f *fleet) scale(t *testing.T, replica int, name string, n int) (why string) {
	for {
		f.mu.Lock()
		o := f.objects[name]
		f.mu.Unlock()
		if n > o.units {
			body := ask1("deployments", "", "UPDATE", deployed{n, o.version}.json(name), o.json(name))
			_, a, err := parseReview([]byte(body), f.replicas[replica].kinds)
			if err != nil {
				t.Error(err)
				return err.Error()
			}
			if why := f.replicas[replica].decider.refuse(t.Context(), a); why != "" {
				return why
			}
		}
		f.mu.Lock()
		if f.objects[name] != o {
			f.mu.Unlock()
			continue // somebody was first: admission is asked anew
		}
		f.version++
		f.objects[name] = deployed{n, f.version}
		sum := 0
		for _, o := range f.objects {
			sum += o.units
		}
		if sum > f.limit && n > o.units {
			f.over = fmt.Sprintf("%d in all after %s grew from %d to %d, %d allowed", sum, name, o.units, n, f.limit)
		}
		f.mu.Unlock()
		return ""
	}
}

// Two replicas that are asked at the same moments, and see the cluster late, never
// let more through together than the objects of a certificate, or what no
// certificate names in a namespace, may have.
func TestReplicasShareALimit(t *testing.T) {
	for _, certified := range []bool{true, false} {
		t.Run(fmt.Sprintf("certified_%v", certified), func(t *testing.T) {
			grown, refused := 0, 0
			for round := range soak(t, 20) {
				f, most := newFleet(t, certified, 6), 6
				if !certified {
					most = 1
				}
				var all sync.WaitGroup
				var mu sync.Mutex
				for worker := range 4 {
					all.Go(func() {
						rng := rand.New(rand.NewPCG(uint64(round), uint64(worker)))
						for range 60 {
							if rng.IntN(4) == 0 {
								f.replicas[rng.IntN(2)].look()
							}
							n := rng.IntN(most + 1)
							why := f.scale(t, rng.IntN(2), fmt.Sprintf("d%d", 2*worker+rng.IntN(2)), n)
							mu.Lock()
							switch {
							case why == "" && n > 0:
								grown++
							case why != "":
								refused++
							}
							mu.Unlock()
						}
					})
				}
				all.Wait()
				if f.over != "" {
					t.Fatal(f.over)
				}
				// What shrank and was seen is free again.
				for name := range f.objects {
					f.scale(t, 0, name, 0)
				}
				f.replicas[0].look()
				f.replicas[1].look()
				if why := f.scale(t, round%2, "d0", most); why != "" {
					t.Fatalf("with nothing there: %s", why)
				}
			}
			if grown == 0 || refused == 0 {
				t.Errorf("%d grown, %d refused: little was tested", grown, refused)
			}
		})
	}
}

// What cannot be noted for the other replicas is refused; a note nobody can read,
// too; a dry run notes nothing.
func TestNotesThatFail(t *testing.T) {
	f := newFleet(t, true, 6)
	shared := f.replicas[0].notes
	body := ask1("deployments", "", "UPDATE", deployed{2, 100}.json("d0"), deployed{0, 100}.json("d0"))
	_, a, err := parseReview([]byte(strings.Replace(body, `"uid":"u",`, `"uid":"u","dryRun":true,`, 1)), f.replicas[0].kinds)
	if err != nil || !a.dryRun {
		t.Fatal(err, a)
	}
	if why := f.replicas[0].decider.refuse(t.Context(), a); why != "" || len(shared.notes) != 0 {
		t.Errorf("a dry run: %q, %d notes", why, len(shared.notes))
	}
	shared.broken = errors.New("disk on fire")
	if why := f.scale(t, 1, "d0", 2); !strings.Contains(why, "cannot be read (disk on fire)") {
		t.Error(why)
	}
	shared.broken = nil
	shared.noted = func() { shared.broken = errors.New("disk on fire") }
	if why := f.scale(t, 0, "d0", 2); !strings.Contains(why, "cannot be noted for the other replicas of the gate (disk on fire)") {
		t.Error(why)
	}
	shared.broken, shared.noted = nil, nil
	if why := f.scale(t, 0, "d0", 2); why != "" {
		t.Error(why)
	}
	for name := range shared.notes {
		shared.notes[name] = note{[]byte("no JSON"), 7}
	}
	if why := f.scale(t, 1, "d1", 2); !strings.Contains(why, "cannot be read") {
		t.Error(why)
	}
	// Somebody is always first.
	f = newFleet(t, true, 6)
	shared = f.replicas[0].notes
	shared.noted = func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if shared.notes == nil {
			shared.notes = map[string]note{}
		}
		for i := range f.replicas {
			name := f.replicas[i].decider.desks.at("namespace fraud").name
			shared.notes[name] = note{[]byte("{}"), shared.notes[name].version + 1}
		}
	}
	if why := f.scale(t, 0, "d0", 2); !strings.Contains(why, "at the same time") {
		t.Error(why)
	}
}

// Object implements Cluster: as it is, whatever was seen.
func (l *lagging) Object(_ context.Context, _, _, name string) (json.RawMessage, bool, error) {
	l.fleet.mu.Lock()
	defer l.fleet.mu.Unlock()
	o, ok := l.fleet.objects[name]
	return json.RawMessage(o.json(name)), ok, nil
}

// A replica that sees nothing for minutes, as after a restart of the API server,
// forgets nothing that was let through; what came to nothing is free after a minute.
func TestReplicaThatSeesNothing(t *testing.T) {
	f := newFleet(t, true, 6)
	now := today
	for _, l := range f.replicas {
		l.decider.desks.now = func() time.Time { return now }
	}
	if why := f.scale(t, 0, "d0", 5); why != "" {
		t.Fatal(why)
	}
	for _, later := range []time.Duration{0, 5 * time.Minute, 9 * time.Minute} {
		now = today.Add(later)
		for replica := range f.replicas {
			if why := f.scale(t, replica, "d1", 2); !strings.Contains(why, "allows 6 in all") {
				t.Errorf("replica %d, %s later: %q", replica, later, why)
			}
		}
	}
	// Nothing came of what is let through here.
	f = newFleet(t, true, 6)
	for _, l := range f.replicas {
		l.decider.desks.now = func() time.Time { return now }
	}
	body := ask1("deployments", "", "UPDATE", deployed{5, 100}.json("d0"), deployed{0, 100}.json("d0"))
	_, a, err := parseReview([]byte(body), f.replicas[0].kinds)
	if err != nil {
		t.Fatal(err)
	}
	if why := f.replicas[0].decider.refuse(t.Context(), a); why != "" {
		t.Fatal(why)
	}
	if why := f.scale(t, 1, "d1", 2); !strings.Contains(why, "allows 6 in all") {
		t.Errorf("at once: %q", why)
	}
	now = now.Add(promised)
	if why := f.scale(t, 1, "d1", 2); why != "" {
		t.Errorf("a minute later: %s", why)
	}
}

// What was let through by a certificate counts as a pilot when the certificate ends
// before anybody has seen it.
func TestCertificateEndsUnseen(t *testing.T) {
	for _, spans := range []bool{false, true} {
		f := newFleet(t, true, 6)
		for i, l := range f.replicas {
			if spans {
				l.papers.grants[0].Limits["other/Deployment/x"], l.papers.grants[0].Digests["other/Deployment/x"] = 6, "v1"
			}
			l.decider.pilots = 6
			if i == 1 {
				l.papers.grants = nil
			}
			l.control.forget()
			if _, err := l.control.reconcile(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 6 {
			if why := f.scale(t, 0, fmt.Sprintf("d%d", i), 1); why != "" {
				t.Fatal(why)
			}
		}
		if why := f.scale(t, 1, "d6", 1); !strings.Contains(why, "in the whole namespace, and 6 is there") {
			t.Errorf("spans %v: a replica without the certificate that has seen nothing: %q", spans, why)
		}
	}
}
