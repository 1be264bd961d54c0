package data

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/data/sample"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// Item is one thing of a store that is examined: an object, a table, a collection.
type Item struct {
	Key string `json:"key"`
	// ETag tells one content from another; empty where nothing does, so that it is
	// read each time.
	ETag     string    `json:"etag,omitempty"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified,omitzero"`
	// Paged is true of a table of a database, of which single pages can be read.
	Paged bool `json:"-"`
}

// Reading is what came of examining one item.
type Reading struct {
	scan.Result
	// Draws are the places drawn at which a record was read; 0 where everything was.
	Draws int `json:"draws,omitempty"`
}

// Store is a place whose items are examined. A collector implements it, for reading
// only.
type Store interface {
	// URI names it to a person and in the state.
	URI() string
	// List visits what is in it.
	List(ctx context.Context, visit func(Item) error) error
	// Examine reads an item the way a stratum says, at the places drawn if any. What
	// is wrong with the item is in the reading; the error is the context's.
	Examine(ctx context.Context, s *scan.Scanner, i Item, way string, places []int64) (Reading, error)
}

// Member is a store that is one of several on a server.
type Member interface {
	// Others names those beside it.
	Others(ctx context.Context) ([]string, error)
}

// Seen is an item as it was examined, for the next run.
type Seen struct {
	Item
	// Masked is true where values that are somebody's were taken out of the key: it is
	// then told apart by a digest.
	Masked  bool    `json:"masked,omitempty"`
	Stratum string  `json:"stratum"`
	Way     string  `json:"way"`
	Places  []int64 `json:"places,omitempty"`
	Reading Reading `json:"reading"`
}

// same reports whether an examination need not be made again.
func (s *Seen) same(i Item, stratum sample.Stratum, p sample.Pick) bool {
	return i.ETag != "" && s.ETag == i.ETag && s.Size == i.Size &&
		(s.Way == sample.Whole && len(s.Places) == 0 || s.Way == stratum.Way && slices.Equal(s.Places, p.Places))
}

// Memory keeps what was examined between runs, and what was found. A run that is
// ended before its time goes on where its memory ends.
type Memory interface {
	// Before is what is remembered of a store, by key.
	Before(ctx context.Context) (map[string]Seen, error)
	// Keep remembers further items.
	Keep(ctx context.Context, more []Seen) error
	// Sum keeps what the whole run found.
	Sum(ctx context.Context, s *Summary) error
}

// Surveying are the choices of one survey.
type Surveying struct {
	Sample sample.Options
	// Copied is the folder that holds a copy, where a copy was read instead of the store.
	Copied string
	// Scanner tells one scanner's findings from another's.
	Scanner string
	Now     time.Time
	// Workers is how many items are read at a time; 1.
	Workers int
	// Heard is called as each item is done; nil: nobody listens.
	Heard func(done, of int, again bool)
}

// Survey is what one run found in a store.
type Survey struct {
	Plan    sample.Plan
	Items   []Seen // in the order of the plan
	Again   int    // of them, those remembered from an earlier run
	Summary Summary
}

// Listing lists a store for a plan. An item without an end is its own mistake.
func Listing(ctx context.Context, st Store) (items []Item, plan []sample.Item, err error) {
	err = st.List(ctx, func(i Item) error {
		items = append(items, i)
		plan = append(plan, sample.Item{Key: i.Key, Size: i.Size, Modified: i.Modified, Paged: i.Paged})
		return ctx.Err()
	})
	return items, plan, err
}

// batch is how many items are examined between two keepings at most, and batchBytes how much is
// read between them: a run that is ended loses no more than that.
const (
	batch      = 200
	batchBytes = 64 << 20
	placeBytes = 64 << 10 // read around a place, about
)

