package findings

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// parse reads text as one format and checks what holds of any text: it ends, it
// does not panic, and what comes out is whole.
func parse(t *testing.T, f *format, text []byte) {
	t.Helper()
	lim := defaultLimits
	lim.element, lim.results, lim.message = 1<<20, 1000, 100
	b, s := newBook(lim), &shelf{}
	r := &reader{opts: Options{Source: "findings:f"}, lim: lim, sink: s, book: b}
	body, err := plain(bytes.NewReader(text), lim)
	if err != nil {
		return
	}
	st := newStream(body, lim)
	p := b.open("f", f.name)
	err = f.read(st, p)
	r.notes("f", p)
	if err != nil && st.words(err) == "" {
		t.Errorf("an error without words: %#v", err)
	}
	b.flush("findings:f", "findings:f", s)
	for _, x := range s.blind {
		if x.Why == "" || x.Operation == "" {
			t.Errorf("a blind spot that says nothing: %+v", x)
		}
	}
	for _, a := range s.assets {
		if a.Type != estate.ForeignType {
			continue
		}
		var out estate.Foreign
		if err := json.Unmarshal(a.Config, &out); err != nil {
			t.Fatalf("%s: %v", a.Config, err)
		}
		if out.Tool == "" || resourceKey(&out.Resource) == "" || len(out.Results) == 0 {
			t.Errorf("a record of nothing: %s", a.Config)
		}
		for _, x := range out.Results {
			if x.Check == "" || x.Status == "" || len(x.Message) > lim.message+4 {
				t.Errorf("a torn result: %+v", x)
			}
		}
	}
}

// seed adds the beginnings of real reports, and small whole ones: the fuzzer
// makes little of large texts.
func seed(f *testing.F, names ...string) {
	f.Helper()
	for _, n := range names {
		text, err := os.ReadFile("testdata/" + n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text[:min(len(text), 2000)])
	}
	for _, s := range []string{
		"", "[]", "{}", "null", "[null]", `{"Findings":{}}`, `{"runs":[1],"results":[[]]}`, "[[[[", "{\"a\":",
		goodRow, `{"Findings":[{"ProductArn":"a/b","GeneratorId":"g","Resources":[{"Id":"r"}],"Compliance":{"Status":"FAILED"}}]}`,
		"CHECK_ID;STATUS;RESOURCE_UID\nc;FAIL;r\n\"d\";PASS;\"r\n\"\n",
		`{"SchemaVersion":2,"ArtifactName":"a","ArtifactType":"container_image","Results":[{"Target":"t","Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"p"}]}]}`,
		`{"ClusterName":"c","Resources":[{"Kind":"Pod","Name":"p","Results":[{"Class":"config","Misconfigurations":[{"ID":"KSV001","Status":"FAIL"}]}]}]}`,
		`[{"check_type":"terraform","results":{"failed_checks":[{"check_id":"C","resource":"aws_s3_bucket.b"}],"parsing_errors":["f"]}}]`,
		`{"version":"2.1.0","runs":[{"results":[{"ruleIndex":0,"locations":[{}]}],"tool":{"driver":{"name":"T","rules":[{"id":"r"}]}}}]}`,
		`{"results":[{"resourceID":"apps/v1/n/Deployment/d","controls":[{"controlID":"C-1","status":"failed"}]}],"summaryDetails":{"controls":{"C-1":{"scoreFactor":8}}}}`,
	} {
		f.Add([]byte(s))
	}
}

// FuzzOCSF reads any text as OCSF.
func FuzzOCSF(f *testing.F) {
	seed(f, "securityhub-v2.json", "prowler.ocsf.json")
	f.Fuzz(func(t *testing.T, text []byte) { parse(t, &format{name: "OCSF", read: readOCSF}, text) })
}

// FuzzASFF reads any text as ASFF.
func FuzzASFF(f *testing.F) {
	seed(f, "securityhub.json")
	f.Fuzz(func(t *testing.T, text []byte) { parse(t, &format{name: "ASFF", read: readASFF}, text) })
}

// FuzzCSV reads any text that has a head as Prowler's table.
func FuzzCSV(f *testing.F) {
	seed(f, "prowler.csv")
	f.Add([]byte("CHECK_ID,STATUS,RESOURCE_UID\na,FAIL,r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if table := findTable(text); table != nil && table.missing == nil {
			parse(t, &format{name: "CSV", read: readCSV}, text)
		}
	})
}

// FuzzTrivy reads any text as both of Trivy's reports.
func FuzzTrivy(f *testing.F) {
	seed(f, "trivy-image.json", "trivy-k8s.json", "trivy-secret.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		parse(t, &format{name: "Trivy JSON", read: readTrivy}, text)
		parse(t, &format{name: "Trivy Kubernetes JSON", read: readTrivyCluster}, text)
	})
}

// FuzzCheckov reads any text as Checkov's report.
func FuzzCheckov(f *testing.F) {
	seed(f, "checkov.json", "checkov-nothing.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		parse(t, &format{name: "Checkov JSON", read: readCheckov}, text)
	})
}

// FuzzSARIF reads any text as SARIF.
func FuzzSARIF(f *testing.F) {
	seed(f, "checkov.sarif")
	f.Fuzz(func(t *testing.T, text []byte) { parse(t, &format{name: "SARIF", read: readSARIF}, text) })
}

// FuzzKubescape reads any text as Kubescape's report.
func FuzzKubescape(f *testing.F) {
	seed(f, "kubescape.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		parse(t, &format{name: "Kubescape JSON", read: readKubescape}, text)
	})
}

// FuzzRecognize tells what any text is, and describes what it is not.
func FuzzRecognize(f *testing.F) {
	seed(f, "checkov.sarif", "prowler.csv", "kubescape.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		if format := recognize(text); format != nil {
			parse(t, format, text)
		}
		if _, what := shape(text); what == "" {
			t.Error("no words for a shape")
		}
	})
}
