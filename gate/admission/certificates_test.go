package admission

import (
	"crypto/ed25519"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
)

// statement is one of a ready workload with the given members.
func statement(serial int64, limit int, issued time.Time, members map[string]string) *certificate.Statement {
	p := certificate.Predicate{Workload: certificate.Workload{ID: "w-1", Name: "fraud-model"}, Verdict: finding.Ready, Scale: certificate.Scale{Pilot: 2, Limit: limit},
		Issued: issued, Expires: issued.Add(time.Hour), Serial: serial, Waivers: []finding.Waiver{}, Bundle: map[string]string{}, Taken: issued}
	for _, step := range gate.Table() {
		for _, l := range step.Lines {
			p.Criteria = append(p.Criteria, certificate.Criterion{ID: l.ID, Status: finding.CriterionPass, Evidence: strings.Repeat("0", 64)})
		}
	}
	return &certificate.Statement{Type: certificate.StatementType, PredicateType: certificate.PredicateType, Subject: certificate.Subjects("w-1", members), Predicate: p}
}

func TestFolder(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	digest := strings.Repeat("ab", 32)
	members := map[string]string{"k8s://prod/fraud/Deployment/ranker": digest, "k8s://prod/fraud/StatefulSet/store": digest, "k8s://prod/fraud/Service/ranker": digest,
		"k8s://prod/fraud/Deployment.example.com/ranker": digest, "k8s://other/fraud/Deployment/ranker": digest, "arn:aws:s3:::b": digest}
	encode := func(s *certificate.Statement, key ed25519.PrivateKey) []byte {
		file, err := certificate.Encode(s, key)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	good := encode(statement(3, 5, today, members), private)
	flipped := append([]byte{}, good...)
	flipped[len(flipped)/2] ^= 1
	objects := []string{"fraud/Deployment/ranker", "fraud/StatefulSet/store"}
	both := func(n int) map[string]int { return map[string]int{objects[0]: n, objects[1]: n} }
	grant := Grant{Workload: "w-1", Name: "fraud-model", Serial: 3, Expires: today.Add(time.Hour), Shared: 5, Limits: both(5), Pilot: both(2), Digests: map[string]string{objects[0]: digest, objects[1]: digest}}
	unlimited := grant
	unlimited.Limits, unlimited.Shared = both(math.MaxInt32), 0
	tests := []struct {
		name    string
		file    []byte
		grant   *Grant
		refused string
		serial  int64
	}{
		{"good", good, &grant, "", 0},
		{"no_limit", encode(statement(3, 0, today, members), private), &unlimited, "", 0},
		{"expired", encode(statement(3, 5, today.Add(-time.Hour), members), private), nil, "certificate 3 of workload fraud-model is refused: the certificate expired on", 3},
		{"of_tomorrow", encode(statement(3, 5, today.Add(24*time.Hour), members), private), nil, "is issued on 2026-11-29T12:00:00Z, which is still to come", 3},
		{"of_a_stranger", encode(statement(9, 5, today, members), stranger), nil, "not signed by a trusted key", 0},
		{"one_byte_flipped", flipped, nil, "is refused", 0},
		{"not_a_certificate", []byte("{}"), nil, "not a certificate", 0},
		{"empty", nil, nil, "not a certificate", 0},
		{"another_cluster", encode(statement(3, 5, today, map[string]string{"k8s://other/fraud/Deployment/ranker": digest}), private), nil, `names nothing of cluster "prod" that scales`, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string][]byte{"a.json": tt.file, ".hidden": []byte("x")} {
				if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
				t.Fatal(err)
			}
			f := Folder{Dir: dir, Cluster: "prod", Kinds: testKindList(), Trusted: certificate.Keys(public), Now: func() time.Time { return today }}
			grants, refused, err := f.Current(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if tt.grant != nil {
				if d := cmp.Diff([]Grant{*tt.grant}, grants); d != "" || len(refused) != 0 {
					t.Errorf("refused %v, -want +got:\n%s", refused, d)
				}
				return
			}
			if len(grants) != 0 || len(refused) != 1 || !strings.Contains(refused[0].Why, tt.refused) || refused[0].Serial != tt.serial {
				t.Errorf("grants %v, refused %+v", grants, refused)
			}
		})
	}
	if _, _, err := (Folder{Dir: filepath.Join(t.TempDir(), "none")}).Current(t.Context()); err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// A revocation beside a certificate ends it, and what was seen of it stays seen: the
// same certificate does not come back when the file is gone.
func TestFolderOfTheRevoked(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	digest := strings.Repeat("ab", 32)
	certified := func(serial int64) []byte {
		file, err := certificate.Encode(statement(serial, 5, today, map[string]string{"k8s://prod/fraud/Deployment/ranker": digest}), private)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	revoked := func(key ed25519.PrivateKey) []byte {
		file, err := certificate.EncodeRevocation(certificate.Revocation{Workload: "w-1", Name: "fraud-model", Serial: 3, At: today, Why: "the model is withdrawn", Certificate: digest}, key)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	dir := t.TempDir()
	put := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := Folder{Dir: dir, Cluster: "prod", Kinds: testKindList(), Trusted: certificate.Keys(public), Now: func() time.Time { return today }}
	m := &memory{gated: []string{"fraud"}, verdicts: map[string]json.RawMessage{}, objects: map[string]json.RawMessage{}}
	c := newController(m, nil)
	c.grants, c.digest = f, func(string, string, string, json.RawMessage) (string, error) { return digest, nil }
	limit := func() (int, string) {
		t.Helper()
		if _, err := c.reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		v, _ := c.ledger.of("fraud")
		return v.limit("Deployment/ranker"), v.why("Deployment/ranker")
	}
	put("a", certified(3))
	put("b", revoked(stranger))
	if n, why := limit(); n != 5 {
		t.Fatalf("a stranger's revocation: %d, %s", n, why)
	}
	put("b", revoked(private))
	if n, why := limit(); n != 1 || !strings.Contains(why, "certificate 3 was revoked on 2026-11-28T12:00:00Z: the model is withdrawn") {
		t.Fatalf("revoked: %d, %s", n, why)
	}
	if err := os.Remove(filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	c.floor = map[string]int64{} // started anew: only the ScaleVerdict remembers
	if n, why := limit(); n != 2 || !strings.Contains(why, "older than certificate 4, which has been seen") {
		t.Fatalf("the revocation is gone: %d, %s", n, why)
	}
	put("a", certified(4))
	if n, why := limit(); n != 5 {
		t.Fatalf("certified again: %d, %s", n, why)
	}
}
