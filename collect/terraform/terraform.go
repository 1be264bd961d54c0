// Package terraform reads plans and states of Terraform and OpenTofu: the JSON
// that terraform show -json prints of a plan file or of the state, and state
// files (terraform.tfstate, version 4). It is the reader behind the source
// terraform:PLAN.json and behind the plan gate.
//
// It knows nothing of what a resource means. It takes the resources of each
// side of the plan out of the file, masks what Terraform calls sensitive, finds
// out which resource an expression refers to, and hands all of it to a
// Converter.
//
// # Formats
//
// JSON output format 0.1, 0.2 and 1.x (Terraform's "JSON Output Format" and
// OpenTofu's), of at most MaxSize bytes. The file is streamed: planned values
// and what else repeats the changes are passed over. A plan that ended in error
// is refused; one that is not complete, or defers changes, says so in a blind
// spot.
package terraform

import (
	"context"
	"errors"
	"fmt"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// MaxSize is the largest file read, in bytes.
const MaxSize = 256 << 20

// Reference is a resource instance that an expression refers to, and which of
// its attributes; Attribute is empty where the whole resource is meant.
type Reference struct{ Address, Attribute string }

// Resource is one resource instance on one side of a plan, or in a state.
type Resource struct {
	// Address as Terraform writes it, unique on its side.
	Address string
	// Type of the resource ("aws_s3_bucket"), Mode "managed" or "data".
	Type, Mode string
	// Provider is the provider's source address, ProviderKey the configuration of
	// it in use ("aws", "module.m:aws.west"); empty where the file does not say.
	Provider, ProviderKey string
	// Values are the attributes, sensitive ones masked; numbers are json.Number.
	Values map[string]any
	// Unknown is the mask of what is known after apply: true, or an object or
	// list of masks.
	Unknown any
	// Born is set when the plan creates it.
	Born bool
	// Configured reports whether the configuration sets an attribute; nil where
	// the file holds no configuration. Dynamic blocks do not show there.
	Configured func(attribute string) bool
	// References are the resources that the expression at a path of attributes
	// and indexes refers to; nil if it also hangs on anything else that is not
	// known. May be nil.
	References func(path []string) []Reference
}

// Provider is what a provider's configuration says that is constant.
type Provider struct{ Region, Account, Cluster string }

// Side is one side of a plan, or a state.
type Side struct {
	Resources []Resource
	// Gone are the resources of the side before that this side lacks.
	Gone []Resource
	// Providers by their keys.
	Providers map[string]Provider
	// Account, Region and Cluster are the source's options.
	Account, Region, Cluster string
	Source                   string
}

// Unconverted says why a resource is no asset; Harmless is set for types that
// make nothing in an estate (random_id).
type Unconverted struct {
	Why      string
	Harmless bool
}

// Converted is what a Converter makes of a side.
type Converted struct {
	Assets []estate.Asset
	// Of lists the ids of the assets a resource is, or is part of, by address.
	Of map[string][]string
	// Unconverted lists the managed resources that are no asset, by address.
	Unconverted map[string]Unconverted
	// Unsaid and Partial are as in Plan.
	Unsaid, Partial map[string][]string
	BlindSpots      []estate.BlindSpot
}

// Converter makes assets of the resources of one side.
type Converter func(Side) Converted

// Change is what a plan does to one resource instance.
type Change struct {
	// Address after the change; PreviousAddress where the plan moves it.
	Address, PreviousAddress string
	Type, Provider, Mode     string
	// Actions are Terraform's: no-op, create, read, update, delete, forget;
	// replacing is delete and create in either order.
	Actions []string
	// Reason is Terraform's word for why ("replace_because_cannot_update").
	Reason string
	// Deposed is the key of an object left over from an earlier replacement, of
	// which the plan speaks apart from the current one.
	Deposed string
	// Provisioners are the types of the provisioners that run when the resource is
	// made or destroyed ("local-exec"): what those do no plan says.
	Provisioners []string
	// Imported is set when the plan takes over what exists already.
	Imported bool
	// Before and After are the assets the resource is, or is part of, on each
	// side; nil where it does not exist. A part's assets are the whole ones,
	// with what other resources of the plan add to them. What is forgotten stays.
	Before, After []estate.Asset
	// Removed are ids of assets that no resource of the plan is afterwards, though
	// this one was before.
	Removed []string
	// Unconverted says why the resource is no asset; empty if it is one, or
	// nothing an estate holds (a data source). Harmless is set for types that
	// make nothing in an estate.
	Unconverted string
	Harmless    bool
}

// Acts reports whether the plan does an action ("create") to the resource.
func (c *Change) Acts(action string) bool {
	for _, a := range c.Actions {
		if a == action {
			return true
		}
	}
	return false
}

// Plan is a plan that was read.
type Plan struct {
	FormatVersion, TerraformVersion string
	// Changes in the order of the file.
	Changes []Change
	// Before and After are all assets of each side, sorted by id.
	Before, After []estate.Asset
	// Unsaid lists, by asset id, those pointers of Asset.Unknown of the side after
	// that a plan has no word for at all: an update leaves them as they are.
	Unsaid map[string][]string
	// Partial lists, by asset id, pointers to lists of the side after that hold
	// only what the plan adds to a thing it does not manage whole; one element is
	// null and unknown: what else the thing has.
	Partial map[string][]string
	// BlindSpots are those of both sides, each once.
	BlindSpots []estate.BlindSpot
}

// Options say what to read.
type Options struct {
	// Path of the file.
	Path string
	// Account, Region and Cluster hold where the file does not say.
	Account, Region, Cluster string
	// Source is the source as given on the command line, for messages.
	Source string
	// Convert makes the assets.
	Convert Converter
	// Key is that of the digests in the masks of sensitive texts; nil: none.
	Key []byte
}

// ErrState is why a state is no plan.
var ErrState = errors.New("a state")

// Collector reads one plan or state as a source: the planned estate, or the
// estate as the state has it.
type Collector struct{ opts Options }

// New returns a collector; nothing is read before Collect.
func New(opts Options) *Collector {
	if opts.Source == "" {
		opts.Source = "terraform:" + opts.Path
	}
	return &Collector{opts: opts}
}

// Collect sends the assets of the side after, or of the state. Its error is an
// *Error: the file could not be read.
func (c *Collector) Collect(ctx context.Context, sink estate.Sink) error {
	f, err := read(c.opts)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	sink.Called("terraform:read")
	out := c.opts.Convert(f.after(c.opts))
	spots := append(f.spots(c.opts), out.BlindSpots...)
	for _, a := range out.Assets {
		sink.Asset(a)
	}
	for _, b := range spots {
		sink.BlindSpot(b)
	}
	return nil
}

// ReadPlan reads a plan; a state is refused. Its error is an *Error.
func ReadPlan(path string, convert Converter) (*Plan, error) {
	return Read(Options{Path: path, Source: "terraform:" + path, Convert: convert})
}

// Read is ReadPlan with options.
func Read(o Options) (*Plan, error) {
	f, err := read(o)
	if err != nil {
		return nil, err
	}
	if f.state {
		return nil, &Error{Path: o.Path, What: "this is a state, not a plan: nothing in it is planned",
			Mend: "terraform plan -out=plan.bin && terraform show -json plan.bin > plan.json", Err: ErrState}
	}
	return f.plan(o), nil
}

// Error says what is wrong with a file, where, and how to mend it.
type Error struct {
	Path string
	// Place is the byte and, where it helps, the member; may be empty.
	Place string
	What  string
	Mend  string
	Err   error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Place != "" {
		return fmt.Sprintf("%s: %s: %s", e.Path, e.Place, e.What)
	}
	return fmt.Sprintf("%s: %s", e.Path, e.What)
}

// Unwrap is the error of the file system, if it was one, or ErrState.
func (e *Error) Unwrap() error { return e.Err }

// Hint is the mend.
func (e *Error) Hint() string { return e.Mend }
