package cloudformation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// made is a resource of stack s.
func made(t testing.TB, id, typ, properties string) Resource {
	t.Helper()
	r := Resource{Address: "s/" + id, Type: typ, Account: "111122223333", Region: "eu-west-1", File: "t.yaml", Line: 1}
	dec := json.NewDecoder(strings.NewReader(properties))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", properties, err)
	}
	r.Properties, _ = opened(v).(map[string]any)
	return r
}

// opened reads {"?": "Id.Attribute"} as a reference, {"?": ["text", {"?": …}]} as a text
// with references in it, and {"?": null} as what is open for good.
func opened(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o, open := v["?"]
		if !open {
			for k, e := range v {
				v[k] = opened(e)
			}
			return v
		}
		switch o := o.(type) {
		case string:
			id, attribute, _ := strings.Cut(o, ".")
			return &Open{Why: "later", Parts: []Part{{Resource: "s/" + id, Attribute: attribute}}}
		case []any:
			out := &Open{Why: "later"}
			for _, e := range o {
				if t, ok := e.(string); ok {
					out.Parts = append(out.Parts, Part{Text: t})
				} else {
					out.Parts = append(out.Parts, opened(e).(*Open).Parts...)
				}
			}
			return out
		}
		return &Open{Why: "open"}
	case []any:
		for i, e := range v {
			v[i] = opened(e)
		}
	}
	return v
}

// asset finds one asset of an output.
func asset(t testing.TB, out Output, id string) estate.Asset {
	t.Helper()
	for _, a := range out.Assets {
		if a.ID == id {
			return a
		}
	}
	var ids []string
	for _, a := range out.Assets {
		ids = append(ids, a.ID)
	}
	t.Fatalf("no asset %s among %v", id, ids)
	return estate.Asset{}
}

