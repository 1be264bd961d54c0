package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// workloadTypes are AWS types that are an AI workload's root, or that one
// stands on, beside those that controls ask about: where nobody listed them,
// nobody can say what there is.
var workloadTypes = []string{
	"AWS::EC2::Subnet", "AWS::EC2::VPC", "AWS::EKS::Cluster", "AWS::ECS::TaskDefinition", "AWS::Batch::JobDefinition",
	"AWS::SageMaker::AutoMLJob", "AWS::SageMaker::Cluster", "AWS::SageMaker::Endpoint", "AWS::SageMaker::HyperParameterTuningJob",
	"AWS::SageMaker::Pipeline", "AWS::SageMaker::TransformJob", "AWS::Bedrock::Flow", "AWS::Bedrock::KnowledgeBase",
	"AWS::Bedrock::ModelCustomizationJob", "AWS::Bedrock::ProvisionedModelThroughput",
}

// singles are types of which an account's region has one, that no list holds:
// to have read it is to have them all. Those that concern workloads stand in
// settings.
var singles = map[string]bool{
	"AWS::BedrockAgentCore::TokenVault": true, "AWS::ECR::RegistryPolicy": true, "AWS::ECR::ReplicationConfiguration": true,
	"AWS::EMR::BlockPublicAccessConfiguration": true,
}

// parts are types that are listed below an asset of another type, or that come
// with every account: where there is none of those, nobody lists these.
var parts = map[string]bool{
	"AWS::IAM::AccessKey": true, "AWS::Organizations::Account": true, "AWS::Bedrock::DataSource": true,
}

// clusterTypes are the kinds without whose listing nobody can say what runs in
// a cluster and with which rights.
var clusterTypes = []string{
	"v1/Namespace", "v1/Pod", "v1/Service", "v1/ServiceAccount", "apps/v1/Deployment", "apps/v1/StatefulSet", "apps/v1/DaemonSet",
	"batch/v1/Job", "batch/v1/CronJob", "networking.k8s.io/v1/NetworkPolicy", "networking.k8s.io/v1/Ingress",
	"rbac.authorization.k8s.io/v1/Role", "rbac.authorization.k8s.io/v1/RoleBinding",
	"rbac.authorization.k8s.io/v1/ClusterRole", "rbac.authorization.k8s.io/v1/ClusterRoleBinding",
}

// essentialTypes are the AWS types that every account read must have listed:
// whatever a control asks about, and whatever is a workload.
func essentialTypes(controls *control.Set) []string {
	set := map[string]bool{}
	for _, t := range workloadTypes {
		set[t] = true
	}
	for _, c := range controls.Controls() {
		for _, t := range c.Types {
			if strings.HasPrefix(t, "AWS::") && !parts[t] {
				set[t] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// territory is an account in one region, or a cluster.
type territory struct {
	cloud           estate.Cloud
	account, region string
}

// territories are where assets were read: an AWS account in each region in
// which something of it was read or listed, and each cluster.
func territories(snap *estate.Snapshot) []territory {
	set := map[territory]bool{}
	accounts := map[string]bool{}
	for _, a := range snap.Assets() {
		switch {
		// What belongs to others (their policies, their images) is named, not read.
		case a.Referenced || len(a.Reads) == 0 || a.Account == "":
		case a.Cloud == estate.Kubernetes:
			set[territory{a.Cloud, a.Account, ""}] = true
		case a.Cloud == estate.AWS:
			accounts[a.Account] = true
			if a.Region != "" {
				set[territory{a.Cloud, a.Account, a.Region}] = true
			}
		}
	}
	for _, c := range snap.Coverage() {
		if accounts[c.Account] && c.Region != "" {
			set[territory{estate.AWS, c.Account, c.Region}] = true
		}
	}
	for account := range accounts { // nothing regional was seen at all
		if !slices.ContainsFunc(slices.Collect(maps.Keys(set)), func(t territory) bool { return t.account == account }) {
			set[territory{estate.AWS, account, ""}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(set), func(a, b territory) int {
		return strings.Compare(a.account+" "+a.region, b.account+" "+b.region)
	})
}

// unlisted returns what no source listed to the end: types by account and
// region, and kinds by cluster; and the claim of what was. A type of which a
// stated bound left old items out counts as listed: the bound is said.
func unlisted(snap *estate.Snapshot, asked []string) ([]Unlisted, finding.Claim) {
	seen := map[estate.Coverage]bool{} // bounded lists, and settings that were read
	for _, a := range snap.Assets() {
		if _, setting := settings[a.Type]; (setting || singles[a.Type]) && rootRead(a) {
			seen[estate.Coverage{Type: a.Type, Account: a.Account, Region: a.Region}] = true
		}
	}
	for _, b := range snap.BlindSpots() {
		if b.Status == estate.ReadSkipped {
			for _, t := range b.Types {
				seen[estate.Coverage{Type: t, Account: b.Account, Region: b.Region}] = true
			}
		}
	}
	claim := finding.Claim{Claim: "types listed to the end, over all accounts, regions and clusters", Source: "coverage of the sources"}
	var missing []Unlisted
	for _, at := range territories(snap) {
		types := asked
		if at.cloud == estate.Kubernetes {
			types = clusterTypes
		}
		never := Unlisted{Account: at.account, Region: at.region}
		for _, t := range types {
			claim.Of++
			if snap.Covered(t, at.account, at.region) || seen[estate.Coverage{Type: t, Account: at.account, Region: at.region}] ||
				seen[estate.Coverage{Type: t, Account: at.account}] {
				claim.Examined++
				continue
			}
			never.Types = append(never.Types, t)
		}
		if len(never.Types) > 0 {
			missing = append(missing, never)
		}
	}
	return missing, claim
}

// Unlisted is what no source listed to its end in one place: types of one region
// of an account, or kinds of one cluster.
type Unlisted struct {
	// Account is an account or a cluster; Region is empty in a cluster.
	Account, Region string
	Types           []string
}

// String names the first few types, and the place.
func (u Unlisted) String() string {
	text := strings.Join(u.Types[:min(3, len(u.Types))], ", ")
	if n := len(u.Types) - 3; n > 0 {
		text += fmt.Sprintf(" and %d more types", n)
	}
	return strings.TrimSpace(text + " in " + strings.TrimSpace(u.Account+" "+u.Region))
}

// Unread is what audit.inventory and audit.deviations are unknown for beside blind
// spots and findings: what nobody listed, and the ids of the assets that
// workloads reach and that are known by name only, in order.
type Unread struct {
	Unlisted  []Unlisted
	NamedOnly []string
}

// Unread returns what no source read of what the criteria hang on.
func (s *Step) Unread(snap *estate.Snapshot, workloads *scope.Workloads) Unread {
	var out Unread
	out.Unlisted, _ = unlisted(snap, essentialTypes(s.controls))
	dark, byAccount := s.unread(snap), accountSettings(snap)
	named := map[string]bool{}
	for _, w := range workloads.List {
		for n := range reached(snap, w, byAccount).All() {
			if dark.Has(n) {
				named[snap.Asset(n).ID] = true
			}
		}
	}
	out.NamedOnly = slices.Sorted(maps.Keys(named))
	return out
}

// rootRead reports whether the reply that makes up an asset was read, be it
// that the provider said there is none.
func rootRead(a *estate.Asset) bool {
	return slices.ContainsFunc(a.Reads, func(r estate.Read) bool { return r.Key == "" && r.Status.Known() })
}
