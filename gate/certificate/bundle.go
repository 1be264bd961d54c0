package certificate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The files of an evidence bundle. Beside them lie the controls of the user's
// own, under controls/.
const (
	SnapshotFile = "snapshot.jsonl.gz" // the estate judged, estate.Snapshot.Export
	ScopeFile    = "sevenfold.yaml"    // what it was judged by; not there if there was none
	VersionsFile = "versions.json"     // what judged it
	ControlsDir  = "controls/"
	// BaselineDir holds the approved baseline it was held against, if there was one.
	BaselineDir = "baseline/"
	// AccessFile is what logs and reviews said of access, if there were any.
	AccessFile = "access.json.gz"
	// FlowsFile is what flow logs said of the network, if there were any.
	FlowsFile = "flows.json"
	// DetectFile is what detection knew, if it ever ran.
	DetectFile = "detect.json"
	// RespondFile is what was rehearsed and exercised, and who was reached, if anything.
	RespondFile = "respond.json"
	// SupplyFile is what was examined of the supply chain; not there if nothing was.
	SupplyFile = "supply.json.gz"
	// DataFile is what scans and events said of data, if there were any.
	DataFile = "data.json.gz"
)

// Bounds of a bundle that is read.
const (
	maxBundleFile  = 4 << 30
	maxBundleFiles = 100_000
)

// WriteBundle writes the files of a bundle into a folder, which is made if need
// be, and returns their digests. A bundle that is there already is replaced,
// its controls included; what else lies in the folder stays.
func WriteBundle(dir string, files map[string][]byte) (map[string]string, error) {
	if !isBundle(dir) {
		for name := range files {
			if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
				return nil, fmt.Errorf("bundle: %s has a file %s that is no bundle's; it would be overwritten: name another folder by --bundle", dir, name)
			}
		}
	} else {
		for _, old := range []string{SnapshotFile, ScopeFile, VersionsFile, ControlsDir, BaselineDir, AccessFile, FlowsFile, DataFile, DetectFile, RespondFile, SupplyFile} {
			if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
				return nil, fmt.Errorf("bundle: %w", err)
			}
		}
	}
	digests := map[string]string{}
	for _, name := range slices.Sorted(mapKeys(files)) {
		if !fs.ValidPath(name) {
			return nil, fmt.Errorf("bundle: %q is no path inside a folder", name)
		}
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return nil, fmt.Errorf("bundle: %w", err)
		}
		if err := os.WriteFile(target, files[name], 0o600); err != nil {
			return nil, fmt.Errorf("bundle: %w", err)
		}
		sum := sha256.Sum256(files[name])
		digests[name] = hex.EncodeToString(sum[:])
	}
	return digests, nil
}

// isBundle reports whether a folder holds a bundle: what judged and what was
// judged lie side by side.
func isBundle(dir string) bool {
	for _, name := range []string{VersionsFile, SnapshotFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// BundleError is a bundle that is not the one a certificate was issued on.
type BundleError struct {
	File string
	Why  string
}

// Error implements error.
func (e *BundleError) Error() string {
	return fmt.Sprintf("the evidence bundle is not the one the certificate was issued on: %s %s", e.File, e.Why)
}

// OpenBundle checks every file of a bundle against the digests of a statement
// and returns them as a file system that holds nothing else. A *BundleError
// names the file that differs; what the statement does not name is not seen.
func (s *Statement) OpenBundle(dir string) (Bundle, error) {
	names := slices.Sorted(mapKeys(s.Predicate.Bundle))
	if len(names) > maxBundleFiles {
		return Bundle{}, &BundleError{dir, fmt.Sprintf("has %d files, more than %d", len(names), maxBundleFiles)}
	}
	if !slices.Contains(names, SnapshotFile) {
		return Bundle{}, &BundleError{SnapshotFile, "is not named by the certificate"}
	}
	for _, name := range names {
		if !fs.ValidPath(name) {
			return Bundle{}, &BundleError{name, "is no path inside a folder"}
		}
		got, err := digestFile(filepath.Join(dir, filepath.FromSlash(name)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return Bundle{}, &BundleError{name, "is missing"}
		case err != nil:
			return Bundle{}, fmt.Errorf("evidence bundle: %w", err)
		case got != s.Predicate.Bundle[name]:
			return Bundle{}, &BundleError{name, "was changed"}
		}
	}
	b := Bundle{dir, names}
	if name := b.stray(); name != "" {
		return Bundle{}, &BundleError{name, "is not named by the certificate"}
	}
	return b, nil
}

func digestFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(f, maxBundleFile+1))
	if err != nil {
		return "", err
	}
	if n > maxBundleFile {
		return "", fmt.Errorf("%s has more than %d bytes", name, int64(maxBundleFile))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Bundle is an evidence bundle whose files are the certificate's.
type Bundle struct {
	dir   string
	names []string
}

// Has reports whether the bundle holds a file.
func (b Bundle) Has(name string) bool { return slices.Contains(b.names, name) }

// Path returns where a file of the bundle lies.
func (b Bundle) Path(name string) string { return filepath.Join(b.dir, filepath.FromSlash(name)) }

// Controls returns the user's own controls, nil if there are none.
func (b Bundle) Controls() fs.FS {
	for _, name := range b.names {
		if strings.HasPrefix(name, ControlsDir) {
			return os.DirFS(b.Path(strings.TrimSuffix(ControlsDir, "/")))
		}
	}
	return nil
}

// stray returns a file below controls/ that the certificate does not name:
// what lies there is all asked.
func (b Bundle) stray() (name string) {
	_ = fs.WalkDir(os.DirFS(b.dir), strings.TrimSuffix(ControlsDir, "/"), func(at string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !b.Has(at) {
			name = at
			return fs.SkipAll
		}
		return nil
	})
	return name
}

// Collect reads the files below a folder into a bundle's files under prefix.
func Collect(files map[string][]byte, prefix string, from fs.FS) error {
	return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := fs.ReadFile(from, name)
		if err == nil {
			files[path.Join(prefix, name)] = bytes.Clone(text)
		}
		return err
	})
}
