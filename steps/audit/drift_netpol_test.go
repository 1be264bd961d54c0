package audit

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
)

var policyAsset = &estate.Asset{ID: "k8s://c/ml/NetworkPolicy.networking.k8s.io/p", Type: "networking.k8s.io/v1/NetworkPolicy", Cloud: estate.Kubernetes, Account: "c", Region: "ml", Name: "p"}

func policySpec(spec string) json.RawMessage { return json.RawMessage(`{"spec":` + spec + `}`) }

// Which edits of a network policy are new ways.
func TestLetsThrough(t *testing.T) {
	const was = `{"podSelector":{"matchLabels":{"app":"llm"}},"policyTypes":["Ingress","Egress"],"ingress":[{"from":[{"podSelector":{"matchLabels":{"app":"front"}}},{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.9.0.0/16"]}}],"ports":[{"port":8000,"endPort":8010},{"port":"web"}]}]}`
	for name, tt := range map[string]struct {
		old, new string // of was
		others   bool
		want     string // of the only way, "" for none
	}{
		"nothing":                         {"", "", false, ""},
		"everything in":                   {`"ingress":[{`, `"ingress":[{},{`, false, "lets in from everybody"},
		"no rule any more":                {`"ingress":`, `"was":`, false, ""},
		"all namespaces":                  {`"from":[`, `"from":[{"namespaceSelector":{}},`, false, "lets in from pods all of namespaces all"},
		"all pods":                        {`{"podSelector":{"matchLabels":{"app":"front"}}}`, `{"podSelector":{}}`, false, "lets in from pods all"},
		"fewer pods":                      {`{"app":"front"}`, `{"app":"front","tier":"a"}`, false, ""},
		"egress opened":                   {`"ingress":`, `"egress":[{}],"ingress":`, false, "lets out to everybody"},
		"egress not held":                 {`,"Egress"`, ``, false, "holds back no egress any more"},
		"another pod held":                {`{"app":"llm"}`, `{"app":"other"}`, false, "no longer holds all pods"},
		"fewer pods held":                 {`{"app":"llm"}`, `{"app":"llm","v":"1"}`, false, "no longer holds all pods"},
		"all pods held":                   {`{"matchLabels":{"app":"llm"}}`, `{}`, false, ""},
		"all pods held, which others did": {`{"matchLabels":{"app":"llm"}}`, `{}`, true, "lets in from"},
		"a wider block":                   {`10.0.0.0/8`, `0.0.0.0/0`, false, "lets in from 0.0.0.0/0"},
		"a narrower block":                {`10.0.0.0/8`, `10.0.0.0/12`, false, ""},
		"no exception":                    {`["10.9.0.0/16"]`, `[]`, false, "lets in from 10.0.0.0/8"},
		"a wider exception":               {`10.9.0.0/16`, `10.8.0.0/14`, false, ""},
		"fewer ports":                     {`"port":8000,"endPort":8010`, `"port":8001`, false, ""},
		"more ports":                      {`8010`, `8011`, false, "8000-8011"},
		"another port":                    {`"web"`, `"admin"`, false, "admin"},
		"another protocol":                {`{"port":"web"}`, `{"port":"web","protocol":"UDP"}`, false, "on UDP web"},
		"all ports":                       {`{"port":8000,"endPort":8010}`, `{}`, false, "on TCP"},
		"it cannot be read":               {`"policyTypes":[`, `"policyTypes":7,"x":[`, false, "could not be read"},
	} {
		t.Run(strings.ReplaceAll(strings.ReplaceAll(name, " ", "_"), ",", ""), func(t *testing.T) {
			got := letsThrough(policyAsset, policySpec(was), policySpec(strings.Replace(was, tt.old, tt.new, 1)), tt.others)
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), tt.want)) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if got := letsThrough(policyAsset, nil, policySpec(was), false); got != nil {
		t.Errorf("a new one where none was: %q", got)
	}
	if got := letsThrough(policyAsset, nil, policySpec(was), true); len(got) != 4 {
		t.Errorf("a new one beside others: %q", got)
	}
	strange := *policyAsset
	strange.Type = "cilium.io/v2/CiliumNetworkPolicy"
	if got := letsThrough(&strange, policySpec(`{"a":1}`), policySpec(`{"a":2}`), false); len(got) != 1 {
		t.Errorf("an edit of another maker's policy: %q", got)
	}
	if got := letsThrough(&strange, policySpec(`{"a":1}`), policySpec(`{"a":1}`), false); got != nil {
		t.Errorf("no edit of another maker's policy: %q", got)
	}
}

