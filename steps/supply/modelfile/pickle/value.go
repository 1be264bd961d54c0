package pickle

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// value is one symbol: what kind of thing lies on the stack, and where to learn
// more of it. Eight bytes each keep a pickle of millions of objects small:
// strings and numbers are known by the offset of the opcode that made them and
// are read again in the rare case that somebody asks.
type value uint64

type kind uint8

const (
	kOpaque kind = iota // something that no rule asks about
	kNone
	kString   // payload: offset of its opcode
	kBytes    // payload: offset of its opcode
	kInt      // payload: offset of its opcode
	kDict     // payload: offset of its opcode, which is its identity
	kList     // payload: offset of its opcode
	kSet      // payload: offset of its opcode
	kTuple    // payload: index into nodes; 0 is the empty tuple
	kLost     // a tuple whose members were given up to stay within bounds
	kGlobal   // payload: index into globals
	kObject   // payload: index into globals | index of the arguments << 28
	kComputed // the result of a call of something that is not a global
	kPers     // what a persistent id stands for
	kMark
	kBool // payload: 0 or 1
)

func mk(k kind, payload int64) value { return value(k) | value(payload)<<4 }

func (v value) kind() kind  { return kind(v & 15) }
func (v value) at() int64   { return int64(v >> 4) }
func (v value) global() int { return int(v >> 4 & (1<<28 - 1)) }
func (v value) args() int64 { return int64(v >> 32) }
func object(global int, args int64) value {
	return mk(kObject, int64(global)|args<<28)
}

// tuple keeps the members of a tuple; over the limit it gives them up.
func (m *machine) tuple(members []value) value {
	if len(members) == 0 {
		return mk(kTuple, 0)
	}
	m.kept(members, "a tuple")
	if len(m.nodes)+len(members)+1 > m.opt.MaxNodes {
		m.lost = true
		return mk(kLost, 0)
	}
	i := len(m.nodes)
	m.nodes = append(m.nodes, value(len(members)))
	m.nodes = append(m.nodes, members...)
	return mk(kTuple, int64(i))
}

// members returns what a tuple holds; nil, false for anything else.
func (m *machine) members(v value) ([]value, bool) {
	if v.kind() != kTuple {
		return nil, false
	}
	if v.at() == 0 {
		return nil, true
	}
	i := v.at()
	n := int64(m.nodes[i])
	return m.nodes[i+1 : i+1+n], true
}

// text decodes the string v as an unpickler would, up to limit bytes.
func (m *machine) text(v value, limit int) (string, bool) {
	if k := v.kind(); k != kString && k != kBytes {
		return "", false
	}
	if s, ok := m.texts[v]; ok {
		return s[:min(len(s), limit)], true
	}
	off, n, op := m.payload(v)
	if n < 0 {
		return "", false
	}
	raw := string(m.r.at(off, int(min(n, int64(limit)))))
	switch op {
	case opString:
		raw = unquote(raw)
	case opUnicode:
		raw = rawUnicode(raw)
	}
	// Names are asked for again and again through the memo; going back for them
	// is dear where the file has to be unpacked from its start.
	if n < int64(limit) && n <= 128 && len(m.texts) < 1<<14 {
		m.texts[v] = raw
	}
	return raw, true
}

// payload finds the bytes of a string, bytes or number opcode: their offset,
// length (-1 if they cannot be found) and the opcode.
func (m *machine) payload(v value) (off, n int64, op byte) {
	at := v.at()
	head := m.r.at(at, 9)
	if len(head) == 0 {
		return 0, -1, 0
	}
	op = head[0]
	width := 0
	switch op {
	case opShortBinUnicode, opShortBinString, opShortBinBytes, opLong1:
		width = 1
	case opBinUnicode, opBinString, opBinBytes, opLong4:
		width = 4
	case opBinUnicode8, opBinBytes8, opByteArray8:
		width = 8
	case opString, opUnicode, opInt, opLong:
		line := m.r.at(at+1, maxLine)
		for i, c := range line {
			if c == '\n' {
				return at + 1, int64(i), op
			}
		}
		return 0, -1, op
	case opBinInt1:
		return at + 1, 1, op
	case opBinInt2:
		return at + 1, 2, op
	case opBinInt:
		return at + 1, 4, op
	default:
		return 0, -1, op
	}
	if len(head) < 1+width {
		return 0, -1, op
	}
	for i := width; i > 0; i-- {
		n = n<<8 | int64(head[i])
	}
	return at + 1 + int64(width), n, op
}

