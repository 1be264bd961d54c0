package reference

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Bounds of what a table may unpack to, in bytes: five times what it is today.
// A damaged table must not cost the memory that its head asks for.
const (
	maxPart    = 16 << 20
	maxActions = 1 << 17
)

// table is an opened table: the head is read, the rest is unpacked when asked for.
type table struct {
	sources  []Source
	services []*service          // by prefix
	byPrefix map[string]*service // lower case
	count    int                 // of actions

	keyPart, textPart part
	blocks            []*block

	keysOnce sync.Once
	keys     keySet
	keysErr  error
	textOnce sync.Once
	text     string
	textErr  error
}

// part is a packed text.
type part struct {
	packed string
	raw    int
}

// service is a service and, once asked for, what it has.
type service struct {
	Service
	offset, length int // within the services' text
	once           sync.Once
	types          []*Resource
	actions        []*Action
	low            []string           // their names in lower case
	byName         map[string]*Action // by the same
	err            error
}

// block is a run of managed policies packed together.
type block struct {
	part
	first    string // ARN of its first
	once     sync.Once
	policies []Policy
	err      error
}

var unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxPart))
})

func (p part) unpack(what string) (string, error) {
	dec, err := unpacker()
	if err != nil {
		return "", fmt.Errorf("reference: %w", err)
	}
	text, err := dec.DecodeAll([]byte(p.packed), make([]byte, 0, p.raw))
	if err != nil {
		return "", fmt.Errorf("reference: %s: %w", what, err)
	}
	if len(text) != p.raw {
		return "", fmt.Errorf("reference: %s: %d bytes, the head says %d", what, len(text), p.raw)
	}
	return string(text), nil
}

// open reads the head of a table; gen/pack.go says what stands in it.
func open(data string) (*table, error) {
	head, body, ok := strings.Cut(data, "\n\n")
	if !ok {
		return nil, fmt.Errorf("reference: no end of the head\nhint: this build is damaged; build it again")
	}
	t := &table{byPrefix: map[string]*service{}}
	n := 0
	for line := range strings.SplitSeq(head, "\n") {
		n++
		if err := t.headLine(line, &body); err != nil {
			return nil, fmt.Errorf("reference: line %d of the head: %w\nhint: this build is damaged; build it again", n, err)
		}
	}
	if t.keyPart.raw == 0 || t.textPart.raw == 0 || len(t.services) == 0 {
		return nil, fmt.Errorf("reference: the head lacks the keys or the services\nhint: this build is damaged; build it again")
	}
	return t, nil
}

// headLine reads one line of the head and cuts the part it announces off body.
func (t *table) headLine(line string, body *string) error {
	f := strings.Fields(line)
	if len(f) == 0 {
		return fmt.Errorf("empty")
	}
	switch {
	case f[0] == "source" && len(f) == 5:
		s := Source{Name: f[1], Version: f[2], SHA256: f[4]}
		if f[3] != "-" {
			var err error
			if s.Date, err = time.Parse(time.DateOnly, f[3]); err != nil {
				return err
			}
		}
		t.sources = append(t.sources, s)
		return nil
	case f[0] == "service" && len(f) == 6:
		return t.serviceLine(f)
	case f[0] == "policies" && len(f) == 4, (f[0] == "keys" || f[0] == "services") && len(f) == 3:
		packed, err1 := number(f[1], len(*body))
		raw, err2 := number(f[2], maxPart)
		if err1 != nil || err2 != nil {
			return fmt.Errorf("part %s of %s packed and %s raw bytes does not fit", f[0], f[1], f[2])
		}
		p := part{(*body)[:packed], raw}
		*body = (*body)[packed:]
		switch f[0] {
		case "keys":
			t.keyPart = p
		case "services":
			t.textPart = p
		default:
			if k := len(t.blocks); k > 0 && t.blocks[k-1].first >= f[3] {
				return fmt.Errorf("policies out of order at %s", f[3])
			}
			t.blocks = append(t.blocks, &block{part: p, first: f[3]})
		}
		return nil
	}
	return fmt.Errorf("unknown line %.40q", line)
}

