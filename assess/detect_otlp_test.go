package assess

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/events"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// What an exporter of OpenTelemetry sends as protobuf becomes the events that its JSON does.
func TestSpansOfAnExporter(t *testing.T) {
	body, err := os.ReadFile("../collect/events/testdata/spans.binpb")
	if err != nil {
		t.Fatal(err)
	}
	var got []ocsf.Event
	rejected := 0
	r, err := events.NewReceiver("a-token-of-16-characters", func(_ context.Context, name string, body io.Reader) (events.Taken, error) {
		rd, err := ocsf.NewReader(body, ocsf.Options{Name: name})
		if err != nil {
			return events.Taken{}, err
		}
		for {
			var e ocsf.Event
			var bad *ocsf.Rejected
			switch err := rd.Next(&e); {
			case errors.Is(err, io.EOF):
				return events.Taken{Events: len(got), Rejected: rejected}, nil
			case errors.As(err, &bad):
				rejected++
			case err != nil:
				return events.Taken{}, err
			default:
				got = append(got, e)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest("POST", "/v1/traces", bytes.NewReader(body))
	req.Header.Set("Authorization", "Bearer a-token-of-16-characters")
	req.Header.Set("Content-Type", "application/x-protobuf")
	w := httptest.NewRecorder()
	if r.ServeHTTP(w, req); w.Code != 200 || len(got) != 3 || rejected != 1 { // one span has to do with no AI
		t.Fatalf("%d %s: %d events, %d rejected", w.Code, w.Body, len(got), rejected)
	}
	first, last := &got[0], &got[2]
	if first.ID != "30313233343536373839616263646566/7370616e2d6f6e65" || first.Actor.ID != "ana@example.com" || first.Account != "111122223333" || first.Region != "eu-west-1" ||
		!first.Failed || first.SourceIP != "192.0.2.7" || first.Time != 1767603600123 || first.AI.Model != "anthropic.claude-3" || first.AI.InputTokens != 812 || first.AI.Finish != "stop" {
		t.Errorf("%+v %+v", first, first.AI)
	}
	if got[1].Actor.ID != "claims-agent" || len(got[1].Resources) != 1 || got[1].Resources[0].ID != "lookup" {
		t.Errorf("%+v", got[1])
	}
	if last.Actor.ID != "router" || last.Account != "" || last.Region != "" { // another resource, which says nothing
		t.Errorf("%+v", last)
	}
}
