package pickle

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// str is a SHORT_BINUNICODE, sg a STACK_GLOBAL, gl a GLOBAL.
func str(s string) string           { return "\x8c" + string(rune(len(s))) + s }
func sg(module, name string) string { return str(module) + str(name) + "\x93" }
func gl(module, name string) string { return "c" + module + "\n" + name + "\n" }

func run(tb testing.TB, program string, opt Options) Result {
	tb.Helper()
	res, err := Scan(context.Background(), strings.NewReader(program), 0, int64(len(program)), opt)
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

// rules are the rules of all findings, each once, sorted.
func rules(res Result) []string {
	var out []string
	for _, f := range res.Findings {
		out = append(out, f.Rule)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestScan(t *testing.T) {
	const dangerous, dangerousCall = "pickle-dangerous-global", "pickle-dangerous-call"
	called := []string{dangerousCall, dangerous}
	slices.Sort(called)
	tests := []struct {
		name    string
		program string
		want    []string
	}{
		{"nothing", "\x80\x04N.", nil},
		{"protocol 0 call", "cos\nsystem\n(S'echo'\ntR.", called},
		{"stack global call", "\x80\x04" + sg("os", "system") + str("echo") + "\x85R.", called},
		{"inst", "(S'echo'\nios\nsystem\n.", called},
		{"obj", "(" + gl("os", "system") + str("echo") + "o.", called},
		{"newobj", gl("subprocess", "Popen") + ")\x81.", called},
		{"newobj_ex", gl("subprocess", "Popen") + ")}\x92.", called},
		{"imported and not called", gl("os", "system") + ".", []string{dangerous}},
		{"names from the memo", "\x80\x04" + str("system") + "\x94" + str("os") + "\x94h\x01h\x00\x93" + str("x") + "\x85R.", called},
		{"memo index written as Python allows", "cos\nsystem\np+1\n0g0_1\n(S'x'\ntR.", called},
		{"a name with escapes", "\x80\x02V\\u006fs\nV\\u0073ystem\n\x93" + str("x") + "\x85R.", called},
		{"a callable twice on the stack", gl("os", "system") + "2" + str("x") + "\x85R.", called},
		{"through another module", "\x80\x04" + sg("torch.serialization", "os.system") + str("x") + "\x85R.", called},
		{"python 2 name", "c__builtin__\neval\n(S'1'\ntR.", called},
		{"own class", gl("mypackage", "Thing") + ")\x81.", []string{"pickle-unlisted-call", "pickle-unlisted-global"}},
		{"own class not made", gl("mypackage", "Thing") + ".", []string{"pickle-unlisted-global"}},
		{"computed name", "\x80\x04" + gl("builtins", "str") + ")R" + str("system") + "\x93.", []string{"pickle-computed-name"}},
		{"computed callable", gl("collections", "OrderedDict") + ")R)R.", []string{"pickle-computed-call"}},
		{"extension", "\x82\x01.", []string{"pickle-extension"}},
		{"state of a class", gl("collections", "OrderedDict") + "}b.", []string{"pickle-changes-global"}},
		{"item of a global", gl("collections", "OrderedDict") + str("a") + "Ns.", []string{"pickle-changes-global"}},
		{"list of a global", gl("collections", "OrderedDict") + "(Ne.", []string{"pickle-changes-global"}},
		{"guard passes", gl("_codecs", "encode") + str("x") + str("latin1") + "\x86R.", nil},
		{"guard refuses", gl("_codecs", "encode") + str("x") + str("zlib") + "\x86R.", []string{"pickle-guarded-call"}},
		{"guard refuses what it cannot see", gl("_codecs", "encode") + "NR.", []string{"pickle-guarded-call"}},
		{"type of None", gl("builtins", "type") + "N\x85R.", nil},
		{"a new class", gl("builtins", "type") + str("X") + ")}\x87R.", []string{"pickle-guarded-call"}},
		{"guarded function handed on", gl("functools", "partial") + gl("builtins", "getattr") + "\x85R.", []string{"pickle-guarded-call"}},
		{"constructor that opens files", gl("xgboost.core", "Booster") + ")R.", []string{"pickle-constructor"}},
		{"a function kept", gl("numpy", "log1p") + ".", nil},
		{"a function called that is only kept", gl("numpy", "mean") + "N\x85R.", []string{"pickle-unlisted-call"}},
		{"instance without constructor", gl("xgboost.core", "Booster") + ")\x81.", nil},
		{"enumeration member", gl("builtins", "getattr") + gl("datetime", "timezone") + str("UTC") + "\x86R.", nil},
		{"attribute of a class", gl("builtins", "getattr") + gl("datetime", "timezone") + str("fromutc") + "\x86R.", []string{"pickle-guarded-call"}},
		{"cut", "\x80\x04]", []string{"pickle-cut"}},
		{"cut after the call", "cos\nsystem\n(S'x'\ntR", append([]string{"pickle-cut"}, called...)},
		{"broken after the call", "cos\nsystem\n(S'x'\ntR\xff", append([]string{"pickle-broken"}, called...)},
		{"payload longer than the file", "\x80\x04B\xff\xff\xff\x7f.", []string{"pickle-broken"}},
		{"underflow", "\x80\x04\x85.", []string{"pickle-underflow"}},
		{"tuple below the mark", "N(\x85.", []string{"pickle-underflow"}},
		{"no mark", "Nt.", []string{"pickle-underflow"}},
		{"memo never written", "h\x05.", []string{"pickle-memo"}},
		{"protocol 9", "\x80\x09N.", []string{"pickle-protocol"}},
		{"frame", "\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00N.", nil},
		{"an opcode across the end of its frame", "\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00" + str("abc") + ".", []string{"pickle-frame"}},
		{"a frame inside a frame", "\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00N0\x95\x02\x00\x00\x00\x00\x00\x00\x00N.", []string{"pickle-frame"}},
		{"a frame beyond the file", "\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00N.", []string{"pickle-frame-cut"}},
		{"class of TorchScript", gl("__torch__.net", "Module") + ")\x81.", nil},
		{"torch's module as persistent id", str("module") + gl("torch.nn.modules.linear", "Linear") + "\x86Q)\x81.", nil},
		{"blanks around a name", "cos\r\nsystem\r\n(S'x'\ntR.", []string{"pickle-name", "pickle-unlisted-call", "pickle-unlisted-global"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := slices.Clone(tt.want)
			slices.Sort(want)
			if diff := cmp.Diff(want, rules(run(t, tt.program, Options{}))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestFindingsNameTheCall(t *testing.T) {
	res := run(t, "\x80\x04"+sg("os", "system")+str("echo hi")+"\x85R.", Options{})
	f := res.Findings[len(res.Findings)-1]
	want := Finding{
		Rule: "pickle-dangerous-call", Level: Critical, Off: 25, CWE: "CWE-78",
		Trail: `PROTO > SHORT_BINUNICODE "os" > SHORT_BINUNICODE "system" > STACK_GLOBAL > SHORT_BINUNICODE "echo hi" > TUPLE1 > REDUCE`,
		Text:  `REDUCE calls os.system("echo hi"): runs commands of the operating system`,
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// wrapper is what joblib writes in front of an array of four-byte floats.
func wrapper(dtype, shape string) string {
	return "\x80\x04" + sg("joblib.numpy_pickle", "NumpyArrayWrapper") + ")\x81}(" +
		str("shape") + shape + str("dtype") + sg("numpy", "dtype") + str(dtype) + "\x85R" + "ub"
}

func TestJoblibArrays(t *testing.T) {
	evil := gl("os", "system") + str("x") + "\x85R."
	tests := []struct {
		name    string
		program string
		stopped bool
		want    []string
	}{
		{"raw bytes are stepped over", wrapper("f4", "K\x03\x85") + "\x00\x00\x80\x3f\xcd\xcc\x4c\x3ecos\n" + "0N.", true, nil},
		{"opcodes to a plain unpickler", wrapper("f4", "K\x06\x85") + "0cposix\nsystem\n)R.     " + "0N.", true, []string{"pickle-in-array"}},
		{"opcodes that name what was said before", "\x80\x04" + str("posix") + "q\xc80" + str("system") + "q\xc90" + wrapper("f4", "K\x03\x85") + "0h\xc8h\xc9\x93)R.  " + "0N.", true, []string{"pickle-in-array"}},
		{"opcodes that go on behind the array", wrapper("f4", "K\x02\x85") + "0cposix\ns" + "0N.ystem\n)R.", true, []string{"pickle-in-array", "pickle-underflow"}},
		{"what follows is read", wrapper("f4", "K\x01\x85") + "\x00\x00\x00\x00" + "0" + evil, true, []string{"pickle-dangerous-call", "pickle-dangerous-global"}},
		{"objects are a pickle", wrapper("O8", "K\x01\x85") + evil + "0N.", true, []string{"pickle-dangerous-call", "pickle-dangerous-global", "pickle-in-array"}},
		{"a shape that overflows", wrapper("f8", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x86"), false, []string{"pickle-broken"}},
		{"a shape nobody can see", wrapper("f8", "N"), false, []string{"pickle-broken"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := run(t, tt.program, Options{})
			if diff := cmp.Diff(tt.want, rules(res)); diff != "" || res.Stopped != tt.stopped {
				t.Errorf("stopped %v, want %v (-want +got)\n%s", res.Stopped, tt.stopped, diff)
			}
		})
	}
}

func TestLimitsAreNamed(t *testing.T) {
	tests := []struct {
		name, program, want string
		opt                 Options
	}{
		{"opcodes", strings.Repeat("N0", 100) + "N.", "pickle-limit-opcodes", Options{MaxOps: 50}},
		{"stack", strings.Repeat("N", 100) + ".", "pickle-limit-stack", Options{MaxStack: 50}},
		{"memo", strings.Repeat("N\x94", 100) + ".", "pickle-limit-memo", Options{MaxMemo: 50}},
		{"memo far ahead", "Nr\xff\xff\xff\x7f" + "r\xfe\xff\xff\x7f" + ".", "pickle-limit-memo", Options{MaxMemo: 10}},
		{"tuples", strings.Repeat("NN\x86", 100) + ".", "pickle-limit-tuples", Options{MaxNodes: 50}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := rules(run(t, tt.program, tt.opt)); !slices.Contains(got, tt.want) {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

// Whatever harmless opcodes come before, a call of something unlisted is found:
// nothing a pickle does to its stack or memo hides a later call.
func TestNothingHidesACall(t *testing.T) {
	harmless := []string{"N0", "K\x01\x85\x94" + "0", "](K\x01K\x02e0", "}(" + str("a") + "Nu0", "(NNl0", "(1", "\x8a\x020\x310", "G\x00\x00\x00\x00\x00\x00\x00\x000", "C\x03abc0", "Nq\xc80", "N20" + "0", "\x88\x89\x860", gl("collections", "OrderedDict") + ")R0", "I1\n0", "V\\u0041\n0", "\x95\x02\x00\x00\x00\x00\x00\x00\x00N0"}
	evil := []string{"cos\nsystem\n(S'x'\ntR.", "\x80\x04" + sg("mypackage", "run") + ")R.", "(S'x'\nisubprocess\ncall\n.", "(" + gl("pty", "spawn") + "o."}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			b.WriteString(rapid.SampledFrom(harmless).Draw(t, "op"))
		}
		before := run2(b.String() + "N.")
		if slices.ContainsFunc(before.Findings, func(f Finding) bool { return f.Level >= Suspicious }) {
			t.Fatalf("harmless opcodes are found: %+v", before.Findings)
		}
		b.WriteString(rapid.SampledFrom(evil).Draw(t, "evil"))
		if res := run2(b.String()); !slices.ContainsFunc(res.Findings, func(f Finding) bool { return f.Level >= Suspicious }) {
			t.Fatalf("the call is not found: %+v", res)
		}
	})
}

func run2(program string) Result {
	res, _ := Scan(context.Background(), strings.NewReader(program), 0, int64(len(program)), Options{})
	return res
}

// countingAt says how many bytes were read of a file that is mostly a hole.
type countingAt struct {
	head []byte
	tail []byte
	size int64
	read int64
}

func (c *countingAt) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	c.read += int64(len(p))
	if off < int64(len(c.head)) {
		copy(p, c.head[off:])
	}
	if from := c.size - int64(len(c.tail)); off+int64(len(p)) > from {
		if at := off - from; at >= 0 {
			copy(p, c.tail[at:])
		} else {
			copy(p[-at:], c.tail)
		}
	}
	return len(p), nil
}

func TestPayloadsAreSteppedOver(t *testing.T) {
	const n = 100 << 30
	c := &countingAt{head: binary.LittleEndian.AppendUint64([]byte("\x80\x04\x8e"), n), tail: []byte("\x94."), size: 11 + n + 2}
	res, err := Scan(context.Background(), c, 0, c.size, Options{})
	if err != nil || !res.Stopped || !res.Intact || c.read > 1<<20 {
		t.Errorf("a payload of 100 GiB: %v, stopped %v, intact %v, %d bytes read", err, res.Stopped, res.Intact, c.read)
	}
}

// Bytes that only might be a pickle are given up at the first line too long.
func TestStrictReadsLittle(t *testing.T) {
	for _, op := range []string{"P", "I", "c", "g", "p"} {
		c := &countingAt{head: []byte(op), size: 100 << 30}
		if res, err := Scan(context.Background(), c, 0, c.size, Options{Strict: true}); err != nil || res.Intact || c.read > 1<<20 {
			t.Errorf("%s: %v, intact %v, %d bytes read", op, err, res.Intact, c.read)
		}
	}
}

func TestContextEndsAScan(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	program := []byte(strings.Repeat("N0", 1<<20) + "N.")
	if _, err := Scan(ctx, bytes.NewReader(program), 0, int64(len(program)), Options{}); err == nil {
		t.Error("a scan goes on after its time is over")
	}
}

func TestJudge(t *testing.T) {
	tests := []struct {
		module, name string
		want         Class
	}{
		{"collections", "OrderedDict", Allowed},
		{"sklearn.linear_model._logistic", "LogisticRegression", Allowed},
		{"sklearn.linear_model.logistic", "LogisticRegression", Allowed},
		{"sklearn.linear_model._logistic", "logistic_helper", Unlisted},
		{"collections", "OrderedDict.__init__", Refused},
		{"torch", "FloatStorage", Allowed},
		{"torch", "load", Refused},
		{"torch.nn.modules.linear", "Linear", Allowed},
		{"torch.nn.modules.linear", "os.system", Refused},
		{"__builtin__", "set", Allowed},
		{"__builtin__", "eval", Refused},
		{"anything", "run_module", Refused},
		{"numpy", "load", Refused},
		{"numpy.core.multiarray", "_reconstruct", Allowed},
		{"my.profile", "Thing", Unlisted},
		{"pyarrow.lib", "_restore_array", Allowed},
		{"pyarrow.lib", "memory_map", Unlisted},
		{"pyarrow.lib", "ExtensionType", Unlisted},
	}
	for _, tt := range tests {
		if got := Judge(tt.module, tt.name).Class; got != tt.want {
			t.Errorf("Judge(%s, %s) = %d, want %d", tt.module, tt.name, got, tt.want)
		}
	}
}

// Every entry has a reason, and none is both allowed and refused by its own name.
func TestTables(t *testing.T) {
	p := parsed()
	if len(p.allow) < 1000 || len(p.refuse) < 100 {
		t.Fatalf("%d allowed, %d refused: a table did not load", len(p.allow), len(p.refuse))
	}
	for name, reason := range p.allow {
		if reason == "" {
			t.Errorf("%s is allowed without a reason", name)
		}
		if _, bad := p.refuse[name]; bad {
			t.Errorf("%s is allowed and refused", name)
		}
	}
	for name, r := range p.refuse {
		if !strings.HasPrefix(r.cwe, "CWE-") || r.reason == "" {
			t.Errorf("%s is refused without a weakness or reason", name)
		}
	}
	for name := range guards {
		if p.allow[name] != "" {
			t.Errorf("%s is guarded and allowed", name)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{"cos\nsystem\n(S'x'\ntR.", wrapper("f4", "K\x01\x85") + "\x00\x00\x00\x00.", "\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00}\x94(h\x00K\x01u.", "(S'x'\nios\nsystem\n.", "\x80\x05\x97\x98.", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."} {
		f.Add([]byte(s))
	}
	opt := Options{MaxOps: 1 << 16, MaxStack: 1 << 12, MaxMemo: 1 << 12, MaxNodes: 1 << 12, Payload: func(off, n int64, head []byte) {
		if off < 0 || n < int64(len(head)) {
			panic("a payload outside the file")
		}
	}}
	f.Fuzz(func(t *testing.T, data []byte) {
		res, err := Scan(context.Background(), bytes.NewReader(data), 0, int64(len(data)), opt)
		if err != nil {
			t.Fatal(err)
		}
		if res.End > int64(len(data)) {
			t.Fatalf("ends at %d of %d", res.End, len(data))
		}
		if !res.Stopped && res.Intact {
			t.Fatal("neither stopped nor broken")
		}
		for _, g := range res.Globals {
			if g.ruling.Class == Unlisted && len(res.Findings) == 0 {
				t.Fatalf("%s is unlisted and nothing is found", g)
			}
		}
	})
}
