// Package data says what sensitive data lies in the places AI workloads read and
// write. Its engine is steps/data/scan.
package data

import (
	"context"
	"io"

	"github.com/sevenfold-sec/sevenfold/steps/data/sample"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// Object is what a collector of objects gives: a file, or a stored object.
type Object interface {
	// Path names it to a person.
	Path() string
	// Open opens it to be read at random, size bytes until done is called. The
	// errors say why it cannot be read, in whole or from some place on, without the
	// path.
	Open() (r io.ReaderAt, size int64, done func() error, err error)
}

// Examine labels an object. What cannot be read is unknown, with the reason.
// The error is the context's.
func Examine(ctx context.Context, s *scan.Scanner, o Object, lim format.Limits) (scan.Result, error) {
	r, size, done, err := o.Open()
	if err != nil {
		return unread(s, o.Path(), err.Error()), nil
	}
	res, err := s.Object(ctx, o.Path(), r, size, lim)
	if cerr := done(); cerr != nil {
		res.Reasons = append(res.Reasons, cerr.Error())
	}
	return res, err
}

func unread(s *scan.Scanner, path, why string) scan.Result {
	bare, _ := s.Bare(path)
	return scan.Result{Path: bare, Labels: []scan.Label{}, Verdict: scan.Unknown, Reasons: []string{why}}
}

// Answer is what is said of many objects.
type Answer struct {
	Objects []scan.Result `json:"objects"`
	// Stores are the stores that were surveyed, where any were.
	Stores []StoreAnswer `json:"stores,omitempty"`
	// Forbidden are labels that lie where the policy forbids them.
	Forbidden []Forbidden `json:"forbidden,omitempty"`
}

// StoreAnswer is what is said of one store.
type StoreAnswer struct {
	Plan    sample.Plan `json:"plan"`
	Summary Summary     `json:"summary"`
	// Again is how many items were not read, being those of an earlier run.
	Again int `json:"again"`
}

// Undecided reports whether something was not examined: an object, a part of one,
// or a type that could not be looked for. No objects at all decide nothing.
func (a Answer) Undecided() bool {
	for _, o := range a.Objects {
		if o.Verdict == scan.Unknown || len(o.Reasons) > 0 || len(o.Unknown) > 0 {
			return true
		}
	}
	for _, s := range a.Stores {
		if s.Summary.Objects == 0 {
			return true
		}
	}
	return len(a.Objects) == 0
}

// Forbidden is a label that lies where the policy forbids it.
type Forbidden struct {
	Label string `json:"label"`
	Place string `json:"place"`
	Why   string `json:"why"`
}
