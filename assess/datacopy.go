package assess

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/collect/mysql"
	"github.com/sevenfold-sec/sevenfold/collect/postgres"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// StoreName is a store's address without user, password and options.
func StoreName(uri string) string {
	if strings.HasPrefix(uri, "postgres") {
		return postgres.Name(uri)
	}
	if mysql.IsAddress(uri) {
		return mysql.Name(uri)
	}
	if scheme, rest, ok := strings.Cut(uri, "://"); ok && isVectors(uri) {
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			rest = rest[at+1:]
		}
		return scheme + "://" + rest
	}
	return uri
}

// Copy is a folder or file as the store it was copied from: path names the copy, of
// the store by its address or the id of its asset.
func Copy(path, of string, o local.Options) data.Store {
	return &copied{root: path, of: of, o: o, entries: map[string]*local.Entry{}}
}

type copied struct {
	root, of string
	o        local.Options
	entries  map[string]*local.Entry
}

// URI implements data.Store.
func (c *copied) URI() string { return c.of }

// List implements data.Store.
func (c *copied) List(ctx context.Context, visit func(data.Item) error) error {
	return local.Walk(ctx, []string{c.root}, c.o, func(e *local.Entry) error {
		key, err := filepath.Rel(c.root, e.Path())
		if err != nil || key == "." {
			key = filepath.Base(e.Path())
		}
		key = filepath.ToSlash(key)
		c.entries[key] = e
		i := data.Item{Key: key, Size: 1}
		if info := e.Info(); info != nil {
			i.Size, i.Modified = max(info.Size(), 1), info.ModTime().UTC()
			i.ETag = fmt.Sprintf("%d-%d", info.ModTime().UnixNano(), info.Size())
		}
		return visit(i)
	})
}

// Examine implements data.Store.
func (c *copied) Examine(ctx context.Context, s *scan.Scanner, i data.Item, way string, places []int64) (data.Reading, error) {
	return data.ExamineObject(ctx, s, named{c.entries[i.Key], strings.TrimSuffix(c.of, "/") + "/" + i.Key}, way, places)
}

// named is an entry under the name it has in the store.
type named struct {
	*local.Entry
	path string
}

// Path implements data.Object.
func (n named) Path() string { return n.path }
