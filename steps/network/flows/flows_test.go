package flows

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

var update = flag.Bool("update", false, "write what the golden cases give")

// TestGolden reads each case's inputs and compares what they show with its
// section "want". Files ending in .options hold a LogFormat.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) < 5 {
		t.Fatalf("cases: %v, %v", cases, err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var opts Options
			for _, f := range ar.Files {
				if f.Name == "options" {
					opts.Format = strings.TrimSpace(string(f.Data))
				}
			}
			a, err := New(opts)
			if err != nil {
				t.Fatal(err)
			}
			want := -1
			for i, f := range ar.Files {
				switch f.Name {
				case "options":
				case "want":
					want = i
				default:
					if _, err := a.Read(t.Context(), f.Name, bytes.NewReader(f.Data)); err != nil {
						t.Fatal(err)
					}
				}
			}
			got := dump(a.Observed())
			if *update {
				ar.Files[want].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(ar.Files[want].Data), got); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

// dump writes an aggregate for people.
func dump(o *Observed) string {
	var b strings.Builder
	for _, f := range o.Flows {
		port := f.Protocol.String()
		if f.PortKnown {
			port += fmt.Sprintf("/%d", f.Port)
		}
		if f.ClientPort != 0 {
			port += fmt.Sprintf(" from %d", f.ClientPort)
		}
		for _, e := range []Endpoint{f.Client, f.Server} {
			if e.Service != "" || e.Reserved != "" || len(e.Names) > 0 {
				fmt.Fprintf(&b, "(%s is %s)\n", e, strings.Trim(strings.Join(append([]string{e.Service, e.Reserved}, e.Names...), " "), " "))
			}
		}
		fmt.Fprintf(&b, "%s: %s -> %s %s %s %s %s", f.At, f.Client, f.Server, port, f.Verdict, f.Direction, f.Sides)
		if f.ReplyHeld {
			b.WriteString(" reply-held")
		}
		fmt.Fprintf(&b, " records=%d replies=%d bytes=%d packets=%d %d-%d\n", f.Records, f.Replies, f.Bytes, f.Packets, f.First.Unix(), f.Last.Unix())
	}
	for _, w := range o.Watched {
		fmt.Fprintf(&b, "watched %s %s%s%s %v records=%d nodata=%d skipdata=%d hours=%d/%d\n", w.At, w.VPC, w.Subnet, w.Instance, w.Addresses, w.Records, w.NoData, w.SkipData, w.Hours, w.Of)
	}
	for _, p := range o.Problems {
		fmt.Fprintln(&b, "problem", p)
	}
	for _, f := range o.Files {
		fmt.Fprintf(&b, "file %s %q records=%d malformed=%d cut=%v\n", f.Name, f.Format, f.Records, f.Malformed, f.Cut)
	}
	for _, s := range o.Blind() {
		fmt.Fprintln(&b, "blind:", s)
	}
	fmt.Fprintf(&b, "ignored=%d malformed=%d unnamed=%d coarse=%q\n", o.Ignored, o.Malformed, o.Unnamed, o.Coarse.Level)
	return b.String()
}

func observe(t testing.TB, opts Options, name string, data []byte) *Observed {
	t.Helper()
	a, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Read(context.Background(), name, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return a.Observed()
}

const header = defaultFormat + "\n"

func line(rest string) string { return "2 111122223333 eni-0a " + rest + "\n" }

func TestSides(t *testing.T) {
	const format = "version interface-id srcaddr dstaddr srcport dstport protocol start end action tcp-flags flow-direction log-status"
	tests := []struct {
		name, record, want string
	}{
		{"lone syn from below", "10.0.0.1 10.0.0.2 20 51000 6 1700000000 1700000060 ACCEPT 2 egress OK", "10.0.0.1 -> 10.0.0.2 tcp/51000 accepted egress stated"},
		{"syn and fin in one interval", "10.0.0.1 10.0.0.2 40000 40001 6 1700000000 1700000060 ACCEPT 3 egress OK", "10.0.0.1 -> 10.0.0.2 tcp/40001 accepted egress stated"},
		{"syn-ack is an answer", "10.0.0.2 10.0.0.1 8265 51000 6 1700000000 1700000060 ACCEPT 18 egress OK", "10.0.0.1 -> 10.0.0.2 tcp/8265 accepted ingress stated"},
		{"syn-ack and fin", "10.0.0.2 10.0.0.1 40001 51000 6 1700000000 1700000060 ACCEPT 19 ingress OK", "10.0.0.1 -> 10.0.0.2 tcp/40001 accepted egress stated"},
		{"no flags, system port", "10.0.0.1 10.0.0.2 1025 443 6 1700000000 1700000060 ACCEPT 0 egress OK", "10.0.0.1 -> 10.0.0.2 tcp/443 accepted egress inferred"},
		{"answer of a registered port", "10.0.0.2 10.0.0.1 5432 40000 6 1700000000 1700000060 ACCEPT 0 egress OK", "10.0.0.1 -> 10.0.0.2 tcp/5432 accepted ingress inferred"},
		{"both ephemeral", "10.0.0.1 10.0.0.2 40000 50000 6 1700000000 1700000060 ACCEPT 0 egress OK", "10.0.0.1 -> 10.0.0.2 tcp/50000 from 40000 accepted egress ambiguous"},
		{"both registered, as behind NAT", "10.0.0.1 10.0.0.2 20000 9092 6 1700000000 1700000060 ACCEPT 0 egress OK", "10.0.0.1 -> 10.0.0.2 tcp/9092 from 20000 accepted egress ambiguous"},
		{"both system", "10.0.0.1 10.0.0.2 500 22 17 1700000000 1700000060 ACCEPT 0 egress OK", "10.0.0.1 -> 10.0.0.2 udp/22 from 500 accepted egress ambiguous"},
		{"time", "10.0.0.1 10.0.0.2 123 123 17 1700000000 1700000060 ACCEPT 0 egress OK", "10.0.0.1 -> 10.0.0.2 udp/123 from 123 accepted egress ambiguous"},
		{"flags of another protocol", "10.0.0.1 10.0.0.2 40000 50000 17 1700000000 1700000060 ACCEPT 2 egress OK", "10.0.0.1 -> 10.0.0.2 udp/50000 from 40000 accepted egress ambiguous"},
		{"ping", "10.0.0.1 10.0.0.2 0 0 1 1700000000 1700000060 ACCEPT - egress OK", "10.0.0.1 -> 10.0.0.2 icmp accepted egress ambiguous"},
		{"answer held back", "10.0.0.2 10.0.0.1 443 51000 6 1700000000 1700000060 REJECT 0 egress OK", "10.0.0.1 -> 10.0.0.2 tcp/443 rejected ingress inferred reply-held"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := observe(t, Options{}, "f", []byte(format+"\n3 eni-0a "+tt.record+"\n"))
			got, _, _ := strings.Cut(dump(o), " records=")
			if got != "eni-0a: "+tt.want {
				t.Errorf("got  %s\nwant eni-0a: %s", got, tt.want)
			}
		})
	}
}

func TestOpened(t *testing.T) {
	for name, tt := range map[string]struct {
		flow Flow
		want reach.Answer
	}{
		"let in at the server":           {Flow{Verdict: Accepted, Direction: Ingress, Sides: Stated}, reach.Yes},
		"let out at the client":          {Flow{Verdict: Accepted, Direction: Egress, Sides: Stated}, reach.Unknown},
		"let out and answered":           {Flow{Verdict: Accepted, Direction: Egress, Sides: Inferred, Replies: 1}, reach.Yes},
		"nobody says where":              {Flow{Verdict: Accepted, Sides: Inferred}, reach.Unknown},
		"let in, the ends not told":      {Flow{Verdict: Accepted, Direction: Ingress}, reach.Unknown},
		"held back":                      {Flow{Verdict: Rejected, Direction: Egress, Sides: Inferred}, reach.No},
		"its answers held back":          {Flow{Verdict: Rejected, Direction: Ingress, Sides: Inferred, ReplyHeld: true, Replies: 3}, reach.Yes},
		"dropped for another reason":     {Flow{Verdict: Dropped, Direction: Ingress, Sides: Stated}, reach.Unknown},
		"audited":                        {Flow{Verdict: Audited, Direction: Ingress, Sides: Stated}, reach.Yes},
		"no verdict, and answered":       {Flow{Direction: Egress, Sides: Stated, Replies: 1}, reach.Yes},
		"no verdict, seen at the server": {Flow{Direction: Ingress, Sides: Stated}, reach.Unknown},
	} {
		if got := tt.flow.Opened(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestAmbiguousFlowsAreToldByOthers(t *testing.T) {
	var b strings.Builder
	b.WriteString(header)
	// Kafka behind NAT: both ports lie where either side may have them.
	for port := 20000; port < 20006; port++ {
		b.WriteString(line(fmt.Sprintf("10.0.0.1 10.0.0.9 %d 9092 6 1 10 1700000000 1700000060 ACCEPT OK", port)))
		b.WriteString(line(fmt.Sprintf("10.0.0.9 10.0.0.1 9092 %d 6 1 10 1700000000 1700000060 ACCEPT OK", port)))
	}
	// A port that another flow shows to be a server's.
	b.WriteString(line("10.0.0.1 10.0.0.8 40000 7000 6 1 10 1700000000 1700000060 ACCEPT OK"))
	b.WriteString(line("10.0.0.8 10.0.0.1 7000 3000 6 1 10 1700000000 1700000060 ACCEPT OK"))
	// Nothing tells.
	b.WriteString(line("10.0.0.1 10.0.0.7 4000 5000 6 1 10 1700000000 1700000060 ACCEPT OK"))
	o := observe(t, Options{}, "f", []byte(b.String()))
	var got []string
	for _, f := range o.Flows {
		got = append(got, fmt.Sprintf("%s -> %s %d %s %s records=%d replies=%d", f.Client, f.Server, f.Port, f.Sides, f.Direction, f.Records, f.Replies))
	}
	want := []string{
		"10.0.0.1 -> 10.0.0.7 5000 ambiguous egress records=1 replies=0",
		"10.0.0.1 -> 10.0.0.8 7000 inferred egress records=2 replies=1",
		"10.0.0.1 -> 10.0.0.9 9092 inferred egress records=12 replies=6",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMalformedLinesAreNamed(t *testing.T) {
	good := line("10.0.0.1 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ACCEPT OK")
	tests := []struct{ line, want string }{
		{line("10.0.0.1 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ACCEPT"), errFields.Error()},
		{line("10.0.0.1 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ACCEPT OK OK"), errFields.Error()},
		{line("10.0.0.256 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ACCEPT OK"), errAddress.Error()},
		{line("10.0.0 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ACCEPT OK"), errAddress.Error()},
		{line("010.0.0.1 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ACCEPT OK"), errAddress.Error()},
		{line("10.0.0.1 ::1 40000 443 6 1 10 1700000000 1700000060 ACCEPT OK"), errFamilies.Error()},
		{line("10.0.0.1 10.0.0.2 65536 443 6 1 10 1700000000 1700000060 ACCEPT OK"), errPort.Error()},
		{line("10.0.0.1 10.0.0.2 40000 -1 6 1 10 1700000000 1700000060 ACCEPT OK"), errPort.Error()},
		{line("10.0.0.1 10.0.0.2 40000 443 256 1 10 1700000000 1700000060 ACCEPT OK"), errProtocol.Error()},
		{line("10.0.0.1 10.0.0.2 40000 443 6 1 x 1700000000 1700000060 ACCEPT OK"), errCount.Error()},
		{line("10.0.0.1 10.0.0.2 40000 443 6 1 10 1700000060 1700000000 ACCEPT OK"), errTime.Error()},
		{line("10.0.0.1 10.0.0.2 40000 443 6 1 10 17 18 ACCEPT OK"), errTime.Error()},
		{line("10.0.0.1 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ALLOW OK"), errAction.Error()},
		{line("10.0.0.1 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ACCEPT FINE"), errStatus.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			o := observe(t, Options{}, "logs/a.log", []byte(header+good+tt.line+good))
			want := []Problem{{File: "logs/a.log", Line: 3, What: tt.want}}
			if diff := cmp.Diff(want, o.Problems); diff != "" {
				t.Error(diff)
			}
			if o.Records != 2 || o.Malformed != 1 {
				t.Errorf("%d records and %d malformed, want 2 and 1", o.Records, o.Malformed)
			}
			if len(o.Blind()) == 0 {
				t.Error("a line that could not be read makes nobody blind")
			}
		})
	}
}

func TestFilesThatAreNotWhole(t *testing.T) {
	good := line("10.0.0.1 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ACCEPT OK")
	text := []byte(header + strings.Repeat(good, 20000))
	zipped := pack(t, text)
	var z bytes.Buffer
	w, err := zstd.NewWriter(&z)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	w.Close()
	cloudwatch, err := json.Marshal(map[string]any{"events": []any{
		map[string]any{"message": strings.TrimSpace(good)}, map[string]any{"message": strings.TrimSpace(good)}}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		data    []byte
		cut     bool
		records int64 // at least
		problem string
	}{
		{"whole", text, false, 20000, ""},
		{"whole gzip", zipped, false, 20000, ""},
		{"whole zstd", z.Bytes(), false, 20000, ""},
		{"gzip twice", pack(t, zipped), false, 20000, ""},
		{"gzip cut", zipped[:len(zipped)/2], true, 1000, "ends in the middle"},
		{"gzip without its checksum", zipped[:len(zipped)-8], true, 19999, "ends in the middle"},
		{"gzip altered", alter(zipped), true, 0, "cannot be read further"},
		{"gzip of two bytes", zipped[:2], true, 0, "ends in the middle"},
		{"zstd cut", z.Bytes()[:z.Len()/2], true, 0, "ends in the middle"},
		{"text cut in a number", []byte(header + good + strings.TrimSuffix(good, "00060 ACCEPT OK\n")), true, 1, "may be cut"},
		{"text without a last line's end", []byte(header + strings.TrimSpace(good)), false, 1, ""},
		{"json cut", cloudwatch[:len(cloudwatch)-20], true, 1, "ends in the middle"},
		{"json cut between events", cloudwatch[:len(cloudwatch)-2], true, 2, "ends in the middle"},
		{"empty", nil, true, 0, "is empty"},
		{"no header and another format", []byte("3 eni-0a 10.0.0.1\n3 eni-0a 10.0.0.2\n"), false, 0, "without a header"},
		{"header without addresses", []byte("version interface-id start end action\n"), false, 0, "lacks srcaddr, dstaddr"},
		{"something else", []byte("%PDF-1.7\n\x00\x01"), false, 0, "without a header"},
		{"parquet cut", []byte("PAR1abcdefgh"), true, 0, "no whole Parquet file"},
		{"a line without end", append([]byte(header+good), bytes.Repeat([]byte("x"), 3<<20)...), true, 1, "a line of more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := observe(t, Options{}, "f", tt.data)
			if o.Records < tt.records {
				t.Errorf("%d records, want at least %d", o.Records, tt.records)
			}
			if o.Files[0].Cut != tt.cut {
				t.Errorf("cut is %v, want %v", o.Files[0].Cut, tt.cut)
			}
			got := ""
			for _, p := range o.Problems {
				got += p.String() + "\n"
			}
			if !strings.Contains(got, tt.problem) || tt.problem == "" && got != "" {
				t.Errorf("problem %q, want one with %q", got, tt.problem)
			}
			if (tt.problem != "") != (len(o.Blind()) > 0) {
				t.Errorf("blind says %q", o.Blind())
			}
		})
	}
}

func pack(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func alter(data []byte) []byte {
	out := bytes.Clone(data)
	for i := len(out) / 2; i < len(out)/2+40 && i < len(out); i++ {
		out[i] ^= 0x5a
	}
	return out
}

func TestAMissingFileIsNamed(t *testing.T) {
	a, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.ReadFile(t.Context(), filepath.Join(t.TempDir(), "gone.log.gz")); err != nil {
		t.Fatal(err)
	}
	o := a.Observed()
	if len(o.Problems) != 1 || !strings.Contains(o.Problems[0].What, "cannot be opened") || len(o.Blind()) == 0 {
		t.Errorf("problems %v, blind %v", o.Problems, o.Blind())
	}
}

func TestOptionsFormat(t *testing.T) {
	for _, bad := range []string{"${version} ${srcaddr}", "${srcaddr} ${dstaddr} ${dstport} ${protocol} ${start} ${srcaddr}", "srcaddr dstaddr dstport protocol start NOT_A_FIELD"} {
		if _, err := New(Options{Format: bad}); err == nil {
			t.Errorf("format %q is taken", bad)
		}
	}
	o := observe(t, Options{Format: "${srcaddr} ${dstaddr} ${dstport} ${protocol} ${start} ${some-later-field}"}, "f",
		[]byte("10.0.0.1 10.0.0.2 443 6 1700000000 what\n10.0.0.1 10.0.0.2 443 6 1700000000 ever\n"))
	if o.Records != 2 || len(o.Flows) != 1 || o.Flows[0].Verdict != Unsaid || o.Flows[0].Sides != Ambiguous {
		t.Errorf("%s", dump(o))
	}
	want := map[string]int64{"srcport": 2, "action": 2, "bytes": 2, "packets": 2, "log-status": 2, "tcp-flags": 2, "pkt-srcaddr": 2, "pkt-dstaddr": 2, "flow-direction": 2}
	if diff := cmp.Diff(want, o.Unsaid); diff != "" {
		t.Error(diff)
	}
}

func TestACancelledRunSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := header + strings.Repeat(line("10.0.0.1 10.0.0.2 40000 443 6 1 10 1700000000 1700000060 ACCEPT OK"), 10000)
	if _, err := a.Read(ctx, "f", strings.NewReader(text)); err == nil {
		t.Error("no error")
	}
	if o := a.Observed(); !o.Files[0].Cut || o.Records >= 10000 {
		t.Errorf("%+v", o.Files)
	}
}
