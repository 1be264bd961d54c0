package data

import (
	"fmt"
	"strings"
)

// masked tells whether values are masked from most who read a store: by the data protection
// policy of a log group, which is read; by Lake Formation's filters of cells, which guard
// what is read through a catalogue only. Macie finds values and masks none. What databases
// mask themselves (Redshift's and PostgreSQL's policies) is not collected.
func (w *World) masked(f facts) (answer, string) {
	switch f.a.Type {
	case "AWS::Logs::LogGroup":
		if !f.known("") {
			return unknown, "its description was not read"
		}
		switch status := f.text("dataProtectionStatus"); status {
		case "ACTIVATED":
			return yes, "dataProtectionStatus: ACTIVATED"
		case "":
			return no, "it has no data protection policy"
		default:
			return no, "dataProtectionStatus: " + status
		}
	case "AWS::S3::Bucket":
		return w.bucketMasked(f)
	}
	return unknown, "whether values of a " + f.a.Type + " are masked is not collected"
}

func (w *World) bucketMasked(f facts) (answer, string) {
	name := f.a.ID[strings.LastIndexByte(f.a.ID, ':')+1:]
	over, guarded, unread := 0, 0, 0
	for _, n := range w.index.tables {
		t := w.facts(n)
		if !t.known("") {
			unread++
			continue
		}
		_, location, _ := strings.Cut(t.text("StorageDescriptor.Location"), "://")
		if bucket, _, _ := strings.Cut(location, "/"); bucket != name {
			continue
		}
		over++
		if w.filtered(t) {
			guarded++
		}
	}
	switch {
	case guarded > 0:
		return unknown, fmt.Sprintf("Lake Formation filters cells of %d of the %d tables over it, and what reads the bucket itself reads past that", guarded, over)
	case unread > 0:
		return unknown, fmt.Sprintf("%d tables of catalogues were not read", unread)
	case len(w.index.tables) == 0 && !w.snap.Covered("AWS::Glue::Table", f.a.Account, f.a.Region):
		return unknown, "tables of catalogues were not listed"
	}
	return no, fmt.Sprintf("no filter of Lake Formation guards any of the %d tables over it, as far as filters are collected (from templates and plans), and a bucket masks nothing", over)
}

// filtered reports whether a filter of cells is laid over a table that Lake Formation
// guards.
func (w *World) filtered(t facts) bool {
	if !truthOf(t.cfg, "IsRegisteredWithLakeFormation") {
		return false
	}
	for _, n := range w.index.filters {
		f := w.facts(n)
		if f.text("TableName") == t.text("Name") && f.text("DatabaseName") == t.text("DatabaseName") {
			return true
		}
	}
	return false
}
