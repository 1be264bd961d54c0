package audit

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// Recall keeps what controls answered on the assets of one snapshot, for the
// judgement of another that differs from it in little: what a plan makes of an
// estate. An answer is taken over where all that it rests on is the same: the asset
// with its configuration, and each thing beside it that a control looked at while it
// answered. One that looked at what surrounds the asset is given anew.
//
// The first judgement fills it, those after it only read.
type Recall struct {
	snap     *estate.Snapshot
	controls *control.Set
	now      time.Time
	accounts []string
	known    []*recalled // by node of snap
	reused   int
}

// Reused is how many answers the last judgement took over; none where nothing was
// kept.
func (r *Recall) Reused() int {
	if r == nil {
		return 0
	}
	return r.reused
}

// recalled is one asset's answer with what it rests on beside the asset itself.
type recalled struct {
	answer answer
	owned  bool
	zone   *zoned // nil: nobody asked
	// settings are those that were asked for, by type, as they were.
	settings map[string]estate.Digest
	// around is set where a control looked at further assets.
	around bool
}

type zoned struct {
	zone  string
	known bool
}

// filled reports whether a judgement by the same controls, at the same time, of an
// estate of the same accounts was kept.
func (r *Recall) filled(c *control.Set, snap *estate.Snapshot, accounts []string) bool {
	return r != nil && r.snap != nil && r.controls == c && r.now.Equal(snap.Taken()) && slices.Equal(r.accounts, accounts)
}

// watch lets a context note what is asked of it.
func (r *recalled) watch(ctx control.Context, snap *estate.Snapshot) control.Context {
	r.owned = ctx.Owned
	zone, setting, behind, around := ctx.Zone, ctx.Setting, ctx.Behind, ctx.Around
	ctx.Zone = func() (string, bool) {
		z, known := zone()
		r.zone = &zoned{z, known}
		return z, known
	}
	ctx.Setting = func(typ string) (*estate.Asset, json.RawMessage) {
		a, config := setting(typ)
		if r.settings == nil {
			r.settings = map[string]estate.Digest{}
		}
		r.settings[typ] = digestIn(snap, a)
		return a, config
	}
	if behind != nil {
		ctx.Behind = func() []expr.Member {
			r.around = true
			return behind()
		}
	}
	ctx.Around = func(a *control.Absence) []control.Ground {
		r.around = true
		return around(a)
	}
	return ctx
}

// digestIn is all that a snapshot says of an asset of its; zero for none.
func digestIn(snap *estate.Snapshot, a *estate.Asset) estate.Digest {
	if a == nil {
		return estate.Digest{}
	}
	n, _ := snap.Find(a.ID) // it is one of the snapshot's
	return snap.AssetDigest(n)
}

// of returns the answer on an asset of another snapshot, if it stands there too. ctx
// is that asset's context.
func (r *Recall) of(snap *estate.Snapshot, n estate.Node, ctx control.Context) (answer, bool) {
	was, ok := r.snap.Find(snap.Asset(n).ID)
	if !ok {
		return answer{}, false
	}
	k := r.known[was]
	if k == nil || k.around || k.owned != ctx.Owned || r.snap.AssetDigest(was) != snap.AssetDigest(n) {
		return answer{}, false
	}
	for typ, digest := range k.settings {
		if a, _ := ctx.Setting(typ); digestIn(snap, a) != digest {
			return answer{}, false
		}
	}
	if k.zone != nil {
		if z, known := ctx.Zone(); (zoned{z, known}) != *k.zone {
			return answer{}, false
		}
	}
	out := k.answer
	out.node = n
	out.findings = slices.Clone(out.findings)
	for i := range out.findings { // each judgement adds to its own
		out.findings[i].Evidence = slices.Clone(out.findings[i].Evidence)
	}
	return out, true
}

// keeper notes the answers of a first judgement.
type keeper struct {
	mu    sync.Mutex
	known []*recalled
}

func (k *keeper) keep(rs []*recalled) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range rs {
		k.known[r.answer.node] = r
	}
}
