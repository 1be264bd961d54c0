package cloudformation

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

const (
	nestedType = "AWS::CloudFormation::Stack"
	// maxNested bounds stacks in stacks; CloudFormation itself has no number, but
	// each is a stack of the account's 2,000.
	maxNested = 16
	// maxResources bounds what loops make of a template; CloudFormation takes 500.
	maxResources = 5000
)

// stack is one template with the values it is made with.
type stack struct {
	r                     *reader
	name, account, region string
	address               string // STACK, STACK/Nested
	file                  string
	root                  *node
	parent                *stack
	depth                 int
	// given is the value of a parameter, if one was given.
	given func(parameter string) (any, bool)
	// params, mappings, conditions and outputs are sections of the template.
	params, mappings, conditions, outputs *node
	// resources by logical id, in the template's order.
	resources map[string]*node
	order     []string
	memo      map[string]any // parameters, conditions and outputs evaluated
	children  map[string]*stack
	// conditional says why a nested stack is in doubt.
	doubt string
}

func newStack(r *reader, file, address string, root *node) *stack {
	return &stack{r: r, file: file, address: address, root: root, memo: map[string]any{}, children: map[string]*stack{}, resources: map[string]*node{}}
}

// prepare takes the template apart, writes its loops out, and turns the types of
// the Serverless Application Model into those they stand for.
func (s *stack) prepare() {
	s.params, s.mappings = s.root.get("Parameters"), s.root.get("Mappings")
	s.conditions = s.loops(s.root.get("Conditions"), 0)
	s.outputs = s.loops(s.root.get("Outputs"), 0)
	resources := s.loops(s.root.get("Resources"), 0)
	if s.macros() {
		resources = sam(resources, s.root.get("Globals"))
	}
	for i, id := range resources.keys {
		if len(s.order) >= maxResources {
			s.blind("Resources", estate.ReadSkipped, fmt.Sprintf("more than %d resources", maxResources), "read the nested stacks one by one")
			break
		}
		s.order = append(s.order, id)
		s.resources[id] = resources.kids[i]
	}
}

// macros notes the macros that rewrite the template unseen, and reports whether
// it is one of the Serverless Application Model.
func (s *stack) macros() (serverless bool) {
	t := s.root.get("Transform")
	if t == nil {
		return false
	}
	all := []*node{t}
	if t.kind == list {
		all = t.kids
	}
	for _, m := range all {
		name := m.str()
		if m.kind == object {
			name = first(m.get("Name").str(), m.get("Fn::Transform").get("Name").str(), "given by a function")
		}
		switch {
		case strings.HasPrefix(name, "AWS::Serverless-"):
			serverless = true
		case name == "AWS::LanguageExtensions", name == "":
		default:
			s.blind("Transform", estate.ReadFailed, "macro "+name+" rewrites the template: what it makes of it is not seen",
				"read what it became: aws cloudformation get-template --stack-name NAME --template-stage Processed > template.json")
		}
	}
	return serverless
}

// blind notes a blind spot at a place of the template.
func (s *stack) blind(at string, status estate.ReadStatus, why, hint string) {
	place := s.address + "/" + at
	s.r.blind(estate.BlindSpot{Operation: place, Asset: Unborn + place, Status: status, Why: place + ": " + why, Hint: hint})
}

// resolve settles the properties of all resources, those of nested stacks too.
func (s *stack) resolve(depth int) []Resource {
	var out []Resource
	for _, id := range s.order {
		n := s.resources[id]
		if s.r.ctx.Err() != nil || s.r.spent {
			return out
		}
		typ := n.get("Type").str()
		if typ == "" {
			s.blind(id, estate.ReadMalformed, fmt.Sprintf("line %d: a resource without a Type", n.line), "give the Type (AWS::SERVICE::KIND)")
			continue
		}
		doubt := s.doubt
		switch made, why := s.exists(n); {
		case made == no:
			continue
		case made == unsettled:
			doubt = why
			s.blind(id, estate.ReadSkipped, "whether it is made at all is not known: "+why, "give the values the stack is made with: cloudformation:TEMPLATE,parameters=FILE")
		}
		if typ == nestedType {
			if c := s.child(id); c != nil {
				c.doubt = doubt
				out = append(out, c.resolve(depth+1)...)
			}
			continue
		}
		if typ == sarType {
			s.blind(id, estate.ReadFailed, "an application of the Serverless Application Repository: what it holds is not in the template", "read the template of the application, too")
			continue
		}
		s.attributes(id, n)
		properties, ok := s.eval(n.get("Properties"), 0).(map[string]any)
		if p := n.get("Properties"); !ok && p != nil && p.kind != null {
			s.blind(id, estate.ReadMalformed, fmt.Sprintf("line %d: Properties is no object", p.line), "write the properties under their names")
		}
		if properties == nil {
			properties = map[string]any{}
		}
		s.r.mark(properties, s.address+"/"+id)
		out = append(out, Resource{Address: s.address + "/" + id, Type: typ, Properties: properties, Account: s.account, Region: s.region,
			Doubt: doubt, File: s.file, Line: n.line})
	}
	return out
}

