// Package wire tells test servers which operation of AWS a request calls, from
// the same condensed service models the client uses.
package wire

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
)

// Call is one request understood.
type Call struct {
	// Service by botocore's name and Operation by the API's. Operation is empty
	// when the read-only model has none that fits (a write, for one); Service is
	// then the signing name.
	Service, Operation string
	// Region of the signature's scope.
	Region string
	// Labels are the parameters of the path, by their wire names.
	Labels map[string]string
	// Op is the model's; the zero Op if Operation is empty.
	Op api.Op
}

// Key is "service:Operation".
func (c Call) Key() string { return c.Service + ":" + c.Operation }

var scope = regexp.MustCompile(`Credential=[^/,]+/\d{8}/([^/]+)/([^/]+)/aws4_request`)

// bySigning lists the operations of the model by signing name.
var bySigning = sync.OnceValue(func() map[string][]api.Op {
	m := map[string][]api.Op{}
	for _, s := range api.Services() {
		for _, name := range api.Operations(s) {
			op, _ := api.Operation(s, name)
			m[op.SigningName()] = append(m[op.SigningName()], op)
		}
	}
	return m
})

// Identify reads a request; body is its whole body. It reports false when the
// request carries no signature.
func Identify(r *http.Request, body []byte) (Call, bool) {
	m := scope.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return Call{}, false
	}
	c := Call{Region: m[1], Service: m[2]}
	best := -1
	form, _ := url.ParseQuery(string(body))
	for _, op := range bySigning()[c.Service] {
		labels, score := fit(op, r, form)
		if score > best {
			best, c.Op, c.Labels = score, op, labels
		}
	}
	if best >= 0 {
		c.Service, c.Operation = c.Op.Service(), c.Op.Name()
	}
	return c, true
}

// fit says how well a request fits an operation; -1 for not at all.
func fit(op api.Op, r *http.Request, form url.Values) (map[string]string, int) {
	switch op.Protocol() {
	case "json":
		if r.Header.Get("X-Amz-Target") == op.Target() {
			return nil, 1
		}
		return nil, -1
	case "query", "ec2":
		if form.Get("Action") == op.Name() && form.Get("Version") == op.APIVersion() {
			return nil, 1
		}
		return nil, -1
	}
	return fitPath(op, r)
}

func fitPath(op api.Op, r *http.Request) (map[string]string, int) {
	method, uri := op.HTTP()
	path, query, _ := strings.Cut(uri, "?")
	if method != r.Method {
		return nil, -1
	}
	labels, score := match(strings.Split(strings.Trim(path, "/"), "/"), strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/"))
	if score < 0 {
		return nil, -1
	}
	have := r.URL.Query()
	for kv := range strings.SplitSeq(query, "&") {
		k, v, _ := strings.Cut(kv, "=")
		if k == "" {
			continue
		}
		if !have.Has(k) || (v != "" && have.Get(k) != v) {
			return nil, -1
		}
		score += 10
	}
	for _, in := range op.Inputs() {
		if in.Location == "querystring" && in.Required {
			if !have.Has(in.Wire) {
				return nil, -1
			}
			score += 5
		}
	}
	return labels, score
}

// match fits escaped path segments to a template's; a literal counts more than
// a label, a greedy label takes
// what the literals after it leave.
func match(template, path []string) (map[string]string, int) {
	labels, score := map[string]string{}, 0
	for i, t := range template {
		if i >= len(path) {
			return nil, -1
		}
		name, isLabel := strings.CutPrefix(t, "{")
		name = strings.TrimSuffix(name, "}")
		switch {
		case !isLabel && t != path[i]:
			return nil, -1
		case !isLabel:
			score += 100
		case strings.HasSuffix(name, "+"):
			tail := template[i+1:]
			end := len(path) - len(tail)
			if end <= i || !slices.Equal(tail, path[end:]) {
				return nil, -1
			}
			labels[strings.TrimSuffix(name, "+")] = unescape(strings.Join(path[i:end], "/"))
			return labels, score + 1 + 100*len(tail)
		case path[i] == "":
			return nil, -1
		default:
			labels[name] = unescape(path[i])
			score++
		}
	}
	if len(path) > len(template) {
		return nil, -1
	}
	return labels, score
}

func unescape(s string) string {
	if p, err := url.PathUnescape(s); err == nil {
		return p
	}
	return s
}
