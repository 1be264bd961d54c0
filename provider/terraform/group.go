package terraform

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

var groupOnto = ec2Onto("AWS::EC2::SecurityGroup", "security_group_id", "security-group")

// isID reports whether a value is an asset's id rather than a name.
func isID(s string) bool { return strings.HasPrefix(s, "arn:") || strings.HasPrefix(s, prefix) }

// peer is one source or destination of a rule: the list it stands in, and it.
type peer struct {
	list string
	body map[string]any
}

// traffic is one rule of a security group.
type traffic struct {
	egress   bool
	protocol any // string or later
	from, to any
	peers    []peer
}

// securityGroup spells the rules a group shows itself. A new group shows none
// before it is born; if it has rule resources, its rules are theirs (see permit):
// Terraform takes away the rule that lets everything out, and refuses neither
// way of writing rules beside the other but warns that they undo each other.
func securityGroup(c *conversion, d *draft, r *Resource) {
	for _, side := range [...]struct{ attribute, member string }{{"ingress", "IpPermissions"}, {"egress", "IpPermissionsEgress"}} {
		d.said[side.member] = true
		d.config[side.member] = []any{}
		mask := maskOf(r, side.attribute)
		list, shown := r.Values[side.attribute].([]any)
		if !listOfObjects(r.Values[side.attribute]) { // of another shape: what it says is not known
			d.config[side.member] = unborn.Later{}
			continue
		}
		if mask == true { // a dynamic block does not show in a plan's configuration
			d.config[side.member] = unborn.Later{}
			continue
		}
		if !shown && mask == nil && !r.Born {
			d.open(side.member)
		}
		masks, _ := mask.([]any)
		for i, e := range list {
			m, _ := e.(map[string]any)
			for _, t := range c.inlineRule(r, m, element(masks, i), side.attribute, i) {
				d.permit(t, true)
			}
		}
	}
}

// listOfObjects reports whether a value is a list of blocks as a provider writes it, or
// was not given.
func listOfObjects(v any) bool {
	if v == nil {
		return true
	}
	list, ok := v.([]any)
	return ok && !slices.ContainsFunc(list, func(e any) bool { _, block := e.(map[string]any); return e != nil && !block })
}

// inlineRule reads one ingress or egress block.
func (c *conversion) inlineRule(r *Resource, m map[string]any, mask any, side string, at int) []traffic {
	t := traffic{egress: side == "egress"}
	if mask == true {
		t.protocol, t.from, t.to = unborn.Later{}, unborn.Later{}, unborn.Later{}
		return []traffic{t}
	}
	masks, _ := mask.(map[string]any)
	t.protocol, t.from, t.to = protocolOf(m["protocol"], masks["protocol"]), portOf(m["from_port"], masks["from_port"]), portOf(m["to_port"], masks["to_port"])
	where := spot{r: r}.step(side).at(at)
	for _, l := range peerLists {
		v := c.value(where.step(l.attribute), m[l.attribute], masks[l.attribute], &unborn.Shape{Name: "Ids"}, "[s")
		t.peers = append(t.peers, peersOf(l, v)...)
	}
	if m["self"] == true {
		t.peers = append(t.peers, peer{"UserIdGroupPairs", map[string]any{"GroupId": c.selfID(r)}})
	}
	return []traffic{t.described(str(m["description"]))}
}

// selfID is the group's own id as a rule names it.
func (c *conversion) selfID(r *Resource) any {
	if id := c.known(r, "id"); id != "" {
		return id
	}
	return c.identity(r.Address)
}

// peerList says where the sources of one kind stand: in the attributes of the
// older blocks and in those of the rule resources that name one each.
type peerList struct{ attribute, single, list, member string }

var peerLists = []peerList{
	{"cidr_blocks", "cidr_ipv4", "IpRanges", "CidrIp"}, {"ipv6_cidr_blocks", "cidr_ipv6", "Ipv6Ranges", "CidrIpv6"},
	{"prefix_list_ids", "prefix_list_id", "PrefixListIds", "PrefixListId"}, {"security_groups", "referenced_security_group_id", "UserIdGroupPairs", "GroupId"},
}

