package audit

import (
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
// no configuration names them, yet every workload there depends on them.
var settings = map[string]bool{
	"AWS::S3::AccountPublicAccessBlock":                 true,
	"AWS::IAM::AccountPasswordPolicy":                   true,
	"AWS::IAM::AccountSummary":                          true,
	"AWS::Organizations::Account":                       true,
	"AWS::EC2::EBSEncryptionByDefault":                  true,
	"AWS::EC2::EbsEncryptionByDefault":                  true,
	"AWS::Bedrock::ModelInvocationLoggingConfiguration": true,
	"AWS::CloudTrail::Trail":                            true,
	"AWS::GuardDuty::Detector":                          true,
	"AWS::Config::ConfigurationRecorder":                true,
	"AWS::Glue::DataCatalogEncryptionSettings":          true,
	"kubernetes/Cluster":                                true,
}

// accountSettings lists the settings of each account or cluster.
func accountSettings(snap *estate.Snapshot) map[string][]estate.Node {
	out := map[string][]estate.Node{}
	for n, a := range snap.Assets() {
		if settings[a.Type] && a.Account != "" {
			out[a.Account] = append(out[a.Account], n)
		}
	}
	return out
}

// reached returns the workload's members, what they reach, and the settings of
// the accounts the workload lives in.
func reached(snap *estate.Snapshot, w finding.Workload, byAccount map[string][]estate.Node) *estate.NodeSet {
	var from []estate.Node
	accounts := map[string]bool{}
	for _, id := range w.Members {
		if n, ok := snap.Find(id); ok {
			from = append(from, n)
			accounts[snap.Asset(n).Account] = true
		}
	}
	for account := range accounts {
		from = append(from, byAccount[account]...)
	}
	return snap.Reach(from, estate.Filter{Types: followed, Stop: func(_ estate.Node, a *estate.Asset) bool {
		// Another workload's root is judged as itself; a network or a whole
		// cluster holds things that are not the workload's.
		return a.Root != nil && !contains(w.Roots, a.ID)
	}})
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
