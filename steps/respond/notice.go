package respond

import (
	"fmt"
	"strings"
	"time"
)

// part is one thing that a notice has to tell.
type part struct {
	label string
	// fill names what of the incident says it (see facts), or is the text itself behind "=";
	// empty, or where the incident does not say it: open, for people to write.
	fill, open string
}

// what most notices tell.
var (
	fromWhom   = part{"From", "company", "company"}
	reference  = part{"Reference", "reference", ""}
	happened   = part{"What happened", "happened", ""}
	system     = part{"AI system", "system", "system"}
	asset      = part{"Asset", "asset", "asset"}
	began      = part{"Began", "began", "not known"}
	knownSince = part{"Known since", "known", ""}
	contained  = part{"Contained", "contained", "not yet"}
	severity   = part{"Severity", "severity", ""}
	taken      = part{"Measures taken", "measures", "measures"}
	proposed   = part{"Measures proposed", "", "measures"}
	contact    = part{"Contact", "", "name, telephone, e-mail"}
	told       = part{"Told to other authorities", "told", "which, when"}
)

// protected are the elements of a notice of a breach of protected health information, in plain
// language and as far as possible: 45 CFR 164.404(c), to which 164.406(c) and 164.410(c) refer.
var protected = []part{
	{"What happened, in plain language", "happened", ""}, {"Date of the breach", "began", "if known"}, {"Date of its discovery", "known", ""},
	{"Types of protected health information involved", "", "such as full name, social security number, date of birth, home address, account number, diagnosis"},
	{"What individuals should do to protect themselves", "", "steps"},
	{"What is done to investigate", "", "what"}, {"What is done to mitigate harm", "measures", "what"}, {"What is done against further breaches", "", "what"},
	{"For questions", "", "toll-free telephone number, and e-mail address, web site or postal address"},
}

// major is what every submission on a major incident tells: Delegated Regulation (EU) 2025/301,
// Article 1.
func major(submission string) []part {
	return []part{
		{"Type of submission", "=" + submission, ""}, {"Financial entity", "company", "name"}, {"LEI code and type of the entity", "", "LEI; type by Article 2(1) of Regulation (EU) 2022/2554"},
		{"Submitted by", "", "name and identification code, where another submits it"}, {"Other entities covered", "", "names and LEI codes, where it is aggregated"},
		{"Contact", "", "names, telephone, e-mail of those who answer the authority"}, {"Parent undertaking", "", "where there is one"}, {"Currency of the amounts", "", "where there is monetary impact"},
	}
}

// contents are what the notice of a duty has to tell, by the article of its law that says so.
func contents(duty string) []part {
	all := func(lists ...[]part) (out []part) {
		for _, l := range lists {
			out = append(out, l...)
		}
		return out
	}
	head := []part{fromWhom, reference}
	where := []part{system, asset, began, knownSince, contained}
	switch duty {
	case "gdpr-authority": // Article 33(1), (3)
		return all(head, []part{{"Nature of the breach", "happened", ""}}, where, []part{
			{"People concerned", "", "categories and approximate number"}, {"Records concerned", "", "categories and approximate number"},
			{"Contact", "", "data protection officer or other contact: name and details"}, {"Likely consequences", "", "consequences"}, taken,
			{"Measures proposed, also to mitigate effects", "", "measures"}, {"Reasons for the delay", "", "only where it is told after the 72 hours"}})
	case "hipaa-individuals":
		return all([]part{fromWhom}, protected)
	case "hipaa-media":
		return all([]part{fromWhom, {"State or jurisdiction", "", "where more than 500 residents are concerned; their number"}}, protected)
	case "hipaa-secretary": // in the manner that HHS specifies: 164.408(b), (c)
		return all(head, []part{{"Individuals concerned", "", "number: 500 or more, at the same time as they are told"}}, protected)
	case "hipaa-associate": // 164.410(c)
		return all(head, []part{{"Individuals concerned", "", "identification of each, as far as possible"}}, protected)
	case "ai-act-incident", "ai-act-death", "ai-act-infrastructure": // Article 73 lists no contents; (5) lets the first report be incomplete
		return all([]part{{"Provider", "company", "provider"}, reference, {"High-risk AI system", "system", "name, version, registration"}, {"Member State where it occurred", "", "State"}}, []part{happened, asset, began, knownSince, contained,
			{"Serious incident by Article 3(49)", "", "which point, and the harm"}, {"Causal link with the system", "", "established, likely or suspected"}, taken, {"Corrective action", "", "action"}, {"Complete", "", "yes; or an initial report, the complete one follows (Article 73(5))"}, contact})
	case "nis2-early-warning": // Article 23(4)(a)
		return all(head, []part{happened}, where, []part{{"Suspected of being caused by unlawful or malicious acts", "", "yes or no"}, {"Could have a cross-border impact", "", "yes or no"}, contact})
	case "nis2-notification": // (b)
		return all(head, []part{{"What is new since the early warning", "happened", ""}}, where, []part{severity, {"Impact, first assessment", "", "impact"}, {"Indicators of compromise", "", "where available"}, taken, contact})
	case "nis2-final": // (d), (e)
		return all(head, []part{{"Detailed description", "happened", ""}}, where, []part{severity, {"Impact", "", "impact"}, {"Threat or root cause", "", "type of threat or root cause"}, {"Mitigation applied", "measures", "measures"}, {"Mitigation under way", "", "measures"},
			{"Cross-border impact", "", "where there is one"}, contact})
	case "dora-initial": // Article 2
		return all(major("initial notification"), []part{{"Incident reference code", "reference", ""}, {"Detected", "known", ""}, {"Classified as major", "classified", "time"}, {"Description", "happened", ""}, system, asset,
			{"Criteria of the classification", "", "by Articles 1 to 8 of Delegated Regulation (EU) 2024/1772"}, {"Member States impacted", "", "States"}, {"How it was discovered", "source", "how"}, {"Origin", "", "where available"},
			{"Business continuity plan activated", "", "yes or no"}, {"Reclassified from major to non-major", "reclassified", "where applicable"}, {"Other information", "", "where available"}})
	case "dora-intermediate": // Article 3
		return all(major("intermediate report"), []part{{"Reference code of the authority", "", "where applicable"}, {"Incident reference code", "reference", ""}, {"Occurred", "began", "date and time"}, {"Regular activities recovered", "recovered", "where applicable"},
			{"How the criteria are met", "", "by Articles 1 to 8 of Delegated Regulation (EU) 2024/1772"}, {"Type of incident", "scenario", "type"}, {"Threats and techniques", "", "where applicable"}, {"Functional areas and business processes", "", "affected"},
			{"Infrastructure components", "where", "affected"}, {"Impact on the financial interest of clients", "", "impact"}, told, {"Temporary measures taken", "measures", "measures"}, {"Measures planned", "", "measures"}, {"Indicators of compromise", "", "where applicable"}})
	case "dora-final": // Article 4
		return all(major("final report"), []part{{"Incident reference code", "reference", ""}, {"Root causes", "", "root causes"}, {"Resolved, and root causes addressed", "resolved", "dates and times"}, {"How it was resolved", "measures", "resolution"},
			{"For resolution authorities", "", "where applicable"}, {"Costs and losses, direct and indirect; recoveries", "", "amounts"}, {"Recurring incidents", "", "where applicable"}})
	}
	return all(head, []part{happened}, where, []part{severity, taken, proposed, contact})
}

