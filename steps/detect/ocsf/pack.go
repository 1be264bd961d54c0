package ocsf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// packedBit marks the first byte of an event whose reading travels with it. Without it,
// what follows the five texts of "said" is read again.
const packedBit = 0x80

// texts are the event's own texts, in the order they are packed in.
func (e *Event) texts() [20]*string {
	a := &e.Actor
	return [...]*string{&e.ID, &e.Account, &e.Region, &e.Service, &e.Action, &e.ErrorCode, &e.ErrorMessage, &e.SourceIP, &e.UserAgent, &e.RequestID, &e.Issued,
		&a.Type, &a.ID, &a.Session, &a.ARN, &a.Account, &a.AccessKey, &a.InvokedBy, &a.SourceID, &a.SessionISO}
}

// numbers are its numbers, in that order.
func (e *Event) numbers() [4]*int64 {
	return [...]*int64{&e.Time, &e.BytesIn, &e.BytesOut, &e.Count}
}

// Pack appends the event to b in the form it travels in: what was read of it, and its
// own bytes. Texts that are views of these are packed as their place.
func (e *Event) Pack(b []byte) []byte {
	b = append(b, byte(e.Source)|packedBit)
	b = binary.AppendUvarint(b, uint64(len(e.Raw)))
	b = append(b, e.Raw...)
	b = binary.AppendUvarint(b, uint64(e.Class))
	b = append(b, byte(e.Activity), flag(e.Failed)|byte(e.ReadOnly+1)<<1|byte(e.MFA+1)<<3|flag(e.AI != nil)<<5|flag(e.Net != nil)<<6)
	for _, n := range e.numbers() {
		b = binary.AppendVarint(b, *n)
	}
	for _, s := range e.texts() {
		b = e.text(b, *s)
	}
	b = binary.AppendUvarint(b, uint64(len(e.Resources)))
	for i := range e.Resources {
		r := &e.Resources[i]
		b = e.text(e.text(e.text(b, r.ID), r.Type), r.Account)
	}
	if a := e.AI; a != nil {
		for _, s := range a.texts() {
			b = e.text(b, *s)
		}
		for _, n := range a.numbers() {
			b = binary.AppendVarint(b, *n)
		}
	}
	if n := e.Net; n != nil {
		b = e.text(e.text(b, n.DstIP), n.Interface)
		for _, v := range n.numbers() {
			b = binary.AppendVarint(b, int64(*v))
		}
	}
	return b
}

// ActorIn is the actor's id within packed, which is what Pack wrote of the event: it is
// good for as long as that is.
func (e *Event) ActorIn(packed []byte) string {
	at := place(e.Raw, e.Actor.ID)
	if at < 0 || len(packed) == 0 {
		return strings.Clone(e.Actor.ID)
	}
	_, n := binary.Uvarint(packed[1:])
	return unsafe.String(&packed[1+n+at], len(e.Actor.ID))
}

func (a *AI) texts() [5]*string {
	return [...]*string{&a.Model, &a.Provider, &a.Operation, &a.Session, &a.Finish}
}

func (a *AI) numbers() [3]*int64 { return [...]*int64{&a.InputTokens, &a.OutputTokens, &a.Tools} }

func (n *Net) numbers() [3]*int32 { return [...]*int32{&n.SrcPort, &n.DstPort, &n.Protocol} }

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// text appends a text: 0 for none; its length and place in Raw; or its length and itself.
func (e *Event) text(b []byte, s string) []byte {
	if s == "" {
		return append(b, 0)
	}
	if at := place(e.Raw, s); at >= 0 {
		return binary.AppendUvarint(binary.AppendUvarint(b, uint64(len(s))<<1), uint64(at))
	}
	b = binary.AppendUvarint(b, uint64(len(s))<<1|1)
	return append(b, s...)
}

// place is where in raw a text that is a view of it lies; -1 for one that is none.
func place(raw []byte, s string) int {
	if len(raw) == 0 {
		return -1
	}
	at := uintptr(unsafe.Pointer(unsafe.StringData(s))) - uintptr(unsafe.Pointer(unsafe.SliceData(raw)))
	if at >= uintptr(len(raw)) || at+uintptr(len(s)) > uintptr(len(raw)) {
		return -1
	}
	return int(at)
}

// unpacker takes a packed event apart.
type unpacker struct {
	rest []byte
	raw  []byte
	all  string // raw as a text
	bad  bool
}

func (u *unpacker) uint() uint64 {
	if len(u.rest) > 0 && u.rest[0] < 0x80 { // most are
		n := uint64(u.rest[0])
		u.rest = u.rest[1:]
		return n
	}
	return u.long()
}

func (u *unpacker) long() uint64 {
	n, k := binary.Uvarint(u.rest)
	if k <= 0 {
		u.bad, u.rest = true, nil
		return 0
	}
	u.rest = u.rest[k:]
	return n
}

func (u *unpacker) int() int64 {
	n := u.uint()
	return int64(n>>1) ^ -int64(n&1)
}

func (u *unpacker) byte() byte {
	if len(u.rest) == 0 {
		u.bad = true
		return 0
	}
	c := u.rest[0]
	u.rest = u.rest[1:]
	return c
}

