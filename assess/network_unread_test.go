package assess

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/network"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// twoPods is a cluster in which training surely cannot reach what serves.
const twoPods = `apiVersion: v1
kind: Pod
metadata: {name: trainer, namespace: train, labels: {app: trainer}}
spec: {nodeName: a, containers: [{name: c, image: x}]}
status: {podIP: 10.1.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: model, namespace: serve, labels: {app: model}}
spec: {nodeName: b, containers: [{name: c, image: vllm/vllm-openai}]}
status: {podIP: 10.1.0.2}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: serve}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: train}
spec: {podSelector: {}, policyTypes: [Ingress]}
`

// twoZones are their zones.
const twoZones = `zones: {training: {match: 'region == "train"'}, serving: {match: 'region == "serve"'}}
`

// put writes a file below a folder.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// unreadable are files, by their names, of which nobody can tell what they hold.
var unreadable = map[string]string{
	"empty.yaml": "", "blank.json": " \n ", "random.json": "\xff\x00\x9c{]", "nul.yaml": strings.Repeat("\x00", 99), "picture.json": "\x89PNG\r\n\x1a\n\x00\x01",
	"cut.json": `{"kind": "List", "items": [{"kind": "NetworkPolicy", "metada`, "tab.yaml": "kind: NetworkPolicy\nmetadata:\n\tname: x\n", "cut.json.gz": "\x1f\x8b\x08\x00\x00\x00\x00\x00",
	"page.json": "<html><body>sign in</body></html>", "refused.json": "An error occurred (AccessDenied) when calling the DescribeVpcs operation: no\n",
	"other.json": `[{"CheckID": "x", "Status": "PASS"}]`, "list.json": "[]", "object.json": "{}", "number.json": "42", "null.json": "null", "plan.json": `{"format_version": "1.2", "resource_changes": [`,
	"kind.yaml":     "apiVersion: net.example.org/v1\nkind: MegaNetworkPolicy\nmetadata: {name: m, namespace: serve}\n",
	"cidr.yaml":     "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: m, namespace: serve}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0/99}}]}]}\n",
	"selector.yaml": "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: m, namespace: serve}\nspec: {podSelector: nope, ingress: 7}\n",
}

// TestNetworkNeverNoBesideWhatWasNotRead: one file that nobody can read lies beside a
// cluster that is surely safe, and no question has a safe answer any more.
func TestNetworkNeverNoBesideWhatWasNotRead(t *testing.T) {
	ctx := context.Background()
	sound := t.TempDir()
	put(t, sound, "sevenfold.yaml", twoZones)
	put(t, sound, "cluster.yaml", twoPods)
	before, w, s, workloads := networkOf(t, sound)
	if a := canReach(t, w, workloads, "train/trainer", "serve/model"); a.Reachable != "no" || w.ZonesOf(s, workloads).Exit() != 0 || len(w.Unsure(s, workloads)) > 0 {
		t.Fatalf("the sound cluster is not sure: %+v, %q", a, w.Unsure(s, workloads))
	}
	for name, text := range unreadable {
		t.Run(strings.ReplaceAll(name, ".", "_"), func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "sevenfold.yaml", twoZones)
			put(t, dir, "cluster.yaml", twoPods)
			put(t, dir, name, text)
			after, w, s, workloads := networkOf(t, dir)
			a := canReach(t, w, workloads, "train/trainer", "serve/model")
			if a.Reachable != "unknown" || len(a.Because) == 0 {
				t.Errorf("can: %+v", a)
			}
			whole := strings.HasSuffix(name, ".yaml") && strings.Contains(text, "NetworkPolicy\nmetadata: {") // it was read, and one policy was not understood
			if !whole && !strings.Contains(strings.Join(a.Because, "\n"), name) {
				t.Errorf("the file is not named: %q", a.Because)
			}
			if code := w.ZonesOf(s, workloads).Exit(); code != 3 {
				t.Errorf("zones: exit %d", code)
			}
			if len(w.Unsure(s, workloads)) == 0 {
				t.Error("recommend would say that every intent is kept")
			}
			d, err := NetworkDiff(ctx, s, before, after)
			if err != nil || len(d.Unread)+len(d.Undecided) == 0 || len(d.Closed) > 0 {
				t.Errorf("diff: %+v, %v", d, err)
			}
			judged, err := network.New(s).Judge(ctx, after, workloads)
			if err != nil {
				t.Fatal(err)
			}
			for id, criteria := range judged.Criteria {
				for _, c := range criteria {
					if !whole && c.Status == finding.CriterionPass {
						t.Errorf("%s: %s passes: %s", id, c.ID, c.Reason)
					}
				}
			}
		})
	}
}

