package assess_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/admission"
)

func TestBrokenGlass(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	glass := admission.Glass{By: "alice", Reason: "INC-7", Since: now, Until: now.Add(time.Hour)}.String()
	b := estate.NewBuilder(now)
	for name, text := range map[string]string{"a": glass, "b": "by=x", "c": ""} {
		config, err := json.Marshal(map[string]any{"metadata": map[string]any{"name": name, "annotations": map[string]string{admission.GlassAnnotation: text}}})
		if err != nil {
			t.Fatal(err)
		}
		b.Asset(estate.Asset{ID: "k8s://c//Namespace/" + name, Type: "v1/Namespace", Cloud: estate.Kubernetes, Name: name, Config: config})
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	got, err := assess.BrokenGlass(s, now)
	if err != nil || len(got) != 2 || !strings.Contains(got[0], "k8s://c//Namespace/a: growth needs no certificate until 2026-11-28T13:00:00Z, by break-glass of alice: INC-7") ||
		!strings.Contains(got[1], "k8s://c//Namespace/b: no growth is let through by break-glass") {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := assess.BrokenGlass(s, now.Add(time.Hour)); err != nil || len(got) != 1 {
		t.Errorf("after its time: %q, %v", got, err)
	}
}
