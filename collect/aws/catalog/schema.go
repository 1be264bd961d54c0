package catalog

import "strings"

// Service is one file of the catalogue.
type Service struct {
	// Service is the name of the service's API model ("sagemaker").
	Service string `yaml:"service"`
	// Prefix is the prefix of the service's IAM actions when it is not Service.
	Prefix string `yaml:"prefix"`
	// CLI lists further names under which the AWS command line files the
	// service ("s3api").
	CLI []string `yaml:"cli"`
	// Order is "first" for services an AI workload is made of: they are read
	// before the others, so that a first verdict comes early.
	Order string `yaml:"order"`
	// Global marks a service with one endpoint for all regions.
	Global bool `yaml:"global"`
	// Actions replaces every operation's default IAM action (API Gateway knows
	// only "apigateway:GET").
	Actions []string `yaml:"actions"`
	// Resources are the types to read.
	Resources []*Resource `yaml:"resources"`
}

// Resource says how one type is read.
type Resource struct {
	Type string `yaml:"type"`
	// Parent is the type (of the same file) for each of whose assets this one
	// is listed.
	Parent string `yaml:"parent"`
	// From takes the items from the parent's configuration instead of a call.
	From string `yaml:"from"`
	// Single marks a setting of an account (or of an account's region) that
	// exists exactly once and is not listed.
	Single bool `yaml:"single"`
	// List is the call that lists the items.
	List *Call `yaml:"list"`
	// Describe is the call whose reply becomes the root of the configuration.
	Describe *Call `yaml:"describe"`
	// Calls are read for each asset; their replies stand under their names.
	Calls []*Call `yaml:"calls"`
	// Also are other calls whose replies an export may hold instead: lists,
	// describes, and parts that make up members of the root. A live run never
	// makes them.
	Also []*Call `yaml:"also"`
	// Rows joins one row of an account-wide table to each asset.
	Rows *Rows `yaml:"rows"`
	// ID, Name, Created, Tags, Account and Region are paths or templates over
	// the configuration; Account and Region default to where the call went.
	ID      string `yaml:"id"`
	Name    string `yaml:"name"`
	Created string `yaml:"created"`
	Tags    string `yaml:"tags"`
	Account string `yaml:"account"`
	Region  string `yaml:"region"`
	// RegionDefault is the region of an asset whose Region says nothing.
	RegionDefault string `yaml:"region_default"`
	// Global marks a type that belongs to no region though its service has
	// regional endpoints.
	Global bool `yaml:"global"`
	// Where keeps only items whose path has one of the values: a literal, "*" for
	// any value, or "{account}" for the account that is read.
	Where map[string][]string `yaml:"where"`
	// Shared lists members that tell of the account that asks; they are dropped
	// when the asset is the provider's own, which every account sees.
	Shared []string `yaml:"shared"`
	// Idle lists counts of who uses an item: of the provider's own items, which
	// every account sees, one of which all counts given are 0 is left out. The
	// first must be given.
	Idle []string `yaml:"idle"`
	// Recursive lists the type again below each of its own assets.
	Recursive bool `yaml:"recursive"`
	// History bounds a list of things that ended long ago.
	History *History `yaml:"history"`
	// Bound is the most items read for each list (0: all). What is over it is
	// said as a skipped blind spot.
	Bound int `yaml:"bound"`

	service *Service
	calls   []*Call // primary calls first, then Calls and Rows
}

// Call is one operation and what it needs.
type Call struct {
	Op string `yaml:"op"`
	// Service is the API model when it is not the file's.
	Service string `yaml:"service"`
	// Items is the path of a list reply's items.
	Items string `yaml:"items"`
	// As names the member under which a scalar item stands.
	As string `yaml:"as"`
	// Unwrap is the path of the object that becomes the root.
	Unwrap string `yaml:"unwrap"`
	// With maps parameters to expressions over the configuration.
	With map[string]any `yaml:"with"`
	// Params are fixed parameters; strings may be templates.
	Params map[string]any `yaml:"params"`
	// Variants are parameter sets a list is made with one after the other.
	Variants []map[string]any `yaml:"variants"`
	// Each maps a parameter of a list to a path in the parent's configuration:
	// the list is made once for each value there.
	Each map[string]string `yaml:"each"`
	// Absent lists error codes that mean "not configured"; "CODE: words" also
	// wants the message to begin with the words.
	Absent []string `yaml:"absent"`
	// Grant lists the IAM actions when they are not PREFIX:OP.
	Grant []string `yaml:"grant"`
	// When skips the call for an asset in which the path has none of the
	// values ("*": any value); a skipped call counts as absent.
	When map[string][]string `yaml:"when"`
	// Home sends the call to the account's home region whatever the asset's.
	Home bool `yaml:"home"`
	// Bound is the most pages read (0: all).
	Bound int `yaml:"bound"`
	// Most is for how many assets of one listing the call is made (0: all); for
	// the others it is said to be skipped.
	Most int `yaml:"most"`

	// Asked is what the options must ask for, or the call is not made live and
	// not declared; an export may hold its reply all the same.
	Asked string `yaml:"asked"`
	// Job has the provider make first what the call reads.
	Job *Job `yaml:"job"`

	// Empty says that the reply of a setting never made has no member at all, for
	// which the command line prints nothing.
	Empty bool `yaml:"empty"`
	// Drop lists paths of the reply, or of a list's items, that are not kept:
	// presigned addresses are credentials, and differ from call to call; where
	// people live is nobody's business.
	Drop []string `yaml:"drop"`
	// Into, in Also, names the member of the root that what Take finds becomes.
	Into string `yaml:"into"`
	// Append, in Also, names the list in the root that what Take finds is an
	// element of; Pick keeps only these members of it.
	Append string   `yaml:"append"`
	Pick   []string `yaml:"pick"`
	// Names, in Also, names the list in the root whose elements Take lists by
	// name: it tells whether all of them are there.
	Names string `yaml:"names"`
	Take  string `yaml:"take"`

	key   string // where the reply stands in the configuration
	owner *Resource
}

