package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// merger joins the faults that other tools name with the controls' answers.
type merger struct {
	step      *Step
	snap      *estate.Snapshot
	workloads *scope.Workloads
	judged    *judged
	heard     *heard
	own       map[string]int // findings by id
	known     *foreignMap
	settings  *control.Settings // once somebody asked
	topics    map[topicKey]*topic
}

// merge makes a finding of a fault, adds it to ours, or leaves it where nobody
// says that anything is wrong.
func (m *merger) merge(f *fault) error {
	slices.SortFunc(f.says, func(a, b saying) int {
		return cmp.Or(cmp.Compare(a.scan.Tool, b.scan.Tool), cmp.Compare(a.check, b.check), cmp.Compare(a.result.File, b.result.File), cmp.Compare(a.result.Place, b.result.Place))
	})
	if f.control != nil && f.at.tied {
		if i, ok := m.own[finding.NewID(f.control.ID, f.at.id, "")]; ok {
			m.join(f, &m.judged.findings[i])
			return nil
		}
		if m.asked(f) {
			return m.contradict(f)
		}
	}
	if !slices.ContainsFunc(f.says, func(x saying) bool { return x.result.Status != estate.ForeignPass }) {
		return nil
	}
	out := m.finding(f)
	m.add(f, out)
	return nil
}

// asked reports whether the control was asked of the asset.
func (m *merger) asked(f *fault) bool {
	a := m.snap.Asset(f.at.node)
	return !a.Referenced && slices.Contains(f.control.Types, a.Type)
}

// join adds what the tools say to our own finding. Where ours is undecided, a
// tool that saw the fault decides it.
func (m *merger) join(f *fault, ours *finding.Finding) {
	if ours.Status == finding.Unknown && f.some(estate.ForeignFail) {
		a := m.snap.Asset(f.at.node)
		why := ours.Evidence
		ours.Status, ours.Title, ours.Severity, ours.Fix = finding.Fail, f.control.Title, m.severity(f), f.control.FixFor(a)
		ours.Evidence = append(m.evidence(f, nil), why...)
	} else {
		ours.Evidence = m.evidence(f, slices.Clone(ours.Evidence))
	}
	if ours.Status == finding.Fail && f.all(estate.ForeignPass) {
		note := finding.Evidence{What: "the tools contradict each other", Where: "sevenfold", Value: "its own answer stands: what it read shows the fault"}
		ours.Evidence = slices.Insert(ours.Evidence, min(1, len(ours.Evidence)), note) // where short renderings still show it
	}
	ours.Tools = f.saw()
}

// contradict is for a fault that our control does not find. Where it passes, the
// tool's word counts; where it does not apply, or asks for less on purpose, that
// is a reasoned answer with cases that prove it, and the tool's word is told
// beside it.
func (m *merger) contradict(f *fault) error {
	if !f.some(estate.ForeignFail) {
		return nil // we know; what they leave open is answered
	}
	out := m.finding(f)
	outcome, err := m.answer(f)
	if err != nil {
		return err
	}
	value := fmt.Sprintf("its own control %s passes here", f.control.ID)
	settled := ""
	now := m.step.now(m.snap)
	stale := true
	for _, x := range f.says {
		if x.result.Status == estate.ForeignFail {
			settled = cmp.Or(x.rule.settled, settled)
			stale = stale && x.stale(now)
			if x.rule.settled == "" {
				settled = ""
				break
			}
		}
	}
	switch {
	case outcome == finding.NA:
		value = fmt.Sprintf("its own control %s does not apply here; a fail is wrong for: %s", f.control.ID, strings.Join(f.control.InvalidFor, "; "))
		out.Severity = finding.Info
	case settled != "":
		value += "; it asks for less on purpose: " + settled
		out.Severity = finding.Info
	case stale:
		value += "; what it read is newer"
		out.Status = finding.Unknown
		out.Title = "Could not tell: " + f.control.Asks
		out.Fix = finding.Fix{Text: "Run " + f.says[0].scan.Name + " again and give its new report.", Effort: "minutes"}
	}
	out.Evidence = append([]finding.Evidence{{What: "the tools contradict each other", Where: "sevenfold", Value: value}}, out.Evidence...)
	m.add(f, out)
	return nil
}

// answer asks the control once more: whether it passed or did not apply is not
// kept.
func (m *merger) answer(f *fault) (finding.Outcome, error) {
	a := m.snap.Asset(f.at.node)
	config, err := m.snap.Config(f.at.node)
	if err != nil {
		return "", err
	}
	if m.settings == nil {
		if m.settings, err = m.step.controls.Settings(m.snap); err != nil {
			return "", err
		}
	}
	ctx := control.Context{Now: m.snap.Taken(), Setting: m.settings.For(a), Owned: m.step.controls.Owned(m.snap, f.at.node), Behind: control.Behind(m.snap, f.at.node),
		Zone: func() (string, bool) { return m.workloads.ZoneOf(a.ID) }, Accounts: m.settings.Accounts()}
	return m.step.controls.JudgeOne(ctx, f.control, a, config).Outcome, nil
}

