// Package runtask answers HCP Terraform and Terraform Enterprise run tasks: before
// a plan is applied, Terraform asks whether it may be, and waits for the word.
//
// A request is a JSON document signed by HMAC-SHA512 of its body under a shared
// key, in the header X-TFC-Task-Signature. It is answered at once; the plan is then
// fetched from the address in the request with the token in it, and the word sent
// to its callback address. Both addresses must lie on a host that was named: else
// whoever knew the key could have us ask anybody for anything. The request bears no
// time, so that one taken down on the way can be sent again: the same bytes are
// taken once. See HashiCorp's "Run Tasks Integration API".
package runtask

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sevenfold-sec/sevenfold/gate"
)

// Bounds on what is taken from outside.
const (
	maxRequest = 1 << 20   // bytes of a request
	maxPlan    = 512 << 20 // bytes of a plan
	maxWaiting = 64        // plans that wait for their turn
	maxMessage = 1000      // characters of the message sent back
	maxTaken   = 10_000    // requests that are known again
	// Terraform gives up after ten minutes without a word.
	patience = 9 * time.Minute
	// remembered is how long a request is known again: longer than its token lives.
	remembered = time.Hour
)

// Options of a Handler.
type Options struct {
	// Key is the shared key of the signature; it may not be empty.
	Key []byte
	// Hosts are those the plan may be fetched from and the word sent to, as
	// app.terraform.io or tfe.acme.example:8443; an address is none.
	Hosts []string
	// Decide judges a plan that lies in a file, alone in a folder; both are gone
	// afterwards.
	Decide func(ctx context.Context, path string) (gate.Decision, error)
	// Client makes the calls; nil: one with a time limit. Redirects are followed to
	// where a plan lies, on hosts that were named, and nowhere else.
	Client *http.Client
	// AtOnce is how many plans are judged at the same time; 0: 2.
	AtOnce int
	Log    *slog.Logger
}

// Handler answers run tasks. Wait ends when what was taken is answered.
type Handler struct {
	o       Options
	slots   chan struct{}
	waiting chan struct{}
	work    sync.WaitGroup
	ctx     context.Context
	hosts   map[string]bool
	// again is how long it takes until a call that failed is made again, the first time.
	again time.Duration

	mu sync.Mutex
	// taken is until when a request is known again, by its digest.
	taken map[[sha256.Size]byte]time.Time
}

// New returns a handler that works until ctx ends.
func New(ctx context.Context, o Options) (*Handler, error) {
	if len(o.Key) == 0 {
		return nil, errors.New("a run task without a key would answer anybody")
	}
	if len(o.Hosts) == 0 {
		return nil, errors.New("no host is named that plans may be fetched from")
	}
	h := &Handler{o: o, ctx: ctx, waiting: make(chan struct{}, maxWaiting), hosts: map[string]bool{}, again: time.Second, taken: map[[sha256.Size]byte]time.Time{}}
	for _, host := range o.Hosts {
		u, err := url.Parse("https://" + host)
		if err != nil || u.Host == "" || u.Host != host {
			return nil, fmt.Errorf("%q is not the name of a host", host)
		}
		h.hosts[hostOf(u)] = true
	}
	if h.o.AtOnce == 0 {
		h.o.AtOnce = 2
	}
	h.slots = make(chan struct{}, h.o.AtOnce)
	if h.o.Log == nil {
		h.o.Log = slog.New(slog.DiscardHandler)
	}
	if h.o.Client == nil {
		h.o.Client = &http.Client{Timeout: 2 * time.Minute}
	}
	client := *h.o.Client
	client.CheckRedirect = h.redirected
	h.o.Client = &client
	return h, nil
}

// request is what Terraform sends, as far as it is used.
type request struct {
	PayloadVersion int    `json:"payload_version"`
	AccessToken    string `json:"access_token"`
	Stage          string `json:"stage"`
	RunID          string `json:"run_id"`
	Workspace      string `json:"workspace_name"`
	PlanURL        string `json:"plan_json_api_url"`
	Callback       string `json:"task_result_callback_url"`
}

// verification is the token of the request by which Terraform tries out a task.
const verification = "test-token"

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "run tasks are posted", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		http.Error(w, fmt.Sprintf("a run task of more than %d bytes is not read", maxRequest), http.StatusRequestEntityTooLarge)
		return
	} else if err != nil {
		http.Error(w, "the request is cut off", http.StatusBadRequest)
		return
	}
	if !h.signed(body, r.Header.Get("X-TFC-Task-Signature")) {
		http.Error(w, "the signature is not that of the shared key", http.StatusUnauthorized)
		return
	}
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		http.Error(w, "the request is no JSON", http.StatusBadRequest)
		return
	}
	switch {
	case q.PayloadVersion != 1:
		http.Error(w, fmt.Sprintf("payload_version %d is not known; 1 is", q.PayloadVersion), http.StatusBadRequest)
		return
	case q.AccessToken == verification:
		w.WriteHeader(http.StatusOK)
		return
	case q.AccessToken == "":
		http.Error(w, "access_token is missing", http.StatusBadRequest)
		return
	}
	if err := h.allowed(q.Callback); err != nil {
		http.Error(w, "task_result_callback_url: "+err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case h.waiting <- struct{}{}:
	default:
		// Terraform asks again, and counts no answer as refused.
		http.Error(w, "too many plans wait", http.StatusServiceUnavailable)
		return
	}
	digest := sha256.Sum256(body)
	if !h.take(digest) {
		<-h.waiting
		h.o.Log.Info("a run task came again, and is not judged again", "run", q.RunID, "workspace", q.Workspace)
		w.WriteHeader(http.StatusOK)
		return
	}
	h.work.Go(func() {
		defer func() { <-h.waiting }()
		if !h.answer(q) {
			h.forget(digest) // nobody has the word: it may be asked for again
		}
	})
	w.WriteHeader(http.StatusOK)
}

