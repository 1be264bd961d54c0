package respond

import (
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What follows a duty is counted from when that was told; a month is one of the calendar;
// what became known late has its hours still.
func TestClocksThatFollow(t *testing.T) {
	for _, c := range []struct {
		name, known, detected, triaged string
		told                           [][2]string
		duty, want                     string
	}{
		{"72 hours", "", "2027-01-01T00:00:00Z", "2027-01-01T01:00:00Z", nil, "gdpr-authority", "2027-01-04T01:00:00Z"},
		{"60 days", "", "2027-01-01T00:00:00Z", "2027-01-03T01:00:00Z", nil, "hipaa-media", "2027-03-02T00:00:00Z"},
		{"60 days since it was known", "2026-12-30T12:00:00Z", "2027-01-01T00:00:00Z", "2027-01-03T01:00:00Z", nil, "hipaa-media", "2027-02-28T12:00:00Z"},
		{"known after it was opened, which cannot be", "2027-01-02T00:00:00Z", "2027-01-01T00:00:00Z", "2027-01-03T01:00:00Z", nil, "hipaa-media", "2027-03-02T00:00:00Z"},
		{"four hours", "", "2027-01-01T00:00:00Z", "2027-01-01T01:00:00Z", nil, "dora-initial", "2027-01-01T05:00:00Z"},
		{"no later than 24", "", "2027-01-01T00:00:00Z", "2027-01-01T23:00:00Z", nil, "dora-initial", "2027-01-02T00:00:00Z"},
		{"no later than 24 since it was known", "2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z", "2027-01-01T11:00:00Z", nil, "dora-initial", "2027-01-01T12:00:00Z"},
		{"in the 24th hour's last moment", "", "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z", nil, "dora-initial", "2027-01-02T00:00:00Z"},
		{"a second later", "", "2027-01-01T00:00:00Z", "2027-01-02T00:00:01Z", nil, "dora-initial", "2027-01-02T04:00:01Z"},
		{"classified later", "", "2027-01-01T00:00:00Z", "2027-01-03T00:00:00Z", nil, "dora-initial", "2027-01-03T04:00:00Z"},
		{"from what was told", "", "2027-01-01T00:00:00Z", "2027-01-01T01:00:00Z", [][2]string{{"dora-initial", "2027-01-01T02:00:00Z"}}, "dora-intermediate", "2027-01-04T02:00:00Z"},
		{"from what was told first", "", "2027-01-01T00:00:00Z", "2027-01-01T01:00:00Z", [][2]string{{"dora-initial", "2027-01-02T02:00:00Z"}, {"dora-initial", "2027-01-01T02:00:00Z"}}, "dora-intermediate", "2027-01-04T02:00:00Z"},
		{"from when it had to be", "", "2027-01-01T00:00:00Z", "2027-01-01T01:00:00Z", nil, "dora-intermediate", "2027-01-04T05:00:00Z"},
		{"a month after the latest update", "", "2027-01-01T00:00:00Z", "2027-01-01T01:00:00Z", [][2]string{{"dora-intermediate", "2027-01-04T02:00:00Z"}, {"dora-intermediate", "2027-01-09T10:00:00Z"}}, "dora-final", "2027-02-09T10:00:00Z"},
		{"a month", "", "2027-01-01T00:00:00Z", "2027-01-01T01:00:00Z", [][2]string{{"nis2-notification", "2027-01-31T10:00:00Z"}}, "nis2-final", "2027-02-28T10:00:00Z"},
		{"a month of 31 days", "", "2027-01-01T00:00:00Z", "2027-01-01T01:00:00Z", [][2]string{{"nis2-notification", "2027-03-05T10:00:00Z"}}, "nis2-final", "2027-04-05T10:00:00Z"},
	} {
		i := &Incident{Opening: Opening{Known: at(t, c.known)}, At: map[State]time.Time{Detected: at(t, c.detected), Triaged: at(t, c.triaged)},
			Triage: &Triage{Laws: []string{"dora", "gdpr", "hipaa", "nis2"}}, sent: map[string][]time.Time{}}
		for _, told := range c.told {
			i.sent[told[0]] = append(i.sent[told[0]], at(t, told[1]))
		}
		found := false
		for _, clock := range i.clocks(at(t, c.triaged)) {
			if clock.Duty == c.duty {
				if found = true; !clock.Deadline.Equal(at(t, c.want)) {
					t.Errorf("%s: %s, want %s", c.name, clock.Deadline.Format(time.RFC3339), c.want)
				}
			}
		}
		if !found {
			t.Errorf("%s: no clock", c.name)
		}
	}
}

// A law that turns out to apply after triage has its clocks run from then, or from when that
// became known; one that does not apply after all has none left.
func TestALawIsNamedLater(t *testing.T) {
	d, now := desk(t)
	ok := must(t)
	id := ok(d.Open(Opening{Title: "t", Source: "x", Known: now.Add(-time.Hour)}, "ana")).ID
	knew := now.Add(-time.Hour)
	refused := func(err error, part string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v, want %q", err, part)
		}
	}
	name := func(law string, since time.Time, ends bool, note string) error {
		_, err := d.Name(id, "ana", []string{law}, since, ends, note)
		return err
	}
	refused(name("dora", time.Time{}, false, "w"), "first said at triage")
	ok(d.Ack(id, "ana"))
	ok(d.Decide(id, "ana", Triage{Severity: "high", Scenario: "privacy-leak", Laws: []string{"gdpr"}}))
	*now = now.Add(30 * time.Hour)
	refused(name("dora", time.Time{}, false, " "), "why is not said")
	refused(name("murphy", time.Time{}, false, "w"), "no law is called")
	refused(name("dora", now.Add(time.Hour), false, "w"), "is to come")
	refused(name("dora", knew.Add(-time.Minute), false, "w"), "before anybody knew")
	refused(name("gdpr", time.Time{}, false, "w"), "run since")
	refused(name("nis2", time.Time{}, true, "w"), "no clock of nis2 runs")
	if _, err := d.Name(id, "ana", nil, time.Time{}, false, "w"); err == nil {
		t.Error("no law")
	}
	if _, err := d.Name(id, "", []string{"dora"}, time.Time{}, false, "w"); err == nil {
		t.Error("nobody")
	}
	clock := func(duty string) Clock {
		t.Helper()
		for _, c := range ok(d.Show(id)).Clocks {
			if c.Duty == duty {
				return c
			}
		}
		t.Fatalf("no clock of %s", duty)
		return Clock{}
	}
	if err := name("dora", time.Time{}, false, "clients are hit"); err != nil {
		t.Fatal(err)
	}
	named := *now
	if c := clock("dora-initial"); !c.Deadline.Equal(named.Add(4*time.Hour)) || c.Status != "running" {
		t.Errorf("%+v", c)
	}
	// It was known before it was written down, and within a day: then the day binds.
	if err := name("dora", knew.Add(22*time.Hour), false, "so the minutes say"); err != nil {
		t.Fatal(err)
	}
	if c := clock("dora-initial"); !c.Deadline.Equal(knew.Add(24*time.Hour)) || c.Status != "over" {
		t.Errorf("%+v", c)
	}
	refused(name("dora", knew.Add(23*time.Hour), false, "w"), "run since")
	// It was sent in time, which is written down a day later.
	for _, c := range []struct {
		sent time.Time
		part string
	}{{now.Add(time.Hour), "is to come"}, {knew.Add(-time.Hour), "before anybody knew"}} {
		_, err := d.Told(id, "ana", "dora-initial", c.sent)
		refused(err, c.part)
	}
	ok(d.Told(id, "ana", "dora-initial", knew.Add(23*time.Hour)))
	if c := clock("dora-intermediate"); !c.Deadline.Equal(knew.Add((23 + 72) * time.Hour)) {
		t.Errorf("%+v", c)
	}
	if err := name("dora", time.Time{}, true, "at no time fulfilled"); err != nil {
		t.Fatal(err)
	}
	if clock("dora-initial").Status != "told" || clock("dora-intermediate").Status != "ended" || clock("gdpr-authority").Status != "running" {
		t.Errorf("%+v", ok(d.Show(id)).Clocks)
	}
	text, err := ok(d.Show(id)).Draft("dora-initial", "acme")
	if err != nil || !strings.Contains(text, "Reclassified from major to non-major: yes") {
		t.Error(text, err)
	}
	*now = now.Add(2000 * time.Hour)
	if c := clock("dora-final"); c.Status != "ended" {
		t.Errorf("%+v", c)
	}
	var report strings.Builder
	if err := Markdown(&report, ok(d.Show(id)), nil); err != nil || !strings.Contains(report.String(), "| does not apply after all |") || !strings.Contains(report.String(), "| told |") || !strings.Contains(report.String(), "| not told |") {
		t.Error(err, report.String())
	}
	if day := knew.Add(31 * time.Hour).UTC().Format(time.DateTime); !strings.Contains(report.String(), "| "+day+" | ana | laws: dora applies") {
		t.Errorf("no entry at %s, with its day:\n%s", day, report.String())
	}
	if due := ok(d.Show(id)).Due(*now, Ladder{Contain: 1e6 * time.Hour, Of: func(string, string) []string { return []string{"cy"} }}); len(due) != 1 || due[0].For != "clock:gdpr-authority:over" {
		t.Errorf("%+v", due)
	}
}

