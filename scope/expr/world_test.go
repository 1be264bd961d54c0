package expr

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWorld(t *testing.T) {
	var eighths, offices []string
	for i := 0; i < 256; i += 8 {
		eighths = append(eighths, fmt.Sprintf("%d.0.0.0/5", i))
		offices = append(offices, fmt.Sprintf("198.51.%d.0/24", i))
	}
	for _, c := range []struct {
		ranges []string
		want   string
	}{
		{[]string{"0.0.0.0/0"}, "true"}, {[]string{"16.0.0.0/4"}, "true"}, {[]string{"16.0.0.0/5"}, "false"},
		{[]string{"16.0.0.0/5", "24.0.0.0/5"}, "true"}, {[]string{"16.0.0.0/5", "16.0.0.0/5"}, "false"}, {[]string{"16.0.0.0/5", "16.0.0.0/6"}, "false"},
		{eighths, "true"}, {offices, "false"}, {nil, "false"},
		{[]string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}, "false"},
		{[]string{"::/0"}, "true"}, {[]string{"2000::/3"}, "true"}, {[]string{"2000::/5", "2800::/5"}, "true"}, {[]string{"2000::/5"}, "false"},
		{[]string{"2001:db8::/48"}, "false"}, {[]string{"fc00::/7"}, "false"}, {[]string{" 203.0.113.7 "}, "false"}, {[]string{"fe80::1%eth0"}, "error"},
		{[]string{"0.0.0.0/1", "nowhere"}, "error"}, {[]string{"0.0.0.0/33"}, "error"}, {[]string{""}, "error"},
	} {
		text, err := json.Marshal(append([]string{}, c.ranges...))
		if err != nil {
			t.Fatal(err)
		}
		got := value(t, `world(config.R)`, `{"R":`+string(text)+`}`)
		if strings.Contains(got, "is not an address range") {
			got = "error"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", text, got, c.want)
		}
	}
	if got := value(t, `world(config.R)`, `{"R":"0.0.0.0/0"}`); got != "true" {
		t.Errorf("one range: %s", got)
	}
	for _, bad := range []string{`7`, `[7]`} {
		if got := value(t, `world(config.R)`, `{"R":`+bad+`}`); !strings.Contains(got, "is not an address range") {
			t.Errorf("%s: %s", bad, got)
		}
	}
}

// A range says the same however finely it is cut, and whatever stands beside it.
func TestWorldIsTheSameCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.IntRange(0, 12).Draw(t, "bits")
		start := rapid.Uint8().Draw(t, "start")
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{start, 0, 0, 0}), bits).Masked()
		whole, err := worldOf([]string{p.String()})
		if err != nil {
			t.Fatal(err)
		}
		// Cut in two again and again, on the way back each half once more.
		parts := []netip.Prefix{p}
		for range rapid.IntRange(0, 5).Draw(t, "cuts") {
			var next []netip.Prefix
			for _, q := range parts {
				a := q.Addr().As4()
				a[q.Bits()/8] |= 1 << (7 - q.Bits()%8)
				next = append(next, netip.PrefixFrom(q.Addr(), q.Bits()+1), netip.PrefixFrom(netip.AddrFrom4(a), q.Bits()+1))
			}
			parts = next
		}
		var texts []string
		for _, q := range parts {
			if !q.Overlaps(netip.MustParsePrefix("10.0.0.0/8")) { // not counted by itself
				texts = append(texts, q.String())
			} else {
				texts = append(texts, p.String())
			}
		}
		if cut, err := worldOf(texts); err != nil || cut != whole {
			t.Fatalf("%s is the world: %v; in %d parts: %v, %v", p, whole, len(parts), cut, err)
		}
	})
}

func TestFromWorld(t *testing.T) {
	for rule, want := range map[string]string{
		`{"IpProtocol":"tcp","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}`:                                    "true",
		`{"IpProtocol":"tcp","IpRanges":[{"CidrIp":"0.0.0.0/5"}],"Ipv6Ranges":[{"CidrIpv6":"::/0"}]}`: "true",
		`{"IpProtocol":"tcp","IpRanges":[{"CidrIp":"203.0.113.0/24"}]}`:                               "false",
		`{"IpProtocol":"-1"}`:                                            "false",
		`{"IpProtocol":"-1","PrefixListIds":[]}`:                         "false",
		`{"IpProtocol":"tcp","PrefixListIds":[{"PrefixListId":"pl-1"}]}`: "cannot be told: who comes in by prefix list pl-1 is not known: its entries are another asset",
		`{"IpProtocol":"tcp","PrefixListIds":[{"PrefixListId":"pl-1"}],"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}`: "true",
		`{}`:                                   "cannot be told: a rule of the security group has no IpProtocol",
		`{"IpProtocol":""}`:                    "cannot be told: a rule of the security group has no IpProtocol",
		`{"IpProtocol":6}`:                     "cannot be told: a rule of the security group has no IpProtocol",
		`{"IpProtocol":"tcp","IpRanges":[{}]}`: "cannot be told: an entry of IpRanges has no CidrIp",
		`{"IpProtocol":"tcp","Ipv6Ranges":["::/0"]}`: "cannot be told: an entry of Ipv6Ranges has no CidrIpv6",
		`[]`: "cannot be told: a []interface {} is not a rule of a security group",
	} {
		if got := value(t, `fromWorld(config.R)`, `{"R":`+rule+`}`); got != want {
			t.Errorf("%s: %s, want %s", rule, got, want)
		}
	}
}

// Whatever a policy or a rule holds, the facts are told or are an error.
func FuzzPolicyFacts(f *testing.F) {
	f.Add(`{"Statement":[{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"NotAction":"iam:*","NotResource":"x","Condition":{"StringLike":{"a:sub":["repo:*",7]}}}]}`)
	f.Add(`{"IpProtocol":"tcp","IpRanges":[{"CidrIp":"0.0.0.0/0"}],"PrefixListIds":[7]}`)
	f.Add(`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["*"]},"Action":[],"Condition":{"Bool":{"aws:PrincipalIsAWSService":[null]}}}}`)
	var exprs []*Expr
	for _, source := range []string{
		`openStatements(config.P).size() > 0`, `grantsAll(config.P, "iam:*")`, `fromWorld(config.P)`, `world(config.P)`,
		`statements(config.P).exists(s, tied(s) && fenced(s) && anyToken(s))`, `statements(config.P).all(s, size(pinned(s)) > 0)`,
	} {
		e, err := Compile(source)
		if err != nil {
			f.Fatal(err)
		}
		exprs = append(exprs, e)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		s := NewSubject(asset(`{"P":`+doc+`}`, rootOK), nil, nil, clock)
		defer s.Release()
		for _, e := range exprs {
			if r := e.Eval(s); r.Truth == Unknown && r.Err == nil && len(r.Missing) == 0 {
				t.Errorf("%s is unknown without a reason", e)
			}
		}
	})
}
