package findings

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Prowler's columns, each under the names that its versions 3 to 5 give it.
var columns = map[string][]string{
	"check":    {"CHECK_ID"},
	"status":   {"STATUS"},
	"resource": {"RESOURCE_UID", "RESOURCE_ARN"},
	"title":    {"CHECK_TITLE"}, "message": {"STATUS_EXTENDED"}, "muted": {"MUTED"}, "severity": {"SEVERITY"},
	"type": {"RESOURCE_TYPE"}, "name": {"RESOURCE_NAME", "RESOURCE_ID"}, "region": {"REGION"}, "account": {"ACCOUNT_UID", "ACCOUNT_ID"},
	"time": {"TIMESTAMP", "ASSESSMENT_START_TIME"}, "version": {"PROWLER_VERSION"}, "provider": {"PROVIDER"},
	"fix": {"REMEDIATION_RECOMMENDATION_TEXT"}, "url": {"REMEDIATION_RECOMMENDATION_URL"},
}

// required are the columns without which a table is no report.
var required = []string{"check", "status", "resource"}

// table is what the first line of a table says.
type table struct {
	comma   rune
	columns []string
	at      map[string]int
	missing []string
	derived bool
}

// findTable reads the first line of a text as the head of a table; nil if it is
// none. A character that seldom parts columns is taken to do so only where the
// columns of a report come of it: many a text has three of anything in a line.
func findTable(head []byte) *table {
	if end := bytes.IndexByte(head, '\n'); end >= 0 {
		head = head[:end]
	}
	head = bytes.TrimRight(head, "\r")
	var best *table
	for _, comma := range ";,\t|" {
		if t := tableBy(head, comma); t != nil && (best == nil || len(t.columns) > len(best.columns)) {
			best = t
		}
	}
	if best != nil {
		return best
	}
	for _, comma := range string(head) {
		if comma == '"' || comma == utf8.RuneError || comma == '_' || unicode.IsLetter(comma) || unicode.IsDigit(comma) {
			continue
		}
		if t := tableBy(head, comma); t != nil && len(t.missing) == 0 {
			return t
		}
	}
	return nil
}

// tableBy reads a line as the head of a table whose columns a character parts;
// nil if that makes no three.
func tableBy(head []byte, comma rune) *table {
	r := csv.NewReader(bytes.NewReader(head))
	r.Comma = comma
	names, err := r.Read()
	if err != nil || len(names) < 3 {
		return nil
	}
	t := &table{comma: comma, columns: names, at: map[string]int{}}
	for i, name := range names {
		t.columns[i] = clip(strings.TrimSpace(name), 40)
		t.at[strings.ToUpper(t.columns[i])] = i
	}
	for _, want := range required {
		if t.find(want) < 0 {
			t.missing = append(t.missing, strings.Join(columns[want], " or "))
		}
	}
	_, requirement := t.at["REQUIREMENTS_ID"]
	_, check := t.at["CHECKID"]
	t.derived = requirement && check
	return t
}

// find is the place of a column, -1 if the table has none.
func (t *table) find(column string) int {
	for _, name := range columns[column] {
		if i, ok := t.at[name]; ok {
			return i
		}
	}
	return -1
}

// lineTaker takes the first line off a text.
type lineTaker interface {
	Peek(n int) ([]byte, error)
}

// readCSV reads Prowler's table.
func readCSV(s *stream, p *page) error {
	peeker, ok := s.text.(lineTaker)
	if !ok {
		return fmt.Errorf("a table that cannot be looked into")
	}
	head, _ := peeker.Peek(headSize)
	t := findTable(bytes.TrimLeft(head, " \t\r\n"))
	r := csv.NewReader(s.meter)
	r.Comma, r.ReuseRecord = t.comma, true
	s.at = r.InputOffset
	at := map[string]int{}
	for name := range columns {
		at[name] = t.find(name)
	}
	p.ran("prowler", "Prowler", "")
	for first := true; ; first = false {
		s.fresh()
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, csv.ErrFieldCount):
			line, _ := r.FieldPos(0)
			p.oddity(fmt.Sprintf("line %d has %d columns, the first line %d", line, len(row), len(t.columns)))
			continue
		case err != nil:
			return err
		case first:
			continue
		}
		cell := func(column string) string {
			if i := at[column]; i >= 0 && i < len(row) {
				return row[i]
			}
			return ""
		}
		addRow(p, cell)
	}
}

func addRow(p *page, cell func(string) string) {
	e := entry{tool: "prowler", name: "Prowler", version: cell("version"), check: cell("check"), severity: cell("severity"), message: cell("message"),
		time: moment(cell("time")), about: estate.ForeignCheck{Title: cell("title"), Fix: cell("fix"), URL: cell("url")},
		resource: estate.ForeignResource{ID: cell("resource"), Type: cell("type"), Name: cell("name"), Region: cell("region"),
			Account: first(cell("account"), account(cell("resource")))}}
	switch strings.ToUpper(cell("status")) {
	case "FAIL":
		e.status = estate.ForeignFail
	case "PASS":
		e.status = estate.ForeignPass
	default:
		e.status = estate.ForeignUnknown
	}
	if strings.EqualFold(cell("muted"), "true") && e.status != estate.ForeignPass {
		e.status = estate.ForeignMuted
	}
	if cell("provider") == "kubernetes" {
		r := &e.resource
		namespace := strings.TrimPrefix(r.Region, "namespace: ")
		if namespace == "cluster-wide" {
			namespace = ""
		}
		*r = estate.ForeignResource{Kind: strings.TrimPrefix(r.Type, "Kubernetes"), Namespace: namespace, Name: r.Name, Type: r.Type, Cluster: cell("account")}
	}
	p.add(e)
}

// wanted reports whether a file of a folder of exports is read here, and not by
// the reader of exports: tables and SARIF.
func wanted(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	return slices.ContainsFunc([]string{".csv", ".sarif"}, func(ext string) bool { return strings.HasSuffix(name, ext) })
}
