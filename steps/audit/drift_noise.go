package audit

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// Places are written as in estate.ScaleRule. "*" stands for every type.

// byItself are the places, a type a line, that change by themselves beyond what
// the providers' rules of scale leave out (provider/*/scale*.go): counters, last
// uses, the times a report was made.
const byItself = `
AWS::IAM::AccountSummary: AccessKeysPerUserQuota AccountMFAEnabledQuota AssumeRolePolicySizeQuota AttachedPoliciesPerGroupQuota AttachedPoliciesPerRoleQuota AttachedPoliciesPerUserQuota GlobalEndpointTokenVersion GroupPolicySizeQuota Groups GroupsPerUserQuota GroupsQuota InstanceProfiles InstanceProfilesQuota MFADevices MFADevicesInUse Policies PoliciesQuota PolicySizeQuota PolicyVersionsInUse PolicyVersionsInUseQuota Providers RolePolicySizeQuota Roles RolesQuota ServerCertificates ServerCertificatesQuota SigningCertificatesPerUserQuota UserPolicySizeQuota Users UsersQuota VersionsPerPolicyQuota
AWS::Organizations::Account: GetAccountSummary.Groups GetAccountSummary.InstanceProfiles GetAccountSummary.MFADevices GetAccountSummary.MFADevicesInUse GetAccountSummary.Policies GetAccountSummary.PolicyVersionsInUse GetAccountSummary.Providers GetAccountSummary.Roles GetAccountSummary.ServerCertificates GetAccountSummary.Users GetAccountSummary.SummaryMap.Groups GetAccountSummary.SummaryMap.InstanceProfiles GetAccountSummary.SummaryMap.MFADevices GetAccountSummary.SummaryMap.MFADevicesInUse GetAccountSummary.SummaryMap.Policies GetAccountSummary.SummaryMap.PolicyVersionsInUse GetAccountSummary.SummaryMap.Providers GetAccountSummary.SummaryMap.Roles GetAccountSummary.SummaryMap.ServerCertificates GetAccountSummary.SummaryMap.Users GetCredentialReport.password_last_used GetCredentialReport.access_key_1_last_used_date GetCredentialReport.access_key_1_last_used_region GetCredentialReport.access_key_1_last_used_service GetCredentialReport.access_key_2_last_used_date GetCredentialReport.access_key_2_last_used_region GetCredentialReport.access_key_2_last_used_service
AWS::IAM::AccountSummary: SummaryMap.Groups SummaryMap.InstanceProfiles SummaryMap.MFADevices SummaryMap.MFADevicesInUse SummaryMap.Policies SummaryMap.PolicyVersionsInUse SummaryMap.Providers SummaryMap.Roles SummaryMap.ServerCertificates SummaryMap.Users
AWS::IAM::User: GetCredentialReport.password_last_used GetCredentialReport.access_key_1_last_used_date GetCredentialReport.access_key_1_last_used_region GetCredentialReport.access_key_1_last_used_service GetCredentialReport.access_key_2_last_used_date GetCredentialReport.access_key_2_last_used_region GetCredentialReport.access_key_2_last_used_service
AWS::IAM::Role: InstanceProfileList[].Roles GetRole.RoleLastUsed
AWS::IAM::InstanceProfile: Roles[].AssumeRolePolicyDocument Roles[].RoleLastUsed Roles[].Description Roles[].MaxSessionDuration Roles[].Tags Roles[].PermissionsBoundary
AWS::EC2::Instance: SecurityGroups[].GroupName NetworkInterfaces[].Groups[].GroupName
AWS::EC2::NetworkInterface: Groups[].GroupName
AWS::EC2::SecurityGroup: IpPermissions[].UserIdGroupPairs[].GroupName IpPermissionsEgress[].UserIdGroupPairs[].GroupName
AWS::ElasticLoadBalancingV2::TargetGroup: LoadBalancerArns DescribeTargetHealth
AWS::ElasticLoadBalancingV2::LoadBalancer: State AvailabilityZones[].LoadBalancerAddresses
AWS::ElasticLoadBalancing::LoadBalancer: Instances
AWS::AutoScaling::AutoScalingGroup: Instances SuspendedProcesses[].SuspensionReason
AWS::ECR::Repository: DescribeImages
AWS::SSM::Parameter: Version LastModifiedUser
AWS::StepFunctions::StateMachine: revisionId
AWS::SQS::Queue: ApproximateNumberOfMessages ApproximateNumberOfMessagesDelayed ApproximateNumberOfMessagesNotVisible LastModifiedTimestamp GetQueueAttributes.Attributes.ApproximateNumberOfMessages GetQueueAttributes.Attributes.ApproximateNumberOfMessagesDelayed GetQueueAttributes.Attributes.ApproximateNumberOfMessagesNotVisible GetQueueAttributes.Attributes.LastModifiedTimestamp
AWS::SNS::Topic: GetTopicAttributes.Attributes.SubscriptionsConfirmed GetTopicAttributes.Attributes.SubscriptionsPending GetTopicAttributes.Attributes.SubscriptionsDeleted
AWS::EFS::FileSystem: SizeInBytes NumberOfMountTargets LifeCycleState
AWS::FSx::FileSystem: Lifecycle
AWS::GuardDuty::Detector: UpdatedAt Features[].UpdatedAt Features[].AdditionalConfiguration[].UpdatedAt
AWS::SageMaker::Endpoint: ProductionVariants[].DeployedImages
v1/Node: spec.podCIDR spec.podCIDRs spec.providerID metadata.annotations.(node.alpha.kubernetes.io/ttl) metadata.annotations.(csi.volume.kubernetes.io/nodeid) metadata.annotations.(volumes.kubernetes.io/controller-managed-attach-detach)
apps/v1/ControllerRevision: revision
v1/Namespace: spec.finalizers
v1/ServiceAccount: secrets
v1/Service: spec.healthCheckNodePort
v1/PersistentVolume: spec.claimRef.resourceVersion spec.claimRef.uid
v1/PersistentVolumeClaim: spec.volumeName
apps/v1/Deployment: metadata.annotations.(deployment.kubernetes.io/revision)
apiextensions.k8s.io/v1/CustomResourceDefinition: spec.conversion.webhook.clientConfig.caBundle
admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration: webhooks[].clientConfig.caBundle
admissionregistration.k8s.io/v1/MutatingWebhookConfiguration: webhooks[].clientConfig.caBundle
`

