package access

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// The relations that this step derives, tier possible: principal -> asset,
// joined by set nodes.
const (
	CanRead   estate.RelationType = "can-read"   // what it holds
	CanWrite  estate.RelationType = "can-write"  // what it holds, or the asset itself
	CanInvoke estate.RelationType = "can-invoke" // call, start or enter it
	CanAssume estate.RelationType = "can-assume" // take the role
)

// abilities are those relations in the order that a grasp is indexed by.
var abilities = [...]estate.RelationType{CanRead, CanWrite, CanInvoke, CanAssume}

// A grasp is indexed by ability, and after those by level.
const (
	nAbilities = len(abilities)
	nParts     = nAbilities + 4
)

// grasp is what a principal can do to which objects, decided by the engine. A
// run of objects is in one of the three parts of an ability or level at most. What
// an object's own policy gives to everyone stands with everyone, and with those who
// have it by a policy of their own besides, not with each who could have it so.
type grasp struct {
	sure, tied, open [nParts]spans
}

// untold is what could not be told, at some level.
func (g *grasp) untold() (out spans) {
	for k := nAbilities; k < nParts; k++ {
		out = join(out, g.open[k])
	}
	return out
}

// unite adds another grasp: of two answers on one object the one that lets more
// counts.
func (g *grasp) unite(o *grasp) {
	for k := range nParts {
		g.sure[k] = join(g.sure[k], o.sure[k])
		g.tied[k] = less(join(g.tied[k], o.tied[k]), g.sure[k])
		g.open[k] = less(less(join(g.open[k], o.open[k]), g.sure[k]), g.tied[k])
	}
}

// deed is a request that shows an ability.
type deed struct {
	ability int
	action  string
	inside  string // what is appended to the asset's ARN: "/*" for objects of a bucket
}

