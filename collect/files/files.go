// Package files reads folders of exports: what the providers' own command
// lines print, as JSON or YAML, in any layout. It is the reader behind the
// source dir:PATH.
//
// It knows nothing of what a reply means. It finds the documents in a folder,
// says whose they are (account, region), and hands each to the formats it was
// given, in order of the paths: what comes out does not depend on how many
// files were read at once. What cannot be read becomes a blind spot that names
// file, place and mend; nothing is skipped in silence except files that are no
// exports by their name, version control's folders and sevenfold.yaml.
//
// # Large files
//
// JSON is streamed. A document above 8 MiB is cut: each array member at the top
// becomes documents {"Key":[…]} of at most 1,000 elements or 4 MiB, preceded by
// the short scalar members that stood before it (so that a list still says of
// what), and all other members follow in a last document. All have Partial set
// and share Path. A top-level array is cut into smaller arrays. One element
// above 64 MiB is left out and named. YAML cannot be cut and is refused above
// 16 MiB.
//
// # Damaged files
//
// Of a file that ends early, the documents before the damage count; of a
// damaged list, the elements before it, as Partial documents. Of one resource's
// reply nothing counts: half of its rules would be a false picture. Formats are
// told of every file that was not read whole (Cutter): a list in it was not read
// to its end, so that what is missing of it is not seen, and not gone.
//
// # Refused calls
//
// Where an export holds the command line's error message instead of a reply,
// formats get {"Error":{"Code","Operation","Message"}}. An empty file gives them
// the code EmptyOutput: the AWS command line prints nothing for an empty reply
// (get-bucket-logging where logging is off), but a refused call whose message
// went elsewhere leaves an empty file too. A format may take it for an empty
// reply only of operations that have one; if none takes it, it is a blind spot.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Options say what to read and who understands it.
type Options struct {
	// Root is a folder or a single file.
	Root string
	// Account and Region, if set, hold for every document.
	Account, Region string
	// Cluster, if set, is the cluster of every Kubernetes object: two folders of
	// manifests with the same names are two clusters only if they are told apart.
	Cluster string
	// Formats are asked in order; the first that understands a document has it.
	Formats []estate.Format
	// Source is the source as given on the command line, for messages.
	Source string
	// Parallel is how many files are read at once; 0 means one for each
	// processor, at most 4. It changes the time, never the result.
	Parallel int
}

// Flusher is a Format that sends more when all documents have been read.
type Flusher interface {
	Flush(estate.Sink)
}

// Cutter is a Format that must know which files were not read whole: of what such
// a file lists, nothing that is missing is known to be gone.
type Cutter interface {
	// Cut is called once for each file of which something could not be read, after
	// its last document. Of the document only Path, Account, Region, Cluster and
	// Source are set.
	Cut(estate.Document)
}

// Stats counts what a collector read.
type Stats struct {
	Files, Documents, BlindSpots int
	// Bytes of text, after inflation.
	Bytes int64
}

// Collector reads one folder.
type Collector struct {
	opts  Options
	lim   limits
	stats Stats
}

// New returns a collector; nothing is read before Collect.
func New(opts Options) *Collector {
	if opts.Source == "" {
		opts.Source = "dir:" + opts.Root
	}
	if opts.Parallel <= 0 {
		opts.Parallel = min(runtime.GOMAXPROCS(0), 4)
	}
	return &Collector{opts: opts, lim: defaultLimits}
}

// Stats returns the counts of the last Collect.
func (c *Collector) Stats() Stats { return c.stats }

// Collect reads the folder and sends what the formats make of it. It returns
// an error only if the folder itself cannot be opened or ctx ends; whatever is
// wrong with a file is a blind spot. Formats and sink are called from one
// goroutine, in order of the paths.
func (c *Collector) Collect(ctx context.Context, sink estate.Sink) error {
	root, file, err := openRoot(c.opts.Root)
	if err != nil {
		return err
	}
	defer root.Close()
	c.stats = Stats{}
	r := &run{c: c, open: func(name string) (io.ReadCloser, error) { return root.Open(name) }, sink: sink}
	w := &walker{root: root, blind: func(op, why, hint string, status estate.ReadStatus) {
		r.blindSpot(estate.BlindSpot{Operation: op, Status: status, Why: why, Hint: hint})
	}}
	if file == "" {
		w.folder(".")
	} else {
		one, _ := classify(filepath.ToSlash(file))
		w.found = []candidate{one}
	}
	files := w.sorted()
	if len(files) == 0 {
		r.blindSpot(estate.BlindSpot{Operation: c.opts.Root, Status: estate.ReadFailed,
			Why: "the folder holds no JSON or YAML file", Hint: "check the path; exports end in .json, .jsonl, .yaml or .gz of these"})
	}
	if err := r.files(ctx, files); err != nil {
		return err
	}
	for _, f := range c.opts.Formats {
		if f, ok := f.(Flusher); ok {
			f.Flush(sink)
		}
	}
	for _, b := range r.unread.blindSpots() {
		r.blindSpot(b)
	}
	return nil
}

// run is the state of one Collect.
type run struct {
	c      *Collector
	open   func(string) (io.ReadCloser, error)
	sink   estate.Sink
	owner  *owner
	unread unread
}

func (r *run) blindSpot(b estate.BlindSpot) {
	b.Source = r.c.opts.Source
	r.c.stats.BlindSpots++
	r.sink.BlindSpot(b)
}

