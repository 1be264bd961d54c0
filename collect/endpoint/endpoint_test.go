package endpoint

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "sk-live-not-to-be-seen"

// serves is a server that asks for a key and answers so many requests that have it.
func serves(limit int32) http.Handler {
	var n atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet:
			panic("not a GET")
		case r.Header.Get("Authorization") != "Bearer "+key:
			w.WriteHeader(http.StatusUnauthorized)
		case n.Add(1) > limit:
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
}

func always(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://elsewhere.example/")
		w.WriteHeader(status)
	})
}

func TestAsk(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		name    string
		handler http.Handler
		plain   bool
		limit   int
		want    Seen
		open    string // the one thing that is not told
	}{
		{"refuses, limits, TLS", serves(5), false, 5, Seen{TLS: "TLS 1.3", Refuses: &yes, Limited: 5, Asked: 6}, ""},
		{"limits sooner", serves(2), false, 5, Seen{TLS: "TLS 1.3", Refuses: &yes, Limited: 2, Asked: 3}, ""},
		{"limits nobody", serves(100), false, 5, Seen{TLS: "TLS 1.3", Refuses: &yes, Asked: 6}, ""},
		{"answers anybody", always(http.StatusOK), false, 0, Seen{TLS: "TLS 1.3", Refuses: &no}, ""},
		{"no TLS", always(http.StatusUnauthorized), true, 0, Seen{Refuses: &yes}, ""},
		{"sends to a sign-in", always(http.StatusFound), false, 0, Seen{TLS: "TLS 1.3"}, "whether it refuses without a key: it answered with status 302"},
		{"is down", always(http.StatusServiceUnavailable), false, 0, Seen{TLS: "TLS 1.3"}, "whether it refuses without a key: it answered with status 503"},
		{"refuses the key", always(http.StatusForbidden), false, 5, Seen{TLS: "TLS 1.3", Refuses: &yes}, "it refused the key with status 403"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(tt.handler)
			if tt.plain {
				server.Start()
			} else {
				server.StartTLS()
			}
			defer server.Close()
			o := Options{URL: server.URL, Requests: tt.limit, Client: server.Client()}
			if tt.limit > 0 {
				o.Key = key
			}
			got, err := Ask(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			open := strings.Join(got.Open, "; ")
			if open != tt.open && (tt.open == "" || !strings.Contains(open, tt.open)) {
				t.Errorf("not told: %q, want %q", open, tt.open)
			}
			want := tt.want
			want.Host, want.Open = strings.TrimPrefix(strings.TrimPrefix(server.URL, "https://"), "http://"), got.Open
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestLimitIsNotGuessed: what answers nothing has shown no limit, and none missing.
func TestLimitIsNotGuessed(t *testing.T) {
	for name, status := range map[string]int{"not found": 404, "takes no GET": 405, "breaks": 500} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") == "" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				w.WriteHeader(status)
			}))
			defer server.Close()
			got, err := Ask(context.Background(), Options{URL: server.URL, Requests: 3, Key: key, Client: server.Client()})
			if err != nil || got.Limited != 0 || len(got.Open) != 1 {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// TestNothingIsGivenAway: a redirect is not followed, no key goes without TLS, and no
// error tells a key.
func TestNothingIsGivenAway(t *testing.T) {
	var asked atomic.Int32
	away := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer away.Close()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, away.URL, http.StatusTemporaryRedirect)
	}))
	if _, err := Ask(context.Background(), Options{URL: server.URL, Key: key, Requests: 2, Client: server.Client()}); err != nil || asked.Load() != 0 {
		t.Errorf("%v, the other server was asked %d times", err, asked.Load())
	}
	client := server.Client()
	server.Close()
	for _, o := range []Options{
		{URL: "http://" + strings.TrimPrefix(away.URL, "http://"), Key: key},
		{URL: server.URL + "/?api_key=" + key, Client: client},
		{URL: "https://user:" + key + "@host.example/"},
		{URL: "ftp://host.example/?k=" + key},
		{URL: server.URL, Requests: -1},
		{URL: server.URL, Requests: 1_000_000},
	} {
		if got, err := Ask(context.Background(), o); err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("%s: %+v, %v", o.URL, got, err)
		}
	}
	if asked.Load() != 0 {
		t.Error("a key was sent without TLS")
	}
}

// TestAnUnknownCertificate is refused: what is spoken with it is nobody's.
func TestAnUnknownCertificate(t *testing.T) {
	server := httptest.NewTLSServer(serves(1))
	defer server.Close()
	if got, err := Ask(context.Background(), Options{URL: server.URL}); err == nil {
		t.Errorf("%+v", got)
	}
}

func TestHostIsAsCodeNamesIt(t *testing.T) {
	server := httptest.NewServer(always(http.StatusOK))
	defer server.Close()
	got, err := Ask(context.Background(), Options{URL: strings.Replace(server.URL, "127.0.0.1", "LOCALHOST", 1)})
	if err != nil || !strings.HasPrefix(got.Host, "localhost:") {
		t.Errorf("%+v, %v", got, err)
	}
}
