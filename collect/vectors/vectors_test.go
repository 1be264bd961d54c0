package vectors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// qdrant answers as Qdrant's API documents: /collections, its collections, and scroll with
// next_page_offset. circle makes its pages go round.
func qdrant(t *testing.T, points int, circle bool) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /collections", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"result":{"collections":[{"name":"docs"}]},"status":"ok","time":0}`)
	})
	mux.HandleFunc("GET /collections/docs", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"result":{"status":"green","points_count":%d},"status":"ok"}`, points)
	})
	mux.HandleFunc("POST /collections/docs/points/scroll", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Api-Key") != "k" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		var ask struct {
			Limit  int  `json:"limit"`
			Offset int  `json:"offset"`
			Vector bool `json:"with_vector"`
		}
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || ask.Vector || ask.Limit != page {
			t.Errorf("%+v %v", ask, err)
		}
		var list []string
		for i := ask.Offset; i < min(points, ask.Offset+ask.Limit); i++ {
			list = append(list, fmt.Sprintf(`{"id":%d,"payload":{"text":"write to p%d@example.com","n":12345678901234567890}}`, i, i))
		}
		next := "null"
		if ask.Offset+ask.Limit < points {
			next = fmt.Sprint(ask.Offset + ask.Limit)
		}
		if circle {
			next = "7"
		}
		fmt.Fprintf(w, `{"result":{"points":[%s],"next_page_offset":%s},"status":"ok"}`, strings.Join(list, ","), next)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return "qdrant+http://" + strings.TrimPrefix(s.URL, "http://")
}

// search answers as OpenSearch documents: _cat/indices, _search with scroll, _search/scroll.
func search(t *testing.T, docs, failed int) (address string, ended *bool) {
	t.Helper()
	ended = new(bool)
	at := 0
	hits := func(w http.ResponseWriter) {
		var list []string
		for ; at < docs && len(list) < page; at++ {
			list = append(list, fmt.Sprintf(`{"_id":"%d","_source":{"mail":"p%d@example.com"}}`, at, at))
		}
		fmt.Fprintf(w, `{"_scroll_id":"s","_shards":{"total":2,"failed":%d},"hits":{"hits":[%s]}}`, failed, strings.Join(list, ","))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_cat/indices", func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "auditor" || password != "hunter2secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `[{"index":".kibana","docs.count":"1","store.size":"9"},{"index":"papers","docs.count":"%d","store.size":"999"}]`, docs)
	})
	mux.HandleFunc("POST /papers/_search", func(w http.ResponseWriter, _ *http.Request) { hits(w) })
	mux.HandleFunc("POST /_search/scroll", func(w http.ResponseWriter, _ *http.Request) { hits(w) })
	mux.HandleFunc("DELETE /_search/scroll", func(w http.ResponseWriter, _ *http.Request) {
		*ended = true
		fmt.Fprint(w, `{"succeeded":true}`)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return "opensearch+http://auditor@" + strings.TrimPrefix(s.URL, "http://"), ended
}

func read(t *testing.T, address string) (names []string, n int, last string, err error) {
	t.Helper()
	r, err := Open(address)
	if err != nil {
		return nil, 0, "", err
	}
	defer r.Close()
	if strings.Contains(r.URI(), "@") {
		t.Errorf("%s tells the user", r.URI())
	}
	all, err := r.Collections(context.Background())
	if err != nil {
		return nil, 0, "", err
	}
	for _, c := range all {
		names = append(names, fmt.Sprintf("%s %d", c.Name, c.Records))
		_, err = r.Each(context.Background(), c, func(p json.RawMessage) error {
			n++
			last = string(p)
			return nil
		})
	}
	return names, n, last, err
}

func TestQdrant(t *testing.T) {
	t.Setenv("QDRANT_API_KEY", "k")
	names, n, last, err := read(t, qdrant(t, 600, false))
	if err != nil || len(names) != 1 || names[0] != "docs 600" || n != 600 || last != `{"text":"write to p599@example.com","n":12345678901234567890}` {
		t.Errorf("%v %d %s %v", names, n, last, err)
	}
	if _, n, _, err := read(t, qdrant(t, 600, true)); err == nil || n > 2*page {
		t.Errorf("pages that go round: %d, %v", n, err)
	}
	t.Setenv("QDRANT_API_KEY", "")
	if _, _, _, err := read(t, qdrant(t, 3, false)); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("without a key: %v", err)
	}
}

func TestOpenSearch(t *testing.T) {
	t.Setenv("OPENSEARCH_PASSWORD", "hunter2secret")
	address, ended := search(t, 300, 0)
	names, n, _, err := read(t, address)
	if err != nil || len(names) != 1 || names[0] != "papers 300" || n != 300 || !*ended {
		t.Errorf("%v %d %v, scroll ended %v", names, n, err, *ended)
	}
	address, ended = search(t, 300, 1)
	if _, _, _, err := read(t, address); err == nil || !strings.Contains(err.Error(), "shards") || !*ended {
		t.Errorf("a shard that did not answer: %v", err)
	}
	t.Setenv("OPENSEARCH_PASSWORD", "")
	address, _ = search(t, 1, 0)
	if _, _, _, err := read(t, address); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("without a password: %v", err)
	}
}

func TestBadAddressesAndAnswers(t *testing.T) {
	for _, address := range []string{"qdrant://", "qdrant:x", "elastic://host", "opensearch://\x7f"} {
		if _, err := Open(address); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
	for _, body := range []string{"", "<html>", `{"result":{"collections":[{"name":"../x"`, "null"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		_, n, _, err := read(t, "qdrant+http://"+strings.TrimPrefix(s.URL, "http://"))
		s.Close()
		var e *Error
		if n != 0 || body != "null" && !errors.As(err, &e) {
			t.Errorf("%q: %d, %v", body, n, err)
		}
	}
	r, err := Open("qdrant+http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Collections(context.Background()); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("nobody there: %v", err)
	}
}
