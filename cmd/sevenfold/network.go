package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newNetwork(g *globals) *cobra.Command {
	return g.stepVerb("network", "Who can open a connection to whom, zones, and what must not pass between them",
		newNetworkCan(g), newNetworkZones(g), newNetworkMatrix(g), newNetworkBlast(g), newNetworkDiff(g), newNetworkRecommend(g), newNetworkObserved(g))
}

// sideOf reads one side of a comparison: a snapshot in the state, a folder or file, or
// a source.
func (s *session) sideOf(ctx context.Context, st store.Store, o assess.Options, text string) (*estate.Snapshot, error) {
	if info, err := os.Stat(text); err == nil {
		source := "dir:" + text
		if !info.IsDir() && strings.HasSuffix(text, ".json") {
			source = "terraform:" + text
		}
		o.Sources = []string{source}
		return assess.Read(ctx, o)
	}
	if prefix, _, ok := strings.Cut(text, ":"); ok && slices.Contains([]string{"dir", "terraform", "cloudformation", "aws", "kubernetes"}, prefix) {
		o.Sources = []string{text}
		return assess.Read(ctx, o)
	}
	return stored(ctx, st, text)
}

// dayOf writes a day; "never" where there is none.
func dayOf(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.DateOnly)
}
