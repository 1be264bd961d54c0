// Package stream carries events from where they come in to who works on them,
// on NATS JetStream: in this process, or a cluster's.
//
// # What is promised
//
// Publish returns nil once the batch is stored: it survives the end of this
// process at any moment (kill -9). It survives the end of the machine too if
// Options.Sync is set, or if three nodes hold it (Options.Replicas); without
// either, what the operating system had not yet written to disk is lost, at most
// Options.SyncInterval of it.
//
// Batches are read in the order they were stored, by who remembers up to which
// Batch.Sequence he has: what he does of a batch and that number, kept together,
// happen once. A principal's events are always in one partition, in order.
//
// Nothing is thrown away unread. When the stream is full Publish waits, and
// says so by Stalled; Trim makes room once every reader is done.
package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Options are how a stream is kept. The zero value of each but Dir serves.
type Options struct {
	// Name names the stream; "events".
	Name string
	// Dir is where a server in this process keeps its files. Either Dir or URL is given.
	Dir string
	// URL is a cluster's, "nats://a:4222,nats://b:4222"; Connect are options for it.
	URL     string
	Connect []nats.Option
	// Sync has every batch on disk before Publish returns (in this process only:
	// a cluster's servers are set by their own configuration).
	Sync bool
	// SyncInterval is how often files are written to disk without Sync; 2 s.
	SyncInterval time.Duration
	// Partitions is into how many parts principals are divided; 8. It cannot
	// change once a stream exists.
	Partitions int
	// Replicas is how many of a cluster's nodes hold each batch; 1.
	Replicas int
	// MaxBytes bounds what is kept; 4 GiB. A full stream takes no more.
	MaxBytes int64
}

func (o Options) filled() Options {
	if o.Name == "" {
		o.Name = "events"
	}
	if o.Partitions <= 0 {
		o.Partitions = 8
	}
	if o.Replicas <= 0 {
		o.Replicas = 1
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 4 << 30
	}
	if o.SyncInterval <= 0 {
		o.SyncInterval = 2 * time.Second
	}
	return o
}

// Stream is an open stream. Its methods may be called from many goroutines.
type Stream struct {
	o       Options
	server  *server.Server
	conn    *nats.Conn
	js      jetstream.JetStream
	stream  jetstream.Stream
	stalled atomic.Int64
}

// startWait bounds how long a server in this process may take to start.
const startWait = 20 * time.Second

// Open starts the server in this process, or connects to a cluster, and makes
// the stream if there is none.
func Open(ctx context.Context, o Options) (*Stream, error) {
	o = o.filled()
	if (o.Dir == "") == (o.URL == "") {
		return nil, errors.New("stream: either a folder or a cluster's URL is wanted")
	}
	s := &Stream{o: o}
	if err := s.connect(); err != nil {
		s.Close()
		return nil, fmt.Errorf("stream: %w", err)
	}
	if err := again(ctx, s.create); err != nil {
		s.Close()
		return nil, fmt.Errorf("stream: %w", err)
	}
	return s, nil
}

func (s *Stream) connect() (err error) {
	if s.o.URL != "" {
		s.conn, err = nats.Connect(s.o.URL, append([]nats.Option{nats.MaxReconnects(-1), nats.Name("sevenfold")}, s.o.Connect...)...)
	} else if s.server, err = embedded(s.o); err == nil {
		s.conn, err = nats.Connect("", nats.InProcessServer(s.server), nats.MaxReconnects(-1))
	}
	if err != nil {
		return err
	}
	s.js, err = jetstream.New(s.conn, jetstream.WithPublishAsyncMaxPending(maxInFlight))
	return err
}

// maxInFlight bounds how many batches are on their way to the store at once.
const maxInFlight = 256

// embedded starts a server in this process that listens on no port.
func embedded(o Options) (*server.Server, error) {
	ns, err := server.NewServer(&server.Options{
		ServerName: "sevenfold", DontListen: true, JetStream: true, StoreDir: o.Dir, NoSigs: true, NoLog: true,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: o.MaxBytes + o.MaxBytes/4 + 64<<20, MaxPayload: maxPayload,
		SyncInterval: o.SyncInterval, SyncAlways: o.Sync,
	})
	if err != nil {
		return nil, err
	}
	ns.Start()
	if !ns.ReadyForConnections(startWait) {
		ns.Shutdown()
		return nil, errors.New("the server did not start within " + startWait.String())
	}
	return ns, nil
}

// maxPayload bounds one batch; a larger event goes alone and is refused if it is larger still.
const maxPayload = 32 << 20

// What JetStream answers when a stream does not fit: no suitable peers for
// placement, and insufficient storage resources.
const (
	noPeers   jetstream.ErrorCode = 10005
	noStorage jetstream.ErrorCode = 10047
)

func (s *Stream) create(ctx context.Context) error {
	cfg := jetstream.StreamConfig{
		Name: s.o.Name, Subjects: []string{s.o.Name + ".>"}, Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
		Discard: jetstream.DiscardNew, MaxBytes: s.o.MaxBytes, Replicas: s.o.Replicas, Duplicates: 2 * time.Minute,
		Metadata: map[string]string{"partitions": strconv.Itoa(s.o.Partitions)},
	}
	old, err := s.js.Stream(ctx, s.o.Name)
	if err == nil {
		info, err := old.Info(ctx)
		if err != nil {
			return err
		}
		if was := info.Config.Metadata["partitions"]; was != "" && was != cfg.Metadata["partitions"] {
			return fmt.Errorf("the stream has %s partitions, not %s: principals would change their part", was, cfg.Metadata["partitions"])
		}
	} else if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	s.stream, err = s.js.CreateOrUpdateStream(ctx, cfg)
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == noPeers || api.ErrorCode == noStorage) {
		return fmt.Errorf("the servers do not have the %d MiB that the stream may keep on each of %d: %w\nhint: free disk or raise the servers' max_file_store, or lower MaxBytes", s.o.MaxBytes>>20, s.o.Replicas, err)
	}
	return err
}

