package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// maxDelay between two attempts, whatever Retry-After asks for.
const maxDelay = 20 * time.Second

// job is one call on its way through its attempts.
type job struct {
	c   *Client
	req Request
	svc *service
	op  *operation
	// to is where the call goes; a redirect changes it.
	to target
	// spent repairs, each made once.
	redirected, refreshed, reclocked bool
	timeouts                         int
	// part is the stored bytes asked for, in the place of an operation; nil for none.
	part *Part
}

func (c *Client) call(ctx context.Context, req Request) (json.RawMessage, error) {
	svc, err := load(req.Service)
	if err != nil {
		return nil, c.refuse(req, err.Error())
	}
	op, ok := svc.ops[req.Operation]
	if !ok {
		return nil, c.refuse(req, "the read-only model has no such operation")
	}
	to, err := c.resolve(svc, op, req)
	if err != nil {
		return nil, c.refuse(req, err.Error())
	}
	req.Region = to.region
	j := &job{c: c, req: req, svc: svc, op: op, to: to}
	reply, e := j.run(ctx)
	if e != nil {
		return nil, e
	}
	return reply, nil
}

func (c *Client) refuse(req Request, why string) *Error {
	return &Error{Service: req.Service, Operation: req.Operation, Region: req.Region, Code: "InvalidParameter",
		Message: why, Status: estate.ReadFailed, Cause: CauseRequest}
}

func (j *job) run(ctx context.Context) (json.RawMessage, *Error) {
	g := j.c.gateFor(j.req.Service, j.to)
	for attempt := 1; ; attempt++ {
		if g.dead() {
			return nil, j.fail("Unreachable", "the endpoint has never answered; not asked again", CauseUnreachable)
		}
		reply, retryAfter, e := j.attempt(ctx, g)
		if e == nil {
			return reply, nil
		}
		if ctx.Err() != nil {
			return nil, j.cancelled(ctx)
		}
		if j.repair(e) {
			attempt--
			continue
		}
		if attempt >= j.c.opt.MaxAttempts || !j.again(e) {
			return nil, e
		}
		if !sleep(ctx, j.delay(attempt, retryAfter)) {
			return nil, j.cancelled(ctx)
		}
	}
}

// again reports whether the same request may fare better a second time.
func (j *job) again(e *Error) bool {
	switch e.Cause {
	case CauseThrottled:
		return true
	case CauseServer:
		// An emulator on this machine that answers a bare 500 lacks the operation.
		return !(j.to.local && e.Code == "500")
	case CauseUnreachable:
		if errors.Is(e.wrapped, context.DeadlineExceeded) {
			j.timeouts++
		}
		return j.timeouts < 2
	case CauseMalformed:
		// A body cut short is worth one more try; a wrong shape is not.
		return errors.Is(e.wrapped, io.ErrUnexpectedEOF)
	}
	return false
}

// repair mends what a retry alone would not: the wrong region for a bucket,
// credentials that ran out in mid-run, a clock that is off. Each is done once.
func (j *job) repair(e *Error) bool {
	switch {
	case j.to.movedTo != "" && !j.redirected:
		j.redirected = true
		j.req.Region = j.to.movedTo
		j.c.buckets.Store(j.to.bucket, j.to.movedTo)
		to, err := j.c.resolve(j.svc, j.op, j.req)
		if err != nil {
			return false
		}
		j.to = to
		return true
	case expired(e.Code) && !j.refreshed:
		j.refreshed = true
		inv, ok := j.c.cfg.Credentials.(interface{ Invalidate() })
		if ok {
			inv.Invalidate()
		}
		return ok
	case j.to.skewed != 0 && !j.reclocked:
		j.reclocked = true
		j.c.skew.Store(int64(j.to.skewed))
		return true
	}
	return false
}

// delay is exponential with full jitter above a floor, or what the service
// asks for.
func (j *job) delay(attempt int, retryAfter time.Duration) time.Duration {
	if retryAfter > 0 {
		return min(retryAfter, maxDelay)
	}
	top := min(j.c.opt.Backoff<<min(attempt-1, 10), maxDelay)
	return top/2 + rand.N(top/2+1) //nolint:gosec // spreads retries, guards nothing
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt sends the request once. The duration is the service's Retry-After.
func (j *job) attempt(ctx context.Context, g *gate) (json.RawMessage, time.Duration, *Error) {
	if err := g.enter(ctx); err != nil {
		return nil, 0, j.cancelled(ctx)
	}
	defer g.leave()
	ctx, cancel := context.WithTimeout(ctx, j.c.opt.AttemptTimeout)
	defer cancel()
	hr, e := j.request(ctx)
	if e != nil {
		return nil, 0, e
	}
	if j.c.opt.OnCall != nil {
		j.c.opt.OnCall(j.req.Key())
	}
	resp, err := j.c.http.Do(hr)
	if err != nil {
		j.c.count(j.req.Key(), Stat{Calls: 1})
		e := j.network(err)
		if e.Cause == CauseUnreachable {
			g.unanswered(e)
		}
		return nil, 0, e
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, j.c.opt.MaxReply+1))
	j.c.count(j.req.Key(), Stat{Calls: 1, Bytes: int64(len(body))})
	g.answered() // also by a body that breaks off: someone is there
	if err != nil {
		return nil, 0, j.cut(err, resp)
	}
	if int64(len(body)) > j.c.opt.MaxReply {
		return nil, 0, j.malformed(resp, "the reply is larger than "+strconv.FormatInt(j.c.opt.MaxReply, 10)+" bytes")
	}
	return j.read(g, resp, body)
}

// read makes the reply or the error of a complete answer.
func (j *job) read(g *gate, resp *http.Response, body []byte) (json.RawMessage, time.Duration, *Error) {
	if resp.StatusCode >= 300 {
		e := j.refused(resp, body)
		if e.Cause == CauseThrottled {
			g.throttled(time.Now())
		}
		return nil, retryAfter(resp.Header, j.c.opt.Now()), e
	}
	if j.part != nil {
		if resp.StatusCode != http.StatusPartialContent {
			return nil, 0, j.malformed(resp, "the answer is not the range that was asked for")
		}
		j.c.trusted.Store(true)
		g.recover()
		return body, 0, nil
	}
	reply, err := decodeReply(j.svc, j.op, resp, body)
	var se *serviceError
	switch {
	case errors.As(err, &se): // S3 can report a failure under status 200
		return nil, 0, j.classify(resp, se.Code, se.Message, se.RequestID)
	case err != nil:
		return nil, 0, j.malformed(resp, err.Error())
	case saysNothing(j.svc, j.op, reply) && requestID(resp.Header) == "":
		return nil, 0, j.malformed(resp, "the reply says nothing and bears no request id: it may not be the service's")
	}
	j.c.trusted.Store(true)
	j.c.trustedIn.LoadOrStore(j.to.signRegion, true)
	g.recover()
	return reply, 0, nil
}

// saysNothing reports whether a reply that has members by the model came
// without any. Services do leave out lists that are empty, and a client has to
// read that as "none" (SQS never says an empty QueueUrls); but so would "{}"
// from whatever else answers at the address read. The service's own replies
// bear a request id, in every protocol.
func saysNothing(svc *service, op *operation, reply json.RawMessage) bool {
	return string(reply) == "{}" && op.out >= 0 && hasBody(svc, op)
}

func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if ms, err := strconv.Atoi(h.Get("X-Amz-Retry-After")); err == nil && ms > 0 {
		return time.Duration(ms) * time.Millisecond
	}
	if s, err := strconv.Atoi(v); err == nil && s > 0 {
		return min(time.Duration(s)*time.Second, maxDelay)
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
