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
	controller *controller
	trusted    atomic.Bool // the API server was told whom to trust
	kept       atomic.Bool // every verdict was written
	changed    chan struct{}
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
	g := &Gate{opts: o, identity: &identity{hosts: o.Hosts, cert: o.TLSCert, key: o.TLSKey}, ledger: &ledger{}, changed: make(chan struct{}, 1), tlsNow: time.Now}
	g.controller = &controller{cluster: o.Cluster, grants: o.Grants, digest: o.Digest, ledger: g.ledger, now: o.Now,
		unlisted: o.Unlisted, log: o.Log, floor: map[string]int64{}, known: map[string]string{}}
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
	d := &decider{ledger: g.ledger, cluster: g.opts.Cluster, digest: g.opts.Digest, now: g.opts.Now}
	mux := http.NewServeMux()
	mux.Handle(Path, newWebhook(d, g.opts.Log))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !g.Ready() {
			http.Error(w, "not ready: certificates or cluster are not read yet", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok"))
	})
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
	g.controller.run(ctx, g.changed, func() { g.reached(&g.kept) })
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
