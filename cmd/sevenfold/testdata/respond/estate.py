"""Makes, behind AWS_ENDPOINT_URL, a small company whose three things are attacked; with a
scenario's name, attacks one."""
import json, sys
import boto3
import botocore.exceptions

iam, sm, s3, ev = (boto3.client(n) for n in ["iam", "sagemaker", "s3", "events"])
A = "123456789012"


def role(name, service, statement):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [dict(Effect="Allow", **statement)]}))
    return arn


def make():
    out = {}
    out["scoring"] = role("scoring", "sagemaker.amazonaws.com", {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-models/*"})
    out["training"] = role("training", "sagemaker.amazonaws.com", {"Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::acme-training", "arn:aws:s3:::acme-training/*", "arn:aws:s3:::acme-models/*"]})
    for b in ("acme-training", "acme-models"):
        s3.create_bucket(Bucket=b, ObjectLockEnabledForBucket=True, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    out["object"] = "arn:aws:s3:::acme-training/sets/a.csv"
    out["good"] = s3.put_object(Bucket="acme-training", Key="sets/a.csv", Body=b"good")["VersionId"]
    for n in ("good", "bad"):
        sm.create_model(ModelName=n, ExecutionRoleArn=out["scoring"], PrimaryContainer={"Image": f"{A}.dkr.ecr.eu-west-1.amazonaws.com/m@sha256:" + ("ab" if n == "good" else "cd") * 32})
        sm.create_endpoint_config(EndpointConfigName=n, ProductionVariants=[{"VariantName": "blue", "ModelName": n, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large", "InitialVariantWeight": 1.0}])
    out["endpoint"] = sm.create_endpoint(EndpointName="score", EndpointConfigName="good")["EndpointArn"]
    sm.create_training_job(TrainingJobName="fit", RoleArn=out["training"], AlgorithmSpecification={"TrainingImage": f"{A}.dkr.ecr.eu-west-1.amazonaws.com/m@sha256:" + "ef" * 32, "TrainingInputMode": "File"},
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://acme-training/sets/"}}}],
        OutputDataConfig={"S3OutputPath": "s3://acme-models/"}, ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5}, StoppingCondition={"MaxRuntimeInSeconds": 3600})
    steps = [{"Name": "fit", "Type": "Training", "Arguments": {"RoleArn": out["training"], "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://acme-training/sets/"}}}], "OutputDataConfig": {"S3OutputPath": "s3://acme-models/"}}}]
    out["pipeline"] = sm.create_pipeline(PipelineName="retrain", PipelineDefinition=json.dumps({"Version": "2020-12-01", "Steps": steps}), RoleArn=out["training"], ClientRequestToken="t" * 32)["PipelineArn"]
    out["rule"] = ev.put_rule(Name="nightly", ScheduleExpression="rate(1 day)")["RuleArn"]
    ev.put_targets(Rule="nightly", Targets=[{"Id": "1", "Arn": out["pipeline"], "RoleArn": out["training"], "SageMakerPipelineParameters": {"PipelineParameterList": []}}])
    return out


def attack(what):
    if what == "endpoint":
        sm.update_endpoint(EndpointName="score", EndpointConfigName="bad")
        return {}
    if what == "pipeline":
        return {"bad": s3.put_object(Bucket="acme-training", Key="sets/a.csv", Body=b"poisoned")["VersionId"]}


def said(fn):
    """What it gives, or what is said against it: a sealed bucket, no policy."""
    try:
        return fn()
    except botocore.exceptions.ClientError as e:
        return str(e)


def now():
    body = said(lambda: s3.get_object(Bucket="acme-training", Key="sets/a.csv")["Body"].read().decode())
    policy = said(lambda: s3.get_bucket_policy(Bucket="acme-training")["Policy"])
    return {"config": sm.describe_endpoint(EndpointName="score")["EndpointConfigName"], "rule": ev.describe_rule(Name="nightly")["State"], "object": body, "policy": policy,
            "training": iam.list_role_policies(RoleName="training")["PolicyNames"], "scoring": iam.list_role_policies(RoleName="scoring")["PolicyNames"]}


print(json.dumps({"make": make, "now": now}[sys.argv[1]]() if sys.argv[1] in ("make", "now") else attack(sys.argv[1]), indent=1))
