package respond

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

type signals Live

func (s signals) Live(context.Context, string, Signal) Live { return Live(s) }

func watched(l Live) func(*estate.Snapshot, *scope.Workloads) Signals {
	return func(*estate.Snapshot, *scope.Workloads) Signals { return signals(l) }
}

type mays string

func (m mays) May(context.Context, string, string, string) (string, string) { return string(m), "why" }

type notes struct {
	records []Record
	reached time.Time
}

func (n notes) Records(string) ([]Record, error) { return n.records, nil }
func (n notes) Checked(string) time.Time         { return n.reached }

// ready is a scope and ports with which every criterion passes.
func ready() (*scope.Scope, Ports) {
	now := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	s, err := scope.Parse("s.yaml", []byte(`workloads: [{name: fraud, owner: ana, deputy: bo}]
respond:
  responder: arn:aws:iam::111122223333:role/responder
  people: [{name: ana, contact: "slack:env:A"}, {name: bo, contact: "slack:env:B"}]
  return: [{workload: fraud, quiet: 24h, probes: p.yaml}]
  top: 1
`))
	if err != nil {
		panic(err)
	}
	all, _ := Scenarios()
	var records []Record
	for _, sc := range all {
		records = append(records, Record{ID: "r" + sc.ID, Kind: Rehearsal, Scenario: sc.ID, At: now.AddDate(0, 0, -3)})
	}
	records = append(records, Record{ID: "EXE", Kind: Tabletop, Scenario: "endpoint-misbehaving", At: now.AddDate(0, 0, -3), Material: "m"})
	return s, Ports{Signals: watched(Live{By: []string{"rule"}}), Rights: func(*estate.Snapshot) Rights { return mays("allow") }, Records: notes{records, now.AddDate(0, 0, -1)},
		Grants: func(a, t string, _ map[string]string) map[string][]string { return map[string][]string{t: {"x:Y"}} }, Material: func(*estate.Snapshot, *finding.Workload) string { return "m" }, Baseline: true}
}

