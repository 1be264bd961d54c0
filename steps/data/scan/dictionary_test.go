package scan_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

type plainRow struct {
	Mail *string  `parquet:",optional"`
	Note string   `parquet:","`
	Tags []string `parquet:",list"`
	Code int64    `parquet:","`
}

type dictionaryRow struct {
	Mail *string  `parquet:",optional,dict"`
	Note string   `parquet:",dict"`
	Tags []string `parquet:",list" parquet-element:",dict"`
	Code int64    `parquet:",dict"`
}

// A column that stores each of its values once and points to them is labelled as one that
// repeats them.
func TestDictionariesAreLabelledAlike(t *testing.T) {
	var rows []plainRow
	for i := range 3000 {
		r := plainRow{Note: fmt.Sprintf("please call the customer number %d back soon", i%7), Code: 4111111111111111, Tags: []string{"a", fmt.Sprintf("card 411111111111111%d", i%10)}}
		if i%3 > 0 {
			m := fmt.Sprintf("user%d@example.com", i%50)
			r.Mail = &m
		}
		rows = append(rows, r)
	}
	var a, b bytes.Buffer
	if err := parquet.Write(&a, rows); err != nil {
		t.Fatal(err)
	}
	var same []dictionaryRow
	for _, r := range rows {
		same = append(same, dictionaryRow(r))
	}
	if err := parquet.Write(&b, same); err != nil {
		t.Fatal(err)
	}
	told := func(text []byte) (out []string) {
		for _, l := range object(t, "a.parquet", text).Labels {
			out = append(out, fmt.Sprint(l.Column, " ", l.Type, " ", l.Count))
		}
		return out
	}
	one, two := told(a.Bytes()), told(b.Bytes())
	if diff := cmp.Diff(one, two); diff != "" || len(one) < 3 {
		t.Errorf("%v (-plain +dictionary)\n%s", one, diff)
	}
}
