package catalog

import (
	"regexp"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// stub is what is kept of an asset while a folder is read: enough to find it
// by the names replies use and to place what is listed below it.
type stub struct {
	resource *Resource
	id       string
	scope    Scope
	fields   map[string]any
}

// registry finds assets by type and any of their names.
type registry struct {
	byName map[string][]*stub // type, NUL, name
	byID   map[string]*stub
	paths  map[*Resource][]string
}

func newRegistry() *registry {
	return &registry{byName: map[string][]*stub{}, byID: map[string]*stub{}, paths: map[*Resource][]string{}}
}

// add keeps an asset. A second description of it adds to the first.
func (g *registry) add(r *Resource, a estate.Asset, d *Draft) *stub {
	s := g.byID[a.ID]
	if s == nil {
		s = &stub{resource: r, id: a.ID, scope: d.place(), fields: map[string]any{}}
		g.byID[a.ID] = s
		g.name(s, a.ID)
		g.name(s, a.ID[strings.LastIndexAny(a.ID, "/:")+1:])
	}
	if a.Name != "" {
		g.name(s, a.Name)
	}
	for _, path := range g.pathsOf(r) {
		v := Lookup(d.Config, path)
		if v == nil {
			continue
		}
		put(s.fields, path, v)
		if t := text(v); t != "" {
			g.name(s, t)
		}
	}
	return s
}

// name files an asset under one of its names.
func (g *registry) name(s *stub, name string) {
	for _, n := range []string{name, folded(name)} {
		key := s.resource.Type + "\x00" + n
		for _, have := range g.byName[key] {
			if have == s {
				return
			}
		}
		g.byName[key] = append(g.byName[key], s)
	}
}

// folded is a name as it survives in file names: what file systems dislike
// becomes "_".
func folded(name string) string { return unsafe.ReplaceAllString(name, "_") }

var unsafe = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// pathsOf lists what must be kept of a type: what its calls, its id and what
// is listed below it refer to.
func (g *registry) pathsOf(r *Resource) []string {
	if have, ok := g.paths[r]; ok {
		return have
	}
	seen := map[string]bool{}
	var out []string
	add := func(path string) {
		if path != "" && !seen[path] && !strings.Contains(path, "[") {
			seen[path] = true
			out = append(out, path)
		}
	}
	for _, c := range r.calls {
		for _, v := range c.With {
			for _, p := range pathsIn(v) {
				if !strings.HasPrefix(p, "parent.") {
					add(p)
				}
			}
		}
		for p := range c.When {
			add(p)
		}
	}
	for _, p := range pathsIn(r.ID) {
		if !strings.HasPrefix(p, "parent.") {
			add(p)
		}
	}
	for _, child := range r.Children() {
		for _, p := range parentPaths(child) {
			add(p)
		}
	}
	g.paths[r] = out
	return out
}

// parentPaths lists what a resource needs of its parent.
func parentPaths(r *Resource) []string {
	var out []string
	exprs := []any{r.ID}
	if r.List != nil {
		exprs = append(exprs, r.List.With)
	}
	for _, c := range r.calls {
		exprs = append(exprs, c.With)
	}
	seen := map[string]bool{}
	for _, e := range exprs {
		for _, p := range pathsIn(e) {
			if rest, ok := strings.CutPrefix(p, "parent."); ok && !seen[rest] {
				seen[rest] = true
				out = append(out, rest)
			}
		}
	}
	return out
}

var braces = regexp.MustCompile(`\{([^}]*)\}`)

// pathsIn lists the paths an expression refers to.
func pathsIn(expr any) []string {
	switch e := expr.(type) {
	case string:
		if strings.HasPrefix(e, "=") {
			return nil
		}
		if !strings.Contains(e, "{") {
			return []string{e}
		}
		var out []string
		for _, m := range braces.FindAllStringSubmatch(e, -1) {
			switch m[1] {
			case "partition", "account", "region":
			default:
				out = append(out, strings.Split(strings.TrimSuffix(m[1], "|last"), ",")...)
			}
		}
		return out
	case []any:
		var out []string
		for _, x := range e {
			out = append(out, pathsIn(x)...)
		}
		return out
	case map[string]any:
		var out []string
		for _, x := range e {
			out = append(out, pathsIn(x)...)
		}
		return out
	}
	return nil
}

// put stores a value at a dotted path.
func put(m map[string]any, path string, v any) {
	for {
		head, rest, more := strings.Cut(path, ".")
		if !more {
			m[head] = v
			return
		}
		next, ok := m[head].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[head] = next
		}
		m, path = next, rest
	}
}

// find returns the one asset of a type that subjects name, in the scope if
// several places have one of that name.
func (g *registry) find(r *Resource, subjects []string, scope Scope) *stub {
	var best []*stub
	for _, key := range subjectKeys(subjects) {
		found := g.byName[r.Type+"\x00"+key]
		if len(found) == 0 {
			continue
		}
		if best = inScope(found, scope); len(best) == 1 {
			return best[0]
		}
		best = g.containing(best, subjects)
		if len(best) == 1 {
			return best[0]
		}
	}
	return nil
}

// subjectKeys are the names subjects may stand for: the last alone, all
// joined, each also as file names fold it.
func subjectKeys(subjects []string) []string {
	if len(subjects) == 0 {
		return nil
	}
	last := subjects[len(subjects)-1]
	joined := strings.Join(subjects, "/")
	keys := []string{joined, last, folded(joined), folded(last)}
	if _, isARN := parseARN(last); isARN {
		return keys
	}
	if _, tail, ok := cutLastAny(last, "/:"); ok {
		keys = append(keys, tail)
	}
	if len(subjects) > 1 {
		keys = append(keys, subjects[0])
	}
	return keys
}

func cutLastAny(s, chars string) (before, after string, ok bool) {
	i := strings.LastIndexAny(s, chars)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// count counts the assets of a type in a place.
func (g *registry) count(typ, account, region string) int {
	n := 0
	for _, s := range g.byID {
		if s.resource.Type == typ && s.scope.Account == account && (s.scope.Region == region || region == "") {
			n++
		}
	}
	return n
}

// inScope prefers the assets of a place, as far as the scope says one.
func inScope(found []*stub, scope Scope) []*stub {
	if len(found) < 2 {
		return found
	}
	var out []*stub
	for _, s := range found {
		account := scope.Account == "" || s.scope.Account == "" || s.scope.Account == scope.Account
		region := scope.Region == "" || s.scope.Region == "" || s.scope.Region == scope.Region
		if account && region {
			out = append(out, s)
		}
	}
	return out
}

// containing keeps the assets whose id holds every subject.
func (g *registry) containing(found []*stub, subjects []string) []*stub {
	var out []*stub
	for _, s := range found {
		all := true
		for _, sub := range subjects {
			all = all && strings.Contains(s.id, sub)
		}
		if all {
			out = append(out, s)
		}
	}
	return out
}
