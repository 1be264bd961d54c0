"""python -m fill.export --endpoint URL --out DIR: writes what the AWS command
line would print of a filled account, one file a call, in the layout
ACCOUNT/SERVICE/OPERATION[/SUBJECT].json."""

import argparse
import base64
import datetime
import json
import pathlib
import urllib.parse

from botocore.exceptions import ClientError
from botocore import xform_name

from .account import Account

# service -> (command line's name, calls without a subject, calls per item).
# A call per item: operation, parameter, listing operation, path of the items'
# names in its reply.
CALLS = {
    "iam": ("iam", ["GetAccountAuthorizationDetails", "GetAccountSummary", "GetAccountPasswordPolicy", "ListUsers"], [
        ("ListAccessKeys", "UserName", "ListUsers", ("Users", "UserName")),
        ("ListMFADevices", "UserName", "ListUsers", ("Users", "UserName")),
        ("GetLoginProfile", "UserName", "ListUsers", ("Users", "UserName")),
    ]),
    "s3": ("s3api", ["ListBuckets"], [
        (op, "Bucket", "ListBuckets", ("Buckets", "Name")) for op in [
            "GetBucketPolicy", "GetBucketPolicyStatus", "GetBucketAcl", "GetPublicAccessBlock", "GetBucketEncryption",
            "GetBucketVersioning", "GetBucketLogging", "GetBucketOwnershipControls", "GetBucketLocation",
            "GetBucketTagging", "GetBucketLifecycleConfiguration", "GetBucketWebsite", "GetBucketReplication"]
    ]),
    "kms": ("kms", ["ListKeys", "ListAliases"], [
        ("DescribeKey", "KeyId", "ListKeys", ("Keys", "KeyId")),
        ("GetKeyPolicy", "KeyId", "ListKeys", ("Keys", "KeyId")),
        ("GetKeyRotationStatus", "KeyId", "ListKeys", ("Keys", "KeyId")),
    ]),
    "secretsmanager": ("secretsmanager", ["ListSecrets"], [
        ("DescribeSecret", "SecretId", "ListSecrets", ("SecretList", "ARN")),
        ("GetResourcePolicy", "SecretId", "ListSecrets", ("SecretList", "ARN")),
    ]),
    "rds": ("rds", ["DescribeDBInstances", "DescribeDBClusters"], []),
    "dynamodb": ("dynamodb", ["ListTables"], [
        ("DescribeTable", "TableName", "ListTables", ("TableNames", None)),
        ("DescribeContinuousBackups", "TableName", "ListTables", ("TableNames", None)),
        ("GetResourcePolicy", "ResourceArn", "ListTables", ("TableNames", None)),
    ]),
    "ec2": ("ec2", ["DescribeVpcs", "DescribeSubnets", "DescribeSecurityGroups", "DescribeNetworkAcls", "DescribeRouteTables",
                    "DescribeInstances", "DescribeVolumes", "DescribeNetworkInterfaces", "GetEbsEncryptionByDefault"], []),
    "sagemaker": ("sagemaker", ["ListNotebookInstances", "ListTrainingJobs", "ListModels", "ListEndpointConfigs", "ListEndpoints"], [
        ("DescribeNotebookInstance", "NotebookInstanceName", "ListNotebookInstances", ("NotebookInstances", "NotebookInstanceName")),
        ("DescribeTrainingJob", "TrainingJobName", "ListTrainingJobs", ("TrainingJobSummaries", "TrainingJobName")),
        ("DescribeModel", "ModelName", "ListModels", ("Models", "ModelName")),
        ("DescribeEndpointConfig", "EndpointConfigName", "ListEndpointConfigs", ("EndpointConfigs", "EndpointConfigName")),
        ("DescribeEndpoint", "EndpointName", "ListEndpoints", ("Endpoints", "EndpointName")),
    ]),
    "lambda": ("lambda", ["ListFunctions"], [
        ("GetFunctionConfiguration", "FunctionName", "ListFunctions", ("Functions", "FunctionName")),
        ("GetPolicy", "FunctionName", "ListFunctions", ("Functions", "FunctionName")),
        ("ListFunctionUrlConfigs", "FunctionName", "ListFunctions", ("Functions", "FunctionName")),
    ]),
    "ecr": ("ecr", ["DescribeRepositories"], [
        ("GetRepositoryPolicy", "repositoryName", "DescribeRepositories", ("repositories", "repositoryName")),
    ]),
    "eks": ("eks", ["ListClusters"], [("DescribeCluster", "name", "ListClusters", ("clusters", None))]),
    "cloudtrail": ("cloudtrail", ["DescribeTrails"], [
        ("GetTrailStatus", "Name", "DescribeTrails", ("trailList", "Name")),
        ("GetEventSelectors", "TrailName", "DescribeTrails", ("trailList", "Name")),
    ]),
    "guardduty": ("guardduty", ["ListDetectors"], [
        ("GetDetector", "DetectorId", "ListDetectors", ("DetectorIds", None)),
    ]),
}


def plain(value):
    """What json cannot write, as the command line writes it."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value))


def call(client, operation, **params):
    """What the command line prints: the reply, all pages together, or its error."""
    name = xform_name(operation)
    try:
        if client.can_paginate(name):
            reply = client.get_paginator(name).paginate(**params).build_full_result()
        else:
            reply = getattr(client, name)(**params)
    except ClientError as e:
        return f"\n{e}\n"
    reply.pop("ResponseMetadata", None)
    return reply


def write(root, reply, *parts):
    parts = [urllib.parse.quote(p, safe="") for p in parts]
    path = root.joinpath(*parts[:-1], parts[-1] + ".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(reply, str):
        path.write_text(reply)
    else:  # of an empty reply the command line prints nothing
        path.write_text(json.dumps(reply, indent=4, default=plain) if reply else "")


def export(a, root):
    for service, (cli, once, each) in CALLS.items():
        client = a.client(service)
        replies = {}
        for operation in once:
            replies[operation] = call(client, operation)
            write(root, replies[operation], a.id, cli, xform_name(operation, "-"))
        for operation, parameter, listing, (member, name) in each:
            for item in replies[listing].get(member, []):
                subject = item if name is None else item[name]
                more = {"PolicyName": "default"} if operation == "GetKeyPolicy" else {}
                reply = call(client, operation, **{parameter: subject}, **more)
                write(root, reply, a.id, cli, xform_name(operation, "-"), subject)
    write(root, call(a.client("s3control"), "GetPublicAccessBlock", AccountId=a.id), a.id, "s3control", "get-public-access-block")


def main():
    p = argparse.ArgumentParser(prog="fill.export")
    p.add_argument("--endpoint", required=True)
    p.add_argument("--region", default="eu-west-1")
    p.add_argument("--out", required=True, type=pathlib.Path)
    args = p.parse_args()
    export(Account(args.endpoint, args.region, faulty=False), args.out)


if __name__ == "__main__":
    main()
