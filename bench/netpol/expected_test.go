package main

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

func TestParse(t *testing.T) {
	got, err := parse(`Permitted connectivity analyzed in primary UDN green:
10.0.0.0-10.0.0.255[External] => a/web[Deployment] : SCTP 9003,TCP 1-79,81-65535
a/web[Deployment] => green[udn]/db[Pod] : UDP 53

Exposure Analysis Result:
a/web[Deployment] => entire-cluster : All Connections
`)
	if err != nil {
		t.Fatal(err)
	}
	tcp := reach.AllOf(reach.TCP).Minus(reach.Port(reach.TCP, 0)).Minus(reach.Port(reach.TCP, 80))
	want := &connections{
		pairs: map[[2]string]reach.Ports{{"a/web[Deployment]", "green/db[Pod]"}: reach.Port(reach.UDP, 53)},
		external: []external{{in: true, workload: "a/web[Deployment]", addrs: reach.AddrRange{From: netip.MustParseAddr("10.0.0.0"), To: netip.MustParseAddr("10.0.0.255")},
			ports: tcp.Union(reach.Port(reach.SCTP, 9003))}},
		udn: true,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(connections{}, external{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(reach.Ports.Equal)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range []string{"a => b : TCP x", "x-y[External] => b : TCP 1", "a => x[External] : TCP 1"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is read without an error", bad)
		}
	}
}