// Examined examines what a plan picks of a store.
func Examined(ctx context.Context, st Store, s *scan.Scanner, items []Item, p sample.Plan, m Memory, o Surveying) (*Survey, error) {
	before, err := m.Before(ctx)
	if err != nil {
		return nil, err
	}
	type task struct {
		stratum *sample.Stratum
		pick    sample.Pick
	}
	var tasks []task
	for i := range p.Strata {
		for _, pick := range p.Strata[i].Picks {
			tasks = append(tasks, task{&p.Strata[i], pick})
		}
	}
	out := &Survey{Plan: p, Items: make([]Seen, len(tasks))}
	for from, end := 0, 0; from < len(tasks); from = end {
		for read := int64(0); end < len(tasks) && end-from < batch && (end == from || read < batchBytes); end++ {
			size := items[tasks[end].pick.Item].Size
			if n := int64(len(tasks[end].pick.Places)); n > 0 {
				size = min(size, n*placeBytes)
			}
			read += size
		}
		part := tasks[from:end]
		fresh := make([]bool, len(part))
		err := each(ctx, len(part), max(o.Workers, 1), func(ctx context.Context, i int) error {
			t := part[i]
			item := items[t.pick.Item]
			kept, masked := remembered(s, item)
			known, ok := before[kept.Key]
			if again := ok && known.same(item, *t.stratum, t.pick); again {
				known.Stratum, known.Item = t.stratum.Name, kept
				out.Items[from+i] = known
			} else {
				r, err := st.Examine(ctx, s, item, t.stratum.Way, t.pick.Places)
				if err != nil {
					return err
				}
				out.Items[from+i], fresh[i] = Seen{Item: kept, Masked: masked, Stratum: t.stratum.Name, Way: t.stratum.Way, Places: t.pick.Places, Reading: r}, true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		var more []Seen
		for i, is := range fresh {
			if is {
				more = append(more, out.Items[from+i])
			} else {
				out.Again++
			}
		}
		if err := m.Keep(ctx, more); err != nil {
			return nil, err
		}
		if o.Heard != nil {
			o.Heard(from+len(part), len(tasks), len(more) == 0)
		}
	}
	out.Summary = summarise(st.URI(), out, p, o)
	if m, ok := st.(Member); ok {
		if out.Summary.Others, err = m.Others(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			out.Summary.Undecided++
			out.Summary.Reasons = append(out.Summary.Reasons, Reason{err.Error(), 1})
		}
	}
	return out, m.Sum(ctx, &out.Summary)
}

// remembered is an item as it is kept: without what its key holds of somebody.
func remembered(s *scan.Scanner, i Item) (Item, bool) {
	bare, found := s.Bare(i.Key)
	if len(found) == 0 {
		return i, false
	}
	sum := sha256.Sum256([]byte(i.Key))
	i.Key = bare + "#" + hex.EncodeToString(sum[:8])
	return i, true
}

// Sampled reads the places drawn in an object as one smaller object: its beginning,
// which may name the columns, and the whole lines at each place. It returns at how
// many places a record began and ended.
func Sampled(r io.ReaderAt, size int64, places []int64) (text []byte, drawn int, err error) {
	head := make([]byte, min(size, sample.HeadRead))
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), head); err != nil {
		return nil, 0, err
	}
	text = append(text, upToLine(head)...)
	end := int64(len(text))
	buf := make([]byte, sample.Block)
	for _, at := range places {
		if at < end { // what is drawn was read already
			drawn++
			continue
		}
		n, err := r.ReadAt(buf, at)
		if err != nil && n == 0 {
			return text, drawn, err
		}
		lines := fromLine(buf[:n])
		if at+int64(n) < size {
			lines = upToLine(lines)
		}
		if len(lines) == 0 {
			continue // a record longer than what is read at a place
		}
		drawn++
		text = append(text, lines...)
		end = at + int64(n)
	}
	return text, drawn, nil
}

func upToLine(b []byte) []byte {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == '\n' {
			return b[:i+1]
		}
	}
	return nil
}

func fromLine(b []byte) []byte {
	for i, c := range b {
		if c == '\n' {
			return b[i+1:]
		}
	}
	return nil
}

// ExamineObject reads a stored object the way a stratum says.
func ExamineObject(ctx context.Context, s *scan.Scanner, o Object, way string, places []int64) (Reading, error) {
	if len(places) == 0 || way == sample.Whole {
		r, err := Examine(ctx, s, o, format.Limits{})
		return Reading{Result: r, Draws: len(places)}, err
	}
	r, size, done, err := o.Open()
	if err != nil {
		return Reading{Result: unread(s, o.Path(), err.Error())}, nil
	}
	out := Reading{Draws: len(places)}
	lim := format.Limits{Sampled: true}
	in := r
	length := size
	switch way {
	case sample.Ranges:
		text, drawn, rerr := Sampled(r, size, places)
		if rerr != nil {
			_ = done() // its word is the reading's
			return Reading{Result: unread(s, o.Path(), rerr.Error())}, ctx.Err()
		}
		in, length, out.Draws = strings.NewReader(string(text)), int64(len(text)), drawn
	case sample.Groups:
		for _, at := range places {
			lim.Places = append(lim.Places, float64(at)/float64(max(size, 1)))
		}
	default:
		lim.Bytes = 4 * sample.HeadRead
		out.Draws = 1
	}
	out.Result, err = s.Object(ctx, o.Path(), in, length, lim)
	out.Examined.Of = size
	if way == sample.Groups {
		out.Draws = int(min(out.Examined.Rows, int64(len(places))))
	}
	if cerr := done(); cerr != nil {
		out.Reasons = append(out.Reasons, cerr.Error())
	}
	return out, err
}

// dirOf is where an item lies in its store.
func dirOf(key string) string {
	dir := path.Dir(key)
	if dir == "." {
		return ""
	}
	return dir + "/"
}

func byCount(a, b StoreLabel) int {
	return cmp.Or(strings.Compare(string(a.Group), string(b.Group)), strings.Compare(a.Type, b.Type))
}
