// Package findings reads the reports of other security tools: Prowler (OCSF
// JSON, CSV and ASFF), AWS Security Hub (ASFF as get-findings prints it, and
// OCSF), Trivy, Checkov and Kubescape (JSON), and SARIF of any tool. It is the
// reader behind the source findings:PATH, and takes reports out of a folder of
// exports too.
//
// It keeps what each tool said, untouched in meaning: which check, on which
// resource, with which outcome, when. What that means for the estate (which
// asset it is, which of our controls asks the same) is the audit step's to say.
//
// # Recognition
//
// A report is known by its content, never by its name, packed with gzip or not.
// Hidden files and folders, and folders that are linked to, are not looked at.
// JSON and CSV that no format here fits are blind spots: they may hold faults.
// What is neither (a page, a picture) is named and left aside.
//
// # Bounds
//
// Reports are streamed. One element above 64 MiB ends its file, as does damage;
// what stood before counts, and the place is told. At most two million results
// are kept: passes beyond are counted only, and where faults would have to be
// left out a blind spot says so.
//
// # Secrets
//
// What a secret scanner matched, and the code around it, is never taken over.
// The rest passes through the mask like all that is read.
package findings

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Options say what to read.
type Options struct {
	// Root is a folder or a single file.
	Root string
	// Source is the source as given on the command line.
	Source string
	// Records begins the ids of what is sent; Source, if empty.
	Records string
	// Only, if set, says by its name whether a file is read at all; a file that it
	// leaves in but that is no report is then passed over without a word: somebody
	// else reads the folder too.
	Only func(name string) bool
}

// Collector reads reports.
type Collector struct {
	opts Options
	lim  limits
}

// New returns a collector; nothing is read before Collect.
func New(o Options) *Collector {
	if o.Source == "" {
		o.Source = "findings:" + o.Root
	}
	if o.Records == "" {
		o.Records = o.Source
	}
	return &Collector{opts: o, lim: defaultLimits}
}

// ParseSource reads a source as the command line spells it: findings:PATH.
func ParseSource(s string) (Options, error) {
	root, ok := strings.CutPrefix(s, "findings:")
	if !ok || root == "" {
		return Options{}, fmt.Errorf("source %q: expected findings:PATH", s)
	}
	return Options{Root: root, Source: s}, nil
}

// Collect reads the reports and sends one record for each tool, and one for
// each resource a tool speaks of. It returns an error only if the path cannot be
// opened or ctx ends.
func (c *Collector) Collect(ctx context.Context, sink estate.Sink) error {
	root, only, err := openRoot(c.opts.Root)
	if err != nil {
		return err
	}
	defer root.Close()
	r := &reader{opts: c.opts, lim: c.lim, sink: sink, book: newBook(c.lim)}
	names := []string{only}
	switch {
	case only == "":
		names = r.walk(root)
	case c.opts.Only != nil && !c.opts.Only(only):
		names = nil
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.file(ctx, name, func() (io.ReadCloser, error) { return root.Open(filepath.FromSlash(name)) })
	}
	r.book.flush(c.opts.Source, c.opts.Records, sink)
	return ctx.Err()
}

// openRoot opens what a source names: a folder, or one file in its folder.
func openRoot(name string) (*os.Root, string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, "", fmt.Errorf("findings %s: %w", name, err)
	}
	dir, file := name, ""
	if !info.IsDir() {
		dir, file = filepath.Dir(name), filepath.Base(name)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, "", fmt.Errorf("findings %s: %w", name, err)
	}
	return root, file, nil
}

// reader is the state of one Collect.
type reader struct {
	opts Options
	lim  limits
	sink estate.Sink
	book *book
}

func (r *reader) blind(file string, status estate.ReadStatus, why, hint string) {
	r.sink.BlindSpot(estate.BlindSpot{Source: r.opts.Source, Operation: file, Status: status, Why: why, Hint: hint})
}

// walk lists the files below the root in order of their paths. Links are
// followed to files inside it, not to folders.
func (r *reader) walk(root *os.Root) []string {
	var names []string
	err := fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			r.blind(name, estate.ReadFailed, "the folder cannot be listed: "+reason(err), "give the user who runs sevenfold the right to read it")
			return nil
		case e.IsDir() && name != "." && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case e.IsDir() || strings.HasPrefix(e.Name(), ".") || r.opts.Only != nil && !r.opts.Only(name):
			return nil
		case !e.Type().IsRegular() && !r.leads(root, name):
			return nil
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		r.blind(".", estate.ReadFailed, reason(err), "check the path")
	}
	if len(names) == 0 && r.opts.Only == nil {
		r.blind(r.opts.Root, estate.ReadFailed, "the folder holds no file", "check the path; give the folder the tools write their reports to")
	}
	return names
}

// leads reports whether something that is no plain file leads to one inside the
// root, and says so where it leads outside or nowhere.
func (r *reader) leads(root *os.Root, name string) bool {
	info, err := root.Stat(filepath.FromSlash(name))
	if err != nil {
		r.blind(name, estate.ReadFailed, "the symbolic link leads out of the folder or nowhere: "+reason(err), "put a copy in its place, or name its target as a source of its own")
		return false
	}
	return info.Mode().IsRegular()
}

