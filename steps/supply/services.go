package supply

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

// Fact is one thing said of a service, and whether what is seen agrees.
type Fact struct {
	Name string `json:"name"` // authentication, tls, region, rate, tokens, models, labels, …
	// Word: declared (the register says it), observed (it is seen and the register
	// says so too, or says nothing), contradicted, missing.
	Word     string `json:"word"`
	Declared string `json:"declared,omitempty"`
	Observed string `json:"observed,omitempty"`
	Where    string `json:"where,omitempty"`
}

// The words of facts.
const (
	FactDeclared     = "declared"
	FactObserved     = "observed"
	FactContradicted = "contradicted"
	FactMissing      = "missing"
)

// Used is one service that something calls.
type Used struct {
	Host   string `json:"host"`
	Vendor string `json:"vendor"`
	// Name in the register; "" if no entry is of it: shadow AI.
	Name   string   `json:"name"`
	By     []string `json:"by"` // places that call it
	Models []string `json:"models"`
	Facts  []Fact   `json:"facts"`
	// Problems say why it does not pass, Open what is not known.
	Problems []string `json:"problems"`
	Open     []string `json:"open"`

	rules map[string]string // rule -> text, of problems
	seen  []parts.Part
}

// Services are the external services that a set of bills, and hosts the estate names,
// call, each held against the register and against what the state knows of them by
// asking; k nil: that is left out.
func Services(s *scope.Scope, now time.Time, examined []*Examined, hosts map[string]string, sent Sent, k *Known) []Used {
	by := map[string]*Used{}
	use := func(host, vendor, place string) *Used {
		u := by[host]
		if u == nil {
			u = &Used{Host: host, Models: []string{}, Facts: []Fact{}, Problems: []string{}, Open: []string{}, rules: map[string]string{}}
			by[host] = u
		}
		u.Vendor = cmp.Or(u.Vendor, vendor)
		if !slices.Contains(u.By, place) {
			u.By = append(u.By, place)
		}
		return u
	}
	for _, e := range examined {
		if e.Bill == nil {
			continue
		}
		for _, p := range e.Bill.Parts {
			if p.Kind == parts.Service && p.Facts["alias"] == "" {
				u := use(p.Name, p.Facts["vendor"], e.Place)
				u.seen = append(u.seen, p)
			}
			if host := p.Facts["host"]; p.Kind == parts.Model && host != "" {
				u := use(host, p.Facts["vendor"], e.Place)
				if !slices.Contains(u.Models, p.Name) {
					u.Models = append(u.Models, p.Name)
				}
			}
		}
	}
	for host, place := range hosts {
		use(host, parts.VendorOf(host), place)
	}
	var out []Used
	for _, host := range slices.Sorted(maps.Keys(by)) {
		u := by[host]
		slices.Sort(u.By)
		slices.Sort(u.Models)
		u.judge(s, now, sent)
		if k != nil {
			for i := range k.Probes {
				if k.Probes[i].Host == host {
					u.probed(&k.Probes[i], s)
				}
			}
			u.printed(s, k)
		}
		for _, e := range examined {
			if e.Bill != nil {
				u.notices(e)
			}
		}
		out = append(out, *u)
	}
	return out
}

func (u *Used) bad(rule, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	u.Problems = append(u.Problems, text)
	u.rules[text] = rule
}

func (u *Used) open(format string, args ...any) {
	u.Open = append(u.Open, fmt.Sprintf(format, args...))
}

// notices are remarks of bills on this service: calls without TLS, a gateway that
// asks nobody.
func (u *Used) notices(e *Examined) {
	for _, n := range e.Bill.Notices {
		if elsewhere(n.Rule) == "services" && (n.Subject == u.Host || strings.HasPrefix(n.Rule, "gateway-") && u.byGateway(n.Subject)) {
			if n.Rule == "service-without-tls" {
				u.Facts = append(u.Facts, Fact{Name: "tls", Word: FactContradicted, Observed: "no", Where: where(n.Place)})
			}
			u.bad(Contradicted, "%s (%s)", n.Text, where(n.Place))
		}
	}
}

func (u *Used) byGateway(name string) bool {
	return slices.ContainsFunc(u.seen, func(p parts.Part) bool { return p.Facts["by"] == name })
}

// registered is the entry of the register that a host is of; nil: none.
func registered(s *scope.Scope, host string) *scope.Service {
	for i := range s.Services {
		if s.Services[i].Serves(host) {
			return &s.Services[i]
		}
	}
	return nil
}

