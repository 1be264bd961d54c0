package scope

import (
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// Service is an external API or licensed endpoint in the register: what was agreed
// with its vendor, and by whom it was reviewed until when.
type Service struct {
	Name string
	// Endpoint is the host it is reached at; *.HOST for all below one.
	Endpoint string
	Vendor   string
	Owner    string
	// Authentication: key, oauth, iam, mtls or none; empty: not said.
	Authentication string
	// Rotation is how old its key may become; 0: not said.
	Rotation time.Duration
	// RequestsPerMinute and TokensPerMinute are the limits it is set to keep; 0: not said.
	RequestsPerMinute, TokensPerMinute int
	TLS                                *bool    // nil: not said
	Regions                            []string // where it may process what is sent
	Models                             []string // that may be asked of it; empty: any
	// Labels of data that may be sent; nil: not said, so none.
	Labels []string
	// Sends are labels of data that is known to be sent.
	Sends []string
	Terms Terms
	// Fingerprint is by what it is known again; nil: it is not asked.
	Fingerprint *Fingerprint
	Place       strict.Place
}

// Terms of an external service. Dates are zero where the file gives none.
type Terms struct {
	TrainsOnInputs *bool // nil: not said
	Retention      time.Duration
	// HasRetention says that the file says a retention, which may be none at all.
	HasRetention  bool
	Subprocessors []string
	DPA, BAA      *bool  // a data processing, a business associate agreement; nil: not said
	Evidence      string // where the terms are kept
	Reviewed      time.Time
	Expires       time.Time
}

// Supply says what is asked of components.
type Supply struct {
	// StaleAfter is how old vulnerability records may be; 0: StaleDays days.
	StaleAfter time.Duration
	// Denied are licences that no component may have, as SPDX spells them.
	Denied []string
	// ApprovedBy are the marks by which MLflow's registry approves a version of a model:
	// alias:NAME, stage:NAME, tag:KEY=VALUE; none: those of MLflow's documentation.
	ApprovedBy []string
}

// StaleDays are the days after which vulnerability records say nothing of today,
// unless set.
const StaleDays = 7

// MaxStaleDays bounds what may be set: whoever is held back must not make old
// records count.
const MaxStaleDays = 30

type service struct {
	strict.Place
	Name           strict.Text   `key:"name,required" doc:"Name of the service."`
	Endpoint       strict.Text   `key:"endpoint,required" doc:"Host it is reached at; *.HOST for all below one."`
	Vendor         string        `key:"vendor" doc:"Whose it is."`
	Owner          string        `key:"owner" doc:"Who answers for its use."`
	Authentication strict.Text   `key:"authentication" enum:"key|oauth|iam|mtls|none" doc:"How callers sign in."`
	Rotation       strict.Text   `key:"rotation" doc:"How old its key may become: 90d."`
	Limits         limitsYAML    `key:"limits" doc:"What it is set to keep callers to."`
	TLS            *bool         `key:"tls" doc:"Whether it is reached by TLS alone."`
	Regions        []string      `key:"regions" doc:"Where it may process what is sent."`
	Models         []string      `key:"models" doc:"Models that may be asked of it; left out, any."`
	Labels         []strict.Text `key:"labels" doc:"Labels of data that may be sent: PII, PHI, PCI. Left out, none."`
	Sends          []strict.Text `key:"sends" doc:"Labels of data that is known to be sent."`
	Terms          terms         `key:"terms" doc:"What was agreed about data."`

	Fingerprint *fingerprintYAML `key:"fingerprint" doc:"By what the service is known again, so that another model behind the same name is noticed."`
}

type limitsYAML struct {
	Requests *int `key:"requests_per_minute" doc:"Requests a minute and key."`
	Tokens   *int `key:"tokens_per_minute" doc:"Tokens a minute and key."`
}

type terms struct {
	TrainsOnInputs *bool       `key:"trains_on_inputs" doc:"Whether the provider trains on what is sent."`
	Retention      strict.Text `key:"retention" doc:"How long the provider keeps what is sent: 30d; 0d for not at all."`
	Subprocessors  []string    `key:"subprocessors" doc:"To whom it hands what is sent."`
	DPA            *bool       `key:"dpa" doc:"Whether a data processing agreement is signed."`
	BAA            *bool       `key:"baa" doc:"Whether a business associate agreement is signed."`
	Evidence       string      `key:"evidence" doc:"Where the terms are kept."`
	Reviewed       strict.Text `key:"reviewed" doc:"Day of the review: 2026-10-01."`
	Expires        strict.Text `key:"expires" doc:"Day the review ends to count: 2027-04-01."`
}

type supplyYAML struct {
	StaleAfter strict.Text `key:"stale_after" doc:"How old vulnerability records may be: 7d unless set."`
	Licences   struct {
		Deny []string `key:"deny" doc:"Licences that no component may have, as SPDX spells them: AGPL-3.0-only."`
	} `key:"licences" doc:"What is asked of licences."`
	ApprovedBy []strict.Text `key:"approved_by" doc:"Marks of MLflow's registry that approve a model's version: alias:champion, stage:Production, tag:validation_status=approved."`
}

func (c *checker) services(list []service, s *Scope) {
	names := map[string]int{}
	for _, v := range list {
		if line, twice := names[v.Name.Value]; twice {
			c.bad(v.Name, "", "service %q is registered twice, first in line %d", v.Name.Value, line)
		}
		names[v.Name.Value] = v.Line
		host := v.Endpoint.Value
		if strings.Contains(host, "://") || strings.Contains(host, "/") || strings.TrimSpace(host) == "" || strings.Contains(strings.TrimPrefix(host, "*."), "*") {
			c.bad(v.Endpoint, "write the host alone: api.openai.com, or *.openai.azure.com", "%q is no host", host)
		}
		out := Service{
			Name: v.Name.Value, Endpoint: strings.ToLower(host), Vendor: v.Vendor, Owner: v.Owner, Authentication: v.Authentication.Value, Rotation: c.period(v.Rotation),
			RequestsPerMinute: c.limit(v, v.Limits.Requests), TokensPerMinute: c.limit(v, v.Limits.Tokens), TLS: v.TLS, Regions: v.Regions, Models: v.Models, Place: v.Place,
			Terms: Terms{TrainsOnInputs: v.Terms.TrainsOnInputs, Retention: c.period(v.Terms.Retention), HasRetention: v.Terms.Retention.Place.Line > 0, Subprocessors: v.Terms.Subprocessors,
				DPA: v.Terms.DPA, BAA: v.Terms.BAA, Evidence: v.Terms.Evidence, Reviewed: c.day(v.Terms.Reviewed), Expires: c.day(v.Terms.Expires)},
		}
		for _, l := range v.Labels {
			out.Labels = append(out.Labels, l.Value)
		}
		for _, l := range v.Sends {
			out.Sends = append(out.Sends, l.Value)
		}
		if v.Labels != nil && out.Labels == nil {
			out.Labels = []string{}
		}
		if !out.Terms.Reviewed.IsZero() && !out.Terms.Expires.IsZero() && out.Terms.Expires.Before(out.Terms.Reviewed) {
			c.bad(v.Terms.Expires, "", "service %q: the review ends to count before it was made", out.Name)
		}
		out.Fingerprint = c.fingerprint(v.Fingerprint, v.Name, &out)
		s.Services = append(s.Services, out)
	}
}

func (c *checker) limit(v service, n *int) int {
	if n == nil {
		return 0
	}
	if *n < 1 {
		c.bad(v.Name, "leave it out where there is none", "service %q has a limit of %d", v.Name.Value, *n)
	}
	return *n
}

func (c *checker) supply(f *supplyYAML, s *Supply) {
	before := len(c.errs)
	s.StaleAfter = c.period(f.StaleAfter)
	if f.StaleAfter.Place.Line > 0 && s.StaleAfter == 0 && len(c.errs) == before {
		c.bad(f.StaleAfter, "write it as 7d", "%q leaves records no time at all", f.StaleAfter.Value)
	}
	if s.StaleAfter > MaxStaleDays*24*time.Hour {
		c.bad(f.StaleAfter, "write it as 7d", "records older than %d days say nothing of today", MaxStaleDays)
	}
	if s.StaleAfter == 0 {
		s.StaleAfter = StaleDays * 24 * time.Hour
	}
	s.Denied = f.Licences.Deny
	for _, m := range f.ApprovedBy {
		how, what, _ := strings.Cut(m.Value, ":")
		key, value, pair := strings.Cut(what, "=")
		if !slices.Contains([]string{"alias", "stage", "tag"}, how) || what == "" || how == "tag" && (!pair || key == "" || value == "") {
			c.bad(m, "write alias:NAME, stage:NAME or tag:KEY=VALUE", "%q is no mark of a registry", m.Value)
		}
		s.ApprovedBy = append(s.ApprovedBy, m.Value)
	}
}

// Serves reports whether a host is the one that a service is registered for.
func (s *Service) Serves(host string) bool {
	host = strings.ToLower(host)
	if name, _, ok := strings.Cut(host, ":"); ok && !strings.Contains(s.Endpoint, ":") {
		host = name
	}
	if below, ok := strings.CutPrefix(s.Endpoint, "*."); ok {
		return strings.HasSuffix(host, "."+below)
	}
	return host == s.Endpoint
}
