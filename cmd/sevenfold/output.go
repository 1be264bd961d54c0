package main

import (
	"errors"
	"io"
)

// output is standard output that remembers its first failure, so that what
// prints need not ask after each line whether the disk is full or the reader
// gone. After a failure nothing more is written.
type output struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

// judge returns the error a command ends with: half an answer must not pass for
// a whole one, so a failed output is a failure whatever the verdict was.
func (o *output) judge(err error) error {
	var v verdict
	if o.err == nil || err != nil && !errors.As(err, &v) {
		return err
	}
	return &failure{code: exitInternal, what: "output: " + o.err.Error(), hint: "make room, or give --out a file elsewhere"}
}
