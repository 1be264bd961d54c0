package estate

import "encoding/json"

// Document is one exported reply or manifest, or a bounded part of a large
// one, as a reader of folders hands it to the providers' formats.
type Document struct {
	// Path is slash-separated and relative to the folder read.
	Path string
	// Index counts the documents of one file (YAML stream, JSON lines, or the
	// parts a large reply was cut into) from 0.
	Index int
	// Partial is set when Body holds only some elements of a large reply's
	// arrays; the others follow or went before in documents of the same Path.
	Partial bool
	// Body is one JSON object or array, YAML already converted.
	Body json.RawMessage
	// Account and Region are what the source's options, the path or the rest of
	// the folder say; empty when nothing does.
	Account, Region string
	// Cluster is the Kubernetes cluster the source's option names for every
	// object below it; empty when it names none.
	Cluster string
	// Source is the source as given on the command line.
	Source string
}

// Format reads documents of one provider. It is how a folder of exports meets
// a live collector in the same assets.
type Format interface {
	// Read sends what the document holds to the sink and reports whether it
	// understood it. A document that belongs to this format but is damaged is
	// understood: its damage goes to the sink as a blind spot naming path and
	// place. Read must not keep Body.
	Read(doc Document, sink Sink) bool
}
