package expr

import (
	"slices"

	"cel.dev/cel-go/common/ast"
)

// loops returns how deep comprehensions (exists, all, map, filter) are nested
// whose ranges multiply. Two kinds do not: a range written out in the
// expression has a fixed length, and a range that looks only at the element of
// the loop around it (the statements of one policy) adds up over all elements
// to no more than the configuration holds.
func loops(e ast.Expr) int { return nesting(e, "", nil) }

// nesting is loops inside a loop over element, the variables of ranges written
// out being fixed.
func nesting(e ast.Expr, element string, fixed []string) int {
	if e.Kind() != ast.ComprehensionKind {
		deepest := 0
		for _, x := range children(e) {
			deepest = max(deepest, nesting(x, element, fixed))
		}
		return deepest
	}
	c := e.AsComprehension()
	names := slices.DeleteFunc(free(c.IterRange(), nil), func(n string) bool { return slices.Contains(fixed, n) })
	outer, own := element, 0
	switch {
	case len(names) == 0:
		fixed = append(slices.Clone(fixed), c.IterVar())
	default:
		if element == "" || slices.ContainsFunc(names, func(n string) bool { return n != element }) {
			own = 1
		}
		element = c.IterVar()
	}
	deepest := 0
	for _, x := range []ast.Expr{c.LoopCondition(), c.LoopStep(), c.Result(), c.AccuInit()} {
		deepest = max(deepest, nesting(x, element, fixed))
	}
	return max(deepest+own, nesting(c.IterRange(), outer, fixed))
}

// free lists the variables an expression looks at that it does not bind itself.
func free(e ast.Expr, bound []string) []string {
	switch e.Kind() {
	case ast.IdentKind:
		if slices.Contains(bound, e.AsIdent()) {
			return nil
		}
		return []string{e.AsIdent()}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		out := append(free(c.IterRange(), bound), free(c.AccuInit(), bound)...)
		bound = append(slices.Clone(bound), c.IterVar(), c.IterVar2(), c.AccuVar())
		for _, x := range []ast.Expr{c.LoopCondition(), c.LoopStep(), c.Result()} {
			out = append(out, free(x, bound)...)
		}
		return out
	}
	var out []string
	for _, x := range children(e) {
		out = append(out, free(x, bound)...)
	}
	return out
}

// children are the expressions directly below one that is no comprehension.
func children(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			return append([]ast.Expr{c.Target()}, c.Args()...)
		}
		return c.Args()
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.MapKind:
		var out []ast.Expr
		for _, m := range e.AsMap().Entries() {
			out = append(out, m.AsMapEntry().Key(), m.AsMapEntry().Value())
		}
		return out
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	}
	return nil
}
