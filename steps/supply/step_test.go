package supply

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
	"github.com/sevenfold-sec/sevenfold/steps/supply/osv"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

var day = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// endpointEstate is an endpoint that serves a model made of an image and a file.
func endpointEstate(t *testing.T, image string) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(day)
	for _, a := range []estate.Asset{
		{ID: "arn:e", Type: "AWS::SageMaker::Endpoint", Cloud: estate.AWS, Kind: estate.KindEndpoint, Name: "e", Config: json.RawMessage("{}")},
		{ID: "arn:m", Type: "AWS::SageMaker::Model", Cloud: estate.AWS, Kind: estate.KindModel, Name: "m", Config: json.RawMessage("{}")},
		{ID: "image://" + image, Type: estate.ImageType, Kind: estate.KindImage, Name: image, Config: json.RawMessage("{}")},
		{ID: "arn:aws:s3:::b#object/m/model.tar.gz", Type: "AWS::S3::Object", Cloud: estate.AWS, Kind: estate.KindModel, Config: json.RawMessage("{}")},
	} {
		b.Asset(a)
	}
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	snap, err = snap.Understood(context.Background(), func(a *estate.Asset) estate.Understanding {
		u := estate.Understanding{Kind: a.Kind, Name: a.Name}
		switch a.ID {
		case "arn:e":
			u.Root = &estate.Root{Class: estate.ClassEndpoint, Why: "test"}
			u.Relations = []estate.Relation{{From: "arn:e", To: "arn:m", Type: estate.Serves, Tier: estate.Declared}}
		case "arn:m":
			u.Relations = []estate.Relation{{From: "arn:m", To: "image://" + image, Type: estate.Loads, Tier: estate.Declared}, {From: "arn:m", To: "arn:aws:s3:::b#object/m/model.tar.gz", Type: estate.Loads, Tier: estate.Declared}}
		}
		return u
	})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

const pinnedImage = "registry.example/app@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func judged(t *testing.T, s *scope.Scope, k *Known, image string) (map[string]finding.Criterion, []finding.Finding) {
	t.Helper()
	return judgedBy(t, New(s).With(k), s, image)
}

