package aws

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// resourceTypes say which type an ARN's service and the beginning of its
// resource mean; the longest beginning that fits decides.
var resourceTypes = map[string]map[string]string{
	"iam": {"role/": "AWS::IAM::Role", "user/": "AWS::IAM::User", "group/": "AWS::IAM::Group", "policy/": "AWS::IAM::ManagedPolicy",
		"instance-profile/": "AWS::IAM::InstanceProfile", "oidc-provider/": "AWS::IAM::OIDCProvider", "saml-provider/": "AWS::IAM::SAMLProvider",
		"mfa/": "AWS::IAM::VirtualMFADevice", "root": "AWS::Organizations::Account"},
	"identitystore": {"user/": "AWS::IdentityStore::User", "group/": "AWS::IdentityStore::Group"},
	"sso":           {"permissionSet/": "AWS::SSO::PermissionSet", "instance/": "AWS::SSO::Instance"},
	"organizations": {"ou/": "AWS::Organizations::OrganizationalUnit", "root/": "AWS::Organizations::Root", "policy/": "AWS::Organizations::Policy"},
	"kms":           {"key/": "AWS::KMS::Key", "alias/": "AWS::KMS::Alias"},
	"ec2": {"vpc/": "AWS::EC2::VPC", "subnet/": "AWS::EC2::Subnet", "security-group/": "AWS::EC2::SecurityGroup", "instance/": "AWS::EC2::Instance",
		"network-interface/": "AWS::EC2::NetworkInterface", "volume/": "AWS::EC2::Volume", "snapshot/": "AWS::EC2::Snapshot", "image/": "AWS::EC2::Image",
		"route-table/": "AWS::EC2::RouteTable", "internet-gateway/": "AWS::EC2::InternetGateway", "natgateway/": "AWS::EC2::NatGateway",
		"egress-only-internet-gateway/": "AWS::EC2::EgressOnlyInternetGateway", "vpn-gateway/": "AWS::EC2::VPNGateway", "vpn-connection/": "AWS::EC2::VPNConnection",
		"customer-gateway/": "AWS::EC2::CustomerGateway", "vpc-peering-connection/": "AWS::EC2::VPCPeeringConnection", "vpc-endpoint/": "AWS::EC2::VPCEndpoint",
		"vpc-endpoint-service/": "AWS::EC2::VPCEndpointService", "transit-gateway/": "AWS::EC2::TransitGateway", "transit-gateway-attachment/": "AWS::EC2::TransitGatewayAttachment",
		"transit-gateway-route-table/": "AWS::EC2::TransitGatewayRouteTable", "prefix-list/": "AWS::EC2::PrefixList", "elastic-ip/": "AWS::EC2::EIP",
		"launch-template/": "AWS::EC2::LaunchTemplate", "key-pair/": "AWS::EC2::KeyPair", "network-acl/": "AWS::EC2::NetworkAcl", "dhcp-options/": "AWS::EC2::DHCPOptions"},
	"sagemaker": {"endpoint/": "AWS::SageMaker::Endpoint", "endpoint-config/": "AWS::SageMaker::EndpointConfig", "model/": "AWS::SageMaker::Model",
		"model-package/": "AWS::SageMaker::ModelPackage", "model-package-group/": "AWS::SageMaker::ModelPackageGroup", "training-job/": "AWS::SageMaker::TrainingJob",
		"processing-job/": "AWS::SageMaker::ProcessingJob", "transform-job/": "AWS::SageMaker::TransformJob", "pipeline/": "AWS::SageMaker::Pipeline",
		"hyper-parameter-tuning-job/": "AWS::SageMaker::HyperParameterTuningJob", "automl-job/": "AWS::SageMaker::AutoMLJob", "feature-group/": "AWS::SageMaker::FeatureGroup",
		"domain/": "AWS::SageMaker::Domain", "user-profile/": "AWS::SageMaker::UserProfile", "space/": "AWS::SageMaker::Space", "app/": "AWS::SageMaker::App",
		"notebook-instance/": "AWS::SageMaker::NotebookInstance", "notebook-instance-lifecycle-config/": "AWS::SageMaker::NotebookInstanceLifecycleConfig",
		"studio-lifecycle-config/": "AWS::SageMaker::StudioLifecycleConfig", "code-repository/": "AWS::SageMaker::CodeRepository", "cluster/": "AWS::SageMaker::Cluster",
		"algorithm/": "AWS::SageMaker::Algorithm", "image/": "AWS::SageMaker::Image", "image-version/": "AWS::SageMaker::ImageVersion", "inference-component/": "AWS::SageMaker::InferenceComponent",
		"data-quality-job-definition/": "AWS::SageMaker::DataQualityJobDefinition", "model-quality-job-definition/": "AWS::SageMaker::ModelQualityJobDefinition",
		"model-bias-job-definition/": "AWS::SageMaker::ModelBiasJobDefinition", "model-explainability-job-definition/": "AWS::SageMaker::ModelExplainabilityJobDefinition"},
	"bedrock": {"foundation-model/": "AWS::Bedrock::FoundationModel", "custom-model/": "AWS::Bedrock::CustomModel", "imported-model/": "AWS::Bedrock::ImportedModel",
		"provisioned-model/": "AWS::Bedrock::ProvisionedModelThroughput", "guardrail/": "AWS::Bedrock::Guardrail", "agent/": "AWS::Bedrock::Agent",
		"agent-alias/": "AWS::Bedrock::AgentAlias", "knowledge-base/": "AWS::Bedrock::KnowledgeBase", "flow/": "AWS::Bedrock::Flow", "prompt/": "AWS::Bedrock::Prompt",
		"inference-profile/": "AWS::Bedrock::InferenceProfile", "application-inference-profile/": "AWS::Bedrock::ApplicationInferenceProfile",
		"model-customization-job/": "AWS::Bedrock::ModelCustomizationJob", "model-import-job/": "AWS::Bedrock::ModelImportJob", "custom-model-deployment/": "AWS::Bedrock::CustomModelDeployment"},
	"bedrock-agentcore": {"runtime/": "AWS::BedrockAgentCore::Runtime", "gateway/": "AWS::BedrockAgentCore::Gateway", "memory/": "AWS::BedrockAgentCore::Memory",
		"workload-identity-directory/": "AWS::BedrockAgentCore::WorkloadIdentity"},
	"lambda":  {"function:": "AWS::Lambda::Function", "layer:": "AWS::Lambda::LayerVersion", "event-source-mapping:": "AWS::Lambda::EventSourceMapping"},
	"ecs":     {"cluster/": "AWS::ECS::Cluster", "service/": "AWS::ECS::Service", "task-definition/": "AWS::ECS::TaskDefinition", "task/": "AWS::ECS::Task"},
	"ecr":     {"repository/": "AWS::ECR::Repository"},
	"eks":     {"cluster/": "AWS::EKS::Cluster", "nodegroup/": "AWS::EKS::Nodegroup"},
	"batch":   {"job-definition/": "AWS::Batch::JobDefinition", "job-queue/": "AWS::Batch::JobQueue", "compute-environment/": "AWS::Batch::ComputeEnvironment"},
	"glue":    {"job/": "AWS::Glue::Job", "crawler/": "AWS::Glue::Crawler", "database/": "AWS::Glue::Database", "table/": "AWS::Glue::Table", "connection/": "AWS::Glue::Connection", "security-configuration/": "AWS::Glue::SecurityConfiguration", "trigger/": "AWS::Glue::Trigger", "workflow/": "AWS::Glue::Workflow"},
	"rds":     {"db:": "AWS::RDS::DBInstance", "cluster:": "AWS::RDS::DBCluster"},
	"aoss":    {"collection/": "AWS::OpenSearchServerless::Collection"},
	"es":      {"domain/": "AWS::OpenSearchService::Domain"},
	"states":  {"stateMachine:": "AWS::StepFunctions::StateMachine", "activity:": "AWS::StepFunctions::Activity"},
	"logs":    {"log-group:": "AWS::Logs::LogGroup"},
	"events":  {"event-bus/": "AWS::Events::EventBus", "rule/": "AWS::Events::Rule"},
	"kinesis": {"stream/": "AWS::Kinesis::Stream"}, "firehose": {"deliverystream/": "AWS::KinesisFirehose::DeliveryStream"},
	"s3vectors": {"bucket/": "AWS::S3Vectors::VectorBucket"}, "secretsmanager": {"secret:": "AWS::SecretsManager::Secret"},
	"ssm": {"parameter/": "AWS::SSM::Parameter"}, "dynamodb": {"table/": "AWS::DynamoDB::Table"}, "redshift": {"cluster:": "AWS::Redshift::Cluster"},
	"elasticfilesystem": {"file-system/": "AWS::EFS::FileSystem", "access-point/": "AWS::EFS::AccessPoint"}, "fsx": {"file-system/": "AWS::FSx::FileSystem"},
	"elasticmapreduce": {"cluster/": "AWS::EMR::Cluster"}, "kendra": {"index/": "AWS::Kendra::Index"}, "sqs": {"": "AWS::SQS::Queue"}, "sns": {"": "AWS::SNS::Topic"},
	"elasticloadbalancing": {"loadbalancer/": "AWS::ElasticLoadBalancingV2::LoadBalancer", "targetgroup/": "AWS::ElasticLoadBalancingV2::TargetGroup", "listener/": "AWS::ElasticLoadBalancingV2::Listener"},
	"acm":                  {"certificate/": "AWS::CertificateManager::Certificate"}, "s3": {"": "AWS::S3::Bucket"},
}

// Guess tells type and kind of an asset of which only the id is known, as the
// end of a relation that no source sent is. Parts and ids of other forms than
// ARNs are not guessed.
func Guess(id string) (typ string, kind estate.Kind, ok bool) {
	a, isARN := ParseARN(id)
	if !isARN || strings.Contains(a.Resource, "#") {
		return "", estate.KindUnknown, false
	}
	best := -1
	for prefix, t := range resourceTypes[a.Service] {
		if strings.HasPrefix(a.Resource, prefix) && len(prefix) > best {
			typ, best = t, len(prefix)
		}
	}
	if a.Service == "s3" && (a.Account != "" || strings.Contains(a.Resource, "/")) {
		return "", estate.KindUnknown, false
	}
	if a.Service == "s3vectors" && strings.Contains(a.Resource, "/index/") {
		typ = "AWS::S3Vectors::Index"
	}
	return typ, KindOf(typ), typ != ""
}
