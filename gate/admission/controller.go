package admission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// resync is how often certificates are read and everything is compared
	// again, even if nothing seems to have changed.
	resync = 5 * time.Second
	// settle is how long changes are gathered before they are acted upon.
	settle = 100 * time.Millisecond
)

// controller keeps the ScaleVerdicts of a cluster as the certificates say.
type controller struct {
	cluster  Cluster
	grants   Grants
	digest   Digest
	ledger   *ledger
	kinds    *kinds
	census   *census
	now      func() time.Time
	unlisted int
	log      *slog.Logger

	mu      sync.Mutex // one reconciliation at a time
	floor   map[string]int64
	granted []Grant // when last read
	refused []Refused
	said    string // the failure last logged
	// badGlass are the break-glasses that do not count and why, by namespace.
	badGlass map[string]string
	// leads is whether this replica writes.
	leads atomic.Bool
	known map[string]string
}

// reconcile draws up every verdict and writes those that differ. It returns
// when the first certificate now valid expires; zero if none will. An error
// names what could not be done; all else is done nevertheless.
func (c *controller) reconcile(ctx context.Context) (next time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	granted, refused, errs := c.grants.Current(ctx)
	if errs == nil {
		c.tell(refused)
		c.granted, c.refused = newest(granted), refused
	} else {
		// Those read before go on counting until they expire; with none read
		// everything is held to its pilot.
		errs = fmt.Errorf("the certificates cannot be read: %w", errs)
	}
	namespaces := c.cluster.Gated()
	before := make(map[string]*Verdict, len(namespaces))
	for _, ns := range namespaces {
		spec, ok := c.cluster.Verdict(ns)
		if !ok {
			continue
		}
		v, err := parseVerdict(spec)
		if err != nil {
			errs = errors.Join(errs, fmt.Errorf("ScaleVerdict of namespace %s: %w", ns, err))
			continue
		}
		before[ns] = v
		for workload, serial := range v.Serials {
			c.saw(workload, serial)
		}
	}
	for _, g := range c.granted {
		c.saw(g.Workload, g.Serial)
	}
	for _, r := range c.refused {
		c.saw(r.Workload, r.Serial)
	}
	o := &outlook{grants: c.granted, refused: c.refused, floor: c.floor, now: c.now(), unlisted: c.unlisted, kinds: c.kinds, digest: c.digest, seen: c.cluster.Seen, known: c.known}
	after := make(map[string]*Verdict, len(namespaces))
	for _, ns := range namespaces {
		after[ns] = o.verdict(ns, before[ns])
		after[ns].covers = c.census.covers(ns)
		if ends := c.glass(ctx, ns, before[ns], after[ns], o.now); !ends.IsZero() && (next.IsZero() || ends.Before(next)) {
			next = ends
		}
	}
	// The webhook goes by the new verdicts before the floor does: where limits
	// fall it is the first to refuse.
	c.ledger.set(after)
	for _, ns := range namespaces {
		if !c.leads.Load() {
			break // another replica writes them
		}
		errs = errors.Join(errs, c.copy(ctx, ns, after[ns]))
		if b := before[ns]; b != nil && b.equal(after[ns]) {
			continue
		}
		errs = errors.Join(errs, c.write(ctx, ns, before[ns], after[ns]))
	}
	for _, g := range c.granted {
		if g.Expires.After(o.now) && (next.IsZero() || g.Expires.Before(next)) {
			next = g.Expires
		}
	}
	return next, errs
}

// tell logs certificates that do not count and did before, or were not there.
func (c *controller) tell(refused []Refused) {
	told := map[string]bool{}
	for _, r := range c.refused {
		told[r.Why] = true
	}
	for _, r := range refused {
		if !told[r.Why] {
			c.log.Warn("certificate refused", "why", r.Why)
		}
	}
}

