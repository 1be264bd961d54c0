package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/gate"
)

// GatePlan is the gate's answer to a plan, ready to be shown.
type GatePlan struct {
	Decision gate.Decision
	// Plan is the file's name, as given.
	Plan    string
	Version string
	Now     time.Time
	// Resources counts the resources the plan changes.
	Resources int
	// Locate finds where a resource is written, false if that is not known. The
	// file is relative to where the plan lies; lines count from 1. May be nil.
	Locate func(address string) (file string, line int, ok bool)
}

// gateWords say the word as people read it.
var gateWords = map[gate.Word]string{gate.Admit: "admitted", gate.Refuse: "refused", gate.Unclear: "could not tell"}

// heading is the answer in one line.
func (p *GatePlan) heading() string {
	switch p.Decision.Decision {
	case gate.Admit:
		return fmt.Sprintf("admitted: of %s nothing grows beyond what is allowed, and nothing breaks", many(p.Resources, "resource"))
	case gate.Refuse:
		return "refused: it grows what is not certified, or breaks what holds"
	}
	return "could not tell: some of it is known only after apply, or not understood"
}

// weightMarks tell in text what a reason does: it refuses, it leaves open, it
// holds nothing back.
var weightMarks = map[gate.Word]string{gate.Refuse: "✗", gate.Unclear: "?", gate.Admit: "·"}

