package reach

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// someAddrs draws prefixes out of few addresses, at the edges of both families
// too, so that sets overlap and touch often.
func someAddrs(t *rapid.T, name string) (Addrs, []netip.Prefix) {
	bases := []string{"0.0.0.0", "10.0.0.0", "10.0.0.4", "10.0.0.8", "255.255.255.248", "255.255.255.255", "::", "::8", "fd00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff8"}
	var prefixes []netip.Prefix
	for range rapid.IntRange(0, 4).Draw(t, name) {
		a := netip.MustParseAddr(rapid.SampledFrom(bases).Draw(t, "base"))
		prefixes = append(prefixes, netip.PrefixFrom(a, a.BitLen()-rapid.IntRange(0, 4).Draw(t, "size")))
	}
	return AddrsOf(prefixes...), prefixes
}

func in(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Masked().Contains(a) {
			return true
		}
	}
	return false
}

func TestAddrsAreSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, sp := someAddrs(t, "s")
		u, up := someAddrs(t, "u")
		for _, base := range []string{"0.0.0.0", "9.255.255.250", "10.0.0.0", "255.255.255.240", "::", "fd00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0"} {
			for a, n := netip.MustParseAddr(base), 0; a.IsValid() && n < 24; a, n = a.Next(), n+1 {
				x, y := in(sp, a), in(up, a)
				got := [...]bool{s.Has(a), s.Union(u).Has(a), s.Intersect(u).Has(a), s.Minus(u).Has(a)}
				if want := [...]bool{x, x || y, x && y, x && !y}; got != want {
					t.Fatalf("%v in s=%v u=%v: has, union, intersect, minus = %v, want %v", a, s, u, got, want)
				}
			}
		}
		if s.Covers(u) != s.Union(u).Equal(s) || s.Overlaps(u) != !s.Intersect(u).IsEmpty() {
			t.Fatalf("s=%v u=%v: covers %v, overlaps %v", s, u, s.Covers(u), s.Overlaps(u))
		}
	})
}

func TestAddrsText(t *testing.T) {
	for _, tt := range []struct {
		set  Addrs
		want string
	}{
		{Addrs{}, "none"},
		{AllIP, "0.0.0.0/0, ::/0"},
		{AddrsOf(netip.MustParsePrefix("10.1.0.0/17"), netip.MustParsePrefix("10.1.128.0/17")), "10.1.0.0/16"},
		{AllIPv4.Minus(AddrsOf(netip.MustParsePrefix("128.0.0.0/1"))), "0.0.0.0/1"},
		{AddrsIn(AddrRange{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.3")}), "10.0.0.1-10.0.0.3"},
		{AddrOf(netip.MustParseAddr("::ffff:10.0.0.1")), "10.0.0.1"},
		{AddrsOf(netip.MustParsePrefix("::ffff:10.0.0.0/104")), "10.0.0.0/8"},
		{AddrsIn(AddrRange{netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("::1")}), "none"},
	} {
		if got := tt.set.String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func somePorts(t *rapid.T, name string) Ports {
	var s Ports
	for range rapid.IntRange(0, 4).Draw(t, name) {
		p := rapid.SampledFrom([]Protocol{0, TCP, UDP, SCTP, 255}).Draw(t, "protocol")
		lo := rapid.SampledFrom([]uint16{0, 1, 2, 3, 65533, 65534, 65535}).Draw(t, "lo")
		s = s.Union(PortRange(p, lo, max(lo, rapid.SampledFrom([]uint16{0, 2, 3, 65534, 65535}).Draw(t, "hi"))))
	}
	return s
}

func TestPortsAreSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, u := somePorts(t, "s"), somePorts(t, "u")
		atoms := AllPorts.Atoms(s, u)
		var whole Ports
		for _, a := range atoms {
			p, port, _ := a.First()
			x, y := s.Has(p, port), u.Has(p, port)
			got := [...]bool{s.Union(u).Has(p, port), s.Intersect(u).Has(p, port), s.Minus(u).Has(p, port)}
			if want := [...]bool{x || y, x && y, x && !y}; got != want {
				t.Fatalf("%v/%d in s=%v u=%v: union, intersect, minus = %v, want %v", p, port, s, u, got, want)
			}
			if s.Covers(a) != x || u.Covers(a) != y {
				t.Fatalf("atom %v is cut by s=%v or u=%v", a, s, u)
			}
			if !whole.Intersect(a).IsEmpty() {
				t.Fatalf("atom %v overlaps another", a)
			}
			whole = whole.Union(a)
		}
		if !whole.Equal(AllPorts) {
			t.Fatalf("atoms cover %v", whole)
		}
	})
}

func TestParsePort(t *testing.T) {
	for text, want := range map[string]string{
		"443": "tcp/443", "udp/53": "udp/53", "SCTP/1-9": "sctp/1-9", "tcp/0-65535": "tcp", "47/0-65535": "47",
		"": "err", "tcp/": "err", "tcp/65536": "err", "tcp/9-1": "err", "quic/1": "err", "-1": "err", "tcp/1-": "err",
	} {
		s, err := ParsePort(text)
		got := s.String()
		if err != nil {
			got = "err"
		}
		if got != want {
			t.Errorf("ParsePort(%q) = %s, %v; want %s", text, got, err, want)
		}
	}
	if diff := cmp.Diff([]string{"tcp", "udp", "sctp"}, Transport.List()); diff != "" {
		t.Errorf("Transport (-want +got):\n%s", diff)
	}
}

func TestBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 130).Draw(t, "n")
		xs := rapid.MapOf(rapid.IntRange(0, n-1), rapid.Just(true)).Draw(t, "xs")
		ys := rapid.MapOf(rapid.IntRange(0, n-1), rapid.Just(true)).Draw(t, "ys")
		x, y := NewBits(n), NewBits(n)
		for i := range xs {
			x.Set(i)
		}
		for i := range ys {
			y.Set(i)
		}
		union, both, less := x.Clone(), x.Clone(), x.Clone()
		union.Add(y)
		both.Keep(y)
		less.Drop(y)
		for i := range n {
			got := [...]bool{union.Has(i), both.Has(i), less.Has(i), FullBits(n).Has(i)}
			if want := [...]bool{xs[i] || ys[i], xs[i] && ys[i], xs[i] && !ys[i], true}; got != want {
				t.Fatalf("%d: %v, want %v", i, got, want)
			}
		}
		if x.Count() != len(xs) || FullBits(n).Count() != n || x.Meets(y) != !both.IsEmpty() {
			t.Fatalf("count %d of %d, full %d of %d", x.Count(), len(xs), FullBits(n).Count(), n)
		}
	})
}

func FuzzParsePort(f *testing.F) {
	for _, s := range []string{"443", "udp/53", "tcp/1-9", "1/1/1", "tcp/-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParsePort(text)
		if (err == nil) == s.IsEmpty() {
			t.Fatalf("ParsePort(%q) = %v, %v", text, s, err)
		}
	})
}
