package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect"
)

// saying is what a running detection answers of itself: what it told, which logs reached
// it, and how far it has learnt.
type saying struct {
	Incidents []detect.Incident `json:"incidents"`
	Seen      []detect.Seen     `json:"seen"`
	Learnt    detect.Learnt     `json:"learnt"`
}

// said is it; the caller holds the lock.
func (r *Running) said() saying {
	return saying{slices.Concat([]detect.Incident{}, r.watch.Incidents), slices.Concat([]detect.Seen{}, r.watch.Seen), detect.LearntOf(r.watch.Model)}
}

// maxSaying bounds what a detection may answer.
const maxSaying = 256 << 20

// AskWatch reads of a running detection what it told and saw, by its way in (the URL that
// takes events) and its token. A state that it holds cannot be read beside it.
func AskWatch(ctx context.Context, to, token string) (*Watch, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(to, "/events")+"/incidents", nil)
	if err != nil {
		return nil, errors.New("the address of the detection is none\nhint: http://127.0.0.1:8477")
	}
	q.Header.Set("Authorization", "Bearer "+token)
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, fmt.Errorf("the detection does not answer: %w\nhint: sevenfold detect run --listen ADDRESS", err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the detection answered %s", a.Status)
	}
	var got struct {
		Incidents *[]detect.Incident `json:"incidents"`
		Seen      *[]detect.Seen     `json:"seen"`
		Learnt    *detect.Learnt     `json:"learnt"`
	}
	if err := json.NewDecoder(io.LimitReader(a.Body, maxSaying)).Decode(&got); err != nil {
		return nil, fmt.Errorf("the detection's answer: %w", err)
	}
	if got.Incidents == nil || got.Seen == nil || got.Learnt == nil {
		return nil, errors.New("the detection does not say what it told, saw and learnt\nhint: it is of another version")
	}
	return &Watch{Incidents: *got.Incidents, Seen: *got.Seen, Learnt: *got.Learnt}, nil
}
