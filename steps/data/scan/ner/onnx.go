package ner

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// tensor is one stored array of an ONNX file.
type tensor struct {
	dims []int
	kind int // 1 float, 2 unsigned byte
	raw  []byte
}

var errONNX = errors.New("the file is not the ONNX model expected")

// graph holds the stored arrays of a model, and for each four-bit matrix
// product the names of its weights and scales.
type graph struct {
	tensors  map[string]tensor
	products map[string][2]string // node name -> weights, scales
}

// readGraph reads an ONNX file: a protobuf message whose graph (field 7) holds
// nodes (1) and initializers (5).
func readGraph(b []byte) (*graph, error) {
	g := &graph{tensors: map[string]tensor{}, products: map[string][2]string{}}
	err := eachField(b, func(n int, v []byte, _ uint64) error {
		if n != 7 {
			return nil
		}
		return eachField(v, func(n int, v []byte, _ uint64) error {
			switch n {
			case 1:
				return g.node(v)
			case 5:
				return g.tensor(v)
			}
			return nil
		})
	})
	return g, err
}

func (g *graph) node(b []byte) error {
	var inputs []string
	var name, op string
	err := eachField(b, func(n int, v []byte, _ uint64) error {
		switch n {
		case 1:
			inputs = append(inputs, string(v))
		case 3:
			name = string(v)
		case 4:
			op = string(v)
		}
		return nil
	})
	if op == "MatMulNBits" && len(inputs) >= 3 {
		g.products[name] = [2]string{inputs[1], inputs[2]}
	}
	return err
}

func (g *graph) tensor(b []byte) error {
	var t tensor
	var name string
	err := eachField(b, func(n int, v []byte, x uint64) error {
		switch n {
		case 1:
			if v == nil {
				t.dims = append(t.dims, int(x))
			}
			for len(v) > 0 {
				d, k := binary.Uvarint(v)
				if k <= 0 {
					return errONNX
				}
				t.dims, v = append(t.dims, int(d)), v[k:]
			}
		case 2:
			t.kind = int(x)
		case 4: // floats, packed or one
			if v == nil {
				v = binary.LittleEndian.AppendUint32(nil, uint32(x))
			}
			t.raw = append(t.raw, v...)
		case 5: // small integers: a byte each here
			if v == nil {
				t.raw = append(t.raw, byte(x))
			}
			for len(v) > 0 {
				d, k := binary.Uvarint(v)
				if k <= 0 {
					return errONNX
				}
				t.raw, v = append(t.raw, byte(d)), v[k:]
			}
		case 8:
			name = string(v)
		case 9:
			t.raw = v
		}
		return nil
	})
	g.tensors[name] = t
	return err
}

// eachField hands every field of a protobuf message to yield: bytes for those
// with a length, else nil and the number.
func eachField(b []byte, yield func(number int, v []byte, x uint64) error) error {
	for len(b) > 0 {
		tag, k := binary.Uvarint(b)
		if k <= 0 {
			return errONNX
		}
		b = b[k:]
		var v []byte
		var x uint64
		switch tag & 7 {
		case 0:
			if x, k = binary.Uvarint(b); k <= 0 {
				return errONNX
			}
			b = b[k:]
		case 1, 5:
			size := 8
			if tag&7 == 5 {
				size = 4
			}
			if len(b) < size {
				return errONNX
			}
			for i := range size {
				x |= uint64(b[i]) << (8 * i)
			}
			b = b[size:]
		case 2:
			n, k := binary.Uvarint(b)
			if k <= 0 || n > uint64(len(b)-k) {
				return errONNX
			}
			v, b = b[k:k+int(n):k+int(n)], b[k+int(n):]
			if v == nil {
				v = []byte{}
			}
		default:
			return errONNX
		}
		if err := yield(int(tag>>3), v, x); err != nil {
			return err
		}
	}
	return nil
}

// floats is a stored array of n floats.
func (g *graph) floats(name string, n int) ([]float32, error) {
	t, ok := g.tensors[name]
	if !ok || t.kind != 1 || len(t.raw) != 4*n {
		return nil, fmt.Errorf("%w: %s", errONNX, name)
	}
	all := make([]float32, n)
	for i := range all {
		all[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.raw[4*i:]))
	}
	return all, nil
}

// table is an embedding of rows of width, each value a byte with one scale and
// one zero for all.
type table struct {
	q     []byte
	width int
	scale float32
	zero  float32
}

func (g *graph) table(name string, rows, width int) (table, error) {
	q, ok := g.tensors[name+"_quantized"]
	scale, err := g.floats(name+"_scale", 1)
	zero := g.tensors[name+"_zero_point"]
	if !ok || err != nil || q.kind != 2 || len(q.raw) != rows*width || len(zero.raw) > 1 {
		return table{}, fmt.Errorf("%w: %s", errONNX, name)
	}
	t := table{q: q.raw, width: width, scale: scale[0]}
	if len(zero.raw) == 1 {
		t.zero = float32(zero.raw[0])
	}
	return t, nil
}

// addRow adds a row to dst.
func (t table) addRow(dst []float32, row int) {
	q := t.q[row*t.width : (row+1)*t.width]
	for i, c := range q {
		dst[i] += (float32(c) - t.zero) * t.scale
	}
}

// product is a matrix of in rows and out columns with its bias, laid out for
// the kernel: panels of sixteen columns, each row after row.
type product struct {
	in, out int
	panels  []float32
	bias    []float32 // as many as the columns of all panels
}

// block is how many weights share a scale.
const block = 32

// product unpacks the weights of a four-bit matrix product: two weights a byte,
// the lower half first, eight being nothing.
func (g *graph) product(node, bias string, in, out int) (product, error) {
	names, ok := g.products[node]
	q := g.tensors[names[0]]
	scales, err := g.floats(names[1], out*in/block)
	b, errB := g.floats(bias, out)
	if !ok || err != nil || errB != nil || q.kind != 2 || len(q.raw) != out*in/2 {
		return product{}, fmt.Errorf("%w: %s", errONNX, node)
	}
	wide := (out + columns - 1) / columns * columns
	p := product{in: in, out: out, panels: make([]float32, wide*in), bias: make([]float32, wide)}
	copy(p.bias, b)
	for c := range out {
		panel := p.panels[c/columns*columns*in:]
		for k := range in {
			v := q.raw[(c*in+k)/2]
			if k%2 == 1 {
				v >>= 4
			}
			panel[k*columns+c%columns] = (float32(v&15) - 8) * scales[(c*in+k)/block]
		}
	}
	return p, nil
}
