package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

const account = "111122223333"

// crowd is n roles of one account of an organisation. Each holds one to five of
// the provider's own managed policies, every fourth a policy of its own with
// conditions and a variable, every third a boundary; three levels of control
// policies bind them all. It is the same crowd each time.
type crowd struct {
	managed []string // ARNs
	people  []person
}

type person struct {
	name     string
	team     string
	managed  []int  // of crowd.managed
	inline   string // a document, or none
	boundary int    // of boundaries, or -1
}

var boundaries = []string{
	`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*"],"Resource":"*"}]}`,
	`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","sagemaker:*","bedrock:*","ec2:*","logs:*"],"Resource":"*"},{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}]}`,
}

const (
	full    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	regions = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":["iam:*","organizations:*","support:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1","eu-central-1"]},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/breakglass"}}}]}`
	leave   = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["organizations:LeaveOrganization","cloudtrail:StopLogging"],"Resource":"*"}]}`
	bucket  = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::data-4","arn:aws:s3:::data-4/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
	trust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"sts:AssumeRole"}]}`
)

func newCrowd(n int) *crowd {
	random := rand.New(rand.NewPCG(1, 2))
	c := &crowd{managed: reference.ManagedARNs(), people: make([]person, n)}
	for i := range c.people {
		p := &c.people[i]
		p.name, p.team, p.boundary = "p"+strconv.Itoa(i), "t"+strconv.Itoa(i%7), -1
		for range 1 + random.IntN(5) {
			p.managed = append(p.managed, random.IntN(len(c.managed)))
		}
		if i%4 == 0 {
			p.inline = fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::data-%d/${aws:PrincipalTag/team}/*","Condition":{"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`, i%100)
		}
		if i%3 == 0 {
			p.boundary = i % 2
		}
	}
	return c
}

func (p *person) arn() string { return "arn:aws:iam::" + account + ":role/" + p.name }

// world is the crowd as the policy engine is asked with it.
func (c *crowd) world() *iam.World {
	w := iam.NewWorld()
	parse := func(id, document string) *iam.Policy { return w.Parse(id, []byte(document)) }
	all := parse("FullAWSAccess", full)
	w.AddAccount(&iam.Account{ID: account, Organization: "o-1", Path: "o-1/r-1/ou-1/", SCPs: [][]*iam.Policy{{all}, {all, parse("regions", regions)}, {all, parse("leave", leave)}}})
	var limits []*iam.Policy
	for i, b := range boundaries {
		limits = append(limits, parse("boundary/"+strconv.Itoa(i), b))
	}
	managed := make([]*iam.Policy, len(c.managed))
	for i, arn := range c.managed {
		document, _ := reference.Managed(arn)
		managed[i] = w.Parse(arn, document)
	}
	for i := range c.people {
		who := &c.people[i]
		p := &iam.Principal{ARN: who.arn(), Kind: iam.Role, Account: account, Name: who.name, ID: "AROA" + who.name, Tags: map[string]string{"team": who.team}}
		for _, m := range who.managed {
			p.Policies = append(p.Policies, managed[m])
		}
		if who.inline != "" {
			p.Policies = append(p.Policies, parse("inline/"+who.name, who.inline))
		}
		if who.boundary >= 0 {
			p.Boundary = limits[who.boundary]
		}
		w.AddPrincipal(p)
	}
	w.AddResource(&iam.Resource{ARN: "arn:aws:s3:::data-4", Account: account, Policy: parse("bucket", bucket)})
	return w
}

// question is one of those that are asked.
type question struct{ Action, Resource string }

var questions = []question{
	{"s3:GetObject", "arn:aws:s3:::data-4/t4/x"},
	{"sagemaker:InvokeEndpoint", "arn:aws:sagemaker:eu-west-1:" + account + ":endpoint/e"},
	{"iam:PassRole", "arn:aws:iam::" + account + ":role/service"},
	{"bedrock:InvokeModel", "arn:aws:bedrock:eu-west-1::foundation-model/m"},
	{"ec2:StopInstances", "arn:aws:ec2:eu-west-1:" + account + ":instance/i-0123456789abcdef0"},
	{"dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:" + account + ":table/t"},
	{"kms:CreateKey", "*"},
	{"logs:PutLogEvents", "arn:aws:logs:eu-west-1:" + account + ":log-group:g:log-stream:s"},
}

// object is a JSON object.
type object = map[string]any

// authorization is the crowd as GetAccountAuthorizationDetails prints it, which
// cloudsplaining reads.
func (c *crowd) authorization() object {
	used := map[int]bool{}
	roles := []object{}
	for i := range c.people {
		p := &c.people[i]
		inline, attached := []object{}, []object{}
		if p.inline != "" {
			inline = append(inline, object{"PolicyName": "own", "PolicyDocument": json.RawMessage(p.inline)})
		}
		for _, m := range p.managed {
			used[m] = true
			attached = append(attached, object{"PolicyName": base(c.managed[m]), "PolicyArn": c.managed[m]})
		}
		roles = append(roles, object{
			"Path": "/", "RoleName": p.name, "RoleId": "AROA" + p.name, "Arn": p.arn(), "CreateDate": "2026-01-01T00:00:00+00:00",
			"AssumeRolePolicyDocument": json.RawMessage(trust), "InstanceProfileList": []object{}, "RolePolicyList": inline,
			"AttachedManagedPolicies": attached, "Tags": []object{{"Key": "team", "Value": p.team}}, "RoleLastUsed": object{},
		})
	}
	policies := []object{}
	for m, arn := range c.managed {
		if !used[m] {
			continue
		}
		document, _ := reference.Managed(arn)
		policies = append(policies, object{
			"PolicyName": base(arn), "PolicyId": "ANPA" + strconv.Itoa(m), "Arn": arn, "Path": "/", "DefaultVersionId": "v1", "AttachmentCount": 1,
			"PermissionsBoundaryUsageCount": 0, "IsAttachable": true, "CreateDate": "2026-01-01T00:00:00+00:00", "UpdateDate": "2026-01-01T00:00:00+00:00",
			"PolicyVersionList": []object{{"Document": json.RawMessage(document), "VersionId": "v1", "IsDefaultVersion": true, "CreateDate": "2026-01-01T00:00:00+00:00"}},
		})
	}
	return object{"UserDetailList": []object{}, "GroupDetailList": []object{}, "RoleDetailList": roles, "Policies": policies}
}

// base is what stands after the last slash of an ARN.
func base(arn string) string {
	for i := len(arn) - 1; i >= 0; i-- {
		if arn[i] == '/' {
			return arn[i+1:]
		}
	}
	return arn
}

// asked is the crowd with its questions, for a judge of single requests: the
// documents once, and who holds which.
func (c *crowd) asked() object {
	documents := []json.RawMessage{}
	for _, arn := range c.managed {
		document, _ := reference.Managed(arn)
		documents = append(documents, document)
	}
	people := []object{}
	for i := range c.people {
		p := &c.people[i]
		one := object{"arn": p.arn(), "team": p.team, "managed": p.managed}
		if p.inline != "" {
			one["inline"] = json.RawMessage(p.inline)
		}
		if p.boundary >= 0 {
			one["boundary"] = json.RawMessage(boundaries[p.boundary])
		}
		people = append(people, one)
	}
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	return object{
		"account": account, "documents": documents, "people": people, "questions": questions, "bucket": raw(bucket),
		"scps": [][]json.RawMessage{{raw(full)}, {raw(full), raw(regions)}, {raw(full), raw(leave)}},
	}
}
