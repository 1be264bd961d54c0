package assess

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
)

// TestAccessAnswersFitTheirSchemas asks one estate for every kind of answer.
func TestAccessAnswersFitTheirSchemas(t *testing.T) {
	b := estate.NewBuilder(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	const role = "arn:aws:iam::123456789012:role/"
	reads := []estate.Read{{Operation: "iam:GetAccountAuthorizationDetails", Status: estate.ReadOK}}
	for name, statement := range map[string]string{
		"sure": `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, "none": `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`,
		"tied": `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]},"Null":{"aws:SourceVpce":"true"}}}`,
		"dark": `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"NoSuchOperator":{"aws:SourceIp":"1"}}}`} {
		b.Asset(estate.Asset{ID: role + name, Type: "AWS::IAM::Role", Cloud: estate.AWS, Account: "123456789012", Tags: map[string]string{"owner": "ann"}, Reads: reads,
			Config: json.RawMessage(`{"AttachedManagedPolicies":[],"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[` + statement + `]}}]}`)})
	}
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	all, err := Evaluators(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"sure": "allow", "none": "deny", "tied": "conditional", "dark": "unknown"} {
		q := access.Question{Principal: role + name, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/x", Explain: true}
		e, err := all.For(q.Action)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Can(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		if got.Decision.String() != want {
			t.Errorf("%s: %s, want %s", name, got.Decision, want)
		}
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		fitsSchema(t, "access-can.schema.json", text)
		holders, err := e.WhoCan(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		if text, err = json.Marshal(map[string]any{"answers": holders, "untold": e.Unlisted()}); err != nil {
			t.Fatal(err)
		}
		fitsSchema(t, "access-who-can.schema.json", text)
	}
}