// at is what stands at a place of an asset: its JSON, "unknown", "absent" or,
// where the reply was not read, "unread".
func at(a estate.Asset, place string) string {
	pointer := "/" + strings.ReplaceAll(place, ".", "/")
	for _, u := range a.Unknown {
		if u == pointer || strings.HasPrefix(pointer, u+"/") {
			return "unknown"
		}
	}
	key, _, _ := strings.Cut(place, ".")
	for _, r := range a.Reads {
		if r.Key == key && !r.Status.Known() {
			return "unread"
		}
	}
	var v any
	if err := json.Unmarshal(a.Config, &v); err != nil {
		return err.Error()
	}
	for step := range strings.SplitSeq(place, ".") {
		switch x := v.(type) {
		case map[string]any:
			inner, ok := x[step]
			if !ok {
				return "absent"
			}
			v = inner
		case []any:
			i := 0
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(x) {
				return "absent"
			}
			v = x[i]
		default:
			return "absent"
		}
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// TestConvert says what stands where, resource by resource.
func TestConvert(t *testing.T) {
	const arn = "arn:aws:"
	tests := map[string]struct {
		resources []Resource
		id        string
		want      map[string]string
	}{
		"an_echo_leaves_out_what_was_not_given": {[]Resource{made(t, "C", "AWS::SageMaker::EndpointConfig", `{"EndpointConfigName":"A-1","ProductionVariants":[{"VariantName":"v","InitialInstanceCount":"2","InstanceType":"ml.m5.large"}]}`)},
			arn + "sagemaker:eu-west-1:111122223333:endpoint-config/a-1", map[string]string{"EndpointConfigName": `"A-1"`, "KmsKeyId": "absent", "ProductionVariants.0.InitialInstanceCount": "2",
				"ProductionVariants.0.ServerlessConfig": "absent", "CreationTime": "unknown", "EndpointConfigArn": `"arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/a-1"`, "ListTags.Tags": "[]"}},
		"what_aws_chooses_is_unknown": {[]Resource{made(t, "D", "AWS::RDS::DBInstance", `{"DBInstanceIdentifier":"Db","Engine":"postgres"}`)}, arn + "rds:eu-west-1:111122223333:db:db",
			map[string]string{"PubliclyAccessible": "unknown", "StorageEncrypted": "false", "Engine": `"postgres"`, "MultiAZ": "unknown"}},
		"a_snapshot_decides":        {[]Resource{made(t, "D", "AWS::RDS::DBInstance", `{"DBInstanceIdentifier":"db","DBSnapshotIdentifier":"s"}`)}, arn + "rds:eu-west-1:111122223333:db:db", map[string]string{"StorageEncrypted": "unknown"}},
		"an_open_switch_is_unknown": {[]Resource{made(t, "D", "AWS::RDS::DBInstance", `{"DBInstanceIdentifier":"db","StorageEncrypted":{"?":null}}`)}, arn + "rds:eu-west-1:111122223333:db:db", map[string]string{"StorageEncrypted": "unknown"}},
		"a_new_bucket": {[]Resource{made(t, "B", bucketType, `{}`)}, "cloudformation://s/B", map[string]string{"GetPublicAccessBlock.PublicAccessBlockConfiguration.BlockPublicAcls": "true", "GetBucketPolicy": "absent",
			"GetBucketVersioning": "{}", "GetBucketAcl.Grants.0.Permission": `"FULL_CONTROL"`, "Name": "unknown", "GetBucketLocation.LocationConstraint": `"eu-west-1"`}},
		"half_a_block_is_no_block": {[]Resource{made(t, "B", bucketType, `{"BucketName":"b","PublicAccessBlockConfiguration":{"BlockPublicAcls":true}}`)}, "arn:aws:s3:::b",
			map[string]string{"GetPublicAccessBlock.PublicAccessBlockConfiguration.BlockPublicAcls": "true", "GetPublicAccessBlock.PublicAccessBlockConfiguration.BlockPublicPolicy": "false"}},
		"an_open_block_is_unknown": {[]Resource{made(t, "B", bucketType, `{"BucketName":"b","PublicAccessBlockConfiguration":{"?":null}}`)}, "arn:aws:s3:::b", map[string]string{"GetPublicAccessBlock.PublicAccessBlockConfiguration": "unknown"}},
		"a_bucket_and_its_policy": {[]Resource{made(t, "B", bucketType, `{"BucketName":"b"}`), made(t, "P", "AWS::S3::BucketPolicy", `{"Bucket":{"?":"B"},"PolicyDocument":{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":{"?":[{"?":"B.Arn"},"/*"]}}]}}`)},
			"arn:aws:s3:::b", map[string]string{"GetBucketPolicy.Policy.Statement.0.Resource": `"arn:aws:s3:::b/*"`}},
		"a_policy_of_what_has_no_name": {[]Resource{made(t, "B", bucketType, `{}`), made(t, "P", "AWS::S3::BucketPolicy", `{"Bucket":{"?":"B"},"PolicyDocument":{"Statement":[{"Effect":"Allow","Principal":{"AWS":{"?":"R.Arn"}},"Action":"s3:*","Resource":[{"?":"B.Arn"},{"?":["arn:aws:s3:::",{"?":"B"},"/*"]},{"?":null}]}]}}`), made(t, "R", roleType, `{}`)},
			"cloudformation://s/B", map[string]string{"GetBucketPolicy.Policy.Statement.0.Resource.0": `"cloudformation://s/B"`, "GetBucketPolicy.Policy.Statement.0.Resource.1": `"cloudformation://s/B/*"`,
				"GetBucketPolicy.Policy.Statement.0.Resource.2": "unknown", "GetBucketPolicy.Policy.Statement.0.Principal.AWS": `"cloudformation://s/R"`}},
		"a_policy_of_a_bucket_elsewhere": {[]Resource{made(t, "P", "AWS::S3::BucketPolicy", `{"Bucket":"other","PolicyDocument":{"Statement":[]}}`)}, "arn:aws:s3:::other", map[string]string{"GetBucketPolicy.Policy.Statement": "[]", "GetBucketVersioning": "unread"}},
		"references_before_birth": {[]Resource{made(t, "M", "AWS::SageMaker::Model", `{"ExecutionRoleArn":{"?":"R.Arn"},"VpcConfig":{"Subnets":[{"?":"S"}],"SecurityGroupIds":[{"?":"G.GroupId"}]},"PrimaryContainer":{"Image":"i","Environment":{"B":{"?":"B"},"C":{"?":["x-",{"?":"N"}]}}}}`),
			made(t, "R", roleType, `{}`), made(t, "S", "AWS::EC2::Subnet", `{}`), made(t, "G", securityGroupType, `{}`), made(t, "B", bucketType, `{}`), made(t, "N", bucketType, `{"BucketName":"n"}`)},
			"cloudformation://s/M", map[string]string{"ExecutionRoleArn": `"cloudformation://s/R"`, "VpcConfig.Subnets.0": `"cloudformation://s/S"`, "VpcConfig.SecurityGroupIds.0": `"cloudformation://s/G"`,
				"PrimaryContainer.Environment.B": "unknown", "PrimaryContainer.Environment.C": `"x-n"`, "EnableNetworkIsolation": "false"}},
		"references_to_what_has_a_name": {[]Resource{made(t, "M", "AWS::SageMaker::Model", `{"ModelName":"m","ExecutionRoleArn":{"?":"R.Arn"}}`), made(t, "R", roleType, `{"RoleName":"r","Path":"/ml/"}`)},
			arn + "sagemaker:eu-west-1:111122223333:model/m", map[string]string{"ExecutionRoleArn": `"arn:aws:iam::111122223333:role/ml/r"`}},
		"an_attribute_that_is_no_name": {[]Resource{made(t, "F", functionType, `{"FunctionName":"f","Environment":{"Variables":{"HOST":{"?":"D.Endpoint.Address"}}}}`), made(t, "D", "AWS::RDS::DBInstance", `{}`)},
			arn + "lambda:eu-west-1:111122223333:function:f", map[string]string{"Environment.Variables.HOST": "unknown"}},
		"policies_of_a_role": {[]Resource{made(t, "R", roleType, `{"RoleName":"r","ManagedPolicyArns":["arn:aws:iam::aws:policy/A",{"?":"P"},{"?":null}],"Policies":[{"PolicyName":"a","PolicyDocument":{"Statement":[]}}]}`),
			made(t, "P", "AWS::IAM::ManagedPolicy", `{"PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}`), made(t, "I", "AWS::IAM::Policy", `{"PolicyName":"i","Roles":[{"?":"R"}],"PolicyDocument":{"Statement":[]}}`),
			made(t, "J", "AWS::IAM::RolePolicy", `{"PolicyName":"j","RoleName":"r","PolicyDocument":{"?":null}}`)},
			arn + "iam::111122223333:role/r", map[string]string{"AttachedManagedPolicies.0.PolicyArn": `"arn:aws:iam::aws:policy/A"`, "AttachedManagedPolicies.1.PolicyArn": `"cloudformation://s/P"`, "AttachedManagedPolicies.2": "unknown",
				"RolePolicyList.0.PolicyName": `"a"`, "RolePolicyList.1.PolicyName": `"i"`, "RolePolicyList.2.PolicyDocument": "unknown", "Path": `"/"`, "RoleLastUsed": "absent", "PermissionsBoundary": "absent"}},
		"a_policy_counts_whom_it_is_attached_to": {[]Resource{made(t, "R", roleType, `{"RoleName":"r"}`), made(t, "P", "AWS::IAM::ManagedPolicy", `{"ManagedPolicyName":"p","Roles":["r"],"PolicyDocument":{"Statement":[]}}`)},
			arn + "iam::111122223333:policy/p", map[string]string{"AttachmentCount": "1", "PolicyVersionList.0.IsDefaultVersion": "true", "PolicyVersionList.0.Document.Statement": "[]"}},
		"rules_of_a_group": {[]Resource{made(t, "G", securityGroupType, `{"GroupDescription":"g","SecurityGroupIngress":[{"IpProtocol":6,"FromPort":22,"ToPort":22,"CidrIp":"0.0.0.0/0"},{"IpProtocol":"tcp","FromPort":"22","ToPort":22,"SourceSecurityGroupId":{"?":"H"}}]}`),
			made(t, "H", securityGroupType, `{}`), made(t, "I", "AWS::EC2::SecurityGroupIngress", `{"GroupId":{"?":"G.GroupId"},"IpProtocol":"-1","CidrIpv6":"::/0"}`)},
			"cloudformation://s/G", map[string]string{"IpPermissions.0.IpRanges.0.CidrIp": `"0.0.0.0/0"`, "IpPermissions.0.UserIdGroupPairs.0.GroupId": `"cloudformation://s/H"`, "IpPermissions.1.IpProtocol": `"-1"`,
				"IpPermissions.1.FromPort": "absent", "IpPermissionsEgress.0.IpRanges.0.CidrIp": `"0.0.0.0/0"`}},
		"a_group_whose_way_out_is_ruled": {[]Resource{made(t, "G", securityGroupType, `{}`), made(t, "E", "AWS::EC2::SecurityGroupEgress", `{"GroupId":{"?":"G.GroupId"},"IpProtocol":"tcp","FromPort":443,"ToPort":443,"CidrIp":"10.0.0.0/8"}`)},
			"cloudformation://s/G", map[string]string{"IpPermissionsEgress.0.IpRanges.0.CidrIp": `"10.0.0.0/8"`, "IpPermissionsEgress.1": "absent"}},
		"an_open_list_of_rules": {[]Resource{made(t, "G", securityGroupType, `{"SecurityGroupIngress":{"?":null}}`), made(t, "I", "AWS::EC2::SecurityGroupIngress", `{"GroupId":{"?":"G"},"IpProtocol":"-1","CidrIp":"0.0.0.0/0"}`)},
			"cloudformation://s/G", map[string]string{"IpPermissions": "unknown"}},
		"who_may_call_a_function": {[]Resource{made(t, "F", functionType, `{"FunctionName":"f"}`), made(t, "P", "AWS::Lambda::Permission", `{"FunctionName":{"?":"F.Arn"},"Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","SourceAccount":"111122223333"}`),
			made(t, "Q", "AWS::Lambda::Permission", `{"FunctionName":"f","Action":"lambda:InvokeFunction","Principal":"*"}`), made(t, "U", "AWS::Lambda::Url", `{"TargetFunctionArn":{"?":"F"},"AuthType":"NONE"}`)},
			arn + "lambda:eu-west-1:111122223333:function:f", map[string]string{"GetPolicy.Policy.Statement.0.Condition.StringEquals": `{"AWS:SourceAccount":"111122223333"}`, "GetPolicy.Policy.Statement.1.Principal": `"*"`,
				"ListFunctionUrlConfigs.FunctionUrlConfigs.0.AuthType": `"NONE"`, "Environment": "absent"}},
		"a_text_that_holds_a_policy": {[]Resource{made(t, "Q", "AWS::SecretsManager::Secret", `{"Name":"q"}`), made(t, "P", "AWS::SecretsManager::ResourcePolicy", `{"SecretId":{"?":"Q"},"ResourcePolicy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}]}"}`)},
			"cloudformation://s/Q", map[string]string{"GetResourcePolicy.ResourcePolicy.Statement.0.Principal": `"*"`}},
		"paths_of_a_rest_api": {[]Resource{made(t, "A", restType, `{"Name":"a"}`), made(t, "R", "AWS::ApiGateway::Resource", `{"RestApiId":{"?":"A"},"ParentId":{"?":"A.RootResourceId"},"PathPart":"ask"}`),
			made(t, "S", "AWS::ApiGateway::Resource", `{"RestApiId":{"?":"A"},"ParentId":{"?":"R"},"PathPart":"{id}"}`), made(t, "M", "AWS::ApiGateway::Method", `{"RestApiId":{"?":"A"},"ResourceId":{"?":"S"},"HttpMethod":"POST"}`)},
			"cloudformation://s/A", map[string]string{"GetResources.items.0.path": `"/ask/{id}"`, "GetResources.items.0.resourceMethods.POST.authorizationType": `"NONE"`, "policy": "absent"}},
		"a_document_makes_an_api": {[]Resource{made(t, "A", restType, `{"Body":{"openapi":"3.0.1"}}`)}, "cloudformation://s/A", map[string]string{"GetResources.items.0": "unknown", "policy": "unknown"}},
		"tags_that_are_known":     {[]Resource{made(t, "B", bucketType, `{"BucketName":"b","Tags":[{"Key":"env","Value":"train"}]}`)}, "arn:aws:s3:::b", map[string]string{"GetBucketTagging.TagSet.0.Value": `"train"`}},
		"tags_that_are_open":      {[]Resource{made(t, "B", bucketType, `{"BucketName":"b","Tags":{"?":null}}`)}, "arn:aws:s3:::b", map[string]string{"GetBucketTagging.TagSet": "unknown"}},
		"variants_of_an_endpoint": {[]Resource{made(t, "E", "AWS::SageMaker::Endpoint", `{"EndpointName":"e","EndpointConfigName":{"?":"C.EndpointConfigName"}}`), made(t, "C", "AWS::SageMaker::EndpointConfig", `{"ProductionVariants":[{"VariantName":"v","InitialInstanceCount":3}]}`)},
			arn + "sagemaker:eu-west-1:111122223333:endpoint/e", map[string]string{"EndpointConfigName": `"cloudformation://s/C"`, "ProductionVariants.0.VariantName": `"v"`, "ProductionVariants.0.DesiredInstanceCount": "3"}},
		"a_policy_of_a_gateway": {[]Resource{made(t, "G", "AWS::BedrockAgentCore::Gateway", `{"Name":"g","AuthorizerType":"NONE"}`), made(t, "P", "AWS::BedrockAgentCore::ResourcePolicy", `{"ResourceArn":{"?":"G.GatewayArn"},"Policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}]}"}`)},
			"cloudformation://s/G", map[string]string{"GetResourcePolicy.policy.Statement.0.Principal": `"*"`}},
		"a_policy_of_whom_nobody_knows": {[]Resource{made(t, "G", "AWS::BedrockAgentCore::Gateway", `{"Name":"g"}`), made(t, "P", "AWS::BedrockAgentCore::ResourcePolicy", `{"ResourceArn":{"?":null},"Policy":"{}"}`)},
			"cloudformation://s/G", map[string]string{"GetResourcePolicy": "unread"}},
		"a_kind_of_policy_nobody_knows": {[]Resource{made(t, "F", functionType, `{"FunctionName":"f"}`), made(t, "P", "AWS::Lambda::FuturePolicy", `{}`)}, arn + "lambda:eu-west-1:111122223333:function:f", map[string]string{"GetPolicy": "unread"}},
		"a_policy_of_vectors":           {[]Resource{made(t, "V", "AWS::S3Vectors::VectorBucket", `{"VectorBucketName":"v"}`), made(t, "P", "AWS::S3Vectors::VectorBucketPolicy", `{"VectorBucketName":"v","Policy":{"Statement":[]}}`)}, arn + "s3vectors:eu-west-1:111122223333:bucket/v", map[string]string{"GetVectorBucketPolicy.policy.Statement": "[]", "encryptionConfiguration.sseType": `"AES256"`}},
		"a_layer_for_all":               {[]Resource{made(t, "L", "AWS::Lambda::LayerVersion", `{"LayerName":"l"}`), made(t, "P", "AWS::Lambda::LayerVersionPermission", `{"LayerVersionArn":{"?":"L"},"Action":"lambda:GetLayerVersion","Principal":"*"}`)}, "cloudformation://s/L", map[string]string{"GetLayerVersionPolicy.Policy.Statement.0.Principal": `"*"`}},
		"a_masked_value_is_no_name":     {[]Resource{made(t, "B", bucketType, `{"BucketName":"sevenfold:masked(noecho,4)"}`)}, "cloudformation://s/B", nil},
		"a_type_nobody_knows":           {[]Resource{made(t, "X", "AWS::Future::Thing", `{"Open":true}`)}, "cloudformation://s/X", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := asset(t, Convert(Input{Resources: tt.resources}), tt.id)
			got := map[string]string{}
			for place := range tt.want {
				got[place] = at(a, place)
			}
			want := tt.want
			if want == nil {
				want = map[string]string{}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s\nunknown %v", diff, a.Config, a.Unknown)
			}
		})
	}
}

// TestDoubt leaves open what a resource adds that may not be made.
func TestDoubt(t *testing.T) {
	for name, tt := range map[string]struct {
		part        Resource
		owner       Resource
		id, place   string
		certain, is string
	}{
		"policy":     {made(t, "P", "AWS::S3::BucketPolicy", `{"Bucket":"b","PolicyDocument":{"Statement":[]}}`), made(t, "B", bucketType, `{"BucketName":"b"}`), "arn:aws:s3:::b", "GetBucketPolicy", `{"Policy":{"Statement":[]}}`, "unknown"},
		"rule":       {made(t, "P", "AWS::EC2::SecurityGroupIngress", `{"GroupId":{"?":"B"},"IpProtocol":"-1","CidrIp":"0.0.0.0/0"}`), made(t, "B", securityGroupType, `{}`), "cloudformation://s/B", "IpPermissions.0.IpProtocol", `"-1"`, "unknown"},
		"statement":  {made(t, "P", "AWS::Lambda::Permission", `{"FunctionName":"b","Principal":"*"}`), made(t, "B", functionType, `{"FunctionName":"b"}`), "arn:aws:lambda:eu-west-1:111122223333:function:b", "GetPolicy.Policy.Statement.0.Principal", `"*"`, "unknown"},
		"inline":     {made(t, "P", "AWS::IAM::RolePolicy", `{"RoleName":"b","PolicyName":"p","PolicyDocument":{}}`), made(t, "B", roleType, `{"RoleName":"b"}`), "arn:aws:iam::111122223333:role/b", "RolePolicyList.0.PolicyName", `"p"`, "unknown"},
		"attachment": {made(t, "P", "AWS::IAM::ManagedPolicy", `{"ManagedPolicyName":"p","Roles":["b"]}`), made(t, "B", roleType, `{"RoleName":"b"}`), "arn:aws:iam::111122223333:role/b", "AttachedManagedPolicies.0.PolicyArn", `"arn:aws:iam::111122223333:policy/p"`, "unknown"},
		"route":      {made(t, "P", "AWS::EC2::Route", `{"RouteTableId":{"?":"B"},"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"}`), made(t, "B", "AWS::EC2::RouteTable", `{}`), "cloudformation://s/B", "Routes.0.GatewayId", `"igw-1"`, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := at(asset(t, Convert(Input{Resources: []Resource{tt.owner, tt.part}}), tt.id), tt.place); got != tt.certain {
				t.Errorf("without doubt %s is %s, want %s", tt.place, got, tt.certain)
			}
			tt.part.Doubt = "a condition is open"
			if got := at(asset(t, Convert(Input{Resources: []Resource{tt.owner, tt.part}}), tt.id), tt.place); got != tt.is {
				t.Errorf("in doubt %s is %s, want %s", tt.place, got, tt.is)
			}
		})
	}
}

