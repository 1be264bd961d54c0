package depsdev

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestEach(t *testing.T) {
	var asked []string
	answers := map[string]string{
		"/v3/systems/PYPI/packages/torch":                           `{"packageKey":{"name":"torch"}}`,
		"/v3/systems/PYPI/packages/torch/versions/2.0":              `{"versionKey":{},"relatedProjects":[{"projectKey":{"id":"github.com/pytorch/pytorch"},"relationType":"SOURCE_REPO"}]}`,
		"/v3/projects/github.com%2Fpytorch%2Fpytorch":               `{"projectKey":{}}`,
		"/v3/systems/NPM/packages/@scope%2Fname":                    `{"packageKey":{}}`,
		"/v3/systems/NPM/packages/@scope%2Fname/versions/1.0.0":     `{"versionKey":{}}`,
		"/v3/systems/PYPI/packages/torch/versions/2.1":              `{"versionKey":{},"relatedProjects":[{"projectKey":{"id":"github.com/pytorch/pytorch"},"relationType":"SOURCE_REPO"}]}`,
		"/v3/systems/GO/packages/example.org%2Fa%2Fb/versions/v1.0": `{"versionKey":{}}`,
		"/v3/systems/GO/packages/example.org%2Fa%2Fb":               `{"packageKey":{}}`,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.EscapedPath())
		text, ok := answers[r.URL.EscapedPath()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	defer srv.Close()
	got, gone := 0, []string{}
	err := Each(context.Background(), srv.URL+"/", nil, []Package{{"PYPI", "torch", "2.0"}, {"PYPI", "torch", "2.1"}, {"NPM", "@scope/name", "1.0.0"}, {"GO", "example.org/a/b", "v1.0"}, {"PYPI", "made-up", "1"}},
		func([]byte) error { got++; return nil }, func(p Package) { gone = append(gone, p.Name) })
	if err != nil || got != len(answers) || !slices.Equal(gone, []string{"made-up"}) {
		t.Errorf("%v: %d answers, unknown %v, asked %q", err, got, gone, asked)
	}
	for _, a := range asked {
		if !strings.HasPrefix(a, "GET ") {
			t.Error(a)
		}
	}
}

// A server that fails, lies or leads elsewhere is an error, never silence.
func TestEachFails(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for name, h := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		},
		"leads elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"rubbish":         func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
	} {
		srv := httptest.NewServer(h)
		err := Each(context.Background(), srv.URL, nil, []Package{{"PYPI", "a", "1"}}, func(text []byte) error {
			if text[0] != '{' {
				return errors.New("it is no JSON")
			}
			return nil
		}, func(Package) { t.Errorf("%s: the package is said to be unknown", name) })
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		srv.Close()
	}
	for _, address := range []string{"", "api.deps.dev", "ftp://x", "https://u:secret@x", "https://x?k=secret"} {
		err := Each(context.Background(), address, nil, nil, nil, nil)
		var bad *AddressError
		if !errors.As(err, &bad) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
