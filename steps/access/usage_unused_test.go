package access

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

func lookAt(t *testing.T, m *Amazon, u *Usage) IdentityUse {
	t.Helper()
	sight, err := NewSight(m.snap, u)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := m.world.Principal(worldRole)
	if !ok {
		t.Fatal("no role")
	}
	return m.IdentityUse(p, u, sight)
}

// Of each action and resource it is said that it is used, that it is not, or that
// nobody can tell; and the third never passes for the second.
func TestIdentityUse(t *testing.T) {
	get := calledBy(trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a"}`), worldRole, 1)
	untold := calledBy(trailEvent("sagemaker", "DescribeEndpoint", `null`), worldRole, 1)
	odd := calledBy(trailEvent("sagemaker", "NoSuchCall", `{}`), worldRole, 1)
	refused := calledBy(trailEvent("s3", "PutObject", `{"bucketName":"lake","key":"a"}`, `"errorCode":"AccessDenied"`), worldRole, 1)
	const two = `{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::lake/*","arn:aws:s3:::other/*"]}`
	last := func(services string) estate.Asset {
		a := holder(two)
		a.Config = json.RawMessage(strings.TrimSuffix(string(a.Config), "}") + `,"GetServiceLastAccessedDetails":{"JobStatus":"COMPLETED","ServicesLastAccessed":[` + services + `]}}`)
		return a
	}
	short := NewUsage(usageNow.AddDate(0, 0, -90), usageNow)
	if err := short.Read([]byte(get), ""); err != nil {
		t.Fatal(err)
	}
	broken := usageOf(t, 5, get)
	broken.Broken = []string{"x.json: byte 3: oops"}
	tests := map[string]struct {
		assets    []estate.Asset
		u         *Usage
		status    UseStatus
		used      string
		resources []UseStatus
		why       string
	}{
		"all is logged":               {[]estate.Asset{allTrail("AWS::S3::Object"), holder(two)}, usageOf(t, 5, get), UsePartly, "s3:GetObject", []UseStatus{UseUsed, UseUnused}, "no log shows it"},
		"a refused call is no use":    {[]estate.Asset{allTrail("AWS::S3::Object"), holder(two)}, usageOf(t, 5, get, refused), UsePartly, "s3:GetObject", []UseStatus{UseUsed, UseUnused}, "no log shows it"},
		"the data plane is not":       {[]estate.Asset{allTrail(), holder(two)}, usageOf(t, 5, get), UseUnknown, "s3:GetObject", []UseStatus{UseUsed, UseUnknown}, "no trail logs data events of AWS::S3::Object"},
		"whether it is, is not known": {[]estate.Asset{holder(two)}, usageOf(t, 5, get), UseUnknown, "s3:GetObject", []UseStatus{UseUsed, UseUnknown}, "is not known"},
		"the window is not covered":   {[]estate.Asset{allTrail("AWS::S3::Object"), holder(two)}, short, UseUnknown, "s3:GetObject", []UseStatus{UseUsed, UseUnknown}, "cover 0 of 90 days"},
		"a log is cut off":            {[]estate.Asset{allTrail("AWS::S3::Object"), holder(two)}, broken, UseUnknown, "s3:GetObject", []UseStatus{UseUsed, UseUnknown}, "x.json"},
		"no log":                      {[]estate.Asset{holder(two)}, NewUsage(usageNow.AddDate(0, 0, -5), usageNow), UseUnknown, "", []UseStatus{UseUnknown, UseUnknown}, "no log shows an event"},
		"IAM knows of no use":         {[]estate.Asset{last(`{"ServiceNamespace":"s3"}`)}, NewUsage(usageNow.AddDate(0, 0, -5), usageNow), UseUnused, "", []UseStatus{UseUnused, UseUnused}, "IAM knows of no use"},
		"IAM knows of an older use":   {[]estate.Asset{last(`{"ServiceNamespace":"s3","LastAuthenticated":"2026-06-01T00:00:00Z"}`)}, NewUsage(usageNow.AddDate(0, 0, -5), usageNow), UseUnused, "", []UseStatus{UseUnused, UseUnused}, "IAM knows of no use"},
		"IAM knows of the service":    {[]estate.Asset{last(`{"ServiceNamespace":"s3","LastAuthenticated":"2026-11-27T00:00:00Z"}`)}, NewUsage(usageNow.AddDate(0, 0, -5), usageNow), UseUnknown, "", []UseStatus{UseUnknown, UseUnknown}, "no log"},
		"a resource is not told":      {[]estate.Asset{allTrail(), holder(`{"Effect":"Allow","Action":"sagemaker:DescribeEndpoint","Resource":["arn:aws:sagemaker:eu-west-1:` + worldAccount + `:endpoint/a"]}`)}, usageOf(t, 5, untold), UseUsed, "sagemaker:DescribeEndpoint", []UseStatus{UseUnknown}, ""},
		"an event is not understood":  {[]estate.Asset{allTrail(), holder(`{"Effect":"Allow","Action":["sagemaker:CreateModel"],"Resource":"*"}`)}, usageOf(t, 5, odd), UseUnknown, "", []UseStatus{UseUnknown}, "of which it is not known what action they are"},
		"an action nobody knows":      {[]estate.Asset{allTrail(), holder(`{"Effect":"Allow","Action":["s3:NoSuchThing"],"Resource":"*"}`)}, usageOf(t, 5, get), UseUnknown, "", []UseStatus{UseUnknown}, "no action that is known"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := lookAt(t, worldOf(t, nil, tt.assets...), tt.u)
			if len(got.Grants) != 1 {
				t.Fatalf("%+v", got)
			}
			g := got.Grants[0]
			var used []string
			for _, a := range g.Used {
				used = append(used, a.Action)
			}
			var resources []UseStatus
			for _, r := range g.Resources {
				resources = append(resources, r.Status)
			}
			if g.Status != tt.status || strings.Join(used, " ") != tt.used {
				t.Errorf("%s, used %v: %+v", g.Status, used, g)
			}
			if d := cmp.Diff(tt.resources, resources); d != "" {
				t.Errorf("resources: %s", d)
			}
			if text := fmt.Sprintf("%+v %+v", g.Unused, g.Unknown); !strings.Contains(text, tt.why) {
				t.Errorf("%s does not say %q", text, tt.why)
			}
		})
	}
}

