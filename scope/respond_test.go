package scope

import (
	"strings"
	"testing"
	"time"
)

func TestRespond(t *testing.T) {
	s, err := Parse("s.yaml", []byte(`respond:
  responder: arn:aws:iam::111122223333:role/responder
  people:
    - {name: ana, roles: [lead, owner], contact: "slack:env:ANA_SLACK"}
    - {name: bo, contact: "mailto:bo@acme.example"}
  every: 90d
  automatic: [endpoint-misbehaving]
  two_people: ["aws.iam.*"]
  laws: [gdpr]
  return: [{workload: fraud, quiet: 24h, probes: probes.yaml}]
`))
	if err != nil {
		t.Fatal(err)
	}
	r := s.Respond
	if len(r.Automatic) != 1 || r.Automatic[0].Scenario != "endpoint-misbehaving" || r.Automatic[0].Place.Line == 0 {
		t.Errorf("%+v", r.Automatic)
	}
	if r.Every != 90*24*time.Hour || r.Person("ana") == nil || r.Person("nobody") != nil || r.Returns[0].Quiet != 24*time.Hour {
		t.Errorf("%+v", r)
	}
	for action, want := range map[string]int{"aws.iam.quarantine-role": 2, "aws.s3.seal-bucket": 0} {
		if got := r.Approvals(action, true); got != want {
			t.Errorf("%s: %d, want %d", action, got, want)
		}
	}
	if n := (&Respond{}).Approvals("aws.sagemaker.stop-training-job", true); n != 2 {
		t.Errorf("what cannot be taken back needs %d people unless somebody says otherwise", n)
	}
}

func TestRespondMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"people: [{name: a, contact: \"http://evil.example\"}]":           "s.yaml:2:31",
		"people: [{name: a, contact: \"webhook:http://evil.example/x\"}]": "none that can be called",
		"people: [{name: a, roles: [king], contact: \"mailto:a@b\"}]":     `"king" is no role`,
		"laws: [murphy]":          `no law is called "murphy"`,
		"every: soon":             `"soon" is not a period`,
		"return: [{workload: a}]": "quiet",
		"two_people: [\"[\"]":     "no pattern",
		"automatic: [\"*\"]":      "each that may act by itself is named",
		"automatic: [a, a]":       `s.yaml:2:18`,
		"automatic_per_hour: 0":   "1 to 100",
		"people: [{name: Detection, contact: \"mailto:a@b\"}]": "what no person did",
		"top: 0":      "at least 1",
		"colour: red": "colour",
	} {
		_, err := Parse("s.yaml", []byte("respond:\n  "+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
