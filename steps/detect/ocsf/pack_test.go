package ocsf

import (
	"encoding/binary"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPackedEventsReadTheSame(t *testing.T) {
	span := `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"bot"}},{"key":"cloud.account.id","value":{"stringValue":"7"}}]},"scopeSpans":[{"spans":[{"traceId":"t","spanId":"1","name":"chat gpt","startTimeUnixNano":"1793612415000000000","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"gpt"}}]}]}]}]}`
	capture := `{"captureData":{"endpointInput":{"data":"1,2"}},"eventMetadata":{"eventId":"d","inferenceTime":"2026-11-02T09:30:15Z"}}`
	for name, tt := range map[string]struct {
		in string
		o  Options
	}{
		"cloudtrail": {assumedRoleEvent, Options{}}, "span": {span, Options{}}, "capture": {capture, Options{Name: "x/fraud/all/2026/11/02/09/a.jsonl"}},
		"audit":                                {`{"auditID":"k","stage":"ResponseComplete","verb":"create","user":{"username":"u"},"objectRef":{"resource":"pods"},"requestReceivedTimestamp":"2026-11-02T09:30:15Z"}`, Options{Account: "prod"}},
		"flow":                                 {"2 1 eni-1 10.0.0.1 10.0.0.2 1 443 6 10 8000 1793612415 1793612475 ACCEPT OK", Options{}},
		"flow of columns that a header names":  {"version vpc-id srcaddr dstaddr dstport protocol bytes start action flow-direction log-status\n5 vpc-1 10.0.0.1 10.0.0.2 443 6 8000 1793612415 REJECT egress OK\n", Options{}},
		"flow of columns that no header names": {"5 vpc-1 10.0.0.1 10.0.0.2 443 6 8000 1793612415 REJECT egress OK\n", Options{Source: VPCFlow, FlowFormat: "${version} ${vpc-id} ${srcaddr} ${dstaddr} ${dstport} ${protocol} ${bytes} ${start} ${action} ${flow-direction} ${log-status}"}},
	} {
		rd, err := NewReader(strings.NewReader(tt.in), tt.o)
		if err != nil {
			t.Fatal(err)
		}
		var want, got Event
		if err := rd.Next(&want); err != nil {
			t.Fatal(name, err)
		}
		var d Decoder
		if err := d.Unpack(want.Pack(nil), &got); err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if packed := want.Pack(nil); want.ActorIn(packed) != want.Actor.ID {
			t.Errorf("%s: the actor is %q, in what was packed %q", name, want.Actor.ID, want.ActorIn(packed))
		}
		// What a version packed that sent no reading along is read again.
		if err := d.Unpack(packedOld(&want), &got); err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, packed by an older version: %s", name, diff)
		}
		for cut := range want.Pack(nil) {
			if d.Unpack(want.Pack(nil)[:cut], &got) == nil {
				t.Errorf("%s: read though cut off after %d bytes", name, cut)
			}
		}
	}
}

// packedOld is how an event was packed when only what its stream said went with it.
func packedOld(e *Event) []byte {
	b := []byte{byte(e.Source)}
	model := ""
	if e.AI != nil {
		model = e.AI.Model
	}
	for _, s := range []string{e.Account, e.Region, e.Actor.Type, e.Actor.ID, model} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return append(b, e.Raw...)
}

// Whatever an event says, it says the same unpacked.
func TestPackKeepsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z:/*é\x00]{0,9}`)
		raw := rapid.StringMatching(`[a-z]{20,60}`).Draw(t, "raw")
		want := Event{Source: Source(rapid.IntRange(1, int(Mapped)).Draw(t, "source")), Class: Class(rapid.Uint16().Draw(t, "class")), Activity: Activity(rapid.Uint8().Draw(t, "activity")),
			Failed: rapid.Bool().Draw(t, "failed"), ReadOnly: Tri(rapid.IntRange(-1, 1).Draw(t, "reads")), MFA: Tri(rapid.IntRange(-1, 1).Draw(t, "mfa")), Raw: []byte(raw)}
		for _, s := range want.texts() {
			if rapid.Bool().Draw(t, "view") {
				from := rapid.IntRange(0, len(raw)-1).Draw(t, "from")
				view := unsafe.String(&want.Raw[0], len(raw))
				*s = view[from:rapid.IntRange(from, len(raw)).Draw(t, "to")]
			} else {
				*s = text.Draw(t, "text")
			}
		}
		want.ID, want.Action, want.Time = "i"+want.ID, "a"+want.Action, rapid.Int64Min(1).Draw(t, "time")
		want.BytesIn, want.BytesOut, want.Count = rapid.Int64().Draw(t, "in"), rapid.Int64().Draw(t, "out"), rapid.Int64().Draw(t, "count")
		for range rapid.IntRange(0, 200).Draw(t, "resources") {
			want.Resources = append(want.Resources, Resource{text.Draw(t, "id"), text.Draw(t, "type"), text.Draw(t, "account")})
		}
		if rapid.Bool().Draw(t, "model") {
			want.AI = &AI{Model: text.Draw(t, "model"), InputTokens: -1, OutputTokens: rapid.Int64().Draw(t, "tokens"), Finish: "stop"}
		}
		if rapid.Bool().Draw(t, "net") {
			want.Net = &Net{DstIP: "10.0.0.1", SrcPort: rapid.Int32().Draw(t, "port"), Protocol: 6, Interface: text.Draw(t, "interface")}
		}
		var got Event
		var d Decoder
		if err := d.Unpack(want.Pack(nil), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	var e Event
	if err := DecodeCloudTrail([]byte(assumedRoleEvent), &e); err != nil {
		f.Fatal(err)
	}
	f.Add(e.Pack(nil))
	f.Add(packedOld(&e))
	f.Add([]byte{2, 0, 0, 0, 0, 0, '{', '}'})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Decoder
		var e Event
		if d.Unpack(b, &e) == nil && (e.Time == 0 || e.Action == "" || e.ID == "") {
			t.Errorf("an event without time, action or id: %+v", e)
		}
	})
}
