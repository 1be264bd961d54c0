package iam

import (
	"context"
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
	ada := town.user("ada", allow("iam:AttachUserPolicy", "sagemaker:CreatePresignedNotebookInstanceUrl", "s3:GetObject"))
	town.list["AWS::SageMaker::NotebookInstance"] = []Carrier{{ARN: "arn:aws:sagemaker:eu-west-1:" + home + ":notebook-instance/lab", Role: "arn:aws:iam::" + home + ":role/notebook"}}
	all, err := town.w.Escalations(context.Background(), routes, town)
	if err != nil {
		t.Fatal(err)
	}
	cuts, err := town.w.Cuts(context.Background(), routes, town, all)
	if err != nil {
		t.Fatal(err)
	}
	if len(cuts) != 2 {
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
	// What is not on a way stays allowed.
	after := *ada
	after.Policies = append(after.Policies, town.w.Parse("cut", cuts[1].Document))
	if got := town.w.Decide(Request{Principal: &after, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}); got != Allow {
		t.Errorf("reading is refused too: %v", got)
	}
}
