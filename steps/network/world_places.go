package network

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// unplaced are the types that name subnets and have no interface of their own in
// them: what is made from them has.
var unplaced = map[string]bool{
	"AWS::EC2::Subnet": true, "AWS::EC2::VPC": true, "AWS::EC2::SecurityGroup": true, "AWS::EC2::RouteTable": true, "AWS::EC2::NetworkAcl": true, "AWS::EC2::NetworkInterface": true,
	"AWS::EC2::LaunchTemplate": true, "AWS::AutoScaling::AutoScalingGroup": true, "AWS::AutoScaling::LaunchConfiguration": true, "AWS::RDS::DBSubnetGroup": true,
	"AWS::EC2::TransitGatewayVpcAttachment": true, "AWS::EC2::NatGateway": true, "AWS::SageMaker::EndpointConfig": true, "AWS::Batch::JobQueue": true,
}

// managed are the types that run code in a network of the provider's own unless
// they are put into subnets, and the member that says so where there is one.
var managed = map[string]bool{
	"AWS::SageMaker::TrainingJob": true, "AWS::SageMaker::ProcessingJob": true, "AWS::SageMaker::Model": true, "AWS::SageMaker::NotebookInstance": true,
	"AWS::SageMaker::Domain": true, "AWS::SageMaker::Cluster": true, "AWS::SageMaker::AutoMLJob": true, "AWS::SageMaker::AutoMLJobV2": true, "AWS::SageMaker::HyperParameterTuningJob": true,
	"AWS::Lambda::Function": true, "AWS::Glue::Job": true, "AWS::Glue::DevEndpoint": true, "AWS::CodeBuild::Project": true, "AWS::SageMaker::DataQualityJobDefinition": true,
	"AWS::SageMaker::ModelQualityJobDefinition": true, "AWS::SageMaker::ModelBiasJobDefinition": true, "AWS::SageMaker::ModelExplainabilityJobDefinition": true,
	"AWS::SageMaker::CompilationJob": true, "AWS::BedrockAgentCore::Runtime": true, "AWS::BedrockAgentCore::CodeInterpreterCustom": true, "AWS::BedrockAgentCore::BrowserCustom": true,
	"AWS::EMRServerless::Application": true, "AWS::AppRunner::Service": true,
}

// inVPCs are types that stand in a VPC's subnets wherever they are put: where none is
// known, they are in one that is not known.
var inVPCs = map[string]bool{
	"AWS::EC2::Instance": true, "AWS::RDS::DBInstance": true, "AWS::RDS::DBCluster": true, "AWS::ElasticLoadBalancingV2::LoadBalancer": true, "AWS::ElasticLoadBalancing::LoadBalancer": true,
	"AWS::ElastiCache::CacheCluster": true, "AWS::Redshift::Cluster": true, "AWS::FSx::FileSystem": true, "AWS::MSK::Cluster": true, "AWS::EMR::Cluster": true,
	"AWS::DocDB::DBCluster": true, "AWS::Neptune::DBCluster": true, "AWS::EFS::MountTarget": true,
}

// served are the types that are reached through an API of the provider's and have
// no address of their own, and the service's name in com.amazonaws.REGION.NAME.
// https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
var served = map[string]string{
	"AWS::S3::Bucket": "s3", "AWS::DynamoDB::Table": "dynamodb", "AWS::SageMaker::Endpoint": "sagemaker.runtime", "AWS::SageMaker::FeatureGroup": "sagemaker.featurestore-runtime",
	"AWS::SQS::Queue": "sqs", "AWS::SNS::Topic": "sns", "AWS::Kinesis::Stream": "kinesis-streams", "AWS::KinesisFirehose::DeliveryStream": "kinesis-firehose",
	"AWS::ECR::Repository": "ecr.dkr", "AWS::SecretsManager::Secret": "secretsmanager", "AWS::KMS::Key": "kms", "AWS::Bedrock::Agent": "bedrock-agent-runtime",
	"AWS::Bedrock::KnowledgeBase": "bedrock-agent-runtime", "AWS::Lambda::Function": "lambda", "AWS::S3Vectors::VectorBucket": "s3vectors", "AWS::Glue::Table": "glue", "AWS::Glue::Database": "glue",
	"AWS::OpenSearchServerless::Collection": "aoss", "AWS::Bedrock::ProvisionedModelThroughput": "bedrock-runtime", "AWS::Bedrock::CustomModel": "bedrock-runtime",
}

