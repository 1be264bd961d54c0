package flows

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// whole checks what must hold of any input: nothing is counted twice or lost,
// and a file that could not be read to its end makes blind.
func whole(t *testing.T, name string, data []byte) *Observed {
	a, err := New(Options{MaxFlows: 64})
	if err != nil {
		t.Fatal(err)
	}
	f, err := a.Read(context.Background(), name, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	o := a.Observed()
	n := o.Coarse.Left
	for _, x := range o.Flows {
		n += x.Records
		if x.Replies > x.Records || x.Last.Before(x.First) || x.Bytes < 0 || x.Packets < 0 {
			t.Errorf("impossible flow %+v", x)
		}
		if x.First.Before(time.Unix(earliest, 0)) {
			t.Errorf("flow at %v", x.First)
		}
	}
	if n != o.Records || f.Records != o.Records {
		t.Errorf("flows hold %d records of %d", n, o.Records)
	}
	if (f.Cut || o.Malformed > 0 || o.Records+o.NoData == 0) && len(o.Blind()) == 0 {
		t.Error("nothing was read, or not all, and nobody is blind")
	}
	if o.Malformed > 0 && len(o.Problems) == 0 {
		t.Error("what could not be read is not named")
	}
	return o
}

// seeds are the inputs of the golden cases.
func seeds(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatal(paths, err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			if file.Name != "want" && file.Name != "options" {
				f.Add(file.Data)
			}
		}
	}
}

// FuzzRead is for whatever a file may hold: text, JSON, packed or not.
func FuzzRead(f *testing.F) {
	seeds(f)
	f.Add(pack(f, []byte(header)))
	f.Fuzz(func(t *testing.T, data []byte) { whole(t, "f", data) })
}

// FuzzLine is for a line of a flow log of the default format.
func FuzzLine(f *testing.F) {
	f.Add("10.0.0.1 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ACCEPT OK")
	f.Add("- - - - - - - 1700000000 1700000060 - NODATA")
	f.Add("::ffff:10.0.0.1 2001:db8::1%eth0 0 0 58 1 10 1700000000 1700000060 REJECT SKIPDATA")
	f.Fuzz(func(t *testing.T, rest string) { whole(t, "f", []byte(header+line(rest))) })
}

// FuzzHubble is for an event of Hubble.
func FuzzHubble(f *testing.F) {
	f.Add(`{"flow":{"time":"2026-11-01T10:00:00Z","verdict":"FORWARDED","IP":{"source":"10.0.0.11","destination":"10.0.0.12"},"l4":{"TCP":{"source_port":40000,"destination_port":443}},"source":{"namespace":"a","pod_name":"b"},"is_reply":false}}`)
	f.Add(`{"lost_events":{"num_events_lost":"9223372036854775807"}}`)
	f.Add(`{"verdict":"DROPPED","drop_reason":133,"time":"2026-11-01T10:00:00Z","IP":{"source":"::1","destination":"10.0.0.12"},"l4":{"ICMPv6":{"type":255}}}`)
	f.Fuzz(func(t *testing.T, event string) { whole(t, "f", []byte(event+"\n")) })
}

// FuzzParquet is for a damaged Parquet file.
func FuzzParquet(f *testing.F) {
	rows := []row{
		{Version: 5, InterfaceID: "eni-1", Srcaddr: "10.0.0.1", Dstaddr: "10.0.0.2", Srcport: ptr(int32(40000)), Dstport: ptr(int32(443)), Protocol: ptr(int32(6)), Start: 1700000000, End: 1700000060, Action: "ACCEPT", PktSrcaddr: "-", PktDstaddr: "-", FlowDirection: "egress", LogStatus: "OK"},
		{Version: 5, InterfaceID: "eni-1", Srcaddr: "-", Dstaddr: "-", Start: 1700000000, End: 1700000060, Action: "-", LogStatus: "NODATA"},
	}
	data := parquetOf(f, rows, 10)
	f.Add(data)
	f.Add(data[:len(data)-20])
	f.Add(parquetOf(f, nil, 10))
	f.Fuzz(func(t *testing.T, data []byte) {
		whole(t, "f", append([]byte(parquetMagic), bytes.TrimPrefix(data, []byte(parquetMagic))...))
	})
}

// FuzzFormat is for a LogFormat.
func FuzzFormat(f *testing.F) {
	f.Add(defaultFormat, "2 1 eni-1 10.0.0.1 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ACCEPT OK")
	f.Add("${srcaddr} ${dstaddr} ${dstport} ${protocol} ${start}", "10.0.0.1 10.0.0.2 443 6 1700000000")
	f.Fuzz(func(t *testing.T, format, line string) {
		a, err := New(Options{Format: format})
		if err != nil {
			return
		}
		if _, err := a.Read(context.Background(), "f", bytes.NewReader([]byte(line+"\n"))); err != nil {
			t.Fatal(err)
		}
		a.Observed()
	})
}
