package ocsf

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
)

// Each source writes the same act in several forms: as its command line prints it, as it is
// exported, as a query returns it. Forms as Microsoft's and Google's references give them.
func TestFormsOfOneSource(t *testing.T) {
	const (
		resource = "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/ML/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/A"
		audit    = `{"insertId":"g","timestamp":"2026-11-02T09:30:15.1Z","logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","protoPayload":{"serviceName":"aiplatform.googleapis.com","methodName":"google.cloud.aiplatform.v1.ModelService.ExportModel","authenticationInfo":{"principalEmail":"ana@harbour.example"}}}`
	)
	calls := func(properties string) string {
		return `{"time":"2026-11-02T09:30:15Z","resourceId":"` + resource + `","operationName":"ChatCompletions_Create","category":"RequestResponse","resultSignature":"200","callerIpAddress":"192.0.2.*","correlationId":"c","location":"westeurope","properties":` + properties + `}`
	}
	const said = `{"objectId":"o-1","requestLength":128,"responseLength":1411,"modelDeploymentName":"pilot","modelName":"gpt-4o"}`
	called := "azure-activity ChatCompletions_Create by  o-1 of S1 at 192.0.2.*: pilot 128 1411"
	tests := []struct{ name, in, want string }{
		{"activity log list", `[{"caller":"ana@harbour.example","claims":{"ipaddr":"192.0.2.1"},"eventName":{"localizedValue":"End request","value":"EndRequest"},"eventDataId":"e","eventTimestamp":"2026-11-02T09:30:15.1Z","operationName":{"localizedValue":"List keys","value":"Microsoft.CognitiveServices/accounts/listKeys/action"},"resourceId":"/subscriptions/s1/resourceGroups/ml/providers/Microsoft.CognitiveServices/accounts/a","status":{"value":"Failed"},"subscriptionId":"s1"}]`,
			"azure-activity Microsoft.CognitiveServices/accounts/listKeys/action by  ana@harbour.example of s1 at 192.0.2.1 failed failed"},
		{"log analytics activity", `[{"TableName":"PrimaryResult","TimeGenerated":"2026-11-02T09:30:15Z","OperationNameValue":"MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/WRITE","Caller":"ana@harbour.example","CallerIpAddress":"192.0.2.1","ActivityStatusValue":"Success","_ResourceId":"/subscriptions/s1/resourcegroups/ml"}]`,
			"azure-activity MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/WRITE by  ana@harbour.example of s1 at 192.0.2.1"},
		{"properties as an object", calls(said), called},
		{"properties as text", calls(`"` + strings.ReplaceAll(said, `"`, `\"`) + `"`), called},
		{"properties that are no JSON", calls(`"a word"`), "azure-activity ChatCompletions_Create by   of S1 at 192.0.2.*:  0 0"},
		{"properties cut off", calls(`"{\"objectId\":\"o-1\",\"req"`), "azure-activity ChatCompletions_Create by   of S1 at 192.0.2.*:  0 0"},
		{"log analytics sign-in", `{"TimeGenerated":"2026-11-02T09:30:15Z","Category":"SignInLogs","UserPrincipalName":"ana@harbour.example","AppDisplayName":"Portal","IPAddress":"192.0.2.1","ResultType":"50126","AADTenantId":"t"}`,
			"azure-signin Sign-in activity by user ana@harbour.example of t at 192.0.2.1 failed 50126"},
		{"sign-in of a service principal", `{"TimeGenerated":"2026-11-02T09:30:15Z","Type":"AADServicePrincipalSignInLogs","ServicePrincipalName":"trainer","IPAddress":"192.0.2.1","ResultType":"0","AADTenantId":"t"}`,
			"azure-signin Sign-in activity by servicePrincipal trainer of t at 192.0.2.1"},
		{"sign-in with a time of the American kind", `{"time":"11/2/2026 9:30:15 AM","category":"ADFSSignInLogs","tenantId":"t","properties":{"userPrincipalName":"ana@harbour.example","ipAddress":"192.0.2.1","status":{"errorCode":0}}}`,
			"azure-signin Sign-in activity by user ana@harbour.example of t at 192.0.2.1"},
		{"pub/sub push", `{"message":{"data":"` + base64.StdEncoding.EncodeToString([]byte(audit)) + `","messageId":"1"},"subscription":"projects/p/subscriptions/s"}`,
			"gcp-audit google.cloud.aiplatform.v1.ModelService.ExportModel by user ana@harbour.example of  at "},
		{"pub/sub pull", `[{"ackId":"x","message":{"data":"` + base64.StdEncoding.EncodeToString([]byte(audit)) + `","messageId":"1"}}]`,
			"gcp-audit google.cloud.aiplatform.v1.ModelService.ExportModel by user ana@harbour.example of  at "},
		{"pub/sub with a word", `{"message":{"data":"aGVsbG8=","messageId":"1"}}`, "JSON of a format that is not known; a mapping says how to read it"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			rd, err := NewReader(strings.NewReader(tt.in), Options{})
			if err != nil {
				t.Fatal(err)
			}
			var e Event
			got := ""
			if err := rd.Next(&e); err != nil {
				got = err.(*Rejected).Reason
			} else {
				got = fmt.Sprintf("%s %s by %s %s of %s at %s", e.Source, e.Action, e.Actor.Type, e.Actor.ID, e.Account, e.SourceIP)
				if e.AI != nil {
					got += fmt.Sprintf(": %s %d %d", e.AI.Model, e.BytesIn, e.BytesOut)
				}
				if e.Failed {
					got += " failed " + e.ErrorCode
				}
				if e.Source != GCPAudit && e.Time/1000 != 1793611815 {
					t.Errorf("at %d", e.Time)
				}
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if err := rd.Next(&e); err != io.EOF {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

// What lies in a trail's bucket beside events is neither an event nor rubbish.
func TestRecordsThatTellOfNoAct(t *testing.T) {
	digest := `{"awsAccountId":"1","digestStartTime":"2026-11-02T09:00:00Z","digestS3Object":"AWSLogs/1/CloudTrail-Digest/x","logFiles":[{"s3Bucket":"b","s3Object":"o"}]}`
	insight := `{"eventVersion":"1.09","eventTime":"2026-11-02T09:30:15Z","eventType":"AwsCloudTrailInsight","insightDetails":{"state":"Start","eventSource":"ssm.amazonaws.com","eventName":"UpdateInstanceInformation"}}`
	for name, in := range map[string]string{"digest": digest, "insights": `{"Records":[` + insight + `]}`, "among events": `{"Records":[` + trail("a") + `,` + insight + `,` + trail("b") + `]}`} {
		rd, err := NewReader(strings.NewReader(in), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		var ids []string
		for err = rd.Next(&e); err == nil; err = rd.Next(&e) {
			ids = append(ids, e.ID)
		}
		if want := strings.Count(in, `"eventID"`); err != io.EOF || len(ids) != want || rd.Empty() != 1 {
			t.Errorf("%s: events %v, passed over %d, %v", name, ids, rd.Empty(), err)
		}
	}
}
