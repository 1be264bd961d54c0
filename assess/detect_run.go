package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/events"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/stream"
)

// Running is detection at work. Whatever comes in, by HTTP or from files, is stored in
// the stream before it is acknowledged; from there it is read in one order, taken in by
// the detector and archived. How far that has come is kept together with what was
// learnt, so that after a kill it goes on as if nothing had happened: what was done since
// is done again, from the same state, to the same end.
type Running struct {
	o       RunOptions
	store   store.Store
	stream  *stream.Stream
	archive *stream.Archive
	in      *Ingest
	unlock  func()

	mu      sync.Mutex // of all that follows
	watch   *Watch
	d       *detect.Detector
	files   *EventFiles
	decoder ocsf.Decoder
	event   ocsf.Event // the one that is read
	proofs  map[string]*proving
	rows    []stream.Row // not archived yet
	spare   []stream.Row // room for the next, empty
	rowsTo  uint64       // sequence up to which they go
	rowsAge time.Time    // when the first was read
	held    int          // bytes of rows
	unsaved int64        // what was read since the last save takes of the stream's room, in bytes
	kept    uint64       // sequence up to which the archive goes
	writing *segment     // what is being archived, nil for nothing
	last    uint64       // sequence of the batch that was read last
	slowest time.Duration
	trouble error // what keeps it from going on, nil while it does
	saved   time.Time
	day     int64 // of the newest event
}

