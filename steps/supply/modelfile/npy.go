package modelfile

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile/pickle"
)

// npy reads a numpy array file: a header in Python's spelling, then raw bytes,
// or a pickle if the items are objects.
func (s *scanner) npy(it item) string {
	h := s.head(it, 0, 12)
	if len(h) < 10 {
		s.find(it, "npy-broken", Undecided, 0, "", "the header is cut short")
		return "npy"
	}
	at, n := int64(10), int64(binary.LittleEndian.Uint16(h[8:]))
	if h[6] >= 2 && len(h) == 12 {
		at, n = 12, int64(binary.LittleEndian.Uint32(h[8:]))
	}
	if at+n > it.size || n > s.lim.Header {
		s.find(it, "npy-broken", Undecided, 8, "CWE-400", fmt.Sprintf("a header of %d bytes does not fit the file", n))
		return "npy"
	}
	text := string(s.head(it, at, int(n)))
	descr, ok := between(text, "'descr':", "'fortran_order'")
	if !ok {
		// The order of keys is free; anything that says object counts then.
		descr = text
	}
	if !strings.Contains(text, "'shape'") || !strings.HasPrefix(strings.TrimSpace(text), "{") {
		s.find(it, "npy-broken", Undecided, at, "", "the header is no dictionary with descr and shape")
	}
	if strings.Contains(descr, "O") || strings.Contains(descr, "object") {
		s.pickleAt(it, at+n, false)
		return "npy-object"
	}
	if !strings.HasSuffix(strings.TrimSpace(text), "}") {
		s.find(it, "npy-broken", Undecided, at, "", "the header does not end as a dictionary")
	}
	return "npy"
}

func between(s, from, to string) (string, bool) {
	_, rest, ok := strings.Cut(s, from)
	if !ok {
		return "", false
	}
	in, _, ok := strings.Cut(rest, to)
	return in, ok
}

// strictPickle tries an item as a pickle and reports nothing.
func (s *scanner) strictPickle(it item) (pickle.Result, error) {
	return pickle.Scan(s.ctx, it.r, 0, it.size, pickle.Options{Strict: true, MaxOps: 1 << 20})
}