// GateText writes the answer for a terminal.
func GateText(w io.Writer, p *GatePlan) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", line(p.Plan), p.heading())
	for _, r := range p.reasons() {
		fmt.Fprintf(&b, "  %s %s\n", weightMarks[r.Weight], line(r.Text))
		if about := p.about(r); about != "" {
			fmt.Fprintf(&b, "    %s\n", about)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// reasons returns the decision's reasons with those that say the same of several
// workloads drawn together: one hole in a shared bucket is one hole.
func (p *GatePlan) reasons() []gate.Reason {
	var out []gate.Reason
	at := map[gate.Reason]int{}
	for _, r := range p.Decision.Reasons {
		key := r
		key.Workload = ""
		i, twice := at[key]
		if !twice {
			at[key] = len(out)
			out = append(out, r)
			continue
		}
		out[i].Workload += ", " + r.Workload
	}
	return out
}

// about names what a reason is about, in one line.
func (p *GatePlan) about(r gate.Reason) string {
	var parts []string
	if r.Workload != "" {
		parts = append(parts, "workload "+line(r.Workload))
	}
	if r.Criterion != "" {
		parts = append(parts, line(r.Criterion))
	}
	if r.Address != "" {
		parts = append(parts, line(r.Address))
	}
	if file, n, ok := p.locate(r.Address); ok {
		parts = append(parts, fmt.Sprintf("%s:%d", line(file), n))
	}
	return strings.Join(parts, " · ")
}

// locate finds the first of a reason's addresses that is known.
func (p *GatePlan) locate(addresses string) (string, int, bool) {
	if p.Locate == nil {
		return "", 0, false
	}
	for _, a := range strings.Split(addresses, ", ") {
		if file, n, ok := p.Locate(a); ok {
			return file, n, true
		}
	}
	return "", 0, false
}

// GateMarkdown writes the answer as a pull request comment, bounded and
// harmless as Markdown's is.
func GateMarkdown(w io.Writer, p *GatePlan) error {
	m := &markdown{ix: newIndex(&Document{Command: "sevenfold gate plan"})}
	mark := map[gate.Word]string{gate.Admit: "🟢", gate.Refuse: "🔴"}[p.Decision.Decision]
	if mark == "" {
		mark = "🟡"
	}
	m.add("### %s sevenfold gate: %s\n\nPlan %s: %s.\n", mark, gateWords[p.Decision.Decision], code(short(p.Plan, 120)), prose(p.heading()))
	if len(p.Decision.Reasons) > 0 {
		m.add("\n| workload | resource | criterion | what |\n|---|---|---|---|\n")
	}
	for _, r := range p.reasons() {
		at := "–"
		if r.Address != "" {
			at = code(short(r.Address, 160))
		}
		if file, n, ok := p.locate(r.Address); ok {
			at += "<br>" + code(fmt.Sprintf("%s:%d", short(file, 120), n))
		}
		m.add("| %s | %s | %s | %s |\n", orDash(r.Workload), at, orDash(r.Criterion), prose(short(line(r.Text), 600)))
	}
	if p.Decision.Decision == gate.Refuse {
		m.add("\nMend what would fail; for growth, have the workload certified as it stands: %s. Shrinking, and staying within the pilot, are always allowed.\n",
			code("sevenfold gate certify WORKLOAD --out FILE"))
	}
	_, err := io.WriteString(w, m.bounded())
	return err
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return prose(short(s, 80))
}

// gateRules are the kinds of reason SARIF tells apart.
var gateRules = []sarifRule{
	{ID: "gate/growth", Short: sarifText{Text: "Growth needs a certificate"}, Default: sarifDefault{"error"},
		Help: sarifText{Text: "A workload grows beyond its pilot only with a certificate that counts: sevenfold gate certify WORKLOAD --out FILE."}},
	{ID: "gate/criterion", Short: sarifText{Text: "The plan would newly fail a criterion"}, Default: sarifDefault{"error"},
		Help: sarifText{Text: "What the plan breaks is refused whether anything grows or not. Mend it in the plan."}},
	{ID: "gate/unknown", Short: sarifText{Text: "It is known only after apply"}, Default: sarifDefault{"warning"},
		Help: sarifText{Text: "What cannot be told is never taken for safe. Give the value in the configuration, or let somebody look."}},
}

// GateSARIF writes the answer as SARIF 2.1.0: one result a reason, with the
// resource's address as logical location and, where it is known, the file and
// line it is written at. Reasons of an admission are left out: they hold
// nothing back.
func GateSARIF(w io.Writer, p *GatePlan) error {
	results := []sarifResult{}
	for _, r := range p.Decision.Reasons {
		rule, kind, level := reasonRule(r)
		if rule < 0 {
			continue
		}
		text := line(r.Text)
		if r.Workload != "" {
			text = line(r.Workload) + ": " + text
		}
		at := orNone(r.Address, line(p.Plan))
		loc := sarifLocation{Logical: []sarifLogical{{Name: lastPart(at), FullyQualified: at, Kind: "resource"}}}
		if file, n, ok := p.locate(r.Address); ok {
			loc.Physical = &sarifPhysical{sarifArtifact{file}, sarifRegion{n}}
		}
		results = append(results, sarifResult{RuleID: gateRules[rule].ID, RuleIndex: rule, Kind: kind, Level: level, Message: sarifText{Text: text},
			Locations: []sarifLocation{loc}, Fingerprints: map[string]string{"sevenfold/v1": line(r.Workload + "|" + r.Criterion + "|" + r.Address)},
			Bag: map[string]any{"criterion": line(r.Criterion)}})
	}
	return writeJSON(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool:        sarifTool{sarifDriver{Name: "sevenfold", Version: line(p.Version), Rules: slices.Clone(gateRules)}},
		Invocations: []sarifInvocation{{Successful: true, EndTimeUTC: p.Now.UTC().Format("2006-01-02T15:04:05Z")}},
		Results:     results, ColumnKind: "unicodeCodePoints",
	}}})
}

// reasonRule tells what kind of reason it is, by the weight it has; -1 for one
// that holds nothing back.
func reasonRule(r gate.Reason) (rule int, kind, level string) {
	switch {
	case r.Weight == gate.Admit:
		return -1, "", ""
	case r.Weight == gate.Unclear:
		return 2, "review", "none"
	case r.Criterion != "":
		return 1, "fail", "error"
	}
	return 0, "fail", "error"
}
