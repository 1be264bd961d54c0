package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// record is what is read of an event of CloudTrail's. Source: "CloudTrail record
// contents for management, data, and network activity events",
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
type record struct {
	EventID      string    `json:"eventID"`
	EventName    string    `json:"eventName"`
	EventSource  string    `json:"eventSource"`
	EventTime    time.Time `json:"eventTime"`
	Category     string    `json:"eventCategory"`
	Management   *bool     `json:"managementEvent"`
	ReadOnly     any       `json:"readOnly"`
	Region       string    `json:"awsRegion"`
	Account      string    `json:"recipientAccountId"`
	ErrorCode    string    `json:"errorCode"`
	SourceIP     string    `json:"sourceIPAddress"`
	UserAgent    string    `json:"userAgent"`
	Endpoint     string    `json:"vpcEndpointId"`
	UserIdentity struct {
		Type      string `json:"type"`
		ARN       string `json:"arn"`
		Account   string `json:"accountId"`
		AccessKey string `json:"accessKeyId"`
		InvokedBy string `json:"invokedBy"`
		Session   struct {
			Issuer struct {
				ARN string `json:"arn"`
			} `json:"sessionIssuer"`
			Attributes struct {
				MFA string `json:"mfaAuthenticated"`
			} `json:"attributes"`
			Source string `json:"sourceIdentity"`
		} `json:"sessionContext"`
	} `json:"userIdentity"`
	TLS *struct {
		Version string `json:"tlsVersion"`
	} `json:"tlsDetails"`
	Request   json.RawMessage `json:"requestParameters"`
	Response  json.RawMessage `json:"responseElements"`
	Resources []struct {
		ARN    string `json:"ARN"`
		Prefix string `json:"ARNPrefix"`
	} `json:"resources"`
	// Kubernetes, audit.k8s.io/v1.
	AuditID  string    `json:"auditID"`
	Stage    string    `json:"stage"`
	Verb     string    `json:"verb"`
	URI      string    `json:"requestURI"`
	Received time.Time `json:"requestReceivedTimestamp"`
	User     struct {
		Username string `json:"username"`
	} `json:"user"`
	As *struct {
		Username string `json:"username"`
	} `json:"impersonatedUser"`
	Ref *struct {
		Group       string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	Status *struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Object json.RawMessage `json:"requestObject"`
}

// Read counts an event as a log holds it, of CloudTrail or of an API server. The
// calls that IAM asks for beside it are counted too. cluster is whose audit log
// it is. An error says what is wrong with the text; nothing is counted then.
func (u *Usage) Read(text json.RawMessage, cluster string) error {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	switch {
	case r.EventName != "":
		uses := r.uses()
		if r.EventTime.IsZero() {
			return errors.New("no eventTime says when it was")
		}
		for _, one := range uses {
			u.Add(one)
		}
		if u.within(r.EventTime) {
			u.key(&r)
			u.change(&r, &uses[0])
		}
	case r.Verb != "" && r.AuditID != "":
		if r.Received.IsZero() {
			return errors.New("no requestReceivedTimestamp says when it was")
		}
		if one, ok := r.audit(cluster); ok {
			u.Add(one)
			if u.within(one.Time) {
				u.binding(&r, &one)
			}
		}
	default:
		return errors.New("neither CloudTrail's (eventName) nor Kubernetes' (auditID, verb)")
	}
	return nil
}

// key notes which access key signed a call.
func (u *Usage) key(r *record) {
	id := r.UserIdentity.AccessKey
	if c := u.by[principalKey(r.principal())]; c != nil && strings.HasPrefix(id, "AKIA") && r.EventTime.After(c.keys[id]) {
		c.keys[id] = r.EventTime
	}
}

// principal is who called: the role rather than its session.
func (r *record) principal() string {
	id := &r.UserIdentity
	switch {
	case id.Session.Issuer.ARN != "" && id.Type != "FederatedUser":
		return id.Session.Issuer.ARN
	case id.ARN != "":
		if a, ok := aws.ParseARN(id.ARN); ok && a.Service == "sts" && strings.HasPrefix(a.Resource, "assumed-role/") {
			name, _, _ := strings.Cut(strings.TrimPrefix(a.Resource, "assumed-role/"), "/")
			return "arn:" + a.Partition + ":iam::" + a.Account + ":role/" + name
		}
		return id.ARN
	}
	return id.InvokedBy
}

// uses are the call itself, first, and those that IAM asks for beside it.
func (r *record) uses() []Use {
	service, action := actionOf(r.EventSource, r.EventName)
	one := Use{Time: r.EventTime.UTC(), Event: r.EventID, Principal: r.principal(), Account: r.Account, Region: r.Region, Name: service + ":" + r.EventName,
		Error: r.ErrorCode, Write: !r.reads(), Context: r.context()}
	if one.Account == "" {
		one.Account = r.UserIdentity.Account
	}
	if a, ok := aws.ParseARN(r.UserIdentity.ARN); ok && a.Service == "sts" {
		_, one.Session, _ = strings.Cut(strings.TrimPrefix(a.Resource, "assumed-role/"), "/")
	}
	one.By = r.UserIdentity.Session.Source
	said := newSaid(r)
	if versioned, ok := withVersion[action]; ok && said.has("versionid") {
		action = versioned
	}
	known, ok := reference.Lookup(cutAction(action))
	if !ok {
		one.Resources, one.Untold = []string{"*"}, true
		return []Use{one}
	}
	one.Action = known.String()
	one.Data = dataPlane(one.Action) != "" || r.Category == "Data" || r.Management != nil && !*r.Management
	one.Resources, one.Untold = said.resources(known)
	return append([]Use{one}, said.beside(&one, known)...)
}

func cutAction(action string) (service, name string) {
	service, name, _ = strings.Cut(action, ":")
	return service, name
}

// reads reports whether an event changed nothing. Old events do not say so; their
// names do.
func (r *record) reads() bool {
	switch v := r.ReadOnly.(type) {
	case bool:
		return v
	case string:
		return v == "true"
	}
	for _, verb := range []string{"Get", "List", "Describe", "Lookup", "Head", "Search", "BatchGet"} {
		if strings.HasPrefix(r.EventName, verb) {
			return true
		}
	}
	return false
}

// context are the condition keys whose values an event tells. What it does not
// tell stays open. Source: IAM User Guide, "AWS global condition context keys".
func (r *record) context() map[string][]string {
	c := map[string][]string{}
	if r.Region != "" {
		c["aws:RequestedRegion"] = []string{r.Region}
	}
	address := strings.Trim(r.SourceIP, ".:0123456789abcdefABCDEF") == "" && strings.ContainsAny(r.SourceIP, ".:")
	switch {
	case !address: // a service called, or AWS itself
	case r.Endpoint != "":
		c["aws:SourceVpce"], c["aws:VpcSourceIp"], c["aws:SourceIp"] = []string{r.Endpoint}, []string{r.SourceIP}, []string{}
	default:
		c["aws:SourceIp"] = []string{r.SourceIP}
	}
	if r.UserAgent != "" && len(r.UserAgent) <= 512 && address {
		c["aws:UserAgent"] = []string{r.UserAgent}
	}
	if r.UserIdentity.InvokedBy == "" && address { // by a service: as itself, or in somebody's name
		c["aws:ViaAWSService"] = []string{"false"}
	}
	if r.TLS != nil && r.TLS.Version != "" {
		c["aws:SecureTransport"] = []string{"true"}
	}
	switch r.UserIdentity.Session.Attributes.MFA {
	case "true":
		c["aws:MultiFactorAuthPresent"] = []string{"true"}
	case "false":
		if r.UserIdentity.Session.Issuer.ARN != "" {
			c["aws:MultiFactorAuthPresent"] = []string{"false"}
		}
	}
	return c
}

// audit is the call of an audit event; ok is false for the stages before its end.
func (r *record) audit(cluster string) (one Use, ok bool) {
	if r.Stage != "" && r.Stage != "ResponseComplete" && r.Stage != "ResponseStarted" && r.Stage != "Panic" || r.Ref == nil {
		return one, false
	}
	if r.Stage == "ResponseStarted" && r.Verb != "watch" {
		return one, false // its end is told of by itself
	}
	resource := r.Ref.Group + "/" + r.Ref.Resource
	if r.Ref.Subresource != "" {
		resource += "/" + r.Ref.Subresource
	}
	one = Use{Time: r.Received.UTC(), Event: r.AuditID, Principal: r.User.Username, Account: cluster, Action: "k8s:" + r.Verb + ":" + resource, Name: r.Verb + " " + resource,
		Resources: []string{r.Ref.Namespace + "/" + r.Ref.Name}, Context: map[string][]string{}}
	switch r.Verb {
	case "get", "list", "watch":
	default:
		one.Write = true
	}
	if r.As != nil && r.As.Username != "" {
		one.By, one.Principal = r.User.Username, r.As.Username
	}
	if r.Status != nil && r.Status.Code >= 400 {
		one.Error = fmt.Sprint(r.Status.Code)
	}
	return one, true
}
