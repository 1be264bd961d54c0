package ocsf

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// targets are the fields of an event that a mapping may fill, by the names a
// mapping file uses. A setter gets text that is not empty.
var targets = map[string]func(e *Event, text string) error{
	"id":               func(e *Event, s string) error { e.ID = s; return nil },
	"time":             func(e *Event, s string) (err error) { e.Time, err = AnyTime(s); return err },
	"account":          func(e *Event, s string) error { e.Account = s; return nil },
	"region":           func(e *Event, s string) error { e.Region = s; return nil },
	"service":          func(e *Event, s string) error { e.Service = s; return nil },
	"action":           func(e *Event, s string) error { e.Action = s; return nil },
	"error_code":       func(e *Event, s string) error { e.ErrorCode = s; return nil },
	"error_message":    func(e *Event, s string) error { e.ErrorMessage = s; return nil },
	"source_ip":        func(e *Event, s string) error { e.SourceIP = s; return nil },
	"user_agent":       func(e *Event, s string) error { e.UserAgent = s; return nil },
	"request_id":       func(e *Event, s string) error { e.RequestID = s; return nil },
	"read_only":        func(e *Event, s string) error { e.ReadOnly = triText(s); return nil },
	"mfa":              func(e *Event, s string) error { e.MFA = triText(s); return nil },
	"actor.type":       func(e *Event, s string) error { e.Actor.Type = s; return nil },
	"actor.id":         func(e *Event, s string) error { e.Actor.ID = s; return nil },
	"actor.session":    func(e *Event, s string) error { e.Actor.Session = s; return nil },
	"actor.account":    func(e *Event, s string) error { e.Actor.Account = s; return nil },
	"actor.access_key": func(e *Event, s string) error { e.Actor.AccessKey = s; return nil },
	"actor.invoked_by": func(e *Event, s string) error { e.Actor.InvokedBy = s; return nil },
	"actor.source_id":  func(e *Event, s string) error { e.Actor.SourceID = s; return nil },
	"issued":           func(e *Event, s string) error { e.Issued = s; return nil },
	"ai.model":         func(e *Event, s string) error { ai(e).Model = s; return nil },
	"ai.provider":      func(e *Event, s string) error { ai(e).Provider = s; return nil },
	"ai.operation":     func(e *Event, s string) error { ai(e).Operation = s; return nil },
	"ai.session":       func(e *Event, s string) error { ai(e).Session = s; return nil },
	"ai.finish":        func(e *Event, s string) error { ai(e).Finish = s; return nil },
	"ai.input_tokens":  func(e *Event, s string) error { return count(&ai(e).InputTokens, s) },
	"ai.output_tokens": func(e *Event, s string) error { return count(&ai(e).OutputTokens, s) },
	"ai.tools":         func(e *Event, s string) error { return count(&ai(e).Tools, s) },
	"bytes_in":         func(e *Event, s string) error { return count(&e.BytesIn, s) },
	"bytes_out":        func(e *Event, s string) error { return count(&e.BytesOut, s) },
	"count":            func(e *Event, s string) error { return count(&e.Count, s) },
	"net.dst_ip":       func(e *Event, s string) error { network(e).DstIP = s; return nil },
	"net.src_port":     func(e *Event, s string) error { return port(&network(e).SrcPort, s) },
	"net.dst_port":     func(e *Event, s string) error { return port(&network(e).DstPort, s) },
	"net.protocol":     func(e *Event, s string) error { return port(&network(e).Protocol, s) },
	"net.interface":    func(e *Event, s string) error { network(e).Interface = s; return nil },
}

// resourceTarget is the one target that takes every value found.
const resourceTarget = "resource"

// Targets are the names of the event's fields that a mapping may fill, sorted.
func Targets() []string {
	return slices.Sorted(maps.Keys(maps.Collect(func(yield func(string, bool) bool) {
		for name := range targets {
			if !yield(name, true) {
				return
			}
		}
		yield(resourceTarget, true)
	})))
}

func ai(e *Event) *AI {
	if e.AI == nil {
		e.AI = &AI{InputTokens: -1, OutputTokens: -1}
	}
	return e.AI
}

func network(e *Event) *Net {
	if e.Net == nil {
		e.Net = &Net{}
	}
	return e.Net
}

func triText(s string) Tri {
	switch strings.ToLower(s) {
	case "true", "yes", "1":
		return Yes
	case "false", "no", "0":
		return No
	}
	return Unsaid
}

