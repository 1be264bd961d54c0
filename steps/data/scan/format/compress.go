package format

import (
	"compress/bzip2"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// maxWindow bounds what a decompressor may hold of the past. A file that asks
// for more was made to exhaust memory, or with settings nobody needs.
const maxWindow = 64 << 20

// decompress reads what a compressed file holds, under its name without the
// ending that tells of the compression.
func (r *reader) decompress(kind, name string, in io.Reader, depth int) error {
	packed := &counted{in: in}
	var out io.Reader
	var err error
	switch kind {
	case "gzip":
		out, err = gzip.NewReader(packed)
	case "bzip2":
		out = bzip2.NewReader(packed)
	case "xz":
		out, err = xz.ReaderConfig{DictCap: maxWindow}.NewReader(packed)
	case "zstd":
		var d *zstd.Decoder
		d, err = zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err == nil {
			defer d.Close()
			out = d
		}
	}
	if err != nil {
		return r.damaged("the "+kind+" file", err)
	}
	if ext := strings.ToLower(path.Ext(name)); ext == ".gz" || ext == ".zst" || ext == ".bz2" || ext == ".xz" || ext == ".gzip" {
		name = name[:len(name)-len(ext)]
	}
	return r.damaged("the "+kind+" file", r.nested(name, r.bounded(out, packed), depth+1))
}

// counted counts what was read.
type counted struct {
	in io.Reader
	n  int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded ends a stream that unpacks to far more than it was made of: files of
// zeros which unpack without end are made to exhaust whoever opens them.
func (r *reader) bounded(out io.Reader, packed *counted) io.Reader {
	return &bomb{r: r, in: out, packed: packed}
}

type bomb struct {
	r      *reader
	in     io.Reader
	packed *counted
	n      int64
}

// slack is unpacked before the ratio counts: small files compress well.
const slack = 64 << 20

func (b *bomb) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	b.n += int64(n)
	if b.n > slack && b.n > b.packed.n*b.r.lim.Ratio {
		return 0, problem("it unpacks to more than %d times its size: a file made to exhaust its reader", b.r.lim.Ratio)
	}
	if e := b.r.ctx.Err(); e != nil {
		b.r.failed = e
		return 0, e
	}
	return n, err
}
