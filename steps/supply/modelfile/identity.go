package modelfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile/pickle"
)

// Tensor is one tensor of a model.
type Tensor struct {
	Name   string   `json:"name"`
	Type   string   `json:"type"` // as the format spells it
	Shape  []uint64 `json:"shape"`
	Bytes  int64    `json:"bytes"`
	SHA256 string   `json:"sha256,omitempty"` // hex of its bytes; empty where they do not lie in the file as one piece
}

// Identity is what a model is, apart from the file it comes in.
type Identity struct {
	Format     string   `json:"format"`
	SHA256     string   `json:"sha256"` // hex, of the file
	Parameters uint64   `json:"parameters"`
	Tensors    []Tensor `json:"tensors,omitempty"` // by name

	// Architecture is a hash of the names and shapes of all tensors. A fine-tune
	// has that of its base, whatever it changed the numbers or their type to.
	// Empty if the file holds no tensors that could be read.
	Architecture string `json:"architecture,omitempty"`
}

// tensorAt is a tensor and where its bytes lie.
type tensorAt struct {
	Tensor
	r   io.ReaderAt
	off int64
}

// tensor tells of a tensor whose bytes lie in it at off; size 0 with a shape that
// is not empty means that they do not.
func (s *scanner) tensor(it item, name, typ string, shape []uint64, off, size int64) {
	if s.tensors == nil {
		return
	}
	s.tensors(tensorAt{Tensor{Name: name, Type: typ, Shape: slices.Clone(shape), Bytes: size}, it.r, off})
}

// torchTypes are the bytes of an element of torch's storages.
var torchTypes = map[string]int64{
	"FloatStorage": 4, "DoubleStorage": 8, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8, "IntStorage": 4, "ShortStorage": 2,
	"CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1, "ComplexFloatStorage": 8, "ComplexDoubleStorage": 16, "QInt8Storage": 1, "QUInt8Storage": 1, "QInt32Storage": 4,
	"Float8_e4m3fnStorage": 1, "Float8_e5m2Storage": 1,
}

// torchTensor finds the bytes of a tensor among the records of its archive.
func (s *scanner) torchTensor(it item, t pickle.Tensor) {
	shape, n, whole := make([]uint64, len(t.Shape)), int64(1), true
	for i := len(t.Shape) - 1; i >= 0; i-- {
		shape[i] = uint64(t.Shape[i])
		// The bytes are one piece if the strides are those of a plain array.
		whole = whole && (i < len(t.Strides) && t.Strides[i] == n || t.Shape[i] == 1)
		if n *= t.Shape[i]; n > 1<<48 {
			return
		}
	}
	typ := strings.TrimSuffix(t.Storage, "Storage")
	width := torchTypes[t.Storage]
	e, known := s.records["data/"+t.Key]
	if !known || !whole || width == 0 || e.method != 0 || e.data < 0 || t.Offset > 1<<48 || (t.Offset+n)*width > e.packed {
		s.tensor(it, t.Name, typ, shape, 0, 0)
		return
	}
	s.tensor(s.recordsOf, t.Name, typ, shape, e.data+t.Offset*width, n*width)
}

// Identify says what a model is: its tensors with the hash of each, and the
// fingerprint of its architecture, beside the report that Scan gives. All bytes of
// the file are read.
func Identify(ctx context.Context, name string, r io.ReaderAt, size int64, lim Limits) (Identity, Report) {
	lim.Digest = true
	var found []tensorAt
	rep := run(ctx, name, r, size, nil, lim, func(t tensorAt) { found = append(found, t) })
	id := Identity{Format: rep.Format, SHA256: rep.SHA256}
	for _, t := range found {
		n := uint64(1)
		for _, d := range t.Shape {
			n *= d
		}
		id.Parameters += n
		if t.Bytes > 0 || n == 0 {
			h := sha256.New()
			if got, err := io.Copy(h, &contextReader{ctx, io.NewSectionReader(t.r, t.off, t.Bytes)}); err == nil && got == t.Bytes {
				t.SHA256 = hex.EncodeToString(h.Sum(nil))
			}
		}
		id.Tensors = append(id.Tensors, t.Tensor)
	}
	slices.SortStableFunc(id.Tensors, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	// The tensors of a whole module bear the names they have in their layers; the
	// second of a name is told from the first by its place.
	seen := map[string]int{}
	for i := range id.Tensors {
		t := &id.Tensors[i]
		if seen[t.Name]++; seen[t.Name] > 1 {
			t.Name = fmt.Sprintf("%s#%d", t.Name, seen[t.Name])
		}
	}
	if len(id.Tensors) > 0 {
		h := sha256.New()
		for _, t := range id.Tensors {
			fmt.Fprintf(h, "%q %d\n", t.Name, t.Shape)
		}
		id.Architecture = hex.EncodeToString(h.Sum(nil))
	}
	return id, rep
}

// Kinship is how two models relate, tensor by tensor.
type Kinship struct {
	SameArchitecture bool
	Equal            int // tensors of one name, shape and hash
	Changed          int // of one name and shape, with other bytes
	Reshaped         int // of one name, with another shape
	Unknown          int // of one name and shape, at least one without a hash
	OnlyFirst        int
	OnlySecond       int
}

// Compare relates two models. A fine-tune of a base has its architecture, or
// shares most names with it and leaves some tensors as they were.
func Compare(a, b Identity) Kinship {
	k := Kinship{SameArchitecture: a.Architecture != "" && a.Architecture == b.Architecture}
	first := map[string]Tensor{}
	for _, t := range a.Tensors {
		first[t.Name] = t
	}
	for _, t := range b.Tensors {
		base, ok := first[t.Name]
		delete(first, t.Name)
		switch {
		case !ok:
			k.OnlySecond++
		case !slices.Equal(base.Shape, t.Shape):
			k.Reshaped++
		case base.SHA256 == "" || t.SHA256 == "":
			k.Unknown++
		case base.SHA256 == t.SHA256:
			k.Equal++
		default:
			k.Changed++
		}
	}
	k.OnlyFirst = len(first)
	return k
}
