package format

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"
)

// office reads the paragraphs of the parts of a document in a folder of its
// archive: the text of every element called text, a line for each called line.
func (r *reader) office(z *zip.Reader, folder, text, line string) error {
	parts := 0
	for _, f := range z.File {
		if !strings.HasPrefix(f.Name, folder) || !strings.HasSuffix(f.Name, ".xml") || strings.Contains(f.Name, "/theme/") || strings.HasSuffix(f.Name, "styles.xml") {
			continue
		}
		parts++
		err := r.member(f, func(in io.Reader) error { return r.runs(in, text, line) })
		if err := r.note(r.damaged("a part of the document", err)); err != nil {
			return err
		}
	}
	if parts == 0 {
		return problem("the document has no page")
	}
	return nil
}

// runs hands on the text of a document's part, a paragraph being a row.
func (r *reader) runs(in io.Reader, text, line string) error {
	d := plainXML(in)
	var para []byte
	on := false
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return r.text(para)
		}
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			on = on || qualified(t.Name) == text
		case xml.EndElement:
			switch qualified(t.Name) {
			case text:
				on = false
			case line:
				para = append(para, '\n')
				if len(para) > pieceSize/8 {
					if err := r.text(para); err != nil {
						return err
					}
					para = para[:0]
				}
				if err := r.row(); err != nil {
					return err
				}
			}
		case xml.CharData:
			if on {
				para = append(para, t...)
			}
		}
	}
}

func qualified(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// plainXML is a decoder that resolves nothing from outside the document.
func plainXML(in io.Reader) *xml.Decoder {
	d := xml.NewDecoder(in)
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return decoded(in), nil }
	return d
}

// maxShared bounds the table of strings a workbook's cells point into.
const maxShared = 64 << 20

// excel reads the sheets of a workbook as tables.
func (r *reader) excel(z *zip.Reader) error {
	var shared []string
	if f := member(z, "xl/sharedStrings.xml"); f != nil {
		err := r.member(f, func(in io.Reader) (err error) { shared, err = sharedStrings(in); return err })
		if err != nil {
			return r.damaged("the workbook's table of strings", err)
		}
	}
	var sheets []*zip.File
	for _, f := range z.File {
		if strings.HasPrefix(f.Name, "xl/worksheets/") && strings.HasSuffix(f.Name, ".xml") {
			sheets = append(sheets, f)
		}
	}
	if len(sheets) == 0 { // its properties say nothing of what it held
		return problem("the workbook has no sheet")
	}
	sort.Slice(sheets, func(i, j int) bool { return sheets[i].Name < sheets[j].Name })
	for _, f := range sheets {
		err := r.member(f, func(in io.Reader) error { return r.sheet(in, shared) })
		if err := r.note(r.damaged("a sheet of the workbook", err)); err != nil {
			return err
		}
	}
	return nil
}

func sharedStrings(in io.Reader) ([]string, error) {
	d := plainXML(in)
	var all []string
	var one strings.Builder
	total, on := 0, false
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			on = t.Name.Local == "t"
		case xml.EndElement:
			on = false
			if t.Name.Local == "si" {
				all = append(all, one.String())
				one.Reset()
			}
		case xml.CharData:
			if on {
				if total += len(t) + 16; total > maxShared {
					return nil, problem("the workbook's table of strings is larger than %d MiB", maxShared>>20)
				}
				one.Write(t)
			}
		}
	}
}

// sheet feeds a sheet's cells to the reader of tables.
func (r *reader) sheet(in io.Reader, shared []string) error {
	d := plainXML(in)
	t := table{r: r}
	kind, on := "", false
	var v []byte
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch e := tok.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "c":
				kind, v = "", v[:0]
				for _, a := range e.Attr {
					switch a.Name.Local {
					case "t":
						kind = a.Value
					case "r":
						if err := t.skipTo(columnOf(a.Value)); err != nil {
							return err
						}
					}
				}
			case "v", "t":
				on = true
			}
		case xml.CharData:
			if on {
				v = append(v, e...)
			}
		case xml.EndElement:
			on = false
			switch e.Name.Local {
			case "c":
				t.any = true
				t.cell = append(t.cell[:0], v...)
				if i, err := strconv.Atoi(string(v)); kind == "s" && err == nil && i >= 0 && i < len(shared) {
					t.cell = append(t.cell[:0], shared[i]...)
				}
				if err := t.put(t.cell); err != nil {
					return err
				}
			case "row":
				t.cell = t.cell[:0]
				if err := t.row(); err != nil {
					return err
				}
			}
		}
	}
}

// skipTo puts empty cells where a sheet leaves columns out.
func (t *table) skipTo(column int) error {
	for t.column < column && t.column < maxColumns {
		t.cell = t.cell[:0]
		if err := t.put(t.cell); err != nil {
			return err
		}
	}
	return nil
}

// row ends a row whose last cell was put already.
func (t *table) row() error {
	held := t.any
	t.column, t.any = 0, false
	switch {
	case !held:
		t.first = nil
		return nil
	case t.names == nil:
		return t.header()
	}
	return t.r.row()
}

// columnOf is the place of a cell's column: A1 is 0, AB3 is 27.
func columnOf(ref string) int {
	n := 0
	for i := 0; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && i < 4; i++ {
		n = n*26 + int(ref[i]-'A') + 1
	}
	return n - 1
}
