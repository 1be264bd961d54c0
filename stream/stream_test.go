package stream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("SEVENFOLD_STREAM_CHILD"); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

func open(t testing.TB, o Options) *Stream {
	t.Helper()
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func numbered(from, n int) []Event {
	var out []Event
	for i := range n {
		out = append(out, Event{Key: fmt.Sprint("role-", (from+i)%7), Data: []byte(strconv.Itoa(from + i))})
	}
	return out
}

// collect reads until n distinct events came, and gives each partition's in
// their order.
func collect(t testing.TB, s *Stream, n int) (parts map[int][]string, times map[string]int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	parts, times = map[int][]string{}, map[string]int{}
	err := s.Follow(ctx, 1, func(b Batch) error {
		if b.Damaged != nil {
			t.Errorf("damaged: %v", b.Damaged)
		}
		for _, e := range b.Events {
			times[string(e)]++
			parts[b.Partition] = append(parts[b.Partition], string(e))
		}
		return nil
	}, func() error {
		if len(times) >= n {
			return ErrEnd
		}
		return nil
	})
	if len(times) != n {
		t.Fatalf("%d of %d events: %v", len(times), n, err)
	}
	return parts, times
}

func TestOrderWithinAPartition(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	for i := range 20 {
		if err := s.Publish(t.Context(), "", numbered(i*50, 50)); err != nil {
			t.Fatal(err)
		}
	}
	parts, times := collect(t, s, 1000)
	for p, list := range parts {
		if !slices.IsSortedFunc(list, func(a, b string) int { x, _ := strconv.Atoi(a); y, _ := strconv.Atoi(b); return x - y }) {
			t.Errorf("partition %d is out of order", p)
		}
	}
	for e, n := range times {
		if n != 1 {
			t.Errorf("%s came %d times though nothing failed", e, n)
		}
	}
	last, err := s.Last(t.Context())
	if err != nil || last < 20 {
		t.Fatalf("%d batches: %v", last, err)
	}
	for done, want := range map[uint64]uint64{0: last, last - 3: 3, last: 0} {
		lag, err := s.Lag(t.Context(), done)
		if err != nil || lag.Batches != want || (lag.Oldest > 0) != (want > 0) {
			t.Errorf("read up to %d of %d: %+v, %v", done, last, lag, err)
		}
	}
	if err := s.Trim(t.Context(), last-2); err != nil {
		t.Fatal(err)
	}
	if n, _, err := s.Size(t.Context()); err != nil || n != 2 {
		t.Errorf("%d batches are left, want 2: %v", n, err)
	}
}

func TestReadingGoesOnWithTheBatchThatFailed(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), Partitions: 1})
	for i := range 5 {
		if err := s.Publish(t.Context(), "", numbered(i, 1)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	next := uint64(1)
	failures := 3
	for range 10 {
		err := s.Read(t.Context(), next, func(b Batch) error {
			if string(b.Events[0]) == "2" && failures > 0 {
				failures--
				return errors.New("not now")
			}
			got, next = append(got, string(b.Events[0])), b.Sequence+1
			return nil
		})
		if errors.Is(err, ErrEnd) {
			break
		}
	}
	if strings.Join(got, "") != "01234" || failures != 0 {
		t.Errorf("got %v", got)
	}
}

// A batch that cannot be taken apart is given with its bytes, and what follows comes.
func TestADamagedBatchHoldsUpNothing(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), Partitions: 1})
	if _, err := s.js.Publish(t.Context(), s.subject(0), []byte{200, 1, 'x'}); err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(t.Context(), "", numbered(7, 1)); err != nil {
		t.Fatal(err)
	}
	var damaged, whole int
	err := s.Read(t.Context(), 1, func(b Batch) error {
		if b.Damaged != nil && len(b.Events[0]) == 3 {
			damaged++
		} else if string(b.Events[0]) == "7" {
			whole++
		}
		return nil
	})
	if !errors.Is(err, ErrEnd) || damaged != 1 || whole != 1 {
		t.Errorf("%d damaged, %d whole: %v", damaged, whole, err)
	}
}

func TestTheSameIdIsStoredOnce(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	for range 3 {
		if err := s.Publish(t.Context(), "file-7", numbered(0, 10)); err != nil {
			t.Fatal(err)
		}
	}
	_, times := collect(t, s, 10)
	for e, n := range times {
		if n != 1 {
			t.Errorf("%s came %d times", e, n)
		}
	}
}

func TestAFullStreamHoldsBack(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), Partitions: 1, MaxBytes: 64 << 10})
	big := []Event{{Key: "k", Data: make([]byte, 20<<10)}}
	for range 3 {
		if err := s.Publish(t.Context(), "", big); err != nil {
			t.Fatal(err)
		}
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := s.Publish(short, "", big); err == nil || s.Stalled() == 0 {
		t.Fatalf("a full stream took more: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Publish(t.Context(), "", big) }()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		_ = s.Trim(t.Context(), 1)
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
			if time.Now().After(deadline) {
				t.Fatal("it still waits though there is room")
			}
		}
	}
}

// child publishes numbered events, tells each once it is acknowledged, and is
// killed meanwhile.
func child(dir string) {
	s, err := Open(context.Background(), Options{Dir: dir, Sync: os.Getenv("SEVENFOLD_STREAM_SYNC") != ""})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		if err := s.Publish(context.Background(), "", numbered(i, 1)); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(i)
	}
}

