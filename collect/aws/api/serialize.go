package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// serialize makes the request of an operation by its service's protocol.
func serialize(svc *service, op *operation, params map[string]any) (*message, error) {
	w := &writer{svc: svc, msg: &message{path: "/", query: url.Values{}, header: http.Header{}}}
	if err := w.checkTop(op, params); err != nil {
		return nil, err
	}
	params = w.force(op, params)
	switch svc.proto {
	case "query", "ec2":
		return w.form(op, params)
	case "json":
		return w.jsonRPC(op, params)
	}
	return w.rest(op, params)
}

type writer struct {
	svc *service
	msg *message
}

// forced are parameters the client always sends, so that a reply never holds
// a stored secret: by service:operation.
var forced = map[string]map[string]any{
	"glue:GetConnection":  {"HidePassword": true},
	"glue:GetConnections": {"HidePassword": true},
}

// forbidden are parameters that would ask for stored secrets.
var forbidden = map[string]string{
	"apigateway:GetApiKey": "includeValue", "apigateway:GetApiKeys": "includeValues",
}

func (w *writer) force(op *operation, params map[string]any) map[string]any {
	f := forced[w.svc.name+":"+op.name]
	if f == nil {
		return params
	}
	out := make(map[string]any, len(params)+len(f))
	for k, v := range params {
		out[k] = v
	}
	for k, v := range f {
		out[k] = v
	}
	return out
}

// checkTop refuses what the operation does not know and what it needs but was
// not given.
func (w *writer) checkTop(op *operation, params map[string]any) error {
	var refs []ref
	if op.in >= 0 {
		refs = w.svc.shapes[op.in].refs
	}
	for name := range params {
		if !slices.ContainsFunc(refs, func(r ref) bool { return r.name == name }) {
			return fmt.Errorf("parameter %s is unknown to %s", name, op.name)
		}
		if forbidden[w.svc.name+":"+op.name] == name {
			return fmt.Errorf("parameter %s would return a stored secret", name)
		}
	}
	for _, r := range refs {
		if v, ok := params[r.name]; r.required && (!ok || v == nil || (r.loc == "uri" && v == "")) {
			return fmt.Errorf("parameter %s is missing", r.name)
		}
	}
	return nil
}

func (w *writer) jsonRPC(op *operation, params map[string]any) (*message, error) {
	body := map[string]any{}
	if op.in >= 0 {
		v, err := w.jsonValue(op.in, "", params)
		if err != nil {
			return nil, err
		}
		body = v.(map[string]any)
	}
	b, err := json.Marshal(body)
	w.msg.body = b
	w.msg.header.Set("Content-Type", "application/x-amz-json-"+first(w.svc.jsonVersion, "1.0"))
	w.msg.header.Set("X-Amz-Target", w.svc.target+"."+op.name)
	if w.svc.queryCompatible {
		w.msg.header.Set("X-Amzn-Query-Mode", "true")
	}
	return w.msg, err
}

// rest puts parameters into path, query and headers; the others into a JSON
// body. No reading operation of an XML service has a body.
func (w *writer) rest(op *operation, params map[string]any) (*message, error) {
	labels, body := map[string]string{}, map[string]any{}
	for _, r := range w.svc.shapes[max(op.in, 0)].refs {
		v, ok := params[r.name]
		if !ok || v == nil || op.in < 0 {
			continue
		}
		if r.loc == "" {
			jv, err := w.jsonValue(r.shape, r.format, v)
			if err != nil {
				return nil, fmt.Errorf("parameter %s: %w", r.name, err)
			}
			body[r.wire] = jv
			continue
		}
		if err := w.place(r, v, labels); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", r.name, err)
		}
	}
	if err := w.fillPath(op.uri, labels); err != nil {
		return nil, err
	}
	return w.msg, w.restBody(op, body)
}

