package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// ErrNoID says that an item lacks what its id is made of.
var ErrNoID = errors.New("the item lacks what its id is made of")

// Draft is an asset being put together from replies. It is not safe for
// concurrent use.
type Draft struct {
	Resource *Resource
	Scope    Scope
	// Config is the configuration so far; replies of further calls stand under
	// their names.
	Config map[string]any

	source string
	reads  []estate.Read
}

// Start begins an asset with the item of a list reply (nil for a single
// setting). The list's own read is noted as ok.
func (r *Resource) Start(source string, scope Scope, item any) *Draft {
	return r.startFrom(source, scope, item, r.listOperation())
}

// startFrom begins an asset with an item of the operation's reply.
func (r *Resource) startFrom(source string, scope Scope, item any, op string) *Draft {
	d := &Draft{Resource: r, Scope: scope, Config: map[string]any{}, source: source}
	if r.List != nil {
		for _, path := range r.List.Drop {
			drop(item, path)
		}
	}
	d.take(item)
	if op != "" {
		d.reads = append(d.reads, estate.Read{Operation: op, Status: estate.ReadOK})
	}
	return d
}

// take merges an object into the root; a scalar item stands under As.
func (d *Draft) take(v any) {
	switch t := v.(type) {
	case map[string]any:
		maps.Copy(d.Config, t)
	case nil:
	default:
		if d.Resource.List != nil && d.Resource.List.As != "" {
			d.Config[d.Resource.List.As] = t
		}
	}
}

// listOperation names the operation the items come from.
func (r *Resource) listOperation() string {
	switch {
	case r.List != nil:
		return r.List.Operation()
	case r.From != "":
		return r.fromOperation()
	}
	return ""
}

// fromOperation is the operation of the parent's reply that From looks into:
// the call named by the path's first member, or else the parent's own.
func (r *Resource) fromOperation() string {
	head, _, _ := strings.Cut(strings.TrimSuffix(r.From, "[]"), ".")
	head, _, _ = strings.Cut(head, "[")
	for _, p := range r.service.Resources {
		if p.Type != r.Parent {
			continue
		}
		for _, c := range p.calls {
			if c.key == head {
				return c.Operation()
			}
		}
		if p.Describe != nil {
			return p.Describe.Operation()
		}
		return p.listOperation()
	}
	return ""
}

// Add puts a successful reply in its place: the root for the describe, the
// operation's name for others.
func (d *Draft) Add(c *Call, body any) error {
	for _, path := range c.Drop {
		drop(body, path)
	}
	if what := c.lacks(body); what != "" {
		err := fmt.Errorf("the reply lacks %s", what)
		d.Fail(c, estate.ReadMalformed, err.Error())
		return err
	}
	if c.key != "" {
		if m, ok := body.(map[string]any); ok {
			trimTokens(m)
		}
		d.Config[c.key] = body
		d.note(c, estate.ReadOK, "")
		return nil
	}
	root := Lookup(body, c.Unwrap)
	if root == nil && d.Resource.Single {
		d.note(c, estate.ReadAbsent, "") // a setting that was never made has no object
		return nil
	}
	obj, ok := root.(map[string]any)
	if !ok {
		err := fmt.Errorf("no object at %q in the reply", c.Unwrap)
		d.Fail(c, estate.ReadMalformed, err.Error())
		return err
	}
	maps.Copy(d.Config, obj)
	d.note(c, estate.ReadOK, "")
	return nil
}

// drop removes the member a dotted path leads to.
func drop(v any, path string) {
	head, rest, more := strings.Cut(path, ".")
	m, ok := v.(map[string]any)
	switch {
	case !ok:
	case more:
		drop(m[head], rest)
	default:
		delete(m, head)
	}
}

// Fail notes that a reply could not be had, or says that nothing is there.
func (d *Draft) Fail(c *Call, status estate.ReadStatus, why string) { d.note(c, status, why) }

// note adds one read.
func (d *Draft) note(c *Call, status estate.ReadStatus, why string) {
	r := estate.Read{Operation: c.Operation(), Key: c.key, Status: status, Why: why}
	if status == estate.ReadDenied {
		r.Grant = strings.Join(c.Grants(), ",")
	}
	d.reads = append(d.reads, r)
}

