package aws

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func TestAIImage(t *testing.T) {
	for ref, want := range map[string]bool{
		"vllm/vllm-openai:v0.6":                                                            true,
		"ghcr.io/huggingface/text-generation-inference:2.0":                                true,
		"763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-training:2.1-gpu":            true,
		"763104351884.dkr.ecr.eu-west-1.amazonaws.com/huggingface-pytorch-tgi-inference:2": true,
		"nvcr.io/nvidia/tritonserver:24.05-py3":                                            true,
		"ollama/ollama":                                                                    true,
		"acme/ollama-docs:1":                                                               false,
		"acme/pytorch-training-portal:1":                                                   true,
		"acme/observing:1":                                                                 false,
		"nginx:1.27":                                                                       false,
		"localhost:5000/api":                                                               false,
		"acme/triton-mail:1":                                                               false,
	} {
		if got := aiImage(ref) != ""; got != want {
			t.Errorf("%s: %v, want %v", ref, got, want)
		}
	}
}

func TestAccelerator(t *testing.T) {
	for typ, want := range map[string]string{
		"p2.xlarge": "p", "p3dn.24xlarge": "p", "p4d.24xlarge": "p", "p5en.48xlarge": "p", "p6-b200.48xlarge": "p", "p6e-gb200.36xlarge": "p",
		"ml.p4d.24xlarge": "p", "g4dn.xlarge": "g", "g5g.xlarge": "g", "ml.g6e.xlarge": "g", "gr6.4xlarge": "gr", "g5": "g",
		"trn1.2xlarge": "trn", "trn1n.32xlarge": "trn", "trn2.48xlarge": "trn", "inf1.xlarge": "inf", "inf2.xlarge": "inf", "dl1.24xlarge": "dl", "dl2q.24xlarge": "dl",
		// near misses
		"g4ad.xlarge": "", "ml.g4ad.16xlarge": "", "g4ad": "", "m6g.large": "", "c7gn.large": "", "t4g.micro": "", "vt1.3xlarge": "", "f1.2xlarge": "", "f2.6xlarge": "", "r5dn.large": "", "d3en.xlarge": "",
		"optimal": "", "p": "", "": "", "ml.": "", "ml.m5.xlarge": "", "hpc7g.4xlarge": "", "is4gen.large": "", "u7i-12tb.224xlarge": "",
	} {
		s, ok := accelerator(typ)
		if s.letters != want || ok != (want != "") {
			t.Errorf("%q: series %q, want %q", typ, s.letters, want)
		}
	}
}

// TestAGlueJobIsAnAIPipelineOnlyIfItSaysSo: most load warehouses.
func TestAGlueJobIsAnAIPipelineOnlyIfItSaysSo(t *testing.T) {
	for text, want := range map[string]bool{
		`{"Name":"rag-ingest"}`: true, `{"Name":"nightly","Command":{"ScriptLocation":"s3://acme-sagemaker-code/x.py"}}`: true,
		`{"Name":"nightly","DefaultArguments":{"--output":"s3://acme/training/set/"}}`:                             true,
		`{"Name":"nightly","DefaultArguments":{"--additional-python-modules":"torch==2.1,boto3"}}`:                 true,
		`{"Name":"nightly","Description":"fills the knowledge base"}`:                                              true,
		`{"Name":"billing-etl","Command":{"ScriptLocation":"s3://acme-code/etl.py"}}`:                              false,
		`{"Name":"email-html","DefaultArguments":{"--enable-metrics":"true","--TempDir":"s3://acme-tmp/detail/"}}`: false,
		`{}`: false,
	} {
		a := estate.Asset{ID: "arn:aws:glue:eu-west-1:111122223333:job/nightly", Type: "AWS::Glue::Job", Cloud: estate.AWS, Config: json.RawMessage(text)}
		if got := Understand(&a).Root != nil; got != want {
			t.Errorf("%s: root %v, want %v", text, got, want)
		}
	}
}

