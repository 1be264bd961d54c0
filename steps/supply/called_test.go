package supply

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// loggedEstate has an instance and a pod in one workload each, a role in a third, and an
// instance in none. Two instances share an address.
func loggedEstate(t *testing.T) (*estate.Snapshot, *scope.Workloads) {
	t.Helper()
	b := estate.NewBuilder(day)
	for _, a := range []estate.Asset{
		{ID: "arn:aws:ec2:eu-west-1:1:instance/i-0abc", Type: "AWS::EC2::Instance", Cloud: estate.AWS, Kind: estate.KindCompute, Config: json.RawMessage(`{"InstanceId":"i-0abc","PrivateIpAddress":"10.0.1.5"}`)},
		{ID: "arn:aws:ec2:eu-west-1:1:instance/i-0def", Type: "AWS::EC2::Instance", Cloud: estate.AWS, Kind: estate.KindCompute, Config: json.RawMessage(`{"InstanceId":"i-0def","PrivateIpAddress":"10.0.1.5"}`)},
		{ID: "k8s://c/v1/Pod/ns/p", Type: "v1/Pod", Cloud: estate.Kubernetes, Kind: estate.KindCompute, Config: json.RawMessage(`{"status":{"podIP":"10.244.0.7"}}`)},
		{ID: "arn:aws:iam::1:role/app", Type: "AWS::IAM::Role", Cloud: estate.AWS, Kind: estate.KindIdentity, Config: json.RawMessage(`{}`)},
	} {
		b.Asset(a)
	}
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	w := &scope.Workloads{}
	for name, member := range map[string]string{"vm": "arn:aws:ec2:eu-west-1:1:instance/i-0abc", "pod": "k8s://c/v1/Pod/ns/p", "role": "arn:aws:iam::1:role/app"} {
		w.List = append(w.List, finding.Workload{ID: name, Name: name, Roots: []string{member}, Members: []string{member}})
	}
	slices.SortFunc(w.List, func(a, b finding.Workload) int { return strings.Compare(a.ID, b.ID) })
	return snap, w
}

func TestCallsInLogs(t *testing.T) {
	call := func(host, by string, days int) Called {
		return Called{Host: host, By: by, How: "dns", First: day.AddDate(0, 0, -days-1), Last: day.AddDate(0, 0, -days)}
	}
	tests := []struct {
		name   string
		call   Called
		fails  string // the workload whose supply.services fails; "": none
		strays int    // findings that belong to no workload
	}{
		{"an instance by its id", call("api.mistral.ai", "i-0abc", 1), "vm", 0},
		{"a pod by its address", call("api.mistral.ai", "10.244.0.7", 1), "pod", 0},
		{"a role by its ARN", call("bedrock-runtime.eu-west-1.amazonaws.com", "arn:aws:iam::1:role/app", 1), "role", 0},
		{"an address that two have", call("api.mistral.ai", "10.0.1.5", 1), "", 1},
		{"an instance of no workload", call("api.mistral.ai", "i-0def", 1), "", 1},
		{"somebody unknown", call("api.mistral.ai", "192.168.0.1", 1), "", 1},
		{"long ago", call("api.mistral.ai", "i-0abc", 91), "", 0},
		{"a registered service by somebody unknown", call("api.openai.com", "192.168.0.1", 1), "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			snap, workloads := loggedEstate(t)
			s := New(register()).With(&Known{Now: day, Called: []Called{tt.call}})
			more, err := s.Derive(context.Background(), snap)
			if err != nil {
				t.Fatal(err)
			}
			if snap, err = snap.With(more.Assets, more.Relations, more.BlindSpots); err != nil {
				t.Fatal(err)
			}
			got, err := s.Judge(context.Background(), snap, workloads)
			if err != nil {
				t.Fatal(err)
			}
			for id, list := range got.Criteria {
				i := slices.IndexFunc(list, func(c finding.Criterion) bool { return c.ID == "supply.services" })
				if c := list[i]; (c.Status == finding.CriterionFail) != (id == tt.fails) || id == tt.fails && !strings.Contains(c.Reason, tt.call.Host) {
					t.Errorf("%s: %s (%s)", id, c.Status, c.Reason)
				}
			}
			strays := 0
			for _, f := range got.Findings {
				if f.Control == Shadow && f.Asset == hostID(tt.call.Host) {
					strays++
					if _, ok := snap.Find(f.Asset); !ok {
						t.Errorf("%s is no asset", f.Asset)
					}
				}
			}
			if strays != tt.strays {
				t.Errorf("%d findings without a workload, want %d", strays, tt.strays)
			}
			of, err := s.ServicesOf(context.Background(), snap, workloads)
			if err != nil {
				t.Fatal(err)
			}
			if tt.fails != "" && (len(of[tt.fails]) != 1 || !strings.Contains(of[tt.fails][0].By[0], "until 2026-11-27")) || tt.strays > 0 && len(of[""]) != 1 {
				t.Errorf("services %+v", of)
			}
		})
	}
}
