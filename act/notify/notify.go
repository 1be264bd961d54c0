// Package notify tells people of incidents where the user has configured it: a webhook,
// Slack, PagerDuty, e-mail. Nothing is sent that no --notify asked for. What is sent
// says who did what and why that is strange; it holds no payload of an event.
//
// # Sources
//
//   - Slack incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
//   - PagerDuty Events API v2: https://developer.pagerduty.com/docs/send-alert-event
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"strings"
	"time"
)

// Message is what is told.
type Message struct {
	ID       string
	Severity string // critical, high, medium, low
	Title    string
	Lines    []string // why, weightiest first
	At       time.Time
	// Body is the whole incident as JSON, for webhooks.
	Body json.RawMessage
}

// Sender sends messages. Send returns an error that names the target without its
// secrets; sending the same message twice must do no harm.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// timeout bounds one sending.
const timeout = 10 * time.Second

// Parse reads a target: webhook:URL, slack:URL, pagerduty:KEY[@URL], or
// email:smtp://HOST:PORT?from=…&to=…. env:NAME in the place of a URL or key takes it
// from the environment, where no list of processes shows it.
func Parse(target string) (Sender, error) {
	kind, rest, ok := strings.Cut(target, ":")
	if !ok || rest == "" {
		return nil, fmt.Errorf("target %q names no kind and place", kind)
	}
	if name, is := strings.CutPrefix(rest, "env:"); is {
		if rest = os.Getenv(name); rest == "" {
			return nil, fmt.Errorf("target %s: the variable %s is empty", kind, name)
		}
	}
	switch kind {
	case "webhook", "slack":
		u, err := parseHTTP(rest)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", kind, err)
		}
		return &post{kind: kind, url: u}, nil
	case "pagerduty":
		key, at, found := strings.Cut(rest, "@")
		if !found {
			at = "https://events.pagerduty.com/v2/enqueue"
		}
		u, err := parseHTTP(at)
		if err != nil {
			return nil, fmt.Errorf("target pagerduty: %w", err)
		}
		return &post{kind: kind, url: u, key: key}, nil
	case "email":
		return parseMail(rest)
	}
	return nil, fmt.Errorf("target %q is none of webhook, slack, pagerduty, email", kind)
}

// parseHTTP refuses what is no address of a web server. Its error holds no part of the
// address: it may be a secret.
func parseHTTP(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("it is no http or https address")
	}
	return u, nil
}

// post sends JSON to a web server.
type post struct {
	kind string
	url  *url.URL
	key  string
}

// Send implements Sender.
func (p *post) Send(ctx context.Context, m Message) error {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	body, err := json.Marshal(p.body(m))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), bytes.NewReader(body))
	if err != nil {
		return p.fault("it cannot be asked")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "sevenfold")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		var inner *url.Error // its text holds the address
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return p.fault(err.Error())
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode/100 != 2 {
		return p.fault("it answered " + resp.Status)
	}
	return nil
}

func (p *post) fault(why string) error {
	return fmt.Errorf("%s at %s was not told: %s", p.kind, p.url.Host, why)
}

// body is what each kind of target wants to read.
func (p *post) body(m Message) any {
	switch p.kind {
	case "slack":
		return map[string]string{"text": fmt.Sprintf("*%s* %s `%s`\n%s", slackText(m.Severity), slackText(m.Title), m.ID, slackText(strings.Join(m.Lines, "\n")))}
	case "pagerduty":
		severity := map[string]string{"critical": "critical", "high": "error", "medium": "warning"}[m.Severity]
		if severity == "" {
			severity = "info"
		}
		return map[string]any{"routing_key": p.key, "event_action": "trigger", "dedup_key": m.ID, "payload": map[string]any{
			"summary": cut(m.Title, 1024), "source": "sevenfold", "severity": severity, "timestamp": m.At.UTC().Format(time.RFC3339), "custom_details": m.Lines}}
	}
	return m.Body
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// slackText keeps names that others chose from being read as Slack's own marks.
func slackText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// mail sends by SMTP; STARTTLS is used where the server offers it.
type mail struct {
	host, from string
	to         []string
	auth       smtp.Auth
}

func parseMail(s string) (Sender, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "smtp" || u.Host == "" {
		return nil, errors.New("target email: it is no smtp://HOST:PORT?from=…&to=…")
	}
	m := &mail{host: u.Host, from: u.Query().Get("from"), to: u.Query()["to"]}
	if u.Port() == "" {
		m.host = net.JoinHostPort(u.Hostname(), "587")
	}
	for _, a := range append([]string{m.from}, m.to...) {
		if a == "" || strings.ContainsAny(a, "\r\n") {
			return nil, errors.New("target email: from= and to= are wanted")
		}
	}
	if len(m.to) == 0 {
		return nil, errors.New("target email: to= is wanted")
	}
	if u.User != nil {
		password, _ := u.User.Password()
		m.auth = smtp.PlainAuth("", u.User.Username(), password, u.Hostname())
	}
	return m, nil
}

// Send implements Sender.
func (s *mail) Send(ctx context.Context, m Message) error {
	clean := func(x string) string { return strings.Map(printing, x) }
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nSubject: [%s] %s\r\nMessage-ID: <%s@sevenfold>\r\nDate: %s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n", s.from, strings.Join(s.to, ", "), clean(m.Severity), cut(clean(m.Title), 150), clean(m.ID), m.At.Format(time.RFC1123Z), clean(m.Title))
	for _, l := range m.Lines {
		b.WriteString(clean(l) + "\r\n")
	}
	done := make(chan error, 1)
	go func() { done <- smtp.SendMail(s.host, s.auth, s.from, s.to, b.Bytes()) }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("email by %s was not sent: %w", s.host, err)
		}
		return nil
	case <-time.After(timeout):
		return fmt.Errorf("email by %s was not sent within %s", s.host, timeout)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// printing keeps names that others chose from ending a line of the message.
func printing(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
