package format

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// gathered is a sink that keeps what it is given.
type gathered struct {
	cells []string
	text  strings.Builder
	rows  int
	fail  error
}

func (g *gathered) Text(b []byte) error { g.text.Write(b); return g.fail }
func (g *gathered) Value(c string, b []byte) error {
	g.cells = append(g.cells, c+"="+string(b))
	return g.fail
}
func (g *gathered) Row() { g.rows++ }

func read(t testing.TB, name, text string, lim Limits) (*gathered, Report) {
	t.Helper()
	g := &gathered{}
	rep, err := Read(context.Background(), name, strings.NewReader(text), int64(len(text)), lim, g)
	if err != nil {
		t.Fatal(err)
	}
	return g, rep
}

func TestCells(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
		rows       int
	}{
		{"a.csv", "a,b\n1,\"x,\"\"y\"\"\nz\"\n2,\n", []string{"a=1", "b=x,\"y\"\nz", "a=2", "b="}, 2},
		{"a.csv", "1,2\n3,4\n", []string{"column 1=1", "column 2=2", "column 1=3", "column 2=4"}, 2},
		{"a.csv", "a,b\r\n1,2\r\n", []string{"a=1", "b=2"}, 1},
		{"a.csv", "a,b\n1,2,3\n", []string{"a=1", "b=2", "beyond the header=3"}, 1},
		{"a.tsv", "a\tb\n1\t2", []string{"a=1", "b=2"}, 1},
		{"a.csv", "\xef\xbb\xbfa;b\n1;2\n3;4\n", []string{"a=1", "b=2", "a=3", "b=4"}, 2},
		{"a.json", `{"a":{"b":[1,"x\u00e9\n\"",{"c":true}]},"d":null,"e":-1.5}`, []string{"a.b[]=1", "a.b[]=xé\n\"", "e=-1.5"}, 1},
		{"a.jsonl", "{\"a\":\"1\"}\n{\"a\":\"2\"}\n", []string{"a=1", "a=2"}, 2},
		{"a.json", `[{"a":"1"},{"a":"2"}]`, []string{"[].a=1", "[].a=2"}, 2},
		{"a.json", `["\ud83d\ude00"]`, []string{"[]=😀"}, 1},
		{"a.sql", "INSERT INTO t (a,b) VALUES (1,'it''s, (x)'),(2,NULL);\n", []string{"t.a=1", "t.b=it's, (x)", "t.a=2", "t.b=NULL"}, 2},
	}
	for _, tt := range tests {
		g, rep := read(t, tt.name, tt.text, Limits{})
		if diff := cmp.Diff(tt.want, g.cells); diff != "" || len(rep.Problems) > 0 {
			t.Errorf("%q: %v (-want +got)\n%s", tt.text, rep.Problems, diff)
		}
		if g.rows != tt.rows || rep.Rows != int64(tt.rows) {
			t.Errorf("%q: %d rows, %d reported, want %d", tt.text, g.rows, rep.Rows, tt.rows)
		}
	}
}

// What a compressed file was cut of, or has behind its end, is told however short it is.
func TestShortCompressedFiles(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprint(z, "a,b\n"+strings.Repeat("1,2\n", 50)+"3,jane@example.com\n")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"cut": b.String()[:b.Len()-4], "half": b.String()[:b.Len()/2], "short tail": b.String() + "trailing", "long tail": b.String() + strings.Repeat("trailing", 9)} {
		g, rep := read(t, "a.csv.gz", text, Limits{})
		if _, plain := read(t, "a.txt.gz", text, Limits{}); len(rep.Problems) == 0 || len(plain.Problems) == 0 {
			t.Errorf("%s: %d cells and no problem", name, len(g.cells))
		}
		if strings.Contains(name, "tail") && len(g.cells) != 102 {
			t.Errorf("%s: %d cells", name, len(g.cells))
		}
	}
}

func TestMoreTexts(t *testing.T) {
	wideText := func(b []byte, c rune) []byte { return append(b, byte(c), byte(c>>8), 0, 0) }
	utf32 := []byte("\xff\xfe\x00\x00")
	for _, c := range "a,b\n1,2\n3,é\n" {
		utf32 = wideText(utf32, c)
	}
	mbox := "From a Mon\nFrom: a@b.org\nTo: c@d.org\nX-Rcpt: e@f.org\n\nhello\n\nFrom b Tue\nFrom: g@h.org\nTo: i@j.org\nSubject: s\nContent-Transfer-Encoding: base64\n\nc2VjcmV0IHRleHQ=\n"
	for _, tt := range []struct{ name, text, want, problem string }{
		{"a.csv", string(utf32), "a=1|b=2|a=3|b=é", ""},
		{"a.mbox", mbox, "from=a@b.org|to=c@d.org|x-rcpt=e@f.org|from=g@h.org|subject=s|to=i@j.org|", ""},
		{"mail", mbox, "from=a@b.org|to=c@d.org|x-rcpt=e@f.org|from=g@h.org|subject=s|to=i@j.org|", ""},
		{"a.csv", "ORC,MZ\n1,2\n3,4\n", "ORC=1|MZ=2|ORC=3|MZ=4", ""},
		{"a.rtf", "{\\rtf1 jane}", "", "rich text is not read"},
	} {
		g, rep := read(t, tt.name, tt.text, Limits{})
		if got := strings.Join(g.cells, "|"); strings.TrimSuffix(got, "|") != strings.TrimSuffix(tt.want, "|") || (tt.problem == "") != (len(rep.Problems) == 0) {
			t.Errorf("%s: %q, %v", tt.name, got, rep.Problems)
		}
		if strings.Contains(tt.text, "base64") && g.text.String() != "hello\n\nsecret text" {
			t.Errorf("text %q", g.text.String())
		}
	}
}