// count reads a number that counts something; "-" is none, a fraction is cut.
func count(n *int64, s string) error {
	if s == "-" {
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > math.MaxInt64/2 {
		return errors.New("a count that is no number")
	}
	*n = int64(f)
	return nil
}

func port(n *int32, s string) error {
	var v int64
	if err := count(&v, s); err != nil || v > math.MaxInt32 {
		return errors.New("a port or protocol that is no number")
	}
	*n = int32(v)
	return nil
}

// AnyTime reads a time as the sources write it: RFC 3339, with a space for the
// T, without a zone (UTC is meant), or a number of seconds, milliseconds,
// microseconds or nanoseconds since 1970, told apart by how large it is.
func AnyTime(s string) (ms int64, err error) {
	if n, ok := cursor.Int(s); ok || len(s) == 19 && strings.Trim(s, "0123456789") == "" {
		if !ok {
			n, _ = strconv.ParseInt(s, 10, 64)
		}
		return epoch(n)
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if f < 0 || f > math.MaxInt64/2 {
			return 0, errors.New("a time that is out of range")
		}
		if f < 1e11 { // seconds with a fraction
			return int64(f * 1000), nil
		}
		return epoch(int64(f))
	}
	if ms, err = ParseTime(s); err == nil {
		return ms, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02T15:04:05.999999999-0700", "1/2/2006 3:04:05 PM", "1/2/2006 3:04:05 PM -07:00", "1/2/2006 15:04:05", "02/Jan/2006:15:04:05 -0700"} {
		if t, bad := time.Parse(layout, s); bad == nil && t.Year() >= 1970 && t.Year() <= 9999 {
			return t.UnixMilli(), nil
		}
	}
	return 0, errors.New("a time that is neither RFC 3339 nor a number since 1970")
}

func epoch(n int64) (int64, error) {
	switch {
	case n < 0:
		return 0, errors.New("a time before 1970")
	case n < 1e11: // seconds until the year 5138
		return n * 1000, nil
	case n < 1e14:
		return n, nil
	case n < 1e17:
		return n / 1000, nil
	}
	return n / 1e6, nil
}

// rule is one line of a table: the first of the paths that says something
// fills the target.
type rule struct {
	target string
	paths  []string
}

// table decodes one format: which paths fill which targets, and what is made
// of them then. A table is made once and is not changed; many goroutines may
// use it, each with its own cursor.Found.
type table struct {
	source Source
	paths  *cursor.Paths
	rules  []struct {
		set   func(e *Event, text string) error
		name  string
		slots []int
	}
	resource []int
	extra    map[string]int // paths that finish asks for by name
	finish   func(e *Event, t *table, f *cursor.Found) error
}

func newTable(source Source, rules []rule, extra []string, finish func(*Event, *table, *cursor.Found) error) *table {
	t := &table{source: source, paths: cursor.NewPaths(false), extra: map[string]int{}, finish: finish}
	for _, r := range rules {
		slots := make([]int, len(r.paths))
		for i, p := range r.paths {
			slots[i] = t.paths.Add(p)
		}
		if r.target == resourceTarget {
			t.resource = append(t.resource, slots...)
			continue
		}
		set, ok := targets[r.target]
		if !ok {
			panic("ocsf: no target " + r.target) // tables are ours; mapping files are checked before
		}
		t.rules = append(t.rules, struct {
			set   func(e *Event, text string) error
			name  string
			slots []int
		}{set, r.target, slots})
	}
	for _, p := range extra {
		t.extra[p] = t.paths.Add(p)
	}
	return t
}

// text is what an extra path said.
func (t *table) text(f *cursor.Found, path string) string { return f.Text(t.extra[path]) }

// decode reads the record b begins with and returns where it ends.
func (t *table) decode(b []byte, e *Event, f *cursor.Found) (end int, err error) {
	end, err = t.paths.Extract(b, f)
	if err != nil {
		return end, err
	}
	*e = Event{Source: t.source, Raw: b[:end:end]}
	for _, r := range t.rules {
		for _, slot := range r.slots {
			text := f.Text(slot)
			if text == "" {
				continue
			}
			if err := r.set(e, text); err != nil {
				return end, &fieldError{r.name, err}
			}
			break
		}
	}
	for _, slot := range t.resource {
		f.Each(slot, func(v cursor.Value) bool {
			if v.Text != "" && v.Kind == cursor.String && len(e.Resources) < maxResources {
				e.Resources = append(e.Resources, Resource{ID: v.Text})
			}
			return true
		})
	}
	if t.finish != nil {
		if err := t.finish(e, t, f); err != nil {
			return end, err
		}
	}
	if e.Time == 0 {
		return end, &fieldError{"time", errors.New("missing")}
	}
	if e.Action == "" {
		return end, &fieldError{"action", errors.New("missing")}
	}
	if e.ID == "" {
		e.ID = digest(e.Raw)
	}
	return end, nil
}

// fieldError says which field of an event could not be made.
type fieldError struct {
	field string
	why   error
}

func (e *fieldError) Error() string { return fmt.Sprintf("%s: %v", e.field, e.why) }
func (e *fieldError) Unwrap() error { return e.why }