// place finds where each thing of AWS stands.
func (w *World) place() {
	w.edges = w.cutEdges()
	subnets := w.subnets
	for n, a := range w.snap.Assets() {
		if a.Cloud != estate.AWS && !unborn(a.ID) || a.Type == estate.SetType || estate.IsRecord(a.Type) {
			continue
		}
		if a.Type == "AWS::EC2::NetworkInterface" {
			w.placeInterface(n, subnets)
			continue
		}
		if unplaced[a.Type] {
			continue
		}
		if s := w.stand(n, a, subnets); s != nil {
			w.places[n] = s
			if balancing[a.Type] {
				w.readBalancer(n, a, s)
			}
			if a.Type == proxyType {
				w.readProxy(a, s)
			}
		}
	}
}

// placeInterface settles an interface; one that has no address yet will have any
// of its subnet.
func (w *World) placeInterface(n estate.Node, subnets map[string]*aws.Subnet) {
	f := w.ifaces[w.interfaceOf(n)]
	if f == nil {
		return
	}
	s := &standing{spots: [][]string{{f.ID}}, why: "it is an interface in subnet " + f.Subnet}
	if len(f.Addresses) == 0 {
		s.spots[0] = w.pieces(subnets[f.Subnet], f.Subnet, f.Groups, f.GroupsUnread, false)
	}
	w.places[n] = s
}

// stand finds where one thing stands: nil if it has nothing to do with networks.
func (w *World) stand(n estate.Node, a *estate.Asset, subnets map[string]*aws.Subnet) *standing {
	s := &standing{service: served[a.Type]}
	var read, inSubnets, groups []string
	for e := range w.snap.Out(n) {
		to := w.snap.Asset(e.Node)
		switch {
		case e.Type == estate.Contains && to.Type == "AWS::EC2::NetworkInterface":
			if f := w.interfaceOf(e.Node); f != "" {
				read = append(read, f)
			}
		case e.Type == estate.MemberOf && to.Type == "AWS::EC2::Subnet":
			inSubnets = append(inSubnets, shortID(to))
		case e.Type == estate.Attached && to.Type == "AWS::EC2::SecurityGroup":
			groups = append(groups, shortID(to))
		}
	}
	config, err := w.snap.Config(n)
	if err != nil {
		w.problem("%s: %v", a.ID, err)
		return nil
	}
	var set settings
	if len(config) > 0 {
		_ = json.Unmarshal(config, &set) // a member of another shape is not the one meant
	}
	if set.EnableNetworkIsolation || set.NetworkConfig.EnableNetworkIsolation {
		s.isolated, s.why = true, "network isolation is on: its containers can neither call nor be called"
		return s
	}
	switch {
	case len(read) > 0:
		slices.Sort(read)
		for _, f := range slices.Compact(read) {
			s.spots = append(s.spots, []string{f})
		}
		s.why = "its interfaces were read"
	case len(inSubnets) > 0:
		slices.Sort(inSubnets)
		slices.Sort(groups)
		inSubnets, groups = slices.Compact(inSubnets), slices.Compact(groups)
		unread := len(groups) == 0
		for _, id := range inSubnets {
			public := set.public() || set.launched(a) && w.givesPublic[id]
			at := w.pieces(subnets[id], id, groups, unread, public)
			if !public && w.perhapsPublic(a, &set, id, groups) {
				at = append(slices.Clip(at), w.pieces(subnets[id], id, groups, unread, true)...)
			}
			s.spots = append(s.spots, at)
		}
		s.why = fmt.Sprintf("it is put into %s with %s", strings.Join(inSubnets, ", "), firstOf(strings.Join(groups, ", "), "security groups that were not read"))
	}
	if len(s.spots) == 0 && managed[a.Type] && !a.Referenced && !unborn(a.ID) && listedOnly(a.Type, config) {
		s.spots = [][]string{w.pieces(nil, "a subnet that was not read", nil, true, false)}
		s.why = "it was listed and not described, so that nobody knows into which subnets it is put"
	}
	if len(s.spots) == 0 && managed[a.Type] && (openAt(a, "VpcConfig") || openAt(a, "NetworkConfig/VpcConfig") || openAt(a, "SubnetId")) {
		s.spots = [][]string{w.pieces(nil, "a subnet not known yet", nil, true, false)}
		s.why = "into which subnets it is put is not known yet"
	}
	if a.Type == "AWS::AppRunner::Service" && !set.NetworkConfiguration.private() {
		s.spots = append(s.spots, w.pieces(nil, "the public network of App Runner", nil, true, true))
		s.why = "App Runner serves it at a public address, which is followed no further"
	}
	if len(s.spots) == 0 && inVPCs[a.Type] && unborn(a.ID) {
		s.spots = [][]string{w.pieces(nil, "a subnet that its source does not tell", nil, true, set.public())}
		s.why = "its source does not tell into which subnets it is put: none is named that was read, or the default ones are meant"
	}
	if len(s.spots) == 0 && managed[a.Type] && !a.Referenced || len(s.spots) > 0 && (set.DirectInternetAccess == "Enabled" || set.AppNetworkAccessType == "PublicInternetOnly") {
		s.outside = true
		s.why = firstOf(s.why, "it runs in a network of the provider's, from which the internet can be called and into which nobody can call")
	}
	if len(s.spots) == 0 && !s.outside && s.service == "" {
		return nil
	}
	if s.service != "" {
		s.why = strings.TrimPrefix(s.why+"; it is reached through com.amazonaws."+firstOf(a.Region, "REGION")+"."+s.service, "; ")
	}
	return s
}

