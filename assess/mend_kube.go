package assess

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
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
