package api

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
)

// What a user writes into the AWS configuration is honoured as the SDK's own
// service modules honour it.
func TestConfigurationOfTheUser(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	text := `[default]
region = eu-central-1
aws_access_key_id = a
aws_secret_access_key = b
[profile local]
region = eu-west-3
aws_access_key_id = a
aws_secret_access_key = b
endpoint_url = http://127.0.0.1:1111
services = mine
[services mine]
kms =
  endpoint_url = http://127.0.0.1:2222
bedrock_agentcore_control =
  endpoint_url = http://127.0.0.1:3333
[profile fips]
region = us-east-1
aws_access_key_id = a
aws_secret_access_key = b
use_fips_endpoint = true
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		env     []string
		service string
		want    string
	}{
		"default":                    {nil, "kms", "https://kms.eu-central-1.amazonaws.com"},
		"profile":                    {[]string{"AWS_PROFILE=local"}, "sqs", "http://127.0.0.1:1111"},
		"service_of_profile":         {[]string{"AWS_PROFILE=local"}, "kms", "http://127.0.0.1:2222"},
		"service_with_a_long_name":   {[]string{"AWS_PROFILE=local"}, "bedrock-agentcore-control", "http://127.0.0.1:3333"},
		"environment_before_profile": {[]string{"AWS_PROFILE=local", "AWS_ENDPOINT_URL_KMS=http://127.0.0.1:4444"}, "kms", "http://127.0.0.1:4444"},
		"environment_for_all":        {[]string{"AWS_ENDPOINT_URL=http://127.0.0.1:5555"}, "sagemaker", "http://127.0.0.1:5555"},
		"ignored":                    {[]string{"AWS_PROFILE=local", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"}, "kms", "https://kms.eu-west-3.amazonaws.com"},
		"fips":                       {[]string{"AWS_PROFILE=fips"}, "kms", "https://kms-fips.us-east-1.amazonaws.com"},
		"dual_stack":                 {[]string{"AWS_USE_DUALSTACK_ENDPOINT=true"}, "kms", "https://kms.eu-central-1.api.aws"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, kv := range os.Environ() {
				if k, _, _ := strings.Cut(kv, "="); strings.HasPrefix(k, "AWS_") {
					t.Setenv(k, "")
				}
			}
			t.Setenv("AWS_CONFIG_FILE", file)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
			for _, kv := range tt.env {
				k, v, _ := strings.Cut(kv, "=")
				t.Setenv(k, v)
			}
			cfg, err := config.LoadDefaultConfig(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			svc, err := load(tt.service)
			if err != nil {
				t.Fatal(err)
			}
			to, err := New(cfg, Options{HTTP: always(200, "{}")}).resolve(svc, &operation{}, Request{})
			if got := to.scheme + "://" + to.host; err != nil || got != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}
