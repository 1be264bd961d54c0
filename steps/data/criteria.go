package data

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data/lineage"
)

// jury decides the criteria of all workloads.
type jury struct {
	ctx       context.Context //nolint:containedctx // of the one judgement this is made for
	w         *World
	workloads *scope.Workloads
	findings  []finding.Finding
	told      map[string]bool
	possible  beside
}

// party is a workload as its data goes.
type party struct {
	*finding.Workload
	// places are the stores and parts of stores that it reads, writes or holds, the
	// finest that are known, in order.
	places []string
	// systems are its members and places: where a label must be approved.
	systems []string
	unread  []string
}

func first(path []lineage.Flow, otherwise string) string {
	if len(path) == 0 {
		return otherwise
	}
	return path[0].From
}

func (j *jury) party(l *finding.Workload) party {
	p := party{Workload: l}
	seen := map[string]bool{}
	add := func(id string) {
		if a := j.w.asset(id); a != nil && holdsData(a) && !seen[id] {
			seen[id] = true
			p.places = append(p.places, id)
		}
	}
	for _, id := range l.Members {
		n, ok := j.w.snap.Find(id)
		if !ok {
			continue
		}
		a := j.w.snap.Asset(n)
		if a.Referenced && (a.Kind == estate.KindCompute || a.Kind == estate.KindEndpoint || a.Kind == estate.KindPipeline) {
			p.unread = append(p.unread, id)
		}
		add(id)
		for e := range j.w.snap.Out(n) {
			if _, ok := carriers[e.Type]; ok && carries(a, j.w.snap.Asset(e.Node), e.Type) {
				add(j.w.snap.Asset(e.Node).ID)
			}
		}
		// What events show of it.
		for _, to := range j.w.index.shown[id] {
			if c, _, ok := j.w.find(to); ok {
				add(c)
			}
		}
	}
	// A bucket of which a part is named is that part.
	p.places = slices.DeleteFunc(p.places, func(id string) bool {
		return slices.ContainsFunc(p.places, func(other string) bool {
			c, path := part(other)
			return path != "" && c == id
		})
	})
	slices.Sort(p.places)
	p.systems = append(slices.Clone(l.Members), p.places...)
	slices.Sort(p.systems)
	p.systems = slices.Compact(p.systems)
	return p
}

// decide gives the four criteria of one workload.
func (j *jury) decide(l *finding.Workload) []finding.Criterion {
	p := j.party(l)
	return []finding.Criterion{j.classified(&p), j.controls(&p), j.flows(&p), j.retention(&p)}
}

// verdictOf closes a criterion: what fails goes before what is not known.
func verdictOf(c *finding.Criterion, fails, unsure []string, pass string) {
	switch {
	case len(fails) > 0:
		c.Status, c.Reason = finding.CriterionFail, sentences(fails)
	case len(unsure) > 0:
		c.Status, c.Reason = finding.CriterionUnknown, sentences(unsure)
	default:
		c.Status, c.Reason = finding.CriterionPass, pass
	}
}

