// Package events reads logs of who did what: CloudTrail's log files and what
// `aws cloudtrail lookup-events` prints, and the audit events of Kubernetes API
// servers (audit.k8s.io/v1, as a list or one a line).
//
// Only what changes something and was not refused is told. Nothing is said of
// what an event means for an asset: that is for who asks.
//
// # Sources
//
//   - CloudTrail record contents:
//     https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
//   - LookupEvents: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
//   - audit.k8s.io/v1: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Event is one act that changed something.
type Event struct {
	ID        string // the log's own
	Time      time.Time
	Principal string // ARN, user name or service
	// Service and Action are "s3" and "PutBucketPolicy" of CloudTrail; of
	// Kubernetes the API group and the verb.
	Service, Action string
	// Account and Region it happened in; empty for Kubernetes.
	Account, Region string
	// Names are all texts of the request, the answer and the resources: ids and
	// names of what the act was on. Sorted, each once.
	Names []string
	// Settings are the words, numbers and truth values that the request of CloudTrail's
	// sets, as "member=value" with the member in lower case; sorted, each once, at most
	// maxSettings. Set reads them.
	Settings []string
	// Object is what a Kubernetes event is about; nil for CloudTrail.
	Object *Object
	// Cluster is the one it happened in. No audit event says it: who reads a log
	// knows whose it is and sets it, else it stays empty.
	Cluster string
}

// Object is an object of a cluster as an audit event names it.
type Object struct {
	Group, Resource, Namespace, Name, Subresource string
}

// Limits of one document: a log file of CloudTrail is at most some megabytes, a
// reply of lookup-events holds fifty events.
const (
	maxDocument = 256 << 20
	maxNames    = 512
	maxDepth    = 32
	maxSettings = 128
	maxSetting  = 64 // bytes of a value
)

// Looks reports whether a text that begins with head is a log that Read takes: a
// first event of CloudTrail's, of lookup-events or of an API server stands in it.
// Any text may be cut off anywhere.
func Looks(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n\ufeff")
	if len(head) == 0 || head[0] != '{' && head[0] != '[' {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(head))
	var members []string // of objects, with the text that stands there
	depth, key := []bool{}, ""
	for {
		t, err := dec.Token()
		if err != nil || len(members) > 256 {
			break
		}
		switch t := t.(type) {
		case json.Delim:
			switch t {
			case '{', '[':
				if len(depth) > 0 && depth[len(depth)-1] {
					members = append(members, key)
					key = ""
				}
				depth = append(depth, t == '{')
			default:
				depth = depth[:len(depth)-1]
				key = ""
			}
			continue
		case string:
			if len(depth) > 0 && depth[len(depth)-1] && key == "" {
				if key = t; key == "" {
					key = "\x00"
				}
				continue
			}
			if key == "apiVersion" && strings.HasPrefix(t, "audit.k8s.io/") {
				return true
			}
		}
		if len(depth) == 0 {
			break // what follows the first document is another
		}
		if depth[len(depth)-1] {
			members = append(members, key)
			key = ""
		}
	}
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(members, n) })
	}
	return has("eventSource", "eventName", "eventTime") || has("Events", "EventId", "EventName", "EventSource") || has("auditID", "verb", "stage")
}

// Read calls fn for every act in a log. The log is one or more JSON documents: a
// file of CloudTrail's ({"Records":[…]}), a reply of lookup-events
// ({"Events":[…]}), a Kubernetes EventList, or single events one after the
// other. It returns how many events there were, acts or not. An error says at
// which byte what could not be read stands; what stood before it was told.
func Read(r io.Reader, fn func(Event)) (seen int, err error) {
	return documents(r, func(doc json.RawMessage) (int, error) { return document(doc, fn) })
}

// documents reads one JSON document after the other.
func documents(r io.Reader, each func(json.RawMessage) (int, error)) (seen int, err error) {
	limited := &io.LimitedReader{R: r, N: maxDocument}
	dec := json.NewDecoder(limited)
	for {
		var doc json.RawMessage
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return seen, nil
		}
		if err != nil {
			if limited.N == 0 {
				return seen, fmt.Errorf("the log has more than %d bytes: split it", maxDocument)
			}
			return seen, fmt.Errorf("byte %d: %w", dec.InputOffset(), err)
		}
		n, err := each(doc)
		seen += n
		if err != nil {
			return seen, fmt.Errorf("document that ends at byte %d: %w", dec.InputOffset(), err)
		}
	}
}