// RunOptions are how a run is kept.
type RunOptions struct {
	// Dir is where the stream (unless it is a cluster's), the archive and the
	// quarantine lie.
	Dir string
	// Stream is how the stream is kept; its Dir is filled in unless it has a URL.
	Stream stream.Options
	// Snapshot is the estate, nil if none is known. Rules and Mapping may be nil.
	Snapshot *estate.Snapshot
	Rules    *sigma.Set
	Mapping  *ocsf.Mapping
	// FlowFormat is ocsf.Options.FlowFormat.
	FlowFormat string
	// RulesLeft is how many rules could not be loaded.
	RulesLeft int
	// Proofs signs the marks of synthetic events of a cluster; nil: none are known as such.
	Proofs detect.ProofKey
	// Budget is how many incidents a day are wanted; 0: as the state has it.
	Budget float64
	// RetainAge and RetainBytes bound the archive; 0: no bound.
	RetainAge   time.Duration
	RetainBytes int64
	// Tell hears of each incident as it is raised and, with grown set, each time a signal
	// is added to it. An incident that was told just before a kill is told again. May be nil.
	Tell func(i detect.Incident, grown bool)
	// Trouble hears of what holds the run up and of parts that gave no event. May be nil.
	Trouble func(string)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// proving is a synthetic attack that is under way.
type proving struct {
	proof detect.Proof
	began time.Time
	ids   map[string]bool
}

const (
	// proofWait is how long an attack may take to become an incident before it counts as
	// not seen.
	proofWait = 15 * time.Minute
	// An archive file is written once it has so many events or bytes, or its first is so old.
	segmentRows  = 25_000
	segmentBytes = 64 << 20
	segmentAge   = 10 * time.Minute
	// rememberFor is how far back in the archive ids are looked up, to know after a start
	// what came before it.
	rememberFor = 7 * 24 * time.Hour
	// fullWait is how long a sender waits for room in a full stream before it is told to
	// come again.
	fullWait = 20 * time.Second
)

// OpenRunning starts on what is in the state. Close ends it.
func OpenRunning(ctx context.Context, st store.Store, o RunOptions) (_ *Running, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Stream.URL == "" {
		o.Stream.Dir = filepath.Join(o.Dir, "stream")
	}
	r := &Running{o: o, store: st, proofs: map[string]*proving{}, decoder: ocsf.Decoder{Mapping: o.Mapping}, saved: o.Now(),
		files: NewEventFiles(o.Mapping)}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if r.unlock, err = HoldRun(o.Dir); err != nil {
		return nil, err
	}
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	if r.stream, err = stream.Open(ctx, o.Stream); err != nil {
		return nil, err
	}
	last, err := r.stream.Last(ctx)
	if err != nil {
		return nil, err
	}
	if at := max(r.watch.Reading.Sequence, r.kept); at > last {
		return nil, fmt.Errorf("the stream ends at batch %d, and batch %d was read already: it is another stream, or it was lost\nhint: restore %s, or begin with another --events folder and --state", last, at, o.Dir)
	}
	q, err := OpenQuarantine(o.Dir)
	if err != nil {
		return nil, err
	}
	r.in = &Ingest{Stream: r.stream, Quarantine: q, Options: ocsf.Options{Mapping: o.Mapping, FlowFormat: o.FlowFormat}, Now: o.Now, Told: r.rejected}
	return r, nil
}

// begin loads what is known.
func (r *Running) begin(ctx context.Context) error {
	release, err := r.store.Lock(ctx)
	if err != nil {
		return err
	}
	w, err := LoadWatch(ctx, r.store)
	if err = errors.Join(err, release()); err != nil {
		return err
	}
	r.watch = w
	if r.o.Budget > 0 {
		w.Budget.SetPerDay(r.o.Budget)
	}
	w.Budget.Spend(w.Learnt.Mature)
	r.last = w.Reading.Sequence
	if r.d, err = w.Detector(ctx, r.o.Snapshot, r.o.Rules, func(i *incident.Incident) { r.told(i, false) }, func(i *incident.Incident) { r.told(i, true) }); err != nil {
		return err
	}
	r.d.Proofs = r.o.Proofs
	w.Ruled.Left = r.o.RulesLeft
	if len(w.Reading.Groups) > 0 {
		if err := json.Unmarshal(w.Reading.Groups, r.d.Engine); err != nil {
			return err
		}
	}
	if w.Reading.Files == nil {
		w.Reading.Files = map[string]int64{}
	}
	if r.archive, err = stream.OpenArchive(filepath.Join(r.o.Dir, "archive")); err != nil {
		return err
	}
	r.kept = r.archive.Last()
	return r.archive.IDs(r.o.Now().Add(-rememberFor).UnixMilli(), func(id string, sum, sequence uint64) bool {
		if sequence <= r.last { // what the archive is ahead with comes again
			r.files.ids.add(identityOf(id, sum))
		}
		return r.files.ids.n < maxRemembered/2
	})
}

// Reading is how far a run has read, and what it had half done there.
type Reading struct {
	// Sequence is of the last batch of the stream that was learnt.
	Sequence uint64 `json:"sequence"`
	// Files says how far each file was read, in bytes, by path.
	Files map[string]int64 `json:"files,omitempty"`
	// Groups are the groups of signals that were open.
	Groups json.RawMessage `json:"groups,omitempty"`
}

// HoldRun keeps other runs away from a folder, which is made if there is none, until the
// function it returns is called or the process ends.
func HoldRun(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "run.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another sevenfold detect run is at work in %s\nhint: end it first; events go to it by --listen or into a folder that it follows", dir), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing ends the hold
}

// Close ends the stream; what is not saved is done again at the next start.
func (r *Running) Close() {
	r.mu.Lock()
	_ = r.written() // what was not archived is read from the stream again
	r.mu.Unlock()
	if r.in != nil {
		_ = r.in.Quarantine.Close() // each line was written when it came
	}
	if r.stream != nil {
		r.stream.Close()
	}
	if r.unlock != nil {
		r.unlock()
	}
}

// Take stores what one sender brought, for events.Receiver.
func (r *Running) Take(ctx context.Context, name string, body io.Reader) (events.Taken, error) {
	ctx, stop := context.WithTimeout(ctx, fullWait)
	defer stop()
	taken, err := r.in.Take(ctx, name, body)
	var bad *events.BadBody
	if err != nil && !errors.As(err, &bad) {
		r.say("what was sent could not be stored, and its sender was told to repeat: " + err.Error())
	}
	return taken, err
}

func (r *Running) say(text string) {
	if r.o.Trouble != nil {
		r.o.Trouble(text)
	}
}

// rejected hears of a part of a stream that gave no event.
func (r *Running) rejected(name string, bad *ocsf.Rejected) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files.reject(name, bad)
}

