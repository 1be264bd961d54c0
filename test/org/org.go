// Package org makes up organisations on AWS and what their principals do, day by day,
// as CloudTrail records: something ordinary to learn, since no public trail of ordinary
// work is large enough. What it makes depends on the seed alone.
//
// # Who is there
//
// Teams own services. Machines are roles that programs take on: training, serving,
// pipelines, functions, notebooks, deployment, backup, Terraform. People sign in to roles of
// their job (data scientist, ML engineer, developer, analyst, platform, security) as
// IAM Identity Center names them; some old IAM users are left. A job or a machine's
// purpose is a peer group: its members draw their habits from one profile, each its own
// part, and work on what their team owns.
//
// # What makes it hard
//
//   - seasons: people work on weekdays in their hours, analysts more at the month's
//     end, machines through the night, and retraining comes weekly in bursts;
//   - releases: each team ships every one or two weeks, and some of its machines then
//     do something new for good;
//   - joiners and leavers: a person about every four days, a machine about every five;
//   - benign novelty: people look at things they never looked at (a long tail of reading
//     calls), and about NoveltyADay times a day somebody does something rare that
//     changes or reveals something: the like of what attackers do, too, at the same
//     frequency as other rare work (rareWork);
//   - drift: one after another takes up new services, an office moves to another
//     network, whole groups get new duties;
//   - failures: denied calls by people who try, throttling of machines.
//
// # Scaling
//
// Scale multiplies the machines of the AI workloads (training, serving, pipelines) and
// their load from a day on, as an autoscaled production does: new roles of the old
// groups, more calls of each.
package org

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Config of an organisation.
type Config struct {
	Seed uint64
	// Principals at the beginning, about; 150 if 0.
	Principals int
	// Begin is the first day; 2026-01-05, a Monday, if zero.
	Begin time.Time
	// NoveltyADay is how often a day somebody does rare work for the first time;
	// a hundredth of the principals if 0.
	NoveltyADay float64
	// Shapes are the parameters that actions are really called with (ShapesOf), which half
	// of the calls then have, so that no attack is known by the mere spelling of its calls.
	Shapes map[string][]string
	// ScaleOn is the day, from 0, on which production is scaled by ScaleBy; 0: never.
	ScaleOn, ScaleBy int
}

// Principal is one who acts.
type Principal struct {
	Name    string // of the role or user
	Session string // of a person's role: the person
	Job     string // of the profile: its peer group
	Team    string
	Account string
	Person  bool
	User    bool // an IAM user

	agents    []string
	address   string // usual
	home      string // other address, of people
	id        string // AROA… or AIDA…
	core      []habit
	sometimes []habit
	adopted   []habit
	begins    int // hour of the day, UTC
	pace      float64
	since     int // day of joining
	until     int // day of leaving; 0: stays
	known     map[string]bool
}

// ARN of the role or user itself.
func (p *Principal) ARN() string {
	if p.User {
		return "arn:aws:iam::" + p.Account + ":user/" + p.Name
	}
	if p.Person {
		return "arn:aws:iam::" + p.Account + ":role/aws-reserved/sso.amazonaws.com/" + p.Name
	}
	return "arn:aws:iam::" + p.Account + ":role/" + p.Name
}

// habit is an action of a principal on things of its own.
type habit struct {
	action
	things []string
	chance float64 // that a day shows it
	times  float64 // how often on such a day
}

// Org is an organisation.
type Org struct {
	Accounts []string // 12 digits; Partners are of others that it works with
	Partners []string
	Region   string
	People   []*Principal

	cfg     Config
	rng     *rand.Rand
	day     int
	serial  uint64
	teams   []string
	things  map[string]map[string][]string // by kind and team
	tail    []action
	rare    []action
	novel   []action // services that come up
	offices []string
	scaled  bool
	names   int
}

const regionName = "eu-west-1"

// New returns an organisation on its first day.
func New(cfg Config) *Org {
	if cfg.Principals == 0 {
		cfg.Principals = 150
	}
	if cfg.Begin.IsZero() {
		cfg.Begin = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	}
	if cfg.NoveltyADay == 0 {
		cfg.NoveltyADay = float64(cfg.Principals) / 100
	}
	o := &Org{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0x5e7e4f01d)), Region: regionName, things: map[string]map[string][]string{}}
	for range 3 {
		o.Accounts = append(o.Accounts, o.digits(12))
	}
	for range 2 {
		o.Partners = append(o.Partners, o.digits(12))
	}
	for range 4 {
		o.offices = append(o.offices, fmt.Sprintf("%d.%d.%d", 80+o.rng.IntN(100), o.rng.IntN(250), o.rng.IntN(250)))
	}
	o.teams = append(o.teams, teamNames[:max(4, min(len(teamNames), cfg.Principals/18))]...)
	o.tail, o.rare, o.novel = parse(browsing), parse(rareWork), parse(newServices)
	for _, job := range jobs {
		n := max(1, int(job.share*float64(cfg.Principals)+0.5))
		for range n {
			o.join(job)
		}
	}
	return o
}

var teamNames = []string{"fraud", "search", "vision", "claims", "pricing", "speech", "churn", "routing", "credit", "ads"}

func (o *Org) digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + o.rng.IntN(10))
	}
	if b[0] == '0' {
		b[0] = '7'
	}
	return string(b)
}

func (o *Org) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[o.rng.IntN(16)]
	}
	return string(b)
}

func (o *Org) upper(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[o.rng.IntN(32)]
	}
	return string(b)
}

