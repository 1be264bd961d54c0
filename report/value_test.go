package report

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestValue(t *testing.T) {
	actions := `"s3:A` + strings.Repeat(`x","s3:B`, 90) + `"`
	tests := []struct{ name, in, want string }{
		{"words", "not set", "not set"},
		{"hollow_members", `{"Ipv6Ranges":[],"PrefixListIds":[],"FromPort":22,"Name":""}`, `{"FromPort":22}`},
		{"all_hollow_stays", `{"Roles":[]}`, `{"Roles":[]}`},
		{"empty_list_stays", `[]`, `[]`},
		{"false_is_content", `{"On":false,"N":0}`, `{"N":0,"On":false}`},
		{"statement_in_order", `[{"Action":["s3:GetObject"],"Condition":{},"Effect":"Allow","NotAction":[],"Principal":{"AWS":["*"]},"Resource":["r"]}]`,
			`Effect Allow, Principal {"AWS":["*"]}, Resource ["r"], Action ["s3:GetObject"]`},
		{"document", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*"}]}`, `Effect Deny, Principal *`},
		{"cut_json", `{"a":`, `{"a":`},
		{"steering", "{\"a\":\"\\u202e\"}", `{"a":"` + "\ufffd" + `"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := value(tt.in, 240); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	long := value(`[{"Effect":"Allow","Action":[`+actions+`],"Principal":{"AWS":["*"]},"Resource":["arn:aws:s3:::raw"]}]`, 160)
	if !strings.Contains(long, `{"AWS":["*"]}`) || !strings.Contains(long, "arn:aws:s3:::raw") || cells(long) > 260 {
		t.Errorf("who and what are cut: %s", long)
	}
}

func FuzzValue(f *testing.F) {
	f.Add(`[{"Effect":"Allow","Principal":{"AWS":["*"]}}]`)
	f.Add(`{"a":[[{}]],"b":null}`)
	f.Add("{\"\x1b\":\"\u202e\"}")
	f.Fuzz(func(t *testing.T, s string) {
		out := value(s, 120)
		if strings.ContainsFunc(out, steers) || strings.Contains(out, "\n") {
			t.Errorf("%q steers", out)
		}
		if utf8.ValidString(s) && json.Valid([]byte(s)) && strings.TrimSpace(s) != "" && out == "" && s != `""` {
			t.Errorf("nothing is shown of %q", s)
		}
	})
}
