package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/gate/brake"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newGateAWS(g *globals) *cobra.Command {
	var r reading
	var by keyless
	var key string
	var except []string
	cmd := &cobra.Command{
		Use:   "aws [WORKLOAD…]",
		Short: "What keeps uncertified workloads in AWS from growing: control policies, freezes, an event",
		Long: "Prints, for every workload without a certificate that counts (or those named), statements for a service\n" +
			"control policy that deny the calls by which it grows, commands that freeze what grows by itself and leave\n" +
			"shrinking alone, and the EventBridge pattern that sees such a call made. Nothing is applied.\n\n" +
			"Application Auto Scaling acts through a service-linked role, which no control policy binds: without the\n" +
			"freezes it goes on. Most calls do not say which way they scale: denied, they scale down for nobody but\n" +
			"those of --except, who should go through gate plan. Certify a workload and print the policies anew.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("gate aws", "text", "json"); err != nil {
				return err
			}
			for _, e := range except {
				if !strings.HasPrefix(e, "arn:") {
					return usage(fmt.Sprintf("--except %s is no ARN", printable(e)), "--except 'arn:aws:iam::*:role/ci-deploy'; * and ? stand for any text and any character")
				}
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			var held *assess.Held
			err = s.with(cmd.Context(), r, func(st store.Store, o assess.Options, result *assess.Result) error {
				for _, name := range args {
					if _, err := workloadOf(result.Workloads.List, name); err != nil {
						return err
					}
				}
				trusted, err := g.trustIfAny(key, by, s.scope)
				if err != nil {
					return err
				}
				held, err = assess.HoldAWS(cmd.Context(), result, o, assess.Certificates{Store: st}, trusted, args, except)
				if err != nil {
					return usage(err.Error(), "sevenfold inventory lists the workloads; clusters are held by sevenfold gate admission")
				}
				return nil
			})
			if err != nil {
				return err
			}
			if err := g.tell(held, func(w io.Writer) error { return heldText(w, held) }); err != nil {
				return err
			}
			if len(held.Blind) > 0 {
				return verdict(exitUnknown)
			}
			return nil
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&key, "key", "", "public `KEY` certificates must be signed with: ed25519:BASE64, ecdsa-p256:BASE64 or a PEM file; default: the state's own")
	by.addTo(cmd)
	cmd.Flags().StringArrayVar(&except, "except", nil, "principals whose `ARN` fits this pattern may still make the calls; repeats")
	return cmd
}

func heldText(w io.Writer, h *assess.Held) error {
	var b bytes.Buffer
	if len(h.Workloads) == 0 {
		b.WriteString("Nothing in AWS is to be held.\n")
	} else {
		fmt.Fprintf(&b, "Held: %s\n", printable(strings.Join(h.Workloads, ", ")))
	}
	if len(h.Free) > 0 {
		fmt.Fprintf(&b, "Certified, and so free to grow: %s\n", printable(strings.Join(h.Free, ", ")))
	}
	for i, p := range h.Policies {
		fmt.Fprintf(&b, "\n# service control policy %d of %d, %d of %d characters\n", i+1, len(h.Policies), len(p), brake.MaxSize)
		if err := json.Indent(&b, p, "", "  "); err != nil {
			return err
		}
		b.WriteByte('\n')
	}
	if len(h.Freeze) > 0 {
		b.WriteString("\n# freezes: out, not in\n")
		for _, c := range h.Freeze {
			fmt.Fprintf(&b, "%s\n#   back: %s\n", printable(c.Run), printable(c.Undo))
		}
	}
	if len(h.Workloads) > 0 {
		fmt.Fprintf(&b, "\n# the last line: aws events put-rule --name sevenfold-growth --event-pattern '…'\n%s\n", h.Event)
	}
	if len(h.Blind) > 0 {
		b.WriteString("\nNot read, and so there may be more to hold:\n")
		for _, line := range h.Blind {
			b.WriteString("  " + printable(line) + "\n")
		}
	}
	for _, part := range []struct {
		title string
		notes []brake.Note
	}{{"Wider than the workload", h.Wider}, {"Not held here", h.Unheld}} {
		if len(part.notes) > 0 {
			fmt.Fprintf(&b, "\n%s:\n", part.title)
		}
		for _, n := range part.notes {
			fmt.Fprintf(&b, "  %s  %s: %s\n", printable(n.Workload), printable(n.Asset), n.Text)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}
