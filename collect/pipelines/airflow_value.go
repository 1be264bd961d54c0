package pipelines

import (
	"slices"
	"strings"
)

func (a *air) argument(e *expr, name string) *expr {
	for _, arg := range e.args {
		if arg.name == name {
			return arg.v
		}
	}
	return nil
}

func (a *air) oneOf(e *expr, list []string) (*expr, string) {
	for _, name := range list {
		if v := a.argument(e, name); v != nil {
			return v, name
		}
	}
	return nil, ""
}

// slot is what a call's arguments say of one place: no address, and a note, where it is
// computed.
func (a *air) slot(s slot, e *expr, job, class string) (out []string) {
	container, cname := a.oneOf(e, s.bucket)
	key, kname := a.oneOf(e, s.key)
	open := func(what string, line int) {
		a.d.unknown(a.file, line, "the argument %s of %s is computed", what, job)
	}
	if s.scheme == "connection" {
		id, table := "default", ""
		if container != nil {
			v, whole, ok := a.text(container, 0)
			if !ok || !whole {
				open(cname, container.line)
				return nil
			}
			id = v
		} else if len(s.bucket) > 0 {
			id = strings.TrimSuffix(s.bucket[0], "_conn_id") + "_default"
		}
		if key != nil {
			v, whole, ok := a.text(key, 0)
			if !ok || !whole {
				open(kname, key.line)
				return []string{"connection://" + id}
			}
			table = v
			if schema := a.argument(e, "schema"); schema != nil && kname == "table" {
				if v, whole, ok := a.text(schema, 0); ok && whole && v != "" {
					table = v + "." + table
				}
			}
		}
		return []string{strings.TrimSuffix("connection://"+id+"/"+table, "/")}
	}
	if container == nil && key == nil {
		if e.star {
			open(strings.Join(append(slices.Clone(s.bucket), s.key...), " or "), e.line)
		} else if !a.optional(s, class) {
			a.d.unknown(a.file, e.line, "%s names no %s", job, strings.Join(append(slices.Clone(s.bucket), s.key...), " and no "))
		}
		return nil
	}
	for _, k := range a.texts(key) {
		if k.ok && strings.Contains(k.s, "://") {
			if isAddress(k.s) {
				out = append(out, place(plain(k.s), k.whole, s.folder))
			} else {
				open(kname, k.line)
			}
			continue
		}
		if container == nil {
			open(kname, k.line)
			continue
		}
		for _, b := range a.texts(container) {
			switch {
			case !b.ok || !b.whole || b.s == "":
				open(cname, b.line)
			case strings.Contains(b.s, "://"):
				out = append(out, plain(b.s))
			case s.scheme == "dynamodb" || s.scheme == "bigquery":
				out = append(out, s.scheme+"://"+strings.ReplaceAll(b.s, ":", "."))
			case key == nil:
				out = append(out, s.scheme+"://"+b.s+"/")
			default: // of a key of which nothing is known it is somewhere in the bucket
				out = append(out, place(plain(s.scheme+"://"+b.s+"/"+strings.TrimPrefix(k.s, "/")), k.ok && k.whole, s.folder))
			}
		}
	}
	return out
}

// optional reports whether an operator works without naming a place of a slot.
func (a *air) optional(s slot, class string) bool {
	return class == "AthenaOperator"
}

// place is an address of which all is known, or its beginning: then it ends at a folder,
// in which it lies.
func place(uri string, whole, folder bool) string {
	if uri, _, star := strings.Cut(uri, "*"); star {
		return uri[:strings.LastIndexByte(uri, '/')+1]
	}
	if !whole && !folder {
		return uri[:strings.LastIndexByte(uri, '/')+1]
	}
	return uri
}

// known is a text as far as it is known: its beginning if not the whole.
type known struct {
	s         string
	whole, ok bool
	line      int
}

// texts are the texts of an argument that is one or a list of them. For none it is one that
// is empty.
func (a *air) texts(e *expr) []known {
	if e == nil {
		return []known{{whole: true, ok: true}}
	}
	if e.kind == isName {
		if v := a.value(e.s); v != nil && v.kind == isList {
			e = v
		}
	}
	if e.kind == isList && !e.star && len(e.items) > 0 {
		var out []known
		for _, item := range e.items {
			s, whole, ok := a.text(item, 0)
			out = append(out, known{s, whole, ok, item.line})
		}
		return out
	}
	s, whole, ok := a.text(e, 0)
	return []known{{s, whole, ok, e.line}}
}

// value is what a name is set to, nil if not to one thing only.
func (a *air) value(name string) *expr {
	if v := a.set[name]; len(v) == 1 && !a.loose[name] {
		return v[0]
	}
	return nil
}

// maxText bounds a text that is put together: names may stand for one another many times over.
const maxText = 4096

// maxLooked bounds how many texts are put together of one file.
const maxLooked = 300_000

