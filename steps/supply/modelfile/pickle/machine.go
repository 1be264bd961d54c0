package pickle

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Options bound a scan and say how strict it is.
type Options struct {
	MaxOps   int // opcodes; 0 means 1<<31
	MaxStack int // values on the stack; 0 means 1<<22
	MaxMemo  int // memo entries; 0 means 1<<24
	MaxNodes int // words kept of tuples; 0 means 1<<22
	MaxPlain int // opcodes run of what joblib takes for the bytes of arrays; 0 means 1<<26

	// Strict stops at the first thing a real unpickler would refuse. It is for
	// files that nothing but their first bytes suggests to be pickles.
	Strict bool

	// Vouched, if set, says which globals that no table lists the caller answers
	// for.
	Vouched func(module, name string) bool

	// Payload, if set, is told of every string and bytes value that is at least
	// 8 bytes long: the offset and length of its bytes and its first ones.
	Payload func(off, n int64, head []byte)

	// Loaded, if set, is given what torch.storage._load_from_bytes is called with,
	// which torch.load reads as a file of its own: where it lies, and its bytes. If
	// it is not set, such a call is dangerous.
	Loaded func(off int64, r io.ReaderAt, n int64)

	// Tensor, if set, is told of every tensor of torch that is put into a dict
	// under a text, as state dicts are.
	Tensor func(Tensor)
}

// Tensor is one tensor of torch as a pickle describes it.
type Tensor struct {
	Name    string
	Storage string // class of the storage: FloatStorage
	Key     string // name of the storage's record
	Offset  int64  // of the first element in the storage, in elements
	Shape   []int64
	Strides []int64 // in elements
}

// Level is how bad a finding is.
type Level uint8

// The levels, rising. Undecided is apart: something could not be read to its
// end.
const (
	Note Level = iota
	Undecided
	Suspicious
	Dangerous
	Critical
)

// Finding is one thing seen in a pickle.
type Finding struct {
	Rule  string
	Level Level
	Off   int64 // of the opcode
	Trail string
	Text  string
	CWE   string
}

// Global is one name a pickle imports.
type Global struct {
	Module, Name string
	Off          int64 // where it is first imported
	Calls        int
	ruling       Ruling
}

// String is the global as Python code would spell it.
func (g Global) String() string { return g.Module + "." + g.Name }

// Result is what one pickle stream held.
type Result struct {
	Findings []Finding
	Globals  []Global
	Ops      int
	Calls    int   // of anything
	End      int64 // behind STOP, or where reading ended
	Stopped  bool  // a STOP opcode was reached
	Intact   bool  // nothing met that a real unpickler refuses
	Proto    int   // highest protocol announced
	Arrays   int   // joblib arrays stepped over
	LongText bool  // given up, in a strict scan, at a text of more than 64 MiB
}

const (
	trailLength = 8
	maxFindings = 1000
	maxGlobals  = 1 << 16
)

// array is what joblib writes raw into the stream behind a wrapper object.
const wrapperModule, wrapperName = "joblib.numpy_pickle", "NumpyArrayWrapper"

type machine struct {
	ctx     context.Context
	r       *reader
	opt     Options
	res     Result
	stack   []value
	marks   []int
	memo    memo
	nodes   []value
	globals []Global
	index   map[string]int
	seen    map[string]bool
	texts   map[value]string // short strings that were asked for
	key     []byte
	ring    [trailLength]int64
	ops     int
	at      int64 // of the opcode being run
	frame   int64 // where the frame ends that the opcode lies in; 0 if it lies in none
	lost    bool
	worst   Level // of the findings so far
	depth   int

	plain   *plain // set in a machine that runs arrays as opcodes
	plainOf *plain // of the machines that this one ran so; see unskipped

	pairs   []value // of the dict last filled
	pairsOf value
	states  map[value]value // BUILD states of numpy dtypes
}

var errStop = errors.New("stop")

// Scan runs one pickle from offset from of r, up to end, on symbols. It always
// returns what it learnt; what it could not read is among the findings. The
// error is the reader's or the context's.
func Scan(ctx context.Context, r io.ReaderAt, from, end int64, opt Options) (Result, error) {
	return scan(ctx, r, from, end, opt, 0)
}

