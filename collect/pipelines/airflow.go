package pipelines

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

func fields(s string) []string { return strings.Fields(s) }

// air reads one DAG file of Airflow's.
type air struct {
	d      *Definition
	file   string
	t      []token
	set    map[string][]*expr // what names are set to
	loose  map[string]bool    // names that loops, functions and imports set
	dags   []dagAt
	waits  []waiting
	left   int             // tokens that may still be read
	looked int             // texts that were put together
	named  map[string]bool // see own
	// templates is true while texts are read with what Airflow fills in as it stands.
	templates bool
}

func (a *air) reader(i int) *reader { return &reader{t: a.t, i: i, left: &a.left} }

// waiting is a DAG that is run when an asset changes.
type waiting struct {
	dag, asset string
	line       int
}

// dagAt is a DAG and where in the file it begins: the tasks behind it are its own.
type dagAt struct {
	token int
	id    string
}

// airflow reads a file.
func (d *Definition) airflow(name string, src []byte) error {
	if !bytes.Contains(src, []byte("airflow")) {
		return ErrOther
	}
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(src, 0) >= 0 {
		return errors.New("it is no program: it holds bytes of zero")
	}
	t, err := tokens(string(src))
	if err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	a := &air{d: d, file: name, t: t, set: map[string][]*expr{}, loose: map[string]bool{}, left: leastRead + timesRead*len(t)}
	if !a.imports() {
		return ErrOther
	}
	a.names()
	a.findDAGs()
	for i := range t {
		switch {
		case t[i].kind == sign && t[i].s == "@" && t[i].indent:
			a.decorated(i)
		case t[i].kind == word && a.begins(i):
			a.task(i)
		}
	}
	if a.left <= 0 || a.looked > maxLooked {
		d.unknown(name, 1, "its calls and names lie within one another too often to be read whole")
	}
	for _, w := range a.waits {
		if !slices.ContainsFunc(d.Flows, func(f Flow) bool {
			return f.From == w.asset && strings.HasPrefix(f.To, "airflow://"+w.dag+"/")
		}) {
			d.unknown(name, w.line, "the DAG %s is run when %s changes: which of its tasks reads that is not said", w.dag, w.asset)
		}
	}
	if len(d.Tasks) == 0 && len(a.dags) == 0 {
		return ErrOther // a helper of others
	}
	return nil
}

// imports reports whether the program imports Airflow.
func (a *air) imports() bool {
	for i, t := range a.t {
		if t.indent && t.kind == word && (t.s == "from" || t.s == "import") && i+1 < len(a.t) && a.t[i+1].s == "airflow" {
			return true
		}
	}
	return false
}

// names gathers what names are set to. A name that a loop, a function, an import or an
// addition sets has a value that is computed.
func (a *air) names() {
	for i, t := range a.t {
		next := func(k int) string {
			if i+k < len(a.t) && a.t[i+k].kind == sign {
				return a.t[i+k].s
			}
			return ""
		}
		switch {
		case t.kind != word:
		case t.indent && next(1) == "=" && next(2) != "=":
			r := a.reader(i + 2)
			e := r.expr()
			for r.is("=") { // a = b = …
				r.i++
				e = r.expr()
			}
			if r.is(",") {
				e = &expr{kind: isOther, line: t.line}
			}
			a.set[t.s] = append(a.set[t.s], e)
		case t.indent && next(1) == ":" && !slices.Contains([]string{"else", "try", "finally"}, t.s): // NAME: type = value
			r := a.reader(i + 2)
			r.expr()
			if r.is("=") {
				r.i++
				a.set[t.s] = append(a.set[t.s], r.expr())
			}
		case t.indent && next(1) != "" && strings.Contains("+-*/|&,", next(1)):
			for k := i; k < len(a.t) && a.t[k].kind != end && !(a.t[k].kind == sign && a.t[k].s == "="); k++ {
				if a.t[k].kind == word {
					a.loose[a.t[k].s] = true
				}
			}
		case t.s == "for":
			for k := i + 1; k < len(a.t) && a.t[k].kind != end && a.t[k].s != "in"; k++ {
				a.loose[a.t[k].s] = true
			}
		case t.s == "def":
			depth := 0
			for k := i + 2; k < len(a.t); k++ {
				switch {
				case a.t[k].kind == word && depth == 1 && a.t[k-1].kind == sign && strings.Contains("(,*", a.t[k-1].s):
					a.loose[a.t[k].s] = true
				case a.t[k].kind == sign && strings.Contains("([{", a.t[k].s):
					depth++
				case a.t[k].kind == sign && strings.Contains(")]}", a.t[k].s):
					depth--
				}
				if depth == 0 && a.t[k].kind == sign && a.t[k].s == ")" || a.t[k].kind == end {
					break
				}
			}
		case t.s == "as" && i+1 < len(a.t):
			if !a.withDAG(i) {
				a.loose[a.t[i+1].s] = true
			}
		case t.s == "global", t.s == "nonlocal":
			for k := i + 1; k < len(a.t) && a.t[k].kind != end; k++ {
				a.loose[a.t[k].s] = true
			}
		}
		if next(1) == ":" && next(2) == "=" && t.kind == word { // :=
			a.loose[t.s] = true
		}
	}
}

