package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// share is a part of a whole as the page writes it.
func share(part, of int) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3f", float64(part)/float64(of))
}

// figures are the counts of one line of a table.
type figures struct {
	faults, found, unsure, near, flagged, right, wrong, open int
}

func (f *figures) add(o figures) {
	f.faults += o.faults
	f.found += o.found
	f.unsure += o.unsure
	f.near += o.near
	f.flagged += o.flagged
	f.right += o.right
	f.wrong += o.wrong
	f.open += o.open
}

const head = "| faults | found | could not tell | missed | recall | near misses | flagged | findings | true | false | not judged | precision |"

func (f figures) row() string {
	told := f.right + f.wrong + f.open
	return fmt.Sprintf("| %d | %d | %d | %d | %s | %d | %d | %d | %d | %d | %d | %s |", f.faults, f.found, f.unsure, f.faults-f.found-f.unsure,
		share(f.found, f.faults), f.near, f.flagged, told, f.right, f.wrong, f.open, share(f.right, told))
}

func (m *Measured) figures() figures {
	return figures{len(m.Faults), len(m.Found), len(m.Unsure), m.pairs(), len(m.Flagged), len(m.True), len(m.False), len(m.Open)}
}

// split sorts an estate's counts by what fault and finding say of themselves.
func (m *Measured) split(into map[string]*figures, fault func(Fault) string, near func(Near, string) string, seen func(Seen) string) {
	at := func(name string) *figures {
		if into[name] == nil {
			into[name] = &figures{}
		}
		return into[name]
	}
	for _, f := range m.Faults {
		g := at(fault(f))
		g.faults++
		if m.Found[f.ID] {
			g.found++
		} else if m.Unsure[f.ID] {
			g.unsure++
		}
	}
	for _, n := range m.Near {
		for _, c := range n.Not {
			g := at(near(n, c))
			g.near++
			if slices.Contains(m.Flagged, n.Asset+" "+c) {
				g.flagged++
			}
		}
	}
	for _, s := range m.True {
		at(seen(s)).right++
	}
	for _, s := range m.False {
		at(seen(s)).wrong++
	}
	for _, s := range m.Open {
		at(seen(s)).open++
	}
}

// service is the service of an asset's type: AWS::SageMaker::Model is SageMaker's.
func service(typ string) string {
	parts := strings.Split(typ, "::")
	switch {
	case len(parts) == 3:
		return parts[1]
	case strings.Contains(typ, "/"):
		group, _, _ := strings.Cut(typ, "/")
		if strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") || strings.HasSuffix(group, ".x-k8s.io") {
			return "Kubernetes, custom types"
		}
		return "Kubernetes"
	}
	return "Harbour's pairs and workloads"
}

