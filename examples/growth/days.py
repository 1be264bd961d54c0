"""Writes what harbour's own roles and people do on ordinary days, as CloudTrail
delivers it (DIR/days), and one day on which somebody else has the notebook's role
(DIR/today). Usage: days.py DIR"""

import datetime
import gzip
import json
import os
import random
import sys

TRAIN, SERVE = "111122223333", "444455556666"
# Who, in which account, from where, how often an hour, by what program, doing what.
HABITS = [
    ("eta-training", TRAIN, "10.20.1.14", 3, "Boto3/1.40", ["s3:GetObject", "s3:PutObject", "ecr:BatchGetImage", "sagemaker:DescribeTrainingJob"]),
    ("eta-pipeline", TRAIN, "10.20.1.30", 2, "Boto3/1.40", ["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "s3:ListObjectsV2", "sagemaker:CreateModelPackage"]),
    ("manifest-cleanse", TRAIN, "10.20.2.9", 3, "Boto3/1.38", ["s3:GetObject", "s3:PutObject", "glue:GetTable", "glue:UpdateTable"]),
    ("manifest-refresh", TRAIN, "10.20.2.11", 1, "Boto3/1.38", ["glue:StartJobRun", "glue:GetJobRun", "states:StartExecution"]),
    ("port-lab-notebook", TRAIN, "10.20.3.7", 3, "Boto3/1.40", ["s3:GetObject", "s3:ListObjectsV2", "sagemaker:ListTrainingJobs", "sagemaker:DescribeTrainingJob"]),
    ("ci-deploy", TRAIN, "10.20.4.2", 1, "aws-sdk-go-v2/1.39", ["ecr:PutImage", "sagemaker:CreateModel", "sagemaker:DescribeEndpoint"]),
    ("eta-serving", SERVE, "10.30.1.5", 3, "Boto3/1.40", ["s3:GetObject", "ecr:BatchGetImage", "logs:PutLogEvents"]),
    ("berth-assist-agent", SERVE, "10.30.2.6", 3, "aws-sdk-java/2.33", ["bedrock:InvokeModel", "bedrock:Retrieve", "lambda:Invoke"]),
    ("quay-llm", SERVE, "10.30.3.8", 2, "Boto3/1.40", ["s3:GetObject", "secretsmanager:GetSecretValue"]),
]
READS = ("Get", "List", "Describe", "BatchGet", "Retrieve", "Invoke")
# What the stranger does with the role, minute by minute; the last two are refused.
ATTACK = [("sts", "GetCallerIdentity"), ("iam", "ListRoles"), ("bedrock", "ListFoundationModelAgreementOffers"), ("bedrock", "PutUseCaseForModelAccess"),
          ("sagemaker", "CreatePresignedNotebookInstanceUrl"), ("s3", "PutBucketPolicy"), ("iam", "CreateAccessKey"), ("cloudtrail", "StopLogging")]


def record(rng, role, account, address, agent, when, service, action, refused=False):
    out = {
        "eventVersion": "1.11", "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"), "eventSource": service + ".amazonaws.com", "eventName": action,
        "awsRegion": "eu-west-1", "sourceIPAddress": address, "userAgent": agent, "eventID": "%032x" % rng.getrandbits(128), "requestID": "%032x" % rng.getrandbits(128),
        "readOnly": action.startswith(READS), "eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": account, "eventCategory": "Management",
        "userIdentity": {"type": "AssumedRole", "principalId": "AROA:" + role, "arn": f"arn:aws:sts::{account}:assumed-role/{role}/work", "accountId": account,
                         "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{account}:role/{role}", "accountId": account, "userName": role}}},
    }
    if service == "s3":
        out["requestParameters"] = {"bucketName": "harbour-manifests"}
    if refused:
        out["errorCode"] = "AccessDenied"
    return out


def write(path, records):
    with gzip.open(path, "wt", compresslevel=1) as f:
        json.dump({"Records": sorted(records, key=lambda r: r["eventTime"])}, f)


def main(out):
    rng = random.Random(7)
    now = datetime.datetime.now(datetime.timezone.utc).replace(minute=0, second=0, microsecond=0)
    begin = now - datetime.timedelta(days=18)
    for part in ("days", "today"):
        os.makedirs(os.path.join(out, part), exist_ok=True)
    for day in range(18):
        records = []
        for hour in range(24):
            at = begin + datetime.timedelta(days=day, hours=hour)
            for role, account, address, often, agent, does in HABITS:
                for _ in range(often):
                    service, action = rng.choice(does).split(":")
                    records.append(record(rng, role, account, address, agent, at + datetime.timedelta(seconds=rng.randrange(3600)), service, action))
        write(os.path.join(out, "days" if day < 17 else "today", f"{day:02}.json.gz"), records)
    attack = [record(rng, "port-lab-notebook", TRAIN, "203.0.113.40", "aws-cli/2.31.4", now - datetime.timedelta(minutes=30 - i), s, a, i >= len(ATTACK) - 2) for i, (s, a) in enumerate(ATTACK)]
    write(os.path.join(out, "today", "99.json.gz"), attack)


main(sys.argv[1])
