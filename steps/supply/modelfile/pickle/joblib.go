package pickle

import (
	"errors"
	"math"
	"strconv"
)

// joblib writes the bytes of an array into the middle of the pickle, right
// behind the BUILD of its wrapper object (joblib.numpy_pickle,
// NumpyArrayWrapper.read_array). How many they are follows from the wrapper's
// shape and dtype; an array of objects is a further pickle there.

var errArray = errors.New("a joblib array whose shape or type the pickle does not say plainly; what follows cannot be found")

// array steps over the array that belongs to the wrapper with this state.
func (m *machine) array(state value) error {
	if state.kind() != kDict || state != m.pairsOf {
		return errArray
	}
	var shape, dtype value
	aligned := false
	for i := 0; i+1 < len(m.pairs); i += 2 {
		key, _ := m.text(m.pairs[i], 64)
		switch key {
		case "shape":
			shape = m.pairs[i+1]
		case "dtype":
			dtype = m.pairs[i+1]
		case "numpy_array_alignment_bytes":
			aligned = m.pairs[i+1].kind() != kNone
		}
	}
	size, objects, ok := m.itemSize(dtype)
	dims, isTuple := m.members(shape)
	if !ok || !isTuple {
		return errArray
	}
	m.res.Arrays++
	if err := m.unskipped(objects); err != nil {
		return err
	}
	// The writer ends the frame before the array.
	if m.framed(); m.frame != 0 {
		m.find("pickle-frame", Suspicious, "CWE-436", "an array lies inside a frame, where unpicklers differ in what they read")
		m.frame = 0
	}
	if objects {
		return m.objects()
	}
	n := uint64(size)
	for _, d := range dims {
		x, ok := m.number(d)
		if !ok || x < 0 || x > 0 && n > math.MaxInt64/uint64(x) {
			return errArray
		}
		n *= uint64(x)
	}
	if aligned {
		pad, ok := m.r.byte()
		if !ok || !m.r.skip(uint64(pad)) {
			return errCut
		}
	}
	if !m.r.skip(n) {
		return errors.New("a joblib array says it is " + strconv.FormatUint(n, 10) + " bytes long, more than follow")
	}
	return nil
}

// objects runs the pickle that holds the members of an object array.
func (m *machine) objects() error {
	if m.depth > 16 {
		m.limit("nesting", 16)
		return errArray
	}
	sub, err := scan(m.ctx, m.r.r, m.r.pos, m.r.end, m.opt, m.depth+1)
	if err != nil {
		return err
	}
	for _, f := range sub.Findings {
		key := f.Rule + "\x00" + f.Text
		if !m.seen[key] {
			m.seen[key] = true
			m.worst = max(m.worst, f.Level)
			m.res.Findings = append(m.res.Findings, f)
		}
	}
	m.globals = append(m.globals, sub.Globals...)
	m.res.Calls += sub.Calls
	m.res.Intact = m.res.Intact && sub.Intact
	m.r.pos = sub.End
	if !sub.Stopped {
		return errArray
	}
	return nil
}

// itemSize reads a numpy dtype object: the bytes of one item, and whether items
// are Python objects.
func (m *machine) itemSize(v value) (size int64, objects, ok bool) {
	if v.kind() != kObject {
		return 0, false, false
	}
	g := m.globals[v.global()]
	args, _ := m.members(mk(kTuple, v.args()))
	if v.args() == 0 || g.Module != "numpy" || g.Name != "dtype" || len(args) == 0 {
		return 0, false, false
	}
	code, ok := m.text(args[0], 32)
	if !ok || len(code) < 2 {
		return 0, false, false
	}
	if code[0] == 'O' {
		return 0, true, true
	}
	size, err := strconv.ParseInt(code[1:], 10, 32)
	if err != nil || size < 0 {
		return 0, false, false
	}
	switch code[0] {
	case 'U':
		size *= 4
	case 'V':
		// A structured type holds objects if the flags at the end of its state
		// say so (NPY_ITEM_HASOBJECT is part of 63).
		state, known := m.members(m.states[v])
		if !known || len(state) < 8 {
			return 0, false, false
		}
		flags, known := m.number(state[7])
		if !known {
			return 0, false, false
		}
		return size, flags&1 != 0, true
	case 'f', 'i', 'u', 'b', 'c', 'S', 'M', 'm', 'a':
	default:
		return 0, false, false
	}
	return size, false, true
}
