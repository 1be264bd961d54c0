package expr

import (
	"path"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// programsOf is programs as the expression language sees it.
func programsOf(v ref.Val) ref.Val {
	m, bad := mapper(v, "a container")
	if bad != nil {
		return bad
	}
	ws, bad := words(v)
	if bad != nil {
		return bad
	}
	image, bad := textAt(m, "image")
	if bad != nil {
		return bad
	}
	return types.DefaultTypeAdapter.NativeToValue(programs(image, ws))
}

// programs are the names by which what a container runs can be recognised: the
// last part of its image's name, the base name of each word of its command line
// that is neither a flag, nor a flag's value, nor an address, and the first part
// of the module Python is told to run (-m vllm.entrypoints.openai.api_server).
func programs(image string, ws []string) []string {
	out := []string{}
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	add(imageName(image))
	for i, w := range ws {
		before := ""
		if i > 0 {
			before = ws[i-1]
		}
		switch {
		case strings.HasPrefix(w, "-"), strings.Contains(w, "://"):
		case before == "-m":
			add(w)
			root, _, _ := strings.Cut(w, ".")
			add(root)
		case strings.HasPrefix(before, "--") && len(before) > 2 && !strings.Contains(before, "="):
		default:
			add(path.Base(w))
		}
	}
	return out
}

// imageName is the last part of an image's name, without tag and digest.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	name := image[strings.LastIndex(image, "/")+1:]
	name, _, _ = strings.Cut(name, ":")
	return name
}

// variableOf is the value of an environment variable of a container: none where
// it is not set. A value taken from elsewhere is not known, and where whole sets
// of variables are taken in, neither is whether one is set.
func variableOf(v, name ref.Val) ref.Val {
	entry, bad := environmentEntry(v, name)
	switch {
	case bad != nil:
		return bad
	case entry == nil:
		return types.OptionalNone
	}
	if from, _ := entry.Find(types.String("valueFrom")); from != nil && from != types.NullValue {
		if types.IsUnknownOrError(from) {
			return from
		}
		return types.NewErr("the value of %s is taken from elsewhere, which is not read", name)
	}
	value, bad := textAt(entry, "value")
	if bad != nil {
		return bad
	}
	return types.OptionalOf(types.String(value))
}

// givenOf reports whether an environment variable of a container is set to
// something, here or from elsewhere.
func givenOf(v, name ref.Val) ref.Val {
	entry, bad := environmentEntry(v, name)
	switch {
	case bad != nil:
		return bad
	case entry == nil:
		return types.False
	}
	if from, _ := entry.Find(types.String("valueFrom")); from != nil && from != types.NullValue {
		if types.IsUnknownOrError(from) {
			return from
		}
		return types.True
	}
	value, bad := textAt(entry, "value")
	if bad != nil {
		return bad
	}
	return types.Bool(value != "")
}

// environmentEntry finds the last entry of a variable, nil if there is none.
func environmentEntry(v, name ref.Val) (traits.Mapper, ref.Val) {
	if types.IsUnknownOrError(name) {
		return nil, name
	}
	m, bad := mapper(v, "a container")
	if bad != nil {
		return nil, bad
	}
	entries, bad := entriesAt(m, "env")
	if bad != nil {
		return nil, bad
	}
	for _, e := range slices.Backward(entries) {
		entry, bad := mapper(e, "a variable")
		if bad != nil {
			return nil, bad
		}
		found, bad := textAt(entry, "name")
		if bad != nil {
			return nil, bad
		}
		if types.String(found) == name {
			return entry, nil
		}
	}
	sets, bad := entriesAt(m, "envFrom")
	if bad != nil {
		return nil, bad
	}
	if len(sets) > 0 {
		return nil, types.NewErr("%s may stand in a Secret or ConfigMap under envFrom, whose values are not read; set it under env to show it", name)
	}
	return nil, nil
}

func entriesAt(m traits.Mapper, key string) ([]ref.Val, ref.Val) {
	found, _ := m.Find(types.String(key))
	if found == nil || found == types.NullValue {
		return nil, nil
	}
	list := listOfVal(found)
	if types.IsUnknownOrError(list) {
		return nil, list
	}
	return elementsOf(list.(traits.Lister)), nil
}

// textAt is a member that is text, "" where there is none.
func textAt(m traits.Mapper, key string) (string, ref.Val) {
	found, _ := m.Find(types.String(key))
	switch found := found.(type) {
	case nil, types.Null:
		return "", nil
	case types.String:
		return string(found), nil
	case *types.Unknown, *types.Err:
		return "", found
	}
	return "", types.NewErr("%s is a %s, not a string", key, found.Type().TypeName())
}
