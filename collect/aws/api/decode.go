package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decodeReply makes one JSON object of a successful answer.
func decodeReply(svc *service, op *operation, resp *http.Response, body []byte) (json.RawMessage, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("the reply is not UTF-8")
	}
	if isHTML(body) {
		return nil, errors.New("the reply is an HTML page, not the service's answer")
	}
	if op.out < 0 {
		return json.RawMessage("{}"), nil
	}
	if len(bytes.TrimSpace(body)) == 0 && resp.StatusCode != http.StatusNoContent && hasBody(svc, op) {
		return nil, errors.New("the reply is empty") // no service says "nothing" so
	}
	out := append(make([]byte, 0, len(body)+64), '{')
	out, err := fromHeaders(svc, op, resp, out)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(svc.proto, "rest-") {
		if p := payload(svc, op); p != nil {
			out, err = decodePayload(svc, p, body, out)
			return closeObject(out), err
		}
	}
	if !hasBody(svc, op) {
		return closeObject(out), nil
	}
	switch svc.proto {
	case "json", "rest-json":
		out, err = jsonBody(svc, op.out, body, out)
	default:
		out, err = xmlBody(svc, op, body, out)
	}
	return closeObject(out), err
}

// isHTML looks at the page itself, as a proxy's or a sign-on's answer: the
// content type is not to be trusted either way.
func isHTML(body []byte) bool {
	start := strings.ToLower(string(bytes.TrimSpace(body[:min(len(body), 256)])))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html")
}

func closeObject(out []byte) json.RawMessage {
	if n := len(out); n > 0 && out[n-1] == ',' {
		out = out[:n-1]
	}
	return append(out, '}')
}

func payload(svc *service, op *operation) *ref {
	refs := svc.shapes[op.out].refs
	for i := range refs {
		if refs[i].payload {
			return &refs[i]
		}
	}
	return nil
}

func hasBody(svc *service, op *operation) bool {
	for _, r := range svc.shapes[op.out].refs {
		if r.loc == "" {
			return true
		}
	}
	return false
}

// decodePayload reads a body that is one member alone.
func decodePayload(svc *service, p *ref, body, out []byte) ([]byte, error) {
	sh := svc.shapes[p.shape]
	out = appendKey(out, p.name)
	switch {
	case sh.kind == kindString:
		out = appendString(out, string(body))
	case sh.kind == kindBlob:
		b, _ := json.Marshal(body)
		out = append(out, b...)
	case len(bytes.TrimSpace(body)) == 0:
		out = append(out, "{}"...)
	case svc.proto == "rest-xml":
		d := newXML(svc, body)
		root, err := d.root()
		if err != nil {
			return nil, err
		}
		if out, err = d.element(p, root, out); err != nil {
			return nil, at(err, p.name)
		}
	default:
		if !json.Valid(body) {
			return nil, errors.New("the reply is no JSON")
		}
		d := &jsonDecoder{svc: svc, in: body, out: out}
		if err := d.value(p); err != nil {
			return nil, at(err, p.name)
		}
		out = d.out
	}
	return append(out, ','), nil
}

// fromHeaders reads the members that travel in headers or as the status.
func fromHeaders(svc *service, op *operation, resp *http.Response, out []byte) ([]byte, error) {
	refs := svc.shapes[op.out].refs
	for i := range refs {
		r := &refs[i]
		switch r.loc {
		case "statusCode":
			out = append(appendKey(out, r.name), strconv.Itoa(resp.StatusCode)+","...)
		case "headers":
			out = headerMap(r, resp.Header, out)
		case "header":
			v := resp.Header.Values(r.wire)
			if len(v) == 0 {
				continue
			}
			val, err := scalar(svc.shapes[r.shape].kind, strings.Join(v, ","))
			if err != nil {
				return nil, at(err, r.name)
			}
			out = append(append(appendKey(out, r.name), val...), ',')
		}
	}
	return out, nil
}

func headerMap(r *ref, h http.Header, out []byte) []byte {
	found := map[string]string{}
	for k, v := range h {
		if name, ok := strings.CutPrefix(strings.ToLower(k), strings.ToLower(r.wire)); ok {
			found[name] = strings.Join(v, ",")
		}
	}
	b, _ := json.Marshal(found) // a map of strings: cannot fail
	return append(append(appendKey(out, r.name), b...), ',')
}

// scalar makes JSON of a scalar's text, as it comes in XML and in headers.
func scalar(kind byte, text string) ([]byte, error) {
	switch kind {
	case kindInteger:
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return nil, fmt.Errorf("%.40q is no integer", text)
		}
		return number(text), nil
	case kindFloat:
		return float(text)
	case kindBoolean:
		switch text {
		case "true", "false":
			return []byte(text), nil
		case "True", "TRUE", "1":
			return []byte("true"), nil
		case "False", "FALSE", "0":
			return []byte("false"), nil
		}
		return nil, fmt.Errorf("%.40q is no boolean", text)
	case kindTimestamp:
		s, err := isoTime(text)
		return appendString(nil, s), err
	case kindPolicy:
		return policy(text), nil
	}
	return appendString(nil, text), nil
}

// number drops what JSON does not allow before digits.
func number(text string) []byte {
	n, _ := strconv.ParseInt(text, 10, 64)
	return strconv.AppendInt(nil, n, 10)
}

func float(text string) ([]byte, error) {
	switch text {
	case "NaN", "Infinity", "-Infinity":
		return appendString(nil, text), nil // no JSON number; the words the services use
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("%.40q is no number", text)
	}
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("%.40q is no number", text)
	}
	return b, nil
}

// policy decodes the documents IAM sends URL-encoded. What is no such document
// stays the text it is, as nothing must be lost.
func policy(text string) []byte {
	plain, err := url.PathUnescape(text)
	if err != nil {
		plain = text // a document that was never encoded
	}
	if json.Valid([]byte(plain)) {
		var b bytes.Buffer
		if json.Compact(&b, []byte(plain)) == nil && strings.HasPrefix(b.String(), "{") {
			return b.Bytes()
		}
	}
	return appendString(nil, text)
}

func appendKey(out []byte, name string) []byte {
	return append(appendString(out, name), ':')
}

// appendString writes s as a JSON string. Unlike encoding/json it leaves <, >
// and & alone.
func appendString(out []byte, s string) []byte {
	const hexes = "0123456789abcdef"
	out = append(out, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, '\\', 'u', '0', '0', hexes[c>>4], hexes[c&15])
		}
	}
	return append(append(out, s[start:]...), '"')
}

// shapeError is a member that does not fit the model, with its path.
type shapeError struct {
	path string
	why  string
}

func (e *shapeError) Error() string { return e.path + ": " + e.why }

// at puts a step before an error's path: a member's name, "[3]" or "{key}".
func at(err error, step string) error {
	var se *shapeError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &se):
		return &shapeError{path: step, why: err.Error()}
	case strings.HasPrefix(se.path, "["):
		se.path = step + se.path
	default:
		se.path = step + "." + se.path
	}
	return se
}

func index1(i int) string { return "[" + strconv.Itoa(i) + "]" }
