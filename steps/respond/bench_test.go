package respond

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// BenchmarkExercise ranks the scenarios of an estate of 100,000 assets with a hundred
// workloads, and makes a tabletop of one.
func BenchmarkExercise(b *testing.B) {
	builder := estate.NewBuilder(time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC))
	id := func(i int) string {
		if i < 100 {
			return fmt.Sprintf("arn:aws:sagemaker:eu-west-1:111122223333:endpoint/e%d", i)
		}
		return fmt.Sprintf("arn:aws:s3:::b%d", i)
	}
	for i := range 100_000 {
		a := estate.Asset{ID: id(i), Type: "AWS::S3::Bucket", Cloud: estate.AWS, Name: fmt.Sprint(i)}
		if i < 100 {
			a.Type = "AWS::SageMaker::Endpoint"
		}
		builder.Asset(a)
	}
	snap, err := builder.Build()
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	snap, err = snap.Understood(context.Background(), func(a *estate.Asset) estate.Understanding {
		if a.Type == "AWS::S3::Bucket" {
			return estate.Understanding{Kind: estate.KindStore}
		}
		u := estate.Understanding{Kind: estate.KindEndpoint, Root: &estate.Root{Class: estate.ClassEndpoint, Why: "x"}}
		for range 900 {
			u.Relations = append(u.Relations, estate.Relation{From: a.ID, To: id(100 + n%99_900), Type: estate.Reads, Tier: estate.Declared})
			n++
		}
		return u
	})
	if err != nil {
		b.Fatal(err)
	}
	s := scope.Default()
	workloads, err := s.Workloads(snap)
	if err != nil {
		b.Fatal(err)
	}
	all, err := Scenarios()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		ranked := Rank(snap, workloads, all, nil, "")
		e := Generate(Stage{Ranked: ranked[workloads.List[0].ID][0], Snap: snap, Scope: s})
		if len(e.Injects) < 9 {
			b.Fatal(len(e.Injects))
		}
	}
}
