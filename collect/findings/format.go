package findings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// headSize is how much of a file is looked at to tell what it is, in bytes.
const headSize = 64 << 10

// format is one shape of report.
type format struct {
	name string
	// fits says by the member names met at the beginning of JSON text, objects
	// down to the third level, whether this is it: "Findings.ProductArn".
	fits func(names map[string]bool) bool
	read func(s *stream, p *page) error
}

// formats in the order they are asked. CSV is told apart by its header.
func formats() []*format {
	return []*format{
		{"OCSF", fitsOCSF, readOCSF},
		{"ASFF", fitsASFF, readASFF},
		{"Checkov JSON", fitsCheckov, readCheckov},
		{"SARIF", fitsSARIF, readSARIF},
		{"Trivy Kubernetes JSON", fitsTrivyCluster, readTrivyCluster},
		{"Trivy JSON", fitsTrivy, readTrivy},
		{"Kubescape JSON", fitsKubescape, readKubescape},
	}
}

// recognize returns the format of a text by its beginning, nil if there is none.
func recognize(head []byte) *format {
	trimmed := bytes.TrimLeft(head, " \t\r\n")
	if len(trimmed) == 0 {
		return nil
	}
	if trimmed[0] != '{' && trimmed[0] != '[' {
		if t := findTable(trimmed); t != nil && t.missing == nil {
			return &format{name: "CSV", read: readCSV}
		}
		return nil
	}
	names := memberNames(trimmed)
	for _, f := range formats() {
		if f.fits(names) {
			return f
		}
	}
	return nil
}

// memberNames lists the names of members at the beginning of a JSON text, with
// the names of the objects they stand in, down to the third level. Arrays do not
// show in the path.
func memberNames(head []byte) map[string]bool {
	names := map[string]bool{}
	dec := json.NewDecoder(bytes.NewReader(head))
	var open []json.Delim
	var under []string // the member each open value is the value of
	member, isName := "", false
	for {
		t, err := dec.Token()
		if err != nil {
			return names
		}
		switch t := t.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				open, under = append(open, t), append(under, member)
				member = ""
			} else {
				open, under = open[:len(open)-1], under[:len(under)-1]
			}
			isName = len(open) > 0 && open[len(open)-1] == '{'
			continue
		case string:
			if isName {
				member = t
				names[path3(under, t)] = true
				isName = false
				continue
			}
		}
		isName = len(open) > 0 && open[len(open)-1] == '{'
		member = ""
	}
}

// path3 is a member's name with those above it; what is deeper than the third
// level is "".
func path3(under []string, name string) string {
	parts := make([]string, 0, 3)
	for _, u := range under {
		if u != "" {
			parts = append(parts, u)
		}
	}
	if len(parts) > 2 {
		return ""
	}
	return strings.Join(append(parts, name), ".")
}

// all reports whether every name is there, below a prefix.
func all(names map[string]bool, prefix string, list ...string) bool {
	return !slices.ContainsFunc(list, func(n string) bool { return !names[prefix+n] })
}

// any1 reports whether one of the names is there.
func any1(names map[string]bool, list ...string) bool {
	return slices.ContainsFunc(list, func(n string) bool { return names[n] })
}

// What a text is that no format fits.
type shapeKind int

const (
	shapeOther   shapeKind = iota // neither JSON nor a table: a page, a picture
	shapeDerived                  // tells what another report tells
	shapeReport                   // may be a report
)

// shape describes a text that no format fits, by names only, never by values.
func shape(head []byte) (shapeKind, string) {
	trimmed := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(trimmed) == 0:
		return shapeReport, "the file is empty"
	case bytes.IndexByte(trimmed, 0) >= 0:
		return shapeOther, "it is binary"
	case trimmed[0] == '{' || trimmed[0] == '[':
		return jsonShape(trimmed)
	case trimmed[0] == '<':
		return shapeOther, "it is a page (HTML or XML)"
	}
	t := findTable(trimmed)
	switch {
	case t == nil:
		return shapeOther, "it is plain text"
	case t.derived:
		return shapeDerived, "Prowler's table of one compliance framework: it tells the results of its main report again, by requirement"
	}
	return shapeReport, fmt.Sprintf("line 1: a table with the columns %s, without %s", some(t.columns), some(t.missing))
}

func jsonShape(head []byte) (shapeKind, string) {
	if bytes.HasPrefix(bytes.Join(bytes.Fields(head[:min(len(head), 64)]), nil), []byte("[]")) {
		return shapeDerived, "an empty list: it does not say which tool found nothing"
	}
	names := memberNames(head)
	if len(names) == 0 {
		var v any
		if err := json.NewDecoder(bytes.NewReader(head)).Decode(&v); err != nil {
			return shapeReport, "line 1: not JSON: " + err.Error()
		}
		return shapeReport, "JSON without a member"
	}
	if all(names, "", "schema", "workloads", "findings", "blindspots") {
		return shapeDerived, "sevenfold's own report: what it says is asked anew"
	}
	var top []string
	for n := range names {
		if n != "" && !strings.Contains(n, ".") {
			top = append(top, clip(n, 40))
		}
	}
	slices.Sort(top)
	return shapeReport, "line 1: JSON with the members " + some(top)
}

// some lists the first few names.
func some(names []string) string {
	if n := len(names) - 8; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:8], ", "), n)
	}
	return strings.Join(names, ", ")
}
