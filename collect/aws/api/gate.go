package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits are the services whose own limits are known to be tight or wide; the
// rest take usual. The long-run rates stay below what AWS documents, since the
// account's own software shares them.
var limits = map[string]Limit{
	"iam":                      {PerSecond: 15, Burst: 40, Concurrent: 8},
	"organizations":            {PerSecond: 4, Burst: 10, Concurrent: 4},
	"account":                  {PerSecond: 4, Burst: 10, Concurrent: 4},
	"apigateway":               {PerSecond: 8, Burst: 30, Concurrent: 4},
	"cloudtrail":               {PerSecond: 8, Burst: 10, Concurrent: 4},
	"route53":                  {PerSecond: 4, Burst: 5, Concurrent: 4},
	"cloudfront":               {PerSecond: 8, Burst: 20, Concurrent: 4},
	"guardduty":                {PerSecond: 8, Burst: 20, Concurrent: 4},
	"sagemaker":                {PerSecond: 15, Burst: 40, Concurrent: 10},
	"ec2":                      {PerSecond: 20, Burst: 80, Concurrent: 16},
	"s3":                       {PerSecond: 200, Burst: 200, Concurrent: 32},
	"lambda":                   {PerSecond: 40, Burst: 80, Concurrent: 16},
	"resourcegroupstaggingapi": {PerSecond: 4, Burst: 15, Concurrent: 4},
}

var usual = Limit{PerSecond: 15, Burst: 40, Concurrent: 10}

// deadAfter failures to get any answer, with none ever got, end the attempts
// on a service in a region, and regionDeadAfter those on a region: one that
// never answers must not cost a time-out for each of its resources, nor for
// each of its services. A time-out counts as timeoutWeight failures, since it
// costs the whole of AttemptTimeout where a refused connection costs nothing.
const (
	deadAfter       = 4
	regionDeadAfter = 12
	timeoutWeight   = 2
)

// pulse says whether anything ever came back from somewhere.
type pulse struct {
	mu     sync.Mutex
	silent int  // attempts in a row without any answer, by weight
	alive  bool // an answer came once
}

func (p *pulse) answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alive, p.silent = true, 0
}

func (p *pulse) unanswered(weight int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent += weight
}

func (p *pulse) deadAfter(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.alive && p.silent >= n
}

// gate holds back the calls to one service in one region.
type gate struct {
	slots  chan struct{}
	bucket *rate.Limiter
	top    rate.Limit

	own    pulse
	region *pulse

	mu      sync.Mutex
	lowered time.Time
}

// gateFor gives the gate of a service and region. A local endpoint is an
// emulator: it has no account to protect, only the concurrency counts.
func (c *Client) gateFor(service string, to target) *gate {
	region, local := to.signRegion, to.local
	key := service + "|" + region
	if g, ok := c.gates.Load(key); ok {
		return g.(*gate)
	}
	l, ok := c.opt.Limits[service]
	if !ok {
		if l, ok = limits[service]; !ok {
			l = usual
		}
		if local {
			l.PerSecond, l.Burst = float64(rate.Inf), 1
		}
	}
	p, _ := c.pulses.LoadOrStore(region, &pulse{})
	g := &gate{region: p.(*pulse), slots: make(chan struct{}, max(1, l.Concurrent)), top: rate.Limit(l.PerSecond),
		bucket: rate.NewLimiter(rate.Limit(l.PerSecond), max(1, l.Burst))}
	actual, _ := c.gates.LoadOrStore(key, g)
	return actual.(*gate)
}

// enter waits for a slot and a token; leave must follow when it gives nil.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := g.bucket.Wait(ctx); err != nil {
		g.leave()
		return err
	}
	return nil
}

func (g *gate) leave() { <-g.slots }

// dead reports whether the other side has never answered and need not be
// asked again.
func (g *gate) dead() bool {
	return g.own.deadAfter(deadAfter) || g.region.deadAfter(regionDeadAfter)
}

func (g *gate) answered() {
	g.own.answered()
	g.region.answered()
}

// unanswered notes an attempt that got no answer.
func (g *gate) unanswered(e *Error) {
	weight := 1
	if errors.Is(e.wrapped, context.DeadlineExceeded) {
		weight = timeoutWeight
	}
	g.own.unanswered(weight)
	g.region.unanswered(weight)
}

// throttled halves the rate, at most once a second: the calls in flight are
// all refused together and say the same thing once.
func (g *gate) throttled(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.lowered) < time.Second {
		return
	}
	g.lowered = now
	l := g.bucket.Limit()
	if l == rate.Inf || l > 20 {
		l = 20
	}
	g.bucket.SetLimitAt(now, max(l/2, 0.5))
}

// recover raises a lowered rate by a twentieth for each success.
func (g *gate) recover() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.bucket.Limit(); l < g.top {
		g.bucket.SetLimit(min(g.top, l*1.05))
	}
}
