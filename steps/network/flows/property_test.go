package flows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"
)

// row is a record as AWS writes it to Parquet.
type row struct {
	Version       int32  `parquet:"version"`
	InterfaceID   string `parquet:"interface_id,dict"`
	Srcaddr       string `parquet:"srcaddr"`
	Dstaddr       string `parquet:"dstaddr"`
	Srcport       *int32 `parquet:"srcport,optional"`
	Dstport       *int32 `parquet:"dstport,optional"`
	Protocol      *int32 `parquet:"protocol,optional"`
	Packets       *int64 `parquet:"packets,optional"`
	Bytes         *int64 `parquet:"bytes,optional"`
	Start         int64  `parquet:"start"`
	End           int64  `parquet:"end"`
	Action        string `parquet:"action,dict"`
	TCPFlags      *int32 `parquet:"tcp_flags,optional"`
	PktSrcaddr    string `parquet:"pkt_srcaddr"`
	PktDstaddr    string `parquet:"pkt_dstaddr"`
	FlowDirection string `parquet:"flow_direction,dict"`
	LogStatus     string `parquet:"log_status,dict"`
}

const rowHeader = "version interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action tcp-flags pkt-srcaddr pkt-dstaddr flow-direction log-status"

func (r *row) text() string {
	opt32 := func(p *int32) string {
		if p == nil {
			return "-"
		}
		return strconv.Itoa(int(*p))
	}
	opt64 := func(p *int64) string {
		if p == nil {
			return "-"
		}
		return strconv.FormatInt(*p, 10)
	}
	return strings.Join([]string{strconv.Itoa(int(r.Version)), r.InterfaceID, r.Srcaddr, r.Dstaddr, opt32(r.Srcport), opt32(r.Dstport), opt32(r.Protocol),
		opt64(r.Packets), opt64(r.Bytes), opt64(&r.Start), opt64(&r.End), r.Action, opt32(r.TCPFlags), r.PktSrcaddr, r.PktDstaddr, r.FlowDirection, r.LogStatus}, " ")
}

func ptr[T any](v T) *T { return &v }

func drawRow(t *rapid.T) row {
	addr := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"10.0.%d.%d", "172.16.%d.%d", "54.1.%d.%d"}).Draw(t, "net")
	})
	one := func(label string) string {
		return fmt.Sprintf(addr.Draw(t, label), rapid.IntRange(0, 2).Draw(t, "c"), rapid.IntRange(0, 5).Draw(t, "d"))
	}
	port := rapid.SampledFrom([]int32{0, 22, 123, 443, 1024, 5432, 8265, 9092, 30000, 32768, 40000, 40001, 55555, 65535})
	r := row{Version: 5, InterfaceID: fmt.Sprintf("eni-%d", rapid.IntRange(0, 3).Draw(t, "eni")), Start: 1700000000 + rapid.Int64Range(0, 20000).Draw(t, "start"), LogStatus: "OK"}
	r.End = r.Start + rapid.Int64Range(0, 600).Draw(t, "long")
	if kind := rapid.IntRange(0, 20).Draw(t, "kind"); kind < 2 {
		r.Srcaddr, r.Dstaddr, r.PktSrcaddr, r.PktDstaddr, r.Action, r.FlowDirection = "-", "-", "-", "-", "-", "-"
		r.LogStatus = []string{"NODATA", "SKIPDATA"}[kind]
		return r
	}
	if rapid.IntRange(0, 9).Draw(t, "six") == 0 {
		r.Srcaddr, r.Dstaddr = fmt.Sprintf("2001:db8::%x", rapid.IntRange(1, 5).Draw(t, "a")), fmt.Sprintf("fd00:%x::1", rapid.IntRange(1, 5).Draw(t, "b"))
	} else {
		r.Srcaddr, r.Dstaddr = one("src"), one("dst")
	}
	r.PktSrcaddr, r.PktDstaddr = r.Srcaddr, r.Dstaddr
	if rapid.IntRange(0, 5).Draw(t, "nat") == 0 && strings.Contains(r.Srcaddr, ".") {
		r.PktSrcaddr = one("pkt")
	}
	r.Protocol = ptr(rapid.SampledFrom([]int32{1, 6, 6, 6, 17, 50}).Draw(t, "proto"))
	r.Srcport, r.Dstport = ptr(port.Draw(t, "sport")), ptr(port.Draw(t, "dport"))
	r.Packets, r.Bytes = ptr(rapid.Int64Range(0, 1000).Draw(t, "packets")), ptr(rapid.Int64Range(0, 1e9).Draw(t, "bytes"))
	if *r.Protocol == 6 {
		r.TCPFlags = ptr(rapid.SampledFrom([]int32{0, 1, 2, 3, 4, 18, 19}).Draw(t, "flags"))
	}
	r.Action = rapid.SampledFrom([]string{"ACCEPT", "REJECT"}).Draw(t, "action")
	r.FlowDirection = rapid.SampledFrom([]string{"ingress", "egress", "-"}).Draw(t, "direction")
	return r
}