// told keeps an incident and passes it on.
func (r *Running) told(i *incident.Incident, grown bool) {
	doc := detect.DocumentOf(i)
	if r.played(i) { // a drill holds nobody back
		doc.Status, doc.Drill, doc.Reason = "closed", true, "synthetic attacks of sevenfold detect prove, and nothing else"
	}
	r.watch.Keep(doc)
	for _, p := range r.proofs {
		if p.proof.Found {
			continue
		}
		for _, s := range i.Signals {
			if p.ids[s.Event] {
				p.proof.Found, p.proof.Incident, p.proof.By = true, i.ID, s.By
				p.proof.Seconds = r.o.Now().Sub(p.began).Seconds()
				break
			}
		}
	}
	if r.o.Tell != nil {
		r.o.Tell(doc, grown)
	}
}

// played reports whether all of an incident's signals are of synthetic attacks.
func (r *Running) played(i *incident.Incident) bool {
	for _, s := range i.Signals {
		if !s.Played {
			return false
		}
	}
	return i.Count == len(i.Signals)
}

// Run reads the stream until the context ends. What holds it up is told, and tried again.
func (r *Running) Run(ctx context.Context) {
	for wait := time.Second; ctx.Err() == nil; {
		r.mu.Lock()
		from := min(r.last, max(r.kept, r.rowsTo)) + 1
		r.mu.Unlock()
		err := r.stream.Follow(ctx, from, r.batch, func() error { r.trying(nil); return nil })
		if ctx.Err() != nil {
			return
		}
		r.trying(err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Minute)
	}
}

// trying notes what keeps the run from going on, and tells it once.
func (r *Running) trying(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && (r.trouble == nil || r.trouble.Error() != err.Error()) {
		r.say("the stream cannot be read on, which is tried again: " + err.Error())
	}
	r.trouble = err
}

// batch takes in one batch of the stream.
func (r *Running) batch(b stream.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b.Damaged != nil {
		if err := r.in.Quarantine.Put("stream", &ocsf.Rejected{Offset: int64(b.Sequence), Size: int64(len(b.Events[0])), Reason: b.Damaged.Error(), Raw: b.Events[0]}); err != nil {
			return err
		}
		r.files.reject("stream", &ocsf.Rejected{Offset: int64(b.Sequence), Reason: b.Damaged.Error()})
		b.Events = nil
	}
	e := &r.event
	for _, data := range b.Events {
		if err := r.decoder.Unpack(data, e); err != nil {
			bad := &ocsf.Rejected{Offset: int64(b.Sequence), Size: int64(len(data)), Reason: err.Error(), Raw: data}
			if err := r.in.Quarantine.Put("stream", bad); err != nil {
				return err
			}
			r.files.reject("stream", bad)
			continue
		}
		if r.files.duplicate(e) {
			r.files.Duplicates++
			continue
		}
		if b.Sequence > r.kept {
			if len(r.rows) == 0 {
				r.rowsAge = r.o.Now()
				if r.rows == nil {
					r.rows, r.spare = r.spare, nil
				}
				if r.rows == nil {
					r.rows = make([]stream.Row, 0, segmentRows+segmentRows/16) // and what of a batch is beyond
				}
			}
			row := RowOf(e)
			row.Sequence = b.Sequence
			r.rows = append(r.rows, row)
			r.held += len(data)
		}
		if b.Sequence > r.last {
			r.take(e)
		}
	}
	r.unsaved += int64(b.Size)
	r.rowsTo = max(r.rowsTo, b.Sequence)
	if b.Sequence > r.last {
		r.last = b.Sequence
		r.slowest = max(r.slowest, r.o.Now().Sub(b.Stored))
	}
	if len(r.rows) >= segmentRows || r.held >= segmentBytes {
		return r.keepSoon()
	}
	return nil
}

