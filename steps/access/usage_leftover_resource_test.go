package access

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// What a resource's own policy gave to somebody for a job, and still does, is left
// over, with the call that wrote it.
func TestLeftoverOwnPolicies(t *testing.T) {
	ago := func(days int) string { return usageNow.AddDate(0, 0, -days).Format(time.RFC3339) }
	const (
		partner = "999999999999"
		lab     = `{"Sid":"Lab","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + partner + `:role/lab"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/*"}`
		other   = `{"Sid":"Old","Effect":"Allow","Principal":{"AWS":"` + partner + `"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::lake"}`
		labs    = "arn:aws:iam::" + partner + ":role/lab"
		ann     = "arn:aws:iam::" + worldAccount + ":user/ann"
		fn      = "arn:aws:lambda:eu-west-1:" + worldAccount + ":function:score"
	)
	job := told("arn:aws:sagemaker:eu-west-1:"+worldAccount+":training-job/trial-7", "AWS::SageMaker::TrainingJob",
		fmt.Sprintf(`{"TrainingJobStatus":"Completed","RoleArn":%q,"CreationTime":%q,"TrainingEndTime":%q}`, worldRole, ago(6), ago(3)))
	began := calledBy(trailEvent("sagemaker", "CreateTrainingJob", `{"trainingJobName":"trial-7"}`), ann, 6)
	put := func(days int, statements ...string) string {
		return calledBy(trailEvent("s3", "PutBucketPolicy", `{"bucketName":"lake","bucketPolicy":{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}}`), ann, days)
	}
	bucket := func(statements ...string) estate.Asset {
		return told("arn:aws:s3:::lake", "AWS::S3::Bucket", `{"Name":"lake","GetBucketPolicy":{"Policy":{"Statement":[`+strings.Join(statements, ",")+`]}}}`, "s3:GetBucketPolicy")
	}
	read := calledBy(trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a"}`), "arn:aws:sts::"+partner+":assumed-role/lab/x", 1)
	function := told(fn, "AWS::Lambda::Function", `{"FunctionName":"score","GetPolicy":{"Policy":{"Statement":[{"Sid":"trial","Effect":"Allow","Principal":{"AWS":"`+labs+`"},"Action":"lambda:InvokeFunction","Resource":"`+fn+`"}]}}}`, "lambda:GetPolicy")
	permit := calledBy(trailEvent("lambda", "AddPermission20150331v2", `{"functionName":"score","statementId":"trial","principal":"`+labs+`","action":"lambda:InvokeFunction"}`), ann, 5)
	tests := map[string]struct {
		assets []estate.Asset
		events []string
		want   string
		mend   string
	}{
		"not used since":         {[]estate.Asset{allTrail("AWS::S3::Object"), bucket(lab)}, []string{began, put(6, lab)}, "unused Lab", "aws s3api put-bucket-policy --bucket lake"},
		"used since":             {[]estate.Asset{allTrail("AWS::S3::Object"), bucket(lab)}, []string{began, put(6, lab), read}, "", ""},
		"nobody would see":       {[]estate.Asset{allTrail(), bucket(lab)}, []string{began, put(6, lab)}, "unknown Lab", "aws s3api"},
		"taken back":             {[]estate.Asset{allTrail("AWS::S3::Object"), bucket(other)}, []string{began, put(6, lab)}, "", ""},
		"it stood before":        {[]estate.Asset{allTrail("AWS::S3::Object"), bucket(lab, other)}, []string{put(8, other), began, put(5, other, lab)}, "unused Lab", "aws s3api"},
		"taken out between":      {[]estate.Asset{allTrail("AWS::S3::Object"), bucket(lab)}, []string{put(9, lab), put(8), began, put(5, lab)}, "unused Lab", "aws s3api"},
		"before and since":       {[]estate.Asset{allTrail("AWS::S3::Object"), bucket(lab)}, []string{put(9, lab), began, put(5, lab)}, "", ""},
		"a function's":           {[]estate.Asset{allTrail("AWS::Lambda::Function"), function}, []string{began, permit}, "unused trial", "aws lambda remove-permission --function-name " + fn + " --statement-id trial"},
		"by somebody else":       {[]estate.Asset{allTrail("AWS::S3::Object"), bucket(lab)}, []string{began, strings.ReplaceAll(put(6, lab), "user/ann", "user/bob")}, "", ""},
		"to its own account":     {[]estate.Asset{allTrail("AWS::S3::Object"), bucket(strings.ReplaceAll(other, partner, worldAccount))}, []string{began, put(6, strings.ReplaceAll(other, partner, worldAccount))}, "", ""},
		"to an account at large": {[]estate.Asset{allTrail("AWS::S3::Object"), bucket(strings.ReplaceAll(other, "ListBucket", "GetObject"))}, []string{began, put(6, strings.ReplaceAll(other, "ListBucket", "GetObject")), read}, "", ""},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			m := worldOf(t, nil, append(tt.assets, holder(`{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}`), job)...)
			u := usageOf(t, 10, tt.events...)
			u.Sort()
			sight, err := NewSight(m.snap, u)
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.leftovers(context.Background(), u, sight, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			said, mend := "", ""
			for _, l := range got {
				if l.Grant.Resource != "" {
					said, mend = said+string(l.Status)+" "+l.Grant.Grant, mend+strings.Join(l.Mend, ";")
				}
			}
			if said != tt.want || !strings.HasPrefix(mend, tt.mend) {
				t.Errorf("%q, want %q; mend %q (%+v)", said, tt.want, mend, got)
			}
		})
	}
}