// join adds a principal of a job.
func (o *Org) join(job *job) *Principal {
	o.names++
	team := o.teams[o.rng.IntN(len(o.teams))]
	p := &Principal{Job: job.name, Team: team, Person: job.person && !job.user, User: job.user, since: o.day, known: map[string]bool{}, id: "AROA" + o.upper(17)}
	p.Account = o.Accounts[min(job.account, 2)]
	p.pace = 0.5 + o.rng.Float64()
	p.begins = 6 + o.rng.IntN(4)
	office := o.offices[o.rng.IntN(2)]
	switch {
	case job.person:
		p.Session = firstNames[o.rng.IntN(len(firstNames))] + "." + lastNames[o.rng.IntN(len(lastNames))] + fmt.Sprint(o.names)
		p.Name = "AWSReservedSSO_" + job.role + "_" + o.groupHex(job.role)
		p.address, p.home = fmt.Sprintf("%s.%d", office, 1+o.rng.IntN(40)), fmt.Sprintf("%d.%d.%d.%d", 90+o.rng.IntN(20), o.rng.IntN(30), o.rng.IntN(250), o.rng.IntN(250))
		p.agents = pick(o.rng, job.agents, 2)
		if job.user {
			p.Name, p.Session, p.id = p.Session, "", "AIDA"+o.upper(17)
		}
	default:
		p.Name = fmt.Sprintf("%s-%s-%d", team, job.role, o.names)
		p.Session = job.session
		if p.Session == "" {
			p.Session = p.Name
		}
		p.address = fmt.Sprintf("10.%d.%d.%d", o.rng.IntN(8), o.rng.IntN(250), o.rng.IntN(250))
		if job.from != "" {
			p.address = job.from
		} else if job.nat {
			p.address = fmt.Sprintf("52.%d.%d.%d", 16+o.rng.IntN(3), o.rng.IntN(250), o.rng.IntN(250))
		}
		p.agents = pick(o.rng, job.agents, 1)
	}
	for _, a := range parse(job.daily) {
		if o.rng.Float64() < 0.85 {
			p.core = append(p.core, o.habit(p, a, 0.6+0.4*o.rng.Float64(), 1+6*o.rng.ExpFloat64()))
		}
	}
	for _, a := range parse(job.occasional) {
		if o.rng.Float64() < 0.55 {
			p.sometimes = append(p.sometimes, o.habit(p, a, 0.03+0.25*o.rng.Float64(), 1+2*o.rng.Float64()))
		}
	}
	o.People = append(o.People, p)
	return p
}

func (o *Org) groupHex(role string) string {
	h := uint64(o.cfg.Seed) + 7
	for _, c := range role {
		h = h*1099511628211 + uint64(c)
	}
	return fmt.Sprintf("%016x", h)
}

func pick(rng *rand.Rand, from []string, n int) []string {
	out := slices.Clone(from)
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(n, len(out))]
}

// habit gives a principal an action on some things of its team, now and then of
// another's.
func (o *Org) habit(p *Principal, a action, chance, times float64) habit {
	h := habit{action: a, chance: chance, times: times}
	if a.kind == "" {
		return h
	}
	pool := o.pool(a.kind, p.Team)
	for range 1 + o.rng.IntN(3) {
		h.things = append(h.things, pool[o.rng.IntN(len(pool))])
	}
	if o.rng.Float64() < 0.15 {
		other := o.pool(a.kind, o.teams[o.rng.IntN(len(o.teams))])
		h.things = append(h.things, other[o.rng.IntN(len(other))])
	}
	return h
}

// pool are the things of a kind that a team owns.
func (o *Org) pool(kind, team string) []string {
	byTeam := o.things[kind]
	if byTeam == nil {
		byTeam = map[string][]string{}
		o.things[kind] = byTeam
	}
	if byTeam[team] == nil {
		for i := range 8 {
			byTeam[team] = append(byTeam[team], o.thing(kind, team, i))
		}
	}
	return byTeam[team]
}

// thing makes up the name of a thing.
func (o *Org) thing(kind, team string, i int) string {
	word := words[o.rng.IntN(len(words))]
	switch kind {
	case "bucket":
		return fmt.Sprintf("acme-%s-%s-%d", team, word, i)
	case "instance":
		return "i-0" + o.hex(16)
	case "volume", "snapshot", "image", "group":
		return map[string]string{"volume": "vol-0", "snapshot": "snap-0", "image": "ami-0", "group": "sg-0"}[kind] + o.hex(16)
	case "key":
		return fmt.Sprintf("arn:aws:kms:%s:%s:key/%s-%s-4%s-a%s-%s", o.Region, o.Accounts[0], o.hex(8), o.hex(4), o.hex(3), o.hex(3), o.hex(12))
	case "secret":
		return fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s/%s-%d", o.Region, o.Accounts[0], team, word, i)
	case "parameter":
		return fmt.Sprintf("/%s/%s/%d", team, word, i)
	case "model":
		return models[o.rng.IntN(len(models))]
	case "role":
		return fmt.Sprintf("arn:aws:iam::%s:role/%s-%s", o.Accounts[o.rng.IntN(3)], team, word)
	}
	return fmt.Sprintf("%s-%s-%s-%d", team, kind, word, i)
}

var (
	firstNames = strings.Fields("amara bruno chen dalia emil fatou goran hana ivo jun katya lior mira nadia omar petra quinn ravi sana tomas uma vera wanda xenia yara zoltan")
	lastNames  = strings.Fields("abel baran costa diaz ekholm farkas gupta haas ito jansen kovac lund meyer nowak okafor perez quist rossi silva tanaka urban varga weiss yilmaz zeman")
	words      = strings.Fields("raw features labels events batch online nightly archive export staging curated metrics invoices cards sessions embeddings")
	models     = strings.Fields("anthropic.claude-sonnet-4-20250514-v1:0 amazon.nova-pro-v1:0 amazon.titan-embed-text-v2:0 meta.llama3-70b-instruct-v1:0")
)
