package aws

import (
	"slices"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// holds reports whether a blind spot of an operation has the status.
func (m *memory) holds(operation string, status estate.ReadStatus, hint string) bool {
	return slices.ContainsFunc(m.blind, func(b estate.BlindSpot) bool {
		return b.Operation == operation && b.Status == status && (hint == "" || b.Hint == hint)
	})
}

func (m *memory) lists(typ string) bool {
	return slices.ContainsFunc(m.covered, func(c estate.Coverage) bool { return c.Type == typ })
}

// read is how one operation on one asset ended.
func (m *memory) read(id, operation string) estate.ReadStatus {
	for _, r := range m.assets[id].Reads {
		if r.Operation == operation {
			return r.Status
		}
	}
	return "none"
}

// TestAParentThatLacksTheParameter: what is below it cannot be listed, and does
// not count as listed.
func TestAParentThatLacksTheParameter(t *testing.T) {
	f := &fake{answer: func(req api.Request) (any, error) {
		switch req.Key() {
		case "cognito-idp:ListUserPools":
			return map[string]any{"UserPools": []any{map[string]any{"Id": "eu-west-1_a", "Name": "p"}}}, nil
		case "cognito-idp:DescribeUserPool":
			// The describe replaces the item, and says no Id.
			return map[string]any{"UserPool": map[string]any{"Id": "", "Name": "p"}}, nil
		}
		return nil, nil
	}}
	m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"cognito-idp"}})
	if err != nil {
		t.Fatal(err)
	}
	if m.lists("AWS::Cognito::UserPoolClient") {
		t.Error("clients of a pool that could not be asked count as listed")
	}
	if len(m.blind) == 0 {
		t.Error("nothing is said of it")
	}
}

// TestPartsOfWhatWasRefused: parts stand in a reply; where that was refused,
// their type is not listed, and the grant is named.
func TestPartsOfWhatWasRefused(t *testing.T) {
	const group = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/sagemaker/x"
	refuse := false
	f := &fake{answer: func(req api.Request) (any, error) {
		switch req.Key() {
		case "logs:DescribeLogGroups":
			return map[string]any{"logGroups": []any{map[string]any{"logGroupName": "/aws/sagemaker/x"}}}, nil
		case "logs:DescribeSubscriptionFilters":
			if refuse {
				return nil, denied(req, "no identity-based policy allows it")
			}
			return map[string]any{"subscriptionFilters": []any{}}, nil
		}
		return nil, nil
	}}
	o := Options{Regions: []string{"eu-west-1"}, Services: []string{"logs"}}
	m, err := run(t, f, o)
	if err != nil {
		t.Fatal(err)
	}
	if !m.lists("AWS::Logs::SubscriptionFilter") || m.read(group, "logs:DescribeSubscriptionFilters") != estate.ReadOK {
		t.Errorf("read without a fault: covered %v, blind %+v", m.covered, m.blind)
	}
	refuse = true
	if m, err = run(t, f, o); err != nil {
		t.Fatal(err)
	}
	if m.lists("AWS::Logs::SubscriptionFilter") {
		t.Error("filters count as listed though the call was refused")
	}
	if got := m.read(group, "logs:DescribeSubscriptionFilters"); got != estate.ReadDenied {
		t.Errorf("the group's read is %s", got)
	}
	if !m.holds("logs:DescribeSubscriptionFilters", estate.ReadDenied, "grant logs:DescribeSubscriptionFilters") {
		t.Errorf("blind spots: %+v", m.blind)
	}
}

