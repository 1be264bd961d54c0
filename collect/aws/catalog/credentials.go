package catalog

import (
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ReadRows decodes a credential report (base64 CSV, or CSV as the command line
// prints it decoded) into one object per row, keyed by the given column. Values
// that look like times keep their spelling; they are the report's own words.
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
	rows := map[string]map[string]any{}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the report: %w", err)
		}
		row := make(map[string]any, len(head))
		for i, name := range head {
			if i < len(rec) {
				row[name] = rec[i]
			}
		}
		if id, _ := row[by].(string); id != "" {
			rows[id] = row
		}
	}
}
