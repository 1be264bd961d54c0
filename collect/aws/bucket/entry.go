package bucket

import (
	"context"
	"io"
	"sync"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
)

// The sizes of reads. One that goes on where the last ended grows, so that a scan
// from front to back makes few calls; one elsewhere stays small.
const (
	firstRead = 64 << 10
	lastRead  = 8 << 20
	// smallRead is the size of an object that is read at once, if from its beginning.
	smallRead = 1 << 20
	// held is how much of what was read is kept, for readers that go back.
	held = 4
)

// Entry is an object that can be opened.
type Entry struct {
	ctx context.Context
	r   *Reader
	o   Object
}

// Entry gives an object to be read, for as long as the context lasts.
func (r *Reader) Entry(ctx context.Context, o Object) *Entry { return &Entry{ctx, r, o} }

// Path is the object's URI.
func (e *Entry) Path() string { return "s3://" + e.r.at.Name + "/" + e.o.Key }

// Open gives the object's bytes at random, as long as it is the one that was
// listed. What could not be read is done's error, with the reason and without the
// key.
func (e *Entry) Open() (r io.ReaderAt, size int64, done func() error, err error) {
	in := &ranges{e: e}
	return in, e.o.Size, func() error { return in.err }, nil
}

// ranges reads an object by ranges, keeping the last ones.
type ranges struct {
	e    *Entry
	mu   sync.Mutex
	kept []span // the oldest first
	next int64  // where the last read ended
	grow int64
	err  error // the first failure, which the rest of the object has too
}

type span struct {
	at   int64
	data []byte
}

// ReadAt implements io.ReaderAt.
func (r *ranges) ReadAt(p []byte, at int64) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n < len(p) {
		if at+int64(n) >= r.e.o.Size {
			return n, io.EOF
		}
		s, err := r.span(at+int64(n), int64(len(p)-n))
		if err != nil {
			return n, err
		}
		n += copy(p[n:], s.data[at+int64(n)-s.at:])
	}
	return n, nil
}

// span gives a kept or fresh range that holds the byte at a place.
func (r *ranges) span(at, want int64) (span, error) {
	for _, s := range r.kept {
		if at >= s.at && at < s.at+int64(len(s.data)) {
			return s, nil
		}
	}
	if r.err != nil {
		return span{}, r.err
	}
	if r.grow = max(firstRead, min(r.grow*4, lastRead)); at != r.next {
		r.grow = firstRead
	}
	length := min(max(r.grow, min(want, lastRead)), r.e.o.Size-at)
	if at == 0 && r.e.o.Size <= smallRead {
		length = r.e.o.Size
	}
	data, err := r.e.r.objects.Read(r.e.ctx, api.Part{Bucket: r.e.r.at.Name, Key: r.e.o.Key, Version: r.e.o.Version, ETag: r.e.o.ETag,
		Region: r.e.r.region, Offset: at, Length: length})
	if err == nil && int64(len(data)) != length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		r.err = unread(err)
		return span{}, r.err
	}
	s := span{at, data}
	if r.next = at + length; len(r.kept) == held {
		r.kept = r.kept[1:]
	}
	r.kept = append(r.kept, s)
	return s, nil
}