// TestWhatIsNotUnderstoodIsSaid lists what leaves a blind spot.
func TestWhatIsNotUnderstoodIsSaid(t *testing.T) {
	out := Convert(Input{Resources: []Resource{
		made(t, "A", "AWS::Future::Thing", `{}`), made(t, "B", "AWS::Future::Thing", `{}`), made(t, "C", "Custom::Bucket", `{}`), made(t, "D", "AWS::CDK::Metadata", `{}`),
		made(t, "E", bucketType, `{"BucketName":"b","Sugar":1}`), made(t, "F", bucketType, `{"BucketName":"b"}`), made(t, "G", "AWS::S3::BucketPolicy", `{"Bucket":{"?":null}}`),
	}})
	var why []string
	for _, b := range out.BlindSpots {
		why = append(why, b.Why)
		if b.Hint == "" {
			t.Errorf("no hint: %+v", b)
		}
	}
	want := []string{
		"t.yaml:1: s/F: s/E and s/F are both arn:aws:s3:::b: the templates say two things of one asset",
		"t.yaml:1: s/G: which AWS::S3::Bucket it belongs to is not known: its Bucket is open",
		"s/A and 1 more: sevenfold does not understand AWS::Future::Thing",
		"s/C: Custom::Bucket is a custom resource: what its function makes no template says",
		"s/E sets Sugar, which no AWS::S3::Bucket has in the schema that sevenfold knows: what it means is not judged",
	}
	if diff := cmp.Diff(want, why); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Any bucket may be the one whose policy is open.
	if got := at(asset(t, out, "arn:aws:s3:::b"), "GetBucketPolicy"); got != "unread" {
		t.Errorf("a bucket's policy is %s though one has no known owner", got)
	}
	if a := asset(t, out, "cloudformation://s/A"); len(a.Reads) != 1 || a.Reads[0].Status.Known() {
		t.Errorf("a thing that is not understood was read: %+v", a.Reads)
	}
}

