// Package brake writes what keeps a workload in AWS from growing: statements that
// deny the calls by which people and pipelines grow it, commands that freeze what
// grows by itself, and the pattern of an event that tells when one got through.
//
// Three lines, since none holds alone. Service control policies do not bind
// service-linked roles, and Application Auto Scaling acts through one: what it does
// is frozen by suspending it. Most calls say nothing of which way they scale, so
// that denying them denies scaling down too, but for those who are excepted; where
// AWS has a condition key for the amount, only growth is denied, and calls that do not
// say how much: what they leave as it is may be large. The event is the last line: it
// comes when the call was made.
package brake

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// MaxSize is what a service control policy may have, in characters (AWS
// Organizations quotas).
const MaxSize = 5120

// Workload is one to be held.
type Workload struct {
	Name string
	// Limit is how far it may grow in replicas or instances: its pilot.
	Limit int
	// Assets are its members.
	Assets []*estate.Asset
	// Scalers are what grows a member by itself: scalable targets of Application
	// Auto Scaling.
	Scalers []*estate.Asset
}

// Hold is what keeps workloads from growing.
type Hold struct {
	// Policies are documents of service control policies, each within MaxSize; they
	// serve as identity policies and permission boundaries too, beside what allows.
	Policies []json.RawMessage `json:"policies"`
	// Freeze stops what grows by itself, and lets it shrink.
	Freeze []Command `json:"freeze"`
	// Event is the pattern of an EventBridge rule that sees a held call made.
	Event json.RawMessage `json:"event"`
	// Wider lists what a statement holds beyond the workload, since AWS knows no
	// narrower way; Unheld what nothing here holds.
	Wider  []Note `json:"wider"`
	Unheld []Note `json:"unheld"`
}

// Command is one to be run, with what undoes it.
type Command struct {
	Workload string `json:"workload"`
	Asset    string `json:"asset"`
	Run      string `json:"run"`
	Undo     string `json:"undo"`
}

// Note is something about an asset of a workload.
type Note struct {
	Workload string `json:"workload"`
	Asset    string `json:"asset"`
	Text     string `json:"text"`
}

// way is how a thing is made to grow.
type way struct {
	actions []string
	// resource is the ARN the calls name, made from the asset; nil: the asset's own.
	resource func(a *estate.Asset) string
	// key is a numeric condition key of what is asked for; empty: none.
	key string
	// wider says what else the statement holds; empty: nothing.
	wider string
}

// ways are those of each type.
var ways = map[string][]way{
	"AWS::SageMaker::Endpoint": {{actions: []string{"sagemaker:UpdateEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"}}},
	"AWS::SageMaker::EndpointConfig": {{actions: []string{"sagemaker:CreateEndpointConfig"}, resource: inRegion("sagemaker", "endpoint-config/*"),
		wider: "every new endpoint configuration of the account and region: a larger one bears a new name"}},
	"AWS::SageMaker::InferenceComponent": {{actions: []string{"sagemaker:UpdateInferenceComponent", "sagemaker:UpdateInferenceComponentRuntimeConfig"}}},
	"AWS::SageMaker::Cluster":            {{actions: []string{"sagemaker:UpdateCluster"}}},
	"AWS::Bedrock::ProvisionedModelThroughput": {{actions: []string{"bedrock:UpdateProvisionedModelThroughput"}},
		{actions: []string{"bedrock:CreateProvisionedModelThroughput"}, resource: anything, wider: "every new provisioned throughput: one more beside the first is growth too"}},
	"AWS::AutoScaling::AutoScalingGroup": {{actions: []string{"autoscaling:UpdateAutoScalingGroup", "autoscaling:PutScheduledUpdateGroupAction"}, key: "autoscaling:MaxSize"},
		// The greatest size that bounds these may be one that the group had before it was held.
		{actions: []string{"autoscaling:PutScalingPolicy", "autoscaling:SetDesiredCapacity", "autoscaling:ExecutePolicy", "autoscaling:AttachInstances"}}},
	"AWS::EKS::Nodegroup":              {{actions: []string{"eks:UpdateNodegroupConfig"}}},
	"AWS::ECS::Service":                {{actions: []string{"ecs:UpdateService"}}},
	"AWS::Lambda::Function":            {{actions: []string{"lambda:PutFunctionConcurrency"}}, {actions: []string{"lambda:PutProvisionedConcurrencyConfig"}, resource: suffixed(":*")}},
	"AWS::Batch::ComputeEnvironment":   {{actions: []string{"batch:UpdateComputeEnvironment"}}},
	"AWS::BedrockAgentCore::Runtime":   {{actions: []string{"bedrock-agentcore:UpdateAgentRuntime"}}},
	"AWS::EC2::Instance":               {{actions: []string{"ec2:ModifyInstanceAttribute"}}},
	"AWS::SageMaker::NotebookInstance": {{actions: []string{"sagemaker:UpdateNotebookInstance"}}},
}