func sentences(list []string) string {
	var once []string
	for _, s := range list {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	if len(once) > 3 {
		return strings.Join(once[:3], "; ") + fmt.Sprintf("; and %d more", len(once)-3)
	}
	return strings.Join(once, "; ")
}

// nothing decides a criterion for a workload of which no store is known.
func (p *party) nothing(c *finding.Criterion) bool {
	if len(p.places) > 0 {
		return false
	}
	if len(p.unread) > 0 {
		c.Status, c.Reason = finding.CriterionUnknown, "not read: "+sentences(p.unread)
		return true
	}
	if p.Type == estate.ClassManagement {
		c.Status, c.Reason = finding.CriterionNA, "it manages others and touches no store"
		c.Evidence = []finding.Claim{{Claim: "members whose stores were looked for", Examined: len(p.Members), Of: len(p.Members), Source: "snapshot"}}
		return true
	}
	c.Status, c.Reason = finding.CriterionUnknown, "no store is known that it reads or writes; its code may touch any"
	c.Hint = "give its data events (--source events:PATH) or OpenLineage events, or declare the flows"
	return true
}

// scanHint is the command that looks into a place.
func (j *jury) scanHint(id string) string {
	container, path := part(id)
	a := j.w.asset(container)
	switch {
	case a == nil:
	case a.Type == "AWS::S3::Bucket":
		return "sevenfold data scan s3://" + a.Name + strings.TrimSuffix("/"+path, "/")
	case strings.Contains(a.Type, "::DB") && j.w.speaksMySQL(id):
		return "sevenfold data scan mysql://USER@HOST"
	case strings.Contains(a.Type, "::DB"):
		return "sevenfold data scan postgres://USER@HOST/DATABASE"
	}
	return "sevenfold data scan FOLDER --of " + id + ", a copy of what lies there"
}

// speaksMySQL reports whether a database is one of MySQL, MariaDB or Aurora MySQL.
func (w *World) speaksMySQL(id string) bool {
	n, ok := w.snap.Find(id)
	if !ok {
		return false
	}
	engine := strings.ToLower(w.facts(n).text("Engine"))
	return strings.Contains(engine, "mysql") || strings.Contains(engine, "mariadb") || engine == "aurora"
}

// classified decides data.classified: every store it touches was looked into.
func (j *jury) classified(p *party) finding.Criterion {
	c := finding.Criterion{ID: "data.classified"}
	if p.nothing(&c) {
		return c
	}
	claim := finding.Claim{Claim: "stores looked into", Of: len(p.places), Source: "data scan, kept in the state"}
	var unsure, pass []string
	for _, id := range p.places {
		why := j.w.unclassified(id)
		if why == "" {
			claim.Examined++
			pass = append(pass, id+": "+j.w.saying(id))
			continue
		}
		unsure = append(unsure, id+": "+why)
		if c.Hint == "" {
			c.Hint = j.scanHint(id)
		}
	}
	for _, id := range p.unread {
		unsure = append(unsure, id+" was not read")
	}
	c.Evidence = []finding.Claim{claim}
	verdictOf(&c, nil, unsure, sentences(pass))
	return c
}

// unclassified says why what lies in a place is not known; "" where it is.
func (w *World) unclassified(id string) string {
	container, path := part(id)
	cov := w.coverage(container, path)
	switch {
	case cov.summary == nil && cov.partly:
		return "a part of it was looked into only"
	case cov.summary == nil && len(w.own[id])+len(w.own[container]) > 0:
		return "it is labelled, and nobody has looked into it"
	case cov.summary == nil:
		return "nobody has looked into it"
	case len(cov.unseen) > 0:
		return "not looked into: " + strings.Join(cov.unseen[:min(5, len(cov.unseen))], ", ")
	case cov.summary.Objects == 0:
		return "it was empty when it was looked into"
	case cov.summary.Undecided > 0:
		why := ""
		if len(cov.summary.Reasons) > 0 {
			why = ": " + cov.summary.Reasons[0].Why
		}
		return fmt.Sprintf("%d of %d objects could not be examined to the end%s", cov.summary.Undecided, cov.summary.Examined, why)
	case slices.ContainsFunc(cov.summary.Missing, tellsOfPeople):
		return "not looked for: " + strings.Join(cov.summary.Missing, ", ")
	case w.snap.Taken().Sub(cov.summary.Taken) > surveyCounts:
		return fmt.Sprintf("it was looked into on %s, more than %.0f days ago", cov.summary.Taken.Format("2006-01-02"), surveyCounts.Hours()/24)
	}
	if worst := cov.summary.worst(); worst > promised {
		return fmt.Sprintf("the sample excludes no less than %s in each stratum, %s are asked: give it a larger --budget", Percent(worst), Percent(promised))
	}
	return ""
}

// What a survey must hold to count: how old it may be, and which prevalence finding
// nothing must exclude in each stratum.
const (
	surveyCounts = 90 * 24 * time.Hour
	promised     = .01
)

// worst is the highest bound of its strata.
func (s *Summary) worst() (worst float64) {
	for _, t := range s.Strata {
		worst = max(worst, t.Bound)
	}
	return worst
}

// saying is what a survey says of a place, in a few words.
func (w *World) saying(id string) string {
	container, path := part(id)
	s := w.coverage(container, path).summary
	var labels []string
	low := 1.0
	for _, l := range w.LabelsOf(id) {
		labels = append(labels, l.Label)
		low = min(low, l.Confidence)
	}
	text := "nothing found"
	if len(labels) > 0 {
		slices.Sort(labels)
		text = fmt.Sprintf("%s, confidence at least %.0f%%", strings.Join(slices.Compact(labels), ", "), 100*low)
	}
	if s.Whole {
		return text + fmt.Sprintf(" in all of %d objects on %s", s.Objects, s.Taken.Format("2006-01-02"))
	}
	return text + fmt.Sprintf("; of what was not found less than %s in each stratum at 95%%, on %s", Percent(s.worst()), s.Taken.Format("2006-01-02"))
}

// controls decides data.controls: each store has what its labels demand, and each
// label a purpose.
func (j *jury) controls(p *party) finding.Criterion {
	c := finding.Criterion{ID: "data.controls"}
	if p.nothing(&c) {
		return c
	}
	claim := finding.Claim{Claim: "controls that labels demand of stores, decided", Source: "snapshot; sevenfold.yaml, data: controls"}
	var fails, unsure []string
	used := map[string]bool{}
	for _, id := range p.places {
		if why := j.w.unclassified(id); why != "" {
			unsure = append(unsure, id+": "+why)
			c.Hint = j.scanHint(id)
		}
		container, _ := part(id)
		n, ok := j.w.snap.Find(container)
		if !ok {
			continue
		}
		for _, label := range j.w.labelNames(id) {
			used[label] = true
			d, ok := j.w.scope.Data.DemandsOf(label)
			if !ok {
				unsure = append(unsure, "what "+label+" demands is not stated")
				continue
			}
			for _, control := range d.Controls {
				claim.Of++
				got, why := j.w.held(control, n)
				if control == scope.DataReaders {
					got, why = j.w.readBy(j.ctx, container, label)
				}
				switch got {
				case yes:
					claim.Examined++
				case no:
					claim.Examined++
					fails = append(fails, fmt.Sprintf("%s lacks %s, which %s demands: %s", container, control, label, why))
					c.Findings = append(c.Findings, j.find(Uncontrol, container, control, severityOf(label), []finding.Evidence{{What: control, Where: "store", Value: why}, {What: "demanded by", Where: "label", Value: label}}, nil))
				default:
					unsure = append(unsure, fmt.Sprintf("%s, which %s demands of %s: %s", control, label, container, why))
					if control == scope.DataReaders && c.Hint == "" {
						c.Hint = "sevenfold data readers; data: readers: - {label: " + label + ", principals: […]}"
					}
				}
			}
			if region := j.w.snap.Asset(n).Region; len(d.Regions) > 0 {
				claim.Of++
				switch {
				case region == "":
					unsure = append(unsure, "in which region "+container+" is was not read")
				case slices.Contains(d.Regions, region):
					claim.Examined++
				default:
					claim.Examined++
					fails = append(fails, fmt.Sprintf("%s is in %s, and %s may lie in %s only", container, region, label, strings.Join(d.Regions, ", ")))
					c.Findings = append(c.Findings, j.find(Uncontrol, container, "region", severityOf(label), []finding.Evidence{{What: "region", Where: "store", Value: region}, {What: "demanded by", Where: "label", Value: label}}, nil))
				}
			}
		}
	}
	more, open := j.grounds(p, used, &c)
	fails, unsure = append(fails, more...), append(unsure, open...)
	for _, id := range p.unread {
		unsure = append(unsure, id+" was not read")
	}
	c.Evidence = []finding.Claim{claim}
	if claim.Of == 0 && len(fails)+len(unsure) == 0 {
		claim = finding.Claim{Claim: "stores looked into, in which no label that demands anything was found", Examined: len(p.places), Of: len(p.places), Source: "data scan, kept in the state"}
		c.Evidence = []finding.Claim{claim}
	}
	verdictOf(&c, fails, unsure, fmt.Sprintf("each of %d stores has what its labels demand", len(p.places)))
	return c
}

// labelNames are the labels of a place, each once.
func (w *World) labelNames(id string) []string { return w.result.Labels(id) }

// personal are the labels that need a purpose.
var personal = []string{scope.LabelPII, scope.LabelPHI, scope.LabelPCI}

// grounds asks for the purpose of each personal label a workload uses.
func (j *jury) grounds(p *party, used map[string]bool, c *finding.Criterion) (fails, unsure []string) {
	for _, label := range personal {
		if !used[label] {
			continue
		}
		stated := false
		for _, q := range j.w.scope.Data.Purposes {
			if q.Label != label || len(q.Workloads) > 0 && !slices.Contains(q.Workloads, p.Name) {
				continue
			}
			stated = true
			now := j.w.snap.Taken()
			switch {
			case q.DPIA.Where == "" || q.DPIA.Approved.IsZero():
				unsure = append(unsure, fmt.Sprintf("no impact assessment is evidenced for %s (%s)", label, q.Place))
			case !q.DPIA.Expires.IsZero() && now.After(q.DPIA.Expires.AddDate(0, 0, 1)):
				fails = append(fails, fmt.Sprintf("the impact assessment for %s ended to count on %s", label, q.DPIA.Expires.Format("2006-01-02")))
				c.Findings = append(c.Findings, j.find(Groundless, p.root(), label, finding.Medium, []finding.Evidence{{What: "assessment expired", Where: q.Place.String(), Value: q.DPIA.Expires.Format("2006-01-02")}}, nil))
			}
			for _, x := range q.Processors {
				if x.Terms.Where == "" || !x.Terms.Expires.IsZero() && now.After(x.Terms.Expires.AddDate(0, 0, 1)) {
					unsure = append(unsure, fmt.Sprintf("no terms in date are evidenced for the processor %s (%s)", x.Name, q.Place))
				}
			}
		}
		if !stated {
			unsure = append(unsure, "no purpose and legal basis is stated for "+label)
			c.Findings = append(c.Findings, j.unsure(Groundless, p.root(), label, []finding.Evidence{{What: "purpose", Where: "sevenfold.yaml, data: purposes", Value: "none for " + label}}))
			if c.Hint == "" {
				c.Hint = "data: purposes: - {label: " + label + ", purpose: …, basis: …, dpia: {document: …, approved: …}}"
			}
		}
	}
	return fails, unsure
}

func (p *party) root() string {
	if len(p.Roots) > 0 {
		return p.Roots[0]
	}
	return p.Workload.ID
}

// flows decides data.flows: labelled data lies in approved systems only.
func (j *jury) flows(p *party) finding.Criterion {
	c := finding.Criterion{ID: "data.flows"}
	if p.nothing(&c) {
		return c
	}
	claim := finding.Claim{Claim: "systems of it whose labels were held against the policy", Of: len(p.systems), Source: "relations, events, sevenfold.yaml, data: approved"}
	var fails, unsure []string
	for _, id := range p.systems {
		a := j.w.asset(id)
		if a == nil {
			continue
		}
		claim.Examined++
		for _, label := range j.w.labelNames(id) {
			s, ok := j.w.stop(id, label, j.workloads)
			if !ok {
				continue
			}
			switch {
			case s.Approved == "yes":
			case s.Approved == "unknown":
				unsure = append(unsure, "no system is approved for "+label)
				c.Hint = "data: approved: - {label: " + label + ", systems: […]}; sevenfold data flows shows where it goes"
			case s.Tier == lineage.Possible.String():
				unsure = append(unsure, fmt.Sprintf("%s may reach %s, which is not approved", label, id))
			default:
				fails = append(fails, fmt.Sprintf("%s reaches %s, which is not approved: %s", label, id, pathText(s)))
				c.Findings = append(c.Findings, j.find(Strayed, id, label, severityOf(label), pathEvidence(s), nil))
			}
		}
	}
	for _, id := range j.upstream(p) {
		if why := j.w.unclassified(id); why != "" {
			unsure = append(unsure, "it has data of "+id+": "+why)
			if c.Hint == "" {
				c.Hint = j.scanHint(id)
			}
		}
		container, _ := part(id)
		if a := j.w.asset(container); a != nil {
			if seen, why := j.w.watched(a); !seen {
				unsure = append(unsure, "flows that nobody declared would not be seen: "+container+": "+why)
			}
		}
	}
	for _, id := range p.unread {
		unsure = append(unsure, id+" was not read")
	}
	open, note, more := j.beside(p)
	c.Evidence = append([]finding.Claim{claim}, more...)
	verdictOf(&c, fails, append(unsure, open...), fmt.Sprintf("labelled data lies in approved systems only, of %d", len(p.systems)))
	if note != "" {
		c.Reason += "; beside that " + note
	}
	return c
}

// upstream are the places whose data reaches a workload, its own among them.
func (j *jury) upstream(p *party) []string {
	out := slices.Clone(p.places)
	for _, s := range j.w.back().From(p.places...) {
		if a := j.w.asset(s); a != nil && holdsData(a) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func pathText(s Stop) string {
	parts := []string{}
	for i, h := range s.Path {
		if i == 0 {
			parts = append(parts, short(h.From))
		}
		parts = append(parts, short(h.To))
	}
	return strings.Join(parts, " -> ")
}

// short is the telling end of an id.
func short(id string) string {
	container, path := part(id)
	if path != "" {
		return short(container) + "/" + path
	}
	if i := strings.LastIndexAny(id, ":"); i >= 0 && i+1 < len(id) && strings.HasPrefix(id, "arn:") {
		return id[i+1:]
	}
	return id
}

func pathEvidence(s Stop) []finding.Evidence {
	out := []finding.Evidence{{What: "label", Where: s.System, Value: s.Label + ", " + s.Origin}}
	for i, h := range s.Path {
		out = append(out, finding.Evidence{What: fmt.Sprintf("hop %d, %s", i+1, h.Tier), Where: h.To, Value: "from " + h.From + " by " + h.Evidence})
	}
	return out
}

// severityOf is how bad it is when a label lies where it should not.
func severityOf(label string) finding.Severity {
	switch label {
	case scope.LabelPHI, scope.LabelPCI, scope.LabelCredentials, scope.LabelPII, scope.LabelConfidential:
		return finding.High
	}
	return finding.Medium
}

// tags gives the findings of tags that contradict what was found.
func (j *jury) tags() {
	for _, d := range j.w.drift {
		j.find(TagDrift, d.asset, d.key, finding.Medium, []finding.Evidence{{What: "tag " + d.key, Where: "tags", Value: d.value}, {What: "found by a scan", Where: "content", Value: strings.Join(d.found, ", ")}}, nil)
	}
}

// find gives a finding once and returns its id.
func (j *jury) find(rule, asset, key string, severity finding.Severity, evidence []finding.Evidence, commands []string) string {
	return j.give(rule, asset, key, finding.Fail, severity, evidence, commands)
}

// unsure gives a finding of what is not known.
func (j *jury) unsure(rule, asset, key string, evidence []finding.Evidence) string {
	return j.give(rule, asset, key, finding.Unknown, finding.Medium, evidence, nil)
}

func (j *jury) give(rule, asset, key string, status finding.Outcome, severity finding.Severity, evidence []finding.Evidence, commands []string) string {
	id := finding.NewID(rule, asset, key)
	if j.told[id] {
		return id
	}
	j.told[id] = true
	r := ruleOf(rule)
	j.findings = append(j.findings, finding.Finding{ID: id, Control: rule, Step: "data", Status: status, Severity: severity, Asset: asset, Title: r.Title, Evidence: evidence,
		Fix: finding.Fix{Text: r.Fix, Commands: commands, Effort: "hours", Grows: finding.GrowsData}, Frameworks: []string{}, Techniques: []string{}})
	return id
}
