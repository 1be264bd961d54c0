package network

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Reaches leads from a thing to what it can open a connection to, through a set:
// one for all things that can reach the same.
const Reaches estate.RelationType = "reaches"

// Bounds on what is put into the graph. Beyond them it is said, and left out of the
// graph, not of the criteria.
const (
	mostRelations = 1_000_000
	mostClasses   = 3_000
)

// graph puts who can open a connection to whom in relations of tier possible. What
// could not be told is none.
func (w *World) graph() estate.Addition {
	var out estate.Addition
	type member struct {
		node     estate.Node
		from, to []spot
		at       *places // of to
	}
	classes := map[string][]member{}
	for n, a := range w.snap.Assets() {
		if !w.component(n, a) {
			continue
		}
		m := member{n, w.sites(n, false), w.sites(n, true), nil}
		var key strings.Builder
		for _, list := range [][]spot{m.from, m.to} {
			for _, s := range list {
				for _, p := range s.points {
					key.WriteString(w.class(p) + "|")
				}
			}
			key.WriteByte('>')
		}
		classes[key.String()] = append(classes[key.String()], m)
	}
	keys := make([]string, 0, len(classes))
	for k := range classes {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	left := func(why string) estate.Addition {
		out.BlindSpots = append(out.BlindSpots, estate.BlindSpot{Operation: "network: relations", Status: estate.ReadSkipped, Why: why, Hint: "sevenfold network can asks"})
		return out
	}
	if len(keys) > mostClasses {
		return left(fmt.Sprintf("%d classes of things that nothing tells apart, of %d that are put into the graph: who reaches whom is in the criteria alone", len(keys), mostClasses))
	}
	// Of each kind who opens connections asks one that takes them; of its own, another.
	for _, k := range keys {
		for i := range min(2, len(classes[k])) {
			m := &classes[k][i]
			m.at = w.placesOf(m.to)
		}
	}
	sets := map[string]bool{}
	reached := func(from *places, own string) (open []string) {
		for _, k := range keys {
			m := classes[k][0]
			if k == own && len(classes[k]) == 1 {
				continue
			}
			if k == own {
				m = classes[k][1]
			}
			if w.answer(from, m.at).Reachable == reach.Yes {
				open = append(open, k)
			}
		}
		return open
	}
	join := func(ids []string, open []string) bool {
		if len(open) == 0 {
			return true
		}
		sum := sha256.Sum256([]byte(strings.Join(open, "\n")))
		set := "set://network/reached/" + hex.EncodeToString(sum[:8])
		if !sets[set] {
			sets[set] = true
			things := 0
			for _, k := range open {
				for _, m := range classes[k] {
					things++
					out.Relations = append(out.Relations, estate.Relation{From: set, To: w.snap.Asset(m.node).ID, Type: Reaches, Tier: estate.Possible, Evidence: "routes, groups and policies"})
				}
			}
			out.Assets = append(out.Assets, estate.Asset{ID: set, Type: estate.SetType, Kind: estate.KindNetwork, Name: fmt.Sprintf("%d things that can be reached", things)})
		}
		for _, id := range ids {
			out.Relations = append(out.Relations, estate.Relation{From: id, To: set, Type: Reaches, Tier: estate.Possible, Evidence: "routes, groups and policies"})
		}
		return len(out.Relations) <= mostRelations
	}
	for _, k := range keys {
		var ids []string
		for _, m := range classes[k] {
			ids = append(ids, w.snap.Asset(m.node).ID)
		}
		if len(classes[k][0].from) == 0 {
			continue
		}
		if !join(ids, reached(w.placesOf(classes[k][0].from), k)) {
			return left(fmt.Sprintf("more than %d relations of who reaches whom: some are left out of the graph, not of the criteria", mostRelations))
		}
	}
	return out
}