func peersOf(l peerList, v any) []peer {
	switch v := v.(type) {
	case []any:
		var out []peer
		for _, e := range v {
			out = append(out, peer{l.list, map[string]any{l.member: e}})
		}
		return out
	case string:
		return []peer{{l.list, map[string]any{l.member: v}}}
	case nil:
		return nil
	}
	// Known after apply, or of another shape than any provider writes.
	return []peer{{l.list, map[string]any{l.member: unborn.Later{}}}}
}

func (t traffic) described(text string) traffic {
	if text != "" {
		for _, p := range t.peers {
			p.body["Description"] = text
		}
	}
	return t
}

// protocolOf is a protocol as EC2 spells it.
func protocolOf(v, mask any) any {
	if mask == true {
		return unborn.Later{}
	}
	switch s := strings.ToLower(unborn.Text(v)); s {
	case "all", "-1":
		return "-1"
	case "6":
		return "tcp"
	case "17":
		return "udp"
	case "1":
		return "icmp"
	case "":
		return unborn.Later{}
	default:
		return s
	}
}

func portOf(v, mask any) any {
	if mask == true {
		return unborn.Later{}
	}
	return v
}

// oldRule reads an aws_security_group_rule.
func oldRule(c *conversion, r *Resource) traffic {
	t := traffic{egress: str(r.Values["type"]) == "egress", protocol: protocolOf(r.Values["protocol"], maskOf(r, "protocol")),
		from: portOf(r.Values["from_port"], maskOf(r, "from_port")), to: portOf(r.Values["to_port"], maskOf(r, "to_port"))}
	for _, l := range peerLists[:3] {
		v := c.value(spot{r: r}.step(l.attribute), r.Values[l.attribute], maskOf(r, l.attribute), &unborn.Shape{Name: "Ids"}, "[s")
		t.peers = append(t.peers, peersOf(l, v)...)
	}
	switch {
	case r.Values["self"] == true:
		t.peers = append(t.peers, peer{"UserIdGroupPairs", map[string]any{"GroupId": c.text(r, "security_group_id")}})
	case r.Values["source_security_group_id"] != nil, c.in.hasExpression(r, "source_security_group_id") && len(t.peers) == 0:
		if v := c.text(r, "source_security_group_id"); v != nil {
			t.peers = append(t.peers, peersOf(peerLists[3], v)...)
		}
	}
	return t.described(str(r.Values["description"]))
}

// newRule reads an aws_vpc_security_group_ingress_rule or egress_rule.
func newRule(c *conversion, r *Resource) traffic {
	t := traffic{egress: strings.Contains(r.Type, "egress"), protocol: protocolOf(r.Values["ip_protocol"], maskOf(r, "ip_protocol")),
		from: portOf(r.Values["from_port"], maskOf(r, "from_port")), to: portOf(r.Values["to_port"], maskOf(r, "to_port"))}
	for _, l := range peerLists {
		if v := c.text(r, l.single); v != nil {
			t.peers = append(t.peers, peersOf(l, v)...)
		}
	}
	return t.described(str(r.Values["description"]))
}

func groupRule(read func(*conversion, *Resource) traffic) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) { d.permit(read(c, r), false) }
}

func lessRule(read func(*conversion, *Resource) traffic) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, gone *Resource) {
		t := read(c, gone)
		for i := range c.in.Resources { // another resource may say the same
			r := &c.in.Resources[i]
			if rule := c.rules[r.Type]; r.Mode != "data" && rule != nil && rule.onto == groupOnto && c.owner(r, groupOnto) == d.id {
				var other traffic
				if r.Type == "aws_security_group_rule" {
					other = oldRule(c, r)
				} else {
					other = newRule(c, r)
				}
				if t.group() == other.group() && fmt.Sprint(t.peers) == fmt.Sprint(other.peers) {
					return
				}
			}
		}
		d.forbid(t)
	}
}

