package pickle

import (
	"fmt"
	"unicode"
)

// imports runs the opcodes that push a global.
func (m *machine) imports(op byte) error {
	switch op {
	case opGlobal, opInst:
		line, err := m.r.line()
		if err != nil {
			return err
		}
		module := string(line)
		if line, err = m.r.line(); err != nil {
			return err
		}
		g := m.global(module, string(line))
		if op == opInst {
			m.call(g, m.tuple(m.popMark()), "INST")
			return nil
		}
		m.push(g)
	case opStackGlobal:
		name, module := m.pop(), m.pop()
		ms, ok1 := m.text(module, 1024)
		ns, ok2 := m.text(name, 1024)
		if !ok1 || !ok2 || module.kind() != kString || name.kind() != kString {
			if m.plain != nil {
				return errPlain
			}
			m.find("pickle-computed-name", Dangerous, "CWE-470", "the name of a global is computed by the pickle: "+m.show(module, 0)+"."+m.show(name, 0))
			m.push(mk(kComputed, 0))
			return nil
		}
		m.push(m.global(ms, ns))
	default:
		n, ok := m.r.uint(1 << (op - opExt1))
		if !ok {
			return errCut
		}
		m.find("pickle-extension", Suspicious, "CWE-502", fmt.Sprintf("extension code %d stands for a global that only the loading process knows", n))
		m.push(mk(kComputed, 0))
	}
	return nil
}

// global pushes a name through the table and reports it if it is not allowed.
func (m *machine) global(module, name string) value {
	m.key = append(append(append(m.key[:0], module...), 0), name...)
	if i, ok := m.index[string(m.key)]; ok {
		return mk(kGlobal, int64(i))
	}
	if !dotted(module) || !dotted(name) {
		m.broken("pickle-name", fmt.Sprintf("%.60q.%.60q is no name a module could have", module, name))
		if m.opt.Strict || m.plain != nil {
			return mk(kComputed, 0)
		}
	}
	if len(m.globals) >= maxGlobals {
		m.find("pickle-limit-globals", Undecided, "", fmt.Sprintf("more than %d different globals; further ones were not judged", maxGlobals))
		return mk(kComputed, 0)
	}
	g := Global{Module: module, Name: name, Off: m.at, ruling: Judge(module, name)}
	if g.ruling.Class == Unlisted && m.opt.Vouched != nil && m.opt.Vouched(module, name) {
		g.ruling.Class, g.ruling.Reason = Allowed, "the caller vouches for it"
	}
	i := len(m.globals)
	m.globals = append(m.globals, g)
	m.index[string(m.key)] = i
	switch g.ruling.Class {
	case Refused:
		m.find("pickle-dangerous-global", Dangerous, g.ruling.CWE, "imports "+g.String()+": "+g.ruling.Reason)
	case Unlisted:
		m.find("pickle-unlisted-global", Suspicious, "CWE-502", "imports "+g.String()+", which no framework's own files need")
	}
	return mk(kGlobal, int64(i))
}

// dotted says whether s could name a Python module or attribute.
func dotted(s string) bool {
	if s == "" {
		return false
	}
	start := true
	for _, c := range s {
		switch {
		case c == '.':
			if start {
				return false
			}
			start = true
			continue
		case c == '_' || unicode.IsLetter(c) || c == '<' || c == '>':
		case unicode.IsDigit(c) || unicode.Is(unicode.Mn, c):
			if start {
				return false
			}
		default:
			return false
		}
		start = false
	}
	return !start
}

// calls runs the opcodes by which a pickle runs code: calls, and the BUILD that
// hands an object its state.
func (m *machine) calls(op byte) error {
	switch op {
	case opReduce:
		args, f := m.pop(), m.pop()
		m.call(f, args, "REDUCE")
	case opNewObj:
		args, class := m.pop(), m.pop()
		m.call(class, args, "NEWOBJ")
	case opNewObjEx:
		_, args, class := m.pop(), m.pop(), m.pop()
		m.call(class, args, "NEWOBJ_EX")
	case opObj:
		all := m.popMark()
		if len(all) == 0 {
			m.broken("pickle-underflow", "OBJ finds no class above its mark")
			m.push(mk(kOpaque, 0))
			return nil
		}
		m.call(all[0], m.tuple(all[1:]), "OBJ")
	case opBuild:
		state, target := m.pop(), m.top()
		m.touches(target, "BUILD")
		m.kept([]value{state}, "BUILD")
		return m.build(target, state)
	}
	return nil
}

