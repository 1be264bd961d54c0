package catalog

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shape is what a path of an API model leads to; the zero shape is "nothing".
type shape struct {
	m     api.Member
	top   []api.Member // of an operation's reply
	ok    bool
	named string // a scalar item that stands under a name of ours
}

// follow looks a path up in a shape.
func (s shape) follow(path string) shape {
	for path != "" {
		var seg string
		seg, path, _ = strings.Cut(path, ".")
		name, bracket, list := strings.Cut(seg, "[")
		_ = bracket
		if name != "" {
			s = s.child(name)
		}
		if list && s.ok {
			elem, ok := s.m.Elem()
			s = shape{m: elem, ok: ok && s.m.Type == "list"}
		}
		if !s.ok {
			return shape{}
		}
		if s.m.Type == "string" || s.m.Type == "policy" || s.m.Type == "document" {
			return s
		}
	}
	return s
}

// child is a member of a structure or the values of a map.
func (s shape) child(name string) shape {
	if s.named != "" {
		return shape{ok: s.named == name, m: s.m}
	}
	list := s.top
	if list == nil {
		if s.m.Type == "map" {
			elem, ok := s.m.Elem()
			return shape{m: elem, ok: ok}
		}
		list = s.m.Members()
	}
	for _, m := range list {
		if m.Name == name {
			return shape{m: m, ok: true}
		}
	}
	return shape{}
}

// checker knows what a resource's configuration may hold.
type checker struct {
	t *testing.T
	r *Resource
}

func (c checker) errorf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("%s.yaml %s: %s", c.r.service.Service, c.r.Type, fmt.Sprintf(format, args...))
}

// operation finds a call's model.
func (c checker) operation(call *Call) (api.Op, bool) {
	op, ok := api.Operation(call.ServiceName(), call.Op)
	if !ok {
		c.errorf("%s is not in the model", call.Operation())
	}
	return op, ok
}

// resolve looks a path up in what the resource's replies hold.
func (c checker) resolve(path string) bool {
	if rest, ok := strings.CutPrefix(path, "parent."); ok {
		for _, p := range c.r.service.Resources {
			if p.Type == c.r.Parent && (checker{c.t, p}).resolve(rest) {
				return true
			}
		}
		return false
	}
	head, rest, _ := strings.Cut(path, ".")
	key, _, _ := strings.Cut(head, "[")
	for _, call := range c.r.calls {
		if call.key == key {
			op, ok := c.operation(call)
			return ok && (shape{top: op.Outputs(), ok: true}).follow(rest).ok
		}
	}
	return slices.ContainsFunc(c.roots(), func(s shape) bool { return s.follow(path).ok })
}

// roots are the shapes the root is made of.
func (c checker) roots() []shape {
	var out []shape
	if l := c.r.List; l != nil {
		if op, ok := c.operation(l); ok {
			item := shape{top: op.Outputs(), ok: true}.follow(l.Items)
			if !item.ok {
				c.errorf("%s has no %s", l.Op, l.Items)
			}
			item.named = l.As
			out = append(out, item)
		}
	}
	if d := c.r.Describe; d != nil {
		if op, ok := c.operation(d); ok {
			s := shape{top: op.Outputs(), ok: true}
			if d.Unwrap != "" {
				s = s.follow(d.Unwrap)
			}
			if !s.ok || s.top == nil && s.m.Type != "structure" {
				c.errorf("%s: unwrap %q leads to no object", d.Op, d.Unwrap)
			}
			out = append(out, s)
		}
	}
	if c.r.From != "" {
		for _, p := range c.r.service.Resources {
			if p.Type == c.r.Parent {
				out = append(out, checker{c.t, p}.from(c.r.From))
			}
		}
	}
	return out
}

// from follows From into the parent's shapes.
func (c checker) from(path string) shape {
	head, rest, _ := strings.Cut(path, ".")
	for _, call := range c.r.calls {
		if call.key == head {
			op, _ := c.operation(call)
			return shape{top: op.Outputs(), ok: true}.follow(rest)
		}
	}
	for _, s := range c.roots() {
		if got := s.follow(path); got.ok {
			return got
		}
	}
	c.errorf("from %s leads to nothing", path)
	return shape{}
}

// call checks the parameters of a call.
func (c checker) call(call *Call, more ...map[string]any) {
	op, ok := c.operation(call)
	if !ok {
		return
	}
	if j := call.Job; j != nil {
		op, ok = c.job(call, op)
		if !ok {
			return
		}
	}
	inputs := map[string]api.Member{}
	for _, m := range op.Inputs() {
		inputs[m.Name] = m
	}
	given := map[string]bool{}
	for _, set := range append([]map[string]any{call.With, call.Params}, more...) {
		for name := range set {
			given[name] = true
			if _, ok := inputs[name]; !ok {
				c.errorf("%s has no parameter %s", call.Op, name)
			}
		}
	}
	for name, m := range inputs {
		if m.Required && !given[name] {
			c.errorf("%s needs the parameter %s", call.Op, name)
		}
	}
	for _, p := range pathsIn(call.With) {
		if !c.resolve(p) {
			c.errorf("%s: %s is in no reply", call.Op, p)
		}
	}
}

