package flows

import "github.com/sevenfold-sec/sevenfold/steps/network/reach"

// Ports by which sides are told. Below systemPorts only servers listen
// (RFC 6335, section 6); from ephemeralPorts upwards operating systems give
// ports to clients (Linux 32768-60999; Windows and RFC 6335 49152-65535).
// Between them either may be, and NAT gateways give out all from 1024.
const (
	systemPorts    = 1024
	ephemeralPorts = 32768
)

// turn says whether a record is an answer, and how that is known.
func (r *record) turn() (reply bool, sides Sides) {
	if r.sides == Stated {
		return r.reply, Stated
	}
	switch r.proto {
	case reach.TCP, reach.UDP, reach.SCTP:
	default:
		return false, Ambiguous // nothing tells an echo from its answer
	}
	if r.noSport || r.noDport || r.sport == r.dport {
		return false, Ambiguous // time and key exchange use one port on both sides
	}
	s, d := rank(r.sport), rank(r.dport)
	switch {
	case s > d:
		return false, Inferred
	case s < d:
		return true, Inferred
	}
	return false, Ambiguous
}

// rank orders ports by how likely a client has them. The two upper classes are
// told apart only from each other.
func rank(port uint16) int {
	switch {
	case port < systemPorts:
		return 0
	case port < ephemeralPorts:
		return 1
	}
	return 2
}

// The flags of TCP that flow logs and Hubble tell.
const (
	tcpSYN = 0x02
	tcpACK = 0x10
)

// stateTCP takes the sides from TCP's flags: whoever sends SYN without ACK
// opens the connection, whoever sends both answers. Flow logs sum up the flags
// of one direction in one interval, and tell ACK only with SYN.
func (r *record) stateTCP(flags uint64) {
	if r.proto != reach.TCP || flags&tcpSYN == 0 {
		return
	}
	r.sides, r.reply = Stated, flags&tcpACK != 0
}
