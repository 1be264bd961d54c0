package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/cache"
)

const (
	kueueGroup = "kueue.x-k8s.io"
	checkKind  = "AdmissionCheck." + kueueGroup
	queuedKind = "Workload." + kueueGroup
)

// queueResources are Kueue's own, which say what waits; no view of the gate's census.
var queueResources = []Resource{
	{Kind: checkKind, Group: kueueGroup, Resource: "admissionchecks", Versions: []string{"v1beta2", "v1beta1"}},
	{Kind: queuedKind, Group: kueueGroup, Resource: "workloads", Versions: []string{"v1beta2", "v1beta1"}},
}

// Waiting is a Workload of Kueue with quota that has not started, of which a check
// of one controller is pending, or passed.
type Waiting struct {
	Namespace, Name, UID, Check string
	Passed                      bool
	// The object it was made for; empty where no one object is.
	OwnerVersion, OwnerKind, OwnerName, OwnerUID string
}

// Waiting lists what waits for the checks of Options.Checks, as last seen, and says
// of each check that somebody answers it. Without Kueue there is nothing.
func (c *Client) Waiting(ctx context.Context) ([]Waiting, error) {
	checks, workloads := c.viewOf(checkKind), c.viewOf(queuedKind)
	if checks == nil || workloads == nil || !checks.informer.HasSynced() || !workloads.informer.HasSynced() {
		return nil, nil
	}
	ours := map[string]bool{}
	var failed error
	for _, obj := range checks.informer.GetStore().List() {
		u, ok := obj.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		if name, _, _ := unstructured.NestedString(u.Object, "spec", "controllerName"); name != c.opts.Checks {
			continue
		}
		ours[u.GetName()] = true
		if !condition(u, "Active") {
			failed = errors.Join(failed, c.activate(ctx, checks, u.GetName()))
		}
	}
	var out []Waiting
	if len(ours) == 0 {
		return nil, failed
	}
	for _, obj := range workloads.informer.GetStore().List() {
		u, ok := obj.(*unstructured.Unstructured)
		if !ok || !waits(u) {
			continue
		}
		states, _, _ := unstructured.NestedSlice(u.Object, "status", "admissionChecks")
		for _, s := range states {
			m, _ := s.(map[string]any)
			name, _ := m["name"].(string)
			if !ours[name] || m["state"] != "Pending" && m["state"] != "Ready" {
				continue
			}
			w := Waiting{Namespace: u.GetNamespace(), Name: u.GetName(), UID: string(u.GetUID()), Check: name, Passed: m["state"] == "Ready"}
			if o := metav1.GetControllerOfNoCopy(u); o != nil {
				w.OwnerVersion, w.OwnerKind, w.OwnerName, w.OwnerUID = o.APIVersion, o.Kind, o.Name, string(o.UID)
			}
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b Waiting) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name), strings.Compare(a.Check, b.Check))
	})
	return out, failed
}

// waits reports whether a Workload has quota and has neither started nor ended.
func waits(u *unstructured.Unstructured) bool {
	return u.GetDeletionTimestamp() == nil && condition(u, "QuotaReserved") && !condition(u, "Admitted") && !condition(u, "Finished") && !condition(u, "Evicted")
}

func condition(u *unstructured.Unstructured, name string) bool {
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	return slices.ContainsFunc(list, func(c any) bool {
		m, _ := c.(map[string]any)
		return m["type"] == name && m["status"] == "True"
	})
}

// activate has Kueue know that a check is answered.
func (c *Client) activate(ctx context.Context, v *view, name string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	client := c.dynamic.Resource(v.resource)
	u, err := client.Get(ctx, name, metav1.GetOptions{})
	if err == nil && !condition(u, "Active") {
		list, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
		list = slices.DeleteFunc(list, func(c any) bool { m, _ := c.(map[string]any); return m["type"] == "Active" })
		list = append(list, map[string]any{"type": "Active", "status": "True", "reason": "Answered", "message": "the gate answers it by certificates",
			"lastTransitionTime": time.Now().UTC().Format(time.RFC3339), "observedGeneration": u.GetGeneration()})
		if err = unstructured.SetNestedSlice(u.Object, list, "status", "conditions"); err == nil {
			_, err = client.UpdateStatus(ctx, u, metav1.UpdateOptions{FieldManager: "sevenfold-gate"})
		}
	}
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		return fmt.Errorf("AdmissionCheck %s: %w", name, err)
	}
	return nil
}

// Answer says on a Workload that it may start, or that it is to be brought again
// after a while, and why. It writes nothing if the Workload is past it, or was
// changed meanwhile: then it is about to be seen again.
func (c *Client) Answer(ctx context.Context, w Waiting, pass bool, after time.Duration, why string, tell bool) error {
	v := c.viewOf(queuedKind)
	if v == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	client := c.dynamic.Resource(v.resource).Namespace(w.Namespace)
	u, err := client.Get(ctx, w.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("Workload %s/%s: %w", w.Namespace, w.Name, err)
	case string(u.GetUID()) != w.UID || !waits(u):
		return nil
	}
	states, _, err := unstructured.NestedSlice(u.Object, "status", "admissionChecks")
	if err != nil {
		return fmt.Errorf("Workload %s/%s: %w", w.Namespace, w.Name, err)
	}
	at := slices.IndexFunc(states, func(s any) bool { m, _ := s.(map[string]any); return m["name"] == w.Check })
	if at < 0 {
		return nil
	}
	state, _ := states[at].(map[string]any)
	if state["state"] != "Pending" && state["state"] != "Ready" {
		return nil
	}
	state["message"], state["lastTransitionTime"] = why, time.Now().UTC().Format(time.RFC3339)
	state["state"] = "Ready"
	if !pass {
		state["state"], state["requeueAfterSeconds"] = "Retry", int64(after/time.Second)
	}
	if err := unstructured.SetNestedSlice(u.Object, states, "status", "admissionChecks"); err != nil {
		return err
	}
	if _, err := client.UpdateStatus(ctx, u, metav1.UpdateOptions{FieldManager: "sevenfold-gate"}); apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("Workload %s/%s: %w", w.Namespace, w.Name, err)
	}
	if !tell {
		return nil
	}
	what, typ := "GrowthHeld", "Warning"
	if pass {
		what, typ = "GrowthAllowed", "Normal"
	}
	return c.event(ctx, w.Namespace, map[string]any{"apiVersion": u.GetAPIVersion(), "kind": "Workload", "name": w.Name, "namespace": w.Namespace, "uid": w.UID}, what, why, typ)
}

// transform is what a view keeps of its objects.
func transform(group string) cache.TransformFunc {
	if group != kueueGroup {
		return slim
	}
	return func(obj any) (any, error) {
		if u, ok := obj.(*unstructured.Unstructured); ok {
			unstructured.RemoveNestedField(u.Object, "metadata", "managedFields")
			unstructured.RemoveNestedField(u.Object, "spec", "podSets")
			unstructured.RemoveNestedField(u.Object, "status", "admission")
		}
		return obj, nil
	}
}
