package modelfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Field numbers are those of onnx.proto (ModelProto, GraphProto, NodeProto,
// AttributeProto, TensorProto, FunctionProto).

func isONNX(h []byte, it item) bool {
	switch it.ext() {
	case ".onnx":
		return true
	case "", ".bin", ".model":
		// ir_version, then producer_name: what exporters write first.
		return len(h) > 8 && h[0] == 0x08 && h[1] > 0 && h[1] <= 20 && h[2] == 0x12 && int(h[3])+4 < len(h) && isText8(h[4:4+int(h[3])]) && h[3] > 2
	}
	return false
}

// onnxDomains are the operator sets that runtimes bring themselves.
var onnxDomains = map[string]bool{
	"": true, "ai.onnx": true, "ai.onnx.ml": true, "ai.onnx.preview": true, "ai.onnx.preview.training": true, "ai.onnx.training": true,
	"com.microsoft": true, "com.microsoft.nchwc": true, "com.microsoft.experimental": true, "com.ms.internal.nhwc": true,
}

type onnxScan struct {
	*proto
	s     *scanner
	it    item
	own   map[string]bool // functions the model brings, by domain.name
	used  map[string]int64
	depth int
}

// onnx reads a model's operators, functions, metadata and where its tensors lie.
func (s *scanner) onnx(it item) string {
	o := &onnxScan{proto: s.proto(it), s: s, it: it, own: map[string]bool{}, used: map[string]int64{}}
	graphs := 0
	err := o.walk(0, it.size, func(f field) error {
		switch f.num {
		case 7:
			graphs++
			return o.graph(f)
		case 14:
			k, v := o.pair(f)
			if k == "ort_config" {
				s.find(it, "onnx-session", Medium, f.off, "CWE-15", "it brings settings for the runtime's session, which may name files to write")
			}
			s.metadata(it, k, v)
		case 25:
			return o.function(f)
		case 2, 3, 4, 6:
			s.metadata(it, "onnx header", o.str(f))
		case 20:
			return o.sub(f, func(t field) error { return o.training(t) })
		}
		return nil
	})
	s.graphError(it, "onnx", err)
	if err == nil && graphs == 0 {
		s.find(it, "onnx-broken", Undecided, -1, "", "the model holds no graph")
	}
	for op, at := range o.used {
		if o.own[op] {
			continue
		}
		sev, why := Medium, "an operator of no runtime's own: it needs a shared library to be loaded"
		if strings.Contains(op, "PythonOp") || strings.HasSuffix(op, ".PyOp") || strings.HasSuffix(op, ".PyCustomOp") {
			sev, why = High, "an operator that runs Python code"
		}
		s.find(it, "onnx-custom-op", sev, at, "CWE-829", fmt.Sprintf("%.80q: %s", op, why))
	}
	return "onnx"
}

func (o *onnxScan) training(f field) error {
	if f.num == 1 || f.num == 2 {
		return o.graph(f)
	}
	return nil
}

func (o *onnxScan) pair(f field) (k, v string) {
	_ = o.sub(f, func(p field) error {
		switch p.num {
		case 1:
			k = o.str(p)
		case 2:
			v = o.text(p, 1<<20)
		}
		return nil
	})
	return k, v
}

func (o *onnxScan) function(f field) error {
	var name, domain string
	err := o.sub(f, func(p field) error {
		switch p.num {
		case 1:
			name = o.str(p)
		case 10:
			domain = o.str(p)
		case 7:
			return o.node(p)
		}
		return nil
	})
	if len(o.own) > 100_000 {
		return errors.New("more than 100,000 functions")
	}
	o.own[domain+"."+name] = true
	return err
}

func (o *onnxScan) graph(f field) error {
	if o.depth++; o.depth > 64 {
		return fmt.Errorf("graphs are nested deeper than 64")
	}
	defer func() { o.depth-- }()
	return o.sub(f, func(p field) error {
		switch p.num {
		case 1:
			return o.node(p)
		case 5:
			return o.tensor(p)
		case 15:
			return o.sub(p, func(q field) error {
				if q.num == 1 || q.num == 2 {
					return o.tensor(q)
				}
				return nil
			})
		}
		return nil
	})
}

func (o *onnxScan) node(f field) error {
	var op, domain string
	err := o.sub(f, func(p field) error {
		switch p.num {
		case 4:
			op = o.str(p)
		case 7:
			domain = o.str(p)
		case 5:
			return o.attribute(p)
		}
		return nil
	})
	if op == "EPContext" {
		o.s.find(o.it, "onnx-compiled", Medium, f.off, "CWE-829", "a part of it is a program compiled for a device, which cannot be looked into, or is named in another file")
	}
	if full := domain + "." + op; !onnxDomains[domain] || strings.Contains(op, "PythonOp") {
		if _, had := o.used[full]; !had && len(o.used) < 1000 {
			o.used[full] = f.off
		}
	}
	return err
}

func (o *onnxScan) attribute(f field) error {
	name := ""
	return o.sub(f, func(p field) error {
		switch p.num {
		case 5, 10:
			return o.tensor(p)
		case 6, 11:
			return o.graph(p)
		case 1:
			name = o.str(p)
		case 4:
			if name == "ep_cache_context" && p.n < 1<<12 {
				o.location(name, o.text(p, 1<<12), p.off)
			}
			if p.n > 8 && p.n < 1<<16 {
				o.s.metadata(o.it, "attribute", o.text(p, 1<<16))
			}
		}
		return nil
	})
}

// tensor looks at where an external tensor's data lies.
func (o *onnxScan) tensor(f field) error {
	var t onnxTensor
	err := o.sub(f, func(p field) error {
		switch p.num {
		case 1:
			return o.dims(&t, p)
		case 2:
			t.kind = p.val
		case 8:
			t.name = o.str(p)
		case 9:
			t.data, t.size = p.off, p.n
		case 13:
			k, v := o.pair(p)
			if k == "location" {
				o.location(t.name, v, p.off)
			}
		}
		return nil
	})
	if err == nil && t.name != "" {
		o.s.tensor(o.it, t.name, fmt.Sprintf("onnx-%d", t.kind), t.shape, t.data, t.size)
	}
	return err
}

type onnxTensor struct {
	name       string
	kind       uint64
	shape      []uint64
	data, size int64
}

// dims reads one dimension, or several packed into one field.
func (o *onnxScan) dims(t *onnxTensor, p field) error {
	if p.wire == 0 {
		t.shape = append(t.shape, p.val)
		return nil
	}
	b := []byte(o.str(p))
	for len(b) > 0 && len(t.shape) < 64 {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			return fmt.Errorf("%w: bad dimensions at offset %d", errProto, p.off)
		}
		t.shape, b = append(t.shape, v), b[k:]
	}
	return nil
}

func (o *onnxScan) location(name, v string, at int64) {
	switch {
	case escapes(v), strings.Contains(v, "://"):
		o.s.find(o.it, "external-data-traversal", High, at, "CWE-22", fmt.Sprintf("tensor %.60q takes its data from %.120q, outside the model's folder", name, v))
	case v == "*/_ORT_MEM_ADDR_/*":
		o.s.find(o.it, "external-data-memory", High, at, "CWE-125", fmt.Sprintf("tensor %.60q takes its data from an address in the runtime's memory", name))
	}
}
