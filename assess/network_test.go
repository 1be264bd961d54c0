package assess

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
)

// harbourNetwork reads the example estate, as it is or changed by edit, and makes a
// network of it.
func harbourNetwork(t *testing.T, edit func(dir string)) (*estate.Snapshot, *network.World, *scope.Scope, *scope.Workloads) {
	t.Helper()
	dir := filepath.Join("..", "examples", "harbour")
	if edit != nil {
		copied := t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		edit(copied)
		dir = copied
	}
	return networkOf(t, dir)
}

// networkOf reads a folder that holds a sevenfold.yaml, and its network.
func networkOf(t testing.TB, dir string) (*estate.Snapshot, *network.World, *scope.Scope, *scope.Workloads) {
	t.Helper()
	s, err := scope.Load(filepath.Join(dir, "sevenfold.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	snap, err := Read(context.Background(), Options{Scope: s, Sources: []string{"dir:" + dir}, Now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	w, err := network.NewWorld(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	workloads, err := s.Workloads(snap)
	if err != nil {
		t.Fatal(err)
	}
	return snap, w, s, workloads
}

func canReach(t *testing.T, w *network.World, workloads *scope.Workloads, from, to string) network.Answer {
	t.Helper()
	f, err := w.End(from, workloads, false)
	if err != nil {
		t.Fatalf("%s: %v", from, err)
	}
	at, err := w.End(to, workloads, true)
	if err != nil {
		t.Fatalf("%s: %v", to, err)
	}
	return w.Can(f, at, reach.Ports{})
}

// TestNetworkAnswersFitTheirSchemas asks the example estate for every kind of answer.
func TestNetworkAnswersFitTheirSchemas(t *testing.T) {
	snap, w, s, workloads := harbourNetwork(t, nil)
	fits := func(name string, v any) {
		t.Helper()
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fitsSchema(t, "network-"+name+".schema.json", text)
	}
	fits("can", canReach(t, w, workloads, "training", "serving"))
	fits("zones", w.ZonesOf(s, workloads))
	fits("matrix", w.TableOf(s, workloads))
	blast, err := w.Blast("quay-llm", workloads, 2)
	if err != nil {
		t.Fatal(err)
	}
	fits("blast", blast)
	advice, err := w.Recommend(context.Background(), s, workloads, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(advice) == 0 {
		t.Error("nothing to recommend for an estate with planted faults")
	}
	for _, a := range advice {
		if !a.Cut {
			t.Errorf("%s -> %s: left: %v", a.From, a.To, a.Left)
		}
	}
	fits("recommend", map[string]any{"advice": advice})
	log := filepath.Join(t.TempDir(), "flows.log")
	if err := os.WriteFile(log, []byte(strings.Join([]string{
		"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
		"2 444455556666 eni-0b22000000000074 10.10.1.40 10.20.2.60 40000 8000 6 10 840 1764000000 1764000060 ACCEPT OK",
		"2 444455556666 eni-0b22000000000074 10.10.1.40 10.20.2.60 40001 22 6 10 840 1764000000 1764000060 ACCEPT OK",
		"2 444455556666 eni-0b22000000000074 10.10.1.40 10.20.2.60 40002 23 6 10 840 1764000000 1764000060 REJECT OK",
	}, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	seen, err := w.ReadFlows(context.Background(), []string{log}, "")
	if err != nil {
		t.Fatal(err)
	}
	if seen.Agreed != 2 || len(seen.NotAllowed) != 1 || seen.NotAllowed[0].Port != "tcp/22" {
		t.Errorf("%d agree, want 2: what was let through and is allowed, what was held back and is not; not allowed: %+v", seen.Agreed, seen.NotAllowed)
	}
	w.FindUnused(seen)
	fits("observed", seen)
	d, err := NetworkDiff(context.Background(), s, snap, snap)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Opened)+len(d.Closed)+len(d.Undecided)+len(d.Violated) > 0 {
		t.Errorf("an estate differs from itself: %+v", d)
	}
	fits("diff", d)
}

// TestNetworkUnread holds that what was not read of a network is never taken for a
// wall: each list that is missing makes the way that needs it unknown.
func TestNetworkUnread(t *testing.T) {
	const from, to = "i-0a11000000000090", "quay-llm"
	tests := map[string]struct {
		gone []string
		want string
	}{
		"all of it":       {nil, "yes"},
		"route tables":    {[]string{"111122223333/ec2/describe-route-tables.json"}, "unknown"},
		"their tables":    {[]string{"444455556666/ec2/describe-route-tables.json"}, "unknown"},
		"security groups": {[]string{"444455556666/ec2/describe-security-groups.json"}, "unknown"},
		"own groups":      {[]string{"111122223333/ec2/describe-security-groups.json"}, "unknown"},
		"network ACLs":    {[]string{"444455556666/ec2/describe-network-acls.json"}, "unknown"},
		"peerings":        {[]string{"111122223333/ec2/describe-vpc-peering-connections.json", "444455556666/ec2/describe-vpc-peering-connections.json"}, "unknown"},
		"subnets":         {[]string{"444455556666/ec2/describe-subnets.json"}, "unknown"},
		"policies":        {[]string{"cluster/networkpolicies.yaml"}, "unknown"},
		"node interfaces": {[]string{"444455556666/ec2/describe-network-interfaces.json"}, "unknown"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, w, _, workloads := harbourNetwork(t, func(dir string) {
				for _, f := range tt.gone {
					if err := os.Remove(filepath.Join(dir, f)); err != nil {
						t.Fatal(err)
					}
				}
			})
			if got := canReach(t, w, workloads, from, to); got.Reachable != tt.want {
				t.Errorf("%s, want %s: %+v", got.Reachable, tt.want, got)
			}
		})
	}
}

// TestNetworkPassagesUnread holds the same of what leads into networks from outside all of
// them: a list that is missing leaves no to none but those who could not use it.
func TestNetworkPassagesUnread(t *testing.T) {
	const home = "444455556666"
	lists := []string{"apigateway/get-vpc-links", "apigatewayv2/get-vpc-links", "globalaccelerator/list-accelerators", "globalaccelerator/list-custom-routing-accelerators", "cloudfront/list-vpc-origins",
		"ec2/describe-verified-access-endpoints", "vpc-lattice/list-target-groups", "vpc-lattice/list-resource-gateways"}
	for _, list := range append(lists, "") {
		t.Run(firstWord(list), func(t *testing.T) {
			_, w, _, workloads := harbourNetwork(t, func(dir string) {
				if list != "" {
					if err := os.Remove(filepath.Join(dir, home, list+".json")); err != nil {
						t.Fatal(err)
					}
				}
			})
			inside := strings.HasPrefix(list, "vpc-lattice")
			want := "unknown"
			if list == "" || inside {
				want = "no" // whoever has no address in a VPC is no client of a service network
			}
			if got := canReach(t, w, workloads, "internet", "eni-0b22000000000075"); got.Reachable != want {
				t.Errorf("the internet: %s, want %s: %+v", got.Reachable, want, got)
			}
			if got := canReach(t, w, workloads, "i-0a11000000000090", "eni-0b22000000000075"); (len(got.Perhaps) > 0) != (inside || strings.HasPrefix(list, "apigateway")) {
				t.Errorf("a neighbour: %+v", got)
			}
		})
	}
}

func firstWord(list string) string {
	if list == "" {
		return "all_of_them"
	}
	return strings.NewReplacer("/", "_", "-", "_").Replace(list)
}

// TestNetworkCut applies what is recommended against training reaching what serves, and
// asks the changed estate again.
func TestNetworkCut(t *testing.T) {
	_, w, s, workloads := harbourNetwork(t, nil)
	advice, err := w.Recommend(context.Background(), s, workloads, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(advice, func(a network.Advice) bool { return a.From == "training" && a.To == "serving" })
	if i < 0 {
		t.Fatal("training reaches serving, and nothing is recommended against it")
	}
	a := advice[i]
	if len(a.Rules) != 1 || !strings.Contains(a.Rules[0], "10.10.0.0/16, tcp/8000") || !slices.Equal(a.Deletes, []string{"k8s://default/quay/NetworkPolicy/allow-all"}) {
		t.Errorf("rules %v, deletes %v", a.Rules, a.Deletes)
	}
	if got := canReach(t, w, workloads, "training", "serving"); got.Reachable != "yes" {
		t.Errorf("before: %s", got.Reachable)
	}
	_, changed, _, _ := harbourNetwork(t, func(dir string) {
		groups := filepath.Join(dir, "444455556666", "ec2", "describe-security-groups.json")
		swap(t, groups, `"CidrIp": "10.10.0.0/16"`, `"CidrIp": "192.0.2.0/24"`)
		policies := filepath.Join(dir, "cluster", "networkpolicies.yaml")
		text, err := os.ReadFile(policies)
		if err != nil {
			t.Fatal(err)
		}
		out := string(text[:strings.Index(string(text), "- apiVersion: networking.k8s.io/v1\n  kind: NetworkPolicy\n  metadata:\n    creationTimestamp: '2026-06-01T09:00:00Z'\n    name: allow-all")])
		for _, p := range a.Policies {
			item := "- " + strings.ReplaceAll(strings.TrimRight(p.YAML, "\n"), "\n", "\n  ") + "\n"
			out += item
		}
		if err := os.WriteFile(policies, []byte(out+"kind: List\nmetadata:\n  resourceVersion: ''\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if got := canReach(t, changed, workloads, "training", "serving"); got.Reachable == "yes" {
		t.Errorf("still open: %+v", got)
	}
}

func swap(t *testing.T, path, old, next string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s does not hold %s", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, next)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFlowsAreEvidence holds that what flow logs said can be judged again without them,
// as a certificate's evidence must be.
func TestFlowsAreEvidence(t *testing.T) {
	snap, _, s, _ := harbourNetwork(t, nil)
	log := filepath.Join(t.TempDir(), "flows.log")
	if err := os.WriteFile(log, []byte(strings.Join([]string{
		"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
		"2 444455556666 eni-0b22000000000074 10.10.1.40 10.20.2.60 40000 8000 6 10 840 1764000000 1764000060 ACCEPT OK",
		"2 444455556666 eni-0b22000000000074 10.10.1.40 10.20.2.60 40001 22 6 10 840 1764000000 1764000060 ACCEPT OK",
	}, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{Scope: s, Controls: builtin.Controls(t), Now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), Step: "network", Flows: []string{log}}
	observed := func(o Options) finding.Criterion {
		r, err := Judge(context.Background(), snap, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range r.Workloads.List {
			if w.Name != "quay-llm" {
				continue
			}
			for _, c := range r.Criteria[w.ID] {
				if c.ID == "network.observed" {
					return c
				}
			}
		}
		t.Fatal("quay-llm has no criterion network.observed")
		return finding.Criterion{}
	}
	first := observed(o)
	if first.Status != finding.CriterionFail || !strings.Contains(first.Reason, "tcp/22 was let through and is not allowed") {
		t.Errorf("%s: %s", first.Status, first.Reason)
	}
	r, err := Judge(context.Background(), snap, o)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	if err := flowsEvidence(files, r.Flows); err != nil {
		t.Fatal(err)
	}
	o.Flows, o.FlowsSaid = nil, new(network.Seen)
	if err := json.Unmarshal(files[certificate.FlowsFile], o.FlowsSaid); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, observed(o)); diff != "" {
		t.Errorf("judged again without the logs (-first +again):\n%s", diff)
	}
}
