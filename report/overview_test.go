package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// sampleOverview is who may touch AI at Harbour.
func sampleOverview() *Overview {
	return &Overview{Assets: 38, All: 45, Human: 2, Machine: 2, Unknown: 1, Ownerless: 2,
		Identities: []OverviewIdentity{
			{ID: "arn:aws:iam::210000000001:root", Account: "210000000001", Kind: "human", Why: "the root user of the account", Origin: "root user", Administer: 19, Change: 19, Run: 19, Read: 19,
				May: "administer 19, change 19, run 19, read 19", Workloads: 4, LastUsed: "2026-10-02", KeyDays: -1, MFA: "no", NoOwner: "the account's own",
				By: []string{"the root user may do everything in its account: administer, change, run, read 19 assets"}},
			{ID: "arn:aws:iam::210000000001:role/harbour-eta-train", Account: "210000000001", Kind: "machine", Why: "taken by the service sagemaker.amazonaws.com", Origin: "role", Administer: 19, Change: 19, Run: 19, Read: 17,
				May: "administer 19, change 19, run 19, read 17", Tied: "d", Workloads: 4, LastUsed: "2026-11-19, in eu-west-1", KeyDays: -1, Ownerless: true,
				By:    []string{"arn:aws:iam::aws:policy/AdministratorAccess statement 0: administer, change, run, read 19 assets"},
				Notes: []string{"may refuse some: their own policies: administer, change, run, read 2 assets"}},
			{ID: "arn:aws:iam::777788889999:root", Account: "777788889999", Kind: "unknown", Why: "whoever account 777788889999 permits; that account was not read", Origin: "account", Run: 11, Read: 9,
				May: "run 11 (2 under conditions), read 9", Tied: "r", Workloads: 2, LastUsed: "not told", KeyDays: -1, NoOwner: "another account's",
				By: []string{"in the place of arn:aws:iam::210000000001:role/crane-vision-vendor: run, read 11 assets; depends on sts:ExternalId"}},
			{ID: "k8s://harbour/lab/ServiceAccount/notebook-with-a-name-that-is-long", Account: "harbour", Kind: "machine", Why: "pods act as it", Origin: "service account", Change: 7,
				May: "change 7", Workloads: 1, LastUsed: "not told", KeyDays: 412, Ownerless: true, By: []string{"k8s://harbour//ClusterRoleBinding/notebook-admin gives k8s://harbour//ClusterRole/cluster-admin rule 0: change 7 assets"}},
			{ID: "arn:aws:iam::210000000001:user/mara.lindqvist", Account: "210000000001", Kind: "human", Why: "signs in to the console with a password", Origin: "user", Read: 10,
				May: "read 10", Workloads: 2, LastUsed: "2026-11-19", KeyDays: 20, MFA: "yes", Owner: "ml-platform (tag team)", By: []string{"arn:aws:iam::210000000001:policy/data-scientist statement 1: read 10 assets"}},
		},
		Accounts:  []OverviewAccount{{Account: "210000000001", All: 30, Human: 2, Machine: 1, Ownerless: 1}, {Account: "777788889999", All: 1, Unknown: 1}, {Account: "harbour", All: 14, Machine: 1, Ownerless: 1}},
		Workloads: []OverviewWorkload{{Name: "eta", Assets: 9, Human: 2, Machine: 1, Unknown: 1, Ownerless: 1}},
		Unread:    []string{"own policy of 2 AI assets was not read (s3:GetBucketPolicy): whom it names is unknown"},
	}
}

func TestOverviewText(t *testing.T) {
	for name, all := range map[string]bool{"identities.txt": false, "identities.all.txt": true} {
		var buf bytes.Buffer
		if err := OverviewText(&buf, sampleOverview(), Options{Width: 100}, all); err != nil {
			t.Fatal(err)
		}
		golden(t, name, buf.String())
	}
}

// However many identities there are, text, page and report stay short, and say
// what they leave out.
func TestOverviewIsBounded(t *testing.T) {
	doc := harbour()
	one := doc.Overview.Identities[1]
	for i := range 20000 {
		one.ID = fmt.Sprintf("arn:aws:iam::210000000001:role/r%05d", i)
		doc.Overview.Identities = append(doc.Overview.Identities, one)
	}
	doc.Overview.Machine += 20000
	for format, most := range map[string]int{"txt": 40 << 10, "json": 400 << 10, "html": 2 << 20} {
		text := render(t, format, doc)
		if len(text) > most {
			t.Errorf("%s: %d bytes", format, len(text))
		}
		if format != "json" && !strings.Contains(strings.Join(strings.Fields(text), " "), "more, who may do less") {
			t.Errorf("%s does not say that identities are left out", format)
		}
	}
	if err := validate(schema(t, reportSchema), render(t, "json", doc)); err != nil {
		t.Error(err)
	}
}
