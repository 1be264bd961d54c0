package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
)

// cases are the events a rule is proven by.
type cases struct {
	Fire []sequence `yaml:"fire"`
	Near []struct {
		Because string         `yaml:"because"`
		Event   map[string]any `yaml:"event"`
		Events  sequence       `yaml:"events"`
	} `yaml:"near"`
}

// sequence is one case: steps one after the other; a lone event is one step.
type sequence []step

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *sequence) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		var e map[string]any
		err := n.Decode(&e)
		*s = sequence{{Event: e}}
		return err
	}
	var steps []step
	err := n.Decode(&steps)
	*s = steps
	return err
}

// step is an event that comes several times.
type step struct {
	Repeat int               `yaml:"repeat"`
	Every  string            `yaml:"every"`
	Event  map[string]any    `yaml:"event"`
	Vary   map[string]string `yaml:"vary"`
}

// maxRepeat bounds what a case plays.
const maxRepeat = 100_000

// play says whether the rule fires on a case.
func play(set *sigma.Set, rule *sigma.Rule, log sigma.LogSource, steps sequence) (hit bool, err error) {
	m, c := set.NewMatcher(), set.NewCorrelator()
	told := func(x sigma.Match) { hit = hit || x.Rule == rule }
	at := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	n := 0
	for _, s := range steps {
		if s.Event == nil {
			return false, fmt.Errorf("a step without an event")
		}
		every := time.Second
		if s.Every != "" {
			if every, err = time.ParseDuration(s.Every); err != nil {
				return false, fmt.Errorf("every: %q is no time like 20s", s.Every)
			}
		}
		if s.Repeat > maxRepeat {
			return false, fmt.Errorf("repeat: at most %d", maxRepeat)
		}
		for range max(1, s.Repeat) {
			n++
			raw, err := record(log, s, n, at)
			if err != nil {
				return false, err
			}
			at = at.Add(every)
			if err := feed(m, c, raw, told); err != nil {
				return false, err
			}
		}
	}
	c.Flush(told)
	return hit, nil
}

// feed reads a record the way every record is read, and tries the rules on it.
func feed(m *sigma.Matcher, c *sigma.Correlator, raw []byte, told func(sigma.Match)) error {
	rd, err := ocsf.NewReader(bytes.NewReader(raw), ocsf.Options{})
	if err != nil {
		return err
	}
	for got := 0; ; got++ {
		var e ocsf.Event
		err := rd.Next(&e)
		if err == io.EOF && got > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %v", errNoEvent, err)
		}
		m.Match(&e, func(x sigma.Match) { c.Feed(x, told) })
	}
}

// record makes the n-th record of a case.
func record(log sigma.LogSource, s step, n int, at time.Time) ([]byte, error) {
	e := clone(s.Event).(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(s.Vary)) {
		put(e, path, fmt.Sprint(s.Vary[path], n))
	}
	id, stamp := fmt.Sprint("case-", n), at.Format(time.RFC3339Nano)
	fill := func(more map[string]any) {
		for k, v := range more {
			if _, ok := e[k]; !ok {
				e[k] = v
			}
		}
	}
	switch {
	case log.Service == "cloudtrail":
		fill(map[string]any{"eventVersion": "1.09", "eventTime": stamp, "eventID": id, "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7", "userAgent": "Boto3/1.34", "recipientAccountId": "111122223333",
			"userIdentity": map[string]any{"type": "AssumedRole", "principalId": "AROAEXAMPLE:s", "arn": "arn:aws:sts::111122223333:assumed-role/app/s", "accountId": "111122223333", "accessKeyId": "ASIAEXAMPLE",
				"sessionContext": map[string]any{"sessionIssuer": map[string]any{"type": "Role", "arn": "arn:aws:iam::111122223333:role/app", "accountId": "111122223333"}}}})
	case log.Service == "bedrock_invocation":
		fill(map[string]any{"schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": stamp, "accountId": "111122223333", "region": "us-east-1", "requestId": id,
			"identity": map[string]any{"arn": "arn:aws:sts::111122223333:assumed-role/app/s"}})
	case log.Product == "gcp":
		fill(map[string]any{"insertId": id, "timestamp": stamp, "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity"})
	case log.Product == "azure":
		fill(map[string]any{"time": stamp, "correlationId": id, "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/A"})
	case log.Product == "kubernetes":
		fill(map[string]any{"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": id, "stage": "ResponseComplete", "requestReceivedTimestamp": stamp, "sourceIPs": []any{"198.51.100.7"}})
	case e["attributes"] != nil:
		return span(e, id, at)
	default:
		fill(map[string]any{"id": id, "startTime": float64(at.UnixMilli()) / 1000})
	}
	return json.Marshal(e)
}

// span writes an OpenTelemetry span with its attributes as OTLP spells them.
func span(e map[string]any, id string, at time.Time) ([]byte, error) {
	given, _ := e["attributes"].(map[string]any)
	var attributes []any
	for _, k := range slices.Sorted(maps.Keys(given)) {
		attributes = append(attributes, map[string]any{"key": k, "value": map[string]any{"stringValue": fmt.Sprint(given[k])}})
	}
	s := map[string]any{"traceId": "t", "spanId": id, "name": e["name"], "startTimeUnixNano": fmt.Sprint(at.UnixNano()), "attributes": attributes}
	return json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{"scopeSpans": []any{map[string]any{"spans": []any{s}}}}}})
}

// clone copies what YAML gives, since steps change it.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = clone(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = clone(x)
		}
		return out
	}
	return v
}

// put sets a field by its path; names may hold dots themselves.
func put(m map[string]any, path, value string) {
	for i := 0; i < len(path); i++ {
		if path[i] != '.' {
			continue
		}
		if next, ok := m[path[:i]].(map[string]any); ok {
			put(next, path[i+1:], value)
			return
		}
	}
	if head, rest, nested := strings.Cut(path, "."); nested && m[path] == nil {
		next := map[string]any{}
		m[head] = next
		put(next, rest, value)
		return
	}
	m[path] = value
}