// AddRow joins the asset's row of the account's table, or says why there is
// none and which grants would mend it.
func (d *Draft) AddRow(row map[string]any, status estate.ReadStatus, why, grant string) {
	rows := d.Resource.Rows
	if row != nil {
		d.Config[rows.Op] = row
	}
	d.reads = append(d.reads, estate.Read{
		Operation: d.Resource.service.Service + ":" + rows.Op, Key: rows.Op, Status: status, Why: why, Grant: grant})
}

// ID returns the asset's id, or ErrNoID.
func (d *Draft) ID() (string, error) {
	id, ok := d.place().String(d.Config, d.Resource.ID)
	if !ok {
		return "", fmt.Errorf("%s: %s: %w", d.Resource.Type, d.Resource.ID, ErrNoID)
	}
	return id, nil
}

// place is the scope with the asset's own account and region.
func (d *Draft) place() Scope {
	s := d.Scope
	r := d.Resource
	if r.Account != "" {
		if v, ok := s.String(d.Config, r.Account); ok {
			s.Account = v
		}
	} else if owner := text(d.Config["OwnerId"]); r.service.Service == "ec2" && accountNumber.MatchString(owner) {
		s.Account = owner // a subnet or snapshot shared with us is its owner's
	}
	switch {
	case r.Region != "":
		v, ok := s.String(d.Config, r.Region)
		switch {
		case ok:
			s.Region = bucketRegion(v)
		case r.RegionDefault != "" && d.regionRead():
			s.Region = r.RegionDefault
		default:
			s.Region = ""
		}
	case r.IsGlobal():
		s.Region = ""
	}
	return s
}

// regionRead reports whether the reply that says the region was read.
func (d *Draft) regionRead() bool {
	head, _, ok := strings.Cut(d.Resource.Region, ".")
	return !ok || d.Config[head] != nil
}

// bucketRegion maps the location constraint of the first bucket region outside
// the United States to the region it means.
func bucketRegion(v string) string {
	if v == "EU" {
		return "eu-west-1"
	}
	return v
}

// Place returns the account and region the asset belongs to, as far as the
// replies read so far say.
func (d *Draft) Place() (account, region string) {
	s := d.place()
	return s.Account, s.Region
}

// Asset completes the draft. Operations declared for the type but never noted
// stand as skipped with the given reason.
func (d *Draft) Asset(unread string) (estate.Asset, error) {
	id, err := d.ID()
	if err != nil {
		return estate.Asset{}, err
	}
	scope := d.place()
	if a, ok := parseARN(id); ok && a.account == "aws" {
		scope.Account = ""
		for _, k := range d.Resource.Shared {
			delete(d.Config, k)
		}
	}
	d.declare(unread)
	config, err := json.Marshal(d.Config)
	if err != nil {
		return estate.Asset{}, fmt.Errorf("%s: %w", id, err)
	}
	r := d.Resource
	a := estate.Asset{
		ID: id, Type: r.Type, Cloud: estate.AWS, Account: scope.Account, Region: scope.Region,
		Config: config, Reads: d.reads, Source: d.source, Tags: d.tags(),
	}
	if name, ok := scope.String(d.Config, r.Name); ok && r.Name != "" {
		a.Name = name
	} else {
		a.Name = id[strings.LastIndexAny(id, "/:")+1:]
	}
	if r.Created != "" {
		a.Created, _ = parseTime(scope.lookupIn(d.Config, r.Created))
	}
	return a, nil
}

// declare adds the operations that were never noted.
func (d *Draft) declare(why string) {
	noted := make(map[string]bool, len(d.reads))
	for _, r := range d.reads {
		noted[r.Operation+" "+r.Key] = true
	}
	for _, r := range d.Resource.Declared() {
		if !noted[r.Operation+" "+r.Key] {
			r.Status, r.Why = estate.ReadSkipped, why
			d.reads = append(d.reads, r)
		}
	}
}
