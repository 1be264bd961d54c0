package iam

import (
	"fmt"
	"strings"
	"testing"
)

func TestRightsize(t *testing.T) {
	many := func(n int) (out []Call) {
		for i := range n {
			out = append(out, Call{Action: "s3:GetObject", Resource: fmt.Sprintf("arn:aws:s3:::data/train/part-%d", i)})
		}
		return out
	}
	cases := []struct {
		name   string
		policy []string
		calls  []Call
		holds  []string // texts in the result
		lacks  []string
		kept   int
	}{
		{"actions seen only", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`}, []Call{{Action: "s3:GetObject", Resource: "arn:aws:s3:::data/a"}}, []string{`"s3:GetObject"`, `"arn:aws:s3:::data/a"`}, []string{`s3:*`}, 1},
		{"conditions stay", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`}, []Call{{Action: "s3:GetObject", Resource: "arn:aws:s3:::data/a"}}, []string{`"aws:SecureTransport":["true"]`}, nil, 1},
		{"many are joined", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`}, many(40), []string{`"arn:aws:s3:::data/train/part-*"`}, []string{"part-7"}, 40},
		{"but not beyond the statement", []string{`{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::data/train/part-1*","arn:aws:s3:::data/train/part-2"]}`}, many(20), []string{"part-12", "part-2"}, []string{`part-*`}, 12},
		{"denies stay", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"No","Effect":"Deny","Action":"s3:Delete*","Resource":"*"}`}, many(1), []string{`"Sid":"No"`}, nil, 1},
		{"refused calls make no policy", []string{`{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}`}, []Call{{Action: "s3:PutObject", Resource: "arn:aws:s3:::data/a"}}, nil, []string{"PutObject"}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, p := lone(c.policy...)
			got := w.Rightsize(p, c.calls)
			text := ""
			for _, d := range got.Policies {
				text += string(d)
			}
			for _, s := range c.holds {
				if !strings.Contains(text, s) {
					t.Errorf("lacks %s: %s", s, text)
				}
			}
			for _, s := range c.lacks {
				if strings.Contains(text, s) {
					t.Errorf("holds %s: %s", s, text)
				}
			}
			if got.Kept != c.kept || len(got.Lost) > 0 || got.Broader != "no" {
				t.Errorf("kept %d (want %d), lost %v, broader %s, refused %v", got.Kept, c.kept, got.Lost, got.Broader, got.Refused)
			}
		})
	}
}

func TestRightsizeFitsTheLimit(t *testing.T) {
	w, p := lone(`{"Effect":"Allow","Action":"*","Resource":"*"}`)
	var calls []Call
	for i := range 2000 {
		calls = append(calls, Call{Action: fmt.Sprintf("s%d:Do%d", i%40, i%7), Resource: fmt.Sprintf("arn:aws:s%d:eu-west-1:%s:thing/%d/x%d", i%40, home, i%11, i)})
	}
	got := w.Rightsize(p, calls)
	if got.TooLarge != "" || len(got.Policies) == 0 || len(got.Policies) > ManagedPoliciesEach {
		t.Fatalf("%d policies: %s", len(got.Policies), got.TooLarge)
	}
	for i, d := range got.Policies {
		if len(d) > ManagedPolicyLimit {
			t.Errorf("policy %d takes %d characters", i, len(d))
		}
	}
	if got.Kept != got.Seen || len(got.Lost) > 0 || got.Broader != "no" {
		t.Errorf("kept %d of %d, lost %d, broader %s", got.Kept, got.Seen, len(got.Lost), got.Broader)
	}
}
