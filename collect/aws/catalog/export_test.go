package catalog

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// shelf is a sink that keeps what it is sent, parts of one asset joined.
type shelf struct {
	mu      sync.Mutex
	assets  map[string]estate.Asset
	blind   []estate.BlindSpot
	covered []estate.Coverage
}

func (s *shelf) Asset(a estate.Asset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.assets == nil {
		s.assets = map[string]estate.Asset{}
	}
	have, ok := s.assets[a.ID]
	if !ok {
		s.assets[a.ID] = a
		return
	}
	var x, y map[string]json.RawMessage
	_ = json.Unmarshal(have.Config, &x)
	_ = json.Unmarshal(a.Config, &y)
	if x == nil {
		x = map[string]json.RawMessage{}
	}
	for k, v := range y {
		x[k] = v
	}
	have.Config, _ = json.Marshal(x)
	have.Reads = append(have.Reads, a.Reads...)
	have.Unknown = append(have.Unknown, a.Unknown...)
	if a.Region != "" {
		have.Region = a.Region
	}
	if a.Tags != nil {
		have.Tags = a.Tags
	}
	s.assets[a.ID] = have
}
func (s *shelf) BlindSpot(b estate.BlindSpot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blind = append(s.blind, b)
}
func (s *shelf) Covered(c estate.Coverage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.covered = append(s.covered, c)
}
func (s *shelf) Called(string) {}

// at looks a path up in an asset's configuration.
func (s *shelf) at(id, path string) any {
	a, ok := s.assets[id]
	if !ok {
		return nil
	}
	var v any
	if json.Unmarshal(a.Config, &v) != nil {
		return nil
	}
	return Lookup(v, path)
}

// status is the best status of a read of an asset.
func (s *shelf) status(id, key string) estate.ReadStatus {
	best := estate.ReadStatus("none")
	for _, r := range s.assets[id].Reads {
		if r.Key == key && (best == "none" || best == estate.ReadSkipped || r.Status.Known()) {
			best = r.Status
		}
	}
	return best
}

// doc is one file of a folder.
type doc struct{ path, body string }

// read reads a folder in the given order.
func read(t *testing.T, account, region string, docs ...doc) *shelf {
	t.Helper()
	e, err := NewExport()
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{}
	for _, d := range docs {
		if !e.Read(estate.Document{Path: d.path, Body: []byte(d.body), Account: account, Region: region, Source: "dir:x"}, s) {
			t.Errorf("%s: not understood", d.path)
		}
	}
	e.Flush(s)
	return s
}

const bucketPolicy = `{"Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\"}]}"}`

// TestLayouts reads one reply under the names people give files.
func TestLayouts(t *testing.T) {
	const id = "arn:aws:s3:::acme-data"
	for _, path := range []string{
		"s3api/get-bucket-policy/acme-data.json",
		"111122223333/s3api/get-bucket-policy/acme-data.json",
		"export/eu-west-1/s3/get-bucket-policy/acme-data.yaml",
		"s3api/get-bucket-policy_acme-data.json",
		"s3api-get-bucket-policy-acme-data.json",
		"s3api.get-bucket-policy.acme-data.json",
		"s3/GetBucketPolicy/acme-data.json",
		"dump/s3_get_bucket_policy_acme-data.json.gz",
	} {
		t.Run(path, func(t *testing.T) {
			s := read(t, "111122223333", "", doc{path, bucketPolicy})
			if got := s.at(id, "GetBucketPolicy.Policy.Statement[0].Principal"); got != "*" {
				t.Errorf("principal: got %v, want * (assets %v, blind spots %+v)", got, s.assets, s.blind)
			}
			if got := s.status(id, ""); got != estate.ReadSkipped {
				t.Errorf("the root was not exported: got status %s, want skipped", got)
			}
			if got := s.assets[id].Account; got != "111122223333" {
				t.Errorf("account: got %q", got)
			}
		})
	}
}

