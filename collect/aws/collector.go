package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// Collector reads one source. It is made for one Collect.
type Collector struct {
	opts   Options
	groups []*group
	calls  *semaphore.Weighted

	ctx    context.Context
	cancel context.CancelCauseFunc
	began  time.Time
}

// unitsAtOnce is how many listings of one account go on at the same time, and
// itemsAtOnce how many items of one listing; the calls they make together are
// bounded by Options.Concurrency.
const (
	unitsAtOnce = 24
	itemsAtOnce = 8
)

// New checks the options. An error names the option and ends with a hint.
func New(o Options) (*Collector, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Collector{
		opts: o, groups: groups(o.Catalog, o.Services), calls: semaphore.NewWeighted(int64(o.Concurrency)),
	}, nil
}

// Collect reads everything and sends it to the sink as it comes. What could
// not be read is a blind spot, not an error; an error means that the source as
// a whole could not be read on (*CredentialsError, or the context's). When the
// context's deadline ends the reading, what was not read is a blind spot, and
// an error comes only if nothing was.
func (c *Collector) Collect(ctx context.Context, sink estate.Sink) error {
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	defer c.cancel(nil)
	c.began = c.opts.Clock()
	read := &counted{Sink: sink}
	sink = read
	roles := c.opts.Roles
	if len(roles) == 0 {
		roles = []string{""}
	}
	failed := 0
	var last error
	for _, role := range roles {
		if c.outOfTime() {
			c.accountUnread(role, sink)
			continue
		}
		entered, err := c.account(role, sink)
		if c.outOfTime() {
			if !entered {
				c.accountUnread(role, sink)
			}
			continue
		}
		if cause := context.Cause(c.ctx); cause != nil {
			return cause
		}
		if err != nil {
			failed, last = failed+1, err
			c.roleFailed(role, err, sink)
		}
	}
	if failed == len(roles) {
		return last
	}
	if c.outOfTime() && read.assets.Load() == 0 {
		return c.timeError()
	}
	return nil
}

// stop ends the run.
func (c *Collector) stop(err error) { c.cancel(err) }

// acquire waits for leave to make a call; release gives it back.
func (c *Collector) acquire(ctx context.Context) error { return c.calls.Acquire(ctx, 1) }
func (c *Collector) release()                          { c.calls.Release(1) }

// roleFailed says that an account could not be entered.
func (c *Collector) roleFailed(role string, err error, sink estate.Sink) {
	if role == "" {
		return // the error itself goes to the user
	}
	account := strings.Split(role+"::::::", ":")[4]
	sink.BlindSpot(estate.BlindSpot{
		Source: c.opts.Source, Account: account, Operation: "sts:AssumeRole", Types: c.allTypes(),
		Status: asFailure(err).status, Why: shorten(err.Error()),
		Hint: "let the caller assume " + role + " (its trust policy and the caller's sts:AssumeRole)",
	})
}

// account reads one account, if it can be entered.
func (c *Collector) account(role string, sink estate.Sink) (entered bool, err error) {
	s, err := c.enter(role, sink)
	if err != nil {
		return false, err
	}
	if idle, ok := s.client.(interface{ CloseIdle() }); ok {
		defer idle.CloseIdle()
	}
	regions := s.enabledRegions()
	s.units(regions)
	s.sweepTags(regions)
	if c.outOfTime() {
		s.sayUnread()
	}
	return true, nil
}

// enter takes the identity of a role and asks whose account it is.
func (c *Collector) enter(role string, sink estate.Sink) (*session, error) {
	connect := c.opts.Connect
	if connect == nil {
		connect = c.connect
	}
	client, home, err := connect(c.ctx, role)
	if err != nil {
		return nil, &CredentialsError{Source: c.opts.Source, Err: err}
	}
	s := &session{
		c: c, client: client, home: home, sink: sink,
		regions: map[string]*region{}, tables: map[string]*table{}, said: map[string]int{},
	}
	s.tags = newTagSweep(s)
	s.sink = s.tags
	who, err := s.call(c.ctx, api.Request{Service: "sts", Operation: "GetCallerIdentity", Region: home}, 1)
	if err != nil {
		f := asFailure(err)
		if f.cause == api.CauseUnreachable || f.cause == api.CauseNoEndpoint {
			return nil, fmt.Errorf("%s: nobody answers: %w\nhint: check the network, AWS_ENDPOINT_URL and the region %s", c.opts.Source, f, home)
		}
		return nil, &CredentialsError{Source: c.opts.Source, Err: f}
	}
	arn, _ := who["Arn"].(string)
	s.account, _ = who["Account"].(string)
	part := strings.SplitN(arn, ":", 3)
	if s.account == "" || len(part) < 3 {
		return nil, fmt.Errorf("%s: sts:GetCallerIdentity named no account", c.opts.Source)
	}
	s.partition = part[1]
	return s, nil
}

