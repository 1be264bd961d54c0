package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/kube"
)

// compare asks our engine for everything that a list could hold.
func compare(dir string, want *connections, blocks reach.Answer, reasons map[string]*tally) (tally, []string, error) {
	c := kube.NewCluster()
	c.BlocksMatchPods = blocks
	owners := map[string]string{}
	ingresses, err := read(dir, c, owners)
	if err != nil {
		return tally{}, nil, err
	}
	e := kube.New(c)
	j := judge{e: e, want: want, workloads: map[string][]string{}, reasons: reasons, hosts: map[string]bool{}, homeless: map[string]bool{}, refused: len(c.Problems()) > 0}
	for _, p := range c.Pods() {
		name := owners[p.ID()]
		if name == "" {
			name = workload(p)
		}
		j.workloads[name] = append(j.workloads[name], p.ID())
		j.hosts[name] = j.hosts[name] || p.HostNet
		j.homeless[name] = j.homeless[name] || len(p.IPs) == 0
		for _, a := range p.IPs {
			j.taken = append(j.taken, a)
		}
	}
	for name := range j.workloads {
		j.names = append(j.names, name)
	}
	slices.Sort(j.names)
	j.inside()
	j.outside()
	j.ingresses(ingresses)
	for _, p := range c.Problems() {
		j.differences = append(j.differences, "not understood: "+p)
	}
	return j.tally, j.differences, nil
}

// workload is how they call a pod, or the template of a workload.
func workload(p *kube.Pod) string {
	kind, name, found := strings.Cut(p.Name, "/")
	if !found {
		kind, name = "Pod", p.Name
	}
	return fmt.Sprintf("%s/%s[%s]", p.Namespace, name, kind)
}

// read adds all manifests of a folder, and notes whom pods belong to and which
// Ingresses and Routes there are.
func read(dir string, c *kube.Cluster, owners map[string]string) (ingresses []kube.End, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_ = c.Read(path, bytes.NewReader(text)) // what is wrong stays unknown
		dec := yaml.NewDecoder(bytes.NewReader(text))
		for {
			var doc map[string]any
			if err := dec.Decode(&doc); err != nil {
				if errors.Is(err, io.EOF) {
					return nil
				}
				return nil
			}
			for _, o := range flatten(doc) {
				note(o, owners, &ingresses)
			}
		}
	})
	return ingresses, err
}

func flatten(doc map[string]any) []map[string]any {
	list, ok := doc["items"].([]any)
	if !ok {
		return []map[string]any{doc}
	}
	var out []map[string]any
	for _, o := range list {
		if m, ok := o.(map[string]any); ok {
			out = append(out, flatten(m)...)
		}
	}
	return out
}

func note(o map[string]any, owners map[string]string, ingresses *[]kube.End) {
	meta, _ := o["metadata"].(map[string]any)
	ns, _ := meta["namespace"].(string)
	if ns == "" {
		ns = "default"
	}
	id := fmt.Sprint(ns, "/", meta["name"])
	switch o["kind"] {
	case "Ingress":
		*ingresses = append(*ingresses, kube.IngressEnd(id))
	case "Route":
		*ingresses = append(*ingresses, kube.RouteEnd(id))
	}
	refs, _ := meta["ownerReferences"].([]any)
	if len(refs) == 0 {
		return
	}
	ref, _ := refs[0].(map[string]any)
	if ref["kind"] == nil {
		ref["kind"] = "Pod"
	}
	if ref["kind"] == "Node" {
		return // a pod by itself, to them
	}
	owners[id] = fmt.Sprintf("%s/%v[%v]", ns, ref["name"], ref["kind"])
}

// judge compares one directory.
type judge struct {
	tally
	reasons     map[string]*tally
	hosts       map[string]bool // workloads with a pod on its node's network
	homeless    map[string]bool // workloads with a pod whose address is not known
	refused     bool            // something was not understood
	e           *kube.Engine
	want        *connections
	workloads   map[string][]string // their names of workloads, to our pods
	names       []string
	taken       []netip.Addr
	differences []string
}

// some is every port but the 0 that their ranges leave out.
var some = reach.Transport.Minus(reach.Port(reach.TCP, 0).Union(reach.Port(reach.UDP, 0)).Union(reach.Port(reach.SCTP, 0)))

// reason is why two workloads, or one and an address, may be told otherwise.
func (j *judge) reason(ends ...string) string {
	for _, end := range ends {
		switch {
		case j.refused:
			return "a manifest that the API refuses"
		case j.want.udn:
			return "networks beside the cluster's, or of a namespace's own"
		case j.hosts[end]:
			return "pods on their node's network, and pods' own nodes"
		case j.homeless[end]:
			return "address blocks, and a pod whose address is not known"
		}
	}
	return "other"
}

