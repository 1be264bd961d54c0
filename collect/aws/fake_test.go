package aws

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/estate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake answers calls from a function; what it does not know is an empty
// reply. It counts the calls.
type fake struct {
	answer func(req api.Request) (any, error)

	mu    sync.Mutex
	calls map[string]int // by "service:Operation"
	at    map[string]int // by region
}

func (f *fake) Pages(ctx context.Context, req api.Request) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		f.mu.Lock()
		if f.calls == nil {
			f.calls, f.at = map[string]int{}, map[string]int{}
		}
		f.mu.Unlock()
		for page := 0; ; page++ {
			f.mu.Lock()
			f.calls[req.Key()]++
			f.at[req.Region]++
			f.mu.Unlock()
			body, err := f.page(ctx, req, page)
			if err != nil {
				yield(nil, err)
				return
			}
			raw, err := json.Marshal(body)
			if err != nil {
				panic(err)
			}
			more := strings.Contains(string(raw), `"more":true`)
			if !yield(raw, nil) || !more {
				return
			}
		}
	}
}

// page answers what every account answers, then asks the function.
func (f *fake) page(ctx context.Context, req api.Request, page int) (any, error) {
	if req.Key() == "sts:GetCallerIdentity" {
		if f.answer != nil {
			req.Params = merge(req.Params, map[string]any{"ctx": ctx})
			if body, err := f.answer(req); body != nil || err != nil {
				return body, err
			}
		}
		return map[string]any{"Account": "111122223333", "Arn": "arn:aws:sts::111122223333:assumed-role/r/s"}, nil
	}
	if f.answer != nil {
		req.Params = merge(req.Params, map[string]any{"page": page, "ctx": ctx})
		if body, err := f.answer(req); body != nil || err != nil {
			return body, err
		}
	}
	if req.Key() == "account:ListRegions" {
		return map[string]any{"Regions": []any{map[string]any{"RegionName": "eu-west-1"}, map[string]any{"RegionName": "us-east-1"}}}, nil
	}
	if req.Operation == "GenerateCredentialReport" {
		return map[string]any{"State": "COMPLETE"}, nil
	}
	return least(req), nil
}

// least is the least that a reply of an asset's own call holds.
func least(req api.Request) map[string]any {
	c, err := catalog.Default()
	if err != nil {
		panic(err)
	}
	out := map[string]any{}
	if op, ok := api.Operation(req.Service, req.Operation); ok {
		for _, m := range op.Outputs() {
			if m.Required && m.Type == "list" {
				out[m.Name] = []any{}
			}
		}
	}
	for _, r := range c.Resources() {
		for _, call := range r.AllCalls() {
			if call.Operation() != req.Key() || call.Empty {
				continue
			}
			out["Said"] = "x"
			if n := call.Needs(); n != "" {
				out[n] = map[string]any{"Said": "x"}
			}
		}
	}
	return out
}

// run collects from a fake.
func run(t *testing.T, f *fake, o Options) (*memory, error) {
	t.Helper()
	o.Connect = func(context.Context, string) (Client, string, error) { return f, "eu-west-1", nil }
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	return m, c.Collect(t.Context(), m)
}

func denied(req api.Request, message string) error {
	cause := api.CauseDenied
	if strings.Contains(message, "service control policy") {
		cause = api.CausePolicyDeny
	}
	return &api.Error{Service: req.Service, Operation: req.Operation, Region: req.Region, Code: "AccessDenied", Message: message, Status: estate.ReadDenied, Cause: cause}
}
