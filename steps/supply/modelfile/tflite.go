package modelfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// flat reads flatbuffers in place, with every offset checked. A table is its
// position.
type flat struct {
	*proto
	size int
	err  error
}

var errFlat = errors.New("an offset that leads outside the file")

// bytes returns n bytes at an offset, zeros with an error outside the file.
func (f *flat) bytes(at, n int) []byte {
	if at < 0 || n < 0 || at > f.size-n {
		f.err = errFlat
		return make([]byte, min(max(n, 0), 8))
	}
	b := f.window(int64(at), n)
	if len(b) < n {
		f.err = errFlat
		return make([]byte, n)
	}
	return b[:n]
}

func (f *flat) u32(at int) int { return int(binary.LittleEndian.Uint32(f.bytes(at, 4))) }
func (f *flat) u16(at int) int { return int(binary.LittleEndian.Uint16(f.bytes(at, 2))) }

// slot returns where a field of a table lies, 0 if it is absent.
func (f *flat) slot(table, id int) int {
	v := table - int(int32(f.u32(table)))
	if f.err != nil || table <= 0 {
		f.err = errFlat
		return 0
	}
	if n := f.u16(v); 4+2*id+2 > n || f.err != nil {
		return 0
	}
	if o := f.u16(v + 4 + 2*id); o != 0 {
		return table + o
	}
	return 0
}

// follow returns where a field that is an offset leads, 0 if it is absent.
func (f *flat) follow(table, id int) int {
	at := f.slot(table, id)
	if at == 0 {
		return 0
	}
	return at + f.u32(at)
}

// vector returns the start and length of a vector of four-byte items.
func (f *flat) vector(table, id int) (at, n int) {
	v := f.follow(table, id)
	if v == 0 {
		return 0, 0
	}
	if n = f.u32(v); n > (f.size-v)/4 {
		f.err = errFlat
		return 0, 0
	}
	return v + 4, n
}

func (f *flat) text(table, id int) string {
	v := f.follow(table, id)
	if v == 0 {
		return ""
	}
	n := f.u32(v)
	if n > f.size-v-4 {
		f.err = errFlat
		return ""
	}
	return string(f.bytes(v+4, min(n, 64<<10)))
}

// tfliteCustom are custom operators that the runtime or its task library brings.
var tfliteCustom = wordSet("TFLite_Detection_PostProcess Convolution2DTransposeBias MaxPoolingWithArgmax2D MaxUnpooling2D Landmarks2TransformMatrix TransformLandmarks TransformTensorBilinear AudioSpectrogram Mfcc SentencepieceTokenizeOp RaggedTensorToTensor NumericVerify Irfft2d Rfft2d")

// tflite reads a TensorFlow Lite model: its operators by name.
func (s *scanner) tflite(it item) string {
	f := &flat{proto: s.proto(it), size: int(min(it.size, 1<<40))}
	root := f.u32(0)
	at, n := f.vector(root, 1)
	for i := range n {
		item := at + 4*i
		code := item + f.u32(item)
		name := f.text(code, 1)
		if f.err != nil {
			break
		}
		if name == "" {
			continue
		}
		if flex, ok := strings.CutPrefix(name, "Flex"); ok {
			s.tensorflowOp(it, flex, name, int64(code))
			continue
		}
		if !tfliteCustom[name] {
			s.find(it, "tflite-custom-op", Medium, int64(code), "CWE-829", fmt.Sprintf("the custom operator %.60q needs a shared library to be loaded", name))
		}
	}
	if text := f.text(root, 3); text != "" {
		s.metadata(it, "description", text)
	}
	if at, n := f.vector(root, 2); n == 0 || at == 0 {
		f.err = errors.New("a model without subgraphs")
	}
	if f.err != nil {
		s.find(it, "tflite-broken", Undecided, -1, "CWE-125", f.err.Error())
	}
	return "tflite"
}
