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
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// ladderOf notes what the ways to more rights ask of an identity beside its
// policies: its groups, its account's own policies, whom its trust names, the
// instance profiles it is in.
func (r *reader) ladderOf(n estate.Node, a *estate.Asset, h *holding, p *iam.Principal) error {
	config, err := r.snap.Config(n)
	if err != nil {
		return fmt.Errorf("%s: %w", a.ID, err)
	}
	var more struct {
		InstanceProfileList []struct{ Arn string }
	}
	_ = json.Unmarshal(config, &more) // its shape was complained of already
	for _, i := range more.InstanceProfileList {
		p.InstanceProfiles = append(p.InstanceProfiles, i.Arn)
	}
	for e := range r.snap.In(n) {
		if e.Type == estate.RunsAs && r.snap.Asset(e.Node).Type == "AWS::IAM::InstanceProfile" {
			p.InstanceProfiles = append(p.InstanceProfiles, r.snap.Asset(e.Node).ID)
		}
	}
	slices.Sort(p.InstanceProfiles)
	p.InstanceProfiles = slices.Compact(p.InstanceProfiles)
	own := func(arns []string) {
		for _, arn := range arns {
			if !strings.Contains(arn, ":iam::aws:") && arn != "" {
				p.Customer = append(p.Customer, arn)
			}
		}
	}
	var attached []string
	for _, m := range h.AttachedManagedPolicies {
		attached = append(attached, m.PolicyArn)
	}
	own(attached)
	p.Attached = len(attached)
	if p.Kind == iam.User {
		for _, g := range h.GroupList {
			name := g
			if arn, ok := aws.ParseARN(g); ok {
				name = arn.Name()
			}
			known := r.groupAssets[p.Account+"/"+name]
			if known.arn == "" {
				continue
			}
			p.Groups = append(p.Groups, known.arn)
			own(known.attached)
		}
	}
	slices.Sort(p.Customer)
	p.Customer = slices.Compact(p.Customer)
	for e := range r.snap.Out(n) {
		switch r.snap.Asset(e.Node).Type {
		case "AWS::IAM::OIDCProvider", "AWS::IAM::SAMLProvider":
			p.Providers = append(p.Providers, r.snap.Asset(e.Node).ID)
		}
	}
	for e := range r.snap.In(n) {
		switch r.snap.Asset(e.Node).Type {
		case "AWS::IAM::OIDCProvider", "AWS::IAM::SAMLProvider":
			p.Providers = append(p.Providers, r.snap.Asset(e.Node).ID)
		}
	}
	slices.Sort(p.Providers)
	p.Providers = slices.Compact(p.Providers)
	return nil
}

// groupAsset is what a way into a group asks of it.
type groupAsset struct {
	arn      string
	attached []string
}

// joinable makes a group known as one that somebody may put himself into.
func (r *reader) joinable(a *estate.Asset, h *holding, policies []*iam.Policy) {
	g := groupAsset{arn: a.ID}
	for _, m := range h.AttachedManagedPolicies {
		g.attached = append(g.attached, m.PolicyArn)
	}
	if r.groupAssets == nil {
		r.groupAssets = map[string]groupAsset{}
	}
	r.groupAssets[accountOf(a)+"/"+nameOf(a)] = g
	r.world.AddGroup(iam.Group{ARN: a.ID, Account: accountOf(a), Policies: policies, Attached: len(h.AttachedManagedPolicies)})
}

// versions makes the versions of a managed policy known that are not its
// default one, where the export holds them.
func (r *reader) versions(a *estate.Asset, config json.RawMessage) {
	if !bytes.Contains(config, []byte("PolicyVersionList")) {
		return
	}
	var policy struct {
		PolicyVersionList []struct {
			Document         json.RawMessage
			VersionId        string
			IsDefaultVersion bool
		}
	}
	if json.Unmarshal(config, &policy) != nil {
		return
	}
	var out []*iam.Policy
	for _, v := range policy.PolicyVersionList {
		if !v.IsDefaultVersion && len(v.Document) > 0 {
			out = append(out, r.world.Parse(a.ID+" "+v.VersionId, v.Document))
		}
	}
	r.world.AddVersions(a.ID, out)
}

// Escalations lists the ways by which somebody who is no administrator becomes
// one, as iam.World.Escalations does.
func (m *Amazon) Escalations(ctx context.Context) ([]iam.Escalation, error) {
	routes, err := reference.Routes()
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	return m.world.Escalations(ctx, routes, newSurroundings(m.snap, m.world))
}

