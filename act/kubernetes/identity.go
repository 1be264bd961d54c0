package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	authentication "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// reviewPath answers who a request comes from (Kubernetes 1.28 and later; everybody who is
// authenticated may ask).
const reviewPath = "/apis/authentication.k8s.io/v1/selfsubjectreviews"

// maxReview bounds what is read of its answer.
const maxReview = 1 << 20

// Subject is the name by which an API server knows a principal: "system:serviceaccount:ml:responder"
// or the name of a user as it is, k8s://CLUSTER/NAMESPACE/ServiceAccount/NAME and
// k8s://CLUSTER//User/NAME by what they name. It is empty for an ARN, which is no name of a
// cluster's. A group, or what names nobody, is an error.
func Subject(principal string) (string, error) {
	if principal == "" || strings.HasPrefix(principal, "arn:") {
		return "", nil
	}
	wrong := func(what string) error {
		return fmt.Errorf("respond.responder: %s, so that nothing can be done as it in a cluster\nhint: system:serviceaccount:NAMESPACE:NAME, or the name of a user", what)
	}
	if rest, ok := strings.CutPrefix(principal, accountPrefix); ok {
		namespace, name, _ := strings.Cut(rest, ":")
		if namespace == "" || name == "" || strings.ContainsAny(rest, "/ ") || strings.Contains(name, ":") {
			return "", wrong(fmt.Sprintf("%q is no service account", principal))
		}
		return principal, nil
	}
	if !strings.HasPrefix(principal, "k8s://") {
		if strings.ContainsFunc(principal, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", wrong(fmt.Sprintf("%q is no name of a user", principal))
		}
		return principal, nil
	}
	p := strings.SplitN(strings.TrimPrefix(principal, "k8s://"), "/", 4)
	switch {
	case len(p) == 4 && p[2] == "ServiceAccount" && p[1] != "" && p[3] != "":
		return accountPrefix + p[1] + ":" + p[3], nil
	case len(p) == 4 && p[2] == "User" && p[3] != "":
		return p[3], nil
	case len(p) == 4 && p[2] == "Group":
		return "", wrong(fmt.Sprintf("%q is a group, and many may be of it", principal))
	}
	return "", wrong(fmt.Sprintf("%q names nobody", principal))
}

const accountPrefix = "system:serviceaccount:"

// ActAsError says that the user of the kubeconfig may not act as the responder.
type ActAsError struct {
	// Subject is who was to be acted as.
	Subject string
	err     error
}

// Error implements error.
func (e *ActAsError) Error() string {
	role := fmt.Sprintf("{apiGroups: [\"\"], resources: [users], resourceNames: [%q], verbs: [impersonate]}", e.Subject)
	if rest, ok := strings.CutPrefix(e.Subject, accountPrefix); ok {
		namespace, name, _ := strings.Cut(rest, ":")
		role = fmt.Sprintf("{apiGroups: [\"\"], resources: [serviceaccounts], resourceNames: [%q], verbs: [impersonate]}, by a Role in namespace %s", name, namespace)
	}
	return fmt.Sprintf("the user of the kubeconfig may not act as %s (respond.responder): %v\nhint: grant it %s; or use a kubeconfig of the responder's own", e.Subject, e.err, role)
}

// Unwrap is what the API server answered.
func (e *ActAsError) Unwrap() error { return e.err }

// actAs makes the client by which config's user acts as a subject. Whoever is that subject
// already acts as before, and needs no right to impersonate: who it is the API server is asked
// with the first request.
func actAs(config *rest.Config, subject string) (*http.Client, error) {
	plain, err := rest.HTTPClientFor(config)
	if err != nil || subject == "" {
		return plain, err
	}
	other := rest.CopyConfig(config)
	other.Impersonate = rest.ImpersonationConfig{UserName: subject} // an account's groups the API server adds
	as, err := rest.HTTPClientFor(other)
	if err != nil {
		return nil, err
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	review := base.ResolveReference(base)
	review.Path = strings.TrimSuffix(base.Path, "/") + reviewPath
	out := *plain
	t := &impersonating{subject: subject, review: review.String(), plain: plain.Transport, as: as.Transport}
	if t.plain == nil { // a configuration that asks for nothing of its own
		t.plain = http.DefaultTransport
	}
	out.Transport = t
	return &out, nil
}

// impersonating sends requests as a subject: by the transport as it is where that is the
// subject's own, else by one that asks the API server to take them as its.
type impersonating struct {
	subject, review string
	plain, as       http.RoundTripper

	mu     sync.Mutex
	chosen http.RoundTripper // nil until the API server said who asks
}

// RoundTrip implements http.RoundTripper.
func (t *impersonating) RoundTrip(q *http.Request) (*http.Response, error) {
	by, err := t.choose(q.Context())
	if err != nil {
		if q.Body != nil {
			_ = q.Body.Close() // as a transport has to
		}
		return nil, err
	}
	r, err := by.RoundTrip(q)
	if err == nil && r.StatusCode == http.StatusForbidden && by == t.as {
		return t.refused(r)
	}
	return r, err
}

// refused is the error for an answer that refused to act as the subject, and the answer itself
// where it refused what the subject may not.
func (t *impersonating) refused(r *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxReview))
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var s metav1.Status
	// The API server's own words for it: User "who asks" cannot impersonate resource "users", or
	// where it knows constrained impersonation, cannot impersonate-on:serviceaccount:get resource
	// "deployments". The subject itself never asks to act as anybody.
	if json.Unmarshal(body, &s) == nil && strings.Contains(s.Message, `" cannot impersonate`) {
		return nil, &ActAsError{t.subject, &apierrors.StatusError{ErrStatus: s}}
	}
	return r, nil
}

// choose asks who the plain transport acts as, until that was answered once.
func (t *impersonating) choose(ctx context.Context) (http.RoundTripper, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.chosen != nil {
		return t.chosen, nil
	}
	text, err := json.Marshal(&authentication.SelfSubjectReview{TypeMeta: metav1.TypeMeta{APIVersion: "authentication.k8s.io/v1", Kind: "SelfSubjectReview"}})
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, t.review, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Accept", "application/json")
	q.Header.Set("User-Agent", responder)
	r, err := t.plain.RoundTrip(q)
	if err != nil {
		return nil, fmt.Errorf("who the kubeconfig's user is cannot be asked: %w", err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxReview))
	if err != nil {
		return nil, fmt.Errorf("who the kubeconfig's user is cannot be asked: %w", err)
	}
	if r.StatusCode >= http.StatusInternalServerError || r.StatusCode == http.StatusTooManyRequests {
		return nil, fmt.Errorf("who the kubeconfig's user is cannot be asked: the API server answered %s", r.Status)
	}
	// An older API server does not know the question: then it is impersonation in any case,
	// which is refused where it may not be.
	t.chosen = t.as
	var is authentication.SelfSubjectReview
	if r.StatusCode < 300 && json.Unmarshal(body, &is) == nil && is.Status.UserInfo.Username == t.subject {
		t.chosen = t.plain
	}
	return t.chosen, nil
}
