package pickle

import (
	"errors"
	"fmt"
)

var errOpcode = errors.New("a byte that is no opcode")

// step runs one opcode. An error ends the pickle.
func (m *machine) step(op byte) error {
	switch op {
	case opMark:
		m.marks = append(m.marks, len(m.stack))
		if len(m.marks) > m.opt.MaxStack {
			return errors.New("more marks than the stack may hold")
		}
	case opStop:
		m.pop()
		m.res.Stopped = true
		return errStop
	case opPop:
		if len(m.stack) == m.floor() && len(m.marks) > 0 {
			m.marks = m.marks[:len(m.marks)-1]
			return nil
		}
		m.pop()
	case opPopMark:
		m.popMark()
	case opDup:
		m.push(m.top())
	case opProto:
		return m.proto()
	case opFrame:
		return m.newFrame()
	case opNone:
		m.push(mk(kNone, 0))
	case opNewTrue:
		m.push(mk(kBool, 1))
	case opNewFalse:
		m.push(mk(kBool, 0))
	case opGlobal, opInst, opStackGlobal, opExt1, opExt2, opExt4:
		return m.imports(op)
	case opReduce, opNewObj, opNewObjEx, opObj, opBuild:
		return m.calls(op)
	case opPut, opBinPut, opLongBinPut, opMemoize, opGet, opBinGet, opLongBinGet:
		return m.remember(op)
	case opPersID:
		if m.opt.Strict {
			return errors.New("a text as persistent id, which no loader takes")
		}
		if _, err := m.r.line(); err != nil && !errors.Is(err, errLine) {
			return err
		}
		m.push(mk(kPers, 0))
	case opBinPersID:
		m.push(m.persistent(m.pop()))
	default:
		if done, err := m.scalar(op); done {
			return err
		}
		if done := m.container(op); done {
			return nil
		}
		return fmt.Errorf("%w: %#02x", errOpcode, op)
	}
	return nil
}

func (m *machine) newFrame() error {
	n, ok := m.r.uint(8)
	if !ok {
		return errCut
	}
	if m.frame != 0 {
		m.find("pickle-frame", Suspicious, "CWE-436", "a frame starts before the one around it ends, where unpicklers differ in what they read")
	}
	m.frame = 0
	if n > uint64(m.r.end-m.r.pos) {
		m.broken("pickle-frame-cut", fmt.Sprintf("a frame says it is %d bytes long, %d follow", n, m.r.end-m.r.pos))
	} else if n > 0 {
		m.frame = m.r.pos + int64(n)
	}
	return nil
}

func (m *machine) proto() error {
	v, ok := m.r.byte()
	if !ok {
		return errCut
	}
	if v > 5 {
		m.broken("pickle-protocol", fmt.Sprintf("protocol %d does not exist", v))
	}
	m.res.Proto = max(m.res.Proto, int(v))
	return nil
}

// scalar runs the opcodes that push a string, bytes or number.
func (m *machine) scalar(op byte) (bool, error) {
	at := m.at
	switch op {
	case opInt, opLong, opFloat:
		line, err := m.r.line()
		if err != nil && !errors.Is(err, errLine) {
			return true, err
		}
		if op == opInt && len(line) == 2 && (string(line) == "00" || string(line) == "01") {
			m.push(mk(kBool, int64(line[1]-'0')))
			return true, nil
		}
		if op == opFloat {
			m.push(mk(kOpaque, 0))
			return true, nil
		}
		if _, ok := integer(string(line)); !ok && op == opInt && len(line) < 19 {
			m.broken("pickle-broken", "INT is followed by no number")
		}
		m.push(mk(kInt, at))
	case opString, opUnicode:
		line, err := m.longLine()
		if err != nil && !errors.Is(err, errLine) {
			return true, err
		}
		if op == opString && (len(line) < 2 || line[0] != '\'' && line[0] != '"') && err == nil {
			m.broken("pickle-broken", "STRING is followed by no quoted text")
		}
		m.tell(at+1, int64(len(line)))
		m.push(mk(kString, at))
	case opBinInt:
		return true, m.fixed(kInt, 4)
	case opBinInt1:
		return true, m.fixed(kInt, 1)
	case opBinInt2:
		return true, m.fixed(kInt, 2)
	case opBinFloat:
		return true, m.fixed(kOpaque, 8)
	case opLong1:
		return true, m.counted(kInt, 1)
	case opLong4:
		return true, m.counted(kInt, 4)
	case opShortBinString, opShortBinUnicode:
		return true, m.counted(kString, 1)
	case opBinString, opBinUnicode:
		return true, m.counted(kString, 4)
	case opBinUnicode8:
		return true, m.counted(kString, 8)
	case opShortBinBytes:
		return true, m.counted(kBytes, 1)
	case opBinBytes:
		return true, m.counted(kBytes, 4)
	case opBinBytes8, opByteArray8:
		return true, m.counted(kBytes, 8)
	case opNextBuffer:
		m.push(mk(kOpaque, 0))
	case opReadonlyBuffer:
		m.top()
	default:
		return false, nil
	}
	return true, nil
}

// longLine is the argument of a text opcode, which may be longer than a name.
func (m *machine) longLine() ([]byte, error) {
	if m.opt.Strict {
		m.r.most = maxText
		defer func() { m.r.most = maxLine }()
	}
	line, err := m.r.line()
	m.res.LongText = m.res.LongText || errors.Is(err, errLong)
	return line, err
}

