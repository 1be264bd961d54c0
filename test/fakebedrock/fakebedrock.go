// Package fakebedrock answers the reading operations of Bedrock, Bedrock
// Agents and Bedrock AgentCore from what a test puts in. It has no shapes of
// its own: every document is held against the service model before it is kept
// and again when it is sent, so that a reply is true to the API by
// construction, down to required members, enumerations and the format of
// times.
package fakebedrock

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/test/wire"
)

// Doc is a reply's content by the API's member names. Times are time.Time or
// RFC 3339. A name that starts with "_" is not sent by the Get operation but
// serves the list ("_baseModelName") or says whose child the document is
// ("_gatewayIdentifier").
type Doc = map[string]any

// Created is the time given to documents that state none.
var Created = time.Date(2026, 3, 1, 8, 30, 15, 0, time.UTC)

// Fake is the state. Its methods may be called while it serves.
type Fake struct {
	t testing.TB
	// PageSize bounds the elements of one page of a list; 0 is no bound.
	PageSize int

	mu   sync.Mutex
	docs map[string][]Doc // by region + " " + service + ":" + Get operation
	tags map[string]map[string]string
}

var services = []string{"bedrock", "bedrock-agent", "bedrock-agentcore-control"}

// New makes an empty fake. A reply that would not fit the model fails t.
func New(t testing.TB) *Fake {
	return &Fake{t: t, docs: map[string][]Doc{}, tags: map[string]map[string]string{}}
}

// Put adds what the service's Get operation returns for one resource; the
// matching List operation returns its summary. Members that are required and
// not given get a default where one is evident (times, an active status);
// otherwise, and for members the model does not know, the test ends.
func (f *Fake) Put(region, service, get string, doc Doc) {
	f.t.Helper()
	op, ok := api.Operation(service, get)
	if !ok || !slices.Contains(services, service) {
		f.t.Fatalf("fakebedrock: the model has no %s:%s", service, get)
	}
	_, members := body(op)
	doc = withDefaults(members, doc)
	if _, err := render(members, doc); err != nil {
		f.t.Fatalf("fakebedrock: %s:%s: %v", service, get, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := region + " " + service + ":" + get
	f.docs[key] = append(f.docs[key], doc)
}

// Tag sets the tags of the resource with that ARN.
func (f *Fake) Tag(arn string, tags map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tags[arn] = tags
}

// Clear forgets everything.
func (f *Fake) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.docs)
	clear(f.tags)
}

// Front answers what the fake knows and hands every other request to next.
func (f *Fake) Front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
		c, ok := wire.Identify(r, b)
		if !ok || c.Operation == "" || !slices.Contains(services, c.Service) {
			next.ServeHTTP(w, r)
			return
		}
		f.answer(w, c, asked(c, r, b))
	})
}

// asked gathers the parameters of a request wherever they travel.
func asked(c wire.Call, r *http.Request, b []byte) map[string]string {
	in := map[string]string{}
	var doc map[string]any
	if json.Unmarshal(b, &doc) == nil {
		for k, v := range doc {
			switch v := v.(type) {
			case string:
				in[k] = v
			case float64:
				in[k] = strconv.Itoa(int(v))
			}
		}
	}
	for k, v := range r.URL.Query() {
		in[k] = v[0]
	}
	for k, v := range c.Labels {
		in[k] = v
	}
	return in
}

func (f *Fake) answer(w http.ResponseWriter, c wire.Call, in map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var reply map[string]any
	var err error
	switch {
	case c.Operation == "ListTagsForResource":
		reply = f.tagsOf(c, in)
	case strings.HasPrefix(c.Operation, "List"):
		reply, err = f.list(c, in)
	default:
		var found bool
		if reply, found, err = f.get(c, in); err == nil && !found {
			wire.Refuse(w, c, http.StatusNotFound, "ResourceNotFoundException", "The resource you are asking for does not exist.")
			return
		}
	}
	if err != nil {
		f.t.Errorf("fakebedrock: %s: %v", c.Key(), err)
		wire.Refuse(w, c, http.StatusInternalServerError, "InternalServerException", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-RequestId", "22222222-3333-4444-5555-666666666666")
	_ = json.NewEncoder(w).Encode(reply)
}

func (f *Fake) get(c wire.Call, in map[string]string) (map[string]any, bool, error) {
	wrapper, members := body(c.Op)
	var keys []string
	for k, v := range in {
		if k != "maxResults" && k != "nextToken" {
			keys = append(keys, v)
		}
	}
	for _, d := range f.docs[c.Region+" "+c.Key()] {
		if !answersTo(d, keys) {
			continue
		}
		reply, err := render(members, d)
		if wrapper != "" {
			reply = map[string]any{wrapper: reply}
		}
		return reply, true, err
	}
	// A setting of the account that nobody made is an empty reply, not an error.
	return map[string]any{}, len(keys) == 0 && len(required(c.Op.Outputs())) == 0, nil
}

// answersTo reports whether each key is one of the document's own texts, or
// the last part of one that is an ARN.
func answersTo(d Doc, keys []string) bool {
	for _, k := range keys {
		found := false
		for _, v := range d {
			s, ok := v.(string)
			found = found || (ok && (s == k || strings.HasSuffix(s, "/"+k)))
		}
		if !found {
			return false
		}
	}
	return true
}

func (f *Fake) list(c wire.Call, in map[string]string) (map[string]any, error) {
	out, found := listed(c.Op)
	if !found {
		return map[string]any{}, nil
	}
	get := getterOf(c)
	var parents []string
	for _, v := range c.Labels {
		parents = append(parents, v)
	}
	items := []any{}
	for _, d := range f.docs[c.Region+" "+c.Service+":"+get] {
		if !answersTo(d, parents) {
			continue
		}
		s, err := render(out.Members(), summary(d, strings.TrimPrefix(get, "Get"), out.Members()))
		if err != nil {
			return nil, err
		}
		items = append(items, s)
	}
	return f.page(c, out.Wire, items, in), nil
}

func (f *Fake) page(c wire.Call, member string, items []any, in map[string]string) map[string]any {
	from, _ := strconv.Atoi(in["nextToken"])
	size, _ := strconv.Atoi(in["maxResults"])
	if f.PageSize > 0 && (size == 0 || f.PageSize < size) {
		size = f.PageSize
	}
	from = min(max(from, 0), len(items))
	reply := map[string]any{member: items[from:]}
	_, pages := c.Op.Output("nextToken")
	if to := from + size; pages && size > 0 && to < len(items) {
		reply[member], reply["nextToken"] = items[from:to], strconv.Itoa(to)
	}
	return reply
}

func (f *Fake) tagsOf(c wire.Call, in map[string]string) map[string]any {
	arn := in["resourceARN"] + in["resourceArn"]
	if out, ok := c.Op.Output("tags"); ok && out.Type == "list" {
		list := []any{}
		for k, v := range f.tags[arn] {
			list = append(list, map[string]any{"key": k, "value": v})
		}
		return map[string]any{"tags": list}
	}
	tags := map[string]any{}
	for k, v := range f.tags[arn] {
		tags[k] = v
	}
	return map[string]any{"tags": tags}
}
