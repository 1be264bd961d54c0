package reference

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func embeddedRoutes(t *testing.T) []Route {
	t.Helper()
	rs, err := Routes()
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// Every call must exist, on a resource type that it works on, with condition
// keys that it carries.
func TestRoutesUseKnownActions(t *testing.T) {
	for _, r := range embeddedRoutes(t) {
		for _, n := range r.Needs {
			service, name, _ := strings.Cut(n.Action, ":")
			a, ok := Lookup(service, name)
			if !ok || a.String() != n.Action {
				t.Errorf("%s: %s is no action", r.ID, n.Action)
				continue
			}
			if n.Resource != "" && !slices.ContainsFunc(a.Uses, func(u Use) bool { return u.Resource.Name == n.Resource }) {
				t.Errorf("%s: %s does not work on %s", r.ID, n.Action, n.Resource)
			}
			keys := slices.Clone(a.Keys)
			for _, u := range a.Uses {
				keys = append(keys, u.Keys...)
			}
			for k := range n.Context {
				if !slices.ContainsFunc(keys, func(x *Key) bool { return strings.EqualFold(x.Name, k) }) {
					t.Errorf("%s: %s carries no %s", r.ID, n.Action, k)
				}
			}
			if n.Action == "iam:PassRole" && !cmp.Equal([]string(n.Context["iam:PassedToService"]), r.Service) {
				t.Errorf("%s: passes to %v, the service is %v", r.ID, n.Context["iam:PassedToService"], r.Service)
			}
		}
		for _, h := range r.Holds {
			if len(Expand(h)) != 1 {
				t.Errorf("%s: the target must hold %s, which is no action", r.ID, h)
			}
		}
	}
}

// The AI services' own routes: whatever the reference says depends on
// iam:PassRole must be a route, and so must what it leaves out.
func TestEveryAIPassRoleActionIsARoute(t *testing.T) {
	routed := map[string]bool{}
	for _, r := range embeddedRoutes(t) {
		if r.Passes != nil {
			routed[r.Passes.Action] = true
		}
	}
	for _, a := range Dependents("iam:PassRole") {
		if (a.Service == "sagemaker" || a.Service == "bedrock-agentcore") && !routed[a.String()] {
			t.Errorf("%s depends on iam:PassRole and is on no route", a)
		}
	}
	for _, name := range []string{"CreateAgent", "UpdateAgent", "CreateFlow", "UpdateFlow", "CreateKnowledgeBase", "UpdateKnowledgeBase", "CreateModelCustomizationJob",
		"CreateModelInvocationJob", "CreateEvaluationJob", "CreateModelImportJob", "CreateCustomModel"} {
		if !routed["bedrock:"+name] {
			t.Errorf("bedrock:%s takes a role and is on no route", name)
		}
	}
}

// pathfindingPaths are the ids of the catalogue's 65 paths: so many a service.
var pathfindingPaths = map[string]int{"apprunner": 2, "bedrock": 2, "cloudformation": 5, "codebuild": 4, "datapipeline": 1, "ec2": 4, "ecs": 5,
	"glue": 6, "iam": 21, "lambda": 6, "sagemaker": 5, "ssm": 2, "sts": 1}

func TestAllPathfindingPathsAreRoutes(t *testing.T) {
	want := map[string]bool{"ec2instanceconnect-003": true}
	for service, n := range pathfindingPaths {
		for i := range n {
			want[fmt.Sprintf("%s-%03d", service, i+1)] = true
		}
	}
	if len(want) != 65 {
		t.Fatalf("the test knows %d paths", len(want))
	}
	for _, r := range embeddedRoutes(t) {
		if r.Pathfinding == "" {
			continue
		}
		if !want[r.Pathfinding] {
			t.Errorf("%s: the catalogue has no path %s", r.ID, r.Pathfinding)
		}
		delete(want, r.Pathfinding)
	}
	for id := range want {
		t.Errorf("%s is no route", id)
	}
}

// Where the catalogue itself is at hand, each route must ask for exactly the
// permissions that it says are required.
func TestRoutesAgreeWithPathfinding(t *testing.T) {
	dir := os.Getenv("SEVENFOLD_CORPORA")
	if dir == "" {
		t.Log("SEVENFOLD_CORPORA names no folder: the catalogue is not compared")
		return
	}
	f, err := os.Open(filepath.Join(dir, "pathfinding.cloud", "paths.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var paths []struct {
		ID          string
		Permissions struct {
			Required []struct{ Permission string }
		}
	}
	if err := json.NewDecoder(z).Decode(&paths); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for _, p := range paths {
		for _, q := range p.Permissions.Required {
			want[p.ID] = append(want[p.ID], q.Permission)
		}
		slices.Sort(want[p.ID])
	}
	got := map[string][]string{}
	for _, r := range embeddedRoutes(t) {
		if r.Pathfinding == "" {
			continue
		}
		for _, n := range r.Needs {
			got[r.Pathfinding] = append(got[r.Pathfinding], n.Action)
		}
		slices.Sort(got[r.Pathfinding])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the catalogue's required permissions and ours (-theirs +ours):\n%s", diff)
	}
}

func TestBadRoutesAreRefused(t *testing.T) {
	const good = `{"schema":"sevenfold/iam-routes/v1","routes":[{"id":"a.b","title":"t","from":"any","target":"role","gain":"become","by":"code","runs":"new",
		"service":["x"],"passes":{"action":"a:B","parameter":"Role"},"needs":[{"action":"iam:PassRole","on":"target","context":{"iam:PassedToService":["x"],"k":"${any}"}},{"action":"a:B","on":"new"}],
		"basis":"api","source":["s"]}]}`
	rs, err := ReadRoutes([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]Values{"iam:PassedToService": {"x"}, "k": {"${any}"}}; !cmp.Equal(rs[0].Needs[0].Context, want) {
		t.Errorf("context %v, want %v", rs[0].Needs[0].Context, want)
	}
	tests := []struct{ old, new, want string }{
		{"v1", "v2", "schema"},
		{`"id":`, `"nr":`, "unknown field"},
		{`"target":"role"`, `"target":"roll"`, "target is"},
		{`"on":"new"`, `"on":"old"`, "a:B on"},
		{`"on":"new"`, `"on":"carrier"`, "carrier is named"},
		{`"service":["x"],`, "", "belong together"},
		{`{"action":"a:B","parameter"`, `{"action":"a:C","parameter"`, "not needed"},
		{`"basis"`, `"requires":["luck"],"basis"`, "unknown fact"},
		{`"k":"${any}"`, `"k":[]`, "no value of k"},
		{`"k":"${any}"`, `"k":3`, "routes: at byte"},
		{`"source":["s"]`, `"source":[]`, "all needed"},
		{`"action":"a:B","on"`, `"action":"aB","on"`, "no action"},
	}
	for _, tt := range tests {
		if _, err := ReadRoutes([]byte(strings.Replace(good, tt.old, tt.new, 1))); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s for %s: error %v, want one with %q", tt.new, tt.old, err, tt.want)
		}
	}
	twice := strings.Replace(good, `"routes":[`, `"routes":[`+good[strings.Index(good, `[{"id"`)+1:len(good)-2]+",", 1)
	if _, err := ReadRoutes([]byte(twice)); err == nil || !strings.Contains(err.Error(), "stands twice") {
		t.Errorf("the same route twice: error %v", err)
	}
}

func FuzzReadRoutes(f *testing.F) {
	f.Add([]byte(`{"schema":"sevenfold/iam-routes/v1","routes":[]}`))
	f.Add(routesText[:2000])
	f.Fuzz(func(t *testing.T, text []byte) {
		rs, err := ReadRoutes(text)
		if err == nil && len(rs) > 0 && rs[0].ID == "" {
			t.Error("a route without an id was read")
		}
	})
}
