package api

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return says(503, `{}`, "Retry-After", "7"), nil
			}
			return says(200, `{"Keys":[]}`), nil
		}}
		start := time.Now()
		if _, err := newClient(s, Options{}).Call(t.Context(), Request{Service: "kms", Operation: "ListKeys"}); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 7*time.Second {
			t.Errorf("waited %v, want 7s", d)
		}
	})
}

func TestThrottlingBacksOffAndGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := always(400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
		start := time.Now()
		_, err := newClient(s, Options{}).Call(t.Context(), Request{Service: "kms", Operation: "ListKeys"})
		if e := errorOf(t, err); e.Status != estate.ReadThrottled || len(s.got) != 5 {
			t.Errorf("got %v after %d attempts, want throttled after 5", e, len(s.got))
		}
		if d := time.Since(start); d < 1500*time.Millisecond || d > 10*time.Second {
			t.Errorf("five attempts took %v, want between 1.5 and 10 s", d)
		}
	})
}

func TestSilentServiceTimesOutTwiceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, &url.Error{Op: "Post", URL: "https://secret", Err: r.Context().Err()}
		}}
		start := time.Now()
		_, err := newClient(s, Options{}).Call(t.Context(), Request{Service: "kms", Operation: "ListKeys"})
		e := errorOf(t, err)
		if e.Code != "Timeout" || len(s.got) != 2 || time.Since(start) > 45*time.Second {
			t.Errorf("got %v after %d attempts in %v, want a Timeout after 2", e, len(s.got), time.Since(start))
		}
	})
}

func TestCancelDuringBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		s := always(503, `{}`, "Retry-After", "15")
		start := time.Now()
		_, err := newClient(s, Options{}).Call(ctx, Request{Service: "kms", Operation: "ListKeys"})
		if e := errorOf(t, err); e.Cause != CauseCancelled || time.Since(start) != 100*time.Millisecond {
			t.Errorf("got %v after %v, want cancelled after 100ms", e, time.Since(start))
		}
	})
}

func TestClockThatIsOffIsCorrected(t *testing.T) {
	actual := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
		if !strings.HasPrefix(r.Header.Get("X-Amz-Date"), "20260501T12") {
			return says(403, `{"__type":"InvalidSignatureException","message":"Signature expired"}`, "Date", actual.Format(http.TimeFormat)), nil
		}
		return says(200, `{"Keys":[]}`), nil
	}}
	c := newClient(s, Options{Now: func() time.Time { return actual.Add(-3 * time.Hour) }})
	if _, err := c.Call(context.Background(), Request{Service: "kms", Operation: "ListKeys"}); err != nil || len(s.got) != 2 {
		t.Errorf("got %v after %d attempts, want success after 2", err, len(s.got))
	}
}

func TestRegionThatNeverAnswersIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Host, "us-east-1") {
				return says(200, `{"Keys":[]}`), nil
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}
		c := newClient(s, Options{})
		for _, service := range Services() {
			for _, name := range Operations(service)[:1] {
				_, _ = c.Call(t.Context(), Request{Service: service, Operation: name, Region: "me-south-1"})
			}
		}
		silent := 0
		for _, r := range s.got {
			if strings.Contains(r.URL.Host, "me-south-1") {
				silent++
			}
		}
		if silent > regionDeadAfter+1 {
			t.Errorf("%d requests into a silent region, want at most %d", silent, regionDeadAfter+1)
		}
		if _, err := c.Call(t.Context(), Request{Service: "kms", Operation: "ListKeys", Region: "us-east-1"}); err != nil {
			t.Errorf("another region suffers: %v", err)
		}
	})
}

// A service that a region lacks says nothing about the region.
func TestMissingHostsDoNotKillARegion(t *testing.T) {
	s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Host, "kms.") {
			return says(200, `{"Keys":[]}`), nil
		}
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}}
	c := newClient(s, Options{})
	for range 2 * regionDeadAfter {
		_, _ = c.Call(context.Background(), Request{Service: "bedrock", Operation: "ListGuardrails"})
	}
	if _, err := c.Call(context.Background(), Request{Service: "kms", Operation: "ListKeys"}); err != nil {
		t.Error(err)
	}
}

// Keys that die in mid-run are not a region that was never enabled.
func TestCredentialsThatDieAreNotADisabledRegion(t *testing.T) {
	s := &server{answer: func(n int, _ *http.Request) (*http.Response, error) {
		if n == 1 {
			return says(200, `{"Keys":[]}`), nil
		}
		return says(400, `{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}`), nil
	}}
	c := newClient(s, Options{})
	for _, want := range []Cause{"", CauseCredentials} {
		_, err := c.Call(context.Background(), Request{Service: "kms", Operation: "ListKeys"})
		if want != "" && errorOf(t, err).Cause != want {
			t.Errorf("got %v (%s), want %s", err, errorOf(t, err).Cause, want)
		}
	}
	_, err := c.Call(context.Background(), Request{Service: "kms", Operation: "ListKeys", Region: "ap-east-1"})
	if e := errorOf(t, err); e.Cause != CauseDisabled {
		t.Errorf("elsewhere: got %s, want %s", e.Cause, CauseDisabled)
	}
}

// Expired credentials that can be renewed are, once.
func TestExpiredCredentialsAreRenewedOnce(t *testing.T) {
	renewals := 0
	cache := aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		renewals++
		return aws.Credentials{AccessKeyID: "AK", SecretAccessKey: "s", SessionToken: "old" + strings.Repeat("x", renewals)}, nil
	}))
	s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
		if r.Header.Get("X-Amz-Security-Token") == "oldx" {
			return says(400, `{"__type":"ExpiredTokenException","message":"expired"}`), nil
		}
		return says(200, `{"Keys":[]}`), nil
	}}
	c := New(aws.Config{Region: "eu-west-1", Credentials: cache}, Options{HTTP: s})
	if _, err := c.Call(context.Background(), Request{Service: "kms", Operation: "ListKeys"}); err != nil || renewals != 2 {
		t.Errorf("got %v after %d renewals, want success after 2", err, renewals)
	}
}

func TestPageNotFoundIsNotAbsence(t *testing.T) {
	s := always(404, "<!doctype html><title>404 Not Found</title>")
	_, err := newClient(s, Options{}).Call(context.Background(), Request{Service: "lambda", Operation: "ListFunctions"})
	if e := errorOf(t, err); e.Cause != CauseUnsupported || e.Status != estate.ReadFailed || len(s.got) != 1 {
		t.Errorf("got %v (%s) after %d attempts, want %s after 1", e, e.Cause, len(s.got), CauseUnsupported)
	}
}

func TestNoSuchHostIsAMissingEndpoint(t *testing.T) {
	s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}}
	}}
	_, err := newClient(s, Options{}).Call(context.Background(), Request{Service: "bedrock", Operation: "ListGuardrails", Region: "af-south-1"})
	if e := errorOf(t, err); e.Cause != CauseNoEndpoint || len(s.got) != 1 {
		t.Errorf("got %v (%s) after %d attempts, want %s after 1", e, e.Cause, len(s.got), CauseNoEndpoint)
	}
}
