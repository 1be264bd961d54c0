package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// maxRestarts bounds how often a list that expired midway is begun again.
const maxRestarts = 3

// readOperation is the operation that stands in an asset's reads.
const readOperation = "kubernetes:list"

// page is one reply: its objects, and how to ask for the next.
type page struct {
	items []map[string]any
	next  string
}

// fetch asks for one page; an empty namespace means the whole cluster.
type fetch func(ctx context.Context, namespace string, opts metav1.ListOptions) (page, error)

// list sends every object of a type. What ends it early is a blind spot.
func (cl *cluster) list(ctx context.Context, t listable) {
	scopes := []string{""}
	if t.namespaced && len(cl.opts.Namespaces) > 0 {
		scopes = cl.opts.Namespaces
	}
	fetch := cl.objects(t)
	if t.name() == "secrets" {
		fetch = cl.secrets
	}
	for _, namespace := range scopes {
		past := newHistory(t, cl.opts.History)
		err := cl.pages(ctx, t, namespace, fetch, past)
		cl.flush(t, namespace, past)
		switch {
		case ctx.Err() != nil:
			return
		case apierrors.IsMethodNotSupported(err), apierrors.IsNotFound(err) && t.Group != "":
			// The type went away between discovery and now, or is only
			// announced: there is nothing of it to be seen.
			cl.sink.Covered(estate.Coverage{Type: t.typ(), Account: cl.name, Region: namespace})
		case err != nil:
			cl.blind(t, namespace, err)
		case past.damaged:
			// Said object by object; what they were nobody knows.
		default:
			cl.sink.Covered(estate.Coverage{Type: t.typ(), Account: cl.name, Region: namespace})
		}
	}
}

// pages asks for page after page. A continue token that has expired is
// replaced by the one the server offers in its place, else the list is begun
// again: objects sent twice are merged by their id.
func (cl *cluster) pages(ctx context.Context, t listable, namespace string, fetch fetch, past *history) error {
	opts := metav1.ListOptions{Limit: int64(cl.opts.Page)}
	for restarts := 0; ; {
		cl.sink.Called(t.operation())
		p, err := fetch(ctx, namespace, opts)
		if err != nil {
			if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) || restarts >= maxRestarts || opts.Continue == "" {
				return err
			}
			restarts++
			opts.Continue = offered(err)
			continue
		}
		for _, obj := range p.items {
			cl.object(t, obj, past)
		}
		if p.next == "" {
			return nil
		}
		if p.next == opts.Continue {
			return fmt.Errorf("the server answers with the same continue token again")
		}
		opts.Continue = p.next
	}
}

// offered is the token with which a list can go on, inconsistently, after its
// own has expired; empty: begin again.
func offered(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return status.Status().Continue
	}
	return ""
}

func (cl *cluster) object(t listable, obj map[string]any, past *history) {
	obj["apiVersion"], obj["kind"] = t.GroupVersion().String(), t.kind
	a, err := assetOf(cl.name, obj, estate.Read{Operation: readOperation, Status: estate.ReadOK})
	if err != nil {
		cl.blind(t, "", malformed{err})
		past.damaged = true
		return
	}
	a.Source = cl.source
	if past.hold(obj, a) {
		return
	}
	cl.sink.Asset(a)
}

// flush sends the newest of what is past and says how much was left out.
func (cl *cluster) flush(t listable, namespace string, past *history) {
	for _, a := range past.newest() {
		cl.sink.Asset(a)
	}
	if past.left == 0 {
		return
	}
	cl.sink.BlindSpot(estate.BlindSpot{
		Source: cl.source, Account: cl.name, Region: namespace, Operation: t.operation(), Types: []string{t.typ()},
		Status: estate.ReadSkipped,
		Why:    fmt.Sprintf("%d finished or idle %s left out beyond the newest %d of each owner", past.left, t.Resource, cl.opts.History),
		Hint:   "nothing that runs is left out; ttlSecondsAfterFinished or a lower history limit would remove them",
	})
}

func (cl *cluster) objects(t listable) fetch {
	client := cl.dynamic.Resource(t.GroupVersionResource)
	return func(ctx context.Context, namespace string, opts metav1.ListOptions) (page, error) {
		l, err := client.Namespace(namespace).List(ctx, opts)
		if err != nil {
			return page{}, err
		}
		p := page{next: l.GetContinue(), items: make([]map[string]any, len(l.Items))}
		for i := range l.Items {
			p.items[i] = l.Items[i].Object
		}
		return p, nil
	}
}

// malformed marks an answer that does not fit its published shape.
type malformed struct{ error }

func (m malformed) Unwrap() error { return m.error }

func (cl *cluster) blind(t listable, namespace string, err error) {
	b := estate.BlindSpot{
		Source: cl.source, Account: cl.name, Region: namespace, Operation: t.operation(), Types: []string{t.typ()},
		Status: statusOf(err), Why: shorten(err), Hint: "kubectl get " + t.name() + " -A shows the same error",
	}
	switch b.Status {
	case estate.ReadDenied:
		b.Hint = t.hint()
	case estate.ReadThrottled:
		b.Hint = "run again when the API server is less busy"
	}
	cl.sink.BlindSpot(b)
}

func statusOf(err error) estate.ReadStatus {
	var m malformed
	switch {
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return estate.ReadDenied
	case apierrors.IsTooManyRequests(err):
		return estate.ReadThrottled
	case errors.As(err, &m):
		return estate.ReadMalformed
	}
	return estate.ReadFailed
}

// shorten bounds a provider's words to one line.
func shorten(err error) string {
	const limit = 300
	s := strings.Join(strings.Fields(err.Error()), " ")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
