package supply

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
	"github.com/sevenfold-sec/sevenfold/steps/supply/osv"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

// jury decides the criteria of all workloads of one estate.
type jury struct {
	snap     *estate.Snapshot
	scope    *scope.Scope
	known    *Known
	open     Data   // nil: only tags say what lies in assets
	data     Labels // nil until the first service is met
	findings []finding.Finding
	told     map[string]bool
	versions map[string][]version // of MLflow's registries; nil until code names one
}

// find gives a finding once and returns its id.
func (j *jury) find(rule, asset, key string, status finding.Outcome, severity finding.Severity, title string, evidence []finding.Evidence, commands ...string) string {
	id := finding.NewID(rule, asset, key)
	if j.told[id] {
		return id
	}
	j.told[id] = true
	r := ruleOf(rule)
	if title == "" {
		title = r.Title
	}
	j.findings = append(j.findings, finding.Finding{ID: id, Control: rule, Step: "supply", Status: status, Severity: severity, Asset: asset, Title: title, Evidence: evidence,
		Fix: finding.Fix{Text: r.Fix, Commands: commands, Effort: "hours", Grows: growth(rule)}, Frameworks: []string{}, Techniques: []string{}})
	return id
}

// growth says what mending has to be done for again: what is built into what runs is
// mended in each place that runs it, a register or a reference once.
func growth(rule string) finding.Growth {
	switch rule {
	case Poisoned, Refused:
		return finding.GrowsModels
	}
	return finding.GrowsNot
}

// said gathers what speaks for and against one criterion.
type said struct {
	fails, unsure []string
	c             finding.Criterion
}

func (s *said) fail(id, format string, args ...any) {
	s.fails = append(s.fails, fmt.Sprintf(format, args...))
	if id != "" {
		s.c.Findings = append(s.c.Findings, id)
	}
}

func (s *said) open(format string, args ...any) {
	s.unsure = append(s.unsure, fmt.Sprintf(format, args...))
}

// close decides: what fails goes before what is not known, and nothing examined is
// no pass.
func (s *said) close(claim finding.Claim, pass string) finding.Criterion {
	s.c.Evidence = append(s.c.Evidence, claim)
	slices.Sort(s.c.Findings)
	s.c.Findings = slices.Compact(s.c.Findings)
	switch {
	case len(s.fails) > 0:
		s.c.Status, s.c.Reason = finding.CriterionFail, joinSentences(append(s.fails, s.unsure...))
	case len(s.unsure) > 0:
		s.c.Status, s.c.Reason = finding.CriterionUnknown, joinSentences(s.unsure)
	case claim.Examined == 0:
		s.c.Status, s.c.Reason = finding.CriterionUnknown, "nothing was examined"
	default:
		s.c.Status, s.c.Reason = finding.CriterionPass, pass
	}
	return s.c
}

func joinSentences(list []string) string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) > 3 {
		return strings.Join(out[:3], "; ") + fmt.Sprintf("; and %d more", len(out)-3)
	}
	return strings.Join(out, "; ")
}

// scanHint is the command that examines a thing.
func (t *thing) scanHint() string {
	switch t.kind {
	case "files":
		if !strings.HasPrefix(t.place, "s3://") {
			return "fetch them and examine those: sevenfold supply scan FOLDER --of " + t.place
		}
		return "sevenfold supply scan " + t.place
	case "hub model":
		return "fetch it and examine that: sevenfold supply scan FOLDER --of " + t.place
	case "image":
		return "docker save " + strings.TrimPrefix(t.place, "image://") + " -o image.tar && sevenfold supply bom image.tar --of " + t.place
	}
	return "sevenfold supply bom FOLDER --of " + t.place
}

