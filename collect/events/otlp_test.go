package events

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

var update = flag.Bool("update", false, "write testdata/spans.json anew")

// spans.binpb was encoded by OpenTelemetry's own module (go.opentelemetry.io/proto/otlp
// 1.10.0): two resources, of which one says nothing of itself, with spans of every field.
func recorded(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/spans.binpb")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSpansFromProtobuf(t *testing.T) {
	got, err := io.ReadAll(fromProtobuf(recorded(t)))
	if err != nil {
		t.Fatal(err)
	}
	var nice bytes.Buffer
	if err := json.Indent(&nice, got, "", " "); err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	nice.WriteByte('\n')
	if *update {
		if err := os.WriteFile("testdata/spans.json", nice.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/spans.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, nice.Bytes()) {
		t.Errorf("got\n%s", nice.Bytes())
	}
	if empty, err := io.ReadAll(fromProtobuf(nil)); err != nil || string(empty) != `{"resourceSpans":[]}` {
		t.Errorf("a request without spans: %s, %v", empty, err)
	}
}

// A request that is cut off anywhere gives the spans before that place and an error, unless
// it was cut off between two resources.
func TestSpansCutOff(t *testing.T) {
	whole := recorded(t)
	spans := func(b []byte) int { return bytes.Count(b, []byte(`"spanId"`)) }
	all, _ := io.ReadAll(fromProtobuf(whole))
	clean := 0
	for n := range whole {
		got, err := io.ReadAll(fromProtobuf(whole[:n:n]))
		if err == nil {
			clean++
			if !json.Valid(got) {
				t.Fatalf("cut off at %d: no JSON and no error: %s", n, got)
			}
		} else if !strings.Contains(err.Error(), "at byte ") {
			t.Fatalf("cut off at %d: %v", n, err)
		}
		if spans(got) > spans(all) {
			t.Fatalf("cut off at %d there are more spans", n)
		}
	}
	if clean != 2 { // nothing at all, and the first resource
		t.Errorf("%d places where nothing is missed", clean)
	}
}

func bytesField(n protowire.Number, inside ...byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), inside)
}

func TestNoProtobufOfSpans(t *testing.T) {
	deep := []byte{}
	for range 40 {
		deep = bytesField(1, bytesField(5, deep...)...) // arrays of arrays
	}
	span := func(inside ...byte) []byte { return bytesField(1, bytesField(2, bytesField(2, inside...)...)...) }
	for name, tt := range map[string]struct {
		body []byte
		want string
	}{
		"json":           {[]byte(`{"resourceSpans":[]}`), "at byte "},
		"rubbish":        {[]byte{0xff, 0xff, 0xff}, "at byte 0"},
		"wrong type":     {span(bytesField(7, 1, 2, 3)...), "startTimeUnixNano has the wrong type"},
		"no UTF-8":       {span(bytesField(5, 0xff)...), "name is no UTF-8"},
		"too deep":       {span(bytesField(9, bytesField(2, bytesField(5, deep...)...)...)...), "too deep"},
		"a huge length":  {append([]byte{0x0a}, protowire.AppendVarint(nil, 1<<62)...), "at byte "},
		"many of none":   {bytes.Repeat([]byte{0x0a, 0}, maxSpans+1), "send less at a time"},
		"endless varint": {bytes.Repeat([]byte{0x80}, 40), "at byte 0"},
	} {
		if got, err := io.ReadAll(fromProtobuf(tt.body)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q\n%s", name, err, tt.want, got)
		}
	}
	// Of several kinds of one value the last counts, as for every other reader of protobuf.
	value := append(bytesField(1, []byte("first")...), bytesField(1, []byte("last")...)...)
	got, err := io.ReadAll(fromProtobuf(span(bytesField(9, append(bytesField(1, 'k'), bytesField(2, append(protowire.AppendVarint([]byte{0x18}, 7), value...)...)...)...)...)))
	if err != nil || !strings.Contains(string(got), `[{"key":"k","value":{"stringValue":"last"}}]`) {
		t.Errorf("%s, %v", got, err)
	}
}

// An exporter is answered in protobuf, and told what was not taken.
func TestAnExporterIsAnswered(t *testing.T) {
	taken := Taken{Events: 4}
	r, err := NewReceiver(token, func(_ context.Context, _ string, body io.Reader) (Taken, error) {
		_, err := io.Copy(io.Discard, body)
		return taken, err
	})
	if err != nil {
		t.Fatal(err)
	}
	post := func(path string) *httptest.ResponseRecorder {
		req := httptest.NewRequest("POST", path, bytes.NewReader(recorded(t)))
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/x-protobuf")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		return w
	}
	if w := post("/v1/traces"); w.Code != 200 || w.Header().Get("Content-Type") != "application/x-protobuf" || w.Body.Len() != 0 {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
	taken.Rejected = 2
	n, kind, size := protowire.ConsumeTag(post("/v1/traces").Body.Bytes())
	if n != 1 || kind != protowire.BytesType || size < 0 || !bytes.Contains(post("/v1/traces").Body.Bytes(), []byte{0x08, 2, 0x12}) {
		t.Errorf("a partial success is %x", post("/v1/traces").Body.Bytes())
	}
	for _, signal := range []string{"metrics", "logs"} {
		if w := post("/v1/" + signal); w.Code != 415 {
			t.Errorf("%s: %d", signal, w.Code)
		}
	}
}

func FuzzSpansFromProtobuf(f *testing.F) {
	f.Add(recorded(f))
	f.Add([]byte{0x0a, 0x02, 0x12, 0x00})
	f.Add([]byte{0x0b, 0x0c})
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := io.ReadAll(fromProtobuf(body))
		if err == nil && !json.Valid(got) {
			t.Fatalf("%x becomes %s", body, got)
		}
	})
}
