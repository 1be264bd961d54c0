// Package runtask answers HCP Terraform and Terraform Enterprise run tasks: before
// a plan is applied, Terraform asks whether it may be, and waits for the word.
//
// A request is a JSON document signed by HMAC-SHA512 of its body under a shared
// key, in the header X-TFC-Task-Signature. It is answered at once; the plan is then
// fetched from the address in the request with the token in it, and the word sent
// to its callback address. Both addresses must lie on a host that was named: else
// whoever knew the key could have us ask anybody for anything. See HashiCorp's "Run
// Tasks Integration API".
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
	"net/url"
	"os"
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
	patience   = 9 * time.Minute
)

// Options of a Handler.
type Options struct {
	// Key is the shared key of the signature; it may not be empty.
	Key []byte
	// Hosts are those the plan may be fetched from and the word sent to, as
	// app.terraform.io or tfe.acme.example:8443.
	Hosts []string
	// Decide judges a plan that lies in a file, which is gone afterwards.
	Decide func(ctx context.Context, path string) (gate.Decision, error)
	// Client makes the calls; nil: one with a time limit, that follows no redirect to
	// a host which was not named.
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
}

// New returns a handler that works until ctx ends.
func New(ctx context.Context, o Options) (*Handler, error) {
	if len(o.Key) == 0 {
		return nil, errors.New("a run task without a key would answer anybody")
	}
	if len(o.Hosts) == 0 {
		return nil, errors.New("no host is named that plans may be fetched from")
	}
	h := &Handler{o: o, ctx: ctx, waiting: make(chan struct{}, maxWaiting)}
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
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 {
			return errors.New("too many redirects")
		}
		// The archivist that holds plans lies on another host, and needs no token.
		if r.URL.Scheme != "https" {
			return fmt.Errorf("redirected to %s", r.URL.Scheme)
		}
		if err := h.allowed(r.URL.String()); err != nil {
			return err
		}
		return nil
	}
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
	if err != nil {
		http.Error(w, "the request is cut off or too large", http.StatusRequestEntityTooLarge)
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
	}
	if err := h.allowed(q.Callback); err != nil {
		http.Error(w, "task_result_callback_url: "+err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case h.waiting <- struct{}{}:
	default:
		// Terraform counts no answer as refused, and people can run the task again.
		http.Error(w, "too many plans wait", http.StatusServiceUnavailable)
		return
	}
	h.work.Go(func() {
		defer func() { <-h.waiting }()
		h.answer(q)
	})
	w.WriteHeader(http.StatusOK)
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

// allowed says why an address must not be called; nil if it may.
func (h *Handler) allowed(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("this is no address")
	case u.Scheme != "https":
		return errors.New("only https is called")
	case u.User != nil:
		return errors.New("an address with a user in it is not called")
	case !slices.ContainsFunc(h.o.Hosts, func(host string) bool { return strings.EqualFold(host, u.Host) }):
		return fmt.Errorf("%s is no host that was named", u.Host)
	}
	return nil
}

// answer judges a plan and sends the word. Whatever goes wrong on the way, the word
// is failed, with the reason.
func (h *Handler) answer(q request) {
	ctx, stop := context.WithTimeout(h.ctx, patience)
	defer stop()
	status, message := "failed", ""
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		d, err := h.judge(ctx, q)
		if err != nil {
			message = "could not tell: " + err.Error()
		} else {
			status, message = worded(d)
		}
	case <-ctx.Done():
		message = "could not tell: the gate had too much to do"
	}
	// The word is sent even if the time for judging is over.
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := h.send(sending, q, status, message); err != nil {
		h.o.Log.Error("the word on a run could not be sent", "run", q.RunID, "workspace", q.Workspace, "status", status, "error", err)
		return
	}
	h.o.Log.Info("run task answered", "run", q.RunID, "workspace", q.Workspace, "status", status)
}

func (h *Handler) judge(ctx context.Context, q request) (d gate.Decision, err error) {
	// A plan that judging breaks on must not take the gate of all others with it.
	defer func() {
		if fault := recover(); fault != nil {
			h.o.Log.Error("a fault of ours while judging a plan", "run", q.RunID, "workspace", q.Workspace, "fault", fault, "stack", string(debug.Stack()))
			d, err = gate.Decision{}, errors.New("a fault of sevenfold's own, told in its log")
		}
	}()
	if q.Stage != "post_plan" && q.Stage != "pre_apply" {
		return gate.Decision{}, fmt.Errorf("at the stage %q there is no plan yet; set the task to post-plan or pre-apply", q.Stage)
	}
	path, err := h.fetch(ctx, q)
	if err != nil {
		return gate.Decision{}, err
	}
	defer os.Remove(path)
	return h.o.Decide(ctx, path)
}

// fetch puts the plan into a file that only we can read.
func (h *Handler) fetch(ctx context.Context, q request) (path string, err error) {
	if err := h.allowed(q.PlanURL); err != nil {
		return "", fmt.Errorf("plan_json_api_url: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, q.PlanURL, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+q.AccessToken)
	resp, err := h.o.Client.Do(r)
	if err != nil {
		return "", errors.New("the plan could not be fetched: " + plain(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the plan could not be fetched: %s", resp.Status)
	}
	f, err := os.CreateTemp("", "sevenfold-plan-*.json")
	if err != nil {
		return "", err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	n, err := io.Copy(f, io.LimitReader(resp.Body, maxPlan+1))
	if err == nil && n > maxPlan {
		err = fmt.Errorf("the plan is larger than %d bytes", maxPlan)
	}
	return f.Name(), err
}

// plain is an error of the client without the address, which may hold a token.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
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

// send tells Terraform the word.
func (h *Handler) send(ctx context.Context, q request, status, message string) error {
	if runes := []rune(message); len(runes) > maxMessage {
		message = string(runes[:maxMessage-1]) + "…"
	}
	body, err := json.Marshal(map[string]any{"data": map[string]any{"type": "task-results", "attributes": map[string]string{"status": status, "message": message}}})
	if err != nil {
		return err
	}
	for wait := time.Second; ; wait *= 2 {
		r, err := http.NewRequestWithContext(ctx, http.MethodPatch, q.Callback, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+q.AccessToken)
		r.Header.Set("Content-Type", "application/vnd.api+json")
		resp, err := h.o.Client.Do(r)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode/100 == 2 {
				return nil
			}
			err = errors.New(resp.Status)
			if resp.StatusCode/100 == 4 && resp.StatusCode != http.StatusTooManyRequests {
				return err
			}
		} else {
			err = errors.New(plain(err))
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
