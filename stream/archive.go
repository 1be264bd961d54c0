package stream

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// Row is an event as it is kept: the fields it is looked for by, and its bytes.
type Row struct {
	Time      int64  `parquet:"time,delta"` // Unix milliseconds
	ID        string `parquet:"id"`
	Source    string `parquet:"source,dict"`
	Class     int32  `parquet:"class_uid,dict"`
	Account   string `parquet:"account,dict"`
	Region    string `parquet:"region,dict"`
	Service   string `parquet:"service,dict"`
	Action    string `parquet:"action,dict"`
	Principal string `parquet:"principal,dict"`
	ActorType string `parquet:"actor_type,dict"`
	Model     string `parquet:"model,dict"` // of calls of a model
	SourceIP  string `parquet:"source_ip,dict"`
	Failed    bool   `parquet:"failed"`
	Sequence  uint64 `parquet:"sequence,delta"` // of its batch in the stream
	// Sum tells events apart whose id is not the provider's; 0 elsewhere.
	Sum uint64 `parquet:"sum"`
	Raw []byte `parquet:"raw"`
}

// Archive keeps events in a folder, as Parquet files compressed by Zstandard,
// which other tools read too. A file's name says which time and which part of
// the stream it holds; within it Bloom filters say which principals and ids.
// It is written by one process; any number may read. Its methods may be called while
// Write is under way, which is not called twice at once.
type Archive struct {
	dir      string
	writer   *parquet.GenericWriter[Row] // of the file before, for its room; Write's
	mu       sync.Mutex
	segments []Segment // by path; the slice itself is never changed, only replaced
}

// Segment is one file of an archive.
type Segment struct {
	Path        string
	From, To    int64  // times of its first and last event, Unix milliseconds
	First, Last uint64 // sequences in the stream
	Bytes       int64
}

// segmentName is "TIME-TIME-SEQUENCE-SEQUENCE.parquet", fixed in width so that
// names sort by time.
const segmentName = "%015d-%015d-%020d-%020d.parquet"

// OpenArchive opens the archive in a folder, which is made if there is none.
// What an interrupted write left behind is removed.
func OpenArchive(dir string) (*Archive, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	a := &Archive{dir: dir}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".part") {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return nil, fmt.Errorf("archive: %w", err)
			}
			continue
		}
		s := Segment{Path: filepath.Join(dir, e.Name())}
		if n, err := fmt.Sscanf(e.Name(), segmentName, &s.From, &s.To, &s.First, &s.Last); n != 4 || err != nil {
			continue // not ours
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		s.Bytes = info.Size()
		a.segments = append(a.segments, s)
	}
	return a, nil
}

// Segments are the files, by time.
func (a *Archive) Segments() []Segment { return slices.Clone(a.list()) }

func (a *Archive) list() []Segment {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.segments
}

// Last is the sequence up to which the stream is archived: reading it goes on
// after that, so that every event is kept once.
func (a *Archive) Last() uint64 {
	var last uint64
	for _, s := range a.list() {
		last = max(last, s.Last)
	}
	return last
}

// Write keeps rows, which are the stream's from sequence first to last, as one
// file, in order of time; it is on disk when Write returns, or not there at all.
// A part that is kept already is not kept twice.
func (a *Archive) Write(rows []Row, first, last uint64) error {
	if len(rows) == 0 || last <= a.Last() {
		return nil
	}
	order := make([]place, len(rows))
	for i := range rows {
		order[i] = place{rows[i].Time, i}
	}
	slices.SortFunc(order, func(x, y place) int { return cmp.Or(cmp.Compare(x.time, y.time), x.row-y.row) })
	s := Segment{From: order[0].time, To: order[len(order)-1].time, First: first, Last: last}
	s.Path = filepath.Join(a.dir, fmt.Sprintf(segmentName, s.From, s.To, first, last))
	if err := a.writeSegment(s.Path, rows, order); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	info, err := os.Stat(s.Path)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	s.Bytes = info.Size()
	a.mu.Lock()
	defer a.mu.Unlock()
	list := append(slices.Clone(a.segments), s)
	slices.SortFunc(list, func(x, y Segment) int { return cmp.Compare(x.Path, y.Path) })
	a.segments = list
	return nil
}

// place is where the row of a time stands: rows are some 300 bytes each, too much to be
// moved about until they are in order.
type place struct {
	time int64
	row  int
}

// pages compresses what every archive writes: what it needs for that, some 10 MiB, is
// made once.
var pages = zstd.Codec{Level: zstd.SpeedFastest}

// gathered is how many rows are handed to the writer at a time.
const gathered = 256

