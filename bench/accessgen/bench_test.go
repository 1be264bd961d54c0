package main

import (
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
