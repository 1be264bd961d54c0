package mlflow

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

type sink struct {
	mu      sync.Mutex
	assets  map[string]estate.Asset
	spots   []estate.BlindSpot
	covered []estate.Coverage
}

func (s *sink) Asset(a estate.Asset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.assets == nil {
		s.assets = map[string]estate.Asset{}
	}
	s.assets[a.ID] = a
}
func (s *sink) BlindSpot(b estate.BlindSpot) { s.spots = append(s.spots, b) }
func (s *sink) Covered(c estate.Coverage)    { s.covered = append(s.covered, c) }
func (s *sink) Called(string)                {}

func read(t *testing.T, source string) (*sink, error) {
	t.Helper()
	o, err := ParseSource(source)
	if err != nil {
		return nil, err
	}
	s := &sink{}
	return s, New(o).Collect(context.Background(), s)
}

// replies are those of a real server, MLflow 3.17.2, of two models with six versions.
const replies = "testdata/mlflow-3.17.json"

func TestReplies(t *testing.T) {
	s, err := read(t, "mlflow:"+replies+",host=ml.example")
	if err != nil || len(s.assets) != 8 || len(s.covered) != 2 || len(s.spots) != 0 {
		t.Fatalf("%d assets, %v covered, %v, %v", len(s.assets), s.covered, s.spots, err)
	}
	a, ok := s.assets["mlflow://ml.example/fraud/1"]
	if !ok || !strings.Contains(string(a.Config), `"aliases":["champion"]`) {
		t.Errorf("the alias of the model is not told of its version: %s", a.Config)
	}
	if _, ok := s.assets["mlflow://ml.example/odd%20name%20%C3%A9/1"]; !ok {
		t.Error("a name with a space is lost")
	}
}

// What is missing from a file is a blind spot, and nothing is said to be covered.
func TestHalfAFile(t *testing.T) {
	text, err := os.ReadFile(replies)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	var models, versions json.RawMessage
	if err := d.Decode(&models); err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(&versions); err != nil {
		t.Fatal(err)
	}
	more := strings.TrimSuffix(strings.TrimSpace(string(models)), "}") + `,"next_page_token":"x"}`
	for name, text := range map[string]string{"versions alone": string(versions), "pages": more + string(versions)} {
		at := filepath.Join(t.TempDir(), "replies.json")
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := read(t, "mlflow:"+at)
		if err != nil || len(s.spots) != 1 || len(s.covered) != 1 {
			t.Errorf("%s: %v, %v, %v", name, s.spots, s.covered, err)
		}
		if a := s.assets["mlflow://registry/fraud/1"]; strings.Contains(string(a.Config), "aliases") {
			t.Errorf("%s: aliases are told though not all were read", name)
		}
	}
}

func TestRubbish(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"empty": "", "cut": `{"registered_models":[{"name":"a"`, "binary": "\x00\x01\x02", "other": `{"runs":[]}`, "list": `[1]`, "nameless": `{"registered_models":[{}]}`,
		"unnumbered": `{"model_versions":[{"name":"a"}]}`, "shape": `{"registered_models":{"a":1}}`, "deep": strings.Repeat("[", 100_000),
	} {
		at := filepath.Join(dir, name)
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, "mlflow:"+at); err == nil || !strings.Contains(err.Error(), at) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, source := range []string{"mlflow:" + dir, "mlflow:/dev/zero", "mlflow:", "mlflow:https://u:p@host", "mlflow:https://h?token=x"} {
		if _, err := read(t, source); err == nil {
			t.Errorf("%s is read", source)
		} else if strings.Contains(err.Error(), "u:p") {
			t.Errorf("a password is told: %v", err)
		}
	}
	t.Setenv("MLFLOW_TRACKING_TOKEN", "secret")
	if _, err := read(t, "mlflow:http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("a token goes out without TLS: %v", err)
	}
}

// Servers that refuse, lie or never end.
func TestServers(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"page":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sign in</html>")) },
		"other":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"ok":true}`)) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"registered_models":[],"model_versions":[],"next_page_token":"again"}`))
		},
		"leads away": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://other.invalid/", http.StatusFound)
		},
	} {
		srv := httptest.NewServer(h)
		if s, err := read(t, "mlflow:"+srv.URL); err == nil || len(s.covered) != 0 {
			t.Errorf("%s: %v", name, err)
		}
		srv.Close()
	}
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer empty.Close()
	if s, err := read(t, "mlflow:"+empty.URL); err != nil || len(s.covered) != 2 {
		t.Errorf("an empty registry: %v", err)
	}
}

// TestRealServer reads a running MLflow: SEVENFOLD_MLFLOW is its address. The replies in
// testdata are of such a one.
func TestRealServer(t *testing.T) {
	address := os.Getenv("SEVENFOLD_MLFLOW")
	if address == "" {
		t.Skip("SEVENFOLD_MLFLOW names no server (mlflow server, filled by testdata/fill.py)")
	}
	s, err := read(t, "mlflow:"+address)
	if err != nil || len(s.assets) != 8 || len(s.covered) != 2 || len(s.spots) != 0 {
		t.Fatalf("%d assets, %v, %v, %v", len(s.assets), s.covered, s.spots, err)
	}
	for id, a := range s.assets {
		if a.Type == VersionType && !strings.Contains(string(a.Config), "artifact_uri") {
			t.Errorf("%s: where its files lie was not asked: %s", id, a.Config)
		}
	}
}
