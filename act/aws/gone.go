package aws

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// GoneError says that what an action is done to is not in the account, or is there no more.
type GoneError struct{ err error }

// Error implements error.
func (e *GoneError) Error() string { return e.err.Error() }

// Unwrap is what AWS answered.
func (e *GoneError) Unwrap() error { return e.err }

// Gone tells playbooks that there is nothing left to change or to put back.
func (e *GoneError) Gone() bool { return true }

// absent are, by the operation that reads a target, the codes that say there is no such target
// (each service's API reference, "Errors" of the operation). Other operations answer of what
// stands beside it: the configuration to go back to is not what is contained.
var absent = map[string][]string{
	"GetRole": {"NoSuchEntity"}, "GetUser": {"NoSuchEntity"}, "ListAccessKeys": {"NoSuchEntity"}, "ListAttachedRolePolicies": {"NoSuchEntity"},
	"DescribeEndpoint": sagemakerAbsent, "DescribeNotebookInstance": sagemakerAbsent, "DescribeModelPackage": sagemakerAbsent,
	"DescribePipelineExecution": sagemakerAbsent, "DescribeTrainingJob": sagemakerAbsent, "DescribeProcessingJob": sagemakerAbsent,
	"GetBucketPolicy": {"NoSuchBucket"}, "GetPublicAccessBlock": {"NoSuchBucket"}, "ListObjectVersions": {"NoSuchBucket"},
	"GetObjectLegalHold": {"NoSuchBucket", "NoSuchKey", "NoSuchVersion"},
	"DescribeKey":        {"NotFound"}, // NotFoundException
	"GetResourcePolicy":  {"ResourceNotFound"}, "GetRepositoryPolicy": {"RepositoryNotFound"},
	"DescribeInstances":      {"InvalidInstanceID.NotFound"},
	"DescribeSecurityGroups": {"InvalidGroup.NotFound", "InvalidGroupId.NotFound"},
	"GetFunctionConcurrency": {"ResourceNotFound"}, "DescribeRule": {"ResourceNotFound"}, "GetTrigger": {"EntityNotFound"},
	"DescribeServices": {"ServiceNotFound", "ClusterNotFound"}, "GetAgentActionGroup": {"ResourceNotFound"}, "GetGuardrail": {"ResourceNotFound"},
}

var sagemakerAbsent = []string{"ResourceNotFound", "ValidationException"}

// sagemakerSays are how SageMaker says, under the code of every other mistake in a request,
// that it knows no such thing.
var sagemakerSays = []string{"could not find", "not found", "recordnotfound", "does not exist"}

// goneOf is the error as a GoneError where it says that the target is not there.
func goneOf(err error) error {
	var e *Error
	if !errors.As(err, &e) || !isCode(e, absent[e.Operation]...) {
		return err
	}
	if isCode(e, "ValidationException") && !slices.ContainsFunc(sagemakerSays, func(s string) bool { return strings.Contains(strings.ToLower(e.Message), s) }) {
		return err
	}
	return &GoneError{err}
}

// after looks, where a change failed, whether that is because its target is gone meanwhile.
func (a *Action) after(ctx context.Context, target string, with map[string]string, err error) error {
	if err == nil {
		return nil
	}
	var gone *GoneError
	if _, rerr := a.Read(ctx, target, with); errors.As(rerr, &gone) {
		return rerr
	}
	return err
}

// besides is the error of what stands beside a target, which tells nothing of the target itself.
type besides struct {
	what string
	err  error
}

// Error implements error.
func (e *besides) Error() string { return e.what + ": " + e.err.Error() }

// exists asks for a resource by itself where a reply that holds nothing of it may mean that it
// is gone: err is returned unless that is so.
func (c *Client) exists(ctx context.Context, in Input, operation string, params map[string]string, err error) error {
	r, aerr := c.ec2(ctx, in, operation, params)
	if aerr != nil {
		return aerr
	}
	for _, set := range items(r, "reservationSet") {
		for _, i := range items(set, "instancesSet") {
			if text(i, "instanceState", "name") == "terminated" {
				return &GoneError{&Error{Service: "ec2", Operation: operation, Code: "terminated", Message: "instance " + in.name() + " was terminated"}}
			}
		}
	}
	return err
}

// removed is the error of a reply that lists the target as deleted.
func removed(service, operation, message string) error {
	return &GoneError{&Error{Service: service, Operation: operation, Code: "NotFound", Message: message}}
}