// message is what a file's reader sends: a piece, or a blind spot, after which
// the file counts as not read whole.
type message struct {
	piece *piece
	blind *estate.BlindSpot
}

// stream is one file being read.
type stream struct {
	file     candidate
	messages chan message
	bytes    int64
}

// ahead is how many messages a file may be ahead of the formats. It bounds
// memory: pieces are up to 8 MiB each.
const ahead = 2

// files reads all files, several at once, and dispatches their documents in
// order.
func (r *run) files(ctx context.Context, files []candidate) error {
	r.owner = r.findOwner(ctx, files)
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	queue := make(chan *stream, r.c.opts.Parallel)
	slots := make(chan struct{}, r.c.opts.Parallel)
	wg.Go(func() {
		defer close(queue)
		for _, f := range files {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			s := &stream{file: f, messages: make(chan message, ahead)}
			wg.Go(func() {
				defer func() { <-slots }()
				defer close(s.messages)
				r.read(ctx, s)
			})
			select {
			case queue <- s:
			case <-ctx.Done():
				return
			}
		}
	})
	for s := range queue {
		r.dispatch(s)
		if ctx.Err() != nil {
			break
		}
	}
	return ctx.Err()
}

// read runs in a goroutine of its own: it decodes one file.
func (r *run) read(ctx context.Context, s *stream) {
	send := func(m message) error {
		select {
		case s.messages <- m:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	d := &decoder{file: s.file, lim: r.c.lim,
		emit:  func(p piece) error { return send(message{piece: &p}) },
		blind: func(b estate.BlindSpot) { _ = send(message{blind: &b}) },
	}
	defer func() { // a parser's panic on hostile text must not take the run down
		if p := recover(); p != nil {
			d.report(estate.ReadFailed, fmt.Sprintf("reading it failed inside sevenfold: %v", p),
				"report this with the file's shape; the rest of the folder was read")
		}
	}()
	f, err := r.open(s.file.path)
	if err != nil {
		status, hint := failure(err)
		d.report(status, "the file cannot be opened: "+reason(err), hint)
		return
	}
	defer f.Close()
	if err := d.run(f); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		d.report(estate.ReadFailed, reason(err), "run again")
	}
	s.bytes = d.bytes
}

// dispatch hands the documents of one file to the formats.
func (r *run) dispatch(s *stream) {
	account, region := r.owner.of(s.file.path, r.c.opts)
	r.sink.Called("dir:read")
	r.c.stats.Files++
	whole := true
	for m := range s.messages {
		if m.blind != nil {
			whole = false
			m.blind.Account, m.blind.Region = account, region
			r.blindSpot(*m.blind)
			continue
		}
		doc := estate.Document{
			Path: s.file.path, Index: m.piece.index, Partial: m.piece.partial, Body: m.piece.body,
			Account: account, Region: region, Cluster: r.c.opts.Cluster, Source: r.c.opts.Source,
		}
		r.c.stats.Documents++
		switch understood := r.understood(doc, s.file); {
		case !understood && m.piece.empty:
			r.blindSpot(estate.BlindSpot{Operation: doc.Path, Account: account, Region: region, Status: estate.ReadMalformed,
				Why:  "the file is empty: the command that should have filled it said nothing",
				Hint: "run the export again and keep its error message (2>&1)"})
		case !understood:
			r.unread.add(doc)
		}
	}
	r.c.stats.Bytes += s.bytes
	if whole {
		return
	}
	for _, f := range r.c.opts.Formats {
		if f, ok := f.(Cutter); ok {
			f.Cut(estate.Document{Path: s.file.path, Account: account, Region: region, Cluster: r.c.opts.Cluster, Source: r.c.opts.Source})
		}
	}
}

// understood asks the formats in turn. A format's panic on hostile input must
// not take the run down: it becomes a blind spot.
func (r *run) understood(doc estate.Document, file candidate) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			ok = true
			r.blindSpot(estate.BlindSpot{Operation: file.path, Account: doc.Account, Region: doc.Region, Status: estate.ReadFailed,
				Why:  fmt.Sprintf("document %d: reading it failed inside sevenfold: %v", doc.Index, p),
				Hint: "report this with the file's shape; the rest of the folder was read"})
		}
	}()
	for _, f := range r.c.opts.Formats {
		if f.Read(doc, r.sink) {
			return true
		}
	}
	return false
}

// findOwner is the first pass; it is skipped where options or paths already
// say whose every file is.
func (r *run) findOwner(ctx context.Context, files []candidate) *owner {
	o := newOwner()
	budget := int64(headTotal)
	for _, f := range files {
		account, region := fromPath(f.path)
		if (r.c.opts.Account != "" || account != "") && (r.c.opts.Region != "" || region != "") {
			continue
		}
		if budget <= 0 || ctx.Err() != nil {
			break
		}
		head := r.head(f)
		budget -= int64(len(head))
		o.look(f.path, head)
	}
	return o
}

// head reads the beginning of a file's text; what is wrong with it is reported
// when it is read in earnest.
func (r *run) head(f candidate) []byte {
	file, err := r.open(f.path)
	if err != nil {
		return nil
	}
	defer file.Close()
	var text io.Reader = file
	if f.gzip {
		if text, err = inflate(file, r.c.lim); err != nil {
			return nil
		}
	}
	buffer := buffered(text)
	defer unbuffered(buffer)
	if text, err = decoded(buffer); err != nil {
		return nil
	}
	head, _ := io.ReadAll(io.LimitReader(text, headSize))
	return head
}
