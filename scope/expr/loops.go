package expr

import "cel.dev/cel-go/common/ast"

// loops returns how deep comprehensions (exists, all, map, filter) are nested.
func loops(e ast.Expr) int {
	deepest := 0
	below := func(es ...ast.Expr) {
		for _, x := range es {
			if x != nil {
				deepest = max(deepest, loops(x))
			}
		}
	}
	switch e.Kind() {
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			below(c.Target())
		}
		below(c.Args()...)
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		below(c.LoopCondition(), c.LoopStep(), c.Result(), c.AccuInit())
		deepest++
		below(c.IterRange())
	case ast.ListKind:
		below(e.AsList().Elements()...)
	case ast.MapKind:
		for _, m := range e.AsMap().Entries() {
			below(m.AsMapEntry().Key(), m.AsMapEntry().Value())
		}
	case ast.SelectKind:
		below(e.AsSelect().Operand())
	}
	return deepest
}
