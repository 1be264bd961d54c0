// Package openlineage reads events of OpenLineage 1 and 2: which job took which data
// sets and made which. Bodies as an HTTP collector keeps them are read too: one event, a
// list of them, or one a line. Of facets those are read that say where a data set lies by
// other names (symlinks, dataSource) and which further ones it was made of (columnLineage);
// the rest, which may hold queries and samples, are passed over.
package openlineage

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Dataset is a data set by its naming: namespace and name.
type Dataset struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Facets    Facets `json:"facets"`
}

// Event is one run, job or data set event.
type Event struct {
	Type string    `json:"eventType"`
	Time time.Time `json:"-"`
	Job  struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"job"`
	Run struct {
		ID string `json:"runId"`
	} `json:"run"`
	Inputs  []Dataset `json:"inputs"`
	Outputs []Dataset `json:"outputs"`
}

// maxEvent bounds one event in bytes.
const maxEvent = 8 << 20

// Error says what in a file is no event, and where.
type Error struct {
	Offset int64
	Why    string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Why) }

// Each gives every event of a file. What is no event ends it with an *Error; the error
// else is the reader's or fn's.
func Each(in io.Reader, fn func(Event) error) (n int, err error) {
	b := bufio.NewReaderSize(in, 64<<10)
	first, err := peek(b)
	if errors.Is(err, io.EOF) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	limited := &limit{r: b, left: maxEvent}
	dec := json.NewDecoder(limited)
	if first == '[' {
		if _, err := dec.Token(); err != nil {
			return 0, damaged(dec, err)
		}
	}
	for {
		limited.left = maxEvent
		if first == '[' && !dec.More() {
			if _, err := dec.Token(); err != nil {
				return n, damaged(dec, err)
			}
			return n, nil
		}
		var raw struct {
			Event
			Time   string          `json:"eventTime"`
			Schema json.RawMessage `json:"schemaURL"`
		}
		switch err := dec.Decode(&raw); {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, damaged(dec, err)
		}
		e := raw.Event
		if e.Job.Name == "" && len(e.Inputs)+len(e.Outputs) == 0 && raw.Time == "" {
			return n, &Error{dec.InputOffset(), "it is no event of OpenLineage: it has neither job nor eventTime"}
		}
		e.Time, _ = time.Parse(time.RFC3339Nano, raw.Time) // some writers leave it out; no flow hangs on it
		n++
		if err := fn(e); err != nil {
			return n, err
		}
	}
}

func peek(b *bufio.Reader) (byte, error) {
	for {
		c, err := b.ReadByte()
		if err != nil {
			return 0, err
		}
		if c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == 0xef || c == 0xbb || c == 0xbf {
			continue
		}
		return c, b.UnreadByte()
	}
}

// damaged words a decoder's error without what it quotes of the file.
func damaged(dec *json.Decoder, err error) error {
	switch {
	case errors.Is(err, errTooLong):
		return &Error{dec.InputOffset(), fmt.Sprintf("an event is longer than %d MiB", maxEvent>>20)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{dec.InputOffset(), "it is cut short"}
	}
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &typ) {
		return &Error{dec.InputOffset(), "it is no JSON of an event"}
	}
	return err
}

var errTooLong = errors.New("too long")

type limit struct {
	r    io.Reader
	left int64
}

func (l *limit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// bare is the address of a store that somebody wrote, without who asks it and how: such addresses hold
// passwords.
func bare(uri string) string {
	uri = strings.TrimPrefix(uri, "jdbc:")
	uri, _, _ = strings.Cut(uri, "?")
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri
	}
	host, path, slash := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	if slash {
		path = "/" + path
	}
	return scheme + "://" + host + path
}

// Address is a data set as a store's address: s3://BUCKET/PATH, postgres://HOST/DATABASE,
// mysql://HOST/DATABASE. Others keep their naming, namespace and name joined by a slash.
func (d Dataset) Address() string {
	ns := strings.TrimSuffix(bare(d.Namespace), "/")
	for _, s := range []string{"s3a://", "s3n://"} {
		if rest, ok := strings.CutPrefix(ns, s); ok {
			ns = "s3://" + rest
		}
	}
	name := strings.TrimPrefix(d.Name, "/")
	if rest, ok := strings.CutPrefix(ns, "postgresql://"); ok {
		ns = "postgres://" + rest
	}
	if rest, ok := strings.CutPrefix(ns, "mariadb://"); ok {
		ns = "mysql://" + rest
	}
	if strings.HasPrefix(ns, "postgres://") || strings.HasPrefix(ns, "mysql://") {
		database, _, _ := strings.Cut(name, ".")
		return ns + "/" + database
	}
	if strings.HasPrefix(name, "s3://") {
		return name
	}
	return ns + "/" + name
}
