package admission

import (
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
	digest  Digest
	now     func() time.Time
}

// refuse says why growth is refused; empty if it is allowed.
func (d *decider) refuse(ctx context.Context, a *ask) string {
	if !a.grows() {
		return ""
	}
	v, drawn := d.ledger.of(a.namespace)
	if v == nil {
		why := "the gate has not yet seen this namespace; try again in a moment"
		if !drawn {
			why = "the gate has not yet read its certificates; try again in a moment"
		}
		return a.sentence(0, why)
	}
	if !a.certifiable {
		if a.asked <= int64(v.Unlisted) {
			return ""
		}
		return a.sentence(v.Unlisted, "no certificate can name "+a.key+", which is neither a Deployment nor a StatefulSet of apps")
	}
	limit, pilot := v.limit(a.key), v.pilot(a.key)
	switch {
	case a.asked > int64(limit):
		return a.sentence(limit, v.why(a.key))
	case a.asked <= int64(pilot):
		return ""
	}
	if why := d.stillHolds(ctx, a, v); why != "" {
		return a.sentence(pilot, why)
	}
	return ""
}

// stillHolds says why a certificate no longer holds for what is asked about:
// it expired, or the object is another than the one certified.
func (d *decider) stillHolds(ctx context.Context, a *ask, v *Verdict) string {
	kind, name, _ := strings.Cut(a.key, "/")
	expires, err := time.Parse(time.RFC3339, v.Expires[a.key])
	if err != nil || !d.now().Before(expires) {
		return reason("the certificate of workload %s expired on %s; certify it again: sevenfold gate certify %s", v.names[a.key], v.Expires[a.key], v.names[a.key])
	}
	object := a.hand
	if object == nil {
		object = d.current(a, kind, name)
	}
	if object == nil {
		var found bool
		object, found, err = d.cluster.Object(ctx, a.namespace, kind, name)
		if err != nil {
			return reason("it cannot be read to see whether it is still what was certified (%v); try again", err)
		}
		if !found {
			return "it is not there, so nobody can tell whether it is what was certified; create it first"
		}
	}
	return d.digest.differs(v.names[a.key], kind, a.namespace, name, v.digests[a.key], object)
}

// current returns what a Scale stands for as last seen, if that is the very
// version the request is about: then nothing need be read. Else it is nil.
func (d *decider) current(a *ask, kind, name string) json.RawMessage {
	if a.before.UID == "" || a.before.Version == "" {
		return nil
	}
	seen, ok := d.cluster.Seen(a.namespace, kind, name)
	var o sized
	if !ok || decode(seen, &o) != nil || o.Metadata.UID != a.before.UID || o.Metadata.Version != a.before.Version {
		return nil
	}
	return seen
}

// sentence is the refusal as a developer reads it.
func (a *ask) sentence(limit int, why string) string {
	what := fmt.Sprintf("%s in namespace %s may not grow from %d to %d replicas", a.object, a.namespace, a.had, a.asked)
	if a.object != a.key {
		what = fmt.Sprintf("%s in namespace %s may not let %s grow from %d to %d replicas", a.object, a.namespace, a.key, a.had, a.asked)
	}
	return fmt.Sprintf("sevenfold gate: %s: at most %d allowed, because %s (scaling down is always possible)", what, limit, why)
}
