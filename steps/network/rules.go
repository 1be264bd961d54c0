package network

import "github.com/sevenfold-sec/sevenfold/finding"

// The controls of this step: no expression over one asset decides them.
const (
	Unzoned  = "network-component-unzoned"
	Crossed  = "network-training-production-path"
	Shared   = "network-store-shared"
	Mixed    = "network-addresses-shared"
	Strayed  = "network-pipeline-egress"
	Exposed  = "network-internet-exposure"
	Intended = "network-intent-violated"
	Open     = "network-ai-service-open"
)

// Rules lists the findings that this step gives, whatever the estate.
func Rules() []finding.Rule {
	return []finding.Rule{
		{ID: Unzoned, Step: "network", Title: "A component stands in no zone", Asks: "is each thing that stands in a network in exactly one zone?", Severity: finding.Medium,
			Why: "Rules between zones bind only what is in one. A component that nobody placed is how training and production grow together while every rule holds.",
			Fix: "Say in sevenfold.yaml which zone it is in (zones: …: match), or tag it as the zone's match asks.", InvalidFor: []string{"what carries traffic for others: endpoints, gateways, interfaces of something else"}},
		{ID: Crossed, Step: "network", Title: "A connection can be opened between training and production", Asks: "can anything in training open a connection to production or serving, or the other way round?", Severity: finding.High,
			Why: "Training runs code and data that nobody has vetted yet: packages, notebooks, other people's models. Where it can open a connection to production, whoever gets into a job is a step from the customers; the other way round production's data ends in models.",
			Fix: "Take away the rule that is cheapest to miss (below); hand models over by a registry or bucket that is declared as a channel instead.", InvalidFor: []string{"what is reached through an API of the provider's: identity and policy decide there, in the access step"}},
		{ID: Shared, Step: "network", Title: "Training and production share a store", Asks: "is each store that one zone writes and the other reads declared as a channel, in that direction?", Severity: finding.High,
			Why: "A bucket or queue that training writes and production reads is a path as good as a socket: a poisoned artefact goes the same way as a good one.",
			Fix: "Declare it in sevenfold.yaml (network: channels: - {via: ID, from: training, to: serving}) if it is meant and examined, or separate the stores."},
		{ID: Mixed, Step: "network", Title: "Serving and development share a range of addresses", Asks: "are serving's addresses apart from development's?", Severity: finding.Medium,
			Why: "Rules that name addresses cannot tell two zones apart that live in one range, and ranges that contain one another cannot be joined later without renumbering.",
			Fix: "Give development networks of its own: another VPC or subnet whose range serving does not use; in a cluster, node groups and pod ranges of their own."},
		{ID: Strayed, Step: "network", Title: "A data pipeline reaches more than it declares", Asks: "does each pipeline reach only the stores and services it declares?", Severity: finding.High,
			Why: "What a pipeline reaches is where its data can go. One that may call any host is how a training set leaves.",
			Fix: "Put it into subnets without a route to the internet, with endpoints for the services it uses, and groups that name what it reaches; or declare what it is meant to reach (network: intents: - {rule: allowed, …})."},
		{ID: Exposed, Step: "network", Title: "A host of the internet can open a connection to it", Asks: "can the internet open a connection to it that nobody meant?", Severity: finding.High,
			Why:    "Inference servers, dashboards and notebooks are built for trusted networks. What the internet can reach is found within hours.",
			Fix:    "Make the load balancer internal or narrow the rule below to those who need it; if it is meant, say so (network: intents: - {rule: allowed, from: internet, to: …, ports: […]}).",
			Attack: finding.Attack{Entry: "internet", Gives: "meeting"}},
		{ID: Open, Step: "network", Title: "An AI service that asks nobody who he is can be reached", Asks: "does each AI service that something beyond its own zone can reach make callers prove who they are?", Severity: finding.Critical,
			Why: "Dashboards, notebooks, inference servers and vector stores run what they are told. Without authentication whoever can open a connection owns the models, the data, and often the machine.",
			Fix: "Switch its authentication on (see the source), and let only those reach it who need it: sevenfold network recommend writes the rules.", InvalidFor: []string{"what listens on loopback only"},
			Attack: finding.Attack{Door: true}},
		{ID: Intended, Step: "network", Title: "An intent of sevenfold.yaml is violated", Asks: "does the network keep every intent that sevenfold.yaml states?", Severity: finding.High,
			Why: "Somebody wrote down that this must not be possible.",
			Fix: "Take away the rule that lets it pass (below), or change the intent."},
	}
}

func ruleOf(id string) finding.Rule {
	for _, r := range Rules() {
		if r.ID == id {
			return r
		}
	}
	return finding.Rule{ID: id}
}
