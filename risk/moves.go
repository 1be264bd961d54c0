package risk

import (
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// power is what an attacker has of an asset.
type power uint8

// The powers. They are not in one order: who decides what a model learns need
// not be able to read anything.
const (
	meet  power = iota // open a connection to it, and no more
	see                // read what it holds
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
	// derived: the relation is one that a step decided, not one that configuration
	// declares; tied: it hangs on conditions, and this move is for such ones.
	derived, tied bool
	// hard is how hard the movement is; 0 counts as plain. free: it is the half of one,
	// from a principal to the class of what it can do, and the other half counts.
	hard difficulty
	free bool
	// technique is what MITRE calls the movement: an id of ATT&CK (T…) or ATLAS
	// (AML.T…); empty where it is but the use of what one has.
	technique string
}

// difficulty is how hard a movement is: what it takes, and how likely it fails or
// is seen. Difficulties along a way add up.
type difficulty uint8

// The difficulties.
const (
	plain    difficulty = 1 // using what one has
	low      difficulty = 2 // a call that leaves a trace
	moderate difficulty = 3 // preparation, or waiting until something else acts
	high     difficulty = 5 // several things must fit: conditions, timing, a model that learns it
	hardest             = int(high)
)

// difficulties are their names.
var difficulties = map[difficulty]string{plain: "plain", low: "low", moderate: "moderate", high: "high"}

// cost is what a movement adds to the difficulty of a way.
func (m *move) cost() int32 {
	if m.free {
		return 0
	}
	return int32(max(m.hard, plain))
}

// costs are the moves' costs by index, the door's among them.
var costs = func() (out [256]int32) {
	for i := range moves {
		out[i] = moves[i].cost()
	}
	out[doorRule] = door.cost()
	return out
}()

// The relations that steps derive, by name: a room below the steps knows no step.
const (
	canRead     estate.RelationType = "can-read"
	canWrite    estate.RelationType = "can-write"
	canInvoke   estate.RelationType = "can-invoke"
	canAssume   estate.RelationType = "can-assume"
	canBecome   estate.RelationType = "can-become"
	reaches     estate.RelationType = "reaches"
	derivedFrom estate.RelationType = "derived-from"
	calls       estate.RelationType = "calls"
	runs        estate.RelationType = "runs"
)

// moves are all movements. A relation type that is not here is none, for the
// reason in still.
var moves = []move{
	// Who runs in a workload has the rights of its identity. The other way, an
	// identity's rights do not put anybody into what runs with them.
	{rel: estate.RunsAs, need: of(act, own), gain: act, words: "runs as", technique: "T1078.004"},
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
	{rel: estate.Reads, from: not(entryOf), need: of(act, own), gain: see, words: "reads", technique: "T1530"},
	{rel: estate.Reads, from: kind(estate.KindStore, estate.KindDataset, estate.KindPipeline), need: of(see), gain: see, words: "is made from"},
	// Who changes data decides what its reader learns from it.
	{rel: estate.Reads, back: true, need: of(own, taint), gain: taint, words: "feeds", hard: high, technique: "AML.T0020"},
	{rel: estate.Writes, need: of(act, own), gain: own, words: "writes"},
	{rel: estate.Writes, need: of(taint), gain: taint, words: "writes", hard: plain},
	{rel: estate.Trains, need: of(act, own), gain: own, words: "trains", technique: "AML.T0018"},
	{rel: estate.Trains, need: of(taint), gain: taint, words: "trains"},
	// An endpoint runs as the model it serves says; a model decides what it answers.
	{rel: estate.Serves, need: of(act, own), gain: act, words: "serves"},
	{rel: estate.Serves, back: true, need: of(own, taint), gain: taint, words: "answers through", hard: low, technique: "AML.T0018"},
	// A changed image, artefact or package runs in whatever loads it; an entry of a
	// registry is no more than what it names.
	{rel: estate.Loads, back: true, to: entryOf, need: of(own), gain: own, words: "is entered as"},
	{rel: estate.Loads, back: true, to: not(entryOf), need: of(own), gain: act, words: "runs in", hard: moderate, technique: "T1525"},
	{rel: estate.Loads, back: true, need: of(taint), gain: taint, words: "is loaded by", hard: moderate},
	// A principal takes on the roles that trust it. That a service may take a role
	// puts nobody into the role.
	{rel: estate.Trusts, back: true, from: not(typ("AWS::ServicePrincipal")), need: of(act, own), gain: act, words: "may take on", technique: "T1550.001"},
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
	{rel: estate.Uses, from: kind(estate.KindCompute), to: kind(estate.KindPipeline), need: of(act, own), gain: see, words: "is set up by", technique: "T1552"},

	// What policies allow, decided: a principal has it through the set of all that
	// can be had alike. What hangs on conditions is had, but seldom at will.
	{rel: canRead, derived: true, to: set, free: true, need: of(act, own), gain: see, words: "can read"},
	{rel: canRead, derived: true, tied: true, to: set, need: of(act, own), gain: see, words: "can read, on conditions,", hard: low},
	{rel: canRead, derived: true, from: set, need: of(see), gain: see, words: "can read", hard: low, technique: "T1530"},
	{rel: canWrite, derived: true, to: set, free: true, need: of(act, own), gain: own, words: "can change"},
	{rel: canWrite, derived: true, tied: true, to: set, need: of(act, own), gain: own, words: "can change, on conditions,", hard: low},
	{rel: canWrite, derived: true, from: set, to: turned, need: of(own), gain: own, words: "can change", hard: low, technique: "T1565.001"},
	{rel: canAssume, derived: true, to: set, free: true, need: of(act, own), gain: act, words: "can take on"},
	{rel: canAssume, derived: true, tied: true, to: set, need: of(act, own), gain: act, words: "can take on, on conditions,", hard: low},
	{rel: canAssume, derived: true, from: set, need: of(act), gain: act, words: "can take on", hard: low, technique: "T1550.001"},
	// Calling a model or a function gives its answers; entering a notebook is being in it.
	{rel: canInvoke, derived: true, to: set, free: true, need: of(act, own), gain: meet, words: "can call or enter"},
	{rel: canInvoke, derived: true, tied: true, to: set, need: of(act, own), gain: meet, words: "can call, on conditions,", hard: low},
	{rel: canInvoke, derived: true, from: set, to: not(entered), need: of(meet), gain: meet, words: "can call", hard: low, technique: "AML.T0040"},
	{rel: canInvoke, derived: true, from: set, to: entered, need: of(meet), gain: act, words: "can enter", hard: low, technique: "T1550.001"},
	{rel: canBecome, derived: true, need: of(act, own), gain: act, words: "can become", hard: moderate, technique: "T1098.003"},
	{rel: canBecome, derived: true, tied: true, need: of(act, own), gain: act, words: "can become, on conditions,", hard: high, technique: "T1098.003"},
	// Being able to open a connection is no more than that: what asks nobody who he
	// is turns it into acting (see Fact.Door).
	{rel: reaches, derived: true, to: set, free: true, need: of(act, own), gain: meet, words: "can connect to"},
	{rel: reaches, derived: true, from: set, need: of(meet), gain: meet, words: "can connect to", hard: low, technique: "T1046"},

	// What a model was made from shapes it; who changes that, or what runs in a
	// workload, decides what it does.
	{rel: derivedFrom, derived: true, back: true, need: of(own, taint), gain: taint, words: "shapes", hard: high, technique: "AML.T0018"},
	{rel: runs, derived: true, back: true, need: of(own, taint), gain: act, words: "runs in", hard: moderate, technique: "T1195.001"},
	{rel: calls, derived: true, back: true, need: of(act, own, taint), gain: taint, words: "answers", hard: moderate, technique: "AML.T0051"},
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

// entryOf is an entry of a model registry: nothing runs in it.
func entryOf(a *estate.Asset) bool {
	return a.Type == "AWS::SageMaker::ModelPackage" || a.Type == "AWS::SageMaker::ModelPackageGroup"
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

// set is a class of assets that steps joined things by.
func set(a *estate.Asset) bool { return a.Type == estate.SetType }

// turned is what being allowed to change means having in hand. A job that runs, or
// a model that is made, can be stopped or deleted, which is bad and no way on.
func turned(a *estate.Asset) bool {
	switch a.Type {
	case "AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig", "AWS::Bedrock::CustomModel":
		return false
	case "AWS::Lambda::Function", "AWS::SageMaker::NotebookInstance", "AWS::BedrockAgentCore::Runtime", "AWS::ECS::Service":
		return true
	}
	return a.Kind != estate.KindCompute
}

// entered is what being let in to means being in.
func entered(a *estate.Asset) bool {
	switch a.Type {
	case "AWS::SageMaker::NotebookInstance", "AWS::SageMaker::App", "AWS::SageMaker::UserProfile", "AWS::SageMaker::Space":
		return true
	}
	return false
}

// Techniques lists the techniques that hops of paths bear, for whoever holds them
// against a catalogue.
func Techniques() []string {
	known := map[string]bool{door.technique: true}
	for i := range moves {
		known[moves[i].technique] = true
	}
	delete(known, "")
	return slices.Sorted(maps.Keys(known))
}

// Derived lists the relation types that paths follow and steps derive, for whoever
// holds them against what the steps call them.
func Derived() []estate.RelationType {
	known := map[estate.RelationType]bool{}
	for i := range moves {
		if moves[i].derived {
			known[moves[i].rel] = true
		}
	}
	return slices.Sorted(maps.Keys(known))
}
