package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

func newSupplyBom(g *globals) *cobra.Command {
	var of, spec string
	cmd := &cobra.Command{
		Use:   "bom PATH…",
		Short: "What something is made of: packages, models, data sets, services, tools, as an AI bill of materials",
		Long: `What something is made of: packages, models, data sets, services, tools, as an AI
bill of materials.

PATH is a folder or file, or a container image (an OCI image layout, or what docker
save writes). Read are lock files, bills (CycloneDX, SPDX, VEX), installed systems,
notebooks, source code, Dockerfiles, manifests, gateways' and MCP clients'
configurations, and model files. --format json writes CycloneDX 1.6, or with
--spec spdx SPDX 3.0.1. Exit 1 if a model file among it runs code, else 3 if something could not be read to its end, or nothing
was found; else 0.`,
		Args: atLeastOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("supply bom", "text", "json"); err != nil {
				return err
			}
			if spec == "cyclonedx" {
				spec = "cyclonedx-1.6"
			}
			cyclone, is := strings.CutPrefix(spec, "cyclonedx-")
			if spec != "spdx" && (!is || cyclone != "1.6" && cyclone != "1.7") {
				return usage(fmt.Sprintf("--spec %q is not known", spec), "--spec cyclonedx, cyclonedx-1.7 or spdx")
			}
			paths, err := supplyPaths(args)
			if err != nil {
				return err
			}
			s, err := g.scopeOnly()
			if err != nil {
				return err
			}
			looked, err := assess.LookAt(cmd.Context(), paths, local.Options{In: cmd.InOrStdin()}, modelfile.Limits{Digest: true}, true)
			if err != nil {
				return lookFailure(err)
			}
			if err := g.keep(cmd.Context(), looked, of, true); err != nil {
				return err
			}
			var all parts.Answer
			for i := range looked {
				all.Add(looked[i].Bill)
			}
			bill := supply.BillOf(all, runTime())
			name := orElse(of, filepath.Base(paths[0]))
			if err := g.write(func(w io.Writer) error {
				switch {
				case g.format == "text":
					return billText(w, bill)
				case spec == "spdx":
					return supply.SPDX(w, name, version, bill)
				}
				return supply.CycloneDX(w, cyclone, name, version, bill, s.scope.Services)
			}); err != nil {
				return err
			}
			for i := range looked {
				if w := looked[i].Artifacts.Worst(); w == modelfile.Malicious || w == modelfile.Suspicious {
					return verdict(exitNotReady)
				}
			}
			if len(bill.Problems) > 0 || len(bill.Parts) == 0 {
				return verdict(exitUnknown)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&of, "of", "", placeHelp)
	cmd.Flags().StringVar(&spec, "spec", "cyclonedx", "with --format json: cyclonedx (1.6), cyclonedx-1.7 or spdx (3.0.1)")
	return cmd
}

// maxPartsShown keeps a screen readable; JSON has them all.
const maxPartsShown = 40

func billText(w io.Writer, b *supply.Bill) error {
	by := map[parts.Kind][]*parts.Part{}
	for i := range b.Parts {
		by[b.Parts[i].Kind] = append(by[b.Parts[i].Kind], &b.Parts[i])
	}
	for _, k := range []parts.Kind{parts.Model, parts.Service, parts.Tool, parts.Image, parts.Dataset, parts.Notebook, parts.Package} {
		list := by[k]
		if len(list) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s\n", counted(len(list), string(k)))
		for _, p := range list[:min(len(list), maxPartsShown)] {
			fmt.Fprintf(w, "  %s\n", printable(partLine(p)))
		}
		if more := len(list) - maxPartsShown; more > 0 {
			fmt.Fprintf(w, "  and %d more: --format json has them all\n", more)
		}
	}
	if len(b.Notices) > 0 {
		fmt.Fprintf(w, "\n%s\n", counted(len(b.Notices), "remark"))
		sorted := slices.Clone(b.Notices)
		rank := map[parts.Severity]int{parts.Critical: 0, parts.High: 1, parts.Medium: 2, parts.Low: 3, parts.Info: 4}
		slices.SortStableFunc(sorted, func(x, y parts.Notice) int { return rank[x.Severity] - rank[y.Severity] })
		for _, n := range sorted[:min(len(sorted), maxPartsShown)] {
			fmt.Fprintf(w, "  %-8s %s %s: %s\n", n.Severity, n.Rule, printable(placeText(n.Place)), printable(n.Text))
		}
		if more := len(sorted) - maxPartsShown; more > 0 {
			fmt.Fprintf(w, "  and %d more: --format json has them all\n", more)
		}
	}
	for _, p := range b.Problems {
		fmt.Fprintf(w, "not read: %s: %s\n", printable(p.Path), printable(p.Why))
	}
	if len(b.Parts) == 0 {
		fmt.Fprintln(w, "nothing was found that says what this is made of")
	}
	return nil
}

func partLine(p *parts.Part) string {
	s := p.Name
	if p.Version != "" {
		s += " " + p.Version
	}
	if p.Ecosystem != "" {
		s += " (" + p.Ecosystem + ")"
	}
	if p.Kind == parts.Service {
		s += " of " + orElse(p.Facts["vendor"], "whom is not known")
	}
	if !p.Pinned && (p.Kind == parts.Model || p.Kind == parts.Image || p.Kind == parts.Package) && p.Ecosystem != "card" {
		s += ", not pinned"
	}
	if v := p.Facts["verdict"]; v != "" && v != string(modelfile.Clean) {
		s += ", " + strings.ToUpper(v)
	}
	var at []string
	for _, pl := range p.Places[:min(len(p.Places), 2)] {
		at = append(at, placeText(pl))
	}
	return s + "  " + strings.Join(at, ", ")
}

func placeText(p parts.Place) string {
	if p.Line > 0 {
		return fmt.Sprintf("%s:%d", p.Path, p.Line)
	}
	return p.Path
}