// file reads one file. A parser's panic on hostile text must not take the run
// down.
func (r *reader) file(ctx context.Context, name string, open func() (io.ReadCloser, error)) {
	defer func() {
		if p := recover(); p != nil {
			r.blind(name, estate.ReadFailed, fmt.Sprintf("reading it failed inside sevenfold: %v", p), "report this with the file's shape; the other files were read")
		}
	}()
	f, err := open()
	if err != nil {
		r.blind(name, estate.ReadFailed, "the file cannot be opened: "+reason(err), "check the disk and the file's rights, then run again")
		return
	}
	defer f.Close()
	r.sink.Called("findings:read")
	text, err := plain(&interruptible{ctx, f}, r.lim)
	if err != nil {
		r.blind(name, estate.ReadMalformed, reason(err), "pack the file again")
		return
	}
	head, _ := text.Peek(headSize)
	format := recognize(head)
	if format == nil {
		r.unknown(name, head)
		return
	}
	s := newStream(text, r.lim)
	b := r.book.open(name, format.name)
	err = format.read(s, b)
	if ctx.Err() != nil {
		return
	}
	r.notes(name, b)
	if err != nil {
		r.damaged(name, open, s, b, err)
	}
}

// notes reports what a format had to say of a file it read.
func (r *reader) notes(name string, b *page) {
	if b.odd > 0 {
		r.blind(name, estate.ReadMalformed, fmt.Sprintf("%d of its results have another shape than %s gives them, and were left out; the first: %s", b.odd, b.format, b.oddest),
			"write the report again with a version of the tool that its README names as supported")
	}
	if b.lost > 0 {
		r.blind(name, estate.ReadFailed, fmt.Sprintf("more than %d results in one source: %d faults were not kept", r.lim.results, b.lost), "split the reports over several sources, or give only the newest")
	}
	for _, n := range b.notes {
		r.blind(name, n.status, n.why, n.hint)
	}
}

// damaged reports an error in the text with its place.
func (r *reader) damaged(name string, open func() (io.ReadCloser, error), s *stream, b *page, err error) {
	at := s.offset(err)
	line := r.line(open, at)
	var table *csv.ParseError
	if errors.As(err, &table) {
		line, err = table.Line, table.Err
	}
	why := fmt.Sprintf("line %d (byte %d): %s; results read before it: %d", line, at, s.words(err), b.count)
	status, hint := estate.ReadMalformed, "write the report again; nothing after this place was read"
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		hint = "the report was cut short: let the tool run to its end (disk space, time-outs), then write it again"
	case errors.Is(err, errLarge):
		hint = "write the report in smaller parts, or in a format with one element a result"
	case errors.Is(err, errBomb):
		status, hint = estate.ReadSkipped, "unpack it and give it in smaller parts"
	}
	r.blind(name, status, why, hint)
}

// line is the line a place stands in, found by reading the file again. A place
// between two elements counts as the second's: that is the one that is broken.
func (r *reader) line(open func() (io.ReadCloser, error), at int64) int {
	f, err := open()
	if err != nil {
		return 1
	}
	defer f.Close()
	text, err := plain(f, r.lim)
	if err != nil {
		return 1
	}
	n := lines(1)
	_, _ = io.Copy(&n, io.LimitReader(text, at))
	for {
		c, err := text.ReadByte()
		if err != nil || c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != ',' {
			return int(n)
		}
		if c == '\n' {
			n++
		}
	}
}

// lines counts the lines written to it.
type lines int

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	*l += lines(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}

// unknown reports a file that no format fits.
func (r *reader) unknown(name string, head []byte) {
	kind, what := shape(head)
	switch {
	case r.opts.Only != nil:
	case kind == shapeOther:
		r.blind(name, estate.ReadSkipped, "no report a program can read: "+what, "give the tool's JSON, CSV or SARIF beside it")
	case kind == shapeDerived:
		r.blind(name, estate.ReadSkipped, what, "")
	default:
		r.blind(name, estate.ReadMalformed, "unknown format: "+what,
			"supported are Prowler (-M json-ocsf, csv, json-asff), Trivy and Checkov (JSON), Kubescape (JSON v2), securityhub get-findings, and SARIF; move other files out of the folder")
	}
}

// interruptible ends a read when the run ends.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// plain unpacks and decodes: what it returns is UTF-8 without a byte order mark.
func plain(r io.Reader, lim limits) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, headSize)
	if magic, _ := b.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("it begins like gzip, but is not: %w", err)
		}
		b = bufio.NewReaderSize(&bomb{r: z, left: lim.unpacked}, headSize)
	}
	// Shells that write UTF-16 are common enough on Windows.
	switch mark, _ := b.Peek(3); {
	case len(mark) >= 2 && (mark[0] == 0xff && mark[1] == 0xfe || mark[0] == 0xfe && mark[1] == 0xff):
		b = bufio.NewReaderSize(transform.NewReader(b, unicode.BOMOverride(unicode.UTF8.NewDecoder())), headSize)
	case string(mark) == "\ufeff":
		_, _ = b.Discard(3)
	}
	return b, nil
}

// errBomb is a file that unpacks to more than is read of any.
var errBomb = errors.New("it unpacks to more than is read of one file")

type bomb struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader: it fails, not ends, at the bound.
func (b *bomb) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBomb
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// reason is an error of the file system without the path.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
