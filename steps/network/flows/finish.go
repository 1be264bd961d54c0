package flows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Observed is what all files read so far show together. It may be asked again
// after more were read.
func (a *Aggregate) Observed() *Observed {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.idle) == 0 {
		a.idle = []*table{newTable(&a.opts)}
	}
	t := a.idle[0]
	for _, o := range a.idle[1:] {
		t.merge(o)
	}
	a.idle = a.idle[:1]
	o := a.obs
	o.Problems = slices.Clone(o.Problems)
	o.Files = slices.Clone(o.Files)
	o.Unsaid = map[string]int64{}
	for i, n := range t.lacking {
		if n > 0 {
			o.Unsaid[wished[i].name] = n
		}
	}
	o.Gaps = t.cover.gaps(a.opts.Gap)
	o.Watched, o.First, o.Last = t.watched(&a.opts)
	flows, coarse := t.resolve()
	o.Flows = t.list(flows, o.Watched)
	o.Coarse = Coarse{Level: t.level, Records: coarse, Left: t.lost}
	slices.SortStableFunc(o.Watched, func(x, y Watched) int { return cmp.Compare(x.At, y.At) })
	return &o
}

// watched is what is known of each place, by number, and the whole window.
func (t *table) watched(opts *Options) (out []Watched, first, last time.Time) {
	var from, to int64
	for i := range t.places {
		p := &t.places[i]
		w := Watched{At: p.name, VPC: p.vpc, Subnet: p.subnet, Instance: p.instance, Records: p.records, NoData: p.noData, SkipData: p.skipData}
		if p.first != 0 {
			w.First, w.Last = time.Unix(p.first, 0).UTC(), time.Unix(p.last, 0).UTC()
			if from == 0 || p.first < from {
				from = p.first
			}
			to = max(to, p.last)
		}
		w.Hours = p.cover.count()
		w.Addresses = slices.Clone(opts.Addresses[p.name])
		if len(w.Addresses) == 0 && p.name != "" {
			for _, own := range []*ownAddr{&p.own4, &p.own6} {
				if addr, ok := own.one(); ok {
					w.Addresses = append(w.Addresses, addr)
				}
			}
		}
		out = append(out, w)
	}
	if from != 0 {
		first, last = time.Unix(from, 0).UTC(), time.Unix(to, 0).UTC()
		for i := range out {
			out[i].Of = int(to/3600 - from/3600 + 1)
		}
	}
	return out, first, last
}

// port is one port of one end.
type port struct {
	peer  peer
	proto reach.Protocol
	port  uint16
}

// manyPeers is from how many ports of others on an end's port is a server's
// where the other end's port has met one only: a client's port is used once,
// a server's by all its clients.
const manyPeers = 4

// entry is a flow on its way out.
type entry struct {
	key   key
	tally tally
}

// resolve finds the sides of ambiguous flows by what the others show, and
// returns all flows and how many records are not exact.
func (t *table) resolve() (out []entry, coarse int64) {
	servers := map[port]bool{}
	peers := map[port]map[port]struct{}{}
	meet := func(a, b port) {
		m := peers[a]
		if m == nil {
			m = map[port]struct{}{}
			peers[a] = m
		}
		if len(m) < manyPeers {
			m[b] = struct{}{}
		}
	}
	for k := range t.flows {
		switch {
		case k.flags&flagPortUnknown != 0:
		case k.sides != Ambiguous:
			servers[port{k.server, k.proto, k.port}] = true
		case k.proto == reach.TCP || k.proto == reach.UDP || k.proto == reach.SCTP:
			c, s := port{k.client, k.proto, k.clientPort}, port{k.server, k.proto, k.port}
			meet(c, s)
			meet(s, c)
		}
	}
	told := map[key]*tally{} // flows whose sides were found now
	out = make([]entry, 0, len(t.flows))
	for k, i := range t.flows {
		now, m := k, t.tallies[i]
		coarse += m.records - m.exactly
		if k.sides == Ambiguous && k.flags&flagPortUnknown == 0 {
			now, m = tell(k, m, servers, peers)
		}
		if now.sides == Inferred {
			stated := now
			stated.sides = Stated
			if _, ok := t.flows[stated]; ok {
				now = stated // what the ports tell, a record of the same flow says
			}
		}
		switch have := told[now]; {
		case now == k:
			out = append(out, entry{k, m})
		case have != nil:
			have.add(m)
		default:
			told[now] = &m
		}
	}
	for i := range out {
		if m := told[out[i].key]; m != nil {
			out[i].tally.add(*m)
			delete(told, out[i].key)
		}
	}
	for k, m := range told {
		out = append(out, entry{k, *m})
	}
	return out, coarse
}

// tell turns an ambiguous flow by what others show of its ends, if they do.
func tell(k key, n tally, servers map[port]bool, peers map[port]map[port]struct{}) (key, tally) {
	c, s := port{k.client, k.proto, k.clientPort}, port{k.server, k.proto, k.port}
	reply := false
	switch {
	case len(peers[c]) == 0 || k.port == k.clientPort:
		return k, n
	case servers[s] != servers[c]:
		reply = servers[c]
	case servers[s]:
		return k, n // both are
	case len(peers[s]) >= manyPeers && len(peers[c]) == 1:
	case len(peers[c]) >= manyPeers && len(peers[s]) == 1:
		reply = true
	default:
		return k, n
	}
	k.sides = Inferred
	if reply {
		k.client, k.server, k.port = k.server, k.client, k.clientPort
		k.direction = k.direction.flip()
		n.replies = n.records
		if k.verdict == Rejected {
			k.flags |= flagReplyHeld
		}
	}
	k.clientPort = 0
	return k, n
}

