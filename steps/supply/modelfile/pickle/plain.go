package pickle

import (
	"errors"
	"fmt"
	"slices"
)

// plain is what machines share that run the bytes of joblib's arrays as opcodes.
type plain struct {
	left int // opcodes that may still be run so, in one pickle
	r    *reader
}

const (
	maxPlainStack = 1 << 16
	plainWindow   = 4 << 10
)

var errPlain = errors.New("no plain pickle")

func (p *plain) spent() bool {
	p.left--
	return p.left < 0
}

// unskipped runs what joblib's loader takes for the bytes of an array as any other
// unpickler does: as opcodes. Which of the two loads the file is not the file's to
// say. What is no pickle ends after a few bytes. The pickle of an array of objects
// goes through with the wrong memo, so that by accident it names what does not exist:
// of that, only what is known to be dangerous counts.
func (m *machine) unskipped(objects bool) error {
	if m.plainOf == nil {
		m.plainOf = &plain{left: m.opt.MaxPlain, r: &reader{r: m.r.r, end: m.r.end, buf: make([]byte, 0, plainWindow)}}
	}
	p := m.plainOf
	if p.left <= 0 {
		return nil
	}
	p.r.pos, p.r.base, p.r.buf, p.r.err = m.r.pos, m.r.pos, p.r.buf[:0], nil
	from := max(0, len(m.stack)-maxPlainStack)
	opt := m.opt
	opt.Payload, opt.Tensor, opt.Loaded = nil, nil, nil
	x := &machine{ctx: m.ctx, r: p.r, opt: opt, plain: p, index: map[string]int{}, seen: map[string]bool{}, texts: map[value]string{}, depth: m.depth,
		stack: slices.Clone(m.stack[from:]), nodes: slices.Clip(m.nodes), globals: slices.Clip(m.globals)}
	x.memo.below = &m.memo
	x.memo.n = m.memo.n
	x.res.Intact = true
	for _, at := range m.marks {
		x.marks = append(x.marks, max(0, at-from))
	}
	err := x.run()
	if p.left <= 0 {
		m.find("pickle-limit-plain", Undecided, "CWE-400", fmt.Sprintf("arrays that may be opcodes to other unpicklers than joblib's were run for %d opcodes; further ones were not", m.opt.MaxPlain))
	}
	for _, f := range x.res.Findings {
		if f.Level < Suspicious || objects && f.Level < Dangerous || f.Rule == "pickle-frame" || f.Rule == "pickle-extension" || x.res.Calls == 0 && !x.res.Stopped {
			continue
		}
		m.find("pickle-in-array", Dangerous, "CWE-436", fmt.Sprintf("the bytes of an array are opcodes to every unpickler but joblib's, at byte %d: %s", f.Off, f.Text))
	}
	if err != nil {
		return err
	}
	return p.r.err
}
