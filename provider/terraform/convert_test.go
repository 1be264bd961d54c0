package terraform

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

// resource is a resource of the given values and mask, both JSON.
func resource(t testing.TB, address, values, unknown string, born bool) Resource {
	t.Helper()
	typ := strings.Split(address, ".")
	r := Resource{Address: address, Type: typ[len(typ)-2], Mode: "managed", ProviderKey: "aws", Born: born, Configured: func(string) bool { return false }}
	for text, to := range map[string]any{values: &r.Values, unknown: &r.Unknown} {
		if text == "" {
			continue
		}
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(to); err != nil {
			t.Fatalf("%s: %v in %s", address, err, text)
		}
	}
	return r
}

func convert(resources ...Resource) Output {
	return Convert(Input{Resources: resources, Account: account, Region: region, Source: "terraform:plan.json"})
}

// one is the one asset, its configuration as a value.
func one(t *testing.T, out Output) (*estate.Asset, map[string]any) {
	t.Helper()
	if len(out.Assets) != 1 {
		t.Fatalf("%d assets, want 1: %v", len(out.Assets), out.Assets)
	}
	var config map[string]any
	if err := json.Unmarshal(out.Assets[0].Config, &config); err != nil {
		t.Fatal(err)
	}
	return &out.Assets[0], config
}

// refer makes an attribute's expression refer to a resource.
func refer(r Resource, to map[string]Reference) Resource {
	r.References = func(path []string) []Reference {
		if ref, ok := to[strings.Join(path, ".")]; ok {
			return []Reference{ref}
		}
		return nil
	}
	return r
}

