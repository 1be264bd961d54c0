package assess

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// shortened says each possible flow as store < taker (decision, approved): systems.
func shortened(f *data.Flows) (out []string) {
	bare := func(id string) string {
		id = id[strings.LastIndexByte(id, ':')+1:]
		return strings.NewReplacer("#prefix/", "/", "#object/", "/").Replace(id)
	}
	for _, p := range f.Possible {
		line := bare(p.Store) + " < " + bare(p.Taker) + " (" + p.By + ", " + p.Decision + ", " + p.Approved + ")"
		for _, s := range p.Systems {
			line += " " + bare(s.System) + "=" + s.Approved
		}
		out = append(out, line)
	}
	return out
}

// Who may read a labelled store and is not known to is told with what runs as it and where
// that writes to. No label is carried there.
func TestPossibleFlows(t *testing.T) {
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	role := func(name, statement string) string {
		return `{"RoleName":"` + name + `","RoleId":"A` + name + `","Path":"/","Arn":"arn:aws:iam::111122223333:role/` + name + `","CreateDate":"2026-01-01T00:00:00+00:00","AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]},"InstanceProfileList":[],"AttachedManagedPolicies":[],"Tags":[],"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + statement + `"}]}}]}`
	}
	extra := map[string]string{
		// exporter may read everything, and one job runs as it: it is declared to read other data and
		// to write to a partner's bucket. m is mask's role, and a second job runs as it.
		"iam/get-account-authorization-details.json": `{"UserDetailList":[],"GroupDetailList":[],"Policies":[],"RoleDetailList":[` +
			role("m", "arn:aws:s3:::pier-raw/*") + "," + role("t", "arn:aws:s3:::pier-clean/*") + "," + role("exporter", "*") + "," + role("idle", "arn:aws:s3:::pier-raw/*") + `]}`,
		"sagemaker/describe-processing-job/export.json": `{"ProcessingJobName":"export","ProcessingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:processing-job/export","CreationTime":"2026-11-10T00:00:00+00:00","ProcessingJobStatus":"InProgress","RoleArn":"arn:aws:iam::111122223333:role/exporter",
			"ProcessingInputs":[{"InputName":"in","S3Input":{"S3Uri":"s3://pier-prices/day/"}}],"ProcessingOutputConfig":{"Outputs":[{"OutputName":"out","S3Output":{"S3Uri":"s3://partner-drop/day/"}}]},"AppSpecification":{"ImageUri":"x"},"ProcessingResources":{"ClusterConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large","VolumeSizeInGB":1}}}`,
		"sagemaker/describe-processing-job/other.json": `{"ProcessingJobName":"other","ProcessingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:processing-job/other","CreationTime":"2026-11-10T00:00:00+00:00","ProcessingJobStatus":"InProgress","RoleArn":"arn:aws:iam::111122223333:role/m","AppSpecification":{"ImageUri":"x"},"ProcessingResources":{"ClusterConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large","VolumeSizeInGB":1}}}`,
	}
	for _, b := range []string{"pier-raw", "pier-clean", "pier-models"} {
		extra["s3api/get-bucket-policy/"+b+".json"] = `An error occurred (NoSuchBucketPolicy) when calling the GetBucketPolicy operation: none`
	}
	seen := maps.Clone(extra)
	maps.Copy(seen, map[string]string{
		"cloudtrail/describe-trails.json":       `{"trailList":[{"Name":"t","TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/t","HomeRegion":"eu-west-1","IsMultiRegionTrail":true}]}`,
		"cloudtrail/get-trail-status/t.json":    `{"IsLogging":true}`,
		"cloudtrail/get-event-selectors/t.json": `{"TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/t","AdvancedEventSelectors":[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]}]}]}`,
	})
	flows := func(policy string, files map[string]string, k data.Known) *data.Flows {
		t.Helper()
		return pierFlows(t, now, policy, files, k, "")
	}
	// Everything that is declared is approved, so that only what is possible keeps the answer open.
	const approving = "data:\n  approved: [{label: PII, systems: [pier-raw, pier-clean, pier-models, mask, score]}]\n"
	k := data.Known{Summaries: []data.Summary{surveyed("s3://pier-raw", now, scan.PII, "customers/a.csv"), surveyed("s3://pier-clean", now, ""), surveyed("s3://pier-models", now, ""), surveyed("s3://pier-prices", now, "")}}

	f := flows(approving, extra, k)
	want := []string{
		"pier-raw < role/exporter (permission, allow, no) processing-job/export=no partner-drop/day/=no",
		"pier-clean < role/exporter (permission, allow, no) processing-job/export=no partner-drop/day/=no",
		"pier-models < role/exporter (permission, allow, no) processing-job/export=no partner-drop/day/=no",
		"pier-raw < role/m (permission, allow, no) processing-job/other=no",
		"pier-raw < role/idle (permission, allow, unknown) role/idle=unknown",
	}
	got := shortened(f)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if f.Possible[len(f.Possible)-1].Taker != "arn:aws:iam::111122223333:role/idle" {
		t.Error("the flow that ends nowhere unapproved is not the last")
	}
	for _, s := range f.Stops {
		if strings.Contains(s.System, "partner-drop") || strings.HasSuffix(s.System, "job/export") {
			t.Errorf("a label was carried along a possible flow: %+v", s)
		}
	}
	way := f.Possible[slices.IndexFunc(f.Possible, func(p data.Possible) bool {
		return p.Store == "arn:aws:s3:::pier-raw" && strings.HasSuffix(p.Taker, "exporter")
	})].Systems[1].Path
	if len(way) != 2 || way[0].Tier != "possible" || way[1].Tier != "declared" || !strings.Contains(way[0].Evidence, "role/exporter") {
		t.Errorf("%+v", way)
	}
	if f.Exit() != 3 {
		t.Errorf("exit %d: a possible flow is no finding, and not nothing", f.Exit())
	}
	// Data events that were given show that nobody took it.
	k.Watched = true
	k.Watch = []data.Watch{{Account: "111122223333", From: now.AddDate(0, 0, -2), To: now}}
	if f := flows(approving, seen, k); len(f.Possible) != len(want) || !f.Possible[0].Watched || f.Exit() != 0 && len(f.Unseen)+len(f.Unclassified) == 0 {
		t.Errorf("exit %d, %q, unseen %q, unclassified %q, unknown %q", f.Exit(), shortened(f), f.Unseen, f.Unclassified, f.PossibleUnknown)
	}
	// Whoever is stated to may read; what runs as it still has to be approved.
	f = flows(approving+"  readers: [{label: PII, principals: [idle, exporter, m]}]\n", extra, k)
	if i := slices.IndexFunc(f.Possible, func(p data.Possible) bool { return strings.HasSuffix(p.Taker, "idle") }); i < 0 || f.Possible[i].Approved != "yes" {
		t.Errorf("%q", shortened(f))
	}
	if f.Possible[0].Approved != "no" {
		t.Errorf("%q", shortened(f))
	}
}

