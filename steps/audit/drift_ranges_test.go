package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a firewall group lets in or out that it did not before.
func TestNewRanges(t *testing.T) {
	group := func(in, out string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"IpPermissions":[%s],"IpPermissionsEgress":[%s]}`, in, out))
	}
	tcp := func(cidr string, from, to int) string {
		return fmt.Sprintf(`{"IpProtocol":"tcp","FromPort":%d,"ToPort":%d,"IpRanges":[{"CidrIp":%q}]}`, from, to, cidr)
	}
	const all = `{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}],"Ipv6Ranges":[{"CidrIpv6":"::/0"}]}`
	for name, tt := range map[string]struct {
		was, is json.RawMessage
		want    []string
	}{
		"nothing":                  {group(all, all), group(all, all), nil},
		"out to everywhere":        {group("", ""), group("", all), []string{"lets out to 0.0.0.0/0 on all ports", "lets out to ::/0 on all ports"}},
		"out to a wider range":     {group("", tcp("10.0.0.0/16", 443, 443)), group("", tcp("10.0.0.0/8", 443, 443)), []string{"lets out to 10.0.0.0/8 on tcp 443-443"}},
		"out to a narrower range":  {group("", all), group("", tcp("10.0.0.0/8", 443, 443)), nil},
		"in from a wider range":    {group(tcp("10.0.0.0/8", 443, 443), ""), group(tcp("0.0.0.0/0", 443, 443), ""), []string{"lets in 0.0.0.0/0 on tcp 443-443"}},
		"in from a narrower range": {group(tcp("10.0.0.0/8", 443, 443), ""), group(tcp("10.1.0.0/16", 443, 443), ""), nil},
		"in on more ports":         {group(tcp("10.0.0.0/8", 443, 443), ""), group(tcp("10.0.0.0/8", 0, 65535), ""), []string{"lets in 10.0.0.0/8 on tcp 0-65535"}},
		"in on fewer ports":        {group(tcp("10.0.0.0/8", 0, 65535), ""), group(tcp("10.0.0.0/8", 443, 443), ""), nil},
		"in from a group": {group("", ""), group(`{"IpProtocol":"udp","FromPort":53,"ToPort":53,"UserIdGroupPairs":[{"GroupId":"sg-1"}],"PrefixListIds":[{"PrefixListId":"pl-1"}]}`, ""),
			[]string{"lets in pl-1 on udp 53-53", "lets in sg-1 on udp 53-53"}},
		"a new group lets out all, as every one": {nil, group(tcp("10.0.0.0/8", 443, 443), all), []string{"lets in 10.0.0.0/8 on tcp 443-443"}},
	} {
		t.Run(strings.ReplaceAll(strings.ReplaceAll(name, " ", "_"), ",", ""), func(t *testing.T) {
			if diff := cmp.Diff(tt.want, newRanges(tt.was, tt.is)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
