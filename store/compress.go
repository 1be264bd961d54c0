package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"

	"github.com/klauspost/compress/zstd"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// maxBody bounds what one body may hold once decompressed, so that a damaged
// one cannot fill the memory: 1 GiB.
const maxBody = 1 << 30

// codec compresses and checks bodies. It may be used from many goroutines.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (*codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(1<<18), zstd.WithLowerEncoderMem(true)) // a pack is hardly larger
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(4), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, err
	}
	return &codec{enc, dec}, nil
}

func (c *codec) close() error {
	c.dec.Close()
	return c.enc.Close()
}

// pack makes a body of content.
func (c *codec) pack(content []byte) body {
	return body{digest: sha256.Sum256(content), data: c.enc.EncodeAll(content, make([]byte, 0, len(content)/4+64))}
}

var errDigest = errors.New("its content does not have the digest it is stored under")

// unpack appends a body's content to into, which holds nothing. The error says
// that it is damaged.
func (c *codec) unpack(b body, into []byte) ([]byte, error) {
	content, err := c.dec.DecodeAll(b.data, into)
	if err != nil {
		return nil, fmt.Errorf("decompressing: %w", err)
	}
	if estate.Digest(sha256.Sum256(content)) != b.digest {
		return nil, errDigest
	}
	return content, nil
}
