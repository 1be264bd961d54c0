// Package depsdev asks a server that speaks deps.dev's API (version 3) about packages: which
// versions there are, where a version's repository is, and what Scorecard says of that. It
// sends only GET, only to the address a person gave, and only names of packages.
package depsdev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Package names what is asked about; System as deps.dev spells it: PYPI, NPM.
type Package struct{ System, Name, Version string }

// Bounds of one answer and of one try.
const (
	maxAnswer = 32 << 20
	patience  = 30 * time.Second
)

// AddressError says that an address cannot be asked.
type AddressError struct{ Address string }

// Error implements error.
func (e *AddressError) Error() string {
	return fmt.Sprintf("%q is no address of a server (https://HOST, without a user)", e.Address)
}

// Each asks about packages and hands every answer to fn. Packages that the server does not
// know are handed to unknown; an answer that cannot be had ends the asking with an error,
// since the silence of a server says nothing of a package. A nil client checks certificates
// and follows redirects within the host only.
func Each(ctx context.Context, address string, client *http.Client, packages []Package, fn func([]byte) error, unknown func(Package)) error {
	base, err := url.Parse(strings.TrimSuffix(address, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil || base.RawQuery != "" {
		return &AddressError{hidden(address)}
	}
	if client == nil {
		client = &http.Client{Timeout: patience, CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Host != base.Host || len(via) > 3 {
				return errors.New("it leads to another host")
			}
			return nil
		}}
	}
	a := &asker{client: client, base: strings.TrimSuffix(base.String(), "/"), fn: fn}
	lists, projects := map[[2]string]bool{}, map[string]bool{}
	for _, p := range packages {
		name := url.PathEscape(p.Name)
		if k := [2]string{p.System, p.Name}; !lists[k] {
			lists[k] = true
			known, _, err := a.get(ctx, "/v3/systems/"+p.System+"/packages/"+name)
			if err != nil {
				return err
			}
			if !known {
				unknown(p)
				continue
			}
		}
		if p.Version == "" {
			continue
		}
		known, text, err := a.get(ctx, "/v3/systems/"+p.System+"/packages/"+name+"/versions/"+url.PathEscape(p.Version))
		if err != nil {
			return err
		}
		if !known {
			continue // the list says so
		}
		var v struct {
			RelatedProjects []struct {
				ProjectKey   struct{ ID string }
				RelationType string
			}
		}
		_ = json.Unmarshal(text, &v) // fn said whether it is well-formed
		for _, r := range v.RelatedProjects {
			if id := r.ProjectKey.ID; r.RelationType == "SOURCE_REPO" && id != "" && !projects[id] {
				projects[id] = true
				if _, _, err := a.get(ctx, "/v3/projects/"+url.PathEscape(id)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// hidden is an address without what may be a secret in it.
func hidden(address string) string {
	address, _, _ = strings.Cut(address, "?")
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		address = "…" + address[at:]
	}
	return address
}

type asker struct {
	client *http.Client
	base   string
	fn     func([]byte) error
}

// get fetches one answer and hands it on. known is false where the server has none.
func (a *asker) get(ctx context.Context, path string) (known bool, text []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path, nil)
	if err != nil {
		return false, nil, err
	}
	req.Header.Set("Accept", "application/json")
	r, err := a.client.Do(req)
	if err != nil {
		return false, nil, fmt.Errorf("%s: %w", path, bare(err))
	}
	defer r.Body.Close()
	text, err = io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	switch {
	case err != nil:
		return false, nil, fmt.Errorf("%s: the answer broke off: %w", path, err)
	case r.StatusCode == http.StatusNotFound:
		return false, nil, nil
	case r.StatusCode != http.StatusOK:
		return false, nil, fmt.Errorf("%s: the server answered %s", path, r.Status)
	case len(text) > maxAnswer:
		return false, nil, fmt.Errorf("%s: the answer is longer than %d MiB", path, maxAnswer>>20)
	}
	if err := a.fn(text); err != nil {
		return false, nil, fmt.Errorf("%s: the answer cannot be read: %w", path, err)
	}
	return true, text, nil
}

// bare is the cause of a client's error, which repeats the address.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
