package report

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// sarifSchema is the address of the schema SARIF names; nothing fetches it.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// The structs below are the part of SARIF 2.1.0 this report uses, with the
// standard's own property names.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
		ColumnKind  string            `json:"columnKind"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name            string      `json:"name"`
		SemanticVersion string      `json:"semanticVersion,omitempty"`
		Version         string      `json:"version,omitempty"`
		Rules           []sarifRule `json:"rules"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifRule struct {
		ID      string         `json:"id"`
		Short   sarifText      `json:"shortDescription"`
		Full    *sarifText     `json:"fullDescription,omitempty"`
		Help    sarifText      `json:"help"`
		Default sarifDefault   `json:"defaultConfiguration"`
		Bag     map[string]any `json:"properties,omitempty"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		EndTimeUTC    string              `json:"endTimeUtc"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Kind         string             `json:"kind"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Bag          map[string]any     `json:"properties,omitempty"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations"`
		Message  *sarifText     `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		Name           string `json:"name,omitempty"`
		FullyQualified string `json:"fullyQualifiedName"`
		Kind           string `json:"kind"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
)

// SARIF writes the findings as SARIF 2.1.0: one rule a control with its help,
// one result a finding with the asset as logical location and the finding's
// stable id as partial fingerprint. An unknown is a result of kind "review",
// never silence; blind spots are notifications of the run; a waived finding is
// suppressed with its reason. The standard gives kinds other than "fail" the
// level "none", so that is what an unknown has.
func SARIF(w io.Writer, doc *Document) error {
	rules, index := sarifRules(doc)
	ix := newIndex(doc)
	open := map[string]bool{}
	for _, b := range ix.accepted {
		for _, f := range b.Findings {
			open[f.ID] = true
		}
	}
	results := make([]sarifResult, 0, len(doc.Findings))
	for i := range doc.Findings {
		r := sarifOf(&doc.Findings[i], index)
		if open[doc.Findings[i].ID] {
			r.Message.Text += " Waived for a workload, still open."
			r.Bag["waived"] = true
		}
		results = append(results, r)
	}
	version := line(doc.Tool.Version)
	return writeJSON(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool:        sarifTool{sarifDriver{Name: "sevenfold", Version: version, Rules: rules}},
		Invocations: []sarifInvocation{invocation(ix)},
		Results:     results,
		ColumnKind:  "unicodeCodePoints",
	}}})
}

// invocation tells how the run went: what could not be seen, and which
// verdicts rest on waivers.
func invocation(ix *index) sarifInvocation {
	doc := ix.doc
	inv := sarifInvocation{Successful: true, EndTimeUTC: doc.Taken.UTC().Format("2006-01-02T15:04:05Z")}
	for _, s := range doc.Sources {
		if s.Status == "failed" {
			inv.Successful = false
		}
	}
	for _, b := range doc.BlindSpots {
		text := "could not see " + line(b.What) + ": " + line(b.Why)
		if b.Hint != "" {
			text += ". hint: " + line(b.Hint)
		}
		inv.Notifications = append(inv.Notifications, sarifNotification{"warning", sarifText{Text: text}})
	}
	for i := range doc.Workloads {
		w := &doc.Workloads[i]
		if all := ix.waived(w); len(all) > 0 {
			text := orNone(w.Name, w.ID) + ": " + ix.verdictOf(w) + ". Waived: " + strings.Join(all, "; ")
			inv.Notifications = append(inv.Notifications, sarifNotification{"warning", sarifText{Text: text}})
		}
	}
	return inv
}

// sarifRules lists one rule for each control that has a finding, by id.
func sarifRules(doc *Document) ([]sarifRule, map[string]int) {
	controls := map[string]*Control{}
	for i := range doc.Controls {
		controls[doc.Controls[i].ID] = &doc.Controls[i]
	}
	first := map[string]*finding.Finding{}
	ids := []string{}
	for i := range doc.Findings {
		f := &doc.Findings[i]
		if first[f.Control] == nil {
			first[f.Control] = f
			ids = append(ids, f.Control)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Compare(a, b) })
	rules, index := make([]sarifRule, 0, len(ids)), make(map[string]int, len(ids))
	for i, id := range ids {
		index[id] = i
		rules = append(rules, sarifRuleOf(id, controls[id], first[id]))
	}
	return rules, index
}

func sarifRuleOf(id string, c *Control, f *finding.Finding) sarifRule {
	title, why, fix, severity := f.Title, "", f.Fix.Text, f.Severity
	if c != nil {
		title, why, severity = cmp.Or(c.Title, title), c.Why, cmp.Or(c.Severity, severity)
		fix = cmp.Or(c.Fix, fix)
	}
	help := []string{}
	for _, s := range []string{line(why), line(fix)} {
		if s != "" {
			help = append(help, s)
		}
	}
	if c != nil && len(c.InvalidFor) > 0 {
		help = append(help, "Does not concern: "+line(strings.Join(c.InvalidFor, "; "))+".")
	}
	help = append(help, "sevenfold explain "+shell(id)+" tells how it is decided.")
	r := sarifRule{ID: line(id), Short: sarifText{Text: orNone(title, line(id))}, Default: sarifDefault{level(severity)},
		Help: sarifText{Text: strings.Join(help, "\n\n")},
		Bag:  map[string]any{"security-severity": securitySeverity(severity), "tags": []string{"security", "sevenfold/" + line(f.Step)}}}
	if why != "" {
		r.Full = &sarifText{Text: line(why)}
	}
	return r
}

func sarifOf(f *finding.Finding, index map[string]int) sarifResult {
	text := []string{orNone(f.Title, line(f.Control)) + "."}
	for _, e := range f.Evidence {
		text = append(text, evidence(f, e)+".")
	}
	if f.Fix.Text != "" {
		text = append(text, "Fix: "+line(f.Fix.Text))
	}
	asset := orNone(f.Asset, "unnamed asset")
	r := sarifResult{RuleID: line(f.Control), RuleIndex: index[f.Control], Kind: "fail", Level: level(f.Severity),
		Message:      sarifText{Text: strings.Join(text, " ")},
		Locations:    []sarifLocation{{Logical: []sarifLogical{{Name: lastPart(asset), FullyQualified: asset, Kind: "resource"}}}},
		Fingerprints: map[string]string{"sevenfold/v1": line(f.ID)},
		Bag:          map[string]any{"severity": line(string(f.Severity)), "step": line(f.Step)},
	}
	if len(f.Tools) > 0 {
		r.Bag["tools"] = lines(f.Tools)
	}
	if f.Status != finding.Fail {
		r.Kind, r.Level = "review", "none"
	}
	if f.Waiver != nil {
		r.Suppressions = []sarifSuppression{{"external", line(f.Waiver.Reason) + " (" + line(f.Waiver.Owner) + ", until " + line(f.Waiver.Expires) + ")"}}
	}
	return r
}

// level is SARIF's for a severity.
func level(s finding.Severity) string {
	switch s {
	case finding.Critical, finding.High:
		return "error"
	case finding.Medium:
		return "warning"
	}
	return "note"
}

// securitySeverity is the score code scanners sort by, 0.0 to 10.0.
func securitySeverity(s finding.Severity) string {
	switch s {
	case finding.Critical:
		return "9.5"
	case finding.High:
		return "8.0"
	case finding.Medium:
		return "5.5"
	case finding.Low:
		return "3.0"
	}
	return "0.0"
}

// lastPart is the part of an id that people call the asset by.
func lastPart(id string) string {
	if i := strings.LastIndexAny(id, "/:"); i >= 0 && i+1 < len(id) {
		return id[i+1:]
	}
	return id
}
