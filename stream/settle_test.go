package stream

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// silent is a batch's acknowledgement that never comes.
type silent struct{ msg *nats.Msg }

var _ jetstream.PubAckFuture = silent{}

func (silent) Ok() <-chan *jetstream.PubAck { return nil }
func (silent) Err() <-chan error            { return nil }
func (s silent) Msg() *nats.Msg             { return s.msg }

// A batch whose acknowledgement is lost is sent again, and stored; one that is never
// acknowledged is told, and nobody waits for ever.
func TestABatchThatNobodyAcknowledges(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	if err := s.Publish(t.Context(), "", numbered(0, 1)); err != nil {
		t.Fatal(err)
	}
	msg := packed(s.subject(0), []byte{1, 'x'})
	if err := s.settle(t.Context(), pending{future: silent{msg}, msg: msg}, 50*time.Millisecond); err != nil {
		t.Fatalf("it is not sent again: %v", err)
	}
	if last, err := s.Last(t.Context()); err != nil || last != 2 {
		t.Errorf("%d batches are stored, %v", last, err)
	}
	begun := time.Now()
	s.js = mute{s.js}
	if err := s.settle(t.Context(), pending{future: silent{msg}, msg: msg}, 20*time.Millisecond); !errors.Is(err, errUnanswered) || time.Since(begun) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
}

// mute is a stream's way in of which no answer comes, as where its disk is full.
type mute struct{ jetstream.JetStream }

func (mute) PublishMsgAsync(m *nats.Msg, _ ...jetstream.PublishOpt) (jetstream.PubAckFuture, error) {
	return silent{m}, nil
}
