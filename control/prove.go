package control

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// Prove runs a control on its own cases and returns what did not come out as
// the case says; a near miss may pass or not apply. Besides each case as given,
// it denies every operation the control reads in turn: the outcome must then be
// what it was or unknown, and unknown for at least one case, else the control
// does not need what it says it reads, or answers without having seen it.
func (c *Control) Prove(now time.Time) []error {
	var errs []error
	for _, g := range c.groups() {
		for _, k := range g.cases {
			a, err := c.Asset(k)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", c.ID, err))
				continue
			}
			if got := c.on(a, k, now, ""); !slices.Contains(g.want, got.Outcome) {
				errs = append(errs, fmt.Errorf("%s: case %s gives %s (%s), want %s", c.ID, k.File, got.Outcome, got.Why, g.want[0]))
			}
		}
	}
	if len(errs) > 0 {
		return errs
	}
	for _, op := range c.Reads {
		errs = append(errs, c.proveRead(op, now)...)
	}
	return errs
}

type group struct {
	cases []Case
	want  []finding.Outcome
}

func (c *Control) groups() []group {
	return []group{
		{c.Cases.Fail, []finding.Outcome{finding.Fail}},
		{c.Cases.Pass, []finding.Outcome{finding.Pass}},
		{c.Cases.Near, []finding.Outcome{finding.Pass, finding.NA}},
		{c.Cases.NA, []finding.Outcome{finding.NA}},
		{c.Cases.Unknown, []finding.Outcome{finding.Unknown}},
	}
}

// on judges the asset of a case. An operation that is denied is taken from what
// stands beside the asset too.
func (c *Control) on(a *estate.Asset, k Case, now time.Time, denied string) Result {
	s := expr.NewSubject(a, nil, nil, now)
	s.Owned = k.Owned
	if k.Behind != "" {
		s.Behind = func() []expr.Member {
			config, err := fs.ReadFile(c.folder, k.Behind)
			if err != nil {
				return nil
			}
			return []expr.Member{member(k.Class, config)}
		}
	}
	defer s.Release()
	return c.judge(s, nil, func(*Absence) []Ground { return c.grounds(k, denied) })
}

// grounds are the surroundings of a case.
func (c *Control) grounds(k Case, denied string) []Ground {
	if k.Idle {
		return nil
	}
	if len(c.Reads) > 0 && denied == c.Reads[0] {
		return []Ground{{Gap: estate.Read{Operation: denied, Status: estate.ReadDenied, Why: "AccessDenied", Grant: denied}}}
	}
	g := Ground{Region: "eu-west-1", Listed: !k.Unlisted}
	for _, beside := range k.Beside {
		a, err := c.asset(beside.File, c.absent.Type)
		if err == nil && denied != "" {
			err = deny(a, denied)
		}
		if err != nil {
			continue // the case comes out otherwise than it says
		}
		a.Region, a.Account = cmp.Or(beside.Region, a.Region), cmp.Or(beside.Account, a.Account)
		a.Referenced = beside.Named
		g.There = append(g.There, Candidate{Asset: a, Config: a.Config, OtherRegion: beside.Region != "", OtherAccount: beside.Account != ""})
	}
	return []Ground{g}
}

// proveRead denies one operation to every case.
func (c *Control) proveRead(op string, now time.Time) []error {
	var errs []error
	unknown := false
	for _, g := range c.groups() {
		for _, k := range g.cases {
			a, err := c.Asset(k)
			if err != nil {
				return []error{err}
			}
			before := c.on(a, k, now, "")
			if err := deny(a, op); err != nil {
				return []error{fmt.Errorf("%s: case %s: %w", c.ID, k.File, err)}
			}
			after := c.on(a, k, now, op)
			unknown = unknown || after.Outcome == finding.Unknown
			if after.Outcome != before.Outcome && after.Outcome != finding.Unknown {
				errs = append(errs, fmt.Errorf("%s: case %s gives %s, but %s without %s; it must be unknown", c.ID, k.File, before.Outcome, after.Outcome, op))
			}
			if after.Outcome == finding.Unknown && len(g.want) > 0 && g.want[0] != finding.Unknown &&
				!slices.ContainsFunc(after.Missing, func(r estate.Read) bool { return r.Operation == op && r.Grant != "" }) {
				errs = append(errs, fmt.Errorf("%s: case %s without %s is unknown, but does not name it (%s)", c.ID, k.File, op, after.Why))
			}
		}
	}
	if !unknown {
		errs = append(errs, fmt.Errorf("%s: no case becomes unknown without %s; the control does not need it", c.ID, op))
	}
	return errs
}

// deny takes an operation and what it gave from an asset.
func deny(a *estate.Asset, op string) error {
	var config map[string]json.RawMessage
	if err := json.Unmarshal(a.Config, &config); err != nil {
		return err
	}
	for i, r := range a.Reads {
		if r.Operation != op {
			continue
		}
		a.Reads[i] = estate.Read{Operation: op, Key: r.Key, Status: estate.ReadDenied, Why: "AccessDenied", Grant: op}
		if r.Key == "" {
			// What is left of the root is what a list gave: nothing, here.
			for k := range config {
				if !expr.IsOperation(k) && k != "apiVersion" && k != "kind" {
					delete(config, k)
				}
			}
			continue
		}
		delete(config, r.Key)
	}
	var err error
	a.Config, err = json.Marshal(config)
	return err
}

// Asset makes the asset a case stands for: the file is its configuration, and
// its reads are the control's, absent where the file does not hold their reply.
func (c *Control) Asset(k Case) (*estate.Asset, error) {
	typ := k.Type
	if typ == "" {
		typ = c.Types[0]
	}
	a, err := c.asset(k.File, typ)
	if err != nil {
		return nil, err
	}
	for _, op := range k.Denied {
		if err := deny(a, op); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// asset makes an asset of a type from a case file.
func (c *Control) asset(file, typ string) (*estate.Asset, error) {
	data, err := fs.ReadFile(c.folder, file)
	if err != nil {
		return nil, err
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	a := &estate.Asset{
		ID: "case:" + c.ID + "/" + file, Type: typ, Name: strings.TrimSuffix(file, ".json"), Cloud: estate.AWS,
		Account: "111122223333", Region: "eu-west-1", Config: data, Source: "case", Tags: map[string]string{},
	}
	var object struct{ APIVersion, Kind string }
	if json.Unmarshal(data, &object) == nil && object.APIVersion != "" && object.Kind != "" {
		a.Type = object.APIVersion + "/" + object.Kind
	}
	if !strings.HasPrefix(a.Type, "AWS::") {
		a.Cloud = estate.Kubernetes
	}
	a.Reads = c.reads(config)
	return a, nil
}

// reads are the control's reads on a configuration.
func (c *Control) reads(config map[string]json.RawMessage) []estate.Read {
	var out []estate.Read
	source := c.Applies() + " " + c.Fails()
	root := false
	for _, op := range c.Reads {
		_, key, _ := strings.Cut(op, ":")
		read := estate.Read{Operation: op, Status: estate.ReadOK}
		if _, given := config[key]; given || strings.Contains(source, "."+key) || strings.Contains(source, ".?"+key) {
			if read.Key = key; !given {
				read.Status = estate.ReadAbsent
			}
		}
		root = root || read.Key == ""
		out = append(out, read)
	}
	if !root {
		out = append(out, estate.Read{Operation: "case:Root", Status: estate.ReadOK})
	}
	return out
}
