package assess

import (
	"context"
	"fmt"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// readings are the requests that show who may read what a store of a type holds, with
// what is appended to its ARN.
var readings = map[string][2]string{
	"AWS::S3::Bucket": {"s3:GetObject", "/*"}, "AWS::DynamoDB::Table": {"dynamodb:GetItem", ""}, "AWS::SageMaker::FeatureGroup": {"sagemaker:GetRecord", ""},
	"AWS::Kinesis::Stream": {"kinesis:GetRecords", ""}, "AWS::OpenSearchService::Domain": {"es:ESHttpGet", "/*"}, "AWS::Logs::LogGroup": {"logs:GetLogEvents", ":*"},
	"AWS::Bedrock::KnowledgeBase": {"bedrock:Retrieve", ""}, "AWS::EFS::FileSystem": {"elasticfilesystem:ClientMount", ""},
}

// readersOf asks the access step who may read a store. Of a store whose readers its own users
// decide (a database), nothing is known.
func readersOf(ctx context.Context, amazon *access.Amazon, a *estate.Asset) (map[string]string, string, error) {
	r, ok := readings[a.Type]
	if !ok {
		return nil, "who reads a " + a.Type + " is not decided by policies that are read here", nil
	}
	holders, err := amazon.WhoCan(ctx, access.Question{Action: r[0], Resource: a.ID + r[1]})
	if err != nil {
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		return nil, err.Error(), nil
	}
	out, unknown := map[string]string{}, 0
	for _, h := range holders {
		if h.Decision == iam.Deny {
			continue
		}
		if h.Decision == iam.Unknown {
			unknown++
		}
		out[h.Principal] = h.Decision.String()
	}
	why := ""
	if unknown > 0 {
		why = fmt.Sprintf("whether %d of the principals may read it hangs on what was not read", unknown)
	}
	return out, why, nil
}