// text is the text an expression stands for: as much of its beginning as is known, and
// whether that is all. False if it is no text, or nothing of it is known.
func (a *air) text(e *expr, depth int) (s string, whole, ok bool) {
	if a.looked++; depth > 20 || a.looked > maxLooked {
		return "", false, false
	}
	switch e.kind {
	case isName:
		if v := a.value(e.s); v != nil && v != e {
			return a.text(v, depth+1)
		}
		return "", false, false
	case isCall:
		if uri := a.asset(e, depth+1); uri != "" {
			return uri, true, true
		}
		return "", false, false
	case isText:
	default:
		return "", false, false
	}
	var b strings.Builder
	put := func(name string) bool {
		v := a.value(name)
		if name == "" || v == nil {
			return false
		}
		s, whole, ok := a.text(v, depth+1)
		b.WriteString(s)
		return ok && whole && b.Len() <= maxText
	}
	for _, p := range e.parts {
		if p.kind == word {
			if !put(p.s) {
				return b.String(), false, b.Len() > 0
			}
			continue
		}
		at := 0
		for _, h := range p.holes {
			b.WriteString(p.s[at:h.at])
			at = h.at
			if !put(h.name) {
				return b.String(), false, b.Len() > 0
			}
		}
		b.WriteString(p.s[at:])
		if !p.whole {
			return b.String(), false, true
		}
	}
	if before, _, is := strings.Cut(b.String(), "{{"); is && !a.templates { // Airflow fills it in when the task runs
		return before, false, before != ""
	}
	return b.String(), true, true
}

// asset is the address of a Dataset or Asset.
func (a *air) asset(e *expr, depth int) string {
	name := e.s[strings.LastIndexByte(e.s, '.')+1:]
	if name != "Dataset" && name != "Asset" {
		return ""
	}
	v := a.argument(e, "uri")
	if v == nil && len(e.items) > 0 {
		v = e.items[0]
	}
	if v == nil {
		v = a.argument(e, "name")
	}
	if v == nil {
		return ""
	}
	s, whole, ok := a.text(v, depth)
	switch {
	case !ok || !whole:
		return ""
	case isAddress(s):
		return plain(s)
	}
	return "asset://" + s
}

// assets are the addresses of the assets in a list of them. Of what is computed there is a
// note.
func (a *air) assets(e *expr, depth int) (out []string) {
	if depth > 20 {
		return nil
	}
	switch e.kind {
	case isName:
		if v := a.value(e.s); v != nil && v != e {
			return a.assets(v, depth+1)
		}
	case isList:
		for _, item := range e.items {
			got := a.assets(item, depth+1)
			if len(got) == 0 && depth == 0 && len(e.items) > 1 {
				a.d.unknown(a.file, item.line, "an asset in a list is computed")
			}
			out = append(out, got...)
		}
		return out
	case isText:
		if s, whole, ok := a.text(e, 0); ok && whole && isAddress(s) {
			return []string{plain(s)}
		}
	case isCall:
		if uri := a.asset(e, 0); uri != "" {
			return []string{uri}
		}
	}
	return nil
}

// config reads the request of a job of SageMaker's that a task holds.
func (a *air) config(e *expr, arg, job, class, at string) {
	v := a.argument(e, arg)
	if v != nil && v.kind == isName {
		v = a.value(v.s)
	}
	if v == nil || v.kind != isDict {
		a.d.unknown(a.file, e.line, "the argument %s of %s is computed", arg, job)
		return
	}
	a.request(v, job, at, "", 0)
}

// request looks for places in a request by the names around them, which SageMaker's API
// gives.
func (a *air) request(v *expr, job, at, around string, depth int) {
	if depth > maxDepth {
		return
	}
	if v.kind == isName {
		if set := a.value(v.s); set != nil {
			v = set
		}
	}
	switch v.kind {
	case isList:
		for _, item := range v.items {
			a.request(item, job, at, around, depth+1)
		}
	case isDict:
		for i, item := range v.items {
			key := ""
			if i < len(v.keys) {
				key, _, _ = a.text(v.keys[i], 0)
			}
			switch key {
			case "InputDataConfig", "ProcessingInputs", "TransformInput":
				a.request(item, job, at, "in", depth+1)
			case "OutputDataConfig", "ProcessingOutputConfig", "TransformOutput", "CheckpointConfig", "DataCaptureConfig":
				a.request(item, job, at, "out", depth+1)
			case "S3Uri", "S3OutputPath", "S3OutputLocation", "DestinationS3Uri", "ModelDataUrl", "LocalPath":
				a.spot(item, key, job, at, around)
			default:
				a.request(item, job, at, around, depth+1)
			}
		}
	case isOther, isName, isCall:
		if around != "" {
			a.d.unknown(a.file, v.line, "a part of the request of %s that tells where its data lies is computed", job)
		}
	}
}

// spot is one place of a request.
func (a *air) spot(v *expr, key, job, at, around string) {
	if key == "LocalPath" {
		return
	}
	s, whole, ok := a.text(v, 0)
	if !ok || !isAddress(s) {
		a.d.unknown(a.file, v.line, "%s of the request of %s is computed", key, job)
		return
	}
	uri := place(plain(s), whole, true)
	switch {
	case key == "ModelDataUrl", around == "in":
		a.d.flow(uri, job, at+", "+key)
	case around == "out", strings.Contains(key, "Output"), key == "DestinationS3Uri":
		a.d.flow(job, uri, at+", "+key)
	default:
		a.d.unknown(a.file, v.line, "which way %s of the request of %s is used is not known", key, job)
	}
}