// inventory decides supply.inventory: the AI bill of materials is complete.
func (j *jury) inventory(w *workload) finding.Criterion {
	s := &said{c: finding.Criterion{ID: "supply.inventory"}}
	claim := finding.Claim{Claim: "components whose contents or name are in the bill of materials", Of: len(w.things), Source: "snapshot, sevenfold supply bom"}
	if j.known.Refused != "" {
		s.open("%s", j.known.Refused)
	}
	for i := range w.things {
		t := &w.things[i]
		switch {
		case t.kind == "managed model" || t.kind == "hub model":
			claim.Examined++ // named; its contents are another line's
		case t.seen == nil || t.kind == "image" && t.seen.Bill == nil:
			s.open("nobody looked into %s", t.place)
			s.hint(t)
		default:
			claim.Examined++
			if b := t.seen.Bill; b != nil {
				for _, p := range b.Problems[:min(len(b.Problems), 3)] {
					s.open("%s: %s could not be read: %s", t.place, p.Path, p.Why)
				}
				for _, n := range b.Notices {
					if n.Rule == "model-named-at-run-time" {
						s.open("%s: %s line %d loads a model that is named at run time", t.place, n.Place.Path, n.Place.Line)
					}
				}
			}
		}
	}
	for _, id := range w.unread {
		s.open("%s was not read", id)
	}
	if len(w.things) == 0 && len(s.unsure) == 0 {
		s.open("nothing that it is made of is known: the estate names no image, model or code of it")
		s.c.Hint = "sevenfold supply bom FOLDER --of code:" + w.Name
	}
	return s.close(claim, fmt.Sprintf("each of %s is known", count(len(w.things), "component")))
}

func (s *said) hint(t *thing) {
	if s.c.Hint == "" {
		s.c.Hint = t.scanHint()
	}
}

// elsewhere are notices that another criterion weighs.
func elsewhere(rule string) string {
	switch {
	case strings.HasPrefix(rule, "floating-") || rule == "extra-index" || rule == "model-of-the-library":
		return "provenance"
	case strings.HasPrefix(rule, "service-") || strings.HasPrefix(rule, "gateway-"):
		return "services"
	case rule == "model-named-at-run-time":
		return "inventory"
	}
	return "artifacts"
}

// artifacts decides supply.artifacts: no malicious or unsafe file, and integrity holds.
func (j *jury) artifacts(w *workload) finding.Criterion {
	s := &said{c: finding.Criterion{ID: "supply.artifacts"}}
	claim := finding.Claim{Claim: "places of model files and code examined", Source: "sevenfold supply scan"}
	for i := range w.things {
		t := &w.things[i]
		if t.kind == "managed model" {
			continue
		}
		claim.Of++
		if t.seen == nil || t.seen.Files == nil && (t.kind == "files" || t.kind == "hub model") || t.seen.Files == nil && t.seen.Bill == nil {
			s.open("%s was not examined", t.place)
			s.hint(t)
			continue
		}
		claim.Examined++
		if at := t.seen.taken(); !fixedPlace(t.place) && j.known.Now.Sub(at) > examinedCounts {
			s.open("%s was examined on %s, more than %.0f days ago, and may have changed since", t.place, at.Format(time.DateOnly), examinedCounts.Hours()/24)
			s.hint(t)
		}
		if f := t.seen.Files; f != nil {
			j.files(s, t, f)
		}
		if b := t.seen.Bill; b != nil {
			j.notices(s, t, b, "artifacts", Unsafe)
		}
		if p := t.seen.Proof; p != nil && p.Verdict == "refused" {
			s.fail(j.find(Refused, t.asset.ID, "", finding.Fail, finding.Critical, "", []finding.Evidence{{What: "signature", Where: t.place, Value: p.Why}}), "the signature over %s does not fit: %s", t.place, p.Why)
		}
	}
	for _, id := range w.unread {
		s.open("%s was not read", id)
	}
	if claim.Of == 0 && len(s.unsure) == 0 {
		if len(w.things) > 0 {
			s.c.Status, s.c.Reason = finding.CriterionNA, "it loads no file of its own: its models are kept by the provider"
			s.c.Evidence = []finding.Claim{{Claim: "members whose files were looked for", Examined: len(w.Members), Of: len(w.Members), Source: "snapshot"}}
			return s.c
		}
		s.open("no file that it loads is known")
	}
	return s.close(claim, fmt.Sprintf("%s examined, all clean", count(claim.Examined, "place")))
}

// examinedCounts is how long what was seen of a place says what lies there, where that
// can change.
const examinedCounts = 90 * 24 * time.Hour

