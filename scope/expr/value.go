package expr

import (
	"reflect"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// unknowns is the part of an asset's unknown places that lies below one value:
// a tree of JSON pointer steps.
type unknowns struct {
	whole bool // the value itself is unknown
	below map[string]*unknowns
}

// pointers turns JSON pointers (RFC 6901) into a tree; nil where there are none.
func pointers(list []string) *unknowns {
	if len(list) == 0 {
		return nil
	}
	root := &unknowns{}
	for _, p := range list {
		at := root
		for step := range strings.SplitSeq(strings.TrimPrefix(p, "/"), "/") {
			if p == "" {
				break
			}
			step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
			next := at.below[step]
			if next == nil {
				next = &unknowns{}
				if at.below == nil {
					at.below = map[string]*unknowns{}
				}
				at.below[step] = next
			}
			at = next
		}
		at.whole = true
	}
	return root
}

func (u *unknowns) step(key string) *unknowns {
	if u == nil {
		return nil
	}
	return u.below[key]
}

// place is a value inside a configuration, known by its root key for the
// reason an undecided expression gives.
type place struct {
	doc  *document
	unk  *unknowns
	key  string // root key this value stands under
	node int32
}

func unknown(variable, key string) *types.Unknown {
	trail := types.NewAttributeTrail(variable)
	if key != "" {
		trail = types.QualifyAttribute(trail, key)
	}
	return types.NewUnknown(1, trail)
}

// val wraps the node at i, which stands under the pointer step key.
func (p *place) val(i int32, key string) ref.Val {
	u := p.unk.step(key)
	root := p.key
	if root == "" {
		root = key
	}
	if u != nil && u.whole {
		return unknown("config", root)
	}
	switch n := &p.doc.nodes[i]; n.kind {
	case nodeTrue:
		return types.True
	case nodeFalse:
		return types.False
	case nodeNumber:
		switch v := p.doc.number(i).(type) {
		case int64:
			return types.Int(v)
		case float64:
			return types.Double(v)
		}
	case nodeString, nodeEscaped:
		return types.String(p.doc.str(i))
	case nodeList:
		return &list{place{doc: p.doc, unk: u, key: root, node: i}}
	case nodeObject:
		return &object{place: place{doc: p.doc, unk: u, key: root, node: i}}
	}
	return types.NullValue
}

func (p *place) size() int { return int(p.doc.nodes[p.node].size) }

// plain returns the value in CEL's own types, or an unknown if part of it is.
func (p *place) plain() ref.Val {
	if p.unk != nil {
		return unknown("config", p.key)
	}
	return types.DefaultTypeAdapter.NativeToValue(p.doc.native(p.node))
}

func (p *place) ConvertToNative(t reflect.Type) (any, error) {
	return types.DefaultTypeAdapter.NativeToValue(p.doc.native(p.node)).ConvertToNative(t)
}

func (p *place) Value() any { return p.doc.native(p.node) }

// object is a JSON object as CEL sees it.
type object struct {
	place
	// missing decides what a key that is not there means; nil means absent.
	missing func(key string) ref.Val
}

var (
	_ traits.Mapper = (*object)(nil)
	_ traits.Lister = (*list)(nil)
)

func (o *object) Type() ref.Type { return types.MapType }

func (o *object) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return o
	case types.TypeType:
		return types.MapType
	}
	return types.NewErr("a map cannot become %v", t)
}

func (o *object) Equal(other ref.Val) ref.Val {
	if types.IsUnknown(other) {
		return other
	}
	v := o.plain()
	if w, ok := other.(*object); ok {
		other = w.plain()
	}
	if types.IsUnknown(v) {
		return v
	}
	return types.Equal(v, other)
}

// Find implements traits.Mapper. A key that was not read is found, and unknown.
func (o *object) Find(key ref.Val) (ref.Val, bool) {
	k, ok := key.(types.String)
	if !ok {
		if types.IsUnknownOrError(key) {
			return key, true
		}
		return types.NewErr("an object has no key of type %v", key.Type()), false
	}
	if i := o.doc.member(o.node, string(k)); i >= 0 {
		return o.val(i, string(k)), true
	}
	if u := o.unk.step(string(k)); u != nil {
		root := o.key
		if root == "" {
			root = string(k)
		}
		return unknown("config", root), true
	}
	if o.missing != nil {
		if v := o.missing(string(k)); v != nil {
			return v, true
		}
	}
	return nil, false
}

