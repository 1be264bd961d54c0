package format

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// apart says how the parts of an office document are read that are not its pages, slides or
// sheets, by the beginning of their names within the document's folder.
var apart = []struct {
	folder string
	read   func(r *reader, in io.Reader) error
}{
	{"notesSlides/", (*reader).shapes}, {"drawings/drawing", (*reader).shapes}, {"diagrams/data", (*reader).shapes},
	{"comments", (*reader).said}, {"threadedComments/", (*reader).said}, {"persons/", (*reader).said}, {"charts/chart", (*reader).said}, {"commentAuthors", (*reader).said},
}

// beside reads what an office document of a folder holds beside that: notes, comments, charts,
// its properties (who wrote it, for whom), and the files embedded in it. Pictures are told.
func (r *reader) beside(z *zip.Reader, folder string, depth int) error {
	pictures, kind := 0, r.rep.Format
	for _, f := range z.File {
		var read func(io.Reader) error
		inside, ours := strings.CutPrefix(f.Name, folder)
		switch {
		case f.Name == "docProps/app.xml":
			read = func(in io.Reader) error { return r.saidIn(in, "Company", "Manager", "HyperlinkBase") } // the rest are counts
		case strings.HasPrefix(f.Name, "docProps/") && strings.HasSuffix(f.Name, ".xml"), strings.HasPrefix(f.Name, "customXml/item") && !strings.HasPrefix(f.Name, "customXml/itemProps"):
			read = r.said
		case !ours:
		case strings.HasPrefix(inside, "media/"):
			switch strings.ToLower(path.Ext(inside)) {
			case ".xml", ".rels":
			default:
				pictures++
			}
		case strings.HasPrefix(inside, "embeddings/") && !strings.HasSuffix(inside, ".rels"):
			read = func(in io.Reader) error { return r.nested(path.Base(f.Name), in, depth+1) }
		case strings.HasSuffix(inside, "vbaProject.bin"):
			if err := r.note(problem("the document's macros are not read")); err != nil {
				return err
			}
		case strings.HasSuffix(inside, ".xml") && folder != "word/" || strings.HasPrefix(inside, "charts/chart"): // what lies in word/ was read
			for _, a := range apart {
				if strings.HasPrefix(inside, a.folder) {
					read = func(in io.Reader) error { return a.read(r, in) }
					break
				}
			}
		}
		if read == nil {
			continue
		}
		err := r.member(f, read)
		r.rep.Format = kind
		if err := r.note(r.damaged("a part of the document", err)); err != nil {
			return err
		}
	}
	if pictures > 0 {
		return problem("%s", fmt.Sprintf("%d pictures or recordings in the document: what they show is not read", pictures))
	}
	return nil
}

// shapes reads the text of a part that is drawn.
func (r *reader) shapes(in io.Reader) error { return r.runs(in, "a:t", "a:p") }

// said reads all text of a part, and those attributes that hold names and addresses of
// people. Runs of one text stay together.
func (r *reader) said(in io.Reader) error { return r.saidIn(in) }

// saidIn is said of the elements of some names only, if there are any.
func (r *reader) saidIn(in io.Reader, only ...string) error {
	d := plainXML(in)
	var text []byte
	on := len(only) == 0
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return r.lines(text)
		}
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			on = len(only) == 0 || slices.Contains(only, t.Name.Local)
			for _, a := range t.Attr {
				switch a.Name.Local {
				case "author", "name", "displayName", "userId", "initials":
					text = append(append(text, a.Value...), '\n')
				}
			}
		case xml.EndElement:
			if t.Name.Local != "t" && t.Name.Local != "r" && len(text) > 0 && text[len(text)-1] != '\n' {
				text = append(text, '\n')
			}
			if len(text) > pieceSize/2 {
				if err := r.lines(text); err != nil {
					return err
				}
				text = text[:0]
			}
		case xml.CharData:
			if on {
				text = append(text, t...)
			}
		}
	}
}
