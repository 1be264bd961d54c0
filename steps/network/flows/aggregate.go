package flows

import (
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Options are how logs are read. The zero value serves.
type Options struct {
	// Format is the format of VPC flow logs whose lines come without a header, as
	// in CloudWatch Logs: the LogFormat of the flow log, "${version} ${account-id} …".
	// Without it such lines are read if they are of the default format.
	Format string
	// Addresses are the interfaces' own addresses by interface id, where they are
	// known; by them the direction of records is told that do not say it.
	Addresses map[string][]netip.Addr
	// MaxFlows bounds how many distinct flows are kept in memory (200 bytes each);
	// 0 is a million.
	MaxFlows int
	// Gap is how long a silence is worth naming; 0 is 20 minutes, since flow logs
	// are written every ten.
	Gap time.Duration
	// MaxProblems bounds how many problems are named; 0 is 100.
	MaxProblems int
}

// Aggregate gathers records of any number of files. Its methods may be called
// from many goroutines: there are as many tables as files that are read at the
// same time, each bounded by itself, and they become one when the outcome is
// asked for.
type Aggregate struct {
	opts   Options
	format *format

	buffers   sync.Pool // of *bufio.Reader
	inflaters sync.Pool // *gzip.Reader, given back likewise
	unpackers sync.Pool // *zstd.Decoder

	mu   sync.Mutex
	idle []*table // that no file is being read into
	obs  Observed // what the files said beside their records
}

// New returns an empty aggregate. The error says what is wrong with
// Options.Format.
func New(opts Options) (*Aggregate, error) {
	if opts.MaxFlows <= 0 {
		opts.MaxFlows = 1_000_000
	}
	opts.MaxFlows = min(opts.MaxFlows, math.MaxUint32)
	if opts.Gap <= 0 {
		opts.Gap = 20 * time.Minute
	}
	if opts.MaxProblems <= 0 {
		opts.MaxProblems = 100
	}
	a := &Aggregate{opts: opts}
	if opts.Format != "" {
		f, err := parseFormat(opts.Format)
		if err != nil {
			return nil, err
		}
		a.format = f
	}
	return a, nil
}

// peer is an end in little: an address as sixteen bytes and how many of its
// bits count, or the number of a pod.
type peer struct {
	hi, lo uint64
	bits   uint8 // of the address; of pods 0
	kind   uint8
}

const (
	kindAny uint8 = iota // no address, or any
	kindV4
	kindV6
	kindPod
)

// key tells flows apart.
type key struct {
	client, server   peer
	at               uint32
	port, clientPort uint16
	proto            reach.Protocol
	verdict          Verdict
	direction        Direction
	sides            Sides
	flags            uint8
}

const (
	flagReplyHeld uint8 = 1 << iota
	flagPortUnknown
)

// tally is what is summed up of a flow.
type tally struct {
	first, last             int64 // unix seconds
	records, replies        int64
	bytes, packets, exactly int64
}

func (t *tally) add(o tally) {
	if t.records == 0 || o.first < t.first {
		t.first = o.first
	}
	if t.records == 0 || o.last > t.last {
		t.last = o.last
	}
	t.records += o.records
	t.replies += o.replies
	t.bytes = sum(t.bytes, o.bytes)
	t.packets = sum(t.packets, o.packets)
	t.exactly += o.exactly
}

// sum stops at the largest number: counts in a log may be made up.
func sum(a, b int64) int64 {
	if c := a + b; c >= a {
		return c
	}
	return math.MaxInt64
}

// record is one line of any log, decoded.
type record struct {
	at               uint32
	source, dest     peer // who sent it to whom
	sport, dport     uint16
	noSport, noDport bool // the port is not said
	coarse           bool // an end is no longer told by name
	proto            reach.Protocol
	verdict          Verdict
	direction        Direction // of this record's packets
	sides            Sides     // Stated if reply says which
	reply            bool
	start, end       int64
	bytes, packets   int64
	local0, local1   netip.Addr // the addresses at the interface, before any translation
}

// table is the aggregate of some files or of all.
type table struct {
	opts    *Options
	flows   map[key]uint32 // by place in tallies: without pointers the collector passes both over
	tallies []tally
	level   Coarseness
	places  []place
	placeOf map[string]uint32
	pods    podTable
	names   nameTable
	cover   cover
	obs     Observed // counts and problems of the file that is being read
	lost    int64    // records that no longer had room
	lacking [len(wished)]int64
}

func newTable(o *Options) *table {
	return &table{opts: o, flows: map[key]uint32{}, placeOf: map[string]uint32{}, cover: cover{unit: 60}}
}

// add counts one record.
func (t *table) add(r *record) {
	k := key{at: r.at, proto: r.proto, verdict: r.verdict}
	reply, sides := r.turn()
	k.sides = sides
	if reply {
		k.client, k.server, k.port, k.clientPort, k.direction = r.dest, r.source, r.sport, r.dport, r.direction.flip()
		if r.verdict == Rejected {
			k.flags |= flagReplyHeld
		}
	} else {
		k.client, k.server, k.port, k.clientPort, k.direction = r.source, r.dest, r.dport, r.sport, r.direction
	}
	switch {
	case r.proto == reach.ICMP, r.proto == reach.ICMPv6:
		k.clientPort = 0
	case sides != Ambiguous:
		k.clientPort = 0 // clients take any
	}
	if !r.portKnown(reply) {
		k.port = 0
		k.flags |= flagPortUnknown
	}
	n := tally{first: r.start, last: r.end, records: 1, bytes: r.bytes, packets: r.packets, exactly: 1}
	if reply {
		n.replies = 1
	}
	if r.coarse {
		n.exactly = 0
	}
	t.put(k, n)
	t.obs.Records++
	t.seen(r)
}

// put adds to a flow, making all coarser when there are too many.
func (t *table) put(k key, n tally) {
	k, n = t.coarsen(k, n, t.level)
	for {
		if i, ok := t.flows[k]; ok {
			t.tallies[i].add(n)
			return
		}
		if len(t.flows) < t.opts.MaxFlows {
			t.flows[k] = uint32(len(t.tallies))
			t.tallies = append(t.tallies, n)
			return
		}
		if t.level == coarsest {
			t.lost += n.records
			return
		}
		t.raise(t.level + 1)
		k, n = t.coarsen(k, n, t.level)
	}
}

// raise makes all flows coarser.
func (t *table) raise(to Coarseness) {
	t.level = to
	old, tallies := t.flows, t.tallies
	t.flows, t.tallies = make(map[key]uint32, len(old)/2), make([]tally, 0, len(old)/2)
	for k, i := range old {
		k, n := t.coarsen(k, tallies[i], to)
		if have, ok := t.flows[k]; ok {
			t.tallies[have].add(n)
			continue
		}
		t.flows[k] = uint32(len(t.tallies))
		t.tallies = append(t.tallies, n)
	}
}

// place is an interface, an attachment or a node.
type place struct {
	name                  string
	vpc, subnet, instance string
	first, last           int64
	records               int64
	noData, skipData      int64
	cover                 cover
	own4, own6            ownAddr
}

// ownAddr narrows down which address is the interface's own: the one that all
// its records have on one side or the other.
type ownAddr struct {
	a, b  netip.Addr
	state uint8 // 0 nothing yet, 1 candidates, 2 none agrees
}

func (o *ownAddr) see(s, d netip.Addr) {
	switch o.state {
	case 0:
		o.a, o.b, o.state = s, d, 1
		return
	case 2:
		return
	}
	keepA, keepB := o.a.IsValid() && (o.a == s || o.a == d), o.b.IsValid() && (o.b == s || o.b == d)
	if !keepA {
		o.a = netip.Addr{}
	}
	if !keepB {
		o.b = netip.Addr{}
	}
	if !keepA && !keepB {
		o.state = 2
	}
}

// one is the address if just one is left.
func (o *ownAddr) one() (netip.Addr, bool) {
	switch {
	case o.state != 1, o.a.IsValid() && o.b.IsValid() && o.a != o.b:
		return netip.Addr{}, false
	case o.a.IsValid():
		return o.a, true
	}
	return o.b, o.b.IsValid()
}

// at returns the number of a place.
func (t *table) at(name []byte) uint32 {
	if i, ok := t.placeOf[string(name)]; ok {
		return i
	}
	return t.newPlace(string(name))
}

// maxPlaces bounds the interfaces of one estate that are told apart.
const maxPlaces = 1 << 21

func (t *table) newPlace(name string) uint32 {
	if len(t.places) >= maxPlaces {
		name = "(further interfaces)"
		if i, ok := t.placeOf[name]; ok {
			return i
		}
	}
	i := uint32(len(t.places))
	t.places = append(t.places, place{name: name, cover: cover{unit: 3600}})
	t.placeOf[name] = i
	return i
}

// seen notes when and where a record was made.
func (t *table) seen(r *record) {
	p := &t.places[r.at]
	p.records++
	t.watch(p, r.start, r.end)
	if r.local0.IsValid() && r.local1.IsValid() {
		if r.local0.Is4() {
			p.own4.see(r.local0, r.local1)
		} else {
			p.own6.see(r.local0, r.local1)
		}
	}
}

func (t *table) watch(p *place, start, end int64) {
	if p.first == 0 || start < p.first {
		p.first = start
	}
	p.last = max(p.last, end)
	t.cover.mark(start, end)
	p.cover.mark(start, end)
}

// portKnown says whether the server's port is said; of a protocol without
// ports it is not.
func (r *record) portKnown(reply bool) bool {
	if reply {
		return !r.noSport
	}
	return !r.noDport
}

// merge adds all of o, which may not be used any more.
func (t *table) merge(o *table) {
	for t.level < o.level {
		t.raise(t.level + 1)
	}
	t.lost += o.lost
	for i, n := range o.lacking {
		t.lacking[i] += n
	}
	at := make([]uint32, len(o.places))
	for i := range o.places {
		at[i] = t.at([]byte(o.places[i].name))
		t.places[at[i]].merge(&o.places[i])
	}
	pod := t.pods.merge(&o.pods)
	t.names.merge(&o.names)
	t.cover.merge(&o.cover)
	move := func(p peer) peer {
		if p.kind == kindPod {
			p.lo = uint64(pod[p.lo])
		}
		return p
	}
	for k, i := range o.flows {
		k.at, k.client, k.server = at[k.at], move(k.client), move(k.server)
		t.put(k, o.tallies[i])
	}
}

func (p *place) merge(o *place) {
	for _, s := range [...][2]*string{{&p.vpc, &o.vpc}, {&p.subnet, &o.subnet}, {&p.instance, &o.instance}} {
		if *s[0] == "" {
			*s[0] = *s[1]
		}
	}
	if o.first != 0 && (p.first == 0 || o.first < p.first) {
		p.first = o.first
	}
	p.last = max(p.last, o.last)
	p.records += o.records
	p.noData += o.noData
	p.skipData += o.skipData
	p.cover.merge(&o.cover)
	p.own4.merge(&o.own4)
	p.own6.merge(&o.own6)
}

func (o *ownAddr) merge(p *ownAddr) {
	switch {
	case p.state == 1:
		o.see(p.a, p.b)
	case p.state == 2:
		*o = ownAddr{state: 2}
	}
}

// gather adds what another file gave.
func (o *Observed) gather(p *Observed, maxProblems int) {
	o.Records += p.Records
	o.NoData += p.NoData
	o.SkipData += p.SkipData
	o.LostHere += p.LostHere
	o.Ignored += p.Ignored
	o.Portless += p.Portless
	o.Malformed += p.Malformed
	o.Unnamed += p.Unnamed
	o.Files = append(o.Files, p.Files...)
	for _, x := range p.Problems {
		if len(o.Problems) < maxProblems {
			o.Problems = append(o.Problems, x)
		} else {
			o.Unnamed++
		}
	}
}

func itoa(i int64) string { return strconv.FormatInt(i, 10) }
