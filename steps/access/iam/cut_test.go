package iam

import (
	"context"
	"slices"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

func TestCuts(t *testing.T) {
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	town := newTown()
	town.role("boss", trusts("sagemaker.amazonaws.com", "lambda.amazonaws.com"), all_)
	town.role("notebook", trusts("sagemaker.amazonaws.com"), allow("iam:PassRole", "sagemaker:*", "lambda:*", "s3:*"))
	town.role("clerk", trusts("glue.amazonaws.com"), allow("iam:PassRole", "sagemaker:CreateTrainingJob"))
	ada := town.user("ada", allow("iam:AttachUserPolicy", "sagemaker:CreatePresignedNotebookInstanceUrl", "s3:GetObject", "iam:PassRole", "glue:*"))
	town.list["AWS::SageMaker::NotebookInstance"] = []Carrier{{ARN: "arn:aws:sagemaker:eu-west-1:" + home + ":notebook-instance/lab", Role: "arn:aws:iam::" + home + ":role/notebook"}}
	all, err := town.w.Escalations(context.Background(), routes, town)
	if err != nil {
		t.Fatal(err)
	}
	who := map[string]bool{}
	for _, e := range all {
		who[e.Principal] = true
	}
	cuts, err := town.w.Cuts(context.Background(), routes, town, sortedKeys(who))
	if err != nil {
		t.Fatal(err)
	}
	if len(cuts) != 3 {
		t.Fatalf("%d cuts of %d ways: %+v", len(cuts), len(all), cuts)
	}
	for _, c := range cuts {
		if c.Left != 0 {
			t.Errorf("%s: %d ways are left with %v", c.Principal, c.Left, c.Denies)
		}
		if len(c.Denies) > 12 { // of the types that were not read, each is refused whole
			t.Errorf("%s: more is refused than the ways ask for: %v", c.Principal, c.Denies)
		}
		t.Logf("%s: %s", c.Principal, c.Document)
	}
	// What is not on a way stays allowed; and the cut holds by itself, though
	// others whom he could become are not cut.
	after := *ada
	after.Policies = append(slices.Clone(ada.Policies), town.w.Parse("cut", cuts[2].Document))
	alone := newTown()
	alone.list = town.list
	for _, p := range town.w.Principals() {
		if p == ada {
			p = &after
		}
		alone.w.AddPrincipal(p)
		if on := town.w.resources[p.ARN]; on != nil {
			alone.w.AddResource(on)
		}
	}
	if ways := alone.ways(t, "user/ada"); len(ways) > 0 {
		t.Errorf("with his own cut alone he goes on by %v", ways)
	}
	if got := town.w.Decide(Request{Principal: &after, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}); got != Allow {
		t.Errorf("reading is refused too: %v", got)
	}
}
