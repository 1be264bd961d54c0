package aws

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// workflowTypes are what starts things: state machines, rules, schedules.
var workflowTypes = map[string]spec{
	"AWS::StepFunctions::StateMachine": {estate.KindPipeline, []edge{
		{estate.RunsAs, "roleArn", role},
		{estate.LogsTo, "loggingConfiguration.destinations[].cloudWatchLogsLogGroup.logGroupArn", logGroup},
		{estate.EncryptsBy, "encryptionConfiguration.kmsKeyId", key},
	}, stateMachine},
	"AWS::Events::EventBus": {estate.KindEventSource, []edge{
		{"", "Policy", resourcePolicy},
		{estate.EncryptsBy, "KmsKeyIdentifier", key},
	}, nil},
	"AWS::Events::Rule": {estate.KindEventSource, slices.Concat([]edge{
		{estate.RunsAs, "RoleArn", role},
		{estate.MemberOf, "EventBusName", regional("events", "event-bus/")},
	}, ruleTargets("ListTargetsByRule.Targets[]"), ruleTargets("Targets[]")), nil},
	"AWS::Scheduler::Schedule": {estate.KindEventSource, []edge{
		{estate.Triggers, "Target.Arn", target},
		{estate.RunsAs, "Target.RoleArn", role},
		{estate.Triggers, "Target.EcsParameters.TaskDefinitionArn", byARN},
		{estate.Triggers, "Target.Input", scheduleInput},
		{estate.EncryptsBy, "KmsKeyArn", key},
		{estate.Writes, "Target.DeadLetterConfig.Arn", byARN},
	}, nil},
	"AWS::Pipes::Pipe": {estate.KindPipeline, []edge{
		{estate.Reads, "Source", ifARN},
		{estate.Triggers, "Target", target},
		{estate.Triggers, "Enrichment", target},
		{estate.RunsAs, "RoleArn", role},
	}, nil},
}

// ruleTargets are the edges of a rule's targets.
func ruleTargets(at string) []edge {
	return []edge{
		{estate.Triggers, at + ".Arn", target},
		{estate.RunsAs, at + ".RoleArn", role},
		{estate.Triggers, at + ".EcsParameters.TaskDefinitionArn", byARN},
		{estate.Triggers, at + ".BatchParameters.JobDefinition", regional("batch", "job-definition/")},
		{estate.Writes, at + ".DeadLetterConfig.Arn", byARN},
	}
}

// target links to what an event or schedule starts. The universal targets of
// the scheduler ("arn:aws:scheduler:::aws-sdk:...") name an API and no thing.
func target(n node, rel estate.RelationType) {
	a, ok := ParseARN(n.str())
	switch {
	case !ok:
		byARN(n, rel)
	case a.Service == "lambda":
		function(n, rel)
	case a.Service == "logs":
		logGroup(n, rel)
	case a.Service != "scheduler":
		n.relation(rel, n.str())
	}
}

// scheduleInput reads what a universal target is called with.
func scheduleInput(n node, _ estate.RelationType) {
	a, _ := ParseARN(n.r.cfg.text("Target.Arn"))
	if a.Service != "scheduler" || !strings.HasPrefix(strings.TrimSpace(n.words()), "{") {
		return
	}
	service, action, _ := strings.Cut(strings.TrimPrefix(a.Resource, "aws-sdk:"), ":")
	started(n.r, service+":"+action, document(n))
}

// stateMachine reads a definition in the Amazon States Language: what its
// tasks start, with the parameters they pass.
func stateMachine(r *reading) {
	def := document(r.cfg.at("definition"))
	ai := walkStates(r, def, 0)
	switch {
	case ai != "":
		r.root(estate.ClassPipeline, "", "its definition starts "+ai)
	case r.peek("definition").ok():
		for _, k := range []string{"workload", "ai", "purpose"} {
			switch v := strings.ToLower(r.tag(k)); v {
			case "ai", "ml", "training", "inference", "data-pipeline", "true":
				r.root(estate.ClassPipeline, "", "its tag "+k+" says "+v)
			}
		}
	}
}

