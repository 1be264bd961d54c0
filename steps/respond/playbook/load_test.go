package playbook

import (
	"strings"
	"testing"
)

func TestWhatDoesNotLoad(t *testing.T) {
	tests := []struct{ name, steps, want string }{
		{"cycle", "- {id: a, do: x.cut}\n- {id: b, do: x.cut, next: a}\n", "p.yaml:9:3: the steps run in a circle: a -> b -> a"},
		{"itself", "- {id: a, do: x.cut, next: a}\n", "the steps run in a circle: a -> a"},
		{"unknown variable", "- {id: a, do: x.cut, on: $nobody}\n", `p.yaml:8:3: step a uses variable "nobody", which is not declared`},
		{"unknown variable in a condition", "- {id: a, if: who == 1, then: [{id: b, do: x.cut}]}\n", `variable "who"`},
		{"unknown variable in a question", "- {id: a, ask: call $whom}\n", `variable "whom"`},
		{"unknown kind", "- {id: a, run: rm}\n", `step a has no "run"`},
		{"nothing", "- {id: a}\n", "step a says nothing to do"},
		{"two kinds", "- {id: a, do: x.cut, ask: why}\n", "step a is both"},
		{"a step there is not", "- {id: a, do: x.cut, next: q}\n", `step a leads to "q", and there is no such step`},
		{"twice", "- {id: a, do: x.cut}\n- {id: a, do: x.cut}\n", "step a is there twice, first in line 8"},
		{"no action", "- {id: a, do: 'rm -rf /'}\n", "which is no name of an action"},
		{"empty parallel", "- {id: a, parallel: []}\n", "at least two lists"},
		{"one branch", "- {id: a, parallel: [[{id: b, do: x.cut}]]}\n", "at least two lists"},
		{"branches meet", "- {id: a, parallel: [[{id: b, do: x.cut}], [{id: c, do: x.cut, next: b}]]}\n", "both run b"},
		{"branches set the same", "- {id: a, parallel: [[{id: b, do: x.cut, out: {n: tries}}], [{id: c, do: x.cut, out: {n: tries}}]]}\n", "both set variable tries"},
		{"a block leads out", "- {id: a, if: level == 1, then: [{id: b, do: x.cut, next: c}]}\n- {id: c, do: x.cut}\n", "which comes after it"},
		{"while without end", "- {id: a, while: level == 1, steps: [{id: b, do: x.cut}]}\n", "does not say how often"},
		{"else of a while", "- {id: a, while: level == 1, max: 2, steps: [{id: b, do: x.cut}], else: [{id: c, do: x.cut}]}\n", "step a is while and has no else"},
		{"a condition", "- {id: a, if: level ==, then: [{id: b, do: x.cut}]}\n", "a variable, a text or a number is missing at character 9"},
		{"a phase", "- {id: a, do: x.cut, phase: panic}\n", `phase "panic"`},
		{"a timeout", "- {id: a, do: x.cut, timeout: soon}\n", `"soon" is no time to wait`},
		{"an anchor", "- &x {id: a, do: x.cut}\n- *x\n", "anchors and aliases are not read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load("p.yaml", []byte(head+tt.steps))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestVariablesAreHeldToTheirTypes(t *testing.T) {
	if _, err := Load("p.yaml", []byte("playbook: p\nvariables: {n: {type: integer, value: many}}\nsteps: [{id: a, do: x.cut}]\n")); err == nil || !strings.Contains(err.Error(), "is of type integer") {
		t.Error(err)
	}
	p, err := Load("p.yaml", []byte("playbook: p\nvariables: {n: {type: integer, required: true, about: how many}}\nsteps: [{id: a, do: x.cut}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		values map[string]string
		want   string
	}{
		{nil, "needs a value for variable n"},
		{map[string]string{"m": "1", "n": "1"}, "no variable m"},
		{map[string]string{"n": "one"}, "is of type integer"},
		{map[string]string{"n": "1"}, ""},
	} {
		err := p.Fill(tt.values)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %q", tt.values, err, tt.want)
		}
	}
}

func TestConditions(t *testing.T) {
	vars := map[string]string{"a": "1", "b": "x y", "t": "true", "n": "-3"}
	for text, want := range map[string]string{
		`a == 1`: "true", `a == "1"`: "true", `a != 1`: "false", `b == 'x y'`: "true", `not t`: "false", `t and a < 2`: "true",
		`a > 2 or t`: "true", `(a > 2 or t) and n <= -3`: "true", `__a__:value = '1' AND NOT (b = 'z')`: "true", `$a >= 1`: "true",
		`b < 1`: "error", `missing == 1`: "error", `a`: "true", `b`: "error", `'x'`: "error", `a == 01`: "true",
	} {
		c, err := ParseCondition(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := "error"
		if yes, err := c.Holds(vars); err == nil {
			got = map[bool]string{true: "true", false: "false"}[yes]
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		again, err := ParseCondition(c.root.cacao())
		if err != nil {
			t.Errorf("%s as CACAO spells it, %s: %v", text, c.root.cacao(), err)
			continue
		}
		if yes, err := again.Holds(vars); err == nil && map[bool]string{true: "true", false: "false"}[yes] != want || err != nil && want != "error" {
			t.Errorf("%s as CACAO spells it: %v %v", text, yes, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(head + "- {id: a, do: x.cut, on_failure: [{id: b, ask: why}]}\n"))
	f.Add([]byte(head + "- {id: p, parallel: [[{id: a, do: x.cut}], [{id: b, do: x.cut}]]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Load("p.yaml", text)
		if (p == nil) == (err == nil) {
			t.Fatal(p, err)
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, s := range []string{`a == 1`, `not (b)`, `__x__:value = 'a\'b' AND true`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text)
		if err != nil {
			return
		}
		if _, err := ParseCondition(c.root.cacao()); err != nil {
			t.Fatalf("%q becomes %q: %v", text, c.root.cacao(), err)
		}
	})
}
