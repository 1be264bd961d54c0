package assess_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
)

// An incident's configuration change and the difference it made name one another; what was
// refused, played, of another account or time, or does not make such a change, names none.
func TestIncidentsAndDriftNameOneAnother(t *testing.T) {
	const policies = `,"RolePolicyList":[{"PolicyName":"all","PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}]`
	deployment := func(image string) string {
		return fmt.Sprintf(`{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"llm","namespace":"ml"},"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"c","image":%q}]}}}}`, image)
	}
	before := (&world{}).put(role, "AWS::IAM::Role", roleConfig("serving", "")).put(bucket, "AWS::S3::Bucket", `{"Name":"lake"}`).put(llm, "k8s:apps/Deployment", deployment("a"))
	after := (&world{}).put(role, "AWS::IAM::Role", roleConfig("serving", policies)).put(bucket, "AWS::S3::Bucket", `{"Name":"lake"}`).put(llm, "k8s:apps/Deployment", deployment("b"))
	made := firstNoon.Add(-time.Hour)
	compare := func(by *audit.Actor) *audit.Drift {
		d, err := audit.Compare(t.Context(), before.snapshot(t), after.snapshot(t))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]audit.Window{}
		for _, k := range d.Keys() {
			seen[k] = audit.Window{First: firstNoon, Same: firstNoon.Add(-2 * time.Hour)}
		}
		d.Seen(seen)
		for i := range d.Records {
			if d.Records[i].Asset == role {
				d.Records[i].By = by
			}
		}
		return d
	}
	put := detect.Signal{Event: "e-1", Time: made, Principal: "eve", Action: "iam:PutRolePolicy", Things: []string{"serving", "all"}, Account: acct}
	but := func(change func(*detect.Signal)) detect.Signal {
		s := put
		change(&s)
		return s
	}
	patch := detect.Signal{Event: "a-1/ResponseComplete", Time: made, Principal: "eve", Action: "apps:patch deployments", Things: []string{"ml/deployments/llm"}}
	for name, tt := range map[string]struct {
		signals []detect.Signal
		by      *audit.Actor
		want    []string // asset, event and whether it is shown
	}{
		"the act":                 {[]detect.Signal{put}, nil, []string{role + " e-1 false"}},
		"the very event":          {[]detect.Signal{but(func(s *detect.Signal) { s.Event = "e-0" }), put}, &audit.Actor{Event: "e-1"}, []string{role + " e-1 true"}},
		"by its ARN":              {[]detect.Signal{but(func(s *detect.Signal) { s.Things = []string{role} })}, nil, []string{role + " e-1 false"}},
		"refused":                 {[]detect.Signal{but(func(s *detect.Signal) { s.Refused = true })}, nil, nil},
		"a synthetic attack":      {[]detect.Signal{but(func(s *detect.Signal) { s.Synthetic = true })}, nil, nil},
		"another account":         {[]detect.Signal{but(func(s *detect.Signal) { s.Account = "444455556666" })}, nil, nil},
		"before the last that is": {[]detect.Signal{but(func(s *detect.Signal) { s.Time = made.Add(-3 * time.Hour) })}, nil, nil},
		"after it was seen":       {[]detect.Signal{but(func(s *detect.Signal) { s.Time = made.Add(3 * time.Hour) })}, nil, nil},
		"another thing":           {[]detect.Signal{but(func(s *detect.Signal) { s.Things = []string{"training"} })}, nil, nil},
		"it reads":                {[]detect.Signal{but(func(s *detect.Signal) { s.Action = "iam:GetRolePolicy" })}, nil, nil},
		"another service":         {[]detect.Signal{but(func(s *detect.Signal) { s.Action = "s3:PutRolePolicy" })}, nil, nil},
		"in a cluster":            {[]detect.Signal{patch}, nil, []string{llm + " a-1/ResponseComplete false"}},
		"reads in a cluster":      {[]detect.Signal{{Event: "a-1/ResponseComplete", Time: made, Action: "apps:get deployments", Things: []string{"ml/deployments/llm"}}}, nil, nil},
		"another cluster":         {[]detect.Signal{{Event: "a-1/ResponseComplete", Time: made, Action: "apps:patch deployments", Things: []string{"ml/deployments/llm"}, Account: "d"}}, nil, nil},
		"two":                     {[]detect.Signal{put, patch}, nil, []string{role + " e-1 false", llm + " a-1/ResponseComplete false"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := compare(tt.by)
			list := []detect.Incident{{ID: "I-1", Status: "open", Signals: tt.signals}}
			joined := assess.JoinDrift(list, d)
			var got, back []string
			for _, x := range list[0].Drift {
				got = append(got, fmt.Sprint(x.Asset, " ", x.Event, " ", x.Shown))
			}
			for _, r := range d.Records {
				for _, i := range joined[r.ID] {
					if i.ID != "I-1" || i.Status != "open" {
						t.Errorf("%+v", i)
					}
					back = append(back, fmt.Sprint(r.Asset, " ", i.Event, " ", i.Shown))
				}
			}
			slices.Sort(back)
			if !slices.Equal(got, tt.want) || !slices.Equal(back, tt.want) {
				t.Errorf("the incident names %q, the differences name %q, want %q", got, back, tt.want)
			}
		})
	}
}
