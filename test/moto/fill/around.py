"""What stands around the workloads: logs, pipelines, the way to S3, a vector
store."""

import json

from .account import allow, policy


def fill(a):
    group = logs(a)
    pipeline(a, group)
    end = endpoint(a)
    vectors(a, end)


def logs(a):
    name = "/aws/sagemaker/TrainingJobs"
    client = a.client("logs")
    client.create_log_group(logGroupName=name, **({} if a.faulty else {"kmsKeyId": a.key}))
    if not a.faulty:
        client.put_retention_policy(logGroupName=name, retentionInDays=90)
    for control in ["logs-ai-kept-for-ever", "logs-ai-own-key"]:
        a.plant(control, a.arn("logs", "log-group:" + name))
    return a.arn("logs", "log-group:" + name)


def pipeline(a, group):
    where = {"level": "OFF"} if a.faulty else {
        "level": "ERROR", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group + ":*"}}]}
    arn = a.client("stepfunctions").create_state_machine(
        name="retrain", definition='{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}',
        roleArn=a.arn("iam", "role/serving", region=""), loggingConfiguration=where)["stateMachineArn"]
    a.plant("stepfunctions-logging-off", arn)


def endpoint(a):
    own = {} if a.faulty else {"Condition": {"StringEquals": {"aws:ResourceOrgID": "o-a1b2c3d4e5"}}}
    end = a.client("ec2").create_vpc_endpoint(
        VpcId=a.vpc, ServiceName=f"com.amazonaws.{a.region}.s3",
        PolicyDocument=policy(allow("*", Principal="*", **own)))["VpcEndpoint"]["VpcEndpointId"]
    a.plant("vpc-endpoint-lets-anything-through", a.arn("ec2", "vpc-endpoint/" + end))
    if not a.faulty:
        a.client("ec2").create_vpc_endpoint(
            VpcId=a.vpc, VpcEndpointType="Interface", ServiceName=f"com.amazonaws.{a.region}.bedrock-runtime", SubnetIds=[a.subnet],
            PolicyDocument=policy(allow("bedrock:InvokeModel", Principal="*", **own)))
    a.plant("bedrock-private-endpoint-absent", a.arn("iam", "root", region=""))
    return end


def vectors(a, end):
    rule = {"Rules": [{"ResourceType": "collection", "Resource": ["collection/handbook"]}], "AllowFromPublic": a.faulty}
    if not a.faulty:
        rule["SourceVPCEs"] = [end]
    a.client("opensearchserverless").create_security_policy(name="handbook", type="network", policy=json.dumps([rule]))
    a.plant("opensearch-serverless-public-network", a.arn("aoss", "security-policy/network/handbook"))
