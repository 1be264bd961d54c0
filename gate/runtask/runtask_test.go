package runtask

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/gate"
)

// terraform stands for HCP Terraform: it serves one plan to who has the token, and
// hears the word.
type terraform struct {
	*httptest.Server
	mu              sync.Mutex
	status, message string
	words           []string // all messages heard
	heard           atomic.Int32
	flaky           atomic.Int32 // answers 503 this many times
	asked           atomic.Int32 // for a plan that comes later
	archivist       *httptest.Server
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
	mux.HandleFunc("GET /later", func(w http.ResponseWriter, r *http.Request) {
		if f.asked.Add(1) < 3 {
			w.WriteHeader(http.StatusNoContent)
		} else if token(w, r) {
			io.WriteString(w, f.plan)
		}
	})
	mux.HandleFunc("GET /never", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	f.archivist = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/object/signed" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		io.WriteString(w, f.plan)
	}))
	t.Cleanup(f.archivist.Close)
	for path, to := range map[string]string{"/archived": f.archivist.URL + "/object/signed", "/nowhere": "https://app.terraform.io:secret-token/", "/plainly": "http://127.0.0.1/", "/circle": "/circle"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if token(w, r) {
				w.Header().Set("Location", to)
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
		})
	}
	mux.HandleFunc("GET /cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, f.plan)
	})
	mux.HandleFunc("PATCH /moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) })
	mux.HandleFunc("GET /login", func(http.ResponseWriter, *http.Request) { t.Error("the word was led to a page") })
	mux.HandleFunc("PATCH /cancelled", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
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
		f.mu.Lock()
		defer f.mu.Unlock()
		f.status, f.message = b.Data.Attributes.Status, b.Data.Attributes.Message
		f.heard.Add(1)
		f.words = append(f.words, f.message)
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
		"of_2022":          {stage: "post-plan", decision: gate.Decision{Decision: gate.Admit}, status: "passed"},
		"too_late":         {stage: "post_apply", status: "failed", says: "the plan is applied already"},
		"not_written_yet":  {plan: "/later", decision: gate.Decision{Decision: gate.Admit}, status: "passed"},
		"never_written":    {plan: "/never", status: "failed", says: "the plan could not be fetched: 204"},
		"by_the_archivist": {plan: "/archived", decision: gate.Decision{Decision: gate.Admit}, status: "passed"},
		"led_to_nowhere":   {plan: "/nowhere", status: "failed", says: "redirected to what is no address"},
		"led_to_http":      {plan: "/plainly", status: "failed", says: "redirected to http"},
		"led_in_circles":   {plan: "/circle", status: "failed", says: "too many redirects"},
		"cut_off":          {plan: "/cut", status: "failed", says: "not read to its end"},
		"no_plan_yet":      {stage: "pre_plan", status: "failed", says: "there is no plan yet"},
		"led_away":         {plan: "/away", status: "failed", says: "is no host that was named"},
		"plan_elsewhere":   {plan: "https://evil.example/plan", status: "failed", says: "evil.example is no host that was named"},
		"plan_not_there":   {plan: "/nothing", status: "failed", says: "404"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTerraform(t)
			f.flaky.Store(tt.flaky)
			var file string
			h, err := New(context.Background(), Options{Key: []byte("k"), Hosts: []string{f.host(), strings.TrimPrefix(f.archivist.URL, "https://")}, Client: f.Client(), Decide: func(_ context.Context, path string) (gate.Decision, error) {
				file = path
				if beside, err := os.ReadDir(filepath.Dir(path)); err != nil || len(beside) != 1 {
					t.Errorf("beside the plan lies something else: %v, %v", beside, err)
				}
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
			h.again = time.Millisecond
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
			if _, err := os.Stat(filepath.Dir(file)); file != "" && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the plan's folder is still there: %v", err)
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
		"no_token":      {strings.Replace(good, `"x"`, `""`, 1), "", http.StatusBadRequest},
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
	for _, host := range []string{"", "https://tfe.example", "tfe.example/", "user@tfe.example", "tfe.example?x", "tfe example"} {
		if _, err := New(context.Background(), Options{Key: []byte("k"), Hosts: []string{host}}); err == nil {
			t.Errorf("%q is taken for a host", host)
		}
	}
}

// Hosts are compared as a browser would: case and the usual port make no difference.
func TestHosts(t *testing.T) {
	h, err := New(context.Background(), Options{Key: []byte("k"), Hosts: []string{"TFE.example:443", "other.example:8443"}})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"https://tfe.example/x": true, "https://tfe.EXAMPLE:443/x": true, "https://other.example:8443/": true,
		"https://other.example/": false, "https://tfe.example:8443/": false, "https://tfe.example.evil.example/": false, "https://x.tfe.example/": false,
		"https://tfe.example@evil.example/": false, "https://evil.example#tfe.example": false, `https://evil.example\@tfe.example/`: false, "https://tfe.example./": false,
		"http://tfe.example/": false, "file:///etc/passwd": false, "//tfe.example/": false, "": false, "https://169.254.169.254/": false, "https://[::1]/": false,
	} {
		if err := h.allowed(address); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// What fails on the way to Terraform is told in the log, without the token; what
// Terraform did not hear it may ask again, and what it heard is not judged again.
func TestRunTaskAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		callback string
		judged   int32
		heard    int32
		logs     string
	}{
		"heard":     {"/callback", 1, 1, "came again, and is not judged again"},
		"moved":     {"/moved", 2, 0, "302 Found: the callback leads elsewhere"},
		"cancelled": {"/cancelled", 2, 0, "404 Not Found: the run waits for it no longer"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTerraform(t)
			var judged atomic.Int32
			var log bytes.Buffer
			h, err := New(context.Background(), Options{Key: []byte("k"), Hosts: []string{f.host()}, Client: f.Client(), Log: slog.New(slog.NewTextHandler(&log, nil)), Decide: func(context.Context, string) (gate.Decision, error) {
				judged.Add(1)
				return gate.Decision{Decision: gate.Admit}, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			body := `{"payload_version":1,"access_token":"secret-token","stage":"post_plan","plan_json_api_url":"` + f.URL + `/plan","task_result_callback_url":"` + f.URL + tt.callback + `"}`
			for range 2 {
				if w := post(h, body, sign("k", body)); w.Code != http.StatusOK {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
				h.Wait()
			}
			if judged.Load() != tt.judged || f.heard.Load() != tt.heard || !strings.Contains(log.String(), tt.logs) || strings.Contains(log.String(), "secret-token") {
				t.Errorf("judged %d times, heard %d times:\n%s", judged.Load(), f.heard.Load(), &log)
			}
		})
	}
}

// Many at once are judged a few at a time; more than may wait are put off, and what
// still waits when the gate is ended is answered so.
func TestRunTasksAtOnce(t *testing.T) {
	f := newTerraform(t)
	ctx, end := context.WithCancel(context.Background())
	defer end()
	var mu sync.Mutex
	var now, most, judged int
	started, on := make(chan struct{}, maxWaiting), make(chan struct{})
	h, err := New(ctx, Options{Key: []byte("k"), Hosts: []string{f.host()}, Client: f.Client(), Decide: func(ctx context.Context, _ string) (gate.Decision, error) {
		step := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			now += by
			most, judged = max(most, now), judged+max(by, 0)
		}
		step(1)
		defer step(-1)
		started <- struct{}{}
		select {
		case <-on:
			return gate.Decision{Decision: gate.Admit}, nil
		case <-ctx.Done():
			return gate.Decision{}, ctx.Err()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(i int) int {
		body := fmt.Sprintf(`{"payload_version":1,"access_token":"secret-token","stage":"post_plan","run_id":"run-%d","plan_json_api_url":"%s/plan","task_result_callback_url":"%s/callback"}`, i, f.URL, f.URL)
		return post(h, body, sign("k", body)).Code
	}
	for i := range maxWaiting {
		if code := ask(i); code != http.StatusOK {
			t.Fatalf("run %d: %d", i, code)
		}
	}
	if code := ask(maxWaiting); code != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d", code)
	}
	<-started // two are judged at once
	<-started
	for range 10 {
		on <- struct{}{}
	}
	end()
	h.Wait()
	passed, put := 0, 0
	for _, w := range f.words {
		passed += strings.Count(w, "nothing breaks")
		put += strings.Count(w, stopped)
	}
	if most != 2 || judged > 12 || passed != 10 || passed+put != maxWaiting {
		t.Errorf("judged %d, at most %d at once, of %d words %d passed and %d were stopped", judged, most, len(f.words), passed, put)
	}
	if code := ask(maxWaiting); code != http.StatusOK {
		t.Errorf("what was put off cannot be asked again: %d", code)
	}
	h.Wait()
}
