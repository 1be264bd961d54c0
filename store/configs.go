package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// configs reads configurations out of their packs.
type configs struct {
	db    engine
	codec *codec

	mu     sync.Mutex
	recent []openPack // the pack used last is last
	spare  [][]byte   // what packs that were let go of lay in
}

var _ estate.ConfigSource = (*configs)(nil)

// openPack is a pack that is kept open. Nobody else holds any of it, so that the
// next pack may lie where it lay.
type openPack struct {
	id      int64
	content []byte
	parts   [][]byte
}

// recentPacks bounds the packs kept open for single reads: 2 MiB.
const recentPacks = 16

func newConfigs(db engine, c *codec) *configs { return &configs{db: db, codec: c} }

// Config implements estate.ConfigSource.
func (c *configs) Config(ref uint64) (json.RawMessage, error) {
	id, slot := placeOf(ref)
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.take(id)
	if !ok {
		var room []byte
		if n := len(c.spare); n > 0 {
			room, c.spare = c.spare[n-1], c.spare[:n-1]
		}
		c.mu.Unlock()
		read, err := c.read(id, room)
		c.mu.Lock()
		if err != nil {
			return nil, err
		}
		if p, ok = c.take(id); ok { // another reader was quicker
			c.spare = append(c.spare, read.content[:0])
		} else {
			p = read
		}
	}
	if len(c.recent) == recentPacks {
		c.spare = append(c.spare, c.recent[0].content[:0])
		c.recent = slices.Delete(c.recent, 0, 1)
	}
	c.recent = append(c.recent, p)
	config, err := part(c.db, id, p.parts, slot)
	return bytes.Clone(config), err
}

// take takes a pack out of those kept open.
func (c *configs) take(id int64) (openPack, bool) {
	i := slices.IndexFunc(c.recent, func(p openPack) bool { return p.id == id })
	if i < 0 {
		return openPack{}, false
	}
	p := c.recent[i]
	c.recent = slices.Delete(c.recent, i, i+1)
	return p, true
}

// read opens a pack in the room given, which may be nil.
func (c *configs) read(id int64, room []byte) (openPack, error) {
	bodies, err := c.fetch(context.Background(), []int64{id})
	if err != nil {
		return openPack{}, err
	}
	p := openPack{id: id}
	if p.content, err = c.codec.unpack(bodies[0], room); err == nil {
		p.parts, err = readPack(p.content)
	}
	if err != nil {
		return openPack{}, damaged(c.db, id, err)
	}
	return p, nil
}

func part(db engine, id int64, parts [][]byte, slot int) (json.RawMessage, error) {
	if slot < 0 || slot >= len(parts) {
		return nil, damaged(db, id, fmt.Errorf("configuration %d of %d is asked for", slot+1, len(parts)))
	}
	return parts[slot], nil
}

func (c *configs) fetch(ctx context.Context, ids []int64) (bodies []body, err error) {
	err = c.db.view(ctx, func(t tx) (err error) {
		bodies, err = t.fetch(ids)
		return err
	})
	var lost *lostError
	if errors.As(err, &lost) {
		return nil, damaged(c.db, lost.id, err)
	}
	return bodies, err
}

// open fetches packs and decodes them in parallel.
func (c *configs) open(ctx context.Context, ids []int64) ([][][]byte, error) {
	bodies, err := c.fetch(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([][][]byte, len(ids))
	err = parallel(len(ids), func(i int) error {
		content, err := c.codec.unpack(bodies[i], nil)
		if err == nil {
			out[i], err = readPack(content)
		}
		if err != nil {
			return damaged(c.db, ids[i], err)
		}
		return nil
	})
	return out, err
}

// readAhead is how many packs are opened together; two such groups at most are
// in memory beside the one being read.
const readAhead = 16

// opened is a group of packs, or the error that ended the reading.
type opened struct {
	packs [][][]byte
	err   error
}

// Each implements estate.ConfigSource.
func (c *configs) Each(ctx context.Context, refs []uint64, fn func(place int, config json.RawMessage) error) error {
	order := make([]int, len(refs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(refs[a], refs[b]) })
	var ids []int64
	for _, i := range order {
		if id, _ := placeOf(refs[i]); len(ids) == 0 || ids[len(ids)-1] != id {
			ids = append(ids, id)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	groups := make(chan opened, 1)
	var wg sync.WaitGroup
	wg.Go(func() { c.ahead(ctx, ids, groups) })
	defer wg.Wait()
	defer cancel()

	var packs [][][]byte
	current, at := int64(-1), -1 // the pack being read and its place in packs
	for _, i := range order {
		id, slot := placeOf(refs[i])
		if id != current {
			current = id
			// What was read ahead is not handed on once nobody wants it.
			if err := ctx.Err(); err != nil {
				return err
			}
			if at++; at >= len(packs) {
				g, ok := <-groups
				if !ok {
					return context.Cause(ctx)
				}
				if g.err != nil {
					return g.err
				}
				packs, at = g.packs, 0
			}
		}
		config, err := part(c.db, id, packs[at], slot)
		if err != nil {
			return err
		}
		if err := fn(i, config); err != nil {
			return err
		}
	}
	return nil
}

// ahead opens packs group by group until all are open or ctx ends, and closes
// groups.
func (c *configs) ahead(ctx context.Context, ids []int64, groups chan<- opened) {
	defer close(groups)
	for lo := 0; lo < len(ids); lo += readAhead {
		packs, err := c.open(ctx, ids[lo:min(lo+readAhead, len(ids))])
		select {
		case groups <- opened{packs, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}