func (t *table) serviceLine(f []string) error {
	var n [4]int
	for i := range n {
		var err error
		if n[i], err = number(f[2+i], maxPart); err != nil {
			return err
		}
	}
	s := &service{Service: Service{Prefix: f[1], First: n[0], Count: n[1]}, offset: n[2], length: n[3]}
	lower := strings.ToLower(s.Prefix)
	if k := len(t.services); s.First != t.count || k > 0 && t.services[k-1].Prefix >= s.Prefix || t.byPrefix[lower] != nil {
		return fmt.Errorf("service %s out of order", s.Prefix)
	}
	if t.count += s.Count; t.count > maxActions {
		return fmt.Errorf("service %s: more than %d actions", s.Prefix, maxActions)
	}
	t.services = append(t.services, s)
	t.byPrefix[lower] = s
	return nil
}

// number reads a decimal number from 0 to most.
func number(text string, most int) (int, error) {
	n := 0
	if text == "" || len(text) > 9 {
		return 0, fmt.Errorf("bad number %.20q", text)
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("bad number %.20q", text)
		}
		n = n*10 + int(c-'0')
	}
	if n > most {
		return 0, fmt.Errorf("number %d is over %d", n, most)
	}
	return n, nil
}

// loadText unpacks the text of the services.
func (t *table) loadText() (string, error) {
	t.textOnce.Do(func() { t.text, t.textErr = t.textPart.unpack("services") })
	return t.text, t.textErr
}

// service finds a service by prefix in any case, unpacked; nil if there is none
// or the table is damaged there.
func (t *table) service(prefix string) *service {
	var room [64]byte
	s := t.byPrefix[string(lower(prefix, room[:0]))]
	if s == nil || t.load(s) != nil {
		return nil
	}
	return s
}

// load unpacks a service.
func (t *table) load(s *service) error {
	s.once.Do(func() {
		var text string
		keys, err := t.loadKeys()
		if err == nil {
			text, err = t.loadText()
		}
		if err == nil && (s.offset > len(text) || s.length > len(text)-s.offset) {
			err = fmt.Errorf("reference: service %s lies outside the text", s.Prefix)
		}
		if err == nil {
			err = s.parse(text[s.offset:s.offset+s.length], keys.all)
		}
		if s.err = err; err != nil {
			s.types, s.actions, s.low, s.byName = nil, nil, nil, nil
		}
	})
	return s.err
}

func (t *table) lookup(service, name string) (*Action, bool) {
	s := t.service(service)
	if s == nil {
		return nil, false
	}
	var room [96]byte
	a, ok := s.byName[string(lower(name, room[:0]))]
	return a, ok
}

func (t *table) actions(service string) []*Action {
	if s := t.service(service); s != nil {
		return append([]*Action(nil), s.actions...)
	}
	return nil
}

func (t *table) resources(service string) []*Resource {
	if s := t.service(service); s != nil {
		return append([]*Resource(nil), s.types...)
	}
	return nil
}

func (t *table) byID(id int) *Action {
	i := sort.Search(len(t.services), func(i int) bool { return t.services[i].First > id }) - 1
	if i < 0 || id < 0 || id >= t.count || t.load(t.services[i]) != nil {
		return nil
	}
	return t.services[i].actions[id-t.services[i].First]
}

func (t *table) list() []Service {
	out := make([]Service, 0, len(t.services))
	for _, s := range t.services {
		_ = t.load(s) // for its name; what fails is told by Check
		out = append(out, s.Service)
	}
	return out
}

// check unpacks everything.
func (t *table) check() error {
	for _, s := range t.services {
		if err := t.load(s); err != nil {
			return err
		}
	}
	for _, b := range t.blocks {
		if err := b.load(); err != nil {
			return err
		}
	}
	return nil
}

// lower appends s in lower case; nearly every name fits the caller's room, so
// that a look-up allocates nothing.
func lower(s string, room []byte) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		room = append(room, c)
	}
	return room
}
