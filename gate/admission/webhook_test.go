package admission

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// newTestWebhook answers for namespace fraud, where ranker may have 5 with image v1.
func newTestWebhook(t testing.TB) (*webhook, *memory) {
	t.Helper()
	m := &memory{gated: []string{"fraud"}, verdicts: map[string]json.RawMessage{}, objects: map[string]json.RawMessage{
		"fraud/Deployment/ranker": json.RawMessage(`{"image":"v1"}`)}}
	c := newController(m, &stack{grants: []Grant{newGrant(7, 5)}})
	if _, err := c.reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	now := func() time.Time { return today }
	return newWebhook(&decider{ledger: c.ledger, cluster: m, kinds: c.kinds, census: c.census, desks: newDesks(m, now), digest: image, now: now,
		makers: map[string]bool{"controller": true}, pilots: 5}, log), m
}

func ask1(resource, sub, operation, object, old string) string {
	group := "apps"
	if strings.HasPrefix(resource, "horizontal") {
		group = "autoscaling"
	}
	return fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","resource":{"group":%q,"version":"v1","resource":%q},
		"subResource":%q,"name":"n","namespace":"fraud","operation":%q,"object":%s,"oldObject":%s}}`, group, resource, sub, operation, object, old)
}

func sizedObject(name, image string, n int) string {
	return fmt.Sprintf(`{"metadata":{"name":%q},"image":%q,"spec":{"replicas":%d}}`, name, image, n)
}

func scalerObject(version, kind, name string, least, most int) string {
	return fmt.Sprintf(`{"metadata":{"name":"h"},"spec":{"minReplicas":%d,"maxReplicas":%d,"scaleTargetRef":{"apiVersion":%q,"kind":%q,"name":%q}}}`, least, most, version, kind, name)
}

func TestWebhook(t *testing.T) {
	ranker := func(n int) string { return sizedObject("ranker", "v1", n) }
	scaler := func(least, most int) string { return scalerObject("apps/v1", "Deployment", "ranker", least, most) }
	tests := []struct {
		name, body string
		code       int
		want       string // in the refusal; empty: admitted
	}{
		{"certified", ask1("deployments", "", "UPDATE", ranker(5), ranker(2)), 200, ""},
		{"beyond", ask1("deployments", "", "UPDATE", ranker(6), ranker(2)), 200, "sevenfold gate: Deployment/ranker in namespace fraud may not grow from 2 to 6 replicas: at most 5 allowed, because certificate 7 of workload fraud-model allows 5 until 2026-11-28T13:00:00Z"},
		{"create_certified", ask1("deployments", "", "CREATE", ranker(5), "null"), 200, ""},
		{"create_other_image", ask1("deployments", "", "CREATE", sizedObject("ranker", "v2", 5), "null"), 200, "at most 1 allowed, because it was changed since workload fraud-model was certified"},
		{"scale_looks_at_the_object", ask1("deployments", "scale", "UPDATE", ranker(5), ranker(1)), 200, ""},
		{"stateful_set_is_another", ask1("statefulsets", "scale", "UPDATE", ranker(2), ranker(1)), 200, "StatefulSet/ranker in namespace fraud may not grow from 1 to 2 replicas: at most 1 allowed, because no valid certificate names it"},
		{"shrink", ask1("deployments", "", "UPDATE", sizedObject("x", "v9", 50), sizedObject("x", "v9", 51)), 200, ""},
		{"unchanged", ask1("deployments", "", "UPDATE", sizedObject("x", "v9", 50), sizedObject("x", "v9", 50)), 200, ""},
		{"pilot", ask1("deployments", "", "CREATE", sizedObject("x", "v9", 1), "null"), 200, ""},
		{"replicas_left_out", ask1("deployments", "", "CREATE", `{"metadata":{"name":"x"},"spec":{}}`, "null"), 200, ""},
		{"scale_left_out_is_none", ask1("deployments", "scale", "UPDATE", sizedObject("x", "", 2), `{"metadata":{"name":"x"},"spec":{}}`), 200, "from 0 to 2"},
		{"autoscaler", ask1("horizontalpodautoscalers", "", "CREATE", scaler(1, 5), "null"), 200, ""},
		{"autoscaler_beyond", ask1("horizontalpodautoscalers", "", "UPDATE", scaler(1, 6), scaler(1, 5)), 200, "HorizontalPodAutoscaler/h in namespace fraud may not let Deployment/ranker grow from 5 to 6 replicas"},
		{"autoscaler_least", ask1("horizontalpodautoscalers", "", "UPDATE", scaler(6, 9), scaler(1, 9)), 200, "from 1 to 6"},
		{"autoscaler_lowers", ask1("horizontalpodautoscalers", "", "UPDATE", scaler(1, 8), scaler(1, 9)), 200, ""},
		{"autoscaler_pointed_here", ask1("horizontalpodautoscalers", "", "UPDATE", scaler(1, 9), scalerObject("apps/v1", "Deployment", "x", 1, 9)), 200, "from 0 to 9"},
		{"autoscaler_of_nothing", ask1("horizontalpodautoscalers", "", "CREATE", scalerObject("apps/v1", "Deployment", "none", 1, 2), "null"), 200, "no valid certificate names it"},
		{"autoscaler_of_a_namesake", ask1("horizontalpodautoscalers", "", "CREATE", scalerObject("x.io/v1", "Deployment", "ranker", 1, 2), "null"), 200, "no certificate can name Deployment.x.io/ranker"},
		{"namespace_unknown", strings.Replace(ask1("deployments", "", "CREATE", sizedObject("x", "v9", 2), "null"), `"fraud"`, `"other"`, 1), 200, "the gate has not yet seen this namespace"},
		{"not_json", "{", 400, ""},
		{"empty", "", 400, ""},
		{"another_kind", `{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}`, 400, ""},
		{"no_request", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, 400, ""},
		{"null_object", ask1("deployments", "", "CREATE", "null", "null"), 400, ""},
		{"object_is_a_list", ask1("deployments", "", "CREATE", "[]", "null"), 400, ""},
		{"update_without_before", ask1("deployments", "", "UPDATE", ranker(5), "null"), 400, ""},
		{"no_name", strings.Replace(ask1("deployments", "", "CREATE", `{"spec":{"replicas":3}}`, "null"), `"name":"n"`, `"name":""`, 1), 400, ""},
		{"delete", ask1("deployments", "", "DELETE", "null", ranker(5)), 400, ""},
		{"another_resource", ask1("daemonsets", "", "CREATE", ranker(5), "null"), 400, ""},
		{"another_subresource", ask1("deployments", "status", "UPDATE", ranker(5), ranker(1)), 400, ""},
		{"replicas_of_text", ask1("deployments", "", "CREATE", `{"metadata":{"name":"x"},"spec":{"replicas":"9"}}`, "null"), 200, "spec.replicas is a string, not a number"},
		{"replicas_huge", ask1("deployments", "", "CREATE", `{"metadata":{"name":"x"},"spec":{"replicas":9223372036854775808}}`, "null"), 200, "to unlimited replicas"},
		{"replicas_beyond_int32", ask1("deployments", "", "CREATE", `{"metadata":{"name":"x"},"spec":{"replicas":4294967297}}`, "null"), 200, "to unlimited replicas"},
		{"replicas_negative", ask1("deployments", "", "CREATE", `{"metadata":{"name":"x"},"spec":{"replicas":-1}}`, "null"), 200, "spec.replicas is less than nothing"},
		{"oversized", `{"apiVersion":"` + strings.Repeat("x", maxReview) + `"}`, 413, ""},
		{"deep", strings.Repeat("[", 1<<20), 400, ""},
	}
	h, _ := newTestWebhook(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, Path, strings.NewReader(tt.body)))
			if w.Code != tt.code {
				t.Fatalf("status %d, want %d: %s", w.Code, tt.code, w.Body)
			}
			if tt.code != 200 {
				return
			}
			allowed, message := answer(t, w.Body.Bytes())
			if allowed != (tt.want == "") || !strings.Contains(message, tt.want) {
				t.Errorf("allowed %v, %q; want %q", allowed, message, tt.want)
			}
		})
	}
}

func answer(t testing.TB, body []byte) (allowed bool, message string) {
	t.Helper()
	var out review
	if err := json.Unmarshal(body, &out); err != nil || out.Response == nil || out.Response.UID == "" {
		t.Fatalf("no answer: %v: %s", err, body)
	}
	if out.Response.Status != nil {
		message = out.Response.Status.Message
	}
	return out.Response.Allowed, message
}

// What the webhook cannot look up, it refuses; nothing drawn up yet, likewise.
func TestWebhookInTrouble(t *testing.T) {
	h, m := newTestWebhook(t)
	post := func() (bool, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, Path, strings.NewReader(ask1("deployments", "scale", "UPDATE", sizedObject("ranker", "", 5), sizedObject("ranker", "", 2)))))
		return answer(t, w.Body.Bytes())
	}
	want := func(words string) {
		t.Helper()
		if allowed, message := post(); allowed || !strings.Contains(message, words) {
			t.Errorf("allowed %v, %q; want %q", allowed, message, words)
		}
	}
	if allowed, message := post(); !allowed {
		t.Fatal(message)
	}
	m.broken = errors.New("connection refused")
	want("it cannot be read to see whether it is still what was certified (connection refused)")
	m.broken = nil
	delete(m.objects, "fraud/Deployment/ranker")
	want("it is not there")
	m.objects["fraud/Deployment/ranker"] = json.RawMessage(`{"image":"v2"}`)
	want("it was changed since workload fraud-model was certified")
	m.objects["fraud/Deployment/ranker"] = json.RawMessage(`7`)
	want("it cannot be told whether it is still what was certified")
	h.decider.now = func() time.Time { return today.Add(time.Hour) }
	want("the certificate of workload fraud-model expired on 2026-11-28T13:00:00Z")
	h.decider.ledger = &ledger{}
	want("the gate has not yet read its certificates")

	for _, r := range []*http.Request{httptest.NewRequest(http.MethodGet, Path, nil), httptest.NewRequest(http.MethodPost, Path, cut{})} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code < 400 {
			t.Errorf("%s: status %d", r.Method, w.Code)
		}
	}
}

// A Scale is about one version of its object: what was seen of another is not
// gone by.
func TestWebhookGoesByTheVersionAskedAbout(t *testing.T) {
	h, m := newTestWebhook(t)
	seen := func(version, image string) {
		m.objects["fraud/Deployment/ranker"] = fmt.Appendf(nil, `{"metadata":{"name":"ranker","uid":"u1","resourceVersion":%q},"image":%q}`, version, image)
	}
	scale := func(uid, version string, n int) string {
		return fmt.Sprintf(`{"metadata":{"name":"ranker","uid":%q,"resourceVersion":%q},"spec":{"replicas":%d}}`, uid, version, n)
	}
	m.broken = errors.New("read live")
	for _, tt := range []struct{ name, seen, image, uid, version, want string }{
		{"as_seen", "7", "v1", "u1", "7", ""},
		{"as_seen_changed", "7", "v2", "u1", "7", "it was changed"},
		{"newer_than_seen", "7", "v1", "u1", "8", "read live"},
		{"another_object", "7", "v1", "u2", "7", "read live"},
		{"not_said", "", "v1", "", "", "read live"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen(tt.seen, tt.image)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, Path, strings.NewReader(ask1("deployments", "scale", "UPDATE", scale(tt.uid, "", 5), scale(tt.uid, tt.version, 2)))))
			if allowed, message := answer(t, w.Body.Bytes()); allowed != (tt.want == "") || !strings.Contains(message, tt.want) {
				t.Errorf("allowed %v, %q; want %q", allowed, message, tt.want)
			}
		})
	}
}

// cut is a body that breaks off.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Whatever is sent, the answer is an HTTP error or a whole AdmissionReview, and
// growth beyond the certificate is not admitted.
func FuzzWebhook(f *testing.F) {
	f.Add([]byte(ask1("deployments", "", "UPDATE", sizedObject("ranker", "v1", 5), sizedObject("ranker", "v1", 1))))
	f.Add([]byte(ask1("deployments", "scale", "UPDATE", sizedObject("ranker", "v1", 6), sizedObject("ranker", "v1", 1))))
	f.Add([]byte(ask1("horizontalpodautoscalers", "", "CREATE", scalerObject("apps/v1", "Deployment", "ranker", 1, 9), "null")))
	f.Add([]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","namespace":"fraud","operation":"CREATE"}}`))
	h, _ := newTestWebhook(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, Path, bytes.NewReader(body)))
		if w.Code != http.StatusOK {
			return
		}
		allowed, message := answer(t, w.Body.Bytes())
		if allowed == (message != "") {
			t.Errorf("allowed %v with the message %q", allowed, message)
		}
		_, a, err := parseReview(body, testKinds())
		if err != nil {
			t.Fatalf("answered what cannot be read: %v", err)
		}
		if allowed && a.grows() && a.asked > 5 {
			t.Errorf("grown from %d to %d", a.had, a.asked)
		}
		if !allowed && !a.grows() {
			t.Errorf("refused what does not grow: %s", message)
		}
	})
}
