package image

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// layer reads one layer and holds it against its digest.
func (s *Store) layer(ctx context.Context, d descriptor, v *view, visit func(*File) error) error {
	name := d.path
	var err error
	if name == "" {
		if name, err = blobPath(d.Digest); err != nil {
			return err
		}
	}
	r, size, done, err := s.blob(name)
	if err != nil {
		return err
	}
	defer done()
	raw := sha256.New()
	packed := io.TeeReader(io.NewSectionReader(r, 0, size), raw)
	unpacked, end, err := unpack(bufio.NewReaderSize(packed, 1<<20))
	if err != nil {
		return err
	}
	defer end()
	inner := sha256.New()
	if err := entries(ctx, io.TeeReader(unpacked, inner), v, visit); err != nil {
		return err
	}
	for _, rest := range []io.Reader{io.TeeReader(unpacked, inner), packed} { // padding behind the archive
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return err
		}
	}
	if d.Digest == "" {
		return errors.New("nothing says what its digest is")
	}
	if d.Digest != "sha256:"+hex.EncodeToString(raw.Sum(nil)) && (d.path == "" || d.Digest != "sha256:"+hex.EncodeToString(inner.Sum(nil))) {
		return fmt.Errorf("%s is not what its digest says: it was altered", name)
	}
	return nil
}

// unpack tells a layer's compression by its first bytes.
func unpack(r *bufio.Reader) (io.Reader, func(), error) {
	head, _ := r.Peek(4)
	switch {
	case len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		z, err := gzip.NewReader(r)
		return z, func() {}, err
	case len(head) == 4 && head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd:
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(1<<30), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return r, func() {}, nil
}

// whiteout marks what a layer removes. Source: OCI image specification, layer.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

func entries(ctx context.Context, in io.Reader, v *view, visit func(*File) error) error {
	r := tar.NewReader(in)
	var here, removed []string
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("it cannot be read to its end: %w", err)
		}
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		folder, base := path.Split(name)
		switch {
		case base == opaque:
			removed = append(removed, path.Clean(folder))
			continue
		case strings.HasPrefix(base, whiteout):
			removed = append(removed, folder+strings.TrimPrefix(base, whiteout))
			continue
		case h.Typeflag == tar.TypeDir:
			continue
		}
		if v.hides(name) {
			continue
		}
		here = append(here, name)
		if len(v.seen)+len(here) > maxPaths {
			return fmt.Errorf("the image has more than %d files", maxPaths)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := visit(&File{Path: name, Size: h.Size, r: r}); err != nil {
			return err
		}
	}
	// What this layer has hides what lies below it, not what stands beside it here.
	for _, n := range here {
		v.seen[n] = true
	}
	for _, n := range removed {
		v.gone[n] = true
	}
	return nil
}
