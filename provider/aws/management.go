package aws

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// managementPolicies are the AWS-managed policies that give administration of
// an AI service: who has one decides what models there are and who may call
// them. Read-only and limited ones are not here, nor those made for one
// service's own role. Source: the AWS Managed Policy Reference.
var managementPolicies = map[string]bool{
	"AmazonSageMakerFullAccess":            true,
	"AmazonSageMakerCanvasFullAccess":      true,
	"AmazonBedrockFullAccess":              true,
	"AmazonBedrockMantleFullAccess":        true,
	"BedrockAgentCoreFullAccess":           true,
	"AmazonQFullAccess":                    true,
	"AmazonKendraFullAccess":               true,
	"ComprehendFullAccess":                 true,
	"AmazonRekognitionFullAccess":          true,
	"AmazonMachineLearningFullAccess":      true,
	"AmazonPersonalizeFullAccess":          true,
	"AmazonForecastFullAccess":             true,
	"AmazonLexFullAccess":                  true,
	"AmazonTextractFullAccess":             true,
	"AmazonTranscribeFullAccess":           true,
	"AmazonAugmentedAIFullAccess":          true,
	"AmazonSageMakerGroundTruthFullAccess": true,
}

// managementRoot marks an identity that an AI administration policy is attached
// to. A role that only services can assume is left out: it is what a job or
// endpoint runs as, a member of that workload and not somebody who manages it.
func managementRoot(r *reading) {
	policy := r.managementPolicy()
	if policy == "" || strings.Contains(r.self.Resource, "/aws-service-role/") || r.onlyServices() {
		return
	}
	r.root(estate.ClassManagement, "ai-administration",
		"the AWS-managed policy "+policy+" is attached to it, which gives administration of an AI service")
}

// managementPolicy is the first attached policy's ARN of managementPolicies. A
// policy of the same name that the account made itself does not count.
func (r *reading) managementPolicy() string {
	for _, rel := range r.out.Relations {
		a, ok := ParseARN(rel.To)
		if ok && rel.Type == estate.Attached && rel.From == r.a.ID && a.Service == "iam" && a.Account == "aws" &&
			managementPolicies[a.Name()] && !strings.HasSuffix(rel.Evidence, "PermissionsBoundaryArn") {
			return rel.To
		}
	}
	return ""
}

// onlyServices reports whether the role trusts services and nobody else.
func (r *reading) onlyServices() bool {
	n := 0
	for _, rel := range r.out.Relations {
		if rel.Type == estate.Trusts {
			if !strings.Contains(rel.To, ".amazonaws.com") || strings.HasPrefix(rel.To, "arn:") || strings.HasPrefix(rel.To, "cognito") {
				return false
			}
			n++
		}
	}
	return n > 0
}
