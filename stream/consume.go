package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Batch is some events of one partition, in the order they were published.
type Batch struct {
	Partition int
	// Sequence is the batch's place in the stream: the same whenever it comes again.
	Sequence uint64
	Stored   time.Time
	// Size is what it takes of the stream's room, in bytes.
	Size   int
	Events [][]byte
	// Damaged is set where the batch cannot be taken apart: Events are its bytes then.
	Damaged error
}

// errDamaged is a batch whose lengths do not add up.
var errDamaged = errors.New("stream: a damaged batch")

// fetchWait is how long a reader waits for more at a time.
const fetchWait = 500 * time.Millisecond

// A request to a node that goes down is never answered: it is made again.
const (
	tryWait = 3 * time.Second
	tries   = 10
)

// again makes a request until it is answered.
func again(ctx context.Context, request func(context.Context) error) (err error) {
	for range tries {
		one, cancel := context.WithTimeout(ctx, tryWait)
		err = request(one)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrNoResponders) && !errors.Is(err, nats.ErrTimeout) {
			return err
		}
		// No responders is answered at once: another node needs a moment.
		select {
		case <-ctx.Done():
		case <-time.After(fetchWait):
		}
	}
	return err
}

// passing says whether a fetch found nothing, or a node went and another takes over.
func passing(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrNoMessages) || errors.Is(err, jetstream.ErrConsumerLeadershipChanged) || errors.Is(err, jetstream.ErrNoHeartbeat)
}

// Lag is how far a reader is behind.
type Lag struct {
	// Batches are stored and not yet read.
	Batches uint64
	// Oldest is how long the oldest of them has waited; 0 without one.
	Oldest time.Duration
}

func (s *Stream) info(ctx context.Context) (info *jetstream.StreamInfo, err error) {
	err = again(ctx, func(ctx context.Context) (err error) {
		info, err = s.stream.Info(ctx)
		return err
	})
	return info, err
}

// Lag says how far a reader that has read up to a sequence is behind.
func (s *Stream) Lag(ctx context.Context, done uint64) (Lag, error) {
	info, err := s.info(ctx)
	if err != nil {
		return Lag{}, fmt.Errorf("stream: %w", err)
	}
	next := max(done+1, info.State.FirstSeq)
	if info.State.Msgs == 0 || next > info.State.LastSeq {
		return Lag{}, nil
	}
	lag := Lag{Batches: info.State.LastSeq - next + 1}
	if msg, err := s.stream.GetMsg(ctx, next); err == nil {
		lag.Oldest = max(0, time.Since(msg.Time))
	}
	return lag, nil
}

// Last is the sequence of the newest batch that was ever stored, 0 for none.
func (s *Stream) Last(ctx context.Context) (uint64, error) {
	info, err := s.info(ctx)
	if err != nil {
		return 0, fmt.Errorf("stream: %w", err)
	}
	return info.State.LastSeq, nil
}

// Trim takes away the batches up to a sequence, which every reader is done with.
func (s *Stream) Trim(ctx context.Context, upTo uint64) error {
	if upTo == 0 {
		return nil
	}
	err := again(ctx, func(ctx context.Context) error {
		return s.stream.Purge(ctx, jetstream.WithPurgeSequence(upTo+1))
	})
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return nil
}

// Size is how much the stream holds.
func (s *Stream) Size(ctx context.Context) (batches, bytes uint64, err error) {
	info, err := s.info(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("stream: %w", err)
	}
	return info.State.Msgs, info.State.Bytes, nil
}

// Read gives every batch from the sequence from on, of all partitions, in the
// order they were stored, until take returns an error, the context ends or
// there is no more; ErrEnd is returned then. Nothing is remembered: who reads
// keeps the sequence himself, and after an error goes on with the batch that
// take did not take.
func (s *Stream) Read(ctx context.Context, from uint64, take func(Batch) error) error {
	return s.Follow(ctx, from, take, func() error { return ErrEnd })
}

// Follow is Read that goes on waiting for more: idle is called whenever there
// is none, at least every half second, and an error of it ends the reading.
func (s *Stream) Follow(ctx context.Context, from uint64, take func(Batch) error, idle func() error) error {
	for lost := 0; ctx.Err() == nil; {
		next, err := s.follow(ctx, from, take, idle)
		if next > from {
			from, lost = next, 0
		}
		// The node that kept this reader's place is gone: another takes the
		// reader on from the batch after the last it took.
		if !gone(err) || lost == tries {
			return err
		}
		lost++
		select {
		case <-ctx.Done():
		case <-time.After(fetchWait):
		}
	}
	return ctx.Err()
}

// errPlace is what the node that keeps a reader's place answered.
var errPlace = errors.New("stream")

// gone says whether a reader's place went with the node that kept it.
func gone(err error) bool {
	return errors.Is(err, errPlace) && (errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrOrderedConsumerReset))
}

// follow is Follow with one place kept on one node; next is the sequence after
// the last batch that was taken, from without one.
func (s *Stream) follow(ctx context.Context, from uint64, take func(Batch) error, idle func() error) (next uint64, err error) {
	next = from
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: []string{s.o.Name + ".>"}, DeliverPolicy: jetstream.DeliverAllPolicy}
	if from > 1 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, from
	}
	var c jetstream.Consumer
	err = again(ctx, func(ctx context.Context) (err error) {
		c, err = s.stream.OrderedConsumer(ctx, cfg)
		return err
	})
	if err != nil {
		return next, fmt.Errorf("%w: %w", errPlace, err)
	}
	for ctx.Err() == nil {
		got, err := c.Fetch(fetchMost, jetstream.FetchMaxWait(fetchWait))
		if err != nil {
			if passing(err) {
				continue
			}
			return next, fmt.Errorf("%w: %w", errPlace, err)
		}
		n := 0
		for m := range got.Messages() {
			n++
			meta, err := m.Metadata()
			if err != nil {
				return next, fmt.Errorf("stream: %w", err)
			}
			b := Batch{Sequence: meta.Sequence.Stream, Stored: meta.Timestamp, Size: len(m.Data())}
			if b.Partition, err = strconv.Atoi(strings.TrimPrefix(m.Subject(), s.o.Name+".")); err != nil {
				return next, fmt.Errorf("stream: subject %s: %w", m.Subject(), err)
			}
			if b.Events, b.Damaged = unpacked(m.Data(), m.Headers()); b.Damaged != nil {
				b.Events = [][]byte{m.Data()}
			}
			if err := take(b); err != nil {
				return next, err
			}
			next = b.Sequence + 1
		}
		if err := got.Error(); err != nil && !passing(err) {
			return next, fmt.Errorf("%w: %w", errPlace, err)
		}
		if n == 0 && got.Error() == nil {
			if err := idle(); err != nil {
				return next, err
			}
		}
	}
	return next, ctx.Err()
}

// fetchMost is how many batches are asked for at a time.
const fetchMost = 64

// ErrEnd says that there is no more to read for now.
var ErrEnd = errors.New("stream: no more for now")
