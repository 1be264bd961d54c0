package control

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// Kubernetes is one change of an object of Kubernetes that mends a fault. What
// it names is looked for in the object, in the specification of each pod it
// describes, or in each of their containers.
type Kubernetes struct {
	// In is "", "pod" or "container".
	In string
	// Path is a JSON pointer from there, "*" standing for every member or element.
	// Objects that are not there are made, unless it has Is or Remove.
	Path string
	// Env is a variable of what stands at Path, Flag one of the words of a
	// container's command; Takes is set where the flag has a value.
	Env, Flag string
	Takes     bool
	// Of bounds Env to containers whose image or program is named so, and adds
	// the variable where it is missing.
	Of string
	// Is are the values it may have to be changed, text without regard to case;
	// any if empty.
	Is []any
	// Set is the value it gets; nil: it is removed.
	Set any
}

type kubernetesDefinition struct {
	In     strict.Text   `key:"in"`
	Path   strict.Text   `key:"path"`
	Env    strict.Text   `key:"env"`
	Flag   strict.Text   `key:"flag"`
	Takes  bool          `key:"takes"`
	Of     string        `key:"of"`
	Is     []strict.Text `key:"is"`
	Set    strict.Text   `key:"set"`
	Remove bool          `key:"remove"`
}

// kubernetes checks how a fault of an object of Kubernetes is mended.
func (b *builder) kubernetes(list []kubernetesDefinition) []Kubernetes {
	var out []Kubernetes
	for _, d := range list {
		k := Kubernetes{In: d.In.Value, Path: d.Path.Value, Env: d.Env.Value, Flag: d.Flag.Value, Takes: d.Takes, Of: d.Of}
		at := d.Path
		for _, t := range []strict.Text{d.Env, d.Flag} {
			if t.Value != "" {
				at = t
			}
		}
		switch {
		case !slices.Contains([]string{"", "pod", "container"}, k.In):
			b.bad(d.In, "in %q is neither pod nor container", k.In)
		case k.Path != "" && !strings.HasPrefix(k.Path, "/"):
			b.bad(d.Path, "path %q is no JSON pointer; begin it with /", k.Path)
		case k.Path == "" && k.Env == "" && k.Flag == "":
			b.bad(at, "a fix names a path, an env or a flag")
		case (k.Env != "" || k.Flag != "") && k.In != "container" && k.Path == "" || k.Env != "" && k.Flag != "" || k.Flag != "" && (k.In != "container" || k.Path != ""):
			b.bad(at, "env and flag are of a container; say in: container")
		case (d.Set.Value == "") != d.Remove:
			b.bad(at, "a fix says either set: VALUE or remove: true")
		}
		for _, is := range d.Is {
			k.Is = append(k.Is, scalar(is.Value))
		}
		if d.Set.Value != "" {
			k.Set = scalar(d.Set.Value)
			if k.Env != "" || k.Flag != "" {
				k.Set = d.Set.Value
			}
		}
		out = append(out, k)
	}
	return out
}

// scalar is a value as YAML means it.
func scalar(s string) any {
	switch s {
	case "true", "false":
		return s == "true"
	}
	if n, err := strconv.Atoi(s); err == nil {
		return float64(n)
	}
	return s
}

// operation is one of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// KubernetesPatch returns the JSON patch (RFC 6902) that mends the fault in an
// object of Kubernetes; empty if there is none, or if the control would not pass
// what it makes. The list elements it goes through are tested by their names, so
// that it does not apply to an object that has changed since.
func (c *Control) KubernetesPatch(a *estate.Asset, config json.RawMessage, now time.Time) string {
	if len(c.Kubernetes) == 0 || a.Cloud != estate.Kubernetes {
		return ""
	}
	var doc any
	if json.Unmarshal(config, &doc) != nil {
		return ""
	}
	p := &kubePatch{doc: doc, tested: map[string]bool{}}
	for i := range c.Kubernetes {
		p.change(a.Type, &c.Kubernetes[i])
	}
	if len(p.ops) == 0 {
		return ""
	}
	after, err := json.Marshal(p.doc)
	if err != nil || !c.passes(a, after, now) {
		return ""
	}
	text, err := json.Marshal(p.ops)
	if err != nil {
		return ""
	}
	return string(text)
}

