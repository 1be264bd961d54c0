package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// The exit codes, the same for every verb.
const (
	exitReady    = 0 // ready, clean
	exitNotReady = 1 // not ready, findings
	exitUsage    = 2 // usage or configuration
	exitUnknown  = 3 // could not tell
	exitInternal = 4 // a fault of ours, or of the machine we run on
)

// failure is an error a person can act on: what went wrong, where, and the
// next command.
type failure struct {
	code  int
	what  string
	where string
	hint  string
}

// Error implements error.
func (f *failure) Error() string { return f.what }

// usage is a failure of the command line or the configuration.
func usage(what, hint string) *failure { return &failure{code: exitUsage, what: what, hint: hint} }

// verdict ends a command that did its work with an exit code that says what
// it found. It prints nothing.
type verdict int

// Error implements error.
func (v verdict) Error() string { return fmt.Sprintf("exit %d", int(v)) }

// hinter is what errors of other packages offer when they know the mend.
type hinter interface{ Hint() string }

// configError is what errors of other packages offer when the configuration
// or the command line, not the estate, is at fault.
type configError interface{ Config() bool }

// finish prints err for a person and returns the exit code it stands for.
func finish(w io.Writer, err error) int {
	if err == nil {
		return exitReady
	}
	var v verdict
	if errors.As(err, &v) {
		return int(v)
	}
	var f *failure
	if errors.As(err, &f) {
		printFailure(w, f)
		return f.code
	}
	f = &failure{code: exitInternal}
	f.what, f.hint = splitHints(err.Error())
	var c configError
	if errors.As(err, &c) && c.Config() {
		f.code = exitUsage
	}
	var h hinter
	if errors.As(err, &h) && h.Hint() != "" {
		f.hint = h.Hint()
	}
	printFailure(w, f)
	return f.code
}

// splitHints takes the lines of an error's text that are hints from the others.
func splitHints(text string) (what, hint string) {
	var whats, hints []string
	for _, line := range strings.Split(text, "\n") {
		if h, ok := strings.CutPrefix(strings.TrimSpace(line), "hint:"); ok {
			hints = append(hints, h)
		} else {
			whats = append(whats, line)
		}
	}
	return strings.Join(whats, "\n  "), strings.Join(hints, "\n")
}

// printFailure writes the lines of a failure: what, where, hint.
func printFailure(w io.Writer, f *failure) {
	fmt.Fprintf(w, "sevenfold: %s\n", f.what)
	if f.where != "" {
		fmt.Fprintf(w, "  at %s\n", f.where)
	}
	for _, h := range strings.Split(f.hint, "\n") {
		if h = strings.TrimSpace(strings.TrimPrefix(h, "hint:")); h != "" {
			fmt.Fprintf(w, "hint: %s\n", h)
		}
	}
}
