package kube

import (
	"net/netip"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

func readPod(c *Cluster, f fields, ns, name string) {
	status := f.obj("status")
	if phase := status.str("phase"); phase == "Succeeded" || phase == "Failed" {
		return // its address is given back
	}
	p := podOf(f, f, ns, name)
	texts := status.objs("podIPs")
	for _, t := range texts {
		p.IPs = append(p.IPs, address(t, "ip")...)
	}
	if len(texts) == 0 {
		p.IPs = address(status, "podIP")
	}
	c.addPod(p)
}

func address(f fields, key string) []netip.Addr {
	text := f.str(key)
	if text == "" {
		return nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		f.fault("%s %q is no address", key, text)
		return nil
	}
	return []netip.Addr{a.Unmap()}
}

// podOf reads what a pod and a template share; meta holds the labels.
func podOf(f, meta fields, ns, name string) *Pod {
	if ns == "" {
		ns = "default"
	}
	spec := f.obj("spec")
	labels := meta.obj("metadata")
	p := &Pod{
		Namespace: ns, Name: name, Replicas: 1, Labels: labels.labels("labels"),
		Account: spec.str("serviceAccountName"), HostNet: spec.flag("hostNetwork"), Node: spec.str("nodeName"),
		Mesh: meshed(spec, labels), Networks: networks(labels, ns),
	}
	for _, n := range spec.objs("networks") { // of a virtual machine
		if m := n.obj("multus"); m.m != nil {
			p.Networks = append(p.Networks, m.str("networkName"))
		}
	}
	if p.Account == "" {
		p.Account = "default"
	}
	for _, list := range []string{"containers", "initContainers"} {
		for _, container := range spec.objs(list) {
			for _, port := range container.objs("ports") {
				if !port.has("name") && !port.has("hostPort") {
					continue
				}
				one := ContainerPort{port.str("name"), port.protocol("protocol", reach.TCP), uint16(port.number("containerPort", 1, 65535))}
				if one.Name != "" {
					p.Ports = append(p.Ports, one)
				}
				if port.has("hostPort") && !p.HostNet {
					if n := uint16(port.number("hostPort", 0, 65535)); n != 0 {
						p.HostPorts = append(p.HostPorts, HostPort{one.Protocol, n, one.Port, address(port, "hostIP")})
					}
				}
			}
		}
	}
	return p
}

// meshed says whether Istio's proxy stands before a pod: Yes if its container
// is there; a namespace's label or a node's proxy may do the same unseen.
func meshed(spec, meta fields) reach.Answer {
	for _, list := range []string{"containers", "initContainers"} {
		for _, container := range spec.objs(list) {
			if container.str("name") == "istio-proxy" {
				return reach.Yes
			}
		}
	}
	if meta.obj("labels").m["sidecar.istio.io/inject"] == "true" {
		return reach.Yes
	}
	return reach.Unknown
}

func (c *Cluster) addPod(p *Pod) {
	if len(p.Networks) > 0 {
		c.addNetworks()
	}
	c.pods = append(c.pods, p)
	c.podByName[p.ID()] = p
	if c.namespaces[p.Namespace] == nil {
		c.namespaces[p.Namespace] = &namespace{name: p.Namespace, labels: map[string]string{nameLabel: p.Namespace}}
	}
}

// nameLabel is the label that the API server puts on every namespace.
const nameLabel = "kubernetes.io/metadata.name"

func readNamespace(c *Cluster, f fields, _, name string) {
	labels := f.obj("metadata").labels("labels")
	if labels == nil {
		labels = map[string]string{}
	}
	labels[nameLabel] = name
	if _, own := labels[ownNetwork]; own {
		c.policies = append(c.policies, apart("Namespace "+name, peer{namespace: name, hostPods: reach.No}))
	}
	c.namespaces[name] = &namespace{name, labels, true}
}

func readNode(c *Cluster, f fields, _, name string) {
	n := &node{name: name, labels: f.obj("metadata").labels("labels"), provider: f.obj("spec").str("providerID")}
	for _, a := range f.obj("status").objs("addresses") {
		if t := a.str("type"); t == "InternalIP" || t == "ExternalIP" {
			n.ips = append(n.ips, address(a, "address")...)
		}
	}
	c.nodes[name] = n
}

// readTemplate reads the pods that a workload will make.
func readTemplate(kind string, way ...string) func(*Cluster, fields, string, string) {
	return func(c *Cluster, f fields, ns, name string) {
		spec := f.obj("spec")
		t := f
		for _, step := range way {
			t = t.obj(step)
		}
		p := podOf(t, t, ns, kind+"/"+name)
		if spec.has("replicas") {
			p.Replicas = int(spec.number("replicas", 0, 1<<31-1))
		}
		c.addPod(p)
	}
}
