package main

import (
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// TestObjectsTextSaysWhyUnknown: what makes a run end as unknown stands in its text,
// with a verdict too: with the model nothing else tells of organisations.
func TestObjectsTextSaysWhyUnknown(t *testing.T) {
	for _, tt := range []struct {
		name   string
		object scan.Result
		want   string
	}{
		{"a type", scan.Result{Path: "a", Verdict: scan.None, Unknown: []string{"ORGANIZATION"}}, "none-found  a; not looked for: ORGANIZATION\n"},
		{"a reason that names it", scan.Result{Path: "a", Verdict: scan.Unknown, Unknown: []string{"PERSON"}, Reasons: []string{"no model"}}, "unknown     a; not known: no model\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := data.Answer{Objects: []scan.Result{tt.object}}
			var out strings.Builder
			if err := objectsText(&out, a); err != nil {
				t.Fatal(err)
			}
			if !a.Undecided() || !strings.HasPrefix(out.String(), tt.want) {
				t.Errorf("undecided %t, text %q, want %q first", a.Undecided(), out.String(), tt.want)
			}
		})
	}
}
