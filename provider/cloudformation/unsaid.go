package cloudformation

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// sayable lists the members of a shape that the properties of an object stand
// for.
func (c *conversion) sayable(s spot, sh *unborn.Shape) map[string]bool {
	out := map[string]bool{}
	if s.said == nil {
		return out
	}
	for _, p := range s.said.kids {
		at := s.step(p.name)
		target, renamed := s.as[at.rel]
		switch {
		case renamed && target == "":
		case target == ".":
			for k := range c.sayable(at, sh) {
				out[k] = true
			}
		case renamed:
			head, _, _ := strings.Cut(target, ".")
			out[strings.TrimSuffix(head, "[]")] = true
		case p.readOnly:
		default:
			if k := member(sh, p.name); k != nil {
				out[k.Name] = true
			}
		}
	}
	return out
}

// unsaid settles the members that nothing is said of: what a new thing has, as
// far as the rule knows it; nothing, where the reply only repeats what was given;
// else it is not known.
func (c *conversion) unsaid(out map[string]any, s spot, sh *unborn.Shape) {
	var can map[string]bool
	for _, k := range sh.Kids {
		if _, set := out[k.Name]; set {
			continue
		}
		path := s.into(k.Name).members
		if v, ok := s.rule.unset[path]; ok {
			if v != (none{}) {
				out[k.Name] = v
			}
			continue
		}
		if can == nil {
			can = c.sayable(s, sh)
		}
		if !s.rule.echoes || !can[k.Name] {
			out[k.Name] = unborn.Later{}
		}
	}
}
