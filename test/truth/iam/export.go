package truth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Export is the reply of iam get-account-authorization-details, as far as it
// bears on who may what, spelt as the AWS command line prints it.
type Export struct {
	Users    []*UserDetail   `json:"UserDetailList"`
	Groups   []*GroupDetail  `json:"GroupDetailList"`
	Roles    []*RoleDetail   `json:"RoleDetailList"`
	Policies []*PolicyDetail `json:"Policies"`
}

// UserDetail is a user.
type UserDetail struct {
	Name     string     `json:"UserName"`
	ARN      string     `json:"Arn"`
	Inline   []Inline   `json:"UserPolicyList,omitempty"`
	Groups   []string   `json:"GroupList"`
	Attached []Attached `json:"AttachedManagedPolicies"`
	Boundary *Boundary  `json:"PermissionsBoundary,omitempty"`
}

// GroupDetail is a group.
type GroupDetail struct {
	Name     string     `json:"GroupName"`
	ARN      string     `json:"Arn"`
	Inline   []Inline   `json:"GroupPolicyList"`
	Attached []Attached `json:"AttachedManagedPolicies"`
}

// RoleDetail is a role.
type RoleDetail struct {
	Name     string          `json:"RoleName"`
	ARN      string          `json:"Arn"`
	Trust    json.RawMessage `json:"AssumeRolePolicyDocument"`
	Profiles []Profile       `json:"InstanceProfileList"`
	Inline   []Inline        `json:"RolePolicyList"`
	Attached []Attached      `json:"AttachedManagedPolicies"`
	Boundary *Boundary       `json:"PermissionsBoundary,omitempty"`
}

// PolicyDetail is a managed policy of the account.
type PolicyDetail struct {
	Name     string    `json:"PolicyName"`
	ARN      string    `json:"Arn"`
	Default  string    `json:"DefaultVersionId"`
	Versions []Version `json:"PolicyVersionList"`
}

// Version is a version of a managed policy.
type Version struct {
	Document  json.RawMessage `json:"Document"`
	ID        string          `json:"VersionId"`
	IsDefault bool            `json:"IsDefaultVersion"`
}

// Inline is a policy that is part of an identity.
type Inline struct {
	Name     string          `json:"PolicyName"`
	Document json.RawMessage `json:"PolicyDocument"`
}

// Attached is a managed policy that an identity has.
type Attached struct {
	Name string `json:"PolicyName"`
	ARN  string `json:"PolicyArn"`
}

// Boundary is a permissions boundary.
type Boundary struct {
	Type string `json:"PermissionsBoundaryType"` // "Policy"
	ARN  string `json:"PermissionsBoundaryArn"`
}

// Profile is an instance profile.
type Profile struct {
	Name string `json:"InstanceProfileName"`
	ARN  string `json:"Arn"`
}

// Attach makes the reference to a managed policy.
func Attach(arn string) Attached { return Attached{arn[strings.LastIndexByte(arn, '/')+1:], arn} }

// World makes of an export of one account what the policy engine is asked with.
// Policies of AWS come from package reference; one that it does not know is
// unread. Requests are of today.
func (x *Export) World(account string) *iam.World {
	w := iam.NewWorld()
	w.At(time.Now())
	w.AddAccount(&iam.Account{ID: account})
	managed := map[string]*iam.Policy{}
	customer := map[string]bool{}
	for _, p := range x.Policies {
		customer[p.ARN] = true
		var others []*iam.Policy
		for _, v := range p.Versions {
			parsed := w.Parse(p.ARN+" "+v.ID, v.Document)
			if v.IsDefault {
				managed[p.ARN] = parsed
			} else {
				others = append(others, parsed)
			}
		}
		w.AddVersions(p.ARN, others)
	}
	find := func(arn string) *iam.Policy {
		if p := managed[arn]; p != nil {
			return p
		}
		document, ok := reference.Managed(arn)
		p := iam.Unread(arn, "a managed policy that nobody knows")
		if ok {
			p = w.Parse(arn, document)
		}
		managed[arn] = p
		return p
	}
	all := func(owner string, inline []Inline, attached []Attached) (ps []*iam.Policy, own []string) {
		for _, i := range inline {
			ps = append(ps, w.Parse(owner+" "+i.Name, i.Document))
		}
		for _, a := range attached {
			ps = append(ps, find(a.ARN))
			if customer[a.ARN] {
				own = append(own, a.ARN)
			}
		}
		return ps, own
	}
	bound := func(b *Boundary) *iam.Policy {
		if b == nil {
			return nil
		}
		return find(b.ARN)
	}
	groups := map[string]*GroupDetail{}
	for _, g := range x.Groups {
		groups[g.Name] = g
		ps, _ := all(g.ARN, g.Inline, g.Attached)
		w.AddGroup(iam.Group{ARN: g.ARN, Account: account, Policies: ps})
	}
	for _, u := range x.Users {
		p := &iam.Principal{ARN: u.ARN, Kind: iam.User, Account: account, Name: u.Name, Boundary: bound(u.Boundary)}
		p.Policies, p.Customer = all(u.ARN, u.Inline, u.Attached)
		for _, name := range u.Groups {
			if g := groups[name]; g != nil {
				ps, own := all(g.ARN, g.Inline, g.Attached)
				p.Policies, p.Customer, p.Groups = append(p.Policies, ps...), append(p.Customer, own...), append(p.Groups, g.ARN)
			}
		}
		w.AddPrincipal(p)
	}
	for _, r := range x.Roles {
		p := &iam.Principal{ARN: r.ARN, Kind: iam.Role, Account: account, Name: r.Name, Boundary: bound(r.Boundary)}
		p.Policies, p.Customer = all(r.ARN, r.Inline, r.Attached)
		p.ServiceLinked = strings.Contains(r.ARN, ":role/aws-service-role/")
		for _, i := range r.Profiles {
			p.InstanceProfiles = append(p.InstanceProfiles, i.ARN)
		}
		w.AddPrincipal(p)
		w.AddResource(&iam.Resource{ARN: r.ARN, Account: account, Policy: w.Parse(r.ARN+" trust", r.Trust)})
	}
	return w
}

