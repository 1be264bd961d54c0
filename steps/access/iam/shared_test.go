package iam

import (
	"context"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Only the steps of those are kept who lead to somebody with a part in what several
// do; of them, also the steps that lead elsewhere.
func TestWhoseBandsAreGrown(t *testing.T) {
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	const root = "arn:aws:iam::" + home + ":"
	by := func(name string) string { return `{"AWS":"` + root + name + `"}` }
	on := func(name, action string) string {
		return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + root + name + `"}`
	}
	tests := map[string]struct {
		says string // of role a
		want map[string]int
	}{
		"no part":                {allow("s3:GetObject"), nil},
		"a right on nobody":      {on("role/nobody", "iam:PutRolePolicy"), nil},
		"half of a gift":         {on("role/c", "iam:CreatePolicyVersion"), nil},
		"one call, others' lack": {on("role/c", "iam:PassRole"), nil},
		"a gift":                 {on("role/c", "iam:PutRolePolicy"), map[string]int{"user/ada": 2, "role/b": 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			town := newTown()
			town.role("boss", by("role/nobody"), all_)
			town.user("ada")
			town.user("eve") // takes the same steps, and gets to nobody
			town.role("a", by("user/ada"), tt.says)
			town.role("b", by("user/ada"))
			town.role("c", by("role/b"))
			town.role("d", by("user/eve"))
			c, err := town.w.climb(context.Background(), routes, town)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.back(); err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for from, steps := range c.bands.out {
				got[short(c.people[from].ARN)] += len(steps)
			}
			if len(got) != len(tt.want) {
				t.Errorf("steps of %v, want %v", got, tt.want)
			}
			for who, n := range tt.want {
				if got[who] != n {
					t.Errorf("steps of %v, want %v", got, tt.want)
				}
			}
		})
	}
}
