package assess

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/audit/hclpatch"
	"github.com/sevenfold-sec/sevenfold/steps/network"
)

// NetworkPatches writes the rules that advice takes away into the Terraform source they
// come from: one patch for each plan or state among the sources. What cannot be written
// there is left, with the reason; a Finding of a patch is the rule in words.
func NetworkPatches(advice []network.Advice, sources []string) []Patch {
	at, roots := writtenIn(sources, nil)
	told := map[string]bool{}
	var out []Patch
	left := map[*root][]LeftOut{}
	for _, a := range advice {
		for _, r := range a.Taken {
			if told[r.Text] || len(at[r.Asset]) == 0 {
				continue
			}
			told[r.Text] = true
			if root, why := takeAway(at[r.Asset], r); why != "" {
				left[root] = append(left[root], LeftOut{r.Text, why})
			}
		}
	}
	for _, r := range roots {
		if len(r.mends)+len(left[r]) == 0 {
			continue
		}
		p := Patch{Source: r.source, Folder: r.folder}
		if len(r.mends) > 0 {
			p = r.patch()
		}
		p.Left = append(p.Left, left[r]...)
		out = append(out, p)
	}
	return out
}

// takeAway finds which of the resources of an asset says a rule, and keeps what takes it
// away for the patch of its root; why says that none could be found.
func takeAway(of []written, r network.TakenRule) (*root, string) {
	why := "no resource of it that lies beside the plan says the rule with its numbers and addresses written out"
	for _, w := range of {
		for _, e := range takes(w.typ, r) {
			m, ok := w.mend(e, nil, r.Text)
			if !ok {
				continue
			}
			p, err := w.root.tree.Combine(m)
			if err != nil || p.Left[0] != nil {
				if err == nil && !errors.Is(p.Left[0], hclpatch.ErrSaid) && !strings.Contains(p.Left[0].Error(), "says so") {
					why = p.Left[0].Error()
				}
				continue
			}
			if hides(p.Diff) {
				why = "it would show a secret that stands beside the change"
				continue
			}
			w.root.mends, w.root.of = append(w.root.mends, m), append(w.root.of, r.Text)
			return w.root, ""
		}
	}
	return of[0].root, why
}

// takes are the edits of a resource of a type by which it may cease to say a rule. A
// resource that says that rule alone is made none of.
func takes(typ string, r network.TakenRule) []hclpatch.Edit {
	way := map[bool]string{false: "ingress", true: "egress"}[r.Egress]
	none := map[string]string{"count": "0"}
	ports := map[string]string{"protocol": r.Protocol}
	if r.Protocol != "-1" {
		ports["from_port"], ports["to_port"] = strconv.Itoa(r.From), strconv.Itoa(r.To)
	}
	list, one := "security_groups", "referenced_security_group_id"
	if p, err := netip.ParsePrefix(r.Peer); err == nil {
		list, one = "cidr_blocks", "cidr_ipv4"
		if p.Addr().Is6() {
			list, one = "ipv6_cidr_blocks", "cidr_ipv6"
		}
	} else if strings.HasPrefix(r.Peer, "pl-") {
		list, one = "prefix_list_ids", "prefix_list_id"
	}
	with := func(m map[string]string, more ...string) map[string]string {
		out := map[string]string{}
		for k, v := range m {
			out[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	switch {
	case r.Route && typ == "aws_route":
		return []hclpatch.Edit{{Only: map[string]string{"destination_cidr_block": r.Peer}, Set: none}, {Only: map[string]string{"destination_ipv6_cidr_block": r.Peer}, Set: none}}
	case r.Route && typ == "aws_route_table":
		var out []hclpatch.Edit
		for _, attribute := range []string{"cidr_block", "ipv6_cidr_block", "destination_prefix_list_id"} {
			out = append(out, hclpatch.Edit{Swap: []hclpatch.Swap{{Path: "route", Where: map[string]string{attribute: r.Peer}}}})
		}
		return out
	case r.Route:
		return nil
	case typ == "aws_security_group":
		return []hclpatch.Edit{{Swap: []hclpatch.Swap{{Path: fmt.Sprintf("%s.%s.*", way, list), Where: ports, Is: []string{r.Peer}}}}}
	case typ == "aws_security_group_rule":
		return []hclpatch.Edit{{Only: with(ports, "type", way, list, r.Peer), Set: none},
			{Only: with(ports, "type", way), Swap: []hclpatch.Swap{{Path: list + ".*", Where: map[string]string{}, Is: []string{r.Peer}}}}}
	case typ == "aws_vpc_security_group_"+way+"_rule":
		only := map[string]string{"ip_protocol": r.Protocol, one: r.Peer}
		if r.Protocol != "-1" {
			only["from_port"], only["to_port"] = strconv.Itoa(r.From), strconv.Itoa(r.To)
		}
		return []hclpatch.Edit{{Only: only, Set: none}}
	}
	return nil
}
