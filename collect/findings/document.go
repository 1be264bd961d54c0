package findings

import (
	"bytes"
	"fmt"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Format takes reports out of a folder of exports. It keeps results until Flush.
// Tables and SARIF, which the reader of exports does not open, are a Collector's
// (see Beside).
type Format struct {
	book   *book
	lim    limits
	source string
}

var _ estate.Format = (*Format)(nil)

// NewFormat returns a format for one folder.
func NewFormat() *Format { return &Format{book: newBook(defaultLimits), lim: defaultLimits} }

// Beside returns a collector of those reports in a folder of exports that the
// reader of exports does not open.
func Beside(root, source string) *Collector {
	return New(Options{Root: root, Source: source, Records: source + "#beside", Only: wanted})
}

// Read implements estate.Format.
func (f *Format) Read(doc estate.Document, sink estate.Sink) bool {
	format := recognize(doc.Body[:min(len(doc.Body), headSize)])
	if format == nil {
		return false
	}
	f.source = doc.Source
	s := newStream(bytes.NewReader(doc.Body), f.lim)
	p := f.book.open(doc.Path, format.name)
	err := format.read(s, p)
	r := &reader{opts: Options{Source: doc.Source}, lim: f.lim, sink: sink, book: f.book}
	if doc.Partial && format.name == "Kubescape JSON" {
		p.note(estate.ReadFailed, "a Kubescape report this large is cut in a folder of exports, and loses its severities", "name it as a source of its own: findings:PATH")
	}
	r.notes(doc.Path, p)
	if err != nil {
		r.blind(doc.Path, estate.ReadMalformed, fmt.Sprintf("document %d, byte %d: %s", doc.Index, s.offset(err), s.words(err)), "write the report again")
	}
	return true
}

// Flush sends what was gathered.
func (f *Format) Flush(sink estate.Sink) {
	if f.source != "" {
		f.book.flush(f.source, f.source, sink)
	}
}