// Draft is a notice of a duty: what its law asks to be told, filled with what the incident
// tells; what only people know is left open in brackets. It is a draft for those who answer
// for it, and no more. estate is the company's name for itself; empty: left open.
func (i *Incident) Draft(duty, estate string) (string, error) {
	for _, c := range i.Clocks {
		if c.Duty != duty {
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "DRAFT — %s\nTo: %s\nDue: %s\nSource of the duty: %s\n\n", c.What, c.To, c.Deadline.Format(time.RFC3339), c.Source)
		facts := i.facts(duty, estate)
		for _, p := range contents(duty) {
			value, literal := strings.CutPrefix(p.fill, "=")
			if !literal {
				value = facts[p.fill]
			}
			if value == "" {
				value = "[" + p.open + "]"
			}
			fmt.Fprintf(&b, "%s: %s\n", p.label, value)
		}
		return b.String(), nil
	}
	return "", fmt.Errorf("%s has no duty %q\nhint: the laws are named at triage (--law), or later (incident law); sevenfold respond incident show %s lists the clocks", i.ID, duty, i.ID)
}

// facts are what the incident says of itself, by the names that parts fill themselves with.
func (i *Incident) facts(duty, estate string) map[string]string {
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	law := lawOf(duty)
	facts := map[string]string{
		"company": estate, "reference": i.ID, "happened": fmt.Sprintf("%s (%s, severity %s)", oneText(i.Title), i.Scenario, i.Triage.Severity), "scenario": i.Scenario, "severity": i.Triage.Severity,
		"system": i.Workload, "asset": i.Asset, "where": i.Asset, "source": oneText(i.Source), "began": stamp(i.Began), "known": stamp(i.known()), "classified": stamp(i.applies(law)),
		"contained": stamp(i.At[Contained]), "measures": i.measures(), "recovered": stamp(i.At[Returned]), "resolved": stamp(i.At[Returned]), "told": i.others(law),
	}
	if i.ended[law] {
		facts["reclassified"] = "yes"
	}
	return facts
}

// lawOf is the short name of the law that a duty is of.
func lawOf(duty string) string {
	for _, d := range Duties() {
		if d.ID == duty {
			return d.Law
		}
	}
	return ""
}

// oneText is a text on one line, so that a title makes no line of a notice.
func oneText(s string) string { return strings.Join(strings.Fields(s), " ") }

// others are the notices that were sent because of other laws.
func (i *Incident) others(law string) string {
	var out []string
	for _, c := range i.Clocks {
		if sent := i.sent[c.Duty]; len(sent) > 0 && lawOf(c.Duty) != law {
			out = append(out, fmt.Sprintf("%s, %s (%s)", c.To, sent[0].UTC().Format(time.RFC3339), c.Duty))
		}
	}
	return strings.Join(out, "; ")
}

// measures are the states that were reached by doing something.
func (i *Incident) measures() string {
	var out []string
	for _, s := range []State{Preserved, Contained, Eradicated, Recovering, Verified, Returned} {
		if !i.At[s].IsZero() {
			out = append(out, string(s)+" "+i.At[s].Format(time.RFC3339))
		}
	}
	return strings.Join(out, ", ")
}
