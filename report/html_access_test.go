package report

import (
	"fmt"
	"strings"
	"testing"
)

func TestAccessIsSummedUp(t *testing.T) {
	doc := harbour()
	grants := []AccessGrant{{Principal: "set://principals/*", Class: "everyone", Via: "p0"}}
	for i := range 12 {
		grants = append(grants, AccessGrant{Principal: fmt.Sprintf("arn:aws:iam::1:role/r%02d", i), Class: "machine", Via: "p1", Conditional: i == 0})
	}
	grants = append(grants, AccessGrant{Principal: "arn:aws:iam::1:user/jo", Class: "person", Via: "p2"}, AccessGrant{Principal: "arn:aws:iam::1:user/mo", Class: "person", Via: "p2"})
	doc.Access = []Access{{Workload: "w-eta-train", Asset: "a", Grants: grants}, {Workload: "w-eta-train", Asset: "b", Grants: grants[:1]}, {Workload: "w-eta", Asset: "c"}}
	v := accessViews(doc.Access)["w-eta-train"]
	if v.Summary != "everyone, 2 people, 12 machines" || len(v.Top) != accessTop || v.Left != 5 {
		t.Fatalf("%+v", v)
	}
	if v.Top[0].Class != "everyone" || v.Top[0].Assets != "2 assets" || v.Top[0].Via != "p0 and 1 more way" || !strings.HasSuffix(v.Top[3].Via, "(with conditions)") {
		t.Errorf("%+v", v.Top)
	}
	page := render(t, "html", doc)
	for _, want := range []string{"Who direct policy names: everyone, 2 people, 12 machines", "Who direct policy names: nobody, in the policies that were read", "and 5 more: <code>sevenfold access</code>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(render(t, "json", doc), "set://principals") {
		t.Error("access is in the JSON report, whose schema does not know it")
	}
}

func TestMany(t *testing.T) {
	for want, got := range map[string]string{"2 more ways": many(2, "more way"), "2 identities": many(2, "identity"), "1 asset": many(1, "asset"), "1,000 assets": many(1000, "asset")} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
