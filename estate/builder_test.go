package estate

import (
	"encoding/json"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestBuildMakesAGraph(t *testing.T) {
	b := NewBuilder(noon)
	b.Asset(Asset{ID: "b", Type: "T", Config: json.RawMessage(`{"z": 1, "a": "\u00e9"}`)})
	b.Relation(Relation{From: "b", To: "arn:aws:s3:eu:12:x/y", Type: Reads, Tier: Declared})
	b.Relation(Relation{From: "b", To: "arn:aws:s3:eu:12:x/y", Type: Reads, Tier: Declared})
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 2 || s.RelationCount() != 1 {
		t.Fatalf("%d assets, %d relations", s.Len(), s.RelationCount())
	}
	n, ok := s.Find("b")
	if !ok || string(s.Asset(n).Config) != `{"a":"é","z":1}` {
		t.Errorf("found %v: %s", ok, s.Asset(n).Config)
	}
	r, _ := s.Find("arn:aws:s3:eu:12:x/y")
	if a := s.Asset(r); !a.Referenced || a.Account != "12" || a.Region != "eu" || a.Name != "y" {
		t.Errorf("referenced: %+v", a)
	}
}