// described are members of which one at least is in the description of a thing, and
// none in the list of all: without it, that no subnet is named means nothing.
var described = map[string][]string{
	"AWS::SageMaker::TrainingJob":      {"RoleArn", "AlgorithmSpecification", "ResourceConfig", "EnableNetworkIsolation", "VpcConfig"},
	"AWS::SageMaker::ProcessingJob":    {"RoleArn", "AppSpecification", "ProcessingResources", "NetworkConfig"},
	"AWS::SageMaker::Model":            {"ExecutionRoleArn", "EnableNetworkIsolation", "PrimaryContainer", "Containers", "VpcConfig"},
	"AWS::SageMaker::NotebookInstance": {"RoleArn", "DirectInternetAccess", "RootAccess", "SubnetId"},
	"AWS::SageMaker::Domain":           {"DefaultUserSettings", "AppNetworkAccessType", "AuthMode", "VpcId"},
	"AWS::SageMaker::Cluster":          {"InstanceGroups", "VpcConfig"},
	"AWS::SageMaker::AutoMLJob":        {"RoleArn"}, "AWS::SageMaker::AutoMLJobV2": {"RoleArn"},
	"AWS::SageMaker::HyperParameterTuningJob":  {"TrainingJobDefinition", "TrainingJobDefinitions", "HyperParameterTuningJobConfig"},
	"AWS::SageMaker::DataQualityJobDefinition": {"RoleArn"}, "AWS::SageMaker::ModelQualityJobDefinition": {"RoleArn"}, "AWS::SageMaker::ModelBiasJobDefinition": {"RoleArn"},
	"AWS::SageMaker::ModelExplainabilityJobDefinition": {"RoleArn"}, "AWS::SageMaker::CompilationJob": {"RoleArn"},
	"AWS::BedrockAgentCore::Runtime": {"networkConfiguration", "NetworkConfiguration"}, "AWS::BedrockAgentCore::CodeInterpreterCustom": {"networkConfiguration", "NetworkConfiguration"},
	"AWS::BedrockAgentCore::BrowserCustom": {"networkConfiguration", "NetworkConfiguration"},
}