// A call uses the grant whose conditions it met. Where the log does not tell what a
// condition asks, it uses the one that alone can have allowed it, else nobody knows.
func TestUseUnderConditions(t *testing.T) {
	get := calledBy(trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a"}`, `"sourceIPAddress":"203.0.113.7"`), worldRole, 1)
	grant := func(condition string) string {
		if condition != "" {
			condition = `,"Condition":{` + condition + `}`
		}
		return `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/*"` + condition + `}`
	}
	from, elsewhere, tagged := grant(`"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`), grant(`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`), grant(`"StringEquals":{"aws:Referer":"x"}`)
	expired := grant(`"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`)
	tests := map[string]struct {
		statements string
		want       []UseStatus
		why        string // of the first
	}{
		"met":                    {from, []UseStatus{UseUsed}, ""},
		"not met":                {elsewhere + "," + grant(""), []UseStatus{UseUnused, UseUsed}, "no call that was seen met its conditions"},
		"both met":               {from + "," + grant(""), []UseStatus{UseUsed, UseUsed}, ""},
		"not told, and others":   {tagged + "," + grant(""), []UseStatus{UseUnknown, UseUsed}, "the log does not tell"},
		"not told, by itself":    {tagged, []UseStatus{UseUsed}, ""},
		"not told, others unmet": {tagged + "," + elsewhere, []UseStatus{UseUsed, UseUnused}, ""},
		"ended before the call":  {expired + "," + grant(""), []UseStatus{UseUnused, UseUsed}, "no call that was seen met its conditions"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := lookAt(t, worldOf(t, nil, allTrail("AWS::S3::Object"), holder(tt.statements)), usageOf(t, 5, get))
			var is []UseStatus
			for _, g := range got.Grants {
				is = append(is, g.Status)
				if len(g.Resources) != 1 || g.Resources[0].Status != g.Status {
					t.Errorf("%s: resources %+v", g.Statement, g.Resources)
				}
			}
			if d := cmp.Diff(tt.want, is); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if text := fmt.Sprintf("%+v %+v", got.Grants[0].Unused, got.Grants[0].Unknown); !strings.Contains(text, tt.why) {
				t.Errorf("%s does not say %q", text, tt.why)
			}
		})
	}
}

