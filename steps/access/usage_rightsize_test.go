package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

var usageNow = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// allTrail is a trail that logs everything, s3 data events too.
func allTrail(types ...string) estate.Asset {
	fields := []string{`{"FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]}]}`}
	for _, typ := range types {
		fields = append(fields, `{"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["`+typ+`"]}]}`)
	}
	return told("arn:aws:cloudtrail:eu-west-1:"+worldAccount+":trail/all", "AWS::CloudTrail::Trail",
		`{"GetTrailStatus":{"IsLogging":true},"GetEventSelectors":{"AdvancedEventSelectors":[`+strings.Join(fields, ",")+`]}}`)
}

// usageOf reads events and, so that the window counts as seen, one of somebody else
// on each day.
func usageOf(t interface{ Fatal(...any) }, windowDays int, events ...string) *Usage {
	u := NewUsage(usageNow.AddDate(0, 0, -windowDays), usageNow)
	for d := range windowDays + 1 {
		at := usageNow.AddDate(0, 0, -d)
		events = append(events, `{"eventTime":"`+at.Format(time.RFC3339)+`","eventID":"d","eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","awsRegion":"eu-west-1","recipientAccountId":"`+worldAccount+`","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::`+worldAccount+`:user/other"}}`)
	}
	for _, e := range events {
		if err := u.Read([]byte(e), "c"); err != nil {
			t.Fatal(err)
		}
	}
	u.Sort()
	return u
}

// calledBy changes who called, and when.
func calledBy(event, arn string, daysAgo int) string {
	event = strings.Replace(event, "2026-11-20T10:00:00Z", usageNow.AddDate(0, 0, -daysAgo).Format(time.RFC3339), 1)
	i, j := strings.Index(event, `"userIdentity":`), strings.Index(event, `,"requestParameters"`)
	return event[:i] + `"userIdentity":{"type":"IAMUser","arn":"` + arn + `"}` + event[j:]
}

func holder(statements string) estate.Asset {
	return told(worldRole, "AWS::IAM::Role", `{"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[`+statements+`]}}],"AttachedManagedPolicies":[]}`, details)
}