// attributes notes what stands beside the properties and rewrites them.
func (s *stack) attributes(id string, n *node) {
	if t := n.get("Fn::Transform"); t != nil {
		s.blind(id, estate.ReadFailed, "macro "+t.get("Name").str()+" rewrites it: what it makes of it is not seen",
			"read what it became: aws cloudformation get-template --stack-name NAME --template-stage Processed > template.json")
	}
}

// exists tells whether a resource's condition holds.
func (s *stack) exists(n *node) (truth, string) {
	c := n.get("Condition")
	if c == nil {
		return yes, ""
	}
	if c.kind != text {
		return unsettled, "its condition is no name"
	}
	return s.condition(c.text)
}

// child is the stack nested under a logical id; nil if its template is not at
// hand.
func (s *stack) child(id string) *stack {
	if c, ok := s.children[id]; ok {
		return c
	}
	s.children[id] = nil
	n := s.resources[id]
	path, why := s.nestedFile(n)
	if path == "" {
		s.blind(id, estate.ReadFailed, "the template of the nested stack "+why, "put it beside this one, where TemplateURL says, or read what cdk synth or sam package wrote")
		return nil
	}
	if s.depth >= maxNested || s.within(path) {
		s.blind(id, estate.ReadMalformed, "stacks that hold each other, or more than "+fmt.Sprint(maxNested)+" in one another", "break the circle")
		return nil
	}
	root, err := load(path)
	if err == nil {
		root, err = templateOf(path, root)
	}
	if err != nil {
		s.blind(id, estate.ReadMalformed, err.Error(), hintOf(err))
		return nil
	}
	s.r.eaten[clean(path)] = true
	c := newStack(s.r, path, s.address+"/"+id, root)
	c.name, c.account, c.region, c.parent, c.depth = id, s.account, s.region, s, s.depth+1
	values := n.get("Properties").get("Parameters")
	c.given = func(parameter string) (any, bool) {
		v := values.get(parameter)
		if v == nil {
			return nil, false
		}
		return s.eval(v, 0), true
	}
	c.prepare()
	s.children[id] = c
	return c
}

// within reports whether a file is this stack's, or of one it lies in.
func (s *stack) within(path string) bool {
	for ; s != nil; s = s.parent {
		if clean(s.file) == clean(path) {
			return true
		}
	}
	return false
}

// nestedFile finds the template of a nested stack: where cdk says it lies, or
// where a path that is no address says; else why there is none.
func (s *stack) nestedFile(n *node) (path, why string) {
	dir := filepath.Dir(s.file)
	if asset := n.get("Metadata").get("aws:asset:path").str(); asset != "" {
		if p, ok := beside(dir, asset); ok {
			return p, ""
		}
		return "", "is not beside it: " + asset
	}
	url := n.get("Properties").get("TemplateURL")
	if url == nil {
		url = n.get("Properties").get("Location")
	}
	name, ok := s.eval(url, 0).(string)
	switch {
	case !ok:
		return "", "is known only when the stack is made"
	case strings.Contains(name, "://"):
		return "", "is not at hand: " + name
	}
	if p, ok := up(dir, name); ok {
		return p, ""
	}
	return "", "is not beside it: " + name
}

// up is a path beside a folder, perhaps one folder up or more: templates name
// each other so. It never leaves by an absolute path.
func up(dir, name string) (string, bool) {
	rest, lead := filepath.ToSlash(name), dir
	rest = strings.TrimPrefix(rest, "./")
	for range 4 {
		cut, ok := strings.CutPrefix(rest, "../")
		if !ok {
			break
		}
		rest, lead = cut, filepath.Join(lead, "..")
	}
	return beside(lead, filepath.FromSlash(rest))
}

// output is the value of an output of the stack.
func (s *stack) output(name string) any {
	if v, ok := s.memo["O"+name]; ok {
		return v
	}
	s.memo["O"+name] = s.r.opened("output "+name+" hangs on itself", "break the circle between the nested stacks")
	o := s.outputs.get(name)
	var v any
	switch {
	case o == nil:
		v = s.r.opened("the nested stack has no output "+name, "mend the name")
	case o.get("Value") == nil:
		v = s.r.opened("output "+name+" has no Value", "give it one")
	default:
		v = s.eval(o.get("Value"), 0)
	}
	s.memo["O"+name] = v
	return v
}

// export is an output that other stacks import.
type export struct {
	of     *stack
	output string
	twice  bool
}

// gatherExports lists what the stacks of the source export.
func (r *reader) gatherExports() {
	for _, s := range r.stacks {
		if s.outputs == nil {
			continue
		}
		for i, id := range s.outputs.keys {
			name := s.outputs.kids[i].get("Export").get("Name")
			if name == nil {
				continue
			}
			if as, ok := s.eval(name, 0).(string); ok {
				if have := r.exports[as]; have != nil {
					have.twice = true // in two regions, perhaps: which is meant is not said
					continue
				}
				r.exports[as] = &export{of: s, output: id}
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