// Job is an operation that has the provider make a report. It takes the
// parameters of the call it stands in; that takes the report's token instead.
type Job struct {
	Op string `yaml:"op"`
	// Token names the member of the job's reply, and the call's parameter.
	Token string `yaml:"token"`
	// State is the path of the state in the call's reply, Done and Failed are the
	// states in which the report is whole and in which it never will be.
	State  string `yaml:"state"`
	Done   string `yaml:"done"`
	Failed string `yaml:"failed"`
}

// Rows is a table of the account (the credential report) whose rows are joined
// to assets by a column that holds their ARN.
type Rows struct {
	Op      string `yaml:"op"`
	Prepare string `yaml:"prepare"` // operation that has the table made
	Content string `yaml:"content"` // path of the base64 CSV
	By      string `yaml:"by"`      // column that holds the asset's id
	// Absent lists error codes that mean the account has no such table.
	Absent []string `yaml:"absent"`
}

// History bounds the reading of a list most of whose items ended long ago.
type History struct {
	// Live are the parameter sets that list what still runs; all of it is read.
	Live []map[string]any `yaml:"live"`
	// Done are the parameter sets of the rest; none means the plain list.
	Done []map[string]any `yaml:"done"`
	// Sort are the parameters that put the newest first.
	Sort map[string]any `yaml:"sort"`
	// Newest is how many of each Done list are read.
	Newest int `yaml:"newest"`
}

// IsAbsent reports whether an error means that nothing is configured. why is
// "code: message".
func (c *Call) IsAbsent(code, why string) bool {
	for _, a := range c.Absent {
		if a == code || strings.Contains(a, ": ") && strings.HasPrefix(why, a) {
			return true
		}
	}
	return false
}

// Key returns the member of the configuration under which the reply stands;
// empty for the root.
func (c *Call) Key() string { return c.key }

// ServiceName returns the API model the call belongs to.
func (c *Call) ServiceName() string {
	if c.Service != "" {
		return c.Service
	}
	return c.owner.service.Service
}

// Type is the type the call is made for.
func (c *Call) Type() string { return c.owner.Type }

// Operation returns "service:Operation" as a read names it.
func (c *Call) Operation() string { return c.ServiceName() + ":" + c.Op }

// Grants returns the IAM actions the call needs.
func (c *Call) Grants() []string {
	if c.Grant != nil {
		return c.Grant
	}
	s := c.owner.service
	if s.Actions != nil && c.Service == "" {
		return s.Actions
	}
	prefix := s.Prefix
	if c.Service != "" && c.Service != s.Service {
		prefix = prefixOf(c.Service)
	}
	if prefix == "" {
		prefix = s.Service
	}
	return []string{prefix + ":" + c.Op}
}

// ActionPrefix is the prefix of the service's IAM actions.
func (s *Service) ActionPrefix() string {
	if s.Prefix != "" {
		return s.Prefix
	}
	return s.Service
}

// prefixOf is the IAM prefix of an API model that a file of another service
// calls.
func prefixOf(service string) string {
	switch service {
	case "s3control":
		return "s3"
	default:
		return service
	}
}

// Service returns the file the resource stands in.
func (r *Resource) Service() *Service { return r.service }

// IsGlobal reports whether the type belongs to no region.
func (r *Resource) IsGlobal() bool { return r.Global || r.service.Global }

// AllCalls returns every call made for one asset, the root's first, without
// the call that lists it.
func (r *Resource) AllCalls() []*Call { return r.calls }

// Children returns the resources listed for each asset of this one; a
// recursive one is among its own.
func (r *Resource) Children() []*Resource {
	var out []*Resource
	for _, c := range r.service.Resources {
		if c.Parent == r.Type || c == r && r.Recursive {
			out = append(out, c)
		}
	}
	return out
}
