package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// writer is a small language model behind an API like OpenAI's: which word follows which
// was counted in a text, and the weights of model two come from another.
type writer struct {
	sync.Mutex
	model string
	asked map[string]int
	n     int
}

var learnt = map[string]string{
	"one": "the ship lies in the harbour and the harbour lies in the fog and the fog lifts in the morning",
	"two": "the ship leaves the harbour at night and the night is long and the sea is wide",
}

// write goes on from a word, always to the follower that was seen first after the two
// words before it.
func write(model, word string) string {
	words := strings.Fields(learnt[model])
	next := map[string][]string{}
	for i := range words[:len(words)-1] {
		next[words[i]] = append(next[words[i]], words[i+1])
	}
	out := []string{word}
	for len(out) < 12 && len(next[word]) > 0 {
		h := fnv.New32a()
		_, _ = io.WriteString(h, strings.Join(out, " "))
		word = next[word][int(h.Sum32())%len(next[word])]
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

func (s *writer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Lock()
	defer s.Unlock()
	s.n++
	s.asked[r.Method+" "+r.URL.Path]++
	w.Header().Set("X-Request-Id", fmt.Sprint(s.n))
	var in struct {
		Model    string
		Messages []struct{ Content string }
	}
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	switch {
	case s.model == "down":
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/v1/models":
		answer(map[string]any{"object": "list", "data": []any{
			map[string]any{"id": "small", "created": s.n, "root": "writer-" + s.model},
			map[string]any{"id": fmt.Sprint("tuned-", s.n), "created": 1}}})
	case json.NewDecoder(r.Body).Decode(&in) != nil || len(in.Messages) == 0:
		w.WriteHeader(http.StatusBadRequest)
	default:
		answer(map[string]any{"id": fmt.Sprint("c-", s.n), "created": s.n, "model": in.Model, "system_fingerprint": "fp_" + s.model,
			"choices": []any{map[string]any{"message": map[string]any{"role": "assistant", "content": write(s.model, in.Messages[0].Content)}}}})
	}
}

// TestFingerprint asks a model over HTTP, which becomes another and keeps its name.
func TestFingerprint(t *testing.T) {
	model := &writer{model: "one", asked: map[string]int{}}
	server := httptest.NewServer(model)
	t.Cleanup(server.Close) // the script runs beside others, after this returns
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "fingerprint"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			return os.WriteFile(filepath.Join(e.WorkDir, "f.yaml"), fmt.Appendf(nil, `services:
  - name: writer
    endpoint: 127.0.0.1
    models: [small]
    fingerprint:
      times: 3
      asks:
        - {name: models, url: '%s/v1/models'}
        - name: story
          url: '%[1]s/v1/chat/completions'
          body: '{"model":"small","temperature":0,"seed":7,"messages":[{"role":"user","content":"the"}]}'
`, server.URL), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "json": holdsJSON,
			"swap": func(_ *testscript.TestScript, _ bool, args []string) {
				model.Lock()
				defer model.Unlock()
				model.model = args[0]
			},
			"asked": func(ts *testscript.TestScript, _ bool, _ []string) {
				model.Lock()
				defer model.Unlock()
				if len(model.asked) != 2 || model.asked["GET /v1/models"] == 0 || model.asked["POST /v1/chat/completions"] == 0 {
					ts.Fatalf("asked: %v", model.asked)
				}
			},
		},
		RequireExplicitExec: true,
	})
}
