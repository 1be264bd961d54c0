// Package vectors reads what stands beside the vectors in Qdrant and OpenSearch: the
// payload of points, the source of documents. It sends only requests that read, holds to
// a rate, and keeps no vector.
package vectors

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of what a reading costs the server.
const (
	page       = 256
	perSecond  = 20       // requests
	maxReply   = 64 << 20 // bytes
	timeout    = 30 * time.Second
	maxNames   = 10_000
	scrollTime = "2m"
)

// Collection is a collection of Qdrant or an index of OpenSearch.
type Collection struct {
	Name string
	// Records is how many points or documents the server says there are, Bytes how
	// large they are as far as it says; 0 where it does not.
	Records, Bytes int64
}

// Reader reads one server.
type Reader struct {
	base    *url.URL
	name    string
	qdrant  bool
	http    *http.Client
	limit   *rate.Limiter
	headers http.Header
}

// Error is a server that could not be read; its words hold no content.
type Error struct{ What, Mend string }

// Error implements error.
func (e *Error) Error() string { return e.What }

// Hint is the mend.
func (e *Error) Hint() string { return e.Mend }

// Schemes begin the addresses that Open reads: over TLS, and without.
var Schemes = []string{"qdrant://", "qdrant+http://", "opensearch://", "opensearch+http://"}

// Open reads an address: qdrant://HOST[:PORT], opensearch://[USER@]HOST[:PORT]. Keys and
// passwords are taken from QDRANT_API_KEY and OPENSEARCH_PASSWORD. It makes no call.
func Open(address string) (*Reader, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, &Error{"it is no address of a vector store", "qdrant://HOST:6333 or opensearch://USER@HOST:9200"}
	}
	product, plain := strings.CutSuffix(u.Scheme, "+http")
	r := &Reader{qdrant: product == "qdrant", http: &http.Client{Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		limit: rate.NewLimiter(perSecond, perSecond), headers: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"sevenfold (read-only)"}}}
	if product != "qdrant" && product != "opensearch" {
		return nil, &Error{"it is no address of a vector store", "qdrant://HOST:6333 or opensearch://USER@HOST:9200"}
	}
	r.name = u.Scheme + "://" + u.Host
	r.base = &url.URL{Scheme: "https", Host: u.Host}
	if plain {
		r.base.Scheme = "http"
	}
	if key := os.Getenv("QDRANT_API_KEY"); r.qdrant && key != "" {
		r.headers.Set("Api-Key", key)
	}
	if user := u.User.Username(); !r.qdrant && user != "" {
		req := http.Request{Header: r.headers}
		password, given := u.User.Password()
		if !given {
			password = os.Getenv("OPENSEARCH_PASSWORD")
		}
		req.SetBasicAuth(user, password)
	}
	return r, nil
}

// URI is the server's address without user and password.
func (r *Reader) URI() string { return r.name }

// Close ends the connections.
func (r *Reader) Close() { r.http.CloseIdleConnections() }

// ask makes one request and decodes its answer.
func (r *Reader) ask(ctx context.Context, method, path string, query url.Values, body, into any) error {
	if err := r.limit.Wait(ctx); err != nil {
		return ctx.Err()
	}
	u := *r.base
	u.Path, u.RawQuery = path, query.Encode()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), in)
	if err != nil {
		return &Error{"a name in it makes no address", ""}
	}
	req.Header = r.headers.Clone()
	resp, err := r.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &Error{"it does not answer", "check host, port and network path; qdrant+http:// and opensearch+http:// are without TLS"}
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return &Error{"reading it is refused", "give a key that may read: QDRANT_API_KEY, or USER@ with OPENSEARCH_PASSWORD"}
	case resp.StatusCode != http.StatusOK:
		return &Error{"it answers " + strconv.Itoa(resp.StatusCode), "see that the address is the store's own"}
	}
	dec := json.NewDecoder(io.LimitReader(resp.Body, maxReply))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &Error{"its answer cannot be read", "see that the address is the store's own"}
	}
	return nil
}

// Collections lists what is read, in the server's order.
func (r *Reader) Collections(ctx context.Context) ([]Collection, error) {
	if r.qdrant {
		return r.qdrantCollections(ctx)
	}
	var rows []struct {
		Index string `json:"index"`
		Docs  string `json:"docs.count"`
		Bytes string `json:"store.size"`
	}
	if err := r.ask(ctx, http.MethodGet, "/_cat/indices", url.Values{"format": {"json"}, "bytes": {"b"}, "h": {"index,docs.count,store.size"}, "s": {"index"}}, nil, &rows); err != nil {
		return nil, err
	}
	var out []Collection
	for _, row := range rows {
		if strings.HasPrefix(row.Index, ".") { // the server's own
			continue
		}
		c := Collection{Name: row.Index}
		c.Records, _ = strconv.ParseInt(row.Docs, 10, 64)
		c.Bytes, _ = strconv.ParseInt(row.Bytes, 10, 64)
		out = append(out, c)
	}
	return out, tooMany(len(out))
}

