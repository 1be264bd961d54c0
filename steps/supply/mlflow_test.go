package supply

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/mlflow"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

func TestStanding(t *testing.T) {
	for _, c := range []struct {
		config        string
		marks         []string
		approved, bad bool
	}{
		{`{"status":"READY","aliases":["champion"]}`, nil, true, false},
		{`{"status":"READY","aliases":["champion"]}`, []string{"alias:live"}, false, true},
		{`{"status":"READY","aliases":["live"]}`, []string{"alias:live"}, true, false},
		{`{"status":"READY","aliases":["champion"],"current_stage":"Archived"}`, nil, false, true},
		{`{"status":"FAILED_REGISTRATION","aliases":["champion"]}`, nil, false, true},
		{`{"status":"READY","aliases":["champion"],"tags":[{"key":"validation_status","value":"rejected"}]}`, nil, false, true},
		{`{"status":"READY","aliases":[],"tags":[{"key":"validation_status","value":"approved"}]}`, nil, true, false},
		{`{"status":"READY","aliases":[],"current_stage":"Staging"}`, nil, false, true},
		{`{"status":"READY","aliases":[],"current_stage":"Production"}`, nil, true, false},
		{`{"status":"READY","aliases":[],"current_stage":"None"}`, nil, false, false},
		{`{"status":"READY"}`, []string{"alias:live"}, false, false}, // aliases not read
	} {
		v, err := mlflow.ReadVersion([]byte(c.config))
		if err != nil {
			t.Fatal(err)
		}
		if word, approved, bad := standing(v, c.marks); approved != c.approved || bad != c.bad {
			t.Errorf("%s by %v is %q: approved %v, bad %v", c.config, c.marks, word, approved, bad)
		}
	}
}

// What an endpoint loads is held against the version in the registry whose files it is.
func TestRegisteredVersion(t *testing.T) {
	for _, c := range []struct {
		config string
		fails  bool
		says   string
	}{
		{`"source":"models:/m-1","download":{"artifact_uri":"s3://b/m/"},"aliases":[],"current_stage":"Archived"`, true, "is archived in its registry"},
		{`"source":"s3://b/m","aliases":[]`, false, "without a mark"},
		{`"source":"s3://b/m","aliases":["champion"]`, false, ""},
		{`"source":"s3://b/m2","aliases":[],"current_stage":"Archived"`, false, ""}, // another folder
	} {
		snap := endpointEstate(t, pinnedImage)
		snap, err := snap.With([]estate.Asset{{ID: "mlflow://h/fraud/1", Type: mlflow.VersionType, Cloud: estate.MLflow, Account: "h", Kind: estate.KindModel,
			Config: json.RawMessage(`{"name":"fraud","version":"1","status":"READY",` + c.config + `}`)}}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := scope.Default()
		step := New(s).With(&Known{Now: day})
		d, err := step.Derive(context.Background(), snap)
		if err != nil {
			t.Fatal(err)
		}
		if snap, err = snap.With(d.Assets, d.Relations, d.BlindSpots); err != nil {
			t.Fatal(err)
		}
		w, err := s.Workloads(snap)
		if err != nil {
			t.Fatal(err)
		}
		j, err := step.Judge(context.Background(), snap, w)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range j.Criteria {
			for _, x := range list {
				if x.ID != "supply.provenance" {
					continue
				}
				if (x.Status == finding.CriterionFail) != c.fails || !strings.Contains(x.Reason, c.says) || c.says == "" && strings.Contains(x.Reason, "mlflow") {
					t.Errorf("%s: %s, %s", c.config, x.Status, x.Reason)
				}
			}
		}
	}
}

// A version that code names by the registry's own words is examined and judged as one that
// is loaded by its place.
func TestNamedVersion(t *testing.T) {
	old := `{"name":"fraud","version":"2","status":"READY","source":"s3://b/two","aliases":[],"current_stage":"Archived","run_id":"r2"}`
	good := `{"name":"fraud","version":"10","status":"READY","source":"s3://b/ten","aliases":["champion"],"current_stage":"Production","run_id":"r10"}`
	reference := func(version, alias, run string) parts.Part {
		p := parts.Part{Kind: parts.Model, Ecosystem: parts.MLflow, Name: "fraud", Version: version, Facts: map[string]string{"by": "models:/fraud/" + version}, Places: []parts.Place{{Path: "app.py", Line: 3}}}
		if alias != "" {
			p.Facts["alias"] = alias
		}
		if run != "" {
			p.Name, p.Facts["run"] = "runs:/"+run, run
		}
		return p
	}
	for _, c := range []struct {
		name       string
		part       parts.Part
		at         string // "": none is found
		provenance finding.CriterionStatus
		says       string
	}{
		{"a version", reference("2", "", ""), "s3://b/two", finding.CriterionFail, "mlflow://h/fraud/2 is archived"},
		{"the latest, as a number", reference("", "", ""), "s3://b/ten", "", ""},
		{"the latest, by name", reference("latest", "", ""), "s3://b/ten", "", ""},
		{"an alias", reference("@champion", "champion", ""), "s3://b/ten", "", ""},
		{"a stage", reference("Production", "", ""), "s3://b/ten", "", ""},
		{"a run", reference("", "", "r2"), "s3://b/two", finding.CriterionFail, "is archived"},
		{"an alias of nothing", reference("@live", "live", ""), "", finding.CriterionUnknown, "no registry that was read has"},
		{"a version of nothing", reference("3", "", ""), "", finding.CriterionUnknown, "no registry that was read has"},
	} {
		t.Run(c.name, func(t *testing.T) {
			snap := endpointEstate(t, pinnedImage)
			snap, err := snap.With([]estate.Asset{
				{ID: "mlflow://h/fraud/2", Type: mlflow.VersionType, Cloud: estate.MLflow, Account: "h", Kind: estate.KindModel, Config: json.RawMessage(old)},
				{ID: "mlflow://h/fraud/10", Type: mlflow.VersionType, Cloud: estate.MLflow, Account: "h", Kind: estate.KindModel, Config: json.RawMessage(good)}}, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			k := clean()
			b := k.find(PlaceOf("image://" + pinnedImage)).Bill
			b.Parts = append(b.Parts, c.part)
			s := register()
			step := New(s).With(k)
			d, err := step.Derive(context.Background(), snap)
			if err != nil {
				t.Fatal(err)
			}
			if snap, err = snap.With(d.Assets, d.Relations, d.BlindSpots); err != nil {
				t.Fatal(err)
			}
			ws, err := s.Workloads(snap)
			if err != nil || len(ws.List) != 1 {
				t.Fatal(ws, err)
			}
			got, err := step.Judge(context.Background(), snap, ws)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range got.Criteria[ws.List[0].ID] {
				switch x.ID {
				case "supply.artifacts": // nobody examined the version's files
					if x.Status != finding.CriterionUnknown || c.at != "" && !strings.Contains(x.Reason, c.at+" was not examined") {
						t.Errorf("%s: %s, %s", x.ID, x.Status, x.Reason)
					}
				case "supply.provenance":
					if c.provenance != "" && x.Status != c.provenance || !strings.Contains(x.Reason, c.says) || c.provenance == "" && strings.Contains(x.Reason, "mlflow") {
						t.Errorf("%s: %s, %s", x.ID, x.Status, x.Reason)
					}
				}
			}
			loads := false
			for e := range d.Relations {
				loads = loads || d.Relations[e].Type == estate.Loads && strings.HasPrefix(d.Relations[e].To, "mlflow://")
			}
			if loads != (c.at != "") {
				t.Errorf("relations %+v", d.Relations)
			}
		})
	}
}
