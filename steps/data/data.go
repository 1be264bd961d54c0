// Package data says what sensitive data lies in the places AI workloads read and
// write. Its engine is steps/data/scan.
package data

import (
	"context"
	"io"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// Object is what a collector of objects gives: a file, or a stored object.
type Object interface {
	// Path names it to a person.
	Path() string
	// Open opens it to be read at random, size bytes until done is called. The
	// error says why it cannot be read, without the path.
	Open() (r io.ReaderAt, size int64, done func() error, err error)
}

// Examine labels an object. What cannot be read is unknown, with the reason.
// The error is the context's.
func Examine(ctx context.Context, s *scan.Scanner, o Object, lim format.Limits) (scan.Result, error) {
	r, size, done, err := o.Open()
	if err != nil {
		return unread(o.Path(), err.Error()), nil
	}
	res, err := s.Object(ctx, o.Path(), r, size, lim)
	if cerr := done(); cerr != nil {
		res.Reasons = append(res.Reasons, "it could not be closed")
	}
	return res, err
}

func unread(path, why string) scan.Result {
	return scan.Result{Path: path, Labels: []scan.Label{}, Verdict: scan.Unknown, Reasons: []string{why}}
}

// Answer is what is said of many objects.
type Answer struct {
	Objects []scan.Result `json:"objects"`
}

// Undecided reports whether something was not examined: an object, a part of one,
// or a type that could not be looked for. No objects at all decide nothing.
func (a Answer) Undecided() bool {
	for _, o := range a.Objects {
		if o.Verdict == scan.Unknown || len(o.Reasons) > 0 || len(o.Unknown) > 0 {
			return true
		}
	}
	return len(a.Objects) == 0
}
