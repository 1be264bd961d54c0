package truth

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

func routes(t *testing.T) []reference.Route {
	t.Helper()
	rs, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// owedWays are routes that the engine does not find yet, with the reason.
var owedWays = map[string]string{
	"iam.attach-then-assume":  weakTarget,
	"iam.attach-then-key":     weakTarget,
	"iam.version-then-assume": weakTarget,
	"iam.put-then-assume":     weakTarget,
	"iam.put-then-key":        weakTarget,
	"iam.attach-then-trust":   weakTarget,
	"iam.version-then-trust":  weakTarget,
	"iam.put-then-trust":      weakTarget,
}

const weakTarget = "the target gets its rights by the step itself, and the search begins at those who have them"

func TestEveryWayIsFoundAndNoOther(t *testing.T) {
	ways := MakeWays(routes(t), testing.Short())
	got, err := ways.Export.Found(ways.Account, ways.Carriers, nil)
	if err != nil {
		t.Fatal(err)
	}
	score := ways.Labels.Judge(got)
	can := 0
	for _, l := range ways.Labels.Labels {
		if l.Expect == "can" {
			can++
		}
	}
	t.Logf("%d who can, %d who nearly can; right: %d", can, len(ways.Labels.Labels)-can, score.Right)
	if can < 100 {
		t.Errorf("only %d labels, %d of them can", len(ways.Labels.Labels), can)
	}
	for _, m := range score.Missed {
		route := strings.TrimSuffix(strings.Fields(m)[1], ":")
		if why, ok := owedWays[route]; ok {
			t.Logf("owed: %s: %s", m, why)
			continue
		}
		t.Errorf("missed: %s", m)
	}
	for _, f := range score.False {
		t.Errorf("false: %s", f)
	}
}

func TestWaysIsWhatTheCommandLinePrints(t *testing.T) {
	text, err := json.Marshal(MakeWays(routes(t), true).Export)
	if err != nil {
		t.Fatal(err)
	}
	var back map[string][]map[string]any
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"} {
		if len(back[list]) == 0 {
			t.Errorf("no %s", list)
		}
		for _, x := range back[list] {
			if arn, _ := x["Arn"].(string); !strings.HasPrefix(arn, "arn:aws:iam::"+account+":") {
				t.Errorf("%s: ARN %q", list, arn)
			}
		}
	}
}

func TestJudge(t *testing.T) {
	l := Labels{Labels: []Label{
		{Principal: "user/a", Expect: "can", Route: "iam.put-user-policy"},
		{Principal: "user/b", Expect: "can", Route: "iam.put-user-policy"},
		{Principal: "user/c", Expect: "cannot"},
		{Principal: "user/d", Expect: "cannot"},
		{Principal: "user/e", Expect: "unsure"},
		{Principal: "user/f", Expect: "unsure"},
	}}
	s := l.Judge(map[string]map[string]string{"arn:x:user/a": {"iam-007": "allow"}, "arn:x:user/b": {"iam-008": "allow"}, "arn:x:user/c": {"iam-008": "unknown"},
		"arn:x:user/e": {"iam-008": "allow"}, "arn:x:user/f": {"iam-008": "conditional"}})
	if s.Right != 3 || len(s.Missed) != 1 || len(s.False) != 1 || len(s.Unsure) != 1 {
		t.Errorf("%+v", s)
	}
}
