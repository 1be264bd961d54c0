package terraform

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// TestUnsaid holds that what a resource has no attribute for is unknown wherever
// it would stand in the reply, and what has one that is not set is absent.
func TestUnsaid(t *testing.T) {
	for name, tt := range map[string]struct {
		address, values, unknown string
		open, shut               []string
	}{
		"in_a_list": {"aws_sagemaker_endpoint_configuration.e", `{"name":"e","production_variants":[{"variant_name":"v","initial_instance_count":1}]}`, "",
			[]string{"/ProductionVariants/0/InstancePools", "/ProductionVariants/0/CapacityReservationConfig"},
			[]string{"/ProductionVariants/0/ServerlessConfig", "/ProductionVariants/0/EnableSSMAccess"}},
		"in_an_object": {"aws_opensearch_domain.d", `{"domain_name":"d","encrypt_at_rest":[{"enabled":true}]}`, "",
			[]string{"/EncryptionAtRestOptions/EncryptionMode"}, []string{"/EncryptionAtRestOptions/KmsKeyId"}},
		"beside_a_path": {"aws_db_instance.d", `{"identifier":"d","address":"a.example","port":5432}`, "",
			nil, []string{"/Endpoint/Address", "/Endpoint/Port", "/Endpoint/HostedZoneId"}},
		"through_a_path": {"aws_db_instance.d", `{"identifier":"d","db_subnet_group_name":"s"}`, "",
			[]string{"/DBSubnetGroup/VpcId", "/DBSubnetGroup/Subnets"}, []string{"/DBSubnetGroup/DBSubnetGroupName"}},
		"code_says_it": {"aws_ecs_service.s", `{"name":"s","network_configuration":[{"subnets":["subnet-1"]}]}`, "",
			nil, []string{"/networkConfiguration/awsvpcConfiguration/assignPublicIp"}},
		"in_a_reply": {"aws_s3_bucket_versioning.v", `{"bucket":"b","versioning_configuration":[{"status":"Enabled"}]}`, "",
			nil, []string{"/GetBucketVersioning/Status", "/GetBucketVersioning/MFADelete"}},
		"in_a_template": {"aws_launch_template.t", `{"name":"t","metadata_options":[{"http_tokens":"required"}]}`, "",
			[]string{"/DescribeLaunchTemplateVersions/LaunchTemplateVersions/0/LaunchTemplateData/MetadataOptions/State"},
			[]string{"/DescribeLaunchTemplateVersions/LaunchTemplateVersions/0/LaunchTemplateData/MetadataOptions/HttpTokens", "/DescribeLaunchTemplateVersions/LaunchTemplateVersions/0/LaunchTemplateData/MetadataOptions/HttpEndpoint"}},
		"a_renamed_attribute": {"aws_sagemaker_endpoint_configuration.e", `{"name":"e","production_variants":[{"variant_name":"v","instances":4,"instance_type":null}]}`, "",
			[]string{"/ProductionVariants/0/InitialInstanceCount", "/ProductionVariants/0/ServerlessConfig"}, []string{"/ProductionVariants/0/InstanceType", "/ProductionVariants/0/VariantName"}},
		"a_renamed_attribute_not_set": {"aws_sagemaker_endpoint_configuration.e", `{"name":"e","production_variants":[{"variant_name":"v","instances":null,"more":[]}]}`, "",
			nil, []string{"/ProductionVariants/0/InitialInstanceCount"}},
		"a_block_merged_and_unknown": {"aws_bedrock_model_invocation_logging_configuration.l", `{}`, `{"logging_config":true}`,
			[]string{"/cloudWatchConfig", "/s3Config", "/textDataDeliveryEnabled"}, nil},
		"of_a_kind_that_does_not_fit": {"aws_s3_bucket_website_configuration.w", `{"bucket":"b","routing_rules":"[{}]"}`, "",
			[]string{"/GetBucketWebsite/RoutingRules"}, nil},
		"masked_where_a_number_stands": {"aws_db_instance.d", `{"identifier":"d","backup_retention_period":"sevenfold:masked(x)"}`, "",
			[]string{"/BackupRetentionPeriod"}, nil},
		"kubernetes": {"kubernetes_pod_v1.p", `{"metadata":[{"name":"p"}],"spec":[{"container":[{"name":"c","image":"i"}]}]}`, "",
			nil, []string{"/spec/hostUsers", "/spec/containers/0/securityContext"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := one(t, convert(resource(t, tt.address, tt.values, tt.unknown, true)))
			for _, p := range tt.open {
				if !slices.Contains(a.Unknown, p) {
					t.Errorf("%s is not unknown: %v\n%s", p, a.Unknown, a.Config)
				}
			}
			for _, p := range tt.shut {
				if slices.ContainsFunc(a.Unknown, func(u string) bool { return u == p || strings.HasPrefix(p, u+"/") }) {
					t.Errorf("%s is unknown", p)
				}
			}
		})
	}
}