// What a trail logs is told from its selectors, of either form; what was not read is
// not taken for logged.
func TestSight(t *testing.T) {
	trailOf := func(config string) []estate.Asset {
		return []estate.Asset{told("arn:aws:cloudtrail:eu-west-1:"+worldAccount+":trail/t", "AWS::CloudTrail::Trail", config)}
	}
	on := func(selectors string) []estate.Asset {
		return trailOf(`{"GetTrailStatus":{"IsLogging":true},"GetEventSelectors":{` + selectors + `}}`)
	}
	tests := map[string]struct {
		trails []estate.Asset
		action string
		write  bool
		want   bool
		why    string
	}{
		"management, no trail":     {nil, "sagemaker:CreateModel", true, true, ""},
		"data, no trail":           {nil, "s3:GetObject", false, false, "no trail of account"},
		"data, unread":             {trailOf(`{}`), "s3:GetObject", false, false, "selectors were not read"},
		"data, basic, all":         {on(`"EventSelectors":[{"ReadWriteType":"All","DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}]}]`), "s3:GetObject", false, true, ""},
		"data, basic, all buckets": {on(`"EventSelectors":[{"ReadWriteType":"All","DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3:::"]}]}]`), "s3:GetObject", false, true, ""},
		"data, basic, one bucket":  {on(`"EventSelectors":[{"ReadWriteType":"All","DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3:::lake/"]}]}]`), "s3:GetObject", false, false, "some AWS::S3::Object only"},
		"data, basic, writes only": {on(`"EventSelectors":[{"ReadWriteType":"WriteOnly","DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}]}]`), "s3:GetObject", false, false, "some AWS::S3::Object only"},
		"data, basic, functions":   {on(`"EventSelectors":[{"ReadWriteType":"All","DataResources":[{"Type":"AWS::Lambda::Function","Values":["arn:aws:lambda"]}]}]`), "lambda:InvokeFunction", true, true, ""},
		"data, advanced, narrow":   {on(`"AdvancedEventSelectors":[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]},{"Field":"resources.ARN","StartsWith":["arn:aws:s3:::lake"]}]}]`), "s3:GetObject", false, false, "some AWS::S3::Object only"},
		"data, advanced, all":      {[]estate.Asset{allTrail("AWS::SageMaker::Endpoint")}, "sagemaker:InvokeEndpoint", false, true, ""},
		"data, stopped":            {trailOf(`{"GetTrailStatus":{"IsLogging":false},"GetEventSelectors":{"EventSelectors":[{"ReadWriteType":"All","DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}]}]}}`), "s3:GetObject", false, false, "no trail logs data events"},
		"never logged":             {[]estate.Asset{allTrail()}, "logs:PutLogEvents", true, false, "no trail logs it"},
		"keys left out":            {on(`"EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":true,"ExcludeManagementEventSources":["kms.amazonaws.com"]}]`), "kms:Decrypt", false, false, "leaves out events of kms"},
		"reads left out":           {on(`"EventSelectors":[{"ReadWriteType":"WriteOnly","IncludeManagementEvents":true}]`), "sagemaker:DescribeModel", false, false, "only read"},
		"writes, reads left out":   {on(`"EventSelectors":[{"ReadWriteType":"WriteOnly","IncludeManagementEvents":true}]`), "sagemaker:CreateModel", true, true, ""},
		"no management events":     {on(`"EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":false}]`), "sagemaker:CreateModel", true, false, "change something"},
		"another account's trail":  {[]estate.Asset{{ID: "arn:aws:cloudtrail:eu-west-1:999999999999:trail/t", Type: "AWS::CloudTrail::Trail", Cloud: estate.AWS, Account: "999999999999", Config: allTrail("AWS::S3::Object").Config}}, "s3:GetObject", false, false, "no trail of account"},
		"the organisation's trail": {[]estate.Asset{{ID: "arn:aws:cloudtrail:eu-west-1:999999999999:trail/t", Type: "AWS::CloudTrail::Trail", Cloud: estate.AWS, Account: "999999999999", Config: json.RawMessage(`{"IsOrganizationTrail":true,` + string(allTrail("AWS::S3::Object").Config[1:]))}}, "s3:GetObject", false, true, ""},
	}
	for name, tt := range tests {
		m := worldOf(t, nil, append(tt.trails, holder(`{"Effect":"Allow","Action":"*","Resource":"*"}`))...)
		s, err := NewSight(m.snap, NewUsage(time.Time{}, time.Time{}))
		if err != nil {
			t.Fatal(err)
		}
		if got, why := s.Sees(worldAccount, tt.action, tt.write); got != tt.want || !strings.Contains(why, tt.why) {
			t.Errorf("%s: %v, %s", name, got, why)
		}
	}
}

