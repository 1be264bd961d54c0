package cloudformation

import (
	_ "embed" // for properties.txt
	"strings"
	"sync"
)

// propertiesText names what the resource types can say; its head tells from
// where, and how it reads.
//
//go:embed properties.txt
var propertiesText string

// property is a property of a type, or of an object in one.
type property struct {
	name string
	// kind is as the head of properties.txt says.
	kind     string
	readOnly bool
	kids     []*property
	by       map[string]*property
}

// named finds a property below; nil if there is none, or p is nil.
func (p *property) named(name string) *property {
	if p == nil {
		return nil
	}
	return p.by[name]
}

// schema is what a type can say, and which properties identify it.
type schema struct {
	property
	id []string
}

// schemas are read once, by type; the text is the program's own.
var schemas = sync.OnceValue(func() map[string]*schema {
	out := map[string]*schema{}
	var at *schema
	var open []*property // by depth
	for line := range strings.SplitSeq(propertiesText, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if typ, ok := strings.CutPrefix(line, "= "); ok {
			at = &schema{}
			at.by = map[string]*property{}
			out[typ] = at
			open = []*property{&at.property}
			continue
		}
		if id, ok := strings.CutPrefix(line, "@ id "); ok {
			at.id = strings.Fields(id)
			continue
		}
		words := strings.Fields(line)
		depth := len(line) - len(strings.TrimLeft(line, "\t"))
		if len(words) < 2 || depth >= len(open) {
			continue
		}
		p := &property{name: words[0], kind: words[1], readOnly: len(words) > 2, by: map[string]*property{}}
		open = append(open[:depth+1], p)
		open[depth].kids = append(open[depth].kids, p)
		open[depth].by[p.name] = p
	}
	return out
})
