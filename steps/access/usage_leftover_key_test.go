package access

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// A key that was granted for a job and not taken back is left over, with the event
// that tells who granted it.
func TestLeftoverGrantsOfKeys(t *testing.T) {
	const key = "arn:aws:kms:eu-west-1:" + worldAccount + ":key/11111111-1111-4111-8111-111111111111"
	ago := func(days int) string { return usageNow.AddDate(0, 0, -days).Format(time.RFC3339) }
	keyOf := func(days int, grantee string) estate.Asset {
		return told(key, "AWS::KMS::Key", fmt.Sprintf(`{"ListGrants":{"Grants":[{"GrantId":"g1","GranteePrincipal":%q,"Operations":["Decrypt"],"CreationDate":%q}]}}`, grantee, ago(days)), "kms:ListGrants")
	}
	job := told("arn:aws:sagemaker:eu-west-1:"+worldAccount+":training-job/j1", "AWS::SageMaker::TrainingJob",
		fmt.Sprintf(`{"TrainingJobStatus":"Completed","RoleArn":%q,"CreationTime":%q,"TrainingEndTime":%q}`, worldRole, ago(6), ago(3)))
	made := strings.Replace(calledBy(trailEvent("kms", "CreateGrant", `{"granteePrincipal":"`+worldRole+`","keyId":"`+key+`"}`), "arn:aws:iam::"+worldAccount+":user/ann", 6), `"responseElements":null`, `"responseElements":{"grantId":"g1","keyId":"`+key+`"}`, 1)
	listed := calledBy(trailEvent("iam", "ListRoles", `{}`), worldRole, 1)
	opened := calledBy(trailEvent("kms", "Decrypt", `{"keyId":"`+key+`"}`), worldRole, 1)
	tests := map[string]struct {
		key    estate.Asset
		events []string
		want   string
	}{
		"its role did nothing since":       {keyOf(6, worldRole), []string{made}, "unused"},
		"its role did other things since":  {keyOf(6, worldRole), []string{made, listed}, "unknown"},
		"its role opened something since":  {keyOf(6, worldRole), []string{made, opened}, ""},
		"made after the job":               {keyOf(1, worldRole), []string{listed}, ""},
		"given to somebody not to be read": {keyOf(6, "arn:aws:iam::999999999999:role/x"), []string{made}, ""},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			m := worldOf(t, nil, holder(`{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}`), job, tt.key)
			u := usageOf(t, 10, tt.events...)
			sight, err := NewSight(m.snap, u)
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.leftovers(context.Background(), u, sight, map[string]*manager{worldRole: {}}, true)
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			for _, l := range got {
				if l.Grant.Call != grantCall {
					continue
				}
				said += string(l.Status)
				if len(l.Mend) != 1 || l.Mend[0] != "aws kms revoke-grant --key-id "+key+" --grant-id g1" {
					t.Errorf("mend %q", l.Mend)
				}
			}
			if said != tt.want {
				t.Errorf("%q, want %q (%+v)", said, tt.want, got)
			}
		})
	}
}
