package events

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "0123456789abcdef"

func packed(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

func TestReceiver(t *testing.T) {
	var kept []string
	fail := error(nil)
	r, err := NewReceiver(token, func(_ context.Context, name string, body io.Reader) (Taken, error) {
		b, err := io.ReadAll(body)
		if err != nil {
			return Taken{}, err
		}
		if fail != nil {
			return Taken{}, fail
		}
		kept = append(kept, name+":"+string(b))
		return Taken{Events: 1, Rejected: 2}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.MaxBody = 100
	r.Answers = map[string]http.HandlerFunc{"/incidents": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "told") }}
	whole := packed(strings.Repeat("x", 50))
	for _, tt := range []struct {
		name, method, auth, body string
		header                   map[string]string
		fail                     error
		want                     int
	}{
		{"plain", "POST", "Bearer " + token, `{"a":1}`, nil, nil, 200},
		{"gzip", "POST", "Bearer " + token, whole, map[string]string{"Content-Encoding": "gzip"}, nil, 200},
		{"no token", "POST", "", `{}`, nil, nil, 401},
		{"wrong token", "POST", "Bearer x" + token, `{}`, nil, nil, 401},
		{"token as a password", "POST", "Basic " + token, `{}`, nil, nil, 401},
		{"get", "GET", "Bearer " + token, "", nil, nil, 405},
		{"too large", "POST", "Bearer " + token, strings.Repeat("x", 101), nil, nil, 413},
		{"a bomb", "POST", "Bearer " + token, packed(strings.Repeat("x", 1<<20))[:90], map[string]string{"Content-Encoding": "gzip"}, nil, 413},
		{"no gzip", "POST", "Bearer " + token, "plain", map[string]string{"Content-Encoding": "gzip"}, nil, 400},
		{"cut off gzip", "POST", "Bearer " + token, whole[:len(whole)-4], map[string]string{"Content-Encoding": "gzip"}, nil, 503},
		{"other encoding", "POST", "Bearer " + token, "x", map[string]string{"Content-Encoding": "br"}, nil, 400},
		{"no protobuf", "POST", "Bearer " + token, "x", map[string]string{"Content-Type": "application/x-protobuf"}, nil, 503}, // this Take tells no reason apart
		{"too large protobuf", "POST", "Bearer " + token, strings.Repeat("x", 101), map[string]string{"Content-Type": "application/x-protobuf"}, nil, 413},
		{"store full", "POST", "Bearer " + token, "x", nil, errors.New("disk full: /secret/path"), 503},
		{"bad body", "POST", "Bearer " + token, "x", nil, &BadBody{"no events"}, 400},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			fail = tt.fail
			req := httptest.NewRequest(tt.method, "/trail", strings.NewReader(tt.body))
			req.Header.Set("Authorization", tt.auth)
			for k, v := range tt.header {
				req.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			r.ServeHTTP(w, req)
			if w.Code != tt.want {
				t.Errorf("%d %s, want %d", w.Code, w.Body, tt.want)
			}
			if w.Code == 200 && w.Body.String() != "{\"events\":1,\"rejected\":2}\n" {
				t.Errorf("answered %q", w.Body)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Error("our error was told to the sender")
			}
		})
	}
	for _, tt := range []struct {
		path, auth string
		want       int
	}{{"/incidents", "Bearer " + token, 200}, {"/incidents", "", 401}, {"/healthz", "", 200}, {"/other", "Bearer " + token, 405}} {
		req := httptest.NewRequest("GET", tt.path, nil)
		req.Header.Set("Authorization", tt.auth)
		w := httptest.NewRecorder()
		if r.ServeHTTP(w, req); w.Code != tt.want {
			t.Errorf("GET %s with %q: %d, want %d", tt.path, tt.auth, w.Code, tt.want)
		}
	}
	if strings.Join(kept, " ") != `trail:{"a":1} trail:`+strings.Repeat("x", 50) {
		t.Errorf("kept %q", kept)
	}
	if _, err := NewReceiver("short", nil); err == nil {
		t.Error("a short token was taken")
	}
}

func TestListenStaysOnThisMachine(t *testing.T) {
	for address, ok := range map[string]bool{"127.0.0.1:0": true, "[::1]:0": true, "localhost:0": true, "0.0.0.0:0": false, ":0": false, "192.0.2.1:0": false, "nonsense": false} {
		l, err := Listen(address, false)
		if err == nil {
			l.Close()
		}
		if (err == nil) != ok && address != "[::1]:0" {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestServe(t *testing.T) {
	started := make(chan struct{})
	r, err := NewReceiver(token, func(context.Context, string, io.Reader) (Taken, error) {
		close(started)
		time.Sleep(50 * time.Millisecond)
		return Taken{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Serve(ctx, l, "", "") }()
	go func() { <-started; cancel() }()
	req, _ := http.NewRequest(http.MethodPost, "http://"+l.Addr().String()+"/x", strings.NewReader("{}"))
	req.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("a request under way was cut off: %v", err)
	}
	resp.Body.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A body that is too large is refused whatever who takes it makes of its end: the sender must
// not hold the rest for stored.
func TestTooLargeIsNeverAnswered200(t *testing.T) {
	r, err := NewReceiver(token, func(_ context.Context, _ string, body io.Reader) (Taken, error) {
		_, _ = io.Copy(io.Discard, body)
		return Taken{Events: 1, Rejected: 1}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.MaxBody = 100
	for size, want := range map[int]int{100: 200, 101: 413, 100_000: 413} {
		req := httptest.NewRequest("POST", "/events", strings.NewReader(strings.Repeat("x", size)))
		req.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		if r.ServeHTTP(w, req); w.Code != want {
			t.Errorf("%d bytes: %d, want %d", size, w.Code, want)
		}
	}
}