// passes reports whether the control has nothing against a configuration.
func (c *Control) passes(a *estate.Asset, config json.RawMessage, now time.Time) bool {
	changed := *a
	changed.Config = config
	s := expr.NewSubject(&changed, func() (json.RawMessage, error) { return config, nil }, nil, now)
	defer s.Release()
	r := c.judge(s, nil, nil)
	return r.Outcome == finding.Pass || r.Outcome == finding.NA
}

// kubePatch is a JSON patch on its way, and the document as it leaves it.
type kubePatch struct {
	doc    any
	ops    []operation
	tested map[string]bool
}

// change makes one change wherever it is to be made.
func (p *kubePatch) change(typ string, k *Kubernetes) {
	bases := [][]string{{}}
	if k.In != "" {
		bases = nil
		for _, at := range expr.PodPaths(typ) {
			bases = append(bases, p.find(nil, strings.Split(at, "."))...)
		}
	}
	if k.In == "container" {
		pods := bases
		bases = nil
		for _, pod := range pods {
			for _, list := range []string{"containers", "initContainers"} {
				bases = append(bases, p.find(pod, []string{list, "*"})...)
			}
			if model := append(slices.Clone(pod), "model"); p.at(model) != nil {
				bases = append(bases, model)
			}
		}
	}
	for _, base := range bases {
		switch {
		case k.Flag != "":
			p.flag(base, k)
		case k.Env != "":
			for _, at := range p.find(base, pointer(k.Path)) {
				p.env(at, k)
			}
		default:
			p.value(base, k)
		}
	}
}

func pointer(path string) []string {
	if path == "" {
		return nil
	}
	parts := strings.Split(path[1:], "/")
	for i, s := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(s)
	}
	return parts
}

func pointerTo(path []string) string {
	var out strings.Builder
	for _, s := range path {
		out.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(s))
	}
	return out.String()
}

