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
	"k8s.io/apimachinery/pkg/types"
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
	changed := false
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
			client["url"], changed = c.opts.URL, true
		}
	}
	if !changed {
		return nil
	}
	if err := unstructured.SetNestedSlice(u.Object, hooks, "webhooks"); err != nil {
		return err
	}
	_, err = client.Update(ctx, u, metav1.UpdateOptions{FieldManager: "sevenfold-gate"})
	return err
}

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
