package flows

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Bounds of reading.
const (
	maxLine        = 1 << 20   // of text or JSON, in bytes
	maxWindow      = 128 << 20 // of zstd
	maxParquetRead = 512 << 20 // of a Parquet file that does not come as a file
	problemsAFile  = 10
	checkEvery     = 4096 // lines between looks at the context
)

// reading is one file on its way into a table.
type reading struct {
	ctx  context.Context
	a    *Aggregate
	t    *table
	file File
	line int64
	fmt  *format
	lost bool // its lines cannot be read: no format; said once

	inUse []*bufio.Reader
	quick quick
}

// ReadFile reads one file. What cannot be read is a problem of the aggregate,
// and the run goes on; the error is the context's alone.
func (a *Aggregate) ReadFile(ctx context.Context, path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		r := a.begin(ctx, path)
		r.problem(0, "cannot be opened: "+err.Error(), "")
		r.file.Cut = true
		return r.finish()
	}
	defer f.Close()
	return a.Read(ctx, path, f)
}

// Read reads one file from r: plain, gzip or zstd; VPC flow logs as text or
// Parquet, what `aws logs filter-log-events` and `get-log-events` print, or
// Hubble's flows as JSON lines. What it is, its content says and not its name,
// which is used to name problems. Where r is an io.ReaderAt and io.Seeker, as a
// file is, it is read from its start and Parquet in place; else Parquet is read
// from memory, up to 512 MB.
// The error is the context's alone: all that is wrong with the file is in the
// aggregate's problems.
func (a *Aggregate) Read(ctx context.Context, name string, r io.Reader) (File, error) {
	d := a.begin(ctx, name)
	if f, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	}); ok {
		if size, err := f.Seek(0, io.SeekEnd); err == nil {
			var magic [4]byte
			_, errRead := f.ReadAt(magic[:], 0)
			if errRead == nil && string(magic[:]) == parquetMagic {
				d.parquet(f, size)
				return d.finish()
			}
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				d.file.Cut = true
				d.problem(0, "cannot be read from its start: "+err.Error(), "")
				return d.finish()
			}
		}
	}
	d.stream(r)
	return d.finish()
}

func (a *Aggregate) begin(ctx context.Context, name string) *reading {
	a.mu.Lock()
	defer a.mu.Unlock()
	var t *table
	if n := len(a.idle); n > 0 {
		t, a.idle = a.idle[n-1], a.idle[:n-1]
	} else {
		t = newTable(&a.opts)
	}
	t.obs = Observed{}
	return &reading{ctx: ctx, a: a, t: t, file: File{Name: name}, fmt: a.format}
}

// finish adds the file to the aggregate.
func (d *reading) finish() (File, error) {
	if err := d.ctx.Err(); err != nil {
		// Half a file in the aggregate would pass for a whole one.
		d.problem(d.line, "not read to its end: "+err.Error(), "")
		d.file.Cut = true
	}
	for _, b := range d.inUse {
		b.Reset(nil)
		d.a.buffers.Put(b)
	}
	d.file.Records = d.t.obs.Records
	d.file.Malformed = d.t.obs.Malformed
	d.t.obs.Files = []File{d.file}
	d.a.mu.Lock()
	defer d.a.mu.Unlock()
	d.a.idle = append(d.a.idle, d.t)
	d.a.obs.gather(&d.t.obs, d.a.opts.MaxProblems)
	return d.file, d.ctx.Err()
}

// problem names something wrong with the file; of many it counts the rest.
func (d *reading) problem(line int64, what, hint string) {
	if len(d.t.obs.Problems) >= problemsAFile {
		d.t.obs.Unnamed++
		return
	}
	d.t.obs.Problems = append(d.t.obs.Problems, Problem{File: d.file.Name, Line: line, What: what, Hint: hint})
}

// bad counts a line that could not be read, and names it.
func (d *reading) bad(what string) {
	d.t.obs.Malformed++
	d.problem(d.line, what, "")
}

// stream reads what is not read in place.
func (d *reading) stream(r io.Reader) {
	b := d.buffer(r)
	// Some exports are compressed twice; more is a trap.
	for range 3 {
		head, _ := b.Peek(4)
		switch {
		case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
			z, ok := d.a.inflaters.Get().(*gzip.Reader)
			if !ok {
				z = new(gzip.Reader)
			}
			if err := z.Reset(b); err != nil {
				d.cut(err)
				return
			}
			defer d.a.inflaters.Put(z)
			b = d.buffer(z)
			continue
		case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
			z, ok := d.a.unpackers.Get().(*zstd.Decoder)
			if !ok {
				var err error
				if z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow)); err != nil {
					d.cut(err)
					return
				}
			}
			if err := z.Reset(b); err != nil {
				d.cut(err)
				return
			}
			defer func() {
				if z.Reset(nil) == nil { // it lets go of what it read
					d.a.unpackers.Put(z)
				}
			}()
			b = d.buffer(z)
			continue
		}
		break
	}
	d.plain(b)
}

