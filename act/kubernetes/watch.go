package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// watches makes the views; nothing is asked of the cluster yet.
func (c *Client) watches() {
	c.seen = map[schema.GroupVersionResource]cache.SharedIndexInformer{}
	for r, only := range map[schema.GroupVersionResource]metav1.ListOptions{
		namespaces: {LabelSelector: GateLabel},
		verdicts:   {FieldSelector: "metadata.name=" + VerdictName},
	} {
		c.seen[r] = c.informer(r, only)
	}
}

// informer makes one view.
func (c *Client) informer(r schema.GroupVersionResource, only metav1.ListOptions) cache.SharedIndexInformer {
	client := c.dynamic.Resource(r)
	return cache.NewSharedIndexInformer(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector, o.FieldSelector = only.LabelSelector, only.FieldSelector
			return patiently(ctx, c, r.Resource, func() (*unstructured.UnstructuredList, error) { return client.List(ctx, o) })
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector, o.FieldSelector = only.LabelSelector, only.FieldSelector
			return patiently(ctx, c, r.Resource, func() (watch.Interface, error) { return client.Watch(ctx, o) })
		},
	}, &unstructured.Unstructured{}, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
}

// patiently asks until a server answers, be it with a refusal. The reflector
// would wait up to half a minute between attempts and not hear of the end of
// ctx meanwhile; a server that comes back is wanted at once.
func patiently[T any](ctx context.Context, c *Client, what string, ask func() (T, error)) (T, error) {
	for {
		out, err := ask()
		var refusal apierrors.APIStatus
		if err == nil {
			c.complain(what, nil)
		}
		if err == nil || errors.As(err, &refusal) || ctx.Err() != nil {
			return out, err
		}
		c.complain(what, err)
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-time.After(retryAfter):
		}
	}
}

// complain tells of a failure once, until it is another or was over.
func (c *Client) complain(what string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	c.mu.Lock()
	again := c.said[what] == text
	c.said[what] = text
	c.mu.Unlock()
	if !again && err != nil && c.opts.Failed != nil {
		c.opts.Failed("watch "+what, err)
	}
}

// Run watches the cluster until ctx ends. ready is called once everything was
// seen, changed on every change since that may matter to the gate.
func (c *Client) Run(ctx context.Context, ready, changed func()) error {
	defer c.http.CloseIdleConnections()
	var all sync.WaitGroup
	defer all.Wait()
	var synced []cache.InformerSynced
	for r, informer := range c.seen {
		if err := c.prepare(ctx, r, informer, changed); err != nil {
			return err
		}
		synced = append(synced, informer.HasSynced)
		all.Go(func() { informer.RunWithContext(ctx) })
	}
	first, err := patiently(ctx, c, "the kinds there are", func() (bool, error) { return true, c.discover(ctx, &all, changed) })
	if err != nil && ctx.Err() == nil {
		c.complain("the kinds there are", err)
	}
	c.mu.Lock()
	for kind, v := range c.held {
		if kind != checkKind && kind != queuedKind { // without a right to these nothing else waits
			synced = append(synced, v.informer.HasSynced)
		}
	}
	c.mu.Unlock()
	if cache.WaitForCacheSync(ctx.Done(), synced...) && first {
		ready()
	}
	c.keepLooking(ctx, &all, changed)
	return nil
}

// prepare sets what a view keeps, hears and complains of.
func (c *Client) prepare(ctx context.Context, r schema.GroupVersionResource, informer cache.SharedIndexInformer, changed func()) error {
	_, errHandler := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if !owned(obj) {
				changed()
			}
		},
		DeleteFunc: func(obj any) {
			if !owned(obj) {
				changed()
			}
		},
		UpdateFunc: func(before, after any) {
			if matters(before, after) && !owned(after) {
				changed()
			}
		},
	})
	return errors.Join(errHandler, informer.SetTransform(transform(r.Group)),
		informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
			quiet := errors.Is(err, io.EOF) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
			if !quiet && ctx.Err() == nil {
				c.complain(r.Resource, hinted(err, r))
			}
		}))
}

// hinted adds what to do about a read that is refused.
func hinted(err error, r schema.GroupVersionResource) error {
	switch {
	case apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w (hint: bind the ClusterRole sevenfold-gate, which sevenfold gate admission --manifests prints)", err)
	case r == verdicts && apierrors.IsNotFound(err):
		return fmt.Errorf("%w (hint: sevenfold gate admission --manifests | kubectl apply -f - makes the ScaleVerdict type)", err)
	}
	return err
}

// matters reports whether an update changed more than versions and the number
// of replicas, which change all the time and decide nothing here. The status is
// dropped before.
func matters(before, after any) bool {
	a, ok1 := before.(*unstructured.Unstructured)
	b, ok2 := after.(*unstructured.Unstructured)
	if !ok1 || !ok2 {
		return true
	}
	if (a.GetDeletionTimestamp() == nil) != (b.GetDeletionTimestamp() == nil) || !maps.Equal(a.GetLabels(), b.GetLabels()) || !maps.Equal(a.GetAnnotations(), b.GetAnnotations()) {
		return true
	}
	return a.GetGeneration() != b.GetGeneration() && !reflect.DeepEqual(withoutReplicas(a), withoutReplicas(b))
}

// withoutReplicas is a spec, its replicas apart.
func withoutReplicas(u *unstructured.Unstructured) map[string]any {
	spec, _ := u.Object["spec"].(map[string]any)
	spec = maps.Clone(spec)
	delete(spec, "replicas")
	return spec
}

// Gated lists the namespaces with the gate's label that are not being deleted,
// in order.
func (c *Client) Gated() []string {
	var out []string
	for _, obj := range c.seen[namespaces].GetStore().List() {
		if u, ok := obj.(*unstructured.Unstructured); ok && u.GetDeletionTimestamp() == nil {
			out = append(out, u.GetName())
		}
	}
	slices.SortFunc(out, strings.Compare)
	return out
}

// Annotations returns the annotations of a gated namespace as last seen.
func (c *Client) Annotations(namespace string) map[string]string {
	obj, found, err := c.seen[namespaces].GetStore().GetByKey(namespace)
	if u, ok := obj.(*unstructured.Unstructured); ok && found && err == nil {
		return u.GetAnnotations()
	}
	return nil
}

// Verdict returns the spec of a namespace's ScaleVerdict as last seen.
func (c *Client) Verdict(namespace string) (json.RawMessage, bool) {
	u, ok := c.view(verdicts, namespace, VerdictName)
	if !ok {
		return nil, false
	}
	raw, err := spec(u)
	return raw, err == nil
}

func (c *Client) view(r schema.GroupVersionResource, namespace, name string) (*unstructured.Unstructured, bool) {
	obj, found, err := c.seen[r].GetStore().GetByKey(namespace + "/" + name)
	if err != nil || !found {
		return nil, false
	}
	u, ok := obj.(*unstructured.Unstructured)
	return u, ok
}
