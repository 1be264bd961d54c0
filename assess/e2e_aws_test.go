package assess_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/test/faultproxy"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// lambdaSecret is the value planted in a function's environment and a
// group's tag.
const lambdaSecret = "planted-Lambda-passw0rd-8d1f"

// fill makes the same few things in three accounts and two regions.
const fill = `
import boto3, io, json, zipfile
def client(name, region, who):
    return boto3.client(name, region_name=region, **who)
z = io.BytesIO()
with zipfile.ZipFile(z, "w") as f: f.writestr("h.py", "def h(e, c): pass")
for account in ("123456789012", "111122223333", "444455556666"):
    who = {}
    if account != "123456789012":
        c = boto3.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/reader", RoleSessionName="fill")["Credentials"]
        who = dict(aws_access_key_id=c["AccessKeyId"], aws_secret_access_key=c["SecretAccessKey"], aws_session_token=c["SessionToken"])
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    role = client("iam", "eu-west-1", who).create_role(RoleName="work", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    client("s3", "eu-west-1", who).create_bucket(Bucket="models-" + account, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for region in ("eu-west-1", "us-west-2"):
        client("lambda", region, who).create_function(FunctionName="ask", Runtime="python3.12", Role=role, Handler="h.h",
            Code={"ZipFile": z.getvalue()}, Environment={"Variables": {"DB_PASSWORD": "` + lambdaSecret + `"}})
        client("sagemaker", region, who).create_notebook_instance(NotebookInstanceName="lab", InstanceType="ml.t3.medium", RoleArn=role)
        client("kms", region, who).create_key()
        client("ec2", region, who).create_security_group(GroupName="g", Description="g", TagSpecifications=[
            {"ResourceType": "security-group", "Tags": [{"Key": "DB_PASSWORD", "Value": "` + lambdaSecret + `"}]}])
`

// services are what the tests read: what the inventory cannot do without.
const services = "services=iam+s3+ec2+kms+sagemaker+lambda+cloudtrail"

const awsSource = "aws:regions=eu-west-1+us-west-2," + services

// cloud is a filled moto behind a proxy.
type cloud struct {
	proxy *faultproxy.Proxy
	calls atomic.Int64
	// at, if set, is called with the number of each call.
	at atomic.Pointer[func(int64)]
}

// ServeHTTP counts and forwards.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := c.calls.Add(1)
	if f := c.at.Load(); f != nil {
		(*f)(n)
	}
	c.proxy.ServeHTTP(w, r)
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	server := moto.Start(t)
	script := filepath.Join(t.TempDir(), "fill.py")
	if err := os.WriteFile(script, []byte(fill), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Python(t, script)
	c := &cloud{proxy: faultproxy.New(faultproxy.To(server.URL))}
	for _, kv := range moto.Env(faultproxy.Serve(t, c)) {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	return c
}

// play runs an assessment with faults.
func (c *cloud) play(t *testing.T, o assess.Options, rules ...faultproxy.Rule) *assess.Result {
	t.Helper()
	c.proxy.Set(rules...)
	defer c.proxy.Set()
	return run(t, o)
}

// counts are the assets read, by type and region.
func counts(r *assess.Result) map[string]int {
	out := map[string]int{}
	for _, a := range r.Snapshot.Assets() {
		if !a.Referenced {
			out[a.Type+" "+a.Region]++
		}
	}
	return out
}

// notPassed fails if a criterion that needs the inventory passes.
func notPassed(t *testing.T, r *assess.Result) {
	t.Helper()
	if source(t, r) == "complete" {
		t.Error("the source counts as complete")
	}
	for w, cs := range r.Criteria {
		for _, c := range cs {
			if c.ID == "audit.inventory" && c.Status != finding.CriterionUnknown {
				t.Errorf("%s: audit.inventory is %s", w, c.Status)
			}
		}
		if r.Verdicts[w] == finding.Ready {
			t.Errorf("%s is ready", w)
		}
	}
}

// says fails unless a blind spot holds all the words.
func says(t *testing.T, r *assess.Result, words ...string) {
	t.Helper()
	for _, b := range r.Snapshot.BlindSpots() {
		all := strings.Join([]string{b.Account, b.Region, b.Operation, string(b.Status), b.Why, b.Hint}, " ")
		found := true
		for _, w := range words {
			found = found && strings.Contains(all, w)
		}
		if found {
			return
		}
	}
	t.Errorf("no blind spot says %q", words)
}

func TestAWSFaults(t *testing.T) {
	c := newCloud(t)
	whole := run(t, options(t, awsSource))
	if counts(whole)["AWS::Lambda::Function us-west-2"] != 1 || len(whole.Workloads.List) == 0 {
		t.Fatalf("the account was not read: %v", counts(whole))
	}
	t.Run("expired", func(t *testing.T) { expired(t, c) })
	t.Run("throttled", func(t *testing.T) { throttled(t, c, whole) })
	t.Run("damaged replies", func(t *testing.T) { damaged(t, c, whole) })
	t.Run("a region that is not there", func(t *testing.T) { lostRegion(t, c, whole) })
	t.Run("interrupted and resumed", func(t *testing.T) { resumed(t, c, whole) })
	t.Run("deadline", func(t *testing.T) { deadline(t, c) })
	t.Run("two accounts", func(t *testing.T) { twoAccounts(t, c) })
}

func expired(t *testing.T, c *cloud) {
	for name, rule := range map[string]faultproxy.Rule{
		"at once": {Fault: faultproxy.Expired}, "midway": {Fault: faultproxy.Expired, After: 60},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.play(t, options(t, awsSource), rule)
			if got := source(t, r); got != "failed" {
				t.Errorf("the source is %s, want failed", got)
			}
			says(t, r, "credentials are refused", "expired", "aws sso login")
			notPassed(t, r)
		})
	}
}