func TestCriteria(t *testing.T) {
	type change func(s *scope.Scope, p *Ports)
	records := func(fn func(n *notes)) change {
		return func(_ *scope.Scope, p *Ports) {
			n := p.Records.(notes)
			fn(&n)
			p.Records = n
		}
	}
	tests := []struct {
		name, criterion string
		change          change
		want            finding.CriterionStatus
		reason          string
	}{
		{"all is there", "scenarios", func(*scope.Scope, *Ports) {}, "pass", ""},
		{"a gap of the estate that a later exercise did not find", "exercised", records(func(n *notes) {
			old := n.records[len(n.records)-1]
			old.ID, old.At, old.Gaps = "EXE-0", old.At.Add(-time.Hour), []Gap{{ID: "deputy", Text: "none", Estate: true}}
			n.records = append(n.records, old)
		}), "pass", ""},
		{"a gap of a decision that a later exercise did not repeat", "exercised", records(func(n *notes) {
			old := n.records[len(n.records)-1]
			old.ID, old.At, old.Gaps = "EXE-0", old.At.Add(-time.Hour), []Gap{{ID: "evidence", Text: "none"}}
			n.records = append(n.records, old)
		}), "fail", "gap evidence of EXE-0 is open"},
		{"no detection is known", "scenarios", func(_ *scope.Scope, p *Ports) { p.Signals = nil }, "unknown", "no live signal is known"},
		{"none is live", "scenarios", func(_ *scope.Scope, p *Ports) {
			p.Signals = watched(Live{Off: []string{"the trail is stopped"}, Do: "start it"})
		}, "fail", "no signal is live: the trail is stopped (start it)"},
		{"it could not be told", "scenarios", func(_ *scope.Scope, p *Ports) {
			p.Signals = watched(Live{Unknown: []string{"down"}, Off: []string{"the trail is stopped"}})
		}, "unknown", "down"},
		{"nothing was looked at", "scenarios", func(_ *scope.Scope, p *Ports) { p.Signals = watched(Live{}) }, "unknown", "no live signal is known"},
		{"all is there", "owners", func(*scope.Scope, *Ports) {}, "pass", ""},
		{"nobody was reached", "owners", records(func(n *notes) { n.reached = time.Time{} }), "unknown", "never tried"},
		{"reached long ago", "owners", records(func(n *notes) { n.reached = n.reached.AddDate(-1, 0, 0) }), "fail", "last reached"},
		{"no deputy", "owners", func(s *scope.Scope, _ *Ports) { s.Declared[0].Deputy = "" }, "fail", "no deputy is named"},
		{"no contact", "owners", func(s *scope.Scope, _ *Ports) { s.Respond.People = nil }, "fail", "no contact"},
		{"all is there", "containment", func(*scope.Scope, *Ports) {}, "pass", ""},
		{"no responder", "containment", func(s *scope.Scope, _ *Ports) { s.Respond.Responder = "" }, "unknown", "not declared"},
		{"no right", "containment", func(_ *scope.Scope, p *Ports) { p.Rights = func(*estate.Snapshot) Rights { return mays("deny") } }, "fail", "may not x:Y"},
		{"a right that hangs on something", "containment", func(_ *scope.Scope, p *Ports) {
			p.Rights = func(*estate.Snapshot) Rights { return mays("conditional") }
		}, "unknown", "conditional"},
		{"never rehearsed", "containment", records(func(n *notes) { n.records = nil }), "unknown", "ever rehearsed"},
		{"a rehearsal with problems", "containment", records(func(n *notes) {
			for i := range n.records {
				n.records[i].Problems = []string{"gone"}
			}
		}), "fail", "gone"},
		{"all is there", "return", func(*scope.Scope, *Ports) {}, "pass", ""},
		{"not set", "return", func(s *scope.Scope, _ *Ports) { s.Respond.Returns = nil }, "fail", "not set"},
		{"no probes", "return", func(s *scope.Scope, _ *Ports) { s.Respond.Returns[0].Probes = "" }, "fail", "accuracy does not show a backdoor"},
		{"no baseline", "return", func(_ *scope.Scope, p *Ports) { p.Baseline = false }, "unknown", "no baseline"},
		{"all is there", "exercised", func(*scope.Scope, *Ports) {}, "pass", ""},
		{"never", "exercised", records(func(n *notes) { n.records = nil }), "unknown", "ever exercised"},
		{"long ago", "exercised", func(s *scope.Scope, _ *Ports) { s.Respond.Every = 24 * time.Hour }, "fail", "last exercised"},
		{"it has changed", "exercised", func(_ *scope.Scope, p *Ports) {
			p.Material = func(*estate.Snapshot, *finding.Workload) string { return "other" }
		}, "fail", "has changed since"},
		{"nothing is declared", "return", func(s *scope.Scope, _ *Ports) { s.Respond = scope.Respond{} }, "unknown", "nothing is declared"},
		{"nothing is declared", "owners", func(s *scope.Scope, _ *Ports) { s.Respond = scope.Respond{} }, "unknown", "nothing is declared"},
		{"an open gap", "exercised", records(func(n *notes) { n.records[len(n.records)-1].Gaps = []Gap{{ID: "g", Text: "no deputy"}} }), "fail", "gap g of EXE is open"},
		{"a closed gap", "exercised", records(func(n *notes) { n.records[len(n.records)-1].Gaps = []Gap{{ID: "g", Text: "x", Closed: "ana"}} }), "pass", ""},
		{"no records", "exercised", func(_ *scope.Scope, p *Ports) { p.Records = nil }, "unknown", "no record"},
	}
	for _, tt := range tests {
		t.Run(tt.criterion+" "+tt.name, func(t *testing.T) {
			s, p := ready()
			tt.change(s, &p)
			_, _, j, w := made(t, s, p)
			for _, c := range j.Criteria[w.List[0].ID] {
				if c.ID != "respond."+tt.criterion {
					continue
				}
				if c.Status != tt.want || !strings.Contains(c.Reason, tt.reason) {
					t.Errorf("%s: %s, want %s: %s", c.Status, c.Reason, tt.want, tt.reason)
				}
				if c.Status == "pass" && (len(c.Evidence) == 0 || c.Evidence[0].Examined == 0) {
					t.Error("a pass without evidence")
				}
				if (c.Status == "fail") != (len(c.Findings) > 0) {
					t.Errorf("%s with findings %v", c.Status, c.Findings)
				}
			}
		})
	}
}
