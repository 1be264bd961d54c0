// Package expr evaluates CEL expressions over assets: the conditions of
// controls, and the matches of sevenfold.yaml.
//
// # Three answers
//
// An expression is true, false or unknown. What was not read, or will be known
// only after a plan is applied, is an unknown that travels through the
// expression as far as logic lets it: false && unknown is false, true || unknown
// is true, all else that needs it is unknown. An evaluation error is unknown
// too, so that an expression that does not fit the data never reads as a pass.
//
// # Absent and unknown
//
// A root key that is missing is absent if the primary reply was read completely,
// else unknown; a missing operation key (GetBucketPolicy) is absent if the
// provider answered that there is none, else unknown. has() and optional
// selection (config.?A.?B.orValue(x)) tell absent from present; selecting what
// is absent is an error. A tag that an asset does not bear matches nothing.
package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

// Bounds on one expression, far above what a readable one needs. The cost limit
// is CEL's own count of steps and bytes looked at: unlike a time-out it decides
// the same on a busy machine as on an idle one, and since patterns are RE2 no
// step takes unbounded time. Only loops inside loops are counted: without them
// an expression takes time linear in the configuration, and counting costs a
// fifth of it.
const (
	maxSource = 16 << 10
	maxCost   = 2_000_000
)

// Truth is the value of an expression on an asset.
type Truth int8

// The truths. The zero value is Unknown.
const (
	Unknown Truth = iota
	False
	True
)

// Result of one expression on one asset.
type Result struct {
	Truth Truth
	// Missing lists what an unknown truth hangs on: "config" (nothing was read),
	// "config.KEY", "tags" or "zone". Empty when Truth is known or Err is set.
	Missing []string
	// Err is why the expression could not be evaluated; its truth is unknown.
	Err error
}

// Why says in a sentence why the truth is unknown; empty if it is known.
func (r Result) Why() string {
	switch {
	case r.Truth != Unknown:
		return ""
	case r.Err != nil:
		return r.Err.Error()
	}
	return strings.Join(r.Missing, " and ") + " was not read"
}

// Error is a place in an expression and what is wrong there.
type Error struct {
	Line, Column int // from 1
	Message      string
}

// Error says where and what.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d of the expression: %s", e.Line, e.Column, e.Message)
}

// Expr is a compiled expression; it is safe for concurrent use.
type Expr struct {
	source string
	// made gives the program, compiled already or on first use.
	made func() (cel.Program, error)
}

// environment is built on first use: a command that evaluates nothing should
// not pay the milliseconds it takes.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	vars := []cel.EnvOption{
		cel.Variable("config", cel.DynType),
		cel.Variable("tags", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("now", cel.TimestampType),
		cel.Variable("setting", cel.DynType),
		cel.Variable("accounts", cel.ListType(cel.StringType)),
		cel.Variable("owned", cel.BoolType),
		cel.Variable("behind", cel.ListType(cel.DynType)),
		cel.OptionalTypes(),
		cel.EnableErrorOnBadPresenceTest(true),
		cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(maxSource),
		ext.Strings(ext.StringsVersion(4)), ext.Lists(ext.ListsVersion(3)), ext.Sets(), ext.Bindings(), ext.Network(),
	}
	for _, name := range []string{"id", "type", "name", "account", "region", "cloud", "kind", "zone"} {
		vars = append(vars, cel.Variable(name, cel.StringType))
	}
	return cel.NewEnv(append(vars, functions()...)...)
})

// Compile checks and compiles an expression. What is wrong with it is an *Error
// with the place inside the expression.
func Compile(source string) (*Expr, error) { return compiled(source, true) }

// CompileValue compiles an expression of any type, whose value is to be shown.
func CompileValue(source string) (*Expr, error) { return compiled(source, false) }

// Defer is Compile of an expression that is known to compile, done when it is first
// evaluated: most commands meet few of the types that controls ask about. Should it
// not compile after all, its truth is unknown, with the reason.
func Defer(source string) *Expr { return deferred(source, true) }

// DeferValue is the same of CompileValue.
func DeferValue(source string) *Expr { return deferred(source, false) }

func deferred(source string, truth bool) *Expr {
	return &Expr{source: source, made: sync.OnceValues(func() (cel.Program, error) { return compile(source, truth) })}
}

func compiled(source string, truth bool) (*Expr, error) {
	p, err := compile(source, truth)
	if err != nil {
		return nil, err
	}
	return &Expr{source: source, made: func() (cel.Program, error) { return p, nil }}, nil
}

func compile(source string, truth bool) (cel.Program, error) {
	if strings.TrimSpace(source) == "" {
		return nil, &Error{Line: 1, Column: 1, Message: "the expression is empty"}
	}
	if len(source) > maxSource {
		return nil, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the expression is longer than %d bytes", maxSource)}
	}
	env, err := environment()
	if err != nil {
		return nil, err
	}
	ast, iss := env.Compile(source)
	if iss.Err() != nil {
		first := iss.Errors()[0]
		message, _, _ := strings.Cut(first.Message, "\n")
		return nil, &Error{Line: first.Location.Line(), Column: first.Location.Column() + 1, Message: message}
	}
	if t := ast.OutputType(); truth && !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the expression gives %s, not true or false", t)}
	}
	opts := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if loops(ast.NativeRep().Expr()) > 1 {
		opts = append(opts, cel.CostLimit(maxCost))
	}
	p, err := env.Program(ast, opts...)
	if err != nil {
		return nil, &Error{Line: 1, Column: 1, Message: err.Error()}
	}
	return p, nil
}

// String returns the source of the expression.
func (e *Expr) String() string { return e.source }

// Eval evaluates the expression on an asset. It does not panic on any input.
func (e *Expr) Eval(s *Subject) Result {
	v, err := e.value(s)
	if err != nil {
		if errors.Is(err, errNoTag) {
			return Result{Truth: False}
		}
		return Result{Err: err}
	}
	switch v := v.(type) {
	case types.Bool:
		if v {
			return Result{Truth: True}
		}
		return Result{Truth: False}
	case *types.Unknown:
		return Result{Missing: trails(v)}
	}
	return Result{Err: fmt.Errorf("the expression gives %v, not true or false", typeName(v))}
}

// value evaluates the expression, compiling it first if it has not been.
func (e *Expr) value(s *Subject) (ref.Val, error) {
	p, err := e.made()
	if err != nil {
		return nil, err
	}
	v, _, err := p.Eval(s)
	return v, err
}

func typeName(v ref.Val) string {
	if v == nil {
		return "nothing"
	}
	return v.Type().TypeName()
}

// trails lists what an unknown value hangs on.
func trails(u *types.Unknown) []string {
	var out []string
	for _, id := range u.IDs() {
		ts, _ := u.GetAttributeTrails(id)
		for _, t := range ts {
			name := t.Variable()
			for _, q := range t.QualifierPath() {
				name += fmt.Sprintf(".%v", q)
			}
			if name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}