func (a *Archive) writeSegment(path string, rows []Row, order []place) (err error) {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := a.writer
	a.writer = nil // one that failed is not used again
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(part))
		}
	}()
	if w != nil {
		w.Reset(f)
	} else { // between which bytes an event or an id lies tells a reader nothing
		w = parquet.NewGenericWriter[Row](f, parquet.Compression(&pages), parquet.MaxRowsPerRowGroup(50_000), parquet.SkipPageBounds("raw"), parquet.SkipPageBounds("id"),
			parquet.BloomFilters(parquet.SplitBlockFilter(10, "principal"), parquet.SplitBlockFilter(10, "id")))
	}
	var some [gathered]Row
	for len(order) > 0 {
		n := min(len(order), gathered)
		for i, p := range order[:n] {
			some[i] = rows[p.row]
		}
		if _, err = w.Write(some[:n]); err != nil {
			return err
		}
		order = order[n:]
	}
	if err = w.Close(); err != nil {
		return err
	}
	w.Reset(io.Discard) // or it holds the file
	a.writer = w
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(part, path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Retain removes the oldest files until those left hold at most maxBytes and
// none ended more than maxAge before now; 0 leaves a bound out. It returns what
// was removed. The newest file stays: it says how far the stream was read.
func (a *Archive) Retain(maxBytes int64, maxAge time.Duration, now time.Time) (removed []Segment, err error) {
	var total int64
	last := a.Last()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.segments = slices.Clone(a.segments)
	for _, s := range a.segments {
		total += s.Bytes
	}
	for i := 0; i < len(a.segments); {
		s := a.segments[i]
		old := maxAge > 0 && s.To < now.Add(-maxAge).UnixMilli()
		if s.Last == last || !old && (maxBytes <= 0 || total <= maxBytes) {
			i++
			continue
		}
		if err := os.Remove(s.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, fmt.Errorf("archive: %w", err)
		}
		total -= s.Bytes
		removed = append(removed, s)
		a.segments = slices.Delete(a.segments, i, i+1)
	}
	return removed, nil
}

// Query is what is looked for; an empty field is anything.
type Query struct {
	From, To  int64 // Unix milliseconds; To 0 is no end
	Principal string
	ID        string
}

func (q Query) takes(r *Row) bool {
	return r.Time >= q.From && (q.To == 0 || r.Time <= q.To) && (q.Principal == "" || r.Principal == q.Principal) && (q.ID == "" || r.ID == q.ID)
}

// Find gives the rows looked for, file by file in order of time, until yield
// returns false. Files and parts of files that cannot hold any are not read.
// The error names the file that could not be read; the others were.
func (a *Archive) Find(q Query, yield func(Row) bool) error {
	var problems []error
	for _, s := range a.list() {
		if s.To < q.From || q.To != 0 && s.From > q.To {
			continue
		}
		more, err := find(s.Path, q, yield)
		if err != nil {
			problems = append(problems, fmt.Errorf("archive: %s: %w", filepath.Base(s.Path), err))
		}
		if !more {
			break
		}
	}
	return errors.Join(problems...)
}

// IDs gives the ids and sums of the events of files that end at or after a time, Unix
// milliseconds, with the sequences of their batches, the newest file first, until
// yield returns false.
func (a *Archive) IDs(from int64, yield func(id string, sum, sequence uint64) bool) error {
	list := a.list()
	for i := len(list) - 1; i >= 0; i-- {
		s := list[i]
		if s.To < from {
			continue
		}
		more, err := ids(s.Path, yield)
		if err != nil {
			return fmt.Errorf("archive: %s: %w", filepath.Base(s.Path), err)
		}
		if !more {
			return nil
		}
	}
	return nil
}

// ids reads three columns of a file.
func ids(path string, yield func(string, uint64, uint64) bool) (more bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return true, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return true, err
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return true, err
	}
	type row struct {
		ID       string `parquet:"id"`
		Sum      uint64 `parquet:"sum"` // 0 in files of versions that did not have it
		Sequence uint64 `parquet:"sequence,delta"`
	}
	rows := parquet.NewGenericReader[row](p)
	defer rows.Close()
	buf := make([]row, 1024)
	for {
		n, err := rows.Read(buf)
		for i := range buf[:n] {
			if !yield(strings.Clone(buf[i].ID), buf[i].Sum, buf[i].Sequence) {
				return false, nil
			}
		}
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return true, err
		}
	}
}

func find(path string, q Query, yield func(Row) bool) (more bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return true, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return true, err
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return true, err
	}
	for _, g := range p.RowGroups() {
		if may, err := mayHold(p, g, q); err != nil || !may {
			if err != nil {
				return true, err
			}
			continue
		}
		rows := parquet.NewGenericRowGroupReader[Row](g)
		buf := make([]Row, 512)
		for {
			n, err := rows.Read(buf)
			for i := range buf[:n] {
				if q.takes(&buf[i]) && !yield(buf[i]) {
					return false, rows.Close()
				}
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return true, errors.Join(err, rows.Close())
			}
		}
		if err := rows.Close(); err != nil {
			return true, err
		}
	}
	return true, nil
}

// mayHold asks the Bloom filters.
func mayHold(p *parquet.File, g parquet.RowGroup, q Query) (bool, error) {
	for name, want := range map[string]string{"principal": q.Principal, "id": q.ID} {
		if want == "" {
			continue
		}
		leaf, ok := p.Schema().Lookup(name)
		if !ok {
			return false, fmt.Errorf("no column %s", name)
		}
		filter := g.ColumnChunks()[leaf.ColumnIndex].BloomFilter()
		if filter == nil {
			continue
		}
		if has, err := filter.Check(parquet.ValueOf(want)); err != nil || !has {
			return false, err
		}
	}
	return true, nil
}
