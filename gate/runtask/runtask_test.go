package runtask

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sevenfold-sec/sevenfold/gate"
)

// terraform stands for HCP Terraform: it serves one plan to who has the token, and
// hears the word.
type terraform struct {
	*httptest.Server
	status, message string
	heard           atomic.Int32
	flaky           atomic.Int32 // answers 503 this many times
	plan            string
}

func newTerraform(t *testing.T) *terraform {
	f := &terraform{plan: `{"format_version":"1.2"}`}
	mux := http.NewServeMux()
	token := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != "Bearer secret-token" {
			http.Error(w, "no", http.StatusUnauthorized)
			return false
		}
		return true
	}
	mux.HandleFunc("GET /plan", func(w http.ResponseWriter, r *http.Request) {
		if token(w, r) {
			io.WriteString(w, f.plan)
		}
	})
	mux.HandleFunc("GET /away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://169.254.169.254/latest/meta-data", http.StatusFound)
	})
	mux.HandleFunc("PATCH /callback", func(w http.ResponseWriter, r *http.Request) {
		if !token(w, r) {
			return
		}
		if f.flaky.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var b struct {
			Data struct {
				Type       string
				Attributes struct{ Status, Message string }
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil || b.Data.Type != "task-results" || r.Header.Get("Content-Type") != "application/vnd.api+json" {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		f.status, f.message = b.Data.Attributes.Status, b.Data.Attributes.Message
		f.heard.Add(1)
	})
	f.Server = httptest.NewTLSServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *terraform) host() string { return strings.TrimPrefix(f.URL, "https://") }

func sign(key, body string) string {
	mac := hmac.New(sha512.New, []byte(key))
	io.WriteString(mac, body)
	return hex.EncodeToString(mac.Sum(nil))
}

func post(h http.Handler, body, signature string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-TFC-Task-Signature", signature)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRunTask(t *testing.T) {
	reasons := func(n int) (out []gate.Reason) {
		for i := range n {
			out = append(out, gate.Reason{Address: fmt.Sprintf("aws_x.%d", i), Text: "grows", Weight: gate.Refuse})
		}
		return out
	}
	for name, tt := range map[string]struct {
		plan, stage string
		flaky       int32
		decision    gate.Decision
		err         error
		fault       bool // judging breaks
		status      string
		says        string
	}{
		"admitted":         {decision: gate.Decision{Decision: gate.Admit}, status: "passed", says: "nothing breaks"},
		"refused":          {decision: gate.Decision{Decision: gate.Refuse, Reasons: reasons(7)}, status: "failed", says: "aws_x.0: grows; aws_x.1: grows; aws_x.2: grows; aws_x.3: grows; aws_x.4: grows; and 2 more"},
		"unclear":          {decision: gate.Decision{Decision: gate.Unclear, Reasons: []gate.Reason{{Text: "known after apply", Weight: gate.Unclear}}}, status: "failed", says: "could not tell: known after apply"},
		"fault":            {err: errors.New("the state is locked"), status: "failed", says: "could not tell: the state is locked"},
		"our_own_fault":    {fault: true, status: "failed", says: "could not tell: a fault of sevenfold's own"},
		"callback_is_slow": {flaky: 1, decision: gate.Decision{Decision: gate.Admit}, status: "passed"},
		"no_plan_yet":      {stage: "pre_plan", status: "failed", says: "there is no plan yet"},
		"led_away":         {plan: "/away", status: "failed", says: "is no host that was named"},
		"plan_elsewhere":   {plan: "https://evil.example/plan", status: "failed", says: "evil.example is no host that was named"},
		"plan_not_there":   {plan: "/nothing", status: "failed", says: "404"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTerraform(t)
			f.flaky.Store(tt.flaky)
			var file string
			h, err := New(context.Background(), Options{Key: []byte("k"), Hosts: []string{f.host()}, Client: f.Client(), Decide: func(_ context.Context, path string) (gate.Decision, error) {
				file = path
				text, err := os.ReadFile(path)
				if err != nil || string(text) != f.plan {
					t.Errorf("the plan is %q, %v", text, err)
				}
				if tt.fault {
					panic("an index out of range")
				}
				return tt.decision, tt.err
			}})
			if err != nil {
				t.Fatal(err)
			}
			plan, stage := tt.plan, tt.stage
			if plan == "" || strings.HasPrefix(plan, "/") {
				plan = f.URL + map[bool]string{true: "/plan", false: plan}[plan == ""]
			}
			if stage == "" {
				stage = "post_plan"
			}
			body, err := json.Marshal(map[string]any{"payload_version": 1, "access_token": "secret-token", "stage": stage, "run_id": "run-1", "plan_json_api_url": plan, "task_result_callback_url": f.URL + "/callback"})
			if err != nil {
				t.Fatal(err)
			}
			if w := post(h, string(body), sign("k", string(body))); w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			h.Wait()
			if f.heard.Load() != 1 || f.status != tt.status || !strings.Contains(f.message, tt.says) || strings.Contains(f.message, "secret-token") {
				t.Errorf("heard %d times: %s, %q", f.heard.Load(), f.status, f.message)
			}
			if _, err := os.Stat(file); file != "" && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the plan's file is still there: %v", err)
			}
		})
	}
}

func TestRunTaskRefuses(t *testing.T) {
	f := newTerraform(t)
	h, err := New(context.Background(), Options{Key: []byte("k"), Hosts: []string{f.host()}, Client: f.Client(), Decide: func(context.Context, string) (gate.Decision, error) {
		t.Error("a plan was judged")
		return gate.Decision{}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	good := `{"payload_version":1,"access_token":"x","stage":"post_plan","plan_json_api_url":"` + f.URL + `/plan","task_result_callback_url":"` + f.URL + `/callback"}`
	for name, tt := range map[string]struct {
		body, signature string
		code            int
	}{
		"unsigned":      {good, "", http.StatusUnauthorized},
		"other_key":     {good, sign("other", good), http.StatusUnauthorized},
		"other_body":    {good + " ", sign("k", good), http.StatusUnauthorized},
		"no_json":       {"{", sign("k", "{"), http.StatusBadRequest},
		"later_version": {`{"payload_version":2}`, sign("k", `{"payload_version":2}`), http.StatusBadRequest},
		"callback_away": {strings.Replace(good, f.URL+"/callback", "https://evil.example/", 1), "", http.StatusBadRequest},
		"callback_http": {strings.Replace(good, f.URL+"/callback", "http://"+f.host()+"/callback", 1), "", http.StatusBadRequest},
		"verification":  {`{"payload_version":1,"access_token":"test-token"}`, sign("k", `{"payload_version":1,"access_token":"test-token"}`), http.StatusOK},
		"too_large":     {strings.Repeat(" ", maxRequest+1), "", http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			signature := tt.signature
			if signature == "" && tt.code == http.StatusBadRequest {
				signature = sign("k", tt.body)
			}
			if w := post(h, tt.body, signature); w.Code != tt.code {
				t.Errorf("%d %s, want %d", w.Code, w.Body, tt.code)
			}
		})
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	h.Wait()
	if f.heard.Load() != 0 {
		t.Error("a word was sent")
	}
	if _, err := New(context.Background(), Options{Hosts: []string{"h"}}); err == nil {
		t.Error("a handler without a key")
	}
	if _, err := New(context.Background(), Options{Key: []byte("k")}); err == nil {
		t.Error("a handler without hosts")
	}
}
