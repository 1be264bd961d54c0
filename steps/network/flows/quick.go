package flows

import (
	"strings"

	"github.com/valyala/fastjson"
)

// quick reads flows of Hubble in the shape that Cilium writes, several times as fast as
// encoding/json. Whatever is not in that shape to the letter (another type, a name spelt
// otherwise, text that is not plain ASCII, damage) it leaves to that: what it reads, it
// reads alike.
type quick struct {
	parser fastjson.Parser
	words  map[string]string // strings that were seen, so that each is made once
	f      hubbleFlow
	l4     hubbleL4
	ports  hubblePorts
	reply  bool
	off    bool // something was not in the shape
}

// mostWords bounds how many strings are kept.
const mostWords = 1 << 16

// flow reads one line, nil if it is none in the shape. What it returns is good until the
// next line.
func (q *quick) flow(line []byte) *hubbleFlow {
	for _, c := range line {
		if c < ' ' || c >= 0x80 || c == '\\' {
			return nil
		}
	}
	if fastjson.ValidateBytes(line) != nil { // the parser takes more than JSON
		return nil
	}
	v, err := q.parser.ParseBytes(line)
	if err != nil {
		return nil
	}
	top, err := v.Object()
	if err != nil {
		return nil
	}
	if q.words == nil || len(q.words) > mostWords {
		q.words = map[string]string{}
	}
	q.off = false
	node, when, found := "", "", 0
	top.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "flow":
			found++
			if o := q.object(v); o != nil {
				q.readFlow(o)
			}
		case "node_name":
			node = q.text(v)
		case "time":
			when = q.text(v)
		default: // another event, or one that nobody knows
			q.off = true
		}
	})
	if q.off || found != 1 {
		return nil
	}
	if q.f.NodeName == "" {
		q.f.NodeName = node
	}
	if q.f.Time == "" {
		q.f.Time = when
	}
	return &q.f
}

// readFlow reads the members of a flow; one that is there twice is not in the shape.
func (q *quick) readFlow(o *fastjson.Object) {
	f := &q.f
	*f = hubbleFlow{}
	seen := uint32(0)
	once := func(n int) {
		q.off = q.off || seen&(1<<n) != 0
		seen |= 1 << n
	}
	o.Visit(func(key []byte, v *fastjson.Value) {
		switch string(key) {
		case "time":
			once(0)
			f.Time = q.plain(v)
		case "verdict":
			once(1)
			f.Verdict = q.text(v)
		case "drop_reason_desc":
			once(2)
			f.Reason = q.text(v)
		case "drop_reason":
			once(3)
			f.Number = uint32(q.number(v, 1<<32-1))
		case "node_name":
			once(4)
			f.NodeName = q.text(v)
		case "IP":
			once(5)
			q.members(v, func(key string, v *fastjson.Value) {
				switch key {
				case "source":
					f.IP.Source = q.text(v)
				case "destination":
					f.IP.Destination = q.text(v)
				default:
					q.stranger(key)
				}
			})
		case "l4":
			once(6)
			q.readL4(v)
		case "source":
			once(7)
			q.readEnd(v, &f.Source)
		case "destination":
			once(8)
			q.readEnd(v, &f.Destination)
		case "Type":
			once(9)
			f.Type = q.text(v)
		case "source_names":
			once(10)
			f.SourceNames = q.list(v)
		case "destination_names":
			once(11)
			f.DestinationNames = q.list(v)
		case "traffic_direction":
			once(12)
			f.Direction = q.text(v)
		case "is_reply":
			once(13)
			switch v.Type() {
			case fastjson.TypeTrue, fastjson.TypeFalse:
				q.reply = v.Type() == fastjson.TypeTrue
				f.IsReply = &q.reply
			case fastjson.TypeNull:
			default:
				q.off = true
			}
		default:
			q.stranger(q.word(key))
		}
	})
}

