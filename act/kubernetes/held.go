package kubernetes

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"
)

// lookAgain is how often the API server is asked for kinds that it did not have
// before; one that is asked about is looked for at once.
const lookAgain = time.Minute

// view is the view of the objects of one kind.
type view struct {
	resource schema.GroupVersionResource
	informer cache.SharedIndexInformer
	stop     context.CancelFunc
}

func (c *Client) viewOf(kind string) *view {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held[kind]
}

// keepLooking looks for kinds that come and go until ctx ends.
func (c *Client) keepLooking(ctx context.Context, all *sync.WaitGroup, changed func()) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-c.ask:
		}
		err := c.discover(ctx, all, changed)
		if ctx.Err() == nil {
			c.complain("the kinds there are", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryAfter): // however often it is asked for
		}
	}
}

// discover starts views of the held kinds the API server has and ends those of
// kinds it has no more.
func (c *Client) discover(ctx context.Context, all *sync.WaitGroup, changed func()) error {
	groups, err := c.groups.ServerGroups()
	if err != nil {
		return err
	}
	served := map[schema.GroupVersion]bool{}
	for _, g := range groups.Groups {
		for _, v := range g.Versions {
			served[schema.GroupVersion{Group: g.Name, Version: v.Version}] = true
		}
	}
	lists := map[schema.GroupVersion][]string{}
	held := c.opts.Held
	if c.opts.Checks != "" {
		held = slices.Concat(held, queueResources)
	}
	for _, h := range held {
		found := schema.GroupVersionResource{}
		for _, version := range h.Versions {
			gv := schema.GroupVersion{Group: h.Group, Version: version}
			if !served[gv] {
				continue
			}
			names, ok := lists[gv]
			if !ok {
				if names, err = c.resources(gv); err != nil {
					return err
				}
				lists[gv] = names
			}
			if slices.Contains(names, h.Resource) {
				found = gv.WithResource(h.Resource)
				break
			}
		}
		if err := c.follow(ctx, h.Kind, found, all, changed); err != nil {
			return err
		}
	}
	return nil
}

// resources lists what an API server has of a group in a version.
func (c *Client) resources(gv schema.GroupVersion) ([]string, error) {
	list, err := c.groups.ServerResourcesForGroupVersion(gv.String())
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range list.APIResources {
		out = append(out, r.Name)
	}
	return out, nil
}

// follow has a kind viewed by a resource, or not at all where that is empty.
func (c *Client) follow(ctx context.Context, kind string, r schema.GroupVersionResource, all *sync.WaitGroup, changed func()) error {
	had := c.viewOf(kind)
	if had != nil && had.resource == r || had == nil && r.Resource == "" {
		return nil
	}
	if had != nil {
		had.stop()
		c.mu.Lock()
		delete(c.held, kind)
		c.mu.Unlock()
	}
	if r.Resource == "" {
		changed()
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	v := &view{resource: r, informer: c.informer(r, metav1.ListOptions{}), stop: stop}
	if err := c.prepare(ctx, r, v.informer, changed); err != nil {
		stop()
		return err
	}
	c.mu.Lock()
	c.held[kind] = v
	c.mu.Unlock()
	all.Go(func() { v.informer.RunWithContext(ctx) })
	return nil
}

// Watching reports whether all objects of a kind have been seen. For one that
// was not there the API server is asked again.
func (c *Client) Watching(kind string) bool {
	v := c.viewOf(kind)
	if v == nil {
		select {
		case c.ask <- struct{}{}:
		default:
		}
		return false
	}
	return v.informer.HasSynced()
}

// Thing is an object as last seen.
type Thing struct {
	Kind, Name, UID, Version string
	// Ending is set while it is being deleted, Done when it has run to its end.
	Ending, Done bool
	Object       func() ([]byte, error) // JSON
}

// Things lists the objects of held kinds in a namespace as last seen.
func (c *Client) Things(namespace string) []Thing {
	c.mu.Lock()
	views := make(map[string]*view, len(c.held))
	for kind, v := range c.held {
		if kind != checkKind && kind != queuedKind {
			views[kind] = v
		}
	}
	c.mu.Unlock()
	var out []Thing
	for kind, v := range views {
		list, err := v.informer.GetIndexer().ByIndex(cache.NamespaceIndex, namespace)
		if err != nil {
			continue // there is that index
		}
		for _, obj := range list {
			if u, ok := obj.(*unstructured.Unstructured); ok {
				out = append(out, Thing{Kind: kind, Name: u.GetName(), UID: string(u.GetUID()), Version: u.GetResourceVersion(),
					Ending: u.GetDeletionTimestamp() != nil, Done: done(u), Object: u.MarshalJSON})
			}
		}
	}
	return out
}

// Seen returns an object of a held kind as last seen, with little of its
// status; false if there was none.
func (c *Client) Seen(namespace, kind, name string) (json.RawMessage, bool) {
	v := c.viewOf(kind)
	if v == nil {
		return nil, false
	}
	obj, found, err := v.informer.GetStore().GetByKey(namespace + "/" + name)
	u, ok := obj.(*unstructured.Unstructured)
	if err != nil || !found || !ok {
		return nil, false
	}
	raw, err := json.Marshal(u.Object)
	return raw, err == nil
}

// slim drops what nobody here reads: it is most of an object, and changes all
// the time. What a controller makes in numbers is known by its owner and its
// size alone.
func slim(obj any) (any, error) {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return obj, nil
	}
	ended := ended(u)
	nodes, hasNodes, _ := unstructured.NestedInt64(u.Object, "status", "desiredNumberScheduled")
	unstructured.RemoveNestedField(u.Object, "metadata", "managedFields")
	unstructured.RemoveNestedField(u.Object, "status")
	if ended {
		u.Object["status"] = map[string]any{doneField: true}
	} else if hasNodes {
		u.Object["status"] = map[string]any{"desiredNumberScheduled": nodes}
	}
	if owned(u) {
		unstructured.RemoveNestedField(u.Object, "metadata", "annotations")
		switch u.GetKind() {
		case "Pod":
			delete(u.Object, "spec")
		case "ReplicaSet":
			unstructured.RemoveNestedField(u.Object, "spec", "template")
		}
	}
	return u, nil
}

const doneField = "sevenfoldDone"

func done(u *unstructured.Unstructured) bool {
	ended, _, _ := unstructured.NestedBool(u.Object, "status", doneField)
	return ended
}

// ended reports whether an object says that it has run to its end.
func ended(u *unstructured.Unstructured) bool {
	switch u.GetKind() {
	case "Pod":
		phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
		return phase == "Succeeded" || phase == "Failed"
	case "Job", "JobSet", "TrainJob", "PyTorchJob", "TFJob", "MPIJob", "XGBoostJob", "PaddleJob", "JAXJob", "MXJob", "Workflow":
	default:
		return false
	}
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		m, _ := c.(map[string]any)
		switch m["type"] {
		case "Complete", "Completed", "Failed", "Succeeded":
			return m["status"] == "True"
		}
		return false
	})
}

// owned reports whether a pod or ReplicaSet is what a controller made: there may
// be very many.
func owned(obj any) bool {
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	u, ok := obj.(*unstructured.Unstructured)
	return ok && (u.GetKind() == "Pod" || u.GetKind() == "ReplicaSet") && metav1.GetControllerOfNoCopy(u) != nil
}