// unheld says why nothing holds a type that grows.
var unheld = map[string]string{
	"AWS::SageMaker::TrainingJob":   "a job's size is set when it is made, and no condition key tells how many instances are asked for: gate plan and the pipeline hold it",
	"AWS::SageMaker::ProcessingJob": "a job's size is set when it is made, and no condition key tells how many instances are asked for: gate plan and the pipeline hold it",
	"AWS::SageMaker::TransformJob":  "a job's size is set when it is made, and no condition key tells how many instances are asked for: gate plan and the pipeline hold it",
	"AWS::Glue::Job":                "a run may ask for more workers than the job says: glue:StartJobRun has no condition key for it",
	"AWS::EMR::Cluster":             "instance groups are named by ids that come with each cluster: deny elasticmapreduce:ModifyInstanceGroups by tag",
}

func anything(*estate.Asset) string { return "*" }

func inRegion(service, rest string) func(*estate.Asset) string {
	return func(a *estate.Asset) string {
		return "arn:" + partition(a.ID) + ":" + service + ":" + a.Region + ":" + a.Account + ":" + rest
	}
}

func suffixed(rest string) func(*estate.Asset) string {
	return func(a *estate.Asset) string { return literal(a.ID) + rest }
}

// literal is text as a policy means it, letter by letter: an Auto Scaling group may
// bear a name that policies would read as a pattern or a variable.
func literal(s string) string {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(s)
}

// word is text as a shell takes it for one word of a command.
func word(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./:@+=,", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func partition(arn string) string {
	if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 && parts[0] == "arn" && parts[1] != "" {
		return parts[1]
	}
	return "aws"
}

