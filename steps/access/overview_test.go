package access

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	provider "github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

func TestSpans(t *testing.T) {
	set := rapid.Custom(func(t *rapid.T) map[int32]bool {
		out := map[int32]bool{}
		for _, i := range rapid.SliceOfN(rapid.Int32Range(0, 20), 0, 15).Draw(t, "members") {
			out[i] = true
		}
		return out
	})
	made := func(m map[int32]bool) spans {
		var list []int32
		for i := range int32(21) {
			if m[i] {
				list = append(list, i)
			}
		}
		return runs(list)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := set.Draw(t, "a"), set.Draw(t, "b")
		sa, sb := made(a), made(b)
		union, both, only := join(sa, sb), meet(sa, sb), less(sa, sb)
		n := 0
		for i := range int32(21) {
			if union.has(i) != (a[i] || b[i]) || both.has(i) != (a[i] && b[i]) || only.has(i) != (a[i] && !b[i]) {
				t.Fatalf("%d of %v and %v: union %v, both %v, only %v", i, sa, sb, union, both, only)
			}
			if a[i] {
				n++
			}
		}
		if sa.size() != n {
			t.Fatalf("size of %v is %d", sa, sa.size())
		}
		for i := 1; i < len(union); i++ {
			if union[i-1].hi >= union[i].lo {
				t.Fatalf("%v touch or overlap", union)
			}
		}
	})
}

func TestGranted(t *testing.T) {
	tests := map[string]struct {
		statement, service string
		want               Level
	}{
		"read":                  {`"Action":"s3:GetObject"`, "s3", Read},
		"write":                 {`"Action":["s3:PutObject","s3:DeleteObject"]`, "s3", Change},
		"all_of_service":        {`"Action":"sagemaker:*"`, "sagemaker", AllLevels},
		"everything":            {`"Action":"*"`, "kms", AllLevels},
		"another_service":       {`"Action":"ec2:*"`, "s3", 0},
		"verb_pattern":          {`"Action":"sagemaker:Describe*"`, "sagemaker", Read},
		"list_pattern":          {`"Action":"S3:LIST*"`, "s3", Read},
		"invoke":                {`"Action":"bedrock:InvokeModel"`, "bedrock", Run},
		"invoke_pattern":        {`"Action":"bedrock:Invoke*"`, "bedrock", Run},
		"create_job":            {`"Action":"sagemaker:CreateTrainingJob"`, "sagemaker", Run},
		"create_pattern":        {`"Action":"sagemaker:Create*"`, "sagemaker", Change | Run},
		"enter_notebook":        {`"Action":"sagemaker:CreatePresignedNotebookInstanceUrl"`, "sagemaker", Run},
		"policy":                {`"Action":"s3:PutBucketPolicy"`, "s3", Administer},
		"policy_unheard_of":     {`"Action":"kendra:PutIndexPolicy"`, "kendra", Administer},
		"read_policy":           {`"Action":"s3:GetBucketPolicy"`, "s3", Read},
		"put_pattern":           {`"Action":"s3:Put*"`, "s3", Change | Administer},
		"wildcard_in_a_verb":    {`"Action":"sagemaker:D?scribe*"`, "sagemaker", Read},
		"star_in_a_verb":        {`"Action":"kendra:Desc*be*"`, "kendra", Read},
		"any_first_letter":      {`"Action":"kendra:?escribeIndex"`, "kendra", Read},
		"wildcard_after_verb":   {`"Action":"sagemaker:List*s"`, "sagemaker", Read},
		"set_policies":          {`"Action":"kendra:Set*Policy"`, "kendra", Change | Administer},
		"no_verb_begins_so":     {`"Action":"kendra:Zz*"`, "kendra", Change},
		"tail_pattern":          {`"Action":"s3:*Object"`, "s3", Read | Change},
		"tail_unheard_of":       {`"Action":"kendra:*Thing"`, "kendra", AllLevels},
		"unheard_of_is_change":  {`"Action":"sagemaker:FrobnicateModel"`, "sagemaker", Change},
		"wild_service":          {`"Action":"s*:GetObject"`, "s3", Read},
		"not_action_other":      {`"NotAction":"iam:*"`, "s3", AllLevels},
		"not_action_whole":      {`"NotAction":["s3:*"]`, "s3", 0},
		"not_action_part":       {`"NotAction":["s3:PutObject"]`, "s3", AllLevels},
		"pass_role":             {`"Action":"iam:PassRole"`, "iam", Run},
		"iam_reads_are_nothing": {`"Action":"iam:Get*"`, "iam", 0},
		"attach_role_policy":    {`"Action":"iam:AttachRolePolicy"`, "iam", Administer},
		"assume":                {`"Action":"sts:AssumeRole"`, "iam", Run},
		"data_plane_of_aoss":    {`"Action":"aoss:APIAccessAll"`, "aoss", Read | Run | Change},
		"decrypt":               {`"Action":"kms:Decrypt"`, "kms", Read},
		"grant":                 {`"Action":"kms:CreateGrant"`, "kms", Administer},
		"mlflow":                {`"Action":"sagemaker-mlflow:GetRun"`, "sagemaker", Read},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			all, problems := provider.Statements(json.RawMessage(`{"Statement":{"Effect":"Allow","Resource":"*",` + tt.statement + `}}`))
			if len(all) != 1 || len(problems) > 0 {
				t.Fatalf("%d statements, problems %v", len(all), problems)
			}
			if got := granted(&all[0], tt.service); got != tt.want {
				t.Errorf("got %v, want %v", got.Names(), tt.want.Names())
			}
		})
	}
}

