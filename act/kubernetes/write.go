package kubernetes

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// maxAuthorities bounds the authorities trusted at once: those of a few
// replicas and their next and last ones.
const maxAuthorities = 8

// WriteVerdict makes or replaces a namespace's ScaleVerdict. If somebody else
// changed it since it was last seen nothing is written, without an error: the
// change is about to be seen, and the gate then decides anew.
func (c *Client) WriteVerdict(ctx context.Context, namespace string, spec json.RawMessage) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var body map[string]any
	if err := json.Unmarshal(spec, &body); err != nil {
		return err
	}
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": verdicts.GroupVersion().String(), "kind": "ScaleVerdict",
		"metadata": map[string]any{"name": VerdictName, "namespace": namespace}, "spec": body,
	}}
	client := c.dynamic.Resource(verdicts).Namespace(namespace)
	var err error
	if seen, ok := c.view(verdicts, namespace, VerdictName); ok {
		u.SetResourceVersion(seen.GetResourceVersion())
		u.SetLabels(seen.GetLabels())
		u.SetAnnotations(seen.GetAnnotations())
		_, err = client.Update(ctx, u, metav1.UpdateOptions{FieldManager: "sevenfold-gate"})
	} else {
		_, err = client.Create(ctx, u, metav1.CreateOptions{FieldManager: "sevenfold-gate"})
	}
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// Annotate sets annotations of a namespace; others stay. If somebody else
// changed the namespace since it was last seen nothing is written, without an
// error: see WriteVerdict.
func (c *Client) Annotate(ctx context.Context, namespace string, annotations map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	obj, found, err := c.seen[namespaces].GetStore().GetByKey(namespace)
	seen, ok := obj.(*unstructured.Unstructured)
	if err != nil || !found || !ok {
		return err // gone meanwhile
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": seen.GetResourceVersion(), "annotations": annotations}})
	if err != nil {
		return err
	}
	_, err = c.dynamic.Resource(namespaces).Patch(ctx, namespace, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "sevenfold-gate"})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// Event tells of something in a namespace, about the namespace's ScaleVerdict.
func (c *Client) Event(ctx context.Context, namespace, what, message string) error {
	return c.event(ctx, namespace, map[string]any{"apiVersion": verdicts.GroupVersion().String(), "kind": "ScaleVerdict", "name": VerdictName, "namespace": namespace}, what, message, "Warning")
}

// event tells of an object of a namespace. typ is Warning or Normal.
func (c *Client) event(ctx context.Context, namespace string, about map[string]any, what, message, typ string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	now := time.Now().UTC()
	_, err := c.dynamic.Resource(events).Namespace(namespace).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Event", "metadata": map[string]any{"name": fmt.Sprintf("%s.%x", about["name"], now.UnixNano()), "namespace": namespace},
		"involvedObject": about, "reason": what, "message": message, "type": typ, "count": int64(1), "source": map[string]any{"component": "sevenfold-gate"},
		"firstTimestamp": now.Format(time.RFC3339), "lastTimestamp": now.Format(time.RFC3339), "reportingComponent": "sevenfold-gate", "reportingInstance": "sevenfold-gate",
	}}, metav1.CreateOptions{FieldManager: "sevenfold-gate"})
	return err
}

// Try is growth that was asked for without being stored.
type Try struct {
	What string
	Err  error
}

// Probe asks, without storing anything, for two replicas of a Deployment and of
// a ReplicaSet in a namespace: the first is the floor's to refuse, the second the
// webhook's.
func (c *Client) Probe(ctx context.Context, namespace string) []Try {
	var out []Try
	for _, x := range []struct{ kind, resource string }{{"Deployment", "deployments"}, {"ReplicaSet", "replicasets"}} {
		labels := map[string]any{"app": "sevenfold-selftest"}
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": x.kind,
			"metadata": map[string]any{"generateName": "selftest-", "namespace": namespace},
			"spec": map[string]any{"replicas": int64(2), "selector": map[string]any{"matchLabels": labels}, "template": map[string]any{
				"metadata": map[string]any{"labels": labels}, "spec": map[string]any{"containers": []any{map[string]any{"name": "none", "image": "none"}}}}}}}
		ctx, cancel := context.WithTimeout(ctx, 2*requestTimeout)
		_, err := c.dynamic.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: x.resource}).Namespace(namespace).
			Create(ctx, u, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: "sevenfold-gate"})
		cancel()
		out = append(out, Try{"a " + x.kind + " of two replicas in namespace " + namespace, err})
	}
	return out
}

