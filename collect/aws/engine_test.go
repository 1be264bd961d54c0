package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// jobs answers as an account with very many finished training jobs.
func jobs(total int) func(req api.Request) (any, error) {
	return func(req api.Request) (any, error) {
		switch req.Key() {
		case "sagemaker:ListTrainingJobs":
			if s := req.Params["StatusEquals"]; s != nil {
				return map[string]any{"TrainingJobSummaries": []any{}}, nil
			}
			page := req.Params["page"].(int)
			size := req.Params["MaxResults"].(int)
			var items []any
			for i := page * size; i < min(total, (page+1)*size); i++ {
				name := fmt.Sprintf("job-%06d", i)
				items = append(items, map[string]any{"TrainingJobName": name, "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:111122223333:training-job/" + name})
			}
			return map[string]any{"TrainingJobSummaries": items, "more": (page+1)*size < total}, nil
		case "sagemaker:DescribeTrainingJob":
			return map[string]any{"TrainingJobName": req.Params["TrainingJobName"]}, nil
		}
		return nil, nil
	}
}

// TestHistoryIsBounded reads an account of 400,000 finished jobs in a handful
// of list calls.
func TestHistoryIsBounded(t *testing.T) {
	f := &fake{answer: jobs(400_000)}
	m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"sagemaker"}})
	if err != nil {
		t.Fatal(err)
	}
	if n := f.calls["sagemaker:ListTrainingJobs"]; n > 4 {
		t.Errorf("%d list calls, want at most 4", n)
	}
	if n := m.types["AWS::SageMaker::TrainingJob"]; n != 100 {
		t.Errorf("%d jobs, want the newest 100", n)
	}
	var skipped []estate.BlindSpot
	for _, b := range m.blind {
		if b.Operation == "sagemaker:ListTrainingJobs" {
			skipped = append(skipped, b)
		}
	}
	if len(skipped) != 1 || skipped[0].Status != estate.ReadSkipped {
		t.Errorf("blind spots: got %+v, want one that is skipped", skipped)
	}
	for _, c := range m.covered {
		if c.Type == "AWS::SageMaker::TrainingJob" {
			t.Error("covered although most jobs were left out")
		}
	}
}

// TestHistoryWhole covers a list that its bound does not cut.
func TestHistoryWhole(t *testing.T) {
	f := &fake{answer: jobs(100)}
	m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"sagemaker"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.blind) != 0 || m.types["AWS::SageMaker::TrainingJob"] != 100 {
		t.Errorf("got %d jobs, blind spots %+v", m.types["AWS::SageMaker::TrainingJob"], m.blind)
	}
}

// TestDenied says which types a refusal hides and which grant would end it.
func TestDenied(t *testing.T) {
	f := &fake{answer: func(req api.Request) (any, error) {
		switch req.Key() {
		case "s3:ListBuckets":
			return map[string]any{"Buckets": []any{map[string]any{"Name": "b"}}}, nil
		case "sagemaker:ListEndpoints", "s3:GetBucketEncryption":
			return nil, denied(req, "no")
		case "s3:GetBucketPolicy":
			return nil, &api.Error{Code: "NoSuchBucketPolicy", Status: estate.ReadFailed, Cause: api.CauseNotFound}
		}
		return nil, nil
	}}
	m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"sagemaker", "s3"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"sagemaker:ListEndpoints": "grant sagemaker:ListEndpoints", "s3:GetBucketEncryption": "grant s3:GetEncryptionConfiguration"}
	for _, b := range m.blind {
		if hint := want[b.Operation]; hint != "" {
			if b.Hint != hint || b.Status != estate.ReadDenied || len(b.Types) == 0 {
				t.Errorf("%s: got %+v", b.Operation, b)
			}
			delete(want, b.Operation)
		}
	}
	if len(want) > 0 {
		t.Errorf("no blind spot for %v", want)
	}
	status := map[string]estate.ReadStatus{}
	for _, r := range m.assets["arn:aws:s3:::b"].Reads {
		status[r.Key] = r.Status
	}
	if status["GetBucketEncryption"] != estate.ReadDenied || status["GetBucketPolicy"] != estate.ReadAbsent || status["GetBucketAcl"] != estate.ReadOK {
		t.Errorf("reads: got %v", status)
	}
	for _, c := range m.covered {
		if c.Type == "AWS::SageMaker::Endpoint" {
			t.Error("covered although the list was denied")
		}
	}
}

