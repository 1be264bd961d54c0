package exposure

import (
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/software"
)

type testCase struct {
	Want      string          `json:"want"`
	Of        string          `json:"of"`
	Container json.RawMessage `json:"container"`
	Type      string          `json:"type"`
	Config    json.RawMessage `json:"config"`
}

func (c *testCase) asset() *estate.Asset {
	if c.Container != nil {
		c.Type, c.Config = ContainerType, c.Container
	}
	return &estate.Asset{ID: "x", Type: c.Type, Config: c.Config, Reads: []estate.Read{{Operation: "test:Read", Status: estate.ReadOK}}}
}

func readCases(t *testing.T) map[string][]testCase {
	t.Helper()
	data, err := os.ReadFile("testdata/cases.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// A port's list in quotes is for people; the answer is one word and the ports.
	data = regexp.MustCompile(`want: (no|yes|unknown) "([^"]*)"`).ReplaceAll(data, []byte(`want: "$1 $2"`))
	data = regexp.MustCompile(`want: (no|yes|unknown) (tcp/[0-9]+),`).ReplaceAll(data, []byte(`want: "$1 $2",`))
	var cases map[string][]testCase
	if err := yaml.UnmarshalStrict(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// answer is what a rule says of an asset: "none", or the answer and the ports.
func answer(a *estate.Asset, rule string) string {
	for _, s := range Services(a, nil) {
		for _, e := range Recognise(s) {
			if e.Rule.ID != rule {
				continue
			}
			var ports []string
			for _, p := range e.Ports {
				ports = append(ports, p.String())
			}
			return e.Auth.String() + " " + strings.Join(ports, ",")
		}
	}
	return "none"
}

// TestCases runs each rule on what charts and manuals write. Every rule has a
// case it finds and one it nearly finds; one that callers can be made to prove
// themselves to has one where they are.
func TestCases(t *testing.T) {
	cases := readCases(t)
	for _, r := range Rules() {
		said := map[string]bool{}
		for _, c := range cases[r.ID] {
			word, _, _ := strings.Cut(c.Want, " ")
			said[word] = true
			t.Run(r.ID+"/"+strings.ReplaceAll(c.Of, " ", "_"), func(t *testing.T) {
				if got := answer(c.asset(), r.ID); got != c.Want {
					t.Errorf("got %q, want %q", got, c.Want)
				}
			})
		}
		if !said["none"] {
			t.Errorf("%s has no near miss", r.ID)
		}
		switch {
		case !said["no"] && !said["unknown"] && r.Default != Yes, !said["no"] && len(r.Off) > 0:
			t.Errorf("%s has no case without sign-in", r.ID)
		case !said["yes"] && (len(r.On)+len(r.Always) > 0 || r.Default == Yes):
			t.Errorf("%s has no case with sign-in", r.ID)
		}
		delete(cases, r.ID)
	}
	for id := range cases {
		t.Errorf("cases of %s, which is no rule", id)
	}
}

// TestUnreadIsUnknown: whatever part is not read, no answer turns into yes, nor
// from yes into no.
func TestUnreadIsUnknown(t *testing.T) {
	for id, list := range readCases(t) {
		for _, c := range list {
			for _, s := range Services(c.asset(), nil) {
				before := map[string]Auth{}
				for _, e := range Recognise(s) {
					before[e.Rule.ID] = e.Auth
				}
				for name, change := range map[string]func(*Service){
					"variables": func(s *Service) { s.EnvUnread = "not read" },
					"words":     func(s *Service) { s.WordsUnread = "not read" },
					"all":       func(s *Service) { s.Unread = "not read" },
				} {
					less := s
					change(&less)
					for _, e := range Recognise(less) {
						was, known := before[e.Rule.ID]
						if known && e.Auth == Yes && was != Yes || name == "all" && e.Auth != Unknown || known && was == Yes && e.Auth == No {
							t.Errorf("%s (%s): %s was %s, and with %s unread it is %s", id, c.Of, e.Rule.ID, was, name, e.Auth)
						}
						if e.Because == "" {
							t.Errorf("%s (%s): %s says not why", id, c.Of, e.Rule.ID)
						}
					}
				}
			}
		}
	}
}

func TestAssetsThatWereNotRead(t *testing.T) {
	cluster := "AWS::MSK::Cluster"
	for name, a := range map[string]*estate.Asset{
		"referenced": {ID: "x", Type: cluster, Referenced: true},
		"refused":    {ID: "x", Type: cluster, Config: json.RawMessage(`{}`), Reads: []estate.Read{{Operation: "kafka:DescribeClusterV2", Status: estate.ReadDenied}}},
		"no json":    {ID: "x", Type: cluster, Config: json.RawMessage(`{`)},
		"a list":     {ID: "x", Type: cluster, Config: json.RawMessage(`[]`)},
		"after apply": {ID: "x", Type: cluster, Config: json.RawMessage(`{"Provisioned":{}}`),
			Unknown: []string{"/Provisioned/ClientAuthentication/Unauthenticated/Enabled", "/Provisioned/ClientAuthentication/Sasl/Iam/Enabled"}},
	} {
		if got := answer(a, "aws-msk"); !strings.HasPrefix(got, "unknown ") {
			t.Errorf("%s: %s", name, got)
		}
	}
	a := &estate.Asset{ID: "x", Type: ContainerType, Config: json.RawMessage(`{"image":"vllm/vllm-openai:v1"}`), Unknown: []string{"/args"}}
	if got := answer(a, "vllm-api"); !strings.HasPrefix(got, "unknown ") {
		t.Errorf("arguments known only after apply: %s", got)
	}
}

func TestUndecided(t *testing.T) {
	read := []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}}
	for name, tt := range map[string]struct {
		a    estate.Asset
		want bool
	}{
		"read":        {estate.Asset{Type: ContainerType, Config: json.RawMessage(`{"image":"acme/web:1"}`), Reads: read}, false},
		"no image":    {estate.Asset{Type: ContainerType, Config: json.RawMessage(`{"name":"c"}`), Reads: read}, true},
		"refused":     {estate.Asset{Type: ContainerType, Config: json.RawMessage(`{"image":"acme/web:1"}`), Reads: []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadDenied}}}, true},
		"after apply": {estate.Asset{Type: ContainerType, Config: json.RawMessage(`{"name":"c"}`), Reads: read, Unknown: []string{"/image"}}, true},
		"a cloud's":   {estate.Asset{Type: "AWS::MSK::Cluster", Config: json.RawMessage(`{}`), Reads: read}, false},
	} {
		tt.a.ID = name
		for _, s := range Services(&tt.a, nil) {
			if got := s.Undecided(); (got != "") != tt.want {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}

func TestTaskDefinition(t *testing.T) {
	a := &estate.Asset{ID: "arn:aws:ecs:eu-west-1:111122223333:task-definition/llm:1", Type: taskDefinition, Config: json.RawMessage(`{"containerDefinitions":[
		{"name":"llm","image":"vllm/vllm-openai:v0.11.0","command":["--model","m"],"portMappings":[{"containerPort":8000}]},
		{"name":"store","image":"qdrant/qdrant:v1.15.4","secrets":[{"name":"QDRANT__SERVICE__API_KEY","valueFrom":"arn:aws:ssm:x"}]},
		{"name":"cache","image":"redis:8","environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/e.env"}]}]}`)}
	got := map[string]string{}
	for _, s := range Services(a, nil) {
		for _, e := range Recognise(s) {
			got[s.Name+" "+e.Rule.ID] = e.Auth.String()
		}
	}
	want := map[string]string{"llm vllm-api": "no", "store qdrant": "yes", "cache redis": "unknown"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestMaskedValues: a secret masked when it was read is set, and not shown.
func TestMaskedValues(t *testing.T) {
	a := &estate.Asset{ID: "x", Type: ContainerType, Config: json.RawMessage(`{"image":"vllm/vllm-openai:v1","env":[{"name":"VLLM_API_KEY","value":"sevenfold:masked(api-key,32,0011223344556677)"}]}`)}
	for _, s := range Services(a, nil) {
		for _, e := range Recognise(s) {
			if e.Auth != Yes || strings.Contains(e.Because, "masked") {
				t.Errorf("%s, because %s", e.Auth, e.Because)
			}
		}
	}
}

// TestRulesAreWhole: ids are of one kind, systems exist, weaknesses are in the
// catalogue, vulnerabilities have the form of one, sources are addresses.
func TestRulesAreWhole(t *testing.T) {
	cwe, err := controls.FS.ReadFile("catalogue/cwe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	cve := regexp.MustCompile(`^CVE-20[0-9]{2}-[0-9]{4,6}$`)
	seen := map[string]bool{}
	for _, r := range Rules() {
		if !id.MatchString(r.ID) || seen[r.ID] {
			t.Errorf("id %q", r.ID)
		}
		seen[r.ID] = true
		if len(r.Systems)+len(r.Types) == 0 || len(r.Ports) == 0 || r.Title == "" || r.Decide == nil && r.Why == "" {
			t.Errorf("%s lacks what tells it, ports or words", r.ID)
		}
		for _, s := range r.Systems {
			if !slices.Contains(software.Systems(), s) {
				t.Errorf("%s: no system %q", r.ID, s)
			}
		}
		if !slices.Contains([]string{"critical", "high", "medium", "low"}, r.Severity) {
			t.Errorf("%s: severity %q", r.ID, r.Severity)
		}
		for _, c := range r.CWE {
			if !regexp.MustCompile(regexp.QuoteMeta(c) + `\b`).Match(cwe) {
				t.Errorf("%s: %s is not in the catalogue", r.ID, c)
			}
		}
		for _, c := range r.CVE {
			if !cve.MatchString(c) {
				t.Errorf("%s: %s", r.ID, c)
			}
		}
		if u, err := url.Parse(r.Source); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("%s: source %q", r.ID, r.Source)
		}
		for _, s := range slices.Concat(r.When, r.Unless, r.PortAt, r.Off, r.On, r.Always, r.FileAt, r.Bind.At) {
			if s.String() == "" {
				t.Errorf("%s has a setting without a place", r.ID)
			}
		}
	}
}

// FuzzServices is for the configuration of a container, a task, a cluster.
func FuzzServices(f *testing.F) {
	f.Add(uint8(0), `{"image":"vllm/vllm-openai:v1","args":["--api-key","$(A)"],"env":[{"name":"A","value":""}]}`)
	f.Add(uint8(1), `{"containerDefinitions":[{"image":"redis","portMappings":[{"containerPort":"x"}]}]}`)
	f.Add(uint8(2), `{"spec":{"headGroupSpec":{"rayStartParams":{"dashboard-host":7}}}}`)
	f.Add(uint8(3), `{"Provisioned":{"ClientAuthentication":[]}}`)
	f.Fuzz(func(t *testing.T, kind uint8, config string) {
		typ := []string{ContainerType, taskDefinition, "ray.io/v1/RayCluster", "AWS::MSK::Cluster", "AWS::ElastiCache::CacheCluster"}[kind%5]
		for _, s := range Services(&estate.Asset{ID: "x", Type: typ, Config: json.RawMessage(config)}, nil) {
			for _, e := range Recognise(s) {
				if len(e.Ports) == 0 || e.Because == "" || e.How == "" {
					t.Errorf("%+v", e)
				}
				if s.Unread != "" && e.Auth != Unknown {
					t.Errorf("%s of what was not read", e.Auth)
				}
			}
		}
	})
}
