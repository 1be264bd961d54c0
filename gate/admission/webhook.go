package admission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
)

const (
	// maxReview bounds an AdmissionReview: the object before and after, each of
	// which an API server takes up to three megabytes of.
	maxReview = 8 << 20
	// maxInFlight bounds the reviews held in memory at once.
	maxInFlight = 64
	reviewType  = "admission.k8s.io/v1"
)

// webhook answers AdmissionReviews. Anything it cannot make out is an HTTP
// error, which the API server takes for a refusal, as the registration's
// failure policy says.
type webhook struct {
	decider *decider
	log     *slog.Logger
	flight  chan struct{}
	told    sync.WaitGroup
}

func newWebhook(d *decider, log *slog.Logger) *webhook {
	return &webhook{decider: d, log: log, flight: make(chan struct{}, maxInFlight)}
}

// ServeHTTP implements http.Handler.
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "an AdmissionReview is posted", http.StatusMethodNotAllowed)
		return
	}
	select {
	case h.flight <- struct{}{}:
		defer func() { <-h.flight }()
	case <-r.Context().Done():
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReview))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		h.fail(w, http.StatusRequestEntityTooLarge, fmt.Errorf("the review is larger than %d bytes", maxReview))
		return
	case err != nil:
		h.fail(w, http.StatusBadRequest, err)
		return
	}
	in, a, err := parseReview(body, h.decider.kinds)
	if err != nil {
		h.fail(w, http.StatusBadRequest, err)
		return
	}
	out := review{APIVersion: reviewType, Kind: "AdmissionReview", Response: &response{UID: in.UID, Allowed: true}}
	if why := h.decider.refuse(r.Context(), a); why != "" {
		out.Response.Allowed = false
		out.Response.Status = &status{Code: http.StatusForbidden, Reason: "Forbidden", Message: why}
		h.log.Info("refused", "namespace", a.namespace, "object", a.object, "from", a.had, "to", a.asked, "why", why)
	} else if a.glass != "" {
		h.log.Warn("admitted by break-glass", "namespace", a.namespace, "object", a.object, "from", a.had, "to", a.asked, "user", a.user, "glass", a.glass)
		if !a.dryRun {
			h.tell(a)
		}
	} else {
		h.log.Debug("admitted", "namespace", a.namespace, "object", a.object, "from", a.had, "to", a.asked)
	}
	text, err := json.Marshal(out)
	if err != nil {
		h.fail(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the API server is gone if this fails, and refuses
}

// tell has an event tell of growth by break-glass. It is not waited for: the log
// has it already.
func (h *webhook) tell(a *ask) {
	message := reason("%s grew from %s to %s replicas, asked for by %s, without a certificate: %s", a.object, count(a.had), count(a.asked), a.user, a.glass)
	h.told.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), graceful)
		defer cancel()
		if err := h.decider.cluster.Event(ctx, a.namespace, "GrownByBreakGlass", message); err != nil {
			h.log.Warn("no event could be written", "namespace", a.namespace, "why", err.Error())
		}
	})
}

func (h *webhook) fail(w http.ResponseWriter, code int, err error) {
	h.log.Warn("not understood", "status", code, "why", err.Error())
	http.Error(w, "sevenfold gate: "+err.Error(), code)
}

// parseReview reads an AdmissionReview and what it asks.
func parseReview(body []byte, all *kinds) (*request, *ask, error) {
	var in review
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, nil, fmt.Errorf("not an AdmissionReview: %w", err)
	}
	if in.APIVersion != reviewType || in.Kind != "AdmissionReview" {
		return nil, nil, fmt.Errorf("not an AdmissionReview of %s but %q of %q", reviewType, in.Kind, in.APIVersion)
	}
	if in.Request == nil {
		return nil, nil, errors.New("the AdmissionReview has no request")
	}
	a, err := in.Request.read(all)
	if err != nil {
		return nil, nil, err
	}
	return in.Request, a, nil
}
