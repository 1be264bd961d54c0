package assess

import (
	"context"
	"fmt"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate/brake"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
)

// Held is what keeps workloads in AWS from growing, with those that are left out.
type Held struct {
	*brake.Hold
	// Workloads are the names of those held, Free of those whose certificate lets
	// them grow.
	Workloads []string `json:"workloads"`
	Free      []string `json:"free"`
	// Blind are sources that were not read whole: there may be more to hold.
	Blind []string `json:"blind,omitempty"`
}

// HoldAWS writes what keeps the workloads of an assessed estate from growing, those
// with a certificate that counts left out. only names some; empty: all.
func HoldAWS(ctx context.Context, r *Result, o Options, kept Certificates, trusted certificate.Trust, only, except []string) (*Held, error) {
	check, err := checkOf(ctx, o, kept, trusted)
	if err != nil {
		return nil, err
	}
	out := &Held{Workloads: []string{}, Free: []string{}}
	for _, s := range r.Snapshot.Sources() {
		if s.Status != "complete" {
			out.Blind = append(out.Blind, fmt.Sprintf("%s: %s", s.Source, s.Status))
		}
	}
	aws := false
	for _, a := range r.Snapshot.Assets() {
		aws = aws || a.Cloud == estate.AWS && !a.Referenced
	}
	if !aws {
		out.Blind = append(out.Blind, "nothing of AWS was read")
	}
	var list []brake.Workload
	for _, w := range r.Workloads.List {
		if len(only) > 0 && !slices.Contains(only, w.Name) && !slices.Contains(only, w.ID) {
			continue
		}
		members := membersIn(r.Snapshot, w)
		if !slices.ContainsFunc(members, func(a *estate.Asset) bool { return a.Cloud == estate.AWS }) {
			continue
		}
		_, why, err := certified(ctx, r.Snapshot, w, kept, check)
		if err != nil {
			return nil, err
		}
		if why == "" {
			out.Free = append(out.Free, w.Name)
			continue
		}
		out.Workloads = append(out.Workloads, w.Name)
		list = append(list, brake.Workload{Name: w.Name, Limit: r.Workloads.Pilot(w.ID), Assets: members, Scalers: scalersOf(r.Snapshot, members)})
	}
	if len(only) > 0 && len(out.Workloads)+len(out.Free) == 0 {
		return nil, fmt.Errorf("none of the workloads named has anything in AWS")
	}
	out.Hold, err = brake.Of(list, except)
	return out, err
}

func membersIn(snap *estate.Snapshot, w finding.Workload) []*estate.Asset {
	var out []*estate.Asset
	for _, id := range w.Members {
		if n, ok := snap.Find(id); ok {
			out = append(out, snap.Asset(n))
		}
	}
	return out
}

// scalersOf are the targets of Application Auto Scaling that scale a member.
func scalersOf(snap *estate.Snapshot, members []*estate.Asset) []*estate.Asset {
	seen := map[estate.Node]bool{}
	var out []*estate.Asset
	for _, a := range members {
		n, ok := snap.Find(a.ID)
		if !ok {
			continue
		}
		for e := range snap.In(n) {
			if s := snap.Asset(e.Node); e.Type == estate.Scales && s.Type == "AWS::ApplicationAutoScaling::ScalableTarget" && !seen[e.Node] {
				seen[e.Node] = true
				out = append(out, s)
			}
		}
	}
	return out
}
