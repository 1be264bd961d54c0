package modelfile

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// coreML reads a Core ML model: what Apple's runtime computes itself holds no
// code; custom layers and models name classes of the app (Model.proto,
// NeuralNetwork.proto, CustomModel.proto).
func (s *scanner) coreML(it item) string {
	p := s.proto(it)
	err := p.walk(0, it.size, func(f field) error { return s.coreMLField(it, p, f, 0) })
	s.graphError(it, "coreml", err)
	return "coreml"
}

func (s *scanner) coreMLField(it item, p *proto, f field, depth int) error {
	if depth > 16 {
		return fmt.Errorf("models are nested deeper than 16")
	}
	switch f.num {
	case 1:
		if f.wire != 0 || f.val == 0 || f.val > 100 {
			return fmt.Errorf("%w: no specification version", errProto)
		}
	case 2: // description: metadata is field 100, its userDefined pairs are field 100 there
		return p.sub(f, func(d field) error {
			if d.num == 100 {
				return p.sub(d, func(m field) error {
					if m.wire == 2 {
						s.metadata(it, "coreml metadata", p.text(m, 1<<16))
					}
					return nil
				})
			}
			return nil
		})
	case 555:
		s.find(it, "coreml-custom", Medium, f.off, "CWE-829", "a custom model: its class comes from the app")
	case 556:
		s.find(it, "coreml-linked", Medium, f.off, "CWE-829", "a linked model: it is taken from a file named by the app")
	case 200, 201, 202: // pipelines
		return p.sub(f, func(q field) error {
			if f.num == 202 && q.num == 1 {
				return p.sub(q, func(m field) error { return s.coreMLField(it, p, m, depth+1) })
			}
			if f.num != 202 && q.num == 1 {
				return p.sub(q, func(r field) error {
					if r.num == 1 {
						return p.sub(r, func(m field) error { return s.coreMLField(it, p, m, depth+1) })
					}
					return nil
				})
			}
			return nil
		})
	case 500, 303, 403: // neural networks: general, regressor, classifier
		return p.sub(f, func(l field) error {
			if l.num != 1 {
				return nil
			}
			return p.sub(l, func(x field) error {
				if x.num == 500 && x.wire == 2 {
					s.find(it, "coreml-custom", Medium, x.off, "CWE-829", "a custom layer: its class comes from the app")
				}
				return nil
			})
		})
	}
	return nil
}

// paddleOps are operators of PaddlePaddle that reach beyond tensors.
var paddleOps = map[string]string{
	"py_func": "runs Python code of the process", "py_layer": "runs Python code of the process", "run_program": "runs another program", "save": "writes a file", "load": "reads a file",
	"save_combine": "writes a file", "load_combine": "reads a file", "read_file": "reads a file", "send": "opens a connection", "recv": "opens a connection", "listen_and_serv": "opens a server", "heter_listen_and_serv": "opens a server", "custom_op": "needs a shared library",
}

// paddleProgram reads a PaddlePaddle program (framework.proto: ProgramDesc).
func (s *scanner) paddleProgram(it item) string {
	p := s.proto(it)
	ops := 0
	err := p.walk(0, it.size, func(b field) error {
		if b.num != 1 {
			return nil
		}
		return p.sub(b, func(o field) error {
			if o.num != 4 {
				return nil
			}
			return p.sub(o, func(x field) error {
				if x.num != 3 {
					return nil
				}
				ops++
				typ := p.str(x)
				if why, bad := paddleOps[typ]; bad || strings.HasPrefix(typ, "custom_") {
					s.find(it, "paddle-op", High, x.off, "CWE-94", fmt.Sprintf("the program's operator %.60s %s", typ, why))
				}
				return nil
			})
		})
	})
	s.graphError(it, "paddle", err)
	if err == nil && ops == 0 {
		s.find(it, "paddle-broken", Undecided, -1, "", "no operator was found in it")
	}
	return "paddle"
}

func isPaddleParams(h []byte, it item) bool {
	return it.ext() == ".pdiparams" && len(h) > 20 && binary.LittleEndian.Uint32(h) == 0
}

// paddleParams steps through PaddlePaddle's combined tensors: a version, the
// levels of detail, a description, the bytes.
func (s *scanner) paddleParams(it item) string {
	c := newCursor(it, 0)
	for c.left() > 0 && c.err == nil {
		if v := c.u32(); v != 0 && c.err == nil {
			c.fail(fmt.Errorf("tensor version %d at offset %d", v, c.pos))
		}
		for range min(c.u64(), 64) {
			c.skip(c.u64())
		}
		if v := c.u32(); v != 0 && c.err == nil {
			c.fail(fmt.Errorf("tensor version %d at offset %d", v, c.pos))
		}
		desc := c.text(uint64(c.u32()), 4096)
		n, err := paddleTensorSize([]byte(desc))
		if err != nil {
			c.fail(err)
		}
		c.skip(n)
	}
	if c.err != nil {
		s.header(it, "paddle", c.err)
	}
	return "paddle-params"
}

// paddleTensorSize is the byte length of a VarType.TensorDesc.
func paddleTensorSize(b []byte) (uint64, error) {
	widths := map[uint64]uint64{0: 1, 1: 2, 2: 4, 3: 8, 4: 2, 5: 4, 6: 8, 20: 1, 21: 1, 22: 2, 23: 8, 24: 16, 32: 1, 33: 1}
	var width uint64
	n := uint64(1)
	for len(b) > 0 {
		key, k := binary.Uvarint(b)
		if k <= 0 || k >= len(b) {
			return 0, errFormat
		}
		v, j := binary.Uvarint(b[k:])
		if j <= 0 {
			return 0, errFormat
		}
		b = b[k+j:]
		switch key {
		case 8:
			w, ok := widths[v]
			if !ok {
				return 0, errFormat
			}
			width = w
		case 16:
			n *= v
		case 18: // packed
			if v > uint64(len(b)) {
				return 0, errFormat
			}
			part := b[:v]
			b = b[v:]
			for len(part) > 0 {
				d, k := binary.Uvarint(part)
				if k <= 0 {
					return 0, errFormat
				}
				n *= d
				part = part[k:]
			}
		default:
			return 0, errFormat
		}
		if n > 1<<48 {
			return 0, errFormat
		}
	}
	return n * width, nil
}