// listedOnly reports whether a thing was found in a list and not described.
func listedOnly(typ string, config json.RawMessage) bool {
	members := described[typ]
	if members == nil {
		return false
	}
	var have map[string]json.RawMessage
	_ = json.Unmarshal(config, &have) // no object has no member
	return !slices.ContainsFunc(members, func(m string) bool { return have[m] != nil })
}

// settings are the members that decide where a thing stands, of all types.
type settings struct {
	EnableNetworkIsolation bool
	NetworkConfig          struct{ EnableNetworkIsolation bool }
	DirectInternetAccess   string
	AppNetworkAccessType   string
	PubliclyAccessible     *bool
	AssociatePublicIp      *bool  `json:"AssociatePublicIpAddress"`
	PublicIpAddress        string // of an instance whose interfaces were not read
	NetworkInterfaces      []struct{ Association *struct{ PublicIp string } }
	NetworkConfiguration   networkConfiguration
}

// networkConfiguration is that of ECS's services and of App Runner's.
type networkConfiguration struct {
	AwsvpcConfiguration  struct{ AssignPublicIp string }
	IngressConfiguration struct{ IsPubliclyAccessible *bool }
}

// private reports whether a service of App Runner is reached by its VPC's endpoints alone.
func (c networkConfiguration) private() bool {
	return c.IngressConfiguration.IsPubliclyAccessible != nil && !*c.IngressConfiguration.IsPubliclyAccessible
}

// launched reports whether a thing is an instance to be made that does not say whether it
// gets a public address: its subnet does.
func (s settings) launched(a *estate.Asset) bool {
	return a.Type == "AWS::EC2::Instance" && unborn(a.ID) && s.AssociatePublicIp == nil
}

// perhapsPublic reports whether a thing that does not say itself whether it has a public
// address may have one: its interfaces were not all listed, or one of the provider's that
// may be its has.
func (w *World) perhapsPublic(a *estate.Asset, s *settings, subnet string, groups []string) bool {
	if unborn(a.ID) || a.Type == "AWS::EC2::Instance" || s.PubliclyAccessible != nil || s.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp != "" {
		return false
	}
	if !w.snap.Covered("AWS::EC2::NetworkInterface", a.Account, a.Region) {
		return true
	}
	if w.publicCells == nil {
		w.publicCells = map[string]bool{}
		for _, f := range w.ifaces {
			if f.managed && slices.ContainsFunc(f.Addresses, func(at aws.Address) bool { return at.Public.IsValid() }) {
				w.publicCells[cellKey(f.Subnet, slices.Sorted(slices.Values(f.Groups)))] = true
			}
		}
	}
	return w.publicCells[cellKey(subnet, groups)]
}

func (s settings) public() bool {
	for _, f := range s.NetworkInterfaces {
		if f.Association != nil && f.Association.PublicIp != "" {
			return true
		}
	}
	return s.PubliclyAccessible != nil && *s.PubliclyAccessible || s.AssociatePublicIp != nil && *s.AssociatePublicIp || s.PublicIpAddress != "" ||
		strings.EqualFold(s.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp, "ENABLED")
}

// shortID is the id by which the members of others name an asset of EC2.
func shortID(a *estate.Asset) string {
	if unborn(a.ID) {
		return a.ID
	}
	return a.ID[strings.LastIndexByte(a.ID, '/')+1:]
}

// interfaceOf is the model's interface of an asset, "" if it was not read.
func (w *World) interfaceOf(n estate.Node) string {
	id := shortID(w.snap.Asset(n))
	if w.ifaces[id] != nil {
		return id
	}
	return ""
}

// mostPieces bounds into how many pieces a subnet is taken apart; beyond that
// what a thing's security groups let through is not known.
const mostPieces = 64

