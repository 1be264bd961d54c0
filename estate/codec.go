package estate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// The canonical encoding of an asset without its configuration: strings are a
// varint length and bytes, in the order of the fields of Asset. The content
// hash and the store both rest on it; a change of it needs a new version of
// both.

func appendString[T ~string](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

const (
	flagTags = 1 << iota
	flagCreated
	flagRoot
	flagReferenced
)

// AppendAsset appends the canonical encoding of all of a but its Config.
func AppendAsset(b []byte, a *Asset) []byte { return appendAsset(b, a) }

func appendAsset(b []byte, a *Asset) []byte {
	b = appendString(b, a.ID)
	b = appendString(b, a.Type)
	b = appendString(b, a.Cloud)
	b = appendString(b, a.Account)
	b = appendString(b, a.Region)
	b = appendString(b, a.Name)
	b = appendString(b, a.Source)
	b = appendString(b, a.Kind)
	b = append(b, flagsOf(a))
	if a.Tags != nil {
		b = binary.AppendUvarint(b, uint64(len(a.Tags)))
		for _, k := range slices.Sorted(maps.Keys(a.Tags)) {
			b = appendString(appendString(b, k), a.Tags[k])
		}
	}
	b = binary.AppendUvarint(b, uint64(len(a.Reads)))
	for _, r := range a.Reads {
		b = appendString(appendString(appendString(b, r.Operation), r.Key), r.Status)
		b = appendString(appendString(b, r.Why), r.Grant)
	}
	b = binary.AppendUvarint(b, uint64(len(a.Unknown)))
	for _, u := range a.Unknown {
		b = appendString(b, u)
	}
	if !a.Created.IsZero() {
		b = binary.AppendVarint(b, a.Created.Unix())
		b = binary.AppendUvarint(b, uint64(a.Created.Nanosecond()))
	}
	if a.Root != nil {
		b = appendString(appendString(appendString(b, a.Root.Class), a.Root.Family), a.Root.Why)
	}
	return b
}

func flagsOf(a *Asset) (flags byte) {
	if a.Tags != nil {
		flags |= flagTags
	}
	if !a.Created.IsZero() {
		flags |= flagCreated
	}
	if a.Root != nil {
		flags |= flagRoot
	}
	if a.Referenced {
		flags |= flagReferenced
	}
	return flags
}

var errShort = errors.New("encoded asset ends too early")

// Decoder decodes what AppendAsset wrote. It keeps one copy of each string, and of
// the tags and reads, that many assets share. It is not safe for use from many
// goroutines.
type Decoder struct {
	shared  map[string]string
	tags    map[string]map[string]string
	reads   map[string][]Read
	unknown map[string][]string
	in      []byte
	err     error
}

// NewDecoder returns a Decoder.
func NewDecoder() *Decoder {
	return &Decoder{shared: map[string]string{}, tags: map[string]map[string]string{}, reads: map[string][]Read{}, unknown: map[string][]string{}}
}

// Asset decodes one asset from the front of in and returns the rest. The error
// says that in is no such encoding; any bytes are safe to pass.
func (d *Decoder) Asset(in []byte) (*Asset, []byte, error) {
	d.in, d.err = in, nil
	a := &Asset{ID: d.own(), Type: d.share(), Cloud: Cloud(d.share()), Account: d.share(), Region: d.share()}
	if name := d.raw(); len(name) > 0 && strings.HasSuffix(a.ID, string(name)) {
		a.Name = a.ID[len(a.ID)-len(name):]
	} else {
		a.Name = string(name)
	}
	a.Source, a.Kind = d.share(), Kind(d.share())
	flags := d.byte()
	if flags&flagTags != 0 {
		a.Tags = alike(d, d.tags, 2, d.readTags)
	}
	a.Reads = alike(d, d.reads, 5, d.readReads)
	a.Unknown = alike(d, d.unknown, 1, d.readUnknown)
	if flags&flagCreated != 0 {
		sec, nsec := d.varint(), d.uvarint()
		if nsec >= uint64(time.Second) {
			d.fail(fmt.Errorf("creation time with %d nanoseconds", nsec))
		}
		a.Created = time.Unix(sec, int64(nsec)).UTC()
	}
	if flags&flagRoot != 0 {
		a.Root = &Root{d.share(), d.own(), d.own()}
	}
	a.Referenced = flags&flagReferenced != 0
	return a, d.in, d.err
}

// alike decodes a list of items of some strings each, once for each encoding of it:
// many assets have the same tags and reads, and nobody changes one that was decoded.
func alike[T any](d *Decoder, known map[string]T, each int, read func(n int) T) (out T) {
	in := d.in
	n := d.count(each)
	items := d.in
	for range n * each {
		d.raw()
	}
	if d.err != nil {
		return out
	}
	enc, rest := in[:len(in)-len(d.in)], d.in
	if v, ok := known[string(enc)]; ok {
		return v
	}
	d.in = items
	out = read(n)
	d.in = rest
	if len(enc) <= maxAlike && len(known) < 1<<14 {
		known[string(enc)] = out
	}
	return out
}

// maxAlike bounds what a decoder keeps of one encoding, in bytes.
const maxAlike = 1 << 10

func (d *Decoder) readTags(n int) map[string]string {
	tags := make(map[string]string, n)
	for range n {
		k := d.share()
		tags[k] = d.share()
	}
	return tags
}

func (d *Decoder) readReads(n int) []Read {
	if n == 0 {
		return nil
	}
	reads := make([]Read, n)
	for i := range reads {
		reads[i] = Read{d.share(), d.share(), ReadStatus(d.share()), d.share(), d.share()}
	}
	return reads
}

func (d *Decoder) readUnknown(n int) []string {
	if n == 0 {
		return nil
	}
	unknown := make([]string, n)
	for i := range unknown {
		unknown[i] = d.share()
	}
	return unknown
}

func (d *Decoder) fail(err error) {
	if d.err == nil {
		d.err, d.in = err, nil
	}
}

func (d *Decoder) byte() byte {
	if len(d.in) == 0 {
		d.fail(errShort)
		return 0
	}
	b := d.in[0]
	d.in = d.in[1:]
	return b
}

func (d *Decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.in)
	if n <= 0 {
		d.fail(errShort)
		return 0
	}
	d.in = d.in[n:]
	return v
}

func (d *Decoder) varint() int64 {
	v, n := binary.Varint(d.in)
	if n <= 0 {
		d.fail(errShort)
		return 0
	}
	d.in = d.in[n:]
	return v
}

// count reads a number of items of at least size bytes each, so that a damaged
// number cannot ask for more memory than the input is long.
func (d *Decoder) count(size int) int {
	n := d.uvarint()
	if n > uint64(len(d.in)/size) || n > math.MaxInt32 {
		d.fail(errShort)
		return 0
	}
	return int(n)
}

func (d *Decoder) raw() []byte {
	n := d.uvarint()
	if n > uint64(len(d.in)) {
		d.fail(errShort)
		return nil
	}
	b := d.in[:n]
	d.in = d.in[n:]
	return b
}

func (d *Decoder) own() string { return string(d.raw()) }

func (d *Decoder) share() string {
	b := d.raw()
	if s, ok := d.shared[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(s) <= 128 && len(d.shared) < 1<<16 {
		d.shared[s] = s
	}
	return s
}
