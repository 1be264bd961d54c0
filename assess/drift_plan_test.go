package assess

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
)

// A plan that owns an asset either plans the very change, or did not make it.
func TestDriftKnowsThePlan(t *testing.T) {
	st, r, o, _ := approved(t)
	ctx := context.Background()
	plan := filepath.Join("..", "examples", "growth", "plan.json")
	for to, planned := range map[string]bool{"20": true, "30": false} {
		b := estate.NewBuilder(r.Seen.Taken().Add(time.Hour))
		for n, a := range r.Seen.Assets() {
			if a.Referenced || len(a.Reads) == 0 {
				continue
			}
			x := *a
			x.Config, _ = r.Seen.Config(n)
			if strings.HasSuffix(x.ID, "HorizontalPodAutoscaler/quay-llm") {
				x.Config = json.RawMessage(strings.Replace(string(x.Config), `"maxReplicas":8`, `"maxReplicas":`+to, 1))
			}
			b.Asset(x)
		}
		for _, c := range r.Seen.Coverage() {
			b.Covered(c)
		}
		for _, s := range r.Seen.Sources() {
			b.Source(s)
		}
		snap, err := b.Build()
		if err == nil {
			snap, err = Understood(ctx, snap)
		}
		if err != nil {
			t.Fatal(err)
		}
		held, err := holdingOf(st, o).Against(ctx, snap)
		if err != nil || len(held.Drift.Records) != 1 {
			t.Fatalf("%+v, %v", held, err)
		}
		if problems := Plans(held, []string{plan}, nil, snap); len(problems) > 0 {
			t.Fatal(problems)
		}
		got := held.Drift.Records[0].Plan
		if got == nil || got.Planned != planned || got.Address != "kubernetes_horizontal_pod_autoscaler_v2.quay_llm" {
			t.Errorf("to %s: %+v, want planned %v", to, got, planned)
		}
		if problems := Plans(held, []string{"nowhere.json"}, nil, snap); len(problems) != 1 {
			t.Errorf("a plan that is not there is passed over: %v", problems)
		}
	}
}

// A plan that sets the very value of a configuration map, or renames the key of a
// secret, is known by digests and names.
func TestDriftKnowsThePlanOfWithheldValues(t *testing.T) {
	side := func(data string) *estate.Asset {
		return &estate.Asset{ID: "k8s://c/ml/ConfigMap/m", Type: "v1/ConfigMap", Cloud: estate.Kubernetes, Config: json.RawMessage(`{"data":{"t":null},"valueDigests":{"data":{"t":"sevenfold:masked(value,71,` + data + `)"}}}`)}
	}
	secret := func(name string) *estate.Asset {
		return &estate.Asset{ID: "k8s://c/ml/Secret/s", Type: "v1/Secret", Cloud: estate.Kubernetes, Config: json.RawMessage(`{"dataKeys":1,"keyNames":["` + name + `"]}`)}
	}
	for name, tt := range map[string]struct {
		before, after *estate.Asset
		seen          audit.Change
		planned       bool
	}{
		"value":         {side("11111111"), side("22222222"), audit.Change{Attribute: "config.data.t", Before: json.RawMessage(`"x"`), After: json.RawMessage(`"sevenfold:masked(value,71,22222222)"`)}, true},
		"another_value": {side("11111111"), side("33333333"), audit.Change{Attribute: "config.data.t", After: json.RawMessage(`"sevenfold:masked(value,71,22222222)"`)}, false},
		"key":           {secret("a"), secret("b"), audit.Change{Attribute: "config.keyNames", After: json.RawMessage(`["b"]`)}, true},
		"another_key":   {secret("a"), secret("c"), audit.Change{Attribute: "config.keyNames", After: json.RawMessage(`["b"]`)}, false},
	} {
		planned, err := audit.Differences(tt.before, tt.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := audit.Explains(planned, []audit.Change{tt.seen}); got != tt.planned {
			t.Errorf("%s: explained %v, want %v; planned %s", name, got, tt.planned, planned)
		}
	}
}
