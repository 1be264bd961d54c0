package api

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Options tune a Client. The zero value is good for an account of any size.
type Options struct {
	// MaxAttempts of one call, the first included; default 5. An attempt that
	// timed out is repeated once at most.
	MaxAttempts int
	// AttemptTimeout bounds one attempt from dialling to the last byte; default
	// 20 s.
	AttemptTimeout time.Duration
	// MaxReply bounds one reply in bytes after decompression; default 64 MiB.
	// A larger one is malformed.
	MaxReply int64
	// Limits overrides the built-in limits, by service.
	Limits map[string]Limit
	// Backoff is the first delay before a retry, doubled each time up to 20 s
	// and spread at random; default 200 ms.
	Backoff time.Duration
	// OnCall is called once for each request sent, retries included, with
	// "service:Operation". It may be called from many goroutines.
	OnCall func(operation string)
	// HTTP replaces the HTTP client of the aws.Config.
	HTTP aws.HTTPClient
	// Now replaces the clock that requests are signed by.
	Now func() time.Time
}

// Limit holds the client back so that it never starves the account's own use
// of a service. It counts for each service and region apart.
type Limit struct {
	// PerSecond requests in the long run; it halves when the service throttles
	// and recovers slowly.
	PerSecond float64
	// Burst requests may go at once after a pause.
	Burst int
	// Concurrent requests in flight.
	Concurrent int
}

// Request is one call to make.
type Request struct {
	// Service and Operation as the model names them: "s3", "GetBucketPolicy".
	Service, Operation string
	// Region to ask. For a service with one home (IAM) any region of its
	// partition will do. Empty: the configuration's, else the partition's home.
	Region string
	// Params by the API's names. Values are string, bool, integers, float64,
	// time.Time, []string, []any and map[string]any.
	Params map[string]any
}

// Key is "service:Operation".
func (r Request) Key() string { return r.Service + ":" + r.Operation }

// Client calls the operations of the model. It is safe for many goroutines.
type Client struct {
	cfg    aws.Config
	opt    Options
	http   aws.HTTPClient
	signer *v4.Signer
	env    endpointEnv

	skew    atomic.Int64 // nanoseconds the provider's clock is ahead
	trusted atomic.Bool  // a call with these credentials has succeeded

	trustedIn sync.Map // signing regions where one has

	gates   sync.Map // service+region -> *gate
	pulses  sync.Map // region -> *pulse
	buckets sync.Map // bucket -> its region

	mu    sync.Mutex
	stats map[string]Stat
}

// Stat counts the use of one operation.
type Stat struct {
	// Calls sent, retries included; Bytes received in bodies; Errors returned
	// to the caller.
	Calls, Bytes, Errors int64
}

// New makes a client of a configuration as config.LoadDefaultConfig gives it.
// Endpoint overrides (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE>, the
// profile's endpoint_url) are taken from the configuration's sources.
func New(cfg aws.Config, opt Options) *Client {
	if opt.MaxAttempts <= 0 {
		opt.MaxAttempts = 5
	}
	if opt.AttemptTimeout <= 0 {
		opt.AttemptTimeout = 20 * time.Second
	}
	if opt.MaxReply <= 0 {
		opt.MaxReply = 64 << 20
	}
	if opt.Backoff <= 0 {
		opt.Backoff = 200 * time.Millisecond
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	c := &Client{cfg: cfg, opt: opt, http: opt.HTTP, signer: v4.NewSigner(), stats: map[string]Stat{}}
	if c.http == nil {
		c.http = transport(cfg.HTTPClient)
	}
	c.env = readEndpointEnv(cfg)
	return c
}

// transport keeps the transport of the configuration's HTTP client (it may hold
// a company's CA bundle) but lets it keep enough idle connections for parallel
// calls, and follows no redirect: a signature holds for one host only.
func transport(h aws.HTTPClient) aws.HTTPClient {
	b, ok := h.(*awshttp.BuildableClient)
	switch {
	case h == nil:
		b = awshttp.NewBuildableClient()
	case !ok:
		return h
	}
	t := b.GetTransport() // a copy
	t.MaxIdleConnsPerHost = 32
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// Call makes one call and gives the reply as one JSON object. Every failure is
// an *Error; one that wraps the context's error has CauseCancelled.
func (c *Client) Call(ctx context.Context, req Request) (json.RawMessage, error) {
	reply, err := c.call(ctx, req)
	if err != nil {
		c.count(req.Key(), Stat{Errors: 1})
	}
	return reply, err
}

// Stats gives the counters of every operation called, by "service:Operation".
func (c *Client) Stats() map[string]Stat {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]Stat, len(c.stats))
	for k, v := range c.stats {
		out[k] = v
	}
	return out
}

func (c *Client) count(key string, add Stat) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats[key]
	s.Calls += add.Calls
	s.Bytes += add.Bytes
	s.Errors += add.Errors
	c.stats[key] = s
}

// CloseIdle closes the connections that wait for a further call.
func (c *Client) CloseIdle() {
	if h, ok := c.http.(*http.Client); ok {
		h.CloseIdleConnections()
	}
}
