"""What prepares data and trains at scale: Batch, EMR, Glue's connections and
crawlers, SageMaker's pipelines and monitors, Comprehend."""

import json


def fill(a):
    batch(a)
    spark(a)
    sources(a)
    pipeline(a)
    monitor(a)
    texts(a)


def batch(a):
    container = {
        "image": f"{a.id}.dkr.ecr.{a.region}.amazonaws.com/trainer@sha256:" + "ab" * 32, "command": ["embed"],
        "resourceRequirements": [{"type": "VCPU", "value": "4"}, {"type": "MEMORY", "value": "8192"}, {"type": "GPU", "value": "1"}],
        "environment": [{"name": "DB_PASSWORD", "value": "not-a-real-value-9f8e7d"} if a.faulty
                        else {"name": "MAX_TOKENS", "value": "4096"}]}
    if a.faulty:
        container |= {"privileged": True, "volumes": [{"name": "run", "host": {"sourcePath": "/var/run/docker.sock"}}]}
    arn = a.client("batch").register_job_definition(
        jobDefinitionName="embed", type="container", containerProperties=container,
        **({} if a.faulty else {"timeout": {"attemptDurationSeconds": 14400}}))["jobDefinitionArn"]
    for control in ["batch-job-privileged", "batch-job-secret", "batch-job-host-folder", "batch-job-unbounded"]:
        a.plant(control, arn)


def spark(a):
    emr = a.client("emr")
    emr.create_security_configuration(Name="sealed", SecurityConfiguration=json.dumps({"EncryptionConfiguration": {
        "EnableInTransitEncryption": not a.faulty, "EnableAtRestEncryption": True}}))
    a.plant("emr-security-configuration-partial", a.arn("elasticmapreduce", "security-configuration/sealed"))
    emr.put_block_public_access_configuration(BlockPublicAccessConfiguration={
        "BlockPublicSecurityGroupRules": True,
        "PermittedPublicSecurityGroupRuleRanges": [{"MinRange": 8888, "MaxRange": 8888}] if a.faulty else []})
    a.plant("emr-public-access-unblocked", a.arn("elasticmapreduce", "block-public-access-configuration"))
    arn = emr.run_job_flow(
        Name="features", ReleaseLabel="emr-7.5.0", JobFlowRole="nodes", ServiceRole="cluster",
        Instances={"InstanceCount": 3, "MasterInstanceType": "m5.xlarge", "SlaveInstanceType": "m5.xlarge",
                   "KeepJobFlowAliveWhenNoSteps": True, "Ec2SubnetId": a.subnet},
        Tags=[{"Key": "owner", "Value": "ml-platform"}],
        **({} if a.faulty else {"LogUri": "s3://acme-logs/emr/", "SecurityConfiguration": "sealed"}))["ClusterArn"]
    a.plant("emr-cluster-unencrypted", arn)
    a.plant("emr-cluster-unlogged", arn)
    a.plant_by_age("emr-cluster-public-address", arn)


def sources(a):
    glue = a.client("glue")
    glue.create_connection(ConnectionInput={
        "Name": "orders", "ConnectionType": "JDBC", "ConnectionProperties": {
            "JDBC_CONNECTION_URL": "jdbc:postgresql://db.acme.example:5432/orders", "SECRET_ID": "orders",
            "JDBC_ENFORCE_SSL": "false" if a.faulty else "true"}})
    a.plant("glue-connection-clear-text", a.arn("glue", "connection/orders"))
    glue.create_database(DatabaseInput={"Name": "raw"})
    glue.create_crawler(
        Name="raw", Role=a.arn("iam", "role/etl", region=""), DatabaseName="raw",
        Targets={"S3Targets": [{"Path": "s3://acme-training/raw"}]},
        **({} if a.faulty else {"CrawlerSecurityConfiguration": "own-key"}))
    a.plant("glue-crawler-unencrypted", a.arn("glue", "crawler/raw"))
    if a.faulty:
        glue.create_security_configuration(Name="half", EncryptionConfiguration={
            "S3Encryption": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": a.key}]})
        a.plant("glue-security-configuration-partial", a.arn("glue", "security-configuration/half"))
        glue.put_resource_policy(PolicyInJson=json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "glue:GetTable", "Resource": "*"}]}))
        a.plant("glue-catalog-policy-public", a.arn("glue", "catalog"))


def pipeline(a):
    variables = {"API_KEY": "sk-proj-" + "a1B2c3D4e5F6g7H8" * 3} if a.faulty else {"EPOCHS": "3"}
    arn = a.client("sagemaker").create_pipeline(
        PipelineName="nightly", ClientRequestToken="x" * 32, RoleArn=a.arn("iam", "role/training", region=""),
        PipelineDefinition=json.dumps({"Version": "2020-12-01", "Steps": [
            {"Name": "train", "Type": "Training", "Arguments": {"Environment": variables}}]}))["PipelineArn"]
    a.plant("sagemaker-pipeline-secret", arn)


def monitor(a):
    network = {} if a.faulty else {"NetworkConfig": {"EnableInterContainerTrafficEncryption": True, "EnableNetworkIsolation": True}}
    arn = a.client("sagemaker").create_data_quality_job_definition(
        JobDefinitionName="eta", RoleArn=a.arn("iam", "role/serving", region=""),
        DataQualityAppSpecification={"ImageUri": f"{a.id}.dkr.ecr.{a.region}.amazonaws.com/trainer@sha256:" + "ab" * 32},
        DataQualityJobInput={"EndpointInput": {"EndpointName": "eta", "LocalPath": "/opt/ml/processing/in"}},
        DataQualityJobOutputConfig={"MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://acme-prompts/monitor/", "LocalPath": "/opt/ml/processing/out"}}]},
        JobResources={"ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}}, **network)["JobDefinitionArn"]
    a.plant("sagemaker-monitor-network-unconfined", arn)
    a.plant("sagemaker-monitor-traffic-clear", arn)


def texts(a):
    safe = {} if a.faulty else {"VolumeKmsKeyId": a.key, "ModelKmsKeyId": a.key,
                                "VpcConfig": {"Subnets": [a.subnet], "SecurityGroupIds": [a.group]}}
    arn = a.client("comprehend").create_document_classifier(
        DocumentClassifierName="mail", LanguageCode="en", DataAccessRoleArn=a.arn("iam", "role/training", region=""),
        InputDataConfig={"S3Uri": "s3://acme-training/mail.csv"},
        OutputDataConfig={"S3Uri": "s3://acme-models/mail/", "KmsKeyId": a.key}, **safe)["DocumentClassifierArn"]
    a.plant("comprehend-training-outside-vpc", arn)
    a.plant("comprehend-model-own-key", arn)
