// Package kube decides which connections a Kubernetes cluster's policies let
// through: NetworkPolicy, AdminNetworkPolicy, BaselineAdminNetworkPolicy and
// ClusterNetworkPolicy whole, the parts of Cilium's and Calico's policies that
// speak of addresses and ports, and Istio's AuthorizationPolicy below HTTP.
//
// A Cluster is what was read; New compiles it into an Engine; Engine.Can
// answers one question with the objects and rules that decide it, and
// Engine.Flows lists all that can flow. An answer of Yes or No holds for every
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
// priority that disagree) is Unknown wherever it matters.
package kube
