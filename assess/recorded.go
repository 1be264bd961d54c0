package assess

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"sync/atomic"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	providerAWS "github.com/sevenfold-sec/sevenfold/provider/aws"
	providerKubernetes "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/store"
)

// Recorded keeps what the steps that cost most judged of an estate, with what they
// read of it, so that it need not be judged again where all that they read is the
// same: before a plan, of a snapshot that was judged for an earlier one, and after a
// plan that changes nothing they look at. The whole is judged wherever that is not
// certain.
//
// A record counts for the program that made it only: another may judge otherwise.
type Recorded struct {
	store   store.Store      // nil: for this run only
	program string           // empty: the same
	base    *estate.Snapshot // what of it is judged goes into the store; nil: nothing does
	steps   map[string]*record
	asked   map[string]bool // of the store
	reused  int
	grown   int // of those, how many of a snapshot whose amounts differ
	// outline is that of the snapshot asked about last.
	outline estate.Digest
	of      *estate.Snapshot
}

// newRecorded returns records kept in a store, if the program says who it is.
func newRecorded(st store.Store, program string) *Recorded {
	return &Recorded{store: st, program: program, steps: map[string]*record{}, asked: map[string]bool{}}
}

// record is one step's judgement.
type record struct {
	// Key is the digest of all it rests on but configurations.
	Key string `json:"key"`
	// Read are the nodes whose configurations were read, a bit each, and Configs is the
	// digest of those.
	Read    nodeBits `json:"read"`
	Configs string   `json:"configs"`
	// Judgement is the step's, as it gave it.
	Judgement json.RawMessage `json:"judgement"`
	// of is a snapshot of which it is known to hold in this run; nil: none.
	of *estate.Snapshot
}

// rests is a step that says what its judgement rests on beside snapshot, scope and
// workloads. ok is false where that cannot be told, or is too much to be recorded.
type rests interface {
	Rests() (on string, ok bool)
}

// heedless is a step that says of amounts whether they matter to it. Nobody is asked
// about how large a unit is: that matters.
type heedless interface {
	Heeds(a *estate.Asset, was, is int64) bool
}

// judge has a step judge, or returns what is recorded of it.
func (r *Recorded) judge(ctx context.Context, s Step, snap *estate.Snapshot, workloads *scope.Workloads, o Options) (finding.Judgement, error) {
	key, ok, err := r.key(s, snap, workloads, o)
	if err != nil || !ok {
		return s.Judge(ctx, snap, workloads)
	}
	if j := r.find(ctx, s, key, snap); j != nil {
		r.reused++
		return *j, nil
	}
	read := make(nodeBits, (snap.Len()+63)/64)
	var failed atomic.Bool
	seen := snap.Watched(func(n estate.Node, err error) {
		read.set(n)
		if err != nil {
			failed.Store(true)
		}
	})
	j, err := s.Judge(ctx, seen, workloads.Over(seen))
	// Some tell of a configuration that could not be had and go on. That is no record of
	// what the snapshot says.
	if err != nil || failed.Load() || ctx.Err() != nil {
		return j, err
	}
	text, err := json.Marshal(j)
	if err != nil {
		return j, nil // it is judged again next time
	}
	one := &record{Key: key, Read: read, Judgement: text, of: snap}
	one.Configs = hexOf(snap.ConfigsDigest(read.has))
	if r.steps[s.ID()] = one; r.base != nil && o.seen == r.base {
		r.write(ctx, s.ID(), one)
	}
	return j, nil
}

func hexOf(d estate.Digest) string { return hex.EncodeToString(d[:]) }

// key is the digest of all that a step's judgement rests on but configurations; ok is
// false for a step of which nobody can tell.
func (r *Recorded) key(s Step, snap *estate.Snapshot, workloads *scope.Workloads, o Options) (key string, ok bool, err error) {
	tells, is := s.(rests)
	if r == nil || !is || o.Scope.Digest == "" {
		return "", false, nil
	}
	on, ok := tells.Rests()
	if !ok {
		return "", false, nil
	}
	if r.of != snap {
		if r.outline, err = snap.Outline(); err != nil {
			return "", false, err
		}
		r.of = snap
	}
	text, err := json.Marshal([]any{"sevenfold record 1", r.program, s.ID(), on, o.Scope.Digest, o.Controls.Digest(), hexOf(r.outline), workloads.List, workloads.Notes})
	if err != nil {
		return "", false, err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), true, nil
}

