package api

import (
	"fmt"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Cause says why a call failed, finer than a read's status.
type Cause string

// The causes.
const (
	CauseDenied      Cause = "denied"           // no grant for the caller
	CausePolicyDeny  Cause = "denied by policy" // a service or resource control policy says no
	CauseThrottled   Cause = "throttled"
	CauseCredentials Cause = "credentials" // missing, expired or refused everywhere
	CauseDisabled    Cause = "region disabled"
	CauseNoEndpoint  Cause = "no endpoint" // the service has no host in this region
	CauseUnreachable Cause = "unreachable" // dial, reset, time-out
	CauseMalformed   Cause = "malformed"
	CauseUnsupported Cause = "unsupported" // the service does not know the operation
	CauseNotFound    Cause = "not found"   // 404 or a code that says so; absent or gone is the caller's to tell
	CauseRequest     Cause = "request"     // the request does not fit the model or the service's rules
	CauseServer      Cause = "server"      // 5xx after all retries
	CauseCancelled   Cause = "cancelled"
)

// Error is a call that failed. Its text holds no secret: messages are cut
// before what AWS appends for debugging, and the credentials in use are
// struck from them.
type Error struct {
	Service, Operation, Region string
	// Code is the provider's ("AccessDenied"), the HTTP status when the answer
	// holds none, or one of the client's own: Malformed, Timeout, Unreachable,
	// ConnectionFailed, EndpointMissing, NoCredentials, InvalidParameter,
	// Cancelled.
	Code    string
	Message string
	// HTTPStatus and RequestID of the last answer; zero if there was none.
	HTTPStatus int
	RequestID  string
	// Status is what the read becomes; Cause says more.
	Status estate.ReadStatus
	Cause  Cause
	// Grant is the permission that would end a refusal; set when denied.
	Grant string

	wrapped error
}

// Error gives "service:Operation in region: Code: message".
func (e *Error) Error() string {
	where := e.Service + ":" + e.Operation
	if e.Region != "" {
		where += " in " + e.Region
	}
	return fmt.Sprintf("%s: %s", where, e.Why())
}

// Why gives "Code: message", with the kind of policy when that is what denies.
func (e *Error) Why() string {
	switch {
	case e.Message == "":
		return e.Code
	case e.Code == "":
		return e.Message
	}
	return e.Code + ": " + e.Message
}

// Unwrap gives the context's or the network's error underneath, if any.
func (e *Error) Unwrap() error { return e.wrapped }
