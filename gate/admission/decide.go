package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// ledger holds the verdicts last drawn up. The webhook decides by it, and not
// by what lies in the cluster: whoever writes a ScaleVerdict by hand moves the
// floor, not the certificates.
type ledger struct {
	verdicts atomic.Pointer[map[string]*Verdict] // nil until first drawn up
}

func (l *ledger) set(v map[string]*Verdict) { l.verdicts.Store(&v) }

func (l *ledger) of(namespace string) (v *Verdict, drawn bool) {
	all := l.verdicts.Load()
	if all == nil {
		return nil, false
	}
	return (*all)[namespace], true
}

// decider answers what is asked.
type decider struct {
	ledger  *ledger
	cluster Cluster
	kinds   *kinds
	census  *census
	desks   *desks
	digest  Digest
	now     func() time.Time
	// makers are the users whose word counts that an object is made for
	// another: controllers of the cluster and its operators.
	makers map[string]bool
	// pilots is how many units a namespace may have that no certificate names,
	// where its annotation does not say.
	pilots int
}

// refuse says why growth is refused; empty if it is allowed.
func (d *decider) refuse(ctx context.Context, a *ask) string {
	if a.adopted && !d.makers[a.user] {
		if k, what := d.kinds.of(a.owned.APIVersion, a.owned.Kind); k != nil {
			return fmt.Sprintf("sevenfold gate: %s in namespace %s says that %s/%s controls it: only controllers the gate knows may say so, and %q is none of them (--controller names more); make it without ownerReferences",
				a.object, a.namespace, what, a.owned.Name, a.user)
		}
	}
	if !a.grows() {
		return ""
	}
	if g, broken, _ := glassOf(d.cluster.Annotations(a.namespace), d.now()); broken {
		a.glass = g.String()
		return ""
	}
	v, drawn := d.ledger.of(a.namespace)
	switch {
	case v == nil && !drawn:
		return a.sentence(0, "the gate has not yet read its certificates; try again in a moment")
	case v == nil:
		return a.sentence(0, "the gate has not yet seen this namespace; try again in a moment")
	case a.kind != nil && !d.cluster.Watching(a.kind.Kind):
		return a.sentence(0, "the gate has not yet seen the objects of this kind that there are; try again in a moment")
	}
	if why := d.whole(ctx, a); why != "" {
		return a.sentence(0, why)
	}
	if !a.grows() {
		return ""
	}
	if a.unknown != "" {
		return a.sentence(v.limit(a.key), a.unknown)
	}
	if why, covered := d.covered(a); covered {
		return why
	}
	if a.grower == nil {
		if a.asked > int64(v.Unlisted) {
			return a.sentence(v.Unlisted, "no certificate can name "+a.key+", whose kind the gate does not know")
		}
		return d.pilot(ctx, a, v)
	}
	return d.certified(ctx, a, v)
}

// certified decides by the certificates.
func (d *decider) certified(ctx context.Context, a *ask, v *Verdict) string {
	limit, pilot := v.limit(a.key), v.pilot(a.key)
	everywhere := a.grower.EveryNode
	if a.asked > int64(limit) && !everywhere || everywhere && v.digests[a.key] == "" {
		return a.sentence(limit, v.why(a.key))
	}
	if a.asked <= int64(pilot) && !everywhere {
		if g := v.grants[a.key]; g != nil && v.inDate(a.key, d.now()) {
			return d.shared(ctx, a, g)
		}
		return d.pilot(ctx, a, v)
	}
	if why := d.stillHolds(ctx, a, v); why != "" {
		return a.sentence(pilot, why)
	}
	return d.shared(ctx, a, v.grants[a.key])
}

// pilot lets through what needs no certificate, as long as what a namespace has
// of it stays within its allowance.
func (d *decider) pilot(ctx context.Context, a *ask, v *Verdict) string {
	allowance := d.allowance(a.namespace)
	return d.together(ctx, a, "namespace "+a.namespace, func(p *people, _ map[string]promise) string {
		sum := a.asked
		for _, f := range p.all {
			if f.key == a.key || f.done || a.queued && p.idle(f) || f.target != "" || !p.free(f) || v.inDate(f.key, d.now()) {
				continue
			}
			sum += min(p.thing(f.key), int64(v.pilot(f.key)))
		}
		if sum <= int64(allowance) {
			return ""
		}
		return a.sentence(max(0, allowance-int(sum-a.asked)), fmt.Sprintf(
			"what no certificate names may have %d in the whole namespace, and %d is there; certify the workload it belongs to (sevenfold gate certify WORKLOAD), or have who governs the gate set the annotation %s of the namespace",
			allowance, sum-a.asked, PilotsAnnotation))
	})
}

