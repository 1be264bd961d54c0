package data

import (
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// A server is looked into when all its databases are: another one's survey, a newer one,
// or one of some schemas does not stand for those that nobody looked into.
func TestDatabaseCoverage(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	crm := placed{"crm", &Summary{Objects: 3, Examined: 3, Taken: day(1), Others: []string{"billing"}}}
	billing := placed{"billing", &Summary{Objects: 1, Examined: 1, Taken: day(2), Others: []string{"crm"}}}
	broken := placed{"crm", &Summary{Objects: 3, Examined: 3, Undecided: 2, Taken: day(1), Others: []string{"billing"}}}
	empty := placed{"billing", &Summary{Taken: day(2), Others: []string{"crm"}}}
	schema := placed{"crm?search_path=sales", &Summary{Objects: 1, Examined: 1, Taken: day(3), Others: []string{"billing"}}}
	for _, tt := range []struct {
		name string
		have []placed
		want string
	}{
		{"both", []placed{crm, billing}, ""},
		{"one of two", []placed{crm}, "not looked into: billing"},
		{"a newer survey of another", []placed{broken, billing}, "2 of 4 objects could not be examined"},
		{"one is empty", []placed{crm, empty}, ""},
		{"some schemas", []placed{schema, billing}, "not looked into: crm but for search_path=sales"},
		{"some schemas beside the whole", []placed{crm, schema, billing}, ""},
		{"none", nil, "nobody has looked into it"},
	} {
		w := &World{surveys: map[string][]placed{"db": tt.have}, own: map[string][]Labelled{}, snap: none(t)}
		if got := w.unclassified("db"); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// none is an estate without anything.
func none(t *testing.T) *estate.Snapshot {
	t.Helper()
	s, err := estate.NewBuilder(time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)).Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