// TestSubjects finds the asset a reply is about, whichever came first.
func TestSubjects(t *testing.T) {
	keys := doc{"kms/list-keys.json", `{"Keys":[{"KeyId":"k-1","KeyArn":"arn:aws:kms:eu-west-1:111122223333:key/k-1"},{"KeyId":"k-2","KeyArn":"arn:aws:kms:eu-west-1:111122223333:key/k-2"}]}`}
	policy := `{"Policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"kms:*\",\"Resource\":\"*\"}]}","PolicyName":"default"}`
	const id = "arn:aws:kms:eu-west-1:111122223333:key/k-1"
	for _, path := range []string{
		"kms/get-key-policy/k-1.json",
		"kms/get-key-policy/arn%3Aaws%3Akms%3Aeu-west-1%3A111122223333%3Akey%2Fk-1.json",
		"kms/get-key-policy/arn_aws_kms_eu-west-1_111122223333_key_k-1.json",
		"kms/get-key-policy/arn:aws:kms:eu-west-1:111122223333:key/k-1.json",
	} {
		for _, order := range [][]doc{{keys, {path, policy}}, {{path, policy}, keys}} {
			s := read(t, "", "", order...)
			if got := s.at(id, "GetKeyPolicy.Policy.Statement[0].Effect"); got != "Allow" {
				t.Errorf("%s: got %v, blind spots %+v", path, got, s.blind)
			}
			if len(s.assets) != 2 {
				t.Errorf("%s: %d assets, want 2", path, len(s.assets))
			}
		}
	}
}

// TestWholeAccountBatch takes a reply about all assets of an account apart.
func TestWholeAccountBatch(t *testing.T) {
	const id = "arn:aws:config:eu-west-1:111122223333:configuration-recorder/"
	recorders := doc{"configservice/describe-configuration-recorders.json", `{"ConfigurationRecorders":[{"name":"default","roleARN":"r"},{"name":"extra","roleARN":"r"}]}`}
	both := `{"ConfigurationRecordersStatus":[{"name":"default","recording":true},{"name":"extra","recording":false}]}`
	s := read(t, "111122223333", "eu-west-1", doc{"configservice/describe-configuration-recorder-status.json", both}, recorders)
	for name, want := range map[string]bool{"default": true, "extra": false} {
		own, _ := s.at(id+name, "DescribeConfigurationRecorderStatus.ConfigurationRecordersStatus").([]any)
		if len(own) != 1 || s.at(id+name, "DescribeConfigurationRecorderStatus.ConfigurationRecordersStatus[0].recording") != want {
			t.Errorf("%s: got %v, want recording %v alone", name, own, want)
		}
		if got := s.status(id+name, "DescribeConfigurationRecorderStatus"); got != estate.ReadOK {
			t.Errorf("%s: status %s", name, got)
		}
	}
	if len(s.blind) > 0 {
		t.Errorf("blind spots %+v", s.blind)
	}

	// One that nobody listed: nothing is guessed, and the file is named.
	s = read(t, "111122223333", "eu-west-1", recorders, doc{"configservice/describe-configuration-recorder-status.json", strings.Replace(both, `"extra"`, `"other"`, 1)})
	if got := s.status(id+"default", "DescribeConfigurationRecorderStatus"); got == estate.ReadOK {
		t.Error("a reply about unknown recorders was attached in part")
	}
	if len(s.blind) == 0 {
		t.Error("nothing tells of the file that was not understood")
	}
}

// TestContentAlone recognises replies whose path says nothing.
func TestContentAlone(t *testing.T) {
	for _, c := range []struct{ name, body, id, path string }{
		{"training job", `{"TrainingJobName":"j","TrainingJobArn":"arn:aws:sagemaker:us-east-1:111122223333:training-job/j","TrainingJobStatus":"Completed","RoleArn":"arn:aws:iam::111122223333:role/r","CreationTime":1700000000.5}`,
			"arn:aws:sagemaker:us-east-1:111122223333:training-job/j", "TrainingJobStatus"},
		{"security groups", `{"SecurityGroups":[{"GroupId":"sg-1","GroupName":"g","OwnerId":"111122223333","VpcId":"vpc-1","IpPermissions":[],"SecurityGroupArn":"arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1"}]}`,
			"arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1", "GroupName"},
		{"instances by zone and owner", `{"Reservations":[{"OwnerId":"111122223333","ReservationId":"r-1","Instances":[{"InstanceId":"i-1","Placement":{"AvailabilityZone":"eu-west-1a"},"InstanceType":"p4d.24xlarge"}]}]}`,
			"arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "InstanceType"},
		{"authorization details", `{"UserDetailList":[{"UserName":"u","Arn":"arn:aws:iam::111122223333:user/u","UserId":"A"}],"GroupDetailList":[],"RoleDetailList":[{"RoleName":"r","Arn":"arn:aws:iam::111122223333:role/r","AssumeRolePolicyDocument":"%7B%22Statement%22%3A%5B%5D%7D"}],"Policies":[]}`,
			"arn:aws:iam::111122223333:role/r", "AssumeRolePolicyDocument.Statement"},
		{"knowledge base", `{"knowledgeBase":{"knowledgeBaseId":"KB1","name":"docs","knowledgeBaseArn":"arn:aws:bedrock:eu-west-1:111122223333:knowledge-base/KB1","roleArn":"arn:aws:iam::111122223333:role/r","status":"ACTIVE"}}`,
			"arn:aws:bedrock:eu-west-1:111122223333:knowledge-base/KB1", "name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := read(t, "", "", doc{"some/file.json", c.body})
			if s.at(c.id, c.path) == nil {
				t.Errorf("%s: nothing at %s; assets %v, blind spots %+v", c.id, c.path, slices.Collect(keysOf(s.assets)), s.blind)
			}
		})
	}
}

