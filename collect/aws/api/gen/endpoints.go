package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// partition is one of AWS's separate clouds.
type partition struct {
	ID          string         `json:"id"`
	RegionRegex string         `json:"regionRegex"`
	Outputs     map[string]any `json:"outputs"`
	Regions     map[string]any `json:"regions"`
}

func readPartitions(data string) ([]partition, error) {
	var doc struct {
		Partitions []partition `json:"partitions"`
	}
	err := readJSON(filepath.Join(data, "partitions.json"), &doc)
	return doc.Partitions, err
}

// host is where a region's calls go and how they are signed.
type host struct {
	Host   string `json:"h"`
	Region string `json:"r,omitempty"` // signing region, if not the one asked for
	Name   string `json:"n,omitempty"` // signing name, if not the service's own
}

// spread is a partition's usual host, with {region} in it, and the exceptions.
type spread struct {
	host
	Except map[string]host `json:"x,omitempty"`
}

// endpointTable is the @endpoints section: the outcome of botocore's endpoint
// rules for each service, partition, region and variant ("", "fips", "dual").
type endpointTable struct {
	Partitions []outPartition                          `json:"partitions"`
	Services   map[string]map[string]map[string]spread `json:"services"`
	src        []partition
}

type outPartition struct {
	ID      string   `json:"id"`
	Regex   string   `json:"regex"`
	Suffix  string   `json:"suffix"`
	Dual    string   `json:"dual"`
	Home    string   `json:"home"`
	Regions []string `json:"regions"`
}

func newEndpointTable(parts []partition) *endpointTable {
	t := &endpointTable{Services: map[string]map[string]map[string]spread{}, src: parts}
	for _, p := range parts {
		o := outPartition{ID: p.ID, Regex: p.RegionRegex, Regions: nil}
		o.Suffix, _ = p.Outputs["dnsSuffix"].(string)
		o.Dual, _ = p.Outputs["dualStackDnsSuffix"].(string)
		o.Home, _ = p.Outputs["implicitGlobalRegion"].(string)
		for _, r := range sortedKeys(p.Regions) {
			if !strings.HasSuffix(r, "-global") {
				o.Regions = append(o.Regions, r)
			}
		}
		t.Partitions = append(t.Partitions, o)
	}
	return t
}

func (t *endpointTable) text() (string, error) {
	b, err := json.Marshal(t)
	return string(b), err
}

// add evaluates the service's rules. S3 and S3 Control address by bucket and
// account, which the client does itself.
func (t *endpointTable) add(name string, m *source) error {
	if name == "s3" || name == "s3control" {
		return nil
	}
	var set struct {
		Rules []rule `json:"rules"`
	}
	if err := json.Unmarshal(m.rules, &set); err != nil {
		return err
	}
	table := map[string]map[string]spread{}
	for _, variant := range []string{"", "fips", "dual"} {
		for i, p := range t.src {
			hosts := map[string]host{}
			for _, region := range t.Partitions[i].Regions {
				e := &eval{part: p, region: region, vars: map[string]any{"Region": region,
					"UseFIPS": variant == "fips", "UseDualStack": variant == "dual"}}
				if h, ok := e.rules(set.Rules); ok {
					hosts[region] = h
				}
			}
			if s, ok := summarise(hosts); ok && !s.usual(m.meta("endpointPrefix"), t.Partitions[i].Suffix, variant) {
				if table[variant] == nil {
					table[variant] = map[string]spread{}
				}
				table[variant][p.ID] = s
			}
		}
	}
	if len(table) > 0 {
		t.Services[name] = table
	}
	return nil
}

// usual reports whether s is PREFIX.REGION.SUFFIX without exception, which the
// client needs no table for.
func (s spread) usual(prefix, suffix, variant string) bool {
	return variant == "" && len(s.Except) == 0 && s.host == host{Host: prefix + ".{region}." + suffix}
}

