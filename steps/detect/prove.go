package detect

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// markerBegin begins the request id of synthetic events, by which they are known and
// which no detection looks at.
const markerBegin = "sevenfold-proof."

// MarkerOf is the marker in the request id of a synthetic event; "" for any other event.
func MarkerOf(requestID string) string {
	rest, ok := strings.CutPrefix(requestID, markerBegin)
	if !ok {
		return ""
	}
	i := strings.LastIndexByte(rest, '.')
	if i <= 0 {
		return ""
	}
	return strings.Clone(rest[:i])
}

// PlayOf is the technique that a marker plays.
func PlayOf(marker string) string {
	technique, _, _ := strings.Cut(marker, "~")
	return technique
}

// play is an attack that can be played: calls that were refused, so that whoever reads
// the log sees that nothing was changed.
type play struct {
	technique, title string
	calls            [][2]string // service, action
}

// plays are of the AI services, whose attacks detection is there for.
var plays = []play{
	{"T1562.008", "logging is stopped", [][2]string{{"cloudtrail", "StopLogging"}, {"cloudtrail", "DeleteTrail"}, {"bedrock", "DeleteModelInvocationLoggingConfiguration"}}},
	{"AML.T0034", "models are used with stolen credentials", [][2]string{{"bedrock", "ListFoundationModelAgreementOffers"}, {"bedrock", "PutUseCaseForModelAccess"}, {"bedrock", "PutFoundationModelEntitlement"}, {"bedrock", "CreateFoundationModelAgreement"}}},
	{"T1098.001", "credentials are made to stay", [][2]string{{"iam", "CreateUser"}, {"iam", "AttachUserPolicy"}, {"iam", "CreateAccessKey"}}},
	{"AML.T0031", "an endpoint serves something else", [][2]string{{"sagemaker", "CreateModel"}, {"sagemaker", "CreateEndpointConfig"}, {"sagemaker", "UpdateEndpoint"}}},
	{"AML.T0020", "a training pipeline is poisoned", [][2]string{{"sagemaker", "UpdatePipeline"}, {"events", "PutTargets"}, {"s3", "PutBucketReplication"}}},
	{"AML.T0025", "a model is taken away", [][2]string{{"sagemaker", "CreatePresignedNotebookInstanceUrl"}, {"ecr", "SetRepositoryPolicy"}, {"s3", "PutBucketPolicy"}}},
}

// Techniques are those that can be played.
func Techniques() []string {
	var out []string
	for _, p := range plays {
		out = append(out, p.technique)
	}
	return out
}

// Play makes the records of a synthetic attack by a principal (the ARN of a role), as
// CloudTrail writes them. Each is refused (AccessDenied) and marked.
func Play(technique, principal, region, address, agent string, now time.Time) (records []json.RawMessage, marker string, err error) {
	at := slices.IndexFunc(plays, func(p play) bool { return p.technique == technique })
	if at < 0 {
		return nil, "", fmt.Errorf("no attack plays %s: there are %s", technique, strings.Join(Techniques(), ", "))
	}
	parts := strings.SplitN(principal, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || !strings.HasPrefix(parts[5], "role/") {
		return nil, "", fmt.Errorf("%s is no ARN of a role", principal)
	}
	name := parts[5][strings.LastIndexByte(parts[5], '/')+1:]
	marker = technique + "~" + token(8)
	for i, call := range plays[at].calls {
		text, err := json.Marshal(map[string]any{
			"eventVersion": "1.11", "eventTime": now.Add(time.Duration(i) * time.Second).UTC().Format(time.RFC3339), "eventSource": call[0] + ".amazonaws.com", "eventName": call[1],
			"awsRegion": region, "sourceIPAddress": address, "userAgent": agent, "errorCode": "AccessDenied", "requestParameters": nil, "responseElements": nil,
			"requestID": fmt.Sprintf("%s%s.%d", markerBegin, marker, i), "eventID": token(16), "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true,
			"recipientAccountId": parts[4], "eventCategory": "Management",
			"userIdentity": map[string]any{"type": "AssumedRole", "principalId": "AROAPROOF:" + name, "arn": "arn:" + parts[1] + ":sts::" + parts[4] + ":assumed-role/" + name + "/proof", "accountId": parts[4],
				"sessionContext": map[string]any{"sessionIssuer": map[string]any{"type": "Role", "arn": principal, "accountId": parts[4], "userName": name}}},
		})
		if err != nil {
			return nil, "", err
		}
		records = append(records, text)
	}
	return records, marker, nil
}

func token(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
