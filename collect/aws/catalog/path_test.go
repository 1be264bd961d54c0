package catalog

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestEveryOperationByPath finds each operation of the catalogue under the
// name the command line gives it, in the layouts people use.
func TestEveryOperationByPath(t *testing.T) {
	x, err := defaultIndex()
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range x.all {
		service, name := cliService(op), kebab(op.name)
		for _, path := range []string{
			service + "/" + name + "/sub.json",
			"111122223333/eu-west-1/" + service + "/" + name + "/sub.json",
			service + "/" + name + "_sub.json",
			service + "/" + op.name + "/sub.yaml",
			service + "_" + strings.ReplaceAll(name, "-", "_") + "_sub.json",
		} {
			n := x.readPath(path)
			if !slices.Contains(n.ops, op) || len(n.subjects) != 1 || n.subjects[0] != "sub" {
				var got []string
				for _, o := range n.ops {
					got = append(got, o.service+":"+o.name)
				}
				t.Errorf("%s: got %v subjects %v, want %s:%s", path, got, n.subjects, op.service, op.name)
			}
		}
	}
}

// TestKebab spells operations as the command line does.
func TestKebab(t *testing.T) {
	for op, want := range map[string]string{
		"ListBuckets": "list-buckets", "DescribeDBInstances": "describe-db-instances", "ListMFADevices": "list-mfa-devices",
		"GetEbsEncryptionByDefault": "get-ebs-encryption-by-default", "ListAutoMLJobs": "list-auto-ml-jobs",
	} {
		if got := kebab(op); got != want {
			t.Errorf("%s: got %s, want %s", op, got, want)
		}
	}
}

// TestSubjectSurvivesThePath gives back any subject that is URL-encoded in a
// file's name.
func TestSubjectSurvivesThePath(t *testing.T) {
	x, err := defaultIndex()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		subject := rapid.StringMatching(`[A-Za-z][A-Za-z0-9:/+=,@ -]{0,30}[A-Za-z0-9]`).Draw(t, "subject")
		enc := strings.NewReplacer("%", "%25", "/", "%2F", ":", "%3A", " ", "%20").Replace(subject)
		n := x.readPath("s3api/get-bucket-policy/" + enc + ".json")
		if len(n.ops) > 0 && n.ops[0].name == "GetBucketPolicy" && (len(n.subjects) != 1 || n.subjects[0] != subject) {
			t.Fatalf("%q became %q", subject, n.subjects)
		}
	})
}

// TestPlaceIn reads account and region from folders.
func TestPlaceIn(t *testing.T) {
	for path, want := range map[string][2]string{
		"111122223333/eu-west-1/ec2":   {"111122223333", "eu-west-1"},
		"acct-111122223333/us_east_1":  {"111122223333", "us-east-1"},
		"us-gov-west-1/x":              {"", "us-gov-west-1"},
		"1111222233334/eu-west-1a/ec2": {"", ""},
	} {
		account, region := placeIn(strings.Split(path, "/"))
		if account != want[0] || region != want[1] {
			t.Errorf("%s: got %q %q, want %q", path, account, region, want)
		}
	}
}
