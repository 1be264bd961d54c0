package api

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// fail makes an error of the client's own.
func (j *job) fail(code, message string, cause Cause) *Error {
	e := &Error{Service: j.req.Service, Operation: j.req.Operation, Region: j.to.region,
		Code: code, Message: message, Cause: cause, Status: statusOf(cause)}
	if e.Status == estate.ReadDenied {
		e.Grant = grant(j.svc, j.op.name, message)
	}
	return e
}

func statusOf(c Cause) estate.ReadStatus {
	switch c {
	case CauseDenied, CausePolicyDeny:
		return estate.ReadDenied
	case CauseThrottled:
		return estate.ReadThrottled
	case CauseMalformed:
		return estate.ReadMalformed
	}
	return estate.ReadFailed
}

func (j *job) cancelled(ctx context.Context) *Error {
	e := j.fail("Cancelled", "the run was stopped", CauseCancelled)
	e.wrapped = ctx.Err()
	return e
}

func (j *job) malformed(resp *http.Response, why string) *Error {
	e := j.fail("Malformed", why, CauseMalformed)
	e.HTTPStatus, e.RequestID = resp.StatusCode, requestID(resp.Header)
	return e
}

// cut is a body that ended early: by time, or by the other side.
func (j *job) cut(err error, resp *http.Response) *Error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || isTimeout(err) {
		return j.network(err)
	}
	e := j.malformed(resp, "the reply was cut short")
	e.wrapped = io.ErrUnexpectedEOF
	return e
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// network classifies a request that got no answer.
func (j *job) network(err error) *Error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // without the URL: its query may hold parameters
	}
	var dns *net.DNSError
	var e *Error
	switch {
	case errors.Is(err, context.Canceled):
		e = j.fail("Cancelled", "the run was stopped", CauseCancelled)
	case errors.As(err, &dns) && dns.IsNotFound:
		e = j.fail("EndpointMissing", "no host "+j.to.host+": the service is not offered in this region, or DNS does not resolve it", CauseNoEndpoint)
	case isTimeout(err) || errors.Is(err, context.DeadlineExceeded):
		e = j.fail("Timeout", "no answer within "+j.c.opt.AttemptTimeout.String(), CauseUnreachable)
		err = context.DeadlineExceeded
	default:
		e = j.fail("ConnectionFailed", clip(err.Error()), CauseUnreachable)
	}
	e.wrapped = err
	return e
}

// serviceError is what a service says when it refuses.
type serviceError struct{ Code, Message, RequestID, Region string }

func (e *serviceError) Error() string { return e.Code + ": " + e.Message }

// refused reads an answer with a status that is not success.
func (j *job) refused(resp *http.Response, body []byte) *Error {
	var se serviceError
	if strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "<") {
		se = xmlError(body)
	} else {
		se = jsonError(body)
	}
	if h := resp.Header.Get("X-Amzn-Errortype"); h != "" {
		se.Code = h
	}
	if q, _, ok := strings.Cut(resp.Header.Get("X-Amzn-Query-Error"), ";"); ok && q != "" {
		se.Code = q
	}
	se.Code = bareCode(se.Code)
	if se.Code == "" {
		se.Code = strconv.Itoa(resp.StatusCode)
		se.Message = first(se.Message, http.StatusText(resp.StatusCode))
	}
	if isHTML(body) && resp.StatusCode == http.StatusNotFound {
		// Not the service speaking: nothing at this address knows the path. It
		// must never pass for "there is none".
		e := j.fail(se.Code, "the endpoint does not know the operation", CauseUnsupported)
		e.HTTPStatus = resp.StatusCode
		return e
	}
	j.noteRegion(resp, se)
	j.noteClock(resp, se.Code)
	return j.classify(resp, se.Code, se.Message, se.RequestID)
}

// bareCode strips the namespace and the documentation link some services put
// around a code: "com.amazon.coral#ThrottlingException:http://…".
func bareCode(code string) string {
	code, _, _ = strings.Cut(code, ":")
	if i := strings.LastIndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	return strings.TrimSpace(code)
}

