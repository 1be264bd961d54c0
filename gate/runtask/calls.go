package runtask

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	// fetches is how often a plan is asked for that is not there yet.
	fetches = 6
	// hearing is how long one call may take by which the word is sent.
	hearing = 15 * time.Second
)

// hostOf is a host as hosts are compared: a port that goes without saying is left out.
func hostOf(u *url.URL) string {
	return strings.TrimSuffix(strings.ToLower(u.Host), ":443")
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
	case !h.hosts[hostOf(u)]:
		return fmt.Errorf("%s is no host that was named", u.Host)
	}
	return nil
}

// redirected decides whether a redirect is followed: to where a plan lies, and never
// from the callback. A word that was led away would be a GET, and any page that is
// there would count as having heard it.
func (h *Handler) redirected(r *http.Request, via []*http.Request) error {
	switch {
	case via[0].Method != http.MethodGet:
		return http.ErrUseLastResponse
	case len(via) > 3:
		return errors.New("too many redirects")
	case r.URL.Scheme != "https":
		return fmt.Errorf("redirected to %s", r.URL.Scheme)
	}
	// The archivist that holds plans lies on another host, and needs no token: the
	// client leaves it out there.
	return h.allowed(r.URL.String())
}

// final is a failure that trying again does not mend.
type final struct{ error }

// fetch puts the plan into a file that only we can read. The address may answer for
// a moment that there is nothing yet.
func (h *Handler) fetch(ctx context.Context, q request, path string) error {
	if err := h.allowed(q.PlanURL); err != nil {
		return fmt.Errorf("plan_json_api_url: %w", err)
	}
	wait := h.again
	for try := 1; ; try++ {
		err := h.get(ctx, q, path)
		if f := (final{}); err == nil || errors.As(err, &f) || try == fetches || !pause(ctx, wait) {
			return err
		}
		wait *= 2
	}
}

// get asks for the plan once.
func (h *Handler) get(ctx context.Context, q request, path string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, q.PlanURL, nil)
	if err != nil {
		return final{errors.New("plan_json_api_url: this is no address")}
	}
	r.Header.Set("Authorization", "Bearer "+q.AccessToken)
	resp, err := h.o.Client.Do(r)
	if err != nil {
		err = fmt.Errorf("the plan could not be fetched: %s", plain(err))
		if resp != nil { // led to where nobody may be asked
			return final{err}
		}
		return err
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code == http.StatusNoContent, code == http.StatusTooManyRequests, code >= 500:
		return fmt.Errorf("the plan could not be fetched: %s", resp.Status)
	case code != http.StatusOK:
		return final{fmt.Errorf("the plan could not be fetched: %s", resp.Status)}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return final{errors.New("the plan could not be written to a file")}
	}
	n, err := io.Copy(f, io.LimitReader(resp.Body, maxPlan+1))
	if e := f.Close(); err == nil {
		err = e
	}
	switch {
	case err != nil:
		return fmt.Errorf("the plan was not read to its end: %s", plain(err))
	case n > maxPlan:
		return final{fmt.Errorf("the plan is larger than %d bytes", maxPlan)}
	}
	return nil
}

// plain is an error of the client without any address, which may hold a token.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if text := err.Error(); !strings.Contains(text, "Location header") {
		return text
	}
	return "redirected to what is no address"
}

// send tells Terraform the word, until it was heard or ctx ends.
func (h *Handler) send(ctx context.Context, q request, status, message string) error {
	if runes := []rune(message); len(runes) > maxMessage {
		message = string(runes[:maxMessage-1]) + "…"
	}
	body, err := json.Marshal(map[string]any{"data": map[string]any{"type": "task-results", "attributes": map[string]string{"status": status, "message": message}}})
	if err != nil {
		return err
	}
	for wait := h.again; ; wait *= 2 {
		err := h.patch(ctx, q, body)
		if f := (final{}); err == nil || errors.As(err, &f) || !pause(ctx, wait) {
			return err
		}
	}
}

// patch sends the word once.
func (h *Handler) patch(ctx context.Context, q request, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, hearing)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPatch, q.Callback, bytes.NewReader(body))
	if err != nil {
		return final{errors.New("task_result_callback_url: this is no address")}
	}
	r.Header.Set("Authorization", "Bearer "+q.AccessToken)
	r.Header.Set("Content-Type", "application/vnd.api+json")
	resp, err := h.o.Client.Do(r)
	if err != nil {
		return errors.New(plain(err))
	}
	resp.Body.Close()
	switch code := resp.StatusCode; {
	case code/100 == 2:
		return nil
	case code == http.StatusTooManyRequests, code >= 500:
		return errors.New(resp.Status)
	case code/100 == 3:
		return final{fmt.Errorf("%s: the callback leads elsewhere, and is not followed", resp.Status)}
	case code == http.StatusUnauthorized, code == http.StatusNotFound:
		return final{fmt.Errorf("%s: the run waits for it no longer, or its token has ended", resp.Status)}
	}
	return final{errors.New(resp.Status)}
}

// pause waits, and reports whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
