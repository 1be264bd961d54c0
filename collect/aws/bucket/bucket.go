// Package bucket reads what is stored in S3 buckets: the listing, with versions
// and unfinished uploads where they are asked for, and ranges of objects. It
// writes nothing, holds to the limits of collect/aws/api, and reads of an object
// only what its caller asks for.
package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
)

// Address is where a bucket's objects lie: s3://NAME/PREFIX.
type Address struct{ Name, Prefix string }

// Parse reads s3://BUCKET[/PREFIX]. The error says what is wrong with it.
func Parse(uri string) (Address, error) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	name, prefix, _ := strings.Cut(rest, "/")
	if !ok || len(name) < 3 || len(name) > 63 || strings.ContainsAny(name, " ?#%@:\\") {
		return Address{}, errors.New("it is no address of a bucket: s3://BUCKET/PREFIX")
	}
	return Address{name, prefix}, nil
}

// String is the address as a URI.
func (a Address) String() string {
	if a.Prefix == "" {
		return "s3://" + a.Name
	}
	return "s3://" + a.Name + "/" + a.Prefix
}

// Object is one object, or one version of it, as a listing tells of it.
type Object struct {
	Key      string    `json:"Key"`
	ETag     string    `json:"ETag"`
	Size     int64     `json:"Size"`
	Modified time.Time `json:"LastModified"`
	Class    string    `json:"StorageClass"`
	// Version, Latest and Marker are those of a listing of versions; Marker is set
	// on a delete marker, which holds nothing.
	Version string `json:"VersionId"`
	Latest  bool   `json:"IsLatest"`
	Marker  bool   `json:"-"`
}

// Reader reads one bucket.
type Reader struct {
	at      Address
	objects *api.Objects
	region  string
}

// Open finds the credentials and the region as the AWS command line does
// (AWS_ENDPOINT_URL is honoured). It makes no call.
func Open(ctx context.Context, at Address) (*Reader, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("AWS: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1" // S3 says where the bucket is
	}
	return &Reader{at: at, region: cfg.Region, objects: api.NewObjects(cfg, api.Options{AttemptTimeout: time.Minute})}, nil
}

// Address is the one the reader was opened for.
func (r *Reader) Address() Address { return r.at }

// Close ends the idle connections.
func (r *Reader) Close() { r.objects.Client().CloseIdle() }

// Calls is how many requests were sent, and Bytes how many bytes of answers came.
func (r *Reader) Calls() (calls, bytes int64) {
	for _, s := range r.objects.Client().Stats() {
		calls, bytes = calls+s.Calls, bytes+s.Bytes
	}
	return calls, bytes
}

func (r *Reader) pages(ctx context.Context, operation string, visit func(json.RawMessage) error) error {
	params := map[string]any{"Bucket": r.at.Name}
	if r.at.Prefix != "" {
		params["Prefix"] = r.at.Prefix
	}
	for page, err := range r.objects.Client().Pages(ctx, api.Request{Service: "s3", Operation: operation, Region: r.region, Params: params}) {
		if err != nil {
			return listing(err)
		}
		if err := visit(page); err != nil {
			return err
		}
	}
	return nil
}

// List visits every object in the order of the keys.
func (r *Reader) List(ctx context.Context, visit func(Object) error) error {
	return r.pages(ctx, "ListObjectsV2", func(page json.RawMessage) error {
		var p struct{ Contents []Object }
		if err := json.Unmarshal(page, &p); err != nil {
			return fmt.Errorf("the listing of s3://%s cannot be read: %w", r.at.Name, err)
		}
		for _, o := range p.Contents {
			if err := visit(o); err != nil {
				return err
			}
		}
		return nil
	})
}

// Versions visits every version and delete marker.
func (r *Reader) Versions(ctx context.Context, visit func(Object) error) error {
	return r.pages(ctx, "ListObjectVersions", func(page json.RawMessage) error {
		var p struct{ Versions, DeleteMarkers []Object }
		if err := json.Unmarshal(page, &p); err != nil {
			return fmt.Errorf("the versions of s3://%s cannot be read: %w", r.at.Name, err)
		}
		for i := range p.DeleteMarkers {
			p.DeleteMarkers[i].Marker = true
		}
		for _, o := range append(p.Versions, p.DeleteMarkers...) {
			if err := visit(o); err != nil {
				return err
			}
		}
		return nil
	})
}

// Upload is an upload in parts that nobody ended.
type Upload struct {
	Key       string    `json:"Key"`
	UploadID  string    `json:"UploadId"`
	Initiated time.Time `json:"Initiated"`
}

// Uploads visits the unfinished uploads.
func (r *Reader) Uploads(ctx context.Context, visit func(Upload) error) error {
	return r.pages(ctx, "ListMultipartUploads", func(page json.RawMessage) error {
		var p struct{ Uploads []Upload }
		if err := json.Unmarshal(page, &p); err != nil {
			return fmt.Errorf("the uploads of s3://%s cannot be read: %w", r.at.Name, err)
		}
		for _, u := range p.Uploads {
			if err := visit(u); err != nil {
				return err
			}
		}
		return nil
	})
}

// Error is a bucket that could not be listed or an object that could not be read.
type Error struct {
	What, Mend string
	err        error
}

// Error implements error.
func (e *Error) Error() string { return e.What }

// Hint is the mend.
func (e *Error) Hint() string { return e.Mend }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.err }

func listing(err error) error {
	var a *api.Error
	if !errors.As(err, &a) {
		return err
	}
	mend := "check the name, the credentials and the network path"
	switch {
	case a.Grant != "":
		mend = "grant " + a.Grant + " on the bucket and s3:GetObject on its objects"
	case a.Code == "NoSuchBucket":
		mend = "check the name: aws s3 ls lists the buckets"
	case a.Cause == api.CauseCredentials:
		mend = "run aws sso login or set AWS_PROFILE"
	}
	return &Error{"the bucket cannot be listed: " + a.Why(), mend, err}
}

// unread is why an object could not be read, without its key.
func unread(err error) error {
	var a *api.Error
	switch {
	case errors.Is(err, api.ErrChanged):
		return err
	case !errors.As(err, &a):
		return err
	case a.Code == "InvalidObjectState":
		return errors.New("it is archived (S3 Glacier): nothing is restored to be read")
	case a.Grant != "" && strings.Contains(strings.ToLower(a.Why()), "kms"):
		return errors.New("it is encrypted with a key that may not be used: grant kms:Decrypt")
	case a.Grant != "":
		return errors.New("reading it was refused (" + a.Code + "): grant s3:GetObject")
	}
	return errors.New("it cannot be read: " + a.Code)
}
