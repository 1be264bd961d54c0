package flows

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// hubbleLine is one line of `hubble observe -o json` (jsonpb) or of the
// exporter's file: an envelope around a flow, or, in older versions, the flow.
type hubbleLine struct {
	Flow *hubbleFlow `json:"flow"`
	Lost *struct {
		Count json.Number `json:"num_events_lost"` // a 64-bit number is a string in JSON
	} `json:"lost_events"`
	NodeStatus json.RawMessage `json:"node_status"`
	Agent      json.RawMessage `json:"agent_event"`
	Debug      json.RawMessage `json:"debug_event"`
	NodeName   string          `json:"node_name"`
	Time       string          `json:"time"`
	hubbleBare
}

// hubbleBare are the members by which a flow without envelope is known.
type hubbleBare struct {
	Verdict json.RawMessage `json:"verdict"`
	IP      json.RawMessage `json:"IP"`
}

// hubbleFlow is what is read of flow.Flow.
type hubbleFlow struct {
	Time     string `json:"time"`
	Verdict  string `json:"verdict"`
	Reason   string `json:"drop_reason_desc"`
	Number   uint32 `json:"drop_reason"`
	NodeName string `json:"node_name"`
	IP       struct {
		Source      string `json:"source"`
		Destination string `json:"destination"`
	} `json:"IP"`
	L4               *hubbleL4      `json:"l4"`
	Source           hubbleEndpoint `json:"source"`
	Destination      hubbleEndpoint `json:"destination"`
	Type             string         `json:"Type"`
	SourceNames      []string       `json:"source_names"`
	DestinationNames []string       `json:"destination_names"`
	Direction        string         `json:"traffic_direction"`
	IsReply          *bool          `json:"is_reply"`
}

type hubbleL4 struct {
	TCP, UDP, SCTP *hubblePorts
	ICMPv4, ICMPv6 *struct {
		Type uint8 `json:"type"`
		Code uint8 `json:"code"`
	}
}

type hubblePorts struct {
	Source      uint16 `json:"source_port"`
	Destination uint16 `json:"destination_port"`
	Flags       struct{ SYN, ACK bool }
}

type hubbleEndpoint struct {
	Namespace string   `json:"namespace"`
	Pod       string   `json:"pod_name"`
	Labels    []string `json:"labels"`
	Workloads []struct {
		Name string `json:"name"`
		Kind string `json:"kind"`
	} `json:"workloads"`
}

// Errors of a single event.
var (
	errHubbleTime    = errors.New("the flow's time is no RFC 3339 time")
	errHubbleVerdict = errors.New("the flow's verdict is none that Hubble knows")
	errHubbleIP      = errors.New("the flow says neither pod nor IP address of its source or destination")
	errHubbleOther   = errors.New("neither a flow nor another event of Hubble")
)

// hubble reads one line of Hubble's output.
func (d *reading) hubble(line []byte, ended bool) {
	line = bytes.TrimLeft(bytes.TrimSpace(line), "\ufeff")
	if len(line) == 0 {
		return
	}
	if f := d.quick.flow(line); f != nil {
		if err := d.t.hubble(f); err != nil {
			d.bad(err.Error())
		}
		return
	}
	var e hubbleLine
	if err := json.Unmarshal(line, &e); err != nil {
		var syntax *json.SyntaxError
		if !ended && errors.As(err, &syntax) {
			d.t.obs.Malformed++
			d.cut(io.ErrUnexpectedEOF)
			return
		}
		d.bad("not an event of Hubble: " + err.Error())
		return
	}
	f := e.Flow
	switch {
	case f != nil:
	case e.Lost != nil:
		n, err := e.Lost.Count.Int64()
		if err != nil || n < 0 {
			n = 1 // it says that it lost some, and not how many
		}
		d.t.obs.LostHere = sum(d.t.obs.LostHere, n)
		return
	case e.NodeStatus != nil, e.Agent != nil, e.Debug != nil:
		d.t.obs.Ignored++
		return
	case e.Verdict != nil || e.IP != nil:
		f = &hubbleFlow{}
		if err := json.Unmarshal(line, f); err != nil {
			d.bad("not a flow of Hubble: " + err.Error())
			return
		}
	default:
		d.bad(errHubbleOther.Error())
		return
	}
	if f.NodeName == "" {
		f.NodeName = e.NodeName
	}
	if f.Time == "" {
		f.Time = e.Time
	}
	if err := d.t.hubble(f); err != nil {
		d.bad(err.Error())
	}
}

