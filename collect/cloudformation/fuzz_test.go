package cloudformation

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// FuzzRead reads whatever stands in a file: it gives resources or an error that
// names the file, and ends.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"Resources:\n  A: {Type: T, Properties: {V: !Sub '${B.Arn}/${AWS::Region}'}}\n  B: {Type: T}\n",
		`{"Resources":{"A":{"Type":"T","Condition":"C","Properties":{"V":{"Fn::If":["C",{"Ref":"P"},{"Ref":"AWS::NoValue"}]}}}},"Conditions":{"C":{"Fn::Equals":[{"Ref":"P"},"x"]}},"Parameters":{"P":{"Type":"String"}}}`,
		"Transform: AWS::LanguageExtensions\nResources: {Fn::ForEach::X: [N, [a, b], {'R${N}': {Type: T, Properties: {V: !Ref N}}}]}\n",
		"Transform: AWS::Serverless-2016-10-31\nResources: {F: {Type: AWS::Serverless::Function, Properties: {Policies: [x, {y: 1}], Events: {E: {Type: Api}}}}}\n",
		"a: &a [*b]\nb: &b [*a]\nResources: *a\n",
		`{"TemplateBody":"Resources: {}"}`,
		`{"version":"1","artifacts":{"A":{"type":"aws:cloudformation:stack","properties":{"templateFile":"t"}}}}`,
		"Resources: {A: {Type: T, Properties: {V: !Cidr [::/0, 256, 127], W: !Select [1, !Split ['', x]], X: !FindInMap [a, b]}}}\n",
		`{"ChangeSetName":"c","Changes":[{"ResourceChange":{"LogicalResourceId":"A","ResourceType":"T","AfterContext":"{"}}]}`,
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(dir, "t.yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		in, _, err := Read(context.Background(), Options{Path: path, Region: "eu-west-1"})
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Mend == "" || !strings.HasPrefix(e.Path, dir) {
				t.Errorf("%T %v has no file or no mend", err, err)
			}
			return
		}
		for _, r := range in.Resources {
			if r.Address == "" || r.Type == "" || r.Properties == nil {
				t.Errorf("%+v", r)
			}
		}
	})
}

// TestTextsJoinTheSame holds that a text is the same however it is put together:
// by Fn::Sub, by Fn::Join, in JSON and in YAML.
func TestTextsJoinTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "-", "/", ":", "P", "B", "B.Arn", "Q"}), 1, 6).Draw(rt, "parts")
		var sub strings.Builder
		var join []any
		for _, p := range parts {
			switch p {
			case "P", "B", "Q":
				sub.WriteString("${" + p + "}")
				join = append(join, map[string]any{"Ref": p})
			case "B.Arn":
				sub.WriteString("${" + p + "}")
				join = append(join, map[string]any{"Fn::GetAtt": []any{"B", "Arn"}})
			default:
				sub.WriteString(p)
				join = append(join, p)
			}
		}
		text, err := json.Marshal(map[string]any{
			"Parameters": map[string]any{"P": map[string]any{"Type": "String", "Default": "p"}, "Q": map[string]any{"Type": "String"}},
			"Resources": map[string]any{"B": map[string]any{"Type": "T"}, "R": map[string]any{"Type": "T", "Properties": map[string]any{
				"S": map[string]any{"Fn::Sub": sub.String()}, "J": map[string]any{"Fn::Join": []any{"", join}}}}}})
		if err != nil {
			rt.Fatal(err)
		}
		got, _ := properties(t, string(text), Options{})
		if s, j := fmt.Sprint(openText(got["t/R"]["S"])), fmt.Sprint(openText(got["t/R"]["J"])); s != j {
			rt.Errorf("Fn::Sub gives %s, Fn::Join %s", s, j)
		}
	})
}

func openText(v any) any {
	if o, ok := v.(*Open); ok {
		return *o
	}
	return v
}

// large makes a template of n resources, as large as a stack may be at 500.
func large(n int) []byte {
	var b strings.Builder
	b.WriteString("AWSTemplateFormatVersion: \"2010-09-09\"\nParameters: {Stage: {Type: String, Default: prod}}\nConditions: {Prod: !Equals [!Ref Stage, prod]}\nResources:\n")
	for i := range n / 5 {
		fmt.Fprintf(&b, `  Role%[1]d:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub serve-%[1]d-${Stage}
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "sts:AssumeRole", Principal: {Service: sagemaker.amazonaws.com}}]}
      Policies: [{PolicyName: data, PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: ["s3:GetObject"], Resource: !Sub "${Bucket%[1]d.Arn}/*"}]}}]
  Bucket%[1]d: {Type: "AWS::S3::Bucket", Properties: {BucketName: !Join ["-", [models, "%[1]d", !Ref Stage]], VersioningConfiguration: {Status: !If [Prod, Enabled, Suspended]}}}
  Model%[1]d: {Type: "AWS::SageMaker::Model", Properties: {ModelName: m%[1]d, ExecutionRoleArn: !GetAtt Role%[1]d.Arn, PrimaryContainer: {Image: "i:1", ModelDataUrl: !Sub "s3://${Bucket%[1]d}/m.tar.gz"}}}
  Config%[1]d: {Type: "AWS::SageMaker::EndpointConfig", Properties: {EndpointConfigName: c%[1]d, ProductionVariants: [{VariantName: main, ModelName: !GetAtt Model%[1]d.ModelName, InitialInstanceCount: 2, InstanceType: ml.g5.xlarge, InitialVariantWeight: 1}]}}
  Endpoint%[1]d: {Type: "AWS::SageMaker::Endpoint", Properties: {EndpointName: e%[1]d, EndpointConfigName: !GetAtt Config%[1]d.EndpointConfigName}}
`, i)
	}
	return []byte(b.String())
}

// BenchmarkRead500 reads a template with as many resources as a stack may have.
func BenchmarkRead500(b *testing.B) {
	path := filepath.Join(b.TempDir(), "t.yaml")
	if err := os.WriteFile(path, large(500), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for b.Loop() {
		in, _, err := Read(context.Background(), Options{Path: path, Account: "111122223333", Region: "eu-west-1"})
		if err != nil || len(in.Resources) != 500 {
			b.Fatalf("%d resources: %v", len(in.Resources), err)
		}
	}
}
