package modelfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// big is how long the large files of the figures are: 537 MB.
const big = 537_000_000

// sparseFile makes a file with a head, a hole of n bytes and a tail, which costs no
// disk.
func sparseFile(tb testing.TB, head []byte, n int64, tail []byte) (*os.File, int64) {
	tb.Helper()
	f, err := os.Create(filepath.Join(tb.TempDir(), "big"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	if _, err := f.Write(head); err != nil {
		tb.Fatal(err)
	}
	if _, err := f.WriteAt(tail, int64(len(head))+n); err != nil {
		tb.Fatal(err)
	}
	return f, int64(len(head)) + n + int64(len(tail))
}

// rawPickle is a pickle of one bytes value of n bytes: head and tail.
func rawPickle(n uint64) (head, tail []byte) {
	return append([]byte("\x80\x04\x8e"), binary.LittleEndian.AppendUint64(nil, n)...), []byte("\x94.")
}

// storedZip is a torch archive with one stored tensor of n bytes: what lies before
// and behind the tensor.
func storedZip(n uint32) (head, tail []byte) {
	pickle := []byte("\x80\x02}q\x00X\x01\x00\x00\x00wq\x01ctorch\nFloatStorage\nq\x02s.")
	var dir []byte
	add := func(name string, content []byte, size uint32) {
		at := uint32(len(head))
		h := binary.LittleEndian.AppendUint32([]byte("PK\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00"), crc(content))
		h = binary.LittleEndian.AppendUint32(h, size)
		h = binary.LittleEndian.AppendUint32(h, size)
		h = binary.LittleEndian.AppendUint16(h, uint16(len(name)))
		h = append(h, 0, 0)
		head = append(append(append(head, h...), name...), content...)
		c := append([]byte("PK\x01\x02\x14\x00"), h[4:28]...)
		c = append(c, make([]byte, 16)...)
		binary.LittleEndian.PutUint32(c[42:], at)
		dir = append(append(dir, c...), name...)
	}
	add("archive/data.pkl", pickle, uint32(len(pickle)))
	add("archive/data/0", nil, n)
	tail = append(tail, dir...)
	end := []byte("PK\x05\x06\x00\x00\x00\x00\x02\x00\x02\x00")
	end = binary.LittleEndian.AppendUint32(end, uint32(len(dir)))
	end = binary.LittleEndian.AppendUint32(end, uint32(len(head))+n)
	return head, append(append(tail, end...), 0, 0)
}

// dicts is a pickle of a list of n small dicts, as Python writes it.
func dicts(n int) []byte {
	b := []byte("\x80\x04]\x94(")
	for i := range n {
		if i == 0 {
			b = append(b, "}\x94(\x8c\x02id\x94K\x00\x8c\x04name\x94\x8c\x03abc\x94u"...)
			continue
		}
		b = append(b, "}\x94(h\x02J"...)
		b = binary.LittleEndian.AppendUint32(b, uint32(i))
		b = append(b, "h\x03\x8c\x06"...)
		b = append(b, fmt.Sprintf("%06d", i%1000000)...)
		b = append(b, "\x94u"...)
		if i%1000 == 999 {
			b = append(b, 'e', '(')
		}
	}
	return append(b, "e."...)
}

func scanBench(b *testing.B, name string, r io.ReaderAt, size int64, want Verdict) {
	b.Helper()
	b.ReportAllocs()
	var peak uint64
	for b.Loop() {
		rep := Scan(context.Background(), name, r, size, Limits{})
		if rep.Verdict != want {
			b.Fatalf("verdict %s, want %s: %+v", rep.Verdict, want, rep.Findings)
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapSys)
	}
	b.ReportMetric(float64(peak)/1e6, "MB-heap")
}

func BenchmarkRawPickle537MB(b *testing.B) {
	head, tail := rawPickle(big)
	f, size := sparseFile(b, head, big, tail)
	scanBench(b, "raw.pkl", f, size, Clean)
}

func BenchmarkTorchZip537MB(b *testing.B) {
	head, tail := storedZip(big)
	f, size := sparseFile(b, head, big, tail)
	scanBench(b, "model.pt", f, size, Clean)
}

func BenchmarkMillionDicts(b *testing.B) {
	data := dicts(1_000_000)
	b.SetBytes(int64(len(data)))
	scanBench(b, "dicts.pkl", bytes.NewReader(data), int64(len(data)), Clean)
}

func BenchmarkSmallFiles2000(b *testing.B) {
	data := dicts(20)
	for b.Loop() {
		for range 2000 {
			if rep := Scan(context.Background(), "small.pkl", bytes.NewReader(data), int64(len(data)), Limits{}); rep.Verdict != Clean {
				b.Fatal(rep)
			}
		}
	}
}

func crc(b []byte) uint32 { return crc32.ChecksumIEEE(b) }
