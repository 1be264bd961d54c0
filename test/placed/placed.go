// Package placed answers the reading operations of AWS from single documents,
// the configurations of assets as the AWS command line prints them. Which
// operation lists and describes a type it takes from the catalogue; what a reply
// may hold, from the service's own model: a document with a member, an
// enumeration's value or a type that the API does not have is refused, so that
// what is read from it is what the service itself could have said.
package placed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/test/wire"
)

// Account is the account all documents lie in.
const Account = "111122223333"

// Double is an account that holds what was placed in it and nothing else.
type Double struct {
	t    testing.TB
	cat  *catalog.Catalog
	mu   sync.Mutex
	docs map[string][]map[string]any // by type
}

// New makes an empty account. A document that the service could not have given
// fails t when it is asked for.
func New(t testing.TB) *Double {
	t.Helper()
	cat, err := catalog.Default()
	if err != nil {
		t.Fatal(err)
	}
	return &Double{t: t, cat: cat, docs: map[string][]map[string]any{}}
}

// Clear takes everything out and names the test that what comes is for.
func (d *Double) Clear(t testing.TB) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.t = t
	clear(d.docs)
}

// Resource returns how the catalogue reads a type, nil if it does not.
func (d *Double) Resource(typ string) *catalog.Resource {
	for _, r := range d.cat.Resources() {
		if r.Type == typ && (r.List == nil || typ != "AWS::Organizations::Account") {
			return r
		}
	}
	return nil
}

// Speaks reports whether the double can answer for a type: all that it is read
// by speaks JSON.
func (d *Double) Speaks(typ string) bool {
	r := d.Resource(typ)
	if r == nil {
		return false
	}
	calls := r.AllCalls()
	if r.List != nil {
		calls = append(slices.Clone(calls), r.List)
	}
	for _, c := range calls {
		op, ok := api.Operation(c.ServiceName(), c.Op)
		if !ok || op.Protocol() != "json" && op.Protocol() != "rest-json" {
			return false
		}
	}
	return r.Parent == "" || d.Speaks(r.Parent)
}

// Answers reports whether the double can answer for all a control looks at.
func (d *Double) Answers(c *control.Control) bool {
	types := slices.Clone(c.Types)
	if a := c.Absent(); a != nil {
		// The account itself is there as soon as anybody asks.
		types = slices.DeleteFunc(append(types, a.Type), func(t string) bool { return t == "AWS::Organizations::Account" })
	}
	return !slices.ContainsFunc(types, func(t string) bool { return !d.Speaks(t) })
}

// Put places a document, and what it is listed below if that is not there yet.
func (d *Double) Put(typ string, doc map[string]any) {
	r := d.Resource(typ)
	d.mu.Lock()
	d.docs[typ] = append(d.docs[typ], doc)
	above := r.Parent != "" && len(d.docs[r.Parent]) == 0
	d.mu.Unlock()
	if !above {
		return
	}
	parent := map[string]any{}
	for _, c := range []*catalog.Call{r.List, r.Describe} {
		if c == nil {
			continue
		}
		for param, from := range c.With {
			name, ok := strings.CutPrefix(fmt.Sprint(from), "parent.")
			if !ok {
				continue
			}
			parent[name] = "above-1"
			for _, k := range []string{name, param} {
				if v, ok := doc[k].(string); ok {
					parent[name] = v
					break
				}
			}
		}
	}
	d.Put(r.Parent, parent)
}

