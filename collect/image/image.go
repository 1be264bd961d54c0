// Package image reads container images as they lie in files: OCI image layouts
// (folders, and tar files of them) and what docker save writes. Nothing is pulled,
// run or unpacked to disk.
//
// Layers are read from the top down, so that a file that a higher layer replaced or
// removed is not seen. Each blob is held against its digest: one that differs ends the
// image with an error.
package image

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Image is one image that was found.
type Image struct {
	// Ref is the reference it bears; "" if it bears none.
	Ref string
	// Digest of its manifest, or of its configuration where docker save wrote no
	// manifest: sha256:….
	Digest   string
	Platform string
	layers   []descriptor
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
	Platform    *struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
	} `json:"platform"`
	path string // of docker save: the member's name
}

// Bounds of what is read.
const (
	maxIndex  = 16 << 20 // bytes of an index, a manifest or a configuration
	maxImages = 1000
	maxLayers = 1000
	// MaxHeld is how many bytes of one file in a compressed layer are held in memory.
	MaxHeld  = 256 << 20
	maxPaths = 5_000_000
)

// Store is an opened file or folder of images.
type Store struct {
	dir     string
	file    *os.File
	members map[string]section // of a tar file
	Images  []Image
}

type section struct{ offset, size int64 }

// Is reports whether a path holds images: a folder with an oci-layout, or a tar file
// that begins like one or like what docker save writes.
func Is(p string) bool {
	info, err := os.Stat(p)
	if err != nil {
		return false
	}
	if info.IsDir() {
		_, err := os.Stat(filepath.Join(p, "oci-layout"))
		return err == nil
	}
	if !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(p)
	if err != nil {
		return false
	}
	defer f.Close()
	r := tar.NewReader(f)
	for range 10_000 {
		h, err := r.Next()
		if err != nil {
			return false
		}
		if n := path.Clean(h.Name); n == "manifest.json" || n == "oci-layout" || n == "index.json" {
			return true
		}
	}
	return false
}

// Open reads which images a path holds. The error names the place.
func Open(p string) (*Store, error) {
	s := &Store{}
	info, err := os.Stat(p)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		s.dir = p
	} else if err := s.openTar(p); err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	if err := s.find(); err != nil {
		_ = s.Close() // the first error is what matters
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	return s, nil
}

// Close ends the use of the store.
func (s *Store) Close() error {
	if s.file != nil {
		return s.file.Close()
	}
	return nil
}

func (s *Store) openTar(p string) error {
	f, err := os.Open(p)
	if err != nil {
		return err
	}
	s.file, s.members = f, map[string]section{}
	r := tar.NewReader(f)
	links := map[string]string{}
	for len(s.members) < 100_000 {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("the archive cannot be read to its end: %w", err)
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeReg:
			s.members[path.Clean(h.Name)] = section{at, h.Size}
		case tar.TypeSymlink: // docker save links a layer to that of another image
			links[path.Clean(h.Name)] = path.Join(path.Dir(path.Clean(h.Name)), h.Linkname)
		}
	}
	for name, to := range links {
		if m, ok := s.members[to]; ok {
			s.members[name] = m
		}
	}
	return nil
}

// blob opens one file of the store, of which size bytes can be read at random.
func (s *Store) blob(name string) (io.ReaderAt, int64, func(), error) {
	if s.file != nil {
		m, ok := s.members[name]
		if !ok {
			return nil, 0, nil, fmt.Errorf("%s is missing", name)
		}
		return io.NewSectionReader(s.file, m.offset, m.size), m.size, func() {}, nil
	}
	f, err := os.Open(filepath.Join(s.dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, 0, nil, fmt.Errorf("%s is missing", name)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, 0, nil, fmt.Errorf("%s is no file", name)
	}
	return f, info.Size(), func() { _ = f.Close() }, nil
}

// small reads a file whole, and decodes it.
func (s *Store) small(name string, want string, into any) ([]byte, error) {
	r, size, done, err := s.blob(name)
	if err != nil {
		return nil, err
	}
	defer done()
	if size > maxIndex {
		return nil, fmt.Errorf("%s is longer than %d MiB", name, maxIndex>>20)
	}
	text, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(text); want != "" && want != "sha256:"+hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("%s is not what its digest says: it was altered", name)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}

func blobPath(digest string) (string, error) {
	algorithm, sum, ok := strings.Cut(digest, ":")
	if !ok || algorithm != "sha256" || len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
		return "", fmt.Errorf("digest %q is none of SHA-256", digest)
	}
	return "blobs/sha256/" + sum, nil
}

// index is an OCI image index, or a manifest: their members differ.
type index struct {
	Manifests []descriptor `json:"manifests"`
	Layers    []descriptor `json:"layers"`
	Config    descriptor   `json:"config"`
}

func (s *Store) find() error {
	if _, _, done, err := s.blob("index.json"); err == nil {
		done()
		var top index
		if _, err := s.small("index.json", "", &top); err != nil {
			return err
		}
		for _, m := range top.Manifests {
			if err := s.manifest(m, "", 0); err != nil {
				return err
			}
		}
		if len(s.Images) > 0 {
			return s.name()
		}
	}
	return s.dockerSave()
}

