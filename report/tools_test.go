package report

import (
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/finding"
)

func TestSeenBy(t *testing.T) {
	for want, f := range map[string]finding.Finding{
		"":                                {Control: "c", Status: finding.Fail},
		"also seen by Prowler 5, Trivy 1": {Control: "c", Status: finding.Fail, Tools: []string{"Prowler 5", "Trivy 1"}},
		"seen by Trivy 1":                 {Control: "foreign:trivy:x", Status: finding.Fail, Tools: []string{"Trivy 1"}},
		"left open by Prowler 5":          {Control: "foreign:prowler:x", Status: finding.Unknown, Tools: []string{"Prowler 5"}},
		"also seen by one line":           {Control: "c", Status: finding.Fail, Tools: []string{"one\nline"}},
	} {
		if got := seenBy(&f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Every renderer says who else saw a blocking fault, and the report's schema
// knows the member.
func TestToolsAreShown(t *testing.T) {
	for _, format := range []string{"txt", "md", "html", "sarif", "json"} {
		d := harbour()
		for i := range d.Findings {
			d.Findings[i].Tools = []string{"Prowler 5.46.0"}
		}
		out := render(t, format, d)
		if !strings.Contains(out, "Prowler 5.46.0") {
			t.Errorf("%s does not name the tool", format)
		}
		if format == "json" {
			if err := validate(schema(t, reportSchema), out); err != nil {
				t.Error(err)
			}
		}
	}
}
