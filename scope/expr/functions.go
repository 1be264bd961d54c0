package expr

import (
	"fmt"
	"math"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// functions are what expressions on assets need beyond CEL's own: each states a
// fact of a provider's format, so that controls stay readable and the format is
// understood in one place. A value whose parts cannot be read gives an error,
// and so an unknown.
func functions() []cel.EnvOption {
	dyn, str, boolean, strs, dyns := cel.DynType, cel.StringType, cel.BoolType, cel.ListType(cel.StringType), cel.ListType(cel.DynType)
	return []cel.EnvOption{
		cel.Function("listOf", cel.Overload("listOf_1", []*cel.Type{dyn}, dyns, cel.UnaryBinding(listOfVal))),
		unary("stamp", dyn, cel.TimestampType, stamp),
		unary("world", dyn, boolean, world),
		unary("accountOf", dyn, str, accountOf),
		unary("statements", dyn, dyns, statements),
		unary("principals", dyn, strs, principals),
		unary("anyone", dyn, boolean, anyone),
		unary("pinned", dyn, strs, pinned),
		unary("fenced", dyn, boolean, fenced),
		unary("tied", dyn, boolean, tied),
		unary("anyToken", dyn, boolean, anyToken),
		unary("openStatements", dyn, dyns, openStatements),
		unary("fromWorld", dyn, boolean, fromWorld),
		cel.Function("grantsAll", cel.Overload("grantsAll_2", []*cel.Type{dyn, str}, boolean, cel.BinaryBinding(grantsAllVal))),
		binary("covers", dyn, str, boolean, covers),
		unary("secretNames", dyn, strs, secretNames),
		placed("podSpecs", dyns, podSpecs),
		placed("containers", dyns, containers),
		placed("words", strs, wordsOf),
		placed("secretArguments", strs, secretArguments),
		placed("programs", strs, programsOf),
		cel.Function("variable", cel.Overload("variable_2", []*cel.Type{dyn, str}, cel.OptionalType(str), cel.BinaryBinding(variableOf))),
		cel.Function("given", cel.Overload("given_2", []*cel.Type{dyn, str}, boolean, cel.BinaryBinding(givenOf))),
		cel.Function("flag", cel.Overload("flag_2", []*cel.Type{dyn, str}, cel.OptionalType(str), cel.BinaryBinding(flagOf))),
		cel.Function("undecided", cel.Overload("undecided_1", []*cel.Type{str}, boolean, cel.UnaryBinding(undecided))),
	}
}

// undecided is the answer to a question that the configuration cannot answer;
// its argument says what is open. It makes the truth unknown unless the rest of
// the expression settles it.
func undecided(what ref.Val) ref.Val {
	if s, ok := what.(types.String); ok {
		return types.NewErr("%s", string(s))
	}
	return what
}

// unary declares a function of one argument on plain Go values: an optional
// that is empty arrives as nil, one that is not as its value.
func unary(name string, arg, result *cel.Type, f func(any) (any, error)) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_1", []*cel.Type{arg}, result,
		cel.UnaryBinding(func(v ref.Val) ref.Val {
			at := placeOf(v)
			if at == nil {
				return apply(f, v)
			}
			// Many controls ask the same of one place: the containers of a pod,
			// the statements of a policy. It is worked out once.
			key := memoKey{name, at.node}
			if out, ok := at.doc.memo[key]; ok {
				return out
			}
			x, bad := at.goValue(v)
			if bad != nil {
				return bad
			}
			out := celValue(f(x))
			if _, failed := out.(*types.Err); !failed { // evaluation writes into errors
				at.doc.keep(key, out)
			}
			return out
		})))
}

// memoKey is a function and the node of a document it was applied to.
type memoKey struct {
	function string
	node     int32
}

func (d *document) keep(key memoKey, v ref.Val) {
	if d.memo == nil {
		d.memo = map[memoKey]ref.Val{}
	}
	d.memo[key] = v
}

// goValue is goValue of a value that stands at this place, worked out once:
// several functions look at one place. Nobody may change what it returns.
func (p *place) goValue(v ref.Val) (any, ref.Val) {
	if x, ok := p.doc.plain[p.node]; ok {
		return x, nil
	}
	x, bad := goValue(v)
	if bad != nil {
		return nil, bad
	}
	if p.doc.plain == nil {
		p.doc.plain = map[int32]any{}
	}
	p.doc.plain[p.node] = x
	return x, nil
}

// placeOf returns the place in a document a value stands at; nil if it has none.
func placeOf(v ref.Val) *place {
	switch v := v.(type) {
	case *object:
		return &v.place
	case *list:
		return &v.place
	case *types.Optional:
		if v.HasValue() {
			return placeOf(v.GetValue())
		}
	}
	return nil
}

