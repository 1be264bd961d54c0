// Package aws is the only code that writes to an AWS account: the containment
// actions of step 7. Each reads what it will change, sets it, tells whether it is set,
// and puts back what it read. Nothing here runs by itself: who calls it has asked for
// approval and keeps a journal.
//
// The client is a small one of its own and not the collector's: that one's model holds
// no operation that writes, which is its promise. Calls are signed as a role apart,
// whose grants Grants prints.
package aws

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // S3 asks for this digest by name
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Client writes with one set of credentials. It is safe for many goroutines.
type Client struct {
	cfg    aws.Config
	http   aws.HTTPClient
	signer *v4.Signer
}

const (
	attempts = 4
	maxReply = 16 << 20
)

// New makes a client of a configuration as config.LoadDefaultConfig gives it;
// AWS_ENDPOINT_URL is honoured.
func New(cfg aws.Config) *Client {
	c := &Client{cfg: cfg, http: cfg.HTTPClient, signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })}
	if c.http == nil {
		c.http = &http.Client{Timeout: 30 * time.Second}
	}
	return c
}

// Error is what AWS answered to a call that failed.
type Error struct {
	Service, Operation, Code, Message string
	Status                            int
}

// Error implements error.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s %s: %s", e.Service, e.Operation, e.Code)
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Status == http.StatusForbidden || strings.Contains(e.Code, "AccessDenied") {
		s += "\nhint: sevenfold respond plan --grants prints what the responder's role needs"
	}
	return s
}

// isCode reports whether an error is AWS's with one of some codes.
func isCode(err error, codes ...string) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code == c || strings.HasPrefix(e.Code, c+"Exception") {
			return true
		}
	}
	return false
}

// call is one request before it is signed.
type call struct {
	service, signing, operation, region string
	method, path                        string
	query                               url.Values
	header                              map[string]string
	body                                []byte
}

// hosts that are not SERVICE.REGION.amazonaws.com.
var hosts = map[string]string{"iam": "iam.amazonaws.com", "sagemaker": "api.sagemaker.{region}.amazonaws.com", "ecr": "api.ecr.{region}.amazonaws.com"}

func (c *Client) url(k call, region string) (*url.URL, error) {
	base := "https://" + k.service + "." + region + ".amazonaws.com"
	if h := hosts[k.service]; h != "" {
		base = "https://" + strings.ReplaceAll(h, "{region}", region)
	}
	if strings.HasPrefix(region, "cn-") {
		base += ".cn"
	}
	if c.cfg.BaseEndpoint != nil {
		base = strings.TrimSuffix(*c.cfg.BaseEndpoint, "/")
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	u.RawPath = u.EscapedPath() + k.path
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	u.RawQuery = strings.ReplaceAll(k.query.Encode(), "+", "%20")
	return u, nil
}

// send signs a call and makes it, again where AWS asks for patience: every call here
// sets a state, so that twice is once.
func (c *Client) send(ctx context.Context, k call) (body []byte, header http.Header, err error) {
	region := k.region
	if region == "" {
		region = c.cfg.Region
	}
	if region == "" || k.service == "iam" {
		region = "us-east-1"
	}
	for n := 1; ; n++ {
		body, header, err = c.once(ctx, k, region)
		var e *Error
		if err == nil || n == attempts || ctx.Err() != nil || errors.As(err, &e) && e.Status < 500 && !isCode(err, "Throttling", "ThrottledException", "TooManyRequests", "RequestLimitExceeded", "SlowDown") {
			return body, header, err
		}
		select {
		case <-time.After(time.Duration(n*n) * 200 * time.Millisecond):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

func (c *Client) once(ctx context.Context, k call, region string) ([]byte, http.Header, error) {
	u, err := c.url(k, region)
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, k.method, u.String(), bytes.NewReader(k.body))
	if err != nil {
		return nil, nil, err
	}
	for name, v := range k.header {
		req.Header.Set(name, v)
	}
	sum := sha256.Sum256(k.body)
	hash := hex.EncodeToString(sum[:])
	if k.service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hash)
		if len(k.body) > 0 {
			m := md5.Sum(k.body) //nolint:gosec // see the import
			req.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(m[:]))
		}
	}
	credentials, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("AWS credentials of the responder: %w", err)
	}
	signing := k.signing
	if signing == "" {
		signing = k.service
	}
	if err := c.signer.SignHTTP(ctx, credentials, req, hash, signing, region, time.Now()); err != nil {
		return nil, nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", k.service, k.operation, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", k.service, k.operation, err)
	}
	if resp.StatusCode >= 300 {
		return nil, nil, refused(k, resp, body)
	}
	return body, resp.Header, nil
}

