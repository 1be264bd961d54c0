package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/gate"
)

func sampleGatePlan() *GatePlan {
	return &GatePlan{Plan: "plan.json", Version: "1.0.0", Now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), Resources: 3,
		Decision: gate.Decision{Decision: gate.Refuse, Reasons: []gate.Reason{
			{Workload: "eta", Address: `module.m.aws_appautoscaling_target.t["a"]`, Text: "MaxCapacity of x grows from 2 to 40; beyond its pilot of 2 that needs a certificate: it has none", Weight: gate.Refuse},
			{Workload: "eta", Criterion: "audit.deviations", Address: "aws_s3_bucket_policy.b", Text: "would newly fail: Bucket policy lets strangers in", Weight: gate.Refuse},
			{Workload: "quay", Criterion: "audit.deviations", Address: "aws_s3_bucket_policy.b", Text: "would newly fail: Bucket policy lets strangers in", Weight: gate.Refuse},
			{Workload: "eta", Criterion: "audit.drift", Text: "audit.drift was pass and could not be told any more", Weight: gate.Unclear},
			{Address: "aws_x.<b>|@me\u202e", Text: "hostile [link](http://x) <script>\n# head", Weight: gate.Unclear},
			{Workload: "risk", Text: "its size of 2 stays within its pilot", Weight: gate.Admit},
		}},
		Locate: func(a string) (string, int, bool) { return "modules/m/main.tf", 7, strings.HasPrefix(a, "module.m.") },
	}
}

func TestGatePlanGolden(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"gate.txt":   func(b *bytes.Buffer) error { return GateText(b, sampleGatePlan()) },
		"gate.md":    func(b *bytes.Buffer) error { return GateMarkdown(b, sampleGatePlan()) },
		"gate.sarif": func(b *bytes.Buffer) error { return GateSARIF(b, sampleGatePlan()) },
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// What holds nothing back is no result, and every result fits SARIF's schema.
func TestGateSARIFIsValid(t *testing.T) {
	var out bytes.Buffer
	if err := GateSARIF(&out, sampleGatePlan()); err != nil {
		t.Fatal(err)
	}
	if err := validate(schema(t, "testdata/sarif-schema-2.1.0.json"), out.String()); err != nil {
		t.Error(err)
	}
	var log sarifLog
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if n := len(log.Runs[0].Results); n != 5 {
		t.Errorf("%d results, want 5", n)
	}
}

func TestGateMarkdownIsBounded(t *testing.T) {
	p := sampleGatePlan()
	for range 5000 {
		p.Decision.Reasons = append(p.Decision.Reasons, gate.Reason{Workload: strings.Repeat("w", len(p.Decision.Reasons)%50), Text: strings.Repeat("long ", len(p.Decision.Reasons)%200)})
	}
	var out bytes.Buffer
	if err := GateMarkdown(&out, p); err != nil {
		t.Fatal(err)
	}
	if out.Len() > markdownLimit || !strings.Contains(out.String(), "left out here") {
		t.Errorf("%d bytes", out.Len())
	}
}

func TestDecisionFitsItsSchema(t *testing.T) {
	s := schema(t, "../docs/schema/gate.schema.json")
	for name, d := range map[string]gate.Decision{"some": sampleGatePlan().Decision, "none": gate.Refused(nil)} {
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(s, string(text)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	if validate(s, `{"decision":"maybe","reasons":[]}`) == nil || validate(s, `{"decision":"admit"}`) == nil {
		t.Error("accepted what is no decision")
	}
}