// TestAnOpenValueIsNeverAValue sets any property of any type to what is open:
// whatever it is, the asset says unknown where the closed value stood, or nothing
// more than without the property.
func TestAnOpenValueIsNeverAValue(t *testing.T) {
	types := Mains()
	rapid.Check(t, func(rt *rapid.T) {
		typ := rapid.SampledFrom(types).Draw(rt, "type")
		var names []string
		for _, p := range schemas()[typ].kids {
			if !p.readOnly {
				names = append(names, p.name)
			}
		}
		if len(names) == 0 {
			return
		}
		name := rapid.SampledFrom(names).Draw(rt, "property")
		r := Resource{Address: "s/X", Type: typ, Account: "111122223333", Region: "eu-west-1", Properties: map[string]any{name: &Open{Why: "open"}}}
		out := Convert(Input{Resources: []Resource{r}})
		if len(out.Assets) == 0 {
			rt.Fatalf("%s: no asset", typ)
		}
		var config map[string]any
		if err := json.Unmarshal(out.Assets[0].Config, &config); err != nil {
			rt.Fatal(err)
		}
		target := rules()[typ].as[name]
		if _, renamed := rules()[typ].as[name]; renamed && target == "" {
			return // a rule's own code says it, or nothing does
		}
		if target == "" {
			if k := member(&shapes()[typ].Root, name); k != nil {
				target = k.Name
			}
		}
		if target == "" || target == "." || strings.Contains(target, "[]") {
			return
		}
		pointer := "/" + strings.ReplaceAll(target, ".", "/")
		known := !slices.ContainsFunc(out.Assets[0].Unknown, func(u string) bool { return u == pointer || strings.HasPrefix(pointer, u+"/") })
		if key, _, _ := strings.Cut(target, "."); key == "Tags" || key == "TagList" || key == "tags" {
			return
		}
		if known {
			rt.Errorf("%s: %s is open and %s is no unknown: %s", typ, name, pointer, out.Assets[0].Config)
		}
	})
}

