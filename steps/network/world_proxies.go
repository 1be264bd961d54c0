package network

import (
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

const proxyType = "AWS::RDS::DBProxy"

// databases are the types that a proxy leads to.
var databases = map[string]bool{"AWS::RDS::DBInstance": true, "AWS::RDS::DBCluster": true}

// readProxy adds a proxy of databases: it takes connections and opens others, as a load
// balancer does, from addresses of its own. Its targets are not read, so that it may lead
// to whatever its groups let it open.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.howitworks.html
func (w *World) readProxy(a *estate.Asset, s *standing) {
	lb := aws.LoadBalancer{ID: a.ID, Type: "application", Unread: true}
	for _, spot := range s.spots {
		lb.Interfaces = append(lb.Interfaces, spot...)
		if len(spot) > 0 {
			lb.VPC = w.vpcOf(spot[0])
		}
	}
	if len(lb.Interfaces) > 0 {
		w.model.LoadBalancers = append(w.model.LoadBalancers, lb)
	}
}

const endpointServiceType = "AWS::EC2::VPCEndpointService"

// unseenRelays says of VPCs in which a database stands and where proxies were not all
// listed, or a network load balancer where endpoint services were not, that something may
// lead there.
func (w *World) unseenRelays() {
	for i := range w.model.LoadBalancers {
		lb := &w.model.LoadBalancers[i]
		if lb.Type != "network" && lb.Type != "gateway" {
			continue
		}
		if v := w.vpcOfTarget(&aws.PassageRoute{Balancer: lb.ID}); v != nil && w.unlisted(v, endpointServiceType) != "" {
			v.LoadBalancersUnread = true
		}
	}
	for n, s := range w.places {
		if !databases[w.snap.Asset(n).Type] {
			continue
		}
		for _, spot := range s.spots {
			for _, id := range spot {
				if v := w.modelVPC(w.vpcOf(id)); v != nil && w.unlisted(v, proxyType) != "" {
					v.LoadBalancersUnread = true
				}
			}
		}
	}
}
