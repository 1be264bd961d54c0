// Command netpolgen makes a cluster's manifests of a given size, and decides all pairs
// of pods of a folder of manifests, so that other tools can be timed on the same input.
//
//	netpolgen -pods 1000 -policies 500 -out DIR
//	netpolgen -decide DIR
package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach/kube"
)

func main() {
	pods, policies := flag.Int("pods", 1000, "how many pods, two of a workload"), flag.Int("policies", 500, "how many NetworkPolicies")
	out, decide := flag.String("out", "", "`FOLDER` to write the manifests into"), flag.String("decide", "", "`FOLDER` of manifests to decide")
	flag.Parse()
	if err := run(*pods, *policies, *out, *decide); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(pods, policies int, out, decide string) error {
	if decide == "" {
		if err := os.MkdirAll(out, 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(out, "cluster.yaml"), manifests(pods, policies), 0o644)
	}
	files, err := filepath.Glob(filepath.Join(decide, "*.yaml"))
	if err != nil {
		return err
	}
	c := kube.NewCluster()
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = c.Read(name, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	e := kube.New(c)
	blocks := 0
	for range e.Flows {
		blocks++
	}
	fmt.Printf("%d classes, %d blocks of flows\n", e.Classes(), blocks)
	return nil
}

// manifests are pods of workloads with labels of the recommended kind in a namespace for
// each fifty, and policies with two rules each way that name peers by labels.
func manifests(pods, policies int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	spaces := max(10, pods/50)
	apps := pods/2/spaces + 1
	for n := range spaces {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: ns%d, labels: {team: t%d, env: e%d}}\n", n, n%20, n%3)
	}
	for i := range pods {
		w := i / 2
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: pod%d, namespace: ns%d, labels: {app: a%d, tier: t%d, version: v%d}}\nspec:\n  nodeName: n%d\n  containers: [{name: c, image: x, ports: [{name: http, containerPort: %d}]}]\nstatus: {phase: Running, hostIP: 192.168.1.%d, podIP: 10.%d.%d.%d, podIPs: [{ip: 10.%d.%d.%d}]}\n",
			i, w%spaces, w/spaces, w%4, w%3, i%100, 8000+w%5, i%100, i>>16&255, i>>8&255, i&255, i>>16&255, i>>8&255, i&255)
	}
	for i := range policies {
		fmt.Fprintf(&b, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: np%d, namespace: ns%d}\nspec:\n  podSelector: {matchLabels: {app: a%d}}\n  policyTypes: [Ingress, Egress]\n", i, r.IntN(spaces), r.IntN(apps))
		for _, side := range [][2]string{{"ingress", "from"}, {"egress", "to"}} {
			fmt.Fprintf(&b, "  %s:\n", side[0])
			for range 2 {
				fmt.Fprintf(&b, "  - %s:\n    - podSelector: {matchLabels: {tier: t%d}}\n    - namespaceSelector: {matchLabels: {team: t%d}}\n      podSelector: {matchExpressions: [{key: app, operator: In, values: [a%d, a%d]}]}\n    ports: [{port: %d}, {port: http}, {protocol: UDP, port: %d}]\n",
					side[1], r.IntN(4), r.IntN(20), r.IntN(apps), r.IntN(apps), 8000+r.IntN(10), 5000+r.IntN(10))
			}
		}
	}
	return b.Bytes()
}
