package pickle

import "strings"

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
	// A tensor inside a pickle of another library is a pickle of torch's own in
	// a bytes value; the nested pickle is judged by itself, a computed one is not.
	"torch.storage._load_from_bytes": func(m *machine, args value) string {
		if all, ok := m.members(args); ok && len(all) == 1 && all[0].kind() == kBytes {
			return ""
		}
		if all, ok := m.members(args); ok && len(all) == 1 && all[0].kind() == kObject && m.globals[all[0].global()].ruling.Name == "_codecs.encode" {
			return ""
		}
		return "loads a pickle whose bytes are not in the file"
	},
	"torch._tensor._rebuild_from_type_v2": rebuild,
	"torch._tensor._rebuild_from_type":    rebuild,
	"torch.tensor._rebuild_from_type":     rebuild,
	"torch.tensor._rebuild_from_type_v2":  rebuild,
	"copyreg._reconstructor": func(m *machine, args value) string {
		all, ok := m.members(args)
		if !ok || len(all) != 3 || all[0].kind() != kGlobal || all[1].kind() != kGlobal {
			return "of a class that the pickle computed"
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
		if all, ok := m.members(args); ok && len(all) > 0 && all[0].kind() == kGlobal {
			return ""
		}
		return "of something that the pickle computed"
	},
	// A method of an object of an allowed class is data as long as nobody calls
	// it, and calling a computed thing is refused; dunder names lead elsewhere.
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
			return ""
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