// TestNetworkOfNothing: where nothing was read, nothing is kept and nothing is equal.
func TestNetworkOfNothing(t *testing.T) {
	for name, text := range map[string]string{"policy.yaml": "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: b}\nspec: {podSelector: {}}\n", "junk.json": "\x00\x01"} {
		dir := t.TempDir()
		put(t, dir, "sevenfold.yaml", twoZones)
		put(t, dir, name, text)
		snap, w, s, workloads := networkOf(t, dir)
		d, err := NetworkDiff(context.Background(), s, snap, snap)
		if err != nil || len(d.Unread) == 0 {
			t.Errorf("%s: diff: %+v, %v", name, d, err)
		}
		if len(w.Unsure(s, workloads)) == 0 || w.ZonesOf(s, workloads).Exit() != 3 {
			t.Errorf("%s: advice is sure of nothing: %q", name, w.Unsure(s, workloads))
		}
	}
}

// TestNetworkListsNotRead takes each list that decides connections away from the example
// estate, and cuts each in the middle: what could be opened before is open or not known
// then, never closed.
func TestNetworkListsNotRead(t *testing.T) {
	whole, _, s, _ := harbourNetwork(t, nil)
	for _, list := range []string{"vpcs", "subnets", "route-tables", "network-acls", "security-groups", "network-interfaces", "internet-gateways", "vpc-peering-connections", "vpc-endpoints", "nat-gateways"} {
		if testing.Short() && list != "route-tables" && list != "security-groups" {
			continue // the example estate is read four times for each
		}
		for _, account := range []string{"111122223333", "444455556666"} {
			file := filepath.Join(account, "ec2", "describe-"+list+".json")
			for _, cut := range []bool{false, true} {
				less, _, _, _ := harbourNetwork(t, func(dir string) {
					text, err := os.ReadFile(filepath.Join(dir, file))
					if err != nil {
						t.Fatal(err)
					}
					if err := os.Remove(filepath.Join(dir, file)); err != nil {
						t.Fatal(err)
					}
					if cut {
						put(t, dir, file, string(text[:len(text)*2/3]))
					}
				})
				d, err := NetworkDiff(context.Background(), s, whole, less)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range d.Closed {
					if wasRead(less, o.From) && wasRead(less, o.To) {
						t.Errorf("%s, cut %v: %s -> %s on %v is told as closed", file, cut, o.From, o.To, o.Ports)
					}
				}
			}
		}
	}
}

// wasRead reports whether a thing was read, or is the internet.
func wasRead(snap *estate.Snapshot, id string) bool {
	n, ok := snap.Find(id)
	return id == network.Internet || ok && !snap.Asset(n).Referenced
}

// TestTwoInOnePlace: two functions in the same subnet with the same group are two, and the
// one reaches the other only if the group lets it.
func TestTwoInOnePlace(t *testing.T) {
	for want, ingress := range map[string]string{"no": `[]`, "yes": `[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [], "UserIdGroupPairs": [{"GroupId": "sg-0b22000000000029"}]}]`} {
		_, w, _, workloads := harbourNetwork(t, func(dir string) {
			account := filepath.Join(dir, "444455556666")
			edit := func(file string, fn func(doc map[string]any)) {
				path := filepath.Join(account, file)
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				var doc map[string]any
				if err := json.Unmarshal(text, &doc); err != nil {
					t.Fatal(err)
				}
				fn(doc)
				text, err = json.Marshal(doc)
				if err != nil {
					t.Fatal(err)
				}
				put(t, account, file, string(text))
			}
			edit("ec2/describe-security-groups.json", func(doc map[string]any) {
				var group any
				text := `{"GroupId": "sg-0b22000000000029", "GroupName": "pair", "VpcId": "vpc-0b22000000000001", "OwnerId": "444455556666", "IpPermissions": ` + ingress +
					`, "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}`
				if err := json.Unmarshal([]byte(text), &group); err != nil {
					t.Fatal(err)
				}
				doc["SecurityGroups"] = append(doc["SecurityGroups"].([]any), group)
			})
			edit("lambda/list-functions.json", func(doc map[string]any) {
				for _, name := range []string{"one", "two"} {
					var fn any
					text := fmt.Sprintf(`{"FunctionName": %q, "FunctionArn": "arn:aws:lambda:eu-west-1:444455556666:function:%[1]s", "VpcConfig": {"SubnetIds": ["subnet-0b22000000000011"], "SecurityGroupIds": ["sg-0b22000000000029"], "VpcId": "vpc-0b22000000000001"}}`, name)
					if err := json.Unmarshal([]byte(text), &fn); err != nil {
						t.Fatal(err)
					}
					doc["Functions"] = append(doc["Functions"].([]any), fn)
				}
			})
		})
		from, err := w.End("function:one", workloads, false)
		if err != nil {
			t.Fatal(err)
		}
		// A function takes no connections on its interface: what is asked is whether one
		// in its place could.
		to, err := w.End("function:two", workloads, false)
		if err != nil {
			t.Fatal(err)
		}
		if a := w.Can(from, to, reach.Ports{}); a.Reachable != want || want == "yes" && (len(a.Ports) != 1 || a.Ports[0] != "tcp/443") {
			t.Errorf("want %s: %+v", want, a)
		}
	}
}
