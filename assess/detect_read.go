package assess

import (
	"bufio"
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

const (
	// maxSortedFile is how large a file may be for its events to be held and put in
	// order of time; a larger one is read as it is written.
	maxSortedFile = 512 << 20
	// maxRejected is how many parts that gave no event are told one by one.
	maxRejected = 100
	// maxRemembered is how many ids of events are remembered, to know a duplicate.
	maxRemembered = 4_000_000
)

// EventFiles are logs of events in files and folders.
type EventFiles struct {
	// Rejected are parts that gave no event, at most maxRejected; RejectedCount all.
	Rejected      []detect.Rejected
	RejectedCount int
	Events        int
	Duplicates    int
	Files         int
	// PassedOver are records known to tell of no act: ocsf.Reader.Empty.
	PassedOver int64
	// First and Last are the times of the first and last event.
	First, Last time.Time
	Seen        map[ocsf.Source]*detect.Seen
	// FlowFormat is ocsf.Options.FlowFormat.
	FlowFormat string
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	days       map[int64]struct{} // on which something happened, since 1970
	ids, older idSet
	mapping    *ocsf.Mapping
}

// NewEventFiles returns one that has read nothing; mapping reads JSON of a format of the
// user's own and may be nil.
func NewEventFiles(mapping *ocsf.Mapping) *EventFiles {
	return &EventFiles{Rejected: []detect.Rejected{}, Seen: map[ocsf.Source]*detect.Seen{}, days: map[int64]struct{}{}, mapping: mapping}
}

// eventFile is a file with the time of its first event.
type eventFile struct {
	path  string
	first int64
	large bool
}

// Read calls take for each event in files and folders, in order of time as far as
// files are of a size to be held; an event that came before is counted and left out. The
// event is take's until it returns. What gives no event is rejected and the rest goes
// on. The error is one of a path that is not there, or of take, or the context's.
func (f *EventFiles) Read(ctx context.Context, paths []string, take func(*ocsf.Event) error) error {
	files, err := f.find(ctx, paths)
	if err != nil {
		return err
	}
	return f.merge(ctx, files, take)
}

// find lists the files with the time of their first event, earliest first.
func (f *EventFiles) find(ctx context.Context, paths []string) ([]eventFile, error) {
	var out []eventFile
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return nil, &SourceError{p, "it cannot be read: " + err.Error(), "name files or folders of events: sevenfold detect replay PATH…"}
		}
		err := filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				f.reject(name, &ocsf.Rejected{Reason: err.Error()})
				return nil
			case d.IsDir(), name != p && !holdsLog(name):
				return nil
			case isSign(name):
				signed(name, f.reject)
				return nil
			}
			info, err := os.Stat(name)
			if err != nil || !info.Mode().IsRegular() {
				f.reject(name, &ocsf.Rejected{Reason: "it is no file that can be read"})
				return nil
			}
			e := eventFile{path: name, large: info.Size() > maxSortedFile}
			e.first = f.firstTime(name)
			f.Files++
			out = append(out, e)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b eventFile) int { return cmp.Compare(a.first, b.first) })
	return out, nil
}

// firstTime is the earliest time among the first events of a file.
func (f *EventFiles) firstTime(name string) int64 {
	first := int64(0)
	n := 0
	passed := f.PassedOver
	_ = f.each(name, func(e *ocsf.Event) error { // what is wrong is told when it is read
		if first == 0 || e.Time < first {
			first = e.Time
		}
		if n++; n >= 1000 {
			return io.EOF
		}
		return nil
	}, func(*ocsf.Rejected) {})
	f.PassedOver = passed // as what is wrong is
	return first
}

// each reads one file.
func (f *EventFiles) each(name string, take func(*ocsf.Event) error, reject func(*ocsf.Rejected)) error {
	in, closeAll, err := openLog(name)
	if err != nil {
		reject(&ocsf.Rejected{Reason: err.Error()})
		return nil
	}
	defer closeAll()
	r, err := ocsf.NewReader(bufio.NewReaderSize(in, 256<<10), ocsf.Options{Name: name, Mapping: f.mapping, FlowFormat: f.FlowFormat})
	if err != nil {
		reject(&ocsf.Rejected{Reason: err.Error()})
		return nil
	}
	defer func() { f.PassedOver += r.Empty() }()
	now := time.Now
	if f.Now != nil {
		now = f.Now
	}
	latest := now().Add(maxAhead).UnixMilli()
	for {
		var e ocsf.Event
		err := r.Next(&e)
		var bad *ocsf.Rejected
		if err == nil && e.Time > latest {
			err = &ocsf.Rejected{Offset: r.Offset(), Size: int64(len(e.Raw)), Reason: errAhead, Raw: e.Raw}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			reject(bad)
			continue
		case err != nil:
			reject(&ocsf.Rejected{Reason: err.Error()})
			return nil
		}
		if err := take(&e); err != nil {
			return err
		}
	}
}

func (f *EventFiles) reject(name string, r *ocsf.Rejected) {
	f.RejectedCount++
	if len(f.Rejected) < maxRejected {
		f.Rejected = append(f.Rejected, detect.Rejected{Path: name, Offset: r.Offset, Reason: r.Reason})
	}
}

