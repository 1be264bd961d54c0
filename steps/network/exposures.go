package network

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/network/exposure"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Service is one door of an AI system of the estate, with who can reach it.
type Service struct {
	Asset string   `json:"asset"`
	Name  string   `json:"name"` // the container, or the resource
	Rule  string   `json:"rule"`
	Title string   `json:"title"`
	Ports []string `json:"ports"`
	// Auth is "yes", "no" or "unknown": whether callers must prove who they are.
	Auth     string   `json:"auth"`
	Because  string   `json:"because"`
	Internet string   `json:"internet"` // yes, no or unknown
	Zones    []string `json:"zones"`    // those from which it can be reached, but its own
	// Perhaps are the internet and zones of which it could not be told.
	Perhaps  []string `json:"perhaps,omitempty"`
	Path     []Hop    `json:"path"`
	Severity string   `json:"severity"`
	Source   string   `json:"source"`

	// Asked is what stands before it and asks callers who they are, or may.
	Asked []string `json:"asked,omitempty"`

	exposure exposure.Exposure
	owner    estate.Node
}

// Services finds the doors of AI systems that ask nobody who he is, or of which that is
// not known, and decides who can reach each: the internet, and which zones but its own.
func (w *World) Services(z *Zones, zoneOf func(asset string) string) []Service {
	out := []Service{}
	internet, _ := w.End(Internet, nil, false)
	for n, a := range w.snap.Assets() {
		if a.Referenced || a.Type == estate.SetType {
			continue
		}
		owner, ok := w.standsFor(n, a)
		if !ok {
			continue
		}
		full := *a
		config, err := w.snap.Config(n)
		if err != nil {
			w.problem("%s: %v", a.ID, err)
			continue
		}
		full.Config = config
		for _, s := range exposure.Services(&full, w.notesOf(owner)) {
			doors := exposure.Recognise(s)
			for _, e := range doors {
				if e.Auth != exposure.Yes {
					var one Service
					asked := w.unsigned(func() { one = w.service(z, internet, owner, zoneOf, s, e) })
					one.Asked = asked
					out = append(out, one)
				}
			}
			if why := s.Undecided(); why != "" && len(doors) == 0 {
				var one Service
				asked := w.unsigned(func() {
					one = w.service(z, internet, owner, zoneOf, s, exposure.Exposure{Rule: &unrecognised, How: "what it runs was not read", Because: why})
				})
				one.Asked = asked
				out = append(out, one)
			}
		}
	}
	slices.SortFunc(out, func(a, b Service) int {
		return strings.Compare(a.Asset+" "+a.Name+" "+a.Rule, b.Asset+" "+b.Name+" "+b.Rule)
	})
	return out
}

// unrecognised stands for a container of which it could not be told whether it is an AI
// system.
var unrecognised = exposure.Rule{ID: "unrecognised", Title: "Something runs here of which it could not be told what it is", Severity: "medium"}

// service decides who can reach one door.
func (w *World) service(z *Zones, internet End, owner estate.Node, zoneOf func(string) string, s exposure.Service, e exposure.Exposure) Service {
	out := Service{Asset: w.snap.Asset(owner).ID, Name: s.Name, Rule: e.Rule.ID, Title: e.Rule.Title, Ports: listed(e.Reach()), Auth: e.Auth.String(), Because: e.Because, Zones: []string{}, Path: []Hop{},
		Severity: e.Rule.Severity, Source: e.Rule.Source, exposure: e, owner: owner}
	to := w.sites(owner, true)
	l := w.reachDoor(owner, internet.spots, to, e.Reach())
	if l.Reachable == reach.Unknown {
		out.Perhaps = append(out.Perhaps, Internet)
	}
	out.Internet = l.Reachable.String()
	if l.Reachable == reach.Yes {
		out.Path = orEmpty(l.Path)
	}
	own := zoneOf(out.Asset)
	for _, zone := range z.List {
		if zone.Name == own {
			continue
		}
		from := slices.DeleteFunc(slices.Clone(z.spots[zone.Name][0]), func(s spot) bool { return s.asset == owner })
		r := w.reachDoor(owner, from, to, e.Reach())
		if r.Reachable == reach.Unknown {
			out.Perhaps = append(out.Perhaps, zone.Name)
		}
		if r.Reachable != reach.Yes {
			continue
		}
		out.Zones = append(out.Zones, zone.Name)
		if len(out.Path) == 0 {
			out.Path = orEmpty(r.Path)
		}
	}
	return out
}

