package queue

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	s3 := `{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","awsRegion":"eu-west-1","s3":{"bucket":{"name":"trail"},"object":{"key":"AWSLogs/a+b%2Bc.json.gz","versionId":"v"}}}]}`
	for name, tt := range map[string]struct{ body, want string }{
		"s3":          {s3, "[{trail AWSLogs/a b+c.json.gz v eu-west-1}]"},
		"through sns": {fmt.Sprintf(`{"Type":"Notification","Message":%q}`, s3), "[{trail AWSLogs/a b+c.json.gz v eu-west-1}]"},
		"cloudtrail":  {`{"Type":"Notification","Message":"{\"s3Bucket\":\"t\",\"s3ObjectKey\":[\"x\",\"y\"]}"}`, "[{t x  } {t y  }]"},
		"eventbridge": {`{"detail-type":"Object Created","source":"aws.s3","region":"eu-west-1","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}`, "[{b k  eu-west-1}]"},
		"test":        {`{"Service":"Amazon S3","Event":"s3:TestEvent"}`, "[]"},
		"removal":     {strings.Replace(s3, "ObjectCreated:Put", "ObjectRemoved:Delete", 1), "[]"},
	} {
		got, err := Parse([]byte(tt.body))
		if err != nil || spell(got) != tt.want {
			t.Errorf("%s: %s, %v; want %s", name, spell(got), err, tt.want)
		}
	}
	for _, bad := range []string{``, `[]`, `{}`, `null`, `{"Records":[{}]}`, `{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"b"},"object":{"key":"%zz"}},"eventName":"ObjectCreated:Put"}]}`,
		`{"Type":"Notification","Message":"{\"Type\":\"Notification\",\"Message\":\"{}\"}"}`, `{"s3Bucket":"b"}`} {
		if got, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%s is read as %v", bad, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"s3Bucket":"b","s3ObjectKey":["k"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		objects, err := Parse(b)
		for _, o := range objects {
			if err != nil || o.Bucket == "" {
				t.Errorf("%+v, %v", o, err)
			}
		}
	})
}

func TestRegionOfAHost(t *testing.T) {
	for host, want := range map[string]string{"sqs.eu-west-1.amazonaws.com": "eu-west-1", "sqs.cn-north-1.amazonaws.com.cn": "cn-north-1", "127.0.0.1": "", "sqs.amazonaws.com": "", "sqs": ""} {
		if got := regionOf(host); got != want {
			t.Errorf("%s: %q", host, got)
		}
	}
}

// spell writes every field.
func spell(list []Object) string {
	type bare Object
	out := []bare{}
	for _, o := range list {
		out = append(out, bare(o))
	}
	return fmt.Sprint(out)
}