// drawAlike draws records that differ by addresses and by ports that tell
// nothing, so that making them coarser helps.
func drawAlike(t *rapid.T) row {
	r := row{Version: 5, InterfaceID: "eni-0", Start: 1700000000, End: 1700000060, Protocol: ptr(int32(6)), Action: "ACCEPT", FlowDirection: "ingress", LogStatus: "OK",
		Packets: ptr(int64(1)), Bytes: ptr(rapid.Int64Range(0, 1e9).Draw(t, "bytes")), PktSrcaddr: "-", PktDstaddr: "-"}
	r.Srcport, r.Dstport = ptr(int32(50000)), ptr(int32(443))
	any := func(n int) int { return rapid.SampledFrom(numbers[:n]).Draw(t, "any") }
	switch any(4) {
	case 0:
		r.Srcaddr, r.Dstaddr = fmt.Sprintf("54.%d.%d.%d", any(3), any(3), any(200)), "10.0.0.1"
		if any(2) == 0 {
			r.Srcaddr, r.Action, r.Dstport = "54.0.0.1", "REJECT", ptr(int32(any(200)))
		}
	case 1:
		r.Srcaddr, r.Dstaddr = fmt.Sprintf("10.1.%d.%d", any(40), any(40)), "10.0.0.1"
	case 2:
		r.Srcaddr, r.Dstaddr = fmt.Sprintf("2001:db8:%d:%d::%d", any(2), any(3), any(200)), fmt.Sprintf("fd00::%d", any(20))
	case 3:
		r.Srcaddr, r.Dstaddr, r.Srcport, r.Dstport = "10.0.0.2", "10.0.0.1", ptr(int32(40000+any(200))), ptr(int32(50000+any(200)))
	}
	return r
}

// numbers are drawn evenly, which rapid's own ranges are not.
var numbers = func() []int {
	out := make([]int, 200)
	for i := range out {
		out[i] = i
	}
	return out
}()

func textOf(rows []row) []byte {
	var b bytes.Buffer
	b.WriteString(rowHeader + "\n")
	for i := range rows {
		b.WriteString(rows[i].text() + "\n")
	}
	return b.Bytes()
}

func parquetOf(t interface{ Fatal(...any) }, rows []row, rowsAGroup int64) []byte {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(rowsAGroup), parquet.PageBufferSize(2000))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t *rapid.T, opts Options, files ...[]byte) *Observed {
	a, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, err := a.Read(t.Context(), "f", bytes.NewReader(f)); err != nil {
			t.Fatal(err)
		}
	}
	return a.Observed()
}

// alike leaves out what tells how the records came.
var alike = cmp.Options{cmpopts.IgnoreFields(Observed{}, "Files", "Problems"), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()}