// refused reads an error in whichever of AWS's spellings it came.
func refused(k call, resp *http.Response, body []byte) *Error {
	e := &Error{Service: k.service, Operation: k.operation, Status: resp.StatusCode}
	var j map[string]any
	if json.Unmarshal(body, &j) == nil {
		e.Code, e.Message = text(j, "__type"), first(text(j, "message"), text(j, "Message"))
		if e.Code == "" {
			e.Code = text(j, "code")
		}
	} else if x, err := decodeXML(body); err == nil {
		if inner := find(x, "Error"); inner != nil {
			x = inner
		}
		e.Code, e.Message = text(x, "Code"), text(x, "Message")
	}
	e.Code = first(resp.Header.Get("X-Amzn-Errortype"), e.Code)
	if _, after, ok := strings.Cut(e.Code, "#"); ok {
		e.Code = after
	}
	e.Code, _, _ = strings.Cut(e.Code, ":")
	if e.Code == "" {
		e.Code = fmt.Sprint(resp.StatusCode)
	}
	if len(e.Message) > 300 {
		e.Message = e.Message[:300]
	}
	return e
}

func first(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}

// json calls an operation of a service that speaks AWS JSON.
func (c *Client) json(ctx context.Context, service, region, prefix, operation string, in any) (map[string]any, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	reply, _, err := c.send(ctx, call{service: service, operation: operation, region: region, method: http.MethodPost, path: "/", body: body,
		header: map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": prefix + "." + operation}})
	if err != nil {
		return nil, err
	}
	return decodeJSON(reply)
}

// rest calls an operation of a service that speaks JSON over paths.
func (c *Client) rest(ctx context.Context, service, signing, region, operation, method, path string, in any) (map[string]any, error) {
	k := call{service: service, signing: signing, operation: operation, region: region, method: method, path: path, header: map[string]string{}}
	if in != nil {
		var err error
		if k.body, err = json.Marshal(in); err != nil {
			return nil, err
		}
		k.header["Content-Type"] = "application/json"
	}
	reply, _, err := c.send(ctx, k)
	if err != nil {
		return nil, err
	}
	return decodeJSON(reply)
}

// restQuery reads by a path with a query.
func (c *Client) restQuery(ctx context.Context, service, region, operation, path string, query url.Values) (map[string]any, error) {
	reply, _, err := c.send(ctx, call{service: service, operation: operation, region: region, method: http.MethodGet, path: path, query: query})
	if err != nil {
		return nil, err
	}
	return decodeJSON(reply)
}

func decodeJSON(reply []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(reply)) == 0 {
		return map[string]any{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(reply))
	d.UseNumber()
	out := map[string]any{}
	err := d.Decode(&out)
	return out, err
}

// query calls an operation of a service that speaks forms and XML.
func (c *Client) query(ctx context.Context, service, region, version, operation string, in map[string]string) (map[string]any, error) {
	form := url.Values{"Action": {operation}, "Version": {version}}
	for k, v := range in {
		form.Set(k, v)
	}
	reply, _, err := c.send(ctx, call{service: service, operation: operation, region: region, method: http.MethodPost, path: "/", body: []byte(form.Encode()),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}})
	if err != nil {
		return nil, err
	}
	return decodeXML(reply)
}

// decodeXML reads a reply as objects, lists (of elements member or item) and texts.
func decodeXML(text []byte) (map[string]any, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		if _, ok := t.(xml.StartElement); ok {
			v, err := element(d, 0)
			if err != nil {
				return nil, err
			}
			m, _ := v.(map[string]any)
			if m == nil {
				m = map[string]any{}
			}
			return m, nil
		}
	}
}

func element(d *xml.Decoder, depth int) (any, error) {
	if depth > 40 {
		return nil, errors.New("a reply that is too deeply nested")
	}
	var text strings.Builder
	var object map[string]any
	var list []any
	for {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.StartElement:
			v, err := element(d, depth+1)
			if err != nil {
				return nil, err
			}
			switch name := t.Name.Local; {
			case name == "member" || name == "item":
				list = append(list, v)
			default:
				if object == nil {
					object = map[string]any{}
				}
				if had, ok := object[name]; ok { // a list without a wrapper, as S3 writes them
					l, isList := had.([]any)
					if !isList {
						l = []any{had}
					}
					v = append(l, v)
				}
				object[name] = v
			}
		case xml.EndElement:
			switch {
			case list != nil:
				return list, nil
			case object != nil:
				return object, nil
			}
			return text.String(), nil
		}
	}
}

// find returns the first object of that name, at any depth.
func find(m map[string]any, name string) map[string]any {
	if v, ok := m[name].(map[string]any); ok {
		return v
	}
	for _, v := range m {
		if inner, ok := v.(map[string]any); ok {
			if got := find(inner, name); got != nil {
				return got
			}
		}
	}
	return nil
}

// text is a member that is a text or a number; empty where there is none.
func text(m map[string]any, path ...string) string {
	for _, p := range path[:len(path)-1] {
		m, _ = m[p].(map[string]any)
	}
	switch v := m[path[len(path)-1]].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

// items is a member that is a list, however the protocol wrote it.
func items(m map[string]any, path ...string) []map[string]any {
	for _, p := range path[:len(path)-1] {
		m, _ = m[p].(map[string]any)
	}
	var out []map[string]any
	switch v := m[path[len(path)-1]].(type) {
	case []any:
		for _, e := range v {
			if o, ok := e.(map[string]any); ok {
				out = append(out, o)
			}
		}
	case map[string]any:
		out = append(out, v)
	}
	return out
}
