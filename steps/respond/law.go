package respond

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Duty is one thing that a law asks to be told, to whom, by when.
type Duty struct {
	// Law is its short name; ID names the duty.
	Law, ID string
	What    string
	To      string
	// Within is counted from From: Triaged, when it was said that the law applies, at triage
	// or later, or Detected, when somebody first knew of the incident; Months, of the
	// calendar, come on top.
	Within time.Duration
	Months int
	From   State
	// Capped is the most that may pass since somebody first knew of it, if the law was said to
	// apply by then; 0: no such bound.
	Capped time.Duration
	// After is the duty from whose fulfilment it is counted in place of From: when that was
	// told, else when it had to be. AfterLast: when it was told last, an update of it too.
	After     string
	AfterLast bool
	// Source is where it is written.
	Source string
}

const day = 24 * time.Hour

// Duties are those that this version knows. Whether one applies is for people to say, at
// triage or when it turns out: nothing here is legal advice.
//
// # Sources
//
// Compared in November 2026 with the texts of the articles as they are reproduced at
// https://gdprlearninghub.com/article-33-gdpr/ (GDPR);
// https://www.brickergraydon.com/insights/resources/key/ (HIPAA: "hipaa-regulations-notification-in-the-case-of-breach-"
// with timeliness-of-notification-164-404-b, content-of-notification-to-individuals-164-404-c,
// notification-to-the-media-164-406, notification-by-business-associates-164-410 and
// law-enforcement-delay-164-412) and
// https://getpocketlaw.com/law/cfr_45/section-164-408-notification-to-the-secretary_69b7f2ade63f;
// https://lexelerate.ai/article/article-73-reporting-of-serious-incidents/ (AI Act);
// https://nis2-info.eu/article-23-reporting-obligations (NIS2);
// https://www.springlex.eu/en/packages/dora/rts-ir-regulation/article-5,
// https://nomox.eu/nomox_en/2022r2554-dora/2025r0301-dora301/2025r0301_en.2 and
// https://www.digitalacts.eu/regulation/dora-rts-incident-reporting/article/3/specific-information-to-be-provided-in-intermediate-reports
// (DORA). The official journals themselves were not at hand.
//
// What would make a deadline later is not counted: DORA's relief for weekends and holidays
// (Article 5(4) to (6): noon of the next working day, not for everybody), an official's
// statement under 45 CFR 164.412. Since which day the AI Act's rules for high-risk systems
// bind a system is not looked at: the amendment of 2026 put it off for many.
func Duties() []Duty {
	const market = "market surveillance authority"
	const hhs = "without unreasonable delay and in no case later than 60 calendar days after discovery, the first day it was known or with reasonable diligence would have been (164.412: later where an official states that it would impede an investigation)"
	const dora = "Regulation (EU) 2022/2554, Article 19(4)"
	const dora5 = "with Delegated Regulation (EU) 2025/301, Article 5"
	const late = "; whoever cannot do that says so and why before the time is over (5(3))"
	return []Duty{
		{Law: "gdpr", ID: "gdpr-authority", What: "personal data breach told to the supervisory authority, unless a risk to people is unlikely", To: "supervisory authority", Within: 72 * time.Hour, From: Triaged,
			Source: "Regulation (EU) 2016/679, Article 33(1): without undue delay and, where feasible, not later than 72 hours after having become aware of it; later with the reasons"},
		{Law: "hipaa", ID: "hipaa-individuals", What: "breach of unsecured protected health information told to the individuals", To: "individuals", Within: 60 * day, From: Detected, Source: "45 CFR 164.404(b): " + hhs},
		{Law: "hipaa", ID: "hipaa-secretary", What: "the same, of 500 or more individuals, told to the Secretary at the same time; of fewer within 60 days of the year's end", To: "HHS", Within: 60 * day, From: Detected,
			Source: "45 CFR 164.408(b), (c): contemporaneously with the notice required by 164.404(a)"},
		{Law: "hipaa", ID: "hipaa-media", What: "the same, of more than 500 residents of a State or jurisdiction, told to prominent media outlets serving it, beside the individuals", To: "media outlets", Within: 60 * day, From: Detected,
			Source: "45 CFR 164.406(a), (b): " + hhs},
		{Law: "hipaa-associate", ID: "hipaa-associate", What: "by a business associate: breach told to the covered entity", To: "covered entity", Within: 60 * day, From: Detected,
			Source: "45 CFR 164.410(b): " + hhs},
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
			Source: dora + "(a), " + dora5 + "(1)(a), (2): as early as possible, within 4 hours of its classification as major and no later than 24 hours after becoming aware; where it was classified later than that, within 4 hours of the classification" + late},
		{Law: "dora", ID: "dora-intermediate", What: "major ICT-related incident: intermediate report, also where nothing has changed; updated without undue delay, and when regular activities are recovered", To: "competent authority", Within: 72 * time.Hour, From: Triaged, After: "dora-initial",
			Source: dora + "(b), " + dora5 + "(1)(b): within 72 hours of the submission of the initial notification" + late},
		{Law: "dora", ID: "dora-final", What: "major ICT-related incident: final report", To: "competent authority", Months: 1, From: Triaged, After: "dora-intermediate", AfterLast: true,
			Source: dora + "(c), " + dora5 + "(1)(c): no later than one month after the submission of the intermediate report or of its latest update" + late},
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
	// Status is running, due (a fifth of the time is left), over, told, or ended: it was said
	// since that the law does not apply.
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
			case len(i.sent[d.ID]) > 0:
				c.Status = "told"
			case i.ended[law]:
				c.Status = "ended"
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

// known is when somebody first knew of the incident: when it was opened, unless an earlier
// time was given.
func (i *Incident) known() time.Time {
	if at := i.At[Detected]; i.Known.IsZero() || i.Known.After(at) {
		return at
	}
	return i.Known
}

// period is from when a duty's time runs, and until when; before are the clocks of the
// duties before it.
func (i *Incident) period(d *Duty, before []Clock) (from, until time.Time) {
	from = i.known()
	if d.From == Triaged {
		from = i.applies(d.Law)
	}
	for _, c := range before {
		if c.Duty != d.After {
			continue
		}
		from = c.Deadline
		if sent := i.sent[c.Duty]; len(sent) > 0 {
			from = slices.MinFunc(sent, time.Time.Compare)
			if d.AfterLast {
				from = slices.MaxFunc(sent, time.Time.Compare)
			}
		}
	}
	until = later(from.Add(d.Within), d.Months)
	if last := i.known().Add(d.Capped); d.Capped > 0 && !from.After(last) && last.Before(until) {
		until = last
	}
	return from, until
}

// applies is since when a law is known to apply.
func (i *Incident) applies(law string) time.Time {
	if at, ok := i.named[law]; ok {
		return at
	}
	if at := i.At[Triaged]; !at.IsZero() {
		return at
	}
	return i.known()
}

// later is the same day of a later month, or its last where it has none such.
func later(t time.Time, months int) time.Time {
	out := t.AddDate(0, months, 0)
	if months > 0 && out.Day() != t.Day() { // it ran over into the month after
		out = out.AddDate(0, 0, -out.Day())
	}
	return out
}

// naming says that laws apply to an incident, or that they do not after all.
type naming struct {
	Laws []string `json:"laws"`
	// Since is when that became known; zero: when it was said.
	Since time.Time `json:"since,omitzero"`
	Ends  bool      `json:"ends,omitempty"`
	Note  string    `json:"note"`
}

// name takes it that laws apply since then, or no longer.
func (i *Incident) name(n *naming, at time.Time) {
	if i.named == nil {
		i.named, i.ended = map[string]time.Time{}, map[string]bool{}
	}
	if !n.Since.IsZero() {
		at = n.Since
	}
	for _, law := range n.Laws {
		if n.Ends {
			i.ended[law] = true
			continue
		}
		i.named[law] = at
		delete(i.ended, law)
		if i.Triage != nil && !slices.Contains(i.Triage.Laws, law) {
			i.Triage.Laws = append(i.Triage.Laws, law)
			slices.Sort(i.Triage.Laws)
		}
	}
}

// Name says, at triage's end or at any time after it, that laws apply: an incident that turns
// out to be major, personal data that are found to be concerned. Their clocks run since then,
// or since an earlier time at which that became known. With ends it says that they do not
// apply after all; what was told stays told. note is why.
func (d Desk) Name(id, by string, laws []string, since time.Time, ends bool, note string) (*Incident, error) {
	laws = slices.Compact(slices.Sorted(slices.Values(laws)))
	for _, law := range laws {
		if _, err := Regime(law); err != nil {
			return nil, err
		}
	}
	switch {
	case by == "":
		return nil, errNobody
	case len(laws) == 0:
		return nil, fmt.Errorf("which law is not said\nhint: --law %s", strings.Join(Regimes(), ", "))
	case strings.TrimSpace(note) == "":
		return nil, errors.New("why is not said\nhint: --note WHY")
	case ends && !since.IsZero():
		return nil, errors.New("since when a law does not apply is no matter: its clocks end now\nhint: leave --since out")
	}
	return d.change(id, func(i *Incident) ([]change, error) {
		if i.Triage == nil {
			return nil, &OrderError{i.ID, i.State, Triaged, "which laws apply is first said at triage", i.Next}
		}
		if err := i.between("a law applied", since, d.now()); err != nil {
			return nil, err
		}
		for _, law := range laws {
			runs := slices.Contains(i.Triage.Laws, law) && !i.ended[law]
			switch {
			case ends && !runs:
				return nil, fmt.Errorf("%s: no clock of %s runs", i.ID, law)
			case !ends && runs && (since.IsZero() || !since.Before(i.applies(law))):
				return nil, fmt.Errorf("%s: the clocks of %s run since %s\nhint: --since with an earlier time, if it was known before", i.ID, law, i.applies(law).Format(time.RFC3339))
			}
		}
		return []change{{eventLaws, by, naming{laws, since.UTC(), ends, note}}}, nil
	})
}

// between refuses a time that is to come, or before the incident was known; zero is none.
func (i *Incident) between(what string, at, now time.Time) error {
	switch {
	case at.IsZero():
		return nil
	case at.After(now.Add(time.Minute)):
		return fmt.Errorf("at %s: %s at a time that is to come\nhint: give the time with its zone, as in 2026-11-28T09:30:00Z", at.Format(time.RFC3339), what)
	case at.Before(i.known()):
		return fmt.Errorf("at %s: %s before anybody knew of %s (%s)\nhint: give the time with its zone, as in 2026-11-28T09:30:00Z", at.Format(time.RFC3339), what, i.ID, i.known().Format(time.RFC3339))
	}
	return nil
}

// notice is a duty that was fulfilled. Journals of before have its name alone.
type notice struct {
	Duty string    `json:"duty"`
	Sent time.Time `json:"sent,omitzero"` // zero: when it was written down
}

// tookNotice takes it that a notice was sent.
func (i *Incident) tookNotice(data json.RawMessage, at time.Time) (string, error) {
	var n notice
	if json.Unmarshal(data, &n.Duty) != nil {
		if err := json.Unmarshal(data, &n); err != nil {
			return "", err
		}
	}
	text := n.Duty
	if !n.Sent.IsZero() {
		at = n.Sent
		text += " at " + at.UTC().Format(time.RFC3339)
	}
	if i.sent == nil {
		i.sent = map[string][]time.Time{}
	}
	i.sent[n.Duty] = append(i.sent[n.Duty], at)
	return text, nil
}

// Told writes down that a duty was fulfilled: that somebody sent the notice, now or, where at
// is not zero, then. An updated report is told as the report was; what is counted from the
// latest is counted from it.
func (d Desk) Told(id, by, duty string, at time.Time) (*Incident, error) {
	return d.change(id, func(i *Incident) ([]change, error) {
		if err := i.between("the notice was sent", at, d.now()); err != nil {
			return nil, err
		}
		for _, c := range i.Clocks {
			if c.Duty == duty && by != "" {
				return []change{{eventNotice, by, notice{duty, at.UTC()}}}, nil
			}
		}
		return nil, fmt.Errorf("%s has no duty %q, or nobody says that it was done\nhint: sevenfold respond incident show %s lists the clocks; --by NAME", id, duty, id)
	})
}

// text is the naming as people read it.
func (n *naming) text() string {
	laws := strings.Join(n.Laws, ", ")
	switch {
	case n.Ends:
		return laws + " does not apply after all: " + n.Note
	case !n.Since.IsZero():
		return laws + " applies, known since " + n.Since.UTC().Format(time.RFC3339) + ": " + n.Note
	}
	return laws + " applies: " + n.Note
}
