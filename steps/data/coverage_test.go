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
	server := placed{"", &Summary{Store: "mysql://db", Objects: 9, Examined: 9, Taken: day(1)}}
	partly := placed{"", &Summary{Store: "mysql://db", Objects: 9, Examined: 9, Taken: day(1), Others: []string{"(those that the user is not shown)"}}}
	own := placed{"", &Summary{Store: "postgres://db", Objects: 9, Examined: 9, Taken: day(1), Others: []string{"billing"}}}
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
		{"a whole server of MySQL", []placed{server}, ""},
		{"a whole server, and one of it again", []placed{server, crm}, ""},
		{"a server not all of which is shown", []placed{partly, crm}, "not looked into: (those that the user is not shown)"},
		{"the user's own database of PostgreSQL", []placed{own, crm}, "not looked into: billing"},
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

// A database is found by the host of its address, and its scan is named by its engine.
func TestDatabases(t *testing.T) {
	b := estate.NewBuilder(time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC))
	for id, config := range map[string]string{
		"my":  `{"Engine":"mysql","Endpoint":{"Address":"my.abc.eu-west-1.rds.example","Port":3306}}`,
		"au":  `{"Engine":"aurora-mysql","Endpoint":"au.cluster-abc.rds.example","ReaderEndpoint":"au.cluster-ro-abc.rds.example"}`,
		"pg":  `{"Engine":"aurora-postgresql","Endpoint":"pg.cluster-abc.rds.example"}`,
		"may": `{"Engine":"mariadb","Endpoint":{"Address":"may.rds.example"}}`,
	} {
		kind := "AWS::RDS::DBInstance"
		if strings.Contains(id, "u") || id == "pg" {
			kind = "AWS::RDS::DBCluster"
		}
		b.Asset(estate.Asset{ID: id, Type: kind, Name: id, Cloud: "aws", Config: []byte(config)})
	}
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	w := &World{snap: snap}
	w.indexed()
	for word, want := range map[string]string{
		"mysql://my.abc.eu-west-1.rds.example:3306/crm": "my crm", "mysql://my.abc.eu-west-1.rds.example": "my ", "mysql://AU.cluster-ro-abc.rds.example/x": "au x",
		"postgres://pg.cluster-abc.rds.example/x": "pg x", "mysql://other.example/x": " ", "mysql:///x": " ",
	} {
		if id, path, _ := w.find(word); id+" "+path != want {
			t.Errorf("%s is %s %s, want %s", word, id, path, want)
		}
	}
	for id, want := range map[string]string{"my": "mysql://USER@HOST", "au": "mysql://USER@HOST", "may": "mysql://USER@HOST", "pg": "postgres://USER@HOST/DATABASE"} {
		if got := (&jury{w: w}).scanHint(id); got != "sevenfold data scan "+want {
			t.Errorf("%s: %s", id, got)
		}
	}
}
