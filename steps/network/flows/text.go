package flows

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Errors of a single line. They are values, since a bad file has millions.
var (
	errFields    = errors.New("the line has another number of fields than its format")
	errAddress   = errors.New("srcaddr or dstaddr is no IP address")
	errFamilies  = errors.New("srcaddr and dstaddr are of two families")
	errPort      = errors.New("srcport or dstport is no port")
	errProtocol  = errors.New("protocol is no IP protocol number")
	errTime      = errors.New("start or end is no time in seconds since 1970, or they are reversed")
	errCount     = errors.New("packets or bytes is no count")
	errAction    = errors.New("action is neither ACCEPT nor REJECT")
	errStatus    = errors.New("log-status is none of OK, NODATA and SKIPDATA")
	errFlags     = errors.New("tcp-flags is no number")
	errDirection = errors.New("flow-direction is neither ingress nor egress")
)

// Times outside these are no times of a flow log, which began in 2015; a
// record of them would make the window meaningless.
var (
	earliest = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// fields are the values of one line, by what they are. Those not there are nil.
type fields [fieldCount][]byte

// split cuts a line at single spaces, as AWS writes it; more of them, and tabs,
// are taken as one. It reports whether the number of fields is right.
func (f *format) split(line []byte, v *fields) bool {
	n := 0
	for len(line) > 0 {
		i := bytes.IndexByte(line, ' ')
		word := line
		if i >= 0 {
			word, line = line[:i], line[i+1:]
		} else {
			line = nil
		}
		if len(word) == 0 {
			continue
		}
		if n == len(f.columns) {
			return false
		}
		v[f.columns[n]] = word
		n++
	}
	return n == len(f.columns)
}

// line reads one line of a VPC flow log into the table.
func (t *table) line(f *format, line []byte) error {
	var v fields
	if !f.split(line, &v) {
		return errFields
	}
	return t.values(f, &v)
}

// absent says whether a value is AWS's "-", or not there.
func absent(v []byte) bool { return len(v) == 0 || len(v) == 1 && v[0] == '-' }

// values reads the values of one record into the table.
func (t *table) values(f *format, v *fields) error {
	var r record
	var err error
	if r.start, r.end, err = times(v); err != nil {
		return err
	}
	name := v[fieldInterface]
	if absent(name) {
		name = v[fieldAttachment]
	}
	if absent(name) {
		name = nil
	}
	source, dest := v[fieldSource], v[fieldDest]
	switch status := v[fieldStatus]; {
	case string(status) == "OK" && !(absent(source) && absent(v[fieldPacketSource])):
	case string(status) == "NODATA":
		return t.silent(name, v, &r, false)
	case string(status) == "SKIPDATA", string(status) == "OK": // OK without addresses says that something was, and not what
		return t.silent(name, v, &r, true)
	case !absent(status):
		return errStatus
	case absent(source) && absent(v[fieldPacketSource]):
		// Without a status, a line without addresses may mean either.
		return t.silent(name, v, &r, true)
	}
	if r.local0, r.local1, err = r.addresses(source, dest, v); err != nil {
		return err
	}
	if err := r.transport(v); err != nil {
		return err
	}
	if err := r.rest(v); err != nil {
		return err
	}
	t.unsaid(f)
	for _, x := range [...]struct {
		end     *peer
		service []byte
	}{{&r.source, v[fieldSourceService]}, {&r.dest, v[fieldDestService]}} {
		if !absent(x.service) && len(x.service) <= maxService {
			t.names.ofService(x.end.prefix().Addr(), x.service)
		}
	}
	r.at = t.place(name, v)
	if r.direction == NoDirection {
		r.direction = t.opts.side(t.places[r.at].name, r.local0, r.local1)
	}
	t.add(&r)
	return nil
}

// maxService bounds the name of a service; AWS's have a dozen letters.
const maxService = 64

// unsaid counts what the format leaves out.
func (t *table) unsaid(f *format) {
	for i := range wished {
		if !f.has[wished[i].at] {
			t.lacking[i]++
		}
	}
}

// wished are fields that make an aggregate better and that a custom format may
// leave out.
var wished = [...]struct {
	at   field
	name string
}{{fieldSourcePort, "srcport"}, {fieldAction, "action"}, {fieldBytes, "bytes"}, {fieldPackets, "packets"}, {fieldStatus, "log-status"},
	{fieldFlags, "tcp-flags"}, {fieldPacketSource, "pkt-srcaddr"}, {fieldPacketDest, "pkt-dstaddr"}, {fieldDirection, "flow-direction"}}

// place is the number of the interface a record was made at, with what the
// record says of it.
func (t *table) place(name []byte, v *fields) uint32 {
	before := len(t.places)
	i := t.at(name)
	p := &t.places[i]
	if len(t.places) > before || p.vpc == "" && p.subnet == "" && p.instance == "" {
		set := func(to *string, value []byte) {
			if !absent(value) {
				*to = string(value)
			}
		}
		set(&p.vpc, v[fieldVPC])
		set(&p.subnet, v[fieldSubnet])
		set(&p.instance, v[fieldInstance])
	}
	return i
}

// silent counts a record without traffic.
func (t *table) silent(name []byte, v *fields, r *record, skipped bool) error {
	p := &t.places[t.place(name, v)]
	if skipped {
		t.obs.SkipData++
		p.skipData++
		return nil
	}
	t.obs.NoData++
	p.noData++
	t.watch(p, r.start, r.end)
	return nil
}

func times(v *fields) (start, end int64, err error) {
	s, okS := number(v[fieldStart])
	e, okE := number(v[fieldEnd])
	switch {
	case len(v[fieldStart]) == 0:
		s, okS = e, okE
	case len(v[fieldEnd]) == 0:
		e, okE = s, okS
	}
	start, end = int64(s), int64(e)
	if !okS || !okE || start < earliest || end > latest || start > end {
		return 0, 0, errTime
	}
	return start, end, nil
}

// addresses takes the packet's own addresses, which stay what they are where
// an interface stands between (NAT, load balancers, pods behind a node), and
// returns those at the interface.
func (r *record) addresses(source, dest []byte, v *fields) (local0, local1 netip.Addr, err error) {
	s, okS := address(source)
	d, okD := address(dest)
	from, to := s, d
	okFrom, okTo := okS, okD
	if p := v[fieldPacketSource]; !absent(p) {
		from, okFrom = address(p)
	}
	if p := v[fieldPacketDest]; !absent(p) {
		to, okTo = address(p)
	}
	if !okFrom || !okTo || !okS && !absent(source) || !okD && !absent(dest) {
		return s, d, errAddress
	}
	if from.Is4() != to.Is4() {
		return s, d, errFamilies
	}
	r.source, r.dest = peerOf(from), peerOf(to)
	return s, d, nil
}

// address reads an IP address, the usual IPv4 by hand, which is what speed
// hangs on.
func address(b []byte) (netip.Addr, bool) {
	var a [4]byte
	n, digits, value := 0, 0, 0
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9' && digits < 3 && !(digits == 1 && value == 0):
			value = value*10 + int(c-'0')
			digits++
		case c == '.' && digits > 0 && n < 3 && value < 256:
			a[n] = byte(value)
			n++
			digits, value = 0, 0
		default:
			return address6(b)
		}
	}
	if n != 3 || digits == 0 || value > 255 {
		return netip.Addr{}, false
	}
	a[3] = byte(value)
	return netip.AddrFrom4(a), true
}