// job checks the operation that makes what a call reads, and returns it: the
// call's parameters are its.
func (c checker) job(call *Call, op api.Op) (api.Op, bool) {
	j := call.Job
	made, ok := api.Operation(call.ServiceName(), j.Op)
	if !ok {
		c.errorf("%s is not in the model", j.Op)
		return made, false
	}
	if _, ok := made.Output(j.Token); !ok || !slices.ContainsFunc(op.Inputs(), func(m api.Member) bool { return m.Name == j.Token }) {
		c.errorf("%s is not what %s gives and %s takes", j.Token, j.Op, call.Op)
	}
	if !(shape{top: op.Outputs(), ok: true}).follow(j.State).ok || j.Done == "" || j.Failed == "" {
		c.errorf("%s does not say how far %s is", call.Op, j.Op)
	}
	if want := api.Grant(call.ServiceName(), j.Op); !slices.Contains(call.Grants(), want) {
		c.errorf("%s needs the grant %s", j.Op, want)
	}
	return made, true
}

// TestCatalogueFitsTheModels holds every file to the API's published shapes.
func TestCatalogueFitsTheModels(t *testing.T) {
	cat, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range cat.Resources() {
		c := checker{t, r}
		if r.List != nil {
			sets := slices.Clone(r.List.Variants)
			for param, path := range r.List.Each {
				sets = append(sets, map[string]any{param: path})
				if !c.resolve("parent." + path) {
					c.errorf("each: %s is in no reply", path)
				}
			}
			if h := r.History; h != nil {
				sets = append(append(append(sets, h.Live...), h.Done...), h.Sort)
			}
			c.call(r.List, sets...)
		}
		c.roots()
		for _, call := range r.calls {
			c.call(call)
		}
		for _, call := range r.Also {
			c.also(call)
		}
		for name, expr := range map[string]string{"id": r.ID, "name": r.Name, "created": r.Created, "tags": r.Tags, "account": r.Account, "region": r.Region} {
			for _, p := range pathsIn(expr) {
				if p != "" && !c.resolve(p) {
					c.errorf("%s: %s is in no reply", name, p)
				}
			}
		}
		for path := range r.Where {
			if !c.resolve(path) {
				c.errorf("where: %s is in no reply", path)
			}
		}
	}
}

// also checks a call that only exports hold.
func (c checker) also(call *Call) {
	op, ok := c.operation(call)
	if !ok {
		return
	}
	path := call.Items + call.Unwrap + call.Take
	if got := (shape{top: op.Outputs(), ok: true}).follow(path); path != "" && !got.ok {
		c.errorf("also %s has no %s", call.Op, path)
	}
	inputs := map[string]bool{}
	for _, m := range op.Inputs() {
		inputs[m.Name] = true
	}
	for name := range call.With {
		if !inputs[name] {
			c.errorf("also %s has no parameter %s", call.Op, name)
		}
	}
}

// TestGrantsAgree compares the catalogue's grants with the client's own table:
// two people read the Service Authorization Reference.
func TestGrantsAgree(t *testing.T) {
	cat, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range cat.Resources() {
		calls := slices.Clone(r.calls)
		if r.List != nil {
			calls = append(calls, r.List)
		}
		for _, c := range calls {
			want := api.Grant(c.ServiceName(), c.Op)
			if !slices.Contains(c.Grants(), want) {
				t.Errorf("%s: the catalogue grants %v, the client says %s", c.Operation(), c.Grants(), want)
			}
		}
	}
}

// TestNoCallReadsASecret refuses operations that return stored content.
func TestNoCallReadsASecret(t *testing.T) {
	cat, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	bad := []string{"GetSecretValue", "GetParameter", "GetObject", "GetPasswordData", "GetAuthorizationToken", "GetItem", "Decrypt", "GetRandomPassword"}
	for _, r := range cat.Resources() {
		for _, c := range r.calls {
			if slices.Contains(bad, c.Op) {
				t.Errorf("%s reads content", c.Operation())
			}
			if strings.HasPrefix(c.Op, "Put") || strings.HasPrefix(c.Op, "Create") || strings.HasPrefix(c.Op, "Delete") || strings.HasPrefix(c.Op, "Update") {
				t.Errorf("%s writes", c.Operation())
			}
		}
	}
}

// TestTypesGolden keeps the list of types, their ids and their operations that
// documentation prints.
func TestTypesGolden(t *testing.T) {
	cat, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for _, r := range cat.Resources() {
		var ops []string
		for _, read := range r.Declared() {
			_, op, _ := strings.Cut(read.Operation, ":")
			if read.Key == "" {
				op += " (root)"
			}
			ops = append(ops, op)
		}
		lines[r.Type+r.service.Service] = fmt.Sprintf("%s\t%s\t%s\t%s\n", r.Type, r.service.Service, r.ID, strings.Join(ops, ", "))
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(lines)) {
		b.WriteString(lines[k])
	}
	golden(t, "types.tsv", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; go test -update writes it anew (-want +got):\n%s", name, diff)
	}
}
