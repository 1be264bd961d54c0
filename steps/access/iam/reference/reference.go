package reference

import (
	_ "embed" // for reference.bin
	"sync"
	"time"
)

//go:embed reference.bin
var embedded string

// the is the embedded table. Opening it reads its head only.
var the = sync.OnceValues(func() (*table, error) { return open(embedded) })

// ours returns the embedded table, or an empty one when the build is damaged:
// then nothing is known, and Check says why.
func ours() *table {
	t, err := the()
	if err != nil {
		return &table{}
	}
	return t
}

// Level is how far an action reaches, as AWS classes it. Zero is not known.
type Level uint8

// The access levels of the Service Authorization Reference.
const (
	List        Level = iota + 1 // find out that something exists
	Read                         // see what it holds
	Write                        // make, change or delete it
	Tagging                      // change its tags only
	Permissions                  // decide who may do what ("Permissions management")
)

// String names a level as AWS does.
func (l Level) String() string {
	names := []string{"unknown", "List", "Read", "Write", "Tagging", "Permissions management"}
	if int(l) < len(names) {
		return names[l]
	}
	return names[0]
}

// Type is the kind of value a condition key has.
type Type uint8

// The types of condition keys. AWS compares any of them with a string operator
// too.
const (
	String Type = iota + 1
	ARN
	Bool
	Numeric
	Date
	IPAddress
	Binary
)

// String names a type as the Service Authorization Reference does.
func (t Type) String() string {
	names := []string{"unknown", "String", "ARN", "Bool", "Numeric", "Date", "IPAddress", "Binary"}
	if int(t) < len(names) {
		return names[t]
	}
	return names[0]
}

// Key is a condition key.
type Key struct {
	// Name is spelt as AWS spells it; a part that the request chooses reads
	// ${Name}: aws:ResourceTag/${TagKey}.
	Name string
	Type Type
	// Many says that one request may carry several values (ArrayOf…), which is
	// what ForAllValues and ForAnyValue are for.
	Many bool
	// Global says that requests to any service may carry it.
	Global bool
}

// Resource is a type of resource of a service.
type Resource struct {
	Name string // "training-job"
	// ARN is the form of its ARNs, with ${Partition}, ${Region}, ${Account} and
	// parts of the name as variables.
	ARN  string
	Keys []*Key // what conditions may ask of it
}

// Use is one type of resource that an action works on.
type Use struct {
	Resource *Resource
	// Required says that a request always names one; else it may.
	Required bool
	Keys     []*Key
	// Depends lists actions ("service:Name") that whoever calls needs as well
	// when such a resource is named, "iam:PassRole" above all.
	Depends []string
}

// Action is one permission. It is shared: do not alter it.
type Action struct {
	// ID numbers the actions of the table from 0, by service and name, so that
	// those of one service follow each other, and those with a common beginning
	// too. It holds within one build only.
	ID      int
	Service string // prefix, "sagemaker"
	Name    string // "CreateTrainingJob"
	Level   Level
	// Keys are those that a request carries whatever resource it names; each Use
	// has more, and global keys are never listed.
	Keys    []*Key
	Depends []string // whatever resource is named
	// Uses is empty for an action that only "Resource": "*" can grant.
	Uses []Use
}

// String spells the action as policies do.
func (a *Action) String() string { return a.Service + ":" + a.Name }

// Service is a service prefix.
type Service struct {
	Prefix string // as policies spell it, "sagemaker"
	Name   string // "Amazon SageMaker"
	// RCP says that resource control policies apply to its resources.
	RCP bool
	// First and Count say which IDs its actions have.
	First, Count int
}

// Policy is a managed policy of AWS in its default version.
type Policy struct {
	ARN     string
	Version string // "v12"
	// Created is when the policy came to be, Updated when its default version did.
	Created, Updated time.Time
	// Document is the policy's JSON. It is shared: do not alter it.
	Document []byte
}

// Source is a published package the table is made from.
type Source struct {
	Name, Version string
	// Date is the day its data were taken; zero where the package does not say.
	Date   time.Time
	SHA256 string // of the package's archive, in hexadecimal
}

// Lookup finds an action: Lookup("s3", "getobject").
func Lookup(service, name string) (*Action, bool) { return ours().lookup(service, name) }

// Actions lists a service's actions by name; nil for a service that is not known.
func Actions(service string) []*Action { return ours().actions(service) }

// Resources lists a service's resource types by name.
func Resources(service string) []*Resource { return ours().resources(service) }

// Count is the number of actions in the table; IDs are below it.
func Count() int { return ours().count }

// ByID returns the action of that ID; nil if there is none.
func ByID(id int) *Action { return ours().byID(id) }

// Services lists the services by prefix.
func Services() []Service { return ours().list() }

// FindService finds a service by its prefix.
func FindService(prefix string) (Service, bool) {
	if s := ours().service(prefix); s != nil {
		return s.Service, true
	}
	return Service{}, false
}

// Expand lists the actions a pattern of a policy's Action element covers, by
// ID: "s3:Get*", "*", "SAGEMAKER:CreateTrainingJob". A pattern that covers
// nothing known gives none, which does not mean that it grants nothing.
func Expand(pattern string) []*Action { return ours().expand(pattern) }

// FindKey finds a condition key, also one with a part that the request chooses:
// aws:ResourceTag/team is found as aws:ResourceTag/${TagKey}.
func FindKey(name string) (*Key, bool) { return ours().key(name) }

// Keys lists all condition keys by name.
func Keys() []*Key { return ours().allKeys() }

// Managed returns the default document of a managed policy of AWS. Only ARNs of
// the aws partition are known: the documents of others differ.
func Managed(arn string) (document []byte, ok bool) {
	p, ok := ours().policy(arn)
	return p.Document, ok
}

// ManagedPolicy is Managed with what else is known of the policy.
func ManagedPolicy(arn string) (Policy, bool) { return ours().policy(arn) }

// ManagedARNs lists the managed policies of AWS, sorted.
func ManagedARNs() []string { return ours().policyARNs() }

// Sources names what the table is made from.
func Sources() []Source { return append([]Source(nil), ours().sources...) }

// Taken is the day the list of actions was taken from AWS. Actions, keys and
// policies that came later are not known.
func Taken() time.Time {
	for _, s := range ours().sources {
		return s.Date
	}
	return time.Time{}
}

// Check unpacks everything and returns the first thing in the table that cannot
// be read. It is nil but in a damaged build, in which the other functions know
// nothing or little.
func Check() error {
	t, err := the()
	if err != nil {
		return err
	}
	return t.check()
}
