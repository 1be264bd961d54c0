package ocsf

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const assumedRoleEvent = `{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:alice","arn":"arn:aws:sts::111122223333:assumed-role/Train/alice",
 "accountId":"111122223333","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/ml/Train","accountId":"111122223333","userName":"Train"},
 "attributes":{"creationDate":"2026-11-02T09:00:00Z","mfaAuthenticated":"true"},"sourceIdentity":"alice@acme.example"}},
 "eventTime":"2026-11-02T09:30:15Z","eventSource":"sagemaker.amazonaws.com","eventName":"UpdateEndpoint","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7",
 "userAgent":"aws-cli/2.15 \"quoted\"","requestParameters":{"endpointName":"fraud","endpointConfigName":"fraud-2","retainAllVariantProperties":false,"deploymentConfig":{"a":[1,{"b":null}]}},
 "responseElements":{"endpointArn":"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/fraud"},"requestID":"r-1","eventID":"e-1","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`

func TestDecodeCloudTrailAssumedRole(t *testing.T) {
	raw := []byte(assumedRoleEvent)
	var got Event
	if err := DecodeCloudTrail(raw, &got); err != nil {
		t.Fatal(err)
	}
	want := Event{
		Source: CloudTrail, Class: ClassAPIActivity, Activity: ActivityUpdate, ReadOnly: No, MFA: Yes,
		Time: time.Date(2026, 11, 2, 9, 30, 15, 0, time.UTC).UnixMilli(), ID: "e-1", Account: "111122223333", Region: "eu-west-1",
		Service: "sagemaker.amazonaws.com", Action: "UpdateEndpoint", SourceIP: "198.51.100.7", UserAgent: `aws-cli/2.15 "quoted"`, RequestID: "r-1",
		Actor: Actor{Type: "AssumedRole", ID: "arn:aws:iam::111122223333:role/ml/Train", Session: "alice", ARN: "arn:aws:sts::111122223333:assumed-role/Train/alice", Account: "111122223333", AccessKey: "ASIAEXAMPLE",
			SourceID: "alice@acme.example", SessionISO: "2026-11-02T09:00:00Z"},
		Resources: []Resource{{ID: "fraud", Type: "endpointName"}, {ID: "fraud-2", Type: "endpointConfigName"}},
		Raw:       raw,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeCloudTrailVariants(t *testing.T) {
	base := func(more string) string {
		return `{"eventTime":"2026-11-02T09:30:15Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"x",` + more + `}`
	}
	tests := []struct {
		name, raw string
		check     func(e Event) bool
	}{
		{"issuer from the session's ARN", base(`"userIdentity":{"type":"AssumedRole","arn":"arn:aws-cn:sts::1:assumed-role/R/s/x"}`),
			func(e Event) bool { return e.Actor.ID == "arn:aws-cn:iam::1:role/R" && e.Actor.Session == "s/x" }},
		{"service", base(`"userIdentity":{"type":"AWSService","invokedBy":"sagemaker.amazonaws.com"}`),
			func(e Event) bool { return e.Actor.ID == "sagemaker.amazonaws.com" }},
		{"object from parameters", base(`"requestParameters":{"bucketName":"b","key":"k/v","Host":"b.s3.amazonaws.com"}`),
			func(e Event) bool { return len(e.Resources) == 2 && e.Resources[0].ID == "arn:aws:s3:::b/k/v" }},
		{"resources win over parameters", base(`"requestParameters":{"bucketName":"b"},"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/o"},{"accountId":"1","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"}]`),
			func(e Event) bool { return len(e.Resources) == 2 && e.Resources[1].Account == "1" }},
		{"bytes and data plane", base(`"managementEvent":false,"readOnly":true,"additionalEventData":{"bytesTransferredOut":1024.0,"bytesTransferredIn":0}`),
			func(e Event) bool {
				return e.BytesOut == 1024 && e.Class == ClassDatastoreActivity && e.Activity == 1
			}},
		{"denied", base(`"errorCode":"AccessDenied"`), func(e Event) bool { return e.Failed && e.ErrorCode == "AccessDenied" }},
		{"null is not said", base(`"requestParameters":null,"responseElements":null,"errorCode":null,"userIdentity":null`), func(e Event) bool { return !e.Failed && e.Actor.ID == "" }},
		{"failed console login without MFA", `{"eventTime":"2026-11-02T09:30:15Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"MFAUsed":"No"}}`,
			func(e Event) bool {
				return e.Failed && e.MFA == No && e.Type() == 300201 && e.ID[:7] == "sha256:"
			}},
		{"credential given out", `{"eventTime":"2026-11-02T09:30:15.5Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"roleArn":"arn:aws:iam::1:role/R","roleSessionName":"s"},"responseElements":{"credentials":{"accessKeyId":"ASIA1","sessionToken":"x"}}}`,
			func(e Event) bool {
				return e.Issued == "ASIA1" && e.Class == ClassAuthentication && len(e.Resources) == 1 && e.Time%1000 == 500
			}},
		{"model", `{"eventTime":"2026-11-02T09:30:15Z","eventSource":"bedrock.amazonaws.com","eventName":"InvokeModel","requestParameters":{"modelId":"anthropic.claude-v2"}}`,
			func(e Event) bool {
				return e.AI != nil && e.AI.Model == "anthropic.claude-v2" && e.AI.InputTokens == -1
			}},
		{"policy attached", `{"eventTime":"2026-11-02T09:30:15Z","eventSource":"iam.amazonaws.com","eventName":"AttachRolePolicy"}`, func(e Event) bool { return e.Type() == 300501 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var e Event
			if err := DecodeCloudTrail([]byte(tt.raw), &e); err != nil {
				t.Fatal(err)
			}
			if !tt.check(e) {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestDecodeCloudTrailRefuses(t *testing.T) {
	for _, raw := range []string{``, `[]`, `null`, `"x"`, `{}`, `{"eventName":"x"}`, assumedRoleEvent + `x`, assumedRoleEvent[:200],
		`{"eventTime":"yesterday","eventSource":"s","eventName":"n"}`, `{"eventTime":"2026-11-02T09:30:15Z","eventSource":"s","eventName":{}}`} {
		var e Event
		if err := DecodeCloudTrail([]byte(raw), &e); err == nil {
			t.Errorf("%.40q was accepted", raw)
		}
	}
}

func FuzzDecodeCloudTrail(f *testing.F) {
	f.Add([]byte(assumedRoleEvent))
	f.Add([]byte(`{"eventTime":"2026-11-02T09:30:15Z","eventSource":"s","eventName":"n","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"}]}},"resources":[{"ARN":"a"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e Event
		if err := DecodeCloudTrail(raw, &e); err != nil {
			return
		}
		sameAsOracle(t, raw, &e)
	})
}

// sameAsOracle compares with what encoding/json reads.
func sameAsOracle(t *testing.T, raw []byte, e *Event) {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatalf("accepted what is no JSON: %v", err)
	}
	at := func(m map[string]any, path ...string) string {
		for ; len(path) > 1; path = path[1:] {
			m, _ = m[path[0]].(map[string]any)
		}
		s, _ := m[path[0]].(string)
		return s
	}
	for _, c := range []struct {
		got  string
		path []string
	}{
		{e.Action, []string{"eventName"}}, {e.Service, []string{"eventSource"}}, {e.Region, []string{"awsRegion"}},
		{e.SourceIP, []string{"sourceIPAddress"}}, {e.UserAgent, []string{"userAgent"}}, {e.ErrorCode, []string{"errorCode"}},
		{e.ErrorMessage, []string{"errorMessage"}}, {e.RequestID, []string{"requestID"}},
		{e.Actor.Type, []string{"userIdentity", "type"}}, {e.Actor.AccessKey, []string{"userIdentity", "accessKeyId"}},
	} {
		if want := at(m, c.path...); string([]rune(c.got)) != want {
			t.Errorf("%v: got %q, want %q", c.path, c.got, want)
		}
	}
	if want, err := time.Parse(time.RFC3339Nano, at(m, "eventTime")); err == nil && want.UnixMilli() != e.Time {
		t.Errorf("time: got %d, want %d", e.Time, want.UnixMilli())
	}
}

// corpus reads the public CloudTrail files, as records; nil where there are none.
func corpus(tb testing.TB) [][]byte {
	dir := os.Getenv("SEVENFOLD_CORPORA_UNPACKED")
	if dir == "" {
		tb.Skip("SEVENFOLD_CORPORA_UNPACKED names no folder of unpacked CloudTrail files")
	}
	var all [][]byte
	err := filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || filepath.Ext(p) != ".json" {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		var f struct{ Records []json.RawMessage }
		if json.Unmarshal(b, &f) != nil {
			return json.Unmarshal(b, &f.Records)
		}
		for _, r := range f.Records {
			var out bytes.Buffer
			if err := json.Compact(&out, r); err != nil {
				return err
			}
			all = append(all, out.Bytes())
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestCorpusAgainstEncodingJSON(t *testing.T) {
	for _, raw := range corpus(t) {
		var e Event
		if err := DecodeCloudTrail(raw, &e); err != nil {
			t.Fatal(err)
		}
		sameAsOracle(t, raw, &e)
	}
}

func BenchmarkDecodeCloudTrail(b *testing.B) {
	records := [][]byte{[]byte(assumedRoleEvent)}
	if os.Getenv("SEVENFOLD_CORPORA_UNPACKED") != "" {
		records = corpus(b)
	}
	size := 0
	for _, r := range records {
		size += len(r)
	}
	b.SetBytes(int64(size / len(records)))
	b.ReportAllocs()
	var e Event
	for i := 0; b.Loop(); i++ {
		if err := DecodeCloudTrail(records[i%len(records)], &e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