// finding is the finding that the tools' words make by themselves.
func (m *merger) finding(f *fault) finding.Finding {
	out := finding.Finding{ID: finding.NewID(f.id, f.at.id, f.key), Control: f.id, Asset: f.at.id, Status: finding.Unknown,
		Severity: m.severity(f), Tools: f.saw(), Frameworks: []string{}, Techniques: []string{}}
	if f.some(estate.ForeignFail) {
		out.Status = finding.Fail
	} else { // whoever leaves it open is where it comes from
		out.Tools = f.who(func(s estate.ForeignStatus) bool { return s != estate.ForeignPass })
	}
	first := f.says[0]
	for _, x := range f.says {
		if x.result.Status == estate.ForeignFail {
			first = x
			break
		}
	}
	out.Step = first.rule.step
	switch {
	case f.control != nil:
		out.Step, out.Title, out.Fix = f.control.Step, f.control.Title, f.control.Fix
		out.Frameworks, out.Techniques = f.control.Frameworks, f.control.Techniques
		out.Fix.Commands = nil
		if f.at.tied {
			out.Fix = f.control.FixFor(m.snap.Asset(f.at.node))
		}
	default:
		out.Title = m.title(&first)
		m.borrow(&out, f)
	}
	if out.Status == finding.Unknown {
		out.Title = "Could not tell: " + strings.TrimPrefix(out.Title, "Fails a ")
	}
	out.Evidence = m.evidence(f, nil)
	if !f.at.tied {
		out.Evidence = append([]finding.Evidence{{What: "not tied to an asset that was read", Where: first.scan.Name, Value: f.at.why}}, out.Evidence...)
	}
	if f.told() != "" {
		out.Severity = finding.Info
	}
	return out
}

// borrow takes mend and frameworks from whichever tool says them; of frameworks
// only what a catalogue here knows.
func (m *merger) borrow(out *finding.Finding, f *fault) {
	see := ""
	for _, x := range f.says {
		out.Fix.Text = cmp.Or(out.Fix.Text, x.about.Fix)
		see = cmp.Or(see, x.about.URL)
		for _, id := range x.about.Frameworks {
			if m.step.controls.Name(id) != "" && !slices.Contains(out.Frameworks, id) {
				out.Frameworks = append(out.Frameworks, id)
			}
		}
	}
	x := &f.says[0]
	out.Fix.Text = cmp.Or(out.Fix.Text, "See "+cmp.Or(see, x.scan.Name+"'s words on "+x.check)+".")
}

// title names a fault that no control of ours asks about. Most tools title a
// check by what should be, so that its title alone would say the opposite.
func (m *merger) title(x *saying) string {
	switch {
	case x.rule.fault != "":
		return m.known.faults[x.rule.fault]
	case x.about.Kind != "" && x.about.Title != "":
		return x.about.Title
	}
	return fmt.Sprintf("Fails a check of %s: %s", x.scan.Name, cmp.Or(x.about.Title, x.check))
}

// add files a finding under the asset it is on. One that stands already (two
// faults of one id: hostile input) keeps the worse.
func (m *merger) add(f *fault, out finding.Finding) {
	if i, ok := m.own[out.ID]; ok {
		old := &m.judged.findings[i]
		old.Evidence = append(old.Evidence, out.Evidence...)
		if out.Status == finding.Fail && old.Status == finding.Unknown {
			old.Status, old.Title = finding.Fail, out.Title
		}
		if out.Severity.Rank() > old.Severity.Rank() {
			old.Severity = out.Severity
		}
		return
	}
	i := len(m.judged.findings)
	m.judged.findings = append(m.judged.findings, out)
	m.own[out.ID] = i
	counts := f.told() == ""
	switch {
	case !f.at.tied:
		m.heard.loose = append(m.heard.loose, loose{f.at, i, counts})
	case out.Step == "supply":
		m.heard.vulnerable[f.at.node] = append(m.heard.vulnerable[f.at.node], i)
	case counts && !identity(m.snap.Asset(f.at.node), out.Step):
		t := m.judged.tally[f.at.node]
		t.findings = append(t.findings, i)
		m.judged.tally[f.at.node] = t
	}
}

// evidence is what every tool says.
func (m *merger) evidence(f *fault, list []finding.Evidence) []finding.Evidence {
	now := m.step.now(m.snap)
	for i := range f.says {
		if e := f.says[i].evidence(now); !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	return list
}

// severity is the worst that a tool that sees the fault gives it. Where none
// states one, our control's counts.
func (m *merger) severity(f *fault) finding.Severity {
	worst, found := finding.Info, false
	for _, x := range f.says {
		s, stated := x.tool.severity(x.result.Severity)
		if !stated && f.control != nil {
			s = f.control.Severity
		}
		if x.result.Status != estate.ForeignPass && (!found || s.Rank() > worst.Rank()) {
			worst, found = s, true
		}
	}
	return worst
}

// saw names who saw the fault.
func (f *fault) saw() []string {
	return f.who(func(s estate.ForeignStatus) bool { return s == estate.ForeignFail })
}

// who names the tools of whose results something holds, each once.
func (f *fault) who(holds func(estate.ForeignStatus) bool) []string {
	var out []string
	for i := range f.says {
		if holds(f.says[i].result.Status) {
			out = append(out, f.says[i].who())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (f *fault) some(s estate.ForeignStatus) bool {
	return slices.ContainsFunc(f.says, func(x saying) bool { return x.result.Status == s })
}

func (f *fault) all(s estate.ForeignStatus) bool {
	return !slices.ContainsFunc(f.says, func(x saying) bool { return x.result.Status != s })
}

// told says why a fault counts for no workload; empty if it does for any of the
// checks that name it.
func (f *fault) told() string {
	why := ""
	for _, x := range f.says {
		if x.result.Status == estate.ForeignPass {
			continue
		}
		if x.rule.told == "" {
			return ""
		}
		why = x.rule.told
	}
	return why
}

// some lists the first n names.
func some(names []string, n int) string {
	if len(names) > n {
		return strings.Join(names[:n], ", ") + fmt.Sprintf(" and %d more", len(names)-n)
	}
	return strings.Join(names, ", ")
}
