package modelfile

import (
	"encoding/binary"
	"fmt"
)

// Types of R's serialization (R Internals, section 1.8; serialize.c).
const (
	rNil, rSym, rList, rClo, rEnv, rProm, rLang, rSpecial, rBuiltin, rChar = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
	rLgl, rInt, rReal, rCplx, rStr, rDot, rVec, rExpr, rBcode, rExtptr     = 10, 13, 14, 15, 16, 17, 19, 20, 21, 22
	rWeak, rRaw, rS4                                                       = 23, 24, 25
	rAltrep, rAttrList, rAttrLang, rBaseEnv, rEmptyEnv, rBCRepRef          = 238, 239, 240, 241, 242, 243
	rBCRepDef, rGenericRef, rClassRef, rPersist, rPackage, rNamespace      = 244, 245, 246, 247, 248, 249
	rBaseNamespace, rMissing, rUnbound, rGlobal, rNilValue, rRef           = 250, 251, 252, 253, 254, 255
)

func isR(h []byte, it item) bool {
	if len(h) >= 7 && (string(h[:5]) == "RDX2\n" || string(h[:5]) == "RDX3\n") {
		return true
	}
	return len(h) >= 14 && string(h[:2]) == "X\n" && h[2] == 0 && h[3] == 0 && h[4] == 0 && (h[5] == 2 || h[5] == 3)
}

// rData reads R objects saved by saveRDS or save. A promise in them runs its
// expression when it is first looked at (CVE-2024-27322); functions run when the
// model is used.
func (s *scanner) rData(it item) string {
	from := int64(2)
	if h := s.head(it, 0, 5); h[0] == 'R' {
		from = 7
	}
	r := &rReader{c: newCursor(it, from), s: s, it: it, left: 50_000_000}
	r.c.order = binary.BigEndian
	version := r.c.u32()
	r.c.skip(8)
	if version == 3 {
		r.c.text(uint64(r.c.u32()), 64)
	}
	r.object(0)
	if r.c.err != nil {
		s.header(it, "r", r.c.err)
	}
	return "r"
}

type rReader struct {
	c    *cursor
	s    *scanner
	it   item
	left int
}

func (r *rReader) object(depth int) {
	for {
		if r.left--; r.left < 0 || depth > 2000 {
			r.c.fail(fmt.Errorf("more objects or deeper nesting than the limit"))
		}
		if r.left&0xffff == 0 && r.s.ctx.Err() != nil {
			r.c.fail(r.s.ctx.Err())
		}
		if r.c.err != nil {
			return
		}
		at := r.c.pos
		flags := r.c.u32()
		typ := int(flags & 0xff)
		attrs, tag := flags&0x200 != 0, flags&0x400 != 0
		if typ == rList || typ == rLang || typ == rClo || typ == rProm || typ == rDot || typ == rAttrList || typ == rAttrLang {
			r.judge(typ, at)
			if attrs || typ == rAttrList || typ == rAttrLang {
				r.object(depth + 1)
			}
			if tag {
				r.object(depth + 1)
			}
			r.object(depth + 1)
			continue // the rest of the list, without going deeper
		}
		r.other(typ, attrs, at, depth)
		return
	}
}

func (r *rReader) judge(typ int, at int64) {
	switch typ {
	case rProm:
		r.s.find(r.it, "r-promise", High, at, "CWE-502", "a promise: its expression runs when the object is first looked at")
	case rClo:
		r.s.find(r.it, "r-function", Medium, at, "CWE-829", "a function is saved with the object")
	case rBcode:
		r.s.find(r.it, "r-function", Medium, at, "CWE-829", "byte code is saved with the object")
	case rExtptr, rWeak:
		r.s.find(r.it, "r-pointer", Medium, at, "CWE-822", "a pointer to memory is saved with the object")
	}
}

// other reads everything that is no pair list.
func (r *rReader) other(typ int, attrs bool, at int64, depth int) {
	c := r.c
	r.judge(typ, at)
	switch typ {
	case rNilValue, rGlobal, rUnbound, rMissing, rBaseNamespace, rEmptyEnv, rBaseEnv, rNil:
		return
	case rRef:
		return // the index is in the flags
	case rSym:
		r.object(depth + 1)
		return
	case rEnv:
		c.skip(4)
		for range 4 {
			r.object(depth + 1)
		}
		return
	case rPackage, rNamespace, rPersist:
		c.skip(4)
		for range r.length() {
			r.object(depth + 1)
		}
		return
	case rChar:
		if n := c.u32(); n != 1<<32-1 {
			if text := c.text(uint64(n), 1<<16); len(text) >= 16 {
				r.s.secrets(r.it, "text", text)
			}
		}
		return
	case rSpecial, rBuiltin:
		c.skip(uint64(c.u32()))
	case rExtptr:
		r.object(depth + 1)
		r.object(depth + 1)
	case rLgl, rInt:
		c.skip(4 * r.length())
	case rReal:
		c.skip(8 * r.length())
	case rCplx:
		c.skip(16 * r.length())
	case rRaw:
		c.skip(r.length())
	case rStr, rVec, rExpr:
		for range r.length() {
			if c.err != nil {
				return
			}
			r.object(depth + 1)
		}
	case rS4, rWeak:
	case rAltrep:
		for range 3 {
			r.object(depth + 1)
		}
		return
	default:
		// Byte code has a layout of its own; a function was reported before.
		c.fail(fmt.Errorf("type %d at offset %d is not read here", typ, at))
		return
	}
	if attrs {
		r.object(depth + 1)
	}
}

func (r *rReader) length() uint64 {
	n := uint64(r.c.u32())
	if n == 1<<32-1 {
		n = uint64(r.c.u32())<<32 | uint64(r.c.u32())
	}
	if n > uint64(r.c.left()) && r.c.err == nil {
		r.c.fail(lengthError{n, r.c.left(), r.c.pos})
		return 0
	}
	return n
}
