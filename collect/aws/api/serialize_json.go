package api

import (
	"encoding/json"
	"fmt"
)

// jsonValue gives v by the names on the wire.
func (w *writer) jsonValue(shape int, format string, v any) (any, error) {
	sh := w.svc.shapes[shape]
	switch sh.kind {
	case kindDocument:
		return v, nil
	case kindStruct, kindMap:
		return w.jsonObject(sh, v)
	case kindList:
		items, err := elements(v)
		if err != nil {
			return nil, err
		}
		out := make([]any, len(items))
		for i, e := range items {
			if out[i], err = w.jsonValue(sh.refs[0].shape, sh.refs[0].format, e); err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
		}
		return out, nil
	case kindTimestamp:
		s, err := w.text(sh.kind, first(format, "unixTimestamp"), v)
		if format == "" || format == "unixTimestamp" {
			return json.Number(s), err
		}
		return s, err
	case kindInteger, kindFloat, kindBoolean:
		s, err := w.text(sh.kind, "", v)
		return json.RawMessage(s), err
	}
	return w.text(sh.kind, "", v)
}

func (w *writer) jsonObject(sh shape, v any) (any, error) {
	m, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, fmt.Errorf("%T is no map[string]any", v)
	}
	out := make(map[string]any, len(m))
	for k, e := range m {
		r, err := w.use(sh, k)
		if err != nil {
			return nil, err
		}
		if out[r.wire], err = w.jsonValue(r.shape, r.format, e); err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
	}
	return out, nil
}

// use finds the member k of a structure, or the value of a map.
func (w *writer) use(sh shape, k string) (ref, error) {
	if sh.kind == kindMap {
		r := sh.refs[1]
		r.wire = k
		return r, nil
	}
	for _, r := range sh.refs {
		if r.name == k {
			return r, nil
		}
	}
	return ref{}, fmt.Errorf("member %s is unknown", k)
}
