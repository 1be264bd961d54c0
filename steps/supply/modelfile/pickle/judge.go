package pickle

import (
	_ "embed" // the tables
	"strings"
	"sync"
)

// Class is what the table says of a global.
type Class uint8

// The classes. The zero value is the default: nobody vouches for it.
const (
	Unlisted Class = iota
	Allowed        // a framework's own files need it, and calling it does nothing but make data
	Guarded        // allowed with arguments that a guard looks at
	Refused        // runs code, opens files or connections, or leads to what does
)

// Ruling is the table's word on one global.
type Ruling struct {
	Class  Class
	Name   string // module and name as Python 3 spells them
	Reason string
	CWE    string // of a refused one

	// NewOnly says that the ruling holds for instances made without their
	// constructor, which may open files.
	NewOnly bool

	// RefOnly says that it holds for naming the function, not for calling it.
	RefOnly bool
}

//go:embed allow.txt
var allowText string

//go:embed frameworks.txt
var frameworksText string

//go:embed refuse.txt
var refuseText string

type tables struct {
	allow  map[string]string // "module.name" and its reason
	refuse map[string]refusal
}

type refusal struct{ cwe, reason string }

// parsed are the two tables, read when the first pickle needs them.
var parsed = sync.OnceValue(func() *tables {
	t := &tables{allow: make(map[string]string, 4096), refuse: make(map[string]refusal, 256)}
	var reason string
	for line := range strings.SplitSeq(allowText+"\n"+frameworksText, "\n") {
		switch {
		case strings.HasPrefix(line, "## "):
			reason = line[3:]
		case line == "" || line[0] == '#':
		default:
			module, rest, _ := strings.Cut(line, " ")
			for name := range strings.FieldsSeq(rest) {
				t.allow[module+"."+name] = reason
			}
		}
	}
	var r refusal
	for line := range strings.SplitSeq(refuseText, "\n") {
		switch {
		case strings.HasPrefix(line, "## "):
			r.cwe, r.reason, _ = strings.Cut(line[3:], " ")
		case line == "" || line[0] == '#':
		default:
			for name := range strings.FieldsSeq(line) {
				t.refuse[name] = r
			}
		}
	}
	return t
})

// renamed are modules that Python 2 called otherwise (the standard library's
// _compat_pickle): an unpickler maps them for protocols below 3.
var renamed = map[string]string{
	"__builtin__": "builtins", "copy_reg": "copyreg", "exceptions": "builtins", "cPickle": "pickle", "commands": "subprocess",
	"urllib2": "urllib.request", "cStringIO": "io", "StringIO": "io", "Queue": "queue", "httplib": "http.client",
	"_winreg": "winreg", "UserDict": "collections", "UserList": "collections", "xmlrpclib": "xmlrpc.client", "thread": "_thread",
	"SocketServer": "socketserver", "anydbm": "dbm", "whichdb": "dbm", "dumbdbm": "dbm.dumb", "repr": "reprlib",
}

// python2 are names of Python 2's builtins that an unpickler maps.
var python2 = map[string]string{
	"builtins.xrange": "builtins.range", "builtins.unicode": "builtins.str", "builtins.long": "builtins.int",
	"builtins.unichr": "builtins.chr", "builtins.reduce": "functools.reduce", "builtins.intern": "sys.intern",
	"builtins.raw_input": "builtins.input", "itertools.imap": "builtins.map", "itertools.izip": "builtins.zip",
	"itertools.ifilter": "builtins.filter", "urllib.urlopen": "urllib.request.urlopen",
}

// Judge says what the table holds of a global: its own guard, then the list of
// what is allowed, then the list of what is known to be dangerous. A name in
// none of them is unlisted, which blocks too.
func Judge(module, name string) Ruling {
	if m, ok := renamed[module]; ok {
		module = m
	}
	full := module + "." + name
	if n, ok := python2[full]; ok {
		full = n
	}
	if _, ok := guards[full]; ok {
		return Ruling{Class: Guarded, Name: full, Reason: "allowed with plain arguments"}
	}
	t := parsed()
	if reason, ok := t.allow[full]; ok {
		plain, newOnly := strings.CutPrefix(reason, "new ")
		plain, refOnly := strings.CutPrefix(plain, "ref ")
		return Ruling{Class: Allowed, Name: full, Reason: plain, NewOnly: newOnly, RefOnly: refOnly}
	}
	if module == "__torch__" || strings.HasPrefix(module, "__torch__.") {
		return Ruling{Class: Allowed, Name: full, Reason: "a class of the TorchScript code beside the pickle; no Python module can have this name"}
	}
	if r, ok := t.dangerous(full); ok {
		return Ruling{Class: Refused, Name: full, Reason: r.reason, CWE: r.cwe}
	}
	return Ruling{Class: Unlisted, Name: full}
}

// reaches are modules that a name may reach through other modules' attributes;
// other words of the list are too common to be taken for a module there.
var reaches = map[string]bool{
	"os": true, "posix": true, "nt": true, "subprocess": true, "sys": true, "builtins": true, "socket": true, "shutil": true,
	"importlib": true, "ctypes": true, "pickle": true, "runpy": true, "pty": true, "urllib": true, "requests": true, "marshal": true,
}

// dangerous looks a name up whole, by each module it starts with, and by each
// module it reaches through another's attributes (torch.hub.os.system).
func (t *tables) dangerous(full string) (refusal, bool) {
	parts := strings.Split(full, ".")
	for from := range parts {
		for to := len(parts); to > from; to-- {
			key := strings.Join(parts[from:to], ".")
			// The last element alone is a name, not a module.
			if from > 0 && from == len(parts)-1 {
				break
			}
			if from > 0 && to == from+1 && !reaches[key] {
				continue
			}
			if r, ok := t.refuse[key]; ok {
				return r, true
			}
		}
	}
	// What runs code by its own name wherever it comes from.
	if r, ok := t.refuse["*."+parts[len(parts)-1]]; ok {
		return r, true
	}
	return refusal{}, false
}