// take takes one event in; the lock is held.
func (r *Running) take(e *ocsf.Event) {
	if m := r.d.Played(e); m == "" {
		r.files.note(e)
	} else { // that a drill arrived does not say that what happens does
		r.files.Events++
		p := r.proofs[m]
		if p == nil {
			p = &proving{proof: detect.Proof{At: r.o.Now().UTC(), Marker: m, Technique: detect.PlayOf(m)}, began: r.o.Now(), ids: map[string]bool{}}
			r.proofs[m] = p
		}
		p.ids[strings.Clone(e.ID)] = true
	}
	if day := e.Time / (24 * 3600 * 1000); day > r.day { // each principal is looked at for this
		r.day = day
		if !r.watch.Budget.Spending() && detect.LearntOf(r.watch.Model).Mature {
			r.watch.Budget.Spend(true)
		}
	}
	r.d.Take(e)
}

// Drain returns once all that was stored before has been taken in, or the context ends.
func (r *Running) Drain(ctx context.Context) error {
	for {
		last, err := r.stream.Last(ctx)
		if err != nil {
			return err
		}
		r.mu.Lock()
		done, trouble := r.last >= last, r.trouble
		r.mu.Unlock()
		switch {
		case done:
			return nil
		case trouble != nil:
			return trouble
		case ctx.Err() != nil:
			return ctx.Err()
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Save keeps what was learnt and told, and how far the stream was read; what the stream
// then holds no more needs, it drops. It ends proofs whose time is over. A state that
// another process uses is a *store.LockedError: nothing is lost by saving later.
func (r *Running) Save(ctx context.Context) error {
	release, err := r.store.Lock(ctx)
	if err != nil {
		return err
	}
	upTo, err := r.save(ctx)
	if err = errors.Join(err, release()); err != nil {
		return err
	}
	return r.stream.Trim(ctx, upTo)
}

func (r *Running) save(ctx context.Context) (upTo uint64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.watch.Heed(ctx, r.store); err != nil {
		return 0, err
	}
	if err := r.written(); err != nil {
		return 0, err
	}
	if len(r.rows) == 0 {
		r.kept = max(r.kept, r.rowsTo) // what was read since were duplicates
	} else if r.o.Now().Sub(r.rowsAge) > segmentAge || int64(r.held) > r.stream.MaxBytes()/8 { // what is not archived keeps its room in the stream
		if err := r.keep(); err != nil {
			return 0, err
		}
	}
	if _, err := r.archive.Retain(r.o.RetainBytes, r.o.RetainAge, r.o.Now()); err != nil {
		return 0, err
	}
	r.d.Engine.Pass(time.UnixMilli(r.d.Last))
	for m, p := range r.proofs {
		if p.proof.Found || r.o.Now().Sub(p.began) > proofWait {
			r.watch.Proofs = append(r.watch.Proofs, p.proof)
			if n := len(r.watch.Proofs); n > maxProofs {
				r.watch.Proofs = r.watch.Proofs[n-maxProofs:]
			}
			delete(r.proofs, m)
		}
	}
	r.watch.Arrived(r.files)
	r.files.Seen = map[ocsf.Source]*detect.Seen{}
	if r.watch.Reading.Groups, err = json.Marshal(r.d.Engine); err != nil {
		return 0, err
	}
	r.watch.Reading.Sequence = r.last
	if err := r.watch.Save(ctx, r.store); err != nil {
		return 0, err
	}
	r.saved, r.unsaved = r.o.Now(), 0
	return min(r.last, r.kept), nil
}

// Due reports whether a save is due: its time has come, or the stream fills up with what
// was read since.
func (r *Running) Due(every time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.o.Now().Sub(r.saved) >= every || r.unsaved > r.stream.MaxBytes()/4
}

// maxProofs is how many proofs are kept.
const maxProofs = 200

// Finish archives what is not archived yet, and saves.
func (r *Running) Finish(ctx context.Context) error {
	r.mu.Lock()
	err := r.keep()
	r.mu.Unlock()
	return errors.Join(err, r.Save(ctx))
}

// Watch is what the run knows, for who asks once it has ended.
func (r *Running) Watch() *Watch { return r.watch }

// Totals are what was taken in so far.
func (r *Running) Totals() (events, duplicates, rejected int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.files.Events, r.files.Duplicates, r.files.RejectedCount
}

// Unread says in words what was rejected; "" for nothing.
func (r *Running) Unread() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.files.Unread()
}