// list is every form a list of events has.
type list struct {
	Records []json.RawMessage `json:"Records"`
	Events  []json.RawMessage `json:"Events"`
	Items   []json.RawMessage `json:"items"`
	Kind    string            `json:"kind"`
}

func document(doc json.RawMessage, fn func(Event)) (seen int, err error) {
	each, err := split(doc)
	if err != nil {
		return 0, err
	}
	for i, text := range each {
		e, act, err := event(text)
		if err != nil {
			return seen, fmt.Errorf("event %d: %w", i, err)
		}
		seen++
		if act {
			fn(e)
		}
	}
	return seen, nil
}

// split takes a list of events, or a single one, apart.
func split(doc json.RawMessage) (each []json.RawMessage, err error) {
	doc = bytes.TrimSpace(doc)
	switch {
	case len(doc) > 0 && doc[0] == '[':
		err = json.Unmarshal(doc, &each)
		return each, err
	case len(doc) > 0 && doc[0] == '{':
		var l list
		if err := json.Unmarshal(doc, &l); err != nil {
			return nil, err
		}
		each = slices.Concat(l.Records, l.Events, l.Items)
		if each == nil && !bytes.Contains(doc, []byte(`"Records"`)) && !bytes.Contains(doc, []byte(`"Events"`)) && l.Kind != "EventList" {
			each = []json.RawMessage{doc}
		}
		return each, nil
	}
	return nil, errors.New("neither a list of events nor an event")
}

