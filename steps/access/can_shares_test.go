package access

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// What AWS RAM shares with another account is not known to be refused there; what
// it is known not to share is.
func TestShares(t *testing.T) {
	const (
		pipeline = "arn:aws:sagemaker:eu-west-1:" + worldAccount + ":pipeline/p"
		guest    = "arn:aws:iam::999999999999:role/guest"
		shareARN = "arn:aws:ram:eu-west-1:" + worldAccount + ":resource-share/s"
	)
	role := told(guest, "AWS::IAM::Role", `{"RoleName":"guest","RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"sagemaker:*","Resource":"*"}]}}]}`, "iam:GetAccountAuthorizationDetails")
	role.Account = "999999999999"
	of := func(more string) estate.Asset {
		a := told(shareARN, shareType, `{"resourceShareArn":"`+shareARN+`","status":"ACTIVE"`+more+`}`)
		a.Region = "eu-west-1"
		return a
	}
	holds := func(arn string) string { return `,"ListResources":{"resources":[{"arn":"` + arn + `"}]}` }
	with := func(id string, external ...string) string {
		more := ""
		if len(external) > 0 {
			more = `,"external":` + external[0]
		}
		return `,"ListPrincipals":{"principals":[{"id":"` + id + `"` + more + `}]}`
	}
	const permissionARN = "arn:aws:ram::aws:permission/P"
	lets := `,"ListResourceSharePermissions":{"permissions":[{"arn":"` + permissionARN + `","version":"2","resourceType":"sagemaker:Pipeline"}]}`
	permission := func(version, text string) estate.Asset {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		a := told(permissionARN, permissionType, `{"arn":"`+permissionARN+`","GetPermission":{"permission":{"version":"`+version+`","permission":`+string(quoted)+`}}}`)
		a.Region = "eu-west-1"
		return a
	}
	start := `{"Effect":"Allow","Action":["sagemaker:DescribePipeline","sagemaker:StartPipelineExecution"]}`
	all := func(p estate.Asset, ids ...string) []estate.Asset {
		return []estate.Asset{p, of(holds(pipeline) + with(ids[0], ids[1:]...) + lets)}
	}
	tests := map[string]struct {
		shares  []estate.Asset
		covered bool
		want    iam.Decision
		why     string
	}{
		"not read":                           {nil, false, iam.Unknown, "ram:GetResourceShares"},
		"nothing is shared":                  {nil, true, iam.Deny, ""},
		"another thing is":                   {[]estate.Asset{of(holds(pipeline+"2") + with("999999999999"))}, true, iam.Deny, ""},
		"with the account":                   {[]estate.Asset{of(holds(pipeline) + with("999999999999"))}, true, iam.Unknown, "is shared with 999999999999 by " + shareARN},
		"with the role":                      {[]estate.Asset{of(holds(pipeline) + with(guest))}, true, iam.Unknown, "is shared with " + guest},
		"with an organisation":               {[]estate.Asset{of(holds(pipeline) + with("arn:aws:organizations::111111111111:organization/o-1"))}, true, iam.Unknown, "organization/o-1"},
		"with another account":               {[]estate.Asset{of(holds(pipeline) + with("888888888888"))}, true, iam.Deny, ""},
		"with whom, is not read":             {[]estate.Asset{of(holds(pipeline))}, true, iam.Unknown, "with whom"},
		"what, is not read":                  {[]estate.Asset{of("")}, true, iam.Unknown, "what " + shareARN + " shares was not read"},
		"its permission lets him":            {all(permission("2", start), "999999999999", "false"), true, iam.Allow, ""},
		"it lets the role":                   {all(permission("2", start), guest, "false"), true, iam.Allow, ""},
		"it lets another thing":              {all(permission("2", `{"Effect":"Allow","Action":"sagemaker:DescribePipeline"}`), "999999999999", "false"), true, iam.Deny, ""},
		"under a condition":                  {all(permission("2", `{"Effect":"Allow","Action":"sagemaker:*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`), "999999999999", "false"), true, iam.Conditional, ""},
		"somebody outside has to accept":     {all(permission("2", start), "999999999999", "true"), true, iam.Unknown, "accepted"},
		"what he does not get needs none":    {all(permission("2", `{"Effect":"Allow","Action":"sagemaker:DescribePipeline"}`), "999999999999", "true"), true, iam.Deny, ""},
		"another version was read":           {all(permission("3", start), "999999999999", "false"), true, iam.Unknown, "version 2"},
		"the permission is rubbish":          {all(permission("2", `[1]`), "999999999999", "false"), true, iam.Unknown, "shape"},
		"the permission is no JSON":          {all(permission("2", `{`), "999999999999", "false"), true, iam.Unknown, "not JSON"},
		"the permission holds what it never": {all(permission("2", `{"Effect":"Allow","Action":"sagemaker:*","NotResource":"x"}`), "999999999999", "false"), true, iam.Unknown, "NotResource"},
		"the permission was not read":        {[]estate.Asset{of(holds(pipeline) + with("999999999999", "false") + lets)}, true, iam.Unknown, "ram:GetPermission"},
		"with an organisation, of another":   {all(permission("2", start), "arn:aws:organizations::111111111111:organization/o-1", "false"), true, iam.Unknown, "where account 999999999999 is"},
		"not for its type":                   {[]estate.Asset{permission("2", start), of(strings.Replace(holds(pipeline), `"arn"`, `"type":"sagemaker:Hub","arn"`, 1) + with("999999999999", "false") + lets)}, true, iam.Unknown, "no permission for"},
		"it is over": {[]estate.Asset{func() estate.Asset {
			a := of(holds(pipeline) + with(guest))
			a.Config = json.RawMessage(strings.Replace(string(a.Config), "ACTIVE", "DELETED", 1))
			return a
		}()}, true, iam.Deny, ""},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			m := worldOf(t, func(b *estate.Builder) {
				if tt.covered {
					b.Covered(estate.Coverage{Type: shareType, Account: worldAccount, Region: "eu-west-1"})
				}
			}, append(tt.shares, role, told(pipeline, "AWS::SageMaker::Pipeline", `{}`))...)
			q := Question{Principal: guest, Action: "sagemaker:StartPipelineExecution", Resource: pipeline}
			got, err := m.Can(context.Background(), q)
			if err != nil || got.Decision != tt.want || !strings.Contains(strings.Join(got.Unknown, " "), tt.why) {
				t.Errorf("can: %s %v, %v", got.Decision, got.Unknown, err)
			}
			all, err := m.WhoCan(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			listed := iam.Deny
			for _, h := range all {
				if h.Principal == guest {
					listed = h.Decision
				}
			}
			if listed != tt.want {
				t.Errorf("who-can lists it as %s", listed)
			}
		})
	}
}