// number decodes an integer that fits 64 bits.
func (m *machine) number(v value) (int64, bool) {
	if v.kind() == kBool {
		return v.at(), true
	}
	if v.kind() != kInt {
		return 0, false
	}
	off, n, op := m.payload(v)
	if n < 0 || n > 64 {
		return 0, false
	}
	b := m.r.at(off, int(n))
	switch op {
	case opInt, opLong:
		return integer(string(b))
	case opBinInt1, opBinInt2:
		var x int64
		for i := len(b) - 1; i >= 0; i-- {
			x = x<<8 | int64(b[i])
		}
		return x, true
	case opBinInt, opLong1, opLong4:
		if len(b) > 8 {
			return 0, false
		}
		var x int64
		for i := len(b) - 1; i >= 0; i-- {
			x = x<<8 | int64(b[i])
		}
		if shift := 64 - 8*len(b); len(b) > 0 {
			x = x << shift >> shift
		}
		return x, true
	}
	return 0, false
}

// integer reads a number as Python's int() does: blanks around it, a sign,
// underscores between digits, and the L of Python 2.
func integer(s string) (int64, bool) {
	s = strings.TrimSuffix(strings.TrimSpace(s), "L")
	s = strings.ReplaceAll(s, "_", "")
	x, err := strconv.ParseInt(strings.TrimPrefix(s, "+"), 10, 64)
	return x, err == nil
}

// unquote undoes the quotes and escapes of the STRING opcode.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		s = s[1 : len(s)-1]
	}
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; {
		case c == 'n':
			b.WriteByte('\n')
		case c == 't':
			b.WriteByte('\t')
		case c == 'r':
			b.WriteByte('\r')
		case c == 'x' && i+2 < len(s):
			x, err := hex.DecodeString(s[i+1 : i+3])
			if err != nil {
				b.WriteString(`\x`)
				continue
			}
			b.Write(x)
			i += 2
		case c >= '0' && c <= '7':
			x, k := 0, i
			for k < len(s) && k < i+3 && s[k] >= '0' && s[k] <= '7' {
				x = x<<3 | int(s[k]-'0')
				k++
			}
			b.WriteByte(byte(x))
			i = k - 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// rawUnicode undoes the \uXXXX and \UXXXXXXXX escapes of the UNICODE opcode.
// Its other bytes are Latin-1.
func rawUnicode(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] != '\\' && s[i] < 0x80
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		width := 0
		if s[i] == '\\' && i+1 < len(s) {
			switch s[i+1] {
			case 'u':
				width = 4
			case 'U':
				width = 8
			}
		}
		if width > 0 && i+2+width <= len(s) {
			if x, err := strconv.ParseUint(s[i+2:i+2+width], 16, 32); err == nil {
				b.WriteRune(rune(x))
				i += 1 + width
				continue
			}
		}
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// show prints a value for people, in Python's spelling, cut short.
func (m *machine) show(v value, depth int) string {
	const most = 80
	switch v.kind() {
	case kNone:
		return "None"
	case kBool:
		if v.at() == 1 {
			return "True"
		}
		return "False"
	case kString, kBytes:
		s, ok := m.text(v, most)
		if !ok {
			return "str"
		}
		if _, n, _ := m.payload(v); n > most {
			return strconv.QuoteToASCII(s) + "…"
		}
		return strconv.QuoteToASCII(s)
	case kInt:
		if x, ok := m.number(v); ok {
			return strconv.FormatInt(x, 10)
		}
		return "int"
	case kTuple:
		if depth > 3 {
			return "(…)"
		}
		all, _ := m.members(v)
		parts := make([]string, 0, min(len(all), 5))
		for i, one := range all {
			if i == 4 {
				parts = append(parts, "…")
				break
			}
			parts = append(parts, m.show(one, depth+1))
		}
		return "(" + strings.Join(parts, ", ") + ")"
	case kGlobal:
		return m.globals[v.global()].String()
	case kObject:
		if depth > 3 {
			return m.globals[v.global()].String() + "(…)"
		}
		args := mk(kTuple, v.args())
		if v.args() == 0 {
			return m.globals[v.global()].String() + "()"
		}
		return m.globals[v.global()].String() + m.show(args, depth+1)
	case kDict:
		return "{…}"
	case kList:
		return "[…]"
	case kSet:
		return "set"
	case kPers:
		return "persistent"
	}
	return "?"
}

// Trail prints the last opcodes before a finding, oldest first.
func (m *machine) trail() string {
	var b strings.Builder
	n := min(m.ops, trailLength)
	for i := m.ops - n; i < m.ops; i++ {
		at := m.ring[i%trailLength]
		head := m.r.at(at, 1)
		if len(head) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(" > ")
		}
		b.WriteString(names[head[0]])
		switch head[0] {
		case opShortBinUnicode, opBinUnicode, opBinUnicode8, opUnicode, opString, opShortBinString, opBinString:
			if s, ok := m.text(mk(kString, at), 32); ok {
				b.WriteString(" " + strconv.QuoteToASCII(s))
			}
		case opGlobal, opInst:
			if lines := strings.SplitN(string(m.r.at(at+1, 160)), "\n", 3); len(lines) == 3 {
				fmt.Fprintf(&b, " %s %s", strconv.QuoteToASCII(lines[0]), strconv.QuoteToASCII(lines[1]))
			}
		}
	}
	return b.String()
}