// hubble counts one flow.
func (t *table) hubble(f *hubbleFlow) error {
	when, err := time.Parse(time.RFC3339Nano, f.Time)
	if err != nil || when.Unix() < earliest || when.Unix() > latest {
		return errHubbleTime
	}
	r := record{start: when.Unix(), end: when.Unix()}
	counts := true
	switch f.Verdict {
	case "FORWARDED", "REDIRECTED":
		r.verdict = Accepted
	case "AUDIT":
		r.verdict = Audited
	case "DROPPED":
		r.verdict = Dropped
		switch f.Reason {
		case "POLICY_DENIED", "POLICY_DENY", "AUTH_REQUIRED", "DENIED_BY_LB_SRC_RANGE_CHECK":
			r.verdict = Rejected
		case "":
			if f.Number == 133 || f.Number == 181 { // the same of older versions
				r.verdict = Rejected
			}
		}
	case "ERROR", "TRACED", "TRANSLATED", "VERDICT_UNKNOWN", "":
		counts = false
	default:
		return errHubbleVerdict
	}
	// Layer 7 events are of connections told already, and one that is denied was
	// let through as a connection; socket events name addresses that are
	// translated before anything is sent.
	if !counts || f.Type == "SOCK" || f.Type == "L7" || f.Reason == "UNSUPPORTED_L3_PROTOCOL" {
		t.obs.Ignored++
		return nil
	}
	if r.source, err = t.hubbleEnd(&f.Source, f.IP.Source, f.SourceNames); err != nil {
		return err
	}
	if r.dest, err = t.hubbleEnd(&f.Destination, f.IP.Destination, f.DestinationNames); err != nil {
		return err
	}
	for _, p := range []peer{r.source, r.dest} {
		r.coarse = r.coarse || p.kind == kindPod && t.pods.all[p.lo].name == ""
	}
	if !r.hubbleL4(f.L4) {
		t.obs.Portless++
		return nil
	}
	if f.IsReply != nil {
		r.sides, r.reply = Stated, *f.IsReply
	}
	switch f.Direction {
	case "INGRESS":
		r.direction = Ingress
	case "EGRESS":
		r.direction = Egress
	}
	if reply, _ := r.turn(); reply {
		// Hubble says the direction of the connection, flow logs that of the packet.
		r.direction = r.direction.flip()
	}
	node := f.NodeName
	if node == "" {
		node = "(unnamed)"
	}
	r.at = t.at([]byte("node/" + node))
	t.add(&r)
	return nil
}

// hubbleL4 reads ports; false if there is no transport.
func (r *record) hubbleL4(l *hubbleL4) bool {
	ports := func(proto reach.Protocol, p *hubblePorts) bool {
		r.proto, r.sport, r.dport = proto, p.Source, p.Destination
		if proto == reach.TCP && p.Flags.SYN {
			r.sides, r.reply = Stated, p.Flags.ACK
		}
		return true
	}
	switch {
	case l == nil:
		return false
	case l.TCP != nil:
		return ports(reach.TCP, l.TCP)
	case l.UDP != nil:
		return ports(reach.UDP, l.UDP)
	case l.SCTP != nil:
		return ports(reach.SCTP, l.SCTP)
	case l.ICMPv4 != nil:
		r.proto, r.dport = reach.ICMP, uint16(l.ICMPv4.Type)<<8|uint16(l.ICMPv4.Code)
		r.sport = r.dport
		return true
	case l.ICMPv6 != nil:
		r.proto, r.dport = reach.ICMPv6, uint16(l.ICMPv6.Type)<<8|uint16(l.ICMPv6.Code)
		r.sport = r.dport
		return true
	}
	return false
}

// hubbleEnd is one end of a flow: the pod, or else the address.
func (t *table) hubbleEnd(e *hubbleEndpoint, ip string, names []string) (peer, error) {
	a, err := netip.ParseAddr(ip)
	if err != nil && ip != "" {
		return peer{}, errHubbleIP
	}
	if e.Namespace != "" && e.Pod != "" {
		x := pod{namespace: e.Namespace, name: e.Pod}
		if len(e.Workloads) > 0 {
			x.workload = e.Workloads[0].Kind + "/" + e.Workloads[0].Name
		}
		return peer{lo: uint64(t.pods.number(x, e.Labels)), kind: kindPod}, nil
	}
	if err != nil {
		return peer{}, errHubbleIP
	}
	a = a.WithZone("").Unmap()
	t.names.note(a, reserved(e.Labels), names)
	return peerOf(a), nil
}

// reserved is the name among labels that Cilium reserves for ends that are no
// pods; of several the most telling one.
func reserved(labels []string) string {
	out := ""
	for _, l := range labels {
		if name, ok := strings.CutPrefix(l, "reserved:"); ok && (out == "" || plainness(name) < plainness(out)) {
			out = name
		}
	}
	return out
}

// plainness orders reserved names: the API server is a host too, and may be of
// the world.
func plainness(name string) int {
	switch {
	case strings.HasPrefix(name, "world"):
		return 2
	case name == "host" || name == "remote-node":
		return 1
	}
	return 0
}
