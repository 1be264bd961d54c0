package assess

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
	"github.com/sevenfold-sec/sevenfold/test/terraformgen"
)

// Of an asset that was read, only what the plan changes is replaced.
func TestPatch(t *testing.T) {
	tests := map[string]struct {
		base, before, after, want string
		unknown, partial          []string
	}{
		"nothing":                 {base: `{"A":1,"B":{"C":2}}`, before: `{"A":7}`, after: `{"A":7}`, want: `{"A":1,"B":{"C":2}}`},
		"a member":                {base: `{"A":1,"B":2}`, before: `{"A":1}`, after: `{"A":3}`, want: `{"A":3,"B":2}`},
		"a member is added":       {base: `{"B":2}`, before: `{}`, after: `{"A":3}`, want: `{"A":3,"B":2}`},
		"a member goes":           {base: `{"A":1,"B":2}`, before: `{"A":1}`, after: `{}`, want: `{"B":2}`},
		"deep":                    {base: `{"A":{"B":{"C":1,"D":2}}}`, before: `{"A":{"B":{"C":1}}}`, after: `{"A":{"B":{"C":9}}}`, want: `{"A":{"B":{"C":9,"D":2}}}`},
		"not printed":             {base: `{"A":1}`, before: `{"X":1}`, after: `{"X":1}`, want: `{"A":1}`},
		"an item of a list":       {base: `{"L":[{"Name":"a","N":1,"S":"x"}]}`, before: `{"L":[{"Name":"a","N":1}]}`, after: `{"L":[{"Name":"a","N":2}]}`, want: `{"L":[{"N":2,"Name":"a","S":"x"}]}`},
		"another list":            {base: `{"L":[{"Name":"a","S":"x"}]}`, before: `{"L":[{"Name":"a"}]}`, after: `{"L":[{"Name":"b"}]}`, want: `{"L":[{"Name":"b"}]}`},
		"a list grows":            {base: `{"L":[1]}`, before: `{"L":[1]}`, after: `{"L":[1,2]}`, want: `{"L":[1,2]}`},
		"a list in another order": {base: `{"L":[2,1]}`, before: `{"L":[1,2]}`, after: `{"L":[1,2]}`, want: `{"L":[2,1]}`},
		"added to a list":         {base: `{"L":[1,2]}`, before: `{"L":[null]}`, after: `{"L":[3,null]}`, partial: []string{"/L"}, want: `{"L":[1,2,3]}`},
		"taken out of a list":     {base: `{"L":[1,2]}`, before: `{"L":[2,null]}`, after: `{"L":[null]}`, partial: []string{"/L"}, want: `{"L":[1]}`},
		"first managed now":       {base: `{"A":1,"B":2}`, before: ``, after: `{"A":5}`, want: `{"A":5,"B":2}`},
		"known after apply":       {base: `{"A":1,"B":2}`, before: `{"A":1}`, after: `{}`, unknown: []string{"/A"}, want: `{"A":1,"B":2}`},
		"large numbers":           {base: `{"A":12345678901234567890}`, before: `{}`, after: `{"B":1.50}`, want: `{"A":12345678901234567890,"B":1.50}`},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			p := patcher{unknown: tt.unknown, partial: tt.partial}
			got, err := p.patch(json.RawMessage(tt.base), json.RawMessage(tt.before), json.RawMessage(tt.after))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, string(got)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Where the estate says just what the plan says of the side before, laying the
// plan over it gives the side after.
func TestPatchOfWhatIsPlanned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := anyObject(t, "before", 3), anyObject(t, "after", 3)
		was, _ := json.Marshal(before)
		is, _ := json.Marshal(after)
		p := patcher{}
		got, err := p.patch(was, was, is)
		if err != nil {
			t.Fatal(err)
		}
		if !equalText(got, is) {
			t.Fatalf("before %s\nafter  %s\ngot    %s", was, is, got)
		}
	})
}