func (u *unpacker) text() string {
	n := u.uint()
	size := n >> 1
	switch {
	case n == 0:
		return ""
	case n&1 == 0:
		at := u.uint()
		if at > uint64(len(u.all)) || size > uint64(len(u.all))-at {
			u.bad = true
			return ""
		}
		return u.all[at : at+size]
	case size > uint64(len(u.rest)):
		u.bad = true
		return ""
	}
	s := unsafe.String(unsafe.SliceData(u.rest), int(size))
	u.rest = u.rest[size:]
	return s
}

// unpacked reads what Pack wrote, after its first byte.
func unpacked(source Source, data []byte, e *Event) error {
	u := unpacker{rest: data}
	size := u.uint()
	if u.bad || size > uint64(len(u.rest)) {
		return errPacked
	}
	u.raw, u.rest = u.rest[:size:size], u.rest[size:]
	u.all = unsafe.String(unsafe.SliceData(u.raw), len(u.raw))
	*e = Event{Source: source, Raw: u.raw, Class: Class(u.uint()), Activity: Activity(u.byte())}
	flags := u.byte()
	e.Failed, e.ReadOnly, e.MFA = flags&1 != 0, Tri(flags>>1&3)-1, Tri(flags>>3&3)-1
	for _, n := range e.numbers() {
		*n = u.int()
	}
	for _, s := range e.texts() {
		*s = u.text()
	}
	n := u.uint()
	if n > uint64(len(u.rest)/3) { // each takes three bytes at least
		return errPacked
	}
	if n > 0 {
		e.Resources = make([]Resource, n)
		for i := range e.Resources {
			e.Resources[i] = Resource{u.text(), u.text(), u.text()}
		}
	}
	if flags>>5&1 != 0 {
		e.AI = &AI{}
		for _, s := range e.AI.texts() {
			*s = u.text()
		}
		for _, n := range e.AI.numbers() {
			*n = u.int()
		}
	}
	if flags>>6&1 != 0 {
		e.Net = &Net{DstIP: u.text(), Interface: u.text()}
		for _, n := range e.Net.numbers() {
			*n = int32(u.int())
		}
	}
	if u.bad || len(u.rest) > 0 || e.Time == 0 || e.Action == "" || e.ID == "" {
		return errPacked
	}
	return nil
}

// errPacked is what was packed by nobody.
var errPacked = errors.New("no packed event")

// Decoder reads packed events and single records. It is for one goroutine.
type Decoder struct {
	// Mapping reads events of Source Mapped.
	Mapping *Mapping

	found   cursor.Found
	flow    *flowFormat
	columns string // of flow
}

// Unpack reads an event that Pack wrote, this version's or one's that packed no reading,
// into e, which holds views of data.
func (d *Decoder) Unpack(data []byte, e *Event) error {
	if len(data) == 0 {
		return errPacked
	}
	if data[0]&packedBit != 0 {
		return unpacked(Source(data[0]&^packedBit), data[1:], e)
	}
	source := Source(data[0])
	rest := data[1:]
	var said [5][]byte
	for i := range said {
		n, k := binary.Uvarint(rest)
		if k <= 0 || n > uint64(len(rest)-k) {
			return errPacked
		}
		said[i] = rest[k : k+int(n)]
		rest = rest[k+int(n):]
	}
	return d.restore(source, rest, said, e)
}

// Restore reads a record of a source into e, with what only the stream it came from
// said: account, region, the actor's type and id, the model. It counts where the record
// is silent.
func (d *Decoder) Restore(source Source, raw []byte, said [5]string, e *Event) error {
	var b [5][]byte
	for i, s := range said {
		b[i] = []byte(s)
	}
	return d.restore(source, raw, b, e)
}

// restore makes texts only of what is needed.
func (d *Decoder) restore(source Source, raw []byte, said [5][]byte, e *Event) error {
	if err := d.Decode(source, raw, e); err != nil {
		return err
	}
	set := func(to *string, s []byte) {
		if *to == "" {
			*to = string(s)
		}
	}
	set(&e.Account, said[0])
	set(&e.Region, said[1])
	if e.Actor.ID == "" {
		e.Actor.Type, e.Actor.ID = string(said[2]), string(said[3])
	}
	if e.AI != nil && e.AI.Model == "" && len(said[4]) > 0 {
		e.AI.Model = string(said[4])
		e.Resources = []Resource{{ID: e.AI.Model, Type: "AWS::SageMaker::Endpoint"}}
	}
	return nil
}

// Decode reads one record of a source into e. An error means it is none.
func (d *Decoder) Decode(source Source, raw []byte, e *Event) (err error) {
	end := 0
	switch source {
	case CloudTrail:
		return DecodeCloudTrail(raw, e)
	case VPCFlow:
		return d.decodeKept(string(raw), e)
	case GenAISpan:
		end, err = decodeSpan(raw, e, &d.found)
	case Mapped:
		if d.Mapping == nil {
			return errors.New("an event of a mapping that was not given")
		}
		end, err = d.Mapping.t.decode(raw, e, &d.found)
	default:
		t := tables[source]
		if t == nil {
			return fmt.Errorf("no format %d", source)
		}
		end, err = t.decode(raw, e, &d.found)
	}
	if err != nil {
		return err
	}
	rest := cursor.New(raw[end:])
	rest.End()
	return rest.Err()
}