// fixedPlace reports whether a place names what lies there by its content.
func fixedPlace(place string) bool { return strings.Contains(place, "@sha256:") }

// taken is when the oldest half of what was seen of a place was seen.
func (e *Examined) taken() time.Time {
	switch {
	case e.Files == nil:
		return e.Bill.Taken
	case e.Bill == nil || e.Files.Taken.Before(e.Bill.Taken):
		return e.Files.Taken
	}
	return e.Bill.Taken
}

func (j *jury) files(s *said, t *thing, f *Files) {
	total := 0
	for _, n := range f.Count {
		total += n
	}
	bad := f.Count[modelfile.Malicious] + f.Count[modelfile.Suspicious]
	if bad > 0 {
		severity, word := finding.High, "suspicious"
		if f.Count[modelfile.Malicious] > 0 {
			severity, word = finding.Critical, "malicious"
		}
		var evidence []finding.Evidence
		for _, x := range f.Findings {
			if len(evidence) < 5 && (x.Severity == modelfile.Critical || x.Severity == modelfile.High || x.Severity == modelfile.Medium) {
				evidence = append(evidence, finding.Evidence{What: x.Rule, Where: fmt.Sprintf("%s, byte %d", x.Path, x.Offset), Value: x.Text})
			}
		}
		id := j.find(Poisoned, t.asset.ID, "", finding.Fail, severity, "", evidence, t.scanHint())
		s.fail(id, "%s holds %s that %s %s", t.place, count(bad, "file"), map[bool]string{true: "is", false: "are"}[bad == 1], word)
	}
	if n := f.Count[modelfile.Unknown]; n > 0 {
		s.open("%s of %d in %s could not be judged", count(n, "file"), total, t.place)
	}
	if total == 0 {
		s.open("no file was found in %s", t.place)
	}
}

// notices turns what the bill remarks into fails and findings of one criterion: one
// finding a rule and place.
func (j *jury) notices(s *said, t *thing, b *Bill, criterion, rule string) {
	by := map[string][]parts.Notice{}
	var order []string
	for _, n := range b.Notices {
		if elsewhere(n.Rule) != criterion {
			continue
		}
		if by[n.Rule] == nil {
			order = append(order, n.Rule)
		}
		by[n.Rule] = append(by[n.Rule], n)
	}
	for _, r := range order {
		list := by[r]
		worst := finding.Info
		var evidence []finding.Evidence
		for _, n := range list {
			if sev := finding.Severity(n.Severity); sev.Rank() > worst.Rank() {
				worst = sev
			}
			if len(evidence) < 5 {
				evidence = append(evidence, finding.Evidence{What: n.Rule, Where: where(n.Place), Value: n.Text})
			}
		}
		id := j.find(rule, t.asset.ID, r, finding.Fail, worst, ruleOf(rule).Title+": "+r, evidence)
		if worst.AtLeast(j.scope.Gate.FailOn) {
			s.fail(id, "%s: %s in %s (%s)", r, list[0].Text, t.place, where(list[0].Place))
		} else {
			s.c.Findings = append(s.c.Findings, id)
		}
	}
}

func where(p parts.Place) string {
	if p.Line == 0 {
		return p.Path
	}
	return fmt.Sprintf("%s:%d", p.Path, p.Line)
}

