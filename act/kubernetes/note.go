package kubernetes

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// noteAnnotation is where a Lease bears a note.
const noteAnnotation = "sevenfold.dev/note"

var leases = schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}

// Note reads a text that several clients share, and its version; both are empty if
// there is none. It lies in a Lease, which a namespace's Role can allow apart from
// everything else there.
func (c *Client) Note(ctx context.Context, namespace, name string) (text []byte, version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	u, err := c.dynamic.Resource(leases).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("note %s/%s: %w", namespace, name, err)
	}
	return []byte(u.GetAnnotations()[noteAnnotation]), u.GetResourceVersion(), nil
}

// WriteNote makes or replaces a note if its version is still the one given, empty
// for none; first is false if somebody else wrote it meanwhile.
func (c *Client) WriteNote(ctx context.Context, namespace, name string, text []byte, version string) (next string, first bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
		"metadata": map[string]any{"name": name, "namespace": namespace, "annotations": map[string]any{noteAnnotation: string(text)}}}}
	client := c.dynamic.Resource(leases).Namespace(namespace)
	if version == "" {
		u, err = client.Create(ctx, u, metav1.CreateOptions{FieldManager: "sevenfold-gate"})
	} else {
		u.SetResourceVersion(version)
		u, err = client.Update(ctx, u, metav1.UpdateOptions{FieldManager: "sevenfold-gate"})
	}
	switch {
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err) && version != "":
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("note %s/%s: %w", namespace, name, err)
	}
	return u.GetResourceVersion(), true, nil
}
