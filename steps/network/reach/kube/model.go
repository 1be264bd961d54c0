package kube

import (
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Cluster is what was read of one cluster. Read and Add fill it; the zero value
// is not ready, NewCluster is. It must not change once an Engine was made of
// it, except by the Engine's own methods.
type Cluster struct {
	// PodAddrs are the addresses pods can have, used for pods whose own
	// address is not known. Empty means it is not known either.
	PodAddrs reach.Addrs
	// BlocksMatchPods says whether an address block of a NetworkPolicy matches
	// a pod by its address. Yes, as in the conformance tests, until a policy of
	// Cilium's is added, which makes it No.
	BlocksMatchPods reach.Answer
	// ServiceAddrsRouted says whether networks outside carry the services' own
	// (cluster) addresses to a node. Unknown unless the caller knows.
	ServiceAddrsRouted reach.Answer

	pods       []*Pod
	podByName  map[string]*Pod
	namespaces map[string]*namespace
	nodes      map[string]*node
	services   map[string]*service
	endpoints  map[string][]*endpoints
	edge       edge
	policies   []*policy
	calico     map[string]calicoTier
	sets       []networkSet
	hosts      string   // a HostEndpoint of Calico's, empty if there is none
	forwards   []string // policies of Calico's that hold for what nodes forward
	problems   []string
	meshRoot   string
}

// NewCluster is a cluster of which nothing was read.
func NewCluster() *Cluster {
	return &Cluster{
		BlocksMatchPods: reach.Yes,
		podByName:       map[string]*Pod{}, namespaces: map[string]*namespace{}, nodes: map[string]*node{},
		services: map[string]*service{}, endpoints: map[string][]*endpoints{}, edge: newEdge(), calico: map[string]calicoTier{}, meshRoot: "istio-system",
	}
}

// Problems are the things that could not be understood, one sentence each, in
// the order they were met. Whatever hangs on one of them is answered Unknown.
func (c *Cluster) Problems() []string { return c.problems }

// Pods are the pods and pod templates read, in the order they were met. The
// caller must not change them.
func (c *Cluster) Pods() []*Pod { return c.pods }

// Pod is one pod, or the pods that a workload's template makes.
type Pod struct {
	Namespace string
	Name      string // "web-0", or "Deployment/web" for a template
	Replicas  int    // how many pods it stands for: 1, or the template's replicas
	Labels    map[string]string
	Account   string       // service account, "default" if none is named
	HostNet   bool         // shares its node's network and addresses
	Node      string       // name of the node, empty if not known
	IPs       []netip.Addr // empty if not known
	Ports     []ContainerPort
	HostPorts []HostPort
	Networks  []string     // NAMESPACE/NAME of the further networks it is in, in which policies do not hold
	Mesh      reach.Answer // whether Istio's proxy stands before it
}

// ContainerPort is a port that a container declares; only named ones matter to
// policies.
type ContainerPort struct {
	Name     string
	Protocol reach.Protocol
	Port     uint16
}

// HostPort is a port of the pod's node that leads to one of the pod.
type HostPort struct {
	Protocol reach.Protocol
	Node     uint16       // the node's
	Port     uint16       // the pod's
	IPs      []netip.Addr // the node's addresses it is bound to; empty: all
}

// ID is NAMESPACE/NAME.
func (p *Pod) ID() string { return p.Namespace + "/" + p.Name }

// named are the ports a name stands for in the pod. More than one means that
// two containers claim the name.
func (p *Pod) named(name string) []ContainerPort {
	var out []ContainerPort
	for _, q := range p.Ports {
		if q.Name == name && !slices.Contains(out, q) {
			out = append(out, q)
		}
	}
	return out
}

type namespace struct {
	name   string
	labels map[string]string
	known  bool // false if only its name is known
}

type node struct {
	name     string
	labels   map[string]string
	ips      []netip.Addr
	provider string // spec.providerID: "aws:///eu-west-1a/i-0abc"
}

// action is what a rule does with what it matches.
type action uint8

const (
	allow action = iota
	deny
	pass // to the next tier
)

func (a action) String() string { return [...]string{"allow", "deny", "pass"}[a] }

// The orders of the tiers. Calico's own numbers are used, since only Calico
// lets users put tiers between them.
const (
	adminTier    = 1_000
	denyTier     = 999_999 // Cilium's deny rules go before every allow
	defaultTier  = 1_000_000
	baselineTier = 10_000_000
	meshTier     = -1
)

// chain is policies that decide together, apart from the others: a connection
// must get through every chain.
type chain uint8

const (
	network    chain = iota // what the cluster's network enforces
	mesh                    // Istio's AuthorizationPolicy
	mutualTLS               // Istio's PeerAuthentication
	chainCount = 3
)

// policy is any kind of policy, in one form.
type policy struct {
	id      string // "NetworkPolicy ns/name"
	tier    float64
	order   float64 // within the tier; policies of the same order have none among them
	tie     string  // breaks equal orders where the kind says how
	subject peer
	in, out *side  // nil if the policy does not speak of the direction
	calico  string // the tier's name, of Calico's policies

	ofCalico bool  // its selectors select NetworkSets too
	chain    chain // which policies it decides together with
}

// side is what a policy says of one direction.
type side struct {
	rules []rule
	// isolates: a pod the policy selects is denied, at the end of the tier,
	// what no rule matched. Unknown: perhaps.
	isolates reach.Answer
}

// rule is one rule: it matches if any peer matches and any port does.
type rule struct {
	name   string // "ingress[0]", with its own name if it has one
	action action
	peers  []peer
	sets   []peer // Calico's NetworkSets that the peers' selectors select as well
	ports  []portMatch
	maybe  string // why it is not known whether what matches really matches
}

// portMatch is a set of ports, or a name that each pod resolves by itself.
type portMatch struct {
	ports    reach.Ports
	named    string
	protocol reach.Protocol // of the name; 0 is any
}

// allPorts is a rule's ports if it names none.
func allPorts() []portMatch { return []portMatch{{ports: reach.Transport}} }

// peer is a set of pods, nodes and addresses. All conditions that are set must
// hold.
type peer struct {
	all       bool      // everything there is; no other condition counts
	namespace string    // pods of this namespace only, if not empty
	nsSel     *selector // pods of the namespaces it selects
	podSel    *selector // pods it selects
	accounts  []string  // pods of these service accounts
	inMesh    bool      // pods behind Istio's proxy
	global    bool      // nothing in a namespace, so no pod
	further   bool      // pods in networks beside the cluster's, and what is outside the cluster
	nodeSel   *selector // nodes it selects
	addrs     *reach.Addrs
	// hostPods is whether a pod on the host's network can match by namespace
	// and labels: Unknown for NetworkPolicy, No for the administrators' kinds.
	hostPods reach.Answer
	// blocks is whether addrs matches pods; Yes where the kind says so, else
	// the cluster's BlocksMatchPods.
	blocksMatch bool
	outside     bool   // of addrs only those of no pod and no node read
	maybe       string // why it is not known whether what matches really matches
}

// everything matches all there is.
func everything() []peer { return []peer{{all: true}} }