// walkStates follows a machine's states and those inside parallel branches and
// maps. It returns what of AI or data processing they start, "" if nothing.
func walkStates(r *reading, machine node, depth int) string {
	ai := ""
	if depth > maxNesting {
		machine.problem("states are nested too deep to follow")
		return ""
	}
	for _, s := range machine.at("States").members() {
		if s.text("Type") == "Task" {
			ai = firstOf(ai, task(r, s))
		}
		for branch := range s.each("Branches[]") {
			ai = firstOf(ai, walkStates(r, branch, depth+1))
		}
		for _, inner := range []string{"Iterator", "ItemProcessor"} {
			if m := s.at(inner); m.ok() {
				ai = firstOf(ai, walkStates(r, m, depth+1))
			}
		}
		if src := s.at("ItemReader"); src.ok() {
			for _, with := range []string{"Parameters", "Arguments"} {
				at := src.at(with + ".Bucket")
				if at.ok() && !expression(at.words()) {
					bucket(at, estate.Reads)
				}
			}
		}
	}
	return ai
}

// task reads one task: a function or activity by ARN, or a service integration.
func task(r *reading, s node) string {
	resource := s.at("Resource")
	a, ok := ParseARN(resource.str())
	switch {
	case !ok:
		if resource.str() != "" && !expression(resource.str()) {
			resource.problem("expected an ARN")
		}
		return ""
	case a.Service == "lambda":
		function(resource, estate.Triggers)
		return ""
	case a.Service != "states" || a.Account != "":
		resource.relation(estate.Triggers, resource.str())
		return ""
	}
	call := a.Resource // sagemaker:createTrainingJob.sync, aws-sdk:bedrock:invokeModel
	call = strings.TrimPrefix(call, "aws-sdk:")
	call, _, _ = strings.Cut(call, ".")
	args := s.at("Parameters")
	if !args.ok() {
		args = s.at("Arguments")
	}
	if _, isObject := args.v.(map[string]any); !isObject { // a JSONata expression as a whole
		args = node{r: r, path: args.path}
	}
	return started(r, call, node{r, args.path, known(args.v)})
}

// expression reports whether a string is filled in when the machine runs.
func expression(s string) bool {
	return strings.HasPrefix(s, "$") || strings.HasPrefix(s, "{%") || strings.HasPrefix(s, "${") || strings.HasPrefix(s, "States.")
}

// known drops what a state fills in when it runs: it is not configuration, and
// the jobs it started show it.
func known(v any) any {
	switch t := v.(type) {
	case string:
		if expression(t) {
			return nil
		}
	case []any:
		out := make([]any, 0, len(t))
		for _, inner := range t {
			out = append(out, known(inner))
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(t))
		for k, inner := range t {
			if !strings.HasSuffix(k, ".$") {
				out[k] = known(inner)
			}
		}
		return out
	}
	return v
}

// integration is what a service call of a workflow means.
type integration struct {
	edges []edge
	// what names the AI or data processing that is started, "" for plumbing.
	what string
}

