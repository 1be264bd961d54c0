package assess

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/bucket"
	"github.com/sevenfold-sec/sevenfold/collect/mysql"
	"github.com/sevenfold-sec/sevenfold/collect/vectors"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// erasedType is what a destruction record states.
const erasedType = "https://github.com/sevenfold-sec/sevenfold/attestation/destruction/v1"

// maxErasePlaces bounds the places of one case.
const maxErasePlaces = 100_000

// NewCase begins the erasure of a subject under a key of its own.
func NewCase(subject *data.Subject, now time.Time) (*data.Case, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	digest := subject.Digest(key)
	return &data.Case{ID: "E-" + digest[:12], Subject: digest, Key: base64.StdEncoding.EncodeToString(key), Begun: now.UTC().Truncate(time.Second),
		Places: []data.ErasePlace{}, Models: []data.EraseModel{}, Left: []data.EraseLeft{}, Unread: []data.ErasePlace{}}, nil
}

// ErrOtherSubject says that a case is of somebody else.
var ErrOtherSubject = errors.New("the case is of another subject: its digest is not this value's")

// Same reports whether a case is of a subject.
func Same(c *data.Case, subject *data.Subject) error {
	key, err := base64.StdEncoding.DecodeString(c.Key)
	if err != nil || subtle.ConstantTimeCompare([]byte(subject.Digest(key)), []byte(c.Subject)) != 1 {
		return ErrOtherSubject
	}
	return nil
}

// Searched is what came of searching a store.
type Searched struct {
	data.Relisted
	Places, Unread []data.ErasePlace
	Present        map[string]bool // key and version of everything that was listed
}

// Search looks for a subject in every version of every object of a store, and in every
// row of every table. What cannot be searched is in Unread.
func Search(ctx context.Context, uri string, subject *data.Subject, now time.Time) (*Searched, error) {
	out := &Searched{Relisted: data.Relisted{Store: StoreName(uri), At: now.UTC().Truncate(time.Second)}, Present: map[string]bool{}}
	var err error
	if isVectors(uri) {
		err = searchVectors(ctx, uri, subject, out)
	} else if strings.HasPrefix(uri, "s3://") {
		err = searchBucket(ctx, uri, subject, out)
	} else {
		err = searchTables(ctx, uri, subject, out)
	}
	if err != nil && ctx.Err() == nil && !errors.As(err, new(*SourceError)) {
		out.Unread = append(out.Unread, data.ErasePlace{Store: out.Store, Why: err.Error()})
		err = nil
	}
	return out, err
}

