// Package control evaluates controls: facts that can be asked of an asset, each
// a folder of data with the cases that prove it. It states facts; what they
// mean for a workload is the gate's to judge.
//
// A folder holds control.yaml and the case files it names. A case file is an
// asset's configuration, as anyone can make one with the provider's own command
// line.
package control

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// Control is one fact that can be asked of assets of certain types.
type Control struct {
	ID        string
	Lifecycle string   // experimental, stable or deprecated
	Step      string   // the step that judges it: audit, access, network, data, supply, detect, respond
	Types     []string // asset types it is asked of
	Title     string   // the fault in a few words, as a finding's title
	Asks      string   // the question, answered yes by a pass
	Why       string   // what goes wrong when it fails
	// InvalidFor lists for whom a fail would be wrong; Applies or a near-miss
	// case keeps each of them out.
	InvalidFor []string
	Severity   finding.Severity
	AI         AI // how near to AI the assets it is asked of are
	Attack     finding.Attack
	Fix        finding.Fix // commands still hold {name}, {id}, {region}, {account}
	// Terraform says how it is mended in the source an asset is written in.
	Terraform []Terraform
	// Kubernetes says how an object of Kubernetes is changed to mend it.
	Kubernetes []Kubernetes
	// Reads are the operations the answer rests on ("s3:GetBucketPolicy").
	Reads []string
	// Frameworks are the weaknesses and requirements control.yaml names, then
	// those that follow from the weaknesses (catalogue/rules/bridges.yaml).
	Frameworks []string
	Techniques []string
	Cases      Cases

	own      int        // how many of Frameworks control.yaml names itself
	applies  *expr.Expr // nil: always
	aside    string     // why it does not apply, where it does not
	fails    *expr.Expr // nil where absent is not
	absent   *Absence   // nil where fails is not
	evidence []exhibit
	folder   fs.FS
	place    strict.Place
	id       strict.Text // with its place
}

// exhibit is one line of evidence a finding shows.
type exhibit struct {
	where string // a place in the configuration, as a person names it
	what  string // what stands there, in a few words
	show  *expr.Expr
}

// Cases are the configurations a control proves itself on.
type Cases struct {
	Fail, Pass, Near, NA, Unknown []Case
}

// Case is one configuration and what must come of it.
type Case struct {
	File    string
	Because string // why it is a near miss, not applicable or undecided
	Type    string // asset type; empty: the control's first
	Denied  []string
	Owned   bool   // another asset that was read describes it
	Behind  string // file of what a Service leads to
	Class   string // of the AI workload that is
	// Of a control that asks for what should exist: what of it is there, that the
	// list of it was not read to its end, and that nothing there needs it.
	Beside   []Beside
	Unlisted bool
	Idle     bool
}

// Beside is the configuration of an asset beside the one a case is about.
type Beside struct {
	File    string
	Region  string // empty: the same
	Account string // empty: the same
	Named   bool   // known by name only
}

// Applies returns the source of the condition under which the control is asked
// at all; empty when it always is.
func (c *Control) Applies() string {
	if c.applies == nil {
		return ""
	}
	return c.applies.String()
}

// Fails returns the source of the condition that is true of a faulty asset, or
// what should exist and does not.
func (c *Control) Fails() string {
	if c.absent != nil {
		return c.absent.String()
	}
	return c.fails.String()
}

// Absent returns what the control asks for that should exist; nil for all others.
func (c *Control) Absent() *Absence { return c.absent }

// Place is where the control is defined.
func (c *Control) Place() strict.Place { return c.place }

// Set is the controls of a run. It is immutable and safe for concurrent use.
type Set struct {
	controls   []*Control
	byType     map[string][]*Control
	names      map[string]string // catalogue: id -> name
	frameworks []Framework
	questions  []Question
	variables  map[string]Variable // that fixes name
	leftOut    []error             // what Load could not take
}

// LeftOut returns what Load could not take, by name and place: a report without
// it would hide that a question was not asked.
func (s *Set) LeftOut() []error { return slices.Clone(s.leftOut) }

// Controls lists the controls by id.
func (s *Set) Controls() []*Control { return slices.Clone(s.controls) }

// Digest returns the SHA-256, in hexadecimal digits, of what the controls ask:
// two sets with one digest give one answer.
func (s *Set) Digest() string {
	h := sha256.New()
	for _, c := range s.controls {
		for _, part := range append([]string{c.ID, c.Step, string(c.Severity), c.Applies(), c.Fails()}, c.Types...) {
			fmt.Fprintf(h, "%d:%s", len(part), part)
		}
		fmt.Fprintln(h)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Find returns a control by id, nil if there is none.
func (s *Set) Find(id string) *Control {
	i, ok := slices.BinarySearchFunc(s.controls, id, func(c *Control, id string) int { return strings.Compare(c.ID, id) })
	if !ok {
		return nil
	}
	return s.controls[i]
}

// For lists the controls asked of a type, by id. The slice must not be changed.
func (s *Set) For(typ string) []*Control { return s.byType[typ] }

// Name returns the name of a framework or technique id; empty if no catalogue
// has it.
func (s *Set) Name(id string) string { return s.names[id] }
