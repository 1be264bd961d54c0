package ocsf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// DefaultFlowFormat is the format of VPC flow logs of version 2, for lines
// that come without a header (VPC User Guide, "Flow log records").
const DefaultFlowFormat = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"

// flowTargets are the fields of flow logs an event takes.
var flowTargets = map[string]string{
	"account-id": "account", "interface-id": "net.interface", "srcaddr": "source_ip", "dstaddr": "net.dst_ip", "srcport": "net.src_port", "dstport": "net.dst_port",
	"protocol": "net.protocol", "packets": "count", "bytes": "bytes_out", "start": "time", "region": "region", "pkt-srcaddr": "", "pkt-dstaddr": "",
}

// flowFormat says what each column of a line fills.
type flowFormat struct {
	columns []string
	set     []func(*Event, string) error // nil: not taken
	action  int
	status  int
	header  string // goes before each line that is kept; "" for DefaultFlowFormat
}

// parseFlowFormat reads a header line, "version account-id …", or a LogFormat,
// "${version} ${account-id} …".
func parseFlowFormat(s string) (*flowFormat, error) {
	f := &flowFormat{action: -1, status: -1}
	have := map[string]bool{}
	for i, col := range strings.Fields(s) {
		col = strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(col, "${"), "}"), "_", "-")
		f.columns = append(f.columns, col)
		f.set = append(f.set, targets[flowTargets[col]])
		have[col] = true
		switch col {
		case "action":
			f.action = i
		case "log-status":
			f.status = i
		}
	}
	if f.header = strings.Join(f.columns, " "); f.header == DefaultFlowFormat {
		f.header = ""
	}
	if !have["srcaddr"] || !have["dstaddr"] || !have["start"] {
		return nil, fmt.Errorf("a flow log's format needs srcaddr, dstaddr and start, and this names %d others", len(f.columns))
	}
	return f, nil
}

// isFlowHeader says whether a line names columns.
func isFlowHeader(line string) bool {
	return strings.Contains(line, "srcaddr") && strings.Contains(line, "dstaddr")
}

// FlowHeader is the line that names a flow log's columns, with its line break, if a text
// begins with one; else nil.
func FlowHeader(head []byte) []byte {
	if n := bytes.IndexByte(head, '\n'); n >= 0 && isFlowHeader(string(head[:n])) && head[0] != '{' && head[0] != '[' {
		return head[:n+1]
	}
	return nil
}

// errNoData is a line that says there was no traffic, or that records were
// skipped: it is counted, it is no event.
var errNoData = errors.New("no data")

// decode reads one line. What is kept of it says its columns where they are not the default
// ones: who reads it again has no other word of them.
func (f *flowFormat) decode(line string, e *Event) error {
	*e = Event{Source: VPCFlow, Raw: []byte(line)}
	if f.header != "" {
		e.Raw = []byte(f.header + "\n" + line)
	}
	words := strings.Fields(line)
	if len(words) != len(f.columns) {
		return fmt.Errorf("%d columns where the format has %d", len(words), len(f.columns))
	}
	if f.status >= 0 && words[f.status] != "OK" {
		return errNoData
	}
	for i, set := range f.set {
		if set == nil || words[i] == "-" {
			continue
		}
		if err := set(e, words[i]); err != nil {
			return &fieldError{f.columns[i], err}
		}
	}
	e.Class, e.Activity, e.Service, e.Action = ClassNetworkActivity, ActivityTraffic, "vpc", "traffic"
	if f.action >= 0 && words[f.action] == "REJECT" {
		e.Activity, e.Failed, e.Action = ActivityRefuse, true, "refused traffic"
	}
	if e.Time == 0 || e.SourceIP == "" {
		return &fieldError{"start or srcaddr", errors.New("missing")}
	}
	network(e)
	e.Actor = Actor{Type: "address", ID: e.SourceIP}
	e.Resources = []Resource{{ID: e.Net.DstIP, Type: "address"}}
	e.ID = digest([]byte(line))
	return nil
}

// decodeKept reads what decode kept of a line.
func (d *Decoder) decodeKept(raw string, e *Event) (err error) {
	header, line, ok := strings.Cut(raw, "\n")
	if !ok {
		header, line = DefaultFlowFormat, raw
	}
	if d.flow == nil || d.columns != header {
		if d.flow, err = parseFlowFormat(header); err != nil {
			return err
		}
		d.columns = header
	}
	return d.flow.decode(line, e)
}
