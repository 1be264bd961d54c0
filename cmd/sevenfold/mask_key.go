package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/store"
)

// maskFile is the key of masks in a state folder, maskVariable names its file where
// the flag does not: a state in a database keeps none, since whoever reads the
// database could then try values until one has the digest that stands there.
const (
	maskFile     = "mask.key"
	maskVariable = "SEVENFOLD_MASK_KEY"
	maskSize     = 32
)

// maskPath is the file with the key under which masked values are hashed, "" where
// none is named and the state has no folder for it.
func (s *session) maskPath() string {
	switch named := os.Getenv(maskVariable); {
	case s.maskKeyFile != "":
		return s.maskKeyFile
	case named != "":
		return named
	case s.folder() == "":
		return ""
	}
	return filepath.Join(s.folder(), maskFile)
}

// maskKey returns the key under which masked values are hashed; nil where there is
// no place for one: masks then carry no hash, and values withheld cannot be
// compared. On first use one is drawn, which sameMaskKey keeps.
func (s *session) maskKey() ([]byte, error) {
	if s.drawnKey != nil {
		return s.drawnKey, nil
	}
	path := s.maskPath()
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.drawnKey = make([]byte, maskSize)
		rand.Read(s.drawnKey) //nolint:errcheck // never fails
		return s.drawnKey, nil
	}
	if err != nil {
		return nil, stateFailure(err)
	}
	bad := func(what, hint string) error {
		return &failure{code: exitUsage, what: "mask key: " + what, where: path, hint: hint}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, bad(fmt.Sprintf("others may read it (mode %04o)", info.Mode().Perm()), "chmod 600 "+path)
	}
	if info.Size() != maskSize {
		return nil, bad(fmt.Sprintf("it has %d bytes, and a key has %d", info.Size(), maskSize), "restore it from a copy; without one: move it away, then "+renewMask)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, stateFailure(err)
	}
	return key, nil
}

const renewMask = "sevenfold baseline approve --new-mask-key"

// createSecret writes a file that only this user may read. It appears whole or not
// at all, and no other run's is replaced: fs.ErrExist.
func createSecret(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // a second name of the key is of no use
	_, err = tmp.Write(text)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Link(tmp.Name(), path)
	}
	return err
}

// maskKeyIfAny is maskKey where the state is there already: no state is made
// for it.
func (s *session) maskKeyIfAny() ([]byte, error) {
	if s.folder() != "" && !exists(s.folder()) {
		return nil, nil
	}
	return s.maskKey()
}

// sameMaskKey refuses another key than the one the state's masks were made under,
// under which every value would read as changed, unless the state is to begin anew
// with it. One that was drawn is written, in a file that nobody else may read, once
// it is not refused: a name mistyped leaves no file behind.
func (s *session) sameMaskKey(ctx context.Context, st store.Store, key []byte, anew bool) error {
	keys := assess.MaskKeys{Store: st}
	if s.drawnKey != nil {
		if err := keys.Fits(ctx, key, anew); err != nil {
			return s.maskFailure(err)
		}
		switch err := createSecret(s.maskPath(), key); {
		case errors.Is(err, fs.ErrExist):
			return &failure{code: exitUsage, what: "mask key: another run has just made it", where: s.maskPath(), hint: "run the command again"}
		case err != nil:
			return stateFailure(err)
		}
		s.drawnKey = nil
	}
	return s.maskFailure(keys.Use(ctx, key, anew))
}

// maskFailure puts what became of a key in words.
func (s *session) maskFailure(err error) error {
	var other *assess.MaskKeyError
	switch {
	case errors.As(err, &other):
		if s.drawnKey != nil {
			return &failure{code: exitUsage, what: fmt.Sprintf("mask key: there is no such file, and the state's masks are made under %s, so that no value withheld could be compared", other.Noted), where: s.maskPath(),
				hint: "restore the file, or name the key the state was begun with (--mask-key FILE or " + maskVariable + "); if it is lost, look at the estate, then: " + renewMask}
		}
		return &failure{code: exitUsage, what: other.Error(), where: s.maskPath(),
			hint: "restore the file, or name the key the state was begun with (--mask-key FILE or " + maskVariable + "); if it is lost, look at the estate, then: " + renewMask}
	case err != nil:
		return stateFailure(err)
	}
	return nil
}
