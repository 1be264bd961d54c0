package scope

import (
	"crypto/ed25519"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// file is sevenfold.yaml as people write it. Its doc tags are what an editor
// shows.
type file struct {
	Estate    string        `key:"estate" doc:"Name of the estate."`
	Sources   []strict.Text `key:"sources" doc:"What to read: aws:regions=eu-west-1, kubernetes:CONTEXT, dir:PATH, mlflow:https://HOST, findings:REPORTS."`
	Zones     zonesYAML     `key:"zones" doc:"Which assets are in which zone."`
	Workloads []declared    `key:"workloads" doc:"Workloads with their owner and purpose; they refine and merge what is discovered."`
	Access    accessYAML    `key:"access" doc:"What is asked of credentials."`
	Data      dataYAML      `key:"data" doc:"Where labelled data may be, and how long."`
	Network   networkYAML   `key:"network" doc:"What may open connections to what."`
	Services  []service     `key:"services" doc:"External services whose terms were reviewed."`
	Respond   respondYAML   `key:"respond" doc:"Who answers an incident, and what is practised."`
	Supply    supplyYAML    `key:"supply" doc:"What is asked of components."`
	Gate      gateYAML      `key:"gate" doc:"When a workload is held back."`
}

type zonesYAML struct {
	Training    *zone `key:"training" doc:"Where models are trained."`
	Serving     *zone `key:"serving" doc:"Where models answer."`
	Pipeline    *zone `key:"pipeline" doc:"Where data is prepared."`
	Management  *zone `key:"management" doc:"Where workloads are run from."`
	Development *zone `key:"development" doc:"Where people try things."`
	Production  *zone `key:"production" doc:"What customers rely on."`
}

type zone struct {
	strict.Place
	Match *strict.Text  `key:"match" doc:"CEL over an asset: id, type, name, account, region, cloud, kind, tags, config."`
	CIDRs []strict.Text `key:"cidrs" doc:"Address ranges: 10.8.0.0/16."`
}

type declared struct {
	strict.Place
	Name    strict.Text  `key:"name,required" doc:"Name of the workload."`
	Match   *strict.Text `key:"match" doc:"CEL over its assets; left out, the discovered workload of this name."`
	Owner   string       `key:"owner" doc:"Who answers for it."`
	Deputy  string       `key:"deputy" doc:"Who answers when the owner is away."`
	Owners  []string     `key:"owners" doc:"Further people who answer for it."`
	Purpose string       `key:"purpose" doc:"What it is for, in one line."`
	Zone    strict.Text  `key:"zone" enum:"training|serving|pipeline|management|development|production" doc:"Its zone, whatever the zones match."`
	Pilot   pilotYAML    `key:"pilot" doc:"What it may grow to without a certificate."`
	Limit   sizeYAML     `key:"limit" doc:"What it may grow to with one; no limit unless set."`
	Ignore  bool         `key:"ignore" doc:"What matches is no AI workload."`
}

type pilotYAML struct {
	Replicas  *int        `key:"replicas" doc:"Replicas or instances; 1 unless set."`
	Signature strict.Text `key:"signature" doc:"An approver's, where gate.approvers names any, as sevenfold gate waive pilot=N writes it."`
}

type sizeYAML struct {
	Replicas *int `key:"replicas" doc:"Replicas or instances."`
}

type gateYAML struct {
	FailOn          strict.Text   `key:"fail_on" enum:"critical|high|medium|low|info" doc:"Least severity that holds a workload back; high unless set."`
	FailOnSignature strict.Text   `key:"fail_on_signature" doc:"An approver's, where gate.approvers names any and fail_on is weaker than high."`
	Approvers       []strict.Text `key:"approvers" doc:"Keys that sign waivers, wider pilots and a weaker fail_on: ed25519:BASE64."`
	Waivers         []waiver      `key:"waivers" doc:"Criteria accepted as they are, by whom and until when."`
	Signers         []signerYAML  `key:"signers" doc:"Who may sign certificates keylessly (Sigstore), where no flag names anybody."`
}

type signerYAML struct {
	strict.Place
	Identity    strict.Text `key:"identity,required" doc:"Address or URI in the signing certificate."`
	Issuer      strict.Text `key:"issuer,required" doc:"URL of the identity provider that vouches for it."`
	TrustedRoot strict.Text `key:"trusted_root,required" doc:"trusted_root.json that signatures are held against; relative to this file's folder."`
	SHA256      strict.Text `key:"sha256" doc:"Digest the trusted root must have, in hex; needed where gate.approvers names any."`
	Signature   strict.Text `key:"signature" doc:"An approver's, where gate.approvers names any, as sevenfold gate waive signer=… writes it."`
}

type waiver struct {
	Criterion strict.Text `key:"criterion,required" doc:"STEP.NAME or STEP.*."`
	Workload  strict.Text `key:"workload,required" doc:"Name of the workload."`
	Reason    strict.Text `key:"reason,required" doc:"Why it is accepted."`
	Owner     strict.Text `key:"owner,required" doc:"Who accepts it."`
	Expires   strict.Text `key:"expires,required" doc:"Last day it counts: 2027-01-31."`
	Signature strict.Text `key:"signature" doc:"An approver's, as sevenfold gate waive --key writes it."`
}

//go:embed schema.json
var schemaJSON []byte

// Schema returns the JSON Schema of sevenfold.yaml, for editors.
func Schema() []byte { return slices.Clone(schemaJSON) }

// generateSchema makes the schema from the structs; a test holds schema.json
// to it.
func generateSchema() ([]byte, error) {
	s := strict.Schema(new(file), "https://github.com/sevenfold-sec/sevenfold/scope/schema.json", "sevenfold.yaml")
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

// Parse reads the text of a file; name is what messages call it. The error
// joins a *strict.Problem for each mistake.
func Parse(name string, data []byte) (*Scope, error) {
	y, err := strict.Parse(name, data)
	if err != nil {
		return nil, err
	}
	var f file
	if err := y.Decode(&f); err != nil {
		return nil, err
	}
	var c checker
	s := c.scope(&f)
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	sum := sha256.Sum256(append([]byte(name+"\x00"), data...)) // sentences name the file
	s.Digest = hex.EncodeToString(sum[:])
	return s, nil
}

// checker turns what was written into what it means.
type checker struct{ errs []error }

func (c *checker) bad(t strict.Text, hint, format string, args ...any) {
	p := t.Problemf(format, args...)
	p.Hint = hint
	c.errs = append(c.errs, p)
}

func (c *checker) scope(f *file) *Scope {
	s := Default()
	s.Estate = f.Estate
	for _, t := range f.Sources {
		if strings.TrimSpace(t.Value) == "" {
			c.bad(t, "", "a source is empty")
		}
		s.Sources = append(s.Sources, t.Value)
	}
	for i, z := range []*zone{f.Zones.Training, f.Zones.Serving, f.Zones.Pipeline, f.Zones.Management, f.Zones.Development, f.Zones.Production} {
		if z != nil {
			s.Zones = append(s.Zones, c.zone(zones[i], z))
		}
	}
	names := map[string]int{}
	for _, d := range f.Workloads {
		if line, twice := names[d.Name.Value]; twice {
			c.bad(d.Name, "", "workload %q is declared twice, first in line %d", d.Name.Value, line)
		}
		names[d.Name.Value] = d.Line
		s.Declared = append(s.Declared, c.workload(d))
	}
	c.data(&f.Data, &s.Data)
	c.services(f.Services, s)
	c.supply(&f.Supply, &s.Supply)
	c.access(&f.Access, &s.Access)
	c.network(&f.Network, &s.Network)
	c.respond(&f.Respond, &s.Respond)
	c.gate(&f.Gate, &s.Gate)
	s.hold()
	return s
}

func (c *checker) zone(name string, z *zone) Zone {
	out := Zone{Name: name, Place: z.Place}
	if z.Match == nil && len(z.CIDRs) == 0 {
		c.errs = append(c.errs, &strict.Problem{Place: z.Place, Message: fmt.Sprintf("zone %s says neither match nor cidrs", name)})
	}
	if z.Match != nil {
		out.Match = c.expression(*z.Match)
	}
	for _, t := range z.CIDRs {
		p, err := netip.ParsePrefix(t.Value)
		switch {
		case err != nil:
			c.bad(t, "write it as 10.8.0.0/16", "%q is not an address range", t.Value)
		case p != p.Masked():
			c.bad(t, "did you mean "+p.Masked().String()+"?", "%q names an address inside a range", t.Value)
		}
		out.CIDRs = append(out.CIDRs, p)
	}
	return out
}

// expression compiles a match and places its mistakes in the file.
func (c *checker) expression(t strict.Text) *expr.Expr {
	e, err := expr.Compile(t.Value)
	var at *expr.Error
	if errors.As(err, &at) {
		c.errs = append(c.errs, &strict.Problem{Place: t.At(at.Line, at.Column), Message: at.Message})
		return nil
	}
	if err != nil {
		c.errs = append(c.errs, err)
	}
	return e
}

func (c *checker) workload(d declared) Declared {
	out := Declared{
		Name: d.Name.Value, Owner: d.Owner, Deputy: d.Deputy, Owners: d.Owners, Purpose: d.Purpose, Zone: d.Zone.Value,
		Pilot: Pilot{Replicas: 1}, Ignore: d.Ignore, Place: d.Place,
	}
	if strings.TrimSpace(out.Name) == "" {
		c.bad(d.Name, "", "a workload's name is empty")
	}
	if d.Match != nil {
		out.Match = c.expression(*d.Match)
	}
	if r := d.Pilot.Replicas; r != nil {
		if *r < 0 {
			c.bad(d.Name, "", "workload %q has a pilot of %d replicas", out.Name, *r)
		}
		out.Pilot = Pilot{*r, d.Pilot.Signature.Value}
	}
	if r := d.Limit.Replicas; r != nil {
		if *r < 1 || *r < out.Pilot.Replicas {
			c.bad(d.Name, "leave limit out where there is none", "workload %q has a limit of %d replicas, and a pilot of %d", out.Name, *r, out.Pilot.Replicas)
		}
		out.Limit = *r
	}
	return out
}

// century bounds a period, so that none overflows.
const century = 100 * 366 * 24 * time.Hour

var (
	criterion = regexp.MustCompile(`^(audit|access|data|detect|supply|network|respond)\.([a-z]+|\*)$`)
	portText  = regexp.MustCompile(`^((tcp|udp|sctp)/)?[0-9]{1,5}(-[0-9]{1,5})?$`)
	periods   = map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
)

func (c *checker) gate(g *gateYAML, out *Gate) {
	out.FailOnSignature = g.FailOnSignature.Value
	if g.FailOn.Value != "" {
		out.FailOn = finding.Severity(g.FailOn.Value)
	}
	for _, t := range g.Approvers {
		b64, ok := strings.CutPrefix(t.Value, "ed25519:")
		raw, err := base64.StdEncoding.DecodeString(b64)
		if err != nil {
			raw, err = base64.RawURLEncoding.DecodeString(b64)
		}
		if !ok || err != nil || len(raw) != ed25519.PublicKeySize {
			c.bad(t, "write it as ed25519:BASE64 of the 32 bytes of the public key", "an approver's key cannot be read")
		}
		out.Approvers = append(out.Approvers, raw)
	}
	for _, w := range g.Waivers {
		if !criterion.MatchString(w.Criterion.Value) {
			c.bad(w.Criterion, "write it as network.egress or network.*", "%q is not a criterion", w.Criterion.Value)
		}
		c.day(w.Expires)
		for _, t := range []strict.Text{w.Reason, w.Owner, w.Workload} {
			if strings.TrimSpace(t.Value) == "" {
				c.bad(t, "", "a waiver needs a workload, a reason and an owner")
			}
		}
		out.Waivers = append(out.Waivers, finding.Waiver{Criterion: w.Criterion.Value, Workload: w.Workload.Value, Reason: w.Reason.Value, Owner: w.Owner.Value, Expires: w.Expires.Value, Signature: w.Signature.Value})
	}
	c.signers(g.Signers, out)
}

// digest is how a SHA-256 is written.
var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (c *checker) signers(list []signerYAML, out *Gate) {
	for _, y := range list {
		for _, t := range []strict.Text{y.Identity, y.Issuer, y.TrustedRoot} {
			if strings.TrimSpace(t.Value) == "" {
				c.bad(t, "", "a signer needs an identity, an issuer and a trusted root")
			}
		}
		if strings.ContainsFunc(y.Identity.Value, unfit) {
			c.bad(y.Identity, "write it as release@example.com, or the URI in the certificate", "%q is not an identity", y.Identity.Value)
		}
		if u, err := url.Parse(y.Issuer.Value); y.Issuer.Value != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsFunc(y.Issuer.Value, unfit)) {
			c.bad(y.Issuer, "write it as https://accounts.example.com", "%q is not an issuer's URL", y.Issuer.Value)
		}
		if y.SHA256.Place.Line > 0 && !digest.MatchString(y.SHA256.Value) {
			c.bad(y.SHA256, "write the 64 lower-case hex digits that sha256sum prints", "%q is not a SHA-256", y.SHA256.Value)
		}
		s := Signer{Identity: y.Identity.Value, Issuer: y.Issuer.Value, TrustedRoot: y.TrustedRoot.Value, SHA256: y.SHA256.Value, Signature: y.Signature.Value, Place: y.Place}
		if i := slices.IndexFunc(out.Signers, func(o Signer) bool {
			return o.Identity == s.Identity && o.Issuer == s.Issuer && o.TrustedRoot == s.TrustedRoot
		}); i >= 0 {
			c.bad(y.Identity, "", "the signer %q is named twice, first in line %d", s.Identity, out.Signers[i].Place.Line)
		}
		out.Signers = append(out.Signers, s)
	}
}

// unfit are the characters no identity and no URL has.
func unfit(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

func (c *checker) day(t strict.Text) time.Time {
	if t.Place.Line == 0 {
		return time.Time{} // not given
	}
	d, err := time.Parse(time.DateOnly, t.Value)
	if err != nil {
		c.bad(t, "write it as 2027-01-31", "%q is not a day", t.Value)
	}
	return d
}

// period reads "730d": days, weeks or hours.
func (c *checker) period(t strict.Text) time.Duration {
	if t.Place.Line == 0 {
		return 0
	}
	if n := len(t.Value); n > 1 {
		unit, ok := periods[t.Value[n-1]]
		if i, err := strconv.Atoi(t.Value[:n-1]); ok && err == nil && i >= 0 && time.Duration(i) <= century/unit {
			return time.Duration(i) * unit
		}
	}
	c.bad(t, "write it as 730d", "%q is not a period", t.Value)
	return 0
}
