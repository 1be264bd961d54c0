package estate

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// Two folders of manifests with the same names are read as one cluster: what
// they disagree on is unknown, the rest stands, and the source is not complete.
func TestDisagreementMakesASourcePartial(t *testing.T) {
	part := func(privileged string) Asset {
		return Asset{ID: "k8s://default/ml/Deployment/a", Source: "dir:x", Reads: []Read{{Operation: "kubernetes:list", Status: ReadOK}},
			Config: json.RawMessage(`{"kind":"Deployment","spec":{"hostNetwork":true,"privileged":` + privileged + `}}`)}
	}
	for second, want := range map[string]string{"true": "complete", "false": "partial"} {
		b := NewBuilder(time.Unix(1, 0))
		b.Asset(part("true"))
		b.Asset(part(second))
		b.Source(SourceStatus{Source: "dir:x", Status: "complete", Assets: 2})
		b.Source(SourceStatus{Source: "dir:y", Status: "complete"})
		s, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Sources(); got[0].Status != want || got[1].Status != "complete" {
			t.Errorf("%s: %+v, want dir:x %s", second, got, want)
		}
		if unknown := s.Asset(0).Unknown; want == "partial" && !slices.Equal(unknown, []string{"/spec/privileged"}) {
			t.Errorf("unknown %v", unknown)
		}
	}
}