// deeds are, by type of asset, the requests asked about. Of a type that is not
// here the requests are those that AWS's own reference has for it: see deedsOf.
var deeds = map[string][]deed{
	"AWS::S3::Bucket":                          {{0, "s3:GetObject", "/*"}, {1, "s3:PutObject", "/*"}, {1, "s3:DeleteObject", "/*"}},
	"AWS::S3::AccessPoint":                     {{0, "s3:GetObject", "/object/*"}, {1, "s3:PutObject", "/object/*"}, {1, "s3:DeleteObject", "/object/*"}},
	"AWS::S3Express::DirectoryBucket":          {{0, "s3express:CreateSession", ""}, {1, "s3express:CreateSession", ""}},
	"AWS::S3Vectors::VectorBucket":             {{0, "s3vectors:GetVectors", "/index/*"}, {1, "s3vectors:PutVectors", "/index/*"}},
	"AWS::S3Vectors::Index":                    {{0, "s3vectors:GetVectors", ""}, {1, "s3vectors:PutVectors", ""}},
	"AWS::DynamoDB::Table":                     {{0, "dynamodb:GetItem", ""}, {1, "dynamodb:PutItem", ""}},
	"AWS::SecretsManager::Secret":              {{0, "secretsmanager:GetSecretValue", ""}, {1, "secretsmanager:PutSecretValue", ""}},
	"AWS::KMS::Key":                            {{0, "kms:Decrypt", ""}, {1, "kms:Encrypt", ""}},
	"AWS::SSM::Parameter":                      {{0, "ssm:GetParameter", ""}, {1, "ssm:PutParameter", ""}},
	"AWS::SQS::Queue":                          {{0, "sqs:ReceiveMessage", ""}, {1, "sqs:SendMessage", ""}},
	"AWS::SNS::Topic":                          {{0, "sns:Subscribe", ""}, {1, "sns:Publish", ""}},
	"AWS::Kinesis::Stream":                     {{0, "kinesis:GetRecords", ""}, {1, "kinesis:PutRecord", ""}},
	"AWS::ECR::Repository":                     {{0, "ecr:BatchGetImage", ""}, {1, "ecr:PutImage", ""}},
	"AWS::Lambda::Function":                    {{0, "lambda:GetFunction", ""}, {1, "lambda:UpdateFunctionCode", ""}, {2, "lambda:InvokeFunction", ""}},
	"AWS::StepFunctions::StateMachine":         {{1, "states:UpdateStateMachine", ""}, {2, "states:StartExecution", ""}},
	"AWS::EFS::FileSystem":                     {{0, "elasticfilesystem:ClientMount", ""}, {1, "elasticfilesystem:ClientWrite", ""}},
	"AWS::OpenSearchService::Domain":           {{0, "es:ESHttpGet", "/*"}, {1, "es:ESHttpPut", "/*"}},
	"AWS::OpenSearchServerless::Collection":    {{0, "aoss:APIAccessAll", ""}, {1, "aoss:APIAccessAll", ""}},
	"AWS::Glue::Table":                         {{0, "glue:GetTable", ""}, {1, "glue:UpdateTable", ""}},
	"AWS::Glue::Database":                      {{0, "glue:GetDatabase", ""}, {1, "glue:UpdateDatabase", ""}},
	"AWS::Glue::Job":                           {{1, "glue:UpdateJob", ""}, {2, "glue:StartJobRun", ""}},
	"AWS::Kendra::Index":                       {{0, "kendra:Query", ""}, {1, "kendra:BatchPutDocument", ""}},
	"AWS::SageMaker::FeatureGroup":             {{0, "sagemaker:GetRecord", ""}, {1, "sagemaker:PutRecord", ""}},
	"AWS::SageMaker::Model":                    {{0, "sagemaker:DescribeModel", ""}, {1, "sagemaker:DeleteModel", ""}},
	"AWS::SageMaker::ModelPackage":             {{0, "sagemaker:DescribeModelPackage", ""}, {1, "sagemaker:UpdateModelPackage", ""}},
	"AWS::SageMaker::ModelPackageGroup":        {{0, "sagemaker:DescribeModelPackageGroup", ""}, {1, "sagemaker:PutModelPackageGroupPolicy", ""}},
	"AWS::SageMaker::Endpoint":                 {{1, "sagemaker:UpdateEndpoint", ""}, {1, "sagemaker:DeleteEndpoint", ""}, {2, "sagemaker:InvokeEndpoint", ""}},
	"AWS::SageMaker::EndpointConfig":           {{0, "sagemaker:DescribeEndpointConfig", ""}, {1, "sagemaker:DeleteEndpointConfig", ""}},
	"AWS::SageMaker::NotebookInstance":         {{1, "sagemaker:UpdateNotebookInstance", ""}, {2, "sagemaker:CreatePresignedNotebookInstanceUrl", ""}},
	"AWS::SageMaker::Pipeline":                 {{1, "sagemaker:UpdatePipeline", ""}, {2, "sagemaker:StartPipelineExecution", ""}},
	"AWS::SageMaker::TrainingJob":              {{0, "sagemaker:DescribeTrainingJob", ""}, {1, "sagemaker:StopTrainingJob", ""}},
	"AWS::SageMaker::ProcessingJob":            {{0, "sagemaker:DescribeProcessingJob", ""}, {1, "sagemaker:StopProcessingJob", ""}},
	"AWS::SageMaker::TransformJob":             {{0, "sagemaker:DescribeTransformJob", ""}, {1, "sagemaker:StopTransformJob", ""}},
	"AWS::Bedrock::FoundationModel":            {{2, "bedrock:InvokeModel", ""}},
	"AWS::Bedrock::CustomModel":                {{0, "bedrock:GetCustomModel", ""}, {1, "bedrock:DeleteCustomModel", ""}},
	"AWS::Bedrock::ProvisionedModelThroughput": {{1, "bedrock:UpdateProvisionedModelThroughput", ""}, {2, "bedrock:InvokeModel", ""}},
	"AWS::Bedrock::Agent":                      {{0, "bedrock:GetAgent", ""}, {1, "bedrock:UpdateAgent", ""}},
	"AWS::Bedrock::AgentAlias":                 {{1, "bedrock:UpdateAgentAlias", ""}, {2, "bedrock:InvokeAgent", ""}},
	"AWS::Bedrock::KnowledgeBase":              {{0, "bedrock:Retrieve", ""}, {1, "bedrock:UpdateKnowledgeBase", ""}},
	"AWS::BedrockAgentCore::Runtime":           {{1, "bedrock-agentcore:UpdateAgentRuntime", ""}, {2, "bedrock-agentcore:InvokeAgentRuntime", ""}},
	"AWS::IAM::Role":                           {{3, "sts:AssumeRole", ""}, {3, "sts:AssumeRoleWithWebIdentity", ""}, {3, "sts:AssumeRoleWithSAML", ""}},
}