// TestConfig holds single members of what types become: what is spelt in a way
// of its own.
func TestConfig(t *testing.T) {
	for name, tt := range map[string]struct {
		address, values, unknown string
		id, path, want           string
	}{
		"endpoint_config": {"aws_sagemaker_endpoint_configuration.e", `{"name":"Eta","production_variants":[{"initial_instance_count":4,"serverless_config":[{"max_concurrency":20,"provisioned_concurrency":5}]}]}`, "",
			"arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/eta", "ProductionVariants", `[{"InitialInstanceCount":4,"ServerlessConfig":{"MaxConcurrency":20,"ProvisionedConcurrency":5}}]`},
		"scalable_target": {"aws_appautoscaling_target.t", `{"arn":"arn:aws:application-autoscaling:eu-west-1:111122223333:scalable-target/0a","service_namespace":"sagemaker","resource_id":"endpoint/e/variant/v","scalable_dimension":"sagemaker:variant:DesiredInstanceCount","max_capacity":9}`, "",
			"arn:aws:application-autoscaling:eu-west-1:111122223333:scalable-target/sagemaker/endpoint/e/variant/v/sagemaker:variant:DesiredInstanceCount", "MaxCapacity", `9`},
		"node_group":  {"aws_eks_node_group.g", `{"scaling_config":[{"desired_size":2,"max_size":8,"min_size":1}],"instance_types":["g6.12xlarge"]}`, "", "terraform://aws_eks_node_group.g", "scalingConfig", `{"desiredSize":2,"maxSize":8,"minSize":1}`},
		"asg":         {"aws_autoscaling_group.g", `{"name":"gpu","max_size":4,"vpc_zone_identifier":["subnet-1","subnet-2"]}`, "", "terraform://aws_autoscaling_group.g", "VPCZoneIdentifier", `"subnet-1,subnet-2"`},
		"asg_size":    {"aws_autoscaling_group.g", `{"name":"gpu","max_size":4,"launch_template":[{"id":"lt-1","version":"$Latest"}]}`, "", "terraform://aws_autoscaling_group.g", "LaunchTemplate", `{"LaunchTemplateId":"lt-1","Version":"$Latest"}`},
		"ecs_service": {"aws_ecs_service.s", `{"name":"s","cluster":"arn:aws:ecs:eu-west-1:111122223333:cluster/c","desired_count":3,"network_configuration":[{"subnets":["subnet-1"],"assign_public_ip":true}]}`, "", "arn:aws:ecs:eu-west-1:111122223333:service/c/s", "networkConfiguration", `{"awsvpcConfiguration":{"assignPublicIp":"ENABLED","subnets":["subnet-1"]}}`},
		"task":        {"aws_ecs_task_definition.t", `{"family":"t","container_definitions":"[{\"name\":\"a\",\"privileged\":true}]"}`, "", "terraform://aws_ecs_task_definition.t", "containerDefinitions", `[{"name":"a","privileged":true}]`},
		"throughput":  {"aws_bedrock_provisioned_model_throughput.p", `{"provisioned_model_name":"p","model_units":2,"model_arn":"arn:aws:bedrock:eu-west-1::foundation-model/m"}`, "", "terraform://aws_bedrock_provisioned_model_throughput.p", "desiredModelUnits", `2`},
		"guardrail":   {"aws_bedrock_guardrail.g", `{"name":"g","content_policy_config":[{"filters_config":[{"type":"PROMPT_ATTACK","input_strength":"HIGH","output_strength":"NONE"}]}]}`, "", "terraform://aws_bedrock_guardrail.g", "contentPolicy", `{"filters":[{"inputStrength":"HIGH","outputStrength":"NONE","type":"PROMPT_ATTACK"}]}`},
		"logging":     {"aws_bedrock_model_invocation_logging_configuration.l", `{"logging_config":[{"cloudwatch_config":[{"log_group_name":"g","role_arn":"arn:aws:iam::111122223333:role/r"}]}]}`, "", "arn:aws:bedrock:eu-west-1:111122223333:model-invocation-logging-configuration", "cloudWatchConfig", `{"logGroupName":"g","roleArn":"arn:aws:iam::111122223333:role/r"}`},
		"runtime":     {"aws_bedrockagentcore_agent_runtime.r", `{"agent_runtime_name":"r","network_configuration":[{"network_mode":"PUBLIC"}]}`, "", "terraform://aws_bedrockagentcore_agent_runtime.r", "networkConfiguration", `{"networkMode":"PUBLIC"}`},
		"batch":       {"aws_batch_compute_environment.c", `{"name":"c","compute_resources":[{"max_vcpus":256,"instance_type":["p4d.24xlarge"]}]}`, "", "arn:aws:batch:eu-west-1:111122223333:compute-environment/c", "computeResources", `{"instanceTypes":["p4d.24xlarge"],"maxvCpus":256}`},
		"emr":         {"aws_emr_cluster.e", `{"name":"e","core_instance_group":[{"instance_type":"m5.xlarge","instance_count":4}]}`, "", "terraform://aws_emr_cluster.e", "ListInstanceGroups", `{"InstanceGroups":[{"InstanceGroupType":"CORE","InstanceType":"m5.xlarge","RequestedInstanceCount":4}]}`},
		"eks_logs":    {"aws_eks_cluster.c", `{"name":"c","enabled_cluster_log_types":["audit"]}`, "", "arn:aws:eks:eu-west-1:111122223333:cluster/c", "logging", `{"clusterLogging":[{"enabled":true,"types":["audit"]},{"enabled":false,"types":["api","authenticator","controllerManager","scheduler"]}]}`},
		"kms":         {"aws_kms_key.k", `{"enable_key_rotation":true}`, `{"arn":true,"key_id":true,"policy":true}`, "terraform://aws_kms_key.k", "GetKeyRotationStatus", `{"KeyRotationEnabled":true}`},
		"instance":    {"aws_instance.i", `{"instance_type":"g5.xlarge","ami":"ami-1","metadata_options":[{"http_tokens":"optional","http_endpoint":"enabled"}],"iam_instance_profile":"p"}`, "", "terraform://aws_instance.i", "IamInstanceProfile", `{"Arn":"arn:aws:iam::111122223333:instance-profile/p"}`},
		"oidc":        {"aws_iam_openid_connect_provider.o", `{"url":"https://token.example.com","client_id_list":["sts.amazonaws.com"]}`, "", "arn:aws:iam::111122223333:oidc-provider/token.example.com", "ClientIDList", `["sts.amazonaws.com"]`},
		"policy":      {"aws_iam_policy.p", `{"name":"p","path":"/ml/","policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"}`, "", "arn:aws:iam::111122223333:policy/ml/p", "PolicyVersionList", `[{"Document":{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"}]},"IsDefaultVersion":true,"VersionId":"v1"}]`},
		"state":       {"aws_sfn_state_machine.s", `{"name":"s","definition":"{}","logging_configuration":[{"level":"ALL","log_destination":"arn:aws:logs:eu-west-1:111122223333:log-group:g:*"}]}`, "", "arn:aws:states:eu-west-1:111122223333:stateMachine:s", "loggingConfiguration", `{"destinations":[{"cloudWatchLogsLogGroup":{"logGroupArn":"arn:aws:logs:eu-west-1:111122223333:log-group:g:*"}}],"level":"ALL"}`},
		"aoss":        {"aws_opensearchserverless_security_policy.s", `{"name":"n","type":"network","policy":"[{\"AllowFromPublic\":true}]"}`, "", "arn:aws:aoss:eu-west-1:111122223333:security-policy/network/n", "policy", `[{"AllowFromPublic":true}]`},
		"log_group":   {"aws_cloudwatch_log_group.l", `{"name":"/aws/sagemaker/x","retention_in_days":0}`, "", "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/sagemaker/x", "retentionInDays", `null`},
		"search":      {"aws_elasticsearch_domain.s", `{"domain_name":"s","elasticsearch_version":"7.10","cluster_config":[{"instance_type":"m5.large.elasticsearch"}]}`, "", "arn:aws:es:eu-west-1:111122223333:domain/s", "ClusterConfig", `{"InstanceType":"m5.large.search"}`},
		"search_open": {"aws_elasticsearch_domain.s", `{"domain_name":"s","elasticsearch_version":"7.10"}`, "", "arn:aws:es:eu-west-1:111122223333:domain/s", "EncryptionAtRestOptions", `{"Enabled":false}`},
		"search_kept": {"aws_opensearch_domain.s", `{"domain_name":"s","encrypt_at_rest":[{"enabled":true}]}`, "", "arn:aws:es:eu-west-1:111122223333:domain/s", "EncryptionAtRestOptions", `{"Enabled":true}`},
		"neptune":     {"aws_neptune_cluster.n", `{"cluster_identifier":"n","kms_key_arn":null}`, "", "arn:aws:rds:eu-west-1:111122223333:cluster:n", "StorageEncrypted", `false`},
		"neptune_in":  {"aws_neptune_cluster_instance.n", `{"identifier":"n1","cluster_identifier":"n","publicly_accessible":true}`, "", "arn:aws:rds:eu-west-1:111122223333:db:n1", "PubliclyAccessible", `true`},
		"classic":     {"aws_elb.b", `{"name":"b","listener":[{"lb_port":80,"lb_protocol":"http","instance_port":8000,"instance_protocol":"http"}]}`, "", "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/b", "ListenerDescriptions", `[{"Listener":{"InstancePort":8000,"InstanceProtocol":"http","LoadBalancerPort":80,"Protocol":"http"}}]`},
		"classic_in":  {"aws_elb.b", `{"name":"b","internal":true}`, "", "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/b", "Scheme", `"internal"`},
		"snapshot":    {"aws_ebs_snapshot_copy.s", `{"encrypted":true}`, "", "terraform://aws_ebs_snapshot_copy.s", "Encrypted", `true`},
		"rds":         {"aws_db_instance.d", `{"identifier":"d","publicly_accessible":true,"vpc_security_group_ids":["sg-1"]}`, "", "arn:aws:rds:eu-west-1:111122223333:db:d", "VpcSecurityGroups", `[{"Status":"active","VpcSecurityGroupId":"sg-1"}]`},
		"hpa": {"kubernetes_horizontal_pod_autoscaler_v2.h", `{"metadata":[{"name":"h","namespace":"ml"}],"spec":[{"max_replicas":12,"min_replicas":2,"scale_target_ref":[{"kind":"Deployment","name":"d","api_version":"apps/v1"}],"metric":[{"type":"Resource","resource":[{"name":"cpu","target":[{"type":"Utilization","average_utilization":"70"}]}]}]}]}`, "",
			"k8s://default/ml/HorizontalPodAutoscaler/h", "spec", `{"maxReplicas":12,"metrics":[{"resource":{"name":"cpu","target":{"averageUtilization":70,"type":"Utilization"}},"type":"Resource"}],"minReplicas":2,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}`},
		"old_hpa": {"kubernetes_horizontal_pod_autoscaler_v1.h", `{"metadata":[{"name":"h","namespace":"ml"}],"spec":[{"max_replicas":4,"target_cpu_utilization_percentage":70,"scale_target_ref":[{"kind":"Deployment","name":"d"}]}]}`, "",
			"k8s://default/ml/HorizontalPodAutoscaler/h", "spec", `{"maxReplicas":4,"metrics":[{"resource":{"name":"cpu","target":{"averageUtilization":70,"type":"Utilization"}},"type":"Resource"}],"scaleTargetRef":{"kind":"Deployment","name":"d"}}`},
		"network_policy": {"kubernetes_network_policy.n", `{"metadata":[{"name":"n","namespace":"ml"}],"spec":[{"pod_selector":[{}],"policy_types":["Ingress"],"ingress":[{"ports":[{"port":"8000","protocol":"TCP"}],"from":[{"namespace_selector":[{"match_labels":{"a":"b"}}]}]}]}]}`, "",
			"k8s://default/ml/NetworkPolicy/n", "spec", `{"ingress":[{"from":[{"namespaceSelector":{"matchLabels":{"a":"b"}}}],"ports":[{"port":8000,"protocol":"TCP"}]}],"podSelector":{},"policyTypes":["Ingress"]}`},
		"role":       {"kubernetes_cluster_role_v1.r", `{"metadata":[{"name":"r"}],"rule":[{"api_groups":["*"],"resources":["*"],"verbs":["*"]}]}`, "", "k8s://default//ClusterRole/r", "rules", `[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]`},
		"config_map": {"kubernetes_config_map.c", `{"metadata":[{"name":"c","namespace":"ml"}],"data":{"db.ini":"password=x"}}`, "", "k8s://default/ml/ConfigMap/c", "data", `{"db.ini":null}`},
		"manifest":   {"kubernetes_manifest.m", `{"manifest":{"apiVersion":"ray.io/v1","kind":"RayCluster","metadata":{"name":"c","namespace":"ml"},"spec":{"rayVersion":"2.9"}}}`, "", "k8s://default/ml/RayCluster.ray.io/c", "spec", `{"rayVersion":"2.9"}`},
	} {
		t.Run(name, func(t *testing.T) {
			a, config := one(t, convert(resource(t, tt.address, tt.values, tt.unknown, true)))
			if a.ID != tt.id {
				t.Errorf("id %s, want %s", a.ID, tt.id)
			}
			var want any
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, config[tt.path]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.path, diff)
			}
		})
	}
}

