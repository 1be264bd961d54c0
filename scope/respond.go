package scope

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// Respond says who answers an incident, with which rights, and what is practised.
type Respond struct {
	// Responder is the principal by which containment is done: an ARN, or a subject of
	// a cluster. Empty: none is declared.
	Responder string
	People    []Person
	// Acknowledge and Contain are how long each may take before the next person is
	// called; zero: AcknowledgeWithin and ContainWithin.
	Acknowledge, Contain time.Duration
	// TwoPeople are patterns of actions that two people approve; nil: all that cannot
	// be taken back.
	TwoPeople []string
	// Automatic are the scenarios whose playbooks contain by themselves when detection tells
	// of one; empty: none does.
	Automatic []Automatic
	// AutomaticPerHour bounds such runs; zero: AutomaticPerHour.
	AutomaticPerHour int
	// Every is how old an exercise may become; zero: ExerciseEvery.
	Every time.Duration
	// Top is how many of a workload's scenarios count; zero: TopScenarios.
	Top  int
	Laws []string
	// Mail is where e-mail is handed in: smtp://HOST:PORT?from=ADDRESS, or env:NAME of a
	// variable that says it. Empty: none is sent.
	Mail string
	// Returns say what is verified before something returns to production.
	Returns []Return
}

// The periods that hold unless others are set.
const (
	AcknowledgeWithin = 15 * time.Minute
	ContainWithin     = time.Hour
	ExerciseEvery     = 180 * 24 * time.Hour
	TopScenarios      = 5
	ContactChecked    = 90 * 24 * time.Hour // how old a check of a contact may become
	AutomaticPerHour  = 3                   // runs that detection begins by itself
)

// Detection is the name in journals of what was done because of a detection alone.
const Detection = "detection"

// Automatic is a scenario whose playbook detection may start. Whether there is one of that
// name is for whoever has the scenarios to say, with the place.
type Automatic struct {
	Scenario string
	Place    strict.Place
}

// Person is somebody who can be called.
type Person struct {
	Name string
	// Roles in an incident: lead, owner, responder, legal, communication.
	Roles   []string
	Contact string // webhook:URL, slack:env:NAME, pagerduty:env:NAME, mailto:ADDRESS
	Place   strict.Place
}

// Return is what is verified of a workload before it returns to production.
type Return struct {
	Workload string
	// Quiet is how long no detection may have seen the scenario.
	Quiet time.Duration
	// Probes is a file of probes, beside sevenfold.yaml.
	Probes string
	Place  strict.Place
}

type respondYAML struct {
	Responder   strict.Text   `key:"responder" doc:"Principal by which containment is done: an ARN or a subject of a cluster, apart from the reader's."`
	People      []personYAML  `key:"people" doc:"Who can be called."`
	Acknowledge strict.Text   `key:"acknowledge" doc:"How long an incident may wait for somebody before the deputy is called: 15m unless set."`
	Contain     strict.Text   `key:"contain" doc:"How long containment may take before the lead is called: 1h unless set."`
	TwoPeople   []strict.Text `key:"two_people" doc:"Actions that two people approve, with *: aws.iam.*. Unless set, those that cannot be taken back."`
	Automatic   []strict.Text `key:"automatic" doc:"Scenarios whose playbook contains by itself when detection tells of one, while respond watch --detection runs. Unless set, none."`
	PerHour     *int          `key:"automatic_per_hour" doc:"How many playbooks may begin by themselves in an hour: 3 unless set."`
	Every       strict.Text   `key:"every" doc:"How old an exercise may become: 180d unless set."`
	Top         *int          `key:"top" doc:"How many of a workload's scenarios have to be ready: 5 unless set."`
	Laws        []strict.Text `key:"laws" doc:"Laws that bind the company: gdpr, hipaa, hipaa-associate, ai-act, nis2, dora."`
	Mail        strict.Text   `key:"mail" doc:"Where e-mail is handed in: smtp://HOST:PORT?from=ADDRESS, or env:NAME of a variable that says it."`
	Returns     []returnYAML  `key:"return" doc:"What is verified before something returns to production."`
}

type personYAML struct {
	strict.Place
	Name    strict.Text   `key:"name,required" doc:"Name, as owners and deputies are written."`
	Roles   []strict.Text `key:"roles" doc:"lead, owner, responder, legal, communication."`
	Contact strict.Text   `key:"contact,required" doc:"webhook:URL, slack:env:NAME, pagerduty:env:NAME or mailto:ADDRESS; what is secret lies in an environment variable."`
}

type returnYAML struct {
	strict.Place
	Workload strict.Text `key:"workload,required" doc:"Name of the workload."`
	Quiet    strict.Text `key:"quiet,required" doc:"How long no detection may have seen the scenario: 24h."`
	Probes   strict.Text `key:"probes" doc:"File of probes, beside this one: what is asked, and what a good model answers."`
}