// glass enters in a verdict that the gate of its namespace is open by
// break-glass, tells of its beginning and end, and returns when it ends.
func (c *controller) glass(ctx context.Context, ns string, before, after *Verdict, now time.Time) time.Time {
	g, broken, problem := glassOf(c.cluster.Annotations(ns), now)
	if problem != "" && c.badGlass[ns] != problem {
		c.log.Warn("break-glass does not count", "namespace", ns, "why", problem)
	}
	c.badGlass[ns] = problem
	if broken {
		after.BreakGlass = g.String()
	}
	was := ""
	if before != nil {
		was = before.BreakGlass
	}
	if was == after.BreakGlass || !c.leads.Load() {
		return g.Until
	}
	what, text := "GlassBroken", "growth needs no certificate: "+after.BreakGlass
	if !broken {
		what, text = "GlassWhole", "growth needs a certificate again; it did not by "+was
	}
	c.log.Warn(what, "namespace", ns, "why", text)
	if err := c.cluster.Event(ctx, ns, what, text); err != nil {
		c.log.Warn("no event could be written", "namespace", ns, "why", err.Error())
	}
	return g.Until
}

func (c *controller) saw(workload string, serial int64) {
	if serial > 0 {
		c.floor[workload] = max(c.floor[workload], serial)
	}
}

// copy has the namespace carry what the verdict says.
func (c *controller) copy(ctx context.Context, ns string, v *Verdict) error {
	has, want := c.cluster.Annotations(ns), v.Annotations()
	if has[LimitsAnnotation] == want[LimitsAnnotation] && has[ReasonsAnnotation] == want[ReasonsAnnotation] {
		return nil
	}
	if err := c.cluster.Annotate(ctx, ns, want); err != nil {
		return fmt.Errorf("annotations of namespace %s: %w", ns, err)
	}
	return nil
}

func (c *controller) write(ctx context.Context, ns string, before, after *Verdict) error {
	spec, err := json.Marshal(after)
	if err == nil {
		err = c.cluster.WriteVerdict(ctx, ns, spec)
	}
	if err != nil {
		return fmt.Errorf("ScaleVerdict of namespace %s: %w", ns, err)
	}
	made := before == nil
	if made {
		before = &Verdict{}
	}
	c.log.Info("verdict written", "namespace", ns, "made", made, "limits", len(after.Limits))
	for key, n := range after.Limits {
		if was, listed := before.Limits[key]; !listed || was != n {
			c.log.Info("limit", "namespace", ns, "object", key, "from", before.limit(key), "to", n, "why", after.why(key))
		}
	}
	for key := range before.Limits {
		if _, listed := after.Limits[key]; !listed {
			c.log.Info("limit", "namespace", ns, "object", key, "from", before.Limits[key], "to", after.Unlisted, "why", after.why(key))
		}
	}
	return nil
}

// run reconciles at once, on every change, at each expiry and every so often,
// until ctx ends. done is called after each time that went well.
func (c *controller) run(ctx context.Context, changed <-chan struct{}, done func()) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			if !pause(ctx, settle) {
				return
			}
			c.forget()
		case <-wait.C:
		}
		if drain(changed) {
			c.forget()
		}
		next, err := c.reconcile(ctx)
		if ctx.Err() != nil {
			return
		}
		c.say(err)
		if err == nil {
			done()
		}
		wait.Reset(c.until(next, err))
	}
}

// until is how long to sleep if nothing changes.
func (c *controller) until(next time.Time, err error) time.Duration {
	d := resync
	if err != nil {
		d = resync / 10
	}
	if !next.IsZero() {
		d = min(d, max(next.Sub(c.now()), time.Millisecond))
	}
	return d
}

// say logs a failure once, until it is another or gone.
func (c *controller) say(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != c.said && text != "" {
		c.log.Error("the cluster is not as the certificates say", "why", text)
	}
	c.said = text
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func drain(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// forget has every object looked at again.
func (c *controller) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.known)
}
