package assess_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
)

// folder is a copy of the example estate that a test may damage.
type folder struct {
	t    *testing.T
	root string
}

func newFolder(t *testing.T) *folder {
	t.Helper()
	f := &folder{t, filepath.Join(t.TempDir(), "harbour")}
	if err := os.CopyFS(f.root, os.DirFS("../examples/harbour")); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *folder) write(name, text string) {
	f.t.Helper()
	path := filepath.Join(f.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) text(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.root, filepath.FromSlash(name)))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

func (f *folder) replace(name, old, to string) {
	f.t.Helper()
	text := f.text(name)
	if !strings.Contains(text, old) {
		f.t.Fatalf("%s has no %q", name, old)
	}
	f.write(name, strings.Replace(text, old, to, 1))
}

func (f *folder) refuse(name, operation string) {
	f.write(name, "An error occurred (AccessDenied) when calling the "+operation+" operation: not for you\n")
}

func (f *folder) remove(name string) {
	f.t.Helper()
	if err := os.RemoveAll(filepath.Join(f.root, filepath.FromSlash(name))); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) read() *estate.Snapshot {
	f.t.Helper()
	snap, err := assess.Read(context.Background(), assess.Options{Sources: []string{"dir:" + f.root}, MaskKey: []byte("test"), Now: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)})
	if err != nil {
		f.t.Fatal(err)
	}
	return snap
}

