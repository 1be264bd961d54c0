package report

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// blocked builds a document of workloads that fail audit.deviations with the
// findings named.
func blocked(findings []finding.Finding, refs ...[]string) *Document {
	doc := &Document{Findings: findings}
	for i, r := range refs {
		doc.Workloads = append(doc.Workloads, Workload{ID: string(rune('a' + i)), Name: string(rune('a' + i)), Verdict: finding.NotReady,
			Criteria: []finding.Criterion{{ID: "audit.deviations", Status: finding.CriterionFail, Findings: r}}})
	}
	doc.Tally()
	return doc
}

func simple(id, control string, sev finding.Severity, effort string, commands ...string) finding.Finding {
	return finding.Finding{ID: id, Control: control, Status: finding.Fail, Severity: sev, Asset: "asset-" + id, Title: control, Fix: finding.Fix{Effort: effort, Commands: commands}}
}

func titles(blockers []*blocker) []string {
	var out []string
	for _, b := range blockers {
		out = append(out, b.Title)
	}
	return out
}

func TestBlockersAreRanked(t *testing.T) {
	doc := blocked([]finding.Finding{
		simple("1", "low-everywhere", finding.Low, "minutes"),
		simple("2", "high-one-dear", finding.High, "days"),
		simple("3", "high-one-cheap", finding.High, "minutes"),
		simple("4", "high-two", finding.High, "days"),
		simple("5", "critical", finding.Critical, ""),
	}, []string{"1", "2", "3", "4", "5"}, []string{"1", "4"})
	want := []string{"critical", "high-two", "high-one-cheap", "high-one-dear", "low-everywhere"}
	if diff := cmp.Diff(want, titles(newIndex(doc).all)); diff != "" {
		t.Error(diff)
	}
}

func TestRiskRanksBeforeSeverity(t *testing.T) {
	risky := simple("1", "medium-on-a-path", finding.Medium, "days")
	risky.Risk = &finding.Risk{Score: 90}
	doc := blocked([]finding.Finding{simple("2", "critical-alone", finding.Critical, "minutes"), risky}, []string{"1", "2"})
	if got := titles(newIndex(doc).all)[0]; got != "medium-on-a-path" {
		t.Errorf("%s comes first", got)
	}
}

// One control over many assets is one cause, and so are two controls that the
// same command mends on one asset; the same command on two assets is not proof
// of one cause.
func TestFindingsAreGroupedByCause(t *testing.T) {
	a1, a2 := simple("1", "a", finding.High, "", "mend x"), simple("2", "a", finding.High, "", "mend y")
	b := simple("3", "b", finding.Low, "", "mend x")
	b.Asset = a1.Asset
	c := simple("4", "c", finding.Low, "", "mend y")
	doc := blocked([]finding.Finding{a1, a2, b, c}, []string{"1", "2", "3", "4"})
	all := newIndex(doc).all
	if len(all) != 2 {
		t.Fatalf("%d causes: %v", len(all), titles(all))
	}
	if diff := cmp.Diff([]string{"asset-1", "asset-2"}, slices.Sorted(slices.Values(all[0].Assets()))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"b"}, all[0].Also); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoBlocker(t *testing.T) {
	unknown, waived := simple("1", "u", finding.High, ""), simple("2", "w", finding.High, "")
	unknown.Status, waived.Waiver = finding.Unknown, &finding.Waiver{}
	doc := blocked([]finding.Finding{unknown, waived, simple("3", "elsewhere", finding.High, "")}, []string{"1", "2", "9"})
	doc.Workloads[0].Criteria[0].Reason = "no owner"
	all := newIndex(doc).all
	if diff := cmp.Diff([]string{"no owner"}, titles(all)); diff != "" {
		t.Errorf("only the criterion itself is left: %s", diff)
	}
	doc.Workloads[0].Criteria[0].Status = finding.CriterionWaived
	if all := newIndex(doc).all; len(all) != 0 {
		t.Errorf("a waived criterion blocks: %v", titles(all))
	}
}

func TestProofsAreTheWorkloadsOwn(t *testing.T) {
	doc := blocked([]finding.Finding{simple("1", "a", finding.High, ""), simple("2", "a", finding.High, ""), simple("3", "a", finding.High, "")}, []string{"1", "2"}, []string{"3"})
	ix := newIndex(doc)
	shown, left := ix.proofs(ix.all[0], &doc.Workloads[1], 2)
	if len(shown) != 1 || shown[0].ID != "3" || left != 0 {
		t.Errorf("shown %d, left %d", len(shown), left)
	}
	if shown, left := ix.proofs(ix.all[0], nil, 2); len(shown) != 2 || left != 1 {
		t.Errorf("shown %d, left %d", len(shown), left)
	}
}
