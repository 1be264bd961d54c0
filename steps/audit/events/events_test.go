package events

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const trail = `{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/dev/jo","principalId":"AROA:jo"},
"eventTime":"2026-11-20T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","awsRegion":"eu-west-1","readOnly":false,
"requestParameters":{"bucketName":"lake","Host":"s3"},"responseElements":null,"eventID":"e-1","recipientAccountId":"111122223333",
"resources":[{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::lake"}]}`

var put = Event{ID: "e-1", Time: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Principal: "arn:aws:sts::111122223333:assumed-role/dev/jo",
	Service: "s3", Action: "PutBucketPolicy", Account: "111122223333", Region: "eu-west-1", Names: []string{"AWS::S3::Bucket", "arn:aws:s3:::lake", "lake", "s3"}, Settings: []string{"bucketname=lake", "host=s3"}}

const audited = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a-1","stage":"ResponseComplete","verb":"patch",
"user":{"username":"jo"},"objectRef":{"resource":"deployments","namespace":"ml","name":"llm","apiGroup":"apps"},
"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-11-20T10:00:00.000000Z"}`

var patch = Event{ID: "a-1", Time: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Principal: "jo", Service: "apps", Action: "patch",
	Object: &Object{Group: "apps", Resource: "deployments", Namespace: "ml", Name: "llm"}}

func quote(s string) string {
	return strings.NewReplacer("\\", `\\`, `"`, `\"`, "\n", "").Replace(s)
}

func TestRead(t *testing.T) {
	lookup := `{"Events":[{"EventId":"e-1","EventName":"PutBucketPolicy","EventTime":1732096800.0,"Username":"jo","CloudTrailEvent":"` + quote(trail) + `"}],"NextToken":"x"}`
	tests := map[string]struct {
		log  string
		want []Event
		seen int
	}{
		"file of a trail":        {`{"Records":[` + trail + `]}`, []Event{put}, 1},
		"lookup-events":          {lookup, []Event{put}, 1},
		"one event":              {trail, []Event{put}, 1},
		"array":                  {`[` + trail + `,` + trail + `]`, []Event{put, put}, 2},
		"read only":              {strings.Replace(trail, `"readOnly":false`, `"readOnly":true`, 1), nil, 1},
		"refused":                {strings.Replace(trail, `"eventID"`, `"errorCode":"AccessDenied","eventID"`, 1), nil, 1},
		"old event that reads":   {strings.Replace(strings.Replace(trail, `"readOnly":false,`, ``, 1), "PutBucketPolicy", "GetBucketPolicy", 1), nil, 1},
		"cluster, list":          {`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[` + audited + `]}`, []Event{patch}, 1},
		"cluster, lines":         {audited + "\n" + audited + "\n", []Event{patch, patch}, 2},
		"cluster, earlier stage": {strings.Replace(audited, "ResponseComplete", "RequestReceived", 1), nil, 1},
		"cluster, refused":       {strings.Replace(audited, `"code":200`, `"code":403`, 1), nil, 1},
		"cluster, status":        {strings.Replace(audited, `"name":"llm"`, `"name":"llm","subresource":"status"`, 1), nil, 1},
		"no record":              {`{"Records":[]}`, nil, 0},
		"nothing":                {"", nil, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []Event
			seen, err := Read(strings.NewReader(tt.log), func(e Event) { got = append(got, e) })
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" || seen != tt.seen {
				t.Errorf("%d seen, want %d (-want +got):\n%s", seen, tt.seen, d)
			}
		})
	}
}

func TestReadNamesThePlace(t *testing.T) {
	for log, want := range map[string]string{
		`{"Records":[` + trail:                          "byte",
		`{"Records":[{"a":1}]}`:                         "event 0: neither CloudTrail's",
		`42`:                                            "neither a list of events nor an event",
		`{"Records":[{"eventName":5}]}`:                 "event 0",
		`{"Events":[{"CloudTrailEvent":"{"}]}`:          "its CloudTrailEvent",
		audited + "\n" + `{"kind":"Pod","metadata":{}}`: "document that ends at byte",
	} {
		if _, err := Read(strings.NewReader(log), func(Event) {}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: error %v does not say %q", log, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"Records":[` + trail + `]}`))
	f.Add([]byte(audited + "\n" + audited))
	f.Add([]byte(`{"Events":[{"CloudTrailEvent":"{}"}]}`))
	f.Fuzz(func(t *testing.T, log []byte) {
		acts := 0
		seen, _ := Read(strings.NewReader(string(log)), func(e Event) {
			acts++
			if e.Action == "" {
				t.Error("an act without a name")
			}
		})
		if acts > seen {
			t.Errorf("%d acts of %d events", acts, seen)
		}
	})
}
