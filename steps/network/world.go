package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// World is the network of one snapshot, ready for questions. It is not safe for
// use by several goroutines at a time: what it works out it keeps.
type World struct {
	snap     *estate.Snapshot
	model    *aws.Model
	amazon   *aws.Network
	clusters map[string]*cluster // by the cluster's name in ids

	vpcs    map[string]*estate.Asset // by id in the model
	subnets map[string]*aws.Subnet   // by id in the model
	ifaces  map[string]*iface        // by id in the model
	byAddr  map[string]string        // private or public address -> interface of the model, where one only has it
	elb     map[string][]string      // load balancer, as its interfaces describe it -> their ids
	byDNS   map[string]estate.Node   // load balancer by its DNS name, once it is asked for
	cells   map[string][]string      // subnet and groups -> the interfaces made up for them
	edges   []netip.Addr             // where rules tell addresses apart, sorted
	hosts   []netip.Addr             // that stand for the internet, once it is asked for
	atAddr  map[netip.Addr][]spot    // what has an address, once it is asked for
	alike   func(string) string      // names the classes of interfaces, once it is asked for

	carriers    map[string]bool     // interfaces that something else stands for, once it is asked for
	ofInstance  map[string][]string // interfaces, once it is asked for
	numbers     map[string]int      // of classes
	numbered    map[point]int
	publicCells map[string]bool        // subnet and groups of the provider's interfaces with public addresses, once it is asked for
	givesPublic map[string]bool        // subnets that give new instances a public address
	strangers   map[strangerKey]string // interfaces made up for addresses that nothing read has

	places map[estate.Node]*standing
	atPod  map[podPlace]estate.Node // whose pods they are: the pod itself, or what will make it
	made   map[estate.Node]bool     // pods that another thing of the estate stands for
	nodes  map[string]bool          // instances and interfaces that are nodes of clusters, once asked for

	passing       map[string][]thing // by type, while passages are read
	saysOff       map[string]bool    // VPCs that say themselves that public access is not blocked
	apiInterfaces []string           // interfaces of API Gateway in the model
	resourceOf    map[string]string  // endpoint in the model -> the resource it leads to
	groupNames    map[string]string  // of security groups, by id in the model

	asked   *asked   // once doors are asked about
	asking  bool     // whoever is asked about has no sign-in
	signIns []string // load balancers and ports where every caller must sign in

	table    *aws.Matrix    // of all interfaces, once it is asked for
	inTable  map[string]int // interface -> its class there
	classes  map[point]string
	firsts   map[int]point // of each class
	known    map[pair]Link
	short    *answers // without ways and reasons, of this network
	lasting  *answers // those in which AWS has no say: of its copies with other rules too
	terse    bool     // links are decided without ways and reasons
	usedAWS  int      // questions to AWS's engine
	cuts     int      // sought for findings
	compared int      // pieces of advice of which was worked out what goes with them
	spent    *int     // pairs counted for cuts, of this network and its copies
	decided  int      // pairs decided
	kept     int      // of the pairs that may be decided, those kept for later questions
	breadth  int      // 1 more than the classes of interfaces, once they are counted
	// dark says what was not read of which nobody knows what it holds.
	dark []string
	// problems say what could not be understood; whatever hangs on it is unknown.
	problems []string
}

// iface is an interface of the model, and the asset it belongs to.
type iface struct {
	*aws.Interface
	owner estate.Node
	// managed: a service of the provider's made it, for something of the estate.
	managed bool
	node    estate.Node // its own asset, -1 where it was made up for a thing that has none yet
}

// standing says where a thing stands in the network.
type standing struct {
	// spots are interfaces by id in the model. A thing of which only subnet and
	// groups are known has a spot of several, one for each piece of the subnet that
	// rules tell apart: it will stand in one of them, nobody knows in which.
	spots [][]string
	pods  []podPlace
	// outside: it is run in a network of the provider's own, from which it can
	// open connections to the internet, and into which none can be opened.
	outside bool
	// isolated: nothing can be opened from it or to it.
	isolated bool
	// caller: it opens connections and takes none.
	caller bool
	// service is what it is reached through where it has no place of its own:
	// "s3", "bedrock-runtime".
	service string
	why     string // in words, for people
}

// podPlace is a pod, or the pods of a template, of one cluster.
type podPlace struct{ cluster, id string }

// NewWorld reads the network of a snapshot. An error is the store's.
func NewWorld(ctx context.Context, snap *estate.Snapshot) (*World, error) {
	w := &World{snap: snap, model: &aws.Model{}, clusters: map[string]*cluster{}, vpcs: map[string]*estate.Asset{}, subnets: map[string]*aws.Subnet{}, ifaces: map[string]*iface{},
		byAddr: map[string]string{}, elb: map[string][]string{}, cells: map[string][]string{}, places: map[estate.Node]*standing{}, atPod: map[podPlace]estate.Node{},
		made: map[estate.Node]bool{}, classes: map[point]string{}, numbers: map[string]int{}, numbered: map[point]int{}, firsts: map[int]point{}, known: map[pair]Link{}, short: newAnswers(), lasting: newAnswers(), strangers: map[strangerKey]string{}, givesPublic: map[string]bool{}, saysOff: map[string]bool{}, groupNames: map[string]string{}, resourceOf: map[string]string{}}
	w.dark = dark(snap)
	if err := w.readAWS(ctx); err != nil {
		return nil, fmt.Errorf("read the network of AWS: %w", err)
	}
	if err := w.readClusters(ctx); err != nil {
		return nil, fmt.Errorf("read the networks of clusters: %w", err)
	}
	w.place()
	w.unseenRelays()
	w.readPassages()
	w.amazon = aws.New(w.model)
	w.problems = append(w.problems, w.amazon.Problems()...)
	for _, c := range w.clusters {
		c.finish()
		w.problems = append(w.problems, c.problems()...)
	}
	slices.Sort(w.problems)
	w.problems = slices.Compact(w.problems)
	return w, nil
}

// Problems say what of the network could not be understood or was not read, one
// sentence each, sorted. Whatever hangs on it is unknown already.
func (w *World) Problems() []string { return w.problems }

// Placed reports whether a thing has a place in the network, and says in words
// which.
func (w *World) Placed(n estate.Node) (string, bool) {
	s := w.places[n]
	if s == nil {
		return "", false
	}
	return s.why, true
}