func TestPatternNames(t *testing.T) {
	const model = "arn:aws:sagemaker:eu-west-1:111122223333:model/eta"
	tests := map[string]struct {
		pattern, id string
		want        bool
	}{
		"itself":                      {model, model, true},
		"all":                         {"*", model, true},
		"type":                        {"arn:aws:sagemaker:*:*:model/*", model, true},
		"another_type":                {"arn:aws:sagemaker:*:*:endpoint/*", model, false},
		"another_region":              {"arn:aws:sagemaker:us-*:*:model/*", model, false},
		"star_stays_in_its_part":      {"arn:aws:sagemaker:*:endpoint/*", model, false},
		"objects_of_a_bucket":         {"arn:aws:s3:::train/*", "arn:aws:s3:::train", true},
		"objects_of_buckets":          {"arn:aws:s3:::tr*/raw/*", "arn:aws:s3:::train", true},
		"objects_of_another":          {"arn:aws:s3:::training/*", "arn:aws:s3:::train", false},
		"version_of_a_function":       {"arn:aws:lambda:eu-west-1:111122223333:function:f:*", "arn:aws:lambda:eu-west-1:111122223333:function:f", true},
		"variable":                    {"arn:aws:s3:::${aws:username}-data/*", "arn:aws:s3:::ann-data", true},
		"variable_elsewhere":          {"arn:aws:s3:::data-${aws:username}/*", "arn:aws:s3:::logs-ann", false},
		"star_reaches_into_an_object": {"arn:aws:s3:::*-data/*", "arn:aws:s3:::ann-logs", true},
		"half_an_arn":                 {"arn:aws:sage*", model, true},
		"group_is_not_its_package":    {"arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/eta", model, false},
		"what_holds_it_is_not_inside": {"arn:aws:sagemaker:eu-west-1:111122223333:model", model, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			arn, _ := provider.ParseARN(tt.id)
			p := newPattern(tt.pattern)
			if got := p.names(&arn, tt.id); got != tt.want {
				t.Errorf("got %v", got)
			}
			o := newShelf([]object{{node: 1, id: tt.id, arn: arn, account: "111122223333"}})
			if got := o.matching(0, tt.pattern).size() == 1; got != tt.want {
				t.Errorf("by the index: %v", got)
			}
		})
	}
}

// noon is when the snapshots of these tests were taken.
var noon = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// pairs is an oracle: it asks the engine about every pair of identity and thing,
// every action, and every role that somebody might take; no class, index or run of
// objects.
type pairs struct {
	v      *view
	people []estate.Node
	known  map[string]rights // by identity and thing
	taken  map[string]map[string]bool
}

// asked is what whoever asks over TLS is answered.
func asked(w *iam.World, r iam.Request) iam.Decision {
	got := w.Decide(r)
	r.Context = overTLS
	if got == iam.Conditional && w.Decide(r) == iam.Allow {
		return iam.Allow
	}
	return got
}

// rights are what one identity may do with one thing.
type rights struct{ sure, tied Level }

func (r *rights) add(l Level, d iam.Decision) {
	switch d {
	case iam.Allow:
		r.sure |= l
	case iam.Conditional:
		r.tied |= l
	}
}

func (w *pairs) own(id string, o *object) rights {
	if known, ok := w.known[id+o.id]; ok {
		return known
	}
	p, _ := w.v.amazon.world.Principal(id)
	var out rights
	for _, q := range w.v.questionsOf(o) {
		out.add(q.level, asked(w.v.amazon.world, iam.Request{Principal: p, Action: q.action, Resource: o.id + q.inside}))
	}
	w.known[id+o.id] = out
	return out
}

