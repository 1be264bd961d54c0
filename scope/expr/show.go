package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxShown is how many characters of a value are kept as evidence: enough for a
// policy statement with its principal and resources. Reports shorten further.
const maxShown = 800

// Show returns the value of an expression as evidence for people: JSON, cut to
// a readable length, without the value of anything that may be a secret. What
// is absent is "not set", what could not be read "not read".
func (e *Expr) Show(s *Subject) string {
	v, err := e.value(s)
	switch {
	case err != nil && (errors.Is(err, errNoTag) || strings.HasPrefix(err.Error(), "no such key")):
		return "not set"
	case err != nil:
		return "cannot be told: " + cut(err.Error())
	}
	return show(v)
}

func show(v ref.Val) string {
	switch v := v.(type) {
	case *types.Unknown:
		return "not read"
	case types.Timestamp:
		return v.UTC().Format(time.RFC3339)
	case types.Duration:
		return v.Duration.String()
	}
	x, bad := goValue(v)
	if bad != nil {
		if types.IsUnknown(bad) {
			return "not read"
		}
		return "cannot be told: " + cut(fmt.Sprint(bad))
	}
	switch x := mask("", brief(x)).(type) {
	case nil:
		return "not set"
	case string:
		return cut(x)
	default:
		b, err := json.Marshal(x)
		if err != nil {
			return "cannot be told: " + cut(err.Error())
		}
		return cut(string(b))
	}
}

// masked stands where a value is a secret.
const masked = "•••"

// mask replaces what may be a secret inside a value that stands under name. A
// value without any is returned as it is, one with some is copied.
func mask(name string, v any) any {
	switch v := v.(type) {
	case string:
		if IsSecret(name, v) {
			return masked
		}
	case []any:
		return maskList(name, v)
	case map[string]any:
		return maskMap(v)
	}
	return v
}

func maskList(name string, v []any) any {
	out, copied := v, false
	for i, e := range v {
		m := mask(name, e)
		if same(m, e) {
			continue
		}
		if !copied {
			out, copied = slices.Clone(v), true
		}
		out[i] = m
	}
	return out
}

func maskMap(v map[string]any) any {
	out, copied := v, false
	variable, _ := first(v, "name", "Name").(string)
	for k, e := range v {
		under := k
		if k == "value" || k == "Value" {
			under = variable
		}
		m := mask(under, e)
		if same(m, e) {
			continue
		}
		if !copied {
			out, copied = maps.Clone(v), true
		}
		out[k] = m
	}
	return out
}

// same reports whether mask gave back what it was given.
func same(m, v any) bool {
	switch v := v.(type) {
	case string:
		return m == v
	case []any:
		w := m.([]any)
		return len(v) == 0 || &w[0] == &v[0]
	case map[string]any:
		return reflect.ValueOf(m).Pointer() == reflect.ValueOf(v).Pointer()
	}
	return true
}

// cut takes out the middle: both ends of a long value say something.
func cut(s string) string {
	if r := []rune(s); len(r) > maxShown {
		const tail = maxShown / 3
		return string(r[:maxShown-1-tail]) + "…" + string(r[len(r)-tail:])
	}
	return s
}
