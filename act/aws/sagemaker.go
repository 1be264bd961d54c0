package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

func (c *Client) sagemaker(ctx context.Context, in Input, operation string, body any) (map[string]any, error) {
	return c.json(ctx, "sagemaker", in.region(), "SageMaker", operation, body)
}

// until asks again until a state is reached: services take their time.
func until(ctx context.Context, ask func() (done bool, now string, err error)) error {
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		done, now, err := ask()
		if err != nil || done {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("it is still %s: %w", now, ctx.Err())
		}
	}
}

func sagemakerActions() []*Action {
	return []*Action{
		{id: "aws.sagemaker.rollback-endpoint", title: "serve an endpoint by an earlier configuration", target: "AWS::SageMaker::Endpoint", params: map[string]string{"config": "name of the endpoint configuration that was good"},
			breaks: "callers get the earlier model's answers; during the change both answer", grants: []string{"sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpoint"},
			also: func(in Input) map[string][]string { // to which it goes back: of undo the one that served before
				_, region, account, _ := in.arn()
				return map[string][]string{"arn:" + in.partition() + ":sagemaker:" + region + ":" + account + ":endpoint-config/*": {"sagemaker:DescribeEndpointConfig", "sagemaker:UpdateEndpoint"}}
			},
			read: endpointConfig, set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return updateEndpoint(ctx, c, in, in.With["config"])
			},
			holds: func(in Input, now, _ json.RawMessage) bool { return text(state(now), "config") == in.With["config"] },
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return updateEndpoint(ctx, c, in, text(state(prior), "config"))
			}},
		{id: "aws.sagemaker.zero-variant", title: "send an endpoint's variant no traffic", target: "AWS::SageMaker::Endpoint", params: map[string]string{"variant": "name of the production variant"},
			breaks: "the other variants take its share; where it is the only one, callers get errors", grants: []string{"sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"},
			read: variantWeight, set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return setWeight(ctx, c, in, "0")
			},
			holds: func(_ Input, now, _ json.RawMessage) bool {
				w, err := strconv.ParseFloat(text(state(now), "weight"), 64)
				return err == nil && w == 0
			},
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return setWeight(ctx, c, in, text(state(prior), "weight"))
			}},
		{id: "aws.sagemaker.stop-notebook", title: "stop a notebook instance", target: "AWS::SageMaker::NotebookInstance",
			breaks: "whoever works in it is cut off; its volume stays", grants: []string{"sagemaker:DescribeNotebookInstance", "sagemaker:StopNotebookInstance", "sagemaker:StartNotebookInstance"},
			read: status("DescribeNotebookInstance", "NotebookInstanceName", "NotebookInstanceStatus"),
			set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return notebook(ctx, c, in, "Stopped")
			},
			holds: func(_ Input, now, _ json.RawMessage) bool { return text(state(now), "status") == "Stopped" },
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return notebook(ctx, c, in, text(state(prior), "status"))
			}},
		{id: "aws.sagemaker.reject-model-package", title: "reject a model package, so that no pipeline deploys it", target: "AWS::SageMaker::ModelPackage",
			breaks: "deployments of that version are refused", grants: []string{"sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"},
			read: status("DescribeModelPackage", "ModelPackageName", "ModelApprovalStatus"),
			set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return approval(ctx, c, in, "Rejected")
			},
			holds: func(_ Input, now, _ json.RawMessage) bool { return text(state(now), "status") == "Rejected" },
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return approval(ctx, c, in, text(state(prior), "status"))
			}},
		{id: "aws.sagemaker.stop-pipeline-execution", title: "stop a run of a pipeline", target: "AWS::SageMaker::PipelineExecution",
			breaks: "the run stops after the step it is at; it can be retried", grants: []string{"sagemaker:DescribePipelineExecution", "sagemaker:StopPipelineExecution", "sagemaker:RetryPipelineExecution"},
			read: status("DescribePipelineExecution", "PipelineExecutionArn", "PipelineExecutionStatus"),
			set: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return pipelineRun(ctx, c, in, "StopPipelineExecution", []string{"Stopped", "Failed", "Succeeded"}, in.With)
			},
			holds: stopped("Stopped", "Failed", "Succeeded"),
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return pipelineRun(ctx, c, in, "RetryPipelineExecution", []string{"Executing", "Succeeded"}, in.With)
			}},
		{id: "aws.sagemaker.stop-training-job", title: "stop a training job", target: "AWS::SageMaker::TrainingJob", final: true,
			breaks: "the job ends; what it had not saved is lost, and it can only be started anew under another name", grants: []string{"sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"},
			read: status("DescribeTrainingJob", "TrainingJobName", "TrainingJobStatus"), set: stopJob("StopTrainingJob", "TrainingJobName", "DescribeTrainingJob", "TrainingJobStatus"),
			holds: stopped("Stopped", "Completed", "Failed")},
		{id: "aws.sagemaker.stop-processing-job", title: "stop a processing job", target: "AWS::SageMaker::ProcessingJob", final: true,
			breaks: "the job ends; it can only be started anew under another name", grants: []string{"sagemaker:DescribeProcessingJob", "sagemaker:StopProcessingJob"},
			read: status("DescribeProcessingJob", "ProcessingJobName", "ProcessingJobStatus"), set: stopJob("StopProcessingJob", "ProcessingJobName", "DescribeProcessingJob", "ProcessingJobStatus"),
			holds: stopped("Stopped", "Completed", "Failed")},
	}
}