// fleeting are types of which every asset comes and goes by itself: what is left
// of a node, an election, a run.
var fleeting = map[string]string{
	"v1/Event":                           "an event is told once and forgotten",
	"events.k8s.io/v1/Event":             "an event is told once and forgotten",
	"v1/Endpoints":                       "made of a Service and its pods",
	"discovery.k8s.io/v1/EndpointSlice":  "made of a Service and its pods",
	"coordination.k8s.io/v1/Lease":       "an election in progress",
	"v1/ComponentStatus":                 "a state, no setting",
	"metrics.k8s.io/v1beta1/PodMetrics":  "a measurement",
	"metrics.k8s.io/v1beta1/NodeMetrics": "a measurement",
	"AWS::Glue::JobRun":                  "a run of a job, which has the configuration",
	"AWS::ECS::Task":                     "a run of a service or a definition, which have the configuration",
	"AWS::SageMaker::PipelineExecution":  "a run of a pipeline, which has the configuration",
}

// helmRelease begins the names of the secrets in which Helm keeps what it did, one a
// release, and helmType is their type. What a release does stands in the objects
// themselves; its values lie in the secret, where nobody looks.
const (
	helmRelease = "sh.helm.release.v1."
	helmType    = "helm.sh/release.v1"
)

// comesAndGoes reports whether an asset is one of those that come and go by
// themselves.
func (c *comparison) comesAndGoes(s *estate.Snapshot, n estate.Node) bool {
	a := s.Asset(n)
	if _, comes := fleeting[a.Type]; comes {
		return true
	}
	if a.Type != "v1/Secret" || !strings.HasPrefix(a.Name, helmRelease) {
		return false
	}
	config, err := s.Config(n)
	var secret struct{ Type string }
	return err == nil && json.Unmarshal(config, &secret) == nil && secret.Type == helmType
}

// passing reports whether a delta is of an asset that comes and goes by itself, on
// each side on which it is.
func (c *comparison) passing(d *delta) bool {
	return (d.a < 0 || c.comesAndGoes(c.after, d.a)) && (d.b < 0 || c.comesAndGoes(c.before, d.b))
}

// systemTags begin the names of tags and labels that services and controllers
// set by themselves.
var systemTags = []string{
	"aws:", "AWSBatchServiceTag", "AmazonECSManaged", "elasticbeanstalk:", "eks:", "elasticmapreduce:", "sagemaker:", "rds:", "redshift:",
	"ec2launchtemplate:", "kubernetes.io/created-for/", "KubernetesCluster", "k8s.io/cluster-autoscaler/node-template/",
	"pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/", "apps.kubernetes.io/pod-index",
	"batch.kubernetes.io/", "job-name", "controller-uid", "kubernetes.io/metadata.name", "endpointslice.kubernetes.io/", "node.kubernetes.io/",
	"topology.kubernetes.io/", "beta.kubernetes.io/", "failure-domain.beta.kubernetes.io/",
}

// systemTag reports whether a tag is set by the provider itself.
func systemTag(key string) bool {
	return slices.ContainsFunc(systemTags, func(p string) bool { return strings.HasPrefix(key, p) })
}

