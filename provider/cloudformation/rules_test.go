package cloudformation

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

var update = flag.Bool("update", false, "write testdata/unplaced.txt anew")

// TestRulesNameWhatThereIs holds every rule against the type's own schema and
// the shapes of the live replies: a name with a slip in it would lose a value
// without a word.
func TestRulesNameWhatThereIs(t *testing.T) {
	for typ, r := range rules() {
		sc, l := schemas()[typ], shapes()[typ]
		if sc == nil {
			t.Errorf("%s: CloudFormation has no such type", typ)
			continue
		}
		if r.onto != nil {
			l = shapes()[r.onto.typ]
			if sc.by[r.onto.property] == nil {
				t.Errorf("%s: no property %s", typ, r.onto.property)
			}
		}
		for _, p := range r.parts {
			if shapes()[p] == nil {
				t.Errorf("%s: no asset type %s", typ, p)
			}
		}
		if l == nil {
			if r.parts == nil {
				t.Errorf("%s: no shape", typ)
			}
			continue
		}
		root := &l.Root
		if r.onto != nil && r.onto.key != "" {
			root = root.Named(r.onto.key)
		}
		for path, target := range r.as {
			p := &sc.property
			for step := range strings.SplitSeq(path, ".") {
				p = p.named(step)
			}
			if p == nil {
				t.Errorf("%s: no property %s", typ, path)
				continue
			}
			if target == "" || target == "." || root == nil {
				continue
			}
			if within := memberOf(r, sc, root, path); within == nil || within.Follow(strings.ReplaceAll(target, "[]", "")) == nil {
				t.Errorf("%s: %s is no member where %s stands", typ, target, path)
			}
		}
		for path := range r.unset {
			if l.Root.Follow(path) == nil {
				t.Errorf("%s: the reply has no %s", typ, path)
			}
		}
		for key := range r.newborn {
			if !slices.ContainsFunc(l.Reads, func(read estate.Read) bool { return read.Key == key }) {
				t.Errorf("%s: no reply %s is read", typ, key)
			}
		}
		for _, m := range regexp.MustCompile(`\{([A-Za-z,]+)(\|[a-z]+)?\}`).FindAllStringSubmatch(r.id, -1) {
			for name := range strings.SplitSeq(m[1], ",") {
				if !slices.Contains([]string{"partition", "region", "account", "path"}, name) && sc.by[name] == nil {
					t.Errorf("%s: its id asks for %s, which is no property", typ, name)
				}
			}
		}
	}
}

// memberOf is the shape in which the object that holds a property stands.
func memberOf(r *rule, sc *schema, root *unborn.Shape, path string) *unborn.Shape {
	steps := strings.Split(path, ".")
	at := root
	for i := range steps[:len(steps)-1] {
		target, renamed := r.as[strings.Join(steps[:i+1], ".")]
		switch {
		case target == ".":
		case renamed:
			at = at.Follow(strings.ReplaceAll(target, "[]", ""))
		default:
			at = member(at, steps[i])
		}
		if at == nil {
			return nil
		}
	}
	return at
}

// TestUnplaced lists the properties that find no place in a reply, so that what
// is lost of a template is seen: nobody reads them, no member is said by them.
func TestUnplaced(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Properties that stand for no member of a live reply, by type: what they say is\n# judged by nobody. Written by go test ./provider/cloudformation -update.\n")
	for _, typ := range Mains() {
		r, sc := rules()[typ], schemas()[typ]
		var lost []string
		var walk func(p *property, sh *unborn.Shape, rel string)
		walk = func(p *property, sh *unborn.Shape, rel string) {
			for _, k := range p.kids {
				here := strings.TrimPrefix(rel+"."+k.name, ".")
				target, renamed := r.as[here]
				switch {
				case k.readOnly, renamed && target == "", here == "Tags", here == "TagList":
				case target == ".":
					walk(k, sh, here)
				case renamed:
					if m := sh.Follow(strings.ReplaceAll(target, "[]", "")); m != nil {
						walk(k, m, here)
					}
				default:
					m := member(sh, k.name)
					if m == nil {
						lost = append(lost, here)
						continue
					}
					if len(m.Kids) > 0 {
						walk(k, m, here)
					}
				}
			}
		}
		walk(&sc.property, &shapes()[typ].Root, "")
		for _, l := range lost {
			b.WriteString(typ + " " + l + "\n")
		}
	}
	const file = "testdata/unplaced.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(have), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("(-have +want): go test ./provider/cloudformation -update\n%s", diff)
	}
}
