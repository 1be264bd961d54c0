package audit

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// followed are the relations along which a fault of another asset is a fault
// of the workload too: what it runs as, is made of, reads, writes, stands in
// and is encrypted, logged and scaled by. Who trusts or is granted something is
// not followed: that is the access step's question.
var followed = []estate.RelationType{
	estate.RunsAs, estate.MemberOf, estate.Attached, estate.Contains, estate.Reads, estate.Writes, estate.Serves,
	estate.Trains, estate.Uses, estate.Loads, estate.EncryptsBy, estate.LogsTo, estate.Triggers,
}

// settings are the types that are one setting for a whole account or region:
// no configuration names them, yet workloads there depend on them. The value is
// the prefix of the types of the assets that do; empty: every workload of the
// account. Nobody who has no Bedrock asset is held back by Bedrock's logging. Of the
// account itself only what should exist in it is one (see identity).
var settings = map[string]string{
	"AWS::Organizations::Account":                       "",
	"AWS::S3::AccountPublicAccessBlock":                 "",
	"AWS::IAM::AccountPasswordPolicy":                   "",
	"AWS::CloudTrail::Trail":                            "",
	"AWS::GuardDuty::Detector":                          "",
	"AWS::Config::ConfigurationRecorder":                "",
	"AWS::EC2::EBSEncryptionByDefault":                  "AWS::E", // EC2, ECS, EKS, EMR: what has volumes
	"AWS::Bedrock::ModelInvocationLoggingConfiguration": "AWS::Bedrock",
	"AWS::Glue::DataCatalogEncryptionSettings":          "AWS::Glue",
	"kubernetes/Cluster":                                "",
}

// setting is one account's or cluster's setting and whom it concerns.
type setting struct {
	node   estate.Node
	prefix string
}

// accountSettings lists the settings of each account or cluster.
func accountSettings(snap *estate.Snapshot) map[string][]setting {
	out := map[string][]setting{}
	for n, a := range snap.Assets() {
		if prefix, ok := settings[a.Type]; ok && a.Account != "" {
			out[a.Account] = append(out[a.Account], setting{n, prefix})
		}
	}
	return out
}

// reached returns the workload's members, what they reach, and the settings of
// the accounts the workload lives in.
func reached(snap *estate.Snapshot, w finding.Workload, byAccount map[string][]setting) *estate.NodeSet {
	var from, set []estate.Node
	types := map[string][]string{} // by account
	for _, id := range w.Members {
		if n, ok := snap.Find(id); ok {
			from = append(from, n)
			a := snap.Asset(n)
			types[a.Account] = append(types[a.Account], a.Type)
		}
	}
	for account, own := range types {
		for _, one := range byAccount[account] {
			if slices.ContainsFunc(own, func(t string) bool { return strings.HasPrefix(t, one.prefix) }) {
				set = append(set, one.node)
			}
		}
	}
	nodes := snap.Reach(from, estate.Filter{Types: followed, Stop: func(_ estate.Node, a *estate.Asset) bool {
		// Another workload's root is judged as itself; a network or a whole
		// cluster holds things that are not the workload's.
		return a.Root != nil && !slices.Contains(w.Roots, a.ID)
	}})
	// What a setting itself stands on (a trail's bucket, a recorder's role) is
	// not the workload's.
	for _, n := range set {
		nodes.Add(n)
	}
	return nodes
}