// TestAcknowledgedEventsSurviveKill kills a real process at any moment.
func TestAcknowledgedEventsSurviveKill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round, sync := range []string{"", "1"} {
		dir := filepath.Join(t.TempDir(), "s")
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), "SEVENFOLD_STREAM_CHILD="+dir, "SEVENFOLD_STREAM_SYNC="+sync)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acked := -1
		lines := bufio.NewScanner(out)
		var timer *time.Timer
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(lines.Text())
			}
			if acked = n; timer == nil {
				timer = time.AfterFunc(time.Duration(300+100*round)*time.Millisecond, func() { _ = cmd.Process.Kill() })
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("it ended by itself")
		}
		if acked < 0 {
			t.Fatal("nothing was acknowledged")
		}
		s := open(t, Options{Dir: dir})
		batches, _, err := s.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, times := collect(t, s, int(batches))
		for i := range acked + 1 {
			if times[strconv.Itoa(i)] == 0 {
				t.Errorf("event %d of %d was acknowledged and is gone", i, acked)
			}
		}
		t.Logf("sync %q: %d acknowledged, %d found", sync, acked+1, len(times))
		s.Close()
	}
}

// TestThreeNodes runs the same code on a cluster that loses a node.
func TestThreeNodes(t *testing.T) {
	servers := cluster(t)
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.ClientURL())
	}
	s := open(t, Options{URL: strings.Join(urls, ","), Replicas: 3, MaxBytes: 64 << 20})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for i := range 10 {
		if err := s.Publish(ctx, "", numbered(i*10, 10)); err != nil {
			t.Fatal(err)
		}
	}
	servers[0].Shutdown()
	n := 100
	for until := time.Now().Add(3 * time.Minute); n < 200; {
		if err := s.Publish(ctx, fmt.Sprint("after-", n), numbered(n, 10)); err == nil {
			n += 10
		} else if time.Now().After(until) {
			t.Fatal(err)
		}
	}
	collect(t, s, 200)
}

// TestReaderLosesItsNode shuts down the node that keeps a reader's place while
// it reads: it goes on where it was, and no batch comes twice.
func TestReaderLosesItsNode(t *testing.T) {
	servers := cluster(t)
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.ClientURL())
	}
	s := open(t, Options{URL: strings.Join(urls, ","), Replicas: 3, MaxBytes: 64 << 20})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	publish := func(n int) {
		for ctx.Err() == nil {
			if err := s.Publish(ctx, fmt.Sprint("n-", n), numbered(n, 10)); err == nil {
				return
			}
		}
		t.Error("not published")
	}
	publish(0)
	var last uint64
	published := 10
	times := map[string]int{}
	err := s.Follow(ctx, 1, func(b Batch) error {
		if b.Sequence <= last {
			t.Errorf("batch %d after %d", b.Sequence, last)
		}
		last = b.Sequence
		for _, e := range b.Events {
			times[string(e)]++
		}
		return nil
	}, func() error {
		if len(times) == 20 {
			return ErrEnd
		}
		if len(times) < published {
			return nil
		}
		for c := range s.stream.ListConsumers(ctx).Info() {
			for _, ns := range servers {
				if ns.Name() == c.Cluster.Leader {
					ns.Shutdown()
				}
			}
			go publish(published)
			published += 10
			return nil
		}
		return errors.New("no node keeps the reader's place")
	})
	if !errors.Is(err, ErrEnd) || len(times) != 20 {
		t.Fatalf("%d of 20 events: %v", len(times), err)
	}
}

// cluster starts three servers that know each other.
func cluster(t *testing.T) []*server.Server {
	// A server of a cluster wants to know its routes before it starts, so the
	// ports are found first.
	var ports []int
	var routes []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		routes = append(routes, "nats://"+l.Addr().String())
		l.Close()
	}
	var servers []*server.Server
	for i := range 3 {
		ns, err := server.NewServer(&server.Options{ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, MaxPayload: maxPayload,
			// Not three quarters of what the disk of the day has free.
			JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 30,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]}, Routes: server.RoutesFromStr(strings.Join(routes, ","))})
		if err != nil {
			t.Fatal(err)
		}
		ns.Start()
		t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
		servers = append(servers, ns)
	}
	for _, ns := range servers {
		if !ns.ReadyForConnections(startWait) {
			t.Fatal("not ready")
		}
	}
	for until := time.Now().Add(3 * time.Minute); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		for _, s := range servers {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == 3 {
				return servers
			}
		}
	}
	t.Fatal("the cluster found no leader")
	return nil
}

func TestOptionsThatDoNotFit(t *testing.T) {
	if _, err := Open(t.Context(), Options{}); err == nil {
		t.Error("neither folder nor cluster")
	}
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, Partitions: 4})
	s.Close()
	if _, err := Open(t.Context(), Options{Dir: dir, Partitions: 8}); err == nil || !strings.Contains(err.Error(), "partitions") {
		t.Errorf("partitions changed: %v", err)
	}
	if _, err := unpack([]byte{5, 'x'}); err == nil {
		t.Error("a length beyond the end")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte{1, 'a', 2, 'b', 'c'})
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := unpack(b)
		n := 0
		for _, e := range events {
			n += len(e)
		}
		if n > len(b) || err == nil && len(b) > 0 && len(events) == 0 {
			t.Errorf("%d bytes of %d", n, len(b))
		}
	})
}

func BenchmarkPublish(b *testing.B) {
	for _, sync := range []bool{false, true} {
		b.Run(fmt.Sprintf("sync_%v", sync), func(b *testing.B) {
			s := open(b, Options{Dir: b.TempDir(), Sync: sync})
			data := []byte(strings.Repeat("x", 1000))
			var events []Event
			for i := range 256 {
				events = append(events, Event{Key: fmt.Sprint(i), Data: data})
			}
			for b.Loop() {
				if err := s.Publish(context.Background(), "", events); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*256/b.Elapsed().Seconds(), "events/s")
		})
	}
}
