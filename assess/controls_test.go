package assess

import (
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
)

// What a control says it reads is what the collectors read for its types: a
// misspelled operation would name a grant that nobody can give, and a reply
// that is not collected would leave the answer unknown for ever.
func TestControlsReadWhatIsCollected(t *testing.T) {
	set := builtin.Controls(t)
	cat, err := catalog.Default()
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string][]string{}
	for _, r := range cat.Resources() {
		for _, d := range r.Declared() {
			declared[r.Type] = append(declared[r.Type], d.Operation)
		}
	}
	for _, c := range set.Controls() {
		for _, typ := range c.Types {
			if !strings.HasPrefix(typ, "AWS::") {
				if len(c.Reads) != 1 || c.Reads[0] != "kubernetes:list" {
					t.Errorf("%s reads %v of %s; objects are read by kubernetes:list alone", c.ID, c.Reads, typ)
				}
				continue
			}
			known := declared[typ]
			if a := c.Absent(); a != nil { // what it reads is of what should exist
				known = append(slices.Clone(known), declared[a.Type]...)
			}
			if len(known) == 0 {
				t.Errorf("%s asks %s, which the catalogue does not have", c.ID, typ)
				continue
			}
			mine := slices.DeleteFunc(slices.Clone(c.Reads), func(op string) bool { return !slices.Contains(known, op) })
			if len(mine) == 0 {
				t.Errorf("%s reads none of %v, which is all that is read of %s", c.ID, known, typ)
			}
			if len(c.Types) == 1 && len(mine) < len(c.Reads) {
				t.Errorf("%s reads %v, but of %s only %v is read", c.ID, c.Reads, typ, known)
			}
		}
	}
}

// Every operation whose reply an expression looks at stands among the
// control's reads: its outcome hangs on it, so its grant must be named.
func TestControlsNameWhatTheyLookAt(t *testing.T) {
	set := builtin.Controls(t)
	for _, c := range set.Controls() {
		source := strings.ReplaceAll(c.Applies()+" "+c.Fails(), ".?", ".")
		for part := range strings.SplitSeq(source, "config.") {
			name := part[:len(part)-len(strings.TrimLeft(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))]
			if !expr.IsOperation(name) {
				continue
			}
			if !slices.ContainsFunc(c.Reads, func(op string) bool { return strings.HasSuffix(op, ":"+name) }) {
				t.Errorf("%s looks at config.%s, but does not say that it reads it", c.ID, name)
			}
		}
	}
}
