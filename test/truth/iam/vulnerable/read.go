package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/sevenfold-sec/sevenfold/test/quality/hclplan"
	truth "github.com/sevenfold-sec/sevenfold/test/truth/iam"
)

// modules are the folders that make the account, those that cost money included.
var modules = []string{"free-resources/privesc-paths", "free-resources/tool-testing", "non-free-resources/cloudformation", "non-free-resources/ec2",
	"non-free-resources/glue", "non-free-resources/lambda", "non-free-resources/sagemaker"}

// values are what a resource is made with; those that the code leaves open are
// missing.
type values struct {
	Name, User, Role, Group, Policy, Path string
	PolicyARN                             string   `json:"policy_arn"`
	Trust                                 string   `json:"assume_role_policy"`
	Managed                               []string `json:"managed_policy_arns"`
	Users                                 []string
	FunctionName                          string `json:"function_name"`
	RoleARN                               string `json:"role_arn"`
	StackRole                             string `json:"iam_role_arn"`
	Profile                               string `json:"iam_instance_profile"`
}

// reader gathers the account.
type reader struct {
	truth.Export
	users    map[string]*truth.UserDetail
	groups   map[string]*truth.GroupDetail
	roles    map[string]*truth.RoleDetail
	profiles map[string]string // role by instance profile
	carriers []truth.Carrier
	later    []func() error
}

func read(code string) (*truth.Export, []truth.Carrier, error) {
	r := &reader{users: map[string]*truth.UserDetail{}, groups: map[string]*truth.GroupDetail{}, roles: map[string]*truth.RoleDetail{}, profiles: map[string]string{}}
	for _, m := range modules {
		plan, _, err := hclplan.Plan(filepath.Join(code, "modules", m), hclplan.Options{Account: account, Region: region, Variables: map[string]string{
			"aws_assume_role_arn": "arn:aws:iam::" + account + ":user/tester", "shared_high_priv_servicerole": service,
			"aws_root_user": "arn:aws:iam::" + account + ":root",
		}})
		if err != nil {
			return nil, nil, fmt.Errorf("module %s: %w", m, err)
		}
		var p struct {
			Changes []struct {
				Address, Type string
				Change        struct {
					After values
				}
			} `json:"resource_changes"`
		}
		if err := json.Unmarshal(plan, &p); err != nil {
			return nil, nil, fmt.Errorf("module %s: %w", m, err)
		}
		for _, c := range p.Changes {
			r.resource(c.Type, c.Address, c.Change.After)
		}
	}
	for _, f := range r.later {
		if err := f(); err != nil {
			return nil, nil, err
		}
	}
	if len(r.Users) == 0 || len(r.Roles) == 0 {
		return nil, nil, fmt.Errorf("%s: no users and roles\nhint: is this a checkout of BishopFox/iam-vulnerable?", code)
	}
	return &r.Export, r.carriers, nil
}

func arn(kind, name string) string { return "arn:aws:iam::" + account + ":" + kind + "/" + name }

func (r *reader) resource(typ, address string, v values) {
	switch typ {
	case "aws_iam_user":
		u := &truth.UserDetail{Name: v.Name, ARN: arn("user", v.Name)}
		r.users[v.Name], r.Users = u, append(r.Users, u)
	case "aws_iam_group":
		g := &truth.GroupDetail{Name: v.Name, ARN: arn("group", v.Name)}
		r.groups[v.Name], r.Groups = g, append(r.Groups, g)
	case "aws_iam_role":
		x := &truth.RoleDetail{Name: v.Name, ARN: arn("role", v.Name), Trust: json.RawMessage(v.Trust)}
		for _, m := range v.Managed {
			x.Attached = append(x.Attached, truth.Attach(m))
		}
		r.roles[v.Name], r.Roles = x, append(r.Roles, x)
	case "aws_iam_policy":
		r.Policies = append(r.Policies, &truth.PolicyDetail{Name: v.Name, ARN: arn("policy", v.Name), Default: "v1",
			Versions: []truth.Version{{Document: json.RawMessage(v.Policy), ID: "v1", IsDefault: true}}})
	case "aws_iam_instance_profile":
		r.profiles[v.Name] = v.Role
		r.later = append(r.later, func() error {
			x := r.roles[v.Role]
			if x == nil {
				return fmt.Errorf("%s: no role %s", address, v.Role)
			}
			x.Profiles = append(x.Profiles, truth.Profile{Name: v.Name, ARN: arn("instance-profile", v.Name)})
			return nil
		})
	case "aws_iam_user_policy_attachment", "aws_iam_role_policy_attachment", "aws_iam_group_policy_attachment", "aws_iam_group_membership":
		r.later = append(r.later, func() error { return r.tie(typ, address, v) })
	default:
		r.carrier(typ, address, v)
	}
}

// tie attaches a policy or puts users into a group, once all are known.
func (r *reader) tie(typ, address string, v values) error {
	u, x, g := r.users[v.User], r.roles[v.Role], r.groups[v.Group]
	switch {
	case typ == "aws_iam_user_policy_attachment" && u != nil:
		u.Attached = append(u.Attached, truth.Attach(v.PolicyARN))
	case typ == "aws_iam_role_policy_attachment" && x != nil:
		x.Attached = append(x.Attached, truth.Attach(v.PolicyARN))
	case typ == "aws_iam_group_policy_attachment" && g != nil:
		g.Attached = append(g.Attached, truth.Attach(v.PolicyARN))
	case typ == "aws_iam_group_membership" && g != nil:
		for _, name := range v.Users {
			if member := r.users[name]; member != nil {
				member.Groups = append(member.Groups, g.Name)
			}
		}
	default:
		return fmt.Errorf("%s: whom it is for is not made by the code", address)
	}
	return nil
}

// carrier notes the resources that act as a role. The names that AWS would give
// are made up.
func (r *reader) carrier(typ, address string, v values) {
	_, name, _ := strings.Cut(address, ".")
	in := func(service, rest string) string {
		return "arn:aws:" + service + ":" + region + ":" + account + ":" + rest
	}
	add := func(where, kind string, role func() string) {
		r.later = append(r.later, func() error {
			if x := role(); x != "" {
				r.carriers = append(r.carriers, truth.Carrier{ARN: where, Type: kind, Role: x})
			}
			return nil
		})
	}
	fixed := func(role string) func() string { return func() string { return role } }
	switch typ {
	case "aws_lambda_function":
		add(in("lambda", "function:"+name), "AWS::Lambda::Function", fixed(v.Role))
	case "aws_instance":
		add(in("ec2", "instance/i-0123456789abcdef0"), "AWS::EC2::Instance", func() string { return arn("role", r.profiles[v.Profile]) })
	case "aws_glue_dev_endpoint":
		add(in("glue", "devEndpoint/"+name), "AWS::Glue::DevEndpoint", fixed(v.RoleARN))
	case "aws_cloudformation_stack":
		add(in("cloudformation", "stack/"+name+"/0"), "AWS::CloudFormation::Stack", fixed(v.StackRole))
	case "aws_sagemaker_notebook_instance":
		add(in("sagemaker", "notebook-instance/"+name), "AWS::SageMaker::NotebookInstance", fixed(v.RoleARN))
	}
}
