// Package kubernetes is the only code that writes to a cluster. For the gate: the
// ScaleVerdicts of gated namespaces, their copy in the namespaces' annotations,
// and the certificate authority in the gate's own webhook registration; a Client never
// touches a workload, and the rights it needs are those of
// deploy/kubernetes/20-rbac.yaml. For step 7: Actions, which contain an incident under
// the name of whoever responds, with rights of their own.
package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// The names the gate goes by in a cluster.
const (
	// GateLabel on a namespace has it gated (Enforced), or its ScaleVerdict
	// kept without effect (any other value, "prepared" by habit).
	GateLabel = "sevenfold.dev/gate"
	Enforced  = "enforced"
	// VerdictName is the name of a namespace's one ScaleVerdict.
	VerdictName = "gate"
	// WebhookName is the name of the webhook's registration.
	WebhookName = "sevenfold-gate"
)

var (
	namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	events     = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	reviews    = schema.GroupVersionResource{Group: "authentication.k8s.io", Version: "v1", Resource: "selfsubjectreviews"}
	verdicts   = schema.GroupVersionResource{Group: "sevenfold.dev", Version: "v1alpha1", Resource: "scaleverdicts"}
	webhooks   = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
)

// requestTimeout bounds one reply. It is less than the time the API server
// gives the webhook, so that a slow read becomes a refusal with a reason.
const requestTimeout = 3 * time.Second

// retryAfter is how long to wait for a server that does not answer.
const retryAfter = time.Second

// Options say which cluster, and how its webhook is called.
type Options struct {
	// Kubeconfig is a path; empty: KUBECONFIG, ~/.kube/config, in-cluster.
	Kubeconfig string
	// Context in the kubeconfig; empty: the current one.
	Context string
	// Config overrides kubeconfig and context.
	Config *rest.Config
	// URL is what the API server calls the webhook by. Empty: the registration
	// keeps what it says (a service), and only its authority is kept.
	URL string
	// Held are the resources whose objects are watched, where the API server has
	// them.
	Held []Resource
	// Checks is the controllerName of Kueue's AdmissionChecks that are answered; empty:
	// Kueue is not looked at.
	Checks string
	// Failed hears of reads that fail and are tried again; nil: nobody does.
	Failed func(what string, err error)
	// Tell hears what whoever installed the gate should do; nil: nobody does.
	Tell func(what string)
}

// Resource is a resource to be watched.
type Resource struct {
	// Kind is what its objects are called by: see gate/admission.
	Kind            string
	Group, Resource string
	// Versions of which one is read, those first that are preferred.
	Versions []string
}

// Client keeps a view of one cluster and writes what the gate has to write. It
// is safe for concurrent use. The view is empty until Run has called ready.
type Client struct {
	opts    Options
	http    *http.Client
	config  *rest.Config
	dynamic dynamic.Interface
	groups  discovery.DiscoveryInterface
	seen    map[schema.GroupVersionResource]cache.SharedIndexInformer // those every cluster has
	ask     chan struct{}                                             // look what else the API server has
	mu      sync.Mutex
	held    map[string]*view  // by kind
	said    map[string]string // the failure last told, by what failed
	// host and cluster are what the kubeconfig says.
	host, cluster string
}

// New connects to nothing yet. An error says that there is no usable
// configuration.
func New(o Options) (*Client, error) {
	c := &Client{opts: o, said: map[string]string{}, held: map[string]*view{}, ask: make(chan struct{}, 1)}
	config := o.Config
	if config == nil {
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		rules.ExplicitPath = o.Kubeconfig
		loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: o.Context})
		var err error
		if config, err = loader.ClientConfig(); err != nil {
			return nil, fmt.Errorf("kubernetes: %w\nhint: kubectl config get-contexts lists the contexts there are", err)
		}
		if raw, err := loader.RawConfig(); err == nil {
			name := o.Context
			if name == "" {
				name = raw.CurrentContext
			}
			if k, ok := raw.Contexts[name]; ok {
				c.cluster = k.Cluster
			}
		}
	}
	config = rest.CopyConfig(config)
	config.QPS = -1 // the API server's own priority and fairness decides
	config.UserAgent = "sevenfold-gate (" + runtime.GOOS + "/" + runtime.GOARCH + ")"
	config.WarningHandler = rest.NoWarnings{}
	c.host, c.config = config.Host, config
	var err error
	if c.http, err = rest.HTTPClientFor(config); err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	if c.dynamic, err = dynamic.NewForConfigAndClient(config, c.http); err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	if c.groups, err = discovery.NewDiscoveryClientForConfigAndClient(config, c.http); err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	c.watches()
	return c, nil
}

// Host is the API server's address.
func (c *Client) Host() string { return c.host }

// ClusterEntry is the kubeconfig's own name for the cluster; empty within one.
func (c *Client) ClusterEntry() string { return c.cluster }

// Object reads an object of a held kind as it is now; false if there is none.
func (c *Client) Object(ctx context.Context, namespace, kind, name string) (json.RawMessage, bool, error) {
	v := c.viewOf(kind)
	if v == nil {
		return nil, false, fmt.Errorf("the API server has no objects of kind %s, or did not when it was last asked", kind)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	u, err := c.dynamic.Resource(v.resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s %s/%s: %w", kind, namespace, name, err)
	}
	raw, err := json.Marshal(u.Object)
	return raw, err == nil, err
}

// spec is an object's spec, as JSON.
func spec(u *unstructured.Unstructured) (json.RawMessage, error) {
	return json.Marshal(u.Object["spec"])
}