func sizedOf(t testing.TB, m *Amazon, u *Usage, strict bool) *Sized {
	t.Helper()
	sight, err := NewSight(m.snap, u)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Rightsize(context.Background(), worldRole, Sizer{Usage: u, Sight: sight, Strict: strict, After: 14})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestRightsizeNeverLosesACall makes calls at random, some of which today's policies
// allow, and decides each of them again by the documents that are proposed, read
// anew: what was allowed is allowed, and nothing is allowed that was not.
func TestRightsizeNeverLosesACall(t *testing.T) {
	statements := []string{
		`{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::lake","arn:aws:s3:::lake/*"]}`,
		`{"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`,
		`{"Effect":"Allow","Action":"sagemaker:*","Resource":"*"}`,
		`{"Effect":"Allow","NotAction":["iam:*","s3:*"],"Resource":"*"}`,
		`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::` + worldAccount + `:role/run*"}`,
		`{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}`,
		`{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::home/${aws:PrincipalTag/team}/*"}`,
	}
	calls := []func(i int) string{
		func(i int) string {
			return trailEvent("s3", "GetObject", fmt.Sprintf(`{"bucketName":"lake","key":"a/%d"}`, i), `"sourceIPAddress":"192.0.2.9"`)
		},
		func(i int) string {
			return trailEvent("s3", "PutObject", fmt.Sprintf(`{"bucketName":"lake","key":"b/%d"}`, i), `"sourceIPAddress":"198.51.100.7"`)
		},
		func(i int) string {
			return trailEvent("s3", "GetObject", fmt.Sprintf(`{"bucketName":"other","key":"%d"}`, i), `"sourceIPAddress":"192.0.2.9"`)
		},
		func(i int) string { return trailEvent("s3", "DeleteObject", `{"bucketName":"lake","key":"x"}`) },
		func(i int) string {
			return trailEvent("sagemaker", "CreateTrainingJob", fmt.Sprintf(`{"trainingJobName":"j%d","roleArn":"arn:aws:iam::%s:role/run%d"}`, i, worldAccount, i%3))
		},
		func(i int) string { return trailEvent("sagemaker", "DescribeEndpoint", `null`) },
		func(i int) string { return trailEvent("ec2", "DescribeInstances", `{}`) },
		func(i int) string { return trailEvent("ec2", "RunInstances", `{"imageId":"ami-1"}`) },
		func(i int) string { return trailEvent("s3", "ListObjects", `{"bucketName":"lake"}`) },
		func(i int) string { return trailEvent("kms", "Decrypt", `{"keyId":"alias/x"}`) },
	}
	rapid.Check(t, func(t *rapid.T) {
		var has []string
		for i, on := range rapid.SliceOfN(rapid.Bool(), len(statements), len(statements)).Draw(t, "statements") {
			if on {
				has = append(has, statements[i])
			}
		}
		has = append(has, statements[2])
		var events []string
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, len(calls)*20-1), 1, 40).Draw(t, "calls") {
			events = append(events, calls[n%len(calls)](n/len(calls)))
		}
		b := estate.NewBuilder(usageNow)
		b.Asset(holder(strings.Join(has, ",")))
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
		for i := range events {
			events[i] = calledBy(events[i], worldRole, 1)
		}
		u := usageOf(t, 5, events...)
		sight, err := NewSight(snap, u)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Rightsize(context.Background(), worldRole, Sizer{Usage: u, Sight: sight, Strict: rapid.Bool().Draw(t, "strict"), After: 14})
		if err != nil {
			t.Fatal(err)
		}
		if got.Decision == "unknown" {
			t.Fatalf("unknown: %v", got.Problems)
		}
		before, _ := m.world.Principal(worldRole)
		after := *before
		after.Policies = nil
		for i, doc := range got.Policies {
			after.Policies = append(after.Policies, m.world.Parse(fmt.Sprint("new", i), doc))
		}
		for _, e := range events {
			for _, one := range usesOfEvent(t, e) {
				if one.Action == "" {
					continue
				}
				for _, r := range one.Resources {
					if r == "*" && one.Untold {
						continue // on what it was, nobody knows
					}
					q := iam.Request{Principal: before, Action: one.Action, Resource: r, Literal: true, Context: one.Context}
					was := m.world.Decide(q)
					q.Principal = &after
					if is := m.world.Decide(q); is < was && was >= iam.Conditional {
						t.Fatalf("%s on %s was %s and is %s by\n%s", one.Action, r, was, is, got.Policies)
					}
				}
			}
		}
		if c := m.world.Compare(before.Policies, after.Policies); got.Decision == "proved" && c.Broader != "no" {
			t.Fatalf("broader: %+v", c)
		}
	})
}

func usesOfEvent(t interface{ Fatal(...any) }, text string) []Use {
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r.uses()
}

