// Package cloudformation reads CloudFormation templates: JSON, and YAML with the
// short forms of the intrinsic functions; SAM templates; what aws cloudformation
// get-template prints; the output folder of cdk synth; and folders of templates.
// It is the reader behind the source cloudformation:TEMPLATE.
//
// It knows nothing of what a resource means. It settles what the template alone
// settles (parameters with values, mappings, conditions, functions), notes of the
// rest why it is open, and hands the resources to a Converter.
//
// # What is open
//
// A parameter without a value, an imported value, a dynamic reference
// ({{resolve:…}}), a function this version does not know: an *Open with its
// reason, never a value. A reference to another resource is an *Open that says
// to which. A parameter with NoEcho is masked.
//
// # Bounds
//
// A file of at most MaxSize bytes; nesting, anchors and loops as the constants
// say. A file that is no template is an *Error with file, line and mend.
package cloudformation

import (
	"context"
	"fmt"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// MaxSize is the largest file read, in bytes. CloudFormation itself takes
// templates of one megabyte.
const MaxSize = 8 << 20

// Unborn begins the id of what only its birth will name:
// cloudformation://STACK/LogicalId, in a nested stack
// cloudformation://STACK/Nested/LogicalId.
const Unborn = "cloudformation://"

// Part is one piece of a text: literal Text, or what a resource's attribute is.
type Part struct {
	Text string
	// Resource is the address, STACK/LogicalId; Attribute is empty for Ref.
	Resource, Attribute string
}

// Open is a value that the template alone does not settle.
type Open struct {
	// Why is the reason, in a few words.
	Why string
	// Parts are what the text is joined of; nil where that is not known either.
	Parts []Part
}

// Resource is one resource of a template whose condition is not false.
type Resource struct {
	// Address is STACK/LogicalId, with the logical ids of nested stacks between.
	Address string
	// Type as the template has it ("AWS::S3::Bucket").
	Type string
	// Properties are JSON values; numbers are json.Number, and an *Open may stand
	// anywhere.
	Properties map[string]any
	// Account and Region are where the stack is; empty where nothing says.
	Account, Region string
	// Doubt says why it is not known whether the resource is made at all; empty
	// if it is.
	Doubt string
	// File and Line are where it is written.
	File string
	Line int
}

// Input is all that was read of a source.
type Input struct {
	Resources []Resource
	// Source as given on the command line.
	Source string
}

// Converted is what a Converter makes of resources.
type Converted struct {
	Assets     []estate.Asset
	BlindSpots []estate.BlindSpot
}

// Converter makes assets of resources.
type Converter func(Input) Converted

// Options say what to read.
type Options struct {
	// Path of a template, of what get-template printed, or of a folder.
	Path string
	// Parameters is the path of a file with the values of parameters; may be
	// empty.
	Parameters string
	// Account and Region hold where nothing else says; Stack is the stack's name,
	// if it is not that of the file.
	Account, Region, Stack string
	// Source is the source as given on the command line, for messages.
	Source string
	// Convert makes the assets.
	Convert Converter
}

// Collector reads templates as a source: the estate as a first deployment would
// make it.
type Collector struct{ opts Options }

// New returns a collector; nothing is read before Collect.
func New(opts Options) *Collector {
	if opts.Source == "" {
		opts.Source = "cloudformation:" + opts.Path
	}
	return &Collector{opts: opts}
}

// Collect sends the assets that the templates make. Its error is an *Error:
// nothing could be read.
func (c *Collector) Collect(ctx context.Context, sink estate.Sink) error {
	in, spots, err := Read(ctx, c.opts)
	if err != nil {
		return err
	}
	sink.Called("cloudformation:read")
	out := c.opts.Convert(in)
	for _, a := range out.Assets {
		sink.Asset(a)
	}
	for _, b := range append(spots, out.BlindSpots...) {
		sink.BlindSpot(b)
	}
	return nil
}

// Read reads the templates of a source, settles what they settle, and returns
// the resources with what could not be read or is open. Its error is an *Error,
// or that of the context.
func Read(ctx context.Context, o Options) (Input, []estate.BlindSpot, error) {
	r := &reader{opts: o, ctx: ctx, nodes: maxProduced, bytes: maxText, exports: map[string]*export{}, open: map[string]*reason{}, eaten: map[string]bool{}}
	if err := r.parameters(); err != nil {
		return Input{}, nil, err
	}
	if err := r.find(); err != nil {
		return Input{}, nil, err
	}
	r.gatherExports()
	in := Input{Source: o.Source}
	for _, s := range r.stacks {
		if err := ctx.Err(); err != nil {
			return Input{}, nil, err
		}
		in.Resources = append(in.Resources, s.resolve(0)...)
	}
	if r.spent {
		return Input{}, nil, &Error{Path: o.Path, What: fmt.Sprintf("what the template stands for is larger than %d values or %d bytes: loops, anchors or parameters repeat it without end", maxProduced, maxText),
			Mend: "take the repetition out, or read the parts one by one"}
	}
	return in, append(r.spots, r.reasons()...), nil
}

// Error says what is wrong with a file, where, and how to mend it.
type Error struct {
	Path string
	// Line counts from 1; 0 where the file as a whole is meant.
	Line int
	What string
	Mend string
	Err  error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.What)
	}
	return fmt.Sprintf("%s: %s", e.Path, e.What)
}

// Unwrap is the error of the file system, if it was one.
func (e *Error) Unwrap() error { return e.Err }

// Hint is the mend.
func (e *Error) Hint() string { return e.Mend }
