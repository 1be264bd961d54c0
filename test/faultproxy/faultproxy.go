// Package faultproxy stands between a client and a test's AWS and plays, by
// rule, what goes wrong with the real one: refusals in the words and shape of
// each protocol, throttling, silence, damage. It counts what it is asked.
package faultproxy

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/test/wire"
)

// Fault is what happens to a request instead of its answer.
type Fault string

// The faults.
const (
	Denied         Fault = "denied"                // no identity-based policy allows it
	DeniedBySCP    Fault = "denied by SCP"         // an explicit deny in a service control policy
	Throttled      Fault = "throttled"             // rate exceeded
	Slow           Fault = "slow"                  // the true answer after Delay
	Silent         Fault = "silent"                // never an answer
	Expired        Fault = "expired"               // the session token ran out
	Truncated      Fault = "truncated"             // the true answer's first half, then the end
	Malformed      Fault = "malformed"             // status 200 with what is neither JSON nor XML
	HTML           Fault = "html"                  // status 200 with a sign-on page
	RegionDisabled Fault = "region disabled"       // an opt-in region refuses the credentials
	ServerError    Fault = "server error"          // 500
	Unavailable    Fault = "service unavailable"   // 503 with Retry-After: 1
	Reset          Fault = "reset"                 // the connection is reset
	WrongMember    Fault = "wrong-typed member"    // the true answer, Member being of another type
	Empty          Fault = "empty body"            // status 200, no body
	Hollow         Fault = "nothing in the body"   // status 200, an object without members, as from who knows no better
	Absent         Fault = "the code in Rule.Code" // a refusal with that code, status 404
)

// Rule says when a fault is played. Empty fields fit everything.
type Rule struct {
	// Service by botocore's name, Operation by the API's, Region of the
	// signature. Resource is a part of the path, query or body.
	Service, Operation, Region, Resource string
	// After lets the first calls that fit pass; Times bounds how often the
	// fault is played then; 0 is always.
	After, Times int
	Fault        Fault
	Delay        time.Duration // of Slow
	Member       string        // of WrongMember: its wire name; empty: the first of the reply
	Code         string        // of Absent
}

// Proxy is the handler. Its methods may be called while it serves.
type Proxy struct {
	next http.Handler

	mu    sync.Mutex
	rules []*active
	calls []wire.Call
}

type active struct {
	Rule
	met int
}

// New puts a proxy before another handler.
func New(next http.Handler, rules ...Rule) *Proxy {
	p := &Proxy{next: next}
	p.Set(rules...)
	return p
}

// To forwards to the server at a URL, such as moto.
func To(target string) http.Handler {
	u, err := url.Parse(target)
	if err != nil {
		panic("faultproxy: " + err.Error()) // a test's own mistake
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) },
		// A client that gives up is not worth a line in the test's log.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}

// Serve runs a handler on 127.0.0.1 until the test ends and gives its URL.
func Serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections() // ends what Silent holds
		s.Close()
		if tr, ok := http.DefaultTransport.(*http.Transport); ok {
			tr.CloseIdleConnections()
		}
	})
	return s.URL
}

// Set replaces the rules; the first that fits is played.
func (p *Proxy) Set(rules ...Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
	for _, r := range rules {
		p.rules = append(p.rules, &active{Rule: r})
	}
}

// Calls gives every call so far in order of arrival, refused ones included.
func (p *Proxy) Calls() []wire.Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]wire.Call(nil), p.calls...)
}

// Count gives the number of calls by "service:Operation". What the read-only
// model does not have counts as "signing-name:".
func (p *Proxy) Count() map[string]int {
	n := map[string]int{}
	for _, c := range p.Calls() {
		n[c.Key()]++
	}
	return n
}

// Forget empties the list of calls.
func (p *Proxy) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = nil
}

// ServeHTTP plays the first rule that fits, or forwards.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	call, ok := wire.Identify(r, body)
	if !ok {
		p.next.ServeHTTP(w, r)
		return
	}
	rule := p.note(call, r, body)
	if rule == nil {
		p.next.ServeHTTP(w, r)
		return
	}
	p.play(*rule, call, w, r)
}

func (p *Proxy) note(c wire.Call, r *http.Request, body []byte) *Rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, c)
	for _, a := range p.rules {
		if !a.fits(c, r, body) {
			continue
		}
		a.met++
		if a.met > a.After && (a.Times == 0 || a.met <= a.After+a.Times) {
			rule := a.Rule
			return &rule
		}
	}
	return nil
}

func (r *Rule) fits(c wire.Call, req *http.Request, body []byte) bool {
	return (r.Service == "" || r.Service == c.Service) &&
		(r.Operation == "" || r.Operation == c.Operation) &&
		(r.Region == "" || r.Region == c.Region) &&
		(r.Resource == "" || strings.Contains(req.URL.String(), r.Resource) || bytes.Contains(body, []byte(r.Resource)))
}
