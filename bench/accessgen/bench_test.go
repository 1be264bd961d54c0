package main

import (
	"context"
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

// benchSizes are the numbers of roles; BENCH_SIZES="100 1000" names others.
func benchSizes() []int {
	var out []int
	for _, s := range strings.Fields(os.Getenv("BENCH_SIZES")) {
		if n, err := strconv.Atoi(s); err == nil {
			out = append(out, n)
		}
	}
	if out == nil {
		return []int{100, 1000, 10_000, 100_000}
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

// BenchmarkLoad is everything before the first question: the documents parsed
// and the roles added. Memory is the whole process's, right after.
func BenchmarkLoad(b *testing.B) {
	for _, n := range benchSizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			c := newCrowd(n)
			for _, arn := range c.managed {
				reference.Managed(arn)
			}
			var w *iam.World
			b.ResetTimer()
			start := processor()
			for b.Loop() {
				w = c.world()
			}
			b.ReportMetric((processor()-start)/float64(b.N), "cpu-s/op")
			b.ReportMetric(resident(), "rss-MB")
			runtime.KeepAlive(w)
		})
	}
}

// decisions is how many one iteration of BenchmarkDecide makes.
const decisions = 200_000

// BenchmarkDecide asks all questions of many roles in an order that no cache
// foresees.
func BenchmarkDecide(b *testing.B) {
	for _, n := range benchSizes() {
		w := newCrowd(n).world()
		people := w.Principals()
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			start := processor()
			for b.Loop() {
				for i := range decisions {
					q := questions[i%len(questions)]
					w.Decide(iam.Request{Principal: people[i*7919%n], Action: q.Action, Resource: q.Resource, Literal: true})
				}
			}
			b.ReportMetric(decisions*float64(b.N)/(processor()-start), "decisions/cpu-s")
		})
	}
}

// BenchmarkWhoCan asks which roles may read an object: a question that the
// policies of a tenth of them leave open.
func BenchmarkWhoCan(b *testing.B) {
	for _, n := range benchSizes() {
		w := newCrowd(n).world()
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			found := 0
			start := processor()
			for b.Loop() {
				found = len(w.WhoCan(iam.Request{Action: questions[0].Action, Resource: questions[0].Resource, Literal: true}))
			}
			b.ReportMetric((processor()-start)/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(found), "holders")
		})
	}
}

// BenchmarkWays finds every way by which somebody of an account made to be bad
// becomes administrator; up to 10,000 principals.
func BenchmarkWays(b *testing.B) {
	climb(b, func(w *iam.World, routes []reference.Route) (int, error) {
		ways, err := w.Escalations(context.Background(), routes, unread{})
		return len(ways), err
	}, "ways")
}

// BenchmarkClimbers finds who of the same account can, and no ways: what every
// assessment asks.
func BenchmarkClimbers(b *testing.B) {
	climb(b, func(w *iam.World, routes []reference.Route) (int, error) {
		who, err := w.Climbers(context.Background(), routes, unread{})
		return len(who), err
	}, "climbers")
}

func climb(b *testing.B, find func(*iam.World, []reference.Route) (int, error), what string) {
	b.Helper()
	routes, err := reference.Routes()
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range benchSizes() {
		if n > 10_000 {
			continue
		}
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w := badAccount(n)
			found := 0
			b.ResetTimer()
			start := processor()
			for b.Loop() {
				if found, err = find(w, routes); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processor()-start)/float64(b.N), "cpu-s/op")
			b.ReportMetric(resident(), "rss-MB")
			b.ReportMetric(float64(found), what)
		})
	}
}

// unread says of everything beside policies that it was not read, which leaves
// most ways open.
type unread struct{}

func (unread) Carriers(string, string) ([]iam.Carrier, bool) { return nil, false }

func (unread) Fact(string, *iam.Principal, *iam.Principal, *iam.Carrier) (holds, known bool) {
	return false, false
}

// badAccount is an account of n principals, half of them users and half roles
// that services take, each with one to four of the provider's managed policies,
// whatever they allow.
func badAccount(n int) *iam.World {
	random := rand.New(rand.NewPCG(7, 7))
	w := iam.NewWorld()
	w.AddAccount(&iam.Account{ID: account})
	var pool []*iam.Policy
	for _, arn := range reference.ManagedARNs() {
		document, _ := reference.Managed(arn)
		pool = append(pool, w.Parse(arn, document))
	}
	services := []string{"lambda.amazonaws.com", "ec2.amazonaws.com", "sagemaker.amazonaws.com", "glue.amazonaws.com", "states.amazonaws.com", "bedrock.amazonaws.com", "ecs-tasks.amazonaws.com"}
	for i := range n {
		p := &iam.Principal{Kind: iam.User, Account: account, Name: "p" + strconv.Itoa(i)}
		p.ARN = "arn:aws:iam::" + account + ":user/" + p.Name
		if i%2 == 1 {
			p.Kind, p.ARN = iam.Role, "arn:aws:iam::"+account+":role/"+p.Name
			p.InstanceProfiles = []string{"arn:aws:iam::" + account + ":instance-profile/" + p.Name}
			document := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":%q},"Action":"sts:AssumeRole"}]}`, services[random.IntN(len(services))])
			w.AddResource(&iam.Resource{ARN: p.ARN, Account: account, Policy: w.Parse("trust of "+p.Name, []byte(document))})
		}
		for range 1 + random.IntN(4) {
			p.Policies = append(p.Policies, pool[random.IntN(len(pool))])
		}
		w.AddPrincipal(p)
	}
	return w
}
