package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/finding"
)

func sarifRunOf(t *testing.T, doc *Document) sarifRun {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal([]byte(render(t, "sarif", doc)), &log); err != nil {
		t.Fatal(err)
	}
	if len(log.Runs) != 1 || log.Version != "2.1.0" {
		t.Fatalf("%d runs, version %s", len(log.Runs), log.Version)
	}
	return log.Runs[0]
}

func TestSARIFResults(t *testing.T) {
	doc := harbour()
	doc.Findings[1].Waiver = &finding.Waiver{Reason: "being replaced", Owner: "ciso", Expires: "2027-01-31"}
	run := sarifRunOf(t, doc)
	if len(run.Results) != len(doc.Findings) {
		t.Fatalf("%d results of %d findings", len(run.Results), len(doc.Findings))
	}
	for i, r := range run.Results {
		f := doc.Findings[i]
		if r.Fingerprints["sevenfold/v1"] != f.ID || r.Locations[0].Logical[0].FullyQualified != f.Asset {
			t.Errorf("%s: %+v", f.ID, r)
		}
		if rule := run.Tool.Driver.Rules[r.RuleIndex]; rule.ID != r.RuleID || rule.Help.Text == "" {
			t.Errorf("%s leads to rule %q", f.ID, rule.ID)
		}
		if unknown := f.Status == finding.Unknown; unknown != (r.Kind == "review") || unknown && r.Level != "none" {
			t.Errorf("%s is %s, %s", f.ID, r.Kind, r.Level)
		}
		if (f.Waiver != nil) != (len(r.Suppressions) == 1) {
			t.Errorf("%s: %d suppressions", f.ID, len(r.Suppressions))
		}
	}
	if n := len(run.Invocations[0].Notifications); n != len(doc.BlindSpots) {
		t.Errorf("%d blind spots told", n)
	}
	if text := run.Invocations[0].Notifications[0].Message.Text; !strings.Contains(text, "hint: grant s3:ListAllMyBuckets") {
		t.Error(text)
	}
}

// One rule for each control, with the control's own reason where it is known.
func TestSARIFRules(t *testing.T) {
	run := sarifRunOf(t, crowd(20, 30))
	if n := len(run.Tool.Driver.Rules); n != 17 {
		t.Errorf("%d rules", n)
	}
	for _, r := range sarifRunOf(t, harbour()).Tool.Driver.Rules {
		if r.ID == "k8s-pod-privileged" && (r.Full == nil || !strings.Contains(r.Help.Text, "Does not concern: device plugins")) {
			t.Errorf("%+v", r)
		}
	}
}

func TestSARIFOfAFailedSource(t *testing.T) {
	doc := empty()
	if !sarifRunOf(t, doc).Invocations[0].Successful {
		t.Error("a complete run is called failed")
	}
	doc.Sources[0].Status = "failed"
	if sarifRunOf(t, doc).Invocations[0].Successful {
		t.Error("a failed source is a successful run")
	}
}

func TestLevels(t *testing.T) {
	tests := []struct {
		severity     finding.Severity
		level, score string
	}{
		{finding.Critical, "error", "9.5"}, {finding.High, "error", "8.0"}, {finding.Medium, "warning", "5.5"},
		{finding.Low, "note", "3.0"}, {finding.Info, "note", "0.0"}, {"odd", "note", "0.0"},
	}
	for _, tt := range tests {
		if l, s := level(tt.severity), securitySeverity(tt.severity); l != tt.level || s != tt.score {
			t.Errorf("%s is %s, %s", tt.severity, l, s)
		}
	}
	for in, want := range map[string]string{"arn:aws:s3:::b": "b", "a/b/c": "c", "plain": "plain", "ends/": "ends/"} {
		if got := lastPart(in); got != want {
			t.Errorf("lastPart(%q) = %q", in, got)
		}
	}
}
