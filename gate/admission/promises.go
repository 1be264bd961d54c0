package admission

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// promised is how long growth that was let through counts though nobody has seen
	// it: an API server drops a request after a minute at most. What was not seen
	// then is read, since a view may be further behind: after an API server's restart
	// a watch is begun again a minute later, or two.
	promised = 65 * time.Second
	// kept is how long what one replica has seen is kept for others who have not.
	kept = 10 * time.Minute
	// maxReads bounds how many objects are read at once to learn what became of them.
	maxReads = 20
)

// Bounds of what the replicas share.
const (
	maxNote     = 200 << 10 // an object's annotations may have 256 KiB
	noteTries   = 8
	noteTimeout = 4 * time.Second // the webhook has five
)

// promise is growth that was let through: until the object is seen as it became
// of that, it counts as if it were.
type promise struct {
	Units int64 `json:"u"`
	// Base is the version of the object that was to grow; of one that was to be
	// made, the newest version of its kind seen then. A version seen that is newer
	// came after the request was answered for, one way or the other: the API server
	// asks anew if another change comes between.
	Base string `json:"b,omitempty"`
	// Target is what it scales, if it is an autoscaler.
	Target string `json:"s,omitempty"`
	// Stamp tells it from others of the same object.
	Stamp int64 `json:"t"`
}

// seenBy reports whether a version of the object came after the promise.
func (p promise) seenBy(version string) bool {
	v, err1 := strconv.ParseUint(version, 10, 64)
	b, err2 := strconv.ParseUint(p.Base, 10, 64)
	return err1 == nil && err2 == nil && v > b
}

// id tells a promise of an object from others of it.
func (p promise) id(object string) string { return object + "@" + strconv.FormatInt(p.Stamp, 36) }

// desks keep what several objects share: one for each namespace, where objects of a
// certificate and those of none are told apart only when they are counted, since a
// certificate may come or end meanwhile; and one for each certificate that names
// objects of several namespaces. All replicas note what they let through
// in one place of the cluster, which only one of them can write at a time, and
// decide by what stands there. What could not be noted is refused.
type desks struct {
	cluster Cluster
	now     func() time.Time
	mu      sync.Mutex
	all     map[string]*desk
}

func newDesks(c Cluster, now func() time.Time) *desks {
	return &desks{cluster: c, now: now, all: map[string]*desk{}}
}

// at is the desk of what is shared.
func (d *desks) at(what string) *desk {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all[what] == nil {
		sum := sha256.Sum256([]byte(what))
		d.all[what] = &desk{desks: d, name: "sevenfold-promises-" + hex.EncodeToString(sum[:10]), seen: map[string]time.Time{}}
	}
	return d.all[what]
}

// desk is one of them. Requests that come while one is under way are decided
// together by the next write.
type desk struct {
	*desks
	name string

	mu      sync.Mutex
	busy    bool
	waiting []*errand

	// What was last read or written; only whoever made it busy touches these.
	known    bool
	version  string
	promises map[string]promise // NAMESPACE/KIND/NAME
	// seen is when this replica first saw a promise: clocks of others may be off.
	seen map[string]time.Time
}

// errand is one request that waits for its answer.
type errand struct {
	// decide says why not, given what is promised, and the base of a promise.
	decide func(map[string]promise) (why, base string)
	object string // NAMESPACE/KIND/NAME
	give   promise
	dry    bool // nothing is to be noted

	why  string
	done chan struct{}
}

// ask has an errand decided; it returns why growth is refused, or nothing.
func (d *desk) ask(ctx context.Context, e *errand) string {
	e.done = make(chan struct{})
	d.mu.Lock()
	d.waiting = append(d.waiting, e)
	if d.busy {
		d.mu.Unlock()
		<-e.done // whoever is busy takes no longer than noteTimeout each
		return e.why
	}
	d.busy = true
	for len(d.waiting) > 0 {
		batch := d.waiting
		d.waiting = nil
		d.mu.Unlock()
		d.settle(ctx, batch)
		for _, b := range batch {
			close(b.done)
		}
		d.mu.Lock()
	}
	d.busy = false
	d.mu.Unlock()
	return e.why
}

// settle decides errands together and notes what is let through.
func (d *desk) settle(ctx context.Context, batch []*errand) {
	// Others' requests hang on it, not the one alone that came first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	why := "other replicas of the gate were asked for so much at the same time that it could not be noted; try again"
	for range noteTries {
		if err := d.read(ctx); err != nil {
			why = reason("what other replicas of the gate let through cannot be read (%v); try again", err)
			break
		}
		after, more := maps.Clone(d.promises), false
		for _, e := range batch {
			var base string
			if e.why, base = e.decide(after); e.why != "" || e.dry {
				continue
			}
			give := e.give
			give.Base = base
			if had, ok := after[e.object]; ok && had.Units >= give.Units && had.Base == give.Base && had.Target == give.Target {
				continue // asked for again
			}
			after[e.object], more = give, true
			d.seen[give.id(e.object)] = d.now()
		}
		if !more {
			return
		}
		text, err := json.Marshal(after)
		if err != nil || len(text) > maxNote {
			why = "more was let through within a minute than can be noted; try again later"
			break
		}
		version, first, err := d.cluster.WriteNote(ctx, d.name, text, d.version)
		switch {
		case err != nil:
			d.known = false
			why = reason("it cannot be noted for the other replicas of the gate (%v); try again", err)
		case first:
			d.version, d.promises = version, after
			return
		default:
			d.known = false // another replica was first
			continue
		}
		break
	}
	for _, e := range batch {
		if e.why == "" {
			e.why = why
		}
	}
}

// read reads what is promised, unless it is known, and drops what has come to
// nothing.
func (d *desk) read(ctx context.Context) error {
	if !d.known {
		text, version, err := d.cluster.Note(ctx, d.name)
		if err != nil {
			return err
		}
		d.promises = map[string]promise{}
		if len(text) > 0 {
			if err := json.Unmarshal(text, &d.promises); err != nil {
				return err
			}
		}
		d.version, d.known = version, true
	}
	now, still, reads := d.now(), map[string]time.Time{}, 0
	for object, p := range d.promises {
		id := p.id(object)
		since, had := d.seen[id]
		if !had {
			since = now
		}
		if age := now.Sub(since); age >= promised && reads < maxReads {
			var over bool
			if over, reads = d.over(ctx, object, p, age, reads); over {
				delete(d.promises, object)
				continue
			}
		}
		still[id] = since
	}
	d.seen = still
	return nil
}

// over reports whether a promise need be kept no longer: it was seen long ago, or
// nothing came of it. reads counts the objects that had to be read.
func (d *desk) over(ctx context.Context, object string, p promise, age time.Duration, reads int) (bool, int) {
	namespace, key, _ := strings.Cut(object, "/")
	kind, name, _ := strings.Cut(key, "/")
	var o headed
	if raw, ok := d.cluster.Seen(namespace, kind, name); ok && decode(raw, &o) == nil && p.seenBy(o.Metadata.Version) {
		return age >= kept, reads
	}
	raw, found, err := d.cluster.Object(ctx, namespace, kind, name)
	if err != nil {
		return age >= kept, reads + 1
	}
	return !found || decode(raw, &o) != nil || !p.seenBy(o.Metadata.Version), reads + 1
}