func (j *judge) count(reason, difference string, t tally) {
	if j.reasons[reason] == nil {
		j.reasons[reason] = &tally{}
	}
	for _, sum := range []*tally{&j.tally, j.reasons[reason]} {
		sum.same, sum.unknown, sum.different = sum.same+t.same, sum.unknown+t.unknown, sum.different+t.different
	}
	j.differences = append(j.differences, difference)
}

func (j *judge) decide(from, to string, want, yes, maybe reach.Ports) {
	what := from + " => " + to
	want, yes, maybe = want.Intersect(some), yes.Intersect(some), maybe.Intersect(some)
	switch {
	case want.Equal(yes) && maybe.Minus(yes).IsEmpty():
		j.same++
	case want.Covers(yes) && yes.Union(maybe).Covers(want):
		j.count(j.reason(from, to), fmt.Sprintf("unknown: %s: they say %v, we say surely %v and perhaps %v", what, want, yes, maybe), tally{unknown: 1})
	default:
		j.count(j.reason(from, to), fmt.Sprintf("different: %s: they say %v, we say surely %v and perhaps %v", what, want, yes, maybe), tally{different: 1})
	}
}

func (j *judge) inside() {
	for _, from := range j.names {
		for _, to := range j.names {
			if from == to {
				continue
			}
			yes, maybe := j.ask(j.pods(from), j.pods(to))
			j.decide(from, to, j.want.pairs[[2]string{from, to}], yes, maybe)
		}
	}
	for pair := range j.want.pairs {
		for _, name := range pair {
			if j.workloads[name] == nil && name != ingressController {
				reason := "pods that have finished"
				if j.refused || j.want.udn {
					reason = j.reason(name)
				}
				j.count(reason, "different: "+name+" is a workload to them alone", tally{different: 1})
			}
		}
	}
}

func (j *judge) pods(name string) []kube.End {
	var out []kube.End
	for _, id := range j.workloads[name] {
		out = append(out, kube.PodEnd(id))
	}
	return out
}

// ask joins what several ends say, as their lists do of a workload's pods.
func (j *judge) ask(from, to []kube.End) (yes, maybe reach.Ports) {
	for _, f := range from {
		for _, t := range to {
			r, err := j.e.Can(f, t, reach.Ports{})
			if err != nil {
				continue
			}
			yes, maybe = yes.Union(r.Ports), maybe.Union(r.Maybe)
		}
	}
	return yes, maybe.Minus(yes)
}

// outside asks for one address of each piece between the edges of both.
func (j *judge) outside() {
	starts := []netip.Addr{netip.MustParseAddr("0.0.0.0")}
	for i := range j.e.Classes() {
		for _, r := range j.e.Class(i).Addrs.Ranges() {
			starts = append(starts, r.From)
		}
	}
	for _, x := range j.want.external {
		starts = append(starts, x.addrs.From)
		if next := x.addrs.To.Next(); next.IsValid() {
			starts = append(starts, next)
		}
	}
	slices.SortFunc(starts, netip.Addr.Compare)
	for _, a := range slices.Compact(starts) {
		for slices.Contains(j.taken, a) {
			a = a.Next()
		}
		if !a.Is4() {
			continue // their lists are of IPv4
		}
		end := []kube.End{kube.AddrEnd(reach.AddrOf(a))}
		for _, name := range j.names {
			for _, in := range []bool{true, false} {
				var want reach.Ports
				for _, x := range j.want.external {
					if x.in == in && x.workload == name && x.addrs.From.Compare(a) <= 0 && a.Compare(x.addrs.To) <= 0 {
						want = want.Union(x.ports)
					}
				}
				from, to := end, j.pods(name)
				names := []string{a.String(), name}
				if !in {
					from, to = to, from
					slices.Reverse(names)
				}
				yes, maybe := j.ask(from, to)
				j.decide(names[0], names[1], want, yes, maybe)
			}
		}
	}
}

// ingresses compares the workloads that something at the edge hands
// connections on to. Which ports of the pods it uses is theirs alone to say,
// since we answer with the ports dialled.
func (j *judge) ingresses(ends []kube.End) {
	for _, name := range j.names {
		want := j.want.pairs[[2]string{ingressController, name}]
		some := reach.No
		for _, id := range j.workloads[name] {
			ways, err := j.e.Ways(kube.Internet(), kube.PodEnd(id), reach.Ports{})
			if err != nil {
				continue
			}
			for _, w := range ways[1:] {
				if slices.ContainsFunc(w.Via, func(s string) bool {
					return strings.HasPrefix(s, "ingress ") || strings.HasPrefix(s, "route ")
				}) {
					some = some.Or(w.Reachable)
				}
			}
		}
		switch {
		case len(ends) == 0 && want.IsEmpty():
		case want.IsEmpty() == (some == reach.No):
			j.same++
		default:
			j.count("ingress controllers", fmt.Sprintf("different: %s => %s: they say %v, we say %v", ingressController, name, want, some), tally{different: 1})
		}
	}
}
