package catalog

import (
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ReadRows decodes a credential report (base64 CSV, or CSV as the command line
// prints it decoded) into one object per row, keyed by the given column. Values
// that look like times keep their spelling; they are the report's own words. A
// report without the column, or with a row cut short, is an error.
func ReadRows(content, by string) (map[string]map[string]any, error) {
	text := strings.TrimSpace(content)
	if !strings.Contains(text, ",") {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("the report is neither CSV nor base64: %w", err)
		}
		text = string(raw)
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("the report has no header: %w", err)
	}
	if !slices.Contains(head, by) {
		return nil, fmt.Errorf("the report has no column %s", by)
	}
	rows := map[string]map[string]any{}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the report: %w", err)
		}
		if len(rec) < len(head) { // what a short row leaves out is not "none"
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("the report: line %d is cut: %d of %d columns", line, len(rec), len(head))
		}
		row := make(map[string]any, len(head))
		for i, name := range head {
			row[name] = rec[i]
		}
		if id, _ := row[by].(string); id != "" {
			rows[id] = row
		}
	}
}
