// Package aws understands what an AWS asset's configuration means: its kind,
// the relations it declares, and whether it is the root of an AI workload.
//
// A configuration is what the AWS command line prints (the primary reply at
// the root, further replies under their operation's name). Exports may hold
// less than a live account, so every member is optional; a member of another
// type than its API model says becomes a Problem and is otherwise ignored.
//
// # Identifiers
//
// A relation's target is the exact id of the asset it means: an ARN stands as
// it is, a name or id is completed with the partition, region and account of
// the asset that names it. A role given by bare name gets no path, because the
// configuration does not say it. Beyond ARNs these ids are used:
//
//	sagemaker.amazonaws.com               a service principal (AWS::ServicePrincipal)
//	set://principals/*                    every principal, anonymous ones included
//	ARN#statement/N                       those whom statement N (from 0) of a resource's policy allows
//	ARN#policy/NAME                       an inline policy of a user, group or role
//	arn:aws:s3:::BUCKET#prefix/PREFIX     the objects under a prefix
//	arn:aws:s3:::BUCKET#object/KEY        one object, as a model artefact is
//	image://REGISTRY/REPO[:TAG|@DIGEST]   a container image
//	set://principals/aws-accounts         everyone with any AWS account (an S3 access control list's group)
//	canonical-user://ID                   an account by its S3 canonical id
//	endpoint-service://NAME               an AWS service as a VPC endpoint leads to it
//	host://NAME[:PORT]                    a server outside AWS's own naming
//
// # Adding a type
//
// A type is one entry of its service area's list: its kind, its declarative
// edges (relation, path in the configuration, how the value becomes an id), and
// a reading function where that does not suffice.
package aws