// buffer is a buffered reader that is given back when the file is read: logs
// come as thousands of small files.
func (d *reading) buffer(r io.Reader) *bufio.Reader {
	b, ok := d.a.buffers.Get().(*bufio.Reader)
	if !ok {
		b = bufio.NewReaderSize(nil, maxLine)
	}
	b.Reset(r)
	d.inUse = append(d.inUse, b)
	return b
}

func (d *reading) plain(b *bufio.Reader) {
	head, err := b.Peek(4096)
	switch text := bytes.TrimLeft(head, " \t\r\n\ufeff"); {
	case len(text) == 0 && err != nil && err != io.EOF:
		d.cut(err)
	case len(text) == 0:
		d.file.Cut = true
		d.problem(0, "is empty", "a flow log without traffic still has a header or NODATA records; see whether the export is whole")
	case bytes.HasPrefix(head, []byte(parquetMagic)):
		d.parquetStream(b)
	case text[0] == '{' && !isCloudWatch(text):
		d.file.Format = "hubble"
		d.lines(b, d.hubble)
	case text[0] == '{' || text[0] == '[':
		d.file.Format = "cloudwatch"
		d.cloudWatch(b)
	default:
		d.file.Format = "vpc text"
		d.lines(b, d.text)
	}
}

// cut says that the file cannot be read further.
func (d *reading) cut(err error) {
	d.file.Cut = true
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		d.problem(d.line, "ends in the middle; what stood behind is not known", "fetch the file again")
	default:
		d.problem(d.line, "cannot be read further: "+err.Error(), "fetch the file again")
	}
}

// lines calls fn with each line of the file. ended says whether the line ended
// with a line's end, as all but the last of a file that is cut do.
func (d *reading) lines(b *bufio.Reader, fn func(line []byte, ended bool)) {
	for {
		line, err := b.ReadSlice('\n')
		d.line++
		if d.line%checkEvery == 0 && d.ctx.Err() != nil {
			return
		}
		switch {
		case err == bufio.ErrBufferFull:
			d.bad(fmt.Sprintf("a line of more than %d bytes", maxLine))
			for err == bufio.ErrBufferFull {
				_, err = b.ReadSlice('\n')
			}
			if err == nil {
				continue
			}
			line = nil
			d.file.Cut = true
		case err == nil:
			fn(bytes.TrimRight(line, "\r\n"), true)
			continue
		}
		if err == io.EOF {
			if len(line) > 0 {
				fn(line, false)
			}
			return
		}
		if len(line) > 0 {
			d.t.obs.Malformed++ // part of a line; the cut names the place
		}
		d.cut(err)
		return
	}
}

// text reads a line of a VPC flow log's file.
func (d *reading) text(line []byte, ended bool) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	if !ended && !d.lost && !d.wholeLine(line) {
		d.file.Cut = true
		d.bad("the last line has no end and may be cut; it is left out")
		return
	}
	d.record(line)
}

// wholeLine says whether a last line without an end is whole for sure: its last
// field is one of few words. A number may have lost digits.
func (d *reading) wholeLine(line []byte) bool {
	last := line[bytes.LastIndexByte(line, ' ')+1:]
	switch string(last) {
	case "OK", "NODATA", "SKIPDATA", "ACCEPT", "REJECT", "ingress", "egress":
		return true
	}
	return d.fmt == nil && isHeader(line)
}

// record reads a line of a flow log wherever it came from.
func (d *reading) record(line []byte) {
	if isHeader(line) {
		f, err := parseFormat(string(line))
		if err != nil {
			d.fmt, d.lost = nil, true
			d.t.obs.Malformed++
			d.problem(d.line, "a header that cannot be used: "+err.Error(), "log at least srcaddr, dstaddr, dstport, protocol and start")
			return
		}
		d.fmt, d.lost = f, false
		return
	}
	line = stripTime(line)
	if d.fmt == nil && !d.lost {
		if f, err := parseFormat(defaultFormat); err == nil && isDefault(line) {
			d.fmt = f
		} else {
			d.lost = true
			d.problem(d.line, "lines without a header that are not of the default format; none of them can be read",
				"give the flow log's LogFormat (aws ec2 describe-flow-logs)")
		}
	}
	if d.lost {
		d.t.obs.Malformed++
		d.t.obs.Unnamed++
		return
	}
	if err := d.t.line(d.fmt, line); err != nil {
		d.bad(err.Error())
	}
}

// isDefault says whether a line without a header is of the default format: its
// version is 2 and the words that are fixed stand where they should.
func isDefault(line []byte) bool {
	w := bytes.Fields(line[:min(len(line), 1024)])
	if len(w) != 14 || string(w[0]) != "2" {
		return false
	}
	status := string(w[13])
	return status == "OK" || status == "NODATA" || status == "SKIPDATA"
}

// stripTime takes away the time that an export of CloudWatch Logs to S3 puts
// before each line.
func stripTime(line []byte) []byte {
	const example = "2026-01-02T03:04:05.000Z "
	if len(line) > len(example) && line[4] == '-' && line[10] == 'T' && line[len(example)-2] == 'Z' && line[len(example)-1] == ' ' {
		return line[len(example):]
	}
	return line
}