// shared holds the objects of one certificate to the limit they share.
func (d *decider) shared(ctx context.Context, a *ask, g *Grant) string {
	if g == nil || g.Shared <= 0 || len(g.Limits) == 1 && a.asked <= int64(g.Shared) {
		return "" // there is nothing else that it could share with
	}
	what, spans := "namespace "+a.namespace, g.spans(a.namespace)
	if spans {
		what = "certificate of " + g.Workload
	}
	why := d.together(ctx, a, what, func(p *people, promises map[string]promise) string {
		own := max(a.asked, p.thing(a.key))
		sum, others := own, 0
		for object := range g.Limits {
			namespace, key, _ := strings.Cut(object, "/")
			in := p
			if namespace != a.namespace {
				in = d.census.of(namespace, promises)
			} else if key == a.key {
				continue
			}
			f := in.byKey[key]
			if f != nil && (!in.free(f) || f.target != "" || a.queued && in.idle(f)) {
				continue // counted by its owner, or by what it scales; or it waits itself
			}
			if n := in.thing(key); n > 0 {
				sum, others = sum+n, others+1
			}
		}
		if sum <= int64(g.Shared) {
			return ""
		}
		return a.sentence(max(0, g.Shared-int(sum-own)), reason("certificate %d of workload %s allows %d in all, and %d other objects of it have %d; shrink those, or raise the workload's limit and run sevenfold gate certify %s",
			g.Serial, g.Name, g.Shared, others, sum-own, g.Name))
	})
	if why != "" || !spans {
		return why
	}
	// Its namespace is to know of it too: the certificate may end before it is seen.
	return d.together(ctx, a, "namespace "+a.namespace, func(*people, map[string]promise) string { return "" })
}

// spans reports whether a certificate names objects of other namespaces too.
func (g *Grant) spans(namespace string) bool {
	for object := range g.Limits {
		if !strings.HasPrefix(object, namespace+"/") {
			return true
		}
	}
	return false
}

// together decides about growth that shares a limit with other objects, in the
// one order that all replicas agree on.
func (d *decider) together(ctx context.Context, a *ask, what string, decide func(*people, map[string]promise) string) string {
	give := promise{Units: a.asked, Stamp: d.now().UnixNano()}
	if a.object != a.key {
		give.Target = a.key
	}
	return d.desks.at(what).ask(ctx, &errand{object: a.namespace + "/" + a.object, give: give, dry: a.dryRun, decide: func(promises map[string]promise) (why, base string) {
		d.census.mu.Lock()
		defer d.census.mu.Unlock()
		p := d.census.of(a.namespace, promises)
		if base = a.base; base == "" {
			base = p.newest(a.kind)
		}
		return decide(p, promises), base
	}})
}

// covered decides about what a controller makes for an object that is held: the
// size of that object bounds all that is made for it, kind by kind. covered is
// false if nothing of the sort is the case.
func (d *decider) covered(a *ask) (why string, covered bool) {
	if !d.makers[a.user] {
		return "", false
	}
	d.census.mu.Lock()
	defer d.census.mu.Unlock()
	p := d.census.of(a.namespace, nil)
	own := a.owned
	if own == nil && a.isScale {
		if f := p.byKey[a.key]; f != nil {
			own = f.owner
		}
	}
	root := p.root(own)
	if root == nil {
		return "", false
	}
	bound := root.bound()
	switch {
	case !root.said || root.kind.EveryNode:
		return "", false
	case a.kind != nil && a.kind.Target != "":
		if f := p.byKey[a.key]; f == nil || p.root(f.owner) != root {
			return "", false // it scales something else
		}
	}
	sum := a.asked
	if a.kind != nil && a.kind.Target == "" && !a.kind.Kept {
		sum += p.under(root, a.kind, a.key)
	}
	if sum > bound {
		return a.sentence(int(max(0, bound-(sum-a.asked))), reason("it is made for %s, which asks for %d, and %d of its kind are there for it; scale %s", root.key, root.units, sum-a.asked, root.key)), true
	}
	d.census.make(a.namespace, a)
	return "", true
}