// units reads every group in every region, those that are global once. They
// start in the catalogue's order, what AI workloads are made of first.
func (s *session) units(regions []string) {
	var g errgroup.Group
	g.SetLimit(unitsAtOnce)
	for _, gr := range s.c.groups {
		for _, r := range regions {
			if !gr.global() {
				s.ledger.plan(gr, r)
			}
		}
		if gr.global() {
			s.ledger.plan(gr, s.home)
		}
	}
	for _, gr := range s.c.groups {
		if gr.global() {
			g.Go(func() error { s.unit(gr, s.home); return nil })
			continue
		}
		for _, r := range regions {
			g.Go(func() error { s.unit(gr, r); return nil })
		}
	}
	_ = g.Wait() // units report to the sink
}

// enabledRegions returns the regions to read, those that answer.
func (s *session) enabledRegions() []string {
	names := s.c.opts.Regions
	if len(names) == 0 {
		names = s.askRegions()
	}
	ok := make([]bool, len(names))
	var g errgroup.Group
	for i, name := range names {
		g.Go(func() error { ok[i] = s.probe(name); return nil })
	}
	_ = g.Wait()
	var out []string
	for i, name := range names {
		if ok[i] {
			out = append(out, name)
		}
	}
	return out
}

// askRegions asks which regions are enabled: the account service, or else EC2;
// if both refuse, the home region alone is read and the rest said unseen.
func (s *session) askRegions() []string {
	ask := []struct {
		req  api.Request
		list string
	}{
		{api.Request{Service: "account", Operation: "ListRegions", Region: s.home,
			Params: map[string]any{"RegionOptStatusContains": []any{"ENABLED", "ENABLED_BY_DEFAULT"}}}, "Regions"},
		{api.Request{Service: "ec2", Operation: "DescribeRegions", Region: s.home}, "Regions"},
	}
	var last *failure
	for _, a := range ask {
		body, err := s.call(s.c.ctx, a.req, 0)
		if err != nil {
			last = asFailure(err)
			continue
		}
		var names []string
		list, _ := body[a.list].([]any)
		for _, e := range list {
			if m, ok := e.(map[string]any); ok {
				if name, _ := m["RegionName"].(string); regionName.MatchString(name) {
					names = append(names, name)
				}
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			return names
		}
	}
	if s.c.outOfTime() {
		return []string{s.home} // said with what is not read of it
	}
	if last == nil {
		last = malformed("no region in the answer", nil)
	}
	s.sink.BlindSpot(estate.BlindSpot{
		Source: s.c.opts.Source, Account: s.account, Operation: "account:ListRegions", Types: s.c.regionalTypes(),
		Status: last.status, Why: "only " + s.home + " is read: " + last.why,
		Hint: "grant account:ListRegions or ec2:DescribeRegions, or name the regions with regions=",
	})
	return []string{s.home}
}

// probe asks a region for its VPCs. A region that is silent, disabled or
// denied by the organisation is given up with one blind spot; one that refuses
// only this call is read.
func (s *session) probe(name string) bool {
	r := s.region(name)
	ctx, cancel := context.WithTimeout(r.ctx, s.c.opts.Bounds.RegionDeadline)
	defer cancel()
	_, err := s.call(ctx, api.Request{Service: "ec2", Operation: "DescribeVpcs", Region: name,
		Params: map[string]any{"MaxResults": 5}}, 1)
	if err == nil || s.c.outOfTime() {
		return true
	}
	f := asFailure(err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		f = &failure{status: estate.ReadFailed, cause: api.CauseUnreachable, err: err,
			why: "no answer within " + s.c.opts.Bounds.RegionDeadline.String()}
		s.giveUp(r, f, f.why)
	case f.cause == api.CauseUnreachable:
		s.giveUp(r, f, f.why)
	case f.byServiceControl():
		s.giveUp(r, f, "a policy of the organisation denies it ("+f.why+")")
	}
	return r.ctx.Err() == nil
}

// allTypes lists every type in reach, regionalTypes those that have a region.
func (c *Collector) allTypes() []string { return c.types(func(*group) bool { return true }) }
func (c *Collector) regionalTypes() []string {
	return c.types(func(g *group) bool { return !g.global() })
}

func (c *Collector) types(keep func(*group) bool) []string {
	var out []string
	for _, g := range c.groups {
		if keep(g) {
			out = append(out, g.types()...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
