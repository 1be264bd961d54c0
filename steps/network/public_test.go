package network

import (
	"encoding/json"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// TestPublic tells by the configuration of a thing whose interfaces were not read
// whether it has a public address.
func TestPublic(t *testing.T) {
	plan := &estate.Asset{ID: "terraform://t/aws_instance.a", Type: "AWS::EC2::Instance"}
	tests := map[string]struct {
		config           string
		public, launched bool
	}{
		"an instance that has one":          {`{"PublicIpAddress": "52.0.0.1"}`, true, true},
		"by its interfaces":                 {`{"NetworkInterfaces": [{}, {"Association": {"PublicIp": "52.0.0.1"}}]}`, true, true},
		"a database":                        {`{"PubliclyAccessible": true}`, true, true},
		"a private one":                     {`{"PubliclyAccessible": false, "NetworkInterfaces": [{"Association": null}]}`, false, true},
		"a task":                            {`{"NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}}`, true, true},
		"an instance to be made, by itself": {`{"AssociatePublicIpAddress": false}`, false, false},
		"members of other shapes":           {`{"NetworkInterfaces": "none", "NetworkConfiguration": 3, "PublicIpAddress": "52.0.0.1"}`, true, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var s settings
			_ = json.Unmarshal([]byte(tt.config), &s)
			if s.public() != tt.public || s.launched(plan) != tt.launched {
				t.Errorf("public %v, as its subnet says %v", s.public(), s.launched(plan))
			}
		})
	}
}

// TestListedOnly tells a list's word on a thing from its description.
func TestListedOnly(t *testing.T) {
	for config, want := range map[string]bool{
		`{"TrainingJobName": "a", "TrainingJobArn": "b", "TrainingJobStatus": "InProgress"}`: true,
		`{"TrainingJobName": "a", "RoleArn": "r"}`:                                           false,
		`null`: true,
	} {
		if listedOnly("AWS::SageMaker::TrainingJob", json.RawMessage(config)) != want {
			t.Errorf("%s: want %v", config, want)
		}
	}
	if listedOnly("AWS::Lambda::Function", json.RawMessage(`{}`)) {
		t.Error("the list of functions says all")
	}
}
