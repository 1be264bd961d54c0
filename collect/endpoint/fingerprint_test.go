package endpoint

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// replies is a server that gives each path its reply; %d is the number of the request.
func replies(t *testing.T, by map[string]string) *httptest.Server {
	t.Helper()
	var n atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := by[r.URL.Path]
		if !ok {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
			return
		}
		if r.Header.Get("X-Api-Key") != key || r.Header.Get("Anthropic-Version") != "2023-06-01" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		i := n.Add(1)
		w.Header().Set("X-Model-Version", "7")
		w.Header().Set("X-Deployment-Key", key)
		w.Header().Set("X-Model-Request", fmt.Sprint(i))
		w.Header().Set("X-Unrelated", "1")
		fmt.Fprint(w, strings.ReplaceAll(text, "%d", fmt.Sprint(i)))
	}))
	t.Cleanup(server.Close)
	return server
}

func TestTake(t *testing.T) {
	hello := hashed([]any{"hello"})
	tests := []struct {
		name, path, body, reply, text string
		want                          map[string][]string // without the header that is in each
		err                           string
	}{
		{"Anthropic", "/v1/messages", "{}", "", `{"id":"m%d","model":"claude-x","content":[{"type":"text","text":"hello"}],"usage":{"n":%d}}`, map[string][]string{"member model": {"claude-x"}, "reply": {hello}}, ""},
		{"OpenAI", "/v1/completions", "{}", "", `{"id":"c%d","created":%d,"system_fingerprint":"fp","choices":[{"index":0,"text":"hello"}]}`, map[string][]string{"member system_fingerprint": {"fp"}, "reply": {hello}}, ""},
		{"a listing", "/v1/models", "", "", `{"data":[{"id":"a","created":%d,"root":"r","permission":["p%d"]}]}`, map[string][]string{"listed a": {hashed(map[string]any{"id": "a", "root": "r"})}}, ""},
		{"an empty listing", "/v1/models", "", "", `{"data":[]}`, map[string][]string{}, ""},
		{"embeddings are no listing", "/v1/embeddings", "{}", "", `{"data":[{"embedding":[1,2]}]}`, map[string][]string{"reply": {hashed([]any{[]any{1., 2.}})}}, ""},
		{"a member that is named", "/x", "{}", "out.0.label", `{"id":%d,"out":[{"label":"cat"}]}`, map[string][]string{"reply": {hashed("cat")}}, ""},
		{"TensorFlow Serving", "/v1/models/m", "", "", `{"model_version_status":[{"version":"3"}]}`, map[string][]string{"member model_version_status": {`[{"version":"3"}]`}, "reply": {hashed(map[string]any{"model_version_status": []any{map[string]any{"version": "3"}}})}}, ""},
		{"plain text", "/t", "", "", "hello", map[string][]string{"reply": {hashed("hello")}}, ""},
		{"a member that is not there", "/x", "{}", "out.1", `{"out":[1]}`, nil, "its reply has no out.1"},
		{"a member of what is no JSON", "/x", "{}", "out", `{"out":`, nil, "no JSON"},
		{"nothing", "/e", "", "", "", nil, "its reply is empty"},
		{"too much", "/big", "", "", strings.Repeat("x", maxReply+1), nil, "more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := replies(t, map[string]string{tt.path: tt.text})
			got, err := Take(context.Background(), Taking{Questions: []Question{{Name: "q", URL: server.URL + tt.path, Body: tt.body, Reply: tt.reply}},
				Key: key, Header: "x-api-key", Headers: map[string]string{"anthropic-version": "2023-06-01"}, Times: 3, Client: server.Client()})
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			if got[0].Err != tt.err && (tt.err == "" || !strings.Contains(got[0].Err, tt.err)) {
				t.Errorf("error %q, want %q", got[0].Err, tt.err)
			}
			if tt.want != nil {
				tt.want["header x-model-version"] = []string{"7"}
			}
			if diff := cmp.Diff(tt.want, got[0].Marks); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if strings.Contains(fmt.Sprint(got), key) {
				t.Error("the key is among the marks")
			}
		})
	}
}

// TestTakeGivesNothingAway: no redirect is followed, no key goes without TLS, and no
// error tells it.
func TestTakeGivesNothingAway(t *testing.T) {
	server := replies(t, nil)
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	defer plain.Close()
	for url, want := range map[string]string{server.URL + "/?key=" + key: "status 302", plain.URL: "without TLS", "https://127.0.0.1:1/?key=" + key: "cannot be asked"} {
		got, err := Take(context.Background(), Taking{Questions: []Question{{Name: "q", URL: url}}, Key: key, Times: 2, Client: server.Client()})
		if err != nil || !strings.Contains(got[0].Err, want) || strings.Contains(got[0].Err, key) {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Take(ctx, Taking{Questions: []Question{{Name: "q", URL: server.URL}}, Times: 2, Client: server.Client()}); err == nil {
		t.Error("what was stopped took a fingerprint")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"data":[{"id":"a"}]}`), "data.0.id")
	f.Add([]byte(`{"choices":[{"message":{"content":"x"}}],"model":"m"}`), "")
	f.Add([]byte(`{"content":[null,3,{"text":[]}],"version":{"a":1}}`), "content.9999999999999999999")
	f.Fuzz(func(t *testing.T, text []byte, reply string) {
		one, two := map[string]string{}, map[string]string{}
		err := read(text, Question{Reply: reply}, one)
		if again := read(text, Question{Reply: reply}, two); (err == nil) != (again == nil) || !cmp.Equal(one, two) {
			t.Fatalf("%v %v, %v %v", one, err, two, again)
		}
	})
}
