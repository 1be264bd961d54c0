package supply

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

// Called is one host of an AI service that a log shows one caller to have called, or to
// have looked up.
type Called struct {
	Host string `json:"host"`
	// By is the caller as the log names it: an instance's id, an address, an ARN.
	By string `json:"by"`
	// How: dns (the name was looked up), proxy, or api.
	How    string    `json:"how"`
	Models []string  `json:"models,omitempty"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
}

// calledCounts is how long a call that a log shows speaks for one today.
const calledCounts = 90 * 24 * time.Hour

// fresh are the calls that count today.
func (k *Known) fresh() []Called {
	var out []Called
	for _, c := range k.Called {
		if k.Now.Sub(c.Last) <= calledCounts {
			out = append(out, c)
		}
	}
	return out
}

// hostType is that of services as assets.
const hostType = "sevenfold::Host"

func hostID(host string) string { return "host://" + host }

// callers finds the assets that logs name.
type callers struct {
	snap *estate.Snapshot
	// by instance id or address; -1: several have it, and nobody can tell which is meant.
	by map[string]estate.Node
}

func callersOf(snap *estate.Snapshot) *callers {
	c := &callers{snap, map[string]estate.Node{}}
	put := func(name string, n estate.Node) {
		if name == "" {
			return
		}
		if old, twice := c.by[name]; twice && old != n {
			n = -1
		}
		c.by[name] = n
	}
	for _, a := range snap.Assets() {
		n, ok := snap.Find(a.ID)
		if !ok {
			continue
		}
		switch {
		case a.Type == "AWS::EC2::Instance":
			var v struct {
				ID      string `json:"InstanceId"`
				Address string `json:"PrivateIpAddress"`
			}
			_ = json.Unmarshal(a.Config, &v) // what is not there names nobody
			put(cmp.Or(v.ID, a.ID[strings.LastIndexAny(a.ID, "/:")+1:]), n)
			put(v.Address, n)
		case a.Cloud == estate.Kubernetes && strings.HasSuffix(a.Type, "Pod"):
			var v struct {
				Status struct {
					IP string `json:"podIP"`
				} `json:"status"`
			}
			_ = json.Unmarshal(a.Config, &v)
			put(v.Status.IP, n)
		}
	}
	return c
}

// find is the asset that a log names; ok is false if none is known, or several are.
func (c *callers) find(by string) (estate.Node, bool) {
	if n, ok := c.by[by]; ok {
		return n, n >= 0
	}
	return c.snap.Find(by)
}

// derived are the services that logs show, as assets, and who called them.
func (k *Known) derived(snap *estate.Snapshot, asset func(estate.Asset)) (out []estate.Relation) {
	calls := k.fresh()
	if len(calls) == 0 {
		return nil
	}
	index := callersOf(snap)
	for _, c := range calls {
		asset(estate.Asset{ID: hostID(c.Host), Type: hostType, Kind: estate.KindService, Name: c.Host})
		if n, ok := index.find(c.By); ok {
			out = append(out, estate.Relation{From: snap.Asset(n).ID, To: hostID(c.Host), Type: Calls, Tier: estate.Observed, Evidence: c.text()})
		}
	}
	return out
}

func (c *Called) text() string {
	return fmt.Sprintf("%s by %s until %s", map[string]string{"dns": "name looked up", "proxy": "called through a proxy", "api": "called"}[c.How], c.By, c.Last.Format(time.DateOnly))
}

// logged says of a host that a workload calls how logs show that; "" if they do not.
func (k *Known) logged(host string) string {
	var out []string
	for _, c := range k.fresh() {
		if c.Host == host {
			out = append(out, c.text())
		}
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + joinSentences(out) + ")"
}

// stray are the hosts that logs show to be called by what belongs to no workload, each
// with who that was.
func (j *jury) stray(workloads []finding.Workload) map[string]string {
	calls := j.known.fresh()
	if len(calls) == 0 {
		return nil
	}
	members := map[string]bool{}
	for i := range workloads {
		for _, id := range workloads[i].Members {
			members[id] = true
		}
	}
	index, by := callersOf(j.snap), map[string][]string{}
	for _, c := range calls {
		if n, ok := index.find(c.By); !ok || !members[j.snap.Asset(n).ID] {
			by[c.Host] = append(by[c.Host], c.text())
		}
	}
	out := map[string]string{}
	for host, list := range by {
		out[host] = "what belongs to no workload: " + joinSentences(list)
	}
	return out
}

// strays gives a finding of each service that no register knows and that only what
// belongs to no workload calls: no criterion would tell of it.
func (j *jury) strays(workloads []finding.Workload) {
	hosts := j.stray(workloads)
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		if registered(j.scope, host) != nil {
			continue
		}
		j.find(Shadow, hostID(host), host, finding.Fail, ruleOf(Shadow).Severity, "", []finding.Evidence{{What: "calls in logs", Where: host, Value: hosts[host]}})
	}
}

// Matters reports whether a log's host is of an AI service: a vendor's, or a registered
// one.
func Matters(s *scope.Scope, host string) bool {
	return parts.VendorOf(host) != "" || registered(s, host) != nil
}

// Unregistered are the hosts among calls that no register knows, sorted.
func Unregistered(s *scope.Scope, calls []Called) []string {
	var out []string
	for _, c := range calls {
		if registered(s, c.Host) == nil {
			out = append(out, c.Host)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
