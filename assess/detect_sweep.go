package assess

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/events"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// noFile stands for how far was read where there is no file.
const noFile = -1

// maxSweep is how much of a file is stored before it is noted how far that got.
const maxSweep = 64 << 20

// Sweep stores what was added to files since the last time. Lines are read as they come,
// to the last line's end; a file packed with gzip, and one that holds one document, once
// it is whole: all is taken to be whole where nothing comes after (last). How far it got
// is kept by the next Save; what is read again after a kill is known by its ids. The error
// is one of a path that is not there, or of the stream.
func (r *Running) Sweep(ctx context.Context, paths []string, last bool) error {
	for _, p := range paths {
		var names []string
		if _, err := os.Stat(p); err != nil {
			return &SourceError{p, "it cannot be read: " + err.Error(), "name files or folders of events: sevenfold detect run PATH…"}
		}
		_ = filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil && !errors.Is(err, fs.ErrNotExist): // gone since it was listed
				r.rejected(name, &ocsf.Rejected{Reason: err.Error()})
			case err == nil && !d.IsDir() && (name == p || holdsLog(name)):
				names = append(names, name)
			}
			return ctx.Err()
		})
		slices.Sort(names)
		for _, name := range names {
			if err := r.sweepFile(ctx, name, last); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (r *Running) position(name string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.watch.Reading.Files[name]
}

func (r *Running) setPosition(name string, at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watch.Reading.Files[name] = at
}

func (r *Running) sweepFile(ctx context.Context, name string, last bool) error {
	info, err := os.Stat(name)
	if err != nil {
		return nil // gone since it was listed
	}
	if !info.Mode().IsRegular() {
		if r.position(name) != noFile {
			r.rejected(name, &ocsf.Rejected{Reason: "it is no file that can be read"})
			r.setPosition(name, noFile) // told once
		}
		return nil
	}
	at := r.position(name)
	if info.Size() == at {
		return nil
	}
	if info.Size() < at || at == noFile {
		at = 0 // it was begun anew
	}
	f, err := os.Open(name)
	if err != nil {
		r.rejected(name, &ocsf.Rejected{Reason: err.Error()})
		r.setPosition(name, info.Size()) // told once
		return nil
	}
	defer f.Close()
	if isSign(name) {
		if !last && r.o.Now().Sub(info.ModTime()) < time.Minute {
			return nil // the results may still be on their way
		}
		signed(name, r.rejected)
		r.setPosition(name, info.Size())
		return nil
	}
	quiet := last || r.o.Now().Sub(info.ModTime()) >= time.Second
	head := make([]byte, 64<<10)
	n, _ := f.ReadAt(head, 0)
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return r.sweepPacked(ctx, f, info, name, last)
	case !inLines(head):
		if !quiet {
			return nil
		}
		if err := r.store1(ctx, name, io.NewSectionReader(f, 0, info.Size())); err != nil {
			return err
		}
		r.setPosition(name, info.Size())
		return nil
	}
	return r.sweepLines(ctx, f, info, name, at, quiet, ocsf.FlowHeader(head))
}

// inLines reports whether a text is read line by line: its first line is whole by itself, and
// what comes after can be read without it.
func inLines(head []byte) bool {
	if ocsf.IsTable(head) {
		return false
	}
	line, _, found := bytes.Cut(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), []byte("\n"))
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' && line[0] != '[' {
		return len(line) > 0
	}
	return found && json.Valid(line)
}

// store1 stores what one file, or part of it, holds; a body without any event is told by
// who hears of rejected parts.
func (r *Running) store1(ctx context.Context, name string, in io.Reader) error {
	_, err := r.in.Take(ctx, name, in)
	var bad *events.BadBody
	if errors.As(err, &bad) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (r *Running) sweepPacked(ctx context.Context, f *os.File, info fs.FileInfo, name string, last bool) error {
	zip, err := gzip.NewReader(f)
	if err == nil {
		tail := &cut{r: zip}
		if err := r.store1(ctx, name, tail); err != nil {
			return err
		}
		err = tail.err
	}
	if err != nil {
		if !last && r.o.Now().Sub(info.ModTime()) < time.Minute {
			return nil // still being written
		}
		r.rejected(name, &ocsf.Rejected{Reason: err.Error()})
	}
	r.setPosition(name, info.Size())
	return nil
}

// cut remembers what reading ended with, and ends there: what came before counts.
type cut struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (c *cut) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && err != io.EOF {
		c.err, err = err, io.EOF
	}
	return n, err
}

// sweepLines stores what lines were added from at on. header is the line that names their
// columns: without it what was added later would be read by another format.
func (r *Running) sweepLines(ctx context.Context, f *os.File, info fs.FileInfo, name string, at int64, quiet bool, header []byte) error {
	for at < info.Size() {
		part := make([]byte, min(maxSweep, info.Size()-at))
		n, err := f.ReadAt(part, at)
		if err != nil && err != io.EOF {
			r.rejected(name, &ocsf.Rejected{Offset: at, Reason: err.Error()})
			return nil
		}
		part = part[:n]
		if whole := at+int64(n) >= info.Size(); !whole || !quiet {
			end := bytes.LastIndexByte(part, '\n')
			if end < 0 && whole {
				return nil // a line that is being written
			}
			if end >= 0 {
				part = part[:end+1]
			}
		}
		in := io.Reader(bytes.NewReader(part))
		if at > 0 && len(header) > 0 {
			in = io.MultiReader(bytes.NewReader(header), in)
		}
		if err := r.store1(ctx, name, in); err != nil {
			return err
		}
		at += int64(len(part))
		r.setPosition(name, at)
	}
	return nil
}