func address6(b []byte) (netip.Addr, bool) {
	if len(b) > 64 || bytes.IndexByte(b, ':') < 0 {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(string(b))
	if err != nil {
		return netip.Addr{}, false
	}
	return a.WithZone("").Unmap(), true
}

func peerOf(a netip.Addr) peer {
	if a.Is4() {
		b := a.As4()
		return peer{lo: uint64(binary.BigEndian.Uint32(b[:])), bits: 32, kind: kindV4}
	}
	b := a.As16()
	return peer{hi: binary.BigEndian.Uint64(b[:8]), lo: binary.BigEndian.Uint64(b[8:]), bits: 128, kind: kindV6}
}

// prefix is the other way round.
func (p peer) prefix() netip.Prefix {
	switch p.kind {
	case kindV4:
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(p.lo))
		return netip.PrefixFrom(netip.AddrFrom4(b), int(p.bits))
	case kindV6:
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], p.hi)
		binary.BigEndian.PutUint64(b[8:], p.lo)
		return netip.PrefixFrom(netip.AddrFrom16(b), int(p.bits))
	}
	return netip.Prefix{}
}

// number reads a decimal number below 2^50, more than any interface moves in a day.
func number(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	n := uint64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, n < 1<<50
}

// transport reads protocol, ports and flags.
func (r *record) transport(v *fields) error {
	proto, ok := number(v[fieldProtocol])
	if !ok || proto > 255 {
		return errProtocol
	}
	r.proto = reach.Protocol(proto)
	for _, p := range [...]struct {
		at      field
		port    *uint16
		missing *bool
	}{{fieldSourcePort, &r.sport, &r.noSport}, {fieldDestPort, &r.dport, &r.noDport}} {
		value := v[p.at]
		if absent(value) {
			*p.missing = true
			continue
		}
		n, ok := number(value)
		if !ok || n > 65535 {
			return errPort
		}
		*p.port = uint16(n)
	}
	if value := v[fieldFlags]; !absent(value) {
		flags, ok := number(value)
		if !ok || flags > 0xffff {
			return errFlags
		}
		r.stateTCP(flags)
	}
	switch r.proto {
	case reach.TCP, reach.UDP, reach.SCTP:
	default: // no ports; AWS writes 0
		r.noSport, r.noDport, r.sport, r.dport = true, true, 0, 0
	}
	return nil
}

// rest reads the verdict, direction and amounts.
func (r *record) rest(v *fields) error {
	switch action := v[fieldAction]; {
	case string(action) == "ACCEPT":
		r.verdict = Accepted
	case string(action) == "REJECT":
		r.verdict = Rejected
	case !absent(action):
		return errAction
	}
	switch d := v[fieldDirection]; {
	case string(d) == "ingress":
		r.direction = Ingress
	case string(d) == "egress":
		r.direction = Egress
	case !absent(d):
		return errDirection
	}
	for _, c := range [...]struct {
		at field
		n  *int64
	}{{fieldPackets, &r.packets}, {fieldBytes, &r.bytes}} {
		if absent(v[c.at]) {
			continue
		}
		n, ok := number(v[c.at])
		if !ok {
			return errCount
		}
		*c.n = int64(n)
	}
	return nil
}

// side tells the direction of a packet by an interface's own addresses, where
// they were given.
func (o *Options) side(place string, source, dest netip.Addr) Direction {
	own := o.Addresses[place]
	if len(own) == 0 {
		return NoDirection
	}
	var isSource, isDest bool
	for _, a := range own {
		isSource = isSource || a == source
		isDest = isDest || a == dest
	}
	switch {
	case isSource && !isDest:
		return Egress
	case isDest && !isSource:
		return Ingress
	}
	return NoDirection
}
