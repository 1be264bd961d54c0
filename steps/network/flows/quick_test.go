package flows

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// slowly is what encoding/json makes of a line that holds a flow in an envelope.
func slowly(line []byte) (*hubbleFlow, error) {
	var e hubbleLine
	if err := json.Unmarshal(line, &e); err != nil {
		return nil, err
	}
	if e.Flow != nil && e.Flow.NodeName == "" {
		e.Flow.NodeName = e.NodeName
	}
	if e.Flow != nil && e.Flow.Time == "" {
		e.Flow.Time = e.Time
	}
	return e.Flow, nil
}

// sameFlow holds what is read quickly against what is read slowly.
func sameFlow(t *testing.T, q *quick, line []byte) bool {
	t.Helper()
	fast := q.flow(line)
	if fast == nil {
		return false
	}
	slow, err := slowly(line)
	if err != nil || slow == nil {
		t.Fatalf("read quickly and not slowly: %v\n%s", err, line)
	}
	tidy := func(f *hubbleFlow) hubbleFlow {
		out := *f
		for _, list := range []*[]string{&out.SourceNames, &out.DestinationNames, &out.Source.Labels, &out.Destination.Labels} {
			if len(*list) == 0 {
				*list = nil
			}
		}
		if len(out.Source.Workloads) == 0 {
			out.Source.Workloads = nil
		}
		if len(out.Destination.Workloads) == 0 {
			out.Destination.Workloads = nil
		}
		return out
	}
	if d := cmp.Diff(tidy(slow), tidy(fast)); d != "" {
		t.Fatalf("-slow +quick: %s\n%s", d, line)
	}
	return true
}

// TestQuickIsAlike: flows as Cilium writes them are read quickly; what is spelt otherwise,
// stands twice, is of another type or cut is left to encoding/json.
func TestQuickIsAlike(t *testing.T) {
	var q quick
	sound := bytes.SplitAfter(hubbleOf(50), []byte("\n"))
	for _, line := range sound[:50] {
		if !sameFlow(t, &q, bytes.TrimSpace(line)) {
			t.Fatalf("not read quickly: %s", line)
		}
	}
	base := strings.TrimSpace(string(sound[0]))
	for _, edit := range [][2]string{
		{`"verdict":`, `"Verdict":`}, {`"IP":{`, `"ip":{`}, {`"verdict":"FORWARDED"`, `"verdict":"FORWARDED","verdict":"DROPPED"`}, {`"source_port":32768`, `"source_port":"32768"`},
		{`"source_port":32768`, `"source_port":99999`}, {`"source_port":32768`, `"source_port":-1`}, {`"source_port":32768`, `"source_port":3.2e4`}, {`"is_reply":false`, `"is_reply":null`},
		{`"is_reply":false`, `"is_reply":"no"`}, {`"TCP":{`, `"UDP":{"source_port":1},"TCP":{`}, {`"namespace":"train"`, `"namespace":null`}, {`"namespace":"train"`, `"namespace":"tr\u0061in"`},
		{`"labels":[`, `"labels":[7,`}, {`"workloads":[{`, `"workloads":[null,{`}, {`"ID":1`, `"ID":01`}, {`"ID":1`, `"ID":NaN`}, {`"Summary"`, `"lost_events":{},"Summary"`},
		{`"train"`, "\"tr\xffin\""}, {`}`, ``}, {`{"flow"`, `{"lost_events":{"num_events_lost":1},"flow"`}, {`"flags":{"ACK":true}`, `"flags":{"ack":true}`},
	} {
		line := []byte(strings.Replace(base, edit[0], edit[1], 1))
		if string(line) == base {
			t.Fatalf("%s changes nothing", edit[0])
		}
		sameFlow(t, &q, line)
	}
	for n := range len(base) {
		if q.flow([]byte(base[:n])) != nil {
			t.Fatalf("cut at %d it is read: %s", n, base[:n])
		}
	}
}

// FuzzQuick: whatever is read quickly is read alike.
func FuzzQuick(f *testing.F) {
	for _, line := range bytes.SplitAfter(hubbleOf(3), []byte("\n")) {
		f.Add(bytes.TrimSpace(line))
	}
	f.Add([]byte(`{"flow":{"l4":{"TCP":{}},"source":{},"IP":{}}}`))
	var q quick
	f.Fuzz(func(t *testing.T, line []byte) { sameFlow(t, &q, line) })
}