// noteRegion keeps the region in which S3 says a bucket lives.
func (j *job) noteRegion(resp *http.Response, se serviceError) {
	if j.req.Service != "s3" || j.to.bucket == "" {
		return
	}
	region := first(resp.Header.Get("X-Amz-Bucket-Region"), se.Region)
	moved := resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusTemporaryRedirect ||
		slices.Contains([]string{"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}, se.Code)
	if moved && region != "" && region != j.to.region && !j.to.custom {
		j.to.movedTo = region
	}
}

// noteClock keeps how far this machine's clock is off when that is why a
// signature was refused.
func (j *job) noteClock(resp *http.Response, code string) {
	if !slices.Contains([]string{"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure"}, code) {
		return
	}
	t, err := http.ParseTime(resp.Header.Get("Date"))
	if off := t.Sub(j.c.opt.Now()); err == nil && off.Abs() > 4*time.Minute {
		j.to.skewed = off
	}
}

func (j *job) classify(resp *http.Response, code, message, id string) *Error {
	message = j.clean(message)
	cause := causeOf(code, message, resp.StatusCode)
	if _, here := j.c.trustedIn.Load(j.to.signRegion); cause == CauseCredentials && !expired(code) && !here && j.c.trusted.Load() {
		// The same credentials were good elsewhere and never here: an opt-in
		// region that the account has not enabled refuses them in these words.
		cause = CauseDisabled
	}
	if cause == CausePolicyDeny {
		message = policyKind(message) + ": " + message
	}
	e := j.fail(code, message, cause)
	e.HTTPStatus, e.RequestID = resp.StatusCode, first(id, requestID(resp.Header))
	return e
}

func requestID(h http.Header) string {
	return first(h.Get("X-Amzn-Requestid"), h.Get("X-Amz-Request-Id"))
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Codes by cause, from the services' own documentation of common errors.
var codes = map[string]Cause{
	"AccessDenied": CauseDenied, "AccessDeniedException": CauseDenied, "UnauthorizedOperation": CauseDenied,
	"AuthorizationError": CauseDenied, "AuthorizationErrorException": CauseDenied, "NotAuthorized": CauseDenied,
	"UnauthorizedException": CauseDenied, "UnauthorizedAccess": CauseDenied, "Client.UnauthorizedOperation": CauseDenied,
	"ForbiddenException": CauseDenied, "Forbidden": CauseDenied, "AccessDeniedForDependencyException": CauseDenied,
	"AllAccessDisabled": CauseDenied, "InsufficientPrivilegesException": CauseDenied, "KMSAccessDeniedException": CauseDenied,

	"Throttling": CauseThrottled, "ThrottlingException": CauseThrottled, "ThrottledException": CauseThrottled,
	"RequestThrottled": CauseThrottled, "RequestThrottledException": CauseThrottled, "TooManyRequestsException": CauseThrottled,
	"ProvisionedThroughputExceededException": CauseThrottled, "RequestLimitExceeded": CauseThrottled,
	"BandwidthLimitExceeded": CauseThrottled, "SlowDown": CauseThrottled, "PriorRequestNotComplete": CauseThrottled,
	"EC2ThrottledException": CauseThrottled, "LimitExceededException": CauseThrottled, "TooManyRequests": CauseThrottled,

	"ExpiredToken": CauseCredentials, "ExpiredTokenException": CauseCredentials, "TokenRefreshRequired": CauseCredentials,
	"RequestExpired": CauseCredentials, "InvalidClientTokenId": CauseCredentials, "UnrecognizedClientException": CauseCredentials,
	"InvalidAccessKeyId": CauseCredentials, "AuthFailure": CauseCredentials, "SignatureDoesNotMatch": CauseCredentials,
	"InvalidSignatureException": CauseCredentials, "IncompleteSignature": CauseCredentials, "InvalidToken": CauseCredentials,
	"MissingAuthenticationToken": CauseCredentials, "MissingAuthenticationTokenException": CauseCredentials,
	"NotSignedUp": CauseCredentials, "RequestTimeTooSkewed": CauseCredentials,

	"OptInRequired": CauseDisabled, "SubscriptionRequiredException": CauseDisabled, "RegionDisabledException": CauseDisabled,

	"UnsupportedOperation": CauseUnsupported, "UnsupportedOperationException": CauseUnsupported, "UnknownOperationException": CauseUnsupported,
	"InvalidAction": CauseUnsupported, "NotImplemented": CauseUnsupported, "MethodNotAllowed": CauseUnsupported,
	"UnknownOperation": CauseUnsupported, "InvalidRequestMethod": CauseUnsupported,

	"RequestTimeout": CauseServer, "RequestTimeoutException": CauseServer, "InternalError": CauseServer, "InternalFailure": CauseServer,
	"InternalServerException": CauseServer, "ServiceUnavailable": CauseServer, "ServiceUnavailableException": CauseServer,
}

// causeOf reads a code first, then the status: an unlisted code with 403 is a
// refusal, with 404 something that is not there.
func causeOf(code, message string, status int) Cause {
	c, ok := codes[code]
	lower := strings.ToLower(message)
	switch {
	case ok && c == CauseDenied && policyKind(message) != "":
		return CausePolicyDeny
	case ok:
		return c
	case strings.Contains(lower, "rate exceeded"), status == http.StatusTooManyRequests:
		return CauseThrottled
	case strings.Contains(lower, "is not authorized to perform"):
		if policyKind(message) != "" {
			return CausePolicyDeny
		}
		return CauseDenied
	case status == http.StatusNotImplemented, status == http.StatusMethodNotAllowed:
		return CauseUnsupported
	case status >= 500:
		return CauseServer
	case status == http.StatusNotFound, strings.Contains(code, "NotFound"), strings.HasPrefix(code, "NoSuch"):
		return CauseNotFound
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return CauseDenied
	}
	return CauseRequest
}

func expired(code string) bool {
	return slices.Contains([]string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}, code)
}

// policyKind names the organisation's policy that denies, as AWS words it in
// its messages; empty when none does.
func policyKind(message string) string {
	m := strings.ToLower(message)
	switch {
	case !strings.Contains(m, "explicit deny") && !strings.Contains(m, "because no "):
		return ""
	case strings.Contains(m, "service control policy"):
		return "denied by SCP"
	case strings.Contains(m, "resource control policy"):
		return "denied by RCP"
	}
	return ""
}

var (
	action  = regexp.MustCompile(`not authorized to perform:? ?([a-z0-9-]+:[A-Za-z0-9*]+)`)
	encoded = regexp.MustCompile(`(?s)\s*(Encoded authorization failure message:|The Canonical String for this request|The String-to-Sign).*`)
)

// clean makes a provider's message fit to print: one line, bounded, without
// what AWS appends for debugging and without the credentials in use.
func (j *job) clean(s string) string {
	s = encoded.ReplaceAllString(s, "")
	for _, secret := range j.to.secrets {
		if len(secret) >= 8 {
			s = strings.ReplaceAll(s, secret, "[removed]")
		}
	}
	return clip(s)
}

const maxMessage = 400

func clip(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) <= maxMessage {
		return s
	}
	cut := maxMessage
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func jsonError(body []byte) serviceError {
	var doc struct {
		Type     string          `json:"__type"`
		Code     json.RawMessage `json:"code"`
		Message  string          `json:"message"`
		ErrorMsg string          `json:"errorMessage"`
		Message2 string          `json:"Message"`
	}
	if json.Unmarshal(body, &doc) != nil {
		return serviceError{}
	}
	se := serviceError{Code: doc.Type, Message: first(first(doc.Message, doc.Message2), doc.ErrorMsg)}
	if se.Code == "" && len(doc.Code) > 0 {
		if json.Unmarshal(doc.Code, &se.Code) != nil {
			se.Code = ""
		}
	}
	return se
}

// xmlError finds Code, Message, RequestId and Region wherever they stand:
// each protocol and service nests them its own way.
func xmlError(body []byte) serviceError {
	var se serviceError
	dec := xml.NewDecoder(strings.NewReader(string(body)))
	dec.Strict = false
	var name string
	for {
		t, err := dec.RawToken()
		if err != nil {
			return se
		}
		switch t := t.(type) {
		case xml.StartElement:
			name = t.Name.Local
		case xml.EndElement:
			name = ""
		case xml.CharData:
			set := map[string]*string{"Code": &se.Code, "Message": &se.Message, "RequestId": &se.RequestID,
				"RequestID": &se.RequestID, "Region": &se.Region}[name]
			if set != nil && *set == "" {
				*set = strings.TrimSpace(string(t))
			}
		}
	}
}