func (m *machine) fixed(k kind, n uint64) error {
	if !m.r.skip(n) {
		return errCut
	}
	m.push(mk(k, m.at))
	return nil
}

func (m *machine) counted(k kind, width int) error {
	n, ok := m.r.uint(width)
	if !ok {
		return errCut
	}
	off := m.r.pos
	if !m.r.skip(n) {
		return fmt.Errorf("%s says %d bytes follow, %d do", names[m.opcode()], n, m.r.end-off)
	}
	if k != kInt {
		m.tell(off, int64(n))
	}
	m.push(mk(k, m.at))
	return nil
}

// opcode is the one being run.
func (m *machine) opcode() byte {
	if b := m.r.at(m.at, 1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// tell passes a payload to whoever looks for pickles and programs inside data.
func (m *machine) tell(off, n int64) {
	if m.opt.Payload != nil && n >= 8 {
		m.opt.Payload(off, n, m.r.at(off, int(min(n, 32))))
	}
}

// container runs the opcodes that make or fill lists, dicts, sets and tuples.
func (m *machine) container(op byte) bool {
	switch op {
	case opEmptyDict:
		m.push(mk(kDict, m.at))
	case opEmptyList:
		m.push(mk(kList, m.at))
	case opEmptySet:
		m.push(mk(kSet, m.at))
	case opEmptyTuple:
		m.push(mk(kTuple, 0))
	case opTuple1, opTuple2, opTuple3:
		n := int(op-opTuple1) + 1
		if len(m.stack)-n < m.floor() {
			m.broken("pickle-underflow", "a tuple takes more from the stack than is on it")
			n = len(m.stack) - m.floor()
		}
		v := m.tuple(m.stack[len(m.stack)-n:])
		m.stack = append(m.stack[:len(m.stack)-n], v)
	case opTuple:
		m.push(m.tuple(m.popMark()))
	case opList:
		m.kept(m.popMark(), "LIST")
		m.push(mk(kList, m.at))
	case opDict:
		all := m.popMark()
		m.fill(mk(kDict, m.at), all)
		m.push(mk(kDict, m.at))
	case opFrozenSet:
		m.kept(m.popMark(), "FROZENSET")
		m.push(mk(kSet, m.at))
	case opAppend:
		m.kept([]value{m.pop()}, "APPEND")
		m.touches(m.top(), "APPEND")
	case opAppends:
		m.kept(m.popMark(), "APPENDS")
		m.touches(m.top(), "APPENDS")
	case opAddItems:
		m.kept(m.popMark(), "ADDITEMS")
		m.touches(m.top(), "ADDITEMS")
	case opSetItem:
		v, k := m.pop(), m.pop()
		m.touches(m.top(), "SETITEM")
		m.fill(m.top(), []value{k, v})
	case opSetItems:
		all := m.popMark()
		m.touches(m.top(), "SETITEMS")
		m.fill(m.top(), all)
	default:
		return false
	}
	return true
}

// fill keeps the pairs of the dict that was filled last, if they are few: what
// the state of a wrapper object looks like.
func (m *machine) fill(dict value, pairs []value) {
	m.kept(pairs, "a dict")
	if m.opt.Tensor != nil {
		m.tensors(pairs) // state dicts are OrderedDicts, which are objects
	}
	if dict.kind() != kDict {
		return
	}
	if dict != m.pairsOf {
		m.pairs, m.pairsOf = m.pairs[:0], dict
	}
	if len(m.pairs)+len(pairs) <= 64 {
		m.pairs = append(m.pairs, pairs...)
	}
}

// touches flags a change of something that other code shares.
func (m *machine) touches(v value, op string) {
	switch v.kind() {
	case kGlobal:
		m.find("pickle-changes-global", Critical, "CWE-915", op+" changes "+m.globals[v.global()].String()+", which all code of the process shares")
	case kComputed:
		m.find("pickle-computed-target", Dangerous, "CWE-915", op+" changes something that the pickle itself computed")
	}
}

func (m *machine) remember(op byte) error {
	var i int64
	switch op {
	case opMemoize:
		i = int64(m.memo.n)
		m.memo.put(i, m.top())
		return nil
	case opPut, opGet:
		line, err := m.r.line()
		if err != nil {
			return err
		}
		n, ok := integer(string(line))
		if !ok || n < 0 {
			return errors.New("a memo index that is no number")
		}
		i = n
	default:
		width := 1
		if op == opLongBinPut || op == opLongBinGet {
			width = 4
		}
		n, ok := m.r.uint(width)
		if !ok {
			return errCut
		}
		i = int64(n)
	}
	if op == opPut || op == opBinPut || op == opLongBinPut {
		m.memo.put(i, m.top())
		return nil
	}
	v, ok := m.memo.get(i)
	if !ok {
		m.broken("pickle-memo", fmt.Sprintf("memo entry %d is read and was never written", i))
	}
	m.push(v)
	return nil
}

// persistent is what a loader makes of a persistent id. Torch's first formats
// give a class that way, with its source beside it; all else is data.
func (m *machine) persistent(id value) value {
	all, _ := m.members(id)
	if len(all) >= 2 && all[1].kind() == kGlobal {
		if what, _ := m.text(all[0], 16); what == "module" {
			return all[1]
		}
	}
	return mk(kPers, keptArgs(id))
}
