package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// spanWriter writes a line for each record, and keeps what was left open.
type spanWriter struct {
	g       *globals
	enc     *json.Encoder
	scanner *scan.Scanner
	field   string
	several bool
	unknown int64 // records
	files   int
}

// dataSpans prints the places of the values in each record, as they are found.
func (g *globals) dataSpans(ctx context.Context, s *scan.Scanner, named bool, paths []string, o local.Options, field string) error {
	sw := &spanWriter{g: g, scanner: s, field: field, several: len(paths) > 1}
	// What ends the walk is told as it is, and not as a failure of the output.
	var failed error
	if err := g.write(func(w io.Writer) error {
		sw.enc = json.NewEncoder(w)
		sw.enc.SetEscapeHTML(false)
		failed = sw.walk(ctx, paths, o)
		return failed
	}); failed != nil {
		return failed
	} else if err != nil {
		return err
	}
	switch {
	case sw.files == 0:
		fmt.Fprintln(g.stderr, "sevenfold: nothing was examined\nhint: name a folder that holds files")
	case sw.unknown > 0:
		fmt.Fprintf(g.stderr, "sevenfold: unknown: %s; each says why\n", counted(int(sw.unknown), "record"))
	}
	if !named {
		fmt.Fprintln(g.stderr, "sevenfold: names of persons, places and organisations were not looked for: no model is installed\nhint: make models")
	}
	if sw.files == 0 || sw.unknown > 0 || !named {
		return verdict(exitUnknown)
	}
	return nil
}

func (sw *spanWriter) walk(ctx context.Context, paths []string, o local.Options) error {
	return local.Walk(ctx, paths, o, func(e *local.Entry) error {
		sw.files++
		sw.several = sw.several || e.Path() != paths[0]
		return sw.entry(ctx, e)
	})
}

func (sw *spanWriter) entry(ctx context.Context, e *local.Entry) error {
	in, err := e.Stream()
	if err != nil {
		return sw.record(e, data.Record{Spans: []data.Place{}, Unknown: err.Error()})
	}
	defer in.Close() //nolint:errcheck // it was only read
	err = data.Records(ctx, sw.scanner, in, sw.field, func(r data.Record) error { return sw.record(e, r) })
	if errors.Is(err, data.NeedsFieldError{}) {
		if sw.several {
			return sw.record(e, data.Record{Spans: []data.Place{}, Unknown: "it holds JSON records, and --field does not say which member is their text"})
		}
		return usage(printable(e.Path())+": it holds JSON records, and nobody said which member is their text", "--field NAME")
	}
	return err
}

func (sw *spanWriter) record(e *local.Entry, r data.Record) error {
	if r.Unknown != "" {
		sw.unknown++
	}
	if sw.several {
		r.Path = e.Path()
	}
	if err := sw.enc.Encode(r); err != nil {
		return &failure{code: exitInternal, what: "output: " + err.Error(), hint: "make room, or give --out a file elsewhere"}
	}
	return nil
}