// list writes flows out in order.
func (t *table) list(flows []entry, places []Watched) []Flow {
	all := make([]Flow, len(flows))
	order := make([]*Flow, len(flows))
	for i := range flows {
		k, n := &flows[i].key, &flows[i].tally
		all[i] = Flow{
			At: t.places[k.at].name, Client: t.end(k.client), Server: t.end(k.server),
			Protocol: k.proto, Port: k.port, PortKnown: k.flags&flagPortUnknown == 0, ClientPort: k.clientPort,
			Verdict: k.verdict, Direction: k.direction, Sides: k.sides, ReplyHeld: k.flags&flagReplyHeld != 0,
			First: time.Unix(n.first, 0).UTC(), Last: time.Unix(n.last, 0).UTC(),
			Records: n.records, Replies: n.replies, Bytes: n.bytes, Packets: n.packets,
		}
		if all[i].Direction == NoDirection {
			all[i].Direction = places[k.at].direction(&all[i])
		}
		order[i] = &all[i]
	}
	slices.SortFunc(order, compare)
	return together(order)
}

// direction tells where a flow went by the addresses its interface is known
// to have.
func (w *Watched) direction(f *Flow) Direction {
	var client, server bool
	for _, a := range w.Addresses {
		client = client || f.Client.Addr.IsValid() && f.Client.Addr.IsSingleIP() && f.Client.Addr.Addr() == a
		server = server || f.Server.Addr.IsValid() && f.Server.Addr.IsSingleIP() && f.Server.Addr.Addr() == a
	}
	switch {
	case client && !server:
		return Egress
	case server && !client:
		return Ingress
	}
	return NoDirection
}

// together makes one of flows that became the same when their direction was
// found.
func together(in []*Flow) []Flow {
	out := make([]Flow, 0, len(in))
	for _, f := range in {
		if n := len(out); n > 0 && compare(&out[n-1], f) == 0 {
			p := &out[n-1]
			if f.First.Before(p.First) {
				p.First = f.First
			}
			if f.Last.After(p.Last) {
				p.Last = f.Last
			}
			p.Records += f.Records
			p.Replies += f.Replies
			p.Bytes, p.Packets = sum(p.Bytes, f.Bytes), sum(p.Packets, f.Packets)
			continue
		}
		out = append(out, *f)
	}
	return out
}

// compare orders flows; all but what is counted takes part. It goes on only as
// far as it must: most pairs differ early.
func compare(a, b *Flow) int {
	if c := strings.Compare(a.At, b.At); c != 0 {
		return c
	}
	if c := compareEnd(&a.Client, &b.Client); c != 0 {
		return c
	}
	if c := compareEnd(&a.Server, &b.Server); c != 0 {
		return c
	}
	bit := func(x bool) int {
		if x {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), cmp.Compare(a.ClientPort, b.ClientPort),
		cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Sides, b.Sides),
		bit(a.PortKnown)-bit(b.PortKnown), bit(a.ReplyHeld)-bit(b.ReplyHeld))
}

func compareEnd(a, b *Endpoint) int {
	if a.IsPod() || b.IsPod() {
		if c := cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Pod, b.Pod), strings.Compare(a.Workload, b.Workload)); c != 0 {
			return c
		}
	}
	if c := a.Addr.Addr().Compare(b.Addr.Addr()); c != 0 {
		return c
	}
	return cmp.Compare(a.Addr.Bits(), b.Addr.Bits())
}

// end writes an end out.
func (t *table) end(p peer) Endpoint {
	if p.kind == kindPod {
		x := t.pods.all[p.lo]
		return Endpoint{Namespace: x.namespace, Pod: x.name, Workload: x.workload, Reserved: x.reserved, Labels: t.pods.labels[p.lo]}
	}
	e := Endpoint{Addr: p.prefix()}
	if e.Addr.IsValid() && e.Addr.IsSingleIP() {
		if n := t.names[e.Addr.Addr()]; n != nil {
			e.Reserved, e.Service, e.Names = n.reserved, n.service, n.names
		}
	}
	return e
}

// blind says why what is not in the aggregate may still have happened.
func blind(o *Observed) (out []string) {
	say := func(n int64, format string, args ...any) {
		if n > 0 {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	if len(o.Watched) == 0 || o.First.IsZero() {
		out = append(out, "no record was read: nothing was watched")
	}
	say(o.SkipData, "%d times a flow log says that it skipped records (SKIPDATA)", o.SkipData)
	say(o.LostHere, "Hubble says that it lost %d events", o.LostHere)
	say(o.Malformed, "%d lines, rows or events could not be read", o.Malformed)
	say(o.Portless, "%d flows of Hubble say no protocol and port", o.Portless)
	cut := int64(0)
	for _, f := range o.Files {
		if f.Cut {
			cut++
		}
	}
	say(cut, "%d of %d files end in the middle or could not be read to their end", cut, len(o.Files))
	for _, g := range o.Gaps {
		if len(out) > 50 {
			break
		}
		out = append(out, fmt.Sprintf("nothing was recorded from %s to %s", g.From.Format(time.RFC3339), g.To.Format(time.RFC3339)))
	}
	say(o.Coarse.Records, "%d records stand in flows that were made coarser: %s", o.Coarse.Records, o.Coarse.Level)
	say(o.Coarse.Left, "%d records had no place any more", o.Coarse.Left)
	return out
}
