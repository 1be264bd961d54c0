package kubernetes

import (
	"path"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// definition is a custom kind as its CustomResourceDefinition names it.
type definition struct {
	plural, group, kind string
	versions            []string // that are served
}

// customIn is a list that a file of no built-in kind's name holds. Its name is
// PLURAL or PLURAL.GROUP, as kubectl takes it.
type customIn struct {
	name, cluster, path string
	types               []string // of the list itself, or of its items
}

// custom notes a list of which only a definition in the same cluster can tell
// what it lists, or the list itself. One that lacks a page lists nothing to its
// end.
func (m *Manifest) custom(v map[string]any, doc estate.Document) {
	meta, _ := v["metadata"].(map[string]any)
	if text(meta["continue"]) != "" || meta["remainingItemCount"] != nil {
		m.Cut(doc)
		return
	}
	c := customIn{name: bareName(doc.Path), cluster: clusterOf(doc), path: doc.Path}
	if kind := strings.TrimSuffix(text(v["kind"]), "List"); kind != "" {
		c.types = []string{text(v["apiVersion"]) + "/" + kind}
	}
	items, _ := v["items"].([]any)
	for _, e := range items {
		o, _ := e.(map[string]any)
		if typ := text(o["apiVersion"]) + "/" + text(o["kind"]); text(o["kind"]) != "" && !slices.Contains(c.types, typ) {
			c.types = append(c.types, typ)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.customs { // a part of the same file
		if o := &m.customs[i]; o.path == c.path && o.cluster == c.cluster {
			for _, t := range c.types {
				if !slices.Contains(o.types, t) {
					o.types = append(o.types, t)
				}
			}
			return
		}
	}
	m.customs = append(m.customs, c)
}

// bareName is the name of a file without folder and endings.
func bareName(file string) string {
	name := strings.ToLower(path.Base(file))
	for _, end := range []string{".gz", ".json", ".yaml", ".yml"} {
		name = strings.TrimSuffix(name, end)
	}
	return name
}

// coverCustom says what a list covers: the kind that the definition of its name
// tells, in each version served, or that its items or its own kind do. An empty one
// of which nothing tells that proves no absence.
func (m *Manifest) coverCustom(c *customIn, sink estate.Sink) {
	if m.torn[c.path] {
		return
	}
	if len(c.types) > 1 {
		return // a collection, and no kind's list
	}
	for _, d := range m.defined[c.cluster] {
		if d.plural == "" || c.name != d.plural && c.name != d.plural+"."+d.group {
			continue
		}
		for _, v := range d.versions {
			if typ := d.group + "/" + v + "/" + d.kind; len(c.types) == 1 && c.types[0] != typ && !strings.HasSuffix(c.types[0], "/"+d.kind) {
				return // what it holds is of another kind
			}
			sink.Covered(estate.Coverage{Type: d.group + "/" + v + "/" + d.kind, Account: c.cluster})
		}
		return
	}
	if len(c.types) == 1 {
		typ := c.types[0]
		kind := typ[strings.LastIndexByte(typ, '/')+1:]
		if name, _, _ := strings.Cut(c.name, "."); strings.Contains(typ, ".") && slices.Contains(pluralsOf(strings.ToLower(kind)), name) {
			sink.Covered(estate.Coverage{Type: typ, Account: c.cluster})
		}
		return
	}
}

// pluralsOf are the plurals that a kind's resource is usually given.
func pluralsOf(kind string) []string {
	out := []string{kind, kind + "s", kind + "es"}
	if stem, ok := strings.CutSuffix(kind, "y"); ok {
		out = append(out, stem+"ies")
	}
	return out
}
