package network

import (
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// toService is what a point can open at an API of the provider's
// ("com.amazonaws.eu-west-1.s3"): through an endpoint in its network, or over the
// internet. What an endpoint's policy then lets pass is the access step's to say.
func (w *World) toService(from point, service string) Link {
	if from.host.IsValid() {
		return Link{Reachable: reach.Yes, Ports: reach.Port(reach.TCP, 443), Path: []Hop{{Name: from.String()}, {Name: service, Rule: "its public address"}}}
	}
	stands := w.standsOf(from)
	if len(stands) == 0 {
		return unknown("where the pods of cluster " + from.pod.cluster + " stand in the cloud's network was not read")
	}
	var ways []Link
	for _, id := range stands {
		ways = append(ways, w.askAWS(aws.Place{Interface: id}, aws.Place{Service: service}, point{iface: id}, point{service: service}))
	}
	l := either(ways...).on(reach.Port(reach.TCP, 443))
	if from.pod != (podPlace{}) {
		// The service's addresses are public, or those of an endpoint's interfaces; a
		// policy that tells them apart is asked by an address of the internet's.
		l = both(end(w.leaves(from.pod, reach.AddrOf(w.internet()[0])), 0), l)
	}
	return l
}

// standsOf are the interfaces a point's packets leave by.
func (w *World) standsOf(p point) []string {
	if p.iface != "" {
		return []string{p.iface}
	}
	return w.interfacesOfPod(p.pod)
}

func (w *World) vpcOf(iface string) string { return w.subnetVPC(w.ifaces[iface].Subnet) }

func (w *World) subnetVPC(id string) string {
	if s := w.subnets[id]; s != nil {
		return s.VPC
	}
	return ""
}

// toHosts is what a point can open at hosts of the internet.
func (w *World) toHosts(from point) Link {
	w.usedAWS++ // whether it was decided before or not
	var ways []Link
	for _, h := range w.internet() {
		ways = append(ways, w.link(from, point{host: h, inet: true}))
	}
	out := either(ways...)
	if len(out.Because) > 1 {
		out.Because = out.Because[:1] // the others say the same of other hosts
	}
	return out
}

// usesTable reports whether an interface's subnet uses a route table.
func (w *World) usesTable(iface, table string) bool {
	sub := w.ifaces[iface].Subnet
	main := ""
	for _, t := range w.model.RouteTables {
		for _, s := range t.Subnets {
			if s == sub {
				return t.ID == table
			}
		}
		if t.Main && t.VPC == w.vpcOf(iface) {
			main = t.ID
		}
	}
	return main == table
}