// at is what stands at a path, nil if nothing does.
func (p *kubePatch) at(path []string) any {
	v := p.doc
	for _, s := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[s]
		case []any:
			i, err := strconv.Atoi(s)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// find lists what stands at a path with wildcards, the last first, so that
// elements may be removed one after another.
func (p *kubePatch) find(base, path []string) [][]string {
	if len(path) == 0 {
		if p.at(base) == nil {
			return nil
		}
		return [][]string{base}
	}
	names := []string{path[0]}
	if path[0] == "*" {
		names = nil
		switch x := p.at(base).(type) {
		case map[string]any:
			names = slices.Sorted(maps.Keys(x))
		case []any:
			for i := range x {
				names = append(names, strconv.Itoa(i))
			}
		}
		slices.Reverse(names)
	}
	var out [][]string
	for _, n := range names {
		out = append(out, p.find(append(slices.Clone(base), n), path[1:])...)
	}
	return out
}

// value sets or removes what stands at the path.
func (p *kubePatch) value(base []string, k *Kubernetes) {
	path := pointer(k.Path)
	if k.Set == nil || len(k.Is) > 0 {
		for _, at := range p.find(base, path) {
			if k.may(p.at(at)) {
				p.put(at, k.Set)
			}
		}
		return
	}
	// What is not there is made, below the last "*".
	fixed := len(path)
	for fixed > 0 && path[fixed-1] != "*" {
		fixed--
	}
	for _, at := range p.find(base, path[:fixed]) {
		if to := append(slices.Clone(at), path[fixed:]...); p.at(to) != k.Set {
			p.put(to, k.Set)
		}
	}
}

// may reports whether a value is one to be changed.
func (k *Kubernetes) may(v any) bool {
	if len(k.Is) == 0 {
		return true
	}
	return slices.ContainsFunc(k.Is, func(is any) bool {
		a, b := fmt.Sprint(is), fmt.Sprint(v)
		return is == v || strings.EqualFold(a, b)
	})
}

// env sets or removes a variable of a container.
func (p *kubePatch) env(at []string, k *Kubernetes) {
	if k.Of != "" && !p.runs(at, k.Of) {
		return
	}
	list := append(slices.Clone(at), "env")
	found := false
	for _, e := range p.find(list, []string{"*"}) {
		v, _ := p.at(e).(map[string]any)
		if v["name"] != k.Env {
			continue
		}
		found = true
		value, plain := v["value"].(string)
		switch {
		case !plain && v["valueFrom"] != nil || !k.may(value):
		case k.Set == nil:
			p.put(e, nil)
		default:
			p.put(append(slices.Clone(e), "value"), k.Set)
		}
	}
	if found || k.Of == "" || k.Set == nil {
		return
	}
	if p.at(list) == nil {
		p.put(list, []any{})
	}
	p.put(append(list, "-"), map[string]any{"name": k.Env, "value": k.Set})
}

// runs reports whether a container is of an image or a program.
func (p *kubePatch) runs(at []string, name string) bool {
	c, _ := p.at(at).(map[string]any)
	image, _ := c["image"].(string)
	image, _, _ = strings.Cut(image, "@")
	if name == "*" || strings.Contains(image[strings.LastIndexByte(image, '/')+1:], name) {
		return true
	}
	for _, key := range []string{"command", "args"} {
		words, _ := c[key].([]any)
		for _, w := range words {
			if s, ok := w.(string); ok && s[strings.LastIndexByte(s, '/')+1:] == name {
				return true
			}
		}
	}
	return false
}

// flag sets or removes a word of the command, as "--flag", "--flag=value" or
// "--flag", "value".
func (p *kubePatch) flag(base []string, k *Kubernetes) {
	for _, key := range []string{"command", "args"} {
		list := append(slices.Clone(base), key)
		for _, at := range p.find(list, []string{"*"}) {
			word, _ := p.at(at).(string)
			name, value, joined := strings.Cut(word, "=")
			if !sameFlag(name, k.Flag) {
				continue
			}
			i, _ := strconv.Atoi(at[len(at)-1])
			next := append(slices.Clone(list), strconv.Itoa(i+1))
			following, apart := p.at(next).(string)
			if apart = apart && k.Takes && !joined && !strings.HasPrefix(following, "-"); apart {
				value = following
			}
			if !k.may(strings.Trim(value, `'"`)) {
				continue
			}
			switch {
			case k.Set != nil && joined:
				p.put(at, name+"="+fmt.Sprint(k.Set))
			case k.Set != nil && apart:
				p.put(next, k.Set)
			case k.Set == nil:
				if apart {
					p.put(next, nil)
				}
				p.put(at, nil)
			}
		}
	}
}

func sameFlag(a, b string) bool {
	return strings.ReplaceAll(a, "_", "-") == strings.ReplaceAll(b, "_", "-")
}

// put sets what stands at a path, "-" being behind the last element, or removes
// it if the value is nil.
func (p *kubePatch) put(path []string, value any) {
	for i := range path {
		if _, list := p.at(path[:i]).([]any); list {
			name := append(slices.Clone(path[:i+1]), "name")
			if s, ok := p.at(name).(string); ok && !p.tested[pointerTo(name)] && i+1 < len(path) {
				p.tested[pointerTo(name)] = true
				p.ops = append(p.ops, operation{"test", pointerTo(name), s})
			}
		}
	}
	for i := 1; i < len(path); i++ { // objects that are not there
		if p.at(path[:i]) == nil {
			p.assign(path[:i], map[string]any{})
			p.ops = append(p.ops, operation{"add", pointerTo(path[:i]), map[string]any{}})
		}
	}
	op := operation{"add", pointerTo(path), value}
	switch was := p.at(path); {
	case value == nil:
		if _, isObject := was.(map[string]any); !isObject {
			p.ops = append(p.ops, operation{"test", pointerTo(path), was})
		} else if name := append(slices.Clone(path), "name"); p.at(name) != nil {
			p.ops = append(p.ops, operation{"test", pointerTo(name), p.at(name)})
		}
		op = operation{Op: "remove", Path: op.Path}
	case was != nil:
		op.Op = "replace"
	}
	p.ops = append(p.ops, op)
	p.assign(path, value)
}

// assign changes the document.
func (p *kubePatch) assign(path []string, value any) {
	parent, last := path[:len(path)-1], path[len(path)-1]
	switch x := p.at(parent).(type) {
	case map[string]any:
		if value == nil {
			delete(x, last)
		} else {
			x[last] = value
		}
	case []any:
		i, err := strconv.Atoi(last)
		switch {
		case last == "-":
			p.assign(parent, append(x, value))
		case err != nil || i < 0 || i >= len(x):
		case value == nil:
			p.assign(parent, slices.Delete(slices.Clone(x), i, i+1))
		default:
			x[i] = value
		}
	}
}