// find returns what is recorded of a step, if it holds for a snapshot: nil if not.
func (r *Recorded) find(ctx context.Context, s Step, key string, snap *estate.Snapshot) *finding.Judgement {
	step := s.ID()
	if one := r.steps[step]; one.holds(key, snap) {
		return one.judgement()
	} else if one.outgrown(s, key, snap) {
		r.grown++
		return one.judgement()
	}
	if r.store == nil || r.program == "" || r.asked[step] {
		return nil
	}
	// What is damaged, or cannot be had, is not there: the whole is judged then.
	r.asked[step] = true
	text, _, err := r.store.Blob(ctx, gateStep, recordKey(step), 0)
	if err != nil {
		return nil
	}
	one := unpacked(text)
	if !one.holds(key, snap) {
		return nil
	}
	r.steps[step] = one
	return one.judgement()
}

// holds reports whether a record is of what a snapshot says.
func (r *record) holds(key string, snap *estate.Snapshot) bool {
	ok := r.fits(key, snap) && r.Configs == hexOf(snap.ConfigsDigest(r.Read.has))
	if ok {
		r.of = snap
	}
	return ok
}

func (r *record) fits(key string, snap *estate.Snapshot) bool {
	return r != nil && r.Key == key && len(r.Read) == (snap.Len()+63)/64
}

// outgrown reports whether a record is of what a snapshot says but for amounts that the
// step does not heed.
func (r *record) outgrown(s Step, key string, snap *estate.Snapshot) bool {
	h, ok := s.(heedless)
	return ok && r.fits(key, snap) && r.of != nil && amountsAlone(h, r.Read.has, r.of, snap)
}

// amountsAlone reports whether the configurations of some nodes of two snapshots with
// one outline differ in nothing but amounts that a step does not heed.
func amountsAlone(h heedless, read func(estate.Node) bool, was, is *estate.Snapshot) bool {
	for n, a := range is.Assets() {
		if !read(n) || was.ConfigDigest(n) == is.ConfigDigest(n) {
			continue
		}
		before, err := was.Config(n)
		if err != nil {
			return false
		}
		after, err := is.Config(n)
		if err != nil {
			return false
		}
		amounts, ok := scaleRule(a).AmountsAlone(a, before, after)
		if !ok || slices.ContainsFunc(amounts, func(m [2]int64) bool { return h.Heeds(a, m[0], m[1]) }) {
			return false
		}
	}
	return true
}

// scaleRule says what amounts assets like one ask for, as its provider reads it.
func scaleRule(a *estate.Asset) estate.ScaleRule {
	switch a.Cloud {
	case estate.AWS:
		return providerAWS.ScaleRule(a.Type)
	case estate.Kubernetes:
		return providerKubernetes.ScaleRule(a.Type)
	}
	return estate.ScaleRule{}
}

// judgement is made anew each time, since who has one changes it.
func (r *record) judgement() *finding.Judgement {
	var j finding.Judgement
	if json.Unmarshal(r.Judgement, &j) != nil {
		return nil
	}
	return &j
}

func recordKey(step string) string { return "judged." + step }

// maxRecord bounds what is unpacked of a record: ten times what a million assets make.
const maxRecord = 1 << 30

func unpacked(text []byte) *record {
	zip, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	all, err := io.ReadAll(newBounded(zip, maxRecord))
	var one record
	if err != nil || json.Unmarshal(all, &one) != nil {
		return nil
	}
	return &one
}

// write puts a record into the store, in the place of the one before. That it cannot,
// for want of room or of the right to write, costs the next plan time and no more: the
// decision is made, and does not fail for it.
func (r *Recorded) write(ctx context.Context, step string, one *record) {
	if r.store == nil || r.program == "" {
		return
	}
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err == nil {
		err = json.NewEncoder(zip).Encode(one)
	}
	if err == nil {
		err = zip.Close()
	}
	if err == nil {
		_ = r.store.PutBlobs(ctx, gateStep, map[string][]byte{recordKey(step): packed.Bytes()}, 1)
	}
}

// nodeBits is a set of nodes. It may be added to from many goroutines.
type nodeBits []uint64

func (b nodeBits) set(n estate.Node) { atomic.OrUint64(&b[n/64], 1<<(n%64)) }

func (b nodeBits) has(n estate.Node) bool { return b[n/64]>>(n%64)&1 == 1 }