// TestSnapshots holds that a copy of a disk is as clear as the disk, as far as the
// plan tells, and shared with whom it says.
func TestSnapshots(t *testing.T) {
	disk := func(encrypted string) Resource {
		return resource(t, "aws_ebs_volume.d", `{"encrypted":`+encrypted+`}`, `{"id":true}`, true)
	}
	copied := refer(resource(t, "aws_ebs_snapshot.s", `{}`, `{"volume_id":true,"encrypted":true}`, true), map[string]Reference{"volume_id": {Address: "aws_ebs_volume.d", Attribute: "id"}})
	shared := refer(resource(t, "aws_snapshot_create_volume_permission.p", `{"account_id":"444455556666"}`, `{"snapshot_id":true}`, true),
		map[string]Reference{"snapshot_id": {Address: "aws_ebs_snapshot.s", Attribute: "id"}})
	a, got := replies(t, convert(disk("true"), copied, shared), "AWS::EC2::Snapshot", "Encrypted", "DescribeSnapshotAttribute")
	if want := `true {"CreateVolumePermissions":[{"UserId":"444455556666"}]}`; got != want || a.ID != "terraform://aws_ebs_snapshot.s" {
		t.Errorf("%s: %s, want %s", a.ID, got, want)
	}
	a, got = replies(t, convert(disk("false"), copied), "AWS::EC2::Snapshot", "Encrypted", "DescribeSnapshotAttribute")
	// The account may encrypt every disk, whatever is asked: that is not known.
	if want := `null {"CreateVolumePermissions":[]}`; got != want || !slices.Contains(a.Unknown, "/Encrypted") {
		t.Errorf("%s with %v unknown, want %s", got, a.Unknown, want)
	}
}

