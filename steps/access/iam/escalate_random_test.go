package iam

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// other is a second account, which trusts and is trusted.
const other = "444455556666"

// anywhere is a made-up pair of accounts, small and entangled: everybody holds
// some of a few documents, so that many are alike for one call and differ for
// another; conditions ask who somebody is; trusts, boundaries, control policies
// and what was not read stand in the way here and there.
type anywhere struct {
	*town
	rnd     *rand.Rand
	routes  []reference.Route
	names   []string
	bundles [][]*Policy // that many hold
}

func newAnywhere(tb testing.TB, seed uint64) *anywhere {
	tb.Helper()
	routes, err := reference.Routes()
	if err != nil {
		tb.Fatal(err)
	}
	t := &anywhere{town: newTown(), rnd: rand.New(rand.NewPCG(seed, 11)), routes: routes}
	for i := range 8 + t.rnd.IntN(14) {
		t.names = append(t.names, fmt.Sprintf("%s%d", []string{"a", "team-a/b", "c"}[t.rnd.IntN(3)], i))
	}
	t.organise()
	var pool []*Policy
	for i := range 6 + t.rnd.IntN(8) {
		var ss []string
		for range 1 + t.rnd.IntN(4) {
			ss = append(ss, t.statement())
		}
		pool = append(pool, t.w.Parse(fmt.Sprintf("pool/%d", i), doc(strings.Join(ss, ","))))
	}
	if t.one(4) {
		pool = append(pool, t.w.Parse("broken", []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Colour":"red"}]}`)))
	}
	managed := reference.ManagedARNs()
	for range 3 {
		arn := managed[t.rnd.IntN(len(managed))]
		text, _ := reference.Managed(arn)
		pool = append(pool, t.w.Parse(arn, text))
	}
	for range 2 {
		var b []*Policy
		for range 1 + t.rnd.IntN(3) {
			b = append(b, pool[t.rnd.IntN(len(pool))])
		}
		t.bundles = append(t.bundles, b)
	}
	for i, name := range t.names {
		t.somebody(i, name, pool)
	}
	t.surroundings(pool)
	return t
}

func (t *anywhere) one(in int) bool { return t.rnd.IntN(in) == 0 }

func (t *anywhere) pick(of ...string) string { return of[t.rnd.IntN(len(of))] }

func (t *anywhere) organise() {
	far := &Account{ID: other, Organization: "o-1", Path: "o-1/r-1/"}
	near := t.w.accounts[home]
	near.Organization = "o-1"
	if t.one(2) {
		level := []string{all_}
		if t.one(2) {
			level = append(level, `{"Effect":"Deny","Action":"`+t.action()+`","Resource":"*","Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:*/`+t.names[0]+`"}}}`)
		} else {
			level = append(level, deny(t.action()))
		}
		near.SCPs = [][]*Policy{{t.w.Parse("scp", doc(strings.Join(level, ",")))}}
	}
	if t.one(5) {
		far.Unread = "policies not read"
	}
	t.w.AddAccount(far)
}

// action is one that the ways ask for, or a pattern of them.
func (t *anywhere) action() string {
	if t.one(3) {
		return t.pick("iam:*", "iam:Put*", "sts:*", "sagemaker:*", "lambda:*", "ec2:*", "*", "glue:*", "bedrock:*", "iam:PassRole")
	}
	needs := t.routes[t.rnd.IntN(len(t.routes))].Needs
	return needs[t.rnd.IntN(len(needs))].Action
}

func (t *anywhere) someone() string {
	return "arn:aws:iam::" + t.pick(home, home, other) + ":" + t.pick("user", "role") + "/" + t.names[t.rnd.IntN(len(t.names))]
}

func (t *anywhere) statement() string {
	var actions []string
	for range 1 + t.rnd.IntN(4) {
		actions = append(actions, `"`+t.action()+`"`)
	}
	if t.one(2) {
		actions = append(actions, `"iam:PassRole"`)
	}
	if t.one(5) {
		actions = append(actions, `"lambda:*"`)
	}
	if t.one(2) { // all that a way takes
		for _, n := range t.routes[t.rnd.IntN(len(t.routes))].Needs {
			actions = append(actions, `"`+n.Action+`"`)
		}
	}
	effect := t.pick("Allow", "Allow", "Allow", "Allow", "Deny")
	resource := `"Resource":"*"`
	switch t.rnd.IntN(9) {
	case 0:
		resource = `"Resource":["` + t.someone() + `","arn:aws:lambda:*:*:function:*"]`
	case 1:
		resource = `"Resource":"arn:aws:iam::*:` + t.pick("role", "user") + `/team-a/*"`
	case 2:
		resource = `"NotResource":"` + t.someone() + `"`
	case 3:
		resource = `"Resource":"arn:aws:iam::*:*/${aws:PrincipalTag/team}*"`
	case 4:
		resource = `"Resource":["arn:aws:iam::*:role/a*","arn:aws:iam::*:user/c*"]`
	}
	condition := ""
	switch t.rnd.IntN(14) {
	case 0:
		condition = `"StringEquals":{"iam:PassedToService":"` + t.pick("lambda.amazonaws.com", "sagemaker.amazonaws.com", "ec2.amazonaws.com") + `"}`
	case 1:
		condition = `"StringEquals":{"aws:PrincipalTag/team":"` + t.pick("a", "c") + `"}`
	case 2:
		condition = `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:` + t.pick("user/*", "role/*", "*/a*") + `"}`
	case 3:
		condition = `"StringEquals":{"iam:ResourceTag/team":"${aws:PrincipalTag/team}"}`
	case 4:
		condition = `"Bool":{"aws:MultiFactorAuthPresent":"true"}`
	case 5:
		condition = `"StringEquals":{"aws:ResourceTag/team":"a"}`
	case 6:
		condition = `"StringNotEquals":{"aws:ResourceAccount":"` + other + `"}`
	case 7:
		condition = `"StringLike":{"aws:username":"a*"}`
	case 8:
		condition = `"StringLike":{"iam:PermissionsBoundary":"pool/*"}`
	}
	if condition != "" {
		condition = `,"Condition":{` + condition + `}`
	}
	return `{"Effect":"` + effect + `","Action":[` + strings.Join(actions, ",") + `],` + resource + condition + `}`
}

func (t *anywhere) trust() string {
	who := `{"Service":["` + t.pick("lambda.amazonaws.com", "sagemaker.amazonaws.com", "ec2.amazonaws.com", "glue.amazonaws.com") + `","bedrock.amazonaws.com"]}`
	switch t.rnd.IntN(7) {
	case 0:
		who = `{"AWS":"arn:aws:iam::` + t.pick(home, other) + `:root"}`
	case 1:
		who = `{"AWS":["` + t.someone() + `","` + t.someone() + `"]}`
	case 2:
		who = `"*"`
	case 3:
		who = `{"Federated":"arn:aws:iam::` + home + `:saml-provider/x"}`
	}
	condition := ""
	switch t.rnd.IntN(6) {
	case 0:
		condition = `,"Condition":{"StringEquals":{"aws:PrincipalTag/team":"a"}}`
	case 1:
		condition = `,"Condition":{"StringEquals":{"sts:ExternalId":"x"}}`
	}
	return `{"Effect":"` + t.pick("Allow", "Allow", "Allow", "Deny") + `","Principal":` + who + `,"Action":"` + t.pick("sts:AssumeRole", "sts:*") + `"` + condition + `}`
}

func (t *anywhere) somebody(i int, name string, pool []*Policy) {
	account := home
	if t.one(5) {
		account = other
	}
	p := &Principal{Kind: User, Account: account, Name: name[strings.LastIndexByte(name, '/')+1:], ID: fmt.Sprint("A", i), Tags: map[string]string{}}
	kind := "user/"
	if !t.one(3) {
		p.Kind, kind = Role, "role/"
	}
	p.ARN = "arn:aws:iam::" + account + ":" + kind + name
	if !t.one(3) {
		p.Tags["team"] = t.pick("a", "c")
	}
	if t.one(3) {
		for range t.rnd.IntN(4) {
			p.Policies = append(p.Policies, pool[t.rnd.IntN(len(pool))])
		}
	} else {
		p.Policies = slices.Clone(t.bundles[t.rnd.IntN(len(t.bundles))])
	}
	switch {
	case t.one(8):
		p.Policies = append(p.Policies, t.w.Parse("boss", doc(all_)))
	case t.one(8):
		p.Policies = append(p.Policies, t.w.Parse("mfa boss", doc(strings.TrimSuffix(all_, "}")+`,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)))
	}
	switch {
	case t.one(12):
		p.Boundary = t.w.Parse("boundary", doc(allow("iam:*", "lambda:*", "sts:*")))
	case t.one(12):
		p.Boundary = pool[t.rnd.IntN(len(pool))]
	}
	if t.one(15) {
		p.Unread = "policies not read"
	}
	if t.one(6) {
		p.Attached = 9 + t.rnd.IntN(3)
	}
	if t.one(8) {
		p.Policies = append(p.Policies, Unread("managed of "+name, "not read"))
	}
	if t.one(20) && p.Kind == Role {
		p.ServiceLinked = true
	}
	if t.one(4) {
		p.Customer = []string{fmt.Sprintf("arn:aws:iam::%s:policy/own%d", account, t.rnd.IntN(3))}
	}
	if t.one(4) {
		p.InstanceProfiles = []string{"arn:aws:iam::" + account + ":instance-profile/" + p.Name}
	}
	if t.one(4) && p.Kind == Role {
		p.Providers = []string{"arn:aws:iam::" + home + ":saml-provider/x"}
	}
	if t.one(3) && p.Kind == User {
		p.Groups = []string{"arn:aws:iam::" + account + ":group/g0"}
	}
	t.w.AddPrincipal(p)
	switch {
	case p.Kind == Role && !t.one(12):
		ss := []string{t.trust()}
		if t.one(3) {
			ss = append(ss, t.trust())
		}
		r := &Resource{ARN: p.ARN, Account: account, Policy: t.w.Parse("trust of "+name, doc(strings.Join(ss, ","))), Tags: p.Tags}
		if t.one(15) {
			r.Unread = "trust not read"
		}
		t.w.AddResource(r)
	case p.Kind == User && t.one(2):
		t.w.AddResource(&Resource{ARN: p.ARN, Account: account, Tags: p.Tags})
	}
}

func (t *anywhere) surroundings(pool []*Policy) {
	for i := range t.rnd.IntN(3) {
		t.w.AddGroup(Group{ARN: fmt.Sprintf("arn:aws:iam::%s:group/g%d", home, i), Account: home, Policies: []*Policy{pool[t.rnd.IntN(len(pool))]}})
	}
	for i := range 2 {
		arn := fmt.Sprintf("arn:aws:iam::%s:policy/own%d", home, i)
		t.w.AddVersions(arn, []*Policy{t.w.Parse(arn+" v1", doc(t.pick(all_, allow("s3:*"))))})
	}
	for _, kind := range []string{"AWS::Lambda::Function", "AWS::SageMaker::NotebookInstance", "AWS::EC2::Instance", "AWS::IAM::InstanceProfile", "AWS::Glue::DevEndpoint"} {
		if t.one(3) {
			continue // not read
		}
		t.list[kind] = nil
		for i, p := range t.w.principals {
			if p.Kind != Role || !t.one(3) {
				continue
			}
			arn := fmt.Sprintf("arn:aws:lambda:eu-west-1:%s:function:f%d", p.Account, i)
			c := Carrier{ARN: arn, Type: kind, Role: p.ARN}
			switch {
			case kind == "AWS::IAM::InstanceProfile":
				c.ARN, c.Role = "arn:aws:iam::"+p.Account+":instance-profile/i", ""
			case kind == "AWS::Lambda::Function" && !t.one(3):
				who := t.w.principals[t.rnd.IntN(len(t.w.principals))].ARN
				t.w.AddResource(&Resource{ARN: arn, Account: p.Account, Policy: t.w.Parse("of "+arn, doc(`{"Effect":"`+t.pick("Allow", "Deny")+`","Principal":{"AWS":"`+who+`"},"Action":"lambda:*","Resource":"`+arn+`"}`))})
			}
			t.list[kind] = append(t.list[kind], c)
		}
	}
}

// Fact is one that hangs on all it is asked about.
func (t *anywhere) Fact(name string, p, target *Principal, c *Carrier) (holds, known bool) {
	h := fnv.New32a()
	h.Write([]byte(name))
	for _, x := range []*Principal{p, target} {
		if x != nil {
			h.Write([]byte(x.ARN))
		}
	}
	if c != nil {
		h.Write([]byte(c.ARN))
	}
	n := h.Sum32() % 8
	return n > 2, n > 0
}
