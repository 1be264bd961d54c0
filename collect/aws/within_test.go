package aws

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// silent answers as an account in which the given services never do.
func silent(services ...string) *fake {
	return &fake{answer: func(req api.Request) (any, error) {
		for _, s := range services {
			if req.Service == s {
				ctx := req.Params["ctx"].(context.Context)
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}
		if req.Key() == "kms:ListKeys" {
			return map[string]any{"Keys": []any{map[string]any{"KeyId": "k", "KeyArn": "arn:aws:kms:eu-west-1:111122223333:key/k"}}}, nil
		}
		return nil, nil
	}}
}

// within collects with a deadline in a bubble whose clock is the test's.
func within(t *testing.T, f *fake, limit time.Duration, o Options) (m *memory, err error) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), limit)
		defer stop()
		o.Connect = func(context.Context, string) (Client, string, error) { return f, "eu-west-1", nil }
		c, fault := New(o)
		if fault != nil {
			t.Fatal(fault)
		}
		m = newMemory()
		err = c.Collect(ctx, m)
	})
	return m, err
}

// TestTheEndOfTheTimeIsNoFailure keeps what was read and names what was not.
func TestTheEndOfTheTimeIsNoFailure(t *testing.T) {
	m, err := within(t, silent("kendra"), 165*time.Second, Options{Regions: []string{"eu-west-1"}, Services: []string{"kms", "kendra", "sqs"}})
	if err != nil {
		t.Fatal(err)
	}
	if m.types["AWS::KMS::Key"] != 1 {
		t.Errorf("types: %v", m.types)
	}
	if len(m.blind) != 1 {
		t.Fatalf("blind spots: %+v", m.blind)
	}
	b := m.blind[0]
	if b.Why != "not read: stopped after 2m45s; kendra never answered" || b.Hint != moreTime || b.Status != estate.ReadFailed ||
		b.Operation != "kendra:ListIndices" || b.Region != "eu-west-1" || len(b.Types) != 2 {
		t.Errorf("got %+v", b)
	}
	for _, c := range m.covered {
		if strings.Contains(c.Type, "Kendra") {
			t.Errorf("covered: %+v", c)
		}
	}
}

// TestWhatIsLeftIsNamedOncePerService names a global service without a region
// and several listings of one service together.
func TestWhatIsLeftIsNamedOncePerService(t *testing.T) {
	m, err := within(t, silent("sagemaker", "iam", "resourcegroupstaggingapi"), time.Minute, Options{Regions: []string{"eu-west-1", "us-east-1"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, b := range m.blind {
		if !strings.HasPrefix(b.Why, "not read: stopped after 1m0s") || b.Hint != moreTime {
			t.Errorf("blind spot %+v", b)
		}
		got[strings.SplitN(b.Operation, ":", 2)[0]+"@"+b.Region]++
	}
	for _, want := range []string{"iam@", "sagemaker@eu-west-1", "sagemaker@us-east-1", "resourcegroupstaggingapi@eu-west-1"} {
		if got[want] != 1 {
			t.Errorf("%s: %d blind spots, want 1 of %v", want, got[want], got)
		}
	}
}

// TestNothingReadInTime is an error that says what to do.
func TestNothingReadInTime(t *testing.T) {
	for _, silentOnes := range [][]string{{"sts"}, {"kms"}, {"account", "ec2", "kms"}} {
		o := Options{Services: []string{"kms"}}
		if silentOnes[0] == "kms" {
			o.Regions = []string{"eu-west-1"}
		}
		m, err := within(t, silent(silentOnes...), 10*time.Second, o)
		if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "stopped after 10s") || !strings.Contains(err.Error(), "--within") {
			t.Errorf("%v: error %v", silentOnes, err)
		}
		if len(m.blind) == 0 {
			t.Errorf("%v: nothing said", silentOnes)
		}
	}
}

// TestInterruptedIsAnError: the user's own end of a run is not its time's.
func TestInterruptedIsAnError(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	c, err := New(Options{Services: []string{"kms"}, Connect: func(context.Context, string) (Client, string, error) { return silent(), "eu-west-1", nil }})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Collect(ctx, newMemory()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