func tooMany(n int) error {
	if n > maxNames {
		return &Error{fmt.Sprintf("it has more than %d collections", maxNames), "scan it with a key that sees fewer"}
	}
	return nil
}

func (r *Reader) qdrantCollections(ctx context.Context) ([]Collection, error) {
	var list struct {
		Result struct {
			Collections []struct {
				Name string `json:"name"`
			} `json:"collections"`
		} `json:"result"`
	}
	if err := r.ask(ctx, http.MethodGet, "/collections", nil, nil, &list); err != nil {
		return nil, err
	}
	if err := tooMany(len(list.Result.Collections)); err != nil {
		return nil, err
	}
	var out []Collection
	for _, c := range list.Result.Collections {
		var info struct {
			Result struct {
				Points int64 `json:"points_count"`
			} `json:"result"`
		}
		if err := r.ask(ctx, http.MethodGet, "/collections/"+c.Name, nil, nil, &info); err != nil {
			return nil, err
		}
		out = append(out, Collection{Name: c.Name, Records: info.Result.Points})
	}
	return out, nil
}

// Each gives the payload or source of every record of a collection, as JSON, until visit
// or the context ends it. n is how many were given.
func (r *Reader) Each(ctx context.Context, c Collection, visit func(json.RawMessage) error) (n int64, err error) {
	if r.qdrant {
		return r.points(ctx, c, visit)
	}
	return r.documents(ctx, c, visit)
}

func (r *Reader) points(ctx context.Context, c Collection, visit func(json.RawMessage) error) (n int64, err error) {
	var from json.RawMessage
	for {
		body := map[string]any{"limit": page, "with_payload": true, "with_vector": false}
		if from != nil {
			body["offset"] = from
		}
		var got struct {
			Result struct {
				Points []struct {
					Payload json.RawMessage `json:"payload"`
				} `json:"points"`
				Next json.RawMessage `json:"next_page_offset"`
			} `json:"result"`
		}
		if err := r.ask(ctx, http.MethodPost, "/collections/"+c.Name+"/points/scroll", nil, body, &got); err != nil {
			return n, err
		}
		for _, p := range got.Result.Points {
			n++
			if len(p.Payload) == 0 || string(p.Payload) == "null" {
				continue
			}
			if err := visit(p.Payload); err != nil {
				return n, err
			}
		}
		next := got.Result.Next
		if len(next) == 0 || string(next) == "null" {
			return n, nil
		}
		if bytes.Equal(next, from) {
			return n, &Error{"its pages go round in a circle", ""}
		}
		from = next
	}
}

func (r *Reader) documents(ctx context.Context, c Collection, visit func(json.RawMessage) error) (n int64, err error) {
	type hits struct {
		Scroll string `json:"_scroll_id"`
		Hits   struct {
			Hits []struct {
				Source json.RawMessage `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
		Failed struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
	}
	var got hits
	err = r.ask(ctx, http.MethodPost, "/"+c.Name+"/_search", url.Values{"scroll": {scrollTime}}, map[string]any{"size": page, "sort": []string{"_doc"}, "query": map[string]any{"match_all": map[string]any{}}}, &got)
	defer func() {
		if got.Scroll != "" { // the server holds what is scrolled open until it is told
			ended, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer stop()
			var none struct{}
			_ = r.ask(ended, http.MethodDelete, "/_search/scroll", nil, map[string]any{"scroll_id": got.Scroll}, &none) // else it ends by itself
		}
	}()
	for {
		if err != nil {
			return n, err
		}
		if got.Failed.Failed > 0 {
			return n, &Error{fmt.Sprintf("%d shards of it did not answer", got.Failed.Failed), "scan it again when the cluster is whole"}
		}
		if len(got.Hits.Hits) == 0 {
			return n, nil
		}
		for _, h := range got.Hits.Hits {
			n++
			if len(h.Source) == 0 {
				continue
			}
			if err := visit(h.Source); err != nil {
				return n, err
			}
		}
		scroll := got.Scroll
		got = hits{}
		err = r.ask(ctx, http.MethodPost, "/_search/scroll", nil, map[string]any{"scroll": scrollTime, "scroll_id": scroll}, &got)
		if got.Scroll == "" {
			got.Scroll = scroll
		}
	}
}
