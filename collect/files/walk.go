package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// candidate is a file that may hold exports.
type candidate struct {
	path string
	yaml bool
	gzip bool
	// sniff: the name says nothing; it is read only if it begins like JSON.
	sniff bool
}

// classify tells by its name whether a file may hold exports.
func classify(name string) (c candidate, ok bool) {
	c.path = name
	base := strings.ToLower(path.Base(name))
	if base == "sevenfold.yaml" || base == "sevenfold.yml" {
		return c, false
	}
	if stem, gz := strings.CutSuffix(base, ".gz"); gz {
		c.gzip, base = true, stem
	}
	switch path.Ext(base) {
	case ".json", ".jsonl", ".ndjson":
	case ".yaml", ".yml":
		c.yaml = true
	case "", ".txt", ".out":
		c.sniff = true
	default:
		return c, false
	}
	return c, true
}

// walker lists candidates below a folder, in order of their paths.
type walker struct {
	root  *os.Root
	found []candidate
	blind func(op, why, hint string, status estate.ReadStatus)
}

// folder lists one folder. Symbolic links to files are read if they stay
// inside the root; links to folders are not followed (they could loop).
func (w *walker) folder(dir string) {
	entries, err := fs.ReadDir(w.root.FS(), dir)
	if err != nil {
		status, hint := failure(err)
		w.blind(dir, "the folder cannot be listed: "+reason(err), hint, status)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch t := e.Type(); {
		case t.IsDir() && strings.HasPrefix(e.Name(), "."):
			w.hidden(name)
		case t.IsDir():
			w.folder(name)
		case t&fs.ModeSymlink != 0:
			w.link(name)
		case t.IsRegular():
			w.add(name)
		default:
			if _, ok := classify(name); ok {
				w.blind(name, "neither a file nor a folder ("+t.String()+")", "put a copy of its content there", estate.ReadSkipped)
			}
		}
	}
}

func (w *walker) add(name string) {
	if strings.HasPrefix(path.Base(name), ".") {
		return
	}
	if c, ok := classify(name); ok {
		w.found = append(w.found, c)
	}
}

func (w *walker) link(name string) {
	info, err := w.root.Stat(name)
	switch {
	case err != nil:
		why := "the symbolic link leads out of the folder or nowhere: " + reason(err)
		w.blind(name, why, "put a copy in its place, or name its target as a source of its own", estate.ReadFailed)
	case info.Mode().IsRegular():
		w.add(name)
	case info.IsDir() && !w.visible(name):
		w.blind(name, "a symbolic link to a folder is not followed", "put a copy in its place", estate.ReadSkipped)
	}
}

// visible reports whether a linked folder is walked at its own place anyway.
func (w *walker) visible(name string) bool {
	target, err := w.root.Readlink(name)
	if err != nil || path.IsAbs(target) {
		return false
	}
	target = path.Join(path.Dir(name), target)
	for part := range strings.SplitSeq(target, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	info, err := w.root.Lstat(target)
	return err == nil && info.IsDir()
}

// hidden says so if a folder that is not read holds something readable. Version
// control's own folder is not asked.
func (w *walker) hidden(dir string) {
	switch path.Base(dir) {
	case ".git", ".hg", ".svn", ".jj", ".terraform", ".sevenfold":
		return
	}
	var example string
	err := fs.WalkDir(w.root.FS(), dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil //nolint:nilerr // what a skipped folder hides further down changes nothing
		}
		if c, ok := classify(name); ok && !c.sniff {
			example = name
			return fs.SkipAll
		}
		return nil
	})
	if err == nil && example != "" {
		w.blind(dir, "hidden folders are not read; this one holds "+example,
			"rename it without the dot, or name it as a source of its own", estate.ReadSkipped)
	}
}

func (w *walker) sorted() []candidate {
	sort.Slice(w.found, func(i, j int) bool { return w.found[i].path < w.found[j].path })
	return w.found
}

// failure sorts an error of the file system into a read status and its mend.
func failure(err error) (estate.ReadStatus, string) {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return estate.ReadDenied, "give the user who runs sevenfold the right to read it"
	case errors.Is(err, fs.ErrNotExist):
		return estate.ReadFailed, "it vanished while the folder was read; run again"
	}
	return estate.ReadFailed, "check the disk and the file, then run again"
}

// reason is an error of the file system without the path, which stands beside
// it already.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// openRoot opens what a source names: a folder, or one file in its folder.
func openRoot(name string) (root *os.Root, file string, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, "", fmt.Errorf("source %s: %w", name, err)
	}
	dir := name
	if !info.IsDir() {
		dir, file = splitPath(name)
	}
	root, err = os.OpenRoot(dir)
	if err != nil {
		return nil, "", fmt.Errorf("source %s: %w", name, err)
	}
	return root, file, nil
}

func splitPath(name string) (dir, file string) {
	i := strings.LastIndexFunc(name, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
	if i < 0 {
		return ".", name
	}
	return name[:i+1], name[i+1:]
}