// vulnerabilities decides supply.vulnerabilities.
func (j *jury) vulnerabilities(w *workload) finding.Criterion {
	s := &said{c: finding.Criterion{ID: "supply.vulnerabilities"}}
	claim := finding.Claim{Claim: "components held against vulnerability records", Source: j.records()}
	unrated, excused, bills := 0, 0, 0
	for i := range w.things {
		t := &w.things[i]
		if t.kind != "image" && t.kind != "code" {
			continue
		}
		if t.seen == nil || t.seen.Bill == nil {
			s.open("nobody looked into %s", t.place)
			s.hint(t)
			continue
		}
		bills++
		v := j.known.Watched[t.seen.Place]
		if v == nil {
			s.open("no vulnerability records in the state")
			s.c.Hint = "sevenfold supply watch --osv PyPI.zip (from osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip)"
			claim.Of += len(t.seen.Bill.Parts)
			continue
		}
		claim.Examined, claim.Of, excused = claim.Examined+v.Decided, claim.Of+v.Of, excused+v.Excused
		for _, o := range v.Open[:min(len(v.Open), 3)] {
			s.open("%s: %s", t.place, o)
			if s.c.Hint == "" {
				s.c.Hint = "bring fresh records: sevenfold supply watch --osv PATH"
			}
		}
		if v.Of == 0 {
			s.open("no package was found in %s", t.place)
		}
		unrated += j.matches(s, t, v)
	}
	if unrated > 0 {
		s.open("%s whose severity no record states", count(unrated, "known vulnerability"))
	}
	if bills == 0 && len(s.unsure) == 0 {
		managed := len(w.things) > 0 && !slices.ContainsFunc(w.things, func(t thing) bool { return t.kind != "managed model" }) && len(w.unread) == 0
		if managed {
			s.c.Status, s.c.Reason = finding.CriterionNA, "it runs no image or code of its own: only models that the provider keeps"
			s.c.Evidence = []finding.Claim{{Claim: "members whose packages were looked for", Examined: len(w.Members), Of: len(w.Members), Source: "snapshot"}}
			return s.c
		}
		s.open("nothing that it runs is known: the estate names no image or code of it")
		s.c.Hint = "sevenfold supply bom FOLDER --of code:" + w.Name
	}
	pass := fmt.Sprintf("none known at or above %s in %s", j.scope.Gate.FailOn, count(claim.Of, "component"))
	if excused > 0 {
		pass += fmt.Sprintf("; %s excused by VEX statements", count(excused, "match"))
	}
	return s.close(claim, pass)
}

// records names the records and how old they are.
func (j *jury) records() string {
	var out []string
	for _, x := range j.known.Stocks {
		out = append(out, fmt.Sprintf("OSV %s of %s", x.Ecosystem, x.AsOf.Format(time.DateOnly)))
	}
	if len(out) == 0 {
		return "no records"
	}
	return strings.Join(out, ", ")
}

// matches gives findings of the vulnerabilities of one place, one for each component,
// and returns how many have no severity.
func (j *jury) matches(s *said, t *thing, v *Watched) (unrated int) {
	by := map[string][]Match{}
	var order []string
	for _, m := range v.Matches {
		if m.Dev {
			continue // not in what runs
		}
		key := m.Component
		if by[key] == nil {
			order = append(order, key)
		}
		by[key] = append(by[key], m)
	}
	for _, key := range order {
		list := by[key]
		worst, fixed := finding.Info, ""
		var evidence []finding.Evidence
		for _, m := range list {
			sev := severityOf(m.Severity)
			if m.KEV {
				sev = finding.Critical
			}
			if m.Severity == osv.NotStated && !m.KEV {
				unrated++
			}
			if sev.Rank() > worst.Rank() {
				worst, fixed = sev, m.Fixed
			}
			if len(evidence) < 5 {
				evidence = append(evidence, finding.Evidence{What: m.ID + " (" + string(m.Severity) + priority(m) + ")", Where: where(m.Where), Value: m.Summary})
			}
		}
		if worst == finding.Info {
			continue
		}
		m := list[0]
		commands := []string{}
		if fixed != "" {
			commands = append(commands, fmt.Sprintf("# %s %s or later", m.Name, fixed))
		}
		id := j.find(Vulnerable, t.asset.ID, m.Component, finding.Fail, worst, fmt.Sprintf("%s %s has %s", m.Name, m.Version, known(len(list))), evidence, commands...)
		if worst.AtLeast(j.scope.Gate.FailOn) {
			s.fail(id, "%s %s in %s: %s", m.Name, m.Version, t.place, m.ID)
		} else {
			s.c.Findings = append(s.c.Findings, id)
		}
	}
	return unrated
}

func known(n int) string {
	if n == 1 {
		return "a known vulnerability"
	}
	return fmt.Sprintf("%d known vulnerabilities", n)
}

func priority(m Match) string {
	out := ""
	if m.KEV {
		out += ", exploited in the wild (KEV)"
	}
	if m.EPSS >= 0 {
		out += fmt.Sprintf(", EPSS %.3f", m.EPSS)
	}
	return out
}