func searchBucket(ctx context.Context, uri string, subject *data.Subject, out *Searched) error {
	at, err := bucket.Parse(uri)
	if err != nil {
		return &SourceError{uri, err.Error(), "s3://BUCKET or s3://BUCKET/PREFIX"}
	}
	r, err := bucket.Open(ctx, at)
	if err != nil {
		return err
	}
	defer r.Close()
	err = r.Versions(ctx, func(o bucket.Object) error {
		told, named := subject.Bare(o.Key)
		out.Present[told+"\x00"+o.Version] = true
		if o.Latest && !o.Marker {
			out.Objects++
		}
		if o.Marker {
			if named > 0 {
				out.Places = append(out.Places, data.ErasePlace{Store: at.String(), Key: told, Version: o.Version, Latest: o.Latest, Hits: named,
					Do: "the key holds the value, and a delete marker keeps the key: " + deletion(at.Name, told, o.Version)})
			}
			return nil
		}
		out.Versions++
		version := o.Version
		if o.Latest {
			o.Version = "" // the newest needs no right to read versions
		}
		hits, why, err := data.SearchObject(ctx, r.Entry(ctx, o), subject)
		if err != nil {
			return err
		}
		hits += named
		p := data.ErasePlace{Store: at.String(), Key: told, Version: version, Latest: o.Latest, Hits: hits, Why: why}
		if hits > 0 {
			p.Do = deletion(at.Name, told, version)
			if len(out.Places) >= maxErasePlaces {
				return fmt.Errorf("more than %d places hold the subject's value", maxErasePlaces)
			}
			out.Places = append(out.Places, p)
		}
		if why != "" {
			p.Do = ""
			out.Unread = append(out.Unread, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.Uploads(ctx, func(u bucket.Upload) error {
		out.Unread = append(out.Unread, data.ErasePlace{Store: at.String(), Key: bareKey(subject, u.Key), Why: "an upload in parts that nobody ended: what was sent cannot be read",
			Do: fmt.Sprintf("aws s3api abort-multipart-upload --bucket %s --key %s --upload-id %s", at.Name, shellWord(bareKey(subject, u.Key)), shellWord(u.UploadID))})
		return nil
	})
}

func bareKey(s *data.Subject, key string) string {
	bare, _ := s.Bare(key)
	return bare
}

// deletion is the command that ends a version. Where the key holds the subject's value,
// (subject) stands for it.
func deletion(bucket, key, version string) string {
	return fmt.Sprintf("aws s3api delete-object --bucket %s --key %s --version-id %s", bucket, shellWord(key), version)
}

// shellWord quotes a word for a shell.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func searchTables(ctx context.Context, uri string, subject *data.Subject, out *Searched) error {
	r, err := openTables(ctx, uri)
	if err != nil {
		return err
	}
	defer r.Close()
	tables, err := r.tables(ctx)
	if err != nil {
		return err
	}
	after := "then VACUUM it, and end the backups that hold them"
	if mysql.IsAddress(uri) {
		after = "then OPTIMIZE TABLE, and end the binary logs and backups that hold them"
	}
	for _, t := range tables {
		out.Objects++
		f := subject.Find()
		p := data.ErasePlace{Store: r.URI(), Key: t.name, Latest: true}
		var got tableRead
		var err error
		if t.read != nil {
			got, err = t.read(ctx, 0, 0, f)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if p.Hits = f.Hits; f.Hits > 0 {
			p.Do = "delete the rows in which the value stands from " + t.name + "; " + after
			out.Places = append(out.Places, p)
		}
		for _, why := range append(got.problems, t.hidden) {
			if why != "" {
				err = errors.Join(err, errors.New(why))
			}
		}
		if err != nil {
			p.Why, p.Do = err.Error(), ""
			out.Unread = append(out.Unread, p)
		}
	}
	return nil
}

func searchVectors(ctx context.Context, uri string, subject *data.Subject, out *Searched) error {
	r, err := vectors.Open(uri)
	if err != nil {
		return &SourceError{StoreName(uri), err.Error(), "qdrant://HOST:6333 or opensearch://USER@HOST:9200"}
	}
	defer r.Close()
	all, err := r.Collections(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		out.Objects++
		f := subject.Find()
		p := data.ErasePlace{Store: r.URI(), Key: c.Name, Latest: true}
		_, err := r.Each(ctx, c, func(payload json.RawMessage) error {
			_, rerr := format.Read(ctx, "payload.json", bytes.NewReader(payload), int64(len(payload)), format.Limits{}, f)
			return rerr
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if p.Hits = f.Hits; f.Hits > 0 {
			p.Do = "delete the points of " + c.Name + " whose payload holds the value, with their vectors"
			out.Places = append(out.Places, p)
		}
		if err != nil {
			p.Why, p.Do = err.Error(), ""
			out.Unread = append(out.Unread, p)
		}
	}
	return nil
}

var _ format.Sink = (*data.Finder)(nil)

// StillThereError says that an erasure cannot be closed.
type StillThereError struct{ What []string }

// Error implements error.
func (e *StillThereError) Error() string {
	return "the erasure is not done: " + strings.Join(e.What[:min(5, len(e.What))], "; ")
}

// Close closes a case by what a new search of its stores says: every place is gone, the
// value stands nowhere, everything could be searched, and each model was decided on. It
// returns the signed record.
func Close(c *data.Case, again []*Searched, decisions map[string]string, keys []string, events map[string]string, now time.Time, key ed25519.PrivateKey) ([]byte, error) {
	var open []string
	rec := &data.ErasedRecord{Case: c.ID, Subject: c.Subject, Begun: c.Begun, Closed: now.UTC().Truncate(time.Second), Destroyed: []data.DestroyedPlace{}, Relisted: []data.Relisted{}, Keys: append([]string{}, keys...), Models: []data.ModelDecision{}}
	present := map[string]bool{}
	searched := map[string]bool{}
	for _, s := range again {
		searched[s.Store] = true
		rec.Relisted = append(rec.Relisted, s.Relisted)
		for k := range s.Present {
			present[s.Store+"\x00"+k] = true
		}
		for _, p := range s.Places {
			open = append(open, fmt.Sprintf("%s %s still holds it", p.Store, p.Key))
		}
		for _, p := range s.Unread {
			open = append(open, fmt.Sprintf("%s %s could not be searched: %s", p.Store, p.Key, p.Why))
		}
	}
	for _, p := range c.Places {
		switch {
		case !searched[p.Store]:
			open = append(open, p.Store+" was not searched again")
		case p.Version != "" && p.Version != "null" && present[p.Store+"\x00"+p.Key+"\x00"+p.Version]:
			open = append(open, fmt.Sprintf("version %s of %s %s is still there", p.Version, p.Store, p.Key))
		default:
			rec.Destroyed = append(rec.Destroyed, data.DestroyedPlace{Store: p.Store, Key: p.Key, Version: p.Version, Event: events[p.Store+"\x00"+p.Key+"\x00"+p.Version]})
		}
	}
	for _, m := range c.Models {
		d := strings.TrimSpace(decisions[m.Model])
		if d == "" {
			open = append(open, "nothing was decided of "+m.Model+", which learnt from it")
		}
		rec.Models = append(rec.Models, data.ModelDecision{Model: m.Model, Decision: d})
	}
	if len(open) > 0 {
		return nil, &StillThereError{open}
	}
	payload, err := json.Marshal(erasedStatement{certificate.StatementType, []certificate.Subject{{Name: "erasure " + c.ID, Digest: certificate.Digest{SHA256: c.Subject}}}, erasedType, rec})
	if err != nil {
		return nil, err
	}
	file, err := certificate.Seal(payload, key)
	if err != nil {
		return nil, fmt.Errorf("destruction record: %w", err)
	}
	c.Closed, c.Record = true, rec
	return file, nil
}

type erasedStatement struct {
	Type          string                `json:"_type"`
	Subject       []certificate.Subject `json:"subject"`
	PredicateType string                `json:"predicateType"`
	Predicate     *data.ErasedRecord    `json:"predicate"`
}

// OpenRecord holds a destruction record to its signature and gives what it states.
func OpenRecord(file []byte, trusted ...ed25519.PublicKey) (*data.ErasedRecord, error) {
	payload, _, err := certificate.Unseal(file, trusted...)
	if err != nil {
		return nil, errors.New(strings.ReplaceAll(err.Error(), "certificate", "record"))
	}
	var s erasedStatement
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil || s.PredicateType != erasedType || s.Predicate == nil {
		return nil, errors.New("it is no record of a destruction")
	}
	if len(s.Subject) != 1 || s.Subject[0].Digest.SHA256 != s.Predicate.Subject || hex.EncodedLen(32) != len(s.Predicate.Subject) {
		return nil, errors.New("the record's subject is not the one it states")
	}
	return s.Predicate, nil
}