// judge holds what is seen against the register.
func (u *Used) judge(s *scope.Scope, now time.Time, sent Sent) {
	r := registered(s, u.Host)
	if r == nil {
		u.bad(Shadow, "%s (%s) is called by %s and no register knows it", u.Host, cmp.Or(u.Vendor, "whose it is is not known"), joinSentences(u.By))
		u.observedOnly()
		return
	}
	u.Name, u.Vendor = r.Name, cmp.Or(r.Vendor, u.Vendor)
	u.review(r, now)
	u.fact("authentication", r.Authentication, u.seenFact("authentication"), func(d, o string) bool { return d == o })
	if r.Authentication == "none" {
		u.bad(Terms, "%s asks nobody who he is", r.Name)
	}
	tls := ""
	if r.TLS != nil {
		tls = strconv.FormatBool(*r.TLS)
		if !*r.TLS {
			u.bad(Terms, "%s is reached without TLS", r.Name)
		}
	}
	u.fact("tls", tls, u.seenFact("tls"), func(d, o string) bool { return d == o })
	u.fact("region", strings.Join(r.Regions, ", "), u.seenFact("region"), func(_, o string) bool { return slices.Contains(r.Regions, o) })
	u.fact("requests a minute", number(r.RequestsPerMinute), u.seenFact("rpm"), atMost)
	u.fact("tokens a minute", number(r.TokensPerMinute), u.seenFact("tpm"), atMost)
	u.fact("rotation", period(r.Rotation), "", nil)
	retention := ""
	if r.Terms.HasRetention {
		retention = cmp.Or(period(r.Terms.Retention), "none")
	}
	u.fact("retention", retention, "", nil)
	u.fact("subprocessors", strings.Join(r.Terms.Subprocessors, ", "), "", nil)
	u.fact("evidence", r.Terms.Evidence, "", nil)
	u.models(r)
	u.labels(r, &s.Data, sent)
}

// required are the facts that must be said before a service passes.
var required = map[string]bool{"authentication": true, "tls": true, "requests a minute": true, "retention": true}

func (u *Used) fact(name, declared, observed string, agrees func(d, o string) bool) {
	f := Fact{Name: name, Declared: declared, Observed: observed}
	switch {
	case declared == "" && observed == "":
		f.Word = FactMissing
		if required[name] {
			u.open("the register says no %s of %s", name, u.Name)
		}
	case declared == "":
		f.Word = FactObserved
	case observed == "":
		f.Word = FactDeclared
	case agrees != nil && !agrees(declared, observed):
		f.Word = FactContradicted
		u.bad(Contradicted, "%s: the register says %s %s, and what is seen says %s", u.Name, name, declared, observed)
	default:
		f.Word = FactObserved
	}
	if observed != "" {
		f.Where = u.placeOf()
	}
	u.Facts = append(u.Facts, f)
}

func (u *Used) observedOnly() {
	for _, name := range []string{"authentication", "region", "rpm", "tpm"} {
		if o := u.seenFact(name); o != "" {
			u.Facts = append(u.Facts, Fact{Name: name, Word: FactObserved, Observed: o, Where: u.placeOf()})
		}
	}
}

func (u *Used) seenFact(name string) string {
	for _, p := range u.seen {
		if v := p.Facts[name]; v != "" {
			return v
		}
	}
	return ""
}