// heldFile is a file whose events are held in order of time.
type heldFile struct {
	events []ocsf.Event
	next   int
}

type openHeap []*heldFile

func (h openHeap) Len() int { return len(h) }
func (h openHeap) Less(i, j int) bool {
	return h[i].events[h[i].next].Time < h[j].events[h[j].next].Time
}
func (h openHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *openHeap) Push(x any) { *h = append(*h, x.(*heldFile)) }

// Pop implements heap.Interface.
func (h *openHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// merge gives the events of all files in order of time: a file is opened when the time
// of its first event has come.
func (f *EventFiles) merge(ctx context.Context, files []eventFile, take func(*ocsf.Event) error) error {
	var open openHeap
	give := func(e *ocsf.Event) error {
		if f.duplicate(e) {
			f.Duplicates++
			return nil
		}
		f.note(e)
		return take(e)
	}
	for len(files) > 0 || len(open) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(open) > 0 && (len(files) == 0 || open[0].events[open[0].next].Time < files[0].first) {
			o := open[0]
			if err := give(&o.events[o.next]); err != nil {
				return err
			}
			o.events[o.next] = ocsf.Event{}
			if o.next++; o.next == len(o.events) {
				heap.Pop(&open)
			} else {
				heap.Fix(&open, 0)
			}
			continue
		}
		file := files[0]
		files = files[1:]
		if file.large {
			if err := f.each(file.path, give, func(r *ocsf.Rejected) { f.reject(file.path, r) }); err != nil {
				return err
			}
			continue
		}
		o := &heldFile{}
		_ = f.each(file.path, func(e *ocsf.Event) error { o.events = append(o.events, *e); return nil }, func(r *ocsf.Rejected) { f.reject(file.path, r) })
		if len(o.events) > 0 {
			slices.SortStableFunc(o.events, func(a, b ocsf.Event) int { return cmp.Compare(a.Time, b.Time) })
			heap.Push(&open, o)
		}
	}
	return nil
}

// duplicate reports whether an event's id was seen before. Of ids beyond maxRemembered
// the older half is forgotten.
func (f *EventFiles) duplicate(e *ocsf.Event) bool {
	k := identity(e)
	if f.older.has(k) {
		return true
	}
	if f.ids.n >= maxRemembered/2 && !f.ids.has(k) {
		f.older, f.ids = f.ids, idSet{}
	}
	return f.ids.add(k)
}

// identity is the same of two events if one is the other come again: by its id where that
// is the provider's, else by its bytes too.
func identity(e *ocsf.Event) uint64 {
	if e.Source.OwnID() {
		return identityOf(e.ID, 0)
	}
	return identityOf(e.ID, hash(e.Raw))
}

func identityOf(id string, sum uint64) uint64 {
	return maphash.String(seed, id) ^ bits.RotateLeft64(sum, 23)
}

// seed is of this process: hashes of ids are not kept, and nobody can choose ids to be taken
// for others.
var seed = maphash.MakeSeed()

// hash is FNV-1a, of what is kept with events.
func hash(s []byte) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

func (f *EventFiles) note(e *ocsf.Event) {
	f.Events++
	f.days[e.Time/dayMillis] = struct{}{}
	t := time.UnixMilli(e.Time).UTC()
	if f.First.IsZero() || t.Before(f.First) {
		f.First = t
	}
	if t.After(f.Last) {
		f.Last = t
	}
	s := f.Seen[e.Source]
	if s == nil {
		s = &detect.Seen{Source: e.Source.String()}
		f.Seen[e.Source] = s
	}
	s.Events++
	if t.After(s.Last) {
		s.Last = t
	}
	if s.First.IsZero() || t.Before(s.First) {
		s.First = t
	}
}

const dayMillis = 24 * 3600 * 1000

// Days is how many days the events cover, at least one part of a day. Days without any
// do not count: one event with a wrong clock makes no year.
func (f *EventFiles) Days() float64 {
	return max(min(f.Last.Sub(f.First).Hours()/24, float64(len(f.days))), 1.0/24)
}

// Unread says in words what was rejected; "" for nothing.
func (f *EventFiles) Unread() string {
	if f.RejectedCount == 0 {
		return ""
	}
	r := f.Rejected[0]
	return fmt.Sprintf("%d parts of the logs gave no event, the first in %s at byte %d: %s", f.RejectedCount, r.Path, r.Offset, strings.TrimSpace(r.Reason))
}

// Arrived adds what was read to what had arrived before.
func (w *Watch) Arrived(f *EventFiles) {
	for _, s := range f.Seen {
		at := slices.IndexFunc(w.Seen, func(x detect.Seen) bool { return x.Source == s.Source })
		if at < 0 {
			w.Seen = append(w.Seen, *s)
			continue
		}
		w.Seen[at].Events += s.Events
		if s.Last.After(w.Seen[at].Last) {
			w.Seen[at].Last = s.Last
		}
		if was := &w.Seen[at]; !was.First.IsZero() && s.First.Before(was.First) {
			was.First = s.First // one whose beginning was not noted stays not known
		}
	}
	slices.SortFunc(w.Seen, func(a, b detect.Seen) int { return strings.Compare(a.Source, b.Source) })
}
