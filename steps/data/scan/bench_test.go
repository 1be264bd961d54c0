package scan_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
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

func processorSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
