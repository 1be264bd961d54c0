package kube

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Read adds every object of a stream of YAML documents or of JSON ones (lists
// are opened). Name is what the stream is called in errors. It goes on behind
// an object that is wrong and returns all faults together, each with its place;
// but a stream that is neither ends there, and what came before it stays read,
// and since policies may have been lost, nothing is sure any more.
func (c *Cluster) Read(name string, r io.Reader) error {
	in := bufio.NewReader(r)
	if looksJSON(in) {
		// JSON is YAML too, but its own decoder is many times as fast. What
		// only began like it is left to the other.
		text, err := io.ReadAll(in)
		if err != nil {
			return c.cut(name, 1, err)
		}
		if docs, ok := allJSON(text); ok {
			var faults []error
			for n, doc := range docs {
				if err := c.addDocument(name, n+1, doc); err != nil {
					faults = append(faults, err)
				}
			}
			return errors.Join(faults...)
		}
		in = bufio.NewReader(bytes.NewReader(text))
	}
	var faults []error
	dec := yaml.NewDecoder(in)
	for n := 1; ; n++ {
		var doc any
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return errors.Join(faults...)
		}
		if err != nil {
			return errors.Join(append(faults, c.cut(name, n, err))...)
		}
		if err := c.addDocument(name, n, doc); err != nil {
			faults = append(faults, err)
		}
	}
}

// looksJSON says whether a stream begins as JSON does.
func looksJSON(in *bufio.Reader) bool {
	head, _ := in.Peek(512)
	head = bytes.TrimLeft(head, " \t\r\n")
	return len(head) > 0 && (head[0] == '{' || head[0] == '[')
}

// allJSON reads one JSON document after another; ok is false if the text is
// anything else.
func allJSON(text []byte) (docs []any, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		var doc any
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, true
		case err != nil:
			return nil, false
		}
		docs = append(docs, doc)
	}
}

// cut notes a stream that ends before its end: what stood behind may have been
// policies.
func (c *Cluster) cut(name string, n int, err error) error {
	err = fmt.Errorf("%s: document %d: %w\nhint: mend the document there, or export it again with kubectl get -o yaml", name, n, err)
	c.problems = append(c.problems, err.Error())
	c.policies = append(c.policies, opaque("the rest of", "", name, err.Error()))
	return err
}

func (c *Cluster) addDocument(name string, n int, doc any) error {
	switch doc := doc.(type) {
	case nil:
		return nil
	case map[string]any:
		return c.Add(fmt.Sprintf("%s: document %d", name, n), doc)
	}
	return fmt.Errorf("%s: document %d: is no Kubernetes object\nhint: give manifests, or the output of kubectl get -o yaml", name, n)
}

// Add adds one object as the API prints it; place is where it stands, for
// errors. Kinds that have nothing to do with reachability are passed over. An
// error says what could not be understood; a policy of which that is true has
// been added as one that may select and decide anything, and a pod, node or
// namespace of which it is true makes every answer unsure.
func (c *Cluster) Add(place string, object map[string]any) error {
	bad := []string{}
	f := fields{m: object, at: place, bad: &bad}
	kind, version := f.str("kind"), f.str("apiVersion")
	if strings.HasSuffix(kind, "List") && object["items"] != nil {
		var faults []error
		for i, item := range f.list("items") {
			if m, ok := item.(map[string]any); ok {
				if m["kind"] == nil {
					m["kind"], m["apiVersion"] = strings.TrimSuffix(kind, "List"), version
				}
				faults = append(faults, c.Add(fmt.Sprintf("%s: items[%d]", place, i), m))
			} else {
				faults = append(faults, fmt.Errorf("%s: items[%d]: is no object", place, i))
			}
		}
		return errors.Join(faults...)
	}
	meta := f.obj("metadata")
	name, ns := meta.str("name"), meta.str("namespace")
	if ns == "" && namespaced[kind] {
		ns = "default"
	}
	f.at = fmt.Sprintf("%s: %s %s", place, kind, strings.TrimPrefix(ns+"/"+name, "/"))
	group, _, _ := strings.Cut(version, "/")
	if !strings.Contains(version, "/") {
		group = ""
	}
	read := readers[group+"/"+kind]
	if read == nil && !policyGroup(group, kind) {
		return nil
	}
	before := len(c.policies)
	if read == nil {
		f.fault("policies of kind %s in %s are not understood", kind, version)
	} else {
		read(c, f, ns, name)
	}
	if len(bad) == 0 {
		return nil
	}
	// What its reader made of it before or behind the fault does not count.
	c.policies = c.policies[:before]
	switch {
	case read == nil || policyKinds[kind]:
		if strings.HasSuffix(kind, "NetworkSet") {
			ns, name = "", strings.TrimPrefix(ns+"/"+name, "/") // policies of any namespace may select it
		}
		c.policies = append(c.policies, opaque(called(group, kind), ns, name, bad[0]))
	case c.unsure(group, kind, ns, name, bad[0]):
	default:
		// Any policy of any namespace may see the pod, node or namespace
		// otherwise than it was read.
		c.policies = append(c.policies, opaque(kind, "", strings.TrimPrefix(ns+"/"+name, "/"), bad[0]))
	}
	c.problems = append(c.problems, bad...)
	return errors.New(strings.Join(bad, "\n") + "\nhint: kubectl apply --dry-run=server -f FILE says what the API expects")
}

