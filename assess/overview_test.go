package assess

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/access"
)

// TestOverviewOfHarbour holds what FAULTS.md says of identities to the overview
// of the example: those faults are real whatever a deciding evaluator will say.
func TestOverviewOfHarbour(t *testing.T) {
	r := harbour(t)
	got := map[string]*access.Identity{}
	for i := range r.Overview.Identities {
		got[r.Overview.Identities[i].ID] = &r.Overview.Identities[i]
	}
	const training, serving = "arn:aws:iam::111122223333:", "arn:aws:iam::444455556666:"
	tests := map[string]struct {
		id, may   string // the beginning of what it may
		kind      access.Kind
		ownerless bool
	}{
		"C1_notebook_is_administrator": {training + "role/port-lab-notebook", "administer 12, change 23", access.Machine, true},
		"C3_pipelines_of_anybody":      {training + "oidc-provider/token.actions.githubusercontent.com", "administer 2 under conditions, change 13 under conditions", access.Machine, false},
		"C4_strangers_account":         {"arn:aws:iam::777788889999:root", "administer 1, change 9", access.KindUnknown, false},
		"C4_its_role":                  {training + "role/crane-vision-vendor", "administer 1, change 9", access.KindUnknown, true},
		"C5_old_key":                   {training + "user/legacy-trainer", "administer 3", access.Machine, true},
		"C6_root":                      {training + "root", "administer 12, change 23", access.Human, false},
		"C7_person_without_owner":      {training + "user/joao.teles", "run 10", access.Human, true},
		"person_with_team":             {training + "user/mara.lindqvist", "run 10", access.Human, false},
		"C10_agent":                    {serving + "role/berth-assist-agent", "change 4, run 3, read 4; of 1 asset", access.Machine, false},
		"C11_notebook_of_the_cluster":  {"k8s://default/lab/ServiceAccount/notebook", "administer 7", access.Machine, true},
		"C14_kiosk":                    {serving + "user/berth-kiosk", "run 3; of 1 asset", access.Machine, true},
		"C15_boundary_holds":           {serving + "role/eta-serving", "change 2 (1 under conditions), read 2 (1 under conditions)", access.Machine, false},
		"hop_by_a_person":              {training + "role/audit-reader", "read 12", access.Human, true},
		"D1_everyone":                  {"set://principals/*", "change 1, read 2", access.KindUnknown, false},
		"kept_by_AWS":                  {serving + "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint", "nothing of AI", access.Machine, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			id := got[tt.id]
			if id == nil {
				t.Fatal("not in the overview")
			}
			if !strings.HasPrefix(id.May(), tt.may) || id.Kind != tt.kind || id.Ownerless() != tt.ownerless {
				t.Errorf("may %s; %s; ownerless %v", id.May(), id.Kind, id.Ownerless())
			}
			has := slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Control == access.Ownerless && f.Asset == tt.id })
			if has != tt.ownerless {
				t.Errorf("a finding: %v", has)
			}
		})
	}
	for _, w := range r.Workloads.List {
		i := slices.IndexFunc(r.Criteria[w.ID], func(c finding.Criterion) bool { return c.ID == "access.identities" })
		c := r.Criteria[w.ID][i]
		if nobody := strings.HasPrefix(c.Reason, "nobody answers for "); nobody != (c.Status == finding.CriterionFail) || nobody != (len(c.Findings) > 0) || c.Status == finding.CriterionPass || len(c.Evidence) != 2 {
			t.Errorf("%s: %+v", w.Name, c)
		}
	}
	text, err := json.Marshal(r.Overview)
	if err != nil {
		t.Fatal(err)
	}
	fitsSchema(t, "access.schema.json", text)
	r.Overview.Keep(func(i *access.Identity) bool { return i.Kind == access.Human })
	for i := range r.Overview.Identities {
		if r.Overview.Identities[i].Kind != access.Human {
			t.Errorf("%s was not asked for", r.Overview.Identities[i].ID)
		}
	}
}