// Whatever is refused, missing, damaged or put otherwise in a folder of exports is
// one record, and what was not read is lost coverage with the true reason, never
// something that changed or is gone.
func TestDriftOfExports(t *testing.T) {
	const prod, dev = "444455556666/", "111122223333/"
	f := newFolder(t)
	f.write("cluster/own.yaml", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: own, namespace: score}\nspec: {podSelector: {}, policyTypes: [Ingress]}\n")
	before := f.read()
	details := prod + "iam/get-account-authorization-details.json"
	trust := `"Service": "sagemaker.amazonaws.com"`
	tests := map[string]struct {
		act  func(*folder)
		want []string // "what consequence status asset"
		says string   // the reason, or the changed places
	}{
		"a describe is refused": {func(f *folder) { f.refuse(prod+"sagemaker/describe-endpoint/eta-score.json", "DescribeEndpoint") },
			[]string{"unseen attribute unknown arn:aws:sagemaker:eu-west-1:444455556666:endpoint/eta-score"}, "denied: AccessDenied: not for you"},
		"a list with all it tells of is refused": {func(f *folder) { f.refuse(details, "GetAccountAuthorizationDetails") },
			[]string{"unseen attribute unknown iam:GetAccountAuthorizationDetails in 444455556666 eu-west-1"}, "denied: " + details + " holds an error: AccessDenied"},
		"a list is refused, and all of it is described": {func(f *folder) { f.refuse(prod+"s3api/list-buckets.json", "ListBuckets") },
			[]string{"unseen attribute unknown s3:ListBuckets in 444455556666 eu-west-1"}, "denied: "},
		"an empty list is refused": {func(f *folder) { f.refuse(prod+"sagemaker/list-domains.json", "ListDomains") },
			[]string{"unseen attribute unknown sagemaker:ListDomains in 444455556666 eu-west-1"}, "denied: "},
		"the list that holds the size of a unit": {func(f *folder) { f.refuse(prod+"lambda/list-functions.json", "ListFunctions") },
			[]string{"unseen attribute unknown arn:aws:lambda:eu-west-1:444455556666:function:berth-booking"}, "denied: "},
		"a list is missing": {func(f *folder) { f.remove(prod + "s3api/list-buckets.json") },
			[]string{"unseen attribute unknown AWS::S3::Bucket in 444455556666"}, "no source lists this type"},
		"half a list": {func(f *folder) { f.write(details, f.text(details)[:400]) },
			[]string{"unseen attribute unknown " + details + " in 444455556666 eu-west-1"}, "malformed: line 13"},
		"half a reply": {func(f *folder) {
			name := prod + "sagemaker/describe-endpoint/eta-score.json"
			f.write(name, f.text(name)[:400])
		}, []string{"unseen attribute unknown arn:aws:sagemaker:eu-west-1:444455556666:endpoint/eta-score"}, "malformed: line 12"},
		"an account is missing": {func(f *folder) { f.remove("111122223333") },
			[]string{"unseen attribute unknown everything in 111122223333"}, "nothing of 111122223333 was read"},
		"a list of a cluster is missing": {func(f *folder) { f.remove("cluster/networkpolicies.yaml") },
			[]string{"unseen attribute unknown networking.k8s.io/v1/NetworkPolicy in default"}, "no source lists this type"},
		"a file of its own that a list of the cluster does not hold": {func(f *folder) { f.remove("cluster/own.yaml") },
			[]string{"removed new path open k8s://default/score/NetworkPolicy/own"}, ""},
		"a trust, as the list and the description tell it": {func(f *folder) {
			for _, name := range []string{details, prod + "iam/get-role/eta-serving.json"} {
				f.replace(name, trust, trust+`, "AWS": "arn:aws:iam::999999999999:root"`)
			}
		}, []string{"changed new path open arn:aws:iam::444455556666:role/eta-serving"}, "config.AssumeRolePolicyDocument.Statement[].Principal.AWS\n"},
		"the same trust in other words": {func(f *folder) {
			for _, name := range []string{details, prod + "iam/get-role/eta-serving.json"} {
				f.replace(name, trust, `"Service": ["sagemaker.amazonaws.com", "sagemaker.amazonaws.com"]`)
			}
		}, []string{}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			copied := &folder{t, filepath.Join(t.TempDir(), "harbour")}
			if err := os.CopyFS(copied.root, os.DirFS(f.root)); err != nil {
				t.Fatal(err)
			}
			tt.act(copied)
			// Both are read from one place, as a folder that is written again is.
			after := moved(t, copied.read(), "dir:"+copied.root, "dir:"+f.root)
			d, err := audit.Compare(context.Background(), before, after)
			if err != nil {
				t.Fatal(err)
			}
			got, says := []string{}, ""
			for i := range d.Records {
				r := &d.Records[i]
				got = append(got, fmt.Sprintf("%s %s %s %s", r.What, r.Consequence, r.Status, r.Asset))
				says += r.Why + "\n"
				for _, c := range r.Changes {
					says += c.Attribute + "\n"
				}
				if r.Status == audit.StatusUnknown && (r.Hint == "" || strings.HasSuffix(r.Asset, "in ")) {
					t.Errorf("%s: no hint, or no place", r.Asset)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, describe(d))
			}
			if !strings.Contains(says, tt.says) || strings.Contains(says, "GetRole") {
				t.Errorf("it says\n%s, want %q", says, tt.says)
			}
		})
	}
}

// moved gives a snapshot another source's name.
func moved(t *testing.T, s *estate.Snapshot, from, to string) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(s.Taken())
	for n, a := range s.Assets() {
		if a.Referenced || strings.HasPrefix(a.Type, "sevenfold::") {
			continue
		}
		config, err := s.Config(n)
		if err != nil {
			t.Fatal(err)
		}
		x := *a
		x.Config = config
		if x.Source == from {
			x.Source = to
		}
		x.Kind, x.Root = "", nil
		b.Asset(x)
	}
	for _, x := range s.Coverage() {
		b.Covered(x)
	}
	for _, x := range s.BlindSpots() {
		if x.Source == from {
			x.Source = to
		}
		b.BlindSpot(x)
	}
	for _, x := range s.Sources() {
		if x.Source == from {
			x.Source = to
		}
		b.Source(x)
	}
	out, err := b.Build()
	if err == nil {
		out, err = assess.Understood(context.Background(), out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}
