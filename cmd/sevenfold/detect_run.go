package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/act/notify"
	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/collect/aws/queue"
	"github.com/sevenfold-sec/sevenfold/collect/events"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/stream"
)

// tokenVariable holds the token that senders of events bear.
const tokenVariable = "SEVENFOLD_DETECT_TOKEN"

type runFlags struct {
	follow       bool
	listen       string
	queues       []string
	cert, key    string
	budget       float64
	notify       []string
	every        time.Duration
	folder       string
	stream       string
	replicas     int
	sync         bool
	retain       time.Duration
	retainMiB    int64
	streamMiB    int64
	budgetChosen bool
	rules        withRules
}

func newDetectRun(g *globals) *cobra.Command {
	f := runFlags{budget: assess.DefaultBudget}
	cmd := &cobra.Command{
		Use:   "run [PATH…]",
		Short: "Take events in, learn, and tell incidents as they are found",
		Long: `Take events in, learn, and tell incidents as they are found.

Files and folders are read from where the last run left off; with --follow they are
looked at again each second until the run is ended (Ctrl-C). With --listen events are
taken by POST /events from whoever bears the token in $` + tokenVariable + `; GET
/incidents, /proofs and /metrics tell how it stands. With --queue the objects in S3 are taken
that messages of an SQS queue tell of (S3's and CloudTrail's notifications, also through SNS and
EventBridge); a message leaves the queue once what it tells of is stored. Until the baseline is mature it
learns and tells nothing. Without --follow and --listen it ends when all is read: exit 1
with open incidents, 3 while immature, else 0.

An event is stored in the folder events of the state before it is acknowledged, and
survives the end of the process at any moment (kill -9). It survives the end of the
machine too with --sync, or with --stream nats://… and --replicas 3; without either, the
last two seconds may be lost then. A full stream or disk holds senders back (503).
Other verbs use the state while a run is at work, but for detect learn.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("detect run", "text", "json"); err != nil {
				return err
			}
			f.budgetChosen = cmd.Flags().Changed("budget")
			switch {
			case len(args) == 0 && f.listen == "" && len(f.queues) == 0:
				return usage("nothing to take events from", "sevenfold detect run PATH… --follow, or --listen 127.0.0.1:8477, or --queue https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
			case !(f.budget > 0) || f.budget > 10_000:
				return usage("--budget takes a number of incidents a day above 0", "--budget 3")
			case f.replicas < 1 || f.replicas > 1 && f.stream == "":
				return usage("--replicas is how many servers of a cluster hold each event", "--stream nats://a:4222,nats://b:4222 --replicas 3")
			case f.sync && f.stream != "":
				return usage("--sync is for the stream in this process: a cluster's servers are set by their own configuration", "sync_interval: always in the servers' jetstream block")
			case f.retain < 0 || f.retainMiB < 0 || f.streamMiB < 1:
				return usage("--retain, --retain-mib and --stream-mib are not below 0", "--retain 720h --retain-mib 20480 --stream-mib 4096")
			case (f.cert == "") != (f.key == ""):
				return usage("--cert and --key go together", "--cert tls.crt --key tls.key")
			}
			senders, err := targets(f.notify)
			if err != nil {
				return err
			}
			haste()
			return g.detectRun(cmd.Context(), args, f, senders)
		},
	}
	cmd.Flags().BoolVar(&f.follow, "follow", false, "go on reading what is added, until ended")
	cmd.Flags().StringVar(&f.listen, "listen", "", "take events by HTTP at this `ADDRESS` (127.0.0.1:8477); other than of this machine only with --cert")
	cmd.Flags().StringArrayVar(&f.queues, "queue", nil, "take the objects in S3 that messages of this SQS queue (`URL`) tell of, until ended; repeats")
	cmd.Flags().StringVar(&f.cert, "cert", "", "certificate `FILE` (PEM) to listen with")
	cmd.Flags().StringVar(&f.key, "key", "", "its private key `FILE`")
	cmd.Flags().Float64Var(&f.budget, "budget", f.budget, "incidents `N` a day that are wanted")
	cmd.Flags().StringArrayVar(&f.notify, "notify", nil, "tell incidents to a `TARGET`: webhook:URL, slack:URL, pagerduty:KEY, email:smtp://HOST?from=…&to=…; KIND:env:NAME takes it from the environment; repeats")
	f.rules.addTo(cmd)
	cmd.Flags().DurationVar(&f.every, "save-every", 30*time.Second, "how often what was learnt is kept")
	cmd.Flags().StringVar(&f.folder, "events", "", "`FOLDER` of stream, archive and quarantine (default: events in the state's folder)")
	cmd.Flags().StringVar(&f.stream, "stream", "", "keep the stream in a NATS cluster at this `URL` (nats://a:4222,nats://b:4222), not in this process")
	cmd.Flags().IntVar(&f.replicas, "replicas", 1, "how many `N` of the cluster's servers hold each event")
	cmd.Flags().BoolVar(&f.sync, "sync", false, "have every event on disk before it is acknowledged")
	cmd.Flags().Int64Var(&f.streamMiB, "stream-mib", 4096, "how much the stream may hold, in `MiB`")
	cmd.Flags().DurationVar(&f.retain, "retain", 90*24*time.Hour, "how long events stay in the archive; 0: for ever")
	cmd.Flags().Int64Var(&f.retainMiB, "retain-mib", 20<<10, "how much the archive may hold, in `MiB`; 0: no bound")
	return cmd
}

func targets(list []string) ([]notify.Sender, error) {
	var out []notify.Sender
	for _, t := range list {
		s, err := notify.Parse(t)
		if err != nil {
			return nil, usage("--notify: "+printable(err.Error()), "webhook:https://…, slack:env:SLACK_URL, pagerduty:env:PD_KEY, email:smtp://mail.acme.example?from=a@acme.example&to=b@acme.example")
		}
		out = append(out, s)
	}
	return out, nil
}

// eventsFolder is where stream, archive and quarantine lie.
func (s *session) eventsFolder(given string) (string, error) {
	switch {
	case given != "":
		return given, nil
	case s.folder() != "":
		return filepath.Join(s.folder(), "events"), nil
	}
	return "", usage("the state is a database: where events are kept is not said", "--events DIR")
}

func (g *globals) detectRun(ctx context.Context, paths []string, f runFlags, senders []notify.Sender) error {
	s, err := g.scopeOnly()
	if err != nil {
		return err
	}
	dir, err := s.eventsFolder(f.folder)
	if err != nil {
		return err
	}
	o := assess.RunOptions{Dir: dir, RetainAge: f.retain, RetainBytes: f.retainMiB << 20,
		Stream: stream.Options{URL: f.stream, Replicas: f.replicas, Sync: f.sync, MaxBytes: f.streamMiB << 20}}
	if o.Rules, err = f.rules.load(g); err != nil {
		return err
	}
	o.RulesLeft, o.Proofs = f.rules.left, detect.NewProofKey(os.Getenv(tokenVariable))
	if o.FlowFormat, err = f.rules.flowFormat(); err != nil {
		return err
	}
	if o.Mapping, err = f.rules.readMapping(); err != nil {
		return err
	}
	st, err := store.Open(ctx, s.state())
	if err != nil {
		return stateFailure(err)
	}
	defer st.Close()
	if o.Snapshot, err = latestEstate(ctx, st); err != nil {
		return err
	}
	if f.budgetChosen {
		o.Budget = f.budget
	}
	out := &teller{g: g, senders: senders, queue: make(chan detect.Incident, 1000)}
	o.Tell = out.tell
	o.Trouble = func(text string) { fmt.Fprintln(g.stderr, "sevenfold: "+printable(text)) }
	r, err := assess.OpenRunning(ctx, st, o)
	if err != nil {
		return stateFailure(err)
	}
	defer r.Close()
	stop := out.start(ctx)
	defer stop()
	return g.runUntilDone(ctx, r, paths, f)
}

// runUntilDone takes in what comes until there is no more, or the run is ended.
func (g *globals) runUntilDone(ctx context.Context, r *assess.Running, paths []string, f runFlags) error {
	reading, endReading := context.WithCancel(context.WithoutCancel(ctx))
	read := make(chan struct{})
	go func() { defer close(read); r.Run(reading) }()
	defer func() { endReading(); <-read }()
	end := func() error { return nil }
	if f.listen != "" {
		var err error
		if end, err = g.listen(ctx, f, r); err != nil {
			return err
		}
	}
	queues, err := openQueues(ctx, f.queues)
	if err != nil {
		return err
	}
	goesOn := f.follow || f.listen != "" || len(queues) > 0
	sweeping, endSweep := context.WithCancel(ctx)
	var others sync.WaitGroup
	for _, q := range queues {
		others.Go(func() { r.FromQueue(sweeping, q) })
	}
	saved := make(chan error, 1)
	go func() { saved <- saveWhenDue(sweeping, r, f.every); endSweep() }()
	var swept error
	for sweeping.Err() == nil {
		if swept = r.Sweep(sweeping, paths, !goesOn); swept != nil || !goesOn {
			break
		}
		select {
		case <-sweeping.Done():
		case <-time.After(time.Second):
		}
	}
	failed := sweeping.Err() != nil && ctx.Err() == nil // saving has
	endSweep()
	others.Wait()
	if err := <-saved; failed && err != nil {
		return stateFailure(err)
	}
	if swept != nil && ctx.Err() == nil {
		return swept
	}
	err = end()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWait)
	defer cancel()
	if err := r.Drain(last); err != nil && ctx.Err() == nil {
		return err
	} // what is not taken in now is at the next start
	endReading()
	<-read
	if err := saveAtLast(last, r); err != nil {
		return stateFailure(err)
	}
	events, duplicates, rejected := r.Totals()
	fmt.Fprintf(g.stderr, "%d events, %d that came twice, %d parts that gave none\n", events, duplicates, rejected)
	if n := r.Watch().Budget.Withheld(); n > 0 {
		printFailure(g.stderr, &failure{what: counted(n, "incident") + " of the last 30 days not told: the budget had no room for more", hint: "sevenfold detect replay --archive --budget N with a larger N tells them"})
	}
	if first := r.Unread(); first != "" {
		printFailure(g.stderr, &failure{what: printable(first), hint: "they are in quarantine.jsonl of the events folder, each with its reason"})
	}
	return errors.Join(err, runExit(r.Watch(), rejected+f.rules.left))
}

// openQueues opens the queues of --queue.
func openQueues(ctx context.Context, addresses []string) (out []*queue.Queue, err error) {
	for _, a := range addresses {
		q, err := queue.Open(ctx, a)
		if err != nil {
			return nil, usage("--queue "+printable(a)+": "+err.Error(), "aws sqs list-queues prints the addresses")
		}
		out = append(out, q)
	}
	return out, nil
}

// saveWhenDue keeps what was learnt whenever that is due, until the context ends: beside
// what comes in, since a full stream has room again only once what it has is kept.
func saveWhenDue(ctx context.Context, r *assess.Running, every time.Duration) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(dueEvery):
		}
		if !r.Due(every) {
			continue
		}
		var locked *store.LockedError
		if err := r.Save(ctx); err != nil && !errors.As(err, &locked) && ctx.Err() == nil { // if not now, then the next time
			return err
		}
	}
}

// dueEvery is how often it is looked whether a save is due.
const dueEvery = 200 * time.Millisecond

// lastWait bounds how long the end of a run may take.
const lastWait = 10 * time.Minute

// saveAtLast saves once whoever else uses the state lets it.
func saveAtLast(ctx context.Context, r *assess.Running) error {
	for {
		err := r.Finish(ctx)
		var locked *store.LockedError
		if !errors.As(err, &locked) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func runExit(w *assess.Watch, rejected int) error {
	for _, i := range w.Incidents {
		if i.Status == "open" {
			return verdict(exitNotReady)
		}
	}
	if rejected > 0 || w.Budget.Withheld() > 0 || !detect.LearntOf(w.Model).Mature {
		return verdict(exitUnknown)
	}
	return nil
}

// listen serves the way in over HTTP until the context ends; end waits for that.
func (g *globals) listen(ctx context.Context, f runFlags, r *assess.Running) (end func() error, err error) {
	token := os.Getenv(tokenVariable)
	if token == "" {
		return nil, usage("--listen takes events from whoever bears a token, and none is set", "export "+tokenVariable+"=$(openssl rand -hex 16)")
	}
	way, err := events.NewReceiver(token, r.Take)
	if err != nil {
		return nil, usage(tokenVariable+": "+err.Error(), "export "+tokenVariable+"=$(openssl rand -hex 16)")
	}
	way.Answers = r.Answers()
	l, err := events.Listen(f.listen, f.cert != "")
	if err != nil {
		return nil, usage("--listen: "+err.Error(), "--listen 127.0.0.1:8477, or --cert tls.crt --key tls.key")
	}
	fmt.Fprintf(g.stderr, "taking events at %s://%s/events\n", map[bool]string{false: "http", true: "https"}[f.cert != ""], l.Addr())
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(ctx)
	go func() { done <- way.Serve(ctx, l, f.cert, f.key) }()
	return func() error { stop(); return <-done }, nil
}

// teller passes incidents on: to the terminal or standard output at once, to targets one
// after another beside the detection.
type teller struct {
	g       *globals
	senders []notify.Sender
	queue   chan detect.Incident
	wg      sync.WaitGroup
}

// tell hears of an incident; those that only grow are not told again.
func (t *teller) tell(i detect.Incident, grown bool) {
	if grown {
		return
	}
	if t.g.format == "json" {
		_ = json.NewEncoder(t.g.stdout).Encode(i) // nobody listens if this fails
	} else {
		incidentText(t.g.stdout, &i)
	}
	if len(t.senders) == 0 {
		return
	}
	select {
	case t.queue <- i:
	default:
		fmt.Fprintf(t.g.stderr, "sevenfold: incident %s waits for nobody: too many are unsent; sevenfold detect incidents has it\n", i.ID)
	}
}

// start begins to send; the function it returns waits until all is sent, at most some
// seconds.
func (t *teller) start(ctx context.Context) func() {
	ctx = context.WithoutCancel(ctx)
	t.wg.Go(func() {
		for i := range t.queue {
			for _, s := range t.senders {
				if err := sendTwice(ctx, s, &i); err != nil {
					fmt.Fprintf(t.g.stderr, "sevenfold: incident %s: %s\n", i.ID, printable(err.Error()))
				}
			}
		}
	})
	return func() {
		close(t.queue)
		t.wg.Wait()
	}
}

// sendTwice sends, and after a failure once more.
func sendTwice(ctx context.Context, s notify.Sender, i *detect.Incident) error {
	body, err := json.Marshal(i)
	if err != nil {
		return err
	}
	m := notify.Message{ID: i.ID, Severity: string(i.Severity), Title: i.Summary, At: i.Raised, Body: body}
	for _, x := range i.Signals[:min(len(i.Signals), maxSignalsShown)] {
		m.Lines = append(m.Lines, x.Action+": "+strings.Join(x.Why, "; "))
	}
	if err = s.Send(ctx, m); err != nil {
		time.Sleep(time.Second)
		err = s.Send(ctx, m)
	}
	return err
}

func newDetectProve(g *globals) *cobra.Command {
	var principal, region, address, agent string
	var technique []string
	cmd := &cobra.Command{
		Use:   "prove URL|FOLDER",
		Short: "Send synthetic attacks through the way in of a running detection",
		Long: `Send synthetic attacks through the way in of a running detection.

URL is where detect run listens (http://127.0.0.1:8477/events), FOLDER one that it
follows. Each attack is some calls of a role of yours that were refused, marked in their
request id, which no detection looks at. Whether and how soon each became an incident
is noted by the run, and decides detect.proof.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("detect prove", "text", "json"); err != nil {
				return err
			}
			if principal == "" {
				return usage("--principal names the role that plays the attacker", "--principal arn:aws:iam::111122223333:role/trainer")
			}
			if len(technique) == 0 {
				technique = detect.Techniques()
			}
			type sent struct {
				Technique string `json:"technique"`
				Marker    string `json:"marker"`
				Events    int    `json:"events"`
			}
			list := []sent{}
			for _, t := range technique {
				records, marker, err := detect.Play(t, principal, region, address, agent, time.Now())
				if err != nil {
					return usage(printable(err.Error()), "sevenfold detect prove --help")
				}
				if err := inject(cmd.Context(), args[0], marker, records, false); err != nil {
					return err
				}
				list = append(list, sent{t, marker, len(records)})
			}
			return g.tell(map[string]any{"sent": list}, func(out io.Writer) error {
				for _, s := range list {
					fmt.Fprintf(out, "%s: %d events sent, marked %s\n", s.Technique, s.Events, s.Marker)
				}
				fmt.Fprintln(out, "what became of them: sevenfold assess, line detect.proof, once the run has kept it")
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&principal, "principal", "", "`ARN` of the role that plays the attacker")
	cmd.Flags().StringVar(&region, "region", "us-east-1", "region of the calls")
	cmd.Flags().StringVar(&address, "address", "203.0.113.77", "address the calls come from")
	cmd.Flags().StringVar(&agent, "agent", "aws-cli/2.31.4", "program the calls are made with")
	cmd.Flags().StringArrayVar(&technique, "technique", nil, "play only this technique; repeats: "+strings.Join(detect.Techniques(), ", "))
	return cmd
}

// inject sends records where a run takes them in: CloudTrail's, or of audit events of a cluster
// a list as an API server sends it.
func inject(ctx context.Context, to, marker string, records []json.RawMessage, cluster bool) error {
	list := map[string]any{"Records": records}
	if cluster {
		list = map[string]any{"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": records}
	}
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(to, "http://") && !strings.HasPrefix(to, "https://") {
		if info, err := os.Stat(to); err != nil || !info.IsDir() {
			return usage(to+" is neither a URL nor a folder", "sevenfold detect prove http://127.0.0.1:8477/events")
		}
		name := filepath.Join(to, "proof-"+strings.ReplaceAll(marker, "~", "-")+".json")
		if err := os.WriteFile(name+".part", append(body, '\n'), 0o644); err != nil {
			return err
		}
		return os.Rename(name+".part", name)
	}
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return usage(err.Error(), "sevenfold detect prove http://127.0.0.1:8477/events")
	}
	req.Header.Set("Authorization", "Bearer "+os.Getenv(tokenVariable))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return usage("the way in did not answer: "+err.Error(), "start it: sevenfold detect run --listen 127.0.0.1:8477")
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
	if resp.StatusCode != http.StatusOK {
		return &failure{code: exitUsage, what: fmt.Sprintf("the way in answered %s: %s", resp.Status, printable(strings.TrimSpace(string(text)))), hint: "export " + tokenVariable + " as it is where detect run is"}
	}
	var took struct {
		Events int `json:"events"`
	}
	if err := json.Unmarshal(text, &took); err != nil || took.Events != len(records) {
		return errors.New("the way in did not take all events")
	}
	return nil
}
