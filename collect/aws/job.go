package aws

import (
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// jobWait is the first wait for a report that the provider makes; each next one
// is twice as long, up to jobLongest, and after jobTries nobody waits any more.
const (
	jobWait    = 200 * time.Millisecond
	jobLongest = 5 * time.Second
	jobTries   = 20
)

// fetch makes a call, and before it has the provider make what it reads.
func (u *unit) fetch(c *catalog.Call, req api.Request) (map[string]any, error) {
	if c.Job == nil {
		return u.call(u.region.ctx, req, c.Bound)
	}
	start := req
	start.Operation = c.Job.Op
	made, err := u.call(u.region.ctx, start, 1)
	if err != nil {
		return nil, err
	}
	token, _ := made[c.Job.Token].(string)
	if token == "" {
		return nil, malformed(c.Job.Op+": the reply lacks "+c.Job.Token, nil)
	}
	req.Params = map[string]any{c.Job.Token: token}
	wait := jobWait
	for range jobTries {
		body, err := u.call(u.region.ctx, req, c.Bound)
		if err != nil {
			return nil, err
		}
		switch catalog.Lookup(body, c.Job.State) {
		case c.Job.Done:
			return body, nil
		case c.Job.Failed:
			why, _ := catalog.Lookup(body, "Error.Message").(string)
			return nil, &failure{status: estate.ReadFailed, why: shorten("the provider could not make the report of " + c.Job.Op + ": " + why)}
		}
		select {
		case <-u.region.ctx.Done():
			return nil, asFailure(u.region.ctx.Err())
		case <-time.After(wait):
		}
		wait = min(2*wait, jobLongest)
	}
	return nil, &failure{status: estate.ReadFailed, why: "the report of " + c.Job.Op + " was not ready in time"}
}