func throttled(t *testing.T, c *cloud, whole *assess.Result) {
	list := faultproxy.Rule{Service: "lambda", Operation: "ListFunctions", Region: "us-west-2", Fault: faultproxy.Throttled}
	t.Run("for a while", func(t *testing.T) {
		list.Times = 2
		r := c.play(t, options(t, awsSource), list)
		if h := hole(r, "lambda:ListFunctions"); h != "" {
			t.Errorf("a call that succeeded in the end is a blind spot: %s", h)
		}
		if got, want := counts(r), counts(whole); !maps.Equal(got, want) {
			t.Errorf("read %v, want %v", got, want)
		}
	})
	t.Run("always", func(t *testing.T) {
		list.Times = 0
		r := c.play(t, options(t, awsSource), list)
		says(t, r, "us-west-2", "lambda:ListFunctions", "throttled")
		notPassed(t, r)
		if r.Snapshot.Covered("AWS::Lambda::Function", moto.Account, "us-west-2") {
			t.Error("the functions of us-west-2 count as listed")
		}
		if got := counts(r); got["AWS::Lambda::Function eu-west-1"] != 1 || got["AWS::Lambda::Function us-west-2"] != 0 {
			t.Errorf("functions: %v", got)
		}
	})
}

// Each way a list can answer and yet say nothing; several at once, for they do
// not depend on each other.
func damaged(t *testing.T, c *cloud, whole *assess.Result) {
	on := func(service, operation string, f faultproxy.Fault, member string) faultproxy.Rule {
		return faultproxy.Rule{Service: service, Operation: operation, Fault: f, Member: member}
	}
	for name, faults := range map[string][]faultproxy.Rule{
		"nonsense": {
			on("sagemaker", "ListNotebookInstances", faultproxy.Malformed, ""), on("lambda", "ListFunctions", faultproxy.HTML, ""),
			on("s3", "ListBuckets", faultproxy.Truncated, ""), on("kms", "ListKeys", faultproxy.WrongMember, "Keys"),
			on("ec2", "DescribeSecurityGroups", faultproxy.WrongMember, "securityGroupInfo"),
		},
		"nothing": {
			on("sagemaker", "ListNotebookInstances", faultproxy.Empty, ""), on("lambda", "ListFunctions", faultproxy.Empty, ""),
			on("s3", "ListBuckets", faultproxy.Empty, ""), on("kms", "ListKeys", faultproxy.Empty, ""),
			on("ec2", "DescribeSecurityGroups", faultproxy.Empty, ""), on("iam", "GetAccountAuthorizationDetails", faultproxy.Empty, ""),
		},
		"an object without members": {
			on("sagemaker", "ListNotebookInstances", faultproxy.Hollow, ""), on("lambda", "ListFunctions", faultproxy.Hollow, ""),
			on("s3", "ListBuckets", faultproxy.Hollow, ""), on("kms", "ListKeys", faultproxy.Hollow, ""),
			on("ec2", "DescribeSecurityGroups", faultproxy.Hollow, ""), on("iam", "GetAccountAuthorizationDetails", faultproxy.Hollow, ""),
			on("sagemaker", "ListModels", faultproxy.Hollow, ""),
		},
		"refusal": {
			on("kms", "ListKeys", faultproxy.DeniedBySCP, ""), on("iam", "GetAccountAuthorizationDetails", faultproxy.ServerError, ""),
			on("lambda", "ListFunctions", faultproxy.Reset, ""),
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.play(t, options(t, awsSource), faults...)
			notPassed(t, r)
			for _, f := range faults {
				says(t, r, f.Service+":"+f.Operation)
				if hole(whole, f.Service+":"+f.Operation) != "" {
					t.Errorf("%s is a blind spot without the fault too: nothing was tested", f.Operation)
				}
			}
		})
	}
}

