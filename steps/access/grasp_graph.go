package access

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// CanBecome leads from a principal to the administrators of its account, if there
// is a way by which it becomes one: sevenfold access escalations tells it.
const CanBecome estate.RelationType = "can-become"

// mostRelations bounds what is added to the graph. An estate in which everybody
// may do something else to everything would fill it: then it is said and left out.
const mostRelations = 2_000_000

// Relations are what was decided as relations of tier possible: principal -> set
// of assets -> asset, one set for all principals who can do the same to the same
// assets. Evidence says whether it hangs on conditions. What could not be told is
// no relation. They are there once Judge has run: what can be done is decided for
// the assets that workloads are made of and touch, so that it comes after those.
func (s *Step) Relations() estate.Addition { return s.relations }

// graph puts the grasps and the ways to administrator in relations.
func (j *jury) graph() estate.Addition {
	var out estate.Addition
	sets := map[[sha256.Size]byte]string{}
	parts := [...]struct {
		name string
		of   func(*grasp) *[nParts]spans
	}{{"allow", func(g *grasp) *[nParts]spans { return &g.sure }}, {"conditional", func(g *grasp) *[nParts]spans { return &g.tied }}}
	for _, n := range j.v.people {
		g := j.grasps[n]
		if g == nil {
			continue
		}
		id := j.v.snap.Asset(n).ID
		for k, ability := range abilities {
			for _, part := range parts {
				on := part.of(g)[k]
				if len(on) == 0 {
					continue
				}
				key := spansKey(k, part.name, on)
				set, known := sets[key]
				if !known {
					if len(out.Relations)+on.size() > mostRelations {
						out.BlindSpots = append(out.BlindSpots, estate.BlindSpot{Operation: "access: relations", Status: estate.ReadSkipped,
							Why: fmt.Sprintf("more than %d relations of who can do what: some are left out of the graph, not of the criteria", mostRelations), Hint: "sevenfold access who-can asks"})
						return out
					}
					set = "set://access/" + string(ability) + "/" + hex.EncodeToString(key[:8])
					sets[key] = set
					out.Assets = append(out.Assets, estate.Asset{ID: set, Type: estate.SetType, Kind: estate.KindPolicy, Name: fmt.Sprintf("%d assets: %s, %s", on.size(), ability, part.name)})
					for _, r := range on {
						for i := r.lo; i < r.hi; i++ {
							out.Relations = append(out.Relations, estate.Relation{From: set, To: j.v.objects.all[i].id, Type: ability, Tier: estate.Possible, Evidence: part.name})
						}
					}
				}
				out.Relations = append(out.Relations, estate.Relation{From: id, To: set, Type: ability, Tier: estate.Possible, Evidence: part.name})
			}
		}
	}
	j.graphClimbs(&out)
	return out
}

// graphClimbs adds who can become administrator.
func (j *jury) graphClimbs(out *estate.Addition) {
	made := map[string]bool{}
	for _, p := range j.m.world.Principals() {
		d, ok := j.climbs[p.ARN]
		if !ok || d == iam.Unknown || d == iam.Deny {
			continue
		}
		set := "set://access/administrators/" + p.Account
		if !made[set] {
			made[set] = true
			out.Assets = append(out.Assets, estate.Asset{ID: set, Type: estate.SetType, Kind: estate.KindIdentity, Account: p.Account, Name: "administrators of account " + p.Account})
		}
		out.Relations = append(out.Relations, estate.Relation{From: p.ARN, To: set, Type: CanBecome, Tier: estate.Possible, Evidence: d.String()})
	}
}

// spansKey tells sets of objects apart.
func spansKey(ability int, part string, on spans) [sha256.Size]byte {
	b := make([]byte, 0, 16+8*len(on))
	b = append(b, byte(ability))
	b = append(b, part...)
	for _, r := range on {
		b = binary.BigEndian.AppendUint32(b, uint32(r.lo))
		b = binary.BigEndian.AppendUint32(b, uint32(r.hi))
	}
	return sha256.Sum256(b)
}