// TestUnknown holds what is known after apply against what is absent: a member
// without an attribute is unknown, one whose attribute is null is not there.
func TestUnknown(t *testing.T) {
	a, config := one(t, convert(resource(t, "aws_sagemaker_notebook_instance.n",
		`{"name":"n","subnet_id":null,"kms_key_id":null,"direct_internet_access":"Enabled"}`,
		`{"arn":true,"role_arn":true,"instance_metadata_service_configuration":true,"security_groups":true}`, true)))
	for _, p := range []string{"/RoleArn", "/InstanceMetadataServiceConfiguration", "/SecurityGroups", "/CreationTime", "/NotebookInstanceStatus"} {
		if !slices.Contains(a.Unknown, p) {
			t.Errorf("%s is not unknown: %v", p, a.Unknown)
		}
	}
	for _, p := range []string{"/SubnetId", "/KmsKeyId", "/DirectInternetAccess", "/NotebookInstanceName"} {
		if slices.Contains(a.Unknown, p) {
			t.Errorf("%s is unknown, but the plan says it", p)
		}
	}
	if _, set := config["KmsKeyId"]; set {
		t.Error("a null attribute became a member")
	}
}

// TestUnborn holds that a relation stands before birth: an unknown attribute
// that refers to a resource holds that resource's id.
func TestUnborn(t *testing.T) {
	role := resource(t, "aws_iam_role.r", `{"name":"r","path":"/"}`, `{"arn":true}`, true)
	vpc := resource(t, "aws_subnet.s", `{"cidr_block":"10.0.0.0/24"}`, `{"id":true,"arn":true}`, true)
	notebook := refer(resource(t, "aws_sagemaker_notebook_instance.n", `{"name":"n"}`, `{"role_arn":true,"subnet_id":true,"url":true}`, true),
		map[string]Reference{"role_arn": {"aws_iam_role.r", "arn"}, "subnet_id": {"aws_subnet.s", "id"}, "url": {"aws_iam_role.r", "arn"}})
	out := convert(role, vpc, notebook)
	for _, a := range out.Assets {
		if a.Type != "AWS::SageMaker::NotebookInstance" {
			continue
		}
		var c struct{ RoleArn, SubnetId, Url string }
		if err := json.Unmarshal(a.Config, &c); err != nil {
			t.Fatal(err)
		}
		if c.RoleArn != "arn:aws:iam::111122223333:role/r" || c.SubnetId != "terraform://aws_subnet.s" {
			t.Errorf("role %q, subnet %q", c.RoleArn, c.SubnetId)
		}
		if c.Url != "" || !slices.Contains(a.Unknown, "/Url") {
			t.Errorf("an address that only contains a reference became %q", c.Url)
		}
	}
}