func apply(f func(any) (any, error), v ref.Val) ref.Val {
	x, bad := goValue(v)
	if bad != nil {
		return bad
	}
	return celValue(f(x))
}

// binary declares a function of two arguments, as unary does of one.
func binary(name string, a, b, result *cel.Type, f func(x, y any) (any, error)) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_2", []*cel.Type{a, b}, result,
		cel.BinaryBinding(func(v, w ref.Val) ref.Val {
			x, bad := goValue(v)
			if bad != nil {
				return bad
			}
			y, bad := goValue(w)
			if bad != nil {
				return bad
			}
			return celValue(f(x, y))
		})))
}

// goValue turns a CEL value into the types of encoding/json, integers being
// int64. A value that holds an unknown is unknown whole.
func goValue(v ref.Val) (any, ref.Val) {
	switch v := v.(type) {
	case *types.Unknown, *types.Err:
		return nil, v
	case *object:
		if v.unk != nil || v.missing != nil && v.missing("") != nil {
			return nil, unknown("config", v.key)
		}
		return v.Value(), nil
	case *list:
		if v.unk != nil {
			return nil, unknown("config", v.key)
		}
		return v.Value(), nil
	case *types.Optional:
		if !v.HasValue() {
			return nil, nil
		}
		return goValue(v.GetValue())
	case types.String:
		return string(v), nil
	case types.Bool:
		return bool(v), nil
	case types.Int:
		return int64(v), nil
	case types.Double:
		return float64(v), nil
	case types.Null:
		return nil, nil
	case traits.Lister:
		if plain, ok := v.Value().([]any); ok {
			return plain, nil
		}
		return goList(v)
	case traits.Mapper:
		if plain, ok := v.Value().(map[string]any); ok {
			return plain, nil
		}
		return goMap(v)
	}
	return nil, types.NewErr("a value of type %v cannot be used here", v.Type())
}

func goList(l traits.Lister) (any, ref.Val) {
	out := []any{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		x, bad := goValue(it.Next())
		if bad != nil {
			return nil, bad
		}
		out = append(out, x)
	}
	return out, nil
}

func goMap(m traits.Mapper) (any, ref.Val) {
	out := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		k := it.Next()
		key, ok := k.(types.String)
		if !ok {
			return nil, types.NewErr("a map key of type %v cannot be used here", k.Type())
		}
		x, bad := goValue(m.Get(k))
		if bad != nil {
			return nil, bad
		}
		out[string(key)] = x
	}
	return out, nil
}

func celValue(v any, err error) ref.Val {
	if err != nil {
		return types.WrapErr(err)
	}
	if v, ok := v.(ref.Val); ok {
		return v
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}

// listOfVal is listOf on values as they stand in a document: a list stays the
// place it is, so that an expression pays for the elements it looks at.
func listOfVal(v ref.Val) ref.Val {
	switch v := v.(type) {
	case *types.Unknown, *types.Err, traits.Lister:
		return v
	case *types.Optional:
		if !v.HasValue() {
			return types.NewRefValList(types.DefaultTypeAdapter, nil)
		}
		return listOfVal(v.GetValue())
	case types.Null:
		return types.NewRefValList(types.DefaultTypeAdapter, nil)
	}
	return types.NewRefValList(types.DefaultTypeAdapter, []ref.Val{v})
}

// listOf is the list behind a member that may be a list, one value or absent.
func listOf(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return []any{}, nil
	case []any:
		return v, nil
	}
	return []any{v}, nil
}

// stamp is the time a provider prints: RFC 3339 with or without a colon in its
// zone, or seconds since 1970.
func stamp(v any) (any, error) {
	switch v := v.(type) {
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00", time.DateOnly} {
			if t, err := time.Parse(layout, v); err == nil {
				return types.Timestamp{Time: t}, nil
			}
		}
		return nil, fmt.Errorf("%.40q is not a time", v)
	case int64:
		return types.Timestamp{Time: time.Unix(v, 0).UTC()}, nil
	case float64:
		if math.Abs(v) > 1e12 || v != v {
			return nil, fmt.Errorf("%v is not a time in seconds", v)
		}
		whole, part := math.Modf(v)
		return types.Timestamp{Time: time.Unix(int64(whole), int64(part*1e9)).UTC()}, nil
	}
	return nil, fmt.Errorf("a %T is not a time", v)
}

// accountOf is the account of an ARN or of a bare account id; empty where the
// text names none.
func accountOf(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("a %T names no account", v)
	}
	if isAccount(s) {
		return s, nil
	}
	if parts := strings.SplitN(s, ":", 6); len(parts) == 6 && parts[0] == "arn" && isAccount(parts[4]) {
		return parts[4], nil
	}
	return "", nil
}

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
