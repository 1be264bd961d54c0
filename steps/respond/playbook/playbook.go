// Package playbook runs procedures for incidents: our YAML and CACAO 2.0 in, a
// graph of steps checked before anything runs, an executor whose every decision is
// in a hash-chained journal before its effect, so that a process killed at any point
// goes on without losing or repeating an action.
//
// Nothing in a playbook is executed as a command line and no text is a template:
// parameters are values, or one variable as a whole.
package playbook

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind of a step.
type Kind string

// The kinds there are. A playbook with another does not load.
const (
	Action   Kind = "action"   // an actor changes something
	Manual   Kind = "manual"   // a person is asked, and the run waits
	Parallel Kind = "parallel" // branches that run at the same time
	If       Kind = "if"
	While    Kind = "while"
	Switch   Kind = "switch"
)

// Limits of what loads, so that no file costs more than it can be worth.
const (
	MaxBytes = 1 << 20
	MaxSteps = 1000
	MaxLoop  = 1000 // iterations of a while
	// DefaultTimeout bounds an action that states none.
	DefaultTimeout = 5 * time.Minute
)

// Place is where something stands in a file; zero for what was not read from one.
type Place struct {
	File         string
	Line, Column int
}

// String writes a place as editors read it.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is one mistake in a playbook.
type Problem struct {
	Place Place
	Text  string
	Mend  string // may be empty
}

// Error implements error: place, mistake, and the mend on a line of its own.
func (p *Problem) Error() string {
	s := p.Text
	if at := p.Place.String(); at != "" {
		s = at + ": " + s
	}
	if p.Mend != "" {
		s += "\nhint: " + p.Mend
	}
	return s
}

// Variable is one a playbook declares.
type Variable struct {
	Name, Type, About string // Type is string, integer or bool
	// Value it starts with; nil: none.
	Value *string
	// Required says that a run must be given a value.
	Required bool
	Place    Place
}

// Playbook is a graph of steps that was found sound.
type Playbook struct {
	ID, Title, About string
	Variables        []Variable
	Start            string
	Steps            map[string]*Step
	// Order is that of the file.
	Order []string
	// Source is the text it was loaded from; a run keeps it, so that a file that
	// changes meanwhile changes no run.
	Source []byte
	// Format of Source: "yaml" or "cacao".
	Format string
}

// Step is one node. Ids of other steps are empty where the chain ends.
type Step struct {
	ID, Title string
	Kind      Kind
	Place     Place
	// Phase of the incident that the step serves: see Phases.
	Phase string
	// Stays says that what the action does is a cure, not a bandage: it is left in place
	// when containment is taken back (an endpoint rolled back to what was good).
	Stays bool
	Next  string
	// OnFailure is where the chain goes on when the step failed; empty: the chain
	// fails with it.
	OnFailure string
	// Timeout of an action, or of the answer to a manual step; 0: DefaultTimeout for
	// an action, none for an answer.
	Timeout time.Duration
	// Do is an action's name, On its target, With its parameters, Out the variables
	// that take its outputs, by output name.
	Do, On string
	With   map[string]string
	Out    map[string]string
	// Ask is what a person is asked, Of the role that is asked, Answer the variable
	// that takes the answer.
	Ask, Of, Answer string
	Branches        []string
	Condition       *Condition
	Then, Else      string
	Max             int
	// Switch is the variable whose value chooses among Cases.
	Switch  string
	Cases   map[string]string
	Default string
}

// Phases of an incident that a step can serve, in order.
func Phases() []string {
	return []string{"triage", "preserve", "contain", "eradicate", "recover", "verify", "notify"}
}

// edges are the steps a step leads to.
func (s *Step) edges() []string {
	out := []string{s.Next, s.OnFailure, s.Then, s.Else, s.Default}
	out = append(out, s.Branches...)
	for _, k := range keys(s.Cases) {
		out = append(out, s.Cases[k])
	}
	return slices.DeleteFunc(out, func(id string) bool { return id == "" })
}

// heads are the starts of the chains that run inside the step.
func (s *Step) heads() []string {
	out := append([]string{s.Then, s.Else, s.Default}, s.Branches...)
	for _, k := range keys(s.Cases) {
		out = append(out, s.Cases[k])
	}
	return slices.DeleteFunc(out, func(id string) bool { return id == "" })
}

// sets are the variables a step gives values to.
func (s *Step) sets() []string {
	var out []string
	for _, k := range keys(s.Out) {
		out = append(out, s.Out[k])
	}
	if s.Answer != "" {
		out = append(out, s.Answer)
	}
	return out
}

// Variable finds a declared variable.
func (p *Playbook) Variable(name string) (Variable, bool) {
	for _, v := range p.Variables {
		if v.Name == name {
			return v, true
		}
	}
	return Variable{}, false
}

// Actions lists the action steps in the file's order.
func (p *Playbook) Actions() []*Step {
	var out []*Step
	for _, id := range p.Order {
		if s := p.Steps[id]; s.Kind == Action {
			out = append(out, s)
		}
	}
	return out
}

// reference returns the variable that a value names as a whole: "$endpoint". "$$"
// begins a text that starts with a dollar.
func reference(value string) (name string, ok bool) {
	if strings.HasPrefix(value, "$$") || !strings.HasPrefix(value, "$") {
		return "", false
	}
	return value[1:], true
}

// literal is a value that is no reference, without its escape.
func literal(value string) string {
	if strings.HasPrefix(value, "$$") {
		return value[1:]
	}
	return value
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
