package flows

// Coarseness is how far flows were made coarser to stay within memory. Each
// step includes those before it.
type Coarseness uint8

// The steps.
const (
	Exact          Coarseness = iota // each flow by itself
	AmbiguousPorts                   // ambiguous flows without their ports
	RejectedPorts                    // what was held back from public addresses without its ports: scans try all
	PublicNetworks                   // public addresses as /24 and /64
	AllNetworks                      // all addresses as /24 and /64, pods as their workloads
	PublicAsOne                      // public addresses as one, others as /16 and /48, workloads as their namespaces
	coarsest       = PublicAsOne
)

// String says what flows were made of.
func (c Coarseness) String() string {
	return [...]string{
		"exact",
		"flows of which neither side is known have lost their ports",
		"what was held back from public addresses has lost its ports",
		"public addresses are told apart by /24 and /64 only",
		"addresses are told apart by /24 and /64 only, pods by workload",
		"public addresses are one, others are told apart by /16 and /48, pods by namespace",
	}[c]
}

// Coarse is what was made coarser.
type Coarse struct {
	Level Coarseness
	// Records counts the records that stand in a flow made coarser than they were.
	Records int64
	// Left counts records left out, for even the coarsest flows were too many.
	Left int64
}

// coarsen is a flow at a level; its records no longer count as exact if that
// differs from what it was.
func (t *table) coarsen(k key, n tally, level Coarseness) (key, tally) {
	if level == Exact {
		return k, n
	}
	before := k
	if level >= AmbiguousPorts && k.sides == Ambiguous && (k.port != 0 || k.clientPort != 0) {
		k.port, k.clientPort = 0, 0
		k.flags |= flagPortUnknown
	}
	if level >= RejectedPorts && (k.verdict == Rejected || k.verdict == Dropped) && isPublic(k.client) && k.port != 0 {
		k.port, k.clientPort = 0, 0
		k.flags |= flagPortUnknown
	}
	k.client, k.server = t.coarsePeer(k.client, level), t.coarsePeer(k.server, level)
	if k != before {
		n.exactly = 0
	}
	return k, n
}

func (t *table) coarsePeer(p peer, level Coarseness) peer {
	switch p.kind {
	case kindV4, kindV6:
		public := isPublic(p)
		switch {
		case level >= PublicAsOne && public:
			return peer{kind: p.kind}
		case level >= PublicAsOne:
			return p.cut(16, 48)
		case level >= AllNetworks, level >= PublicNetworks && public:
			return p.cut(24, 64)
		}
	case kindPod:
		switch {
		case level >= PublicAsOne:
			p.lo = uint64(t.pods.namespaceOf(uint32(p.lo)))
		case level >= AllNetworks:
			p.lo = uint64(t.pods.workloadOf(uint32(p.lo)))
		}
	}
	return p
}

// cut keeps so many bits of an address, by its family.
func (p peer) cut(v4, v6 uint8) peer {
	if p.kind == kindV4 {
		if p.bits > v4 {
			p.bits = v4
			p.lo &= ^uint64(0) << (32 - v4) & 0xffffffff
		}
		return p
	}
	if p.bits > v6 { // v6 is at most 64 here
		p.bits = v6
		p.lo = 0
		p.hi &= ^uint64(0) << (64 - v6)
	}
	return p
}

// isPublic says whether an address is of the internet: not of RFC 1918,
// RFC 6598, RFC 4193, link-local, loopback or multicast.
func isPublic(p peer) bool {
	if p.kind == kindPod {
		return false
	}
	if p.kind == kindV4 {
		a := uint32(p.lo)
		switch {
		case a>>24 == 10, a>>20 == 172<<4|1, a>>16 == 192<<8|168, a>>22 == 100<<2|1, a>>24 == 127, a>>16 == 169<<8|254, a>>28 >= 14, a>>24 == 0:
			return false
		}
		return true
	}
	switch {
	case p.hi>>57 == 0xfc>>1, p.hi>>54 == 0xfe80>>6, p.hi>>56 == 0xff, p.hi == 0:
		return false
	}
	return true
}