func (q *quick) readL4(v *fastjson.Value) {
	q.members(v, func(key string, v *fastjson.Value) {
		if q.f.L4 != nil {
			q.off = true // of two transports
			return
		}
		q.l4, q.ports = hubbleL4{}, hubblePorts{}
		switch key {
		case "TCP":
			q.l4.TCP = &q.ports
		case "UDP":
			q.l4.UDP = &q.ports
		case "SCTP":
			q.l4.SCTP = &q.ports
		default:
			q.off = true // of messages, and of what is new
			return
		}
		q.f.L4 = &q.l4
		q.members(v, func(key string, v *fastjson.Value) {
			switch key {
			case "source_port":
				q.ports.Source = uint16(q.number(v, 1<<16-1))
			case "destination_port":
				q.ports.Destination = uint16(q.number(v, 1<<16-1))
			case "flags":
				q.members(v, func(key string, v *fastjson.Value) {
					set, err := v.Bool()
					q.off = q.off || err != nil
					switch key {
					case "SYN":
						q.ports.Flags.SYN = set
					case "ACK":
						q.ports.Flags.ACK = set
					case "FIN", "RST", "PSH", "URG", "ECE", "CWR", "NS":
					default:
						q.off = true
					}
				})
			default:
				q.off = true
			}
		})
	})
}

func (q *quick) readEnd(v *fastjson.Value, e *hubbleEndpoint) {
	q.members(v, func(key string, v *fastjson.Value) {
		switch key {
		case "namespace":
			e.Namespace = q.text(v)
		case "pod_name":
			e.Pod = q.text(v)
		case "labels":
			e.Labels = q.list(v)
		case "workloads":
			all, err := v.Array()
			q.off = q.off || err != nil || e.Workloads != nil
			for _, one := range all {
				w := struct {
					Name string `json:"name"`
					Kind string `json:"kind"`
				}{}
				q.members(one, func(key string, v *fastjson.Value) {
					switch key {
					case "name":
						w.Name = q.text(v)
					case "kind":
						w.Kind = q.text(v)
					default:
						q.stranger(key)
					}
				})
				e.Workloads = append(e.Workloads, w)
			}
		default:
			q.stranger(key)
		}
	})
}

// members calls fn with each member of an object; one that is there twice, or no object,
// is not in the shape.
func (q *quick) members(v *fastjson.Value, fn func(string, *fastjson.Value)) {
	o := q.object(v)
	if o == nil {
		return
	}
	var before [16]string
	n := 0
	o.Visit(func(key []byte, v *fastjson.Value) {
		word := q.word(key)
		for _, b := range before[:n] {
			q.off = q.off || b == word
		}
		if n < len(before) {
			before[n], n = word, n+1
		} else {
			q.off = true
		}
		fn(word, v)
	})
}

func (q *quick) object(v *fastjson.Value) *fastjson.Object {
	o, err := v.Object()
	q.off = q.off || err != nil
	return o
}

func (q *quick) text(v *fastjson.Value) string {
	b, err := v.StringBytes()
	if err != nil {
		q.off = true
		return ""
	}
	return q.word(b)
}

// plain is a string that is hardly ever seen twice.
func (q *quick) plain(v *fastjson.Value) string {
	b, err := v.StringBytes()
	q.off = q.off || err != nil
	return string(b)
}

func (q *quick) word(b []byte) string {
	if s, ok := q.words[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(s) <= 256 {
		q.words[s] = s
	}
	return s
}

func (q *quick) number(v *fastjson.Value, most uint64) uint64 {
	n, err := v.Uint64()
	q.off = q.off || err != nil || n > most
	return n
}

func (q *quick) list(v *fastjson.Value) []string {
	all, err := v.Array()
	q.off = q.off || err != nil
	out := make([]string, 0, len(all))
	for _, one := range all {
		out = append(out, q.text(one))
	}
	return out
}

// spelt are the members that are read, in small letters: encoding/json takes them in any.
var spelt = map[string]bool{
	"time": true, "verdict": true, "drop_reason_desc": true, "drop_reason": true, "node_name": true, "ip": true, "source": true, "destination": true, "l4": true, "type": true,
	"source_names": true, "destination_names": true, "traffic_direction": true, "is_reply": true, "namespace": true, "pod_name": true, "labels": true, "workloads": true,
	"name": true, "kind": true,
}

// passed are members that Cilium writes and nobody reads here.
var passed = map[string]bool{
	"uuid": true, "ethernet": true, "Summary": true, "event_type": true, "trace_observation_point": true, "trace_reason": true, "ipVersion": true, "encrypted": true,
	"ID": true, "identity": true, "cluster_name": true, "emitter": true, "source_service": true, "destination_service": true, "interface": true, "trace_context": true,
}

// stranger passes a member over that is not read, unless it is spelt almost as one that is.
func (q *quick) stranger(key string) {
	q.off = q.off || !passed[key] && spelt[strings.ToLower(key)]
}
