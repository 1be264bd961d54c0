package modelfile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
)

// maxSafetensorsHeader is the format's own limit (100 MB).
const maxSafetensorsHeader = 100_000_000

func isSafetensors(h []byte, it item) bool {
	if it.ext() == ".safetensors" {
		return true
	}
	if len(h) < 16 || h[8] != '{' {
		return false
	}
	n := binary.LittleEndian.Uint64(h)
	return n >= 2 && n <= maxSafetensorsHeader && int64(n) <= it.size-8 && (h[9] == '"' || h[9] == '}' || h[9] == ' ')
}

// sizes in bits of one element, by the format's names.
var safetensorsBits = map[string]uint64{
	"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "I16": 16, "U16": 16,
	"F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64, "C64": 64,
}

type span struct {
	name     string
	from, to uint64
}

type tensorEntry struct {
	Dtype   string   `json:"dtype"`
	Shape   []uint64 `json:"shape"`
	Offsets []uint64 `json:"data_offsets"`
}

// safetensors reads a header and checks that the tensors it lists cover the rest
// of the file once and exactly, as the format demands.
func (s *scanner) safetensors(it item) string {
	const name = "safetensors"
	h := s.head(it, 0, 8)
	if len(h) < 8 {
		s.find(it, "safetensors-broken", Undecided, 0, "", "shorter than the length of its header")
		return name
	}
	n := binary.LittleEndian.Uint64(h)
	switch {
	case n > maxSafetensorsHeader:
		s.find(it, "safetensors-header", High, 0, "CWE-400", fmt.Sprintf("the header says it is %d bytes long; the format allows %d", n, maxSafetensorsHeader))
		return name
	case int64(n) > it.size-8:
		s.find(it, "safetensors-header", Undecided, 0, "CWE-130", fmt.Sprintf("the header says it is %d bytes long; %d follow", n, it.size-8))
		return name
	case int64(n) > s.lim.Header:
		s.find(it, "limit-header", Undecided, 0, "CWE-400", fmt.Sprintf("the header of %d bytes is over the limit of %d", n, s.lim.Header))
		return name
	}
	raw := s.head(it, 8, int(n))
	spans, err := s.tensorList(it, raw)
	if err != nil {
		s.find(it, "safetensors-broken", Undecided, 8, "", "the header is not what the format asks for: "+err.Error())
		return name
	}
	s.coverage(it, spans, uint64(it.size-8)-n)
	return name
}

// tensorList parses the header object; it refuses two tensors of one name.
func (s *scanner) tensorList(it item, raw []byte) ([]span, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	var spans []span
	names := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		if names[key] {
			s.find(it, "safetensors-duplicate", Medium, 8, "CWE-436", fmt.Sprintf("two tensors are named %.80q; readers differ in which they take", key))
		}
		names[key] = true
		if strings.Contains(key, "../") || strings.Contains(key, `..\`) {
			s.find(it, "safetensors-name", Medium, 8, "CWE-22", fmt.Sprintf("a tensor is named %.80q, as a path that leaves its folder", key))
		}
		if key == "__metadata__" {
			var meta map[string]any
			if err := dec.Decode(&meta); err != nil {
				return nil, err
			}
			for k, v := range meta {
				text, ok := v.(string)
				if !ok {
					return nil, errors.New("metadata that is no text")
				}
				s.metadata(it, k, text)
			}
			continue
		}
		var e tensorEntry
		if err := dec.Decode(&e); err != nil {
			return nil, fmt.Errorf("tensor %.80q: %w", key, err)
		}
		if err := s.tensorEntry(it, key, e); err != nil {
			return nil, err
		}
		s.tensor(it, key, e.Dtype, e.Shape, int64(8+len(raw))+int64(e.Offsets[0]), int64(e.Offsets[1]-e.Offsets[0]))
		spans = append(spans, span{key, e.Offsets[0], e.Offsets[1]})
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if rest, err := io.ReadAll(io.MultiReader(dec.Buffered(), bytes.NewReader(nil))); err == nil && len(bytes.Trim(rest, " \x00\n")) > 0 {
		s.find(it, "safetensors-header-tail", Medium, 8+dec.InputOffset(), "CWE-436", "something follows the object in the header")
	}
	return spans, nil
}

func (s *scanner) tensorEntry(it item, name string, e tensorEntry) error {
	if len(e.Offsets) != 2 || e.Offsets[0] > e.Offsets[1] {
		return fmt.Errorf("tensor %.80q has no offsets, or they run backwards", name)
	}
	size, known := safetensorsBits[e.Dtype]
	if !known {
		return fmt.Errorf("tensor %.80q has the unknown type %.20q", name, e.Dtype)
	}
	for _, d := range e.Shape {
		hi, lo := bits.Mul64(size, d)
		if hi != 0 {
			s.find(it, "safetensors-overflow", High, 8, "CWE-190", fmt.Sprintf("the shape of %.80q overflows", name))
			return nil
		}
		size = lo
	}
	if want := (size + 7) / 8; want != e.Offsets[1]-e.Offsets[0] {
		s.find(it, "safetensors-size", Medium, 8, "CWE-130", fmt.Sprintf("tensor %.80q takes %d bytes and its shape needs %d", name, e.Offsets[1]-e.Offsets[0], want))
	}
	return nil
}

// coverage checks that spans lie one behind the other and fill all of the data.
func (s *scanner) coverage(it item, spans []span, data uint64) {
	slices.SortFunc(spans, func(a, b span) int {
		if a.from != b.from {
			return compare(a.from, b.from)
		}
		return compare(a.to, b.to)
	})
	at := uint64(0)
	for _, p := range spans {
		switch {
		case p.from < at:
			s.find(it, "safetensors-overlap", Medium, 8, "CWE-119", fmt.Sprintf("tensor %.80q overlaps the one before it", p.name))
		case p.from > at:
			s.find(it, "safetensors-gap", Medium, 8, "CWE-1284", fmt.Sprintf("%d bytes before tensor %.80q belong to none", p.from-at, p.name))
		}
		at = max(at, p.to)
	}
	switch {
	case at > data:
		s.find(it, "safetensors-short", Undecided, 8, "CWE-125", fmt.Sprintf("tensors reach %d bytes beyond the file", at-data))
	case at < data:
		s.find(it, "safetensors-appended", Medium, it.size-int64(data-at), "CWE-506", fmt.Sprintf("%d bytes behind the last tensor belong to none", data-at))
	}
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
