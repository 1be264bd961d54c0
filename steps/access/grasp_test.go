package access

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// drawEstate makes an account of roles, a user and a stranger over a few buckets,
// models, secrets and keys, with policies that overlap in every way.
func drawEstate(t *rapid.T) (assets []estate.Asset, roots []string) {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	resources := []string{"*", "arn:aws:s3:::b*", "arn:aws:s3:::ba/*", "arn:aws:s3:::bb", "arn:aws:s3:::bb/*", "arn:aws:sagemaker:*:*:model/m?", "arn:aws:sagemaker:eu-west-1:" + worldAccount + ":model/ma",
		"arn:aws:secretsmanager:*:*:secret:s*", "arn:aws:s3:::${aws:PrincipalTag/team}/*", "arn:aws:kms:*:*:key/k1", "arn:aws:iam::*:role/*"}
	statement := func(label, more string) string {
		effect := pick(label+" effect", "Allow", "Allow", "Allow", "Deny")
		action := pick(label+" action", "*", "s3:*", "s3:GetObject", "s3:Put*", "sagemaker:D*", "sagemaker:*", "secretsmanager:GetSecretValue", "kms:*", "sts:AssumeRole")
		element := pick(label+" element", "Action", "Action", "Action", "NotAction")
		resource := pick(label+" resources", "Resource", "Resource", "Resource", "NotResource")
		condition := pick(label+" condition", "", "", "", `,"Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`, `,"Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}`,
			`,"Condition":{"StringNotEquals":{"aws:PrincipalTag/team":"red"}}`, `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`)
		return fmt.Sprintf(`{"Effect":%q,%q:%q,%q:%q%s%s}`, effect, element, action, resource, pick(label+" resource", resources...), condition, more)
	}
	document := func(label, more string) string {
		var out []string
		for i := range rapid.IntRange(1, 3).Draw(t, label+" statements") {
			out = append(out, statement(fmt.Sprint(label, i), more))
		}
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(out, ",") + `]}`
	}
	const me = "arn:aws:iam::" + worldAccount + ":"
	for i := range 2 {
		id := fmt.Sprintf(me+"policy/p%d", i)
		assets = append(assets, told(id, "AWS::IAM::ManagedPolicy", `{"DefaultVersionId":"v1","PolicyVersionList":[{"VersionId":"v1","IsDefaultVersion":true,"Document":`+document(id, "")+`}]}`, details))
	}
	trusts := []string{`{"AWS":"` + worldAccount + `"}`, `{"Service":"sagemaker.amazonaws.com"}`, `{"AWS":"` + me + `role/r0"}`, `"*"`, `{"AWS":"999999999999"}`}
	for i := range 3 {
		id := fmt.Sprintf(me+"role/r%d", i)
		bound := ""
		if rapid.Bool().Draw(t, id+" bounded") {
			bound = `,"PermissionsBoundary":{"PermissionsBoundaryArn":"` + me + `policy/p1"}`
		}
		a := told(id, "AWS::IAM::Role", `{"RoleName":"r","AttachedManagedPolicies":[{"PolicyArn":"`+me+`policy/p0"}],"RolePolicyList":[{"PolicyName":"own","PolicyDocument":`+document(id, "")+`}],
			"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":`+pick(id+" trust", trusts...)+`}]}`+bound+`}`, details)
		a.Tags = map[string]string{"team": pick(id+" team", "ba", "red")}
		assets = append(assets, a)
		roots = append(roots, id)
	}
	assets = append(assets, told(me+"user/u", "AWS::IAM::User", `{"UserName":"u","GroupList":[],"AttachedManagedPolicies":[],"UserPolicyList":[{"PolicyName":"own","PolicyDocument":`+document("user", "")+`}]}`, details))
	who := []string{"", "", `"*"`, `{"AWS":"` + worldAccount + `"}`, `{"AWS":"` + me + `role/r1"}`, `{"AWS":"999999999999"}`, `{"Service":"sagemaker.amazonaws.com"}`}
	own := func(id, typ, key, member, reads string) {
		p := pick(id+" principal", who...)
		config := `{}`
		if p != "" {
			config = `{"` + key + `":{"` + member + `":` + document(id, `,"Principal":`+p) + `}}`
		}
		a := told(id, typ, config, reads, "x:GetPublicAccessBlock", "x:ListGrants")
		a.Tags = map[string]string{"team": pick(id+" tag", "red", "blue")}
		assets = append(assets, a)
		roots = append(roots, id)
	}
	for _, name := range []string{"ba", "bb", "c"} {
		own("arn:aws:s3:::"+name, "AWS::S3::Bucket", "GetBucketPolicy", "Policy", "s3:GetBucketPolicy")
	}
	own("arn:aws:kms:eu-west-1:"+worldAccount+":key/k1", "AWS::KMS::Key", "GetKeyPolicy", "Policy", "kms:GetKeyPolicy")
	own("arn:aws:secretsmanager:eu-west-1:"+worldAccount+":secret:s1", "AWS::SecretsManager::Secret", "GetResourcePolicy", "ResourcePolicy", "secretsmanager:GetResourcePolicy")
	for _, name := range []string{"ma", "mb", "n"} {
		a := told("arn:aws:sagemaker:eu-west-1:"+worldAccount+":model/"+name, "AWS::SageMaker::Model", `{}`, "sagemaker:DescribeModel")
		a.Tags = map[string]string{"team": pick(name+" tag", "red", "blue")}
		assets = append(assets, a)
		roots = append(roots, a.ID)
	}
	return assets, roots
}

// TestGraspProperty holds that asking about one object of each run and one
// identity of each class says of every pair what the engine says of it.
func TestGraspProperty(t *testing.T) {
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
		m, err := NewAmazon(context.Background(), snap)
		if err != nil {
			t.Fatal(err)
		}
		v := newView(snap, []finding.Workload{{ID: "w", Name: "w", Roots: roots, Members: roots}})
		if _, err := v.survey(context.Background()); err != nil {
			t.Fatal(err)
		}
		got, err := v.newGrasps(m).all(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var open spans // given to everyone
		if n, ok := snap.Find(aws.Everyone); ok {
			k := &graspMaker{v: v}
			open = k.trusting(n)
			if o := v.own[n]; o != nil {
				open = join(open, o.reach.any())
			}
		}
		for _, n := range v.people {
			id := snap.Asset(n).ID
			p, ok := m.world.Principal(strings.TrimPrefix(id, "set://principals/"))
			if !ok {
				continue
			}
			g := got[n]
			if g == nil {
				g = &grasp{}
			}
			for i := range v.objects.all {
				o := &v.objects.all[i]
				if o.id == id {
					continue
				}
				var want [nAbilities]iam.Decision
				for k := range want {
					want[k] = iam.Deny
				}
				for _, d := range v.deedsOf(o) {
					if is := asked(m.world, iam.Request{Principal: p, Action: d.action, Resource: o.id + d.inside}); rank(is) > rank(want[d.ability]) {
						want[d.ability] = is
					}
				}
				for k := range want {
					is := iam.Deny
					switch {
					case g.sure[k].has(int32(i)):
						is = iam.Allow
					case g.tied[k].has(int32(i)):
						is = iam.Conditional
					case g.open[k].has(int32(i)):
						is = iam.Unknown
					}
					if is == iam.Deny && p.ARN != "*" && open.has(int32(i)) {
						continue
					}
					if is != want[k] {
						t.Errorf("%s %s %s: %s, want %s", id, abilities[k], o.id, is, want[k])
					}
				}
			}
		}
	})
}
