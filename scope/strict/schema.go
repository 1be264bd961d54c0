package strict

import "reflect"

// Schema returns a JSON Schema (2020-12) of the YAML that Decode reads into the
// struct v points to, as a value for encoding/json. Fields are described by
// their `doc` tag and bounded by their `enum` tag (values separated by |).
func Schema(v any, id, title string) map[string]any {
	s := schema(reflect.TypeOf(v).Elem())
	s["$schema"], s["$id"], s["title"] = "https://json-schema.org/draft/2020-12/schema", id, title
	return s
}

func schema(t reflect.Type) map[string]any {
	switch {
	case t == textType || t.Kind() == reflect.String:
		return map[string]any{"type": "string"}
	case t.Kind() == reflect.Pointer:
		return schema(t.Elem())
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() == reflect.Int:
		return map[string]any{"type": "integer"}
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": schema(t.Elem())}
	case t.Kind() == reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schema(t.Elem())}
	}
	properties, required := map[string]any{}, []string{}
	short := false
	for _, f := range fields(t) {
		p := schema(t.Field(f.index).Type)
		tag := t.Field(f.index).Tag
		if doc := tag.Get("doc"); doc != "" {
			p["description"] = doc
		}
		if f.enum != nil {
			p["enum"] = f.enum
		}
		properties[f.key] = p
		if f.required {
			required = append(required, f.key)
		}
		short = short || f.short
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	if short {
		return map[string]any{"anyOf": []any{map[string]any{"type": "string"}, out}}
	}
	return out
}