func stopped(ends ...string) func(Input, json.RawMessage, json.RawMessage) bool {
	return func(_ Input, now, _ json.RawMessage) bool { return slices.Contains(ends, text(state(now), "status")) }
}

// status reads one member of a description. Services name some resources by ARN.
func status(operation, key, member string) func(context.Context, *Client, Input) (any, error) {
	return func(ctx context.Context, c *Client, in Input) (any, error) {
		r, err := c.sagemaker(ctx, in, operation, map[string]any{key: named(in, key)})
		if err != nil {
			return nil, err
		}
		return map[string]any{"status": text(r, member)}, nil
	}
}

func named(in Input, key string) string {
	if key == "PipelineExecutionArn" || key == "ModelPackageName" {
		return in.Target
	}
	return in.name()
}

func endpointConfig(ctx context.Context, c *Client, in Input) (any, error) {
	r, err := c.sagemaker(ctx, in, "DescribeEndpoint", map[string]any{"EndpointName": in.name()})
	if err != nil {
		return nil, err
	}
	if _, err := c.sagemaker(ctx, in, "DescribeEndpointConfig", map[string]any{"EndpointConfigName": in.With["config"]}); err != nil {
		return nil, &besides{"the configuration to go back to", err}
	}
	return map[string]any{"config": text(r, "EndpointConfigName")}, nil
}

func updateEndpoint(ctx context.Context, c *Client, in Input, config string) error {
	if _, err := c.sagemaker(ctx, in, "UpdateEndpoint", map[string]any{"EndpointName": in.name(), "EndpointConfigName": config}); err != nil {
		return err
	}
	return settled(ctx, c, in)
}

// settled waits for an endpoint to be in service.
func settled(ctx context.Context, c *Client, in Input) error {
	return until(ctx, func() (bool, string, error) {
		r, err := c.sagemaker(ctx, in, "DescribeEndpoint", map[string]any{"EndpointName": in.name()})
		now := text(r, "EndpointStatus")
		if err == nil && (now == "Failed" || now == "UpdateRollbackFailed") {
			err = fmt.Errorf("the endpoint is %s: %s", now, text(r, "FailureReason"))
		}
		return now == "InService", now, err
	})
}

