package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// moreTime ends every message about the end of the time for reading.
const moreTime = "raise --within, or run again: what was read is kept"

// outOfTime reports whether the time given for reading is over.
func (c *Collector) outOfTime() bool {
	return errors.Is(context.Cause(c.ctx), context.DeadlineExceeded)
}

// spent is how long the run has taken.
func (c *Collector) spent() time.Duration {
	d := c.opts.Clock().Sub(c.began)
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

// timeError is the end of a run in which nothing was read in time.
func (c *Collector) timeError() error {
	return fmt.Errorf("%s: nothing was read: stopped after %s\nhint: check the network and AWS_ENDPOINT_URL, or %s", c.opts.Source, c.spent(), moreTime)
}

// counted is a sink that knows whether an asset came through it.
type counted struct {
	estate.Sink
	assets atomic.Int64
}

// Asset passes an asset on.
func (s *counted) Asset(a estate.Asset) {
	s.assets.Add(1)
	s.Sink.Asset(a)
}

// place is a service in a region.
type place struct{ service, region string }

// ledger keeps what of an account is still to be read and who answered.
type ledger struct {
	mu    sync.Mutex
	units map[place][]*group
	asked map[place]int
	heard map[place]bool
}

// plan notes a unit to be read.
func (l *ledger) plan(g *group, region string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := place{g.service.Service, region}
	if l.units == nil {
		l.units = map[place][]*group{}
	}
	l.units[p] = append(l.units[p], g)
}

// done strikes a unit.
func (l *ledger) done(g *group, region string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := place{g.service.Service, region}
	l.units[p] = slices.DeleteFunc(l.units[p], func(have *group) bool { return have == g })
}

// ask and answer note a call and that it was answered, be it by a refusal.
func (l *ledger) ask(req api.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked == nil {
		l.asked, l.heard = map[place]int{}, map[place]bool{}
	}
	l.asked[place{req.Service, req.Region}]++
}

func (l *ledger) answer(req api.Request, err error) {
	if err != nil {
		if cause := asFailure(err).cause; cause == api.CauseUnreachable || cause == api.CauseCancelled {
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard[place{req.Service, req.Region}] = true
}

// sayUnread says, once for a service in a region, what of it was not read when
// the time was over. A region given up has been said.
func (s *session) sayUnread() {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	for p, groups := range s.ledger.units {
		if len(groups) == 0 || errors.Is(context.Cause(s.region(p.region).ctx), errGivenUp) && !groups[0].global() {
			continue
		}
		var types []string
		for _, g := range groups {
			types = append(types, g.types()...)
		}
		slices.Sort(types)
		why := "not read: stopped after " + s.c.spent().String()
		if s.ledger.asked[p] > 0 && !s.ledger.heard[p] {
			why += "; " + p.service + " never answered"
		}
		b := estate.BlindSpot{
			Source: s.c.opts.Source, Account: s.account, Region: p.region, Operation: p.service + ":" + p.operation(groups),
			Types: slices.Compact(types), Status: estate.ReadFailed, Why: why, Hint: moreTime,
		}
		if groups[0].global() {
			b.Region = ""
		}
		s.sink.BlindSpot(b)
	}
}

// operation names the listing if one alone is missing, else all of them.
func (p place) operation(groups []*group) string {
	if l := groups[0].head().List; len(groups) == 1 && l != nil {
		return l.Op
	}
	return "*"
}

// accountUnread says that an account was not even entered in time.
func (c *Collector) accountUnread(role string, sink estate.Sink) {
	account := ""
	if role != "" {
		account = strings.Split(role+"::::::", ":")[4]
	}
	sink.BlindSpot(estate.BlindSpot{
		Source: c.opts.Source, Account: account, Operation: "sts:GetCallerIdentity", Types: c.allTypes(),
		Status: estate.ReadFailed, Why: "not read: stopped after " + c.spent().String(), Hint: moreTime,
	})
}
