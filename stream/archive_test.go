package stream

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

func rowsOf(from, n int) []Row {
	var out []Row
	for i := range n {
		k := from + i
		out = append(out, Row{Time: int64(1_793_612_415_000 + k*1000), ID: fmt.Sprint("e", k), Source: "cloudtrail", Class: 6003, Account: "111122223333", Service: "s3.amazonaws.com", Action: "GetObject",
			Principal: fmt.Sprint("role-", k%10), Sequence: uint64(k), Raw: []byte(fmt.Sprintf(`{"eventID":"e%d","eventName":"GetObject","eventSource":"s3.amazonaws.com","awsRegion":"eu-west-1"}`, k))})
	}
	return out
}

func TestArchive(t *testing.T) {
	dir := t.TempDir()
	a, err := OpenArchive(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if err := a.Write(rowsOf(i*100, 100), uint64(i*10+1), uint64(i*10+10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Write(rowsOf(0, 100), 1, 10); err != nil { // the same part again
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.parquet.part"), []byte("cut off"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err = OpenArchive(dir)
	if err != nil || len(a.Segments()) != 4 || a.Last() != 40 {
		t.Fatalf("%d segments to %d: %v", len(a.Segments()), a.Last(), err)
	}
	count := func(q Query) (n int) {
		if err := a.Find(q, func(Row) bool { n++; return true }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	base := rowsOf(0, 1)[0].Time
	for name, tt := range map[string]struct {
		q    Query
		want int
	}{
		"all": {Query{}, 400}, "principal": {Query{Principal: "role-3"}, 40}, "nobody": {Query{Principal: "nobody"}, 0}, "id": {Query{ID: "e250"}, 1},
		"time": {Query{From: base + 50_000, To: base + 149_000}, 100},
	} {
		if got := count(tt.q); got != tt.want {
			t.Errorf("%s: %d rows, want %d", name, got, tt.want)
		}
	}
	var newest []string
	if err := a.IDs(base+350_000, func(id string, _, sequence uint64) bool {
		if sequence == 350 {
			newest = append(newest, id)
		}
		return true
	}); err != nil || len(newest) != 1 || newest[0] != "e350" {
		t.Errorf("%q of the last file: %v", newest, err)
	}
	size := a.Segments()[0].Bytes
	removed, err := a.Retain(2*size+size/2, 0, time.Now())
	if err != nil || len(removed) != 2 || count(Query{}) != 200 {
		t.Errorf("%d removed, %v", len(removed), err)
	}
	if removed, err = a.Retain(0, time.Hour, time.UnixMilli(base).Add(1000*time.Hour)); err != nil || len(removed) != 1 || a.Last() != 40 {
		t.Errorf("%d removed by age, to %d: the newest must stay: %v", len(removed), a.Last(), err)
	}
	if err := os.WriteFile(a.Segments()[0].Path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.Find(Query{}, func(Row) bool { return true }); err == nil || !strings.Contains(err.Error(), ".parquet") {
		t.Errorf("a damaged file must be named: %v", err)
	}
	if err := a.IDs(0, func(string, uint64, uint64) bool { return true }); err == nil || !strings.Contains(err.Error(), ".parquet") {
		t.Errorf("a damaged file must be named: %v", err)
	}
}

// TestArchiveOfAStream: reading goes on where the last file ended, whatever
// happened between.
func TestArchiveOfAStream(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	dir := t.TempDir()
	seen := map[string]int{}
	for round := range 3 {
		if err := s.Publish(t.Context(), "", numbered(round*100, 100)); err != nil {
			t.Fatal(err)
		}
		a, err := OpenArchive(dir)
		if err != nil {
			t.Fatal(err)
		}
		var rows []Row
		from, last := a.Last()+1, uint64(0)
		err = s.Read(t.Context(), from, func(b Batch) error {
			for _, e := range b.Events {
				rows = append(rows, Row{Time: 1, ID: string(e), Raw: e})
			}
			last = b.Sequence
			return nil
		})
		if !errors.Is(err, ErrEnd) {
			t.Fatal(err)
		}
		if round == 1 {
			continue // killed before it wrote
		}
		if err := a.Write(rows, from, last); err != nil {
			t.Fatal(err)
		}
	}
	a, err := OpenArchive(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Find(Query{}, func(r Row) bool { seen[r.ID]++; return true }); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 300 {
		t.Errorf("%d events of 300", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s is kept %d times", id, n)
		}
	}
}

func BenchmarkArchive(b *testing.B) {
	rows := rowsOf(0, 50_000)
	a, err := OpenArchive(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	n := uint64(0)
	for b.Loop() {
		if err := a.Write(rows, n+1, n+1); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(b.N)*float64(len(rows))/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(a.Segments()[0].Bytes)/float64(len(rows)), "B/event")
}

// A file that an older version wrote, without sums, is read.
func TestArchiveWithoutSums(t *testing.T) {
	type old struct {
		Time      int64  `parquet:"time,delta"`
		ID        string `parquet:"id"`
		Source    string `parquet:"source,dict"`
		Principal string `parquet:"principal,dict"`
		Sequence  uint64 `parquet:"sequence,delta"`
		Raw       []byte `parquet:"raw"`
	}
	dir := t.TempDir()
	if err := parquet.WriteFile(filepath.Join(dir, fmt.Sprintf(segmentName, 5, 6, 1, 2)), []old{{Time: 5, ID: "a", Raw: []byte("{}"), Sequence: 1}, {Time: 6, ID: "b", Raw: []byte("{}"), Sequence: 2}}); err != nil {
		t.Fatal(err)
	}
	a, err := OpenArchive(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := a.IDs(0, func(id string, sum, sequence uint64) bool {
		got = append(got, fmt.Sprint(id, sum, sequence))
		return true
	}); err != nil || fmt.Sprint(got) != "[a0 1 b0 2]" {
		t.Errorf("%v, %v", got, err)
	}
	n := 0
	if err := a.Find(Query{}, func(r Row) bool { n += len(r.Raw); return r.Sum == 0 }); err != nil || n != 4 {
		t.Errorf("%d bytes, %v", n, err)
	}
}
