package terraform

import (
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// TestRulesNameMembers holds every name in the rules against the shapes of the
// live replies: a member that no reply has would be lost without a word.
func TestRulesNameMembers(t *testing.T) {
	seen := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		if seen[r.tf] {
			t.Errorf("%s has two rules", r.tf)
		}
		seen[r.tf] = true
		l := shapes()[r.typ]
		if l == nil {
			t.Errorf("%s: no shape of %s", r.tf, r.typ)
			continue
		}
		root := &l.Root
		if elements[r.tf] != "" {
			root = root.Follow(elements[r.tf])
		} else if r.onto != nil && r.onto.key != "" {
			if root = root.Named(r.onto.key); root == nil {
				t.Errorf("%s: %s has no reply %s", r.tf, r.typ, r.onto.key)
				continue
			}
		}
		for attribute, target := range r.as {
			checkName(t, r, root, attribute, target)
		}
		for member := range r.with {
			if root.Named(member) == nil {
				t.Errorf("%s: with: %s has no %s", r.tf, r.typ, member)
			}
		}
		for member := range r.born {
			if root.Named(member) == nil {
				t.Errorf("%s: born: %s has no %s", r.tf, r.typ, member)
			}
		}
		for key, body := range r.newborn {
			reply := l.Root.Named(key)
			if reply == nil {
				t.Errorf("%s: newborn: %s has no reply %s", r.tf, r.typ, key)
				continue
			}
			for member := range body {
				if reply.Named(member) == nil {
					t.Errorf("%s: newborn: %s has no %s", r.tf, key, member)
				}
			}
		}
	}
}

// checkName follows the blocks an attribute stands in and then its target.
func checkName(t *testing.T, r *rule, root *unborn.Shape, attribute, target string) {
	t.Helper()
	at, steps, done := root, strings.Split(attribute, "."), ""
	for _, block := range steps[:len(steps)-1] {
		done = strings.TrimPrefix(done+"."+block, ".")
		if renamed, ok := r.as[done]; ok {
			at = follow(at, renamed)
		} else {
			at = member(at, block)
		}
		if at == nil {
			t.Errorf("%s: %q: no member for the block %s", r.tf, attribute, done)
			return
		}
	}
	if target != "" && follow(at, target) == nil {
		t.Errorf("%s: %q: no member %s", r.tf, attribute, target)
	}
}

func follow(at *unborn.Shape, path string) *unborn.Shape {
	if path == "." {
		return at
	}
	for step := range strings.SplitSeq(path, ".") {
		if at = at.Named(strings.TrimSuffix(step, "[]")); at == nil {
			return nil
		}
	}
	return at
}