// reachDoor is what can be opened to a thing on some ports of its own. What leads to
// it may be dialled on another port: then any that leads there counts.
func (w *World) reachDoor(owner estate.Node, from, to []spot, ports reach.Ports) Link {
	l, _ := w.reach(from, to, ports)
	if l.Reachable != reach.No {
		return l
	}
	all, _ := w.reach(from, to, reach.Ports{})
	if all.Reachable == reach.Yes && slices.ContainsFunc(all.Path, func(h Hop) bool {
		return strings.HasPrefix(h.Name, "service ") || strings.HasPrefix(h.Name, "ingress ") || strings.HasPrefix(h.Name, "gateway ") || strings.Contains(h.Name, "loadbalancer")
	}) {
		if image := w.sidecar(owner); image != "" {
			why := "what leads to it may lead to " + image + " beside it, which may ask callers who they are"
			w.asked.said = append(w.asked.said, why)
			return Link{Reachable: reach.Unknown, Maybe: all.Ports.Union(all.Maybe), Because: []string{why}}
		}
		return all
	}
	if all.Reachable == reach.Unknown && slices.ContainsFunc(all.Because, func(why string) bool {
		return strings.Contains(why, "ingress ") || strings.Contains(why, "gateway ") || strings.Contains(why, "service ")
	}) {
		return all // what leads to it may
	}
	return l
}

// standsFor is the component whose place a service has: itself, or what holds the
// container; false if it has none, or is told by another already.
func (w *World) standsFor(n estate.Node, a *estate.Asset) (estate.Node, bool) {
	if a.Type != exposure.ContainerType {
		return n, w.component(n, a)
	}
	for e := range w.snap.In(n) {
		if e.Type == estate.Contains && w.component(e.Node, w.snap.Asset(e.Node)) {
			return e.Node, true
		}
	}
	return 0, false
}

// notesOf are the annotations of an object.
func (w *World) notesOf(n estate.Node) map[string]string {
	config, err := w.snap.Config(n)
	if err != nil || w.snap.Asset(n).Cloud != estate.Kubernetes {
		return nil
	}
	var d struct {
		Metadata struct{ Annotations map[string]string }
	}
	_ = json.Unmarshal(config, &d) // annotations of another shape are none
	return d.Metadata.Annotations
}

// services gives a finding for each door of an AI system that asks nobody who he is,
// or of which that is not known, and that somebody of another zone can reach.
func (j *jury) services() {
	zoneOf := func(id string) string {
		zone, _ := j.workloads.ZoneOf(id)
		return zone
	}
	for _, s := range j.w.Services(j.zones, zoneOf) {
		others, perhaps := s.Zones, s.Perhaps
		reached := s.Internet == reach.Yes.String() || len(others) > 0
		if !reached && len(perhaps) == 0 {
			continue
		}
		severity := finding.Severity(s.Severity)
		evidence := []finding.Evidence{{What: "it is", Where: s.Name, Value: s.exposure.How}, {What: "callers prove who they are", Where: s.Source, Value: s.Auth + ": " + s.Because},
			{What: "it listens on", Where: "ports", Value: strings.Join(s.Ports, ", ")}, {What: "the internet reaches it", Where: "routes, groups and policies", Value: s.Internet}}
		if len(others) > 0 {
			evidence = append(evidence, finding.Evidence{What: "reached from", Where: "zones", Value: strings.Join(others, ", ")})
		}
		if len(perhaps) > 0 {
			evidence = append(evidence, finding.Evidence{What: "could not be told of", Where: "zones", Value: strings.Join(perhaps, ", ")})
		}
		for _, why := range s.Asked {
			evidence = append(evidence, finding.Evidence{What: "what stands before it asks callers, or may", Where: "sign-in", Value: why})
		}
		for i, h := range s.Path {
			evidence = append(evidence, finding.Evidence{What: fmt.Sprintf("hop %d", i+1), Where: h.Name, Value: firstOf(h.Rule, "passes")})
		}
		id := j.find(Open, s.Asset, s.Name+" "+s.Rule, severity, evidence, nil)
		f := &j.findings[slices.IndexFunc(j.findings, func(f finding.Finding) bool { return f.ID == id })]
		f.Title = s.Title
		if s.Auth != exposure.No.String() {
			f.Status = finding.Unknown
			f.Title = "Could not tell whether callers must prove who they are: " + s.Title
		} else if !reached {
			f.Status = finding.Unknown
			f.Title = "Could not tell who can reach it: " + s.Title
		}
		f.Frameworks = append(f.Frameworks, s.exposure.Rule.CWE...)
		f.Evidence = append(f.Evidence, cves(s.exposure.Rule.CVE)...)
	}
}

func cves(list []string) []finding.Evidence {
	if len(list) == 0 {
		return nil
	}
	return []finding.Evidence{{What: "known as", Where: "CVE", Value: strings.Join(list, ", ")}}
}