// Actions lists every action a hold may deny, for whoever holds them against AWS's
// own list.
func Actions() []string {
	set := map[string]bool{}
	for _, list := range ways {
		for _, w := range list {
			for _, a := range w.actions {
				set[a] = true
			}
		}
	}
	for _, a := range scalerActions {
		set[a] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// scalerActions are those by which somebody has Application Auto Scaling grow things.
var scalerActions = []string{"application-autoscaling:PutScalingPolicy", "application-autoscaling:PutScheduledAction", "application-autoscaling:RegisterScalableTarget"}

// statement of a policy.
type statement struct {
	Sid       string                         `json:"Sid"`
	Effect    string                         `json:"Effect"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

// Of writes the hold of workloads. except are patterns of principals' ARNs that may
// still make the calls: those that go through the gate's word on plans, and whoever
// breaks the glass.
func Of(workloads []Workload, except []string) (*Hold, error) {
	h := &Hold{Policies: []json.RawMessage{}, Freeze: []Command{}, Wider: []Note{}, Unheld: []Note{}}
	type group struct {
		actions, key string
		limit        int
	}
	resources := map[group]map[string]bool{}
	scalers := map[[2]string]bool{} // namespace, dimension
	calls := map[string]bool{}
	for _, w := range workloads {
		for _, a := range w.Assets {
			if a.Cloud != estate.AWS {
				continue
			}
			if why, never := unheld[a.Type]; never {
				h.Unheld = append(h.Unheld, Note{w.Name, a.ID, why})
			}
			for _, way := range ways[a.Type] {
				if !strings.HasPrefix(a.ID, "arn:") {
					h.Unheld = append(h.Unheld, Note{w.Name, a.ID, "it has no ARN yet: a statement about it can be written once it is made"})
					break
				}
				g := group{actions: strings.Join(way.actions, " "), key: way.key}
				if way.key != "" {
					g.limit = w.Limit
				}
				name := literal(a.ID)
				if way.resource != nil {
					name = way.resource(a)
				}
				if resources[g] == nil {
					resources[g] = map[string]bool{}
				}
				resources[g][name] = true
				if way.wider != "" {
					h.Wider = append(h.Wider, Note{w.Name, a.ID, way.wider})
				}
				for _, action := range way.actions {
					calls[action] = true
				}
			}
			h.Freeze = append(h.Freeze, frozen(w.Name, a)...)
		}
		for _, s := range w.Scalers {
			namespace, id, dimension, ok := target(s.ID)
			if !ok {
				h.Unheld = append(h.Unheld, Note{w.Name, s.ID, "its id does not say which namespace and dimension it scales"})
				continue
			}
			scalers[[2]string{namespace, dimension}] = true
			h.Wider = append(h.Wider, Note{w.Name, s.ID, "every target of " + namespace + " (" + dimension + "): AWS names targets by ids of its own, so that a statement cannot name one"})
			run := "aws application-autoscaling register-scalable-target --region " + word(s.Region) + " --service-namespace " + word(namespace) + " --resource-id " + word(id) + " --scalable-dimension " + word(dimension) + " --suspended-state "
			h.Freeze = append(h.Freeze, Command{w.Name, s.ID, run + "DynamicScalingInSuspended=false,DynamicScalingOutSuspended=true,ScheduledScalingSuspended=true",
				run + "DynamicScalingInSuspended=false,DynamicScalingOutSuspended=false,ScheduledScalingSuspended=false"})
			for _, action := range scalerActions {
				calls[action] = true
			}
		}
	}
	var all []statement
	groups := slices.SortedFunc(maps.Keys(resources), func(a, b group) int {
		return cmp.Or(strings.Compare(a.actions, b.actions), cmp.Compare(a.limit, b.limit))
	})
	for _, g := range groups {
		s := statement{Sid: fmt.Sprintf("Hold%04d", len(all)+1), Effect: "Deny", Action: strings.Fields(g.actions), Resource: slices.Sorted(maps.Keys(resources[g])), Condition: spared(except)}
		if g.key != "" {
			s.Condition = with(s.Condition, "NumericGreaterThanIfExists", g.key, strconv.Itoa(g.limit))
		}
		all = append(all, s)
	}
	for _, k := range slices.SortedFunc(maps.Keys(scalers), func(a, b [2]string) int {
		return cmp.Or(strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1]))
	}) {
		s := statement{Sid: fmt.Sprintf("Hold%04d", len(all)+1), Effect: "Deny", Action: scalerActions, Resource: []string{"*"}, Condition: spared(except)}
		s.Condition = with(s.Condition, "StringEquals", "application-autoscaling:service-namespace", k[0])
		s.Condition = with(s.Condition, "StringEquals", "application-autoscaling:scalable-dimension", k[1])
		all = append(all, s)
	}
	var err error
	if h.Policies, err = packed(all); err != nil {
		return nil, err
	}
	h.Event, err = pattern(slices.Sorted(maps.Keys(calls)))
	return h, err
}

// spared is the condition that leaves principals out of a denial.
func spared(except []string) map[string]map[string][]string {
	if len(except) == 0 {
		return nil
	}
	return map[string]map[string][]string{"ArnNotLike": {"aws:PrincipalArn": except}}
}

func with(c map[string]map[string][]string, operator, key string, values ...string) map[string]map[string][]string {
	if c == nil {
		c = map[string]map[string][]string{}
	}
	if c[operator] == nil {
		c[operator] = map[string][]string{}
	}
	c[operator][key] = values
	return c
}

// target reads the id of a scalable target:
// arn:…:scalable-target/NAMESPACE/RESOURCE-ID/DIMENSION, as the estate names it.
func target(arn string) (namespace, id, dimension string, ok bool) {
	_, rest, found := strings.Cut(arn, ":scalable-target/")
	if !found {
		return "", "", "", false
	}
	namespace, rest, found = strings.Cut(rest, "/")
	i := strings.LastIndexByte(rest, '/')
	if !found || i < 0 || !strings.HasPrefix(rest[i+1:], namespace+":") {
		return "", "", "", false
	}
	return namespace, rest[:i], rest[i+1:], true
}

// frozen stops what grows by itself without Application Auto Scaling.
func frozen(workload string, a *estate.Asset) []Command {
	if a.Type != "AWS::AutoScaling::AutoScalingGroup" {
		return nil
	}
	_, name, ok := strings.Cut(a.ID, ":autoScalingGroupName/")
	if !ok {
		return nil
	}
	rest := "-processes --region " + word(a.Region) + " --auto-scaling-group-name " + word(name) + " --scaling-processes AlarmNotification ScheduledActions"
	return []Command{{workload, a.ID, "aws autoscaling suspend" + rest, "aws autoscaling resume" + rest}}
}

// packed puts statements into as few documents as fit, in their order; one that is
// too large by itself is cut by its resources.
func packed(all []statement) ([]json.RawMessage, error) {
	type document struct {
		Version   string      `json:"Version"`
		Statement []statement `json:"Statement"`
	}
	out := []json.RawMessage{}
	var now []statement
	size := func(list []statement) int {
		text, _ := json.Marshal(document{"2012-10-17", list}) // strings marshal
		return len(text)
	}
	flush := func() error {
		if len(now) == 0 {
			return nil
		}
		for i := range now { // a policy's statements have names of their own
			now[i].Sid = fmt.Sprintf("Hold%d", i+1)
		}
		text, err := json.Marshal(document{"2012-10-17", now})
		out, now = append(out, text), nil
		return err
	}
	for len(all) > 0 {
		s := all[0]
		if size(append(slices.Clone(now), s)) <= MaxSize {
			now, all = append(now, s), all[1:]
			continue
		}
		if len(now) > 0 {
			if err := flush(); err != nil {
				return nil, err
			}
			continue
		}
		if len(s.Resource) < 2 {
			return nil, fmt.Errorf("statement %s alone exceeds the %d characters of a service control policy: except fewer principals, or by a shorter pattern", s.Sid, MaxSize)
		}
		first, second := s, s
		half := len(s.Resource) / 2
		first.Resource, second.Resource = s.Resource[:half], s.Resource[half:]
		all = append([]statement{first, second}, all[1:]...)
	}
	return out, flush()
}

// pattern is an EventBridge pattern for calls that were made. Lambda's are recorded
// under names that end in the date of their API (PutFunctionConcurrency20171031).
func pattern(calls []string) (json.RawMessage, error) {
	sources, names, dated := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range calls {
		service, name, _ := strings.Cut(c, ":")
		sources["aws."+service] = true
		if service == "lambda" {
			dated[name] = true
			continue
		}
		names[name] = true
	}
	match := []any{}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		match = append(match, n)
	}
	for _, n := range slices.Sorted(maps.Keys(dated)) {
		match = append(match, map[string]string{"prefix": n})
	}
	return json.Marshal(map[string]any{"source": slices.Sorted(maps.Keys(sources)), "detail-type": []string{"AWS API Call via CloudTrail"},
		"detail": map[string]any{"eventName": match}})
}