// TestSecurityGroups holds how rules of every kind meet in one group.
func TestSecurityGroups(t *testing.T) {
	const id = "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1"
	group := func(ingress string) Resource {
		return resource(t, "aws_security_group.g", `{"id":"sg-1","arn":"`+id+`","name":"g","ingress":`+ingress+`,"egress":[]}`, "", false)
	}
	inline := `[{"protocol":"tcp","from_port":22,"to_port":22,"cidr_blocks":["10.0.0.0/8"],"ipv6_cidr_blocks":[],"prefix_list_ids":[],"security_groups":[],"self":false,"description":""}]`
	older := resource(t, "aws_security_group_rule.r", `{"type":"ingress","protocol":"6","from_port":22,"to_port":22,"cidr_blocks":["0.0.0.0/0"],"security_group_id":"sg-1","self":false}`, "", true)
	newer := resource(t, "aws_vpc_security_group_ingress_rule.r", `{"ip_protocol":"-1","cidr_ipv6":"::/0","security_group_id":"sg-1"}`, "", true)
	ports := func(t *testing.T, out Output) string {
		t.Helper()
		a, config := one(t, out)
		list, _ := json.Marshal(config["IpPermissions"])
		unknown := ""
		if slices.ContainsFunc(a.Unknown, func(p string) bool { return strings.HasPrefix(p, "/IpPermissions/") }) {
			unknown = " and others"
		}
		return string(list) + unknown
	}
	const ssh = `{"FromPort":22,"IpProtocol":"tcp","IpRanges":[{"CidrIp":"10.0.0.0/8"}`
	for name, tt := range map[string]struct {
		resources, gone []Resource
		want            string
	}{
		"inline":        {[]Resource{group(inline)}, nil, `[` + ssh + `],"Ipv6Ranges":[],"PrefixListIds":[],"ToPort":22,"UserIdGroupPairs":[]}]`},
		"older_joins":   {[]Resource{group(inline), older}, nil, `[` + ssh + `,{"CidrIp":"0.0.0.0/0"}],"Ipv6Ranges":[],"PrefixListIds":[],"ToPort":22,"UserIdGroupPairs":[]}]`},
		"newer":         {[]Resource{group(`[]`), newer}, nil, `[{"IpProtocol":"-1","IpRanges":[],"Ipv6Ranges":[{"CidrIpv6":"::/0"}],"PrefixListIds":[],"UserIdGroupPairs":[]}]`},
		"not_ours":      {[]Resource{newer}, nil, `[{"IpProtocol":"-1","IpRanges":[],"Ipv6Ranges":[{"CidrIpv6":"::/0"}],"PrefixListIds":[],"UserIdGroupPairs":[]},null] and others`},
		"taken_away":    {[]Resource{group(inline)}, []Resource{resource(t, "aws_security_group_rule.x", `{"type":"ingress","protocol":"tcp","from_port":22,"to_port":22,"cidr_blocks":["10.0.0.0/8"],"security_group_id":"sg-1"}`, "", false)}, `[]`},
		"still_said":    {[]Resource{group(inline), older}, []Resource{older}, `[` + ssh + `,{"CidrIp":"0.0.0.0/0"}],"Ipv6Ranges":[],"PrefixListIds":[],"ToPort":22,"UserIdGroupPairs":[]}]`},
		"new_with_rule": {[]Resource{refer(resource(t, "aws_security_group.n", `{"name":"n"}`, `{"ingress":true,"egress":true,"id":true,"arn":true}`, true), nil), refer(resource(t, "aws_vpc_security_group_ingress_rule.n", `{"ip_protocol":"tcp","from_port":443,"to_port":443,"cidr_ipv4":"0.0.0.0/0"}`, `{"security_group_id":true}`, true), map[string]Reference{"security_group_id": {"aws_security_group.n", "id"}})}, nil, `[{"FromPort":443,"IpProtocol":"tcp","IpRanges":[{"CidrIp":"0.0.0.0/0"}],"Ipv6Ranges":[],"PrefixListIds":[],"ToPort":443,"UserIdGroupPairs":[]}]`},
	} {
		t.Run(name, func(t *testing.T) {
			out := Convert(Input{Resources: tt.resources, Gone: tt.gone, Account: account, Region: region})
			if got := ports(t, out); got != tt.want {
				t.Errorf("IpPermissions\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
	a, _ := one(t, convert(resource(t, "aws_security_group.d", `{"name":"d"}`, `{"ingress":true,"egress":true}`, true)))
	if !slices.Contains(a.Unknown, "/IpPermissions") {
		t.Error("a new group whose rules a dynamic block may make has none")
	}
}

// TestBuckets holds how the parts of a bucket meet, and what a new one has.
func TestBuckets(t *testing.T) {
	bucket := func(born bool, values, unknown string) Resource {
		return resource(t, "aws_s3_bucket.b", `{"bucket":"b"`+values+`}`, unknown, born)
	}
	part := func(typ, values string) Resource {
		return resource(t, typ+".p", `{"bucket":"b",`+values+`}`, "", true)
	}
	shown := `{"policy":true,"versioning":true,"logging":true,"server_side_encryption_configuration":true,"grant":true,"acl":true,"website":true}`
	open := part("aws_s3_bucket_public_access_block", `"block_public_acls":false,"restrict_public_buckets":false`)
	status := func(a *estate.Asset, key string) string {
		for _, r := range a.Reads {
			if r.Key == key {
				return string(r.Status)
			}
		}
		return "none"
	}
	for name, tt := range map[string]struct {
		resources, gone []Resource
		key, status     string
		want            string
	}{
		"new_is_blocked":   {[]Resource{bucket(true, "", shown)}, nil, "GetPublicAccessBlock", "ok", `{"PublicAccessBlockConfiguration":{"BlockPublicAcls":true,"BlockPublicPolicy":true,"IgnorePublicAcls":true,"RestrictPublicBuckets":true}}`},
		"new_opened":       {[]Resource{bucket(true, "", shown), open}, nil, "GetPublicAccessBlock", "ok", `{"PublicAccessBlockConfiguration":{"BlockPublicAcls":false,"RestrictPublicBuckets":false}}`},
		"new_no_policy":    {[]Resource{bucket(true, "", shown)}, nil, "GetBucketPolicy", "absent", `null`},
		"new_unversioned":  {[]Resource{bucket(true, "", shown)}, nil, "GetBucketVersioning", "ok", `{}`},
		"versioned":        {[]Resource{bucket(true, "", shown), part("aws_s3_bucket_versioning", `"versioning_configuration":[{"status":"Enabled"}]`)}, nil, "GetBucketVersioning", "ok", `{"Status":"Enabled"}`},
		"old_not_said":     {[]Resource{bucket(false, "", "")}, nil, "GetPublicAccessBlock", "skipped", `null`},
		"old_shows_policy": {[]Resource{bucket(false, `,"policy":"{\"Statement\":[]}"`, "")}, nil, "GetBucketPolicy", "ok", `{"Policy":{"Statement":[]}}`},
		"old_shows_none":   {[]Resource{bucket(false, `,"policy":""`, "")}, nil, "GetBucketPolicy", "absent", `null`},
		"old_loses_policy": {[]Resource{bucket(false, `,"policy":"{\"Statement\":[]}"`, "")}, []Resource{part("aws_s3_bucket_policy", `"policy":"{\"Statement\":[]}"`)}, "GetBucketPolicy", "absent", `null`},
		"old_versioning":   {[]Resource{bucket(false, `,"versioning":[{"enabled":true,"mfa_delete":false}]`, "")}, nil, "GetBucketVersioning", "ok", `{"Status":"Enabled"}`},
		"encrypted": {[]Resource{bucket(true, "", shown), part("aws_s3_bucket_server_side_encryption_configuration", `"rule":[{"apply_server_side_encryption_by_default":[{"sse_algorithm":"aws:kms","kms_master_key_id":"k"}],"bucket_key_enabled":true}]`)}, nil, "GetBucketEncryption", "ok",
			`{"ServerSideEncryptionConfiguration":{"Rules":[{"ApplyServerSideEncryptionByDefault":{"KMSMasterKeyID":"k","SSEAlgorithm":"aws:kms"},"BucketKeyEnabled":true}]}}`},
		"acl": {[]Resource{bucket(true, "", shown), part("aws_s3_bucket_acl", `"acl":"public-read"`)}, nil, "GetBucketAcl", "ok", `{"Grants":[{"Grantee":{"Type":"CanonicalUser"},"Permission":"FULL_CONTROL"},{"Grantee":{"Type":"Group","URI":"http://acs.amazonaws.com/groups/global/AllUsers"},"Permission":"READ"}]}`},
		// The block goes, and what Amazon S3 does then is not what a new bucket has.
		"block_taken_away": {[]Resource{bucket(false, "", "")}, []Resource{open}, "GetPublicAccessBlock", "absent", `null`},
		"not_ours":         {[]Resource{open}, nil, "GetPublicAccessBlock", "ok", `{"PublicAccessBlockConfiguration":{"BlockPublicAcls":false,"RestrictPublicBuckets":false}}`},
		"not_ours_policy":  {[]Resource{open}, nil, "GetBucketPolicy", "skipped", `null`},
	} {
		t.Run(name, func(t *testing.T) {
			a, config := one(t, Convert(Input{Resources: tt.resources, Gone: tt.gone, Account: account, Region: region}))
			if a.ID != "arn:aws:s3:::b" {
				t.Errorf("id %s", a.ID)
			}
			if got := status(a, tt.key); got != tt.status {
				t.Errorf("%s was read %s, want %s", tt.key, got, tt.status)
			}
			got, _ := json.Marshal(config[tt.key])
			if string(got) != tt.want {
				t.Errorf("%s is %s, want %s", tt.key, got, tt.want)
			}
		})
	}
}

// TestRoles holds how policies meet in a role.
func TestRoles(t *testing.T) {
	role := func(born bool, extra string) Resource {
		return resource(t, "aws_iam_role.r", `{"name":"r","path":"/ml/"`+extra+`}`, "", born)
	}
	attachment := resource(t, "aws_iam_role_policy_attachment.a", `{"role":"r","policy_arn":"arn:aws:iam::aws:policy/AdministratorAccess"}`, "", true)
	const admin = `{"PolicyArn":"arn:aws:iam::aws:policy/AdministratorAccess","PolicyName":"AdministratorAccess"}`
	for name, tt := range map[string]struct {
		resources, gone []Resource
		id, want        string
	}{
		"new":        {[]Resource{role(true, ""), attachment}, nil, "arn:aws:iam::111122223333:role/ml/r", `[` + admin + `]`},
		"new_bare":   {[]Resource{role(true, "")}, nil, "arn:aws:iam::111122223333:role/ml/r", `[]`},
		"shown":      {[]Resource{role(false, `,"managed_policy_arns":["arn:aws:iam::aws:policy/AdministratorAccess"]`), attachment}, nil, "arn:aws:iam::111122223333:role/ml/r", `[` + admin + `]`},
		"not_shown":  {[]Resource{role(false, ""), attachment}, nil, "arn:aws:iam::111122223333:role/ml/r", `[` + admin + `,null]`},
		"taken_away": {[]Resource{role(false, `,"managed_policy_arns":["arn:aws:iam::aws:policy/AdministratorAccess"]`)}, []Resource{attachment}, "arn:aws:iam::111122223333:role/ml/r", `[]`},
		"not_ours":   {[]Resource{attachment}, nil, "arn:aws:iam::111122223333:role/r", `[` + admin + `,null]`},
	} {
		t.Run(name, func(t *testing.T) {
			a, config := one(t, Convert(Input{Resources: tt.resources, Gone: tt.gone, Account: account}))
			got, _ := json.Marshal(config["AttachedManagedPolicies"])
			if a.ID != tt.id || string(got) != tt.want {
				t.Errorf("%s has %s, want %s with %s", a.ID, got, tt.id, tt.want)
			}
		})
	}
}

// TestUnconverted holds that nothing is dropped without a word.
func TestUnconverted(t *testing.T) {
	out := convert(
		resource(t, "random_id.r", `{}`, "", true), resource(t, "terraform_data.r", `{}`, "", true),
		resource(t, "aws_made_up.a", `{}`, "", true), resource(t, "aws_made_up.b", `{}`, "", true), resource(t, "helm_release.h", `{}`, "", true),
		resource(t, "aws_s3_bucket_policy.p", `{"policy":"{}"}`, `{"bucket":true}`, true))
	harmless := map[string]bool{"random_id.r": true, "terraform_data.r": true, "aws_made_up.a": false, "aws_made_up.b": false, "helm_release.h": false, "aws_s3_bucket_policy.p": false}
	got := map[string]bool{}
	for address, u := range out.Unconverted {
		got[address] = u.Harmless
	}
	if diff := cmp.Diff(harmless, got); diff != "" {
		t.Errorf("unconverted (-want +got):\n%s", diff)
	}
	if len(out.BlindSpots) != 3 {
		t.Errorf("blind spots: %v", out.BlindSpots)
	}
	for _, b := range out.BlindSpots {
		if b.Hint == "" || b.Why == "" {
			t.Errorf("%s has no reason or hint", b.Operation)
		}
	}
}

// TestTwice holds that of two resources that are one asset neither is lost
// without a word.
func TestTwice(t *testing.T) {
	for _, tt := range [][2]Resource{
		{resource(t, "aws_sagemaker_model.a", `{"name":"m"}`, "", true), resource(t, "aws_sagemaker_model.b", `{"name":"M"}`, "", true)},
		{resource(t, "kubernetes_pod.a", `{"metadata":[{"name":"p"}]}`, "", true), resource(t, "kubernetes_pod_v1.b", `{"metadata":[{"name":"p","namespace":"default"}]}`, "", true)},
	} {
		out := convert(tt[0], tt[1])
		if len(out.Assets) != 1 || len(out.BlindSpots) != 1 || out.Unconverted[tt[1].Address].Why == "" {
			t.Errorf("%s: %d assets, blind spots %v, unconverted %v", tt[1].Address, len(out.Assets), out.BlindSpots, out.Unconverted)
		}
	}
}

// TestAccounts holds where an account is taken from, and that two of them are
// not mixed up.
func TestAccounts(t *testing.T) {
	bucket := resource(t, "aws_sagemaker_model.m", `{"name":"m"}`, `{"arn":true}`, true)
	bucket.ProviderKey = "aws.a"
	caller := resource(t, "data.aws_caller_identity.me", `{"account_id":"444455556666"}`, "", false)
	caller.Type, caller.Mode, caller.ProviderKey = "aws_caller_identity", "data", "aws.b"
	for name, tt := range map[string]struct {
		in   Input
		want string
	}{
		"unknown":        {Input{Region: region}, "arn:aws:sagemaker:eu-west-1::model/m"},
		"option":         {Input{Region: region, Account: account}, "arn:aws:sagemaker:eu-west-1:111122223333:model/m"},
		"provider":       {Input{Providers: map[string]Provider{"aws.a": {Account: account, Region: "cn-north-1"}}}, "arn:aws-cn:sagemaker:cn-north-1:111122223333:model/m"},
		"another_config": {Input{Region: region, Resources: []Resource{caller}, Providers: map[string]Provider{"aws.a": {}, "aws.b": {}}}, "arn:aws:sagemaker:eu-west-1::model/m"},
		"the_only_one":   {Input{Region: region, Resources: []Resource{caller}, Providers: map[string]Provider{"aws.a": {}}}, "arn:aws:sagemaker:eu-west-1:444455556666:model/m"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.in.Resources = append(tt.in.Resources, bucket)
			a, _ := one(t, Convert(tt.in))
			if a.ID != tt.want {
				t.Errorf("id %s, want %s", a.ID, tt.want)
			}
		})
	}
}

// TestNamesWithoutAnAccount holds that where no account is known, what SageMaker's
// things name by their name has the id that the name is completed to, and that
// nothing is joined that may be in two accounts.
func TestNamesWithoutAnAccount(t *testing.T) {
	of := func(key string, r Resource) Resource { r.ProviderKey = key; return r }
	endpoint := resource(t, "aws_sagemaker_endpoint.e", `{"name":"zz-e","endpoint_config_name":"zz-ec"}`, `{"arn":true,"id":true}`, true)
	config := resource(t, "aws_sagemaker_endpoint_configuration.ec", `{"name":"zz-ec"}`, `{"arn":true,"id":true}`, true)
	twin := resource(t, "aws_sagemaker_endpoint_configuration.twin", `{"name":"ZZ-EC"}`, `{"arn":true,"id":true}`, true)
	later := resource(t, "aws_sagemaker_endpoint_configuration.later", `{}`, `{"arn":true,"id":true,"name":true}`, true)
	for name, tt := range map[string]struct {
		in   []Resource
		want []string
	}{
		"one_provider":     {[]Resource{endpoint, config}, []string{"arn:aws:sagemaker:eu-west-1::endpoint-config/zz-ec", "arn:aws:sagemaker:eu-west-1::endpoint/zz-e"}},
		"several_accounts": {[]Resource{of("aws.a", endpoint), of("aws.b", config)}, []string{"terraform://aws_sagemaker_endpoint.e", "terraform://aws_sagemaker_endpoint_configuration.ec"}},
		"one_name_twice":   {[]Resource{config, twin}, []string{"terraform://aws_sagemaker_endpoint_configuration.ec", "terraform://aws_sagemaker_endpoint_configuration.twin"}},
		"no_name":          {[]Resource{later}, []string{"terraform://aws_sagemaker_endpoint_configuration.later"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, a := range Convert(Input{Region: region, Resources: tt.in}).Assets {
				got = append(got, a.ID)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOrderDoesNotMatter holds that the same resources in another order are the
// same assets.
func TestOrderDoesNotMatter(t *testing.T) {
	all := []Resource{
		resource(t, "aws_s3_bucket.b", `{"bucket":"b"}`, `{"policy":true}`, true),
		resource(t, "aws_s3_bucket_versioning.v", `{"bucket":"b","versioning_configuration":[{"status":"Enabled"}]}`, "", true),
		resource(t, "aws_iam_role.r", `{"name":"r"}`, "", true),
		resource(t, "aws_iam_role_policy.p", `{"role":"r","name":"p","policy":"{}"}`, "", true),
		resource(t, "aws_lambda_function.f", `{"function_name":"f"}`, "", true),
		resource(t, "aws_lambda_function_url.u", `{"function_name":"f","authorization_type":"NONE"}`, "", true),
	}
	want := convert(all...).Assets
	rapid.Check(t, func(t *rapid.T) {
		got := convert(rapid.Permutation(all).Draw(t, "order")...).Assets
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("assets (-want +got):\n%s", diff)
		}
	})
}

// FuzzConvert feeds every rule anything: it never fails, and every asset is one
// JSON object with an id and a type whose unknown places are pointers.
func FuzzConvert(f *testing.F) {
	all := Resources()
	for i, tf := range all {
		if i%8 == 0 {
			f.Add(tf, `{"name":"n","arn":null,"bucket":"b","metadata":[{"name":"x"}],"spec":[{"replicas":"2"}],"policy":"{\"Statement\":[]}"}`, `{"id":true,"policy":true,"metadata":[{"uid":true}]}`, true)
		}
	}
	f.Add("kubernetes_manifest", `{"manifest":{"apiVersion":"v1","kind":"Pod","metadata":[]}}`, `{"manifest":{"metadata":true}}`, false)
	f.Add("aws_security_group", `{"ingress":[{"protocol":-1},null,7],"egress":{"a":1}}`, `{"ingress":[true,{"from_port":true}]}`, false)
	f.Fuzz(func(t *testing.T, tf, values, unknown string, born bool) {
		r := Resource{Address: tf + ".x", Type: tf, Mode: "managed", Born: born}
		if json.Unmarshal([]byte(values), &r.Values) != nil || json.Unmarshal([]byte(unknown), &r.Unknown) != nil {
			return
		}
		r.References = func(path []string) []Reference { return []Reference{{r.Address, "id"}} }
		gone := r
		gone.Address = tf + ".y"
		out := Convert(Input{Resources: []Resource{r}, Gone: []Resource{gone}, Account: account, Region: region})
		for _, a := range out.Assets {
			var config map[string]any
			if err := json.Unmarshal(a.Config, &config); err != nil || a.ID == "" || a.Type == "" {
				t.Fatalf("asset %q of type %q: %v", a.ID, a.Type, err)
			}
			for _, p := range a.Unknown {
				if !strings.HasPrefix(p, "/") {
					t.Fatalf("%q is no pointer", p)
				}
			}
		}
		if _, ok := out.Of[r.Address]; !ok && out.Unconverted[r.Address].Why == "" && !slices.ContainsFunc(out.BlindSpots, func(b estate.BlindSpot) bool { return strings.Contains(b.Operation, tf) }) {
			t.Fatalf("%s was dropped without a word", r.Address)
		}
	})
}

func TestShapesOfKubernetesHaveNoEnd(t *testing.T) {
	for tf, k := range kubernetesKinds {
		if k.model != nil && len(shapeOf(reflect.TypeOf(k.model), 0).Kids) == 0 {
			t.Errorf("%s has no members", tf)
		}
	}
}