func lostRegion(t *testing.T, c *cloud, whole *assess.Result) {
	for _, f := range []struct {
		fault faultproxy.Fault
		says  string
	}{
		{faultproxy.Silent, "no answer"}, {faultproxy.RegionDisabled, "not enabled"}, {faultproxy.DeniedBySCP, "policy of the organisation"},
	} {
		t.Run(string(f.fault), func(t *testing.T) {
			if f.fault == faultproxy.Silent { // by now moto has loaded all that it is asked of
				t.Setenv("SEVENFOLD_AWS_WAIT", "30s")
			}
			r := c.play(t, options(t, awsSource), faultproxy.Rule{Region: "us-west-2", Fault: f.fault})
			says(t, r, "us-west-2", "was given up", f.says)
			notPassed(t, r)
			want, got := counts(whole), counts(r)
			for _, typ := range []string{"AWS::Lambda::Function", "AWS::SageMaker::NotebookInstance", "AWS::KMS::Key"} {
				if got[typ+" eu-west-1"] != want[typ+" eu-west-1"] || got[typ+" us-west-2"] != 0 {
					t.Errorf("%s: %d and %d, want %d and none", typ, got[typ+" eu-west-1"], got[typ+" us-west-2"], want[typ+" eu-west-1"])
				}
			}
		})
	}
}

func resumed(t *testing.T, c *cloud, whole *assess.Result) {
	c.proxy.Set()
	c.calls.Store(0)
	o := options(t, awsSource)
	run(t, o)
	all := c.calls.Load()

	state := t.TempDir()
	o.Resume = assess.NewResume(state)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := func(n int64) {
		if n == all*9/10 {
			cancel()
		}
	}
	c.at.Store(&stop)
	c.calls.Store(0)
	_, err := assess.Run(ctx, o)
	c.at.Store(nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("an interrupted run: %v", err)
	}
	if n := masked(t, state); n == 0 {
		t.Fatal("nothing was kept of the interrupted run")
	}
	c.calls.Store(0)
	r := run(t, o)
	if again := c.calls.Load(); again >= all*9/10 {
		t.Errorf("%d calls after an interruption, %d at first: nothing was resumed", again, all)
	}
	if d := cmp.Diff(whole.Findings, r.Findings); d != "" {
		t.Errorf("findings (-whole +resumed):\n%s", d)
	}
	if _, err := os.Stat(filepath.Join(state, "resume")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a run that ended keeps what it would resume: %v", err)
	}
}

// masked counts the files of a state and fails if one holds the secret, in
// clear or compressed.
func masked(t *testing.T, state string) int {
	t.Helper()
	zr, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer zr.Close()
	n, seen := 0, false
	err = filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		if plain, err := zr.DecodeAll(body, nil); err == nil {
			body = append(body, plain...)
		}
		seen = seen || strings.Contains(string(body), "sevenfold:masked(")
		if strings.Contains(string(body), lambdaSecret) {
			t.Errorf("%s holds the secret", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n > 0 && !seen {
		t.Error("no file holds the masked value: the function was not read before the end, and nothing was tested")
	}
	return n
}

func deadline(t *testing.T, c *cloud) {
	o := options(t, awsSource)
	o.Within = 2 * time.Second
	r := c.play(t, o, faultproxy.Rule{After: 40, Fault: faultproxy.Slow, Delay: time.Second})
	notPassed(t, r)
	if len(r.Snapshot.BlindSpots()) == 0 || hole(r, "deadline") == "" && hole(r, "within") == "" {
		t.Errorf("no blind spot tells of the deadline: %+v", r.Snapshot.BlindSpots())
	}
}

func twoAccounts(t *testing.T, c *cloud) {
	roles := "aws:role=arn:aws:iam::111122223333:role/reader+arn:aws:iam::444455556666:role/reader,regions=eu-west-1," + services
	read := func(r *assess.Result) map[string]bool {
		out := map[string]bool{}
		for _, a := range r.Snapshot.Assets() {
			if a.Type == "AWS::Lambda::Function" && !a.Referenced {
				out[a.Account] = true
			}
		}
		return out
	}
	both := c.play(t, options(t, roles))
	if got := read(both); !got["111122223333"] || !got["444455556666"] || got[moto.Account] {
		t.Errorf("functions of accounts %v, want those of the two roles", got)
	}
	one := c.play(t, options(t, roles), faultproxy.Rule{Service: "sts", Resource: "111122223333", Fault: faultproxy.Denied})
	if got := read(one); got["111122223333"] || !got["444455556666"] {
		t.Errorf("functions of accounts %v, want the second only", got)
	}
	says(t, one, "111122223333", "sts:AssumeRole", "let the caller assume")
	notPassed(t, one)
	if n, ok := one.Snapshot.Find("arn:aws:iam::111122223333:root"); ok && one.Snapshot.Asset(n).Kind != estate.KindUnknown && !one.Snapshot.Asset(n).Referenced {
		t.Error("the account that could not be entered counts as read")
	}
}
