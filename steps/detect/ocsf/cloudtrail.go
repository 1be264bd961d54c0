package ocsf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// maxResources bounds what is kept of one event; a call that names more is
// still one event.
const maxResources = 64

// errNotCloudTrail is a document that is JSON but no CloudTrail record.
var errNotCloudTrail = errors.New("no CloudTrail record: eventName, eventSource or eventTime is missing")

// DecodeCloudTrail reads one CloudTrail record (event version 1.0x) into e,
// overwriting it. It reads the bytes once and copies none: e holds views of
// raw. An error means the record is not valid JSON or no CloudTrail record.
// Reference: CloudTrail User Guide, "CloudTrail record contents".
func DecodeCloudTrail(raw []byte, e *Event) error {
	end, err := decodeCloudTrail(raw, e)
	if err == nil {
		rest := cursor.New(raw[end:])
		rest.End()
		err = rest.Err()
	}
	return err
}

// decodeCloudTrail reads the record b begins with and returns where it ends.
func decodeCloudTrail(b []byte, e *Event) (end int, err error) {
	*e = Event{Source: CloudTrail}
	d := cloudTrail{Cursor: cursor.New(b), e: e}
	d.record()
	end = d.Offset()
	e.Raw = b[:end:end]
	if err := d.Err(); err != nil {
		return end, err
	}
	if e.Action == "" || e.Service == "" || e.Time == 0 {
		return end, errNotCloudTrail
	}
	d.finish()
	return end, nil
}

// cloudTrail is the state of one record's decoding.
type cloudTrail struct {
	cursor.Cursor
	e          *Event
	params     [4]Resource // the first that the request's parameters name
	more       []Resource  // and the rest
	named      int
	issuer     string // ARN of the role behind an assumed-role session
	issuerAcct string
	principal  string // principalId
	arn        string
	userName   string
	recipient  string
	category   string
	model      string
	loginBad   bool
	notMgmt    bool
}

// The members of a record in the order in which CloudTrail writes them; what is of no
// interest stands among them, so that it is known at once.
const (
	inVersion = iota
	inIdentity
	inTime
	inSource
	inName
	inRegion
	inAddress
	inAgent
	inErrorCode
	inErrorMessage
	inRequest
	inResponse
	inAdditional
	inRequestID
	inID
	inReadOnly
	inResources
	inType
	inManagement
	inRecipient
	inCategory
	inTLS
)

var recordOrder = cursor.NewOrder("eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent",
	"errorCode", "errorMessage", "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID", "readOnly", "resources",
	"eventType", "managementEvent", "recipientAccountId", "eventCategory", "tlsDetails")

func (d *cloudTrail) record() {
	e := d.e
	if !d.Enter('{') {
		return
	}
	for at := 0; ; {
		which, ok := d.Member(recordOrder, &at)
		if !ok {
			return
		}
		switch which {
		case inName:
			e.Action = d.String()
		case inSource:
			e.Service = d.String()
		case inTime:
			e.Time, _ = ParseTime(d.String())
		case inID:
			e.ID = d.String()
		case inRegion:
			e.Region = d.String()
		case inAddress:
			e.SourceIP = d.String()
		case inAgent:
			e.UserAgent = d.String()
		case inErrorCode:
			e.ErrorCode = d.String()
		case inErrorMessage:
			e.ErrorMessage = d.String()
		case inRequestID:
			e.RequestID = d.String()
		case inRecipient:
			d.recipient = d.String()
		case inCategory:
			d.category = d.String()
		case inReadOnly:
			e.ReadOnly = tri(d.Bool())
		case inManagement:
			v, known := d.Bool()
			d.notMgmt = known && !v
		case inIdentity:
			d.identity()
		case inRequest:
			d.request()
		case inResponse:
			d.response()
		case inAdditional:
			d.additional()
		case inResources:
			d.resources()
		default: // inVersion, inType, inTLS and what is not in the order
			d.Skip()
		}
	}
}

const (
	whoType = iota
	whoPrincipal
	whoARN
	whoAccount
	whoKey
	whoName
	whoSession
	whoInvoked
)

var identityOrder = cursor.NewOrder("type", "principalId", "arn", "accountId", "accessKeyId", "userName", "sessionContext", "invokedBy")