func (u *Used) placeOf() string {
	if len(u.seen) == 0 {
		return ""
	}
	return where(u.seen[0].Places[0])
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func period(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// atMost agrees if the limit that is set is no higher than the one declared.
func atMost(declared, observed string) bool {
	d, err1 := strconv.Atoi(declared)
	o, err2 := strconv.Atoi(observed)
	return err1 == nil && err2 == nil && o <= d
}

// probed holds what a probe saw against the register.
func (u *Used) probed(p *Probe, s *scope.Scope) {
	at := "probe of " + p.Taken.Format(time.DateOnly)
	if p.TLS == "" {
		u.Facts = append(u.Facts, Fact{Name: "tls", Word: FactContradicted, Observed: "no", Where: at})
		u.bad(Contradicted, "%s answers without TLS (%s)", u.Host, at)
	} else {
		u.Facts = append(u.Facts, Fact{Name: "tls", Word: FactObserved, Observed: p.TLS, Where: at})
	}
	if p.Refuses != nil {
		word := FactObserved
		if !*p.Refuses {
			word = FactContradicted
			u.bad(Contradicted, "%s answers a request without a key (%s)", u.Host, at)
		}
		u.Facts = append(u.Facts, Fact{Name: "authentication", Word: word, Observed: map[bool]string{true: "refuses without a key", false: "answers without a key"}[*p.Refuses], Where: at})
	}
	for i := range s.Services {
		r := &s.Services[i]
		if !r.Serves(u.Host) || r.RequestsPerMinute == 0 || p.Asked <= r.RequestsPerMinute {
			continue
		}
		if p.Limited == 0 || p.Limited > r.RequestsPerMinute {
			u.Facts = append(u.Facts, Fact{Name: "requests a minute", Word: FactContradicted, Declared: number(r.RequestsPerMinute), Observed: fmt.Sprintf("%d answered", p.Asked), Where: at})
			u.bad(Contradicted, "%s answered more than the %d requests a minute that the register says (%s)", u.Host, r.RequestsPerMinute, at)
		} else {
			u.Facts = append(u.Facts, Fact{Name: "requests a minute", Word: FactObserved, Declared: number(r.RequestsPerMinute), Observed: number(p.Limited), Where: at})
		}
	}
}

func (u *Used) review(r *scope.Service, now time.Time) {
	t := r.Terms
	f := Fact{Name: "review", Word: FactDeclared}
	switch {
	case t.Reviewed.IsZero():
		f.Word = FactMissing
		u.open("nobody reviewed the terms of %s", r.Name)
	case t.Reviewed.After(now):
		u.bad(Lapsed, "the review of %s is dated in the future: %s", r.Name, t.Reviewed.Format(time.DateOnly))
	case t.Expires.IsZero():
		f.Word = FactMissing
		u.open("the review of %s of %s has no end", r.Name, t.Reviewed.Format(time.DateOnly))
	case !now.Before(t.Expires.AddDate(0, 0, 1)):
		f.Declared = "lapsed on " + t.Expires.Format(time.DateOnly)
		u.bad(Lapsed, "the review of %s lapsed on %s", r.Name, t.Expires.Format(time.DateOnly))
	default:
		f.Declared = t.Reviewed.Format(time.DateOnly) + " until " + t.Expires.Format(time.DateOnly)
	}
	u.Facts = append(u.Facts, f)
}

func (u *Used) models(r *scope.Service) {
	for _, m := range u.Models {
		if len(r.Models) > 0 && !slices.Contains(r.Models, m) {
			u.Facts = append(u.Facts, Fact{Name: "models", Word: FactContradicted, Declared: strings.Join(r.Models, ", "), Observed: m})
			u.bad(Contradicted, "%s is asked for model %s, which the register does not name", r.Name, m)
		}
	}
}

// labels decides label by label whether the terms allow it to be sent.
func (u *Used) labels(r *scope.Service, policy *scope.Data, touched Sent) {
	t := r.Terms
	sent := map[string]string{}
	for l, store := range touched.Labels {
		sent[scope.LabelOf(l)] = "what calls it touches " + store
	}
	for _, l := range r.Sends {
		sent[scope.LabelOf(l)] = "the register says that it is sent"
	}
	asked := false
	for _, l := range slices.Sorted(maps.Keys(sent)) {
		if !sensitive(l, policy) {
			continue
		}
		why := sent[l]
		if !slices.ContainsFunc(r.Labels, func(x string) bool { return scope.LabelOf(x) == l }) {
			u.bad(Terms, "%s may be sent to %s (%s), and its labels do not allow that", l, r.Name, why)
		}
		if l == scope.LabelPHI || strings.EqualFold(l, "HIPAA") {
			u.agreement(r, l, "business associate agreement (BAA)", t.BAA, why)
		} else {
			u.agreement(r, l, "data processing agreement (DPA)", t.DPA, why)
		}
		asked = true
		switch {
		case t.TrainsOnInputs == nil:
			u.open("the register does not say whether %s trains on what it is sent", r.Name)
		case *t.TrainsOnInputs:
			u.bad(Terms, "%s trains on what it is sent, and %s may be sent to it (%s)", r.Name, l, why)
		}
	}
	if !asked && t.TrainsOnInputs == nil {
		u.open("the register does not say whether %s trains on what it is sent", r.Name)
	}
	// What nobody looked into may be anything, unless the register says what is sent.
	if len(touched.Open) > 0 && len(r.Sends) == 0 {
		u.open("what may be sent to %s is not known: %s", r.Name, joinSentences(touched.Open))
	}
}

func (u *Used) agreement(r *scope.Service, label, name string, has *bool, why string) {
	switch {
	case has == nil:
		u.open("the register does not say whether there is a %s with %s, to which %s may be sent", name, r.Name, label)
	case !*has:
		u.bad(Terms, "%s may be sent to %s (%s) without a %s", label, r.Name, why, name)
	}
}

// sensitive reports whether no vendor gets what has a label without terms: those that
// are known to be, and those that the company's own policy names.
func sensitive(label string, policy *scope.Data) bool {
	switch strings.ToUpper(label) {
	case "SENSITIVE", "FINANCIAL", "GDPR", "HIPAA":
		return true
	}
	same := func(l string) bool { return scope.LabelOf(l) == label }
	return slices.Contains(scope.Labels(), label) ||
		slices.ContainsFunc(policy.Approved, func(a scope.Approval) bool { return same(a.Label) }) ||
		slices.ContainsFunc(policy.Retention, func(a scope.Retention) bool { return same(a.Label) }) ||
		slices.ContainsFunc(policy.Demands, func(a scope.Demand) bool { return same(a.Label) })
}

// services decides supply.services.
func (j *jury) services(ctx context.Context, w *workload) (finding.Criterion, error) {
	s := &said{c: finding.Criterion{ID: "supply.services"}}
	claim := finding.Claim{Claim: "external services held against the register", Source: "sevenfold.yaml, services"}
	var examined []*Examined
	looked := 0
	for i := range w.things {
		t := &w.things[i]
		if t.seen != nil && t.seen.Bill != nil {
			examined = append(examined, t.seen)
			looked++
		} else if t.kind == "image" || t.kind == "code" {
			s.open("which services %s calls is not known: nobody looked into it", t.place)
			s.hint(t)
		}
	}
	used, err := j.used(ctx, w, examined)
	if err != nil {
		return s.c, err
	}
	for i := range used {
		u := &used[i]
		claim.Of++
		if len(u.Open) == 0 {
			claim.Examined++
		}
		for _, text := range u.Problems {
			rule := u.rules[text]
			severity := ruleOf(rule).Severity
			id := j.find(rule, w.root(), u.Host+"\x00"+text, finding.Fail, severity, "", append([]finding.Evidence{{What: text, Where: "called by", Value: joinSentences(u.By)}}, factEvidence(u)...))
			if severity.AtLeast(j.scope.Gate.FailOn) {
				s.fail(id, "%s", text)
			} else {
				s.c.Findings = append(s.c.Findings, id)
			}
		}
		for _, o := range u.Open {
			s.open("%s", o)
		}
	}
	for _, id := range w.unread {
		s.open("%s was not read", id)
	}
	if len(used) == 0 && len(s.unsure) == 0 && looked > 0 {
		s.c.Status, s.c.Reason = finding.CriterionNA, "nothing that it is made of calls an AI service"
		s.c.Evidence = []finding.Claim{{Claim: "components in which calls of services were looked for", Examined: looked, Of: looked, Source: "sevenfold supply bom"}}
		return s.c, nil
	}
	if len(used) == 0 && len(s.unsure) == 0 {
		s.open("which services it calls is not known: no code of it was examined")
		s.c.Hint = "sevenfold supply bom FOLDER --of code:" + w.Name
	}
	return s.close(claim, fmt.Sprintf("%s reviewed and in date", count(claim.Of, "service"))), nil
}

// hostsOf are the services that the estate itself says a workload calls.
func (j *jury) hostsOf(w *workload) map[string]string {
	out := map[string]string{}
	for _, t := range w.hosts {
		if host, ok := strings.CutPrefix(t.asset.ID, hostID("")); ok {
			out[host] = w.Name + j.known.logged(host)
		}
	}
	for _, t := range w.things {
		if t.kind == "managed model" {
			region := t.asset.Region
			if parts := strings.Split(t.asset.ID, ":"); region == "" && len(parts) > 3 {
				region = parts[3]
			}
			host := "bedrock-runtime.amazonaws.com"
			if region != "" {
				host = "bedrock-runtime." + region + ".amazonaws.com"
			}
			out[host] = w.Name + j.known.logged(host)
		}
	}
	return out
}

func factEvidence(u *Used) []finding.Evidence {
	var out []finding.Evidence
	for _, f := range u.Facts {
		if f.Word == FactContradicted {
			out = append(out, finding.Evidence{What: f.Name + " " + f.Word, Where: f.Where, Value: "register: " + cmp.Or(f.Declared, "-") + "; seen: " + cmp.Or(f.Observed, "-")})
		}
	}
	return out
}
