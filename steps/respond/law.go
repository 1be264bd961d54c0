package respond

import (
	"fmt"
	"strings"
	"time"
)

// Duty is one thing that a law asks to be told, to whom, by when.
type Duty struct {
	// Law is its short name; ID names the duty.
	Law, ID string
	What    string
	To      string
	// Within is counted from From: Triaged, when the incident is known to be one, or
	// Detected; Months, of the calendar, come on top.
	Within time.Duration
	Months int
	From   State
	// Capped is the most that may pass from detection, if the incident was known to be one by
	// then; 0: no such bound.
	Capped time.Duration
	// After is the duty from whose fulfilment it is counted in place of From: when that was
	// told, else when it had to be.
	After string
	// Source is where it is written.
	Source string
}

const day = 24 * time.Hour

// Duties are those that this version knows. Whether one applies is for people to say at
// triage: nothing here is legal advice.
//
// # Sources
//
// Compared in November 2026 with the texts as reproduced, or told paragraph by
// paragraph, at https://gdprlearninghub.com/article-33-gdpr/ (GDPR),
// https://getpocketlaw.com/law/cfr_45/section-164-408-notification-to-the-secretary_69b7f2ade63f,
// https://brickergraydon.com/insights/resources/key/hipaa-regulations-notification-in-the-case-of-breach-timeliness-of-notification-164-404-b,
// https://brickergraydon.com/insights/resources/key/hipaa-regulations-notification-in-the-case-of-breach-notification-by-business-associates-164-410
// and 78 FR 5695 (HIPAA), https://confir.eu/eu-ai-act/article-73 and
// https://mmoww.net/ai/laws/eu-ai-act-article-73-serious-incident-reporting/ (AI Act),
// https://nis2-info.eu/article-23-reporting-obligations (NIS2),
// https://www.digitalacts.eu/dora-incident-classification-tool,
// https://securiti.ai/eu-regulation-2025-301/ and
// https://dokimos.eu/blog/dora-incident-reporting-deadlines.html (DORA); of the AI Act and
// DORA these are summaries. The text of 45 CFR 164.406 was not read, nor that of DORA's case of
// what is classified after 24 hours. That of an official journal was not at hand; one relief
// is not counted: DORA's for deadlines on weekends and holidays.
func Duties() []Duty {
	const market = "market surveillance authority"
	const hhs = "45 CFR 164.404(b): without unreasonable delay and in no case later than 60 calendar days after discovery"
	return []Duty{
		{Law: "gdpr", ID: "gdpr-authority", What: "personal data breach told to the supervisory authority, unless a risk to people is unlikely", To: "supervisory authority", Within: 72 * time.Hour, From: Triaged,
			Source: "Regulation (EU) 2016/679, Article 33(1): without undue delay and, where feasible, not later than 72 hours after having become aware of it; later with the reasons"},
		{Law: "hipaa", ID: "hipaa-individuals", What: "breach of unsecured protected health information told to the individuals", To: "individuals", Within: 60 * day, From: Detected, Source: hhs},
		{Law: "hipaa", ID: "hipaa-secretary", What: "the same, of 500 or more individuals, told to the Secretary at the same time; of fewer within 60 days of the year's end", To: "HHS", Within: 60 * day, From: Detected,
			Source: "45 CFR 164.408(b), (c): contemporaneously with the notice required by 164.404(a)"},
		{Law: "hipaa", ID: "hipaa-media", What: "the same, of more than 500 residents of a State or jurisdiction, told to its prominent media", To: "media", Within: 60 * day, From: Detected,
			Source: "45 CFR 164.406(b): in no case later than 60 calendar days after discovery"},
		{Law: "hipaa-associate", ID: "hipaa-associate", What: "by a business associate: breach told to the covered entity", To: "covered entity", Within: 60 * day, From: Detected,
			Source: "45 CFR 164.410(b): without unreasonable delay and in no case later than 60 calendar days after discovery"},
		{Law: "ai-act", ID: "ai-act-incident", What: "serious incident of a high-risk AI system told to the market surveillance authority", To: market, Within: 15 * day, From: Triaged,
			Source: "Regulation (EU) 2024/1689, Article 73(2): immediately after a causal link is established, or its reasonable likelihood, and not later than 15 days after becoming aware"},
		{Law: "ai-act-death", ID: "ai-act-death", What: "serious incident with the death of a person told to the market surveillance authority", To: market, Within: 10 * day, From: Triaged,
			Source: "Regulation (EU) 2024/1689, Article 73(4): immediately after a causal relationship is established or suspected, and not later than 10 days after becoming aware"},
		{Law: "ai-act-infrastructure", ID: "ai-act-infrastructure", What: "widespread infringement, or serious and irreversible disruption of critical infrastructure, told to the market surveillance authority", To: market, Within: 2 * day, From: Triaged,
			Source: "Regulation (EU) 2024/1689, Article 73(3) with Article 3(49)(b): immediately, and not later than two days after becoming aware"},
		{Law: "nis2", ID: "nis2-early-warning", What: "significant incident: early warning", To: "CSIRT or competent authority", Within: 24 * time.Hour, From: Triaged,
			Source: "Directive (EU) 2022/2555, Article 23(4)(a): without undue delay and in any event within 24 hours of becoming aware"},
		{Law: "nis2", ID: "nis2-notification", What: "significant incident: notification with a first assessment", To: "CSIRT or competent authority", Within: 72 * time.Hour, From: Triaged,
			Source: "Directive (EU) 2022/2555, Article 23(4)(b): without undue delay and in any event within 72 hours of becoming aware; trust service providers 24"},
		{Law: "nis2", ID: "nis2-final", What: "significant incident: final report, or while it goes on a progress report", To: "CSIRT or competent authority", Months: 1, From: Triaged, After: "nis2-notification",
			Source: "Directive (EU) 2022/2555, Article 23(4)(d), (e): not later than one month after the submission of the notification of point (b)"},
		{Law: "dora", ID: "dora-initial", What: "major ICT-related incident: initial notification", To: "competent authority", Within: 4 * time.Hour, From: Triaged, Capped: 24 * time.Hour,
			Source: "Regulation (EU) 2022/2554, Article 19(4)(a), with Delegated Regulation (EU) 2025/301, Article 5: within 4 hours of its classification as major and no later than 24 hours after becoming aware"},
		{Law: "dora", ID: "dora-intermediate", What: "major ICT-related incident: intermediate report", To: "competent authority", Within: 72 * time.Hour, From: Triaged, After: "dora-initial",
			Source: "Regulation (EU) 2022/2554, Article 19(4)(b), with Delegated Regulation (EU) 2025/301, Article 5: within 72 hours of the submission of the initial notification"},
		{Law: "dora", ID: "dora-final", What: "major ICT-related incident: final report", To: "competent authority", Months: 1, From: Triaged, After: "dora-intermediate",
			Source: "Regulation (EU) 2022/2554, Article 19(4)(c), with Delegated Regulation (EU) 2025/301, Article 5: no later than one month after the submission of the latest updated intermediate report"},
	}
}