func (d *cloudTrail) identity() {
	a := &d.e.Actor
	*a, d.arn, d.principal, d.userName, d.issuer, d.issuerAcct = Actor{}, "", "", "", "", "" // of two, the last counts, as everywhere
	if !d.Enter('{') {
		d.Skip()
		return
	}
	for at := 0; ; {
		which, ok := d.Member(identityOrder, &at)
		if !ok {
			return
		}
		switch which {
		case whoType:
			a.Type = d.String()
		case whoPrincipal:
			d.principal = d.String()
		case whoARN:
			d.arn = d.String()
		case whoAccount:
			a.Account = d.String()
		case whoKey:
			a.AccessKey = d.String()
		case whoName:
			d.userName = d.String()
		case whoInvoked:
			a.InvokedBy = d.String()
		case whoSession:
			d.session()
		default:
			d.Skip()
		}
	}
}

// issuerOrder begins as identityOrder does.
var (
	sessionOrder    = cursor.NewOrder("sessionIssuer", "webIdFederationData", "attributes", "sourceIdentity")
	issuerOrder     = cursor.NewOrder("type", "principalId", "arn", "accountId", "userName")
	attributesOrder = cursor.NewOrder("creationDate", "mfaAuthenticated")
)

func (d *cloudTrail) session() {
	if !d.Enter('{') {
		d.Skip()
		return
	}
	for at := 0; ; {
		which, ok := d.Member(sessionOrder, &at)
		if !ok {
			return
		}
		switch which {
		case 0:
			d.sessionIssuer()
		case 2:
			d.attributes()
		case 3:
			d.e.Actor.SourceID = d.String()
		default:
			d.Skip()
		}
	}
}

func (d *cloudTrail) sessionIssuer() {
	if !d.Enter('{') {
		d.Skip()
		return
	}
	for at := 0; ; {
		which, ok := d.Member(issuerOrder, &at)
		switch {
		case !ok:
			return
		case which == whoARN:
			d.issuer = d.String()
		case which == whoAccount:
			d.issuerAcct = d.String()
		default:
			d.Skip()
		}
	}
}

func (d *cloudTrail) attributes() {
	if !d.Enter('{') {
		d.Skip()
		return
	}
	for at := 0; ; {
		which, ok := d.Member(attributesOrder, &at)
		switch {
		case !ok:
			return
		case which == 0:
			d.e.Actor.SessionISO = d.String()
		case which == 1:
			d.e.MFA = tri(d.Bool())
		default:
			d.Skip()
		}
	}
}

// fields calls read for each member of the object that comes next; read
// consumes the value. Anything but an object is skipped.
func (d *cloudTrail) fields(read func(name string)) { fields(&d.Cursor, read) }

// fields calls read for each member of the object that comes next; read
// consumes the value. Anything but an object is skipped.
func fields(c *cursor.Cursor, read func(name string)) {
	if !c.Enter('{') {
		c.Skip()
		return
	}
	for {
		name, ok := c.Field()
		if !ok {
			return
		}
		read(name)
	}
}

// elems calls read for each element of the array that comes next.
func elems(c *cursor.Cursor, read func()) {
	if !c.Enter('[') {
		c.Skip()
		return
	}
	for c.Elem() {
		read()
	}
}

// request takes the names of things from the request's parameters, which is
// all most services say of their resources.
func (d *cloudTrail) request() {
	d.fields(func(name string) {
		switch d.Peek() {
		case '"':
			value := d.String()
			if name == "modelId" || name == "endpointName" {
				d.model = value
			}
			if namesResource(name) {
				d.param(name, value)
			}
		case '{':
			if name == "instancesSet" {
				d.instances()
				return
			}
			d.Skip()
		default:
			d.Skip()
		}
	})
}

func (d *cloudTrail) instances() {
	d.fields(func(name string) {
		if name != "items" {
			d.Skip()
			return
		}
		elems(&d.Cursor, func() {
			d.fields(func(name string) {
				if name == "instanceId" {
					d.param(name, d.String())
					return
				}
				d.Skip()
			})
		})
	})
}

func (d *cloudTrail) param(name, value string) {
	r := Resource{ID: value, Type: name}
	switch {
	case value == "" || d.named == maxResources:
		return
	case d.named < len(d.params):
		d.params[d.named] = r
	default:
		d.more = append(d.more, r)
	}
	d.named++
}

// namesResource says whether a parameter's value is the name of a thing.
func namesResource(param string) bool {
	switch param {
	case "roleSessionName", "sessionName", "clientRequestToken", "externalId", "clientId", "requestId", "displayName":
		return false
	case "key", "arn", "name", "resource", "host":
		return param != "host"
	}
	return strings.HasSuffix(param, "Arn") || strings.HasSuffix(param, "ARN") || strings.HasSuffix(param, "Name") ||
		strings.HasSuffix(param, "Id") || strings.HasSuffix(param, "Identifier")
}

