// Package queue reads the objects that the messages of an SQS queue tell of: S3's own
// notifications, CloudTrail's, either of them through SNS, and EventBridge's "Object
// Created". Taking a message out of the queue once what it tells of is kept (Done) is the
// only thing it changes.
package queue

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
)

// Queue is an open queue. Its methods may be called from many goroutines.
type Queue struct {
	address  string // as it was given
	endpoint string
	region   string
	cfg      aws.Config
	signer   *v4.Signer
	http     *http.Client
	objects  *api.Objects
}

// Object is one object that a message tells of.
type Object struct{ Bucket, Key, Version, Region string }

// String is the object's URI.
func (o Object) String() string { return "s3://" + o.Bucket + "/" + o.Key }

// Message is one message.
type Message struct {
	// Objects may be none: of a message that tells of a removal, say.
	Objects []Object
	// Body is what was sent.
	Body []byte
	// Unread is why the body could not be understood; nil if it could.
	Unread error

	receipt string
}

const (
	// waitSeconds is how long a call waits for messages, visibleAfter how long others do
	// not see those it gave.
	waitSeconds, visibleAfter = 10, 300
	maxMessages               = 10
	maxReply                  = 8 << 20
	partSize                  = 8 << 20
)

// Open finds the credentials as the AWS command line does. It makes no call. An error is
// an address that is none of a queue's.
func Open(ctx context.Context, address string) (*Queue, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(strings.Split(strings.Trim(u.Path, "/"), "/")) != 2 {
		return nil, errors.New("it is no address of a queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("AWS: %w", err)
	}
	q := &Queue{address: address, endpoint: u.Scheme + "://" + u.Host + "/", region: regionOf(u.Hostname()), cfg: cfg, signer: v4.NewSigner(),
		http: &http.Client{Timeout: (waitSeconds + 30) * time.Second}}
	if q.region == "" {
		q.region = cfg.Region
	}
	if q.region == "" {
		return nil, errors.New("its region is not known: set AWS_REGION")
	}
	q.objects = api.NewObjects(cfg, api.Options{AttemptTimeout: time.Minute})
	return q, nil
}

// regionOf is the region in the name of a host of SQS's; "" in any other.
func regionOf(host string) string {
	parts := strings.Split(host, ".")
	for i, p := range parts[:max(0, len(parts)-1)] {
		if p == "sqs" && i == 0 && parts[1] != "amazonaws" {
			return parts[1]
		}
	}
	return ""
}

// String is the queue's address.
func (q *Queue) String() string { return q.address }

// Error is what SQS answered to a call that failed.
type Error struct {
	Operation, Code, Message string
	Status                   int
}

// Error implements error.
func (e *Error) Error() string {
	s := "SQS " + e.Operation + ": " + e.Code
	if e.Message != "" {
		s += ": " + e.Message
	}
	switch {
	case strings.HasSuffix(e.Code, "QueueDoesNotExist") || strings.HasSuffix(e.Code, "NonExistentQueue"):
		s += "\nhint: aws sqs list-queues lists the queues of this account and region"
	case e.Status == http.StatusForbidden || strings.Contains(e.Code, "AccessDenied"):
		s += "\nhint: grant sqs:ReceiveMessage and sqs:DeleteMessage on the queue, and s3:GetObject on what it tells of"
	}
	return s
}

// call makes one call by SQS's JSON protocol (Amazon SQS Developer Guide, "AWS JSON protocol").
func (q *Queue) call(ctx context.Context, operation string, params map[string]any, into any) error {
	params["QueueUrl"] = q.address
	body, err := json.Marshal(params)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, q.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	who, err := q.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("AWS credentials: %w\nhint: run aws sso login or set AWS_PROFILE", err)
	}
	sum := sha256.Sum256(body)
	if err := q.signer.SignHTTP(ctx, who, req, hex.EncodeToString(sum[:]), "sqs", q.region, time.Now()); err != nil {
		return err
	}
	resp, err := q.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		e := &Error{Operation: operation, Status: resp.StatusCode, Code: resp.Status}
		var said struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if json.Unmarshal(text, &said) == nil && said.Type != "" {
			e.Code, e.Message = said.Type[strings.LastIndexByte(said.Type, '#')+1:], said.Message
		}
		return e
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("SQS %s: the reply cannot be read: %w", operation, err)
	}
	return nil
}

