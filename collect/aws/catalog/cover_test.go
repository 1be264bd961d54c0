package catalog

import (
	"slices"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Of a file that was not read whole no list is covered, wherever the damage lies;
// other types and places are.
func TestCutFilesCoverNothing(t *testing.T) {
	const (
		account = "111122223333"
		first   = `{"repositories":[{"repositoryArn":"arn:aws:ecr:eu-west-1:111122223333:repository/a","repositoryName":"a","registryId":"111122223333"}]}`
		users   = `{"UserDetailList":[{"UserName":"u","Arn":"arn:aws:iam::111122223333:user/u"}],"GroupDetailList":[],"RoleDetailList":[],"Policies":[]}`
	)
	repositories := estate.Coverage{Type: "AWS::ECR::Repository", Account: account, Region: "eu-west-1"}
	roles := estate.Coverage{Type: "AWS::IAM::Role", Account: account}
	ecr := func(path string) estate.Document {
		return estate.Document{Path: path, Body: []byte(first), Partial: true}
	}
	tests := map[string]struct {
		docs []estate.Document
		cut  string
		of   estate.Coverage
		want bool
	}{
		"whole":                {docs: []estate.Document{ecr("111122223333/ecr/describe-repositories.json")}, of: repositories, want: true},
		"cut":                  {docs: []estate.Document{ecr("111122223333/ecr/describe-repositories.json")}, cut: "111122223333/ecr/describe-repositories.json", of: repositories},
		"named_by_nothing":     {docs: []estate.Document{ecr("some/reply.json")}, cut: "some/reply.json", of: repositories},
		"another_file_lost":    {docs: []estate.Document{ecr("111122223333/ecr/describe-repositories/one.json")}, cut: "111122223333/ecr/describe-repositories/two.json", of: repositories},
		"another_region_lost":  {docs: []estate.Document{ecr("eu-west-1/ecr/describe-repositories.json")}, cut: "us-east-1/ecr/describe-repositories.json", of: repositories, want: true},
		"another_account_lost": {docs: []estate.Document{ecr("111122223333/ecr/describe-repositories.json")}, cut: "444455556666/ecr/describe-repositories.json", of: repositories, want: true},
		"another_type_lost":    {docs: []estate.Document{ecr("111122223333/ecr/describe-repositories.json")}, cut: "111122223333/lambda/list-functions.json", of: repositories, want: true},
		"several_lists_in_one": {docs: []estate.Document{{Path: "111122223333/iam/get-account-authorization-details.json", Body: []byte(users)}}, cut: "111122223333/iam/get-account-authorization-details.json", of: roles},
		"several_lists_whole":  {docs: []estate.Document{{Path: "111122223333/iam/get-account-authorization-details.json", Body: []byte(users)}}, of: roles, want: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := NewExport()
			if err != nil {
				t.Fatal(err)
			}
			var s shelf
			for _, d := range tt.docs {
				if !e.Read(d, &s) {
					t.Fatalf("%s: not understood", d.Path)
				}
			}
			if tt.cut != "" {
				e.Cut(estate.Document{Path: tt.cut})
			}
			e.Flush(&s)
			if got := slices.Contains(s.covered, tt.of); got != tt.want {
				t.Errorf("covered %v, want %v: %v", got, tt.want, s.covered)
			}
		})
	}
}