func judgedBy(t *testing.T, step *Step, s *scope.Scope, image string) (map[string]finding.Criterion, []finding.Finding) {
	t.Helper()
	snap := endpointEstate(t, image)
	d, err := step.Derive(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	if snap, err = snap.With(d.Assets, d.Relations, d.BlindSpots); err != nil {
		t.Fatal(err)
	}
	workloads, err := s.Workloads(snap)
	if err != nil {
		t.Fatal(err)
	}
	j, err := step.Judge(context.Background(), snap, workloads)
	if err != nil {
		t.Fatal(err)
	}
	if len(workloads.List) != 1 {
		t.Fatalf("%d workloads", len(workloads.List))
	}
	out := map[string]finding.Criterion{}
	for _, c := range j.Criteria[workloads.List[0].ID] {
		out[strings.TrimPrefix(c.ID, "supply.")] = c
	}
	return out, j.Findings
}

// clean is all that makes every line pass.
func clean() *Known {
	k := &Known{Now: day}
	bill := parts.Answer{Files: 1, Parts: []parts.Part{{Kind: parts.Package, Ecosystem: "PyPI", Name: "torch", Version: "2.6.0", Pinned: true, Places: []parts.Place{{Path: "r"}}},
		{Kind: parts.Service, Name: "api.openai.com", Facts: map[string]string{"vendor": "OpenAI"}, Places: []parts.Place{{Path: "a.py", Line: 1}}}}}
	files := Answer{Artifacts: []Artifact{{Path: "model.tar.gz", SHA256: "x", Verdict: modelfile.Clean}}}
	k.Put(Examined{Place: PlaceOf("image://" + pinnedImage), From: "image.tar", Bill: BillOf(bill, day), Proof: &Proof{Verdict: "verified", Signer: "s"}})
	k.Put(Examined{Place: "s3://b/m/model.tar.gz", From: "x", Files: FilesOf(files, day), Proof: &Proof{Verdict: "verified", Signer: "s", Sums: []string{"x"}}})
	return k
}

type fixed struct {
	stocks []*osv.Stock
	shards map[string]map[int][]byte
}

func (f *fixed) Stocks() []*osv.Stock                    { return f.stocks }
func (f *fixed) Shard(eco string, n int) ([]byte, error) { return f.shards[eco][n], nil }
func (f *fixed) Priority(name string) (float64, bool)    { return -1, name == "CVE-KEV" }

func recordsOf(t *testing.T, texts ...string) *fixed {
	t.Helper()
	b := osv.NewBuilder()
	for _, x := range texts {
		if err := b.Add([]byte(x)); err != nil {
			t.Fatal(err)
		}
	}
	f := &fixed{}
	f.stocks, f.shards = b.Build()
	for _, s := range f.stocks {
		s.Said = s.AsOf // few records, and somebody vouches that they are all
	}
	return f
}

func hole(id, severity, fixedIn string) string {
	return fmt.Sprintf(`{"id":%q,"modified":"2026-11-28T00:00:00Z","database_specific":{"severity":%q},"affected":[{"package":{"ecosystem":"PyPI","name":"torch"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, id, severity, fixedIn)
}

func register() *scope.Scope {
	s := scope.Default()
	yes, no := true, false
	s.Services = []scope.Service{{Name: "openai", Endpoint: "api.openai.com", Authentication: "key", RequestsPerMinute: 60, TLS: &yes,
		Terms: scope.Terms{TrainsOnInputs: &no, HasRetention: true, Reviewed: day.AddDate(0, -1, 0), Expires: day.AddDate(0, 1, 0)}}}
	return s
}

func TestCriteria(t *testing.T) {
	const pass, fail, unknown = finding.CriterionPass, finding.CriterionFail, finding.CriterionUnknown
	type change struct {
		known func(*Known)
		scope func(*scope.Scope)
		image string
		hole  string
		stale bool
		none  bool
	}
	tests := []struct {
		name string
		change
		criterion string
		want      finding.CriterionStatus
		says      string
	}{
		{"all is well", change{}, "", pass, ""},
		{"nobody looked", change{known: func(k *Known) { k.Examined = nil }}, "", unknown, ""},
		{"a poisoned file", change{known: func(k *Known) {
			k.Put(Examined{Place: "s3://b/m/model.tar.gz", From: "x", Files: FilesOf(Answer{Artifacts: []Artifact{{Path: "p", SHA256: "x", Verdict: modelfile.Malicious}}, Findings: []Finding{{Path: "p", Rule: "r", Severity: modelfile.Critical}}}, day), Proof: k.find("s3://b/m/model.tar.gz").Proof})
		}}, "artifacts", fail, "malicious"},
		{"a file nobody could judge", change{known: func(k *Known) {
			files := FilesOf(Answer{Artifacts: []Artifact{{Path: "p", SHA256: "x", Verdict: modelfile.Unknown}}}, day)
			k.Put(Examined{Place: "s3://b/m/model.tar.gz", From: "x", Files: files, Proof: k.find("s3://b/m/model.tar.gz").Proof})
		}}, "artifacts", unknown, "could not be judged"},
		{"a file that was not signed so", change{known: func(k *Known) {
			k.Put(Examined{Place: "s3://b/m/model.tar.gz", From: "x", Proof: &Proof{Verdict: "refused", Why: "another digest"}})
			e := k.find("s3://b/m/model.tar.gz")
			k.Reviews = []Review{{Subject: e.Place, Digest: e.Digest(), Decision: "approved", By: "jo", Taken: day}}
		}}, "artifacts", fail, "does not fit"},
		{"remote code", change{known: func(k *Known) {
			e := k.find(PlaceOf("image://" + pinnedImage))
			e.Bill.Notices = append(e.Bill.Notices, parts.Notice{Rule: "trust-remote-code", Severity: parts.High, Text: "x"})
		}}, "artifacts", fail, "trust-remote-code"},
		{"a damaged lock file", change{known: func(k *Known) {
			e := k.find(PlaceOf("image://" + pinnedImage))
			e.Bill.Problems = append(e.Bill.Problems, parts.Problem{Path: "package-lock.json", Why: "cut off"})
		}}, "inventory", unknown, "package-lock.json could not be read"},
		{"a vulnerability", change{hole: hole("GHSA-1", "CRITICAL", "2.7.0")}, "vulnerabilities", fail, "GHSA-1"},
		{"one below the bar", change{hole: hole("GHSA-1", "LOW", "2.7.0")}, "vulnerabilities", pass, ""},
		{"one whose severity nobody states", change{hole: hole("GHSA-1", "", "2.7.0")}, "vulnerabilities", unknown, "severity"},
		{"old records", change{stale: true}, "vulnerabilities", unknown, "days old"},
		{"no records", change{none: true}, "vulnerabilities", unknown, "no vulnerability records"},
		{"an image by tag, at medium", change{image: "registry.example/app:1", scope: func(s *scope.Scope) { s.Gate.FailOn = finding.Medium }, known: func(k *Known) {
			e := *k.find(PlaceOf("image://" + pinnedImage))
			e.Place = PlaceOf("image://registry.example/app:1")
			k.Put(e)
		}}, "provenance", fail, "named by tag"},
		{"other files than were verified", change{known: func(k *Known) {
			k.Put(Examined{Place: "s3://b/m/model.tar.gz", From: "y", Files: FilesOf(Answer{Artifacts: []Artifact{{Path: "p", SHA256: "x", Verdict: modelfile.Clean}, {Path: "q", SHA256: "y", Verdict: modelfile.Clean}}}, day)})
		}}, "provenance", unknown, "on other files than those that were examined"},
		{"verified before they were examined, and the same", change{known: func(k *Known) {
			k.Put(Examined{Place: "s3://b/m/model.tar.gz", From: "y", Proof: &Proof{Verdict: "verified", Signer: "s", Sums: []string{"w", "x", "y"}}})
			k.Put(Examined{Place: "s3://b/m/model.tar.gz", From: "y", Files: FilesOf(Answer{Artifacts: []Artifact{{Path: "q", SHA256: "y", Verdict: modelfile.Clean}}}, day)})
		}}, "provenance", pass, ""},
		{"files without a digest", change{known: func(k *Known) {
			k.Put(Examined{Place: "s3://b/m/model.tar.gz", From: "y", Files: FilesOf(Answer{Artifacts: []Artifact{{Path: "p", Verdict: modelfile.Clean}}}, day)})
		}}, "provenance", unknown, "on other files than those that were examined"},
		{"examined long ago", change{known: func(k *Known) { k.find("s3://b/m/model.tar.gz").Files.Taken = day.AddDate(0, -4, 0) }}, "artifacts", unknown, "was examined on 2026-07-28, more than 90 days ago"},
		{"an image named by digest, examined long ago", change{known: func(k *Known) { k.find(PlaceOf("image://" + pinnedImage)).Bill.Taken = day.AddDate(-1, 0, 0) }}, "artifacts", pass, ""},
		{"nobody signed", change{known: func(k *Known) { k.find("s3://b/m/model.tar.gz").Proof = nil }}, "provenance", unknown, "nobody reviewed it"},
		{"reviewed as it is", change{known: func(k *Known) {
			e := k.find("s3://b/m/model.tar.gz")
			e.Proof = nil
			k.Reviews = []Review{{Subject: e.Place, Digest: e.Digest(), Decision: "approved", By: "jo", Taken: day}}
		}}, "provenance", pass, ""},
		{"changed since it was reviewed", change{known: func(k *Known) {
			e := k.find("s3://b/m/model.tar.gz")
			e.Proof = nil
			k.Reviews = []Review{{Subject: e.Place, Digest: "another", Decision: "approved", By: "jo", Taken: day}}
		}}, "provenance", unknown, "has changed since"},
		{"rejected", change{known: func(k *Known) {
			e := k.find("s3://b/m/model.tar.gz")
			k.Reviews = []Review{{Subject: e.Place, Digest: e.Digest(), Decision: "rejected", By: "jo", Taken: day}}
		}}, "provenance", fail, "was rejected"},
		{"a denied licence", change{scope: func(s *scope.Scope) { s.Supply.Denied = []string{"AGPL-3.0-only"} }, known: func(k *Known) {
			k.find(PlaceOf("image://" + pinnedImage)).Bill.Parts[0].Licences = []string{"MIT AND AGPL-3.0-only"}
		}}, "provenance", fail, "AGPL"},
		{"a licence without commercial use", change{known: func(k *Known) {
			k.find(PlaceOf("image://" + pinnedImage)).Bill.Parts[0].Licences = []string{"cc-by-nc-4.0"}
		}}, "provenance", fail, "no commercial use"},
		{"a licence without commercial use, or another", change{known: func(k *Known) {
			k.find(PlaceOf("image://" + pinnedImage)).Bill.Parts[0].Licences = []string{"CC-BY-NC-4.0 OR MIT"}
		}}, "provenance", pass, ""},
		{"a licence without commercial use that somebody approved", change{known: func(k *Known) {
			p := &k.find(PlaceOf("image://" + pinnedImage)).Bill.Parts[0]
			p.Licences = []string{"cc-by-nc-4.0"}
			k.Reviews = []Review{{Subject: p.PURL(), Digest: p.Version, Decision: "approved", By: "jo", Taken: day}}
		}}, "provenance", pass, ""},
		{"a name one letter off", change{known: func(k *Known) {
			k.find(PlaceOf("image://" + pinnedImage)).Bill.Parts[0].Name = "tensorfIow"
		}}, "provenance", fail, "looks like tensorflow"},
		{"shadow AI", change{scope: func(s *scope.Scope) { s.Services = nil }}, "services", fail, "no register knows it"},
		{"a lapsed review", change{scope: func(s *scope.Scope) { s.Services[0].Terms.Expires = day.AddDate(0, 0, -2) }}, "services", fail, "lapsed"},
		{"health data without an agreement", change{scope: func(s *scope.Scope) {
			no := false
			s.Services[0].Sends, s.Services[0].Labels, s.Services[0].Terms.BAA = []string{"PHI"}, []string{"PHI"}, &no
		}}, "services", fail, "without a business associate agreement"},
		{"health data, and nobody says", change{scope: func(s *scope.Scope) {
			s.Services[0].Sends, s.Services[0].Labels = []string{"PHI"}, []string{"PHI"}
		}}, "services", unknown, "business associate agreement"},
		{"a probe that was answered without a key", change{known: func(k *Known) {
			no := false
			k.Probes = []Probe{{Host: "api.openai.com", Taken: day, TLS: "TLS 1.3", Refuses: &no}}
		}}, "services", fail, "answers a request without a key"},
		{"another region than agreed", change{scope: func(s *scope.Scope) { s.Services[0].Regions = []string{"eu"} }, known: func(k *Known) {
			k.find(PlaceOf("image://" + pinnedImage)).Bill.Parts[1].Facts["region"] = "us"
		}}, "services", fail, "region"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, s, image := clean(), register(), pinnedImage
			if tt.scope != nil {
				tt.scope(s)
			}
			if tt.known != nil {
				tt.known(k)
			}
			if tt.image != "" {
				image = tt.image
			}
			if !tt.none {
				r := recordsOf(t, hole("GHSA-0", "HIGH", "1.0"))
				if tt.hole != "" {
					r = recordsOf(t, tt.hole)
				}
				if tt.stale {
					k.Now = day.AddDate(0, 1, 0)
					s.Services[0].Terms.Expires = day.AddDate(1, 0, 0)
				}
				if err := k.Watch(context.Background(), r, s.Supply.StaleAfter); err != nil {
					t.Fatal(err)
				}
			}
			got, _ := judged(t, s, k, image)
			for _, id := range []string{"inventory", "artifacts", "vulnerabilities", "provenance", "services"} {
				c, there := got[id]
				if !there {
					t.Fatalf("no %s", id)
				}
				want := pass
				if tt.criterion == id || tt.criterion == "" {
					want = tt.want
				}
				if tt.criterion == id || tt.criterion == "" {
					if c.Status != want || !strings.Contains(c.Reason, tt.says) {
						t.Errorf("%s is %s (%s), want %s: %s", id, c.Status, c.Reason, want, tt.says)
					}
				} else if c.Status != pass {
					t.Errorf("%s is %s (%s), and only %s was touched", id, c.Status, c.Reason, tt.criterion)
				}
				if c.Status == pass && (len(c.Evidence) == 0 || c.Evidence[0].Examined == 0) {
					t.Errorf("%s passes without evidence", id)
				}
			}
		})
	}
}

// lies is what is known of data, by asset.
type lies map[string]struct {
	labels []string
	why    string
}

// Told implements Labels.
func (l lies) Told(id string) ([]string, string) { return l[id].labels, l[id].why }

// What the data step knows of what a workload touches meets the terms of what it calls.
func TestLabelsMeetTerms(t *testing.T) {
	const pass, fail, unknown = finding.CriterionPass, finding.CriterionFail, finding.CriterionUnknown
	yes, no := true, false
	for _, tt := range []struct {
		name   string
		labels []string
		why    string
		terms  func(*scope.Service)
		want   finding.CriterionStatus
		says   string
	}{
		{"nothing sensitive", []string{"weather"}, "", nil, pass, ""},
		{"health data", []string{"PHI"}, "", func(s *scope.Service) { s.Terms.BAA, s.Labels = &no, []string{"health"} }, fail, "PHI may be sent to openai (what calls it touches arn:e) without a business associate agreement"},
		{"health data, agreed", []string{"PHI"}, "", func(s *scope.Service) { s.Terms.BAA, s.Labels = &yes, []string{"phi"} }, pass, ""},
		{"health data, and nobody says", []string{"PHI"}, "", func(s *scope.Service) { s.Labels = []string{"PHI"} }, unknown, "whether there is a business associate agreement"},
		{"health data that may not be sent", []string{"PHI"}, "", func(s *scope.Service) { s.Terms.BAA = &yes }, fail, "its labels do not allow that"},
		{"personal data into training", []string{"PII"}, "", func(s *scope.Service) { s.Terms.DPA, s.Terms.TrainsOnInputs, s.Labels = &yes, &yes, []string{"PII"} }, fail, "trains on what it is sent"},
		{"source code", []string{"source code"}, "", nil, fail, "its labels do not allow that"},
		{"a label of the company's policy", []string{"MANIFEST"}, "", nil, fail, "MANIFEST may be sent"},
		{"nobody looked", nil, "nobody has looked into it", nil, unknown, "what may be sent to openai is not known: arn:e: nobody has looked into it"},
		{"nobody looked, and the register says what is sent", nil, "nobody has looked into it", func(s *scope.Service) { s.Sends = []string{"weather"} }, pass, ""},
		{"nobody says whether it trains", []string{"weather"}, "", func(s *scope.Service) { s.Terms.TrainsOnInputs = nil }, unknown, "whether openai trains"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, s := clean(), register()
			s.Data.Approved = append(s.Data.Approved, scope.Approval{Label: "MANIFEST"})
			if tt.terms != nil {
				tt.terms(&s.Services[0])
			}
			if err := k.Watch(context.Background(), recordsOf(t, hole("GHSA-0", "HIGH", "1.0")), s.Supply.StaleAfter); err != nil {
				t.Fatal(err)
			}
			step := New(s).With(k).Labelled(func(context.Context, *estate.Snapshot) (Labels, error) {
				return lies{"arn:e": {tt.labels, tt.why}}, nil
			})
			got, findings := judgedBy(t, step, s, pinnedImage)
			if c := got["services"]; c.Status != tt.want || !strings.Contains(c.Reason, tt.says) {
				t.Errorf("%s (%s), want %s: %s", c.Status, c.Reason, tt.want, tt.says)
			}
			if bad := slices.ContainsFunc(findings, func(f finding.Finding) bool { return f.Control == Terms }); bad != (tt.want == fail) {
				t.Errorf("a finding: %v; %+v", bad, findings)
			}
		})
	}
}

// What we write is what the published schema asks for; it comes with the library.
func TestCycloneDXSchema(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Skip("no go command")
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "schema")
	c := jsonschema.NewCompiler()
	for _, name := range []string{"spdx.schema.json", "jsf-0.82.schema.json"} {
		file := filepath.Join(dir, strings.Replace(name, "jsf-0.82.schema.json", "jsf-0.82.schemax.json", 1))
		doc, err := jsonschema.SchemeURLLoader{"file": jsonschema.FileLoader{}}.Load("file://" + file)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("http://cyclonedx.org/schema/"+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	// The library leaves out the names of algorithms, of which we write none.
	names := map[string]any{"definitions": map[string]any{"algorithmFamiliesEnum": map[string]any{}, "ellipticCurvesEnum": map[string]any{}}}
	if err := c.AddResource("http://cyclonedx.org/schema/cryptography-defs.schema.json", names); err != nil {
		t.Fatal(err)
	}
	a := parts.Read("a.py", []byte("from openai import OpenAI\nOpenAI().chat.completions.create(model='m')\nfrom datasets import load_dataset\nload_dataset('o/d')\n"))
	a.Add(parts.Read("Dockerfile", []byte("FROM a/b:1\nRUN pip install x==1\nCMD vllm serve o/m\n")))
	a.Add(parts.Read("package-lock.json", []byte("{")))
	a.Add(parts.Read("m/README.md", []byte("---\nlicense: mit\nlibrary_name: x\nbase_model: o/b\n---\n")))
	a.Add(parts.Read(".mcp.json", []byte(`{"mcpServers":{"a":{"command":"npx","args":["b@1.0.0"]}}}`)))
	b := BillOf(a, day)
	var text bytes.Buffer
	for _, spec := range []string{"1.6", "1.7"} {
		schema, err := c.Compile("file://" + filepath.Join(dir, "bom-"+spec+".schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		text.Reset()
		if err := CycloneDX(&text, spec, "app", "1", b, register().Services); err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Error(err)
		}
		for _, want := range []string{`"specVersion": "` + spec, `"machine-learning-model"`, `"flow": "outbound"`, `"data"`, `"container"`, `"sevenfold:unread"`, `"aggregate": "incomplete"`, `"ancestors"`} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: no %s", spec, want)
			}
		}
		var again bytes.Buffer
		if err := CycloneDX(&again, spec, "app", "1", b, register().Services); err != nil || again.String() != text.String() {
			t.Errorf("the same bill is written in two ways: %v", err)
		}
	}
	// What we write we read.
	back := parts.Read("x.cdx.json", text.Bytes())
	if len(back.Parts) < len(b.Parts)-2 {
		t.Errorf("%d parts were written and %d read", len(b.Parts), len(back.Parts))
	}
	text.Reset()
	if err := SPDX(&text, "app", "1", b); err != nil || !strings.Contains(text.String(), `"ai_AIPackage"`) || !json.Valid(text.Bytes()) {
		t.Errorf("SPDX: %v", err)
	}
}