// Receive waits some seconds for messages and gives at most ten. Others do not see them
// for five minutes; those that are not Done then come again.
func (q *Queue) Receive(ctx context.Context) ([]Message, error) {
	var reply struct {
		Messages []struct{ Body, ReceiptHandle string }
	}
	if err := q.call(ctx, "ReceiveMessage", map[string]any{"MaxNumberOfMessages": maxMessages, "WaitTimeSeconds": waitSeconds, "VisibilityTimeout": visibleAfter}, &reply); err != nil {
		return nil, err
	}
	var out []Message
	for _, m := range reply.Messages {
		x := Message{Body: []byte(m.Body), receipt: m.ReceiptHandle}
		x.Objects, x.Unread = Parse(x.Body)
		out = append(out, x)
	}
	return out, nil
}

// Done takes a message out of the queue.
func (q *Queue) Done(ctx context.Context, m Message) error {
	return q.call(ctx, "DeleteMessage", map[string]any{"ReceiptHandle": m.receipt}, nil)
}

// Open gives the bytes of an object, unpacked if they are packed with gzip. What cannot
// be read is an error of Read.
func (q *Queue) Open(ctx context.Context, o Object) (io.Reader, error) {
	if o.Region == "" {
		o.Region = q.region
	}
	in := bufio.NewReaderSize(&parts{ctx: ctx, q: q, o: o}, 64<<10)
	head, err := in.Peek(2)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return gzip.NewReader(in)
	}
	return in, nil
}

// parts reads an object part by part.
type parts struct {
	ctx  context.Context
	q    *Queue
	o    Object
	at   int64
	have []byte
	end  bool
}

// Read implements io.Reader.
func (p *parts) Read(into []byte) (int, error) {
	for len(p.have) == 0 {
		if p.end {
			return 0, io.EOF
		}
		data, err := p.q.objects.Read(p.ctx, api.Part{Bucket: p.o.Bucket, Key: p.o.Key, Version: p.o.Version, Region: p.o.Region, Offset: p.at, Length: partSize})
		var e *api.Error
		switch {
		case errors.As(err, &e) && e.HTTPStatus == http.StatusRequestedRangeNotSatisfiable:
			return 0, io.EOF // it ended with the part before, or is empty
		case err != nil:
			return 0, err
		}
		p.have, p.end = data, len(data) < partSize
		p.at += int64(len(data))
	}
	n := copy(into, p.have)
	p.have = p.have[n:]
	return n, nil
}

// Parse finds the objects that a message tells of. An error is a message of another kind.
func Parse(body []byte) ([]Object, error) {
	var m struct {
		Type, Message string // SNS
		Event         string // S3's test
		Records       []struct {
			EventSource, EventName, AwsRegion string
			S3                                struct {
				Bucket struct{ Name string }
				Object struct{ Key, VersionID string }
			}
		}
		S3Bucket    string   // CloudTrail
		S3ObjectKey []string //
		DetailType  string   `json:"detail-type"` // EventBridge
		Region      string
		Detail      struct {
			Bucket struct{ Name string }
			Object struct {
				Key     string
				Version string `json:"version-id"`
			}
		}
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("the message is no JSON: %w", err)
	}
	var out []Object
	switch {
	case m.Type == "Notification" && m.Message != "":
		var inner struct{ Type string }
		if json.Unmarshal([]byte(m.Message), &inner) == nil && inner.Type == "Notification" {
			return nil, errors.New("a notification within a notification")
		}
		return Parse([]byte(m.Message))
	case m.Event == "s3:TestEvent":
		return nil, nil
	case len(m.Records) > 0:
		for _, r := range m.Records {
			if r.EventSource != "aws:s3" || r.S3.Bucket.Name == "" || r.S3.Object.Key == "" {
				return nil, errors.New("a record is no notification of S3")
			}
			key, err := url.QueryUnescape(r.S3.Object.Key)
			if err != nil {
				return nil, fmt.Errorf("the name of an object cannot be read: %w", err)
			}
			if strings.HasPrefix(r.EventName, "ObjectCreated") {
				out = append(out, Object{r.S3.Bucket.Name, key, r.S3.Object.VersionID, r.AwsRegion})
			}
		}
		return out, nil
	case m.S3Bucket != "" && len(m.S3ObjectKey) > 0:
		for _, key := range m.S3ObjectKey {
			out = append(out, Object{Bucket: m.S3Bucket, Key: key})
		}
		return out, nil
	case m.DetailType == "Object Created" && m.Detail.Bucket.Name != "" && m.Detail.Object.Key != "":
		return []Object{{m.Detail.Bucket.Name, m.Detail.Object.Key, m.Detail.Object.Version, m.Region}}, nil
	}
	return nil, errors.New("the message tells of no object: S3's notifications, CloudTrail's, SNS's of these and EventBridge's are read")
}
