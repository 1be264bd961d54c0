package main

import (
	"encoding/json"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sevenfold-sec/sevenfold/report"
)

// criterion FILE ID STATUS [TEXT]: a report of one workload gives a criterion a
// status, and its reason holds a text.
func criterion(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: criterion file id status [text]")
	}
	var doc report.Document
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc))
	if len(doc.Workloads) != 1 {
		ts.Fatalf("%s tells of %d workloads, not of one", args[0], len(doc.Workloads))
	}
	for _, c := range doc.Workloads[0].Criteria {
		if c.ID != args[1] {
			continue
		}
		if string(c.Status) != args[2] || len(args) > 3 && !strings.Contains(c.Reason, args[3]) {
			ts.Fatalf("%s is %s: %s", c.ID, c.Status, c.Reason)
		}
		return
	}
	ts.Fatalf("%s has no criterion %s", args[0], args[1])
}