// ServeHTTP implements http.Handler.
func (d *Double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	call, _ := wire.Identify(r, b)
	switch call.Key() {
	case "sts:GetCallerIdentity":
		fmt.Fprintf(w, `<R><GetCallerIdentityResult><Account>%s</Account><Arn>arn:aws:sts::%s:assumed-role/r/s</Arn></GetCallerIdentityResult></R>`, Account, Account)
		return
	case "ec2:DescribeVpcs": // asked of every region, whether it answers
		fmt.Fprint(w, `<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>`)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	reply, code := d.answer(call, asked(call, r, b))
	if code != "" {
		wire.Refuse(w, call, http.StatusBadRequest, code, "nothing of it was placed")
		return
	}
	body, err := wire.Fit(call.Op.Outputs(), reply, blank)
	if err != nil {
		d.t.Errorf("placed: %s could not have said this: %v", call.Key(), err)
		wire.Refuse(w, call, http.StatusInternalServerError, "InternalServerException", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(body)
}

// asked gathers the parameters of a request wherever they travel.
func asked(c wire.Call, r *http.Request, b []byte) map[string]any {
	in := map[string]any{}
	_ = json.Unmarshal(b, &in)
	for k, v := range r.URL.Query() {
		in[k] = v[0]
	}
	for k, v := range c.Labels {
		in[k] = v
	}
	return in
}

// answer gives a reply by the API's member names, or the code of a refusal.
func (d *Double) answer(call wire.Call, in map[string]any) (map[string]any, string) {
	code := "AccessDeniedException"
	for _, r := range d.cat.Resources() {
		if is(r.List, call) {
			return d.list(r, call, in), ""
		}
		for _, c := range r.AllCalls() {
			if !is(c, call) {
				continue
			}
			doc := d.find(r.Type, c, in)
			if c == r.Describe && (doc != nil || r.Single && len(d.docs[r.Type]) > 0) {
				return nest(c.Unwrap, known(call.Op, c.Unwrap, doc)), ""
			}
			if v, ok := doc[c.Key()].(map[string]any); ok && c.Key() != "" {
				return v, ""
			}
			if r.Single && c == r.Describe && len(c.Absent) == 0 {
				return map[string]any{}, ""
			}
			if len(c.Absent) > 0 {
				code, _, _ = strings.Cut(c.Absent[0], ":")
			}
		}
	}
	return nil, code
}

func is(c *catalog.Call, call wire.Call) bool {
	return c != nil && c.Op == call.Operation && c.ServiceName() == call.Service
}

// find is the document a call is made for, or the only one.
func (d *Double) find(typ string, c *catalog.Call, in map[string]any) map[string]any {
	docs := d.docs[typ]
	for _, doc := range docs {
		fits := len(c.With) > 0
		for param, from := range c.With {
			have, ok := doc[fmt.Sprint(from)]
			fits = fits && (!ok || have == in[param])
		}
		if fits {
			return doc
		}
	}
	if len(docs) > 0 {
		return docs[0]
	}
	return nil
}

// list gives what is placed of a type, as the list shows it.
func (d *Double) list(r *catalog.Resource, call wire.Call, in map[string]any) map[string]any {
	elem := elementAt(call.Op.Outputs(), r.List.Items)
	items := []any{}
	for _, doc := range d.docs[r.Type] {
		if !wanted(r.List, doc, in) {
			continue
		}
		if r.List.As != "" {
			v, ok := doc[r.List.As]
			if !ok {
				v = "placed-1"
			}
			items = append(items, v)
			continue
		}
		items = append(items, shown(r.Type, elem, doc, r.Describe == nil))
	}
	return nest(strings.TrimSuffix(r.List.Items, "[]"), items)
}

// wanted reports whether a document is of the kind a list is asked for.
func wanted(list *catalog.Call, doc, in map[string]any) bool {
	for _, v := range list.Variants {
		for k := range v {
			if have, ok := doc[k]; ok && fmt.Sprint(have) != fmt.Sprint(in[k]) {
				return false
			}
		}
	}
	return true
}

// nest puts a value at a path of a reply.
func nest(path string, v any) map[string]any {
	if path == "" {
		m, _ := v.(map[string]any)
		return m
	}
	parts := strings.Split(path, ".")
	for _, p := range slices.Backward(parts) {
		if name, ok := strings.CutSuffix(p, "[0]"); ok {
			p, v = name, []any{v}
		}
		v = map[string]any{p: v}
	}
	return v.(map[string]any)
}
