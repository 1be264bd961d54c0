package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Part is a range of the bytes of one stored object.
type Part struct {
	Bucket, Key string
	// Version names one version of the object; empty: the newest.
	Version string
	// ETag is what the object must still have; empty: whatever it has.
	ETag   string
	Region string
	// Offset and Length in bytes; a range beyond the object's end is cut short.
	Offset, Length int64
}

// message is the request for a part.
func (p *Part) message() *message {
	m := &message{path: "/" + p.Bucket + "/" + escape(p.Key, true), query: url.Values{}, header: http.Header{}}
	if p.Version != "" {
		m.query.Set("versionId", p.Version)
	}
	if p.ETag != "" {
		m.header.Set("If-Match", p.ETag)
	}
	m.header.Set("Range", fmt.Sprintf("bytes=%d-%d", p.Offset, p.Offset+p.Length-1))
	return m
}

// Objects reads stored content, which a Client cannot: whoever reads
// configurations has no Objects. It keeps to the limits of a Client.
type Objects struct{ c *Client }

// NewObjects makes a reader of stored content.
func NewObjects(cfg aws.Config, opt Options) *Objects { return &Objects{New(cfg, opt)} }

// Client is the reader of configurations that shares the limits of o.
func (o *Objects) Client() *Client { return o.c }

// ErrChanged says that an object is no longer the one that was listed.
var ErrChanged = errors.New("the object was changed or removed while the bucket was read")

// Read reads a part, which must be non-empty. Every failure is an *Error or
// ErrChanged.
func (o *Objects) Read(ctx context.Context, p Part) ([]byte, error) {
	req := Request{Service: "s3", Operation: "GetObject", Region: p.Region, Params: map[string]any{"Bucket": p.Bucket}}
	svc, err := load(req.Service)
	if err != nil {
		return nil, o.c.refuse(req, err.Error())
	}
	op := &operation{name: req.Operation, method: http.MethodGet, in: -1, out: -1}
	to, err := o.c.resolve(svc, op, req)
	if err != nil {
		return nil, o.c.refuse(req, err.Error())
	}
	req.Region = to.region
	j := &job{c: o.c, req: req, svc: svc, op: op, to: to, part: &p}
	body, e := j.run(ctx)
	switch {
	case e == nil:
		return body, nil
	case e.HTTPStatus == http.StatusPreconditionFailed, p.ETag != "" && e.HTTPStatus == http.StatusNotFound && e.Code == "NoSuchKey":
		return nil, ErrChanged
	}
	o.c.count(req.Key(), Stat{Errors: 1})
	return nil, e
}
