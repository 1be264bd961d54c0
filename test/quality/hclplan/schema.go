package hclplan

import (
	"os"
	"strings"
)

// attribute is an attribute or block of a resource type, as the head of
// provider/terraform/attributes.txt explains.
type attribute struct {
	name, kind, how string
	kids            []*attribute
}

// readSchema reads attributes.txt: the attributes of each resource type. A block
// that stands at another place (@PATH) has what stands there.
func readSchema(path string) (map[string]*attribute, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out, at, elsewhere := map[string]*attribute{}, map[string]*attribute{}, map[*attribute]string{}
	var open []*attribute // by depth
	var steps []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if types, ok := strings.CutPrefix(line, "= "); ok {
			root := &attribute{}
			for _, t := range strings.Fields(types) {
				out[t] = root
			}
			open, steps = []*attribute{root}, strings.Fields(types)[:1:1]
			continue
		}
		words := strings.Fields(line)
		depth := len(line) - len(strings.TrimLeft(line, "\t"))
		if line == "" || line[0] == '#' || len(words) < 2 || depth >= len(open) {
			continue
		}
		a := &attribute{name: words[0], kind: strings.TrimRight(words[1], "!~-")}
		a.how = words[1][len(a.kind):]
		open[depth].kids = append(open[depth].kids, a)
		open, steps = append(open[:depth+1], a), append(steps[:depth+1:depth+1], a.name)
		at[strings.Join(steps, ".")] = a
		if len(words) > 2 {
			elsewhere[a] = strings.TrimPrefix(words[2], "@")
		}
	}
	for a, there := range elsewhere {
		for elsewhere[at[there]] != "" { // what stands there may stand elsewhere itself
			there = elsewhere[at[there]]
		}
		if b := at[there]; b != nil {
			a.kids = b.kids
		}
	}
	return out, nil
}

// fill adds what a plan says of attributes that the code leaves out: null, an
// empty list for a block, and unknown for what only the provider can say. What
// the provider would set by itself where the code is silent cannot be told from
// what it would leave null; it is null here.
func (a *attribute) fill(fields, unknown map[string]any) {
	if a == nil {
		return
	}
	for _, k := range a.kids {
		_, known := fields[k.name]
		mark, marked := unknown[k.name]
		block := strings.HasSuffix(k.kind, "{")
		switch {
		case known && block:
			list, _ := fields[k.name].([]any)
			marks, _ := mark.([]any)
			for len(marks) < len(list) {
				marks = append(marks, map[string]any{})
			}
			for i, e := range list {
				inner, ok := e.(map[string]any)
				if !ok {
					continue
				}
				below, ok := marks[i].(map[string]any)
				if !ok {
					below = map[string]any{}
				}
				k.fill(inner, below)
				marks[i] = below
			}
			if len(list) > 0 {
				unknown[k.name] = marks
			}
		case known || marked:
		case k.name == "tags_all": // the tags with the provider's default ones
			fields[k.name] = fields["tags"]
		case k.how == "-" || k.how == "~":
			unknown[k.name] = true
		case block:
			fields[k.name] = []any{}
		default:
			fields[k.name] = nil
		}
	}
}