// TestTheSameRecordsShowTheSame: as text, packed, as Parquet, as a reply of
// CloudWatch Logs, in any order and cut into files anyhow.
func TestTheSameRecordsShowTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(drawRow), 1, 60).Draw(t, "rows")
		want := read(t, Options{}, textOf(rows))
		if want.Malformed != 0 || want.Records+want.NoData+want.SkipData != int64(len(rows)) {
			t.Fatalf("%d rows: %s", len(rows), dump(want))
		}
		var events []map[string]any
		for i := range rows {
			events = append(events, map[string]any{"message": rows[i].text()})
		}
		reply, err := json.Marshal(map[string]any{"events": events})
		if err != nil {
			t.Fatal(err)
		}
		shuffled := append([]row(nil), rows...)
		rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		at := rapid.IntRange(0, len(rows)).Draw(t, "cut")
		for name, got := range map[string]*Observed{
			"parquet":    read(t, Options{}, parquetOf(t, rows, rapid.Int64Range(1, 100).Draw(t, "group"))),
			"cloudwatch": read(t, Options{Format: rowHeader}, reply),
			"shuffled":   read(t, Options{}, textOf(shuffled)),
			"two files":  read(t, Options{}, textOf(rows[:at]), parquetOf(t, rows[at:], 1000)),
		} {
			if diff := cmp.Diff(want, got, alike); diff != "" {
				t.Fatalf("text -, %s +\n%s", name, diff)
			}
		}
	})
}

// TestNothingIsLostWhenFlowsAreMadeCoarser: with room for few flows, in any
// order, the outcome is the same, and each record and byte is counted.
func TestNothingIsLostWhenFlowsAreMadeCoarser(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(rapid.SampledFrom([]func(*rapid.T) row{drawRow, drawAlike, drawAlike}).Draw(t, "draw")), 60, 150).Draw(t, "rows")
		exact := read(t, Options{}, textOf(rows))
		room := 1 + len(exact.Flows)*rapid.SampledFrom([]int{0, 5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95, 100, 105}).Draw(t, "percent")/100
		got := read(t, Options{MaxFlows: room}, textOf(rows))
		total := func(o *Observed) (n, bytes int64) {
			for _, f := range o.Flows {
				n += f.Records
				bytes += f.Bytes
			}
			return n, bytes
		}
		n, bytes := total(got)
		_, exactBytes := total(exact)
		if n+got.Coarse.Left != exact.Records || got.Coarse.Left == 0 && bytes != exactBytes {
			t.Fatalf("%d records and %d left out of %d; %d bytes of %d", n, got.Coarse.Left, exact.Records, bytes, exactBytes)
		}
		if (got.Coarse.Left > 0) && got.Coarse.Level != coarsest {
			t.Fatalf("records left out at %q", got.Coarse.Level)
		}
		if got.Coarse.Level == Exact {
			if got.Coarse.Records != 0 {
				t.Fatalf("%d records are coarse where nothing was made coarser", got.Coarse.Records)
			}
			if diff := cmp.Diff(exact, got, alike); diff != "" {
				t.Fatal(diff)
			}
		}
		if got.Coarse.Left > 0 {
			return // which are left out is a matter of order, and said
		}
		shuffled := append([]row(nil), rows...)
		rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		at := rapid.IntRange(0, len(rows)).Draw(t, "cut")
		for name, other := range map[string]*Observed{
			"shuffled":  read(t, Options{MaxFlows: room}, textOf(shuffled)),
			"two files": read(t, Options{MaxFlows: room}, textOf(shuffled[:at]), textOf(shuffled[at:])),
		} {
			if diff := cmp.Diff(got, other, alike); diff != "" {
				t.Fatalf("%s +\n%s", name, diff)
			}
		}
	})
}

