package assess

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/network"
)

// longLog writes flow logs as a bucket receives them, one gzipped file an hour: of each
// watched interface what it serves and calls with ports that change, answers, what scans
// are refused, and a line that says so when there was nothing. skip leaves an hour out.
func longLog(t testing.TB, dir string, hours int, skip func(hour int) bool) {
	t.Helper()
	r := rand.New(rand.NewSource(7))
	begin := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for h := range hours {
		if skip != nil && skip(h) {
			continue
		}
		at := begin.Add(time.Duration(h) * time.Hour)
		path := filepath.Join(dir, "AWSLogs", "444455556666", "vpcflowlogs", "eu-west-1", at.Format("2006/01/02"), fmt.Sprintf("444455556666_vpcflowlogs_eu-west-1_fl-1_%s_x.log.gz", at.Format("20060102T1504Z")))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		z := gzip.NewWriter(f)
		w := bufio.NewWriter(z)
		fmt.Fprintln(w, "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status")
		for minute := 0; minute < 60; minute += 10 {
			from := at.Add(time.Duration(minute) * time.Minute).Unix()
			line := func(eni, src, dst string, sport, dport, bytes int, action string) {
				fmt.Fprintf(w, "2 444455556666 %s %s %s %d %d 6 %d %d %d %d %s OK\n", eni, src, dst, sport, dport, 1+bytes/800, bytes, from, from+590, action)
			}
			if client := 32768 + r.Intn(28000); minute%20 == 0 {
				line("eni-0b22000000000074", "10.10.1.40", "10.20.2.60", client, 8000, 4000+r.Intn(9000), "ACCEPT")
				line("eni-0b22000000000074", "10.20.2.60", "10.10.1.40", 8000, client, 90000, "ACCEPT")
			} else {
				fmt.Fprintf(w, "2 444455556666 eni-0b22000000000074 - - - - - - - %d %d - NODATA\n", from, from+590)
			}
			line("eni-0b22000000000074", fmt.Sprintf("45.%d.%d.%d", r.Intn(200), r.Intn(256), r.Intn(256)), "10.20.2.60", 40000+r.Intn(9000), []int{22, 23, 3389, 6379}[r.Intn(4)], 44, "REJECT")
			fmt.Fprintf(w, "2 444455556666 eni-0b22000000000075 - - - - - - - %d %d - NODATA\n", from, from+590)
		}
		for _, close := range []func() error{w.Flush, z.Close, f.Close} {
			if err := close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestAllowedButUnused reads forty days of flow logs and asks what is allowed and was not
// used in them; twenty days, or forty with a hole, tell nothing of that.
func TestAllowedButUnused(t *testing.T) {
	_, w, _, _ := harbourNetwork(t, nil)
	seen := func(hours int, skip func(int) bool) *network.Observed {
		dir := t.TempDir()
		longLog(t, dir, hours, skip)
		o, err := w.ReadFlows(context.Background(), []string{dir}, "")
		if err != nil {
			t.Fatal(err)
		}
		w.FindUnused(o)
		return o
	}
	o := seen(40*24, nil)
	if o.UnusedWhy != "" || len(o.Unused) == 0 {
		t.Fatalf("of %d records from %s to %s nothing was told: %q, %d unused, blind %v", o.Records, o.First, o.Last, o.UnusedWhy, len(o.Unused), o.Blind)
	}
	if len(o.NotAllowed) > 0 {
		t.Errorf("not allowed: %+v", o.NotAllowed)
	}
	const caller, server = "i-0a11000000000090", "quay-llm"
	var other bool
	for _, u := range o.Unused {
		if strings.Contains(u.From, caller) && strings.Contains(u.To, server) {
			for _, p := range u.Ports {
				if p == "tcp/8000" {
					t.Errorf("%s -> %s: used each twenty minutes, and said to be unused", u.From, u.To)
				}
			}
		}
		other = other || strings.Contains(u.To, server) && !strings.Contains(u.From, caller)
	}
	if !other {
		t.Errorf("what else may call %s, and never did, is not told: %+v", server, o.Unused)
	}
	if o := seen(20*24, nil); len(o.Unused) > 0 || !strings.Contains(o.UnusedWhy, "19 days long") {
		t.Errorf("twenty days: %q, %d unused", o.UnusedWhy, len(o.Unused))
	}
	if o := seen(40*24, func(h int) bool { return h/24 == 17 }); len(o.Unused) > 0 || !strings.Contains(o.UnusedWhy, "holes") {
		t.Errorf("a day is missing: %q, %d unused", o.UnusedWhy, len(o.Unused))
	}
	// Stretches that are there only at both ends are no forty days.
	if o := seen(40*24, func(h int) bool { return h > 2 && h < 40*24-3 }); len(o.Unused) > 0 || o.UnusedWhy == "" {
		t.Errorf("the first and last hours: %q, %d unused", o.UnusedWhy, len(o.Unused))
	}
}

// BenchmarkLongFlowLog reads forty days of logs against the example estate.
func BenchmarkLongFlowLog(b *testing.B) {
	dir := b.TempDir()
	longLog(b, dir, 40*24, nil)
	_, w, _, _ := networkOf(b, filepath.Join("..", "examples", "harbour"))
	var records int64
	for b.Loop() {
		o, err := w.ReadFlows(context.Background(), []string{dir}, "")
		if err != nil {
			b.Fatal(err)
		}
		w.FindUnused(o)
		records = o.Records
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