// passes is a slow, plain reading of what policies let into a pod: from a pod of a
// namespace, or from an address, to a port.
func passes(policies []netPolicy, pod map[string]string, from map[string]string, fromNamespace map[string]string, same bool, ip string, port float64) bool {
	meets := func(s *labelSelector, labels map[string]string) bool {
		return !slices.ContainsFunc(s.demands(), func(d labelDemand) bool {
			v, has := labels[d.Key]
			switch d.Operator {
			case "In":
				return !has || !slices.Contains(d.Values, v)
			case "NotIn":
				return has && slices.Contains(d.Values, v)
			case "Exists":
				return !has
			}
			return has
		})
	}
	held := false
	for _, p := range policies {
		if !meets(&p.Spec.PodSelector, pod) {
			continue
		}
		held = true
		for _, r := range p.Spec.Ingress {
			peer := len(r.From) == 0
			for _, f := range r.From {
				switch {
				case f.Block != nil:
					in := func(cidr string) bool { return netip.MustParsePrefix(cidr).Contains(netip.MustParseAddr(ip)) }
					peer = peer || from == nil && in(f.Block.CIDR) && !slices.ContainsFunc(f.Block.Except, in)
				case from != nil:
					namespace := f.Namespaces == nil && same || f.Namespaces != nil && meets(f.Namespaces, fromNamespace)
					peer = peer || namespace && (f.Pods == nil || meets(f.Pods, from))
				}
			}
			ports := len(r.Ports) == 0
			for _, x := range r.Ports {
				low, _ := x.Port.(float64)
				high := low
				if x.EndPort != nil {
					high = float64(*x.EndPort)
				}
				ports = ports || x.Port == nil || low <= port && port <= high
			}
			if peer && ports {
				return true
			}
		}
	}
	return !held
}

// An edit that is told to open nothing lets nothing through that was held back.
func TestLetsThroughProperties(t *testing.T) {
	selector := rapid.SampledFrom([]string{`{}`, `{"matchLabels":{"a":"1"}}`, `{"matchLabels":{"a":"1","b":"1"}}`, `{"matchExpressions":[{"key":"a","operator":"In","values":["1","2"]}]}`,
		`{"matchExpressions":[{"key":"a","operator":"Exists"}]}`, `{"matchExpressions":[{"key":"a","operator":"NotIn","values":["1"]}]}`, `{"matchExpressions":[{"key":"b","operator":"DoesNotExist"}]}`})
	peer := rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return `{"podSelector":` + selector.Draw(t, "pods") + `}`
		case 1:
			return `{"namespaceSelector":` + selector.Draw(t, "namespaces") + `}`
		case 2:
			return `{"namespaceSelector":` + selector.Draw(t, "namespaces") + `,"podSelector":` + selector.Draw(t, "pods") + `}`
		}
		return rapid.SampledFrom([]string{`{"ipBlock":{"cidr":"0.0.0.0/0"}}`, `{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}}`, `{"ipBlock":{"cidr":"10.1.0.0/16"}}`, `{"ipBlock":{"cidr":"10.0.0.0/8"}}`}).Draw(t, "block")
	})
	rule := rapid.Custom(func(t *rapid.T) string {
		ports := rapid.SliceOfN(rapid.SampledFrom([]string{`{"port":80}`, `{"port":80,"endPort":90}`, `{}`, `{"port":85}`}), 0, 2).Draw(t, "ports")
		return fmt.Sprintf(`{"from":[%s],"ports":[%s]}`, strings.Join(rapid.SliceOfN(peer, 0, 2).Draw(t, "from"), ","), strings.Join(ports, ","))
	})
	policy := rapid.Custom(func(t *rapid.T) json.RawMessage {
		return policySpec(fmt.Sprintf(`{"podSelector":%s,"ingress":[%s]}`, selector.Draw(t, "held"), strings.Join(rapid.SliceOfN(rule, 0, 2).Draw(t, "rules"), ",")))
	})
	labels := []map[string]string{{}, {"a": "1"}, {"a": "2"}, {"a": "1", "b": "1"}, {"b": "2"}}
	rapid.Check(t, func(t *rapid.T) {
		was, is := policy.Draw(t, "was"), policy.Draw(t, "is")
		others := rapid.Bool().Draw(t, "others")
		if letsThrough(policyAsset, was, is, others) != nil {
			return
		}
		var before, after []netPolicy
		for _, x := range []struct {
			list *[]netPolicy
			text json.RawMessage
		}{{&before, was}, {&after, is}} {
			var p netPolicy
			if err := json.Unmarshal(x.text, &p); err != nil {
				t.Fatal(err)
			}
			*x.list = append(*x.list, p)
			if others { // one that holds all pods back
				*x.list = append(*x.list, netPolicy{})
			}
		}
		for _, pod := range labels {
			for _, port := range []float64{80, 85, 95} {
				for _, from := range labels {
					for _, namespace := range labels {
						for _, same := range []bool{true, false} {
							if passes(after, pod, from, namespace, same, "", port) && !passes(before, pod, from, namespace, same, "", port) {
								t.Fatalf("from pod %v of %v (own: %v) into %v on %v:\n%s\n%s", from, namespace, same, pod, port, was, is)
							}
						}
					}
				}
				for _, ip := range []string{"10.1.2.3", "10.2.3.4", "8.8.8.8"} {
					if passes(after, pod, nil, nil, false, ip, port) && !passes(before, pod, nil, nil, false, ip, port) {
						t.Fatalf("from %s into %v on %v:\n%s\n%s", ip, pod, port, was, is)
					}
				}
			}
		}
	})
}

// What is outside of a cluster writes policies: reading them never panics, and
// what is no policy is not said to hold.
func FuzzLetsThrough(f *testing.F) {
	f.Add(`{"spec":{"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["x"]}}],"ports":[{"port":"http"}]}]}}`, `{"spec":{"policyTypes":["Egress"],"egress":[{}]}}`)
	f.Add(`7`, `{}`)
	f.Fuzz(func(t *testing.T, was, is string) {
		got := letsThrough(policyAsset, json.RawMessage(was), json.RawMessage(is), true)
		if !json.Valid([]byte(is)) && len(got) == 0 {
			t.Errorf("%q is told to open nothing", is)
		}
	})
}
