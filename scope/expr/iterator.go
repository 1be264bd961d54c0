package expr

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// iterator walks values already at hand.
type iterator struct {
	vals []ref.Val
	at   int
}

func (it *iterator) HasNext() ref.Val { return types.Bool(it.at < len(it.vals)) }

func (it *iterator) Next() ref.Val {
	if it.at >= len(it.vals) {
		return types.NewErr("no more elements")
	}
	it.at++
	return it.vals[it.at-1]
}

func (it *iterator) ConvertToNative(reflect.Type) (any, error) {
	return nil, types.NewErr("an iterator has no native value").(*types.Err)
}
func (it *iterator) ConvertToType(ref.Type) ref.Val {
	return types.NewErr("an iterator cannot be converted")
}
func (it *iterator) Equal(ref.Val) ref.Val { return types.False }
func (it *iterator) Type() ref.Type        { return types.IteratorType }
func (it *iterator) Value() any            { return nil }
