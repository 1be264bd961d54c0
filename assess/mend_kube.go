package assess

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/steps/audit/hclpatch"
)

// kubernetesPatches gives the findings on objects of Kubernetes the command that
// mends them, if one is known: a JSON patch, made of the object as it was read,
// that the control passes. What is written in Terraform is mended there.
func kubernetesPatches(ctx context.Context, snap *estate.Snapshot, findings []finding.Finding, controls *control.Set, now time.Time) {
	for i := range findings {
		f := &findings[i]
		c := controls.Find(f.Control)
		if f.Status != finding.Fail || c == nil || len(c.Kubernetes) == 0 || ctx.Err() != nil {
			continue
		}
		n, ok := snap.Find(f.Asset)
		if !ok {
			continue
		}
		a := snap.Asset(n)
		config, err := snap.Config(n)
		if err != nil || strings.HasPrefix(a.Source, "terraform:") {
			continue
		}
		if patch := c.KubernetesPatch(a, config, now); patch != "" {
			f.Fix.Commands = append(slices.Clip(f.Fix.Commands), kubectl(a, patch))
		}
	}
}

// fixedPods are the kinds whose pods cannot be changed once they are there.
var fixedPods = []string{"Pod", "Job", "Revision", "JobSet"}

// kubectl is the command that applies a JSON patch to an object. Where the API
// server would refuse the change the object is made anew.
func kubectl(a *estate.Asset, patch string) string {
	name := control.KubectlName(a)
	quoted := "'" + strings.ReplaceAll(patch, "'", `'\''`) + "'"
	if kind := a.Type[strings.LastIndexByte(a.Type, '/')+1:]; !slices.Contains(fixedPods, kind) {
		return "kubectl patch " + name + " --type json --patch " + quoted
	}
	return "kubectl get " + name + " --output yaml | kubectl patch --local --filename - --type json --patch " + quoted + " --output yaml | kubectl replace --force --filename -"
}

// inTerraform says the changes of a control in the words of the provider for
// Kubernetes; false if one of them cannot be, if they do not mend the object that
// the plan makes, or if what is written is no resource with blocks.
func inTerraform(snap *estate.Snapshot, c *control.Control, w written, asset string, now time.Time) (hclpatch.Edit, bool) {
	n, ok := snap.Find(asset)
	if !ok || !strings.HasPrefix(w.typ, "kubernetes_") || w.typ == "kubernetes_manifest" {
		return hclpatch.Edit{}, false
	}
	config, err := snap.Config(n)
	pods := expr.PodPaths(snap.Asset(n).Type)
	if err != nil || len(pods) == 0 || c.KubernetesPatch(snap.Asset(n), config, now) == "" {
		return hclpatch.Edit{}, false
	}
	e := hclpatch.Edit{Set: map[string]string{}}
	for _, k := range c.Kubernetes {
		if k.In == "" || k.Flag != "" || k.Of != "" {
			return hclpatch.Edit{}, false
		}
		bases := []string{snake(pods[0])}
		if k.In == "container" {
			bases = []string{bases[0] + ".container", bases[0] + ".init_container"}
		}
		for _, base := range bases {
			path := base + "." + inBlocks(k.Path)
			if k.Env != "" {
				path = base + ".env"
			}
			to := ""
			if k.Set != nil {
				to = literal(k.Set)
			}
			if to != "" && k.Env == "" && len(k.Is) == 0 {
				e.Set[optional(path)] = to
				continue
			}
			s := hclpatch.Swap{Path: path, Name: k.Env, To: to}
			for _, is := range k.Is {
				s.Is = append(s.Is, fmt.Sprint(is))
			}
			e.Swap = append(e.Swap, s)
		}
	}
	return e, true
}

// literal is a value in HCL.
func literal(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s) // what fixes say has no ${ in it
	}
	return fmt.Sprint(v)
}

// inBlocks is a JSON pointer as a path of blocks, which bear the names of one
// element where the object has a list.
func inBlocks(pointer string) string {
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i := 0; i+2 < len(parts); i++ {
		if parts[i+1] == "*" {
			parts[i] = strings.TrimSuffix(parts[i], "s")
			parts = slices.Delete(parts, i+1, i+2)
		}
	}
	return snake(strings.Join(parts, "."))
}

// optional marks the blocks of the pod's path as not to be made.
func optional(path string) string {
	parts := strings.Split(path, ".")
	for i, p := range parts[:len(parts)-1] {
		if p == "spec" || p == "template" || p == "job_template" || strings.HasSuffix(p, "container") {
			parts[i] = p + "?"
		}
	}
	return strings.Join(parts, ".")
}

// capitals are the beginnings of words.
var capitals = regexp.MustCompile(`([a-z])([A-Z]+)`)

func snake(s string) string {
	return strings.ToLower(capitals.ReplaceAllString(s, "${1}_${2}"))
}