func scan(ctx context.Context, r io.ReaderAt, from, end int64, opt Options, depth int) (Result, error) {
	def := func(p *int, n int) {
		if *p <= 0 {
			*p = n
		}
	}
	def(&opt.MaxOps, 1<<31-1)
	def(&opt.MaxStack, 1<<22)
	def(&opt.MaxMemo, 1<<24)
	def(&opt.MaxNodes, 1<<22)
	def(&opt.MaxPlain, 1<<26)
	m := &machine{ctx: ctx, r: newReader(r, from, end), opt: opt, index: map[string]int{}, seen: map[string]bool{}, texts: map[value]string{}, depth: depth}
	m.nodes = append(m.nodes, 0)
	if opt.Strict {
		m.r.most = maxLine
	}
	m.res.Intact = true
	err := m.run()
	m.res.Ops, m.res.End, m.res.Globals = m.ops, m.r.pos, m.globals
	if m.lost {
		m.find("pickle-limit-tuples", Undecided, "", fmt.Sprintf("more than %d words of tuples; arguments beyond that were not kept", opt.MaxNodes))
	}
	if m.r.err != nil {
		return m.res, m.r.err
	}
	return m.res, err
}

func (m *machine) run() error {
	for {
		m.at = m.r.pos
		op, ok := m.r.byte()
		if !ok {
			m.broken("pickle-cut", "the pickle ends without STOP")
			return nil
		}
		m.ring[m.ops%trailLength] = m.at
		m.ops++
		if m.ops > m.opt.MaxOps {
			m.limit("opcodes", m.opt.MaxOps)
			return nil
		}
		if m.plain != nil && m.plain.spent() {
			return nil
		}
		if m.ops&0xffff == 0 && m.ctx.Err() != nil {
			return m.ctx.Err()
		}
		if err := m.step(op); err != nil {
			if errors.Is(err, errStop) {
				return nil
			}
			m.broken("pickle-broken", err.Error())
			return nil
		}
		m.framed()
		if m.opt.Strict && !m.res.Intact {
			return nil
		}
		if len(m.stack) > m.opt.MaxStack {
			m.limit("stack", m.opt.MaxStack)
			return nil
		}
		if m.memo.weight() > m.opt.MaxMemo {
			m.limit("memo", m.opt.MaxMemo)
			return nil
		}
	}
}

// framed checks that no opcode crosses the end of its frame. Writers end a frame
// between opcodes; CPython's C unpickler, reading from a file, takes one that
// crosses for another number of bytes than it says (cpython issue 154848).
func (m *machine) framed() {
	if m.frame == 0 || m.r.pos < m.frame {
		return
	}
	if m.r.pos > m.frame {
		m.find("pickle-frame", Suspicious, "CWE-436", names[m.opcode()]+" crosses the end of its frame, where unpicklers differ in what they read")
	}
	m.frame = 0
}

func (m *machine) limit(what string, n int) {
	m.res.Intact = false
	m.find("pickle-limit-"+what, Undecided, "", fmt.Sprintf("the limit of %d %s is reached; what follows was not read", n, what))
}

// broken notes the first thing a real unpickler would refuse.
func (m *machine) broken(rule, text string) {
	if m.res.Intact {
		m.find(rule, Undecided, "CWE-502", text+"; an unpickler has run all before it by then")
	}
	m.res.Intact = false
}

// find records a finding once for each rule and text.
func (m *machine) find(rule string, level Level, cwe, text string) {
	key := rule + "\x00" + text
	// Past a thousand, only what is worse than all before is kept.
	if m.seen[key] || len(m.res.Findings) >= maxFindings && level <= m.worst {
		return
	}
	m.seen[key] = true
	m.worst = max(m.worst, level)
	m.res.Findings = append(m.res.Findings, Finding{Rule: rule, Level: level, Off: m.at, Trail: m.trail(), CWE: cwe, Text: text})
}

func (m *machine) push(v value) { m.stack = append(m.stack, v) }

// floor is the lowest stack index an opcode may take from.
func (m *machine) floor() int {
	if n := len(m.marks); n > 0 {
		return m.marks[n-1]
	}
	return 0
}

// pop takes the top of the stack. Below the last mark it takes nothing: a real
// unpickler refuses there, this machine notes it and goes on.
func (m *machine) pop() value {
	if len(m.stack) <= m.floor() {
		m.broken("pickle-underflow", "an opcode takes more from the stack than is on it")
		return mk(kOpaque, 0)
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v
}

func (m *machine) top() value {
	if len(m.stack) <= m.floor() {
		m.broken("pickle-underflow", "an opcode looks at an empty stack")
		return mk(kOpaque, 0)
	}
	return m.stack[len(m.stack)-1]
}

// popMark takes all above the last mark. The slice is good until the next push.
func (m *machine) popMark() []value {
	n := len(m.marks)
	if n == 0 {
		m.broken("pickle-underflow", "an opcode looks for a mark that is not there")
		return nil
	}
	i := m.marks[n-1]
	m.marks = m.marks[:n-1]
	out := m.stack[i:]
	m.stack = m.stack[:i]
	return out
}