func anyObject(t *rapid.T, label string, depth int) map[string]any {
	out := map[string]any{}
	for _, k := range []string{"a", "b", "name"} {
		switch kind := rapid.IntRange(0, 4).Draw(t, label+k); {
		case kind == 0:
		case kind == 1 && depth > 0:
			out[k] = anyObject(t, label+k, depth-1)
		case kind == 2 && depth > 0:
			list := []any{}
			for range rapid.IntRange(0, 2).Draw(t, label+k+"n") {
				list = append(list, anyObject(t, label+k+"i", depth-1))
			}
			out[k] = list
		default:
			out[k] = rapid.IntRange(0, 2).Draw(t, label+k+"v")
		}
	}
	return out
}

func equalText(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && equal(x, y)
}

// gatePlanned lays the example's growth, edited, over the example.
func gatePlanned(t *testing.T, edit func(text string) string) gate.Decision {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", "growth", "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, []byte(edit(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := ReadPlan(path, []byte("test"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := GatePlan(context.Background(), harbour(t).Seen, p, harbourOptions(t), Certificates{}, certificate.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func harbourOptions(t testing.TB) Options {
	t.Helper()
	s, err := scope.Load(filepath.Join("..", "examples", "harbour", "sevenfold.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	set := builtin.Controls(t)
	return Options{Scope: s, Controls: set, Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
}

func TestGatePlanOnTheExample(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(string) string
		want gate.Word
		text string
	}{
		"grows":    {func(s string) string { return s }, gate.Refuse, "spec.maxReplicas of k8s://default/quay/HorizontalPodAutoscaler/quay-llm grows from 8 to 20"},
		"shrinks":  {func(s string) string { return strings.ReplaceAll(s, `"max_replicas": 20`, `"max_replicas": 4`) }, gate.Admit, ""},
		"the same": {func(s string) string { return strings.ReplaceAll(s, `"max_replicas": 20`, `"max_replicas": 8`) }, gate.Admit, ""},
		"known after apply": {func(s string) string {
			s = strings.ReplaceAll(s, `"max_replicas": 20`, `"max_replicas": null`)
			return strings.Replace(s, `"after_unknown": {}`, `"after_unknown": {"spec": [{"max_replicas": true}]}`, 1)
		}, gate.Unclear, "known only later"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			got := gatePlanned(t, tt.edit)
			text := ""
			for _, r := range got.Reasons {
				text += r.Text + "\n"
			}
			if got.Decision != tt.want || !strings.Contains(text, tt.text) {
				t.Errorf("got %s %s, want %s %s", got.Decision, text, tt.want, tt.text)
			}
		})
	}
}

// BenchmarkGatePlan2000 is the whole of gate plan on a plan of 2,000 resources
// by itself: read, convert, lay, judge both sides, decide. Bound: 1 s.
func BenchmarkGatePlan2000(b *testing.B) {
	path := filepath.Join(b.TempDir(), "plan.json")
	if err := os.WriteFile(path, terraformgen.Plan(2000), 0o600); err != nil {
		b.Fatal(err)
	}
	o := harbourOptions(b)
	for b.Loop() {
		p, err := ReadPlan(path, nil)
		if err != nil {
			b.Fatal(err)
		}
		if len(p.Changes) < 2000 {
			b.Fatalf("%d changes", len(p.Changes))
		}
		if _, err := GatePlan(context.Background(), nil, p, o, Certificates{}, certificate.Trust{}); err != nil {
			b.Fatal(err)
		}
	}
}

// What a plan destroys is gone from the side after, with what hung on it.
func TestWhatIsDestroyedIsGone(t *testing.T) {
	base := harbour(t).Seen
	const id = "k8s://default/quay/Deployment/quay-llm"
	n, ok := base.Find(id)
	if !ok {
		t.Fatal("the example has no quay-llm")
	}
	config, err := base.Config(n)
	if err != nil {
		t.Fatal(err)
	}
	was := *base.Asset(n)
	was.Config = config
	laid, err := Lay(context.Background(), base, &terraform.Plan{Before: []estate.Asset{was},
		Changes: []terraform.Change{{Address: "x.y", Mode: "managed", Actions: []string{"delete"}, Before: []estate.Asset{was}, Removed: []string{id}}}})
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := laid.After.Find(id); ok && !laid.After.Asset(n).Referenced {
		t.Error("it is still there")
	}
	if _, ok := laid.After.Find(id + "#container/vllm"); ok {
		t.Error("its container is still there")
	}
	if _, ok := laid.Before.Find(id); !ok {
		t.Error("it is gone from the side before")
	}
}
