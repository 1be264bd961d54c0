package osv

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"time"
)

// Shards is into how many parts an ecosystem's records are cut, so that a new record
// changes one of them only.
const Shards = 64

// Shard is the number of the shard that holds a package, by its name without a
// release.
func Shard(ecosystem, name string) int {
	key := Normal(ecosystem, name)
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash does not fail
	return int(h.Sum32() % Shards)
}

// Build gives the stock of each ecosystem, and its shards by number.
func (b *Builder) Build() (stocks []*Stock, shards map[string]map[int][]byte) {
	shards = map[string]map[int][]byte{}
	for _, eco := range b.Ecosystems() {
		s := b.stocks[eco]
		s.Shards = map[int]string{}
		out := map[int][]byte{}
		for _, key := range slices.Sorted(maps.Keys(b.by[eco])) {
			h := fnv.New32a()
			_, _ = h.Write([]byte(key))
			n := int(h.Sum32() % Shards)
			list := b.by[eco][key]
			slices.SortFunc(list, func(x, y Advisory) int { return compareIDs(x.ID, y.ID) })
			var body []byte
			for i := range list {
				body = list[i].append(body)
			}
			out[n] = appendString(out[n], key)
			out[n] = binary.AppendUvarint(out[n], uint64(len(list)))
			out[n] = appendString(out[n], string(body))
		}
		for n, data := range out {
			sum := sha256.Sum256(data)
			s.Shards[n] = hex.EncodeToString(sum[:8])
		}
		shards[eco] = out
		stocks = append(stocks, s)
	}
	return stocks, shards
}

func compareIDs(a, b string) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

func (a *Advisory) append(b []byte) []byte {
	b = appendString(b, a.ID)
	b = appendStrings(b, a.Aliases)
	b = appendString(b, a.Summary)
	b = appendString(b, string(a.Severity))
	published := int64(0)
	if !a.Published.IsZero() {
		published = a.Published.Unix()
	}
	b = binary.AppendVarint(b, published)
	b = appendStrings(b, a.Versions)
	b = binary.AppendUvarint(b, uint64(len(a.Ranges)))
	for _, r := range a.Ranges {
		semantic := byte(0)
		if r.Semantic {
			semantic = 1
		}
		b = append(b, semantic)
		b = binary.AppendUvarint(b, uint64(len(r.Events)))
		for _, e := range r.Events {
			b = append(b, e.Kind)
			b = appendString(b, e.Version)
		}
	}
	return b
}

// errDamaged says that a shard does not read as it was written.
var errDamaged = errors.New("the stored vulnerability records are damaged: import them again with sevenfold supply watch --osv")

// decoder reads what append wrote. After an error everything it gives is empty.
type decoder struct {
	data []byte
	err  error
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 || v > 1<<40 {
		d.err, d.data = errDamaged, nil
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.err, d.data = errDamaged, nil
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) bytes() []byte {
	n := d.uint()
	if n > uint64(len(d.data)) {
		d.err, d.data = errDamaged, nil
		return nil
	}
	out := d.data[:n]
	d.data = d.data[n:]
	return out
}

func (d *decoder) byte() byte {
	if len(d.data) == 0 {
		d.err = errDamaged
		return 0
	}
	c := d.data[0]
	d.data = d.data[1:]
	return c
}

func (d *decoder) strings() []string {
	n := d.uint()
	if n > uint64(len(d.data)) {
		d.err, d.data = errDamaged, nil
		return nil
	}
	out := make([]string, n)
	for i := range out {
		out[i] = string(d.bytes())
	}
	return out
}

func (d *decoder) advisory() Advisory {
	a := Advisory{ID: string(d.bytes()), Aliases: d.strings(), Summary: string(d.bytes()), Severity: Severity(d.bytes())}
	if at := d.int(); at != 0 {
		a.Published = time.Unix(at, 0).UTC()
	}
	a.Versions = d.strings()
	n := d.uint()
	for range n {
		r := Range{Semantic: d.byte() == 1}
		for range d.uint() {
			r.Events = append(r.Events, Event{d.byte(), string(d.bytes())})
			if d.err != nil {
				return a
			}
		}
		a.Ranges = append(a.Ranges, r)
		if d.err != nil {
			return a
		}
	}
	return a
}

// Lookup finds packages in a shard.
type Lookup map[string]packed

type packed struct {
	n    uint64
	body []byte
}

// Open reads the table of a shard. The error is that it is damaged.
func Open(data []byte) (Lookup, error) {
	l := Lookup{}
	d := &decoder{data: data}
	for len(d.data) > 0 && d.err == nil {
		key := string(d.bytes())
		l[key] = packed{d.uint(), d.bytes()}
	}
	return l, d.err
}

// Find returns what is known of a package.
func (l Lookup) Find(ecosystem, name string) ([]Advisory, error) {
	key := Normal(ecosystem, name)
	p, ok := l[key]
	if !ok {
		return nil, nil
	}
	d := &decoder{data: p.body}
	var out []Advisory
	for range p.n {
		out = append(out, d.advisory())
		if d.err != nil {
			return nil, d.err
		}
	}
	return out, nil
}