// FuzzConvert converts whatever properties a type is given: it ends, without a
// panic, and every unknown place is a place.
func FuzzConvert(f *testing.F) {
	f.Add("AWS::EC2::SecurityGroup", `{"SecurityGroupIngress":[1,null,{"IpProtocol":[]}]}`)
	f.Add("AWS::IAM::Role", `{"Policies":[{"PolicyDocument":1}],"ManagedPolicyArns":{"?":"X.Arn"}}`)
	f.Add("AWS::S3::Bucket", `{"BucketName":{"?":"X"},"LifecycleConfiguration":{"Rules":[[]]}}`)
	f.Add("AWS::Lambda::Permission", `{"FunctionName":{"?":"X"}}`)
	f.Add("AWS::EKS::Cluster", `{"Logging":{"ClusterLogging":{"EnabledTypes":[{}]}},"Tags":[1]}`)
	f.Add("AWS::SageMaker::Endpoint", `{"EndpointConfigName":{"?":"X"}}`)
	f.Add("AWS::ApiGateway::Resource", `{"ParentId":{"?":"X"},"PathPart":"a"}`)
	f.Fuzz(func(t *testing.T, typ, properties string) {
		var v map[string]any
		dec := json.NewDecoder(strings.NewReader(properties))
		dec.UseNumber()
		if dec.Decode(&v) != nil {
			return
		}
		if bad := func() (bad bool) {
			defer func() { bad = recover() != nil }() // the test's own way of writing open values
			opened(v)
			return false
		}(); bad {
			return
		}
		r := Resource{Address: "s/X", Type: typ, Account: "111122223333", Region: "eu-west-1", Properties: v}
		method := Resource{Address: "s/Y", Type: "AWS::ApiGateway::Method", Properties: map[string]any{"RestApiId": "a", "HttpMethod": "GET", "ResourceId": &Open{Parts: []Part{{Resource: "s/X"}}}}}
		for _, a := range Convert(Input{Resources: []Resource{r, method}}).Assets {
			if !json.Valid(a.Config) || a.ID == "" {
				t.Errorf("%+v", a)
			}
			for _, u := range a.Unknown {
				if !strings.HasPrefix(u, "/") {
					t.Errorf("%q is no place", u)
				}
			}
		}
	})
}