// What no log would show is kept; where a trail logs it, what was not seen goes.
func TestRightsizeKeepsWhatNobodyWouldSee(t *testing.T) {
	policy := holder(`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","sagemaker:*"],"Resource":"*"}`)
	event := calledBy(trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a"}`), worldRole, 1)
	for name, tt := range map[string]struct {
		assets       []estate.Asset
		strict       bool
		holds, lacks []string
	}{
		"no trail read":         {nil, false, []string{"s3:PutObject", "sagemaker:InvokeEndpoint"}, []string{"sagemaker:CreateModel"}},
		"a trail that sees S3":  {[]estate.Asset{allTrail("AWS::S3::Object")}, false, []string{"arn:aws:s3:::lake/a", "sagemaker:InvokeEndpoint"}, []string{"s3:PutObject"}},
		"the logs are trusted":  {nil, true, []string{"arn:aws:s3:::lake/a"}, []string{"s3:PutObject", "sagemaker:InvokeEndpoint"}},
		"a trail that does not": {[]estate.Asset{allTrail()}, false, []string{"s3:PutObject"}, []string{"sagemaker:CreateModel"}},
	} {
		got := sizedOf(t, worldOf(t, nil, append(tt.assets, policy)...), usageOf(t, 5, event), tt.strict)
		text := fmt.Sprintf("%s", got.Policies)
		if got.Decision != "proved" || got.Kept != got.Seen {
			t.Errorf("%s: %s, %d of %d, %v", name, got.Decision, got.Kept, got.Seen, got.Problems)
		}
		for _, s := range tt.holds {
			if !strings.Contains(text, s) {
				t.Errorf("%s: lacks %s: %s", name, s, text)
			}
		}
		for _, s := range tt.lacks {
			if strings.Contains(text, `"`+s+`"`) {
				t.Errorf("%s: holds %s: %s", name, s, text)
			}
		}
	}
}

// Whoever's policies, or whose calls, nobody knows gets no proposal.
func TestRightsizeUnknown(t *testing.T) {
	dark := told(worldRole, "AWS::IAM::Role", `{"RolePolicyList":[`+allowsGet+`],"AttachedManagedPolicies":[{"PolicyArn":"arn:aws:iam::`+worldAccount+`:policy/gone"}]}`, details)
	event := calledBy(trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a"}`), worldRole, 1)
	for name, tt := range map[string]struct {
		role estate.Asset
		u    *Usage
		want string
	}{
		"a policy that was not read": {dark, usageOf(t, 5, event), "its document was not read"},
		"no log":                     {holder(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`), NewUsage(usageNow.AddDate(0, 0, -5), usageNow), "no log shows an event"},
		"no call":                    {holder(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`), usageOf(t, 5), "no log shows a call of it"},
	} {
		got := sizedOf(t, worldOf(t, nil, tt.role), tt.u, false)
		if got.Decision != "unknown" || len(got.Policies) > 0 || len(got.Stages) > 0 || !strings.Contains(strings.Join(got.Problems, "\n"), tt.want) {
			t.Errorf("%s: %s, %v", name, got.Decision, got.Problems)
		}
	}
}

// The first stage refuses what is not kept, and everything it makes is undone by
// what cancels it; the second stage puts back what it takes.
func TestStagesAreUndone(t *testing.T) {
	role := told(worldRole, "AWS::IAM::Role", `{"RolePolicyList":[`+allowsGet+`],"AttachedManagedPolicies":[{"PolicyArn":"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}]}`, details)
	got := sizedOf(t, worldOf(t, nil, role), usageOf(t, 5, calledBy(trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a"}`), worldRole, 1)), true)
	if len(got.Stages) != 2 {
		t.Fatalf("%+v", got)
	}
	count := func(list []string, word string) int {
		return len(slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !strings.Contains(s, word) }))
	}
	first, second := got.Stages[0], got.Stages[1]
	for did, undo := range map[string]string{"iam create-policy ": "iam delete-policy ", "attach-role-policy": "detach-role-policy"} {
		if a, b := count(first.Commands, did), count(first.Cancel, undo); a == 0 || a != b {
			t.Errorf("%d times %s, %d times %s", a, did, b, undo)
		}
	}
	if count(second.Commands, "detach-role-policy --role-name r --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess") != 1 || count(second.Cancel, "attach-role-policy") != 1 ||
		count(second.Commands, "delete-role-policy --role-name r --policy-name p") != 1 || count(second.Cancel, "put-role-policy") != 1 {
		t.Errorf("%q undone by %q", second.Commands, second.Cancel)
	}
	for _, c := range slices.Concat(first.Commands, second.Cancel) {
		if _, file, ok := strings.Cut(c, "file://"); ok {
			file, _, _ = strings.Cut(file, " ")
			if len(got.Files[file]) == 0 {
				t.Errorf("%s names a document that is not there: %v", c, ordered(got.Files))
			}
		}
	}
	w := iam.NewWorld()
	p := &iam.Principal{ARN: worldRole, Kind: iam.Role, Account: worldAccount, Name: "r", Policies: []*iam.Policy{
		w.Parse("all", []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)), w.Parse("deny", got.Files["sevenfold-r-scheduled-removal.json"])}}
	w.AddPrincipal(p)
	w.AddAccount(&iam.Account{ID: worldAccount})
	for action, want := range map[string]iam.Decision{"s3:GetObject": iam.Allow, "s3:ListBucket": iam.Deny} {
		if d := w.Decide(iam.Request{Principal: p, Action: action, Resource: anObject}); d != want {
			t.Errorf("with the first stage's refusal %s is %s, want %s", action, d, want)
		}
	}
}
