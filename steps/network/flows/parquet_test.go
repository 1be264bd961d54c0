package flows

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParquetOfAnotherWriter reads files that Apache Arrow 26 wrote (pyarrow):
// three rows with AWS's column names and types; one with dictionaries, pages of
// version 1 and gzip, one without, of version 2, zstd and two row groups.
func TestParquetOfAnotherWriter(t *testing.T) {
	text := `interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status tcp-flags flow-direction pkt-dst-aws-service
eni-0a 10.0.0.1 10.0.0.2 40000 8265 6 4 400 1700000000 1700000060 ACCEPT OK 2 ingress -
eni-0a 10.0.0.2 10.0.0.1 8265 40000 6 3 300 1700000000 1700000060 ACCEPT OK 18 egress -
eni-0a - - - - - - - 1700000060 1700000120 - NODATA - - -
`
	want := observe(t, Options{}, "f", []byte(text))
	if len(want.Flows) != 1 || want.NoData != 1 {
		t.Fatal(dump(want))
	}
	for _, path := range []string{"testdata/gzip-v1.parquet", "testdata/zstd-v2.parquet"} {
		a, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := a.ReadFile(t.Context(), path)
		if err != nil || f.Format != "vpc parquet" || f.Cut {
			t.Fatal(f, err)
		}
		if diff := cmp.Diff(want, a.Observed(), alike); diff != "" {
			t.Errorf("%s: want -, got +\n%s", path, diff)
		}
	}
}

// TestDamagedParquet cuts and alters a file at every place: no panic, nothing
// counted twice, and what is lost makes blind. Only values may change unseen,
// since pages bear no checksum.
func TestDamagedParquet(t *testing.T) {
	data, err := os.ReadFile("testdata/zstd-v2.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for n := 4; n < len(data); n += 7 {
		o := whole(t, "f", data[:n])
		if !o.Files[0].Cut || o.Records != 0 {
			t.Fatalf("cut at %d: %+v", n, o.Files)
		}
		whole(t, "f", append(append(bytes.Clone(data[:n]), data[n]^0x5a), data[n+1:]...))
	}
}

func TestParquetThatIsNoFlowLog(t *testing.T) {
	type other struct {
		Srcaddr string `parquet:"srcaddr"`
		Amount  float64
	}
	for name, data := range map[string][]byte{
		"without columns": parquetOfAny(t, []other{{"10.0.0.1", 1}}),
		"of a type": parquetOfAny(t, []struct {
			Srcaddr float64 `parquet:"srcaddr"`
		}{{1}}),
		"is a list": parquetOfAny(t, []struct {
			Srcaddr []string `parquet:"srcaddr"`
		}{{[]string{"a"}}}),
		"whole file": []byte("PAR1 and no more PAR1"),
	} {
		a, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Read(context.Background(), "f", bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		o := a.Observed()
		if len(o.Problems) != 1 || len(o.Blind()) == 0 {
			t.Fatalf("%s: %v", name, o.Problems)
		}
		if name != "whole file" && !strings.Contains(o.Problems[0].What, name) {
			t.Errorf("%s: %v", name, o.Problems)
		}
	}
}
