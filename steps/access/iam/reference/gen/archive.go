package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// archive is a package as its registry serves it, in memory.
type archive struct {
	sha256 string
	files  map[string][]byte // by path inside; an npm package's leading folder is cut
}

// openArchive reads a .tgz of npm or a wheel of PyPI.
func openArchive(path string) (*archive, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	a := &archive{sha256: fmt.Sprintf("%x", sha256.Sum256(raw)), files: map[string][]byte{}}
	if strings.HasSuffix(path, ".whl") {
		return a, a.unzip(raw)
	}
	return a, a.untar(raw)
}

func (a *archive) untar(raw []byte) error {
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, ok := strings.Cut(h.Name, "/")
		if h.Typeflag != tar.TypeReg || !ok {
			continue
		}
		if a.files[name], err = io.ReadAll(r); err != nil {
			return err
		}
	}
}

func (a *archive) unzip(raw []byte) error {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return err
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		a.files[f.Name], err = io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}

// json decodes one file of the archive.
func (a *archive) json(name string, into any) error {
	text, ok := a.files[name]
	if !ok {
		return fmt.Errorf("no file %s inside: is this another edition of the package?", name)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
