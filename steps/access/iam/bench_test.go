package iam_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

const benchAccount = "111122223333"

// crowd is a world of n principals of one account of an organisation. Each
// holds one to five of the provider's own managed policies, every fourth a
// policy of its own with conditions and a variable, every third a boundary;
// three levels of control policies bind them all.
func crowd(n int, arns []string) *iam.World {
	w := iam.NewWorld()
	random := rand.New(rand.NewPCG(1, 2)) // the same crowd each time
	parse := func(id, doc string) *iam.Policy { return w.Parse(id, []byte(doc)) }
	full := parse("FullAWSAccess", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	regions := parse("regions", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":["iam:*","organizations:*","support:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1","eu-central-1"]},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/breakglass"}}}]}`)
	leave := parse("leave", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["organizations:LeaveOrganization","cloudtrail:StopLogging"],"Resource":"*"}]}`)
	w.AddAccount(&iam.Account{ID: benchAccount, Organization: "o-1", Path: "o-1/r-1/ou-1/", SCPs: [][]*iam.Policy{{full}, {full, regions}, {full, leave}}})
	boundaries := []*iam.Policy{
		parse("boundary/a", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*"],"Resource":"*"}]}`),
		parse("boundary/b", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","sagemaker:*","bedrock:*","ec2:*","logs:*"],"Resource":"*"},{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}]}`),
	}
	managed := make([]*iam.Policy, len(arns))
	for i, arn := range arns {
		doc, _ := reference.Managed(arn)
		managed[i] = w.Parse(arn, doc)
	}
	for i := range n {
		name := "p" + strconv.Itoa(i)
		p := &iam.Principal{ARN: "arn:aws:iam::" + benchAccount + ":role/" + name, Kind: iam.Role, Account: benchAccount, Name: name, ID: "AROA" + name}
		for range 1 + random.IntN(5) {
			p.Policies = append(p.Policies, managed[random.IntN(len(managed))])
		}
		if i%4 == 0 {
			p.Policies = append(p.Policies, parse("inline/"+name, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::data-%d/${aws:PrincipalTag/team}/*","Condition":{"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`, i%100)))
		}
		if i%3 == 0 {
			p.Boundary = boundaries[i%2]
		}
		p.Tags = map[string]string{"team": "t" + strconv.Itoa(i%7)}
		w.AddPrincipal(p)
	}
	w.AddResource(&iam.Resource{ARN: "arn:aws:s3:::data-4", Account: benchAccount, Policy: parse("bucket", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::data-4","arn:aws:s3:::data-4/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`)})
	return w
}

var benchAsks = [][2]string{
	{"s3:GetObject", "arn:aws:s3:::data-4/t4/x"},
	{"sagemaker:InvokeEndpoint", "arn:aws:sagemaker:eu-west-1:" + benchAccount + ":endpoint/e"},
	{"iam:PassRole", "arn:aws:iam::" + benchAccount + ":role/service"},
	{"bedrock:InvokeModel", "arn:aws:bedrock:eu-west-1::foundation-model/m"},
	{"ec2:RunInstances", "arn:aws:ec2:eu-west-1:" + benchAccount + ":instance/*"},
	{"dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:" + benchAccount + ":table/t"},
	{"kms:CreateKey", "*"},
	{"logs:PutLogEvents", "arn:aws:logs:eu-west-1:" + benchAccount + ":log-group:g:log-stream:s"},
}

// benchSizes are the numbers of principals; BENCH_SIZES="100 1000" names others.
func benchSizes() []int {
	var out []int
	for _, s := range strings.Fields(os.Getenv("BENCH_SIZES")) {
		if n, err := strconv.Atoi(s); err == nil {
			out = append(out, n)
		}
	}
	if out == nil {
		return []int{100, 1000, 10_000}
	}
	return out
}

// processor is the time that all threads have run, in seconds.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// resident is the memory that the process holds, in MB.
func resident() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return float64(pages*os.Getpagesize()) / 1e6
}

// BenchmarkLoad is everything before the first question: parsing the documents
// and adding the principals. The table of managed policies is opened before.
func BenchmarkLoad(b *testing.B) {
	arns := reference.ManagedARNs()
	for _, n := range benchSizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			start := processor()
			var w *iam.World
			for b.Loop() {
				w = crowd(n, arns)
			}
			b.ReportMetric((processor()-start)/float64(b.N), "cpu-s/op")
			b.ReportMetric(resident(), "rss-MB")
			runtime.KeepAlive(w)
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	arns := reference.ManagedARNs()
	for _, n := range benchSizes() {
		w := crowd(n, arns)
		people := w.Principals()
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			start := processor()
			for b.Loop() {
				ask := benchAsks[i%len(benchAsks)]
				w.Decide(iam.Request{Principal: people[i*7919%n], Action: ask[0], Resource: ask[1], Literal: true})
				i++
			}
			b.ReportMetric(float64(b.N)/(processor()-start), "decisions/cpu-s")
		})
	}
}

func BenchmarkWhoCan(b *testing.B) {
	arns := reference.ManagedARNs()
	for _, n := range benchSizes() {
		w := crowd(n, arns)
		for _, ask := range benchAsks[:3] {
			b.Run(strconv.Itoa(n)+"/"+strings.ReplaceAll(ask[0], ":", "_"), func(b *testing.B) {
				found := 0
				start := processor()
				for b.Loop() {
					found = len(w.WhoCan(iam.Request{Action: ask[0], Resource: ask[1], Literal: true}))
				}
				b.ReportMetric(1000*(processor()-start)/float64(b.N), "cpu-ms/op")
				b.ReportMetric(float64(found), "holders")
			})
		}
	}
}
