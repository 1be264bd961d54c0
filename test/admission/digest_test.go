package admission_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	collect "github.com/sevenfold-sec/sevenfold/collect/kubernetes"
	"github.com/sevenfold-sec/sevenfold/collect/redact"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// surveyed keeps the digests of what a survey finds.
type surveyed struct {
	t       *testing.T
	digests map[string]string
}

func (s *surveyed) Asset(a estate.Asset) {
	if !strings.HasPrefix(a.ID, "k8s://test/fraud/") {
		return
	}
	d, err := assess.EssenceDigest(&a, a.Config)
	if err != nil {
		s.t.Error(err)
	}
	s.digests[a.ID] = d
}
func (s *surveyed) BlindSpot(estate.BlindSpot) {}
func (s *surveyed) Covered(estate.Coverage)    {}
func (s *surveyed) Called(string)              {}

// What a survey certifies of an object and what the gate sees of it are the
// same, by whatever way the object comes; scaling does not change it, a new
// image does.
func TestDigestAgreesWithTheSurvey(t *testing.T) {
	k := start(t)
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud}\n")
	secret := strings.Replace(deployment("ranker", 2), `image: "img:1"`, `image: "img:1", env: [{name: DB_PASSWORD, value: hunter2-hunter2}]`, 1)
	k.admin.expect(t, "", secret, "apply", "-f", "-")
	k.admin.expect(t, "", statefulSet("store", 1), "apply", "-f", "-")
	s := &surveyed{t: t, digests: map[string]string{}}
	if err := collect.New(collect.Options{Config: k.server.Config, Cluster: "test", Namespaces: []string{"fraud"}}).Collect(context.Background(),
		redact.New(s, redact.Options{Key: []byte("another state's key")})); err != nil {
		t.Fatal(err)
	}
	digest := assess.ObjectDigest("test")
	now := func(kind, name string) string {
		out, err := k.admin.kubectl("", "get", kind, name, "-o", "json", "--show-managed-fields")
		if err != nil {
			t.Fatal(out)
		}
		d, err := digest(kind, "fraud", name, json.RawMessage(out))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	ranker, store := s.digests["k8s://test/fraud/Deployment/ranker"], s.digests["k8s://test/fraud/StatefulSet/store"]
	if ranker == "" || now("Deployment", "ranker") != ranker || now("StatefulSet", "store") != store {
		t.Errorf("survey %q and %q, gate %q and %q", ranker, store, now("Deployment", "ranker"), now("StatefulSet", "store"))
	}
	k.admin.expect(t, "", "", "scale", "deployment/ranker", "--replicas=7")
	k.admin.expect(t, "", "", "rollout", "restart", "deployment/ranker")
	if now("Deployment", "ranker") != ranker {
		t.Error("scaling or restarting changed what was certified")
	}
	k.admin.expect(t, "", "", "set", "image", "deployment/ranker", "c=img:2")
	if now("Deployment", "ranker") == ranker {
		t.Error("another image is taken for what was certified")
	}
	for _, broken := range []string{"", "null", "[]", "7", "{}", `{"kind":"Deployment"}`, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"other","namespace":"fraud"}}`} {
		if d, err := digest("Deployment", "fraud", "ranker", json.RawMessage(broken)); err == nil {
			t.Errorf("%q has the digest %s", broken, d)
		}
	}
}
