package assess

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sevenfold-sec/sevenfold/collect/aws"
)

// Resume keeps what an interrupted run has read, masked, in a folder of the
// state, so that the next run goes on where it was. A run that ends clears it:
// the next one reads everything anew.
type Resume struct{ dir string }

var _ aws.Resume = (*Resume)(nil)

// NewResume returns the resume folder inside a state folder.
func NewResume(state string) *Resume { return &Resume{filepath.Join(state, "resume")} }

func (r *Resume) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(r.dir, hex.EncodeToString(sum[:16]))
}

// Get implements aws.Resume.
func (r *Resume) Get(key string) ([]byte, bool, error) {
	blob, err := os.ReadFile(r.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return blob, err == nil, err
}

// Put implements aws.Resume. A unit appears whole or not at all.
func (r *Resume) Put(key string, blob []byte) error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(r.dir, ".unit-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(blob)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), r.path(key))
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // what is left of a failed write is of no use
	}
	return err
}

// Clear forgets what was kept.
func (r *Resume) Clear() error { return os.RemoveAll(r.dir) }