// whole works out what a Scale asks for of an object whose replicas are not all
// there is to it, or which may say none and have one all the same, if it is of a
// custom kind: a Scale then reads 0.
func (d *decider) whole(ctx context.Context, a *ask) string {
	if !a.isScale || a.kind == nil || len(a.kind.Amounts) < 2 && (a.had > 0 || !strings.Contains(a.kind.Group, ".")) {
		return ""
	}
	kind, name, _ := strings.Cut(a.key, "/")
	object, err := d.read(ctx, a, kind, name)
	if err != "" {
		return err
	}
	before, err1 := a.kind.readSize(object)
	grown, err2 := a.kind.scaledTo(object, a.scaleTo)
	if err1 != nil || err2 != nil {
		return fmt.Sprintf("it cannot be read to see how much it asks for (%v)", firstOf(err1, err2))
	}
	after, err2 := a.kind.readSize(grown)
	if err2 != nil {
		return fmt.Sprintf("it cannot be read to see how much it asks for (%v)", err2)
	}
	a.had, a.asked, a.unknown, a.what = before.units, after.units, after.unknown, after.growth(before)
	return ""
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// scaledTo is an object with another number of replicas.
func (k *Kind) scaledTo(object json.RawMessage, n int64) (json.RawMessage, error) {
	var root map[string]any
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	if err := dec.Decode(&root); err != nil {
		return nil, err
	}
	at, found := "spec", false
	if k.Kind == "PyTorchJob.kubeflow.org" {
		at = "spec.pytorchReplicaSpecs.Worker" // where its definition has a Scale's number
	}
	for _, m := range placesOf(root, at) {
		m["replicas"], found = n, true
	}
	if !found {
		return nil, fmt.Errorf("it has no %s", at)
	}
	return json.Marshal(root)
}

// stillHolds says why a certificate no longer holds for what is asked about:
// it expired, or the object is another than the one certified.
func (d *decider) stillHolds(ctx context.Context, a *ask, v *Verdict) string {
	kind, name, _ := strings.Cut(a.key, "/")
	if !v.inDate(a.key, d.now()) {
		return reason("the certificate of workload %s expired on %s; certify it again: sevenfold gate certify %s", v.names[a.key], v.Expires[a.key], v.names[a.key])
	}
	object := a.hand
	if object == nil {
		var why string
		if object, why = d.read(ctx, a, kind, name); why != "" {
			return why
		}
	}
	return d.digest.differs(v.names[a.key], kind, a.namespace, name, v.digests[a.key], object)
}

// inDate reports whether a certificate names an object and has not expired.
func (v *Verdict) inDate(key string, now time.Time) bool {
	expires, err := time.Parse(time.RFC3339, v.Expires[key])
	return err == nil && now.Before(expires)
}

// read reads what a request is about and does not bring; why says that it
// cannot.
func (d *decider) read(ctx context.Context, a *ask, kind, name string) (object json.RawMessage, why string) {
	if object = d.current(a, kind, name); object != nil {
		return object, ""
	}
	object, found, err := d.cluster.Object(ctx, a.namespace, kind, name)
	switch {
	case err != nil:
		return nil, reason("it cannot be read to see whether it is still what was certified (%v); try again", err)
	case !found:
		return nil, "it is not there, so nobody can tell whether it is what was certified; create it first"
	}
	return object, ""
}

// current returns what a Scale stands for as last seen, if that is the very
// version the request is about: then nothing need be read. Else it is nil.
func (d *decider) current(a *ask, kind, name string) json.RawMessage {
	if a.before.UID == "" || a.before.Version == "" {
		return nil
	}
	seen, ok := d.cluster.Seen(a.namespace, kind, name)
	var o headed
	if !ok || decode(seen, &o) != nil || o.Metadata.UID != a.before.UID || o.Metadata.Version != a.before.Version {
		return nil
	}
	return seen
}

// sentence is the refusal as a developer reads it.
func (a *ask) sentence(limit int, why string) string {
	asked := count(a.asked)
	if a.unknown != "" {
		asked = "an unknown number of"
	}
	grow := fmt.Sprintf("grow from %s to %s replicas", count(a.had), asked)
	switch {
	case a.kind != nil && a.kind.EveryNode:
		grow = "run on more nodes"
	case a.asked <= a.had && a.unknown == "", a.kind != nil && len(a.kind.Amounts) > 2 && a.what != "":
		grow += " (" + a.what + ")"
	}
	what := fmt.Sprintf("%s in namespace %s may not %s", a.object, a.namespace, grow)
	if a.object != a.key {
		what = fmt.Sprintf("%s in namespace %s may not let %s %s", a.object, a.namespace, a.key, grow)
	}
	return fmt.Sprintf("sevenfold gate: %s: at most %s allowed, because %s (scaling down is always possible)", what, count(int64(limit)), why)
}