// record is what is read of an event of either kind.
type record struct {
	// CloudTrail.
	EventID      string          `json:"eventID"`
	EventName    string          `json:"eventName"`
	EventSource  string          `json:"eventSource"`
	EventTime    time.Time       `json:"eventTime"`
	Region       string          `json:"awsRegion"`
	Account      string          `json:"recipientAccountId"`
	ReadOnly     any             `json:"readOnly"`
	ErrorCode    string          `json:"errorCode"`
	UserIdentity identity        `json:"userIdentity"`
	Request      json.RawMessage `json:"requestParameters"`
	Response     json.RawMessage `json:"responseElements"`
	Resources    json.RawMessage `json:"resources"`
	// Kubernetes.
	AuditID  string    `json:"auditID"`
	Stage    string    `json:"stage"`
	Verb     string    `json:"verb"`
	Received time.Time `json:"requestReceivedTimestamp"`
	User     struct {
		Username string `json:"username"`
	} `json:"user"`
	As *struct {
		Username string `json:"username"`
	} `json:"impersonatedUser"`
	Ref *struct {
		Group       string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	Status *struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

type identity struct {
	ARN       string `json:"arn"`
	UserName  string `json:"userName"`
	InvokedBy string `json:"invokedBy"`
	Principal string `json:"principalId"`
	Type      string `json:"type"`
}

// event reads one event; act is false for one that changed nothing.
func event(text json.RawMessage) (e Event, act bool, err error) {
	// LookupEvents wraps the whole event as text.
	var looked struct {
		Whole     string          `json:"CloudTrailEvent"`
		Resources json.RawMessage `json:"Resources"`
		// EventBridge delivers the event as the detail of one of its own.
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(text, &looked); err != nil {
		return e, false, err
	}
	var r record
	if looked.Whole != "" {
		if err := json.Unmarshal([]byte(looked.Whole), &r); err != nil {
			return e, false, fmt.Errorf("its CloudTrailEvent: %w", err)
		}
		if len(r.Resources) == 0 {
			r.Resources = looked.Resources
		}
	} else if err := json.Unmarshal(text, &r); err != nil {
		return e, false, err
	}
	if r.EventName == "" && r.Verb == "" && bytes.HasPrefix(looked.Detail, []byte("{")) {
		if err := json.Unmarshal(looked.Detail, &r); err != nil {
			return e, false, fmt.Errorf("its detail: %w", err)
		}
	}
	switch {
	case r.EventName != "":
		e, act = r.cloudTrail()
	case r.Verb != "" && r.AuditID != "":
		e, act = r.audit()
	default:
		return e, false, errors.New("neither CloudTrail's (eventName) nor Kubernetes' (auditID, verb)")
	}
	return e, act, nil
}

func (r *record) cloudTrail() (Event, bool) {
	e := Event{ID: r.EventID, Time: r.EventTime.UTC(), Action: r.EventName, Account: r.Account, Region: r.Region}
	e.Service, _, _ = strings.Cut(r.EventSource, ".")
	for _, p := range []string{r.UserIdentity.ARN, r.UserIdentity.UserName, r.UserIdentity.InvokedBy, r.UserIdentity.Principal, r.UserIdentity.Type} {
		if p != "" {
			e.Principal = p
			break
		}
	}
	names := map[string]bool{}
	for _, part := range []json.RawMessage{r.Request, r.Response, r.Resources} {
		var v any
		if len(part) > 0 && json.Unmarshal(part, &v) == nil {
			texts(v, names, 0)
		}
	}
	e.Names = slices.Sorted(maps.Keys(names))
	if len(r.Request) > 0 {
		var v any
		dec := json.NewDecoder(bytes.NewReader(r.Request))
		dec.UseNumber()
		set := map[string]bool{}
		if dec.Decode(&v) == nil {
			settings("", v, set, 0)
		}
		e.Settings = slices.Sorted(maps.Keys(set))
	}
	return e, r.ErrorCode == "" && !reads(r.ReadOnly, r.EventName)
}

// reads reports whether an event changed nothing. Old events do not say so; their
// names do.
func reads(said any, name string) bool {
	switch v := said.(type) {
	case bool:
		return v
	case string:
		return v == "true"
	}
	for _, verb := range []string{"Get", "List", "Describe", "Lookup", "Head", "Search", "BatchGet"} {
		if strings.HasPrefix(name, verb) {
			return true
		}
	}
	return false
}

// texts gathers the short texts of a decoded value.
func texts(v any, out map[string]bool, depth int) {
	if depth > maxDepth || len(out) >= maxNames {
		return
	}
	switch v := v.(type) {
	case string:
		if v != "" && len(v) <= 2048 {
			out[v] = true
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			texts(v[k], out, depth+1)
		}
	case []any:
		for _, x := range v {
			texts(x, out, depth+1)
		}
	}
}

// Set returns the values to which the request sets a member of this name, in
// whatever case, wherever in it; none if it does not name it.
func (e *Event) Set(member string) []string {
	prefix := strings.ToLower(member) + "="
	i, _ := slices.BinarySearch(e.Settings, prefix)
	var out []string
	for ; i < len(e.Settings) && strings.HasPrefix(e.Settings[i], prefix); i++ {
		out = append(out, e.Settings[i][len(prefix):])
	}
	return out
}

// settings gathers what a request sets, by the name of the member.
func settings(name string, v any, out map[string]bool, depth int) {
	if depth > maxDepth || len(out) >= maxSettings {
		return
	}
	switch v := v.(type) {
	case string, bool, json.Number:
		if text := fmt.Sprint(v); name != "" && len(text) <= maxSetting {
			out[strings.ToLower(name)+"="+text] = true
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			settings(k, v[k], out, depth+1)
		}
	case []any:
		for _, x := range v {
			settings(name, x, out, depth+1)
		}
	}
}

func (r *record) audit() (Event, bool) {
	e := Event{ID: r.AuditID, Time: r.Received.UTC(), Action: r.Verb, Principal: r.User.Username}
	if r.As != nil && r.As.Username != "" {
		e.Principal = r.As.Username + " (impersonated by " + r.User.Username + ")"
	}
	done := r.Stage == "" || r.Stage == "ResponseComplete"
	changes := slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection", "apply"}, r.Verb)
	refused := r.Status != nil && r.Status.Code >= 300
	if r.Ref == nil {
		return e, false
	}
	e.Service = r.Ref.Group
	e.Object = &Object{Group: r.Ref.Group, Resource: r.Ref.Resource, Namespace: r.Ref.Namespace, Name: r.Ref.Name, Subresource: r.Ref.Subresource}
	return e, done && changes && !refused && r.Ref.Subresource != "status"
}
