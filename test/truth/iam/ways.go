package truth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

const (
	adminPolicy = "arn:aws:iam::aws:policy/AdministratorAccess"
	account     = "111122223333"
	arnIAM      = "arn:aws:iam::" + account + ":"
)

// Ways is an account made from the routes: for each one principal who can take
// it, and those who nearly can: one call short, denied by another policy, held
// by a boundary, or passing the role to another service. What each can is known
// by how it was made.
type Ways struct {
	Account  string
	Export   Export
	Carriers []Carrier
	Labels   Labels
}

// builder makes the account.
type builder struct {
	Ways
	roles map[string]*RoleDetail // by name
}

// MakeWays makes the account from the routes that lead to the whole of an
// identity's rights; the others give what no label can count. Few makes those who
// nearly can for the first call of each route only.
func MakeWays(routes []reference.Route, few bool) *Ways {
	b := &builder{Ways: Ways{Account: account, Labels: Labels{Schema: labelsSchema}}, roles: map[string]*RoleDetail{}}
	b.user("target-admin").Attached = []Attached{Attach(adminPolicy)}
	b.Export.Groups = append(b.Export.Groups, &GroupDetail{Name: "target-admins", ARN: arnIAM + "group/target-admins", Attached: []Attached{Attach(adminPolicy)}})
	for i := range routes {
		r := &routes[i]
		if slices.Contains([]string{"become", "any", "attach"}, r.Gain) && slices.Contains([]string{"self", "role", "user", "group"}, r.Target) && makeable(r) {
			b.route(r, routes, few)
		}
	}
	return &b.Ways
}

// makeable leaves out routes whose target is reached through something that an
// account's authorization details do not hold: a token, a provider's key.
func makeable(r *reference.Route) bool {
	for _, f := range []string{"trusts-provider", "trusts-carrier", "user-token", "pod-token", "management-account", "empty-instance-profile"} {
		if slices.Contains(r.Requires, f) {
			return false
		}
	}
	return true
}

func (b *builder) user(name string) *UserDetail {
	u := &UserDetail{Name: name, ARN: arnIAM + "user/" + name}
	b.Export.Users = append(b.Export.Users, u)
	return u
}

func (b *builder) role(name, trust string) *RoleDetail {
	if r := b.roles[name]; r != nil {
		return r
	}
	r := &RoleDetail{Name: name, ARN: arnIAM + "role/" + name, Trust: json.RawMessage(trust)}
	b.Export.Roles = append(b.Export.Roles, r)
	b.roles[name] = r
	return r
}

func (b *builder) policy(name, document string) string {
	arn := arnIAM + "policy/" + name
	b.Export.Policies = append(b.Export.Policies, &PolicyDetail{Name: name, ARN: arn, Default: "v1", Versions: []Version{{json.RawMessage(document), "v1", true}}})
	return arn
}

