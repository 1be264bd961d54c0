package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// message is a request before it has a host and a signature.
type message struct {
	path   string // escaped
	query  url.Values
	header http.Header
	body   []byte
}

// request builds and signs one attempt.
func (j *job) request(ctx context.Context) (*http.Request, *Error) {
	m, err := j.ask()
	if err != nil {
		return nil, j.fail("InvalidParameter", err.Error(), CauseRequest)
	}
	path := m.path
	if j.to.virtual {
		path = strings.TrimPrefix(path, "/"+j.to.bucket)
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
	}
	raw := j.to.scheme + "://" + j.to.host + j.to.path + path
	if q := m.query.Encode(); q != "" {
		raw += "?" + strings.ReplaceAll(q, "+", "%20")
	}
	hr, err := http.NewRequestWithContext(ctx, j.op.method, raw, bytes.NewReader(m.body))
	if err != nil {
		return nil, j.fail("InvalidParameter", "the parameters make no URL", CauseRequest)
	}
	for k, v := range m.header {
		hr.Header[k] = v
	}
	hr.Header.Set("User-Agent", "sevenfold (read-only)")
	if e := j.sign(ctx, hr, m.body); e != nil {
		return nil, e
	}
	return hr, nil
}

// ask is what the job asks for, without a host.
func (j *job) ask() (*message, error) {
	if j.part != nil {
		return j.part.message(), nil
	}
	return serialize(j.svc, j.op, j.req.Params)
}

// sign fetches the credentials and signs by Signature Version 4.
func (j *job) sign(ctx context.Context, hr *http.Request, body []byte) *Error {
	if j.c.cfg.Credentials == nil {
		return j.fail("NoCredentials", "no AWS credentials are configured; run aws sso login or set AWS_PROFILE", CauseCredentials)
	}
	creds, err := j.c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return j.noCredentials(ctx, err)
	}
	j.to.secrets = []string{creds.SecretAccessKey, creds.SessionToken, creds.AccessKeyID}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	s3 := j.svc.name == "s3" || j.svc.name == "s3control"
	if s3 {
		hr.Header.Set("X-Amz-Content-Sha256", hash)
	}
	now := j.c.opt.Now().Add(time.Duration(j.c.skew.Load()))
	err = j.c.signer.SignHTTP(ctx, creds, hr, hash, j.to.signName, j.to.signRegion, now, func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = s3
	})
	if err != nil {
		return j.fail("NoCredentials", "the request could not be signed", CauseCredentials)
	}
	return nil
}

// noCredentials says that none could be had. The chain's own error is kept
// short: its parts name files and hosts, and it may quote a command's output.
func (j *job) noCredentials(ctx context.Context, err error) *Error {
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return j.cancelled(ctx)
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	e := j.fail("NoCredentials", clip(text)+"; run aws sso login, set AWS_PROFILE or renew the keys", CauseCredentials)
	e.wrapped = err
	return e
}
