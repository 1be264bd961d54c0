package pickle

import (
	"fmt"
	"io"
	"strings"
)

// guards look at the arguments of calls that frameworks' own files make but that
// would do harm with other arguments. A guard returns why the call is not
// harmless, "" if it is. What it cannot see it does not pass.
var guards = map[string]func(m *machine, args value) string{
	// Objects that know nothing better: bytes of protocol 2 are written as text
	// in Latin-1. Other codecs of Python decompress or transform.
	"_codecs.encode": func(m *machine, args value) string {
		all, _ := m.members(args)
		if len(all) == 2 {
			switch s, ok := m.text(all[1], 16); {
			case ok && (s == "latin1" || s == "latin-1" || s == "ascii" || s == "utf-8" || s == "utf8"):
				return ""
			}
		}
		return "with a codec other than Latin-1, ASCII or UTF-8"
	},
	// type(None) is how the type of None is written; type(name, bases, dict)
	// makes a class.
	"builtins.type": func(m *machine, args value) string {
		if all, ok := m.members(args); ok && len(all) == 1 {
			return ""
		}
		return "makes a class"
	},
	// The function imports a module by name.
	"numpy.core._ufunc_reconstruct":  ufunc,
	"numpy._core._ufunc_reconstruct": ufunc,
	// A tensor inside a pickle of another library is a file of torch in a bytes
	// value, which torch.load reads whatever it is.
	"torch.storage._load_from_bytes": loads,
	// Both call their second argument, if there is one.
	"numpy.random._pickle.__generator_ctor":   generator,
	"numpy.random._pickle.__randomstate_ctor": generator,
	"torch._tensor._rebuild_from_type_v2":     rebuild,
	"torch._tensor._rebuild_from_type":        rebuild,
	"torch.tensor._rebuild_from_type":         rebuild,
	"torch.tensor._rebuild_from_type_v2":      rebuild,
	"copyreg._reconstructor": func(m *machine, args value) string {
		all, ok := m.members(args)
		if !ok || len(all) != 3 || all[0].kind() != kGlobal || all[1].kind() != kGlobal {
			return "of a class that the pickle computed"
		}
		// The base's constructor runs, unless it is object's.
		if m.globals[all[1].global()].ruling.NewOnly {
			return "runs the constructor of its base, which is no built-in class"
		}
		return ""
	},
	"copyreg.__newobj__": func(m *machine, args value) string {
		if all, ok := m.members(args); ok && len(all) > 0 && all[0].kind() == kGlobal {
			return ""
		}
		return "of a class that the pickle computed"
	},
	"functools.partial": func(m *machine, args value) string {
		all, ok := m.members(args)
		if !ok || len(all) == 0 || all[0].kind() != kGlobal {
			return "of something that the pickle computed"
		}
		// Whoever calls it runs the constructor.
		if r := m.globals[all[0].global()].ruling; r.NewOnly && !strings.HasPrefix(r.Name, "torch.nn.modules.") && !strings.HasPrefix(r.Name, "torchvision.ops.") {
			return "of a constructor that its own files never run"
		}
		return ""
	},
	// A method of an object that was made is called by whoever holds it: of those,
	// only what computes passes. An array's tofile writes any file.
	"builtins.getattr": func(m *machine, args value) string {
		all, ok := m.members(args)
		if !ok || len(all) != 2 {
			return "with arguments that cannot be seen"
		}
		name, ok := m.text(all[1], 64)
		if !ok || strings.HasPrefix(name, "_") {
			return "with a name that is computed or private"
		}
		switch all[0].kind() {
		case kGlobal:
			// Enum members are written so by Python 3.11: getattr(Class, "NAME").
			if name == strings.ToUpper(name) {
				return ""
			}
		case kObject:
			if computing[name] {
				return ""
			}
			return "takes a method of an object, which whoever holds it calls"
		}
		return "reaches into something shared"
	},
}

// rebuild calls the function it is handed first.
func rebuild(m *machine, args value) string {
	all, ok := m.members(args)
	if ok && len(all) > 1 && all[0].kind() == kGlobal && strings.HasPrefix(m.globals[all[0].global()].ruling.Name, "torch._utils._rebuild_") {
		return ""
	}
	return "calls something other than torch's own constructors of tensors"
}

func ufunc(m *machine, args value) string {
	all, ok := m.members(args)
	if ok && len(all) == 2 {
		module, ok := m.text(all[0], 64)
		if name, _ := m.text(all[1], 64); ok && dotted(name) && (module == "numpy" || module == "numpy.core._multiarray_umath" || module == "numpy._core._multiarray_umath" || module == "scipy.special" || module == "scipy.special._ufuncs") {
			return ""
		}
	}
	return "imports a module other than numpy and scipy.special"
}

// computing are methods that estimators and modules keep of one another.
var computing = map[string]bool{"forward": true, "predict": true, "predict_proba": true, "predict_log_proba": true, "decision_function": true, "transform": true, "inverse_transform": true, "score_samples": true}

// loads hands what torch is to load to whoever looks into files.
func loads(m *machine, args value) string {
	const unseen = "loads a pickle whose bytes are not in the file"
	all, ok := m.members(args)
	if !ok || len(all) != 1 {
		return unseen
	}
	if m.opt.Loaded == nil {
		return "loads a further file, into which nobody looked"
	}
	v := all[0]
	if v.kind() == kBytes {
		off, n, _ := m.payload(v)
		if n < 0 {
			return unseen
		}
		m.opt.Loaded(off, io.NewSectionReader(m.r.r, off, n), n)
		return ""
	}
	// Bytes of protocol 2: a text in Latin-1, encoded.
	if v.kind() != kObject || m.globals[v.global()].ruling.Name != "_codecs.encode" {
		return unseen
	}
	encoded, _ := m.members(mk(kTuple, v.args()))
	if len(encoded) != 2 {
		return unseen
	}
	off, n, _ := m.payload(encoded[0])
	text, ok := m.text(encoded[0], maxEncoded)
	codec, _ := m.text(encoded[1], 16)
	switch {
	case !ok:
		return unseen
	case n >= maxEncoded:
		m.find("pickle-limit-encoded", Undecided, "CWE-400", fmt.Sprintf("a file kept as text of more than %d bytes was not looked into", maxEncoded))
		return ""
	case codec == "latin1" || codec == "latin-1":
		text = latin1(text)
	}
	m.opt.Loaded(off, strings.NewReader(text), int64(len(text)))
	return ""
}

// maxEncoded bounds a text that is decoded in memory.
const maxEncoded = 64 << 20

// latin1 is a text as Latin-1 has it; what that cannot say, which the encoder would
// refuse, is left out.
func latin1(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, c := range text {
		if c < 0x100 {
			b.WriteByte(byte(c))
		}
	}
	return b.String()
}

// generator allows numpy's own maker of bit generators, and nothing else that is
// called.
func generator(m *machine, args value) string {
	all, ok := m.members(args)
	if !ok || len(all) > 2 {
		return "with arguments that cannot be seen"
	}
	if len(all) == 2 && (all[1].kind() != kGlobal || m.globals[all[1].global()].ruling.Name != "numpy.random._pickle.__bit_generator_ctor") {
		return "calls something other than numpy's own maker of generators"
	}
	return ""
}
