package aws

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/test/fakebedrock"
	"github.com/sevenfold-sec/sevenfold/test/faultproxy"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// memory is a sink that keeps everything.
type memory struct {
	mu      sync.Mutex
	assets  map[string]estate.Asset
	types   map[string]int
	blind   []estate.BlindSpot
	covered []estate.Coverage
	calls   map[string]int
}

func newMemory() *memory {
	return &memory{assets: map[string]estate.Asset{}, types: map[string]int{}, calls: map[string]int{}}
}

func (m *memory) Asset(a estate.Asset) {
	m.mu.Lock()
	defer m.mu.Unlock()
	have, ok := m.assets[a.ID]
	if !ok {
		m.types[a.Type]++
		m.assets[a.ID] = a
		return
	}
	m.assets[a.ID] = mergeAssets(have, a)
}

// mergeAssets is a plain form of the estate builder's merge.
func mergeAssets(a, b estate.Asset) estate.Asset {
	var x, y map[string]json.RawMessage
	_ = json.Unmarshal(a.Config, &x)
	_ = json.Unmarshal(b.Config, &y)
	if x == nil {
		x = map[string]json.RawMessage{}
	}
	for k, v := range y {
		if _, ok := x[k]; !ok || describes(b) {
			x[k] = v
		}
	}
	a.Config, _ = json.Marshal(x)
	if a.Region == "" {
		a.Region = b.Region
	}
	if a.Tags == nil {
		a.Tags = b.Tags
	}
	for _, r := range b.Reads {
		i := slices.IndexFunc(a.Reads, func(o estate.Read) bool { return o.Operation == r.Operation && o.Key == r.Key })
		switch {
		case i < 0:
			a.Reads = append(a.Reads, r)
		case r.Status.Known() && !a.Reads[i].Status.Known():
			a.Reads[i] = r
		}
	}
	return a
}

// describes reports whether the asset's root came of a describe.
func describes(a estate.Asset) bool {
	for _, r := range a.Reads {
		if _, op, _ := strings.Cut(r.Operation, ":"); r.Key == "" && r.Status == estate.ReadOK && !strings.HasPrefix(op, "List") {
			return true
		}
	}
	return false
}

func (m *memory) BlindSpot(b estate.BlindSpot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blind = append(m.blind, b)
}

func (m *memory) Covered(c estate.Coverage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.covered = append(m.covered, c)
}

func (m *memory) Called(op string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[op]++
}

