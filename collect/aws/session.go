package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// session is one account being read.
type session struct {
	c                        *Collector
	client                   Client
	partition, account, home string
	sink                     estate.Sink
	tags                     *tagSweep
	ledger                   ledger

	mu      sync.Mutex
	regions map[string]*region
	tables  map[string]*table
	said    map[string]int // assets named for one cause
}

// region is one region of an account and whether it still answers.
type region struct {
	name     string
	ctx      context.Context
	cancel   context.CancelCauseFunc
	silences atomic.Int32
	heard    atomic.Bool             // a call succeeded here
	lost     atomic.Pointer[failure] // why it was given up
}

// errGivenUp ends the work in a region that does not answer or refuses
// everything.
var errGivenUp = errors.New("the region was given up")

// call makes one call and joins its pages: arrays at the top of later pages
// are appended to the first's. bound limits the pages (0: all).
func (s *session) call(ctx context.Context, req api.Request, bound int) (map[string]any, error) {
	whole := map[string]any{}
	n := 0
	for page, err := range s.pages(ctx, req) {
		if err != nil {
			return nil, err
		}
		join(whole, page)
		if n++; bound > 0 && n >= bound {
			break
		}
	}
	return whole, nil
}

// join appends the arrays of a further page to what was read before.
func join(whole, page map[string]any) {
	for k, v := range page {
		more, isList := v.([]any)
		have, wasList := whole[k].([]any)
		switch _, there := whole[k]; {
		case isList && wasList:
			whole[k] = append(have, more...)
		case !there:
			whole[k] = v
		}
	}
}

// pages makes a call page by page, each decoded, under the collector's limit
// of calls at once. An error ends it and is a *failure.
func (s *session) pages(ctx context.Context, req api.Request) func(yield func(map[string]any, error) bool) {
	return func(yield func(map[string]any, error) bool) {
		if f := s.lost(req); f != nil {
			yield(nil, f)
			return
		}
		if err := s.c.acquire(ctx); err != nil {
			yield(nil, asFailure(err))
			return
		}
		held := true
		s.ledger.ask(req)
		defer func() {
			if held {
				s.c.release()
			}
		}()
		for raw, err := range s.client.Pages(ctx, req) {
			s.sink.Called(req.Key())
			// The reader of a page makes calls of its own: holding the slot
			// meanwhile would let readers wait for each other.
			s.c.release()
			held = false
			var body map[string]any
			s.ledger.answer(req, err)
			if err == nil {
				body, err = decodePage(raw)
			}
			if err = s.judge(ctx, req, err); !yield(body, err) || err != nil {
				return
			}
			if err := s.c.acquire(ctx); err != nil {
				yield(nil, asFailure(err))
				return
			}
			held = true
		}
	}
}

// decodePage decodes and normalises one reply.
func decodePage(raw []byte) (map[string]any, error) {
	if len(raw) == 0 {
		return map[string]any{}, nil
	}
	body, err := catalog.Decode(raw)
	if err != nil {
		return nil, malformed("the reply is not JSON: "+err.Error(), err)
	}
	m, ok := body.(map[string]any)
	if !ok {
		return nil, malformed("the reply is not a JSON object", nil)
	}
	return m, nil
}

// judge keeps count of a region's silences and stops everything when the
// credentials themselves are refused.
func (s *session) judge(ctx context.Context, req api.Request, err error) error {
	r := s.region(req.Region)
	if err == nil {
		r.heard.Store(true)
		r.silences.Store(0)
		return nil
	}
	f := asFailure(err)
	// A service with one home says nothing of the region it was asked for.
	if f.cause != api.CauseCredentials && api.HomeRegion(req.Service, req.Region) != "" {
		return f
	}
	switch f.cause {
	case api.CauseCredentials:
		// A role that cannot be entered at all says nothing of the others: enter
		// itself tells of it.
		if s.account != "" {
			s.c.stop(&CredentialsError{Source: s.c.opts.Source, Err: f})
		}
	case api.CauseDisabled:
		if r.heard.Load() {
			break // the account lacks this service, not the region
		}
		s.giveUp(r, f, "it is not enabled for the account ("+f.why+")")
	case api.CauseUnreachable:
		if ctx.Err() == nil && int(r.silences.Add(1)) >= s.c.opts.Bounds.Silences {
			s.giveUp(r, f, fmt.Sprintf("%d calls in a row got no answer (%s)", s.c.opts.Bounds.Silences, f.why))
		}
	case api.CauseCancelled:
	default:
		r.silences.Store(0)
	}
	return f
}

// region returns the state of a region, made on first use.
func (s *session) region(name string) *region {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.regions[name]
	if r == nil {
		r = &region{name: name}
		r.ctx, r.cancel = context.WithCancelCause(s.c.ctx)
		s.regions[name] = r
	}
	return r
}

// lost tells why a call need not be made: the region it would go to was given
// up. What is global and has parts in a region (a bucket) would else wait there
// for each of its parts. Services with one home are asked all the same.
func (s *session) lost(req api.Request) *failure {
	s.mu.Lock()
	r := s.regions[req.Region]
	s.mu.Unlock()
	if r == nil || api.HomeRegion(req.Service, req.Region) != "" {
		return nil
	}
	return r.lost.Load()
}

// giveUp ends the work in a region and says so once.
func (s *session) giveUp(r *region, f *failure, why string) {
	s.mu.Lock()
	over := r.ctx.Err() != nil
	r.lost.CompareAndSwap(nil, &failure{code: f.code, status: f.status, cause: f.cause, err: f.err,
		why: "not asked: " + r.name + " was given up: " + why})
	r.cancel(errGivenUp)
	s.mu.Unlock()
	if over {
		return
	}
	b := estate.BlindSpot{
		Source: s.c.opts.Source, Account: s.account, Region: r.name, Operation: "aws:" + r.name,
		Types: s.c.regionalTypes(), Status: f.status, Why: r.name + " was given up: " + why,
	}
	switch {
	case f.byServiceControl():
		b.Hint = "allow the region in the organisation's policies for this role, or name the others with regions="
	case f.cause == api.CauseDisabled:
		b.Hint = "enable " + r.name + " for the account, or name the others with regions="
	default:
		b.Hint = "check the network path to " + r.name + " (" + waitVariable + "=1m where it is slow), or name the others with regions="
	}
	s.sink.BlindSpot(b)
}

// namedCauses is how many assets are named for one cause.
const namedCauses = 20

// blind says that a call failed. Of one cause on many assets the first are
// named; every asset's own reads tell of its own.
func (s *session) blind(sink estate.Sink, req api.Request, f *failure, asset string, types []string, grants []string) {
	if f.cause == api.CauseCancelled || s.c.ctx.Err() != nil {
		return // the run was ended; what is not read is said as a whole
	}
	key := strings.Join([]string{req.Region, req.Key(), f.code, string(f.status), types[0]}, "|")
	s.mu.Lock()
	s.said[key]++
	n := s.said[key]
	s.mu.Unlock()
	if n > 1 && asset == "" || n > namedCauses {
		return
	}
	b := estate.BlindSpot{
		Source: s.c.opts.Source, Account: s.account, Region: req.Region, Operation: req.Key(),
		Asset: asset, Types: types, Status: f.status, Why: f.why, Hint: hint(f, grants),
	}
	if asset != "" && n == namedCauses {
		b.Why += " (further assets of this cause: see their reads)"
	}
	sink.BlindSpot(b)
}