// Close ends the connection, and the server of this process.
func (s *Stream) Close() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
}

// Event is one event on its way.
type Event struct {
	// Key is the principal: events of one key stay in order.
	Key string
	// Data is the event as its source wrote it.
	Data []byte
}

// Partition is where a principal's events go.
func (s *Stream) Partition(key string) int {
	h := uint32(2166136261) // FNV-1a
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return int(h % uint32(s.o.Partitions))
}

// MaxBytes is how much the stream may hold.
func (s *Stream) MaxBytes() int64 { return s.o.MaxBytes }

// Stalled is how long Publish has waited for room, in all.
func (s *Stream) Stalled() time.Duration { return time.Duration(s.stalled.Load()) }

const (
	stallWait = 50 * time.Millisecond
	batchSize = 512 << 10
)

// Publish stores events and returns once they are stored, or the context ended.
// id makes it idempotent: within two minutes the same id is stored once; ""
// leaves that out. After an error some of the events may be stored.
func (s *Stream) Publish(ctx context.Context, id string, events []Event) error {
	parts := make([][]byte, s.o.Partitions)
	counts := make([]int, s.o.Partitions)
	sizes := make([]int, s.o.Partitions) // what is still to come of each
	goes := make([]int32, len(events))   // where each goes
	for i := range events {
		e := &events[i]
		p := s.Partition(e.Key)
		goes[i] = int32(p)
		sizes[p] += len(e.Data) + binary.MaxVarintLen64
	}
	var waiting []pending
	send := func(p int) error {
		msg := packed(s.subject(p), parts[p])
		var opts []jetstream.PublishOpt
		if id != "" {
			opts = append(opts, jetstream.WithMsgID(fmt.Sprintf("%s/%d/%d", id, p, counts[p])))
		}
		counts[p]++
		parts[p] = nil
		f, err := s.js.PublishMsgAsync(msg, opts...)
		if err != nil {
			return err
		}
		waiting = append(waiting, pending{f, msg, opts})
		return nil
	}
	for i := range events {
		e := &events[i]
		if len(e.Data) > maxPayload-64 {
			return fmt.Errorf("stream: an event of %d bytes is more than the %d a batch may have", len(e.Data), maxPayload-64)
		}
		p := int(goes[i])
		if len(parts[p])+len(e.Data) > batchSize && len(parts[p]) > 0 {
			if err := send(p); err != nil {
				return fmt.Errorf("stream: %w", err)
			}
		}
		if parts[p] == nil {
			parts[p] = roomFor(min(sizes[p], max(batchSize, len(e.Data))+2*binary.MaxVarintLen64))
		}
		sizes[p] -= len(e.Data) + binary.MaxVarintLen64
		parts[p] = binary.AppendUvarint(parts[p], uint64(len(e.Data)))
		parts[p] = append(parts[p], e.Data...)
	}
	for p := range parts {
		if len(parts[p]) > 0 {
			if err := send(p); err != nil {
				return fmt.Errorf("stream: %w", err)
			}
		}
	}
	for _, w := range waiting {
		if err := s.settle(ctx, w, ackWait); err != nil {
			return fmt.Errorf("stream: %w", err)
		}
		if w.msg.Header.Get(packHeader) == "" {
			rooms.Put(&w.msg.Data) // it is stored: nobody holds it any more
		}
	}
	return nil
}

// rooms are where batches are put together.
var rooms sync.Pool

// roomFor is an empty place for so many bytes.
func roomFor(size int) []byte {
	if had, ok := rooms.Get().(*[]byte); ok && cap(*had) >= size {
		return (*had)[:0]
	}
	return make([]byte, 0, max(size, leastRoom))
}

// leastRoom is what a place has at least, so that the next batch finds it large enough.
const leastRoom = 128 << 10

// pending is a batch that is not yet acknowledged.
type pending struct {
	future jetstream.PubAckFuture
	msg    *nats.Msg
	opts   []jetstream.PublishOpt
}

// A batch that nobody acknowledges for ackWait is sent again, ackTries times in all: a
// server that was lost, or whose disk is full, says nothing.
const (
	ackWait  = 10 * time.Second
	ackTries = 3
)

var errUnanswered = fmt.Errorf("a batch was not acknowledged, though it was sent %d times: the disk that the stream is on may be full, or its servers gone\nhint: free disk, or name another folder with --events; what was acknowledged is kept", ackTries)

// settle waits for a batch to be stored; while the stream is full it tries again.
func (s *Stream) settle(ctx context.Context, w pending, wait time.Duration) error {
	for tries := 1; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.future.Ok():
			return nil
		case <-time.After(wait):
			if tries++; tries > ackTries {
				return errUnanswered
			}
			f, err := s.js.PublishMsgAsync(w.msg, w.opts...) // if it was stored after all, its events are known again
			if err != nil {
				return err
			}
			w.future = f
			continue
		case err := <-w.future.Err():
			if !full(err) {
				return err
			}
		}
		s.stalled.Add(int64(stallWait))
		select {
		case <-ctx.Done():
			return fmt.Errorf("the stream is full: %w", ctx.Err())
		case <-time.After(stallWait):
		}
		f, err := s.js.PublishMsgAsync(w.msg, w.opts...)
		if err != nil {
			return err
		}
		w.future = f
	}
}

// full says whether the store refused for want of room, which passes.
func full(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && strings.Contains(api.Description, "maximum")
}

func (s *Stream) subject(p int) string { return s.o.Name + "." + strconv.Itoa(p) }