// A workload of which something is shared does not have its scope kept: whom the share
// lets do what is to be asked. One of which nothing is shared is not held up by it.
func TestScopeOfWhatIsShared(t *testing.T) {
	const (
		pipeline = "arn:aws:sagemaker:eu-west-1:" + worldAccount + ":pipeline/p"
		shareARN = "arn:aws:ram:eu-west-1:" + worldAccount + ":resource-share/s"
	)
	share := func(status, more string) estate.Asset {
		a := told(shareARN, shareType, `{"resourceShareArn":"`+shareARN+`","status":"`+status+`"`+more+`}`)
		a.Region = "eu-west-1"
		return a
	}
	whole := `,"ListResources":{"resources":[{"arn":"` + pipeline + `"}]},"ListPrincipals":{"principals":[{"id":"999999999999"}]}`
	const about = "AWS RAM shares of it"
	tests := map[string]struct {
		share estate.Asset
		says  string // empty: nothing of shares
	}{
		"shared":                 {share("ACTIVE", whole), about + " " + pipeline + " with 999999999999"},
		"no more":                {share("DELETED", whole), ""},
		"with whom was not read": {share("ACTIVE", `,"ListResources":{"resources":[{"arn":"`+pipeline+`"}]}`), "with whom"},
		"what was not read":      {share("ACTIVE", ""), "what " + shareARN + " shares was not read"},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			m := worldOf(t, func(b *estate.Builder) {
				b.Covered(estate.Coverage{Type: shareType, Account: worldAccount, Region: "eu-west-1"})
				for _, kind := range []string{"AWS::IAM::User", "AWS::IAM::Role"} {
					b.Covered(estate.Coverage{Type: kind, Account: worldAccount})
				}
			}, tt.share, told(pipeline, "AWS::SageMaker::Pipeline", `{}`))
			v := newView(m.snap, []finding.Workload{{ID: "w", Name: "w", Roots: []string{pipeline}, Members: []string{pipeline}}})
			o, err := v.survey(context.Background(), v.climb)
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.judge(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(got[0].list, func(c finding.Criterion) bool { return c.ID == "access.scope" })
			if at < 0 {
				t.Fatalf("no access.scope among %+v", got[0].list)
			}
			scope := got[0].list[at]
			if tt.says == "" {
				if scope.Status == finding.CriterionUnknown || strings.Contains(scope.Reason, about) {
					t.Errorf("%s: %s", scope.Status, scope.Reason)
				}
				return
			}
			if scope.Status != finding.CriterionUnknown || !strings.Contains(scope.Reason, tt.says) {
				t.Errorf("%s: %s, want unknown: %s", scope.Status, scope.Reason, tt.says)
			}
		})
	}
}
