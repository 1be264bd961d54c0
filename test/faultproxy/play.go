package faultproxy

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/test/wire"
)

// play does to one request what the rule says.
func (p *Proxy) play(rule Rule, c wire.Call, w http.ResponseWriter, r *http.Request) {
	switch rule.Fault {
	case Denied, DeniedBySCP, Expired, RegionDisabled, Throttled:
		status, code, message := words(rule.Fault, c)
		wire.Refuse(w, c, status, code, message)
	case Absent:
		wire.Refuse(w, c, http.StatusNotFound, rule.Code, "the resource has none")
	case ServerError:
		wire.Refuse(w, c, http.StatusInternalServerError, "InternalFailure", "an internal error occurred")
	case Unavailable:
		w.Header().Set("Retry-After", "1")
		wire.Refuse(w, c, http.StatusServiceUnavailable, "ServiceUnavailable", "please retry")
	case Slow:
		p.slow(rule.Delay, w, r)
	case Silent:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Reset:
		reset(w)
	case Malformed:
		_, _ = w.Write([]byte(`{"half": <tag`))
	case Empty:
		w.WriteHeader(http.StatusOK)
	case Hollow:
		hollow(c, w)
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><body>Sign in to continue</body></html>"))
	default:
		p.damage(rule, c, w, r)
	}
}

// hollow answers with the emptiest object of the service's protocol.
func hollow(c wire.Call, w http.ResponseWriter) {
	if c.Operation != "" && slices.Contains([]string{"query", "ec2", "rest-xml"}, c.Op.Protocol()) {
		_, _ = fmt.Fprintf(w, "<%[1]sResponse></%[1]sResponse>", c.Operation)
		return
	}
	_, _ = w.Write([]byte("{}"))
}

func (p *Proxy) slow(d time.Duration, w http.ResponseWriter, r *http.Request) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		p.next.ServeHTTP(w, r)
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

// reset ends the connection so that the client sees a reset, not an end.
func reset(w http.ResponseWriter) {
	hj, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hj.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// words gives a refusal as the service of that protocol puts it.
func words(f Fault, c wire.Call) (status int, code, message string) {
	proto := ""
	if c.Operation != "" {
		proto = c.Op.Protocol()
	}
	xml := slices.Contains([]string{"query", "ec2", "rest-xml"}, proto)
	pick := func(ec2, xmls, jsons string) string {
		switch {
		case proto == "ec2":
			return ec2
		case xml:
			return xmls
		}
		return jsons
	}
	who, act := "arn:aws:sts::123456789012:assumed-role/auditor/session", api.Grant(c.Service, c.Operation)
	switch f {
	case Denied:
		return 0, pick("UnauthorizedOperation", "AccessDenied", "AccessDeniedException"),
			fmt.Sprintf("User: %s is not authorized to perform: %s because no identity-based policy allows the %s action", who, act, act)
	case DeniedBySCP:
		return 0, pick("UnauthorizedOperation", "AccessDenied", "AccessDeniedException"),
			fmt.Sprintf("User: %s is not authorized to perform: %s with an explicit deny in a service control policy: arn:aws:organizations::123456789012:policy/o-x/service_control_policy/p-x", who, act)
	case Expired:
		return 0, pick("RequestExpired", "ExpiredToken", "ExpiredTokenException"), "The security token included in the request is expired"
	case RegionDisabled:
		return 0, pick("AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"), "The security token included in the request is invalid."
	}
	if c.Service == "s3" {
		return http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."
	}
	return 0, pick("RequestLimitExceeded", "Throttling", "ThrottlingException"), "Rate exceeded"
}

// damage asks for the true answer and spoils it.
func (p *Proxy) damage(rule Rule, c wire.Call, w http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	r.Header.Del("Accept-Encoding")
	p.next.ServeHTTP(rec, r)
	body := rec.Body.Bytes()
	for k, v := range rec.Header() {
		if k != "Content-Length" && k != "Transfer-Encoding" {
			w.Header()[k] = v
		}
	}
	if rule.Fault == WrongMember {
		body = spoil(body, rule.Member)
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body[:len(body)/2])
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler)
}

// spoil gives the named member another type: an object where there was
// something else, a text where there was an object.
func spoil(body []byte, member string) []byte {
	if strings.HasPrefix(strings.TrimSpace(string(body)), "<") {
		el := regexp.MustCompile(`(?s)<` + regexp.QuoteMeta(member) + `>.*?</` + regexp.QuoteMeta(member) + `>`)
		return el.ReplaceAll(body, []byte("<"+member+"><unexpected>1</unexpected></"+member+">"))
	}
	var doc any
	if json.Unmarshal(body, &doc) != nil {
		return body
	}
	swap(doc, member)
	out, err := json.Marshal(doc)
	if err != nil {
		return body
	}
	return out
}

// swap changes the first member of that name it finds, or without a name the
// first of the object.
func swap(v any, member string) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sorted(v) {
			if k == member || member == "" {
				if _, isObject := v[k].(map[string]any); isObject {
					v[k] = "unexpected"
				} else {
					v[k] = map[string]any{"unexpected": true}
				}
				return true
			}
		}
		for _, k := range sorted(v) {
			if swap(v[k], member) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if swap(e, member) {
				return true
			}
		}
	}
	return false
}

func sorted(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
