package report

import (
	"cmp"
	"io"
	"strings"

	"github.com/sevenfold-sec/sevenfold/gate"
)

// conftestResult is one file's result as conftest writes it (--output json), so
// that a pipeline which reads conftest reads the gate.
type conftestResult struct {
	Filename  string         `json:"filename"`
	Namespace string         `json:"namespace"`
	Successes int            `json:"successes"`
	Warnings  []conftestNote `json:"warnings,omitempty"`
	Failures  []conftestNote `json:"failures,omitempty"`
}

type conftestNote struct {
	Msg      string            `json:"msg"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// GateConftest writes a decision on a plan as conftest's JSON. What could not be
// told is a failure: conftest knows no third word, and unknown is no pass.
func GateConftest(w io.Writer, p *GatePlan) error {
	out := conftestResult{Filename: p.Plan, Namespace: "sevenfold"}
	failed := map[string]bool{}
	for _, r := range p.Decision.Reasons {
		note := conftestNote{Msg: r.Text, Metadata: map[string]string{}}
		for key, value := range map[string]string{"workload": r.Workload, "criterion": r.Criterion, "address": r.Address, "word": string(r.Weight)} {
			if value != "" {
				note.Metadata[key] = value
			}
		}
		if r.Weight == gate.Admit {
			out.Warnings = append(out.Warnings, note)
			continue
		}
		for address := range strings.SplitSeq(r.Address, ", ") {
			failed[cmp.Or(address, r.Text)] = true
		}
		out.Failures = append(out.Failures, note)
	}
	out.Successes = max(0, p.Resources-len(failed))
	return writeJSON(w, []conftestResult{out})
}
