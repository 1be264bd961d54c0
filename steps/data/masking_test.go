package data

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Masking is held by what masks, and by nothing that only finds or filters elsewhere.
func TestMasked(t *testing.T) {
	for _, tt := range []struct {
		typ, config string
		read        bool
		want        answer
		why         string
	}{
		{"AWS::Logs::LogGroup", `{"dataProtectionStatus":"ACTIVATED"}`, true, yes, "ACTIVATED"},
		{"AWS::Logs::LogGroup", `{"dataProtectionStatus":"DISABLED"}`, true, no, "DISABLED"},
		{"AWS::Logs::LogGroup", `{"logGroupName":"g"}`, true, no, "no data protection policy"},
		{"AWS::Logs::LogGroup", `{}`, false, unknown, "not read"},
		{"AWS::RDS::DBInstance", `{}`, true, unknown, "not collected"},
		{"AWS::S3::Bucket", `{}`, true, unknown, "were not listed"},
	} {
		a := &estate.Asset{ID: "arn:aws:x:::b", Type: tt.typ, Name: "b"}
		if tt.read {
			a.Reads = append(a.Reads, estate.Read{Key: "", Status: estate.ReadOK})
		}
		f := facts{a: a}
		if err := json.Unmarshal([]byte(tt.config), &f.cfg); err != nil {
			t.Fatal(err)
		}
		w := &World{snap: none(t)}
		if got, why := w.masked(f); got != tt.want || !strings.Contains(why, tt.why) {
			t.Errorf("%s %s: %v, %s; want %v, %s", tt.typ, tt.config, got, why, tt.want, tt.why)
		}
	}
}
