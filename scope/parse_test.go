package scope

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

var update = flag.Bool("update", false, "write schema.json from the structs")

func example(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestExample(t *testing.T) {
	s, err := Load("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if s.Estate != "acme" || len(s.Sources) != 2 || s.File != "testdata/example.yaml" {
		t.Errorf("estate %q, sources %q, file %q", s.Estate, s.Sources, s.File)
	}
	var names []string
	for _, z := range s.Zones {
		names = append(names, z.Name)
	}
	if d := cmp.Diff([]string{"training", "serving", "development"}, names); d != "" {
		t.Errorf("zones (-want +got):\n%s", d)
	}
	w := s.Declared[0]
	if w.Name != "fraud-model" || w.Owner != "ml-platform@acme.example" || w.Deputy != "data@acme.example" || w.Pilot.Replicas != 1 || w.Place.Line != 8 {
		t.Errorf("workload %+v", w)
	}
	// The file names an approver, who did not sign the pilot.
	if d := cmp.Diff([]Loosening{{"pilot", "fraud-model", "2"}}, s.Held); d != "" {
		t.Errorf("held (-want +got):\n%s", d)
	}
	if !s.Declared[1].Ignore || s.Declared[1].Pilot.Replicas != 1 {
		t.Errorf("second workload %+v", s.Declared[1])
	}
	if got := s.Data.Retention[0].Keep; got != 730*24*time.Hour {
		t.Errorf("retention %v", got)
	}
	if v := s.Services[0].Terms; v.TrainsOnInputs == nil || *v.TrainsOnInputs || v.Retention != 720*time.Hour || v.Expires.Year() != 2027 {
		t.Errorf("terms %+v", v)
	}
	want := []finding.Waiver{{Criterion: "network.egress", Workload: "fraud-model", Reason: "until the proxy is up", Owner: "ann@acme.example", Expires: "2027-01-31"}}
	if d := cmp.Diff(want, s.Gate.Waivers); d != "" || s.Gate.FailOn != finding.High {
		t.Errorf("gate %s, waivers (-want +got):\n%s", s.Gate.FailOn, d)
	}
}

func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"unknown key":         {"estat: acme\n", []string{`f.yaml:1:1: unknown key "estat" in the file; did you mean "estate"?`}},
		"unknown deep":        {"workloads:\n  - name: a\n    ownr: b\n", []string{`f.yaml:3:5: unknown key "ownr" in workloads[0]; did you mean "owner"?`}},
		"nothing near":        {"gate:\n  zzzzzzzz: 1\n", []string{`f.yaml:2:3: unknown key "zzzzzzzz" in gate; known are fail_on, fail_on_signature, approvers, waivers, signers`}},
		"several":             {"a1: 1\nestate: x\nb1: 2\n", []string{"f.yaml:1:1: unknown key \"a1\" in the file; known are estate, sources, zones, workloads, access, data, network, services, respond, supply, gate", "f.yaml:3:1: unknown key \"b1\" in the file; known are estate, sources, zones, workloads, access, data, network, services, respond, supply, gate"}},
		"duplicate":           {"estate: a\nestate: b\n", []string{`f.yaml:2:1: key "estate" is given twice, first in line 1`}},
		"not a list":          {"sources: aws\n", []string{`f.yaml:1:10: sources is "aws", where a list is expected; write it as a list: [one, two]`}},
		"not text":            {"estate: [a]\n", []string{`f.yaml:1:9: estate is a list, where text is expected`}},
		"not a number":        {"workloads:\n  - {name: a, pilot: {replicas: two}}\n", []string{`f.yaml:2:33: replicas is "two", where a whole number is expected`}},
		"not a truth":         {"workloads: [{name: a, ignore: yes please}]\n", []string{`f.yaml:1:31: ignore is "yes please", where true or false is expected`}},
		"empty value":         {"estate:\n", []string{`f.yaml:1:8: estate is empty; give it a value or leave the key out`}},
		"top is a list":       {"- a\n", []string{`f.yaml:1:1: the file is a list, where keys and values are expected`}},
		"missing":             {"workloads:\n  - owner: b\n", []string{`f.yaml:2:5: workloads[0] has no name`}},
		"unknown zone":        {"zones:\n  trainig: {cidrs: [10.0.0.0/8]}\n", []string{`f.yaml:2:3: unknown key "trainig" in zones; did you mean "training"?`}},
		"zone of a workload":  {"workloads: [{name: a, zone: prod}]\n", []string{`f.yaml:1:29: zone "prod" is not known; known are training, serving, pipeline, management, development, production`}},
		"empty zone":          {"zones: {training: {}}\n", []string{`f.yaml:1:19: zone training says neither match nor cidrs`}},
		"bad range":           {"zones: {training: {cidrs: [10.0.0.1/8, x]}}\n", []string{`f.yaml:1:28: "10.0.0.1/8" names an address inside a range; did you mean 10.0.0.0/8?`, `f.yaml:1:40: "x" is not an address range; write it as 10.8.0.0/16`}},
		"expression, quoted":  {"zones: {training: {match: 'tags.env == trian'}}\n", []string{"f.yaml:1:40: undeclared reference to 'trian'"}},
		"expression, plain":   {"zones:\n  training:\n    match: nme == \"a\"\n", []string{"f.yaml:3:12: undeclared reference to 'nme' (did you mean 'name'?)"}},
		"expression, literal": {"zones:\n  training:\n    match: |\n      true &&\n        zzzzz\n", []string{"f.yaml:5:9: undeclared reference to 'zzzzz'"}},
		"not a truth value":   {"zones: {training: {match: name}}\n", []string{"f.yaml:1:27: the expression gives string, not true or false"}},
		"bad severity":        {"gate: {fail_on: hihg}\n", []string{`f.yaml:1:17: fail_on "hihg" is not known; did you mean "high"?`}},
		"bad criterion":       {"gate: {waivers: [{criterion: egress, workload: a, reason: b, owner: c, expires: 2027-01-31}]}\n", []string{`f.yaml:1:30: "egress" is not a criterion; write it as network.egress or network.*`}},
		"bad day":             {"gate: {waivers: [{criterion: network.*, workload: a, reason: b, owner: c, expires: 2027-02-30}]}\n", []string{`f.yaml:1:84: "2027-02-30" is not a day; write it as 2027-01-31`}},
		"bad period":          {"data: {retention: [{label: a, keep: 2 years}]}\n", []string{`f.yaml:1:37: "2 years" is not a period; write it as 730d`}},
		"huge period":         {"data: {retention: [{label: a, keep: 999999999999d}]}\n", []string{`f.yaml:1:37: "999999999999d" is not a period; write it as 730d`}},
		"key without TLS":     {"services: [{name: a, endpoint: h, fingerprint: {key_env: K, asks: [{name: q, url: 'http://h/'}]}}]\n", []string{`f.yaml:1:83: question "q" of service "a" would send the key without TLS; ask over https, or leave key_env out`}},
		"key to others":       {"services: [{name: a, endpoint: h, fingerprint: {asks: [{name: q, url: 'https://h.evil/'}]}}]\n", []string{`f.yaml:1:71: question "q" of service "a" goes to h.evil, which is not its endpoint h; ask the endpoint of this service, or register another`}},
		"asked once":          {"services: [{name: a, endpoint: h, fingerprint: {times: 1, asks: [{name: q, url: 'https://h/'}]}}]\n", []string{`f.yaml:1:19: service "a": each question is put 2 to 10 times, not 1: one answer alone does not tell what changes by itself; times: 2`}},
		"signer without root": {"gate:\n  signers: [{identity: a@example.com, issuer: https://i.example}]\n", []string{`f.yaml:2:13: signers[0] has no trusted_root`}},
		"signer of nobody":    {"gate:\n  signers: [{identity: ' ', issuer: https://i.example, trusted_root: r.json}]\n", []string{`f.yaml:2:24: a signer needs an identity, an issuer and a trusted root`, `f.yaml:2:24: " " is not an identity; write it as release@example.com, or the URI in the certificate`}},
		"issuer is no URL":    {"gate:\n  signers: [{identity: a@example.com, issuer: i.example, trusted_root: r.json}]\n", []string{`f.yaml:2:47: "i.example" is not an issuer's URL; write it as https://accounts.example.com`}},
		"root's digest":       {"gate:\n  signers: [{identity: a@example.com, issuer: https://i.example, trusted_root: r.json, sha256: ABC}]\n", []string{`f.yaml:2:96: "ABC" is not a SHA-256; write the 64 lower-case hex digits that sha256sum prints`}},
		"signer twice":        {"gate:\n  signers:\n    - {identity: a@example.com, issuer: https://i.example, trusted_root: r.json}\n    - {identity: a@example.com, issuer: https://i.example, trusted_root: r.json}\n", []string{`f.yaml:4:18: the signer "a@example.com" is named twice, first in line 3`}},
		"a bare identity":     {"gate: {signers: [a@example.com]}\n", []string{`f.yaml:1:18: signers[0] is "a@example.com", where keys and values are expected`}},
		"bad key":             {"gate: {approvers: [ed25519:abc]}\n", []string{`f.yaml:1:20: an approver's key cannot be read; write it as ed25519:BASE64 of the 32 bytes of the public key`}},
		"declared twice":      {"workloads:\n  - name: a\n  - name: a\n", []string{`f.yaml:3:11: workload "a" is declared twice, first in line 2`}},
		"alias":               {"estate: &a x\nsources: [*a]\n", []string{`f.yaml:2:11: aliases (*name) are not read here; write the value out`}},
		"merge key":           {"zones:\n  <<: {training: {}}\n", []string{`f.yaml:2:3: a key must be plain text`}},
		"two documents":       {"estate: a\n---\nestate: b\n", []string{`f.yaml: the file holds more than one YAML document`}},
		"syntax":              {"estate: [a\nb: c\n", []string{`f.yaml:1: did not find expected ',' or ']'`}},
		"not text at all":     {"\xff\xfe", []string{`f.yaml: the file is not UTF-8 text`}},
		"too large":           {strings.Repeat("#", strict.MaxBytes+1), []string{`f.yaml: the file has 1048577 bytes, more than the 1048576 allowed`}},
	} {
		t.Run(strings.NewReplacer(" ", "_", ",", "").Replace(name), func(t *testing.T) {
			s, err := Parse("f.yaml", []byte(c.text))
			if err == nil || s != nil {
				t.Fatalf("got %v and no error", s)
			}
			if d := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			var p *strict.Problem
			if !errors.As(err, &p) {
				t.Errorf("%v is no *strict.Problem", err)
			}
		})
	}
}

func TestEmptyFileIsDefault(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "{}\n"} {
		s, err := Parse("f.yaml", []byte(text))
		if err != nil || s.Gate.FailOn != finding.High || len(s.Zones) != 0 {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestSchemaFollowsStructs(t *testing.T) {
	want, err := generateSchema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(want, Schema()) {
		t.Error("schema.json is stale; run: go test ./scope -run Schema -update")
	}
	var s struct{ Properties map[string]any }
	if err := json.Unmarshal(Schema(), &s); err != nil || len(s.Properties) != 11 {
		t.Errorf("%d properties, %v", len(s.Properties), err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example(f))
	f.Add([]byte("workloads: [{name: a, match: 'x'}]"))
	f.Add([]byte("zones: {training: {match: |\n  a\n}}"))
	f.Add([]byte("a: &x [*x]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("f.yaml", data)
		if (s == nil) == (err == nil) {
			t.Fatalf("scope %v, error %v", s, err)
		}
	})
}