// group is what rules must share to stand in one permission.
func (t traffic) group() string {
	return fmt.Sprint(t.egress, t.protocol, t.from, t.to)
}

func (t traffic) member() string {
	if t.egress {
		return "IpPermissionsEgress"
	}
	return "IpPermissions"
}

// permission makes or finds the permission a rule stands in.
func (d *draft) permission(t traffic) map[string]any {
	list, _ := d.config[t.member()].([]any)
	for _, e := range list {
		p, ok := e.(map[string]any)
		if ok && fmt.Sprint(t.egress, p["IpProtocol"], number(p["FromPort"]), number(p["ToPort"])) == fmt.Sprint(t.egress, t.protocol, t.port(t.from), t.port(t.to)) {
			return p
		}
	}
	p := map[string]any{"IpProtocol": t.protocol, "IpRanges": []any{}, "Ipv6Ranges": []any{}, "PrefixListIds": []any{}, "UserIdGroupPairs": []any{}}
	if from := t.port(t.from); from != "" {
		p["FromPort"], p["ToPort"] = t.from, t.to
	}
	if _, is := d.config[t.member()].(unborn.Later); !is {
		d.config[t.member()] = append(list, p)
	}
	return p
}

// port is a port as text, "" where all protocols are meant and EC2 says none.
func (t traffic) port(v any) string {
	if t.protocol == "-1" {
		return ""
	}
	return number(v)
}

func number(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case unborn.Later:
		return "?"
	case json.Number:
		return v.String()
	}
	return unborn.Text(v)
}

// permit adds a rule; inline says that the group's own resource does.
func (d *draft) permit(t traffic, inline bool) {
	if !inline && d.r != nil && d.r.Born {
		for _, side := range [...]struct{ attribute, member string }{{"ingress", "IpPermissions"}, {"egress", "IpPermissionsEgress"}} {
			if _, is := d.config[side.member].(unborn.Later); is && (d.r.Configured == nil || !d.r.Configured(side.attribute)) {
				d.config[side.member] = []any{}
			}
		}
	}
	if _, is := d.config[t.member()].(unborn.Later); is {
		return // all rules of the group are known after apply, this one among them
	}
	p := d.permission(t)
	for _, one := range t.peers {
		list, _ := p[one.list].([]any)
		if !slices.ContainsFunc(list, func(e any) bool { return samePeer(e, one.body) }) {
			p[one.list] = append(list, one.body)
		}
	}
	d.said[t.member()] = true
	if !inline && d.r == nil {
		d.open(t.member())
	}
}

// forbid takes a rule away.
func (d *draft) forbid(t traffic) {
	list, _ := d.config[t.member()].([]any)
	kept := []any{}
	for _, e := range list {
		p, ok := e.(map[string]any)
		if !ok || fmt.Sprint(p["IpProtocol"], number(p["FromPort"]), number(p["ToPort"])) != fmt.Sprint(t.protocol, t.port(t.from), t.port(t.to)) {
			kept = append(kept, e)
			continue
		}
		left := 0
		for _, l := range peerLists {
			peers, _ := p[l.list].([]any)
			peers = slices.DeleteFunc(peers, func(e any) bool {
				return slices.ContainsFunc(t.peers, func(gone peer) bool { return gone.list == l.list && samePeer(e, gone.body) })
			})
			p[l.list] = peers
			left += len(peers)
		}
		if left > 0 {
			kept = append(kept, p)
		}
	}
	if list != nil {
		d.config[t.member()] = kept
	}
}

// samePeer compares two peers without their descriptions.
func samePeer(a any, b map[string]any) bool {
	m, _ := a.(map[string]any)
	for _, l := range peerLists {
		if v, ok := b[l.member]; ok {
			_, open := v.(unborn.Later)
			return !open && m[l.member] == v
		}
	}
	return false
}