// TestDeniedDescribe names the grant also where the describe alone tells the
// id.
func TestDeniedDescribe(t *testing.T) {
	f := &fake{answer: func(req api.Request) (any, error) {
		switch req.Key() {
		case "eks:ListClusters":
			return map[string]any{"clusters": []any{"c"}}, nil
		case "eks:ListNodegroups":
			return map[string]any{"nodegroups": []any{"gpu"}}, nil
		case "eks:DescribeNodegroup":
			return nil, denied(req, "no")
		}
		return nil, nil
	}}
	m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"eks"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range m.blind {
		if b.Operation == "eks:DescribeNodegroup" && (b.Status != estate.ReadDenied || b.Hint != "grant eks:DescribeNodegroup") {
			t.Errorf("got %+v", b)
		}
	}
	if slices.ContainsFunc(m.covered, func(c estate.Coverage) bool { return c.Type == "AWS::EKS::Nodegroup" }) {
		t.Error("covered although a group was not read")
	}
}

// TestExpired stops at once with an error that says what to do.
func TestExpired(t *testing.T) {
	f := &fake{answer: func(req api.Request) (any, error) {
		if req.Service == "iam" {
			return nil, &api.Error{Code: "ExpiredToken", Status: estate.ReadFailed, Cause: api.CauseCredentials}
		}
		return nil, nil
	}}
	_, err := run(t, f, Options{})
	if err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Fatalf("got %v, want an error with a hint", err)
	}
}

// TestRegionsGivenUp gives one blind spot for a region that is disabled, is
// denied by the organisation or does not answer, and reads the others.
func TestRegionsGivenUp(t *testing.T) {
	for name, fail := range map[string]func(req api.Request) error{
		"disabled": func(req api.Request) error {
			return &api.Error{Code: "AuthFailure", Status: estate.ReadFailed, Cause: api.CauseDisabled}
		},
		"denied": func(req api.Request) error { return denied(req, "with an explicit deny in a service control policy") },
		"silent": func(req api.Request) error {
			<-req.Params["ctx"].(context.Context).Done()
			return req.Params["ctx"].(context.Context).Err()
		},
		"refused": func(req api.Request) error {
			return &api.Error{Code: "ConnectionFailed", Status: estate.ReadFailed, Cause: api.CauseUnreachable}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{answer: func(req api.Request) (any, error) {
				switch {
				case req.Region == "us-east-1":
					return nil, fail(req)
				case req.Key() == "ec2:DescribeVpcs":
					return map[string]any{"Vpcs": []any{map[string]any{"VpcId": "vpc-1"}}}, nil
				}
				return nil, nil
			}}
			m, err := run(t, f, Options{Bounds: Bounds{RegionDeadline: 50 * time.Millisecond}})
			if err != nil {
				t.Fatal(err)
			}
			var of []estate.BlindSpot
			for _, b := range m.blind {
				if b.Region == "us-east-1" {
					of = append(of, b)
				}
			}
			if len(of) != 1 || len(of[0].Types) < 100 || of[0].Hint == "" {
				t.Errorf("%d blind spots for the region, want one for all its types: %.300v", len(of), of)
			}
			if f.at["us-east-1"] > 1 {
				t.Errorf("%d calls to the region, want the first only", f.at["us-east-1"])
			}
			if m.types["AWS::EC2::VPC"] != 1 {
				t.Error("the other region was not read")
			}
		})
	}
}