func (w *writer) restBody(op *operation, body map[string]any) error {
	wants := false
	if op.in >= 0 {
		wants = slices.ContainsFunc(w.svc.shapes[op.in].refs, func(r ref) bool { return r.loc == "" })
	}
	switch {
	case !wants || (op.method == http.MethodGet && len(body) == 0):
		return nil
	case w.svc.proto == "rest-xml":
		return fmt.Errorf("operation %s has a body in XML, which this read-only client does not write", op.name)
	}
	var err error
	w.msg.body, err = json.Marshal(body)
	w.msg.header.Set("Content-Type", "application/json")
	return err
}

// place puts one parameter where the model says it travels.
func (w *writer) place(r ref, v any, labels map[string]string) error {
	sh := w.svc.shapes[r.shape]
	switch {
	case r.loc == "querystring" && sh.kind == kindMap:
		m, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%T is no map", v)
		}
		for k, e := range m {
			if err := w.addQuery(k, sh.refs[1], e); err != nil {
				return err
			}
		}
		return nil
	case r.loc == "querystring":
		return w.addQuery(r.wire, r, v)
	}
	format := r.format
	if format == "" && r.loc == "header" {
		format = "rfc822"
	}
	s, err := w.text(sh.kind, first(format, "iso8601"), v)
	if err != nil {
		return err
	}
	if r.loc == "uri" {
		labels[r.wire] = s
	} else {
		w.msg.header.Set(r.wire, s)
	}
	return nil
}

// addQuery adds a value, or each element of a list, under one key.
func (w *writer) addQuery(key string, r ref, v any) error {
	sh := w.svc.shapes[r.shape]
	if sh.kind == kindList {
		items, err := elements(v)
		if err != nil {
			return err
		}
		for _, e := range items {
			if err := w.addQuery(key, sh.refs[0], e); err != nil {
				return err
			}
		}
		return nil
	}
	s, err := w.text(sh.kind, first(r.format, "iso8601"), v)
	w.msg.query.Add(key, s)
	return err
}

// fillPath fills /{Bucket}/{Key+}?policy.
func (w *writer) fillPath(template string, labels map[string]string) error {
	path, query, _ := strings.Cut(template, "?")
	for kv := range strings.SplitSeq(query, "&") {
		if k, v, _ := strings.Cut(kv, "="); k != "" {
			w.msg.query.Set(k, v)
		}
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(path, "{")
		b.WriteString(before)
		if !ok {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		greedy := strings.HasSuffix(name, "+")
		name = strings.TrimSuffix(name, "+")
		v, ok := labels[name]
		if !ok || v == "" || v == "." || v == ".." {
			return fmt.Errorf("parameter %s cannot be %q: it is part of the path", name, v)
		}
		b.WriteString(escape(v, greedy))
		path = after
	}
	w.msg.path = b.String()
	return nil
}

// escape percent-encodes all but the unreserved characters of RFC 3986, which
// is what the signature covers.
func escape(s string, slash bool) string {
	const hexes = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0, slash && c == '/':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hexes[c>>4], hexes[c&15]})
		}
	}
	return b.String()
}

// text gives a scalar as it stands in a path, a query, a header or a form.
func (w *writer) text(kind byte, format string, v any) (string, error) {
	switch kind {
	case kindBoolean:
		if b, ok := v.(bool); ok {
			return strconv.FormatBool(b), nil
		}
	case kindInteger, kindFloat:
		switch n := v.(type) {
		case int, int32, int64, float64:
			b, err := json.Marshal(n)
			return string(b), err
		case json.Number:
			return n.String(), nil
		}
	case kindTimestamp:
		if t, ok := v.(time.Time); ok {
			return formatTime(t, format), nil
		}
	case kindBlob:
		if b, ok := v.([]byte); ok {
			return base64.StdEncoding.EncodeToString(b), nil
		}
	case kindString, kindPolicy:
		if s, ok := v.(string); ok {
			return s, nil
		}
	}
	return "", fmt.Errorf("%T cannot be a %s", v, kindNames[kind])
}

func elements(v any) ([]any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out, nil
	case []map[string]any:
		out := make([]any, len(v))
		for i, m := range v {
			out[i] = m
		}
		return out, nil
	}
	return nil, fmt.Errorf("%T is no list", v)
}