// BenchmarkConvert500 converts as many resources as a stack may have.
func BenchmarkConvert500(b *testing.B) {
	var in Input
	for i := range 125 {
		for _, r := range []Resource{
			made(b, fmt.Sprint("R", i), roleType, fmt.Sprintf(`{"RoleName":"r%d","Policies":[{"PolicyName":"p","PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":{"?":[{"?":"B%d.Arn"},"/*"]}}]}}]}`, i, i)),
			made(b, fmt.Sprint("B", i), bucketType, `{"VersioningConfiguration":{"Status":"Enabled"}}`),
			made(b, fmt.Sprint("M", i), "AWS::SageMaker::Model", fmt.Sprintf(`{"ModelName":"m%d","ExecutionRoleArn":{"?":"R%d.Arn"},"PrimaryContainer":{"Image":"i:1"}}`, i, i)),
			made(b, fmt.Sprint("C", i), "AWS::SageMaker::EndpointConfig", fmt.Sprintf(`{"EndpointConfigName":"c%d","ProductionVariants":[{"VariantName":"v","ModelName":{"?":"M%d.ModelName"},"InitialInstanceCount":2}]}`, i, i)),
		} {
			in.Resources = append(in.Resources, r)
		}
	}
	b.ResetTimer()
	for b.Loop() {
		if out := Convert(in); len(out.Assets) != 500 {
			b.Fatalf("%d assets", len(out.Assets))
		}
	}
}

// Where no account is known, a configuration has the id that an endpoint's name of
// it is completed to, unless two would have it.
func TestNamesWithoutAnAccount(t *testing.T) {
	nowhere := func(id, name string) Resource {
		r := made(t, id, "AWS::SageMaker::EndpointConfig", `{"EndpointConfigName":"`+name+`"}`)
		r.Account, r.Region = "", ""
		return r
	}
	for name, tt := range map[string]struct {
		in   []Resource
		want []string
	}{
		"one":            {[]Resource{nowhere("EC", "zz-ec")}, []string{"arn:aws:sagemaker:::endpoint-config/zz-ec"}},
		"one_name_twice": {[]Resource{nowhere("A", "zz-ec"), nowhere("B", "ZZ-EC")}, []string{"cloudformation://s/A", "cloudformation://s/B"}},
		"no_name":        {[]Resource{nowhere("EC", "")}, []string{"cloudformation://s/EC"}},
	} {
		var got []string
		for _, a := range Convert(Input{Resources: tt.in}).Assets {
			got = append(got, a.ID)
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
