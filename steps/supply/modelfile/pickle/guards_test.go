package pickle

import (
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"
)

// bin is a bytes value.
func bin(s string) string { return "C" + string(rune(len(s))) + s }

// TestCallablesAreNotKept: what is allowed with plain arguments only is not handed to
// those who call it with others, and no method is taken of what was made.
func TestCallablesAreNotKept(t *testing.T) {
	getattr, module := gl("builtins", "getattr"), gl("torch.nn.modules.module", "Module")+")\x81"
	array := gl("numpy", "ndarray") + "K\x01\x85\x85R"
	tofile := getattr + array + str("tofile") + "\x86R"
	partial := gl("functools", "partial") + gl("builtins", "int") + "\x85R"
	tests := []struct{ name, program string }{
		{"in a list", "](" + getattr + "e."},
		{"appended", "]" + getattr + "a."},
		{"in a list of the mark", "(" + getattr + "l."},
		{"in a dict", "}" + str("f") + getattr + "s."},
		{"in a dict of the mark", "(" + str("f") + getattr + "d."},
		{"in a set", "\x8f(" + getattr + "\x90."},
		{"in a frozen set", "(" + getattr + "\x91."},
		{"in a tuple in a tuple", getattr + "\x85\x85."},
		{"as a state", module + getattr + "b."},
		{"in a state", module + "}" + str("forward") + gl("torch.storage", "_load_from_bytes") + "sb."},
		{"as what a generator calls", gl("numpy.random._pickle", "__generator_ctor") + str("x") + tofile + "\x86R."},
		{"a method of an array", tofile + "."},
		{"another function in a partial", partial + "(" + gl("numpy", "log1p") + ")}}tb."},
		{"a partial without its function", partial + "Nb."},
		{"the constructor that a partial runs", gl("functools", "partial") + gl("xgboost.core", "Booster") + "\x85R."},
		{"the constructor of a base", gl("copyreg", "_reconstructor") + gl("xgboost.core", "Booster") + gl("xgboost.core", "Booster") + "}\x87R."},
		{"a file that nobody looks into", gl("torch.storage", "_load_from_bytes") + bin("N.") + "\x85R."},
		{"a file that is computed", gl("torch.storage", "_load_from_bytes") + gl("builtins", "bytes") + ")R\x85R."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := run(t, "\x80\x04"+tt.program, Options{})
			if !res.Stopped || !slices.ContainsFunc(res.Findings, func(f Finding) bool { return f.Rule == "pickle-guarded-call" && f.Level == Dangerous }) {
				t.Errorf("stopped %v, %+v", res.Stopped, res.Findings)
			}
		})
	}
	for _, program := range []string{
		partial + "(" + gl("builtins", "int") + ")}}tb.",
		gl("numpy.random._pickle", "__generator_ctor") + str("PCG64") + gl("numpy.random._pickle", "__bit_generator_ctor") + "\x86R.",
		gl("copyreg", "_reconstructor") + gl("xgboost.core", "Booster") + gl("builtins", "object") + "N\x87R.",
		getattr + gl("torch.nn.modules.linear", "Linear") + ")\x81" + str("forward") + "\x86R.",
	} {
		if res := run(t, "\x80\x04"+program, Options{}); !res.Stopped || len(res.Findings) > 0 {
			t.Errorf("%q: stopped %v, %+v", program, res.Stopped, res.Findings)
		}
	}
}

// TestLoadedIsGivenAsItIs: what torch is to load is what an unpickler would hand it.
func TestLoadedIsGivenAsItIs(t *testing.T) {
	load := gl("torch.storage", "_load_from_bytes")
	for _, tt := range []struct{ name, program, want string }{
		{"bytes", load + bin("N0\xff.") + "\x85R.", "N0\xff."},
		{"text of protocol 2", load + gl("_codecs", "encode") + str("N0\u00ff.") + str("latin1") + "\x86R\x85R.", "N0\xff."},
		{"text with escapes", load + gl("_codecs", "encode") + "VN0\\u00ff.\n" + str("latin1") + "\x86R\x85R.", "N0\xff."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			res := run(t, "\x80\x04"+tt.program, Options{Loaded: func(_ int64, r io.ReaderAt, n int64) {
				text, err := io.ReadAll(io.NewSectionReader(r, 0, n))
				if err != nil {
					t.Error(err)
				}
				got = string(text)
			}})
			if got != tt.want || len(res.Findings) > 0 {
				t.Errorf("%q, want %q; %+v", got, tt.want, res.Findings)
			}
		})
	}
}

// TestPlainRunsAreBounded: arrays that are opcodes from end to end cost no more than
// the bound, and are then undecided.
func TestPlainRunsAreBounded(t *testing.T) {
	// Each array is run on into the next ones: together they are beyond the bound.
	opt, pairs := Options{}, 1<<21
	if testing.Short() {
		opt, pairs = Options{MaxPlain: 1 << 20}, 1<<15
	}
	one := wrapper("f4", "J"+string(binary.LittleEndian.AppendUint32(nil, uint32(pairs/2)))+"\x85") + strings.Repeat("N0", pairs)
	res := run(t, strings.Repeat(one+"0", 12)+"N.", opt)
	if !slices.Contains(rules(res), "pickle-limit-plain") || !res.Stopped {
		t.Errorf("stopped %v, %v", res.Stopped, rules(res))
	}
}
