package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxShown is how many characters of a value are shown as evidence.
const maxShown = 160

// Show returns the value of an expression as evidence for people: JSON, cut to
// a readable length, without the value of anything that may be a secret. What
// is absent is "not set", what could not be read "not read".
func (e *Expr) Show(s *Subject) string {
	v, _, err := e.program.Eval(s)
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
	switch x := mask("", x).(type) {
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

// mask replaces what may be a secret inside a value that stands under name.
func mask(name string, v any) any {
	switch v := v.(type) {
	case string:
		if IsSecret(name, v) {
			return masked
		}
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = mask(name, e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		variable, _ := first(v, "name", "Name").(string)
		for k, e := range v {
			if k == "value" || k == "Value" {
				out[k] = mask(variable, e)
				continue
			}
			out[k] = mask(k, e)
		}
		return out
	}
	return v
}

func cut(s string) string {
	if r := []rune(s); len(r) > maxShown {
		return string(r[:maxShown-1]) + "…"
	}
	return s
}
