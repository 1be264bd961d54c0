package expr

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// errNoTag marks the error of asking for a tag that an asset does not bear. An
// expression that fails with it matches nothing: it is decided, not unknown.
var errNoTag = errors.New("no such tag")

// tagMap is an asset's tags. It is an indexer and deliberately no traits.Mapper,
// because only an indexer may answer a missing key with an error of its own.
type tagMap map[string]string

var (
	_ traits.Indexer     = tagMap(nil)
	_ traits.FieldTester = tagMap(nil)
	_ traits.Container   = tagMap(nil)
	_ traits.Iterable    = tagMap(nil)
	_ traits.Sizer       = tagMap(nil)
)

func tagsOf(a *estate.Asset) any {
	if a.Tags == nil {
		return unknown("tags", "")
	}
	return tagMap(a.Tags)
}

func (t tagMap) Get(key ref.Val) ref.Val {
	k, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key)
	}
	v, ok := t[string(k)]
	if !ok {
		// A fresh error each time: evaluation writes a node id into it.
		return types.WrapErr(fmt.Errorf("%w: %s", errNoTag, k))
	}
	return types.String(v)
}

func (t tagMap) IsSet(key ref.Val) ref.Val { return t.Contains(key) }

func (t tagMap) Contains(key ref.Val) ref.Val {
	k, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key)
	}
	_, ok = t[string(k)]
	return types.Bool(ok)
}

func (t tagMap) Size() ref.Val { return types.Int(len(t)) }

func (t tagMap) Iterator() traits.Iterator {
	vals := make([]ref.Val, 0, len(t))
	for _, k := range slices.Sorted(maps.Keys(t)) {
		vals = append(vals, types.String(k))
	}
	return &iterator{vals: vals}
}

func (t tagMap) plain() ref.Val {
	return types.DefaultTypeAdapter.NativeToValue(map[string]string(t))
}

func (t tagMap) ConvertToNative(to reflect.Type) (any, error) { return t.plain().ConvertToNative(to) }
func (t tagMap) ConvertToType(to ref.Type) ref.Val            { return t.plain().ConvertToType(to) }
func (t tagMap) Type() ref.Type                               { return types.MapType }
func (t tagMap) Value() any                                   { return map[string]string(t) }

func (t tagMap) Equal(other ref.Val) ref.Val {
	if o, ok := other.(tagMap); ok {
		return types.Bool(maps.Equal(t, o))
	}
	return types.Equal(t.plain(), other)
}
