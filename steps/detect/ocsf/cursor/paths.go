package cursor

import (
	"strings"
)

// Kind is what sort of JSON value was found.
type Kind uint8

// The kinds of values.
const (
	String Kind = iota + 1
	Number
	Bool
	Null
	Composite // an object or an array, as JSON text
)

// Paths is a set of fields to be found in documents in one pass. A field is
// named by the names of its members joined by dots; arrays are passed through,
// so "a.b" is found in {"a":[{"b":1},{"b":2}]} twice, and a name that holds
// dots itself reads like the path it spells, so it is found in {"a.b":1} too.
type Paths struct {
	root  node
	names []string
	index map[string]int
	fold  bool
}

// node is one name in the tree of paths.
type node struct {
	lengths  uint64    // bit n: some child's name is n bytes long (63: 63 or more)
	children [][]child // by the length of their names
	slot     int       // 1 + the number of the field that ends here
}

type child struct {
	name string
	node *node
}

// NewPaths returns an empty set; with fold, upper and lower case of ASCII
// letters are the same in names.
func NewPaths(fold bool) *Paths { return &Paths{index: map[string]int{}, fold: fold} }

// Add adds a field and returns its number; the same field has one number.
func (p *Paths) Add(field string) int {
	key := field
	if p.fold {
		key = strings.ToLower(field)
	}
	if i, ok := p.index[key]; ok {
		return i
	}
	slot := len(p.names)
	p.index[key] = slot
	p.names = append(p.names, field)
	at := &p.root
	for name := range strings.SplitSeq(field, ".") {
		next := at.child(name, p.fold)
		if next == nil {
			next = &node{}
			n := min(len(name), 63)
			for len(at.children) <= n {
				at.children = append(at.children, nil)
			}
			at.children[n] = append(at.children[n], child{name, next})
			at.lengths |= 1 << n
		}
		at = next
	}
	at.slot = slot + 1
	return slot
}

// Reserve makes a number for a field that no document has: whoever extracts
// puts its values in (Found.Put) after Extract.
func (p *Paths) Reserve(name string) int {
	p.names = append(p.names, name)
	return len(p.names) - 1
}

// Len is how many fields there are.
func (p *Paths) Len() int { return len(p.names) }

// Name is the field of that number.
func (p *Paths) Name(i int) string { return p.names[i] }

func (n *node) child(name string, fold bool) *node {
	size := min(len(name), 63)
	if n.lengths>>size&1 == 0 {
		return nil
	}
	list := n.children[size]
	for i := range list {
		c := &list[i]
		if c.name == name || fold && len(c.name) == len(name) && strings.EqualFold(c.name, name) {
			return c.node
		}
	}
	return nil
}

// down follows a member's name, which may spell several steps of a path.
func (n *node) down(name string, fold bool) *node {
	if next := n.child(name, fold); next != nil {
		return next
	}
	if strings.IndexByte(name, '.') < 0 {
		return nil
	}
	for {
		head, tail, more := strings.Cut(name, ".")
		if !more {
			return n.child(name, fold)
		}
		if n = n.child(head, fold); n == nil {
			return nil
		}
		name = tail
	}
}

// Value is one value found.
type Value struct {
	Text string // a string's characters, otherwise the JSON text
	Kind Kind
	next int32
}

// Found holds what one document said of the fields of a Paths. It can be used
// for one document after another without allocating.
type Found struct {
	first, last []int32 // by field: 1 + the number of its first and last value
	values      []Value
	touched     []int32
}

// First is the first value of a field.
func (f *Found) First(slot int) (Value, bool) {
	if i := f.first[slot]; i != 0 {
		return f.values[i-1], true
	}
	return Value{}, false
}

// Text is the text of the first value of a field that is not null, "" without one.
func (f *Found) Text(slot int) string {
	for i := f.first[slot]; i != 0; i = f.values[i-1].next {
		if v := &f.values[i-1]; v.Kind != Null {
			return v.Text
		}
	}
	return ""
}

// Each gives a field's values in their order until yield returns false.
func (f *Found) Each(slot int, yield func(Value) bool) {
	for i := f.first[slot]; i != 0; i = f.values[i-1].next {
		if !yield(f.values[i-1]) {
			return
		}
	}
}

func (f *Found) reset(n int) {
	if len(f.first) < n {
		f.first, f.last = make([]int32, n), make([]int32, n)
	} else {
		for _, s := range f.touched {
			f.first[s], f.last[s] = 0, 0
		}
	}
	f.touched = f.touched[:0]
	f.values = f.values[:0]
}

// Put adds a value of a field.
func (f *Found) Put(slot int, v Value) {
	v.next = 0
	f.values = append(f.values, v)
	n := int32(len(f.values))
	if f.first[slot] == 0 {
		f.first[slot] = n
		f.touched = append(f.touched, int32(slot))
	} else {
		f.values[f.last[slot]-1].next = n
	}
	f.last[slot] = n
}

// Extract reads the document b begins with, fills found and returns where the
// document ends.
func (p *Paths) Extract(b []byte, found *Found) (end int, err error) {
	p.Begin(found)
	return p.Fill(b, found)
}

// Begin makes found ready for another document, of which it holds nothing yet.
func (p *Paths) Begin(found *Found) { found.reset(len(p.names)) }

// Fill is Extract into what was begun: what was put in since stays.
func (p *Paths) Fill(b []byte, found *Found) (end int, err error) {
	c := New(b)
	p.walk(&c, &p.root, found)
	return c.Offset(), c.Err()
}

func (p *Paths) walk(c *Cursor, n *node, found *Found) {
	start := 0
	wanted := n.slot != 0
	kind := Composite
	switch c.Peek() {
	case '{':
		if len(n.children) == 0 {
			break
		}
		start = c.i
		if !c.Enter('{') {
			return
		}
		for {
			name, ok := c.Field()
			if !ok {
				break
			}
			if next := n.down(name, p.fold); next != nil {
				p.walk(c, next, found)
			} else {
				c.Skip()
			}
		}
		if wanted && c.why == "" {
			found.Put(n.slot-1, Value{Text: view(c.b[start:c.i]), Kind: Composite})
		}
		return
	case '[':
		if !c.Enter('[') {
			return
		}
		for c.Elem() {
			p.walk(c, n, found)
		}
		return
	case '"':
		kind = String
	case 't', 'f':
		kind = Bool
	case 'n':
		kind = Null
	default:
		kind = Number
	}
	if !wanted {
		c.Skip()
		return
	}
	if v := (Value{Text: c.Text(), Kind: kind}); c.why == "" {
		found.Put(n.slot-1, v)
	}
}