// Journals of before hold the duty alone.
func TestANoticeOfBefore(t *testing.T) {
	i := &Incident{At: map[State]time.Time{}}
	when := at(t, "2027-01-01T00:00:00Z")
	if err := i.fold(&playbook.Event{Type: eventNotice, Time: when, Data: []byte(`"gdpr-authority"`)}); err != nil || !i.sent["gdpr-authority"][0].Equal(when) || i.Entries[0].Text != "gdpr-authority" {
		t.Error(err, i.sent)
	}
	if err := i.fold(&playbook.Event{Type: eventNotice, Time: when, Data: []byte(`7`)}); err == nil {
		t.Error("a number is no notice")
	}
}

// Each duty's notice asks for what its article asks for, and holds what the incident tells.
func TestDrafts(t *testing.T) {
	d, now := desk(t)
	ok := must(t)
	var laws []string
	laws = append(laws, Regimes()...)
	id := ok(d.Open(Opening{Title: "scores leak\nTo: nobody", Scenario: "privacy-leak", Workload: "score", Asset: "arn:aws:sagemaker:eu-west-1:1:endpoint/score", Source: "detection 7", Began: now.Add(-2 * time.Hour)}, "ana")).ID
	ok(d.Ack(id, "ana"))
	ok(d.Decide(id, "ana", Triage{Severity: "critical", Scenario: "privacy-leak", Laws: laws}))
	ok(d.Told(id, "ana", "gdpr-authority", time.Time{}))
	i := ok(d.Show(id))
	asks := map[string][]string{
		"gdpr-authority":        {"Records concerned: [", "Likely consequences: [", "Reasons for the delay: [", "AI system: score\n"},
		"hipaa-individuals":     {"Date of its discovery: 20", "toll-free telephone number", "to protect themselves: ["},
		"hipaa-secretary":       {"Individuals concerned: [number: 500 or more", "Types of protected health information involved: ["},
		"hipaa-media":           {"To: media outlets\n", "State or jurisdiction: [where more than 500 residents", "toll-free telephone number", "45 CFR 164.406(a), (b): without unreasonable delay"},
		"hipaa-associate":       {"Individuals concerned: [identification of each", "164.410(b)"},
		"ai-act-incident":       {"Serious incident by Article 3(49): [", "Causal link", "not later than 15 days"},
		"ai-act-death":          {"not later than 10 days"},
		"ai-act-infrastructure": {"not later than two days"},
		"nis2-early-warning":    {"malicious acts: [yes or no]", "cross-border impact: ["},
		"nis2-notification":     {"Severity: critical", "Indicators of compromise: ["},
		"nis2-final":            {"Threat or root cause: [", "Mitigation under way: ["},
		"dora-initial":          {"Type of submission: initial notification\n", "Classified as major: 20", "Criteria of the classification: [", "How it was discovered: detection 7\n", "classified later than that, within 4 hours of the classification"},
		"dora-intermediate":     {"Type of submission: intermediate report\n", "Functional areas", "Told to other authorities: supervisory authority, 20", "Infrastructure components: arn:aws:sagemaker"},
		"dora-final":            {"Root causes: [", "Costs and losses", "or of its latest update"},
	}
	for _, duty := range Duties() {
		if duty.Source == "" || duty.Within == 0 && duty.Months == 0 || duty.To == "" {
			t.Errorf("%s has no source, time or addressee", duty.ID)
		}
		text, err := i.Draft(duty.ID, "acme")
		if err != nil || len(asks[duty.ID]) == 0 {
			t.Errorf("%s: %v %q", duty.ID, err, asks[duty.ID])
		}
		for _, part := range asks[duty.ID] {
			if !strings.Contains(text, part) {
				t.Errorf("%s has no %q:\n%s", duty.ID, part, text)
			}
		}
		if strings.Contains(text, "\nTo: nobody") || strings.Contains(text, "[]") {
			t.Errorf("%s:\n%s", duty.ID, text)
		}
	}
	if _, err := i.Draft("x", ""); err == nil {
		t.Error("a duty there is not")
	}
}

// Who said that there is nothing to preserve, before a law was named that asks for evidence,
// does not contain until something is preserved.
func TestALawNamedLaterAsksForEvidence(t *testing.T) {
	d, _ := desk(t)
	ok := must(t)
	id := ok(d.Open(Opening{Title: "t", Source: "x"}, "ana")).ID
	ok(d.Ack(id, "ana"))
	ok(d.Decide(id, "ana", Triage{Severity: "high", Scenario: "privacy-leak"}))
	ok(d.Preserve(id, "ana", Evidence{Nothing: "no log is kept"}, ""))
	ok(d.Name(id, "cy", []string{"gdpr"}, time.Time{}, false, "names were in it"))
	p, err := playbook.Load("p.yaml", []byte(closing))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.AddRun(id, "ana", p, nil); err == nil || !strings.Contains(err.Error(), "all that was said is that there is nothing") || !strings.Contains(err.Error(), "incident preserve "+id) {
		t.Errorf("containment without evidence: %v", err)
	}
	ok(d.Preserve(id, "ana", Evidence{What: "the bucket", Held: "object lock"}, ""))
	j, _, err := d.AddRun(id, "ana", p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
