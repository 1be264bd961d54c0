package ner

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// loaded is the model, or nothing where it is not installed: what is then not
// tested is said.
func loaded(t testing.TB) *Model {
	t.Helper()
	dir := os.Getenv("SEVENFOLD_MODELS")
	if dir == "" {
		t.Log("not tested: SEVENFOLD_MODELS names no folder with the model")
		return nil
	}
	m, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

type golden struct {
	Text          string
	IDs           []int32
	Offsets       [][2]int32
	Labels        []uint8
	Probabilities []float32
}

func goldens(t testing.TB) []golden {
	t.Helper()
	b, err := os.ReadFile("testdata/onnxruntime.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// The tokens, labels and probabilities are those of the reference
// implementations (testdata/ask_onnxruntime.py).
func TestAgainstOnnxruntime(t *testing.T) {
	m := loaded(t)
	if m == nil {
		return
	}
	for _, g := range goldens(t) {
		var ids []int32
		var offsets [][2]int32
		for _, tok := range m.vocabulary.tokens([]byte(g.Text)) {
			ids, offsets = append(ids, tok.id), append(offsets, [2]int32{tok.start, tok.end})
		}
		n := len(g.IDs)
		if diff := cmp.Diff(g.IDs[1:n-1], ids); diff != "" {
			t.Errorf("%q: tokens (-want +got)\n%s", g.Text, diff)
			continue
		}
		if diff := cmp.Diff(g.Offsets[1:n-1], offsets); diff != "" {
			t.Errorf("%q: offsets (-want +got)\n%s", g.Text, diff)
		}
		out := make([]float32, n*labels)
		m.classify(g.IDs, out)
		best, probabilities := make([]uint8, n), make([]float32, n)
		for i := range best {
			for l, p := range out[i*labels : (i+1)*labels] {
				if p > probabilities[i] {
					best[i], probabilities[i] = uint8(l), p
				}
			}
		}
		if diff := cmp.Diff(g.Labels, best); diff != "" {
			t.Errorf("%q: labels (-want +got)\n%s", g.Text, diff)
		}
		for i, p := range probabilities {
			if math.Abs(float64(p-g.Probabilities[i])) > .01 {
				t.Errorf("%q: token %d has probability %v, want %v", g.Text, i, p, g.Probabilities[i])
			}
		}
	}
}

func TestKernelIsTheMatrixProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, k := range []int{1, 2, 31, 384} {
		lda, ldc := k+3, columns+5
		a, b := make([]float32, rows*lda), make([]float32, k*columns)
		for i := range a {
			a[i] = r.Float32() - .5
		}
		for i := range b {
			b[i] = r.Float32() - .5
		}
		got, want := make([]float32, rows*ldc), make([]float32, rows*ldc)
		kernel(k, a, lda, b, got, ldc)
		for i := range rows {
			for j := range columns {
				s := 0.0
				for x := range k {
					s += float64(a[i*lda+x]) * float64(b[x*columns+j])
				}
				want[i*ldc+j] = float32(s)
			}
		}
		plain := make([]float32, rows*ldc)
		plainKernel(k, a, lda, b, plain, ldc)
		for i := range want {
			if d := got[i] - want[i]; d > 1e-4 || d < -1e-4 {
				t.Fatalf("k=%d: value %d is %v, want %v", k, i, got[i], want[i])
			}
			if d := plain[i] - want[i]; d > 1e-4 || d < -1e-4 {
				t.Fatalf("k=%d: value %d of the plain kernel is %v, want %v", k, i, plain[i], want[i])
			}
		}
	}
}

func TestExpAndGelu(t *testing.T) {
	for x := float32(-90); x <= 0; x += .0137 {
		if got, want := exp(x), math.Exp(float64(x)); math.Abs(float64(got)-want) > 1e-5*want+1e-30 && x > -87 {
			t.Fatalf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	for x := float32(-9); x <= 9; x += .0113 {
		y := []float32{x}
		gelu(y)
		if want := float64(x) * .5 * (1 + math.Erf(float64(x)/math.Sqrt2)); math.Abs(float64(y[0])-want) > 1e-5 {
			t.Fatalf("gelu(%v) = %v, want %v", x, y[0], want)
		}
	}
}

func TestTokensOfASmallVocabulary(t *testing.T) {
	v := newVocabulary([]byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ncafe\n##s\n.\nu\n##n\n"))
	var got []token
	got = append(got, v.tokens([]byte("Cafés. un xyz"))...)
	want := []token{{5, 0, 5, 0}, {6, 5, 6, 0}, {7, 6, 7, 1}, {8, 8, 9, 2}, {9, 9, 10, 2}, {unknownToken, 11, 14, 3}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(token{})); diff != "" {
		t.Error(diff)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err == nil {
		t.Error("an empty folder was accepted")
	}
	for name := range Files {
		if err := os.WriteFile(dir+"/"+name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(dir); err == nil {
		t.Error("files of another hash were accepted")
	}
}

func FuzzGraph(f *testing.F) {
	f.Add([]byte{0x3a, 4, 0x2a, 2, 0x42, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := readGraph(b)
		if err == nil {
			_, _ = build(g)
		}
	})
}

func FuzzTokens(f *testing.F) {
	v := newVocabulary([]byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n"))
	f.Add([]byte("ab \u00e9\u4e00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, tok := range v.tokens(b) {
			if tok.start < 0 || tok.end <= tok.start || int(tok.end) > len(b) {
				t.Fatalf("%+v of %d", tok, len(b))
			}
		}
	})
}

func BenchmarkTokens(b *testing.B) {
	m := loaded(b)
	if m == nil {
		return
	}
	ids := make([]int32, 0, 128)
	for _, g := range goldens(b) {
		ids = append(ids, g.IDs...)
	}
	ids = ids[:120]
	out := make([]float32, 120*labels)
	began := processorSeconds(b)
	for b.Loop() {
		m.classify(ids, out)
	}
	// Others may share the machine: the processor's time is the fair measure.
	b.ReportMetric(120*float64(b.N)/(processorSeconds(b)-began), "tokens/cpu-s")
}

func processorSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
