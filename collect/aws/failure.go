package aws

import (
	"context"
	"errors"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// failure is a call that did not give its answer, as the collector judges it.
type failure struct {
	code   string // the provider's error code; empty for the network's
	why    string // code and message, shortened, without secrets
	status estate.ReadStatus
	cause  api.Cause
	err    error // what lies below
}

// Error returns the provider's words.
func (f *failure) Error() string { return f.why }

// Unwrap returns what lies below.
func (f *failure) Unwrap() error { return f.err }

// malformed is a reply that does not fit its published shape.
func malformed(why string, err error) *failure {
	return &failure{status: estate.ReadMalformed, cause: api.CauseMalformed, why: shorten(why), err: err}
}

// asFailure makes any error a failure.
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var e *api.Error
	if errors.As(err, &e) {
		return &failure{code: e.Code, why: shorten(e.Why()), status: e.Status, cause: e.Cause, err: err}
	}
	cause := api.Cause("")
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		cause = api.CauseUnreachable
	case errors.Is(err, context.Canceled):
		cause = api.CauseCancelled
	}
	return &failure{status: estate.ReadFailed, cause: cause, why: shorten(err.Error()), err: err}
}

// shorten keeps the first 300 bytes of a message.
func shorten(s string) string {
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

// byServiceControl reports whether a policy of the organisation refused the
// call, which no grant in the account mends.
func (f *failure) byServiceControl() bool {
	return f.cause == api.CausePolicyDeny || strings.Contains(f.why, "service control policy")
}

// CredentialsError says that the credentials cannot be used at all: going on
// would only collect refusals.
type CredentialsError struct {
	Source string
	Err    error
}

// Error says what to do, on a line of its own.
func (e *CredentialsError) Error() string {
	return e.Source + ": the credentials are refused: " + e.Err.Error() +
		"\nhint: renew them (aws sso login, or a new session of the role) and run again; what was read so far is kept"
}

// Unwrap returns the provider's error.
func (e *CredentialsError) Unwrap() error { return e.Err }

// hint says what would end a failure.
func hint(f *failure, grants []string) string {
	switch {
	case f.byServiceControl():
		return "a policy of the organisation denies " + strings.Join(grants, ", ") + ": allow it there for this role"
	case f.status == estate.ReadDenied:
		return "grant " + strings.Join(grants, ", ")
	case f.status == estate.ReadThrottled:
		return "run again later, or with less concurrency"
	case f.status == estate.ReadMalformed:
		return "the answer does not fit the published API; run the same call with the aws command line to compare"
	}
	return "run again; if it fails again, run the same call with the aws command line"
}
