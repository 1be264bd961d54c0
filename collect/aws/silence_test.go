package aws

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/test/faultproxy"
	"github.com/sevenfold-sec/sevenfold/test/wire"
)

// door hands requests to a handler without a network between, so that silence
// costs the time of a test's bubble only.
type door struct{ http.Handler }

// Do gives the handler's answer, or the end of the caller's patience.
func (d door) Do(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil {
			resp, err = nil, context.Cause(r.Context())
		}
	}()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	d.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// account answers for an account with three buckets in us-west-2 and one at
// home; everything it does not know it refuses.
func account(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	call, _ := wire.Identify(r, body)
	say := func(xml string) { fmt.Fprint(w, `<?xml version="1.0"?>`+xml) }
	switch call.Key() {
	case "sts:GetCallerIdentity":
		say(`<R><GetCallerIdentityResult><Account>111122223333</Account><Arn>arn:aws:sts::111122223333:assumed-role/r/s</Arn></GetCallerIdentityResult></R>`)
	case "ec2:DescribeVpcs":
		say(`<R><vpcSet/></R>`)
	case "s3:ListBuckets":
		say(`<R><Buckets><Bucket><Name>far-1</Name></Bucket><Bucket><Name>far-2</Name></Bucket><Bucket><Name>far-3</Name></Bucket><Bucket><Name>near</Name></Bucket></Buckets></R>`)
	case "s3:GetBucketLocation":
		if strings.Contains(r.URL.String(), "far-") {
			say(`<LocationConstraint>us-west-2</LocationConstraint>`)
			return
		}
		say(`<LocationConstraint>eu-west-1</LocationConstraint>`)
	case "s3:GetBucketVersioning":
		say(`<R><Status>Enabled</Status></R>`)
	default:
		wire.Refuse(w, call, http.StatusForbidden, "AccessDenied", "not authorized to perform: "+call.Key())
	}
}

// inSilence collects while the given region never answers. It returns what was
// read, the requests that waited in vain by operation, and the bubble's time.
func inSilence(t *testing.T, region string, o Options) (m *memory, vain map[string]int, took time.Duration) {
	vain = map[string]int{}
	synctest.Test(t, func(t *testing.T) {
		proxy := faultproxy.New(http.HandlerFunc(account), faultproxy.Rule{Region: region, Fault: faultproxy.Silent})
		o.Connect = func(context.Context, string) (Client, string, error) {
			cfg := sdk.Config{Region: "eu-west-1", BaseEndpoint: sdk.String("https://aws.test"),
				Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret-key", "")}
			return api.New(cfg, api.Options{HTTP: door{proxy}}), "eu-west-1", nil
		}
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		m = newMemory()
		began := time.Now()
		if err := c.Collect(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		took = time.Since(began)
		for _, call := range proxy.Calls() {
			if call.Region == region {
				vain[call.Key()]++
			}
		}
	})
	return m, vain, took
}

// TestSilenceIsPaidOnce counts the requests that wait for a region that never
// answers, though buckets lie there or IAM is at home there.
func TestSilenceIsPaidOnce(t *testing.T) {
	tests := map[string]struct {
		silent  string
		regions []string
		vain    map[string]int
		waits   time.Duration // time-outs one after the other
	}{
		"buckets_in_a_region_read": {"us-west-2", []string{"eu-west-1", "us-west-2"},
			map[string]int{"ec2:DescribeVpcs": 1}, 20 * time.Second},
		// All three buckets ask at once before anybody knows.
		"buckets_in_a_region_not_read": {"us-west-2", []string{"eu-west-1"},
			map[string]int{"s3:GetBucketPolicy": 3}, 20 * time.Second},
		"home_of_IAM": {"us-east-1", []string{"eu-west-1", "us-east-1"},
			map[string]int{"ec2:DescribeVpcs": 1, "iam:GenerateCredentialReport": 1, "iam:GetAccountSummary": 1,
				"iam:GetAccountPasswordPolicy": 1, "iam:GetAccountAuthorizationDetails": 1, "iam:ListOpenIDConnectProviders": 1,
				"iam:ListSAMLProviders": 1, "iam:ListVirtualMFADevices": 1, "iam:ListServerCertificates": 1,
				"iam:ListServiceSpecificCredentials": 1}, 60 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, vain, took := inSilence(t, tt.silent, Options{Regions: tt.regions, Services: []string{"iam", "s3", "ec2", "kms"}})
			if tt.vain["iam:GenerateCredentialReport"] == 1 {
				// Two readers may have been on their way to the summary.
				vain["iam:GetAccountSummary"] = min(vain["iam:GetAccountSummary"], 1)
				vain["iam:GetAccountPasswordPolicy"] = min(vain["iam:GetAccountPasswordPolicy"], 1)
			}
			if d := cmp.Diff(tt.vain, vain); d != "" {
				t.Errorf("requests that waited in vain (-want +got):\n%s", d)
			}
			if took > tt.waits+2*time.Second {
				t.Errorf("%s of the bubble's time, want %s of waiting", took, tt.waits)
			}
			if !slices.ContainsFunc(m.covered, func(c estate.Coverage) bool {
				return c.Type == "AWS::EC2::VPC" && c.Region == "eu-west-1"
			}) {
				t.Error("the region that answers was given up with the other")
			}
			for _, b := range m.blind {
				if b.Operation == "aws:eu-west-1" {
					t.Errorf("blind spot %+v", b)
				}
			}
			if tt.silent == "us-west-2" {
				bucketsUnread(t, m)
				return
			}
			if slices.ContainsFunc(m.covered, func(c estate.Coverage) bool { return c.Type == "AWS::IAM::Role" }) {
				t.Error("IAM never answered, and its roles count as listed")
			}
		})
	}
}

// bucketsUnread fails unless the far buckets are known, every part of them
// unread with a reason, and the near one read.
func bucketsUnread(t *testing.T, m *memory) {
	t.Helper()
	for _, name := range []string{"far-1", "far-2", "far-3", "near"} {
		a, ok := m.assets["arn:aws:s3:::"+name]
		if !ok {
			t.Errorf("%s: not listed", name)
			continue
		}
		for _, r := range a.Reads {
			if r.Operation != "s3:GetBucketVersioning" {
				continue
			}
			if ok := r.Status == estate.ReadOK; ok != (name == "near") || !ok && r.Why == "" {
				t.Errorf("%s: %+v", name, r)
			}
		}
		said := slices.ContainsFunc(m.blind, func(b estate.BlindSpot) bool {
			return b.Asset == a.ID && b.Operation == "s3:GetBucketVersioning" && b.Status == estate.ReadFailed
		})
		if said == (name == "near") {
			t.Errorf("%s: blind spot: %v", name, said)
		}
	}
}

// TestAServiceNotSubscribedIsNoLostRegion: a region that has answered is not
// given up because one of its services is not enabled for the account.
func TestAServiceNotSubscribedIsNoLostRegion(t *testing.T) {
	f := &fake{answer: func(req api.Request) (any, error) {
		if req.Service == "guardduty" {
			return nil, &api.Error{Service: req.Service, Operation: req.Operation, Region: req.Region, Code: "SubscriptionRequiredException",
				Message: "not subscribed", Status: estate.ReadFailed, Cause: api.CauseDisabled}
		}
		return nil, nil
	}}
	m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"guardduty", "kms", "sqs"}})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, b := range m.blind {
		said = append(said, b.Operation)
	}
	if slices.Contains(said, "aws:eu-west-1") || !slices.Contains(said, "guardduty:ListDetectors") {
		t.Errorf("blind spots: %v", said)
	}
}
