package scan_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// nearMisses are texts of about a megabyte in which nothing is anybody's: what
// is found there, but for days, pages and machines, is false.
func nearMisses(t testing.TB) map[string][]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	const size = 1 << 20
	fill := func(line func(b *bytes.Buffer)) []byte {
		var b bytes.Buffer
		for b.Len() < size {
			line(&b)
		}
		return b.Bytes()
	}
	number := func(n int) string {
		d := make([]byte, n)
		for i := range d {
			d[i] = byte('0' + r.IntN(10))
		}
		return string(d)
	}
	hex := func(n int) string {
		d := make([]byte, n)
		for i := range d {
			d[i] = "0123456789abcdef"[r.IntN(16)]
		}
		return string(d)
	}
	base32 := func(n int) string {
		d := make([]byte, n)
		for i := range d {
			d[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[r.IntN(32)]
		}
		return string(d)
	}
	return map[string][]byte{
		"order numbers": fill(func(b *bytes.Buffer) {
			fmt.Fprintf(b, "order %s shipped, invoice INV-%s, tracking %s, total %d.%02d\n", number(8+r.IntN(12)), number(6+r.IntN(5)), number(16), r.IntN(900), r.IntN(100))
		}),
		"bare numbers": fill(func(b *bytes.Buffer) { fmt.Fprintf(b, "%s\n", number(6+r.IntN(15))) }),
		"number tables": fill(func(b *bytes.Buffer) {
			fmt.Fprintf(b, "%d,%s,%d.%04d,%s,%d\n", r.IntN(1e6), number(9), r.IntN(100), r.IntN(10000), number(11), r.IntN(1e9))
		}),
		"phone-like ids": fill(func(b *bytes.Buffer) {
			fmt.Fprintf(b, "part %s-%s-%s rev %s.%s bin %s %s\n", number(3), number(4), number(5), number(1), number(2), number(4), number(4))
		}),
		"hashes": fill(func(b *bytes.Buffer) {
			fmt.Fprintf(b, "commit %s tree %s sha256:%s uuid %s-%s-%s-%s-%s etag \"%s\"\n", hex(40), hex(40), hex(64), hex(8), hex(4), hex(4), hex(4), hex(12), hex(32))
		}),
		"identifiers": fill(func(b *bytes.Buffer) { fmt.Fprintf(b, "id=%s ref %s node-%s\n", base32(17), base32(10), base32(13)) }),
		"logs": fill(func(b *bytes.Buffer) {
			fmt.Fprintf(b, "2024-03-%02dT%02d:%02d:%02d.%03dZ INFO worker-%d req=%s took %dms bytes=%d status=%d build 1.%d.%d offset %s epoch %d\n", 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000),
				r.IntN(99), hex(16), r.IntN(5000), r.IntN(1e9), 200+r.IntN(300), r.IntN(30), r.IntN(99), number(10), 1700000000000+r.Int64N(1e9))
		}),
		"source code": source(t),
	}
}

// source is some of the Go library's own code, tests and data apart.
func source(t testing.TB) []byte {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err = filepath.WalkDir(filepath.Join(strings.TrimSpace(string(root)), "src"), func(p string, d fs.DirEntry, err error) error {
		if err != nil || b.Len() > 12<<20 {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		if strings.HasSuffix(p, ".go") && !strings.HasSuffix(p, "_test.go") {
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			b.Write(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestNearMisses(t *testing.T) {
	s, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	texts := nearMisses(t)
	names := []string{}
	for n := range texts {
		names = append(names, n)
	}
	sort.Strings(names)
	hits, megabytes := 0, 0.0
	for _, name := range names {
		text := texts[name]
		found := map[string]int{}
		n, shown := 0, 0
		for _, sp := range s.Text(text) {
			switch sp.Type {
			case "DATE_TIME", "URL", "IP_ADDRESS", "MAC_ADDRESS":
				continue
			case "EMAIL_ADDRESS":
				if name == "source code" {
					continue // authors
				}
			}
			n++
			found[sp.Type]++
			if shown++; shown < 40 && os.Getenv("SEVENFOLD_SHOW") != "" {
				t.Logf("%s %s [%s] %q", name, sp.Type, text[sp.Start:sp.End], text[max(0, sp.Start-40):min(len(text), sp.End+10)])
			}
		}
		mb := float64(len(text)) / 1e6
		hits, megabytes = hits+n, megabytes+mb
		t.Logf("%-15s %6.2f false hits a megabyte %v", name, float64(n)/mb, found)
		if float64(n)/mb > 1 {
			t.Errorf("%s: more than one false hit a megabyte", name)
		}
	}
	t.Logf("%-15s %6.2f", "all", float64(hits)/megabytes)
}
