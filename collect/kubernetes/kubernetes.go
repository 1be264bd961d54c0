// Package kubernetes reads a cluster: every type its API server lists, by
// discovery and without knowing the types beforehand, and exported manifests
// of the same objects.
//
// It only ever gets and lists. Values of secrets do not leave the API server:
// secrets are asked for as a table of metadata. Values of configuration maps
// are dropped before anything sees them.
package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Defaults of Options.
const (
	DefaultConcurrency = 8
	DefaultPage        = 500
	DefaultHistory     = 5
	DefaultTimeout     = 60 * time.Second
	// requestsPerSecond keeps well under what an API server allows one user.
	requestsPerSecond = 50
)

// Options say which cluster to read and how. The zero value reads the current
// context of the usual kubeconfig, or the cluster the process runs in.
type Options struct {
	// Kubeconfig is a path; empty: KUBECONFIG, ~/.kube/config, in-cluster.
	Kubeconfig string
	// Context in the kubeconfig; empty: the current one.
	Context string
	// Cluster overrides the name that stands in ids; empty: the kubeconfig's
	// name for the cluster (see ClusterName).
	Cluster string
	// Config overrides kubeconfig and context; then Cluster should be given.
	Config *rest.Config
	// Namespaces limits namespaced types to these; empty: the whole cluster.
	Namespaces []string
	// Concurrency is the number of types listed at once, Page the number of
	// objects asked for in one reply, History the number of finished jobs, pods
	// and idle replica sets kept for each owner, Timeout the time for one
	// reply. Zero: the defaults.
	Concurrency, Page, History int
	Timeout                    time.Duration
}

// Collector reads one cluster.
type Collector struct {
	opts Options
}

// New returns a collector. Nothing is read before Collect.
func New(o Options) *Collector {
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.Page <= 0 {
		o.Page = DefaultPage
	}
	if o.History <= 0 {
		o.History = DefaultHistory
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	return &Collector{opts: o}
}

// Source is the source as the command line spells it.
func (c *Collector) Source() string {
	if c.opts.Context == "" {
		return "kubernetes"
	}
	return "kubernetes:" + c.opts.Context
}

// cluster is one cluster being read.
type cluster struct {
	opts    Options
	name    string
	entry   string // the kubeconfig's own name for the cluster
	host    string
	source  string
	dynamic dynamic.Interface
	rest    rest.Interface
	disco   discovery.DiscoveryInterface
	http    *http.Client
	sink    estate.Sink
}

// Collect reads the cluster into sink. It returns an error only when nothing
// could be read: no configuration, no answer, no right to see what types there
// are. All else that fails is a blind spot.
func (c *Collector) Collect(ctx context.Context, sink estate.Sink) error {
	cl, err := c.connect(sink)
	if err != nil {
		return err
	}
	defer cl.http.CloseIdleConnections()
	v, err := cl.version(ctx)
	if err != nil {
		return fmt.Errorf("%s: the API server at %s does not answer: %w (hint: kubectl get --raw /version shows the same; check context, network and credentials)", cl.source, cl.host, err)
	}
	types, err := cl.discover(ctx)
	if err != nil {
		return err
	}
	if err := cl.root(v); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Concurrency)
	for _, t := range types {
		g.Go(func() error {
			cl.list(ctx, t)
			return ctx.Err()
		})
	}
	return g.Wait()
}

func (c *Collector) connect(sink estate.Sink) (*cluster, error) {
	cl := &cluster{opts: c.opts, source: c.Source(), sink: sink, name: c.opts.Cluster}
	config := c.opts.Config
	if config == nil {
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		rules.ExplicitPath = c.opts.Kubeconfig
		loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.opts.Context})
		var err error
		if config, err = loader.ClientConfig(); err != nil {
			return nil, fmt.Errorf("%s: %w (hint: kubectl config get-contexts lists the contexts there are)", cl.source, err)
		}
		if raw, err := loader.RawConfig(); err == nil {
			context := c.opts.Context
			if context == "" {
				context = raw.CurrentContext
			}
			if k, ok := raw.Contexts[context]; ok {
				cl.entry = k.Cluster
			}
		}
	}
	if cl.name == "" {
		cl.name = cl.entry
	}
	cl.name = ClusterName(cl.name)
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = requestsPerSecond, 2*requestsPerSecond
	config.Timeout = c.opts.Timeout
	config.UserAgent = "sevenfold (" + runtime.GOOS + "/" + runtime.GOARCH + ")"
	config.WarningHandler = rest.NoWarnings{}
	cl.host = config.Host
	return cl, cl.clients(config)
}

func (cl *cluster) clients(config *rest.Config) error {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return fmt.Errorf("%s: %w", cl.source, err)
	}
	disco, err1 := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	dyn, err2 := dynamic.NewForConfigAndClient(config, client)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("%s: %w", cl.source, err)
	}
	cl.http, cl.disco, cl.rest, cl.dynamic = client, disco, disco.RESTClient(), dyn
	return nil
}

func (cl *cluster) version(ctx context.Context) (*version.Info, error) {
	cl.sink.Called("kubernetes:get:/version")
	body, err := cl.rest.Get().AbsPath("/version").Do(ctx).Raw()
	if err != nil {
		return nil, err
	}
	var v version.Info
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, fmt.Errorf("not the version of an API server: %w", err)
	}
	return &v, nil
}

// discover asks which types there are. A group that does not answer is a blind
// spot; no answer at all is an error.
func (cl *cluster) discover(ctx context.Context) ([]listable, error) {
	cl.sink.Called("kubernetes:get:/api")
	cl.sink.Called("kubernetes:get:/apis")
	// The client's own time limit bounds this; it does not take a context.
	lists, err := discovery.ServerPreferredResources(cl.disco)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	types := listables(lists)
	var partial *discovery.ErrGroupDiscoveryFailed
	switch {
	case errors.As(err, &partial) && len(types) > 0:
		for gv, why := range partial.Groups {
			cl.sink.BlindSpot(estate.BlindSpot{
				Source: cl.source, Account: cl.name, Operation: "kubernetes:discover:" + gv.String(),
				Types: []string{gv.String() + "/*"}, Status: statusOf(why), Why: shorten(why),
				Hint: "kubectl get apiservice " + gv.Version + "." + gv.Group + " shows why the group does not answer",
			})
		}
	case err != nil:
		return nil, fmt.Errorf("%s: which types there are cannot be read: %w (hint: grant get on nonResourceURLs /api, /api/*, /apis, /apis/*, as ClusterRole system:discovery does)", cl.source, err)
	case len(types) == 0:
		return nil, fmt.Errorf("%s: the API server at %s lists no type", cl.source, cl.host)
	}
	return types, nil
}

// root sends the cluster itself.
func (cl *cluster) root(v *version.Info) error {
	config, err := json.Marshal(map[string]any{
		"apiVersion": "kubernetes", "kind": "Cluster", "metadata": map[string]any{"name": cl.name},
		"kubeconfig": map[string]any{"cluster": cl.entry, "server": cl.host}, "version": v,
	})
	if err != nil {
		return err
	}
	cl.sink.Asset(estate.Asset{
		ID: ClusterID(cl.name), Type: ClusterType, Cloud: estate.Kubernetes, Account: cl.name, Name: cl.name,
		Config: config, Reads: []estate.Read{{Operation: "kubernetes:get:/version", Status: estate.ReadOK}}, Source: cl.source,
	})
	cl.sink.Covered(estate.Coverage{Type: ClusterType, Account: cl.name})
	return nil
}

// ClusterType is the type of a cluster itself.
const ClusterType = "kubernetes/Cluster"
