package admission

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Path is where the webhook answers AdmissionReviews.
const Path = "/admit"

// graceful is how long answers under way may take when the gate is stopped.
const graceful = 5 * time.Second

// Options say how the gate runs. Cluster, Grants, Digest and Hosts or a TLS
// certificate are required.
type Options struct {
	Cluster Cluster
	Grants  Grants
	Digest  Digest
	// Kinds are those held.
	Kinds []Kind
	// Controllers are the users who may say that an object is made for another:
	// DefaultControllers where nothing else is wanted.
	Controllers []string
	// Pilots is how many units that no certificate names a namespace may have.
	Pilots int
	// Listener is what the webhook is served on; Run closes it.
	Listener net.Listener
	// Hosts are the names and addresses the API server calls the webhook by;
	// the self-made TLS certificate is made out to them.
	Hosts []string
	// TLSCert and TLSKey are PEM files of a certificate that others make. The
	// API server is then told of its authority by others too. Files that change
	// are read again.
	TLSCert, TLSKey string
	// Unlisted is the pilot of objects no certificate names; 1 by habit.
	Unlisted int
	// SelfTest is how often growth is asked for that must be refused; 0: never.
	SelfTest time.Duration
	// Queues are Kueue's, whose AdmissionChecks are answered; nil: none is.
	Queues Queues
	// Lead runs a function while this replica is the one that writes; nil: it
	// always is. Every replica answers.
	Lead func(ctx context.Context, leading func(context.Context)) error
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Log takes what happens; nil: nothing is said.
	Log *slog.Logger
}

// HostsOf returns the names that the API server calls a webhook by, given the
// URL it is registered under or its service as NAMESPACE/NAME.
func HostsOf(address string) ([]string, error) {
	if u, err := url.Parse(address); err == nil && u.Scheme == "https" && u.Hostname() != "" {
		return []string{u.Hostname()}, nil
	}
	namespace, name, ok := cutService(address)
	if !ok {
		return nil, fmt.Errorf("%q is neither an https URL nor a service\nhint: give --url https://HOST:PORT%s or --service NAMESPACE/NAME", address, Path)
	}
	return []string{name + "." + namespace + ".svc", name + "." + namespace + ".svc.cluster.local"}, nil
}

// Gate is the webhook and the controller of one cluster.
type Gate struct {
	opts       Options
	identity   *identity
	ledger     *ledger
	kinds      *kinds
	controller *controller
	decider    *decider
	trusted    atomic.Bool // the API server was told whom to trust
	kept       atomic.Bool // every verdict was written
	changed    chan struct{}
	selftest   selftest
	tlsNow     func() time.Time // the clock TLS goes by, which is everybody's
}

// New makes a gate; Run starts it.
func New(o Options) (*Gate, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gate{opts: o, identity: &identity{hosts: o.Hosts, cert: o.TLSCert, key: o.TLSKey}, ledger: &ledger{}, kinds: newKinds(o.Kinds), changed: make(chan struct{}, 1), tlsNow: time.Now}
	g.controller = &controller{cluster: o.Cluster, grants: o.Grants, digest: o.Digest, ledger: g.ledger, kinds: g.kinds, census: newCensus(o.Cluster, g.kinds, o.Now), now: o.Now,
		unlisted: o.Unlisted, log: o.Log, floor: map[string]int64{}, known: map[string]string{}, badGlass: map[string]string{}}
	g.controller.leads.Store(o.Lead == nil)
	makers := map[string]bool{}
	for _, name := range o.Controllers {
		makers[name] = true
	}
	g.decider = &decider{ledger: g.ledger, cluster: o.Cluster, kinds: g.kinds, census: g.controller.census, desks: newDesks(o.Cluster, o.Now),
		digest: o.Digest, now: o.Now, makers: makers, pilots: o.Pilots}
	if o.TLSCert != "" {
		return g, g.identity.load()
	}
	if len(o.Hosts) == 0 {
		return nil, errors.New("nobody knows by which name the API server calls the webhook\nhint: give --service NAMESPACE/NAME, --url https://… or --tls-cert and --tls-key")
	}
	return g, nil
}