func (c *checker) respond(y *respondYAML, out *Respond) {
	out.Responder = strings.TrimSpace(y.Responder.Value)
	for _, p := range y.People {
		person := Person{Name: p.Name.Value, Contact: p.Contact.Value, Place: p.Place}
		if strings.EqualFold(strings.TrimSpace(person.Name), Detection) {
			c.bad(p.Name, "another name", "nobody is called %q: it is the name by which journals tell what no person did", p.Name.Value)
		}
		for _, r := range p.Roles {
			switch r.Value {
			case "lead", "owner", "responder", "legal", "communication":
			default:
				c.bad(r, "roles are: lead, owner, responder, legal, communication", "%q is no role", r.Value)
			}
			person.Roles = append(person.Roles, r.Value)
		}
		kind, rest, _ := strings.Cut(p.Contact.Value, ":")
		switch {
		case kind == "webhook" && callable(rest):
		case (kind == "webhook" || kind == "slack" || kind == "pagerduty") && strings.HasPrefix(rest, "env:") && len(rest) > 4:
		case kind == "mailto" && strings.Contains(rest, "@"):
		default:
			c.bad(p.Contact, "webhook:https://…, webhook:env:NAME, slack:env:NAME, pagerduty:env:NAME or mailto:ADDRESS", "the contact of %s is none that can be called", p.Name.Value)
		}
		out.People = append(out.People, person)
	}
	if out.Mail = y.Mail.Value; out.Mail != "" && !strings.HasPrefix(out.Mail, "env:") {
		if u, err := url.Parse(out.Mail); err != nil || u.Scheme != "smtp" || u.Hostname() == "" || u.Query().Get("from") == "" || u.User != nil {
			c.bad(y.Mail, "mail: smtp://mail.acme.example:587?from=sevenfold@acme.example; with a password in it, mail: env:NAME", "respond.mail is no mail server")
		}
	}
	out.Acknowledge, out.Contain, out.Every = c.minutes(y.Acknowledge), c.minutes(y.Contain), c.period(y.Every)
	for _, t := range y.TwoPeople {
		if _, err := path.Match(t.Value, ""); err != nil {
			c.bad(t, "", "%q is no pattern", t.Value)
		}
		out.TwoPeople = append(out.TwoPeople, t.Value)
	}
	c.automatic(y, out)
	if y.Top != nil {
		if out.Top = *y.Top; out.Top < 1 {
			c.errs = append(c.errs, &strict.Problem{Place: y.Responder.Place, Message: "respond.top is at least 1"})
		}
	}
	for _, t := range y.Laws {
		switch t.Value {
		case "gdpr", "hipaa", "hipaa-associate", "ai-act", "nis2", "dora":
		default:
			c.bad(t, "laws are: gdpr, hipaa, hipaa-associate, ai-act, nis2, dora", "no law is called %q here", t.Value)
		}
		out.Laws = append(out.Laws, t.Value)
	}
	for _, r := range y.Returns {
		out.Returns = append(out.Returns, Return{Workload: r.Workload.Value, Quiet: c.minutes(r.Quiet), Probes: r.Probes.Value, Place: r.Place})
	}
}

// automatic takes what may act by itself.
func (c *checker) automatic(y *respondYAML, out *Respond) {
	for _, t := range y.Automatic {
		switch {
		case strings.TrimSpace(t.Value) == "" || strings.ContainsAny(t.Value, "*?[ "):
			c.bad(t, "automatic: [training-pipeline-poisoned]; sevenfold respond scenarios --all lists them", "%q is no name of a scenario: each that may act by itself is named", t.Value)
		case slices.ContainsFunc(out.Automatic, func(a Automatic) bool { return a.Scenario == t.Value }):
			c.bad(t, "", "%q is named twice", t.Value)
		}
		out.Automatic = append(out.Automatic, Automatic{t.Value, t.Place})
	}
	if y.PerHour != nil {
		if out.AutomaticPerHour = *y.PerHour; out.AutomaticPerHour < 1 || out.AutomaticPerHour > 100 {
			c.errs = append(c.errs, &strict.Problem{Place: y.Responder.Place, Message: "respond.automatic_per_hour is 1 to 100; for none leave respond.automatic out"})
		}
	}
}

// callable reports whether a message may be sent to an address: in the clear to this
// machine alone.
func callable(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" || u.Hostname() == "localhost")
}

// minutes is a period that may be written in minutes.
func (c *checker) minutes(t strict.Text) time.Duration {
	if d, err := time.ParseDuration(t.Value); err == nil && strings.HasSuffix(t.Value, "m") && d > 0 && d < century {
		return d
	}
	return c.period(t)
}

// Person finds somebody by name; nil if nobody is called so.
func (r *Respond) Person(name string) *Person {
	for i := range r.People {
		if r.People[i].Name == name {
			return &r.People[i]
		}
	}
	return nil
}

// Declared reports whether the file says anything of responding at all.
func (r *Respond) Declared() bool {
	return r.Responder != "" || len(r.People)+len(r.Returns)+len(r.Laws)+len(r.TwoPeople)+len(r.Automatic) > 0 || r.Every > 0 || r.Top > 0
}

// Approvals is how many people approve an action before it is done.
func (r *Respond) Approvals(action string, final bool) int {
	for _, p := range r.TwoPeople {
		if ok, err := path.Match(p, action); ok || err != nil {
			return 2
		}
	}
	if r.TwoPeople == nil && final {
		return 2
	}
	return 0
}
