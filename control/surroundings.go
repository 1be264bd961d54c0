package control

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Surroundings tell the controls of a set what else a snapshot holds: what is
// asked for by those that ask for something that should exist.
type Surroundings struct {
	snap *estate.Snapshot
	of   map[string][]estate.Node // assets by type
	// inUse are the regions of each account in which a question is one.
	inUse map[*Absence]map[string][]string
	blind map[string][]estate.BlindSpot // by type
}

// Surroundings looks through a snapshot once for all controls of the set.
func (s *Set) Surroundings(snap *estate.Snapshot) *Surroundings {
	out := &Surroundings{snap: snap, of: map[string][]estate.Node{}, inUse: map[*Absence]map[string][]string{}, blind: map[string][]estate.BlindSpot{}}
	wanted, wide := map[string]bool{}, []*Absence{}
	for _, c := range s.controls {
		if c.absent == nil {
			continue
		}
		wanted[c.absent.Type] = true
		if !c.absent.Related {
			wide = append(wide, c.absent)
		}
	}
	if len(wanted) == 0 {
		return out
	}
	used := map[*Absence]map[string]map[string]bool{}
	for n, a := range snap.Assets() {
		if wanted[a.Type] {
			out.of[a.Type] = append(out.of[a.Type], n)
		}
		if a.Referenced || a.Cloud != estate.AWS || a.Account == "" || a.Region == "" {
			continue
		}
		for _, w := range wide {
			if w.puts(a) {
				note(used, w, a)
			}
		}
	}
	for w, accounts := range used {
		out.inUse[w] = map[string][]string{}
		for account, regions := range accounts {
			out.inUse[w][account] = slices.Sorted(maps.Keys(regions))
		}
	}
	for _, b := range snap.BlindSpots() {
		for _, t := range b.Types {
			if wanted[t] && b.Asset == "" {
				out.blind[t] = append(out.blind[t], b)
			}
		}
	}
	return out
}

// puts reports whether an asset puts its region in use for the question.
func (a *Absence) puts(asset *estate.Asset) bool {
	if len(a.Given) == 0 {
		return asset.Root != nil
	}
	return slices.Contains(a.Given, asset.Type)
}

func note(used map[*Absence]map[string]map[string]bool, w *Absence, a *estate.Asset) {
	if used[w] == nil {
		used[w] = map[string]map[string]bool{}
	}
	if used[w][a.Account] == nil {
		used[w][a.Account] = map[string]bool{}
	}
	used[w][a.Account][a.Region] = true
}

// For returns what surrounds one asset, for Context.Around.
func (s *Surroundings) For(n estate.Node) func(*Absence) []Ground {
	return func(a *Absence) []Ground {
		if a.Related {
			return s.related(n, a)
		}
		asset := s.snap.Asset(n)
		var out []Ground
		for _, region := range s.inUse[a][asset.Account] {
			out = append(out, s.ground(a, asset.Account, region))
		}
		return out
	}
}

// ground is one region of an account with all that may serve it.
func (s *Surroundings) ground(a *Absence, account, region string) Ground {
	g := s.listed(a, account, region)
	g.Region = region
	for _, n := range s.of[a.Type] {
		k := s.candidate(n)
		k.OtherAccount = k.Asset.Account != account
		k.OtherRegion = k.Asset.Region != region && k.Asset.Region != ""
		// Another account's is asked only where one may serve all.
		if !k.Asset.Referenced && (!k.OtherAccount || a.everyAccount != nil) {
			g.There = append(g.There, k)
		}
	}
	return g
}

// related is the ground an asset itself is: what it is related to either way.
func (s *Surroundings) related(n estate.Node, a *Absence) []Ground {
	asset := s.snap.Asset(n)
	g := s.listed(a, asset.Account, asset.Region)
	given := len(a.Given) == 0
	for _, edges := range []func(func(estate.Edge) bool){s.snap.In(n), s.snap.Out(n)} {
		for e := range edges {
			typ := s.snap.Asset(e.Node).Type
			given = given || slices.Contains(a.Given, typ)
			if typ == a.Type && !slices.ContainsFunc(g.There, func(k Candidate) bool { return k.Asset == s.snap.Asset(e.Node) }) {
				g.There = append(g.There, s.candidate(e.Node))
			}
		}
	}
	if !given {
		return nil
	}
	return []Ground{g}
}

// candidate is an asset with its configuration. One that cannot be loaded stays
// without, and what is asked of it open.
func (s *Surroundings) candidate(n estate.Node) Candidate {
	config, err := s.snap.Config(n)
	if err != nil {
		config = json.RawMessage(nil)
	}
	return Candidate{Asset: s.snap.Asset(n), Config: config}
}

// listed says whether the type was listed to its end in a place, and if not, why.
func (s *Surroundings) listed(a *Absence, account, region string) Ground {
	if s.snap.Covered(a.Type, account, region) {
		return Ground{Listed: true}
	}
	for _, b := range s.blind[a.Type] {
		if b.Account == account && (b.Region == region || b.Region == "") {
			grant, _ := strings.CutPrefix(b.Hint, "grant ")
			if grant == b.Hint {
				grant = ""
			}
			return Ground{Gap: estate.Read{Operation: b.Operation, Status: b.Status, Why: b.Why, Grant: grant}}
		}
	}
	return Ground{}
}