// Lead runs a function while this client holds a lease, as one of several that
// are named; its context ends when another may hold it. It returns when the lease
// is lost or ctx ends.
func (c *Client) Lead(ctx context.Context, namespace, name, identity string, leading func(context.Context)) error {
	leases, err := coordination.NewForConfigAndClient(c.config, c.http)
	if err != nil {
		return err
	}
	e, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:          &resourcelock.LeaseLock{LeaseMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Client: leases, LockConfig: resourcelock.ResourceLockConfig{Identity: identity}},
		LeaseDuration: leaseDuration, RenewDeadline: leaseDuration * 2 / 3, RetryPeriod: leaseDuration / 5, ReleaseOnCancel: true, Name: name,
		Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: leading, OnStoppedLeading: func() {}},
	})
	if err != nil {
		return err
	}
	e.Run(ctx)
	return nil
}

// leaseDuration is how long the verdicts are written by nobody after a replica
// that wrote them died.
const leaseDuration = 10 * time.Second

// Whoami is what the API server calls whoever asks.
func (c *Client) Whoami(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	u, err := c.dynamic.Resource(reviews).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": reviews.GroupVersion().String(), "kind": "SelfSubjectReview"}}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("ask who I am: %w", err)
	}
	name, _, _ := unstructured.NestedString(u.Object, "status", "userInfo", "username")
	if name == "" {
		return "", errors.New("the API server does not say who asks")
	}
	return name, nil
}

// SetAnnotation sets one annotation of a namespace, whether it is watched or
// not; empty takes it away.
func (c *Client) SetAnnotation(ctx context.Context, namespace, name, value string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var v any = value
	if value == "" {
		v = nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{name: v}}})
	if err != nil {
		return err
	}
	_, err = c.dynamic.Resource(namespaces).Patch(ctx, namespace, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "sevenfold"})
	return err
}

// Trust adds a certificate authority (PEM) to those the API server trusts when
// it calls the gate's webhooks, and drops expired ones, but never the one given.
func (c *Client) Trust(ctx context.Context, authority []byte) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	client := c.dynamic.Resource(webhooks)
	u, err := client.Get(ctx, WebhookName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("webhook configuration %s: %w (hint: sevenfold gate admission --manifests | kubectl apply -f - makes it)", WebhookName, err)
	}
	hooks, _, err := unstructured.NestedSlice(u.Object, "webhooks")
	if err != nil || len(hooks) == 0 {
		return errors.Join(err, fmt.Errorf("webhook configuration %s registers no webhook (hint: apply what sevenfold gate admission --manifests prints)", WebhookName))
	}
	changed, moved := false, false
	for _, h := range hooks {
		client, ok := h.(map[string]any)["clientConfig"].(map[string]any)
		if !ok {
			return fmt.Errorf("webhook configuration %s has a webhook without clientConfig", WebhookName)
		}
		before, _ := client["caBundle"].(string)
		after := base64.StdEncoding.EncodeToString(bundle(before, authority, time.Now()))
		if after != before {
			client["caBundle"], changed = after, true
		}
		if c.opts.URL != "" && client["url"] != c.opts.URL {
			delete(client, "service")
			client["url"], changed, moved = c.opts.URL, true, true
		}
	}
	if !changed {
		return nil
	}
	if err := unstructured.SetNestedSlice(u.Object, hooks, "webhooks"); err != nil {
		return err
	}
	if _, err = client.Update(ctx, u, metav1.UpdateOptions{FieldManager: "sevenfold-gate"}); err != nil {
		return err
	}
	if release := u.GetAnnotations()[helmRelease]; moved && release != "" && c.opts.Tell != nil {
		c.opts.Tell(fmt.Sprintf("Helm's release %[1]s does not know that the gate is called at %[2]s, and its next upgrade would fail: helm upgrade %[1]s CHART --reuse-values --set url=%[2]s", release, c.opts.URL))
	}
	return nil
}

// helmRelease is the annotation in which Helm notes whose an object is.
const helmRelease = "meta.helm.sh/release-name"

// bundle is the authorities before (PEM in base64), without expired ones and
// what is no certificate, and the one given. Its order is the same whoever
// writes it, or several replicas would rewrite it by turns.
func bundle(before string, authority []byte, now time.Time) []byte {
	type entry struct {
		text  string
		until int64
	}
	var all []entry
	rest, _ := base64.StdEncoding.DecodeString(before) // what is no base64 trusts nobody
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		text := string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil && now.Before(cert.NotAfter) && text != string(authority) {
			all = append(all, entry{text, cert.NotAfter.Unix()})
		}
	}
	order := func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.until, b.until), cmp.Compare(a.text, b.text))
	}
	slices.SortFunc(all, order)
	all = all[max(0, len(all)-maxAuthorities+1):]
	own := entry{text: string(authority)}
	if block, _ := pem.Decode(authority); block != nil {
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			own.until = cert.NotAfter.Unix()
		}
	}
	all = append(all, own)
	slices.SortFunc(all, order)
	var out []byte
	for _, e := range slices.Compact(all) {
		out = append(out, e.text...)
	}
	return out
}