func (o *object) Get(key ref.Val) ref.Val {
	v, found := o.Find(key)
	if !found && v == nil {
		return types.NewErr("no such key: %v", key)
	}
	return v
}

func (o *object) Contains(key ref.Val) ref.Val {
	v, found := o.Find(key)
	if v != nil && types.IsUnknownOrError(v) {
		return v
	}
	return types.Bool(found)
}

// keys lists the keys that are set, in the order of the text, each once; an
// incomplete object ends with an unknown one.
func (o *object) keys() []ref.Val {
	n := &o.doc.nodes[o.node]
	out := make([]ref.Val, 0, n.size)
	for i := o.node + 1; i < n.next; i = o.doc.nodes[i+1].next {
		if k := o.doc.str(i); o.doc.member(o.node, k) == i+1 {
			out = append(out, types.String(k))
		}
	}
	if o.unk != nil {
		out = append(out, unknown("config", o.key))
	} else if o.missing != nil {
		if v := o.missing(""); v != nil {
			out = append(out, v)
		}
	}
	return out
}

func (o *object) Size() ref.Val {
	keys := o.keys()
	if len(keys) > 0 && types.IsUnknown(keys[len(keys)-1]) {
		return keys[len(keys)-1]
	}
	return types.Int(len(keys))
}

func (o *object) Iterator() traits.Iterator { return &iterator{vals: o.keys()} }

// Fold implements traits.Foldable.
func (o *object) Fold(f traits.Folder) {
	for _, k := range o.keys() {
		var v ref.Val = k
		if !types.IsUnknown(k) {
			v, _ = o.Find(k)
		}
		if !f.FoldEntry(k, v) {
			return
		}
	}
}

// list is a JSON array as CEL sees it.
type list struct{ place }

func (l *list) Type() ref.Type { return types.ListType }

func (l *list) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.ListType:
		return l
	case types.TypeType:
		return types.ListType
	}
	return types.NewErr("a list cannot become %v", t)
}

func (l *list) Equal(other ref.Val) ref.Val {
	if types.IsUnknown(other) {
		return other
	}
	v := l.plain()
	if w, ok := other.(*list); ok {
		other = w.plain()
	}
	if types.IsUnknown(v) {
		return v
	}
	return types.Equal(v, other)
}

func (l *list) Add(other ref.Val) ref.Val {
	if types.IsUnknownOrError(other) {
		return other
	}
	more, ok := other.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	all := l.elements()
	for it := more.Iterator(); it.HasNext() == types.True; {
		all = append(all, it.Next())
	}
	return types.NewRefValList(types.DefaultTypeAdapter, all)
}

func (l *list) elements() []ref.Val {
	n := &l.doc.nodes[l.node]
	out := make([]ref.Val, 0, n.size)
	for i := l.node + 1; i < n.next; i = l.doc.nodes[i].next {
		key := ""
		if l.unk != nil {
			key = strconv.Itoa(len(out))
		}
		out = append(out, l.val(i, key))
	}
	return out
}

func (l *list) Contains(v ref.Val) ref.Val {
	if types.IsUnknownOrError(v) {
		return v
	}
	var unk ref.Val
	for _, e := range l.elements() {
		switch r := types.Equal(e, v); {
		case r == types.True:
			return types.True
		case types.IsUnknown(r):
			unk = r
		case types.IsUnknown(e):
			unk = e
		}
	}
	if unk != nil {
		return unk
	}
	return types.False
}

func (l *list) Get(index ref.Val) ref.Val {
	i, err := types.GetOrError(index)
	if err != nil {
		return types.WrapErr(err)
	}
	if i < 0 || i >= l.size() {
		return types.NewErr("index %d out of bounds of %d elements", i, l.size())
	}
	return l.elements()[i]
}

func (l *list) Size() ref.Val { return types.Int(l.size()) }

func (l *list) Iterator() traits.Iterator { return &iterator{vals: l.elements()} }

// Fold implements traits.Foldable.
func (l *list) Fold(f traits.Folder) {
	for i, v := range l.elements() {
		if !f.FoldEntry(types.Int(i), v) {
			return
		}
	}
}
