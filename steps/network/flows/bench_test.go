package flows

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// someRows are records as an estate of a few thousand interfaces makes them:
// clients with ports that change, answers, some noise from the internet.
func someRows(n int) []row {
	r := rand.New(rand.NewSource(1))
	out := make([]row, n)
	for i := range out {
		eni := r.Intn(3000)
		client := fmt.Sprintf("10.%d.%d.%d", eni%4, eni/200, eni%200)
		if r.Intn(50) == 0 {
			client = fmt.Sprintf("%d.%d.%d.%d", 11+r.Intn(100), r.Intn(256), r.Intn(256), r.Intn(256))
		}
		server := fmt.Sprintf("10.9.0.%d", r.Intn(3)+eni%50)
		x := row{Version: 5, InterfaceID: fmt.Sprintf("eni-0123456789abc%04x", eni), Srcaddr: client, Dstaddr: server,
			Srcport: ptr(int32(32768 + r.Intn(28000))), Dstport: ptr([]int32{443, 5432, 8265, 6379, 9092}[(eni+r.Intn(2))%5]), Protocol: ptr(int32(6)),
			Packets: ptr(int64(r.Intn(100))), Bytes: ptr(int64(r.Intn(100000))), Start: 1700000000 + int64(i/100), Action: "ACCEPT",
			TCPFlags: ptr(int32(2)), FlowDirection: "ingress", LogStatus: "OK"}
		x.End = x.Start + 60
		if r.Intn(2) == 0 {
			x.Srcaddr, x.Dstaddr, x.Srcport, x.Dstport = x.Dstaddr, x.Srcaddr, x.Dstport, x.Srcport
			x.TCPFlags, x.FlowDirection = ptr(int32(18)), "egress"
		}
		x.PktSrcaddr, x.PktDstaddr = x.Srcaddr, x.Dstaddr
		out[i] = x
	}
	return out
}

func defaultText(rows []row) []byte {
	var b bytes.Buffer
	b.WriteString(header)
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(&b, "2 111122223333 %s %s %s %d %d %d %d %d %d %d %s OK\n", r.InterfaceID, r.Srcaddr, r.Dstaddr, *r.Srcport, *r.Dstport, *r.Protocol, *r.Packets, *r.Bytes, r.Start, r.End, r.Action)
	}
	return b.Bytes()
}

func BenchmarkRead(b *testing.B) {
	rows := someRows(200_000)
	text := defaultText(rows)
	for _, c := range []struct {
		name string
		data []byte
		n    int
	}{
		{"text v2", text, len(rows)},
		{"text v2 gzip", pack(b, text), len(rows)},
		{"text custom v5", textOf(rows), len(rows)},
		{"parquet", parquetOf(b, rows, 50_000), len(rows)},
		{"hubble", hubbleOf(20_000), 20_000},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.data)))
			before := processorSeconds(b)
			for b.Loop() {
				o := observe(b, Options{}, "f", c.data)
				if o.Records != int64(c.n) || o.Malformed != 0 {
					b.Fatalf("%d records, %d malformed", o.Records, o.Malformed)
				}
			}
			b.ReportMetric(float64(c.n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(c.n)*float64(b.N)/(processorSeconds(b)-before), "records/cpu-s")
		})
	}
}

// BenchmarkSmallFiles reads logs as S3 holds them: thousands of files of a
// hundred lines.
func BenchmarkSmallFiles(b *testing.B) {
	rows := someRows(200_000)
	var files [][]byte
	for at := 0; at < len(rows); at += 100 {
		files = append(files, pack(b, defaultText(rows[at:at+100])))
	}
	before := processorSeconds(b)
	for b.Loop() {
		a, err := New(Options{})
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range files {
			if _, err := a.Read(context.Background(), "f", bytes.NewReader(f)); err != nil {
				b.Fatal(err)
			}
		}
		if o := a.Observed(); o.Records != int64(len(rows)) {
			b.Fatal(o.Records)
		}
	}
	b.ReportMetric(float64(len(rows))*float64(b.N)/(processorSeconds(b)-before), "records/cpu-s")
}

// processorSeconds is what this process has used of the processors: on a
// machine that others share, elapsed time says little.
func processorSeconds(tb testing.TB) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func hubbleOf(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"flow":{"time":"2026-11-01T10:00:00.123456789Z","uuid":"0d5bd0c8-0000-4000-8000-%012d","verdict":"FORWARDED","ethernet":{"source":"02:00:00:00:00:01","destination":"02:00:00:00:00:02"},"IP":{"source":"10.0.%d.11","destination":"10.0.0.12","ipVersion":"IPv4"},"l4":{"TCP":{"source_port":%d,"destination_port":8265,"flags":{"ACK":true}}},"source":{"ID":1,"identity":101,"cluster_name":"c","namespace":"train","labels":["k8s:app=trainer","k8s:io.kubernetes.pod.namespace=train","k8s:io.cilium.k8s.policy.cluster=default"],"pod_name":"trainer-%d","workloads":[{"name":"trainer","kind":"StatefulSet"}]},"destination":{"ID":2,"identity":102,"namespace":"ray","labels":["k8s:app=ray"],"pod_name":"ray-head-x"},"Type":"L3_L4","node_name":"n1","event_type":{"type":4,"sub_type":3},"traffic_direction":"INGRESS","trace_observation_point":"TO_STACK","is_reply":false,"Summary":"TCP Flags: ACK"},"node_name":"n1","time":"2026-11-01T10:00:00.123456789Z"}`+"\n", i, i%200, 32768+i%20000, i%200)
	}
	return b.Bytes()
}

// endless gives lines until so many bytes are given.
type endless struct {
	block []byte
	at    int
	left  int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	if e.at == len(e.block) {
		e.at = 0
	}
	n := copy(p[:min(int64(len(p)), e.left)], e.block[e.at:])
	e.at += n
	e.left -= int64(n)
	return n, nil
}

// BenchmarkGigabyte reads a log of 1 GB that is cut in the middle of a line,
// from millions of addresses of the internet, and says how much memory stays.
func BenchmarkGigabyte(b *testing.B) {
	r := rand.New(rand.NewSource(2))
	var block bytes.Buffer
	for range 400_000 {
		fmt.Fprintf(&block, "2 111122223333 eni-0123456789abc%04x %d.%d.%d.%d 10.0.0.7 %d %d 6 1 40 1700000000 1700000060 REJECT OK\n",
			r.Intn(3000), 11+r.Intn(100), r.Intn(256), r.Intn(256), r.Intn(256), 1024+r.Intn(60000), r.Intn(1024))
	}
	before := processorSeconds(b)
	for b.Loop() {
		a, err := New(Options{MaxFlows: 200_000})
		if err != nil {
			b.Fatal(err)
		}
		f, err := a.Read(context.Background(), "big", io.MultiReader(strings.NewReader(header), &endless{block: block.Bytes(), left: 1<<30 + 17}))
		if err != nil || !f.Cut {
			b.Fatal(f, err)
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		o := a.Observed()
		b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-kept")
		b.ReportMetric(float64(m.Sys)/1e6, "MB-sys")
		b.ReportMetric(float64(o.Records)/(processorSeconds(b)-before), "records/cpu-s")
		b.ReportMetric(float64(o.Coarse.Level), "level")
	}
}