func render(all []*Measured) (string, error) {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# Quality of detection\n")
	p("Written by `make quality` (`test/quality`): nothing in it is typed in. A test measures the labelled estates again and fails when")
	p("one of them has fewer faults found, more near misses flagged, or more false findings than stand here.\n")
	p("Measured %s at commit %s.\n", time.Now().UTC().Format("2006-01-02"), commit())
	p("%s", explain)
	p("\n## The labelled estates\n")
	p("| estate | form %s\n|---|---|%s", head, strings.Repeat("---|", 12))
	var total figures
	for _, m := range all {
		f := m.figures()
		total.add(f)
		p("| %s | %s %s", m.Estate, m.Form, f.row())
	}
	p("| **all** | %s", total.row())
	controls := map[string]bool{}
	for _, m := range all {
		for _, f := range m.Faults {
			for _, c := range f.Find {
				controls[c] = true
			}
		}
	}
	p("\nThe faults ask %d controls.", len(controls))
	first, err := readFirst(filepath.Join("test", "quality", "first.yaml"))
	if err != nil {
		return "", err
	}
	p("\n### Before anything was mended\n")
	p("What an estate showed when it was first measured, its labels written and the controls as they were found:\n")
	p("| estate | faults | found | near misses | flagged | what followed |\n|---|---|---|---|---|---|")
	for _, f := range first {
		p("| %s | %d | %d | %d | %d | %s |", f.Estate, f.Faults, f.Found, f.Near, f.Flagged, f.Then)
	}
	table(p, all, "By severity", "severity", func(m *Measured, into map[string]*figures) {
		m.split(into, func(f Fault) string { return string(f.Severity) }, func(n Near, c string) string { return m.severity[c] }, func(s Seen) string { return string(s.Severity) })
	}, func(a, b string) int { return finding.Severity(b).Rank() - finding.Severity(a).Rank() })
	table(p, all, "By service", "service", func(m *Measured, into map[string]*figures) {
		m.split(into, func(f Fault) string { return service(m.types[f.Asset]) }, func(n Near, _ string) string { return service(m.types[n.Asset]) },
			func(s Seen) string { return service(m.types[whole(s.Asset)]) })
	}, strings.Compare)
	p("\n## What is wrong with it\n")
	p("Each fault that was not found, each near miss that was flagged and each finding that is not true.\n")
	for _, m := range all {
		for _, f := range m.Faults {
			switch {
			case m.Unsure[f.ID]:
				p("- %s, %s: could not be told, `%s`: %s.", m.Estate, f.ID, whole(f.Asset), f.Wrong)
			case !m.Found[f.ID]:
				p("- %s, %s: missed, `%s`: %s.", m.Estate, f.ID, whole(f.Asset), f.Wrong)
			}
		}
		for _, s := range m.False {
			p("- %s: false, `%s` on `%s`: %s.", m.Estate, s.Control, s.Asset, m.why(s))
		}
		for _, s := range m.Open {
			p("- %s: not judged yet, `%s` on `%s`.", m.Estate, s.Control, s.Asset)
		}
	}
	if err := renderPublic(p); err != nil {
		return "", err
	}
	if err := renderPeers(p, all); err != nil {
		return "", err
	}
	return b.String(), nil
}

const explain = `Each estate under ` + "`test/quality/`" + ` has labels beside it: what was planted, with the controls of which any one should say it, and
what looks like a fault and is none, with the reason. Labels are written by what is true of the provider, before the tool
is run; where the two disagree the provider's documentation decides, and what came of that stands below. **Recall** is the share of planted faults that a failing finding tells; a fault of which
the tool says that it cannot tell is not found. A **near miss** is a pair of asset and control. **Precision** is the share of failing
findings (one for each asset and control) that are true: the label foresaw them, or a person judged them by name in
` + "`judged.yaml`" + `; one that nobody judged counts as not true. Who wrote the labels knows the names and the questions of the controls and
not their expressions; he works in the same house, so these figures say more of regressions than of the world. The
estates of others, below, say more of the world.`

// table prints one way of splitting the counts.
func table(p func(string, ...any), all []*Measured, title, name string, split func(*Measured, map[string]*figures), less func(a, b string) int) {
	into := map[string]*figures{}
	for _, m := range all {
		split(m, into)
	}
	names := make([]string, 0, len(into))
	for n := range into {
		names = append(names, n)
	}
	slices.SortFunc(names, less)
	p("\n## %s\n\n| %s %s\n|---|%s", title, name, head, strings.Repeat("---|", 12))
	for _, n := range names {
		p("| %s %s", n, into[n].row())
	}
}

// why says why a finding is not true.
func (m *Measured) why(s Seen) string {
	for _, n := range m.Near {
		if n.Asset == whole(s.Asset) && slices.Contains(n.Not, s.Control) {
			return n.Because
		}
	}
	for _, j := range m.judged {
		if j.Control == s.Control && slices.Contains(j.Assets, whole(s.Asset)) {
			return j.Because
		}
	}
	return ""
}

// first is what an estate showed when it was first measured.
type first struct {
	Estate  string `yaml:"estate"`
	Faults  int    `yaml:"faults"`
	Found   int    `yaml:"found"`
	Near    int    `yaml:"near"`
	Flagged int    `yaml:"flagged"`
	// Then says what was mended because of it.
	Then string `yaml:"then"`
}

func readFirst(path string) ([]first, error) {
	var all []first
	return all, readYAML(path, &all)
}

// commit names what is measured; + marks changes that are not committed.
func commit() string {
	id, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	name := strings.TrimSpace(string(id))
	if state, err := exec.Command("git", "status", "--porcelain", "--", "*.go", "controls", "test/quality").Output(); err != nil || len(state) > 0 {
		name += "+"
	}
	return name
}