// filled starts a moto with an account in it and points the environment there.
func filled(t *testing.T) *moto.Server {
	t.Helper()
	s := moto.Start(t)
	s.Python(t, filepath.Join("testdata", "fill.py"))
	for _, kv := range s.Env() {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
	return s
}

func collect(t *testing.T, o Options) *memory {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	if err := c.Collect(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestCallsArePlanned collects a whole account through a proxy that lists the
// calls: every one is in the plan and its grants are in the policy.
func TestCallsArePlanned(t *testing.T) {
	server := filled(t)
	bedrock := fakebedrock.New(t)
	bedrock.Put("eu-west-1", "bedrock", "GetGuardrail", fakebedrock.Doc{
		"guardrailId": "g1", "guardrailArn": "arn:aws:bedrock:eu-west-1:123456789012:guardrail/g1", "name": "g", "version": "DRAFT", "blockedInputMessaging": "no", "blockedOutputsMessaging": "no",
	})
	proxy := faultproxy.New(bedrock.Front(faultproxy.To(server.URL)),
		faultproxy.Rule{Service: "sagemaker", Operation: "ListEndpoints", Fault: faultproxy.Denied})
	t.Setenv("AWS_ENDPOINT_URL", faultproxy.Serve(t, proxy))
	o := Options{Regions: []string{"eu-west-1"}}
	m := collect(t, o)
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	planned, grants := map[string]bool{}, map[string]bool{}
	policies := strings.Join(c.Policy(), "")
	for _, s := range c.Plan() {
		planned[s.Operation] = true
		for _, g := range s.Grants {
			grants[g] = true
			if !strings.Contains(policies, `"`+g+`"`) {
				t.Errorf("%s is not in the policy", g)
			}
		}
	}
	for op := range proxy.Count() {
		if newer := map[string]string{"s3:GetBucketNotification": "s3:GetBucketNotificationConfiguration", "s3:GetBucketLifecycle": "s3:GetBucketLifecycleConfiguration"}[op]; newer != "" {
			op = newer // the two spellings are one request
		}
		if !planned[op] {
			t.Errorf("%s was called and is not planned", op)
		}
		service, name, _ := strings.Cut(op, ":")
		if g := api.Grant(service, name); op != "sts:GetCallerIdentity" && !grants[g] {
			t.Errorf("%s needs %s, which the policy does not give", op, g)
		}
	}
	if m.assets["arn:aws:bedrock:eu-west-1:123456789012:guardrail/g1"].Type != "AWS::Bedrock::Guardrail" {
		t.Error("the guardrail was not read")
	}
	if !slices.ContainsFunc(m.blind, func(b estate.BlindSpot) bool { return b.Hint == "grant sagemaker:ListEndpoints" }) {
		t.Error("the refused list is not named with its grant")
	}
	if m.types["AWS::SageMaker::TrainingJob"] != 3 || m.types["AWS::S3::Bucket"] != 3 {
		t.Errorf("types: %v", m.types)
	}
	for _, typ := range []string{"AWS::Logs::SubscriptionFilter", "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient", "AWS::Cognito::IdentityPool"} {
		if m.types[typ] != 1 {
			t.Errorf("%s: %d read, want 1", typ, m.types[typ])
		}
	}
	for id, a := range m.assets {
		if a.Type == "AWS::Cognito::UserPoolClient" && strings.Contains(string(a.Config), "Secret") {
			t.Errorf("%s holds the secret: %s", id, a.Config)
		}
	}
	if root := m.assets["arn:aws:iam::123456789012:root"]; !strings.Contains(string(root.Config), `"GetCredentialReport":{`) {
		t.Logf("moto's report has no row for root: %s", root.Config)
	}
	if tags := m.assets["arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/lab"].Tags; tags == nil {
		t.Error("the notebook's tags were read and are none; got nil")
	}
}

// export reads a folder as the files collector does.
func export(t *testing.T, dir string) *memory {
	t.Helper()
	e, err := catalog.NewExport()
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if !e.Read(estate.Document{Path: filepath.ToSlash(rel), Body: body, Source: "dir"}, m) {
			t.Errorf("%s: not understood", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Flush(m)
	return m
}

func TestExportEqualsLive(t *testing.T) {
	s := filled(t)
	live := collect(t, Options{Regions: []string{"eu-west-1"}, Services: liveServices})
	dir := t.TempDir()
	s.Python(t, filepath.Join("testdata", "export.py"), dir)
	got := export(t, dir)
	for _, b := range got.blind {
		t.Errorf("blind spot: %+v", b)
	}
	for id, a := range got.assets {
		l, ok := live.assets[id]
		if !ok {
			t.Errorf("%s: in the export only", id)
			continue
		}
		compareAssets(t, a, l)
	}
	for id, a := range live.assets {
		if _, ok := got.assets[id]; !ok && exported[a.Type] {
			t.Errorf("%s: not found in the export", id)
		}
	}
}

var liveServices = []string{"iam", "s3", "ec2", "kms", "sagemaker", "ecr", "dynamodb", "secretsmanager", "logs", "eks", "ecs", "glue",
	"stepfunctions", "cloudtrail", "rds", "efs", "sns", "sqs", "events"}

// exported are types of which the test exports every asset.
var exported = map[string]bool{
	"AWS::IAM::User": true, "AWS::IAM::Role": true, "AWS::IAM::AccessKey": true, "AWS::S3::Bucket": true, "AWS::EC2::VPC": true,
	"AWS::EC2::SecurityGroup": true, "AWS::EC2::TransitGatewayRouteTable": true, "AWS::KMS::Key": true,
	"AWS::SageMaker::Endpoint": true, "AWS::SageMaker::TrainingJob": true, "AWS::EKS::Cluster": true, "AWS::ECS::Cluster": true,
	"AWS::StepFunctions::StateMachine": true, "AWS::Organizations::Account": true,
}

// compareAssets compares what both sides read of one asset, operation by
// operation.
func compareAssets(t *testing.T, got, want estate.Asset) {
	t.Helper()
	if got.Type != want.Type || got.Account != want.Account || got.Region != want.Region {
		t.Errorf("%s: got %s %s %s, want %s %s %s", got.ID, got.Type, got.Account, got.Region, want.Type, want.Account, want.Region)
	}
	g, w := configOf(t, got), configOf(t, want)
	keys := map[string]bool{}
	for _, r := range want.Reads {
		if r.Key != "" {
			keys[r.Key] = true
		}
	}
	rootRead := true
	for _, r := range got.Reads {
		if r.Key == "" && r.Status != estate.ReadOK {
			rootRead = false
		}
		if r.Status != estate.ReadOK {
			delete(w, r.Key)
			delete(g, r.Key)
		}
	}
	for k, v := range w {
		if !keys[k] && !rootRead {
			continue
		}
		if volatile[k] || cmp.Equal(v, g[k]) {
			continue
		}
		t.Errorf("%s %s: %s", got.ID, k, cmp.Diff(v, g[k]))
	}
}

// volatile members differ from call to call.
var volatile = map[string]bool{"LatestRestorableTime": true, "SizeInBytes": true, "LastModifiedTime": true, "CreatedTime": true}

func configOf(t *testing.T, a estate.Asset) map[string]any {
	t.Helper()
	var m map[string]any
	if len(a.Config) == 0 {
		return m
	}
	if err := json.Unmarshal(a.Config, &m); err != nil {
		t.Fatalf("%s: %v", a.ID, err)
	}
	return m
}