// referenceOf is the reference that annotations give an image.
func referenceOf(d descriptor, inherited string) string {
	if full := d.Annotations["io.containerd.image.name"]; full != "" {
		return full
	}
	if ref := d.Annotations["org.opencontainers.image.ref.name"]; strings.ContainsAny(ref, "/:") {
		return ref
	}
	return inherited
}

func (s *Store) manifest(d descriptor, ref string, depth int) error {
	if d.Annotations["vnd.docker.reference.type"] != "" {
		return nil // an attestation about another one
	}
	if depth > 4 || len(s.Images) >= maxImages {
		return errors.New("its index nests or lists too much")
	}
	name, err := blobPath(d.Digest)
	if err != nil {
		return err
	}
	var m index
	if _, err := s.small(name, d.Digest, &m); err != nil {
		return err
	}
	ref = referenceOf(d, ref)
	if len(m.Manifests) > 0 {
		for _, child := range m.Manifests {
			cname, err := blobPath(child.Digest)
			if err != nil {
				return err
			}
			if _, _, done, err := s.blob(cname); err != nil {
				continue // a platform that was not saved
			} else {
				done()
			}
			if err := s.manifest(child, ref, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if len(m.Layers) > maxLayers {
		return fmt.Errorf("%s has more than %d layers", d.Digest, maxLayers)
	}
	im := Image{Ref: ref, Digest: d.Digest, layers: m.Layers}
	if d.Platform != nil {
		im.Platform = d.Platform.OS + "/" + d.Platform.Architecture
	}
	s.Images = append(s.Images, im)
	return nil
}

type saved struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"`
}

// name takes references from docker save's own list where the index has none.
func (s *Store) name() error {
	var list []saved
	if _, err := s.small("manifest.json", "", &list); err == nil && len(list) == len(s.Images) {
		for i := range list {
			if s.Images[i].Ref == "" && len(list[i].RepoTags) > 0 {
				s.Images[i].Ref = list[i].RepoTags[0]
			}
		}
	}
	return nil
}

func (s *Store) dockerSave() error {
	var list []saved
	if _, err := s.small("manifest.json", "", &list); err != nil {
		return err
	}
	for _, m := range list {
		if len(m.Layers) > maxLayers || len(s.Images) >= maxImages {
			return errors.New("it lists too much")
		}
		im := Image{}
		if len(m.RepoTags) > 0 {
			im.Ref = m.RepoTags[0]
		}
		r, size, done, err := s.blob(path.Clean(m.Config))
		if err != nil {
			return err
		}
		text, err := io.ReadAll(io.NewSectionReader(r, 0, min(size, maxIndex)))
		done()
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		im.Digest = "sha256:" + hex.EncodeToString(sum[:])
		var config struct {
			OS           string `json:"os"`
			Architecture string `json:"architecture"`
			Root         struct {
				Diffs []string `json:"diff_ids"`
			} `json:"rootfs"`
		}
		if err := json.Unmarshal(text, &config); err != nil {
			return fmt.Errorf("%s: %w", m.Config, err)
		}
		im.Platform = config.OS + "/" + config.Architecture
		for i, l := range m.Layers {
			d := descriptor{path: path.Clean(l)}
			if i < len(config.Root.Diffs) {
				d.Digest = config.Root.Diffs[i] // of the layer unpacked, as docker save writes it
			}
			im.layers = append(im.layers, d)
		}
		s.Images = append(s.Images, im)
	}
	if len(s.Images) == 0 {
		return errors.New("it holds no image")
	}
	return nil
}

// Each visits the files of an image as a container would see them, with paths that
// begin without a slash. visit may read the file it is given until it returns.
func (s *Store) Each(ctx context.Context, im Image, visit func(*File) error) error {
	v := &view{seen: map[string]bool{}, gone: map[string]bool{}}
	for i := len(im.layers) - 1; i >= 0; i-- {
		if err := s.layer(ctx, im.layers[i], v, visit); err != nil {
			return fmt.Errorf("layer %d of %s: %w", i+1, im.Digest, err)
		}
	}
	return nil
}

// view is what higher layers have put in place or taken away.
type view struct {
	seen, gone map[string]bool
}

// hides reports whether a higher layer hides a path: by a file of its own in its
// place or in that of a folder above, or by having removed it.
func (v *view) hides(name string) bool {
	if v.seen[name] {
		return true
	}
	for p := name; ; {
		if v.gone[p] {
			return true
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return v.gone["."]
		}
		p = p[:i]
		if v.seen[p] {
			return true
		}
	}
}

// File is one file of an image.
type File struct {
	Path string
	Size int64
	r    io.Reader
}

// Head returns the first n bytes, or as many as there are; they are read again by Bytes.
func (f *File) Head(n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := io.ReadFull(f.r, b)
	f.r = io.MultiReader(bytes.NewReader(b[:got]), f.r)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return b[:got], err
}

// Bytes reads the file whole, at most limit bytes.
func (f *File) Bytes(limit int64) ([]byte, error) {
	if f.Size > limit {
		return nil, fmt.Errorf("it is %d MiB, and of a file in a layer %d are held in memory", f.Size>>20, limit>>20)
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, io.LimitReader(f.r, limit+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) != f.Size {
		return nil, errors.New("it ends before its size")
	}
	return b.Bytes(), nil
}
