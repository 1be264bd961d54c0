package risk

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// TestPlantedFile: the path of a file that runs code begins with it, leads through what
// loads it and as whom that runs, and ends at what others made: that file and model are
// labelled themselves is no prize, and an entry of a registry reads nothing.
func TestPlantedFile(t *testing.T) {
	w := (&world{t: t}).asset("file", "AWS::S3::Object", estate.KindStore).asset("entry", "AWS::SageMaker::ModelPackage", estate.KindModel).
		asset("model", "AWS::SageMaker::Model", estate.KindModel).root().asset("role", "AWS::IAM::Role", estate.KindIdentity).
		asset("customers", "AWS::S3::Bucket", estate.KindStore).asset("others", "AWS::S3::Bucket", estate.KindStore).asset("open", "AWS::S3::Bucket", estate.KindStore)
	w.assets = append(w.assets, estate.Asset{ID: "set://access/can-read/1", Type: estate.SetType, Kind: estate.KindPolicy, Name: "1 asset: can-read, allow"})
	w.rel("model", estate.Loads, "file").rel("entry", estate.Loads, "file").rel("entry", estate.Reads, "others").rel("model", estate.RunsAs, "role").rel("open", estate.Contains, "file")
	for _, r := range [][2]string{{"role", "set://access/can-read/1"}, {"set://access/can-read/1", "customers"}} {
		w.relations = append(w.relations, estate.Relation{From: r[0], To: r[1], Type: canRead, Tier: estate.Possible, Evidence: "allow"})
	}
	labels := func(_ estate.Node, a *estate.Asset) []string {
		if slices.Contains([]string{"file", "entry", "model", "customers", "others"}, a.ID) {
			return []string{"PII"}
		}
		return nil
	}
	facts := map[string]Fact{"poisoned": {Entry: Planted, Gives: "changing"}, "writable": testFacts["writable"]}
	o := Options{Labels: labels, Facts: facts}
	want := []string{"the maker of a file", "meets file", "runs in model", "runs as role", "can read customers"}
	// That a stranger could change it is another finding's matter.
	got := assess(t, w.snapshot(), scope.Default(), o, fault("poisoned", "file"), fault("writable", "open"))
	if diff := cmp.Diff(want, got[0].Path); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	snap := w.snapshot()
	ws, err := scope.Default().Workloads(snap)
	if err != nil {
		t.Fatal(err)
	}
	ways := Survey(snap, ws, []finding.Finding{fault("poisoned", "file"), fault("writable", "open")}, o, Limits{From: func(a *estate.Asset) bool { return a.ID == "file" }})
	var data []string
	for _, p := range ways.Paths {
		if p.Class == "labelled data" {
			data = append(data, p.Target)
		}
		if p.Hops[0].To != "file" {
			t.Errorf("a path begins at %s", p.Hops[0].To)
		}
	}
	if diff := cmp.Diff([]string{"customers"}, data); diff != "" {
		t.Errorf("labelled data reached from the file (-want +got)\n%s", diff)
	}
}
