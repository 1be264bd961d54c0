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
