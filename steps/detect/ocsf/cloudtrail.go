package ocsf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

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
	params     []Resource  // what the request's parameters name
	room       [4]Resource // for them, mostly
	issuer     string      // ARN of the role behind an assumed-role session
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

func (d *cloudTrail) record() {
	e := d.e
	if !d.Enter('{') {
		return
	}
	for {
		name, ok := d.Field()
		if !ok {
			return
		}
		switch name {
		case "eventName":
			e.Action = d.String()
		case "eventSource":
			e.Service = d.String()
		case "eventTime":
			e.Time, _ = ParseTime(d.String())
		case "eventID":
			e.ID = d.String()
		case "awsRegion":
			e.Region = d.String()
		case "sourceIPAddress":
			e.SourceIP = d.String()
		case "userAgent":
			e.UserAgent = d.String()
		case "errorCode":
			e.ErrorCode = d.String()
		case "errorMessage":
			e.ErrorMessage = d.String()
		case "requestID":
			e.RequestID = d.String()
		case "recipientAccountId":
			d.recipient = d.String()
		case "eventCategory":
			d.category = d.String()
		case "readOnly":
			e.ReadOnly = tri(d.Bool())
		case "managementEvent":
			v, known := d.Bool()
			d.notMgmt = known && !v
		case "userIdentity":
			d.identity()
		case "requestParameters":
			d.request()
		case "responseElements":
			d.response()
		case "additionalEventData":
			d.additional()
		case "resources":
			d.resources()
		default:
			d.Skip()
		}
	}
}

func (d *cloudTrail) identity() {
	a := &d.e.Actor
	*a, d.arn, d.principal, d.userName, d.issuer, d.issuerAcct = Actor{}, "", "", "", "", "" // of two, the last counts, as everywhere
	d.fields(func(name string) {
		switch name {
		case "type":
			a.Type = d.String()
		case "principalId":
			d.principal = d.String()
		case "arn":
			d.arn = d.String()
		case "accountId":
			a.Account = d.String()
		case "accessKeyId":
			a.AccessKey = d.String()
		case "userName":
			d.userName = d.String()
		case "invokedBy":
			a.InvokedBy = d.String()
		case "sessionContext":
			d.session()
		default:
			d.Skip()
		}
	})
}