// TestGlobalWithoutHome reads IAM though the organisation denies the home
// region.
func TestGlobalWithoutHome(t *testing.T) {
	f := &fake{answer: func(req api.Request) (any, error) {
		switch {
		case req.Service == "ec2" && req.Region == "eu-west-1":
			return nil, denied(req, "with an explicit deny in a service control policy")
		case req.Key() == "iam:GetAccountAuthorizationDetails":
			return map[string]any{"RoleDetailList": []any{map[string]any{"RoleName": "r", "Arn": "arn:aws:iam::111122223333:role/r"}}}, nil
		}
		return nil, nil
	}}
	m, err := run(t, f, Options{Services: []string{"iam", "ec2"}, Regions: []string{"eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	if m.types["AWS::IAM::Role"] != 1 {
		t.Errorf("types: %v", m.types)
	}
	if !slices.Contains(m.covered, estate.Coverage{Type: "AWS::IAM::Role", Account: "111122223333"}) {
		t.Errorf("covered: %v", m.covered)
	}
}

// TestRegionFallsSilent gives a region up that stops answering midway.
func TestRegionFallsSilent(t *testing.T) {
	f := &fake{answer: func(req api.Request) (any, error) {
		if req.Region == "us-east-1" && req.Key() != "ec2:DescribeVpcs" {
			return nil, &api.Error{Code: "Timeout", Status: estate.ReadFailed, Cause: api.CauseUnreachable}
		}
		return nil, nil
	}}
	m, err := run(t, f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	given := 0
	for _, b := range m.blind {
		if b.Operation == "aws:us-east-1" {
			given++
		}
	}
	if given != 1 || len(m.blind) > 60 {
		t.Errorf("%d blind spots, %d for the region; want the region's and few others", len(m.blind), given)
	}
}

// TestNoRegions reads home alone when nobody says which regions there are.
func TestNoRegions(t *testing.T) {
	f := &fake{answer: func(req api.Request) (any, error) {
		if req.Key() == "account:ListRegions" || req.Key() == "ec2:DescribeRegions" {
			return nil, denied(req, "no")
		}
		return nil, nil
	}}
	m, err := run(t, f, Options{Services: []string{"kendra"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.blind) != 1 || !strings.Contains(m.blind[0].Hint, "account:ListRegions") {
		t.Errorf("blind spots: %+v", m.blind)
	}
}

// TestMalformed says that a reply does not fit.
func TestMalformed(t *testing.T) {
	f := &fake{answer: func(req api.Request) (any, error) {
		switch req.Key() {
		case "sagemaker:ListEndpoints":
			return []any{1}, nil
		case "sagemaker:ListModels":
			return map[string]any{"Models": []any{map[string]any{"CreationTime": "x"}}}, nil
		}
		return nil, nil
	}}
	m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"sagemaker"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]estate.ReadStatus{}
	for _, b := range m.blind {
		got[b.Operation] = b.Status
	}
	for _, op := range []string{"sagemaker:ListEndpoints", "sagemaker:ListModels"} {
		if got[op] != estate.ReadMalformed {
			t.Errorf("%s: got %q, want malformed", op, got[op])
		}
	}
}

// TestNotOffered takes a service without a host in a region as one with
// nothing there.
func TestNotOffered(t *testing.T) {
	f := &fake{answer: func(req api.Request) (any, error) {
		if req.Service == "kendra" {
			return nil, &api.Error{Code: "EndpointMissing", Status: estate.ReadFailed, Cause: api.CauseNoEndpoint}
		}
		return nil, nil
	}}
	m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"kendra"}})
	if err != nil || len(m.blind) != 0 || len(m.covered) != 2 {
		t.Errorf("err %v, blind spots %+v, covered %v", err, m.blind, m.covered)
	}
}

// TestRoles reads what it can when one of two roles cannot be assumed.
func TestRoles(t *testing.T) {
	f := &fake{}
	bad := "arn:aws:iam::444455556666:role/no"
	c, err := New(Options{Roles: []string{"arn:aws:iam::111122223333:role/yes", bad}, Services: []string{"kendra"}, Regions: []string{"eu-west-1"},
		Connect: func(_ context.Context, role string) (Client, string, error) {
			if role == bad {
				return nil, "", &api.Error{Code: "AccessDenied", Status: estate.ReadDenied, Cause: api.CauseDenied}
			}
			return f, "eu-west-1", nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	if err := c.Collect(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if len(m.blind) != 1 || m.blind[0].Account != "444455556666" || m.blind[0].Operation != "sts:AssumeRole" {
		t.Errorf("blind spots: %+v", m.blind)
	}
}
