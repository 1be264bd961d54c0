package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// CheckController is the controllerName of the AdmissionChecks of Kueue that the
// gate answers.
const CheckController = "sevenfold.dev/gate"

const (
	// queueEvery is how often what waits in Kueue's queues is looked at.
	queueEvery = 2 * time.Second
	// askAgain is when Kueue is to bring a job again that was held. Kueue 0.19.2 keeps
	// its quota until then, and queues it anew.
	askAgain = time.Minute
	// starting is how long a job that was let through counts though it is still seen
	// suspended.
	starting = time.Minute
)

// Queued is a job that Kueue has quota for and has not started, since one of its
// AdmissionChecks is the gate's.
type Queued struct {
	// Namespace, Name and UID are those of Kueue's Workload; Check names the check.
	Namespace, Name, UID, Check string
	// Passed is set where the gate let it through and it has not started yet.
	Passed bool
	// APIVersion, Kind, Owner and OwnerUID say which object Kueue made the Workload
	// for; empty if it does not say.
	APIVersion, Kind, Owner, OwnerUID string
}

// Answer is the gate's word on a job that waits.
type Answer struct {
	// Pass lets it start. Else it gives its quota back, and is asked for again, After
	// that.
	Pass  bool
	After time.Duration
	// Why is told in either case, on the Workload.
	Why string
}

// Queues are the queues of Kueue in a cluster that may not have it.
type Queues interface {
	// Queued lists the jobs that wait for an answer, or were let through and have not
	// started.
	Queued(ctx context.Context) ([]Queued, error)
	// Answer writes the answer, unless the Workload is past it. tell has an event tell
	// of it too.
	Answer(ctx context.Context, q Queued, a Answer, tell bool) error
}

// clerk answers Kueue's checks.
type clerk struct {
	queues  Queues
	decider *decider
	// told is what was last said of a Workload, by its UID.
	told map[string]string
	// said is the failure last logged.
	said string
}

// queue answers what waits until ctx ends, while this replica leads.
func (g *Gate) queue(ctx context.Context) {
	if g.opts.Queues == nil {
		return
	}
	c := &clerk{queues: g.opts.Queues, decider: g.decider, told: map[string]string{}}
	for {
		if g.controller.leads.Load() && g.kept.Load() {
			err := c.round(ctx)
			switch {
			case ctx.Err() != nil:
			case err == nil:
				c.said = ""
			case err.Error() != c.said:
				c.said = err.Error()
				g.opts.Log.Error("jobs that wait in Kueue's queues are not answered, and so do not start", "why", c.said)
			}
		}
		if !pause(ctx, queueEvery) {
			return
		}
	}
}

// round answers everything that waits, once.
func (c *clerk) round(ctx context.Context) error {
	list, err := c.queues.Queued(ctx)
	if err != nil {
		return err
	}
	there := map[string]string{}
	for _, q := range list {
		if q.Passed {
			c.decider.starts(q)
		}
	}
	for _, q := range list {
		a := c.decider.answer(ctx, q)
		if ctx.Err() != nil {
			return nil
		}
		if a.Pass {
			c.decider.starts(q)
		}
		there[q.UID] = a.Why
		if a.Pass && q.Passed {
			continue
		}
		if e := c.queues.Answer(ctx, q, a, c.told[q.UID] != a.Why); e != nil {
			err = e
			delete(there, q.UID)
		}
	}
	c.told = there
	return err
}

// starts notes that a job was let through: it counts from now on, though it is
// still seen suspended.
func (d *decider) starts(q Queued) {
	_, what := d.kinds.of(q.APIVersion, q.Kind)
	d.census.mu.Lock()
	defer d.census.mu.Unlock()
	d.census.started[q.Namespace+"/"+what+"/"+q.Owner] = d.now().Add(starting)
}

// answer decides whether a job may start, as if it were made now: it may have been
// made long ago, and its certificate have ended since.
func (d *decider) answer(ctx context.Context, q Queued) Answer {
	a, why := d.queued(ctx, q)
	if why == "" {
		why = d.refuse(ctx, a)
	}
	switch {
	case why != "":
		return Answer{After: askAgain, Why: reason("%s", why)}
	case a.glass != "":
		return Answer{Pass: true, Why: reason("sevenfold gate: let through by break-glass: %s", a.glass)}
	}
	return Answer{Pass: true, Why: reason("sevenfold gate: %s may have %s replicas", a.object, count(a.asked))}
}

// queued reads what a job asks for; why says that nobody can tell.
func (d *decider) queued(ctx context.Context, q Queued) (a *ask, why string) {
	hold := func(format string, args ...any) (*ask, string) {
		return nil, fmt.Sprintf("sevenfold gate: the job may not start, because "+format, args...)
	}
	k, what := d.kinds.of(q.APIVersion, q.Kind)
	switch v, drawn := d.ledger.of(q.Namespace); {
	case q.Owner == "" || q.OwnerUID == "":
		return hold("Kueue does not say which one object it is (a group of pods is none); queue a Job, a JobSet or another kind the gate knows")
	case k == nil:
		return hold("nobody can tell how much %s/%s asks for, whose kind the gate does not know", what, q.Owner)
	case v == nil && drawn:
		return hold("namespace %s is not gated, so that no certificate is read for it; have who governs the gate label it sevenfold.dev/gate=prepared or enforced", q.Namespace)
	}
	var object json.RawMessage
	var found bool
	var err error
	if q.Passed { // it is only looked after, again and again
		object, found = d.cluster.Seen(q.Namespace, k.Kind, q.Owner)
	}
	if !found {
		object, found, err = d.cluster.Object(ctx, q.Namespace, k.Kind, q.Owner)
	}
	var head struct {
		APIVersion string `json:"apiVersion"`
		Metadata   named  `json:"metadata"`
	}
	switch {
	case err != nil:
		return hold("it cannot be read (%v)", err)
	case !found, decode(object, &head) != nil, head.Metadata.UID != q.OwnerUID:
		return hold("%s/%s is not the object any more that it was queued for", what, q.Owner)
	}
	_, version, grouped := strings.Cut(head.APIVersion, "/")
	if !grouped {
		version = head.APIVersion
	}
	r := &request{UID: q.UID, Namespace: q.Namespace, Name: q.Owner, Operation: "CREATE", DryRun: true, Object: object,
		Resource: resource{Group: k.Group, Version: version, Resource: k.Resource}}
	for maker := range d.makers { // who made it was asked when it was made
		r.User.Name = maker
		break
	}
	if a, err = r.read(d.kinds); err != nil {
		return hold("it is not understood (%v)", err)
	}
	a.queued = true
	return a, ""
}

// idle reports whether an object only waits to be started, as Kueue has it: it is
// suspended, and the gate has not let it through.
func (p *people) idle(f *fact) bool { return f.suspended && !p.started[f.key] }

// suspended reads whether an object says that it runs nothing for now.
func suspended(object json.RawMessage) bool {
	if !bytes.Contains(object, []byte(`"suspend"`)) {
		return false
	}
	var o struct {
		Spec struct {
			Suspend   bool `json:"suspend"`
			RunPolicy struct {
				Suspend bool `json:"suspend"`
			} `json:"runPolicy"`
		} `json:"spec"`
	}
	return json.Unmarshal(object, &o) == nil && (o.Spec.Suspend || o.Spec.RunPolicy.Suspend)
}
