package assess

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network"
)

// manifests makes an estate of Kubernetes objects and a sevenfold.yaml, and a network.
func manifests(t *testing.T, config, objects string) (*estate.Snapshot, *network.World, *scope.Scope, *scope.Workloads) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"sevenfold.yaml": "estate: t\n" + config, "objects.yaml": objects} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return networkOf(t, dir)
}

const (
	trainer = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: trainer, namespace: lab, labels: {zone: training}}
spec: {selector: {matchLabels: {app: trainer}}, template: {metadata: {labels: {app: trainer}}, spec: {containers: [{name: c, image: trainer}]}}}
---
`
	live = `
apiVersion: v1
kind: Pod
metadata: {name: live, namespace: prod, labels: {app: live}}
spec: {containers: [{name: c, image: live}]}
status: {phase: Running, podIP: 10.244.0.5}
---
`
	shut = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shut, namespace: prod}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 192.168.7.0/24}}]}]}
---
`
	onlyHTTPS = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: kept, namespace: lab}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.168.0.0/16}}], ports: [{port: 443}]}]}
---
`
)

// TestNetworkIntents states every rule about networks that keep it, break it, and of
// which it cannot be told.
func TestNetworkIntents(t *testing.T) {
	const zones = "zones: {training: {match: 'region == \"lab\"'}}\n"
	tests := map[string]struct {
		intent, objects, want string
	}{
		"never, broken":                     {"{name: i, rule: never, from: training, to: prod/live}", trainer + live, "yes"},
		"never, kept":                       {"{name: i, rule: never, from: training, to: prod/live}", trainer + live + onlyHTTPS, "no"},
		"never, an address not known yet":   {"{name: i, rule: never, from: training, to: prod/live}", trainer + live + shut, "unknown"},
		"never, other ports":                {"{name: i, rule: never, from: training, to: 192.168.0.0/16, ports: [22]}", trainer + onlyHTTPS, "no"},
		"never, these ports":                {"{name: i, rule: never, from: training, to: 192.168.0.0/16, ports: [443]}", trainer + onlyHTTPS, "yes"},
		"never, a piece of a range":         {"{name: i, rule: never, from: 192.168.0.0/16, to: prod/live}", live + shut, "yes"},
		"never, internet and a pod's own":   {"{name: i, rule: never, from: internet, to: prod/live}", live, "no"},
		"never, by expressions":             {`{name: i, rule: never, from_match: 'region == "lab"', to_match: 'region == "prod"'}`, trainer + live, "yes"},
		"never, a party that is not there":  {"{name: i, rule: never, from: training, to: nobody}", trainer, "unknown"},
		"only, a range is not the internet": {"{name: i, rule: only, from: training, to: 192.168.0.0/16}", trainer, "yes"},
		"only, kept":                        {"{name: i, rule: only, from: training, to: 192.168.0.0/16}", trainer + onlyHTTPS, "no"},
		"only, kept on its ports":           {"{name: i, rule: only, from: training, to: 192.168.0.0/16, ports: [443]}", trainer + onlyHTTPS, "no"},
		"only, broken on others":            {"{name: i, rule: only, from: training, to: 192.168.0.0/16, ports: [22]}", trainer + onlyHTTPS, "yes"},
		"allowed says nothing must not be":  {"{name: i, rule: allowed, from: training, to: prod/live}", trainer + live, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			snap, w, s, workloads := manifests(t, zones+"network: {intents: ["+tt.intent+"]}\n", tt.objects)
			if s.Network.Intents[0].Rule == scope.Allowed {
				judged, err := network.New(s).Judge(context.Background(), snap, workloads)
				if err != nil || slices.ContainsFunc(judged.Findings, func(f finding.Finding) bool { return f.Control == network.Intended }) {
					t.Errorf("%v %v", judged.Findings, err)
				}
				return
			}
			got := "no"
			for _, v := range w.Intent(s.Network.Intents[0], workloads) {
				got = v.Reachable.String()
			}
			if unsure := w.Unsure(s, workloads); (len(unsure) > 0) != (tt.want == "unknown") {
				t.Errorf("said to be unsure: %v", unsure)
			}
			if got != tt.want {
				t.Errorf("what it forbids: %s, want %s", got, tt.want)
			}
		})
	}
}

// TestNetworkIntentIsJudged holds that a workload does not pass an intent which it
// breaks, nor one of which that cannot be told, and that both are findings.
func TestNetworkIntentIsJudged(t *testing.T) {
	const config = `zones: {training: {match: 'region == "lab"'}, serving: {match: 'region == "never"'}}
workloads: [{name: t, match: 'name == "trainer"'}]
network: {intents: [{name: closed, rule: never, from: training, to: prod/live}]}
`
	tests := map[string]struct {
		objects string
		want    finding.CriterionStatus
		status  finding.Outcome
	}{
		"broken":  {trainer + live, finding.CriterionFail, finding.Fail},
		"unknown": {trainer + live + shut, finding.CriterionUnknown, finding.Unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			snap, _, s, workloads := manifests(t, config, tt.objects)
			judged, err := network.New(s).Judge(context.Background(), snap, workloads)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range workloads.List {
				for _, c := range judged.Criteria[l.ID] {
					if c.ID == "network.isolation" && c.Status != tt.want {
						t.Errorf("%s: %s: %s", l.Name, c.Status, c.Reason)
					}
				}
			}
			i := slices.IndexFunc(judged.Findings, func(f finding.Finding) bool { return f.Control == network.Intended })
			if len(workloads.List) == 0 || i < 0 || judged.Findings[i].Status != tt.status {
				t.Errorf("%d workloads, findings: %+v", len(workloads.List), judged.Findings)
			}
		})
	}
}

// TestNetworkDiffWithinAKind opens a connection between two things that nothing tells
// apart, before and after.
func TestNetworkDiffWithinAKind(t *testing.T) {
	twin := func(name string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: lab, labels: {app: twin}}\nspec: {containers: [{name: c, image: twin}]}\nstatus: {phase: Running, podIP: 10.0.0." + name[1:] + "}\n---\n"
	}
	const closed = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed, namespace: lab}\nspec: {podSelector: {}, policyTypes: [Ingress]}\n"
	old, _, s, _ := manifests(t, "", twin("p4")+twin("p5")+closed)
	next, _, _, _ := manifests(t, "", twin("p4")+twin("p5"))
	d, err := NetworkDiff(context.Background(), s, old, next)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Opened) != 2 || d.Opened[0].From == d.Opened[0].To {
		t.Errorf("opened %+v, want each of the two to the other", d.Opened)
	}
}
