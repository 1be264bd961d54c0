package ner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
)

// The sizes of the model.
const (
	layers    = 6
	width     = 384
	heads     = 12
	headWidth = width / heads
	inner     = 1536
	words     = 19730
	longest   = 512 // tokens in one reading, the two marks included
	labels    = 35
)

// Files lists the files a folder must hold for Load, with the SHA-256 each must
// have.
var Files = map[string]string{
	"model_q4.onnx": "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5",
	"vocab.txt":     "0fbe6b50061feabb9be68af471e9aa6df07a4bc428bdca4b0eff1fcd3612dee5",
}

// Model is a loaded model. It may be used from many goroutines.
type Model struct {
	vocabulary *vocabulary
	word       table
	position   table
	kind       table
	norm       scaling
	layer      [layers]layer
	classifier product
	pool       sync.Pool
}

type layer struct {
	query, key, value, attended product
	up, down                    product
	first, second               scaling
}

// scaling is what a layer's normalization multiplies and adds.
type scaling struct{ weight, bias []float32 }

// Load reads the model from a folder. The error says which file is missing or
// is not the one expected.
func Load(folder string) (*Model, error) {
	content := map[string][]byte{}
	for name, want := range Files {
		b, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, fmt.Errorf("the model for names: %w\nhint: make models", err)
		}
		sum := sha256.Sum256(b)
		if got := hex.EncodeToString(sum[:]); got != want {
			return nil, fmt.Errorf("the model for names: %s is not the file expected: its SHA-256 is %s, not %s\nhint: make models", name, got, want)
		}
		content[name] = b
	}
	g, err := readGraph(content["model_q4.onnx"])
	if err != nil {
		return nil, fmt.Errorf("the model for names: %w", err)
	}
	m, err := build(g)
	if err != nil {
		return nil, fmt.Errorf("the model for names: %w", err)
	}
	m.vocabulary = newVocabulary(content["vocab.txt"])
	if len(m.vocabulary.ids) != words {
		return nil, fmt.Errorf("the model for names: the vocabulary has %d words, not %d", len(m.vocabulary.ids), words)
	}
	return m, nil
}

// build takes the weights by name.
func build(g *graph) (*Model, error) {
	m := &Model{}
	var err error
	keep := func(e error) {
		if err == nil {
			err = e
		}
	}
	tab := func(dst *table, name string, n int) {
		t, e := g.table("bert.embeddings."+name+"_embeddings.weight", n, width)
		*dst = t
		keep(e)
	}
	norm := func(dst *scaling, name string) {
		var e error
		dst.weight, e = g.floats(name+".LayerNorm.weight", width)
		keep(e)
		dst.bias, e = g.floats(name+".LayerNorm.bias", width)
		keep(e)
	}
	dense := func(dst *product, layer, name string, in, out int) {
		p, e := g.product("/bert/encoder/layer."+layer+"/"+name+"/MatMul_Q4", "bert.encoder.layer."+layer+"."+dots(name)+".bias", in, out)
		*dst = p
		keep(e)
	}
	tab(&m.word, "word", words)
	tab(&m.position, "position", longest)
	tab(&m.kind, "token_type", 2)
	norm(&m.norm, "bert.embeddings")
	for i := range m.layer {
		l, n := &m.layer[i], string(rune('0'+i))
		dense(&l.query, n, "attention/self/query", width, width)
		dense(&l.key, n, "attention/self/key", width, width)
		dense(&l.value, n, "attention/self/value", width, width)
		dense(&l.attended, n, "attention/output/dense", width, width)
		dense(&l.up, n, "intermediate/dense", width, inner)
		dense(&l.down, n, "output/dense", inner, width)
		norm(&l.first, "bert.encoder.layer."+n+".attention.output")
		norm(&l.second, "bert.encoder.layer."+n+".output")
	}
	p, e := g.product("/classifier/MatMul_Q4", "classifier.bias", width, labels)
	m.classifier = p
	keep(e)
	return m, err
}

func dots(name string) string {
	b := []byte(name)
	for i := range b {
		if b[i] == '/' {
			b[i] = '.'
		}
	}
	return string(b)
}

// scratch is the memory one reading needs.
type scratch struct {
	hidden, query, key, value, context, sum []float32
	inner                                   []float32
	keys, values, scores                    []float32
	logits                                  []float32
}

// up is n raised to a multiple of m.
func upTo(n, m int) int { return (n + m - 1) / m * m }

func (m *Model) scratch(n int) *scratch {
	s, ok := m.pool.Get().(*scratch)
	if !ok {
		s = &scratch{}
	}
	fit := func(p *[]float32, size int) {
		if cap(*p) < size {
			*p = make([]float32, size)
		}
		*p = (*p)[:size]
	}
	wide := upTo(n, columns)
	fit(&s.hidden, n*width)
	fit(&s.query, n*width)
	fit(&s.key, n*width)
	fit(&s.value, n*width)
	fit(&s.context, n*width)
	fit(&s.sum, n*width)
	fit(&s.inner, n*inner)
	fit(&s.keys, wide*headWidth)
	fit(&s.values, wide*headWidth)
	fit(&s.scores, n*wide)
	fit(&s.logits, n*upTo(labels, columns))
	return s
}

