package scan_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// dense is a table in which nearly every field is somebody's.
func dense(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%d,Jane Doe,jane.doe%d@example.com,+1-415-555-%04d,536-%02d-%04d,4111 1111 1111 1111,DE89370400440532013000,19%02d-03-12,10.%d.4.%d\n",
			i, r.IntN(1000), r.IntN(10000), 1+r.IntN(98), 1+r.IntN(9000), r.IntN(100), r.IntN(250), r.IntN(250))
	}
	return b.Bytes()
}

// ordinary is prose with now and then a number, a date or a page's address.
func ordinary(size int) []byte {
	words := bytes.Fields([]byte("the quick report of our team says that sales in this region have grown again while costs of transport and storage fell behind what we had planned for so that margin is up and customers told us they liked the new packaging which we changed last summer after a long talk with suppliers"))
	r := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	for i := 1; b.Len() < size; i++ {
		b.Write(words[r.IntN(len(words))])
		switch {
		case i%97 == 0:
			fmt.Fprintf(&b, " %d", r.IntN(5000))
		case i%313 == 0:
			b.WriteString(" see https://example.org/reports/2024/q3")
		case i%501 == 0:
			b.WriteString(" on 12 March 2024")
		}
		b.WriteString([]string{" ", " ", " ", ", ", ". ", "\n"}[r.IntN(6)])
	}
	return b.Bytes()
}

func BenchmarkDense(b *testing.B)    { benchmarkText(b, dense(1<<20)) }
func BenchmarkOrdinary(b *testing.B) { benchmarkText(b, ordinary(1<<20)) }

func benchmarkText(b *testing.B, text []byte) {
	s, err := scan.New(scan.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	var spans []scan.Span
	began := processorSeconds(b)
	for b.Loop() {
		spans = s.Append(spans[:0], text)
	}
	// Others may share the machine: the processor's time is the fair measure.
	b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(processorSeconds(b)-began), "MB/cpu-s")
	b.ReportMetric(float64(len(spans)), "spans")
}

// BenchmarkObjectCSV is the dense table read cell by cell, with its columns
// judged.
func BenchmarkObjectCSV(b *testing.B) {
	benchmarkObject(b, "people.csv", append([]byte("id,name,email,phone,ssn,card,iban,born,ip\n"), dense(4<<20)...))
}

// BenchmarkObjectText is prose as a text file.
func BenchmarkObjectText(b *testing.B) { benchmarkObject(b, "report.txt", ordinary(4<<20)) }

// BenchmarkObjectJSONL is a file of prompts and answers.
func BenchmarkObjectJSONL(b *testing.B) {
	var text bytes.Buffer
	for i, line := range bytes.Split(ordinary(4<<20), []byte("\n")) {
		fmt.Fprintf(&text, "{\"id\":%d,\"messages\":[{\"role\":\"user\",\"content\":%q}]}\n", i, line)
	}
	benchmarkObject(b, "chat.jsonl", text.Bytes())
}

func benchmarkObject(b *testing.B, name string, text []byte) {
	s, err := scan.New(scan.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	began := processorSeconds(b)
	for b.Loop() {
		if _, err := s.Object(b.Context(), name, bytes.NewReader(text), int64(len(text)), format.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(processorSeconds(b)-began), "MB/cpu-s")
}

// parquetRow is a row of the Parquet benchmark: texts, a repeated one, numbers.
type parquetRow struct {
	ID    int64
	Email string
	Text  string
	Kind  string `parquet:",dict"`
	Score float64
}

func parquetFile(b *testing.B) []byte {
	b.Helper()
	var file bytes.Buffer
	w := parquet.NewGenericWriter[parquetRow](&file, parquet.Compression(&parquet.Snappy))
	lines := bytes.Split(ordinary(4<<20), []byte("\n"))
	for i, l := range lines {
		if _, err := w.Write([]parquetRow{{int64(i), fmt.Sprintf("user%d@example.com", i), string(l), []string{"a", "b"}[i%2], float64(i)}}); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return file.Bytes()
}

func BenchmarkObjectParquet(b *testing.B) { benchmarkObject(b, "a.parquet", parquetFile(b)) }

// BenchmarkBareParquet reads the same columns of the same file and looks at
// nothing.
func BenchmarkBareParquet(b *testing.B) {
	file := parquetFile(b)
	b.SetBytes(int64(len(file)))
	began := processorSeconds(b)
	for b.Loop() {
		if _, err := format.Read(b.Context(), "a.parquet", bytes.NewReader(file), int64(len(file)), format.Limits{}, nothing{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(file))*float64(b.N)/1e6/(processorSeconds(b)-began), "MB/cpu-s")
}

type nothing struct{}

func (nothing) Text([]byte) error          { return nil }
func (nothing) Value(string, []byte) error { return nil }
func (nothing) Row()                       {}

func processorSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
