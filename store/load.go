package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Load implements Store.
func (k *keeper) Load(ctx context.Context, hash string) (*estate.Snapshot, error) {
	return k.load(ctx, query{hash: hash, limit: 1}, "snapshot "+hash)
}

// Latest implements Store.
func (k *keeper) Latest(ctx context.Context) (*estate.Snapshot, error) {
	return k.load(ctx, query{limit: 1}, "the latest snapshot")
}

// AsOf implements Store.
func (k *keeper) AsOf(ctx context.Context, t time.Time) (*estate.Snapshot, error) {
	before := micro(t)
	return k.load(ctx, query{before: &before, limit: 1}, "the snapshot as of "+t.UTC().Format(time.RFC3339))
}

func (k *keeper) load(ctx context.Context, q query, what string) (*estate.Snapshot, error) {
	var s *estate.Snapshot
	err := k.db.view(ctx, func(t tx) error {
		rows, err := t.snapshots(q)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return ErrNotFound
		}
		l := &loader{ctx: ctx, t: t, k: k, row: rows[0], what: what}
		s, err = l.run()
		return err
	})
	if err != nil {
		return nil, k.context("loading "+what, err)
	}
	return s, nil
}

// loader reads one snapshot.
type loader struct {
	ctx  context.Context
	t    tx
	k    *keeper
	row  snapshotRow
	what string
}

func (l *loader) run() (*estate.Snapshot, error) {
	m, err := l.manifest()
	if err != nil {
		return nil, &DamagedError{l.k.db.where(), "the manifest of " + l.what, err}
	}
	st := estate.Stored{Taken: time.UnixMicro(l.row.taken), Hash: l.row.hash, Configs: l.k.configs}
	if err := l.frame(&st); err != nil {
		return nil, err
	}
	if err := l.assets(m.assets, &st); err != nil {
		return nil, err
	}
	r, err := estate.NewRestorer(st)
	if err != nil {
		return nil, &DamagedError{l.k.db.where(), l.what, err}
	}
	if err := l.relations(m.relations, r); err != nil {
		return nil, err
	}
	return r.Snapshot(), nil
}

func (l *loader) manifest() (*manifest, error) {
	var b body
	if len(l.row.manifest) < len(b.digest) {
		return nil, errShort
	}
	b.data = l.row.manifest[copy(b.digest[:], l.row.manifest):]
	content, err := l.k.codec.unpack(b, nil)
	if err != nil {
		return nil, err
	}
	return readManifest(content)
}

func (l *loader) frame(st *estate.Stored) error {
	if err := json.Unmarshal([]byte(l.row.sources), &st.Sources); err != nil {
		return &DamagedError{l.k.db.where(), "the list of sources of " + l.what, err}
	}
	return l.bodies([]int64{l.row.frame}, func(_ int, content []byte) error {
		var f frame
		if err := json.Unmarshal(content, &f); err != nil {
			return err
		}
		st.BlindSpots, st.Coverage = f.BlindSpots, f.Coverage
		return nil
	}, nil)
}

// bodies fetches bodies a few at a time, hands each one's content to decode, in
// parallel and with its place in the group, and then calls done for the group's
// places in order.
func (l *loader) bodies(ids []int64, decode func(place int, content []byte) error, done func(place int) error) error {
	for lo := 0; lo < len(ids); lo += groupSize {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		group, err := l.t.fetch(ids[lo:min(lo+groupSize, len(ids))])
		if err != nil {
			return err
		}
		err = parallel(len(group), func(i int) error {
			content, err := l.k.codec.unpack(group[i], nil)
			if err == nil {
				err = decode(i, content)
			}
			if err != nil {
				return damaged(l.k.db, group[i].id, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i := range group {
			if done == nil {
				break
			}
			if err := done(i); err != nil {
				return damaged(l.k.db, group[i].id, err)
			}
		}
	}
	return nil
}

// groupSize is how many bodies are fetched and decoded together.
const groupSize = 256

func (l *loader) assets(ids []int64, st *estate.Stored) error {
	st.Assets = make([]*estate.Asset, 0, l.row.assets)
	st.Refs = make([]uint64, 0, l.row.assets)
	st.Digests = make([]estate.Digest, 0, l.row.assets)
	// A decoder serves one goroutine at a time; as many as run are made, and
	// keep their tables of shared strings for the whole snapshot.
	decoders := make(chan *estate.Decoder, groupSize)
	var rows [groupSize][]assetRow
	err := l.bodies(ids, func(place int, content []byte) (err error) {
		var d *estate.Decoder
		select {
		case d = <-decoders:
		default:
			d = estate.NewDecoder()
		}
		rows[place], err = readAssets(content, d)
		decoders <- d
		return err
	}, func(place int) error {
		for _, r := range rows[place] {
			st.Assets = append(st.Assets, r.asset)
			st.Refs = append(st.Refs, r.ref)
			st.Digests = append(st.Digests, r.digest)
		}
		rows[place] = nil
		return nil
	})
	if err == nil && len(st.Assets) != l.row.assets {
		err = &DamagedError{l.k.db.where(), l.what, fmt.Errorf("%d assets stored, %d found", l.row.assets, len(st.Assets))}
	}
	return err
}

func (l *loader) relations(ids []int64, r *estate.Restorer) error {
	r.Grow(l.row.relations)
	found := 0
	var contents [groupSize][]byte
	var labels labeller
	err := l.bodies(ids, func(place int, content []byte) error {
		contents[place] = content
		return nil
	}, func(place int) error {
		reader := relationReader{in: contents[place]}
		for {
			ok, err := reader.next()
			if err != nil || !ok {
				return err
			}
			from, okFrom := r.Node(string(reader.from))
			to, okTo := r.Node(string(reader.to))
			if !okFrom || !okTo {
				return fmt.Errorf("a relation from %q to %q has an end that is no asset", reader.from, reader.to)
			}
			r.Relation(from, to, labels.of(r, &reader))
			found++
		}
	})
	if err == nil && found != l.row.relations {
		err = &DamagedError{l.k.db.where(), l.what, fmt.Errorf("%d relations stored, %d found", l.row.relations, found)}
	}
	return err
}

// labeller remembers labels by their bytes, so that a relation like a former
// one costs no new strings.
type labeller struct {
	known map[string]uint32
	key   []byte
}

func (l *labeller) of(r *estate.Restorer, at *relationReader) uint32 {
	if l.known == nil {
		l.known = map[string]uint32{}
	}
	l.key = append(append(append(l.key[:0], at.typ...), 0), at.tier...)
	l.key = append(append(l.key, 0), at.evidence...)
	if i, ok := l.known[string(l.key)]; ok {
		return i
	}
	i := r.Label(estate.RelationType(at.typ), estate.Tier(at.tier), string(at.evidence))
	l.known[string(l.key)] = i
	return i
}