func trust(kind string, who ...string) string {
	text, _ := json.Marshal(who)
	return document(fmt.Sprintf(`{"Effect":"Allow","Principal":{%q:%s},"Action":"sts:AssumeRole"}`, kind, text))
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// variant is one principal made for a route.
type variant struct {
	suffix, expect, why string
	without             int    // the need that is left out; -1: none
	deny, bound         string // the action that another policy denies, or that the boundary leaves out
	passTo              string // the service that the role may be passed to, if not the route's
}

func (b *builder) route(r *reference.Route, routes []reference.Route, few bool) {
	b.variant(r, variant{suffix: "", expect: "can", without: -1, why: r.Title})
	for i, n := range r.Needs {
		if !alsoWithout(r, i, routes) && (i == 0 || !few) {
			b.variant(r, variant{suffix: fmt.Sprintf("-without-%d", i), expect: "cannot", without: i, why: "lacks " + n.Action})
			b.variant(r, variant{suffix: fmt.Sprintf("-denied-%d", i), expect: "cannot", without: -1, deny: n.Action, why: "another policy denies " + n.Action})
			b.variant(r, variant{suffix: fmt.Sprintf("-bound-%d", i), expect: "cannot", without: -1, bound: n.Action, why: "the boundary leaves " + n.Action + " out"})
		}
	}
	if r.Passes != nil {
		b.variant(r, variant{suffix: "-elsewhere", expect: "cannot", without: -1, passTo: "nobody.amazonaws.com", why: "may pass the role to another service only"})
	}
}

// alsoWithout reports whether what is left of a route's calls without one of
// them is a route of its own, or the one is only a help.
func alsoWithout(r *reference.Route, i int, routes []reference.Route) bool {
	left := map[string]bool{}
	for k, n := range r.Needs {
		left[n.Action] = left[n.Action] || k != i
	}
	if r.Needs[i].Action == "ec2:DescribeInstances" {
		return true
	}
	return slices.ContainsFunc(routes, func(o reference.Route) bool {
		return !slices.ContainsFunc(o.Needs, func(n reference.Need) bool { return !left[n.Action] })
	})
}

func (b *builder) variant(r *reference.Route, v variant) {
	name := strings.ReplaceAll(r.ID, ".", "-") + v.suffix
	kind := "user"
	if r.From == "role" {
		kind = "role"
	}
	self := arnIAM + kind + "/" + name
	target := b.target(r, name, self)
	own := arnIAM + "policy/own-" + name
	carrier := ""
	if r.Carrier != nil {
		carrier = b.carrier(r, name, target)
	}

	// Every second call is granted by another policy, since an account's rights
	// are spread over several.
	var parts [2][]string
	for i, n := range r.Needs {
		if i == v.without {
			continue
		}
		on := map[string]string{"target": target, "self": self, "group": arnIAM + "group/group-" + name, "policy": own, "carrier": carrier}[n.On]
		if n.On == "policy" && r.Target != "self" {
			on = arnIAM + "policy/of-" + name
		}
		if on == "" {
			on = resource(n, name)
		}
		condition := ""
		if n.Action == "iam:PassRole" {
			to := r.Service[0]
			if v.passTo != "" {
				to = v.passTo
			}
			condition = fmt.Sprintf(`,"Condition":{"StringEquals":{"iam:PassedToService":%q}}`, to)
		}
		parts[i%2] = append(parts[i%2], fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q%s}`, n.Action, on, condition))
	}
	inline, attached := []Inline{}, []Attached{Attach(b.policy("own-"+name, document(parts[0]...)))}
	if len(parts[1]) > 0 {
		inline = append(inline, Inline{"more", json.RawMessage(document(parts[1]...))})
	}
	if v.deny != "" {
		attached = append(attached, Attach(b.policy("deny-"+name, document(fmt.Sprintf(`{"Effect":"Deny","Action":%q,"Resource":"*"}`, v.deny)))))
	}
	var boundary *Boundary
	if v.bound != "" {
		boundary = &Boundary{"Policy", b.policy("bound-"+name, document(fmt.Sprintf(`{"Effect":"Allow","NotAction":%q,"Resource":"*"}`, v.bound)))}
	}
	if kind == "role" {
		x := b.role(name, trust("Service", "nobody.amazonaws.com"))
		x.Inline, x.Attached, x.Boundary = inline, attached, boundary
	} else {
		x := b.user(name)
		x.Inline, x.Attached, x.Boundary = inline, attached, boundary
		if slices.Contains(r.Requires, "member-of-group") {
			b.Export.Groups = append(b.Export.Groups, &GroupDetail{Name: "group-" + name, ARN: arnIAM + "group/group-" + name})
			x.Groups = []string{"group-" + name}
		}
	}
	label := Label{Principal: kind + "/" + name, Expect: v.expect, Why: v.why}
	if v.expect == "can" {
		label.Route = r.ID
	}
	b.Labels.Labels = append(b.Labels.Labels, label)
}

// target makes, or finds, what the route leads to.
func (b *builder) target(r *reference.Route, name, self string) string {
	switch {
	case r.Target == "self":
		return self
	case r.Target == "group":
		return arnIAM + "group/target-admins"
	case r.Target == "user" && r.Gain == "become":
		return arnIAM + "user/target-admin"
	case r.Target == "user": // its rights come with the route
		u := b.user("weak-" + name)
		return u.ARN
	}
	who := trust("Service", append([]string{"nobody.amazonaws.com"}, r.Service...)...)
	if slices.Contains(r.Requires, "trusts-principal") {
		who = trust("AWS", arnIAM+"root") // naming the principal would make sts:AssumeRole needless
	}
	role := b.role("target-"+name, who)
	if r.Gain == "become" {
		role.Attached = []Attached{Attach(adminPolicy)}
	}
	if slices.Contains(r.Requires, "policy-attached-to-target") {
		role.Attached = append(role.Attached, Attach(b.policy("of-"+name, document(`{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}`))))
	}
	role.Profiles = []Profile{{role.Name, arnIAM + "instance-profile/" + role.Name}}
	return role.ARN
}

// carrier makes a resource that acts as the target.
func (b *builder) carrier(r *reference.Route, name, target string) string {
	arn := ""
	for _, n := range r.Needs {
		if n.On == "carrier" && arn == "" {
			arn = resource(n, name)
		}
	}
	b.Carriers = append(b.Carriers, Carrier{arn, r.Carrier.Type, target})
	return arn
}

// resource is an ARN of the form that the call's resource type has, with a name
// of the principal's own; * where the call names none.
func resource(n reference.Need, name string) string {
	service, action, _ := strings.Cut(n.Action, ":")
	a, ok := reference.Lookup(service, action)
	if !ok || n.Resource == "" {
		return "*"
	}
	arn := "*"
	for _, u := range a.Uses {
		if u.Resource.Name == n.Resource {
			arn = strings.NewReplacer("${Partition}", "aws", "${Region}", "eu-west-1", "${Account}", account).Replace(u.Resource.ARN)
		}
	}
	for strings.Contains(arn, "${") {
		from := strings.Index(arn, "${")
		to := strings.IndexByte(arn[from:], '}')
		arn = arn[:from] + name + arn[from+to+1:]
	}
	return arn
}
