package assess

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
)

// ready assesses the example with eta-score's undecided steps waived, and
// returns the result, its options and the workload.
func ready(t *testing.T) (*Result, Options, finding.Workload) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", "harbour", "sevenfold.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, criterion := range []string{"audit.baseline", "audit.drift", "access.*", "data.*", "detect.*", "supply.*", "network.*", "respond.*"} {
		if text, err = scope.AddWaiver("sevenfold.yaml", text, finding.Waiver{Criterion: criterion, Workload: "eta-score", Reason: "not built", Owner: "o", Expires: "2026-12-31"}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "sevenfold.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	o := harbourOptions(t)
	if o.Scope, err = scope.Load(path); err != nil {
		t.Fatal(err)
	}
	o.Sources, o.MaskKey = []string{"dir:" + filepath.Join("..", "examples", "harbour")}, []byte("test")
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range r.Workloads.List {
		if w.Name == "eta-score" {
			return r, o, w
		}
	}
	t.Fatal("the example has no eta-score")
	return nil, o, finding.Workload{}
}

func load(own fs.FS) (*control.Set, error) {
	if own == nil {
		set, _ := builtin.Load()
		return set, nil
	}
	set, _ := control.Load(controls.FS, own)
	return set, nil
}

func TestCertifyAndJudgeAgain(t *testing.T) {
	ctx := context.Background()
	r, o, w := ready(t)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	dir := filepath.Join(t.TempDir(), "bundle")
	c := Certify{Key: key, TTL: 365 * 24 * time.Hour, Serial: 5, Bundle: dir, Version: "1"}
	file, d, err := r.Certify(ctx, w, o, c)
	if err != nil || d.Decision != gate.Admit {
		t.Fatalf("%v %+v", err, d)
	}
	s, reasons := certificate.Verify(file, certificate.Check{Trusted: certificate.Keys(key.Public()), Now: o.Now, Workload: "eta-score"})
	if len(reasons) > 0 {
		t.Fatal(reasons)
	}
	if want := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); !s.Predicate.Expires.Equal(want) {
		t.Errorf("it expires %s, want %s: with the first waiver it rests on", s.Predicate.Expires, want)
	}
	if len(s.Predicate.Waivers) != 8 || s.Predicate.Estate != "harbour" || s.Predicate.Scale.Pilot != 2 {
		t.Errorf("%+v", s.Predicate)
	}
	fits(t, file)
	again := func(change func(*certificate.Statement)) string {
		t.Helper()
		copied, _ := certificate.Open(file, certificate.Keys(key.Public()))
		if change != nil {
			change(copied)
		}
		reasons, err := Recheck(ctx, copied, dir, "1", load)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, r := range reasons {
			texts = append(texts, r.Text)
		}
		return strings.Join(texts, "\n")
	}
	if got := again(nil); got != "" {
		t.Errorf("judged again: %s", got)
	}
	// Whoever has the key can sign a lie; the evidence tells.
	for name, tt := range map[string]struct {
		change func(*certificate.Statement)
		want   string
	}{
		"a status":   {func(s *certificate.Statement) { s.Predicate.Criteria[3].Status = finding.CriterionPass }, "audit.baseline is waived; the certificate says pass"},
		"evidence":   {func(s *certificate.Statement) { s.Predicate.Criteria[0].Evidence = strings.Repeat("0", 64) }, "rests on other evidence"},
		"a workload": {func(s *certificate.Statement) { s.Predicate.Workload.ID = "workload:other" }, "has no workload workload:other"},
		"a limit":    {func(s *certificate.Statement) { s.Predicate.Scale.Limit = 99 }, "the certificate says 2 and 99"},
		"a member":   {func(s *certificate.Statement) { s.Subject[1].Digest.SHA256 = strings.Repeat("0", 64) }, "are not those the certificate vouches for"},
		"a snapshot": {func(s *certificate.Statement) { s.Predicate.Snapshot = "sha256:0" }, "the evidence is of snapshot"},
	} {
		if got := again(tt.change); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestCertifyRefuses(t *testing.T) {
	ctx := context.Background()
	r, o, w := ready(t)
	c := Certify{Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), TTL: time.Hour, Serial: 1, Bundle: filepath.Join(t.TempDir(), "b"), Version: "1"}
	late := o
	late.Now = o.Now.Add(FreshFor + time.Minute)
	if file, d, err := r.Certify(ctx, w, late, c); err != nil || file != nil || d.Decision != gate.Refuse || !strings.Contains(d.Reasons[0].Text, "read it again") {
		t.Errorf("an estate read long ago: %v %+v", err, d)
	}
	for _, other := range r.Workloads.List {
		if other.ID == w.ID {
			continue
		}
		file, d, err := r.Certify(ctx, other, o, c)
		if err != nil || file != nil || d.Decision == gate.Admit || len(d.Reasons) == 0 {
			t.Errorf("%s is %s and was certified: %v %+v", other.Name, r.Verdicts[other.ID], err, d)
		}
	}
	if _, err := os.Stat(c.Bundle); err == nil {
		t.Error("a bundle was written for nothing")
	}
}

// What scaling makes is no member; what it is made from is.
func TestMembersLeaveOutWhatScaleMakes(t *testing.T) {
	b := estate.NewBuilder(time.Unix(1, 0))
	const deployment, set, pod = "k8s://c/n/Deployment/d", "k8s://c/n/ReplicaSet/d-1", "k8s://c/n/Pod/d-1-x"
	for id, typ := range map[string]string{deployment: "apps/v1/Deployment", set: "apps/v1/ReplicaSet", pod: "v1/Pod"} {
		b.Asset(estate.Asset{ID: id, Type: typ, Cloud: estate.Kubernetes, Account: "c", Region: "n", Config: []byte(`{"spec":{"replicas":3}}`)})
	}
	b.Relation(estate.Relation{From: deployment, To: set, Type: estate.Contains, Tier: estate.Declared})
	b.Relation(estate.Relation{From: set, To: pod, Type: estate.Contains, Tier: estate.Declared})
	b.Relation(estate.Relation{From: deployment, To: deployment + "#container/c", Type: estate.Contains, Tier: estate.Declared})
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	members, err := Members(snap, finding.Workload{Members: []string{deployment, set, pod, deployment + "#container/c"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(members) != 1 || members[deployment] == "" {
		t.Errorf("got %v", members)
	}
}

// Replicas are no part of what is certified, and neither is the key under which
// a state masks secrets; the image is.
func TestEssenceDigest(t *testing.T) {
	digest := func(config string) string {
		t.Helper()
		d, err := EssenceDigest(&estate.Asset{ID: "k8s://c/n/Deployment/d", Type: "apps/v1/Deployment", Cloud: estate.Kubernetes, Reads: []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}}}, []byte(config))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	base := digest(`{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"c","image":"i:1","env":[{"name":"P","value":"sevenfold:masked(password,8,0123abcd)"}]}]}}},"status":{"replicas":2}}`)
	same := digest(`{"spec":{"replicas":9,"template":{"spec":{"containers":[{"name":"c","image":"i:1","env":[{"name":"P","value":"sevenfold:masked(password,8,99999999)"}]}]}}},"status":{"replicas":9}}`)
	other := digest(`{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"c","image":"i:2","env":[{"name":"P","value":"sevenfold:masked(password,8,0123abcd)"}]}]}}},"status":{"replicas":2}}`)
	if base != same || base == other {
		t.Errorf("replicas %v, image %v", base == same, base != other)
	}
}

// fits holds a certificate's payload to its published schema.
func fits(t *testing.T, file []byte) {
	t.Helper()
	var e struct{ Payload []byte }
	if err := json.Unmarshal(file, &e); err != nil {
		t.Fatal(err)
	}
	text, err := os.Open(filepath.Join("..", "docs", "schema", "certificate.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	doc, err := jsonschema.UnmarshalJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("certificate.json", doc); err != nil {
		t.Fatal(err)
	}
	payload, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Payload))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MustCompile("certificate.json").Validate(payload); err != nil {
		t.Errorf("%v\n%s", err, e.Payload)
	}
}
