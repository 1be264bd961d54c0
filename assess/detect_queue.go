package assess

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/queue"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// FromQueue takes in the objects that a queue's messages tell of, until the context ends.
// A message is done once all it tells of is stored; one whose objects cannot be read is
// told and comes again, until the queue's own policy puts it aside. What came twice is
// known by its events' ids.
func (r *Running) FromQueue(ctx context.Context, q *queue.Queue) {
	told := ""
	for wait := time.Second; ctx.Err() == nil; {
		messages, err := q.Receive(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if told != err.Error() {
				told = err.Error()
				r.say("the queue " + q.String() + " cannot be read, which is tried again: " + told)
			}
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
			wait = min(2*wait, time.Minute)
			continue
		}
		told, wait = "", time.Second
		for _, m := range messages {
			if err := r.fromMessage(ctx, q, m); err != nil && ctx.Err() == nil {
				r.say("a message of " + q.String() + " is not done and comes again: " + err.Error())
			}
		}
	}
}

// fromMessage takes in what one message tells of.
func (r *Running) fromMessage(ctx context.Context, q *queue.Queue, m queue.Message) error {
	if m.Unread != nil {
		bad := &ocsf.Rejected{Size: int64(len(m.Body)), Reason: m.Unread.Error(), Raw: m.Body}
		r.rejected(q.String(), bad)
		if err := r.in.Quarantine.Put(q.String(), bad); err != nil {
			return err
		}
		return q.Done(ctx, m)
	}
	for _, o := range m.Objects {
		if isDigest(o.Key) || isSign(o.Key) {
			continue // sums of files, no events
		}
		if err := r.fromObject(ctx, q, o); err != nil {
			r.rejected(o.String(), &ocsf.Rejected{Reason: err.Error()})
			return fmt.Errorf("%s: %w", o, err)
		}
	}
	return q.Done(ctx, m)
}

// fromObject takes in one object. What is wrong with its bytes does not mend itself: that is
// rejected like any other part that gives no event. An error is one of reading it.
func (r *Running) fromObject(ctx context.Context, q *queue.Queue, o queue.Object) error {
	in, err := q.Open(ctx, o)
	if err == nil {
		whole := &cut{r: in}
		if err := r.store1(ctx, o.String(), whole); err != nil {
			return err
		}
		err = whole.err
	}
	var fetch *api.Error
	if err == nil || errors.As(err, &fetch) || ctx.Err() != nil {
		return err
	}
	bad := &ocsf.Rejected{Reason: err.Error()}
	r.rejected(o.String(), bad)
	return r.in.Quarantine.Put(o.String(), bad)
}