// deedsOf lists the requests asked about an object: those of deeds, else the
// first action of the object's service that reads such a resource, and the first
// two that change one. None if the reference knows none.
func (v *view) deedsOf(o *object) []deed {
	typ := v.snap.Asset(o.node).Type
	if known, ok := deeds[typ]; ok {
		return known
	}
	if known, ok := v.deeds[typ]; ok {
		return known
	}
	var out []deed
	var reads, writes int
	for _, a := range reference.Actions(o.arn.Service) {
		read := a.Level == reference.Read && strings.HasPrefix(a.Name, "Get") || a.Level == reference.Read && strings.HasPrefix(a.Name, "Describe")
		if !read && a.Level != reference.Write || read && reads > 0 || !read && writes > 1 {
			continue
		}
		if !slices.ContainsFunc(a.Uses, func(u reference.Use) bool { return expr.Glob(formOf(u.Resource.ARN), o.id) }) {
			continue
		}
		if read {
			reads++
			out = append(out, deed{0, a.String(), ""})
		} else {
			writes++
			out = append(out, deed{1, a.String(), ""})
		}
	}
	v.deeds[typ] = out
	return out
}

// mostDecisions bounds how many requests are decided, so that an estate made to
// be slow ends: what is left is open, which no criterion passes on.
const mostDecisions = 4_000_000

// graspMaker works out the grasp of each principal of a view.
type graspMaker struct {
	v       *view
	m       *Amazon
	classes map[*class]*grasp
	left    int // decisions
	// told are the answers about objects to whom nothing names, by what decides
	// them: see alikeKey.
	told map[string][nParts]iam.Decision
	key  []byte // room for one
	// patterns are what is asked of each object that was.
	patterns map[int32][]iam.Pattern
	// picky are objects whose own policy asks more of a principal than which
	// account he is of and whether it names him: they are decided for each.
	picky spans
	// shapes are, by object, what its own policy says to those it does not name,
	// with its own name left out: of two objects of one shape the same is decided.
	// 0: it says nothing.
	shapes  []int32
	shapeOf map[string]int32
	// naming are the objects whose own policy names a principal, by ARN.
	naming map[string][]int32
	// alike is where the run of objects ends that are of one type, account and
	// shape with each.
	alike []int32
}

// newGrasps makes ready to decide. It makes the view's objects known to the world
// of m, which must not be asked meanwhile.
func (v *view) newGrasps(m *Amazon) *graspMaker {
	k := &graspMaker{v: v, m: m, classes: map[*class]*grasp{}, left: mostDecisions, told: map[string][nParts]iam.Decision{}, patterns: map[int32][]iam.Pattern{}, shapeOf: map[string]int32{"": 0}, naming: map[string][]int32{}}
	k.sort()
	return k
}

// all decides what everyone in the view can do to its AWS objects. What the view
// lists is never less than what is allowed, so only that is asked about. The error
// is of a context that ended.
func (k *graspMaker) all(ctx context.Context) (map[estate.Node]*grasp, error) {
	out := make(map[estate.Node]*grasp, len(k.v.people))
	for _, n := range k.v.people {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if g := k.of(n); g != nil {
			out[n] = g
		}
	}
	k.forget()
	return out, nil
}

// sort finds which objects are alike, and which must be looked at for each
// principal.
func (k *graspMaker) sort() {
	all := k.v.objects.all
	k.shapes = make([]int32, len(all))
	var picky []int32
	for i := range all {
		if all[i].arn.Service != "" && k.shape(int32(i), &all[i]) {
			picky = append(picky, int32(i))
		}
	}
	k.picky = runs(picky)
	k.alike = make([]int32, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		k.alike[i] = int32(i) + 1
		if i+1 < len(all) && k.kindOf(int32(i)) == k.kindOf(int32(i)+1) {
			k.alike[i] = k.alike[i+1]
		}
	}
}

