package aws

import (
	"net/netip"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"pgregory.net/rapid"
)

// TestRangesAreJudgedAsTheirAddresses holds that what is said of somebody in some ranges
// holds for each address of them.
func TestRangesAreJudgedAsTheirAddresses(t *testing.T) {
	met := map[reach.Answer]int{}
	small := rapid.Custom(func(t *rapid.T) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(0, 31).Draw(t, "at"))}), rapid.IntRange(27, 32).Draw(t, "bits")).Masked()
	})
	rapid.Check(t, func(t *rapid.T) {
		p := &Permission{Protocol: "-1", CIDRs: rapid.SliceOfN(small, 0, 3).Draw(t, "rule"), PrefixLists: []string{"pl"}}
		n := New(&Model{PrefixLists: []PrefixList{{ID: "pl", CIDRs: rapid.SliceOfN(small, 0, 2).Draw(t, "list")}}})
		within := rapid.SliceOfN(small, 1, 2).Draw(t, "within")
		got := n.names(p, side{within: within})
		met[got]++
		for _, r := range within {
			for a := r.Addr(); r.Contains(a); a = a.Next() {
				if is := n.names(p, side{addr: a}); got != reach.Unknown && is != got {
					t.Fatalf("somebody in %v: %v, %s: %v", within, got, a, is)
				}
			}
		}
	})
	if met[reach.Yes] == 0 || met[reach.No] == 0 || met[reach.Unknown] == 0 {
		t.Errorf("met %v: proves nothing", met)
	}
}