// Climbers says who of those who are no administrators can become one, and how
// sure that is, as iam.World.Climbers does.
func (m *Amazon) Climbers(ctx context.Context) (map[string]iam.Decision, error) {
	routes, err := reference.Routes()
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	return m.world.Climbers(ctx, routes, newSurroundings(m.snap, m.world))
}

// Cuts finds what to refuse each of some principals, as iam.World.Cuts does.
func (m *Amazon) Cuts(ctx context.Context, principals []string) ([]iam.Cut, error) {
	routes, err := reference.Routes()
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	return m.world.Cuts(ctx, routes, newSurroundings(m.snap, m.world), principals)
}

// CutCommand is the command that adds a cut's policy to its principal; empty
// for who is neither user nor role.
func CutCommand(c iam.Cut) string {
	arn, ok := aws.ParseARN(c.Principal)
	if !ok {
		return ""
	}
	kind := "role"
	if strings.HasPrefix(arn.Resource, "user/") {
		kind = "user"
	}
	return fmt.Sprintf("aws iam put-%s-policy --%s-name %s --policy-name no-way-to-administrator --policy-document %s", kind, kind, word(arn.Name()), word(string(c.Document)))
}

// surroundings answer what the estate says beside policies.
type surroundings struct {
	snap     *estate.Snapshot
	world    *iam.World
	carriers map[ofType][]iam.Carrier
	number   map[ofType]int // assets of a type
	listed   map[ofType]bool
	blind    map[ofType]bool
}

type ofType struct{ account, typ string }

func newSurroundings(snap *estate.Snapshot, w *iam.World) *surroundings {
	l := &surroundings{snap: snap, world: w, carriers: map[ofType][]iam.Carrier{}, number: map[ofType]int{}, listed: map[ofType]bool{}, blind: map[ofType]bool{}}
	for _, c := range snap.Coverage() {
		l.listed[ofType{c.Account, c.Type}] = true
	}
	for _, b := range snap.BlindSpots() {
		if b.Asset != "" {
			continue
		}
		for _, t := range b.Types {
			l.blind[ofType{b.Account, t}] = true
		}
	}
	for n, a := range snap.Assets() {
		if a.Cloud != estate.AWS || a.Referenced {
			continue
		}
		k := ofType{a.Account, a.Type}
		l.number[k]++
		if a.Type == "AWS::IAM::InstanceProfile" {
			if role := l.roleOf(n); role == "" {
				l.carriers[k] = append(l.carriers[k], iam.Carrier{ARN: a.ID, Type: a.Type})
			}
			continue
		}
		for e := range snap.Out(n) {
			if e.Type != estate.RunsAs {
				continue
			}
			to := snap.Asset(e.Node)
			role := to.ID
			if to.Type == "AWS::IAM::InstanceProfile" {
				role = l.roleOf(e.Node)
			}
			if role != "" {
				l.carriers[k] = append(l.carriers[k], iam.Carrier{ARN: a.ID, Type: a.Type, Role: role})
			}
		}
	}
	return l
}

// roleOf is the role that an instance profile holds; empty if none.
func (l *surroundings) roleOf(n estate.Node) string {
	for e := range l.snap.Out(n) {
		if e.Type == estate.RunsAs && l.snap.Asset(e.Node).Type == "AWS::IAM::Role" {
			return l.snap.Asset(e.Node).ID
		}
	}
	return ""
}

// Carriers implements iam.Surroundings.
func (l *surroundings) Carriers(account, typ string) ([]iam.Carrier, bool) {
	k := ofType{account, typ}
	return l.carriers[k], l.whole(k)
}

// whole says that a type was listed to the end in an account.
func (l *surroundings) whole(k ofType) bool {
	return l.listed[k] && !l.blind[k] && !l.blind[ofType{"", k.typ}]
}

// existence are the facts that hold if the account has a resource of a type.
var existence = map[string]string{
	"ecs-cluster": "AWS::ECS::Cluster", "container-instance": "AWS::ECS::ContainerInstance", "batch-queue": "AWS::Batch::JobQueue",
	"studio-domain": "AWS::SageMaker::Domain", "hyperpod-cluster": "AWS::SageMaker::Cluster", "notebook-instance": "AWS::SageMaker::NotebookInstance",
	"user-profile": "AWS::SageMaker::UserProfile", "pipeline": "AWS::SageMaker::Pipeline", "monitoring-schedule": "AWS::SageMaker::MonitoringSchedule",
	"agent": "AWS::Bedrock::Agent", "flow": "AWS::Bedrock::Flow", "knowledge-base": "AWS::Bedrock::KnowledgeBase",
	"agent-runtime": "AWS::BedrockAgentCore::Runtime", "gateway": "AWS::BedrockAgentCore::Gateway", "memory": "AWS::BedrockAgentCore::Memory",
	"glue-job": "AWS::Glue::Job", "existing-function": "AWS::Lambda::Function", "stack-set": "AWS::CloudFormation::StackSet",
	"emr-application": "AWS::EMRServerless::Application", "identity-pool": "AWS::Cognito::IdentityPool",
}