// takes is whom an identity may act as in turn, and whether under conditions.
func (w *pairs) takes(id string) map[string]bool {
	if known, ok := w.taken[id]; ok {
		return known
	}
	best := map[string]bool{id: false}
	for changed := true; changed; {
		changed = false
		for _, n := range w.people {
			role := w.v.snap.Asset(n).ID
			for from, tied := range best {
				p, _ := w.v.amazon.world.Principal(from)
				d := asked(w.v.amazon.world, iam.Request{Principal: p, Action: "sts:AssumeRole", Resource: role})
				if from == role || d != iam.Allow && d != iam.Conditional {
					continue
				}
				tied = tied || d == iam.Conditional
				if was, known := best[role]; !known || was && !tied {
					best[role], changed = tied, true
				}
			}
		}
	}
	w.taken[id] = best
	return best
}

// all is what an identity may do, in turn in the place of others.
func (w *pairs) all(id string, o *object) rights {
	var out rights
	for from, tied := range w.takes(id) {
		r := w.own(from, o)
		if tied {
			r = rights{tied: r.sure | r.tied}
		}
		out.sure, out.tied = out.sure|r.sure, out.tied|r.tied
	}
	return out
}

const (
	home   = "111122223333"
	abroad = "444455556666"
)

var (
	drawnPatterns = []string{"*", "arn:aws:s3:::*", "arn:aws:s3:::train", "arn:aws:s3:::train/*", "arn:aws:s3:::train*", "arn:aws:s3:::t*/x", "arn:aws:sagemaker:*:*:model/*",
		"arn:aws:sagemaker:eu-west-1:111122223333:model/a", "arn:aws:sagemaker:*:111122223333:*", "arn:aws:sagemaker:us-?ast-1:*:*/a*", "arn:*", "arn:aws:s3:::other/*"}
	drawnActions = []string{"*", "s3:*", "s3:GetObject", "s3:Put*", "sagemaker:*", "sagemaker:InvokeEndpoint", "sagemaker:Update*", "S3:*Object", "ec2:*", "sts:*", "sts:Assume*"}
	drawnThings  = []struct{ id, typ string }{{"arn:aws:s3:::train", "AWS::S3::Bucket"}, {"arn:aws:s3:::training", "AWS::S3::Bucket"}, {"arn:aws:s3:::other", "AWS::S3::Bucket"},
		{"arn:aws:sagemaker:eu-west-1:111122223333:model/a", "AWS::SageMaker::Model"}, {"arn:aws:sagemaker:us-east-1:111122223333:model/ab", "AWS::SageMaker::Model"},
		{"arn:aws:sagemaker:eu-west-1:444455556666:endpoint/a", "AWS::SageMaker::Endpoint"}}
)

func drawStatement(t *rapid.T, principals []string) map[string]any {
	s := map[string]any{"Effect": rapid.SampledFrom([]string{"Allow", "Allow", "Allow", "Deny"}).Draw(t, "effect")}
	list := func(of []string, what string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(of), 1, 2).Draw(t, what)
	}
	if rapid.IntRange(0, 4).Draw(t, "not action") == 0 {
		s["NotAction"] = list(drawnActions, "actions")
	} else {
		s["Action"] = list(drawnActions, "actions")
	}
	if principals != nil {
		s["Effect"], s["Resource"] = "Allow", "*"
		s["Principal"] = map[string]any{"AWS": rapid.SampledFrom(principals).Draw(t, "principal")}
	} else if rapid.IntRange(0, 4).Draw(t, "not resource") == 0 {
		s["NotResource"] = list(drawnPatterns, "resources")
	} else {
		s["Resource"] = list(drawnPatterns, "resources")
	}
	if rapid.IntRange(0, 3).Draw(t, "condition") == 0 {
		s["Condition"] = map[string]any{"StringEquals": map[string]any{"aws:PrincipalTag/team": "ml"}}
	}
	return s
}

