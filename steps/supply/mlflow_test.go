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
