// Package local finds the files that a person names by paths, for steps that read
// files as they lie: folders in order of their names, to their bottom.
//
// Symbolic links and devices below a folder are not followed, and neither they
// nor what cannot be read is passed over: each is an Entry that says why there
// is nothing to read.
package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// Options bound a walk. A zero field takes the default.
type Options struct {
	// In is standard input, os.Stdin if nil. A file is read at random; of anything
	// else, Held bytes are held in memory.
	In io.Reader
	// Held is how much of standard input may be held in memory; 64 MiB.
	Held int64
	// Files is how many entries are given before the walk ends; 1,000,000.
	Files int
}

func (o Options) filled() Options {
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Held == 0 {
		o.Held = 64 << 20
	}
	if o.Files == 0 {
		o.Files = 1_000_000
	}
	return o
}

// Entry is a file, or something in the place of one that is not read.
type Entry struct {
	path   string
	why    string
	beside []string
	found  fs.FileInfo // as the folder listed it, nil for standard input
	in     io.Reader
	held   int64
}

// Path is the path as the person would write it.
func (e *Entry) Path() string { return e.path }

// Unread is why there is nothing to read here, "" for a file.
func (e *Entry) Unread() string { return e.why }

// Info is the file as its folder listed it; nil for standard input and for what is
// not read.
func (e *Entry) Info() fs.FileInfo {
	if e.why != "" {
		return nil
	}
	return e.found
}

// Beside are the names in the file's folder, its own too; nil where unknown.
func (e *Entry) Beside() []string { return e.beside }

// Open opens the file, of which size bytes can be read at random until done is
// called. The error has no path in it, which stands beside it in a result.
func (e *Entry) Open() (r io.ReaderAt, size int64, done func() error, err error) {
	if e.why != "" {
		return nil, 0, nil, errors.New(e.why)
	}
	if e.in != nil {
		return e.openInput()
	}
	f, info, err := e.open()
	if err != nil {
		return nil, 0, nil, err
	}
	return f, info.Size(), f.Close, nil
}

// Stream opens the file to be read from front to back; standard input of any
// length can be.
func (e *Entry) Stream() (io.ReadCloser, error) {
	if e.why != "" {
		return nil, errors.New(e.why)
	}
	if e.in != nil {
		return io.NopCloser(e.in), nil
	}
	f, _, err := e.open()
	return f, err
}

// open refuses what is no longer the file that was listed: somebody may put a
// pipe, which would never end, or a link in its place.
func (e *Entry) open() (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(e.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, errors.New("it cannot be opened: " + reason(err))
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(info, e.found) {
		err = errors.New("another file was put in its place while the folder was read")
	}
	if err != nil {
		return nil, nil, errors.Join(errors.New(reason(err)), f.Close())
	}
	return f, info, nil
}

func (e *Entry) openInput() (io.ReaderAt, int64, func() error, error) {
	nothing := func() error { return nil }
	if f, ok := e.in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return f, info.Size(), nothing, nil
		}
	}
	text, err := io.ReadAll(io.LimitReader(e.in, e.held+1))
	if err != nil {
		return nil, 0, nil, errors.New("standard input cannot be read: " + reason(err))
	}
	if int64(len(text)) > e.held {
		return nil, 0, nil, fmt.Errorf("standard input is longer than the %d MiB held in memory: name a file", e.held>>20)
	}
	return bytes.NewReader(text), int64(len(text)), nothing, nil
}

// MissingError says that a path that was asked for names nothing.
type MissingError struct{ Path string }

// Error implements error.
func (m *MissingError) Error() string { return m.Path + ": no such file or folder" }

// Hint is the mend.
func (m *MissingError) Hint() string {
	return "name files or folders that exist, or - for standard input"
}

// Config says that the command line is at fault.
func (m *MissingError) Config() bool { return true }

// Walk visits the files of paths and below them, until visit or the context ends
// it. A path that names nothing is a *MissingError, before anything is visited.
func Walk(ctx context.Context, paths []string, o Options, visit func(*Entry) error) error {
	for _, p := range paths {
		if _, err := os.Lstat(p); p != Stdin && errors.Is(err, fs.ErrNotExist) {
			return &MissingError{p}
		}
	}
	w := &walk{ctx: ctx, o: o.filled(), visit: visit}
	for _, p := range paths {
		if err := w.named(p); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

var errEnough = errors.New("enough files")

type walk struct {
	ctx   context.Context
	o     Options
	visit func(*Entry) error
	seen  int
}

func (w *walk) entry(e *Entry) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if w.seen++; w.seen > w.o.Files {
		e.why = fmt.Sprintf("only the first %d files are read in one run; this one and those after it were not: name fewer folders at a time", w.o.Files)
		if err := w.visit(e); err != nil {
			return err
		}
		return errEnough
	}
	return w.visit(e)
}

// named visits what the person named, through links: he asked for it.
func (w *walk) named(p string) error {
	if p == Stdin {
		return w.entry(&Entry{path: p, in: w.o.In, held: w.o.Held})
	}
	info, err := os.Stat(p)
	switch {
	case err != nil:
		return w.entry(&Entry{path: p, why: "it cannot be read: " + reason(err)})
	case info.IsDir():
		return w.folder(p)
	case !info.Mode().IsRegular():
		return w.entry(&Entry{path: p, why: notAFile(info.Mode())})
	}
	return w.entry(&Entry{path: p, found: info, beside: namesIn(filepath.Dir(p))})
}

func (w *walk) folder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		// What was listed before the error is read all the same.
		if verr := w.entry(&Entry{path: dir, why: "the folder cannot be listed: " + reason(err)}); verr != nil {
			return verr
		}
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	for _, d := range entries {
		e := &Entry{path: filepath.Join(dir, d.Name()), beside: names}
		info, err := d.Info()
		switch {
		case err != nil:
			e.why = "it vanished while the folder was read: " + reason(err)
		case info.IsDir():
			if err := w.folder(e.path); err != nil {
				return err
			}
			continue
		case !info.Mode().IsRegular():
			e.why = notAFile(info.Mode())
		}
		e.found = info
		if err := w.entry(e); err != nil {
			return err
		}
	}
	return nil
}

func notAFile(mode fs.FileMode) string {
	if mode&fs.ModeSymlink != 0 {
		return "a symbolic link below a folder is not followed: name its target to have it read"
	}
	kind := "device"
	switch {
	case mode&fs.ModeNamedPipe != 0:
		kind = "pipe"
	case mode&fs.ModeSocket != 0:
		kind = "socket"
	}
	return "a " + kind + " is not opened, only files are"
}

// maxBeside bounds the names read of a folder of which one file was named.
const maxBeside = 100_000

func namesIn(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	names, err := d.Readdirnames(maxBeside)
	if err != nil {
		return nil
	}
	return names
}

// reason is an error of the file system without its path.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
