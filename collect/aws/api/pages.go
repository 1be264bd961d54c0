package api

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// maxPages bounds one listing. It is far above any real one and ends a service
// that never stops giving fresh tokens.
const maxPages = 1_000_000

// Pages calls an operation again and again for as long as its replies say that
// there is more, and gives each reply whole. An operation that does not page
// gives one. After an error nothing follows. A token that comes back unchanged
// would go on for ever; it is an error with cause malformed.
func (c *Client) Pages(ctx context.Context, req Request) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		pager := Pager{}
		if op, ok := Operation(req.Service, req.Operation); ok {
			pager, _ = op.Pager()
		}
		params := make(map[string]any, len(req.Params)+2)
		for k, v := range req.Params {
			params[k] = v
		}
		req.Params = params
		last := ""
		for range maxPages {
			reply, err := c.Call(ctx, req)
			if !yield(reply, err) || err != nil {
				return
			}
			tokens, joined := pager.next(reply)
			if joined == "" {
				return
			}
			if joined == last {
				yield(nil, c.endless(req))
				return
			}
			last = joined
			pager.set(params, tokens)
		}
		yield(nil, c.endless(req))
	}
}

func (c *Client) endless(req Request) error {
	return &Error{Service: req.Service, Operation: req.Operation, Region: first(req.Region, c.cfg.Region), Code: "Malformed",
		Message: "the service repeats its page token: the list would never end", Status: estate.ReadMalformed, Cause: CauseMalformed}
}

// next gives the tokens of the following page and their joined text, which is
// empty when there is none.
func (p Pager) next(reply json.RawMessage) ([]string, string) {
	if len(p.Output) == 0 {
		return nil, ""
	}
	if p.More != "" {
		if more, ok := lookup(reply, p.More); ok && string(more) == "false" {
			return nil, ""
		}
	}
	tokens := make([]string, len(p.Output))
	more := false
	for i, path := range p.Output {
		for alt := range strings.SplitSeq(path, "||") {
			v, ok := lookup(reply, strings.TrimSpace(alt))
			if s := plain(v); ok && s != "" {
				tokens[i], more = s, true
				break
			}
		}
	}
	if !more {
		return nil, ""
	}
	return tokens, strings.Join(tokens, "\x00")
}

func (p Pager) set(params map[string]any, tokens []string) {
	for i, name := range p.Input {
		if i < len(tokens) && tokens[i] != "" {
			params[name] = tokens[i]
		} else {
			delete(params, name)
		}
	}
}

func plain(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return ""
}

// lookup follows a path such as DistributionList.NextMarker or
// Contents[-1].Key into a reply, unpacking only what it passes.
func lookup(v json.RawMessage, path string) (json.RawMessage, bool) {
	for step := range strings.SplitSeq(path, ".") {
		name, idx, indexed := strings.Cut(step, "[")
		var obj map[string]json.RawMessage
		if json.Unmarshal(v, &obj) != nil {
			return nil, false
		}
		next, ok := obj[name]
		if !ok {
			return nil, false
		}
		if v = next; !indexed {
			continue
		}
		var items []json.RawMessage
		n, err := strconv.Atoi(strings.TrimSuffix(idx, "]"))
		if err != nil || json.Unmarshal(v, &items) != nil {
			return nil, false
		}
		if n < 0 {
			n += len(items)
		}
		if n < 0 || n >= len(items) {
			return nil, false
		}
		v = items[n]
	}
	return v, true
}