func keysOf(m map[string]estate.Asset) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// TestNotOurs leaves other people's documents alone.
func TestNotOurs(t *testing.T) {
	e, err := NewExport()
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{}}`,
		`{"name":"pkg","version":"1.0.0","description":"d"}`,
		`{"Policy":"p"}`, `{"tags":{"a":"b"}}`, `[1,2]`, `{}`, `"x"`, `{"items":[]}`, `{"Statement":[]}`, `{`, ``,
		`{"resource_changes":[],"format_version":"1.2"}`,
	} {
		s := &shelf{}
		if e.Read(estate.Document{Path: "folder/file.json", Body: []byte(body)}, s) {
			t.Errorf("%s: taken for AWS: %v %+v", body, s.assets, s.blind)
		}
	}
}

// TestBlindSpots says what an export does not tell.
func TestBlindSpots(t *testing.T) {
	for _, c := range []struct {
		name string
		docs []doc
		want string
	}{
		{"ambiguous content", []doc{{"kmsish/file.json", `{"Tags":[{"Key":"a","Value":"b"}],"X":"arn:aws:foo:::x"}`}}, ""},
		{"several services", []doc{{"sagemaker/list-tags/fraud.json", `{"Tags":[]}`}}, `nothing in the export is called "fraud"`},
		{"damaged", []doc{{"s3api/get-bucket-acl/b.json", `{"Wrong":1}`}}, "does not hold its output"},
		{"no account", []doc{{"ec2/describe-vpcs.json", `{"Vpcs":[{"VpcId":"vpc-1"}]}`}}, "which account"},
		{"no id", []doc{{"111122223333/eu-west-1/ec2/describe-vpcs.json", `{"Vpcs":[{"CidrBlock":"10.0.0.0/16"}]}`}}, "neither does its path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := NewExport()
			if err != nil {
				t.Fatal(err)
			}
			s := &shelf{}
			for _, d := range c.docs {
				e.Read(estate.Document{Path: d.path, Body: []byte(d.body)}, s)
			}
			e.Flush(s)
			if c.want == "" {
				return
			}
			if !slices.ContainsFunc(s.blind, func(b estate.BlindSpot) bool { return strings.Contains(b.Why, c.want) }) {
				t.Errorf("no blind spot says %q: %+v", c.want, s.blind)
			}
			for _, b := range s.blind {
				if b.Hint == "" {
					t.Errorf("no hint: %+v", b)
				}
			}
		})
	}
}

// TestCovered covers only what was listed to the end.
func TestCovered(t *testing.T) {
	whole := `{"Endpoints":[]}`
	more := `{"Endpoints":[],"NextToken":"x"}`
	want := estate.Coverage{Type: "AWS::SageMaker::Endpoint", Account: "111122223333", Region: "eu-west-1"}
	for body, covered := range map[string]bool{whole: true, more: false} {
		s := read(t, "", "", doc{"111122223333/eu-west-1/sagemaker/list-endpoints.json", body})
		if got := slices.Contains(s.covered, want); got != covered {
			t.Errorf("%s: covered %v, want %v (%+v)", body, got, covered, s.covered)
		}
	}
}

// TestChildrenCovered covers a type below others only if every parent's list
// is there.
func TestChildrenCovered(t *testing.T) {
	agents := doc{"bedrock-agent/list-agents.json", `{"agentSummaries":[{"agentId":"A1","agentName":"a"},{"agentId":"A2","agentName":"b"}]}`}
	one := doc{"bedrock-agent/list-agent-aliases/A1.json", `{"agentAliasSummaries":[]}`}
	two := doc{"bedrock-agent/list-agent-aliases/A2.json", `{"agentAliasSummaries":[]}`}
	want := estate.Coverage{Type: "AWS::Bedrock::AgentAlias", Account: "111122223333", Region: "eu-west-1"}
	for _, c := range []struct {
		docs []doc
		want bool
	}{{[]doc{agents, one, two}, true}, {[]doc{agents, one}, false}, {[]doc{one, two}, false}} {
		s := read(t, "111122223333", "eu-west-1", c.docs...)
		if got := slices.Contains(s.covered, want); got != c.want {
			t.Errorf("%d documents: covered %v, want %v", len(c.docs), got, c.want)
		}
	}
}

// TestIAMInPieces reads an account exported call by call.
func TestIAMInPieces(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/train"
	docs := []doc{
		{"iam/get-role-policy/train/data.json", `{"RoleName":"train","PolicyName":"data","PolicyDocument":{"Statement":[]}}`},
		{"iam/list-role-policies/train.json", `{"PolicyNames":["data"]}`},
		{"iam/list-attached-role-policies/train.json", `{"AttachedPolicies":[{"PolicyName":"wide","PolicyArn":"arn:aws:iam::aws:policy/wide"}]}`},
		{"iam/get-role/train.json", `{"Role":{"RoleName":"train","Arn":"` + role + `","Path":"/","RoleId":"R","AssumeRolePolicyDocument":{"Statement":[]}}}`},
	}
	s := read(t, "", "", docs...)
	want := []any{map[string]any{"PolicyName": "data", "PolicyDocument": map[string]any{"Statement": []any{}}}}
	if diff := cmp.Diff(want, s.at(role, "RolePolicyList")); diff != "" {
		t.Errorf("RolePolicyList (-want +got):\n%s", diff)
	}
	if got := s.at(role, "AttachedManagedPolicies[0].PolicyName"); got != "wide" {
		t.Errorf("attached: got %v", got)
	}
	if s.assets[role].Unknown != nil {
		t.Errorf("unknown: got %v, want none", s.assets[role].Unknown)
	}
	s = read(t, "", "", docs[0], docs[3])
	if got := s.assets[role].Unknown; !slices.Contains(got, "/RolePolicyList") {
		t.Errorf("without the list of names the inline policies are not known to be all: got %v", got)
	}
}

// TestCredentialReport joins the rows to users and the root user.
func TestCredentialReport(t *testing.T) {
	csv := "user,arn,password_enabled,mfa_active\n<root_account>,arn:aws:iam::111122223333:root,not_supported,false\nada,arn:aws:iam::111122223333:user/ada,true,false\n"
	for _, content := range []string{csv, base64.StdEncoding.EncodeToString([]byte(csv))} {
		body, _ := json.Marshal(map[string]string{"Content": content, "ReportFormat": "text/csv"})
		s := read(t, "", "", doc{"iam/get-credential-report.json", string(body)})
		for id, typ := range map[string]string{"arn:aws:iam::111122223333:root": "AWS::Organizations::Account", "arn:aws:iam::111122223333:user/ada": "AWS::IAM::User"} {
			if got := s.at(id, "GetCredentialReport.mfa_active"); got != "false" || s.assets[id].Type != typ {
				t.Errorf("%s: got %v %s", id, got, s.assets[id].Type)
			}
		}
	}
}

// TestExportedErrors take a refusal for a refusal and an absence for one.
func TestExportedErrors(t *testing.T) {
	list := doc{"s3api/list-buckets.json", `{"Buckets":[{"Name":"b","CreationDate":"2024-01-01T00:00:00+00:00"}],"Owner":{"ID":"x"}}`}
	for code, want := range map[string]estate.ReadStatus{"NoSuchBucketPolicy": estate.ReadAbsent, "AccessDenied": estate.ReadDenied, "SlowDown": estate.ReadThrottled, "InternalError": estate.ReadFailed} {
		s := read(t, "111122223333", "", list, doc{"s3api/get-bucket-policy/b.json", `{"Error":{"Code":"` + code + `","Message":"m"}}`})
		if got := s.status("arn:aws:s3:::b", "GetBucketPolicy"); got != want {
			t.Errorf("%s: got %s, want %s", code, got, want)
		}
	}
}

// TestNamesOnly takes a list of bare names for what it is.
func TestNamesOnly(t *testing.T) {
	list := doc{"eks/list-nodegroups/c.json", `{"nodegroups":["gpu"]}`}
	full := doc{"eks/describe-nodegroup/c/gpu.json", `{"nodegroup":{"nodegroupName":"gpu","clusterName":"c","nodegroupArn":"arn:aws:eks:eu-west-1:111122223333:nodegroup/c/gpu/1"}}`}
	if s := read(t, "111122223333", "eu-west-1", list, full); len(s.blind) != 0 || len(s.assets) != 1 {
		t.Errorf("got %d assets, blind spots %+v", len(s.assets), s.blind)
	}
	if s := read(t, "111122223333", "eu-west-1", list); len(s.blind) != 1 || !strings.Contains(s.blind[0].Why, "gpu is listed") {
		t.Errorf("blind spots: %+v", s.blind)
	}
}

// TestEmptyOutput takes a file with nothing in it for a reply only where a
// reply may be empty.
func TestEmptyOutput(t *testing.T) {
	e, err := NewExport()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"s3api/get-bucket-versioning/b.json": true, "s3api/get-bucket-policy/b.json": false} {
		if got := e.Read(estate.Document{Path: path, Body: []byte(`{"Error":{"Code":"EmptyOutput","Operation":"","Message":""}}`)}, &shelf{}); got != want {
			t.Errorf("%s: understood %v, want %v", path, got, want)
		}
	}
}

// TestProvidersOwn gives AWS's own policies to no account.
func TestProvidersOwn(t *testing.T) {
	s := read(t, "", "", doc{"111122223333/iam/list-policies.json", `{"Policies":[{"PolicyName":"p","Arn":"arn:aws:iam::aws:policy/p","AttachmentCount":3}]}`})
	a := s.assets["arn:aws:iam::aws:policy/p"]
	if a.Account != "" || strings.Contains(string(a.Config), "AttachmentCount") {
		t.Errorf("got account %q config %s", a.Account, a.Config)
	}
}

// TestChildren place what is listed for a parent.
func TestChildren(t *testing.T) {
	s := read(t, "111122223333", "eu-west-1",
		doc{"bedrock-agent/list-agent-action-groups/AG1.json", `{"actionGroupSummaries":[{"actionGroupId":"G1","actionGroupName":"pay","actionGroupState":"ENABLED"}]}`},
		doc{"bedrock-agent/list-data-sources/KB1.json", `{"dataSourceSummaries":[{"knowledgeBaseId":"KB1","dataSourceId":"D1","name":"s3"}]}`},
		doc{"apigateway/get-stages/api1.json", `{"item":[{"stageName":"prod","deploymentId":"d"}]}`},
		doc{"ec2/search-transit-gateway-routes/tgw-rtb-1.json", `{"Routes":[{"DestinationCidrBlock":"0.0.0.0/0","State":"active"}]}`},
		doc{"organizations/list-targets-for-policy/p-1.json", `{"Targets":[{"TargetId":"111122223333","Type":"ACCOUNT"}]}`},
		doc{"organizations/list-policies.json", `{"Policies":[{"Id":"p-1","Arn":"arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1","Name":"deny"}]}`},
	)
	for _, c := range []struct{ id, path string }{
		{"arn:aws:bedrock:eu-west-1:111122223333:agent/AG1#action-group/G1", "actionGroupName"},
		{"arn:aws:bedrock:eu-west-1:111122223333:knowledge-base/KB1#data-source/D1", "name"},
		{"arn:aws:apigateway:eu-west-1::/restapis/api1/stages/prod", "stageName"},
		{"arn:aws:ec2:eu-west-1:111122223333:transit-gateway-route-table/tgw-rtb-1", "SearchTransitGatewayRoutes.Routes"},
		{"arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1", "ListTargetsForPolicy.Targets"},
	} {
		if s.at(c.id, c.path) == nil {
			t.Errorf("%s: nothing at %s", c.id, c.path)
		}
	}
	for _, b := range s.blind {
		t.Errorf("blind spot: %+v", b)
	}
}

// TestOwners leaves out what others share and drops presigned addresses.
func TestOwners(t *testing.T) {
	s := read(t, "", "",
		doc{"111122223333/eu-west-1/ec2/describe-snapshots.json", `{"Snapshots":[{"SnapshotId":"snap-1","OwnerId":"111122223333"},{"SnapshotId":"snap-2","OwnerId":"999988887777"}]}`},
		doc{"lambda/list-functions.json", `{"Functions":[{"FunctionName":"f","FunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:f"}]}`},
		doc{"lambda/get-function/f.json", `{"Configuration":{"FunctionName":"f","FunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:f"},"Code":{"RepositoryType":"S3","Location":"https://presigned"}}`})
	if _, ok := s.assets["arn:aws:ec2:eu-west-1:111122223333:snapshot/snap-1"]; !ok {
		t.Errorf("the account's own snapshot is not among %v", slices.Collect(keysOf(s.assets)))
	}
	for id := range s.assets {
		if strings.Contains(id, "snap-2") {
			t.Errorf("another account's snapshot is taken for ours: %s", id)
		}
	}
	const f = "arn:aws:lambda:eu-west-1:111122223333:function:f"
	if s.at(f, "GetFunction.Code.RepositoryType") != "S3" || s.at(f, "GetFunction.Code.Location") != nil {
		t.Errorf("the code: %s, blind spots %+v", s.assets[f].Config, s.blind)
	}
}

// BenchmarkExport reads documents recognised by their path.
func BenchmarkExport(b *testing.B) {
	e, err := NewExport()
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"TrainingJobName":"j","TrainingJobArn":"arn:aws:sagemaker:us-east-1:111122223333:training-job/j","TrainingJobStatus":"Completed","RoleArn":"arn:aws:iam::111122223333:role/r","CreationTime":1700000000.5}`)
	for _, path := range []string{"sagemaker/describe-training-job/j.json", "x/y.json"} {
		b.Run(strings.Split(path, "/")[0], func(b *testing.B) {
			for b.Loop() {
				e.Read(estate.Document{Path: path, Body: body}, &shelf{})
			}
		})
	}
}

