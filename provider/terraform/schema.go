package terraform

import (
	"github.com/sevenfold-sec/sevenfold/estate/unborn"

	_ "embed"
	"strings"
	"sync"
)

// for attributes.txt

// attributesText names what the resources of the AWS and Kubernetes providers
// can say; its head tells from which versions, and how it reads.
//
//go:embed attributes.txt
var attributesText string

// attribute is an attribute or block of a resource type as the provider's own
// schema has it.
type attribute struct {
	name string
	// kind and how are as the head of attributes.txt says.
	kind, how string
	kids      []*attribute
	by        map[string]*attribute
}

// named finds an attribute below; nil if there is none, or a is nil.
func (a *attribute) named(name string) *attribute {
	if a == nil {
		return nil
	}
	return a.by[name]
}

// schemas are read once, by resource type.
var schemas = sync.OnceValue(func() map[string]*attribute { return readSchemas(attributesText) })

// readSchemas reads the text of attributes.txt, which is the program's own. A
// "@" that leads nowhere leaves a block empty; the test finds it.
func readSchemas(text string) map[string]*attribute {
	out, at := map[string]*attribute{}, map[string]*attribute{}
	var open []*attribute // by depth
	var path []string
	same := map[*attribute]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if types, ok := strings.CutPrefix(line, "= "); ok {
			root := &attribute{}
			list := strings.Fields(types)
			for _, tf := range list {
				out[tf] = root
			}
			open, path = []*attribute{root}, list[:1]
			continue
		}
		words := strings.Fields(line)
		depth := len(line) - len(strings.TrimLeft(line, "\t"))
		if len(words) < 2 || depth >= len(open) {
			continue
		}
		a := &attribute{name: words[0], kind: strings.TrimRight(words[1], "!~-")}
		a.how = words[1][len(a.kind):]
		open, path = append(open[:depth+1], a), append(path[:depth+1], a.name)
		parent := open[depth]
		parent.kids = append(parent.kids, a)
		at[strings.Join(path, ".")] = a
		if len(words) > 2 {
			same[a] = strings.TrimPrefix(words[2], "@")
		}
	}
	for a, path := range same {
		if there := at[path]; there != nil {
			for same[there] != "" { // what stands there may stand elsewhere itself
				there = at[same[there]]
			}
			a.kids = there.kids
		}
	}
	index := func(a *attribute) {
		a.by = make(map[string]*attribute, len(a.kids))
		for _, k := range a.kids {
			a.by[k.name] = k
		}
	}
	for _, a := range at {
		index(a)
	}
	for _, a := range out {
		index(a)
	}
	return out
}

// sayable tells which members of a reply a resource type has attributes for: nil
// where one stands for all of a member, else member by member.
type sayable map[string]sayable

// saying follows the attributes of a block to the members they are, as the
// conversion does. rel is the block's path from the resource. What a rule leaves
// out, for code of its own, is not among them.
func saying(attributes []*attribute, as map[string]string, rel string, sh *unborn.Shape) sayable {
	out := sayable{}
	out.say(attributes, as, rel, sh)
	return out
}

func (s sayable) say(attributes []*attribute, as map[string]string, rel string, sh *unborn.Shape) {
	for _, a := range attributes {
		here := strings.TrimPrefix(rel+"."+a.name, ".")
		target, renamed := as[here]
		switch {
		case renamed && target == "":
			continue
		case target == ".":
			s.say(a.kids, as, here, sh)
			continue
		case !renamed:
			k := member(sh, a.name)
			if k == nil {
				continue
			}
			target = k.Name
		}
		s.put(a, as, here, sh, target)
	}
}

func (s sayable) put(a *attribute, as map[string]string, here string, sh *unborn.Shape, target string) {
	head, rest, deeper := strings.Cut(target, ".")
	name := strings.TrimSuffix(head, "[]")
	k := sh.Named(name)
	inner, seen := s[name]
	switch {
	case k == nil || seen && inner == nil:
	case deeper:
		if inner == nil {
			inner = sayable{}
		}
		s[name] = inner
		inner.put(a, as, here, k, rest)
	case len(a.kids) == 0 || len(k.Kids) == 0:
		s[name] = nil
	default:
		if inner == nil {
			inner = sayable{}
		}
		s[name] = inner
		inner.say(a.kids, as, here, k)
	}
}

// unsaid stands for a member that the resource has no attribute for: no plan
// says what it is.
type unsaid struct{}

// unsay puts unsaid wherever an object below the root lacks a member that s
// cannot say; whole says so of the root too, whose members are otherwise left to
// complete.
func (s sayable) unsay(v any, sh *unborn.Shape, whole bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			s.unsay(e, sh, whole)
		}
	case map[string]any:
		if strings.Contains(sh.Code, "(") { // names of the customer's own
			for _, e := range v {
				s.members(e, sh)
			}
			return
		}
		if whole {
			s.members(v, sh)
			return
		}
		for _, k := range sh.Kids {
			if inner, set := v[k.Name]; set && s[k.Name] != nil {
				s[k.Name].unsay(inner, k, true)
			}
		}
	}
}

// members is unsay for one object, or a list of them.
func (s sayable) members(v any, sh *unborn.Shape) {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			s.members(e, sh)
		}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for _, k := range sh.Kids {
		inner, said := s[k.Name]
		v, set := m[k.Name]
		switch {
		case !said && !set:
			m[k.Name] = unsaid{}
		case inner != nil && set:
			inner.unsay(v, k, true)
		}
	}
}

// sayings keeps what saying found, by resource type and shape.
var sayings sync.Map

type sayingKey struct {
	tf string
	sh *unborn.Shape
}

// sayableOf is what the attributes of a resource type say of a shape.
func sayableOf(tf string, as map[string]string, sh *unborn.Shape) sayable {
	key := sayingKey{tf, sh}
	if s, ok := sayings.Load(key); ok {
		return s.(sayable)
	}
	root := schemas()[tf]
	if root == nil {
		root = &attribute{}
	}
	s := saying(root.kids, as, "", sh)
	sayings.Store(key, s)
	return s
}
