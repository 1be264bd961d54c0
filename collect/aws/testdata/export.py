"""Exports a moto account with the aws command line, one file for each reply:
export.py DIR. The command line runs in this process, for a new one each call
would take half a second."""

import contextlib
import io
import json
import os
import sys

from awscli.clidriver import create_clidriver

OUT = sys.argv[1]
REGION = "eu-west-1"


def aws(service, operation, *args, subject=None, region=REGION, folder=None):
    """Runs one command and files what it prints, as people do."""
    buf = io.StringIO()
    with contextlib.redirect_stdout(buf), contextlib.redirect_stderr(io.StringIO()):
        code = create_clidriver().main([service, operation, *args, "--region", region, "--output", "json"])
    if code != 0 or not buf.getvalue().strip():
        return {}
    path = os.path.join(OUT, folder or service, operation, subject + ".json") if subject else os.path.join(OUT, folder or service, operation + ".json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(buf.getvalue())
    return json.loads(buf.getvalue())


aws("iam", "get-account-authorization-details", "--filter", "User", "Role", "Group", "LocalManagedPolicy")
aws("iam", "generate-credential-report")
aws("iam", "generate-credential-report")
aws("iam", "get-credential-report")
aws("iam", "get-account-summary")
aws("iam", "get-account-password-policy")
for user in ("ada", "bob"):
    for op in ("get-user", "list-access-keys", "list-mfa-devices", "get-login-profile"):
        aws("iam", op, "--user-name", user, subject=user)
for b in aws("s3api", "list-buckets")["Buckets"]:
    for op in ("get-bucket-location", "get-bucket-policy", "get-bucket-acl", "get-public-access-block",
               "get-bucket-encryption", "get-bucket-versioning", "get-bucket-tagging"):
        aws("s3api", op, "--bucket", b["Name"], subject=b["Name"])
for op in ("describe-vpcs", "describe-subnets", "describe-security-groups", "describe-network-acls", "describe-route-tables",
           "describe-internet-gateways", "describe-nat-gateways", "describe-vpc-endpoints", "describe-instances",
           "describe-network-interfaces", "describe-volumes", "describe-launch-templates", "describe-transit-gateways",
           "describe-managed-prefix-lists", "get-ebs-encryption-by-default"):
    aws("ec2", op)
for t in aws("ec2", "describe-transit-gateway-route-tables")["TransitGatewayRouteTables"]:
    i = t["TransitGatewayRouteTableId"]
    aws("ec2", "search-transit-gateway-routes", "--transit-gateway-route-table-id", i, "--filters", "Name=state,Values=active,blackhole", subject=i)
for k in aws("kms", "list-keys")["Keys"]:
    i = k["KeyId"]
    aws("kms", "describe-key", "--key-id", i, subject=i)
    aws("kms", "get-key-policy", "--key-id", i, "--policy-name", "default", subject=i)
    aws("kms", "get-key-rotation-status", "--key-id", i, subject=i)
aws("kms", "list-aliases")
aws("sagemaker", "list-endpoints")
aws("sagemaker", "describe-endpoint", "--endpoint-name", "fraud", subject="fraud")
aws("sagemaker", "describe-endpoint-config", "--endpoint-config-name", "fraud", subject="fraud")
aws("sagemaker", "describe-model", "--model-name", "fraud", subject="fraud")
aws("sagemaker", "list-tags", "--resource-arn", "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/fraud", subject="arn%3Aaws%3Asagemaker%3Aeu-west-1%3A123456789012%3Aendpoint%2Ffraud")
aws("sagemaker", "describe-notebook-instance", "--notebook-instance-name", "lab", subject="lab")
for j in aws("sagemaker", "list-training-jobs")["TrainingJobSummaries"]:
    aws("sagemaker", "describe-training-job", "--training-job-name", j["TrainingJobName"], subject=j["TrainingJobName"])
aws("ecr", "describe-repositories")
aws("dynamodb", "list-tables")
aws("dynamodb", "describe-table", "--table-name", "features", subject="features")
aws("dynamodb", "describe-continuous-backups", "--table-name", "features", subject="features")
aws("secretsmanager", "list-secrets")
aws("logs", "describe-log-groups")
aws("eks", "describe-cluster", "--name", "ml", subject="ml")
aws("ecs", "describe-clusters", "--clusters", "serve")
aws("glue", "get-jobs")
aws("glue", "get-databases")
aws("stepfunctions", "list-state-machines")
aws("stepfunctions", "describe-state-machine", "--state-machine-arn", "arn:aws:states:eu-west-1:123456789012:stateMachine:retrain", subject="retrain")
aws("cloudtrail", "describe-trails")
aws("cloudtrail", "get-trail-status", "--name", "main", subject="main")
aws("rds", "describe-db-instances")
aws("efs", "describe-file-systems")
aws("sns", "list-topics")
aws("sns", "get-topic-attributes", "--topic-arn", "arn:aws:sns:eu-west-1:123456789012:alarms", subject="alarms")
aws("events", "list-rules")
aws("events", "list-targets-by-rule", "--rule", "nightly", subject="nightly")
