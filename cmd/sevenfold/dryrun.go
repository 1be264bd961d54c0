package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sevenfold-sec/sevenfold/assess"
)

// dryRun lists the calls that a run would make.
func (s *session) dryRun() error {
	calls, err := assess.Plan(s.sources)
	if err != nil {
		return err
	}
	return s.g.tell(map[string]any{"calls": calls}, func(w io.Writer) error {
		source := ""
		for _, c := range calls {
			if c.Source != source {
				source = c.Source
				fmt.Fprintf(w, "%s\n", source)
			}
			line := "  " + c.Operation
			for _, part := range []string{c.Per, c.Where} {
				if part != "" {
					line += "  " + part
				}
			}
			if grants := strings.Join(c.Grants, ", "); grants != "" && grants != c.Operation {
				line += "  (grant " + grants + ")"
			}
			if _, err := fmt.Fprintln(w, line); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(w, "\n%d kinds of call, all of them reads. None was made.\n", len(calls))
		return err
	})
}

// writeJSON writes v as indented JSON.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
