package assess

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/events"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/rules"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
	"github.com/sevenfold-sec/sevenfold/stream"
)

func newIngest(t testing.TB) *Ingest {
	t.Helper()
	s, err := stream.Open(context.Background(), stream.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	q, err := OpenQuarantine(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return &Ingest{Stream: s, Quarantine: q}
}

func trailRecord(id, name, at string) string {
	return fmt.Sprintf(`{"eventVersion":"1.09","eventTime":%q,"eventSource":"bedrock.amazonaws.com","eventName":%q,"eventID":%q,"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/u"}}`, at, name, id)
}

// TestEventsOverHTTPMeetRules goes the whole way: posted, stored, taken, matched.
func TestEventsOverHTTPMeetRules(t *testing.T) {
	in := newIngest(t)
	const token = "0123456789abcdef"
	r, err := events.NewReceiver(token, in.Take)
	if err != nil {
		t.Fatal(err)
	}
	l, err := events.Listen("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, l, "", "") }()
	body := `{"Records":[` + trailRecord("a", "DeleteGuardrail", "2026-11-02T09:30:15Z") + `,{"eventVersion":"1",oops},` + trailRecord("b", "InvokeModel", "2026-11-02T09:30:16Z") + `,` + trailRecord("c", "InvokeModel", "9026-11-02T09:30:16Z") + `]}`
	post := func(body string) int {
		req, _ := http.NewRequest(http.MethodPost, "http://"+l.Addr().String()+"/trail", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := post(body); got != 200 {
		t.Fatalf("answered %d", got)
	}
	if got := post("rubbish"); got != 400 {
		t.Errorf("rubbish was answered %d", got)
	}
	if in.Events.Load() != 2 || in.Rejected.Load() != 3 {
		t.Errorf("%d events, %d rejected", in.Events.Load(), in.Rejected.Load())
	}
	set := ownRules(t)
	var told []string
	seen := 0
	m := set.NewMatcher()
	err = in.Stream.Read(ctx, 1, func(b stream.Batch) error {
		var d ocsf.Decoder
		for _, data := range b.Events {
			var e ocsf.Event
			if err := d.Unpack(data, &e); err != nil {
				return err
			}
			m.Match(&e, func(x sigma.Match) { told = append(told, x.Rule.Title+" "+e.ID) })
			seen++
		}
		return nil
	})
	if !errors.Is(err, stream.ErrEnd) || seen != 2 {
		t.Errorf("%d events, %v", seen, err)
	}
	cancel()
	if !strings.Contains(strings.Join(told, "|"), "Bedrock guardrail deleted a") {
		t.Errorf("told %q", told)
	}
	kept, err := os.ReadFile(filepath.Join(filepath.Dir(in.Quarantine.f.Name()), "quarantine.jsonl"))
	if err != nil || strings.Count(string(kept), "\n") != 3 || !strings.Contains(string(kept), "in the future") {
		t.Errorf("quarantine: %s %v", kept, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func ownRules(tb testing.TB) *sigma.Set {
	all, err := rules.Load()
	if err != nil {
		tb.Fatal(err)
	}
	set, problems := sigma.Compile(all)
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	return set
}

func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
