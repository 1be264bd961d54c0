package network

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// balancing are the types of load balancers.
var balancing = map[string]bool{"AWS::ElasticLoadBalancingV2::LoadBalancer": true, "AWS::ElasticLoadBalancing::LoadBalancer": true}

// readBalancer adds a load balancer with its listeners. Its interfaces describe
// themselves as its own ("ELB app/NAME/ID"); where none was read it stands at any
// address of its subnets.
func (w *World) readBalancer(n estate.Node, a *estate.Asset, s *standing) {
	config, err := w.snap.Config(n)
	if err != nil {
		w.problem("%s: %v", a.ID, err)
		return
	}
	var d struct {
		LoadBalancerName, Type, Scheme, VpcId, VPCId         string
		EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic string
		ListenerDescriptions                                 []struct {
			Listener struct {
				Protocol         string
				LoadBalancerPort int
				InstanceProtocol string
				InstancePort     int
			}
		}
		Instances []struct{ InstanceId string }
	}
	if err := json.Unmarshal(config, &d); err != nil {
		w.problem("%s: %v", a.ID, err)
		return
	}
	public := d.Scheme == "internet-facing"
	_, name, _ := strings.Cut(a.ID, "loadbalancer/")
	if own := w.elb[name]; len(own) > 0 {
		s.spots = nil
		for _, id := range own {
			s.spots = append(s.spots, []string{id})
		}
		s.why = "its interfaces were read"
	} else if public {
		// Made up anew with an address that the internet knows.
		var groups []string
		var subnets []string
		for e := range w.snap.Out(n) {
			switch to := w.snap.Asset(e.Node); {
			case e.Type == estate.MemberOf && to.Type == "AWS::EC2::Subnet":
				subnets = append(subnets, shortID(to))
			case e.Type == estate.Attached && to.Type == "AWS::EC2::SecurityGroup":
				groups = append(groups, shortID(to))
			}
		}
		slices.Sort(groups)
		s.spots = nil
		for _, id := range subnets {
			s.spots = append(s.spots, w.pieces(w.subnets[id], id, groups, false, true))
		}
	}
	lb := aws.LoadBalancer{ID: a.ID, VPC: firstOf(d.VpcId, d.VPCId), Type: firstOf(d.Type, "classic"), EnforcePrivateLink: d.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic}
	for _, spot := range s.spots {
		lb.Interfaces = append(lb.Interfaces, spot...)
	}
	if lb.Type == "classic" {
		lb.ID = d.LoadBalancerName
		for _, l := range d.ListenerDescriptions {
			group := aws.TargetGroup{ID: fmt.Sprintf("%s port %d", a.ID, l.Listener.LoadBalancerPort), VPC: lb.VPC, Type: "instance", Protocol: firstOf(l.Listener.InstanceProtocol, l.Listener.Protocol)}
			for _, i := range d.Instances {
				group.Targets = append(group.Targets, aws.Target{ID: i.InstanceId, Port: l.Listener.InstancePort})
			}
			w.model.TargetGroups = append(w.model.TargetGroups, group)
			lb.Listeners = append(lb.Listeners, aws.Listener{Protocol: l.Listener.Protocol, Port: l.Listener.LoadBalancerPort, TargetGroups: []string{group.ID}})
		}
	} else {
		lb.Unread = !w.snap.Covered("AWS::ElasticLoadBalancingV2::Listener", a.Account, a.Region) && !unborn(a.ID)
		for e := range w.snap.Out(n) {
			if e.Type == estate.Contains && w.snap.Asset(e.Node).Type == "AWS::ElasticLoadBalancingV2::Listener" {
				w.readListener(&lb, e.Node)
			}
		}
	}
	w.model.LoadBalancers = append(w.model.LoadBalancers, lb)
}

// readListener adds one listener of a load balancer.
func (w *World) readListener(lb *aws.LoadBalancer, n estate.Node) {
	a := w.snap.Asset(n)
	config, err := w.snap.Config(n)
	if err != nil || a.Referenced {
		lb.Unread = true
		return
	}
	var d struct {
		Protocol       string
		Port           int
		DefaultActions []action
		DescribeRules  *struct{ Rules []struct{ Actions []action } }
	}
	if err := json.Unmarshal(config, &d); err != nil {
		lb.Unread = true
		w.problem("%s: %v", a.ID, err)
		return
	}
	l := aws.Listener{Protocol: d.Protocol, Port: d.Port}
	for e := range w.snap.Out(n) {
		if e.Type == estate.RoutesTo && w.snap.Asset(e.Node).Type == "AWS::ElasticLoadBalancingV2::TargetGroup" {
			l.TargetGroups = append(l.TargetGroups, w.snap.Asset(e.Node).ID)
		}
	}
	if openAt(a, "DescribeRules") {
		lb.Unread = true
	}
	signIn := d.DescribeRules != nil && asksFirst(d.DefaultActions)
	if d.DescribeRules != nil {
		for _, r := range d.DescribeRules.Rules {
			signIn = signIn && asksFirst(r.Actions)
		}
	}
	if signIn {
		w.signIns = append(w.signIns, fmt.Sprintf("%s %d", lb.ID, d.Port))
	}
	lb.Listeners = append(lb.Listeners, l)
}

// action is one step of a listener's rule.
type action struct {
	Type                      string
	AuthenticateOidcConfig    struct{ OnUnauthenticatedRequest string }
	AuthenticateCognitoConfig struct{ OnUnauthenticatedRequest string }
}

// asksFirst reports whether a rule hands on only callers who have signed in.
func asksFirst(actions []action) bool {
	asks, forwards := false, false
	for _, a := range actions {
		switch a.Type {
		case "authenticate-oidc", "authenticate-cognito":
			asks = a.AuthenticateOidcConfig.OnUnauthenticatedRequest != "allow" && a.AuthenticateCognitoConfig.OnUnauthenticatedRequest != "allow"
		case "forward", "":
			forwards = true
		}
	}
	return asks || !forwards
}

func readTargetGroup(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		TargetType, VpcId, Protocol string
		Port                        int
		DescribeTargetHealth        *struct {
			TargetHealthDescriptions []struct {
				Target struct {
					Id   string
					Port int
				}
			}
		}
		DescribeTargetGroupAttributes *struct {
			Attributes []struct{ Key, Value string }
		}
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	g := aws.TargetGroup{ID: a.ID, VPC: d.VpcId, Type: firstOf(d.TargetType, "instance"), Protocol: d.Protocol, Unread: d.DescribeTargetHealth == nil}
	if d.DescribeTargetHealth != nil {
		for _, t := range d.DescribeTargetHealth.TargetHealthDescriptions {
			port := t.Target.Port
			if port == 0 {
				port = d.Port
			}
			g.Targets = append(g.Targets, aws.Target{ID: t.Target.Id, Port: port})
		}
	}
	if d.DescribeTargetGroupAttributes != nil {
		for _, at := range d.DescribeTargetGroupAttributes.Attributes {
			if at.Key == "preserve_client_ip.enabled" {
				g.PreserveClientIP = at.Value
			}
		}
	}
	w.model.TargetGroups = append(w.model.TargetGroups, g)
	return nil
}
