package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats.go"
)

// A batch is stored compressed where that makes it smaller, as logs in JSON are to a
// tenth. It is not for the disk's sake: JetStream holds in memory what was written and
// read within ten seconds and cannot be told otherwise, which of logs as they come was
// more than a gigabyte at a hundred thousand events a second. The header says so; a
// batch without one is of a version that did not compress, or did not shrink.
const (
	packHeader = "Sevenfold-Packed"
	packS2     = "s2"
)

// packed makes the message of a batch; raw is nobody's any more once it returns.
func packed(subject string, raw []byte) *nats.Msg {
	msg := &nats.Msg{Subject: subject}
	room := roomFor(s2.MaxEncodedLen(len(raw)))
	defer func() { rooms.Put(&room) }()
	small := s2.Encode(room[:cap(room)], raw)
	if len(small) < len(raw)-len(raw)/8 {
		// What is on its way is many batches: each takes what it needs, not what it might have.
		msg.Data = bytes.Clone(small)
		msg.Header = nats.Header{packHeader: {packS2}}
		rooms.Put(&raw)
		return msg
	}
	msg.Data = raw
	return msg
}

// unpacked takes a message apart.
func unpacked(data []byte, header nats.Header) ([][]byte, error) {
	switch how := header.Get(packHeader); how {
	case "":
	case packS2:
		// The length is asked first: it is the sender's word, and room is made for it.
		n, err := s2.DecodedLen(data)
		if err != nil || n > maxPayload {
			return nil, errDamaged
		}
		if data, err = s2.Decode(nil, data); err != nil {
			return nil, errDamaged
		}
	default:
		return nil, fmt.Errorf("stream: a batch packed by %.20q, which this version does not know", how)
	}
	return split(data)
}

// split takes a batch apart into its events, which are views of it.
func split(data []byte) ([][]byte, error) {
	n := 0
	for rest := data; len(rest) > 0; n++ {
		size, k := binary.Uvarint(rest)
		if k <= 0 || size > uint64(len(rest)-k) {
			return nil, errDamaged
		}
		rest = rest[k+int(size):]
	}
	out := make([][]byte, 0, n)
	for len(data) > 0 {
		n, k := binary.Uvarint(data)
		out = append(out, data[k:k+int(n):k+int(n)])
		data = data[k+int(n):]
	}
	return out, nil
}