// TestEachStepOfCoarseness: fifty flows of five kinds, of which each step makes
// one kind one.
func TestEachStepOfCoarseness(t *testing.T) {
	var b strings.Builder
	b.WriteString(header)
	for i := 1; i <= 10; i++ {
		b.WriteString(line(fmt.Sprintf("10.0.0.2 10.0.0.1 %d %d 6 1 10 1700000000 1700000060 ACCEPT OK", 40000+i, 50000+i)))
		for _, flow := range []string{"54.0.0.1 10.0.0.1 50000 %d 6 1 10 1700000000 1700000060 REJECT OK",
			"54.1.1.%d 10.0.0.1 50000 443 6 1 10 1700000000 1700000060 ACCEPT OK", "10.1.1.%d 10.0.0.1 50000 443 6 1 10 1700000000 1700000060 ACCEPT OK", "54.%d.2.1 10.0.0.1 50000 443 6 1 10 1700000000 1700000060 ACCEPT OK"} {
			b.WriteString(line(fmt.Sprintf(flow, i)))
		}
	}
	for _, tt := range []struct {
		room, flows int
		level       Coarseness
		records     int64
	}{
		{50, 50, Exact, 0},
		{49, 41, AmbiguousPorts, 10},
		{40, 32, RejectedPorts, 20},
		{31, 23, PublicNetworks, 40},
		{22, 14, AllNetworks, 50},
		{13, 4, PublicAsOne, 50},
		{3, 3, PublicAsOne, 50},
	} {
		o := observe(t, Options{MaxFlows: tt.room}, "f", []byte(b.String()))
		if len(o.Flows) != tt.flows || o.Coarse.Level != tt.level || o.Coarse.Records+o.Coarse.Left != tt.records || (o.Coarse.Left > 0) != (tt.room == 3) || (len(o.Blind()) > 0) != (tt.level > Exact) {
			t.Errorf("room for %d: %d flows, %q, %+v; want %d, %q, %d", tt.room, len(o.Flows), o.Coarse.Level, o.Coarse, tt.flows, tt.level, tt.records)
		}
	}
}

// TestFilesAreReadSideBySide: many goroutines, one outcome.
func TestFilesAreReadSideBySide(t *testing.T) {
	a, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			text := header + strings.Repeat(line(fmt.Sprintf("10.0.0.%d 10.0.0.100 40000 443 6 1 10 1700000000 1700000060 ACCEPT OK", i)), 500)
			if _, err := a.Read(t.Context(), fmt.Sprint(i), strings.NewReader(text)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if o := a.Observed(); o.Records != 4000 || len(o.Flows) != 8 || len(o.Files) != 8 || o.Watched[0].Addresses[0] != netip.MustParseAddr("10.0.0.100") {
		t.Errorf("%s", dump(o))
	}
}

func TestManyPods(t *testing.T) {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, `{"flow":{"time":"2026-11-01T10:00:00Z","verdict":"FORWARDED","IP":{"source":"10.0.0.11","destination":"10.0.0.12"},"l4":{"TCP":{"source_port":40000,"destination_port":443}},"source":{"namespace":"train","pod_name":"job-%d","workloads":[{"name":"job-%d","kind":"Job"}]},"destination":{"namespace":"s","pod_name":"web","workloads":[{"name":"web","kind":"Deployment"}]},"is_reply":false}}`+"\n", i, i%10)
	}
	for _, tt := range []struct {
		room, flows int
		client      string
	}{{200, 200, "train/job-0"}, {50, 10, "train/Job/job-0"}, {5, 1, "train"}} {
		o := observe(t, Options{MaxFlows: tt.room}, "f", []byte(b.String()))
		if len(o.Flows) != tt.flows || o.Flows[0].Client.String() != tt.client || o.Coarse.Left != 0 {
			t.Errorf("room for %d: %d flows, the first from %s, want %d from %s", tt.room, len(o.Flows), o.Flows[0].Client, tt.flows, tt.client)
		}
	}
}

func parquetOfAny[T any](t *testing.T, rows []T) []byte {
	var b bytes.Buffer
	if err := parquet.Write(&b, rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