// pieces are the interfaces that stand for a thing whose subnet is known and whose
// address is not: one for each piece of the subnet that some rule tells apart. All
// things with the same subnet and groups share them.
func (w *World) pieces(sub *aws.Subnet, id string, groups []string, unread, public bool) []string {
	key := cellKey(id, groups)
	if public {
		key += ", public"
	}
	if known, ok := w.cells[key]; ok {
		return known
	}
	var at []netip.Addr
	if sub != nil {
		for _, c := range sub.CIDRs {
			first := netip.PrefixFrom(c.Addr(), c.Bits()).Masked().Addr()
			at = append(at, first)
			i, _ := slices.BinarySearchFunc(w.edges, first, netip.Addr.Compare)
			for ; i < len(w.edges) && c.Contains(w.edges[i]); i++ {
				if w.edges[i] != first {
					at = append(at, w.edges[i])
				}
			}
		}
	}
	if len(at) > mostPieces {
		at, unread = at[:1], true
	}
	if len(at) == 0 {
		at = []netip.Addr{netip.IPv4Unspecified()}
	}
	var out []string
	for _, one := range at {
		f := aws.Interface{ID: "any address in " + key, Subnet: id, Groups: groups, GroupsUnread: unread, Addresses: []aws.Address{{Private: one}}}
		if len(at) > 1 {
			f.ID = fmt.Sprintf("%s from %s", f.ID, one)
		}
		if public && one.Is4() {
			f.Addresses[0].Public = someHost
		}
		w.model.Interfaces = append(w.model.Interfaces, f)
		w.ifaces[f.ID] = &iface{Interface: &f, owner: -1, node: -1}
		out = append(out, f.ID)
		// Two things that share a place are not one: the second of them stands beside it.
		beside := f
		beside.ID = twin(f.ID)
		w.model.Interfaces = append(w.model.Interfaces, beside)
		w.ifaces[beside.ID] = &iface{Interface: &beside, owner: -1, node: -1}
	}
	w.cells[key] = out
	return out
}

// twin names the place beside one that was made up, for another thing of the same subnet
// and groups.
func twin(id string) string { return "another of " + id }

// apart are the points of two spots; of two things that share a made-up place the second
// stands beside it.
func (w *World) apart(f, t spot, p, q point) (point, point) {
	if p == q && p.iface != "" && f.asset != t.asset {
		if beside := twin(p.iface); w.ifaces[beside] != nil {
			q.iface = beside
		}
	}
	return p, q
}

// cellKey names the place of a thing whose subnet and groups are known.
func cellKey(subnet string, groups []string) string {
	return fmt.Sprintf("%s with %s", subnet, firstOf(strings.Join(groups, "+"), "groups not read"))
}

// someHost stands for a public address that is not known yet (RFC 5737: no host
// has it).
var someHost = netip.MustParseAddr("203.0.113.254")

// cutEdges are the addresses at which some rule, route or list begins or has just
// ended, sorted.
func (w *World) cutEdges() []netip.Addr {
	var out []netip.Addr
	cut := func(p netip.Prefix) {
		if !p.IsValid() {
			return
		}
		out = append(out, p.Masked().Addr())
		if last := lastOf(p); last.Next().IsValid() {
			out = append(out, last.Next())
		}
	}
	w.eachPrefix(cut)
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// eachPrefix calls fn for every prefix that a rule, route or list of the model names.
func (w *World) eachPrefix(fn func(netip.Prefix)) {
	for _, v := range w.model.VPCs {
		for _, c := range v.CIDRs {
			fn(c)
		}
	}
	for _, g := range w.model.SecurityGroups {
		for _, list := range [][]aws.Permission{g.Ingress, g.Egress} {
			for _, p := range list {
				for _, c := range p.CIDRs {
					fn(c)
				}
			}
		}
	}
	for _, a := range w.model.NetworkACLs {
		for _, e := range a.Entries {
			fn(e.CIDR)
		}
	}
	for _, t := range w.model.RouteTables {
		for _, r := range t.Routes {
			fn(r.CIDR)
		}
	}
	for _, t := range w.model.TransitTables {
		for _, r := range t.Routes {
			fn(r.CIDR)
		}
	}
	for _, l := range w.model.PrefixLists {
		for _, c := range l.CIDRs {
			fn(c)
		}
	}
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