// Carrier is a resource that acts as a role.
type Carrier struct {
	ARN  string `json:"arn"`
	Type string `json:"type"` // as CloudFormation spells it
	Role string `json:"role"` // ARN
}

// Labels say of an account who can come to more rights and who cannot.
type Labels struct {
	Schema string `json:"schema"`
	// Repository, Commit and By tell where the account comes from and who says so;
	// empty for one of ours.
	Repository string  `json:"repository,omitempty"`
	Commit     string  `json:"commit,omitempty"`
	By         string  `json:"by,omitempty"`
	Labels     []Label `json:"labels"`
}

// Label is what is true of one principal.
type Label struct {
	Principal string `json:"principal"` // user/NAME or role/NAME
	// Expect is "can" (become administrator), "cannot", or "unsure": it hangs on
	// what no export of the account says.
	Expect string `json:"expect"`
	// Route is the technique that must be among those found: a route's id; empty
	// where any will do.
	Route string `json:"route,omitempty"`
	// Module is the file that plants it, for accounts of others.
	Module string `json:"module,omitempty"`
	Why    string `json:"why,omitempty"`
}

const labelsSchema = "sevenfold/iam-labels/v1"

// ReadLabels reads a file of labels.
func ReadLabels(text []byte) (*Labels, error) {
	l := &Labels{}
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	if l.Schema != labelsSchema {
		return nil, fmt.Errorf("labels: schema %q, this program reads %q", l.Schema, labelsSchema)
	}
	for _, x := range l.Labels {
		if !slices.Contains([]string{"can", "cannot", "unsure"}, x.Expect) || x.Principal == "" {
			return nil, fmt.Errorf("labels: %q is expected to be %q", x.Principal, x.Expect)
		}
	}
	return l, nil
}

// Score says how escalations that were found stand to the labels.
type Score struct {
	Right  int
	Missed []string // could, and were not found, or not by the technique
	False  []string // could not, and were found
	Unsure []string // hang on what is not known, and were neither unknown nor conditional
}

// Judge compares. Found maps a principal's ARN to its escalations by technique
// (a route's id or its pathfinding id), with the decision of each: what was found
// with gain "bounded" is not to be among them.
func (l *Labels) Judge(found map[string]map[string]string) Score {
	routes, _ := reference.Routes()
	catalogue := map[string]string{}
	for _, r := range routes {
		catalogue[r.ID] = r.Pathfinding
	}
	var s Score
	for _, x := range l.Labels {
		var ways map[string]string
		for arn, w := range found {
			if strings.HasSuffix(arn, ":"+x.Principal) {
				ways = w
			}
		}
		_, asRoute := ways[x.Route]
		_, asPath := ways[catalogue[x.Route]]
		sure := false
		for _, decision := range ways {
			sure = sure || decision == "allow"
		}
		told := fmt.Sprintf("%s %s: found %v", x.Principal, x.Route, ways)
		switch {
		case x.Expect == "can" && (len(ways) == 0 || x.Route != "" && !asRoute && !asPath):
			s.Missed = append(s.Missed, told)
		case x.Expect == "cannot" && len(ways) > 0:
			s.False = append(s.False, told)
		case x.Expect == "unsure" && sure:
			s.Unsure = append(s.Unsure, told)
		default:
			s.Right++
		}
	}
	return s
}
