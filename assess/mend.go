package assess

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/redact"
	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	providerAWS "github.com/sevenfold-sec/sevenfold/provider/aws"
	providerKubernetes "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/risk"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/audit/hclpatch"
)

// reckon gives each failing finding its cost now and after scaling.
func reckon(snap *estate.Snapshot, workloads *scope.Workloads, findings []finding.Finding) {
	known := map[estate.Node]float64{}
	risk.Reckon(snap, workloads, findings, risk.Scaling{Units: func(n estate.Node, a *estate.Asset) float64 {
		if a.Referenced || !(a.Cloud == estate.AWS && providerAWS.Scales(a.Type) || a.Cloud == estate.Kubernetes && providerKubernetes.Scales(a.Type)) {
			return 0
		}
		if u, ok := known[n]; ok {
			return u
		}
		known[n] = unitsOf(snap, n, a)
		return known[n]
	}})
}

// unitsOf sums up the units an asset asks for; what cannot be told counts as
// none, as it is an estimate.
func unitsOf(snap *estate.Snapshot, n estate.Node, a *estate.Asset) float64 {
	config, err := snap.Config(n)
	if err != nil || !json.Valid(config) {
		return 0
	}
	scale, err := Scale(a, config)
	if err != nil {
		return 0
	}
	sum := 0.0
	for _, c := range scale.Capacities {
		if !c.Unknown {
			sum += c.Units
		}
	}
	return sum
}

// written is where an asset is written in Terraform.
type written struct {
	source    string // path of the plan or state
	files     *terraform.Sources
	address   string
	typ, name string
}

// patches gives the findings on what is written in Terraform the diff that
// mends the .tf file beside the plan. Where there is none the fix says why, if
// there is a reason a person can do something about.
func patches(ctx context.Context, findings []finding.Finding, sources []string, controls *control.Set) {
	var at map[string][]written
	for i := range findings {
		f := &findings[i]
		c := controls.Find(f.Control)
		if f.Status != finding.Fail || c == nil || len(c.Terraform) == 0 || ctx.Err() != nil {
			continue
		}
		if at == nil {
			at = writtenIn(sources)
		}
		f.Fix.Patch = patchOf(at[f.Asset], c.Terraform)
	}
}

// patchOf is the diff of the first of the fixes that a resource of the asset
// takes: a control names the resource that says it before the one that could.
func patchOf(asset []written, fixes []control.Terraform) string {
	for _, t := range fixes {
		for _, w := range asset {
			if t.Resource != w.typ {
				continue
			}
			for _, typ := range addedTypes(t.Add) {
				// Its name may be another, and two of them would contradict each other.
				if i := slices.IndexFunc(asset, func(w written) bool { return w.typ == typ }); i >= 0 {
					return fmt.Sprintf("# no patch: %s is there already and says something else\n", asset[i].address)
				}
			}
			return w.patch(t)
		}
	}
	return ""
}

// added is the head of a resource block in what a fix adds.
var added = regexp.MustCompile(`(?m)^resource "([a-z0-9_]+)"`)

// addedTypes are the types of the resources that a fix adds.
func addedTypes(add string) []string {
	var out []string
	for _, m := range added.FindAllStringSubmatch(add, -1) {
		out = append(out, m[1])
	}
	return out
}

// writtenIn tells of each asset of the plans and states among the sources which
// resources it is. A source that cannot be read has said so before.
func writtenIn(sources []string) map[string][]written {
	out := map[string][]written{}
	for _, s := range sources {
		if !strings.HasPrefix(s, "terraform:") {
			continue
		}
		o, err := terraformOptions(s)
		if err != nil {
			continue
		}
		plan, err := readPlan(o, nil)
		if err != nil {
			continue
		}
		files := terraform.FindSources(o.Path)
		for _, c := range plan.Changes {
			parts := strings.Split(indexed.ReplaceAllString(c.Address, ""), ".")
			if c.Mode == "data" || len(parts) < 2 {
				continue
			}
			w := written{source: o.Path, files: files, address: c.Address, typ: c.Type, name: parts[len(parts)-1]}
			for _, a := range c.After {
				out[a.ID] = append(out[a.ID], w)
			}
		}
	}
	return out
}

// indexed is the index of an instance: [0] or ["key"].
var indexed = regexp.MustCompile(`\[[^\]]*\]`)

// patch is the diff of the file the resource is written in. Where the file is
// not there nothing is said; where it is and cannot be mended, the reason is, as
// a comment that no tool takes for a change.
func (w written) patch(t control.Terraform) string {
	file, _, ok := w.files.Locate(w.address)
	if !ok {
		return ""
	}
	source, err := os.ReadFile(filepath.Join(filepath.Dir(w.source), filepath.FromSlash(file)))
	if err != nil {
		return ""
	}
	diff, err := hclpatch.Diff(file, source, hclpatch.Edit{Type: w.typ, Name: w.name, Set: t.Set, Default: t.Default, Append: t.Append, Add: t.Add})
	if err != nil {
		return fmt.Sprintf("# no patch: %v\n", err)
	}
	if redact.Text(diff, nil) != diff {
		return fmt.Sprintf("# no patch: it would show a secret that stands beside the change in %s\n", file)
	}
	return diff
}