// objectKind is what the answer about an object hangs on beside which patterns
// name it.
type objectKind struct {
	typ, account string
	shape        int32
}

func (k *graspMaker) kindOf(i int32) objectKind {
	o := &k.v.objects.all[i]
	return objectKind{k.v.snap.Asset(o.node).Type, o.account, k.shapes[i]}
}

// shape notes what an object's own policy says. It reports whether that asks who
// exactly a principal is.
func (k *graspMaker) shape(i int32, o *object) (picky bool) {
	k.m.ensure(o.id)
	r := k.m.world.Resource(o.id)
	if r == nil {
		return false
	}
	var text strings.Builder
	if d := k.m.doubts[o.id]; r.Unread != "" || d != (doubt{}) || len(r.Lists) > 0 || r.RestrictPublic && r.Policy != nil {
		fmt.Fprint(&text, r.Unread, d, r.Lists, r.RestrictPublic)
	}
	for _, g := range r.Grants {
		k.naming[g.Grantee] = append(k.naming[g.Grantee], i)
		picky = picky || strings.Contains(g.Grantee, ":assumed-role/")
	}
	if r.Policy != nil {
		statements := k.m.statementsOf(o.id)
		if statements == nil { // it could not be read, or has none
			fmt.Fprint(&text, r.Policy.Problems)
		}
		for _, raw := range statements {
			names, others := principalsIn(raw)
			for _, n := range names {
				k.naming[n] = append(k.naming[n], i)
			}
			if !others {
				continue // to those it does not name it says nothing
			}
			text.WriteString(strings.ReplaceAll(string(raw), o.id, "\x00"))
			picky = picky || markOf(raw)&asksWho != 0
		}
	}
	key := text.String()
	id, known := k.shapeOf[key]
	if !known {
		id = int32(len(k.shapeOf))
		k.shapeOf[key] = id
	}
	k.shapes[i] = id
	return picky
}

// principalsIn lists the users, roles and sessions' roles that a statement names
// one by one. others says that it is for others too.
func principalsIn(raw json.RawMessage) (names []string, others bool) {
	var s struct{ Principal, NotPrincipal json.RawMessage }
	if json.Unmarshal(raw, &s) != nil || len(s.NotPrincipal) > 0 {
		return nil, true
	}
	var by map[string]json.RawMessage
	if json.Unmarshal(s.Principal, &by) != nil {
		return nil, true // "*", or no element of the language
	}
	for kind, v := range by {
		var list []string
		var one string
		if json.Unmarshal(v, &one) == nil {
			list = []string{one}
		} else if json.Unmarshal(v, &list) != nil {
			return nil, true
		}
		for _, id := range list {
			if kind == "AWS" && (strings.Contains(id, ":role/") || strings.Contains(id, ":user/")) {
				names = append(names, id)
			} else {
				others = true
			}
		}
	}
	return names, others
}

// named are the objects whose own policy names a principal.
func (k *graspMaker) named(arn string) spans {
	at := slices.Clone(k.naming[arn])
	slices.Sort(at)
	return runs(at)
}

