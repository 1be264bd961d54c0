package access

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// TestRelationsProperty holds that following an ability through the sets leads to
// the assets that were decided, and to no other.
func TestRelationsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		assets, roots := drawEstate(t)
		b := estate.NewBuilder(noonOf())
		for _, a := range assets {
			b.Asset(a)
		}
		snap, err := b.Build()
		if err == nil {
			snap, err = snap.Understood(context.Background(), aws.Understand)
		}
		if err != nil {
			t.Fatal(err)
		}
		work := []finding.Workload{{ID: "w", Name: "w", Roots: roots, Members: roots}}
		s := New()
		if _, err := s.Judge(context.Background(), snap, &scope.Workloads{List: work}); err != nil {
			t.Fatal(err)
		}
		d := s.Relations()
		after, err := snap.With(d.Assets, d.Relations, d.BlindSpots)
		if err != nil {
			t.Fatal(err)
		}
		v := newView(snap, work)
		if _, err := v.survey(context.Background(), v.climb); err != nil {
			t.Fatal(err)
		}
		grasps, err := v.newGrasps(v.amazon).all(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range v.people {
			g := grasps[n]
			if g == nil {
				g = &grasp{}
			}
			id := snap.Asset(n).ID
			from, ok := after.Find(id)
			if !ok {
				t.Fatalf("%s is gone", id)
			}
			for k, ability := range abilities {
				reached := after.Reach([]estate.Node{from}, estate.Filter{Types: []estate.RelationType{ability}, Tiers: []estate.Tier{estate.Possible}, Max: 2})
				for i := range v.objects.all {
					o := v.objects.all[i].id
					to, _ := after.Find(o)
					if want := g.sure[k].has(int32(i)) || g.tied[k].has(int32(i)); o != id && reached.Has(to) != want {
						t.Errorf("%s %s %s: in the graph %v, decided %v", id, ability, o, reached.Has(to), want)
					}
				}
			}
		}
	})
}

// TestAside holds that a step that is not asked for its criteria gives none, and
// no relations, but finds whom nobody answers for.
func TestAside(t *testing.T) {
	role := told(worldRole, "AWS::IAM::Role", `{"RolePolicyList":[`+allowsGet+`],"AttachedManagedPolicies":[]}`, details)
	m := worldOf(t, nil, role, told("arn:aws:s3:::b", "AWS::S3::Bucket", `{}`, "s3:GetBucketPolicy=absent"))
	work := &scope.Workloads{List: []finding.Workload{{ID: "w", Name: "w", Roots: []string{"arn:aws:s3:::b"}, Members: []string{"arn:aws:s3:::b"}}}}
	s := New().Aside(true)
	j, err := s.Judge(context.Background(), m.snap, work)
	if err != nil {
		t.Fatal(err)
	}
	if len(j.Criteria) != 0 || len(s.Relations().Relations) != 0 || len(j.Findings) != 1 || s.Seen() == nil {
		t.Errorf("%d criteria, %d relations, %d findings", len(j.Criteria), len(s.Relations().Relations), len(j.Findings))
	}
	s = New()
	if j, err = s.Judge(context.Background(), m.snap, work); err != nil {
		t.Fatal(err)
	}
	if len(j.Criteria["w"]) < 4 || len(s.Relations().Relations) == 0 {
		t.Errorf("%d criteria, %d relations", len(j.Criteria["w"]), len(s.Relations().Relations))
	}
}

// TestPublicOfAnotherAccount: who has a policy of his own for what another account
// gives to everyone can have it, and who has none cannot by being in some account.
func TestPublicOfAnotherAccount(t *testing.T) {
	const bucket = "arn:aws:s3:::theirs"
	theirs := told(bucket, "AWS::S3::Bucket", `{"GetBucketPolicy":{"Policy":{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::theirs/*"}]}}}`, "s3:GetBucketPolicy", "s3:GetPublicAccessBlock=absent")
	theirs.Account = "999988887777"
	role := func(name, policies string) estate.Asset {
		return told("arn:aws:iam::"+worldAccount+":role/"+name, "AWS::IAM::Role", `{"RolePolicyList":[`+policies+`],"AttachedManagedPolicies":[]}`, details)
	}
	m := worldOf(t, nil, theirs, role("reader", `{"PolicyName":"p","PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::theirs/*"}]}}`), role("other", ""))
	s := New()
	if _, err := s.Judge(context.Background(), m.snap, &scope.Workloads{List: []finding.Workload{{ID: "w", Name: "w", Roots: []string{bucket}, Members: []string{bucket}}}}); err != nil {
		t.Fatal(err)
	}
	d := s.Relations()
	snap, err := m.snap.With(d.Assets, d.Relations, d.BlindSpots)
	if err != nil {
		t.Fatal(err)
	}
	to, _ := snap.Find(bucket)
	for name, want := range map[string]bool{"reader": true, "other": false} {
		from, ok := snap.Find("arn:aws:iam::" + worldAccount + ":role/" + name)
		got := snap.Reach([]estate.Node{from}, estate.Filter{Types: []estate.RelationType{CanRead}, Tiers: []estate.Tier{estate.Possible}, Max: 2}).Has(to)
		if !ok || got != want {
			t.Errorf("%s can read: %v, want %v", name, got, want)
		}
	}
}
