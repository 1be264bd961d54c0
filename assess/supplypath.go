package assess

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
)

// Bounds of what is asked for one poisoned file.
const (
	maxLoaders = 20
	maxStores  = 500
)

// loaded says of each poisoned file what loads it, with which identity, and which
// stores that identity may read: the supply step knows the file, the access step the
// rights, and neither the other.
func loaded(ctx context.Context, snap *estate.Snapshot, findings []finding.Finding) error {
	var amazon *access.Amazon
	labelsOf := labels(snap)
	for i := range findings {
		f := &findings[i]
		n, ok := snap.Find(f.Asset)
		if f.Control != supply.Poisoned || !ok {
			continue
		}
		for _, way := range loaders(snap, n) {
			var text []string
			for _, x := range servedBy(snap, way) {
				text = append(text, snap.Asset(x).ID)
			}
			e := finding.Evidence{What: "loaded by", Where: strings.Join(text, " <- "), Value: "no identity of it is known"}
			for edge := range snap.Out(way[len(way)-1]) {
				if edge.Type == estate.RunsAs {
					role := snap.Asset(edge.Node)
					e.Value = "runs as " + role.ID
					if role.Cloud != estate.AWS || role.Referenced {
						continue
					}
					if amazon == nil {
						var err error
						if amazon, err = access.NewAmazon(ctx, snap); err != nil {
							return fmt.Errorf("who loads what is poisoned: %w", err)
						}
					}
					stores, err := readable(ctx, amazon, snap, labelsOf, role.ID)
					if err != nil {
						return err
					}
					if len(stores) > 0 {
						e.Value += ", which may read " + strings.Join(stores, ", ")
					}
				}
			}
			f.Evidence = slices.Insert(f.Evidence, 0, e)
		}
	}
	return nil
}

// loaders are the ways from a file to what loads it and runs as somebody, shortest
// first, each ending in that.
func loaders(snap *estate.Snapshot, file estate.Node) [][]estate.Node {
	var out [][]estate.Node
	seen := map[estate.Node]bool{file: true}
	queue := [][]estate.Node{{file}}
	for len(queue) > 0 && len(out) < maxLoaders {
		way := queue[0]
		queue = queue[1:]
		for e := range snap.In(way[len(way)-1]) {
			if seen[e.Node] || e.Type != estate.Loads && e.Type != estate.Serves {
				continue
			}
			seen[e.Node] = true
			next := append(slices.Clone(way), e.Node)
			for x := range snap.Out(e.Node) {
				if x.Type == estate.RunsAs {
					out = append(out, next)
					break
				}
			}
			queue = append(queue, next)
		}
	}
	return out
}

// servedBy goes on from what loads a file to the endpoint that answers with it.
func servedBy(snap *estate.Snapshot, way []estate.Node) []estate.Node {
	out := slices.Clone(way)
	for range 8 {
		more := false
		for e := range snap.In(out[len(out)-1]) {
			if e.Type == estate.Serves && !slices.Contains(out, e.Node) {
				out, more = append(out, e.Node), true
				break
			}
		}
		if !more {
			break
		}
	}
	return out
}

// readable are the buckets whose objects an identity may read, some requests
// included, by id: those with labelled data first, with the labels.
func readable(ctx context.Context, amazon *access.Amazon, snap *estate.Snapshot, labelsOf func(estate.Node, *estate.Asset) []string, role string) ([]string, error) {
	var told, out []string
	asked := 0
	for n, a := range snap.Assets() {
		if a.Type != "AWS::S3::Bucket" || a.Referenced {
			continue
		}
		if asked++; asked > maxStores {
			out = append(out, "and it was not asked for more than "+fmt.Sprint(maxStores))
			break
		}
		got, err := amazon.Can(ctx, access.Question{Principal: role, Action: "s3:GetObject", Resource: a.ID + "/*"})
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			out = append(out, a.ID+" (not known: "+err.Error()+")")
			continue
		}
		switch got.Decision.String() {
		case "allow", "conditional":
			if list := labelsOf(n, a); len(list) > 0 {
				told = append(told, a.ID+" (labelled "+strings.Join(list, ", ")+")")
			} else {
				out = append(out, a.ID)
			}
		case "unknown":
			out = append(out, a.ID+" (not known)")
		}
	}
	return append(told, out...), nil
}
