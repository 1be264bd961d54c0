package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// timeOf reads a time that a flag gives; zero: it was not given.
func timeOf(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.IsZero() { // the year 1 would count as no time at all
		return at, usage(flag+" is no time", flag+" 2026-11-28T09:30:00Z")
	}
	return at, nil
}

func newIncidentLaw(g *globals) *cobra.Command {
	var laws []string
	var since string
	var ends bool
	return g.onIncident("law", "Say after triage that a law applies, so that its clocks run, or that it does not after all", func(cmd *cobra.Command) {
		cmd.Flags().StringSliceVar(&laws, "law", nil, "laws that apply: "+strings.Join(respond.Regimes(), ", "))
		cmd.Flags().StringVar(&since, "since", "", "`TIME` it became known that they apply, if before now (RFC 3339)")
		cmd.Flags().BoolVar(&ends, "ends", false, "they do not apply after all: what was not told yet need not be")
	}, func(_ context.Context, h *handling, id string) (*respond.Incident, error) {
		at, err := timeOf("--since", since)
		if err != nil {
			return nil, err
		}
		return h.desk.Name(id, h.by, laws, at, ends, h.note)
	})
}

func newIncidentNotice(g *globals) *cobra.Command {
	var by, duty, sent string
	var told bool
	cmd := &cobra.Command{Use: "notice ID", Short: "A draft of what a law asks to be told; with --told, that it was sent", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		if err := g.wants("respond incident notice", "text", "json"); err != nil {
			return err
		}
		at, err := timeOf("--sent", sent)
		if err != nil {
			return err
		}
		if sent != "" && !told {
			return usage("--sent says when it was sent, and only --told that it was", "--told --sent "+sent)
		}
		h, err := g.desk()
		if err != nil {
			return err
		}
		if by, err = h.called(by); err != nil {
			return err
		}
		if told {
			i, err := h.desk.Told(args[0], by, duty, at)
			if err != nil {
				return respondFailure(err)
			}
			return g.tell(i, func(w io.Writer) error { return responseText(w, i) })
		}
		i, err := h.desk.Show(args[0])
		if err != nil {
			return respondFailure(err)
		}
		text, err := i.Draft(duty, h.s.scope.Estate)
		if err != nil {
			return respondFailure(err)
		}
		return g.tell(map[string]string{"incident": i.ID, "duty": duty, "draft": text}, func(w io.Writer) error {
			_, err := fmt.Fprint(w, text)
			return err
		})
	}}
	cmd.Flags().StringVar(&by, "by", "", "`NAME` of who sent it")
	cmd.Flags().StringVar(&duty, "duty", "", "`DUTY` as the incident's clocks name it")
	cmd.Flags().BoolVar(&told, "told", false, "write down that it was sent")
	cmd.Flags().StringVar(&sent, "sent", "", "`TIME` it was sent, if before now: what follows is counted from there (RFC 3339)")
	return cmd
}
