package data

import (
	"encoding/json"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func bucketOf(t *testing.T, config string) facts {
	t.Helper()
	a := &estate.Asset{ID: "arn:aws:s3:::b", Type: "AWS::S3::Bucket", Name: "b"}
	f := facts{a: a}
	if err := json.Unmarshal([]byte(config), &f.cfg); err != nil {
		t.Fatal(err)
	}
	for k := range f.cfg {
		a.Reads = append(a.Reads, estate.Read{Key: k, Status: estate.ReadOK})
	}
	return f
}

// What keeps data beyond its period is told though a rule stands beside it.
func TestBucketKeeps(t *testing.T) {
	w := &World{snap: none(t)}
	const rest = `"GetBucketVersioning":{"Status":"Enabled"},"GetBucketReplication":{"ReplicationConfiguration":{}}`
	for _, tt := range []struct {
		name, config, what, want string
	}{
		{"old versions end", `{"GetBucketLifecycleConfiguration":{"Rules":[{"Status":"Enabled","Filter":{},"Expiration":{"Days":10},"NoncurrentVersionExpiration":{"NoncurrentDays":5},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}]},"GetObjectLockConfiguration":{},` + rest + `}`, "old versions", met},
		{"some are kept for ever", `{"GetBucketLifecycleConfiguration":{"Rules":[{"Status":"Enabled","Filter":{},"Expiration":{"Days":10},"NoncurrentVersionExpiration":{"NoncurrentDays":5,"NewerNoncurrentVersions":3},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}]},"GetObjectLockConfiguration":{},` + rest + `}`, "old versions", unmet},
		{"locks of single objects", `{"GetBucketLifecycleConfiguration":{"Rules":[]},"GetObjectLockConfiguration":{"ObjectLockConfiguration":{"ObjectLockEnabled":"Enabled"}},` + rest + `}`, "object lock", notKnown},
		{"no lock", `{"GetBucketLifecycleConfiguration":{"Rules":[]},"GetObjectLockConfiguration":{},` + rest + `}`, "object lock", ""},
	} {
		got := ""
		for _, r := range w.bucketKeeps(bucketOf(t, tt.config), "", 30) {
			if r.What == tt.what {
				got = r.Status
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s is %q, want %q", tt.name, tt.what, got, tt.want)
		}
	}
}
