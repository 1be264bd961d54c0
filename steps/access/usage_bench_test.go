package access

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkUsageRead counts events of CloudTrail's, of a hundred roles on a thousand
// objects.
func BenchmarkUsageRead(b *testing.B) {
	var events [][]byte
	for i := range 1000 {
		events = append(events, []byte(calledBy(trailEvent("s3", "GetObject", fmt.Sprintf(`{"bucketName":"lake","Host":"lake.s3.amazonaws.com","key":"a/%d"}`, i), `"sourceIPAddress":"192.0.2.1"`, `"userAgent":"Boto3/1.40"`,
			fmt.Sprintf(`"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::lake/a/%d"},{"accountId":"123456789012","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::lake"}]`, i)),
			fmt.Sprintf("arn:aws:iam::%s:role/r%d", worldAccount, i%100), 1)))
	}
	u := NewUsage(time.Time{}, time.Time{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := u.Read(events[i%len(events)], ""); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
