package assess

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/called"
	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
)

// CalledIn is what logs say of who called which AI service.
type CalledIn struct {
	Calls []supply.Called `json:"calls"`
	Files int             `json:"files"`
	// Lines were read, Other of them are of hosts that are no AI service's.
	Lines int `json:"lines"`
	Other int `json:"other"`
	// Unread says which files could not be read, or not in full, and why.
	Unread []string `json:"unread"`
	// Unregistered are the hosts that no register knows.
	Unregistered []string `json:"unregistered"`
}

// CallsIn reads the logs at and below paths.
func CallsIn(ctx context.Context, paths []string, o local.Options, s *scope.Scope) (*CalledIn, error) {
	out := &CalledIn{Calls: []supply.Called{}, Unread: []string{}, Unregistered: []string{}}
	l := called.Log{Keep: func(host string) bool { return supply.Matters(s, host) }}
	err := local.Walk(ctx, paths, o, func(e *local.Entry) error {
		out.Files++
		in, err := e.Stream()
		if err == nil {
			err = errors.Join(l.Read(in), in.Close())
		}
		if err != nil {
			out.Unread = append(out.Unread, e.Path()+": "+err.Error())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if l.Unnamed > 0 {
		out.Unread = append(out.Unread, fmt.Sprintf("%d connections to public addresses whose lines name no host (log the authority, or the name in TLS)", l.Unnamed))
	}
	for _, c := range l.Calls() {
		out.Calls = append(out.Calls, supply.Called(c))
	}
	out.Lines, out.Other = l.Lines, l.Other
	out.Unregistered = append(out.Unregistered, supply.Unregistered(s, out.Calls)...)
	return out, nil
}

// maxCalled bounds the calls that the state keeps: the latest stay.
const maxCalled = 50_000

// Called keeps calls that logs show beside those that earlier ones did.
func (s Supply) Called(ctx context.Context, calls []supply.Called, now time.Time) error {
	var all []supply.Called
	if err := s.read(ctx, calledKey, &all); err != nil {
		return err
	}
	at := map[[3]string]int{}
	for i, c := range all {
		at[[3]string{c.Host, c.By, c.How}] = i
	}
	for _, c := range calls {
		if c.Last.After(now.Add(24 * time.Hour)) {
			c.Last = now // a clock that is wrong does not make a call count for ever
		}
		i, known := at[[3]string{c.Host, c.By, c.How}]
		if !known {
			at[[3]string{c.Host, c.By, c.How}] = len(all)
			all = append(all, c)
			continue
		}
		old := &all[i]
		if c.First.Before(old.First) {
			old.First = c.First
		}
		if c.Last.After(old.Last) {
			old.Last = c.Last
		}
		old.Models = append(old.Models, c.Models...)
		slices.Sort(old.Models)
		old.Models = slices.Compact(old.Models)
	}
	if len(all) > maxCalled {
		slices.SortFunc(all, func(a, b supply.Called) int { return b.Last.Compare(a.Last) })
		all = all[:maxCalled]
	}
	slices.SortFunc(all, func(a, b supply.Called) int {
		return strings.Compare(a.Host+"\x00"+a.By+"\x00"+a.How, b.Host+"\x00"+b.By+"\x00"+b.How)
	})
	return s.write(ctx, calledKey, all)
}