func TestFamily(t *testing.T) {
	for name, want := range map[string]string{
		"fraud-xgb-2025-01-02-03-04-05-678":            "fraud-xgb",
		"fraud-20250102":                               "fraud",
		"fraud-20250102T030405Z":                       "fraud",
		"fraud_2025-01-02T03-04-05":                    "fraud",
		"fraud-1735689600":                             "fraud",
		"fraud-001":                                    "fraud",
		"fraud-7":                                      "fraud",
		"fraud-v2-20250102":                            "fraud-v2",
		"tune-250102-0304-001-0a1b2c3d":                "tune",
		"tune-250102-0304-001-abcdefab":                "tune",
		"nightly-3f9c2a1":                              "nightly",
		"nightly-0123456789abcdef0123456789abcdef":     "nightly",
		"nightly-1b4e28ba-2fa1-11d2-883f-0016d3cca427": "nightly",
		"nightly-k3jx9q2m":                             "nightly",
		"etl-AbCDeFGhIJ12":                             "etl",
		// near misses: what belongs to the name
		"resnet-50":          "resnet-50",
		"resnet-50-20250102": "resnet-50",
		"llama-3-8b":         "llama-3-8b",
		"llama-3-70b-001":    "llama-3-70b",
		"imagenet21k":        "imagenet21k",
		"train-imagenet21k":  "train-imagenet21k",
		"train-cifar10":      "train-cifar10",
		"fraud-defaced":      "fraud-defaced",
		"fraud-facade":       "fraud-facade",
		"fraud-v2":           "fraud-v2",
		"churn-q3":           "churn-q3",
		"train-on-a100":      "train-on-a100",
		"forecasting":        "forecasting",
		"XGBoostClassifier":  "XGBoostClassifier",
		"team-CustomerChurn": "team-CustomerChurn",
		"phase-2":            "phase-2",
		// nothing but what is stripped
		"20250102":   "20250102",
		"2025-01-02": "2025-01-02",
		"-":          "-",
		"":           "",
	} {
		if got := Family(name); got != want {
			t.Errorf("Family(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestParseS3(t *testing.T) {
	for in, want := range map[string][2]string{
		"s3://b/p/q": {"b", "p/q"}, "s3://b": {"b", ""}, "s3://b/": {"b", ""}, "s3a://b/p": {"b", "p"},
		"https://b.s3.eu-west-1.amazonaws.com/p": {"b", "p"}, "https://s3.eu-west-1.amazonaws.com/b/p": {"b", "p"},
		"https://b.with.dots.s3.amazonaws.com/p": {"b.with.dots", "p"}, "https://s3-us-west-2.amazonaws.com/b/p": {"b", "p"},
		"https://b.s3.cn-north-1.amazonaws.com.cn/p": {"b", "p"},
		"arn:aws:s3:::b/p/*":                         {"b", "p/"}, "arn:aws:s3:::b": {"b", ""},
		"s3:///p": {}, "file:///x": {}, "https://evil.example/s3.amazonaws.com/b": {}, "b/p": {}, "": {}, "arn:aws:s3:eu-west-1:1:accesspoint/a": {},
	} {
		b, p, ok := parseS3(in)
		if ok != (want[0] != "") || ok && (b != want[0] || p != want[1]) {
			t.Errorf("%q: %q %q %v, want %v", in, b, p, ok, want)
		}
	}
}

func TestResolvers(t *testing.T) {
	r := &reading{a: &estate.Asset{Account: "123456789012", Region: "cn-north-1"}}
	for got, want := range map[string]string{
		r.roleID("service-role/x"): "arn:aws-cn:iam::123456789012:role/service-role/x",
		r.roleID("/x"):             "arn:aws-cn:iam::123456789012:role/x",
		r.roleID("arn:aws:sts::1:assumed-role/R/session"): "arn:aws:iam::1:role/R",
		r.functionID("f:live"):                            "arn:aws-cn:lambda:cn-north-1:123456789012:function:f",
		r.functionID("arn:aws:lambda:r:1:function:f:3"):   "arn:aws:lambda:r:1:function:f",
		r.bucketID("b"):                                   "arn:aws-cn:s3:::b",
		r.bucketID("arn:aws:s3:::b/p/*"):                  "arn:aws:s3:::b",
		r.modelID("anthropic.claude-v2"):                  "arn:aws-cn:bedrock:cn-north-1::foundation-model/anthropic.claude-v2",
		r.sagemaker("model", "Big"):                       "arn:aws-cn:sagemaker:cn-north-1:123456789012:model/big",
		repository("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b:v@sha256:x"): "arn:aws-cn:ecr:cn-north-1:123456789012:repository/a/b",
		repository("docker.io/library/python:3"):                                      "",
		repository("1234.dkr.ecr.eu-west-1.amazonaws.com/a"):                          "",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func FuzzFamily(f *testing.F) {
	for _, s := range []string{"fraud-xgb-2025-01-02-03-04-05-678", "a--b__1", "-1", "x-1b4e28ba-2fa1-11d2-883f-0016d3cca427"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := Family(name)
		if !strings.HasPrefix(name, got) || name != "" && got == "" {
			t.Errorf("Family(%q) = %q", name, got)
		}
		if again := Family(got); again != got {
			t.Errorf("Family(%q) = %q, and of that %q", name, got, again)
		}
	})
}
