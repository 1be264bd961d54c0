package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Each calls fn for every event in a log with its text as the provider wrote it:
// a record of CloudTrail's, out of the reply of lookup-events or the event of
// EventBridge that it came in, or an audit event of Kubernetes. Unlike Read it
// leaves nothing out. It returns how many there were; an error of fn, like one of
// the log, ends it with the place.
func Each(r io.Reader, fn func(text json.RawMessage) error) (seen int, err error) {
	return documents(r, func(doc json.RawMessage) (n int, err error) {
		each, err := split(doc)
		if err != nil {
			return 0, err
		}
		for i, text := range each {
			if text, err = unwrapped(text); err == nil {
				err = fn(text)
			}
			if err != nil {
				return n, fmt.Errorf("event %d: %w", i, err)
			}
			n++
		}
		return n, nil
	})
}

// unwrapped takes an event out of what it was delivered in.
func unwrapped(text json.RawMessage) (json.RawMessage, error) {
	if bytes.HasPrefix(text, []byte("{")) && !bytes.Contains(text, []byte(`"CloudTrailEvent"`)) && !bytes.Contains(text, []byte(`"detail"`)) {
		return text, nil
	}
	var outer struct {
		Whole  string          `json:"CloudTrailEvent"`
		Name   string          `json:"eventName"`
		Verb   string          `json:"verb"`
		Detail json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(text, &outer); err != nil {
		return nil, err
	}
	switch {
	case outer.Whole != "":
		return json.RawMessage(outer.Whole), nil
	case outer.Name == "" && outer.Verb == "" && bytes.HasPrefix(outer.Detail, []byte("{")):
		return outer.Detail, nil
	}
	return text, nil
}
