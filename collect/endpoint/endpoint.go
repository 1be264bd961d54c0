// Package endpoint asks endpoints that a person names. Ask tries how one of his own
// treats callers: it sends only GET, only to that address, and keeps nothing of what
// comes back. Take puts the questions he configured, and keeps of the replies by what
// the model that gave them is known again. Neither follows a redirect.
package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options of a probe.
type Options struct {
	URL string
	// Key is sent in Header; as a bearer token where that is Authorization.
	Key, Header string
	// Requests a minute that the endpoint is meant to keep callers to; 0: not asked.
	Requests int
	// Client, nil: one that checks certificates.
	Client *http.Client
}

// Seen is what came of it.
type Seen struct {
	Host    string
	TLS     string // the version; "" without
	Refuses *bool  // a request without a key
	Limited int    // after how many it refused more; 0: none was refused
	Asked   int
	Open    []string
}

// maxRequests bounds what is sent to see a limit.
const maxRequests = 10_000

// Ask asks. The error says why the endpoint cannot be asked at all.
func Ask(ctx context.Context, o Options) (*Seen, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		o.URL, _, _ = strings.Cut(o.URL, "?")
		if at := strings.LastIndexByte(o.URL, '@'); at >= 0 {
			o.URL = "…" + o.URL[at:]
		}
		return nil, fmt.Errorf("%q is no address of an endpoint (https://HOST/PATH, without a user)", o.URL)
	}
	if o.Requests < 0 || o.Requests >= maxRequests {
		return nil, fmt.Errorf("a limit of %d is not tried: at most %d", o.Requests, maxRequests-1)
	}
	if o.Key != "" && u.Scheme == "http" {
		return nil, errors.New("no key is sent without TLS")
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 30 * time.Second}
	}
	c := *o.Client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s := &Seen{Host: hostOf(u)}
	status, state, err := get(ctx, &c, o, false)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be asked: %w", s.Host, err)
	}
	if state != nil {
		s.TLS = tls.VersionName(state.Version)
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		yes := true
		s.Refuses = &yes
	case status >= 200 && status < 300:
		no := false
		s.Refuses = &no
	default:
		s.Open = append(s.Open, fmt.Sprintf("whether it refuses without a key: it answered with status %d", status))
	}
	if o.Requests > 0 {
		s.limit(ctx, &c, o)
	}
	return s, nil
}

// hostOf is a host as code names it: in lower case, with the port where it is not the
// scheme's own.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return host
}

// limit sends one request more than the limit, within a minute.
func (s *Seen) limit(ctx context.Context, c *http.Client, o Options) {
	end := time.Now().Add(time.Minute)
	answered, last := 0, 0
	for s.Asked <= o.Requests {
		if time.Now().After(end) {
			s.Open = append(s.Open, fmt.Sprintf("whether it keeps to %d requests a minute: only %d could be sent in one", o.Requests, s.Asked))
			return
		}
		status, _, err := get(ctx, c, o, true)
		switch {
		case err != nil:
			s.Open = append(s.Open, fmt.Sprintf("whether it keeps to the limit: request %d failed: %v", s.Asked+1, err))
			return
		case status == http.StatusTooManyRequests:
			s.Limited = max(s.Asked, 1)
			s.Asked++
			return
		case status == http.StatusUnauthorized || status == http.StatusForbidden:
			s.Open = append(s.Open, fmt.Sprintf("whether it keeps to the limit: it refused the key with status %d", status))
			return
		case status >= 500:
			s.Open = append(s.Open, fmt.Sprintf("whether it keeps to the limit: it answered request %d with status %d", s.Asked+1, status))
			return
		case status < 300:
			answered++
		}
		last = status
		s.Asked++
	}
	// What is not there, or takes no GET, may be refused before requests are counted.
	if answered == 0 {
		s.Open = append(s.Open, fmt.Sprintf("whether it keeps to the limit: it answered every request with status %d", last))
	}
}

func get(ctx context.Context, c *http.Client, o Options, key bool) (int, *tls.ConnectionState, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.URL, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("User-Agent", "sevenfold-probe")
	if key {
		name, value := o.Header, o.Key
		if name == "" || http.CanonicalHeaderKey(name) == "Authorization" {
			name, value = "Authorization", "Bearer "+o.Key
		}
		req.Header.Set(name, value)
	}
	res, err := c.Do(req)
	if err != nil {
		// The address may hold a key of its own; it is not told.
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err
		}
		return 0, nil, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	return res.StatusCode, res.TLS, res.Body.Close()
}