// A gap, a late begin or an early end of the logs is said.
func TestObserved(t *testing.T) {
	at := func(days ...int) *Usage {
		u := NewUsage(usageNow.AddDate(0, 0, -10), usageNow)
		for _, d := range days {
			u.Add(Use{Time: usageNow.AddDate(0, 0, -d), Account: "a", Action: "s3:ListAllMyBuckets", Principal: "p", Resources: []string{"*"}})
		}
		return u
	}
	for name, tt := range map[string]struct {
		u     *Usage
		lacks string
		gaps  int
	}{
		"whole":     {at(10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), "", 0},
		"weekend":   {at(10, 9, 8, 5, 4, 3, 2, 1, 0), "", 1},
		"a hole":    {at(10, 9, 3, 2, 1, 0), "nothing is logged of a for 5 days on end", 1},
		"late":      {at(3, 2, 1, 0), "begin on", 0},
		"early":     {at(10, 9, 8, 7, 6), "end on", 0},
		"nothing":   {at(), "no log shows an event of a", 0},
		"the other": {func() *Usage { u := at(10, 5, 0); u.Broken = []string{"f: byte 1"}; return u }(), "not all of the logs could be read (f: byte 1)", 2},
	} {
		o := tt.u.Observed("a")
		if !strings.Contains(o.Lacks, tt.lacks) || tt.lacks == "" && o.Lacks != "" || len(o.Gaps) != tt.gaps {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// TestLeftovers holds what ties a grant to an experiment, and what leaves it open
// whether it is used.
func TestLeftovers(t *testing.T) {
	job := func(name, role string, begin, end int) estate.Asset {
		return told("arn:aws:sagemaker:eu-west-1:"+worldAccount+":training-job/"+name, "AWS::SageMaker::TrainingJob",
			fmt.Sprintf(`{"TrainingJobStatus":"Completed","RoleArn":%q,"CreationTime":%q,"TrainingEndTime":%q}`, role, usageNow.AddDate(0, 0, -begin).Format(time.RFC3339), usageNow.AddDate(0, 0, -end).Format(time.RFC3339)))
	}
	put := func(daysAgo int) string {
		return calledBy(trailEvent("iam", "PutRolePolicy", `{"roleName":"r","policyName":"p"}`), "arn:aws:iam::"+worldAccount+":user/ann", daysAgo)
	}
	use := func(daysAgo int) string {
		return calledBy(trailEvent("iam", "ListRoles", `{}`), worldRole, daysAgo)
	}
	began := func(name string, daysAgo int) string {
		return calledBy(trailEvent("sagemaker", "CreateTrainingJob", `{"trainingJobName":"`+name+`","roleArn":"arn:aws:iam::`+worldAccount+`:role/other"}`), "arn:aws:iam::"+worldAccount+":user/ann", daysAgo)
	}
	took := calledBy(trailEvent("sts", "AssumeRole", `{"roleArn":"`+worldRole+`"}`), "arn:aws:iam::"+worldAccount+":user/ann", 1)
	tagDay := func(day string) estate.Asset {
		a := holder(`{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}`)
		a.Tags = map[string]string{"experiment-end": day}
		return a
	}
	listing := holder(`{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}`)
	tests := map[string]struct {
		assets []estate.Asset
		events []string
		want   string // status and what ties it; empty: none
	}{
		"for its role, never used since":       {[]estate.Asset{listing, job("j1", worldRole, 6, 3)}, []string{put(6)}, "unused it was given to the role"},
		"a day before it began":                {[]estate.Asset{listing, job("j1", worldRole, 5, 3)}, []string{put(6)}, "unused it was given to the role"},
		"used while it ran":                    {[]estate.Asset{listing, job("j1", worldRole, 6, 3)}, []string{put(6), use(4)}, "unused it was given to the role"},
		"used since":                           {[]estate.Asset{listing, job("j1", worldRole, 6, 3)}, []string{put(6), use(1)}, ""},
		"long before":                          {[]estate.Asset{listing, job("j1", worldRole, 4, 3)}, []string{put(8)}, ""},
		"after the end":                        {[]estate.Asset{listing, job("j1", worldRole, 8, 6)}, []string{put(4)}, ""},
		"another role's job":                   {[]estate.Asset{listing, job("j1", "arn:aws:iam::"+worldAccount+":role/other", 6, 3)}, []string{put(6)}, ""},
		"made by who began the job":            {[]estate.Asset{listing, job("j1", "arn:aws:iam::"+worldAccount+":role/other", 6, 3)}, []string{put(6), began("j1", 6)}, "unused who began training-job j1 made it"},
		"its tag names a day that passed":      {[]estate.Asset{tagDay("2026-11-20")}, []string{put(9)}, "unused its tag says until when"},
		"its tag names a day to come":          {[]estate.Asset{tagDay("2027-11-20")}, []string{put(9)}, ""},
		"gone since":                           {[]estate.Asset{told(worldRole, "AWS::IAM::Role", `{"RolePolicyList":[],"AttachedManagedPolicies":[]}`, details), job("j1", worldRole, 6, 3)}, []string{put(6)}, ""},
		"of what it gives nobody sees the use": {[]estate.Asset{holder(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`), job("j1", worldRole, 6, 3)}, []string{put(6), took}, "unknown it was given to the role"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := worldOf(t, nil, tt.assets...)
			u := usageOf(t, 10, tt.events...)
			sight, err := NewSight(m.snap, u)
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.leftovers(context.Background(), u, sight, map[string]*manager{worldRole: {}}, true)
			if err != nil {
				t.Fatal(err)
			}
			says := ""
			for _, l := range got {
				says += string(l.Status) + " " + l.Because
				if l.Grant.Event == "" || l.Experiment.Ended.IsZero() || len(l.Mend) == 0 {
					t.Errorf("%+v", l)
				}
			}
			if !strings.HasPrefix(says, tt.want) || tt.want == "" && says != "" {
				t.Errorf("%q, want %q", says, tt.want)
			}
		})
	}
}

// A binding that was made for a Job, and that nobody used since the Job ended, is
// told with the event that made it.
func TestLeftoverBinding(t *testing.T) {
	kube := func(id, typ, config string) estate.Asset {
		return estate.Asset{ID: id, Type: typ, Cloud: estate.Kubernetes, Account: "c", Region: "ml", Name: id[strings.LastIndexByte(id, '/')+1:], Config: json.RawMessage(config), Tags: map[string]string{}}
	}
	at := func(daysAgo int) string { return usageNow.AddDate(0, 0, -daysAgo).Format(time.RFC3339) }
	assets := []estate.Asset{
		kube("k8s://c/ml/Job/exp", "batch/v1/Job", `{"metadata":{"name":"exp","creationTimestamp":"`+at(6)+`"},"spec":{"template":{"spec":{"serviceAccountName":"lab"}}},"status":{"completionTime":"`+at(3)+`"}}`),
		kube("k8s://c/ml/RoleBinding/lab", "rbac.authorization.k8s.io/v1/RoleBinding", `{"kind":"RoleBinding","metadata":{"name":"lab","namespace":"ml","creationTimestamp":"`+at(6)+`"},"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"ServiceAccount","name":"lab","namespace":"ml"}]}`),
	}
	audit := func(id, verb, user, resource, group, name string, daysAgo int) string {
		return `{"auditID":"` + id + `","stage":"ResponseComplete","verb":"` + verb + `","user":{"username":"` + user + `"},"objectRef":{"resource":"` + resource + `","apiGroup":"` + group + `","namespace":"ml","name":"` + name + `"},"responseStatus":{"code":200},"requestReceivedTimestamp":"` + at(daysAgo) + `"}`
	}
	made := audit("b1", "create", "ann", "rolebindings", "rbac.authorization.k8s.io", "lab", 6)
	quiet := audit("q", "get", "ann", "pods", "", "p", 7)
	for name, tt := range map[string]struct {
		events []string
		want   UseStatus
	}{
		"not used since": {[]string{quiet, made}, UseUnused},
		"used since":     {[]string{quiet, made, audit("u", "list", "system:serviceaccount:ml:lab", "pods", "", "", 1)}, ""},
		"no audit log":   {nil, UseUnknown},
	} {
		m := worldOf(t, nil, assets...)
		u := usageOf(t, 10, tt.events...)
		got, err := m.leftovers(context.Background(), u, &Sight{usage: u}, map[string]*manager{"k8s://c/ml/ServiceAccount/lab": {}}, true)
		if err != nil {
			t.Fatal(err)
		}
		if tt.want == "" {
			if len(got) != 0 {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Status != tt.want || tt.events != nil && got[0].Grant.Event != "b1" || len(got[0].Mend) != 1 || got[0].Mend[0] != "kubectl -n ml delete rolebinding lab" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// access.unused fails on what is unused, does not pass on what nobody can tell, and
// passes where all was used.
func TestUnusedCriterion(t *testing.T) {
	get := calledBy(trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a"}`), worldRole, 1)
	one := holder(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`)
	for name, tt := range map[string]struct {
		assets []estate.Asset
		u      *Usage
		want   finding.CriterionStatus
	}{
		"used":    {[]estate.Asset{allTrail("AWS::S3::Object"), one}, usageOf(t, 5, get), finding.CriterionPass},
		"unused":  {[]estate.Asset{allTrail("AWS::S3::Object"), one}, usageOf(t, 5), finding.CriterionFail},
		"unknown": {[]estate.Asset{allTrail(), one}, usageOf(t, 5), finding.CriterionUnknown},
		"no log":  {nil, nil, finding.CriterionUnknown},
	} {
		var found *Unused
		if tt.u != nil {
			use := lookAt(t, worldOf(t, nil, tt.assets...), tt.u)
			use.workloads = []string{"w"}
			use.Status = UseUsed // whether the role was used at all is not asked here
			found = &Unused{Identities: []IdentityUse{use}}
		}
		c := UnusedCriterion("w", found)
		if c.Status != tt.want || c.Status == finding.CriterionPass && (len(c.Evidence) == 0 || c.Evidence[0].Examined == 0) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if c := UnusedCriterion("another", &Unused{}); c.Status != finding.CriterionUnknown {
		t.Errorf("nothing examined: %+v", c)
	}
}

// A usage that was kept in an evidence bundle says what it said.
func TestUsageIsKept(t *testing.T) {
	role := []estate.Asset{allTrail("AWS::S3::Object"), holder(`{"Effect":"Allow","Action":["s3:*","sagemaker:*"],"Resource":"*"}`)}
	u := usageOf(t, 5, calledBy(trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a"}`, `"sourceIPAddress":"192.0.2.1"`), worldRole, 1),
		calledBy(trailEvent("iam", "PutRolePolicy", `{"roleName":"r","policyName":"p"}`), worldRole, 2), calledBy(trailEvent("s3", "NoSuch", `{}`), worldRole, 2))
	text, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	again := &Usage{}
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatal(err)
	}
	if twice, err := json.Marshal(again); err != nil || string(twice) != string(text) {
		t.Errorf("%v\n%s\n%s", err, text, twice)
	}
	m := worldOf(t, nil, role...)
	if d := cmp.Diff(lookAt(t, m, u), lookAt(t, m, again), cmp.AllowUnexported(IdentityUse{})); d != "" {
		t.Error(d)
	}
}
