package assess

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/risk"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/network"
)

// TestPathsSpeakTheStepsWords: a path follows what the steps derive only if both
// call it alike, and a hop's technique is one of a catalogue.
func TestPathsSpeakTheStepsWords(t *testing.T) {
	known := risk.Derived()
	for _, rel := range []estate.RelationType{access.CanRead, access.CanWrite, access.CanInvoke, access.CanAssume, access.CanBecome, network.Reaches} {
		if !slices.Contains(known, rel) {
			t.Errorf("no path follows %s", rel)
		}
	}
	set, _ := control.Load(controls.FS)
	for _, id := range risk.Techniques() {
		if set.Name(id) == "" {
			t.Errorf("no catalogue has the technique %s", id)
		}
	}
}

// TestWaysOfHarbour: the example estate's ways are told in the shape promised, a
// path through what the access step decided among them; a fix that is said to close
// things closes them.
func TestWaysOfHarbour(t *testing.T) {
	s, err := scope.Load("../examples/harbour/sevenfold.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, _ := control.Load(controls.FS)
	o := Options{Scope: s, Sources: []string{"dir:../examples/harbour"}, Controls: set, Now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	ways := Ways(r, set, risk.Limits{})
	text, err := json.Marshal(ways)
	if err != nil {
		t.Fatal(err)
	}
	fitsSchema(t, "risk-paths.schema.json", text)
	decided := func(p risk.Path) bool {
		return slices.ContainsFunc(p.Hops, func(h risk.Hop) bool { return h.Relation == access.CanBecome || h.Relation == access.CanRead })
	}
	if ways.Reached == 0 || len(ways.Chokes) == 0 || !slices.ContainsFunc(ways.Paths, decided) {
		t.Fatalf("%d reached, %d fixes, decided paths %v", ways.Reached, len(ways.Chokes), slices.ContainsFunc(ways.Paths, decided))
	}
	first := ways.Chokes[0]
	if first.Finding == "" {
		t.Fatalf("the first fix is no finding: %+v", first)
	}
	w, err := IfMended(r, set, []string{first.Finding})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Closed) != first.Cuts || len(w.Opened) != 0 || w.Reached.Before-w.Reached.After != first.Cuts || w.Opens() {
		t.Errorf("closes %d and opens %d, said to cut %d", len(w.Closed), len(w.Opened), first.Cuts)
	}
	if text, err = json.Marshal(w); err != nil {
		t.Fatal(err)
	}
	fitsSchema(t, "risk-what-if.schema.json", text)
	if _, err := IfMended(r, set, []string{"F-0000000000000000"}); err == nil {
		t.Error("a finding that is not there was mended")
	}
}
