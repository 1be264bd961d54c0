package risk

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// power is what an attacker has of an asset.
type power uint8

// The powers. They are not in one order: who decides what a model learns need
// not be able to read anything.
const (
	see   power = iota // read what it holds
	taint              // decide what it learns, or answers
	act                // act as it: run in it, use its rights
	own                // act as it and change what it holds
	powers
)

// mask is a set of powers.
type mask uint8

func of(ps ...power) mask {
	var m mask
	for _, p := range ps {
		m |= 1 << p
	}
	return m
}

func (m mask) has(p power) bool { return m&(1<<p) != 0 }

// move is one way in which an attacker goes from one asset to another.
type move struct {
	rel estate.RelationType
	// back: against the relation's direction.
	back bool
	// from and to say which assets the move is for, as the attacker goes; nil: any.
	from, to func(*estate.Asset) bool
	need     mask  // any of these powers
	gain     power // what the attacker then has; same keeps what he had
	same     bool
	words    string // "runs as": stands before what is reached
}

// moves are all movements. A relation type that is not here is none, for the
// reason in still.
var moves = []move{
	// Who runs in a workload has the rights of its identity. The other way, an
	// identity's rights do not put anybody into what runs with them.
	{rel: estate.RunsAs, need: of(act, own), gain: act, words: "runs as"},
	// A member of a group has the group's rights. Being in a network, a cluster or
	// a zone is no movement: the network step weighs what is reachable.
	{rel: estate.MemberOf, from: kind(estate.KindIdentity), to: kind(estate.KindIdentity), need: of(act, own), gain: act, words: "belongs to"},
	// An identity has what its policies give.
	{rel: estate.Attached, from: kind(estate.KindIdentity), to: kind(estate.KindPolicy), need: of(act, own), gain: act, words: "holds"},
	// A binding gives what its role says.
	{rel: estate.Uses, from: kind(estate.KindPolicy), to: kind(estate.KindPolicy), need: of(act, own), gain: act, words: "gives"},
	// Whom an open firewall group lets in meets what stands behind it.
	{rel: estate.Attached, back: true, from: typ("AWS::EC2::SecurityGroup"), need: of(act), gain: act, words: "lets in to"},
	// An interface leads to its owner, an access key acts as its user.
	{rel: estate.Contains, back: true, from: typ("AWS::EC2::NetworkInterface", "AWS::IAM::AccessKey"), need: of(act), gain: act, words: "belongs to"},
	// Who has the whole has its parts; but a user's rights show no key of his, and
	// the statements of a resource's policy are no part one could use.
	{rel: estate.Contains, to: part, need: of(see, taint, act, own), same: true, words: "contains"},
	// What a workload reads, who runs in it reads too; what a store or an index
	// was made from shows in it.
	{rel: estate.Reads, need: of(act, own), gain: see, words: "reads"},
	{rel: estate.Reads, from: kind(estate.KindStore, estate.KindDataset, estate.KindPipeline), need: of(see), gain: see, words: "is made from"},
	// Who changes data decides what its reader learns from it.
	{rel: estate.Reads, back: true, need: of(own, taint), gain: taint, words: "feeds"},
	{rel: estate.Writes, need: of(act, own), gain: own, words: "writes"},
	{rel: estate.Writes, need: of(taint), gain: taint, words: "writes"},
	{rel: estate.Trains, need: of(act, own), gain: own, words: "trains"},
	{rel: estate.Trains, need: of(taint), gain: taint, words: "trains"},
	// An endpoint runs as the model it serves says; a model decides what it answers.
	{rel: estate.Serves, need: of(act, own), gain: act, words: "serves"},
	{rel: estate.Serves, back: true, need: of(own, taint), gain: taint, words: "answers through"},
	// A changed image, artefact or package runs in whatever loads it.
	{rel: estate.Loads, back: true, need: of(own), gain: act, words: "runs in"},
	{rel: estate.Loads, back: true, need: of(taint), gain: taint, words: "is loaded by"},
	// A principal takes on the roles that trust it. That a service may take a role
	// puts nobody into the role.
	{rel: estate.Trusts, back: true, from: not(typ("AWS::ServicePrincipal")), need: of(act, own), gain: act, words: "may take on"},
	// Who controls a trigger starts what it starts, with the input he likes.
	{rel: estate.Triggers, need: of(act, own), gain: act, words: "starts"},
	// A service, ingress or load balancer leads to its targets. Routes of networks
	// are left to the network step, as membership is.
	{rel: estate.RoutesTo, from: leads, need: of(act, own), gain: act, words: "leads to"},
	// Whom a resource's policy names may do what it says: at least read.
	{rel: estate.Grants, back: true, from: kind(estate.KindIdentity, estate.KindService), to: not(kind(estate.KindIdentity)), need: of(act, own), gain: act, words: "is named by"},
	{rel: estate.Contains, back: true, from: statement, need: of(act), gain: see, words: "opens"},
	// What opens a thing by standing beside it.
	{rel: estate.Governs, from: typ("AWS::EKS::AccessEntry", "AWS::OpenSearchServerless::SecurityPolicy"), need: of(see, act, own), same: true, words: "opens"},
	// Notebooks and clusters hold what their start scripts hold.
	{rel: estate.Uses, from: kind(estate.KindCompute), to: kind(estate.KindPipeline), need: of(act, own), gain: see, words: "is set up by"},
}

// still gives the reason for each declared relation type that is no movement
// in any direction.
var still = map[estate.RelationType]string{
	estate.EncryptsBy: "a key alone opens nothing: its user must be allowed the data too, and whoever is comes by that",
	estate.LogsTo:     "what writes a log does not read or rewrite it",
	estate.Scales:     "an autoscaler changes how many there are, not what they do",
}

func kind(kinds ...estate.Kind) func(*estate.Asset) bool {
	return func(a *estate.Asset) bool {
		for _, k := range kinds {
			if a.Kind == k {
				return true
			}
		}
		return false
	}
}

func typ(types ...string) func(*estate.Asset) bool {
	return func(a *estate.Asset) bool {
		for _, t := range types {
			if a.Type == t {
				return true
			}
		}
		return false
	}
}

func not(f func(*estate.Asset) bool) func(*estate.Asset) bool {
	return func(a *estate.Asset) bool { return !f(a) }
}

// statement is the class of those whom one statement of a resource's policy
// allows.
func statement(a *estate.Asset) bool {
	return a.Type == estate.SetType && a.Kind == estate.KindPolicy
}

// part is what comes with the whole.
func part(a *estate.Asset) bool {
	switch a.Type {
	case "AWS::IAM::AccessKey", "AWS::IAM::VirtualMFADevice", "AWS::EC2::NetworkInterface":
		return false
	}
	return a.Kind != estate.KindPolicy
}

// leads is what passes requests on.
func leads(a *estate.Asset) bool {
	return !strings.HasPrefix(a.Type, "AWS::EC2::")
}