// integrations are the calls that start or touch assets, in small letters.
var integrations = map[string]integration{
	"sagemaker:createtrainingjob":             {trainingEdges, "a SageMaker training job"},
	"sagemaker:createprocessingjob":           {processingEdges, "a SageMaker processing job"},
	"sagemaker:createtransformjob":            {transformEdges, "a SageMaker transform job"},
	"sagemaker:createhyperparametertuningjob": {under("TrainingJobDefinition", trainingEdges), "a SageMaker tuning job"},
	"sagemaker:createlabelingjob":             {nil, "a SageMaker labelling job"},
	"sagemaker:createautomljobv2":             {nil, "a SageMaker AutoML job"},
	"sagemaker:createmodel":                   {slices.Concat(container("PrimaryContainer"), container("Containers[]")), "a SageMaker model"},
	"sagemaker:createendpointconfig":          {[]edge{{estate.Uses, "ProductionVariants[].ModelName", sm("model")}}, "a SageMaker endpoint configuration"},
	"sagemaker:createendpoint":                {[]edge{{estate.Triggers, "EndpointName", sm("endpoint")}}, "a SageMaker endpoint"},
	"sagemaker:updateendpoint":                {[]edge{{estate.Triggers, "EndpointName", sm("endpoint")}}, "a SageMaker endpoint"},
	"sagemaker:startpipelineexecution":        {[]edge{{estate.Triggers, "PipelineName", sm("pipeline")}}, "a SageMaker pipeline"},
	"sagemakerruntime:invokeendpoint":         {[]edge{{estate.Uses, "EndpointName", sm("endpoint")}}, "a SageMaker endpoint"},
	"bedrock:invokemodel":                     {[]edge{{estate.Uses, "ModelId", foundation}, {estate.Reads, "Input.S3Uri", s3}, {estate.Writes, "Output.S3Uri", s3}}, "a Bedrock model"},
	"bedrockruntime:invokemodel":              {[]edge{{estate.Uses, "ModelId", foundation}}, "a Bedrock model"},
	"bedrockruntime:converse":                 {[]edge{{estate.Uses, "ModelId", foundation}}, "a Bedrock model"},
	"bedrock:createmodelcustomizationjob": {[]edge{{estate.RunsAs, "RoleArn", role}, {estate.Reads, "TrainingDataConfig.S3Uri", s3},
		{estate.Writes, "OutputDataConfig.S3Uri", s3}}, "a Bedrock customization job"},
	"bedrockagent:startingestionjob":  {[]edge{{estate.Triggers, "KnowledgeBaseId", knowledgeBase}}, "a knowledge base's ingestion"},
	"bedrockagentruntime:invokeagent": {[]edge{{estate.Triggers, "AgentId", regional("bedrock", "agent/")}}, "a Bedrock agent"},
	"bedrockagentruntime:retrieve":    {[]edge{{estate.Reads, "KnowledgeBaseId", knowledgeBase}}, "a knowledge base"},
	"glue:startjobrun":                {[]edge{{estate.Triggers, "JobName", regional("glue", "job/")}}, "a Glue job"},
	"glue:startcrawler":               {[]edge{{estate.Triggers, "Name", regional("glue", "crawler/")}}, ""},
	"batch:submitjob":                 {[]edge{{estate.Triggers, "JobDefinition", regional("batch", "job-definition/")}, {estate.Uses, "JobQueue", regional("batch", "job-queue/")}}, "a Batch job"},
	"elasticmapreduce:addstep":        {[]edge{{estate.Triggers, "ClusterId", regional("elasticmapreduce", "cluster/")}}, "an EMR step"},
	"elasticmapreduce:createcluster":  {nil, "an EMR cluster"},
	"emr-serverless:startjobrun":      {[]edge{{estate.Triggers, "ApplicationId", regional("emr-serverless", "/applications/")}}, "an EMR job"},
	"ecs:runtask":                     {[]edge{{estate.Triggers, "TaskDefinition", regional("ecs", "task-definition/")}, {estate.Uses, "Cluster", regional("ecs", "cluster/")}}, ""},
	"lambda:invoke":                   {[]edge{{estate.Triggers, "FunctionName", function}}, ""},
	"states:startexecution":           {[]edge{{estate.Triggers, "StateMachineArn", byARN}}, ""},
	"sfn:startexecution":              {[]edge{{estate.Triggers, "StateMachineArn", byARN}}, ""},
	"sns:publish":                     {[]edge{{estate.Writes, "TopicArn", byARN}}, ""},
	"sqs:sendmessage":                 {[]edge{{estate.Writes, "QueueUrl", queueURL}}, ""},
	"dynamodb:putitem":                {[]edge{{estate.Writes, "TableName", regional("dynamodb", "table/")}}, ""},
	"dynamodb:updateitem":             {[]edge{{estate.Writes, "TableName", regional("dynamodb", "table/")}}, ""},
	"dynamodb:getitem":                {[]edge{{estate.Reads, "TableName", regional("dynamodb", "table/")}}, ""},
	"s3:getobject":                    {[]edge{{estate.Reads, "Bucket", bucket}}, ""},
	"s3:putobject":                    {[]edge{{estate.Writes, "Bucket", bucket}}, ""},
	"athena:startqueryexecution":      {[]edge{{estate.Uses, "WorkGroup", regional("athena", "workgroup/")}, {estate.Writes, "ResultConfiguration.OutputLocation", s3}}, ""},
	"codebuild:startbuild":            {[]edge{{estate.Triggers, "ProjectName", regional("codebuild", "project/")}}, ""},
	"eks:runjob":                      {[]edge{{estate.Uses, "ClusterName", regional("eks", "cluster/")}}, ""},
}

// started reads a call with its parameters and names the AI it starts.
func started(r *reading, call string, args node) string {
	i, ok := integrations[strings.ToLower(call)]
	if !ok {
		return ""
	}
	if args.ok() {
		apply(args, i.edges)
	}
	return i.what
}