// withDAG reports whether a name stands behind with DAG(…) as.
func (a *air) withDAG(i int) bool { return i > 0 && a.t[i-1].kind == sign && a.t[i-1].s == ")" }

// findDAGs finds the DAGs of the file.
func (a *air) findDAGs() {
	for i, t := range a.t {
		if t.kind != word || t.s != "DAG" && t.s != "dag" || i+1 >= len(a.t) || a.t[i+1].kind != sign || a.t[i+1].s != "(" {
			if t.kind == word && t.s == "dag" && i > 0 && a.t[i-1].s == "@" && a.t[i-1].kind == sign && a.t[i-1].indent {
				a.addDAG(i, a.function(i), nil)
			}
			continue
		}
		decorator := i > 0 && a.t[i-1].kind == sign && a.t[i-1].s == "@"
		if t.s == "dag" && !decorator || t.s == "DAG" && i > 0 && a.t[i-1].kind == word && a.t[i-1].s == "class" {
			continue
		}
		r := a.reader(i + 1)
		call := r.call("DAG", t.line)
		id := a.argument(call, "dag_id")
		if id == nil && len(call.items) > 0 && !decorator {
			id = call.items[0]
		}
		name := ""
		if id != nil {
			if v, whole, ok := a.text(id, 0); ok && whole {
				name = v
			}
		}
		if name == "" && decorator {
			name = a.function(r.i)
		}
		a.addDAG(i, name, call)
	}
}

// addDAG notes a DAG, and what its schedule says that it waits for.
func (a *air) addDAG(i int, name string, call *expr) {
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(a.file), filepath.Ext(a.file))
		a.d.unknown(a.file, a.t[i].line, "the id of the DAG is computed: it is called by its file, %s", name)
	}
	a.dags = append(a.dags, dagAt{i, name})
	if call == nil {
		return
	}
	if s := a.argument(call, "schedule"); s != nil && s.kind != isText && s.kind != isName {
		for _, uri := range a.assets(s, 0) {
			a.waits = append(a.waits, waiting{name, uri, s.line})
		}
	}
}

// function is the name of the function behind a decorator.
func (a *air) function(i int) string {
	for ; i+1 < len(a.t); i++ {
		if a.t[i].kind == word && a.t[i].s == "def" && a.t[i].indent {
			return a.t[i+1].s
		}
		if a.t[i].kind == word && a.t[i].s == "async" && a.t[i].indent && a.t[i+1].s == "def" && i+2 < len(a.t) {
			return a.t[i+2].s
		}
		if a.t[i].kind == word && a.t[i].indent {
			return ""
		}
	}
	return ""
}

// dagOf is the DAG that what stands at a token belongs to.
func (a *air) dagOf(i int) string {
	name := strings.TrimSuffix(filepath.Base(a.file), filepath.Ext(a.file))
	for k, d := range a.dags {
		if d.token <= i || k == 0 {
			name = d.id
		}
	}
	return name
}

// begins reports whether a call of an operator begins at a token.
func (a *air) begins(i int) bool {
	name := a.t[i].s
	if i > 0 && (a.t[i-1].kind == word && slices.Contains([]string{"class", "def", "import"}, a.t[i-1].s)) {
		return false
	}
	_, known := operatorOf(name)
	if !known && !strings.HasSuffix(name, "Operator") && !strings.HasSuffix(name, "Sensor") && !strings.HasSuffix(name, "Transfer") {
		return false
	}
	k := i + 1
	if k+1 < len(a.t) && a.t[k].kind == sign && a.t[k].s == "." && a.t[k+1].s == "partial" {
		k += 2
	}
	return k < len(a.t) && a.t[k].kind == sign && a.t[k].s == "("
}

