package kubernetes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"k8s.io/client-go/rest"

	"github.com/sevenfold-sec/sevenfold/collect/kubernetes"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// faulty is an API server that answers badly on purpose, which the real one
// cannot be made to do. What it says is spelt as the real one spells it.
func faulty(t testing.TB, lists http.HandlerFunc) *rest.Config {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(path, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, body) })
	}
	answer("/version", `{"major":"1","minor":"37","gitVersion":"v1.37.2"}`)
	answer("/api", `{"kind":"APIVersions","versions":["v1"]}`)
	answer("/apis", `{"kind":"APIGroupList","apiVersion":"v1","groups":[
		{"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apps/v1","version":"v1"}},
		{"name":"broken.example.com","versions":[{"groupVersion":"broken.example.com/v1","version":"v1"}],"preferredVersion":{"groupVersion":"broken.example.com/v1","version":"v1"}}]}`)
	answer("/api/v1", `{"kind":"APIResourceList","groupVersion":"v1","resources":[
		{"name":"secrets","namespaced":true,"kind":"Secret","verbs":["list"]},{"name":"pods","namespaced":true,"kind":"Pod","verbs":["list","get"]},
		{"name":"pods/log","namespaced":true,"kind":"Pod","verbs":["get"]},{"name":"events","namespaced":true,"kind":"Event","verbs":["list"]},
		{"name":"bindings","namespaced":true,"kind":"Binding","verbs":["create"]}]}`)
	answer("/apis/apps/v1", `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps/v1","resources":[{"name":"deployments","namespaced":true,"kind":"Deployment","verbs":["list"]}]}`)
	mux.HandleFunc("/apis/broken.example.com/v1", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusServiceUnavailable, status(503, "ServiceUnavailable", ""))
	})
	mux.HandleFunc("/", lists)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

func reply(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	fmt.Fprint(w, body)
}

func status(code int, reason, next string) string {
	return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","metadata":{"continue":%q},"status":"Failure","reason":%q,"message":"as told","code":%d}`, next, reason, code)
}

func pods(next string, names ...string) string {
	var items []string
	for _, n := range names {
		items = append(items, fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"ml"}}`, n))
	}
	return fmt.Sprintf(`{"kind":"PodList","apiVersion":"v1","metadata":{"continue":%q},"items":[%s]}`, next, strings.Join(items, ","))
}

const emptyTable = `{"kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":[],"rows":[]}`

// others answers what a test does not care for.
func others(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/secrets") {
		reply(w, http.StatusOK, emptyTable)
		return
	}
	reply(w, http.StatusOK, `{"kind":"DeploymentList","apiVersion":"apps/v1","items":[]}`)
}

func podNames(s *sink) []string {
	var out []string
	for _, a := range s.assets {
		if a.Type == "v1/Pod" {
			out = append(out, a.Name)
		}
	}
	slices.Sort(out)
	return out
}

func blindOf(s *sink, operation string) estate.BlindSpot {
	for _, b := range s.blind {
		if b.Operation == operation {
			return b
		}
	}
	return estate.BlindSpot{}
}

func TestPartialDiscovery(t *testing.T) {
	s := collect(t, kubernetes.Options{Cluster: "c", Config: faulty(t, others)})
	b := blindOf(s, "kubernetes:discover:broken.example.com/v1")
	if b.Status != estate.ReadFailed || !strings.Contains(b.Hint, "v1.broken.example.com") {
		t.Errorf("%+v", s.blind)
	}
	if want := 3; len(s.covered) != want+1 { // secrets, pods, deployments, and the cluster itself
		t.Errorf("covered: %v", s.covered)
	}
}

// A continue token that expires is replaced by the one the server offers, or
// the list is begun again; either way every pod is there once.
func TestExpiredToken(t *testing.T) {
	for name, offered := range map[string]string{"offered": "inconsistent", "begun_again": ""} {
		t.Run(name, func(t *testing.T) {
			var expired atomic.Bool
			s := collect(t, kubernetes.Options{Cluster: "c", Config: faulty(t, func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "/pods") {
					others(w, r)
					return
				}
				switch token := r.URL.Query().Get("continue"); {
				case token == "":
					reply(w, http.StatusOK, pods("second", "a"))
				case token == "second" && !expired.Swap(true):
					reply(w, http.StatusGone, status(410, "Expired", offered))
				case token == "second", token == "inconsistent":
					reply(w, http.StatusOK, pods("", "b"))
				default:
					reply(w, http.StatusBadRequest, status(400, "BadRequest", ""))
				}
			})})
			if got := podNames(s); !slices.Equal(got, []string{"a", "b"}) {
				t.Errorf("pods %v, blind spots %+v", got, s.blind)
			}
			if !slices.Contains(s.covered, estate.Coverage{Type: "v1/Pod", Account: "c"}) {
				t.Error("not covered")
			}
		})
	}
}

func TestListFaults(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		status estate.ReadStatus
		pods   []string
	}{
		"always_expired": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("continue") == "" {
				reply(w, 200, pods("second", "a"))
				return
			}
			reply(w, 410, status(410, "Expired", ""))
		}, estate.ReadFailed, []string{"a"}},
		"same_token_for_ever": {func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, pods("again", "a")) }, estate.ReadFailed, []string{"a"}},
		"denied_midway": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("continue") == "" {
				reply(w, 200, pods("second", "a"))
				return
			}
			reply(w, 403, status(403, "Forbidden", ""))
		}, estate.ReadDenied, []string{"a"}},
		"unauthorised": {func(w http.ResponseWriter, _ *http.Request) { reply(w, 401, status(401, "Unauthorized", "")) }, estate.ReadDenied, nil},
		"throttled":    {func(w http.ResponseWriter, _ *http.Request) { reply(w, 429, status(429, "TooManyRequests", "")) }, estate.ReadThrottled, nil},
		"broken":       {func(w http.ResponseWriter, _ *http.Request) { reply(w, 500, status(500, "InternalError", "")) }, estate.ReadFailed, nil},
		"no_json":      {func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, `{"kind":"PodList","items":[{"meta`) }, estate.ReadFailed, nil},
		"no_name": {func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, `{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{}},{"metadata":{"name":"ok"}}]}`)
		}, estate.ReadMalformed, []string{"ok"}},
		"slash_in_name": {func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, pods("", "a/b")) }, estate.ReadMalformed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := collect(t, kubernetes.Options{Cluster: "c", Config: faulty(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/pods") {
					c.answer(w, r)
					return
				}
				others(w, r)
			})})
			if b := blindOf(s, "kubernetes:list:pods"); b.Status != c.status || b.Why == "" || b.Hint == "" || !slices.Equal(b.Types, []string{"v1/Pod"}) {
				t.Errorf("blind spot %+v, want %s", b, c.status)
			}
			if got := podNames(s); !slices.Equal(got, c.pods) {
				t.Errorf("pods %v, want %v", got, c.pods)
			}
			if slices.Contains(s.covered, estate.Coverage{Type: "v1/Pod", Account: "c"}) {
				t.Error("what was not read to the end counts as covered")
			}
			if !slices.Contains(s.covered, estate.Coverage{Type: "apps/v1/Deployment", Account: "c"}) {
				t.Error("one type's fault spoilt another's")
			}
		})
	}
}

