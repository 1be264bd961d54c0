package access

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	provider "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// A pod whose roles nobody read is not refused what those roles may.
func TestPodsWhoseRolesWereNotRead(t *testing.T) {
	account := estate.Asset{ID: "k8s://prod/serving/ServiceAccount/model", Type: "v1/ServiceAccount", Cloud: estate.Kubernetes, Account: "prod", Region: "serving", Name: "model", Config: []byte(`{"metadata":{"name":"model","namespace":"serving"}}`)}
	pod := estate.Asset{ID: "k8s://prod/serving/Pod/llm", Type: "v1/Pod", Cloud: estate.Kubernetes, Account: "prod", Region: "serving", Name: "llm", Config: []byte(`{"metadata":{"name":"llm","namespace":"serving"},"spec":{"serviceAccountName":"model","containers":[{"name":"c"}]}}`)}
	associations := estate.Coverage{Type: "AWS::EKS::PodIdentityAssociation", Account: worldAccount, Region: "eu-west-1"}
	accounts := estate.Coverage{Type: "v1/ServiceAccount", Account: "prod"}
	clusters := estate.Coverage{Type: "AWS::EKS::Cluster", Account: worldAccount, Region: "eu-west-1"}
	other := eksOf("API")
	other.ID, other.Name, other.Config = strings.Replace(other.ID, "/prod", "/elsewhere", 1), "elsewhere", []byte(`{"name":"elsewhere"}`)
	tests := map[string]struct {
		assets  []estate.Asset
		covered []estate.Coverage
		want    iam.Decision
		says    string
	}{
		"all read":                   {[]estate.Asset{eksOf("API"), account, pod}, []estate.Coverage{associations}, iam.Deny, ""},
		"account is not there":       {[]estate.Asset{eksOf("API"), pod}, []estate.Coverage{associations, accounts}, iam.Deny, ""},
		"account not read":           {[]estate.Asset{eksOf("API"), pod}, []estate.Coverage{associations}, iam.Unknown, "ServiceAccount/model was not read"},
		"associations not read":      {[]estate.Asset{eksOf("API"), account, pod}, nil, iam.Unknown, "eks:ListPodIdentityAssociations"},
		"EKS not read":               {[]estate.Asset{account, pod}, nil, iam.Unknown, "eks:ListClusters"},
		"no cluster of EKS there is": {[]estate.Asset{account, pod}, []estate.Coverage{clusters}, iam.Deny, ""},
		"it may be the other one":    {[]estate.Asset{other, account, pod}, []estate.Coverage{clusters, associations}, iam.Unknown, "is one of EKS's (elsewhere)"},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			b := estate.NewBuilder(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
			for _, a := range tt.assets {
				b.Asset(a)
			}
			for _, c := range tt.covered {
				b.Covered(c)
			}
			snap, err := b.Build()
			if err == nil {
				snap, err = snap.Understood(context.Background(), func(a *estate.Asset) estate.Understanding {
					if a.Cloud == estate.Kubernetes {
						return provider.Understand(a)
					}
					return aws.Understand(a)
				})
			}
			if err != nil {
				t.Fatal(err)
			}
			all, err := Everywhere(context.Background(), snap)
			if err != nil {
				t.Fatal(err)
			}
			q := Question{Principal: pod.ID, Action: "s3:GetObject", Resource: "arn:aws:s3:::weights/a"}
			a, err := all[0].Can(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			if a.Decision != tt.want || !strings.Contains(strings.Join(a.Unknown, "\n"), tt.says) {
				t.Errorf("can: %s %q, want %s %q", a.Decision, a.Unknown, tt.want, tt.says)
			}
			holders, err := all[0].WhoCan(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			whole := slices.IndexFunc(holders, func(h Holder) bool { return h.Principal == "k8s://prod//*" }) >= 0
			if want := tt.says != "" && !strings.Contains(tt.says, "model"); whole != want {
				t.Errorf("who-can names the cluster's unknown accounts: %t, want %t", whole, want)
			}
		})
	}
}
