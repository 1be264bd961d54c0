package scope

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// placement is the zone of an asset; why is set where it could not be decided.
type placement struct{ name, why, because string }

var unzoned = &placement{name: Unzoned, because: "no zone claims it"}

// zoning decides zones when they are asked for, each once.
type zoning struct {
	scope *Scope
	snap  *estate.Snapshot
	known []atomic.Pointer[placement]
	// declared are the nodes whose workloads name a zone.
	declared map[estate.Node]*placement
}

func newZoning(s *Scope, snap *estate.Snapshot) *zoning {
	return &zoning{scope: s, snap: snap, known: make([]atomic.Pointer[placement], snap.Len()), declared: map[estate.Node]*placement{}}
}

// over decides the same over another view of the snapshot, and all of it anew.
func (z *zoning) over(snap *estate.Snapshot) *zoning {
	out := newZoning(z.scope, snap)
	out.declared = z.declared
	for n, p := range z.declared {
		out.known[n].Store(p)
	}
	return out
}

// declare puts a node into the zone its workload declares.
func (z *zoning) declare(n estate.Node, d *Declared) {
	p := &placement{name: d.Zone, because: "its workload " + d.Name + " is declared there, " + declaredAt(d.Place)}
	z.declared[n] = p
	z.known[n].Store(p)
}

func (z *zoning) of(n estate.Node) *placement {
	if p := z.known[n].Load(); p != nil {
		return p
	}
	p := z.decide(n)
	z.known[n].Store(p)
	return p
}

func (z *zoning) decide(n estate.Node) *placement {
	if len(z.scope.Zones) == 0 {
		return unzoned
	}
	a := z.snap.Asset(n)
	load := func() (json.RawMessage, error) { return z.snap.Config(n) }
	subject := expr.NewSubject(a, load, nil, z.snap.Taken())
	defer subject.Release()
	var in []Zone
	undecided := ""
	for _, zone := range z.scope.Zones {
		truth, why := zone.holds(subject, a, load)
		switch truth {
		case expr.True:
			in = append(in, zone)
		case expr.Unknown:
			undecided = fmt.Sprintf("whether it is in zone %s is not known: %s", zone.Name, why)
		}
	}
	switch {
	case len(in) > 1:
		return &placement{name: Unzoned, why: fmt.Sprintf("zones %s and %s both claim it, %s and %s", in[0].Name, in[1].Name, declaredAt(in[0].Place), declaredAt(in[1].Place))}
	case undecided != "":
		return &placement{name: Unzoned, why: undecided}
	case len(in) == 0:
		return unzoned
	}
	return &placement{name: in[0].Name, because: "the zone's match " + declaredAt(in[0].Place)}
}

// holds decides whether a zone claims an asset by match or address.
func (zone Zone) holds(subject *expr.Subject, a *estate.Asset, load func() (json.RawMessage, error)) (expr.Truth, string) {
	var r expr.Result
	r.Truth = expr.False
	if zone.Match != nil {
		r = zone.Match.Eval(subject)
	}
	if r.Truth == expr.True || len(zone.CIDRs) == 0 {
		return r.Truth, r.Why()
	}
	for _, p := range addresses(a, load) {
		for _, c := range zone.CIDRs {
			if c.Overlaps(p) && c.Bits() <= p.Bits() {
				return expr.True, ""
			}
		}
	}
	return r.Truth, r.Why()
}

// addressed are the members that hold an asset's own address or range, by type.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Types.html
var addressed = map[string][]string{
	"AWS::EC2::VPC": {"CidrBlock"}, "AWS::EC2::Subnet": {"CidrBlock"},
	"AWS::EC2::NetworkInterface": {"PrivateIpAddress"}, "AWS::EC2::Instance": {"PrivateIpAddress"},
	"v1/Pod": {"status", "podIP"}, "v1/Service": {"spec", "clusterIP"},
}

func addresses(a *estate.Asset, load func() (json.RawMessage, error)) []netip.Prefix {
	path := addressed[a.Type]
	if path == nil {
		return nil
	}
	text, err := load()
	if err != nil {
		return nil
	}
	for _, key := range path {
		var o map[string]json.RawMessage
		if json.Unmarshal(text, &o) != nil {
			return nil
		}
		text = o[key]
	}
	var s string
	if json.Unmarshal(text, &s) != nil {
		return nil
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return []netip.Prefix{p}
	}
	if addr, err := netip.ParseAddr(strings.TrimSpace(s)); err == nil {
		return []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}
	}
	return nil
}