// TestTagsThatWereRefused leave tags unknown: nil, not empty.
func TestTagsThatWereRefused(t *testing.T) {
	const group = "arn:aws:logs:eu-west-1:111122223333:log-group:g"
	refuse := true
	f := &fake{answer: func(req api.Request) (any, error) {
		switch req.Key() {
		case "logs:DescribeLogGroups":
			return map[string]any{"logGroups": []any{map[string]any{"logGroupName": "g"}}}, nil
		case "resourcegroupstaggingapi:GetResources":
			if refuse {
				return nil, denied(req, "no identity-based policy allows it")
			}
			return map[string]any{"ResourceTagMappingList": []any{
				map[string]any{"ResourceARN": group, "Tags": []any{map[string]any{"Key": "team", "Value": "ml"}}},
				map[string]any{"ResourceARN": "arn:aws:braket:eu-west-1:111122223333:job/j", "Tags": []any{}},
				map[string]any{"ResourceARN": "no ARN at all", "Tags": []any{}},
			}}, nil
		}
		return nil, nil
	}}
	o := Options{Regions: []string{"eu-west-1"}}
	m, err := run(t, f, o)
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := m.assets[group]; !ok || a.Tags != nil {
		t.Errorf("%s: tags %v, want unknown", group, a.Tags)
	}
	if !m.holds("resourcegroupstaggingapi:GetResources", estate.ReadDenied, "grant tag:GetResources") {
		t.Error("the refused sweep is not said")
	}
	refuse = false
	if m, err = run(t, f, o); err != nil {
		t.Fatal(err)
	}
	if got := m.assets[group].Tags["team"]; got != "ml" {
		t.Errorf("%s: tags %v", group, m.assets[group].Tags)
	}
	if !slices.ContainsFunc(m.blind, func(b estate.BlindSpot) bool {
		return b.Status == estate.ReadSkipped && b.Operation == "tag:GetResources"
	}) {
		t.Error("tagged things of a service that is not read are passed over in silence")
	}
}

// TestRepliesOfAnotherForm are malformed, and list nothing.
func TestRepliesOfAnotherForm(t *testing.T) {
	for name, reply := range map[string]any{"array": []any{}, "text": "x", "number": 1, "null": nil} {
		t.Run(name, func(t *testing.T) {
			f := &fake{answer: func(req api.Request) (any, error) {
				if req.Key() != "kms:ListKeys" {
					return nil, nil
				}
				if reply == nil {
					return map[string]any{"Keys": []any{nil}}, nil
				}
				return reply, nil
			}}
			m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"kms"}})
			if err != nil {
				t.Fatal(err)
			}
			if m.lists("AWS::KMS::Key") || !m.holds("kms:ListKeys", estate.ReadMalformed, "") && !m.holds("kms:DescribeKey", estate.ReadMalformed, "") {
				t.Errorf("covered %v, blind %+v", m.covered, m.blind)
			}
		})
	}
}

// TestTheReportThatIsNeverReady leaves each user's row unread with the reason.
func TestTheReportThatIsNeverReady(t *testing.T) {
	const user = "arn:aws:iam::111122223333:user/ada"
	for name, answer := range map[string]func(api.Request) (any, error){
		"refused": func(req api.Request) (any, error) { return nil, denied(req, "no identity-based policy allows it") },
		"no_table": func(api.Request) (any, error) {
			return map[string]any{"State": "COMPLETE", "Content": "bm90IGEgdGFibGU="}, nil
		},
		"not_text": func(api.Request) (any, error) { return map[string]any{"State": "COMPLETE", "Content": 7}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{answer: func(req api.Request) (any, error) {
				switch req.Operation {
				case "GetAccountAuthorizationDetails":
					return map[string]any{"UserDetailList": []any{map[string]any{"UserName": "ada", "Arn": user}}}, nil
				case "GenerateCredentialReport", "GetCredentialReport":
					return answer(req)
				}
				return nil, nil
			}}
			m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"iam"}})
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := m.assets[user]; !ok {
				t.Fatal("the user was not read")
			}
			if got := m.read(user, "iam:GetCredentialReport"); got.Known() || got == "none" {
				t.Errorf("the row counts as %s", got)
			}
			if !slices.ContainsFunc(m.blind, func(b estate.BlindSpot) bool { return b.Operation == "iam:GetCredentialReport" }) {
				t.Errorf("blind spots: %+v", m.blind)
			}
		})
	}
}
