// Package events takes events in as others send them: over HTTP, from
// EventBridge's API destinations, the audit webhook of a Kubernetes API
// server, an OpenTelemetry exporter or anything that posts JSON.
package events

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strings"
	"time"
)

// Receiver is the HTTP way in: POST with "Authorization: Bearer TOKEN" to any
// path, the body plain or gzip, JSON or, as application/x-protobuf, OTLP's spans. It answers 200 and what was taken, as JSON, once
// Take has returned nil, so that a sender which repeats what was not answered
// loses nothing; 503 asks it to repeat. GET /healthz is answered to anyone.
type Receiver struct {
	// Token is what senders show. It is never empty: New refuses that.
	token [sha256.Size]byte
	// MaxBody bounds a body once unpacked, in bytes; 0 is 64 MiB.
	MaxBody int64
	// Take keeps what one request brought, durably, before it returns. name is
	// the path without its first slash. A *BadBody is the sender's fault, any
	// other error ours.
	Take func(ctx context.Context, name string, body io.Reader) (Taken, error)
	// Answers are what is told by GET, by path, to who shows the token.
	Answers map[string]http.HandlerFunc
}

// Taken is what one body held.
type Taken struct {
	// Events are stored; Rejected are parts that gave none, which are kept apart.
	Events   int `json:"events"`
	Rejected int `json:"rejected"`
}

// BadBody is a body that holds nothing that can be kept, however often it comes.
type BadBody struct{ Why string }

// Error implements error.
func (b *BadBody) Error() string { return b.Why }

const (
	defaultMaxBody = 64 << 20
	minToken       = 16
)

// NewReceiver makes a receiver. A token shorter than 16 characters is an error.
func NewReceiver(token string, take func(ctx context.Context, name string, body io.Reader) (Taken, error)) (*Receiver, error) {
	if len(token) < minToken {
		return nil, fmt.Errorf("a token of %d characters is too easy to guess: at least %d are wanted", len(token), minToken)
	}
	return &Receiver{token: sha256.Sum256([]byte(token)), Take: take}, nil
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == "/healthz" {
		w.WriteHeader(http.StatusOK)
		return
	}
	if !r.knows(req) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "a bearer token is wanted", http.StatusUnauthorized)
		return
	}
	if answer := r.Answers[req.URL.Path]; answer != nil && req.Method == http.MethodGet {
		answer(w, req)
		return
	}
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "events are posted", http.StatusMethodNotAllowed)
		return
	}
	protobuf := strings.Contains(req.Header.Get("Content-Type"), "protobuf")
	if signal := path.Base(req.URL.Path); protobuf && (signal == "metrics" || signal == "logs" || signal == "profiles") {
		http.Error(w, "of OTLP, spans are read: leave "+signal+" out for this endpoint", http.StatusUnsupportedMediaType)
		return
	}
	most := r.MaxBody
	if most <= 0 {
		most = defaultMaxBody
	}
	body, err := unpacked(http.MaxBytesReader(w, req.Body, most), req.Header.Get("Content-Encoding"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	bounded := &limit{r: body, left: most}
	taken, err := r.take(req, bounded, protobuf)
	var bad *BadBody
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large), bounded.over:
		http.Error(w, fmt.Sprintf("more than %d bytes: send less at a time", most), http.StatusRequestEntityTooLarge)
	case errors.As(err, &bad):
		http.Error(w, bad.Why, http.StatusBadRequest)
	case err != nil:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "not kept: send it again", http.StatusServiceUnavailable)
	case protobuf:
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(otlpAnswer(taken)) // as below
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(taken) // who sent it is gone if this fails, and sends it again
	}
}

// take has what one request brought kept.
func (r *Receiver) take(req *http.Request, body io.Reader, protobuf bool) (Taken, error) {
	if protobuf {
		request, err := io.ReadAll(body) // its parts say how long they are, and cannot be read before they are there
		if err != nil {
			return Taken{}, err
		}
		body = fromProtobuf(request)
	}
	return r.Take(req.Context(), strings.TrimPrefix(req.URL.Path, "/"), body)
}

// knows compares the token without telling by time how much of it is right.
func (r *Receiver) knows(req *http.Request) bool {
	given, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	sum := sha256.Sum256([]byte(given))
	return ok && subtle.ConstantTimeCompare(sum[:], r.token[:]) == 1
}

func unpacked(body io.Reader, encoding string) (io.Reader, error) {
	switch encoding {
	case "", "identity":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, errors.New("the body is no gzip")
		}
		return z, nil
	}
	return nil, fmt.Errorf("a body is plain or gzip, not %.20q", encoding)
}

// errTooLarge ends a body that unpacks to more than is taken.
var errTooLarge = errors.New("the body is too large")

// limit ends a body with an error where io.LimitReader would end it as if it were whole.
type limit struct {
	r    io.Reader
	left int64
	over bool
}

// Read implements io.Reader.
func (l *limit) Read(p []byte) (n int, err error) {
	if l.left > 0 {
		n, err = l.r.Read(p[:min(int64(len(p)), l.left)])
		l.left -= int64(n)
	} else if n, err = l.r.Read(make([]byte, 1)); n > 0 {
		n, err = 0, errTooLarge
	}
	// Whoever reads events may take the end for one more part that gives none.
	var large *http.MaxBytesError
	l.over = l.over || errors.Is(err, errTooLarge) || errors.As(err, &large)
	return n, err
}

// Listen opens an address for Serve. Without a certificate only addresses of
// this machine are taken: a token must not cross a network in the clear.
func Listen(address string, encrypted bool) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", address, err)
	}
	if ip := net.ParseIP(host); !encrypted && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("address %q is reached from other machines, and the token would cross the network in the clear: give a certificate, or 127.0.0.1", address)
	}
	return net.Listen("tcp", address)
}

// Serve answers requests until the context ends, and lets those under way
// finish. cert and key are files, or both empty.
func (r *Receiver) Serve(ctx context.Context, l net.Listener, cert, key string) error {
	s := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, MaxHeaderBytes: 64 << 10}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		stopped <- s.Shutdown(grace)
	})
	defer stop()
	var err error
	if cert != "" {
		err = s.ServeTLS(l, cert, key)
	} else {
		err = s.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return <-stopped
	}
	return err
}