// Regimes are the short names of the laws.
func Regimes() []string {
	var out []string
	for _, d := range Duties() {
		if len(out) == 0 || out[len(out)-1] != d.Law {
			out = append(out, d.Law)
		}
	}
	return out
}

// Regime are the duties of one law.
func Regime(law string) ([]Duty, error) {
	var out []Duty
	for _, d := range Duties() {
		if d.Law == law {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no law is called %q here\nhint: %s", law, strings.Join(Regimes(), ", "))
	}
	return out, nil
}

// Clock is a duty of one incident with its deadline.
type Clock struct {
	Duty     string        `json:"duty"`
	What     string        `json:"what"`
	To       string        `json:"to"`
	Deadline time.Time     `json:"deadline"`
	Left     time.Duration `json:"-"`
	// Status is running, due (a fifth of the time is left), over, or told.
	Status string `json:"status"`
	Source string `json:"source"`
}

// clocks are those that run since triage.
func (i *Incident) clocks(now time.Time) []Clock {
	if i.Triage == nil {
		return nil
	}
	var out []Clock
	for _, law := range i.Triage.Laws {
		duties, err := Regime(law)
		if err != nil {
			continue // a journal of a later version
		}
		for _, d := range duties {
			c := Clock{Duty: d.ID, What: d.What, To: d.To, Source: d.Source, Status: "running"}
			var from time.Time
			from, c.Deadline = i.period(&d, out)
			c.Left = c.Deadline.Sub(now)
			switch {
			case !i.told(d.ID).IsZero():
				c.Status = "told"
			case c.Left < 0:
				c.Status = "over"
			case c.Left < c.Deadline.Sub(from)/5:
				c.Status = "due"
			}
			out = append(out, c)
		}
	}
	return out
}

// period is from when a duty's time runs, and until when; before are the clocks of the
// duties before it.
func (i *Incident) period(d *Duty, before []Clock) (from, until time.Time) {
	if from = i.At[d.From]; from.IsZero() {
		from = i.At[Detected]
	}
	for _, c := range before {
		if c.Duty == d.After {
			if from = i.told(c.Duty); from.IsZero() {
				from = c.Deadline
			}
		}
	}
	until = later(from.Add(d.Within), d.Months)
	if last := i.At[Detected].Add(d.Capped); d.Capped > 0 && from.Before(last) && last.Before(until) {
		until = last
	}
	return from, until
}

// later is the same day of a later month, or its last where it has none such.
func later(t time.Time, months int) time.Time {
	out := t.AddDate(0, months, 0)
	if months > 0 && out.Day() != t.Day() { // it ran over into the month after
		out = out.AddDate(0, 0, -out.Day())
	}
	return out
}

// told is when a duty was said to be fulfilled; zero: it was not.
func (i *Incident) told(duty string) time.Time {
	for _, e := range i.Entries {
		if e.What == "notice" && e.Text == duty {
			return e.Time
		}
	}
	return time.Time{}
}

// Told writes down that a duty was fulfilled: that somebody sent the notice.
func (d Desk) Told(id, by, duty string) (*Incident, error) {
	return d.change(id, func(i *Incident) ([]change, error) {
		for _, c := range i.Clocks {
			if c.Duty == duty && by != "" {
				return []change{{eventNotice, by, duty}}, nil
			}
		}
		return nil, fmt.Errorf("%s has no duty %q, or nobody says that it was done\nhint: sevenfold respond incident show %s lists the clocks; --by NAME", id, duty, id)
	})
}

// Draft is a notice of a duty, with what the incident tells; what only people know is
// left open in brackets. It is a draft for those who answer for it, and no more.
func (i *Incident) Draft(duty, estate string) (string, error) {
	for _, c := range i.Clocks {
		if c.Duty != duty {
			continue
		}
		open := func(s, what string) string {
			if s == "" {
				return "[" + what + "]"
			}
			return s
		}
		when := func(s State) string {
			if i.At[s].IsZero() {
				return "[not yet]"
			}
			return i.At[s].Format(time.RFC3339)
		}
		began := "[not known]"
		if !i.Began.IsZero() {
			began = i.Began.Format(time.RFC3339)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "DRAFT — %s\nTo: %s\nDue: %s\nSource of the duty: %s\n\n", c.What, c.To, c.Deadline.Format(time.RFC3339), c.Source)
		fmt.Fprintf(&b, "From: %s\nReference: %s\nNature: %s (%s, severity %s)\n", open(estate, "company"), i.ID, i.Title, i.Scenario, i.Triage.Severity)
		fmt.Fprintf(&b, "AI system: %s\nAsset: %s\n", open(i.Workload, "system"), open(i.Asset, "asset"))
		fmt.Fprintf(&b, "Began: %s\nDetected: %s\nKnown to be an incident: %s\nContained: %s\n", began, when(Detected), when(Triaged), when(Contained))
		fmt.Fprintf(&b, "People and records concerned: [categories and number]\nLikely consequences: [consequences]\nMeasures taken: %s\nMeasures proposed: [measures]\nContact: [name, telephone]\n", open(i.measures(), "measures"))
		return b.String(), nil
	}
	return "", fmt.Errorf("%s has no duty %q\nhint: the laws are named at triage (--law); sevenfold respond incident show %s lists the clocks", i.ID, duty, i.ID)
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
