package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"
)

// maxDepth bounds the nesting of a reply; the deepest published shape stays
// far below it.
const maxDepth = 200

// Decode reads one JSON value, numbers kept as written, and normalises it:
// policy documents become objects, timestamps RFC 3339 in UTC. It is what makes
// a live reply and the command line's output of the same call equal.
func Decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return normalise(v, "", 0), nil
}

// normalise walks a decoded value in place.
func normalise(v any, key string, depth int) any {
	if depth > maxDepth {
		return v
	}
	switch t := v.(type) {
	case map[string]any:
		delete(t, "ResponseMetadata")
		for k, x := range t {
			t[k] = normalise(x, k, depth+1)
		}
	case []any:
		for i, x := range t {
			t[i] = normalise(x, key, depth+1)
		}
	case string:
		if doc, ok := policyDocument(t); ok {
			return doc
		}
		return timestamp(key, t)
	}
	return v
}

// policyDocument decodes a string that holds an IAM policy document, plain or
// URL-encoded. A policy is recognised by its Statement member, so that other
// JSON strings (pipeline definitions, event patterns) stay as the API gives
// them.
func policyDocument(s string) (map[string]any, bool) {
	text := strings.TrimSpace(s)
	if len(text) >= 3 && strings.EqualFold(text[:3], "%7b") {
		plain, err := url.QueryUnescape(strings.ReplaceAll(text, "+", "%2B"))
		if err != nil {
			return nil, false
		}
		text = plain
	}
	if !strings.HasPrefix(text, "{") || !strings.Contains(text, `"Statement"`) {
		return nil, false
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil {
		return nil, false
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	_, ok := doc["Statement"]
	return doc, ok
}

// timestamp rewrites an RFC 3339 time with a zone offset as UTC, if the member
// is named like a time. The command line prints the offset of the machine it
// ran on; the instant is what counts.
func timestamp(key, s string) string {
	if len(s) < 20 || len(s) > 40 || s[4] != '-' || s[10] != 'T' || !timeMember(key) {
		return s
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return s
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// timeMember reports whether a member's name says that it holds a time.
func timeMember(key string) bool {
	k := strings.ToLower(key)
	for _, end := range []string{"time", "date", "at", "timestamp", "used", "created", "modified", "updated", "changed", "on", "since", "until", "start", "expiration", "lastchange"} {
		if strings.HasSuffix(k, end) {
			return true
		}
	}
	return false
}

// parseTime reads what the API gives for a moment: RFC 3339, or seconds or
// milliseconds since 1970.
func parseTime(v any) (time.Time, bool) {
	s := text(v)
	if s == "" {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02 15:04:05.999999999-07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	n, err := json.Number(s).Float64()
	if err != nil || n <= 0 {
		return time.Time{}, false
	}
	if n > 1e11 {
		n /= 1000
	}
	sec := int64(n)
	return time.Unix(sec, int64((n-float64(sec))*1e9)).UTC(), true
}

// tagMap reads tags in any of the shapes the services use: a map, or a list of
// {Key,Value}, {key,value}, {TagKey,TagValue}. Nil if v has no such shape.
func tagMap(v any) map[string]string {
	switch t := v.(type) {
	case map[string]any:
		out := make(map[string]string, len(t))
		for k, x := range t {
			out[k] = text(x)
		}
		return out
	case []any:
		out := make(map[string]string, len(t))
		for _, e := range t {
			m, ok := e.(map[string]any)
			if !ok {
				return nil
			}
			key := firstText(m, "Key", "key", "TagKey")
			if key == "" {
				return nil
			}
			out[key] = firstText(m, "Value", "value", "TagValue")
		}
		return out
	}
	return nil
}

func firstText(m map[string]any, keys ...string) string {
	for _, k := range keys {
		if s := text(m[k]); s != "" {
			return s
		}
	}
	return ""
}
