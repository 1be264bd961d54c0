package format

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"io"
	"path"
	"strings"
)

// maxMembers is how many members of an archive are read; a listing of millions
// of empty ones costs more than it says.
const maxMembers = 200_000

// tar reads the members of a tar archive, WebDataset shards among them. A
// member that cannot be read is a problem of its own.
func (r *reader) tar(in io.Reader, depth int) error {
	t := tar.NewReader(in)
	images, kind := 0, r.rep.Format
	for n := 0; ; n++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r.damaged("the tar archive", err)
		}
		if n == maxMembers {
			return problem("the archive has more than %d members", maxMembers)
		}
		if h.Typeflag != tar.TypeReg || h.Size == 0 {
			continue
		}
		switch strings.ToLower(path.Ext(h.Name)) {
		case ".jpg", ".jpeg", ".png", ".webp", ".gif", ".mp3", ".wav", ".flac", ".mp4":
			images++
			continue
		}
		err = r.nested(path.Base(h.Name), t, depth+1)
		r.rep.Format = kind
		if err := r.note(r.damaged("a member of the archive", err)); err != nil {
			return err
		}
	}
	return r.media(images)
}

func (r *reader) media(n int) error {
	if n > 0 {
		return r.note(problem("%d images, recordings or videos: what they show is not read", n))
	}
	return nil
}

// zip reads a zip archive, or the document that one is: Word, Excel and
// PowerPoint files.
func (r *reader) zip(src io.ReaderAt, size int64, depth int) error {
	z, err := zip.NewReader(src, size)
	if err != nil {
		return r.damaged("the zip archive", err)
	}
	if len(z.File) > maxMembers {
		return problem("the archive has more than %d members", maxMembers)
	}
	switch {
	case member(z, "word/document.xml") != nil:
		r.rep.Format = strings.TrimSuffix(r.rep.Format, "zip") + "docx"
		if err := r.note(r.office(z, "word/", "w:t", "w:p")); err != nil {
			return err
		}
		return r.beside(z, "word/", depth)
	case member(z, "ppt/presentation.xml") != nil:
		r.rep.Format = strings.TrimSuffix(r.rep.Format, "zip") + "pptx"
		if err := r.note(r.office(z, "ppt/slides/", "a:t", "a:p")); err != nil {
			return err
		}
		return r.beside(z, "ppt/", depth)
	case member(z, "xl/workbook.xml") != nil:
		r.rep.Format = strings.TrimSuffix(r.rep.Format, "zip") + "xlsx"
		if err := r.note(r.excel(z)); err != nil {
			return err
		}
		return r.beside(z, "xl/", depth)
	}
	images, kind := 0, r.rep.Format
	for _, f := range z.File {
		if f.FileInfo().IsDir() || f.UncompressedSize64 == 0 {
			continue
		}
		switch strings.ToLower(path.Ext(f.Name)) {
		case ".jpg", ".jpeg", ".png", ".webp", ".gif", ".mp3", ".wav", ".flac", ".mp4":
			images++
			continue
		}
		err := r.member(f, func(in io.Reader) error { return r.nested(path.Base(f.Name), in, depth+1) })
		r.rep.Format = kind
		if err := r.note(r.damaged("a member of the archive", err)); err != nil {
			return err
		}
	}
	return r.media(images)
}

func member(z *zip.Reader, name string) *zip.File {
	for _, f := range z.File {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// member opens one file of a zip archive under the guard against bombs.
func (r *reader) member(f *zip.File, read func(io.Reader) error) error {
	if f.Flags&1 != 0 {
		return problem("a member of the archive is encrypted")
	}
	in, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return problem("a member of the archive is compressed in a way that is not read")
	}
	if err != nil {
		return err
	}
	defer in.Close()
	return read(r.bounded(in, &counted{n: int64(f.CompressedSize64)}))
}