// TestUnsaidOutlivesAnUpdate holds that the members no plan says are told from
// those that change.
func TestUnsaidOutlivesAnUpdate(t *testing.T) {
	out := convert(resource(t, "aws_sagemaker_model.m", `{"name":"m","primary_container":[{"image":"i"}]}`, `{"primary_container":[{"model_data_url":true}]}`, true))
	a, _ := one(t, out)
	for p, unsaid := range map[string]bool{"/PrimaryContainer/ContainerMetricsConfig": true, "/PrimaryContainer/ModelDataUrl": false} {
		if !slices.Contains(a.Unknown, p) || slices.Contains(out.Unsaid[a.ID], p) != unsaid {
			t.Errorf("%s: unknown %v, unsaid %v", p, a.Unknown, out.Unsaid[a.ID])
		}
	}
}

// TestNovelAttributes holds that an attribute nobody here knows is told of, once
// a type, and that one which says nothing is not.
func TestNovelAttributes(t *testing.T) {
	out := convert(
		resource(t, "aws_iam_role.a", `{"name":"a","assume":{"x":1},"path":"/"}`, "", true),
		resource(t, "aws_iam_role.b", `{"name":"b","assume":{"x":1},"empty":null,"off":false,"none":[],"blank":""}`, `{"later":true}`, true),
		resource(t, "aws_lambda_permission.p", `{"function_name":"f","action":"lambda:InvokeFunction","principal":"*","everyone":true}`, "", true),
		resource(t, "aws_batch_compute_environment.c", `{"compute_environment_name":"c"}`, "", true))
	var got []string
	for _, b := range out.BlindSpots {
		if b.Status != estate.ReadSkipped || b.Hint == "" || b.Types != nil {
			t.Errorf("blind spot %+v", b)
		}
		got = append(got, b.Operation+" "+strings.Fields(b.Why)[2])
	}
	if diff := cmp.Diff([]string{"aws_iam_role.a assume,", "aws_lambda_permission.p everyone,"}, got); diff != "" {
		t.Errorf("blind spots (-want +got):\n%s", diff)
	}
}

