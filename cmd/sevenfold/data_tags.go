package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newDataTags(g *globals) *cobra.Command {
	var r reading
	var apply bool
	cmd := &cobra.Command{
		Use:   "tags",
		Short: "The tags that buckets would bear by what was found in them; --apply writes them",
		Long: `The tags that buckets would bear by what data scan found in them: the first key of
data: tags in sevenfold.yaml, the labels joined by +. A tag that says less than what
was found is told as such; labels that a tag states beside those found stay. Buckets
in which nothing was found get none: that nothing was found is no label.

With --apply the tags are written (s3:GetBucketTagging, s3:PutBucketTagging); all other
tags of a bucket stay.

Exit 1 if a tag is wanting or says less (with --apply: if one could not be written),
3 if no label was found in any bucket (--apply too), else 0.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.dataWorld(cmd.Context(), "data tags", r, func(s *session, _ store.Store, _ assess.Options, w *data.World, _ *scope.Workloads) error {
				tags := w.Tags()
				if apply {
					return g.applyTags(cmd, s, tags)
				}
				if err := g.tell(struct {
					Tags []data.StoreTag `json:"tags"`
				}{append([]data.StoreTag{}, tags...)}, func(out io.Writer) error { return tagsText(out, tags) }); err != nil {
					return err
				}
				for _, t := range tags {
					if t.Status != data.TagSame {
						return verdict(exitNotReady)
					}
				}
				if len(tags) == 0 {
					return verdict(exitUnknown)
				}
				return nil
			}, "text", "json")
		},
	}
	r.addTo(cmd)
	cmd.Flags().BoolVar(&apply, "apply", false, "write the tags that are wanting or say less")
	return cmd
}

func tagsText(w io.Writer, tags []data.StoreTag) error {
	for _, t := range tags {
		fmt.Fprintf(w, "%-8s %s: %s=%s", t.Status, printable(t.Store), printable(t.Key), printable(t.Value))
		if t.Status == data.TagLess {
			fmt.Fprintf(w, ", has %s", printable(t.Had))
		}
		fmt.Fprintln(w)
	}
	if len(tags) == 0 {
		fmt.Fprintln(w, "no label was found in any bucket of the estate: sevenfold data scan s3://BUCKET looks into one")
	}
	return nil
}

// applyTags writes the tags and says what came of each.
func (g *globals) applyTags(cmd *cobra.Command, s *session, tags []data.StoreTag) error {
	options := ""
	for _, src := range s.sources {
		if src == "aws" || strings.HasPrefix(src, "aws:") {
			options = strings.TrimPrefix(strings.TrimPrefix(src, "aws"), ":")
		}
	}
	done, err := assess.SetTags(cmd.Context(), options, tags)
	if err != nil {
		return err
	}
	failed := false
	if err := g.tell(struct {
		Tags []assess.Tagged `json:"tags"`
	}{done}, func(w io.Writer) error {
		for _, t := range done {
			if t.Error != "" {
				what, hint := splitHints(t.Error)
				fmt.Fprintf(w, "not set  %s: %s\n", printable(t.Store), printable(what))
				if hint != "" {
					fmt.Fprintf(w, "         hint: %s\n", printable(hint))
				}
				continue
			}
			fmt.Fprintf(w, "set      %s: %s=%s\n", printable(t.Store), printable(t.Key), printable(t.Value))
		}
		switch {
		case len(tags) == 0:
			return tagsText(w, tags)
		case len(done) == 0:
			fmt.Fprintln(w, "every tag is as the labels found ask")
		}
		return nil
	}); err != nil {
		return err
	}
	for _, t := range done {
		failed = failed || t.Error != ""
	}
	switch {
	case failed:
		return verdict(exitNotReady)
	case len(tags) == 0:
		return verdict(exitUnknown) // nothing was looked into, or nothing found: no tag was held against anything
	}
	return nil
}
