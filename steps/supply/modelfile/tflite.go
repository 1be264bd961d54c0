package modelfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// flat reads flatbuffers with every offset checked. A table is its position.
type flat struct {
	b   []byte
	err error
}

var errFlat = errors.New("an offset that leads outside the file")

func (f *flat) u32(at int) int {
	if at < 0 || at+4 > len(f.b) {
		f.err = errFlat
		return 0
	}
	return int(binary.LittleEndian.Uint32(f.b[at:]))
}

// slot returns where a field of a table lies, 0 if it is absent.
func (f *flat) slot(table, id int) int {
	if table <= 0 || table+4 > len(f.b) {
		f.err = errFlat
		return 0
	}
	v := table - int(int32(binary.LittleEndian.Uint32(f.b[table:])))
	if v < 0 || v+4 > len(f.b) {
		f.err = errFlat
		return 0
	}
	n := int(binary.LittleEndian.Uint16(f.b[v:]))
	if 4+2*id+2 > n || v+4+2*id+2 > len(f.b) {
		return 0
	}
	o := int(binary.LittleEndian.Uint16(f.b[v+4+2*id:]))
	if o == 0 {
		return 0
	}
	return table + o
}

// follow returns where a field that is an offset leads, 0 if it is absent.
func (f *flat) follow(table, id int) int {
	at := f.slot(table, id)
	if at == 0 {
		return 0
	}
	to := at + f.u32(at)
	if to <= 0 || to+4 > len(f.b) {
		f.err = errFlat
		return 0
	}
	return to
}

// vector returns the start and length of a vector of four-byte items.
func (f *flat) vector(table, id int) (at, n int) {
	v := f.follow(table, id)
	if v == 0 {
		return 0, 0
	}
	n = f.u32(v)
	if n < 0 || n > (len(f.b)-v)/4 {
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
	if n < 0 || v+4+n > len(f.b) {
		f.err = errFlat
		return ""
	}
	return string(f.b[v+4 : v+4+n])
}

// tfliteCustom are custom operators that the runtime or its task library brings.
var tfliteCustom = wordSet("TFLite_Detection_PostProcess Convolution2DTransposeBias MaxPoolingWithArgmax2D MaxUnpooling2D Landmarks2TransformMatrix TransformLandmarks TransformTensorBilinear AudioSpectrogram Mfcc SentencepieceTokenizeOp RaggedTensorToTensor NumericVerify Irfft2d Rfft2d")

// tflite reads a TensorFlow Lite model: its operators by name.
func (s *scanner) tflite(it item) string {
	// A model of gigabytes keeps its buffers behind its tables or outside of the
	// flatbuffer, so its first part is enough only if no offset leads beyond it.
	if it.size > 2<<30 {
		s.find(it, "limit-header", Undecided, -1, "CWE-400", "a flatbuffer of more than 2 GiB")
		return "tflite"
	}
	f := &flat{b: s.head(it, 0, int(it.size))}
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
