package pipelines

import "slices"

// A function that only reckons uses no store. Whether it does is decided by what it calls: only
// functions and methods that are known to reckon, and none by a name that the file gives to
// something else.

// reckoning are Python's own functions that use no store; raising are errors, which the file may
// import; methods are those of texts, numbers, days, logs and of what tasks hand one another.
var (
	reckoning = []string{"print", "len", "str", "int", "float", "bool", "list", "dict", "set", "tuple", "sorted", "sum", "min", "max", "range", "enumerate", "zip", "abs", "round", "any", "all", "isinstance", "repr", "reversed"}
	raising   = []string{"Exception", "ValueError", "KeyError", "TypeError", "RuntimeError", "AirflowException", "AirflowSkipException", "AirflowFailException"}
	methods   = []string{"format", "join", "split", "strip", "lower", "upper", "title", "startswith", "endswith", "strftime", "isoformat", "items", "keys", "info", "debug", "warning", "error", "xcom_push", "xcom_pull", "sleep", "randint", "choice", "now", "utcnow", "today", "loads", "dumps"}
	reaching  = []string{"import", "with", "async", "await", "class", "exec", "eval", "global", "nonlocal"}
)

// callable reports whether an operator calls a function of the file that only reckons.
func (a *air) callable(e *expr, class string) bool {
	if !slices.Contains([]string{"PythonOperator", "BranchPythonOperator", "ShortCircuitOperator"}, class) || e.star {
		return false
	}
	v := a.argument(e, "python_callable")
	if v == nil || v.kind != isName || len(a.set[v.s]) > 0 {
		return false
	}
	at := -1
	for i := range a.t {
		if a.t[i].kind == word && a.t[i].s == v.s && i > 0 && a.t[i-1].kind == word {
			switch a.t[i-1].s {
			case "def":
				if at >= 0 {
					return false // there are two
				}
				at = i - 1
			case "import", "as", "class":
				return false
			}
		}
	}
	return at >= 0 && a.reckons(at)
}

// runsItself reports whether the decorator at a token runs its function for what it gives, and does not
// take that for a command or a query.
func (a *air) runsItself(i int) bool {
	if i+2 >= len(a.t) || a.t[i+1].kind != sign || a.t[i+1].s != "." {
		return true
	}
	return slices.Contains([]string{"branch", "short_circuit", "virtualenv", "external_python", "branch_virtualenv", "branch_external_python", "sensor", "docker", "kubernetes"}, a.t[i+2].s)
}

// defAt is the token of the function behind a decorator; -1 if there is none.
func (a *air) defAt(i int) int {
	for ; i+1 < len(a.t); i++ {
		if a.t[i].kind == word && a.t[i].indent {
			if a.t[i].s == "def" {
				return i
			}
			return -1
		}
	}
	return -1
}

// reckons reports whether the function that begins at a token, the word def, calls nothing that
// could use a store.
func (a *air) reckons(def int) bool {
	if def < 0 || a.t[def].s != "def" || !a.t[def].indent {
		return false
	}
	for i := def + 1; i < len(a.t); i++ {
		t := &a.t[i]
		if t.indent && t.kind != end && t.column <= a.t[def].column && !(t.kind == sign && (t.s == ")" || t.s == "]" || t.s == "}")) {
			return true
		}
		if a.left--; a.left <= 0 {
			return false
		}
		switch t.kind {
		case text:
			if slices.ContainsFunc(t.holes, func(h hole) bool { return h.name == "" }) {
				return false // whatever is reckoned in a text may call
			}
		case sign:
			if t.s == "@" || t.s == "(" && a.t[i-1].kind == sign && (a.t[i-1].s == ")" || a.t[i-1].s == "]") {
				return false
			}
		case word:
			if slices.Contains(reaching, t.s) {
				return false
			}
			if i+1 >= len(a.t) || a.t[i+1].kind != sign || a.t[i+1].s != "(" || i == def+1 {
				continue
			}
			if !a.mayCall(i) {
				return false
			}
		}
	}
	return true
}

// statements are words before a bracket that is no call's.
var statements = []string{"if", "elif", "while", "for", "in", "not", "and", "or", "return", "is", "else", "assert", "yield", "raise", "lambda", "del"}

// mayCall reports whether the call at a token uses no store.
func (a *air) mayCall(i int) bool {
	name := a.t[i].s
	if a.t[i-1].kind == sign && a.t[i-1].s == "." {
		return slices.Contains(methods, name)
	}
	if slices.Contains(statements, name) || slices.Contains(raising, name) {
		return true
	}
	return slices.Contains(reckoning, name) && !a.own()[name]
}

// own are the names that the file gives to functions, classes and what it imports.
func (a *air) own() map[string]bool {
	if a.named != nil {
		return a.named
	}
	a.named = map[string]bool{}
	for i, t := range a.t {
		if t.kind != word {
			continue
		}
		switch t.s {
		case "def", "class":
			if i+1 < len(a.t) {
				a.named[a.t[i+1].s] = true
			}
		case "import":
			for k := i + 1; k < len(a.t) && a.t[k].kind != end; k++ {
				if a.t[k].s == "*" && a.t[k].kind == sign {
					for _, name := range reckoning { // it may bring any of them
						a.named[name] = true
					}
				}
				a.named[a.t[k].s] = true
			}
		}
	}
	for name := range a.set {
		a.named[name] = true
	}
	for name := range a.loose {
		a.named[name] = true
	}
	return a.named
}
