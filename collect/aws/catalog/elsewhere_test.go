package catalog

import (
	"fmt"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// A key of several regions has one id in all of them, a role of two accounts one
// name: a reply is about the one of its own place, whichever is listed first.
func TestRepliesStayInTheirPlace(t *testing.T) {
	const id = "mrk-1234567890abcdef1234567890abcdef"
	arn := func(account, region string) string {
		return fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", region, account, id)
	}
	place := func(account, region, principal string) []doc {
		at := account + "/" + region + "/kms/"
		return []doc{
			{at + "describe-key/" + id + ".json", fmt.Sprintf(`{"KeyMetadata":{"KeyId":%q,"Arn":%q,"KeyManager":"CUSTOMER"}}`, id, arn(account, region))},
			{at + "get-key-policy/" + id + ".json", fmt.Sprintf(`{"Policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"%s\",\"Action\":\"kms:*\",\"Resource\":\"*\"}]}"}`, principal)},
			{at + "list-keys.json", fmt.Sprintf(`{"Keys":[{"KeyId":%q,"KeyArn":%q}]}`, id, arn(account, region))},
		}
	}
	for name, places := range map[string][2][2]string{
		"regions":  {{"111122223333", "eu-west-1"}, {"111122223333", "us-east-1"}},
		"accounts": {{"111122223333", "eu-west-1"}, {"444455556666", "eu-west-1"}},
	} {
		docs := []doc{}
		for i, p := range places {
			docs = append(docs, place(p[0], p[1], []string{"one", "two"}[i])...)
		}
		var shelves []*shelf
		for turn := range len(docs) { // whatever comes first
			e, err := NewExport()
			if err != nil {
				t.Fatal(err)
			}
			s := &shelf{}
			for i := range docs {
				d := docs[(i+turn)%len(docs)]
				p := places[(i+turn)%len(docs)/3]
				e.Read(estate.Document{Path: d.path, Body: []byte(d.body), Account: p[0], Region: p[1], Source: "dir:x"}, s)
			}
			e.Flush(s)
			shelves = append(shelves, s)
		}
		for turn, s := range shelves {
			for i, p := range places {
				at := arn(p[0], p[1])
				statement, _ := s.at(at, "GetKeyPolicy.Policy.Statement").([]any)
				if len(statement) != 1 || statement[0].(map[string]any)["Principal"] != []string{"one", "two"}[i] || s.at(at, "Arn") != at {
					t.Errorf("%s, turn %d: %s has policy %v and is %v", name, turn, at, statement, s.at(at, "Arn"))
				}
			}
		}
	}
	// The list of the other account is missing: its role of that name is not ours.
	e, err := NewExport()
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{}
	for _, d := range []struct{ account, path, body string }{
		{"111122223333", "iam/list-roles.json", `{"Roles":[{"RoleName":"r","RoleId":"AROA1","Arn":"arn:aws:iam::111122223333:role/r","Path":"/","CreateDate":"2026-01-01T00:00:00Z"}]}`},
		{"444455556666", "iam/list-attached-role-policies/r.json", `{"AttachedPolicies":[{"PolicyName":"AdministratorAccess","PolicyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}]}`},
	} {
		e.Read(estate.Document{Path: d.path, Body: []byte(d.body), Account: d.account, Source: "dir:x"}, s)
	}
	e.Flush(s)
	if got := s.at("arn:aws:iam::111122223333:role/r", "ListAttachedRolePolicies"); got != nil {
		t.Errorf("the role of another account has %v", got)
	}
}
