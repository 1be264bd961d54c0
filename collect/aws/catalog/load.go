package catalog

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed services/*.yaml
var files embed.FS

// Catalog is the whole of what is read.
type Catalog struct {
	services []*Service
}

// Default returns the catalogue compiled in. It is read once; callers must not
// change it.
var Default = sync.OnceValues(func() (*Catalog, error) {
	sub, err := fs.Sub(files, "services")
	if err != nil {
		return nil, err
	}
	return Load(sub)
})

// Load reads every .yaml file of a folder. An unknown key, a type without an
// id, or a call without an operation is an error naming the file.
func Load(fsys fs.FS) (*Catalog, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	var (
		c    Catalog
		errs []error
	)
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		s, err := parse(data)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path.Base(name), err))
			continue
		}
		c.services = append(c.services, s)
	}
	return &c, errors.Join(errs...)
}

// parse reads one service strictly.
func parse(data []byte) (*Service, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var s Service
	if err := dec.Decode(&s); err != nil {
		return nil, err
	}
	if s.Service == "" {
		return nil, errors.New("service: missing")
	}
	for i, r := range s.Resources {
		if err := s.adopt(r); err != nil {
			return nil, fmt.Errorf("resources[%d] %s: %w", i, r.Type, err)
		}
	}
	return &s, nil
}

// adopt checks a resource and links its calls to it.
func (s *Service) adopt(r *Resource) error {
	r.service = s
	r.ID = expandShort(r.ID)
	switch {
	case r.Type == "":
		return errors.New("type: missing")
	case r.ID == "":
		return errors.New("id: missing")
	case r.List == nil && !r.Single && r.From == "":
		return errors.New("one of list, single and from is needed")
	case (r.From != "" || r.usesParent()) && r.Parent == "":
		return errors.New("parent: missing")
	}
	if r.Parent != "" && !slices.ContainsFunc(s.Resources, func(o *Resource) bool { return o.Type == r.Parent }) {
		return fmt.Errorf("parent %s is not in this file", r.Parent)
	}
	if r.List != nil {
		r.List.owner = r
		if r.List.Op == "" || r.List.Items == "" {
			return errors.New("list: op and items are needed")
		}
		if len(r.List.Each) > 1 || len(r.List.Each) == 1 && (r.Parent == "" || r.List.Variants != nil) {
			return errors.New("list: each is one parameter of a list below a parent, without variants")
		}
	}
	if r.Describe != nil {
		r.Describe.owner = r
		r.calls = append(r.calls, r.Describe)
	}
	for _, c := range r.Calls {
		c.owner, c.key = r, c.Op
		r.calls = append(r.calls, c)
	}
	for _, c := range r.Also {
		c.owner = r
		if c.Op == "" {
			return errors.New("also: op is missing")
		}
	}
	for _, c := range r.calls {
		if c.Op == "" {
			return errors.New("a call has no op")
		}
		for k, v := range c.With {
			if s, ok := v.(string); ok {
				c.With[k] = expandShort(s)
			}
		}
	}
	return nil
}

// usesParent reports whether the list's parameters look into the parent.
func (r *Resource) usesParent() bool {
	return r.List != nil && strings.Contains(fmt.Sprint(r.List.With), "parent.")
}

// expandShort writes "@service:rest" out as an ARN of the region and account.
func expandShort(id string) string {
	rest, ok := strings.CutPrefix(id, "@")
	if !ok {
		return id
	}
	service, resource, _ := strings.Cut(rest, ":")
	return "arn:{partition}:" + service + ":{region}:{account}:" + resource
}

// Services returns the services, those to be read first before the others,
// each group in the order of their names.
func (c *Catalog) Services() []*Service {
	out := slices.Clone(c.services)
	slices.SortStableFunc(out, func(a, b *Service) int { return a.rank() - b.rank() })
	return out
}

func (s *Service) rank() int {
	if s.Order == "first" {
		return 0
	}
	return 1
}

// Resources returns every resource of the catalogue in reading order.
func (c *Catalog) Resources() []*Resource {
	var out []*Resource
	for _, s := range c.Services() {
		out = append(out, s.Resources...)
	}
	return out
}