func (d *cloudTrail) response() {
	d.fields(func(name string) {
		switch name {
		case "credentials", "accessKey":
			d.fields(func(name string) {
				if name == "accessKeyId" {
					d.e.Issued = d.String()
					return
				}
				d.Skip()
			})
		case "ConsoleLogin":
			d.loginBad = d.String() == "Failure"
		default:
			d.Skip()
		}
	})
}

func (d *cloudTrail) additional() {
	e := d.e
	d.fields(func(name string) {
		switch name {
		case "MFAUsed":
			switch d.String() {
			case "Yes":
				e.MFA = Yes
			case "No":
				e.MFA = No
			}
		case "bytesTransferredIn":
			e.BytesIn = whole(&d.Cursor)
		case "bytesTransferredOut":
			e.BytesOut = whole(&d.Cursor)
		default:
			d.Skip()
		}
	})
}

// whole reads a count; S3 writes its byte counts with a fraction.
func whole(c *cursor.Cursor) int64 {
	s, _, _ := strings.Cut(c.Text(), ".")
	n, _ := cursor.Int(s)
	return n
}

func (d *cloudTrail) resources() {
	elems(&d.Cursor, func() {
		var r Resource
		d.fields(func(name string) {
			switch name {
			case "ARN", "arn":
				r.ID = d.String()
			case "type":
				r.Type = d.String()
			case "accountId":
				r.Account = d.String()
			default:
				d.Skip()
			}
		})
		if r.ID != "" && len(d.e.Resources) < maxResources {
			d.e.Resources = append(d.e.Resources, r)
		}
	})
}

// finish puts together what stood in several places of the record.
func (d *cloudTrail) finish() {
	e := d.e
	e.Failed = e.ErrorCode != "" || d.loginBad
	a := &e.Actor
	e.Account = d.recipient
	if e.Account == "" {
		e.Account = a.Account
	}
	if e.ID == "" {
		e.ID = digest(e.Raw)
	}
	d.actor()
	if len(e.Resources) == 0 {
		e.Resources = d.fromParams()
	}
	if callsModel(e.Service, e.Action) {
		e.AI = &AI{Model: d.model, Provider: strings.TrimSuffix(e.Service, ".amazonaws.com"), Operation: "chat", InputTokens: -1, OutputTokens: -1}
	}
	e.Class, e.Activity = classifyAWS(e, d.category == "Data" || d.notMgmt)
}

// actor names the principal behind the session: the role of an assumed-role
// session, the user, the service.
func (d *cloudTrail) actor() {
	a := &d.e.Actor
	a.ARN = d.arn
	switch a.Type {
	case "AssumedRole":
		a.ID = d.issuer
		if d.issuerAcct != "" && a.Account == "" {
			a.Account = d.issuerAcct
		}
		head, role, session, ok := assumedRole(d.arn)
		if a.ID == "" && ok {
			a.ID = roleARN(head, role)
		}
		if a.Session = session; session == "" {
			_, a.Session, _ = strings.Cut(d.principal, ":")
		}
	case "AWSService":
		a.ID = a.InvokedBy
	case "AWSAccount":
		a.ID = a.Account
	default: // IAMUser, Root, FederatedUser, SAMLUser, WebIdentityUser, Directory, IdentityCenterUser, Unknown
		a.ID = d.arn
		if a.ID == "" {
			a.ID = d.userName
		}
	}
	if a.ID == "" {
		a.ID = d.arn
	}
	if a.ID == "" {
		a.ID = d.principal
	}
}

// assumedRole splits arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION; the
// role's path is not in it.
func assumedRole(arn string) (head, role, session string, ok bool) {
	head, rest, ok := strings.Cut(arn, ":assumed-role/")
	role, session, _ = strings.Cut(rest, "/")
	return head, role, session, ok
}

// roleARN is the ARN of the role that assumedRole found.
func roleARN(head, role string) string {
	return strings.Replace(head, ":sts:", ":iam:", 1) + ":role/" + role
}

func tri(value, known bool) Tri {
	switch {
	case !known:
		return Unsaid
	case value:
		return Yes
	}
	return No
}

// digest is the id of an event whose source gave it none.
func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}
