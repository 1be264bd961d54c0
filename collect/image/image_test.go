package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type entry struct{ name, text string }

func tarOf(t *testing.T, list ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range list {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.text)), Typeflag: tar.TypeReg}
		if to, ok := strings.CutPrefix(e.text, "-> "); ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, to, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(w, e.text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func digest(data []byte) string {
	h := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(h[:])
}

// layout writes an OCI image layout of layers, and returns its folder.
func layout(t *testing.T, ref string, layers ...[]byte) string {
	t.Helper()
	dir := t.TempDir()
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(data []byte) map[string]any {
		if err := os.WriteFile(filepath.Join(blobs, strings.TrimPrefix(digest(data), "sha256:")), data, 0o644); err != nil {
			t.Fatal(err)
		}
		return map[string]any{"digest": digest(data), "size": len(data)}
	}
	var list []any
	for _, l := range layers {
		list = append(list, put(l))
	}
	manifest, _ := json.Marshal(map[string]any{"schemaVersion": 2, "config": put([]byte("{}")), "layers": list})
	d := put(manifest)
	d["annotations"] = map[string]string{"io.containerd.image.name": ref}
	index, _ := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{d}})
	for name, data := range map[string][]byte{"index.json": index, "oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func filesOf(t *testing.T, path string) (map[string]string, []Image, error) {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	out := map[string]string{}
	for _, im := range s.Images {
		if err := s.Each(context.Background(), im, func(f *File) error {
			data, err := f.Bytes(1 << 20)
			if out[f.Path] != "" {
				t.Errorf("%s is visited twice", f.Path)
			}
			out[f.Path] = string(data)
			return err
		}); err != nil {
			return out, s.Images, err
		}
	}
	return out, s.Images, nil
}

// A container sees the highest layer's file, and none that was removed.
func TestLayers(t *testing.T) {
	low := tarOf(t, entry{"a", "old"}, entry{"gone", "x"}, entry{"dir/one", "1"}, entry{"dir/two", "2"}, entry{"kept/x", "x"}, entry{"was/dir", "d"})
	high := tarOf(t, entry{"a", "new"}, entry{".wh.gone", ""}, entry{"dir/.wh..wh..opq", ""}, entry{"dir/three", "3"}, entry{"was", "-> /etc"}, entry{"../../etc/up", "u"})
	want := map[string]string{"a": "new", "dir/three": "3", "kept/x": "x", "etc/up": "u"}
	dir := layout(t, "registry.example/app:1", zipped(t, low), high)
	if !Is(dir) {
		t.Error("an image layout is not seen as one")
	}
	got, images, err := filesOf(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	if len(images) != 1 || images[0].Ref != "registry.example/app:1" || !strings.HasPrefix(images[0].Digest, "sha256:") {
		t.Errorf("images: %+v", images)
	}
	// The same as one tar file.
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, _, err := filesOf(t, file); err != nil || !Is(file) || !maps.Equal(got, want) {
		t.Errorf("as a tar file: %v, %v", got, err)
	}
}

func TestDockerSave(t *testing.T) {
	layer := tarOf(t, entry{"x", "1"})
	config, _ := json.Marshal(map[string]any{"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"diff_ids": []string{digest(layer)}}})
	manifest, _ := json.Marshal([]any{map[string]any{"Config": "c.json", "RepoTags": []string{"app:1"}, "Layers": []string{"l/layer.tar"}}})
	file := filepath.Join(t.TempDir(), "image.tar")
	for _, packed := range []bool{false, true} {
		data := layer
		if packed {
			data = zipped(t, layer)
		}
		if err := os.WriteFile(file, tarOf(t, entry{"l/layer.tar", string(data)}, entry{"c.json", string(config)}, entry{"manifest.json", string(manifest)}), 0o644); err != nil {
			t.Fatal(err)
		}
		got, images, err := filesOf(t, file)
		if err != nil || got["x"] != "1" || images[0].Ref != "app:1" || images[0].Platform != "linux/amd64" {
			t.Errorf("packed %v: %v, %+v, %v", packed, got, images, err)
		}
	}
}

// One byte changed in a layer or a manifest ends it.
func TestAltered(t *testing.T) {
	for _, packed := range []bool{false, true} {
		layer := tarOf(t, entry{"x", strings.Repeat("1", 100)})
		if packed {
			layer = zipped(t, layer)
		}
		dir := layout(t, "a:1", layer)
		blobs, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blobs {
			file := filepath.Join(dir, "blobs", "sha256", b.Name())
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(data) < 10 {
				continue // the configuration, which nothing is read of
			}
			changed := slices.Clone(data)
			changed[len(changed)/2] ^= 1
			if err := os.WriteFile(file, changed, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, _, err := filesOf(t, dir); err == nil {
				t.Errorf("packed %v: blob %s was altered and nobody noticed", packed, b.Name())
			}
			if err := os.WriteFile(file, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestNoImage(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{"plain.tar": tarOf(t, entry{"model.pkl", "x"}), "cut.tar": tarOf(t, entry{"manifest.json", "["})[:700], "text": []byte("hello")} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if Is(filepath.Join(dir, "plain.tar")) || Is(filepath.Join(dir, "text")) || Is(dir) || Is(filepath.Join(dir, "none")) {
		t.Error("what is no image passes for one")
	}
	if _, err := Open(filepath.Join(dir, "cut.tar")); err == nil {
		t.Error("a damaged archive opens")
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(`[{"Config":"c","Layers":["l"]}]`), []byte("{}"))
	f.Add([]byte(`{"manifests":[{"digest":"sha256:x"}]}`), []byte("x"))
	f.Fuzz(func(t *testing.T, manifest, other []byte) {
		dir := t.TempDir()
		for name, data := range map[string][]byte{"manifest.json": manifest, "index.json": manifest, "c": other, "l": other} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open(dir)
		if err != nil {
			return
		}
		defer s.Close()
		for _, im := range s.Images {
			_ = s.Each(context.Background(), im, func(f *File) error { _, err := f.Bytes(1 << 16); return err })
			_ = fmt.Sprint(im)
		}
	})
}