// take reports whether a request is new. Terraform sends one again whose answer got
// lost; so may whoever took it down on the way.
func (h *Handler) take(digest [sha256.Size]byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if until, ok := h.taken[digest]; ok && now.Before(until) {
		return false
	}
	if len(h.taken) >= maxTaken {
		maps.DeleteFunc(h.taken, func(_ [sha256.Size]byte, until time.Time) bool { return !now.Before(until) })
	}
	for old := range h.taken {
		if len(h.taken) < maxTaken {
			break
		}
		delete(h.taken, old) // judged twice is better than not at all
	}
	h.taken[digest] = now.Add(remembered)
	return true
}

func (h *Handler) forget(digest [sha256.Size]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.taken, digest)
}

// Wait returns when all that was taken is answered.
func (h *Handler) Wait() { h.work.Wait() }

// signed reports whether a body bears its signature.
func (h *Handler) signed(body []byte, signature string) bool {
	got, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	mac := hmac.New(sha512.New, h.o.Key)
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}

// answer judges a plan and sends the word, and reports whether it arrived. Whatever
// goes wrong on the way, the word is failed, with the reason.
func (h *Handler) answer(q request) bool {
	ctx, stop := context.WithTimeout(h.ctx, patience)
	defer stop()
	status, message := "failed", ""
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		d, err := h.judge(ctx, q)
		switch {
		case err == nil:
			status, message = worded(d)
		case h.ctx.Err() != nil:
			message = stopped
		case ctx.Err() != nil:
			message = fmt.Sprintf("could not tell: it took longer than %s", patience)
		default:
			message = "could not tell: " + err.Error()
		}
	case <-ctx.Done():
		message = "could not tell: the gate had too much to do"
		if h.ctx.Err() != nil {
			message = stopped
		}
	}
	// The word is sent even if the time for judging is over.
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := h.send(sending, q, status, message); err != nil {
		h.o.Log.Error("the word on a run could not be sent", "run", q.RunID, "workspace", q.Workspace, "status", status, "error", err)
		return false
	}
	h.o.Log.Info("run task answered", "run", q.RunID, "workspace", q.Workspace, "status", status)
	return true
}

// stopped is the word on what was taken when the gate was ended.
const stopped = "could not tell: the gate was stopped meanwhile; run the task again"

func (h *Handler) judge(ctx context.Context, q request) (d gate.Decision, err error) {
	// A plan that judging breaks on must not take the gate of all others with it.
	defer func() {
		if fault := recover(); fault != nil {
			h.o.Log.Error("a fault of ours while judging a plan", "run", q.RunID, "workspace", q.Workspace, "fault", fault, "stack", string(debug.Stack()))
			d, err = gate.Decision{}, errors.New("a fault of sevenfold's own, told in its log")
		}
	}()
	switch strings.ReplaceAll(q.Stage, "-", "_") { // Terraform Enterprise of 2022 wrote a hyphen
	case "post_plan", "pre_apply":
	case "post_apply":
		return gate.Decision{}, fmt.Errorf("at the stage %q the plan is applied already; set the task to post-plan or pre-apply", q.Stage)
	default:
		return gate.Decision{}, fmt.Errorf("at the stage %q there is no plan yet; set the task to post-plan or pre-apply", q.Stage)
	}
	// A folder of its own: what else lies beside a plan is taken for its sources.
	dir, err := os.MkdirTemp("", "sevenfold-run-task-*")
	if err != nil {
		h.o.Log.Error("there is no place to put a plan", "run", q.RunID, "workspace", q.Workspace, "error", err)
		return gate.Decision{}, errors.New("there is no place to put the plan, told in the gate's log")
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "plan.json")
	if err := h.fetch(ctx, q, path); err != nil {
		return gate.Decision{}, err
	}
	if d, err = h.o.Decide(ctx, path); err != nil {
		return gate.Decision{}, errors.New(strings.ReplaceAll(err.Error(), path, "the plan"))
	}
	return d, nil
}

// worded is a decision as a run task's result: what could not be told is no pass.
func worded(d gate.Decision) (status, message string) {
	if d.Decision == gate.Admit {
		return "passed", "sevenfold: nothing grows beyond what is allowed, and nothing breaks"
	}
	lead := map[gate.Word]string{gate.Refuse: "refused", gate.Unclear: "could not tell"}[d.Decision]
	var lines []string
	for _, r := range d.Reasons {
		if r.Weight != gate.Admit {
			lines = append(lines, strings.Join(slices.DeleteFunc([]string{r.Workload, r.Criterion, r.Address, r.Text}, func(s string) bool { return s == "" }), ": "))
		}
	}
	const most = 5
	more := ""
	if len(lines) > most {
		more = fmt.Sprintf("; and %d more", len(lines)-most)
		lines = lines[:most]
	}
	return "failed", "sevenfold: " + lead + ": " + strings.Join(lines, "; ") + more
}