func TestTextComesWholeInPieces(t *testing.T) {
	var in strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&in, "line %d with words\n", i)
	}
	g, rep := read(t, "a.txt", in.String(), Limits{})
	if g.text.String() != in.String() || rep.Rows != 60_000 {
		t.Errorf("%d bytes of %d, %d rows", g.text.Len(), in.Len(), rep.Rows)
	}
	g, _ = read(t, "latin.txt", "caf\xe9 au lait, na\xefve, \xe4\xf6\xfc and so on and so on\n", Limits{})
	if !strings.Contains(g.text.String(), "café") {
		t.Errorf("an eight-bit text reads %q", g.text.String())
	}
}

func TestLimits(t *testing.T) {
	g, rep := read(t, "a.csv", "a,b\n"+strings.Repeat("1,2\n", 1000), Limits{Rows: 10})
	if !rep.Partial || g.rows != 10 {
		t.Errorf("rows: %d, %+v", g.rows, rep)
	}
	_, rep = read(t, "a.txt", strings.Repeat("word ", 1<<20), Limits{Bytes: 1 << 20})
	if !rep.Partial || rep.Bytes > 2<<20 {
		t.Errorf("bytes: %+v", rep)
	}
}

func TestSinkAndContextEndTheReading(t *testing.T) {
	mine := errors.New("mine")
	for _, f := range samples(t) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Read(context.Background(), f, bytes.NewReader(b), int64(len(b)), Limits{}, &gathered{fail: mine})
		if !errors.Is(err, mine) && filepath.Base(f) != "floats.npy" {
			t.Errorf("%s: the sink's error came back as %v", f, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err = Read(ctx, f, bytes.NewReader(b), int64(len(b)), Limits{}, &gathered{})
		if !errors.Is(err, context.Canceled) && filepath.Base(f) != "floats.npy" {
			t.Errorf("%s: the context's error came back as %v", f, err)
		}
	}
}

func samples(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../testdata/formats/*")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no files")
	}
	return files
}

// zeros is an endless run of one byte, up to n, that is never held.
type zeros struct {
	n    int64
	head string
	fill byte
}

func (z zeros) ReadAt(p []byte, off int64) (int, error) {
	if off >= z.n {
		return 0, io.EOF
	}
	k := int(min(int64(len(p)), z.n-off))
	for i := range p[:k] {
		if at := off + int64(i); at < int64(len(z.head)) {
			p[i] = z.head[at]
		} else {
			p[i] = z.fill
		}
	}
	if k < len(p) {
		return k, io.EOF
	}
	return k, nil
}

// A document of one line and a hundred megabytes takes no more memory than
// one of a page.
func TestOneEndlessLineNeedsLittleMemory(t *testing.T) {
	size := int64(96 << 20)
	if testing.Short() {
		size /= 4
	}
	for _, head := range []string{`{"a":"`, `a,b` + "\n" + `1,"`, "text ", `<html><body>`} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		sink := &counter{}
		rep, err := Read(context.Background(), "x", zeros{size, head, 'a'}, size, Limits{}, sink)
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if sink.most > maxCell+pieceSize || rep.Bytes < size*15/16 {
			t.Errorf("%q: a piece of %d bytes; %d read; %v", head, sink.most, rep.Bytes, rep.Problems)
		}
		if held := int64(after.HeapInuse) - int64(before.HeapInuse); held > size/2 {
			t.Errorf("%q: %d MiB held", head, held>>20)
		}
	}
}

type counter struct{ most int }

func (c *counter) Text(b []byte) error            { c.most = max(c.most, len(b)); return nil }
func (c *counter) Value(_ string, b []byte) error { c.most = max(c.most, len(b)); return nil }
func (c *counter) Row()                           {}

func TestBombs(t *testing.T) {
	var once bytes.Buffer
	z, _ := gzip.NewWriterLevel(&once, gzip.BestCompression)
	chunk, chunks := make([]byte, 1<<20), 300
	if testing.Short() {
		chunks = 24 // the bound is a ratio: it is reached as well
	}
	for range chunks {
		_, _ = z.Write(chunk)
	}
	_ = z.Close()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	f, _ := w.Create("zeros.txt")
	for range chunks {
		_, _ = f.Write(chunk)
	}
	_ = w.Close()
	deep := []byte("id,mail\n1,a@b.org\n")
	for range 8 {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(deep)
		_ = z.Close()
		deep = b.Bytes()
	}
	tests := []struct {
		name string
		b    []byte
		want string
	}{
		{"a.gz", once.Bytes(), ""}, {"a.zip", archive.Bytes(), ""}, {"a.gz", deep, "nested deeper"},
	}
	for _, tt := range tests {
		rep, err := Read(context.Background(), tt.name, bytes.NewReader(tt.b), int64(len(tt.b)), Limits{}, &counter{})
		if err != nil || len(rep.Problems) == 0 || !strings.Contains(strings.Join(rep.Problems, ";"), tt.want) {
			t.Errorf("%s: %v %v", tt.name, rep.Problems, err)
		}
	}
}

// FuzzRead reads anything as anything: no panic that Read does not catch, no
// value in a problem.
func FuzzRead(f *testing.F) {
	for _, s := range samples(f) {
		b, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 8<<10 {
			f.Add(filepath.Base(s), b)
		}
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		rep, err := Read(ctx, name, bytes.NewReader(b), int64(len(b)), Limits{Bytes: 32 << 20, Rows: 1 << 16}, &counter{})
		if err != nil {
			t.Fatalf("%q: %v", rep.Format, err)
		}
		if strings.Contains(strings.Join(rep.Problems, ""), "ended in a fault") && rep.Format != "parquet" {
			t.Fatalf("%s: a fault of our own", rep.Format)
		}
	})
}