func (d *cloudTrail) session() {
	a := &d.e.Actor
	d.fields(func(name string) {
		switch name {
		case "sessionIssuer":
			d.fields(func(name string) {
				switch name {
				case "arn":
					d.issuer = d.String()
				case "accountId":
					d.issuerAcct = d.String()
				default:
					d.Skip()
				}
			})
		case "attributes":
			d.fields(func(name string) {
				switch name {
				case "mfaAuthenticated":
					d.e.MFA = tri(d.Bool())
				case "creationDate":
					a.SessionISO = d.String()
				default:
					d.Skip()
				}
			})
		case "sourceIdentity":
			a.SourceID = d.String()
		default:
			d.Skip()
		}
	})
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
	if d.params == nil {
		d.params = d.room[:0]
	}
	if value != "" && len(d.params) < maxResources {
		d.params = append(d.params, Resource{ID: value, Type: name})
	}
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
		if e.Service == "s3.amazonaws.com" {
			e.Resources = s3Resources(d.params)
		} else {
			e.Resources = append([]Resource(nil), d.params...)
		}
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

// s3Resources makes one ARN of a bucket and a key.
func s3Resources(params []Resource) []Resource {
	var bucket, key string
	for _, r := range params {
		switch r.Type {
		case "bucketName":
			bucket = r.ID
		case "key":
			key = r.ID
		}
	}
	if bucket == "" {
		return append([]Resource(nil), params...)
	}
	if key == "" {
		return []Resource{{ID: "arn:aws:s3:::" + bucket, Type: "AWS::S3::Bucket"}}
	}
	return []Resource{{ID: "arn:aws:s3:::" + bucket + "/" + key, Type: "AWS::S3::Object"}, {ID: "arn:aws:s3:::" + bucket, Type: "AWS::S3::Bucket"}}
}

func callsModel(service, action string) bool {
	switch service {
	case "bedrock.amazonaws.com", "bedrock-runtime.amazonaws.com", "runtime.sagemaker.amazonaws.com", "sagemaker.amazonaws.com", "bedrock-agentcore.amazonaws.com":
		return strings.HasPrefix(action, "Invoke") || strings.HasPrefix(action, "Converse")
	}
	return false
}

func classifyAWS(e *Event, data bool) (Class, Activity) {
	switch e.Service {
	case "signin.amazonaws.com":
		return ClassAuthentication, ActivityLogon
	case "sts.amazonaws.com":
		if strings.HasPrefix(e.Action, "AssumeR") || e.Action == "GetSessionToken" || e.Action == "GetFederationToken" {
			return ClassAuthentication, ActivityLogon
		}
	case "iam.amazonaws.com":
		if c, a := classifyIAM(e.Action); c != 0 {
			return c, a
		}
	}
	act := verb(e.Action)
	if data && (e.Service == "s3.amazonaws.com" || e.Service == "dynamodb.amazonaws.com") {
		return ClassDatastoreActivity, datastore(act)
	}
	return ClassAPIActivity, act
}

func classifyIAM(action string) (Class, Activity) {
	switch {
	case strings.HasPrefix(action, "Attach"), action == "AddUserToGroup", action == "AddRoleToInstanceProfile",
		strings.HasPrefix(action, "Put") && strings.HasSuffix(action, "Policy"):
		return ClassUserAccess, 1 // assign privileges
	case strings.HasPrefix(action, "Detach"), action == "RemoveUserFromGroup", strings.HasPrefix(action, "Delete") && strings.HasSuffix(action, "Policy"):
		return ClassUserAccess, 2 // revoke privileges
	}
	switch action {
	case "CreateUser":
		return ClassAccountChange, 1 // create
	case "UpdateLoginProfile", "ChangePassword":
		return ClassAccountChange, 3 // password change
	case "DeleteUser":
		return ClassAccountChange, 6 // delete
	}
	return ClassUnknown, ActivityUnknown
}

// verbs are the beginnings of operation names, and what an operation so
// called does.
var verbs = []struct {
	prefix   string
	activity Activity
}{
	{"Get", ActivityRead}, {"List", ActivityRead}, {"Describe", ActivityRead}, {"Head", ActivityRead}, {"BatchGet", ActivityRead},
	{"Search", ActivityRead}, {"Query", ActivityRead}, {"Lookup", ActivityRead}, {"Select", ActivityRead}, {"Scan", ActivityRead}, {"Decrypt", ActivityRead},
	{"Create", ActivityCreate}, {"Run", ActivityCreate}, {"Start", ActivityCreate}, {"Allocate", ActivityCreate}, {"Register", ActivityCreate}, {"Copy", ActivityCreate},
	{"Delete", ActivityDelete}, {"Terminate", ActivityDelete}, {"Remove", ActivityDelete}, {"Deregister", ActivityDelete}, {"Release", ActivityDelete},
	{"Put", ActivityUpdate}, {"Update", ActivityUpdate}, {"Modify", ActivityUpdate}, {"Attach", ActivityUpdate}, {"Detach", ActivityUpdate},
	{"Set", ActivityUpdate}, {"Add", ActivityUpdate}, {"Stop", ActivityUpdate}, {"Tag", ActivityUpdate}, {"Untag", ActivityUpdate},
	{"Enable", ActivityUpdate}, {"Disable", ActivityUpdate}, {"Associate", ActivityUpdate}, {"Disassociate", ActivityUpdate}, {"Authorize", ActivityUpdate}, {"Revoke", ActivityUpdate},
}

func verb(action string) Activity {
	if action == "" {
		return ActivityOther
	}
	for i := range verbs {
		if verbs[i].prefix[0] == action[0] && strings.HasPrefix(action, verbs[i].prefix) {
			return verbs[i].activity
		}
	}
	return ActivityOther
}

// datastore says an API activity in the numbers of datastore activity.
func datastore(a Activity) Activity {
	switch a {
	case ActivityRead:
		return 1
	case ActivityUpdate:
		return 5 // write
	case ActivityCreate:
		return 6
	case ActivityDelete:
		return 7
	}
	return ActivityOther
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

// ParseTime reads a time of RFC 3339 as Unix milliseconds; years from 1970 to
// 9999. The form in which CloudTrail writes it (2006-01-02T15:04:05Z) is read
// without an allocation.
func ParseTime(s string) (ms int64, err error) {
	if len(s) == 20 && s[4] == '-' && s[7] == '-' && s[10] == 'T' && s[13] == ':' && s[16] == ':' && s[19] == 'Z' {
		y, mo, d := two(s, 0)*100+two(s, 2), two(s, 5), two(s, 8)
		h, mi, sec := two(s, 11), two(s, 14), two(s, 17)
		if y >= 1970 && mo >= 1 && mo <= 12 && d >= 1 && d <= 28 && h >= 0 && h < 24 && mi >= 0 && mi < 60 && sec >= 0 && sec < 60 {
			return (daysFromCivil(y, mo, d)*86400 + h*3600 + mi*60 + sec) * 1000, nil
		}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, fmt.Errorf("a time that is not RFC 3339")
	}
	if y := t.Year(); y < 1970 || y > 9999 {
		return 0, fmt.Errorf("the year %d is out of range", y)
	}
	return t.UnixMilli(), nil
}

// two reads two digits, or a negative number too large to become valid by adding.
func two(s string, i int) int64 {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return -1 << 20
	}
	return int64(a)*10 + int64(b)
}

// daysFromCivil counts days from 1970-01-01 (Hinnant, "chrono-compatible
// low-level date algorithms").
func daysFromCivil(y, m, d int64) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	yoe := y - era*400
	mp := (m + 9) % 12
	doy := (153*mp+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}