// arrays that keep their order, by the name of the member: all other lists of
// AWS are sets, which come back in any order.
var ordered = map[string]bool{
	"command": true, "Command": true, "entryPoint": true, "EntryPoint": true, "args": true, "Args": true, "commands": true,
	"ContainerEntrypoint": true, "ContainerArguments": true, "Steps": true, "steps": true, "stages": true, "Stages": true, "Rules": true,
	"InferenceExecutionConfig": true, "Containers": true, "BootstrapActions": true, "Actions": true,
}

// sets are the lists of Kubernetes objects that are sets; all others keep their
// order.
var sets = map[string]bool{
	"finalizers": true, "ownerReferences": true, "subjects": true, "rules": true, "verbs": true, "resources": true, "apiGroups": true,
	"resourceNames": true, "nonResourceURLs": true, "imagePullSecrets": true, "tolerations": true, "ports": true, "from": true, "to": true,
	"ingress": true, "egress": true, "policyTypes": true, "accessModes": true, "add": true, "drop": true, "env": true, "volumes": true,
	"volumeMounts": true, "secrets": true, "namespaces": true, "categories": true, "shortNames": true, "externalIPs": true,
	"loadBalancerSourceRanges": true, "values": true, "matchExpressions": true, "taints": true, "keyNames": true,
	"webhooks": true, "operations": true, "apiVersions": true, "resourceRules": true,
}

// Noise is what drift leaves out, for people to read.
type Noise struct {
	// Type the places are of; "*" for all.
	Type string `json:"type"`
	// Places in the configuration, or what is left out in words.
	Places []string `json:"places"`
	Why    string   `json:"why"`
}

// Volatile lists, by type, what changes by itself and is no drift.
func Volatile() []Noise {
	byType := map[string][]string{}
	for typ, r := range aws.ScaleRules() {
		byType[typ] = append(byType[typ], r.Volatile...)
	}
	for key, r := range kubernetes.ScaleRules() {
		byType[key] = append(byType[key], r.Volatile...)
	}
	for typ, places := range volatilePlaces() {
		byType[typ] = append(byType[typ], places...)
	}
	var out []Noise
	for _, typ := range slices.Sorted(maps.Keys(byType)) {
		places := byType[typ]
		slices.Sort(places)
		if places = slices.Compact(places); len(places) > 0 {
			out = append(out, Noise{typ, places, "changes by itself"})
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(fleeting)) {
		if why := fleeting[typ]; why != "" {
			out = append(out, Noise{typ, []string{"the whole asset"}, why})
		}
	}
	return append(out,
		Noise{"v1/Secret", []string{"the values"}, "a secret that is rotated is no change"},
		Noise{"v1/Secret", []string{"the whole asset, of type " + helmType + " and with a name that begins " + helmRelease}, "Helm's record of a release, whose objects are compared"},
		Noise{"*", []string{"a secret that stands in clear in a variable, an argument or a text, as long as one of its kind stays there"}, "a secret that is rotated is no change"},
		Noise{"v1/ConfigMap", ownMapPlaces(), "kept up by the cluster itself"},
		Noise{"*", []string{"times of creation and change, status and its reasons; of Kubernetes: status, metadata.managedFields, resourceVersion, generation, uid"}, "changes by itself"},
		Noise{"*", slices.Clone(systemTags), "tags and labels that services and controllers set (by how they begin)"},
		Noise{"*", []string{defaultTags}, "default_tags of a provider block"},
		Noise{"*", providedNames(), "the time of creation of what every account has from the service itself"},
		Noise{"*", []string{"amounts within the limits that an autoscaler or the asset itself sets"}, "autoscaling"},
		Noise{"v1/Node", append([]string{"that one joins or leaves"}, nodeTaints...), "like the instances of a group; taints (by how they begin) that the cluster's own controllers set"},
		Noise{"*", []string{"the amounts of what a controller owns: the replicas of a ReplicaSet of a Deployment"}, "the controller's own amounts are compared"},
		Noise{"*", []string{"what a controller, a scaling group or another asset makes: pods, replica sets, jobs of a schedule, revisions, instances, their interfaces and volumes"}, "goes with what makes it"},
	)
}

// ownMapPlaces spells what ownMap leaves out.
func ownMapPlaces() []string {
	out := []string{"kube-public/cluster-info: data.jws-kubeconfig-*"}
	for _, name := range slices.Sorted(maps.Keys(ownMaps)) {
		for _, key := range ownMaps[name] {
			if key == "*" {
				name = "kube-system/" + name
			}
			out = append(out, name+": data."+key)
		}
	}
	return out
}

// volatilePlaces is byItself by type.
var volatilePlaces = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(byItself) {
		if typ, places, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			out[typ] = append(out[typ], strings.Fields(places)...)
		}
	}
	return out
})

// strip takes what changes by itself out of a configuration.
func strip(a *estate.Asset, config []byte) (estate.Scale, error) {
	places := volatilePlaces()[a.Type]
	if len(places) == 0 {
		return estate.Scale{Essence: config}, nil
	}
	return estate.ScaleRule{Volatile: places}.Read(a, config)
}