func document(t *rapid.T, statements []map[string]any) json.RawMessage {
	text, err := json.Marshal(map[string]any{"Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The overview says what expanding every pair of identity and thing says.
func TestOverviewEqualsNaiveExpansion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := estate.NewBuilder(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
		read := []estate.Read{{Operation: "iam:GetAccountAuthorizationDetails", Status: estate.ReadOK}}
		var ids []string
		for i := range rapid.IntRange(1, 5).Draw(t, "identities") {
			account := rapid.SampledFrom([]string{home, home, abroad}).Draw(t, "account")
			ids = append(ids, fmt.Sprintf("arn:aws:iam::%s:role/r%d", account, i))
		}
		for i, id := range ids {
			arn, _ := provider.ParseARN(id)
			config := map[string]any{"RoleName": fmt.Sprint("r", i)}
			var drawn []map[string]any
			for range rapid.IntRange(0, 3).Draw(t, "statements") {
				drawn = append(drawn, drawStatement(t, nil))
			}
			if len(drawn) > 0 {
				text := document(t, drawn)
				config["RolePolicyList"] = []any{map[string]any{"PolicyName": "p", "PolicyDocument": text}}
			}
			if rapid.IntRange(0, 3).Draw(t, "boundary") == 0 {
				text := document(t, []map[string]any{drawStatement(t, nil)})
				policy := fmt.Sprintf("arn:aws:iam::%s:policy/b%d", arn.Account, i)
				config["PermissionsBoundary"] = map[string]any{"PermissionsBoundaryArn": policy}
				b.Asset(estate.Asset{ID: policy, Type: "AWS::IAM::ManagedPolicy", Cloud: estate.AWS, Account: arn.Account, Reads: read,
					Config: json.RawMessage(fmt.Sprintf(`{"PolicyVersionList":[{"IsDefaultVersion":true,"Document":%s}]}`, text))})
			}
			if rapid.Bool().Draw(t, "trusts") {
				trusted := append([]string{"arn:aws:iam::" + home + ":root", "arn:aws:iam::" + abroad + ":root"}, ids...)
				s := map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": rapid.SampledFrom(trusted).Draw(t, "trusted")}}
				switch rapid.IntRange(0, 4).Draw(t, "tied") {
				case 0, 1:
					s["Condition"] = map[string]any{"StringEquals": map[string]any{"sts:ExternalId": "x"}}
				case 2:
					s["Condition"] = map[string]any{"ArnLike": map[string]any{"aws:PrincipalArn": "arn:aws:iam::*:role/r" + fmt.Sprint(i)}}
				}
				config["AssumeRolePolicyDocument"] = document(t, []map[string]any{s})
			}
			text, err := json.Marshal(config)
			if err != nil {
				t.Fatal(err)
			}
			b.Asset(estate.Asset{ID: id, Type: "AWS::IAM::Role", Cloud: estate.AWS, Account: arn.Account, Name: arn.Name(), Reads: read, Config: text, Tags: map[string]string{}})
		}
		var roots []string
		for _, d := range drawnThings {
			arn, _ := provider.ParseARN(d.id)
			account := arn.Account
			config := `{}`
			if arn.Service == "s3" {
				account = home
				if rapid.Bool().Draw(t, "own policy") {
					text := document(t, []map[string]any{drawStatement(t, append([]string{"arn:aws:iam::" + abroad + ":root", "arn:aws:iam::" + home + ":root"}, ids...))})
					config = fmt.Sprintf(`{"GetBucketPolicy":{"Policy":%s}}`, text)
				}
			}
			roots = append(roots, d.id)
			b.Asset(estate.Asset{ID: d.id, Type: d.typ, Cloud: estate.AWS, Account: account, Region: arn.Region, Name: arn.Name(), Config: json.RawMessage(config),
				Reads: []estate.Read{{Operation: "s3:ListBuckets", Status: estate.ReadOK}, {Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadOK}}})
		}
		snap, err := b.Build()
		if err == nil {
			snap, err = snap.Understood(context.Background(), provider.Understand)
		}
		if err != nil {
			t.Fatal(err)
		}
		o, v := surveyed(t, snap, []finding.Workload{{ID: "w", Name: "w", Roots: roots}})
		got := map[string]*Identity{}
		for i := range o.Identities {
			got[o.Identities[i].ID] = &o.Identities[i]
		}
		w := pairs{v: v, known: map[string]rights{}, taken: map[string]map[string]bool{}}
		for _, id := range ids {
			n, _ := snap.Find(id)
			w.people = append(w.people, n)
		}
		for _, who := range ids {
			id := got[who]
			if id == nil {
				t.Fatalf("%s is left out", who)
			}
			sums := 0
			for k := range v.objects.all {
				o := &v.objects.all[k]
				want := w.all(who, o)
				if want.sure|want.tied != 0 {
					sums++
				}
				var have rights
				for i := range id.reach.sure {
					if id.reach.sure[i].has(int32(k)) {
						have.sure |= 1 << i
					}
					if id.reach.tied[i].has(int32(k)) {
						have.tied |= 1 << i
					}
				}
				if have.sure != want.sure || have.sure|have.tied != want.sure|want.tied {
					t.Fatalf("%s on %s: overview says sure %v, in all %v; pair by pair %v, %v", who, o.id,
						have.sure.Names(), (have.sure | have.tied).Names(), want.sure.Names(), (want.sure | want.tied).Names())
				}
			}
			if (id.Workloads == 1) != (sums > 0) || id.reach.any().size() != sums {
				t.Fatalf("%s: %d workloads, %d assets; pair by pair %d assets", who, id.Workloads, id.reach.any().size(), sums)
			}
		}
	})
}

// surveyed is Survey with its working state.
func surveyed(t interface{ Fatal(...any) }, snap *estate.Snapshot, workloads []finding.Workload) (*Overview, *view) {
	v := newView(snap, workloads)
	o, err := v.survey(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return o, v
}