// Secrets are never asked for in a form that holds values, and such a form is
// not taken when it comes all the same.
func TestSecretsAsked(t *testing.T) {
	var accept, include atomic.Value
	s := collect(t, kubernetes.Options{Cluster: "c", Config: faulty(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/secrets") {
			others(w, r)
			return
		}
		accept.Store(r.Header.Get("Accept"))
		include.Store(r.URL.Query().Get("includeObject"))
		reply(w, 200, `{"kind":"SecretList","apiVersion":"v1","items":[{"metadata":{"name":"a"},"data":{"k":"djE="}}]}`)
	})})
	if accept.Load() != "application/json;as=Table;v=v1;g=meta.k8s.io" || include.Load() != "Metadata" {
		t.Errorf("asked with Accept %v, includeObject %v", accept.Load(), include.Load())
	}
	if b := blindOf(s, "kubernetes:list:secrets"); b.Status != estate.ReadMalformed {
		t.Errorf("%+v", b)
	}
	for id, a := range s.assets {
		if strings.Contains(string(a.Config), "djE=") {
			t.Errorf("%s holds a value", id)
		}
	}
}

func TestUnreachable(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, o := range map[string]kubernetes.Options{
		"nobody_listens":  {Config: &rest.Config{Host: gone.URL}},
		"no_kubeconfig":   {Kubeconfig: "testdata/absent"},
		"no_such_context": {Kubeconfig: "testdata/kubeconfig", Context: "absent"},
	} {
		s := newSink()
		err := kubernetes.New(o).Collect(context.Background(), s)
		if err == nil || !strings.Contains(err.Error(), "hint:") || len(s.assets) > 0 {
			t.Errorf("%s: %v, %d assets", name, err, len(s.assets))
		}
	}
}

func TestNotAnAPIServer(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	defer web.Close()
	if err := kubernetes.New(kubernetes.Options{Config: &rest.Config{Host: web.URL}}).Collect(context.Background(), newSink()); err == nil {
		t.Error("a web page passed for a cluster")
	}
}

// A server that hangs is given up on, and nothing is left running.
func TestHangAndCancel(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	release := make(chan struct{})
	hang := func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/pods") {
			select {
			case <-release:
			case <-r.Context().Done():
			}
			return
		}
		others(w, r)
	}
	t.Run("timeout", func(t *testing.T) {
		s := collect(t, kubernetes.Options{Cluster: "c", Timeout: 200 * time.Millisecond, Config: faulty(t, hang)})
		if b := blindOf(s, "kubernetes:list:pods"); b.Status != estate.ReadFailed {
			t.Errorf("%+v", s.blind)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		s := newSink()
		err := kubernetes.New(kubernetes.Options{Cluster: "c", Config: faulty(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/pods") {
				cancel()
			}
			hang(w, r)
		})}).Collect(ctx, s)
		if err == nil {
			t.Error("a cancelled run ended as if it were whole")
		}
	})
	close(release)
}

func TestPlanNamesEveryCall(t *testing.T) {
	s := collect(t, kubernetes.Options{Cluster: "c", Config: faulty(t, others)})
	plan := strings.Join(kubernetes.New(kubernetes.Options{}).Plan(), "\n")
	for op := range s.calls {
		if !strings.Contains(plan, op) && !strings.HasPrefix(op, "kubernetes:list:") {
			t.Errorf("%s is called and not planned", op)
		}
	}
	for _, l := range kubernetes.LeftOut() {
		if !strings.Contains(plan, l.Resource) || l.Why == "" {
			t.Errorf("%s is left out without a word", l.Resource)
		}
	}
	if !json.Valid([]byte(`"`+kubernetes.ClusterName("")+`"`)) || kubernetes.ClusterName("") != kubernetes.DefaultCluster {
		t.Error("a cluster without a name is the default one")
	}
}
