package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newGatePlan(g *globals) *cobra.Command {
	var r reading
	var key string
	var by keyless
	alone := false
	cmd := &cobra.Command{
		Use:   "plan {PLAN.json | TEMPLATE | CHANGES.json | MANIFESTS}",
		Short: "May this be applied? Growth needs a certificate, and nothing may break",
		Long: "Lays what is about to be applied over the estate and judges both: a plan of Terraform or OpenTofu\n" +
			"(terraform show -json), a CloudFormation template or change set (describe-change-set\n" +
			"--include-property-values), or manifests as helm template and kustomize build write them.\n" +
			"cloudformation:FILE,account=…,region=… and dir:FILE,cluster=… say what the text does not.\n" +
			"The estate is what the sources named say, or a stored snapshot (--snapshot), or the last one in the state; with\n" +
			"--alone, or where there is none, the plan's own word on what exists.\n\n" +
			"Exit codes: 0 it may be applied, 1 it grows without a certificate or breaks a criterion,\n" +
			"2 it cannot be read, 3 that is known only after apply.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("gate plan", "text", "json", "sarif", "markdown", "conftest"); err != nil {
				return err
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			return s.gatePlan(cmd.Context(), r, args[0], key, by, alone)
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&key, "key", "", "public `KEY` certificates must be signed with: ed25519:BASE64, ecdsa-p256:BASE64 or a PEM file; default: the state's own")
	by.addTo(cmd)
	cmd.Flags().BoolVar(&alone, "alone", false, "judge the plan by itself, over no estate")
	return cmd
}

// laid is a plan and what it is laid over.
type laid struct {
	plan    *terraform.Plan
	base    *estate.Snapshot // nil: nothing is known of the estate
	options assess.Options
	store   store.Store
}

// laid reads a plan and the estate it is for. The plan comes first: one that cannot
// be read ends here, before anything is read from anywhere else.
func (s *session) laid(ctx context.Context, r reading, path string, alone bool, then func(*laid) error) error {
	s.maskKeyFile = r.maskKey
	mask, err := s.maskKeyIfAny()
	if err != nil {
		return err
	}
	p, err := assess.ReadChange(ctx, path, mask)
	if err != nil {
		return planFailure(err)
	}
	st, closeAll, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	o, err := s.options(r.within)
	if err != nil {
		return err
	}
	if err := s.sameMaskKey(ctx, st, o.MaskKey, false); err != nil {
		return err
	}
	base, err := s.planBase(ctx, st, r, o, alone)
	if err != nil {
		return err
	}
	if err := s.supplyKnown(ctx, st, &o); err != nil {
		return err
	}
	if base != nil { // what differs from the baseline already is not the plan's doing
		if err := s.against(ctx, st, base, r, &o); err != nil {
			return err
		}
	}
	if p, err = assess.PlaceChange(ctx, p, path, mask, base); err != nil {
		return planFailure(err)
	}
	return then(&laid{p, base, o, st})
}

// decidePlan is the gate's word on what is about to be applied.
func (s *session) decidePlan(ctx context.Context, r reading, path, key string, by keyless, alone bool) (shown *report.GatePlan, err error) {
	trusted, err := s.g.trustIfAny(key, by, s.scope)
	if err != nil {
		return nil, err
	}
	err = s.laid(ctx, r, path, alone, func(l *laid) error {
		d, err := assess.GatePlan(ctx, l.base, l.plan, l.options, assess.Certificates{Store: l.store}, trusted)
		if err != nil {
			return err
		}
		shown = &report.GatePlan{Decision: d, Plan: filepath.ToSlash(path), Version: version, Now: l.options.Now, Resources: changing(l.plan), Locate: terraform.FindSources(path).Locate}
		return nil
	})
	return shown, err
}

func (s *session) gatePlan(ctx context.Context, r reading, path, key string, by keyless, alone bool) error {
	shown, err := s.decidePlan(ctx, r, path, key, by, alone)
	if err != nil {
		return err
	}
	if err := s.g.write(func(w io.Writer) error { return s.g.planReport(w, shown) }); err != nil {
		return err
	}
	return verdict(shown.Decision.Exit())
}

// changing counts the resources a plan changes.
func changing(p *terraform.Plan) int {
	n := 0
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Mode != "data" && (c.Acts("create") || c.Acts("update") || c.Acts("delete")) {
			n++
		}
	}
	return n
}

func (g *globals) planReport(w io.Writer, p *report.GatePlan) error {
	switch g.format {
	case "json":
		return writeJSON(w, p.Decision)
	case "sarif":
		return report.GateSARIF(w, p)
	case "conftest":
		return report.GateConftest(w, p)
	case "markdown":
		return report.GateMarkdown(w, p)
	}
	return report.GateText(w, p)
}

// planBase is the estate a plan is laid over, nil for none.
func (s *session) planBase(ctx context.Context, st store.Store, r reading, o assess.Options, alone bool) (*estate.Snapshot, error) {
	switch {
	case alone:
		return nil, nil
	case r.snapshot != "":
		return stored(ctx, st, r.snapshot)
	case !s.ambient:
		return s.snapshot(ctx, st, r, o)
	}
	snap, err := st.Latest(ctx)
	if errors.Is(err, store.ErrNotFound) {
		printFailure(s.g.stderr, &failure{what: "no source is named and the state holds no snapshot: the plan is judged by its own word on what exists",
			hint: "--source aws or --source dir:EXPORTS lays it over the estate; --alone says that this is meant"})
		return nil, nil
	}
	if err != nil {
		return nil, stateFailure(err)
	}
	fmt.Fprintf(s.g.stderr, "laid over the snapshot of %s\n", snap.Taken().Format(time.RFC3339))
	return snap, nil
}

// planFailure says that a plan cannot be read: nothing was decided.
func planFailure(err error) error {
	f := &failure{code: exitUsage, what: err.Error(), hint: "terraform plan -out=plan.bin && terraform show -json plan.bin > plan.json"}
	var h hinter
	if errors.As(err, &h) && h.Hint() != "" {
		f.hint = h.Hint()
	}
	return f
}