// trusting are the roles whose trust names a principal.
func (k *graspMaker) trusting(n estate.Node) spans {
	var out []int32
	for e := range k.v.snap.In(n) {
		if i, ok := k.v.objects.at[e.Node]; ok && e.Type == estate.Trusts {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	return runs(out)
}

// of decides for one principal; nil if the view lists nothing for him.
func (k *graspMaker) of(n estate.Node) *grasp {
	a := k.v.snap.Asset(n)
	if a.Cloud == estate.Kubernetes {
		return nil
	}
	id := a.ID
	if a.ID == aws.Everyone {
		id = "*"
	}
	p, ok := k.m.world.Principal(id)
	if !ok {
		return nil
	}
	s := k.v.stage(n)
	base := s.class.on // the same for all of its class
	if p.Unread != "" || p.Kind == iam.Root || len(s.class.unread) > 0 {
		base = join(base, k.v.objects.whole(p.Account))
	}
	if p.Unread != "" {
		base = join(base, k.v.givenTo[p.Account])
	}
	own := join(k.trusting(n), k.named(id))
	if s.own != nil {
		own = join(own, s.own.reach.any())
	}
	on := join(base, own)
	if len(on) == 0 {
		return nil
	}
	if i, ok := k.v.objects.at[n]; ok && s.stranger {
		own = join(own, spans{{i, i + 1}}) // which decide leaves out
	}
	marks := k.marksOf(n)
	g := &grasp{}
	if marks&asksWho == 0 && (s.stranger || p.Unread == "" && principal(a)) {
		shared := k.classes[s.class]
		if shared == nil {
			shared = &grasp{}
			k.decide(k.oneOf(p), less(base, k.picky), s, marks&asksWhat != 0, true, shared)
			k.classes[s.class] = shared
		}
		if on = join(meet(on, k.picky), own); len(on) == 0 {
			return shared
		}
		g.unite(shared)
		for i := range nParts { // those are decided anew
			g.sure[i], g.tied[i], g.open[i] = less(g.sure[i], on), less(g.tied[i], on), less(g.open[i], on)
		}
	}
	// What names him says it of nobody else, so that no two such are alike.
	k.decide(p, less(on, own), s, marks&asksWhat != 0, false, g)
	k.decide(p, own, s, true, false, g)
	return g
}

// oneOf is one with the policies of a principal whom no resource names.
func (k *graspMaker) oneOf(p *iam.Principal) *iam.Principal {
	other := *p
	other.ARN, other.ID = "arn:aws:iam::"+p.Account+":role/-", ""
	return &other
}

// marksOf joins the marks of all policies that bear on a principal's requests.
func (k *graspMaker) marksOf(n estate.Node) mark {
	policies, boundaries := k.v.attached(n)
	var out mark
	for _, p := range slices.Concat(policies, boundaries) {
		out |= k.m.marks[k.v.snap.Asset(p).ID]
	}
	return out | k.m.orders
}

// decide asks about the objects of on: about each, or of those that the same
// patterns name and that are alike, about one. anyone says that who exactly the
// principal is does not count.
func (k *graspMaker) decide(p *iam.Principal, on spans, s *stage, each, anyone bool, g *grasp) {
	if len(on) == 0 {
		return
	}
	cuts := s.class.cuts
	answers := map[objectKind][nParts]iam.Decision{}
	for _, r := range on {
		for lo := r.lo; lo < r.hi; {
			end, at := r.hi, 0
			if at, _ = slices.BinarySearch(cuts, lo+1); at < len(cuts) {
				end = min(end, cuts[at])
			}
			clear(answers) // of the piece before
			for lo < end {
				hi := min(end, k.alike[lo])
				if each {
					hi = lo + 1
				}
				o := &k.v.objects.all[lo]
				kind := k.kindOf(lo)
				got, known := answers[kind]
				switch {
				case o.id == p.ARN: // whoever he is, he need not become himself
					hi = lo + 1
				case !known || each:
					if anyone {
						got = k.askOnce(p, lo, s, each)
					} else {
						got = k.ask(p, o, s, each)
					}
					answers[kind] = got
					fallthrough
				default:
					g.note(span{lo, hi}, got)
				}
				lo = hi
			}
		}
	}
	for i := range nParts {
		g.sure[i], g.tied[i], g.open[i] = tidy(g.sure[i]), tidy(g.tied[i]), tidy(g.open[i])
	}
}

// note adds what was decided about a run of objects.
func (g *grasp) note(on span, got [nParts]iam.Decision) {
	for i, d := range got {
		switch d {
		case iam.Allow:
			g.sure[i] = append(g.sure[i], on)
		case iam.Conditional:
			g.tied[i] = append(g.tied[i], on)
		case iam.Unknown:
			g.open[i] = append(g.open[i], on)
		}
	}
}

// edgesOf are what each pattern of a statement names in a block: of two objects
// that the same patterns name, the same statements speak.
func (o *shelf) edgesOf(b int, s *aws.Statement) []spans {
	var out []spans
	for _, p := range slices.Concat(s.Resources, s.NotResources) {
		if on := o.matching(b, p); p != "*" && len(on) > 0 {
			out = append(out, on)
		}
	}
	return out
}

// overTLS is what whoever asks may choose to do, so that an answer that hangs on
// nothing else hangs on nothing.
var overTLS = map[string][]string{"aws:SecureTransport": {"true"}}

// decided asks the engine, as long as there is anything left of what may be asked.
func (k *graspMaker) decided(r iam.Request) iam.Decision {
	if k.left <= 0 {
		return iam.Unknown
	}
	k.left--
	got := k.m.world.Decide(r)
	if got == iam.Conditional {
		r.Context = overTLS
		if k.m.world.Decide(r) == iam.Allow {
			got = iam.Allow
		}
	}
	if a := k.m.settled(r, iam.Answer{Decision: got}); a.Decision == iam.Unknown {
		return iam.Unknown
	}
	return got
}

// ask decides about one object, by ability and by level. At a level the actions
// are asked about that the principal's policies name, or the object's own; each
// but the first that is allowed, which settles the level. itself says that the
// object's own policy or trust may name the principal.
func (k *graspMaker) ask(p *iam.Principal, o *object, s *stage, itself bool) (best [nParts]iam.Decision) {
	for i := range best {
		best[i] = iam.Deny
	}
	if o.arn.Service == "" {
		return best
	}
	better := func(part int, got iam.Decision) {
		if rank(got) > rank(best[part]) {
			best[part] = got
		}
	}
	deeds := k.v.deedsOf(o)
	var between, untold [4]int // answers that are neither yes nor no, and of those what could not be told
	level := func(l Level, got iam.Decision) {
		for i := range levels {
			if l&(1<<i) != 0 {
				better(nAbilities+i, got)
				if got == iam.Conditional || got == iam.Unknown {
					between[i]++
				}
				if got == iam.Unknown {
					untold[i]++
				}
			}
		}
	}
	for _, d := range deeds {
		got := k.decided(iam.Request{Principal: p, Action: d.action, Resource: o.id + d.inside})
		better(d.ability, got)
		service, name, _ := strings.Cut(d.action, ":")
		level(levelOf(service, name), got)
	}
	for _, q := range k.v.asks(p, o, s, itself) {
		open := q.level &^ k.settled(&best)
		for i := range levels {
			if untold[i] >= mostUntold || q.worth == perhaps && between[i] > 0 {
				open &^= 1 << i
			}
		}
		if open == 0 || slices.ContainsFunc(deeds, func(d deed) bool { return d.action == q.action && d.inside == q.inside }) {
			continue
		}
		level(q.level, k.decided(iam.Request{Principal: p, Action: q.action, Resource: o.id + q.inside}))
	}
	return best
}

// settled are the levels at which something is allowed whatever the request.
func (*graspMaker) settled(best *[nParts]iam.Decision) (out Level) {
	for i := range levels {
		if best[nAbilities+i] == iam.Allow {
			out |= 1 << i
		}
	}
	return out
}

// rank orders decisions by what they let.
func rank(d iam.Decision) int {
	switch d {
	case iam.Allow:
		return 3
	case iam.Conditional:
		return 2
	case iam.Unknown:
		return 1
	}
	return 0
}

// mark says what a document's meaning hangs on beside actions and resources.
type mark uint8

const (
	// asksWho: on who the principal is, beside having the policy.
	asksWho mark = 1 << iota
	// asksWhat: on what the resource is, beside its ARN.
	asksWhat
)

// markOf reads the marks of a document that gives to whoever has it.
func markOf(document []byte) mark {
	text := bytes.ToLower(document)
	var m mark
	for _, word := range []string{"${", "aws:principal", "aws:userid", "aws:username"} {
		if bytes.Contains(text, []byte(word)) {
			m |= asksWho
			break
		}
	}
	for _, word := range []string{"${", "resourcetag", "existingobjecttag"} {
		if bytes.Contains(text, []byte(word)) {
			m |= asksWhat
			break
		}
	}
	return m
}
