package scan

import "github.com/sevenfold-sec/sevenfold/steps/data/scan/ner"

// byModel is the reason of names a model found.
const byModel = "a neural model"

// LoadNames loads the neural model for names from a folder. The error says
// which file is missing or is not the one expected, with a hint.
func LoadNames(folder string) (Namer, error) {
	m, err := ner.Load(folder)
	if err != nil {
		return nil, err
	}
	return modelNamer{m}, nil
}

type modelNamer struct{ model *ner.Model }

var _ Namer = modelNamer{}

// Names finds persons and parts of addresses. Organisations are not among what
// the model was taught.
func (n modelNamer) Names(spans []Span, text []byte) []Span {
	for _, s := range n.model.Names(text) {
		spans = append(spans, Span{s.Type, s.Start, s.End, s.Score, byModel})
	}
	return spans
}
