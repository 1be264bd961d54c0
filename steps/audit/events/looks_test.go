package events

import (
	"bytes"
	"strings"
	"testing"
)

// A log is told from an export by how it begins, however it is spelt and wherever
// the text is cut.
func TestLooks(t *testing.T) {
	for name, tt := range map[string]struct {
		head string
		want bool
	}{
		"CloudTrail's file":      {`{"Records":[` + trail + `]}`, true},
		"with spaces":            {"\n {\n  \"Records\" : [ " + trail, true},
		"one event":              {trail, true},
		"a list of events":       {`[` + trail + `]`, true},
		"lookup-events":          {`{"Events":[{"EventId":"1","EventName":"PutX","EventTime":1,"EventSource":"s3.amazonaws.com","CloudTrailEvent":"{}"}]}`, true},
		"audit, an event a line": {audited + "\n" + audited, true},
		"audit, a list":          {`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`, true},
		"a manifest":             {`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"eventSource eventName eventTime"}}`, false},
		"a cluster's own events": {`{"apiVersion":"v1","kind":"EventList","items":[{"apiVersion":"v1","kind":"Event","metadata":{}}]}`, false},
		"a rule that names them": {`{"Rules":[{"Name":"r","EventPattern":"{\"detail\":{\"eventSource\":[\"s3.amazonaws.com\"],\"eventName\":[],\"eventTime\":[]}}"}]}`, false},
		"S3's notification":      {`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{}}]}`, false},
		"a list of records":      {`{"Records":[{"id":1}]}`, false},
		"YAML":                   {"kind: Event\napiVersion: audit.k8s.io/v1\n", false},
		"nothing":                {"", false},
		"half a brace":           {`{"Rec`, false},
	} {
		if got := Looks([]byte(tt.head)); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// What looks like a log goes on to do so however much more of it is shown, and what
// cannot be read of it is refused with the place.
func FuzzLooks(f *testing.F) {
	f.Add([]byte(`{"Records":[`+trail+`]}`), 40)
	f.Add([]byte(audited), 3)
	f.Add([]byte(`{"":{"":[]}}`), 5)
	f.Add([]byte(`[[[[]]] 5 {"eventSource":1,"eventName":2,"eventTime":3}`), 20)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		if cut = max(0, min(cut, len(text))); Looks(text[:cut]) && !Looks(text) {
			t.Errorf("%q looks like a log, and with more of it does not", text[:cut])
		}
		if _, err := Read(bytes.NewReader(text), func(Event) {}); err != nil && !strings.Contains(err.Error(), "byte") {
			t.Errorf("the error names no place: %v", err)
		}
	})
}
