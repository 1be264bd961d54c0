package reference

import (
	"bytes"
	_ "embed" // for routes.json
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed routes.json
var routesText []byte

// Route is one technique by which a principal comes to more rights than its
// policies say: the calls it needs, what they are made on, and what they give.
// routes.json holds them; all 65 paths of pathfinding.cloud are among them.
type Route struct {
	// ID is ours, SERVICE.TECHNIQUE, and stays.
	ID string `json:"id"`
	// Pathfinding is the path's id in the pathfinding.cloud catalogue; empty for
	// what the catalogue lacks. Each of its paths is exactly one route.
	Pathfinding string `json:"pathfinding,omitempty"`
	Title       string `json:"title"`
	// From says who can take it: "any", "user" or "role".
	From string `json:"from"`
	// Target is what is gained: "role", "user", "group", "root" (of a member
	// account), "self" (the principal keeps its name and gets more rights), "new" (an
	// identity that the principal makes: needs on "new" are on it),
	// "workload" (an AgentCore workload identity), "provider" (what an outside
	// service gives to a credential provider) or "data".
	Target string `json:"target"`
	// Gain says how much of it:
	//
	//	become   all that the target may
	//	any      whatever one writes into a policy: everything, within the target's boundary and the organisation's policies
	//	attach   the same by managed policies, as far as iam:PolicyARN lets
	//	version  what the widest version of an attached policy grants
	//	unbound  all that the policies grant once the boundary is off
	//	bounded  what the service does as the target, at the caller's word, and no more
	//	secret   a key or token of somebody else's service
	Gain string `json:"gain"`
	// By says in which form: "rights" of one's own, "credentials", "code" of one's
	// own that runs as the target, "url", "token", "key", or "service" (its doing).
	By string `json:"by"`
	// Runs says on what: "new" makes a resource and passes the role to it,
	// "changes" alters one that exists, "uses" takes one as it is, "grants" works
	// on IAM itself.
	Runs string `json:"runs"`
	// Service lists service principals; the target's trust policy must admit one.
	// Empty where no role is passed.
	Service []string `json:"service,omitempty"`
	// Passes says which call carries the role.
	Passes *Passing `json:"passes,omitempty"`
	// Needs are the calls, every one of which must be allowed.
	Needs []Need `json:"needs"`
	// Carrier is the existing resource that already acts as the target; calls
	// made on "carrier" are on it.
	Carrier *Carrier `json:"carrier,omitempty"`
	// Requires are facts that must hold beside the calls; routeFacts says what
	// each means. One that is not known to be false counts as unknown.
	Requires []string `json:"requires,omitempty"`
	// Holds lists actions that the target must be allowed itself for the gain to
	// be one.
	Holds []string `json:"holds,omitempty"`
	// Waits says what must happen without the principal's doing; empty: nothing.
	Waits string `json:"waits,omitempty"`
	Note  string `json:"note,omitempty"`
	// Basis says how sure the route is: "published" (others showed it),
	// "reference" (the Service Authorization Reference says that the call depends
	// on iam:PassRole), "api" (the API takes a role), "derived" (our reading of
	// the documentation).
	Basis  string   `json:"basis"`
	Source []string `json:"source"`
}

// Passing is the call, and the parameter of it, that carries a role. Parameter
// is a path through the published API model, "[]" for members of a list and
// "{}" for values of a map; empty where the model shows none.
type Passing struct {
	Action    string `json:"action"`
	Parameter string `json:"parameter"`
}

// Need is a call.
type Need struct {
	Action string `json:"action"` // "sagemaker:CreateTrainingJob"
	// On says what the call is made on:
	//
	//	target   the identity that is gained (iam:PassRole: the role passed)
	//	self     the principal
	//	group    a group that the principal is in
	//	policy   a customer-managed policy of the principal (Target "self") or of the target
	//	provider an identity provider that the target trusts
	//	carrier  the Carrier
	//	new      a resource that does not exist yet: any name will do
	//	any      some existing resource of the type, whichever; or none, for calls that name no resource
	//
	// Calls of one route on "new", or on "any", are on the same resource where they
	// name the same type.
	On string `json:"on"`
	// Resource is the resource type, as the Service Authorization Reference calls
	// it; empty where the call names none, or an identity.
	Resource string `json:"resource,omitempty"`
	// Context are condition keys that the call carries. A string is "${any}" (the
	// caller chooses), "${boundary}" (the boundary of the identity called on;
	// absent where it has none) or "${target}" (its ARN); a list holds values of
	// which one is carried.
	Context map[string]Values `json:"context,omitempty"`
}

// Values is one placeholder or a list of values.
type Values []string

// UnmarshalJSON reads a string or a list of strings.
func (v *Values) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*v = make(Values, 1)
		return json.Unmarshal(text, &(*v)[0])
	}
	return json.Unmarshal(text, (*[]string)(v))
}

// Carrier is a kind of resource that acts as a role.
type Carrier struct {
	Service  string `json:"service"`  // prefix of the calls made on it
	Resource string `json:"resource"` // its type there
	Type     string `json:"type"`     // as CloudFormation spells it
	// Role is where its configuration names the role or the instance profile; in
	// words where another asset's does.
	Role string `json:"role"`
}