// classify writes each token's probability of every label to out, one after
// the other.
func (m *Model) classify(ids []int32, out []float32) {
	count := len(ids)
	n := upTo(count, rows)
	s := m.scratch(n)
	defer m.pool.Put(s)
	clear(s.hidden)
	for i, id := range ids {
		row := s.hidden[i*width : (i+1)*width]
		m.word.addRow(row, int(id))
		m.position.addRow(row, i)
		m.kind.addRow(row, 0)
	}
	normalize(s.hidden, m.norm)
	for i := range m.layer {
		m.layer[i].run(s, n, count)
	}
	wide := upTo(labels, columns)
	dense(m.classifier, n, s.hidden, s.logits, wide)
	for i := range ids {
		row := out[i*labels : (i+1)*labels]
		copy(row, s.logits[i*wide:i*wide+labels])
		softmax(row, nil)
	}
}

// run puts the hidden states of n rows, of which count are tokens, through one
// layer.
func (l *layer) run(s *scratch, n, count int) {
	dense(l.query, n, s.hidden, s.query, width)
	dense(l.key, n, s.hidden, s.key, width)
	dense(l.value, n, s.hidden, s.value, width)
	scale := float32(1 / math.Sqrt(headWidth))
	for i := range s.query {
		s.query[i] *= scale
	}
	for h := range heads {
		attend(s, n, count, h*headWidth)
	}
	dense(l.attended, n, s.context, s.sum, width)
	addTo(s.hidden, s.sum)
	normalize(s.hidden, l.first)
	dense(l.up, n, s.hidden, s.inner, inner)
	gelu(s.inner)
	dense(l.down, n, s.inner, s.sum, width)
	addTo(s.hidden, s.sum)
	normalize(s.hidden, l.second)
}

// attend computes one head: how much each token looks at each other one, and
// the mean of what it sees. Keys are turned into panels, so that both products
// run through the kernel.
func attend(s *scratch, n, count, head int) {
	wide := upTo(count, columns)
	clear(s.keys)
	for t := range count {
		k := s.key[t*width+head : t*width+head+headWidth]
		panel := s.keys[t/columns*columns*headWidth:]
		for d, x := range k {
			panel[d*columns+t%columns] = x
		}
	}
	multiply(n, headWidth, s.query[head:], width, s.keys[:wide*headWidth], s.scores, wide)
	for i := range count {
		softmax(s.scores[i*wide:i*wide+count], s.scores[i*wide+count:(i+1)*wide])
	}
	values := s.values[:count*headWidth]
	for t := range count {
		v := s.value[t*width+head : t*width+head+headWidth]
		copy(values[t*columns:], v[:columns])
		copy(values[(count+t)*columns:], v[columns:])
	}
	multiply(n, count, s.scores, wide, values, s.context[head:], width)
}

// dense is a product with its bias.
func dense(p product, n int, in, out []float32, ldc int) {
	multiply(n, p.in, in, p.in, p.panels, out, ldc)
	for r := range n {
		row := out[r*ldc : r*ldc+len(p.bias)]
		for i, b := range p.bias {
			row[i] += b
		}
	}
}

func addTo(dst, src []float32) {
	for i, x := range src {
		dst[i] += x
	}
}

// normalize brings each row to mean 0 and deviation 1, then scales it.
func normalize(x []float32, s scaling) {
	for ; len(x) >= width; x = x[width:] {
		row := x[:width]
		mean, square := float32(0), float32(0)
		for _, v := range row {
			mean += v
		}
		mean /= width
		for _, v := range row {
			square += (v - mean) * (v - mean)
		}
		scale := float32(1 / math.Sqrt(float64(square/width)+1e-12))
		for i, v := range row {
			row[i] = (v-mean)*scale*s.weight[i] + s.bias[i]
		}
	}
}

// geluSteps is the number of steps of the table of the activation between -8
// and 8, beyond which it is 0 or its argument.
const geluSteps = 1 << 14

var geluTable = sync.OnceValue(func() []float32 {
	t := make([]float32, geluSteps+2)
	for i := range t {
		x := float64(i)*16/geluSteps - 8
		t[i] = float32(x * .5 * (1 + math.Erf(x/math.Sqrt2)))
	}
	return t
})

func gelu(x []float32) {
	table := geluTable()
	for i, v := range x {
		switch {
		case v >= 8:
		case v <= -8:
			x[i] = 0
		default:
			p := (v + 8) * (geluSteps / 16)
			k := int(p)
			f := p - float32(k)
			x[i] = table[k] + f*(table[k+1]-table[k])
		}
	}
}

// softmax turns scores into shares that add up to one; rest is set to nothing.
func softmax(x, rest []float32) {
	most := x[0]
	for _, v := range x {
		most = max(most, v)
	}
	sum := float32(0)
	for i, v := range x {
		e := exp(v - most)
		x[i] = e
		sum += e
	}
	for i := range x {
		x[i] /= sum
	}
	clear(rest)
}

// exp is e to the x for x at most 0, to a few parts in a million: two to the
// whole part by the exponent's bits, to the rest by a polynomial.
func exp(x float32) float32 {
	if x < -87 {
		return 0
	}
	y := x * 1.44269504
	k := float32(int32(y - .5))
	f := (y - k) * .693147181
	p := 1 + f*(1+f*(.5+f*(1./6+f*(1./24+f*(1./120+f*(1./720))))))
	return p * math.Float32frombits(uint32(int32(k)+127)<<23)
}
