package admission

import (
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// made is how long what was let through because a controller makes it for another
// object counts before it is seen. Controllers try again under other names.
const made = 10 * time.Second

// fact is what counts of an object.
type fact struct {
	kind         *Kind
	key, uid     string
	version      string
	units        int64
	said         bool
	owner        *owner
	target       string // key of what an autoscaler scales
	suspended    bool   // it runs nothing until somebody resumes it
	ending, done bool
}

// census counts what is in a cluster. What was read of an object is kept by its
// version, so that a request costs no more than walking over them.
type census struct {
	cluster Cluster
	kinds   *kinds
	now     func() time.Time

	mu    sync.Mutex
	known map[string]remembered // by UID
	// making are units admitted for other objects that are not seen yet,
	// NAMESPACE/KIND/NAME.
	making map[string]making
	// started are those that were let start from a queue, and until when that counts,
	// NAMESPACE/KIND/NAME.
	started map[string]time.Time
}

type remembered struct {
	version string
	fact    fact
	used    time.Time
}

type making struct {
	units int64
	until time.Time
	owner *owner
}

func newCensus(c Cluster, k *kinds, now func() time.Time) *census {
	return &census{cluster: c, kinds: k, now: now, known: map[string]remembered{}, making: map[string]making{}, started: map[string]time.Time{}}
}

// of takes the census of a namespace, with what is promised there but not seen.
// The caller holds mu.
func (c *census) of(namespace string, promises map[string]promise) *people {
	p := &people{kinds: c.kinds, byKey: map[string]*fact{}, byUID: map[string]*fact{}, scaled: map[string]int64{}, started: map[string]bool{}}
	now := c.now()
	for object, until := range c.started {
		if !now.Before(until) {
			delete(c.started, object)
		} else if key, ok := c.kinds.within(object, namespace); ok {
			p.started[key] = true
		}
	}
	for _, h := range c.cluster.Held(namespace) {
		f, ok := c.read(h, now)
		if !ok {
			continue
		}
		f.ending, f.done, f.version = h.Ending, h.Done, h.Version
		if r, ok := c.making[namespace+"/"+f.key]; ok {
			if r.units <= f.units {
				delete(c.making, namespace+"/"+f.key)
			} else if now.Before(r.until) {
				f.units = r.units
			}
		}
		if r, ok := promises[namespace+"/"+f.key]; ok && !r.seenBy(h.Version) {
			f.units, f.done = max(f.units, r.Units), false
			if r.Target != "" {
				p.scaled[r.Target] = max(p.scaled[r.Target], r.Units)
			}
		}
		p.add(&f)
	}
	for object, r := range c.making {
		if !now.Before(r.until) {
			delete(c.making, object)
			continue
		}
		c.unseen(p, namespace, object, fact{units: r.units, owner: r.owner})
	}
	for object, r := range promises {
		c.unseen(p, namespace, object, fact{units: r.Units, target: r.Target})
	}
	if len(c.known) > 2*len(p.byKey)+1000 {
		for uid, r := range c.known {
			if now.Sub(r.used) > time.Minute {
				delete(c.known, uid)
			}
		}
	}
	return p
}

// unseen adds an object that was let through and is not there yet.
func (c *census) unseen(p *people, namespace, object string, f fact) {
	key, ok := c.kinds.within(object, namespace)
	if !ok || p.byKey[key] != nil {
		return
	}
	f.kind, _, _ = c.kinds.cut(key)
	f.key, f.said = key, true
	p.add(&f)
}

// read reads an object unless that version of it was read before. What cannot
// be read counts without a limit.
func (c *census) read(h Held, now time.Time) (fact, bool) {
	k := c.kinds.byKind[h.Kind]
	if k == nil {
		return fact{}, false
	}
	if r, ok := c.known[h.UID]; ok && r.version == h.Version && h.Version != "" {
		r.used = now
		c.known[h.UID] = r
		return r.fact, true
	}
	f := fact{kind: k, key: h.Kind + "/" + h.Name, uid: h.UID, units: estate.NoLimit, said: true}
	if raw, err := h.Object(); err == nil {
		f.read(raw, c.kinds)
	}
	c.known[h.UID] = remembered{h.Version, f, now}
	return f, true
}

func (f *fact) read(raw json.RawMessage, all *kinds) {
	var head headed
	s, err := f.kind.readSize(raw)
	if err != nil || json.Unmarshal(raw, &head) != nil {
		return
	}
	f.owner, f.suspended = head.Metadata.controller(), suspended(raw)
	if s.unknown == "" {
		f.units, f.said = s.units, s.said
	}
	if f.kind.Target != "" {
		t := f.kind.targetOf(raw)
		_, what := all.of(t.APIVersion, t.Kind)
		f.target = what + "/" + t.Name
	}
}

// make notes what a controller makes for another object. The caller holds mu.
func (c *census) make(namespace string, a *ask) {
	if a.dryRun || a.kind == nil || a.kind.Target != "" {
		return
	}
	c.making[namespace+"/"+a.key] = making{a.asked, c.now().Add(made), a.owned}
}

// people are the objects of a namespace.
type people struct {
	kinds *kinds
	all   []*fact
	byKey map[string]*fact
	byUID map[string]*fact
	// scaled is the most that autoscalers may have of an object, by key.
	scaled map[string]int64
	// started are those that were let start from a queue, by key.
	started map[string]bool
}

func (p *people) add(f *fact) {
	if f.target != "" {
		p.scaled[f.target] = max(p.scaled[f.target], f.units)
	}
	p.all = append(p.all, f)
	p.byKey[f.key] = f
	if f.uid != "" {
		p.byUID[f.uid] = f
	}
}

// maxGenerations bounds how far owners are followed.
const maxGenerations = 8

// root follows owners to the last that is held and there: nil if already the
// first is not. An owner counts if it is there under its kind, name and UID.
func (p *people) root(o *owner) *fact {
	var last *fact
	for range maxGenerations {
		if o == nil {
			break
		}
		f := p.byUID[o.UID]
		if f == nil {
			break
		}
		if k, _ := p.kinds.of(o.APIVersion, o.Kind); k != f.kind || f.key != f.kind.Kind+"/"+o.Name {
			break
		}
		last, o = f, f.owner
	}
	return last
}

// under adds up the objects of a kind below a root, one of them left out.
func (p *people) under(root *fact, kind *Kind, but string) int64 {
	sum := int64(0)
	for _, f := range p.all {
		if f.kind == kind && f.key != but && !f.done && !f.ending && p.root(f.owner) == root {
			sum += f.units
		}
	}
	return sum
}

// thing is how much one object stands for: itself or what an autoscaler may
// have of it, whichever is more.
func (p *people) thing(key string) int64 {
	n := p.scaled[key]
	if f := p.byKey[key]; f != nil && !f.done {
		n = max(n, f.units)
	}
	return n
}

// newest is the newest version of a kind that was seen; "0" if there is none.
func (p *people) newest(k *Kind) string {
	newest := uint64(0)
	for _, f := range p.all {
		if v, err := strconv.ParseUint(f.version, 10, 64); err == nil && f.kind == k {
			newest = max(newest, v)
		}
	}
	return strconv.FormatUint(newest, 10)
}

// free reports whether nobody held owns an object: it counts by itself.
func (p *people) free(f *fact) bool { return p.root(f.owner) == nil }

// bound is how much a kind of what is made for an object may come to.
func (f *fact) bound() int64 {
	return min(f.units*int64(max(f.kind.Spare, 1))+int64(f.kind.Made), estate.NoLimit)
}

// covers are the bounds of what the floor knows and others made.
func (c *census) covers(namespace string) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]int{}
	p := c.of(namespace, nil)
	for _, f := range p.all {
		if f.kind.Group != "apps" || !f.kind.Scales || f.kind.Kind == "ReplicaSet" {
			continue
		}
		if root := p.root(f.owner); root != nil && root.said {
			out[f.key] = int(root.bound())
		}
	}
	return out
}