// call judges one call and pushes its result.
func (m *machine) call(f, args value, op string) {
	m.res.Calls++
	switch f.kind() {
	case kGlobal:
	case kComputed, kObject:
		m.find("pickle-computed-call", Dangerous, "CWE-470", op+" calls something that the pickle itself computed: "+m.show(f, 0))
		m.push(mk(kComputed, 0))
		return
	default:
		m.broken("pickle-broken", op+" calls "+m.show(f, 0)+", which is nothing that can be called")
		m.push(mk(kOpaque, 0))
		return
	}
	i := f.global()
	g := &m.globals[i]
	g.Calls++
	switch g.ruling.Class {
	case Refused:
		if g.Calls <= 3 {
			m.find("pickle-dangerous-call", Critical, g.ruling.CWE, op+" calls "+g.String()+m.arguments(args)+": "+g.ruling.Reason)
		}
	case Unlisted:
		if g.Calls <= 3 {
			m.find("pickle-unlisted-call", Suspicious, "CWE-502", op+" calls "+g.String()+m.arguments(args)+", which is on no list")
		}
	case Guarded:
		if why := guards[g.ruling.Name](m, args); why != "" {
			m.find("pickle-guarded-call", Dangerous, "CWE-502", op+" calls "+g.String()+m.arguments(args)+": "+why)
		}
	}
	if g.ruling.NewOnly && op != "NEWOBJ" && op != "NEWOBJ_EX" {
		m.find("pickle-constructor", Suspicious, "CWE-502", op+" runs the constructor of "+g.String()+m.arguments(args)+"; its own files never do")
	}
	if g.ruling.RefOnly {
		m.find("pickle-unlisted-call", Suspicious, "CWE-502", op+" calls "+g.String()+m.arguments(args)+", which the framework's own files name and never call")
	}
	m.push(object(i, keptArgs(args)))
}

// kept flags guarded functions among values that are put into something or handed
// to a call: whoever calls them then does so past their guard.
func (m *machine) kept(values []value, op string) {
	for _, v := range values {
		if v.kind() != kGlobal {
			continue
		}
		if g := &m.globals[v.global()]; g.ruling.Class == Guarded && !types[g.ruling.Name] {
			m.find("pickle-guarded-call", Dangerous, "CWE-502", op+" keeps "+g.String()+", whose arguments matter")
		}
	}
}

// types are guarded names that files name without calling them: a type is a value,
// and a generator is handed the maker of its own parts.
var types = map[string]bool{"builtins.type": true}

// keptArgs is the index of an argument tuple, 0 if it is empty or not kept.
func keptArgs(args value) int64 {
	if args.kind() != kTuple {
		return 0
	}
	return args.at()
}

func (m *machine) arguments(args value) string {
	if args.kind() == kTuple {
		return m.show(args, 0)
	}
	return "(*" + m.show(args, 0) + ")"
}

// build takes the state of an object: what joblib and numpy put into the stream
// hangs on it.
func (m *machine) build(target, state value) error {
	if target.kind() != kObject {
		return nil
	}
	g := &m.globals[target.global()]
	switch {
	case g.ruling.Name == "functools.partial":
		// Its state names the function anew.
		all, _ := m.members(state)
		args, _ := m.members(mk(kTuple, target.args()))
		if len(all) != 4 || len(args) == 0 || all[0] != args[0] {
			m.find("pickle-guarded-call", Dangerous, "CWE-502", "BUILD puts another function into a functools.partial: "+m.show(state, 0))
		}
	case g.Module == "numpy" && g.Name == "dtype":
		if m.states == nil {
			m.states = map[value]value{}
		}
		if len(m.states) < 1<<16 {
			m.states[target] = state
		}
	case g.Module == wrapperModule && g.Name == wrapperName && m.plain == nil:
		return m.array(state)
	}
	return nil
}