// task reads the call of an operator.
func (a *air) task(i int) {
	r := a.reader(i)
	e := r.term()
	for e.kind != isCall && r.i < len(a.t) && r.is("(") { // NAME.partial(…)
		e = r.after(e)
	}
	class := a.t[i].s
	if e.kind != isCall {
		a.d.unknown(a.file, a.t[i].line, "a task of %s is written in a way that is not read", class)
		return
	}
	if strings.HasSuffix(e.s, ".partial") {
		e.star = true
	}
	name := ""
	if id := a.argument(e, "task_id"); id != nil {
		if v, whole, ok := a.text(id, 0); ok && whole {
			name = v
		}
	}
	if name == "" {
		name = fmt.Sprintf("%s@%d", class, e.line)
	}
	job := "airflow://" + a.dagOf(i) + "/" + name
	a.d.Tasks = append(a.d.Tasks, job)
	at := fmt.Sprintf("%s:%d, %s", a.file, e.line, class)
	stated := a.stated(e, job, at)
	op, known := operatorOf(class)
	for _, s := range op.reads {
		for _, uri := range a.slot(s, e, job, class) {
			a.d.flow(uri, job, at)
		}
	}
	for _, s := range op.writes {
		for _, uri := range a.slot(s, e, job, class) {
			a.d.flow(job, uri, at)
		}
	}
	switch {
	case class == "BashOperator" && a.command(e, "bash_command", job, at), class == "SSHOperator" && a.command(e, "command", job, at):
		return
	case a.callable(e, class):
		return
	case len(op.says) > 0 && a.literal(e, op.says):
		return
	case op.config != "":
		a.config(e, op.config, job, class, at)
	case op.program != "" && !stated:
		a.d.unknown(a.file, e.line, "%s runs %s: which stores that uses, it does not say (inlets and outlets would)", job, op.program)
	case !known && !strings.HasSuffix(class, "Sensor") && !stated:
		a.d.unknown(a.file, e.line, "%s is a %s, which is not among the operators that are known here", job, class)
	}
	if op.program != "" || !known && !strings.HasSuffix(class, "Sensor") {
		a.loosely(e, job)
	}
}

// stated adds the flows that a task's inlets and outlets state, and reports whether there
// are any.
func (a *air) stated(e *expr, job, at string) bool {
	stated := false
	for _, kw := range []string{"inlets", "outlets"} {
		v := a.argument(e, kw)
		if v == nil {
			continue
		}
		list := a.assets(v, 0)
		if len(list) == 0 && !(v.kind == isList && len(v.items) == 0) {
			a.d.unknown(a.file, v.line, "the %s of %s are computed", kw, job)
		}
		for _, uri := range list {
			stated = true
			if kw == "inlets" {
				a.d.flow(uri, job, at+", inlets")
			} else {
				a.d.flow(job, uri, at+", outlets")
			}
		}
	}
	return stated
}

// loosely looks at the addresses among the arguments of a task of which nothing says which
// way they are used.
func (a *air) loosely(e *expr, job string) {
	var walk func(name string, v *expr, depth int)
	walk = func(name string, v *expr, depth int) {
		if depth > maxDepth {
			return
		}
		if v.kind == isText || v.kind == isName {
			text, whole, ok := a.text(v, 0)
			switch {
			case ok && whole && isAddress(text):
				a.d.given(a.file, v.line, job, name, text)
			case ok:
				for _, uri := range addresses.FindAllString(text, -1) {
					a.d.unknown(a.file, v.line, "%s names %s, and which way it is used is not known", job, plain(uri))
				}
			}
			return
		}
		option := name
		for k, item := range v.items {
			under := option
			if v.kind == isDict && k < len(v.keys) {
				if key, _, ok := a.text(v.keys[k], 0); ok {
					under = key
				}
			}
			walk(under, item, depth+1)
			option = name
			if text, whole, ok := a.text(item, 0); v.kind == isList && ok && whole && strings.HasPrefix(text, "-") {
				option = strings.TrimLeft(text, "-")
			}
		}
		for _, arg := range v.args {
			walk(arg.name, arg.v, depth+1)
		}
	}
	for _, arg := range e.args {
		if arg.name != "inlets" && arg.name != "outlets" {
			walk(arg.name, arg.v, 0)
		}
	}
}

// decorated reads a task that is a function with a decorator.
func (a *air) decorated(i int) {
	if i+1 >= len(a.t) || a.t[i+1].s != "task" || a.t[i+1].kind != word {
		return
	}
	r := a.reader(i + 1)
	e := r.term()
	name := a.function(r.i)
	if name == "" {
		return
	}
	if id := a.argument(e, "task_id"); id != nil {
		if v, whole, ok := a.text(id, 0); ok && whole {
			name = v
		}
	}
	job := "airflow://" + a.dagOf(i) + "/" + name
	a.d.Tasks = append(a.d.Tasks, job)
	if !a.stated(e, job, fmt.Sprintf("%s:%d, @task", a.file, a.t[i].line)) && !(a.runsItself(i+1) && a.reckons(a.defAt(r.i))) {
		a.d.unknown(a.file, a.t[i].line, "%s runs a function of Python: which stores that uses, it does not say (inlets and outlets would)", job)
	}
}
