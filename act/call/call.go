// Package call sends messages to the people who are called for an incident, by the
// contacts that sevenfold.yaml names, and to nobody else.
package call

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

// PagerDuty is where its events go.
var PagerDuty = "https://events.pagerduty.com/v2/enqueue"

// Send sends a text to a contact: webhook:URL, slack:env:NAME, pagerduty:env:NAME. The
// error never shows the address: it may be a secret.
func Send(ctx context.Context, client *http.Client, contact, text string) error {
	kind, rest, _ := strings.Cut(contact, ":")
	if kind == "mailto" {
		return errors.New("e-mail goes by a mail server, not by this")
	}
	if name, ok := strings.CutPrefix(rest, "env:"); ok {
		if rest = os.Getenv(name); rest == "" {
			return fmt.Errorf("environment variable %s is empty", name)
		}
	}
	to, body := rest, map[string]any{"text": text}
	if kind == "pagerduty" {
		to = PagerDuty
		body = map[string]any{"routing_key": rest, "event_action": "trigger", "payload": map[string]any{"summary": text, "source": "sevenfold", "severity": "info"}}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(raw))
	if err != nil {
		return errors.New("the contact is no address")
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address
		}
		return fmt.Errorf("not reached: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("not reached: the service answers %s", resp.Status)
	}
	return nil
}
