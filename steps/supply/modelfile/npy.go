package modelfile

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"sync"

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
	if !strings.Contains(text, "'shape'") || !strings.HasPrefix(strings.TrimSpace(text), "{") {
		s.find(it, "npy-broken", Undecided, at, "", "the header is no dictionary with descr and shape")
	}
	if strings.ContainsAny(text, "\\\"#") {
		// Numpy evaluates the header as a literal: escapes could spell a type that
		// no search finds, and numpy writes none.
		s.find(it, "npy-header", Medium, at, "CWE-436", "the header is not spelt as numpy writes it")
	}
	if objectType().MatchString(text) {
		s.pickleAt(it, at+n, false)
		return "npy-object"
	}
	if !strings.HasSuffix(strings.TrimSpace(text), "}") {
		s.find(it, "npy-broken", Undecided, at, "", "the header does not end as a dictionary")
	}
	return "npy"
}

// objectType is the spelling of the type of Python objects. A field of a record
// may be named so as well; then there is no pickle behind the header, and that is
// said.
var objectType = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`'(?:[^']*[,|<>=() 0-9])?O\d*(?:,[^']*)?'|'[^']*(?i:object)`)
})

// strictPickle tries an item as a pickle and reports nothing.
func (s *scanner) strictPickle(it item) (pickle.Result, error) {
	return pickle.Scan(s.ctx, it.r, 0, it.size, pickle.Options{Strict: true, MaxOps: 1 << 20, Vouched: s.vouched})
}