// TestSpelling holds values whose shape in the reply is another than in the
// resource.
func TestSpelling(t *testing.T) {
	for name, tt := range map[string]struct{ address, values, unknown, path, want string }{
		"map_to_pairs": {"aws_s3_bucket_lifecycle_configuration.l", `{"bucket":"b","rule":[{"id":"r","status":"Enabled","filter":[{"and":[{"tags":{"k":"v"}}]}]}]}`, "",
			"GetBucketLifecycleConfiguration/Rules/0/Filter/And/Tags", `[{"Key":"k","Value":"v"}]`},
		"open_pair": {"aws_s3_bucket_lifecycle_configuration.l", `{"bucket":"b","rule":[{"filter":[{"and":[{"tags":{"k":"v"}}]}]}]}`, `{"rule":[{"filter":[{"and":[{"tags":{"l":true}}]}]}]}`,
			"GetBucketLifecycleConfiguration/Rules/0/Filter/And/Tags", `[{"Key":"k","Value":"v"},{"Key":"l"}]`},
		"list_to_objects": {"aws_route_table.r", `{"propagating_vgws":["vgw-1","vgw-2"]}`, "", "PropagatingVgws", `[{"GatewayId":"vgw-1"},{"GatewayId":"vgw-2"}]`},
		"host_path": {"aws_ecs_task_definition.t", `{"family":"t","volume":[{"name":"v","host_path":"/var/run/docker.sock"}]}`, "",
			"volumes/0/host", `{"sourcePath":"/var/run/docker.sock"}`},
		"forward": {"aws_lb_listener.l", `{"default_action":[{"type":"forward","forward":[{"target_group":[{"arn":"arn:t","weight":1}],"stickiness":[{"duration":60,"enabled":true}]}]}]}`, "",
			"DefaultActions/0/ForwardConfig", `{"TargetGroupStickinessConfig":{"DurationSeconds":60,"Enabled":true},"TargetGroups":[{"TargetGroupArn":"arn:t","Weight":1}]}`},
		"worker_types": {"aws_emrserverless_application.e", `{"name":"e","initial_capacity":[{"initial_capacity_type":"Driver","initial_capacity_config":[{"worker_count":9,"worker_configuration":[{"cpu":"2 vCPU","memory":"10 GB"}]}]}]}`, "",
			"initialCapacity", `{"Driver":{"workerConfiguration":{"cpu":"2 vCPU","memory":"10 GB"},"workerCount":9}}`},
		"worker_types_open": {"aws_emrserverless_application.e", `{"name":"e","initial_capacity":[]}`, `{"initial_capacity":true}`, "initialCapacity", `null`},
		"signing": {"aws_lambda_function.f", `{"function_name":"f","code_signing_config_arn":"arn:aws:lambda:eu-west-1:111122223333:code-signing-config:c"}`, "",
			"GetFunctionCodeSigningConfig/CodeSigningConfigArn", `"arn:aws:lambda:eu-west-1:111122223333:code-signing-config:c"`},
		"volume": {"kubernetes_persistent_volume_v1.v", `{"metadata":[{"name":"v"}],"spec":[{"capacity":{"storage":"1Gi"},"persistent_volume_source":[{"host_path":[{"path":"/"}]}]}]}`, "",
			"spec/hostPath", `{"path":"/"}`},
		"metric": {"aws_cloudwatch_log_metric_filter.m", `{"name":"m","log_group_name":"g","metric_transformation":[{"name":"n","namespace":"s","value":"1"}]}`, "",
			"metricTransformations", `[{"metricName":"n","metricNamespace":"s","metricValue":"1"}]`},
		"url_cors": {"aws_lambda_function_url.u", `{"function_name":"f","authorization_type":"NONE","cors":[{"allow_origins":["*"]}]}`, "",
			"ListFunctionUrlConfigs/FunctionUrlConfigs/0/Cors", `{"AllowOrigins":["*"]}`},
		"grant": {"aws_kms_grant.g", `{"key_id":"k","grantee_principal":"arn:p","operations":["Decrypt"],"constraints":[{"encryption_context_equals":{"a":"b"}}]}`, "",
			"ListGrants/Grants/1/Constraints", `{"EncryptionContextEquals":{"a":"b"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, config := one(t, convert(resource(t, tt.address, tt.values, tt.unknown, true)))
			at := any(config)
			for step := range strings.SplitSeq(tt.path, "/") {
				switch v := at.(type) {
				case map[string]any:
					at = v[step]
				case []any:
					at = v[int(step[0]-'0')]
				}
			}
			got, err := json.Marshal(at)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.path, diff)
			}
		})
	}
}
