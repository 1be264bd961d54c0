package scope

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/finding"
)

func TestAddWaiver(t *testing.T) {
	w := finding.Waiver{Criterion: "network.*", Workload: "w", Reason: `a "reason": #1`, Owner: "o@x", Expires: "2027-01-31", Signature: "c2ln"}
	line := `- {criterion: "network.*", workload: "w", reason: "a \"reason\": #1", owner: "o@x", expires: 2027-01-31, signature: "c2ln"}`
	old := "{criterion: audit.drift, workload: v, reason: r, owner: o, expires: 2027-01-31}"
	tests := map[string]struct{ in, want string }{
		"no file":         {"", "gate:\n  waivers:\n    " + line + "\n"},
		"no gate":         {"estate: e # e\n", "estate: e # e\ngate:\n  waivers:\n    " + line + "\n"},
		"no line end":     {"estate: e", "estate: e\ngate:\n  waivers:\n    " + line + "\n"},
		"no waivers":      {"gate:\n    fail_on: low # l\n# end\nestate: e\n", "gate:\n    fail_on: low # l\n    waivers:\n      " + line + "\n# end\nestate: e\n"},
		"one":             {"gate:\n  waivers:\n    - " + old + "\n  fail_on: low\n", "gate:\n  waivers:\n    - " + old + "\n    " + line + "\n  fail_on: low\n"},
		"one, not inward": {"gate:\n  waivers:\n  - " + old + "\n", "gate:\n  waivers:\n  - " + old + "\n  " + line + "\n"},
		"one of lines": {"gate:\n  waivers:\n    - criterion: audit.drift\n      workload: v\n      reason: r\n      owner: o\n      expires: 2027-01-31\nestate: e\n",
			"gate:\n  waivers:\n    - criterion: audit.drift\n      workload: v\n      reason: r\n      owner: o\n      expires: 2027-01-31\n    " + line + "\nestate: e\n"},
		"a list in brackets":         {"gate: {waivers: []}\n", ""},
		"waivers in brackets":        {"gate:\n  waivers: [" + old + "]\n", ""},
		"all in brackets":            {"{estate: e}\n", ""},
		"a file that cannot be read": {"gate: [\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := AddWaiver("f.yaml", []byte(tt.in), w)
			if (err != nil) != (tt.want == "") {
				t.Fatalf("error %v", err)
			}
			if d := cmp.Diff(tt.want, string(got)); err == nil && d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Whatever a waiver says, it is read back as it was written.
func TestAddedWaiverIsReadBack(t *testing.T) {
	text := rapid.StringMatching(`[ -~äé😀"\\:#{}\[\]%&*!|>'-]{0,20}[a-z]`)
	rapid.Check(t, func(t *rapid.T) {
		w := finding.Waiver{Criterion: "audit.drift", Workload: text.Draw(t, "workload"), Reason: text.Draw(t, "reason"), Owner: text.Draw(t, "owner"), Expires: "2027-01-31"}
		out, err := AddWaiver("f.yaml", []byte("estate: e\n"), w)
		if err != nil {
			t.Fatalf("%v: %+v", err, w)
		}
		if !strings.HasPrefix(string(out), "estate: e\n") {
			t.Fatalf("what stood there is gone: %s", out)
		}
	})
}