// routeFacts are the facts a route may require, by name.
var routeFacts = map[string]string{ //nolint:gosec // tells of credentials, holds none
	"policy-attached-to-self":   "a customer-managed policy is attached to the principal or a group of it",
	"policy-attached-to-target": "a customer-managed policy is attached to the target or a group of it",
	"other-versions":            "that policy has versions beside the default one",
	"member-of-group":           "the principal is in the group",
	"key-slot-free":             "the user has fewer than two access keys",
	"two-keys":                  "the user has two access keys",
	"login-profile":             "the user has a password",
	"no-login-profile":          "the user has no password",
	"service-credential":        "the user has a credential for the service",
	"boundary":                  "the principal has a permissions boundary",
	"trusts-principal":          "the role's trust policy admits the principal",
	"trusts-provider":           "the role's trust policy admits the identity provider",
	"trusts-carrier":            "the role's trust policy admits the role of the carrier",
	"instance-profile":          "the role is in an instance profile",
	"empty-instance-profile":    "the instance profile holds no role",
	"way-in":                    "the principal can enter, or runs code on, the resource",
	"network-way":               "the principal reaches the resource's address by the network",
	"running":                   "the resource is running",
	"managed-by-ssm":            "the instance runs the Systems Manager agent and may report to it",
	"exec-enabled":              "the task was started with commands enabled",
	"batch-builds":              "the project is set up for batches of builds",
	"event-source":              "a queue or stream exists that the role may read",
	"ecs-cluster":               "a cluster exists",
	"container-instance":        "an instance is registered with the cluster",
	"batch-queue":               "a job queue exists",
	"studio-domain":             "a Studio domain exists",
	"iam-domain":                "the Studio domain signs in by IAM",
	"user-token":                "the principal holds a token of the user",
	"pod-token":                 "the principal holds a token of the service account",
	"management-account":        "the principal is of the management account or a delegated administrator for IAM",
	"root-sessions-enabled":     "the organisation allows privileged sessions of root users",
}

// RouteFact says in words what a member of Route.Requires means.
func RouteFact(name string) (string, bool) {
	text, ok := routeFacts[name]
	return text, ok
}

// routes are the embedded ones.
var routes = sync.OnceValues(func() ([]Route, error) { return ReadRoutes(routesText) })

// Routes lists the embedded routes. The error is nil but in a damaged build.
func Routes() ([]Route, error) { return routes() }

var routeWords = map[string][]string{
	"from":   {"any", "user", "role"},
	"target": {"role", "user", "group", "root", "self", "new", "workload", "provider", "data"},
	"gain":   {"become", "any", "attach", "version", "unbound", "bounded", "secret"},
	"by":     {"rights", "credentials", "code", "url", "token", "key", "service"},
	"runs":   {"new", "changes", "uses", "grants"},
	"basis":  {"published", "reference", "api", "derived"},
	"on":     {"target", "self", "group", "policy", "provider", "carrier", "new", "any"},
}

const routesSchema = "sevenfold/iam-routes/v1"

// ReadRoutes reads a file of routes. Unknown members, words and facts are
// errors that name the route, as are routes whose parts do not fit together.
func ReadRoutes(text []byte) ([]Route, error) {
	var file struct {
		Schema string  `json:"schema"`
		Routes []Route `json:"routes"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("routes: at byte %d: %w", dec.InputOffset(), err)
	}
	if file.Schema != routesSchema {
		return nil, fmt.Errorf("routes: schema %q, this program reads %q", file.Schema, routesSchema)
	}
	seen := map[string]bool{}
	for i := range file.Routes {
		r := &file.Routes[i]
		if seen[r.ID] || r.Pathfinding != "" && seen["pathfinding "+r.Pathfinding] {
			return nil, fmt.Errorf("routes: %s (number %d) stands twice", r.ID, i+1)
		}
		seen[r.ID], seen["pathfinding "+r.Pathfinding] = true, true
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("routes: %s (number %d): %w", r.ID, i+1, err)
		}
	}
	return file.Routes, nil
}

func (r *Route) check() error {
	if r.ID == "" || r.Title == "" || len(r.Needs) == 0 || len(r.Source) == 0 {
		return fmt.Errorf("id, title, needs and source are all needed")
	}
	for what, word := range map[string]string{"from": r.From, "target": r.Target, "gain": r.Gain, "by": r.By, "runs": r.Runs, "basis": r.Basis} {
		if !slices.Contains(routeWords[what], word) {
			return fmt.Errorf("%s is %q, must be one of %s", what, word, strings.Join(routeWords[what], ", "))
		}
	}
	for _, f := range r.Requires {
		if _, ok := routeFacts[f]; !ok {
			return fmt.Errorf("requires an unknown fact %q", f)
		}
	}
	passes, carried := false, false
	for _, n := range r.Needs {
		if service, name, ok := strings.Cut(n.Action, ":"); !ok || service == "" || name == "" {
			return fmt.Errorf("%q is no action", n.Action)
		}
		if !slices.Contains(routeWords["on"], n.On) {
			return fmt.Errorf("%s on %q, must be one of %s", n.Action, n.On, strings.Join(routeWords["on"], ", "))
		}
		for key, values := range n.Context {
			if len(values) == 0 {
				return fmt.Errorf("%s: no value of %s", n.Action, key)
			}
		}
		passes = passes || n.Action == "iam:PassRole"
		carried = carried || n.On == "carrier"
	}
	switch {
	case passes != (len(r.Service) > 0) || passes != (r.Passes != nil):
		return fmt.Errorf("iam:PassRole, service and passes belong together")
	case passes && !slices.ContainsFunc(r.Needs, func(n Need) bool { return n.Action == r.Passes.Action }):
		return fmt.Errorf("passes names %s, which is not needed", r.Passes.Action)
	case carried != (r.Carrier != nil):
		return fmt.Errorf("a carrier is named exactly where a call is made on it")
	}
	return nil
}
