// Package kube decides which connections a Kubernetes cluster lets through: by
// its policies (NetworkPolicy, AdminNetworkPolicy, BaselineAdminNetworkPolicy
// and ClusterNetworkPolicy whole, the parts of Cilium's and Calico's policies
// that speak of addresses and ports, Istio's AuthorizationPolicy below HTTP and
// PeerAuthentication), and through services, Ingresses, Gateways, Routes and
// ports of nodes to the pods behind them.
//
// A Cluster is what was read; New compiles it into an Engine; Engine.Can
// answers one question with the objects and rules that decide it, Engine.Flows
// lists all that can flow directly between pods, nodes and addresses,
// Engine.Ways lists the ways to a pod through what leads to it, and
// Engine.Doors what is open to the outside. An answer of Yes or No holds for every
// way in which the things nobody could tell may turn out; the rest is Unknown,
// with its reason. A policy that could not be understood is kept as one that
// might select anything and decide anything, so that it never makes an answer
// surer than it is.
//
// # How all policies become one
//
// Every kind becomes a policy in a tier: tiers are walked in order, in each
// the policies in order, in each the rules in order, and the first rule that
// matches allows, denies, or passes to the next tier. At the end of a tier a
// connection that no rule matched is denied if a policy that isolates selected
// the pod, and goes on otherwise; behind the last tier all is allowed.
//
// # Doors
//
// A connection through a door is one leg to whoever carries it and one from
// there to a pod, each asked of the policies as they see it: a service's own
// address has become the pod's by then, and a client outside may have become a
// node or a load balancer. An answer is sure only if whoever the client may
// have become gets the same.
//
// # Classes
//
// Pods that no policy can tell apart are one class: the same namespace,
// labels, ports, service account and position between the edges of all address
// blocks. Addresses outside the cluster between two such edges are one class
// too. Rules are sets of classes, one bit each; pods are never paired.
//
// # What is taken for granted
//
// Only TCP, UDP and SCTP are decided. A connection's replies flow by
// themselves. Address blocks of policies match pods, as the conformance tests
// of Kubernetes expect, except where Cilium's policies show that Cilium
// enforces them (Cluster.BlocksMatchPods). What Kubernetes leaves undefined
// (pods on the host's network under NetworkPolicy, two policies of one
// priority that disagree) is Unknown wherever it matters. Routes, firewalls and
// address translation outside the cluster stop nothing here. Whether a pod is
// ready does not count, since it may be so in a moment.
// docs/network-kubernetes.md says how far each kind is read.
package kube