// Ready reports whether certificates and cluster were read, the verdicts are
// written, and the API server was told whom to trust.
func (g *Gate) Ready() bool { return g.trusted.Load() && g.kept.Load() }

// Changed makes the gate look at certificates and cluster again.
func (g *Gate) Changed() {
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// Handler answers AdmissionReviews at Path, and /healthz and /readyz.
func (g *Gate) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(Path, newWebhook(g.decider, g.opts.Log))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !g.Ready() {
			http.Error(w, "not ready: certificates or cluster are not read yet", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok"))
	})
	mux.HandleFunc("GET /selftest", g.serveSelfTest)
	mux.HandleFunc("GET /metrics", g.serveMetrics)
	return mux
}

// Run serves and keeps the verdicts until ctx ends, which is no error.
func (g *Gate) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler: g.Handler(), TLSConfig: g.identity.config(),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(g.opts.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 2)
	var all sync.WaitGroup
	all.Go(func() {
		if err := server.ServeTLS(g.opts.Listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("webhook: %w", err)
		}
	})
	all.Go(func() {
		seen := make(chan struct{})
		all.Go(func() {
			select {
			case <-seen:
				g.keep(ctx)
			case <-ctx.Done():
			}
		})
		if err := g.opts.Cluster.Run(ctx, func() { close(seen) }, g.Changed); err != nil && ctx.Err() == nil {
			failed <- err
		}
	})
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	cancel()
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), graceful)
	defer stop()
	if server.Shutdown(end) != nil {
		_ = server.Close()
	}
	all.Wait()
	return err
}

// keep runs what needs the cluster seen: the TLS certificate's authority and
// the verdicts.
func (g *Gate) keep(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		for said := ""; ; {
			err, wait := g.trust(ctx), resync
			switch {
			case err == nil:
				g.reached(&g.trusted)
				said = ""
			case err.Error() != said && ctx.Err() == nil:
				g.opts.Log.Error("the API server may not trust the webhook, and then refuses growth", "why", err.Error())
				said = err.Error()
				fallthrough
			default:
				wait = resync / 10
			}
			if !pause(ctx, wait) {
				return
			}
		}
	})
	all.Go(func() { g.testing(ctx) })
	all.Go(func() { g.lead(ctx) })
	all.Go(func() { g.queue(ctx) })
	g.controller.run(ctx, g.changed, func() { g.reached(&g.kept) })
}

// lead has this replica write while it leads.
func (g *Gate) lead(ctx context.Context) {
	if g.opts.Lead == nil {
		return
	}
	for ctx.Err() == nil {
		err := g.opts.Lead(ctx, func(ctx context.Context) {
			g.opts.Log.Info("leading: this replica writes the verdicts")
			g.controller.leads.Store(true)
			defer g.controller.leads.Store(false)
			g.Changed()
			<-ctx.Done()
		})
		if err != nil && ctx.Err() == nil {
			g.opts.Log.Error("no replica can be elected to write the verdicts", "why", err.Error())
		}
		if !pause(ctx, resync/5) {
			return
		}
	}
}

// reached notes one of the two things readiness waits for.
func (g *Gate) reached(what *atomic.Bool) {
	if !what.Swap(true) && g.Ready() {
		g.opts.Log.Info("ready", "address", g.opts.Listener.Addr().String())
	}
}

// trust renews the TLS certificate when it is time, and sees to it that the
// API server trusts it.
func (g *Gate) trust(ctx context.Context) error {
	i := g.identity
	if i.cert != "" {
		_, err := i.reload()
		return err
	}
	if now := g.tlsNow(); i.authority == nil || !now.Before(i.renew) {
		authority, use, err := i.fresh(now)
		if err != nil {
			return err
		}
		if err := g.opts.Cluster.Trust(ctx, authority); err != nil {
			return err
		}
		use()
		return nil
	}
	return g.opts.Cluster.Trust(ctx, i.authority)
}

func cutService(s string) (namespace, name string, ok bool) {
	namespace, name, ok = strings.Cut(s, "/")
	return namespace, name, ok && namespace != "" && name != "" && !strings.ContainsAny(s, ":. ") && !strings.Contains(name, "/")
}
