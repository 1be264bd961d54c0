package iam

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// crowd is an account of n principals, half of them roles, each with one to
// four of the provider's managed policies.
func crowd(tb testing.TB, n int) *town {
	tb.Helper()
	t := newTown()
	rnd := rand.New(rand.NewPCG(7, 7))
	var pool []*Policy
	for _, arn := range reference.ManagedARNs() {
		text, ok := reference.Managed(arn)
		if !ok {
			tb.Fatalf("%s: no document", arn)
		}
		pool = append(pool, t.w.Parse(arn, text))
	}
	services := []string{"lambda.amazonaws.com", "ec2.amazonaws.com", "sagemaker.amazonaws.com", "glue.amazonaws.com", "states.amazonaws.com", "bedrock.amazonaws.com", "ecs-tasks.amazonaws.com"}
	for i := range n {
		name := fmt.Sprintf("p%d", i)
		var p *Principal
		if i%2 == 0 {
			p = t.user(name)
		} else {
			p = t.role(name, trusts(services[rnd.IntN(len(services))]))
		}
		for range 1 + rnd.IntN(4) {
			p.Policies = append(p.Policies, pool[rnd.IntN(len(pool))])
		}
	}
	return t
}

func BenchmarkEscalations(b *testing.B) {
	routes, err := reference.Routes()
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			t := crowd(b, n)
			b.ResetTimer()
			found := 0
			for b.Loop() {
				all, err := t.w.Escalations(context.Background(), routes, t)
				if err != nil {
					b.Fatal(err)
				}
				found = len(all)
			}
			b.ReportMetric(float64(found), "ways")
		})
	}
}

func BenchmarkClimbers(b *testing.B) {
	routes, err := reference.Routes()
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			t := crowd(b, n)
			b.ResetTimer()
			found := 0
			for b.Loop() {
				all, err := t.w.Climbers(context.Background(), routes, t)
				if err != nil {
					b.Fatal(err)
				}
				found = len(all)
			}
			b.ReportMetric(float64(found), "climbers")
		})
	}
}
