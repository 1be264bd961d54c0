// Package called reads logs for who called or looked up which host: query logs of
// Route 53 Resolver and CoreDNS, access logs of Squid, Envoy, Istio and S3, and
// CloudTrail's events of Amazon Bedrock.
//
// # Sources
//
//   - Route 53: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html
//   - CoreDNS: https://coredns.io/plugins/log/
//   - Squid: https://wiki.squid-cache.org/Features/LogFormat, "squid"
//   - Envoy: https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
//   - Istio: https://istio.io/latest/docs/tasks/observability/logs/access-log/
//   - S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
//   - Bedrock: https://docs.aws.amazon.com/bedrock/latest/userguide/logging-using-cloudtrail.html
package called

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Call is one host that one caller called or looked up.
type Call struct {
	Host string
	// By is the caller: an instance's id, an address, an identity's ARN.
	By string
	// How: dns (the name was looked up), proxy, or api.
	How         string
	Models      []string // that were asked for, sorted
	First, Last time.Time
}

// Log is what several logs told together.
type Log struct {
	// Keep says which hosts matter; others are counted only.
	Keep func(host string) bool
	// Lines were read as entries of a known form, Other are hosts that do not matter.
	Lines, Other int
	// Unnamed are connections to public addresses of which no host is told.
	Unnamed int
	calls   map[[3]string]*Call
}

// maxCalls bounds what is kept, maxLine one line, maxDocument one document.
const (
	maxCalls    = 200_000
	maxLine     = 1 << 20
	maxDocument = 256 << 20
)

// UnreadError says that part of a log could not be read: what it would have told is not
// known.
type UnreadError struct {
	Bad  int // lines of no form that is read
	Line int // the first of them, from 1
}

// Error implements error.
func (e *UnreadError) Error() string {
	return fmt.Sprintf("%d of its lines are of no form that is read, the first is line %d", e.Bad, e.Line)
}

// Read reads one log, packed with gzip or not. An *UnreadError says that the rest of it
// was read.
func (l *Log) Read(r io.Reader) error {
	if l.calls == nil {
		l.calls = map[[3]string]*Call{}
	}
	in := bufio.NewReaderSize(r, 64<<10)
	if head, _ := in.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		zip, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("it cannot be unpacked: %w", err)
		}
		defer zip.Close()
		in = bufio.NewReaderSize(zip, 64<<10)
	}
	head, err := in.Peek(64)
	if len(head) == 0 {
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return errors.New("it is empty")
	}
	trimmed := bytes.TrimLeft(head, "\ufeff \t\r\n")
	if bytes.HasPrefix(bytes.ReplaceAll(trimmed, []byte(" "), nil), []byte(`{"Records"`)) || bytes.HasPrefix(trimmed, []byte("{\n")) || bytes.HasPrefix(trimmed, []byte("{\r\n")) {
		return l.document(in)
	}
	return l.lines(in)
}

// document is CloudTrail's: all records in one.
func (l *Log) document(in io.Reader) error {
	limited := &io.LimitedReader{R: in, N: maxDocument}
	d := json.NewDecoder(limited)
	var doc struct {
		Records []json.RawMessage `json:"Records"`
	}
	if err := d.Decode(&doc); err != nil {
		if limited.N <= 0 {
			return fmt.Errorf("it has more than %d bytes", maxDocument)
		}
		return fmt.Errorf("it cannot be read as JSON: %w", err)
	}
	if doc.Records == nil {
		return errors.New("it is one JSON document without CloudTrail's Records")
	}
	bad := &UnreadError{}
	for i, raw := range doc.Records {
		if !l.event(raw) {
			bad.count(i + 1)
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its records")
	}
	return bad.orNil()
}

func (e *UnreadError) count(line int) {
	if e.Bad == 0 {
		e.Line = line
	}
	e.Bad++
}

func (e *UnreadError) orNil() error {
	if e.Bad == 0 {
		return nil
	}
	return e
}

func (l *Log) lines(in *bufio.Reader) error {
	s := bufio.NewScanner(in)
	s.Buffer(nil, maxLine)
	bad, n := &UnreadError{}, 0
	for s.Scan() {
		n++
		text := bytes.TrimSpace(bytes.TrimPrefix(s.Bytes(), []byte("\ufeff")))
		switch {
		case len(text) == 0 || text[0] == '#':
		case text[0] == '{':
			if !l.event(text) {
				bad.count(n)
			}
		case !l.squid(string(text)) && !l.envoyText(string(text)) && !l.s3(string(text)) && !l.coreDNS(string(text)):
			bad.count(n)
		}
		if len(l.calls) > maxCalls {
			return fmt.Errorf("more than %d callers and hosts are in it: give fewer logs at a time", maxCalls)
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return bad.orNil()
}

// add takes one call; ok says that the line was read.
func (l *Log) add(host, by, how string, at time.Time, model string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	for _, port := range []string{":443", ":80"} {
		host = strings.TrimSuffix(host, port)
	}
	if host == "" || by == "" || at.IsZero() || len(host) > 260 || len(by) > 2048 {
		return false
	}
	l.Lines++
	if l.Keep != nil && !l.Keep(host) {
		l.Other++
		return true
	}
	key := [3]string{host, by, how}
	c := l.calls[key]
	if c == nil {
		c = &Call{Host: host, By: by, How: how, First: at, Last: at}
		l.calls[key] = c
	}
	if at.Before(c.First) {
		c.First = at
	}
	if at.After(c.Last) {
		c.Last = at
	}
	if i, known := slices.BinarySearch(c.Models, model); model != "" && !known && len(c.Models) < 100 {
		c.Models = slices.Insert(c.Models, i, model)
	}
	return true
}

// skip counts a line that was read and tells of no call.
func (l *Log) skip() bool {
	l.Lines++
	return true
}

// Calls are all of them, by host, caller and way.
func (l *Log) Calls() []Call {
	out := make([]Call, 0, len(l.calls))
	for _, c := range l.calls {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Call) int {
		return strings.Compare(a.Host+"\x00"+a.By+"\x00"+a.How, b.Host+"\x00"+b.By+"\x00"+b.How)
	})
	return out
}
