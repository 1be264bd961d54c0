package supply

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply/upkeep"
)

// A pass of provenance speaks of upkeep or says that nothing is known of it, and what its
// makers took back fails it.
func TestProvenanceSpeaksOfUpkeep(t *testing.T) {
	said := func(release, more string) *upkeep.Book {
		b := upkeep.New()
		if err := b.Add([]byte(`{"info":{"name":"torch","version":"2.7.0"`+more+`},"releases":{"2.6.0":[`+release+`],"2.7.0":[{"upload_time_iso_8601":"`+day.AddDate(0, -1, 0).Format(time.RFC3339)+`"}]}}`), day); err != nil {
			t.Fatal(err)
		}
		return b
	}
	old := `{"upload_time_iso_8601":"` + day.AddDate(0, -3, 0).Format(time.RFC3339) + `"`
	for _, tt := range []struct {
		name    string
		book    *upkeep.Book
		failOn  finding.Severity
		want    finding.CriterionStatus
		says    string
		finding string
	}{
		{"nobody brought anything", nil, finding.High, finding.CriterionPass, "upkeep: unknown of its 1 package", ""},
		{"known in part", said(old+"}", ""), finding.High, finding.CriterionPass, "upkeep: known of 1 of its 1 package, of 1 in part", ""},
		{"taken back", said(old+`,"yanked":true,"yanked_reason":"broken"}`, ""), finding.High, finding.CriterionFail, "torch: version 2.6.0 was withdrawn: broken", Withdrawn},
		{"inactive, told", said(old+"}", `,"classifiers":["Development Status :: 7 - Inactive"]`), finding.High, finding.CriterionPass, "", Unkept},
		{"inactive, not allowed", said(old+"}", `,"classifiers":["Development Status :: 7 - Inactive"]`), finding.Medium, finding.CriterionFail, "its makers call it inactive", Unkept},
		{"of yesterday", said(`{"upload_time_iso_8601":"`+day.AddDate(0, 0, -1).Format(time.RFC3339)+`"}`, ""), finding.Medium, finding.CriterionFail, "less than 7 days ago", Fresh},
	} {
		k := clean()
		k.Upkeep = tt.book
		s := scope.Default()
		s.Gate.FailOn = tt.failOn
		s.Services = nil
		got, findings := judged(t, s, k, pinnedImage)
		c := got["provenance"]
		if c.Status != tt.want || !strings.Contains(c.Reason, tt.says) {
			t.Errorf("%s: %s: %s; want %s: %s", tt.name, c.Status, c.Reason, tt.want, tt.says)
		}
		if !slices.ContainsFunc(c.Evidence, func(e finding.Claim) bool {
			return strings.HasPrefix(e.Claim, "packages of which it is known") && e.Of == 1
		}) {
			t.Errorf("%s: no evidence of upkeep: %+v", tt.name, c.Evidence)
		}
		if tt.finding != "" && !slices.ContainsFunc(findings, func(f finding.Finding) bool { return f.Control == tt.finding && slices.Contains(c.Findings, f.ID) }) {
			t.Errorf("%s: no finding %s", tt.name, tt.finding)
		}
	}
}
