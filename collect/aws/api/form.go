package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// form writes the parameters of the query and ec2 protocols.
func (w *writer) form(op *operation, params map[string]any) (*message, error) {
	f := &former{w: w, ec2: w.svc.proto == "ec2", values: url.Values{}}
	f.values.Set("Action", op.name)
	f.values.Set("Version", w.svc.version)
	if op.in >= 0 {
		if err := f.add(ref{shape: op.in}, "", any(orEmpty(params))); err != nil {
			return nil, err
		}
	}
	w.msg.body = []byte(f.values.Encode())
	w.msg.header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if op.method == http.MethodGet {
		return nil, fmt.Errorf("operation %s is sent by GET, which the %s protocol does not use", op.name, w.svc.proto)
	}
	return w.msg, nil
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

type former struct {
	w      *writer
	ec2    bool
	values url.Values
}

// name is a member's name in the form: EC2 has its own and capitalises the
// others, the query protocol takes the wire name.
func (f *former) name(r ref) string {
	switch {
	case f.ec2 && r.queryName != "":
		return r.queryName
	case f.ec2 && r.wire != "":
		return strings.ToUpper(r.wire[:1]) + r.wire[1:]
	}
	return r.wire
}

func (f *former) add(r ref, prefix string, v any) error {
	sh := f.w.svc.shapes[r.shape]
	switch sh.kind {
	case kindStruct:
		return f.addStruct(sh, prefix, v)
	case kindList:
		return f.addList(r, sh, prefix, v)
	case kindMap:
		return f.addMap(r, sh, prefix, v)
	}
	s, err := f.w.text(sh.kind, first(r.format, "iso8601"), v)
	if err != nil {
		return fmt.Errorf("parameter %s: %w", prefix, err)
	}
	f.values.Set(prefix, s)
	return nil
}

func (f *former) addStruct(sh shape, prefix string, v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("parameter %s: %T is no map[string]any", prefix, v)
	}
	for k, e := range m {
		r, err := f.w.use(sh, k)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", prefix, err)
		}
		name := f.name(r)
		if prefix != "" {
			name = prefix + "." + name
		}
		if err := f.add(r, name, e); err != nil {
			return err
		}
	}
	return nil
}

func (f *former) addList(r ref, sh shape, prefix string, v any) error {
	items, err := elements(v)
	if err != nil {
		return fmt.Errorf("parameter %s: %w", prefix, err)
	}
	elem := sh.refs[0]
	switch {
	case f.ec2:
	case len(items) == 0:
		f.values.Set(prefix, "")
	case r.flattened && elem.named:
		parts := strings.Split(prefix, ".")
		prefix = strings.Join(append(parts[:len(parts)-1], elem.wire), ".")
	case !r.flattened:
		prefix += "." + first(elem.wire, "member")
	}
	for i, e := range items {
		if err := f.add(elem, prefix+"."+strconv.Itoa(i+1), e); err != nil {
			return err
		}
	}
	return nil
}

func (f *former) addMap(r ref, sh shape, prefix string, v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("parameter %s: %T is no map[string]any", prefix, v)
	}
	if !r.flattened {
		prefix += ".entry"
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		at := prefix + "." + strconv.Itoa(i+1) + "."
		f.values.Set(at+first(sh.refs[0].wire, "key"), k)
		if err := f.add(sh.refs[1], at+first(sh.refs[1].wire, "value"), m[k]); err != nil {
			return err
		}
	}
	return nil
}
