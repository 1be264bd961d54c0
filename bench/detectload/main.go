// Detectload sends events to a `sevenfold detect run` that it starts, as fast as they are
// taken, for a while, and prints what that cost as one JSON object.
//
//	go run ./bench/detectload -sevenfold BIN -state DIR -duration 600s -times 10 [-stream nats://… -replicas 3 -nodes PID,PID]
//
// The events are days of a made-up organisation (test/org), written beforehand; each time
// they are sent again only their ids, dates and, with -times, accounts are changed in
// place, so that -times organisations act by turns. Its own CPU time is that of this process, the product's
// that of the process it starts. Beside them, some times a second, an attack is sent: the
// time from then to the line that tells its incident is what is measured as delay.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sevenfold-sec/sevenfold/test/org"
)

const token = "a-token-of-a-benchmark-1234"

type options struct {
	binary, state, stream string
	duration              time.Duration
	times, senders        int
	replicas, days        int
	principals            int
	nodes                 string
}

func main() {
	var o options
	flag.StringVar(&o.binary, "sevenfold", "", "the program to measure")
	flag.StringVar(&o.state, "state", "", "state that has learnt the organisation of seed 1")
	flag.DurationVar(&o.duration, "duration", 30*time.Second, "how long events are sent")
	flag.IntVar(&o.times, "times", 1, "how many organisations act by turns")
	flag.IntVar(&o.senders, "senders", 3, "connections that send")
	flag.StringVar(&o.stream, "stream", "", "a NATS cluster's URL")
	flag.IntVar(&o.replicas, "replicas", 1, "nodes that hold each event")
	flag.StringVar(&o.nodes, "nodes", "", "process ids of the cluster's nodes, by commas: their CPU time is told too")
	flag.IntVar(&o.days, "days", 2, "days of events that are made")
	flag.IntVar(&o.principals, "principals", 150, "principals of one organisation")
	flag.Parse()
	r, err := measure(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "detectload:", err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(r)
}

// result is what a run cost.
type result struct {
	Principals int     `json:"principals"`
	Nodes      int     `json:"nodes"`
	Events     int64   `json:"events"`
	Seconds    float64 `json:"seconds"` // until the last was taken in
	Rate       float64 `json:"events_s"`
	PerCPU     float64 `json:"events_cpu_s"` // of the product
	ProductCPU float64 `json:"product_cpu_s"`
	NodesCPU   float64 `json:"nodes_cpu_s"`
	OwnCPU     float64 `json:"generator_cpu_s"`
	PeakMiB    float64 `json:"peak_mib"`
	Attacks    int     `json:"attacks"`
	Told       int     `json:"told"`
	P50        float64 `json:"p50_s"`
	P99        float64 `json:"p99_s"`
	Slowest    float64 `json:"slowest_s"`
	Refused    int64   `json:"refused"` // requests that were told to come again
	Incidents  int64   `json:"incidents"`
}

// budget is incidents a day of an organisation: a day passes in a part of a second, and
// what is measured is how soon an attack is told, not whether the budget has room for it.
const budget = 100

func measure(o options) (*result, error) {
	bodies, err := build(o)
	if err != nil {
		return nil, err
	}
	args := []string{"detect", "run", "--state", o.state, "--listen", "127.0.0.1:0", "--format", "json", "--budget", fmt.Sprint(budget * o.times), "--retain-mib", "2048"}
	if o.stream != "" {
		args = append(args, "--stream", o.stream, "--replicas", fmt.Sprint(o.replicas))
	}
	run, err := start(o.binary, args)
	if err != nil {
		return nil, err
	}
	defer run.kill()
	out := &result{Principals: o.times * o.principals, Nodes: max(1, o.replicas)}
	ownBefore, nodesBefore := own(), cpuOf(o.nodes)
	ctx, stop := context.WithTimeout(context.Background(), o.duration)
	defer stop()
	started := time.Now()
	go run.watch(ctx)
	attacks := &attacks{sent: map[string]time.Time{}}
	run.told = attacks.told
	var wg sync.WaitGroup
	failed := make(chan error, o.senders+1)
	dealt := &turns{bodies: bodies, o: o}
	for range o.senders {
		wg.Go(func() {
			if err := run.send(ctx, dealt, out); err != nil && ctx.Err() == nil {
				failed <- err
				stop()
			}
		})
	}
	wg.Go(func() {
		if err := attacks.send(ctx, run); err != nil && ctx.Err() == nil {
			failed <- err
			stop()
		}
	})
	wg.Wait()
	select {
	case err := <-failed:
		return nil, fmt.Errorf("%w\n%s", err, run.problems.String())
	default:
	}
	if err := run.drained(); err != nil {
		return nil, err
	}
	out.Seconds = time.Since(started).Seconds()
	out.OwnCPU, out.NodesCPU = (own() - ownBefore).Seconds(), cpuOf(o.nodes)-nodesBefore
	usage, err := run.end()
	if err != nil {
		return nil, err
	}
	out.ProductCPU = (time.Duration(usage.Utime.Nano()) + time.Duration(usage.Stime.Nano())).Seconds()
	out.PeakMiB = float64(usage.Maxrss) / 1024
	out.Rate, out.PerCPU = float64(out.Events)/out.Seconds, float64(out.Events)/out.ProductCPU
	out.Attacks, out.Told, out.P50, out.P99, out.Slowest = attacks.sum()
	out.Incidents = run.incidents.Load()
	return out, nil
}

// body is some events and the places in it that change.
type body struct {
	text     []byte
	ids      []int // of 8 hexadecimal digits of each event's id
	dates    []int // of "2026-01-05"
	day      int   // whose day of the organisation's
	accounts []place
	events   int
	sent     sync.Mutex // held while it is on its way
}

type place struct{ at, account int }

// build makes the bodies: 2,000 events each.
func build(o options) ([]*body, error) {
	world := org.New(org.Config{Seed: 1, Principals: o.principals, Begin: begin})
	for range learnDays { // that were learnt
		world.Day()
	}
	var out []*body
	for day := range o.days {
		date := []byte(world.Date().Format(time.DateOnly))
		records := world.Day()
		for part := range slices.Chunk(records, 2000) {
			b := &body{day: day, events: len(part), text: []byte(`{"Records":[`)}
			for i, r := range part {
				if i > 0 {
					b.text = append(b.text, ',')
				}
				from := len(b.text)
				b.text = append(b.text, r.Text...)
				at := bytes.Index(r.Text, []byte(`"eventID":"`))
				if at < 0 {
					return nil, errors.New("an event without an id")
				}
				b.ids = append(b.ids, from+at+len(`"eventID":"`))
				for _, p := range all(r.Text, date) {
					b.dates = append(b.dates, from+p)
				}
				for a, account := range world.Accounts {
					for _, p := range all(r.Text, []byte(account)) {
						b.accounts = append(b.accounts, place{from + p, a})
					}
				}
			}
			b.text = append(b.text, "]}"...)
			out = append(out, b)
		}
	}
	return out, nil
}

// learnDays is how many days detect.sh has learnt.
const learnDays = 20

func all(text, what []byte) (at []int) {
	for from := 0; ; {
		i := bytes.Index(text[from:], what)
		if i < 0 {
			return at
		}
		at = append(at, from+i)
		from += i + len(what)
	}
}

// begin is the day on which detect.sh has the organisation begin, a Monday so long ago that
// the days sent do not reach the present in ten minutes: a run on two cores sends some
// fourteen days a second, and there are 28 for each of 600.
var begin = time.Date(1980, 1, 7, 0, 0, 0, 0, time.UTC)

// first is the day of the first events that are sent, the one after those that were learnt:
// before it the model's clock and the budget's would stand still.
func first() time.Time { return begin.AddDate(0, 0, learnDays) }

// next makes a body that of another day, of another organisation.
func (b *body) next(serial uint32, date time.Time, organisation int) {
	var id [8]byte
	copy(id[:], fmt.Sprintf("%08x", serial))
	for i, at := range b.ids {
		n := serial + uint32(i)
		for d := range id {
			b.text[at+7-d] = "0123456789abcdef"[n>>(4*d)&15]
		}
	}
	day := date.Format(time.DateOnly)
	for _, at := range b.dates {
		copy(b.text[at:], day)
	}
	for _, p := range b.accounts {
		copy(b.text[p.at:], fmt.Sprintf("%012d", 100_000_000_000+organisation*1000+p.account))
	}
}

// process is the product at work.
type process struct {
	cmd       *exec.Cmd
	url       string
	problems  bytes.Buffer
	mu        sync.Mutex
	told      func(line []byte, at time.Time)
	incidents atomic.Int64
	read      sync.WaitGroup
	serial    atomic.Uint32
	clock     atomic.Int64 // the newest day sent, in Unix seconds
	behind    atomic.Bool  // more waits than maxLag
}

// start starts it and waits until it listens.
func start(binary string, args []string) (*process, error) {
	p := &process{cmd: exec.Command(binary, args...), told: func([]byte, time.Time) {}}
	p.cmd.Env = append(os.Environ(), "SEVENFOLD_DETECT_TOKEN="+token)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	listens := make(chan string, 1)
	p.read.Go(func() {
		s := bufio.NewScanner(stderr)
		for s.Scan() {
			if _, url, ok := strings.Cut(s.Text(), "taking events at "); ok {
				listens <- url
				continue
			}
			p.mu.Lock()
			if p.problems.Len() < 1<<16 {
				p.problems.WriteString(s.Text() + "\n")
			}
			p.mu.Unlock()
		}
		close(listens)
	})
	p.read.Go(func() {
		s := bufio.NewScanner(stdout)
		s.Buffer(nil, 16<<20)
		for s.Scan() {
			p.incidents.Add(1)
			p.told(s.Bytes(), time.Now())
		}
	})
	url, ok := <-listens
	if !ok {
		_ = p.cmd.Wait()
		return nil, fmt.Errorf("it does not listen: %s", p.problems.String())
	}
	p.url = url
	return p, nil
}

// post sends one body, again while it is told to come again.
func (p *process) post(ctx context.Context, text []byte, refused *int64) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(text))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		var why bytes.Buffer
		_, _ = why.ReadFrom(res.Body)
		res.Body.Close()
		switch res.StatusCode {
		case http.StatusOK, http.StatusAccepted:
			return nil
		case http.StatusServiceUnavailable:
			atomic.AddInt64(refused, 1)
			time.Sleep(100 * time.Millisecond)
		default:
			return fmt.Errorf("%s: %s", res.Status, why.String())
		}
	}
}

