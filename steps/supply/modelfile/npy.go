package modelfile

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
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
	at, length := int64(10), int64(binary.LittleEndian.Uint16(h[8:]))
	if h[6] >= 2 && len(h) == 12 {
		at, length = 12, int64(binary.LittleEndian.Uint32(h[8:]))
	}
	if at+length > it.size || length > s.lim.Header {
		s.find(it, "npy-broken", Undecided, 8, "CWE-400", fmt.Sprintf("a header of %d bytes does not fit the file", length))
		return "npy"
	}
	text := string(s.head(it, at, int(length)))
	if !strings.Contains(text, "'shape'") || !strings.HasPrefix(strings.TrimSpace(text), "{") {
		s.find(it, "npy-broken", Undecided, at, "", "the header is no dictionary with descr and shape")
	}
	if strings.ContainsAny(text, "\\\"#") {
		// Numpy evaluates the header as a literal: escapes could spell a type that
		// no search finds, and numpy writes none.
		s.find(it, "npy-header", Medium, at, "CWE-436", "the header is not spelt as numpy writes it")
	}
	if objectType().MatchString(text) {
		s.pickleAt(it, at+length, false)
		return "npy-object"
	}
	if !strings.HasSuffix(strings.TrimSpace(text), "}") {
		s.find(it, "npy-broken", Undecided, at, "", "the header does not end as a dictionary")
	}
	if n, ok := npyBytes(text); ok && it.size-at-length > n {
		s.behindData(it, at+length+n)
	}
	return "npy"
}

var (
	plainType  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`'descr':\s*'[|<>=]?[fiubcSVU](\d+)'`) })
	plainShape = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`'shape':\s*\(([\d, ]*)\)`) })
)

// npyBytes is how many bytes an array of a plain type takes.
func npyBytes(header string) (int64, bool) {
	typ, shape := plainType().FindStringSubmatch(header), plainShape().FindStringSubmatch(header)
	if typ == nil || shape == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(typ[1], 10, 32)
	if err != nil {
		return 0, false
	}
	if strings.Contains(typ[0], "U"+typ[1]) {
		n *= 4
	}
	for d := range strings.SplitSeq(shape[1], ",") {
		if d = strings.TrimSpace(d); d == "" {
			continue
		}
		x, err := strconv.ParseInt(d, 10, 64)
		if err != nil || x > 1<<40 || n > 1<<50/max(x, 1) {
			return 0, false
		}
		n *= x
	}
	return n, true
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
