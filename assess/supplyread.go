package assess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/bucket"
	"github.com/sevenfold-sec/sevenfold/collect/image"
	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

// Looked is what was seen in one thing that a person named: a folder or file, or one
// image of a store of images.
type Looked struct {
	// From is the path or address, Place that of the estate which it tells itself:
	// an image's by its reference and digest; "" where it tells none.
	From, Place string
	Artifacts   supply.Answer
	Bill        parts.Answer
}

// Examined is a Looked as the state keeps it, at a place.
func (l *Looked) Examined(place string, now time.Time, bill bool) supply.Examined {
	e := supply.Examined{Place: place, From: l.From}
	if len(l.Artifacts.Artifacts) > 0 {
		e.Files = supply.FilesOf(l.Artifacts, now)
	}
	if bill {
		e.Bill = supply.BillOf(l.Bill, now)
	}
	return e
}

// LookAt examines paths: model files for what they would do, and, where a bill is
// asked for, everything else for what it is made of. Paths that hold container images
// are read as such.
func LookAt(ctx context.Context, paths []string, o local.Options, lim modelfile.Limits, bill bool) ([]Looked, error) {
	var out []Looked
	var files []string
	for _, p := range paths {
		if strings.HasPrefix(p, "s3://") {
			found, err := lookAtBucket(ctx, p, lim, bill)
			if err != nil {
				return nil, err
			}
			out = append(out, found)
			continue
		}
		if p == local.Stdin || !image.Is(p) {
			files = append(files, p)
			continue
		}
		found, err := lookAtImages(ctx, p, lim, bill)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(files) == 0 {
		return out, nil
	}
	l, err := lookAtFiles(ctx, files, o, lim, bill)
	return append(out, l), err
}

func lookAtFiles(ctx context.Context, paths []string, o local.Options, lim modelfile.Limits, bill bool) (Looked, error) {
	l := Looked{From: strings.Join(paths, ", "), Artifacts: supply.Answer{Artifacts: []supply.Artifact{}, Findings: []supply.Finding{}}}
	type one struct {
		files supply.Answer
		bill  parts.Answer
	}
	err := local.Each(ctx, paths, o, runtime.GOMAXPROCS(0), func(ctx context.Context, e *local.Entry) one {
		if !bill {
			return one{files: supply.Scan(ctx, e, lim)}
		}
		return lookAtEntry(ctx, e, beneath(paths, e.Path()), lim)
	}, func(got one) error {
		l.Artifacts.Add(got.files)
		l.Bill.Add(got.bill)
		return ctx.Err()
	})
	l.Bill.Settle()
	return l, err
}

// beneath is a path as seen from the folder that was named.
func beneath(roots []string, path string) string {
	for _, root := range roots {
		if rel, err := filepath.Rel(root, path); err == nil && rel != "." && !strings.HasPrefix(rel, "..") {
			if len(roots) > 1 {
				rel = filepath.Join(filepath.Base(root), rel)
			}
			return filepath.ToSlash(rel)
		}
	}
	return filepath.ToSlash(filepath.Base(path))
}

type entryLooked = struct {
	files supply.Answer
	bill  parts.Answer
}

func lookAtEntry(ctx context.Context, e supply.File, name string, lim modelfile.Limits) (out entryLooked) {
	isModel, wanted, isData := supply.ModelFile(name), parts.Wanted(name), supply.DataFile(name)
	ext := strings.ToLower(path.Ext(name))
	mayRun := ext == "" || ext == ".exe" || ext == ".bin"
	if !isModel && !wanted && !isData && !mayRun {
		return out
	}
	r, size, done, err := e.Open()
	if err != nil {
		// Links without an extension lie everywhere; what they lead to is read by itself.
		if isModel || wanted || isData || errors.Is(err, fs.ErrPermission) {
			out.bill.Problems = append(out.bill.Problems, parts.Problem{Path: name, Why: err.Error()})
		}
		return out
	}
	defer func() { _ = done() }() // it was only read
	switch {
	case isModel:
		out.files, out.bill = model(ctx, name, r, size, lim)
	case wanted:
		out.bill = read(name, r, size)
	case mayRun:
		head := make([]byte, 8)
		if n, _ := r.ReadAt(head, 0); parts.IsProgram(head[:n]) {
			out.bill = parts.ReadProgram(name, r)
		}
	default:
		out.bill.Parts = append(out.bill.Parts, parts.Part{Kind: parts.Dataset, Ecosystem: "file", Name: name, Facts: map[string]string{"bytes": strconv.FormatInt(size, 10)}, Places: []parts.Place{{Path: name}}})
	}
	return out
}

func read(name string, r io.ReaderAt, size int64) parts.Answer {
	if size > parts.MaxFile {
		return parts.Answer{Files: 1, Problems: []parts.Problem{{Path: name, Why: fmt.Sprintf("longer than %d MiB", parts.MaxFile>>20)}}}
	}
	data := make([]byte, size)
	if n, err := r.ReadAt(data, 0); int64(n) != size {
		return parts.Answer{Files: 1, Problems: []parts.Problem{{Path: name, Why: fmt.Sprintf("it cannot be read: %v", err)}}}
	}
	return parts.Read(name, data)
}

// model says what a model file is, and what it would do.
func model(ctx context.Context, name string, r io.ReaderAt, size int64, lim modelfile.Limits) (supply.Answer, parts.Answer) {
	id, rep := modelfile.Identify(ctx, name, r, size, lim)
	p := parts.Part{Kind: parts.Model, Ecosystem: "file", Name: name, SHA256: id.SHA256, Pinned: true, Places: []parts.Place{{Path: name}},
		Facts: map[string]string{"format": id.Format, "verdict": string(rep.Verdict), "bytes": strconv.FormatInt(size, 10)}}
	if id.Parameters > 0 {
		p.Facts["parameters"] = strconv.FormatUint(id.Parameters, 10)
	}
	if id.Architecture != "" {
		p.Facts["architecture"] = id.Architecture
	}
	return supply.AnswerOf(rep), parts.Answer{Files: 1, Parts: []parts.Part{p}}
}

// object is an object of a bucket as a file.
type object struct{ *bucket.Entry }

// Beside implements supply.File: what else lies there is not listed for each.
func (object) Beside() []string { return nil }

// lookAtBucket reads the objects below an address of S3, by ranges: of a large one
// only what is needed.
func lookAtBucket(ctx context.Context, uri string, lim modelfile.Limits, bill bool) (Looked, error) {
	l := Looked{From: uri, Place: supply.PlaceOf(uri), Artifacts: supply.Answer{Artifacts: []supply.Artifact{}, Findings: []supply.Finding{}}}
	at, err := bucket.Parse(uri)
	if err != nil {
		return l, &SourceError{uri, err.Error(), "s3://BUCKET/PREFIX"}
	}
	r, err := bucket.Open(ctx, at)
	if err != nil {
		return l, err
	}
	defer r.Close()
	err = r.List(ctx, func(o bucket.Object) error {
		if strings.HasSuffix(o.Key, "/") && o.Size == 0 {
			return nil // a folder, as the console makes it
		}
		e := object{r.Entry(ctx, o)}
		if !bill {
			l.Artifacts.Add(supply.Scan(ctx, e, lim))
			return ctx.Err()
		}
		got := lookAtEntry(ctx, e, o.Key, lim)
		l.Artifacts.Add(got.files)
		l.Bill.Add(got.bill)
		return ctx.Err()
	})
	l.Bill.Settle()
	return l, err
}

// lookAtImages reads each image of a store. An image that cannot be read to its end
// is told of as far as it was, with the problem.
func lookAtImages(ctx context.Context, path string, lim modelfile.Limits, bill bool) ([]Looked, error) {
	s, err := image.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }() // it was only read
	var out []Looked
	for _, im := range s.Images {
		l := Looked{From: path, Artifacts: supply.Answer{Artifacts: []supply.Artifact{}, Findings: []supply.Finding{}}}
		if im.Ref != "" {
			l.Place = supply.PlaceOf("image://" + im.Ref)
		}
		var release []byte
		err := s.Each(ctx, im, func(f *image.File) error {
			switch name := f.Path; {
			case name == "etc/os-release" || name == "usr/lib/os-release":
				if text, err := f.Bytes(64 << 10); err == nil {
					release = text
				}
			case supply.ModelFile(name):
				data, err := f.Bytes(image.MaxHeld)
				if err != nil {
					l.Artifacts.Add(supply.Unread(name, err.Error()))
					return nil
				}
				files, parts := model(ctx, name, bytes.NewReader(data), f.Size, lim)
				l.Artifacts.Add(files)
				l.Bill.Add(parts)
			case bill && parts.Wanted(name):
				data, err := f.Bytes(parts.MaxFile)
				if err != nil {
					l.Bill.Problems = append(l.Bill.Problems, parts.Problem{Path: name, Why: err.Error()})
					return nil
				}
				l.Bill.Add(parts.Read(name, data))
			case bill:
				if head, err := f.Head(8); err != nil || !parts.IsProgram(head) {
					return nil // what breaks off ends the layer with an error of its own
				}
				data, err := f.Bytes(image.MaxHeld)
				if err != nil {
					l.Bill.Problems = append(l.Bill.Problems, parts.Problem{Path: name, Why: err.Error()})
					return nil
				}
				l.Bill.Add(parts.ReadProgram(name, bytes.NewReader(data)))
			}
			return nil
		})
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			l.Bill.Problems = append(l.Bill.Problems, parts.Problem{Path: path, Why: err.Error()})
			l.Artifacts.Add(supply.Unread(path, err.Error()))
		}
		l.Bill.Located(release)
		if bill {
			ref := im.Ref
			if ref == "" {
				ref = im.Digest
			}
			l.Bill.Parts = append(l.Bill.Parts, parts.Part{Kind: parts.Image, Name: ref, Pinned: true, SHA256: strings.TrimPrefix(im.Digest, "sha256:"), Places: []parts.Place{{Path: filepath.Base(path)}}})
		}
		l.Bill.Settle()
		out = append(out, l)
	}
	return out, nil
}