func TestPlaces(t *testing.T) {
	for in, want := range map[string]string{"arn:aws:s3:::b#object/k/m": "s3://b/k/m", "arn:aws:s3:::b#prefix/k/": "s3://b/k", "s3://b/k/": "s3://b/k", "docker://nginx": "image://docker.io/library/nginx:latest", "image://docker.io/library/nginx:latest": "image://docker.io/library/nginx:latest", "code:x": "code:x"} {
		if got := ParsePlace(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

// A folder of S3 that was examined speaks for each file in it, and for no other.
func TestBelow(t *testing.T) {
	k := &Known{Now: day}
	k.Put(Examined{Place: "s3://b/m", From: "s3://b/m", Files: FilesOf(Answer{Artifacts: []Artifact{{Path: "s3://b/m/good.bin", Verdict: modelfile.Clean}, {Path: "s3://b/m/bad.pkl", Verdict: modelfile.Malicious}}}, day)})
	for place, want := range map[string]modelfile.Verdict{"s3://b/m/good.bin": modelfile.Clean, "s3://b/m/bad.pkl": modelfile.Malicious} {
		e := k.find(place)
		if e == nil || e.Files.Count[want] != 1 || len(e.Files.Count) != 1 {
			t.Errorf("%s: %+v", place, e)
		}
	}
	for _, other := range []string{"s3://b/m/new.pkl", "s3://b/mm/good.bin", "s3://b/other"} {
		if e := k.find(other); e != nil {
			t.Errorf("%s was never examined: %+v", other, e)
		}
	}
}

// 100,000 components against as many records as PyPI and Go have together.
func BenchmarkWatch(b *testing.B) {
	builder := osv.NewBuilder()
	for i := range 30_000 {
		eco, typ := "PyPI", "ECOSYSTEM"
		if i%3 == 0 {
			eco, typ = "Go", "SEMVER"
		}
		if err := builder.Add(fmt.Appendf(nil, `{"id":"X-%d","modified":"2026-11-28T00:00:00Z","aliases":["CVE-%d"],"affected":[{"package":{"ecosystem":%q,"name":"p%d"},"ranges":[{"type":%q,"events":[{"introduced":"0"},{"fixed":"1.%d.0"}]}],"versions":["0.1.0","0.2.0"]}]}`, i, i, eco, i%5000, typ, i%20)); err != nil {
			b.Fatal(err)
		}
	}
	r := &fixed{}
	r.stocks, r.shards = builder.Build()
	bill := &Bill{}
	for i := range 100_000 {
		eco := "PyPI"
		if i%3 == 0 {
			eco = "Go"
		}
		bill.Parts = append(bill.Parts, parts.Part{Kind: parts.Package, Ecosystem: eco, Name: fmt.Sprintf("p%d", i%20_000), Version: fmt.Sprintf("1.%d.%d", i%25, i%7), Pinned: true, Places: []parts.Place{{Path: "x"}}})
	}
	for b.Loop() {
		k := &Known{Now: day, Examined: []Examined{{Place: "code:x", Bill: bill}}}
		if err := k.Watch(context.Background(), r, 7*24*time.Hour); err != nil {
			b.Fatal(err)
		}
		if k.Watched["code:x"].Decided != 100_000 {
			b.Fatal(k.Watched["code:x"].Open)
		}
	}
}

// TestTagsThatCannotMove: in a repository whose tags nobody can move, a tag is as
// good as a digest; in any other it is not.
func TestTagsThatCannotMove(t *testing.T) {
	for mutability, floating := range map[string]bool{"IMMUTABLE": false, "MUTABLE": true, "IMMUTABLE_WITH_EXCLUSION": true, "": true} {
		snap := endpointEstate(t, "registry.example/app:1")
		snap, err := snap.With([]estate.Asset{{ID: "arn:r", Type: "AWS::ECR::Repository", Cloud: estate.AWS, Config: json.RawMessage(`{"imageTagMutability":"` + mutability + `"}`)}},
			[]estate.Relation{{From: "arn:r", To: "image://registry.example/app:1", Type: estate.Contains, Tier: estate.Declared}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := scope.Default()
		workloads, err := s.Workloads(snap)
		if err != nil {
			t.Fatal(err)
		}
		got, err := New(s).With(nil).Judge(context.Background(), snap, workloads)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range got.Findings {
			found = found || f.Control == Floating
		}
		if found != floating {
			t.Errorf("%q: floating %v, want %v", mutability, found, floating)
		}
	}
}

func TestRestricted(t *testing.T) {
	for licence, want := range map[string]finding.Severity{"MIT": finding.Info, "Apache-2.0": finding.Info, "cc-by-nc-sa-4.0": finding.High, "CC-BY-4.0": finding.Info, "PolyForm-Noncommercial-1.0.0": finding.High,
		"llama3.1": finding.Medium, "gemma": finding.Medium, "creativeml-openrail-m": finding.Medium, "llama3 OR MIT": finding.Info, "NCSA": finding.Info, "gpl-3.0": finding.Info, "": finding.Info} {
		if _, got := restricted(licence); got != want {
			t.Errorf("%s: %s, want %s", licence, got, want)
		}
	}
}

// A part of a database, and one of a day to come, say nothing of what is not in them.
func TestRecordsThatAreNotAll(t *testing.T) {
	for name, bend := range map[string]func(*osv.Stock){
		"few, and nobody vouches": func(s *osv.Stock) { s.Said = time.Time{} },
		"of a day to come":        func(s *osv.Stock) { s.AsOf, s.Said = day.AddDate(1, 0, 0), day.AddDate(1, 0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			k, s, r := clean(), register(), recordsOf(t, hole("GHSA-0", "HIGH", "1.0"))
			for _, x := range r.stocks {
				bend(x)
			}
			if err := k.Watch(context.Background(), r, s.Supply.StaleAfter); err != nil {
				t.Fatal(err)
			}
			if got, _ := judged(t, s, k, pinnedImage); got["vulnerabilities"].Status != finding.CriterionUnknown {
				t.Errorf("%+v", got["vulnerabilities"])
			}
		})
	}
}