// readers says who reads a kind, by GROUP/KIND.
var readers = map[string]func(c *Cluster, f fields, ns, name string){
	"/Pod":                   readPod,
	"/Namespace":             readNamespace,
	"/Node":                  readNode,
	"/Service":               readService,
	"apps/Deployment":        readTemplate("Deployment", "spec", "template"),
	"apps/ReplicaSet":        readTemplate("ReplicaSet", "spec", "template"),
	"apps/StatefulSet":       readTemplate("StatefulSet", "spec", "template"),
	"apps/DaemonSet":         readTemplate("DaemonSet", "spec", "template"),
	"/ReplicationController": readTemplate("ReplicationController", "spec", "template"),
	"batch/Job":              readTemplate("Job", "spec", "template"),
	"batch/CronJob":          readTemplate("CronJob", "spec", "jobTemplate", "spec", "template"),
	// A virtual machine runs in a pod with its labels.
	"kubevirt.io/VirtualMachine": readTemplate("VirtualMachine", "spec", "template"),

	"k8s.ovn.org/UserDefinedNetwork":        readUserNetwork,
	"k8s.ovn.org/ClusterUserDefinedNetwork": readUserNetwork,

	"networking.k8s.io/NetworkPolicy":                     readNetworkPolicy,
	"policy.networking.k8s.io/AdminNetworkPolicy":         readAdmin("AdminNetworkPolicy", adminTier),
	"policy.networking.k8s.io/BaselineAdminNetworkPolicy": readAdmin("BaselineAdminNetworkPolicy", baselineTier),
	"policy.networking.k8s.io/ClusterNetworkPolicy":       readClusterPolicy,

	"cilium.io/CiliumNetworkPolicy":             readCilium("CiliumNetworkPolicy"),
	"cilium.io/CiliumClusterwideNetworkPolicy":  readCilium("CiliumClusterwideNetworkPolicy"),
	"projectcalico.org/NetworkSet":              readNetworkSet,
	"projectcalico.org/GlobalNetworkSet":        readNetworkSet,
	"projectcalico.org/HostEndpoint":            readHostEndpoint,
	"crd.projectcalico.org/NetworkSet":          readNetworkSet,
	"crd.projectcalico.org/GlobalNetworkSet":    readNetworkSet,
	"crd.projectcalico.org/HostEndpoint":        readHostEndpoint,
	"projectcalico.org/Tier":                    readCalicoTier,
	"projectcalico.org/NetworkPolicy":           readCalico("Calico NetworkPolicy"),
	"projectcalico.org/GlobalNetworkPolicy":     readCalico("Calico GlobalNetworkPolicy"),
	"crd.projectcalico.org/Tier":                readCalicoTier,
	"crd.projectcalico.org/NetworkPolicy":       readCalico("Calico NetworkPolicy"),
	"crd.projectcalico.org/GlobalNetworkPolicy": readCalico("Calico GlobalNetworkPolicy"),
	"security.istio.io/AuthorizationPolicy":     readIstio,
	"security.istio.io/PeerAuthentication":      readPeerAuthentication,

	"discovery.k8s.io/EndpointSlice":     readEndpointSlice,
	"/Endpoints":                         readEndpoints,
	"networking.k8s.io/Ingress":          readIngress,
	"extensions/Ingress":                 readIngress,
	"networking.k8s.io/IngressClass":     readIngressClass,
	"elbv2.k8s.aws/IngressClassParams":   readIngressClassParams,
	"route.openshift.io/Route":           readRoute,
	gatewayGroup + "/GatewayClass":       readGatewayClass,
	gatewayGroup + "/Gateway":            readGateway,
	gatewayGroup + "/HTTPRoute":          readGatewayRoute("HTTPRoute"),
	gatewayGroup + "/GRPCRoute":          readGatewayRoute("GRPCRoute"),
	gatewayGroup + "/TLSRoute":           readGatewayRoute("TLSRoute"),
	gatewayGroup + "/TCPRoute":           readGatewayRoute("TCPRoute"),
	gatewayGroup + "/UDPRoute":           readGatewayRoute("UDPRoute"),
	gatewayGroup + "/ReferenceGrant":     readReferenceGrant,
	"networking.istio.io/Gateway":        readIstioGateway,
	"networking.istio.io/VirtualService": readVirtualService,
}