// pierFlows are the flows of the pier with some files in place of its own, of one label, "" for all.
func pierFlows(t *testing.T, now time.Time, policy string, files map[string]string, k data.Known, label string) *data.Flows {
	t.Helper()
	s, err := scope.Parse("sevenfold.yaml", []byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	snap, err := Read(context.Background(), Options{Scope: s, Sources: []string{"dir:" + pier(t, files) + ",account=111122223333,region=eu-west-1"}, Now: now, MaskKey: []byte("test")})
	if err != nil {
		t.Fatal(err)
	}
	w, workloads, err := DataWorld(context.Background(), snap, s, k)
	if err != nil {
		t.Fatal(err)
	}
	f, err := DataFlows(context.Background(), w, workloads, label)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	fitsSchema(t, "data-flows.schema.json", text)
	return f
}

// Who may take a role that may read a labelled store is told with the roles on the way, and so is
// who can make code run as one; an account that a bucket's policy names as a whole, of which
// nobody read the users and roles, is told as that.
func TestPossibleThroughRoles(t *testing.T) {
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	role := func(name, trusted, action, resource string) string {
		return `{"RoleName":"` + name + `","RoleId":"A` + name + `","Path":"/","Arn":"arn:aws:iam::111122223333:role/` + name + `","CreateDate":"2026-01-01T00:00:00+00:00","AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{` + trusted + `},"Action":"sts:AssumeRole"}]},"InstanceProfileList":[],"AttachedManagedPolicies":[],"Tags":[],"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + action + `,"Resource":"` + resource + `"}]}}]}`
	}
	const sagemaker, account = `"Service":"sagemaker.amazonaws.com"`, `"AWS":"arn:aws:iam::111122223333:root"`
	files := map[string]string{
		// reader may read; bridge may take reader, far may take bridge; starter may pass t, as which a job reads.
		"iam/get-account-authorization-details.json": `{"UserDetailList":[],"GroupDetailList":[],"Policies":[],"RoleDetailList":[` + strings.Join([]string{
			role("m", sagemaker, `"s3:GetObject"`, "arn:aws:s3:::pier-raw/*"), role("t", sagemaker, `"s3:GetObject"`, "arn:aws:s3:::pier-clean/*"),
			role("reader", account, `"s3:GetObject"`, "arn:aws:s3:::pier-raw/*"), role("bridge", account, `"sts:AssumeRole"`, "arn:aws:iam::111122223333:role/reader"),
			role("far", `"AWS":"arn:aws:iam::444455556666:role/partner"`, `"sts:AssumeRole"`, "arn:aws:iam::111122223333:role/bridge"),
			role("starter", sagemaker, `["iam:PassRole","sagemaker:CreateTrainingJob"]`, "*"), role("nobody", sagemaker, `"sts:AssumeRole"`, "arn:aws:iam::111122223333:role/t"),
		}, ",") + `]}`,
		"sagemaker/describe-processing-job/export.json": `{"ProcessingJobName":"export","ProcessingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:processing-job/export","CreationTime":"2026-11-10T00:00:00+00:00","ProcessingJobStatus":"InProgress","RoleArn":"arn:aws:iam::111122223333:role/bridge",
			"ProcessingOutputConfig":{"Outputs":[{"OutputName":"out","S3Output":{"S3Uri":"s3://partner-drop/day/"}}]},"AppSpecification":{"ImageUri":"x"},"ProcessingResources":{"ClusterConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large","VolumeSizeInGB":1}}}`,
		"s3api/get-bucket-policy/pier-raw.json": `{"Policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"arn:aws:iam::777788889999:root\",\"arn:aws:iam::111122223333:root\"]},\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::pier-raw/*\"}]}"}`,
	}
	for _, b := range []string{"pier-clean", "pier-models"} {
		files["s3api/get-bucket-policy/"+b+".json"] = `An error occurred (NoSuchBucketPolicy) when calling the GetBucketPolicy operation: none`
	}
	k := data.Known{Summaries: []data.Summary{surveyed("s3://pier-raw", now, scan.PII, "customers/a.csv"), surveyed("s3://pier-clean", now, ""), surveyed("s3://pier-models", now, ""), surveyed("s3://pier-prices", now, "")}}
	f := pierFlows(t, now, "data:\n  approved: [{label: PII, systems: [pier-raw, pier-clean, pier-models, mask, score]}]\n", files, k, "PII")
	got := shortened(f)
	for _, want := range []string{
		"pier-raw < root (permission, allow, no) root=no", // 777788889999's: of our own account's root nothing is said
		"pier-raw < role/reader (permission, allow, unknown) role/reader=unknown",
		"pier-raw < role/bridge (permission, allow, no) processing-job/export=no partner-drop/day/=no",
		"pier-raw < role/far (permission, allow, unknown) role/far=unknown",
		"pier-clean < role/starter (permission, allow, unknown) role/starter=unknown",
		"pier-raw < role/starter (permission, allow, unknown) role/starter=unknown",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, "nobody") }) || strings.Count(strings.Join(got, "\n"), "< root") != 1 {
		t.Errorf("a role that trusts a service only is taken, or a root too many:\n%s", strings.Join(got, "\n"))
	}
	at := func(taker string) *data.Possible {
		i := slices.IndexFunc(f.Possible, func(p data.Possible) bool {
			return strings.HasSuffix(p.Taker, taker) && strings.HasSuffix(p.Store, "pier-raw")
		})
		if i < 0 {
			t.Fatalf("no flow to %s in\n%s", taker, strings.Join(got, "\n"))
		}
		return &f.Possible[i]
	}
	far := at("role/far")
	if !slices.Equal(far.Through, []string{"arn:aws:iam::111122223333:role/reader", "arn:aws:iam::111122223333:role/bridge"}) || len(far.Systems[0].Path) != 3 || !strings.Contains(far.Reason, "by sts:AssumeRole") {
		t.Errorf("%+v", far)
	}
	if starter := at("role/starter"); !strings.Contains(starter.Reason, "iam:PassRole") {
		t.Errorf("%+v", starter)
	}
	if whole := at("777788889999:root"); !strings.Contains(whole.Reason, "account 777788889999 may read it") {
		t.Errorf("%+v", whole)
	}
	// Whoever of another account may take a role on the way is followed to there.
	if partner := at("role/partner"); partner.Approved != "no" || len(partner.Through) != 3 {
		t.Errorf("%+v", partner)
	}
}

// A flow that is possible only fails no criterion: it is told in it, and keeps it open unless data
// events were given.
func TestPossibleInCriterion(t *testing.T) {
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	trail := map[string]string{
		"cloudtrail/describe-trails.json":       `{"trailList":[{"Name":"t","TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/t","HomeRegion":"eu-west-1","IsMultiRegionTrail":true}]}`,
		"cloudtrail/get-trail-status/t.json":    `{"IsLogging":true}`,
		"cloudtrail/get-event-selectors/t.json": `{"TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/t","AdvancedEventSelectors":[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]}]}]}`,
		"iam/get-account-authorization-details.json": `{"UserDetailList":[],"GroupDetailList":[],"Policies":[],"RoleDetailList":[{"RoleName":"m","RoleId":"Am","Path":"/","Arn":"arn:aws:iam::111122223333:role/m","CreateDate":"2026-01-01T00:00:00+00:00","AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com","AWS":"arn:aws:iam::444455556666:role/partner"},"Action":"sts:AssumeRole"}]},"InstanceProfileList":[],"AttachedManagedPolicies":[],"Tags":[],"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::pier-raw/*"}]}}]},` +
			`{"RoleName":"t","RoleId":"At","Path":"/","Arn":"arn:aws:iam::111122223333:role/t","CreateDate":"2026-01-01T00:00:00+00:00","AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]},"InstanceProfileList":[],"AttachedManagedPolicies":[],"Tags":[],"RolePolicyList":[]}]}`,
	}
	for _, b := range []string{"pier-raw", "pier-clean", "pier-models"} {
		trail["s3api/get-bucket-policy/"+b+".json"] = `An error occurred (NoSuchBucketPolicy) when calling the GetBucketPolicy operation: none`
	}
	judge := func(k data.Known) finding.Criterion {
		t.Helper()
		s, err := scope.Parse("sevenfold.yaml", []byte("data:\n  approved: [{label: PII, systems: [pier-raw, pier-clean, pier-models, mask, score, fit, serve]}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		k.Summaries = []data.Summary{surveyed("s3://pier-raw", now, scan.PII, "customers/a.csv"), surveyed("s3://pier-clean", now, ""), surveyed("s3://pier-models", now, ""), surveyed("s3://pier-prices", now, "")}
		snap, err := Read(context.Background(), Options{Scope: s, Sources: []string{"dir:" + pier(t, trail) + ",account=111122223333,region=eu-west-1"}, Now: now, MaskKey: []byte("test")})
		if err != nil {
			t.Fatal(err)
		}
		workloads, err := s.Workloads(snap)
		if err != nil {
			t.Fatal(err)
		}
		j, err := data.New(s).With(k).Asking(DataAnswers).Judge(context.Background(), snap, workloads)
		if err != nil {
			t.Fatal(err)
		}
		for i := range workloads.List {
			if workloads.List[i].Name == "mask" {
				for _, c := range j.Criteria[workloads.List[i].ID] {
					if c.ID == "data.flows" {
						return c
					}
				}
			}
		}
		t.Fatalf("mask is no workload of %d", len(workloads.List))
		return finding.Criterion{}
	}
	c := judge(data.Known{})
	if c.Status != finding.CriterionUnknown || !strings.Contains(c.Reason, "1 of them to systems that are not approved, such as PII of pier-raw to role/partner") {
		t.Errorf("%s: %s", c.Status, c.Reason)
	}
	c = judge(data.Known{Watched: true, Watch: []data.Watch{{Account: "111122223333", From: now.AddDate(0, 0, -2), To: now}}})
	if c.Status != finding.CriterionPass || !strings.Contains(c.Reason, "1 of them to systems that are not approved") || len(c.Evidence) != 3 || c.Evidence[2].Of == c.Evidence[2].Examined {
		t.Errorf("%s: %s, %+v", c.Status, c.Reason, c.Evidence)
	}
}

// What can open a connection to a labelled database could take what is in it: its own users
// decide, whom nobody here reads.
func TestPossibleByNetwork(t *testing.T) {
	const sg = `,{"GroupId":"sg-0a1100000000dbdb","GroupName":"crew-db","VpcId":"vpc-0a11000000000001","OwnerId":"111122223333","IpPermissions":[{"IpProtocol":"tcp","FromPort":5432,"ToPort":5432,"IpRanges":[{"CidrIp":"10.10.9.0/24"}],"UserIdGroupPairs":[],"Ipv6Ranges":[],"PrefixListIds":[]}],"IpPermissionsEgress":[]}]`
	snap, _, s, workloads := harbourNetwork(t, func(dir string) {
		edit := func(name string, change func(string) string) {
			p := filepath.Join(dir, "111122223333", name)
			text, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, []byte(change(string(text))), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		edit("rds/describe-db-instances.json", func(string) string {
			return `{"DBInstances":[{"DBInstanceIdentifier":"crew","DBInstanceArn":"arn:aws:rds:eu-west-1:111122223333:db:crew","DBInstanceClass":"db.t3.micro","Engine":"postgres","DBInstanceStatus":"available","Endpoint":{"Address":"crew.example","Port":5432},"PubliclyAccessible":false,"StorageEncrypted":true,
			"VpcSecurityGroups":[{"VpcSecurityGroupId":"sg-0a1100000000dbdb","Status":"active"}],"DBSubnetGroup":{"DBSubnetGroupName":"g","VpcId":"vpc-0a11000000000001","Subnets":[{"SubnetIdentifier":"subnet-0a11000000000011","SubnetAvailabilityZone":{"Name":"eu-west-1a"}},{"SubnetIdentifier":"subnet-0a11000000000012","SubnetAvailabilityZone":{"Name":"eu-west-1b"}}]},"TagList":[{"Key":"DataClassification","Value":"PII"}]}]}`
		})
		edit("ec2/describe-security-groups.json", func(text string) string {
			i := strings.LastIndexByte(text, ']')
			return text[:i] + sg + text[i+1:]
		})
	})
	w, err := data.NewWorld(context.Background(), snap, s, data.Known{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := DataFlows(context.Background(), w, workloads, "PII")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(f.Possible, func(p data.Possible) bool { return strings.HasSuffix(p.Taker, "/port-lab") })
	if i < 0 || f.Possible[i].By != data.ByNetwork || f.Possible[i].Decision != "allow" || !strings.Contains(f.Possible[i].Reason, "tcp/5432") || f.Possible[i].Approved != "no" {
		t.Errorf("%q", shortened(f))
	}
	for _, p := range f.Possible {
		if p.Taker == "internet" || strings.Contains(p.Taker, "i-0a11000000000090") {
			t.Errorf("its group lets nobody else in: %+v", p)
		}
	}
	if len(f.PossibleUnknown) > 0 {
		t.Errorf("%q", f.PossibleUnknown)
	}
}

// A DAG that nothing else knows of carries labelled data to a store that nobody approved; what it
// leaves to be computed keeps the answer open, and what is no definition is said to be none.
func TestPipelinesDeclareFlows(t *testing.T) {
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	dag := write("drop.py", "from airflow import DAG\nwith DAG('drop'):\n    S3CopyObjectOperator(task_id='copy', source_bucket_key='s3://pier-raw/customers/a.csv', dest_bucket_key='s3://partner-drop/in/')\n")
	write("helper.py", "x = 1\n")
	s, err := scope.Parse("sevenfold.yaml", []byte(pierPolicy))
	if err != nil {
		t.Fatal(err)
	}
	snap, err := Read(context.Background(), Options{Scope: s, Sources: []string{"dir:" + pier(t, nil) + ",account=111122223333,region=eu-west-1"}, Now: now, MaskKey: []byte("test")})
	if err != nil {
		t.Fatal(err)
	}
	flows := func(paths ...Lineage) *data.Flows {
		t.Helper()
		k := data.Known{Summaries: []data.Summary{surveyed("s3://pier-raw", now, scan.PII, "customers/a.csv")}}
		if err := SeeFlows(context.Background(), &k, snap, paths, nil); err != nil {
			t.Fatal(err)
		}
		w, workloads, err := DataWorld(context.Background(), snap, s, k)
		if err != nil {
			t.Fatal(err)
		}
		return w.Flows(workloads, "")
	}
	for _, path := range []string{dag, dir} {
		f := flows(Lineage{Path: path, Declares: true})
		i := slices.IndexFunc(f.Stops, func(s data.Stop) bool { return s.System == "s3://partner-drop/in/" })
		if i < 0 || f.Stops[i].Approved != "no" || f.Stops[i].Tier != "declared" || !strings.Contains(f.Stops[i].Path[len(f.Stops[i].Path)-1].Evidence, "drop.py:3, S3CopyObjectOperator") {
			t.Errorf("%+v", f.Stops)
		}
		if len(f.Open) > 0 {
			t.Errorf("%q", f.Open)
		}
	}
	for path, want := range map[string]string{
		write("else.txt", "x"): "it is no DAG of Airflow's",
		t.TempDir():            "there is no DAG of Airflow's",
		write("damaged.py", "import airflow\nf('x\n"): "damaged.py: it is damaged: line 2",
	} {
		if f := flows(Lineage{Path: path, Declares: true}); len(f.Open) != 1 || !strings.Contains(f.Open[0], want) || f.Exit() == 0 {
			t.Errorf("%s: %q", path, f.Open)
		}
	}
}