// TestTagging supplies tags to assets read before or after.
func TestTagging(t *testing.T) {
	tags := doc{"resourcegroupstaggingapi/get-resources.json", `{"ResourceTagMappingList":[{"ResourceARN":"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/e","Tags":[{"Key":"app","Value":"fraud"}]}]}`}
	list := doc{"sagemaker/list-endpoints.json", `{"Endpoints":[{"EndpointName":"e","EndpointArn":"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/e"}]}`}
	for _, docs := range [][]doc{{tags, list}, {list, tags}} {
		s := read(t, "", "", docs...)
		if got := s.assets["arn:aws:sagemaker:eu-west-1:111122223333:endpoint/e"].Tags["app"]; got != "fraud" {
			t.Errorf("tag: got %q", got)
		}
	}
}

// FuzzExport never panics, whatever a folder holds.
func FuzzExport(f *testing.F) {
	f.Add("s3api/get-bucket-policy/b.json", bucketPolicy)
	f.Add("iam/get-account-authorization-details.json", `{"UserDetailList":[{"Arn":"x"}]}`)
	f.Add("x", `{"Reservations":[{"Instances":[{"InstanceId":1}]}]}`)
	f.Add("iam/get-credential-report.json", `{"Content":"YSxhcm4="}`)
	f.Add("ecs/describe-clusters/_%2f.json", `{"clusters":[{}],"nextToken":""}`)
	f.Fuzz(func(t *testing.T, path, body string) {
		e, err := NewExport()
		if err != nil {
			t.Fatal(err)
		}
		s := &shelf{}
		e.Read(estate.Document{Path: path, Body: []byte(body)}, s)
		e.Flush(s)
		for id, a := range s.assets {
			if id == "" || a.Type == "" || !json.Valid(a.Config) && a.Config != nil {
				t.Errorf("bad asset %+v", a)
			}
		}
	})
}
