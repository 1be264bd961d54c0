package aws

import (
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// TestWhatAListMustSay decides what a page without its list proves: nothing if
// the model says that the list is always there, else that there is none.
func TestWhatAListMustSay(t *testing.T) {
	tests := map[string]struct {
		operation, typ string
		page           map[string]any
		covered        bool
	}{
		"required_and_missing":  {"sagemaker:ListModels", "AWS::SageMaker::Model", map[string]any{}, false},
		"required_and_null":     {"sagemaker:ListModels", "AWS::SageMaker::Model", map[string]any{"Models": nil}, false},
		"required_beside_token": {"sagemaker:ListModels", "AWS::SageMaker::Model", map[string]any{"NextToken": "t"}, false},
		"required_and_empty":    {"sagemaker:ListModels", "AWS::SageMaker::Model", map[string]any{"Models": []any{}}, true},
		"optional_and_missing":  {"sqs:ListQueues", "AWS::SQS::Queue", map[string]any{}, true}, // as SQS does say it
		"below_an_asset":        {"s3vectors:ListIndexes", "AWS::S3Vectors::Index", map[string]any{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fake{answer: func(req api.Request) (any, error) {
				switch req.Key() {
				case tt.operation:
					return tt.page, nil
				case "s3vectors:ListVectorBuckets":
					return map[string]any{"vectorBuckets": []any{map[string]any{"vectorBucketName": "b", "vectorBucketArn": "arn:aws:s3vectors:eu-west-1:111122223333:bucket/b"}}}, nil
				}
				return nil, nil
			}}
			service, _, _ := strings.Cut(tt.operation, ":")
			m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{service}})
			if err != nil {
				t.Fatal(err)
			}
			covered := slices.ContainsFunc(m.covered, func(c estate.Coverage) bool { return c.Type == tt.typ })
			said := slices.ContainsFunc(m.blind, func(b estate.BlindSpot) bool {
				return b.Operation == tt.operation && b.Status == estate.ReadMalformed && slices.Contains(b.Types, tt.typ)
			})
			if covered != tt.covered || said == tt.covered {
				t.Errorf("covered %v, said to be unread %v; want %v and %v: %+v", covered, said, tt.covered, !tt.covered, m.blind)
			}
		})
	}
}