func variantWeight(ctx context.Context, c *Client, in Input) (any, error) {
	r, err := c.sagemaker(ctx, in, "DescribeEndpoint", map[string]any{"EndpointName": in.name()})
	if err != nil {
		return nil, err
	}
	for _, v := range items(r, "ProductionVariants") {
		if text(v, "VariantName") == in.With["variant"] {
			w, err := strconv.ParseFloat(first(text(v, "DesiredWeight"), text(v, "CurrentWeight")), 64)
			if err != nil {
				return nil, fmt.Errorf("the endpoint does not say the variant's weight")
			}
			return map[string]any{"weight": w}, nil
		}
	}
	return nil, fmt.Errorf("endpoint %s has no variant %s", in.name(), in.With["variant"])
}

// setWeight says the number of instances too, as it is: the call may change both.
func setWeight(ctx context.Context, c *Client, in Input, weight string) error {
	r, err := c.sagemaker(ctx, in, "DescribeEndpoint", map[string]any{"EndpointName": in.name()})
	if err != nil {
		return err
	}
	want := map[string]any{"VariantName": in.With["variant"], "DesiredWeight": json.Number(weight)}
	for _, v := range items(r, "ProductionVariants") {
		if n := first(text(v, "DesiredInstanceCount"), text(v, "CurrentInstanceCount")); n != "" && text(v, "VariantName") == in.With["variant"] {
			want["DesiredInstanceCount"] = json.Number(n)
		}
	}
	_, err = c.sagemaker(ctx, in, "UpdateEndpointWeightsAndCapacities", map[string]any{"EndpointName": in.name(), "DesiredWeightsAndCapacities": []any{want}})
	if err != nil {
		return err
	}
	return settled(ctx, c, in)
}

func notebook(ctx context.Context, c *Client, in Input, want string) error {
	operation := map[string]string{"Stopped": "StopNotebookInstance", "InService": "StartNotebookInstance"}[want]
	if operation == "" {
		return fmt.Errorf("a notebook that was %s cannot be made so again", want)
	}
	name := map[string]any{"NotebookInstanceName": in.name()}
	r, err := c.sagemaker(ctx, in, "DescribeNotebookInstance", name)
	if err != nil {
		return err
	}
	if text(r, "NotebookInstanceStatus") != want {
		if _, err := c.sagemaker(ctx, in, operation, name); err != nil {
			return err
		}
	}
	return until(ctx, func() (bool, string, error) {
		r, err := c.sagemaker(ctx, in, "DescribeNotebookInstance", name)
		now := text(r, "NotebookInstanceStatus")
		return now == want, now, err
	})
}

func approval(ctx context.Context, c *Client, in Input, status string) error {
	_, err := c.sagemaker(ctx, in, "UpdateModelPackage", map[string]any{"ModelPackageArn": in.Target, "ModelApprovalStatus": status})
	return err
}

func pipelineRun(ctx context.Context, c *Client, in Input, operation string, ends []string, _ map[string]string) error {
	key := map[string]any{"PipelineExecutionArn": in.Target}
	now := func() (string, error) {
		r, err := c.sagemaker(ctx, in, "DescribePipelineExecution", key)
		return text(r, "PipelineExecutionStatus"), err
	}
	s, err := now()
	if err != nil || slices.Contains(ends, s) {
		return err
	}
	// The token makes a call that is repeated after a lost reply the same call.
	body := map[string]any{"PipelineExecutionArn": in.Target, "ClientRequestToken": token(operation, in.Target)}
	if _, err := c.sagemaker(ctx, in, operation, body); err != nil {
		return err
	}
	return until(ctx, func() (bool, string, error) {
		s, err := now()
		return slices.Contains(ends, s), s, err
	})
}

func stopJob(operation, key, describe, member string) func(context.Context, *Client, Input, json.RawMessage) error {
	return func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
		name := map[string]any{key: in.name()}
		ends := []string{"Stopped", "Completed", "Failed"}
		r, err := c.sagemaker(ctx, in, describe, name)
		if err != nil || slices.Contains(ends, text(r, member)) {
			return err
		}
		if _, err := c.sagemaker(ctx, in, operation, name); err != nil {
			return err
		}
		return until(ctx, func() (bool, string, error) {
			r, err := c.sagemaker(ctx, in, describe, name)
			return slices.Contains(ends, text(r, member)), text(r, member), err
		})
	}
}