// turns deals the bodies out, in order of their days: whoever is free sends the next. Were
// each sender to go through bodies of its own, one with fewer of them would be ahead of
// the others by more and more days, and what those send would be of the past.
type turns struct {
	bodies []*body
	o      options
	next   atomic.Int64
}

// take is the next body, for one sender until its unlock is called, and the day and the
// organisation that it is to be of.
func (t *turns) take() (b *body, day time.Time, organisation int) {
	n := int(t.next.Add(1) - 1)
	round, i := n/len(t.bodies), n%len(t.bodies)
	b = t.bodies[i]
	b.sent.Lock()
	return b, first().AddDate(0, 0, round/t.o.times*t.o.days+b.day), round % t.o.times
}

// send sends bodies until the context ends.
func (p *process) send(ctx context.Context, t *turns, out *result) error {
	for {
		for p.behind.Load() && ctx.Err() == nil {
			time.Sleep(2 * time.Millisecond)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := p.sendOne(ctx, t, out); err != nil {
			return err
		}
	}
}

func (p *process) sendOne(ctx context.Context, t *turns, out *result) error {
	b, day, organisation := t.take()
	defer b.sent.Unlock()
	if day.AddDate(0, 0, 1).After(time.Now()) {
		return errors.New("the days have run out: events of the future are refused, send for a shorter -duration, or of more organisations (-times)")
	}
	for was := p.clock.Load(); was < day.Unix() && !p.clock.CompareAndSwap(was, day.Unix()); was = p.clock.Load() {
	}
	serial := p.serial.Add(uint32(b.events)) - uint32(b.events)
	b.next(serial, day, organisation)
	if err := p.post(ctx, b.text, &out.Refused); err != nil {
		return err
	}
	atomic.AddInt64(&out.Events, int64(b.events))
	return nil
}

// maxLag is how many batches may wait to be taken in before the senders pause: they send
// what is taken in and no more, or delay would only tell how long they have sent.
const maxLag = 64

// lag is how many batches are stored and not yet taken in.
func (p *process) lag() (batches int, err error) {
	req, err := http.NewRequest(http.MethodGet, strings.TrimSuffix(p.url, "/events")+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	for s := bufio.NewScanner(res.Body); s.Scan(); {
		if n, _ := fmt.Sscanf(s.Text(), "sevenfold_detect_lag_batches %d", &batches); n == 1 {
			return batches, nil
		}
	}
	return 0, errors.New("the metrics do not tell the lag")
}

// watch holds the senders back while more waits than maxLag.
func (p *process) watch(ctx context.Context) {
	for ctx.Err() == nil {
		if n, err := p.lag(); err == nil {
			p.behind.Store(n > maxLag)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// drained waits until all that was sent has been taken in.
func (p *process) drained() error {
	for range 1200 {
		n, err := p.lag()
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("what was sent is not taken in a minute later")
}

// end ends it as Ctrl-C does, and says what it used.
func (p *process) end() (*syscall.Rusage, error) {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return nil, err
	}
	p.read.Wait()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1 && exit.ExitCode() != 3) {
		return nil, fmt.Errorf("%w\n%s", err, p.problems.String())
	}
	return p.cmd.ProcessState.SysUsage().(*syscall.Rusage), nil
}

func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// own is the CPU time of this process.
func own() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for oneself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuOf is the CPU time of other processes, in seconds.
func cpuOf(list string) (seconds float64) {
	for pid := range strings.SplitSeq(list, ",") {
		if pid == "" {
			continue
		}
		text, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			continue
		}
		f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		var user, system float64
		if len(f) > 12 {
			fmt.Sscan(f[11], &user)
			fmt.Sscan(f[12], &system)
		}
		seconds += (user + system) / 100
	}
	return seconds
}