// summarise finds the host most regions share once their name is replaced.
func summarise(hosts map[string]host) (spread, bool) {
	if h, ok := same(hosts); ok {
		return spread{host: h}, true
	}
	count := map[host]int{}
	general := map[string]host{}
	for region, h := range hosts {
		g := h
		g.Host = strings.ReplaceAll(g.Host, region, "{region}")
		if g.Region == region {
			g.Region = ""
		}
		general[region] = g
		count[g]++
	}
	var best host
	for _, region := range sortedKeys(general) {
		if g := general[region]; count[g] > count[best] {
			best = g
		}
	}
	s := spread{host: best}
	for region, g := range general {
		if g != best {
			if s.Except == nil {
				s.Except = map[string]host{}
			}
			s.Except[region] = g
		}
	}
	return s, len(hosts) > 0
}

// same reports whether every region is served by one host, signed for the
// region it is in: a global service.
func same(hosts map[string]host) (host, bool) {
	var one host
	for _, h := range hosts {
		if one == (host{}) {
			one = h
		}
		if h != one || h.Region == "" {
			return host{}, false
		}
	}
	return one, one != host{}
}

// rule is a node of an endpoint rule set (smithy.rules#endpointRuleSet).
type rule struct {
	Type       string      `json:"type"`
	Conditions []condition `json:"conditions"`
	Rules      []rule      `json:"rules"`
	Endpoint   struct {
		URL        any `json:"url"`
		Properties struct {
			AuthSchemes []struct{ Name, SigningRegion, SigningName string } `json:"authSchemes"`
		} `json:"properties"`
	} `json:"endpoint"`
}

type condition struct {
	Fn     string `json:"fn"`
	Argv   []any  `json:"argv"`
	Assign string `json:"assign"`
}

// eval runs a rule set for one region.
type eval struct {
	part   partition
	region string
	vars   map[string]any
	failed bool // an error rule was met: no endpoint
}

func (e *eval) rules(rs []rule) (host, bool) {
	for _, r := range rs {
		if !e.holds(r.Conditions) {
			continue
		}
		switch r.Type {
		case "tree":
			if h, ok := e.rules(r.Rules); ok || e.failed {
				return h, ok
			}
		case "error":
			e.failed = true
			return host{}, false
		case "endpoint":
			return e.endpoint(r)
		}
	}
	return host{}, false
}

func (e *eval) endpoint(r rule) (host, bool) {
	u, err := url.Parse(fmt.Sprint(e.value(r.Endpoint.URL)))
	if err != nil {
		return host{}, false
	}
	h := host{Host: u.Host}
	for _, a := range r.Endpoint.Properties.AuthSchemes {
		if a.Name == "sigv4" {
			h.Region, h.Name = e.template(a.SigningRegion), e.template(a.SigningName)
		}
	}
	return h, true
}

func (e *eval) holds(cs []condition) bool {
	for _, c := range cs {
		v := e.call(c.Fn, c.Argv)
		if c.Assign != "" {
			e.vars[c.Assign] = v
		}
		if v == nil || v == false {
			return false
		}
	}
	return true
}

// call evaluates a function; one this program does not know gives nothing, so
// its branch is not taken.
func (e *eval) call(fn string, argv []any) any {
	var a []any
	for _, x := range argv {
		a = append(a, e.value(x))
	}
	switch fn {
	case "isSet":
		return a[0] != nil
	case "not":
		return a[0] != true
	case "booleanEquals", "stringEquals":
		return a[0] == a[1]
	case "aws.partition":
		out := map[string]any{}
		for k, v := range e.part.Outputs {
			out[k] = v
		}
		return out
	case "getAttr":
		if m, ok := a[0].(map[string]any); ok {
			return m[fmt.Sprint(a[1])]
		}
	case "isValidHostLabel":
		return true
	}
	return nil
}

func (e *eval) value(x any) any {
	switch x := x.(type) {
	case map[string]any:
		if ref, ok := x["ref"].(string); ok {
			return e.vars[ref]
		}
		if fn, ok := x["fn"].(string); ok {
			argv, _ := x["argv"].([]any)
			return e.call(fn, argv)
		}
	case string:
		return e.template(x)
	}
	return x
}

// template fills {Var} and {Var#attr}.
func (e *eval) template(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		v, attr, has := strings.Cut(name, "#")
		val := e.vars[v]
		if m, isMap := val.(map[string]any); has && isMap {
			val = m[attr]
		}
		fmt.Fprint(&b, val)
		s = after
	}
}