// policyKinds are the kinds above that, not understood, may decide anything.
var policyKinds = map[string]bool{
	"NetworkPolicy": true, "AdminNetworkPolicy": true, "BaselineAdminNetworkPolicy": true, "ClusterNetworkPolicy": true,
	"CiliumNetworkPolicy": true, "CiliumClusterwideNetworkPolicy": true, "GlobalNetworkPolicy": true, "AuthorizationPolicy": true, "PeerAuthentication": true,
	"NetworkSet": true, "GlobalNetworkSet": true, "HostEndpoint": true, "UserDefinedNetwork": true, "ClusterUserDefinedNetwork": true,
}

// namespaced are the kinds of policies that live in a namespace, where a
// manifest that names none means "default".
var namespaced = map[string]bool{"NetworkPolicy": true, "CiliumNetworkPolicy": true, "AuthorizationPolicy": true, "PeerAuthentication": true}

// called is a policy's kind as answers name it: Calico has a kind of the same
// name as Kubernetes.
func called(group, kind string) string {
	if kind == "HostEndpoint" || strings.HasSuffix(kind, "NetworkSet") {
		return kind
	}
	if strings.HasSuffix(group, "projectcalico.org") {
		return "Calico " + kind
	}
	return kind
}

// policyGroup says whether a kind nobody reads here could still forbid or
// allow connections.
func policyGroup(group, kind string) bool {
	switch group {
	case "networking.k8s.io", "extensions":
		return kind == "NetworkPolicy"
	case "policy.networking.k8s.io":
		return true
	case "projectcalico.org", "crd.projectcalico.org":
		// What is staged is not enforced.
		return strings.HasSuffix(kind, "NetworkPolicy") && !strings.HasPrefix(kind, "Staged") || kind == "HostEndpoint" || strings.HasSuffix(kind, "NetworkSet")
	case "cilium.io", "crd.antrea.io", "k8s.ovn.org", "crd.k8s.amazonaws.com", "networking.k8s.aws", "networking.gke.io":
		return strings.HasSuffix(kind, "NetworkPolicy") || strings.HasSuffix(kind, "EgressFirewall")
	case "security.istio.io":
		return kind == "AuthorizationPolicy" || kind == "PeerAuthentication"
	case "policy.linkerd.io": // servers are closed or open by a default that they or a namespace set
		return kind == "AuthorizationPolicy" || kind == "ServerAuthorization" || strings.HasPrefix(kind, "Server")
	case "kuma.io":
		return kind == "MeshTrafficPermission" || kind == "TrafficPermission"
	case "consul.hashicorp.com":
		return kind == "ServiceIntentions"
	case "crd.nsx.vmware.com", "nsx.vmware.com":
		return kind == "SecurityPolicy" || kind == "AdminNetworkPolicy"
	}
	// Whoever invents a kind calls it so: what it forbids and allows is not known.
	return strings.HasSuffix(kind, "NetworkPolicy") && !strings.HasPrefix(kind, "Staged")
}

// Decides reports whether objects of a kind that is not Kubernetes' own may forbid or
// allow connections, understood or not, or say what leads where. Group is the API group.
func Decides(group, kind string) bool {
	return policyGroup(group, kind) || group == "elbv2.k8s.aws" && kind == "IngressClassParams"
}

// policyGroups are the groups that hold policies on connections: of one that does not
// answer, nobody knows which.
var policyGroups = map[string]bool{
	"networking.k8s.io": true, "policy.networking.k8s.io": true, "projectcalico.org": true, "crd.projectcalico.org": true, "cilium.io": true, "crd.antrea.io": true,
	"k8s.ovn.org": true, "crd.k8s.amazonaws.com": true, "networking.k8s.aws": true, "networking.gke.io": true, "security.istio.io": true, "policy.linkerd.io": true,
	"kuma.io": true, "consul.hashicorp.com": true, "crd.nsx.vmware.com": true, "nsx.vmware.com": true,
}

// edgeGroups hold what hands connections on.
var edgeGroups = map[string]bool{gatewayGroup: true, "networking.istio.io": true, "networking.k8s.io": true, "discovery.k8s.io": true, "route.openshift.io": true}

// opaque is a policy of which nothing is known but its name: it may select any
// pod of its namespace, and allow or deny anything.
func opaque(kind, ns, name, why string) *policy {
	unknown := func() *side {
		return &side{isolates: reach.Unknown, rules: []rule{
			{name: "as a whole", action: allow, peers: everything(), ports: allPorts(), maybe: why},
			{name: "as a whole", action: deny, peers: everything(), ports: allPorts(), maybe: why},
		}}
	}
	p := &policy{id: kind + " " + strings.TrimPrefix(ns+"/"+name, "/"), subject: peer{namespace: ns, maybe: why, all: ns == ""}, in: unknown(), out: unknown()}
	switch kind {
	case "AuthorizationPolicy":
		p.chain = mesh
	case "PeerAuthentication":
		p.chain = mutualTLS
	}
	if p.chain != network && ns == "istio-system" {
		p.subject.all = true
	}
	return p
}