// Fact implements iam.Surroundings.
func (l *surroundings) Fact(name string, p, target *iam.Principal, c *iam.Carrier) (holds, known bool) {
	if typ, ok := existence[name]; ok {
		k := ofType{p.Account, typ}
		return l.number[k] > 0, l.number[k] > 0 || l.whole(k)
	}
	switch name {
	case "management-account":
		a := l.world.Account(p.Account)
		return a != nil && a.Management, a != nil && a.Unread == "" && a.Assumed == ""
	case "pod-token":
		// Who holds which token is not told; that the role does not trust EKS to
		// hand it to pods is.
		eks, _ := l.world.Principal("pods.eks.amazonaws.com")
		return false, target != nil && l.world.Decide(iam.Request{Principal: eks, Action: "sts:AssumeRole", Resource: target.ARN}) == iam.Deny
	case "running":
		return l.running(c)
	case "key-slot-free", "two-keys", "login-profile", "no-login-profile":
		keys, password, known := l.credentials(target)
		switch name {
		case "key-slot-free":
			return keys < 2, known
		case "two-keys":
			return keys >= 2, known
		case "login-profile":
			return password, known
		}
		return !password, known
	case "iam-domain", "batch-builds", "exec-enabled":
		return l.setting(name, c)
	}
	return false, false
}

// credentials counts a user's access keys and says whether he has a password.
func (l *surroundings) credentials(p *iam.Principal) (keys int, password, known bool) {
	a, ok := l.loaded(p.ARN)
	if !ok {
		return 0, false, false
	}
	id := aws.ReadIdentity(a)
	if !id.Reported {
		return 0, false, false
	}
	for _, c := range id.Credentials {
		switch {
		case c.Type == "password" && c.Active:
			password = true
		case c.Type != "password":
			keys++
		}
	}
	return keys, password, true
}

func (l *surroundings) loaded(id string) (*estate.Asset, bool) {
	n, ok := l.snap.Find(id)
	if !ok {
		return nil, false
	}
	config, err := l.snap.Config(n)
	if err != nil || len(config) == 0 {
		return nil, false
	}
	a := *l.snap.Asset(n)
	a.Config = config
	return &a, true
}

// runningWords are the states in which a resource takes calls.
var runningWords = []string{"running", "InService", "ACTIVE", "Active", "READY", "Ready", "AVAILABLE", "WAITING", "RUNNING", "Created", "CREATED", "STARTED"}

func (l *surroundings) running(c *iam.Carrier) (holds, known bool) {
	if c == nil {
		return false, false
	}
	a, ok := l.loaded(c.ARN)
	if !ok {
		return false, false
	}
	var state struct {
		NotebookInstanceStatus, Status, LifecycleState, TrackingServerStatus, LastStatus string
		State                                                                            json.RawMessage
	}
	if json.Unmarshal(a.Config, &state) != nil {
		return false, false
	}
	words := []string{state.NotebookInstanceStatus, state.Status, state.LifecycleState, state.TrackingServerStatus, state.LastStatus}
	var named struct{ Name, State string }
	var text string
	if json.Unmarshal(state.State, &text) == nil {
		words = append(words, text)
	} else if json.Unmarshal(state.State, &named) == nil {
		words = append(words, named.Name, named.State)
	}
	for _, w := range words {
		if w != "" {
			return slices.Contains(runningWords, w), true
		}
	}
	return false, false
}

// setting reads a switch of the resource that is called.
func (l *surroundings) setting(name string, c *iam.Carrier) (holds, known bool) {
	if c == nil {
		return false, false
	}
	a, ok := l.loaded(c.ARN)
	if !ok {
		return false, false
	}
	var s struct {
		AuthMode             string
		BuildBatchConfig     json.RawMessage
		EnableExecuteCommand *bool
	}
	if json.Unmarshal(a.Config, &s) != nil {
		return false, false
	}
	switch name {
	case "iam-domain":
		return s.AuthMode == "IAM", s.AuthMode != ""
	case "batch-builds":
		return len(s.BuildBatchConfig) > 0, true
	}
	return s.EnableExecuteCommand != nil && *s.EnableExecuteCommand, s.EnableExecuteCommand != nil
}
