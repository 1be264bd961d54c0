package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// asked are the replies that a file of the corpus holds, for a server that gives one after
// the other whatever it is asked.
type asked struct {
	text []byte
	n    int
}

func (a *asked) RoundTrip(*http.Request) (*http.Response, error) {
	a.n++
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: io.NopCloser(bytes.NewReader(a.text)), Header: http.Header{}}, nil
}

// FuzzReplies reads any text as a file of replies and as a server's answer. What is taken
// over has a name, is JSON, and covers its type only where all of it was there; two reads
// come to the same.
func FuzzReplies(f *testing.F) {
	real, err := os.ReadFile(replies)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(real)
	for _, s := range []string{
		``, `null`, `[]`, `{}`, `{"registered_models":[]}`, `{"registered_models":[{}]}`, `{"registered_models":null,"model_versions":[{"name":"m","version":1}]}`,
		`{"registered_models":[{"name":"m","aliases":[{"alias":"a","version":"1"}]}]}{"model_versions":[{"name":"m","version":"1","aliases":{}}]}`,
		`{"model_versions":[{"name":"m","version":{"a":1}}]}`, `{"model_versions":[{"name":"m","version":"1","tags":[{"key":1}]}],"next_page_token":"x"}`,
		`{"model_versions":[{"name":"../..","version":"1/2"}],"registered_models":[{"name":"\u0000"}]}`, `{"registered_models":[null]}`, `{"model_versions":[{"name":"m","version":"","source":3}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "r.json")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		look := func(o Options) (*sink, error) {
			s := &sink{}
			err := New(o).Collect(context.Background(), s)
			for id, a := range s.assets {
				if !strings.HasPrefix(id, "mlflow://h/") || strings.TrimPrefix(id, "mlflow://h/") == "" || !json.Valid(a.Config) || a.Account != "h" || len(a.Reads) == 0 {
					t.Fatalf("asset %+v", a)
				}
				if a.Type != ModelType && a.Type != VersionType {
					t.Fatalf("type %q", a.Type)
				}
			}
			for _, c := range s.covered {
				for _, b := range s.spots {
					if b.Asset == "" && len(b.Types) > 0 && b.Types[0] == c.Type {
						t.Fatalf("%s is covered, and %s", c.Type, b.Why)
					}
				}
			}
			if err == nil && len(s.covered)+len(s.spots) == 0 {
				t.Fatal("nothing is said of what was read")
			}
			return s, err
		}
		one, err := look(Options{Path: path, Host: "h", Source: "s"})
		two, again := look(Options{Path: path, Host: "h", Source: "s"})
		if (err == nil) != (again == nil) || len(one.assets) != len(two.assets) {
			t.Fatalf("%v, %v", err, again)
		}
		_, _ = look(Options{Address: "https://h", Host: "h", Source: "s", Client: &http.Client{Transport: &asked{text: text}}})
	})
}

var _ estate.Sink = (*sink)(nil)
